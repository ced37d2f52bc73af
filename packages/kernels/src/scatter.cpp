#include "indexing.hpp"
#include "reduction.hpp"

namespace flambeau {
namespace {

enum Mode { kAssign, kAdd, kMultiply, kMax, kMin };

template <class C> inline C wrappingAdd(C a, C b) { return a + b; }
template <> inline int64_t wrappingAdd(int64_t a, int64_t b) { return int64_t(uint64_t(a) + uint64_t(b)); }
template <class C> inline C wrappingMultiply(C a, C b) { return a * b; }
template <> inline int64_t wrappingMultiply(int64_t a, int64_t b) { return int64_t(uint64_t(a) * uint64_t(b)); }

template <class T, int mode> inline void combine(T& into, T value) {
  using C = Compute<T>;
  if constexpr (mode == kAssign) {
    into = value;
  } else {
    const C a = from<C>(into), b = from<C>(value);
    if constexpr (mode == kAdd) into = to<T>(wrappingAdd<C>(a, b));
    else if constexpr (mode == kMultiply) into = to<T>(wrappingMultiply<C>(a, b));
    else if constexpr (mode == kMax) into = a > b || a != a ? into : value;
    else into = a < b || a != a ? into : value;
  }
}

// Loops of self (0 along dim), index and src, in the index's row-major order, with one dimension other than dim cut out:
// its slices write to different elements, so they may run at the same time, each in the order of the index.
struct ScatterPlan {
  Nest nest;
  int64_t slices = 1, sliceElements;
  Loop slice{1, {0, 0, 0}};

