/** Reading and writing by one index tensor per dimension, and what is built on it. */

import { readArgument } from '../core/arguments.js'
import type { Complex } from '../core/complex.js'
import { type Scalar, scalarName } from '../core/dtype.js'
import { broadcastShapes, Layout, numelOf, type Shape, sameShape, showShape, wrapDim } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { add, div, mul, remainder } from './arithmetic.js'
import { to } from './cast.js'
import { lt, where } from './comparison.js'
import { filled, rowMajor, valueFor } from './copy.js'
import { elements, itemBigInt, toTypedArray } from './creation.js'
import { requireTensor } from './define.js'
import { commonBackend, defineOp, emptyTensor, type Op } from './dispatch.js'
import { nonzero } from './indexing.js'
import { lifted } from './indices.js'
import { amax, amin } from './reduce.js'
import { unbind } from './split.js'
import { expand, narrow, reshape, view } from './view.js'
import { defineWrite, type WriteOp } from './write.js'

/** Which dimensions index tensors stand for, and where theirs come among the dimensions that are left. */
export interface Places {
  readonly dims: readonly number[]
  readonly at: number
}

/** The least and the greatest of some indices. */
function bounds(index: Tensor): readonly [number, number] {
  if (index.layout.numel > 64 || !index.layout.isContiguous)
    return [Number(itemBigInt(amin(index))), Number(itemBigInt(amax(index)))]
  // Looking at a few is quicker than calling kernels for them.
  const values = elements(index) as BigInt64Array
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i])
    if (value < low) low = value
    if (value > high) high = value
  }
  return [low, high]
}

/**
 * Makes indices of a dimension count from its start. All are checked.
 *
 * @throws RangeError in PyTorch's words for one out of bounds.
 */
export function wrapIndices(
  index: Tensor,
  size: number,
  message = (bad: number): string => `index ${bad} is out of bounds for dimension 0 with size ${size}`,
): Tensor {
  if (index.layout.numel === 0) return index
  if (size === 0) throw new RangeError('index is out of bounds for dimension with size 0')
  const [low, high] = bounds(index)
  if (low < -size || high >= size) {
    const bad = Array.from(toTypedArray(index) as BigInt64Array, Number).find((i) => i < -size || i >= size)!
    throw new RangeError(message(bad))
  }
  return low < 0 ? where(lt(index, 0), add(index, size), index) : index
}

/** The shape of what `indices` read out of a tensor of this shape. */
export const resultShape = (shape: Shape, { dims, at }: Places, indexShape: Shape): number[] =>
  shape.filter((_, d) => !dims.includes(d)).toSpliced(at, 0, ...indexShape)

/**
 * A tensor's memory with the indexed dimensions as one, dimension `at`, and the one index into that: an element's distance
 * in memory, so that any strides do and nothing is copied.
 */
function asOne(x: Tensor, indices: readonly Tensor[], { dims, at }: Places): { memory: Tensor; index: Tensor } {
  const { shape, strides, offset } = x.layout
  const others = shape.map((_, d) => d).filter((d) => !dims.includes(d))
  const single = dims.length === 1
  const reach = single ? shape[dims[0]] : dims.reduce((n, d) => n + (shape[d] - 1) * strides[d], 1)
  const layout = new Layout(
    others.map((d) => shape[d]).toSpliced(at, 0, reach),
    others.map((d) => strides[d]).toSpliced(at, 0, single ? strides[dims[0]] : 1),
    offset,
  )
  const distance = single ? indices[0] : indices.map((index, i) => mul(index, strides[dims[i]])).reduce((a, b) => add(a, b))
  return { memory: new Tensor(x.storage, layout, x.dtype), index: reshape(distance, -1) }
}

/** x[indices]: inputs are x and one checked int64 index per dimension of `dims`. */
export const indexOp: Op<Places> = defineOp<Places>({
  name: 'Index',
  forward: ([x, ...indices], places) => {
    const backend = commonBackend([x, ...indices])
    const shape = resultShape(x.layout.shape, places, broadcastShapes(indices.map((t) => t.layout.shape)))
    const out = emptyTensor(backend, shape, x.dtype)
    if (out.layout.numel > 0) {
      const { memory, index } = asOne(x, indices, places)
      const merged = Layout.contiguous(memory.layout.shape.with(places.at, index.layout.numel))
      backend.run('indexSelect', memory, places.at, index, new Tensor(out.storage, merged, out.dtype))
    }
    return [out]
  },
  save: ([, ...indices]) => indices,
  backward: ([g], { saved: indices, attrs, inputs }) => [
    indexPutOp([filled(g!, inputs[0].shape, 0), g!, ...indices], { ...attrs, accumulate: true }),
    ...indices.map(() => null),
  ],
})

