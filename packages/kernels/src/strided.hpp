// Runs of strided elements, converted to the type they are computed in. Structured kernels are written once for float,
// double and int64 over such runs; where dtype and stride already fit, a run is the tensor's own memory.
#pragma once
#include "kernel.hpp"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

namespace flambeau {

template <class C> struct DTypeOf;
template <> struct DTypeOf<float> { static constexpr DType value = DType::f32; };
template <> struct DTypeOf<double> { static constexpr DType value = DType::f64; };
template <> struct DTypeOf<int64_t> { static constexpr DType value = DType::i64; };

template <class C> using LoadFn = void (*)(const char* from, int64_t stride, int64_t n, C* to);
template <class C> using StoreFn = void (*)(char* to, int64_t stride, int64_t n, const C* from);
// Defined for C = float, double and int64.
template <class C> LoadFn<C> loader(DType t);
template <class C> StoreFn<C> storer(DType t);
// Copies elements of 1, 2, 4 or 8 bytes between two strides.
void copyStrided(int bytes, const char* from, int64_t fromStride, char* to, int64_t toStride, int64_t n);

inline bool isFloating(DType t) { return t == DType::f32 || t == DType::f64 || t == DType::f16 || t == DType::bf16; }

// Calls f(float{}), f(double{}) or f(int64_t{}): the type that values of both dtypes are computed in.
template <class F> inline auto dispatchCompute(DType a, DType b, F&& f) {
  if (a == DType::f64 || b == DType::f64) return f(double{});
  if (isFloating(a) || isFloating(b)) return f(float{});
  return f(int64_t{});
}

// One loop of a nest that walks up to three tensors at once.
struct Loop {
  int64_t size;
  int64_t strides[3];
};
struct Nest {
  int count = 0;
  Loop loops[kMaxDims];
  void push(int64_t size, int64_t a, int64_t b = 0, int64_t c = 0) {
    if (size != 1) loops[count++] = {size, {a, b, c}};
  }
  int64_t numel() const {
    int64_t n = 1;
    for (int i = 0; i < count; i++) n *= loops[i].size;
    return n;
  }
  // Joins neighbours that are one loop in every tensor.
  void merge() {
    int kept = 0;
    for (int i = 0; i < count; i++) {
      if (kept > 0) {
        Loop& outer = loops[kept - 1];
        const Loop& inner = loops[i];
        bool joins = true;
        for (int t = 0; t < 3; t++) joins = joins && outer.strides[t] == inner.strides[t] * inner.size;
        if (joins) {
          outer = {outer.size * inner.size, {inner.strides[0], inner.strides[1], inner.strides[2]}};
          continue;
        }
      }
      loops[kept++] = loops[i];
    }
    count = kept;
  }
  // Largest stride of the first tensor outermost; stride 0 counts as the largest, as repeating a run is best done outside.
  void sort() {
    for (int i = 1; i < count; i++)
      for (int j = i; j > 0 && rank(loops[j - 1]) < rank(loops[j]); j--) {
        const Loop l = loops[j];
        loops[j] = loops[j - 1];
        loops[j - 1] = l;
      }
  }
  static uint64_t rank(const Loop& l) { return uint64_t(l.strides[0]) - 1; }
};

// A position in a nest: the offset of each tensor, advanced in row-major order.
template <int Tensors> struct Walk {
  const Nest* nest;
  int64_t index[kMaxDims];
  int64_t offsets[Tensors];

  Walk(const Nest& n, int64_t flat) : nest(&n) {
    for (auto& o : offsets) o = 0;
    for (int d = n.count - 1; d >= 0; d--) {
      const int64_t size = n.loops[d].size > 0 ? n.loops[d].size : 1;  // an empty nest may be set up, if not walked
      index[d] = d == 0 ? flat : flat % size;
      flat /= size;
      for (int t = 0; t < Tensors; t++) offsets[t] += index[d] * n.loops[d].strides[t];
    }
  }
  // Elements left in the innermost loop.
  int64_t run() const { return nest->count ? nest->loops[nest->count - 1].size - index[nest->count - 1] : 1; }
  int64_t stride(int t) const { return nest->count ? nest->loops[nest->count - 1].strides[t] : 0; }
  // Moves n <= run() elements on.
  void advance(int64_t n) {
    for (int d = nest->count - 1; d >= 0; d--) {
      const Loop& l = nest->loops[d];
      index[d] += n;
      for (int t = 0; t < Tensors; t++) offsets[t] += n * l.strides[t];
      if (index[d] < l.size || d == 0) return;
      for (int t = 0; t < Tensors; t++) offsets[t] -= index[d] * l.strides[t];
      index[d] = 0;
      n = 1;
    }
  }
};

// The elements of a strided box in row-major order, a run at a time.
template <class C> struct Reader {
  LoadFn<C> load;
  int64_t item;
  bool same;
  const Nest* nest;

  Reader(DType t, const Nest& n) : load(loader<C>(t)), item(itemSize(t)), same(t == DTypeOf<C>::value), nest(&n) {}

  // Elements [begin, begin + n) of the box at `data`: the tensor's own memory where it serves, else `buffer`, filled.
  const C* read(const char* data, int64_t begin, int64_t n, C* buffer) const {
    if (nest->count <= 1) {
      const int64_t stride = nest->count ? nest->loops[0].strides[0] : 1;
      const char* p = data + begin * stride * item;
      if (same && (stride == 1 || n == 1)) return reinterpret_cast<const C*>(p);
      load(p, stride, n, buffer);
      return buffer;
    }
    Walk<1> at(*nest, begin);
    if (same && at.run() >= n && at.stride(0) == 1) return reinterpret_cast<const C*>(data) + at.offsets[0];
    for (int64_t done = 0; done < n;) {
      const int64_t run = at.run() < n - done ? at.run() : n - done;
      load(data + at.offsets[0] * item, at.stride(0), run, buffer + done);
      at.advance(run);
      done += run;
    }
    return buffer;
  }
};

// Vectors of the ends of runs: lanes past n hold `fill`.
template <class C> FLAMBEAU_INLINE Vec<C> loadEnd(const C* p, int64_t n, C fill) {
#ifdef __AVX512F__
  if constexpr (kVectorBytes == 64 && sizeof(C) == 4)
    return (Vec<C>)_mm512_mask_loadu_epi32((__m512i)splat<C>(fill), __mmask16((1u << n) - 1), p);
  else if constexpr (kVectorBytes == 64 && sizeof(C) == 8)
    return (Vec<C>)_mm512_mask_loadu_epi64((__m512i)splat<C>(fill), __mmask8((1u << n) - 1), p);
#endif
  C lanes[kLanes<C>];
  for (int i = 0; i < kLanes<C>; i++) lanes[i] = i < n ? p[i] : fill;
  return load<C>(lanes);
}
template <class C> FLAMBEAU_INLINE void storeEnd(C* p, Vec<C> v, int64_t n) {
#ifdef __AVX512F__
  if constexpr (kVectorBytes == 64 && sizeof(C) == 4)
    return _mm512_mask_storeu_epi32(p, __mmask16((1u << n) - 1), (__m512i)v);
  else if constexpr (kVectorBytes == 64 && sizeof(C) == 8)
    return _mm512_mask_storeu_epi64(p, __mmask8((1u << n) - 1), (__m512i)v);
#endif
  C lanes[kLanes<C>];
  store<C>(lanes, v);
  for (int i = 0; i < kLanes<C>; i++)
    if (i < n) p[i] = lanes[i];
}

// body(get, put) for every vector of n elements: `get(p)` and `put(p, v)` work at its place in a run and know the run's end.
template <class C, class Body> FLAMBEAU_INLINE void eachVector(int64_t n, Body body) {
  constexpr int64_t w = kLanes<C>;
  int64_t j = 0;
  for (; j + w <= n; j += w)
    body([j](const C* p) __attribute__((always_inline)) { return load<C>(p + j); },
         [j](C* p, Vec<C> v) __attribute__((always_inline)) { store<C>(p + j, v); });
  if (j < n)
    body([j, n](const C* p) __attribute__((always_inline)) { return loadEnd<C>(p + j, n - j, C(0)); },
         [j, n](C* p, Vec<C> v) __attribute__((always_inline)) { storeEnd<C>(p + j, v, n - j); });
}

}  // namespace flambeau
