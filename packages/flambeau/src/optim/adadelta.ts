/** Adadelta. */

import type { Arguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { zerosLike } from '../ops/creation.js'
import { Optimizer, type Params, requireNonNegative, settings } from './optimizer.js'
import { FusedStep } from './step.js'

export interface AdadeltaOptions {
  /** What every step is multiplied with. */
  lr?: number
  /** How slowly the averages of squares change. */
  rho?: number
  /** Added to the averages. */
  eps?: number
  /** Decay of the parameters, added to the gradient. */
  weightDecay?: number
  /** Ascend instead. */
  maximize?: boolean
}
const defaults: Required<AdadeltaOptions> = { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0, maximize: false }

interface AdadeltaState extends Record<string, Tensor | number> {
  step: number
  square_avg: Tensor
  acc_delta: Tensor
}

/**
 * Steps in proportion to the sizes of earlier ones, as `torch.optim.Adadelta`: `v ← ρv + (1−ρ)g²`, `d = √(u+eps)/√(v+eps) · g`,
 * `u ← ρu + (1−ρ)d²`, `p ← p − lr·d`.
 *
 * @example
 * const optimizer = new optim.Adadelta(new nn.Linear(3, 1).parameters(), { lr: 1 })
 */
export class Adadelta extends Optimizer<AdadeltaOptions, AdadeltaState> {
  protected override readonly numbersInTensors = []

  constructor(
    params: Params<AdadeltaOptions>,
    ...args: Arguments<[lr: number, rho: number, eps: number, weightDecay: number], AdadeltaOptions>
  ) {
    super(params, settings('Adadelta', defaults, args))
  }

  protected override check({ lr, rho, eps, weightDecay }: Required<AdadeltaOptions>): void {
    requireNonNegative(lr, 'learning rate')
    if (!(rho >= 0 && rho <= 1)) throw new Error(`Invalid rho value: ${rho}`)
    requireNonNegative(eps, 'epsilon value')
    requireNonNegative(weightDecay, 'weight_decay value')
  }

  protected override update(p: Tensor, g: Tensor, group: Required<AdadeltaOptions>): void {
    const { lr, rho, eps, weightDecay: decay, maximize } = group
    let state = this.state.get(p)
    if (state === undefined) {
      state = { step: 0, square_avg: zerosLike(p), acc_delta: zerosLike(p) }
      this.state.set(p, state)
    }
    state.step++
    const { square_avg: v, acc_delta: u } = state
    step.run({ maximize, decays: decay !== 0 }, { p, g, v, u, lr, rho, rest: 1 - rho, eps, decay })
  }
}

const step = new FusedStep(
  'Adadelta',
  ['maximize', 'decays'],
  ['v', 'u', 'lr', 'rho', 'rest', 'eps', 'decay'],
  ({ p, g, v, u, lr, rho, rest, eps, decay }, on) => {
    const signed = on.maximize ? e.neg(g) : g
    const gradient = on.decays ? e.add(signed, e.mul(decay, p)) : signed
    const square = e.add(e.mul(v, rho), e.mul(rest, e.square(gradient)))
    const delta = e.mul(e.div(e.sqrt(e.add(u, eps)), e.sqrt(e.add(square, eps))), gradient)
    return { p: e.sub(p, e.mul(lr, delta)), v: square, u: e.add(e.mul(u, rho), e.mul(rest, e.square(delta))) }
  },
)
