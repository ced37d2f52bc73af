/** What the ops of linear algebra share: checks in PyTorch's words, fresh row-major matrices, and small pieces of formulas. */

import { readArguments } from '../../core/arguments.js'
import { type DType, isFloatingPoint, scalarName } from '../../core/dtype.js'
import { broadcastShapes, type Shape, sameShape } from '../../core/layout.js'
import type { Tensor } from '../../core/tensor.js'
import { div, mul, sub } from '../arithmetic.js'
import { to } from '../cast.js'
import { eq } from '../comparison.js'
import { copyInto, counted } from '../copy.js'
import { elements } from '../creation.js'
import { diagonal, tril } from '../diagonal.js'
import { emptyTensor } from '../dispatch.js'
import { gather } from '../indexing.js'
import { argsort } from '../sort.js'
import { expand, transpose, unsqueeze } from '../view.js'

/** Options that PyTorch takes by name alone. @throws TypeError for another name */
export const readOptions = <O extends object>(name: string, options: O, names: readonly (keyof O & string)[]): O =>
  readArguments<O>(name, [options], [], names)

/** The shape before the last two dimensions. */
export const batchOf = (a: Tensor): Shape => a.layout.shape.slice(0, -2)
/** The sizes of the last two dimensions. */
export const sizesOf = (a: Tensor): [rows: number, columns: number] => a.layout.shape.slice(-2) as unknown as [number, number]
/** The matrices transposed. */
export const mT = (a: Tensor): Tensor => transpose(a, -2, -1)
/** The diagonals as the last dimension: a view. */
export const mainDiagonal = (a: Tensor): Tensor => diagonal(a, 0, -2, -1)

/** @throws Error `linalg.inv: The input tensor A must have at least 2 dimensions.` */
export function requireMatrix(name: string, a: Tensor, argument = 'A'): void {
  if (a.ndim < 2) throw new Error(`${name}: The input tensor ${argument} must have at least 2 dimensions.`)
}

/** @throws Error `linalg.inv: A must be batches of square matrices, but they are 2 by 3 matrices` */
export function requireSquare(name: string, a: Tensor, argument = 'A'): void {
  requireMatrix(name, a, argument)
  const [rows, columns] = sizesOf(a)
  if (rows !== columns)
    throw new Error(`${name}: ${argument} must be batches of square matrices, but they are ${rows} by ${columns} matrices`)
}

const isComplex = (dtype: DType): boolean => dtype.startsWith('complex')
const isLowPrecision = (dtype: DType): boolean => dtype === 'float16' || dtype === 'bfloat16'

/** @throws Error where the dtype is not floating, or narrower than float32. */
export function requireFloating(name: string, a: Tensor): void {
  if (isComplex(a.dtype)) throw new Error(`not implemented: ${name} of ${a.dtype}`)
  if (!isFloatingPoint(a.dtype))
    throw new Error(`${name}: Expected a floating point or complex tensor as input. Got ${scalarName(a.dtype)}`)
  if (isLowPrecision(a.dtype)) throw new Error(`${name}: Low precision dtypes not supported. Got ${scalarName(a.dtype)}`)
}

/** @throws Error `"lu_cpu" not implemented for 'Half'`: what PyTorch says where only its kernel checks the dtype. */
export function requireKernel(kernel: string, a: Tensor): void {
  if (isComplex(a.dtype)) throw new Error(`not implemented: ${kernel} of ${a.dtype}`)
  if (!isFloatingPoint(a.dtype) || isLowPrecision(a.dtype))
    throw new Error(`"${kernel}" not implemented for '${scalarName(a.dtype)}'`)
}

/** @throws Error where the two differ in dtype. */
export function requireSameDType(name: string, a: Tensor, b: Tensor, [nameA, nameB] = ['A', 'B']): void {
  if (a.dtype !== b.dtype)
    throw new Error(
      `${name}: Expected ${nameA} and ${nameB} to have the same dtype, but found ${nameA} of type ${scalarName(a.dtype)} and ` +
        `${nameB} of type ${scalarName(b.dtype)} instead`,
    )
}

/** New memory with these elements in row-major order, for a kernel that works in place. */
export function freshMatrices(a: Tensor): Tensor {
  const out = emptyTensor(a.storage.allocator, a.layout.shape, a.dtype)
  copyInto(out, a)
  return out
}

/** An uninitialised tensor on the same backend; of the same dtype unless given. */
export const emptyAs = (a: Tensor, shape: Shape, dtype: DType = a.dtype): Tensor => emptyTensor(a.storage.allocator, shape, dtype)

/**
 * An error that says which matrix of a batch, if there is one, a kernel gave up on.
 *
 * @example
 * torch.linalg.inv(torch.zeros(1, 2, 2))
 * // LinAlgError: linalg.inv: (Batch element 0): The diagonal element 1 is zero, the inversion could not be completed
 * // because the input matrix is singular.
 */
export class LinAlgError extends Error {
  override readonly name = 'LinAlgError'
}

/** Throws for the first matrix whose info is not 0. `message` is given the info and, for batches, the words that name the matrix. */
export function checkInfos(infos: Tensor, name: string, message: (info: number) => string): void {
  const values = elements(infos)
  for (let i = 0; i < values.length; i++)
    if (Number(values[i]) !== 0) {
      const which = infos.ndim > 0 ? `(Batch element ${i}): ` : ''
      throw new LinAlgError(`${name}: ${which}${message(Number(values[i]))}`)
    }
}

/** What PyTorch says of a matrix that has no inverse. */
export const singularMessage = (info: number): string =>
  `The diagonal element ${info} is zero, the inversion could not be completed because the input matrix is singular.`

/** Two batches of matrices made to have the same batch dimensions, by views. */
export function broadcastMatrices(a: Tensor, b: Tensor): [Tensor, Tensor] {
  const [batchA, batchB] = [batchOf(a), batchOf(b)]
  if (sameShape(batchA, batchB)) return [a, b]
  const batch = broadcastShapes([batchA, batchB])
  return [expand(a, [...batch, ...sizesOf(a)]), expand(b, [...batch, ...sizesOf(b)])]
}

/** A matrix with ones at [i, i], which broadcasts as a batch. */
export function identityLike(a: Tensor, rows: number, columns = rows): Tensor {
  return to(eq(unsqueeze(counted(a, rows), 1), counted(a, columns)), a.dtype)
}

/** Row i of the result is row `permutation[i]`. */
export function permuteRows(a: Tensor, permutation: Tensor): Tensor {
  return gather(a, -2, expand(unsqueeze(permutation, -1), a.layout.shape))
}
/** Undoes `permuteRows`. */
export const unpermuteRows = (a: Tensor, permutation: Tensor): Tensor => permuteRows(a, argsort(permutation))

/** X − Xᵀ. */
export const skew = (x: Tensor): Tensor => sub(x, mT(x))
/** The lower triangle with its diagonal halved. */
export const halvedTril = (x: Tensor): Tensor => sub(tril(x), div(mul(x, identityLike(x, sizesOf(x)[0])), 2))
