/** Cholesky factorizations. */

import { type Arguments, readArguments } from '../../core/arguments.js'
import { scalarName } from '../../core/dtype.js'
import { type Named, named } from '../../core/results.js'
import type { Tensor } from '../../core/tensor.js'
import { add, div, mul, neg } from '../arithmetic.js'
import { eq, ne } from '../comparison.js'
import { filled } from '../copy.js'
import { tril } from '../diagonal.js'
import { defineOp, type Op } from '../dispatch.js'
import { matmul } from '../matmul.js'
import { sum } from '../reduce.js'
import { cumsum } from '../scan.js'
import { expand } from '../view.js'
import type { CheckErrorsOptions } from './lu.js'
import {
  batchOf,
  broadcastMatrices,
  checkInfos,
  freshMatrices,
  identityLike,
  mainDiagonal,
  mT,
  readOptions,
  requireFloating,
  requireKernel,
  requireSquare,
  singularMessage,
  sizesOf,
} from './matrices.js'
import { rightTriangularSolution, triangularSolution } from './triangular.js'

const choleskyOp: Op<boolean> = defineOp<boolean>({
  name: 'LinalgCholeskyEx',
  differentiableOutputs: 1,
  forward: ([a], upper) => {
    const L = freshMatrices(upper ? mT(a.detach()) : a)
    const info = filled(a, batchOf(a), 0, 'int32')
    if (L.layout.numel > 0) L.storage.allocator.run('cholesky', L, info)
    return [upper ? freshMatrices(mT(L)) : L, info]
  },
  save: (_inputs, [L]) => [L],
  backward: ([g], { saved: [out], attrs: upper }) => {
    const [L, gL] = upper ? [mT(out), mT(g!)] : [out, g!]
    const inner = tril(matmul(mT(L), gL))
    const symmetric = div(add(inner, mT(tril(inner, -1))), 2)
    return [rightTriangularSolution(L, triangularSolution(mT(L), symmetric, true), false)]
  },
})

const choleskyErrors = (infos: Tensor, name: string): void =>
  checkInfos(
    infos,
    name,
    (info) =>
      'The factorization could not be completed because the input is not positive-definite (the leading minor of order ' +
      `${info} is not positive-definite).`,
  )

export interface UpperOptions {
  /** Factors are upper triangular: A = Uᵀ U instead of L Lᵀ. */
  upper?: boolean
}

/**
 * The Cholesky factor and infos, as `torch.linalg.cholesky_ex`: `{ L, info }`. info is the order of the first leading minor
 * that is not positive, or 0.
 *
 * @example
 * torch.linalg.choleskyEx(torch.tensor([[1, 2], [2, 1]])).info.item() // 2
 */
export function choleskyEx(A: Tensor, options: UpperOptions & CheckErrorsOptions = {}): Named<'L' | 'info'> {
  const { upper = false, checkErrors = false } = readOptions('linalg_cholesky_ex', options, ['upper', 'checkErrors'])
  requireSquare('linalg.cholesky', A)
  if (A.dtype.includes('float')) requireKernel('cholesky_cpu', A)
  requireFloating('linalg.cholesky', A)
  const [L, info] = choleskyOp([A], upper)
  if (checkErrors) choleskyErrors(info, 'linalg.cholesky')
  return named({ L, info })
}
/**
 * The lower triangular L of A = L Lᵀ for symmetric positive-definite A [.., n, n], of which one triangle is read, as
 * `torch.linalg.cholesky`.
 *
 * @throws Error `linalg.cholesky: The factorization could not be completed because the input is not positive-definite (…)`
 * @example
 * torch.linalg.cholesky(torch.tensor([[4, 2], [2, 5]])).tolist() // [ [ 2, 0 ], [ 1, 2 ] ]
 */
export function cholesky(A: Tensor, options: UpperOptions = {}): Tensor {
  const { upper = false } = readOptions('linalg_cholesky', options, ['upper'])
  return choleskyEx(A, { upper, checkErrors: true }).L
}

/**
 * The Cholesky factor, as `torch.cholesky`: like `torch.linalg.cholesky`, with `upper` by position too.
 *
 * @example
 * torch.cholesky(torch.tensor([[4, 2], [2, 5]])).tolist() // [[2, 0], [1, 2]]
 */
export function plainCholesky(A: Tensor, ...args: Arguments<[upper: boolean], UpperOptions>): Tensor {
  const { upper = false } = readArguments<UpperOptions>('cholesky', args, ['upper'])
  if (A.layout.numel === 0 && A.ndim >= 2) return choleskyOp([A], upper)[0]
  requireSquare('cholesky', A)
  requireKernel('cholesky_cpu', A)
  const [L, info] = choleskyOp([A], upper)
  choleskyErrors(info, 'cholesky')
  return L
}

