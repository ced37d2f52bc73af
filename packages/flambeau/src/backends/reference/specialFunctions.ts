/** Further special functions: the scaled error function, the normal quantile, Hurwitz's zeta, incomplete gamma, polynomials. */

import { erfc, erfinv, hurwitzZeta, lgamma } from './special.js'

const { POSITIVE_INFINITY: INFINITY, NaN: NAN } = Number

/** e^(x²) erfc(x). */
export function erfcx(x: number): number {
  if (x < 6) return Math.exp(x * x) * erfc(x)
  let tail = x
  for (let n = 50; n > 0; n--) tail = x + n / 2 / tail
  return 1 / (Math.sqrt(Math.PI) * tail)
}

/** The inverse of the standard normal distribution. */
export function ndtri(p: number): number {
  if (!(p > 0 && p < 1)) return p === 0 ? -INFINITY : p === 1 ? INFINITY : NAN
  if (p > 0.5) return p < 0.75 ? Math.SQRT2 * erfinv(2 * p - 1) : -ndtri(1 - p)
  if (p > 0.25) return Math.SQRT2 * erfinv(2 * p - 1)
  // ln Φ(x) = ln p, by Newton's method: ln Φ is concave, so from the left of the root it goes straight to it.
  let x = -Math.sqrt(-2 * Math.log(p))
  for (let i = 0; i < 8; i++) {
    const e = erfcx(-x / Math.SQRT2)
    x -= (Math.log(e / 2) - (x * x) / 2 - Math.log(p)) * e * Math.sqrt(Math.PI / 2)
  }
  return x
}

/** Σ (q + n)^-s, for any q that is no pole. */
export function zeta(s: number, q: number): number {
  if (s === 1) return INFINITY
  if (s < 1) return NAN
  if (q <= 0 && (Number.isInteger(q) || q === -INFINITY)) return INFINITY
  if (!(s > 1 && q < INFINITY)) return NAN
  if (q > 0) return hurwitzZeta(s, q)
  if (!Number.isInteger(s)) return NAN
  const fraction = q - Math.floor(q)
  const below = hurwitzZeta(s, 1 - fraction) - hurwitzZeta(s, 1 - q)
  return hurwitzZeta(s, fraction) + (s % 2 === 0 ? below : -below)
}

/** The regularized lower incomplete gamma function, or with `upper` what it lacks to 1. */
export function incompleteGamma(a: number, x: number, upper: boolean): number {
  if (a < 0 || x < 0) return NAN
  const [none, all] = upper ? [1, 0] : [0, 1]
  if (a === 0) return x > 0 ? all : NAN
  if (x === 0) return none
  if (a === INFINITY) return x === a ? NAN : none
  if (x === INFINITY) return all
  if (Number.isNaN(a + x)) return NAN
  const m = (x - a) / a
  if (a > 1e7 && Math.abs(m) < 0.5) {
    const eta = Math.sign(m) * Math.sqrt(2 * (m - Math.log1p(m)))
    const first = Math.abs(m) < 1e-3 ? m / 12 - 1 / 3 : 1 / m - 1 / eta
    const rest = (Math.exp((-a * eta * eta) / 2) / Math.sqrt(2 * Math.PI * a)) * first
    return upper ? erfc(eta * Math.sqrt(a / 2)) / 2 + rest : erfc(-eta * Math.sqrt(a / 2)) / 2 - rest
  }
  const r = 1 / (a * a)
  // x^a e^-x / Γ(a + 1)
  const scale =
    a < 16
      ? Math.exp(a * Math.log(x) - x - lgamma(a + 1))
      : Math.exp(-a * (m - Math.log1p(m)) - (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r / 1680))) / a) / Math.sqrt(2 * Math.PI * a)
  if (x < a + 1) {
    let sum = 1
    let term = 1
    for (let k = a + 1; term > 1e-18 * sum; k++) {
      term *= x / k
      sum += term
    }
    return upper ? 1 - scale * sum : scale * sum
  }
  let b = x + 1 - a
  let c = 1e300
  let d = 1 / b
  let fraction = d
  for (let i = 1; i < 100000; i++) {
    b += 2
    d = 1 / (i * (a - i) * d + b)
    c = b + (i * (a - i)) / c
    fraction *= c * d
    if (Math.abs(c * d - 1) < 1e-16) break
  }
  return upper ? scale * a * fraction : 1 - scale * a * fraction
}

/** p(0) = 1, p(1) and p(k + 1) from p(k) and p(k - 1), in the order of `ops/polynomials.ts`. */
const families: readonly {
  first: (x: number) => number
  next: (x: number, k: number, p: number, before: number) => number
}[] = [
  ...[(x: number) => x, (x: number) => 2 * x, (x: number) => 2 * x - 1, (x: number) => 2 * x + 1].map((first) => ({
    first,
    next: (x: number, _: number, p: number, before: number) => 2 * x * p - before,
  })),
  { first: (x) => 2 * x, next: (x, k, p, before) => 2 * (x * p - k * before) },
  { first: (x) => x, next: (x, k, p, before) => x * p - k * before },
  { first: (x) => 1 - x, next: (x, k, p, before) => ((2 * k + 1 - x) * p - k * before) / (k + 1) },
  { first: (x) => x, next: (x, k, p, before) => ((2 * k + 1) * x * p - k * before) / (k + 1) },
]
/** `round` gives infinity where the type computed in overflows. */
export function orthogonal(x: number, degree: number, kind: number, round: (value: number) => number): number {
  const n = Math.trunc(degree)
  // As in C, what no integer can hold becomes the least one.
  if (!(n >= 0 && n < 2 ** 63)) return 0
  if (n === 0) return 1
  const { first, next } = families[kind]
  let before = 1
  let p = first(x)
  for (let k = 1; k < n && !Number.isNaN(p); k++) {
    const value = next(x, k, p, before)
    before = p
    p = Number.isFinite(round(value)) ? value : round(value)
  }
  return p
}

/** The mantissa in [1/2, 1) and the exponent of two, as C's frexp. */
export function splitNumber(x: number): [mantissa: number, exponent: number] {
  if (x === 0 || !Number.isFinite(x)) return [x, 0]
  let exponent = Math.max(-1023, Math.floor(Math.log2(Math.abs(x))) + 1)
  let mantissa = x * 2 ** -exponent
  while (Math.abs(mantissa) < 0.5) {
    mantissa *= 2
    exponent--
  }
  while (Math.abs(mantissa) >= 1) {
    mantissa /= 2
    exponent++
  }
  return [mantissa, exponent]
}
