// Primitives of the floating-point classes, for float and double alike.
#pragma once
#include "math.hpp"
#include "primitives.hpp"
#include "special.hpp"

namespace flambeau {

// Exact remainder of truncated division. For float a double quotient below 2^24 truncates rightly and its product is exact.
inline float fmodOf(float x, float y) {
  const double a = x, b = y, q = a / b;
  if (std::fabs(q) < 16777216. && std::fabs(b) < kInfinity<double>) return std::copysign(float(a - std::trunc(q) * b), x);
  return std::fmod(x, y);
}
inline double fmodOf(double x, double y) { return std::fmod(x, y); }
template <class T> inline T remainderOf(T x, T y) {
  const T mod = fmodOf(x, y);
  return mod != 0 && (y < 0) != (mod < 0) ? mod + y : mod;
}
// Python's float floor division: exact where (x - mod) / y is, never off by one from rounding x / y.
template <class T> inline T floorDivide(T x, T y) {
  if (y == 0) return x / y;
  const T mod = fmodOf(x, y);
  T quotient = (x - mod) / y;
  if (mod != 0 && (y < 0) != (mod < 0)) quotient -= 1;
  if (quotient == 0) return std::copysign(T(0), x / y);
  const T down = std::floor(quotient);
  return quotient - down > T(0.5) ? down + 1 : down;
}
inline float hypotOf(float x, float y) {
  if (std::fabs(x) == kInfinity<float> || std::fabs(y) == kInfinity<float>) return kInfinity<float>;
  return float(std::sqrt(double(x) * x + double(y) * y));
}
inline double hypotOf(double x, double y) { return std::hypot(x, y); }

template <class T> FLAMBEAU_INLINE Vec<T> truth(BitsOf<T> mask) { return (Vec<T>)(mask & (BitsOf<T>)splat(T(1))); }

template <class T> TileFn floatPrimitive(Primitive op) {
  switch (op) {
    VECTOR1(mov, x)
    VECTOR1(neg, -x)
    VECTOR1(abs, vAbs<T>(x))
    VECTOR1(sign, truth<T>(x > T(0)) - truth<T>(x < T(0)))
    VECTOR1(recip, T(1) / x)
    VECTOR1(sqrt, vSqrt<T>(x))
    VECTOR1(rsqrt, T(1) / vSqrt<T>(x))
    VECTOR1(exp, vExp<T>(x))
    VECTOR1(exp2, vExp2<T>(x))
    VECTOR1(expm1, vExpm1<T>(x))
    VECTOR1(log, vLog<T>(x))
    VECTOR1(log1p, vLog1p<T>(x))
    VECTOR1(sin, vSin<T>(x))
    VECTOR1(cos, vCos<T>(x))
    VECTOR1(tanh, vTanh<T>(x))
    VECTOR1(sigmoid, vSigmoid<T>(x))
    VECTOR1(floor, vFloor<T>(x))
    VECTOR1(ceil, vCeil<T>(x))
    VECTOR1(round, vRound<T>(x))
    VECTOR1(trunc, vTrunc<T>(x))
    VECTOR1(logicalNot, truth<T>(x == T(0)))
    VECTOR1(isnan, truth<T>(x != x))
    VECTOR1(isinf, truth<T>(vAbs<T>(x) == kInfinity<T>))
    VECTOR2(add, x + y)
    VECTOR2(sub, x - y)
    VECTOR2(mul, x * y)
    VECTOR2(div, x / y)
    VECTOR2(idivTrunc, vTrunc<T>(x / y))
    VECTOR2(pow, vPow(x, y))
    VECTOR2(max, ((x > y) | (x != x)) ? x : y)
    VECTOR2(min, ((x < y) | (x != x)) ? x : y)
    VECTOR2(fmax, ((x > y) | (y != y)) ? x : y)
    VECTOR2(fmin, ((x < y) | (y != y)) ? x : y)
    VECTOR2(copysign, vCopySign<T>(x, y))
    VECTOR2(eq, truth<T>(x == y))
    VECTOR2(ne, truth<T>(x != y))
    VECTOR2(lt, truth<T>(x < y))
    VECTOR2(le, truth<T>(x <= y))
    VECTOR2(gt, truth<T>(x > y))
    VECTOR2(ge, truth<T>(x >= y))
    VECTOR3(where, x != T(0) ? y : z)
    VECTOR3(fma, x * y + z)
    SCALAR1(asin, out = T(std::asin(double(x))))
    SCALAR1(acos, out = T(std::acos(double(x))))
    SCALAR1(erfc, out = T(std::erfc(double(x))))
    SCALAR1(erfinv, out = erfinv(x))
    SCALAR1(lgamma, out = T(logGamma(double(x))))
    SCALAR1(digamma, out = T(digamma(double(x))))
    SCALAR2(idivFloor, out = floorDivide(x, y))
    SCALAR2(rem, out = remainderOf(x, y))
    SCALAR2(fmod, out = fmodOf(x, y))
    SCALAR2(atan2, out = T(std::atan2(double(x), double(y))))
    SCALAR2(hypot, out = hypotOf(x, y))
    SCALAR2(nextafter, out = std::nextafter(x, y))
    SCALAR1(besselI0, out = T(besselI(0, x)))
    SCALAR1(besselI0e, out = T(besselIScaled(0, x)))
    SCALAR1(besselI1, out = T(besselI(1, x)))
    SCALAR1(besselI1e, out = T(besselIScaled(1, x)))
    SCALAR1(besselK0, out = T(besselK(0, x)))
    SCALAR1(besselK0e, out = T(besselKScaled(0, x)))
    SCALAR1(besselK1, out = T(besselK(1, x)))
    SCALAR1(besselK1e, out = T(besselKScaled(1, x)))
    SCALAR1(besselJ0, out = T(besselJ(0, x)))
    SCALAR1(besselJ1, out = T(besselJ(1, x)))
    SCALAR1(besselY0, out = T(besselY(0, x)))
    SCALAR1(besselY1, out = T(besselY(1, x)))
    SCALAR1(airyAi, out = T(airyAi(x)))
    SCALAR1(erfcx, out = T(erfcx(x)))
    SCALAR1(ndtri, out = T(ndtri(x)))
    SCALAR1(significand, int power; out = std::frexp(x, &power))
    SCALAR1(exponent, int power = 0; if (std::isfinite(x)) std::frexp(x, &power); out = T(power))
    SCALAR2(zeta, out = T(zeta(x, y)))
    SCALAR2(igamma, out = T(incompleteGamma(x, y, false)))
    SCALAR2(igammac, out = T(incompleteGamma(x, y, true)))
    SCALAR3(orthogonal, out = T(orthogonal(x, y, z)))
    default: return nullptr;
  }
}

}  // namespace flambeau
