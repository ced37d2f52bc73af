/** Adam and AdamW. */

import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { variable } from '../ir/expr.js'
import { zerosLike } from '../ops/creation.js'
import { PointwiseOp } from '../ops/pointwise.js'
import { Optimizer, type Params, requireNonNegative } from './optimizer.js'

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

interface AdamState extends Record<string, Tensor | number | null> {
  step: number
  exp_avg: Tensor
  exp_avg_sq: Tensor
}

/** What Adam and AdamW share: all but how weights decay. */
abstract class AdamBase extends Optimizer<AdamOptions, AdamState> {
  /** Whether decay shrinks the parameter itself instead of adding to the gradient. */
  protected abstract readonly decoupled: boolean

  protected override check({ lr, betas, eps, weightDecay }: Required<AdamOptions>): void {
    requireNonNegative(lr, 'learning rate')
    requireNonNegative(eps, 'epsilon value')
    betas.forEach((beta, i) => {
      if (!(beta >= 0 && beta < 1)) throw new Error(`Invalid beta parameter at index ${i}: ${beta}`)
    })
    requireNonNegative(weightDecay, 'weight_decay value')
  }

  protected override update(p: Tensor, g: Tensor, group: Required<AdamOptions>): void {
    const { lr, betas, eps, weightDecay, amsgrad, maximize } = group
    let state = this.state.get(p)
    if (state === undefined) {
      state = { step: 0, exp_avg: zerosLike(p), exp_avg_sq: zerosLike(p), ...(amsgrad && { max_exp_avg_sq: zerosLike(p) }) }
      this.state.set(p, state)
    }
    state.step++
    const [beta1, beta2] = betas
    const stepSize = lr / (1 - beta1 ** state.step)
    const correction = Math.sqrt(1 - beta2 ** state.step)
    const decay = this.decoupled ? 1 - lr * weightDecay : weightDecay
    const { exp_avg: m, exp_avg_sq: v } = state
    const peak = amsgrad ? (state.max_exp_avg_sq as Tensor) : null
    const op = step({ maximize, amsgrad, decay: weightDecay !== 0, decoupled: this.decoupled })
    const args = [p, g, m, v, beta1, 1 - beta1, beta2, 1 - beta2, stepSize, correction, eps, decay]
    if (peak === null) op.write(args, [p, m, v])
    else op.write([...args, peak], [p, m, v, peak])
  }
}

const defaults = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, amsgrad: false, maximize: false } as const
const complete = (options: AdamOptions, weightDecay: number): Required<AdamOptions> => ({
  lr: options.lr ?? defaults.lr,
  betas: options.betas ?? defaults.betas,
  eps: options.eps ?? defaults.eps,
  weightDecay: options.weightDecay ?? weightDecay,
  amsgrad: options.amsgrad ?? defaults.amsgrad,
  maximize: options.maximize ?? defaults.maximize,
})

/**
 * Adam (Kingma and Ba), as `torch.optim.Adam`: `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`,
 * `p ← p − lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + eps)`.
 *
 * @example
 * const model = new nn.Linear(2, 1)
 * const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 })
 * optimizer.zeroGrad()
 * model(torch.ones(4, 2)).sum().backward()
 * optimizer.step()
 */
export class Adam extends AdamBase {
  protected override get decoupled(): boolean {
    return false
  }
  constructor(params: Params<AdamOptions>, options: AdamOptions = {}) {
    super(params, complete(options, 0))
  }
}

/** Adam whose weight decay, 0.01 unless given, shrinks the parameters themselves, as `torch.optim.AdamW`. */
export class AdamW extends AdamBase {
  protected override get decoupled(): boolean {
    return true
  }
  constructor(params: Params<AdamOptions>, options: AdamOptions = {}) {
    super(params, complete(options, 0.01))
  }
}

/** What tells one step's formula from another's. */
interface Variant {
  readonly maximize: boolean
  readonly amsgrad: boolean
  readonly decay: boolean
  readonly decoupled: boolean
}

const steps = new Map<string, PointwiseOp>()
const variables = ['p', 'g', 'm', 'v', 'beta1', 'rest1', 'beta2', 'rest2', 'stepSize', 'correction', 'eps', 'decay', 'peak']

/** The fused step over `variables`; the last only with amsgrad. */
function step(variant: Variant): PointwiseOp {
  const key = Object.values(variant).join()
  let op = steps.get(key)
  if (op === undefined) {
    const [p, g, m, v, beta1, rest1, beta2, rest2, stepSize, correction, eps, decay, peak] = variables.map(variable)
    const signed = variant.maximize ? e.neg(g) : g
    const gradient = variant.decay && !variant.decoupled ? e.add(signed, e.mul(decay, p)) : signed
    const shrunk = variant.decay && variant.decoupled ? e.mul(p, decay) : p
    const mean = e.add(e.mul(beta1, m), e.mul(rest1, gradient))
    const square = e.add(e.mul(beta2, v), e.mul(rest2, e.square(gradient)))
    const largest = variant.amsgrad ? e.max(peak, square) : square
    const denominator = e.add(e.div(e.sqrt(largest), correction), eps)
    const next = e.sub(shrunk, e.mul(stepSize, e.div(mean, denominator)))
    const [names, terms] = variant.amsgrad
      ? [variables, [next, mean, square, largest]]
      : [variables.slice(0, -1), [next, mean, square]]
    op = new PointwiseOp('Adam', names, terms, { result: 'first' })
    steps.set(key, op)
  }
  return op
}
