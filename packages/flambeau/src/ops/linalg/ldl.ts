/**
 * Symmetric indefinite factorizations A = L D Lᵀ with the diagonal pivoting of Bunch and Kaufman, D made of blocks of one
 * or two rows, laid out as LAPACK's sytrf does. Rare enough to be computed here, element by element, on every engine.
 */

import { scalarName } from '../../core/dtype.js'
import { type Named, named } from '../../core/results.js'
import type { Tensor } from '../../core/tensor.js'
import { rowMajor } from '../copy.js'
import { elements } from '../creation.js'
import { defineOp, type Op } from '../dispatch.js'
import { expand } from '../view.js'
import type { CheckErrorsOptions } from './lu.js'
import {
  batchOf,
  broadcastMatrices,
  checkInfos,
  emptyAs,
  readOptions,
  requireFloating,
  requireKernel,
  requireSquare,
  sizesOf,
} from './matrices.js'

type Row = Float64Array

/** A result that backward cannot pass: the op is what has computed it. */
const dead = (name: string, what: string): Op<Tensor> =>
  defineOp<Tensor>({
    name,
    forward: (_, result) => [result],
    backward: () => {
      throw new Error(`the derivative for '${what}' is not implemented.`)
    },
  })
const factored = dead('LinalgLdlFactorEx', 'linalg_ldl_factor_ex')
const solved = dead('LinalgLdlSolve', 'linalg_ldl_solve')

/** Exchanges rows and columns p < q of what is left from row k on, in the lower triangle. */
function exchange(a: Row[], k: number, p: number, q: number): void {
  const n = a.length
  for (let i = q + 1; i < n; i++) [a[i][p], a[i][q]] = [a[i][q], a[i][p]]
  for (let i = p + 1; i < q; i++) [a[i][p], a[q][i]] = [a[q][i], a[i][p]]
  ;[a[p][p], a[q][q]] = [a[q][q], a[p][p]]
  if (p > k) [a[p][k], a[q][k]] = [a[q][k], a[p][k]]
}

/** Rewrites the lower triangle; answers with the pivots, counted from 1, negative in pairs for blocks of two, and the info. */
function factorize(a: Row[]): { pivots: number[]; info: number } {
  const n = a.length
  const bound = (1 + Math.sqrt(17)) / 8
  const pivots = new Array<number>(n).fill(0)
  let info = 0
  const largest = (from: number, to: number, at: (i: number) => number): [place: number, size: number] => {
    let best = from
    for (let i = from + 1; i < to; i++) if (Math.abs(at(i)) > Math.abs(at(best))) best = i
    return [best, from < to ? Math.abs(at(best)) : 0]
  }
  for (let k = 0; k < n; ) {
    const diagonal = Math.abs(a[k][k])
    const [row, most] = largest(k + 1, n, (i) => a[i][k])
    let [step, pivot] = [1, k]
    if (Math.max(diagonal, most) === 0 || Number.isNaN(diagonal)) {
      info ||= k + 1
      pivots[k] = k + 1
      k++
      continue
    }
    if (diagonal < bound * most) {
      const across = largest(k, row, (j) => a[row][j])[1]
      const below = row < n - 1 ? largest(row + 1, n, (i) => a[i][row])[1] : 0
      const rowMost = Math.max(across, below)
      if (diagonal >= bound * most * (most / rowMost)) pivot = k
      else if (Math.abs(a[row][row]) >= bound * rowMost) pivot = row
      else [step, pivot] = [2, row]
    }
    const first = k + step - 1
    if (pivot !== first) exchange(a, k, first, pivot)
    if (step === 1) {
      const inverse = 1 / a[k][k]
      for (let j = k + 1; j < n; j++) {
        const factor = inverse * a[j][k]
        for (let i = j; i < n; i++) a[i][j] -= factor * a[i][k]
      }
      for (let i = k + 1; i < n; i++) a[i][k] *= inverse
      pivots[k] = pivot + 1
    } else {
      const side = a[k + 1][k]
      const [d11, d22] = [a[k + 1][k + 1] / side, a[k][k] / side]
      const factor = 1 / (d11 * d22 - 1) / side
      for (let j = k + 2; j < n; j++) {
        const wk = factor * (d11 * a[j][k] - a[j][k + 1])
        const wk1 = factor * (d22 * a[j][k + 1] - a[j][k])
        for (let i = j; i < n; i++) a[i][j] -= a[i][k] * wk + a[i][k + 1] * wk1
        ;[a[j][k], a[j][k + 1]] = [wk, wk1]
      }
      pivots[k] = pivots[k + 1] = -(pivot + 1)
    }
    k += step
  }
  for (let i = 0; i < n; i++) a[i].fill(0, i + 1)
  return { pivots, info }
}

