/** Losses that ask for a margin, and the distances they measure, as modules. */

import { type Arguments, readArguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import * as ops from '../ops/marginLoss.js'
import { type Legacy, type LossReduction, legacy, readLoss } from '../ops/reduction.js'
import { type CosineOptions, cosineSimilarity, type PairwiseDistanceOptions, pairwiseDistance } from '../ops/similarity.js'
import { Loss, PlainLoss, WeightedLoss } from './lossBase.js'
import { Module } from './module.js'

/** What losses with a margin share. */
abstract class MarginLoss extends Loss {
  readonly margin: number

  constructor(...args: Arguments<[margin: number, ...Legacy], ops.MarginOptions>) {
    const { margin, reduction } = readLoss<ops.MarginOptions>(new.target.name, args, ['margin', ...legacy])
    super(reduction)
    this.margin = margin ?? new.target.preset
  }

  /** The margin unless one is given. */
  protected static readonly preset: number = 0
}

/**
 * max(0, −target · (input1 − input2) + margin), as `torch.nn.MarginRankingLoss`.
 *
 * @example
 * new nn.MarginRankingLoss()(torch.tensor([1, 2]), torch.tensor([3, 1]), torch.tensor([1, 1])) // tensor(1.)
 */
export class MarginRankingLoss extends MarginLoss {
  override forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    return ops.marginRankingLoss(input1, input2, target, { margin: this.margin, reduction: this.reduction })
  }
}

/**
 * input for targets 1, max(0, margin − input) for targets −1, as `torch.nn.HingeEmbeddingLoss`.
 *
 * @example
 * new nn.HingeEmbeddingLoss()(torch.tensor([0.5, 0.25]), torch.tensor([1, -1])) // tensor(0.6250)
 */
export class HingeEmbeddingLoss extends MarginLoss {
  protected static override readonly preset = 1

  override forward(input: Tensor, target: Tensor): Tensor {
    return ops.hingeEmbeddingLoss(input, target, { margin: this.margin, reduction: this.reduction })
  }
}

/**
 * 1 − cos for targets 1, max(0, cos − margin) for targets −1, as `torch.nn.CosineEmbeddingLoss`.
 *
 * @example
 * new nn.CosineEmbeddingLoss()(torch.tensor([[1, 0]]), torch.tensor([[0, 1]]), torch.tensor([1])) // tensor(1.)
 */
export class CosineEmbeddingLoss extends MarginLoss {
  override forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    return ops.cosineEmbeddingLoss(input1, input2, target, { margin: this.margin, reduction: this.reduction })
  }
}

/**
 * ln(1 + e^(−target · input)) for targets ±1, as `torch.nn.SoftMarginLoss`.
 *
 * @example
 * new nn.SoftMarginLoss()(torch.tensor([0, 2]), torch.tensor([1, -1])) // tensor(1.4100)
 */
export class SoftMarginLoss extends PlainLoss {
  override forward(input: Tensor, target: Tensor): Tensor {
    return ops.softMarginLoss(input, target, { reduction: this.reduction })
  }
}

/**
 * How little the target's score exceeds the others', as `torch.nn.MultiMarginLoss`: scores [N, C] or [C].
 *
 * @example
 * new nn.MultiMarginLoss()(torch.tensor([[0.1, 0.2, 0.4, 0.8]]), torch.tensor([3n])) // tensor(0.3250)
 */
export class MultiMarginLoss extends WeightedLoss {
  readonly p: number
  readonly margin: number

  constructor(...args: Arguments<[p: number, margin: number, weight: Tensor | null, ...Legacy], ops.MultiMarginOptions>) {
    const options = readLoss<ops.MultiMarginOptions>('MultiMarginLoss', args, ['p', 'margin', 'weight', ...legacy])
    const { p = 1, margin = 1, weight } = options
    if (p !== 1 && p !== 2) throw new Error('only p == 1 and p == 2 supported')
    if (weight && weight.ndim !== 1) throw new Error('weight must be 1-D')
    super(options)
    this.p = p
    this.margin = margin
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { p, margin, weight, reduction } = this
    return ops.multiMarginLoss(input, target, { p, margin, weight, reduction })
  }
}

/**
 * How little the targets' scores exceed the others', as `torch.nn.MultiLabelMarginLoss`: [N, C] or [C].
 *
 * @example
 * new nn.MultiLabelMarginLoss()(torch.tensor([0.1, 0.2, 0.4, 0.8]), torch.tensor([3n, 0n, -1n, 1n])) // tensor(0.8500)
 */
export class MultiLabelMarginLoss extends PlainLoss {
  override forward(input: Tensor, target: Tensor): Tensor {
    return ops.multilabelMarginLoss(input, target, { reduction: this.reduction })
  }
}

/**
 * The binary cross-entropy of several labels, a mean over classes, as `torch.nn.MultiLabelSoftMarginLoss`: [N, C].
 *
 * @example
 * new nn.MultiLabelSoftMarginLoss()(torch.tensor([[0, 2]]), torch.tensor([[1, 0]])) // tensor(1.4100)
 */
