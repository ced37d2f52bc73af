/** Losses that ask for a distance: between scores, or between what belongs together and what does not. */

import type { Arguments } from '../core/arguments.js'
import { getDefaultDtype, isFloatingPoint } from '../core/dtype.js'
import { sameShape, showShape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { g, x, y } from '../ir/expr.js'
import { clampMin, relu } from './activation.js'
import { add, div, minimum, mul, neg, sqrt, square, sub } from './arithmetic.js'
import { to } from './cast.js'
import { eq, ge, ne, where } from './comparison.js'
import { counted, filled } from './copy.js'
import { item } from './creation.js'
import { requireTensor, tensorBinary } from './define.js'
import { gather, indexSelect, scatterAdd } from './indexing.js'
import { logsigmoid } from './nonlinear.js'
import { amax, amin, sum } from './reduce.js'
import { type Legacy, type LossOptions, type LossReduction, legacy, readLoss, reduced } from './reduction.js'
import { cumprod } from './scan.js'
import { pairwiseDistance } from './similarity.js'
import { reshape, unsqueeze } from './view.js'

const sizeOf = (t: Tensor): string => showShape(t.layout.shape)

// Written so that the derivative of the gradient does not cancel where e^(−xy) is large.
const softMarginSlope = e.neg(e.div(g, e.add(1, e.exp(e.mul(x, y)))))
const softMarginOp = tensorBinary('SoftMarginLoss', e.log1p(e.exp(e.neg(e.mul(x, y)))), {
  gradients: { x: e.mul(y, softMarginSlope), y: e.mul(x, softMarginSlope) },
})
/**
 * ln(1 + e^(−target · input)) for targets ±1, as `torch.nn.functional.soft_margin_loss`.
 *
 * @example
 * F.softMarginLoss(torch.tensor([0, 2]), torch.tensor([1, -1])) // tensor(1.4100)
 */
export function softMarginLoss(input: Tensor, target: Tensor, ...args: Arguments<Legacy, LossOptions>): Tensor {
  const { reduction } = readLoss<LossOptions>('soft_margin_loss', args, legacy)
  const loss = softMarginOp(input, target)
  if (!sameShape(loss.layout.shape, input.layout.shape))
    throw new Error(`output with shape ${sizeOf(input)} doesn't match the broadcast shape ${sizeOf(loss)}`)
  return reduced(loss, reduction)
}

export interface MarginOptions extends LossOptions {
  margin?: number
}
type MarginArguments = Arguments<[margin: number, ...Legacy], MarginOptions>
const marginNames = ['margin', ...legacy] as const

/**
 * max(0, −target · (input1 − input2) + margin): target 1 asks for a larger input1, −1 for a larger input2, as
 * `torch.nn.functional.margin_ranking_loss`.
 *
 * @throws Error unless all three have as many dimensions.
 * @example
 * F.marginRankingLoss(torch.tensor([1, 2]), torch.tensor([3, 1]), torch.tensor([1, 1])) // tensor(1.)
 */
export function marginRankingLoss(input1: Tensor, input2: Tensor, target: Tensor, ...args: MarginArguments): Tensor {
  const { margin = 0, reduction } = readLoss<MarginOptions>('margin_ranking_loss', args, marginNames)
  if (input1.ndim !== input2.ndim || input1.ndim !== target.ndim)
    throw new Error(
      `margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: torch.Size(${sizeOf(input1)}), input2: torch.Size(${sizeOf(input2)}), target: torch.Size(${sizeOf(target)}) `,
    )
  const loss = clampMin(add(mul(neg(target), sub(input1, input2)), margin), 0)
  return reduced(isFloatingPoint(loss.dtype) ? loss : to(loss, getDefaultDtype()), reduction)
}

/**
 * input for targets 1, max(0, margin − input) for targets −1, as `torch.nn.functional.hinge_embedding_loss`.
 *
 * @example
 * F.hingeEmbeddingLoss(torch.tensor([0.5, 0.25]), torch.tensor([1, -1])) // tensor(0.6250)
 */
export function hingeEmbeddingLoss(input: Tensor, target: Tensor, ...args: MarginArguments): Tensor {
  const { margin = 1, reduction } = readLoss<MarginOptions>('hinge_embedding_loss', args, marginNames)
  const apart = where(eq(target, 1), 0, clampMin(add(neg(input), margin), 0))
  const near = where(eq(target, -1), 0, input)
  return reduced(add(apart, near), reduction)
}

/**
 * 1 − cos(x1, x2) for targets 1, max(0, cos(x1, x2) − margin) for targets −1, as
 * `torch.nn.functional.cosine_embedding_loss`: vectors [N, D] with targets [N], or [D] with one target.
 *
 * @throws Error for inputs of other dimensions.
 * @example
 * F.cosineEmbeddingLoss(torch.tensor([[1, 0]]), torch.tensor([[0, 1]]), torch.tensor([1])) // tensor(1.)
 */
export function cosineEmbeddingLoss(input1: Tensor, input2: Tensor, target: Tensor, ...args: MarginArguments): Tensor {
  const { margin = 0, reduction } = readLoss<MarginOptions>('cosine_embedding_loss', args, marginNames)
  if (target.ndim > 1) throw new Error('0D or 1D target tensor expected, multi-target not supported')
  const expected = target.ndim + 1
  if (input1.ndim !== expected || input2.ndim !== expected)
    throw new Error(
      `${target.ndim}D target tensor expects ${expected}D input tensors, but found inputs with sizes ${sizeOf(input1)} and ${sizeOf(input2)}.`,
    )
  const along = (v: Tensor): Tensor => sum(v, target.ndim)
  const length = sqrt(mul(add(along(square(input1)), 1e-12), add(along(square(input2)), 1e-12)))
  const cosine = div(along(mul(input1, input2)), length)
  const near = where(eq(target, 1), sub(filled(cosine, [], 1), cosine), 0)
  const apart = where(eq(target, -1), clampMin(sub(cosine, margin), 0), 0)
  return reduced(add(near, apart), reduction)
}

export interface TripletMarginOptions extends LossOptions {
  margin?: number
  /** Which norm the distance is. */
  p?: number
  eps?: number
  /** Take the distance of the negative from the positive where that is smaller. */
  swap?: boolean
}
/**
 * max(0, d(anchor, positive) − d(anchor, negative) + margin) with the distance in the p-norm, as
 * `torch.nn.functional.triplet_margin_loss`: [N, D] or [D].
 *
 * @throws Error unless all three have as many dimensions.
 * @example
 * F.tripletMarginLoss(torch.tensor([[0, 0]]), torch.tensor([[0, 1]]), torch.tensor([[0, 1.5]])).item().toFixed(3) // 0.500
 */
export function tripletMarginLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  ...args: Arguments<[margin: number, p: number, eps: number, swap: boolean, ...Legacy], TripletMarginOptions>
): Tensor {
  const {
    margin = 1,
    p = 2,
    eps = 1e-6,
    swap = false,
    reduction,
  } = readLoss<TripletMarginOptions>('triplet_margin_loss', args, ['margin', 'p', 'eps', 'swap', ...legacy])
  if (anchor.ndim !== positive.ndim || anchor.ndim !== negative.ndim)
    throw new Error(
      `All inputs should have same dimension but got ${anchor.ndim}D, ${positive.ndim}D and ${negative.ndim}D inputs.`,
    )
  return triplet(anchor, positive, negative, (a, b) => pairwiseDistance(a, b, p, eps), margin, swap, reduction)
}

