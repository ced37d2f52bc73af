/** Losses as modules: how far answers are from their targets. */

import type { Arguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import { type CtcLossOptions, ctcLoss } from '../ops/ctcLoss.js'
import * as distance from '../ops/distance.js'
import * as ops from '../ops/loss.js'
import { type Legacy, type LossReduction, legacy, readLoss } from '../ops/reduction.js'
import { type ContrastiveLossOptions, contrastiveLoss, type FocalLossOptions, focalLoss } from './functional/loss.js'
import { Loss, PlainLoss, WeightedLoss } from './lossBase.js'

type ClassArguments = [
  weight: Tensor | null,
  sizeAverage: boolean | null,
  ignoreIndex: number,
  reduce: boolean | null,
  reduction: LossReduction,
]
const classArguments = ['weight', 'sizeAverage', 'ignoreIndex', 'reduce', 'reduction'] as const

/**
 * The cross-entropy of logits [N, C, …] or [C] with class indices or probabilities, as `torch.nn.CrossEntropyLoss`.
 *
 * @example
 * const criterion = new nn.CrossEntropyLoss()
 * criterion(torch.tensor([[2, 0, 0]]), torch.tensor([0n])) // tensor(0.2395)
 */
export class CrossEntropyLoss extends WeightedLoss {
  readonly ignoreIndex: number
  readonly labelSmoothing: number

  constructor(...args: Arguments<[...ClassArguments, labelSmoothing: number], ops.CrossEntropyOptions>) {
    const options = readLoss<ops.CrossEntropyOptions>('CrossEntropyLoss', args, [...classArguments, 'labelSmoothing'])
    super(options)
    this.ignoreIndex = options.ignoreIndex ?? -100
    this.labelSmoothing = options.labelSmoothing ?? 0
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, reduction, labelSmoothing } = this
    return ops.crossEntropy(input, target, { weight, ignoreIndex, reduction, labelSmoothing })
  }
}

/**
 * The negative log likelihood of class indices under log-probabilities [N, C, …] or [C], as `torch.nn.NLLLoss`.
 *
 * @example
 * new nn.NLLLoss()(torch.tensor([[-0.5, -1], [-2, -0.25]]), torch.tensor([0n, 1n])) // tensor(0.3750)
 */
export class NLLLoss extends WeightedLoss {
  readonly ignoreIndex: number

  constructor(...args: Arguments<ClassArguments, ops.NllLossOptions>) {
    const options = readLoss<ops.NllLossOptions>('NLLLoss', args, classArguments)
    super(options)
    this.ignoreIndex = options.ignoreIndex ?? -100
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, reduction } = this
    return ops.nllLoss(input, target, { weight, ignoreIndex, reduction })
  }
}

/**
 * `NLLLoss` of images [N, C, H, W], as `torch.nn.NLLLoss2d`: an old name.
 *
 * @example
 * new nn.NLLLoss2d()(torch.ones(1, 2, 3, 3), torch.zeros(1, 3, 3, { dtype: 'int64' })).item() // -1
 */
export class NLLLoss2d extends NLLLoss {}

/**
 * The focal loss of logits [N, C, …] with class indices, a cross-entropy that plays down what is easy. PyTorch has none.
 *
 * @example
 * new nn.FocalLoss({ gamma: 2 })(torch.tensor([[2, 0, 0]]), torch.tensor([0n])) // tensor(0.0109)
 */
export class FocalLoss extends WeightedLoss {
  readonly gamma: number
  readonly ignoreIndex: number

  constructor(
    ...args: Arguments<[gamma: number, weight: Tensor | null, ignoreIndex: number, reduction: LossReduction], FocalLossOptions>
  ) {
    const options = readLoss<FocalLossOptions>('FocalLoss', args, ['gamma', 'weight', 'ignoreIndex', 'reduction'])
    super(options)
    this.gamma = options.gamma ?? 2
    this.ignoreIndex = options.ignoreIndex ?? -100
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { gamma, weight, ignoreIndex, reduction } = this
    return focalLoss(input, target, { gamma, weight, ignoreIndex, reduction })
  }
}

/**
 * The mean of (input − target)², as `torch.nn.MSELoss`.
 *
 * @example
 * new nn.MSELoss()(torch.tensor([1, 2]), torch.tensor([1, 4])) // tensor(2.)
 */
export class MSELoss extends PlainLoss {
  override forward(input: Tensor, target: Tensor): Tensor {
    return distance.mseLoss(input, target, { reduction: this.reduction })
  }
}