  ScatterPlan(const TensorArg& self, int dim, const TensorArg& index, const TensorArg& src) {
    int cut = -1;
    for (int d = 0; d < index.ndim; d++)
      if (d != dim && index.sizes[d] > 1 && (cut < 0 || index.sizes[d] > index.sizes[cut])) cut = d;
    for (int d = 0; d < index.ndim; d++) {
      const Loop loop{index.sizes[d], {d == dim ? 0 : self.strides[d], index.strides[d], src.strides[d]}};
      if (d == cut) slice = loop, slices = loop.size;
      else nest.push(loop.size, loop.strides[0], loop.strides[1], loop.strides[2]);
    }
    nest.merge();
    sliceElements = nest.numel();
  }
};

template <class T, int mode, class I>
void scatterInto(const TensorArg& self, int64_t step, const TensorArg& index, const TensorArg& src, const ScatterPlan& plan) {
  const Loop& s = plan.slice;
  if (plan.sliceElements == 0) return;
  // Slices are the outer loop where they are further apart than the elements of one.
  const bool slicesOuter = plan.nest.count > 0 && s.strides[1] > plan.nest.loops[plan.nest.count - 1].strides[1];
  const int64_t fewest = (plan.slices / 16 + 15) / 16 * 16;
  const int64_t grain = std::max({int64_t(16), kPiece / 4 / plan.sliceElements, slicesOuter ? int64_t(1) : fewest});
  const auto run = [&](const Walk<3>& at, int64_t i, const int64_t* strides, int64_t n) {
    T* into = self.as<T>() + at.offsets[0] + i * s.strides[0];
    const I* indices = index.as<I>() + at.offsets[1] + i * s.strides[1];
    const T* value = src.as<T>() + at.offsets[2] + i * s.strides[2];
    const int64_t a = strides[0], b = strides[1], c = strides[2];
    for (int64_t k = 0; k < n; k++) combine<T, mode>(into[k * a + int64_t(indices[k * b]) * step], value[k * c]);
  };
  parallelFor(plan.slices, grain, [&](int64_t begin, int64_t end) {
    if (slicesOuter) {
      const Loop& inner = plan.nest.loops[plan.nest.count - 1];
      for (int64_t i = begin; i < end; i++) {
        Walk<3> at(plan.nest, 0);
        for (int64_t done = 0; done < plan.sliceElements; done += inner.size, at.advance(inner.size))
          run(at, i, inner.strides, inner.size);
      }
    } else {
      Walk<3> at(plan.nest, 0);
      for (int64_t done = 0; done < plan.sliceElements; done++, at.advance(1)) run(at, begin, s.strides, end - begin);
    }
  });
}

}  // namespace

// scatter(self, dim, index, src, mode 0 assign | 1 add | 2 multiply | 3 amax | 4 amin): self[index[i][j]][j] ∘= src[i][j]
// for dim 0, in the order of the index.
KERNEL(scatter) {
  const TensorArg self = args.tensor();
  const int dim = args.i32();
  const TensorArg index = args.tensor(), src = args.tensor();
  const int mode = args.i32();
  const int64_t size = self.ndim ? self.sizes[dim] : 1, step = self.ndim ? self.strides[dim] : 0;
  if (self.dtype != src.dtype || mode < kAssign || mode > kMin) return kUnsupported;
  if (const int status = checkIndices(index, size, args)) return status;
  const ScatterPlan plan(self, dim, index, src);
  dispatch(self.dtype, [&](auto tag) {
    using T = decltype(tag);
    dispatchIndex(index.dtype, [&](auto indexTag) {
      using I = decltype(indexTag);
      switch (mode) {
        case kAssign: return scatterInto<T, kAssign, I>(self, step, index, src, plan);
        case kAdd: return scatterInto<T, kAdd, I>(self, step, index, src, plan);
        case kMultiply: return scatterInto<T, kMultiply, I>(self, step, index, src, plan);
        case kMax: return scatterInto<T, kMax, I>(self, step, index, src, plan);
        default: return scatterInto<T, kMin, I>(self, step, index, src, plan);
      }
    });
  });
  return kOk;
}

// indexAdd(self, dim, index, src, alpha): self[.., index[i], ..] += alpha src[.., i, ..], in the order of the index.
KERNEL(indexAdd) {
  const TensorArg self = args.tensor();
  const int dim = args.i32();
  const TensorArg index = args.tensor(), src = args.tensor();
  const double alpha = args.f64();
  const int64_t size = self.ndim ? self.sizes[dim] : 1, step = self.ndim ? self.strides[dim] : 0;
  if (self.dtype != src.dtype) return kUnsupported;
  if (const int status = checkIndices(index, size, args)) return status;
  const int64_t count = index.numel(), indexStep = index.ndim ? index.strides[0] : 0, srcStep = src.ndim ? src.strides[dim] : 0;
  // The elements of one slice, smallest strides innermost; tasks are parts of it, and each takes the indices in order.
  Nest slice;
  for (int d = 0; d < self.ndim; d++)
    if (d != dim) slice.push(self.sizes[d], self.strides[d], src.strides[d]);
  slice.sort();
  slice.merge();
  const int64_t elements = slice.numel();
  if (elements == 0 || count == 0) return kOk;
  const bool wide = index.dtype == DType::i64;
  const auto indexAt = [&](int64_t i) {
    return wide ? index.as<int64_t>()[i * indexStep] : int64_t(index.as<int32_t>()[i * indexStep]);
  };
  const int64_t grain = std::max<int64_t>(64, kPiece / count);
  dispatch(self.dtype, [&](auto tag) {
    using T = decltype(tag);
    using C = Compute<T>;
    const C factor = C(alpha);
    parallelFor(elements, grain, [&](int64_t begin, int64_t end) {
      for (Walk<2> at(slice, begin); begin < end;) {
        const int64_t run = std::min(at.run(), end - begin), a = at.stride(0), b = at.stride(1);
        for (int64_t i = 0; i < count; i++) {
          T* into = self.as<T>() + at.offsets[0] + indexAt(i) * step;
          const T* value = src.as<T>() + at.offsets[1] + i * srcStep;
          const auto add = [&](T& t, T v) { t = to<T>(wrappingAdd<C>(from<C>(t), wrappingMultiply<C>(factor, from<C>(v)))); };
          if (a == 1 && b == 1)
            for (int64_t j = 0; j < run; j++) add(into[j], value[j]);
          else
            for (int64_t j = 0; j < run; j++) add(into[j * a], value[j * b]);
        }
        at.advance(run);
        begin += run;
      }
    });
  });
  return kOk;
}

}  // namespace flambeau
