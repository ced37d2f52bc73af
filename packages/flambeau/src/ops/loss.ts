/** Losses of classes: what is trained to answer which. */

import type { Arguments } from '../core/arguments.js'
import { isFloatingPoint, scalarName } from '../core/dtype.js'
import { numelOf, sameShape, showShape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { g, x, y, z } from '../ir/expr.js'
import { clamp } from './activation.js'
import { add, div, mul, neg } from './arithmetic.js'
import { ne, where } from './comparison.js'
import { requireTensor, ternary } from './define.js'
import { commonBackend, defineOp, emptyTensor, type Op } from './dispatch.js'
import { indexSelect } from './indexing.js'
import { sum } from './reduce.js'
import { type Legacy, type LossOptions, type LossReduction, legacy, readLoss, reduced, requireReduction } from './reduction.js'
import { logSoftmax } from './softmax.js'
import { reshape, squeeze, unsqueeze } from './view.js'

const reductionCodes: Record<LossReduction, number> = { none: 0, mean: 1, sum: 2 }
function reductionCode(reduction: LossReduction): number {
  requireReduction(reduction)
  return reductionCodes[reduction]
}
const sizeOf = (t: Tensor): string => `torch.Size(${showShape(t.layout.shape)})`

// −y·ln σ(x)·w − (1 − y)·ln(1 − σ(x)) in a form that never overflows: ln(1 + e^−x) = ln(1 + e^−|x|) + max(−x, 0).
const [logit, label, positive] = [x, y, z]
const softplus = e.add(e.log1p(e.exp(e.neg(e.abs(logit)))), e.max(e.neg(logit), 0))
const scale = e.add(1, e.mul(e.sub(positive, 1), label))
const bceTerm = ternary('BinaryCrossEntropyWithLogits', e.add(e.mul(e.sub(1, label), logit), e.mul(scale, softplus)), {
  gradients: {
    x: e.mul(g, e.add(e.sub(1, label), e.mul(scale, e.sub(e.sigmoid(logit), 1)))),
    y: e.mul(g, e.sub(e.mul(e.sub(positive, 1), softplus), logit)),
    z: e.mul(g, e.mul(label, softplus)),
  },
})

export interface BceWithLogitsOptions extends LossOptions {
  /** A weight per element, broadcast. */
  weight?: Tensor | null
  /** How much more positive examples count, per class. */
  posWeight?: Tensor | null
}
/**
 * The binary cross-entropy of logits x with probabilities y, `−y·ln σ(x) − (1 − y)·ln(1 − σ(x))`, as
 * `torch.nn.functional.binary_cross_entropy_with_logits`. Positive examples count `posWeight` times.
 *
 * @throws Error unless input and target have the same shape.
 * @example
 * F.binaryCrossEntropyWithLogits(torch.tensor([0, 2]), torch.tensor([1, 0])) // tensor(1.4100)
 */
export function binaryCrossEntropyWithLogits(
  input: Tensor,
  target: Tensor,
  ...args: Arguments<[weight: Tensor | null, ...Legacy, posWeight: Tensor | null], BceWithLogitsOptions>
): Tensor {
  const {
    weight = null,
    posWeight = null,
    reduction,
  } = readLoss<BceWithLogitsOptions>('binary_cross_entropy_with_logits', args, ['weight', ...legacy, 'posWeight'])
  if (!sameShape(input.layout.shape, target.layout.shape))
    throw new Error(`Target size (${sizeOf(target)}) must be the same as input size (${sizeOf(input)})`)
  for (const [name, given] of Object.entries({ weight, pos_weight: posWeight }))
    if (given !== null) requireTensor(given, 'binary_cross_entropy_with_logits', name)
  const loss = bceTerm(input, target, posWeight ?? 1)
  return reduced(weight === null ? loss : mul(loss, weight), reduction)
}

interface NllAttributes {
  readonly reduction: number
  readonly ignoreIndex: number
}

/** Inputs: log-probabilities, target, and maybe class weights. Outputs: the loss and the weight it was divided by. */
const nllOp: Op<NllAttributes> = defineOp<NllAttributes>({
  name: 'NllLoss',
  differentiableOutputs: 1,
  forward: ([logp, target, weight], { reduction, ignoreIndex }) => {
    const backend = commonBackend([logp, target, weight ?? null])
    const out = emptyTensor(backend, reduction === 0 ? target.layout.shape : [], logp.dtype)
    const total = emptyTensor(backend, [], logp.dtype)
    backend.run('nllLoss', logp, target, weight ?? null, out, total, reduction, ignoreIndex)
    return [out, total]
  },
  save: ([, target, weight], [, total]) => [target, total, ...(weight ? [weight] : [])],
  backward: ([g], { saved: [target, total, weight], attrs, inputs }) => [
    nllGradOp(weight ? [g!, target, total, weight] : [g!, target, total], { ...attrs, shape: inputs[0].shape })[0],
    null,
    null,
  ],
})

const nllGradOp: Op<NllAttributes & { shape: readonly number[] }> = defineOp<NllAttributes & { shape: readonly number[] }>({
  name: 'NllLossBackward',
  forward: ([g, target, total, weight], { reduction, ignoreIndex, shape }) => {
    const gradX = emptyTensor(g.storage.allocator, shape, g.dtype)
    if (gradX.layout.numel > 0)
      g.storage.allocator.run('nllLossBackward', g, target, weight ?? null, total, gradX, reduction, ignoreIndex)
    return [gradX]
  },
  save: ([, target, , weight]) => (weight ? [target, weight] : [target]),
  // Linear in g with the same coefficients as the loss itself is in its input.
  backward: ([gg], { saved: [target, weight], attrs }) => [
    nllOp(weight ? [gg!, target, weight] : [gg!, target], attrs)[0],
    null,
    null,
    null,
  ],
})

export interface NllLossOptions extends LossOptions {
  /** A weight per class. */
  weight?: Tensor | null
  /** Targets with this value do not count. */
  ignoreIndex?: number
}
/** `weight` and `ignoreIndex` among the old forms of `reduction`. */
type ClassArguments = [
  weight: Tensor | null,
  sizeAverage: boolean | null,
  ignoreIndex: number,
  reduce: boolean | null,
  reduction: LossReduction,
]
const classArguments = ['weight', 'sizeAverage', 'ignoreIndex', 'reduce', 'reduction'] as const

/**
 * The negative log likelihood `−w[y] · logp[y]` of targets under log-probabilities [N, C, …] (or [C]), as
 * `torch.nn.functional.nll_loss`. The mean is weighted.
 *
 * @throws RangeError for a target outside [0, C).
 * @example
 * F.nllLoss(torch.tensor([[-0.5, -1], [-2, -0.25]]), torch.tensor([0n, 1n])) // tensor(0.3750)
 */
export function nllLoss(input: Tensor, target: Tensor, ...args: Arguments<ClassArguments, NllLossOptions>): Tensor {
  const { weight = null, ignoreIndex = -100, reduction } = readLoss<NllLossOptions>('nll_loss', args, classArguments)
  const code = reductionCode(reduction)
  if (input.ndim === 0) throw new Error('input tensor should be 1D or 2D')
  if (target.dtype !== 'int64') throw new Error(`expected scalar type Long but found ${scalarName(target.dtype)}`)
  const classes = input.layout.shape[input.ndim === 1 ? 0 : 1]
  if (weight !== null && (weight.ndim !== 1 || weight.layout.shape[0] !== classes))
    throw new Error(
      `weight tensor should be defined either for all ${classes} classes or no classes but got weight tensor of shape: ${showShape(weight.layout.shape)}`,
    )
  if (weight !== null && weight.dtype !== input.dtype)
    throw new Error(`expected scalar type ${scalarName(input.dtype)} but found ${scalarName(weight.dtype)}`)
  if (!isFloatingPoint(input.dtype)) throw new Error(`"nll_loss_out_frame" not implemented for '${scalarName(input.dtype)}'`)
  const expected = input.ndim === 1 ? [] : input.layout.shape.toSpliced(1, 1)
  if (!sameShape(target.layout.shape, expected)) {
    if (input.ndim > 1 && target.layout.shape[0] !== input.layout.shape[0])
      throw new Error(
        `Expected input batch_size (${input.layout.shape[0]}) to match target batch_size (${target.layout.shape[0]}).`,
      )
    throw new Error(`size mismatch (got input: ${showShape(input.layout.shape)}, target: ${showShape(target.layout.shape)})`)
  }
  const batched = input.ndim === 1 ? unsqueeze(input, 0) : input
  const targets = input.ndim === 1 ? unsqueeze(target, 0) : target
  try {
    const loss = nllOp(weight === null ? [batched, targets] : [batched, targets, weight], { reduction: code, ignoreIndex })[0]
    return input.ndim === 1 && reduction === 'none' ? squeeze(loss, 0) : loss
  } catch (error) {
    const detail = error instanceof RangeError ? /^index (-?\d+) is out of bounds/.exec(error.message) : null
    if (detail === null) throw error
    throw new RangeError(`Target ${detail[1]} is out of bounds.`)
  }
}

export interface CrossEntropyOptions extends NllLossOptions {
  /** Mix each target with the uniform distribution by this much. */
  labelSmoothing?: number
}

/**
 * The cross-entropy of logits [N, C, …] (or [C]) with class indices, or with probabilities of the input's own shape, as
 * `torch.nn.functional.cross_entropy`.
 *
 * @throws RangeError for a target outside [0, C).
 * @example
 * F.crossEntropy(torch.tensor([[2, 0, 0]]), torch.tensor([0n])) // tensor(0.2395)
 * F.crossEntropy(torch.tensor([[2, 0, 0]]), torch.tensor([[0.5, 0.5, 0]])) // tensor(1.2395)
 */
export function crossEntropy(
  input: Tensor,
  target: Tensor,
  ...args: Arguments<[...ClassArguments, labelSmoothing: number], CrossEntropyOptions>
): Tensor {
  const options = readLoss<CrossEntropyOptions>('cross_entropy', args, [...classArguments, 'labelSmoothing'])
  const { weight = null, ignoreIndex = -100, reduction, labelSmoothing = 0 } = options
  reductionCode(reduction)
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new Error(`label_smoothing must be between 0.0 and 1.0. Got: ${labelSmoothing}`)
  const classDim = input.ndim === 1 ? 0 : 1
  const logp = logSoftmax(input, classDim)
  if (sameShape(input.layout.shape, target.layout.shape)) return probabilityLoss(logp, target, classDim, options)
  if (labelSmoothing === 0) return nllLoss(logp, target, { weight, ignoreIndex, reduction })
  const hard = nllLoss(logp, target, { weight, ignoreIndex, reduction })
  const classes = input.layout.shape[classDim]
  const view = (w: Tensor): Tensor =>
    reshape(
      w,
      input.layout.shape.map((_, d) => (d === classDim ? classes : 1)),
    )
  const spread = neg(sum(weight === null ? logp : mul(logp, view(weight)), classDim))
  const counted = ne(target, ignoreIndex)
  const smooth = where(counted, spread, 0)
  let smoothed: Tensor
  if (reduction === 'none') smoothed = smooth
  else if (reduction === 'sum') smoothed = sum(smooth)
  else if (weight === null) smoothed = div(sum(smooth), sum(counted))
  else {
    const safe = clamp(where(counted, target, 0), 0)
    const weights = reshape(indexSelect(weight, 0, reshape(safe, -1)), target.layout.shape)
    smoothed = div(sum(smooth), sum(where(counted, weights, 0)))
  }
  return add(mul(hard, 1 - labelSmoothing), mul(smoothed, labelSmoothing / classes))
}

function probabilityLoss(logp: Tensor, target: Tensor, classDim: number, options: CrossEntropyOptions): Tensor {
  const { weight = null, reduction = 'mean', labelSmoothing = 0 } = options
  if (!isFloatingPoint(target.dtype))
    throw new Error(`Expected floating point type for target with class probabilities, got ${scalarName(target.dtype)}`)
  const { shape } = logp.layout
  const classes = shape[classDim]
  const smoothed = labelSmoothing === 0 ? target : add(mul(target, 1 - labelSmoothing), labelSmoothing / classes)
  const weighted =
    weight === null
      ? logp
      : mul(
          logp,
          reshape(
            weight,
            shape.map((_, d) => (d === classDim ? classes : 1)),
          ),
        )
  const loss = neg(sum(mul(weighted, smoothed), classDim))
  if (reduction === 'none') return loss
  if (reduction === 'sum') return sum(loss)
  return div(sum(loss), numelOf(shape) / classes)
}