/** Overwrites B with the solution of A X = B. */
function substitute(a: Row[], pivots: ArrayLike<number>, b: Row[]): void {
  const n = a.length
  const swap = (i: number, j: number): void => {
    ;[b[i], b[j]] = [b[j], b[i]]
  }
  const subtract = (to: number, from: number, factor: number): void => {
    for (let c = 0; c < b[to].length; c++) b[to][c] -= factor * b[from][c]
  }
  for (let k = 0; k < n; ) {
    const isPair = pivots[k] < 0
    const first = isPair ? k + 1 : k
    swap(first, Math.abs(pivots[k]) - 1)
    for (let i = first + 1; i < n; i++) for (let j = k; j <= first; j++) subtract(i, j, a[i][j])
    if (isPair) {
      const side = a[k + 1][k]
      const [d0, d1] = [a[k][k] / side, a[k + 1][k + 1] / side]
      const denominator = d0 * d1 - 1
      for (let c = 0; c < b[k].length; c++) {
        const [b0, b1] = [b[k][c] / side, b[k + 1][c] / side]
        b[k][c] = (d1 * b0 - b1) / denominator
        b[k + 1][c] = (d0 * b1 - b0) / denominator
      }
    } else for (let c = 0; c < b[k].length; c++) b[k][c] /= a[k][k]
    k = first + 1
  }
  for (let k = n - 1; k >= 0; ) {
    const isPair = pivots[k] < 0
    const first = isPair ? k - 1 : k
    for (let j = first; j <= k; j++) for (let i = k + 1; i < n; i++) subtract(j, i, a[i][j])
    swap(k, Math.abs(pivots[k]) - 1)
    k = first - 1
  }
}

/** The matrices of a batch as rows of doubles. */
function rowsOf(t: Tensor): Row[][] {
  const [rows, columns] = sizesOf(t)
  const values = elements(rowMajor(t)) as Float32Array | Float64Array
  const count = batchOf(t).reduce((n, size) => n * size, 1)
  return Array.from({ length: count }, (_, b) =>
    Array.from({ length: rows }, (_, i) => {
      const start = (b * rows + i) * columns
      return Float64Array.from(values.subarray(start, start + columns))
    }),
  )
}
function matricesFrom(matrices: readonly Row[][], shape: readonly number[], like: Tensor): Tensor {
  const out = emptyAs(like, shape)
  ;(elements(out) as Float32Array).set(matrices.flatMap((rows) => rows.flatMap((row) => [...row])))
  return out
}

export interface HermitianOptions {
  /** For complex matrices alone, which are not implemented: real ones are symmetric either way. */
  hermitian?: boolean
}

/**
 * The LDLᵀ factorization of symmetric matrices, of which the lower triangle is read, and infos, as
 * `torch.linalg.ldl_factor_ex`: `{ LD, pivots, info }`. Not differentiable.
 *
 * @example
 * torch.linalg.ldlFactorEx(torch.tensor([[4, 2], [2, 2]])).LD.tolist() // [ [ 4, 0 ], [ 0.5, 1 ] ]
 */
