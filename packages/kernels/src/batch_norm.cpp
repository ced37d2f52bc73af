// Batch normalisation of x [N, C, S]: forward, and its gradients.
#include <type_traits>

#include "norm.hpp"

namespace flambeau {
namespace {

// Rows of a table [N, C] whose columns one task sums, and columns to a task.
constexpr int64_t kTableRows = 256, kTableColumns = 1024;
// From this many channels on a task is a channel, with all that is done to it while it is in the cache.
constexpr int64_t kManyChannels = 8;

struct Shape {
  int64_t n, c, s;
  explicit Shape(const TensorArg& x) : n(x.sizes[0]), c(x.sizes[1]), s(x.sizes[2]) {}
  int64_t perChannel() const { return n * s; }
  bool isTable() const { return s == 1; }
  int64_t runs() const { return (perChannel() + kMomentRun - 1) / kMomentRun; }
  int64_t size(int64_t run) const { return std::min(kMomentRun, perChannel() - run * kMomentRun); }

  // f(offset, n) for the contiguous pieces of a channel's run.
  template <class F> FLAMBEAU_INLINE void pieces(int64_t channel, int64_t run, F f) const {
    int64_t at = run * kMomentRun, left = size(run), image = at / s, i = at % s;
    while (left > 0) {
      const int64_t m = std::min(left, s - i);
      f((image * c + channel) * s + i, m);
      left -= m, image++, i = 0;
    }
  }

  // Adds up a partial result for each channel in double, `part(channel, run)`, and calls `apply(channel, run, total)` for
  // every run of it: channel by channel where there are many, else run by run.
  template <class Part, class PartOf, class Total, class Apply>
  bool eachChannel(Part* totals, PartOf part, Total total, Apply apply) const {
    const int64_t count = runs(), grain = kPiece / std::max<int64_t>(perChannel(), 1);
    if (c >= kManyChannels || c * count <= kManyChannels) {
      parallelFor(c, grain, [&](int64_t begin, int64_t end) {
        for (int64_t k = begin; k < end; k++) {
          for (int64_t r = 0; r < count; r++) totals[k].join(part(k, r));
          total(k);
          for (int64_t r = 0; r < count; r++) apply(k, r);
        }
      });
      return true;
    }
    Scratch<double, 64> memory(c * count * int64_t(sizeof(Part) / sizeof(double)));
    if (!memory) return false;
    Part* parts = reinterpret_cast<Part*>(memory.get());
    const int64_t some = kPiece / kMomentRun;
    parallelFor(c * count, some, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) parts[i] = part(i / count, i % count);
    });
    for (int64_t k = 0; k < c; k++) {
      for (int64_t r = 0; r < count; r++) totals[k].join(parts[k * count + r]);
      total(k);
    }
    parallelFor(c * count, some, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) apply(i / count, i % count);
    });
    return true;
  }

  // The same for a table: `part(parts, row, rows, column, columns)` fills a partial result per column.
  template <class Part, class PartOf> bool eachColumn(Part* totals, PartOf part) const {
    const int64_t blocks = (n + kTableRows - 1) / kTableRows, strips = (c + kTableColumns - 1) / kTableColumns;
    Scratch<double, 512> memory(blocks * c * int64_t(sizeof(Part) / sizeof(double)));
    if (!memory) return false;
    Part* parts = reinterpret_cast<Part*>(memory.get());
    const int64_t work = std::min(n, kTableRows) * std::min(c, kTableColumns);
    parallelFor(blocks * strips, kPiece / std::max<int64_t>(work, 1), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t row = i / strips * kTableRows, column = i % strips * kTableColumns;
        part(parts + i / strips * c + column, row, std::min(kTableRows, n - row), column, std::min(kTableColumns, c - column));
      }
    });
    for (int64_t b = 0; b < blocks; b++)
      for (int64_t k = 0; k < c; k++) totals[k].join(parts[b * c + k]);
    return true;
  }
  template <class F> void eachRow(F f) const {
    parallelFor(n, kPiece / std::max<int64_t>(c, 1), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) f(i * c);
    });
  }
};

// body(number, column, load) for strips of columns: `number` vectors at `column`, where load(p) knows the end of a row. Several
// vectors at once read whole lines of memory.
template <class C, class Body> FLAMBEAU_INLINE void eachStrip(int64_t columns, Body body) {
  constexpr int64_t w = kLanes<C>;
  int64_t j = 0;
  for (; j + 4 * w <= columns; j += 4 * w)
    body(std::integral_constant<int, 4>(), j, [](const C* p) __attribute__((always_inline)) { return load<C>(p); });
  for (; j < columns; j += w) {
    const int64_t some = std::min(w, columns - j);
    body(std::integral_constant<int, 1>(), j, [=](const C* p) __attribute__((always_inline)) {
      return some == w ? load<C>(p) : loadEnd<C>(p, some, C(0));
    });
  }
}

