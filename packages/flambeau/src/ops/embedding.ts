/** Rows of a table by index, alone or in bags. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { scalarName } from '../core/dtype.js'
import { Layout, sameShape, showShape } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { clampMin } from './activation.js'
import { div, mul, sub } from './arithmetic.js'
import { to } from './cast.js'
import { eq, isnan, where } from './comparison.js'
import { counted, filled } from './copy.js'
import { item } from './creation.js'
import { commonBackend, defineOp, emptyTensor, type Op } from './dispatch.js'
import { gather, indexAdd, indexSelect, nonzero } from './indexing.js'
import { indexCopy } from './indexPut.js'
import { requireIndex, withIndices } from './indices.js'
import { renorm } from './norm.js'
import { scatterReduce } from './scatterReduce.js'
import { bincount, searchsorted } from './search.js'
import { sort } from './sort.js'
import { unique } from './unique.js'
import { detach, expand, narrow, reshape, unsqueeze } from './view.js'

/** Inputs: the table, the index, and maybe what the gradient of each row is divided by. The row `paddingIdx` has none. */
const embeddingOp: Op<number> = defineOp<number>({
  name: 'Embedding',
  forward: ([weight, index]) => {
    const backend = commonBackend([weight, index])
    const width = weight.layout.shape[1]
    const flat = reshape(index, -1)
    const out = emptyTensor(backend, [flat.layout.numel, width], weight.dtype)
    if (flat.layout.numel > 0) withIndices(0, () => backend.run('indexSelect', weight, 0, flat, out))
    return [new Tensor(out.storage, Layout.contiguous([...index.layout.shape, width]), out.dtype)]
  },
  save: ([, ...rest]) => rest,
  backward: ([g], { saved: [index, divisors], attrs: paddingIdx, inputs }) => {
    const { shape } = inputs[0]
    const flat = reshape(index, -1)
    let rows = reshape(g!, [flat.layout.numel, shape[1]])
    if (divisors) rows = div(rows, unsqueeze(to(indexSelect(divisors, 0, flat), rows.dtype), 1))
    if (paddingIdx >= 0) rows = where(unsqueeze(eq(flat, paddingIdx), 1), 0, rows)
    return [indexAdd(filled(g!, shape, 0), 0, flat, rows), null, null]
  },
})

/** Scales down, in place and unrecorded, the rows in use that are longer than `maxNorm`. */
function limitRows(weight: Tensor, index: Tensor, maxNorm: number, normType: number): void {
  if (index.layout.numel === 0) return
  const table = detach(weight)
  const used = unique(to(reshape(index, -1), 'int64'), true)
  indexCopy.inPlace(table, 0, used, renorm(indexSelect(table, 0, used), normType, 0, maxNorm))
}

/** A row counted from the front, −1 for none. */
function paddingRow(paddingIdx: number | null, rows: number): number {
  if (paddingIdx === null) return -1
  if (!(paddingIdx >= -rows && paddingIdx < rows)) throw new Error('Padding_idx must be within num_embeddings')
  return paddingIdx < 0 ? paddingIdx + rows : paddingIdx
}
function refuseSparse(sparse: boolean): void {
  if (sparse) throw new Error('not implemented: sparse gradients (sparse)')
}

interface RowOptions {
  /** Rows longer than this are scaled down to it, in the table itself. */
  maxNorm?: number | null
  /** Which norm `maxNorm` means. */
  normType?: number
  /** Divide the gradient of a row by how often the row was used. */
  scaleGradByFreq?: boolean
  /** Sparse gradients are not implemented. */
  sparse?: boolean
}
export interface EmbeddingOptions extends RowOptions {
  /** A row whose gradient is 0. */
  paddingIdx?: number | null
}
type EmbeddingArguments = Arguments<
  [paddingIdx: number | null, maxNorm: number | null, normType: number, scaleGradByFreq: boolean, sparse: boolean],
  EmbeddingOptions
>

/**
 * Rows of a table [n, d] by an index of any shape: [*index, d], as `torch.nn.functional.embedding`.
 *
 * @throws RangeError for an index out of bounds.
 * @example
 * F.embedding(torch.tensor([1n, 1n]), torch.eye(2))
 * // tensor([[0., 1.],
 * //         [0., 1.]])
 */
export function embedding(input: Tensor, weight: Tensor, ...args: EmbeddingArguments): Tensor {
  const {
    paddingIdx = null,
    maxNorm = null,
    normType = 2,
    scaleGradByFreq = false,
    sparse = false,
  } = readArguments<EmbeddingOptions>('embedding', args, ['paddingIdx', 'maxNorm', 'normType', 'scaleGradByFreq', 'sparse'])
  refuseSparse(sparse)
  if (weight.ndim !== 2) throw new Error("'weight' must be 2-D")
  requireIndex('embedding', input)
  const row = paddingRow(paddingIdx, weight.layout.shape[0])
  if (maxNorm !== null) limitRows(weight, input, maxNorm, normType)
  const divisors = scaleGradByFreq ? [bincount(reshape(input, -1), { minlength: weight.layout.shape[0] })] : []
  return embeddingOp([weight, input, ...divisors], row)[0]
}

