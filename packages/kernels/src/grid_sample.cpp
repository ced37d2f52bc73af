// Values of an image between its points, at the places that a grid names, and the two gradients. Every derivative along an
// axis is again such a sum with other weights, so the kernels take the orders of the derivatives to compute.
#include <algorithm>
#include <atomic>
#include <cmath>

#include "pool.hpp"

namespace flambeau {
namespace {

enum Mode { kBilinear = 0, kNearest = 1, kBicubic = 2 };
enum Padding { kZeros = 0, kBorder = 1, kReflection = 2 };

// A place along an axis in points of the image, and its derivative by the grid's number.
template <class C> struct Place {
  C at, slope;
};

template <class C> Place<C> reflected(Place<C> p, int64_t size, bool alignCorners) {
  const C low = alignCorners ? C(0) : C(-0.5), span = alignCorners ? C(size - 1) : C(size);
  if (span <= 0) return {C(0), C(0)};
  C distance = p.at - low, slope = p.slope;
  if (distance < 0) {
    distance = -distance;
    slope = -slope;
  }
  const C extra = std::fmod(distance, span);
  if (std::fmod(std::floor(distance / span), C(2)) == 0) return {extra + low, slope};
  return {span - extra + low, -slope};
}
template <class C> Place<C> clipped(Place<C> p, int64_t size) {
  if (!(p.at > 0)) return {C(0), C(0)};
  if (p.at >= C(size - 1)) return {C(size - 1), C(0)};
  return p;
}
template <class C> Place<C> bounded(Place<C> p, int64_t size, int padding, bool alignCorners) {
  if (padding == kReflection) p = reflected(p, size, alignCorners);
  return padding == kZeros ? p : clipped(p, size);
}

// The taps along one axis, with weights for a derivative of some order and for the next one.
template <class C> struct Taps {
  int count = 0;
  int64_t at[4];
  C weights[2][4];
};

struct Sampler {
  int mode, padding;
  bool alignCorners;
  int dims;
  int64_t sizes[3];   // outermost first
  int64_t orders[3];  // of the derivatives

  int most() const { return mode == kNearest ? 1 : mode == kBicubic ? 16 : dims == 2 ? 4 : 8; }

  // Weights of the points around one, t beyond the first of the middle two; d: the derivative's order.
  template <class C> static void cubic(C t, int64_t d, C scale, C* w) {
    // Keys' kernel with a = -0.75: |x| <= 1: (a+2)x³ - (a+3)x² + 1;  |x| <= 2: ax³ - 5ax² + 8ax - 4a
    const C a = C(-0.75);
    const auto polynomial = [d](C x, C c3, C c2, C c1, C c0) {
      switch (d) {
        case 0: return ((c3 * x + c2) * x + c1) * x + c0;
        case 1: return (3 * c3 * x + 2 * c2) * x + c1;
        case 2: return 6 * c3 * x + 2 * c2;
        case 3: return 6 * c3;
        default: return C(0);
      }
    };
    const auto inner = [&](C x) { return polynomial(x, a + 2, -(a + 3), 0, 1); };
    const auto outer = [&](C x) { return polynomial(x, a, -5 * a, 8 * a, -4 * a); };
    // Distances grow with t on the left and shrink on the right, where odd derivatives change sign.
    const C mirrored = d % 2 == 0 ? scale : -scale;
    w[0] = scale * outer(t + 1);
    w[1] = scale * inner(t);
    w[2] = mirrored * inner(1 - t);
    w[3] = mirrored * outer(2 - t);
  }

  template <class C> Taps<C> taps(int axis, C value) const {
    Taps<C> result;
    const int64_t size = sizes[axis], order = orders[axis];
    Place<C> p = alignCorners ? Place<C>{(value + 1) / 2 * C(size - 1), C(size - 1) / 2}
                              : Place<C>{((value + 1) * C(size) - 1) / 2, C(size) / 2};
    const auto power = [](C base, int64_t n) {
      C product = 1;
      while (n-- > 0) product *= base;
      return product;
    };
    const auto add = [&](C at, const C* weights, int step) {
      if (!(at > -1 && at < C(size))) return;
      result.at[result.count] = int64_t(at);
      result.weights[0][result.count] = weights[0];
      result.weights[1][result.count++] = weights[step];
    };
    if (mode == kBicubic) {
      C weights[8];
      const C first = std::floor(p.at), t = p.at - first;
      cubic(t, order, power(p.slope, order), weights);
      cubic(t, order + 1, power(p.slope, order + 1), weights + 4);
      for (int k = 0; k < 4; k++) add(bounded(Place<C>{first + C(k - 1), C(1)}, size, padding, alignCorners).at, weights + k, 4);
      return result;
    }
    p = bounded(p, size, padding, alignCorners);
    if (mode == kNearest) {
      const C weights[2] = {order == 0 ? C(1) : C(0), C(0)};
      // PyTorch rounds halves to even in two dimensions, away from zero in three.
      add(dims == 2 ? std::nearbyint(p.at) : std::round(p.at), weights, 1);
      return result;
    }
    const C first = std::floor(p.at), t = p.at - first;
    const auto weight = [&](int64_t d, C here, C sign) { return d == 0 ? here : d == 1 ? sign * p.slope : C(0); };
    const C left[2] = {weight(order, 1 - t, C(-1)), weight(order + 1, 1 - t, C(-1))};
    const C right[2] = {weight(order, t, C(1)), weight(order + 1, t, C(1))};
    add(first, left, 1);
    add(first + 1, right, 1);
    return result;
  }

