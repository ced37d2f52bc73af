/** What losses share. */

import type { Arguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import { type Legacy, type LossOptions, type LossReduction, legacy, readLoss } from '../ops/reduction.js'
import { Module } from './module.js'

/** What all losses share. */
export abstract class Loss<R extends string = LossReduction> extends Module {
  readonly reduction: R

  protected constructor(reduction: R) {
    super()
    this.reduction = reduction
  }
}

/** Losses whose only setting is the reduction. */
export abstract class PlainLoss extends Loss {
  constructor(...args: Arguments<Legacy, LossOptions>) {
    super(readLoss<LossOptions>(new.target.name, args, legacy).reduction)
  }
}

/** Losses with a weight per class, which moves and is saved with the module. */
export abstract class WeightedLoss extends Loss {
  declare weight: Tensor | null

  protected constructor(options: { weight?: Tensor | null; reduction: LossReduction }) {
    super(options.reduction)
    this.registerBuffer('weight', options.weight ?? null)
  }
}
