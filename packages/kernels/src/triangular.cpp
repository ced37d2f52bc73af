// Solving triangular systems, and the Cholesky factorization.
#include "matrices.hpp"

namespace flambeau {
namespace {

constexpr int64_t kLeaf = 32;

// A small triangle by as many columns of B as a vector has lanes at a time, which stay in first-level cache meanwhile.
template <class T>
void solveLeaf(int64_t n, int64_t k, const T* t, int64_t trs, int64_t tcs, bool upper, bool unit, T* b, int64_t brs, int64_t bcs) {
  constexpr int L = kLanes<T>;
  T triangle[kLeaf * kLeaf];
  for (int64_t i = 0; i < n; i++) {
    const int64_t begin = upper ? i : 0, end = upper ? n : i + 1;
    for (int64_t j = begin; j < end; j++) triangle[i * kLeaf + j] = t[i * trs + j * tcs];
  }
  const auto columns = [&](int64_t from, int64_t to) {
    Vec<T> x[kLeaf];
    for (int64_t c = from; c < to; c += L) {
      const int64_t w = std::min<int64_t>(L, to - c);
      T* p = b + c * bcs;
      for (int64_t i = 0; i < n; i++) {
        if (bcs == 1) {
          x[i] = w == L ? load(p + i * brs) : loadPart(p + i * brs, w);
        } else {
          T lanes[L] = {};
          for (int64_t l = 0; l < w; l++) lanes[l] = p[i * brs + l * bcs];
          x[i] = load(lanes);
        }
      }
      for (int64_t step = 0; step < n; step++) {
        const int64_t i = upper ? n - 1 - step : step, begin = upper ? i + 1 : 0, end = upper ? n : i;
        const T* row = triangle + i * kLeaf;
        Vec<T> sum = x[i];
        for (int64_t j = begin; j < end; j++) sum -= splat(row[j]) * x[j];
        x[i] = unit ? sum : sum / splat(row[i]);
      }
      for (int64_t i = 0; i < n; i++) {
        if (bcs == 1) {
          if (w == L) store(p + i * brs, x[i]);
          else storePart<T>(p + i * brs, x[i], w);
        } else {
          T lanes[L];
          store(lanes, x[i]);
          for (int64_t l = 0; l < w; l++) p[i * brs + l * bcs] = lanes[l];
        }
      }
    }
  };
  const int64_t grain = std::max<int64_t>((128 << 10) / (n * n + 1) / L, 1) * L;
  if (k <= grain) columns(0, k);
  else parallelFor(k, grain, columns);
}

}  // namespace

template <class T>
bool solveTriangle(int64_t n, int64_t k, const T* t, int64_t trs, int64_t tcs, bool upper, bool unit, T* b, int64_t brs,
                   int64_t bcs) {
  if (k <= 0 || n <= 0) return true;
  if (n <= kLeaf) return solveLeaf<T>(n, k, t, trs, tcs, upper, unit, b, brs, bcs), true;
  // Halves: one is solved, its part taken from the other's right-hand side, then that is solved.
  const int64_t top = (n / 2 + kLeaf - 1) / kLeaf * kLeaf, below = n - top;
  const T* low = t + top * (trs + tcs);
  T* lowB = b + top * brs;
  if (upper)
    return solveTriangle(below, k, low, trs, tcs, upper, unit, lowB, brs, bcs) &&
           subtractProduct(top, k, below, t + top * tcs, trs, tcs, lowB, brs, bcs, b, brs, bcs) &&
           solveTriangle(top, k, t, trs, tcs, upper, unit, b, brs, bcs);
  return solveTriangle(top, k, t, trs, tcs, upper, unit, b, brs, bcs) &&
         subtractProduct(below, k, top, t + top * trs, trs, tcs, b, brs, bcs, lowB, brs, bcs) &&
         solveTriangle(below, k, low, trs, tcs, upper, unit, lowB, brs, bcs);
}
template bool solveTriangle<float>(int64_t, int64_t, const float*, int64_t, int64_t, bool, bool, float*, int64_t, int64_t);
template bool solveTriangle<double>(int64_t, int64_t, const double*, int64_t, int64_t, bool, bool, double*, int64_t, int64_t);

namespace {

// The lower triangle of A becomes L. Answers with the order of the first leading minor that is not positive, or 0; -1: out of memory.
template <class T> int64_t cholesky(int64_t n, T* a, int64_t rs) {
  if (n <= 16) {
    for (int64_t j = 0; j < n; j++) {
      T* const row = a + j * rs;
      T d = row[j];
      for (int64_t p = 0; p < j; p++) d -= row[p] * row[p];
      if (!(d > 0) && d == d) return j + 1;
      row[j] = d = std::sqrt(d);
      for (int64_t i = j + 1; i < n; i++) {
        T sum = a[i * rs + j];
        for (int64_t p = 0; p < j; p++) sum -= a[i * rs + p] * row[p];
        a[i * rs + j] = sum / d;
      }
    }
    return 0;
  }
  const int64_t half = (n / 2 + 7) / 8 * 8, rest = n - half;
  int64_t info = cholesky(half, a, rs);
  if (info != 0) return info;
  T *low = a + half * rs, *corner = low + half;
  if (!solveTriangle(half, rest, a, rs, int64_t(1), false, false, low, int64_t(1), rs)) return -1;
  // Of the corner only the lower triangle is needed: its upper right quarter is left out.
  const int64_t first = rest / 2, second = rest - first;
  T* const lower = low + first * rs;
  if (!subtractProduct(first, first, half, low, rs, int64_t(1), low, int64_t(1), rs, corner, rs, int64_t(1)) ||
      !subtractProduct(second, rest, half, lower, rs, int64_t(1), low, int64_t(1), rs, corner + first * rs, rs, int64_t(1)))
    return -1;
  info = cholesky(rest, corner, rs);
  return info > 0 ? info + half : info;
}

}  // namespace

// solveTriangular(a, b, upper, unit): overwrites b with the solution of A X = B. a may be any view, broadcasting included.
KERNEL(solveTriangular) {
  const TensorArg a = args.tensor(), b = args.tensor();
  const bool upper = args.flag(), unit = args.flag();
  const Batch as(a), bs(b);
  if (a.dtype != b.dtype) return kUnsupported;
  return dispatchReal(b.dtype, [&](auto tag) -> int {
    using T = decltype(tag);
    const int64_t n = bs.rows, k = bs.columns;
    return eachMatrix(bs.count, n * n * k / 2,
                      [&](int64_t i) {
                        return solveTriangle(n, k, as.at<T>(i), as.rs, as.cs, upper, unit, bs.at<T>(i), bs.rs, bs.cs);
                      })
               ? kOk
               : kOutOfMemory;
  });
}

// cholesky(a, info): the lower triangle of a (rows adjacent) becomes L, of which the upper one is cleared.
KERNEL(cholesky) {
  const TensorArg a = args.tensor(), info = args.tensor();
  const Batch as(a), infos(info, 0);
  if (as.cs != 1 && as.columns > 1) return kUnsupported;
  return dispatchReal(a.dtype, [&](auto tag) -> int {
    using T = decltype(tag);
    const int64_t n = as.rows;
    return eachMatrix(as.count, n * n * n / 3,
                      [&](int64_t b) {
                        T* const p = as.at<T>(b);
                        const int64_t found = cholesky(n, p, as.rs);
                        *infos.at<int32_t>(b) = int32_t(found);
                        for (int64_t i = 0; i < n; i++)
                          for (int64_t j = i + 1; j < n; j++) p[i * as.rs + j] = 0;
                        return found >= 0;
                      })
               ? kOk
               : kOutOfMemory;
  });
}

}  // namespace flambeau
