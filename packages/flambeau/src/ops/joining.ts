/** Putting tensors together. */

import { type DimOptions, readArgument } from '../core/arguments.js'
import { promoteTypes, scalarName } from '../core/dtype.js'
import { broadcastShapes, sameShape, showShape, wrapDim } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { copyInto, filled } from './copy.js'
import { commonBackend, defineOp, emptyTensor, type Op } from './dispatch.js'
import { expand, narrow, reshape, slice, unsqueeze } from './view.js'

const catOp: Op<number> = defineOp<number>({
  name: 'Cat',
  forward: (tensors, dim) => {
    const used = joined(tensors)
    const total = used.reduce((n, t) => n + t.layout.shape[dim], 0)
    const dtype = tensors.map((t) => t.dtype).reduce(promoteTypes)
    const out = emptyTensor(commonBackend(tensors), used[0].layout.shape.with(dim, total), dtype)
    let from = 0
    for (const t of used) {
      const size = t.layout.shape[dim]
      copyInto(new Tensor(out.storage, out.layout.slice(dim, from, size), dtype), t)
      from += size
    }
    return [out]
  },
  backward: ([g], { attrs: dim, inputs }) => {
    let from = 0
    const { length: ndim } = g!.layout.shape
    return inputs.map(({ shape }) => {
      if (shape.length !== ndim) return filled(g!, shape, 0)
      const piece = narrow(g!, dim, from, shape[dim])
      from += shape[dim]
      return piece
    })
  },
})

/** Those that count: empty 1-d tensors do not, unless there are no others. */
function joined(tensors: readonly Tensor[]): readonly Tensor[] {
  const kept = tensors.filter((t) => t.ndim !== 1 || t.layout.numel > 0)
  return kept.length === 0 ? tensors : kept
}

/**
 * Tensors one after the other along a dimension, as `torch.cat`. Their dtypes are promoted; empty 1-d tensors are left
 * out, as PyTorch does for old programs' sake.
 *
 * @throws Error where the other dimensions differ.
 * @example
 * torch.cat([torch.tensor([[1, 2]]), torch.tensor([[3, 4]])]).tolist() // [[1, 2], [3, 4]]
 * torch.cat([torch.zeros(2, 1), torch.ones(2, 3)], { dim: 1 }).shape // [2, 4]
 */
export function cat(tensors: readonly Tensor[], dim?: number | DimOptions): Tensor {
  if (tensors.length === 0) throw new Error('torch.cat(): expected a non-empty list of Tensors')
  const zeroDim = tensors.findIndex((t) => t.ndim === 0)
  if (zeroDim >= 0) throw new Error(`zero-dimensional tensor (at position ${zeroDim}) cannot be concatenated`)
  const used = joined(tensors)
  const first = used[0].layout.shape
  const d = wrapDim(readArgument<number>('cat', 'dim', dim, 0), first.length)
  used.forEach((t, i) => {
    const { shape } = t.layout
    if (shape.length !== first.length)
      throw new Error(`Tensors must have same number of dimensions: got ${first.length} and ${shape.length}`)
    const bad = shape.findIndex((size, k) => k !== d && size !== first[k])
    if (bad >= 0)
      throw new Error(
        `Sizes of tensors must match except in dimension ${d}. Expected size ${first[bad]} but got size ${shape[bad]} for tensor number ${i} in the list.`,
      )
  })
  return catOp(tensors, d)[0]
}

/**
 * Tensors of one shape along a new dimension, as `torch.stack`.
 *
 * @throws Error for different shapes
 * @example
 * torch.stack([torch.tensor([1, 2]), torch.tensor([3, 4])]).tolist() // [[1, 2], [3, 4]]
 * torch.stack([torch.tensor([1, 2]), torch.tensor([3, 4])], 1).tolist() // [[1, 3], [2, 4]]
 */
export function stack(tensors: readonly Tensor[], dim?: number | DimOptions): Tensor {
  if (tensors.length === 0) throw new Error('stack expects a non-empty TensorList')
  const first = tensors[0].layout.shape
  const d = wrapDim(readArgument<number>('stack', 'dim', dim, 0), first.length + 1)
  tensors.forEach((t, i) => {
    if (!sameShape(t.layout.shape, first))
      throw new Error(
        `stack expects each tensor to be equal size, but got ${showShape(first)} at entry 0 and ${showShape(t.layout.shape)} at entry ${i}`,
      )
  })
  return cat(
    tensors.map((t) => unsqueeze(t, d)),
    d,
  )
}

const each = (tensors: readonly Tensor[], name: string, raise: (t: Tensor) => Tensor): Tensor[] => {
  if (tensors.length === 0) throw new Error(`${name} expects a non-empty TensorList`)
  return tensors.map(raise)
}
/**
 * A tensor of at least one dimension, as `torch.atleast_1d`; of several tensors, each.
 *
 * @example
 * torch.atleast1d(torch.tensor(1)).shape // [1]
 */
