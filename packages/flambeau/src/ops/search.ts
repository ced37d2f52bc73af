/** Places in sorted sequences, counts, and membership. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { isFloatingPoint, isIntegral, promoteTypes, resultType, type Scalar, scalarName } from '../core/dtype.js'
import { sameShape, showShape } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { clampMax } from './activation.js'
import { div, mul, sub } from './arithmetic.js'
import { to } from './cast.js'
import { eq, ge, le, logicalAnd, logicalNot } from './comparison.js'
import { filled } from './copy.js'
import { item } from './creation.js'
import { emptyTensor } from './dispatch.js'
import { gather } from './indexing.js'
import { maskedSelect } from './rearrange.js'
import { amax, amin, any } from './reduce.js'
import { sort } from './sort.js'
import { reshape } from './view.js'

export interface SearchOptions {
  /** int32 indices instead of int64. */
  outInt32?: boolean
  /** The place behind equals instead of before them; `side: 'right'` says the same. */
  right?: boolean
}
export interface SearchsortedOptions extends SearchOptions {
  side?: 'left' | 'right' | null
  /** The indices that put the sequence in order, where it is not. */
  sorter?: Tensor | null
}
/**
 * Where values belong in sorted sequences (the last dimension), so that order is kept, as `torch.searchsorted`.
 *
 * @example
 * torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([3, 4])).tolist() // [1, 2]
 */
export function searchsorted(sortedSequence: Tensor, input: Tensor | Scalar, options: SearchsortedOptions = {}): Tensor {
  const { outInt32 = false, right = false, side = null, sorter = null } = options
  const name = 'torch.searchsorted()'
  if (side !== null && side !== 'left' && side !== 'right')
    throw new Error(`${name}: side can only be 'left' or 'right' but got ${side}`)
  if (side === 'left' && right)
    throw new Error(`${name}: side and right can't be set to opposites, got side of left while right was True`)
  const values = input instanceof Tensor ? input : filled(sortedSequence, [], input)
  const [own, other] = [sortedSequence.layout.shape, values.layout.shape]
  if (own.length === 0) throw new Error(`${name}: boundaries tensor should have positive dimension`)
  if (!(input instanceof Tensor) && own.length !== 1)
    throw new Error(`${name}: input value can be a scalar only when boundaries tensor dimension is 1`)
  if (own.length !== 1 && (own.length !== other.length || !sameShape(own.slice(0, -1), other.slice(0, -1))))
    throw new Error(
      `${name}: boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input value tensor must match, but we got boundaries tensor ${showShape(own)} and input value tensor ${showShape(other)}`,
    )
  if (sorter !== null && !sameShape(sorter.layout.shape, own))
    throw new Error(
      `${name}: boundary and sorter must have the same size, but got boundary tensor ${showShape(own)} and got sorter tensor ${showShape(sorter.layout.shape)}`,
    )
  if (sorter !== null && sorter.dtype !== 'int64')
    throw new Error(`${name}: sorter must be a tensor of long dtype but got dtype ${scalarName(sorter.dtype)}`)
  // Compared in the dtype that holds both.
  const common = resultType([sortedSequence, values])
  const line = to(sorter === null ? sortedSequence.detach() : gather(sortedSequence.detach(), own.length - 1, sorter), common)
  const out = emptyTensor(values.storage.allocator, other, outInt32 ? 'int32' : 'int64')
  if (out.layout.numel > 0)
    values.storage.allocator.run('searchsorted', line, to(values.detach(), common), out, right || side === 'right')
  return out
}
/**
 * The bucket of each value among sorted boundaries, as `torch.bucketize`.
 *
 * @example
 * torch.bucketize(torch.tensor([0, 3, 9]), torch.tensor([1, 3, 5])).tolist() // [0, 1, 3]
 * torch.bucketize(torch.tensor([0, 3, 9]), torch.tensor([1, 3, 5]), { right: true }).tolist() // [0, 2, 3]
 */
export function bucketize(input: Tensor | Scalar, boundaries: Tensor, { outInt32, right }: SearchOptions = {}): Tensor {
  if (boundaries.ndim !== 1) throw new Error(`boundaries tensor must be 1 dimension, but got dim(${boundaries.ndim})`)
  return searchsorted(boundaries, input, { outInt32, right })
}

export interface BincountOptions {
  weights?: Tensor | null
  /** The least number of bins. */
  minlength?: number
}
/**
 * How often each of 0, 1, … occurs among non-negative integers, or the sums of their weights, as `torch.bincount`:
 * int64 [max + 1], or `minlength` if that is more; with weights float64, or float32 where they are.
 *
 * @throws Error for negative numbers, or weights of another length
 * @example
 * torch.bincount(torch.tensor([1n, 3n, 1n])).tolist() // [0, 2, 0, 1]
 * torch.bincount(torch.tensor([1n, 0n]), { minlength: 3 }).tolist() // [1, 1, 0]
 */
