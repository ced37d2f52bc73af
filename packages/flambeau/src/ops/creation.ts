/** Making tensors, and reading them back into JavaScript values. */

import { backendOf } from '../backends/select.js'
import { type Arguments, readArguments } from '../core/arguments.js'
import { type Complex, isComplexNumber } from '../core/complex.js'
import {
  type DType,
  elementOf,
  getDefaultDtype,
  isComplex,
  isDifferentiable,
  isDType,
  isFloatingPoint,
  isIntegral,
  itemSize,
  type Scalar,
  scalarDType,
  type TypedArray,
  viewAs,
} from '../core/dtype.js'
import { bfloat16ToFloat, floatToBFloat16, floatToHalf, halfToFloat } from '../core/half.js'
import { Layout, numelOf, type Shape, showShape } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { copyInto, partOf, rowMajor } from './copy.js'
import { emptyTensor } from './dispatch.js'
import { type Sizes, sizesOf } from './view.js'

export interface TensorOptions {
  dtype?: DType
  device?: string
  /** Record operations on the result, so that backward gives it a gradient. */
  requiresGrad?: boolean
}

/** The names in `TensorOptions`. */
export const tensorOptions = ['dtype', 'device', 'requiresGrad'] as const

/** Numbers, bigints, booleans or complex numbers in arrays of equal length, nested as deep as the tensor has dimensions. */
export type NestedArray = Scalar | Complex | readonly NestedArray[]

const requireDType = (dtype: DType): DType => {
  if (!isDType(dtype)) throw new TypeError(`'${dtype}' is not a dtype`)
  return dtype
}

/** A new leaf from its options; `fill` writes the contents. */
function make(sizes: Shape, options: TensorOptions, dtype: DType, fill?: (t: Tensor) => void): Tensor {
  const bad = sizes.find((size) => !Number.isInteger(size) || size < 0)
  if (bad !== undefined) throw new Error(`Trying to create tensor with negative dimension ${bad}: ${showShape(sizes)}`)
  const t = emptyTensor(backendOf(options.device), [...sizes], requireDType(dtype))
  fill?.(t)
  return leaf(t, options)
}

function leaf(t: Tensor, options: TensorOptions): Tensor {
  if (options.requiresGrad) {
    requireDifferentiable(t)
    t.leafRequiresGrad = true
  }
  return t
}

export function requireDifferentiable(t: Tensor): void {
  if (!isDifferentiable(t.dtype)) throw new Error('only Tensors of floating point and complex dtype can require gradients')
}

/** Splits `(2, 3, { dtype })` and `([2, 3], { dtype })`. */
export type SizesAndOptions<O = TensorOptions> =
  | readonly [...sizes: number[], options: O]
  | readonly number[]
  | readonly [Shape, O?]
export function splitSizes<O extends object = TensorOptions>(args: SizesAndOptions<O>): { sizes: Shape; options: O } {
  const last = args.at(-1)
  const hasOptions = typeof last === 'object' && !Array.isArray(last)
  return {
    sizes: sizesOf((hasOptions ? args.slice(0, -1) : args) as Sizes),
    options: (hasOptions ? last : {}) as O,
  }
}

/**
 * A tensor from a value or nested arrays, as `torch.tensor`: numbers become float32, booleans bool, bigints int64, complex
 * numbers `{ re, im }` complex64. A tensor is copied.
 *
 * @throws Error for ragged arrays, and for complex numbers with a real dtype.
 * @example
 * torch.tensor([[1, 2], [3, 4]]).shape // [2, 2]
 */
export function tensor(data: NestedArray | TypedArray | Tensor, options: TensorOptions = {}): Tensor {
  if (data instanceof Tensor) {
    const { dtype = data.dtype } = options
    return make(data.layout.shape, options, dtype, (t) => copyInto(t, isComplex(dtype) ? data : realPart(data)))
  }
  if (ArrayBuffer.isView(data)) return fromTypedArray(data as TypedArray, undefined, options)
  const shape = shapeOfNested(data)
  const dtype = options.dtype ?? inferDType(data)
  return make(shape, options, dtype, (t) => {
    const write = writer(t)
    let at = 0
    const visit = (value: NestedArray, depth: number): void => {
      if (!Array.isArray(value)) {
        if (depth !== shape.length) throw new Error(`expected sequence of length ${shape[depth]} at dim ${depth}`)
        write(at++, value as Scalar | Complex)
        return
      }
      if (depth === shape.length || value.length !== shape[depth])
        throw new Error(`expected sequence of length ${shape[depth] ?? 'none'} at dim ${depth} (got ${value.length})`)
      for (const item of value) visit(item, depth + 1)
    }
    visit(data as NestedArray, 0)
  })
}

