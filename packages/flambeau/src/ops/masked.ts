/** What `torch.masked` names: reductions and normalizations that leave out the elements where a mask does not hold. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { type DType, getDefaultDtype, isDifferentiable, isFloatingPoint, itemSize } from '../core/dtype.js'
import { wrapDims } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { clampMin } from './activation.js'
import { div, mul, sqrt, sub } from './arithmetic.js'
import { to } from './cast.js'
import { bitwiseNot, isnan, where } from './comparison.js'
import { filled } from './copy.js'
import { item } from './creation.js'
import * as norms from './norm.js'
import type { Dims, ReduceOptions } from './reduce.js'
import * as reduce from './reduce.js'
import * as scans from './scan.js'
import * as plain from './softmax.js'
import { nanmedian } from './sort.js'
import { logaddexp as plainLogaddexp } from './special.js'
import { expand } from './view.js'

export interface MaskOptions {
  /** Where the elements count; everywhere unless given. */
  mask?: Tensor | null
  dtype?: DType | null
}
export type MaskedReduceOptions = MaskOptions & Omit<ReduceOptions, 'dtype'>
export interface MaskedSpreadOptions extends MaskedReduceOptions {
  /** Divide by n − 1 instead of n. */
  unbiased?: boolean
}

const INFINITY = Number.POSITIVE_INFINITY
/** What changes no result of a reduction, as a 0-d tensor. */
const identities = {
  sum: (x: Tensor) => filled(x, [], 0),
  prod: (x: Tensor) => filled(x, [], 1),
  amax: (x: Tensor) => (isFloatingPoint(x.dtype) ? filled(x, [], -INFINITY) : lowest(x)),
  amin: (x: Tensor) => (isFloatingPoint(x.dtype) ? filled(x, [], INFINITY) : bitwiseNot(lowest(x))),
} as const
function lowest(x: Tensor): Tensor {
  const signed = x.dtype !== 'bool' && x.dtype !== 'uint8'
  return filled(x, [], signed ? -(2 ** (8 * itemSize(x.dtype) - 1)) : 0)
}

/** The tensor with the identity of a reduction where the mask does not hold. */
function prepared(self: Tensor, kind: keyof typeof identities, { mask, dtype }: MaskOptions): Tensor {
  const x = dtype ? to(self, dtype) : self
  if (!mask) return x
  return where(to(expand(mask, x.layout.shape), 'bool'), x, identities[kind](x))
}
const readOptions = <O extends MaskedReduceOptions>(dim: Dims | O | undefined, options: O | undefined): O =>
  reduce.readDims('masked', ['dtype', 'mask', 'unbiased', 'ord', 'eps'], dim, options)
/** No dimensions named is all of them. */
const along = (self: Tensor, dim: Dims | undefined): number[] =>
  wrapDims(Array.isArray(dim) && dim.length === 0 ? null : dim, self.ndim)
const floating = (self: Tensor, dtype: DType | null | undefined): Tensor =>
  dtype ? to(self, dtype) : isDifferentiable(self.dtype) ? self : to(self, getDefaultDtype())

/**
 * The sum of the elements where the mask holds, as `torch.masked.sum`.
 *
 * @example
 * torch.masked.sum(torch.tensor([1, 3, 9]), 0, { mask: torch.tensor([true, true, false]) }) // tensor(4.)
 */
export function sum(self: Tensor, dim?: Dims | MaskedReduceOptions, options?: MaskedReduceOptions): Tensor {
  const read = readOptions(dim, options)
  return reduce.sum(prepared(self, 'sum', read), along(self, read.dim), { keepdim: read.keepdim })
}
/**
 * The product of the elements where the mask holds, as `torch.masked.prod`.
 *
 * @example
 * torch.masked.prod(torch.tensor([1, 3, 9]), 0, { mask: torch.tensor([true, true, false]) }) // tensor(3.)
 */
export function prod(self: Tensor, dim?: Dims | MaskedReduceOptions, options?: MaskedReduceOptions): Tensor {
  const read = readOptions(dim, options)
  const x = prepared(self, 'prod', read)
  if (self.ndim === 0) return read.dtype || isDifferentiable(x.dtype) ? x : to(x, 'int64')
  return along(self, read.dim)
    .sort((a, b) => b - a)
    .reduce((t, d) => reduce.prod(t, d, { keepdim: read.keepdim }), x)
}
/**
 * The largest of the elements where the mask holds, as `torch.masked.amax`.
 *
 * @example
 * torch.masked.amax(torch.tensor([1, 3, 9]), 0, { mask: torch.tensor([true, true, false]) }) // tensor(3.)
 */
export function amax(self: Tensor, dim?: Dims | MaskedReduceOptions, options?: MaskedReduceOptions): Tensor {
  const read = readOptions(dim, options)
  return reduce.amax(prepared(self, 'amax', read), along(self, read.dim), { keepdim: read.keepdim })
}
/**
 * The smallest of the elements where the mask holds, as `torch.masked.amin`.
 *
 * @example
 * torch.masked.amin(torch.tensor([1, 3, 9]), 0, { mask: torch.tensor([true, true, false]) }) // tensor(1.)
 */