/** x[indices] = value, or += value: inputs are x, value and the indices. The value broadcasts. */
export const indexPutOp: WriteOp<Places & { accumulate: boolean }> = defineWrite<Places & { accumulate: boolean }>({
  name: 'IndexPut',
  write: (target, [, value, ...indices], places) => {
    const shape = resultShape(target.layout.shape, places, broadcastShapes(indices.map((t) => t.layout.shape)))
    if (numelOf(shape) === 0) return
    const { memory, index } = asOne(target, indices, places)
    const merged = memory.layout.shape.with(places.at, index.layout.numel)
    const spread = new Tensor(value.storage, value.layout.expand(shape), value.dtype)
    const layout = spread.layout.reshape(merged)
    const source = layout
      ? new Tensor(spread.storage, layout, spread.dtype)
      : new Tensor(rowMajor(spread).storage, Layout.contiguous(merged), spread.dtype)
    const backend = target.storage.allocator
    if (places.accumulate) backend.run('indexAdd', memory, places.at, index, source, 1)
    else backend.run('indexCopy', memory, places.at, index, source)
  },
  save: ([, , ...indices]) => indices,
  backward: ([g], { saved: indices, attrs, needs }) => {
    const { accumulate, ...places } = attrs
    const own = needs[0] ? (accumulate ? g! : indexPutOp([g!, filled(g!, [], 0), ...indices], attrs)) : null
    return [own, needs[1] ? indexOp([g!, ...indices], places)[0] : null, ...indices.map(() => null)]
  },
})

/** Index tensors by dimension, as advanced indexing leaves them: no entry for a dimension taken whole. */
export interface Advanced {
  readonly dim: number
  readonly index: Tensor
}

/** Checks a mask against the dimensions from `dim` on that it stands for. */
export function requireMask(mask: Tensor, shape: Shape, dim: number): void {
  if (mask.dtype === 'uint8')
    console.warn('indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.')
  mask.layout.shape.forEach((size, d) => {
    if (size !== shape[dim + d])
      throw new RangeError(
        `The shape of the mask ${showShape(mask.layout.shape)} at index ${d} does not match the shape of the indexed tensor ${showShape(shape)} at index ${dim + d}`,
      )
  })
}

/** Masks become the indices of their true elements, and all indices int64 counted from the start. */
export function prepare(x: Tensor, advanced: readonly Advanced[]): { indices: Tensor[]; places: Places; shape: Shape } {
  const { shape } = x.layout
  const found = advanced.flatMap(({ dim, index }) => {
    if (index.dtype === 'int64' || index.dtype === 'int32') return [{ dim, index: to(index, 'int64') }]
    if (index.dtype !== 'bool' && index.dtype !== 'uint8')
      throw new TypeError('tensors used as indices must be long, int, byte or bool tensors')
    requireMask(index, shape, dim)
    return nonzero(index, { asTuple: true }).map((places, d) => ({ dim: dim + d, index: places }))
  })
  const dims = found.map(({ dim }) => dim)
  const shapes = found.map(({ index }) => index.layout.shape)
  let indexShape: Shape
  try {
    indexShape = broadcastShapes(shapes)
  } catch {
    throw new RangeError(
      `shape mismatch: indexing tensors could not be broadcast together with shapes ${shapes.map(showShape).join(', ')}`,
    )
  }
  const empty = numelOf(indexShape) === 0
  const indices = found.map(({ dim, index }) =>
    empty
      ? index
      : wrapIndices(index, shape[dim], (bad) => `index ${bad} is out of bounds for dimension ${dim} with size ${shape[dim]}`),
  )
  // PyTorch's rule: the indices' dimensions take the place of those they index if these are neighbours, else the front.
  const together = dims.every((d, i) => i === 0 || d === dims[i - 1] + 1)
  const places = { dims, at: together ? dims[0] : 0 }
  return { indices, places, shape: resultShape(shape, places, indexShape) }
}

