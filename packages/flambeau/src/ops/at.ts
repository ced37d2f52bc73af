/** Indexing as Python's brackets do it: integers, slices, new axes, index tensors and masks. */

import type { Complex } from '../core/complex.js'
import type { Scalar } from '../core/dtype.js'
import type { Layout } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { copy_, fill_, to } from './cast.js'
import { maskedFill } from './comparison.js'
import { filled } from './copy.js'
import { elements, item, type NestedArray, tensor, toTypedArray } from './creation.js'
import { emptyTensor } from './dispatch.js'
import { type Advanced, fitValue, indexOp, indexPutOp, prepare, requireMask } from './indexPut.js'
import { expand, makeView, reshape, type Slice, select, slice, unsqueeze } from './view.js'

/** Whole numbers, or truth values of a mask, nested to any depth. */
export type IndexList = readonly (number | bigint | boolean | IndexList)[]

/**
 * One index of `at`: an integer, a slice (`'1:3'`, `'::2'` or `slice(1, 3)`), null for a new axis, `'...'` for all
 * dimensions not named, an integer tensor or a list of integers, a mask.
 */
export type Index = number | bigint | boolean | string | null | Slice | Tensor | IndexList

const notAnIndex = (value: unknown): Error =>
  new TypeError(
    `only integers, slices (\`:\`), ellipsis (\`...\`), null and long or byte tensors are valid indices (got ${typeof value === 'string' ? `'${value}'` : typeof value})`,
  )

/** `1:5:2` as Python reads it. */
function readSlice(text: string): Slice {
  const parts = text.split(':').map((part) => part.trim())
  if (parts.length < 2 || parts.length > 3 || parts.some((part) => !/^(-?\d+)?$/.test(part))) throw notAnIndex(text)
  const [start, end, step] = parts.map((part) => (part === '' ? null : Number(part)))
  return { start, end, step: step ?? null }
}

/** An index with one meaning each: what is left of all the spellings. */
type Step = number | null | '...' | Slice | Tensor

function read(index: Index, self: Tensor): Step {
  if (typeof index === 'bigint') return Number(index)
  if (typeof index === 'number') {
    if (!Number.isInteger(index)) throw notAnIndex(index)
    return index
  }
  if (typeof index === 'string') return index.trim() === '...' ? '...' : readSlice(index)
  if (index === null) return null
  if (typeof index === 'boolean') return filled(self, [], index, 'bool')
  if (Array.isArray(index)) {
    const leaves: unknown[] = (index as unknown[]).flat(Number.POSITIVE_INFINITY)
    const bad = leaves.find((leaf) => typeof leaf !== 'boolean' && !Number.isInteger(Number(leaf)))
    if (bad !== undefined) throw notAnIndex(bad)
    const mask = leaves.length > 0 && leaves.every((leaf) => typeof leaf === 'boolean')
    const listed = tensor(index as NestedArray, { dtype: mask ? 'bool' : 'int64' })
    const moved = emptyTensor(self.storage.allocator, listed.layout.shape, listed.dtype)
    elements(moved).set(toTypedArray(listed) as never)
    return moved
  }
  if (index instanceof Tensor) return isWhole(index) && index.ndim === 0 ? (item(index) as number) : index
  if (typeof index === 'object' && 'start' in index) return index
  throw notAnIndex(index)
}
const isWhole = (t: Tensor): boolean => t.dtype.startsWith('int')
const isMask = (t: Tensor): boolean => t.dtype === 'bool' || t.dtype === 'uint8'

/** How many dimensions of the tensor an index stands for. */
const taken = (step: Step): number =>
  step === null || step === '...' ? 0 : step instanceof Tensor && isMask(step) ? step.ndim : 1

