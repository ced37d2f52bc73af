/** Datasets: anything with a length and `at`. */

import { Tensor } from '../core/tensor.js'
import { fromTypedArray } from '../ops/creation.js'
import { indexSelect } from '../ops/indexing.js'
import { type Generator, randperm } from '../ops/random.js'
import { select } from '../ops/view.js'

/**
 * Samples by number, as `torch.utils.data.Dataset`: what a DataLoader reads. Anything with `length` and `at` is one, a plain
 * array too; extending this class is not needed.
 *
 * @example
 * class Squares extends data.Dataset {
 *   length = 4
 *   at(i) {
 *     return i * i
 *   }
 * }
 * new Squares().at(3) // 9
 */
export abstract class Dataset<S = unknown> {
  abstract readonly length: number
  abstract at(index: number): S | Promise<S>
  /** Several samples at once, collated as the default collation would: faster where the dataset can do it. */
  batch?(indices: readonly number[]): unknown
}

/**
 * Samples one after the other, as `torch.utils.data.IterableDataset`: for streams. It is iterated anew every epoch, with
 * `for await` where it has `Symbol.asyncIterator`. In a DataLoader with workers every worker iterates over one of its own;
 * `getWorkerInfo` tells it what part of the samples is its.
 *
 * @example
 * class Range extends data.IterableDataset {
 *   *[Symbol.iterator]() {
 *     for (let i = 0; i < 5; i++) yield i
 *   }
 * }
 * const batches = []
 * for await (const batch of new data.DataLoader(new Range(), { batchSize: 2 })) batches.push(batch.tolist())
 * batches // [ [ 0, 1 ], [ 2, 3 ], [ 4 ] ]
 */
export abstract class IterableDataset<S = unknown> {
  [Symbol.iterator]?(): Iterator<S>
  [Symbol.asyncIterator]?(): AsyncIterator<S>
}

/** The number of samples, where it is known. */
export const lengthOf = (dataset: object): number | undefined => (dataset as { readonly length?: number }).length

/** What a DataLoader takes. */
export type AnyDataset<S> = Dataset<S> | IterableDataset<S>

/** Whether a dataset is iterated over rather than asked for samples by number. */
export const isIterable = <S>(dataset: AnyDataset<S>): dataset is IterableDataset<S> =>
  dataset instanceof IterableDataset ||
  (!('at' in dataset) && (Symbol.iterator in (dataset as object) || Symbol.asyncIterator in (dataset as object)))

/** One tensor per tensor given. */
type Tensors<T extends readonly Tensor[]> = { -readonly [K in keyof T]: Tensor }

/**
 * Rows of tensors that belong together, as `torch.utils.data.TensorDataset`.
 *
 * @example
 * const set = new data.TensorDataset(torch.rand(3, 28, 28), torch.tensor([7, 1, 4]))
 * const [image, label] = set.at(1)
 * label.item() // 1
 */
export class TensorDataset<T extends readonly Tensor[]> extends Dataset<Tensors<T>> {
  readonly tensors: T

  constructor(...tensors: T) {
    super()
    if (tensors.length === 0) throw new Error('TensorDataset expects at least one tensor')
    if (tensors.some((t) => t.length !== tensors[0].length)) throw new Error('Size mismatch between tensors')
    this.tensors = tensors
  }

  get length(): number {
    return this.tensors[0].length
  }

  at(index: number): Tensors<T> {
    return this.tensors.map((t) => select(t, 0, index)) as unknown as Tensors<T>
  }

  override batch(indices: readonly number[]): Tensors<T> {
    // A loop, because `BigInt64Array.from` takes longer than fetching the rows.
    const rows = new BigInt64Array(indices.length)
    for (let i = 0; i < rows.length; i++) rows[i] = BigInt(indices[i])
    const index = fromTypedArray(rows)
    return this.tensors.map((t) => indexSelect(t, 0, index)) as unknown as Tensors<T>
  }
}

/**
 * Some samples of a dataset, as `torch.utils.data.Subset`.
 *
 * @example
 * new data.Subset(['a', 'b', 'c'], [2, 0]).at(0) // c
 */
export class Subset<S> extends Dataset<S> {
  readonly dataset: Dataset<S>
  readonly indices: readonly number[]

  constructor(dataset: Dataset<S>, indices: readonly number[]) {
    super()
    this.dataset = dataset
    this.indices = indices
  }

  get length(): number {
    return this.indices.length
  }

  at(index: number): S | Promise<S> {
    return this.dataset.at(this.indexOf(index))
  }

  override batch(chosen: readonly number[]): unknown {
    return this.dataset.batch!(chosen.map((i) => this.indexOf(i)))
  }