export class MultiLabelSoftMarginLoss extends WeightedLoss {
  constructor(...args: Arguments<[weight: Tensor | null, ...Legacy], ops.MultilabelSoftMarginOptions>) {
    super(readLoss<ops.MultilabelSoftMarginOptions>('MultiLabelSoftMarginLoss', args, ['weight', ...legacy]))
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return ops.multilabelSoftMarginLoss(input, target, { weight: this.weight, reduction: this.reduction })
  }
}

/**
 * max(0, d(anchor, positive) − d(anchor, negative) + margin), as `torch.nn.TripletMarginLoss`.
 *
 * @example
 * const criterion = new nn.TripletMarginLoss({ margin: 1, p: 2 })
 * criterion(torch.tensor([[0, 0]]), torch.tensor([[0, 1]]), torch.tensor([[0, 9]])) // tensor(0.)
 */
export class TripletMarginLoss extends Loss {
  readonly margin: number
  readonly p: number
  readonly eps: number
  readonly swap: boolean

  constructor(...args: Arguments<[margin: number, p: number, eps: number, swap: boolean, ...Legacy], ops.TripletMarginOptions>) {
    const options = readLoss<ops.TripletMarginOptions>('TripletMarginLoss', args, ['margin', 'p', 'eps', 'swap', ...legacy])
    super(options.reduction)
    this.margin = options.margin ?? 1
    this.p = options.p ?? 2
    this.eps = options.eps ?? 1e-6
    this.swap = options.swap ?? false
  }

  override forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { margin, p, eps, swap, reduction } = this
    return ops.tripletMarginLoss(anchor, positive, negative, { margin, p, eps, swap, reduction })
  }
}

/**
 * `TripletMarginLoss` with any distance, as `torch.nn.TripletMarginWithDistanceLoss`.
 *
 * @example
 * const criterion = new nn.TripletMarginWithDistanceLoss({ distanceFunction: (a, b) => a.sub(b).abs().sum(-1) })
 * criterion(torch.tensor([[0, 0]]), torch.tensor([[0, 1]]), torch.tensor([[0, 1.5]])) // tensor(0.5000)
 */
export class TripletMarginWithDistanceLoss extends Loss {
  readonly margin: number
  readonly swap: boolean
  readonly distance_function: (a: Tensor, b: Tensor) => Tensor

  constructor(options: ops.TripletMarginWithDistanceOptions = {}) {
    const { distanceFunction, margin, swap, reduction } = readLoss<ops.TripletMarginWithDistanceOptions>(
      'TripletMarginWithDistanceLoss',
      [options],
      [],
      ['distanceFunction', 'margin', 'swap', 'reduction'],
    )
    super(reduction as LossReduction)
    this.margin = margin ?? 1
    this.swap = swap ?? false
    this.distance_function = distanceFunction ?? new PairwiseDistance()
  }

  override forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { distance_function: distanceFunction, margin, swap, reduction } = this
    return ops.tripletMarginWithDistanceLoss(anchor, positive, negative, {
      distanceFunction,
      margin,
      swap,
      reduction,
    })
  }
}

/**
 * The cosine of the angle between vectors along `dim`, as `torch.nn.CosineSimilarity`.
 *
 * @example
 * new nn.CosineSimilarity()(torch.tensor([[1, 0], [1, 1]]), torch.tensor([[2, 0], [1, 0]])) // tensor([1.0000, 0.7071])
 */
export class CosineSimilarity extends Module {
  readonly dim: number
  readonly eps: number

  constructor(...args: Arguments<[dim: number, eps: number], CosineOptions>) {
    super()
    const { dim = 1, eps = 1e-8 } = readArguments<CosineOptions>('CosineSimilarity', args, ['dim', 'eps'])
    this.dim = dim
    this.eps = eps
  }

  override forward(x1: Tensor, x2: Tensor): Tensor {
    return cosineSimilarity(x1, x2, this.dim, this.eps)
  }
}

/**
 * The p-norm of x1 − x2 along the last dimension, as `torch.nn.PairwiseDistance`.
 *
 * @example
 * new nn.PairwiseDistance()(torch.tensor([[3, 0]]), torch.tensor([[0, 4]])) // tensor([5.])
 */
export class PairwiseDistance extends Module {
  readonly norm: number
  readonly eps: number
  readonly keepdim: boolean

  constructor(...args: Arguments<[p: number, eps: number, keepdim: boolean], PairwiseDistanceOptions>) {
    super()
    const {
      p = 2,
      eps = 1e-6,
      keepdim = false,
    } = readArguments<PairwiseDistanceOptions>('PairwiseDistance', args, ['p', 'eps', 'keepdim'])
    this.norm = p
    this.eps = eps
    this.keepdim = keepdim
  }

  override forward(x1: Tensor, x2: Tensor): Tensor {
    return pairwiseDistance(x1, x2, this.norm, this.eps, this.keepdim)
  }
}
