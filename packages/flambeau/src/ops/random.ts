/** Random numbers: PyTorch's CPU stream, bit for bit. */

import type { Backend } from '../backends/backend.js'
import { backendOf } from '../backends/select.js'
import { type Arguments, readArguments } from '../core/arguments.js'
import { type DType, getDefaultDtype, isComplex, isFloatingPoint, resultType, scalarName } from '../core/dtype.js'
import { broadcastShapes, type Shape } from '../core/layout.js'
import { Storage } from '../core/storage.js'
import { Tensor } from '../core/tensor.js'
import { add, mul } from './arithmetic.js'
import { rowMajor } from './copy.js'
import { empty, type SizesAndOptions, splitSizes, type TensorOptions } from './creation.js'
import { checkInPlace, commonBackend, emptyTensor } from './dispatch.js'
import { amax, amin, sum } from './reduce.js'
import { expand, reshape } from './view.js'

/** Bytes of a generator's state, laid out as PyTorch's `get_rng_state` gives it. */
const STATE_BYTES = 5056

/**
 * A source of random numbers with a state of its own, as `torch.Generator`: mt19937 seeded as PyTorch does.
 *
 * @example
 * const generator = new torch.Generator().manualSeed(0)
 * torch.rand(2, { generator }) // tensor([0.4963, 0.7682])
 */
export class Generator {
  /** @internal */ readonly state: Storage<Backend>
  #seed = 67280421310721n

