/** Copies and casts. */

import { backendOf } from '../backends/select.js'
import { type Arguments, isOptions, readArguments } from '../core/arguments.js'
import { type DType, elementOf, isDType, isFloatingPoint, type Scalar } from '../core/dtype.js'
import type { Tensor } from '../core/tensor.js'
import { constant, variable } from '../ir/expr.js'
import { castOp, cloneOp } from './copy.js'
import { PointwiseOp } from './pointwise.js'

/** A copy with memory of its own that gradients flow through, as `torch.clone`. */
export const clone = (self: Tensor): Tensor => cloneOp([self], false)[0]

/** Where and as what `to` puts a tensor. */
export interface ToOptions {
  dtype?: DType
  device?: string
  /** Whether the copy may still be under way on return: of no account between tensors on the CPU. */
  nonBlocking?: boolean
  /** Make a copy even where nothing changes. */
  copy?: boolean
}

/**
 * This tensor with another dtype or on another device, or with those of another tensor, as `torch.Tensor.to`; itself where
 * nothing changes.
 *
 * @throws TypeError for what is no dtype
 * @example
 * torch.tensor([1.7, -1.7]).to('int64').tolist() // [1, -1]
 * torch.tensor([1, 2]).to('cpu', 'float64').dtype // 'float64'
 * torch.tensor([1, 2]).to({ dtype: 'bool', copy: true }).tolist() // [true, true]
 */
export function to(self: Tensor, target: DType | ToOptions | Tensor | string, ...args: ToArguments): Tensor {
  const wanted = args.length === 0 && typeof target === 'string' && isDType(target) ? { dtype: target } : readTo(target, args)
  if (wanted.dtype !== undefined && !isDType(wanted.dtype)) throw new TypeError(`to(): '${wanted.dtype}' is not a dtype`)
  if (wanted.device !== undefined && wanted.device !== self.device) backendOf(wanted.device)
  const dtype = wanted.dtype ?? self.dtype
  if (dtype === self.dtype) return wanted.copy ? clone(self) : self
  return castOp([self], dtype)[0]
}

type ToArguments =
  | Arguments<[nonBlocking: boolean, copy: boolean], ToOptions>
  | Arguments<[dtype: DType, nonBlocking: boolean, copy: boolean], ToOptions>
/** `(dtype, nonBlocking, copy)`, `(other, nonBlocking, copy)`, `(device, dtype, nonBlocking, copy)`, or by name. */
function readTo(target: DType | ToOptions | Tensor | string, args: ToArguments): ToOptions {
  const flags = ['nonBlocking', 'copy'] as const
  if (isOptions(target)) return readArguments<ToOptions>('to', [target], [], ['dtype', 'device', ...flags])
  if (typeof target === 'object')
    return { dtype: (target as Tensor).dtype, device: (target as Tensor).device, ...readArguments<ToOptions>('to', args, flags) }
  if (isDType(target)) return { dtype: target, ...readArguments<ToOptions>('to', args, flags, ['device']) }
  return { device: target, ...readArguments<ToOptions>('to', args, ['dtype', ...flags]) }
}

export const float = (self: Tensor): Tensor => to(self, 'float32')
export const double = (self: Tensor): Tensor => to(self, 'float64')
export const half = (self: Tensor): Tensor => to(self, 'float16')
export const bfloat16 = (self: Tensor): Tensor => to(self, 'bfloat16')
export const long = (self: Tensor): Tensor => to(self, 'int64')
export const int = (self: Tensor): Tensor => to(self, 'int32')
export const short = (self: Tensor): Tensor => to(self, 'int16')
export const char = (self: Tensor): Tensor => to(self, 'int8')
export const byte = (self: Tensor): Tensor => to(self, 'uint8')
export const bool = (self: Tensor): Tensor => to(self, 'bool')
export const typeAs = (self: Tensor, other: Tensor): Tensor => to(self, other.dtype)

const copyOp = new PointwiseOp('Copy', ['x', 'y'], [variable('y')], {
  result: 'first',
  gradients: { x: constant(0), y: variable('g') },
})
const fillOp = new PointwiseOp('Fill', ['x', 'y'], [variable('y')], {
  result: 'first',
  gradients: { x: constant(0), y: variable('g') },
})

/** A number as this tensor holds it; a tensor as it is. */
const valueFor = (self: Tensor, value: Scalar | Tensor): Scalar | Tensor =>
  typeof value === 'object'
    ? value.storage === self.storage
      ? clone(value)
      : value
    : typeof value === 'bigint'
      ? value
      : elementOf(value, self.dtype)

/** Overwrites this tensor with another one's elements, cast and broadcast, as `torch.Tensor.copy_`. */
export const copy_ = (self: Tensor, source: Tensor): Tensor =>
  // A program computes in the class of its target: fractions would be lost before bool asks for them.
  copyOp.callInPlace(self, isFloatingPoint(source.dtype) && !isFloatingPoint(self.dtype) ? to(source, self.dtype) : source)
/** Overwrites every element with one value, as `torch.Tensor.fill_`. */
export const fill_ = (self: Tensor, value: Scalar | Tensor): Tensor => fillOp.callInPlace(self, valueFor(self, value))
/** Overwrites every element with zero, as `torch.Tensor.zero_`. */
export const zero_ = (self: Tensor): Tensor => fillOp.callInPlace(self, 0)
/** A copy with every element replaced by one value, as `torch.fill`. */
export function fill(self: Tensor, value: Scalar | Tensor): Tensor {
  if (typeof value === 'object' && value.ndim > 0)
    throw new Error(`fill_ only supports 0-dimension value tensor but got tensor with ${value.ndim} dimensions.`)
  return fillOp.call(self, valueFor(self, value))
}
