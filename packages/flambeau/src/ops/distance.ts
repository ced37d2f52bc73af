/** Losses that are a formula followed by a mean or a sum. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { isFloatingPoint } from '../core/dtype.js'
import { sameShape, showShape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { g, variable, x, y } from '../ir/expr.js'
import { clampMin } from './activation.js'
import { add, div, mul, neg, sub } from './arithmetic.js'
import { to } from './cast.js'
import { eq, gt, where } from './comparison.js'
import { tensorBinary } from './define.js'
import { exp, log } from './elementary.js'
import { broadcastTensors } from './joining.js'
import type { LossReduction } from './loss.js'
import { PointwiseOp } from './pointwise.js'
import { mean, sum } from './reduce.js'
import { xlogy } from './special.js'

export interface ReductionOptions {
  /** The mean of all elements, their sum, or one loss each. */
  reduction?: LossReduction
}
function reduced(loss: Tensor, reduction: LossReduction = 'mean'): Tensor {
  if (reduction === 'none') return loss
  if (reduction === 'mean') return mean(loss)
  if (reduction === 'sum') return sum(loss)
  throw new Error(`${reduction} is not a valid value for reduction`)
}

const beta = variable('beta')
const difference = e.sub(x, y)
const huberSlope = e.where(e.le(e.abs(difference), beta), difference, e.mul(beta, e.sign(difference)))
const huberOp = new PointwiseOp(
  'HuberLoss',
  ['x', 'y', 'beta'],
  [
    e.where(
      e.le(e.abs(difference), beta),
      e.mul(0.5, e.square(difference)),
      e.mul(beta, e.sub(e.abs(difference), e.mul(0.5, beta))),
    ),
  ],
  { untyped: ['beta'], gradients: { x: e.mul(g, huberSlope), y: e.mul(e.neg(g), huberSlope) } },
)
export interface HuberLossOptions extends ReductionOptions {
  /** Where the loss turns from a square into a line. */
  delta?: number
}
/**
 * d²/2 where |d| = |input − target| <= delta, delta · (|d| − delta/2) beyond, as `torch.nn.functional.huber_loss`. delta is 1
 * unless given.
 *
 * @throws Error for delta <= 0
 * @example
 * F.huberLoss(torch.tensor([0, 3]), torch.tensor([1, 0]), { reduction: 'none' }).tolist() // [0.5, 2.5]
 */
export function huberLoss(
  input: Tensor,
  target: Tensor,
  ...args: Arguments<[reduction: LossReduction, delta: number], HuberLossOptions>
): Tensor {
  const { reduction, delta = 1 } = readArguments<HuberLossOptions>('huber_loss', args, ['reduction', 'delta'])
  if (!(delta > 0)) throw new Error('huber_loss does not support non-positive values for delta.')
  return reduced(huberOp.call(input, target, delta), reduction)
}

export interface SmoothL1LossOptions extends ReductionOptions {
  beta?: number
}
const absoluteDifference = tensorBinary('L1Loss', e.abs(difference))
/**
 * d²/(2·beta) where |d| = |input − target| < beta, |d| − beta/2 beyond, as `torch.nn.functional.smooth_l1_loss`. beta is 1
 * unless given; 0 makes it `l1Loss`.
 *
 * @throws Error for beta < 0
 * @example
 * F.smoothL1Loss(torch.tensor([0, 3]), torch.tensor([1, 0]), { beta: 2, reduction: 'none' }).tolist() // [0.25, 2]
 */
export function smoothL1Loss(input: Tensor, target: Tensor, options: SmoothL1LossOptions = {}): Tensor {
  const { reduction, beta: turn = 1 } = options
  if (!(turn >= 0)) throw new Error('smooth_l1_loss does not support negative values for beta.')
  if (turn === 0) return reduced(absoluteDifference(input, target), reduction)
  return reduced(div(huberOp.call(input, target, turn), turn), reduction)
}

