/** Views given by their strides. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { itemSize } from '../core/dtype.js'
import { Layout, numelOf, type Shape, sameShape, showShape } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { copyInto, filled } from './copy.js'
import { elements } from './creation.js'
import { emptyTensor } from './dispatch.js'
import { indexAdd } from './indexing.js'
import { contiguous, makeView, reshape } from './view.js'
import { defineWrite, type WriteOp } from './write.js'

export interface StorageOffsetOptions {
  /** Where the view begins in the memory; where the tensor does unless given. */
  storageOffset?: number | null
}
export type StorageOffsetArguments = Arguments<[storageOffset: number | null], StorageOffsetOptions>

/** A layout that lies within memory for this many elements. @throws Error in PyTorch's words for any other. */
function layoutWithin(self: Tensor, size: Shape, stride: Shape, offset: number, capacity: number): Layout {
  if (size.length !== stride.length)
    throw new Error(`mismatch in length of strides and shape: ${showShape(stride)} and ${showShape(size)}`)
  if ([...size, ...stride, offset].some((n) => !Number.isInteger(n)))
    throw new TypeError('as_strided: sizes, strides and the offset must be integers')
  if (stride.some((s) => s < 0)) throw new Error('as_strided: Negative strides are not supported at the moment')
  if (size.some((n) => n < 0))
    throw new Error(`Storage size calculation overflowed with sizes=${showShape(size)} and strides=${showShape(stride)}`)
  const layout = new Layout([...size], [...stride], offset)
  const bytes = itemSize(self.dtype)
  if (offset < 0 || layout.extent > capacity)
    throw new Error(
      `setStorage: sizes ${showShape(size)}, strides ${showShape(stride)}, storage offset ${offset}, and itemsize ${bytes} ` +
        `requiring a storage size of ${layout.extent * bytes} are out of bounds for storage of size ${capacity * bytes}`,
    )
  return layout
}

/**
 * A view of this tensor's memory with any sizes, strides and offset, in elements, as `torch.as_strided`.
 *
 * @throws Error where the view would reach beyond the memory.
 * @example
 * torch.arange(4).asStrided([2, 2], [1, 1]).tolist() // [[0, 1], [1, 2]]
 */
export function asStrided(self: Tensor, size: Shape, stride: Shape, ...args: StorageOffsetArguments): Tensor {
  const { storageOffset } = readArguments<StorageOffsetOptions>('as_strided', args, ['storageOffset'])
  const layout = layoutWithin(
    self,
    size,
    stride,
    storageOffset ?? self.layout.offset,
    self.storage.byteLength / itemSize(self.dtype),
  )
  const own = self.layout
  return makeView('AsStrided', self, layout, (g) => {
    // Elements that several indices name collect all their gradients, in memory laid out as the input's.
    const memory = filled(g, [Math.max(layout.extent, own.extent)], 0)
    const collected = indexAdd(memory, 0, places(g, layout), reshape(g, -1))
    return asStrided(collected, own.shape, own.strides, own.offset)
  })
}

/**
 * A copy with the elements that `asStrided` would show replaced by `src`, as `torch.as_strided_scatter`.
 *
 * @example
 * torch.zeros(3).asStridedScatter(torch.ones(2), [2], [2]).tolist() // [1, 0, 1]
 */
export function asStridedScatter(self: Tensor, src: Tensor, size: Shape, stride: Shape, ...args: StorageOffsetArguments): Tensor {
  const { storageOffset = null } = readArguments<StorageOffsetOptions>('as_strided_scatter', args, ['storageOffset'])
  const layout = layoutWithin(self, size, stride, storageOffset ?? 0, self.layout.numel)
  if (!sameShape(src.layout.shape, size))
    throw new Error(
      `expected src to have a size equal to the slice of self. src size = ${showShape(src.layout.shape)}, slice size = ${showShape(size)}`,
    )
  return stridedScatterOp([contiguous(self), src], layout)
}
const stridedScatterOp: WriteOp<Layout> = defineWrite<Layout>({
  name: 'AsStridedScatter',
  write: (target, [, src], layout) => copyInto(new Tensor(target.storage, layout, target.dtype), src),
  backward: ([g], { attrs: layout, inputs, needs }) => [
    needs[0] ? stridedScatterOp([contiguous(g!), filled(g!, inputs[1].shape, 0)], layout) : null,
    needs[1] ? asStrided(contiguous(g!), layout.shape, layout.strides, layout.offset) : null,
  ],
})

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
