/** Tables of learned vectors. */

import { noGrad } from '../autograd/mode.js'
import { type Arguments, readArguments } from '../core/arguments.js'
import { sameShape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { fill_ } from '../ops/cast.js'
import { empty } from '../ops/creation.js'
import { type BagMode, type EmbeddingBagOptions, type EmbeddingOptions, embedding, embeddingBag } from '../ops/embedding.js'
import { select } from '../ops/view.js'
import { normal_ } from './init.js'
import type { FactoryOptions } from './linear.js'
import { Module } from './module.js'
import { Parameter } from './parameter.js'
import { python, pythonFloat } from './repr.js'

export interface EmbeddingModuleOptions extends EmbeddingOptions, FactoryOptions {
  /** The table, instead of a random one. */
  weight?: Tensor | null
}
export interface EmbeddingBagModuleOptions extends Omit<EmbeddingBagOptions, 'offsets' | 'perSampleWeights'>, FactoryOptions {
  weight?: Tensor | null
}

/** What both tables share. */
abstract class Table extends Module {
  readonly numEmbeddings: number
  readonly embeddingDim: number
  readonly paddingIdx: number | null
  readonly maxNorm: number | null
  readonly normType: number
  readonly scaleGradByFreq: boolean
  /** [numEmbeddings, embeddingDim] */
  weight: Parameter

  protected constructor(rows: number, width: number, options: EmbeddingModuleOptions) {
    super()
    const { paddingIdx = null, maxNorm = null, normType = 2, scaleGradByFreq = false, sparse = false } = options
    if (sparse) throw new Error('not implemented: sparse gradients (sparse)')
    if (paddingIdx !== null && !(paddingIdx >= -rows && paddingIdx < rows))
      throw new Error('Padding_idx must be within num_embeddings')
    this.numEmbeddings = rows
    this.embeddingDim = width
    this.paddingIdx = paddingIdx !== null && paddingIdx < 0 ? paddingIdx + rows : paddingIdx
    this.maxNorm = maxNorm
    this.normType = normType
    this.scaleGradByFreq = scaleGradByFreq
    const { weight, dtype, device } = options
    if (weight && !sameShape(weight.layout.shape, [rows, width]))
      throw new Error('Shape of weight does not match num_embeddings and embedding_dim')
    this.weight = new Parameter(weight ?? empty([rows, width], { dtype, device }))
    if (!weight) this.resetParameters()
  }

  /** Draws the table anew; the padding's row is 0. */
  resetParameters(): void {
    normal_(this.weight)
    const { paddingIdx } = this
    if (paddingIdx !== null) noGrad(() => fill_(select(this.weight, 0, paddingIdx), 0))
  }

  /** The settings of the rows, as they are printed. */
  protected rowSettings(): string[] {
    const parts: string[] = []
    if (this.maxNorm !== null) parts.push(`max_norm=${pythonFloat(this.maxNorm)}`)
    if (this.normType !== 2) parts.push(`norm_type=${python(this.normType)}`)
    if (this.scaleGradByFreq) parts.push('scale_grad_by_freq=True')
    return parts
  }
}

const rowArguments = ['maxNorm', 'normType', 'scaleGradByFreq'] as const
const factoryArguments = ['dtype', 'device'] as const

/**
 * A table of vectors that are looked up by index, as `torch.nn.Embedding`: [*] to [*, embeddingDim].
 *
 * @throws Error for a paddingIdx outside the table, or a weight of another shape.
 * @example
 * const embedding = new nn.Embedding(10, 3, { paddingIdx: 0 })
 * embedding(torch.tensor([[1n, 2n, 0n]])).shape // [ 1, 3, 3 ]
 */
export class Embedding extends Table {
  constructor(
    numEmbeddings: number,
    embeddingDim: number,
    ...args: Arguments<
      [
        paddingIdx: number | null,
        maxNorm: number | null,
        normType: number,
        scaleGradByFreq: boolean,
        sparse: boolean,
        weight: Tensor | null,
      ],
      EmbeddingModuleOptions
    >
  ) {
    const options = readArguments<EmbeddingModuleOptions>(
      'Embedding',
      args,
      ['paddingIdx', ...rowArguments, 'sparse', 'weight'],
      factoryArguments,
    )
    super(numEmbeddings, embeddingDim, options)
  }

  override forward(input: Tensor): Tensor {
    const { paddingIdx, maxNorm, normType, scaleGradByFreq } = this
    return embedding(input, this.weight, paddingIdx, maxNorm, normType, scaleGradByFreq)
  }

  override extraRepr(): string {
    const padding = this.paddingIdx === null ? [] : [`padding_idx=${this.paddingIdx}`]
    return [`${this.numEmbeddings}, ${this.embeddingDim}`, ...padding, ...this.rowSettings()].join(', ')
  }

  /**
   * A table of given vectors [n, d], which is not trained unless `freeze` is false.
   *
   * @throws Error unless the tensor has 2 dimensions.
   * @example
   * nn.Embedding.fromPretrained(torch.eye(2))(torch.tensor([1n])) // tensor([[0., 1.]])
   */
  static fromPretrained(
    embeddings: Tensor,
    ...args: Arguments<
      [freeze: boolean, paddingIdx: number | null, maxNorm: number | null, normType: number, scaleGradByFreq: boolean],
      EmbeddingOptions & { freeze?: boolean }
    >
  ): Embedding {
    const { freeze = true, ...options } = readArguments<EmbeddingOptions & { freeze?: boolean }>('from_pretrained', args, [
      'freeze',
      'paddingIdx',
      ...rowArguments,
      'sparse',
    ])
    const [rows, width] = tableSize(embeddings)
    const table = new Embedding(rows, width, { ...options, weight: embeddings })
    table.weight.requiresGrad = !freeze
    return table
  }
}

function tableSize(embeddings: Tensor): readonly number[] {
  if (embeddings.ndim !== 2) throw new Error('Embeddings parameter is expected to be 2-dimensional')
  return embeddings.layout.shape
}

/**
 * The sums, means or maxima of bags of vectors of a table, as `torch.nn.EmbeddingBag`: [b, l], or [n] with the offsets of b
 * bags, to [b, embeddingDim].
 *
 * @throws Error for a paddingIdx outside the table, or a weight of another shape.
 * @example
 * const bag = new nn.EmbeddingBag(10, 3, { mode: 'sum' })
 * bag(torch.tensor([1n, 2n, 4n, 5n]), torch.tensor([0n, 3n])).shape // [ 2, 3 ]
 */
export class EmbeddingBag extends Table {
  readonly mode: BagMode
  readonly includeLastOffset: boolean

  constructor(
    numEmbeddings: number,
    embeddingDim: number,
    ...args: Arguments<
      [
        maxNorm: number | null,
        normType: number,
        scaleGradByFreq: boolean,
        mode: BagMode,
        sparse: boolean,
        weight: Tensor | null,
        includeLastOffset: boolean,
        paddingIdx: number | null,
      ],
      EmbeddingBagModuleOptions
    >
  ) {
    const options = readArguments<EmbeddingBagModuleOptions>(
      'EmbeddingBag',
      args,
      [...rowArguments, 'mode', 'sparse', 'weight', 'includeLastOffset', 'paddingIdx'],
      factoryArguments,
    )
    super(numEmbeddings, embeddingDim, options)
    this.mode = options.mode ?? 'mean'
    this.includeLastOffset = options.includeLastOffset ?? false
  }

  override forward(
    input: Tensor,
    ...args: Arguments<
      [offsets: Tensor | null, perSampleWeights: Tensor | null],
      { offsets?: Tensor | null; perSampleWeights?: Tensor | null }
    >
  ): Tensor {
    const { offsets, perSampleWeights } = readArguments<{ offsets?: Tensor | null; perSampleWeights?: Tensor | null }>(
      'forward',
      args,
      ['offsets', 'perSampleWeights'],
    )
    const { maxNorm, normType, scaleGradByFreq, mode, includeLastOffset, paddingIdx } = this
    return embeddingBag(input, this.weight, {
      offsets,
      maxNorm,
      normType,
      scaleGradByFreq,
      mode,
      perSampleWeights,
      includeLastOffset,
      paddingIdx,
    })
  }

  override extraRepr(): string {
    const padding = this.paddingIdx === null ? [] : [`padding_idx=${this.paddingIdx}`]
    return [`${this.numEmbeddings}, ${this.embeddingDim}`, ...this.rowSettings(), `mode=${this.mode}`, ...padding].join(', ')
  }

  /**
   * Bags of given vectors [n, d], which are not trained unless `freeze` is false.
   *
   * @throws Error unless the tensor has 2 dimensions.
   * @example
   * nn.EmbeddingBag.fromPretrained(torch.eye(2), { mode: 'sum' })(torch.tensor([[0n, 1n]])) // tensor([[1., 1.]])
   */
  static fromPretrained(
    embeddings: Tensor,
    ...args: Arguments<
      [
        freeze: boolean,
        maxNorm: number | null,
        normType: number,
        scaleGradByFreq: boolean,
        mode: BagMode,
        sparse: boolean,
        includeLastOffset: boolean,
        paddingIdx: number | null,
      ],
      EmbeddingBagModuleOptions & { freeze?: boolean }
    >
  ): EmbeddingBag {
    const { freeze = true, ...options } = readArguments<EmbeddingBagModuleOptions & { freeze?: boolean }>(
      'from_pretrained',
      args,
      ['freeze', ...rowArguments, 'mode', 'sparse', 'includeLastOffset', 'paddingIdx'],
    )
    const [rows, width] = tableSize(embeddings)
    const table = new EmbeddingBag(rows, width, { ...options, weight: embeddings })
    table.weight.requiresGrad = !freeze
    return table
  }
}
