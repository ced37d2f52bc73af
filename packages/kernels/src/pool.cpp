// Average pooling over one to three dimensions, and the gradients of average and max pooling.
#include "pool.hpp"

namespace flambeau {
namespace {

// An index found to lie outside its plane, for the error.
struct BadIndex {
  std::atomic<int64_t> value{-1};
  std::atomic<bool> found{false};

  void record(int64_t index) {
    found = true;
    value = index;
  }
  int status(Args& args, int64_t area) const {
    if (!found) return kOk;
    args.result(1, double(value.load()));
    args.result(2, double(area));
    return kIndexOutOfRange;
  }
};

template <class T> bool maxPoolBackward(const Planes& grad, const Planes& indices, const Planes& out, BadIndex& bad) {
  using C = Compute<T>;
  const int64_t area = out.area();
  const bool dense = grad.dense() && indices.dense();
  return accumulatePlanes<T>(out, 2 * grad.area(), [&](int64_t p, C* sums) {
    const T* g = reinterpret_cast<const T*>(grad.data) + grad.plane(p);
    const int64_t* at = reinterpret_cast<const int64_t*>(indices.data) + indices.plane(p);
    const auto add = [&bad, area, sums](const T* row, int64_t step, const int64_t* rowAt, int64_t stepAt, int64_t n) {
      for (int64_t k = 0; k < n; k++) {
        const int64_t index = rowAt[k * stepAt];
        if (__builtin_expect(uint64_t(index) < uint64_t(area), 1)) sums[index] += from<C>(row[k * step]);
        else bad.record(index);
      }
    };
    if (dense) return add(g, 1, at, 1, grad.area());
    for (int64_t z = 0; z < grad.sizes[0]; z++)
      for (int64_t y = 0; y < grad.sizes[1]; y++)
        add(g + z * grad.strides[0] + y * grad.strides[1], grad.strides[2], at + z * indices.strides[0] + y * indices.strides[1],
            indices.strides[2], grad.sizes[2]);
  });
}

template <class T> void maxPoolGather(const Planes& x, const Planes& indices, const Planes& out, BadIndex& bad) {
  const int64_t area = x.area();
  const bool dense = x.dense();
  forRows(out, 4 * out.sizes[2], [&](int64_t p, int64_t z, int64_t y) {
    const T* in = reinterpret_cast<const T*>(x.data) + x.plane(p);
    const int64_t* at = reinterpret_cast<const int64_t*>(indices.data) + indices.plane(p) + z * indices.strides[0] + y * indices.strides[1];
    T* row = reinterpret_cast<T*>(out.data) + out.plane(p) + z * out.strides[0] + y * out.strides[1];
    for (int64_t k = 0; k < out.sizes[2]; k++) {
      const int64_t index = at[k * indices.strides[2]];
      if (uint64_t(index) >= uint64_t(area)) {
        bad.record(index);
        continue;
      }
      const int64_t w = index % x.sizes[2], h = index / x.sizes[2];
      row[k * out.strides[2]] =
          in[dense ? index : h / x.sizes[1] * x.strides[0] + h % x.sizes[1] * x.strides[1] + w * x.strides[2]];
    }
  });
}

struct AvgPool {
  PoolAxis axes[3];
  bool countIncludePad;
  double divisor;  // 0: the number of elements

  double divide(const Span& d, const Span& h, const Span& w) const {
    if (divisor != 0) return divisor;
    if (countIncludePad) return double(d.padded * h.padded * w.padded);
    return double((d.end - d.first) * (h.end - h.first) * (w.end - w.first));
  }
  static bool nothing(const Span& s) { return s.first >= s.end; }

  template <class T> void forward(const Planes& x, const Planes& out) const {
    using C = Compute<T>;
    int64_t begin = 0, end = 0;
    axes[2].interior(begin, end);
    const bool vectors = std::is_same<T, C>::value && x.strides[2] == 1 && out.strides[2] == 1;
    const int64_t cost = axes[2].count * axes[0].taps() * axes[1].taps() * axes[2].taps();
    forRows(out, vectors ? cost / 4 : cost, [&](int64_t p, int64_t depth, int64_t height) {
      const T* in = reinterpret_cast<const T*>(x.data) + x.plane(p);
      T* row = reinterpret_cast<T*>(out.data) + out.plane(p) + depth * out.strides[0] + height * out.strides[1];
      const Span d = axes[0].span(depth), h = axes[1].span(height);
      const auto windows = [&](int64_t from_, int64_t to_) {
        for (int64_t i = from_; i < to_; i++) {
          const Span w = axes[2].span(i);
          C sum = C(0);
          for (int64_t z = d.first; z < d.end; z++)
            for (int64_t y = h.first; y < h.end; y++)
              for (int64_t k = w.first; k < w.end; k++) sum += from<C>(in[z * x.strides[0] + y * x.strides[1] + k * x.strides[2]]);
          row[i * out.strides[2]] = nothing(d) || nothing(h) || nothing(w) ? to<T>(C(0)) : to<T>(sum / C(divide(d, h, w)));
        }
      };
      int64_t done = begin;
      if constexpr (std::is_same<T, C>::value) {
        if (vectors && !nothing(d) && !nothing(h) && begin < end) {
          const C by = C(divide(d, h, axes[2].span(begin)));
          done = forVectors<T>(begin, end, [&](int64_t i, auto bytes) {
            constexpr int size = decltype(bytes)::value;
            typename VecOf<T, size>::type sum{};
            for (int64_t z = d.first; z < d.end; z++)
              for (int64_t y = h.first; y < h.end; y++) {
                const T* at = in + z * x.strides[0] + y * x.strides[1] + i * axes[2].stride - axes[2].padding;
                for (int64_t k = 0; k < axes[2].kernel; k++) sum += loadStrided<T, size>(at + k, axes[2].stride);
              }
            sum = sum / by;
            std::memcpy(row + i, &sum, size);
          });
        }
      }
      windows(0, begin);
      windows(done, axes[2].count);
    });
  }

