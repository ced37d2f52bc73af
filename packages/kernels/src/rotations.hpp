// What the spectral decompositions share: reflectors that are collected into an orthogonal matrix, and rotations of its rows.
#pragma once
#include <algorithm>
#include <cmath>

#include "matrices.hpp"

namespace flambeau {

constexpr double kEpsilon = 2.220446049250313e-16;

// A power of two that brings the largest element near one: squares must neither overflow nor vanish.
inline double normalizer(double largest) { return largest > 0 ? std::ldexp(1.0, std::min(-std::ilogb(largest), 1000)) : 1; }

// f(begin, end) over rows, or over columns, on several threads where that pays; `width` is what one of them costs.
template <class F> void slices(int64_t count, int64_t width, F&& f) {
  parallelFor(count, std::max<int64_t>(32768 / (width + 1) / 8 * 8, 8), f);
}

// The reflector I - tau v vT that takes x to beta times the first unit vector: x becomes v, with v[0] = 1. Answers with tau.
inline double makeReflector(int64_t n, double* x, double& beta) {
  double scale = 0;
  for (int64_t i = 1; i < n; i++) scale = std::max(scale, std::abs(x[i]));
  const double alpha = x[0];
  beta = alpha;
  x[0] = 1;
  if (scale == 0) return 0;
  scale = std::max(scale, std::abs(alpha));
  // In units of the largest, so that v is exact even where the elements are too small to be.
  const double unit = alpha / scale;
  double sum = unit * unit;
  for (int64_t i = 1; i < n; i++) {
    x[i] /= scale;
    sum += x[i] * x[i];
  }
  const double length = -std::copysign(std::sqrt(sum), unit);
  for (int64_t i = 1; i < n; i++) x[i] /= unit - length;
  beta = length * scale;
  return (length - unit) / length;
}

// The rows of QT, Q = H0 H1 … (n x n). Row k of `vectors` holds v of Hk from column k + offset on.
inline void formRows(int64_t n, const double* vectors, const double* tau, int64_t offset, double* q) {
  for (int64_t i = 0; i < n * n; i++) q[i] = i % (n + 1) == 0;
  // From the last to the first, applied from the right: each touches only the corner that those before have filled.
  for (int64_t k = n - 1 - offset; k >= 0; k--) {
    if (tau[k] == 0) continue;
    const int64_t r = n - k - offset, corner = (k + offset) * (n + 1);
    const double* const v = vectors + k * n + k + offset;
    slices(r, 2 * r, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        double* const row = q + corner + i * n;
        const double factor = tau[k] * dot(r, row, v);
        for (int64_t j = 0; j < r; j++) row[j] -= factor * v[j];
      }
    });
  }
}

// Rows x and y become c x + s y and c y - s x.
struct Rotation {
  int64_t x, y;
  double c, s;
};

// Applies rotations in order to the rows of Z, `width` long: slices of columns stay in cache, and are shared among threads.
inline void rotateRows(int64_t width, double* z, const Rotation* rotations, int64_t count) {
  constexpr int L = kLanes<double>;
  if (count == 0) return;
  parallelFor(width, std::max<int64_t>(64, (128 << 10) / (count + 1) / 64 * 64), [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < count; i++) {
      const Rotation& r = rotations[i];
      double *const x = z + r.x * width, *const y = z + r.y * width;
      int64_t j = begin;
      for (; j + L <= end; j += L) {
        const Vec<double> p = load(x + j), q = load(y + j);
        store<double>(x + j, r.c * p + r.s * q);
        store<double>(y + j, r.c * q - r.s * p);
      }
      for (; j < end; j++) {
        const double p = x[j], q = y[j];
        x[j] = r.c * p + r.s * q;
        y[j] = r.c * q - r.s * p;
      }
    }
  });
}

// The smallest number, from 1, of the matrices that failed; 0: none has.
class FirstFailure {
  std::atomic<int64_t> first_{0};

 public:
  void note(int64_t index) {
    int64_t seen = first_.load();
    while ((seen == 0 || index + 1 < seen) && !first_.compare_exchange_weak(seen, index + 1)) {}
  }
  double number() const { return double(first_.load()); }
};

}  // namespace flambeau
