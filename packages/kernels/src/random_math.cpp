// Products that feed a sum are written as explicit fma, or kept apart by a call, so that no compiler's contraction can
// change a bit.
#include "random_math.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "vec.hpp"

#if defined(__FMA__)
#include <immintrin.h>
#endif

namespace flambeau {
namespace {

inline uint64_t bitsOf(double x) { uint64_t b; std::memcpy(&b, &x, 8); return b; }
inline double fromBits(uint64_t b) { double x; std::memcpy(&x, &b, 8); return x; }
inline double fma(double a, double b, double c) { return fused(a, b, c); }
inline uint32_t highWord(double x) { return uint32_t(bitsOf(x) >> 32) & 0x7fffffffu; }

constexpr double kLn2Hi = 0x1.62e42fefa3800p-1, kLn2Lo = 0x1.ef35793c76730p-45;

// log(z) = logc - log1p(z * invc - 1): pairs of invc, about 1/c, and logc, where c is near the middle of each of 128
// intervals, chosen so that logc has next to no rounding error. The same bits as PyTorch's streams need the same constants:
// they are those of Arm's Optimized Routines (Copyright Arm Limited, MIT or Apache-2.0 WITH LLVM-exception), which glibc uses.
constexpr double kLogTable[256] = {
    0x1.734f0c3e0de9fp+0, -0x1.7cc7f79e69000p-2, 0x1.713786a2ce91fp+0, -0x1.76feec20d0000p-2,
    0x1.6f26008fab5a0p+0, -0x1.713e31351e000p-2, 0x1.6d1a61f138c7dp+0, -0x1.6b85b38287800p-2,
    0x1.6b1490bc5b4d1p+0, -0x1.65d5590807800p-2, 0x1.69147332f0cbap+0, -0x1.602d076180000p-2,
    0x1.6719f18224223p+0, -0x1.5a8ca86909000p-2, 0x1.6524f99a51ed9p+0, -0x1.54f4356035000p-2,
    0x1.63356aa8f24c4p+0, -0x1.4f637c36b4000p-2, 0x1.614b36b9ddc14p+0, -0x1.49da7fda85000p-2,
    0x1.5f66452c65c4cp+0, -0x1.445923989a800p-2, 0x1.5d867b5912c4fp+0, -0x1.3edf439b0b800p-2,
    0x1.5babccb5b90dep+0, -0x1.396ce448f7000p-2, 0x1.59d61f2d91a78p+0, -0x1.3401e17bda000p-2,
    0x1.5805612465687p+0, -0x1.2e9e2ef468000p-2, 0x1.56397cee76bd3p+0, -0x1.2941b3830e000p-2,
    0x1.54725e2a77f93p+0, -0x1.23ec58cda8800p-2, 0x1.52aff42064583p+0, -0x1.1e9e129279000p-2,
    0x1.50f22dbb2bddfp+0, -0x1.1956d2b48f800p-2, 0x1.4f38f4734ded7p+0, -0x1.141679ab9f800p-2,
    0x1.4d843cfde2840p+0, -0x1.0edd094ef9800p-2, 0x1.4bd3ec078a3c8p+0, -0x1.09aa518db1000p-2,
    0x1.4a27fc3e0258ap+0, -0x1.047e65263b800p-2, 0x1.4880524d48434p+0, -0x1.feb224586f000p-3,
    0x1.46dce1b192d0bp+0, -0x1.f474a7517b000p-3, 0x1.453d9d3391854p+0, -0x1.ea4443d103000p-3,
    0x1.43a2744b4845ap+0, -0x1.e020d44e9b000p-3, 0x1.420b54115f8fbp+0, -0x1.d60a22977f000p-3,
    0x1.40782da3ef4b1p+0, -0x1.cc00104959000p-3, 0x1.3ee8f5d57fe8fp+0, -0x1.c202956891000p-3,
    0x1.3d5d9a00b4ce9p+0, -0x1.b81178d811000p-3, 0x1.3bd60c010c12bp+0, -0x1.ae2c9ccd3d000p-3,
    0x1.3a5242b75dab8p+0, -0x1.a45402e129000p-3, 0x1.38d22cd9fd002p+0, -0x1.9a877681df000p-3,
    0x1.3755bc5847a1cp+0, -0x1.90c6d69483000p-3, 0x1.35dce49ad36e2p+0, -0x1.87120a645c000p-3,
    0x1.34679984dd440p+0, -0x1.7d68fb4143000p-3, 0x1.32f5cceffcb24p+0, -0x1.73cb83c627000p-3,
    0x1.3187775a10d49p+0, -0x1.6a39a9b376000p-3, 0x1.301c8373e3990p+0, -0x1.60b3154b7a000p-3,
    0x1.2eb4ebb95f841p+0, -0x1.5737d76243000p-3, 0x1.2d50a0219a9d1p+0, -0x1.4dc7b8fc23000p-3,
    0x1.2bef9a8b7fd2ap+0, -0x1.4462c51d20000p-3, 0x1.2a91c7a0c1babp+0, -0x1.3b08abc830000p-3,
    0x1.293726014b530p+0, -0x1.31b996b490000p-3, 0x1.27dfa5757a1f5p+0, -0x1.2875490a44000p-3,
    0x1.268b39b1d3bbfp+0, -0x1.1f3b9f879a000p-3, 0x1.2539d838ff5bdp+0, -0x1.160c8252ca000p-3,
    0x1.23eb7aac9083bp+0, -0x1.0ce7f57f72000p-3, 0x1.22a012ba940b6p+0, -0x1.03cdc49fea000p-3,
    0x1.2157996cc4132p+0, -0x1.f57bdbc4b8000p-4, 0x1.201201dd2fc9bp+0, -0x1.e370896404000p-4,
    0x1.1ecf4494d480bp+0, -0x1.d17983ef94000p-4, 0x1.1d8f5528f6569p+0, -0x1.bf9674ed8a000p-4,
    0x1.1c52311577e7cp+0, -0x1.adc79202f6000p-4, 0x1.1b17c74cb26e9p+0, -0x1.9c0c3e7288000p-4,
    0x1.19e010c2c1ab6p+0, -0x1.8a646b372c000p-4, 0x1.18ab07bb670bdp+0, -0x1.78d01b3ac0000p-4,
    0x1.1778a25efbcb6p+0, -0x1.674f145380000p-4, 0x1.1648d354c31dap+0, -0x1.55e0e6d878000p-4,
    0x1.151b990275fddp+0, -0x1.4485cdea1e000p-4, 0x1.13f0ea432d24cp+0, -0x1.333d94d6aa000p-4,
    0x1.12c8b7210f9dap+0, -0x1.22079f8c56000p-4, 0x1.11a3028ecb531p+0, -0x1.10e4698622000p-4,
    0x1.107fbda8434afp+0, -0x1.ffa6c6ad20000p-5, 0x1.0f5ee0f4e6bb3p+0, -0x1.dda8d4a774000p-5,
    0x1.0e4065d2a9fcep+0, -0x1.bbcece4850000p-5, 0x1.0d244632ca521p+0, -0x1.9a1894012c000p-5,
    0x1.0c0a77ce2981ap+0, -0x1.788583302c000p-5, 0x1.0af2f83c636d1p+0, -0x1.5715e67d68000p-5,
    0x1.09ddb98a01339p+0, -0x1.35c8a49658000p-5, 0x1.08cabaf52e7dfp+0, -0x1.149e364154000p-5,
    0x1.07b9f2f4e28fbp+0, -0x1.e72c082eb8000p-6, 0x1.06ab58c358f19p+0, -0x1.a55f152528000p-6,
    0x1.059eea5ecf92cp+0, -0x1.63d62cf818000p-6, 0x1.04949cdd12c90p+0, -0x1.228fb8caa0000p-6,
    0x1.038c6c6f0ada9p+0, -0x1.c317b20f90000p-7, 0x1.02865137932a9p+0, -0x1.419355daa0000p-7,
    0x1.0182427ea7348p+0, -0x1.81203c2ec0000p-8, 0x1.008040614b195p+0, -0x1.0040979240000p-9,
    0x1.fe01ff726fa1ap-1, 0x1.feff384900000p-9, 0x1.fa11cc261ea74p-1, 0x1.7dc41353d0000p-7,
    0x1.f6310b081992ep-1, 0x1.3cea3c4c28000p-6, 0x1.f25f63ceeadcdp-1, 0x1.b9fc114890000p-6,
    0x1.ee9c8039113e7p-1, 0x1.1b0d8ce110000p-5, 0x1.eae8078cbb1abp-1, 0x1.58a5bd001c000p-5,
    0x1.e741aa29d0c9bp-1, 0x1.95c8340d88000p-5, 0x1.e3a91830a99b5p-1, 0x1.d276aef578000p-5,
    0x1.e01e009609a56p-1, 0x1.07598e598c000p-4, 0x1.dca01e577bb98p-1, 0x1.253f5e30d2000p-4,
    0x1.d92f20b7c9103p-1, 0x1.42edd8b380000p-4, 0x1.d5cac66fb5ccep-1, 0x1.606598757c000p-4,
    0x1.d272caa5ede9dp-1, 0x1.7da76356a0000p-4, 0x1.cf26e3e6b2ccdp-1, 0x1.9ab434e1c6000p-4,
    0x1.cbe6da2a77902p-1, 0x1.b78c7bb0d6000p-4, 0x1.c8b266d37086dp-1, 0x1.d431332e72000p-4,
    0x1.c5894bd5d5804p-1, 0x1.f0a3171de6000p-4, 0x1.c26b533bb9f8cp-1, 0x1.067152b914000p-3,
    0x1.bf583eeece73fp-1, 0x1.147858292b000p-3, 0x1.bc4fd75db96c1p-1, 0x1.2266ecdca3000p-3,
    0x1.b951e0c864a28p-1, 0x1.303d7a6c55000p-3, 0x1.b65e2c5ef3e2cp-1, 0x1.3dfc33c331000p-3,
    0x1.b374867c9888bp-1, 0x1.4ba366b7a8000p-3, 0x1.b094b211d304ap-1, 0x1.5933928d1f000p-3,
    0x1.adbe885f2ef7ep-1, 0x1.66acd2418f000p-3, 0x1.aaf1d31603da2p-1, 0x1.740f8ec669000p-3,
    0x1.a82e63fd358a7p-1, 0x1.815c0f51af000p-3, 0x1.a5740ef09738bp-1, 0x1.8e92954f68000p-3,
    0x1.a2c2a90ab4b27p-1, 0x1.9bb3602f84000p-3, 0x1.a01a01393f2d1p-1, 0x1.a8bed1c2c0000p-3,
    0x1.9d79f24db3c1bp-1, 0x1.b5b515c01d000p-3, 0x1.9ae2505c7b190p-1, 0x1.c2967ccbcc000p-3,
    0x1.9852ef297ce2fp-1, 0x1.cf635d5486000p-3, 0x1.95cbaeea44b75p-1, 0x1.dc1bd3446c000p-3,
    0x1.934c69de74838p-1, 0x1.e8c01b8cfe000p-3, 0x1.90d4f2f6752e6p-1, 0x1.f5509c0179000p-3,
    0x1.8e6528effd79dp-1, 0x1.00e6c121fb800p-2, 0x1.8bfce9fcc007cp-1, 0x1.071b80e93d000p-2,
    0x1.899c0dabec30ep-1, 0x1.0d46b9e867000p-2, 0x1.87427aa2317fbp-1, 0x1.13687334bd000p-2,
    0x1.84f00acb39a08p-1, 0x1.1980d67234800p-2, 0x1.82a49e8653e55p-1, 0x1.1f8ffe0cc8000p-2,
    0x1.8060195f40260p-1, 0x1.2595fd7636800p-2, 0x1.7e22563e0a329p-1, 0x1.2b9300914a800p-2,
    0x1.7beb377dcb5adp-1, 0x1.3187210436000p-2, 0x1.79baa679725c2p-1, 0x1.377266dec1800p-2,
    0x1.77907f2170657p-1, 0x1.3d54ffbaf3000p-2, 0x1.756cadbd6130cp-1, 0x1.432eee32fe000p-2,
};

// sin(k/128) and cos(k/128), each as a sum of two doubles, for k up to 110 (0.86 > pi/4).
struct SinCosTable {
  static constexpr int kEntries = 111;
  double sin[kEntries], sinLow[kEntries], cos[kEntries], cosLow[kEntries];

