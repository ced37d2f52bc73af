/** Rprop. */

import type { Arguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { zerosLike } from '../ops/creation.js'
import { Optimizer, type Params, requireNonNegative, settings } from './optimizer.js'
import { bothParts, FusedStep } from './step.js'

export interface RpropOptions {
  /** The first step's size. */
  lr?: number
  /** By what sizes shrink where the gradient changed its sign, and grow where it did not. */
  etas?: readonly [number, number]
  /** The least and the largest size. */
  stepSizes?: readonly [number, number]
  /** Ascend instead. */
  maximize?: boolean
}
const defaults: Required<RpropOptions> = { lr: 1e-2, etas: [0.5, 1.2], stepSizes: [1e-6, 50], maximize: false }

interface RpropState extends Record<string, Tensor | number> {
  step: number
  prev: Tensor
  step_size: Tensor
}

/**
 * Resilient backpropagation, which looks at the signs of gradients alone, as `torch.optim.Rprop`: each parameter's step size
 * grows by η₊ while the sign of its gradient stays, and shrinks by η₋ where it changed; no step is made there.
 *
 * @example
 * const optimizer = new optim.Rprop(new nn.Linear(3, 1).parameters(), { lr: 0.01, stepSizes: [1e-6, 1] })
 */
export class Rprop extends Optimizer<RpropOptions, RpropState> {
  protected override readonly numbersInTensors = []

  constructor(
    params: Params<RpropOptions>,
    ...args: Arguments<[lr: number, etas: readonly [number, number], stepSizes: readonly [number, number]], RpropOptions>
  ) {
    super(params, settings('Rprop', defaults, args))
  }

  protected override check({ lr, etas: [minus, plus] }: Required<RpropOptions>): void {
    requireNonNegative(lr, 'learning rate')
    if (!(minus > 0 && minus < 1 && plus > 1)) throw new Error(`Invalid eta values: ${minus}, ${plus}`)
  }

  protected override update(p: Tensor, g: Tensor, group: Required<RpropOptions>): void {
    const { lr, etas, stepSizes, maximize } = group
    let state = this.state.get(p)
    if (state === undefined) {
      state = { step: 0, prev: zerosLike(p), step_size: bothParts(p, lr) }
      this.state.set(p, state)
    }
    state.step++
    const [minus, plus] = etas
    const [least, most] = stepSizes
    step.run({ maximize }, { p, g, before: state.prev, size: state.step_size, minus, plus, least, most })
  }
}

const step = new FusedStep(
  'Rprop',
  ['maximize'],
  ['before', 'size', 'minus', 'plus', 'least', 'most'],
  ({ p, g, before, size, minus, plus, least, most }, on) => {
    const gradient = on.maximize ? e.neg(g) : g
    const product = e.mul(gradient, before)
    const turned = e.lt(product, 0)
    // A NaN stays one.
    const same = e.where(e.eq(product, 0), 1, product)
    const factor = e.where(turned, minus, e.where(e.gt(product, 0), plus, same))
    const next = e.min(e.max(e.mul(size, factor), least), most)
    const used = e.where(turned, 0, gradient)
    return { p: e.sub(p, e.mul(e.sign(used), next)), size: next, before: used }
  },
)