  private indexOf(i: number): number {
    const index = this.indices.at(i)
    if (index === undefined) throw new RangeError(`index ${i} is out of bounds for a subset of ${this.length} samples`)
    return index
  }
}

/**
 * Datasets one after the other, as `torch.utils.data.ConcatDataset`.
 *
 * @example
 * const set = new data.ConcatDataset([['a', 'b'], ['c']])
 * set.length // 3
 * set.at(2) // c
 */
export class ConcatDataset<S> extends Dataset<S> {
  readonly datasets: readonly Dataset<S>[]
  /** Where each dataset ends. */
  readonly cumulativeSizes: readonly number[]

  constructor(datasets: Iterable<Dataset<S>>) {
    super()
    this.datasets = [...datasets]
    if (this.datasets.length === 0) throw new Error('datasets should not be an empty iterable')
    if (this.datasets.some((dataset) => isIterable(dataset))) throw new Error('ConcatDataset does not support IterableDataset')
    let end = 0
    this.cumulativeSizes = this.datasets.map((dataset) => {
      end += dataset.length
      return end
    })
  }

  get length(): number {
    return this.cumulativeSizes.at(-1)!
  }

  at(index: number): S | Promise<S> {
    if (index < -this.length) throw new Error('absolute value of index should not exceed dataset length')
    const i = index < 0 ? this.length + index : index
    const k = this.cumulativeSizes.findIndex((end) => i < end)
    if (k < 0) throw new RangeError(`index ${index} is out of bounds for a dataset of ${this.length} samples`)
    return this.datasets[k].at(k === 0 ? i : i - this.cumulativeSizes[k - 1])
  }
}

/**
 * Streams one after the other, as `torch.utils.data.ChainDataset`.
 *
 * @example
 * class Letters extends data.IterableDataset {
 *   *[Symbol.iterator]() {
 *     yield* 'ab'
 *   }
 * }
 * const letters = []
 * for await (const letter of new data.ChainDataset([new Letters(), new Letters()])) letters.push(letter)
 * letters // [ 'a', 'b', 'a', 'b' ]
 */
export class ChainDataset<S> extends IterableDataset<S> {
  readonly datasets: Iterable<IterableDataset<S>>

  constructor(datasets: Iterable<IterableDataset<S>>) {
    super()
    this.datasets = datasets
  }

  override async *[Symbol.asyncIterator](): AsyncGenerator<S> {
    for (const dataset of this.datasets) {
      if (!isIterable(dataset)) throw new Error('ChainDataset only supports IterableDataset')
      yield* dataset as AsyncIterable<S>
    }
  }

  get length(): number | undefined {
    let sum = 0
    for (const dataset of this.datasets) {
      const length = lengthOf(dataset)
      if (length === undefined) return undefined
      sum += length
    }
    return sum
  }
}

/**
 * Parts of a dataset in random order, without overlap, as `torch.utils.data.random_split`: lengths are counts, or
 * fractions that add up to 1.
 *
 * @example
 * const [train, valid] = data.randomSplit(['a', 'b', 'c', 'd'], [0.75, 0.25])
 * train.length // 3
 */
export function randomSplit<S>(
  dataset: Dataset<S>,
  lengths: readonly number[],
  options: { generator?: Generator | null } = {},
): Subset<S>[] {
  const total = lengths.reduce((sum, n) => sum + n, 0)
  let counts = [...lengths]
  if (Math.abs(total - 1) < 1e-9 && total <= 1 + 1e-9 && lengths.some((n) => !Number.isInteger(n))) {
    const bad = lengths.findIndex((n) => n < 0 || n > 1)
    if (bad >= 0) throw new Error(`Fraction at index ${bad} is not between 0 and 1`)
    counts = lengths.map((n) => Math.floor(dataset.length * n))
    const rest = dataset.length - counts.reduce((sum, n) => sum + n, 0)
    for (let i = 0; i < rest; i++) counts[i % counts.length]++
  } else if (total !== dataset.length) throw new Error('Sum of input lengths does not equal the length of the input dataset!')
  const order = randperm(dataset.length, options).tolist() as number[]
  let from = 0
  return counts.map((count) => {
    from += count
    return new Subset(dataset, order.slice(from - count, from))
  })
}

/** Whether a dataset can fetch whole batches. */
export const canBatch = <S>(dataset: Dataset<S>): dataset is Dataset<S> & { batch(indices: readonly number[]): unknown } =>
  dataset instanceof Subset
    ? canBatch(dataset.dataset)
    : !Array.isArray(dataset) && !(dataset instanceof Tensor) && typeof dataset.batch === 'function'
