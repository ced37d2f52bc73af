/**
 * PyTorch's CPU generator and distributions for the reference engine, bit for bit. The live state is the 5056 bytes that
 * get_rng_state() returns, the same that the kernels use, so copying them saves and restores a stream on any engine.
 *
 * Every function draws `n` values in the order of memory (see `memoryOrder`), already rounded to the dtype.
 */
import { exp, fma, fmaFloat, log, logFactorial, logFloat, sinCos, sinCosFloat, tan } from './randomMath.js'

export type RandomFloat = 'float32' | 'float64' | 'float16' | 'bfloat16'
export type RandomDType = RandomFloat | 'int8' | 'int16' | 'int32' | 'int64' | 'uint8' | 'bool'

/** Length of the state in bytes. */
export const generatorStateBytes = 5056

// Offsets: the seed, words left until the next twist (plus one), whether seeded, the next word's index, 624 words of 64
// bits, and the normal that waits for its turn.
const atLeft = 8
const atSeeded = 12
const atNext = 16
const atWords = 24
const atNormal = 5024
const atHasNormal = 5040

/** The twister over a state: `state` must be `generatorStateBytes` long; it is read and written in place. */
export class RandomStream {
  readonly #view: DataView

  constructor(state: Uint8Array) {
    if (state.byteLength !== generatorStateBytes) throw new RangeError(`RNG state is ${state.byteLength} bytes, expected 5056`)
    this.#view = new DataView(state.buffer, state.byteOffset, state.byteLength)
    // A state that a user has set may hold anything: counters that would read beyond the words ask for a refill instead.
    const left = this.#view.getInt32(atLeft, true)
    if (left < 1 || left > 624 || this.#view.getBigUint64(atNext, true) > BigInt(625 - left)) {
      this.#view.setInt32(atLeft, 1, true)
      this.#view.setBigUint64(atNext, 0n, true)
    }
  }

  /** torch.manual_seed: the seed is kept as 64 bits, its low 32 make the words. */
  seed(seed: bigint): void {
    const view = this.#view
    for (let i = 0; i < generatorStateBytes; i += 8) view.setBigUint64(i, 0n, true)
    view.setBigUint64(0, BigInt.asUintN(64, seed), true)
    view.setInt32(atLeft, 1, true)
    view.setInt32(atSeeded, 1, true)
    let word = Number(BigInt.asUintN(32, seed))
    view.setUint32(atWords, word, true)
    for (let i = 1; i < 624; i++) {
      word = (Math.imul(1812433253, word ^ (word >>> 30)) + i) >>> 0
      view.setUint32(atWords + 8 * i, word, true)
    }
  }

  #refill(): void {
    const view = this.#view
    for (let i = 0; i < 624; i++) {
      const next = view.getUint32(atWords + 8 * ((i + 1) % 624), true)
      const y = (view.getUint32(atWords + 8 * i, true) & 0x80000000) | (next & 0x7fffffff)
      const word = view.getUint32(atWords + 8 * ((i + 397) % 624), true) ^ (y >>> 1) ^ (next & 1 ? 0x9908b0df : 0)
      view.setBigUint64(atWords + 8 * i, BigInt(word >>> 0), true)
    }
  }

  /** The next 32 bits. */
  word(): number {
    const view = this.#view
    let left = view.getInt32(atLeft, true) - 1
    let next = view.getUint32(atNext, true)
    if (left === 0) {
      this.#refill()
      left = 624
      next = 0
    }
    let y = view.getUint32(atWords + 8 * next, true)
    view.setInt32(atLeft, left, true)
    view.setBigUint64(atNext, BigInt(next + 1), true)
    y ^= y >>> 11
    y ^= (y << 7) & 0x9d2c5680
    y ^= (y << 15) & 0xefc60000
    return (y ^ (y >>> 18)) >>> 0
  }

  /** The next 64 bits, high word first. */
  word64(): bigint {
    const high = this.word()
    return (BigInt(high) << 32n) | BigInt(this.word())
  }

  /** A double in [0, 1) from the low 53 bits of 64. */
  unit(): number {
    const high = this.word()
    return ((high & 0x1fffff) * 2 ** 32 + this.word()) * 2 ** -53
  }

  /** A standard normal by Box and Muller; the second of each pair waits in the state. */
  normal(): number {
    const view = this.#view
    if (view.getInt32(atHasNormal, true) !== 0) {
      const value = view.getFloat64(atNormal, true)
      view.setFloat64(atNormal, 0, true)
      view.setInt32(atHasNormal, 0, true)
      return value
    }
    const u1 = this.unit()
    const u2 = this.unit()
    const radius = Math.sqrt(-2 * log(1 - u2))
    const [sine, cosine] = sinCos(2 * Math.PI * u1)
    view.setFloat64(atNormal, radius * sine, true)
    view.setInt32(atHasNormal, 1, true)
    return radius * cosine
  }
}

