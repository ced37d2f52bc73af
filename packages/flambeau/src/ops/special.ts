/** Further functions of one and two operands. */

import { type Arguments, readArgument, readArguments } from '../core/arguments.js'
import {
  type DType,
  getDefaultDtype,
  isComplex,
  isDifferentiable,
  isFloatingPoint,
  itemSize,
  resultTypeOf,
  type Scalar,
  scalarName,
} from '../core/dtype.js'
import { sameShape } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { g, variable, x, y } from '../ir/expr.js'
import { abs, add, mul, pow, sub } from './arithmetic.js'
import { clone, copy_, to } from './cast.js'
import { eq, isnan, le, logicalAnd, logicalOr } from './comparison.js'
import { item } from './creation.js'
import { eitherBinary, floatsOnly, notComplex, tensorBinary, unary, type WithInPlace } from './define.js'
import { checkInPlace } from './dispatch.js'
import { lgamma } from './elementary.js'
import { PointwiseOp } from './pointwise.js'
import { all } from './reduce.js'

const float = { result: 'float' } as const
const NAN = Number.NaN
const INFINITY = Number.POSITIVE_INFINITY

/**
 * The tensor itself, as `torch.positive`.
 *
 * @throws Error for bool.
 * @example
 * torch.positive(torch.tensor([1, -2])).tolist() // [1, -2]
 */
export function positive(self: Tensor): Tensor {
  if (self.dtype === 'bool') throw new Error('The `+` operator, on a bool tensor is not supported.')
  return self
}
/**
 * Degrees as radians, as `torch.deg2rad`.
 *
 * @example
 * torch.deg2rad(torch.tensor([180])) // tensor([3.1416])
 */
export const deg2rad = unary('Mul', e.mul(x, Math.PI / 180), float)
/**
 * Radians as degrees, as `torch.rad2deg`.
 *
 * @example
 * torch.rad2deg(torch.tensor([Math.PI])) // tensor([180.])
 */
export const rad2deg = unary('Mul', e.mul(x, 180 / Math.PI), float)

const signOfFloat = unary('Signbit', e.lt(e.copysign(1, x), 0), { result: 'bool' })
const signOfInteger = unary('Signbit', e.lt(x, 0), { result: 'bool' })
/**
 * Whether the sign bit is set, that of -0 included, as `torch.signbit`.
 *
 * @example
 * torch.signbit(torch.tensor([1, -0, -2])).tolist() // [false, true, true]
 */
export const signbit = (self: Tensor): Tensor => (isFloatingPoint(self.dtype) ? signOfFloat : signOfInteger)(self)
const plusInfinity = unary('Isposinf', e.eq(x, INFINITY), { result: 'bool', check: notComplex })
const minusInfinity = unary('Isneginf', e.eq(x, -INFINITY), { result: 'bool', check: notComplex })
const none = unary('Isposinf', e.ne(x, x), { result: 'bool' })
/**
 * Whether it is +∞, as `torch.isposinf`.
 *
 * @example
 * torch.isposinf(torch.tensor([Infinity, -Infinity])).tolist() // [true, false]
 */
export const isposinf = (self: Tensor): Tensor => (isDifferentiable(self.dtype) ? plusInfinity : none)(self)
/**
 * Whether it is −∞, as `torch.isneginf`.
 *
 * @example
 * torch.isneginf(torch.tensor([Infinity, -Infinity])).tolist() // [false, true]
 */
export const isneginf = (self: Tensor): Tensor => (isDifferentiable(self.dtype) ? minusInfinity : none)(self)

const inner = e.mul(Math.PI, x)
/**
 * sin(πx) / (πx), and 1 at 0, as `torch.sinc`.
 *
 * @example
 * torch.sinc(torch.tensor([0, 0.5])) // tensor([1.0000, 0.6366])
 */
export const sinc = unary('Sinc', e.where(e.eq(x, 0), 1, e.div(e.sin(inner), inner)), {
  ...float,
  gradient: e.where(e.eq(x, 0), 0, e.mul(g, e.div(e.sub(e.mul(e.cos(inner), inner), e.sin(inner)), e.mul(inner, x)))),
})

