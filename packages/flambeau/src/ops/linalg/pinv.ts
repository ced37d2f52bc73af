/** What singular values tell: pseudo-inverses, ranks, condition numbers and least squares. */

import { type Arguments, readArguments } from '../../core/arguments.js'
import { scalarName } from '../../core/dtype.js'
import { type Named, named } from '../../core/results.js'
import { Tensor } from '../../core/tensor.js'
import { abs, add, maximum, mul, reciprocal, square, sub } from '../arithmetic.js'
import { to } from '../cast.js'
import { gt, where } from '../comparison.js'
import { filled } from '../copy.js'
import { elements } from '../creation.js'
import { defineOp, type Op } from '../dispatch.js'
import { matmul } from '../matmul.js'
import { amax, sum } from '../reduce.js'
import { squeeze, unsqueeze } from '../view.js'
import { eigh, eigvalsh } from './eigh.js'
import { batchOf, broadcastMatrices, emptyAs, mT, requireMatrix, sizesOf } from './matrices.js'
import { plainQr } from './qr.js'
import { svd, svdvals } from './svd.js'
import { triangularSolution } from './triangular.js'

/** Singular values up to max(atol, rtol · the largest) count as zero; tensors hold one tolerance for each matrix. */
export interface ToleranceOptions {
  atol?: number | Tensor | null
  /** max(m, n) · ε unless given; 0 where `atol` is. */
  rtol?: number | Tensor | null
  /** The matrices are symmetric: their eigenvalues are computed, from the lower triangle. */
  hermitian?: boolean
}

const epsilon = (a: Tensor): number => (a.dtype === 'float64' ? 2 ** -52 : 2 ** -23)

/** Which values count as nonzero. */
function significant(a: Tensor, S: Tensor, { atol, rtol }: ToleranceOptions): Tensor {
  const like = (x: number | Tensor): Tensor => (x instanceof Tensor ? to(x, S.dtype) : filled(S, [], x))
  const usual = Math.max(...sizesOf(a)) * epsilon(a)
  const absolute = like(atol ?? 0)
  const isGiven = atol !== undefined && atol !== null
  const relative = like(rtol ?? (isGiven ? where(gt(absolute, 0), 0, filled(S, [], usual)) : usual))
  const limit = maximum(absolute, mul(relative, amax(S, -1)))
  return gt(S, unsqueeze(limit, -1))
}

function pseudoInverse(a: Tensor, options: ToleranceOptions): Tensor {
  const [m, n] = sizesOf(a)
  if (a.layout.numel === 0) return filled(a, [...batchOf(a), n, m], 0)
  if (options.hermitian) {
    const { eigenvalues: L, eigenvectors: V } = eigh(a)
    const inverse = where(significant(a, abs(L), options), reciprocal(L), 0)
    return matmul(mul(V, unsqueeze(to(inverse, a.dtype), -2)), mT(V))
  }
  const { U, S, Vh } = svd(a, false)
  const inverse = where(significant(a, S, options), reciprocal(S), 0)
  return matmul(mul(mT(Vh), unsqueeze(to(inverse, a.dtype), -2)), mT(U))
}

/** The gradient of A from that of its pseudo-inverse P, where the rank stays what it is. */
function pinvGradient(g: Tensor, P: Tensor, A: Tensor): Tensor {
  const [m, n] = sizesOf(A)
  const [Pt, gt] = [mT(P), mT(g)]
  if (m <= n) {
    const K = matmul(gt, P)
    const KPt = matmul(K, Pt)
    return add(sub(sub(KPt, mT(matmul(P, K))), matmul(matmul(A, P), KPt)), matmul(matmul(Pt, P), sub(gt, matmul(K, A))))
  }
  const K = matmul(P, gt)
  const PtK = matmul(Pt, K)
  return sub(add(sub(matmul(matmul(sub(gt, matmul(A, K)), P), Pt), mT(matmul(K, P))), PtK), matmul(matmul(PtK, P), A))
}

const pinvOp: Op<ToleranceOptions> = defineOp<ToleranceOptions>({
  name: 'LinalgPinv',
  forward: ([a], options) => [pseudoInverse(a.detach(), options)],
  save: ([a], [out]) => [a, out],
  backward: ([g], { saved: [a, out] }) => [pinvGradient(g!, out, a)],
})

