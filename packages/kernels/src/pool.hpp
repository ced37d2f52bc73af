// What the pooling kernels share: tensors as planes of up to three spatial dimensions, and windows clipped to the input.
#pragma once
#include <atomic>
#include <type_traits>
#include <utility>

#include "kernel.hpp"
#include "scratch.hpp"

namespace flambeau {

// A tensor as [planes, depth, height, width]: the leading dimensions are walked as one.
struct Planes {
  char* data;
  DType dtype;
  int leads;
  int64_t leadSizes[kMaxDims], leadStrides[kMaxDims];
  int64_t count = 1;
  int64_t sizes[3], strides[3];

  Planes(const TensorArg& t, int spatial) : data(t.data), dtype(t.dtype), leads(0) {
    const int given = t.ndim - spatial;
    for (int d = 0; d < given; d++) {
      count *= t.sizes[d];
      // Dimensions that lie one inside the other count as one: finding a plane then needs no division.
      if (leads > 0 && leadStrides[leads - 1] == t.sizes[d] * t.strides[d]) leadSizes[--leads] *= t.sizes[d];
      else leadSizes[leads] = t.sizes[d];
      leadStrides[leads++] = t.strides[d];
    }
    for (int d = 0; d < 3; d++) {
      const int from = given + d - (3 - spatial);
      sizes[d] = d < 3 - spatial ? 1 : t.sizes[from];
      strides[d] = d < 3 - spatial ? 0 : t.strides[from];
    }
  }
  int64_t area() const { return sizes[0] * sizes[1] * sizes[2]; }
  int64_t plane(int64_t i) const {
    int64_t offset = 0;
    for (int d = leads - 1; d > 0; d--) {
      offset += i % leadSizes[d] * leadStrides[d];
      i /= leadSizes[d];
    }
    return leads > 0 ? offset + i * leadStrides[0] : 0;
  }
  bool dense() const {
    return (sizes[2] == 1 || strides[2] == 1) && (sizes[1] == 1 || strides[1] == sizes[2]) &&
           (sizes[0] == 1 || strides[0] == sizes[1] * sizes[2]);
  }
};

// The taps of one output along one axis that lie inside the input: coordinates first, first + dilation, … below end.
struct Span {
  int64_t first, end;
  int64_t padded;  // the window's length where padding counts but what hangs over beyond it does not
};

// Kernel 0: adaptive windows, which share the elements out among the outputs and may overlap by one.
struct PoolAxis {
  int64_t size, count, kernel, stride, padding, dilation;

  Span span(int64_t i) const {
    if (kernel == 0) {
      const int64_t begin = i * size / count, end = ((i + 1) * size + count - 1) / count;
      return {begin, end, end - begin};
    }
    const int64_t start = i * stride - padding, stop = start + (kernel - 1) * dilation + 1;
    Span s{start, stop < size ? stop : size, (stop < size + padding ? stop : size + padding) - start};
    if (start < 0) s.first += (-start + dilation - 1) / dilation * dilation;
    return s;
  }
  // Outputs [begin, end) have all their taps inside the input.
  void interior(int64_t& begin, int64_t& end) const {
    begin = end = 0;
    if (kernel == 0) return;
    begin = (padding + stride - 1) / stride;
    const int64_t last = size + padding - (kernel - 1) * dilation - 1;
    end = last < 0 ? 0 : last / stride + 1;
    end = end < count ? end : count;
    begin = begin < end ? begin : end;
  }
  int64_t taps() const { return kernel > 0 ? kernel : size / (count > 0 ? count : 1) + 1; }
};

struct PoolWindow {
  int spatial = 0;
  int64_t kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, padding[3] = {0, 0, 0}, dilation[3] = {1, 1, 1};

