// The singular value decomposition: reflectors make the matrix bidiagonal, implicit QR rotations make that diagonal
// (Golub and Reinsch 1970). All in double.
#include "rotations.hpp"

namespace flambeau {
namespace {

// A (n x n) = U B VT, B with d on its diagonal and e beside it. Row k of `left` and of A keep the reflectors of U and V, from
// columns k and k + 1 on.
void bidiagonalize(int64_t n, double* a, double* left, double* d, double* e, double* tauLeft, double* tauRight, double* w) {
  for (int64_t k = 0; k < n; k++) {
    const int64_t r = n - k, c = r - 1;
    double *const v = left + k * n + k, *const u = a + k * n + k + 1;
    for (int64_t i = 0; i < r; i++) v[i] = a[(k + i) * n + k];
    tauLeft[k] = makeReflector(r, v, d[k]);
    e[k] = tauRight[k] = 0;
    if (c == 0) continue;
    // w = tau vT A, column by column; then row k, which the reflector from the right is made of; then the other rows, once.
    slices(c, 2 * r, [&](int64_t begin, int64_t end) {
      for (int64_t j = begin; j < end; j++) w[j] = 0;
      for (int64_t i = 0; i < r; i++) {
        const double* const row = u + i * n;
        const double factor = tauLeft[k] * v[i];
        for (int64_t j = begin; j < end; j++) w[j] += factor * row[j];
      }
    });
    for (int64_t j = 0; j < c; j++) u[j] -= w[j];
    tauRight[k] = makeReflector(c, u, e[k]);
    slices(c, 4 * c, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        double* const row = u + (i + 1) * n;
        const double x = v[i + 1];
        for (int64_t j = 0; j < c; j++) row[j] -= x * w[j];
        const double factor = tauRight[k] * dot(c, row, u);
        for (int64_t j = 0; j < c; j++) row[j] -= factor * u[j];
      }
    });
  }
}

// The rotation that takes (f, g) to (length, 0).
Rotation rotationOf(double f, double g, int64_t x, int64_t y, double& length) {
  length = std::hypot(f, g);
  if (length == 0) return {x, y, 1, 0};
  return {x, y, f / length, g / length};
}

