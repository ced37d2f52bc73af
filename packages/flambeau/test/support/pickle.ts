/** Comparing what was loaded with what a manifest of checkpoints says. */

import { nn, Tensor } from '../../src/index.js'
import type { Json } from './python.js'

const arrays = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array }
const widths: Record<string, 1 | 2 | 4 | 8> = {
  bool: 1,
  uint8: 1,
  int8: 1,
  int16: 2,
  float16: 2,
  bfloat16: 2,
  int32: 4,
  float32: 4,
  int64: 8,
  float64: 8,
  complex64: 8,
}

/** The bit patterns of a view's elements in row-major order. */
function bitsOf(bytes: Uint8Array, dtype: string, shape: number[], strides: number[], offset: number): (number | bigint)[] {
  const all = new arrays[widths[dtype]](bytes.slice().buffer)
  const bits: (number | bigint)[] = []
  const visit = (dim: number, at: number): void => {
    if (dim === shape.length) bits.push(all[at])
    else for (let i = 0; i < shape[dim]; i++) visit(dim + 1, at + i * strides[dim])
  }
  visit(0, offset)
  return bits
}
const rowMajor = (shape: number[]): number[] => shape.map((_, d) => shape.slice(d + 1).reduce((n, s) => n * s, 1))
const recordedBits = ({ data, dtype, shape, strides = rowMajor(shape), offset = 0 }: Json): (number | bigint)[] =>
  bitsOf(Uint8Array.from(Buffer.from(data, 'base64')), dtype, shape, strides, offset)
const loadedBits = ({ storage, dtype, layout }: Tensor): (number | bigint)[] =>
  bitsOf(storage.bytes, dtype, [...layout.shape], [...layout.strides], layout.offset)

const floats: Record<string, number> = { nan: Number.NaN, inf: Infinity, '-inf': -Infinity, '-0': -0 }
const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === null

/** Where a loaded value is not what was recorded. */
export function differences(got: Json, spec: Json, path = 'value'): string[] {
  const wrong = (what: string): string[] => [`${path}: expected ${what}, got ${String(got)}`]
  const items = (values: Json[], kind: string, frozen: boolean): string[] => {
    if (!Array.isArray(got) || Object.isFrozen(got) !== frozen || got.length !== values.length) return wrong(kind)
    return values.flatMap((value, i) => differences(got[i], value, `${path}.${i}`))
  }
  if (Array.isArray(spec)) return items(spec, 'a list', false)
  if (spec === null || typeof spec !== 'object') return Object.is(got, spec) ? [] : wrong(JSON.stringify(spec))
  const { $, v } = spec
  if ($ === 'tuple' || $ === 'size') return items(v, 'a tuple', true)
  if ($ === 'float') return Object.is(got, typeof v === 'string' ? floats[v] : v) ? [] : wrong(String(v))
  if ($ === 'int') return got === BigInt(v) ? [] : wrong(v)
  if ($ === 'dtype' || $ === 'device') return got === v ? [] : wrong(v)
  if ($ === 'dict' || $ === 'odict') {
    const entries: [string, Json][] = Array.isArray(v) ? v : Object.entries(v)
    if (!isPlain(got) || Object.keys(got).join() !== entries.map(([key]) => key).join()) return wrong('a dict of the same keys')
    return entries.flatMap(([key, value]) => differences(got[key], value, `${path}.${key}`))
  }
  if ($ === 'map') {
    if (!(got instanceof Map) || got.size !== v.length) return wrong('a Map of the same size')
    return v.flatMap(([key, value]: Json) => differences(got.get(key), value, `${path}.${key}`))
  }
  if ($ === 'parameter')
    return got instanceof nn.Parameter && got.requiresGrad === spec.requires_grad
      ? differences(got, { ...spec.t, rg: spec.requires_grad }, path)
      : wrong('a parameter')
  if ($ === 'tensor') {
    if (!(got instanceof Tensor)) return wrong('a tensor')
    if (got.dtype !== spec.dtype || got.shape.join() !== spec.shape.join()) return wrong(`${spec.dtype} [${spec.shape}]`)
    if (got.requiresGrad !== (spec.rg === true)) return wrong(`requires_grad=${spec.rg === true}`)
    return loadedBits(got).join() === recordedBits(spec).join() ? [] : wrong('other elements')
  }
  if ($ === 'module_object') return moduleDifferences(got, spec, path)
  throw new Error(`a recorded value of kind ${$}`)
}

function moduleDifferences(got: Json, spec: Json, path: string): string[] {
  if (!(got instanceof nn.Module)) return [`${path}: expected a module`]
  const problems: string[] = []
  if (String(got) !== spec.repr) problems.push(`${path}: expected ${spec.repr}, got ${got}`)
  if (got.modules().some((module) => module.training !== spec.training))
    problems.push(`${path}: not in training=${spec.training}`)
  const children = got.namedChildren().map(([name, child]) => [name, child.getName()])
  const expected = spec.children.map(([name, cls]: [string, string]) => [name, cls.split('.').at(-1)])
  if (String(children) !== String(expected)) problems.push(`${path}: expected the children ${expected}, got ${children}`)
  return [...problems, ...differences(got.stateDict(), { $: 'odict', v: spec.state }, `${path}.state`)]
}

/** The tensor at a path such as `1.0` of what was loaded. */
export const at = (root: Json, path: string): Tensor =>
  path.split('.').reduce((value, key) => (value instanceof Map ? value.get(Number(key)) : value[key]), root)
