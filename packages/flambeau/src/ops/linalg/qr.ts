/** QR factorizations by Householder reflectors. */

import { type Arguments, readArguments } from '../../core/arguments.js'
import { scalarName } from '../../core/dtype.js'
import { type Named, named } from '../../core/results.js'
import type { Tensor } from '../../core/tensor.js'
import { add, mul, sub } from '../arithmetic.js'
import { filled } from '../copy.js'
import { tril, triu } from '../diagonal.js'
import { defineOp, needsRecording, type Op } from '../dispatch.js'
import { cat } from '../joining.js'
import { matmul } from '../matmul.js'
import { expand, narrow, select, unsqueeze } from '../view.js'
import {
  batchOf,
  emptyAs,
  freshMatrices,
  halvedTril,
  identityLike,
  mT,
  requireFloating,
  requireKernel,
  requireMatrix,
  sizesOf,
} from './matrices.js'
import { rightTriangularSolution } from './triangular.js'

/** R above the diagonal, the reflectors below it, and their factors; not recorded. */
function reflectors(a: Tensor): [a: Tensor, tau: Tensor] {
  const out = freshMatrices(a)
  const tau = emptyAs(a, [...batchOf(a), Math.min(...sizesOf(a))])
  if (out.layout.numel > 0) out.storage.allocator.run('qr', out, tau)
  return [out, tau]
}

/** Q C or Qᵀ C for the Q of reflectors; not recorded. */
function reflected(a: Tensor, tau: Tensor, c: Tensor, transpose: boolean): Tensor {
  const out = freshMatrices(c)
  if (out.layout.numel > 0 && tau.layout.numel > 0) out.storage.allocator.run('applyReflectors', a, tau, out, transpose)
  return out
}

/** The same in ops, one reflector at a time, so that gradients of any order follow. */
function reflectedByOps(a: Tensor, tau: Tensor, c: Tensor, transpose: boolean): Tensor {
  const k = tau.layout.shape.at(-1)!
  const [m] = sizesOf(a)
  const vectors = add(tril(narrow(a, -1, 0, k), -1), identityLike(a, m, k))
  let out = c
  for (let step = 0; step < k; step++) {
    const i = transpose ? step : k - 1 - step
    const v = narrow(vectors, -1, i, 1)
    const factor = unsqueeze(unsqueeze(select(tau, -1, i), -1), -1)
    out = sub(out, mul(factor, matmul(v, matmul(mT(v), out))))
  }
  return out
}

type Mode = 'reduced' | 'complete' | 'r'

/** The gradient where Q has its rank of columns and R is square. */
function tallGradient(gQ: Tensor | null, gR: Tensor | null, Q: Tensor, R: Tensor): Tensor {
  let inner = gR === null ? null : matmul(gR, mT(R))
  if (gQ !== null) {
    const turned = matmul(mT(Q), gQ)
    inner = inner === null ? mul(turned, -1) : sub(inner, turned)
  }
  // Its upper triangle, mirrored.
  const half = halvedTril(mT(inner!))
  const gA = matmul(Q, add(half, mT(half)))
  return rightTriangularSolution(mT(R), gQ === null ? gA : add(gA, gQ), false)
}

const qrOp: Op<Mode> = defineOp<Mode>({
  name: 'LinalgQr',
  forward: ([a], mode) => {
    const [m, n] = sizesOf(a)
    const k = Math.min(m, n)
    const [factors, tau] = reflectors(a)
    const height = mode === 'complete' ? m : k
    const R = triu(narrow(factors, -2, 0, k))
    const full = height === k ? R : cat([R, filled(R, [...batchOf(a), height - k, n], 0)], -2)
    if (mode === 'r') return [emptyAs(a, [0]), full]
    const identity = expand(identityLike(a, m, height), [...batchOf(a), m, height])
    return [reflected(factors, tau, identity, false), full]
  },
  save: (_inputs, outputs) => outputs,
  backward: ([gQ, gR], { saved: [Q, R], attrs: mode }) => {
    if (mode === 'r')
      throw new Error(
        "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr.",
      )
    const [k, n] = sizesOf(R)
    const m = sizesOf(Q)[0]
    if (mode === 'complete' && m > n)
      throw new Error("The QR decomposition is not differentiable when mode='complete' and nrows > ncols.")
    if (k >= n) return [tallGradient(gQ, gR, Q, R)]
    // A = Q [R₁ R₂]: R₂ = Qᵀ A₂ depends on Q, A₂ = Q R₂.
    const R1 = narrow(R, -1, 0, k)
    if (gR === null) {
      const first = tallGradient(gQ, null, Q, R1)
      return [cat([first, filled(R, [...batchOf(R), m, n - k], 0)], -1)]
    }
    const [g1, g2] = [narrow(gR, -1, 0, k), narrow(gR, -1, k, n - k)]
    const second = matmul(Q, g2)
    const throughQ = matmul(matmul(Q, narrow(R, -1, k, n - k)), mT(g2))
    return [cat([tallGradient(gQ === null ? throughQ : add(gQ, throughQ), g1, Q, R1), second], -1)]
  },
})