const realPart = (t: Tensor): Tensor => (isComplex(t.dtype) ? partOf(t, 0) : t)

function shapeOfNested(data: unknown): number[] {
  const shape: number[] = []
  for (let level = data; Array.isArray(level); level = level[0]) {
    shape.push(level.length)
    if (level.length === 0) break
  }
  return shape
}

function inferDType(data: unknown): DType {
  let found: DType | undefined
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit)
    else if (isComplexNumber(value)) found = scalarDType(value)
    else if (found !== undefined && isComplex(found)) return
    else if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') {
      const dtype = scalarDType(value)
      if (found === undefined || found === 'bool' || isFloatingPoint(dtype))
        found = dtype === 'bool' && found !== undefined ? found : dtype
    } else
      throw new TypeError(`tensor(): expected numbers, booleans or bigints, but got ${value === null ? 'null' : typeof value}`)
  }
  visit(data)
  return found ?? getDefaultDtype()
}

/** The elements of a row-major tensor as a typed array on its own memory: valid until the next allocation. */
export function elements(t: Tensor): TypedArray {
  const { memory } = t.storage
  const { offset, numel } = t.layout
  // A view of no elements may start beyond the end.
  return viewAs(t.dtype, memory.buffer, memory.byteOffset + (numel === 0 ? 0 : offset) * itemSize(t.dtype), numel)
}

function writer(t: Tensor): (at: number, value: Scalar | Complex) => void {
  const array = elements(t)
  if (isComplex(t.dtype))
    return (at, value) => {
      const isPair = isComplexNumber(value)
      array[2 * at] = isPair ? value.re : Number(value)
      array[2 * at + 1] = isPair ? value.im : 0
    }
  const write = realWriter(array, t.dtype)
  return (at, value) => {
    if (typeof value === 'object') throw new TypeError('must be real number, not complex')
    write(at, value)
  }
}
function realWriter(array: TypedArray, dtype: DType): (at: number, value: Scalar) => void {
  switch (dtype) {
    case 'int64':
      return (at, value) => {
        ;(array as BigInt64Array)[at] = typeof value === 'bigint' ? value : integer(value)
      }
    case 'bool':
      return (at, value) => {
        array[at] = elementOf(value, 'bool')
      }
    case 'float16':
      return (at, value) => {
        array[at] = floatToHalf(Number(value))
      }
    case 'bfloat16':
      return (at, value) => {
        array[at] = floatToBFloat16(Number(value))
      }
    default:
      if (isFloatingPoint(dtype))
        return (at, value) => {
          array[at] = Number(value)
        }
      return (at, value) => {
        array[at] = elementOf(value, dtype)
      }
  }
}
function integer(value: number | boolean): bigint {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`cannot convert ${value} to an integer`)
  return BigInt(Math.trunc(Number(value)))
}

type Reader = (at: number) => number | bigint | boolean | Complex

/** Reads elements by their place in an array. */
function readerOf(array: TypedArray, dtype: DType): Reader {
  switch (dtype) {
    case 'bool':
      return (at) => array[at] !== 0
    case 'float16':
      return (at) => halfToFloat(array[at] as number)
    case 'bfloat16':
      return (at) => bfloat16ToFloat(array[at] as number)
    case 'complex64':
    case 'complex128':
      return (at) => ({ re: array[2 * at] as number, im: array[2 * at + 1] as number })
    default:
      return (at) => array[at]
  }
}

/** Reads the i-th element of a row-major tensor. */
const reader = (t: Tensor): Reader => readerOf(elements(t), t.dtype)

/** Reads elements by their place in the tensor's storage. */
export function elementReader(t: Tensor): Reader {
  const { memory, byteLength } = t.storage
  return readerOf(viewAs(t.dtype, memory.buffer, memory.byteOffset, byteLength / itemSize(t.dtype)), t.dtype)
}

/**
 * A tensor of a typed array's elements, which are copied on every engine; Float32Array gives float32, BigInt64Array int64, and
 * so on. `frombuffer` shares memory instead.
 * A Uint16Array needs a dtype: its elements are the bit patterns of float16 or bfloat16. With a complex dtype, a Float32Array or
 * Float64Array holds real and imaginary parts in turn.
 *
 * @example
 * torch.fromTypedArray(new Float32Array([1, 2, 3, 4]), [2, 2]).tolist() // [[1, 2], [3, 4]]
 */
