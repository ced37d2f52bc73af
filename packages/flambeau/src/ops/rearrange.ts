/** Elements in another order or repeated, and pieces taken out of or put into a tensor. */

import { type Arguments, isOptions, readArguments } from '../core/arguments.js'
import { broadcastShapes, numelOf, type Shape, wrapDim, wrapDims } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { clone, copy_ } from './cast.js'
import { elements } from './creation.js'
import { type DiagonalArguments, diagonal } from './diagonal.js'
import { emptyTensor } from './dispatch.js'
import { gather, indexSelect, nonzero } from './indexing.js'
import { cat } from './joining.js'
import { sumTo } from './reduce.js'
import { contiguous, expand, narrow, reshape, type Sizes, select, sizesOf, slice, transpose, unsqueeze, view } from './view.js'

/** Integers as an int64 tensor on the backend of another. */
function whole(like: Tensor, numbers: readonly number[]): Tensor {
  const out = emptyTensor(like.storage.allocator, [numbers.length], 'int64')
  ;(elements(out) as BigInt64Array).set(numbers.map(BigInt))
  return out
}

/**
 * The order of elements reversed along dimensions, as `torch.flip`. A copy, never a view.
 *
 * @example
 * torch.tensor([[1, 2], [3, 4]]).flip(0).tolist() // [[3, 4], [1, 2]]
 * torch.tensor([[1, 2], [3, 4]]).flip({ dims: [0, 1] }).tolist() // [[4, 3], [2, 1]]
 */
export function flip(self: Tensor, ...dims: Sizes | [{ dims: number | Shape }]): Tensor {
  const [first] = dims
  const given = isOptions(first) ? ([first.dims].flat() as number[]) : sizesOf(dims as Sizes)
  const chosen = wrapDims(given, self.ndim)
  const flipped = chosen.reduce((x, d) => {
    const size = x.layout.shape[d]
    return size < 2
      ? x
      : indexSelect(
          x,
          d,
          whole(
            x,
            Array.from({ length: size }, (_, i) => size - 1 - i),
          ),
        )
  }, self)
  return flipped === self ? clone(self) : flipped
}
/**
 * Columns in reverse order, as `torch.fliplr`.
 *
 * @example
 * torch.fliplr(torch.tensor([[1, 2], [3, 4]])).tolist() // [[2, 1], [4, 3]]
 */
export function fliplr(self: Tensor): Tensor {
  if (self.ndim < 2) throw new Error('Input must be >= 2-d.')
  return flip(self, 1)
}
/**
 * Rows in reverse order, as `torch.flipud`.
 *
 * @example
 * torch.flipud(torch.tensor([[1, 2], [3, 4]])).tolist() // [[3, 4], [1, 2]]
 */
export function flipud(self: Tensor): Tensor {
  if (self.ndim < 1) throw new Error('Input must be >= 1-d.')
  return flip(self, 0)
}

export interface RollOptions {
  /** Along which dimensions, one for each shift; the flattened tensor unless given. */
  dims?: number | Shape | null
}
/**
 * Elements moved along dimensions, those pushed out coming in at the other end, as `torch.roll`:
 * `out[(i + shift) mod n] = self[i]`.
 *
 * @throws Error for another number of shifts than of dimensions
 * @example
 * torch.tensor([1, 2, 3]).roll(1).tolist() // [3, 1, 2]
 * torch.tensor([[1, 2], [3, 4]]).roll(1, { dims: 0 }).tolist() // [[3, 4], [1, 2]]
 */
export function roll(
  self: Tensor,
  shifts: number | Shape,
  ...args: Arguments<[dims: number | Shape | null], RollOptions>
): Tensor {
  const { dims } = readArguments<RollOptions>('roll', args, ['dims'])
  const by = typeof shifts === 'number' ? [shifts] : shifts
  const along = dims === undefined || dims === null ? [] : typeof dims === 'number' ? [dims] : dims
  if (by.length === 0) throw new Error('`shifts` required')
  if (along.length === 0 && by.length === 1) return reshape(roll(reshape(self, -1), by, 0), self.layout.shape)
  if (along.length !== by.length) throw new Error(`shifts and dimensions must align. shifts: ${by.length}, dims:${along.length}`)
  if (self.layout.numel === 0) return clone(self)
  return along.reduce((x, dim, i) => {
    const d = wrapDim(dim, self.ndim)
    const size = x.layout.shape[d]
    const start = (((size - by[i]) % size) + size) % size
    return cat([narrow(x, d, start, size - start), narrow(x, d, 0, start)], d)
  }, self)
}

