/** Adamax. */

import type { Arguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { zerosLike } from '../ops/creation.js'
import { Optimizer, type Params, requireBetas, requireNonNegative, settings } from './optimizer.js'
import { FusedStep } from './step.js'

export interface AdamaxOptions {
  /** The learning rate. */
  lr?: number
  /** How slowly the average of the gradient and its largest size change. */
  betas?: readonly [number, number]
  /** Added to the gradient's size. */
  eps?: number
  /** Decay of the parameters, added to the gradient. */
  weightDecay?: number
  /** Ascend instead. */
  maximize?: boolean
}
const defaults: Required<AdamaxOptions> = { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, maximize: false }

interface AdamaxState extends Record<string, Tensor | number> {
  step: number
  exp_avg: Tensor
  exp_inf: Tensor
}

/**
 * Adam with the infinity norm, as `torch.optim.Adamax`: `m ← β₁m + (1−β₁)g`, `u ← max(β₂u, |g| + eps)`,
 * `p ← p − lr/(1−β₁ᵗ) · m/u`.
 *
 * @example
 * const optimizer = new optim.Adamax(new nn.Linear(3, 1).parameters(), { lr: 2e-3 })
 */
export class Adamax extends Optimizer<AdamaxOptions, AdamaxState> {
  constructor(
    params: Params<AdamaxOptions>,
    ...args: Arguments<[lr: number, betas: readonly [number, number], eps: number, weightDecay: number], AdamaxOptions>
  ) {
    super(params, settings('Adamax', defaults, args))
  }

  protected override check({ lr, betas, eps, weightDecay }: Required<AdamaxOptions>): void {
    requireNonNegative(lr, 'learning rate')
    requireNonNegative(eps, 'epsilon value')
    requireBetas(betas)
    requireNonNegative(weightDecay, 'weight_decay value')
  }

  protected override update(p: Tensor, g: Tensor, group: Required<AdamaxOptions>): void {
    const { lr, betas, eps, weightDecay: decay, maximize } = group
    let state = this.state.get(p)
    if (state === undefined) {
      state = { step: 0, exp_avg: zerosLike(p), exp_inf: zerosLike(p) }
      this.state.set(p, state)
    }
    state.step++
    const [beta1, beta2] = betas
    const stepSize = lr / (1 - beta1 ** state.step)
    const { exp_avg: m, exp_inf: u } = state
    step.run({ maximize, decays: decay !== 0 }, { p, g, m, u, beta1, rest1: 1 - beta1, beta2, stepSize, eps, decay })
  }
}

const step = new FusedStep(
  'Adamax',
  ['maximize', 'decays'],
  ['m', 'u', 'beta1', 'rest1', 'beta2', 'stepSize', 'eps', 'decay'],
  ({ p, g, m, u, beta1, rest1, beta2, stepSize, eps, decay }, on) => {
    const signed = on.maximize ? e.neg(g) : g
    const gradient = on.decays ? e.add(signed, e.mul(decay, p)) : signed
    const mean = e.add(e.mul(m, beta1), e.mul(rest1, gradient))
    const largest = e.max(e.mul(u, beta2), e.add(e.abs(gradient), eps))
    return { p: e.sub(p, e.div(e.mul(stepSize, mean), largest)), m: mean, u: largest }
  },
)
