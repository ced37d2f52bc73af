/** LU factorizations. */

import { type Arguments, readArguments } from '../../core/arguments.js'
import { scalarName } from '../../core/dtype.js'
import { sameShape, showShape } from '../../core/layout.js'
import { type Named, named } from '../../core/results.js'
import type { Tensor } from '../../core/tensor.js'
import { add, sub } from '../arithmetic.js'
import { to } from '../cast.js'
import { eq } from '../comparison.js'
import { counted, filled } from '../copy.js'
import { item } from '../creation.js'
import { tril, triu } from '../diagonal.js'
import { defineOp, type Op } from '../dispatch.js'
import { cat } from '../joining.js'
import { matmul } from '../matmul.js'
import { amax, amin } from '../reduce.js'
import { expand, narrow, unsqueeze } from '../view.js'
import {
  batchOf,
  broadcastMatrices,
  checkInfos,
  emptyAs,
  freshMatrices,
  identityLike,
  mT,
  permuteRows,
  readOptions,
  requireFloating,
  requireKernel,
  requireMatrix,
  requireSquare,
  sizesOf,
  unpermuteRows,
} from './matrices.js'
import { requireFitting, rightTriangularSolution, triangularSolution } from './triangular.js'

/** LU, pivots and infos of new matrices, not recorded. */
export function factorize(a: Tensor): [LU: Tensor, pivots: Tensor, info: Tensor] {
  const batch = batchOf(a)
  const LU = freshMatrices(a)
  const pivots = emptyAs(a, [...batch, Math.min(...sizesOf(a))], 'int32')
  const info = filled(a, batch, 0, 'int32')
  if (LU.layout.numel > 0) LU.storage.allocator.run('lu', LU, pivots, info)
  return [LU, pivots, info]
}

/** The rows of A in the order that pivoting brings them into, as indices. */
export function permutationOf(pivots: Tensor, rows: number): Tensor {
  const out = emptyAs(pivots, [...pivots.layout.shape.slice(0, -1), rows], 'int64')
  if (out.layout.numel > 0) out.storage.allocator.run('pivotsToPermutation', pivots, out)
  return out
}

/** The factors L [.., m, k] and U [.., k, n], k = min(m, n), that share a matrix. */
export function triangles(LU: Tensor): [L: Tensor, U: Tensor] {
  const [m, n] = sizesOf(LU)
  const k = Math.min(m, n)
  const left = n === k ? LU : narrow(LU, -1, 0, k)
  const top = m === k ? LU : narrow(LU, -2, 0, k)
  return [add(tril(left, -1), identityLike(LU, m, k)), triu(top)]
}

/** From the gradient of LU that of A = P L U; P leaves the gradients of rows where A has them. */
function luGradient(g: Tensor, LU: Tensor, pivots: Tensor): Tensor {
  const [m, n] = sizesOf(LU)
  const k = Math.min(m, n)
  const [L, U] = triangles(LU)
  const [gL, gU] = [tril(narrow(g, -1, 0, k), -1), triu(narrow(g, -2, 0, k))]
  const [L1, gL1] = [narrow(L, -2, 0, k), narrow(gL, -2, 0, k)]
  const [U1, gU1] = [narrow(U, -1, 0, k), narrow(gU, -1, 0, k)]
  // The square part; the rest of U or of L is solved for with it, and so has a share in its gradient.
  let lower = matmul(mT(L1), gL1)
  let upper = matmul(gU1, mT(U1))
  const parts: Tensor[] = []
  if (n > k) {
    const rest = narrow(gU, -1, k, n - k)
    lower = sub(lower, matmul(rest, mT(narrow(U, -1, k, n - k))))
    parts.push(triangularSolution(mT(L1), rest, true, true))
  }
  if (m > k) {
    const rest = narrow(gL, -2, k, m - k)
    upper = sub(upper, matmul(mT(narrow(L, -2, k, m - k)), rest))
    parts.push(rightTriangularSolution(mT(U1), rest, false))
  }
  const inner = add(tril(lower, -1), triu(upper))
  const square = triangularSolution(mT(L1), rightTriangularSolution(mT(U1), inner, false), true, true)
  const full = parts.length === 0 ? square : cat([square, ...parts], n > k ? -1 : -2)
  return unpermuteRows(full, permutationOf(pivots, m))
}

const luFactorOp: Op<undefined> = defineOp({
  name: 'LinalgLuFactorEx',
  differentiableOutputs: 1,
  forward: ([a]) => factorize(a),
  save: (_inputs, [LU, pivots]) => [LU, pivots],
  backward: ([g], { saved: [LU, pivots] }) => [
    LU.layout.numel === 0 ? filled(LU, LU.layout.shape, 0) : luGradient(g!, LU, pivots),
  ],
})

