/** Triangular systems. */

import { type Arguments, readArguments } from '../../core/arguments.js'
import { scalarName } from '../../core/dtype.js'
import { type Named, named } from '../../core/results.js'
import type { Tensor } from '../../core/tensor.js'
import { neg } from '../arithmetic.js'
import { clone } from '../cast.js'
import { tril, triu } from '../diagonal.js'
import { commonBackend, defineOp, type Op } from '../dispatch.js'
import { matmul } from '../matmul.js'
import {
  broadcastMatrices,
  freshMatrices,
  mT,
  readOptions,
  requireKernel,
  requireMatrix,
  requireSameDType,
  requireSquare,
  sizesOf,
} from './matrices.js'

interface Triangle {
  readonly upper: boolean
  /** The diagonal is ones, and not read. */
  readonly unit: boolean
}

/** X of A X = B, batches already alike. */
const solveTriangularOp: Op<Triangle> = defineOp<Triangle>({
  name: 'LinalgSolveTriangular',
  forward: ([a, b], { upper, unit }) => {
    const backend = commonBackend([a, b])
    const out = freshMatrices(b)
    if (out.layout.numel > 0) backend.run('solveTriangular', a, out, upper, unit)
    return [out]
  },
  save: ([a], [out]) => [a, out],
  backward: ([g], { saved: [a, out], attrs: { upper, unit }, needs }) => {
    const gradB = triangularSolution(mT(a), g!, !upper, unit)
    if (!needs[0]) return [null, gradB]
    const offset = unit ? 1 : 0
    const full = neg(matmul(gradB, mT(out)))
    return [upper ? triu(full, offset) : tril(full, -offset), gradB]
  },
})

/** X of A X = B for a triangle A; unchecked but for broadcasting. */
export function triangularSolution(a: Tensor, b: Tensor, upper: boolean, unit = false): Tensor {
  return solveTriangularOp(broadcastMatrices(a, b), { upper, unit })[0]
}
/** X of X A = B. */
export const rightTriangularSolution = (a: Tensor, b: Tensor, upper: boolean, unit = false): Tensor =>
  mT(triangularSolution(mT(a), mT(b), !upper, unit))

/** @throws Error `linalg.solve: Incompatible shapes of A and B for the equation AX = B (3x3 and 2x4)` */
export function requireFitting(name: string, a: Tensor, b: Tensor, left: boolean): void {
  const [rows, columns] = sizesOf(b)
  const [n] = sizesOf(a)
  if ((left ? rows : columns) !== n)
    throw new Error(
      `${name}: Incompatible shapes of A and B for the equation ${left ? 'AX = B' : 'XA = B'} ` +
        `(${n}x${sizesOf(a)[1]} and ${rows}x${columns})`,
    )
}

export interface SolveTriangularOptions {
  /** Which triangle of A is read. */
  upper: boolean
  /** Solve A X = B; X A = B otherwise. */
  left?: boolean
  /** A's diagonal is taken to be ones. */
  unitriangular?: boolean
}
/**
 * The solution X of A X = B for triangular A [.., n, n] and B [.., n, k], as `torch.linalg.solve_triangular`. Only the
 * triangle in question is read; nothing tells of a zero on its diagonal.
 *
 * @throws Error `linalg.solve_triangular: A must be batches of square matrices, but they are 2 by 3 matrices`
 * @example
 * const A = torch.tensor([[2, 0], [1, 4]])
 * torch.linalg.solveTriangular(A, torch.tensor([[2], [9]]), { upper: false }).tolist() // [ [ 1 ], [ 2 ] ]
 */
export function solveTriangular(A: Tensor, B: Tensor, options: SolveTriangularOptions): Tensor {
  const names = ['upper', 'left', 'unitriangular'] as const
  const { upper, left = true, unitriangular = false } = readOptions('linalg_solve_triangular', options, names)
  if (typeof upper !== 'boolean')
    throw new TypeError("linalg_solve_triangular() missing 1 required keyword-only argument: 'upper'")
  const name = 'linalg.solve_triangular'
  requireSameDType(name, A, B)
  requireKernel('triangular_solve_cpu', A)
  requireSquare(name, A)
  requireMatrix(name, B, 'B')
  requireFitting(name, A, B, left)
  return left ? triangularSolution(A, B, upper, unitriangular) : rightTriangularSolution(A, B, upper, unitriangular)
}

export interface TriangularSolveOptions {
  upper?: boolean
  /** Solve Aᵀ X = b. */
  transpose?: boolean
  unitriangular?: boolean
}
/**
 * The solution X of A X = b for triangular A, and a copy of A, as `torch.triangular_solve`: `{ solution, clonedCoefficient }`.
 *
 * @example
 * const A = torch.tensor([[2, 1], [0, 4]])
 * const { solution } = torch.triangularSolve(torch.tensor([[4], [8]]), A)
 * solution.tolist() // [ [ 1 ], [ 2 ] ]
 */
export function triangularSolve(
  b: Tensor,
  A: Tensor,
  ...args: Arguments<[upper: boolean, transpose: boolean, unitriangular: boolean], TriangularSolveOptions>
): Named<'solution' | 'clonedCoefficient'> {
  const {
    upper = true,
    transpose = false,
    unitriangular = false,
  } = readArguments<TriangularSolveOptions>('triangular_solve', args, ['upper', 'transpose', 'unitriangular'])
  if (b.ndim < 2)
    throw new Error(`torch.triangular_solve: Expected b to have at least 2 dimensions, but it has ${b.ndim} dimensions instead`)
  if (A.ndim < 2)
    throw new Error(`torch.triangular_solve: Expected A to have at least 2 dimensions, but it has ${A.ndim} dimensions instead`)
  if (A.dtype !== b.dtype)
    throw new Error(
      `Expected b and A to have the same dtype, but found b of type ${scalarName(b.dtype)} and A of type ${scalarName(A.dtype)} instead.`,
    )
  requireKernel('triangular_solve_cpu', A)
  if (sizesOf(A)[0] !== sizesOf(A)[1])
    throw new Error(`A must be batches of square matrices, but they are ${sizesOf(A)[0]} by ${sizesOf(A)[1]} matrices`)
  if (sizesOf(A)[0] !== sizesOf(b)[0])
    throw new Error(
      `Incompatible matrix sizes for triangular_solve: each A matrix is ${sizesOf(A)[0]} by ${sizesOf(A)[0]} but each b matrix is ${sizesOf(b)[0]} by ${sizesOf(b)[1]}`,
    )
  const [a, rhs] = broadcastMatrices(A, b)
  const solution = transpose
    ? triangularSolution(mT(a), rhs, !upper, unitriangular)
    : triangularSolution(a, rhs, upper, unitriangular)
  return named({ solution, clonedCoefficient: clone(a) })
}
