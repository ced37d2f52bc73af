/** Ordering along a dimension, and what order answers: the k extreme ones, the median, the most frequent. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { wrapDim } from '../core/layout.js'
import { named, type ValuesIndices } from '../core/results.js'
import type { Tensor } from '../core/tensor.js'
import { clampMin } from './activation.js'
import { add, div, floorDivide, mul, sub } from './arithmetic.js'
import { to } from './cast.js'
import { eq, isnan, logicalAnd, logicalOr, ne, where } from './comparison.js'
import { counted, filled } from './copy.js'
import { defineOp, emptyTensor, type Op } from './dispatch.js'
import { gather, scatterAdd } from './indexing.js'
import { cat } from './joining.js'
import { argmax, type KeepDim, sum } from './reduce.js'
import { cummax } from './scan.js'
import { narrow, reshape, squeeze, unsqueeze } from './view.js'

/** The gradient of reading at `indices` along `dim`: zeros with g there. */
const putBack = (g: Tensor, dim: number, indices: Tensor, shape: readonly number[]): Tensor =>
  shape.length === 0 ? g : scatterAdd(filled(g, shape, 0), dim, indices, g)

interface SortAttributes {
  readonly dim: number
  readonly descending: boolean
}
const sortOp: Op<SortAttributes> = defineOp<SortAttributes>({
  name: 'Sort',
  differentiableOutputs: 1,
  forward: ([x], { dim, descending }) => {
    const backend = x.storage.allocator
    const values = emptyTensor(backend, x.layout.shape, x.dtype)
    const indices = emptyTensor(backend, x.layout.shape, 'int64')
    if (values.layout.numel > 0) backend.run('sort', x, values, indices, dim, descending)
    return [values, indices]
  },
  save: (_, [, indices]) => [indices],
  backward: ([g], { saved: [indices], attrs: { dim }, inputs }) => [putBack(g!, dim, indices, inputs[0].shape)],
})

export interface SortOptions {
  dim?: number
  descending?: boolean
  /** Keep the order of equals. Sorting here always does. */
  stable?: boolean
}
export type SortArguments = Arguments<[dim: number, descending: boolean], SortOptions>
const readSort = (name: string, args: SortArguments): SortOptions =>
  readArguments<SortOptions>(name, args, ['dim', 'descending'], ['stable'])

/**
 * The elements in order along a dimension (the last unless given), and where they were, as `torch.sort`. NaN counts as
 * the largest; equals keep their order.
 *
 * @example
 * const { values, indices } = torch.tensor([3, 1, 2]).sort()
 * values.tolist() // [1, 2, 3]
 * indices.tolist() // [1, 2, 0]
 * torch.tensor([3, 1, 2]).sort({ descending: true }).values.tolist() // [3, 2, 1]
 */
export function sort(self: Tensor, ...args: SortArguments): ValuesIndices {
  const { dim: along = -1, descending = false } = readSort('sort', args)
  const [values, indices] = sortOp([self], { dim: wrapDim(along, self.ndim), descending })
  return named({ values, indices })
}
/**
 * The indices that put a dimension (the last unless given) in order, as `torch.argsort`.
 *
 * @example
 * torch.tensor([3, 1, 2]).argsort().tolist() // [1, 2, 0]
 * torch.tensor([3, 1, 2]).argsort(0, true).tolist() // [0, 2, 1]
 */
export const argsort = (self: Tensor, ...args: SortArguments): Tensor => {
  const { dim: along = -1, descending = false } = readSort('argsort', args)
  const d = wrapDim(along, self.ndim)
  const indices = emptyTensor(self.storage.allocator, self.layout.shape, 'int64')
  if (indices.layout.numel > 0) self.storage.allocator.run('sort', self, null, indices, d, descending)
  return indices
}
/**
 * The elements in order along the first dimension, as `torch.msort`.
 *
 * @example
 * torch.tensor([[3, 1], [2, 4]]).msort().tolist() // [[2, 1], [3, 4]]
 */
export const msort = (self: Tensor): Tensor => sort(self, 0).values

