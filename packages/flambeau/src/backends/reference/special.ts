/** Special functions of real numbers, to about 1e-15: from their series, continued fractions and asymptotic expansions. */

const SQRT_PI = Math.sqrt(Math.PI)

/** exp(-x²) without the error that rounding x² would bring: x = h + l with h² exact. */
function expOfMinusSquare(x: number): number {
  const h = Math.fround(x)
  return Math.exp(-h * h) * Math.exp(-(x - h) * (x + h))
}

/** erf(x) = 2/√π e^(-x²) Σ 2^n x^(2n+1) / (1·3·…·(2n+1)): all terms have one sign. */
function erfSeries(x: number): number {
  let term = x
  let sum = x
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
  }
  return (2 / SQRT_PI) * expOfMinusSquare(x) * sum
}

/** erfc(x) = e^(-x²)/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …)))), for x ≥ 1. */
function erfcFraction(x: number): number {
  if (x > 27.3) return 0
  let tail = x
  for (let n = Math.ceil(30 + 300 / (x * x)); n > 0; n--) tail = x + n / 2 / tail
  return expOfMinusSquare(x) / (SQRT_PI * tail)
}

export function erf(x: number): number {
  if (Number.isNaN(x)) return x
  const a = Math.abs(x)
  return a < 2 ? erfSeries(x) : Math.sign(x) * (1 - erfcFraction(a))
}

export function erfc(x: number): number {
  if (Number.isNaN(x)) return x
  return x >= 1 ? erfcFraction(x) : x > -2 ? 1 - erfSeries(x) : 2 - erfcFraction(-x)
}

/** The inverse of erf, by Halley's iteration; on erfc in the tails, where 1 - |y| is exact. */
export function erfinv(y: number): number {
  const a = Math.abs(y)
  if (!(a <= 1)) return Number.NaN
  if (a === 1) return y * Number.POSITIVE_INFINITY
  if (a < 1e-8) return (y * SQRT_PI) / 2
  // Winitzki's approximation: within a hundredth.
  const l = Math.log((1 - a) * (1 + a))
  const b = 2 / (Math.PI * 0.147) + l / 2
  let x = a < 0.01 ? (a * SQRT_PI) / 2 : Math.sqrt(Math.sqrt(b * b - l / 0.147) - b)
  for (let i = 0; i < 4; i++) {
    const error = a < 0.5 ? erf(x) - a : 1 - a - erfc(x)
    const step = error / ((2 / SQRT_PI) * expOfMinusSquare(x))
    x -= step / (1 + x * step)
  }
  return Math.sign(y) * x
}

/** Bernoulli numbers B₂, B₄, … */
const bernoulli = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510]

/** Hurwitz's ζ(s, a) = Σ (a + n)^-s for s > 1, by Euler and Maclaurin's formula from the 12th term on. */
export function hurwitzZeta(s: number, a: number): number {
  const N = 12
  const x = a + N
  // 0 for a large s, whose product with it would be NaN.
  const power = x ** -s
  let sum = power === 0 ? 0 : (x * power) / (s - 1) + power / 2
  let factor = power === 0 ? 0 : (s * power) / (2 * x) // s (s + 1) … (s + 2k - 2) x^(-s - 2k + 1) / (2k)!
  for (let k = 1; k <= bernoulli.length && factor > 0; k++) {
    sum += bernoulli[k - 1] * factor
    factor *= ((s + 2 * k - 1) * (s + 2 * k)) / ((2 * k + 1) * (2 * k + 2) * x * x)
  }
  for (let n = N - 1; n >= 0; n--) sum += (a + n) ** -s
  return sum === 0 && s > 1e12 ? Number.NaN : sum // as PyTorch's, whose coefficients overflow
}

const EULER = 0.5772156649015329

/** (-1)^k (ζ(k) - 1) / k for k = 2, 3, …: the Taylor coefficients of log Γ at 2. */
const logGammaAtTwo = Array.from({ length: 40 }, (_, i) => ((i % 2 === 0 ? 1 : -1) * hurwitzZeta(i + 2, 2)) / (i + 2))

/** log Γ(2 + z) for |z| ≤ 1/2. */
const logGammaNearTwo = (z: number): number => z * (1 - EULER + z * polynomial(logGammaAtTwo, z))

function polynomial(coefficients: readonly number[], z: number): number {
  let sum = 0
  for (let i = coefficients.length - 1; i >= 0; i--) sum = sum * z + coefficients[i]
  return sum
}

/** sin(πx), exact in its zeros. */
function sinPi(x: number): number {
  const n = Math.round(x)
  const s = Math.sin(Math.PI * (x - n))
  return n % 2 === 0 ? s : -s
}

/** log |Γ(x)|. */
export function lgamma(x: number): number {
  if (Number.isNaN(x)) return x
  if (Math.abs(x) === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
  if (x <= 0) {
    if (Number.isInteger(x)) return Number.POSITIVE_INFINITY
    // Γ(x) Γ(1 - x) = π / sin(πx)
    return x > -1e-17 ? -Math.log(-x) : Math.log(Math.PI / Math.abs(sinPi(x))) - lgamma(1 - x)
  }
  if (x < 0.5) return logGammaNearTwo(x) - Math.log1p(x) - Math.log(x)
  if (x < 1.5) return logGammaNearTwo(x - 1) - Math.log1p(x - 1)
  if (x <= 2.5) return logGammaNearTwo(x - 2)
  if (x < 12) {
    // Down to [1.5, 2.5] by Γ(x) = (x - 1) Γ(x - 1): positive terms only, but for the last small one.
    let product = 1
    let y = x
    while (y > 2.5) product *= --y
    return Math.log(product) + logGammaNearTwo(y - 2)
  }
  // Stirling's series.
  let series = 0
  for (let k = bernoulli.length; k >= 1; k--) series = series / (x * x) + bernoulli[k - 1] / (2 * k * (2 * k - 1))
  return (x - 0.5) * (Math.log(x) - 1) + (Math.log(2 * Math.PI) - 1) / 2 + series / x
}

/** The positive zero of digamma, as a sum of two doubles. */
const DIGAMMA_ZERO = 1.4616321449683622
const DIGAMMA_ZERO_LOW = 9.549995429965697e-17
/** (-1)^k ζ(k + 2, zero): the Taylor coefficients of digamma at its zero, without the factor z. */
const digammaAtZero = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 1 : -1) * hurwitzZeta(i + 2, DIGAMMA_ZERO))

/** The derivative of log Γ. At 0 it is infinite with the opposite sign, at the other poles NaN. */
export function digamma(x: number): number {
  if (x === 0) return -1 / x
  if (x < 0) {
    if (Number.isInteger(x) || x === Number.NEGATIVE_INFINITY) return Number.NaN
    const r = x - Math.round(x)
    // ψ(1 - x) - ψ(x) = π cot(πx), with a cosine that is exact in its zeros as well.
    return digamma(1 - x) - (Math.PI * sinPi(0.5 - Math.abs(r))) / sinPi(r)
  }
  const z = x - DIGAMMA_ZERO - DIGAMMA_ZERO_LOW
  if (Math.abs(z) < 0.5) return z * polynomial(digammaAtZero, z)
  let shift = 0
  let y = x
  for (; y < 12; y++) shift += 1 / y
  let series = 0
  for (let k = bernoulli.length; k >= 1; k--) series = series / (y * y) + bernoulli[k - 1] / (2 * k)
  return Math.log(y) - 1 / (2 * y) - series / (y * y) - shift
}
