/** Several views made by one call: they share one node, and so cannot be written in place where gradients are wanted. */

import { type DimOptions, readArgument } from '../core/arguments.js'
import { edgeOf, Node, setHistory } from '../core/graph.js'
import { type Layout, showShape, wrapDim } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { filled } from './copy.js'
import { type Gradients, needsRecording } from './dispatch.js'
import { cat, stack } from './joining.js'
import { aliasOf } from './view.js'

class MultiViewNode extends Node {
  readonly name: string
  readonly #join: (gradients: Tensor[]) => Tensor

  constructor(name: string, input: Tensor, join: (gradients: Tensor[]) => Tensor) {
    super()
    this.name = `${name}Backward0`
    this.edges = [edgeOf(input)]
    this.#join = join
  }

  override backward(gradients: Gradients): Gradients {
    const known = gradients.find((g) => g !== null)!
    return [this.#join(gradients.map((g, i) => g ?? filled(known, this.outputs[i].shape, 0)))]
  }
}

/** `self` through several layouts. `join` gives its gradient from those of the views. */
function makeViews(name: string, self: Tensor, layouts: readonly Layout[], join: (gradients: Tensor[]) => Tensor): Tensor[] {
  const views = layouts.map((layout) => aliasOf(self, layout, 'multiOutput'))
  if (views.length > 0 && needsRecording([self])) {
    const node = new MultiViewNode(name, self, join)
    for (const view of views) setHistory(view, node)
  }
  return views
}

/**
 * Pieces along a dimension, as `torch.split`: of `size` each (the last may be smaller), or of the given sizes. All are
 * views.
 *
 * @throws Error where the sizes do not add up
 * @example
 * torch.arange(5).split(2).map((piece) => piece.tolist()) // [[0, 1], [2, 3], [4]]
 * torch.arange(5).split([1, 4], { dim: 0 }).map((piece) => piece.tolist()) // [[0], [1, 2, 3, 4]]
 */
export function split(self: Tensor, size: number | readonly number[], dim?: number | DimOptions): Tensor[] {
  const d = wrapDim(readArgument<number>('split', 'dim', dim, 0), self.ndim)
  if (self.ndim === 0) throw new Error('split expects at least a 1-dimensional tensor')
  const total = self.layout.shape[d]
  let sizes: readonly number[]
  if (typeof size === 'number') {
    if (size < 0 || (size === 0 && total !== 0))
      throw new Error(`split expects split_size be non-negative, but got split_size=${size}`)
    const count = total === 0 ? 1 : Math.ceil(total / size)
    sizes = Array.from({ length: count }, (_, i) => Math.min(size, total - i * size))
  } else {
    sizes = size
    if (sizes.reduce((n, s) => n + s, 0) !== total || sizes.some((s) => s < 0))
      throw new Error(
        `split_with_sizes expects split_sizes to sum exactly to ${total} (input tensor's size at dimension ${d}), but got split_sizes=${showShape(sizes)}`,
      )
  }
  let from = 0
  const layouts = sizes.map((length) => {
    const layout = self.layout.slice(d, from, length)
    from += length
    return layout
  })
  return makeViews(typeof size === 'number' ? 'Split' : 'SplitWithSizes', self, layouts, (pieces) => cat(pieces, d))
}

/**
 * At most `chunks` pieces of equal size along a dimension (the last may be smaller), as `torch.chunk`. All are views.
 *
 * @throws Error for fewer than 1 chunk
 * @example
 * torch.arange(5).chunk(2).map((piece) => piece.tolist()) // [[0, 1, 2], [3, 4]]
 */
export function chunk(self: Tensor, chunks: number, dim?: number | DimOptions): Tensor[] {
  if (!(chunks > 0)) throw new Error(`chunk expects \`chunks\` to be greater than 0, got: ${chunks}`)
  const d = wrapDim(readArgument<number>('chunk', 'dim', dim, 0), self.ndim)
  if (self.ndim === 0) throw new Error('chunk expects at least a 1-dimensional tensor')
  const total = self.layout.shape[d]
  const size = Math.ceil(total / chunks)
  return size === 0 ? split(self, new Array(chunks).fill(0), d) : split(self, size, d)
}

/**
 * All slices along a dimension, which goes away, as `torch.unbind`. All are views.
 *
 * @example
 * torch.tensor([[1, 2], [3, 4]]).unbind(1).map((slice) => slice.tolist()) // [[1, 3], [2, 4]]
 */
export function unbind(self: Tensor, dim?: number | DimOptions): Tensor[] {
  const d = wrapDim(readArgument<number>('unbind', 'dim', dim, 0), self.ndim)
  if (self.ndim === 0) throw new RangeError('Dimension specified as 0 but tensor has no dimensions')
  const layouts = Array.from({ length: self.layout.shape[d] }, (_, i) => self.layout.select(d, i))
  return makeViews('Unbind', self, layouts, (slices) => stack(slices, d))
}

/**
 * Pieces of the given sizes along a dimension, as `torch.split_with_sizes`.
 *
 * @example
 * torch.arange(3).splitWithSizes([1, 2]).map((piece) => piece.tolist()) // [[0], [1, 2]]
 */
export const splitWithSizes = (self: Tensor, sizes: readonly number[], dim?: number | DimOptions): Tensor[] =>
  split(self, sizes, dim)
