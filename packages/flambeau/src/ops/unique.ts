/** Elements, or slices, without repetition. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { wrapDim } from '../core/layout.js'
import { type Named, named } from '../core/results.js'
import type { Tensor } from '../core/tensor.js'
import { sub } from './arithmetic.js'
import { to } from './cast.js'
import { ne } from './comparison.js'
import { filled } from './copy.js'
import { gather, indexSelect, nonzero, scatterAdd } from './indexing.js'
import { cat } from './joining.js'
import { any } from './reduce.js'
import { cumsum } from './scan.js'
import { argsort } from './sort.js'
import { contiguous, narrow, reshape, select, slice, transpose } from './view.js'

export interface ConsecutiveOptions {
  /** Also answer where each element of the input went. */
  returnInverse?: boolean
  /** Also answer how often each occurred. */
  returnCounts?: boolean
  /** Slices of this dimension instead of elements. */
  dim?: number | null
}
export interface UniqueOptions extends ConsecutiveOptions {
  /** Results here are always sorted. */
  sorted?: boolean
}
/** What was asked for, under names and in this order. */
export type UniqueResult = Named<'output' | 'inverseIndices' | 'counts'>

/** Without repetition: the elements alone, or with what else was asked for. */
export interface Unique<O extends ConsecutiveOptions> {
  (self: Tensor, options?: O & { returnInverse?: false; returnCounts?: false }): Tensor
  (self: Tensor, options: O): UniqueResult
}
/** `unique`, whose arguments come by position too: without the second and third, the elements alone. */
export type PlainUnique = Unique<UniqueOptions> & {
  (self: Tensor, sorted: boolean, options?: UniqueOptions & { returnInverse?: false; returnCounts?: false }): Tensor
  (
    self: Tensor,
    ...args: Arguments<[sorted: boolean, returnInverse: boolean, returnCounts: boolean, dim: number | null], UniqueOptions>
  ): UniqueResult
}
/** `uniqueConsecutive`, whose arguments come by position too. */
export type ConsecutiveUnique = Unique<ConsecutiveOptions> & {
  (
    self: Tensor,
    ...args: Arguments<[returnInverse: boolean, returnCounts: boolean, dim: number | null], ConsecutiveOptions>
  ): UniqueResult
}

/** Rows [n, m] to be compared, and back from chosen rows to the shape of the input. */
function rowsOf(
  self: Tensor,
  dim: number | null,
): { rows: Tensor; restore: (index: Tensor) => Tensor; inverseShape: readonly number[] } {
  if (dim === null) {
    const flat = reshape(self, -1)
    return { rows: reshape(flat, -1, 1), restore: (index) => indexSelect(flat, 0, index), inverseShape: self.layout.shape }
  }
  if (self.ndim === 0) throw new RangeError(`Dimension specified as ${dim} but tensor has no dimensions`)
  const d = wrapDim(dim, self.ndim)
  const n = self.layout.shape[d]
  // Exchanged, not moved: that is the order in which PyTorch compares elements.
  const first = transpose(self, d, 0)
  const width = n === 0 ? 0 : first.layout.numel / n
  const rows = reshape(contiguous(first), n, width)
  return { rows, restore: (index) => indexSelect(self, d, index), inverseShape: [n] }
}

/** The order of rows, the first column counting most: sorted by each column in turn, the last one first. */
function orderOfRows(rows: Tensor): Tensor {
  const [, width] = rows.layout.shape
  let order = argsort(select(rows, 1, width - 1), 0)
  for (let c = width - 2; c >= 0; c--) {
    const column = gather(select(rows, 1, c), 0, order)
    order = gather(order, 0, argsort(column, 0))
  }
  return order
}

function distinct(self: Tensor, options: ConsecutiveOptions, sorted: boolean): Tensor | UniqueResult {
  const { returnInverse = false, returnCounts = false, dim = null } = options
  const { rows, restore, inverseShape } = rowsOf(self.detach(), dim)
  const [n, width] = rows.layout.shape
  if (dim !== null && self.layout.numel === 0 && n > 0)
    throw new Error("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")
  const answer = (output: Tensor, inverse: () => Tensor, counts: () => Tensor): Tensor | UniqueResult => {
    if (!returnInverse && !returnCounts) return output
    const found: Record<string, Tensor> = { output }
    if (returnInverse) found.inverseIndices = inverse()
    if (returnCounts) found.counts = counts()
    return named(found as Record<'output' | 'inverseIndices' | 'counts', Tensor>)
  }
  const none = (): Tensor => filled(self, [0], 0, 'int64')
  if (n === 0) return answer(restore(none()), () => filled(self, inverseShape, 0, 'int64'), none)
  const order = sorted && width > 0 ? orderOfRows(rows) : null
  const ordered = order === null ? rows : indexSelect(rows, 0, order)
  const starts = cat([filled(self, [1], true, 'bool'), any(ne(narrow(ordered, 0, 1, n - 1), narrow(ordered, 0, 0, n - 1)), 1)])
  const first = reshape(nonzero(starts), -1)
  return answer(
    restore(order === null ? first : gather(order, 0, first)),
    () => {
      const group = sub(cumsum(starts, 0), 1)
      const inverse = order === null ? group : scatterAdd(filled(group, [n], 0), 0, order, group)
      return reshape(inverse, inverseShape)
    },
    () => sub(cat([slice(first, 0, 1), filled(self, [1], n, 'int64')]), to(first, 'int64')),
  )
}

/**
 * The different elements in ascending order, or the different slices of a dimension, as `torch.unique`. With
 * `returnInverse` or `returnCounts` the results come together, under the names `output`, `inverseIndices` and `counts`.
 *
 * @example
 * torch.tensor([3, 1, 3]).unique().tolist() // [1, 3]
 * const { output, counts } = torch.tensor([3, 1, 3]).unique({ returnCounts: true })
 * output.tolist() // [1, 3]
 * counts.tolist() // [1, 2]
 */
export const unique: PlainUnique = ((self: Tensor, ...args: unknown[]) => {
  const names = ['sorted', 'returnInverse', 'returnCounts', 'dim'] as const
  return distinct(self, readArguments<UniqueOptions>('unique', args, names), true)
}) as PlainUnique
/**
 * The elements without those that equal the one before them, as `torch.unique_consecutive`.
 *
 * @example
 * torch.tensor([1, 1, 2, 1]).uniqueConsecutive().tolist() // [1, 2, 1]
 */
export const uniqueConsecutive: ConsecutiveUnique = ((self: Tensor, ...args: unknown[]) => {
  const names = ['returnInverse', 'returnCounts', 'dim'] as const
  return distinct(self, readArguments<ConsecutiveOptions>('unique_consecutive', args, names), false)
}) as ConsecutiveUnique
