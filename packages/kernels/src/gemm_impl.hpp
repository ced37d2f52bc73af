// How a multiplication is cut into tiles. Included by the files that instantiate gemm.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "gemm.hpp"
#include "microkernel.hpp"
#include "parallel.hpp"

namespace flambeau {
namespace {

// Rows of B to a block: a panel of B (k x tile columns) fills the first-level cache while tiles of A stream past.
constexpr int64_t kBlockDepth = 512;
constexpr int64_t kBlockRows = 256 * kTileRows;
constexpr int64_t kBlockColumns = 4096;
// Multiply-adds below which handing work to another thread costs more than it saves.
constexpr int64_t kSerialWork = 512 << 10;

inline int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Kept from call to call by every thread that multiplies: fresh memory costs more than the packing it is for.
class Scratch {
  void* data_ = nullptr;
  size_t bytes_ = 0;

 public:
  ~Scratch() { std::free(data_); }
  void* get(size_t bytes) {
    if (bytes > bytes_) {
      std::free(data_);
      bytes_ = (bytes + 4095) & ~size_t(4095);
      if (posix_memalign(&data_, 64, bytes_) != 0) data_ = nullptr;
      if (!data_) bytes_ = 0;
    }
    return data_;
  }
};
inline Scratch& scratch() {
#ifdef __wasm__
  static Scratch s;  // one thread, and no runtime support for the destructors of more
#else
  static thread_local Scratch s;
#endif
  return s;
}

// Memory of one call that must outlive nested calls of gemm.
template <class T> struct Temporary {
  T* data;
  explicit Temporary(int64_t n) : data(static_cast<T*>(std::malloc(size_t(n) * sizeof(T)))) {}
  ~Temporary() { std::free(data); }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
};

template <class F> inline void forChunks(int64_t chunks, bool serial, F&& f) {
  if (!serial) return parallelChunks(chunks, [&](int64_t i) { f(i); });
  for (int64_t i = 0; i < chunks; i++) f(i);
}

// One multiplication, already turned so that C's columns lie along the vector lanes.
template <class T> struct Product {
  static constexpr int L = kLanes<T>;
  static constexpr int MR = kTileRows;
  static constexpr int NR = kTileColumns<T>;

  int64_t m, n, k;
  const T* a;
  int64_t ars, acs;
  const T* b;
  int64_t brs, bcs;
  T* c;
  int64_t crs, ccs;
  bool accumulate;

  // From a row-major buffer of the given width into C.
  void copyOut(const T* from, int64_t width, int64_t i, int64_t j, int64_t rows, int64_t columns, bool add) const {
    for (int64_t r = 0; r < rows; r++) {
      const T* x = from + r * width;
      T* y = c + (i + r) * crs + j * ccs;
      if (ccs == 1) {
        if (add) {
          for (int64_t q = 0; q < columns; q++) y[q] += x[q];
        } else {
          std::memcpy(y, x, size_t(columns) * sizeof(T));
        }
      } else {
        for (int64_t q = 0; q < columns; q++) y[q * ccs] = add ? T(y[q * ccs] + x[q]) : x[q];
      }
    }
  }

  // A few rows against columns that are adjacent along k: dot products, each column of B read once.
  template <int R, int C> void dotBlocks(const T* x, int64_t xrs, int64_t begin, int64_t end) const {
    T out[R * C];
    int64_t j = begin;
    for (; j + C <= end; j += C) {
      dots<T, R, C>(k, x, xrs, b + j * bcs, bcs, out);
      copyOut(out, C, 0, j, R, C, accumulate);
    }
    for (; j < end; j++) {
      dots<T, R, 1>(k, x, xrs, b + j * bcs, bcs, out);
      copyOut(out, 1, 0, j, R, 1, accumulate);
    }
  }
  bool dotProducts() const {
    const bool gather = acs != 1;
    T* copy = gather ? static_cast<T*>(scratch().get(size_t(m * k) * sizeof(T))) : nullptr;
    if (gather && !copy) return false;
    for (int64_t i = 0; gather && i < m; i++) {
      for (int64_t p = 0; p < k; p++) copy[i * k + p] = a[i * ars + p * acs];
    }
    const T* x = gather ? copy : a;
    const int64_t xrs = gather ? k : ars;
    const int64_t grain = (std::max<int64_t>(kSerialWork / 2 / (m * k), 1) + 7) / 8 * 8;
    parallelFor(n, grain, [&](int64_t begin, int64_t end) {
      switch (m) {
        case 1: return dotBlocks<1, 8>(x, xrs, begin, end);
        case 2: return dotBlocks<2, 4>(x, xrs, begin, end);
        case 3: return dotBlocks<3, 4>(x, xrs, begin, end);
        default: return dotBlocks<kWideRows, 4>(x, xrs, begin, end);
      }
    });
    return true;
  }

  // A few rows against adjacent columns: B is read in place, some rows at a time so that few pages are open at once.
  static constexpr int64_t kThinDepth = 64;
  void thinBlock(int64_t i, int64_t rows, int64_t begin, int64_t end) const {
    constexpr int64_t wide = kWideVectors * L;
    T buffer[kWideRows * wide], column[kThinDepth * L];
    // Hardware prefetches only so many rows side by side; what is in cache already had better be read in longer sums.
    const int64_t most = n * k * int64_t(sizeof(T)) <= 1 << 20 ? kThinDepth : rows <= 2 ? 8 : 16;
    for (int64_t p = 0; p < k; p += most) {
      const int64_t depth = std::min(most, k - p);
      const bool add = accumulate || p > 0;
      const T* x = a + i * ars + p * acs;
      for (int64_t j = begin; j < end;) {
        const int64_t left = end - j;
        const int vectors = left >= wide ? kWideVectors : left >= 2 * L ? 2 : 1;
        const int64_t columns = std::min<int64_t>(left, vectors * L);
        const T* y = b + p * brs + j;
        int64_t yrs = brs;
        if (columns < L) {
          pack<T, L>(depth, columns, y, brs, 1, column);
          y = column;
          yrs = L;
        }
        const auto run = pickTile<T>(int(rows), vectors, ars == 1);
        if (ccs == 1 && columns >= L) {
          run(depth, x, ars, acs, y, yrs, c + i * crs + j, crs, add);
        } else {
          run(depth, x, ars, acs, y, yrs, buffer, vectors * L, false);
          copyOut(buffer, vectors * L, i, j, rows, columns, add);
        }
        j += columns;
      }
    }
  }
  void thin() const {
    const int64_t unit = 64 * L;
    const int64_t grain = ceilDiv(std::max<int64_t>(kSerialWork / 2 / (m * k), 1), unit) * unit;
    parallelFor(n, grain, [&](int64_t begin, int64_t end) { thinBlock(0, m, begin, end); });
  }
  // A short sum makes C the larger traffic: it is written along its rows.
  void shallow() const {
    const int64_t groups = ceilDiv(m, kWideRows), grain = std::max<int64_t>(kSerialWork / 4 / (kWideRows * n), 1);
    parallelFor(groups, grain, [&](int64_t begin, int64_t end) {
      for (int64_t g = begin; g < end; g++) thinBlock(g * kWideRows, std::min<int64_t>(kWideRows, m - g * kWideRows), 0, n);
    });
  }

  // Small products: every task packs what it needs of B for itself, because in such a time cores cannot hand packed data
  // to one another. The cut depends on the number of threads, the order of no sum does.
  static constexpr int64_t kSmallWork = 6 << 20;
  bool small() const {
    const int64_t vectors = ceilDiv(n, L), threads = threadCount(), work = m * n * k;
    const int64_t packing = bcs == 1 ? (packsB() ? 2 : 0) : 6;
    const int64_t limit = std::min<int64_t>(4 * threads, work / (kSerialWork / 4));
    int64_t high = 1, across = 1, best = INT64_MAX;
    if (threads > 1 && work > kSerialWork) {
      for (int64_t r = 1; r <= limit && r * 4 <= m; r++) {
        for (int64_t q = 1; q * r <= limit && q <= vectors; q++) {
          const int64_t cost = ceilDiv(r * q, threads) * ceilDiv(vectors, q) * (ceilDiv(m, r) + packing);
          if (cost < best) best = cost, high = r, across = q;
        }
      }
    }
    std::atomic<bool> ok{true};
    forChunks(high * across, high * across == 1, [&](int64_t task) {
      const int64_t r = task % high, q = task / high;
      if (!smallBlock(m * r / high, m * (r + 1) / high, vectors * q / across * L,
                      std::min(n, vectors * (q + 1) / across * L))) {
        ok.store(false, std::memory_order_relaxed);
      }
    });
    return ok.load(std::memory_order_relaxed);
  }
  bool smallBlock(int64_t i0, int64_t i1, int64_t j0, int64_t j1) const {
    const bool packB = packsB();
    const int64_t depth = ceilDiv(k, ceilDiv(k, kBlockDepth));
    T* const packed = static_cast<T*>(scratch().get(size_t(NR * depth) * sizeof(T)));
    if (!packed) return false;
    for (int64_t p = 0; p < k; p += depth) {
      const int64_t dk = std::min(depth, k - p);
      for (int64_t j = j0; j < j1; j += NR) {
        const int64_t w = std::min<int64_t>(NR, j1 - j);
        const T* y = b + p * brs + j * bcs;
        int64_t yrs = brs;
        if (packB || w % L != 0) {
          packPanel(dk, w, y, packed);
          y = packed;
          yrs = w > L ? NR : L;
        }
        tiles(dk, i0, i1, a + i0 * ars + p * acs, ars, acs, MR * ars, y, yrs, j, w, accumulate || p > 0);
      }
    }
    return true;
  }

  void packPanel(int64_t dk, int64_t w, const T* from, T* to) const {
    if (w > L) pack<T, NR>(dk, w, from, brs, bcs, to);
    else pack<T, L>(dk, w, from, brs, bcs, to);
  }

  // Rows [i0, i1) of C by one panel of B, w columns wide; A's tiles lie `next` elements apart.
  void tiles(int64_t dk, int64_t i0, int64_t i1, const T* x, int64_t xrs, int64_t xcs, int64_t next, const T* y, int64_t yrs,
             int64_t j, int64_t w, bool add) const {
    T buffer[MR * NR];
    const int vectors = w > L ? 2 : 1;
    const bool direct = ccs == 1 && w == vectors * L;
    const auto full = pickTile<T>(MR, vectors, xrs == 1);
    for (int64_t i = i0; i < i1; i += MR, x += next) {
      const int64_t h = std::min<int64_t>(MR, i1 - i);
      const auto run = h == MR ? full : pickTile<T>(int(h), vectors, xrs == 1);
      if (direct) {
        run(dk, x, xrs, xcs, y, yrs, c + i * crs + j, crs, add);
      } else {
        run(dk, x, xrs, xcs, y, yrs, buffer, vectors * L, false);
        copyOut(buffer, vectors * L, i, j, h, w, add);
      }
    }
  }

  // The general case: panels of A and B, packed where that pays, and the tiles between them.
  bool blocked() const {
    const int64_t depth = ceilDiv(k, ceilDiv(k, kBlockDepth));
    const bool packA = packsA(), packB = packsB();
    const int64_t blockRows = std::min(m, kBlockRows), blockColumns = std::min(n, kBlockColumns);
    const int64_t sizeA = packA ? ceilDiv(blockRows, MR) * MR * depth : 0;
    const int64_t tail = n % L;
    const int64_t sizeB = packB ? ceilDiv(blockColumns, NR) * NR * depth : tail != 0 ? NR * depth : 0;
    T* const packedA = static_cast<T*>(scratch().get(size_t(sizeA + sizeB + NR) * sizeof(T)));
    if (!packedA) return false;
    T* const packedB = packedA + (sizeA + NR - 1) / NR * NR;

    for (int64_t j0 = 0; j0 < n; j0 += kBlockColumns) {
      const int64_t columns = std::min(kBlockColumns, n - j0), panelsB = ceilDiv(columns, NR);
      for (int64_t p = 0; p < k; p += depth) {
        const int64_t dk = std::min(depth, k - p);
        for (int64_t i0 = 0; i0 < m; i0 += kBlockRows) {
          const int64_t rows = std::min(kBlockRows, m - i0), panelsA = ceilDiv(rows, MR);
          // Packing: all of B's panels once, this block's panels of A.
          const int64_t lastB = packB ? 0 : columns % L == 0 ? panelsB : panelsB - 1;
          const int64_t jobsB = i0 == 0 ? panelsB - lastB : 0, jobsA = packA ? panelsA : 0;
          const auto packOne = [&](int64_t job) {
            if (job < jobsB) {
              const int64_t q = lastB + job, j = j0 + q * NR, w = std::min<int64_t>(NR, n - j);
              packPanel(dk, w, b + p * brs + j * bcs, packedB + (packB ? q * NR * dk : 0));
            } else {
              const int64_t q = job - jobsB, i = i0 + q * MR;
              pack<T, MR>(dk, std::min<int64_t>(MR, m - i), a + i * ars + p * acs, acs, ars, packedA + q * MR * dk);
            }
          };
          const int64_t jobs = jobsA + jobsB, perChunk = ceilDiv(jobs, 64);
          forChunks(ceilDiv(jobs, perChunk ? perChunk : 1), jobs * dk * NR < 32768, [&](int64_t chunk) {
            for (int64_t job = chunk * perChunk; job < std::min(jobs, (chunk + 1) * perChunk); job++) packOne(job);
          });

          // Blocks of tiles, small enough to share evenly and large enough to reuse what they load.
          int64_t high = std::min<int64_t>(panelsA, 16), across = std::min<int64_t>(panelsB, 8);
          while (ceilDiv(panelsA, high) * ceilDiv(panelsB, across) < 24 && high * across > 1 &&
                 high * across * MR * NR * dk > kSerialWork / 2) {
            if (high >= across) high = (high + 1) / 2;
            else across = (across + 1) / 2;
          }
          const int64_t blocksA = ceilDiv(panelsA, high), blocksB = ceilDiv(panelsB, across);
          parallelChunks(blocksA * blocksB, [&](int64_t block) {
            const int64_t fromA = block % blocksA * high, toA = std::min(panelsA, fromA + high);
            const int64_t fromB = block / blocksA * across, toB = std::min(panelsB, fromB + across);
            const int64_t from = i0 + fromA * MR, to = std::min(i0 + toA * MR, i0 + rows);
            const T* x = packA ? packedA + fromA * MR * dk : a + from * ars + p * acs;
            for (int64_t q = fromB; q < toB; q++) {
              const int64_t j = j0 + q * NR, w = std::min<int64_t>(NR, n - j);
              const bool own = packB || q >= lastB;
              const T* y = own ? packedB + (packB ? q * NR * dk : 0) : b + p * brs + j;
              const int64_t yrs = !own ? brs : w > L ? NR : L;
              tiles(dk, from, to, x, packA ? 1 : ars, packA ? MR : acs, MR * (packA ? dk : ars), y, yrs, j, w,
                    accumulate || p > 0);
            }
          });
        }
      }
    }
    return true;
  }

  bool packsA() const { return n > 2 * NR && m * k > 64 * 1024; }
  bool packsB() const { return bcs != 1 || (m > 2 * MR && n * k > 16 * 1024); }

  bool run() const {
    if (m <= kWideRows && n > 0) {
      if (bcs == 1 && n >= L) return thin(), true;
      if (brs == 1 && k >= 4 * L) return dotProducts();
    }
    if (k <= 16 && bcs == 1 && ccs == 1 && m * n > 1 << 20) return shallow(), true;
    return m * n * k <= kSmallWork ? small() : blocked();
  }

  // Few outputs and a long sum: the sum is cut at fixed places so that threads can share it.
  static constexpr int64_t kSplitDepth = 8192;
  bool splits() const { return k >= 2 * kSplitDepth && m * n <= 64 * 64; }
  bool runSplit() const {
    const int64_t parts = std::min<int64_t>(k / kSplitDepth, 32), depth = ceilDiv(k, parts), size = m * n;
    const Temporary<T> partial(parts * size);
    if (!partial.data) return false;
    bool ok[32];
    parallelChunks(parts, [&](int64_t part) {
      const int64_t p = part * depth, dk = std::max<int64_t>(std::min(depth, k - p), 0);
      T* out = partial.data + part * size;
      ok[part] = gemm<T>(m, n, dk, a + p * acs, ars, acs, b + p * brs, brs, bcs, out, n, 1, false);
    });
    for (int64_t part = 0; part < parts; part++) {
      if (!ok[part]) return false;
      copyOut(partial.data + part * size, n, 0, 0, m, n, accumulate || part > 0);
    }
    return true;
  }
};

}  // namespace

template <class T>
bool gemm(int64_t m, int64_t n, int64_t k, const T* a, int64_t ars, int64_t acs, const T* b, int64_t brs, int64_t bcs, T* c,
          int64_t crs, int64_t ccs, bool accumulate) {
  if (m <= 0 || n <= 0) return true;
  if (k <= 0) {
    for (int64_t i = 0; !accumulate && i < m; i++) {
      for (int64_t j = 0; j < n; j++) c[i * crs + j * ccs] = T(0);
    }
    return true;
  }
  // C^T = B^T A^T: turned where C's rows are the adjacent ones, or where its columns are too few to fill vectors.
  const bool thin = m <= kWideRows || n <= kWideRows;
  if (thin ? n < m : crs == 1 && ccs != 1) {
    const Product<T> turned{n, m, k, b, bcs, brs, a, acs, ars, c, ccs, crs, accumulate};
    return turned.splits() ? turned.runSplit() : turned.run();
  }
  const Product<T> product{m, n, k, a, ars, acs, b, brs, bcs, c, crs, ccs, accumulate};
  return product.splits() ? product.runSplit() : product.run();
}

}  // namespace flambeau
