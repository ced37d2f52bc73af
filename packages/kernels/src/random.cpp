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

// n values into elements of any dtype: computing in double or int64 and storing apart keeps the number of loops to the sum
// of distributions and dtypes, not their product.
template <class C> __attribute__((noinline)) void storeBlock(const TensorArg& out, int64_t offset, int64_t stride, const C* values, int n) {
  dispatch(out.dtype, [&](auto tag) {
    using T = decltype(tag);
    T* p = out.as<T>() + offset;
    for (int i = 0; i < n; i++) {
      if constexpr (std::is_same<C, double>::value)
        p[i * stride] = to<T>(values[i]);
      else
        p[i * stride] = to<T>(from<Compute<T>>(values[i]));
    }
  });
}

// out = f() for every element, where f gives a double or an int64.
template <class F> void fillEach(const TensorArg& out, F&& f) {
  const Order order(out, nullptr);
  order.rows([&](int64_t offset, int64_t) {
    constexpr int kBlock = 256;
    decltype(f()) values[kBlock];
    for (int64_t i = 0; i < order.sizes[0]; i += kBlock) {
      const int n = int(std::min<int64_t>(kBlock, order.sizes[0] - i));
      for (int j = 0; j < n; j++) values[j] = f();
      storeBlock(out, offset + i * order.a[0], order.a[0], values, n);
    }
  });
}

inline uint64_t both(const uint32_t* w) { return uint64_t(w[0]) << 32 | w[1]; }
inline double unit(const uint32_t* w) { return double(int64_t(both(w) & 0x1fffffffffffffull)) * 0x1p-53; }

template <class T> constexpr int kDigits = 24;
template <> constexpr int kDigits<Half> = 11;
template <> constexpr int kDigits<BFloat16> = 8;