/** A value for these places: leading dimensions of size 1 too many fall away. @throws Error where it does not fit. */
export function fitValue(self: Tensor, value: Tensor | Scalar | Complex, shape: Shape): Tensor {
  if (!(value instanceof Tensor)) return filled(self, [], value)
  if (value.dtype !== self.dtype)
    throw new Error(
      `Index put requires the source and destination dtypes match, got ${scalarName(self.dtype)} for the destination and ${scalarName(value.dtype)} for the source.`,
    )
  let trimmed = value.layout.shape
  while (trimmed.length > shape.length && trimmed[0] === 1) trimmed = trimmed.slice(1)
  const lead = shape.length - trimmed.length
  if (lead < 0 || trimmed.some((size, d) => size !== 1 && size !== shape[d + lead]))
    throw new Error(
      `shape mismatch: value tensor of shape ${showShape(value.layout.shape)} cannot be broadcast to indexing result of shape ${showShape(shape)}`,
    )
  return trimmed.length === value.ndim ? value : reshape(value, trimmed)
}

export interface IndexPutOptions {
  /** Add to the elements instead of replacing them; repeated indices add up. */
  accumulate?: boolean
}
/** Whether to accumulate, by position or by name. */
type Accumulate = boolean | IndexPutOptions
type IndexPut = (self: Tensor, indices: readonly (Tensor | null)[], values: Tensor, accumulate?: Accumulate) => Tensor
const indexPutAs =
  (op: (inputs: readonly Tensor[], attrs: Places & { accumulate: boolean }) => Tensor): IndexPut =>
  (self, indices, values, given) => {
    const accumulate = readArgument<boolean>('index_put', 'accumulate', given, false)
    requireTensor(values, 'index_put', 'values')
    const advanced: Advanced[] = []
    let dim = 0
    for (const index of indices) {
      if (index === null) dim++
      else {
        advanced.push({ dim, index })
        dim += index.dtype === 'bool' || index.dtype === 'uint8' ? index.ndim : 1
      }
    }
    if (dim > self.ndim) throw new RangeError(`too many indices for tensor of dimension ${self.ndim} (got ${dim})`)
    if (advanced.length === 0) throw new Error('index_put_: at least one index must be a tensor')
    const { indices: wrapped, places, shape } = prepare(self, advanced)
    return op([self, fitValue(self, values, shape), ...wrapped], { ...places, accumulate })
  }
/**
 * A copy with the elements at these indices replaced, or added to, as `torch.index_put`: `self[indices] = values`. There
 * is one index tensor or mask per dimension; null takes a dimension whole.
 *
 * @throws RangeError for an index out of bounds.
 * @example
 * const i = torch.tensor([0n, 0n])
 * torch.zeros(3).indexPut([i], torch.tensor(1), { accumulate: true }).tolist() // [2, 0, 0]
 */
export const indexPut = Object.assign(indexPutAs(indexPutOp), { inPlace: indexPutAs(indexPutOp.inPlace) })

/** A dimension's slices as index tensor and place. */
const along = (dim: number): Places => ({ dims: [dim], at: dim })

type IndexCopy = (self: Tensor, dim: number, index: Tensor, source: Tensor) => Tensor
const indexCopyAs =
  (op: (inputs: readonly Tensor[], attrs: Places & { accumulate: boolean }) => Tensor): IndexCopy =>
  (self, dim, index, source) => {
    const d = wrapDim(dim, self.ndim)
    if (index.ndim > 1) throw new RangeError(`index_copy_(): Index should have dimension 1 or 0 (got ${index.ndim})`)
    if (index.dtype !== 'int64')
      throw new Error(`index_copy_(): Expected a long tensor for index, but got ${scalarName(index.dtype)}`)
    if (self.dtype !== source.dtype)
      throw new Error(
        `index_copy_(): self and source expected to have the same dtype, but got (self) ${scalarName(self.dtype)} and (source) ${scalarName(source.dtype)}`,
      )
    if (self.ndim > 0 && source.ndim > 0 && self.ndim !== source.ndim)
      throw new RangeError(
        `index_copy_(): When source and destination are not scalars, their dimensionality must match. Source dimensionality (${source.ndim}), destination dimensionality (${self.ndim})`,
      )
    const [own, given] = [self, source].map((t) => t.layout.shape.toSpliced(d, 1))
    if (source.ndim > 0 && !sameShape(own, given))
      throw new Error(
        `index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: ${own.join(' ')} at dimension ${d} and source slice shape: ${given.join(' ')} at dimension 0.`,
      )
    const count = index.layout.numel
    if ((source.layout.shape[d] ?? 1) !== count)
      throw new RangeError(
        `index_copy_(): Number of indices (${count}) should be equal to source.size(dim) (${source.layout.shape[d] ?? 1})`,
      )
    const size = self.layout.shape[d] ?? 1
    const outside = (bad: number): string => `index_copy_(): index ${bad} is out of bounds for dimension ${d} with size ${size}`
    const least = count > 0 ? bounds(index)[0] : 0
    if (least < 0) throw new RangeError(outside(least))
    const checked = lifted(wrapIndices(index, size, outside))
    const whole = self.ndim === 0 ? reshape(self, 1) : self
    const written = op([whole, source.ndim === 0 && self.ndim === 0 ? reshape(source, 1) : source, checked], {
      ...along(d),
      accumulate: false,
    })
    return written === self || self.ndim > 0 ? written : written === whole ? self : reshape(written, [])
  }
