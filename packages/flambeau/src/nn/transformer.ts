/** Transformers and the layers they are made of. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { type DType, isFloatingPoint } from '../core/dtype.js'
import type { Tensor } from '../core/tensor.js'
import { gelu } from '../ops/activation.js'
import { add } from '../ops/arithmetic.js'
import { empty } from '../ops/creation.js'
import { MultiheadAttention } from './attention.js'
import { ModuleList } from './containers.js'
import { Dropout } from './dropout.js'
import { relu } from './functional/activation.js'
import { causalMask } from './functional/attention.js'
import { xavierUniform_ } from './init.js'
import { type FactoryOptions, Linear } from './linear.js'
import { Module } from './module.js'
import { LayerNorm } from './normalization.js'

/** What transforms the hidden features of a layer: a name, a function or a module. */
export type TransformerActivation = 'relu' | 'gelu' | ((x: Tensor) => Tensor)

export interface TransformerLayerOptions extends FactoryOptions {
  /** How many hidden features the two linear maps have between them. */
  dimFeedforward?: number
  dropout?: number
  activation?: TransformerActivation
  layerNormEps?: number
  /** Inputs and outputs are [batch, length, features] instead of [length, batch, features]. */
  batchFirst?: boolean
  /** Whether inputs are normalised before each block instead of results after it. */
  normFirst?: boolean
  /** Whether linear maps and normalisations have biases. */
  bias?: boolean
}
type LayerArguments = Arguments<
  [
    dimFeedforward: number,
    dropout: number,
    activation: TransformerActivation,
    layerNormEps: number,
    batchFirst: boolean,
    normFirst: boolean,
    bias: boolean,
  ],
  TransformerLayerOptions
>
const layerNames = ['dimFeedforward', 'dropout', 'activation', 'layerNormEps', 'batchFirst', 'normFirst', 'bias'] as const
const factoryNames = ['dtype', 'device'] as const

function activationOf(activation: TransformerActivation): (x: Tensor) => Tensor {
  if (typeof activation === 'function') return activation
  if (activation === 'relu') return relu as (x: Tensor) => Tensor
  if (activation === 'gelu') return gelu as (x: Tensor) => Tensor
  throw new Error(`activation should be relu/gelu, not ${activation as string}`)
}

function checkPadding(mask: Tensor | null): void {
  if (mask !== null && mask.dtype !== 'bool' && !isFloatingPoint(mask.dtype))
    throw new Error('only bool and floating types of key_padding_mask are supported')
}

/** A layer's settings with their defaults. */
function settingsOf(name: string, args: readonly unknown[]) {
  const given = readArguments<TransformerLayerOptions>(name, args, layerNames, factoryNames)
  const { dimFeedforward = 2048, dropout = 0.1, activation = 'relu', layerNormEps = 1e-5 } = given
  const { batchFirst = false, normFirst = false, bias = true, dtype, device } = given
  const factory = { bias, dtype, device }
  const attention = { dropout, batchFirst, ...factory }
  return { dimFeedforward, dropout, activation: activationOf(activation), eps: layerNormEps, normFirst, factory, attention }
}

export interface EncoderLayerCallOptions {
  /** [L, L] or [batch · heads, L, L]: true where not to look, or what is added to the scores. */
  srcMask?: Tensor | null
  /** [batch, L]: true for what is padding. */
  srcKeyPaddingMask?: Tensor | null
}

/**
 * Self-attention and two linear maps, each added to its input and normalised, as `torch.nn.TransformerEncoderLayer`:
 * [L, batch, dModel] to the same shape.
 *
 * @throws Error `activation should be relu/gelu, not tanh`
 * @example
 * const layer = new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16, activation: 'gelu', batchFirst: true })
 * layer(torch.randn(3, 5, 8)).shape // [ 3, 5, 8 ]
 */
export class TransformerEncoderLayer extends Module {
  self_attn: MultiheadAttention
  linear1: Linear
  dropout: Dropout
  linear2: Linear
  readonly normFirst: boolean
  norm1: LayerNorm
  norm2: LayerNorm
  dropout1: Dropout
  dropout2: Dropout
  activation: (x: Tensor) => Tensor

  constructor(dModel: number, nhead: number, ...args: LayerArguments) {
    super()
    const settings = settingsOf('TransformerEncoderLayer', args)
    const { dimFeedforward, dropout, activation, eps, normFirst, factory, attention } = settings
    this.self_attn = new MultiheadAttention(dModel, nhead, attention)
    this.linear1 = new Linear(dModel, dimFeedforward, factory)
    this.dropout = new Dropout(dropout)
    this.linear2 = new Linear(dimFeedforward, dModel, factory)
    this.normFirst = normFirst
    this.norm1 = new LayerNorm(dModel, { eps, ...factory })
    this.norm2 = new LayerNorm(dModel, { eps, ...factory })
    this.dropout1 = new Dropout(dropout)
    this.dropout2 = new Dropout(dropout)
    this.activation = activation
  }

