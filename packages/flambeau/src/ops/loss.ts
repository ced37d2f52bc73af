/** Losses that are more than a formula over other ops. */

import { isFloatingPoint, resultTypeOf, scalarName } from '../core/dtype.js'
import { broadcastShapes, numelOf, sameShape, showShape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { g, variable, x, y, z } from '../ir/expr.js'
import { clamp } from './activation.js'
import { add, div, mul, neg } from './arithmetic.js'
import { ne, where } from './comparison.js'
import { binary, notComplex, ternary } from './define.js'
import { commonBackend, defineOp, emptyTensor, type Op } from './dispatch.js'
import { indexSelect } from './indexing.js'
import { PointwiseOp } from './pointwise.js'
import { mean, sum } from './reduce.js'
import { logSoftmax } from './softmax.js'
import { detach, reshape, squeeze, unsqueeze } from './view.js'

export type LossReduction = 'none' | 'mean' | 'sum'
const reductionCodes: Record<LossReduction, number> = { none: 0, mean: 1, sum: 2 }

function reductionCode(reduction: LossReduction): number {
  const code = reductionCodes[reduction]
  if (code === undefined) throw new Error(`${reduction} is not a valid value for reduction`)
  return code
}

export interface LossOptions {
  /** The mean of all elements, their sum, or one loss each. */
  reduction?: LossReduction
}

function reduced(loss: Tensor, reduction: LossReduction): Tensor {
  const code = reductionCode(reduction)
  return code === 0 ? loss : code === 1 ? mean(loss) : sum(loss)
}

/** As PyTorch: broadcasting a target is allowed, and nearly always a mistake. */
function warnOfBroadcast(input: Tensor, target: Tensor): void {
  if (!sameShape(input.layout.shape, target.layout.shape))
    console.warn(
      `Using a target size (${sizeOf(target)}) that is different to the input size (${sizeOf(input)}). This will likely lead to ` +
        'incorrect results due to broadcasting. Please ensure they have the same size.',
    )
}
const sizeOf = (t: Tensor): string => `torch.Size(${showShape(t.layout.shape)})`

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
/** The mean of (input − target)², as `torch.nn.functional.mse_loss`. */
export function mseLoss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  warnOfBroadcast(input, target)
  const { reduction = 'mean' } = options
  if (reductionCode(reduction) === 0 || !isFloatingPoint(resultTypeOf(input, target)))
    return reduced(squaredDifference.call(input, target), reduction)
  return reducedSquares([input, target], reduction as 'mean' | 'sum')[0]
}

const absoluteDifference = binary('L1Loss', e.abs(e.sub(x, y)))
/** The mean of |input − target|, as `torch.nn.functional.l1_loss`. */
export function l1Loss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  warnOfBroadcast(input, target)
  return reduced(absoluteDifference(input, target), options.reduction ?? 'mean')
}

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
 * `torch.nn.functional.binary_cross_entropy_with_logits`.
 */
export function binaryCrossEntropyWithLogits(input: Tensor, target: Tensor, options: BceWithLogitsOptions = {}): Tensor {
  const { weight = null, posWeight = null, reduction = 'mean' } = options
  if (!sameShape(input.layout.shape, target.layout.shape))
    throw new Error(`Target size (${sizeOf(target)}) must be the same as input size (${sizeOf(input)})`)
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

export interface NllLossOptions {
  /** A weight per class. */
  weight?: Tensor | null
  /** Targets with this value do not count. */
  ignoreIndex?: number
  reduction?: LossReduction
}

/**
 * The negative log likelihood `−w[y] · logp[y]` of targets under log-probabilities [N, C, …] (or [C]), as
 * `torch.nn.functional.nll_loss`. The mean is weighted.
 *
 * @throws RangeError for a target outside [0, C).
 */
export function nllLoss(input: Tensor, target: Tensor, options: NllLossOptions = {}): Tensor {
  const { weight = null, ignoreIndex = -100, reduction = 'mean' } = options
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
 * @example
 * crossEntropy(torch.tensor([[2, 0, 0]]), torch.tensor([0n])).item() // 0.2395…
 */
export function crossEntropy(input: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const { weight = null, ignoreIndex = -100, reduction = 'mean', labelSmoothing = 0 } = options
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
