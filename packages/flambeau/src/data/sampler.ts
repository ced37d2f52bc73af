/** In which order samples are drawn. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { Tensor } from '../core/tensor.js'
import { to } from '../ops/cast.js'
import { empty, tensor } from '../ops/creation.js'
import { Generator, multinomial, randint, randperm } from '../ops/random.js'

/**
 * Indices, or batches of them, in the order they are to be loaded, as `torch.utils.data.Sampler`; iterated anew each epoch.
 * A `DataLoader` takes any iterable with a length.
 *
 * @example
 * class Backwards extends data.Sampler {
 *   get length() {
 *     return 3
 *   }
 *   [Symbol.iterator]() {
 *     return [2, 1, 0].values()
 *   }
 * }
 * Array.from(new Backwards()) // [ 2, 1, 0 ]
 */
export abstract class Sampler<T = number> implements Iterable<T> {
  abstract readonly length: number
  abstract [Symbol.iterator](): Iterator<T>
}

interface Sized {
  readonly length: number
}

/**
 * 0, 1, 2, …, as `torch.utils.data.SequentialSampler`.
 *
 * @example
 * const sampler = new data.SequentialSampler(['a', 'b', 'c'])
 * Array.from(sampler) // [ 0, 1, 2 ]
 */
export class SequentialSampler extends Sampler {
  readonly #source: Sized

  constructor(dataSource: Sized) {
    super()
    this.#source = dataSource
  }

  get length(): number {
    return this.#source.length
  }

  *[Symbol.iterator](): Iterator<number> {
    const { length } = this
    for (let i = 0; i < length; i++) yield i
  }
}

export interface RandomSamplerOptions {
  /** Draw each sample independently. */
  replacement?: boolean
  /** How many to draw; as many as there are unless given. */
  numSamples?: number | null
  generator?: Generator | null
}

/** 63 random bits, as PyTorch draws seeds. */
export const drawSeed = (generator?: Generator | null): bigint =>
  empty([], { dtype: 'int64' }).random_(undefined, undefined, { generator }).itemBigInt()

/**
 * All indices in random order, PyTorch's for the same seed, as `torch.utils.data.RandomSampler`.
 *
 * @example
 * const sampler = new data.RandomSampler([1, 2, 3], { generator: new torch.Generator().manualSeed(0) })
 * Array.from(sampler) // [ 2, 0, 1 ]
 */
export class RandomSampler extends Sampler {
  readonly #source: Sized
  readonly #replacement: boolean
  readonly #numSamples: number | null
  readonly #generator: Generator | null

  constructor(dataSource: Sized, options: RandomSamplerOptions = {}) {
    super()
    const { replacement = false, numSamples = null, generator = null } = options
    if (numSamples !== null && !(Number.isInteger(numSamples) && numSamples > 0))
      throw new Error(`num_samples should be a positive integer value, but got num_samples=${numSamples}`)
    this.#source = dataSource
    this.#replacement = replacement
    this.#numSamples = numSamples
    this.#generator = generator
  }

  get length(): number {
    return this.#numSamples ?? this.#source.length
  }

  *[Symbol.iterator](): Iterator<number> {
    const n = this.#source.length
    const count = this.length
    const generator = this.#generator ?? new Generator().manualSeed(drawSeed())
    if (this.#replacement) {
      for (let left = count; left >= 32; left -= 32) yield* randint(n, [32], { generator }).tolist() as number[]
      yield* randint(n, [count % 32], { generator }).tolist() as number[]
      return
    }
    // The last permutation is drawn even where nothing of it is used: the stream goes on as PyTorch's does.
    for (let left = count; n > 0 && left >= n; left -= n) yield* randperm(n, { generator }).tolist() as number[]
    yield* (randperm(n, { generator }).tolist() as number[]).slice(0, n > 0 ? count % n : 0)
  }
}

/**
 * Given indices in random order, as `torch.utils.data.SubsetRandomSampler`.
 *
 * @example
 * const sampler = new data.SubsetRandomSampler([5, 7, 9])
 * sampler.length // 3
 */
export class SubsetRandomSampler extends Sampler {
  readonly #indices: readonly number[]
  readonly #generator: Generator | null

  constructor(indices: readonly number[], options: { generator?: Generator | null } = {}) {
    super()
    this.#indices = indices
    this.#generator = options.generator ?? null
  }

  get length(): number {
    return this.#indices.length
  }

