/** Differences of neighbours, and the sums that undo them. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { getDefaultDtype, isDifferentiable } from '../core/dtype.js'
import { showShape, wrapDim } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { add, div, mul, sub } from './arithmetic.js'
import { clone, to } from './cast.js'
import { logicalXor } from './comparison.js'
import { requireTensor } from './define.js'
import { cat } from './joining.js'
import { sum } from './reduce.js'
import { cumsum } from './scan.js'
import { narrow, reshape, select, slice, unsqueeze } from './view.js'

export interface DiffOptions {
  /** How many times differences are taken. */
  n?: number
  dim?: number
  prepend?: Tensor | null
  append?: Tensor | null
}
/**
 * The n-th differences xᵢ₊₁ − xᵢ along `dim`, with tensors put before and behind if given, as `torch.diff`. Of bools,
 * whether neighbours differ.
 *
 * @example
 * torch.tensor([1, 4, 9]).diff().tolist() // [3, 5]
 * torch.tensor([1, 4, 9]).diff({ n: 2 }).tolist() // [2]
 */
export function diff(
  self: Tensor,
  ...args: Arguments<[n: number, dim: number, prepend: Tensor | null, append: Tensor | null], DiffOptions>
): Tensor {
  const names = ['n', 'dim', 'prepend', 'append'] as const
  const { n = 1, dim = -1, prepend = null, append = null } = readArguments<DiffOptions>('diff', args, names)
  if (self.ndim === 0) throw new Error('diff expects input to be at least one-dimensional')
  if (!Number.isInteger(n) || n < 0) throw new Error(`order must be non-negative but got ${n}`)
  const d = wrapDim(dim, self.ndim)
  const parts = [prepend, self, append].filter((part) => part !== null)
  for (const part of parts) {
    if (requireTensor(part, 'diff', part === prepend ? 'prepend' : 'append').ndim !== self.ndim)
      throw new Error('diff expects prepend or append to be the same dimension as input')
    if (part.layout.shape.some((size, i) => i !== d && size !== self.layout.shape[i]))
      throw new Error(
        `diff expects the shape of tensor to prepend or append to match that of input except along the differencing dimension; input.size() = ${showShape(self.layout.shape)}, but got tensor.size() = ${showShape(part.layout.shape)}`,
      )
  }
  if (n === 0) return clone(self)
  let out = parts.length === 1 ? self : cat(parts, d)
  const size = out.layout.shape[d]
  if (n >= size) return clone(narrow(out, d, 0, 0))
  for (let i = 0; i < n; i++) {
    const last = out.layout.shape[d] - 1
    const [later, earlier] = [narrow(out, d, 1, last), narrow(out, d, 0, last)]
    out = out.dtype === 'bool' ? logicalXor(later, earlier) : sub(later, earlier)
  }
  return out
}

export interface TrapezoidOptions {
  /** The coordinates, of y's shape or along `dim` alone. */
  x?: Tensor | null
  /** The distance of neighbours where no x is given. */
  dx?: number
  dim?: number
}
/** Twice the areas between neighbours. */
function areas(name: string, y: Tensor, x: Tensor | null, dx: number, dim: number): Tensor {
  if (y.ndim === 0) throw new RangeError('Dimension specified as 0 but tensor has no dimensions')
  const d = wrapDim(dim, y.ndim)
  if (y.dtype === 'bool') throw new Error(`${name}: received a bool input for \`y\`, but bool is not supported`)
  const n = y.layout.shape[d]
  const pairs = (t: Tensor, at: number): [Tensor, Tensor] => [slice(t, at, 1), slice(t, at, 0, -1)]
  const heights = n === 0 ? y : add(...pairs(y, d))
  if (x === null) return mul(heights, dx)
  if (x.ndim === 0) throw new Error(`${name}(): expected x to have at least one dimension`)
  const { shape } = x.layout
  if (x.ndim === 1 && shape[0] !== n) throw new Error(`${name}(): There must be one \`x\` value for each sample point`)
  const missing = Math.max(y.ndim - x.ndim, 0)
  const spread =
    x.ndim === 1 ? y.layout.shape.map((_, i) => (i === d ? n : 1)) : [...new Array<number>(missing).fill(1), ...shape]
  return mul(heights, sub(...pairs(reshape(x, spread), d)))
}
type TrapezoidArguments = Arguments<[x: Tensor | null], TrapezoidOptions>
function readTrapezoid(name: string, args: TrapezoidArguments): { x: Tensor | null; dx: number; dim: number } {
  const { x = null, dx = 1, dim = -1 } = readArguments<TrapezoidOptions>(name, args, ['x'], ['dx', 'dim'])
  return { x, dx, dim }
}
const halved = (t: Tensor): Tensor => div(t, 2)
/**
 * The integral along a dimension by the trapezoid rule, Σ (yᵢ + yᵢ₊₁)/2 · (xᵢ₊₁ − xᵢ), as `torch.trapezoid`.
 *
 * @example
 * torch.trapezoid(torch.tensor([1, 5, 10])).item() // 10.5
 */
