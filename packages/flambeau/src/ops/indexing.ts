/** Reading and writing by integer tensors. */

import { isComplex, type Scalar, scalarName } from '../core/dtype.js'
import { type Shape, sameShape, showShape, wrapDim } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { mul } from './arithmetic.js'
import { ne } from './comparison.js'
import { filled } from './copy.js'
import { commonBackend, defineOp, emptyTensor, type Op } from './dispatch.js'
import { lifted, requireIndex, requireScatter, scatterInto, withIndices } from './indices.js'
import { unbind } from './split.js'
import { embed, reshape } from './view.js'
import { defineWrite, type WriteOp } from './write.js'

function requireGatherShapes(name: string, self: Tensor, dim: number, index: Tensor): void {
  // A 0-d tensor counts as a 1-d one here.
  if (Math.max(index.ndim, 1) !== Math.max(self.ndim, 1) && index.layout.numel > 0)
    throw new Error(`Index tensor must have the same number of dimensions as ${name === 'gather' ? 'input' : 'self'} tensor`)
  index.layout.shape.forEach((size, d) => {
    if (d !== dim && size > (self.layout.shape[d] ?? 1))
      throw new Error(
        `Size does not match at dimension ${d} expected index ${showShape(index.layout.shape)} to be smaller than ${name === 'gather' ? 'input' : 'self'} ${showShape(self.layout.shape)} apart from dimension ${dim}`,
      )
  })
}

const gatherOp: Op<number> = defineOp<number>({
  name: 'Gather',
  forward: ([x, index], dim) => {
    const backend = commonBackend([x, index])
    const out = emptyTensor(backend, index.layout.shape, x.dtype)
    if (out.layout.numel > 0) withIndices(dim, () => backend.run('gather', lifted(x), dim, lifted(index), lifted(out)))
    return [out]
  },
  save: ([, index]) => [index],
  backward: ([g], { saved: [index], attrs: dim, inputs }) => [scatterAdd(filled(g!, inputs[0].shape, 0), dim, index, g!), null],
})
/**
 * `out[i][j] = self[index[i][j]][j]` for dim 0, and so on: values picked along a dimension, as `torch.gather`. The index
 * has as many dimensions as `self`, and the result has its shape.
 *
 * @throws RangeError for an index out of bounds.
 * @example
 * torch.tensor([[1, 2], [3, 4]]).gather(1, torch.tensor([[0n, 0n], [1n, 0n]])).tolist() // [[1, 1], [4, 3]]
 */
export function gather(self: Tensor, dim: number, index: Tensor): Tensor {
  const d = wrapDim(dim, self.ndim)
  requireIndex('gather', index)
  requireGatherShapes('gather', self, d, index)
  return gatherOp([self, index], d)[0]
}

/** The gradient of a scatter's source: what the index reads; a source larger than the index gets zeros beyond it. */
function scatterSource(g: Tensor, dim: number, index: Tensor, shape: Shape): Tensor {
  const picked = gather(g, dim, index)
  return shape.reduce((part, size, d) => {
    const own = part.layout.shape
    return size === own[d] ? part : embed(part, own.with(d, size), d, 0, 1)
  }, picked)
}

const scatterAddOp: WriteOp<number> = defineWrite<number>({
  name: 'ScatterAdd',
  write: (target, [, index, src], dim) => scatterInto(target, dim, index, src, 'add'),
  save: ([, index]) => [index],
  backward: ([g], { saved: [index], attrs: dim, needs, inputs }) => [
    g,
    null,
    needs[2] ? scatterSource(g!, dim, index, inputs[2].shape) : null,
  ],
})
const scatterOp: WriteOp<number> = defineWrite<number>({
  name: 'Scatter',
  write: (target, [, index, src], dim) => scatterInto(target, dim, index, src, 'assign'),
  save: ([, index]) => [index],
  backward: ([g], { saved: [index], attrs: dim, needs, inputs }) => [
    needs[0] ? scatter(g!, dim, index, 0) : null,
    null,
    needs[2] ? scatterSource(g!, dim, index, inputs[2].shape) : null,
  ],
})

