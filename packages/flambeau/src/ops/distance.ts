/** Losses that are a formula followed by a mean or a sum. */

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
/** d²/2 where |d| = |input − target| <= delta, delta · (|d| − delta/2) beyond, as `torch.nn.functional.huber_loss`. */
export function huberLoss(input: Tensor, target: Tensor, { reduction, delta = 1 }: HuberLossOptions = {}): Tensor {
  if (!(delta > 0)) throw new Error('huber_loss does not support non-positive values for delta.')
  return reduced(huberOp.call(input, target, delta), reduction)
}

export interface SmoothL1LossOptions extends ReductionOptions {
  beta?: number
}
const absoluteDifference = tensorBinary('L1Loss', e.abs(difference))
/** d²/(2·beta) where |d| < beta, |d| − beta/2 beyond, as `torch.nn.functional.smooth_l1_loss`. */
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
/** Σ target · (ln target − input) of log-probabilities and probabilities, as `torch.nn.functional.kl_div`. */
export function klDiv(input: Tensor, target: Tensor, { reduction = 'mean', logTarget = false }: KlDivOptions = {}): Tensor {
  const loss = logTarget ? mul(exp(target), sub(target, input)) : sub(xlogy(target, target), mul(target, input))
  return reduction === 'batchmean' ? div(sum(loss), input.layout.shape[0] ?? 1) : reduced(loss, reduction)
}

const softMarginOp = tensorBinary('SoftMarginLoss', e.log1p(e.exp(e.neg(e.mul(x, y)))))
/** ln(1 + e^(−target · input)) for targets ±1, as `torch.nn.functional.soft_margin_loss`. */
export const softMarginLoss = (input: Tensor, target: Tensor, { reduction }: ReductionOptions = {}): Tensor =>
  reduced(softMarginOp(input, target), reduction)

export interface MarginOptions extends ReductionOptions {
  margin?: number
}
/** max(0, −target · (input1 − input2) + margin), as `torch.nn.functional.margin_ranking_loss`. */
export function marginRankingLoss(input1: Tensor, input2: Tensor, target: Tensor, options: MarginOptions = {}): Tensor {
  const { margin = 0, reduction } = options
  if (input1.ndim !== input2.ndim || input1.ndim !== target.ndim)
    throw new Error(
      `margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: ${showShape(input1.layout.shape)}, input2: ${showShape(input2.layout.shape)}, target: ${showShape(target.layout.shape)} `,
    )
  const loss = clampMin(add(mul(neg(target), sub(input1, input2)), margin), 0)
  return reduced(isFloatingPoint(loss.dtype) ? loss : to(loss, 'float32'), reduction)
}
/** input for targets 1, max(0, margin − input) for targets −1, as `torch.nn.functional.hinge_embedding_loss`. */
export function hingeEmbeddingLoss(input: Tensor, target: Tensor, { margin = 1, reduction }: MarginOptions = {}): Tensor {
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
/** e^input − target · input, or with the rate itself, as `torch.nn.functional.poisson_nll_loss`. */
export function poissonNllLoss(input: Tensor, target: Tensor, options: PoissonNllLossOptions = {}): Tensor {
  const { logInput = true, full = false, eps = 1e-8, reduction } = options
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
/** −target · ln input − (1 − target) · ln(1 − input) of probabilities, as `torch.nn.functional.binary_cross_entropy`. */
export function binaryCrossEntropy(input: Tensor, target: Tensor, options: BinaryCrossEntropyOptions = {}): Tensor {
  const { weight = null, reduction } = options
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
/** The cosine of the angle between vectors along `dim`, as `torch.nn.functional.cosine_similarity`. */
export function cosineSimilarity(x1: Tensor, x2: Tensor, { dim = 1, eps = 1e-8 }: CosineOptions = {}): Tensor {
  if (!isFloatingPoint(x1.dtype) || !isFloatingPoint(x2.dtype))
    throw new Error(`expected common dtype to be floating point, yet common dtype is ${x1.dtype}`)
  const unit = (v: Tensor): Tensor => div(v, clampMin(v.square().sum(dim, { keepdim: true }).sqrt(), eps))
  const [a, b] = broadcastTensors(x1, x2)
  return sum(mul(unit(a), unit(b)), dim)
}