/**
 * Calls `visit(offset)` for each element of a layout in the order in which PyTorch's random kernels fill it: by decreasing
 * stride, where dimensions of stride 0 keep their place.
 */
export function memoryOrder(sizes: readonly number[], strides: readonly number[], visit: (offset: number) => void): void {
  const dims: number[] = []
  for (let d = sizes.length - 1; d >= 0; d--) if (sizes[d] !== 1) dims.push(d)
  const after = (p: number, q: number): number => {
    if (strides[p] === 0 || strides[q] === 0) return 0
    if (strides[p] !== strides[q]) return strides[p]! < strides[q]! ? -1 : 1
    return sizes[p]! > sizes[q]! ? 1 : 0
  }
  for (let i = 1; i < dims.length; i++) {
    let at = i
    for (let j = i - 1; j >= 0; j--) {
      const sign = after(dims[j]!, dims[at]!)
      if (sign < 0) break
      if (sign > 0) {
        const d = dims[j]!
        dims[j] = dims[at]!
        dims[at] = d
        at = j
      }
    }
  }
  const walk = (level: number, offset: number): void => {
    if (level < 0) {
      visit(offset)
      return
    }
    const d = dims[level]!
    for (let i = 0; i < sizes[d]!; i++) walk(level - 1, offset + i * strides[d]!)
  }
  walk(dims.length - 1, 0)
}

const bits = new Uint32Array(1)
const bitsAsFloat = new Float32Array(bits.buffer)

function roundHalf(x: number): number {
  const y = Math.fround(x)
  const magnitude = Math.abs(y)
  if (!(magnitude < 65520)) return Number.isNaN(y) ? y : Math.sign(y) * Infinity
  // A multiple of the unit in the last place; adding 1.5 · 2^52 units rounds to even.
  bitsAsFloat[0] = magnitude
  const exponent = Math.max((bits[0]! >>> 23) - 127, -14)
  const big = 1.5 * 2 ** 52 * 2 ** (exponent - 10)
  const rounded = magnitude + big - big
  return y < 0 || Object.is(y, -0) ? -rounded : rounded
}

function roundBFloat16(x: number): number {
  bitsAsFloat[0] = x
  if (Number.isNaN(x)) return x
  bits[0] = ((bits[0]! + 0x7fff + ((bits[0]! >>> 16) & 1)) & 0xffff0000) >>> 0
  return bitsAsFloat[0]!
}

const formats = {
  float64: { digits: 53, round: (x: number): number => x },
  float32: { digits: 24, round: Math.fround },
  float16: { digits: 11, round: roundHalf },
  bfloat16: { digits: 8, round: roundBFloat16 },
} satisfies Record<RandomFloat, { digits: number; round: (x: number) => number }>

const isFloat = (dtype: RandomDType): dtype is RandomFloat => dtype in formats
const conversion = (dtype: RandomDType): ((x: number) => number) => (isFloat(dtype) ? formats[dtype].round : (x) => x)
const draw = (n: number, next: (i: number) => number): Float64Array => Float64Array.from({ length: n }, (_, i) => next(i))

/** Uniform in [from, to): from + (to - from) * u, where u has as many bits as the dtype's significand. */
export function uniform(stream: RandomStream, dtype: RandomFloat, n: number, from: number, to: number): Float64Array {
  if (dtype === 'float64') return draw(n, () => fma(stream.unit(), to - from, from))
  const { digits, round } = formats[dtype]
  const low = round(from)
  const range = round(Math.fround(round(to) - low))
  const mask = 2 ** digits - 1
  return draw(n, () => round(fmaFloat((stream.word() & mask) * 2 ** -digits, range, low)))
}