template <class C> void tableMoments(const C* x, int64_t pitch, Moments* parts, int64_t rows, int64_t columns) {
  constexpr int64_t w = kLanes<C>;
  eachStrip<C>(columns, [&](auto number, int64_t j, auto at) __attribute__((always_inline)) {
    constexpr int vectors = decltype(number)::value;
    Vec<C> sum[vectors]{}, d[vectors]{}, d2[vectors]{};
    for (int64_t i = 0; i < rows; i++)
      for (int v = 0; v < vectors; v++) sum[v] += at(x + i * pitch + j + v * w);
    for (int v = 0; v < vectors; v++) sum[v] /= splat<C>(C(rows));
    for (int64_t i = 0; i < rows; i++)
      for (int v = 0; v < vectors; v++) {
        const Vec<C> y = at(x + i * pitch + j + v * w) - sum[v];
        d[v] += y, d2[v] += y * y;
      }
    for (int64_t k = 0; k < std::min(vectors * w, columns - j); k++)
      parts[j + k] = momentsFrom(double(rows), double(sum[k / w][k % w]), double(d[k / w][k % w]), double(d2[k / w][k % w]));
  });
}

template <class C>
int forward(const Shape& shape, const TensorArg& x, const C* weight, const C* bias, const TensorArg& out, C* mean, C* invstd,
            C* runningMean, C* runningVar, bool training, double momentum, double eps) {
  const C* from = x.as<C>();
  C* to = out.as<C>();
  Scratch<double, 768> memory(shape.c * 3);
  if (!memory) return kOutOfMemory;
  Moments* moments = reinterpret_cast<Moments*>(memory.get());
  std::fill(moments, moments + shape.c, Moments{});
  const auto finish = [&](int64_t k) {
    if (!training) {
      mean[k] = runningMean[k];
      invstd[k] = C(1 / std::sqrt(double(runningVar[k]) + eps));
      return;
    }
    const Moments& m = moments[k];
    const double variance = m.squares / m.count;
    mean[k] = C(m.mean());
    invstd[k] = variance == 0 && eps == 0 ? C(0) : C(1 / std::sqrt(variance + eps));
    if (runningMean) runningMean[k] = C((1 - momentum) * double(runningMean[k]) + momentum * m.mean());
    if (runningVar) runningVar[k] = C((1 - momentum) * double(runningVar[k]) + momentum * (m.squares / (m.count - 1)));
  };
  if (shape.isTable()) {
    if (training && !shape.eachColumn(moments, [&](Moments* parts, int64_t row, int64_t rows, int64_t column, int64_t columns) {
          tableMoments<C>(from + row * shape.c + column, shape.c, parts, rows, columns);
        }))
      return kOutOfMemory;
    Scratch<C> factors(shape.c);
    if (!factors) return kOutOfMemory;
    C* scale = factors.get();
    for (int64_t k = 0; k < shape.c; k++) finish(k), scale[k] = weight ? invstd[k] * weight[k] : invstd[k];
    shape.eachRow([&](int64_t at) {
      eachVector<C>(shape.c, [&](auto get, auto put) __attribute__((always_inline)) {
        const Vec<C> y = (get(from + at) - get(mean)) * get(scale);
        put(to + at, bias ? y + get(bias) : y);
      });
    });
    return kOk;
  }
  const auto part = [&](int64_t k, int64_t run) -> Moments {
    if (!training) return {};
    return momentsOf<C>(double(shape.size(run)), [&](auto f) __attribute__((always_inline)) {
      shape.pieces(k, run, [&](int64_t at, int64_t n) __attribute__((always_inline)) { f(from + at, n); });
    });
  };
  const auto apply = [&](int64_t k, int64_t run) {
    const Vec<C> m = splat<C>(mean[k]), a = splat<C>(weight ? invstd[k] * weight[k] : invstd[k]);
    const Vec<C> b = splat<C>(bias ? bias[k] : C(0));
    shape.pieces(k, run, [&](int64_t at, int64_t n) __attribute__((always_inline)) {
      eachVector<C>(n, [&](auto get, auto put) __attribute__((always_inline)) { put(to + at, (get(from + at) - m) * a + b); });
    });
  };
  return shape.eachChannel(moments, part, finish, apply) ? kOk : kOutOfMemory;
}

