/** Reading and writing by integer tensors. */

import { scalarName } from '../core/dtype.js'
import { showShape, wrapDim } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { mul } from './arithmetic.js'
import { copyOf, filled } from './copy.js'
import { commonBackend, defineOp, emptyTensor, type Op } from './dispatch.js'
import { unbind } from './split.js'
import { reshape } from './view.js'

function requireIndex(name: string, index: Tensor): void {
  if (index.dtype !== 'int64' && index.dtype !== 'int32' && index.layout.numel > 0)
    throw new Error(`${name}(): Expected dtype int64 for index`)
}

function requireGatherShapes(name: string, self: Tensor, dim: number, index: Tensor): void {
  if (index.ndim !== self.ndim && index.layout.numel > 0 && self.ndim > 0)
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
    if (out.layout.numel > 0) backend.run('gather', x, dim, index, out)
    return [out]
  },
  save: ([, index]) => [index],
  backward: ([g], { saved: [index], attrs: dim, inputs }) => [scatterAdd(filled(g!, inputs[0].shape, 0), dim, index, g!), null],
})
/** `out[i][j] = self[index[i][j]][j]` (for dim 0, and so on), as `torch.gather`. @throws RangeError for an index out of bounds. */
export function gather(self: Tensor, dim: number, index: Tensor): Tensor {
  const d = wrapDim(dim, self.ndim)
  requireIndex('gather', index)
  requireGatherShapes('gather', self, d, index)
  return gatherOp([self, index], d)[0]
}

const scatterAddOp: Op<number> = defineOp<number>({
  name: 'ScatterAdd',
  forward: ([x, index, src], dim) => {
    const backend = commonBackend([x, index, src])
    const out = copyOf(x)
    if (index.layout.numel > 0) backend.run('scatter', out, dim, index, src, 1)
    return [out]
  },
  save: ([, index]) => [index],
  backward: ([g], { saved: [index], attrs: dim, needs, inputs }) => [
    g,
    null,
    needs[2] ? scatterSource(g!, dim, index, inputs[2].shape) : null,
  ],
})
/** The gradient of a scatter's source: what the index reads; a source larger than the index gets zeros beyond it. */
function scatterSource(g: Tensor, dim: number, index: Tensor, shape: readonly number[]): Tensor {
  const picked = gather(g, dim, index)
  if (shape.every((size, d) => size === index.layout.shape[d])) return picked
  throw new Error('not implemented: the gradient of scatter for a source larger than its index')
}
/** A copy with `src` added at `index` along `dim`, as `torch.scatter_add`. Repeated indices add up. */
export function scatterAdd(self: Tensor, dim: number, index: Tensor, src: Tensor): Tensor {
  const d = wrapDim(dim, self.ndim)
  requireIndex('scatter_add', index)
  requireGatherShapes('scatter', self, d, index)
  if (src.dtype !== self.dtype) throw new Error(`scatter(): Expected self.dtype to be equal to src.dtype`)
  if (index.layout.shape.some((size, i) => size > (src.layout.shape[i] ?? 1)))
    throw new Error(
      `Expected index ${showShape(index.layout.shape)} to be smaller than self ${showShape(self.layout.shape)} apart from dimension ${d} and to be smaller size than src ${showShape(src.layout.shape)}`,
    )
  return scatterAddOp([self, index, src], d)[0]
}

const indexSelectOp: Op<number> = defineOp<number>({
  name: 'IndexSelect',
  forward: ([x, index], dim) => {
    const backend = commonBackend([x, index])
    const n = index.layout.numel
    const source = x.ndim === 0 ? reshape(x, 1) : x
    const out = emptyTensor(backend, source.layout.shape.with(dim, n), x.dtype)
    if (out.layout.numel > 0) backend.run('indexSelect', source, dim, index.ndim === 0 ? reshape(index, 1) : index, out)
    return [x.ndim === 0 ? reshape(out, []) : out]
  },
  save: ([, index]) => [index],
  backward: ([g], { saved: [index], attrs: dim, inputs }) => [indexAdd(filled(g!, inputs[0].shape, 0), dim, index, g!), null],
})
/** The slices of `dim` that a 1-d tensor of indices names, as `torch.index_select`. @throws RangeError for an index out of bounds. */
export function indexSelect(self: Tensor, dim: number, index: Tensor): Tensor {
  const d = wrapDim(dim, self.ndim)
  if (index.ndim > 1) throw new RangeError('index_select(): Index is supposed to be a vector')
  requireIndex('index_select', index)
  return indexSelectOp([self, index], d)[0]
}

