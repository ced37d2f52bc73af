/** Recurrent networks of several layers and directions. */

import type { RecurrentMode } from '../backends/backend.js'
import { type Arguments, readArguments } from '../core/arguments.js'
import { scalarName } from '../core/dtype.js'
import { type Shape, sameShape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { to } from '../ops/cast.js'
import { filled, rowMajor } from '../ops/copy.js'
import { empty, toTypedArray } from '../ops/creation.js'
import { dropout } from '../ops/dropout.js'
import { indexSelect } from '../ops/indexing.js'
import { cat, stack } from '../ops/joining.js'
import { unbind } from '../ops/split.js'
import { reshape, squeeze, transpose, unsqueeze } from '../ops/view.js'
import { uniform_ } from './init.js'
import type { FactoryOptions } from './linear.js'
import { Module } from './module.js'
import { Parameter } from './parameter.js'
import { gateCount, type RecurrentWeights, recurrentLayer } from './recurrent.js'
import { python, pythonFloat } from './repr.js'
import { PackedSequence } from './utils/rnn.js'

export interface RecurrentOptions extends FactoryOptions {
  /** How many layers lie on top of each other. */
  numLayers?: number
  /** Whether there are biases. */
  bias?: boolean
  /** Inputs and outputs are [batch, steps, features] instead of [steps, batch, features]. */
  batchFirst?: boolean
  /** The probability of zeroing outputs between layers while training. */
  dropout?: number
  /** Whether a second layer in each runs from the last step to the first. */
  bidirectional?: boolean
}
export interface RNNOptions extends RecurrentOptions {
  nonlinearity?: 'tanh' | 'relu'
}
export interface LSTMOptions extends RecurrentOptions {
  /** The size of outputs, projected from `hiddenSize`; 0 for none. */
  projSize?: number
}

const factoryNames = ['dtype', 'device'] as const
/** `(2, 3)` and `[2, 3]`, as PyTorch's errors show the sizes that it expected and got. */
const sizesText = (expected: Shape, got: Shape): string => `${python(expected)}, got [${got.join(', ')}]`

/**
 * What `RNN`, `LSTM` and `GRU` share, as `torch.nn.RNNBase`: layers, directions and their parameters.
 *
 * @example
 * new nn.LSTM(2, 3) instanceof nn.RNNBase // true
 */
export abstract class RNNBase extends Module {
  /** `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `weight_ih_l0_reverse` …: of each layer and direction. */
  [parameter: `${'weight' | 'bias'}_${'ih' | 'hh' | 'hr'}_l${string}`]: Parameter
  readonly mode: RecurrentMode
  readonly inputSize: number
  readonly hiddenSize: number
  readonly numLayers: number
  readonly bias: boolean
  readonly batchFirst: boolean
  readonly dropout: number
  readonly bidirectional: boolean
  readonly projSize: number

  protected constructor(mode: RecurrentMode, inputSize: number, hiddenSize: number, options: LSTMOptions) {
    super()
    const {
      numLayers = 1,
      bias = true,
      batchFirst = false,
      dropout = 0,
      bidirectional = false,
      projSize = 0,
      ...factory
    } = options
    if (typeof dropout !== 'number' || !(dropout >= 0 && dropout <= 1))
      throw new Error('dropout should be a number in range [0, 1] representing the probability of an element being zeroed')
    if (dropout > 0 && numLayers === 1)
      console.warn(
        'dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers greater than 1, ' +
          `but got dropout=${dropout} and num_layers=${numLayers}`,
      )
    if (projSize < 0) throw new Error('proj_size should be a positive integer or zero to disable projections')
    if (projSize >= hiddenSize && projSize > 0) throw new Error('proj_size has to be smaller than hidden_size')
    this.mode = mode
    this.inputSize = inputSize
    this.hiddenSize = hiddenSize
    this.numLayers = numLayers
    this.bias = bias
    this.batchFirst = batchFirst
    this.dropout = dropout
    this.bidirectional = bidirectional
    this.projSize = projSize
    const width = gateCount[mode] * hiddenSize
    const add = (name: string, shape: Shape): void => this.registerParameter(name, new Parameter(empty(shape, factory)))
    for (let layer = 0; layer < numLayers; layer++)
      for (const suffix of this.suffixes(layer)) {
        add(`weight_ih_${suffix}`, [width, layer === 0 ? inputSize : this.outputSize * this.directions])
        add(`weight_hh_${suffix}`, [width, this.outputSize])
        if (bias) for (const name of ['bias_ih', 'bias_hh']) add(`${name}_${suffix}`, [width])
        if (projSize > 0) add(`weight_hr_${suffix}`, [projSize, hiddenSize])
      }
    this.resetParameters()
  }

  /** @internal */
  protected get directions(): number {
    return this.bidirectional ? 2 : 1
  }
  /** @internal */
  protected get outputSize(): number {
    return this.projSize > 0 ? this.projSize : this.hiddenSize
  }
  /** @internal What the names of a layer's parameters end in, one for each direction. */
  protected suffixes(layer: number): string[] {
    return this.bidirectional ? [`l${layer}`, `l${layer}_reverse`] : [`l${layer}`]
  }

  /** All parameters uniform within ±1/√hiddenSize. */
  resetParameters(): void {
    const bound = this.hiddenSize > 0 ? 1 / Math.sqrt(this.hiddenSize) : 0
    for (const parameter of this.parameters()) uniform_(parameter, -bound, bound)
  }

  /** Does nothing: parameters need not lie together here. */
  flattenParameters(): void {}

  /** The parameters of each layer and direction. */
  get allWeights(): Parameter[][] {
    const names = ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh', 'weight_hr']
    return Array.from({ length: this.numLayers }, (_, layer) =>
      this.suffixes(layer).map((suffix) =>
        names.map((name): unknown => Reflect.get(this, `${name}_${suffix}`)).filter((p) => p instanceof Parameter),
      ),
    ).flat()
  }

  /** @internal */
  protected weightsOf(suffix: string): RecurrentWeights {
    const get = (name: string): Tensor => Reflect.get(this, `${name}_${suffix}`) as Tensor
    return {
      wInput: get('weight_ih'),
      wHidden: get('weight_hh'),
      bInput: this.bias ? get('bias_ih') : null,
      bHidden: this.bias ? get('bias_hh') : null,
      wProjection: this.projSize > 0 ? get('weight_hr') : null,
    }
  }

  /** The output and the last states (of an LSTM also the cells) for an input and first states, all checked. */
  protected run(input: Tensor | PackedSequence, states: readonly Tensor[] | null): [Tensor | PackedSequence, Tensor[]] {
    const packed = input instanceof PackedSequence ? input : null
    const batchDim = this.batchFirst ? 0 : 1
    let x = packed?.data ?? (input as Tensor)
    const isBatched = packed !== null || x.ndim === 3
    if (!isBatched) x = unsqueeze(x, batchDim)
    if (packed === null) this.checkRanks(isBatched, states)
    const dims = packed === null ? 3 : 2
    if (x.ndim !== dims) throw new Error(`input must have ${dims} dimensions, got ${x.ndim}`)
    const size = x.layout.shape.at(-1)
    if (size !== this.inputSize)
      throw new Error(`input.size(-1) must be equal to input_size. Expected ${this.inputSize}, got ${size}`)
    const batch = packed === null ? x.layout.shape[batchDim] : Number(toTypedArray(packed.batchSizes)[0])
    const count = this.numLayers * this.directions
    const expected = (this.mode === 'lstm' ? [this.outputSize, this.hiddenSize] : [this.outputSize]).map((n) => [count, batch, n])
    const first = expected.map((shape, i) => {
      if (states === null) return filled(x, shape, 0)
      const given = isBatched ? states[i] : unsqueeze(states[i], 1)
      const own = permuted(given, packed?.sortedIndices ?? null)
      if (!sameShape(own.layout.shape, shape))
        throw new Error(`Expected hidden${this.mode === 'lstm' ? `[${i}]` : ''} size ${sizesText(shape, own.layout.shape)}`)
      return own
    })
    const steps = packed === null ? x.layout.shape[1 - batchDim] : packed.batchSizes.layout.shape[0]
    if (steps === 0) throw new Error('Expected sequence length to be larger than 0 in RNN')
    const rows = packed === null ? reshape(this.batchFirst ? transpose(x, 0, 1) : x, [steps * batch, this.inputSize]) : x
    const [out, last] = this.runLayers(rows, first, steps, packed?.batchSizes ?? null)
    const ended = last.map((t) => permuted(t, packed?.unsortedIndices ?? null))
    if (packed !== null) return [new PackedSequence(out, packed.batchSizes, packed.sortedIndices, packed.unsortedIndices), ended]
    const full = reshape(out, [steps, batch, this.outputSize * this.directions])
    const ordered = this.batchFirst ? transpose(full, 0, 1) : full
    return isBatched ? [ordered, ended] : [squeeze(ordered, batchDim), ended.map((t) => squeeze(t, 1))]
  }

  /** @throws Error in PyTorch's words where the states have a batch and the input has none, or the other way round. */
  protected checkRanks(isBatched: boolean, states: readonly Tensor[] | null): void {
    const wanted = isBatched ? 3 : 2
    const state = states?.find((t) => t.ndim !== wanted)
    if (state === undefined) return
    const kind = isBatched ? 'batched 3-D' : 'unbatched 2-D'
    throw new Error(`For ${kind} input, hx should also be ${wanted}-D but got ${state.ndim}-D tensor`)
  }

  /** @internal */
  protected runLayers(rows: Tensor, states: readonly Tensor[], steps: number, batchSizes: Tensor | null): [Tensor, Tensor[]] {
    const { dtype } = rows
    // 16-bit floats by way of float32.
    const wide = dtype === 'float64' ? dtype : 'float32'
    const sizes = batchSizes && rowMajor(batchSizes)
    const [h, c] = states.map((t) => unbind(to(t, wide)))
    const [lastH, lastC]: Tensor[][] = [[], []]
    let x = to(rows, wide)
    for (let layer = 0; layer < this.numLayers; layer++) {
      const outs = this.suffixes(layer).map((suffix, direction) => {
        const weights = this.weightsOf(suffix)
        for (const t of [...states, ...Object.values<Tensor | null>({ ...weights })])
          if (t !== null && t.dtype !== dtype)
            throw new Error(`expected scalar type ${scalarName(dtype)} but found ${scalarName(t.dtype)}`)
        const i = lastH.length
        const used = dtype === wide ? weights : widened(weights)
        const result = recurrentLayer(this.mode, x, h[i], c?.[i] ?? null, used, steps, sizes, direction === 1)
        lastH.push(result.h)
        if (result.c !== null) lastC.push(result.c)
        return result.out
      })
      x = outs.length === 1 ? outs[0] : cat(outs, 1)
      if (layer < this.numLayers - 1) x = dropout(x, this.dropout, this.training)
    }
    const last = [lastH, lastC].filter((list) => list.length > 0).map((list) => to(stack(list), dtype))
    return [to(x, dtype), last]
  }

  override extraRepr(): string {
    const { inputSize, hiddenSize, projSize, numLayers, bias, batchFirst, dropout, bidirectional } = this
    return [
      `${inputSize}, ${hiddenSize}`,
      projSize !== 0 && `proj_size=${projSize}`,
      numLayers !== 1 && `num_layers=${numLayers}`,
      !bias && 'bias=False',
      batchFirst && 'batch_first=True',
      dropout !== 0 && `dropout=${pythonFloat(dropout)}`,
      bidirectional && 'bidirectional=True',
    ]
      .filter((part) => part !== false)
      .join(', ')
  }
}

const permuted = (t: Tensor, permutation: Tensor | null): Tensor => (permutation === null ? t : indexSelect(t, 1, permutation))
const widened = (weights: RecurrentWeights): RecurrentWeights =>
  Object.fromEntries(
    Object.entries<Tensor | null>({ ...weights }).map(([name, t]) => [name, t && to(t, 'float32')]),
  ) as unknown as RecurrentWeights

type Positional = [numLayers: number, bias: boolean, batchFirst: boolean, dropout: number, bidirectional: boolean]
const names = ['numLayers', 'bias', 'batchFirst', 'dropout', 'bidirectional'] as const

/** An RNN is called with a tensor or with a packed sequence, and answers in kind. */
export interface RNN {
  (input: Tensor, hx?: Tensor | null): [output: Tensor, hn: Tensor]
  (input: PackedSequence, hx?: Tensor | null): [output: PackedSequence, hn: Tensor]
}
/**
 * `h = tanh(x · W_ihᵀ + b_ih + h · W_hhᵀ + b_hh)` step by step, as `torch.nn.RNN`: input [steps, batch, inputSize] (or
 * [batch, steps, inputSize] with `batchFirst`, [steps, inputSize] without a batch, or a `PackedSequence`) and first states
 * [layers · directions, batch, hiddenSize], zeros unless given.
 *
 * @returns `[output, hn]`: the last layer's states of all steps, and the last states of all layers.
 * @throws Error `input.size(-1) must be equal to input_size. Expected 4, got 3`
 * @example
 * const rnn = new nn.RNN(4, 5, 2, { bidirectional: true })
 * rnn // RNN(4, 5, num_layers=2, bidirectional=True)
 * const [output, hn] = rnn(torch.randn(3, 2, 4))
 * output.shape // [ 3, 2, 10 ]
 * hn.shape // [ 4, 2, 5 ]
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: modules are callable
export class RNN extends RNNBase {
  readonly nonlinearity: 'tanh' | 'relu'

  constructor(
    inputSize: number,
    hiddenSize: number,
    ...args: Arguments<
      [
        numLayers: number,
        nonlinearity: 'tanh' | 'relu',
        bias: boolean,
        batchFirst: boolean,
        dropout: number,
        bidirectional: boolean,
      ],
      RNNOptions
    >
  ) {
    const [first, ...rest] = names
    const given = readArguments<RNNOptions>('RNN', args, [first, 'nonlinearity', ...rest], factoryNames)
    const { nonlinearity = 'tanh', ...options } = given
    if (nonlinearity !== 'tanh' && nonlinearity !== 'relu') throw new Error(`Unknown nonlinearity '${nonlinearity as string}'`)
    super(nonlinearity, inputSize, hiddenSize, options)
    this.nonlinearity = nonlinearity
  }

  override forward(input: Tensor | PackedSequence, hx: Tensor | null = null): [output: Tensor | PackedSequence, hn: Tensor] {
    const [output, [hn]] = this.run(input, hx && [hx])
    return [output, hn]
  }
}

/** A GRU is called with a tensor or with a packed sequence, and answers in kind. */
export interface GRU {
  (input: Tensor, hx?: Tensor | null): [output: Tensor, hn: Tensor]
  (input: PackedSequence, hx?: Tensor | null): [output: PackedSequence, hn: Tensor]
}
/**
 * Gated recurrent units, as `torch.nn.GRU`: with gates r and z, `n = tanh(W_in x + b_in + r · (W_hn h + b_hn))` and
 * `h = (1 − z) · n + z · h`. Shapes are those of `RNN`.
 *
 * @throws Error `Expected hidden size (1, 2, 5), got [1, 3, 5]`
 * @example
 * const gru = new nn.GRU(4, 5, { batchFirst: true })
 * gru // GRU(4, 5, batch_first=True)
 * const [output, hn] = gru(torch.randn(2, 3, 4))
 * output.shape // [ 2, 3, 5 ]
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: modules are callable
export class GRU extends RNNBase {
  constructor(inputSize: number, hiddenSize: number, ...args: Arguments<Positional, RecurrentOptions>) {
    super('gru', inputSize, hiddenSize, readArguments<RecurrentOptions>('GRU', args, names, factoryNames))
  }

  override forward(input: Tensor | PackedSequence, hx: Tensor | null = null): [output: Tensor | PackedSequence, hn: Tensor] {
    const [output, [hn]] = this.run(input, hx && [hx])
    return [output, hn]
  }
}

type LSTMState = readonly [h: Tensor, c: Tensor]
/** An LSTM is called with a tensor or with a packed sequence, and answers in kind. */
export interface LSTM {
  (input: Tensor, hx?: LSTMState | null): [output: Tensor, state: [hn: Tensor, cn: Tensor]]
  (input: PackedSequence, hx?: LSTMState | null): [output: PackedSequence, state: [hn: Tensor, cn: Tensor]]
}
/**
 * Long short-term memory, as `torch.nn.LSTM`: with gates i, f, g and o, `c = f · c + i · g` and `h = o · tanh(c)`, projected to
 * `projSize` where that is given. Shapes are those of `RNN`; the state is `[h, c]`.
 *
 * @returns `[output, [hn, cn]]`
 * @throws Error `Expected hidden[0] size (1, 2, 5), got [1, 3, 5]`
 * @example
 * const lstm = new nn.LSTM(4, 5, { numLayers: 2 })
 * lstm // LSTM(4, 5, num_layers=2)
 * const [output, [hn, cn]] = lstm(torch.randn(3, 2, 4))
 * output.shape // [ 3, 2, 5 ]
 * cn.shape // [ 2, 2, 5 ]
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: modules are callable
export class LSTM extends RNNBase {
  constructor(inputSize: number, hiddenSize: number, ...args: Arguments<[...Positional, projSize: number], LSTMOptions>) {
    super('lstm', inputSize, hiddenSize, readArguments<LSTMOptions>('LSTM', args, [...names, 'projSize'], factoryNames))
  }

  override forward(
    input: Tensor | PackedSequence,
    hx: LSTMState | null = null,
  ): [output: Tensor | PackedSequence, state: [hn: Tensor, cn: Tensor]] {
    const [output, [hn, cn]] = this.run(input, hx)
    return [output, [hn, cn]]
  }

  protected override checkRanks(isBatched: boolean, states: LSTMState | null): void {
    const wanted = isBatched ? 3 : 2
    if (states === null || states.every((t) => t.ndim === wanted)) return
    const kind = isBatched ? 'batched 3-D' : 'unbatched 2-D'
    throw new Error(
      `For ${kind} input, hx and cx should also be ${wanted}-D but got (${states[0].ndim}-D, ${states[1].ndim}-D) tensors`,
    )
  }
}
