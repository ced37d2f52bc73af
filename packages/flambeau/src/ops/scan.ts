/** Running reductions along a dimension. */

import { type Scan, scans } from '../backends/backend.js'
import type { DimOptions } from '../core/arguments.js'
import { type DType, isDifferentiable, isFloatingPoint, scalarName } from '../core/dtype.js'
import { isGradEnabled } from '../core/graph.js'
import { wrapDim } from '../core/layout.js'
import { named, type ValuesIndices } from '../core/results.js'
import type { Tensor } from '../core/tensor.js'
import { add, div, mul, neg, sub } from './arithmetic.js'
import { clone, copy_, to } from './cast.js'
import { eq, gt, logicalAnd, lt, maskedFill, where } from './comparison.js'
import { filled } from './copy.js'
import { item } from './creation.js'
import { tril } from './diagonal.js'
import { checkInPlace, defineOp, emptyTensor, type Op } from './dispatch.js'
import { exp, log } from './elementary.js'
import { scatterAdd } from './indexing.js'
import { flip } from './rearrange.js'
import { amax, any, sum } from './reduce.js'
import { expand, transpose, unsqueeze } from './view.js'

function run(kind: Scan, x: Tensor, dim: number, dtype: DType, indices: Tensor | null = null): Tensor {
  const values = emptyTensor(x.storage.allocator, x.layout.shape, dtype)
  if (values.layout.numel > 0) x.storage.allocator.run('cumulative', scans.indexOf(kind), x, values, indices, dim)
  return values
}

/** `fromEnd(cumsum)(x, d)` sums from each place to the end. */
const fromEnd = (scan: (x: Tensor, dim: number) => Tensor, x: Tensor, dim: number): Tensor =>
  x.ndim === 0 ? scan(x, dim) : flip(scan(flip(x, dim), dim), dim)

interface Attributes {
  readonly dim: number
  readonly dtype: DType
}

export interface ScanOptions {
  /** Cast to this dtype first. Integers and bools give int64 unless it is set. */
  dtype?: DType | null
}
/** A running reduction with its in-place form. */
export interface Running {
  (self: Tensor, dim: RunningDim, options?: ScanOptions): Tensor
  readonly inPlace: (self: Tensor, dim: RunningDim, options?: ScanOptions) => Tensor
}
/** `1`, `{ dim: 1 }` or `{ dim: 1, dtype }`. */
type RunningDim = number | (ScanOptions & Required<DimOptions>)

/** `keeps`: the op saves its input, which writing in place would overwrite. */
function running(op: Op<Attributes>, keeps = false): Running {
  const call = (self: Tensor, first: RunningDim, second?: ScanOptions): Tensor => {
    const { dim, dtype } = typeof first === 'object' ? first : { ...second, dim: first }
    const wrapped = wrapDim(dim, self.ndim)
    if (dtype) return op([to(self, dtype)], { dim: wrapped, dtype })[0]
    return op([self], { dim: wrapped, dtype: isDifferentiable(self.dtype) ? self.dtype : 'int64' })[0]
  }
  return Object.assign(call, {
    inPlace: (self: Tensor, first: RunningDim, second?: ScanOptions): Tensor => {
      checkInPlace(self, null, null)
      const given = typeof first === 'object' ? first : { ...second, dim: first }
      return copy_(self, call(keeps ? clone(self) : self, { dtype: self.dtype, ...given }))
    },
  })
}

const cumsumOp: Op<Attributes> = defineOp<Attributes>({
  name: 'Cumsum',
  forward: ([x], { dim, dtype }) => [run('sum', x, dim, dtype)],
  backward: ([g], { attrs: { dim } }) => [fromEnd(cumsum, g!, dim)],
})
/**
 * The sums x₀, x₀ + x₁, … along `dim`, as `torch.cumsum`.
 *
 * @example
 * torch.tensor([1, 2, 3]).cumsum(0).tolist() // [1, 3, 6]
 * torch.tensor([[1, 2], [3, 4]]).cumsum({ dim: 1 }).tolist() // [[1, 3], [3, 7]]
 */
export const cumsum = running(cumsumOp)

const cumprodOp: Op<Attributes> = defineOp<Attributes>({
  name: 'Cumprod',
  forward: ([x], { dim, dtype }) => [run('prod', x, dim, dtype)],
  save: ([x], [out]) => [x, out],
  backward: ([g], { saved: [x, out], attrs: { dim } }) => [cumprodGradient(g!, x, out, dim)],
})
/**
 * The products x₀, x₀·x₁, … along `dim`, as `torch.cumprod`.
 *
 * @example
 * torch.tensor([1, 2, 3]).cumprod(0).tolist() // [1, 2, 6]
 */
export const cumprod = running(cumprodOp, true)