/**
 * A copy with the slices at `index` along `dim` replaced by those of `source`, as `torch.index_copy`.
 *
 * @throws RangeError for an index out of bounds.
 * @example
 * torch.zeros(3).indexCopy(0, torch.tensor([2n, 0n]), torch.tensor([5, 6])).tolist() // [6, 0, 5]
 */
export const indexCopy = Object.assign(indexCopyAs(indexPutOp), { inPlace: indexCopyAs(indexPutOp.inPlace) })

type IndexFill = (self: Tensor, dim: number, index: Tensor, value: Tensor | Scalar | Complex) => Tensor
const indexFillAs =
  (op: (inputs: readonly Tensor[], attrs: Places & { accumulate: boolean }) => Tensor): IndexFill =>
  (self, dim, index, value) => {
    const d = wrapDim(dim, self.ndim)
    if (index.dtype !== 'int64') throw new RangeError('index_fill_(): Expected dtype int64 for index.')
    if (index.ndim > 1) throw new Error('Index has to be a vector/scalar')
    if (value instanceof Tensor && value.ndim > 0)
      throw new Error(`index_fill_ only supports a 0-dimensional value tensor, but got tensor with ${value.ndim} dimension(s).`)
    const size = self.layout.shape[d] ?? 1
    const checked = lifted(
      wrapIndices(index, size, (bad) => `index ${bad} is out of bounds for dimension ${d} with size ${size}`),
    )
    const whole = self.ndim === 0 ? reshape(self, 1) : self
    const one = value instanceof Tensor ? to(valueFor(self, value) as Tensor, self.dtype) : filled(self, [], value)
    const written = op([whole, one, checked], { ...along(d), accumulate: false })
    return self.ndim > 0 ? written : written === whole ? self : reshape(written, [])
  }
/**
 * A copy with the slices at `index` along `dim` filled with one value, as `torch.index_fill`.
 *
 * @throws RangeError for an index out of bounds.
 * @example
 * torch.zeros(2, 2).indexFill(1, torch.tensor([-1n]), 7).tolist() // [[0, 7], [0, 7]]
 */
export const indexFill = Object.assign(indexFillAs(indexPutOp), { inPlace: indexFillAs(indexPutOp.inPlace) })

const outsideOf =
  (numel: number) =>
  (bad: number): string =>
    `out of range: tried to access index ${bad} on a tensor of ${numel} elements.`

/** One index per dimension from places in the flattened tensor. */
function unravel(flat: Tensor, shape: Shape): Tensor[] {
  let step = numelOf(shape)
  return shape.map((size) => {
    step /= size
    return remainder(div(flat, step, { roundingMode: 'floor' }), size)
  })
}

type Put = (self: Tensor, index: Tensor, source: Tensor, accumulate?: Accumulate) => Tensor
function requirePut(self: Tensor, index: Tensor, source: Tensor): Tensor {
  if (index.dtype !== 'int64') throw new Error(`put_(): Expected a long tensor for index, but got ${scalarName(index.dtype)}`)
  if (self.dtype !== source.dtype)
    throw new Error(
      `put_(): self and source expected to have the same dtype, but got self.dtype = ${scalarName(self.dtype)} and source.dtype = ${scalarName(source.dtype)}`,
    )
  if (index.layout.numel !== source.layout.numel)
    throw new RangeError(
      `put_(): Expected source and index to have the same number of elements, but got source.numel() = ${source.layout.numel}, index.numel() = ${index.layout.numel}`,
    )
  return wrapIndices(reshape(index, -1), self.layout.numel, outsideOf(self.layout.numel))
}
const flat: Places = { dims: [0], at: 0 }
/**
 * A copy with elements replaced (or added to) by their place in the flattened tensor, as `torch.put`.
 *
 * @throws RangeError for an index out of bounds.
 * @example
 * torch.zeros(2, 2).put(torch.tensor([3n, -4n]), torch.tensor([5, 6])).tolist() // [[6, 0], [0, 5]]
 */
