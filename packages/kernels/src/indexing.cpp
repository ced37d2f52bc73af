#include "indexing.hpp"

namespace flambeau {
namespace {

constexpr int64_t kElements = 16384;

template <class F> int dispatchBytes(int bytes, F&& f) {
  switch (bytes) {
    case 1: return f(uint8_t{});
    case 2: return f(uint16_t{});
    case 4: return f(uint32_t{});
    default: return f(uint64_t{});
  }
}

}  // namespace

// gather(x, dim, index, out): out[i][j] = x[index[i][j]][j] for dim 0; out has the shape of index.
KERNEL(gather) {
  const TensorArg x = args.tensor();
  const int dim = args.i32();
  const TensorArg index = args.tensor(), out = args.tensor();
  const int64_t n = index.numel(), size = x.ndim ? x.sizes[dim] : 1, step = x.ndim ? x.strides[dim] : 0;
  if (const int status = checkIndices(index, size, args)) return status;
  // x moves along every dimension but `dim`, where the index moves it.
  Nest nest;
  for (int d = 0; d < index.ndim; d++) nest.push(index.sizes[d], d == dim ? 0 : x.strides[d], index.strides[d], out.strides[d]);
  nest.merge();
  return dispatchBytes(itemSize(x.dtype), [&](auto tag) -> int {
    using T = decltype(tag);
    return dispatchIndex(index.dtype, [&](auto indexTag) -> int {
      using I = decltype(indexTag);
      parallelFor(n, kElements, [&](int64_t begin, int64_t end) {
        Walk<3> at(nest, begin);
        while (begin < end) {
          const int64_t run = std::min(at.run(), end - begin), xs = at.stride(0), is = at.stride(1), os = at.stride(2);
          const T* from = x.as<T>() + at.offsets[0];
          const I* indices = index.as<I>() + at.offsets[1];
          T* to = out.as<T>() + at.offsets[2];
          if (is == 1 && os == 1)
            for (int64_t i = 0; i < run; i++) to[i] = from[i * xs + int64_t(indices[i]) * step];
          else
            for (int64_t i = 0; i < run; i++) to[i * os] = from[i * xs + int64_t(indices[i * is]) * step];
          at.advance(run);
          begin += run;
        }
      });
      return kOk;
    });
  });
}

// indexSelect(x, dim, index, out): out[.., i, ..] = x[.., index[i], ..].
KERNEL(indexSelect) {
  const TensorArg x = args.tensor();
  const int dim = args.i32();
  const TensorArg index = args.tensor(), out = args.tensor();
  const int64_t size = x.ndim ? x.sizes[dim] : 1, step = x.ndim ? x.strides[dim] : 0, outStep = out.ndim ? out.strides[dim] : 0;
  if (const int status = checkIndices(index, size, args)) return status;
  const int64_t count = index.numel(), indexStep = index.ndim ? index.strides[0] : 0;
  Nest outer, inner;
  for (int d = 0; d < x.ndim; d++)
    if (d != dim) (d < dim ? outer : inner).push(x.sizes[d], x.strides[d], out.strides[d]);
  outer.merge();
  inner.merge();
  const int bytes = itemSize(x.dtype);
  const int64_t block = inner.numel(), blocks = outer.numel() * count;
  if (block == 0 || blocks == 0) return kOk;
  const Loop whole = inner.count ? inner.loops[0] : Loop{1, {1, 1, 0}};
  const bool copies = inner.count <= 1 && whole.strides[0] == 1 && whole.strides[1] == 1;
  const bool wide = index.dtype == DType::i64;
  const auto indexAt = [&](int64_t i) {
    return wide ? index.as<int64_t>()[i * indexStep] : int64_t(index.as<int32_t>()[i * indexStep]);
  };
  parallelFor(blocks, kElements / block, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const Walk<2> at(outer, begin / count);
      const int64_t first = begin % count, last = std::min(count, first + (end - begin));
      if (block == 1) {
        dispatchBytes(bytes, [&](auto tag) -> int {
          using T = decltype(tag);
          const T* from = x.as<T>() + at.offsets[0];
          T* to = out.as<T>() + at.offsets[1];
          for (int64_t i = first; i < last; i++) to[i * outStep] = from[indexAt(i) * step];
          return kOk;
        });
      } else {
        for (int64_t i = first; i < last; i++) {
          const char* from = x.data + (at.offsets[0] + indexAt(i) * step) * bytes;
          char* to = out.data + (at.offsets[1] + i * outStep) * bytes;
          if (copies) {
            std::memcpy(to, from, size_t(block * bytes));
            continue;
          }
          Walk<2> in(inner, 0);
          for (int64_t done = 0; done < block;) {
            const int64_t run = in.run();
            copyStrided(bytes, from + in.offsets[0] * bytes, in.stride(0), to + in.offsets[1] * bytes, in.stride(1), run);
            in.advance(run);
            done += run;
          }
        }
      }
      begin += last - first;
    }
  });
  return kOk;
}

}  // namespace flambeau