template <class C>
int backward(const Shape& shape, const TensorArg& grad, const TensorArg& x, const C* weight, const C* mean, const C* invstd,
             C* gradX, C* gradWeight, C* gradBias, bool training) {
  const C *g = grad.as<C>(), *from = x.as<C>();
  Scratch<double, 512> memory(shape.c * 2);
  Scratch<C> factors(shape.c * 3);
  if (!memory || !factors) return kOutOfMemory;
  // Σ g and Σ g (x − mean).
  Sums* sums = reinterpret_cast<Sums*>(memory.get());
  std::fill(sums, sums + shape.c, Sums{});
  // gradX = (g − shift − (x − mean) · slope) · scale
  C *scale = factors.get(), *shift = scale + shape.c, *slope = shift + shape.c;
  const double count = double(shape.perChannel());
  const auto finish = [&](int64_t k) {
    if (gradWeight) gradWeight[k] = C(sums[k].second * double(invstd[k]));
    if (gradBias) gradBias[k] = C(sums[k].first);
    scale[k] = weight ? invstd[k] * weight[k] : invstd[k];
    shift[k] = training ? C(sums[k].first / count) : C(0);
    slope[k] = training ? C(sums[k].second * double(invstd[k]) * double(invstd[k]) / count) : C(0);
  };
  if (shape.isTable()) {
    constexpr int64_t w = kLanes<C>;
    const bool ok = shape.eachColumn(sums, [&](Sums* parts, int64_t row, int64_t rows, int64_t column, int64_t columns) {
      eachStrip<C>(columns, [&](auto number, int64_t j, auto get) __attribute__((always_inline)) {
        constexpr int vectors = decltype(number)::value;
        Vec<C> m[vectors], a[vectors]{}, b[vectors]{};
        for (int v = 0; v < vectors; v++) m[v] = get(mean + column + j + v * w);
        for (int64_t i = row; i < row + rows; i++)
          for (int v = 0; v < vectors; v++) {
            const int64_t place = i * shape.c + column + j + v * w;
            const Vec<C> y = get(g + place);
            a[v] += y, b[v] += y * (get(from + place) - m[v]);
          }
        for (int64_t k = 0; k < std::min(vectors * w, columns - j); k++)
          parts[j + k] = {double(a[k / w][k % w]), double(b[k / w][k % w])};
      });
    });
    if (!ok) return kOutOfMemory;
    for (int64_t k = 0; k < shape.c; k++) finish(k);
    if (gradX)
      shape.eachRow([&](int64_t at) {
        eachVector<C>(shape.c, [&](auto get, auto put) __attribute__((always_inline)) {
          put(gradX + at, (get(g + at) - get(shift) - (get(from + at) - get(mean)) * get(slope)) * get(scale));
        });
      });
    return kOk;
  }
  const auto part = [&](int64_t k, int64_t run) -> Sums {
    const Vec<C> m = splat<C>(mean[k]);
    Vec<C> a{}, b{};
    shape.pieces(k, run, [&](int64_t at, int64_t n) __attribute__((always_inline)) {
      eachVector<C>(n, [&](auto get, auto) __attribute__((always_inline)) {
        const Vec<C> v = get(g + at);
        a += v, b += v * (get(from + at) - m);
      });
    });
    return {sumLanes<C>(a), sumLanes<C>(b)};
  };
  const auto apply = [&](int64_t k, int64_t run) {
    if (!gradX) return;
    const Vec<C> m = splat<C>(mean[k]), a = splat<C>(scale[k]), b = splat<C>(shift[k]), c = splat<C>(slope[k]);
    shape.pieces(k, run, [&](int64_t at, int64_t n) __attribute__((always_inline)) {
      eachVector<C>(n, [&](auto get, auto put) __attribute__((always_inline)) {
        put(gradX + at, (get(g + at) - b - (get(from + at) - m) * c) * a);
      });
    });
  };
  return shape.eachChannel(sums, part, finish, apply) ? kOk : kOutOfMemory;
}

}  // namespace

// batchNorm(x, weight?, bias?, runningMean?, runningVar?, out, mean, invstd, training, momentum, eps). All contiguous and of
// one dtype. While training, mean and invstd are the batch's and the running ones are updated; else they are the running ones.
KERNEL(batchNorm) {
  const TensorArg x = args.tensor(), weight = args.tensor(), bias = args.tensor(), runningMean = args.tensor(),
                  runningVar = args.tensor(), out = args.tensor(), mean = args.tensor(), invstd = args.tensor();
  const bool training = args.flag();
  const double momentum = args.f64(), eps = args.f64();
  const auto run = [&](auto tag) {
    using C = decltype(tag);
    return forward<C>(Shape(x), x, weight.as<C>(), bias.as<C>(), out, mean.as<C>(), invstd.as<C>(), runningMean.as<C>(),
                      runningVar.as<C>(), training, momentum, eps);
  };
  return x.dtype == DType::f32 ? run(float{}) : x.dtype == DType::f64 ? run(double{}) : int(kUnsupported);
}

// batchNormBackward(grad, x, weight?, mean, invstd, gradX?, gradWeight?, gradBias?, training)
KERNEL(batchNormBackward) {
  const TensorArg grad = args.tensor(), x = args.tensor(), weight = args.tensor(), mean = args.tensor(), invstd = args.tensor(),
                  gradX = args.tensor(), gradWeight = args.tensor(), gradBias = args.tensor();
  const bool training = args.flag();
  const auto run = [&](auto tag) {
    using C = decltype(tag);
    return backward<C>(Shape(x), grad, x, weight.as<C>(), mean.as<C>(), invstd.as<C>(), gradX.as<C>(), gradWeight.as<C>(),
                       gradBias.as<C>(), training);
  };
  return x.dtype == DType::f32 ? run(float{}) : x.dtype == DType::f64 ? run(double{}) : int(kUnsupported);
}

}  // namespace flambeau