export function atleast1d(self: Tensor): Tensor
export function atleast1d(self: readonly Tensor[]): Tensor[]
export function atleast1d(self: Tensor | readonly Tensor[]): Tensor | Tensor[] {
  if (!(self instanceof Tensor)) return self.map((t) => atleast1d(t))
  return self.ndim === 0 ? reshape(self, 1) : self
}
/**
 * A tensor of at least two dimensions, new ones in front, as `torch.atleast_2d`; of several tensors, each.
 *
 * @example
 * torch.atleast2d(torch.tensor([1, 2])).shape // [1, 2]
 */
export function atleast2d(self: Tensor): Tensor
export function atleast2d(self: readonly Tensor[]): Tensor[]
export function atleast2d(self: Tensor | readonly Tensor[]): Tensor | Tensor[] {
  if (!(self instanceof Tensor)) return self.map((t) => atleast2d(t))
  return self.ndim === 0 ? reshape(self, 1, 1) : self.ndim === 1 ? unsqueeze(self, 0) : self
}
/**
 * A tensor of at least three dimensions, as `torch.atleast_3d`; of several tensors, each.
 *
 * @example
 * torch.atleast3d(torch.tensor([1, 2])).shape // [1, 2, 1]
 */
export function atleast3d(self: Tensor): Tensor
export function atleast3d(self: readonly Tensor[]): Tensor[]
export function atleast3d(self: Tensor | readonly Tensor[]): Tensor | Tensor[] {
  if (!(self instanceof Tensor)) return self.map((t) => atleast3d(t))
  return self.ndim < 2 ? unsqueeze(atleast2d(self), 2) : self.ndim === 2 ? unsqueeze(self, 2) : self
}

/**
 * Tensors side by side, along the second dimension (vectors along the first), as `torch.hstack`.
 *
 * @example
 * torch.hstack([torch.tensor([1, 2]), torch.tensor([3])]).tolist() // [1, 2, 3]
 */
export function hstack(tensors: readonly Tensor[]): Tensor {
  const raised = each(tensors, 'hstack', (t) => atleast1d(t))
  return cat(raised, raised[0].ndim === 1 ? 0 : 1)
}
/**
 * Tensors below each other, vectors as rows, as `torch.vstack`.
 *
 * @example
 * torch.vstack([torch.tensor([1, 2]), torch.tensor([3, 4])]).tolist() // [[1, 2], [3, 4]]
 */
export const vstack = (tensors: readonly Tensor[]): Tensor => cat(each(tensors, 'vstack', (t) => atleast2d(t)))
/**
 * Tensors behind each other, along the third dimension, as `torch.dstack`.
 *
 * @example
 * torch.dstack([torch.tensor([1, 2]), torch.tensor([3, 4])]).tolist() // [[[1, 3], [2, 4]]]
 */
export const dstack = (tensors: readonly Tensor[]): Tensor =>
  cat(
    each(tensors, 'dstack', (t) => atleast3d(t)),
    2,
  )
/**
 * Vectors as the columns of a matrix, as `torch.column_stack`.
 *
 * @example
 * torch.columnStack([torch.tensor([1, 2]), torch.tensor([3, 4])]).tolist() // [[1, 3], [2, 4]]
 */
export const columnStack = (tensors: readonly Tensor[]): Tensor =>
  hstack(each(tensors, 'column_stack', (t) => (t.ndim < 2 ? reshape(t, t.layout.numel, 1) : t)))

/**
 * Tensors expanded to their common shape, as `torch.broadcast_tensors`.
 *
 * @example
 * const [a, b] = torch.broadcastTensors(torch.zeros(2, 1), torch.zeros(3))
 * a.shape // [2, 3]
 */
export function broadcastTensors(...tensors: readonly Tensor[]): Tensor[] {
  const shape = broadcastShapes(tensors.map((t) => t.layout.shape))
  return tensors.map((t) => expand(t, shape))
}
/**
 * The shape that all of these broadcast to, as `torch.broadcast_shapes`.
 *
 * @example
 * torch.broadcastShapes([2, 1], [3]) // [2, 3]
 */
const commonShape = (...shapes: readonly (number | readonly number[])[]): readonly number[] =>
  broadcastShapes(
    shapes.map((shape) => {
      const sizes = typeof shape === 'number' ? [shape] : shape
      if (sizes.some((size) => size < 0))
        throw new Error(`Trying to create tensor with negative dimension (${Math.min(...sizes)}): (${sizes.join(', ')})`)
      return sizes
    }),
  )

export { commonShape as broadcastShapes }
/**
 * The coordinates of a grid: each vector varies along a dimension of its own, as `torch.meshgrid`.
 *
 * @example
 * const [x, y] = torch.meshgrid([torch.tensor([1, 2]), torch.tensor([3, 4, 5])])
 * x.tolist() // [[1, 1, 1], [2, 2, 2]]
 * y.tolist() // [[3, 4, 5], [3, 4, 5]]
 */
