/** Attention of several heads. */

import { type Arguments, readArguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import { empty } from '../ops/creation.js'
import { transpose } from '../ops/view.js'
import { multiHeadAttentionForward } from './functional/attention.js'
import { constant_, xavierNormal_, xavierUniform_ } from './init.js'
import { type FactoryOptions, Linear } from './linear.js'
import { Module } from './module.js'
import { Parameter } from './parameter.js'

/** @internal A `Linear` under the name that PyTorch prints for the last projection of attention. */
export class NonDynamicallyQuantizableLinear extends Linear {}

export interface MultiheadAttentionOptions extends FactoryOptions {
  /** The probability of zeroing an attention weight while training. */
  dropout?: number
  /** Whether the projections have biases. */
  bias?: boolean
  /** Whether a learnt key and value are added to the others. */
  addBiasKv?: boolean
  /** Whether a key and value of zeros are added to the others. */
  addZeroAttn?: boolean
  /** The size of keys; `embedDim` unless given. */
  kdim?: number | null
  /** The size of values; `embedDim` unless given. */
  vdim?: number | null
  /** Inputs and outputs are [batch, length, features] instead of [length, batch, features]. */
  batchFirst?: boolean
}

export interface AttentionCallOptions<W extends boolean = boolean> {
  /** [batch, S]: true for keys that are not to be seen, or what is added to their scores. */
  keyPaddingMask?: Tensor | null
  /** Whether the weights are answered too. */
  needWeights?: W
  /** [L, S] or [batch · heads, L, S]: true where a key is not to be seen, or what is added to the scores. */
  attnMask?: Tensor | null
  /** Whether the weights are averaged over heads. */
  averageAttnWeights?: boolean
}

type CallArguments<W extends boolean = boolean> = Arguments<
  [keyPaddingMask: Tensor | null, needWeights: W, attnMask: Tensor | null, averageAttnWeights: boolean],
  AttentionCallOptions<W>
>

/** Attention is called with queries, keys and values. */
export interface MultiheadAttention {
  <W extends boolean = true>(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    ...args: CallArguments<W>
  ): [output: Tensor, weights: W extends true ? Tensor : null]
}
/**
 * Attention of several heads, as `torch.nn.MultiheadAttention`: of query [L, batch, embedDim] to key [S, batch, kdim] and value
 * [S, batch, vdim]; the batch comes first with `batchFirst`, and may be left out.
 *
 * @returns `[output, weights]`: [L, batch, embedDim] and [batch, L, S]; null for weights that are not needed.
 * @throws Error `embed_dim must be divisible by num_heads`
 * @example
 * const attention = new nn.MultiheadAttention(8, 2, { batchFirst: true })
 * const x = torch.randn(3, 5, 8)
 * const [output, weights] = attention(x, x, x)
 * output.shape // [ 3, 5, 8 ]
 * weights.shape // [ 3, 5, 5 ]
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: modules are callable
export class MultiheadAttention extends Module {
  readonly embedDim: number
  readonly kdim: number
  readonly vdim: number
  readonly numHeads: number
  readonly headDim: number
  readonly dropout: number
  readonly batchFirst: boolean
  readonly addZeroAttn: boolean
  /** [embedDim, embedDim], or null where all have one weight. */
  q_proj_weight: Parameter | null
  /** [embedDim, kdim], or null where all have one weight. */
  k_proj_weight: Parameter | null
  /** [embedDim, vdim], or null where all have one weight. */
  v_proj_weight: Parameter | null
  /** [3 · embedDim, embedDim], or null where sizes differ. */
  in_proj_weight: Parameter | null
  /** [3 · embedDim] */
  in_proj_bias: Parameter | null
  out_proj: Linear
  /** [1, 1, embedDim] */
  bias_k: Parameter | null
  /** [1, 1, embedDim] */
  bias_v: Parameter | null

  constructor(
    embedDim: number,
    numHeads: number,
    ...args: Arguments<
      [
        dropout: number,
        bias: boolean,
        addBiasKv: boolean,
        addZeroAttn: boolean,
        kdim: number | null,
        vdim: number | null,
        batchFirst: boolean,
      ],
      MultiheadAttentionOptions
    >
  ) {
    super()
    const names = ['dropout', 'bias', 'addBiasKv', 'addZeroAttn', 'kdim', 'vdim', 'batchFirst'] as const
    const given = readArguments<MultiheadAttentionOptions>('MultiheadAttention', args, names, ['dtype', 'device'])
    const { dropout = 0, bias = true, addBiasKv = false, addZeroAttn = false, kdim, vdim, batchFirst = false, ...factory } = given
    this.embedDim = embedDim
    this.kdim = kdim ?? embedDim
    this.vdim = vdim ?? embedDim
    this.numHeads = numHeads
    this.headDim = Math.floor(embedDim / numHeads)
    this.dropout = dropout
    this.batchFirst = batchFirst
    this.addZeroAttn = addZeroAttn
    if (this.headDim * numHeads !== embedDim) throw new Error('embed_dim must be divisible by num_heads')
    const together = this.kdim === embedDim && this.vdim === embedDim
    const parameter = (...shape: number[]): Parameter => new Parameter(empty(shape, factory))
    this.q_proj_weight = together ? null : parameter(embedDim, embedDim)
    this.k_proj_weight = together ? null : parameter(embedDim, this.kdim)
    this.v_proj_weight = together ? null : parameter(embedDim, this.vdim)
    this.in_proj_weight = together ? parameter(3 * embedDim, embedDim) : null
    this.in_proj_bias = bias ? parameter(3 * embedDim) : null
    this.out_proj = new NonDynamicallyQuantizableLinear(embedDim, embedDim, { bias, ...factory })
    this.bias_k = addBiasKv ? parameter(1, 1, embedDim) : null
    this.bias_v = addBiasKv ? parameter(1, 1, embedDim) : null
    this.resetParameters()
  }

  /** Draws the weights of query, key and value anew, and sets biases to 0. */
  resetParameters(): void {
    const { q_proj_weight, k_proj_weight, v_proj_weight, in_proj_weight, in_proj_bias, out_proj, bias_k, bias_v } = this
    for (const w of [in_proj_weight, q_proj_weight, k_proj_weight, v_proj_weight]) if (w !== null) xavierUniform_(w)
    if (in_proj_bias !== null) {
      constant_(in_proj_bias, 0)
      constant_(out_proj.bias!, 0)
    }
    for (const b of [bias_k, bias_v]) if (b !== null) xavierNormal_(b)
  }

  override forward(query: Tensor, key: Tensor, value: Tensor, ...args: CallArguments): [output: Tensor, weights: Tensor | null] {
    const names = ['keyPaddingMask', 'needWeights', 'attnMask', 'averageAttnWeights'] as const
    const options = readArguments<AttentionCallOptions>('forward', args, names)
    const turns = this.batchFirst && query.ndim === 3
    const turned = (t: Tensor): Tensor => (turns ? transpose(t, 0, 1) : t)
    const q = turned(query)
    // What is one tensor stays one: self-attention is projected in one product.
    const k = key === query ? q : turned(key)
    const v = value === key ? k : value === query ? q : turned(value)
    const { in_proj_weight, in_proj_bias, bias_k, bias_v, out_proj } = this
    const [output, weights] = multiHeadAttentionForward(
      q,
      k,
      v,
      this.embedDim,
      this.numHeads,
      in_proj_weight,
      in_proj_bias,
      bias_k,
      bias_v,
      this.addZeroAttn,
      this.dropout,
      out_proj.weight,
      out_proj.bias,
      {
        training: this.training,
        useSeparateProjWeight: in_proj_weight === null,
        qProjWeight: this.q_proj_weight,
        kProjWeight: this.k_proj_weight,
        vProjWeight: this.v_proj_weight,
        ...options,
      },
    )
    return [turned(output), weights]
  }
}
