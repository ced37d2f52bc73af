/** Quantiles: values below which a given part of the elements lies. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { isFloatingPoint } from '../core/dtype.js'
import { wrapDim } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { clampMin } from './activation.js'
import { ceil, floor, lerp, mul, round, sub } from './arithmetic.js'
import { to } from './cast.js'
import { eq, ge, le, where } from './comparison.js'
import { filled } from './copy.js'
import { item } from './creation.js'
import { gather } from './indexing.js'
import { all, sum } from './reduce.js'
import { sort } from './sort.js'
import { movedim, reshape, squeeze, unsqueeze } from './view.js'

export interface QuantileOptions {
  /** The dimension along which to look; all elements unless given. */
  dim?: number | null
  keepdim?: boolean
  /** What is between two elements. */
  interpolation?: 'linear' | 'lower' | 'higher' | 'midpoint' | 'nearest'
}

function quantiles(name: string, self: Tensor, q: Tensor | number, options: QuantileOptions, ignoreNan: boolean): Tensor {
  const { dim = null, keepdim = false, interpolation = 'linear' } = options
  if (!['linear', 'lower', 'higher', 'midpoint', 'nearest'].includes(interpolation))
    throw new Error(`${name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got ${interpolation}`)
  if (self.layout.numel === 0) throw new Error(`${name}() input tensor must be non-empty`)
  if (self.dtype !== 'float32' && self.dtype !== 'float64')
    throw new Error(`${name}() input tensor must be either float or double dtype`)
  if (q instanceof Tensor) {
    if (q.ndim > 1) throw new Error(`${name}() q must be a scalar or 1D tensor`)
    if (isFloatingPoint(q.dtype) && q.dtype !== self.dtype)
      throw new Error(`${name}() q tensor must be same dtype as the input tensor`)
  } else if (!(q >= 0 && q <= 1)) throw new Error(`${name}() q must be in the range [0, 1] but got ${q}`)
  const parts = q instanceof Tensor ? to(q, self.dtype) : filled(self, [1], q)
  if (!item(all(le(parts, 1))) || !item(all(ge(parts, 0)))) throw new Error(`${name}() q values must be in the range [0, 1]`)
  const d = dim === null ? 0 : wrapDim(dim, self.ndim)
  // Lines last, one after the other.
  const lines = dim === null ? reshape(self, 1, -1) : self.ndim === 0 ? reshape(self, 1, 1) : movedim(self, d, -1)
  const size = lines.layout.shape.at(-1)!
  const sorted = sort(lines).values
  const numbers = sum(eq(sorted, sorted), -1, { keepdim: true })
  const last = to(clampMin(sub(numbers, 1), 0), self.dtype)
  const spread = mul(last, reshape(parts, -1))
  // A NaN makes the quantile NaN: it sorts last.
  const ranks = ignoreNan ? spread : where(eq(numbers, size), spread, filled(spread, spread.layout.shape, size - 1))
  const at = (rank: Tensor): Tensor => gather(sorted, lines.ndim - 1, to(rank, 'int64'))
  const between = (): Tensor => {
    const below = floor(ranks)
    const weight = interpolation === 'midpoint' ? filled(ranks, ranks.layout.shape, 0.5) : sub(ranks, below)
    return lerp(at(below), at(ceil(ranks)), weight)
  }
  const one = { lower: floor, higher: ceil, nearest: round }[interpolation as 'lower'] as typeof floor | undefined
  const found = one ? at(one(ranks)) : between()
  return arranged(found, self, q, dim === null ? null : d, keepdim)
}

/** From [.., quantiles] to PyTorch's shape: the quantiles first if there are several, the dimension back if it is kept. */
function arranged(found: Tensor, self: Tensor, q: Tensor | number, dim: number | null, keepdim: boolean): Tensor {
  const single = !(q instanceof Tensor) || q.ndim === 0
  const count = found.layout.shape.at(-1)!
  const first = movedim(found, -1, 0)
  const kept = keepdim
    ? dim === null || self.ndim === 0
      ? reshape(first, [count, ...self.layout.shape.map(() => 1)])
      : unsqueeze(first, dim + 1)
    : dim === null || self.ndim === 0
      ? reshape(first, [count])
      : first
  return single ? squeeze(kept, 0) : kept
}

/**
 * The values below which the part `q` (a number or a 1-d tensor of them, in [0, 1]) of the elements lies, as
 * `torch.quantile`. A NaN makes it NaN.
 *
 * @example
 * torch.tensor([0, 1, 2, 3]).quantile(0.5).item() // 1.5
 * torch.tensor([[0, 1], [2, 3]]).quantile(0.5, { dim: 1, interpolation: 'lower' }).tolist() // [0, 2]
 */
export const quantile = (self: Tensor, q: Tensor | number, ...args: QuantileArguments): Tensor =>
  quantiles('quantile', self, q, readQuantile('quantile', args), false)
/**
 * `quantile` without regard to NaN, as `torch.nanquantile`.
 *
 * @example
 * torch.tensor([0, NaN, 1]).nanquantile(0.5).item() // 0.5
 */
export const nanquantile = (self: Tensor, q: Tensor | number, ...args: QuantileArguments): Tensor =>
  quantiles('nanquantile', self, q, readQuantile('nanquantile', args), true)

export type QuantileArguments = Arguments<[dim: number | null, keepdim: boolean], QuantileOptions>
const readQuantile = (name: string, args: QuantileArguments): QuantileOptions =>
  readArguments<QuantileOptions>(name, args, ['dim', 'keepdim'], ['interpolation'])