function factor(name: string, A: Tensor, pivot: boolean): Tensor[] {
  if (A.ndim < 2)
    throw new Error(`${name}: Expected tensor with 2 or more dimensions. Got size: ${showShape(A.layout.shape)} instead`)
  if (!pivot) throw new Error('linalg.lu_factor: LU without pivoting is not implemented on the CPU')
  requireKernel('lu_cpu', A)
  return luFactorOp([A], undefined)
}

export interface PivotOptions {
  /** Exchange rows; without, PyTorch has no factorization on the CPU either. */
  pivot?: boolean
}
export interface CheckErrorsOptions {
  /** Throw where the factorization did not come to its end, rather than tell by `info`. */
  checkErrors?: boolean
}

const luErrors = (infos: Tensor, name = 'torch.linalg.lu_factor'): void =>
  checkInfos(
    infos,
    name,
    (info) =>
      `U[${info},${info}] is zero and using it on lu_solve would result in a division by zero. If you still want to perform ` +
      'the factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)',
  )

/**
 * The compact LU factorization and its infos, as `torch.linalg.lu_factor_ex`: `{ LU, pivots, info }`. info is the place,
 * from 1, of the first zero on U's diagonal, or 0.
 *
 * @example
 * torch.linalg.luFactorEx(torch.zeros(2, 2)).info.item() // 1
 */
export function luFactorEx(A: Tensor, options: PivotOptions & CheckErrorsOptions = {}): Named<'LU' | 'pivots' | 'info'> {
  const { pivot = true, checkErrors = false } = readOptions('linalg_lu_factor_ex', options, ['pivot', 'checkErrors'])
  const [LU, pivots, info] = factor('torch.lu_factor', A, pivot)
  if (checkErrors) luErrors(info, 'torch.linalg.lu_factor_ex')
  return named({ LU, pivots, info })
}

/**
 * The LU factorization A = P L U with L and U in one matrix, as `torch.linalg.lu_factor`: `{ LU, pivots }`. Row i was
 * exchanged with row `pivots[i]`, counted from 1.
 *
 * @throws Error where a pivot is zero
 * @example
 * const { LU, pivots } = torch.linalg.luFactor(torch.tensor([[1, 2], [4, 4]]))
 * LU.tolist() // [ [ 4, 4 ], [ 0.25, 1 ] ]
 * pivots.tolist() // [ 2, 2 ]
 */
export function luFactor(A: Tensor, options: PivotOptions = {}): Named<'LU' | 'pivots'> {
  const { pivot = true } = readOptions('linalg_lu_factor', options, ['pivot'])
  const [LU, pivots, info] = factor('torch.lu_factor', A, pivot)
  luErrors(info)
  return named({ LU, pivots })
}

const permutationMatrix = (like: Tensor, pivots: Tensor, rows: number): Tensor =>
  to(eq(unsqueeze(permutationOf(pivots, rows), -2), unsqueeze(counted(like, rows), 1)), like.dtype)

/**
 * The factors of A = P L U, A [.., m, n], as `torch.linalg.lu`: `{ P, L, U }` with P [.., m, m] a permutation, L [.., m, k]
 * unit lower and U [.., k, n] upper triangular, k = min(m, n).
 *
 * @example
 * const { P, L, U } = torch.linalg.lu(torch.tensor([[1, 2], [4, 4]]))
 * P.tolist() // [ [ 0, 1 ], [ 1, 0 ] ]
 * P.matmul(L).matmul(U).tolist() // [ [ 1, 2 ], [ 4, 4 ] ]
 */
export function lu(A: Tensor, options: PivotOptions = {}): Named<'P' | 'L' | 'U'> {
  const { pivot = true } = readOptions('linalg_lu', options, ['pivot'])
  const [LU, pivots] = factor('linalg.lu', A, pivot)
  const [L, U] = triangles(LU)
  return named({ P: permutationMatrix(A, pivots, sizesOf(A)[0]), L, U })
}

export interface LuUnpackOptions {
  /** Give L and U; empty tensors otherwise. */
  unpackData?: boolean
  /** Give P; an empty tensor otherwise. */
  unpackPivots?: boolean
}
/**
 * The factors that `torch.linalg.luFactor` put into one matrix, as `torch.lu_unpack`: `{ P, L, U }`.
 *
 * @example
 * const { LU, pivots } = torch.linalg.luFactor(torch.tensor([[1, 2], [4, 4]]))
 * torch.luUnpack(LU, pivots).U.tolist() // [ [ 4, 4 ], [ 0, 1 ] ]
 */
