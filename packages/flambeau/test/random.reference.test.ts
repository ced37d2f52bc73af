import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import * as random from '../src/backends/reference/random.js'

// The recorded streams of PyTorch, replayed step by step on the reference generator. Steps of modules, initialisers and
// functions that are built from these primitives are tested where they are defined.
interface TensorSpec {
  $: 'tensor'
  dtype: random.RandomDType | 'complex64'
  shape: number[]
  data: string
}
type Value = number | { $: string; v: unknown } | TensorSpec
interface Step {
  fn: string
  args: Value[]
  kwargs: Record<string, { v: string } | boolean>
  gseed?: number
}
interface Case {
  id: string
  seed: number
  steps: Step[]
  out: (TensorSpec & { v: string; len: number })[]
}

const read = (name: string): Case[] =>
  gunzipSync(readFileSync(new URL(`./conformance/rng/${name}.jsonl.gz`, import.meta.url)))
    .toString()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

const count = (shape: number[]): number => shape.reduce((a, b) => a * b, 1)
const scalar = (v: Value | undefined, otherwise = 0): number =>
  v === undefined ? otherwise : typeof v === 'number' ? v : Number((v as { v: unknown }).v)
const sizeOf = (args: Value[]): number => count(typeof args[0] === 'number' ? (args as number[]) : (args[0] as { v: number[] }).v)
const isTensor = (v: Value | undefined): v is TensorSpec => typeof v === 'object' && v.$ === 'tensor'

function half(bits: number): number {
  const exponent = (bits >> 10) & 31
  const magnitude = exponent ? (1024 + (bits & 1023)) * 2 ** (exponent - 25) : (bits & 1023) * 2 ** -24
  return bits & 0x8000 ? -magnitude : magnitude
}
function values(t: TensorSpec): number[] {
  const b = Buffer.from(t.data, 'base64')
  const buffer = b.buffer.slice(b.byteOffset, b.byteOffset + b.length)
  switch (t.dtype) {
    case 'float16':
      return Array.from(new Uint16Array(buffer), half)
    case 'bfloat16':
      return Array.from(new Float32Array(Uint32Array.from(new Uint16Array(buffer), (v) => v << 16).buffer))
    case 'int64':
      return Array.from(new BigInt64Array(buffer), Number)
    case 'float64':
      return Array.from(new Float64Array(buffer))
    case 'int8':
      return Array.from(new Int8Array(buffer))
    case 'int16':
      return Array.from(new Int16Array(buffer))
    case 'int32':
      return Array.from(new Int32Array(buffer))
    case 'uint8':
    case 'bool':
      return Array.from(new Uint8Array(buffer))
    default:
      return Array.from(new Float32Array(buffer))
  }
}

function seeded(seed: number | bigint): { state: Uint8Array; stream: random.RandomStream } {
  const state = new Uint8Array(random.generatorStateBytes)
  const stream = new random.RandomStream(state)
  stream.seed(BigInt(seed))
  return { state, stream }
}

/** The step's result, or undefined for a step that is not a primitive. */
function run(stream: random.RandomStream, step: Step): ArrayLike<number | bigint> | undefined {
  const [self, a, b] = step.args
  const t = isTensor(self) ? self : undefined
  const n = t ? count(t.shape) : 0
  const named = step.kwargs.dtype as { v: string } | undefined
  const dtype = (t?.dtype ?? named?.v ?? 'float32') as random.RandomFloat
  switch (step.fn) {
    case 'torch.rand':
      return random.uniform(stream, dtype, sizeOf(step.args), 0, 1)
    case 'torch.randn':
      if (named?.v === 'complex64') return random.normal(stream, 'float32', 2 * sizeOf(step.args), 0, Math.SQRT1_2)
      return random.normal(stream, dtype, sizeOf(step.args), 0, 1)
    case 'generator':
      return random.normal(seeded(step.gseed!).stream, 'float32', sizeOf(step.args), 0, 1)
    case 'torch.rand_like':
      return random.uniform(stream, dtype, n, 0, 1)
    case 'torch.randn_like':
      return random.normal(stream, dtype, n, 0, 1)
    case 'torch.randint_like':
      return random.randint(stream, n, 0n, BigInt(scalar(a)))
    case 'torch.randint': {
      const from = BigInt(scalar(self))
      return random.randint(stream, count((b as { v: number[] }).v), from, BigInt(scalar(a)) - from)
    }
    case 'torch.randperm':
      return random.randperm(stream, scalar(self))
    case 'torch.normal': {
      if (!t) return random.normal(stream, 'float32', count((b as { v: number[] }).v), scalar(self), scalar(a))
      const mean = values(t)
      const std = values(a as TensorSpec)
      return random.normal(stream, dtype, n, 0, 1).map((v, i) => Math.fround(Math.fround(v * std[i]!) + mean[i]!))
    }
    case 'torch.bernoulli':
      return random.bernoulliTensor(stream, dtype, values(t!))
    case 'torch.poisson':
      return random.poisson(stream, dtype, values(t!))
    case 'torch.multinomial':
      return random.multinomial(
        stream,
        dtype,
        values(t!),
        t!.shape.length > 1 ? t!.shape[0]! : 1,
        scalar(a),
        !!step.kwargs.replacement,
      )
    case 'Tensor.uniform_':
      return random.uniform(stream, dtype, n, scalar(a), scalar(b))
    case 'Tensor.normal_':
      return random.normal(stream, dtype, n, scalar(a), scalar(b))
    case 'Tensor.bernoulli_':
      return random.bernoulli(stream, n, scalar(a))
    case 'Tensor.exponential_':
      return random.exponential(stream, dtype, n, scalar(a, 1))
    case 'Tensor.cauchy_':
      return random.cauchy(stream, dtype, n, scalar(a), scalar(b))
    case 'Tensor.log_normal_':
      return random.logNormal(stream, dtype, n, scalar(a), scalar(b))
    case 'Tensor.geometric_':
      return random.geometric(stream, dtype, n, scalar(a))
    case 'Tensor.random_':
      return a === undefined ? random.fullRange(stream, dtype, n) : random.randint(stream, n, 0n, BigInt(scalar(a)))
    default:
      return undefined
  }
}