/**
 * The mean of |input − target|, as `torch.nn.L1Loss`.
 *
 * @example
 * new nn.L1Loss({ reduction: 'sum' })(torch.tensor([1, 2]), torch.tensor([1, 4])) // tensor(2.)
 */
export class L1Loss extends PlainLoss {
  override forward(input: Tensor, target: Tensor): Tensor {
    return distance.l1Loss(input, target, { reduction: this.reduction })
  }
}

/**
 * A square near 0 and a line beyond `beta`, as `torch.nn.SmoothL1Loss`.
 *
 * @example
 * new nn.SmoothL1Loss({ beta: 2 })(torch.tensor([0, 0]), torch.tensor([1, 4])) // tensor(1.6250)
 */
export class SmoothL1Loss extends Loss {
  readonly beta: number

  constructor(...args: Arguments<[...Legacy, beta: number], distance.SmoothL1LossOptions>) {
    const { reduction, beta } = readLoss<distance.SmoothL1LossOptions>('SmoothL1Loss', args, [...legacy, 'beta'])
    super(reduction)
    this.beta = beta ?? 1
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return distance.smoothL1Loss(input, target, { reduction: this.reduction, beta: this.beta })
  }
}

/**
 * A square near 0 and a line of slope `delta` beyond, as `torch.nn.HuberLoss`.
 *
 * @example
 * new nn.HuberLoss()(torch.tensor([0, 0]), torch.tensor([1, 4])) // tensor(2.)
 */
export class HuberLoss extends Loss {
  readonly delta: number

  constructor(...args: Arguments<[reduction: LossReduction, delta: number], distance.HuberLossOptions>) {
    const { reduction, delta } = readLoss<distance.HuberLossOptions>('HuberLoss', args, ['reduction', 'delta'])
    super(reduction)
    this.delta = delta ?? 1
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return distance.huberLoss(input, target, { reduction: this.reduction, delta: this.delta })
  }
}

/**
 * The Kullback-Leibler divergence of log-probabilities from target probabilities, as `torch.nn.KLDivLoss`.
 *
 * @example
 * const criterion = new nn.KLDivLoss({ reduction: 'batchmean' })
 * criterion(torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.25, 0.75]])) // tensor(0.1308)
 */
export class KLDivLoss extends Loss<LossReduction | 'batchmean'> {
  readonly logTarget: boolean

  constructor(
    ...args: Arguments<
      [sizeAverage: boolean | null, reduce: boolean | null, reduction: LossReduction | 'batchmean', logTarget: boolean],
      distance.KlDivOptions
    >
  ) {
    const { reduction, logTarget } = readLoss<distance.KlDivOptions>('KLDivLoss', args, [...legacy, 'logTarget'])
    super(reduction)
    this.logTarget = logTarget ?? false
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return distance.klDiv(input, target, { reduction: this.reduction, logTarget: this.logTarget })
  }
}

/**
 * The negative log likelihood of counts under Poisson distributions, as `torch.nn.PoissonNLLLoss`.
 *
 * @example
 * new nn.PoissonNLLLoss()(torch.tensor([0, 1]), torch.tensor([1, 2])) // tensor(0.8591)
 */
export class PoissonNLLLoss extends Loss {
  readonly logInput: boolean
  readonly full: boolean
  readonly eps: number

  constructor(
    ...args: Arguments<
      [
        logInput: boolean,
        full: boolean,
        sizeAverage: boolean | null,
        eps: number,
        reduce: boolean | null,
        reduction: LossReduction,
      ],
      distance.PoissonNllLossOptions
    >
  ) {
    const options = readLoss<distance.PoissonNllLossOptions>('PoissonNLLLoss', args, [
      'logInput',
      'full',
      'sizeAverage',
      'eps',
      'reduce',
      'reduction',
    ])
    super(options.reduction)
    this.logInput = options.logInput ?? true
    this.full = options.full ?? false
    this.eps = options.eps ?? 1e-8
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { logInput, full, eps, reduction } = this
    return distance.poissonNllLoss(input, target, { logInput, full, eps, reduction })
  }
}

/**
 * The negative log likelihood of targets under normal distributions, as `torch.nn.GaussianNLLLoss`.
 *
 * @example
 * new nn.GaussianNLLLoss()(torch.tensor([0, 0]), torch.tensor([1, 3]), torch.tensor([1, 4])) // tensor(1.1591)
 */
export class GaussianNLLLoss extends Loss {
  readonly full: boolean
  readonly eps: number

