// Short copies, inlined: a call of memcpy costs more than the few elements that a row of a small image has.
#pragma once
#include <utility>

#include "vec.hpp"

namespace flambeau {

// Many short copies of n elements: whole vectors, the last one overlapping the one before.
template <class T> FLAMBEAU_INLINE void copyRow(T* dst, const T* src, int64_t n) {
  constexpr int lanes = kLanes<T>;
  if (n >= lanes) {
    for (int64_t i = 0; i + lanes < n; i += lanes) store(dst + i, load(src + i));
    store(dst + n - lanes, load(src + n - lanes));
    return;
  }
  const size_t bytes = size_t(n) * sizeof(T);
  const char* s = reinterpret_cast<const char*>(src);
  char* d = reinterpret_cast<char*>(dst);
  const auto ends = [&](auto tag) {
    constexpr size_t half = sizeof tag;
    std::memcpy(d, s, half);
    std::memcpy(d + bytes - half, s + bytes - half, half);
  };
  struct B32 { char b[32]; };
  struct B16 { char b[16]; };
  // The compiler must see that longer halves than a vector's cannot come up.
  if (kVectorBytes > 32 && bytes >= 32) ends(B32{});
  else if (kVectorBytes > 16 && bytes >= 16) ends(B16{});
  else if (bytes >= 8) ends(int64_t{});
  else if (bytes >= 4) ends(int32_t{});
  else if (bytes >= 2) ends(int16_t{});
}

// dst[i] = src[2 i], reading nothing past src[2 (n - 1)].
template <class T, int Bytes, int... I>
FLAMBEAU_INLINE void gatherPairs(T* dst, const T* src, int64_t n, std::integer_sequence<int, I...>) {
  constexpr int lanes = sizeof...(I);
  for (; n >= lanes; n -= lanes, dst += lanes, src += 2 * lanes) {
    typename VecOf<T, Bytes>::type a, b;
    std::memcpy(&a, src, Bytes);
    std::memcpy(&b, src + lanes - 1, Bytes);
    a = __builtin_shufflevector(a, b, (2 * I < lanes ? 2 * I : 2 * I + 1)...);
    std::memcpy(dst, &a, Bytes);
  }
  if constexpr (Bytes > 16) return gatherPairs<T, Bytes / 2>(dst, src, n, std::make_integer_sequence<int, lanes / 2>());
  for (int64_t i = 0; i < n; i++) dst[i] = src[2 * i];
}
template <class T> FLAMBEAU_INLINE void gatherPairs(T* dst, const T* src, int64_t n) {
  gatherPairs<T, kVectorBytes>(dst, src, n, std::make_integer_sequence<int, kLanes<T>>());
}

// dst[2 i] = src[i], leaving what lies between and writing nothing past dst[2 (n - 1)].
template <class T, int Bytes, int... I>
FLAMBEAU_INLINE void scatterPairs(T* dst, const T* src, int64_t n, std::integer_sequence<int, I...>) {
  constexpr int lanes = sizeof...(I);
  for (; n >= lanes; n -= lanes, dst += 2 * lanes, src += lanes) {
    typename VecOf<T, Bytes>::type values, a, b;
    std::memcpy(&values, src, Bytes);
    std::memcpy(&a, dst, Bytes);
    std::memcpy(&b, dst + lanes - 1, Bytes);
    a = __builtin_shufflevector(a, values, (I % 2 ? I : lanes + I / 2)...);
    b = __builtin_shufflevector(b, values, (I % 2 ? lanes + (lanes + I) / 2 : I)...);
    std::memcpy(dst, &a, Bytes);
    std::memcpy(dst + lanes - 1, &b, Bytes);
  }
  if constexpr (Bytes > 16) return scatterPairs<T, Bytes / 2>(dst, src, n, std::make_integer_sequence<int, lanes / 2>());
  for (int64_t i = 0; i < n; i++) dst[2 * i] = src[i];
}
template <class T> FLAMBEAU_INLINE void scatterPairs(T* dst, const T* src, int64_t n) {
  scatterPairs<T, kVectorBytes>(dst, src, n, std::make_integer_sequence<int, kLanes<T>>());
}

}  // namespace flambeau
