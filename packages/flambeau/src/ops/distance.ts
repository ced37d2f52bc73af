/** Losses of numbers: how far an answer is from its target. */

import type { Arguments } from '../core/arguments.js'
import { isFloatingPoint, resultTypeOf } from '../core/dtype.js'
import { broadcastShapes, numelOf, sameShape, showShape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { g, variable, x, y, z } from '../ir/expr.js'
import { clampMin } from './activation.js'
import { add, div, mul, neg, square, sub } from './arithmetic.js'
import { clone } from './cast.js'
import { gt, lt, where } from './comparison.js'
import { item } from './creation.js'
import { notComplex, tensorBinary } from './define.js'
import { defineOp, type Op } from './dispatch.js'
import { exp, log } from './elementary.js'
import { PointwiseOp } from './pointwise.js'
import { amax, amin, any, sum } from './reduce.js'
import { type Legacy, type LossOptions, type LossReduction, legacy, readLoss, reduced, requireReduction } from './reduction.js'
import { xlogy } from './special.js'
import { detach, unsqueeze } from './view.js'

/** As PyTorch: broadcasting a target is allowed, and nearly always a mistake. */
function warnOfBroadcast(input: Tensor, target: Tensor): void {
  if (!sameShape(input.layout.shape, target.layout.shape))
    console.warn(
      `Using a target size (${sizeOf(target)}) that is different to the input size (${sizeOf(input)}). This will likely lead to ` +
        'incorrect results due to broadcasting. Please ensure they have the same size.',
    )
}
const sizeOf = (t: Tensor): string => `torch.Size(${showShape(t.layout.shape)})`

const difference = e.sub(x, y)
const absoluteDifference = tensorBinary('L1Loss', e.abs(difference))
const squaredDifference = new PointwiseOp('MseLoss', ['x', 'y'], [e.square(e.sub(x, y))], {
  check: notComplex,
  gradients: { x: e.mul(g, e.mul(2, e.sub(x, y))), y: e.mul(g, e.mul(2, e.sub(y, x))) },
})
const scaledDifference = new PointwiseOp(
  'MseLossBackward',
  ['x', 'y', 'z', 'scale'],
  [e.mul(z, e.mul(variable('scale'), e.sub(x, y)))],
  {
    untyped: ['z', 'scale'],
  },
)
/** The mean or sum as one op: PyTorch's graph shows one node, and the gradient is one pass. */
const reducedSquares: Op<'mean' | 'sum'> = defineOp<'mean' | 'sum'>({
  name: 'MseLoss',
  forward: (inputs, reduction) => {
    const [input, target] = inputs.map(detach)
    return [reduced(squaredDifference.call(input, target), reduction)]
  },
  save: (inputs) => inputs,
  backward: ([gradient], { saved: [input, target], attrs, needs }) => {
    const count = attrs === 'mean' ? numelOf(broadcastShapes([input.layout.shape, target.layout.shape])) : 1
    const byInput = scaledDifference.call(input, target, gradient!, 2 / count)
    return [needs[0] ? byInput : null, needs[1] ? neg(byInput) : null]
  },
})
/**
 * The mean of (input − target)², as `torch.nn.functional.mse_loss`.
 *
 * @example
 * F.mseLoss(torch.tensor([1, 2]), torch.tensor([1, 4])) // tensor(2.)
 * F.mseLoss(torch.tensor([1, 2]), torch.tensor([1, 4]), { reduction: 'none' }) // tensor([0., 4.])
 */
export function mseLoss(input: Tensor, target: Tensor, ...args: Arguments<Legacy, LossOptions>): Tensor {
  const { reduction } = readLoss<LossOptions>('mse_loss', args, legacy)
  warnOfBroadcast(input, target)
  requireReduction(reduction)
  if (reduction === 'none' || !isFloatingPoint(resultTypeOf(input, target)))
    return reduced(squaredDifference.call(input, target), reduction)
  return reducedSquares([input, target], reduction)[0]
}

/**
 * The mean of |input − target|, as `torch.nn.functional.l1_loss`.
 *
 * @example
 * F.l1Loss(torch.tensor([1, 2]), torch.tensor([1, 4])) // tensor(1.)
 */
export function l1Loss(input: Tensor, target: Tensor, ...args: Arguments<Legacy, LossOptions>): Tensor {
  const { reduction } = readLoss<LossOptions>('l1_loss', args, legacy)
  warnOfBroadcast(input, target)
  return reduced(absoluteDifference(input, target), reduction)
}

const beta = variable('beta')
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
export interface HuberLossOptions {
  reduction?: LossReduction
  /** Where the loss turns from a square into a line. */
  delta?: number
}
/**
 * d²/2 where |d| = |input − target| <= delta, delta · (|d| − delta/2) beyond, as `torch.nn.functional.huber_loss`.
 *
 * @throws Error unless delta is positive.
 * @example
 * F.huberLoss(torch.tensor([0, 0]), torch.tensor([1, 4]), { reduction: 'none' }) // tensor([0.5000, 3.5000])
 */
export function huberLoss(
  input: Tensor,
  target: Tensor,
  ...args: Arguments<[reduction: LossReduction, delta: number], HuberLossOptions>
): Tensor {
  const { reduction, delta = 1 } = readLoss<HuberLossOptions>('huber_loss', args, ['reduction', 'delta'])
  warnOfBroadcast(input, target)
  if (!(delta > 0)) throw new Error('huber_loss does not support non-positive values for delta.')
  return reduced(huberOp.call(input, target, delta), reduction)
}

export interface SmoothL1LossOptions extends LossOptions {
  /** Where the loss turns from a square into a line. */
  beta?: number
}
/**
 * d²/(2·beta) where |d| = |input − target| < beta, |d| − beta/2 beyond, as `torch.nn.functional.smooth_l1_loss`.
 *
 * @throws Error for a negative beta.
 * @example
 * F.smoothL1Loss(torch.tensor([0, 0]), torch.tensor([1, 4]), { beta: 2 }) // tensor(1.6250)
 */
export function smoothL1Loss(
  input: Tensor,
  target: Tensor,
  ...args: Arguments<[...Legacy, beta: number], SmoothL1LossOptions>
): Tensor {
  const { reduction, beta: turn = 1 } = readLoss<SmoothL1LossOptions>('smooth_l1_loss', args, [...legacy, 'beta'])
  warnOfBroadcast(input, target)
  if (!(turn >= 0)) throw new Error('smooth_l1_loss does not support negative values for beta.')
  if (turn === 0) return reduced(absoluteDifference(input, target), reduction)
  return reduced(div(huberOp.call(input, target, turn), turn), reduction)
}

export interface KlDivOptions extends Omit<LossOptions, 'reduction'> {
  /** As of all losses, or 'batchmean', the sum divided by the size of the batch: the mathematical definition. */
  reduction?: LossReduction | 'batchmean'
  /** Whether the target is given as logarithms too. */
  logTarget?: boolean
}
/**
 * target · (ln target − input) of log-probabilities and probabilities, as `torch.nn.functional.kl_div`.
 *
 * @example
 * const input = torch.tensor([[0.5, 0.5]]).log()
 * F.klDiv(input, torch.tensor([[0.25, 0.75]]), { reduction: 'batchmean' }) // tensor(0.1308)
 */
export function klDiv(
  input: Tensor,
  target: Tensor,
  ...args: Arguments<
    [sizeAverage: boolean | null, reduce: boolean | null, reduction: LossReduction | 'batchmean', logTarget: boolean],
    KlDivOptions
  >
): Tensor {
  const { reduction, logTarget = false } = readLoss<KlDivOptions>('kl_div', args, [...legacy, 'logTarget'])
  const loss = logTarget ? mul(exp(target), sub(target, input)) : sub(xlogy(target, target), mul(target, input))
  return reduction === 'batchmean' ? div(sum(loss), input.layout.shape[0] ?? 1) : reduced(loss, reduction)
}

export interface PoissonNllLossOptions extends LossOptions {
  /** Whether the input is the logarithm of the rate. */
  logInput?: boolean
  /** Add Stirling's term. */
  full?: boolean
  /** Keeps the logarithm of a rate finite. */
  eps?: number
}
/**
 * The negative log likelihood of counts: e^input − target · input, or with the rate itself input − target · ln(input + eps),
 * as `torch.nn.functional.poisson_nll_loss`.
 *
 * @example
 * F.poissonNllLoss(torch.tensor([0, 1]), torch.tensor([1, 2])) // tensor(0.8591)
 */
export function poissonNllLoss(
  input: Tensor,
  target: Tensor,
  ...args: Arguments<
    [
      logInput: boolean,
      full: boolean,
      sizeAverage: boolean | null,
      eps: number,
      reduce: boolean | null,
      reduction: LossReduction,
    ],
    PoissonNllLossOptions
  >
): Tensor {
  const {
    logInput = true,
    full = false,
    eps = 1e-8,
    reduction,
  } = readLoss<PoissonNllLossOptions>('poisson_nll_loss', args, ['logInput', 'full', 'sizeAverage', 'eps', 'reduce', 'reduction'])
  const loss = logInput ? sub(exp(input), mul(target, input)) : sub(input, mul(target, log(add(input, eps))))
  if (!full) return reduced(loss, reduction)
  const stirling = add(sub(mul(target, log(target)), target), mul(log(mul(target, 2 * Math.PI)), 0.5))
  return reduced(add(loss, where(gt(target, 1), stirling, 0)), reduction)
}

export interface GaussianNllLossOptions {
  /** Add the constant term. */
  full?: boolean
  /** The least variance. */
  eps?: number
  reduction?: LossReduction
}
/**
 * The negative log likelihood of targets under normal distributions with these means and variances,
 * (ln var + (input − target)² / var) / 2, as `torch.nn.functional.gaussian_nll_loss`. The variance has the input's shape, or
 * one element per row: the last dimension 1 or missing.
 *
 * @throws Error for variances of another shape, or negative ones.
 * @example
 * F.gaussianNllLoss(torch.tensor([0, 0]), torch.tensor([1, 3]), torch.tensor([1, 4])) // tensor(1.1591)
 */
export function gaussianNllLoss(
  input: Tensor,
  target: Tensor,
  variance: Tensor,
  ...args: Arguments<[full: boolean, eps: number, reduction: LossReduction], GaussianNllLossOptions>
): Tensor {
  const {
    full = false,
    eps = 1e-6,
    reduction,
  } = readLoss<GaussianNllLossOptions>('gaussian_nll_loss', args, ['full', 'eps', 'reduction'])
  const own = input.layout.shape
  const rows = own.slice(0, -1)
  const given = variance.layout.shape
  const isPerRow = own.length > 0 && sameShape(given, rows) && !sameShape(given, own)
  if (!isPerRow && !sameShape(given, own) && !(own.length > 0 && sameShape(given, [...rows, 1])))
    throw new Error('var is of incorrect size')
  if (reduction !== 'none' && reduction !== 'mean' && reduction !== 'sum') throw new Error(`${reduction} is not valid`)
  if (variance.layout.numel > 0 && item(any(lt(variance, 0)))) throw new Error('var has negative entry/entries')
  // The bound is no part of the gradient: the variance is raised to it behind the graph's back.
  const bounded = clone(isPerRow ? unsqueeze(variance, -1) : variance)
  clampMin.inPlace(detach(bounded), eps)
  const loss = mul(add(log(bounded), div(square(sub(input, target)), bounded)), 0.5)
  return reduced(full ? add(loss, 0.5 * Math.log(2 * Math.PI)) : loss, reduction)
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
export interface BinaryCrossEntropyOptions extends LossOptions {
  /** A weight per element, broadcast. */
  weight?: Tensor | null
}
/**
 * −target · ln input − (1 − target) · ln(1 − input) of probabilities, as `torch.nn.functional.binary_cross_entropy`.
 * Logarithms are at least −100.
 *
 * @throws Error unless input and target have the same shape, or for an input outside [0, 1].
 * @example
 * F.binaryCrossEntropy(torch.tensor([0.5, 0.25]), torch.tensor([1, 0])) // tensor(0.4904)
 */
export function binaryCrossEntropy(
  input: Tensor,
  target: Tensor,
  ...args: Arguments<[weight: Tensor | null, ...Legacy], BinaryCrossEntropyOptions>
): Tensor {
  const { weight = null, reduction } = readLoss<BinaryCrossEntropyOptions>('binary_cross_entropy', args, ['weight', ...legacy])
  if (!sameShape(input.layout.shape, target.layout.shape))
    throw new Error(
      `Using a target size (${sizeOf(target)}) that is different to the input size (${sizeOf(input)}) is deprecated. Please ensure they have the same size.`,
    )
  const values = detach(input)
  if (input.layout.numel > 0 && !((item(amin(values)) as number) >= 0 && (item(amax(values)) as number) <= 1))
    throw new Error('all elements of input should be between 0 and 1')
  const loss = bceOp(input, target)
  return reduced(weight === null ? loss : mul(loss, weight), reduction)
}
