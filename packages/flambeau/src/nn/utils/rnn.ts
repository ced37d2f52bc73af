/** `torch.nn.utils.rnn`: batches of sequences of different lengths, padded or packed. */

import { type Arguments, readArguments } from '../../core/arguments.js'
import type { DType } from '../../core/dtype.js'
import { numelOf, type Shape, sameShape } from '../../core/layout.js'
import { Tensor } from '../../core/tensor.js'
import { clone, to } from '../../ops/cast.js'
import { filled } from '../../ops/copy.js'
import { fromTypedArray, toTypedArray } from '../../ops/creation.js'
import { indexSelect } from '../../ops/indexing.js'
import { indexCopy } from '../../ops/indexPut.js'
import { cat } from '../../ops/joining.js'
import { sort } from '../../ops/sort.js'
import { unbind } from '../../ops/split.js'
import { narrow, reshape, transpose } from '../../ops/view.js'

type Lengths = Tensor | readonly number[]

const integers = (values: readonly number[]): Tensor => fromTypedArray(BigInt64Array.from(values, BigInt))
const numbersOf = (lengths: Lengths): number[] =>
  lengths instanceof Tensor ? Array.from(toTypedArray(lengths), Number) : [...lengths]

/**
 * The permutation that undoes this one, as `torch.nn.utils.rnn.invert_permutation`.
 *
 * @example
 * nn.utils.rnn.invertPermutation(torch.tensor([2n, 0n, 1n])).tolist() // [1, 2, 0]
 */
export function invertPermutation(permutation: Tensor | null): Tensor | null {
  if (permutation === null) return null
  const inverse: number[] = []
  numbersOf(permutation).forEach((place, i) => {
    inverse[place] = i
  })
  return integers(inverse)
}

/**
 * The steps of several sequences without padding, as `torch.nn.utils.rnn.PackedSequence`: first those of step 0, then those of
 * step 1 that are left, and so on. Made by `packPaddedSequence` and `packSequence`; recurrent layers take and return it.
 *
 * @example
 * const packed = nn.utils.rnn.packSequence([torch.tensor([1, 2, 3]), torch.tensor([4, 5])])
 * packed.data // tensor([1., 4., 2., 5., 3.])
 * packed.batchSizes // tensor([2, 2, 1])
 */
export class PackedSequence {
  /** [steps of all sequences, …] */
  readonly data: Tensor
  /** How many sequences each step has, in int64. */
  readonly batchSizes: Tensor
  /** Which sequence comes where, or null where they were given in order. */
  readonly sortedIndices: Tensor | null
  /** The inverse of `sortedIndices`. */
  readonly unsortedIndices: Tensor | null

  constructor(
    data: Tensor,
    batchSizes: Tensor,
    sortedIndices: Tensor | null = null,
    unsortedIndices: Tensor | null = invertPermutation(sortedIndices),
  ) {
    this.data = data
    this.batchSizes = batchSizes
    this.sortedIndices = sortedIndices
    this.unsortedIndices = unsortedIndices
  }

  /** The same sequences with data of another dtype. */
  to(dtype: DType): PackedSequence {
    const data = to(this.data, dtype)
    return data === this.data ? this : new PackedSequence(data, this.batchSizes, this.sortedIndices, this.unsortedIndices)
  }

  /** data, batchSizes, sortedIndices, unsortedIndices: `const [data, sizes] = packed`. */
  *[Symbol.iterator](): Iterator<Tensor | null> {
    yield* [this.data, this.batchSizes, this.sortedIndices, this.unsortedIndices]
  }
}

/** Where each packed row lies among the rows of a padded batch; `lengths` are in descending order. */
function packedPlaces(lengths: readonly number[], steps: number, batchFirst: boolean): { places: Tensor; sizes: number[] } {
  const places: number[] = []
  const sizes: number[] = []
  for (let step = 0, left = lengths.length; step < lengths[0]; step++) {
    while (lengths[left - 1] <= step) left--
    sizes.push(left)
    for (let b = 0; b < left; b++) places.push(batchFirst ? b * steps + step : step * lengths.length + b)
  }
  return { places: integers(places), sizes }
}

export interface PackPaddedOptions {
  /** The input is [batch, steps, …] instead of [steps, batch, …]. */
  batchFirst?: boolean
  /** Whether the sequences are in order of descending length; they are sorted if not. */
  enforceSorted?: boolean
}