/** Applies what makes views, and leaves the index tensors with the dimension each stands for. */
function resolve(self: Tensor, indices: readonly Index[]): { view: Tensor; advanced: Advanced[] } {
  const steps = indices.map((index) => read(index, self))
  const named = steps.reduce<number>((n, step) => n + taken(step), 0)
  if (self.ndim === 0 && steps.length === 1 && typeof steps[0] === 'number')
    throw new RangeError('invalid index of a 0-dim tensor. Use `tensor.item()` to convert a 0-dim tensor to a number')
  if (named > self.ndim) throw new RangeError(`too many indices for tensor of dimension ${self.ndim}`)
  const advanced: Advanced[] = []
  let x = self
  let dim = 0 // of x as it is by now
  let own = 0 // of self
  let rest = self.ndim - named
  for (const step of steps) {
    if (step === '...') {
      dim += rest
      own += rest
      rest = 0
    } else if (step === null) x = unsqueeze(x, dim++)
    else if (typeof step === 'number') {
      const size = x.layout.shape[dim]
      if (step < -size || step >= size)
        throw new RangeError(`index ${step} is out of bounds for dimension ${own} with size ${size}`)
      x = select(x, dim, step)
      own++
    } else if (step instanceof Tensor) {
      if (isMask(step) && step.ndim === 0) {
        // A truth value is a new axis of size 1 that is kept or dropped.
        x = unsqueeze(x, dim)
        advanced.push({ dim, index: filled(step, item(step) ? [1] : [0], 0, 'int64') })
        dim++
      } else {
        advanced.push({ dim, index: step })
        dim += taken(step)
        own += taken(step)
      }
    } else {
      if (step.step === 0) throw new RangeError('slice step cannot be zero')
      if (step.step !== null && step.step < 0) throw new RangeError('step must be greater than zero')
      if (step.start !== null || step.end !== null || step.step !== null) x = slice(x, dim, step.start, step.end, step.step ?? 1)
      dim++
      own++
    }
  }
  return { view: x, advanced }
}

const alias = (self: Tensor, layout: Layout = self.layout): Tensor => makeView('Alias', self, layout, (g) => g)

/**
 * Part of a tensor, as Python's `self[…]`: `x.at(0, '1:3', null, '...', mask)` is `x[0, 1:3, None, ..., mask]`.
 *
 * Integers, slices, new axes and the ellipsis make a view. Integer tensors (or lists) and masks copy: the dimensions that
 * they index are replaced by the shape the index tensors broadcast to, in place if they are neighbours and at the front
 * otherwise. Negative indices count from the end. Both are differentiable.
 *
 * @throws RangeError for an index out of bounds, too many indices, or a mask of another shape.
 * @example
 * const x = torch.arange(12).reshape(3, 4)
 * x.at(-1, '::2').tolist() // [8, 10]
 * x.at('...', [0, 3]).tolist() // [[0, 3], [4, 7], [8, 11]]
 * x.at(x.gt(9)).tolist() // [10, 11]
 */
export function at(self: Tensor, ...indices: readonly Index[]): Tensor {
  const { view, advanced } = resolve(self, indices)
  if (advanced.length === 0) return view === self ? alias(self) : view
  const { indices: wrapped, places } = prepare(view, advanced)
  return indexOp([view, ...wrapped], places)[0]
}

/**
 * Assigns to part of a tensor, as Python's `self[…] = value`: `x.setAt([0, '1:3'], value)` is `x[0, 1:3] = value`. The
 * indices are those of `at`; the value, a tensor or one number, broadcasts to what they name.
 *
 * @returns `self`.
 * @throws RangeError for an index out of bounds, before anything is written; Error where the value does not fit.
 * @example
 * const x = torch.zeros(2, 3)
 * x.setAt([0, '1:'], torch.tensor([5, 6])).tolist() // [[0, 5, 6], [0, 0, 0]]
 */
export function setAt(self: Tensor, indices: readonly Index[], value: Tensor | Scalar | Complex): Tensor {
  const { view, advanced } = resolve(self, indices)
  if (advanced.length === 0) assign(view, value)
  else if (advanced.length === 1 && isMask(advanced[0].index) && isNumber(value)) {
    // One value where a mask holds needs no list of the places.
    const { dim, index } = advanced[0]
    requireMask(index, view.layout.shape, dim)
    const trailing = new Array<number>(view.ndim - dim - index.ndim).fill(1)
    maskedFill.inPlace(view, reshape(to(index, 'bool'), [...index.layout.shape, ...trailing]), value)
  } else {
    const { indices: wrapped, places, shape } = prepare(view, advanced)
    indexPutOp.inPlace([view, fitValue(view, value, shape), ...wrapped], { ...places, accumulate: false })
  }
  return self
}
const isNumber = (value: Tensor | Scalar | Complex): value is Scalar | Complex => !(value instanceof Tensor)

function assign(target: Tensor, value: Tensor | Scalar | Complex): void {
  if (isNumber(value)) {
    fill_(target, value)
    return
  }
  let { shape } = value.layout
  while (shape.length > target.ndim && shape[0] === 1) shape = shape.slice(1)
  const trimmed = shape.length === value.ndim ? value : reshape(value, shape)
  copy_(target, expand(trimmed, target.layout.shape))
}
