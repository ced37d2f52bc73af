/** Reading and writing elements of any dtype, with the kernels' rules for conversions. */

import { type DType, isFloatingPoint, itemSize, viewAs } from '../../core/dtype.js'
import { bfloat16ToFloat, floatToBFloat16, floatToHalf, halfToFloat } from '../../core/half.js'
import type { Operand } from '../backend.js'
import { places } from './places.js'

/** The elements of an operand's storage; places are counted in elements from the storage's start. */
export interface Elements {
  /** The element as a double; an int64 is rounded. */
  number(at: number): number
  /** The element as an int64; a float is truncated. */
  integer(at: number): bigint
  setNumber(at: number, value: number): void
  setInteger(at: number, value: bigint): void
}

const LOWEST = -(2n ** 63n)

/** A float without its fraction; outside int64's range it is the lowest int64. */
export const truncateToInt64 = (value: number): bigint =>
  value >= -(2 ** 63) && value < 2 ** 63 ? BigInt(Math.trunc(value)) : LOWEST

/** A float as an integer of 32 bits: outside its range it is the lowest one. */
export const truncateToInt32 = (value: number): number =>
  value > -(2 ** 31) - 1 && value < 2 ** 31 ? Math.trunc(value) : -(2 ** 31)

/** An int64 rounded once to float32: what a double could lose on the way only has to be remembered as not zero. */
export function int64ToFloat32(value: bigint): number {
  const magnitude = value < 0n ? -value : value
  if (magnitude < 2n ** 53n) return Math.fround(Number(value))
  const low = magnitude & 0xfffn
  const sticky = Math.fround(Number(magnitude - low + (low === 0n ? 0n : 0x800n)))
  return value < 0n ? -sticky : sticky
}

class Floats implements Elements {
  constructor(
    readonly array: Float32Array | Float64Array,
    readonly isSingle: boolean,
  ) {}
  number(at: number): number {
    return this.array[at]
  }
  integer(at: number): bigint {
    return truncateToInt64(this.array[at])
  }
  setNumber(at: number, value: number): void {
    this.array[at] = value
  }
  setInteger(at: number, value: bigint): void {
    this.array[at] = this.isSingle ? int64ToFloat32(value) : Number(value)
  }
}

/** float16 and bfloat16, kept as patterns. */
class Patterns implements Elements {
  constructor(
    readonly array: Uint16Array,
    readonly decode: (pattern: number) => number,
    readonly encode: (value: number) => number,
  ) {}
  number(at: number): number {
    return this.decode(this.array[at])
  }
  integer(at: number): bigint {
    return truncateToInt64(this.number(at))
  }
  setNumber(at: number, value: number): void {
    this.array[at] = this.encode(value)
  }
  setInteger(at: number, value: bigint): void {
    this.array[at] = this.encode(int64ToFloat32(value))
  }
}

/** Integers of up to 32 bits: a typed array wraps what it is given. */
class Integers implements Elements {
  constructor(readonly array: Int8Array | Int16Array | Int32Array | Uint8Array) {}
  number(at: number): number {
    return this.array[at]
  }
  integer(at: number): bigint {
    return BigInt(this.array[at])
  }
  setNumber(at: number, value: number): void {
    // As PyTorch on x86: the signed types through int32, uint8 through int64.
    if (this.array instanceof Uint8Array) this.setInteger(at, truncateToInt64(value))
    else this.array[at] = truncateToInt32(value)
  }
  setInteger(at: number, value: bigint): void {
    this.array[at] = Number(BigInt.asIntN(32, value))
  }
}

class LongIntegers implements Elements {
  constructor(readonly array: BigInt64Array) {}
  number(at: number): number {
    return Number(this.array[at])
  }
  integer(at: number): bigint {
    return this.array[at]
  }
  setNumber(at: number, value: number): void {
    this.array[at] = truncateToInt64(value)
  }
  setInteger(at: number, value: bigint): void {
    this.array[at] = value
  }
}

