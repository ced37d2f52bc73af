/** Choices from vectors. */

import { type Arguments, readArguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import { ge, gt, logicalAnd } from './comparison.js'
import { counted, filled } from './copy.js'
import { meshgrid, stack } from './joining.js'
import { maskedSelect } from './rearrange.js'
import { reshape } from './view.js'

/**
 * All choices of one element from each vector, as rows; of one vector, itself, as `torch.cartesian_prod`.
 *
 * @example
 * torch.cartesianProd(torch.tensor([1, 2]), torch.tensor([3, 4])).tolist() // [[1, 3], [1, 4], [2, 3], [2, 4]]
 */
export function cartesianProd(...tensors: readonly Tensor[]): Tensor {
  if (tensors.length === 0) throw new Error('meshgrid expects a non-empty TensorList')
  const bad = tensors.find((t) => t.ndim !== 1)
  if (bad) throw new Error(`Expect a 1D vector, but got shape [${bad.layout.shape.join(', ')}]`)
  if (tensors.length === 1) return tensors[0]
  return stack(
    meshgrid(tensors).map((grid) => reshape(grid, -1)),
    1,
  )
}

export interface CombinationsOptions {
  r?: number
  withReplacement?: boolean
}
/**
 * All choices of r elements of a vector in its order, as rows, as `torch.combinations`.
 *
 * @example
 * torch.combinations(torch.tensor([1, 2, 3])).tolist() // [[1, 2], [1, 3], [2, 3]]
 * torch.combinations(torch.tensor([1, 2]), { withReplacement: true }).tolist() // [[1, 1], [1, 2], [2, 2]]
 */
export function combinations(
  self: Tensor,
  ...args: Arguments<[r: number, withReplacement: boolean], CombinationsOptions>
): Tensor {
  const options = readArguments<CombinationsOptions>('combinations', args, ['r', 'withReplacement'])
  const count = options.r ?? 2
  if (self.ndim !== 1) throw new Error(`Expect a 1D vector, but got shape [${self.layout.shape.join(', ')}]`)
  if (count < 0) throw new Error(`Expect a non-negative number, but got ${count}`)
  if (count === 0) return filled(self, [0], 0)
  const grids = meshgrid(new Array<Tensor>(count).fill(self))
  const places = meshgrid(new Array<Tensor>(count).fill(counted(self, self.layout.numel)))
  const inOrder = options.withReplacement ? ge : gt
  let mask = filled(self, places[0].layout.shape, true, 'bool')
  for (let i = 1; i < count; i++) mask = logicalAnd(mask, inOrder(places[i], places[i - 1]))
  return stack(
    grids.map((grid) => maskedSelect(grid, mask)),
    1,
  )
}