template <class T> void uniform(Generator& g, const TensorArg& out, double from, double to) {
  if constexpr (std::is_same<T, double>::value) {
    const double range = to - from;
    fillWords<T, 2>(g, out, [=](const uint32_t* w) { return fused(unit(w), range, from); });
  } else {
    // Bounds and their difference are rounded to T.
    const float low = float(T(float(from))), range = float(T(float(T(float(to))) - low));
    constexpr uint32_t mask = (1u << kDigits<T>) - 1;
    constexpr float scale = 1.0f / float(1u << kDigits<T>);
    if (low == 0 && range == 1)
      fillWords<T, 1>(g, out, [=](const uint32_t* w) { return T(float(int32_t(*w & mask)) * scale); });
    else
      fillWords<T, 1>(g, out, [=](const uint32_t* w) { return T(fused(float(int32_t(*w & mask)) * scale, range, low)); });
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
  return fused(value, std, mean);
}

// Sixteen uniforms to normals in T's own arithmetic; each operation of a 16-bit type rounds to it.
void boxMuller(float* p, float mean, float std) { boxMuller16(p, mean, std); }
void boxMuller(double* p, double mean, double std) {
  for (int j = 0; j < 8; j++) {
    const double radius = std::sqrt(-2 * streamLog(1 - p[j]));
    double s, c;
    streamSinCos(kTwoPi * p[j + 8], &s, &c);
    p[j] = fused(radius * c, std, mean);
    p[j + 8] = fused(radius * s, std, mean);
  }
}
void boxMuller(Half* p, Half mean, Half std) {
  for (int j = 0; j < 8; j++) {
    const float u1 = float(Half(1 - float(p[j])));
    const float radius = float(Half(std::sqrt(-2 * float(streamLog(u1)))));
    double s, c;
    streamSinCos(float(Half(float(kTwoPi * float(p[j + 8])))), &s, &c);
    p[j] = Half(fused(radius * float(c), float(std), float(mean)));
    p[j + 8] = Half(fused(radius * float(s), float(std), float(mean)));
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
  fillEach(out, [&] { return normal(g, mean, std); });
}

// random_() with no bounds: [0, max] of an integer type, [0, 2^digits] of a float.
void fullRange(Generator& g, const TensorArg& out) {
  constexpr uint64_t ranges[kDTypes] = {(1ull << 24) + 1, (1ull << 53) + 1, (1ull << 11) + 1, (1ull << 8) + 1, 1ull << 7, 1ull << 15, 1ull << 31, 1ull << 63, 1ull << 8, 2};
  const uint64_t range = ranges[int(out.dtype)];
  if (out.dtype == DType::f64 || out.dtype == DType::i64)
    fillEach(out, [&] { return int64_t(g.word64() % range); });
  else
    fillEach(out, [&] { return int64_t(g.word() % range); });
}

bool isFloat(DType t) { return t == DType::f32 || t == DType::f64 || t == DType::f16 || t == DType::bf16; }

// Calls f with a value of the float type.
template <class F> void floatDispatch(DType t, F&& f) {
  switch (t) {
    case DType::f32: return f(float{});
    case DType::f64: return f(double{});
    case DType::f16: return f(Half{});
    default: return f(BFloat16{});
  }
}

// out = f(unit double) for every element.
template <class F> void fromUnit(Generator& g, const TensorArg& out, F&& f) {
  const Order order(out, nullptr);
  order.rows([&](int64_t offset, int64_t) {
    constexpr int kBlock = 256;
    uint32_t words[2 * kBlock];
    double values[kBlock];
    for (int64_t i = 0; i < order.sizes[0]; i += kBlock) {
      const int n = int(std::min<int64_t>(kBlock, order.sizes[0] - i));
      g.take(words, 2 * n);
      for (int j = 0; j < n; j++) values[j] = f(unit(words + 2 * j));
      storeBlock(out, offset + i * order.a[0], order.a[0], values, n);
    }
  });
}

int fill(int kind, Generator& g, const TensorArg& out, double a, double b) {
  if (!isFloat(out.dtype) && kind != kBernoulli && kind != kGeometric && kind != kFullRange) return kUnsupported;
  switch (kind) {
    case kUniform: floatDispatch(out.dtype, [&](auto tag) { uniform<decltype(tag)>(g, out, a, b); }); break;
    case kNormal: floatDispatch(out.dtype, [&](auto tag) { normal<decltype(tag)>(g, out, a, b); }); break;
    case kBernoulli: fromUnit(g, out, [=](double u) { return u < a ? 1.0 : 0.0; }); break;
    case kExponential: {
      const double scale = -1.0 / a;
      fromUnit(g, out, [=](double u) { return scale * streamLog(1.0 - u); });
      break;
    }
    case kCauchy: fromUnit(g, out, [=](double u) { return fused(b, streamTan(kPi * (u - 0.5)), a); }); break;
    case kLogNormal: fillEach(out, [&] { return streamExp(normal(g, a, b)); }); break;
    case kGeometric: {
      const double scale = streamLog(1.0 - a);
      fromUnit(g, out, [=](double u) { return std::ceil(streamLog(u) / scale); });
      break;
    }
    case kFullRange: fullRange(g, out); break;
    default: return kUnsupported;
  }
  return kOk;
}

// out = f(input as double) for every element, in the order of out's memory.
template <class F> void fillFrom(const TensorArg& out, const TensorArg& in, F&& f) {
  const Order order(out, &in);
  order.rows([&](int64_t offset, int64_t inOffset) {
    constexpr int kBlock = 256;
    double values[kBlock];
    for (int64_t i = 0; i < order.sizes[0]; i += kBlock) {
      const int n = int(std::min<int64_t>(kBlock, order.sizes[0] - i));
      floatDispatch(in.dtype, [&](auto tag) {
        const auto* p = in.as<decltype(tag)>() + inOffset + i * order.b[0];
        for (int j = 0; j < n; j++) values[j] = from<double>(p[j * order.b[0]]);
      });
      for (int j = 0; j < n; j++) values[j] = f(values[j]);
      storeBlock(out, offset + i * order.a[0], order.a[0], values, n);
    }
  });
}

inline uint64_t join(double low, double high) { return uint64_t(uint32_t(int64_t(low))) | uint64_t(uint32_t(int64_t(high))) << 32; }

// A product that no compiler may fuse with the sum it goes to.
__attribute__((noinline)) double product(double a, double b) { return a * b; }

// Hörmann's transformed rejection (1993) from 10 on, products of uniforms below.
double poisson(Generator& g, double rate) {
  if (!(rate > 0 && rate < 1e300)) return rate == 0 ? 0 : __builtin_nan("");  // no rejection would ever end
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

template <class T> int multinomial(Generator& g, const TensorArg& w, const TensorArg& out, bool replacement) {
  const int64_t rows = w.sizes[0], n = w.sizes[1], count = out.sizes[1];
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
  fill(kExponential, g, q, 1, 0);
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
  return fill(kind, g, out, a, b);
}

// randint(state, out, fromLow32, fromHigh32, rangeLow32, rangeHigh32): from + word % range, in any dtype; both are 64 bits
// in two's complement halves, and a range of 0 stands for 2^64. 64-bit words are drawn from a range of 2^32 on.
KERNEL(randint) {
  Generator g(args.address());
  const TensorArg out = args.tensor();
  const double fl = args.f64(), fh = args.f64(), rl = args.f64(), rh = args.f64();
  const uint64_t base = join(fl, fh), range = join(rl, rh);
  if (range == 0)
    fillEach(out, [&] { return int64_t(g.word64()); });
  else if (range >> 32)
    fillEach(out, [&] { return int64_t(g.word64() % range + base); });
  else
    fillEach(out, [&] { return int64_t(g.word() % uint32_t(range) + base); });
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
  if (!isFloat(p.dtype)) return kUnsupported;
  fillFrom(out, p, [&](double limit) {
    const double u = p.dtype == DType::f64 ? g.uniform() : double(int32_t(g.word() & 0xffffffu)) * 0x1p-24;
    return u < limit ? 1.0 : 0.0;
  });
  return kOk;
}

// poisson(state, rates, out): one count by element; rates of a float dtype and of the shape of out.
KERNEL(poisson) {
  Generator g(args.address());
  const TensorArg rates = args.tensor(), out = args.tensor();
  if (!isFloat(rates.dtype)) return kUnsupported;
  fillFrom(out, rates, [&](double rate) { return poisson(g, rate); });
  return kOk;
}

// multinomial(state, weights, out, replacement): indices into the rows of weights [rows, n] (a float dtype, checked by the
// caller: finite, no negative, a positive sum) to out [rows, count], int64. Without replacement (count <= n) the
// samples are the largest of weight / exponential, in decreasing order.
KERNEL(multinomial) {
  Generator g(args.address());
  const TensorArg w = args.tensor(), out = args.tensor();
  const bool replacement = args.flag();
  if (w.numel() == 0 || out.numel() == 0) return kOk;
  if (!isFloat(w.dtype)) return kUnsupported;
  int status = kOk;
  floatDispatch(w.dtype, [&](auto tag) { status = multinomial<decltype(tag)>(g, w, out, replacement); });
  return status;
}

}  // namespace flambeau
