/** Views: another layout on the same storage, never a kernel. */

import { type Arguments, readArgument, readArguments } from '../core/arguments.js'
import { type DType, isIntegral } from '../core/dtype.js'
import { edgeOf, isGradEnabled, Node, setHistory } from '../core/graph.js'
import { type Layout, numelOf, type Shape, showShape, wrapDim, wrapDims } from '../core/layout.js'
import { isInferenceModeEnabled } from '../core/storage.js'
import { Tensor, type ViewOrigin } from '../core/tensor.js'
import { cloneOp, copyInto, filled } from './copy.js'
import { defineOp, type Gradients, needsRecording, type Op } from './dispatch.js'

/** Sizes as PyTorch takes them: `view(2, 3)` or `view([2, 3])`. */
export type Sizes = readonly number[] | readonly [Shape]
export const sizesOf = (sizes: Sizes): Shape =>
  sizes.length === 1 && typeof sizes[0] === 'object' ? sizes[0] : (sizes as readonly number[])

class ViewNode extends Node {
  readonly name: string
  readonly #backward: (gradient: Tensor) => Tensor

  constructor(name: string, input: Tensor, backward: (gradient: Tensor) => Tensor) {
    super()
    this.name = `${name}Backward0`
    this.edges = [edgeOf(input)]
    this.#backward = backward
  }