// Diagonalizes B. The rows of UT and VT (or null) are rotated along; U and V each have room for n rotations.
bool implicitQR(int64_t n, double* d, double* e, double* ut, double* vt, Rotation* turnsU, Rotation* turnsV) {
  const auto turn = [&](int64_t countU, int64_t countV) {
    if (!ut) return;
    rotateRows(n, ut, turnsU, countU);
    rotateRows(n, vt, turnsV, countV);
  };
  double norm = 0;
  for (int64_t i = 0; i < n; i++) norm = std::max(norm, std::abs(d[i]) + std::abs(e[i]));
  const double tiny = norm * 1e-300;
  int64_t iterations = 0;
  for (int64_t hi = n - 1; hi > 0;) {
    if (std::abs(e[hi - 1]) <= kEpsilon * (std::abs(d[hi - 1]) + std::abs(d[hi])) + tiny) {
      e[--hi] = 0;
      continue;
    }
    if (++iterations > 60 * n) return false;
    int64_t lo = hi - 1;
    while (lo > 0 && std::abs(e[lo - 1]) > kEpsilon * (std::abs(d[lo - 1]) + std::abs(d[lo])) + tiny) lo--;
    if (lo > 0) e[lo - 1] = 0;
    // A zero on the diagonal: what is right of it, or above if it is the last, is rotated away.
    int64_t zero = hi;
    while (zero >= lo && std::abs(d[zero]) > kEpsilon * norm * 1e-3) zero--;
    if (zero >= lo) {
      d[zero] = 0;
      int64_t count = 0;
      if (zero == hi) {
        double f = e[hi - 1];
        e[hi - 1] = 0;
        for (int64_t j = hi - 1; j >= lo; j--) {
          const Rotation r = rotationOf(d[j], f, j, hi, d[j]);
          if (j > lo) {
            f = -r.s * e[j - 1];
            e[j - 1] *= r.c;
          }
          turnsV[count++] = r;
        }
        turn(0, count);
      } else {
        double f = e[zero];
        e[zero] = 0;
        for (int64_t j = zero + 1; j <= hi; j++) {
          const Rotation r = rotationOf(d[j], f, j, zero, d[j]);
          f = -r.s * e[j];
          e[j] *= r.c;
          turnsU[count++] = r;
        }
        turn(count, 0);
      }
      continue;
    }
    // The shift is the eigenvalue of the last 2 x 2 block of BT B that is nearer to its last element.
    const double scale = std::max({std::abs(d[hi]), std::abs(d[hi - 1]), std::abs(e[hi - 1]), std::abs(d[lo]), std::abs(e[lo])});
    const double last = d[hi] / scale, before = d[hi - 1] / scale, beside = e[hi - 1] / scale, first = d[lo] / scale;
    const double b = ((before + last) * (before - last) + beside * beside) / 2, c = (last * beside) * (last * beside);
    double shift = 0;
    if (b != 0 || c != 0) {
      const double root = std::sqrt(b * b + c);
      shift = c / (b + (b < 0 ? -root : root));
    }
    double f = (first + last) * (first - last) + shift, g = first * (e[lo] / scale), length;
    int64_t count = 0;
    for (int64_t j = lo; j < hi; j++, count++) {
      const Rotation right = turnsV[count] = rotationOf(f, g, j, j + 1, length);
      if (j > lo) e[j - 1] = length;
      f = right.c * d[j] + right.s * e[j];
      e[j] = right.c * e[j] - right.s * d[j];
      g = right.s * d[j + 1];
      d[j + 1] *= right.c;
      const Rotation left = turnsU[count] = rotationOf(f, g, j, j + 1, d[j]);
      f = left.c * e[j] + left.s * d[j + 1];
      d[j + 1] = left.c * d[j + 1] - left.s * e[j];
      g = left.s * e[j + 1];
      if (j + 1 < hi) e[j + 1] *= left.c;
    }
    e[hi - 1] = f;
    turn(count, count);
  }
  return true;
}

// A (m x n, m >= n, row-major) = U diag(S) VT: s in descending order; if vectors are wanted, setU and setV are told every
// element of U, of which there are `width` columns, and of VT.
enum Outcome { kDone, kNoMemory, kNoConvergence };
template <class SetU, class SetV>
Outcome decompose(int64_t m, int64_t n, double* a, double* s, int64_t width, bool vectors, SetU&& setU, SetV&& setV) {
  Scratch scratch;
  double* const left = scratch.get<double>(n * n + 6 * n + (vectors ? 2 * n * n + m * width : 0) + 8 * n);
  if (!left) return kNoMemory;
  double *const d = left + n * n, *const e = d + n, *const tauLeft = e + n, *const tauRight = tauLeft + n, *const w = tauRight + n;
  double* const tau = w + n;
  Rotation* const turns = reinterpret_cast<Rotation*>(tau + n);
  double* const ut = vectors ? tau + 9 * n : nullptr;
  double *const vt = ut + n * n, *const u = vt + n * n;
  double scale = 0;
  for (int64_t i = 0; i < m * n; i++) scale = std::max(scale, std::abs(a[i]));
  const double factor = normalizer(scale);
  for (int64_t i = 0; i < m * n; i++) a[i] *= factor;
  // Of a tall matrix, the triangular factor is decomposed, in a place of its own.
  Scratch copy;
  double* square = a;
  if (m > n) {
    square = copy.get<double>(n * n);
    if (!square || !factorQR(m, n, a, n, tau)) return kNoMemory;
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = 0; j < n; j++) square[i * n + j] = j >= i ? a[i * n + j] : 0.0;
  }
  bidiagonalize(n, square, left, d, e, tauLeft, tauRight, w);
  if (vectors) {
    formRows(n, left, tauLeft, 0, ut);
    formRows(n, square, tauRight, 1, vt);
  }
  if (!implicitQR(n, d, e, ut, vt, turns, turns + n)) return kNoConvergence;
  // e holds the order from here on.
  for (int64_t i = 0; i < n; i++) e[i] = double(i);
  std::sort(e, e + n, [&](double p, double q) { return std::abs(d[int64_t(p)]) > std::abs(d[int64_t(q)]); });
  for (int64_t k = 0; k < n; k++) s[k] = std::abs(d[int64_t(e[k])]) / factor;
  if (!vectors) return kDone;
  for (int64_t k = 0; k < n; k++) {
    const int64_t place = int64_t(e[k]);
    const double sign = d[place] < 0 ? -1 : 1;
    for (int64_t j = 0; j < n; j++) setV(k, j, sign * vt[place * n + j]);
  }
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < width; j++) u[i * width + j] = i < n && j < n ? ut[int64_t(e[j]) * n + i] : double(i == j);
  if (m > n && !applyReflectors(m, width, n, a, n, int64_t(1), tau, int64_t(1), u, width, int64_t(1), false)) return kNoMemory;
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < width; j++) setU(i, j, u[i * width + j]);
  return kDone;
}

}  // namespace

