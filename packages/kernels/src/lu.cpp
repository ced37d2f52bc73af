// The LU factorization with row pivoting.
#include "matrices.hpp"

namespace flambeau {
namespace {

template <class T> void swapRows(T* a, int64_t rs, int64_t i, int64_t j, int64_t columns) {
  if (i != j) std::swap_ranges(a + i * rs, a + i * rs + columns, a + j * rs);
}

// Column by column, updating what is right of it.
template <class T> void factorPanel(int64_t m, int64_t n, T* a, int64_t rs, int32_t* pivots) {
  for (int64_t j = 0; j < std::min(m, n); j++) {
    int64_t best = j;
    for (int64_t i = j + 1; i < m; i++)
      if (std::abs(a[i * rs + j]) > std::abs(a[best * rs + j])) best = i;
    pivots[j] = int32_t(best);
    const T* top = a + j * rs;
    if (a[best * rs + j] == 0) continue;
    swapRows(a, rs, j, best, n);
    for (int64_t i = j + 1; i < m; i++) {
      T* row = a + i * rs;
      const T factor = row[j] /= top[j];
      for (int64_t c = j + 1; c < n; c++) row[c] -= factor * top[c];
    }
  }
}

// P A = L U in place; pivots[i] is the row that row i was exchanged with. Halves of columns, the left one first.
template <class T> bool factorLU(int64_t m, int64_t n, T* a, int64_t rs, int32_t* pivots) {
  const int64_t k = std::min(m, n);
  if (k <= 16) return factorPanel(m, n, a, rs, pivots), true;
  const int64_t left = (k / 2 + 7) / 8 * 8;
  T *right = a + left, *below = a + left * rs, *corner = below + left;
  if (!factorLU(m, left, a, rs, pivots)) return false;
  for (int64_t i = 0; i < left; i++) swapRows(right, rs, i, pivots[i], n - left);
  if (!solveTriangle(left, n - left, a, rs, int64_t(1), false, true, right, rs, int64_t(1)) ||
      !subtractProduct(m - left, n - left, left, below, rs, int64_t(1), right, rs, int64_t(1), corner, rs, int64_t(1)) ||
      !factorLU(m - left, n - left, corner, rs, pivots + left))
    return false;
  for (int64_t i = left; i < k; i++) {
    pivots[i] += int32_t(left);
    swapRows(a, rs, i, pivots[i], left);
  }
  return true;
}

}  // namespace

// lu(a, pivots, info): a (rows adjacent) becomes L below the diagonal and U from it on; pivots count rows from 1; info is
// the place, from 1, of the first zero on U's diagonal, or 0.
KERNEL(lu) {
  const TensorArg a = args.tensor(), pivots = args.tensor(), info = args.tensor();
  const Batch as(a), ps(pivots, 1), infos(info, 0);
  if ((as.cs != 1 && as.columns > 1) || (ps.cs != 1 && ps.columns > 1)) return kUnsupported;
  return dispatchReal(a.dtype, [&](auto tag) -> int {
    using T = decltype(tag);
    const int64_t m = as.rows, n = as.columns, k = std::min(m, n);
    return eachMatrix(as.count, m * n * k / 2,
                      [&](int64_t b) {
                        T* const p = as.at<T>(b);
                        int32_t* const exchanged = ps.at<int32_t>(b);
                        if (!factorLU(m, n, p, as.rs, exchanged)) return false;
                        int32_t found = 0;
                        for (int64_t i = k - 1; i >= 0; i--) {
                          exchanged[i]++;
                          if (p[i * as.rs + i] == 0) found = int32_t(i + 1);
                        }
                        *infos.at<int32_t>(b) = found;
                        return true;
                      })
               ? kOk
               : kOutOfMemory;
  });
}

// pivotsToPermutation(pivots, out): out[i] is the row of A that becomes row i by the exchanges, in order.
KERNEL(pivotsToPermutation) {
  const TensorArg pivots = args.tensor(), out = args.tensor();
  const Batch ps(pivots, 1), os(out, 1);
  const int64_t n = os.columns;
  for (int64_t b = 0; b < ps.count; b++) {
    const int32_t* p = ps.at<int32_t>(b);
    int64_t* rows = os.at<int64_t>(b);
    for (int64_t i = 0; i < n; i++) rows[i * os.cs] = i;
    for (int64_t i = 0; i < ps.columns; i++) {
      const int64_t j = int64_t(p[i * ps.cs]) - 1;
      if (j < 0 || j >= n || i >= n) {
        args.result(1, double(j));
        args.result(2, double(n));
        return kIndexOutOfRange;
      }
      std::swap(rows[i * os.cs], rows[j * os.cs]);
    }
  }
  return kOk;
}

}  // namespace flambeau