export type BagMode = 'sum' | 'mean' | 'max'
export interface EmbeddingBagOptions extends RowOptions {
  /** Where each bag starts in a 1-d input. */
  offsets?: Tensor | null
  mode?: BagMode
  /** A factor for each index, with 'sum' only. */
  perSampleWeights?: Tensor | null
  /** Whether the last offset is the end of the last bag. */
  includeLastOffset?: boolean
  /** Indices of this row do not count. */
  paddingIdx?: number | null
}
export type EmbeddingBagArguments = Arguments<
  [
    offsets: Tensor | null,
    maxNorm: number | null,
    normType: number,
    scaleGradByFreq: boolean,
    mode: BagMode,
    sparse: boolean,
    perSampleWeights: Tensor | null,
    includeLastOffset: boolean,
    paddingIdx: number | null,
  ],
  EmbeddingBagOptions
>

/** Indices that count, the bag of each, their weights, and the number of bags. */
interface Bags {
  readonly index: Tensor
  readonly bag: Tensor
  readonly weights: Tensor | null
  readonly count: number
}

/**
 * The sums, means or maxima of bags of rows of a table [n, d], as `torch.nn.functional.embedding_bag`: bags are the rows of
 * a 2-d input [b, l], or stretches of a 1-d input that begin at `offsets`. Gives [b, d]; an empty bag gives zeros.
 *
 * @throws RangeError for an index out of bounds.
 * @example
 * const table = torch.tensor([[1, 2], [3, 4], [5, 6]])
 * F.embeddingBag(torch.tensor([[0n, 1n], [2n, 2n]]), table)
 * // tensor([[2., 3.],
 * //         [5., 6.]])
 * F.embeddingBag(torch.tensor([0n, 1n, 2n]), table, torch.tensor([0n, 1n]), { mode: 'sum' })
 * // tensor([[ 1.,  2.],
 * //         [ 8., 10.]])
 */
export function embeddingBag(input: Tensor, weight: Tensor, ...args: EmbeddingBagArguments): Tensor {
  const {
    offsets = null,
    maxNorm = null,
    normType = 2,
    scaleGradByFreq = false,
    mode = 'mean',
    sparse = false,
    perSampleWeights = null,
    includeLastOffset = false,
    paddingIdx = null,
  } = readArguments<EmbeddingBagOptions>('embedding_bag', args, [
    'offsets',
    'maxNorm',
    'normType',
    'scaleGradByFreq',
    'mode',
    'sparse',
    'perSampleWeights',
    'includeLastOffset',
    'paddingIdx',
  ])
  refuseSparse(sparse)
  if (mode !== 'sum' && mode !== 'mean' && mode !== 'max') throw new Error('mode has to be one of sum, mean or max')
  if (mode === 'max' && scaleGradByFreq) throw new Error('max mode does not support scaling the gradient by the frequency')
  if (weight.ndim !== 2) throw new Error("'weight' must be 2-D")
  requireIndex('embedding_bag', input)
  if (perSampleWeights !== null) {
    if (!sameShape(input.layout.shape, perSampleWeights.layout.shape))
      throw new Error(
        `embedding_bag: If per_sample_weights (${showShape(perSampleWeights.layout.shape)}) is not None, then it must have the same shape as the input (${showShape(input.layout.shape)})`,
      )
    if (mode !== 'sum')
      throw new Error(
        `embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' (got mode='${mode}'). Please open a feature request on GitHub.`,
      )
    if (perSampleWeights.dtype !== weight.dtype)
      throw new Error(
        `expected weight and per_sample_weights to have the same dtype, but got ${scalarName(weight.dtype)} and ${scalarName(perSampleWeights.dtype)}`,
      )
  }
  const row = paddingRow(paddingIdx, weight.layout.shape[0])
  const bags = withoutRow(readBags(input, offsets, perSampleWeights, includeLastOffset), row)
  if (maxNorm !== null) limitRows(weight, input, maxNorm, normType)
  if (mode === 'max') return largest(weight, bags)
  const divisors = scaleGradByFreq && input.layout.numel > 0 ? [bagDivisors(reshape(input, -1), weight.layout.shape[0])] : []
  const rows = embeddingOp([weight, bags.index, ...divisors], -1)[0]
  const scaled = bags.weights === null ? rows : mul(rows, unsqueeze(bags.weights, 1))
  const total = indexAdd(filled(rows, [bags.count, weight.layout.shape[1]], 0), 0, bags.bag, scaled)
  if (mode === 'sum') return total
  const sizes = clampMin(to(bincount(bags.bag, { minlength: bags.count }), total.dtype), 1)
  return div(total, unsqueeze(sizes, 1))
}

