/** Stochastic gradient descent. */

import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { type Expr, variable } from '../ir/expr.js'
import { emptyLike } from '../ops/creation.js'
import { PointwiseOp } from '../ops/pointwise.js'
import { Optimizer, type Params, requireNonNegative } from './optimizer.js'

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

interface SGDState extends Record<string, Tensor | null> {
  momentum_buffer: Tensor | null
}

/**
 * Gradient descent with momentum, as `torch.optim.SGD`: with d = g + weightDecay·p, `b ← momentum·b + (1 − dampening)·d`
 * and `p ← p − lr·b` (lr·d without momentum, lr·(d + momentum·b) with Nesterov's).
 *
 * @example
 * const p = torch.ones(1, { requiresGrad: true })
 * const optimizer = new optim.SGD([p], { lr: 0.25, momentum: 0.9 })
 * optimizer.zeroGrad()
 * p.mul(2).sum().backward()
 * optimizer.step()
 * p.item() // 0.5
 */
export class SGD extends Optimizer<SGDOptions, SGDState> {
  constructor(params: Params<SGDOptions>, options: SGDOptions = {}) {
    const { lr = 1e-3, momentum = 0, dampening = 0, weightDecay = 0, nesterov = false, maximize = false } = options
    super(params, { lr, momentum, dampening, weightDecay, nesterov, maximize })
  }

  protected override check({ lr, momentum, dampening, weightDecay, nesterov }: Required<SGDOptions>): void {
    requireNonNegative(lr, 'learning rate')
    requireNonNegative(momentum, 'momentum value')
    requireNonNegative(weightDecay, 'weight_decay value')
    if (nesterov && (momentum <= 0 || dampening !== 0))
      throw new Error('Nesterov momentum requires a momentum and zero dampening')
  }

  protected override update(p: Tensor, g: Tensor, group: Required<SGDOptions>): void {
    const { lr, momentum, dampening, weightDecay, nesterov, maximize } = group
    if (momentum === 0) {
      this.state.set(p, { momentum_buffer: null })
      step({ maximize, weightDecay: weightDecay !== 0 }).write([p, g, lr, weightDecay], [p])
      return
    }
    const before = this.state.get(p)?.momentum_buffer ?? null
    const buffer = before ?? emptyLike(p)
    const options = { maximize, weightDecay: weightDecay !== 0, momentum: true, nesterov, first: before === null }
    step(options).write([p, g, lr, weightDecay, buffer, momentum, 1 - dampening], [p, buffer])
    if (before === null) this.state.set(p, { momentum_buffer: buffer })
  }
}

/** What tells one step's formula from another's. */
interface Variant {
  readonly maximize: boolean
  readonly weightDecay: boolean
  readonly momentum?: boolean
  readonly nesterov?: boolean
  /** The first step of a momentum: the buffer is not there yet. */
  readonly first?: boolean
}

const steps = new Map<string, PointwiseOp>()

/** The fused step over p, g, lr, weightDecay and, with momentum, the buffer, momentum and 1 − dampening. */
function step(variant: Variant): PointwiseOp {
  const key = Object.values(variant).join()
  let op = steps.get(key)
  if (op === undefined) {
    const [p, g, lr, decay, buffer, momentum, share] = ['p', 'g', 'lr', 'decay', 'buffer', 'momentum', 'share'].map(variable)
    const signed = variant.maximize ? e.neg(g) : g
    const d = variant.weightDecay ? e.add(signed, e.mul(decay, p)) : signed
    const descend = (direction: Expr): Expr => e.sub(p, e.mul(lr, direction))
    if (variant.momentum) {
      const kept = variant.first ? d : e.add(e.mul(momentum, buffer), e.mul(share, d))
      const next = descend(variant.nesterov ? e.add(d, e.mul(momentum, kept)) : kept)
      op = new PointwiseOp('SGD', ['p', 'g', 'lr', 'decay', 'buffer', 'momentum', 'share'], [next, kept], { result: 'first' })
    } else op = new PointwiseOp('SGD', ['p', 'g', 'lr', 'decay'], [descend(d)], { result: 'first' })
    steps.set(key, op)
  }
  return op
}