/**
 * The whole tensor repeated so many times along each dimension, as `torch.Tensor.repeat`.
 *
 * @example
 * torch.tensor([1, 2]).repeat(2, 2).tolist() // [[1, 2, 1, 2], [1, 2, 1, 2]]
 */
export function repeat(self: Tensor, ...sizes: Sizes): Tensor {
  const times = sizesOf(sizes)
  const lead = times.length - self.ndim
  if (lead < 0) throw new Error('Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor')
  if (times.some((n) => !Number.isInteger(n) || n < 0))
    throw new Error(`Trying to create tensor with negative dimension: [${times.join(', ')}]`)
  const own = [...new Array<number>(lead).fill(1), ...self.layout.shape]
  const pairs = times.flatMap((n, d) => [n, own[d]])
  const spread = expand(
    reshape(
      self,
      own.flatMap((size) => [1, size]),
    ),
    pairs,
  )
  return view(
    clone(contiguous(spread)),
    own.map((size, d) => size * times[d]),
  )
}
/**
 * `repeat` with leading ones for the dimensions not given, as `torch.tile`.
 *
 * @example
 * torch.tile(torch.tensor([1, 2]), 2).tolist() // [1, 2, 1, 2]
 */
export function tile(self: Tensor, ...sizes: Sizes): Tensor {
  const times = sizesOf(sizes)
  return repeat(self, [...new Array<number>(Math.max(0, self.ndim - times.length)).fill(1), ...times])
}

export interface InterleaveOptions {
  /** The dimension; all elements in one unless given. */
  dim?: number | null
  /** How long the result is along it, if that is known. */
  outputSize?: number | null
}
/**
 * Each element of a dimension repeated so many times in a row, as `torch.repeat_interleave`: as often everywhere, or by a
 * tensor of counts. A tensor of counts alone gives each index as often as its count says.
 *
 * @example
 * torch.tensor([1, 2]).repeatInterleave(2).tolist() // [1, 1, 2, 2]
 */
export function repeatInterleave(
  self: Tensor,
  ...args: Arguments<
    [repeats: number | Tensor | null, dim: number | null],
    InterleaveOptions & { repeats?: number | Tensor | null }
  >
): Tensor {
  const { repeats = null, ...named } = readArguments<InterleaveOptions & { repeats?: number | Tensor | null }>(
    'repeat_interleave',
    args,
    ['repeats', 'dim'],
    ['outputSize'],
  )
  if (repeats === null) return runsOf(self)
  const flat = named.dim === undefined || named.dim === null
  const x = flat ? reshape(self, -1) : self.ndim === 0 ? reshape(self, 1) : self
  const d = wrapDim(named.dim ?? 0, x.ndim)
  const n = x.layout.shape[d]
  if (typeof repeats === 'number') {
    if (repeats < 0) throw new Error('Repeats must be non-negative')
    const spread = expand(unsqueeze(x, d + 1), [...x.layout.shape.slice(0, d + 1), repeats, ...x.layout.shape.slice(d + 1)])
    return reshape(clone(contiguous(spread)), x.layout.shape.with(d, n * repeats))
  }
  if (repeats.ndim > 1) throw new Error('repeats must be 0-dim or 1-dim tensor')
  if (repeats.layout.numel === 1) return repeatInterleave(self, repeats.item(), named)
  if (repeats.layout.numel !== n)
    throw new Error(
      `repeats must have the same size as input along dim, but got repeats.size(0) = ${repeats.layout.numel} and input.size(${d}) = ${n}`,
    )
  const found = indexSelect(x, d, runsOf(repeats))
  const size = found.layout.shape[d]
  if (named.outputSize !== undefined && named.outputSize !== null && named.outputSize !== size)
    throw new Error('allocated size does not match required size')
  return found
}
/** Each index as often as its count says. */
function runsOf(counts: Tensor): Tensor {
  if (counts.ndim !== 1) throw new Error('repeat_interleave only accept 1D vector as repeat')
  if (counts.dtype !== 'int64' && counts.dtype !== 'int32') throw new Error('repeats has to be Long or Int tensor')
  const runs = counts.tolist() as number[]
  if (runs.some((count) => count < 0)) throw new Error('repeats can not be negative')
  const out = emptyTensor(counts.storage.allocator, [runs.reduce((total, count) => total + count, 0)], 'int64')
  const places = elements(out) as BigInt64Array
  let at = 0
  for (const [i, count] of runs.entries()) {
    places.fill(BigInt(i), at, at + count)
    at += count
  }
  return out
}