export interface TripletMarginWithDistanceOptions {
  /** The distance, `pairwiseDistance` unless given. */
  distanceFunction?: ((a: Tensor, b: Tensor) => Tensor) | null
  margin?: number
  swap?: boolean
  reduction?: LossReduction
}
/**
 * `tripletMarginLoss` with any distance, as `torch.nn.functional.triplet_margin_with_distance_loss`.
 *
 * @throws Error unless all three have as many dimensions.
 * @example
 * const distanceFunction = (a: Tensor, b: Tensor) => a.sub(b).abs().sum(-1)
 * const [a, p, n] = torch.tensor([[0, 0], [0, 1], [0, 1.5]])
 * F.tripletMarginWithDistanceLoss(a, p, n, { distanceFunction }) // tensor(0.5000)
 */
export function tripletMarginWithDistanceLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options: TripletMarginWithDistanceOptions = {},
): Tensor {
  const {
    distanceFunction,
    margin = 1,
    swap = false,
    reduction,
  } = readLoss<TripletMarginWithDistanceOptions>(
    'triplet_margin_with_distance_loss',
    [options],
    [],
    ['distanceFunction', 'margin', 'swap', 'reduction'],
  )
  if (anchor.ndim !== positive.ndim || anchor.ndim !== negative.ndim)
    throw new Error(
      `All inputs must have the same dimension but got ${anchor.ndim}D, ${positive.ndim}D and ${negative.ndim}D inputs.`,
    )
  return triplet(anchor, positive, negative, distanceFunction ?? pairwiseDistance, margin, swap, reduction)
}

