#include "reduction.hpp"

namespace flambeau {

// arange(out, start, step): start + i step, in double for the floating dtypes and in int64 for the others.
KERNEL(arange) {
  const TensorArg out = args.tensor();
  const double start = args.f64(), step = args.f64();
  const int64_t n = out.numel(), stride = out.ndim ? out.strides[0] : 1;
  if (out.ndim > 1) return kUnsupported;
  dispatch(out.dtype, [&](auto tag) {
    using T = decltype(tag);
    parallelFor(n, kPiece, [&](int64_t begin, int64_t end) {
      T* p = out.as<T>();
      if (isFloating(out.dtype)) {
        for (int64_t i = begin; i < end; i++) p[i * stride] = to<T>(start + double(i) * step);
      } else {
        const uint64_t a = uint64_t(int64_t(start)), s = uint64_t(int64_t(step));
        for (int64_t i = begin; i < end; i++) p[i * stride] = to<T>(int64_t(a + uint64_t(i) * s));
      }
    });
  });
  return kOk;
}

// nonzero(x, out?): slot 1 is the number of elements that are not zero; out [count, ndim] gets their coordinates.
KERNEL(nonzero) {
  const TensorArg x = args.tensor(), out = args.tensor();
  const int64_t n = x.numel(), pieces = (n + kPiece - 1) / kPiece;
  Nest nest;
  for (int d = 0; d < x.ndim; d++) nest.push(x.sizes[d], x.strides[d]);
  nest.merge();
  Scratch<int64_t> counts(pieces + 1);
  if (!counts) return kOutOfMemory;
  // f(flat index) for every nonzero element of a piece, in order.
  const auto scan = [&](int64_t piece, auto&& f) {
    dispatch(x.dtype, [&](auto tag) {
      using T = decltype(tag);
      const int64_t end = std::min(n, (piece + 1) * kPiece);
      int64_t i = piece * kPiece;
      for (Walk<1> at(nest, i); i < end;) {
        const int64_t run = std::min(at.run(), end - i), stride = at.stride(0);
        const T* p = x.as<T>() + at.offsets[0];
        for (int64_t k = 0; k < run; k++)
          f(i + k, from<Compute<T>>(p[k * stride]) != 0);
        at.advance(run);
        i += run;
      }
    });
  };
  parallelChunks(pieces, [&](int64_t piece) {
    int64_t count = 0;
    scan(piece, [&](int64_t, bool set) { count += set; });
    counts.get()[piece] = count;
  });
  int64_t total = 0;
  for (int64_t i = 0; i < pieces; i++) {
    const int64_t count = counts.get()[i];
    counts.get()[i] = total;
    total += count;
  }
  args.result(1, double(total));
  if (!out || x.ndim == 0) return kOk;
  parallelChunks(pieces, [&](int64_t piece) {
    int64_t* to = out.as<int64_t>() + counts.get()[piece] * out.strides[0];
    scan(piece, [&](int64_t flat, bool set) {
      if (!set) return;
      for (int d = x.ndim - 1; d > 0; d--) {
        to[d * out.strides[1]] = flat % x.sizes[d];
        flat /= x.sizes[d];
      }
      to[0] = flat;
      to += out.strides[0];
    });
  });
  return kOk;
}

}  // namespace flambeau
