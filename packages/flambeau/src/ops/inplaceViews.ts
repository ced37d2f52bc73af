/** Views that change a tensor itself, which gets another layout over its memory, and what resizes. */

import { itemSize, type Scalar } from '../core/dtype.js'
import { isGradEnabled, setHistory } from '../core/graph.js'
import { Layout, numelOf, type Shape, showShape } from '../core/layout.js'
import { isInferenceModeEnabled } from '../core/storage.js'
import type { Tensor } from '../core/tensor.js'
import { fill_ } from './cast.js'
import { checkInPlace } from './dispatch.js'
import { asStrided, type StorageOffsetArguments } from './strided.js'
import { contiguous, squeeze, t, transpose, unsqueeze, view } from './view.js'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Makes `self` what `look`, a view of it, is. */
function become(self: Tensor, look: (self: Tensor) => Tensor): Tensor {
  if (self.leafRequiresGrad && isGradEnabled() && !isInferenceModeEnabled())
    throw new Error('a leaf Variable that requires grad is being used in an in-place operation.')
  const seen = look(self)
  ;(self as Mutable<Tensor>).layout = seen.layout
  self.storage.version++
  if (seen.node !== null) {
    seen.node.outputs = []
    setHistory(self, seen.node)
  }
  if (self.viewInfo !== null) self.viewInfo.version = self.storage.version
  return self
}

/**
 * Gives this tensor other sizes, strides and offset over its memory, as `torch.Tensor.as_strided_`.
 *
 * @example
 * torch.arange(4).asStrided_([2, 2], [1, 2]).tolist() // [[0, 2], [1, 3]]
 */
export const asStrided_ = (self: Tensor, size: Shape, stride: Shape, ...args: StorageOffsetArguments): Tensor =>
  become(self, (x) => asStrided(x, size, stride, ...args))

/**
 * Removes dimensions of size 1 from this tensor, as `torch.Tensor.squeeze_`.
 *
 * @example
 * torch.zeros(1, 3).squeeze_().shape // [3]
 */
export const squeeze_ = (self: Tensor, dim?: number | readonly number[]): Tensor => become(self, (x) => squeeze(x, dim))

/**
 * Gives this tensor a new dimension of size 1, as `torch.Tensor.unsqueeze_`.
 *
 * @example
 * torch.zeros(3).unsqueeze_(0).shape // [1, 3]
 */
export const unsqueeze_ = (self: Tensor, dim: number): Tensor => become(self, (x) => unsqueeze(x, dim))

/**
 * Exchanges two dimensions of this tensor, as `torch.Tensor.transpose_`.
 *
 * @example
 * torch.zeros(2, 3).transpose_(0, 1).shape // [3, 2]
 */
export const transpose_ = (self: Tensor, dim0: number, dim1: number): Tensor => become(self, (x) => transpose(x, dim0, dim1))
export { transpose_ as swapaxes_, transpose_ as swapdims_ }

/**
 * Transposes this matrix, as `torch.Tensor.t_`.
 *
 * @example
 * torch.zeros(2, 3).t_().shape // [3, 2]
 */
export const t_ = (self: Tensor): Tensor => become(self, t)

/**
 * Gives this tensor another size, keeping what elements there are and the memory where it suffices, as
 * `torch.Tensor.resize_`. New elements are uninitialised.
 *
 * @throws Error for a tensor that requires a gradient.
 * @example
 * torch.tensor([1, 2, 3, 4]).resize_(2, 2).tolist() // [[1, 2], [3, 4]]
 */
export function resize_(self: Tensor, ...sizes: readonly number[] | readonly [Shape]): Tensor {
  const shape = [...((typeof sizes[0] === 'object' ? sizes[0] : sizes) as Shape)]
  if (self.requiresGrad) throw new Error('cannot resize variables that require grad')
  if (shape.some((size) => !Number.isInteger(size) || size < 0))
    throw new Error(`Trying to create tensor with negative dimension ${shape.find((size) => !(size >= 0))}: ${showShape(shape)}`)
  const { storage, layout, dtype } = self
  const bytes = (layout.offset + numelOf(shape)) * itemSize(dtype)
  if (bytes > storage.byteLength) storage.grow(storage.allocator.allocate(bytes), bytes)
  ;(self as Mutable<Tensor>).layout = Layout.contiguousAt(shape, layout.offset)
  storage.version++
  return self
}

/**
 * This tensor in another shape of as many elements, as `torch.Tensor.resize`, which PyTorch has deprecated for `reshape`.
 *
 * @throws Error for a shape of more or fewer elements.
 * @example
 * torch.tensor([1, 2, 3, 4]).resize(2, 2).tolist() // [[1, 2], [3, 4]]
 */
export function resize(self: Tensor, ...sizes: readonly number[] | readonly [Shape]): Tensor {
  const shape = (typeof sizes[0] === 'object' ? sizes[0] : sizes) as Shape
  const { numel } = self.layout
  if (numelOf(shape) !== numel)
    throw new Error(
      `requested resize to ${shape.join('x')} (${numelOf(shape)} elements in total), but the given tensor has a size of ${self.layout.shape.join('x')} ` +
        `(${numel} elements). autograd's resize can only change the shape of a given tensor, while preserving the number of elements. `,
    )
  return view(contiguous(self), shape)
}
/** `resize` to another tensor's size, as `torch.Tensor.resize_as`. */
export const resizeAs = (self: Tensor, other: Tensor): Tensor => resize(self, other.layout.shape)

/** `resize_` to another tensor's size, as `torch.Tensor.resize_as_`. */
export const resizeAs_ = (self: Tensor, other: Tensor): Tensor => resize_(self, other.layout.shape)

/**
 * Writes a number on the main diagonal, of all dimensions where there are more than two, as `torch.Tensor.fill_diagonal_`;
 * with `wrap` the diagonal of a tall matrix starts again after its end.
 *
 * @throws Error for fewer than two dimensions, or more of different sizes.
 * @example
 * torch.zeros(2, 2).fillDiagonal_(5).tolist() // [[5, 0], [0, 5]]
 */
export function fillDiagonal_(self: Tensor, fillValue: Scalar, wrap: boolean | { wrap?: boolean } = false): Tensor {
  const { shape, strides, offset, numel } = self.layout
  if (shape.length < 2) throw new Error('dimensions must larger than 1')
  if (shape.length > 2 && shape.some((size) => size !== shape[0]))
    throw new Error('all dimensions of input must be of equal length')
  checkInPlace(self, null, null)
  const step = strides.reduce((sum, stride) => sum + stride, 0)
  const size = Math.min(...shape)
  fill_(asStrided(self, [size], [step], offset), fillValue)
  const [height, width] = shape
  if ((typeof wrap === 'object' ? wrap.wrap : wrap) && shape.length === 2 && height > width + 1) {
    const rest = Math.ceil(numel / (width + 1)) - size
    fill_(asStrided(self, [rest], [step], offset + strides[0] * (width + 1)), fillValue)
  }
  return self
}
