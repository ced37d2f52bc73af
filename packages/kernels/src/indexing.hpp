// Index tensors: int64 or int32, checked as a whole before anything is written.
#pragma once
#include <algorithm>

#include "strided.hpp"

namespace flambeau {

struct IndexArg {
  const char* data;
  bool wide;

  explicit IndexArg(const TensorArg& t) : data(t.data), wide(t.dtype == DType::i64) {}
  int64_t operator[](int64_t offset) const {
    return wide ? reinterpret_cast<const int64_t*>(data)[offset] : reinterpret_cast<const int32_t*>(data)[offset];
  }
};

// kOk, or what the frame tells of the first index outside [0, size).
inline int checkIndices(const TensorArg& index, int64_t size, Args& args) {
  if (index.dtype != DType::i64 && index.dtype != DType::i32) return kUnsupported;
  const IndexArg indices(index);
  Nest nest;
  for (int d = 0; d < index.ndim; d++) nest.push(index.sizes[d], index.strides[d]);
  nest.merge();
  const int64_t n = index.numel();
  Walk<1> at(nest, 0);
  for (int64_t done = 0; done < n;) {
    const int64_t run = at.run();
    for (int64_t i = 0; i < run; i++) {
      const int64_t v = indices[at.offsets[0] + i * at.stride(0)];
      if (v < 0 || v >= size) {
        args.result(1, double(v));
        args.result(2, double(size));
        return kIndexOutOfRange;
      }
    }
    at.advance(run);
    done += run;
  }
  return kOk;
}

}  // namespace flambeau