/**
 * Packs a padded batch of sequences, as `torch.nn.utils.rnn.pack_padded_sequence`.
 *
 * @param input [steps, batch, …], or [batch, steps, …] with `batchFirst`.
 * @param lengths of each sequence.
 * @throws Error `` `lengths` array must be sorted in decreasing order when `enforce_sorted` is True. … ``
 * @example
 * const padded = torch.tensor([[1, 2, 0], [3, 0, 0], [4, 5, 6]])
 * const packed = nn.utils.rnn.packPaddedSequence(padded, [2, 1, 3], { batchFirst: true, enforceSorted: false })
 * packed.data // tensor([4., 1., 3., 5., 2., 6.])
 * packed.sortedIndices // tensor([2, 0, 1])
 */
export function packPaddedSequence(
  input: Tensor,
  lengths: Lengths,
  ...args: Arguments<[batchFirst: boolean, enforceSorted: boolean], PackPaddedOptions>
): PackedSequence {
  const given = readArguments<PackPaddedOptions>('pack_padded_sequence', args, ['batchFirst', 'enforceSorted'])
  const { batchFirst = false, enforceSorted = true } = given
  let sizes = numbersOf(lengths)
  let sorted: Tensor | null = null
  let x = input
  if (!enforceSorted) {
    const order = sort(integers(sizes), { descending: true })
    sizes = numbersOf(order.values)
    sorted = order.indices
    x = indexSelect(input, batchFirst ? 0 : 1, sorted)
  }
  const [steps, batch] = [x.layout.shape[batchFirst ? 1 : 0], x.layout.shape[batchFirst ? 0 : 1]]
  if (x.layout.numel === 0) throw new Error('Cannot pack empty tensors.')
  if (sizes.length !== batch)
    throw new Error(`Expected \`len(lengths)\` to be equal to batch_size, but got ${sizes.length} (batch_size=${batch})`)
  if (sizes.some((size) => size <= 0))
    throw new Error("Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0")
  if (sizes.some((size, i) => i > 0 && size > sizes[i - 1]))
    throw new Error(
      '`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass `enforce_sorted=False` ' +
        'to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you do not need ONNX exportability.',
    )
  if (sizes[0] > steps) throw new Error(`start (0) + length (${sizes[0]}) exceeds dimension size (${steps}).`)
  const { places, sizes: batchSizes } = packedPlaces(sizes, steps, batchFirst)
  const rows = reshape(x, [steps * batch, ...x.layout.shape.slice(2)])
  return new PackedSequence(indexSelect(rows, 0, places), integers(batchSizes), sorted)
}

export interface PadPackedOptions {
  /** Answer with [batch, steps, …] instead of [steps, batch, …]. */
  batchFirst?: boolean
  /** What padding is filled with. */
  paddingValue?: number
  /** Pad to this many steps, at least as many as the longest sequence has. */
  totalLength?: number | null
}

/**
 * The padded batch of a packed one and the length of each sequence, as `torch.nn.utils.rnn.pad_packed_sequence`. Sequences
 * come in the order they had before they were packed.
 *
 * @returns `[padded, lengths]`
 * @throws Error `Expected total_length to be at least the length of the longest sequence in input, …`
 * @example
 * const packed = nn.utils.rnn.packSequence([torch.tensor([1, 2, 3]), torch.tensor([4, 5])])
 * const [padded, lengths] = nn.utils.rnn.padPackedSequence(packed, { batchFirst: true })
 * padded
 * // tensor([[1., 2., 3.],
 * //         [4., 5., 0.]])
 * lengths // tensor([3, 2])
 */
export function padPackedSequence(
  sequence: PackedSequence,
  ...args: Arguments<[batchFirst: boolean, paddingValue: number, totalLength: number | null], PadPackedOptions>
): [padded: Tensor, lengths: Tensor] {
  const names = ['batchFirst', 'paddingValue', 'totalLength'] as const
  const given = readArguments<PadPackedOptions>('pad_packed_sequence', args, names)
  const { batchFirst = false, paddingValue = 0, totalLength = null } = given
  const { data, batchSizes, unsortedIndices } = sequence
  const sizes = numbersOf(batchSizes)
  if (totalLength !== null && totalLength < sizes.length)
    throw new Error(
      'Expected total_length to be at least the length of the longest sequence in input, but got ' +
        `total_length=${totalLength} and max sequence length being ${sizes.length}`,
    )
  const [steps, batch] = [totalLength ?? sizes.length, sizes[0]]
  const lengths = Array.from({ length: batch }, (_, b) => sizes.filter((size) => size > b).length)
  const { places } = packedPlaces(lengths, steps, batchFirst)
  const shape = data.layout.shape.slice(1)
  const rows = indexCopy(filled(data, [steps * batch, ...shape], paddingValue), 0, places, data)
  const padded = reshape(rows, [...(batchFirst ? [batch, steps] : [steps, batch]), ...shape])
  if (unsortedIndices === null) return [padded, integers(lengths)]
  return [indexSelect(padded, batchFirst ? 0 : 1, unsortedIndices), indexSelect(integers(lengths), 0, unsortedIndices)]
}

