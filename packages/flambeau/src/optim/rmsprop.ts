/** RMSprop. */

import type { Arguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { zerosLike } from '../ops/creation.js'
import { Optimizer, type Params, requireNonNegative, settings } from './optimizer.js'
import { FusedStep } from './step.js'

export interface RMSpropOptions {
  /** The learning rate. */
  lr?: number
  /** How slowly the averages change. */
  alpha?: number
  /** Added to the denominator. */
  eps?: number
  /** Decay of the parameters, added to the gradient. */
  weightDecay?: number
  /** How much of the last step is kept. */
  momentum?: number
  /** Divide by the standard deviation of the gradient instead of its root mean square. */
  centered?: boolean
  /** Ascend instead. */
  maximize?: boolean
}
const defaults: Required<RMSpropOptions> = {
  lr: 1e-2,
  alpha: 0.99,
  eps: 1e-8,
  weightDecay: 0,
  momentum: 0,
  centered: false,
  maximize: false,
}

interface RMSpropState extends Record<string, Tensor | number | undefined> {
  step: number
  square_avg: Tensor
  momentum_buffer?: Tensor
  grad_avg?: Tensor
}

/**
 * Gradients divided by their recent root mean square, as `torch.optim.RMSprop`: `v ← αv + (1−α)g²`, d = g/(√v + eps)
 * (√(v − ḡ²) with `centered`), `b ← momentum·b + d`, `p ← p − lr·b`.
 *
 * @example
 * const optimizer = new optim.RMSprop(new nn.Linear(3, 1).parameters(), { lr: 0.01, momentum: 0.9 })
 */
export class RMSprop extends Optimizer<RMSpropOptions, RMSpropState> {
  protected override readonly numbersInTensors = []

  constructor(
    params: Params<RMSpropOptions>,
    ...args: Arguments<
      [lr: number, alpha: number, eps: number, weightDecay: number, momentum: number, centered: boolean],
      RMSpropOptions
    >
  ) {
    super(params, settings('RMSprop', defaults, args))
  }

  protected override check({ lr, eps, momentum, weightDecay, alpha }: Required<RMSpropOptions>): void {
    requireNonNegative(lr, 'learning rate')
    requireNonNegative(eps, 'epsilon value')
    requireNonNegative(momentum, 'momentum value')
    requireNonNegative(weightDecay, 'weight_decay value')
    requireNonNegative(alpha, 'alpha value')
  }

  protected override update(p: Tensor, g: Tensor, group: Required<RMSpropOptions>): void {
    const { lr, alpha, eps, weightDecay: decay, momentum, centered, maximize } = group
    let state = this.state.get(p)
    if (state === undefined) {
      state = { step: 0, square_avg: zerosLike(p) }
      this.state.set(p, state)
    }
    if (momentum > 0) state.momentum_buffer ??= zerosLike(p)
    if (centered) state.grad_avg ??= zerosLike(p)
    state.step++
    const { square_avg: v, momentum_buffer: buffer, grad_avg: mean } = state
    step.run(
      { maximize, decays: decay !== 0, momentum: momentum > 0, centered },
      { p, g, v, buffer, mean, lr, alpha, rest: 1 - alpha, eps, decay, momentum },
    )
  }
}

const step = new FusedStep(
  'RMSprop',
  ['maximize', 'decays', 'momentum', 'centered'],
  ['v', 'buffer', 'mean', 'lr', 'alpha', 'rest', 'eps', 'decay', 'momentum'],
  ({ p, g, v, buffer, mean, lr, alpha, rest, eps, decay, momentum }, on) => {
    const signed = on.maximize ? e.neg(g) : g
    const gradient = on.decays ? e.add(signed, e.mul(decay, p)) : signed
    const square = e.add(e.mul(v, alpha), e.mul(rest, e.square(gradient)))
    const average = e.add(e.mul(mean, alpha), e.mul(rest, gradient))
    const spread = e.sqrt(on.centered ? e.sub(square, e.square(average)) : square)
    const denominator = e.add(spread, eps)
    const kept = e.add(e.mul(buffer, momentum), e.div(gradient, denominator))
    return {
      p: e.sub(p, on.momentum ? e.mul(lr, kept) : e.div(e.mul(lr, gradient), denominator)),
      v: square,
      ...(on.momentum && { buffer: kept }),
      ...(on.centered && { mean: average }),
    }
  },
)