// svd(x, u?, s, vt?): singular values in descending order; u and vt both or neither, full or reduced. Answers with the
// number, from 1, of the first matrix that is not finite, or 0.
KERNEL(svd) {
  const TensorArg x = args.tensor(), u = args.tensor(), s = args.tensor(), vt = args.tensor();
  if (x.dtype != s.dtype || (u && (u.dtype != x.dtype || vt.dtype != x.dtype))) return kUnsupported;
  const bool vectors = bool(u);
  const Batch xs(x), ss(s, 1), us(u, vectors ? 2 : 0), vs(vt, vectors ? 2 : 0);
  FirstFailure failure;
  const int status = dispatchReal(x.dtype, [&](auto tag) -> int {
    using T = decltype(tag);
    const bool tall = xs.rows >= xs.columns;
    const int64_t m = tall ? xs.rows : xs.columns, n = tall ? xs.columns : xs.rows;
    const int64_t width = !vectors ? 0 : tall ? us.columns : vs.rows;
    const auto one = [&](int64_t b) {
      Scratch scratch;
      double* const a = scratch.get<double>(m * n + n);
      if (!a) return false;
      double* const values = a + m * n;
      const T* from = xs.at<T>(b);
      bool finite = true;
      for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
          a[i * n + j] = from[tall ? i * xs.rs + j * xs.cs : j * xs.rs + i * xs.cs];
          finite = finite && std::isfinite(a[i * n + j]);
        }
      if (!finite) return failure.note(b), true;
      // A wide matrix is the transpose of a tall one, with U and V exchanged.
      T *const up = vectors ? us.at<T>(b) : nullptr, *const vp = vectors ? vs.at<T>(b) : nullptr;
      const auto setU = [&](int64_t i, int64_t j, double v) { (tall ? up[i * us.rs + j * us.cs] : vp[j * vs.rs + i * vs.cs]) = T(v); };
      const auto setV = [&](int64_t i, int64_t j, double v) { (tall ? vp[i * vs.rs + j * vs.cs] : up[j * us.rs + i * us.cs]) = T(v); };
      const Outcome outcome = decompose(m, n, a, values, width, vectors, setU, setV);
      if (outcome == kNoConvergence) failure.note(b);
      T* const to = ss.at<T>(b);
      for (int64_t i = 0; i < n; i++) to[i * ss.cs] = T(values[i]);
      return outcome != kNoMemory;
    };
    return eachMatrix(xs.count, 10 * m * n * n, one) ? kOk : kOutOfMemory;
  });
  args.result(1, failure.number());
  return status;
}

}  // namespace flambeau
