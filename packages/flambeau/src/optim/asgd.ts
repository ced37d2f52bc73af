/** Averaged stochastic gradient descent. */

import type { Arguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { zerosLike } from '../ops/creation.js'
import { Optimizer, type Params, requireNonNegative, settings } from './optimizer.js'
import { FusedStep } from './step.js'

export interface ASGDOptions {
  /** The learning rate. */
  lr?: number
  /** How fast parameters and the learning rate decay. */
  lambd?: number
  /** The power of that decay of the learning rate. */
  alpha?: number
  /** After how many steps averaging starts. */
  t0?: number
  /** Decay of the parameters, added to the gradient. */
  weightDecay?: number
  /** Ascend instead. */
  maximize?: boolean
}
const defaults: Required<ASGDOptions> = { lr: 1e-2, lambd: 1e-4, alpha: 0.75, t0: 1e6, weightDecay: 0, maximize: false }

interface ASGDState extends Record<string, Tensor | number> {
  step: number
  eta: number
  mu: number
  ax: Tensor
}

/**
 * Averaged gradient descent (Polyak and Juditsky), as `torch.optim.ASGD`: `p ← (1 − lambd·η)p − η·g`, the average in the state
 * `ax ← ax + μ(p − ax)`, then `η = lr/(1 + lambd·lr·t)^alpha` and `μ = 1/max(1, t − t0)`.
 *
 * @example
 * const optimizer = new optim.ASGD(new nn.Linear(3, 1).parameters(), { lr: 0.01, t0: 100 })
 */
export class ASGD extends Optimizer<ASGDOptions, ASGDState> {
  protected override readonly numbers = ['step', 'eta', 'mu']
  protected override readonly numbersInTensors = ['step', 'eta', 'mu']

  constructor(
    params: Params<ASGDOptions>,
    ...args: Arguments<[lr: number, lambd: number, alpha: number, t0: number, weightDecay: number], ASGDOptions>
  ) {
    super(params, settings('ASGD', defaults, args))
  }

  protected override check({ lr, weightDecay }: Required<ASGDOptions>): void {
    requireNonNegative(lr, 'learning rate')
    requireNonNegative(weightDecay, 'weight_decay value')
  }

  protected override update(p: Tensor, g: Tensor, group: Required<ASGDOptions>): void {
    const { lr, lambd, alpha, t0, weightDecay: decay, maximize } = group
    let state = this.state.get(p)
    if (state === undefined) {
      state = { step: 0, eta: Math.fround(lr), mu: 1, ax: zerosLike(p) }
      this.state.set(p, state)
    }
    state.step++
    const { eta, mu, ax: mean } = state
    step.run({ maximize, decays: decay !== 0, averages: mu !== 1 }, { p, g, mean, shrink: 1 - lambd * eta, eta, mu, decay })
    // PyTorch keeps both in float32 tensors.
    state.eta = Math.fround(lr / (1 + lambd * lr * state.step) ** alpha)
    state.mu = Math.fround(1 / Math.max(1, state.step - t0))
  }
}

const step = new FusedStep(
  'ASGD',
  ['maximize', 'decays', 'averages'],
  ['mean', 'shrink', 'eta', 'mu', 'decay'],
  ({ p, g, mean, shrink, eta, mu, decay }, on) => {
    const signed = on.maximize ? e.neg(g) : g
    const gradient = on.decays ? e.add(signed, e.mul(decay, p)) : signed
    const next = e.sub(e.mul(p, shrink), e.mul(eta, gradient))
    return { p: next, mean: on.averages ? e.add(mean, e.mul(e.sub(next, mean), mu)) : next }
  },
)
