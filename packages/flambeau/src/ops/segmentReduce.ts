/** Reductions of consecutive runs of a dimension. */

import { isFloatingPoint, isIntegral, scalarName } from '../core/dtype.js'
import { showShape, wrapDim } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { div, sub } from './arithmetic.js'
import { to } from './cast.js'
import { eq, lt, maskedFill, ne } from './comparison.js'
import { counted, filled } from './copy.js'
import { item } from './creation.js'
import { requireTensor } from './define.js'
import { any, sum } from './reduce.js'
import { cumsum } from './scan.js'
import { scatterReduce } from './scatterReduce.js'
import { searchsorted } from './search.js'
import { contiguous, expand, narrow, reshape } from './view.js'

export type SegmentReduction = 'sum' | 'mean' | 'max' | 'min' | 'prod'
export interface SegmentOptions {
  /** How long each segment is; with dimensions before `axis`, segments of their own for every index of those. */
  lengths?: Tensor | null
  /** Instead of lengths: where each segment begins and, last, where the last one ends. */
  offsets?: Tensor | null
  axis?: number
  /** Do not check that the lengths are not negative and add up to the size. */
  unsafe?: boolean
  /** Where each reduction starts: 0, 1 or an infinity unless given. */
  initial?: number | null
}
const reductions = {
  sum: { scatter: 'sum', start: 0 },
  mean: { scatter: 'sum', start: 0 },
  prod: { scatter: 'prod', start: 1 },
  max: { scatter: 'amax', start: Number.NEGATIVE_INFINITY },
  min: { scatter: 'amin', start: Number.POSITIVE_INFINITY },
} as const

/**
 * Reduces consecutive segments of a dimension, each to one element, as `torch.segment_reduce`. The mean of an empty segment is NaN.
 *
 * @throws Error for segments that do not cover the dimension.
 * @example
 * torch.segmentReduce(torch.tensor([1, 2, 3]), 'sum', { lengths: torch.tensor([2n, 1n]) }) // tensor([3., 3.])
 */
export function segmentReduce(data: Tensor, reduce: SegmentReduction, options: SegmentOptions = {}): Tensor {
  const { lengths = null, offsets = null, axis = 0, unsafe = false, initial = null } = options
  if (!isFloatingPoint(requireTensor(data, 'segment_reduce').dtype))
    throw new Error(`"segment_reduce" not implemented for '${scalarName(data.dtype)}'`)
  if (lengths === null && offsets === null) throw new Error('segment_reduce(): Either lengths or offsets must be defined.')
  if (!Object.hasOwn(reductions, reduce)) throw new Error(`unsupported reduction given! ${reduce}`)
  const d = wrapDim(axis, data.ndim)
  const given = (lengths ?? offsets)!
  if (!isIntegral(given.dtype))
    throw new Error(`"segment_reduce" not implemented for lengths or offsets of dtype '${scalarName(given.dtype)}'`)
  const { shape } = data.layout
  if (given.ndim !== d + 1 || given.layout.shape.some((size, i) => i < d && size !== shape[i]))
    throw new Error(
      `segment_reduce(): Expected lengths or offsets of ${d + 1} dimensions that match those of data up to the axis, but got ` +
        `${showShape(given.layout.shape)} for data of ${showShape(shape)}`,
    )
  const counts = lengths ?? sub(narrow(given, d, 1, given.layout.shape[d] - 1), narrow(given, d, 0, given.layout.shape[d] - 1))
  if (!unsafe && lengths !== null) {
    if (item(any(lt(counts, 0)))) throw new Error('lengths contains negative value!')
    if (item(any(ne(sum(counts, -1), shape[d]))))
      throw new Error(
        'segment_reduce(): Expected all rows of lengths along axis to sum to data.size(lengths.dim()-1) when !unsafe.',
      )
  }
  // The segment of each index: how many segments end at it or before. What lies in none goes to one more, cut off again.
  const batch = shape.slice(0, d)
  const size = counts.layout.shape[d]
  const places = contiguous(expand(counted(data, shape[d]), [...batch, shape[d]]))
  const ends = lengths === null ? narrow(to(given, 'int64'), d, 1, size) : cumsum(to(counts, 'int64'), d)
  const found = searchsorted(contiguous(ends), places, { right: true })
  const segments = lengths === null ? maskedFill(found, lt(places, narrow(given, d, 0, 1)), size) : found
  const rest = shape.slice(d + 1).map(() => 1)
  const index = expand(reshape(segments, [...batch, shape[d], ...rest]), shape)
  const { scatter, start } = reductions[reduce]
  const out = narrow(scatterReduce(filled(data, shape.with(d, size + 1), initial ?? start), d, index, data, scatter), d, 0, size)
  if (reduce !== 'mean') return out
  const divisors = reshape(counts, [...batch, size, ...rest])
  const empty = eq(divisors, 0)
  const mean = div(out, maskedFill(divisors, empty, 1))
  return initial === null ? maskedFill(mean, empty, Number.NaN) : mean
}
