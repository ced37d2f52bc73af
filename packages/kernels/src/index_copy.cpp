#include "indexing.hpp"
#include "reduction.hpp"

namespace flambeau {

// indexCopy(self, dim, index, src): self[.., index[i], ..] = src[.., i, ..], in the order of the index.
KERNEL(indexCopy) {
  const TensorArg self = args.tensor();
  const int dim = args.i32();
  const TensorArg index = args.tensor(), src = args.tensor();
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
  const int64_t elements = slice.numel(), bytes = itemSize(self.dtype);
  if (elements == 0 || count == 0) return kOk;
  const bool wide = index.dtype == DType::i64;
  const auto indexAt = [&](int64_t i) {
    return wide ? index.as<int64_t>()[i * indexStep] : int64_t(index.as<int32_t>()[i * indexStep]);
  };
  parallelFor(elements, std::max<int64_t>(256, kPiece / count), [&](int64_t begin, int64_t end) {
    for (Walk<2> at(slice, begin); begin < end;) {
      const int64_t run = std::min(at.run(), end - begin), a = at.stride(0), b = at.stride(1);
      for (int64_t i = 0; i < count; i++) {
        char* to = self.data + (at.offsets[0] + indexAt(i) * step) * bytes;
        const char* from = src.data + (at.offsets[1] + i * srcStep) * bytes;
        if (a == 1 && b == 1) std::memcpy(to, from, size_t(run * bytes));
        else copyStrided(int(bytes), from, b, to, a, run);
      }
      at.advance(run);
      begin += run;
    }
  });
  return kOk;
}

}  // namespace flambeau