export function bincount(self: Tensor, ...args: Arguments<[weights: Tensor | null, minlength: number], BincountOptions>): Tensor {
  const names = ['weights', 'minlength'] as const
  const { weights: given = null, minlength: least = 0 } = readArguments<BincountOptions>('bincount', args, names)
  if (!isIntegral(self.dtype)) throw new Error(`"bincount_cpu" not implemented for '${scalarName(self.dtype)}'`)
  if (least < 0) throw new Error('minlength should be >= 0')
  const empty = self.layout.numel === 0
  if (self.ndim === 1 && empty) return filled(self, [least], 0, 'int64')
  if (self.ndim !== 1 || (!empty && (item(amin(self)) as number) < 0))
    throw new Error('bincount only supports 1-d non-negative integral inputs.')
  if (given && (given.ndim !== 1 || given.layout.numel !== self.layout.numel))
    throw new Error('weights should be 1-d and have the same length as input')
  const bins = empty ? least : Math.max(least, (item(amax(self)) as number) + 1)
  const sums = given && (given.dtype === 'float32' || given.dtype === 'float64' ? given.detach() : to(given.detach(), 'float64'))
  const out = filled(self, [bins], 0, sums ? sums.dtype : 'int64')
  if (!empty && bins > 0) self.storage.allocator.run('bincount', self, sums, out)
  return out
}

export interface HistcOptions {
  bins?: number
  min?: number
  max?: number
}
/**
 * How many elements fall into each of `bins` equal ranges from min to max (those of the elements if both are 0), as
 * `torch.histc`. 100 ranges unless given; NaN and what lies outside are not counted.
 *
 * @throws Error for integers, no bins, or max below min
 * @example
 * torch.histc(torch.tensor([1, 2, 1]), 4, 0, 3).tolist() // [0, 2, 1, 0]
 * torch.histc(torch.tensor([1, 2, 1]), { bins: 2 }).tolist() // [2, 1]
 */
export function histc(self: Tensor, ...args: Arguments<[bins: number, min: number, max: number], HistcOptions>): Tensor {
  const names = ['bins', 'min', 'max'] as const
  const { bins: count = 100, min: low = 0, max: high = 0 } = readArguments<HistcOptions>('histc', args, names)
  if (!isFloatingPoint(self.dtype)) throw new Error(`"histogram_cpu" not implemented for '${scalarName(self.dtype)}'`)
  if (!(count > 0)) throw new Error('bins must be > 0')
  let [from, to_] = [low, high]
  const flat = reshape(self.detach(), -1)
  if (from === to_ && flat.layout.numel > 0) [from, to_] = [item(amin(flat)) as number, item(amax(flat)) as number]
  if (from === to_) [from, to_] = [from - 1, to_ + 1]
  if (!Number.isFinite(from) || !Number.isFinite(to_)) throw new Error(`range of [${from}, ${to_}] is not finite`)
  if (from > to_) throw new Error('max must be larger than min')
  const inside = maskedSelect(flat, logicalAnd(ge(flat, from), le(flat, to_)))
  // The last range holds its upper end too.
  const bin = clampMax(to(mul(div(sub(inside, from), to_ - from), count), 'int64'), count - 1)
  return to(bincount(bin, { minlength: count }), self.dtype)
}

export interface IsinOptions {
  assumeUnique?: boolean
  /** Whether it is not there. */
  invert?: boolean
}
/**
 * Whether each element is among the test elements, as `torch.isin`.
 *
 * @example
 * torch.isin(torch.tensor([1, 2, 3]), torch.tensor([2, 3])).tolist() // [false, true, true]
 */
export function isin(elements_: Tensor | Scalar, testElements: Tensor | Scalar, { invert = false }: IsinOptions = {}): Tensor {
  const answer = (found: Tensor): Tensor => (invert ? logicalNot(found) : found)
  // A number is compared as it is, not in the dtype of the tensor.
  if (!(testElements instanceof Tensor)) {
    if (!(elements_ instanceof Tensor)) throw new TypeError('isin(): expected a Tensor among the arguments')
    return answer(eq(elements_.detach(), testElements))
  }
  if (!(elements_ instanceof Tensor)) return answer(any(eq(testElements.detach(), elements_)))
  const [own, tests] = [elements_.detach(), testElements.detach()]
  if (tests.layout.numel === 0) return filled(own, own.layout.shape, invert, 'bool')
  const common = promoteTypes(own.dtype, tests.dtype)
  const line = sort(to(reshape(tests, -1), common)).values
  const place = clampMax(searchsorted(line, to(own, common)), line.layout.numel - 1)
  return answer(eq(reshape(gather(line, 0, reshape(place, -1)), own.layout.shape), own))
}
