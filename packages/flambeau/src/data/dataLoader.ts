/** Batches of a dataset. */

import { backend } from '../backends/select.js'
import { isOptions } from '../core/arguments.js'
import type { Generator } from '../ops/random.js'
import type { Collated } from './collate.js'
import { type AnyDataset, type Dataset, isIterable, lengthOf } from './dataset.js'
import { ended, fetcherOf } from './fetch.js'
import { BatchSampler, drawSeed, RandomSampler, type Sampler, SequentialSampler } from './sampler.js'
import { WorkerPool } from './workers.js'

export interface DataLoaderOptions<S, B> {
  /** Samples per batch; null loads samples one by one, uncollated. */
  batchSize?: number | null
  /** A new random order every epoch. */
  shuffle?: boolean
  /** Indices in an order of one's own. */
  sampler?: Sampler | Iterable<number>
  /** Batches of indices of one's own. */
  batchSampler?: Sampler<readonly number[]> | Iterable<readonly number[]>
  /** How many threads load batches; 0 loads them where they are asked for. */
  numWorkers?: number
  /** Makes a batch of samples, or changes each sample where `batchSize` is null; `defaultCollate` unless given. */
  collateFn?: (samples: NonNullable<S>[]) => B
  /** There is no pinned memory here: only false is taken. */
  pinMemory?: false
  /** Leave out a last batch that is not full. */
  dropLast?: boolean
  /** How many seconds a worker may take for a batch; 0 for any number. */
  timeout?: number
  /** Called in each worker, with its number, before the first batch. */
  workerInitFn?: ((id: number) => unknown) | null
  /** Draws the order; the default generator unless given. */
  generator?: Generator | null
  /** How many batches each worker loads in advance; 2 unless given. */
  prefetchFactor?: number
  /** Keep the workers, and their datasets, from one epoch to the next. */
  persistentWorkers?: boolean
}
const names = {
  batchSize: true,
  shuffle: true,
  sampler: true,
  batchSampler: true,
  numWorkers: true,
  collateFn: true,
  pinMemory: true,
  dropLast: true,
  timeout: true,
  workerInitFn: true,
  generator: true,
  prefetchFactor: true,
  persistentWorkers: true,
} satisfies Record<keyof DataLoaderOptions<unknown, unknown>, true>

/**
 * Iterates over a dataset in batches, as `torch.utils.data.DataLoader`: with the same seed in the same order. Each
 * `for await` loop is one epoch.
 *
 * With `numWorkers`, threads load the batches, in the same order. Each makes the dataset anew: one of `data.moduleDataset` from
 * its module; flambeau's own from what they hold; instances of other classes from the class's source and their fields, and
 * `collateFn` and `workerInitFn` from their source: these must be self-contained, and see only `torch`, `nn`, `optim`, `data`,
 * `autograd` and `F`. Batches come back in memory that is handed over, not copied, on the native engine. An error in a worker is
 * thrown by the loop, with its own stack; leaving the loop stops the workers.
 *
 * @example
 * const set = new data.TensorDataset(torch.arange(6).view(3, 2), torch.arange(3))
 * const loader = new data.DataLoader(set, { batchSize: 2 })
 * const shapes = []
 * for await (const [x, y] of loader) shapes.push(x.shape, y.shape)
 * shapes // [ [ 2, 2 ], [ 2 ], [ 1, 2 ], [ 1 ] ]
 */
export class DataLoader<S, B = Collated<NonNullable<S>>> implements AsyncIterable<B> {
  readonly dataset: AnyDataset<S>
  readonly batchSize: number | null
  /** The order of the samples; null for a stream, which has its own. */
  readonly sampler: Sampler | null
  readonly batchSampler: Sampler<readonly number[]> | null
  readonly numWorkers: number
  readonly dropLast: boolean
  readonly timeout: number
  readonly prefetchFactor: number
  readonly persistentWorkers: boolean
  readonly generator: Generator | null
  readonly collateFn: ((samples: NonNullable<S>[]) => B) | null
  readonly workerInitFn: ((id: number) => unknown) | null
  /** The workers that wait for the next epoch, where they persist. */
  #pool: WorkerPool | null = null
  /** Whether a loop runs on them. */
  #busy = false