  constructor(device?: string) {
    const backend = backendOf(device)
    this.state = new Storage(backend, backend.allocate(STATE_BYTES), STATE_BYTES)
    this.manualSeed(this.#seed)
  }

  /** Starts the stream that belongs to a seed. */
  manualSeed(seed: number | bigint): this {
    const value = BigInt.asUintN(64, BigInt(seed))
    this.#seed = value
    this.state.allocator.run('seedGenerator', this.state, Number(value & 0xffffffffn), Number(value >> 32n))
    return this
  }

  /** The seed the stream was started with. */
  initialSeed(): bigint {
    return this.#seed
  }

  /** Seeds from the system's randomness and returns the seed. */
  seed(): bigint {
    const [seed] = crypto.getRandomValues(new BigUint64Array(1))
    this.manualSeed(seed & 0x1fffffffffffffn)
    return this.#seed
  }

  /** The state as a uint8 tensor, PyTorch's own bytes. */
  getState(): Tensor {
    const t = empty(STATE_BYTES, { dtype: 'uint8' })
    t.storage.bytes.set(this.state.bytes)
    return t
  }

  /** Continues from a state that `getState` gave. */
  setState(state: Tensor): this {
    if (state.dtype !== 'uint8' || state.layout.numel !== STATE_BYTES || !state.layout.isContiguous)
      throw new TypeError('expected a torch.ByteTensor as RNG state')
    const from = state.layout.offset
    this.state.bytes.set(state.storage.bytes.subarray(from, from + STATE_BYTES))
    return this
  }
}

let shared: Generator | undefined
/**
 * The generator that functions use where none is given.
 *
 * @example
 * torch.manualSeed(7)
 * torch.defaultGenerator().initialSeed() // 7n
 */
export function defaultGenerator(): Generator {
  shared ??= new Generator()
  return shared
}
/**
 * Seeds the default generator, as `torch.manual_seed`.
 *
 * @example
 * torch.manualSeed(0)
 * torch.randn(3) // tensor([ 1.5410, -0.2934, -2.1788])
 */
export const manualSeed = (seed: number | bigint): Generator => defaultGenerator().manualSeed(seed)
/**
 * The seed of the default generator, as `torch.initial_seed`.
 *
 * @example
 * torch.manualSeed(3)
 * torch.initialSeed() // 3n
 */
export const initialSeed = (): bigint => defaultGenerator().initialSeed()
/**
 * The default generator's state, as `torch.get_rng_state`.
 *
 * @example
 * const state = torch.getRngState()
 * const x = torch.rand(3)
 * torch.setRngState(state)
 * torch.rand(3).equal(x) // true
 */
export const getRngState = (): Tensor => defaultGenerator().getState()
/**
 * Sets the default generator's state, as `torch.set_rng_state`.
 *
 * @example
 * const state = torch.manualSeed(0).getState()
 * torch.setRngState(state)
 * torch.rand(1) // tensor([0.4963])
 */
export const setRngState = (state: Tensor): void => void defaultGenerator().setState(state)

/** The distributions of the `random` kernel, in the order of its codes. */
const distributions = ['uniform', 'normal', 'bernoulli', 'exponential', 'cauchy', 'logNormal', 'geometric', 'fullRange'] as const
type Distribution = (typeof distributions)[number]

/** @internal Fills a new tensor. */
export function draw(out: Tensor, kind: Distribution, a: number, b: number, generator: Generator | null | undefined): Tensor {
  const { state } = generator ?? defaultGenerator()
  if (out.layout.numel > 0) out.storage.allocator.run('random', distributions.indexOf(kind), state, out, a, b)
  return out
}

/** Integers from + [0, range); the kernel takes both as halves of 64 bits. */
function drawIntegers(out: Tensor, from: bigint, range: bigint, generator: Generator | null | undefined): Tensor {
  const { state } = generator ?? defaultGenerator()
  const halves = (n: bigint): [number, number] => [Number(BigInt.asUintN(32, n)), Number(BigInt.asUintN(32, n >> 32n))]
  if (out.layout.numel > 0) out.storage.allocator.run('randint', state, out, ...halves(from), ...halves(range))
  return out
}

/** Fills in place: the checks of every in-place op, then the draw. */
function fill(self: Tensor, kind: Distribution, a: number, b: number, generator: Generator | null | undefined): Tensor {
  checkInPlace(self, null, null)
  draw(self, kind, a, b, generator)
  self.storage.version++
  return self
}

export interface RandomOptions extends TensorOptions {
  generator?: Generator | null
}
export interface GeneratorOptions {
  /** Where the random numbers come from; the default generator unless given. */
  generator?: Generator | null
}
const source = ['generator'] as const

function requireFloat(dtype: DType, name: string, orComplex = false): void {
  if (!isFloatingPoint(dtype) && !(orComplex && isComplex(dtype)))
    throw new Error(`"${name}" not implemented for '${scalarName(dtype)}'`)
}

function sampled(sizes: Shape, options: RandomOptions, dtype: DType, write: (t: Tensor) => void): Tensor {
  const { requiresGrad, ...rest } = options
  const t = empty(sizes, { ...rest, dtype })
  write(t)
  if (requiresGrad) t.leafRequiresGrad = true
  return t
}

/**
 * Uniform in [0, 1), as `torch.rand`.
 *
 * @example
 * torch.manualSeed(0)
 * torch.rand(3) // tensor([0.4963, 0.7682, 0.0885])
 */
export function rand(...args: SizesAndOptions<RandomOptions>): Tensor {
  const { sizes, options } = splitSizes<RandomOptions>(args)
  const { dtype = getDefaultDtype(), generator } = options
  requireFloat(dtype, 'uniform_', true)
  return sampled(sizes, options, dtype, (t) => draw(t, 'uniform', 0, 1, generator))
}
/**
 * Standard normal, as `torch.randn`.
 *
 * @example
 * torch.manualSeed(0)
 * torch.randn(2, 2)
 * // tensor([[ 1.5410, -0.2934],
 * //         [-2.1788,  0.5684]])
 */
export function randn(...args: SizesAndOptions<RandomOptions>): Tensor {
  const { sizes, options } = splitSizes<RandomOptions>(args)
  const { dtype = getDefaultDtype(), generator } = options
  requireFloat(dtype, 'normal_kernel_cpu', true)
  return sampled(sizes, options, dtype, (t) => draw(t, 'normal', 0, 1, generator))
}
/**
 * Uniform in [0, 1) with another tensor's shape and dtype, as `torch.rand_like`.
 *
 * @example
 * torch.randLike(torch.zeros(2, 3)).shape // [2, 3]
 */
export const randLike = (self: Tensor, options: RandomOptions = {}): Tensor =>
  rand(self.layout.shape, { dtype: self.dtype, ...options })
/**
 * Standard normal with another tensor's shape and dtype, as `torch.randn_like`.
 *
 * @example
 * torch.randnLike(torch.zeros(2, { dtype: 'float64' })).dtype // 'float64'
 */
export const randnLike = (self: Tensor, options: RandomOptions = {}): Tensor =>
  randn(self.layout.shape, { dtype: self.dtype, ...options })

/**
 * Integers in [low, high), int64 unless a dtype is given, as `torch.randint`.
 *
 * @example
 * torch.randint(10, [2, 3]).shape // [2, 3]
 * torch.randint(5, 10, [3]).ge(5).all().item() // true
 */
export function randint(low: number, high: number | Shape, size?: Shape | RandomOptions, options: RandomOptions = {}): Tensor {
  const [from, to, sizes, named] =
    typeof high === 'number' ? [low, high, size as Shape, options] : [0, low, high, (size ?? {}) as RandomOptions]
  if (!(from < to)) throw new Error(`random_ expects 'from' to be less than 'to', but got from=${from} >= to=${to}`)
  return sampled(sizes, named, named.dtype ?? 'int64', (t) =>
    drawIntegers(t, BigInt(from), BigInt(to) - BigInt(from), named.generator),
  )
}
/**
 * The integers 0…n−1 in random order, int64 unless a dtype is given, as `torch.randperm`.
 *
 * @example
 * torch.manualSeed(0)
 * torch.randperm(5) // tensor([4, 0, 1, 3, 2])
 */
export function randperm(n: number, options: RandomOptions = {}): Tensor {
  if (!Number.isInteger(n) || n < 0) throw new Error(`n must be non-negative, got ${n}`)
  return sampled([n], options, options.dtype ?? 'int64', (t) => {
    if (n > 0) t.storage.allocator.run('randperm', (options.generator ?? defaultGenerator()).state, t)
  })
}
/**
 * 1 with the probability that each element of `self` gives, else 0, as `torch.bernoulli`; with `p` that everywhere.
 *
 * @throws Error for a probability outside [0, 1]
 * @example
 * torch.bernoulli(torch.tensor([0, 1])).tolist() // [0, 1]
 */
export function bernoulli(self: Tensor, ...args: Arguments<[p: number], GeneratorOptions & { p?: number }>): Tensor {
  const { p, generator } = readArguments<GeneratorOptions & { p?: number }>('bernoulli', args, ['p'], source)
  const out = emptyTensor(self.storage.allocator, self.layout.shape, self.dtype)
  if (p !== undefined) return draw(out, 'bernoulli', requireProbability(p), 0, generator)
  requireFloat(self.dtype, 'bernoulli_tensor_cpu_p_')
  if (out.layout.numel > 0 && !((amin(self).item() as number) >= 0 && (amax(self).item() as number) <= 1))
    throw new Error('Expected p_in >= 0 && p_in <= 1 to be true, but got false.')
  if (out.layout.numel > 0) self.storage.allocator.run('bernoulliTensor', (generator ?? defaultGenerator()).state, self, out)
  return out
}
function requireProbability(p: number): number {
  if (!(p >= 0 && p <= 1)) throw new Error(`bernoulli_ expects p to be in [0, 1], but got p=${p}`)
  return p
}

export interface UniformOptions extends GeneratorOptions {
  from?: number
  to?: number
}
/**
 * Overwrites with uniform numbers in [from, to), in [0, 1) unless given, as `torch.Tensor.uniform_`.
 *
 * @throws Error for integers, or from > to
 * @example
 * torch.empty(3).uniform_(2, 3).ge(2).all().item() // true
 */
export function uniform_(self: Tensor, ...args: Arguments<[from: number, to: number], UniformOptions>): Tensor {
  const { from = 0, to = 1, generator } = readArguments<UniformOptions>('uniform_', args, ['from', 'to'], source)
  requireFloat(self.dtype, 'check_uniform_bounds')
  if (!(from <= to)) throw new Error(`uniform_ expects to return a [from, to) range, but found from=${from} > to=${to}`)
  return fill(self, 'uniform', from, to, generator)
}
export interface NormalOptions extends GeneratorOptions {
  mean?: number
  std?: number
}
type NormalArguments = Arguments<[mean: number, std: number], NormalOptions>
/**
 * Overwrites with normal numbers, of mean 0 and deviation 1 unless given, as `torch.Tensor.normal_`.
 *
 * @throws Error for integers, or std < 0
 * @example
 * torch.empty(2, 3).normal_({ std: 0.02 }).shape // [2, 3]
 */
export function normal_(self: Tensor, ...args: NormalArguments): Tensor {
  const { mean = 0, std = 1, generator } = readArguments<NormalOptions>('normal_', args, ['mean', 'std'], source)
  requireFloat(self.dtype, 'normal_kernel_cpu', true)
  if (!(std >= 0)) throw new Error(`normal expects std >= 0.0, but found std ${std}`)
  return fill(self, 'normal', mean, std, generator)
}
/**
 * Overwrites with 1 with probability p (0.5 unless given), else 0, as `torch.Tensor.bernoulli_`.
 *
 * @throws Error for a probability outside [0, 1]
 * @example
 * torch.empty(2).bernoulli_(1).tolist() // [1, 1]
 */
export function bernoulli_(self: Tensor, ...args: Arguments<[p: number], GeneratorOptions & { p?: number }>): Tensor {
  const { p = 0.5, generator } = readArguments<GeneratorOptions & { p?: number }>('bernoulli_', args, ['p'], source)
  return fill(self, 'bernoulli', requireProbability(p), 0, generator)
}
type Bound = number | bigint | null
export interface RandomBoundOptions extends GeneratorOptions {
  from?: Bound
  to?: Bound
}
/**
 * Overwrites with integers in [from, to), in [0, from) where that alone is given, or with the dtype's whole range, as
 * `torch.Tensor.random_`.
 *
 * @throws Error for an empty range
 * @example
 * torch.empty(4).random_(3).lt(3).all().item() // true
 */
export function random_(self: Tensor, ...args: Arguments<[from: Bound, to: Bound], RandomBoundOptions>): Tensor {
  const { from, to, generator } = readArguments<RandomBoundOptions>('random_', args, ['from', 'to'], source)
  if (from === undefined || from === null) return fill(self, 'fullRange', 0, 0, generator)
  const [low, high] = to === undefined || to === null ? [0n, BigInt(from)] : [BigInt(from), BigInt(to)]
  if (low >= high) throw new Error(`random_ expects 'from' to be less than 'to', but got from=${low} >= to=${high}`)
  checkInPlace(self, null, null)
  drawIntegers(self, low, high - low, generator)
  self.storage.version++
  return self
}
/**
 * Overwrites with exponentially distributed numbers of rate lambd (1 unless given), as `torch.Tensor.exponential_`.
 *
 * @throws Error for integers, or lambd <= 0
 * @example
 * torch.empty(3).exponential_().ge(0).all().item() // true
 */
export function exponential_(self: Tensor, ...args: Arguments<[lambd: number], GeneratorOptions & { lambd?: number }>): Tensor {
  const { lambd = 1, generator } = readArguments<GeneratorOptions & { lambd?: number }>('exponential_', args, ['lambd'], source)
  requireFloat(self.dtype, 'exponential_')
  if (!(lambd > 0)) throw new Error(`exponential_ expects lambda > 0.0, but found lambda=${lambd}`)
  return fill(self, 'exponential', lambd, 0, generator)
}
export interface CauchyOptions extends GeneratorOptions {
  median?: number
  sigma?: number
}
/**
 * Overwrites with Cauchy distributed numbers, of median 0 and scale 1 unless given, as `torch.Tensor.cauchy_`.
 *
 * @throws Error for integers, or sigma <= 0
 * @example
 * torch.empty(3).cauchy_().shape // [3]
 */
export function cauchy_(self: Tensor, ...args: Arguments<[median: number, sigma: number], CauchyOptions>): Tensor {
  const { median = 0, sigma = 1, generator } = readArguments<CauchyOptions>('cauchy_', args, ['median', 'sigma'], source)
  requireFloat(self.dtype, 'cauchy_')
  if (!(sigma > 0)) throw new Error(`cauchy_ expects sigma > 0.0, but found sigma=${sigma}`)
  return fill(self, 'cauchy', median, sigma, generator)
}
/**
 * Overwrites with numbers whose logarithms are normal, of mean 1 and deviation 2 unless given, as `torch.Tensor.log_normal_`.
 *
 * @throws Error for integers, or std <= 0
 * @example
 * torch.empty(3).logNormal_().gt(0).all().item() // true
 */
export function logNormal_(self: Tensor, ...args: NormalArguments): Tensor {
  const { mean = 1, std = 2, generator } = readArguments<NormalOptions>('log_normal_', args, ['mean', 'std'], source)
  requireFloat(self.dtype, 'log_normal_')
  if (!(std > 0)) throw new Error(`log_normal_ expects std > 0.0, but found std=${std}`)
  return fill(self, 'logNormal', mean, std, generator)
}
/**
 * Overwrites with the numbers of trials up to the first success of probability p, as `torch.Tensor.geometric_`.
 *
 * @throws Error for p outside (0, 1)
 * @example
 * torch.empty(3).geometric_(0.5).ge(1).all().item() // true
 */
export function geometric_(self: Tensor, p: number, options: GeneratorOptions = {}): Tensor {
  if (!(p > 0 && p < 1)) throw new Error(`geometric_ expects p to be in (0, 1), but got p=${p}`)
  return fill(self, 'geometric', p, 0, options.generator)
}

/**
 * Normal numbers, as `torch.normal`: the mean and the deviation are tensors or numbers, one of each result; two numbers
 * take a size.
 *
 * @example
 * torch.normal(torch.zeros(2, 3), 0.5).shape // [2, 3]
 */
export function normal(
  mean: Tensor | number,
  std: Tensor | number | GeneratorOptions = 1,
  size?: Shape | RandomOptions,
  options: RandomOptions = {},
): Tensor {
  if (typeof mean === 'number' && typeof std === 'number') {
    if (!Array.isArray(size)) throw new TypeError('normal(): a mean and a deviation that are numbers need a size')
    const { dtype = getDefaultDtype(), generator } = options
    requireDeviation(std)
    return sampled(size, options, dtype, (t) => draw(t, 'normal', mean, std, generator))
  }
  const deviation = typeof std === 'number' || std instanceof Tensor ? std : 1
  const named = (deviation === std ? size : std) as GeneratorOptions | undefined
  const tensors = [mean, deviation].filter((t) => t instanceof Tensor)
  for (const t of tensors) requireFloat(t.dtype, 'normal_kernel_cpu')
  if (deviation instanceof Tensor) {
    if (deviation.layout.numel > 0 && !(amin(deviation).item() >= 0)) throw new Error('normal expects all elements of std >= 0.0')
  } else requireDeviation(deviation)
  const shape = broadcastShapes(tensors.map((t) => t.layout.shape))
  const out = emptyTensor(tensors[0].storage.allocator, shape, resultType(tensors))
  draw(out, 'normal', 0, 1, named?.generator)
  add.inPlace(mul.inPlace(out, detached(deviation)), detached(mean))
  return out
}
const detached = (value: Tensor | number): Tensor | number => (value instanceof Tensor ? value.detach() : value)
function requireDeviation(std: number): void {
  if (!(std >= 0)) throw new Error(`normal expects std >= 0.0, but found std ${std}`)
}

/**
 * Poisson counts, one for each rate, as `torch.poisson`.
 *
 * @example
 * torch.poisson(torch.tensor([0, 5])).ge(0).tolist() // [true, true]
 */
export function poisson(self: Tensor, options: GeneratorOptions = {}): Tensor {
  requireFloat(self.dtype, 'poisson_cpu')
  if (self.layout.numel > 0 && !(amin(self).item() >= 0))
    throw new Error('invalid Poisson rate, expected rate to be non-negative')
  const out = emptyTensor(self.storage.allocator, self.layout.shape, self.dtype)
  const { state } = options.generator ?? defaultGenerator()
  if (out.layout.numel > 0) self.storage.allocator.run('poisson', state, self, out)
  return out
}

/**
 * Successes among `count` trials with the probability `prob` each, as `torch.binomial`, with broadcasting.
 *
 * @throws Error for dtypes other than float32 and float64, or two different ones.
 * @example
 * torch.binomial(torch.tensor([10, 10]), torch.tensor([0, 1])).tolist() // [0, 10]
 */
export function binomial(count: Tensor, prob: Tensor, options: GeneratorOptions = {}): Tensor {
  if (count.dtype !== prob.dtype) throw new Error(`Found dtype ${scalarName(prob.dtype)} but expected ${scalarName(count.dtype)}`)
  if (count.dtype !== 'float32' && count.dtype !== 'float64')
    throw new Error(`"binomial_cpu" not implemented for '${scalarName(count.dtype)}'`)
  const shape = broadcastShapes([count.layout.shape, prob.layout.shape])
  const [n, p] = [count, prob].map((t) => rowMajor(expand(t.detach(), shape)))
  const out = emptyTensor(commonBackend([n, p]), shape, count.dtype)
  const { state } = options.generator ?? defaultGenerator()
  if (out.layout.numel > 0) out.storage.allocator.run('binomial', state, n, p, out)
  return out
}

export interface MultinomialOptions extends GeneratorOptions {
  /** Whether an index may be drawn again. */
  replacement?: boolean
}
/**
 * Indices drawn with probabilities in proportion to weights: of a vector [n], or of each row of a matrix, as
 * `torch.multinomial`.
 *
 * @example
 * torch.multinomial(torch.tensor([0, 10, 3]), 2).shape // [2]
 */
export function multinomial(
  self: Tensor,
  numSamples: number,
  ...args: Arguments<[replacement: boolean], MultinomialOptions>
): Tensor {
  const given = readArguments<MultinomialOptions>('multinomial', args, ['replacement'], source)
  const { replacement: again = false, generator } = given
  if (self.ndim !== 1 && self.ndim !== 2) throw new Error('prob_dist must be 1 or 2 dim')
  requireFloat(self.dtype, 'multinomial only supports floating-point dtypes for input, got')
  const n = self.layout.shape[self.ndim - 1]
  if (!(numSamples > 0)) throw new Error('cannot sample n_sample <= 0 samples')
  if (!again && numSamples > n) throw new Error('cannot sample n_sample > prob_dist.size(-1) samples without replacement')
  const rows = self.ndim === 1 ? 1 : self.layout.shape[0]
  if (self.layout.numel > 0) {
    if (!(amin(self).item() >= 0) || !(amax(self).item() < Number.POSITIVE_INFINITY))
      throw new Error('probability tensor contains either `inf`, `nan` or element < 0')
    if (!(amin(sum(self, -1)).item() > 0)) throw new Error('invalid multinomial distribution (sum of probabilities <= 0)')
  }
  const weights = reshape(self.detach(), rows, n)
  const out = emptyTensor(self.storage.allocator, [rows, numSamples], 'int64')
  if (out.layout.numel > 0)
    self.storage.allocator.run('multinomial', (generator ?? defaultGenerator()).state, weights, out, again)
  return self.ndim === 1 ? reshape(out, numSamples) : out
}

/**
 * Integers in [low, high), or in [0, low) where that alone is given, with another tensor's shape and dtype, as
 * `torch.randint_like`.
 *
 * @throws Error for an empty range
 * @example
 * torch.randintLike(torch.zeros(2, 3), 10).shape // [2, 3]
 */
export function randintLike(self: Tensor, low: number, high?: number | RandomOptions, options: RandomOptions = {}): Tensor {
  const [from, to, named] = typeof high === 'number' ? [low, high, options] : [0, low, high ?? options]
  return randint(from, to, self.layout.shape, { dtype: self.dtype, ...named })
}
