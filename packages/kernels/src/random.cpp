// The random kernels: PyTorch's CPU streams bit for bit. Each element takes its words in the order of memory, so a
// transposed output is filled as its transpose would be.
#include "random.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "kernel.hpp"
#include "random_math.hpp"

namespace flambeau {
namespace {

enum Kind : int { kUniform, kNormal, kBernoulli, kExponential, kCauchy, kLogNormal, kGeometric, kFullRange };
constexpr double kTwoPi = 6.283185307179586, kPi = 3.141592653589793;

// The order of dimensions in which PyTorch walks: by decreasing stride, where a stride of 0 keeps its place.
struct Order {
  int ndim = 0;
  int64_t sizes[kMaxDims], a[kMaxDims], b[kMaxDims];

  // Strides of `second` follow where the first has none; dimensions that lie end to end become one.
  Order(const TensorArg& first, const TensorArg* second) {
    int perm[kMaxDims], n = 0;
    for (int d = first.ndim - 1; d >= 0; d--)
      if (first.sizes[d] != 1) perm[n++] = d;
    const auto after = [&](int p, int q) {
      for (const TensorArg* t : {&first, second}) {
        if (!t || t->strides[p] == 0 || t->strides[q] == 0) continue;
        if (t->strides[p] != t->strides[q]) return t->strides[p] < t->strides[q] ? -1 : 1;
        if (t->sizes[p] > t->sizes[q]) return 1;
      }
      return 0;
    };
    for (int i = 1; i < n; i++)
      for (int at = i, j = i - 1; j >= 0; j--) {
        const int sign = after(perm[j], perm[at]);
        if (sign < 0) break;
        if (sign > 0) {
          std::swap(perm[j], perm[at]);
          at = j;
        }
      }
    for (int i = 0; i < n; i++) {
      const int d = perm[i];
      const int64_t sa = first.strides[d], sb = second ? second->strides[d] : 0;
      if (ndim > 0 && sa == a[ndim - 1] * sizes[ndim - 1] && sb == b[ndim - 1] * sizes[ndim - 1]) {
        sizes[ndim - 1] *= first.sizes[d];
        continue;
      }
      sizes[ndim] = first.sizes[d];
      a[ndim] = sa;
      b[ndim++] = sb;
    }
    if (ndim == 0) sizes[0] = 1, a[0] = b[0] = 0, ndim = 1;
  }