  PoolWindow(Args& args, bool dilated) {
    int64_t* lists[4] = {kernel, stride, padding, dilation};
    for (int i = 0; i < (dilated ? 4 : 3); i++) {
      int64_t given[kMaxDims];
      spatial = args.list(given);
      for (int d = 0; d < spatial; d++) lists[i][3 - spatial + d] = given[d];
    }
  }
  void axes(const Planes& in, const Planes& out, PoolAxis* axes) const {
    for (int d = 0; d < 3; d++) axes[d] = {in.sizes[d], out.sizes[d], kernel[d], stride[d], padding[d], dilation[d]};
  }
};

// f(plane, depth, height) for every row of outputs, in parallel.
template <class F> inline void forRows(const Planes& out, int64_t rowCost, F&& f) {
  const int64_t height = out.sizes[1], depth = out.sizes[0];
  parallelFor(out.count * depth * height, 32768 / (rowCost + 16), [&](int64_t begin, int64_t end) {
    int64_t h = begin % height, d = begin / height % depth, plane = begin / height / depth;
    for (int64_t i = begin; i < end; i++) {
      f(plane, d, h);
      if (++h < height) continue;
      h = 0;
      if (++d < depth) continue;
      d = 0;
      plane++;
    }
  });
}

// Hands f a dense plane of sums, zeroed, for every plane of `out`: in place where it can, else copied out afterwards.
template <class T, class F> inline bool accumulatePlanes(const Planes& out, int64_t cost, F&& f) {
  using C = Compute<T>;
  const int64_t area = out.area();
  const bool inPlace = std::is_same<T, C>::value && out.dense();
  std::atomic<bool> failed{false};
  parallelFor(out.count, 16384 / (area + cost + 1), [&](int64_t begin, int64_t end) {
    Scratch scratch;
    C* copy = inPlace ? nullptr : scratch.get<C>(area);
    if (!inPlace && !copy) {
      failed = true;
      return;
    }
    for (int64_t p = begin; p < end; p++) {
      T* target = reinterpret_cast<T*>(out.data) + out.plane(p);
      C* sums = inPlace ? reinterpret_cast<C*>(target) : copy;
      std::memset(sums, 0, size_t(area) * sizeof(C));
      f(p, sums);
      if (inPlace) continue;
      for (int64_t z = 0; z < out.sizes[0]; z++)
        for (int64_t y = 0; y < out.sizes[1]; y++)
          for (int64_t k = 0; k < out.sizes[2]; k++)
            target[z * out.strides[0] + y * out.strides[1] + k * out.strides[2]] = to<T>(*sums++);
    }
  });
  return !failed;
}

template <class F> inline int dispatchFloat(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32: return f(float{});
    case DType::f64: return f(double{});
    case DType::f16: return f(Half{});
    case DType::bf16: return f(BFloat16{});
    default: return kUnsupported;
  }
}

// p[0], p[stride], … as a vector, reading nothing beyond the last of them. Strides other than 1 and 2 go one by one.
template <class T, int Bytes, size_t... I>
FLAMBEAU_INLINE typename VecOf<T, Bytes>::type everySecond(const T* p, std::index_sequence<I...>) {
  constexpr int n = sizeof...(I);
  typename VecOf<T, Bytes>::type a, b;
  std::memcpy(&a, p, Bytes);
  std::memcpy(&b, p + n - 1, Bytes);
  return __builtin_shufflevector(a, b, (int(2 * I) < n ? int(2 * I) : int(2 * I) + 1)...);
}
template <class T, int Bytes> FLAMBEAU_INLINE typename VecOf<T, Bytes>::type loadStrided(const T* p, int64_t stride) {
  constexpr int n = Bytes / int(sizeof(T));
  if (stride == 2) return everySecond<T, Bytes>(p, std::make_index_sequence<n>{});
  typename VecOf<T, Bytes>::type v;
  if (stride == 1) std::memcpy(&v, p, Bytes);
  else
    for (int i = 0; i < n; i++) v[i] = p[i * stride];
  return v;
}

// Runs f(start, tag of a vector's bytes) over [begin, end) with the widest vectors that fit, the last overlapping the one
// before; answers where it stopped: at begin if the row is shorter than any vector.
template <class T, class F> FLAMBEAU_INLINE int64_t forVectors(int64_t begin, int64_t end, F&& f) {
  const auto sweep = [&](auto bytes) {
    constexpr int n = decltype(bytes)::value / int(sizeof(T));
    for (int64_t i = begin; i + n < end; i += n) f(i, bytes);
    f(end - n, bytes);
    return end;
  };
  const int64_t bytes = (end - begin) * int64_t(sizeof(T));
  if (bytes >= kVectorBytes) return sweep(std::integral_constant<int, kVectorBytes>{});
  if constexpr (kVectorBytes > 32)
    if (bytes >= 32) return sweep(std::integral_constant<int, 32>{});
  if constexpr (kVectorBytes > 16)
    if (bytes >= 16) return sweep(std::integral_constant<int, 16>{});
  return begin;
}

}  // namespace flambeau