  // A fixed-point fraction of 112 bits: rounded to double, and what that leaves.
  static void split(unsigned __int128 v, double* head, double* tail) {
    const double h = toDouble(v);
    const __int128 left = __int128(v) - fixed(h);
    *head = h;
    *tail = left < 0 ? -toDouble(static_cast<unsigned __int128>(-left)) : toDouble(static_cast<unsigned __int128>(left));
  }
  static __int128 fixed(double h) {
    if (h == 0) return 0;
    const uint64_t b = bitsOf(h);
    const int shift = int(b >> 52) - 1075 + 112;
    const __int128 mantissa = __int128((b & 0xfffffffffffffull) | 0x10000000000000ull);
    return shift >= 0 ? mantissa << shift : mantissa >> -shift;
  }
  static double toDouble(unsigned __int128 v) {
    int bits = 0;
    for (unsigned __int128 t = v; t; t >>= 1) bits++;
    if (bits <= 53) return std::ldexp(double(uint64_t(v)), -112);
    const int drop = bits - 53;
    const unsigned __int128 rest = v & ((static_cast<unsigned __int128>(1) << drop) - 1);
    const unsigned __int128 half = static_cast<unsigned __int128>(1) << (drop - 1);
    uint64_t m = uint64_t(v >> drop);
    if (rest > half || (rest == half && (m & 1))) m++;
    return std::ldexp(double(m), drop - 112);
  }

