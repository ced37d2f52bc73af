/** Eigenvalues and eigenvectors of square matrices that need not be symmetric. */

import { notOfComplex } from '../backends/complex.js'
import { complexDType, isComplex, isFloatingPoint, scalarName } from '../core/dtype.js'
import { type Named, named } from '../core/results.js'
import type { Tensor } from '../core/tensor.js'
import { abs, add, div, mul, neg, sub } from './arithmetic.js'
import { adjoint, conj } from './complex.js'
import { filled } from './copy.js'
import { elements, item, toTypedArray } from './creation.js'
import { diagEmbed, diagonal } from './diagonal.js'
import { defineOp, emptyTensor, needsRecording, type Op } from './dispatch.js'
import { geev, quotient } from './geev.js'
import { matmul } from './matmul.js'
import { imag, real } from './parts.js'
import { amax } from './reduce.js'
import { detach, unsqueeze } from './view.js'

/** @throws Error in PyTorch's words for what is no batch of real square matrices */
function requireSquare(name: string, { layout: { shape }, dtype }: Tensor): void {
  if (shape.length < 2) throw new Error(`${name}: The input tensor A must have at least 2 dimensions.`)
  const [rows, columns] = shape.slice(-2)
  if (rows !== columns)
    throw new Error(`${name}: A must be batches of square matrices, but they are ${rows} by ${columns} matrices`)
  if (isComplex(dtype)) throw notOfComplex(name, dtype)
  if (!isFloatingPoint(dtype)) throw new Error(`${name}: Unknown Complex ScalarType for ${scalarName(dtype)}`)
  if (dtype === 'float16' || dtype === 'bfloat16')
    throw new Error(`"linalg_eig_out_cpu" not implemented for '${scalarName(dtype)}'`)
}

/** Parts written in turn, from `at` on. */
function interleave(target: Float32Array | Float64Array, at: number, re: Float64Array, im: Float64Array): void {
  for (let i = 0; i < re.length; i++) {
    target[2 * (at + i)] = re[i]
    target[2 * (at + i) + 1] = im[i]
  }
}

/** The eigenvalues of every matrix, and the eigenvectors if they are wanted. */
function decompose(name: string, x: Tensor, wantVectors: boolean): Tensor[] {
  const { shape } = x.layout
  const n = shape[shape.length - 1]
  const backend = x.storage.allocator
  const values = emptyTensor(backend, shape.slice(0, -1), complexDType(x.dtype))
  const vectors = wantVectors ? emptyTensor(backend, shape, values.dtype) : null
  const source = toTypedArray(x) as Float32Array
  if (!source.every(Number.isFinite)) throw new Error(`torch.${name}: input tensor should not contain infs or NaNs.`)
  const count = n === 0 ? 0 : source.length / (n * n)
  for (let b = 0; b < count; b++) {
    const found = geev(Float64Array.from(source.subarray(b * n * n, (b + 1) * n * n)), n, wantVectors)
    if (found === null)
      throw new Error(
        `${name}: The algorithm failed to converge because the input matrix is ill-conditioned or has too many repeated eigenvalues.`,
      )
    interleave(elements(values) as Float32Array, b * n, found.re, found.im)
    if (vectors !== null) interleave(elements(vectors) as Float32Array, b * n * n, found.vectorsRe, found.vectorsIm)
  }
  return vectors === null ? [values] : [values, vectors]
}

/** The complex matrix x with a·x = b, batch by batch, by Gauss's elimination with row pivots. */
const solveOp: Op<undefined> = defineOp({
  name: 'LinalgSolveEx',
  forward: ([a, b]) => {
    const [n, k] = b.layout.shape.slice(-2)
    const out = emptyTensor(b.storage.allocator, b.layout.shape, b.dtype)
    const [left, right] = [a, b].map((t) => Float64Array.from(toTypedArray(t) as Float32Array))
    for (let at = 0; at < b.layout.numel; at += n * k) eliminate(left.subarray((at / k) * 2 * n), right.subarray(2 * at), n, k)
    ;(elements(out) as Float32Array).set(right)
    return [out]
  },
  save: ([a], [x]) => [a, x],
  backward: ([g], { saved: [a, x], needs }) => {
    const gradB = solveOp([adjoint(a), g!], undefined)[0]
    return [needs[0] ? neg(matmul(gradB, adjoint(x))) : null, gradB]
  },
})