const indexAddOp: Op<{ dim: number; alpha: number }> = defineOp<{ dim: number; alpha: number }>({
  name: 'IndexAdd',
  forward: ([x, index, src], { dim, alpha }) => {
    const backend = commonBackend([x, index, src])
    const out = copyOf(x)
    if (src.layout.numel > 0)
      backend.run(
        'indexAdd',
        out.ndim === 0 ? reshape(out, 1) : out,
        dim,
        index.ndim === 0 ? reshape(index, 1) : index,
        src.ndim === 0 ? reshape(src, 1) : src,
        alpha,
      )
    return [out]
  },
  save: ([, index]) => [index],
  backward: ([g], { saved: [index], attrs, needs }) => {
    const picked = needs[2] ? indexSelect(g!, attrs.dim, index) : null
    return [g, null, picked && attrs.alpha !== 1 ? mul(picked, attrs.alpha) : picked]
  },
})
/** A copy with the slices of `source` added at `index` along `dim`, as `torch.index_add`. Repeated indices add up. */
export function indexAdd(self: Tensor, dim: number, index: Tensor, source: Tensor, options: { alpha?: number } = {}): Tensor {
  const d = wrapDim(dim, self.ndim)
  requireIndex('index_add', index)
  if (source.dtype !== self.dtype)
    throw new Error(
      `index_add_(): self (${scalarName(self.dtype)}) and source (${scalarName(source.dtype)}) must have the same scalar type`,
    )
  if (source.ndim > 0 && index.layout.numel !== source.layout.shape[d])
    throw new Error(
      `index_add_(): Number of indices (${index.layout.numel}) should be equal to source.size(dim): (${source.layout.shape[d]}), for dim: ${d}`,
    )
  const expected = self.ndim === 0 ? [] : self.layout.shape.with(d, index.layout.numel)
  if (source.ndim !== self.ndim || expected.some((size, i) => size !== source.layout.shape[i]))
    throw new Error(
      `index_add_(): source ${showShape(source.layout.shape)} does not match self ${showShape(self.layout.shape)} apart from dimension ${d}`,
    )
  return indexAddOp([self, index, source], { dim: d, alpha: options.alpha ?? 1 })[0]
}

/** Rows of a table [n, d] by an index of any shape: [*index, d], as `torch.nn.functional.embedding`. */
export function embedding(input: Tensor, weight: Tensor): Tensor {
  if (weight.ndim !== 2) throw new Error("'weight' must be 2-D")
  requireIndex('embedding', input)
  const rows = indexSelect(weight, 0, reshape(input, -1))
  return reshape(rows, [...input.layout.shape, weight.layout.shape[1]])
}

export interface NonzeroOptions {
  /** One 1-d tensor of indices per dimension instead of a matrix. */
  asTuple?: boolean
}
/** The places of nonzero elements, one row [i, j, …] each in row-major order, as `torch.nonzero`. */
export function nonzero(self: Tensor, options: { asTuple: true }): Tensor[]
export function nonzero(self: Tensor, options?: { asTuple?: false }): Tensor
export function nonzero(self: Tensor, { asTuple = false }: NonzeroOptions = {}): Tensor | Tensor[] {
  if (asTuple) return unbind(nonzero(self.ndim === 0 ? reshape(self, 1) : self), 1)
  const backend = self.storage.allocator
  const count = self.layout.numel === 0 ? 0 : backend.run('nonzero', self, null)
  const out = emptyTensor(backend, [count, self.ndim], 'int64')
  if (out.layout.numel > 0) backend.run('nonzero', self, out)
  return out
}
