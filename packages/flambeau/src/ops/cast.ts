/** Copies and casts. */

import { backendOf } from '../backends/select.js'
import { type Arguments, isOptions, readArguments } from '../core/arguments.js'
import type { Complex } from '../core/complex.js'
import { complexDType, type DType, isComplex, isDType, isFloatingPoint, type Scalar } from '../core/dtype.js'
import { Tensor } from '../core/tensor.js'
import { constant, variable } from '../ir/expr.js'
import { castOp, cloneOp, filled, valueFor } from './copy.js'
import { requireTensor } from './define.js'
import { PointwiseOp } from './pointwise.js'

/**
 * A copy with memory of its own that gradients flow through, as `torch.clone`.
 *
 * @example
 * const x = torch.tensor([1, 2])
 * const y = x.clone()
 * x.zero_()
 * y.tolist() // [1, 2]
 */
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
  if (isComplex(self.dtype) && !isComplex(dtype)) warnOfCast()
  return castOp([self], dtype)[0]
}

/** As PyTorch, once: it is nearly always a mistake. `real` says the same without a warning. */
function warnOfCast(): void {
  if (!warned) console.warn('Casting complex values to real discards the imaginary part')
  warned = true
}
let warned = false

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

/**
 * This tensor in float32, as `torch.Tensor.float`.
 *
 * @example
 * torch.tensor([1n, 2n]).float().dtype // 'float32'
 */
export const float = (self: Tensor): Tensor => to(self, 'float32')
/**
 * This tensor in float64, as `torch.Tensor.double`.
 *
 * @example
 * torch.tensor([1.5]).double() // tensor([1.5000], dtype=torch.float64)
 */
export const double = (self: Tensor): Tensor => to(self, 'float64')
/**
 * This tensor in float16, as `torch.Tensor.half`.
 *
 * @example
 * torch.tensor([1.5]).half() // tensor([1.5000], dtype=torch.float16)
 */
export const half = (self: Tensor): Tensor => to(self, 'float16')
/**
 * This tensor in bfloat16, as `torch.Tensor.bfloat16`.
 *
 * @example
 * torch.tensor([1.5]).bfloat16() // tensor([1.5000], dtype=torch.bfloat16)
 */
export const bfloat16 = (self: Tensor): Tensor => to(self, 'bfloat16')
/**
 * This tensor in complex64, as `torch.Tensor.cfloat`.
 *
 * @example
 * torch.tensor([1.5]).cfloat() // tensor([1.5000+0.j])
 */
export const cfloat = (self: Tensor): Tensor => to(self, 'complex64')
/**
 * This tensor in complex128, as `torch.Tensor.cdouble`.
 *
 * @example
 * torch.tensor([1.5]).cdouble().dtype // 'complex128'
 */
export const cdouble = (self: Tensor): Tensor => to(self, 'complex128')
/**
 * This tensor in complex32, as `torch.Tensor.chalf`, which flambeau does not have.
 *
 * @throws Error always.
 * @example
 * typeof torch.tensor([1.5]).chalf // 'function'
 */
export const chalf = (self: Tensor): Tensor => to(self, complexDType('float16'))
/**
 * This tensor in int64, fractions cut off, as `torch.Tensor.long`.
 *
 * @example
 * torch.tensor([1.7, -1.7]).long() // tensor([ 1, -1])
 */
export const long = (self: Tensor): Tensor => to(self, 'int64')
/**
 * This tensor in int32, fractions cut off, as `torch.Tensor.int`.
 *
 * @example
 * torch.tensor([1.7, -1.7]).int() // tensor([ 1, -1], dtype=torch.int32)
 */
export const int = (self: Tensor): Tensor => to(self, 'int32')
/**
 * This tensor in int16, fractions cut off, as `torch.Tensor.short`.
 *
 * @example
 * torch.tensor([1.7, -1.7]).short() // tensor([ 1, -1], dtype=torch.int16)
 */
export const short = (self: Tensor): Tensor => to(self, 'int16')
/**
 * This tensor in int8, fractions cut off, as `torch.Tensor.char`.
 *
 * @example
 * torch.tensor([1.7, -1.7]).char() // tensor([ 1, -1], dtype=torch.int8)
 */
export const char = (self: Tensor): Tensor => to(self, 'int8')
/**
 * This tensor in uint8, fractions cut off, as `torch.Tensor.byte`.
 *
 * @example
 * torch.tensor([1.7, 200]).byte() // tensor([  1, 200], dtype=torch.uint8)
 */
export const byte = (self: Tensor): Tensor => to(self, 'uint8')
/**
 * Whether each element is nonzero, as `torch.Tensor.bool`.
 *
 * @example
 * torch.tensor([0, 0.5]).bool() // tensor([False,  True])
 */
export const bool = (self: Tensor): Tensor => to(self, 'bool')
/**
 * This tensor in another one's dtype, as `torch.Tensor.type_as`.
 *
 * @example
 * torch.tensor([1.7]).typeAs(torch.tensor([1n])) // tensor([1])
 */
export const typeAs = (self: Tensor, other: Tensor): Tensor => to(self, requireTensor(other, 'type_as', 'other').dtype)

const copyOp = new PointwiseOp('Copy', ['x', 'y'], [variable('y')], {
  result: 'first',
  gradients: { x: constant(0), y: variable('g') },
})
const fillOp = new PointwiseOp('Fill', ['x', 'y'], [variable('y')], {
  result: 'first',
  gradients: { x: constant(0), y: variable('g') },
})

/** A program computes in the class of its target: the imaginary part, or the fraction bool asks for, would be lost on the way. */
const losesKind = (from: DType, into: DType): boolean =>
  (isComplex(from) && !isComplex(into)) || (isFloatingPoint(from) && !isFloatingPoint(into) && !isComplex(into))

/**
 * Overwrites this tensor with another one's elements, cast and broadcast, or with one number, as `torch.Tensor.copy_`.
 *
 * @example
 * torch.zeros(2, 2).copy_(torch.tensor([1, 2])).tolist() // [[1, 2], [1, 2]]
 */
export const copy_ = (self: Tensor, source: Tensor | Scalar): Tensor => {
  const given = source instanceof Tensor ? source : filled(self, [], source)
  return copyOp.callInPlace(self, losesKind(given.dtype, self.dtype) ? to(given, self.dtype) : given)
}
/**
 * Overwrites every element with one value, as `torch.Tensor.fill_`.
 *
 * @example
 * torch.empty(2).fill_(3).tolist() // [3, 3]
 */
export const fill_ = (self: Tensor, value: Scalar | Complex | Tensor): Tensor => fillOp.callInPlace(self, valueFor(self, value))
/**
 * Overwrites every element with zero, as `torch.Tensor.zero_`.
 *
 * @example
 * torch.ones(2).zero_().tolist() // [0, 0]
 */
export const zero_ = (self: Tensor): Tensor => fillOp.callInPlace(self, 0)
/**
 * A copy with every element replaced by one value, as `torch.fill`.
 *
 * @example
 * torch.fill(torch.zeros(2), 3).tolist() // [3, 3]
 */
export function fill(self: Tensor, value: Scalar | Complex | Tensor): Tensor {
  const given = valueFor(self, value)
  if (typeof given === 'object' && given.ndim > 0)
    throw new Error(`fill_ only supports 0-dimension value tensor but got tensor with ${given.ndim} dimensions.`)
  return fillOp.call(self, given)
}