interface TopAttributes {
  readonly dim: number
  readonly k: number
  readonly largest: boolean
  readonly sorted: boolean
}
const topkOp: Op<TopAttributes> = defineOp<TopAttributes>({
  name: 'Topk',
  differentiableOutputs: 1,
  forward: ([x], { dim, k, largest, sorted }) => {
    const backend = x.storage.allocator
    const shape = x.ndim === 0 ? [] : x.layout.shape.with(dim, k)
    const values = emptyTensor(backend, shape, x.dtype)
    const indices = emptyTensor(backend, shape, 'int64')
    if (values.layout.numel > 0) backend.run('topk', x, values, indices, dim, k, largest, sorted)
    return [values, indices]
  },
  save: (_, [, indices]) => [indices],
  backward: ([g], { saved: [indices], attrs: { dim }, inputs }) => [putBack(g!, dim, indices, inputs[0].shape)],
})
export interface TopkOptions {
  dim?: number
  largest?: boolean
  sorted?: boolean
}
const sizeAlong = (self: Tensor, dim: number): number => (self.ndim === 0 ? 1 : self.layout.shape[dim])
/**
 * The k largest elements along a dimension (the last unless given) and where they were, as `torch.topk`. Of equals, the
 * first.
 *
 * @example
 * torch.tensor([4, 9, 1, 7]).topk(2).values.tolist() // [9, 7]
 * torch.tensor([4, 9, 1, 7]).topk(2, { largest: false }).indices.tolist() // [2, 0]
 */
export function topk(
  self: Tensor,
  k: number,
  ...args: Arguments<[dim: number, largest: boolean, sorted: boolean], TopkOptions>
): ValuesIndices {
  const options = readArguments<TopkOptions>('topk', args, ['dim', 'largest', 'sorted'])
  const d = wrapDim(options.dim ?? -1, self.ndim)
  if (!Number.isInteger(k) || k < 0 || k > sizeAlong(self, d)) throw new RangeError('selected index k out of range')
  // The only element of a 0-d tensor comes whatever k is.
  const [values, indices] = topkOp([self], {
    dim: d,
    k: self.ndim === 0 ? 1 : k,
    largest: options.largest ?? true,
    sorted: options.sorted ?? true,
  })
  return named({ values, indices })
}

export interface LineOptions {
  dim?: number
  keepdim?: boolean
}
type LineArguments = Arguments<[dim: number, keepdim: boolean], LineOptions>
const readLine = (name: string, args: LineArguments): LineOptions => readArguments<LineOptions>(name, args, ['dim', 'keepdim'])
/** Results that kept their dimension, without it if it is not wanted. */
function shown(values: Tensor, indices: Tensor, dim: number, keepdim: boolean | undefined): ValuesIndices {
  if (keepdim || values.ndim === 0) return named({ values, indices })
  return named({ values: squeeze(values, dim), indices: squeeze(indices, dim) })
}

/** Reads one element of each line at indices that are known, under the name of the op that found them. */
const pick = (name: string, overload = 0): Op<number> =>
  defineOp<number>({
    name,
    overload: () => overload,
    forward: ([x, indices], dim) => [gather(x.detach(), dim, indices)],
    save: ([, indices]) => [indices],
    backward: ([g], { saved: [indices], attrs: dim, inputs }) => [putBack(g!, dim, indices, inputs[0].shape), null],
  })

const kthvalueOp = pick('Kthvalue')
/**
 * The k-th smallest element (k counts from 1) along a dimension (the last unless given) and where it was, as
 * `torch.kthvalue`.
 *
 * @throws RangeError for a k out of range
 * @example
 * torch.tensor([4, 9, 1, 7]).kthvalue(2).values.item() // 4
 */
export function kthvalue(self: Tensor, k: number, ...args: LineArguments): ValuesIndices {
  const options = readLine('kthvalue', args)
  const d = wrapDim(options.dim ?? -1, self.ndim)
  if (!Number.isInteger(k) || k < 1 || k > sizeAlong(self, d))
    throw new RangeError(`kthvalue(): selected number k out of range for dimension ${d}`)
  if (self.ndim === 0) return topk(self, 1, 0, false)
  const at = narrow(topk(self.detach(), k, d, false).indices, d, k - 1, 1)
  return shown(kthvalueOp([self, at], d)[0], at, d, options.keepdim)
}

function requireSize(name: string, self: Tensor, dim: number): void {
  if (sizeAlong(self, dim) === 0) throw new RangeError(`${name}(): Expected reduction dim ${dim} to have non-zero size.`)
}

