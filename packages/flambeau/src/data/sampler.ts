/** In which order samples are drawn. */

import { empty } from '../ops/creation.js'
import { Generator, randint, randperm } from '../ops/random.js'

/** Indices, or batches of them, in the order they are to be loaded; iterated anew each epoch. */
export interface Sampler<T = number> extends Iterable<T> {
  readonly length: number
}

interface Sized {
  readonly length: number
}

/**
 * 0, 1, 2, …, as `torch.utils.data.SequentialSampler`.
 *
 * @example
 * [...new data.SequentialSampler(['a', 'b', 'c'])] // [0, 1, 2]
 */
export class SequentialSampler implements Sampler {
  readonly #source: Sized

  constructor(dataSource: Sized) {
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
 * [...new data.RandomSampler(['a', 'b', 'c'])].length // 3
 */
export class RandomSampler implements Sampler {
  readonly #source: Sized
  readonly #replacement: boolean
  readonly #numSamples: number | null
  readonly #generator: Generator | null

  constructor(dataSource: Sized, options: RandomSamplerOptions = {}) {
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
 * [...new data.SubsetRandomSampler([5, 7])].sort() // [5, 7]
 */
export class SubsetRandomSampler implements Sampler {
  readonly #indices: readonly number[]
  readonly #generator: Generator | null

  constructor(indices: readonly number[], options: { generator?: Generator | null } = {}) {
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

export interface BatchSamplerOptions {
  /** Leave out a last batch that is not full. */
  dropLast?: boolean
}

/**
 * Another sampler's indices in batches, as `torch.utils.data.BatchSampler`.
 *
 * @example
 * [...new data.BatchSampler(new data.SequentialSampler(['a', 'b', 'c']), 2, false)] // [[0, 1], [2]]
 */
export class BatchSampler implements Sampler<number[]> {
  readonly #sampler: Sampler
  readonly #batchSize: number
  readonly #dropLast: boolean

  constructor(sampler: Sampler, batchSize: number, options: BatchSamplerOptions = {}) {
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