  // Taylor's series in integers: k*k <= 12100 leaves room in 128 bits, and truncation ends it below 2^-105.
  SinCosTable() {
    for (int k = 0; k < kEntries; k++) {
      const unsigned __int128 one = static_cast<unsigned __int128>(1) << 112;
      unsigned __int128 term = one, c = one;
      for (unsigned n = 1; term; n += 2) {
        term = term * unsigned(k * k) / (16384u * n * (n + 1));
        c = n % 4 == 1 ? c - term : c + term;
      }
      unsigned __int128 s = term = (one >> 7) * unsigned(k);
      for (unsigned n = 2; term; n += 2) {
        term = term * unsigned(k * k) / (16384u * n * (n + 1));
        s = n % 4 == 2 ? s - term : s + term;
      }
      split(s, &sin[k], &sinLow[k]);
      split(c, &cos[k], &cosLow[k]);
    }
  }
};
const SinCosTable& table() {
  static const SinCosTable t;
  return t;
}

constexpr double kSin3 = -0x1.5555555555515p-3, kSin5 = 0x1.11110e829872fp-7;
constexpr double kCos4 = -0x1.5555555555535p-5, kCos6 = 0x1.6c16bedd9e239p-10;
constexpr double kRound128 = 0x1.8p45;  // adding it rounds to a multiple of 1/128

// cos(x + dx) and sin(x + dx) for |x| < 0.86, from the nearest k/128.
double cosNear(double x, double dx) {
  if (x < 0) dx = -dx;
  const double ax = std::fabs(x), u = kRound128 + ax;
  const int k = int(uint32_t(bitsOf(u)));
  const double t = (ax - (u - kRound128)) + dx, tt = t * t;
  const double s = fma(t * tt, fma(tt, kSin5, kSin3), t);
  const double c = tt * fma(fma(tt, kCos6, kCos4), tt, 0.5);
  const SinCosTable& e = table();
  double fix = fma(-s, e.sinLow[k], e.cosLow[k]);
  fix = fma(-c, e.cos[k], fix);
  fix = fma(-s, e.sin[k], fix);
  return e.cos[k] + fix;
}

double sinNear(double x, double dx) {
  const double ax = std::fabs(x);
  if (ax < 0x1.020c49ba5e354p-3) {
    const double xx = x * x;
    double t = fma(-0x1.addffc2fcdf59p-26, xx, 0x1.71de27b9a7ed9p-19);
    t = fma(t, xx, -0x1.a01a019db08b8p-13);
    t = fma(t, xx, 0x1.1111111110ecep-7);
    t = fma(t, xx, -0x1.5555555555555p-3);
    t = fma(t, x, -(dx * 0.5));
    return x + fma(xx, t, dx);
  }
  if (x <= 0) dx = -dx;
  const double u = kRound128 + ax;
  const int k = int(uint32_t(bitsOf(u)));
  const double t = ax - (u - kRound128), tt = t * t;
  const double s = fma(t * tt, fma(tt, kSin5, kSin3), dx) + t;
  const double c = fma(dx, t, tt * fma(fma(tt, kCos6, kCos4), tt, 0.5));
  const SinCosTable& e = table();
  double fix = fma(e.cosLow[k], s, e.sinLow[k]);
  fix = fma(-c, e.sin[k], fix);
  fix = fma(s, e.cos[k], fix);
  return std::copysign(fix + e.sin[k], x);
}

typedef float F8 __attribute__((vector_size(32)));
typedef int32_t I8 __attribute__((vector_size(32)));
FLAMBEAU_INLINE F8 all(float x) { return x - F8{}; }
FLAMBEAU_INLINE F8 asFloat(I8 x) { return reinterpret_cast<F8>(x); }
FLAMBEAU_INLINE I8 asInt(F8 x) { return reinterpret_cast<I8>(x); }
FLAMBEAU_INLINE F8 choose(I8 mask, F8 a, F8 b) { return asFloat((asInt(a) & mask) | (asInt(b) & ~mask)); }

// Without hardware fma: the product is exact in double, and the sum is rounded to odd there, so that the last rounding,
// to float, is the only one.
FLAMBEAU_INLINE F8 fma(F8 a, F8 b, F8 c) {
#if defined(__FMA__)
  return reinterpret_cast<F8>(_mm256_fmadd_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b), reinterpret_cast<__m256>(c)));
#elif defined(__ARM_FEATURE_FMA)
  F8 out;
  for (int i = 0; i < 8; i++) out[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return out;
#else
  typedef double D8 __attribute__((vector_size(64)));
  typedef int64_t L8 __attribute__((vector_size(64)));
  const D8 z = __builtin_convertvector(c, D8);
  const D8 p = __builtin_convertvector(a, D8) * __builtin_convertvector(b, D8);
  const D8 sum = p + z, pPart = sum - z, zPart = sum - pPart;
  const D8 error = (p - pPart) + (z - zPart);
  const L8 inexact = reinterpret_cast<L8>(error != 0.0), bits = reinterpret_cast<L8>(sum);
  const L8 away = (bits ^ reinterpret_cast<L8>(error)) < 0;  // -1 where the sum was rounded away from zero
  const L8 odd = bits + ((away | 1) & inexact & ~(-(bits & 1)));
  return __builtin_convertvector(reinterpret_cast<D8>(odd), F8);
#endif
}

// Cephes' logf for 0 < x <= 1.
FLAMBEAU_INLINE F8 log8(F8 x) {
  x = choose(x < 0x1p-126f, all(0x1p-126f), x);
  F8 e = __builtin_convertvector((asInt(x) >> 23) - 0x7f, F8) + 1.0f;
  x = asFloat((asInt(x) & ~0x7f800000) | 0x3f000000);
  const I8 small = x < 0.707106781186547524f;
  e = e - asFloat(asInt(all(1.0f)) & small);
  x = (x - 1.0f) + asFloat(asInt(x) & small);
  const F8 z = x * x;
  F8 y = fma(all(7.0376836292e-2f), x, all(-1.1514610310e-1f));
  y = fma(y, x, all(1.1676998740e-1f));
  y = fma(y, x, all(-1.2420140846e-1f));
  y = fma(y, x, all(1.4249322787e-1f));
  y = fma(y, x, all(-1.6668057665e-1f));
  y = fma(y, x, all(2.0000714765e-1f));
  y = fma(y, x, all(-2.4999993993e-1f));
  y = fma(y, x, all(3.3333331174e-1f));
  y = fma(x * y, z, e * -2.12194440e-4f);
  y = fma(z, all(-0.5f), y);
  return fma(e, all(0.693359375f), x + y);
}

// Cephes' sinf and cosf for 0 <= x < 8192; adding zero at the end turns -0 into +0, as selecting by masks and adds does.
FLAMBEAU_INLINE void sinCos8(F8 x, F8* sin, F8* cos) {
  const I8 j = (__builtin_convertvector(x * 1.27323954473516f, I8) + 1) & ~1;
  const F8 y = __builtin_convertvector(j, F8);
  x = fma(y, all(-0.78515625f), x);
  x = fma(y, all(-2.4187564849853515625e-4f), x);
  x = fma(y, all(-3.77489497744594108e-8f), x);
  const F8 z = x * x;
  F8 c = fma(all(2.443315711809948e-5f), z, all(-1.388731625493765e-3f));
  c = fma(c, z, all(4.166664568298827e-2f));
  c = fma(z * c, z, -(z * 0.5f)) + 1.0f;
  F8 s = fma(z, all(-1.9515295891e-4f), all(8.3321608736e-3f));
  s = fma(s, z, all(-1.6666654611e-1f));
  s = fma(z * s, x, x);
  const I8 first = (j & 2) == 0;
  *sin = asFloat(asInt(choose(first, s, c) + 0.0f) ^ ((j & 4) << 29));
  *cos = asFloat(asInt(choose(first, c, s) + 0.0f) ^ ((~(j - 2) & 4) << 29));
}

}  // namespace