  // Offsets in a plane and weights of the points around one place; `raised` is the axis with the next derivative, or -1.
  template <class C> int combine(const Taps<C>* axes, int raised, int64_t* offsets, C* weights) const {
    static constexpr int64_t zero[1] = {0};
    static constexpr C one[1] = {1};
    const bool deep = dims == 3;
    const int first = deep ? 1 : 0;
    const int64_t* planes = deep ? axes[0].at : zero;
    const C* byPlane = deep ? axes[0].weights[raised == 0] : one;
    int n = 0;
    for (int z = 0; z < (deep ? axes[0].count : 1); z++)
      for (int y = 0; y < axes[first].count; y++)
        for (int x = 0; x < axes[first + 1].count; x++) {
          offsets[n] = (planes[z] * sizes[first] + axes[first].at[y]) * sizes[first + 1] + axes[first + 1].at[x];
          weights[n++] = byPlane[z] * axes[first].weights[raised == first][y] * axes[first + 1].weights[raised == first + 1][x];
        }
    return n;
  }
  // Taps along all axes at one of the grid's places, whose numbers name the innermost axis first.
  template <class C, class T> void around(const T* place, Taps<C>* axes) const {
    for (int d = 0; d < dims; d++) axes[d] = taps<C>(d, from<C>(place[dims - 1 - d]));
  }
};

Sampler sampler(Args& args, const TensorArg& x) {
  Sampler s{args.i32(), args.i32(), args.flag(), x.ndim - 2, {}, {}};
  int64_t orders[kMaxDims];
  args.list(orders);
  for (int d = 0; d < s.dims; d++) {
    s.sizes[d] = x.sizes[d + 2];
    s.orders[d] = orders[d];
  }
  return s;
}

// The tensors are row-major: images [n, channels, *sizes], a grid [n, *places, dims].
struct Extent {
  int64_t images, channels, area, places;
  Extent(const TensorArg& x, const TensorArg& grid) : images(x.sizes[0]), channels(x.sizes[1]), area(1), places(1) {
    for (int d = 2; d < x.ndim; d++) area *= x.sizes[d];
    for (int d = 1; d < grid.ndim - 1; d++) places *= grid.sizes[d];
  }
};
constexpr int64_t kPiece = 128;  // places that go at once
constexpr int64_t kHeld = 4096;  // taps that are kept at once
// Rows of taps start in different sets of the cache.
constexpr int64_t pitchOf(int most) { return kHeld / most + 16; }
constexpr int kMost = 16;

// The sums at some places of one plane, `Most` taps each; those with fewer skip the last ones. Kept tap by tap, so that
// many places go at once.
template <int Most, class T, class C, class Count>
void sumTaps(const T* plane, const int32_t* offsets, const C* weights, const Count* counts, int64_t n, T* out) {
  constexpr int64_t pitch = pitchOf(Most);
  for (int64_t i = 0; i < n; i++) {
    C sum = C(0);
    for (int t = 0; t < Most; t++) {
      const C v = weights[t * pitch + i] * from<C>(plane[offsets[t * pitch + i]]);
      sum += t < counts[i] ? v : C(0);
    }
    out[i] = to<T>(sum);
  }
}

template <class T> bool sampleAll(const Sampler& s, const Extent& e, const T* x, const T* grid, T* out) {
  using C = Compute<T>;
  // As wide as the sums, for comparisons lane by lane.
  using Count = std::conditional_t<sizeof(C) == 8, int64_t, int32_t>;
  const int most = s.most();
  const auto sum = most == 1 ? &sumTaps<1, T, C, Count> : most == 4 ? &sumTaps<4, T, C, Count>
                   : most == 8 ? &sumTaps<8, T, C, Count> : &sumTaps<16, T, C, Count>;
  const int64_t piece = kHeld / most, pitch = pitchOf(most), pieces = (e.places + piece - 1) / piece;
  std::atomic<bool> failed{false};
  parallelFor(e.images * pieces, 1 + 16384 / (e.channels * most * std::min(piece, e.places)), [&](int64_t begin, int64_t end) {
    Scratch offsetScratch, weightScratch, countScratch;
    int32_t* offsets = offsetScratch.get<int32_t>(most * pitch);
    C* weights = weightScratch.get<C>(most * pitch);
    Count* counts = countScratch.get<Count>(piece);
    if (!offsets || !weights || !counts) {
      failed = true;
      return;
    }
    for (int64_t job = begin; job < end; job++) {
      const int64_t n = job / pieces, p0 = job % pieces * piece, length = std::min(piece, e.places - p0);
      for (int64_t i = 0; i < length; i++) {
        Taps<C> axes[3];
        int64_t around[kMost];
        C by[kMost];
        s.around(grid + (n * e.places + p0 + i) * s.dims, axes);
        const int count = s.combine(axes, -1, around, by);
        for (int t = 0; t < most; t++) {
          offsets[t * pitch + i] = t < count ? int32_t(around[t]) : 0;
          weights[t * pitch + i] = t < count ? by[t] : C(0);
        }
        counts[i] = Count(count);
      }
      for (int64_t c = 0; c < e.channels; c++)
        sum(x + (n * e.channels + c) * e.area, offsets, weights, counts, length, out + (n * e.channels + c) * e.places + p0);
    }
  });
  return !failed;
}

}  // namespace

// gridSample(x, grid, out, mode, padding, alignCorners, orders[])
KERNEL(gridSample) {
  const TensorArg x = args.tensor(), grid = args.tensor(), out = args.tensor();
  const Sampler s = sampler(args, x);
  const Extent e(x, grid);
  if (out.numel() == 0) return kOk;
  if (e.area > INT32_MAX) return kUnsupported;
  return dispatchFloat(x.dtype, [&](auto tag) {
    using T = decltype(tag);
    return sampleAll<T>(s, e, x.as<T>(), grid.as<T>(), out.as<T>()) ? int(kOk) : int(kOutOfMemory);
  });
}

// gridSampleAdd(grad, grid, gradX, mode, padding, alignCorners, orders[]): the gradient of the image
KERNEL(gridSampleAdd) {
  const TensorArg grad = args.tensor(), grid = args.tensor(), out = args.tensor();
  const Sampler s = sampler(args, out);
  const Extent e(out, grid);
  if (out.numel() == 0) return kOk;
  return dispatchFloat(out.dtype, [&](auto tag) {
    using T = decltype(tag);
    using C = Compute<T>;
    // Taps of one image, found once for all of its channels.
    Scratch offsetScratch, weightScratch, countScratch;
    const int most = s.most();
    int64_t* offsets = offsetScratch.get<int64_t>(e.places * most);
    C* weights = weightScratch.get<C>(e.places * most);
    int* counts = countScratch.get<int>(e.places);
    if (!offsets || !weights || !counts) return int(kOutOfMemory);
    for (int64_t n = 0; n < e.images; n++) {
      parallelFor(e.places, 256, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) {
          Taps<C> axes[3];
          s.around(grid.as<T>() + (n * e.places + i) * s.dims, axes);
          counts[i] = s.combine(axes, -1, offsets + i * most, weights + i * most);
        }
      });
      TensorArg image = out;
      image.data += n * e.channels * e.area * int64_t(sizeof(T));
      image.sizes[0] = 1;
      const Planes of(image, s.dims);
      const bool ok = accumulatePlanes<T>(of, e.places * most, [&](int64_t c, C* sums) {
        const T* g = grad.as<T>() + (n * e.channels + c) * e.places;
        for (int64_t i = 0; i < e.places; i++)
          for (int t = 0; t < counts[i]; t++) sums[offsets[i * most + t]] += weights[i * most + t] * from<C>(g[i]);
      });
      if (!ok) return int(kOutOfMemory);
    }
    return int(kOk);
  });
}