  // f(offset in a, offset in b) at the start of every row of the innermost dimension.
  template <class F> void rows(F&& f) const {
    for (int d = 0; d < ndim; d++)
      if (sizes[d] == 0) return;
    int64_t at[kMaxDims] = {}, oa = 0, ob = 0;
    while (true) {
      f(oa, ob);
      int d = 1;
      for (; d < ndim; d++) {
        oa += a[d];
        ob += b[d];
        if (++at[d] < sizes[d]) break;
        oa -= a[d] * sizes[d];
        ob -= b[d] * sizes[d];
        at[d] = 0;
      }
      if (d >= ndim) return;
    }
  }
};

// out = f(words) for every element, which takes `Words` words.
template <class T, int Words, class F> void fillWords(Generator& g, const TensorArg& out, F&& f) {
  const Order order(out, nullptr);
  order.rows([&](int64_t offset, int64_t) {
    T* p = out.as<T>() + offset;
    const int64_t stride = order.a[0];
    constexpr int kBlock = 256;
    uint32_t words[kBlock * Words];
    for (int64_t i = 0; i < order.sizes[0]; i += kBlock) {
      const int n = int(std::min<int64_t>(kBlock, order.sizes[0] - i));
      g.take(words, n * Words);
      T* q = p + i * stride;
      if (stride == 1)
        for (int j = 0; j < n; j++) q[j] = f(words + j * Words);
      else
        for (int j = 0; j < n; j++) q[j * stride] = f(words + j * Words);
    }
  });
}

inline uint64_t both(const uint32_t* w) { return uint64_t(w[0]) << 32 | w[1]; }
inline double unit(const uint32_t* w) { return double(int64_t(both(w) & 0x1fffffffffffffull)) * 0x1p-53; }

inline float fusedFloat(float a, float b, float c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return __builtin_fmaf(a, b, c);
#else
  // Rounded to odd in double, so that rounding to float is the only rounding.
  const double p = double(a) * b, sum = p + c, part = sum - c, error = (p - part) + (c - (sum - part));
  int64_t bits, e;
  std::memcpy(&bits, &sum, 8);
  std::memcpy(&e, &error, 8);
  if (error != 0 && !(bits & 1)) bits += (bits ^ e) < 0 ? -1 : 1;
  double odd;
  std::memcpy(&odd, &bits, 8);
  return float(odd);
#endif
}

template <class T> constexpr int kDigits = 24;
template <> constexpr int kDigits<Half> = 11;
template <> constexpr int kDigits<BFloat16> = 8;

template <class T> void uniform(Generator& g, const TensorArg& out, double from, double to) {
  if constexpr (std::is_same<T, double>::value) {
    const double range = to - from;
    fillWords<T, 2>(g, out, [=](const uint32_t* w) { return __builtin_fma(unit(w), range, from); });
  } else {
    // Bounds and their difference are rounded to T.
    const float low = float(T(float(from))), range = float(T(float(T(float(to))) - low));
    constexpr uint32_t mask = (1u << kDigits<T>) - 1;
    constexpr float scale = 1.0f / float(1u << kDigits<T>);
    if (low == 0 && range == 1)
      fillWords<T, 1>(g, out, [=](const uint32_t* w) { return T(float(int32_t(*w & mask)) * scale); });
    else
      fillWords<T, 1>(g, out, [=](const uint32_t* w) { return T(fusedFloat(float(int32_t(*w & mask)) * scale, range, low)); });
  }
}

// Box and Muller's pair; the second of it waits in the state.
double normal(Generator& g, double mean, double std) {
  double value;
  if (!g.takeNextNormal(&value)) {
    const double u1 = g.uniform(), u2 = g.uniform();
    const double radius = std::sqrt(-2.0 * streamLog(1.0 - u2));
    double s, c;
    streamSinCos(kTwoPi * u1, &s, &c);
    g.keepNextNormal(radius * s);
    value = radius * c;
  }
  return __builtin_fma(value, std, mean);
}

// Sixteen uniforms to normals in T's own arithmetic; each operation of a 16-bit type rounds to it.
void boxMuller(float* p, float mean, float std) { boxMuller16(p, mean, std); }
void boxMuller(double* p, double mean, double std) {
  for (int j = 0; j < 8; j++) {
    const double radius = std::sqrt(-2 * streamLog(1 - p[j]));
    double s, c;
    streamSinCos(kTwoPi * p[j + 8], &s, &c);
    p[j] = __builtin_fma(radius * c, std, mean);
    p[j + 8] = __builtin_fma(radius * s, std, mean);
  }
}
void boxMuller(Half* p, Half mean, Half std) {
  for (int j = 0; j < 8; j++) {
    const float u1 = float(Half(1 - float(p[j])));
    const float radius = float(Half(std::sqrt(-2 * float(streamLog(u1)))));
    double s, c;
    streamSinCos(float(Half(float(kTwoPi * float(p[j + 8])))), &s, &c);
    p[j] = Half(fusedFloat(radius * float(c), float(std), float(mean)));
    p[j + 8] = Half(fusedFloat(radius * float(s), float(std), float(mean)));
  }
}
void boxMuller(BFloat16* p, BFloat16 mean, BFloat16 std) {
  const auto round = [](float x) { return float(BFloat16(x)); };
  for (int j = 0; j < 8; j++) {
    const float u1 = round(1 - float(p[j]));
    const float radius = round(std::sqrt(round(-2 * round(float(streamLog(u1))))));
    double s, c;
    streamSinCos(round(float(kTwoPi * float(p[j + 8]))), &s, &c);
    p[j] = BFloat16(round(round(radius * round(float(c))) * float(std)) + float(mean));
    p[j + 8] = BFloat16(round(round(radius * round(float(s))) * float(std)) + float(mean));
  }
}

template <class T> void normal(Generator& g, const TensorArg& out, double mean, double std) {
  const int64_t n = out.numel();
  if (n >= 16 && out.contiguous()) {
    // The last sixteen are drawn again where a remainder is left, as PyTorch does.
    T* p = out.as<T>();
    TensorArg part = out;
    part.ndim = 1;
    part.sizes[0] = n;
    part.strides[0] = 1;
    uniform<T>(g, part, 0, 1);
    const T m = to<T>(mean), s = to<T>(std);
    for (int64_t i = 0; i + 16 <= n; i += 16) boxMuller(p + i, m, s);
    if (n % 16 != 0) {
      part.data = reinterpret_cast<char*>(p + n - 16);
      part.sizes[0] = 16;
      uniform<T>(g, part, 0, 1);
      boxMuller(p + n - 16, m, s);
    }
    return;
  }
  const Order order(out, nullptr);
  order.rows([&](int64_t offset, int64_t) {
    T* p = out.as<T>() + offset;
    for (int64_t i = 0; i < order.sizes[0]; i++) p[i * order.a[0]] = to<T>(normal(g, mean, std));
  });
}

template <class T> void logNormal(Generator& g, const TensorArg& out, double mean, double std) {
  const Order order(out, nullptr);
  order.rows([&](int64_t offset, int64_t) {
    T* p = out.as<T>() + offset;
    for (int64_t i = 0; i < order.sizes[0]; i++) p[i * order.a[0]] = to<T>(streamExp(normal(g, mean, std)));
  });
}

// random_() with no bounds: [0, max] of an integer type, [0, 2^digits] of a float.
template <class T> void fullRange(Generator& g, const TensorArg& out) {
  if constexpr (std::is_same<T, double>::value)
    fillWords<T, 2>(g, out, [](const uint32_t* w) { return double(int64_t(both(w) % ((1ull << 53) + 1))); });
  else if constexpr (std::is_same<T, int64_t>::value)
    fillWords<T, 2>(g, out, [](const uint32_t* w) { return int64_t(both(w) & INT64_MAX); });
  else if constexpr (std::is_same<T, float>::value || std::is_same<T, Half>::value || std::is_same<T, BFloat16>::value)
    fillWords<T, 1>(g, out, [](const uint32_t* w) { return T(float(int32_t(*w % ((1u << kDigits<T>) + 1)))); });
  else if constexpr (std::is_same<T, Bool>::value)
    fillWords<T, 1>(g, out, [](const uint32_t* w) { return Bool((*w & 1) != 0); });
  else
    fillWords<T, 1>(g, out, [](const uint32_t* w) {
      return T(*w & (std::is_same<T, uint8_t>::value ? 0xffu : (1u << (sizeof(T) * 8 - 1)) - 1));
    });
}

// f(unit double) for every element; T takes what comes by its own conversion.
template <class T, class F> void fromUnit(Generator& g, const TensorArg& out, F&& f) {
  fillWords<T, 2>(g, out, [&](const uint32_t* w) { return to<T>(f(unit(w))); });
}

template <class T> int fill(int kind, Generator& g, const TensorArg& out, double a, double b) {
  constexpr bool floating = !std::is_same<Compute<T>, int64_t>::value;
  if constexpr (floating) {
    switch (kind) {
      case kUniform: return uniform<T>(g, out, a, b), kOk;
      case kNormal: return normal<T>(g, out, a, b), kOk;
      case kExponential: {
        const double scale = -1.0 / a;
        return fromUnit<T>(g, out, [=](double u) { return scale * streamLog(1.0 - u); }), kOk;
      }
      case kCauchy: return fromUnit<T>(g, out, [=](double u) { return __builtin_fma(b, streamTan(kPi * (u - 0.5)), a); }), kOk;
      case kLogNormal: return logNormal<T>(g, out, a, b), kOk;
      default: break;
    }
  }
  switch (kind) {
    case kBernoulli: return fromUnit<T>(g, out, [=](double u) { return u < a ? 1.0 : 0.0; }), kOk;
    case kGeometric: {
      const double scale = streamLog(1.0 - a);
      return fromUnit<T>(g, out, [=](double u) { return std::ceil(streamLog(u) / scale); }), kOk;
    }
    case kFullRange: return fullRange<T>(g, out), kOk;
    default: return kUnsupported;
  }
}

inline uint64_t join(double low, double high) { return uint64_t(uint32_t(int64_t(low))) | uint64_t(uint32_t(int64_t(high))) << 32; }

// A product that no compiler may fuse with the sum it goes to.
__attribute__((noinline)) double product(double a, double b) { return a * b; }

// Hörmann's transformed rejection (1993) from 10 on, products of uniforms below.
double poisson(Generator& g, double rate) {
  if (rate == 0) return 0;
  if (rate < 10) {
    const double limit = streamExp(-rate);
    double count = 0, p = 1;
    while (true) {
      p *= g.uniform();
      if (!(p > limit)) return count;
      count++;
    }
  }
  const double root = std::sqrt(rate), logRate = streamLog(rate);
  const double b = 0.931 + product(2.53, root), a = -0.059 + product(0.02483, b);
  const double logInverseAlpha = streamLog(1.1239 + 1.1328 / (b - 3.4)), vr = 0.9277 - 3.6224 / (b - 2);
  while (true) {
    const double u = g.uniform() - 0.5, v = g.uniform(), us = 0.5 - std::fabs(u);
    const double k = std::floor(product(2 * a / us + b, u) + rate + 0.43);
    if (us >= 0.07 && v <= vr) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (streamLog(v) + logInverseAlpha - streamLog(a / product(us, us) + b) <= product(k, logRate) - rate - streamLogFactorial(k)) return k;
  }
}

// One row of weights, drawn from by its cumulative sum.
template <class T> void drawWithReplacement(Generator& g, const T* weights, int64_t stride, int64_t n, T* sums, int64_t* out, int64_t outStride, int64_t count) {
  using C = Compute<T>;
  C sum = 0;
  for (int64_t j = 0; j < n; j++) {
    sum = from<C>(to<T>(sum + from<C>(weights[j * stride])));
    sums[j] = to<T>(sum);
  }
  for (int64_t j = 0; j < n; j++) sums[j] = to<T>(from<C>(sums[j]) / sum);
  for (int64_t i = 0; i < count; i++) {
    const double u = g.uniform();
    int64_t low = 0, high = n;
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      if (double(from<C>(sums[middle])) < u)
        low = middle + 1;
      else
        high = middle;
    }
    out[i * outStride] = std::min(low, n - 1);
  }
}

}  // namespace

