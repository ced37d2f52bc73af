// Transposing blocks of one vector's width in registers.
#pragma once
#include <utility>

#include "vec.hpp"

namespace flambeau {

template <class T, size_t... I>
FLAMBEAU_INLINE Vec<T> interleaveLow(Vec<T> a, Vec<T> b, std::index_sequence<I...>) {
  return __builtin_shufflevector(a, b, (I % 2 ? int(I / 2 + sizeof...(I)) : int(I / 2))...);
}
template <class T, size_t... I>
FLAMBEAU_INLINE Vec<T> interleaveHigh(Vec<T> a, Vec<T> b, std::index_sequence<I...>) {
  constexpr int n = sizeof...(I), half = n / 2;
  return __builtin_shufflevector(a, b, (I % 2 ? int(I / 2) + half + n : int(I / 2) + half)...);
}

// dst[j][i] = src[i][j] for i, j < kLanes; only the first `rows` rows of dst are written.
// log2(lanes) perfect shuffles of the rows are a transposition, whatever the width.
template <class T> inline void transposeBlock(const T* src, int64_t srcPitch, T* dst, int64_t dstPitch, int64_t rows) {
  constexpr int n = kLanes<T>;
  using Lanes = std::make_index_sequence<n>;
  Vec<T> a[n], b[n];
  for (int i = 0; i < n; i++) a[i] = load(src + i * srcPitch);
#pragma GCC unroll 4
  for (int stage = 1; stage < n; stage *= 2) {
#pragma GCC unroll 16
    for (int i = 0; i < n / 2; i++) {
      b[2 * i] = interleaveLow<T>(a[i], a[i + n / 2], Lanes{});
      b[2 * i + 1] = interleaveHigh<T>(a[i], a[i + n / 2], Lanes{});
    }
#pragma GCC unroll 16
    for (int i = 0; i < n; i++) a[i] = b[i];
  }
  if (rows == n) {
#pragma GCC unroll 16
    for (int i = 0; i < n; i++) store(dst + i * dstPitch, a[i]);
  } else {
    for (int i = 0; i < rows; i++) store(dst + i * dstPitch, a[i]);
  }
}

}  // namespace flambeau