function boxMuller16(dtype: RandomFloat, x: Float64Array, at: number, mean: number, std: number): void {
  const { round } = formats[dtype]
  const fr = Math.fround
  for (let j = at; j < at + 8; j++) {
    const u1 = round(1 - x[j]!)
    const u2 = x[j + 8]!
    if (dtype === 'float64') {
      const radius = Math.sqrt(-2 * log(u1))
      const [s, c] = sinCos(2 * Math.PI * u2)
      x[j] = fma(radius * c, std, mean)
      x[j + 8] = fma(radius * s, std, mean)
    } else if (dtype === 'float32') {
      const radius = fr(Math.sqrt(fr(-2 * logFloat(u1))))
      const [s, c] = sinCosFloat(fr(fr(2 * Math.PI) * u2))
      x[j] = fmaFloat(fr(radius * c), std, mean)
      x[j + 8] = fmaFloat(fr(radius * s), std, mean)
    } else {
      const [s, c] = sinCos(round(fr(2 * Math.PI * u2)))
      const logarithm = fr(log(u1))
      if (dtype === 'float16') {
        const radius = round(fr(Math.sqrt(fr(-2 * logarithm))))
        x[j] = round(fmaFloat(fr(radius * fr(c)), std, mean))
        x[j + 8] = round(fmaFloat(fr(radius * fr(s)), std, mean))
      } else {
        // Each operation of bfloat16 is rounded by itself.
        const radius = round(fr(Math.sqrt(round(fr(-2 * round(logarithm))))))
        const finish = (v: number): number => round(fr(round(fr(round(fr(radius * round(fr(v)))) * std)) + mean))
        x[j] = finish(c)
        x[j + 8] = finish(s)
      }
    }
  }
}

/**
 * Normal with a mean and a standard deviation. Sixteen or more elements of a contiguous tensor are made sixteen at a time
 * from uniforms of the dtype (the last sixteen anew where a remainder is left); others come one by one in double.
 */
export function normal(
  stream: RandomStream,
  dtype: RandomFloat,
  n: number,
  mean: number,
  std: number,
  contiguous = true,
): Float64Array {
  const { round } = formats[dtype]
  if (n < 16 || !contiguous) return draw(n, () => round(fma(stream.normal(), std, mean)))
  const x = uniform(stream, dtype, n, 0, 1)
  for (let i = 0; i + 16 <= n; i += 16) boxMuller16(dtype, x, i, round(mean), round(std))
  if (n % 16 !== 0) {
    x.set(uniform(stream, dtype, 16, 0, 1), n - 16)
    boxMuller16(dtype, x, n - 16, round(mean), round(std))
  }
  return x
}

/** 1 with probability p, else 0. */
export function bernoulli(stream: RandomStream, n: number, p: number): Float64Array {
  return draw(n, () => (stream.unit() < p ? 1 : 0))
}

/** 1 with the probability of each element of p; float64 probabilities draw 53 bits, the others 24. */
export function bernoulliTensor(stream: RandomStream, dtype: RandomFloat, p: ArrayLike<number>): Float64Array {
  const unit = dtype === 'float64' ? () => stream.unit() : () => (stream.word() & 0xffffff) * 2 ** -24
  return draw(p.length, (i) => (unit() < p[i]! ? 1 : 0))
}

/** -log(1 - u) / rate. */
export function exponential(stream: RandomStream, dtype: RandomFloat, n: number, rate: number): Float64Array {
  const scale = -1 / rate
  return draw(n, () => formats[dtype].round(scale * log(1 - stream.unit())))
}

/** median + sigma * tan(π (u - 1/2)). */
export function cauchy(stream: RandomStream, dtype: RandomFloat, n: number, median: number, sigma: number): Float64Array {
  return draw(n, () => formats[dtype].round(fma(sigma, tan(Math.PI * (stream.unit() - 0.5)), median)))
}

/** exp of normals, which are drawn one by one. */
export function logNormal(stream: RandomStream, dtype: RandomFloat, n: number, mean: number, std: number): Float64Array {
  return draw(n, () => formats[dtype].round(exp(fma(stream.normal(), std, mean))))
}

/** ceil(log(u) / log(1 - p)): trials up to the first success. */
export function geometric(stream: RandomStream, dtype: RandomDType, n: number, p: number): Float64Array {
  const scale = log(1 - p)
  const round = conversion(dtype)
  return draw(n, () => round(Math.ceil(log(stream.unit()) / scale)))
}

/**
 * from + word % range, in any dtype; a range of 0 stands for 2^64. 64-bit words are drawn from a range of 2^32 on.
 * The result is exact before the dtype's own conversion, which the caller does for integers.
 */