/** Any nonzero byte is true; what is stored is 0 or 1. */
class Booleans implements Elements {
  constructor(readonly array: Uint8Array) {}
  number(at: number): number {
    return this.array[at] === 0 ? 0 : 1
  }
  integer(at: number): bigint {
    return this.array[at] === 0 ? 0n : 1n
  }
  setNumber(at: number, value: number): void {
    this.array[at] = value === 0 ? 0 : 1
  }
  setInteger(at: number, value: bigint): void {
    this.array[at] = value === 0n ? 0 : 1
  }
}

const views: { [D in Exclude<DType, 'complex64' | 'complex128'>]: (array: ReturnType<typeof viewAs>) => Elements } = {
  float32: (array) => new Floats(array as Float32Array, true),
  float64: (array) => new Floats(array as Float64Array, false),
  float16: (array) => new Patterns(array as Uint16Array, halfToFloat, floatToHalf),
  bfloat16: (array) => new Patterns(array as Uint16Array, bfloat16ToFloat, floatToBFloat16),
  int8: (array) => new Integers(array as Int8Array),
  int16: (array) => new Integers(array as Int16Array),
  int32: (array) => new Integers(array as Int32Array),
  int64: (array) => new LongIntegers(array as BigInt64Array),
  uint8: (array) => new Integers(array as Uint8Array),
  bool: (array) => new Booleans(array as Uint8Array),
}

export function elementsOf({ storage, dtype }: Operand): Elements {
  const { buffer, byteOffset } = storage.memory
  return views[dtype as keyof typeof views](viewAs(dtype, buffer, byteOffset, Math.floor(storage.byteLength / itemSize(dtype))))
}

/** What structured kernels compute in: doubles for floats, wrapping int64 for integers and bools. */
export interface Arithmetic<T extends number | bigint> {
  readonly zero: T
  readonly one: T
  /** Below and above everything. */
  readonly lowest: T
  readonly highest: T
  of(value: number): T
  add(a: T, b: T): T
  mul(a: T, b: T): T
  get(elements: Elements, at: number): T
  set(elements: Elements, at: number, value: T): void
}

export const reals: Arithmetic<number> = {
  zero: 0,
  one: 1,
  lowest: Number.NEGATIVE_INFINITY,
  highest: Number.POSITIVE_INFINITY,
  of: (value) => value,
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  get: (elements, at) => elements.number(at),
  set: (elements, at, value) => elements.setNumber(at, value),
}

export const integers: Arithmetic<bigint> = {
  zero: 0n,
  one: 1n,
  lowest: LOWEST,
  highest: 2n ** 63n - 1n,
  of: truncateToInt64,
  add: (a, b) => BigInt.asIntN(64, a + b),
  mul: (a, b) => BigInt.asIntN(64, a * b),
  get: (elements, at) => elements.integer(at),
  set: (elements, at, value) => elements.setInteger(at, value),
}

/** Calls `f` with the arithmetic for these operands: real if one of them is floating. */
export function compute<R>(operands: readonly Operand[], f: <T extends number | bigint>(arithmetic: Arithmetic<T>) => R): R {
  return operands.some((operand) => isFloatingPoint(operand.dtype)) ? f(reals) : f(integers)
}

/** All elements in row-major order. */
export function readAll<T extends number | bigint>(arithmetic: Arithmetic<T>, operand: Operand): T[] {
  const elements = elementsOf(operand)
  return Array.from(places(operand.layout), (place) => arithmetic.get(elements, place))
}

/** Writes all elements, given in row-major order. */
export function writeAll<T extends number | bigint>(arithmetic: Arithmetic<T>, operand: Operand, values: readonly T[]): void {
  const elements = elementsOf(operand)
  places(operand.layout).forEach((place, i) => {
    arithmetic.set(elements, place, values[i])
  })
}

/** The larger of two; a NaN is larger than any number. */
export const larger = <T extends number | bigint>(a: T, b: T): T => (a > b || Number.isNaN(a) ? a : b)
/** The smaller of two; a NaN is smaller than any number. */
export const smaller = <T extends number | bigint>(a: T, b: T): T => (a < b || Number.isNaN(a) ? a : b)