  override forward(
    src: Tensor,
    ...args: Arguments<[srcMask: Tensor | null, srcKeyPaddingMask: Tensor | null], EncoderLayerCallOptions>
  ): Tensor {
    const given = readArguments<EncoderLayerCallOptions>('forward', args, ['srcMask', 'srcKeyPaddingMask'])
    const { srcMask: attnMask = null, srcKeyPaddingMask: keyPaddingMask = null } = given
    checkPadding(keyPaddingMask)
    const attend = (x: Tensor): Tensor =>
      this.dropout1(this.self_attn(x, x, x, { attnMask, keyPaddingMask, needWeights: false })[0])
    const feed = (x: Tensor): Tensor => this.dropout2(this.linear2(this.dropout(this.activation(this.linear1(x)))))
    if (this.normFirst) {
      const x = add(src, attend(this.norm1(src)))
      return add(x, feed(this.norm2(x)))
    }
    const x = this.norm1(add(src, attend(src)))
    return this.norm2(add(x, feed(x)))
  }
}

export interface DecoderCallOptions {
  /** [T, T]: true where not to look within the target, or what is added to the scores. */
  tgtMask?: Tensor | null
  /** [T, S]: the same for the memory. */
  memoryMask?: Tensor | null
  /** [batch, T]: true for what is padding. */
  tgtKeyPaddingMask?: Tensor | null
  /** [batch, S]: true for what is padding. */
  memoryKeyPaddingMask?: Tensor | null
}
type DecoderCallArguments = Arguments<
  [tgtMask: Tensor | null, memoryMask: Tensor | null, tgtKeyPaddingMask: Tensor | null, memoryKeyPaddingMask: Tensor | null],
  DecoderCallOptions
>
const decoderNames = ['tgtMask', 'memoryMask', 'tgtKeyPaddingMask', 'memoryKeyPaddingMask'] as const

/**
 * Self-attention, attention to a memory, and two linear maps, each added to its input and normalised, as
 * `torch.nn.TransformerDecoderLayer`: target [T, batch, dModel] and memory [S, batch, dModel] to [T, batch, dModel].
 *
 * @example
 * const layer = new nn.TransformerDecoderLayer(8, 2, 16)
 * layer(torch.randn(4, 3, 8), torch.randn(5, 3, 8)).shape // [ 4, 3, 8 ]
 */
export class TransformerDecoderLayer extends Module {
  self_attn: MultiheadAttention
  multihead_attn: MultiheadAttention
  linear1: Linear
  dropout: Dropout
  linear2: Linear
  readonly normFirst: boolean
  norm1: LayerNorm
  norm2: LayerNorm
  norm3: LayerNorm
  dropout1: Dropout
  dropout2: Dropout
  dropout3: Dropout
  activation: (x: Tensor) => Tensor

  constructor(dModel: number, nhead: number, ...args: LayerArguments) {
    super()
    const settings = settingsOf('TransformerDecoderLayer', args)
    const { dimFeedforward, dropout, activation, eps, normFirst, factory, attention } = settings
    this.self_attn = new MultiheadAttention(dModel, nhead, attention)
    this.multihead_attn = new MultiheadAttention(dModel, nhead, attention)
    this.linear1 = new Linear(dModel, dimFeedforward, factory)
    this.dropout = new Dropout(dropout)
    this.linear2 = new Linear(dimFeedforward, dModel, factory)
    this.normFirst = normFirst
    this.norm1 = new LayerNorm(dModel, { eps, ...factory })
    this.norm2 = new LayerNorm(dModel, { eps, ...factory })
    this.norm3 = new LayerNorm(dModel, { eps, ...factory })
    this.dropout1 = new Dropout(dropout)
    this.dropout2 = new Dropout(dropout)
    this.dropout3 = new Dropout(dropout)
    this.activation = activation
  }