/**
 * The pseudo-inverse (Moore–Penrose) of A [.., m, n], as `torch.linalg.pinv`: [.., n, m].
 *
 * @example
 * torch.linalg.pinv(torch.tensor([[2, 0], [0, 0]])).tolist() // [ [ 0.5, 0 ], [ 0, 0 ] ]
 */
export function pinv(
  A: Tensor,
  ...args: Arguments<[rcond: number | Tensor | null, hermitian: boolean], ToleranceOptions & { rcond?: number | Tensor | null }>
): Tensor {
  const { rcond, rtol, ...options } = readArguments<ToleranceOptions & { rcond?: number | Tensor | null }>(
    'linalg_pinv',
    args,
    ['rcond', 'hermitian'],
    ['atol', 'rtol'],
  )
  if (A.ndim < 2 || (A.dtype !== 'float32' && A.dtype !== 'float64')) {
    if (A.dtype.startsWith('complex')) throw new Error(`not implemented: linalg.pinv of ${A.dtype}`)
    throw new Error(
      `linalg.pinv(${scalarName(A.dtype)}{[${A.layout.shape.join(', ')}]}): expected a tensor with 2 or more dimensions of float, double, cfloat or cdouble types`,
    )
  }
  return pinvOp([A], { ...options, rtol: rtol ?? rcond })[0]
}

/**
 * The pseudo-inverse, as `torch.pinverse`: singular values up to rcond (1e-15) times the largest count as zero.
 *
 * @example
 * torch.pinverse(torch.tensor([[2, 0], [0, 4]])).tolist() // [[0.5, 0], [0, 0.25]]
 */
export function pinverse(A: Tensor, ...args: Arguments<[rcond: number], { rcond?: number }>): Tensor {
  const { rcond = 1e-15 } = readArguments<{ rcond?: number }>('pinverse', args, ['rcond'])
  return pinv(A, { rtol: rcond })
}

/**
 * The number of singular values that count as nonzero, as `torch.linalg.matrix_rank`; `tol` is an older name of `atol`.
 *
 * @example
 * torch.linalg.matrixRank(torch.ones(3, 3)).item() // 1
 */
export function matrixRank(
  A: Tensor,
  ...args: Arguments<[tol: number | Tensor | null, hermitian: boolean], ToleranceOptions & { tol?: number | Tensor | null }>
): Tensor {
  const { tol, ...options } = readArguments<ToleranceOptions & { tol?: number | Tensor | null }>(
    'linalg_matrix_rank',
    args,
    ['tol', 'hermitian'],
    ['atol', 'rtol'],
  )
  requireMatrix('torch.linalg.matrix_rank', A, 'input')
  requireReal(A)
  if (A.layout.numel === 0) return filled(A, batchOf(A), 0, 'int64')
  const a = A.detach()
  const S = options.hermitian ? abs(eigvalsh(a)) : svdvals(a)
  const tolerance = tol === undefined || tol === null ? options : { atol: tol, rtol: 0 }
  return sum(significant(a, S, tolerance), -1)
}
function requireReal(A: Tensor): void {
  if (A.dtype.startsWith('complex')) throw new Error(`not implemented: singular values of ${A.dtype}`)
  if (A.dtype !== 'float32' && A.dtype !== 'float64')
    throw new Error("This function doesn't handle types other than float and double")
}

const drivers = ['gels', 'gelsy', 'gelsd', 'gelss'] as const
export interface LstsqOptions {
  /** Singular values up to rcond times the largest count as zero; ε · max(m, n) unless given. */
  rcond?: number | null
  /** LAPACK's routine whose results are given: `'gels'` takes A to have full rank. */
  driver?: (typeof drivers)[number] | null
}

interface LeastSquares {
  readonly rcond: number
  readonly driver: (typeof drivers)[number]
}

