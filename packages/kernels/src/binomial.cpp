// Binomial counts from PyTorch's stream: sums of geometric gaps, or Hörmann's transformed rejection (1993).
#include <cmath>

#include "kernel.hpp"
#include "random.hpp"
#include "random_math.hpp"

namespace flambeau {
namespace {

// Rounded by itself on every target: PyTorch's is compiled without fused multiplication.
__attribute__((noinline)) double product(double a, double b) { return a * b; }

double log1p(double x) {
  const double u = 1 + x;
  return u == 1 ? x : streamLog(u) * x / (u - 1);
}

// What Stirling's formula leaves out of log(k!).
double stirlingTail(double k) {
  static const double known[] = {0.0810614667953272,  0.0413406959554092,  0.0276779256849983,  0.02079067210376509,
                                 0.0166446911898211,  0.0138761288230707,  0.0118967099458917,  0.0104112652619720,
                                 0.00925546218271273, 0.00833056343336287};
  if (k <= 9) return known[int(k)];
  const double square = product(k + 1, k + 1);
  return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1);
}

double byGaps(Generator& g, double count, double p) {
  const double logFailure = log1p(-p);
  double sum = 0;
  for (double found = 0;; found++) {
    sum += std::ceil(streamLog(g.uniform()) / logFailure);
    if (!(sum <= count)) return found;
  }
}

double byRejection(Generator& g, double count, double p) {
  const double deviation = std::sqrt(count * p * (1 - p));
  const double b = 1.15 + product(2.53, deviation), a = -0.0873 + product(0.0248, b) + product(0.01, p);
  const double c = product(count, p) + 0.5, vr = 0.92 - 4.2 / b, r = p / (1 - p);
  const double alpha = product(2.83 + 5.1 / b, deviation), m = std::floor(product(count + 1, p));
  while (true) {
    const double u = g.uniform() - 0.5, us = 0.5 - std::fabs(u);
    double v = g.uniform();
    const double k = std::floor(product(2 * a / us + b, u) + c);
    if (!(k >= 0 && k <= count)) continue;
    if (us >= 0.07 && v <= vr) return k;
    v = streamLog(v * alpha / (a / product(us, us) + b));
    const double bound = product(m + 0.5, streamLog((m + 1) / product(r, count - m + 1))) +
                         product(count + 1, streamLog((count - m + 1) / (count - k + 1))) +
                         product(k + 0.5, streamLog(product(r, count - k + 1) / (k + 1))) + stirlingTail(m) +
                         stirlingTail(count - m) - stirlingTail(k) - stirlingTail(count - k);
    if (v <= bound) return k;
  }
}

double binomial(Generator& g, double count, double p) {
  if (!(count == count && p == p)) return __builtin_nan("");
  if (count <= 0 || p <= 0) return 0;
  if (p >= 1) return count;
  if (!(count < 1e300)) return __builtin_nan("");  // no loop would ever end
  const double q = p <= 0.5 ? p : 1 - p;
  const double found = count * q >= 10 ? byRejection(g, count, q) : byGaps(g, count, q);
  return p <= 0.5 ? found : count - found;
}

}  // namespace

// binomial(state, count, probability, out): of one float dtype and shape, all row-major.
KERNEL(binomial) {
  Generator g(args.address());
  const TensorArg count = args.tensor(), p = args.tensor(), out = args.tensor();
  if (!count.contiguous() || !p.contiguous() || !out.contiguous()) return kUnsupported;
  const int64_t n = out.numel();
  if (count.numel() != n || p.numel() != n || count.dtype != out.dtype || p.dtype != out.dtype) return kUnsupported;
  if (out.dtype == DType::f32)
    for (int64_t i = 0; i < n; i++) out.as<float>()[i] = float(binomial(g, double(count.as<float>()[i]), double(p.as<float>()[i])));
  else if (out.dtype == DType::f64)
    for (int64_t i = 0; i < n; i++) out.as<double>()[i] = binomial(g, count.as<double>()[i], p.as<double>()[i]);
  else return kUnsupported;
  return kOk;
}

}  // namespace flambeau
