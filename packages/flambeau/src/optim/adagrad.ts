/** Adagrad. */

import type { Arguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { Optimizer, type Params, requireNonNegative, settings } from './optimizer.js'
import { bothParts, FusedStep } from './step.js'

export interface AdagradOptions {
  /** The learning rate. */
  lr?: number
  /** How fast the learning rate falls: to lr / (1 + lrDecay · steps). */
  lrDecay?: number
  /** Decay of the parameters, added to the gradient. */
  weightDecay?: number
  /** What the sums of squares start from. */
  initialAccumulatorValue?: number
  /** Added to the denominator. */
  eps?: number
  /** Ascend instead. */
  maximize?: boolean
}
const defaults: Required<AdagradOptions> = {
  lr: 1e-2,
  lrDecay: 0,
  weightDecay: 0,
  initialAccumulatorValue: 0,
  eps: 1e-10,
  maximize: false,
}

interface AdagradState extends Record<string, Tensor | number> {
  step: number
  sum: Tensor
}

/**
 * Steps divided by the size of all gradients so far, as `torch.optim.Adagrad`: `s ← s + g²`,
 * `p ← p − lr/(1 + lrDecay(t−1)) · g/(√s + eps)`.
 *
 * @example
 * const optimizer = new optim.Adagrad(new nn.Linear(3, 1).parameters(), { lr: 0.01 })
 */
export class Adagrad extends Optimizer<AdagradOptions, AdagradState> {
  constructor(
    params: Params<AdagradOptions>,
    ...args: Arguments<
      [lr: number, lrDecay: number, weightDecay: number, initialAccumulatorValue: number, eps: number],
      AdagradOptions
    >
  ) {
    super(params, settings('Adagrad', defaults, args))
    // As in PyTorch, the sums are there before the first step.
    for (const group of this.paramGroups) for (const p of group.params) this.#stateOf(p, group)
  }

  protected override check(group: Required<AdagradOptions>): void {
    requireNonNegative(group.lr, 'learning rate')
    requireNonNegative(group.lrDecay, 'lr_decay value')
    requireNonNegative(group.weightDecay, 'weight_decay value')
    requireNonNegative(group.initialAccumulatorValue, 'initial_accumulator_value value')
    requireNonNegative(group.eps, 'epsilon value')
  }

  protected override update(p: Tensor, g: Tensor, group: Required<AdagradOptions>): void {
    const { lr, lrDecay, weightDecay: decay, eps, maximize } = group
    const state = this.#stateOf(p, group)
    state.step++
    const stepSize = lr / (1 + (state.step - 1) * lrDecay)
    step.run({ maximize, decays: decay !== 0 }, { p, g, sum: state.sum, stepSize, eps, decay })
  }

  #stateOf(p: Tensor, group: Required<AdagradOptions>): AdagradState {
    let state = this.state.get(p)
    if (state === undefined) {
      state = { step: 0, sum: bothParts(p, group.initialAccumulatorValue) }
      this.state.set(p, state)
    }
    return state
  }
}

const step = new FusedStep(
  'Adagrad',
  ['maximize', 'decays'],
  ['sum', 'stepSize', 'eps', 'decay'],
  ({ p, g, sum, stepSize, eps, decay }, on) => {
    const signed = on.maximize ? e.neg(g) : g
    const gradient = on.decays ? e.add(signed, e.mul(decay, p)) : signed
    const total = e.add(sum, e.square(gradient))
    return { p: e.sub(p, e.div(e.mul(stepSize, gradient), e.add(e.sqrt(total), eps))), sum: total }
  },
)
