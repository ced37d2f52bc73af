/** SparseAdam. */

import type { Arguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import { Optimizer, type Params, requireBetas, settings } from './optimizer.js'

export interface SparseAdamOptions {
  /** The learning rate. */
  lr?: number
  /** How slowly the averages of the gradient and of its square change. */
  betas?: readonly [number, number]
  /** Added to the denominator. */
  eps?: number
  /** Ascend instead. */
  maximize?: boolean
}
const defaults: Required<SparseAdamOptions> = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, maximize: false }

/**
 * Adam for sparse gradients, as `torch.optim.SparseAdam`. There are no sparse tensors here, so every gradient is one that it
 * does not take.
 *
 * @throws Error in a step where a parameter has a gradient: use `Adam`.
 * @example
 * const optimizer = new optim.SparseAdam(new nn.Linear(3, 1).parameters())
 */
export class SparseAdam extends Optimizer<SparseAdamOptions> {
  constructor(
    params: Params<SparseAdamOptions>,
    ...args: Arguments<[lr: number, betas: readonly [number, number], eps: number], SparseAdamOptions>
  ) {
    super(params, settings('SparseAdam', defaults, args))
  }

  protected override check({ lr, betas, eps }: Required<SparseAdamOptions>): void {
    if (!(lr > 0)) throw new Error(`Invalid learning rate: ${lr}`)
    if (!(eps > 0)) throw new Error(`Invalid epsilon value: ${eps}`)
    requireBetas(betas)
  }

  protected override update(_p: Tensor, _g: Tensor, _group: Required<SparseAdamOptions>): void {
    throw new Error('SparseAdam does not support dense gradients, please consider Adam instead')
  }
}
