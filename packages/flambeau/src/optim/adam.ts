/** Adam and AdamW. */

import type { Arguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { zerosLike } from '../ops/creation.js'
import { Optimizer, type Params, requireBetas, requireNonNegative, settings } from './optimizer.js'
import { FusedStep } from './step.js'

export interface AdamOptions {
  /** The learning rate. */
  lr?: number
  /** How slowly the averages of the gradient and of its square change. */
  betas?: readonly [number, number]
  /** Added to the denominator. */
  eps?: number
  /** Decay of the parameters: added to the gradient by Adam, taken from the parameter itself by AdamW. */
  weightDecay?: number
  /** Divide by the largest average so far. */
  amsgrad?: boolean
  /** Ascend instead. */
  maximize?: boolean
}
const defaults: Required<AdamOptions> = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  amsgrad: false,
  maximize: false,
}

type AdamArguments = Arguments<
  [lr: number, betas: readonly [number, number], eps: number, weightDecay: number, amsgrad: boolean],
  AdamOptions
>

interface AdamState extends Record<string, Tensor | number | undefined> {
  step: number
  exp_avg: Tensor
  exp_avg_sq: Tensor
  max_exp_avg_sq?: Tensor
}

/** What Adam and AdamW share: all but how weights decay. */
abstract class AdamBase extends Optimizer<AdamOptions, AdamState> {
  /** Whether decay shrinks the parameter itself instead of adding to the gradient. */
  protected abstract readonly decoupled: boolean

  protected override check({ lr, betas, eps, weightDecay }: Required<AdamOptions>): void {
    requireNonNegative(lr, 'learning rate')
    requireNonNegative(eps, 'epsilon value')
    requireBetas(betas)
    requireNonNegative(weightDecay, 'weight_decay value')
  }

  protected override update(p: Tensor, g: Tensor, group: Required<AdamOptions>): void {
    const { lr, betas, eps, weightDecay, amsgrad, maximize } = group
    const { decoupled } = this
    let state = this.state.get(p)
    if (state === undefined) {
      state = { step: 0, exp_avg: zerosLike(p), exp_avg_sq: zerosLike(p) }
      this.state.set(p, state)
    }
    if (amsgrad) state.max_exp_avg_sq ??= zerosLike(p)
    state.step++
    const [beta1, beta2] = betas
    step.run(
      { maximize, amsgrad, decays: weightDecay !== 0, decoupled },
      {
        p,
        g,
        m: state.exp_avg,
        v: state.exp_avg_sq,
        peak: state.max_exp_avg_sq,
        beta1,
        rest1: 1 - beta1,
        beta2,
        rest2: 1 - beta2,
        stepSize: lr / (1 - beta1 ** state.step),
        correction: Math.sqrt(1 - beta2 ** state.step),
        eps,
        decay: decoupled ? 1 - lr * weightDecay : weightDecay,
      },
    )
  }
}

/**
 * Adam (Kingma and Ba), as `torch.optim.Adam`: `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`,
 * `p ← p − lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + eps)`.
 *
 * @example
 * const model = new nn.Linear(3, 1)
 * const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 })
 * optimizer.zeroGrad()
 * model(torch.ones(2, 3)).sum().backward()
 * optimizer.step()
 */
export class Adam extends AdamBase {
  protected override get decoupled(): boolean {
    return false
  }
  constructor(params: Params<AdamOptions>, ...args: AdamArguments) {
    super(params, settings('Adam', defaults, args))
  }
}

/**
 * Adam whose weight decay, 0.01 unless given, shrinks the parameters themselves, as `torch.optim.AdamW`.
 *
 * @example
 * const optimizer = new optim.AdamW(new nn.Linear(3, 1).parameters(), { lr: 1e-3, weightDecay: 0.05 })
 */
export class AdamW extends AdamBase {
  protected override get decoupled(): boolean {
    return true
  }
  constructor(params: Params<AdamOptions>, ...args: AdamArguments) {
    super(params, settings('AdamW', { ...defaults, weightDecay: 0.01 }, args))
  }
}

const step = new FusedStep(
  'Adam',
  ['maximize', 'amsgrad', 'decays', 'decoupled'],
  ['m', 'v', 'peak', 'beta1', 'rest1', 'beta2', 'rest2', 'stepSize', 'correction', 'eps', 'decay'],
  ({ p, g, m, v, peak, beta1, rest1, beta2, rest2, stepSize, correction, eps, decay }, on) => {
    const signed = on.maximize ? e.neg(g) : g
    const gradient = on.decays && !on.decoupled ? e.add(signed, e.mul(decay, p)) : signed
    const shrunk = on.decays && on.decoupled ? e.mul(p, decay) : p
    const mean = e.add(e.mul(beta1, m), e.mul(rest1, gradient))
    const square = e.add(e.mul(beta2, v), e.mul(rest2, e.square(gradient)))
    const largest = on.amsgrad ? e.max(peak, square) : square
    const denominator = e.add(e.div(e.sqrt(largest), correction), eps)
    const next = e.sub(shrunk, e.mul(stepSize, e.div(mean, denominator)))
    return { p: next, m: mean, v: square, ...(on.amsgrad && { peak: largest }) }
  },
)
