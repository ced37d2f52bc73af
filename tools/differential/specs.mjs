/** Tensor specs of the suite's format as lists of numbers, and back. */

import { rawElements, elementsOf as rowMajorElements } from '../conformance/format.mjs'

const isObject = (value) => value !== null && typeof value === 'object'
export const isTensor = (value) => isObject(value) && value.$ === 'tensor'
export const isComplex = (dtype) => dtype.startsWith('complex')
export const isFloating = (dtype) => dtype.includes('float')
export const product = (shape) => shape.reduce((a, b) => a * b, 1)

/** The places of a spec's elements in its storage, row-major. */
function places({ shape, strides, offset = 0 }) {
  return Array.from({ length: product(shape) }, (_, i) => {
    let place = offset
    for (let d = shape.length - 1; d >= 0; d--) {
      place += (i % shape[d]) * strides[d]
      i = Math.floor(i / shape[d])
    }
    return place
  })
}

/** A tensor spec's elements in row-major order as numbers; complex ones as pairs. */
export function valuesOf(spec) {
  const numbers = Array.from(rowMajorElements(spec), Number)
  const list = isComplex(spec.dtype) ? numbers.flatMap((v, i) => (i % 2 ? [] : [[v, numbers[i + 1]]])) : numbers
  return spec.strides ? places(spec).map((place) => list[place]) : list
}

const scratch = new Float32Array(1)
const scratchBits = new Uint32Array(scratch.buffer)
function bfloatBits(value) {
  scratch[0] = value
  return Number.isNaN(value) ? 0x7fc0 : (scratchBits[0] + 0x7fff + ((scratchBits[0] >> 16) & 1)) >>> 16
}
function halfBits(value) {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const size = Math.abs(value)
  if (Number.isNaN(size)) return 0x7e00
  if (size >= 65520) return sign | 0x7c00
  const exponent = Math.max(Math.floor(Math.log2(size)), -14)
  const mantissa = Math.round(size * 2 ** (10 - exponent))
  return sign | (size < 2 ** -14 ? Math.round(size * 2 ** 24) : ((exponent + 14) << 10) + mantissa)
}

const whole = (value) => (Number.isFinite(value) ? Math.trunc(value) : 0)
const stores = {
  float32: (list) => Float32Array.from(list),
  float64: (list) => Float64Array.from(list),
  float16: (list) => Uint16Array.from(list, halfBits),
  bfloat16: (list) => Uint16Array.from(list, bfloatBits),
  int8: (list) => Int8Array.from(list, whole),
  uint8: (list) => Uint8Array.from(list, whole),
  int16: (list) => Int16Array.from(list, whole),
  int32: (list) => Int32Array.from(list, whole),
  int64: (list) => BigInt64Array.from(list, (v) => BigInt(whole(v))),
  bool: (list) => Uint8Array.from(list, (v) => (v ? 1 : 0)),
  complex64: (list) => Float32Array.from(list.flat()),
  complex128: (list) => Float64Array.from(list.flat()),
}
export const dtypes = Object.keys(stores)

/** A spec of values in row-major order; `layout` has strides and an offset in a storage with gaps of ones. */
export function specOf({ dtype, shape, rg }, values, layout) {
  let list = isComplex(dtype)
    ? values.map((v) => (Array.isArray(v) ? v : [v, 0]))
    : values.map((v) => (Array.isArray(v) ? v[0] : v))
  const spec = { $: 'tensor', dtype, shape }
  if (layout) {
    Object.assign(spec, layout)
    const at = places(spec)
    const storage = new Array(Math.max(0, layout.offset, ...at.map((place) => place + 1))).fill(isComplex(dtype) ? [1, 0] : 1)
    for (const [i, place] of at.entries()) storage[place] = list[i]
    list = storage
  }
  spec.data = Buffer.from(stores[dtype](list).buffer).toString('base64')
  if (rg && (isFloating(dtype) || isComplex(dtype))) spec.rg = true
  return spec
}

/** `float32[2, 3]`, with what is special about it. */
export function describe(value) {
  if (!isObject(value)) return typeof value === 'string' ? `'${value}'` : value === null ? 'None' : String(value)
  if (Array.isArray(value)) return `[${value.map(describe).join(', ')}]`
  if (isTensor(value)) {
    const values =
      rawElements(value).length <= 12
        ? ` ${JSON.stringify(valuesOf(value), (_, v) => (typeof v === 'number' && !Number.isFinite(v) ? String(v) : Object.is(v, -0) ? '-0' : v))}`
        : ''
    const strides = value.strides ? ` strides [${value.strides}] offset ${value.offset ?? 0}` : ''
    return `${value.dtype}[${value.shape}]${strides}${value.rg ? ' grad' : ''}${values}`
  }
  if (value.$ === 'tuple') return `(${value.v.map(describe).join(', ')})`
  if (value.$ === 'float' || value.$ === 'int') return Number.isInteger(value.v) ? `${value.v}.0` : String(value.v)
  return value.v === undefined ? JSON.stringify(value).slice(0, 80) : `${value.$} ${JSON.stringify(value.v).slice(0, 80)}`
}
