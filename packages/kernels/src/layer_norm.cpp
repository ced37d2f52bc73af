// Normalisation of rows: layer, group and root-mean-square normalisation, and their gradients.
#include "norm.hpp"

namespace flambeau {
namespace {

// Partial sums of the gradients of weight and bias: a fixed number of blocks of rows at most.
constexpr int64_t kRowBlocks = 64;

// Rows of `length` elements. Row r has `channels` weights from (r % groups) · channels on, each of `span` elements.
struct Rows {
  int64_t count, length, groups, span, channels;
  Rows(const TensorArg& x, int64_t groups, int64_t span)
      : count(x.sizes[0]), length(x.sizes[1]), groups(groups), span(span), channels(length / span) {}
  int64_t first(int64_t row) const { return row % groups * channels; }
  int64_t grain() const { return kPiece / std::max<int64_t>(length, 1); }
};

template <class C> Moments momentsOfRow(const C* x, int64_t n) {
  Moments all;
  for (int64_t i = 0; i < n; i += kMomentRun) {
    const int64_t some = std::min(kMomentRun, n - i);
    all.join(momentsOf<C>(double(some), [&](auto f) __attribute__((always_inline)) { f(x + i, some); }));
  }
  return all;
}
template <class C> double squaresOfRow(const C* x, int64_t n) {
  double all = 0;
  for (int64_t i = 0; i < n; i += kMomentRun) {
    Vec<C> a{};
    eachVector<C>(std::min(kMomentRun, n - i), [&](auto get, auto) __attribute__((always_inline)) {
      const Vec<C> v = get(x + i);
      a += v * v;
    });
    all += sumLanes<C>(a);
  }
  return all;
}

template <class C>
int forward(const Rows& rows, const C* x, const C* weight, const C* bias, C* mean, C* rstd, C* out, double eps) {
  const int64_t n = rows.length;
  parallelFor(rows.count, rows.grain(), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      const C* from = x + r * n;
      C* to = out + r * n;
      double center = 0, variance;
      if (mean) {
        const Moments m = momentsOfRow<C>(from, n);
        center = m.mean(), variance = m.squares / double(n);
        mean[r] = C(center);
      } else {
        variance = squaresOfRow<C>(from, n) / double(n);
      }
      rstd[r] = C(1 / std::sqrt(variance + eps));
      const Vec<C> m = splat<C>(C(center)), a = splat<C>(rstd[r]);
      const int64_t w0 = rows.first(r);
      if (rows.span > 1 && (weight || bias)) {
        for (int64_t c = 0; c < rows.channels; c++) {
          const Vec<C> scale = weight ? a * splat<C>(weight[w0 + c]) : a, shift = splat<C>(bias ? bias[w0 + c] : C(0));
          eachVector<C>(rows.span, [&](auto get, auto put) __attribute__((always_inline)) {
            put(to + c * rows.span, (get(from + c * rows.span) - m) * scale + shift);
          });
        }
        continue;
      }
      eachVector<C>(n, [&](auto get, auto put) __attribute__((always_inline)) {
        Vec<C> y = (get(from) - m) * a;
        if (weight) y *= get(weight + w0);
        if (bias) y += get(bias + w0);
        put(to, y);
      });
    }
  });
  return kOk;
}

// gradX = rstd · (g w − means.first − xhat · means.second), where means are those of g w and of g w xhat.
template <class C>
void gradientOfRow(const Rows& rows, const C* g, const C* x, const C* weight, Vec<C> m, Vec<C> a, Sums sums, bool centred, C* to) {
  const double n = double(rows.length);
  const Vec<C> k1 = splat<C>(centred ? C(sums.first / n) : C(0)), k2 = splat<C>(C(sums.second / n));
  if (rows.span == 1 || !weight) {
    eachVector<C>(rows.length, [&](auto get, auto put) __attribute__((always_inline)) {
      Vec<C> v = get(g);
      if (weight) v *= get(weight);
      put(to, (v - k1 - (get(x) - m) * a * k2) * a);
    });
    return;
  }
  for (int64_t c = 0; c < rows.channels; c++) {
    const int64_t at = c * rows.span;
    const Vec<C> w = splat<C>(weight[c]);
    eachVector<C>(rows.span, [&](auto get, auto put) __attribute__((always_inline)) {
      put(to + at, (get(g + at) * w - k1 - (get(x + at) - m) * a * k2) * a);
    });
  }
}

// Σ g and Σ g xhat of a run.
template <class C> Sums sumsOf(const C* g, const C* x, const C* weight, Vec<C> m, Vec<C> a, int64_t n) {
  Sums all;
  for (int64_t i = 0; i < n; i += kMomentRun) {
    Vec<C> p{}, q{};
    eachVector<C>(std::min(kMomentRun, n - i), [&](auto get, auto) __attribute__((always_inline)) {
      Vec<C> v = get(g + i);
      if (weight) v *= get(weight + i);
      p += v, q += v * ((get(x + i) - m) * a);
    });
    all.join({sumLanes<C>(p), sumLanes<C>(q)});
  }
  return all;
}

