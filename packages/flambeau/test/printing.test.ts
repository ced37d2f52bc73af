import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type DType, isDType, type Scalar, viewAs } from '../src/core/dtype.js'
import { bfloat16ToFloat, halfToFloat } from '../src/core/half.js'
import {
  formatParameter,
  formatTensor,
  type PrintOptions,
  type PrintProfile,
  type PrintSource,
  printOptions,
  setPrintoptions,
} from '../src/core/printing.js'

interface EncodedTensor {
  dtype: string
  shape: number[]
  data: string
  rg?: boolean
  strides?: number[]
  offset?: number
}

interface PrintingCase {
  id: string
  kind: 'tensor' | 'parameter'
  value: EncodedTensor
  options?: {
    precision?: number
    threshold?: number
    edgeitems?: number
    linewidth?: number
    profile?: PrintProfile
    sci_mode?: boolean
  }
  str: string
  repr: string
}

const readCases = (name: string): PrintingCase[] =>
  gunzipSync(readFileSync(new URL(`./conformance/printing/${name}.jsonl.gz`, import.meta.url)))
    .toString()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

function decode(value: EncodedTensor & { dtype: DType }): PrintSource {
  const { dtype, shape } = value
  const bytes = new Uint8Array(Buffer.from(value.data, 'base64'))
  const elements = viewAs(dtype, bytes.buffer, 0, bytes.byteLength / viewAs(dtype, bytes.buffer, 0, 0).BYTES_PER_ELEMENT)
  const contiguous = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1))
  const strides = value.strides ?? contiguous
  const convert = (raw: number | bigint): Scalar =>
    dtype === 'bool'
      ? raw !== 0
      : dtype === 'float16'
        ? halfToFloat(Number(raw))
        : dtype === 'bfloat16'
          ? bfloat16ToFloat(Number(raw))
          : raw
  return {
    shape,
    dtype,
    device: 'cpu',
    requiresGrad: value.rg === true,
    gradFnName: null,
    element(index) {
      let at = value.offset ?? 0
      for (let axis = 0; axis < shape.length; axis++) at += (Math.floor(index / contiguous[axis]) % shape[axis]) * strides[axis]
      return convert(elements[at])
    },
  }
}

/** A source made of plain values, with whatever the case is about overridden. */
const source = (shape: number[], values: Scalar[], rest: Partial<PrintSource> = {}): PrintSource => ({
  shape,
  dtype: 'float32',
  device: 'cpu',
  requiresGrad: false,
  gradFnName: null,
  element: (index) => values[index],
  ...rest,
})

const vector = (values: number[], rest: Partial<PrintSource> = {}) => formatTensor(source([values.length], values, rest))

beforeEach(() => setPrintoptions({ profile: 'default' }))
afterEach(() => setPrintoptions({ profile: 'default' }))

describe("PyTorch's recorded texts", () => {
  const cases = ['tensor', 'parameter', 'options'].flatMap(readCases)
  const complex = cases.filter(({ value }) => !isDType(value.dtype))

  it('has no dtype that we do not know but the complex ones', () => {
    expect(complex.map(({ id, value }) => `${id} ${value.dtype}`)).toEqual([
      'tensor/144 complex64',
      'tensor/145 complex64',
      'tensor/146 complex64',
      'tensor/147 complex128',
    ])
    expect(cases.length - complex.length).toBe(107)
  })

  for (const { id, kind, value, options = {}, str, repr } of cases) {
    if (!isDType(value.dtype)) continue
    const known = { ...value, dtype: value.dtype }
    it(`${id} ${value.dtype} [${value.shape}]`, () => {
      const { sci_mode, ...rest } = options
      setPrintoptions({ ...rest, sciMode: sci_mode })
      const text = kind === 'parameter' ? formatParameter({ ...decode(known), requiresGrad: true }) : formatTensor(decode(known))
      expect(text).toBe(str)
      expect(text).toBe(repr)
    })
  }
})