export interface KlDivOptions {
  reduction?: LossReduction | 'batchmean'
  /** Whether the target is given as logarithms too. */
  logTarget?: boolean
}
/**
 * target · (ln target − input) of log-probabilities and probabilities, as `torch.nn.functional.kl_div`: the mean of all
 * elements unless told; 'batchmean' divides the sum by the size of the first dimension, which is the divergence itself.
 *
 * @example
 * F.klDiv(torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[1, 0]]), { reduction: 'batchmean' }) // tensor(0.6931)
 */
export function klDiv(input: Tensor, target: Tensor, { reduction = 'mean', logTarget = false }: KlDivOptions = {}): Tensor {
  const loss = logTarget ? mul(exp(target), sub(target, input)) : sub(xlogy(target, target), mul(target, input))
  return reduction === 'batchmean' ? div(sum(loss), input.layout.shape[0] ?? 1) : reduced(loss, reduction)
}

const softMarginOp = tensorBinary('SoftMarginLoss', e.log1p(e.exp(e.neg(e.mul(x, y)))))
/**
 * ln(1 + e^(−target · input)) for targets ±1, as `torch.nn.functional.soft_margin_loss`.
 *
 * @example
 * F.softMarginLoss(torch.tensor([0]), torch.tensor([1])) // tensor(0.6931)
 */
export const softMarginLoss = (input: Tensor, target: Tensor, { reduction }: ReductionOptions = {}): Tensor =>
  reduced(softMarginOp(input, target), reduction)

export interface MarginOptions extends ReductionOptions {
  margin?: number
}
/**
 * max(0, −target · (input1 − input2) + margin), as `torch.nn.functional.margin_ranking_loss`: target 1 wants input1 to be
 * the larger, −1 input2. The margin is 0 unless given.
 *
 * @throws Error for different numbers of dimensions
 * @example
 * F.marginRankingLoss(torch.tensor([1]), torch.tensor([3]), torch.tensor([1])).item() // 2
 */
export function marginRankingLoss(
  input1: Tensor,
  input2: Tensor,
  target: Tensor,
  ...args: Arguments<[margin: number], MarginOptions>
): Tensor {
  const { margin = 0, reduction } = readArguments<MarginOptions>('margin_ranking_loss', args, ['margin'], ['reduction'])
  if (input1.ndim !== input2.ndim || input1.ndim !== target.ndim)
    throw new Error(
      `margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: ${showShape(input1.layout.shape)}, input2: ${showShape(input2.layout.shape)}, target: ${showShape(target.layout.shape)} `,
    )
  const loss = clampMin(add(mul(neg(target), sub(input1, input2)), margin), 0)
  return reduced(isFloatingPoint(loss.dtype) ? loss : to(loss, 'float32'), reduction)
}
/**
 * input for targets 1, max(0, margin − input) for targets −1, as `torch.nn.functional.hinge_embedding_loss`. The margin is 1
 * unless given.
 *
 * @example
 * F.hingeEmbeddingLoss(torch.tensor([0.5, 0.25]), torch.tensor([1, -1]), { reduction: 'none' }).tolist() // [0.5, 0.75]
 */
export function hingeEmbeddingLoss(input: Tensor, target: Tensor, ...args: Arguments<[margin: number], MarginOptions>): Tensor {
  const { margin = 1, reduction } = readArguments<MarginOptions>('hinge_embedding_loss', args, ['margin'], ['reduction'])
  const apart = where(eq(target, 1), 0, clampMin(add(neg(input), margin), 0))
  const near = where(eq(target, -1), 0, input)
  return reduced(add(apart, near), reduction)
}

export interface PoissonNllLossOptions extends ReductionOptions {
  /** Whether the input is the logarithm of the rate. */
  logInput?: boolean
  /** Add Stirling's term. */
  full?: boolean
  eps?: number
}
/**
 * e^input − target · input, or input − target · ln(input + eps) of the rate itself (`logInput: false`), as
 * `torch.nn.functional.poisson_nll_loss`. `full` adds target · ln target − target + ln(2π · target)/2 where target > 1.
 *
 * @example
 * F.poissonNllLoss(torch.tensor([0, 0]), torch.tensor([1, 2])).item() // 1
 */