/**
 * What PyTorch divides the gradients of rows in bags by: of the k-th row in use, counted upwards, not how often it is used but
 * how often the row is that comes k-th when all uses are sorted.
 */
function bagDivisors(index: Tensor, rows: number): Tensor {
  const counts = bincount(index, { minlength: rows })
  const used = unique(to(index, 'int64'), true)
  const others = narrow(to(sort(index).values, 'int64'), 0, 0, used.layout.numel)
  return indexCopy(counts, 0, used, indexSelect(counts, 0, others))
}

function readBags(input: Tensor, offsets: Tensor | null, weights: Tensor | null, includeLastOffset: boolean): Bags {
  if (input.ndim === 2) {
    if (offsets !== null)
      throw new Error(
        'if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length sequences. However, ' +
          'found offsets of type Tensor',
      )
    const [count, length] = input.layout.shape
    const bag = reshape(expand(unsqueeze(counted(input, count), 1), [count, length]), -1)
    return { index: reshape(to(input, 'int64'), -1), bag, weights: weights && reshape(weights, -1), count }
  }
  if (input.ndim !== 1) throw new Error(`input has to be 1D or 2D Tensor, but got Tensor of dimension ${input.ndim}`)
  if (offsets === null) throw new Error('offsets has to be a 1D Tensor but got None')
  if (offsets.ndim !== 1) throw new Error('offsets has to be a 1D Tensor')
  if (offsets.dtype !== 'int64' && offsets.dtype !== 'int32')
    throw new Error(
      `Expected tensor for argument #3 'offsets' to have scalar type Long or Int; but got ${scalarName(offsets.dtype)}`,
    )
  const starts = to(offsets, 'int64')
  const given = starts.layout.numel
  const length = input.layout.numel
  if (includeLastOffset && given === 0) throw new Error('include_last_offset: number of offset should be at least 1')
  if (given > 0) {
    const first = item(narrow(starts, 0, 0, 1)) as number
    const last = item(narrow(starts, 0, given - 1, 1)) as number
    if (first !== 0)
      throw new Error(
        `offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got ${first}`,
      )
    if (last > length)
      throw new Error(`offsets[-1] can not be greater than input's length ${length} but got offsets[-1] of ${last}`)
  }
  const end = includeLastOffset ? (item(narrow(starts, 0, given - 1, 1)) as number) : given === 0 ? 0 : length
  const count = includeLastOffset ? given - 1 : given
  // An index belongs to the last bag that does not start behind it.
  const bag = sub(searchsorted(narrow(starts, 0, 0, count), counted(input, end), { right: true }), 1)
  const index = narrow(to(input, 'int64'), 0, 0, end)
  return { index, bag, weights: weights && narrow(weights, 0, 0, end), count }
}

/** The bags without the indices of one row. */
function withoutRow(bags: Bags, row: number): Bags {
  if (row < 0) return bags
  const kept = reshape(nonzero(bags.index.ne(row)), -1)
  const pick = (t: Tensor): Tensor => indexSelect(t, 0, kept)
  return { ...bags, index: pick(bags.index), bag: pick(bags.bag), weights: bags.weights && pick(bags.weights) }
}

/** The maxima of bags; the gradient goes to the first of equal ones. */
function largest(weight: Tensor, { index, bag, count }: Bags): Tensor {
  const width = weight.layout.shape[1]
  const n = index.layout.numel
  const empty = unsqueeze(eq(bincount(bag, { minlength: count }), 0), 1)
  if (n === 0) return mul(filled(weight, [count, width], 0), weight.layout.numel === 0 ? 1 : weight.narrow(0, 0, 1).sum())
  const rows = indexSelect(detach(weight), 0, index)
  const toBag = expand(unsqueeze(bag, 1), [n, width])
  const top = scatterReduce(filled(rows, [count, width], 0), 0, toBag, rows, 'amax', { includeSelf: false })
  const isTop = eq(rows, indexSelect(top, 0, bag)).logicalOr(isnan(rows))
  const place = where(isTop, unsqueeze(counted(index, n), 1), n - 1)
  const first = scatterReduce(filled(place, [count, width], n - 1), 0, toBag, place, 'amin')
  const source = reshape(indexSelect(index, 0, reshape(first, -1)), [count, width])
  return where(empty, 0, gather(weight, 0, source))
}
