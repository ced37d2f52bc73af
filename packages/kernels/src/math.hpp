// Elementary functions over vectors, for float and double. Polynomials were fitted to each interval with weighted
// Chebyshev interpolation; float functions stay within 2 ulp. What has no vector form here goes lane by lane through libm.
#pragma once
#include <cmath>
#include <limits>
#include <type_traits>

#include "vec.hpp"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

namespace flambeau {

template <class T> struct FloatTraits;
template <> struct FloatTraits<float> {
  using Int = int32_t;
  static constexpr int mantissa = 23, bias = 127;
  static constexpr float magic = 12582912.f;  // 1.5 * 2^23: adding it rounds to an integer, left in the low bits
  static constexpr float ln2Hi = 0.693145751953125f, ln2Lo = 1.42860682031e-6f;
  static constexpr int32_t logOffset = 0x3f2aaaab;  // 2/3: mantissas are taken from [2/3, 4/3)
};
template <> struct FloatTraits<double> {
  using Int = int64_t;
  static constexpr int mantissa = 52, bias = 1023;
  static constexpr double magic = 6755399441055744.;
  static constexpr double ln2Hi = 0.6931471803691238164901733, ln2Lo = 1.908214929270587816144e-10;
  static constexpr int64_t logOffset = 0x3fe5555555555555;
};
template <class T> using BitsOf = Vec<typename FloatTraits<T>::Int>;
// Arithmetic on bits wraps, so it is unsigned.
template <class T> using RawOf = Vec<std::make_unsigned_t<typename FloatTraits<T>::Int>>;
template <class T> constexpr T kInfinity = std::numeric_limits<T>::infinity();
template <class T> constexpr T kNaN = std::numeric_limits<T>::quiet_NaN();

// c0 + c1 x + c2 x² + …
template <class V, class C> FLAMBEAU_INLINE V horner(V, C c) { return c - V{}; }
template <class V, class C, class... Rest> FLAMBEAU_INLINE V horner(V x, C c, Rest... rest) { return horner(x, rest...) * x + c; }

template <class T> FLAMBEAU_INLINE Vec<T> vAbs(Vec<T> x) {
  return (Vec<T>)((BitsOf<T>)x & std::numeric_limits<typename FloatTraits<T>::Int>::max());
}
template <class T> FLAMBEAU_INLINE Vec<T> vCopySign(Vec<T> magnitude, Vec<T> sign) {
  constexpr auto mask = std::numeric_limits<typename FloatTraits<T>::Int>::min();
  return (Vec<T>)(((BitsOf<T>)magnitude & ~mask) | ((BitsOf<T>)sign & mask));
}
template <class T> FLAMBEAU_INLINE Vec<T> exponential2(BitsOf<T> n) {  // 2^n for n in the normal range
  return (Vec<T>)(((RawOf<T>)n + unsigned(FloatTraits<T>::bias)) << unsigned(FloatTraits<T>::mantissa));
}
template <class V> FLAMBEAU_INLINE bool anyLane(V mask) {
  int64_t words[sizeof(V) / 8], any = 0;
  std::memcpy(words, &mask, sizeof mask);
  for (int64_t word : words) any |= word;
  return any != 0;
}

// One scalar call a lane. The compiler turns the loop into one instruction for sqrt and the roundings.
template <class T, class F> FLAMBEAU_INLINE Vec<T> eachLane(Vec<T> x, F f) {
  T lanes[kLanes<T>];
  store(lanes, x);
  for (int i = 0; i < kLanes<T>; i++) lanes[i] = f(lanes[i]);
  return load(lanes);
}
template <class T> FLAMBEAU_INLINE Vec<T> vSqrt(Vec<T> x) {
  return eachLane<T>(x, [](T v) { return std::sqrt(v); });
}
template <class T> FLAMBEAU_INLINE Vec<T> vFloor(Vec<T> x) {
  return eachLane<T>(x, [](T v) { return std::floor(v); });
}
template <class T> FLAMBEAU_INLINE Vec<T> vCeil(Vec<T> x) {
  return eachLane<T>(x, [](T v) { return std::ceil(v); });
}
template <class T> FLAMBEAU_INLINE Vec<T> vTrunc(Vec<T> x) {
  return eachLane<T>(x, [](T v) { return std::trunc(v); });
}
template <class T> FLAMBEAU_INLINE Vec<T> vRound(Vec<T> x) {
  return eachLane<T>(x, [](T v) { return std::nearbyint(v); });
}

// Halves of a vector. Shuffles keep them in registers; through memory, two narrow stores before a wide load would stall.
using HalfVec = typename VecOf<float, kVectorBytes / 2>::type;
struct Halves {
  HalfVec part[2];
};
#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define FLAMBEAU_SHUFFLE 1
#endif
#endif
FLAMBEAU_INLINE Halves splitHalves(Vec<float> x) {
  Halves h;
#if defined(FLAMBEAU_SHUFFLE) && FLAMBEAU_VECTOR_BYTES == 64
  h.part[0] = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7);
  h.part[1] = __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
#elif defined(FLAMBEAU_SHUFFLE) && FLAMBEAU_VECTOR_BYTES == 32
  h.part[0] = __builtin_shufflevector(x, x, 0, 1, 2, 3);
  h.part[1] = __builtin_shufflevector(x, x, 4, 5, 6, 7);
#else
  std::memcpy(h.part, &x, sizeof x);
#endif
  return h;
}
FLAMBEAU_INLINE Vec<float> joinHalves(const Halves& h) {
#if defined(FLAMBEAU_SHUFFLE) && FLAMBEAU_VECTOR_BYTES == 64
  return __builtin_shufflevector(h.part[0], h.part[1], 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#elif defined(FLAMBEAU_SHUFFLE) && FLAMBEAU_VECTOR_BYTES == 32
  return __builtin_shufflevector(h.part[0], h.part[1], 0, 1, 2, 3, 4, 5, 6, 7);
#else
  Vec<float> x;
  std::memcpy(&x, h.part, sizeof x);
  return x;
#endif
}

// float -> float computed by f in double, half a vector at a time: rounding happens once, at the end.
template <class F> FLAMBEAU_INLINE Vec<float> viaDouble(Vec<float> x, F f) {
  Halves h = splitHalves(x);
  for (auto& part : h.part) part = __builtin_convertvector(f(__builtin_convertvector(part, Vec<double>)), HalfVec);
  return joinHalves(h);
}
template <class F> FLAMBEAU_INLINE Vec<float> viaDouble(Vec<float> x, Vec<float> y, F f) {
  Halves a = splitHalves(x);
  const Halves b = splitHalves(y);
  for (int i = 0; i < 2; i++)
    a.part[i] = __builtin_convertvector(
        f(__builtin_convertvector(a.part[i], Vec<double>), __builtin_convertvector(b.part[i], Vec<double>)), HalfVec);
  return joinHalves(a);
}

// ---- exponentials: x = n ln2 + r, e^x = 2^n (1 + p(r)) ----

FLAMBEAU_INLINE Vec<float> expm1Reduced(Vec<float> r) {
  return r + r * r * horner(r, 0.5000000014f, 0.1666666668f, 0.04166646284f, 0.008333310694f, 0.001393388096f, 0.0001989124731f);
}
FLAMBEAU_INLINE Vec<double> expm1Reduced(Vec<double> r) {
  return r + r * r * horner(r, 0.5, 0.16666666666666671103, 0.041666666666666667631, 0.0083333333333259860241,
                            0.0013888888888885345463, 0.00019841269875340546155, 0.000024801587321404464749,
                            2.7557254742440813558e-6, 2.7557277980116155259e-7, 2.5105490055351788389e-8,
                            2.0913112840243093385e-9);
}
template <class T> struct ExpReduced {
  Vec<T> p;  // e^r - 1
  BitsOf<T> n;
};
template <class T> FLAMBEAU_INLINE ExpReduced<T> expReduce(Vec<T> x) {
  using F = FloatTraits<T>;
  const Vec<T> z = x * T(1.442695040888963407359925) + F::magic, n = z - F::magic;
  const Vec<T> r = (x - n * F::ln2Hi) - n * F::ln2Lo;
  return {expm1Reduced(r), (BitsOf<T>)((RawOf<T>)z - (RawOf<T>)splat(F::magic))};
}
// (1 + p) 2^n in two steps, so that subnormal results round once and overflow gives infinity.
template <class T> FLAMBEAU_INLINE Vec<T> expScale(ExpReduced<T> e) {
#ifdef __AVX512F__
  // One instruction scales by any power of two.
  const Vec<T> n = __builtin_convertvector(e.n, Vec<T>);
  if constexpr (kVectorBytes == 64 && sizeof(T) == 4)
    return (Vec<T>)_mm512_maskz_scalef_ps(__mmask16(-1), (__m512)(e.p + T(1)), (__m512)n);
  else if constexpr (kVectorBytes == 64)
    return (Vec<T>)_mm512_maskz_scalef_pd(__mmask8(-1), (__m512d)(e.p + T(1)), (__m512d)n);
#endif
  const BitsOf<T> half = e.n >> 1;
  return (e.p + T(1)) * exponential2<T>(half) * exponential2<T>(e.n - half);
}
// Clamping keeps NaN: both comparisons are false for it.
template <class T> FLAMBEAU_INLINE Vec<T> vClamp(Vec<T> x, T low, T high) {
  x = x > high ? splat(high) : x;
  return x < low ? splat(low) : x;
}
template <class T> FLAMBEAU_INLINE Vec<T> vExp(Vec<T> x) {
  return expScale<T>(expReduce<T>(sizeof(T) == 4 ? vClamp<T>(x, -104, 89) : vClamp<T>(x, -746, 710)));
}
template <class T> FLAMBEAU_INLINE Vec<T> vExp2(Vec<T> x) {
  using F = FloatTraits<T>;
  x = sizeof(T) == 4 ? vClamp<T>(x, -151, 129) : vClamp<T>(x, -1076, 1025);
  const Vec<T> z = x + F::magic, r = (x - (z - F::magic)) * T(0.6931471805599453094172321);
  return expScale<T>({expm1Reduced(r), (BitsOf<T>)((RawOf<T>)z - (RawOf<T>)splat(F::magic))});
}
template <class T> FLAMBEAU_INLINE Vec<T> vExpm1(Vec<T> x) {
  const auto e = expReduce<T>(sizeof(T) == 4 ? vClamp<T>(x, -20, 89) : vClamp<T>(x, -40, 710));
  // Half the result, then doubled: 2^n itself may not fit.
  const Vec<T> s = exponential2<T>(e.n - 1), y = (s * e.p + (s - T(0.5))) * T(2);
  return vAbs<T>(x) < T(1e-30) ? x : y;
}
template <class T> FLAMBEAU_INLINE Vec<T> vSigmoid(Vec<T> x) {
  const Vec<T> e = vExp<T>(-vAbs<T>(x)), sum = e + T(1), lost = e - (sum - T(1));
  const Vec<T> y = (x < T(0) ? e : splat(T(1))) / sum;
  // What rounding 1 + e lost is taken back to first order; 1 / (1 + e) is y or 1 - y.
  return y - y * lost * (x < T(0) ? T(1) - y : y);
}
// (1 - E) / (1 + E) with E = e^(-2|x|); where E is near 1, by expm1, which keeps the digits that 1 - E loses.
template <class T> FLAMBEAU_INLINE Vec<T> vTanh(Vec<T> x) {
  constexpr T limit = sizeof(T) == 4 ? T(10) : T(22);
  Vec<T> a = vAbs<T>(x);
  a = a > limit ? splat(limit) : a;
  const auto e = expReduce<T>(a * T(-2));
  const Vec<T> s = exponential2<T>(e.n), full = (e.p + T(1)) * s, minus1 = s * e.p + (s - T(1));
  const auto near = e.n >= -1;
  const Vec<T> term = near ? minus1 : full, base = near ? splat(T(2)) : splat(T(1)), sum = term + base, lost = term - (sum - base);
  const Vec<T> q = (near ? -minus1 : T(1) - full) / sum;
  // As in vSigmoid, with 1 / sum = (1 + tanh) / 2.
  Vec<T> y = q - q * lost * (q * T(0.5) + T(0.5));
  if constexpr (sizeof(T) == 4) {
    // The odd series is sharper where |x| is small.
    const Vec<T> z = a * a;
    y = a < 0.35f ? a + a * z * horner(z, -0.333333333f, 0.133333333f, -0.0539682540f, 0.0218694885f, -0.00886323553f) : y;
  }
  return vCopySign<T>(a < T(1e-30) ? a : y, x);
}

// ---- logarithms: x = 2^e (1 + f), f in [-1/3, 1/3] ----

FLAMBEAU_INLINE Vec<float> logReduced(Vec<float> f, Vec<float> e) {
  const Vec<float> ff = f * f;
  Vec<float> y = horner(f, 0.3333333333f, -0.2499994409f, 0.1999994836f, -0.1667332528f, 0.1429187011f, -0.1228852549f,
                        0.1091556438f, -0.1242338201f, 0.1133124266f) * f * ff;
  y += e * FloatTraits<float>::ln2Lo;
  y -= ff * 0.5f;
  return (f + y) + e * FloatTraits<float>::ln2Hi;
}
FLAMBEAU_INLINE Vec<double> logReduced(Vec<double> f, Vec<double> e) {
  const Vec<double> s = f / (f + 2.), z = s * s, half = f * f * 0.5;
  const Vec<double> r = z * horner(z, 0.66666666666666664178, 0.40000000000007941042, 0.28571428567275934596,
                                   0.22222223048351588286, 0.18181737626302923555, 0.15388867805614161382,
                                   0.13209708242052063831, 0.13609030262907735559);
  return e * FloatTraits<double>::ln2Hi - ((half - (s * (half + r) + e * FloatTraits<double>::ln2Lo)) - f);
}
template <class T> FLAMBEAU_INLINE Vec<T> logSpecials(Vec<T> y, Vec<T> x) {
  y = x > T(0) ? y : (x == T(0) ? splat(-kInfinity<T>) : splat(kNaN<T>));
  return x == kInfinity<T> ? x : y;
}
template <class T> FLAMBEAU_INLINE BitsOf<T> logExponent(RawOf<T> bits) {
  using U = std::make_unsigned_t<typename FloatTraits<T>::Int>;
  return (BitsOf<T>)(bits - U(FloatTraits<T>::logOffset)) >> FloatTraits<T>::mantissa;
}
template <class T> FLAMBEAU_INLINE Vec<T> vLog(Vec<T> x) {
  using F = FloatTraits<T>;
  constexpr T scale = sizeof(T) == 4 ? T(8388608.) : T(18014398509481984.), shift = sizeof(T) == 4 ? T(-23) : T(-54);
  const auto subnormal = x < std::numeric_limits<T>::min();
  const RawOf<T> bits = (RawOf<T>)(subnormal ? x * scale : x);
  const BitsOf<T> e = logExponent<T>(bits);
  const Vec<T> f = (Vec<T>)(bits - ((RawOf<T>)e << unsigned(F::mantissa))) - T(1);
  const Vec<T> exponent = __builtin_convertvector(e, Vec<T>) + (subnormal ? splat(shift) : Vec<T>{});
  return logSpecials<T>(logReduced(f, exponent), x);
}
template <class T> FLAMBEAU_INLINE Vec<T> vLog1p(Vec<T> x) {
  using F = FloatTraits<T>;
  const Vec<T> u = x + T(1);
  const BitsOf<T> e = logExponent<T>((RawOf<T>)u);
  // f = (1 + x) 2^-e - 1 with one rounding; where 2^-e - 1 would be inexact, the 1 no longer matters.
  const Vec<T> t = exponential2<T>(-e), big = (Vec<T>)((RawOf<T>)u - ((RawOf<T>)e << unsigned(F::mantissa))) - T(1);
  const Vec<T> f = u > T(sizeof(T) == 4 ? 33554432. : 18014398509481984.) ? big : x * t + (t - T(1));
  const Vec<T> y = logSpecials<T>(logReduced(f, __builtin_convertvector(e, Vec<T>)), u);
  return vAbs<T>(x) < T(1e-30) ? x : y;
}
FLAMBEAU_INLINE Vec<float> vLog2(Vec<float> x) {
  return viaDouble(x, [](Vec<double> v) { return vLog<double>(v) * 1.442695040888963407359925; });
}
FLAMBEAU_INLINE Vec<float> vLog10(Vec<float> x) {
  return viaDouble(x, [](Vec<double> v) { return vLog<double>(v) * 0.4342944819032518276511289; });
}

// ---- trigonometric: x = q pi/2 + r ----

constexpr double kTwoOverPi = 0.6366197723675813430755351;
// pi/2 in pieces of 30 bits, whose products with q < 2^22 are exact even without FMA.
constexpr double kPi2A = 1.57079632580280303955078125, kPi2B = 9.92093579163522143460340885213e-10,
                 kPi2C = 5.170182981794105568859e-19, kPi2BC = 9.920935796805404416398e-10;
constexpr double kTrigLimit = 4e6;

template <class T> FLAMBEAU_INLINE auto trigIsHuge(Vec<T> x) {
  const Vec<T> a = vAbs<T>(x);
  return (a >= T(kTrigLimit)) & (a < kInfinity<T>);
}
template <class T, class F> __attribute__((noinline)) Vec<T> trigHuge(Vec<T> x, Vec<T> y, F f) {
  T in[kLanes<T>], out[kLanes<T>];
  store(in, x);
  store(out, y);
  for (int i = 0; i < kLanes<T>; i++)
    if (std::fabs(in[i]) >= T(kTrigLimit)) out[i] = T(f(double(in[i])));
  return load(out);
}

template <bool Cosine> FLAMBEAU_INLINE Vec<float> sinCos(Vec<float> x) {
  Halves halves = splitHalves(x), quadrants;
  for (int i = 0; i < 2; i++) {
    const Vec<double> v = __builtin_convertvector(halves.part[i], Vec<double>);
    const Vec<double> q = (v * kTwoOverPi + FloatTraits<double>::magic) - FloatTraits<double>::magic;
    quadrants.part[i] = __builtin_convertvector(q, HalfVec);
    halves.part[i] = __builtin_convertvector((v - q * kPi2A) - q * kPi2BC, HalfVec);
  }
  const Vec<float> r = joinHalves(halves), quadrant = joinHalves(quadrants);
  // Rounding by the magic constant again reads the integer off the bits; |q| stays below 2^22.
  Vec<int32_t> q = (Vec<int32_t>)(quadrant + FloatTraits<float>::magic);
  if (Cosine) q += 1;
  const Vec<float> z = r * r;
  const Vec<float> s = r + r * z * horner(z, -0.1666666666f, 0.008333331866f, -0.0001984008201f, 2.724931405e-6f);
  const Vec<float> c = (1.f - z * 0.5f) + z * z * horner(z, 0.04166666465f, -0.00138883007f, 2.454743721e-5f);
  Vec<float> y = (q & 1) != 0 ? c : s;
  y = (Vec<float>)((Vec<int32_t>)y ^ (Vec<int32_t>)(((Vec<uint32_t>)q & 2u) << 30u));
  return Cosine ? y : (x == 0.f ? x : y);
}
template <bool Cosine> FLAMBEAU_INLINE Vec<double> sinCos(Vec<double> x) {
  const Vec<double> zq = x * kTwoOverPi + FloatTraits<double>::magic, q = zq - FloatTraits<double>::magic;
  // r + tail carries some 100 bits, enough next to multiples of pi/2.
  const Vec<double> t = x - q * kPi2A, w = q * kPi2B, d = t - w, c1 = ((t - d) - w) - q * kPi2C;
  const Vec<double> r = d + c1, tail = (d - r) + c1;
  BitsOf<double> n = (BitsOf<double>)zq;
  if (Cosine) n += 1;
  const Vec<double> z = r * r, half = z * 0.5, one = 1. - half;
  const Vec<double> s = r + (r * z * horner(z, -0.16666666666666666665, 0.0083333333333333314699, -0.00019841269841265017028,
                                            2.7557319219301918704e-6, -2.5052106221519894233e-8, 1.6058529572267876353e-10,
                                            -7.5865765881710724528e-13) + tail * one);
  const Vec<double> c = one + (((1. - one) - half) +
                               (z * z * horner(z, 0.041666666666666666666, -0.0013888888888888887853, 0.000024801587301584619787,
                                               -2.7557319221382115583e-7, 2.0876755783894038411e-9, -1.1470459749675605053e-11,
                                               4.7458048897606198392e-14) - r * tail));
  Vec<double> y = (n & 1) != 0 ? c : s;
  y = (Vec<double>)((BitsOf<double>)y ^ (BitsOf<double>)(((RawOf<double>)n & 2u) << 62u));
  return Cosine ? y : (x == 0. ? x : y);
}
template <class T> FLAMBEAU_INLINE Vec<T> vSin(Vec<T> x) {
  const Vec<T> y = sinCos<false>(x);
  return __builtin_expect(anyLane(trigIsHuge<T>(x)), 0) ? trigHuge<T>(x, y, [](double v) { return std::sin(v); }) : y;
}
template <class T> FLAMBEAU_INLINE Vec<T> vCos(Vec<T> x) {
  const Vec<T> y = sinCos<true>(x);
  return __builtin_expect(anyLane(trigIsHuge<T>(x)), 0) ? trigHuge<T>(x, y, [](double v) { return std::cos(v); }) : y;
}
FLAMBEAU_INLINE Vec<float> vTan(Vec<float> x) {
  const Vec<float> y = viaDouble(x, [](Vec<double> v) {
    const Vec<double> zq = v * kTwoOverPi + FloatTraits<double>::magic, q = zq - FloatTraits<double>::magic;
    const Vec<double> r = (v - q * kPi2A) - q * kPi2BC, z = r * r;
    const Vec<double> s = r * (z * horner(z, -0.1666666666, 0.008333331866, -0.0001984008201, 2.724931405e-6) + 1.);
    const Vec<double> c = (1. - z * 0.5) + z * z * horner(z, 0.04166666666, -0.001388888766, 2.480059644e-5, -2.730044862e-7);
    const auto odd = ((BitsOf<double>)zq & 1) != 0;
    return (odd ? -c : s) / (odd ? s : c);
  });
  return __builtin_expect(anyLane(trigIsHuge<float>(x)), 0) ? trigHuge<float>(x, y, [](double v) { return std::tan(v); }) : y;
}
FLAMBEAU_INLINE Vec<float> vAtan(Vec<float> x) {
  const Vec<float> a = vAbs<float>(x);
  const auto inverse = a > 1.f;
  const Vec<float> t = inverse ? 1.f / a : a, z = t * t;
  const Vec<float> p = t * z * horner(z, -0.3333333308f, 0.1999994932f, -0.1428400379f, 0.1108826163f, -0.08931826777f,
                                      0.0703191425f, -0.04896051403f, 0.02630500111f, -0.009144629761f, 0.001488691939f);
  // pi/2 in two pieces: its low part belongs to the small term.
  return vCopySign<float>(inverse ? 1.57079637f - (t + (p + 4.37113883e-8f)) : t + p, x);
}

// ---- hyperbolic, float in double ----

FLAMBEAU_INLINE Vec<float> vSinh(Vec<float> x) {
  return viaDouble(x, [](Vec<double> v) {
    const Vec<double> e = vExp<double>(v), z = v * v;
    return vAbs<double>(v) < 0.02 ? v + v * z * (z * (1. / 120) + 1. / 6) : (e - 1. / e) * 0.5;
  });
}
FLAMBEAU_INLINE Vec<float> vCosh(Vec<float> x) {
  return viaDouble(x, [](Vec<double> v) {
    const Vec<double> e = vExp<double>(v);
    return (e + 1. / e) * 0.5;
  });
}
FLAMBEAU_INLINE Vec<float> vAsinh(Vec<float> x) {
  return viaDouble(x, [](Vec<double> v) {
    const Vec<double> a = vAbs<double>(v), z = a * a, y = vLog<double>(a + vSqrt<double>(z + 1.));
    return vCopySign<double>(a < 1e-3 ? a - a * z * (1. / 6) : y, v);
  });
}
FLAMBEAU_INLINE Vec<float> vAcosh(Vec<float> x) {
  return viaDouble(x, [](Vec<double> v) { return vLog<double>(v < 1. ? splat(-1.) : v + vSqrt<double>(v * v - 1.)); });
}
FLAMBEAU_INLINE Vec<float> vAtanh(Vec<float> x) {
  return viaDouble(x, [](Vec<double> v) {
    const Vec<double> y = vLog<double>((v + 1.) / (1. - v)) * 0.5;
    return vAbs<double>(v) < 1e-3 ? v + v * v * v * (1. / 3) : y;
  });
}

// ---- error function ----

// x P(x²) below 1; above, 1 - exp(L(|x|)) with L = log erfc, which is nearly a parabola.
FLAMBEAU_INLINE Vec<float> vErf(Vec<float> x) {
  Vec<float> a = vAbs<float>(x);
  a = a > 4.f ? splat(4.f) : a;
  const Vec<float> z = a * a;
  const Vec<float> small = a + a * horner(z, 0.128379166f, -0.3761262667f, 0.1128359472f, -0.02685421201f, 0.005189087423f,
                                      -0.0008016864287f, 7.875875063e-5f);
  const Vec<float> l = horner(a, 0.0003201380497f, -1.130233435f, -0.6318260516f, -0.1100800829f, 0.02642113601f,
                              -0.004759596293f, 0.0005968056257f, -4.605804269e-5f, 1.637151415e-6f);
  const auto e = expReduce<float>(l);
  const Vec<float> large = 1.f - (e.p + 1.f) * exponential2<float>(e.n);
  return vCopySign<float>(a < 1.f ? small : large, x);
}

// ---- power ----

template <class T> __attribute__((noinline)) Vec<T> powLanes(Vec<T> x, Vec<T> y) {
  T base[kLanes<T>], exponent[kLanes<T>];
  store(base, x);
  store(exponent, y);
  for (int i = 0; i < kLanes<T>; i++) base[i] = T(std::pow(double(base[i]), double(exponent[i])));
  return load(base);
}
FLAMBEAU_INLINE Vec<float> vPow(Vec<float> x, Vec<float> y) {
  const Vec<float> a = vAbs<float>(x);
  // Zero, infinity and NaN follow C's table of special cases, lane by lane.
  const auto special = ~((a > 0.f) & (a < kInfinity<float>) & (vAbs<float>(y) < kInfinity<float>));
  if (__builtin_expect(anyLane(special), 0)) return powLanes<float>(x, y);
  const Vec<float> r = viaDouble(a, y, [](Vec<double> b, Vec<double> e) { return vExp<double>(vLog<double>(b) * e); });
  const Vec<float> half = y * 0.5f;
  const auto integer = vRound<float>(y) == y, odd = integer & (vRound<float>(half) != half);
  const Vec<float> negative = integer ? (odd ? -r : r) : splat(kNaN<float>);
  return x < 0.f ? negative : r;
}
FLAMBEAU_INLINE Vec<double> vPow(Vec<double> x, Vec<double> y) { return powLanes<double>(x, y); }

// ---- scalar special functions ----

inline double digamma(double x) {
  if (x == 0) return std::copysign(kInfinity<double>, -x);
  double result = 0;
  if (x < 0) {
    if (std::floor(x) == x) return kNaN<double>;
    // Reflection. The argument of tan is reduced first, exactly.
    result = -3.14159265358979323846 / std::tan(3.14159265358979323846 * (x - std::trunc(x)));
    x = 1 - x;
  }
  for (; x < 10; x += 1) result -= 1 / x;
  const double z = 1 / (x * x);
  const double tail = z * (1. / 12 - z * (1. / 120 - z * (1. / 252 - z * (1. / 240 - z * (1. / 132 - z * (691. / 32760 - z / 12))))));
  return result + std::log(x) - 0.5 / x - (x < 1e17 ? tail : 0);
}

template <class T> inline T libraryErf(T x) { return std::erf(x); }
#if !defined(__GLIBC__)
// musl rounds once more than the C library that PyTorch is built on between 27/32 and 5/4: there the rational approximation
// of fdlibm (Sun Microsystems 1993, freely usable), whose coefficients both share, is evaluated as that one does.
template <> inline float libraryErf(float x) {
#pragma STDC FP_CONTRACT OFF
  const float size = std::fabs(x), s = size - 1.f;
  if (!(size >= 0.84375f && size < 1.25f)) return std::erf(x);
  const float p[] = {-2.1663755178e-03f, 3.5478305072e-02f, -1.1089469492e-01f, 3.1834661961e-01f,
                     -3.7220788002e-01f, 4.1485610604e-01f, -2.3621185683e-03f};
  const float q[] = {1.1984500103e-02f, 1.3637083583e-02f, 1.2617121637e-01f, 7.1828655899e-02f,
                     5.4039794207e-01f, 1.0642088205e-01f, 1.f};
  float over = p[0], under = q[0];
  for (int i = 1; i < 7; i++) over = p[i] + s * over, under = q[i] + s * under;
  return std::copysign(8.4506291151e-01f + over / under, x);
}
#endif

// PyTorch's way, operation by operation, so that initialisers which draw through it give PyTorch's numbers: a rational
// approximation, then Newton's method twice.
template <class T> T erfinv(T y) {
  constexpr T a[] = {T(0.886226899), T(-1.645349621), T(0.914624893), T(-0.140543331)};
  constexpr T b[] = {T(-2.118377725), T(1.442710462), T(-0.329097515), T(0.012229801)};
  constexpr T c[] = {T(-1.970840454), T(-1.624906493), T(3.429567803), T(1.641345311)};
  constexpr T d[] = {T(3.543889200), T(1.637067800)};
  const T size = std::fabs(y);
  if (!(size < 1)) return size == 1 ? std::copysign(kInfinity<T>, y) : kNaN<T>;
  T x;
  if (size <= T(0.7)) {
    const T z = y * y;
    const T over = std::fma(std::fma(std::fma(a[3], z, a[2]), z, a[1]), z, a[0]);
    x = y * over / std::fma(std::fma(std::fma(std::fma(b[3], z, b[2]), z, b[1]), z, b[0]), z, T(1));
  } else {
    const T z = std::sqrt(-std::log((T(1) - size) / T(2)));
    const T over = std::fma(std::fma(std::fma(c[3], z, c[2]), z, c[1]), z, c[0]);
    x = std::copysign(over, y) / std::fma(std::fma(d[1], z, d[0]), z, T(1));
  }
  for (int i = 0; i < 2; i++) x = x - (libraryErf(x) - y) / (T(1.12837916709551257390) * std::exp(-x * x));
  return x;
}

inline double logGamma(double x) {
#if defined(__GLIBC__)
  int sign;
  return lgamma_r(x, &sign);  // lgamma would write the process-wide signgam
#else
  return std::lgamma(x);
#endif
}

}  // namespace flambeau