export function fromTypedArray(array: TypedArray, sizes?: Shape, options: TensorOptions = {}): Tensor {
  const dtype = options.dtype ?? typedArrayDType(array)
  const source = typedArrayDType(array, dtype)
  const numel = isComplex(source) ? array.length / 2 : array.length
  const shape = sizes ?? [numel]
  if (numelOf(shape) !== numel) throw new Error(`shape '${showShape(shape)}' is invalid for input of size ${numel}`)
  return make(shape, options, dtype, (t) => {
    const raw = source === dtype ? t : emptyTensor(t.storage.allocator, shape, source)
    ;(elements(raw) as Float32Array).set(array as Float32Array)
    if (raw !== t) copyInto(t, raw)
  })
}
function typedArrayDType(array: TypedArray, wanted?: DType): DType {
  const pairs = wanted !== undefined && isComplex(wanted)
  if (array instanceof Float32Array) return pairs ? 'complex64' : 'float32'
  if (array instanceof Float64Array) return pairs ? 'complex128' : 'float64'
  if (array instanceof Int8Array) return 'int8'
  if (array instanceof Int16Array) return 'int16'
  if (array instanceof Int32Array) return 'int32'
  if (array instanceof BigInt64Array) return 'int64'
  if (array instanceof Uint8Array) return wanted === 'bool' ? 'bool' : 'uint8'
  if (array instanceof Uint16Array && (wanted === 'float16' || wanted === 'bfloat16')) return wanted
  throw new TypeError(`no dtype for ${(array as object)?.constructor?.name ?? typeof array}`)
}

/**
 * All elements in row-major order as a new typed array; float16 and bfloat16 as float32, bools as 0 and 1, complex numbers as
 * their real and imaginary parts in turn. They are copied on every engine: what is written to the array does not reach the
 * tensor, and the array stays whole when it is transferred to another thread. To work on the same memory make the tensor of a
 * buffer, with `frombuffer`.
 */
export function toTypedArray(self: Tensor): TypedArray {
  if (self.dtype !== 'float16' && self.dtype !== 'bfloat16') return elements(rowMajor(self)).slice() as TypedArray
  const wide = emptyTensor(self.storage.allocator, self.layout.shape, 'float32')
  copyInto(wide, self)
  return elements(wide).slice()
}

/**
 * The value of a tensor with one element, as `torch.Tensor.item`: a number, of a bool tensor a boolean, of a complex one
 * `{ re, im }`. TypeScript expects a number unless told otherwise, as dtypes are no part of a tensor's type.
 *
 * @throws Error for more elements, or an int64 no number holds.
 * @example
 * torch.tensor([1, 2]).sum().item() // 3
 * torch.tensor([1, 2]).gt(1).any().item<boolean>() // true
 */
export function item<T extends number | boolean | Complex = number>(self: Tensor): T {
  const value = onlyElement(self)
  return (typeof value === 'bigint' ? safeNumber(value) : value) as T
}
/** The value of an int64 tensor with one element, whatever its size. */
export function itemBigInt(self: Tensor): bigint {
  const value = onlyElement(self)
  if (typeof value === 'object') throw new TypeError('a complex number cannot be converted to a bigint')
  return typeof value === 'bigint' ? value : BigInt(value)
}
function onlyElement(self: Tensor): number | bigint | boolean | Complex {
  if (self.layout.numel !== 1) throw new Error(`a Tensor with ${self.layout.numel} elements cannot be converted to Scalar`)
  return reader(self)(0)
}
function safeNumber(value: bigint): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number))
    throw new RangeError(`the int64 value ${value} does not fit a number exactly: use itemBigInt()`)
  return number
}

export type TensorList = number | boolean | Complex | TensorList[]
/** The elements as nested arrays, or the value itself for a 0-d tensor, as `torch.Tensor.tolist`. */
// biome-ignore lint/suspicious/noExplicitAny: how deep the arrays nest is known to the caller alone
export function tolist(self: Tensor): any {
  const read = reader(rowMajor(self))
  const { shape } = self.layout
  let at = 0
  const build = (d: number): TensorList => {
    if (d === shape.length) {
      const value = read(at++)
      return typeof value === 'bigint' ? safeNumber(value) : value
    }
    return Array.from({ length: shape[d] }, () => build(d + 1))
  }
  return build(0)
}

