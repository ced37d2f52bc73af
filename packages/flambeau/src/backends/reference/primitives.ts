/** The primitives of terms, once for each kind of arithmetic; null where an arithmetic has no such primitive. */

import type { Primitive } from '../../ir/expr.js'
import { kernelError } from '../backend.js'
import { airyAi, besselIScaled, besselJ, besselK, besselKScaled, besselY } from './bessel.js'
import { larger, smaller } from './elements.js'
import { digamma, erf, erfc, erfinv, lgamma } from './special.js'
import { erfcx, incompleteGamma, ndtri, orthogonal, splitNumber, zeta } from './specialFunctions.js'

/** Arguments beyond the primitive's own number are never read. */
export type PrimitiveTable<T> = Record<Primitive, ((a: T, b: T, c: T) => T) | null>

const truth = (value: boolean): number => (value ? 1 : 0)

/** To the nearest integer, ties to the even one. */
export function roundHalfToEven(x: number): number {
  const down = Math.floor(x)
  const fraction = x - down
  if (fraction === 0) return x
  const rounded = fraction < 0.5 || (fraction === 0.5 && down % 2 === 0) ? down : down + 1
  return copySign(rounded, x)
}

const copySign = (magnitude: number, sign: number): number =>
  sign < 0 || Object.is(sign, -0) ? -Math.abs(magnitude) : Math.abs(magnitude)

/** The remainder with the sign of the divisor. */
function remainder(x: number, y: number): number {
  const r = x % y
  return r !== 0 && r < 0 !== y < 0 ? r + y : r
}

/** Python's floor division: the quotient that goes with `remainder`, not the floor of a rounded quotient. */
function floorDivide(x: number, y: number, round: (value: number) => number): number {
  if (y === 0) return x / y
  const r = x % y
  let quotient = round(round(x - r) / y)
  if (r !== 0 && r < 0 !== y < 0) quotient -= 1
  if (quotient === 0) return copySign(0, x / y)
  const down = Math.floor(quotient)
  return quotient - down > 0.5 ? down + 1 : down
}

/** C's pow, which knows 1 ** NaN = 1 and (±1) ** ±inf = 1. */
const power = (x: number, y: number): number => (x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY) ? 1 : x ** y)

function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x))
  const e = Math.exp(x)
  return e / (1 + e)
}

/** The neighbour of x towards y: the next bit pattern, since patterns of one sign are ordered as magnitudes are. */
function neighbour(x: number, y: number, step: (x: number, by: 1 | -1) => number): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN
  if (x === y) return y
  if (x === 0) return copySign(step(0, 1), y)
  return step(x, y > x === x > 0 ? 1 : -1)
}
const single = new Float32Array(1)
const singleBits = new Int32Array(single.buffer)
const double = new Float64Array(1)
const doubleBits = new BigInt64Array(double.buffer)
function stepSingle(x: number, by: number): number {
  single[0] = x
  singleBits[0] += by
  return single[0]
}
function stepDouble(x: number, by: number): number {
  double[0] = x
  doubleBits[0] += BigInt(by)
  return double[0]
}

/**
 * Arithmetic on doubles. Every result is rounded to the class's precision by the interpreter; `round` is for the primitives
 * in which a rounding on the way shows.
 */
