/** The element types, their storage, and PyTorch's rules for mixing them. */

import { type Complex, isComplexNumber } from './complex.js'

/**
 * The table of dtypes. `code` is what the C++ kernels call them (packages/kernels/src/dtype.hpp); `category` orders
 * bool < integral < floating < complex in type promotion; `compute` is the class programs compute in. A complex element is a pair of floats (core/complex.ts); no
 * kernel sees one.
 */
const table = {
  float32: { code: 0, itemSize: 4, category: 2, compute: 0, array: Float32Array },
  float64: { code: 1, itemSize: 8, category: 2, compute: 1, array: Float64Array },
  float16: { code: 2, itemSize: 2, category: 2, compute: 0, array: Uint16Array },
  bfloat16: { code: 3, itemSize: 2, category: 2, compute: 0, array: Uint16Array },
  int8: { code: 4, itemSize: 1, category: 1, compute: 2, array: Int8Array },
  int16: { code: 5, itemSize: 2, category: 1, compute: 2, array: Int16Array },
  int32: { code: 6, itemSize: 4, category: 1, compute: 2, array: Int32Array },
  int64: { code: 7, itemSize: 8, category: 1, compute: 3, array: BigInt64Array },
  uint8: { code: 8, itemSize: 1, category: 1, compute: 2, array: Uint8Array },
  bool: { code: 9, itemSize: 1, category: 0, compute: 2, array: Uint8Array },
  complex64: { code: 10, itemSize: 8, category: 3, compute: 4, array: Float32Array },
  complex128: { code: 11, itemSize: 16, category: 3, compute: 5, array: Float64Array },
} as const

/** A tensor's element type, under its torch name. */
export type DType = keyof typeof table

/** The typed array that views elements of a dtype; float16 and bfloat16 show their 16-bit patterns, complex ones their parts in turn. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Uint16Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array

export const dtypes = Object.keys(table) as DType[]

export const isDType = (name: unknown): name is DType => typeof name === 'string' && Object.hasOwn(table, name)
export const dtypeCode = (dtype: DType): number => table[dtype].code
export const itemSize = (dtype: DType): number => table[dtype].itemSize
export const isFloatingPoint = (dtype: DType): boolean => table[dtype].category === 2
export const isIntegral = (dtype: DType): boolean => table[dtype].category === 1
export const isComplex = (dtype: DType): boolean => table[dtype].category === 3
/** Whether tensors of this dtype can require gradients: floating point and complex ones. */
export const isDifferentiable = (dtype: DType): boolean => table[dtype].category >= 2
export const typedArrayOf = (dtype: DType) => table[dtype].array

/** A view of raw bytes as elements of a dtype; `byteOffset` must be a multiple of the item size. */
export function viewAs(dtype: DType, buffer: ArrayBufferLike, byteOffset: number, length: number): TypedArray {
  return new table[dtype].array(buffer as ArrayBuffer, byteOffset, isComplex(dtype) ? 2 * length : length)
}

/** The dtype of a complex dtype's parts; a real dtype itself. */
export const realDType = (dtype: DType): DType => (dtype === 'complex64' ? 'float32' : dtype === 'complex128' ? 'float64' : dtype)

/** The complex dtype whose parts hold a floating point dtype. */
export function complexDType(dtype: DType): DType {
  if (dtype === 'float16') throw new Error('not implemented: complex32, the complex dtype of float16')
  return dtype === 'float64' || dtype === 'complex128' ? 'complex128' : 'complex64'
}

/** PyTorch's spelling of a dtype inside some of its errors ("Float", "Long"). */
const scalarNames: Record<DType, string> = {
  float32: 'Float',
  float64: 'Double',
  float16: 'Half',
  bfloat16: 'BFloat16',
  int8: 'Char',
  int16: 'Short',
  int32: 'Int',
  int64: 'Long',
  uint8: 'Byte',
  bool: 'Bool',
  complex64: 'ComplexFloat',
  complex128: 'ComplexDouble',
}
export const scalarName = (dtype: DType): string => scalarNames[dtype]

const signedIntegers: readonly DType[] = ['int8', 'int16', 'int32', 'int64']

/**
 * The smallest dtype that holds both, as `torch.promote_types`.
 *
 * @example
 * torch.promoteTypes('int32', 'float16') // 'float16'
 * torch.promoteTypes('uint8', 'int8') // 'int16'
 */
export function promoteTypes(a: DType, b: DType): DType {
  if (a === b) return a
  const ca = table[a].category
  const cb = table[b].category
  if (ca === 3 || cb === 3) return realDType(a) === 'float64' || realDType(b) === 'float64' ? 'complex128' : 'complex64'
  if (ca !== cb) return ca > cb ? a : b
  if (ca === 2) {
    if (a === 'float64' || b === 'float64') return 'float64'
    return 'float32' // float16 with bfloat16 meets in float32 as well
  }
  if (a === 'uint8' || b === 'uint8') {
    const signed = a === 'uint8' ? b : a
    return signed === 'int8' ? 'int16' : signed
  }
  return signedIntegers[Math.max(signedIntegers.indexOf(a), signedIntegers.indexOf(b))]
}

let preset: 'float32' | 'float64' = 'float32'
/**
 * The dtype of what is made of numbers, as `torch.get_default_dtype`: float32 unless `setDefaultDtype` says otherwise.
 *
 * @example
 * torch.getDefaultDtype() // 'float32'
 */