/**
 * Uninitialised memory, as `torch.empty`.
 *
 * @example
 * torch.empty(2, 3).shape // [2, 3]
 */
export function empty(...args: SizesAndOptions): Tensor {
  const { sizes, options } = splitSizes(args)
  return make(sizes, options, options.dtype ?? getDefaultDtype())
}
/**
 * All zeros, as `torch.zeros`.
 *
 * @example
 * torch.zeros([2], { dtype: 'int64' }) // tensor([0, 0])
 */
export function zeros(...args: SizesAndOptions): Tensor {
  const { sizes, options } = splitSizes(args)
  return make(sizes, options, options.dtype ?? getDefaultDtype(), (t) => copyInto(t, 0))
}
/**
 * All ones, as `torch.ones`.
 *
 * @example
 * torch.ones(2, 2).tolist() // [[1, 1], [1, 1]]
 */
export function ones(...args: SizesAndOptions): Tensor {
  const { sizes, options } = splitSizes(args)
  return make(sizes, options, options.dtype ?? getDefaultDtype(), (t) => copyInto(t, 1))
}
/**
 * One value everywhere, as `torch.full`: whole numbers give int64, as in PyTorch, others float32.
 *
 * @example
 * torch.full([2], 0.5).tolist() // [0.5, 0.5]
 */
export function full(size: Shape, fillValue: Scalar | Complex, options: TensorOptions = {}): Tensor {
  const inferred =
    typeof fillValue === 'number' ? (Number.isInteger(fillValue) ? 'int64' : getDefaultDtype()) : scalarDType(fillValue)
  return make(size, options, options.dtype ?? inferred, (t) => copyInto(t, fillValue))
}

const like = (self: Tensor, options: TensorOptions): TensorOptions => ({ device: self.device, ...options })
/**
 * Uninitialised memory with another tensor's shape and dtype, as `torch.empty_like`.
 *
 * @example
 * torch.emptyLike(torch.zeros(2, 3)).shape // [2, 3]
 */
export const emptyLike = (self: Tensor, options: TensorOptions = {}): Tensor =>
  make(self.layout.shape, like(self, options), options.dtype ?? self.dtype)
/**
 * Zeros with another tensor's shape and dtype, as `torch.zeros_like`.
 *
 * @example
 * torch.zerosLike(torch.tensor([5, 6])).tolist() // [0, 0]
 */
export const zerosLike = (self: Tensor, options: TensorOptions = {}): Tensor => fullLike(self, 0, options)
/**
 * Ones with another tensor's shape and dtype, as `torch.ones_like`.
 *
 * @example
 * torch.onesLike(torch.tensor([5, 6])).tolist() // [1, 1]
 */
export const onesLike = (self: Tensor, options: TensorOptions = {}): Tensor => fullLike(self, 1, options)
/**
 * One value everywhere, with another tensor's shape and dtype, as `torch.full_like`.
 *
 * @example
 * torch.fullLike(torch.zeros(2), 7).tolist() // [7, 7]
 */
export const fullLike = (self: Tensor, fillValue: Scalar | Complex, options: TensorOptions = {}): Tensor =>
  make(self.layout.shape, like(self, options), options.dtype ?? self.dtype, (t) => copyInto(t, fillValue))

/**
 * The identity matrix [n, n], or [n, m], as `torch.eye`.
 *
 * @example
 * torch.eye(2).tolist() // [[1, 0], [0, 1]]
 * torch.eye(1, 2, { dtype: 'int64' }).tolist() // [[1, 0]]
 */
export function eye(n: number, ...args: Arguments<[m: number], TensorOptions & { m?: number }>): Tensor {
  const { m: columns = n, ...named } = readArguments<TensorOptions & { m?: number }>('eye', args, ['m'], tensorOptions)
  return make([n, columns], named, named.dtype ?? getDefaultDtype(), (t) => {
    copyInto(t, 0)
    const diagonal = new Layout([Math.min(n, columns)], [columns + 1])
    copyInto(new Tensor(t.storage, diagonal, t.dtype), 1)
  })
}

/** Whether a dtype holds whole numbers only: bounds and steps are then cut to such first. */
const isWhole = (dtype: DType | undefined): boolean => dtype !== undefined && isIntegral(dtype)

