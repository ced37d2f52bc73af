#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "reduction.hpp"

namespace flambeau {
namespace {

template <class C> using Wide = std::conditional_t<std::is_same<C, float>::value, double, C>;

enum Kind { kSum, kProd, kMax, kMin, kLogSumExp };

template <class C> FLAMBEAU_INLINE C logAddExp(C a, C b) {
  const C high = a > b || a != a ? a : b, low = a > b || a != a ? b : a;
  if (high != high || low != low) return high + low;
  return std::isinf(high) && high == low ? high : high + std::log1p(std::exp(low - high));
}

// One step of n neighbouring lines: acc takes x in, and `at` the position where acc is x itself.
template <class C, int kind> FLAMBEAU_INLINE void step(C* acc, const C* x, int64_t* at, int64_t position, int64_t n) {
  for (int64_t j = 0; j < n; j++) {
    const C a = acc[j], v = x[j];
    if constexpr (kind == kSum) {
      if constexpr (std::numeric_limits<C>::is_integer) acc[j] = C(uint64_t(a) + uint64_t(v));
      else acc[j] = a + v;
    } else if constexpr (kind == kProd) {
      if constexpr (std::numeric_limits<C>::is_integer) acc[j] = C(uint64_t(a) * uint64_t(v));
      else acc[j] = a * v;
    } else if constexpr (kind == kLogSumExp) {
      acc[j] = logAddExp(a, v);
    } else {
      // The later of equals counts, and so does the latest NaN.
      const bool takes = v != v || (a == a && (kind == kMax ? v >= a : v <= a));
      acc[j] = takes ? v : a;
      at[j] = takes ? position : at[j];
    }
  }
}

template <class C, int kind>
void scanLines(const TensorArg& x, const TensorArg& values, const TensorArg& indices, int dim) {
  constexpr int64_t kLines = 256;
  constexpr C start = kind == kProd                                       ? C(1)
                      : kind == kSum                                      ? C(0)
                      : kind == kMin && std::numeric_limits<C>::is_integer ? std::numeric_limits<C>::max()
                      : kind == kMin                                      ? std::numeric_limits<C>::infinity()
                      : std::numeric_limits<C>::is_integer                ? std::numeric_limits<C>::min()
                                                                          : -std::numeric_limits<C>::infinity();
  Nest nest;
  for (int d = 0; d < x.ndim; d++)
    if (d != dim) nest.push(x.sizes[d], x.strides[d], values.strides[d], indices ? indices.strides[d] : 0);
  nest.sort();
  nest.merge();
  const int64_t length = x.ndim ? x.sizes[dim] : 1, count = nest.numel();
  const int64_t xs = x.ndim ? x.strides[dim] : 1, vs = x.ndim ? values.strides[dim] : 1;
  const int64_t is = x.ndim && indices ? indices.strides[dim] : 1;
  if (length == 0 || count == 0) return;
  const LoadFn<C> load = loader<C>(x.dtype);
  const StoreFn<C> store = storer<C>(values.dtype);
  const StoreFn<int64_t> storeIndex = storer<int64_t>(DType::i64);
  const int64_t xItem = itemSize(x.dtype), vItem = itemSize(values.dtype);
  const int64_t inner = nest.count ? nest.loops[nest.count - 1].size : 1;
  // Along each line by blocks of it, or across neighbouring lines where those are closer together.
  if (inner < 8 || Nest::rank(nest.loops[nest.count - 1]) > uint64_t(xs) - 1) {
    parallelFor(count, kPiece / length, [&](int64_t begin, int64_t end) {
      C block[kLines];
      int64_t at[kLines];
      for (Walk<3> line(nest, begin); begin < end; begin++, line.advance(1)) {
        C acc = start;
        int64_t position = 0;
        for (int64_t i = 0; i < length; i += kLines) {
          const int64_t n = std::min(kLines, length - i);
          load(x.data + (line.offsets[0] + i * xs) * xItem, xs, n, block);
          for (int64_t k = 0; k < n; k++) {
            step<C, kind>(&acc, block + k, &position, i + k, 1);
            block[k] = acc;
            at[k] = position;
          }
          store(values.data + (line.offsets[1] + i * vs) * vItem, vs, n, block);
          if (indices) storeIndex(indices.data + (line.offsets[2] + i * is) * 8, is, n, at);
        }
      }
    });
    return;
  }
  const int64_t blocks = (inner + kLines - 1) / kLines;
  parallelFor(count / inner * blocks, kPiece / (length * std::min(inner, kLines)), [&](int64_t begin, int64_t end) {
    C acc[kLines], row[kLines];
    int64_t at[kLines];
    const Loop& lines = nest.loops[nest.count - 1];
    for (int64_t task = begin; task < end; task++) {
      const int64_t first = task % blocks * kLines, n = std::min(kLines, inner - first);
      const Walk<3> line(nest, task / blocks * inner + first);
      std::fill(acc, acc + kLines, start);
      std::fill(at, at + kLines, int64_t(0));
      for (int64_t i = 0; i < length; i++) {
        load(x.data + (line.offsets[0] + i * xs) * xItem, lines.strides[0], n, row);
        step<C, kind>(acc, row, at, i, n);
        store(values.data + (line.offsets[1] + i * vs) * vItem, lines.strides[1], n, acc);
        if (indices) storeIndex(indices.data + (line.offsets[2] + i * is) * 8, lines.strides[2], n, at);
      }
    }
  });
}

}  // namespace

// cumulative(kind 0 sum | 1 prod | 2 max | 3 min | 4 logcumsumexp, x, values, indices?, dim): running reduction along dim;
// for max and min, indices tell where the extreme was last met.
KERNEL(cumulative) {
  const int kind = args.i32();
  const TensorArg x = args.tensor(), values = args.tensor(), indices = args.tensor();
  const int dim = args.i32();
  if (indices && indices.dtype != DType::i64) return kUnsupported;
  return dispatchCompute(x.dtype, values.dtype, [&](auto tag) -> int {
    using C = decltype(tag);
    switch (kind) {
      // Floats in double: of many terms, and so that a product recovers from going beyond float's range.
      case kSum: scanLines<Wide<C>, kSum>(x, values, indices, dim); return kOk;
      case kProd: scanLines<Wide<C>, kProd>(x, values, indices, dim); return kOk;
      case kMax: scanLines<C, kMax>(x, values, indices, dim); return kOk;
      case kMin: scanLines<C, kMin>(x, values, indices, dim); return kOk;
      case kLogSumExp:
        if constexpr (std::numeric_limits<C>::has_infinity) {
          scanLines<C, kLogSumExp>(x, values, indices, dim);
          return kOk;
        }
    }
    return kUnsupported;
  });
}

}  // namespace flambeau
