#include <algorithm>

#include "indexing.hpp"

namespace flambeau {

// searchsorted(sorted, values, out, right): out is how many elements of the ascending innermost lines of `sorted` are below
// a value (right: not above it). `sorted` is 1-d, or has the dimensions of values but for the last.
KERNEL(searchsorted) {
  const TensorArg sorted = args.tensor(), values = args.tensor(), out = args.tensor();
  const bool right = args.flag();
  if (sorted.ndim == 0 || (out.dtype != DType::i64 && out.dtype != DType::i32)) return kUnsupported;
  const int last = sorted.ndim - 1;
  const int64_t n = sorted.sizes[last], stride = sorted.strides[last], count = values.numel();
  Nest nest;
  for (int d = 0; d < values.ndim; d++)
    nest.push(values.sizes[d], values.strides[d], out.strides[d], sorted.ndim > 1 && d < last ? sorted.strides[d] : 0);
  nest.merge();
  dispatchCompute(sorted.dtype, values.dtype, [&](auto tag) {
    using C = decltype(tag);
    const LoadFn<C> loadValue = loader<C>(values.dtype), loadSorted = loader<C>(sorted.dtype);
    const int64_t valueItem = itemSize(values.dtype), sortedItem = itemSize(sorted.dtype);
    parallelFor(count, 1024, [&](int64_t begin, int64_t end) {
      for (Walk<3> at(nest, begin); begin < end; begin++, at.advance(1)) {
        C value, middle;
        loadValue(values.data + at.offsets[0] * valueItem, 1, 1, &value);
        const char* line = sorted.data + at.offsets[2] * sortedItem;
        int64_t low = 0, high = n;
        while (low < high) {
          const int64_t mid = low + (high - low) / 2;
          loadSorted(line + mid * stride * sortedItem, 1, 1, &middle);
          // Written so that a NaN sorts above everything, itself included.
          if (right ? !(middle > value) : !(middle >= value)) low = mid + 1;
          else high = mid;
        }
        if (out.dtype == DType::i64) out.as<int64_t>()[at.offsets[1]] = low;
        else out.as<int32_t>()[at.offsets[1]] = int32_t(low);
      }
    });
  });
  return kOk;
}

// bincount(x, weights?, out): out[v] is how many elements of the 1-d integer tensor x are v, or the sum of their weights.
KERNEL(bincount) {
  const TensorArg x = args.tensor(), weights = args.tensor(), out = args.tensor();
  if (x.ndim != 1 || out.ndim != 1 || isFloating(x.dtype)) return kUnsupported;
  const int64_t n = x.sizes[0], bins = out.sizes[0];
  const LoadFn<int64_t> load = loader<int64_t>(x.dtype);
  const auto at = [&](int64_t i) {
    int64_t v;
    load(x.data + i * x.strides[0] * itemSize(x.dtype), 1, 1, &v);
    return v;
  };
  for (int64_t i = 0; i < n; i++) {
    const int64_t v = at(i);
    if (v >= 0 && v < bins) continue;
    args.result(1, double(v));
    args.result(2, double(bins));
    return kIndexOutOfRange;
  }
  return dispatch(out.dtype, [&](auto tag) -> int {
    using T = decltype(tag);
    using C = Compute<T>;
    T* sums = out.as<T>();
    for (int64_t b = 0; b < bins; b++) sums[b * out.strides[0]] = to<T>(C(0));
    const LoadFn<C> loadWeight = loader<C>(weights.dtype);
    for (int64_t i = 0; i < n; i++) {
      C w = C(1);
      if (weights) loadWeight(weights.data + i * weights.strides[0] * itemSize(weights.dtype), 1, 1, &w);
      T& sum = sums[at(i) * out.strides[0]];
      sum = to<T>(from<C>(sum) + w);
    }
    return kOk;
  });
}

}  // namespace flambeau