/** Turns the right side [n, k] into the solution; both are pairs of parts, row-major. */
function eliminate(a: Float64Array, b: Float64Array, n: number, k: number): void {
  /** row += f · other, over the columns from `first` on. */
  const addRow = (m: Float64Array, width: number, row: number, other: number, first: number, fr: number, fi: number): void => {
    for (let j = first; j < width; j++) {
      const [to, from] = [2 * (row * width + j), 2 * (other * width + j)]
      const [re, im] = [m[from], m[from + 1]]
      m[to] += fr * re - fi * im
      m[to + 1] += fr * im + fi * re
    }
  }
  const swapRows = (m: Float64Array, width: number, p: number, q: number): void => {
    const kept = m.slice(2 * p * width, 2 * (p + 1) * width)
    m.copyWithin(2 * p * width, 2 * q * width, 2 * (q + 1) * width)
    m.set(kept, 2 * q * width)
  }
  const factor = (row: number, column: number, by: number): [number, number] => {
    const [at, pivot] = [2 * (row * n + column), 2 * (by * n + by)]
    return quotient(a[at], a[at + 1], a[pivot], a[pivot + 1])
  }
  for (let c = 0; c < n; c++) {
    let best = c
    const size = (row: number): number => Math.abs(a[2 * (row * n + c)]) + Math.abs(a[2 * (row * n + c) + 1])
    for (let row = c + 1; row < n; row++) if (size(row) > size(best)) best = row
    if (size(best) === 0) throw new Error('linalg.solve: The solver failed because the input matrix is singular.')
    if (best !== c) {
      swapRows(a, n, c, best)
      swapRows(b, k, c, best)
    }
    for (let row = c + 1; row < n; row++) {
      const [fr, fi] = factor(row, c, c)
      addRow(a, n, row, c, c, -fr, -fi)
      addRow(b, k, row, c, 0, -fr, -fi)
    }
  }
  for (let row = n - 1; row >= 0; row--) {
    const pivot = 2 * (row * n + row)
    for (let j = 0; j < k; j++) {
      const at = 2 * (row * k + j)
      ;[b[at], b[at + 1]] = quotient(b[at], b[at + 1], a[pivot], a[pivot + 1])
    }
    for (let above = 0; above < row; above++) {
      const at = 2 * (above * n + row)
      addRow(b, k, above, row, 0, -a[at], -a[at + 1])
    }
  }
}

/** Eigenvectors are free up to a phase: a loss that depends on it has no gradient. */
function requireInvariance(diagonalOfVhGv: Tensor): void {
  const phase = abs(imag(detach(diagonalOfVhGv)))
  if (phase.layout.numel > 0 && (item(amax(phase)) as number) > 1e-2)
    throw new Error(
      'linalg_eig_backward: The eigenvectors in the complex case are specified up to multiplication by e^{i phi}. The specified loss ' +
        'function depends on this quantity, so it is ill-defined.',
    )
}

const eigOp: Op<undefined> = defineOp({
  name: 'LinalgEig',
  forward: ([x]) => decompose('linalg.eig', x, true),
  save: (_, [values, vectors]) => [values, vectors],
  backward: ([gValues, gVectors], { saved: [values, v] }) => {
    const vh = adjoint(v)
    let inner = gValues && diagEmbed(gValues)
    if (gVectors !== null) {
      const vhgv = matmul(vh, gVectors)
      const along = diagonal(vhgv, 0, -2, -1)
      requireInvariance(along)
      // What is left of the gradient once the vectors' norms are held fixed, over the gaps between eigenvalues.
      const free = sub(vhgv, matmul(vh, mul(v, unsqueeze(real(along), -2))))
      const gaps = conj(sub(unsqueeze(values, -2), unsqueeze(values, -1)))
      const n = values.layout.shape.at(-1)!
      const ones = diagEmbed(filled(values, [n], 1))
      const turned = div(free, add(gaps, ones))
      inner = inner === null ? turned : add(inner, turned)
    }
    return [inner && solveOp([vh, matmul(inner, vh)], undefined)[0]]
  },
})

/**
 * The eigenvalues [..., n] and eigenvectors [..., n, n] of real square matrices, as `torch.linalg.eig`: both complex,
 * A = V · diag(λ) · V⁻¹. Eigenvectors are columns of norm 1 whose largest component is real; the eigenvalues of a conjugate pair
 * stand next to each other, the one with the positive imaginary part first.
 *
 * @throws Error for what is not square, not floating point or not finite; in backward, for a loss that depends on the phase of
 * the eigenvectors
 * @example
 * const { eigenvalues } = torch.linalg.eig(torch.tensor([[0, 1], [-4, 0]]))
 * eigenvalues // tensor([0.+2.j, 0.-2.j])
 */
export function eig(A: Tensor): Named<'eigenvalues' | 'eigenvectors'> {
  requireSquare('linalg.eig', A)
  const [eigenvalues, eigenvectors] = eigOp([A], undefined)
  return named({ eigenvalues, eigenvectors })
}

/**
 * The eigenvalues [..., n] of real square matrices, as `torch.linalg.eigvals`: complex, in the order of `eig`.
 *
 * @throws Error for what is not square, not floating point or not finite
 * @example
 * torch.linalg.eigvals(torch.tensor([[1, 2], [0, 3]])) // tensor([1.+0.j, 3.+0.j])
 */
export function eigvals(A: Tensor): Tensor {
  requireSquare('linalg.eigvals', A)
  return needsRecording([A]) ? eig(A).eigenvalues : decompose('linalg.eigvals', A, false)[0]
}