export const put: Put & { readonly inPlace: Put } = Object.assign(
  ((self, index, source, given) => {
    const accumulate = readArgument<boolean>('put', 'accumulate', given, false)
    const inputs = [reshape(self, -1), reshape(source, -1), requirePut(self, index, source)]
    return reshape(indexPutOp(inputs, { ...flat, accumulate }), self.layout.shape)
  }) as Put,
  {
    inPlace: ((self, index, source, given) => {
      const accumulate = readArgument<boolean>('put_', 'accumulate', given, false)
      const places = requirePut(self, index, source)
      const values = reshape(source, -1)
      if (self.layout.isContiguous) indexPutOp.inPlace([view(self, -1), values, places], { ...flat, accumulate })
      else {
        const dims = self.layout.shape.map((_, d) => d)
        indexPutOp.inPlace([self, values, ...unravel(places, self.layout.shape)], { dims, at: 0, accumulate })
      }
      return self
    }) as Put,
  },
)

/**
 * Elements by their place in the flattened tensor, as `torch.take`; negative places count from the end.
 *
 * @throws RangeError for an index out of bounds.
 * @example
 * torch.tensor([[1, 2], [3, 4]]).take(torch.tensor([0n, -1n])).tolist() // [1, 4]
 */
export function take(self: Tensor, index: Tensor): Tensor {
  if (index.dtype !== 'int64') throw new Error(`take(): Expected a long tensor for index, but got ${scalarName(index.dtype)}`)
  return indexOp([reshape(self, -1), wrapIndices(index, self.layout.numel, outsideOf(self.layout.numel))], flat)[0]
}

type MaskedScatter = (self: Tensor, mask: Tensor, source: Tensor) => Tensor
const maskedScatterAs =
  (op: (inputs: readonly Tensor[], attrs: Places & { accumulate: boolean }) => Tensor): MaskedScatter =>
  (self, mask, source) => {
    if (self.dtype !== source.dtype)
      throw new Error(
        `masked_scatter: expected self and source to have same dtypes but got ${scalarName(self.dtype)} and ${scalarName(source.dtype)}`,
      )
    if (mask.dtype !== 'bool' && mask.dtype !== 'uint8')
      throw new Error(`masked_scatter_ only supports boolean masks, but got mask with dtype ${scalarName(mask.dtype)}`)
    const places = unbind(nonzero(expand(lifted(mask), lifted(self).layout.shape)), 1)
    const [count] = places[0].layout.shape
    if (count > source.layout.numel) throw new Error('Number of elements of source < number of ones in mask')
    const whole = self.ndim === 0 ? reshape(self, 1) : self
    const values = narrow(reshape(source, -1), 0, 0, count)
    const written = op([whole, values, ...places], { dims: places.map((_, d) => d), at: 0, accumulate: false })
    return self.ndim > 0 ? written : written === whole ? self : reshape(written, [])
  }
const maskedScatterCopy = maskedScatterAs(indexPutOp)
/**
 * A copy with the elements where the mask holds replaced by those of `source` in order, as `torch.masked_scatter`. Mask
 * and `self` broadcast.
 *
 * @throws Error where the source has too few elements.
 * @example
 * const mask = torch.tensor([true, false, true])
 * torch.zeros(3).maskedScatter(mask, torch.tensor([5, 6, 7])).tolist() // [5, 0, 6]
 */
export const maskedScatter = Object.assign(
  (self: Tensor, mask: Tensor, source: Tensor): Tensor => {
    const shape = broadcastShapes([self.layout.shape, mask.layout.shape])
    return maskedScatterCopy(sameShape(shape, self.layout.shape) ? self : expand(self, shape), mask, source)
  },
  { inPlace: maskedScatterAs(indexPutOp.inPlace) },
)
