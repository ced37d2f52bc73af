// The elementary functions behind the random distributions. They give the same bits on every target, and log and sincos
// give glibc's (its FMA builds), because that is what PyTorch's float64 streams are made with.
#pragma once
#include <cstdint>
#include <cstring>

namespace flambeau {

#if !defined(__FMA__) && !defined(__ARM_FEATURE_FMA)
// sum + error moved to the neighbour with an odd last bit where the sum is inexact, so that rounding it again is safe.
inline double roundToOdd(double sum, double error) {
  int64_t bits, e;
  std::memcpy(&bits, &sum, 8);
  std::memcpy(&e, &error, 8);
  if (error != 0 && !(bits & 1)) bits += (bits ^ e) < 0 ? -1 : 1;
  std::memcpy(&sum, &bits, 8);
  return sum;
}
inline double sumError(double a, double b, double sum) {
  const double part = sum - a;
  return (a - (sum - part)) + (b - part);
}
#endif

// a * b + c with one rounding on every target.
inline float fused(float a, float b, float c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return __builtin_fmaf(a, b, c);
#else
  const double p = double(a) * b, sum = p + c;
  return float(roundToOdd(sum, sumError(p, c, sum)));
#endif
}

// Boldo and Melquiond's where the hardware has none and the library's is slow; nothing here overflows or underflows.
inline double fused(double a, double b, double c) {
#if defined(__wasm__)
  const double p = a * b;
  if (p == 0 || !(__builtin_fabs(p) < __builtin_inf()) || !(__builtin_fabs(c) < __builtin_inf())) return p + c;
  const double as = a * 134217729.0, ah = as - (as - a), al = a - ah;
  const double bs = b * 134217729.0, bh = bs - (bs - b), bl = b - bh;
  const double low = al * bl - (((p - ah * bh) - al * bh) - ah * bl);
  const double t = c + low, v = p + t;
  const double tLow = sumError(c, low, t), vLow = sumError(p, t, v), w = tLow + vLow;
  return v + roundToOdd(w, sumError(tLow, vLow, w));
#else
  return __builtin_fma(a, b, c);
#endif
}

double streamLog(double x);                           // x >= 0
void streamSinCos(double x, double* sin, double* cos);  // |x| < 1e8
double streamTan(double x);                           // |x| < 1e8; within 2 ulp
double streamExp(double x);                           // within 1 ulp
double streamLogFactorial(double n);                  // log(n!) for an integer n >= 0

// Sixteen float32 uniforms in [0, 1), in place, to sixteen normals: the first eight are the radii's, the last the angles'.
void boxMuller16(float* data, float mean, float std);

}  // namespace flambeau
