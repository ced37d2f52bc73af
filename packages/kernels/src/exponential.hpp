// exp of a vector, to about one unit in the last place, with exact limits (0, inf, NaN) and gradual underflow.
#pragma once
#include "vec.hpp"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

namespace flambeau {

template <class C> struct ExpConstants;
template <> struct ExpConstants<float> {
  using Int = int32_t;
  static constexpr float low = -104.0f, high = 89.0f, round = 12582912.0f;
  static constexpr float log2e = 1.44269504f, ln2High = 0.693359375f, ln2Low = -2.12194440e-4f;
  static constexpr int bias = 127, mantissa = 23, degree = 7;
};
template <> struct ExpConstants<double> {
  using Int = int64_t;
  static constexpr double low = -746.0, high = 710.0, round = 6755399441055744.0;
  static constexpr double log2e = 1.4426950408889634, ln2High = 0.693145751953125, ln2Low = 1.4286068203094172e-6;
  static constexpr int bias = 1023, mantissa = 52, degree = 13;
};

// e^x = 2^k e^r with |r| <= ln 2 / 2, where the Taylor series of the given degree is exact to rounding.
template <class C> FLAMBEAU_INLINE Vec<C> expVector(Vec<C> x) {
  using K = ExpConstants<C>;
  using Int = typename K::Int;
  constexpr double inverseFactorial[] = {1.0,
                                         1.0,
                                         1.0 / 2,
                                         1.0 / 6,
                                         1.0 / 24,
                                         1.0 / 120,
                                         1.0 / 720,
                                         1.0 / 5040,
                                         1.0 / 40320,
                                         1.0 / 362880,
                                         1.0 / 3628800,
                                         1.0 / 39916800,
                                         1.0 / 479001600,
                                         1.0 / 6227020800.0};
  x = x > splat<C>(K::high) ? splat<C>(K::high) : x;
  x = x < splat<C>(K::low) ? splat<C>(K::low) : x;
  const Vec<C> shifted = x * splat<C>(K::log2e) + splat<C>(K::round);
  const Vec<C> k = shifted - splat<C>(K::round);
  const Vec<C> r = (x - k * splat<C>(K::ln2High)) - k * splat<C>(K::ln2Low);
  Vec<C> y = splat<C>(C(inverseFactorial[K::degree]));
  for (int i = K::degree - 1; i >= 0; i--) y = y * r + splat<C>(C(inverseFactorial[i]));
#ifdef __AVX512F__
  if constexpr (kVectorBytes == 64 && sizeof(C) == 4) return (Vec<C>)_mm512_maskz_scalef_ps(__mmask16(-1), (__m512)y, (__m512)k);
  else if constexpr (kVectorBytes == 64) return (Vec<C>)_mm512_maskz_scalef_pd(__mmask8(-1), (__m512d)y, (__m512d)k);
#endif
  // Two factors, as 2^k alone may be subnormal or overflow where the product does not.
  Vec<C> round = splat<C>(K::round);
  Vec<Int> bits, base;
  std::memcpy(&bits, &shifted, sizeof bits);
  std::memcpy(&base, &round, sizeof base);
  const Vec<Int> e = bits - base, half = e >> 1;
  const Vec<Int> a = (half + K::bias) << K::mantissa, b = (e - half + K::bias) << K::mantissa;
  Vec<C> scaleA, scaleB;
  std::memcpy(&scaleA, &a, sizeof a);
  std::memcpy(&scaleB, &b, sizeof b);
  return y * scaleA * scaleB;
}

template <class C> inline C expScalar(C x) { return expVector<C>(splat<C>(x))[0]; }

}  // namespace flambeau
