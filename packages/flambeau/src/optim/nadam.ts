/** NAdam. */

import type { Arguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { zerosLike } from '../ops/creation.js'
import { Optimizer, type Params, requireBetas, requireNonNegative, settings } from './optimizer.js'
import { FusedStep } from './step.js'

export interface NAdamOptions {
  /** The learning rate. */
  lr?: number
  /** How slowly the averages of the gradient and of its square change. */
  betas?: readonly [number, number]
  /** Added to the denominator. */
  eps?: number
  /** Decay of the parameters, added to the gradient. */
  weightDecay?: number
  /** How fast the momentum grows to β₁. */
  momentumDecay?: number
}
const defaults: Required<NAdamOptions> = { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, momentumDecay: 4e-3 }

interface NAdamState extends Record<string, Tensor | number> {
  step: number
  mu_product: number
  exp_avg: Tensor
  exp_avg_sq: Tensor
}

/**
 * Adam with Nesterov's momentum, as `torch.optim.NAdam`: with `μₜ = β₁(1 − ½·0.96^(t·momentumDecay))`, m and v as Adam's and
 * d = √(v/(1−β₂ᵗ)) + eps, `p ← p − lr(1−μₜ)/(1−Πμ) · g/d − lr·μₜ₊₁/(1−Πμ·μₜ₊₁) · m/d`.
 *
 * @example
 * const optimizer = new optim.NAdam(new nn.Linear(3, 1).parameters(), { lr: 2e-3 })
 */
export class NAdam extends Optimizer<NAdamOptions, NAdamState> {
  protected override readonly numbers = ['step', 'mu_product']
  protected override readonly numbersInTensors = ['step', 'mu_product']

  constructor(
    params: Params<NAdamOptions>,
    ...args: Arguments<
      [lr: number, betas: readonly [number, number], eps: number, weightDecay: number, momentumDecay: number],
      NAdamOptions
    >
  ) {
    super(params, settings('NAdam', defaults, args))
  }

  protected override check({ lr, betas, eps, weightDecay, momentumDecay }: Required<NAdamOptions>): void {
    requireNonNegative(lr, 'learning rate')
    requireNonNegative(eps, 'epsilon value')
    requireBetas(betas)
    requireNonNegative(weightDecay, 'weight_decay value')
    requireNonNegative(momentumDecay, 'momentum_decay value')
  }

  protected override update(p: Tensor, g: Tensor, group: Required<NAdamOptions>): void {
    const { lr, betas, eps, weightDecay: decay, momentumDecay } = group
    let state = this.state.get(p)
    if (state === undefined) {
      state = { step: 0, mu_product: 1, exp_avg: zerosLike(p), exp_avg_sq: zerosLike(p) }
      this.state.set(p, state)
    }
    state.step++
    const [beta1, beta2] = betas
    const momentum = (t: number): number => beta1 * (1 - 0.5 * 0.96 ** (t * momentumDecay))
    const [mu, next] = [momentum(state.step), momentum(state.step + 1)]
    // PyTorch keeps the product in a float32 tensor, and so multiplies it as float32.
    const { fround } = Math
    state.mu_product = fround(state.mu_product * fround(mu))
    const product = fround(fround(state.mu_product * fround(mu)) * fround(next))
    step.run(
      { decays: decay !== 0 },
      {
        p,
        g,
        m: state.exp_avg,
        v: state.exp_avg_sq,
        beta1,
        rest1: 1 - beta1,
        beta2,
        rest2: 1 - beta2,
        correction: 1 - beta2 ** state.step,
        eps,
        decay,
        now: (-lr * (1 - mu)) / (1 - state.mu_product),
        ahead: (-lr * next) / (1 - product),
      },
    )
  }
}

const step = new FusedStep(
  'NAdam',
  ['decays'],
  ['m', 'v', 'beta1', 'rest1', 'beta2', 'rest2', 'correction', 'eps', 'decay', 'now', 'ahead'],
  ({ p, g, m, v, beta1, rest1, beta2, rest2, correction, eps, decay, now, ahead }, on) => {
    const gradient = on.decays ? e.add(g, e.mul(decay, p)) : g
    const mean = e.add(e.mul(m, beta1), e.mul(rest1, gradient))
    const square = e.add(e.mul(v, beta2), e.mul(rest2, e.square(gradient)))
    const denominator = e.add(e.sqrt(e.div(square, correction)), eps)
    const moved = e.add(p, e.div(e.mul(now, gradient), denominator))
    return { p: e.add(moved, e.div(e.mul(ahead, mean), denominator)), m: mean, v: square }
  },
)
