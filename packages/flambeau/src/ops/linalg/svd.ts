/** Singular value decompositions. */

import { type Arguments, readArguments } from '../../core/arguments.js'
import { type Named, named } from '../../core/results.js'
import type { Tensor } from '../../core/tensor.js'
import { add, div, mul, sub } from '../arithmetic.js'
import { filled } from '../copy.js'
import { diagEmbed } from '../diagonal.js'
import { defineOp, needsRecording, type Op } from '../dispatch.js'
import { matmul } from '../matmul.js'
import { narrow, unsqueeze } from '../view.js'
import {
  batchOf,
  emptyAs,
  identityLike,
  LinAlgError,
  mT,
  requireFloating,
  requireKernel,
  requireMatrix,
  sizesOf,
  skew,
} from './matrices.js'

/** U, S and Vᵀ, or S alone; not recorded. */
function decompose(a: Tensor, full: boolean, vectors: boolean): Tensor[] {
  const batch = batchOf(a)
  const [m, n] = sizesOf(a)
  const k = Math.min(m, n)
  const S = emptyAs(a, [...batch, k])
  const [U, Vh] = vectors ? [emptyAs(a, [...batch, m, full ? m : k]), emptyAs(a, [...batch, full ? n : k, n])] : [null, null]
  if (a.layout.numel > 0) {
    const bad = a.storage.allocator.run('svd', a, U, S, Vh)
    if (bad > 0)
      throw new LinAlgError(
        `linalg.svd: ${batch.length > 0 ? `(Batch element ${bad - 1}): ` : ''}The algorithm failed to converge because the input matrix contained non-finite values.`,
      )
  } else if (U !== null && Vh !== null) {
    // Nothing is decomposed: any orthonormal bases will do.
    U.copy_(identityLike(a, m, full ? m : k))
    Vh.copy_(identityLike(a, full ? n : k, n))
  }
  return vectors ? [S, U!, Vh!] : [S]
}

/** S comes first, as it may be all that is wanted. */
const svdOp: Op<boolean> = defineOp<boolean>({
  name: 'LinalgSvd',
  forward: ([a], full) => decompose(a, full, true),
  save: (_inputs, outputs) => outputs,
  backward: ([gS, gUFull, gVhFull], { saved: [S, UFull, VhFull] }) => {
    const k = S.layout.shape.at(-1)!
    const [m, n] = [sizesOf(UFull)[0], sizesOf(VhFull)[1]]
    const [U, gU] = [UFull, gUFull].map((t) => t && narrow(t, -1, 0, k)) as [Tensor, Tensor | null]
    const [Vh, gVh] = [VhFull, gVhFull].map((t) => t && narrow(t, -2, 0, k)) as [Tensor, Tensor | null]
    const column = unsqueeze(S, -1)
    const row = unsqueeze(S, -2)
    let inner = gS === null ? null : diagEmbed(gS)
    const addInner = (t: Tensor): void => {
      inner = inner === null ? t : add(inner, t)
    }
    if (gU !== null || gVh !== null) {
      // S_j² − S_i², factored so that it does not cancel; ones on the diagonal.
      const gaps = add(mul(sub(row, column), add(row, column)), identityLike(S, k))
      if (gU !== null) addInner(mul(div(skew(matmul(mT(U), gU)), gaps), row))
      if (gVh !== null) addInner(mul(column, div(skew(matmul(Vh, mT(gVh))), gaps)))
    }
    let left = matmul(U, inner!)
    // What of gU lies outside of U's columns.
    if (m > k && gU !== null) {
      const scaled = div(gU, row)
      left = add(left, sub(scaled, matmul(U, matmul(mT(U), scaled))))
    }
    let gA = matmul(left, Vh)
    if (n > k && gVh !== null) {
      const scaled = div(gVh, column)
      gA = add(gA, matmul(U, sub(scaled, matmul(matmul(scaled, mT(Vh)), Vh))))
    }
    return [gA]
  },
})

function requireDecomposable(A: Tensor): void {
  requireMatrix('linalg.svd', A)
  if (A.dtype.includes('float')) requireKernel('linalg_svd_cpu', A)
  requireFloating('linalg.svd', A)
}

/**
 * The singular value decomposition A = U diag(S) Vᵀ of A [.., m, n], as `torch.linalg.svd`: `{ U, S, Vh }`, S descending.
 * With `fullMatrices` U and Vh are square; without, they have k = min(m, n) columns and rows. Computed in float64.
 *
 * @throws Error `linalg.svd: The algorithm failed to converge because the input matrix contained non-finite values.`
 * @example
 * const { U, S, Vh } = torch.linalg.svd(torch.tensor([[0, 2], [3, 0]]))
 * S.tolist() // [ 3, 2 ]
 * U.matmul(S.diag()).matmul(Vh).allclose(torch.tensor([[0, 2], [3, 0]])) // true
 */
export function svd(A: Tensor, ...args: Arguments<[fullMatrices: boolean], { fullMatrices?: boolean }>): Named<'U' | 'S' | 'Vh'> {
  const { fullMatrices = true } = readArguments<{ fullMatrices?: boolean }>('linalg_svd', args, ['fullMatrices'])
  requireDecomposable(A)
  const [S, U, Vh] = svdOp([A], fullMatrices)
  return named({ U, S, Vh })
}

/**
 * The singular values of matrices, descending, as `torch.linalg.svdvals`.
 *
 * @example
 * torch.linalg.svdvals(torch.tensor([[0, 2], [3, 0]])).tolist() // [ 3, 2 ]
 */
export function svdvals(A: Tensor): Tensor {
  requireDecomposable(A)
  return needsRecording([A]) ? svdOp([A], false)[0] : decompose(A, false, false)[0]
}

export interface PlainSvdOptions {
  /** Give k = min(m, n) columns of U and V; all of them otherwise. */
  some?: boolean
  /** Give U and V; zeros otherwise. */
  computeUv?: boolean
}
/**
 * The singular value decomposition, as `torch.svd`: `{ U, S, V }`, V and not its transpose.
 *
 * @example
 * torch.svd(torch.ones(3, 2)).V.shape // [ 2, 2 ]
 */
export function plainSvd(
  A: Tensor,
  ...args: Arguments<[some: boolean, computeUv: boolean], PlainSvdOptions>
): Named<'U' | 'S' | 'V'> {
  const { some = true, computeUv = true } = readArguments<PlainSvdOptions>('svd', args, ['some', 'computeUv'])
  if (A.ndim < 2) throw new Error(`linalg.svd: input should have at least 2 dimensions, but has ${A.ndim} dimensions instead`)
  if (computeUv) {
    const { U, S, Vh } = svd(A, !some)
    return named({ U, S, V: mT(Vh) })
  }
  const [m, n] = sizesOf(A)
  const zeros = (size: number): Tensor => filled(A, [...batchOf(A), size, size], 0)
  return named({ U: zeros(m), S: svdvals(A), V: zeros(n) })
}