/** X of L Lᵀ X = B. */
function solved(B: Tensor, L: Tensor, upper: boolean): Tensor {
  const first = triangularSolution(upper ? mT(L) : L, B, false)
  return triangularSolution(upper ? L : mT(L), first, true)
}

/** PyTorch's gradient of a factor: it has both triangles, as if the whole matrix were read. */
const factorGradient = (inner: Tensor, L: Tensor, upper: boolean): Tensor => {
  const symmetric = add(inner, mT(inner))
  return neg(upper ? matmul(L, symmetric) : matmul(symmetric, L))
}

const choleskySolveOp: Op<boolean> = defineOp<boolean>({
  name: 'CholeskySolve',
  forward: ([b, L], upper) => [solved(b.detach(), L.detach(), upper)],
  save: ([, L], [x]) => [L, x],
  backward: ([g], { saved: [L, x], attrs: upper, needs }) => {
    const gradB = choleskySolveOp([g!, L], upper)[0]
    return [gradB, needs[1] ? factorGradient(matmul(gradB, mT(x)), L, upper) : null]
  },
})
/**
 * The solution of A X = B from the Cholesky factor of A, as `torch.cholesky_solve`.
 *
 * @example
 * const L = torch.tensor([[2, 0], [0, 4]])
 * torch.choleskySolve(torch.tensor([[4], [32]]), L).tolist() // [ [ 1 ], [ 2 ] ]
 */
export function choleskySolve(B: Tensor, L: Tensor, ...args: Arguments<[upper: boolean], UpperOptions>): Tensor {
  const { upper = false } = readArguments<UpperOptions>('cholesky_solve', args, ['upper'])
  if (B.ndim < 2) throw new Error(`b should have at least 2 dimensions, but has ${B.ndim} dimensions instead`)
  if (L.ndim < 2) throw new Error(`u should have at least 2 dimensions, but has ${L.ndim} dimensions instead`)
  if (B.dtype !== L.dtype)
    throw new Error(
      `Expected b and A to have the same dtype, but found b of type ${scalarName(B.dtype)} and A of type ${scalarName(L.dtype)} instead.`,
    )
  requireKernel('cholesky_solve_cpu', B)
  const [n, columns] = sizesOf(L)
  if (n !== columns) throw new Error(`A must be batches of square matrices, but they are ${n} by ${columns} matrices`)
  if (n !== sizesOf(B)[0])
    throw new Error(
      `Incompatible matrix sizes for cholesky_solve: each A matrix is ${n} by ${n} but each b matrix is ${sizesOf(B).join(' by ')}`,
    )
  return choleskySolveOp(broadcastMatrices(B, L), upper)[0]
}

const choleskyInverseOp: Op<boolean> = defineOp<boolean>({
  name: 'CholeskyInverse',
  forward: ([L], upper) => [solved(expand(identityLike(L, sizesOf(L)[0]), L.layout.shape), L.detach(), upper)],
  save: ([L], [inverse]) => [L, inverse],
  backward: ([g], { saved: [L, inverse], attrs: upper }) => [factorGradient(matmul(inverse, matmul(g!, inverse)), L, upper)],
})
/**
 * The inverse of A from its Cholesky factor, as `torch.cholesky_inverse`.
 *
 * @throws Error `cholesky_inverse: The diagonal element 1 is zero, the inversion could not be completed because the input matrix is singular.`
 * @example
 * torch.choleskyInverse(torch.tensor([[1, 0], [0, 2]])).tolist() // [ [ 1, 0 ], [ 0, 0.25 ] ]
 */
export function choleskyInverse(L: Tensor, ...args: Arguments<[upper: boolean], UpperOptions>): Tensor {
  const { upper = false } = readArguments<UpperOptions>('cholesky_inverse', args, ['upper'])
  requireSquare('cholesky_inverse', L)
  requireKernel('cholesky_inverse_out_cpu', L)
  checkInfos(firstZero(mainDiagonal(L.detach())), 'cholesky_inverse', singularMessage)
  return choleskyInverseOp([L], upper)[0]
}
/** The place, from 1, of the first zero of the last dimension, or 0. */
function firstZero(x: Tensor): Tensor {
  const before = sum(eq(cumsum(eq(x, 0), -1), 0), -1)
  const n = x.layout.shape.at(-1)!
  return mul(add(before, 1), ne(before, n))
}