template <class C>
int backward(const Rows& rows, const C* g, const C* x, const C* weight, const C* mean, const C* rstd, C* gradX, C* gradWeight,
             C* gradBias) {
  const int64_t n = rows.length, width = rows.groups * rows.channels, samples = rows.count / rows.groups;
  const bool affine = gradWeight || gradBias;
  const auto center = [&](int64_t r) { return splat<C>(mean ? mean[r] : C(0)); };
  if (rows.span > 1) {
    // Per row and channel: Σ g and Σ g xhat.
    Scratch<double, 512> memory(rows.count * rows.channels * 2);
    if (!memory) return kOutOfMemory;
    Sums* sums = reinterpret_cast<Sums*>(memory.get());
    parallelFor(rows.count, rows.grain(), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; r++) {
        const Vec<C> m = center(r), a = splat<C>(rstd[r]);
        const C* w = weight ? weight + rows.first(r) : nullptr;
        Sums row;
        for (int64_t c = 0; c < rows.channels; c++) {
          const int64_t at = r * n + c * rows.span;
          const Sums s = sums[r * rows.channels + c] = sumsOf<C>(g + at, x + at, nullptr, m, a, rows.span);
          const double factor = w ? double(w[c]) : 1;
          row.join({s.first * factor, s.second * factor});
        }
        if (gradX) gradientOfRow<C>(rows, g + r * n, x + r * n, w, m, a, row, mean, gradX + r * n);
      }
    });
    for (int64_t k = 0; affine && k < width; k++) {
      Sums total;
      for (int64_t i = 0; i < samples; i++) total.join(sums[i * width + k]);
      if (gradWeight) gradWeight[k] = C(total.second);
      if (gradBias) gradBias[k] = C(total.first);
    }
    return kOk;
  }
  // Blocks of samples: the gradients of weight and bias are summed within a block in C, and over blocks in double.
  const int64_t size = std::max((samples + kRowBlocks - 1) / kRowBlocks, std::max<int64_t>(kPiece / std::max<int64_t>(width, 1), 1));
  const int64_t blocks = (samples + size - 1) / size;
  Scratch<C> parts(affine ? blocks * width * 2 : 0);
  if (!parts) return kOutOfMemory;
  parallelFor(blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; b++) {
      C *sumW = parts.get() + b * width * 2, *sumB = sumW + width;
      if (affine) std::fill(sumW, sumW + 2 * width, C(0));
      for (int64_t r = b * size * rows.groups; r < std::min((b + 1) * size, samples) * rows.groups; r++) {
        const Vec<C> m = center(r), a = splat<C>(rstd[r]);
        const C *gr = g + r * n, *xr = x + r * n, *w = weight ? weight + rows.first(r) : nullptr;
        if (gradX) gradientOfRow<C>(rows, gr, xr, w, m, a, sumsOf<C>(gr, xr, w, m, a, n), mean, gradX + r * n);
        if (!affine) continue;
        C *toW = sumW + rows.first(r), *toB = sumB + rows.first(r);
        eachVector<C>(n, [&](auto get, auto put) __attribute__((always_inline)) {
          const Vec<C> v = get(gr);
          put(toW, get(toW) + v * ((get(xr) - m) * a));
          put(toB, get(toB) + v);
        });
      }
    }
  });
  for (int64_t k = 0; affine && k < width; k++) {
    Sums total;
    for (int64_t b = 0; b < blocks; b++) {
      const C* part = parts.get() + b * width * 2;
      total.join({double(part[width + k]), double(part[k])});
    }
    if (gradWeight) gradWeight[k] = C(total.second);
    if (gradBias) gradBias[k] = C(total.first);
  }
  return kOk;
}

}  // namespace

// layerNorm(x [rows, length], weight?, bias?, mean?, rstd, out, groups, span, eps). All contiguous and of one dtype. Weight
// and bias are those of `groups` consecutive rows, each of their elements serving `span` of a row's. Without `mean` rows are
// divided by their root mean square alone.
KERNEL(layerNorm) {
  const TensorArg x = args.tensor(), weight = args.tensor(), bias = args.tensor(), mean = args.tensor(), rstd = args.tensor(),
                  out = args.tensor();
  const int64_t groups = args.i64(), span = args.i64();
  const double eps = args.f64();
  if (x.numel() == 0) return kOk;
  const auto run = [&](auto tag) {
    using C = decltype(tag);
    return forward<C>(Rows(x, groups, span), x.as<C>(), weight.as<C>(), bias.as<C>(), mean.as<C>(), rstd.as<C>(), out.as<C>(), eps);
  };
  return x.dtype == DType::f32 ? run(float{}) : x.dtype == DType::f64 ? run(double{}) : int(kUnsupported);
}

// layerNormBackward(grad, x, weight?, mean?, rstd, gradX?, gradWeight?, gradBias?, groups, span)
KERNEL(layerNormBackward) {
  const TensorArg grad = args.tensor(), x = args.tensor(), weight = args.tensor(), mean = args.tensor(), rstd = args.tensor(),
                  gradX = args.tensor(), gradWeight = args.tensor(), gradBias = args.tensor();
  const int64_t groups = args.i64(), span = args.i64();
  if (x.numel() == 0) return kOk;
  const auto run = [&](auto tag) {
    using C = decltype(tag);
    return backward<C>(Rows(x, groups, span), grad.as<C>(), x.as<C>(), weight.as<C>(), mean.as<C>(), rstd.as<C>(), gradX.as<C>(),
                       gradWeight.as<C>(), gradBias.as<C>());
  };
  return x.dtype == DType::f32 ? run(float{}) : x.dtype == DType::f64 ? run(double{}) : int(kUnsupported);
}

}  // namespace flambeau