/**
 * A copy with `src` added at `index` along `dim`, as `torch.scatter_add`: `out[index[i][j]][j] += src[i][j]` for dim 0.
 * Repeated indices add up.
 *
 * @throws RangeError for an index out of bounds.
 * @example
 * torch.zeros(3).scatterAdd(0, torch.tensor([0n, 2n, 2n]), torch.tensor([1, 2, 3])).tolist() // [1, 0, 5]
 */
export const scatterAdd = Object.assign(
  (self: Tensor, dim: number, index: Tensor, src: Tensor): Tensor =>
    scatterAddOp([self, index, src], requireScatter(self, dim, index, src)),
  {
    inPlace: (self: Tensor, dim: number, index: Tensor, src: Tensor): Tensor =>
      scatterAddOp.inPlace([self, index, src], requireScatter(self, dim, index, src)),
  },
)

export interface ScatterOptions {
  /** Combine with the element that is there instead of replacing it. */
  reduce?: 'add' | 'multiply' | null
}
/** One number as the source of a scatter: of the index's shape, without memory for it. */
function spread(self: Tensor, index: Tensor, src: Tensor | Scalar): Tensor {
  if (src instanceof Tensor) return src
  const one = filled(self, [], src)
  return new Tensor(one.storage, one.layout.expand(index.layout.shape), one.dtype)
}
const scatterReducing = defineWrite<{ dim: number; reduce: 'add' | 'multiply' }>({
  name: 'Scatter',
  write: (target, [, index, src], { dim, reduce }) => scatterInto(target, dim, index, src, reduce === 'add' ? 'add' : 'prod'),
})
type Scatter = (self: Tensor, dim: number, index: Tensor, src: Tensor | Scalar, options?: ScatterOptions) => Tensor
const scatterAs =
  (form: <A>(op: WriteOp<A>) => (inputs: readonly Tensor[], attrs: A) => Tensor): Scatter =>
  (self, dim, index, src, { reduce } = {}) => {
    const source = spread(self, index, src)
    if (reduce && reduce !== 'add' && reduce !== 'multiply') throw new Error('reduce argument must be either add or multiply.')
    const d = requireScatter(self, dim, index, source)
    const inputs = [self, index, source]
    if (!reduce) return form(scatterOp)(inputs, d)
    return reduce === 'add' ? form(scatterAddOp)(inputs, d) : form(scatterReducing)(inputs, { dim: d, reduce })
  }
/**
 * A copy with elements replaced by those of `src` (a tensor, or one number), as `torch.scatter`:
 * `out[index[i][j]][j] = src[i][j]` for dim 0, and so on. Of repeated indices the last one stays.
 *
 * @throws RangeError for an index out of bounds.
 * @example
 * torch.zeros(2, 3).scatter(1, torch.tensor([[2n], [0n]]), 1).tolist() // [[0, 0, 1], [1, 0, 0]]
 */
export const scatter = Object.assign(
  scatterAs((op) => op),
  { inPlace: scatterAs((op) => op.inPlace) },
)

const indexSelectOp: Op<number> = defineOp<number>({
  name: 'IndexSelect',
  forward: ([x, index], dim) => {
    const backend = commonBackend([x, index])
    const n = index.layout.numel
    const source = lifted(x)
    const out = emptyTensor(backend, source.layout.shape.with(dim, n), x.dtype)
    // Also where no element is copied: an index out of range is an error all the same.
    if (n > 0) withIndices(dim, () => backend.run('indexSelect', source, dim, lifted(index), out))
    return [x.ndim === 0 ? reshape(out, []) : out]
  },
  save: ([, index]) => [index],
  backward: ([g], { saved: [index], attrs: dim, inputs }) => [indexAdd(filled(g!, inputs[0].shape, 0), dim, index, g!), null],
})
/**
 * The slices of `dim` that a 1-d tensor of indices names, as `torch.index_select`.
 *
 * @throws RangeError for an index out of bounds.
 * @example
 * torch.tensor([5, 6, 7]).indexSelect(0, torch.tensor([2n, 0n])).tolist() // [7, 5]
 */
export function indexSelect(self: Tensor, dim: number, index: Tensor): Tensor {
  const d = wrapDim(dim, self.ndim)
  if (index.ndim > 1) throw new RangeError('index_select(): Index is supposed to be a vector')
  requireIndex('index_select', index)
  if (self.ndim === 0 && index.layout.numel !== 1)
    throw new Error(`index_select(): Index to scalar can have only 1 value, got ${index.layout.numel} value(s)`)
  return indexSelectOp([self, index], d)[0]
}

