#include "casts.hpp"

#include <type_traits>

#if defined(__F16C__)
#include <immintrin.h>
#endif

namespace flambeau {
namespace {

template <class T> constexpr bool kIsFloat = std::is_floating_point<T>::value || std::is_same<T, Half>::value || std::is_same<T, BFloat16>::value;

template <class C, class T> FLAMBEAU_INLINE C loadAs(T x) {
  if constexpr (std::is_integral<C>::value && kIsFloat<T>) {
    // C++ leaves float -> integer undefined out of range; to<> defines it.
    using F = std::conditional_t<std::is_same<T, double>::value, double, float>;
    return to<C>(from<F>(x));
  } else {
    return from<C>(x);
  }
}

template <class D, class S, class F> FLAMBEAU_INLINE void run(D* __restrict d, const S* __restrict s, int64_t n, F convert) {
  for (int64_t i = 0; i < n; i++) d[i] = convert(s[i]);
}

// Written without branches, so that the loop over it becomes vector code where there is no instruction for it.
FLAMBEAU_INLINE float halfToFloat(Half h) {
  const uint32_t sign = uint32_t(h.bits & 0x8000u) << 16, mag = h.bits & 0x7fffu, wide = mag << 13;
  const uint32_t subnormal = floatToBits(float(int32_t(mag)) * 5.9604644775390625e-8f);
  const uint32_t normal = wide + (mag >= 0x7c00u ? 0x70000000u : 0x38000000u);
  return bitsToFloat(sign | (mag < 0x400u ? subnormal : normal));
}
FLAMBEAU_INLINE Half floatToHalf(float f) {
  const uint32_t x = floatToBits(f), sign = (x >> 16) & 0x8000u, mag = x & 0x7fffffffu;
  const uint32_t subnormal = floatToBits(bitsToFloat(mag) + 0.5f) - 0x3f000000u;
  const uint32_t normal = (mag - 0x38000000u + 0xfffu + ((mag >> 13) & 1u)) >> 13;
  uint32_t bits = mag < 0x38800000u ? subnormal : normal;
  bits = mag >= 0x477ff000u ? 0x7c00u : bits;
  bits = mag > 0x7f800000u ? 0x7e00u : bits;
  Half h;
  h.bits = uint16_t(sign | bits);
  return h;
}
FLAMBEAU_INLINE BFloat16 floatToBFloat16(float f) {
  const uint32_t x = floatToBits(f), rounded = (x + 0x7fffu + ((x >> 16) & 1u)) >> 16;
  BFloat16 b;
  b.bits = uint16_t((x & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : rounded);
  return b;
}

template <class C, class T> inline void loadRun(C* d, const T* s, int64_t n) {
  if constexpr (std::is_same<C, T>::value) {
    std::memcpy(d, s, size_t(n) * sizeof(C));
  } else if constexpr (std::is_same<T, Half>::value && std::is_same<C, float>::value) {
    int64_t i = 0;
#if defined(__F16C__)
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(d + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(s + i))));
#endif
    run(d + i, s + i, n - i, [](Half h) { return halfToFloat(h); });
  } else {
    run(d, s, n, [](T x) { return loadAs<C>(x); });
  }
}

template <class C, class T> inline void storeRun(T* d, const C* s, int64_t n) {
  if constexpr (std::is_same<C, T>::value) {
    std::memcpy(d, s, size_t(n) * sizeof(C));
  } else if constexpr (std::is_same<T, Half>::value && std::is_same<C, float>::value) {
    int64_t i = 0;
#if defined(__F16C__)
    for (; i + 8 <= n; i += 8)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(d + i), _mm256_cvtps_ph(_mm256_loadu_ps(s + i), _MM_FROUND_TO_NEAREST_INT));
#endif
    run(d + i, s + i, n - i, [](float f) { return floatToHalf(f); });
  } else if constexpr (std::is_same<T, BFloat16>::value && std::is_same<C, float>::value) {
    run(d, s, n, [](float f) { return floatToBFloat16(f); });
  } else {
    run(d, s, n, [](C x) { return to<T>(x); });
  }
}