function cumprodGradient(g: Tensor, x: Tensor, out: Tensor, dim: number): Tensor {
  if (x.ndim === 0) return g
  const zero = eq(x, 0)
  if (!item(any(zero))) return div(fromEnd(cumsum, mul(g, out), dim), x)
  if (isGradEnabled()) return cumprodGradientBySquares(g, x, dim)
  // Before the first 0 of a line as above; at it the products without it count; behind it every product is 0.
  const zeros = cumsum(zero, dim)
  const first = logicalAnd(zero, eq(zeros, 1))
  const before = div(fromEnd(cumsum, mul(g, out), dim), maskedFill(x, zero, 1))
  const at = fromEnd(cumsum, mul(g, cumprod(maskedFill(x, first, 1), dim)), dim)
  // What lies before the first 0 has no part in the products that run through it.
  return where(eq(zeros, 0), before, where(first, at, 0))
}
/** Σᵢ gᵢ ∏ⱼ≤ᵢ,ⱼ≠ₖ xⱼ by n² products, without division: what can be differentiated where an x is 0. */
function cumprodGradientBySquares(g: Tensor, x: Tensor, dim: number): Tensor {
  const n = x.layout.shape[dim]
  const lines = unsqueeze(transpose(x, dim, -1), -2)
  const diagonal = eq(tril(filled(x, [n, n], 1, 'int64')).add(tril(filled(x, [n, n], 1, 'int64')).t()), 2)
  const without = maskedFill(expand(lines, [...lines.layout.shape.slice(0, -2), n, n]), diagonal, 1)
  const products = cumprod(without, -1)
  const later = tril(filled(x, [n, n], 1)).t()
  const weighted = mul(mul(products, later), unsqueeze(transpose(g, dim, -1), -2))
  return transpose(sum(weighted, -1), dim, -1)
}

const extremeOp = (name: string, kind: 'max' | 'min'): Op<number> =>
  defineOp<number>({
    name,
    differentiableOutputs: 1,
    forward: ([x], dim) => {
      const indices = emptyTensor(x.storage.allocator, x.layout.shape, 'int64')
      return [run(kind, x, dim, x.dtype, indices), indices]
    },
    save: (_, [, indices]) => [indices],
    backward: ([g], { saved: [indices], attrs: dim, inputs }) => [
      inputs[0].shape.length === 0 ? g : scatterAdd(filled(g!, inputs[0].shape, 0), dim, indices, g!),
    ],
  })
const cummaxOp = extremeOp('Cummax', 'max')
const cumminOp = extremeOp('Cummin', 'min')
const extremes = (op: Op<number>, self: Tensor, dim: number | Required<DimOptions>): ValuesIndices => {
  const [values, indices] = op([self], wrapDim(typeof dim === 'object' ? dim.dim : dim, self.ndim))
  return named({ values, indices })
}
/**
 * The largest so far along `dim` and where it was last met, as `torch.cummax`.
 *
 * @example
 * const { values, indices } = torch.tensor([1, 3, 2]).cummax(0)
 * values.tolist() // [1, 3, 3]
 * indices.tolist() // [0, 1, 1]
 */
export const cummax = (self: Tensor, dim: number | Required<DimOptions>): ValuesIndices => extremes(cummaxOp, self, dim)
/**
 * The smallest so far along `dim` and where it was last met, as `torch.cummin`.
 *
 * @example
 * torch.tensor([3, 1, 2]).cummin({ dim: 0 }).values.tolist() // [3, 1, 1]
 */
export const cummin = (self: Tensor, dim: number | Required<DimOptions>): ValuesIndices => extremes(cumminOp, self, dim)

const logcumsumexpOp: Op<Attributes> = defineOp<Attributes>({
  name: 'Logcumsumexp',
  forward: ([x], { dim, dtype }) => [run('logsumexp', x, dim, dtype)],
  save: ([x], [out]) => [x, out],
  backward: ([g], { saved: [x, out], attrs: { dim } }) => {
    if (isGradEnabled()) {
      const top = amax(x.detach(), dim, { keepdim: true })
      return [mul(exp(sub(x, top)), fromEnd(cumsum, mul(g!, exp(sub(top, out))), dim))]
    }
    // In logarithms, those of positive and of negative gradients apart, so that nothing overflows.
    const part = (positive: Tensor, magnitude: Tensor): Tensor => {
      const logs = maskedFill(log(magnitude), eq(positive, 0), Number.NEGATIVE_INFINITY)
      return exp(add(fromEnd(logcumsumexp, sub(logs, out), dim), x))
    }
    return [sub(part(gt(g!, 0), g!), part(lt(g!, 0), neg(g!)))]
  },
})
/**
 * ln Σ e^x over everything so far along `dim`, without overflow, as `torch.logcumsumexp`.
 *
 * @throws Error for integers.
 * @example
 * torch.tensor([0, 0, 0]).logcumsumexp(0) // tensor([0.0000, 0.6931, 1.0986])
 */
export function logcumsumexp(self: Tensor, dim: number | Required<DimOptions>): Tensor {
  const wrapped = wrapDim(typeof dim === 'object' ? dim.dim : dim, self.ndim)
  if (!isFloatingPoint(self.dtype)) throw new Error(`"logcumsumexp_out_cpu" not implemented for '${scalarName(self.dtype)}'`)
  return logcumsumexpOp([self], { dim: wrapped, dtype: self.dtype })[0]
}