const plainLogit = unary('Logit', e.log(e.div(x, e.sub(1, x))), {
  ...float,
  gradient: e.where(e.either(e.lt(x, 0), e.gt(x, 1)), NAN, e.div(g, e.mul(x, e.sub(1, x)))),
})
const eps = variable('eps')
const clamped = e.where(e.lt(x, eps), eps, e.where(e.gt(x, e.sub(1, eps)), e.sub(1, eps), x))
const clampedLogit = new PointwiseOp('Logit', ['x', 'eps'], [e.log(e.div(clamped, e.sub(1, clamped)))], {
  ...float,
  untyped: ['eps'],
  gradients: { x: e.where(e.either(e.lt(x, eps), e.gt(x, e.sub(1, eps))), 0, e.div(g, e.mul(x, e.sub(1, x)))) },
})
type Logit = (self: Tensor, eps?: number | null | { eps?: number | null }) => Tensor
/**
 * ln(x / (1 − x)), with x limited to [eps, 1 − eps] where eps is given, as `torch.logit`: the inverse of the sigmoid.
 *
 * @example
 * torch.logit(torch.tensor([0.5, 0.9])) // tensor([0.0000, 2.1972])
 * torch.logit(torch.tensor([0, 0.9]), { eps: 0.25 }) // tensor([-1.0986,  1.0986])
 */
export const logit: WithInPlace<Logit> = Object.assign<Logit, { inPlace: Logit }>(
  (self, given) => {
    const limit = readArgument<number | null>('logit', 'eps', given, null)
    return limit === null ? plainLogit(self) : clampedLogit.call(self, limit)
  },
  {
    inPlace: (self, given) => {
      const limit = readArgument<number | null>('logit_', 'eps', given, null)
      return limit === null ? plainLogit.inPlace(self) : clampedLogit.callInPlace(self, limit)
    },
  },
)

const distance = e.neg(e.abs(e.sub(x, y)))
/**
 * ln(e^self + e^other) without overflow, as `torch.logaddexp`.
 *
 * @example
 * torch.logaddexp(torch.tensor([0, 1000]), torch.tensor([0, 1000])) // tensor([6.9315e-01, 1.0007e+03])
 */
export const logaddexp = tensorBinary(
  'Logaddexp',
  e.where(e.eq(x, y), e.add(x, Math.LN2), e.add(e.max(x, y), e.log1p(e.exp(distance)))),
  {
    check: floatsOnly,
    gradients: {
      x: e.div(g, e.add(1, e.exp(e.sub(y, x)))),
      y: e.div(g, e.add(1, e.exp(e.sub(x, y)))),
    },
  },
)
/**
 * log₂(2^self + 2^other) without overflow, as `torch.logaddexp2`.
 *
 * @example
 * torch.logaddexp2(torch.tensor([3]), torch.tensor([3])).tolist() // [4]
 */
export const logaddexp2 = tensorBinary(
  'Logaddexp2',
  e.where(e.eq(x, y), e.add(x, 1), e.add(e.max(x, y), e.mul(e.log1p(e.exp2(distance)), Math.LOG2E))),
  {
    check: floatsOnly,
    gradients: {
      x: e.div(g, e.add(1, e.exp2(e.sub(y, x)))),
      y: e.div(g, e.add(1, e.exp2(e.sub(x, y)))),
    },
  },
)

/**
 * 0 below zero, 1 above, `values` at zero, as `torch.heaviside`.
 *
 * @example
 * torch.heaviside(torch.tensor([-1, 0, 2]), torch.tensor([0.5])).tolist() // [0, 0.5, 1]
 */
export const heaviside = tensorBinary('Heaviside', e.where(e.eq(x, 0), y, e.gt(x, 0)), {
  gradients: { x: e.constant(0), y: e.constant(0) },
  check: (_dtype: DType, _name, args) => {
    const [first, second] = args as Tensor[]
    if (first.dtype !== second.dtype) throw new Error('heaviside is not yet implemented for tensors with different dtypes.')
  },
})

const nothing = e.both(e.eq(x, 0), e.le(y, 0))
/**
 * self · ln(other), and 0 where self is 0, as `torch.xlogy`.
 *
 * @example
 * torch.xlogy(torch.tensor([0, 2]), torch.tensor([0, 1])).tolist() // [0, 0]
 */