double streamLog(double x) {
  const uint64_t ix = bitsOf(x);
  if (ix - 0x3fee000000000000ull <= 0x308ffffffffffull) {
    if (x == 1) return 0;
    const double r = x - 1, r2 = r * r, r3 = r * r2;
    double t2 = fma(-0x1.ffffffffffdcbp-3, r, 0x1.5555555555577p-2);
    t2 = fma(r2, 0x1.999999995dd0cp-3, t2);
    double t3 = fma(0x1.24924a344de30p-3, r, -0x1.55555556745a7p-3);
    t3 = fma(r2, -0x1.fffffa4423d65p-4, t3);
    double y = fma(r2, 0x1.78182f7afd085p-4, fma(-0x1.999eb43b068ffp-4, r, 0x1.c7184282ad6cap-4));
    y = fma(r3, -0x1.5521375d145cdp-4, y);
    y = fma(fma(y, r3, t3), r3, t2);
    const double high = fma(-0x1p27, r, fma(r, 0x1p27, r)), low = r - high, square = high * high;
    const double sum = fma(square, -0.5, r);
    const double rest = fma(-0.5 * low, r + high, fma(square, -0.5, r - sum));
    return sum + fma(y, r3, rest);
  }
  if (x == 0) return -__builtin_inf();
  const uint64_t t = ix - 0x3fe6000000000000ull;
  const int i = int(t >> 45) & 127;
  const double k = double(int64_t(t) >> 52), z = fromBits(ix - (t & 0xfff0000000000000ull));
  const double w = fma(k, kLn2Hi, kLogTable[2 * i + 1]);
  const double r = fma(z, kLogTable[2 * i], -1.0), r2 = r * r;
  const double high = w + r, low = fma(k, kLn2Lo, (w - high) + r);
  const double p = fma(fma(r, -0x1.55575e506c89fp-3, 0x1.999b324f10111p-3), r2, fma(-0x1.fffffffeb4590p-3, r, 0x1.555555551305bp-2));
  return fma(r * r2, p, fma(r2, -0x1.0000000000001p-1, low)) + high;
}

