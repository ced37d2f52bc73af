/** Inverses, linear systems and determinants, all of the LU factorization. */

import { type Arguments, readArguments } from '../../core/arguments.js'
import { isGradEnabled } from '../../core/graph.js'
import { numelOf, sameShape } from '../../core/layout.js'
import { type Named, named } from '../../core/results.js'
import type { Tensor } from '../../core/tensor.js'
import { abs, add, mul, neg, remainder, sign, sub } from '../arithmetic.js'
import { to } from '../cast.js'
import { eq, le, maskedFill, ne, where } from '../comparison.js'
import { counted, filled } from '../copy.js'
import { item } from '../creation.js'
import { diagEmbed } from '../diagonal.js'
import { defineOp, type Op } from '../dispatch.js'
import { log } from '../elementary.js'
import { cat } from '../joining.js'
import { matmul } from '../matmul.js'
import { flip } from '../rearrange.js'
import { amax, any, prod, sum } from '../reduce.js'
import { cumprod } from '../scan.js'
import { movedim, narrow, reshape, squeeze, unsqueeze } from '../view.js'
import { type CheckErrorsOptions, factorize, permutationOf, type SolveOptions, solveWithFactors } from './lu.js'
import {
  broadcastMatrices,
  checkInfos,
  identityLike,
  mainDiagonal,
  mT,
  readOptions,
  requireFloating,
  requireKernel,
  requireMatrix,
  requireSameDType,
  requireSquare,
  singularMessage,
  sizesOf,
} from './matrices.js'
import { svd } from './svd.js'
import { requireFitting } from './triangular.js'

const invOp: Op<undefined> = defineOp({
  name: 'LinalgInvEx',
  differentiableOutputs: 1,
  forward: ([a]) => {
    const [LU, pivots, info] = factorize(a)
    const n = sizesOf(a)[0]
    // U X = L⁻¹ P: the identity's rows in the order of the pivots, solved in place.
    const out = to(eq(unsqueeze(permutationOf(pivots, n), -1), counted(a, n)), a.dtype)
    if (out.layout.numel > 0) {
      LU.storage.allocator.run('solveTriangular', LU, out, false, true)
      LU.storage.allocator.run('solveTriangular', LU, out, true, false)
    }
    return [out, info]
  },
  save: (_inputs, [out]) => [out],
  backward: ([g], { saved: [out] }) => [neg(matmul(mT(out), matmul(g!, mT(out))))],
})

/**
 * The inverse of square matrices and their infos, as `torch.linalg.inv_ex`: `{ inverse, info }`. info is the place, from 1,
 * of the first zero pivot, or 0.
 *
 * @example
 * torch.linalg.invEx(torch.zeros(2, 2)).info.item() // 1
 */
export function invEx(A: Tensor, options: CheckErrorsOptions = {}): Named<'inverse' | 'info'> {
  const { checkErrors = false } = readOptions('linalg_inv_ex', options, ['checkErrors'])
  requireSquare('linalg.inv', A)
  requireFloating('linalg.inv', A)
  const [inverse, info] = invOp([A], undefined)
  if (checkErrors) checkInfos(info, 'linalg.inv', singularMessage)
  return named({ inverse, info })
}
/**
 * The inverse of square matrices [.., n, n], as `torch.linalg.inv`.
 *
 * @throws Error `linalg.inv: The diagonal element 2 is zero, the inversion could not be completed because the input matrix is singular.`
 * @example
 * torch.linalg.inv(torch.tensor([[2, 0], [0, 4]])).tolist() // [ [ 0.5, 0 ], [ 0, 0.25 ] ]
 */
export const inv = (A: Tensor): Tensor => invEx(A, { checkErrors: true }).inverse

/** X of A X = B with batches alike; the factors are kept for the gradient. */
const solveOp: Op<undefined> = defineOp({
  name: 'LinalgSolveEx',
  differentiableOutputs: 1,
  forward: ([a, b]) => {
    const [LU, pivots, info] = factorize(a)
    return [solveWithFactors(LU, pivots, b.detach(), false), info, LU, pivots]
  },
  save: ([a], [x, , LU, pivots]) => [a, x, LU, pivots],
  backward: ([g], { saved: [a, x, LU, pivots], needs }) => {
    // To be differentiated again, the solution must be one of A, not of its factors.
    const gradB = isGradEnabled() ? solution(mT(a), g!)[0] : solveWithFactors(LU, pivots, g!, true)
    return [needs[0] ? neg(matmul(gradB, mT(x))) : null, gradB]
  },
})
const solution = (a: Tensor, b: Tensor): Tensor[] => solveOp(broadcastMatrices(a, b), undefined)

/** Whether B is a batch of vectors next to A, as NumPy sees it. */
export function isVectorRightHandSide(A: Tensor, B: Tensor): boolean {
  return B.ndim === 1 || (A.ndim - 1 === B.ndim && sameShape(B.layout.shape, A.layout.shape.slice(0, -1)))
}

