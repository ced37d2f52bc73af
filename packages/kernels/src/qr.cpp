// The QR factorization by Householder reflectors, in blocks: the product of b reflectors is I - V T VT, V m x b, T b x b upper triangular.
#include "matrices.hpp"

namespace flambeau {
namespace {

constexpr int64_t kBlock = 32;

// The reflector that takes x, n elements, to a multiple of the first unit vector: x becomes [beta, v[1], …]. Answers with tau.
template <class T> T reflector(int64_t n, T* x, int64_t stride) {
  T scale = 0, nan = 0;
  for (int64_t i = 1; i < n; i++) {
    scale = std::max(scale, std::abs(x[i * stride]));
    nan += x[i * stride] * 0;  // also of infinities
  }
  nan += x[0] * 0;
  if (scale == 0 && nan == 0) return 0;
  scale = std::max(scale, std::abs(x[0]));
  // In units of the largest, so that v is exact even where the elements are too small to be.
  const T alpha = nan == 0 ? x[0] / scale : nan;
  double sum = double(alpha) * double(alpha);
  for (int64_t i = 1; i < n; i++) {
    T& v = x[i * stride];
    v /= scale;
    sum += double(v) * double(v);
  }
  const T beta = -std::copysign(T(std::sqrt(sum)), alpha);
  for (int64_t i = 1; i < n; i++) x[i * stride] /= alpha - beta;
  x[0] = beta * scale;
  return (beta - alpha) / beta;
}

// At most kBlock columns.
template <class T> void factorPanel(int64_t m, int64_t n, T* a, int64_t rs, T* tau) {
  for (int64_t j = 0; j < std::min(m, n); j++) {
    T* const top = a + j * rs + j;
    tau[j] = reflector(m - j, top, rs);
    const int64_t width = n - j - 1;
    if (tau[j] == 0 || width == 0) continue;
    T w[kBlock];
    std::copy(top + 1, top + 1 + width, w);
    for (int64_t i = 1; i < m - j; i++) {
      const T* row = top + i * rs;
      for (int64_t c = 0; c < width; c++) w[c] += row[0] * row[1 + c];
    }
    for (int64_t c = 0; c < width; c++) w[c] *= tau[j];
    for (int64_t c = 0; c < width; c++) top[1 + c] -= w[c];
    for (int64_t i = 1; i < m - j; i++) {
      T* row = top + i * rs;
      for (int64_t c = 0; c < width; c++) row[1 + c] -= row[0] * w[c];
    }
  }
}

// A block of reflectors, ready to be applied.
template <class T> struct Reflectors {
  Scratch memory;
  int64_t m, b;
  T *v = nullptr, *t = nullptr;  // m x b, and -T, b x b

  bool load(int64_t rows, int64_t count, const T* a, int64_t rs, int64_t cs, const T* tau, int64_t ts) {
    m = rows, b = count;
    v = memory.get<T>(m * b + 2 * b * b);
    if (!v) return false;
    t = v + m * b;
    T* const gram = t + b * b;
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < b; j++) v[i * b + j] = j < i ? a[i * rs + j * cs] : T(i == j);
    if (!gemm<T>(b, b, m, v, 1, b, v, b, 1, gram, b, 1, false)) return false;
    // Column j of T is -tau[j] T[:j, :j] VT v[j] above tau[j].
    for (int64_t j = 0; j < b; j++) {
      const T factor = tau[j * ts];
      for (int64_t i = 0; i < b; i++) t[i * b + j] = i == j ? -factor : T(0);
      for (int64_t i = 0; i < j; i++) {
        T sum = 0;
        for (int64_t p = i; p < j; p++) sum += t[i * b + p] * gram[p * b + j];
        t[i * b + j] = -(factor * sum);
      }
    }
    return true;
  }
  // C (m x n) -= V T VT C, or with TT.
  bool apply(int64_t n, T* c, int64_t rs, int64_t cs, bool transpose) const {
    if (n <= 0) return true;
    Scratch scratch;
    T* const w = scratch.get<T>(2 * b * n);
    if (!w) return false;
    T* const tw = w + b * n;
    return gemm<T>(b, n, m, v, 1, b, c, rs, cs, w, n, 1, false) &&
           gemm<T>(b, n, b, t, transpose ? 1 : b, transpose ? b : 1, w, n, 1, tw, n, 1, false) &&
           gemm<T>(m, n, b, v, b, 1, tw, n, 1, c, rs, cs, true);
  }
};

}  // namespace