export function meshgrid(tensors: readonly Tensor[], { indexing = 'ij' }: { indexing?: 'ij' | 'xy' } = {}): Tensor[] {
  if (tensors.length === 0) throw new Error('meshgrid expects a non-empty TensorList')
  if (indexing !== 'ij' && indexing !== 'xy')
    throw new Error(`torch.meshgrid: indexing must be one of "xy" or "ij", but received: ${indexing}`)
  const bad = tensors.find((t) => t.ndim > 1)
  if (bad) throw new Error(`torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: ${bad.ndim}D`)
  if (tensors.some((t) => t.dtype !== tensors[0].dtype))
    throw new Error('torch.meshgrid expects all tensors to have the same dtype')
  const swap = indexing === 'xy' && tensors.length >= 2
  const ordered = swap ? [tensors[1], tensors[0], ...tensors.slice(2)] : tensors
  const shape = ordered.map((t) => t.layout.numel)
  const grids = ordered.map((t, i) =>
    expand(
      reshape(
        t,
        shape.map((size, d) => (d === i ? size : 1)),
      ),
      shape,
    ),
  )
  return swap ? [grids[1], grids[0], ...grids.slice(2)] : grids
}

/**
 * Pieces along a dimension: so many nearly equal ones, or split before the given indices, as `torch.tensor_split`.
 *
 * @example
 * torch.arange(5).tensorSplit(2).map((piece) => piece.tolist()) // [[0, 1, 2], [3, 4]]
 * torch.arange(5).tensorSplit([1, 3]).map((piece) => piece.tolist()) // [[0], [1, 2], [3, 4]]
 */
export function tensorSplit(
  self: Tensor,
  indicesOrSections: number | readonly number[] | Tensor,
  dim?: number | DimOptions,
): Tensor[] {
  if (indicesOrSections instanceof Tensor) {
    if (indicesOrSections.dtype !== 'int64')
      throw new Error(
        `tensor_split expected tensor_indices_or_sections to have dtype of long, but got ${scalarName(indicesOrSections.dtype)}`,
      )
    return tensorSplit(self, indicesOrSections.tolist(), dim)
  }
  if (self.ndim === 0) throw new Error('tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims')
  const d = wrapDim(readArgument<number>('tensor_split', 'dim', dim, 0), self.ndim)
  const size = self.layout.shape[d]
  if (typeof indicesOrSections !== 'number') {
    const bounds = [0, ...indicesOrSections, size]
    return bounds.slice(1).map((end, i) => slice(self, d, bounds[i], i === bounds.length - 2 ? size : end))
  }
  const n = indicesOrSections
  if (!(n > 0)) throw new Error(`number of sections must be larger than 0, got ${n}`)
  let from = 0
  return Array.from({ length: n }, (_, i) => {
    const piece = narrow(self, d, from, Math.floor(size / n) + (i < size % n ? 1 : 0))
    from += piece.layout.shape[d]
    return piece
  })
}
function splitAlong(name: string, self: Tensor, parts: number | readonly number[], least: number, dim: number): Tensor[] {
  if (self.ndim < least)
    throw new Error(
      `torch.${name} requires a tensor with at least ${least} dimension${least > 1 ? 's' : ''}, but got a tensor with ${self.ndim} dimensions!`,
    )
  const size = self.layout.shape[dim]
  if (typeof parts === 'number' && (parts <= 0 || size % parts !== 0))
    throw new Error(
      `torch.${name} attempted to split along dimension ${dim}, but the size of the dimension ${size} is not divisible by the split_size ${parts}!`,
    )
  return tensorSplit(self, parts, dim)
}
/**
 * Pieces along the second dimension (the first of a vector), as `torch.hsplit`.
 *
 * @example
 * torch.arange(4).hsplit(2).map((piece) => piece.tolist()) // [[0, 1], [2, 3]]
 */
export const hsplit = (self: Tensor, parts: number | readonly number[]): Tensor[] =>
  splitAlong('hsplit', self, parts, 1, self.ndim === 1 ? 0 : 1)
/**
 * Pieces along the first dimension, as `torch.vsplit`.
 *
 * @example
 * torch.arange(4).view(2, 2).vsplit(2).map((piece) => piece.tolist()) // [[[0, 1]], [[2, 3]]]
 */
export const vsplit = (self: Tensor, parts: number | readonly number[]): Tensor[] => splitAlong('vsplit', self, parts, 2, 0)
/**
 * Pieces along the third dimension, as `torch.dsplit`.
 *
 * @example
 * torch.zeros(1, 2, 4).dsplit(2).map((piece) => piece.shape) // [[1, 2, 2], [1, 2, 2]]
 */
export const dsplit = (self: Tensor, parts: number | readonly number[]): Tensor[] => splitAlong('dsplit', self, parts, 3, 2)

export { cat as concat, cat as concatenate, vstack as rowStack }
