/** Losses as modules. */

import type { Tensor } from '../core/tensor.js'
import {
  type BceWithLogitsOptions,
  binaryCrossEntropyWithLogits,
  type CrossEntropyOptions,
  crossEntropy,
  type LossOptions,
  type LossReduction,
  l1Loss,
  mseLoss,
  type NllLossOptions,
  nllLoss,
} from '../ops/loss.js'
import { Module } from './module.js'

/** What all losses share. */
abstract class Loss extends Module {
  readonly reduction: LossReduction

  constructor(options: LossOptions = {}) {
    super()
    this.reduction = options.reduction ?? 'mean'
  }

  abstract override forward(input: Tensor, target: Tensor): Tensor
}

/** Losses with a weight per class, which moves and is saved with the module. */
abstract class WeightedLoss extends Loss {
  declare weight: Tensor | null

  constructor(options: LossOptions & { weight?: Tensor | null } = {}) {
    super(options)
    this.registerBuffer('weight', options.weight ?? null)
  }
}

/**
 * The cross-entropy of logits [N, C, …] with class indices or probabilities, as `torch.nn.CrossEntropyLoss`.
 *
 * @example
 * const criterion = new nn.CrossEntropyLoss()
 * criterion(torch.zeros(3, 5), torch.tensor([1n, 0n, 4n])) // tensor(1.6094)
 */
export class CrossEntropyLoss extends WeightedLoss {
  readonly ignoreIndex: number
  readonly labelSmoothing: number

  constructor(options: CrossEntropyOptions = {}) {
    super(options)
    this.ignoreIndex = options.ignoreIndex ?? -100
    this.labelSmoothing = options.labelSmoothing ?? 0
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, reduction, labelSmoothing } = this
    return crossEntropy(input, target, { weight, ignoreIndex, reduction, labelSmoothing })
  }
}

/**
 * The negative log likelihood of class indices under log-probabilities [N, C, …], as `torch.nn.NLLLoss`.
 *
 * @example
 * new nn.NLLLoss()(torch.tensor([[-0.5, -1], [-2, -0.25]]), torch.tensor([0n, 1n])).item() // 0.375
 */
export class NLLLoss extends WeightedLoss {
  readonly ignoreIndex: number

  constructor(options: NllLossOptions = {}) {
    super(options)
    this.ignoreIndex = options.ignoreIndex ?? -100
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, reduction } = this
    return nllLoss(input, target, { weight, ignoreIndex, reduction })
  }
}

/**
 * The mean of (input − target)², as `torch.nn.MSELoss`.
 *
 * @example
 * new nn.MSELoss()(torch.tensor([1, 2]), torch.tensor([3, 2])).item() // 2
 */
export class MSELoss extends Loss {
  override forward(input: Tensor, target: Tensor): Tensor {
    return mseLoss(input, target, { reduction: this.reduction })
  }
}

/**
 * The mean of |input − target|, as `torch.nn.L1Loss`.
 *
 * @example
 * new nn.L1Loss()(torch.tensor([1, 2]), torch.tensor([3, 2])).item() // 1
 */
export class L1Loss extends Loss {
  override forward(input: Tensor, target: Tensor): Tensor {
    return l1Loss(input, target, { reduction: this.reduction })
  }
}

/**
 * Binary cross-entropy of logits with probabilities in [0, 1], as `torch.nn.BCEWithLogitsLoss`.
 *
 * @example
 * new nn.BCEWithLogitsLoss()(torch.tensor([0, 2]), torch.tensor([1, 0])) // tensor(1.4100)
 */
export class BCEWithLogitsLoss extends Loss {
  declare weight: Tensor | null
  declare pos_weight: Tensor | null

  constructor(options: BceWithLogitsOptions = {}) {
    super(options)
    this.registerBuffer('weight', options.weight ?? null)
    this.registerBuffer('pos_weight', options.posWeight ?? null)
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { weight, pos_weight: posWeight, reduction } = this
    return binaryCrossEntropyWithLogits(input, target, { weight, posWeight, reduction })
  }
}