function triplet(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  distance: (a: Tensor, b: Tensor) => Tensor,
  margin: number,
  swap: boolean,
  reduction: LossReduction,
): Tensor {
  const near = distance(anchor, positive)
  const far = distance(anchor, negative)
  const other = swap ? minimum(far, distance(positive, negative)) : far
  return reduced(clampMin(add(sub(near, other), margin), 0), reduction)
}

export interface MultiMarginOptions extends LossOptions {
  /** 1, or 2 for squares. */
  p?: number
  margin?: number
  /** A weight per class. */
  weight?: Tensor | null
}
/**
 * Σᵢ max(0, margin − x[y] + x[i])ᵖ / C over the other classes i, as `torch.nn.functional.multi_margin_loss`: scores [N, C]
 * with targets [N], or [C] with one target.
 *
 * @throws Error for targets out of range, other shapes, or a p that is neither 1 nor 2.
 * @example
 * F.multiMarginLoss(torch.tensor([[0.1, 0.2, 0.4, 0.8]]), torch.tensor([3n])) // tensor(0.3250)
 */
export function multiMarginLoss(
  input: Tensor,
  target: Tensor,
  ...args: Arguments<[p: number, margin: number, weight: Tensor | null, ...Legacy], MultiMarginOptions>
): Tensor {
  const {
    p = 1,
    margin = 1,
    weight = null,
    reduction,
  } = readLoss<MultiMarginOptions>('multi_margin_loss', args, ['p', 'margin', 'weight', ...legacy])
  if (p !== 1 && p !== 2) throw new Error('only p == 1 and p == 2 supported')
  const classes = input.layout.shape.at(-1) ?? 1
  if (input.ndim > 2 || classes === 0)
    throw new Error(`Expected non-empty vector or matrix with optional 0-dim batch size, but got: ${sizeOf(input)}`)
  const rows = input.ndim < 2 ? 1 : input.layout.shape[0]
  if (target.ndim > 1 || target.layout.numel !== rows) throw new Error(`inconsistent target size, got: ${sizeOf(target)}`)
  if (weight !== null && (weight.ndim > 1 || weight.layout.numel !== classes))
    throw new Error(`inconsistent weight size, got: ${sizeOf(weight)}`)
  requireClasses(target, 0, classes)
  const scores = reshape(input, rows, classes)
  const at = reshape(target, rows, 1)
  const slack = relu(add(sub(scores, gather(scores, 1, at)), margin))
  const powered = p === 1 ? slack : square(slack)
  const weighted =
    weight === null ? powered : mul(powered, reshape(indexSelect(reshape(weight, -1), 0, reshape(at, -1)), rows, 1))
  const loss = div(sum(where(eq(counted(target, classes), at), 0, weighted), 1), classes)
  return reduced(target.ndim === 0 ? reshape(loss, []) : loss, reduction)
}

