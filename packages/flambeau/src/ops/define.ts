/** The three lines that most ops are: from a term to a function with an in-place form. */

import { notOfComplex } from '../backends/complex.js'
import { type Complex, isComplexNumber } from '../core/complex.js'
import {
  type DType,
  getDefaultDtype,
  isComplex,
  isDifferentiable,
  isFloatingPoint,
  realDType,
  type Scalar,
  scalarName,
} from '../core/dtype.js'
import { Layout } from '../core/layout.js'
import { Storage } from '../core/storage.js'
import { Tensor } from '../core/tensor.js'
import type { Expr } from '../ir/expr.js'
import { filled } from './copy.js'
import { PointwiseOp, type PointwiseOptions } from './pointwise.js'

/** The complex dtype of a complex number beside a tensor of this dtype. */
const complexOver = (dtype: DType): DType =>
  realDType(isDifferentiable(dtype) ? dtype : getDefaultDtype()) === 'float64' ? 'complex128' : 'complex64'

/** A function and its in-place form, for signatures that are not among those below. */
export type WithInPlace<F> = F & { readonly inPlace: F }

/** An op with an in-place form, which becomes the Tensor method with a trailing underscore. */
export interface Unary {
  (self: Tensor): Tensor
  readonly inPlace: (self: Tensor) => Tensor
}

export interface Binary {
  (self: Tensor, other: Tensor | Scalar | Complex): Tensor
  readonly inPlace: (self: Tensor, other: Tensor | Scalar | Complex) => Tensor
}

/** A function whose first operand may be a number too. */
export interface EitherBinary {
  (self: Tensor | Scalar | Complex, other: Tensor | Scalar | Complex): Tensor
  readonly inPlace: (self: Tensor, other: Tensor | Scalar | Complex) => Tensor
}

/** A function of two tensors, where PyTorch takes no number. */
export interface TensorBinary {
  (self: Tensor, other: Tensor): Tensor
  readonly inPlace: (self: Tensor, other: Tensor) => Tensor
}

export interface Ternary {
  (self: Tensor, second: Tensor | Scalar, third: Tensor | Scalar): Tensor
  readonly inPlace: (self: Tensor, second: Tensor | Scalar, third: Tensor | Scalar) => Tensor
}

/** A function of one tensor: a term over x, with its gradient over g, x and out where the derived one is not the best. */
export function unary(name: string, term: Expr, options: PointwiseOptions & { gradient?: Expr } = {}): Unary {
  const gradients = options.gradient ? { x: options.gradient } : options.gradients
  const op = new PointwiseOp(name, ['x'], [term], { ...options, gradients })
  return Object.assign((self: Tensor) => op.call(requireTensor(self, name)), {
    inPlace: (self: Tensor) => op.callInPlace(self),
  })
}

/** A function of two operands, the second a tensor or a number: a term over x and y. */
export function binary(name: string, term: Expr, options: PointwiseOptions = {}): Binary {
  const op = new PointwiseOp(name, ['x', 'y'], [term], options)
  return Object.assign(
    (self: Tensor, other: Tensor | Scalar | Complex) => op.call(requireTensor(self, name), operand(self, other, name)),
    { inPlace: (self: Tensor, other: Tensor | Scalar | Complex) => op.callInPlace(self, operand(self, other, name)) },
  )
}

/** A function of two operands of which either may be a number: `pow(2, x)`. */
export function eitherBinary(name: string, term: Expr, options: PointwiseOptions = {}): EitherBinary {
  const op = new PointwiseOp(name, ['x', 'y'], [term], options)
  return Object.assign(
    (self: Tensor | Scalar | Complex, other: Tensor | Scalar | Complex) =>
      self instanceof Tensor ? op.call(self, operand(self, other, name)) : op.call(...operands(self, other, name)),
    { inPlace: (self: Tensor, other: Tensor | Scalar | Complex) => op.callInPlace(self, operand(self, other, name)) },
  )
}

/** A function of two tensors: a term over x and y. */
export function tensorBinary(name: string, term: Expr, options: PointwiseOptions = {}): TensorBinary {
  const op = new PointwiseOp(name, ['x', 'y'], [term], options)
  const both = (self: Tensor, other: Tensor): [Tensor, Tensor] => [requireTensor(self, name), requireTensor(other, name, 'other')]
  return Object.assign((self: Tensor, other: Tensor) => op.call(...both(self, other)), {
    inPlace: (self: Tensor, other: Tensor) => {
      const [x, y] = both(self, other)
      return op.callInPlace(x, y)
    },
  })
}

/** A function of three operands: a term over x, y and z. */
export function ternary(name: string, term: Expr, options: PointwiseOptions = {}): Ternary {
  const op = new PointwiseOp(name, ['x', 'y', 'z'], [term], options)
  return Object.assign(
    (self: Tensor, second: Tensor | Scalar, third: Tensor | Scalar) =>
      op.call(requireTensor(self, name), operand(self, second, name), operand(self, third, name)),
    {
      inPlace: (self: Tensor, second: Tensor | Scalar, third: Tensor | Scalar) =>
        op.callInPlace(self, operand(self, second, name), operand(self, third, name)),
    },
  )
}

/** Checks for `PointwiseOptions.check`, with PyTorch's words. */
export const floatsOnly = (dtype: DType, name: string): void => {
  if (!isFloatingPoint(dtype)) throw new Error(`"${name.toLowerCase()}_cpu" not implemented for '${scalarName(dtype)}'`)
}
export const integersOnly = (dtype: DType, name: string): void => {
  if (isDifferentiable(dtype)) throw new Error(`"${name.toLowerCase()}_cpu" not implemented for '${scalarName(dtype)}'`)
}
export const notComplex = (dtype: DType, name: string): void => {
  if (isComplex(dtype)) throw notOfComplex(name, dtype)
}
export const notBool = (dtype: DType, name: string): void => {
  if (dtype === 'bool') throw new Error(`"${name.toLowerCase()}_cpu" not implemented for 'Bool'`)
}

export function requireTensor(value: unknown, name: string, argument = 'input'): Tensor {
  if (value instanceof Tensor) return value
  throw new TypeError(`${name.toLowerCase()}(): argument '${argument}' must be Tensor, not ${describe(value)}`)
}

/**
 * A second operand as ops take it; what no number can hold becomes a 0-d tensor: a large bigint one of int64, a complex
 * number one as precise as `self`.
 */
export function operand(self: Tensor, value: Tensor | Scalar | Complex, name: string): Tensor | Scalar {
  if (value instanceof Tensor || typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? value : bigintTensor(self, value)
  if (isComplexNumber(value)) return filled(self, [], value, complexOver(self.dtype))
  throw new TypeError(`${name.toLowerCase()}(): argument 'other' must be Tensor or number, not ${describe(value)}`)
}

/** Two operands of which the second may be the only tensor: the first is then a number, as `operand` makes it. */
export const operands = (self: unknown, other: unknown, name: string): [Tensor | Scalar, Tensor | Scalar] =>
  self instanceof Tensor || !(other instanceof Tensor)
    ? [requireTensor(self, name), operand(self as Tensor, other as Scalar, name)]
    : [operand(other, self as Scalar, name), other]

const describe = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value)

function bigintTensor(like: Tensor, value: bigint): Tensor {
  const backend = like.storage.allocator
  const storage = new Storage(backend, backend.allocate(8), 8)
  new BigInt64Array(storage.memory.buffer as ArrayBuffer, storage.memory.byteOffset, 1)[0] = value
  return new Tensor(storage, new Layout([], []), 'int64')
}