export function luUnpack(
  LU_data: Tensor,
  LU_pivots: Tensor,
  ...args: Arguments<[unpackData: boolean, unpackPivots: boolean], LuUnpackOptions>
): Named<'P' | 'L' | 'U'> {
  const { unpackData = true, unpackPivots = true } = readArguments<LuUnpackOptions>('lu_unpack', args, [
    'unpackData',
    'unpackPivots',
  ])
  if (unpackPivots && LU_pivots.dtype !== 'int32')
    throw new Error(
      'torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\nNote: this function is intended to be used with the output produced by torch.linalg.lu_factor',
    )
  const pivots = LU_pivots.detach()
  const [rows, columns] = sizesOf(LU_data)
  const k = Math.min(rows, columns)
  if (
    unpackPivots &&
    (pivots.layout.shape.at(-1) !== k ||
      (pivots.layout.numel > 0 && (!(Number(item(amin(pivots))) >= 1) || !(Number(item(amax(pivots))) <= rows))))
  )
    throw new Error(
      'pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive.Did you properly pass the result of lu_factor?',
    )
  const none = (): Tensor => emptyAs(LU_data, [0])
  const [L, U] = unpackData ? triangles(LU_data) : [none(), none()]
  const shape = [...LU_data.layout.shape.slice(0, -2), k]
  return named({ P: unpackPivots ? permutationMatrix(LU_data, expand(LU_pivots, shape), rows) : none(), L, U })
}

/** X of A X = B or, adjoint, Aᵀ X = B, from the factors of A; batches must broadcast. */
export function solveWithFactors(LU: Tensor, pivots: Tensor, B: Tensor, adjoint: boolean): Tensor {
  const [a, b] = broadcastMatrices(LU, B)
  const n = sizesOf(LU)[0]
  const permutation = expand(permutationOf(pivots, n), [...batchOf(a), n])
  if (adjoint) return unpermuteRows(triangularSolution(mT(a), triangularSolution(mT(a), b, false), true, true), permutation)
  return triangularSolution(a, triangularSolution(a, permuteRows(b, permutation), false, true), true)
}

export interface SolveOptions {
  /** Solve A X = B; X A = B otherwise. */
  left?: boolean
}
/**
 * The solution of A X = B from the LU factorization of A, as `torch.linalg.lu_solve`; with `left` false of X A = B, with
 * `adjoint` of Aᵀ X = B.
 *
 * @example
 * const { LU, pivots } = torch.linalg.luFactor(torch.tensor([[2, 0], [0, 4]]))
 * torch.linalg.luSolve(LU, pivots, torch.tensor([[2], [8]])).tolist() // [ [ 1 ], [ 2 ] ]
 */
export function luSolve(LU: Tensor, pivots: Tensor, B: Tensor, options: SolveOptions & { adjoint?: boolean } = {}): Tensor {
  const { left = true, adjoint = false } = readOptions('linalg_lu_solve', options, ['left', 'adjoint'])
  requireFloating('torch.linalg.lu_solve', LU)
  if (LU.dtype !== B.dtype)
    throw new Error(
      `linalg.lu_solve: Expected LU and B to have the same dtype, but found LU of type ${scalarName(LU.dtype)} and B of type ${scalarName(B.dtype)} instead`,
    )
  if (pivots.dtype !== 'int32') throw new Error('linalg.lu_solve: pivots should be a Tensor of scalar type torch.int32')
  requireSquare('torch.linalg.lu_solve', LU, 'LU')
  requireMatrix('linalg.lu_solve', B, 'B')
  requireFitting('linalg.lu_solve', LU, B, left)
  if (sizesOf(LU)[0] !== pivots.layout.shape.at(-1))
    throw new Error('linalg.lu_solve: Number of pivots per batch should be same as the dimension of the matrix')
  if (!sameShape(LU.layout.shape.slice(0, -1), pivots.layout.shape))
    throw new Error(
      `linalg.lu_solve: Expected LU.shape[:-1] and pivots.shape to be the same, but got pivots with shape ${showShape(pivots.layout.shape)} instead`,
    )
  return left ? solveWithFactors(LU, pivots, B, adjoint) : mT(solveWithFactors(LU, pivots, mT(B), !adjoint))
}

export interface LuOptions {
  pivot?: boolean
  /** Give the infos as well, and do not throw where a pivot is zero. */
  getInfos?: boolean
}
/**
 * The compact LU factorization, as `torch.lu`: LU and pivots, and with `getInfos` the infos.
 *
 * @example
 * const [LU, pivots] = torch.lu(torch.tensor([[1, 2], [4, 4]]))
 * LU.tolist() // [ [ 4, 4 ], [ 0.25, 1 ] ]
 */
export function compactLu(A: Tensor, ...args: Arguments<[pivot: boolean, getInfos: boolean], LuOptions>): Tensor[] {
  const { pivot = true, getInfos = false } = readArguments<LuOptions>('lu', args, ['pivot', 'getInfos'])
  const [LU, pivots, info] = factor('torch.lu_factor', A, pivot)
  return getInfos ? [LU, pivots, info] : [LU, pivots]
}

/**
 * The solution of A X = b from the LU factorization of A, as `torch.lu_solve`.
 *
 * @example
 * const [LU, pivots] = torch.lu(torch.tensor([[2, 0], [0, 4]]))
 * torch.luSolve(torch.tensor([[2], [4]]), LU, pivots).tolist() // [[1], [1]]
 */
export function compactLuSolve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor): Tensor {
  return luSolve(LU_data, LU_pivots, b)
}
