/** Sliding windows. A method of Tensor only: `torch.nn.functional.unfold` is another function. */

import { wrapDim } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { asStrided } from './strided.js'

/** Windows of `size` along a dimension, every `step`-th, in a new last dimension: a view, as `torch.Tensor.unfold`. */
export function unfold(self: Tensor, dimension: number, size: number, step: number): Tensor {
  const d = wrapDim(dimension, self.ndim)
  const { shape, strides } = self.layout
  const length = self.ndim === 0 ? 1 : shape[d]
  if (!(size >= 0 && size <= length))
    throw new Error(`maximum size for tensor at dimension ${d} is ${length} but size is ${size}`)
  if (!(step > 0)) throw new Error(`step is ${step} but must be > 0`)
  if (self.ndim === 0) return asStrided(self, [size], [1])
  const count = Math.floor((length - size) / step) + 1
  return asStrided(self, [...shape.with(d, count), size], [...strides.with(d, strides[d] * step), strides[d]])
}