export function amin(self: Tensor, dim?: Dims | MaskedReduceOptions, options?: MaskedReduceOptions): Tensor {
  const read = readOptions(dim, options)
  return reduce.amin(prepared(self, 'amin', read), along(self, read.dim), { keepdim: read.keepdim })
}
/**
 * The index of the largest element where the mask holds, in the dtype of the input, as `torch.masked.argmax`.
 *
 * @example
 * torch.masked.argmax(torch.tensor([1, 3, 9]), 0, { mask: torch.tensor([true, true, false]) }) // tensor(1.)
 */
export function argmax(self: Tensor, dim?: Dims | MaskedReduceOptions, options?: MaskedReduceOptions): Tensor {
  const { dim: one, keepdim, ...read } = readOptions(dim, options)
  return to(reduce.argmax(prepared(self, 'amax', read), { dim: one, keepdim }), read.dtype ?? self.dtype)
}
/**
 * The index of the smallest element where the mask holds, in the dtype of the input, as `torch.masked.argmin`.
 *
 * @example
 * torch.masked.argmin(torch.tensor([1, 3, 9]), 0, { mask: torch.tensor([true, true, false]) }) // tensor(0.)
 */
export function argmin(self: Tensor, dim?: Dims | MaskedReduceOptions, options?: MaskedReduceOptions): Tensor {
  const { dim: one, keepdim, ...read } = readOptions(dim, options)
  return to(reduce.argmin(prepared(self, 'amin', read), { dim: one, keepdim }), read.dtype ?? self.dtype)
}

/** How many elements count. */
function count(self: Tensor, { mask, dim, keepdim }: MaskedReduceOptions): Tensor {
  const ones = mask ? to(expand(mask, self.layout.shape), 'bool') : filled(self, self.layout.shape, true, 'bool')
  return reduce.sum(ones, along(self, dim), { keepdim })
}
/**
 * The mean of the elements where the mask holds, as `torch.masked.mean`.
 *
 * @example
 * torch.masked.mean(torch.tensor([1, 3, 9]), 0, { mask: torch.tensor([true, true, false]) }) // tensor(2.)
 */
export function mean(self: Tensor, dim?: Dims | MaskedReduceOptions, options?: MaskedReduceOptions): Tensor {
  const read = readOptions(dim, options)
  // Integers are summed in their own dtype, a bool asking whether any is true.
  const x = read.dtype ? to(self, read.dtype) : self
  const total = reduce.sum(prepared(x, 'sum', { mask: read.mask }), along(x, read.dim), { keepdim: read.keepdim, dtype: x.dtype })
  return div(total, count(self, read))
}
/**
 * The variance of the elements where the mask holds, over n unless `unbiased`, as `torch.masked.var`.
 *
 * @example
 * torch.masked.var(torch.tensor([1, 3, 9]), 0, { mask: torch.tensor([true, true, false]) }).item() // 1
 */
function variance(self: Tensor, dim?: Dims | MaskedSpreadOptions, options?: MaskedSpreadOptions): Tensor {
  const { dtype, unbiased = false, ...read } = readOptions(dim, options)
  const x = floating(self, dtype)
  const centred = sub(x, mean(x, { ...read, keepdim: true }))
  const total = sum(mul(centred, centred), read)
  const n = count(self, read)
  return div(total, unbiased ? clampMin(sub(n, 1), 0) : n)
}

export { variance as var }
/**
 * The standard deviation of the elements where the mask holds, as `torch.masked.std`.
 *
 * @example
 * torch.masked.std(torch.tensor([1, 3, 9]), 0, { mask: torch.tensor([true, true, false]) }) // tensor(1.)
 */
export const std = (self: Tensor, dim?: Dims | MaskedSpreadOptions, options?: MaskedSpreadOptions): Tensor =>
  sqrt(variance(self, dim, options))
/**
 * The lower median of the elements of each line where the mask holds, as `torch.masked.median`.
 *
 * @example
 * torch.masked.median(torch.tensor([1, 3, 9]), 0, { mask: torch.tensor([true, true, false]) }) // tensor(1.)
 */
export function median(self: Tensor, dim?: number | MaskedReduceOptions, options?: MaskedReduceOptions): Tensor {
  const read = readOptions(dim, options)
  const given = isFloatingPoint(self.dtype) ? self : to(self, 'float64')
  const x = read.mask ? where(to(expand(read.mask, self.layout.shape), 'bool'), given, Number.NaN) : given
  const { values } = nanmedian(x, (read.dim as number | undefined) ?? -1, { keepdim: read.keepdim })
  if (!isFloatingPoint(self.dtype) && item(reduce.any(isnan(values))))
    throw new Error('masked median expects no fully masked out rows if dtype is not floating point')
  return to(values, self.dtype)
}
/**
 * ln Σ e^x over the elements where the mask holds, as `torch.masked.logsumexp`.
 *
 * @example
 * torch.masked.logsumexp(torch.tensor([1, 3, 9]), 0, { mask: torch.tensor([true, true, false]) }) // tensor(3.1269)
 */