export interface Rot90Options {
  /** How many quarter turns; the other way if negative. */
  k?: number
  /** The plane: from the first dimension towards the second. */
  dims?: Shape
}
/**
 * Quarter turns in the plane of two dimensions, from the first towards the second, as `torch.rot90`.
 *
 * @throws Error for fewer than 2 dimensions, or twice the same
 * @example
 * torch.tensor([[1, 2], [3, 4]]).rot90().tolist() // [[2, 4], [1, 3]]
 * torch.tensor([[1, 2], [3, 4]]).rot90({ k: 2 }).tolist() // [[4, 3], [2, 1]]
 */
export function rot90(self: Tensor, ...args: Arguments<[k: number, dims: Shape], Rot90Options>): Tensor {
  const { k = 1, dims = [0, 1] } = readArguments<Rot90Options>('rot90', args, ['k', 'dims'])
  if (dims.length !== 2) throw new Error(`expected total rotation dims == 2, but got dims = ${dims.length}`)
  if (self.ndim < 2) throw new Error(`expected total dims >= 2, but got total dims = ${self.ndim}`)
  const [a, b] = dims.map((d) => wrapDim(d, self.ndim))
  if (a === b) throw new Error(`expected rotation dims to be different, but got dim0 = ${dims[0]} and dim1 = ${dims[1]}`)
  const turns = ((k % 4) + 4) % 4
  if (turns === 1) return transpose(flip(self, b), a, b)
  if (turns === 2) return flip(self, a, b)
  if (turns === 3) return transpose(flip(self, a), a, b)
  return clone(self)
}

/**
 * All elements in one dimension, as `torch.ravel`.
 *
 * @example
 * torch.ravel(torch.zeros(2, 3)).shape // [6]
 */
export const ravel = (self: Tensor): Tensor => reshape(contiguous(self), -1)
/**
 * A gradient-like sum over what broadcasting repeats, to this shape, as `torch.Tensor.sum_to_size`.
 *
 * @example
 * torch.ones(4, 3).sumToSize(1, 3).tolist() // [[4, 4, 4]]
 */
export function sumToSize(self: Tensor, ...sizes: Sizes): Tensor {
  const shape = sizesOf(sizes)
  const lead = self.ndim - shape.length
  if (lead < 0 || shape.some((size, d) => size !== 1 && size !== self.layout.shape[d + lead]))
    throw new Error(`size {[${shape.join(', ')}]} is not expandable to size {[${self.layout.shape.join(', ')}]}.`)
  return sumTo(self, shape)
}

/**
 * The elements where the mask holds, in one dimension, as `torch.masked_select`. Mask and `self` broadcast.
 *
 * @example
 * const x = torch.tensor([1, 2, 3])
 * x.maskedSelect(x.ge(2)).tolist() // [2, 3]
 */
export function maskedSelect(self: Tensor, mask: Tensor): Tensor {
  if (mask.dtype !== 'bool' && mask.dtype !== 'uint8')
    throw new Error('masked_select: expected BoolTensor or ByteTensor for mask')
  const shape = broadcastShapes([self.layout.shape, mask.layout.shape])
  const places = reshape(nonzero(reshape(expand(mask, shape), -1)), -1)
  return indexSelect(reshape(expand(self, shape), -1), 0, places)
}
/**
 * `gather` with the other dimensions broadcast, as `torch.take_along_dim`; without `dim`, of the flattened tensor.
 *
 * @example
 * const x = torch.tensor([[3, 1, 2]])
 * x.takeAlongDim(x.argmax(1, { keepdim: true }), 1).tolist() // [[3]]
 */
