/** Recorded cases of PyTorch: reading them, and making of them what flambeau takes. */

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { type DType, fromTypedArray, nn, type Tensor } from '../../src/index.js'

// biome-ignore lint/suspicious/noExplicitAny: recorded JSON
export type Json = any

/** The cases of one file under test/conformance. */
export const readCases = (name: string): Json[] =>
  gunzipSync(readFileSync(new URL(`../conformance/${name}.jsonl.gz`, import.meta.url)))
    .toString()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

const arrays = { float32: Float32Array, float64: Float64Array, int64: BigInt64Array, int32: Int32Array, uint8: Uint8Array }

/** A recorded row-major tensor. */
export function decodeTensor(spec: { dtype: DType; shape: number[]; data: string }): Tensor {
  const bytes = new Uint8Array(Buffer.from(spec.data, 'base64'))
  return fromTypedArray(new arrays[spec.dtype as keyof typeof arrays](bytes.buffer), spec.shape)
}

const camelCase = (name: string): string => name.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase())

/** Any recorded value: floats are numbers, tuples arrays, modules are constructed. */
export function decode(value: Json): Json {
  if (Array.isArray(value)) return value.map(decode)
  if (value === null || typeof value !== 'object') return value
  switch (value.$) {
    case 'tensor':
      return decodeTensor(value)
    case 'module':
      return construct(value)
    case 'float':
      return Number(value.v)
    case 'tuple':
      return value.v.map(decode)
    case 'dict':
      return keywords(value.v, (key) => key)
    default:
      return value.v
  }
}

/** Keyword arguments as one options object. */
export const keywords = (kwargs: Json, rename = camelCase): Json =>
  Object.fromEntries(Object.entries(kwargs).map(([key, v]) => [rename(key), decode(v)]))

/** The recorded modules that flambeau has. */
export function isKnown(spec: Json): boolean {
  if (spec === null || typeof spec !== 'object') return true
  if (spec.ordered) return spec.ordered.every(([, m]: Json) => isKnown(m))
  if (spec.$ === 'dict') return Object.values(spec.v).every(isKnown)
  if (spec.$ !== 'module') return !Array.isArray(spec) || spec.every(isKnown)
  return spec.cls.replace('torch.nn.', '') in nn && spec.args.every(isKnown)
}

/** Constructs a recorded module. */
export function construct(spec: Json): nn.Module {
  if (spec.ordered) return new nn.Sequential(...spec.ordered.map(([name, m]: Json) => [name, construct(m)]))
  const { dim, ...options } = keywords(spec.kwargs)
  const positional = dim === undefined ? [] : [dim]
  const named = Object.keys(options).length > 0 ? [options] : []
  const cls = (nn as Json)[spec.cls.replace('torch.nn.', '')]
  return new cls(...spec.args.map(decode), ...positional, ...named)
}