export function ldlFactorEx(A: Tensor, options: HermitianOptions & CheckErrorsOptions = {}): Named<'LD' | 'pivots' | 'info'> {
  const { checkErrors = false } = readOptions('linalg_ldl_factor_ex', options, ['hermitian', 'checkErrors'])
  const name = 'torch.linalg.ldl_factor_ex'
  requireSquare(name, A)
  if (A.dtype.includes('float')) requireKernel('ldl_factor_kernel_cpu', A)
  requireFloating(name, A)
  const pivots = emptyAs(A, A.layout.shape.slice(0, -1), 'int32')
  const info = emptyAs(A, batchOf(A), 'int32')
  const matrices = rowsOf(A)
  const found = matrices.map(factorize)
  ;(elements(pivots) as Int32Array).set(found.flatMap((f) => f.pivots))
  ;(elements(info) as Int32Array).set(found.map((f) => f.info))
  if (checkErrors) checkInfos(info, name, (i) => `The diagonal block ${i} of D is zero.`)
  return named({ LD: factored([A], matricesFrom(matrices, A.layout.shape, A))[0], pivots, info })
}
/**
 * The LDLᵀ factorization of symmetric matrices, as `torch.linalg.ldl_factor`: `{ LD, pivots }`.
 *
 * @example
 * const [LD, pivots] = torch.linalg.ldlFactor(torch.tensor([[4, 2], [2, 2]]))
 * torch.linalg.ldlSolve(LD, pivots, torch.tensor([[6], [4]])).tolist() // [[1], [1]]
 */
export function ldlFactor(A: Tensor, options: HermitianOptions = {}): Named<'LD' | 'pivots'> {
  readOptions('linalg_ldl_factor', options, ['hermitian'])
  const { LD, pivots, info } = ldlFactorEx(A, options)
  checkInfos(info, 'torch.linalg.ldl_factor', (i) => `The diagonal block ${i} of D is zero.`)
  return named({ LD, pivots })
}

/**
 * The solution of A X = B from the LDLᵀ factorization of A, as `torch.linalg.ldl_solve`. Not differentiable.
 *
 * @example
 * const { LD, pivots } = torch.linalg.ldlFactor(torch.tensor([[4, 2], [2, 2]]))
 * torch.linalg.ldlSolve(LD, pivots, torch.tensor([[6], [4]])).tolist() // [ [ 1 ], [ 1 ] ]
 */
export function ldlSolve(LD: Tensor, pivots: Tensor, B: Tensor, options: HermitianOptions = {}): Tensor {
  readOptions('linalg_ldl_solve', options, ['hermitian'])
  const name = 'torch.linalg.ldl_solve'
  requireSquare(name, LD)
  requireFloating(name, LD)
  if (LD.dtype !== B.dtype)
    throw new Error(
      `Expected b and A to have the same dtype, but found b of type ${scalarName(B.dtype)} and A of type ${scalarName(LD.dtype)} instead.`,
    )
  const wanted = LD.layout.shape.slice(0, -1)
  const given = pivots.layout.shape
  if (wanted.length !== given.length || wanted.some((size, d) => size !== given[d]))
    throw new Error(
      `${name}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with shape [${given.join(', ')}] instead`,
    )
  if (pivots.dtype !== 'int32' && pivots.dtype !== 'int64')
    throw new Error(`${name}: Expected pivots to be integers. Got ${scalarName(pivots.dtype)}`)
  if (B.ndim < 2) throw new Error(`${name}: B must have at least 2 dimensions.`)
  const [n] = sizesOf(LD)
  if (sizesOf(B)[0] !== n)
    throw new Error(
      `Incompatible matrix sizes for ${name}: each A matrix is ${n} by ${n} but each b matrix is ${sizesOf(B).join(' by ')}`,
    )
  const [a, b] = broadcastMatrices(LD, B)
  const places = Array.from(elements(rowMajor(expand(pivots, a.layout.shape.slice(0, -1)))) as ArrayLike<number | bigint>, Number)
  if (places.some((p) => Math.abs(p) < 1 || Math.abs(p) > n))
    throw new Error(`${name}: pivots must be between 1 and ${n}, or their negatives`)
  const [factors, out] = [rowsOf(a), rowsOf(b)]
  out.forEach((x, i) => {
    substitute(factors[i], places.slice(i * n, (i + 1) * n), x)
  })
  return solved([LD, B], matricesFrom(out, b.layout.shape, B))[0]
}
