/** Samples made into batches: what a DataLoader does in the main thread, and in each worker. */

import { defaultCollate, defaultConvert } from './collate.js'
import { type AnyDataset, canBatch, type Dataset, isIterable } from './dataset.js'

export interface Fetcher {
  /** A batch of these indices, the sample of an index, or the next one of a stream; `ended` where there is none. */
  fetch(indices: readonly number[] | number | null): Promise<unknown>
  /** Tells a stream that no more is wanted. */
  close(): Promise<void>
  /** Whether what it fetches are new tensors that nobody else has. */
  readonly fresh: boolean
}

/** What a stream answers when it is over. */
export const ended: unique symbol = Symbol('ended')

/** Reads a dataset; streams from their beginning. `batchSize` is for streams: null for single samples. */
export function fetcherOf<S>(
  dataset: AnyDataset<S>,
  collateFn: ((samples: unknown[]) => unknown) | null,
  batchSize: number | null,
  dropLast: boolean,
): Fetcher {
  const collate = collateFn ?? ((samples: unknown[]) => defaultCollate(samples))
  const convert = collateFn ?? defaultConvert
  if (isIterable(dataset)) {
    const iterator = Symbol.asyncIterator in dataset ? dataset[Symbol.asyncIterator]!() : dataset[Symbol.iterator]!()
    let over = false
    const next = async (): Promise<unknown> => {
      if (over) return ended
      const { done, value } = await iterator.next()
      over = done === true
      return over ? ended : value
    }
    return {
      fresh: collateFn === null && batchSize !== null,
      close: async () => {
        if (!over) await iterator.return?.()
      },
      fetch: async () => {
        if (batchSize === null) {
          const sample = await next()
          return sample === ended ? ended : convert(sample as unknown[])
        }
        const samples: unknown[] = []
        while (samples.length < batchSize) {
          const sample = await next()
          if (sample === ended) break
          samples.push(sample)
        }
        return samples.length === 0 || (dropLast && samples.length < batchSize) ? ended : collate(samples)
      },
    }
  }
  const set = dataset as Dataset<S>
  const atOnce = collateFn === null && canBatch(set)
  return {
    fresh: collateFn === null && !atOnce && batchSize !== null,
    close: async () => {},
    fetch: async (indices) => {
      if (typeof indices === 'number') return convert((await set.at(indices)) as unknown[])
      if (atOnce) return set.batch(indices!)
      const samples: unknown[] = []
      for (const index of indices!) {
        const sample = set.at(index)
        samples.push(sample instanceof Promise ? await sample : sample)
      }
      return collate(samples)
    },
  }
}