  template <class T> bool backward(const Planes& grad, const Planes& out) const {
    using C = Compute<T>;
    std::atomic<bool> failed{false};
    const int64_t cost = grad.area() * axes[0].taps() * axes[1].taps() * axes[2].taps(), stride = axes[2].stride;
    const bool done = accumulatePlanes<T>(out, cost, [&](int64_t p, C* sums) {
      FLAMBEAU_PER_THREAD Scratch scratch;
      C* shares = scratch.get<C>(axes[2].count);
      if (!shares) {
        failed = true;
        return;
      }
      const T* g = reinterpret_cast<const T*>(grad.data) + grad.plane(p);
      for (int64_t depth = 0; depth < grad.sizes[0]; depth++)
        for (int64_t height = 0; height < grad.sizes[1]; height++) {
          const Span d = axes[0].span(depth), h = axes[1].span(height);
          if (nothing(d) || nothing(h)) continue;
          const T* row = g + depth * grad.strides[0] + height * grad.strides[1];
          int64_t begin = 0, end = 0;
          axes[2].interior(begin, end);
          const C inner = begin < end ? C(divide(d, h, axes[2].span(begin))) : C(1);
          for (int64_t i = 0; i < axes[2].count; i++) {
            const C v = from<C>(row[i * grad.strides[2]]);
            if (i >= begin && i < end) {
              shares[i] = v / inner;
              continue;
            }
            const Span w = axes[2].span(i);
            shares[i] = nothing(w) ? C(0) : v / C(divide(d, h, w));
          }
          for (int64_t z = d.first; z < d.end; z++)
            for (int64_t y = h.first; y < h.end; y++) {
              C* target = sums + (z * out.sizes[1] + y) * out.sizes[2] - axes[2].padding;
              if (stride == 2 && axes[2].kernel == 2) {
                for (int64_t i = begin; i < end; i++) {
                  target[2 * i] += shares[i];
                  target[2 * i + 1] += shares[i];
                }
              } else {
                for (int64_t k = 0; k < axes[2].kernel; k++)
                  for (int64_t i = begin; i < end; i++) target[i * stride + k] += shares[i];
              }
              const auto edge = [&](int64_t i) {
                const Span w = axes[2].span(i);
                for (int64_t k = w.first; k < w.end; k++) target[k + axes[2].padding] += shares[i];
              };
              for (int64_t i = 0; i < begin; i++) edge(i);
              for (int64_t i = end; i < axes[2].count; i++) edge(i);
            }
        }
    });
    return done && !failed;
  }
};

}  // namespace

// maxPoolBackward(grad, indices, gradX, spatial): gradX = 0, then gradX[indices] += grad, plane by plane
KERNEL(maxPoolBackward) {
  const TensorArg gradArg = args.tensor(), indicesArg = args.tensor(), outArg = args.tensor();
  const int spatial = args.i32();
  const Planes grad(gradArg, spatial), indices(indicesArg, spatial), out(outArg, spatial);
  return dispatchFloat(out.dtype, [&](auto tag) {
    BadIndex bad;
    if (!maxPoolBackward<decltype(tag)>(grad, indices, out, bad)) return int(kOutOfMemory);
    return bad.status(args, out.area());
  });
}

// maxPoolGather(x, indices, out, spatial): out = x[indices], plane by plane
KERNEL(maxPoolGather) {
  const TensorArg xArg = args.tensor(), indicesArg = args.tensor(), outArg = args.tensor();
  const int spatial = args.i32();
  const Planes x(xArg, spatial), indices(indicesArg, spatial), out(outArg, spatial);
  if (outArg.numel() == 0) return kOk;
  return dispatchFloat(x.dtype, [&](auto tag) {
    BadIndex bad;
    maxPoolGather<decltype(tag)>(x, indices, out, bad);
    return bad.status(args, x.area());
  });
}

// avgPool(x, out, kernel[], stride[], padding[], countIncludePad, divisor): divisor 0 divides by the window's size; kernel 0
// makes adaptive windows
KERNEL(avgPool) {
  const TensorArg xArg = args.tensor(), outArg = args.tensor();
  const PoolWindow window(args, false);
  AvgPool pool{{}, args.flag(), args.f64()};
  const Planes x(xArg, window.spatial), out(outArg, window.spatial);
  if (outArg.numel() == 0) return kOk;
  window.axes(x, out, pool.axes);
  return dispatchFloat(x.dtype, [&](auto tag) {
    pool.forward<decltype(tag)>(x, out);
    return int(kOk);
  });
}

// avgPoolBackward(grad, gradX, kernel[], stride[], padding[], countIncludePad, divisor)
KERNEL(avgPoolBackward) {
  const TensorArg gradArg = args.tensor(), outArg = args.tensor();
  const PoolWindow window(args, false);
  AvgPool pool{{}, args.flag(), args.f64()};
  const Planes grad(gradArg, window.spatial), out(outArg, window.spatial);
  window.axes(out, grad, pool.axes);
  return dispatchFloat(out.dtype, [&](auto tag) { return pool.backward<decltype(tag)>(grad, out) ? int(kOk) : int(kOutOfMemory); });
}

}  // namespace flambeau