/**
 * The factors of A = Q R, A [.., m, n], as `torch.linalg.qr`: `{ Q, R }` with orthonormal columns in Q and R upper
 * triangular. In the mode `'reduced'` Q is [.., m, k], k = min(m, n), in `'complete'` [.., m, m], in `'r'` it is empty.
 *
 * @example
 * const { Q, R } = torch.linalg.qr(torch.tensor([[0, 2], [3, 4]]))
 * Q.shape // [ 2, 2 ]
 * Q.matmul(R).allclose(torch.tensor([[0, 2], [3, 4]]), { atol: 1e-5 }) // true
 */
export function qr(A: Tensor, ...args: Arguments<[mode: Mode], { mode?: Mode }>): Named<'Q' | 'R'> {
  const { mode = 'reduced' } = readArguments<{ mode?: Mode }>('linalg_qr', args, ['mode'])
  requireMatrix('linalg.qr', A)
  if (A.dtype.includes('float')) requireKernel('geqrf_cpu', A)
  requireFloating('linalg.qr', A)
  if (mode !== 'reduced' && mode !== 'complete' && mode !== 'r')
    throw new Error(`qr received unrecognized mode '${mode}' but expected one of 'reduced' (default), 'r', or 'complete'`)
  const [Q, R] = qrOp([A], mode)
  return named({ Q, R })
}

/**
 * The factors of A = Q R, as `torch.qr`: reduced ones if `some`, complete ones otherwise.
 *
 * @example
 * const [Q, R] = torch.qr(torch.tensor([[3, 1], [4, 2]]))
 * Q.matmul(R).round().tolist() // [[3, 1], [4, 2]]
 */
export function plainQr(A: Tensor, ...args: Arguments<[some: boolean], { some?: boolean }>): Named<'Q' | 'R'> {
  const { some = true } = readArguments<{ some?: boolean }>('qr', args, ['some'])
  return qr(A, some ? 'reduced' : 'complete')
}

/**
 * The QR factorization as LAPACK leaves it, as `torch.geqrf`: `{ a, tau }`, R and below it the reflectors of Q. Not
 * differentiable.
 *
 * @example
 * torch.geqrf(torch.tensor([[3, 1], [4, 2]])).a.at(0, 0).item() // -5
 */
export function geqrf(input: Tensor): Named<'a' | 'tau'> {
  if (input.ndim < 2) throw new Error('torch.geqrf: input must have at least 2 dimensions.')
  requireKernel('geqrf_cpu', input)
  const [a, tau] = needsRecording([input]) ? geqrfOp([input], undefined) : reflectors(input)
  return named({ a, tau })
}
const geqrfOp: Op<undefined> = defineOp({
  name: 'Geqrf',
  forward: ([a]) => reflectors(a),
  backward: () => {
    throw new Error("the derivative for 'geqrf' is not implemented.")
  },
})

/**
 * The first n columns of the product of Householder reflectors I − tauᵢ vᵢ vᵢᵀ, vᵢ below the diagonal of column i of
 * input [.., m, n], as `torch.linalg.householder_product`.
 *
 * @example
 * const { a, tau } = torch.geqrf(torch.eye(3))
 * torch.linalg.householderProduct(a, tau).shape // [ 3, 3 ]
 */
