/** Comparisons and logic: results are bool and have no gradient. */

import type { Complex } from '../core/complex.js'
import type { DType, Scalar } from '../core/dtype.js'
import { isDifferentiable, scalarName } from '../core/dtype.js'
import { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { x, y, z } from '../ir/expr.js'
import { valueFor } from './copy.js'
import { binary, eitherBinary, integersOnly, notBool, operand, tensorBinary, unary } from './define.js'
import { nonzero } from './indexing.js'
import { PointwiseOp } from './pointwise.js'

/**
 * `self == other` element by element, as `torch.eq`.
 *
 * @example
 * torch.tensor([1, 2]).eq(torch.tensor([1, 3])).tolist() // [true, false]
 */
export const eq = binary('Eq', e.eq(x, y), { result: 'bool' })
/**
 * `self != other` element by element, as `torch.ne`.
 *
 * @example
 * torch.tensor([1, 2]).ne(1).tolist() // [false, true]
 */
export const ne = binary('Ne', e.ne(x, y), { result: 'bool' })
/**
 * `self < other` element by element, as `torch.lt`.
 *
 * @example
 * torch.tensor([1, 2]).lt(2).tolist() // [true, false]
 */
export const lt = binary('Lt', e.lt(x, y), { result: 'bool' })
/**
 * `self <= other` element by element, as `torch.le`.
 *
 * @example
 * torch.tensor([1, 2]).le(1).tolist() // [true, false]
 */
export const le = binary('Le', e.le(x, y), { result: 'bool' })
/**
 * `self > other` element by element, as `torch.gt`.
 *
 * @example
 * torch.tensor([1, 2]).gt(1).tolist() // [false, true]
 */
export const gt = binary('Gt', e.gt(x, y), { result: 'bool' })
/**
 * `self >= other` element by element, as `torch.ge`.
 *
 * @example
 * torch.tensor([1, 2]).ge(2).tolist() // [false, true]
 */
export const ge = binary('Ge', e.ge(x, y), { result: 'bool' })

const truth = (a: e.Expr): e.Expr => e.ne(a, 0)
/**
 * Whether both are nonzero, as `torch.logical_and`.
 *
 * @example
 * torch.logicalAnd(torch.tensor([true, true]), torch.tensor([true, false])).tolist() // [true, false]
 */
export const logicalAnd = tensorBinary('LogicalAnd', e.both(truth(x), truth(y)), { result: 'bool' })
/**
 * Whether either is nonzero, as `torch.logical_or`.
 *
 * @example
 * torch.logicalOr(torch.tensor([true, false]), torch.tensor([false, false])).tolist() // [true, false]
 */
export const logicalOr = tensorBinary('LogicalOr', e.either(truth(x), truth(y)), { result: 'bool' })
/**
 * Whether exactly one is nonzero, as `torch.logical_xor`.
 *
 * @example
 * torch.logicalXor(torch.tensor([true, true]), torch.tensor([true, false])).tolist() // [false, true]
 */
export const logicalXor = tensorBinary('LogicalXor', e.ne(truth(x), truth(y)), { result: 'bool' })
/**
 * Whether it is zero, as `torch.logical_not`.
 *
 * @example
 * torch.logicalNot(torch.tensor([0, 2])).tolist() // [true, false]
 */
export const logicalNot = unary('LogicalNot', e.not(x), { result: 'bool' })

const wholeNumbers = (dtype: DType, name: string): void => {
  integersOnly(dtype, name)
  notBool(dtype, name)
}
/**
 * Bit by bit; of bools, the logical and, as `torch.bitwise_and`.
 *
 * @example
 * torch.bitwiseAnd(torch.tensor([6n]), torch.tensor([3n])).tolist() // [2]
 */
export const bitwiseAnd = eitherBinary('bitwise_and', e.and(x, y), { check: integersOnly })
/**
 * Bit by bit; of bools, the logical or, as `torch.bitwise_or`.
 *
 * @example
 * torch.bitwiseOr(torch.tensor([6n]), torch.tensor([3n])).tolist() // [7]
 */
export const bitwiseOr = eitherBinary('bitwise_or', e.or(x, y), { check: integersOnly })
/**
 * Bit by bit; of bools, the exclusive or, as `torch.bitwise_xor`.
 *
 * @example
 * torch.bitwiseXor(torch.tensor([6n]), torch.tensor([3n])).tolist() // [5]
 */
export const bitwiseXor = eitherBinary('bitwise_xor', e.xor(x, y), { check: integersOnly })
const notBits = unary('bitwise_not', e.bitNot(x), { check: integersOnly })
const chooseNot = (self: Tensor) => (self.dtype === 'bool' ? logicalNot : notBits)
/**
 * Every bit flipped; of bools, the logical not, as `torch.bitwise_not`.
 *
 * @example
 * torch.bitwiseNot(torch.tensor([0n, 5n])).tolist() // [-1, -6]
 */
export const bitwiseNot = Object.assign((self: Tensor): Tensor => chooseNot(self)(self), {
  inPlace: (self: Tensor): Tensor => chooseNot(self).inPlace(self),
})
/**
 * `self · 2^other` in integers, as `torch.bitwise_left_shift`.
 *
 * @example
 * torch.bitwiseLeftShift(torch.tensor([1n, 3n]), 2).tolist() // [4, 12]
 */
export const bitwiseLeftShift = eitherBinary('lshift', e.shl(x, y), { check: wholeNumbers })
/**
 * `self / 2^other` rounded down, as `torch.bitwise_right_shift`.
 *
 * @example
 * torch.bitwiseRightShift(torch.tensor([8n, -8n]), 2).tolist() // [2, -2]
 */
export const bitwiseRightShift = eitherBinary('rshift', e.shr(x, y), { check: wholeNumbers })

/**
 * Whether it is NaN, as `torch.isnan`.
 *
 * @example
 * torch.isnan(torch.tensor([1, NaN])).tolist() // [false, true]
 */
export const isnan = unary('Isnan', e.ne(x, x), { result: 'bool' })
const infinite = unary('Isinf', e.isinf(x), { result: 'bool' })
const isFinite = unary('Isfinite', e.not(e.either(e.isinf(x), e.isnan(x))), { result: 'bool' })
const never = unary('Isinf', e.ne(x, x), { result: 'bool' })
const always = unary('Isfinite', e.eq(x, x), { result: 'bool' })
/**
 * Whether it is infinite, as `torch.isinf`.
 *
 * @example
 * torch.isinf(torch.tensor([1, -Infinity])).tolist() // [false, true]
 */
export const isinf = (self: Tensor): Tensor => (isDifferentiable(self.dtype) ? infinite : never)(self)
/**
 * Whether it is neither infinite nor NaN, as `torch.isfinite`.
 *
 * @example
 * torch.isfinite(torch.tensor([1, NaN, Infinity])).tolist() // [true, false, false]
 */
export const isfinite = (self: Tensor): Tensor => (isDifferentiable(self.dtype) ? isFinite : always)(self)

const whereOp = new PointwiseOp('Where', ['x', 'y', 'z'], [e.where(x, y, z)], { untyped: ['x'] })
/**
 * `a` where the condition holds, `b` elsewhere, with broadcasting, as `torch.where`.
 *
 * @example
 * torch.where(torch.tensor([true, false]), 1, torch.tensor([5, 6])).tolist() // [1, 6]
 */
export function where(condition: Tensor, a: Tensor | Scalar | Complex, b: Tensor | Scalar | Complex): Tensor
/** The indices where the condition is not zero, one tensor per dimension, as `torch.where(condition)`. */
export function where(condition: Tensor): Tensor[]
export function where(condition: Tensor, a?: Tensor | Scalar | Complex, b?: Tensor | Scalar | Complex): Tensor | Tensor[] {
  if (a === undefined && b === undefined) return nonzero(condition, { asTuple: true })
  if (a === undefined || b === undefined) throw new TypeError('where(): expected a condition alone, or with two more arguments')
  if (condition.dtype !== 'bool' && condition.dtype !== 'uint8')
    throw new Error(`where expected condition to be a boolean tensor, but got a tensor with dtype ${scalarName(condition.dtype)}`)
  const like = a instanceof Tensor ? a : b instanceof Tensor ? b : condition
  return whereOp.call(condition, operand(like, a, 'where'), operand(like, b, 'where'))
}

const maskOp = new PointwiseOp('MaskedFill', ['x', 'y', 'z'], [e.where(y, z, x)], {
  result: 'first',
  gradients: { x: e.where(y, 0, e.g), z: e.where(y, e.g, 0) },
})
const maskArguments = (self: Tensor, mask: Tensor, value: Tensor | Scalar | Complex): [Tensor, Tensor, Tensor | Scalar] => {
  if (mask.dtype !== 'bool' && mask.dtype !== 'uint8')
    throw new Error(`masked_fill_ only supports boolean masks, but got mask with dtype ${scalarName(mask.dtype)}`)
  const filling = valueFor(self, value)
  if (typeof filling === 'object' && filling.ndim > 0)
    throw new Error(`masked_fill_ only supports a 0-dimensional value tensor, but got tensor with ${filling.ndim} dimension(s).`)
  return [self, mask, filling]
}
/**
 * A copy with `value` where the mask holds, as `torch.masked_fill`.
 *
 * @example
 * const x = torch.tensor([1, 2, 3])
 * x.maskedFill(x.gt(1), 0).tolist() // [1, 0, 0]
 */
export const maskedFill = Object.assign(
  (self: Tensor, mask: Tensor, value: Tensor | Scalar | Complex): Tensor => maskOp.call(...maskArguments(self, mask, value)),
  {
    inPlace: (self: Tensor, mask: Tensor, value: Tensor | Scalar | Complex): Tensor =>
      maskOp.callInPlace(...maskArguments(self, mask, value)),
  },
)