/**
 * The solution of A X = B and infos, as `torch.linalg.solve_ex`: `{ result, info }`.
 *
 * @example
 * torch.linalg.solveEx(torch.zeros(2, 2), torch.ones(2)).info.item() // 1
 */
export function solveEx(A: Tensor, B: Tensor, options: SolveOptions & CheckErrorsOptions = {}): Named<'result' | 'info'> {
  const { left = true, checkErrors = false } = readOptions('linalg_solve_ex', options, ['left', 'checkErrors'])
  const name = 'linalg.solve'
  requireFloating(name, A)
  requireSameDType(name, A, B)
  requireSquare(name, A)
  const isVector = isVectorRightHandSide(A, B)
  const rhs = isVector ? unsqueeze(B, -1) : B
  requireMatrix(name, rhs, 'B')
  requireFitting(name, A, rhs, left)
  const [x, info] = left ? solution(A, rhs) : solution(mT(A), mT(rhs))
  if (checkErrors) solveErrors(info, 'torch.linalg.solve_ex')
  return named({ result: isVector ? squeeze(x, -1) : left ? x : mT(x), info })
}
const solveErrors = (infos: Tensor, name = 'torch.linalg.solve'): void =>
  checkInfos(infos, name, () => 'The solver failed because the input matrix is singular.')

/**
 * The solution X of A X = B for square A [.., n, n] and B [.., n, k] or [.., n], as `torch.linalg.solve`.
 *
 * @throws Error `torch.linalg.solve: The solver failed because the input matrix is singular.`
 * @example
 * torch.linalg.solve(torch.tensor([[2, 0], [0, 4]]), torch.tensor([2, 8])).tolist() // [ 1, 2 ]
 */
export function solve(A: Tensor, B: Tensor, options: SolveOptions = {}): Tensor {
  const { left = true } = readOptions('linalg_solve', options, ['left'])
  const { result, info } = solveEx(A, B, { left })
  solveErrors(info)
  return result
}

/** 1 or −1: whether the pivots exchange an even number of rows. */
function parity(pivots: Tensor, like: Tensor): Tensor {
  const n = pivots.layout.shape.at(-1)!
  const exchanges = sum(ne(sub(pivots, counted(like, n)), 1), -1)
  return to(add(mul(remainder(exchanges, 2), -2), 1), like.dtype)
}

/** The product of all others, for each element of the last dimension. */
function productOfOthers(s: Tensor): Tensor {
  const n = s.layout.shape.at(-1)!
  const one = filled(s, [...s.layout.shape.slice(0, -1), 1], 1)
  const before = cat([one, cumprod(narrow(s, -1, 0, n - 1), -1)], -1)
  const after = flip(cat([one, cumprod(narrow(flip(s, -1), -1, 0, n - 1), -1)], -1), -1)
  return mul(before, after)
}

/**
 * The matrix of cofactors, adj(A)ᵀ: det(A) A⁻ᵀ, or where A is singular det(U) det(V) U diag(Π of the other S) Vᵀ. That is
 * taken for nearly singular matrices too if it is to be differentiated again, since the derivative of A⁻ᵀ grows faster.
 */
function cofactors(a: Tensor, LU: Tensor, pivots: Tensor, det: Tensor): Tensor {
  const n = sizesOf(a)[0]
  const one = identityLike(a, n)
  const factors = abs(mainDiagonal(LU))
  const epsilon = a.dtype === 'float64' ? 2 ** -52 : 2 ** -23
  const limit = isGradEnabled() ? mul(amax(factors, -1, { keepdim: true }), 100 * n * epsilon) : 0
  const singular = any(le(factors, limit), -1)
  const scaled = mul(one, unsqueeze(unsqueeze(det, -1), -1))
  // The inverse must be that of the very factors whose product is the determinant: their errors cancel.
  if (!item(any(singular))) return isGradEnabled() ? mT(solution(a, scaled)[0]) : solveWithFactors(LU, pivots, scaled, true)
  const mask = unsqueeze(unsqueeze(singular, -1), -1)
  const regular = mT(solution(where(mask, one, a), scaled)[0])
  // Where it is not needed, the decomposition is that of a matrix with different singular values.
  const spread = diagEmbed(to(counted(a, n), a.dtype))
  const { U, S, Vh } = svd(where(mask, a, spread))
  const orientation = mul(detOf(U), detOf(Vh))
  const others = mul(unsqueeze(orientation, -1), productOfOthers(S))
  return where(mask, matmul(mul(U, unsqueeze(others, -2)), Vh), regular)
}

const detOp: Op<undefined> = defineOp({
  name: 'LinalgDet',
  differentiableOutputs: 1,
  forward: ([a]) => {
    const [LU, pivots] = factorize(a)
    return [mul(prod(mainDiagonal(LU), -1), parity(pivots, a)), LU, pivots]
  },
  save: ([a], [out, LU, pivots]) => [a, out, LU, pivots],
  backward: ([g], { saved: [a, out, LU, pivots] }) => {
    if (a.layout.numel === 0) return [null]
    return [mul(unsqueeze(unsqueeze(g!, -1), -1), cofactors(a, LU, pivots, out))]
  },
})
const detOf = (a: Tensor): Tensor => detOp([a], undefined)[0]

