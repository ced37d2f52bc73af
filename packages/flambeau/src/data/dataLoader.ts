/** Batches of a dataset. */

import { backend } from '../backends/select.js'
import type { Generator } from '../ops/random.js'
import { type Collated, defaultCollate } from './collate.js'
import { canBatch, type Dataset } from './dataset.js'
import { BatchSampler, drawSeed, RandomSampler, type Sampler, SequentialSampler } from './sampler.js'

export interface DataLoaderOptions<S, B> {
  /** Samples per batch; null loads samples one by one, uncollated. */
  batchSize?: number | null
  /** A new random order every epoch. */
  shuffle?: boolean
  /** Indices in an order of one's own. */
  sampler?: Sampler
  /** Batches of indices of one's own. */
  batchSampler?: Sampler<number[]>
  /** Leave out a last batch that is not full. */
  dropLast?: boolean
  /** Draws the order; the default generator unless given. */
  generator?: Generator | null
  /** Makes a batch of samples; `defaultCollate` unless given. */
  collateFn?: (samples: NonNullable<S>[]) => B
}

/**
 * Iterates over a dataset in batches, as `torch.utils.data.DataLoader`: with the same seed in the same order. Each
 * `for await` loop is one epoch.
 *
 * @example
 * const loader = new data.DataLoader(new data.TensorDataset(torch.randn(10, 4), torch.arange(10)), { batchSize: 4 })
 * const sizes: number[] = []
 * for await (const [x, y] of loader) sizes.push(x.length)
 * sizes // [4, 4, 2]
 */
export class DataLoader<S, B = Collated<NonNullable<S>>> implements AsyncIterable<B> {
  readonly dataset: Dataset<S>
  readonly batchSize: number | null
  readonly sampler: Sampler
  readonly batchSampler: Sampler<number[]> | null
  readonly #generator: Generator | null
  readonly #collate: ((samples: NonNullable<S>[]) => B) | null

  constructor(dataset: Dataset<S>, options: DataLoaderOptions<S, B> = {}) {
    const { batchSize = 1, shuffle = false, sampler, batchSampler, dropLast = false, generator = null, collateFn } = options
    if (sampler !== undefined && shuffle) throw new Error('sampler option is mutually exclusive with shuffle')
    if (batchSampler !== undefined && ((options.batchSize ?? 1) !== 1 || shuffle || sampler !== undefined || dropLast))
      throw new Error('batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last')
    if (batchSize === null && dropLast)
      throw new Error('batch_size=None option disables auto-batching and is mutually exclusive with drop_last')
    this.dataset = dataset
    this.sampler = sampler ?? (shuffle ? new RandomSampler(dataset, { generator }) : new SequentialSampler(dataset))
    this.batchSampler = batchSampler ?? (batchSize === null ? null : new BatchSampler(this.sampler, batchSize, { dropLast }))
    this.batchSize = batchSampler === undefined ? batchSize : null
    this.#generator = generator
    this.#collate = collateFn ?? null
  }

  /** The number of batches in an epoch. */
  get length(): number {
    return (this.batchSampler ?? this.sampler).length
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<B, void, undefined> {
    // PyTorch seeds its workers with this, also where there are none: drawn so that the stream stays the same.
    drawSeed(this.#generator)
    const yields = backend.engine === 'wasm'
    if (this.batchSampler === null)
      for (const index of this.sampler) {
        yield (await this.dataset.at(index)) as unknown as B
        if (yields) await macrotask()
      }
    else
      for (const indices of this.batchSampler) {
        yield await this.#fetch(indices)
        // What a batch left behind is reclaimed between tasks only.
        if (yields) await macrotask()
      }
  }

  async #fetch(indices: readonly number[]): Promise<B> {
    const { dataset } = this
    if (this.#collate === null && canBatch(dataset)) return (await dataset.batch(indices)) as B
    const samples: NonNullable<S>[] = []
    for (const index of indices) {
      const sample = dataset.at(index)
      samples.push((sample instanceof Promise ? await sample : sample) as NonNullable<S>)
    }
    return this.#collate === null ? (defaultCollate(samples) as B) : this.#collate(samples)
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