export const getDefaultDtype = (): 'float32' | 'float64' => preset
/**
 * Sets the dtype of what is made of numbers, as `torch.set_default_dtype`: of `tensor`, `zeros`, `rand` and the other creation
 * functions, of parameters, and of what integers become where they have to be floating.
 *
 * @throws TypeError for a dtype that is not floating; Error for float16 and bfloat16.
 * @example
 * torch.setDefaultDtype('float64')
 * torch.tensor([1.5]).dtype // 'float64'
 * torch.setDefaultDtype('float32')
 */
export function setDefaultDtype(dtype: DType): void {
  if (!isFloatingPoint(dtype)) throw new TypeError('only floating-point types are supported as the default type')
  if (dtype !== 'float32' && dtype !== 'float64') throw new Error(`not implemented: ${dtype} as the default dtype`)
  preset = dtype
}

/** A JavaScript value that stands where PyTorch takes a Python number. */
export type Scalar = number | bigint | boolean

/** The dtype a tensor made of this value gets: booleans are bool, bigints int64, numbers the default dtype, pairs its complex one. */
export const scalarDType = (value: Scalar | Complex): DType =>
  typeof value === 'object'
    ? complexDType(preset)
    : typeof value === 'boolean'
      ? 'bool'
      : typeof value === 'bigint'
        ? 'int64'
        : preset

/**
 * The dtype this value promotes as. JavaScript has one number type, so a whole number counts as an integer and leaves
 * an integer tensor's dtype alone, as `x * 2` does in Python.
 */
const promotionDType = (value: Scalar | Complex): DType =>
  typeof value === 'number' && Number.isInteger(value) ? 'int64' : scalarDType(value)

/** The largest magnitudes that a number may have for a dtype, and the name that C++ has for that. */
const scalarLimits: Partial<Record<DType, readonly [low: number, high: number, name: string]>> = {
  float32: [-3.4028234663852886e38, 3.4028234663852886e38, 'float'],
  float16: [-65504, 65504, 'at::Half'],
  bfloat16: [-3.3895313892515355e38, 3.3895313892515355e38, 'at::BFloat16'],
  int8: [-128, 127, 'int8_t'],
  int16: [-32768, 32767, 'int16_t'],
  int32: [-(2 ** 31), 2 ** 31 - 1, 'int'],
  int64: [-(2 ** 63), 2 ** 63, 'int64_t'],
  uint8: [-255, 255, 'uint8_t'],
}

/**
 * A number as an element of a dtype: for bool whether it is not 0, for uint8 a negative whole one wraps.
 *
 * @throws Error in PyTorch's words where it does not fit.
 */
export function elementOf(value: Scalar, dtype: DType): number {
  const number = Number(value)
  if (dtype === 'bool') return number === 0 ? 0 : 1
  const limits = scalarLimits[dtype]
  if (limits === undefined || (number >= limits[0] && number <= limits[1] && (dtype !== 'uint8' || number >= 0))) return number
  const [low, , name] = limits
  const fits = isFloatingPoint(dtype)
    ? !Number.isFinite(number)
    : dtype === 'uint8' && Number.isInteger(number) && number >= low && number < 0
  if (!fits) throw new Error(`value cannot be converted to type ${name} without overflow`)
  return number
}

interface Typed {
  readonly dtype: DType
  readonly layout: { readonly shape: readonly number[] }
}

/**
 * The dtype an operation on these operands computes in, as `torch.result_type`: tensors with dimensions come first, 0-d
 * tensors count only where their category is higher, plain numbers only where it is higher still.
 */
export function resultType(operands: readonly (Typed | Scalar | Complex)[]): DType {
  let dims: DType | undefined
  let zeroDim: DType | undefined
  let scalar: DType | undefined
  for (const operand of operands) {
    if (typeof operand !== 'object' || isComplexNumber(operand)) {
      const t = promotionDType(operand)
      scalar = scalar === undefined ? t : promoteTypes(scalar, t)
    } else if (operand.layout.shape.length > 0) dims = dims === undefined ? operand.dtype : promoteTypes(dims, operand.dtype)
    else zeroDim = zeroDim === undefined ? operand.dtype : promoteTypes(zeroDim, operand.dtype)
  }
  return combine(combine(dims, zeroDim), scalar) ?? preset
}

/**
 * The dtype that an operation on these two computes in, as `torch.result_type`.
 *
 * @example
 * torch.resultType(torch.tensor([1n]), 1.5) // 'float32'
 */
export const resultTypeOf = (a: Typed | Scalar | Complex, b: Typed | Scalar | Complex): DType => resultType([a, b])

const combine = (higher: DType | undefined, lower: DType | undefined): DType | undefined =>
  higher === undefined
    ? lower
    : lower === undefined || table[lower].category <= table[higher].category
      ? higher
      : // A number only lifts the category: 1.5 makes an integer tensor float32, the default, whatever its own width.
        isComplex(lower) && isFloatingPoint(higher)
        ? complexDType(higher)
        : promoteTypes(higher, lower)

/**
 * Whether a result of dtype `from` may be written into a tensor of dtype `to`: categories never go down.
 *
 * @example
 * torch.canCast('float32', 'int64') // false
 */
export const canCast = (from: DType, to: DType): boolean => table[from].category <= table[to].category

/** The class a program computes in: 0 float32, 1 float64, 2 int32, 3 int64. Narrower types widen on load. */
export type ComputeClass = 0 | 1 | 2 | 3
/** A class, or 4 and 5: pairs of float32 and of float64, which become a program of class 0 and 1 over the parts. */
export type WideClass = ComputeClass | 4 | 5
export const computeClass = (dtype: DType): WideClass => table[dtype].compute