// seedGenerator(state, seedLow32, seedHigh32): torch.manual_seed on the state.
KERNEL(seedGenerator) {
  char* state = args.address();
  const double low = args.f64(), high = args.f64();
  Generator(state).seed(join(low, high));
  return kOk;
}

// random(kind, state, out, a, b): fills out. Kinds: 0 uniform [a, b), 1 normal (mean a, deviation b), 2 bernoulli (a),
// 3 exponential (rate a), 4 cauchy (median a, sigma b), 5 logNormal (a, b), 6 geometric (a), 7 random_() without bounds.
KERNEL(random) {
  const int kind = args.i32();
  Generator g(args.address());
  const TensorArg out = args.tensor();
  const double a = args.f64(), b = args.f64();
  return dispatch(out.dtype, [&](auto tag) { return fill<decltype(tag)>(kind, g, out, a, b); });
}

// randint(state, out, fromLow32, fromHigh32, rangeLow32, rangeHigh32): from + word % range, in any dtype; both are 64 bits
// in two's complement halves, and a range of 0 stands for 2^64. 64-bit words are drawn from a range of 2^32 on.
KERNEL(randint) {
  Generator g(args.address());
  const TensorArg out = args.tensor();
  const double fl = args.f64(), fh = args.f64(), rl = args.f64(), rh = args.f64();
  const uint64_t base = join(fl, fh), range = join(rl, rh);
  dispatch(out.dtype, [&](auto tag) {
    using T = decltype(tag);
    const auto convert = [](uint64_t v) { return to<T>(from<Compute<T>>(int64_t(v))); };
    if (range == 0)
      fillWords<T, 2>(g, out, [&](const uint32_t* w) { return convert(both(w)); });
    else if (range >> 32)
      fillWords<T, 2>(g, out, [&](const uint32_t* w) { return convert(both(w) % range + base); });
    else
      fillWords<T, 1>(g, out, [&](const uint32_t* w) { return convert(*w % uint32_t(range) + base); });
  });
  return kOk;
}