function realPrimitives(round: (value: number) => number, nextafter: (x: number, y: number) => number) {
  return {
    mov: (a) => a,
    neg: (a) => -a,
    abs: Math.abs,
    sign: (a) => truth(a > 0) - truth(a < 0), // 0 for NaN, as PyTorch's kernels give
    recip: (a) => 1 / a,
    sqrt: Math.sqrt,
    rsqrt: (a) => 1 / Math.sqrt(a),
    exp: Math.exp,
    exp2: (a) => 2 ** a,
    expm1: Math.expm1,
    log: Math.log,
    log1p: Math.log1p,
    log2: Math.log2,
    log10: Math.log10,
    sin: Math.sin,
    cos: Math.cos,
    tan: Math.tan,
    asin: Math.asin,
    acos: Math.acos,
    atan: Math.atan,
    sinh: Math.sinh,
    cosh: Math.cosh,
    tanh: Math.tanh,
    asinh: Math.asinh,
    acosh: Math.acosh,
    atanh: Math.atanh,
    sigmoid,
    erf,
    erfc,
    erfinv,
    lgamma,
    digamma,
    floor: Math.floor,
    ceil: Math.ceil,
    round: roundHalfToEven,
    trunc: Math.trunc,
    not: (a) => truth(a === 0),
    bitNot: null,
    i0: (a) => Math.exp(Math.abs(a)) * besselIScaled(0, a),
    i0e: (a) => besselIScaled(0, a),
    i1: (a) => Math.exp(Math.abs(a)) * besselIScaled(1, a),
    i1e: (a) => besselIScaled(1, a),
    k0: (a) => besselK(0, a),
    k0e: (a) => besselKScaled(0, a),
    k1: (a) => besselK(1, a),
    k1e: (a) => besselKScaled(1, a),
    j0: (a) => besselJ(0, a),
    j1: (a) => besselJ(1, a),
    y0: (a) => besselY(0, a),
    y1: (a) => besselY(1, a),
    airyAi: (a) => airyAi(a, round),
    erfcx,
    ndtri,
    significand: (a) => splitNumber(a)[0],
    exponent: (a) => splitNumber(a)[1],
    zeta,
    igamma: (a, b) => incompleteGamma(a, b, false),
    igammac: (a, b) => incompleteGamma(a, b, true),
    isnan: (a) => truth(Number.isNaN(a)),
    isinf: (a) => truth(Math.abs(a) === Number.POSITIVE_INFINITY),
    add: (a, b) => a + b,
    sub: (a, b) => a - b,
    mul: (a, b) => a * b,
    div: (a, b) => a / b,
    idivFloor: (a, b) => floorDivide(a, b, round),
    idivTrunc: (a, b) => Math.trunc(round(a / b)),
    rem: remainder,
    fmod: (a, b) => a % b,
    pow: power,
    atan2: Math.atan2,
    max: larger,
    min: smaller,
    fmax: (a, b) => (a > b || Number.isNaN(b) ? a : b),
    fmin: (a, b) => (a < b || Number.isNaN(b) ? a : b),
    hypot: (a, b) => Math.hypot(a, b),
    copysign: copySign,
    nextafter,
    eq: (a, b) => truth(a === b),
    ne: (a, b) => truth(a !== b),
    lt: (a, b) => truth(a < b),
    le: (a, b) => truth(a <= b),
    gt: (a, b) => truth(a > b),
    ge: (a, b) => truth(a >= b),
    // Gradients combine conditions in their own class: for floats these are the logical ones.
    and: (a, b) => truth(a !== 0 && b !== 0),
    or: (a, b) => truth(a !== 0 || b !== 0),
    xor: (a, b) => truth((a !== 0) !== (b !== 0)),
    shl: null,
    shr: null,
    where: (a, b, c) => (a !== 0 ? b : c),
    fma: (a, b, c) => a * b + c,
    orthogonal: (a, b, c) => orthogonal(a, b, c, round),
  } satisfies PrimitiveTable<number>
}

const float32 = realPrimitives(Math.fround, (x, y) => neighbour(x, y, stepSingle))
const float64 = realPrimitives(
  (value) => value,
  (x, y) => neighbour(x, y, stepDouble),
)

/** Primitives that only reals have. */
const realOnly = {
  recip: null,
  sqrt: null,
  rsqrt: null,
  exp: null,
  exp2: null,
  expm1: null,
  log: null,
  log1p: null,
  log2: null,
  log10: null,
  sin: null,
  cos: null,
  tan: null,
  asin: null,
  acos: null,
  atan: null,
  sinh: null,
  cosh: null,
  tanh: null,
  asinh: null,
  acosh: null,
  atanh: null,
  sigmoid: null,
  erf: null,
  erfc: null,
  erfinv: null,
  lgamma: null,
  digamma: null,
  div: null,
  atan2: null,
  hypot: null,
  copysign: null,
  nextafter: null,
  i0: null,
  i0e: null,
  i1: null,
  i1e: null,
  k0: null,
  k0e: null,
  k1: null,
  k1e: null,
  j0: null,
  j1: null,
  y0: null,
  y1: null,
  airyAi: null,
  erfcx: null,
  ndtri: null,
  significand: null,
  exponent: null,
  zeta: null,
  igamma: null,
  igammac: null,
  orthogonal: null,
} as const