function requireClasses(target: Tensor, least: number, classes: number, message = 'target out of range'): void {
  if (target.dtype !== 'int64') throw new Error('expected scalar type Long')
  if (target.layout.numel === 0) return
  if ((item(amin(target)) as number) < least || (item(amax(target)) as number) >= classes) throw new RangeError(message)
}

/**
 * Σ max(0, 1 − (x[y] − x[i])) / C over the targets y of a row and the classes i that are none, as
 * `torch.nn.functional.multilabel_margin_loss`: scores and targets [N, C] or [C], a row's targets ending at the first −1.
 *
 * @throws Error for targets out of range or of another shape.
 * @example
 * F.multilabelMarginLoss(torch.tensor([0.1, 0.2, 0.4, 0.8]), torch.tensor([3n, 0n, -1n, 1n])) // tensor(0.8500)
 */
export function multilabelMarginLoss(input: Tensor, target: Tensor, ...args: Arguments<Legacy, LossOptions>): Tensor {
  const { reduction } = readLoss<LossOptions>('multilabel_margin_loss', args, legacy)
  const classes = input.layout.shape.at(-1) ?? 1
  if (input.ndim > 2 || classes === 0)
    throw new Error(`Expected non-empty vector or matrix with optional 0-dim batch size, but got: ${sizeOf(input)}`)
  if (!sameShape(input.layout.shape, target.layout.shape) && !(input.layout.numel === 1 && target.layout.numel === 1))
    throw new Error(`inconsistent size ${sizeOf(target)} for argument #2 'target'`)
  requireClasses(target, -1, classes, "argument #2 'target' is out of range")
  const rows = input.ndim < 2 ? 1 : input.layout.shape[0]
  const scores = reshape(input, rows, classes)
  const given = reshape(target, rows, classes)
  const counts = cumprod(to(ge(given, 0), 'int64'), 1)
  const labels = clampMin(given, 0)
  const isTarget = ne(scatterAdd(filled(given, [rows, classes], 0), 1, labels, counts), 0)
  const slack = relu(sub(add(unsqueeze(scores, 1), 1), unsqueeze(gather(scores, 1, labels), 2)))
  const counted = where(unsqueeze(isTarget, 1), 0, where(unsqueeze(eq(counts, 0), 2), 0, slack))
  const loss = div(sum(counted, [1, 2]), classes)
  return reduced(input.ndim < 2 ? reshape(loss, []) : loss, reduction)
}

export interface MultilabelSoftMarginOptions extends LossOptions {
  /** A weight per class. */
  weight?: Tensor | null
}
/**
 * The mean over classes of the binary cross-entropy of logits [N, C] with labels 0 and 1, as
 * `torch.nn.functional.multilabel_soft_margin_loss`.
 *
 * @throws Error unless input and target have the same shape.
 * @example
 * F.multilabelSoftMarginLoss(torch.tensor([[0, 2]]), torch.tensor([[1, 0]])) // tensor(1.4100)
 */
export function multilabelSoftMarginLoss(
  input: Tensor,
  target: Tensor,
  ...args: Arguments<[weight: Tensor | null, ...Legacy], MultilabelSoftMarginOptions>
): Tensor {
  const { weight = null, reduction } = readLoss<MultilabelSoftMarginOptions>('multilabel_soft_margin_loss', args, [
    'weight',
    ...legacy,
  ])
  requireTensor(target, 'multilabel_soft_margin_loss', 'target')
  const likelihood = add(mul(target, logsigmoid(input)), mul(sub(filled(target, [], 1), target), logsigmoid(neg(input))))
  const loss = neg(weight === null ? likelihood : mul(likelihood, weight))
  if (input.ndim === 0) throw new RangeError('Dimension specified as -1 but tensor has no dimensions')
  return reduced(div(sum(loss, input.ndim - 1), input.layout.shape.at(-1)!), reduction)
}