// gridSampleSlope(x, grid, grad, gradGrid, mode, padding, alignCorners, orders[]): the gradient of the grid
KERNEL(gridSampleSlope) {
  const TensorArg x = args.tensor(), grid = args.tensor(), grad = args.tensor(), out = args.tensor();
  const Sampler s = sampler(args, x);
  const Extent e(x, grid);
  if (out.numel() == 0) return kOk;
  const int64_t pieces = (e.places + kPiece - 1) / kPiece;
  return dispatchFloat(x.dtype, [&](auto tag) {
    using T = decltype(tag);
    using C = Compute<T>;
    parallelFor(e.images * pieces, 1 + 64 / (e.channels * s.most() + 1), [&](int64_t begin, int64_t end) {
      for (int64_t job = begin; job < end; job++) {
        const int64_t n = job / pieces, p0 = job % pieces * kPiece, p1 = std::min(p0 + kPiece, e.places);
        for (int64_t i = p0; i < p1; i++) {
          Taps<C> axes[3];
          int64_t offsets[kMost];
          C weights[3][kMost], sums[3] = {0, 0, 0};
          s.around(grid.as<T>() + (n * e.places + i) * s.dims, axes);
          int count = 0;
          for (int d = 0; d < s.dims; d++) count = s.combine(axes, d, offsets, weights[d]);
          for (int64_t c = 0; c < e.channels; c++) {
            const T* plane = x.as<T>() + (n * e.channels + c) * e.area;
            const C g = from<C>(grad.as<T>()[(n * e.channels + c) * e.places + i]);
            for (int t = 0; t < count; t++) {
              const C v = g * from<C>(plane[offsets[t]]);
              for (int d = 0; d < s.dims; d++) sums[d] += weights[d][t] * v;
            }
          }
          T* to_ = out.as<T>() + (n * e.places + i) * s.dims;
          for (int d = 0; d < s.dims; d++) to_[s.dims - 1 - d] = to<T>(sums[d]);
        }
      }
    });
    return int(kOk);
  });
}

}  // namespace flambeau