// randperm(state, out): a permutation of 0 … n - 1 into the 1-d tensor out, of any dtype that holds them.
KERNEL(randperm) {
  Generator g(args.address());
  const TensorArg out = args.tensor();
  const int64_t n = out.numel(), stride = out.ndim ? out.strides[0] : 1;
  dispatch(out.dtype, [&](auto tag) {
    using T = decltype(tag);
    T* p = out.as<T>();
    for (int64_t i = 0; i < n; i++) p[i * stride] = to<T>(Compute<T>(i));
    for (int64_t i = 0; i + 1 < n; i++) std::swap(p[i * stride], p[(i + int64_t(g.word() % uint64_t(n - i))) * stride]);
  });
  return kOk;
}

// bernoulliTensor(state, p, out): out = uniform < p by element, p of out's shape (expanded) in a float dtype. float64
// probabilities draw 53 bits, the others 24.
KERNEL(bernoulliTensor) {
  Generator g(args.address());
  const TensorArg p = args.tensor(), out = args.tensor();
  const Order order(out, &p);
  return dispatch(p.dtype, [&](auto ptag) -> int {
    using P = decltype(ptag);
    if constexpr (std::is_same<Compute<P>, int64_t>::value) {
      return kUnsupported;
    } else {
      dispatch(out.dtype, [&](auto tag) {
        using T = decltype(tag);
        order.rows([&](int64_t o, int64_t q) {
          for (int64_t i = 0; i < order.sizes[0]; i++) {
            const Compute<P> limit = from<Compute<P>>(p.as<P>()[q + i * order.b[0]]);
            bool one;
            if constexpr (std::is_same<P, double>::value)
              one = g.uniform() < limit;
            else
              one = float(int32_t(g.word() & 0xffffffu)) * 0x1p-24f < limit;
            out.as<T>()[o + i * order.a[0]] = to<T>(Compute<T>(one));
          }
        });
      });
      return kOk;
    }
  });
}

