// Special functions of one element, in double: series where they converge fast, asymptotic expansions far out, and the
// trapezoidal rule on integrals whose integrands vanish doubly exponentially, where it is exact to the last digits.
#pragma once
#include "math.hpp"

namespace flambeau {

constexpr double kPi = 3.14159265358979323846, kEulerGamma = 0.57721566490153286061;

// e^-|x| I_n(x), n = 0 or 1.
inline double besselIScaled(int n, double x) {
  const double a = std::fabs(x);
  double sum, term;
  if (a < 20) {
    const double q = a * a / 4;
    sum = term = std::exp(-a) * (n ? a / 2 : 1);
    for (int k = 1; term > 1e-17 * sum; k++) sum += term *= q / (double(k) * (k + n));
  } else {
    sum = term = 1;
    for (int k = 1; k < 60 && std::fabs(term) > 1e-17; k++) sum += term *= (double(2 * k - 1) * (2 * k - 1) - 4 * n) / (8 * a * k);
    sum /= std::sqrt(2 * kPi * a);
  }
  return n && x < 0 ? -sum : sum;
}
inline double besselI(int n, double x) { return std::exp(std::fabs(x)) * besselIScaled(n, x); }

// e^x K_v(x) = ∫ exp(-x (cosh t - 1)) cosh(v t) dt from 0 to ∞, for x >= 1.
inline double besselKIntegral(double v, double x) {
  const double h = std::fmin(0.25, 0.7 / std::sqrt(x));
  double sum = 0.5;
  for (int i = 1;; i++) {
    const double t = i * h, s = std::sinh(t / 2), exponent = 2 * x * s * s;
    if (!(exponent < 45)) return h * sum;
    sum += std::exp(-exponent) * std::cosh(v * t);
  }
}
// e^x K_n(x), n = 0 or 1.
inline double besselKScaled(int n, double x) {
  if (!(x > 0)) return x == 0 ? kInfinity<double> : kNaN<double>;
  if (x == kInfinity<double>) return 0;
  if (x >= 1) return besselKIntegral(n, x);
  const double q = x * x / 4, i0 = std::exp(x) * besselIScaled(0, x);
  double k0 = -(std::log(x / 2) + kEulerGamma) * i0, term = 1, harmonic = 0;
  for (int k = 1; k < 20; k++) {
    harmonic += 1. / k;
    term *= q / (double(k) * k);
    k0 += term * harmonic;
  }
  // The Wronskian: I0 K1 + I1 K0 = 1 / x.
  return std::exp(x) * (n ? (1 / x - std::exp(x) * besselIScaled(1, x) * k0) / i0 : k0);
}
inline double besselK(int n, double x) {
  const double scaled = besselKScaled(n, x);
  return x > 0 && x < kInfinity<double> ? std::exp(-x) * scaled : scaled;
}

struct BesselPair {
  double j, y;
};
// J_n and Y_n for x > 0, n = 0 or 1.
inline BesselPair besselJY(int n, double x) {
  if (x < 1e-5) return n ? BesselPair{x / 2, -2 / (kPi * x)} : BesselPair{1, 2 / kPi * (std::log(x / 2) + kEulerGamma)};
  if (x < 25) {
    // Downward recurrence, scaled by J0 + 2 J2 + 2 J4 + … = 1; Neumann's series of the same terms gives Y.
    double next = 0, current = 1e-300, norm = 0, neumann = 0, one = 0;
    for (int k = 2 * (int(x) + 10); k > 0; k--) {
      const double sign = (k / 2) % 2 ? -1 : 1;
      if (k % 2 == 0) {
        norm += 2 * current;
        if (n == 0) neumann += sign * current / (k / 2);
      } else if (n == 1 && k >= 3) {
        const double i = k / 2;
        neumann += sign * k / (i * (i + 1)) * current;
      }
      if (k == 1) one = current;
      const double previous = 2 * k / x * current - next;
      next = current;
      current = previous;
    }
    norm += current;
    const double j = (n ? one : current) / norm, l = std::log(x / 2) + kEulerGamma - n;
    const double y = 2 / kPi * l * j - (n ? 2 : 4) / kPi * neumann / norm;
    // Y1 has the pole of 1 / x besides.
    return {j, n ? y - 2 / (kPi * x) * (current / norm) : y};
  }
  double p = 1, q = 0, term = 1;
  for (int k = 1; k < 60 && std::fabs(term) > 1e-17; k++) {
    term *= (4. * n - double(2 * k - 1) * (2 * k - 1)) / (8 * x * k);
    if (k % 4 == 0) p += term;
    if (k % 4 == 1) q += term;
    if (k % 4 == 2) p -= term;
    if (k % 4 == 3) q -= term;
  }
  // cos and sin of x - π/4 - nπ/2, without the subtraction that a large x would not feel.
  const double c = std::cos(x), s = std::sin(x), scale = 1 / std::sqrt(kPi * x);
  const double cosine = n ? s - c : c + s, sine = n ? -s - c : s - c;
  return {scale * (p * cosine - q * sine), scale * (p * sine + q * cosine)};
}
inline double besselJ(int n, double x) {
  const double a = std::fabs(x), j = a == 0 ? 1 - n : besselJY(n, a).j;
  return n && x < 0 ? -j : j;
}
inline double besselY(int n, double x) {
  if (!(x > 0)) return x == 0 ? -kInfinity<double> : kNaN<double>;
  return besselJY(n, x).y;
}

template <class T> inline double airyAi(T x_) {
  const double x = x_;
  if (std::fabs(x) == kInfinity<double>) return kNaN<double>;
  const double zeta = 2 * std::fabs(x) * std::sqrt(std::fabs(x)) / 3;
  if (x > 1.5) return std::sqrt(x / 3) / kPi * std::exp(-zeta) * besselKIntegral(1. / 3, zeta);
  if (x > -7) {
    const double cube = x * x * x;
    double f = 1, g = x, fSum = f, gSum = g;
    for (int k = 3; k < 150; k += 3) {
      fSum += f *= cube / (k * (k - 1));
      gSum += g *= cube / (k * (k + 1));
    }
    return 0.35502805388781723926 * fSum - 0.25881940379280679840 * gSum;
  }
  double p = 1, q = 0, term = 1;
  for (int k = 1; k < 25 && term > 1e-17; k++) {
    const double next = term * ((6 * k - 5) * (6 * k - 3.) * (6 * k - 1)) / (216. * k * (2 * k - 1) * zeta);
    if (next > term) break;
    term = next;
    (k % 2 ? q : p) += (k / 2) % 2 ? -term : term;
  }
  // The phase is rounded to the element's type, as in PyTorch: far out nothing but that decides the value.
  const double phase = T(-2) * x_ * std::sqrt(-x_) / T(3) + T(0.25) * T(kPi);
  return (std::sin(phase) * p - std::cos(phase) * q) / (std::sqrt(kPi) * std::sqrt(std::sqrt(-x)));
}

// e^(x²) erfc(x).
inline double erfcx(double x) {
  if (x < 5) return std::exp(x * x) * std::erfc(x);
  double tail = x;
  for (int n = 45; n > 0; n--) tail = x + n / (2 * tail);
  return 1 / (std::sqrt(kPi) * tail);
}

// The inverse of the standard normal distribution: through erfinv in the middle, by Newton's method on its logarithm in the tails.
inline double ndtri(double p) {
  constexpr double root2 = 1.41421356237309504880;
  if (!(p > 0 && p < 1)) return p == 0 ? -kInfinity<double> : p == 1 ? kInfinity<double> : kNaN<double>;
  if (p >= 0.25 && p <= 0.75) return root2 * erfinv(2 * p - 1);
  const double l = std::log(p < 0.5 ? p : 1 - p), t = std::sqrt(-2 * l);
  double x = (2.30753 + 0.27061 * t) / (1 + t * (0.99229 + 0.04481 * t)) - t;
  for (int i = 0; i < 4; i++) {
    const double e = erfcx(-x / root2);
    x -= (std::log(e / 2) - x * x / 2 - l) * e * std::sqrt(kPi / 2);
  }
  return p < 0.5 ? x : -x;
}

// Hurwitz's zeta, Σ (q + n)^-s, by Euler and Maclaurin's formula from the twelfth term on; q > 0.
inline double zetaSum(double s, double q) {
  constexpr double bernoulli[] = {1. / 6, -1. / 30, 1. / 42, -1. / 30, 5. / 66, -691. / 2730, 7. / 6, -3617. / 510};
  const double x = q + 12, power = std::pow(x, -s);
  double sum = 0, factor = 0;
  if (power > 0) {  // 0 for a large s, whose product with it would be NaN
    sum = x * power / (s - 1) + power / 2;
    factor = s * power / (2 * x);
  }
  for (int k = 1; k <= 8 && factor > 0; k++) {
    sum += bernoulli[k - 1] * factor;
    factor *= (s + 2 * k - 1) * (s + 2 * k) / ((2 * k + 1.) * (2 * k + 2) * x * x);
  }
  for (int n = 11; n >= 0; n--) sum += std::pow(q + n, -s);
  return sum == 0 && s > 1e12 ? kNaN<double> : sum;  // as PyTorch's, whose coefficients overflow
}
inline double zeta(double s, double q) {
  if (s == 1) return kInfinity<double>;
  if (s < 1) return kNaN<double>;
  const double down = std::floor(q);
  if (q <= 0 && q == down) return kInfinity<double>;
  if (!(s > 1) || !(q < kInfinity<double>)) return kNaN<double>;
  if (q > 0) return zetaSum(s, q);
  if (s != std::floor(s)) return kNaN<double>;
  // The terms below zero are, but for their sign, a piece of the same sum.
  const double fraction = q - down, below = zetaSum(s, 1 - fraction) - zetaSum(s, 1 - q);
  return zetaSum(s, fraction) + (std::fmod(s, 2) == 0 ? below : -below);
}

// x^a e^-x / Γ(a + 1), by Stirling's series where the three factors are large.
inline double gammaTerm(double a, double x) {
  if (a < 16) return std::exp(a * std::log(x) - x - logGamma(a + 1));
  const double m = (x - a) / a, r = 1 / (a * a);
  const double correction = (1. / 12 - r * (1. / 360 - r * (1. / 1260 - r / 1680))) / a;
  return std::exp(-a * (m - std::log1p(m)) - correction) / std::sqrt(2 * kPi * a);
}
// The regularized incomplete gamma functions: the lower one, or with `upper` the rest.
inline double incompleteGamma(double a, double x, bool upper) {
  if (a < 0 || x < 0) return kNaN<double>;
  const double none = upper ? 1 : 0, all = 1 - none;
  if (a == 0) return x > 0 ? all : kNaN<double>;
  if (x == 0) return none;
  if (a == kInfinity<double>) return x == a ? kNaN<double> : none;
  if (x == kInfinity<double>) return all;
  if (a != a || x != x) return kNaN<double>;
  const double m = (x - a) / a;
  if (a > 1e7 && std::fabs(m) < 0.5) {
    // Temme's uniform expansion; what follows its first term is below a millionth of a millionth.
    const double eta = std::copysign(std::sqrt(2 * (m - std::log1p(m))), m);
    const double first = std::fabs(m) < 1e-3 ? m / 12 - 1. / 3 : 1 / m - 1 / eta;
    const double rest = std::exp(-a * eta * eta / 2) / std::sqrt(2 * kPi * a) * first, z = eta * std::sqrt(a / 2);
    return upper ? 0.5 * std::erfc(z) + rest : 0.5 * std::erfc(-z) - rest;
  }
  const double scale = gammaTerm(a, x);
  if (x < a + 1) {
    double sum = 1, term = 1;
    for (double k = a + 1; term > 1e-17 * sum; k++) sum += term *= x / k;
    return upper ? 1 - scale * sum : scale * sum;
  }
  // Lentz's evaluation of the continued fraction.
  double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
  for (int i = 1; i < 100000; i++) {
    const double an = i * (a - i);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= c * d;
    if (std::fabs(c * d - 1) < 1e-16) break;
  }
  return upper ? scale * a * h : 1 - scale * a * h;
}

// Orthogonal polynomials of degree n, by their recurrences. The kinds: Chebyshev's T, U, V, W, Hermite's H and He,
// Laguerre's L, Legendre's P.
template <class T> inline double orthogonal(double x, double degree, T kindOf) {
  const int kind = int(kindOf);
  const int64_t n = truncate(degree);
  if (n < 0) return 0;
  if (kind < 4 && std::fabs(x) < 1 && n > 8) {
    const double t = std::acos(x), half = t / 2;
    if (kind == 0) return std::cos(n * t);
    if (kind == 1) return std::sin((n + 1) * t) / std::sin(t);
    return kind == 2 ? std::cos((n + 0.5) * t) / std::cos(half) : std::sin((n + 0.5) * t) / std::sin(half);
  }
  if (std::fabs(x) == 1 && n > 8 && (kind < 4 || kind == 7)) {
    // At the ends they are 1, n + 1 or 2n + 1, with a sign.
    const bool odd = n % 2 && x < 0;
    const double size = kind == 1 ? n + 1. : (kind == 2 && x < 0) || (kind == 3 && x > 0) ? 2. * n + 1 : 1;
    return odd ? -size : size;
  }
  const double first[] = {x, 2 * x, 2 * x - 1, 2 * x + 1, 2 * x, x, 1 - x, x};
  double before = 1, current = first[kind];
  if (n == 0) return 1;
  for (double k = 1; k < double(n) && current == current; k++) {
    double next;
    if (kind < 4) next = 2 * x * current - before;
    else if (kind == 4) next = 2 * (x * current - k * before);
    else if (kind == 5) next = x * current - k * before;
    else if (kind == 6) next = ((2 * k + 1 - x) * current - k * before) / (k + 1);
    else next = ((2 * k + 1) * x * current - k * before) / (k + 1);
    before = current;
    // Overflows where T does: what comes after an infinity is then NaN, as in PyTorch.
    current = std::fabs(next) > double(std::numeric_limits<T>::max()) ? std::copysign(kInfinity<double>, next) : next;
  }
  return current;
}

}  // namespace flambeau
