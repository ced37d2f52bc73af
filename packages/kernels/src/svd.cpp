// The singular value decomposition by one-sided Jacobi rotations, which finds small singular values to full accuracy as well.
#include "matrices.hpp"

namespace flambeau {
namespace {

constexpr double kEpsilon = 2.220446049250313e-16;

void rotate(int64_t n, double* x, double* y, double c, double s) {  // x = c x - s y, y = s x + c y
  constexpr int L = kLanes<double>;
  int64_t i = 0;
  for (; i + L <= n; i += L) {
    const Vec<double> p = load(x + i), q = load(y + i);
    store<double>(x + i, c * p - s * q);
    store<double>(y + i, s * p + c * q);
  }
  for (; i < n; i++) {
    const double p = x[i], q = y[i];
    x[i] = c * p - s * q;
    y[i] = s * p + c * q;
  }
}

// Makes the rows x and y of W orthogonal, rotating the rows of J alike, the longer one first. Answers whether it had to.
bool orthogonalize(int64_t n, double* x, double* y, int64_t nj, double* jx, double* jy, double tolerance) {
  const double a = dot(n, x, x), b = dot(n, y, y), g = dot(n, x, y);
  const bool crossing = std::abs(g) > tolerance * std::sqrt(a) * std::sqrt(b);
  if (!crossing && a >= b) return false;
  double c = 0, s = 1;  // an exchange, where they are orthogonal but out of order
  if (crossing) {
    const double zeta = (b - a) / (2 * g);
    const double t = std::copysign(1.0, zeta) / (std::abs(zeta) + std::sqrt(1 + zeta * zeta));
    c = 1 / std::sqrt(1 + t * t), s = c * t;
    if (b > a) {  // turned a quarter further, the longer row comes out first
      const double turned = c;
      c = -s, s = turned;
    }
  }
  rotate(n, x, y, c, s);
  if (nj > 0) rotate(nj, jx, jy, c, s);
  return crossing;
}

// Rotates the n rows of W until they are orthogonal; J, n x n or null, is rotated alike.
void jacobi(int64_t n, double* w, double* j) {
  const double tolerance = kEpsilon * std::sqrt(double(n));
  const int64_t players = n + n % 2, rounds = players - 1;
  for (int sweep = 0; sweep < 60; sweep++) {
    std::atomic<bool> rotated{false};
    // A tournament: in each round every row meets one other, so that the pairs of a round may be rotated at once.
    for (int64_t round = 0; round < rounds; round++) {
      parallelFor(players / 2, 16384 / (n + 1), [&](int64_t begin, int64_t end) {
        for (int64_t k = begin; k < end; k++) {
          const int64_t p = k == 0 ? players - 1 : (round + k) % rounds, q = (round + rounds - k) % rounds;
          const int64_t x = std::min(p, q), y = std::max(p, q);
          if (y >= n) continue;
          if (orthogonalize(n, w + x * n, w + y * n, j ? n : 0, j + x * n, j + y * n, tolerance))
            rotated.store(true, std::memory_order_relaxed);
        }
      });
    }
    if (!rotated.load()) return;
  }
}

// Rows [rank, n) of V, whose first rows are orthonormal, become an orthonormal basis of what those leave.
bool completeRows(int64_t n, int64_t rank, double* v) {
  Scratch scratch;
  double* const columns = scratch.get<double>(n * rank + rank + n * n);
  if (!columns) return false;
  double *const tau = columns + n * rank, *const q = tau + rank;
  for (int64_t i = 0; i < n; i++)
    for (int64_t k = 0; k < rank; k++) columns[i * rank + k] = v[k * n + i];
  if (!factorQR(n, rank, columns, rank, tau)) return false;
  for (int64_t i = 0; i < n * n; i++) q[i] = i % (n + 1) == 0;
  if (!applyReflectors(n, n, rank, columns, rank, int64_t(1), tau, int64_t(1), q, n, int64_t(1), false)) return false;
  for (int64_t k = rank; k < n; k++)
    for (int64_t i = 0; i < n; i++) v[k * n + i] = q[i * n + k];
  return true;
}

// A (m x n, m >= n, row-major) = U diag(S) VT. u and vt are told element by element, and only if asked for; U has `width` columns.
template <class SetU, class SetV>
bool decompose(int64_t m, int64_t n, double* a, double* s, int64_t width, bool vectors, SetU&& setU, SetV&& setV) {
  Scratch scratch;
  double* const w = scratch.get<double>(2 * n * n + 2 * n + (vectors ? m * width : 0));
  if (!w) return false;
  double *const rotations = w + n * n, *const tau = rotations + n * n, *const scaled = tau + n, *const u = scaled + n;
  double scale = 0;
  for (int64_t i = 0; i < m * n; i++) scale = std::max(scale, std::abs(a[i]));
  // Squares must neither overflow nor vanish.
  const double factor = scale == 0 ? 1 : std::ldexp(1.0, -std::ilogb(scale));
  for (int64_t i = 0; i < m * n; i++) a[i] *= factor;
  // Of the triangular factor, the rows converge in fewer sweeps than those of A.
  if (!factorQR(m, n, a, n, tau)) return false;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) w[i * n + j] = j >= i ? a[i * n + j] : 0.0;
  for (int64_t i = 0; vectors && i < n * n; i++) rotations[i] = i % (n + 1) == 0;
  jacobi(n, w, vectors ? rotations : nullptr);
  int64_t rank = 0;
  for (int64_t i = 0; i < n; i++) {
    scaled[i] = std::sqrt(dot(n, w + i * n, w + i * n));
    s[i] = scaled[i] / factor;
    if (scaled[i] > 0) rank = i + 1;
  }
  if (!vectors) return true;
  for (int64_t i = 0; i < rank; i++)
    for (int64_t j = 0; j < n; j++) w[i * n + j] /= scaled[i];
  if (rank < n && !completeRows(n, rank, w)) return false;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) setV(i, j, w[i * n + j]);
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < width; j++) u[i * width + j] = i < n && j < n ? rotations[j * n + i] : double(i == j);
  if (!applyReflectors(m, width, n, a, n, int64_t(1), tau, int64_t(1), u, width, int64_t(1), false)) return false;
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < width; j++) setU(i, j, u[i * width + j]);
  return true;
}

}  // namespace