/** The shortest X that makes B − A X shortest, with the rank and singular values found on the way; not recorded. */
function leastSquares(a: Tensor, b: Tensor, { rcond, driver }: LeastSquares): Tensor[] {
  const [m, n] = sizesOf(a)
  const batch = batchOf(a)
  const none = emptyAs(a, [0], 'int64')
  if (a.layout.numel === 0) {
    const x = filled(a, [...batch, n, sizesOf(b)[1]], 0)
    return driver === 'gels'
      ? [x, none, emptyAs(a, [0])]
      : [x, filled(a, batch, 0, 'int64'), filled(a, [...batch, Math.min(m, n)], 0)]
  }
  if (driver === 'gels') {
    const { Q, R } = plainQr(m >= n ? a : mT(a))
    const x = m >= n ? triangularSolution(R, matmul(mT(Q), b), true) : matmul(Q, triangularSolution(mT(R), b, false))
    return [x, none, emptyAs(a, [0])]
  }
  const { U, S, Vh } = svd(a, false)
  const kept = significant(a, S, { rtol: rcond })
  const inverse = to(where(kept, reciprocal(S), 0), a.dtype)
  return [matmul(mT(Vh), mul(unsqueeze(inverse, -1), matmul(mT(U), b))), sum(kept, -1), S]
}

const lstsqOp: Op<LeastSquares> = defineOp<LeastSquares>({
  name: 'LinalgLstsq',
  differentiableOutputs: 1,
  forward: ([a, b], attrs) => leastSquares(a.detach(), b.detach(), attrs),
  save: ([a, b]) => [a, b],
  backward: ([g], { saved: [a, b], needs }) => {
    const P = pinv(a)
    return [needs[0] ? pinvGradient(matmul(g!, mT(b)), P, a) : null, needs[1] ? matmul(mT(P), g!) : null]
  },
})

/**
 * The least-squares solution X of A X = B, A [.., m, n], as `torch.linalg.lstsq`: `{ solution, residuals, rank,
 * singularValues }`. Residuals are the squared lengths of A X − B, for the drivers that give them, where m > n and A has
 * full rank; what a driver does not give is empty.
 *
 * @example
 * const A = torch.tensor([[1, 0], [1, 1], [1, 2]])
 * torch.linalg.lstsq(A, torch.tensor([[1], [3], [5]])).solution
 * // tensor([[1.0000],
 * //         [2.0000]])
 */
export function lstsq(
  A: Tensor,
  B: Tensor,
  ...args: Arguments<[rcond: number | null], LstsqOptions>
): Named<'solution' | 'residuals' | 'rank' | 'singularValues'> {
  const options = readArguments<LstsqOptions>('linalg_lstsq', args, ['rcond'], ['driver'])
  const name = 'torch.linalg.lstsq'
  requireReal(A)
  if (A.ndim < 2) throw new Error(`${name}: input must have at least 2 dimensions.`)
  if (B.ndim < 1) throw new Error(`${name}: other must have at least 1 dimension.`)
  if (A.dtype !== B.dtype)
    throw new Error(
      `${name}: Expected input and other to have the same dtype, but got input's dtype ${scalarName(A.dtype)} and other's dtype ${scalarName(B.dtype)}`,
    )
  const difference = A.ndim - B.ndim
  if (difference < 0 || difference > 1)
    throw new Error(`${name}: input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) <= 1`)
  const rhs = difference === 1 ? unsqueeze(B, -1) : B
  const [m, n] = sizesOf(A)
  if (m !== sizesOf(rhs)[0]) throw new Error(`${name}: input.size(-2) should match other.size(-${difference === 1 ? 1 : 2})`)
  const driver = options.driver ?? 'gelsy'
  if (!drivers.includes(driver)) throw new Error(`${name}: parameter \`driver\` should be one of (gels, gelsy, gelsd, gelss)`)
  const [a, b] = broadcastMatrices(A, rhs)
  const [x, rank, values] = lstsqOp([a, b], { rcond: options.rcond ?? Math.max(m, n) * epsilon(A), driver })
  const full = driver === 'gels' || isFullRank(rank, n)
  const residuals = driver !== 'gelsy' && m > n && full ? sum(square(sub(matmul(a, x), b)), -2) : emptyAs(A, [0])
  const singularValues = driver === 'gelsd' || driver === 'gelss' ? values : emptyAs(A, [0])
  return named({ solution: difference === 1 ? squeeze(x, -1) : x, residuals: residuals.detach(), rank, singularValues })
}
const isFullRank = (rank: Tensor, n: number): boolean => {
  return (elements(rank) as BigInt64Array).every((r) => r === BigInt(n))
}