void streamSinCos(double x, double* sin, double* cos) {
  constexpr double kHalfPi = 0x1.921fb54442d18p+0, kHalfPiLow = 0x1.1a62633145c07p-54;
  const uint32_t k = highWord(x);
  if (k < 0x3e400000u) {
    *sin = x;
    *cos = 1;
  } else if (k < 0x3feb6000u) {
    *sin = sinNear(x, 0);
    *cos = cosNear(x, 0);
  } else if (k < 0x400368fdu) {
    const double y = kHalfPi - std::fabs(x), a = y + kHalfPiLow, da = (y - a) + kHalfPiLow;
    *sin = std::copysign(cosNear(a, da), x);
    *cos = sinNear(a, da);
  } else {
    const double t = fma(x, 0x1.45f306dc9c883p-1, 0x1.8p52), n = t - 0x1.8p52;
    const int quadrant = int(bitsOf(t)) & 3;
    const double y = fma(-n, -0x1.dde973c000000p-27, fma(-n, 0x1.921fb58000000p+0, x));
    const double y3 = fma(-n, -0x1.cb3b398000000p-55, y), d3 = fma(-n, -0x1.cb3b398000000p-55, y - y3);
    double a = fma(-n, -0x1.d747f23e32ed7p-83, y3);
    double da = d3 + fma(-n, -0x1.d747f23e32ed7p-83, y3 - a);
    if (quadrant == 1 || quadrant == 2) a = -a, da = -da;
    const double s = sinNear(a, da), c = quadrant & 2 ? -cosNear(a, da) : cosNear(a, da);
    *sin = quadrant & 1 ? c : s;
    *cos = quadrant & 1 ? s : c;
  }
}