// svd(x, u?, s, vt?): singular values in descending order; u and vt both or neither, full or reduced. Computed in double.
// Answers with the number, from 1, of the first matrix that is not finite, or 0.
KERNEL(svd) {
  const TensorArg x = args.tensor(), u = args.tensor(), s = args.tensor(), vt = args.tensor();
  if (x.dtype != s.dtype || (u && (u.dtype != x.dtype || vt.dtype != x.dtype))) return kUnsupported;
  const bool vectors = bool(u);
  const Batch xs(x), ss(s, 1), us(u, vectors ? 2 : 0), vs(vt, vectors ? 2 : 0);
  std::atomic<int64_t> bad{0};
  const int status = dispatchReal(x.dtype, [&](auto tag) -> int {
    using T = decltype(tag);
    const bool tall = xs.rows >= xs.columns;
    const int64_t m = tall ? xs.rows : xs.columns, n = tall ? xs.columns : xs.rows;
    const int64_t width = !vectors ? 0 : tall ? us.columns : vs.rows;
    return eachMatrix(xs.count, 20 * m * n * n,
                      [&](int64_t b) {
                        Scratch scratch;
                        double* const a = scratch.get<double>(m * n + n);
                        if (!a) return false;
                        double* const values = a + m * n;
                        const T* from = xs.at<T>(b);
                        bool finite = true;
                        for (int64_t i = 0; i < m; i++)
                          for (int64_t j = 0; j < n; j++) {
                            const double v = from[tall ? i * xs.rs + j * xs.cs : j * xs.rs + i * xs.cs];
                            finite = finite && std::isfinite(v);
                            a[i * n + j] = v;
                          }
                        if (!finite) {
                          int64_t first = bad.load();
                          while ((first == 0 || b + 1 < first) && !bad.compare_exchange_weak(first, b + 1)) {}
                          return true;
                        }
                        // A wide matrix is the transpose of a tall one, with U and V exchanged.
                        T *const up = vectors ? us.at<T>(b) : nullptr, *const vp = vectors ? vs.at<T>(b) : nullptr;
                        const auto setU = [&](int64_t i, int64_t j, double v) {
                          if (tall) up[i * us.rs + j * us.cs] = T(v);
                          else vp[j * vs.rs + i * vs.cs] = T(v);
                        };
                        const auto setV = [&](int64_t i, int64_t j, double v) {
                          if (tall) vp[i * vs.rs + j * vs.cs] = T(v);
                          else up[j * us.rs + i * us.cs] = T(v);
                        };
                        if (!decompose(m, n, a, values, width, vectors, setU, setV)) return false;
                        T* const sp = ss.at<T>(b);
                        for (int64_t i = 0; i < n; i++) sp[i * ss.cs] = T(values[i]);
                        return true;
                      })
               ? kOk
               : kOutOfMemory;
  });
  args.result(1, double(bad.load()));
  return status;
}

}  // namespace flambeau