/** A divisor, if there is one. @throws Error('ZeroDivisionError') as Python does. */
function divisor<T extends number | bigint>(value: T): T {
  if (!value) throw kernelError(4, 'pointwise', 0, 0)
  return value
}

/** x^n by squaring. A negative exponent gives 1 / x^|n| without its fraction: nonzero for 1 and -1 only. */
function integerPower(x: bigint, n: bigint): bigint {
  if (n < 0n) return x === 1n || x === -1n ? x ** (-n & 1n) : 0n
  let result = 1n
  for (let square = x, rest = n; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = BigInt.asIntN(64, result * square)
    square = BigInt.asIntN(64, square * square)
  }
  return result
}

// Results outside the class's range are wrapped into it by the interpreter, `| 0`; products need more than 53 bits.
const int32 = {
  ...realOnly,
  mov: (a) => a,
  neg: (a) => -a,
  abs: Math.abs,
  sign: Math.sign,
  floor: (a) => a,
  ceil: (a) => a,
  round: (a) => a,
  trunc: (a) => a,
  not: (a) => truth(a === 0),
  bitNot: (a) => ~a,
  isnan: () => 0,
  isinf: () => 0,
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: Math.imul,
  idivFloor: (a, b) => Math.floor(a / divisor(b)),
  idivTrunc: (a, b) => Math.trunc(a / divisor(b)),
  rem: (a, b) => remainder(a, divisor(b)),
  fmod: (a, b) => a % divisor(b),
  pow: (a, b) => Number(BigInt.asIntN(32, integerPower(BigInt(a), BigInt(b)))),
  max: larger,
  min: smaller,
  fmax: larger,
  fmin: smaller,
  eq: (a, b) => truth(a === b),
  ne: (a, b) => truth(a !== b),
  lt: (a, b) => truth(a < b),
  le: (a, b) => truth(a <= b),
  gt: (a, b) => truth(a > b),
  ge: (a, b) => truth(a >= b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  // JavaScript takes the counts modulo 32, as PyTorch does.
  shl: (a, b) => a << b,
  shr: (a, b) => a >> b,
  where: (a, b, c) => (a !== 0 ? b : c),
  fma: (a, b, c) => Math.imul(a, b) + c,
} satisfies PrimitiveTable<number>

const bit = (value: boolean): bigint => (value ? 1n : 0n)

/** BigInt division truncates; the floor is one lower where the signs differ and something is left over. */
function floorDivideIntegers(a: bigint, b: bigint): bigint {
  const quotient = a / b
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient
}

const int64 = {
  ...realOnly,
  mov: (a) => a,
  neg: (a) => -a,
  abs: (a) => (a < 0n ? -a : a),
  sign: (a) => bit(a > 0n) - bit(a < 0n),
  floor: (a) => a,
  ceil: (a) => a,
  round: (a) => a,
  trunc: (a) => a,
  not: (a) => bit(a === 0n),
  bitNot: (a) => ~a,
  isnan: () => 0n,
  isinf: () => 0n,
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  idivFloor: (a, b) => floorDivideIntegers(a, divisor(b)),
  idivTrunc: (a, b) => a / divisor(b),
  rem: (a, b) => a - floorDivideIntegers(a, divisor(b)) * b,
  fmod: (a, b) => a % divisor(b),
  pow: integerPower,
  max: larger,
  min: smaller,
  fmax: larger,
  fmin: smaller,
  eq: (a, b) => bit(a === b),
  ne: (a, b) => bit(a !== b),
  lt: (a, b) => bit(a < b),
  le: (a, b) => bit(a <= b),
  gt: (a, b) => bit(a > b),
  ge: (a, b) => bit(a >= b),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b) => a << (b & 63n),
  shr: (a, b) => a >> (b & 63n),
  where: (a, b, c) => (a !== 0n ? b : c),
  fma: (a, b, c) => a * b + c,
} satisfies PrimitiveTable<bigint>

export const primitiveTables = { float32, float64, int32, int64 } as const
