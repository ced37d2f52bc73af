/** Batch and instance normalisation. */

import type { Operand } from '../backends/backend.js'
import { type Arguments, readArguments } from '../core/arguments.js'
import { type DType, isFloatingPoint, scalarName } from '../core/dtype.js'
import { isGradEnabled } from '../core/graph.js'
import { Layout, numelOf, type Shape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { copy_, to } from './cast.js'
import { copyInto, filled, rowMajor } from './copy.js'
import { commonBackend, defineOp, emptyTensor, type Gradients } from './dispatch.js'
import { normGradients } from './normGradient.js'
import { repeat } from './rearrange.js'
import { mean } from './reduce.js'
import { reshape } from './view.js'

interface Attributes {
  /** Which of weight and bias follow x among the inputs. */
  readonly hasWeight: boolean
  readonly hasBias: boolean
  readonly runningMean: Tensor | null
  readonly runningVar: Tensor | null
  readonly training: boolean
  readonly momentum: number
  readonly eps: number
}

/** [N, C, S]: everything after the channels as one dimension. */
const planesOf = (shape: Shape): Shape => [shape[0], shape[1], numelOf(shape.slice(2))]
/** A contiguous tensor as kernels are to see it. */
export const seenAs = ({ storage, layout, dtype }: Tensor, shape: Shape): Operand => ({
  storage,
  dtype,
  layout: Layout.contiguousAt(shape, layout.offset),
})

/** Outputs: the result, and mean and 1/√(variance + eps) of each channel. */
const batchNormOp = defineOp<Attributes>({
  name: 'NativeBatchNorm',
  differentiableOutputs: 1,
  forward: ([x, ...affine], { hasWeight, hasBias, runningMean, runningVar, training, momentum, eps }) => {
    const backend = commonBackend([x, ...affine, runningMean, runningVar])
    const shape = x.layout.shape
    const out = emptyTensor(backend, shape, x.dtype)
    const [center, scale] = [0, 1].map(() => emptyTensor(backend, [shape[1]], x.dtype))
    const weight = hasWeight ? rowMajor(affine[0]) : null
    const bias = hasBias ? rowMajor(affine[hasWeight ? 1 : 0]) : null
    const running = [runningMean, runningVar].map((t) => t && rowMajor(t))
    const planes = planesOf(shape)
    const seen = [seenAs(rowMajor(x), planes), weight, bias, running[0], running[1], seenAs(out, planes)] as const
    backend.run('batchNorm', ...seen, center, scale, training, momentum, eps)
    if (training)
      [runningMean, runningVar].forEach((t, i) => {
        if (t === null) return
        if (running[i] !== t) copyInto(t, running[i]!)
        t.storage.version++
      })
    return [out, center, scale]
  },
  save: ([x, weight], [, center, scale], { hasWeight }) => [x, center, scale, ...(hasWeight ? [weight] : [])],
  backward: ([g], { saved: [x, center, scale, weight = null], attrs, needs }) => {
    const { hasWeight, hasBias } = attrs
    const all =
      isGradEnabled() && [g, x, weight].some((t) => t?.requiresGrad)
        ? decomposed(g!, x, weight, center, scale, attrs)
        : fused(g!, x, weight, center, scale, attrs.training, [needs[0], hasWeight && needs[1], hasBias && needs.at(-1)!])
    return [all[0], ...(hasWeight ? [all[1]] : []), ...(hasBias ? [all[2]] : [])]
  },
})

function fused(
  g: Tensor,
  x: Tensor,
  weight: Tensor | null,
  center: Tensor,
  scale: Tensor,
  training: boolean,
  needs: readonly boolean[],
): Gradients {
  const backend = g.storage.allocator
  const shape = x.layout.shape
  const [gradX, gradWeight, gradBias] = [shape, [shape[1]], [shape[1]]].map((s, i) =>
    needs[i] ? emptyTensor(backend, s, x.dtype) : null,
  )
  if (x.layout.numel === 0) {
    for (const t of [gradWeight, gradBias]) if (t !== null) copyInto(t, 0)
    return [gradX, gradWeight, gradBias]
  }
  const planes = planesOf(shape)
  const [seenG, seenX] = [g, x].map((t) => seenAs(rowMajor(t), planes))
  const seenGradX = gradX && seenAs(gradX, planes)
  const w = weight && rowMajor(weight)
  backend.run('batchNormBackward', seenG, seenX, w, center, scale, seenGradX, gradWeight, gradBias, training)
  return [gradX, gradWeight, gradBias]
}

function decomposed(
  g: Tensor,
  x: Tensor,
  weight: Tensor | null,
  center: Tensor,
  scale: Tensor,
  { training, eps }: Attributes,
): Gradients {
  const shape = x.layout.shape
  const perChannel = (t: Tensor): Tensor => reshape(t, [1, shape[1], 1])
  const [flatG, flatX] = [g, x].map((t) => reshape(t, planesOf(shape)))
  const [gradX, gradWeight, gradBias] = normGradients(flatG, flatX, weight && perChannel(weight), {
    over: [0, 2],
    repeated: [0, 2],
    eps,
    centred: true,
    fixed: training ? undefined : [perChannel(center), perChannel(scale)],
  })
  return [reshape(gradX!, shape), reshape(gradWeight!, [shape[1]]), reshape(gradBias!, [shape[1]])]
}

/** What 16-bit floats are computed in. */
export const wideDType = (dtype: DType): DType => (dtype === 'float64' ? 'float64' : 'float32')

/** Batch normalisation without the checks of its size: the result, and the channels' means and scales. */
export function normaliseBatch(
  input: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  training: boolean,
  momentum: number,
  eps: number,
): Tensor[] {
  const { dtype, layout } = input
  if (!isFloatingPoint(dtype)) throw new Error(`"batch_norm" not implemented for '${scalarName(dtype)}'`)
  if (layout.dim < 2 && layout.numel > 0)
    throw new RangeError(`Dimension out of range (expected to be in range of [-1, 0], but got 1)`)
  const channels = layout.dim < 2 ? 0 : layout.shape[1]
  if (!training)
    for (const [name, t] of [
      ['running_mean', runningMean],
      ['running_var', runningVar],
    ] as const)
      if (t === null) throw new Error(`${name} must be defined in evaluation mode`)
  const wide = wideDType(dtype)
  for (const [name, t] of Object.entries({ running_mean: runningMean, running_var: runningVar, weight, bias })) {
    if (t === null) continue
    if (t.layout.numel !== channels) throw new Error(`${name} should contain ${channels} elements not ${t.layout.numel}`)
    if (t.dtype !== dtype && t.dtype !== wide)
      throw new Error(`expected scalar type ${scalarName(dtype)} but found ${scalarName(t.dtype)}`)
  }
  if (layout.dim < 2) return [reshape(input, layout.shape), filled(input, [0], 0, wide), filled(input, [0], 0, wide)]
  const [x, w, b] = [input, weight, bias].map((t) => (t === null || t.dtype === wide ? t : to(t, wide)))
  const running = [runningMean, runningVar].map((t) => (t === null || t.dtype === wide ? t : to(t, wide)))
  // Nothing is learnt from a batch without elements.
  const [mean, variance] = training && layout.numel === 0 ? [null, null] : running
  const inputs = [x!, ...(w ? [w] : []), ...(b ? [b] : [])]
  const attributes = { hasWeight: w !== null, hasBias: b !== null, runningMean: mean, runningVar: variance, training }
  const [out, center, scale] = batchNormOp(inputs, { ...attributes, momentum, eps })
  if (training && layout.numel > 0)
    [runningMean, runningVar].forEach((t, i) => {
      if (t !== null && t !== running[i]) {
        copyInto(t, running[i]!)
        t.storage.version++
      }
    })
  return [dtype === wide ? out : to(out, dtype), center, scale]
}

export interface BatchNormOptions {
  /** [C]: factors. */
  weight?: Tensor | null
  /** [C]: what is added. */
  bias?: Tensor | null
  /** Use and learn the statistics of this batch instead of the running ones. */
  training?: boolean
  /** How much of the running statistics a batch replaces. */
  momentum?: number
  /** Added to the variance. */
  eps?: number
}

/** `[1, 4]` as PyTorch writes sizes in Python. */
const sizeText = (shape: Shape): string => `torch.Size([${shape.join(', ')}])`
/** @throws Error in PyTorch's words where a channel has one value only. */
export function requireSeveralValues(perChannel: number, size: Shape): void {
  if (perChannel === 1) throw new Error(`Expected more than 1 value per channel when training, got input size ${sizeText(size)}`)
}

/**
 * `(x − mean) / √(variance + eps) · weight + bias` for each channel of [N, C, …], as `torch.nn.functional.batch_norm`. While
 * training, mean and variance are those of this batch and the running ones move towards them:
 * `running = (1 − momentum) · running + momentum · batch` (with the unbiased variance).
 *
 * @throws Error `running_mean should contain 4 elements not 3`
 * @example
 * const [mean, variance] = [torch.zeros(2), torch.ones(2)]
 * F.batchNorm(torch.tensor([[1, 2], [3, 6]]), mean, variance, { training: true }).round()
 * // tensor([[-1., -1.],
 * //         [ 1.,  1.]])
 * mean // tensor([0.2000, 0.4000])
 */
export function batchNorm(
  input: Tensor,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  ...args: Arguments<
    [weight: Tensor | null, bias: Tensor | null, training: boolean, momentum: number, eps: number],
    BatchNormOptions
  >
): Tensor {
  const names = ['weight', 'bias', 'training', 'momentum', 'eps'] as const
  const given = readArguments<BatchNormOptions>('batch_norm', args, names)
  const { weight = null, bias = null, training = false, momentum = 0.1, eps = 1e-5 } = given
  const { shape } = input.layout
  if (training) requireSeveralValues((shape[0] ?? 1) * numelOf(shape.slice(2)), shape)
  return normaliseBatch(input, weight, bias, runningMean, runningVar, training, momentum, eps)[0]
}

/**
 * Batch normalisation with what it found, as `torch.native_batch_norm`: `[result, mean, 1/√(variance + eps)]`; the last two
 * are empty unless training.
 *
 * @example
 * const [out, mean] = torch.nativeBatchNorm(torch.tensor([[1, 2], [3, 6]]), null, null, null, null, true, 0.1, 1e-5)
 * mean // tensor([2., 4.])
 */
export function nativeBatchNorm(
  input: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  training: boolean,
  momentum: number,
  eps: number,
): Tensor[] {
  const results = normaliseBatch(input, weight, bias, runningMean, runningVar, training, momentum, eps)
  return training ? results : [results[0], ...results.slice(1).map((t) => filled(t, [0], 0))]
}

export interface InstanceNormOptions {
  /** [C]: running means. */
  runningMean?: Tensor | null
  /** [C]: running variances. */
  runningVar?: Tensor | null
  weight?: Tensor | null
  bias?: Tensor | null
  /** Use the statistics of each instance instead of the running ones. */
  useInputStats?: boolean
  momentum?: number
  eps?: number
}

/**
 * Each channel of each instance of [N, C, …] normalised by its own mean and variance, as
 * `torch.nn.functional.instance_norm`. Running statistics, where given, are averages over the instances.
 *
 * @throws Error `Expected more than 1 spatial element when training, got input size torch.Size([4, 5, 1])`
 * @example
 * F.instanceNorm(torch.tensor([[[1, 3], [2, 6]]])).round()
 * // tensor([[[-1.,  1.],
 * //          [-1.,  1.]]])
 */
export function instanceNorm(
  input: Tensor,
  ...args: Arguments<
    [
      runningMean: Tensor | null,
      runningVar: Tensor | null,
      weight: Tensor | null,
      bias: Tensor | null,
      useInputStats: boolean,
      momentum: number,
      eps: number,
    ],
    InstanceNormOptions
  >
): Tensor {
  const names = ['runningMean', 'runningVar', 'weight', 'bias', 'useInputStats', 'momentum', 'eps'] as const
  const given = readArguments<InstanceNormOptions>('instance_norm', args, names)
  const { runningMean = null, runningVar = null, weight = null, bias = null } = given
  const { useInputStats = true, momentum = 0.1, eps = 1e-5 } = given
  const { shape } = input.layout
  if (useInputStats && numelOf(shape.slice(2)) === 1)
    throw new Error(`Expected more than 1 spatial element when training, got input size ${sizeText(shape)}`)
  if (!useInputStats && (runningMean === null || runningVar === null))
    throw new Error('Expected running_mean and running_var to be defined when use_input_stats is false')
  const [n, c, ...rest] = shape
  // Every channel of every instance is a channel of one large instance.
  const each = (t: Tensor | null): Tensor | null => t && repeat(t, n)
  const running = [each(runningMean), each(runningVar)]
  const flat = reshape(input, [1, n * c, ...rest])
  const [out] = normaliseBatch(flat, each(weight), each(bias), running[0], running[1], useInputStats, momentum, eps)
  if (useInputStats)
    [runningMean, runningVar].forEach((t, i) => {
      if (t !== null && n > 0) copy_(t, mean(reshape(running[i]!, [n, c]), 0))
    })
  return reshape(out, shape)
}