/**
 * The determinant of square matrices [.., n, n], as `torch.linalg.det`. Its gradient, the cofactors, exists for singular
 * matrices too.
 *
 * @example
 * torch.linalg.det(torch.tensor([[1, 2], [4, 4]])).item() // -4
 */
export function det(A: Tensor): Tensor {
  requireSquare('linalg.det', A)
  if (A.dtype.includes('float')) requireKernel('lu_cpu', A)
  requireFloating('linalg.det', A)
  return detOf(A)
}

const slogdetOp: Op<undefined> = defineOp({
  name: 'LinalgSlogdet',
  differentiableOutputs: 1,
  forward: ([a]) => {
    const [LU, pivots] = factorize(a)
    const factors = mainDiagonal(LU)
    return [sum(log(abs(factors)), -1), mul(prod(sign(factors), -1), parity(pivots, a)), LU, pivots]
  },
  save: ([a], [, , LU, pivots]) => [a, LU, pivots],
  backward: ([g], { saved: [a, LU, pivots] }) => {
    const scaled = mul(identityLike(a, sizesOf(a)[0]), unsqueeze(unsqueeze(g!, -1), -1))
    return [isGradEnabled() ? solution(mT(a), scaled)[0] : solveWithFactors(LU, pivots, scaled, true)]
  },
})
function logDeterminant(name: string, A: Tensor): [sign: Tensor, logabsdet: Tensor] {
  requireSquare(name, A)
  requireFloating(name, A)
  const [logabsdet, orientation] = slogdetOp([A], undefined)
  return [orientation, logabsdet]
}
/**
 * The sign of the determinant and the logarithm of its absolute value, as `torch.linalg.slogdet`: `{ sign, logabsdet }`.
 *
 * @example
 * const { sign, logabsdet } = torch.linalg.slogdet(torch.tensor([[0, 1], [1, 0]]))
 * sign.item() // -1
 * logabsdet.item() // 0
 */
export function slogdet(A: Tensor): Named<'sign' | 'logabsdet'> {
  const [orientation, logabsdet] = logDeterminant('linalg.slogdet', A)
  return named({ sign: orientation, logabsdet })
}
/**
 * The logarithm of the determinant, as `torch.logdet`: −∞ where that is 0, NaN where it is negative.
 *
 * @example
 * torch.logdet(torch.eye(2)).item() // 0
 */
export function logdet(A: Tensor): Tensor {
  const [orientation, logabsdet] = logDeterminant('logdet', A)
  return maskedFill(logabsdet, eq(orientation, -1), Number.NaN)
}

/**
 * The inverse of a tensor whose first `ind` dimensions hold as many elements as the others, seen as a matrix, as
 * `torch.linalg.tensorinv`.
 *
 * @example
 * torch.linalg.tensorinv(torch.eye(6).reshape(6, 2, 3), 1).shape // [ 2, 3, 6 ]
 */
export function tensorinv(A: Tensor, ...args: Arguments<[ind: number], { ind?: number }>): Tensor {
  const { ind = 2 } = readArguments<{ ind?: number }>('linalg_tensorinv', args, ['ind'])
  if (!(ind > 0)) throw new Error(`Expected a strictly positive integer for 'ind', but got ${ind}`)
  const [first, last] = [A.layout.shape.slice(0, ind), A.layout.shape.slice(ind)]
  const [rows, columns] = [numelOf(first), numelOf(last)]
  if (rows !== columns)
    throw new Error(
      `Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got ${columns} != ${rows}`,
    )
  const { inverse, info } = invEx(reshape(A, rows, columns))
  checkInfos(info, 'inv', singularMessage)
  return reshape(inverse, [...last, ...first])
}

/**
 * X of `tensordot(A, X, X.ndim) = B`, as `torch.linalg.tensorsolve`: `dims` of A are moved to its end first.
 *
 * @example
 * const A = torch.eye(4).reshape(2, 2, 4)
 * torch.linalg.tensorsolve(A, torch.tensor([[1, 2], [3, 4]])).tolist() // [ 1, 2, 3, 4 ]
 */
export function tensorsolve(
  A: Tensor,
  B: Tensor,
  ...args: Arguments<[dims: readonly number[] | null], { dims?: readonly number[] | null }>
): Tensor {
  const { dims = null } = readArguments<{ dims?: readonly number[] | null }>('linalg_tensorsolve', args, ['dims'])
  const moved =
    dims === null
      ? A
      : movedim(
          A,
          dims,
          dims.map((_, i) => A.ndim - dims.length + i),
        )
  const shape = moved.layout.shape.slice(B.ndim)
  const [columns, rows] = [numelOf(shape), numelOf(B.layout.shape)]
  if (columns !== numelOf(moved.layout.shape.slice(0, B.ndim)))
    throw new Error(
      `Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), but got ${columns} != ${numelOf(moved.layout.shape.slice(0, B.ndim))}`,
    )
  return reshape(solve(reshape(moved, rows, columns), reshape(B, -1)), shape)
}