export function randint(stream: RandomStream, n: number, from: bigint, range: bigint): BigInt64Array {
  const next =
    range === 0n
      ? () => stream.word64()
      : range >= 2n ** 32n
        ? () => (stream.word64() % range) + from
        : () => (BigInt(stream.word()) % range) + from
  return BigInt64Array.from({ length: n }, () => BigInt.asIntN(64, next()))
}

const fullRanges = {
  float64: 2n ** 53n + 1n,
  float32: 2n ** 24n + 1n,
  float16: 2n ** 11n + 1n,
  bfloat16: 2n ** 8n + 1n,
  int8: 2n ** 7n,
  int16: 2n ** 15n,
  int32: 2n ** 31n,
  int64: 2n ** 63n,
  uint8: 2n ** 8n,
  bool: 2n,
} satisfies Record<RandomDType, bigint>

/** random_() with no bounds: [0, max] of an integer dtype, [0, 2^digits] of a float. */
export function fullRange(stream: RandomStream, dtype: RandomDType, n: number): BigInt64Array {
  const range = fullRanges[dtype]
  const wide = dtype === 'float64' || dtype === 'int64'
  return BigInt64Array.from({ length: n }, () => (wide ? stream.word64() : BigInt(stream.word())) % range)
}

/** A permutation of 0 … n - 1. */
export function randperm(stream: RandomStream, n: number): Float64Array {
  const p = draw(n, (i) => i)
  for (let i = 0; i + 1 < n; i++) {
    const j = i + (stream.word() % (n - i))
    const v = p[i]!
    p[i] = p[j]!
    p[j] = v
  }
  return p
}

/** Poisson counts: Hörmann's transformed rejection (1993) from a rate of 10 on, products of uniforms below. */
export function poisson(stream: RandomStream, dtype: RandomFloat, rates: ArrayLike<number>): Float64Array {
  return draw(rates.length, (i) => formats[dtype].round(poissonOne(stream, rates[i]!)))
}

function poissonOne(stream: RandomStream, rate: number): number {
  if (rate === 0) return 0
  if (rate < 10) {
    const limit = exp(-rate)
    let count = 0
    for (let p = stream.unit(); p > limit; p *= stream.unit()) count++
    return count
  }
  const logRate = log(rate)
  const b = 0.931 + 2.53 * Math.sqrt(rate)
  const a = -0.059 + 0.02483 * b
  const logInverseAlpha = log(1.1239 + 1.1328 / (b - 3.4))
  const vr = 0.9277 - 3.6224 / (b - 2)
  while (true) {
    const u = stream.unit() - 0.5
    const v = stream.unit()
    const us = 0.5 - Math.abs(u)
    const k = Math.floor(((2 * a) / us + b) * u + rate + 0.43)
    if (us >= 0.07 && v <= vr) return k
    if (k < 0 || (us < 0.013 && v > us)) continue
    if (log(v) + logInverseAlpha - log(a / (us * us) + b) <= k * logRate - rate - logFactorial(k)) return k
  }
}

/**
 * Indices into each row of `weights` [rows, n] (row-major; finite, not negative, of positive sum), `count` a row. Without
 * replacement they are the largest of weight / exponential, in decreasing order.
 */
export function multinomial(
  stream: RandomStream,
  dtype: RandomFloat,
  weights: ArrayLike<number>,
  rows: number,
  count: number,
  replacement: boolean,
): Float64Array {
  const n = rows === 0 ? 0 : weights.length / rows
  const { round } = formats[dtype]
  const out = new Float64Array(rows * count)
  const race = replacement ? undefined : exponential(stream, dtype, rows * n, 1)
  for (let r = 0; r < rows; r++) {
    const row = draw(n, (j) => weights[r * n + j]!)
    if (race) {
      const score = row.map((w, j) => round(w / race[r * n + j]!))
      const order = Array.from(score.keys()).sort((x, y) => score[y]! - score[x]! || x - y)
      out.set(order.slice(0, count), r * count)
      continue
    }
    let sum = 0
    const sums = row.map((w) => {
      sum = round(sum + w)
      return sum
    })
    for (let j = 0; j < n; j++) sums[j] = round(sums[j]! / sum)
    for (let i = 0; i < count; i++) {
      const u = stream.unit()
      let low = 0
      let high = n
      while (low < high) {
        const middle = (low + high) >> 1
        if (sums[middle]! < u) low = middle + 1
        else high = middle
      }
      out[r * count + i] = Math.min(low, n - 1)
    }
  }
  return out
}
