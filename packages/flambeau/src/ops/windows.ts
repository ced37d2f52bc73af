/** Sliding windows. A method of Tensor only: `torch.nn.functional.unfold` is another function. */

import { Layout, wrapDim } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { add, mul } from './arithmetic.js'
import { counted, filled } from './copy.js'
import { indexAdd } from './indexing.js'
import { sum } from './reduce.js'
import { flatten, makeView, movedim, reshape, unsqueeze } from './view.js'

/** Windows of `size` along a dimension, every `step`-th, in a new last dimension: a view, as `torch.Tensor.unfold`. */
export function unfold(self: Tensor, dimension: number, size: number, step: number): Tensor {
  const d = wrapDim(dimension, self.ndim)
  const { shape, strides } = self.layout
  const length = self.ndim === 0 ? 1 : shape[d]
  if (!(size >= 0 && size <= length))
    throw new Error(`maximum size for tensor at dimension ${d} is ${length} but size is ${size}`)
  if (!(step > 0)) throw new Error(`step is ${step} but must be > 0`)
  const count = Math.floor((length - size) / step) + 1
  const layout =
    self.ndim === 0
      ? new Layout([size], [1], self.layout.offset)
      : new Layout([...shape.with(d, count), size], [...strides.with(d, strides[d] * step), strides[d]], self.layout.offset)
  return makeView('Unfold', self, layout, (g) => {
    if (self.ndim === 0) return sum(g)
    // Every element collects the gradients of the windows it is in.
    const places = reshape(add(unsqueeze(mul(counted(g, count), step), 1), counted(g, size)), -1)
    return indexAdd(filled(g, shape, 0), d, places, flatten(movedim(g, -1, d + 1), d, d + 1))
  })
}