const indexAddOp: WriteOp<{ dim: number; alpha: number }> = defineWrite<{ dim: number; alpha: number }>({
  name: 'IndexAdd',
  write: (target, [, index, src], { dim, alpha }) => {
    if (src.layout.numel === 0) return
    const [to, at, from] = [target, index, src].map(lifted)
    withIndices(dim, () => to.storage.allocator.run('indexAdd', to, dim, at, from, alpha))
  },
  save: ([, index]) => [index],
  backward: ([g], { saved: [index], attrs, needs }) => {
    const picked = needs[2] ? indexSelect(g!, attrs.dim, index) : null
    return [g, null, picked && attrs.alpha !== 1 ? mul(picked, attrs.alpha) : picked]
  },
})
export interface IndexAddOptions {
  /** A factor of the source. */
  alpha?: number
}
type IndexAdd = (self: Tensor, dim: number, index: Tensor, source: Tensor, options?: IndexAddOptions) => Tensor
const indexAddAs =
  (op: (inputs: readonly Tensor[], attrs: { dim: number; alpha: number }) => Tensor): IndexAdd =>
  (self, dim, index, source, { alpha = 1 } = {}) => {
    const d = wrapDim(dim, self.ndim)
    requireIndex('index_add', index)
    if (source.dtype !== self.dtype)
      throw new Error(
        `index_add_(): self (${scalarName(self.dtype)}) and source (${scalarName(source.dtype)}) must have the same scalar type`,
      )
    if (index.ndim > 1) throw new RangeError(`index_add_(): Index should have dimension 1 or 0 (got ${index.ndim})`)
    const count = source.ndim === 0 ? 1 : source.layout.shape[d]
    if (index.layout.numel !== count)
      throw new Error(
        `index_add_(): Number of indices (${index.layout.numel}) should be equal to source.size(dim): (${count}), for dim: ${d}`,
      )
    // One number and a vector of one are alike here.
    const [own, given] = [self, source].map((t) => (t.ndim === 0 ? [] : t.layout.shape.toSpliced(d, 1)))
    if (!sameShape(own, given))
      throw new Error(
        `index_add_(): source ${showShape(source.layout.shape)} does not match self ${showShape(self.layout.shape)} apart from dimension ${d}`,
      )
    return op([self, index, source], { dim: d, alpha })
  }
/**
 * A copy with the slices of `source` added at `index` along `dim`, as `torch.index_add`. Repeated indices add up.
 *
 * @throws RangeError for an index out of bounds.
 * @example
 * torch.zeros(3).indexAdd(0, torch.tensor([2n, 2n]), torch.tensor([1, 2])).tolist() // [0, 0, 3]
 */
export const indexAdd = Object.assign(indexAddAs(indexAddOp), { inPlace: indexAddAs(indexAddOp.inPlace) })

export interface NonzeroOptions {
  /** One 1-d tensor of indices per dimension instead of a matrix. */
  asTuple?: boolean
}
/**
 * The places of nonzero elements, one row [i, j, …] each in row-major order, as `torch.nonzero`.
 *
 * @example
 * torch.tensor([0, 3, 4]).nonzero().tolist() // [[1], [2]]
 */
export function nonzero(self: Tensor, options: { asTuple: true }): Tensor[]
export function nonzero(self: Tensor, options?: { asTuple?: false }): Tensor
export function nonzero(self: Tensor, { asTuple = false }: NonzeroOptions = {}): Tensor | Tensor[] {
  if (asTuple) return unbind(nonzero(self.ndim === 0 ? reshape(self, 1) : self), 1)
  if (isComplex(self.dtype)) return nonzero(ne(self, 0))
  const backend = self.storage.allocator
  const count = self.layout.numel === 0 ? 0 : backend.run('nonzero', self, null)
  const out = emptyTensor(backend, [count, self.ndim], 'int64')
  if (out.layout.numel > 0) backend.run('nonzero', self, out)
  return out
}

/**
 * The indices of the nonzero elements, one row each, as `torch.argwhere`.
 *
 * @example
 * torch.argwhere(torch.tensor([0, 5, 6])).tolist() // [[1], [2]]
 */
export const argwhere = (self: Tensor): Tensor => nonzero(self)
