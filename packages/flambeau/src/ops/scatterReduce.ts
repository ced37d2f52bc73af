/** Scatters that combine what meets at one index. */

import { isFloatingPoint } from '../core/dtype.js'
import { wrapDim } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { div, mul } from './arithmetic.js'
import { clone, copy_, to } from './cast.js'
import { eq, logicalAnd, maskedFill, where } from './comparison.js'
import { copyOf, filled } from './copy.js'
import { commonBackend, defineOp, needsRecording, type Op } from './dispatch.js'
import { gather, scatter, scatterAdd } from './indexing.js'
import { requireScatter, scatterInto } from './indices.js'
import { expand, narrow, reshape } from './view.js'

type Combination = 'prod' | 'amax' | 'amin'
/** Combines the elements of `self` too; the source has the index's shape. */
const combineOp: Op<{ dim: number; reduce: Combination }> = defineOp<{ dim: number; reduce: Combination }>({
  name: 'ScatterReduce',
  forward: (inputs, { dim, reduce }) => {
    commonBackend(inputs)
    const out = copyOf(inputs[0])
    scatterInto(out, dim, inputs[1], inputs[2], reduce)
    return [out]
  },
  save: (inputs, outputs) => [...inputs, ...outputs],
  backward: ([g], { saved: [x, index, src, out], attrs: { dim, reduce } }) => {
    if (reduce === 'prod') return productGradients(g!, x, dim, index, src, out)
    // Equal extremes share the gradient.
    const isIt = [to(eq(x, out), g!.dtype), to(eq(src, gather(out, dim, index)), g!.dtype)]
    const share = div(g!, scatterAdd(isIt[0], dim, index, isIt[1]))
    return [mul(isIt[0], share), null, mul(isIt[1], gather(share, dim, index))]
  },
})

/** The product of the others times the gradient, zeros among the factors included. */
function productGradients(g: Tensor, x: Tensor, dim: number, index: Tensor, src: Tensor, out: Tensor): (Tensor | null)[] {
  const ones = (t: Tensor): Tensor => maskedFill(t, eq(t, 0), 1)
  const others = combineOp([ones(x), index, src], { dim, reduce: 'prod' })[0]
  const zero = eq(src, 0)
  const zeros = gather(scatterAdd(filled(x, x.layout.shape, 0), dim, index, to(zero, x.dtype)), dim, index)
  const onlyZero = logicalAnd(zero, eq(zeros, 1))
  const without = combineOp([x, index, maskedFill(src, onlyZero, 1)], { dim, reduce: 'prod' })[0]
  const plain = div(gather(mul(g, out), dim, index), ones(src))
  return [div(mul(g, others), ones(x)), null, where(onlyZero, gather(mul(g, without), dim, index), plain)]
}

export type ScatterReduction = 'sum' | 'prod' | 'mean' | 'amax' | 'amin'
export interface ScatterReduceOptions {
  /** Whether the element that is there takes part; true unless given. */
  includeSelf?: boolean
}

function reduceInto(
  self: Tensor,
  dim: number,
  index: Tensor,
  src: Tensor,
  reduce: ScatterReduction,
  { includeSelf = true }: ScatterReduceOptions,
): Tensor {
  const d = requireScatter(self, dim, index, src)
  const part = index.layout.shape.reduce((t, size, i) => (t.layout.shape[i] > size ? narrow(t, i, 0, size) : t), src)
  if (reduce === 'sum' || reduce === 'mean') {
    const total = scatterAdd(includeSelf ? self : scatter(self, d, index, 0), d, index, part)
    if (reduce === 'sum') return total
    const ones = filled(self, part.layout.shape, 1)
    const counts = scatterAdd(filled(self, self.layout.shape, includeSelf ? 1 : 0), d, index, ones)
    const terms = maskedFill(counts, eq(counts, 0), 1)
    return isFloatingPoint(self.dtype) ? div(total, terms) : div(total, terms, { roundingMode: 'floor' })
  }
  if (includeSelf) return combineOp([self, index, part], { dim: d, reduce })[0]
  // Integers have no infinities to start from; any of the source's elements does as well.
  const start =
    reduce === 'prod' ? 1 : isFloatingPoint(self.dtype) ? Number.POSITIVE_INFINITY * (reduce === 'amax' ? -1 : 1) : part
  return combineOp([scatter(self, d, index, start), index, part], { dim: d, reduce })[0]
}

/** What backward reads of a tensor that is about to be overwritten. */
const kept = (self: Tensor, src: Tensor): Tensor => (needsRecording([self, src]) ? clone(self) : self)

type ScatterReduce = (
  self: Tensor,
  dim: number,
  index: Tensor,
  src: Tensor,
  reduce: ScatterReduction,
  options?: ScatterReduceOptions,
) => Tensor
const scatterReduction: ScatterReduce = (self, dim, index, src, reduce, options = {}) => {
  if (!['sum', 'prod', 'mean', 'amax', 'amin'].includes(reduce))
    throw new Error('reduce argument must be either sum, prod, mean, amax or amin.')
  return reduceInto(self, dim, index, src, reduce, options)
}
/**
 * A copy with all elements of `src` that `index` sends to one place combined, with the one that is there unless
 * `includeSelf` is false, as `torch.scatter_reduce`.
 *
 * @throws RangeError for an index out of bounds.
 * @example
 * const index = torch.tensor([0n, 0n, 2n])
 * torch.ones(3).scatterReduce(0, index, torch.tensor([2, 3, 4]), 'prod').tolist() // [6, 1, 4]
 */
export const scatterReduce: ScatterReduce & { readonly inPlace: ScatterReduce } = Object.assign(
  ((...args) => scatterReduction(...args)) as ScatterReduce,
  { inPlace: ((self, ...rest) => copy_(self, scatterReduction(kept(self, rest[2]), ...rest))) as ScatterReduce },
)

type IndexReduce = (
  self: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor,
  reduce: Exclude<ScatterReduction, 'sum'>,
  options?: ScatterReduceOptions,
) => Tensor
const indexReduction: IndexReduce = (self, dim, index, source, reduce, options = {}) => {
  if (!['prod', 'mean', 'amax', 'amin'].includes(reduce))
    throw new Error(`index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got ${reduce}.`)
  if (self.dtype !== source.dtype) throw new Error('index_reduce(): self and source must have the same scalar type')
  if (index.ndim > 1) throw new RangeError('index_reduce(): Index is supposed to be a vector')
  const d = wrapDim(dim, self.ndim)
  if (index.layout.numel !== (source.layout.shape[d] ?? 1))
    throw new Error('index_reduce(): Number of indices should be equal to self.size(dim)')
  const [whole, slices] = [self, source].map((t) => (t.ndim === 0 ? reshape(t, 1) : t))
  const { shape } = slices.layout
  const row = reshape(
    index,
    shape.map((_, i) => (i === d ? index.layout.numel : 1)),
  )
  return reshape(reduceInto(whole, d, expand(row, shape), slices, reduce, options), self.layout.shape)
}
/**
 * A copy with all slices of `source` that `index` sends to one slice of `dim` combined, as `torch.index_reduce`.
 *
 * @throws RangeError for an index out of bounds.
 * @example
 * torch.ones(2).indexReduce(0, torch.tensor([1n, 1n]), torch.tensor([5, 3]), 'amax').tolist() // [1, 5]
 */
export const indexReduce: IndexReduce & { readonly inPlace: IndexReduce } = Object.assign(
  ((...args) => indexReduction(...args)) as IndexReduce,
  { inPlace: ((self, ...rest) => copy_(self, indexReduction(kept(self, rest[2]), ...rest))) as IndexReduce },
)