// 4-byte elements transposed in registers, 4 by 4; answers how many columns it has done.
inline int64_t transpose4(uint32_t* dst, int64_t pitch, const uint32_t* src, int64_t rows, int64_t cols, int64_t colStride) {
  using V = typename VecOf<uint32_t, 16>::type;
  if (rows % 4) return 0;
  int64_t c = 0;
  for (; c + 4 <= cols; c += 4)
    for (int64_t r = 0; r < rows; r += 4) {
      V in[4];
      for (int k = 0; k < 4; k++) std::memcpy(&in[k], src + (c + k) * colStride + r, 16);
#if defined(__clang__)
      const V a = __builtin_shufflevector(in[0], in[1], 0, 4, 1, 5), b = __builtin_shufflevector(in[0], in[1], 2, 6, 3, 7);
      const V e = __builtin_shufflevector(in[2], in[3], 0, 4, 1, 5), f = __builtin_shufflevector(in[2], in[3], 2, 6, 3, 7);
      const V out[4] = {__builtin_shufflevector(a, e, 0, 1, 4, 5), __builtin_shufflevector(a, e, 2, 3, 6, 7),
                        __builtin_shufflevector(b, f, 0, 1, 4, 5), __builtin_shufflevector(b, f, 2, 3, 6, 7)};
#else
      const V low = {0, 4, 1, 5}, high = {2, 6, 3, 7}, first = {0, 1, 4, 5}, second = {2, 3, 6, 7};
      const V a = __builtin_shuffle(in[0], in[1], low), b = __builtin_shuffle(in[0], in[1], high);
      const V e = __builtin_shuffle(in[2], in[3], low), f = __builtin_shuffle(in[2], in[3], high);
      const V out[4] = {__builtin_shuffle(a, e, first), __builtin_shuffle(a, e, second), __builtin_shuffle(b, f, first),
                        __builtin_shuffle(b, f, second)};
#endif
      for (int k = 0; k < 4; k++) std::memcpy(dst + (r + k) * pitch + c, &out[k], 16);
    }
  return c;
}

template <class C, class T>
void loadTile(void* to, int64_t pitch, const char* from, int64_t rows, int64_t rowStride, int64_t cols, int64_t colStride) {
  auto* dst = static_cast<C*>(to);
  auto* src = reinterpret_cast<const T*>(from);
  if (colStride == 1) {
    for (int64_t r = 0; r < rows; r++) loadRun(dst + r * pitch, src + r * rowStride, cols);
  } else if (colStride == 0) {
    for (int64_t r = 0; r < rows; r++) {
      const C value = loadAs<C>(src[r * rowStride]);
      C* row = dst + r * pitch;
      int64_t c = 0;
      for (; c + kLanes<C> <= cols; c += kLanes<C>) store(row + c, splat(value));
      for (; c < cols; c++) row[c] = value;
    }
  } else if (rowStride == 1 && rows > 1) {
    // A transposed operand: read along its contiguous dimension.
    int64_t c = 0;
    if constexpr (std::is_same<C, T>::value && sizeof(T) == 4)
      c = transpose4(reinterpret_cast<uint32_t*>(dst), pitch, reinterpret_cast<const uint32_t*>(src), rows, cols, colStride);
    for (; c < cols; c++)
      for (int64_t r = 0; r < rows; r++) dst[r * pitch + c] = loadAs<C>(src[c * colStride + r]);
  } else {
    for (int64_t r = 0; r < rows; r++)
      for (int64_t c = 0; c < cols; c++) dst[r * pitch + c] = loadAs<C>(src[r * rowStride + c * colStride]);
  }
}

template <class C, class T>
void storeTile(char* to_, int64_t rowStride, int64_t colStride, const void* from_, int64_t rows, int64_t cols) {
  auto* dst = reinterpret_cast<T*>(to_);
  auto* src = static_cast<const C*>(from_);
  if (colStride == 1) {
    for (int64_t r = 0; r < rows; r++) storeRun(dst + r * rowStride, src + r * cols, cols);
  } else {
    for (int64_t r = 0; r < rows; r++)
      for (int64_t c = 0; c < cols; c++) dst[r * rowStride + c * colStride] = to<T>(src[r * cols + c]);
  }
}

}  // namespace

LoadFn loadFor(int computeClass, DType dtype) {
  return dispatch(dtype, [&](auto tag) -> LoadFn {
    using T = decltype(tag);
    switch (computeClass) {
      case kClassF32: return loadTile<float, T>;
      case kClassF64: return loadTile<double, T>;
      case kClassI32: return loadTile<int32_t, T>;
      default: return loadTile<int64_t, T>;
    }
  });
}

StoreFn storeFor(int computeClass, DType dtype) {
  return dispatch(dtype, [&](auto tag) -> StoreFn {
    using T = decltype(tag);
    switch (computeClass) {
      case kClassF32: return storeTile<float, T>;
      case kClassF64: return storeTile<double, T>;
      case kClassI32: return storeTile<int32_t, T>;
      default: return storeTile<int64_t, T>;
    }
  });
}

}  // namespace flambeau
