/** RAdam. */

import type { Arguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { zerosLike } from '../ops/creation.js'
import { Optimizer, type Params, requireBetas, requireNonNegative, settings } from './optimizer.js'
import { FusedStep } from './step.js'

export interface RAdamOptions {
  /** The learning rate. */
  lr?: number
  /** How slowly the averages of the gradient and of its square change. */
  betas?: readonly [number, number]
  /** Added to the denominator. */
  eps?: number
  /** Decay of the parameters, added to the gradient. */
  weightDecay?: number
}
const defaults: Required<RAdamOptions> = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 }

interface RAdamState extends Record<string, Tensor | number> {
  step: number
  exp_avg: Tensor
  exp_avg_sq: Tensor
}

/**
 * Adam that adapts only once the variance of its steps is known well enough, as `torch.optim.RAdam`: with m and v as Adam's,
 * ρ∞ = 2/(1−β₂) − 1 and ρₜ = ρ∞ − 2tβ₂ᵗ/(1−β₂ᵗ), `p ← p − lr·m/(1−β₁ᵗ) · rₜ√(1−β₂ᵗ)/(√v + eps)` where ρₜ > 5,
 * `p ← p − lr·m/(1−β₁ᵗ)` before.
 *
 * @example
 * const optimizer = new optim.RAdam(new nn.Linear(3, 1).parameters(), { lr: 1e-3 })
 */
export class RAdam extends Optimizer<RAdamOptions, RAdamState> {
  constructor(
    params: Params<RAdamOptions>,
    ...args: Arguments<[lr: number, betas: readonly [number, number], eps: number, weightDecay: number], RAdamOptions>
  ) {
    super(params, settings('RAdam', defaults, args))
  }

  protected override check({ lr, betas, eps, weightDecay }: Required<RAdamOptions>): void {
    requireNonNegative(lr, 'learning rate')
    requireNonNegative(eps, 'epsilon value')
    requireBetas(betas)
    requireNonNegative(weightDecay, 'weight_decay value')
  }

  protected override update(p: Tensor, g: Tensor, group: Required<RAdamOptions>): void {
    const { lr, betas, eps, weightDecay: decay } = group
    let state = this.state.get(p)
    if (state === undefined) {
      state = { step: 0, exp_avg: zerosLike(p), exp_avg_sq: zerosLike(p) }
      this.state.set(p, state)
    }
    state.step++
    const [beta1, beta2] = betas
    const correction = 1 - beta2 ** state.step
    const limit = 2 / (1 - beta2) - 1
    const rho = limit - (2 * state.step * beta2 ** state.step) / correction
    const adapts = rho > 5
    const rectified = Math.sqrt(((rho - 4) * (rho - 2) * limit) / ((limit - 4) * (limit - 2) * rho))
    step.run(
      { decays: decay !== 0, adapts },
      {
        p,
        g,
        m: state.exp_avg,
        v: state.exp_avg_sq,
        beta1,
        rest1: 1 - beta1,
        beta2,
        rest2: 1 - beta2,
        stepSize: ((adapts ? rectified * Math.sqrt(correction) : 1) * lr) / (1 - beta1 ** state.step),
        eps,
        decay,
      },
    )
  }
}

const step = new FusedStep(
  'RAdam',
  ['decays', 'adapts'],
  ['m', 'v', 'beta1', 'rest1', 'beta2', 'rest2', 'stepSize', 'eps', 'decay'],
  ({ p, g, m, v, beta1, rest1, beta2, rest2, stepSize, eps, decay }, on) => {
    const gradient = on.decays ? e.add(g, e.mul(decay, p)) : g
    const mean = e.add(e.mul(m, beta1), e.mul(rest1, gradient))
    const square = e.add(e.mul(v, beta2), e.mul(rest2, e.square(gradient)))
    const distance = e.mul(stepSize, mean)
    const next = e.sub(p, on.adapts ? e.div(distance, e.add(e.sqrt(square), eps)) : distance)
    return { p: next, m: mean, v: square }
  },
)
