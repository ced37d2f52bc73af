/**
 * Doubles as decimal text, rounded the way Python and C do it: the exact binary value, ties to even. JavaScript's own
 * `toFixed` and `toExponential` round ties up (0.03125 to 4 places), lose the sign of -0, and change style at 1e21.
 */

const double = new Float64Array(1)
const pattern = new BigUint64Array(double.buffer)

/** What `nan` and the infinities print as in every style, or null for a finite value. */
const nonFinite = (value: number): string | null =>
  Number.isFinite(value) ? null : Number.isNaN(value) ? 'nan' : value < 0 ? '-inf' : 'inf'

const signOf = (value: number): string => (value < 0 || Object.is(value, -0) ? '-' : '')

/** The magnitude of a finite double as an exact fraction. */
function exactFraction(value: number): [numerator: bigint, denominator: bigint] {
  double[0] = value
  const exponent = Number((pattern[0] >> 52n) & 0x7ffn)
  const fraction = pattern[0] & 0xfffffffffffffn
  // Subnormals have no hidden bit and share the exponent of the smallest normal numbers.
  const mantissa = exponent === 0 ? fraction : fraction | 0x10000000000000n
  const power = Math.max(exponent, 1) - 1075
  return power >= 0 ? [mantissa << BigInt(power), 1n] : [mantissa, 1n << BigInt(-power)]
}

function divideHalfEven(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator
  const twice = (numerator - quotient * denominator) * 2n
  return twice > denominator || (twice === denominator && (quotient & 1n) === 1n) ? quotient + 1n : quotient
}

const withPoint = (digits: string, fraction: number): string =>
  fraction === 0 ? digits : `${digits.slice(0, -fraction)}.${digits.slice(-fraction)}`

/**
 * A number with a fixed count of digits after the point, as Python's `'{:.4f}'.format(value)`.
 *
 * @example
 * formatFixed(0.03125, 4) // '0.0312'
 * formatFixed(-0, 1) // '-0.0'
 */
export function formatFixed(value: number, precision: number): string {
  const special = nonFinite(value)
  if (special !== null) return special
  const [numerator, denominator] = exactFraction(value)
  const scaled = divideHalfEven(numerator * 10n ** BigInt(precision), denominator)
  return signOf(value) + withPoint(scaled.toString().padStart(precision + 1, '0'), precision)
}

/**
 * A number in scientific notation, as Python's `'{:.4e}'.format(value)`: the exponent has a sign and two digits or more.
 *
 * @example
 * formatScientific(123456, 4) // '1.2346e+05'
 */
export function formatScientific(value: number, precision: number): string {
  const special = nonFinite(value)
  if (special !== null) return special
  let digits = '0'.repeat(precision + 1)
  let exponent = 0
  if (value !== 0) {
    const [numerator, denominator] = exactFraction(value)
    // The shortest text may already have rounded up to the next power of ten: 9.999999999999999e22 is 1e+23 here.
    exponent = Number(value.toExponential().split('e')[1])
    if (exponent > 0 ? numerator < 10n ** BigInt(exponent) * denominator : numerator * 10n ** BigInt(-exponent) < denominator)
      exponent--
    const shift = precision - exponent
    const scale = 10n ** BigInt(Math.abs(shift))
    digits = (
      shift >= 0 ? divideHalfEven(numerator * scale, denominator) : divideHalfEven(numerator, denominator * scale)
    ).toString()
    // Rounding carried into one more digit, which is then a zero.
    if (digits.length > precision + 1) {
      digits = digits.slice(0, -1)
      exponent++
    }
  }
  const size = Math.abs(exponent).toString().padStart(2, '0')
  return `${signOf(value)}${withPoint(digits, precision)}e${exponent < 0 ? '-' : '+'}${size}`
}
