/** Diagonals as `torch.linalg` counts dimensions: from the end. */

import { type Arguments, readArguments } from '../../core/arguments.js'
import type { Tensor } from '../../core/tensor.js'
import { diagonal } from '../diagonal.js'

export interface DiagonalOptions {
  offset?: number
  dim1?: number
  dim2?: number
}
/**
 * A view of the diagonals of matrices in the last two dimensions, as `torch.linalg.diagonal`.
 *
 * @example
 * torch.linalg.diagonal(torch.ones(5, 2, 3)).shape // [ 5, 2 ]
 */
export function linalgDiagonal(
  A: Tensor,
  ...args: Arguments<[offset: number, dim1: number, dim2: number], DiagonalOptions>
): Tensor {
  const { offset = 0, dim1 = -2, dim2 = -1 } = readArguments<DiagonalOptions>('linalg_diagonal', args, ['offset', 'dim1', 'dim2'])
  return diagonal(A, offset, dim1, dim2)
}
