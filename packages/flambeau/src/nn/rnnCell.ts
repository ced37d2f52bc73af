/** One step of a recurrent network. */

import type { RecurrentMode } from '../backends/backend.js'
import { type Arguments, readArguments } from '../core/arguments.js'
import { scalarName } from '../core/dtype.js'
import type { Tensor } from '../core/tensor.js'
import { to } from '../ops/cast.js'
import { filled } from '../ops/copy.js'
import { empty } from '../ops/creation.js'
import { squeeze, unsqueeze } from '../ops/view.js'
import { uniform_ } from './init.js'
import type { FactoryOptions } from './linear.js'
import { Module } from './module.js'
import { Parameter } from './parameter.js'
import { gateCount, recurrentLayer } from './recurrent.js'

export interface CellOptions extends FactoryOptions {
  /** Whether there are biases. */
  bias?: boolean
}
export interface RNNCellOptions extends CellOptions {
  nonlinearity?: 'tanh' | 'relu'
}

const factoryNames = ['dtype', 'device'] as const

/**
 * What `RNNCell`, `LSTMCell` and `GRUCell` share, as `torch.nn.RNNCellBase`.
 *
 * @example
 * new nn.GRUCell(2, 3) instanceof nn.RNNCellBase // true
 */
export abstract class RNNCellBase extends Module {
  readonly inputSize: number
  readonly hiddenSize: number
  readonly bias: boolean
  /** [gates · hiddenSize, inputSize] */
  weight_ih: Parameter
  /** [gates · hiddenSize, hiddenSize] */
  weight_hh: Parameter
  /** [gates · hiddenSize] */
  bias_ih: Parameter | null
  /** [gates · hiddenSize] */
  bias_hh: Parameter | null

  protected constructor(mode: RecurrentMode, inputSize: number, hiddenSize: number, options: CellOptions) {
    super()
    const { bias = true, ...factory } = options
    const width = gateCount[mode] * hiddenSize
    this.inputSize = inputSize
    this.hiddenSize = hiddenSize
    this.bias = bias
    this.weight_ih = new Parameter(empty([width, inputSize], factory))
    this.weight_hh = new Parameter(empty([width, hiddenSize], factory))
    this.bias_ih = bias ? new Parameter(empty([width], factory)) : null
    this.bias_hh = bias ? new Parameter(empty([width], factory)) : null
    this.resetParameters()
  }

  /** All parameters uniform within ±1/√hiddenSize. */
  resetParameters(): void {
    const bound = this.hiddenSize > 0 ? 1 / Math.sqrt(this.hiddenSize) : 0
    for (const parameter of this.parameters()) uniform_(parameter, -bound, bound)
  }

  /** The next state (of an LSTM also the cell) for [batch, inputSize] or [inputSize]. */
  protected step(mode: RecurrentMode, input: Tensor, states: readonly Tensor[] | null): Tensor[] {
    if (input.ndim !== 1 && input.ndim !== 2)
      throw new Error(`${this.getName()}: Expected input to be 1-D or 2-D but received ${input.ndim}-D tensor`)
    const isBatched = input.ndim === 2
    const x = isBatched ? input : unsqueeze(input, 0)
    const { weight_ih, weight_hh, bias_ih, bias_hh, hiddenSize } = this
    const [batch, size] = x.layout.shape
    if (size !== this.inputSize) throw new Error(`input has inconsistent input_size: got ${size} expected ${this.inputSize}`)
    const state = (i: number): Tensor => {
      if (states === null) return filled(x, [batch, hiddenSize], 0)
      const given = isBatched ? states[i] : unsqueeze(states[i], 0)
      const [rows, units] = given.layout.shape
      if (given.ndim !== 2 || rows !== batch)
        throw new Error(`Input batch size ${batch} doesn't match hidden${i} batch size ${rows}`)
      if (units !== hiddenSize) throw new Error(`hidden${i} has inconsistent hidden_size: got ${units}, expected ${hiddenSize}`)
      return given
    }
    const all = [x, state(0), mode === 'lstm' ? state(1) : null, weight_ih, weight_hh, bias_ih, bias_hh]
    for (const t of all)
      if (t !== null && t.dtype !== x.dtype)
        throw new Error(`expected scalar type ${scalarName(x.dtype)} but found ${scalarName(t.dtype)}`)
    // 16-bit floats by way of float32.
    const wide = x.dtype === 'float64' ? x.dtype : 'float32'
    const [xs, h, c, wInput, wHidden, bInput, bHidden] = all.map((t) => t && to(t, wide))
    const weights = { wInput: wInput!, wHidden: wHidden!, bInput, bHidden, wProjection: null }
    const result = recurrentLayer(mode, xs!, h!, c, weights, 1)
    return [result.h, ...(result.c === null ? [] : [result.c])].map((t) => {
      const own = to(t, x.dtype)
      return isBatched ? own : squeeze(own, 0)
    })
  }

