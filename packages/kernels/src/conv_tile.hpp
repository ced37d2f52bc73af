// The inner loops of convolution: register tiles over (channel, tap), reading the image where it lies.
#pragma once
#include <utility>

#include "vec.hpp"

namespace flambeau {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kRegisters = 32;
#else
constexpr int kRegisters = 16;
#endif

// Channel tiles: R points of a row × V vectors of output channels. Points are broadcast, so that any row length fits.
constexpr int kPoints = kRegisters == 32 ? 14 : 6;
constexpr int kPointsSingle = kRegisters == 32 ? 14 : 12;

// Taps [first, last), which read padding at the first or at the last point of a row.
struct Run {
  int64_t first, last;
  bool head, tail;
};
struct Runs {
  const Run* run;
  int64_t count;
};

template <class C>
using ChannelTile = void (*)(const C* w, const int64_t* offsets, Runs runs, bool head, bool tail, const C* x, const C* from,
                             int64_t fromPitch, C* out);

// out[r][v] = from[r·fromPitch][v] + Σ_k x[offsets[k] + r] · w[k][v]; w, from and out hold V vectors in a row. Head and tail:
// the tile is the beginning or the end of its row.
template <class C, int R, int V>
void channelTile(const C* w, const int64_t* offsets, Runs runs, bool head, bool tail, const C* x, const C* from,
                 int64_t fromPitch, C* out) {
  constexpr int L = kLanes<C>;
  Vec<C> acc[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++)
#pragma GCC unroll 9
    for (int v = 0; v < V; v++) acc[r][v] = load(from + r * fromPitch + v * L);
  for (const Run* run = runs.run; run < runs.run + runs.count; run++) {
    const auto sum = [&](auto begin, auto end) __attribute__((always_inline)) {
      const C* wk = w + run->first * V * L;
      for (int64_t k = run->first; k < run->last; k++, wk += V * L) {
        const C* p = x + offsets[k];
        Vec<C> weights[V];
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) weights[v] = load(wk + v * L);
#pragma GCC unroll 16
        for (int r = 0; r < R; r++) {
          if (r < begin || r >= end) continue;
          const Vec<C> point = splat(p[r]);
#pragma GCC unroll 2
          for (int v = 0; v < V; v++) acc[r][v] += point * weights[v];
        }
      }
    };
    using All = std::integral_constant<int, R>;
    using None = std::integral_constant<int, 0>;
    if (head && run->head) sum(std::integral_constant<int, 1>{}, All{});
    else if (tail && run->tail) sum(None{}, std::integral_constant<int, R - 1>{});
    else sum(None{}, All{});
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++)
#pragma GCC unroll 9
    for (int v = 0; v < V; v++) store(out + (r * V + v) * L, acc[r][v]);
}

// Row tiles: R output channels × V vectors of points, for few channels and wide rows.
constexpr int kRows = kRegisters == 32 ? 12 : 6;
constexpr int kRowVectors = 4;  // with up to half of kRows; two vectors above that

template <class C>
using RowTile = void (*)(const C* w, const int64_t* offsets, int64_t taps, const C* const* x, const C* bias, C* const* out,
                         int64_t outPitch);

// out[v][r·outPitch + lane] = bias[r] + Σ_k w[k][r] · x[v][offsets[k] + lane]
template <class C, int R, int V>
void rowTile(const C* w, const int64_t* offsets, int64_t taps, const C* const* x, const C* bias, C* const* out, int64_t outPitch) {
  Vec<C> acc[R][V];
  const C* p[V];
#pragma GCC unroll 16
  for (int v = 0; v < V; v++) p[v] = x[v];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++)
#pragma GCC unroll 9
    for (int v = 0; v < V; v++) acc[r][v] = splat(bias[r]);
  for (int64_t k = 0; k < taps; k++, w += R) {
    const int64_t at = offsets[k];
    Vec<C> points[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) points[v] = load(p[v] + at);
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
      const Vec<C> wr = splat(w[r]);
#pragma GCC unroll 4
      for (int v = 0; v < V; v++) acc[r][v] += wr * points[v];
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++)
#pragma GCC unroll 9
    for (int v = 0; v < V; v++) store(out[v] + r * outPitch, acc[r][v]);
}

template <class C, int V, size_t... R> inline ChannelTile<C> pickChannelTile(int r, std::index_sequence<R...>) {
  static constexpr ChannelTile<C> tiles[] = {channelTile<C, int(R) + 1, V>...};
  return tiles[r - 1];
}
template <class C> inline ChannelTile<C> channelTileFor(int r, int v) {
  return v == 2 ? pickChannelTile<C, 2>(r, std::make_index_sequence<kPoints>{})
                : pickChannelTile<C, 1>(r, std::make_index_sequence<kPointsSingle>{});
}

inline int rowVectorsFor(int r) { return r <= kRows / 2 ? kRowVectors : 2; }
template <class C, size_t... R> inline RowTile<C> pickRowTile(int r, std::index_sequence<R...>) {
  static constexpr RowTile<C> tiles[] = {rowTile<C, int(R) + 1, (int(R) < kRows / 2 ? kRowVectors : 2)>...};
  return tiles[r - 1];
}
template <class C> inline RowTile<C> rowTileFor(int r) { return pickRowTile<C>(r, std::make_index_sequence<kRows>{}); }

}  // namespace flambeau
