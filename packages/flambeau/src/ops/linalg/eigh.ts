/** Eigenvalues and eigenvectors of symmetric matrices. */

import { type Arguments, readArguments } from '../../core/arguments.js'
import { type Named, named } from '../../core/results.js'
import type { Tensor } from '../../core/tensor.js'
import { add, div, mul, sub } from '../arithmetic.js'
import { filled } from '../copy.js'
import { diagEmbed } from '../diagonal.js'
import { defineOp, needsRecording, type Op } from '../dispatch.js'
import { matmul } from '../matmul.js'
import { unsqueeze } from '../view.js'
import { batchOf, emptyAs, identityLike, LinAlgError, mT, requireKernel, requireSquare, sizesOf, skew } from './matrices.js'

interface Attributes {
  readonly upper: boolean
  /** Who to name in errors. */
  readonly name: string
}

/** Eigenvalues and eigenvectors, or the former alone; not recorded. */
function decompose(a: Tensor, { upper, name }: Attributes, vectors: boolean): Tensor[] {
  const values = emptyAs(a, a.layout.shape.slice(0, -1))
  const V = vectors ? emptyAs(a, a.layout.shape) : null
  if (a.layout.numel > 0) {
    const bad = a.storage.allocator.run('eigh', a, values, V, upper)
    if (bad > 0)
      throw new LinAlgError(
        `${name}: ${a.ndim > 2 ? `(Batch element ${bad - 1}): ` : ''}The algorithm failed to converge because the input matrix is ill-conditioned or has too many repeated eigenvalues (error code: ${sizesOf(a)[0] - 1}).`,
      )
  }
  return V === null ? [values] : [values, V]
}

const eighOp: Op<Attributes> = defineOp<Attributes>({
  name: 'LinalgEigh',
  forward: ([a], attrs) => decompose(a, attrs, true),
  save: (_inputs, outputs) => outputs,
  backward: ([gL, gV], { saved: [L, V] }) => {
    if (gV === null) return [matmul(mul(V, unsqueeze(gL!, -2)), mT(V))]
    // L_j − L_i, ones on the diagonal, where the skew part is zero.
    const gaps = add(sub(unsqueeze(L, -2), unsqueeze(L, -1)), identityLike(L, L.layout.shape.at(-1)!))
    const turning = div(div(skew(matmul(mT(V), gV)), 2), gaps)
    const inner = gL === null ? turning : add(turning, diagEmbed(gL))
    return [matmul(V, matmul(inner, mT(V)))]
  },
})

/** Which triangle is read: `'L'` or `'U'`. */
export type Triangle = 'L' | 'U' | 'l' | 'u'
export interface UploOptions {
  UPLO?: Triangle
}
function readUplo(name: string, args: readonly unknown[]): boolean {
  const { UPLO = 'L' } = readArguments<UploOptions>(name, args, ['UPLO'])
  const letter = UPLO.toUpperCase()
  if (letter !== 'L' && letter !== 'U') throw new Error(`Expected UPLO argument to be 'L' or 'U', but got ${UPLO}`)
  return letter === 'U'
}

/**
 * The eigenvalues, ascending, and eigenvectors, as columns, of symmetric matrices, of which one triangle is read, as
 * `torch.linalg.eigh`: `{ eigenvalues, eigenvectors }` with A = V diag(L) Vᵀ. Computed in float64.
 *
 * @example
 * const { eigenvalues, eigenvectors } = torch.linalg.eigh(torch.tensor([[2, 1], [1, 2]]))
 * eigenvalues // tensor([1., 3.])
 * eigenvectors.abs()
 * // tensor([[0.7071, 0.7071],
 * //         [0.7071, 0.7071]])
 */
export function eigh(A: Tensor, ...args: Arguments<[UPLO: Triangle], UploOptions>): Named<'eigenvalues' | 'eigenvectors'> {
  const upper = readUplo('linalg.eigh', args)
  requireSquare('linalg.eigh', A)
  requireKernel('linalg_eigh_cpu', A)
  const [eigenvalues, eigenvectors] = eighOp([A], { upper, name: 'linalg.eigh' })
  return named({ eigenvalues, eigenvectors })
}

function values(A: Tensor, attrs: Attributes): Tensor {
  return (needsRecording([A]) ? eighOp([A], attrs) : decompose(A, attrs, false))[0]
}
/**
 * The eigenvalues of symmetric matrices, ascending, as `torch.linalg.eigvalsh`.
 *
 * @example
 * torch.linalg.eigvalsh(torch.tensor([[0, 2], [2, 0]])).tolist() // [ -2, 2 ]
 */
export function eigvalsh(A: Tensor, ...args: Arguments<[UPLO: Triangle], UploOptions>): Tensor {
  const upper = readUplo('linalg.eigvalsh', args)
  requireSquare('linalg.eigh', A)
  requireKernel('linalg_eigh_cpu', A)
  return values(A, { upper, name: 'linalg.eigh' })
}

export interface SymeigOptions {
  /** Give the eigenvectors; an empty tensor otherwise. */
  eigenvectors?: boolean
  upper?: boolean
}
/**
 * Eigenvalues and, if asked, eigenvectors of symmetric matrices, as `torch.symeig`, which PyTorch 2 dropped for `eigh`.
 *
 * @example
 * torch.symeig(torch.tensor([[2, 0], [0, 3]])).eigenvalues.tolist() // [2, 3]
 */
export function symeig(
  A: Tensor,
  ...args: Arguments<[eigenvectors: boolean, upper: boolean], SymeigOptions>
): Named<'eigenvalues' | 'eigenvectors'> {
  const { eigenvectors = false, upper = true } = readArguments<SymeigOptions>('symeig', args, ['eigenvectors', 'upper'])
  requireSquare('linalg.symeig', A)
  requireKernel('symeig_cpu', A)
  const attrs = { upper, name: 'symeig' }
  if (!eigenvectors) {
    const none = A.layout.numel === 0 ? filled(A, [...batchOf(A), ...sizesOf(A)], 0) : emptyAs(A, [0])
    return named({ eigenvalues: values(A, attrs), eigenvectors: none })
  }
  const [L, V] = eighOp([A], attrs)
  return named({ eigenvalues: L, eigenvectors: V })
}