  constructor(dataset: AnyDataset<S>, options?: DataLoaderOptions<S, B>)
  constructor(dataset: AnyDataset<S>, batchSize: number | null, options?: DataLoaderOptions<S, B>)
  constructor(dataset: AnyDataset<S>, batchSize: number | null, shuffle: boolean, options?: DataLoaderOptions<S, B>)
  constructor(dataset: AnyDataset<S>, ...args: unknown[]) {
    const last = args.at(-1)
    const given: DataLoaderOptions<S, B> = isOptions(last) ? { ...last } : {}
    const unknown = Object.keys(given).find((name) => !Object.hasOwn(names, name))
    if (unknown !== undefined) throw new TypeError(`DataLoader() got an unexpected keyword argument '${unknown}'`)
    const [first, second] = isOptions(last) ? args.slice(0, -1) : args
    if (first !== undefined) given.batchSize = first as number | null
    if (second !== undefined) given.shuffle = second as boolean
    const { shuffle = false, dropLast = false, generator = null } = given
    const { numWorkers = 0, timeout = 0, persistentWorkers = false, sampler, batchSampler } = given
    if (!(Number.isInteger(numWorkers) && numWorkers >= 0))
      throw new Error('num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.')
    if (!(timeout >= 0)) throw new Error('timeout option should be non-negative')
    if (numWorkers === 0 && timeout > 0) throw new Error('timeout option needs num_workers > 0')
    if (numWorkers === 0 && given.prefetchFactor !== undefined)
      throw new Error(
        'prefetch_factor option could only be specified in multiprocessing.let num_workers > 0 to enable multiprocessing.',
      )
    const { prefetchFactor = 2 } = given
    if (!(Number.isInteger(prefetchFactor) && prefetchFactor > 0)) throw new Error('prefetch_factor option should be positive')
    if (persistentWorkers && numWorkers === 0) throw new Error('persistent_workers option needs num_workers > 0')
    if (given.pinMemory) throw new Error('not implemented: pinMemory (there is no pinned memory)')
    const stream = isIterable(dataset)
    if (stream) {
      const refuse = (option: string, value: unknown): never => {
        throw new Error(
          `DataLoader with IterableDataset: expected unspecified ${option} option, but got ${option}=${value === true ? 'True' : value}`,
        )
      }
      if (shuffle) refuse('shuffle', shuffle)
      if (sampler !== undefined) refuse('sampler', sampler)
      if (batchSampler !== undefined) refuse('batch_sampler', batchSampler)
    }
    if (sampler !== undefined && shuffle) throw new Error('sampler option is mutually exclusive with shuffle')
    if (batchSampler !== undefined && ((given.batchSize ?? 1) !== 1 || shuffle || sampler !== undefined || dropLast))
      throw new Error('batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last')
    const batchSize = batchSampler === undefined ? (given.batchSize === undefined ? 1 : given.batchSize) : null
    if (batchSize === null && dropLast)
      throw new Error('batch_size=None option disables auto-batching and is mutually exclusive with drop_last')
    if (batchSize !== null && !(Number.isInteger(batchSize) && batchSize > 0))
      throw new Error(`batch_size should be a positive integer value, but got batch_size=${batchSize}`)

    this.dataset = dataset
    this.batchSize = batchSize
    this.dropLast = dropLast
    this.numWorkers = numWorkers
    this.timeout = timeout
    this.prefetchFactor = prefetchFactor
    this.persistentWorkers = persistentWorkers
    this.generator = generator
    this.collateFn = given.collateFn ?? null
    this.workerInitFn = given.workerInitFn ?? null
    const own = (): Sampler =>
      shuffle ? new RandomSampler(dataset as Dataset<S>, { generator }) : new SequentialSampler(dataset as Dataset<S>)
    this.sampler = stream ? null : ((sampler as Sampler | undefined) ?? own())
    if (batchSampler !== undefined) this.batchSampler = batchSampler as Sampler<readonly number[]>
    else this.batchSampler = stream || batchSize === null ? null : new BatchSampler(this.sampler!, batchSize, { dropLast })
  }

  /** The number of batches in an epoch. @throws TypeError where the dataset or the sampler does not tell its length. */
  get length(): number {
    const source = this.batchSampler ?? this.sampler ?? this.dataset
    const length = lengthOf(source)
    if (length === undefined) throw new TypeError(`object of type '${source.constructor.name}' has no len()`)
    if (source !== this.dataset || this.batchSize === null) return length
    return this.dropLast ? Math.floor(length / this.batchSize) : Math.ceil(length / this.batchSize)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<B, void, undefined> {
    // PyTorch seeds its workers with this, also where there are none: drawn so that the stream stays the same.
    const seed = drawSeed(this.generator)
    if (this.numWorkers > 0) yield* this.#loadInWorkers(seed)
    else yield* this.#load()
  }

  /** What is fetched, in order: batches of indices, indices, or null for whatever comes next. */
  *#order(): IterableIterator<readonly number[] | number | null> {
    const order = this.batchSampler ?? this.sampler
    if (order !== null) yield* order
    else while (true) yield null
  }

  get #collate(): ((samples: unknown[]) => unknown) | null {
    return this.collateFn as ((samples: unknown[]) => unknown) | null
  }

  async *#load(): AsyncGenerator<B, void, undefined> {
    const yields = backend.engine === 'wasm'
    const fetcher = fetcherOf(this.dataset, this.#collate, this.batchSize, this.dropLast)
    try {
      for (const indices of this.#order()) {
        const batch = await fetcher.fetch(indices)
        if (batch === ended) return
        yield batch as B
        // What a batch left behind is reclaimed between tasks only.
        if (yields) await macrotask()
      }
    } finally {
      await fetcher.close()
    }
  }

  async *#loadInWorkers(seed: bigint): AsyncGenerator<B, void, undefined> {
    const { persistentWorkers, dataset, workerInitFn } = this
    const { numWorkers: count, prefetchFactor, timeout, batchSize, dropLast } = this
    // Two loops at once have workers of their own.
    const kept = this.#busy || this.#pool?.isBroken ? null : this.#pool
    const pool =
      kept ??
      new WorkerPool({ dataset, collateFn: this.#collate, workerInitFn }, { count, prefetchFactor, timeout, batchSize, dropLast })
    const keep = persistentWorkers && !this.#busy
    if (keep) {
      this.#pool = pool
      this.#busy = true
    }
    try {
      const yields = backend.engine === 'wasm'
      for await (const batch of pool.epoch(seed, this.#order())) {
        yield batch as B
        if (yields) await macrotask()
      }
    } finally {
      if (keep) this.#busy = false
      if (!keep || pool.isBroken) {
        if (this.#pool === pool) this.#pool = null
        await pool.stop()
      }
    }
  }
}

/** Lets other tasks run, and with them the clean-up of memory that nothing refers to. */
const macrotask = (): Promise<void> =>
  new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve)
    else {
      // Nested timers wait for 4 ms in browsers, messages do not.
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => {
        port1.close()
        resolve()
      }
      port2.postMessage(null)
    }
  })
