/** Bessel functions of orders 0 and 1, and Airy's Ai, from their integrals by the trapezoidal rule wherever that is exact. */

const EULER = 0.5772156649015329

/** e^-|x| I_n(x): a series of positive terms, or the asymptotic one. */
export function besselIScaled(n: 0 | 1, x: number): number {
  const a = Math.abs(x)
  let sum = 1
  let term = 1
  if (a < 25) {
    for (let k = 1; term > 1e-18 * sum; k++) {
      term *= (a * a) / 4 / (k * (k + n))
      sum += term
    }
    sum *= Math.exp(-a) * (n === 1 ? a / 2 : 1)
  } else {
    for (let k = 1; k < 50; k++) {
      term *= ((2 * k - 1) ** 2 - 4 * n) / (8 * a * k)
      sum += term
    }
    sum /= Math.sqrt(2 * Math.PI * a)
  }
  return n === 1 && x < 0 ? -sum : sum
}

/** e^x K_v(x) = ∫ exp(-x (cosh t - 1)) cosh(v t) dt for x >= 1. */
function besselKIntegral(v: number, x: number): number {
  const h = Math.min(0.2, 0.6 / Math.sqrt(x))
  let sum = 0.5
  for (let t = h; ; t += h) {
    const exponent = 2 * x * Math.sinh(t / 2) ** 2
    if (!(exponent < 50)) return h * sum
    sum += Math.exp(-exponent) * Math.cosh(v * t)
  }
}

/** e^x K_n(x). */
export function besselKScaled(n: 0 | 1, x: number): number {
  if (!(x > 0)) return x === 0 ? Number.POSITIVE_INFINITY : Number.NaN
  if (x === Number.POSITIVE_INFINITY) return 0
  if (x >= 1) return besselKIntegral(n, x)
  const [i0, i1] = ([0, 1] as const).map((order) => Math.exp(x) * besselIScaled(order, x))
  let k0 = -(Math.log(x / 2) + EULER) * i0
  let term = 1
  let harmonic = 0
  for (let k = 1; k < 25; k++) {
    harmonic += 1 / k
    term *= (x * x) / 4 / (k * k)
    k0 += term * harmonic
  }
  return Math.exp(x) * (n === 0 ? k0 : (1 / x - i1 * k0) / i0)
}
export function besselK(n: 0 | 1, x: number): number {
  const scaled = besselKScaled(n, x)
  return x > 0 && x < Number.POSITIVE_INFINITY ? Math.exp(-x) * scaled : scaled
}

/** cos and sin parts of the asymptotic expansion: J = scale (p cos χ - q sin χ), Y = scale (p sin χ + q cos χ). */
function farOut(n: 0 | 1, x: number): { j: number; y: number } {
  const sums = [1, 0]
  let term = 1
  for (let k = 1; k < 50 && Math.abs(term) > 1e-18; k++) {
    term *= (4 * n - (2 * k - 1) ** 2) / (8 * x * k)
    sums[k % 2] += k % 4 < 2 ? term : -term
  }
  const [c, s, scale] = [Math.cos(x), Math.sin(x), 1 / Math.sqrt(Math.PI * x)]
  const [cosine, sine] = n === 0 ? [c + s, s - c] : [s - c, -s - c]
  return { j: scale * (sums[0] * cosine - sums[1] * sine), y: scale * (sums[0] * sine + sums[1] * cosine) }
}

/** J_n(x), the mean of cos(n t - x sin t) over a period: exact to rounding as soon as there are more points than x has waves. */
export function besselJ(n: number, x: number): number {
  const a = Math.abs(x)
  if (Number.isNaN(a) || a === Number.POSITIVE_INFINITY) return Number.NaN
  if (a >= 25 && n < 2) return (n === 1 && x < 0 ? -1 : 1) * farOut(n as 0 | 1, a).j
  if (a < 1e-5) return n === 0 ? 1 : n === 1 ? x / 2 : 0
  const points = 120
  let sum = 0
  for (let i = 0; i < points; i++) {
    const t = (2 * Math.PI * (i + 0.5)) / points
    sum += Math.cos(n * t - x * Math.sin(t))
  }
  return sum / points
}

/** Y_n(x) by Neumann's series of J_k. */
export function besselY(n: 0 | 1, x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN
  if (x === Number.POSITIVE_INFINITY) return Number.NaN
  if (x >= 25) return farOut(n, x).y
  let series = 0
  for (let k = 1; k < 35; k++)
    series += (k % 2 === 0 ? 1 : -1) * (n === 0 ? besselJ(2 * k, x) / k : ((2 * k + 1) / (k * (k + 1))) * besselJ(2 * k + 1, x))
  const y = (2 / Math.PI) * (Math.log(x / 2) + EULER - n) * besselJ(n, x) - ((n === 0 ? 4 : 2) / Math.PI) * series
  return n === 0 ? y : y - (2 / (Math.PI * x)) * besselJ(0, x)
}

/** Airy's function of the first kind: by K of order 1/3, by its power series, by its asymptotic expansion. */
export function airyAi(x: number, round: (value: number) => number): number {
  if (Math.abs(x) === Number.POSITIVE_INFINITY) return Number.NaN
  const zeta = (2 / 3) * Math.abs(x) ** 1.5
  if (x > 2) return (Math.sqrt(x / 3) / Math.PI) * Math.exp(-zeta) * besselKIntegral(1 / 3, zeta)
  if (x > -7) {
    let [f, g] = [0.3550280538878172, -0.2588194037928068 * x]
    let sum = f + g
    for (let k = 3; k < 150; k += 3) {
      f *= x ** 3 / (k * (k - 1))
      g *= x ** 3 / (k * (k + 1))
      sum += f + g
    }
    return sum
  }
  if (Number.isNaN(x)) return x
  const sums = [1, 0]
  let term = 1
  for (let k = 1; k < 24; k++) {
    term *= ((6 * k - 5) * (6 * k - 3) * (6 * k - 1)) / (216 * k * (2 * k - 1) * zeta)
    sums[k % 2] += k % 4 < 2 ? term : -term
  }
  // The phase is rounded to the element's type, step by step: far out nothing but that decides the value.
  const phase = round(round(round(round(-2 * x) * round(Math.sqrt(-x))) / 3) + round(Math.PI / 4))
  return (Math.sin(phase) * sums[0] - Math.cos(phase) * sums[1]) / Math.sqrt(Math.PI * Math.sqrt(-x))
}