export function poissonNllLoss(
  input: Tensor,
  target: Tensor,
  ...args: Arguments<[logInput: boolean, full: boolean], PoissonNllLossOptions>
): Tensor {
  const positional = ['logInput', 'full'] as const
  const given = readArguments<PoissonNllLossOptions>('poisson_nll_loss', args, positional, ['eps', 'reduction'])
  const { logInput = true, full = false, eps = 1e-8, reduction } = given
  const loss = logInput ? sub(exp(input), mul(target, input)) : sub(input, mul(target, log(add(input, eps))))
  if (!full) return reduced(loss, reduction)
  const stirling = add(sub(mul(target, log(target)), target), mul(log(mul(target, 2 * Math.PI)), 0.5))
  return reduced(add(loss, where(gt(target, 1), stirling, 0)), reduction)
}

const bceOp = tensorBinary(
  'BinaryCrossEntropy',
  e.neg(e.add(e.mul(y, e.max(e.log(x), -100)), e.mul(e.sub(1, y), e.max(e.log1p(e.neg(x)), -100)))),
  {
    gradients: {
      x: e.div(e.mul(g, e.sub(x, y)), e.max(e.mul(e.sub(1, x), x), 1e-12)),
      y: e.mul(g, e.sub(e.log1p(e.neg(x)), e.log(x))),
    },
  },
)
export interface BinaryCrossEntropyOptions extends ReductionOptions {
  /** A weight per element, broadcast. */
  weight?: Tensor | null
}
/**
 * −target · ln input − (1 − target) · ln(1 − input) of probabilities, as `torch.nn.functional.binary_cross_entropy`; the
 * logarithms are never below −100.
 *
 * @throws Error for different shapes
 * @example
 * F.binaryCrossEntropy(torch.tensor([0.5, 0.5]), torch.tensor([1, 0])) // tensor(0.6931)
 */
export function binaryCrossEntropy(
  input: Tensor,
  target: Tensor,
  ...args: Arguments<[weight: Tensor | null], BinaryCrossEntropyOptions>
): Tensor {
  const names = ['reduction'] as const
  const { weight = null, reduction } = readArguments<BinaryCrossEntropyOptions>('binary_cross_entropy', args, ['weight'], names)
  if (!sameShape(input.layout.shape, target.layout.shape))
    throw new Error(
      `Using a target size (${showShape(target.layout.shape)}) that is different to the input size (${showShape(input.layout.shape)}) is deprecated. Please ensure they have the same size.`,
    )
  const loss = bceOp(input, target)
  return reduced(weight === null ? loss : mul(loss, weight), reduction)
}

export interface CosineOptions {
  dim?: number
  eps?: number
}
/**
 * The cosine of the angle between vectors along `dim` (1 unless given), as `torch.nn.functional.cosine_similarity`:
 * x1 · x2 / (max(‖x1‖, eps) · max(‖x2‖, eps)).
 *
 * @throws Error for integers
 * @example
 * F.cosineSimilarity(torch.tensor([1, 0]), torch.tensor([0.6, 0.8]), { dim: 0 }) // tensor(0.6000)
 */
export function cosineSimilarity(x1: Tensor, x2: Tensor, ...args: Arguments<[dim: number, eps: number], CosineOptions>): Tensor {
  const { dim = 1, eps = 1e-8 } = readArguments<CosineOptions>('cosine_similarity', args, ['dim', 'eps'])
  if (!isFloatingPoint(x1.dtype) || !isFloatingPoint(x2.dtype))
    throw new Error(`expected common dtype to be floating point, yet common dtype is ${x1.dtype}`)
  const unit = (v: Tensor): Tensor => div(v, clampMin(v.square().sum(dim, { keepdim: true }).sqrt(), eps))
  const [a, b] = broadcastTensors(x1, x2)
  return sum(mul(unit(a), unit(b)), dim)
}
