/** Views given by their strides. */

import { itemSize } from '../core/dtype.js'
import { Layout, numelOf, type Shape, showShape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { filled } from './copy.js'
import { elements } from './creation.js'
import { emptyTensor } from './dispatch.js'
import { indexAdd } from './indexing.js'
import { makeView, reshape } from './view.js'

/**
 * A view of this tensor's memory with any sizes, strides and offset, in elements, as `torch.as_strided`.
 *
 * @throws Error where the view would reach beyond the memory.
 * @example
 * torch.arange(4).asStrided([2, 2], [1, 1]).tolist() // [[0, 1], [1, 2]]
 */
export function asStrided(self: Tensor, size: Shape, stride: Shape, storageOffset?: number | null): Tensor {
  if (size.length !== stride.length)
    throw new Error(`mismatch in length of strides and shape: ${showShape(stride)} and ${showShape(size)}`)
  if ([...size, ...stride].some((n) => !Number.isInteger(n)))
    throw new TypeError('as_strided: sizes and strides must be integers')
  if (stride.some((s) => s < 0)) throw new Error('as_strided: Negative strides are not supported at the moment')
  const layout = new Layout([...size], [...stride], storageOffset ?? self.layout.offset)
  const capacity = self.storage.byteLength / itemSize(self.dtype)
  if (layout.offset < 0 || layout.extent > capacity)
    throw new Error(
      `setStorage: sizes ${showShape(size)}, strides ${showShape(stride)}, storage offset ${layout.offset}, and itemsize ${itemSize(self.dtype)} ` +
        `requiring a storage size of ${layout.extent * itemSize(self.dtype)} are out of bounds for storage of size ${self.storage.byteLength}`,
    )
  const own = self.layout
  return makeView('AsStrided', self, layout, (g) => {
    // Elements that several indices name collect all their gradients, in memory laid out as the input's.
    const memory = filled(g, [Math.max(layout.extent, own.extent)], 0)
    const collected = indexAdd(memory, 0, places(g, layout), reshape(g, -1))
    return asStrided(collected, own.shape, own.strides, own.offset)
  })
}

/** Where each element of a layout lies, in row-major order. */
function places(like: Tensor, { shape, strides, offset }: Layout): Tensor {
  const index = emptyTensor(like.storage.allocator, [numelOf(shape)], 'int64')
  const array = elements(index) as BigInt64Array
  let at = 0
  const visit = (d: number, place: number): void => {
    if (d === shape.length) array[at++] = BigInt(place)
    else for (let i = 0; i < shape[d]; i++) visit(d + 1, place + i * strides[d])
  }
  visit(0, offset)
  return index
}