  override forward(tgt: Tensor, memory: Tensor, ...args: DecoderCallArguments): Tensor {
    const given = readArguments<DecoderCallOptions>('forward', args, decoderNames)
    const { tgtMask = null, memoryMask = null, tgtKeyPaddingMask = null, memoryKeyPaddingMask = null } = given
    const own = { attnMask: tgtMask, keyPaddingMask: tgtKeyPaddingMask, needWeights: false }
    const other = { attnMask: memoryMask, keyPaddingMask: memoryKeyPaddingMask, needWeights: false }
    const attend = (x: Tensor): Tensor => this.dropout1(this.self_attn(x, x, x, own)[0])
    const look = (x: Tensor): Tensor => this.dropout2(this.multihead_attn(x, memory, memory, other)[0])
    const feed = (x: Tensor): Tensor => this.dropout3(this.linear2(this.dropout(this.activation(this.linear1(x)))))
    if (this.normFirst) {
      const x = add(tgt, attend(this.norm1(tgt)))
      const y = add(x, look(this.norm2(x)))
      return add(y, feed(this.norm3(y)))
    }
    const x = this.norm1(add(tgt, attend(tgt)))
    const y = this.norm2(add(x, look(x)))
    return this.norm3(add(y, feed(y)))
  }
}

const copies = (layer: Module, count: number): ModuleList => new ModuleList(Array.from({ length: count }, () => layer.deepcopy()))

export interface EncoderOptions {
  /** What normalises the result. */
  norm?: Module | null
  /** Says nothing here: padding is masked, never cut out. */
  enableNestedTensor?: boolean
  /** Says nothing here. */
  maskCheck?: boolean
}
export interface EncoderCallOptions {
  /** [L, L]: true where not to look, or what is added to the scores. */
  mask?: Tensor | null
  /** [batch, L]: true for what is padding. */
  srcKeyPaddingMask?: Tensor | null
}

/**
 * Several copies of an encoder layer, one after the other, as `torch.nn.TransformerEncoder`.
 *
 * @example
 * const encoder = new nn.TransformerEncoder(new nn.TransformerEncoderLayer(8, 2, 16), 3)
 * encoder.layers.length // 3
 * encoder(torch.randn(5, 2, 8)).shape // [ 5, 2, 8 ]
 */
export class TransformerEncoder extends Module {
  layers: ModuleList
  readonly numLayers: number
  norm: Module | null

  constructor(
    encoderLayer: Module,
    numLayers: number,
    ...args: Arguments<[norm: Module | null, enableNestedTensor: boolean, maskCheck: boolean], EncoderOptions>
  ) {
    super()
    const names = ['norm', 'enableNestedTensor', 'maskCheck'] as const
    const { norm = null } = readArguments<EncoderOptions>('TransformerEncoder', args, names)
    this.layers = copies(encoderLayer, numLayers)
    this.numLayers = numLayers
    this.norm = norm
  }

  override forward(
    src: Tensor,
    ...args: Arguments<[mask: Tensor | null, srcKeyPaddingMask: Tensor | null], EncoderCallOptions>
  ): Tensor {
    const given = readArguments<EncoderCallOptions>('forward', args, ['mask', 'srcKeyPaddingMask'])
    const { mask: srcMask = null, srcKeyPaddingMask = null } = given
    checkPadding(srcKeyPaddingMask)
    let x = src
    for (const layer of this.layers) x = layer(x, { srcMask, srcKeyPaddingMask })
    return this.norm === null ? x : this.norm(x)
  }
}

export interface DecoderOptions {
  /** What normalises the result. */
  norm?: Module | null
}

/**
 * Several copies of a decoder layer, one after the other, as `torch.nn.TransformerDecoder`.
 *
 * @example
 * const decoder = new nn.TransformerDecoder(new nn.TransformerDecoderLayer(8, 2, 16), 2, new nn.LayerNorm(8))
 * decoder(torch.randn(4, 3, 8), torch.randn(5, 3, 8)).shape // [ 4, 3, 8 ]
 */
export class TransformerDecoder extends Module {
  layers: ModuleList
  readonly numLayers: number
  norm: Module | null

  constructor(decoderLayer: Module, numLayers: number, ...args: Arguments<[norm: Module | null], DecoderOptions>) {
    super()
    const { norm = null } = readArguments<DecoderOptions>('TransformerDecoder', args, ['norm'])
    this.layers = copies(decoderLayer, numLayers)
    this.numLayers = numLayers
    this.norm = norm
  }

  override forward(tgt: Tensor, memory: Tensor, ...args: DecoderCallArguments): Tensor {
    const options = readArguments<DecoderCallOptions>('forward', args, decoderNames)
    let x = tgt
    for (const layer of this.layers) x = layer(x, memory, options)
    return this.norm === null ? x : this.norm(x)
  }
}

