/** What ops that read or write by integer tensors share: checks, and calls of the kernels. */

import { showShape, wrapDim } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'

/** Checks an index's dtype. */
export function requireIndex(name: string, index: Tensor): void {
  if (index.dtype !== 'int64' && index.dtype !== 'int32' && index.layout.numel > 0)
    throw new Error(`${name}(): Expected dtype int64 for index`)
}

/** Runs a kernel that reads indices of a dimension, whose number its error tells. */
export function withIndices(dim: number, run: () => void): void {
  try {
    run()
  } catch (error) {
    if (error instanceof RangeError) error.message = error.message.replace('for dimension with', `for dimension ${dim} with`)
    throw error
  }
}

/** A 0-d tensor as kernels take it where others may have one dimension. */
export const lifted = (t: Tensor): Tensor => (t.ndim === 0 ? new Tensor(t.storage, t.layout.unsqueeze(0), t.dtype) : t)

/** Codes of the scatter kernel: what becomes of the old element and the new one. */
export const scatterModes = { assign: 0, add: 1, prod: 2, amax: 3, amin: 4 } as const
export function scatterInto(target: Tensor, dim: number, index: Tensor, src: Tensor, mode: keyof typeof scatterModes): void {
  if (index.layout.numel === 0) return
  const [to, at, from] = [target, index, src].map(lifted)
  withIndices(dim, () => to.storage.allocator.run('scatter', to, dim, at, from, scatterModes[mode]))
}

/** Checks a scatter's arguments. @returns the dimension counted from the front. */
export function requireScatter(self: Tensor, dim: number, index: Tensor, src: Tensor): number {
  const d = wrapDim(dim, self.ndim)
  if (index.dtype !== 'int64' && index.layout.numel > 0) throw new Error('scatter(): Expected dtype int64 for index')
  if (src.dtype !== self.dtype) throw new Error('scatter(): Expected self.dtype to be equal to src.dtype')
  if (index.layout.numel === 0) return d
  for (const [t, role] of [
    [self, 'self'],
    [src, 'src'],
  ] as const)
    if (Math.max(index.ndim, 1) !== Math.max(t.ndim, 1))
      throw new Error(`Index tensor must have the same number of dimensions as ${role} tensor`)
  const own = self.layout.shape
  if (index.layout.shape.some((size, i) => (i !== d && size > (own[i] ?? 1)) || size > (src.layout.shape[i] ?? 1)))
    throw new Error(
      `Expected index ${showShape(index.layout.shape)} to be smaller than self ${showShape(own)} apart from dimension ${d} and to be smaller size than src ${showShape(src.layout.shape)}`,
    )
  return d
}
