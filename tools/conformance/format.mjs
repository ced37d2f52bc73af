/** The conformance suite's files: reading them, and turning their values into flambeau's. Their format: FORMAT.md there. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

/** Every section's cases, file by file: `[name, cases]`. */
export function* filesOf(folder, section) {
  const directory = join(folder, section)
  if (!existsSync(directory)) return
  for (const file of readdirSync(directory).sort()) {
    if (!file.endsWith('.jsonl.gz')) continue
    const lines = gunzipSync(readFileSync(join(directory, file)))
      .toString()
      .split('\n')
      .filter(Boolean)
    yield [file.replace('.jsonl.gz', ''), lines.map((line) => JSON.parse(line))]
  }
}

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  complex64: Float32Array,
  complex128: Float64Array,
}

/** The raw elements of a tensor spec: of its storage, where strides are given. */
export function rawElements(spec) {
  const bytes = Uint8Array.from(Buffer.from(spec.data, 'base64'))
  return new arrays[spec.dtype](bytes.buffer)
}

function halfValue(bits) {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const mantissa = bits & 1023
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (exponent ? (1024 + mantissa) * 2 ** (exponent - 25) : mantissa * 2 ** -24)
}

/** The elements of a row-major tensor spec as numbers, or as bigints for int64; complex ones as their parts in turn. */
export function elementsOf(spec) {
  const raw = rawElements(spec)
  if (spec.dtype === 'float16') return Array.from(raw, halfValue)
  if (spec.dtype === 'bfloat16') return new Float32Array(Uint32Array.from(raw, (bits) => bits << 16).buffer)
  return raw
}

const isObject = (value) => value !== null && typeof value === 'object'
export const isTensorSpec = (value) => isObject(value) && (value.$ === 'tensor' || value.$ === 'shape')

/** Python's special floats as they are written in JSON. */
const floats = { nan: Number.NaN, inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY, '-0': -0 }
export const floatOf = (value) => (typeof value.v === 'string' ? floats[value.v] : value.v)

/** A spec's tensor, with its strides, as a leaf that requires a gradient if the spec does. */
export function tensorOf(torch, spec) {
  const raw = rawElements(spec)
  const t =
    spec.strides === undefined
      ? torch.fromTypedArray(raw, spec.shape, { dtype: spec.dtype })
      : torch.noGrad(() =>
          torch
            .fromTypedArray(raw, undefined, { dtype: spec.dtype })
            .asStrided(spec.shape, spec.strides, spec.offset ?? 0)
            .detach(),
        )
  if (spec.rg) t.requiresGrad = true
  return t
}

/** `1:5:2` for a Python slice. */
function sliceText([start, stop, step]) {
  const part = (v) => (v === null ? '' : String(v))
  return `${part(start)}:${part(stop)}${step === null ? '' : `:${step}`}`
}

/** What a value of the suite is in flambeau. */
export function valueOf(torch, value) {
  if (!isObject(value)) return value
  if (Array.isArray(value)) return value.map((v) => valueOf(torch, v))
  switch (value.$) {
    case 'tensor':
      return tensorOf(torch, value)
    case 'float':
      return floatOf(value)
    case 'int':
      return BigInt(value.v)
    case 'complex': {
      const [re, im] = value.v.map(floatOf)
      return { re, im }
    }
    case 'tuple':
    case 'size':
      return value.v.map((v) => valueOf(torch, v))
    case 'slice':
      return sliceText(value.v)
    case 'ellipsis':
      return '...'
    case 'dict':
      return Object.fromEntries(Object.entries(value.v).map(([k, v]) => [k, valueOf(torch, v)]))
    case 'dtype':
    case 'device':
    case 'layout':
    case 'memory_format':
      return typeof value.v === 'string' ? value.v.replace('torch.', '') : value.v
    default:
      throw new Error(`no value for '${value.$}'`)
  }
}

/** Whether a value, or one inside it, satisfies a test. */
export function contains(value, test) {
  if (!isObject(value)) return false
  if (test(value)) return true
  return Object.values(value).some((v) => contains(v, test))
}