/** The place of the median in each sorted line, that dimension kept. */
function middle(sorted: Tensor, dim: number, ignoreNan: boolean): Tensor {
  const size = sizeAlong(sorted, dim)
  const numbers = sum(eq(sorted, sorted), dim, { keepdim: true })
  const half = floorDivide(clampMin(sub(numbers, 1), 0), 2)
  // NaN sorts last: the first of them is where the numbers end.
  return ignoreNan ? half : where(eq(numbers, size), half, numbers)
}
const medianOps = [pick('Median', 1), pick('Nanmedian', 1)]
function medianAlong(name: string, self: Tensor, dim: number, keepdim: boolean | undefined, ignoreNan: boolean): ValuesIndices {
  const d = wrapDim(dim, self.ndim)
  requireSize(name, self, d)
  if (self.ndim === 0) return named({ values: self.clone(), indices: filled(self, [], 0, 'int64') })
  const ordered = sort(self.detach(), d)
  const indices = gather(ordered.indices, d, middle(ordered.values, d, ignoreNan))
  return shown(medianOps[Number(ignoreNan)]([self, indices], d)[0], indices, d, keepdim)
}
const wholeMedianOps: Op<boolean>[] = ['Median', 'Nanmedian'].map((name) =>
  defineOp<boolean>({
    name,
    forward: ([x], ignoreNan) => {
      // What C makes of NaN as an integer.
      if (x.layout.numel === 0) return [to(filled(x, [], Number.NaN, 'float32'), x.dtype)]
      return [reshape(medianAlong('median', reshape(x.detach(), -1), 0, false, ignoreNan).values, []).clone()]
    },
    save: ([x], [out]) => [x, out],
    // All places that hold the median share the gradient.
    backward: ([g], { saved: [x, out] }) => {
      const mask = logicalOr(eq(x, out), logicalAnd(isnan(x), isnan(out)))
      return [mul(div(g!, sum(mask)), mask)]
    },
  }),
)
/** The median of all elements, or with `dim` of each line, with its index. */
export interface Median {
  (self: Tensor): Tensor
  (self: Tensor, dim: number, keepdim?: boolean | KeepDim): ValuesIndices
  (self: Tensor, dim: KeepDim & { dim: number }): ValuesIndices
}
function medianOf(name: string, ignoreNan: boolean): Median {
  return ((self: Tensor, ...args: LineArguments) => {
    if (args.length === 0 || args[0] === undefined) return wholeMedianOps[Number(ignoreNan)]([self], ignoreNan)[0]
    const { dim: along = -1, keepdim } = readLine(name, args)
    return medianAlong(name, self, along, keepdim, ignoreNan)
  }) as Median
}
/**
 * The lower median of all elements, or with `dim` those of each line and their indices, as `torch.median`. A NaN makes it
 * NaN.
 *
 * @example
 * torch.tensor([5, 1, 3, 9]).median().item() // 3
 */
export const median: Median = medianOf('median', false)
/**
 * The median without regard to NaN, as `torch.nanmedian`.
 *
 * @example
 * torch.tensor([5, NaN, 1]).nanmedian().item() // 1
 */
export const nanmedian: Median = medianOf('nanmedian', true)

const modeOp = pick('Mode')
/**
 * The most frequent element of each line of a dimension, the last unless given (of several, the smallest), and the last
 * place where it is, as `torch.mode`.
 *
 * @throws RangeError for a dimension of size 0
 * @example
 * const { values, indices } = torch.tensor([2, 5, 2, 5]).mode()
 * values.item() // 2
 * indices.item() // 2
 */
export function mode(self: Tensor, ...args: LineArguments): ValuesIndices {
  const options = readLine('mode', args)
  const d = wrapDim(options.dim ?? -1, self.ndim)
  requireSize('mode', self, d)
  if (self.ndim === 0) return named({ values: self.clone(), indices: filled(self, [], 0, 'int64') })
  const n = self.layout.shape[d]
  const { values, indices } = sort(self.detach(), d)
  const changes = ne(narrow(values, d, 1, n - 1), narrow(values, d, 0, n - 1))
  const starts = cat([filled(self, self.layout.shape.with(d, 1), true, 'bool'), changes], d)
  const places = reshape(
    counted(self, n),
    self.layout.shape.map((_, i) => (i === d ? n : 1)),
  )
  // How far each place is into its run of equals.
  const lengths = add(sub(places, cummax(where(starts, places, 0), d).values), 1)
  const best = gather(indices, d, unsqueeze(argmax(lengths, d), d))
  return shown(modeOp([self, best], d)[0], best, d, options.keepdim)
}
