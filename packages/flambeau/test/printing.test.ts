import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type DType, isComplex, isDType, itemSize, type Scalar, viewAs } from '../src/core/dtype.js'
import { bfloat16ToFloat, halfToFloat } from '../src/core/half.js'
import {
  formatParameter,
  formatTensor,
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
  const elements = viewAs(dtype, bytes.buffer, 0, bytes.byteLength / itemSize(dtype))
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
      if (isComplex(dtype)) return { re: Number(elements[2 * at]), im: Number(elements[2 * at + 1]) }
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

  it('has no dtype that we do not know', () => {
    expect(cases.filter(({ value }) => !isDType(value.dtype)).map(({ id }) => id)).toEqual([])
    expect(cases.length).toBe(111)
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

describe('numbers of a tensor', () => {
  const nan = Number.NaN
  const inf = Number.POSITIVE_INFINITY
  const float64 = { dtype: 'float64' } as const
  const cases: [what: string, text: string, want: string][] = [
    ['ties to even', vector([0.03125, 0.09375]), 'tensor([0.0312, 0.0938])'],
    ['negative zero', vector([-0, 1]), 'tensor([-0., 1.])'],
    ['an infinity among whole numbers', vector([inf, 1]), 'tensor([inf, 1.])'],
    ['nothing that sets a width', vector([nan, -inf, 0]), 'tensor([nan, -inf, 0.])'],
    ['nan among fractions', vector([nan, 1.5]), 'tensor([   nan, 1.5000])'],
    ['whole numbers a factor of 1000 apart', vector([1000, 1]), 'tensor([1000.,    1.])'],
    ['whole numbers further apart', vector([1001, 1]), 'tensor([1.0010e+03, 1.0000e+00])'],
    ['whole numbers up to 1e8', vector([1e8, 1e7]), 'tensor([100000000.,  10000000.])'],
    ['whole numbers beyond 1e8', vector([1e8 + 8, 1e8]), 'tensor([1.0000e+08, 1.0000e+08])'],
    ['small fractions', vector([0.00009, 0.01]), 'tensor([9.0000e-05, 1.0000e-02])'],
    ['a three digit exponent', vector([1.5e-310], float64), 'tensor([1.5000e-310], dtype=torch.float64)'],
    ['booleans', formatTensor(source([2], [true, false], { dtype: 'bool' })), 'tensor([ True, False])'],
    ['a 0-d uint8', formatTensor(source([], [255], { dtype: 'uint8' })), 'tensor(255, dtype=torch.uint8)'],
    [
      'the extremes of int64',
      formatTensor(source([2], [2n ** 63n - 1n, -(2n ** 63n)], { dtype: 'int64' })),
      'tensor([ 9223372036854775807, -9223372036854775808])',
    ],
  ]
  it.each(cases)('%s', (_, text, want) => expect(text).toBe(want))
})

describe('what follows the numbers', () => {
  it('gives the shape and dtype of an empty tensor', () => {
    expect(formatTensor(source([0], []))).toBe('tensor([])')
    expect(formatTensor(source([2, 0, 4], []))).toBe('tensor([], size=(2, 0, 4))')
    expect(formatTensor(source([0], [], { dtype: 'int64' }))).toBe('tensor([], dtype=torch.int64)')
    expect(formatTensor(source([0, 2], [], { dtype: 'float64', requiresGrad: true }))).toBe(
      'tensor([], size=(0, 2), dtype=torch.float64, requires_grad=True)',
    )
  })

  it('names the node rather than the flag', () => {
    const made = source([2, 2], [0, 0, 0, 0], { requiresGrad: true, gradFnName: 'MulBackward0' })
    expect(formatTensor(made)).toBe('tensor([[0., 0.],\n        [0., 0.]], grad_fn=<MulBackward0>)')
  })

  it('starts a line where the last one is full', () => {
    const made = { dtype: 'float64', requiresGrad: true, gradFnName: 'MulBackward0' } as const
    expect(formatTensor(source([1, 20], Array(20).fill(0), made))).toBe(
      `tensor([[${Array(20).fill('0.').join(', ')}]],\n       dtype=torch.float64, grad_fn=<MulBackward0>)`,
    )
    expect(vector(Array(10).fill(2.5), { gradFnName: 'AddBackward0' })).toBe(
      `tensor([${Array(9).fill('2.5000').join(', ')},\n        2.5000], grad_fn=<AddBackward0>)`,
    )
  })

  it('names a device that is not the CPU, a subclass and another default dtype', () => {
    expect(vector([1], { device: 'webgpu' })).toBe("tensor([1.], device='webgpu')")
    expect(formatTensor(source([2, 1], [1, 2]), { name: 'Mask' })).toBe('Mask([[1.],\n      [2.]])')
    expect(formatTensor(source([1], [1]), { defaultDtype: 'float64' })).toBe('tensor([1.], dtype=torch.float32)')
  })
})

describe('summaries', () => {
  it('read only what they show', () => {
    const read: number[] = []
    const element = (index: number) => {
      read.push(index)
      return 1
    }
    const huge = source([100_000, 100_000], [], { element })
    const row = '[1., 1., 1.,  ..., 1., 1., 1.]'
    expect(formatTensor(huge)).toBe(`tensor([${[row, row, row, '...', row, row, row].join(',\n        ')}])`)
    expect(read.length).toBe(36)
    expect(read.slice(0, 7)).toEqual([0, 1, 2, 99_997, 99_998, 99_999, 100_000])
    expect(read.at(-1)).toBe(1e10 - 1)
  })

  it('keep short dimensions whole and choose the style by what is shown', () => {
    setPrintoptions({ threshold: 1 })
    expect(formatTensor(source([7], [0, 1, 2, 3, 4, 5, 6], { dtype: 'int64' }))).toBe('tensor([0, 1, 2,  ..., 4, 5, 6])')
    expect(formatTensor(source([6], [0, 1, 2, 3, 4, 5], { dtype: 'int64' }))).toBe('tensor([0, 1, 2, 3, 4, 5])')
    expect(vector([1, 1, 1, 1e-9, 1, 1, 1])).toBe('tensor([1., 1., 1.,  ..., 1., 1., 1.])')
    setPrintoptions({ edgeitems: 1 })
    expect(formatTensor(source([3, 1, 2], [0, 0, 0, 0, 0, 0]))).toBe(
      'tensor([[[0., 0.]],\n\n        ...,\n\n        [[0., 0.]]])',
    )
  })
})

describe('setPrintoptions', () => {
  it('lets options override the profile and keeps the others', () => {
    setPrintoptions({ profile: 'short', linewidth: 40 })
    expect(printOptions).toEqual({ precision: 2, threshold: 1000, edgeitems: 2, linewidth: 40, sciMode: null })
    setPrintoptions({ precision: 6 })
    expect(printOptions).toEqual({ precision: 6, threshold: 1000, edgeitems: 2, linewidth: 40, sciMode: null })
    setPrintoptions({ profile: 'full' })
    expect(printOptions.threshold).toBe(Number.POSITIVE_INFINITY)
  })

  it('sets scientific notation for one call only', () => {
    setPrintoptions({ sciMode: true })
    expect(vector([1, 2])).toBe('tensor([1.0000e+00, 2.0000e+00])')
    expect(vector([0, 0])).toBe('tensor([0., 0.])')
    setPrintoptions({ sciMode: false })
    expect(vector([1, 2000])).toBe('tensor([        1.,      2000.])')
    setPrintoptions({})
    expect(vector([1, 2000])).toBe('tensor([1.0000e+00, 2.0000e+03])')
  })

  it('has no digits and no point at precision 0', () => {
    setPrintoptions({ precision: 0 })
    expect(vector([1.5, 2.5])).toBe('tensor([2, 2])')
    expect(vector([1e-8, 1])).toBe('tensor([1e-08, 1e+00])')
    expect(vector([1, 2])).toBe('tensor([1., 2.])')
  })

  it('refuses what makes no sense, and then changes nothing', () => {
    expect(() => setPrintoptions({ linewidth: 10, precision: -1 })).toThrow('precision must be a non-negative integer, got -1')
    expect(() => setPrintoptions({ edgeitems: 1.5 })).toThrow(RangeError)
    expect(() => setPrintoptions({ profile: 'long' as PrintProfile })).toThrow("unknown print profile 'long'")
    expect(printOptions).toEqual({ precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80, sciMode: null })
  })
})