  override backward([gradient]: Gradients): Gradients {
    return [gradient === null ? null : this.#backward(gradient)]
  }
}

/** `self` through another layout. `backward` gives the gradient of `self` from that of the view. */
export function makeView(
  name: string,
  self: Tensor,
  layout: Layout,
  backward: (gradient: Tensor) => Tensor,
  dtype: DType = self.dtype,
): Tensor {
  const out = aliasOf(self, layout, null, dtype)
  if (needsRecording([self])) setHistory(out, new ViewNode(name, self, backward))
  return out
}

/** `self` through another layout, known to be a view but not recorded. */
export function aliasOf(self: Tensor, layout: Layout, origin: ViewOrigin | null = null, dtype: DType = self.dtype): Tensor {
  const out = new Tensor(self.storage, layout, dtype)
  const mode = isInferenceModeEnabled() ? 'inference' : isGradEnabled() ? null : 'noGrad'
  const base = self.viewInfo?.base ?? self
  out.viewInfo = { base, version: self.storage.version, origin: self.viewInfo?.origin ?? mode ?? origin }
  return out
}

/** Resolves one -1 in a shape and checks that the sizes fit. @throws Error in PyTorch's words. */
export function inferShape(shape: Shape, numel: number): Shape {
  const unknown = shape.indexOf(-1)
  const bad = shape.find((size) => !Number.isInteger(size) || size < -1)
  if (bad !== undefined) throw new Error(`invalid shape dimension ${bad}`)
  if (unknown >= 0) {
    if (shape.indexOf(-1, unknown + 1) >= 0) throw new Error('only one dimension can be inferred')
    const known = numelOf(shape.toSpliced(unknown, 1))
    if (known === 0)
      throw new Error(
        `cannot reshape tensor of 0 elements into shape ${showShape(shape)} because the unspecified dimension size -1 can be any value and is ambiguous`,
      )
    if (numel % known === 0) return shape.with(unknown, numel / known)
  } else if (numelOf(shape) === numel) return shape
  throw new Error(`shape '${showShape(shape)}' is invalid for input of size ${numel}`)
}

/**
 * The same elements with another shape, sharing memory, as `torch.Tensor.view`. One size may be -1.
 *
 * @throws Error where the strides do not allow it: use `reshape`.
 * @example
 * torch.arange(6).view(2, -1).shape // [2, 3]
 */
export function view(self: Tensor, ...sizes: Sizes): Tensor {
  const shape = inferShape(sizesOf(sizes), self.layout.numel)
  const layout = self.layout.reshape(shape)
  if (layout === undefined)
    throw new Error(
      "view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous " +
        'subspaces). Use .reshape(...) instead.',
    )
  const own = self.layout.shape
  return makeView('View', self, layout, (g) => reshape(g, own))
}

/**
 * The same elements with another shape: a view where the strides allow it, a copy otherwise, as `torch.reshape`.
 *
 * @example
 * torch.tensor([[1, 2], [3, 4]]).t().reshape(4).tolist() // [1, 3, 2, 4]
 */
export function reshape(self: Tensor, ...sizes: Sizes): Tensor {
  const shape = inferShape(sizesOf(sizes), self.layout.numel)
  return self.layout.reshape(shape) === undefined ? view(contiguous(self), shape) : view(self, shape)
}

/**
 * This tensor in row-major order: itself if it is so already, a copy otherwise, as `torch.Tensor.contiguous`.
 *
 * @example
 * torch.zeros(2, 3).t().contiguous().isContiguous() // true
 */
export function contiguous(self: Tensor): Tensor {
  return self.layout.isContiguous ? self : cloneOp([self], true)[0]
}

/**
 * The dimensions in another order, as `torch.permute`.
 *
 * @example
 * torch.zeros(2, 3, 4).permute(2, 0, 1).shape // [4, 2, 3]
 */
export function permute(self: Tensor, ...dims: Sizes): Tensor {
  const order = sizesOf(dims).map((d) => wrapDim(d, self.ndim))
  if (order.length !== self.ndim)
    throw new Error(
      `permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of dimensions i.e. input.dim() = ${self.ndim} is not equal to len(dims) = ${order.length}`,
    )
  if (new Set(order).size !== order.length) throw new Error('permute(): duplicate dims are not allowed.')
  const inverse = new Array<number>(order.length)
  order.forEach((d, i) => {
    inverse[d] = i
  })
  return makeView('Permute', self, self.layout.permute(order), (g) => permute(g, inverse))
}

/**
 * Two dimensions exchanged, as `torch.transpose`.
 *
 * @example
 * torch.tensor([[1, 2], [3, 4]]).transpose(0, 1).tolist() // [[1, 3], [2, 4]]
 */
export function transpose(self: Tensor, dim0: number, dim1: number): Tensor {
  const [a, b] = [wrapDim(dim0, self.ndim), wrapDim(dim1, self.ndim)]
  if (self.ndim === 0) return makeView('Transpose', self, self.layout, (g) => g)
  const order = Array.from({ length: self.ndim }, (_, d) => (d === a ? b : d === b ? a : d))
  return makeView('Transpose', self, self.layout.permute(order), (g) => transpose(g, a, b))
}

/**
 * A matrix transposed; 0-d and 1-d tensors as they are, as `torch.t`.
 *
 * @example
 * torch.tensor([[1, 2], [3, 4]]).t().tolist() // [[1, 3], [2, 4]]
 */
export function t(self: Tensor): Tensor {
  if (self.ndim > 2) throw new Error(`t() expects a tensor with <= 2 dimensions, but self is ${self.ndim}D`)
  const layout = self.ndim === 2 ? self.layout.permute([1, 0]) : self.layout
  return makeView('T', self, layout, (g) => t(g))
}

/**
 * Without the dimensions of size 1, or without the given ones of that size, as `torch.squeeze`: a view.
 *
 * @example
 * torch.zeros(1, 2, 1).squeeze().shape // [2]
 * torch.zeros(1, 2, 1).squeeze({ dim: 0 }).shape // [2, 1]
 */
export function squeeze(self: Tensor, dim?: number | readonly number[] | { dim?: number | readonly number[] }): Tensor {
  const own = self.layout.shape
  const dims = readArgument<number | readonly number[] | null>('squeeze', 'dim', dim, null)
  const chosen =
    dims === null ? own.map((_, d) => d) : (typeof dims === 'number' ? [dims] : dims).map((d) => wrapDim(d, self.ndim))
  const kept = own.map((_, d) => d).filter((d) => own[d] !== 1 || !chosen.includes(d))
  return makeView('Squeeze', self, self.layout.permute(kept), (g) => reshape(g, own))
}

/**
 * With a new dimension of size 1 at `dim`, as `torch.unsqueeze`.
 *
 * @example
 * torch.zeros(2, 3).unsqueeze(1).shape // [2, 1, 3]
 */
export function unsqueeze(self: Tensor, dim: number): Tensor {
  const at = wrapDim(dim, self.ndim + 1)
  return makeView('Unsqueeze', self, self.layout.unsqueeze(at), (g) => squeeze(g, at))
}

/**
 * Dimensions of size 1 (and new leading ones) repeated without a copy; -1 keeps a size, as `torch.Tensor.expand`.
 *
 * @example
 * torch.tensor([[1], [2]]).expand(2, 3).tolist() // [[1, 1, 1], [2, 2, 2]]
 */
export function expand(self: Tensor, ...sizes: Sizes): Tensor {
  const wanted = sizesOf(sizes)
  const own = self.layout.shape
  const lead = wanted.length - own.length
  if (lead < 0)
    throw new Error(
      `expand(torch.${self.dtype}{${showShape(own)}}, size=${showShape(wanted)}): the number of sizes provided (${wanted.length}) must be ` +
        `greater or equal to the number of dimensions in the tensor (${own.length})`,
    )
  requireIntegers('expand', ...wanted)
  const shape = wanted.map((size, d) => {
    if (size === -1) {
      if (d < lead)
        throw new Error(`The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension ${d}`)
      return own[d - lead]
    }
    if (size < 0 || (d >= lead && own[d - lead] !== 1 && own[d - lead] !== size))
      throw new Error(
        `The expanded size of the tensor (${size}) must match the existing size (${own[d - lead]}) at non-singleton dimension ${d}.  ` +
          `Target sizes: ${showShape(wanted)}.  Tensor sizes: ${showShape(own)}`,
      )
    return size
  })
  // The engine sums the gradient over what was repeated.
  return makeView('Expand', self, self.layout.expand(shape), (g) => g)
}

/**
 * `expand` under its other name, as `torch.broadcast_to`.
 *
 * @example
 * torch.broadcastTo(torch.tensor([1, 2]), [2, 2]).tolist() // [[1, 2], [1, 2]]
 */
export const broadcastTo = (self: Tensor, ...sizes: Sizes): Tensor => expand(self, ...sizes)
/**
 * `expand` to another tensor's shape, as `torch.Tensor.expand_as`.
 *
 * @example
 * torch.tensor([1, 2]).expandAs(torch.zeros(3, 2)).shape // [3, 2]
 */
export const expandAs = (self: Tensor, other: Tensor): Tensor => expand(self, other.layout.shape)
/**
 * `view` with another tensor's shape, as `torch.Tensor.view_as`.
 *
 * @example
 * torch.arange(4).viewAs(torch.zeros(2, 2)).tolist() // [[0, 1], [2, 3]]
 */
export const viewAs = (self: Tensor, other: Tensor): Tensor => view(self, other.layout.shape)
/**
 * `reshape` with another tensor's shape, as `torch.Tensor.reshape_as`.
 *
 * @example
 * torch.arange(4).reshapeAs(torch.zeros(2, 2)).tolist() // [[0, 1], [2, 3]]
 */
export const reshapeAs = (self: Tensor, other: Tensor): Tensor => reshape(self, other.layout.shape)

function requireIntegers(name: string, ...values: unknown[]): void {
  const bad = values.find((value) => !Number.isInteger(value))
  if (bad !== undefined) throw new TypeError(`${name}(): expected integers, but got ${bad}`)
}

/**
 * One index of a dimension, which goes away, as `torch.select`.
 *
 * @example
 * torch.tensor([[1, 2], [3, 4]]).select(1, 0).tolist() // [1, 3]
 */
export function select(self: Tensor, dim: number, index: number): Tensor {
  if (self.ndim === 0) throw new RangeError('select() cannot be applied to a 0-dim tensor.')
  const d = wrapDim(dim, self.ndim)
  const size = self.layout.shape[d]
  if (!Number.isInteger(index) || index < -size || index >= size)
    throw new RangeError(
      `select(): index ${index} out of range for tensor of size ${showShape(self.layout.shape)} at dimension ${d}`,
    )
  const at = index < 0 ? index + size : index
  return makeView('Select', self, self.layout.select(d, at), (g) => embed(unsqueeze(g, d), self.layout.shape, d, at, 1))
}

/** The indices from `start` up to `end` (exclusive), every `step`-th, of one dimension: null is Python's None. */
export interface Slice {
  readonly start: number | null
  readonly end: number | null
  readonly step: number | null
}

/**
 * An index for `at` and `setAt`, as Python's `slice(start, end, step)`; with one argument, its end.
 *
 * @example
 * torch.arange(5).at(torch.slice(1, null, 2)).tolist() // [1, 3]
 */
export function slice(end: number | null): Slice
export function slice(start: number | null, end: number | null, step?: number | null): Slice
/**
 * The indices from `start` up to `end` (exclusive) of a dimension, every `step`-th, as Python's slices: negative bounds
 * count from the end, bounds outside are clipped.
 *
 * @example
 * torch.arange(5).slice(0, 1, null, 2).tolist() // [1, 3]
 */
export function slice(self: Tensor, dim?: number, start?: number | null, end?: number | null, step?: number): Tensor
export function slice(self: Tensor | number | null, ...args: (number | null | undefined)[]): Tensor | Slice {
  if (self instanceof Tensor) return sliced(self, args[0] ?? 0, args[1], args[2], args[3] ?? 1)
  const [start, end] = args.length === 0 ? [null, self] : [self, args[0] ?? null]
  return { start, end, step: args[1] ?? null }
}
function sliced(self: Tensor, dim: number, start: number | null = null, end: number | null = null, step = 1): Tensor {
  if (self.ndim === 0) throw new RangeError('slice() cannot be applied to a 0-dim tensor.')
  if (!Number.isInteger(step) || step <= 0) throw new RangeError('slice step must be positive')
  const d = wrapDim(dim, self.ndim)
  requireIntegers('slice', start ?? 0, end ?? 0)
  const size = self.layout.shape[d]
  const clip = (bound: number): number => Math.min(Math.max(bound < 0 ? bound + size : bound, 0), size)
  const from = clip(start ?? 0)
  const length = Math.max(0, Math.ceil((clip(end ?? size) - from) / step))
  return makeView('Slice', self, self.layout.slice(d, from, length, step), (g) => embed(g, self.layout.shape, d, from, step))
}

/**
 * `length` indices of a dimension from `start` (a number or a 0-d integer tensor), as `torch.narrow`.
 *
 * @example
 * torch.arange(5).narrow(0, 1, 3).tolist() // [1, 2, 3]
 */
export function narrow(self: Tensor, dim: number, start: number | Tensor, length: number): Tensor {
  if (start instanceof Tensor) {
    if (start.ndim !== 0 || !isIntegral(start.dtype)) throw new Error('start must be an 0-dim integral Tensor.')
    return narrow(self, dim, start.item(), length)
  }
  if (self.ndim === 0) throw new Error('narrow() cannot be applied to a 0-dim tensor.')
  requireIntegers('narrow', start, length)
  const d = wrapDim(dim, self.ndim)
  const size = self.layout.shape[d]
  if (length < 0) throw new Error('narrow(): length must be non-negative.')
  if (start < -size || start > size)
    throw new RangeError(`start out of range (expected to be in range of [${-size}, ${size}], but got ${start})`)
  const from = start < 0 ? start + size : start
  if (from + length > size) throw new Error(`start (${from}) + length (${length}) exceeds dimension size (${size}).`)
  return makeView('Slice', self, self.layout.slice(d, from, length), (g) => embed(g, self.layout.shape, d, from, 1))
}

export interface FlattenOptions {
  /** The first dimension to be merged. */
  startDim?: number
  /** The last one. */
  endDim?: number
}
/**
 * Dimensions `startDim` to `endDim` (all of them unless given) merged into one, as `torch.flatten`: a view where the
 * strides allow it.
 *
 * @throws Error where startDim comes after endDim
 * @example
 * torch.zeros(2, 3, 4).flatten().shape // [24]
 * torch.zeros(2, 3, 4).flatten(1).shape // [2, 12]
 * torch.zeros(2, 3, 4).flatten({ endDim: 1 }).shape // [6, 4]
 */
export function flatten(self: Tensor, ...args: Arguments<[startDim: number, endDim: number], FlattenOptions>): Tensor {
  const { startDim = 0, endDim = -1 } = readArguments<FlattenOptions>('flatten', args, ['startDim', 'endDim'])
  const [from, to] = [wrapDim(startDim, self.ndim), wrapDim(endDim, self.ndim)]
  if (from > to) throw new Error('flatten() has invalid args: start_dim cannot come after end_dim')
  const own = self.layout.shape
  if (own.length === 0) return reshape(self, 1)
  if (from === to) return self
  return reshape(self, own.toSpliced(from, to - from + 1, numelOf(own.slice(from, to + 1))))
}

/**
 * One dimension split into several, as `torch.unflatten`. One size may be -1.
 *
 * @example
 * torch.zeros(2, 6).unflatten(1, [2, -1]).shape // [2, 2, 3]
 */
export function unflatten(self: Tensor, dim: number, sizes: Shape): Tensor {
  const d = wrapDim(dim, self.ndim)
  const own = self.layout.shape
  if (sizes.length === 0) throw new Error('unflatten: sizes must be non-empty')
  return view(self, own.toSpliced(d, 1, ...inferShape(sizes, own[d])))
}

/**
 * Dimensions moved to other places, the others keeping their order, as `torch.movedim`.
 *
 * @example
 * torch.zeros(2, 3, 4).movedim(0, -1).shape // [3, 4, 2]
 */
export function movedim(self: Tensor, source: number | Shape, destination: number | Shape): Tensor {
  const [from, to] = [source, destination].map((dims) => wrapDims(dims, self.ndim))
  if (from.length !== to.length)
    throw new Error(
      `movedim: Invalid source or destination dims: source (${showShape(from)} dims) should contain the same number of dims as destination (${showShape(to)} dims)`,
    )
  if (self.ndim === 0) return permute(self)
  const others = self.layout.shape.map((_, d) => d).filter((d) => !from.includes(d))
  return permute(
    self,
    self.layout.shape.map((_, d) => (to.includes(d) ? from[to.indexOf(d)] : others.shift()!)),
  )
}

/**
 * The same elements cut off from the graph, sharing memory, as `torch.Tensor.detach`.
 *
 * @example
 * torch.ones(2, { requiresGrad: true }).mul(2).detach().requiresGrad // false
 */
export function detach(self: Tensor): Tensor {
  return new Tensor(self.storage, self.layout, self.dtype)
}

/** Zeros of a shape with `g` in a slice of one dimension: the gradient of slicing, itself differentiable. */
export const embed = (g: Tensor, shape: Shape, dim: number, start: number, step: number): Tensor =>
  embedOp([g], { shape, dim, start, step })[0]
const embedOp: Op<{ shape: Shape; dim: number; start: number; step: number }> = defineOp<{
  shape: Shape
  dim: number
  start: number
  step: number
}>({
  name: 'SliceBackward',
  forward: ([g], { shape, dim, start, step }) => {
    const out = filled(g, shape, 0)
    const part = out.layout.slice(dim, start, g.layout.shape[dim], step)
    copyInto(new Tensor(out.storage, part, out.dtype), g)
    return [out]
  },
  backward: ([gradient], { attrs, inputs }) => {
    const { dim, start, step } = attrs
    return [slice(gradient!, dim, start, start + inputs[0].shape[dim] * step, step)]
  },
})