export function trapezoid(y: Tensor, ...args: TrapezoidArguments): Tensor {
  const { x, dx, dim } = readTrapezoid('trapezoid', args)
  const areasOf = areas('trapezoid', y, x, dx, dim)
  // Of no points, zeros in the dtype of y.
  return y.layout.shape.at(dim) === 0 ? to(sum(areasOf, dim), y.dtype) : halved(sum(areasOf, dim))
}
/**
 * The running integral along a dimension by the trapezoid rule, as `torch.cumulative_trapezoid`: one element less there.
 *
 * @example
 * torch.cumulativeTrapezoid(torch.tensor([1, 5, 10])).tolist() // [3, 10.5]
 */
export function cumulativeTrapezoid(y: Tensor, ...args: TrapezoidArguments): Tensor {
  const { x, dx, dim } = readTrapezoid('cumulative_trapezoid', args)
  return halved(cumsum(areas('cumulative_trapezoid', y, x, dx, dim), dim))
}
/**
 * `trapezoid` under its other name, as `torch.trapz`.
 *
 * @example
 * torch.trapz(torch.tensor([1, 5, 10])).item() // 10.5
 */
export const trapz = trapezoid

export interface GradientOptions {
  /** The distance of neighbours, one for each dimension, or the coordinates along each. */
  spacing?: number | readonly (number | Tensor)[] | null
  dim?: number | readonly number[] | null
  /** The order of the estimate at the edges. */
  edgeOrder?: 1 | 2
}
/**
 * Estimates of the derivative along each dimension by central differences, as `torch.gradient`.
 *
 * @example
 * torch.gradient(torch.tensor([1, 2, 4, 7]))[0].tolist() // [1, 1.5, 2.5, 3]
 * torch.gradient(torch.tensor([1, 2, 4, 7]), { spacing: 0.5, edgeOrder: 2 })[0].tolist() // [1, 3, 5, 7]
 */
export function gradient(self: Tensor, { spacing = null, dim = null, edgeOrder = 1 }: GradientOptions = {}): Tensor[] {
  const order: number = edgeOrder
  if (order !== 1 && order !== 2) throw new Error('torch.gradient only supports edge_order=1 and edge_order=2.')
  const dims = (dim === null ? self.layout.shape.map((_, d) => d) : typeof dim === 'number' ? [dim] : dim).map((d) =>
    wrapDim(d, self.ndim),
  )
  if (new Set(dims).size !== dims.length) throw new Error('dim appears multiple times in the list of dims')
  const steps = Array.isArray(spacing) ? spacing : dims.map(() => (spacing as number | null) ?? 1)
  if (steps.length !== dims.length)
    throw new Error(
      `torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim arguments to have the same length, but got a spacing argument of length ${steps.length} and a dim argument of length ${dims.length}.`,
    )
  const x = isDifferentiable(self.dtype) ? self : to(self, getDefaultDtype())
  for (const d of dims)
    if (self.layout.shape[d] <= order) throw new Error('torch.gradient expected each dimension size to be at least edge_order+1')
  return dims.map((d, i) => gradientAlong(x, d, steps[i] as number | Tensor, order))
}
function gradientAlong(x: Tensor, d: number, step: number | Tensor, order: number): Tensor {
  const n = x.layout.shape[d]
  const at = (i: number): Tensor => unsqueeze(select(x, d, i), d)
  const part = (start: number): Tensor => narrow(x, d, start, n - 2)
  if (typeof step === 'number') {
    const slope = (a: Tensor, b: Tensor): Tensor => div(sub(b, a), step)
    const three = (a: Tensor, b: Tensor, c: Tensor): Tensor => div(sub(sub(mul(b, 2), mul(a, 1.5)), mul(c, 0.5)), step)
    const first = order === 1 ? slope(at(0), at(1)) : three(at(0), at(1), at(2))
    const last = order === 1 ? slope(at(n - 2), at(n - 1)) : three(at(n - 1), at(n - 2), at(n - 3)).neg()
    return cat([first, div(sub(part(2), part(0)), 2 * step), last], d)
  }
  if (step.ndim !== 1 || step.layout.numel !== n)
    throw new Error('torch.gradient expected each element of the spacing list to have the size of its dimension')
  const shape = x.layout.shape.map((_, i) => (i === d ? -1 : 1))
  const widths = reshape(diff(step), shape)
  const slopes = div(diff(x, 1, d), widths)
  // Between two points there is one slope.
  if (n === 2) return cat([slopes, slopes], d)
  const [before, after] = [narrow(slopes, d, 0, n - 2), narrow(slopes, d, 1, n - 2)]
  const [left, right] = [narrow(widths, d, 0, n - 2), narrow(widths, d, 1, n - 2)]
  const inner = div(add(mul(before, right), mul(after, left)), add(left, right))
  const edge = (i: number, j: number): Tensor => {
    const [own, next] = [narrow(slopes, d, i, 1), narrow(slopes, d, j, 1)]
    if (order === 1) return own
    const [near, far] = [narrow(widths, d, i, 1), narrow(widths, d, j, 1)]
    return add(own, mul(sub(own, next), div(near, add(near, far))))
  }
  return cat([edge(0, 1), inner, edge(n - 2, n - 3)], d)
}