  constructor(options: distance.GaussianNllLossOptions = {}) {
    const { full, eps, reduction } = readLoss<distance.GaussianNllLossOptions>(
      'GaussianNLLLoss',
      [options],
      [],
      ['full', 'eps', 'reduction'],
    )
    super(reduction)
    this.full = full ?? false
    this.eps = eps ?? 1e-6
  }

  override forward(input: Tensor, target: Tensor, variance: Tensor): Tensor {
    const { full, eps, reduction } = this
    return distance.gaussianNllLoss(input, target, variance, { full, eps, reduction })
  }
}

/**
 * Binary cross-entropy of probabilities, as `torch.nn.BCELoss`; of logits `BCEWithLogitsLoss` is the steadier one.
 *
 * @example
 * new nn.BCELoss()(torch.tensor([0.5, 0.25]), torch.tensor([1, 0])) // tensor(0.4904)
 */
export class BCELoss extends WeightedLoss {
  constructor(...args: Arguments<[weight: Tensor | null, ...Legacy], distance.BinaryCrossEntropyOptions>) {
    super(readLoss<distance.BinaryCrossEntropyOptions>('BCELoss', args, ['weight', ...legacy]))
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return distance.binaryCrossEntropy(input, target, { weight: this.weight, reduction: this.reduction })
  }
}

/**
 * Binary cross-entropy of logits with probabilities in [0, 1], as `torch.nn.BCEWithLogitsLoss`.
 *
 * @example
 * new nn.BCEWithLogitsLoss()(torch.tensor([0, 2]), torch.tensor([1, 0])) // tensor(1.4100)
 */
export class BCEWithLogitsLoss extends WeightedLoss {
  declare pos_weight: Tensor | null

  constructor(...args: Arguments<[weight: Tensor | null, ...Legacy, posWeight: Tensor | null], ops.BceWithLogitsOptions>) {
    const options = readLoss<ops.BceWithLogitsOptions>('BCEWithLogitsLoss', args, ['weight', ...legacy, 'posWeight'])
    super(options)
    this.registerBuffer('pos_weight', options.posWeight ?? null)
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { weight, pos_weight: posWeight, reduction } = this
    return ops.binaryCrossEntropyWithLogits(input, target, { weight, posWeight, reduction })
  }
}

/**
 * Connectionist temporal classification of log-probabilities [T, N, C] or [T, C], as `torch.nn.CTCLoss`.
 *
 * @example
 * const criterion = new nn.CTCLoss()
 * criterion(F.logSoftmax(torch.zeros(4, 1, 3), 2), torch.tensor([[1n, 2n]]), [4], [2]) // tensor(0.8432)
 */
export class CTCLoss extends Loss {
  readonly blank: number
  readonly zeroInfinity: boolean

  constructor(...args: Arguments<[blank: number, reduction: LossReduction, zeroInfinity: boolean], CtcLossOptions>) {
    const { blank, reduction, zeroInfinity } = readLoss<CtcLossOptions>('CTCLoss', args, ['blank', 'reduction', 'zeroInfinity'])
    super(reduction)
    this.blank = blank ?? 0
    this.zeroInfinity = zeroInfinity ?? false
  }

  override forward(
    logProbs: Tensor,
    targets: Tensor,
    inputLengths: Tensor | readonly number[],
    targetLengths: Tensor | readonly number[],
  ): Tensor {
    const { blank, reduction, zeroInfinity } = this
    return ctcLoss(logProbs, targets, inputLengths, targetLengths, { blank, reduction, zeroInfinity })
  }
}

/**
 * Pulls alike vectors together and pushes others `margin` apart (Hadsell et al.). PyTorch has none.
 *
 * @example
 * const criterion = new nn.ContrastiveLoss({ margin: 2 })
 * criterion(torch.tensor([[0, 0]]), torch.tensor([[0.6, 0.8]]), torch.tensor([0])) // tensor(0.5000)
 */
export class ContrastiveLoss extends Loss {
  readonly margin: number
  readonly p: number

  constructor(...args: Arguments<[margin: number, p: number, ...Legacy], ContrastiveLossOptions>) {
    const { margin, p, reduction } = readLoss<ContrastiveLossOptions>('ContrastiveLoss', args, ['margin', 'p', ...legacy])
    super(reduction)
    this.margin = margin ?? 1
    this.p = p ?? 2
  }

  override forward(input1: Tensor, input2: Tensor, target: Tensor): Tensor {
    const { margin, p, reduction } = this
    return contrastiveLoss(input1, input2, target, { margin, p, reduction })
  }
}