export function logsumexp(self: Tensor, dim?: Dims | MaskedReduceOptions, options?: MaskedReduceOptions): Tensor {
  const { dtype, ...read } = readOptions(dim, options)
  const x = prepared(floating(self, dtype), 'amax', read)
  return to(reduce.logsumexp(x, along(self, read.dim), { keepdim: read.keepdim }), dtype ?? self.dtype)
}
/**
 * The norm of the elements where the mask holds, as `torch.masked.norm`.
 *
 * @example
 * torch.masked.norm(torch.tensor([3, 4, 9]), 2, 0, { mask: torch.tensor([true, true, false]) }).item() // 5
 */
export function norm(
  self: Tensor,
  ...args: Arguments<[ord: number | null, dim: Dims], MaskedReduceOptions & { ord?: number | null }>
): Tensor {
  const names = ['keepdim', 'dtype', 'mask'] as const
  const given = readArguments<MaskedReduceOptions & { ord?: number | null }>('masked.norm', args, ['ord', 'dim'], names)
  const { ord, ...read } = given
  const order = ord ?? 2
  return norms.vectorNorm(prepared(self, order === -INFINITY ? 'amin' : 'sum', read), order, along(self, read.dim), {
    keepdim: read.keepdim,
  })
}

/**
 * ln(e^a + e^b), an operand counting as e^-∞ where its mask does not hold, as `torch.masked.logaddexp`.
 *
 * @example
 * const otherMask = torch.tensor([true, false])
 * torch.masked.logaddexp(torch.tensor([0, 1]), torch.tensor([0, 1]), { otherMask }) // tensor([0.6931, 1.0000])
 */
export const logaddexp = (
  self: Tensor,
  other: Tensor,
  { inputMask, otherMask }: { inputMask?: Tensor | null; otherMask?: Tensor | null } = {},
): Tensor => plainLogaddexp(prepared(self, 'amax', { mask: inputMask }), prepared(other, 'amax', { mask: otherMask }))

/**
 * Sums so far along `dim` of the elements where the mask holds, as `torch.masked.cumsum`.
 *
 * @example
 * torch.masked.cumsum(torch.tensor([1, 3, 9]), 0, { mask: torch.tensor([true, true, false]) }) // tensor([1., 4., 4.])
 */
export const cumsum = (self: Tensor, dim: number, options: MaskOptions = {}): Tensor =>
  scans.cumsum(prepared(self, 'sum', options), dim, { dtype: options.dtype ?? self.dtype })
/**
 * Products so far along `dim` of the elements where the mask holds, as `torch.masked.cumprod`.
 *
 * @example
 * torch.masked.cumprod(torch.tensor([1, 3, 9]), 0, { mask: torch.tensor([true, true, false]) }) // tensor([1., 3., 3.])
 */
export const cumprod = (self: Tensor, dim: number, options: MaskOptions = {}): Tensor =>
  scans.cumprod(prepared(self, 'prod', options), dim, { dtype: options.dtype ?? self.dtype })
/**
 * Softmax over the elements where the mask holds, as `torch.masked.softmax`.
 *
 * @example
 * torch.masked.softmax(torch.tensor([1, 3, 9]), 0, { mask: torch.tensor([true, true, false]) }) // tensor([0.1192, 0.8808, 0.0000])
 */
export const softmax = (self: Tensor, dim: number, { dtype, mask }: MaskOptions = {}): Tensor =>
  plain.softmax(prepared(floating(self, dtype), 'amax', { mask }), dim)
/**
 * The logarithm of `softmax`, as `torch.masked.log_softmax`.
 *
 * @example
 * torch.masked.logSoftmax(torch.tensor([1, 3, 9]), 0, { mask: torch.tensor([true, true, false]) }) // tensor([-2.1269, -0.1269,    -inf])
 */
export const logSoftmax = (self: Tensor, dim: number, { dtype, mask }: MaskOptions = {}): Tensor =>
  plain.logSoftmax(prepared(floating(self, dtype), 'amax', { mask }), dim)
/**
 * `softmax` of the negated elements, as `torch.masked.softmin`.
 *
 * @example
 * torch.masked.softmin(torch.tensor([1, 3, 9]), 0, { mask: torch.tensor([true, true, false]) }) // tensor([0.8808, 0.1192, 0.0000])
 */
export const softmin = (self: Tensor, dim: number, { dtype, mask }: MaskOptions = {}): Tensor =>
  plain.softmax(prepared(floating(self, dtype), 'amin', { mask }).neg(), dim)
/**
 * The elements over the norm of those of their line where the mask holds, as `torch.masked.normalize`.
 *
 * @example
 * torch.masked.normalize(torch.tensor([3, 4, 9]), 2, 0, { mask: torch.tensor([true, true, false]) }) // tensor([0.6000, 0.8000, 0.0000])
 */
export function normalize(
  self: Tensor,
  ord: number,
  dim: number,
  { eps = 1e-12, dtype, mask }: MaskOptions & { eps?: number } = {},
): Tensor {
  const x = prepared(floating(self, dtype), 'sum', { mask })
  return div(x, clampMin(norm(x, ord, dim, { keepdim: true }), eps))
}