double streamTan(double x) {
  double s, c;
  streamSinCos(x, &s, &c);
  return s / c;
}

double streamExp(double x) {
  if (!(x < 709.79)) return x != x ? x : __builtin_inf();
  if (x < -745.2) return 0;
  const double t = fma(x, 0x1.71547652b82fep+0, 0x1.8p52), k = t - 0x1.8p52;
  const double high = fma(-k, kLn2Hi, x), r = fma(-k, kLn2Lo, high), low = fma(-k, kLn2Lo, high - r);
  double p = 1.0 / 6227020800.0;
  const double inverse[] = {1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5};
  for (const double c : inverse) p = fma(p, r, c);
  const double rr = r * r;
  return std::ldexp(1.0 + (r + fma(p, rr, low)), int(k));
}

double streamLogFactorial(double n) {
  if (n < 10) {
    double product = 1;
    for (double i = 2; i <= n; i++) product *= i;
    return streamLog(product);
  }
  // Stirling's series at n + 1.
  const double x = n + 1, r = 1 / x, rr = r * r;
  double p = fma(rr, 1.0 / 1188, -1.0 / 1680);
  p = fma(p, rr, 1.0 / 1260);
  p = fma(p, rr, -1.0 / 360);
  p = fma(p, rr, 1.0 / 12);
  return fma(x - 0.5, streamLog(x), -x) + fma(p, r, 0x1.d67f1c864beb5p-1);
}

void boxMuller16(float* data, float mean, float std) {
  F8 u1, u2, s, c;
  std::memcpy(&u1, data, 32);
  std::memcpy(&u2, data + 8, 32);
  const F8 square = log8(1.0f - u1) * -2.0f;
  F8 radius;
  for (int i = 0; i < 8; i++) radius[i] = __builtin_sqrtf(square[i]);
  sinCos8(u2 * 6.283185307179586f, &s, &c);
  const F8 first = fma(radius * c, all(std), all(mean)), second = fma(radius * s, all(std), all(mean));
  std::memcpy(data, &first, 32);
  std::memcpy(data + 8, &second, 32);
}

}  // namespace flambeau
