// What the kernels of linear algebra share: batches of matrices, and the products and triangular solutions that blocked
// factorizations are made of. A matrix is a pointer and the strides of its rows and columns.
#pragma once
#include <algorithm>
#include <atomic>
#include <cmath>

#include "gemm.hpp"
#include "kernel.hpp"
#include "scratch.hpp"

namespace flambeau {

// The matrices (or, with last = 1, vectors) of a tensor's last dimensions.
struct Batch {
  const TensorArg& t;
  int dims;  // those before
  int64_t count = 1, rows = 1, columns = 1, rs = 0, cs = 0;

  explicit Batch(const TensorArg& tensor, int last = 2) : t(tensor), dims(tensor.ndim - last) {
    for (int d = 0; d < dims; d++) count *= t.sizes[d];
    if (last > 0) columns = t.sizes[t.ndim - 1], cs = t.strides[t.ndim - 1];
    if (last > 1) rows = t.sizes[t.ndim - 2], rs = t.strides[t.ndim - 2];
  }
  template <class T> T* at(int64_t index) const {
    int64_t offset = 0;
    for (int d = dims - 1; d >= 0; d--) {
      offset += index % t.sizes[d] * t.strides[d];
      index /= t.sizes[d];
    }
    return t.as<T>() + offset;
  }
};

// body(i) for every matrix, which answers whether it had the memory it needed: small ones are shared out among the
// threads, large ones share their own work. `work` is a count of multiply-adds.
template <class F> bool eachMatrix(int64_t count, int64_t work, F&& body) {
  std::atomic<bool> ok{true};
  const auto run = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++)
      if (!body(i)) ok.store(false, std::memory_order_relaxed);
  };
  if (work > 2 << 20) run(0, count);
  else parallelFor(count, (64 << 10) / (work + 256), run);
  return ok.load();
}

template <class F> inline int dispatchReal(DType t, F&& f) {
  if (t == DType::f32) return f(float{});
  if (t == DType::f64) return f(double{});
  return kUnsupported;
}

// The sum of x[i] y[i], in an order that depends on n alone.
template <class T> inline T dot(int64_t n, const T* x, const T* y) {
  constexpr int L = kLanes<T>;
  Vec<T> sums[4] = {};
  int64_t i = 0;
  for (; i + 4 * L <= n; i += 4 * L)
    for (int v = 0; v < 4; v++) sums[v] += load(x + i + v * L) * load(y + i + v * L);
  for (; i + L <= n; i += L) sums[0] += load(x + i) * load(y + i);
  T lanes[L], sum = 0;
  store<T>(lanes, (sums[0] + sums[1]) + (sums[2] + sums[3]));
  for (T lane : lanes) sum += lane;
  for (; i < n; i++) sum += x[i] * y[i];
  return sum;
}

// C -= A B, with A m x k. The smaller operand is negated in a copy. False: out of memory.
template <class T>
bool subtractProduct(int64_t m, int64_t n, int64_t k, const T* a, int64_t ars, int64_t acs, const T* b, int64_t brs, int64_t bcs,
                     T* c, int64_t crs, int64_t ccs) {
  if (m <= 0 || n <= 0 || k <= 0) return true;
  const bool left = m <= n;
  const int64_t rows = left ? m : k, columns = left ? k : n, rs = left ? ars : brs, cs = left ? acs : bcs;
  const T* from = left ? a : b;
  Scratch scratch;
  T* const negated = scratch.get<T>(rows * columns);
  if (!negated) return false;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) negated[i * columns + j] = -from[i * rs + j * cs];
  return left ? gemm<T>(m, n, k, negated, k, 1, b, brs, bcs, c, crs, ccs, true)
              : gemm<T>(m, n, k, a, ars, acs, negated, n, 1, c, crs, ccs, true);
}

// Overwrites B (n x k) with the solution of T X = B, T triangular; `unit`: with ones on its diagonal, which is not read.
template <class T>
bool solveTriangle(int64_t n, int64_t k, const T* t, int64_t trs, int64_t tcs, bool upper, bool unit, T* b, int64_t brs,
                   int64_t bcs);

// Rewrites A (m x n) as R above the diagonal and, below it, the reflectors I - tau v vT whose product is Q (v[0] = 1 is not stored).
template <class T> bool factorQR(int64_t m, int64_t n, T* a, int64_t rs, T* tau);

// C (m x n) = Q C or QT C, with Q the product of the k reflectors that lie in A (m x k) and tau.
template <class T>
bool applyReflectors(int64_t m, int64_t n, int64_t k, const T* a, int64_t ars, int64_t acs, const T* tau, int64_t ts, T* c,
                     int64_t crs, int64_t ccs, bool transpose);

}  // namespace flambeau