export interface ArangeOptions extends TensorOptions {
  start?: number
  end?: number
  step?: number
}
/**
 * Numbers from `start` (0) up to `end`, exclusive, by `step` (1), as `torch.arange`: int64 where all are whole numbers.
 *
 * @example
 * torch.arange(5).tolist() // [0, 1, 2, 3, 4]
 * torch.arange(1, 2, 0.5).tolist() // [1, 1.5]
 * torch.arange({ start: 1, end: 4 }).tolist() // [1, 2, 3]
 */
export function arange(start: number | ArangeOptions, ...args: Arguments<[end: number, step: number], ArangeOptions>): Tensor {
  const names = ['start', 'end', 'step'] as const
  const {
    start: first,
    end,
    step: by = 1,
    ...named
  } = readArguments<ArangeOptions>('arange', [start, ...args], names, tensorOptions)
  // A single bound is the end.
  const [from, to] = end === undefined ? [0, first] : [first ?? 0, end]
  if (to === undefined) throw new TypeError("arange() missing 1 required positional argument: 'end'")
  if (by === 0) throw new Error('step must be nonzero')
  if (!Number.isFinite(from) || !Number.isFinite(to)) throw new Error(`unsupported range: ${from} -> ${to}`)
  if ((to - from) / by < 0) throw new Error('upper bound and larger bound inconsistent with step sign')
  const whole = Number.isInteger(from) && Number.isInteger(to) && Number.isInteger(by)
  if (isWhole(named.dtype) && Math.trunc(by) === 0) throw new Error('step must be nonzero')
  return make([Math.ceil((to - from) / by)], named, named.dtype ?? (whole ? 'int64' : getDefaultDtype()), (t) => {
    if (t.layout.numel > 0) t.storage.allocator.run('arange', t, from, by)
  })
}

/** Numbers evenly spaced, counted from both ends towards the middle so that both are met exactly, as values of a function. */
function evenly(first: number, last: number, steps: number, f: (value: number) => number, options: TensorOptions): Tensor {
  const [start, end] = isWhole(options.dtype) ? [Math.trunc(first), Math.trunc(last)] : [first, last]
  const step = steps > 1 ? (end - start) / (steps - 1) : 0
  const numbers = Float64Array.from({ length: steps }, (_, i) =>
    f(i < steps / 2 ? start + step * i : end - step * (steps - 1 - i)),
  )
  return fromTypedArray(numbers, [steps], { dtype: getDefaultDtype(), ...options })
}

/**
 * `steps` numbers evenly spaced from `start` to `end`, both included, as `torch.linspace`.
 *
 * @example
 * torch.linspace(0, 1, 5).tolist() // [0, 0.25, 0.5, 0.75, 1]
 */
export function linspace(start: number, end: number, steps: number, options: TensorOptions = {}): Tensor {
  if (!Number.isInteger(steps) || steps < 0) throw new Error('number of steps must be non-negative')
  if (isWhole(options.dtype)) return evenly(start, end, steps, (value) => value, options)
  return make([steps], options, options.dtype ?? getDefaultDtype(), (t) => {
    if (steps === 0) return
    const step = steps > 1 ? (end - start) / (steps - 1) : 0
    // The second half counts down from the end, so that both ends are exact.
    const half = Math.floor(steps / 2)
    const part = (from: number, length: number): Tensor => new Tensor(t.storage, t.layout.slice(0, from, length), t.dtype)
    if (half > 0) t.storage.allocator.run('arange', part(0, half), start, step)
    t.storage.allocator.run('arange', part(half, steps - half), end - step * (steps - 1 - half), step)
    if (steps > 1) copyInto(part(steps - 1, 1), end)
    else copyInto(part(0, 1), start)
  })
}

/**
 * `steps` numbers from baseˢᵗᵃʳᵗ to baseᵉⁿᵈ whose logarithms are evenly spaced, as `torch.logspace`. The base is 10 unless
 * given.
 *
 * @throws Error for a negative number of steps
 * @example
 * torch.logspace(0, 2, 3).tolist() // [1, 10, 100]
 * torch.logspace(0, 3, 4, { base: 2 }).tolist() // [1, 2, 4, 8]
 */
