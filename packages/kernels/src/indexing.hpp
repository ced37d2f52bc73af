// Index tensors: int64 or int32, checked as a whole before anything is written.
#pragma once
#include <algorithm>
#include <atomic>

#include "strided.hpp"

namespace flambeau {

// Calls f(int64_t{}) or f(int32_t{}).
template <class F> inline auto dispatchIndex(DType t, F&& f) {
  if (t == DType::i64) return f(int64_t{});
  return f(int32_t{});
}

// kOk, or what the frame tells of the first index that is neither in [0, size) nor `ignored`.
inline int checkIndices(const TensorArg& index, int64_t size, Args& args, int64_t ignored = 0, bool ignores = false) {
  if (index.dtype != DType::i64 && index.dtype != DType::i32) return kUnsupported;
  Nest nest;
  for (int d = 0; d < index.ndim; d++) nest.push(index.sizes[d], index.strides[d]);
  nest.merge();
  const int64_t n = index.numel();
  return dispatchIndex(index.dtype, [&](auto tag) -> int {
    using I = decltype(tag);
    const auto fits = [&](I v) { return (v >= 0 && v < size) || (ignores && v == ignored); };
    // True if [begin, end) has no index out of range; one that has may be searched for it at leisure.
    const auto clean = [&](int64_t begin, int64_t end) {
      int bad = 0;
      for (Walk<1> at(nest, begin); begin < end;) {
        const int64_t run = std::min(at.run(), end - begin), stride = at.stride(0);
        const I* p = index.as<I>() + at.offsets[0];
        if (stride == 1)
          for (int64_t i = 0; i < run; i++) bad |= !fits(p[i]);
        else
          for (int64_t i = 0; i < run; i++) bad |= !fits(p[i * stride]);
        at.advance(run);
        begin += run;
      }
      return bad == 0;
    };
    std::atomic<bool> ok{true};
    parallelFor(n, 32768, [&](int64_t begin, int64_t end) {
      if (!clean(begin, end)) ok.store(false, std::memory_order_relaxed);
    });
    if (ok.load()) return kOk;
    Walk<1> at(nest, 0);
    for (int64_t i = 0; i < n; i++, at.advance(1)) {
      const I v = index.as<I>()[at.offsets[0]];
      if (fits(v)) continue;
      args.result(1, double(v));
      args.result(2, double(size));
      break;
    }
    return kIndexOutOfRange;
  });
}

}  // namespace flambeau
