/** Putting tensors together. */

import { promoteTypes } from '../core/dtype.js'
import { sameShape, showShape, wrapDim } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { copyInto, filled } from './copy.js'
import { commonBackend, defineOp, emptyTensor, type Op } from './dispatch.js'
import { narrow, unsqueeze } from './view.js'

const catOp: Op<number> = defineOp<number>({
  name: 'Cat',
  forward: (tensors, dim) => {
    const used = joined(tensors)
    const total = used.reduce((n, t) => n + t.layout.shape[dim], 0)
    const dtype = tensors.map((t) => t.dtype).reduce(promoteTypes)
    const out = emptyTensor(commonBackend(tensors), used[0].layout.shape.with(dim, total), dtype)
    let from = 0
    for (const t of used) {
      const size = t.layout.shape[dim]
      copyInto(new Tensor(out.storage, out.layout.slice(dim, from, size), dtype), t)
      from += size
    }
    return [out]
  },
  backward: ([g], { attrs: dim, inputs }) => {
    let from = 0
    const { length: ndim } = g!.layout.shape
    return inputs.map(({ shape }) => {
      if (shape.length !== ndim) return filled(g!, shape, 0)
      const piece = narrow(g!, dim, from, shape[dim])
      from += shape[dim]
      return piece
    })
  },
})

/** Those that count: empty 1-d tensors do not, unless there are no others. */
function joined(tensors: readonly Tensor[]): readonly Tensor[] {
  const kept = tensors.filter((t) => t.ndim !== 1 || t.layout.numel > 0)
  return kept.length === 0 ? tensors : kept
}

/**
 * Tensors one after the other along a dimension, as `torch.cat`. Their dtypes are promoted; empty 1-d tensors are left
 * out, as PyTorch does for old programs' sake.
 *
 * @throws Error where the other dimensions differ.
 */
export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  if (tensors.length === 0) throw new Error('torch.cat(): expected a non-empty list of Tensors')
  const zeroDim = tensors.findIndex((t) => t.ndim === 0)
  if (zeroDim >= 0) throw new Error(`zero-dimensional tensor (at position ${zeroDim}) cannot be concatenated`)
  const used = joined(tensors)
  const first = used[0].layout.shape
  const d = wrapDim(dim, first.length)
  used.forEach((t, i) => {
    const { shape } = t.layout
    if (shape.length !== first.length)
      throw new Error(`Tensors must have same number of dimensions: got ${first.length} and ${shape.length}`)
    const bad = shape.findIndex((size, k) => k !== d && size !== first[k])
    if (bad >= 0)
      throw new Error(
        `Sizes of tensors must match except in dimension ${d}. Expected size ${first[bad]} but got size ${shape[bad]} for tensor number ${i} in the list.`,
      )
  })
  return catOp(tensors, d)[0]
}

/** Tensors of one shape along a new dimension, as `torch.stack`. */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  if (tensors.length === 0) throw new Error('stack expects a non-empty TensorList')
  const first = tensors[0].layout.shape
  const d = wrapDim(dim, first.length + 1)
  tensors.forEach((t, i) => {
    if (!sameShape(t.layout.shape, first))
      throw new Error(
        `stack expects each tensor to be equal size, but got ${showShape(first)} at entry 0 and ${showShape(t.layout.shape)} at entry ${i}`,
      )
  })
  return cat(
    tensors.map((t) => unsqueeze(t, d)),
    d,
  )
}