  override extraRepr(): string {
    return `${this.inputSize}, ${this.hiddenSize}${this.bias ? '' : ', bias=False'}`
  }
}

/**
 * One step of an `RNN`, as `torch.nn.RNNCell`: input [batch, inputSize] or [inputSize] and state to the next state.
 *
 * @throws Error `input has inconsistent input_size: got 3 expected 4`
 * @example
 * const cell = new nn.RNNCell(4, 5, { nonlinearity: 'relu' })
 * cell // RNNCell(4, 5, nonlinearity=relu)
 * let h = torch.zeros(2, 5)
 * for (const x of torch.randn(3, 2, 4)) h = cell(x, h)
 * h.shape // [ 2, 5 ]
 */
export class RNNCell extends RNNCellBase {
  readonly nonlinearity: 'tanh' | 'relu'

  constructor(
    inputSize: number,
    hiddenSize: number,
    ...args: Arguments<[bias: boolean, nonlinearity: 'tanh' | 'relu'], RNNCellOptions>
  ) {
    const given = readArguments<RNNCellOptions>('RNNCell', args, ['bias', 'nonlinearity'], factoryNames)
    const { nonlinearity = 'tanh', ...options } = given
    super('tanh', inputSize, hiddenSize, options)
    this.nonlinearity = nonlinearity
  }

  override forward(input: Tensor, hx: Tensor | null = null): Tensor {
    const { nonlinearity } = this
    if (nonlinearity !== 'tanh' && nonlinearity !== 'relu') throw new Error(`Unknown nonlinearity: ${nonlinearity as string}`)
    return this.step(nonlinearity, input, hx && [hx])[0]
  }

  override extraRepr(): string {
    return `${super.extraRepr()}${this.nonlinearity === 'tanh' ? '' : `, nonlinearity=${this.nonlinearity}`}`
  }
}

/**
 * One step of an `LSTM`, as `torch.nn.LSTMCell`: input [batch, inputSize] or [inputSize] and state `[h, c]` to the next one.
 *
 * @returns `[h, c]`
 * @example
 * const cell = new nn.LSTMCell(4, 5)
 * const [h, c] = cell(torch.randn(2, 4))
 * const [h2] = cell(torch.randn(2, 4), [h, c])
 * h2.shape // [ 2, 5 ]
 */
export class LSTMCell extends RNNCellBase {
  constructor(inputSize: number, hiddenSize: number, ...args: Arguments<[bias: boolean], CellOptions>) {
    super('lstm', inputSize, hiddenSize, readArguments<CellOptions>('LSTMCell', args, ['bias'], factoryNames))
  }

  override forward(input: Tensor, hx: readonly [h: Tensor, c: Tensor] | null = null): [h: Tensor, c: Tensor] {
    const [h, c] = this.step('lstm', input, hx)
    return [h, c]
  }
}

/**
 * One step of a `GRU`, as `torch.nn.GRUCell`: input [batch, inputSize] or [inputSize] and state to the next state.
 *
 * @example
 * const cell = new nn.GRUCell(4, 5)
 * cell(torch.randn(2, 4)).shape // [ 2, 5 ]
 */
export class GRUCell extends RNNCellBase {
  constructor(inputSize: number, hiddenSize: number, ...args: Arguments<[bias: boolean], CellOptions>) {
    super('gru', inputSize, hiddenSize, readArguments<CellOptions>('GRUCell', args, ['bias'], factoryNames))
  }

  override forward(input: Tensor, hx: Tensor | null = null): Tensor {
    return this.step('gru', input, hx && [hx])[0]
  }
}