const files = [
  ...['rand', 'randn', 'rand_like', 'randint', 'randperm', 'random_', 'brief', 'generator', 'sequence', 'normal', 'normal_'],
  ...['uniform_', 'bernoulli', 'bernoulli_', 'exponential_', 'cauchy_', 'log_normal_', 'geometric_', 'multinomial', 'poisson'],
]

describe("PyTorch's recorded streams", () => {
  test.each(files)('%s', (file) => {
    for (const c of read(file)) {
      const { state, stream } = seeded(c.seed)
      for (const [i, step] of c.steps.entries()) {
        const want = c.out[i]!
        if (step.fn === 'torch.get_rng_state') {
          expect(createHash('sha256').update(state).digest('hex'), c.id).toBe(want.v)
          expect(state.length).toBe(want.len)
          continue
        }
        const got = run(stream, step)
        // What follows an unknown step would be drawn from the wrong place.
        if (!got) throw new Error(`${c.id}: no primitive for ${step.fn}`)
        const expected = values(want)
        expect(got.length, c.id).toBe(expected.length)
        for (let j = 0; j < expected.length; j++)
          if (!Object.is(Number(got[j]), expected[j])) expect(Number(got[j]), `${c.id} step ${i} element ${j}`).toBe(expected[j])
      }
    }
  })
})

describe('state', () => {
  test('copying it restores the stream, with the normal that waits', () => {
    const { state, stream } = seeded(7)
    random.normal(stream, 'float32', 3, 0, 1)
    const saved = state.slice()
    const first = random.normal(stream, 'float64', 9, 0, 1)
    state.set(saved)
    expect(random.normal(stream, 'float64', 9, 0, 1)).toEqual(first)
  })
  test('keeps 64 bits of seed and uses 32', () => {
    const { state, stream } = seeded(-1n)
    expect(new DataView(state.buffer).getBigUint64(0, true)).toBe(2n ** 64n - 1n)
    expect(stream.word()).toBe(seeded(2n ** 32n - 1n).stream.word())
  })
  test('counters out of range never read beyond the words', () => {
    const { state } = seeded(1)
    new DataView(state.buffer).setBigUint64(16, 10n ** 6n, true)
    const u = new random.RandomStream(state).unit()
    expect(u >= 0 && u < 1).toBe(true)
  })
  test('has one length', () => {
    expect(() => new random.RandomStream(new Uint8Array(5000))).toThrow('5056')
  })
})

describe('memoryOrder', () => {
  const order = (sizes: number[], strides: number[]): number[] => {
    const out: number[] = []
    random.memoryOrder(sizes, strides, (offset) => out.push(offset))
    return out
  }
  test('follows decreasing strides', () => {
    expect(order([2, 3], [1, 2])).toEqual([0, 1, 2, 3, 4, 5])
    expect(order([2, 3], [3, 1])).toEqual([0, 1, 2, 3, 4, 5])
    expect(order([2, 2], [8, 2])).toEqual([0, 2, 8, 10])
    expect(order([], [])).toEqual([0])
    expect(order([0, 3], [3, 1])).toEqual([])
  })
})