export function logspace(
  start: number,
  end: number,
  steps: number,
  ...args: Arguments<[base: number], TensorOptions & { base?: number }>
): Tensor {
  const given = readArguments<TensorOptions & { base?: number }>('logspace', args, ['base'], tensorOptions)
  const { base = 10, ...options } = given
  if (!Number.isInteger(steps) || steps < 0) throw new Error('number of steps must be non-negative')
  return evenly(start, end, steps, (exponent) => base ** exponent, options)
}

const likeIt = (self: Tensor, options: TensorOptions): TensorOptions => ({ dtype: self.dtype, ...like(self, options) })
/** Zeros of a new size with this tensor's dtype, as `torch.Tensor.new_zeros`. */
export const newZeros = (self: Tensor, size: Shape, options: TensorOptions = {}): Tensor => zeros(size, likeIt(self, options))
/** Ones of a new size with this tensor's dtype, as `torch.Tensor.new_ones`. */
export const newOnes = (self: Tensor, size: Shape, options: TensorOptions = {}): Tensor => ones(size, likeIt(self, options))
/** Uninitialised memory of a new size with this tensor's dtype, as `torch.Tensor.new_empty`. */
export const newEmpty = (self: Tensor, size: Shape, options: TensorOptions = {}): Tensor => empty(size, likeIt(self, options))
/** One value in a new size with this tensor's dtype, as `torch.Tensor.new_full`. */
export const newFull = (self: Tensor, size: Shape, fillValue: Scalar | Complex, options: TensorOptions = {}): Tensor =>
  full(size, fillValue, likeIt(self, options))
/** A tensor of other data with this tensor's dtype, as `torch.Tensor.new_tensor`. */
export const newTensor = (self: Tensor, data: NestedArray, options: TensorOptions = {}): Tensor =>
  tensor(data, likeIt(self, options))

/**
 * Uninitialised memory with any strides, as `torch.empty_strided`.
 *
 * @example
 * torch.emptyStrided([2, 3], [1, 2]).stride() // [1, 2]
 */
export function emptyStrided(size: Shape, stride: Shape, options: TensorOptions = {}): Tensor {
  if (size.length !== stride.length)
    throw new Error(`mismatch in length of strides and shape: ${showShape(stride)} and ${showShape(size)}`)
  if (stride.some((step) => !Number.isInteger(step) || step < 0))
    throw new Error('empty_strided: Negative strides are not supported')
  const memory = empty([new Layout(size, stride).extent], { ...options, requiresGrad: false })
  return leaf(new Tensor(memory.storage, new Layout([...size], [...stride]), memory.dtype), options)
}
/** `emptyStrided` with this tensor's dtype, as `torch.Tensor.new_empty_strided`. */
export const newEmptyStrided = (self: Tensor, size: Shape, stride: Shape, options: TensorOptions = {}): Tensor =>
  emptyStrided(size, stride, likeIt(self, options))

/**
 * A tensor of this data, itself where it is one of that dtype already, as `torch.as_tensor`.
 *
 * @example
 * torch.asTensor([1, 2]) // tensor([1., 2.])
 */
export function asTensor(data: NestedArray | TypedArray | Tensor, options: TensorOptions = {}): Tensor {
  const same =
    data instanceof Tensor && (options.dtype ?? data.dtype) === data.dtype && (options.device ?? data.device) === data.device
  return same ? data : tensor(data, options)
}

/**
 * A 0-d tensor, as `torch.scalar_tensor`: float32 unless given.
 *
 * @example
 * torch.scalarTensor(2) // tensor(2.)
 */
export const scalarTensor = (value: Scalar, options: TensorOptions = {}): Tensor =>
  full([], value, { dtype: getDefaultDtype(), ...options })

/**
 * Numbers from `start` to `end`, inclusive, by `step` (1), as `torch.range`: float32 unless given.
 *
 * @example
 * torch.range(1, 2, 0.5) // tensor([1.0000, 1.5000, 2.0000])
 */
export function range(from: number, to: number, by = 1, options: TensorOptions = {}): Tensor {
  const [start, end, step] = isWhole(options.dtype) ? [from, to, by].map(Math.trunc) : [from, to, by]
  if (step === 0) throw new Error('step must be nonzero')
  if (!Number.isFinite(start) || !Number.isFinite(end)) throw new Error(`unsupported range: ${start} -> ${end}`)
  if ((end - start) / step < 0) throw new Error('upper bound and larger bound inconsistent with step sign')
  return make([Math.floor((end - start) / step) + 1], options, options.dtype ?? getDefaultDtype(), (t) => {
    t.storage.allocator.run('arange', t, start, step)
  })
}