// poisson(state, rates, out): one count by element, of one float dtype and shape.
KERNEL(poisson) {
  Generator g(args.address());
  const TensorArg rates = args.tensor(), out = args.tensor();
  return dispatch(out.dtype, [&](auto tag) -> int {
    using T = decltype(tag);
    if constexpr (std::is_same<Compute<T>, int64_t>::value) {
      return kUnsupported;
    } else {
      const Order order(out, &rates);
      order.rows([&](int64_t o, int64_t r) {
        for (int64_t i = 0; i < order.sizes[0]; i++)
          out.as<T>()[o + i * order.a[0]] = to<T>(poisson(g, double(from<Compute<T>>(rates.as<T>()[r + i * order.b[0]]))));
      });
      return kOk;
    }
  });
}

// multinomial(state, weights, out, replacement): indices into the rows of weights [rows, n] (a float dtype, checked by the
// caller: finite, no negative, a positive sum) to out [rows, count], int64. Without replacement the
// samples are the largest of weight / exponential, in decreasing order.
KERNEL(multinomial) {
  Generator g(args.address());
  const TensorArg w = args.tensor(), out = args.tensor();
  const bool replacement = args.flag();
  const int64_t rows = w.sizes[0], n = w.sizes[1], count = out.sizes[1];
  if (rows == 0 || n == 0 || count == 0) return kOk;
  return dispatch(w.dtype, [&](auto tag) -> int {
    using T = decltype(tag);
    if constexpr (std::is_same<Compute<T>, int64_t>::value) {
      return kUnsupported;
    } else {
      using C = Compute<T>;
      if (replacement) {
        T* sums = static_cast<T*>(std::malloc(size_t(n) * sizeof(T)));
        if (!sums) return kOutOfMemory;
        for (int64_t i = 0; i < rows; i++)
          drawWithReplacement<T>(g, w.as<T>() + i * w.strides[0], w.strides[1], n, sums, out.as<int64_t>() + i * out.strides[0], out.strides[1], count);
        std::free(sums);
        return kOk;
      }
      // The exponentials lie in memory as the weights do, which decides the order they are drawn in.
      TensorArg q = w;
      T* scores = static_cast<T*>(std::malloc(size_t(rows * n) * sizeof(T)));
      int64_t* index = static_cast<int64_t*>(std::malloc(size_t(n) * sizeof(int64_t)));
      if (!scores || !index) return std::free(scores), std::free(index), kOutOfMemory;
      const bool transposed = rows > 1 && n > 1 && w.strides[0] == 1 && w.strides[1] == rows;
      q.data = reinterpret_cast<char*>(scores);
      q.strides[0] = transposed ? 1 : n;
      q.strides[1] = transposed ? rows : 1;
      fill<T>(kExponential, g, q, 1, 0);
      for (int64_t i = 0; i < rows; i++) {
        T* s = scores + i * q.strides[0];
        for (int64_t j = 0; j < n; j++) {
          T& e = s[j * q.strides[1]];
          e = to<T>(C(from<C>(w.as<T>()[i * w.strides[0] + j * w.strides[1]]) / from<C>(e)));
          index[j] = j;
        }
        const int64_t k = std::min(count, n);
        std::partial_sort(index, index + k, index + n, [&](int64_t x, int64_t y) {
          const C a = from<C>(s[x * q.strides[1]]), b = from<C>(s[y * q.strides[1]]);
          return a > b || (a == b && x < y);
        });
        for (int64_t j = 0; j < k; j++) out.as<int64_t>()[i * out.strides[0] + j * out.strides[1]] = index[j];
      }
      std::free(scores);
      std::free(index);
      return kOk;
    }
  });
}

}  // namespace flambeau