export function householderProduct(input: Tensor, tau: Tensor): Tensor {
  const name = 'torch.linalg.householder_product'
  requireMatrixInput(name, input)
  const [m, n] = sizesOf(input)
  if (m < n) throw new Error(`${name}: input.shape[-2] must be greater than or equal to input.shape[-1]`)
  if (n < tau.layout.shape.at(-1)!) throw new Error(`${name}: input.shape[-1] must be greater than or equal to tau.shape[-1]`)
  requireTau(name, input, tau)
  if (tau.dtype !== input.dtype)
    throw new Error(`${name}: tau dtype ${scalarName(tau.dtype)} does not match input dtype ${scalarName(input.dtype)}`)
  requireKernel('orgqr_cpu', input)
  const identity = expand(identityLike(input, m, n), input.layout.shape)
  return needsRecording([input, tau]) ? reflectedByOps(input, tau, identity, false) : reflected(input, tau, identity, false)
}

function requireMatrixInput(name: string, input: Tensor): void {
  if (input.ndim < 2) throw new Error(`${name}: input must have at least 2 dimensions.`)
}
function requireTau(name: string, input: Tensor, tau: Tensor): void {
  if (input.ndim - tau.ndim !== 1)
    throw new Error(
      `${name}: Expected tau to have one dimension less than input, but got tau.ndim equal to ${tau.ndim} and input.ndim is equal to ${input.ndim}`,
    )
  const [batch, given] = [batchOf(input), tau.layout.shape.slice(0, -1)]
  if (batch.some((size, d) => size !== given[d]))
    throw new Error(`${name}: Expected batch dimensions of tau to be equal to input.shape[:-2], but got [${given.join(', ')}]`)
}

export interface OrmqrOptions {
  /** Multiply from the left. */
  left?: boolean
  /** By Qᵀ instead of Q. */
  transpose?: boolean
}
/**
 * Q times a matrix, where Q is the full product of the reflectors in input and tau, as `torch.ormqr`: Q·other, Qᵀ·other,
 * or from the right.
 *
 * @example
 * const { a, tau } = torch.geqrf(torch.eye(3))
 * torch.ormqr(a, tau, torch.ones(3, 2)).shape // [ 3, 2 ]
 */
export function ormqr(
  input: Tensor,
  tau: Tensor,
  other: Tensor,
  ...args: Arguments<[left: boolean, transpose: boolean], OrmqrOptions>
): Tensor {
  const { left = true, transpose = false } = readArguments<OrmqrOptions>('ormqr', args, ['left', 'transpose'])
  const name = 'torch.ormqr'
  requireMatrixInput(name, input)
  if (other.ndim < 2) throw new Error(`${name}: other must have at least 2 dimensions.`)
  const size = other.layout.shape.at(left ? -2 : -1)!
  const place = left ? -2 : -1
  const k = tau.layout.shape.at(-1)!
  if (size < k) throw new Error(`${name}: other.shape[${place}] must be greater than or equal to tau.shape[-1]`)
  if (size !== sizesOf(input)[0]) throw new Error(`${name}: other.shape[${place}] must be equal to input.shape[-2]`)
  if (sizesOf(input)[1] < k) throw new Error(`${name}: tau.shape[-1] must be less than or equal to input.shape[-1]`)
  requireTau(name, input, tau)
  if (input.ndim !== other.ndim)
    throw new Error(
      `${name}: Expected other to have the same number of dimensions as input, but got other.ndim equal to ${other.ndim} and input.ndim is equal to ${input.ndim}`,
    )
  const [batch, given] = [batchOf(input), batchOf(other)]
  if (batch.some((n, d) => n !== given[d]))
    throw new Error(`${name}: Expected batch dimensions of other to be equal to input.shape[:-2], but got [${given.join(', ')}]`)
  for (const [word, t] of [
    ['tau', tau],
    ['other', other],
  ] as const)
    if (t.dtype !== input.dtype)
      throw new Error(
        `${name}: Expected input and ${word} to have the same dtype, but input has dtype${scalarName(input.dtype)} and ${word} has dtype ${scalarName(t.dtype)}`,
      )
  requireKernel('ormqr_cpu', input)
  // C Q = (Qᵀ Cᵀ)ᵀ.
  const c = left ? other : mT(other)
  const apply = needsRecording([input, tau, other]) ? reflectedByOps : reflected
  const out = apply(input, tau, c, left ? transpose : !transpose)
  return left ? out : mT(out)
}
