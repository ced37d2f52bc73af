/** Arithmetic: sums, products, quotients, powers and rounding. */

import type { Complex } from '../core/complex.js'
import { type DType, isComplex, isDifferentiable, isFloatingPoint, type Scalar, scalarName } from '../core/dtype.js'
import { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { g, out, variable, x, y, z } from '../ir/expr.js'
import {
  type Binary,
  binary,
  type EitherBinary,
  eitherBinary,
  floatsOnly,
  notBool,
  operand,
  operands,
  requireTensor,
  tensorBinary,
  type Unary,
  unary,
} from './define.js'
import { imag, real } from './parts.js'
import { type Argument, PointwiseOp } from './pointwise.js'

const alpha = variable('alpha')

export interface AlphaOptions {
  /** What `other` is multiplied with. */
  alpha?: number
}

export interface ScaledBinary {
  (self: Tensor | Scalar | Complex, other: Tensor | Scalar | Complex, options?: AlphaOptions): Tensor
  readonly inPlace: (self: Tensor, other: Tensor | Scalar | Complex, options?: AlphaOptions) => Tensor
}

/** add and sub: a plain form for alpha = 1, which nearly every call is, and one that scales. */
function scaled(
  name: string,
  plainTerm: e.Expr,
  scaledTerm: e.Expr,
  options: ConstructorParameters<typeof PointwiseOp>[3] = {},
): ScaledBinary {
  const check = (dtype: DType, op: string, args: readonly Argument[]): void => {
    const scale = args[2]
    if (typeof scale === 'boolean' && dtype !== 'bool') throw new Error('Boolean alpha only supported for Boolean results.')
    if (!isFloatingPoint(dtype) && !Number.isInteger(Number(scale)))
      throw new Error('For integral input tensors, argument alpha must not be a floating point number.')
    options.check?.(dtype, op, args.slice(0, 2))
  }
  const plain = new PointwiseOp(name, ['x', 'y'], [plainTerm], options)
  const withAlpha = new PointwiseOp(name, ['x', 'y', 'alpha'], [scaledTerm], { ...options, check, untyped: ['alpha'] })
  return Object.assign(
    (self: Tensor | Scalar | Complex, other: Tensor | Scalar | Complex, o?: AlphaOptions) => {
      const [a, b] = self instanceof Tensor ? [self, operand(self, other, name)] : operands(self, other, name)
      return o?.alpha === undefined || o.alpha === 1 ? plain.call(a, b) : withAlpha.call(a, b, o.alpha)
    },
    {
      inPlace: (self: Tensor, other: Tensor | Scalar | Complex, o?: AlphaOptions) =>
        o?.alpha === undefined || o.alpha === 1
          ? plain.callInPlace(self, operand(self, other, name))
          : withAlpha.callInPlace(self, operand(self, other, name), o.alpha),
    },
  )
}

/**
 * `self + alpha · other` with broadcasting, as `torch.add`.
 *
 * @example
 * torch.tensor([1, 2]).add(torch.tensor([[10], [20]])).tolist() // [[11, 12], [21, 22]]
 */
export const add = scaled('Add', e.add(x, y), e.add(x, e.mul(alpha, y)))

const noBool = (_dtype: DType, _name: string, args: readonly Argument[]): void => {
  if (args.slice(0, 2).every((arg) => typeof arg === 'object' && arg.dtype === 'bool'))
    throw new TypeError(
      'Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logicalXor()` operator instead.',
    )
  if (args.some((arg) => (typeof arg === 'object' ? arg.dtype === 'bool' : typeof arg === 'boolean')))
    throw new TypeError(
      'Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use the `~` ' +
        'or `logicalNot()` operator instead.',
    )
}
/**
 * `self − alpha · other` with broadcasting, as `torch.sub`.
 *
 * @throws TypeError for two bool tensors.
 * @example
 * torch.tensor([5, 7]).sub(2).tolist() // [3, 5]
 * torch.sub(torch.tensor([5, 7]), torch.tensor([1, 2]), { alpha: 2 }).tolist() // [3, 3]
 */
export const sub = scaled('Sub', e.sub(x, y), e.sub(x, e.mul(alpha, y)), { check: noBool })
/**
 * `other − alpha · self`, as `torch.rsub`. @throws TypeError for bool tensors.
 *
 * @example
 * torch.rsub(torch.tensor([1, 2]), 10, { alpha: 3 }) // tensor([7., 4.])
 */
export const rsub = scaled('Rsub', e.sub(y, x), e.sub(y, e.mul(alpha, x)), { check: noBool })
/**
 * `self · other` with broadcasting, as `torch.mul`.
 *
 * @example
 * torch.tensor([1, 2]).mul(torch.tensor([[3], [4]])).tolist() // [[3, 6], [4, 8]]
 */
export const mul: EitherBinary = eitherBinary('Mul', e.mul(x, y))

const trueDivide = eitherBinary('Div', e.div(x, y), {
  result: 'float',
  gradients: { x: e.div(g, y), y: e.neg(e.div(e.mul(g, e.div(x, y)), y)) },
})
/**
 * The largest integer not above `self / other`, in the operands' dtype, as `torch.floor_divide`.
 *
 * @example
 * torch.tensor([7, -7]).floorDivide(2).tolist() // [3, -4]
 */
export const floorDivide: EitherBinary = eitherBinary('DivFloor', e.idivFloor(x, y), {
  gradients: { x: e.constant(0), y: e.constant(0) },
  check: notBool,
})
const truncDivide = eitherBinary('DivTrunc', e.idivTrunc(x, y), {
  gradients: { x: e.constant(0), y: e.constant(0) },
  check: notBool,
})

export interface DivOptions {
  /** How an integer quotient is rounded; null divides exactly, in floating point. */
  roundingMode?: 'trunc' | 'floor' | null
}
const divider = (options?: DivOptions): EitherBinary => {
  const mode = options?.roundingMode ?? null
  if (mode === null) return trueDivide
  if (mode === 'floor') return floorDivide
  if (mode === 'trunc') return truncDivide
  throw new Error(`div expected rounding_mode to be one of null, 'trunc', or 'floor' but found '${mode}'`)
}
/**
 * `self / other` with broadcasting, as `torch.div`: integers give float32 unless `roundingMode` is 'trunc' or 'floor'.
 *
 * @throws Error for an integer division by zero.
 * @example
 * torch.tensor([7n, -7n]).div(2).tolist() // [3.5, -3.5]
 * torch.tensor([7n, -7n]).div(2, { roundingMode: 'trunc' }).tolist() // [3, -3]
 */
export const div = Object.assign(
  (self: Tensor | Scalar | Complex, other: Tensor | Scalar | Complex, options?: DivOptions): Tensor =>
    divider(options)(self, other),
  {
    inPlace: (self: Tensor, other: Tensor | Scalar | Complex, options?: DivOptions): Tensor =>
      divider(options).inPlace(self, other),
  },
)
/**
 * The remainder with the sign of `other`, as Python's `%` and `torch.remainder`.
 *
 * @example
 * torch.tensor([7, -7]).remainder(3).tolist() // [1, 2]
 */
export const remainder: EitherBinary = eitherBinary('Remainder', e.rem(x, y), { check: notBool })
/**
 * The remainder with the sign of `self`, as C's `fmod` and `torch.fmod`.
 *
 * @example
 * torch.tensor([7, -7]).fmod(3).tolist() // [1, -1]
 */
export const fmod: Binary = binary('Fmod', e.fmod(x, y), { check: notBool })

const power = eitherBinary('Pow', e.pow(x, y), {
  check: notBool,
  gradients: {
    x: e.where(e.eq(y, 0), 0, e.mul(g, e.mul(y, e.pow(x, e.sub(y, 1))))),
    y: e.where(e.both(e.eq(x, 0), e.ge(e.re(y), 0)), 0, e.mul(g, e.mul(out, e.log(x)))),
  },
})
const negativePower = (self: Tensor | Scalar | Complex, exponent: Tensor | Scalar | Complex): void => {
  if (typeof exponent !== 'object' && Number.isInteger(Number(exponent)) && Number(exponent) < 0 && !isFloating(self))
    throw new Error('Integers to negative integer powers are not allowed.')
}
const isFloating = (value: Tensor | Scalar | Complex): boolean =>
  typeof value === 'object' && (!('dtype' in value) || isDifferentiable(value.dtype))
/**
 * `self ^ exponent` with broadcasting, as `torch.pow`.
 *
 * @throws Error for an integer tensor and a negative number.
 * @example
 * torch.tensor([1, 2, 3]).pow(2).tolist() // [1, 4, 9]
 * torch.pow(2, torch.tensor([1, 2, 3])).tolist() // [2, 4, 8]
 */
export const pow: EitherBinary = Object.assign(
  (self: Tensor | Scalar | Complex, exponent: Tensor | Scalar | Complex): Tensor => {
    negativePower(self, exponent)
    return exponent === 2 && self instanceof Tensor && self.dtype !== 'bool' ? squareOp(self) : power(self, exponent)
  },
  {
    inPlace: (self: Tensor, exponent: Tensor | Scalar | Complex): Tensor => {
      negativePower(self, exponent)
      return power.inPlace(self, exponent)
    },
  },
)
const squareOp = unary('Pow', e.square(x), { gradient: e.mul(g, e.mul(2, x)) })
/**
 * `self · self`, as `torch.square`; of bools in int64.
 *
 * @example
 * torch.square(torch.tensor([-2, 3])).tolist() // [4, 9]
 */
export const square = Object.assign((self: Tensor): Tensor => pow(self, 2), { inPlace: squareOp.inPlace })

/**
 * `-self`, as `torch.neg`.
 *
 * @throws TypeError for bool.
 * @example
 * torch.neg(torch.tensor([1, -2])).tolist() // [-1, 2]
 */
export const neg = unary('Neg', e.neg(x), {
  check: (dtype) => {
    if (dtype === 'bool')
      throw new TypeError(
        'Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or ' +
          '`logicalNot()` operator instead.',
      )
  },
})
const absOfReal = unary('Abs', e.abs(x), { gradient: e.mul(g, e.sign(x)), check: notBool })
const along = (part: e.Expr): e.Expr => e.where(e.eq(out, 0), 0, e.mul(g, e.div(part, out)))
const absOfParts = new PointwiseOp('Abs', ['x', 'y'], [e.hypot(x, y)], { gradients: { x: along(x), y: along(y) } })
/**
 * The absolute value, as `torch.abs`: of complex numbers √(re² + im²), a real one.
 *
 * @example
 * torch.abs(torch.tensor([-1, 2])).tolist() // [1, 2]
 */
export const abs: Unary = Object.assign(
  (self: Tensor): Tensor => (isComplex(self.dtype) ? absOfParts.call(real(self), imag(self)) : absOfReal(self)),
  {
    inPlace: (self: Tensor): Tensor => {
      if (isComplex(self.dtype)) throw new Error('In-place abs is not supported for complex tensors.')
      return absOfReal.inPlace(self)
    },
  },
)
/**
 * -1, 0 or 1, as `torch.sign`.
 *
 * @example
 * torch.sign(torch.tensor([-3, 0, 5])).tolist() // [-1, 0, 1]
 */
export const sign = unary('Sign', e.sign(x))
/**
 * `1 / self`, as `torch.reciprocal`.
 *
 * @example
 * torch.reciprocal(torch.tensor([2, 4])).tolist() // [0.5, 0.25]
 */
export const reciprocal = unary('Reciprocal', e.recip(x), { result: 'float', gradient: e.mul(e.neg(g), e.square(out)) })
/**
 * The square root, as `torch.sqrt`.
 *
 * @example
 * torch.sqrt(torch.tensor([4, 9])).tolist() // [2, 3]
 */
export const sqrt = unary('Sqrt', e.sqrt(x), { result: 'float', gradient: e.div(g, e.mul(2, out)) })
/**
 * `1 / √self`, as `torch.rsqrt`.
 *
 * @example
 * torch.rsqrt(torch.tensor([4, 16])).tolist() // [0.5, 0.25]
 */
export const rsqrt = unary('Rsqrt', e.rsqrt(x), { result: 'float', gradient: e.mul(e.mul(-0.5, g), e.mul(out, e.square(out))) })

/**
 * The largest integer not above, as `torch.floor`.
 *
 * @example
 * torch.floor(torch.tensor([1.5, -1.5])).tolist() // [1, -2]
 */
export const floor = unary('Floor', e.floor(x), { check: notBool })
/**
 * The smallest integer not below, as `torch.ceil`.
 *
 * @example
 * torch.ceil(torch.tensor([1.5, -1.25])).tolist() // [2, -1]
 */
export const ceil = unary('Ceil', e.ceil(x), { check: notBool })
const roundOp = unary('Round', e.round(x), { check: notBool })
const scale = variable('scale')
const flatScaled = { untyped: ['scale'], gradients: { x: e.constant(0) } }
const roundDecimals = new PointwiseOp('Round', ['x', 'scale'], [e.div(e.round(e.mul(x, scale)), scale)], flatScaled)
const roundTens = new PointwiseOp('Round', ['x', 'scale'], [e.mul(e.round(e.div(x, scale)), scale)], flatScaled)
function requireFloatForDecimals(self: Tensor): void {
  if (!isFloatingPoint(self.dtype)) throw new Error(`"round_cpu" not implemented for '${scalarName(self.dtype)}' with decimals`)
}
export interface RoundOptions {
  /** Digits after the point; negative ones round to tens, hundreds and so on. */
  decimals?: number
}
/**
 * The nearest integer, halves to even, as `torch.round`; or with so many decimals.
 *
 * @example
 * torch.round(torch.tensor([0.5, 1.5, 2.6])).tolist() // [0, 2, 3]
 * torch.round(torch.tensor([1234.5]), { decimals: -2 }).tolist() // [1200]
 */
export const round = Object.assign(
  (self: Tensor, { decimals = 0 }: RoundOptions = {}): Tensor => {
    if (decimals === 0) return roundOp(self)
    requireFloatForDecimals(self)
    return (decimals > 0 ? roundDecimals : roundTens).call(self, 10 ** Math.abs(decimals))
  },
  {
    inPlace: (self: Tensor, { decimals = 0 }: RoundOptions = {}): Tensor => {
      if (decimals === 0) return roundOp.inPlace(self)
      requireFloatForDecimals(self)
      return (decimals > 0 ? roundDecimals : roundTens).callInPlace(self, 10 ** Math.abs(decimals))
    },
  },
)
/**
 * The integer part, as `torch.trunc`.
 *
 * @example
 * torch.trunc(torch.tensor([1.5, -1.5])).tolist() // [1, -1]
 */
export const trunc = unary('Trunc', e.trunc(x), { check: notBool })
/**
 * `self - trunc(self)`, as `torch.frac`.
 *
 * @example
 * torch.frac(torch.tensor([1.5, -1.25])).tolist() // [0.5, -0.25]
 */
export const frac = unary('Frac', e.sub(x, e.trunc(x)), { check: floatsOnly })

/**
 * The larger of the two, NaN if either is, as `torch.maximum`.
 *
 * @example
 * torch.maximum(torch.tensor([1, 5]), torch.tensor([3, 2])).tolist() // [3, 5]
 */
export const maximum = tensorBinary('Maximum', e.max(x, y))
/**
 * The smaller of the two, NaN if either is, as `torch.minimum`.
 *
 * @example
 * torch.minimum(torch.tensor([1, 5]), torch.tensor([3, 2])).tolist() // [1, 2]
 */
export const minimum = tensorBinary('Minimum', e.min(x, y))
/**
 * The larger of the two, the other one where one is NaN, as `torch.fmax`.
 *
 * @example
 * torch.fmax(torch.tensor([1, NaN]), torch.tensor([3, 2])).tolist() // [3, 2]
 */
export const fmax = tensorBinary('Fmax', e.fmax(x, y))
/**
 * The smaller of the two, the other one where one is NaN, as `torch.fmin`.
 *
 * @example
 * torch.fmin(torch.tensor([1, NaN]), torch.tensor([3, 2])).tolist() // [1, 2]
 */
export const fmin = tensorBinary('Fmin', e.fmin(x, y))

const oneFloat = (dtype: DType, name: string, args: readonly Argument[]): void => {
  floatsOnly(dtype, name)
  const other = args.find((arg) => typeof arg === 'object' && arg.dtype !== dtype)
  if (typeof other === 'object')
    throw new Error(`expected dtype ${dtype} for \`end\` and \`weight\` but got dtype ${other.dtype}`)
}
/** `start + weight · (end − start)`, as `torch.lerp`: the nearer end is the one added to, so both ends are exact. */
const lerpOp = new PointwiseOp(
  'Lerp',
  ['x', 'y', 'z'],
  [e.where(e.lt(e.abs(z), 0.5), e.add(x, e.mul(z, e.sub(y, x))), e.sub(y, e.mul(e.sub(y, x), e.sub(1, z))))],
  { check: oneFloat, gradients: { x: e.mul(g, e.sub(1, z)), y: e.mul(g, z), z: e.mul(g, e.sub(y, x)) } },
)
/**
 * `start + weight · (end − start)`, as `torch.lerp`: the nearer end is the one added to, so both ends are exact.
 *
 * @example
 * torch.lerp(torch.tensor([0, 10]), torch.tensor([10, 20]), 0.25).tolist() // [2.5, 12.5]
 */
export const lerp = Object.assign(
  (self: Tensor, end: Tensor, weight: Tensor | Scalar): Tensor => lerpOp.call(self, end, weight),
  { inPlace: (self: Tensor, end: Tensor, weight: Tensor | Scalar): Tensor => lerpOp.callInPlace(self, end, weight) },
)

export interface ValueOptions {
  /** What the product or quotient is multiplied with. */
  value?: number
}
const factors = (name: string, tensor1: Tensor, tensor2: Tensor): [Tensor, Tensor] => [
  requireTensor(tensor1, name, 'tensor1'),
  requireTensor(tensor2, name, 'tensor2'),
]
const addcmulOp = new PointwiseOp('Addcmul', ['x', 'y', 'z', 'value'], [e.add(x, e.mul(variable('value'), e.mul(y, z)))], {
  untyped: ['value'],
  check: notBool,
})
/**
 * `self + value · tensor1 · tensor2`, as `torch.addcmul`.
 *
 * @example
 * torch.addcmul(torch.ones(2), torch.tensor([1, 2]), torch.tensor([3, 4]), { value: 0.5 }).tolist() // [2.5, 5]
 */
export const addcmul = Object.assign(
  (self: Tensor, tensor1: Tensor, tensor2: Tensor, options: ValueOptions = {}): Tensor =>
    addcmulOp.call(self, ...factors('addcmul', tensor1, tensor2), options.value ?? 1),
  {
    inPlace: (self: Tensor, tensor1: Tensor, tensor2: Tensor, options: ValueOptions = {}): Tensor =>
      addcmulOp.callInPlace(self, ...factors('addcmul', tensor1, tensor2), options.value ?? 1),
  },
)
const noIntegerQuotient = (_dtype: DType, _name: string, [, dividend, divisor]: readonly Argument[]): void => {
  if (typeof dividend === 'object' && typeof divisor === 'object' && !isFloating(dividend) && !isFloating(divisor))
    throw new Error(
      'Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true division of tensor1 and tensor2.',
    )
}
const addcdivOp = new PointwiseOp('Addcdiv', ['x', 'y', 'z', 'value'], [e.add(x, e.mul(variable('value'), e.div(y, z)))], {
  untyped: ['value'],
  check: noIntegerQuotient,
})
/**
 * `self + value · tensor1 / tensor2`, as `torch.addcdiv`.
 *
 * @example
 * torch.addcdiv(torch.ones(2), torch.tensor([1, 4]), torch.tensor([2, 4])).tolist() // [1.5, 2]
 */
export const addcdiv = Object.assign(
  (self: Tensor, tensor1: Tensor, tensor2: Tensor, options: ValueOptions = {}): Tensor =>
    addcdivOp.call(self, ...factors('addcdiv', tensor1, tensor2), options.value ?? 1),
  {
    inPlace: (self: Tensor, tensor1: Tensor, tensor2: Tensor, options: ValueOptions = {}): Tensor =>
      addcdivOp.callInPlace(self, ...factors('addcdiv', tensor1, tensor2), options.value ?? 1),
  },
)
