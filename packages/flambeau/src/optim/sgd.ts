/** Stochastic gradient descent. */

import type { Arguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { emptyLike } from '../ops/creation.js'
import { Optimizer, type Params, requireNonNegative, settings } from './optimizer.js'
import { FusedStep } from './step.js'

export interface SGDOptions {
  /** The learning rate. */
  lr?: number
  /** How much of the last step is kept. */
  momentum?: number
  /** How much less the gradient counts in the momentum. */
  dampening?: number
  /** Decay of the parameters, added to the gradient. */
  weightDecay?: number
  /** Look ahead by the momentum. */
  nesterov?: boolean
  /** Ascend instead. */
  maximize?: boolean
}
const defaults: Required<SGDOptions> = {
  lr: 1e-3,
  momentum: 0,
  dampening: 0,
  weightDecay: 0,
  nesterov: false,
  maximize: false,
}

type SGDArguments = Arguments<
  [lr: number, momentum: number, dampening: number, weightDecay: number, nesterov: boolean],
  SGDOptions
>

interface SGDState extends Record<string, Tensor | null> {
  momentum_buffer: Tensor | null
}

/**
 * Gradient descent with momentum, as `torch.optim.SGD`: with d = g + weightDecay·p, `b ← momentum·b + (1 − dampening)·d`
 * and `p ← p − lr·b` (lr·d without momentum, lr·(d + momentum·b) with Nesterov's). The first b is d.
 *
 * @example
 * const w = torch.ones(2, { requiresGrad: true })
 * const optimizer = new optim.SGD([w], { lr: 0.25, momentum: 0.5 })
 * for (let i = 0; i < 2; i++) {
 *   optimizer.zeroGrad()
 *   w.sum().backward()
 *   optimizer.step()
 * }
 * w // tensor([0.3750, 0.3750], requires_grad=True)
 */
export class SGD extends Optimizer<SGDOptions, SGDState> {
  protected override readonly numbers = []
  protected override readonly numbersInTensors = []

  constructor(params: Params<SGDOptions>, ...args: SGDArguments) {
    super(params, settings('SGD', defaults, args))
  }

  protected override check({ lr, momentum, dampening, weightDecay, nesterov }: Required<SGDOptions>): void {
    requireNonNegative(lr, 'learning rate')
    requireNonNegative(momentum, 'momentum value')
    requireNonNegative(weightDecay, 'weight_decay value')
    if (nesterov && (momentum <= 0 || dampening !== 0))
      throw new Error('Nesterov momentum requires a momentum and zero dampening')
  }

  protected override update(p: Tensor, g: Tensor, group: Required<SGDOptions>): void {
    const { lr, momentum, dampening, weightDecay: decay, nesterov, maximize } = group
    const before = this.state.get(p)?.momentum_buffer ?? null
    if (momentum === 0) {
      if (before === null) this.state.set(p, { momentum_buffer: null })
      step.run({ maximize, decays: decay !== 0, momentum: false, nesterov: false, first: false }, { p, g, lr, decay })
      return
    }
    const buffer = before ?? emptyLike(p)
    step.run(
      { maximize, decays: decay !== 0, momentum: true, nesterov, first: before === null },
      { p, g, lr, decay, buffer, momentum, share: 1 - dampening },
    )
    if (before === null) this.state.set(p, { momentum_buffer: buffer })
  }
}

/** `first`: the buffer is not there yet. */
const step = new FusedStep(
  'SGD',
  ['maximize', 'decays', 'momentum', 'nesterov', 'first'],
  ['lr', 'decay', 'buffer', 'momentum', 'share'],
  ({ p, g, lr, decay, buffer, momentum, share }, on) => {
    const signed = on.maximize ? e.neg(g) : g
    const d = on.decays ? e.add(signed, e.mul(decay, p)) : signed
    if (!on.momentum) return { p: e.sub(p, e.mul(lr, d)) }
    const kept = on.first ? d : e.add(e.mul(momentum, buffer), e.mul(share, d))
    const direction = on.nesterov ? e.add(d, e.mul(momentum, kept)) : kept
    return { p: e.sub(p, e.mul(lr, direction)), buffer: kept }
  },
)