export interface PadSequenceOptions {
  /** Answer with [batch, steps, …] instead of [steps, batch, …]. */
  batchFirst?: boolean
  /** What padding is filled with. */
  paddingValue?: number
}

/**
 * Sequences [length, …] of different lengths as one padded batch, as `torch.nn.utils.rnn.pad_sequence`.
 *
 * @example
 * nn.utils.rnn.padSequence([torch.tensor([1, 2, 3]), torch.tensor([4])], { batchFirst: true, paddingValue: 9 })
 * // tensor([[1., 2., 3.],
 * //         [4., 9., 9.]])
 */
export function padSequence(
  sequences: readonly Tensor[] | Tensor,
  ...args: Arguments<[batchFirst: boolean, paddingValue: number], PadSequenceOptions>
): Tensor {
  const given = readArguments<PadSequenceOptions>('pad_sequence', args, ['batchFirst', 'paddingValue'])
  const { batchFirst = false, paddingValue = 0 } = given
  const list = sequences instanceof Tensor ? unbind(sequences) : [...sequences]
  if (list.length === 0) throw new Error('received an empty list of sequences')
  const lengths = list.map((t) => t.layout.shape[0])
  const shape = list[0].layout.shape.slice(1)
  for (const { layout } of list)
    if (!sameShape(layout.shape.slice(1), shape))
      throw new Error(
        `The size of tensor a (${numelOf(shape)}) must match the size of tensor b (${numelOf(layout.shape.slice(1))})`,
      )
  const steps = Math.max(...lengths)
  const places = lengths.flatMap((length, b) =>
    Array.from({ length }, (_, i) => (batchFirst ? b * steps + i : i * list.length + b)),
  )
  const empty = filled(list[0], [steps * list.length, ...shape], paddingValue)
  const rows = indexCopy(empty, 0, integers(places), cat(list.map((t) => to(t, list[0].dtype))))
  return reshape(rows, [...(batchFirst ? [list.length, steps] : [steps, list.length]), ...shape])
}

export interface UnpadOptions {
  /** The input is [batch, steps, …] instead of [steps, batch, …]. */
  batchFirst?: boolean
}

/**
 * The sequences of a padded batch without their padding, as `torch.nn.utils.rnn.unpad_sequence`.
 *
 * @example
 * nn.utils.rnn.unpadSequence(torch.tensor([[1, 2, 3], [4, 9, 9]]), [3, 1], { batchFirst: true })[1] // tensor([4.])
 */
export function unpadSequence(
  paddedSequences: Tensor,
  lengths: Lengths,
  ...args: Arguments<[batchFirst: boolean], UnpadOptions>
): Tensor[] {
  const { batchFirst = false } = readArguments<UnpadOptions>('unpad_sequence', args, ['batchFirst'])
  const rows = unbind(batchFirst ? paddedSequences : transpose(paddedSequences, 0, 1))
  return numbersOf(lengths)
    .slice(0, rows.length)
    .map((length, b) => clone(narrow(rows[b], 0, 0, Math.min(length, rows[b].layout.shape[0]))))
}

export interface PackSequenceOptions {
  /** Whether the sequences are in order of descending length; they are sorted if not. */
  enforceSorted?: boolean
}

/**
 * Packs sequences [length, …], as `torch.nn.utils.rnn.pack_sequence`.
 *
 * @example
 * nn.utils.rnn.packSequence([torch.tensor([1]), torch.tensor([2, 3])], { enforceSorted: false }).data // tensor([2., 1., 3.])
 */
export function packSequence(
  sequences: readonly Tensor[],
  ...args: Arguments<[enforceSorted: boolean], PackSequenceOptions>
): PackedSequence {
  const { enforceSorted = true } = readArguments<PackSequenceOptions>('pack_sequence', args, ['enforceSorted'])
  const lengths = sequences.map((t): number => (t.layout.shape as Shape)[0])
  return packPaddedSequence(padSequence(sequences), lengths, { enforceSorted })
}

/**
 * The sequences of a packed batch, as `torch.nn.utils.rnn.unpack_sequence`.
 *
 * @example
 * const packed = nn.utils.rnn.packSequence([torch.tensor([1, 2, 3]), torch.tensor([4, 5])])
 * nn.utils.rnn.unpackSequence(packed)[1] // tensor([4., 5.])
 */
export function unpackSequence(packedSequences: PackedSequence): Tensor[] {
  const [padded, lengths] = padPackedSequence(packedSequences, { batchFirst: true })
  return unpadSequence(padded, lengths, { batchFirst: true })
}
