/** Losses that PyTorch lacks. */

import type { Arguments } from '../../core/arguments.js'
import type { Tensor } from '../../core/tensor.js'
import { clampMin } from '../../ops/activation.js'
import { add, div, mul, neg, pow, square, sub } from '../../ops/arithmetic.js'
import { to } from '../../ops/cast.js'
import { eq, ne, where } from '../../ops/comparison.js'
import { filled } from '../../ops/copy.js'
import { exp } from '../../ops/elementary.js'
import { type NllLossOptions, nllLoss } from '../../ops/loss.js'
import { sum } from '../../ops/reduce.js'
import { type Legacy, type LossOptions, type LossReduction, legacy, readLoss, reduced } from '../../ops/reduction.js'
import { type PairwiseDistanceOptions, pairwiseDistance } from '../../ops/similarity.js'
import { logSoftmax } from '../../ops/softmax.js'

export interface FocalLossOptions extends Pick<NllLossOptions, 'weight' | 'ignoreIndex'> {
  /** How much easy examples are played down; 0 gives the cross-entropy. */
  gamma?: number
  reduction?: LossReduction
}
/**
 * The focal loss (Lin et al.) of logits [N, C, …] with class indices [N, …]: −w[y] · (1 − p[y])^gamma · ln p[y]. PyTorch has
 * none. The mean is over the targets that count, without regard to their weights.
 *
 * @throws RangeError for a target outside [0, C).
 * @example
 * F.focalLoss(torch.tensor([[2, 0, 0]]), torch.tensor([0n])) // tensor(0.0109)
 */
export function focalLoss(
  input: Tensor,
  target: Tensor,
  ...args: Arguments<[gamma: number, weight: Tensor | null, ignoreIndex: number, reduction: LossReduction], FocalLossOptions>
): Tensor {
  const {
    gamma = 2,
    weight = null,
    ignoreIndex = -100,
    reduction,
  } = readLoss<FocalLossOptions>('focal_loss', args, ['gamma', 'weight', 'ignoreIndex', 'reduction'])
  const logp = logSoftmax(input, input.ndim === 1 ? 0 : 1)
  const lost = nllLoss(logp, target, { ignoreIndex, reduction: 'none' })
  const weighted = weight === null ? lost : nllLoss(logp, target, { weight, ignoreIndex, reduction: 'none' })
  // What is ignored has probability 1: at 0 the power of a gamma below 1 would have no gradient.
  const missed = where(eq(target, ignoreIndex), 1, sub(filled(lost, [], 1), exp(neg(lost))))
  const loss = mul(pow(clampMin(missed, 0), gamma), weighted)
  if (reduction !== 'mean') return reduced(loss, reduction)
  return div(sum(loss), to(sum(ne(target, ignoreIndex)), loss.dtype))
}

export interface ContrastiveLossOptions extends LossOptions, Pick<PairwiseDistanceOptions, 'p'> {
  /** How far apart what differs has to be. */
  margin?: number
}
/**
 * The contrastive loss (Hadsell et al.) of vectors [N, D] with targets [N]: d²/2 for targets 1 (alike) and
 * max(0, margin − d)²/2 for targets 0 (different), d being the distance in the p-norm. PyTorch has none.
 *
 * @example
 * const [a, b] = [torch.tensor([[0, 0]]), torch.tensor([[0.6, 0.8]])]
 * F.contrastiveLoss(a, b, torch.tensor([1])) // tensor(0.5000)
 * F.contrastiveLoss(a, b, torch.tensor([0]), { margin: 2 }) // tensor(0.5000)
 */
export function contrastiveLoss(
  input1: Tensor,
  input2: Tensor,
  target: Tensor,
  ...args: Arguments<[margin: number, p: number, ...Legacy], ContrastiveLossOptions>
): Tensor {
  const { margin = 1, p = 2, reduction } = readLoss<ContrastiveLossOptions>('contrastive_loss', args, ['margin', 'p', ...legacy])
  const distance = pairwiseDistance(input1, input2, p)
  const near = mul(target, square(distance))
  const apart = mul(sub(filled(distance, [], 1), target), square(clampMin(add(neg(distance), margin), 0)))
  return reduced(mul(add(near, apart), 0.5), reduction)
}
