/** Batched matrix products: [..., m, k] by [..., k, n]. */

import type { Operand } from '../backend.js'
import { compute, elementsOf } from './elements.js'
import { places, split } from './places.js'

/** out = a b, or out += a b. */
export function matmul(a: Operand, b: Operand, out: Operand, accumulate: boolean): void {
  const [from, by, to] = [elementsOf(a), elementsOf(b), elementsOf(out)]
  const batchDims = out.layout.dim - 2
  const parts = [a, b, out].map((operand) => split(operand.layout, batchDims))
  const [batchesA, batchesB, batches] = parts.map(([outer]) => places(outer))
  const [matrixA, matrixB, matrix] = parts.map(([, inner]) => inner)
  const [m, n] = matrix.shape
  const k = matrixA.shape[1]
  compute([a, b, out], (arithmetic) => {
    batches.forEach((start, batch) => {
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++) {
          const at = start + i * matrix.strides[0] + j * matrix.strides[1]
          let sum = accumulate ? arithmetic.get(to, at) : arithmetic.zero
          for (let l = 0; l < k; l++) {
            const x = arithmetic.get(from, batchesA[batch] + i * matrixA.strides[0] + l * matrixA.strides[1])
            const y = arithmetic.get(by, batchesB[batch] + l * matrixB.strides[0] + j * matrixB.strides[1])
            sum = arithmetic.add(sum, arithmetic.mul(x, y))
          }
          arithmetic.set(to, at, sum)
        }
    })
  })
}