  *[Symbol.iterator](): Iterator<number> {
    for (const i of randperm(this.length, { generator: this.#generator }).tolist() as number[]) yield this.#indices[i]
  }
}

export interface WeightedRandomSamplerOptions {
  /** Draw each sample independently. */
  replacement?: boolean
  generator?: Generator | null
}

/**
 * Indices by weight, PyTorch's for the same seed, as `torch.utils.data.WeightedRandomSampler`.
 *
 * @example
 * const sampler = new data.WeightedRandomSampler([0, 0, 1], 2)
 * Array.from(sampler) // [ 2, 2 ]
 */
export class WeightedRandomSampler extends Sampler {
  readonly #weights: Tensor
  readonly #numSamples: number
  readonly #options: Required<WeightedRandomSamplerOptions>

  constructor(
    weights: readonly number[] | Tensor,
    numSamples: number,
    ...args: Arguments<[replacement: boolean, generator: Generator | null], WeightedRandomSamplerOptions>
  ) {
    super()
    const names = ['replacement', 'generator'] as const
    const given = readArguments<WeightedRandomSamplerOptions>('WeightedRandomSampler', args, names)
    const { replacement = true, generator = null } = given
    if (!(Number.isInteger(numSamples) && numSamples > 0))
      throw new Error(`num_samples should be a positive integer value, but got num_samples=${numSamples}`)
    if (typeof replacement !== 'boolean')
      throw new Error(`replacement should be a boolean value, but got replacement=${replacement}`)
    this.#weights = weights instanceof Tensor ? to(weights, 'float64') : tensor(weights, { dtype: 'float64' })
    const { shape } = this.#weights
    if (shape.length !== 1) throw new Error(`weights should be a 1d sequence but given weights have shape (${shape.join(', ')})`)
    this.#numSamples = numSamples
    this.#options = { replacement, generator }
  }

  get length(): number {
    return this.#numSamples
  }

  *[Symbol.iterator](): Iterator<number> {
    yield* multinomial(this.#weights, this.#numSamples, this.#options).tolist() as number[]
  }
}

export interface DistributedSamplerOptions {
  /** How many processes there are. */
  numReplicas?: number
  /** Which one this is, from 0. */
  rank?: number
  shuffle?: boolean
  seed?: number
  /** Leave out samples rather than repeat some, where they cannot be shared evenly. */
  dropLast?: boolean
}

/**
 * One process's share of the samples, as `torch.utils.data.distributed.DistributedSampler`: as many for each, PyTorch's for the
 * same seed. `setEpoch` before each epoch makes its order another.
 *
 * @example
 * const sampler = new data.DistributedSampler([1, 2, 3, 4, 5], { numReplicas: 2, rank: 1, shuffle: false })
 * Array.from(sampler) // [ 1, 3, 0 ]
 */
export class DistributedSampler extends Sampler {
  readonly numReplicas: number
  readonly rank: number
  readonly numSamples: number
  readonly totalSize: number
  readonly shuffle: boolean
  readonly seed: number
  readonly dropLast: boolean
  epoch = 0
  readonly #source: Sized

  constructor(
    dataset: Sized,
    ...args: Arguments<
      [numReplicas: number, rank: number, shuffle: boolean, seed: number, dropLast: boolean],
      DistributedSamplerOptions
    >
  ) {
    super()
    const names = ['numReplicas', 'rank', 'shuffle', 'seed', 'dropLast'] as const
    const given = readArguments<DistributedSamplerOptions>('DistributedSampler', args, names)
    const { numReplicas, rank, shuffle = true, seed = 0, dropLast = false } = given
    if (numReplicas === undefined || rank === undefined) throw new Error('Requires distributed package to be available')
    if (!(rank >= 0 && rank < numReplicas))
      throw new Error(`Invalid rank ${rank}, rank should be in the interval [0, ${numReplicas - 1}]`)
    this.#source = dataset
    this.numReplicas = numReplicas
    this.rank = rank
    this.shuffle = shuffle
    this.seed = seed
    this.dropLast = dropLast
    const uneven = dropLast && dataset.length % numReplicas !== 0
    this.numSamples = Math.ceil((uneven ? dataset.length - numReplicas : dataset.length) / numReplicas)
    this.totalSize = this.numSamples * numReplicas
  }

  get length(): number {
    return this.numSamples
  }

  /** Makes the order of this epoch another than that of the one before. */
  setEpoch(epoch: number): void {
    this.epoch = epoch
  }

  *[Symbol.iterator](): Iterator<number> {
    const n = this.#source.length
    const order = this.shuffle
      ? (randperm(n, { generator: new Generator().manualSeed(this.seed + this.epoch) }).tolist() as number[])
      : Array.from({ length: n }, (_, i) => i)
    // Where samples are too few to share, the first ones come again.
    for (let i = this.rank; i < this.totalSize; i += this.numReplicas) yield order[i % n]
  }
}

export interface BatchSamplerOptions {
  /** Leave out a last batch that is not full. */
  dropLast?: boolean
}

/**
 * Another sampler's indices in batches, as `torch.utils.data.BatchSampler`.
 *
 * @example
 * const sampler = new data.BatchSampler(new data.SequentialSampler([1, 2, 3]), 2)
 * Array.from(sampler) // [ [ 0, 1 ], [ 2 ] ]
 */
export class BatchSampler extends Sampler<number[]> {
  readonly #sampler: Sampler
  readonly #batchSize: number
  readonly #dropLast: boolean

  constructor(sampler: Sampler, batchSize: number, options: BatchSamplerOptions = {}) {
    super()
    if (!Number.isInteger(batchSize) || batchSize <= 0)
      throw new Error(`batch_size should be a positive integer value, but got batch_size=${batchSize}`)
    this.#sampler = sampler
    this.#batchSize = batchSize
    this.#dropLast = options.dropLast ?? false
  }

  get length(): number {
    const batches = this.#sampler.length / this.#batchSize
    return this.#dropLast ? Math.floor(batches) : Math.ceil(batches)
  }

  *[Symbol.iterator](): Iterator<number[]> {
    let batch: number[] = []
    for (const index of this.#sampler) {
      batch.push(index)
      if (batch.length < this.#batchSize) continue
      yield batch
      batch = []
    }
    if (batch.length > 0 && !this.#dropLast) yield batch
  }
}