export const xlogy = eitherBinary('Xlogy', e.where(e.ne(y, y), NAN, e.where(e.eq(x, 0), 0, e.mul(x, e.log(y)))), {
  ...float,
  // Where no gradient comes in, none goes out, even where the logarithm is NaN.
  gradients: { x: e.where(e.either(e.both(e.eq(g, 0), e.eq(y, y)), nothing), 0, e.mul(g, e.log(y))), y: e.div(e.mul(g, x), y) },
})
/**
 * The next representable number towards `other`, as `torch.nextafter`.
 *
 * @example
 * torch.nextafter(torch.tensor([1]), torch.tensor([2])).gt(1).tolist() // [true]
 */
export const nextafter = tensorBinary('Nextafter', e.nextafter(x, y), {
  check: (dtype, name) => {
    floatsOnly(dtype, name)
    if (itemSize(dtype) < 4) throw new Error(`not implemented: nextafter for '${scalarName(dtype)}'`)
  },
})

const [nan, posinf, neginf] = ['nan', 'posinf', 'neginf'].map(variable)
const numbersOnly = new PointwiseOp(
  'NanToNum',
  ['x', 'nan', 'posinf', 'neginf'],
  [e.where(e.ne(x, x), nan, e.where(e.eq(x, INFINITY), posinf, e.where(e.eq(x, -INFINITY), neginf, x)))],
  {
    untyped: ['nan', 'posinf', 'neginf'],
    check: notComplex,
    gradients: { x: e.where(e.both(e.eq(x, x), e.lt(e.abs(x), INFINITY)), g, 0) },
  },
)
/** The largest finite number of a dtype. */
const largest: Partial<Record<DType, number>> = {
  float16: 65504,
  bfloat16: 3.3895313892515355e38,
  float32: 3.4028234663852886e38,
  float64: Number.MAX_VALUE,
}
type Replacement = number | null
export interface NanToNumOptions {
  /** What stands for NaN; 0 unless given. */
  nan?: Replacement
  /** What stands for ∞; the dtype's largest number unless given. */
  posinf?: Replacement
  /** What stands for −∞; the dtype's lowest number unless given. */
  neginf?: Replacement
}
type NanToNumArguments = Arguments<[nan: Replacement, posinf: Replacement, neginf: Replacement], NanToNumOptions>
type NanToNum = (self: Tensor, ...args: NanToNumArguments) => Tensor
function replacements(dtype: DType, args: NanToNumArguments): [number, number, number] {
  const given = readArguments<NanToNumOptions>('nan_to_num', args, ['nan', 'posinf', 'neginf'])
  const top = largest[dtype]!
  return [given.nan ?? 0, given.posinf ?? top, given.neginf ?? -top]
}
/**
 * NaN and the infinities replaced by numbers: 0 and the largest ones unless given, as `torch.nan_to_num`.
 *
 * @example
 * torch.nanToNum(torch.tensor([NaN, 2])).tolist() // [0, 2]
 * torch.nanToNum(torch.tensor([NaN, Infinity, -Infinity]), { nan: 1, posinf: 2, neginf: 3 }).tolist() // [1, 2, 3]
 */
export const nanToNum: WithInPlace<NanToNum> = Object.assign(
  (self: Tensor, ...args: NanToNumArguments): Tensor =>
    isDifferentiable(self.dtype) ? numbersOnly.call(self, ...replacements(self.dtype, args)) : to(self, { copy: true }),
  {
    inPlace: (self: Tensor, ...args: NanToNumArguments): Tensor =>
      isDifferentiable(self.dtype) ? numbersOnly.callInPlace(self, ...replacements(self.dtype, args)) : self,
  },
)

/**
 * A power computed in float64, as `torch.float_power`.
 *
 * @example
 * torch.floatPower(torch.tensor([2n]), 0.5) // tensor([1.4142], dtype=torch.float64)
 */
export const floatPower = Object.assign(
  (self: Tensor | Scalar, exponent: Tensor | Scalar): Tensor => {
    const dtype = widest(self, exponent)
    return pow(widened(self, dtype), widened(exponent, dtype))
  },
  {
    inPlace: (self: Tensor, exponent: Tensor | Scalar): Tensor => {
      const dtype = widest(self, exponent)
      if (self.dtype !== dtype)
        throw new Error(
          `the base given to float_power_ has dtype ${scalarName(self.dtype)} but the operation's result requires dtype ${scalarName(dtype)}`,
        )
      return pow.inPlace(self, widened(exponent, dtype))
    },
  },
)
const widest = (self: Tensor | Scalar, exponent: Tensor | Scalar): DType =>
  isComplex(resultTypeOf(self, exponent)) ? 'complex128' : 'float64'