export function takeAlongDim(
  self: Tensor,
  indices: Tensor,
  ...args: Arguments<[dim: number | null], { dim?: number | null }>
): Tensor {
  const { dim } = readArguments<{ dim?: number | null }>('take_along_dim', args, ['dim'])
  if (indices.dtype !== 'int64')
    throw new Error(`torch.take_along_dim(): dtype of indices should be Long but got ${indices.dtype}`)
  if (dim === undefined || dim === null) return gather(reshape(self, -1), 0, reshape(indices, -1))
  if (self.ndim !== indices.ndim)
    throw new Error(
      `torch.take_along_dim(): input and indices should have the same number of dimensions, but got ${self.ndim} dimensions for input, and ${indices.ndim} dimensions for indices`,
    )
  const d = wrapDim(dim, self.ndim)
  const common = broadcastShapes([self.layout.shape.with(d, 1), indices.layout.shape.with(d, 1)])
  const fit = (t: Tensor): Tensor => expand(t, common.with(d, t.layout.shape[d]))
  return gather(fit(self), d, fit(indices))
}

/**
 * A copy with one index of a dimension replaced, as `torch.select_scatter`.
 *
 * @example
 * torch.zeros(2, 2).selectScatter(torch.ones(2), 0, 1).tolist() // [[0, 0], [1, 1]]
 */
export const selectScatter = (self: Tensor, src: Tensor, dim: number, index: number): Tensor =>
  replaced(self, src, (x) => select(x, dim, index))
/**
 * A copy with a slice replaced, as `torch.slice_scatter`.
 *
 * @example
 * torch.zeros(4).sliceScatter(torch.ones(2), 0, 0, 4, 2).tolist() // [1, 0, 1, 0]
 * torch.zeros(4).sliceScatter(torch.ones(2), { start: 2 }).tolist() // [0, 0, 1, 1]
 */
export function sliceScatter(
  self: Tensor,
  src: Tensor,
  ...args: Arguments<[dim: number, start: number | null, end: number | null, step: number], SliceOptions>
): Tensor {
  const names = ['dim', 'start', 'end', 'step'] as const
  const { dim = 0, start = null, end = null, step = 1 } = readArguments<SliceOptions>('slice_scatter', args, names)
  return replaced(self, src, (x) => slice(x, dim, start, end, step))
}
export interface SliceOptions {
  dim?: number
  start?: number | null
  /** The end, exclusive. */
  end?: number | null
  step?: number
}
/**
 * A copy with a diagonal replaced, as `torch.diagonal_scatter`.
 *
 * @example
 * torch.zeros(2, 2).diagonalScatter(torch.ones(2)).tolist() // [[1, 0], [0, 1]]
 */
export const diagonalScatter = (self: Tensor, src: Tensor, ...args: DiagonalArguments): Tensor =>
  replaced(self, src, (x) => diagonal(x, ...args))
function replaced(self: Tensor, src: Tensor, part: (x: Tensor) => Tensor): Tensor {
  const out = clone(self)
  const target = part(out)
  if (numelOf(target.layout.shape) !== src.layout.numel || target.ndim !== src.ndim)
    throw new Error(
      `expected src to have a size equal to the slice of self. src size = [${src.layout.shape.join(', ')}], slice size = [${target.layout.shape.join(', ')}]`,
    )
  copy_(target, src)
  return out
}
/**
 * `narrow` with memory of its own, as `torch.narrow_copy`.
 *
 * @example
 * torch.narrowCopy(torch.arange(5), 0, 1, 3).tolist() // [1, 2, 3]
 */
export const narrowCopy = (self: Tensor, dim: number, start: number, length: number): Tensor =>
  clone(narrow(self, dim, start, length))
