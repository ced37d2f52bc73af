/** Datasets: anything with a length and `at`. */

import { Tensor } from '../core/tensor.js'
import { fromTypedArray } from '../ops/creation.js'
import { indexSelect } from '../ops/indexing.js'
import { type Generator, randperm } from '../ops/random.js'
import { select } from '../ops/view.js'

/** Samples by number: what a DataLoader reads. A plain array is one. */
export interface Dataset<S> {
  readonly length: number
  at(index: number): S | Promise<S>
  /** Several samples at once, collated as the default collation would: faster where the dataset can do it. */
  batch?(indices: readonly number[]): unknown
}

/** One tensor per tensor given. */
type Tensors<T extends readonly Tensor[]> = { -readonly [K in keyof T]: Tensor }

/**
 * Rows of tensors that belong together, as `torch.utils.data.TensorDataset`.
 *
 * @example
 * const set = new data.TensorDataset(torch.randn(6, 2), torch.arange(6))
 * const [image, label] = set.at(5)
 * label.item() // 5
 */
export class TensorDataset<T extends readonly Tensor[]> implements Dataset<Tensors<T>> {
  readonly tensors: T

  constructor(...tensors: T) {
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

  batch(indices: readonly number[]): Tensors<T> {
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
 * new data.Subset(['a', 'b', 'c'], [2, 0]).at(0) // 'c'
 */
export class Subset<S> implements Dataset<S> {
  readonly dataset: Dataset<S>
  readonly indices: readonly number[]
  readonly batch?: (indices: readonly number[]) => unknown

  constructor(dataset: Dataset<S>, indices: readonly number[]) {
    this.dataset = dataset
    this.indices = indices
    if (dataset.batch !== undefined) this.batch = (chosen) => dataset.batch!(chosen.map((i) => this.#index(i)))
  }

  get length(): number {
    return this.indices.length
  }

  at(index: number): S | Promise<S> {
    return this.dataset.at(this.#index(index))
  }

  #index(i: number): number {
    const index = this.indices.at(i)
    if (index === undefined) throw new RangeError(`index ${i} is out of bounds for a subset of ${this.length} samples`)
    return index
  }
}

/**
 * Parts of a dataset in random order, without overlap, as `torch.utils.data.random_split`: lengths are counts, or
 * fractions that add up to 1.
 *
 * @example
 * const [train, valid] = data.randomSplit([...Array(10).keys()], [0.9, 0.1])
 * train.length // 9
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
  !Array.isArray(dataset) && !(dataset instanceof Tensor) && typeof dataset.batch === 'function'