export interface TransformerOptions extends TransformerLayerOptions {
  /** The number of features. */
  dModel?: number
  /** The number of heads. */
  nhead?: number
  numEncoderLayers?: number
  numDecoderLayers?: number
  /** What takes the encoder's place: called with the source and `{ mask, srcKeyPaddingMask }`. */
  customEncoder?: Module | null
  /** What takes the decoder's place: called with target, memory and the masks as options. */
  customDecoder?: Module | null
}
export interface TransformerCallOptions extends DecoderCallOptions, EncoderLayerCallOptions {}

/**
 * An encoder and a decoder, as `torch.nn.Transformer`: source [S, batch, dModel] and target [T, batch, dModel] to
 * [T, batch, dModel].
 *
 * @throws Error `the feature number of src and tgt must be equal to d_model`
 * @example
 * const model = new nn.Transformer({ dModel: 8, nhead: 2, numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 16 })
 * const tgtMask = nn.Transformer.generateSquareSubsequentMask(4)
 * model(torch.randn(5, 2, 8), torch.randn(4, 2, 8), { tgtMask }).shape // [ 4, 2, 8 ]
 */
export class Transformer extends Module {
  encoder: Module
  decoder: Module
  readonly dModel: number
  readonly nhead: number
  readonly batchFirst: boolean

  constructor(
    ...args: Arguments<
      [
        dModel: number,
        nhead: number,
        numEncoderLayers: number,
        numDecoderLayers: number,
        dimFeedforward: number,
        dropout: number,
        activation: TransformerActivation,
        customEncoder: Module | null,
        customDecoder: Module | null,
        layerNormEps: number,
        batchFirst: boolean,
        normFirst: boolean,
        bias: boolean,
      ],
      TransformerOptions
    >
  ) {
    super()
    const [first, last] = [layerNames.slice(0, 3), layerNames.slice(3)]
    const own = ['dModel', 'nhead', 'numEncoderLayers', 'numDecoderLayers'] as const
    const names = [...own, ...first, 'customEncoder', 'customDecoder', ...last] as const
    const given = readArguments<TransformerOptions>('Transformer', args, names, factoryNames)
    const { dModel = 512, nhead = 8, numEncoderLayers = 6, numDecoderLayers = 6 } = given
    const { customEncoder = null, customDecoder = null, layerNormEps = 1e-5, batchFirst = false } = given
    const { bias, dtype, device, dimFeedforward, dropout, activation, normFirst } = given
    const layer = { dimFeedforward, dropout, activation, layerNormEps, batchFirst, normFirst, bias, dtype, device }
    const norm = (): LayerNorm => new LayerNorm(dModel, { eps: layerNormEps, bias, dtype, device })
    this.encoder =
      customEncoder ?? new TransformerEncoder(new TransformerEncoderLayer(dModel, nhead, layer), numEncoderLayers, norm())
    this.decoder =
      customDecoder ?? new TransformerDecoder(new TransformerDecoderLayer(dModel, nhead, layer), numDecoderLayers, norm())
    this.dModel = dModel
    this.nhead = nhead
    this.batchFirst = batchFirst
    for (const parameter of this.parameters()) if (parameter.ndim > 1) xavierUniform_(parameter)
  }

  override forward(
    src: Tensor,
    tgt: Tensor,
    ...args: Arguments<
      [
        srcMask: Tensor | null,
        tgtMask: Tensor | null,
        memoryMask: Tensor | null,
        srcKeyPaddingMask: Tensor | null,
        tgtKeyPaddingMask: Tensor | null,
        memoryKeyPaddingMask: Tensor | null,
      ],
      TransformerCallOptions
    >
  ): Tensor {
    const names = ['srcMask', 'tgtMask', 'memoryMask', 'srcKeyPaddingMask', 'tgtKeyPaddingMask', 'memoryKeyPaddingMask'] as const
    const { srcMask, srcKeyPaddingMask, ...masks } = readArguments<TransformerCallOptions>('forward', args, names)
    const batchDim = this.batchFirst ? 0 : 1
    if (src.ndim === 3 && src.layout.shape[batchDim] !== tgt.layout.shape[batchDim])
      throw new Error('the batch number of src and tgt must be equal')
    if ([src, tgt].some((t) => t.layout.shape.at(-1) !== this.dModel))
      throw new Error('the feature number of src and tgt must be equal to d_model')
    const memory: Tensor = this.encoder(src, { mask: srcMask, srcKeyPaddingMask })
    return this.decoder(tgt, memory, masks)
  }

  /** [size, size] of −∞ above the diagonal: a mask by which no element sees those after it. */
  static generateSquareSubsequentMask(size: number, options: { dtype?: DType; device?: string } = {}): Tensor {
    return causalMask(empty([], options), size, size)
  }
}