const widened = (value: Tensor | Scalar, dtype: DType): Tensor | Scalar => (value instanceof Tensor ? to(value, dtype) : value)

export interface CloseOptions {
  rtol?: number
  atol?: number
  /** Whether NaN counts as close to NaN. */
  equalNan?: boolean
}
export type CloseArguments = Arguments<[rtol: number, atol: number, equalNan: boolean], CloseOptions>
/**
 * Whether |self − other| <= atol + rtol·|other|, element by element, as `torch.isclose`. rtol is 1e-5 and atol 1e-8
 * unless given.
 *
 * @throws Error for different dtypes, or a negative tolerance
 * @example
 * torch.isclose(torch.tensor([1, 2]), torch.tensor([1.000001, 3])).tolist() // [true, false]
 */
export function isclose(self: Tensor, other: Tensor, ...args: CloseArguments): Tensor {
  const names = ['rtol', 'atol', 'equalNan'] as const
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = readArguments<CloseOptions>('isclose', args, names)
  if (self.dtype !== other.dtype) throw new Error(`${scalarName(self.dtype)} did not match ${scalarName(other.dtype)}`)
  if (rtol < 0) throw new Error(`rtol must be greater than or equal to zero, but got ${rtol}`)
  if (atol < 0) throw new Error(`atol must be greater than or equal to zero, but got ${atol}`)
  const [p, q] = isDifferentiable(self.dtype) ? [self, other] : [to(self, 'float64'), to(other, 'float64')]
  const bound = add(mul(abs(q), rtol), atol)
  const finite = logicalAnd(le(abs(sub(p, q)), bound), eq(mul(q, 0), 0))
  const close = logicalOr(eq(p, q), finite)
  return equalNan ? logicalOr(close, logicalAnd(isnan(p), isnan(q))) : close
}
/**
 * Whether all elements are close, as `torch.allclose`: `isclose` everywhere.
 *
 * @throws Error for different dtypes, or a negative tolerance
 * @example
 * torch.allclose(torch.tensor([1, 2]), torch.tensor([1, 2.1]), { atol: 0.2 }) // true
 */
export const allclose = (self: Tensor, other: Tensor, ...args: CloseArguments): boolean =>
  item(all(isclose(self, other, ...args))) as boolean
/**
 * Whether two tensors have the same shape and elements, as `torch.equal`.
 *
 * @example
 * torch.equal(torch.tensor([1, 2]), torch.tensor([1, 2])) // true
 */
export function equal(self: Tensor, other: Tensor): boolean {
  return sameShape(self.layout.shape, other.layout.shape) && (item(all(eq(self, other))) as boolean)
}

function multivariateLgamma(self: Tensor, p: number): Tensor {
  if (!Number.isInteger(p) || p < 1) throw new Error('p has to be greater than or equal to 1')
  if (self.dtype === 'bool') throw new Error('The input tensor may not be a boolean tensor.')
  const shifts = Array.from({ length: p }, (_, j) => lgamma(sub(self, j / 2)))
  return add(
    shifts.reduce((total, term) => add(total, term)),
    (p * (p - 1) * Math.log(Math.PI)) / 4,
  )
}
/**
 * The logarithm of the multivariate gamma function of dimension p, as `torch.mvlgamma`:
 * p(p − 1)/4 · ln π + Σⱼ ln Γ(x − j/2) for j from 0 to p − 1.
 *
 * @throws Error for p < 1
 * @example
 * torch.mvlgamma(torch.tensor([2.5]), 2) // tensor([0.8570])
 */
export const mvlgamma = Object.assign((self: Tensor, p: number): Tensor => multivariateLgamma(self, p), {
  inPlace: (self: Tensor, p: number): Tensor => {
    checkInPlace(self, null, isFloatingPoint(self.dtype) ? self.dtype : getDefaultDtype())
    return copy_(self, multivariateLgamma(clone(self), p))
  },
})