template <class T> bool factorQR(int64_t m, int64_t n, T* a, int64_t rs, T* tau) {
  const int64_t k = std::min(m, n);
  for (int64_t j = 0; j < k; j += kBlock) {
    const int64_t b = std::min(kBlock, k - j), right = n - j - b;
    T* const panel = a + j * rs + j;
    factorPanel(m - j, b, panel, rs, tau + j);
    if (right == 0) continue;
    Reflectors<T> block;
    if (!block.load(m - j, b, panel, rs, 1, tau + j, 1) || !block.apply(right, panel + b, rs, 1, true)) return false;
  }
  return true;
}
template bool factorQR<float>(int64_t, int64_t, float*, int64_t, float*);
template bool factorQR<double>(int64_t, int64_t, double*, int64_t, double*);

template <class T>
bool applyReflectors(int64_t m, int64_t n, int64_t k, const T* a, int64_t ars, int64_t acs, const T* tau, int64_t ts, T* c,
                     int64_t crs, int64_t ccs, bool transpose) {
  const int64_t blocks = (k + kBlock - 1) / kBlock;
  for (int64_t step = 0; step < blocks; step++) {
    const int64_t j = (transpose ? step : blocks - 1 - step) * kBlock;
    Reflectors<T> block;
    if (!block.load(m - j, std::min(kBlock, k - j), a + j * (ars + acs), ars, acs, tau + j * ts, ts) ||
        !block.apply(n, c + j * crs, crs, ccs, transpose))
      return false;
  }
  return true;
}
template bool applyReflectors<float>(int64_t, int64_t, int64_t, const float*, int64_t, int64_t, const float*, int64_t, float*,
                                     int64_t, int64_t, bool);
template bool applyReflectors<double>(int64_t, int64_t, int64_t, const double*, int64_t, int64_t, const double*, int64_t, double*,
                                      int64_t, int64_t, bool);

// qr(a, tau): a (rows adjacent) becomes R and, below its diagonal, the reflectors of Q.
KERNEL(qr) {
  const TensorArg a = args.tensor(), tau = args.tensor();
  const Batch as(a), ts(tau, 1);
  if ((as.cs != 1 && as.columns > 1) || (ts.cs != 1 && ts.columns > 1) || a.dtype != tau.dtype) return kUnsupported;
  return dispatchReal(a.dtype, [&](auto tag) -> int {
    using T = decltype(tag);
    const int64_t m = as.rows, n = as.columns;
    return eachMatrix(as.count, m * n * std::min(m, n),
                      [&](int64_t b) { return factorQR(m, n, as.at<T>(b), as.rs, ts.at<T>(b)); })
               ? kOk
               : kOutOfMemory;
  });
}

// applyReflectors(a, tau, c, transpose): overwrites C with Q C or QT C.
KERNEL(applyReflectors) {
  const TensorArg a = args.tensor(), tau = args.tensor(), c = args.tensor();
  const bool transpose = args.flag();
  const Batch as(a), ts(tau, 1), cs(c);
  if (a.dtype != tau.dtype || a.dtype != c.dtype) return kUnsupported;
  return dispatchReal(c.dtype, [&](auto tag) -> int {
    using T = decltype(tag);
    const int64_t m = cs.rows, n = cs.columns, k = ts.columns;
    return eachMatrix(cs.count, 2 * m * n * k,
                      [&](int64_t b) {
                        return applyReflectors(m, n, k, as.at<T>(b), as.rs, as.cs, ts.at<T>(b), ts.cs, cs.at<T>(b), cs.rs, cs.cs,
                                               transpose);
                      })
               ? kOk
               : kOutOfMemory;
  });
}

}  // namespace flambeau
