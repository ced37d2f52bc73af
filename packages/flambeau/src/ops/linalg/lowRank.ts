/** Decompositions of matrices of low rank, by random projections. */

import { type Arguments, readArguments } from '../../core/arguments.js'
import { isFloatingPoint } from '../../core/dtype.js'
import { type Named, named } from '../../core/results.js'
import type { Tensor } from '../../core/tensor.js'
import { sub } from '../arithmetic.js'
import { matmul } from '../matmul.js'
import { randn } from '../random.js'
import { mean } from '../reduce.js'
import { expand } from '../view.js'
import { mT, sizesOf } from './matrices.js'
import { qr } from './qr.js'
import { svd } from './svd.js'

/** An orthonormal basis of nearly all that A, less M, maps to: q random vectors, and niter rounds of A Aᵀ (Halko et al. 2009). */
function approximateBasis(A: Tensor, q: number, niter: number, M: Tensor | null): Tensor {
  const apply = (a: Tensor, m: Tensor | null, x: Tensor): Tensor => (m === null ? matmul(a, x) : sub(matmul(a, x), matmul(m, x)))
  const [At, Mt] = [mT(A), M && mT(M)]
  const random = randn(sizesOf(A)[1], q, { dtype: A.dtype })
  let { Q } = qr(apply(A, M, random))
  for (let i = 0; i < niter; i++) {
    Q = qr(apply(At, Mt, Q)).Q
    Q = qr(apply(A, M, Q)).Q
  }
  return Q
}

export interface SvdLowrankOptions {
  /** A little more than A's rank. */
  q?: number
  /** How many rounds make the subspace more exact. */
  niter?: number
  /** What is subtracted from A, broadcast. */
  M?: Tensor | null
}
/**
 * The largest q singular values of A, or of A − M, with their vectors, as `torch.svd_lowrank`: `{ U, S, V }`.
 *
 * @example
 * torch.svdLowrank(torch.ones(5, 4), 2).S.shape // [ 2 ]
 */
export function svdLowrank(
  A: Tensor,
  ...args: Arguments<[q: number, niter: number, M: Tensor | null], SvdLowrankOptions>
): Named<'U' | 'S' | 'V'> {
  const { q = 6, niter = 2, M = null } = readArguments<SvdLowrankOptions>('svd_lowrank', args, ['q', 'niter', 'M'])
  const subtracted = M === null ? null : expand(M, A.layout.shape)
  const difference = (a: Tensor, m: Tensor | null, left: Tensor): Tensor =>
    m === null ? matmul(left, a) : sub(matmul(left, a), matmul(left, m))
  const [rows, columns] = sizesOf(A)
  const isTall = rows >= columns
  const [a, m] = isTall ? [A, subtracted] : [mT(A), subtracted && mT(subtracted)]
  // The projected matrix is the smaller one: the long dimension is replaced by q.
  const Q = approximateBasis(a, q, niter, m)
  const { U, S, Vh } = svd(difference(a, m, mT(Q)), false)
  const long = matmul(Q, U)
  return isTall ? named({ U: long, S, V: mT(Vh) }) : named({ U: mT(Vh), S, V: long })
}

export interface PcaLowrankOptions {
  q?: number | null
  /** Subtract the mean of each column. */
  center?: boolean
  niter?: number
}
/**
 * Principal components: the low-rank decomposition of A with its columns centred, as `torch.pca_lowrank`: `{ U, S, V }`.
 *
 * @example
 * torch.pcaLowrank(torch.ones(5, 4), 2).V.shape // [ 4, 2 ]
 */
export function pcaLowrank(
  A: Tensor,
  ...args: Arguments<[q: number | null, center: boolean, niter: number], PcaLowrankOptions>
): Named<'U' | 'S' | 'V'> {
  const { q, center = true, niter = 2 } = readArguments<PcaLowrankOptions>('pca_lowrank', args, ['q', 'center', 'niter'])
  const [m, n] = sizesOf(A)
  const components = q ?? Math.min(6, m, n)
  if (!(components >= 0 && components <= Math.min(m, n)))
    throw new Error(`q(=${components}) must be non-negative integer and not greater than min(m, n)=${Math.min(m, n)}`)
  if (!(niter >= 0)) throw new Error(`niter(=${niter}) must be non-negative integer`)
  if (!isFloatingPoint(A.dtype)) throw new Error(`pca_lowrank: expected a floating point tensor, got ${A.dtype}`)
  return svdLowrank(center ? sub(A, mean(A, -2, { keepdim: true })) : A, components, niter)
}
