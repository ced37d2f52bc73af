// Eigenvalues of symmetric matrices: reflectors make the matrix tridiagonal, implicit QL rotations make that diagonal. All
// in double.
#include "rotations.hpp"

namespace flambeau {
namespace {

// A = Q T QT: T's diagonal in d, what lies beside it in e; A's rows right of that keep the reflectors, tau their factors.
void tridiagonalize(int64_t n, double* a, double* d, double* e, double* tau, double* work) {
  for (int64_t k = 0; k < n; k++) {
    double *const row = a + k * n, *const v = row + k + 1;
    d[k] = row[k];
    e[k] = tau[k] = 0;
    const int64_t r = n - k - 1;
    if (r == 0) continue;
    tau[k] = makeReflector(r, v, e[k]);
    if (tau[k] == 0) continue;
    // With H = I - tau v vT: H B H = B - v wT - w vT, w = p - (tau pTv / 2) v, p = tau B v.
    double* const corner = a + (k + 1) * (n + 1);
    slices(r, r, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) work[i] = tau[k] * dot(r, corner + i * n, v);
    });
    const double half = tau[k] * dot(r, work, v) / 2;
    for (int64_t i = 0; i < r; i++) work[i] -= half * v[i];
    slices(r, 2 * r, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        double* const to = corner + i * n;
        const double x = v[i], y = work[i];
        for (int64_t j = 0; j < r; j++) to[j] -= x * work[j] + y * v[j];
      }
    });
  }
}

// Diagonalizes T; the rows of Z (or null) are rotated alike. False: no convergence.
bool implicitQL(int64_t n, double* d, double* e, double* z, Rotation* rotations) {
  for (int64_t l = 0; l < n; l++) {
    for (int iteration = 0;; iteration++) {
      int64_t m = l;
      while (m < n - 1 && std::abs(e[m]) > kEpsilon * std::sqrt(std::abs(d[m])) * std::sqrt(std::abs(d[m + 1])) &&
             std::abs(e[m]) > 1e-300)
        m++;
      if (m == l) break;
      if (iteration == 60) return false;
      double g = (d[l + 1] - d[l]) / (2 * e[l]), r = std::hypot(g, 1.0);
      g = d[m] - d[l] + e[l] / (g + std::copysign(r, g));
      double s = 1, c = 1, p = 0;
      int64_t i = m - 1, count = 0;
      for (; i >= l; i--) {
        const double f = s * e[i], b = c * e[i];
        r = std::hypot(f, g);
        e[i + 1] = r;
        if (r == 0) {  // the matrix splits here
          d[i + 1] -= p;
          e[m] = 0;
          break;
        }
        s = f / r, c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        rotations[count++] = {i, i + 1, c, -s};
      }
      if (z) rotateRows(n, z, rotations, count);
      if (i >= l) continue;
      d[l] -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
  return true;
}

}  // namespace

// eigh(x, values, vectors?, upper): eigenvalues in ascending order and eigenvectors as columns, from one triangle of x.
// Answers with the number, from 1, of the first matrix without convergence (it is not finite), or 0.
KERNEL(eigh) {
  const TensorArg x = args.tensor(), values = args.tensor(), vectors = args.tensor();
  const bool upper = args.flag(), wanted = bool(vectors);
  if (x.dtype != values.dtype || (wanted && vectors.dtype != x.dtype)) return kUnsupported;
  const Batch xs(x), ds(values, 1), vs(vectors, wanted ? 2 : 0);
  FirstFailure failure;
  const int status = dispatchReal(x.dtype, [&](auto tag) -> int {
    using T = decltype(tag);
    const int64_t n = xs.rows;
    const auto one = [&](int64_t b) {
      Scratch scratch;
      double* const a = scratch.get<double>(n * n * (wanted ? 2 : 1) + 8 * n);
      if (!a) return false;
      double *const d = a + n * n, *const e = d + n, *const tau = e + n, *const work = tau + n;
      Rotation* const rotations = reinterpret_cast<Rotation*>(work + n);
      double* const z = wanted ? work + 5 * n : nullptr;
      const T* from = xs.at<T>(b);
      double largest = 0;
      bool finite = true;
      for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
          const double v = from[upper ? j * xs.rs + i * xs.cs : i * xs.rs + j * xs.cs];
          finite = finite && std::isfinite(v);
          largest = std::max(largest, std::abs(v));
          a[i * n + j] = a[j * n + i] = v;
        }
      if (!finite) return failure.note(b), true;
      const double factor = normalizer(largest);
      for (int64_t i = 0; i < n * n; i++) a[i] *= factor;
      tridiagonalize(n, a, d, e, tau, work);
      if (wanted) formRows(n, a, tau, 1, z);
      if (!implicitQL(n, d, e, z, rotations)) return failure.note(b), true;
      // e holds the order from here on.
      for (int64_t i = 0; i < n; i++) e[i] = double(i);
      std::sort(e, e + n, [&](double p, double q) { return d[int64_t(p)] < d[int64_t(q)]; });
      T* const to = ds.at<T>(b);
      for (int64_t k = 0; k < n; k++) {
        const int64_t place = int64_t(e[k]);
        to[k * ds.cs] = T(d[place] / factor);
        if (!wanted) continue;
        T* const column = vs.at<T>(b) + k * vs.cs;
        for (int64_t i = 0; i < n; i++) column[i * vs.rs] = T(z[place * n + i]);
      }
      return true;
    };
    return eachMatrix(xs.count, 8 * n * n * n, one) ? kOk : kOutOfMemory;
  });
  args.result(1, failure.number());
  return status;
}

}  // namespace flambeau
