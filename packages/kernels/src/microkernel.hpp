// The inner parts of matrix multiplication: a tile of C held in registers, and the packing that feeds it.
#pragma once
#include <cstdint>
#include <cstring>
#include <utility>

#include "vec.hpp"

#if defined(__clang__)
#define FLAMBEAU_UNROLL _Pragma("unroll")
#else
#define FLAMBEAU_UNROLL _Pragma("GCC unroll 16")
#endif

namespace flambeau {

// The tile is kTileRows x kTileVectors vectors: 24 accumulators of 32 registers, or 12 of 16, leave room for the operands.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kTileRows = 12;
constexpr int kWideRows = 4;
#else
constexpr int kTileRows = 6;
constexpr int kWideRows = 3;
#endif
constexpr int kTileVectors = 2;
constexpr int kWideVectors = 4;
template <class T> constexpr int kTileColumns = kTileVectors * kLanes<T>;

// C[R x V vectors] = A B, or C += A B. A is read one element at a time, so any strides do; Adjacent promises ars == 1.
template <class T, int R, int V, bool Adjacent>
void tile(int64_t k, const T* a, int64_t ars, int64_t acs, const T* b, int64_t brs, T* c, int64_t crs, bool add) {
  constexpr int L = kLanes<T>;
  Vec<T> sum[R][V];
  FLAMBEAU_UNROLL
  for (int i = 0; i < R; i++) {
    FLAMBEAU_UNROLL
    for (int v = 0; v < V; v++) {
      sum[i][v] = Vec<T>{};
      __builtin_prefetch(c + i * crs + v * L, 1);
    }
  }
  // Three rows to a pointer: base, base + stride and base + 2 stride are addressing modes, and pointers stay in registers.
  constexpr int G = (R + 2) / 3;
  const T* rows[G];
  FLAMBEAU_UNROLL
  for (int g = 0; g < G; g++) rows[g] = a + 3 * g * ars;
  for (; k > 0; k--) {
    Vec<T> x[V];
    FLAMBEAU_UNROLL
    for (int v = 0; v < V; v++) x[v] = load(b + v * L);
    FLAMBEAU_UNROLL
    for (int i = 0; i < R; i++) {
      const Vec<T> y = splat(Adjacent ? a[i] : rows[i / 3][(i % 3) * ars]);
      FLAMBEAU_UNROLL
      for (int v = 0; v < V; v++) sum[i][v] += y * x[v];
    }
    if (Adjacent) {
      a += acs;
    } else {
      FLAMBEAU_UNROLL
      for (int g = 0; g < G; g++) rows[g] += acs;
    }
    b += brs;
  }
  FLAMBEAU_UNROLL
  for (int i = 0; i < R; i++) {
    FLAMBEAU_UNROLL
    for (int v = 0; v < V; v++) {
      T* out = c + i * crs + v * L;
      store(out, add ? load(out) + sum[i][v] : sum[i][v]);
    }
  }
}

template <class T>
using Tile = void (*)(int64_t k, const T* a, int64_t ars, int64_t acs, const T* b, int64_t brs, T* c, int64_t crs, bool add);

template <class T, int V, bool Adjacent, int... I> inline Tile<T> pickTile(int rows, std::integer_sequence<int, I...>) {
  static constexpr Tile<T> table[] = {tile<T, I + 1, V, Adjacent>...};
  return table[rows - 1];
}

// The kernel of `rows` <= kTileRows rows and `vectors` <= kTileVectors vectors; of kWideVectors for rows <= kWideRows.
template <class T> inline Tile<T> pickTile(int rows, int vectors, bool adjacent) {
  constexpr auto all = std::make_integer_sequence<int, kTileRows>();
  constexpr auto few = std::make_integer_sequence<int, kWideRows>();
  if (vectors == kWideVectors) {
    return adjacent ? pickTile<T, kWideVectors, true>(rows, few) : pickTile<T, kWideVectors, false>(rows, few);
  }
  if (vectors == 1) return adjacent ? pickTile<T, 1, true>(rows, all) : pickTile<T, 1, false>(rows, all);
  return adjacent ? pickTile<T, kTileVectors, true>(rows, all) : pickTile<T, kTileVectors, false>(rows, all);
}

// C[R x C] (row-major) = the dot products of R rows of A and C columns of B, both unit-stride along k.
template <class T, int R, int C> void dots(int64_t k, const T* a, int64_t ars, const T* b, int64_t bcs, T* c) {
  constexpr int L = kLanes<T>;
  Vec<T> sum[R][C];
  FLAMBEAU_UNROLL
  for (int i = 0; i < R; i++) {
    FLAMBEAU_UNROLL
    for (int j = 0; j < C; j++) sum[i][j] = Vec<T>{};
  }
  const auto step = [&](auto&& read, int64_t p) {
    Vec<T> x[R];
    FLAMBEAU_UNROLL
    for (int i = 0; i < R; i++) x[i] = read(a + i * ars + p);
    FLAMBEAU_UNROLL
    for (int j = 0; j < C; j++) {
      const Vec<T> y = read(b + j * bcs + p);
      FLAMBEAU_UNROLL
      for (int i = 0; i < R; i++) sum[i][j] += x[i] * y;
    }
  };
  int64_t p = 0;
  for (; p + L <= k; p += L) step([](const T* q) { return load(q); }, p);
  if (p < k) step([&](const T* q) { return loadPart(q, k - p); }, p);
  for (int i = 0; i < R; i++) {
    for (int j = 0; j < C; j++) {
      T lanes[L];
      store(lanes, sum[i][j]);
      for (int h = L / 2; h > 0; h /= 2) {
        for (int l = 0; l < h; l++) lanes[l] += lanes[l + h];
      }
      c[i * C + j] = lanes[0];
    }
  }
}

template <class T, int... I> FLAMBEAU_INLINE Vec<T> interleaveLow(Vec<T> a, Vec<T> b, std::integer_sequence<int, I...>) {
  constexpr int L = kLanes<T>;
  return __builtin_shufflevector(a, b, (I / 2 + (I % 2) * L)...);
}
template <class T, int... I> FLAMBEAU_INLINE Vec<T> interleaveHigh(Vec<T> a, Vec<T> b, std::integer_sequence<int, I...>) {
  constexpr int L = kLanes<T>;
  return __builtin_shufflevector(a, b, (L / 2 + I / 2 + (I % 2) * L)...);
}

// Transposes the square of lanes: log2(L) rounds of perfect shuffles.
template <class T> FLAMBEAU_INLINE void transpose(Vec<T>* rows) {
  constexpr int L = kLanes<T>;
  constexpr auto lanes = std::make_integer_sequence<int, L>();
  FLAMBEAU_UNROLL
  for (int round = 1; round < L; round *= 2) {
    Vec<T> next[L];
    FLAMBEAU_UNROLL
    for (int i = 0; i < L / 2; i++) {
      next[2 * i] = interleaveLow<T>(rows[i], rows[i + L / 2], lanes);
      next[2 * i + 1] = interleaveHigh<T>(rows[i], rows[i + L / 2], lanes);
    }
    FLAMBEAU_UNROLL
    for (int i = 0; i < L; i++) rows[i] = next[i];
  }
}

// W <= kLanes columns of a panel from lines that are adjacent along k; lines beyond `count` become zeros.
template <class T, int W> void packLines(int64_t k, int64_t count, const T* src, int64_t js, T* dst, int64_t width) {
  constexpr int L = kLanes<T>;
  int64_t p = 0;
  for (; p + L <= k; p += L) {
    Vec<T> rows[L];
    if (count >= W) {
      FLAMBEAU_UNROLL
      for (int j = 0; j < L; j++) rows[j] = j < W ? load(src + j * js + p) : Vec<T>{};
    } else {
      FLAMBEAU_UNROLL
      for (int j = 0; j < L; j++) rows[j] = j < count ? load(src + j * js + p) : Vec<T>{};
    }
    transpose<T>(rows);
    FLAMBEAU_UNROLL
    for (int i = 0; i < L; i++) std::memcpy(dst + (p + i) * width, &rows[i], W * sizeof(T));
  }
  for (; p < k; p++) {
    for (int j = 0; j < W; j++) dst[p * width + j] = j < count ? src[j * js + p] : T(0);
  }
}

template <class T, int W, int From = 0>
inline void packTransposed(int64_t k, int64_t count, const T* src, int64_t js, T* dst) {
  constexpr int L = kLanes<T>, width = W - From < L ? W - From : L;
  const int64_t left = count - From;
  packLines<T, width>(k, left < 0 ? 0 : left, src + (left > 0 ? From * js : 0), js, dst + From, W);
  if constexpr (From + width < W) packTransposed<T, W, From + width>(k, count, src, js, dst);
}

// A panel: dst[p * W + j] = src[p * ps + j * js] for p < k and j < count, and zero for count <= j < W.
template <class T, int W> void pack(int64_t k, int64_t count, const T* src, int64_t ps, int64_t js, T* dst) {
  if (js == 1 && count == W) {
    for (int64_t p = 0; p < k; p++) std::memcpy(dst + p * W, src + p * ps, W * sizeof(T));
  } else if (ps == 1 && js != 1) {
    packTransposed<T, W>(k, count, src, js, dst);
  } else {
    for (int64_t p = 0; p < k; p++) {
      for (int64_t j = 0; j < count; j++) dst[p * W + j] = src[p * ps + j * js];
      for (int64_t j = count; j < W; j++) dst[p * W + j] = T(0);
    }
  }
}

}  // namespace flambeau
