/** Normalisation of every sample by itself: layer, root-mean-square and group normalisation. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { isFloatingPoint, scalarName } from '../core/dtype.js'
import { isGradEnabled } from '../core/graph.js'
import { numelOf, type Shape, sameShape, showShape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { requireSeveralValues, seenAs, wideDType } from './batchNorm.js'
import { to } from './cast.js'
import { copyInto, rowMajor } from './copy.js'
import { commonBackend, defineOp, emptyTensor, type Gradients, type Op } from './dispatch.js'
import { normGradients } from './normGradient.js'
import { reshape } from './view.js'

/** The input as [samples, groups, channels, span]: rows of channels · span elements, each `span` with one weight. */
interface Attributes {
  readonly hasWeight: boolean
  readonly hasBias: boolean
  readonly groups: number
  readonly channels: number
  readonly span: number
  /** The shape of the rows' statistics. */
  readonly statistics: Shape
  readonly centred: boolean
  readonly eps: number
}

/** Outputs: the result, and of each row the mean (where it is subtracted) and 1/√(variance + eps). */
const rowNormOp = (name: string): Op<Attributes> =>
  defineOp<Attributes>({
    name,
    differentiableOutputs: 1,
    forward: ([x, ...affine], { hasWeight, hasBias, groups, channels, span, statistics, centred, eps }) => {
      const backend = commonBackend([x, ...affine])
      const out = emptyTensor(backend, x.layout.shape, x.dtype)
      const mean = centred ? emptyTensor(backend, statistics, x.dtype) : null
      const scale = emptyTensor(backend, statistics, x.dtype)
      const weight = hasWeight ? rowMajor(affine[0]) : null
      const bias = hasBias ? rowMajor(affine[hasWeight ? 1 : 0]) : null
      if (out.layout.numel > 0) {
        const rows = [scale.layout.numel, channels * span]
        const seenX = seenAs(rowMajor(x), rows)
        backend.run('layerNorm', seenX, weight, bias, mean, scale, seenAs(out, rows), groups, span, eps)
      } else {
        if (mean !== null) copyInto(mean, 0)
        copyInto(scale, Number.NaN)
      }
      return mean === null ? [out, scale] : [out, mean, scale]
    },
    save: ([x, weight], [, ...found], { hasWeight }) => [x, ...found, ...(hasWeight ? [weight] : [])],
    backward: ([g], { saved: [x, ...rest], attrs, needs, inputs }) => {
      const { hasWeight, hasBias, centred } = attrs
      const mean = centred ? rest[0] : null
      const scale = rest[centred ? 1 : 0]
      const weight = hasWeight ? rest.at(-1)! : null
      const all =
        isGradEnabled() && [g, x, weight].some((t) => t?.requiresGrad)
          ? decomposed(g!, x, weight, attrs)
          : fused(g!, x, weight, mean, scale, attrs, [needs[0], hasWeight && needs[1], hasBias && needs.at(-1)!])
      const given = [all[0], ...(hasWeight ? [all[1]] : []), ...(hasBias ? [all[2]] : [])]
      return given.map((t, i) => t && reshape(t, inputs[i].shape))
    },
  })
const layerNormOp = rowNormOp('NativeLayerNorm')
const groupNormOp = rowNormOp('NativeGroupNorm')
const rmsNormOp = rowNormOp('FusedRmsNorm')

function fused(
  g: Tensor,
  x: Tensor,
  weight: Tensor | null,
  mean: Tensor | null,
  scale: Tensor,
  { groups, channels, span }: Attributes,
  needs: readonly boolean[],
): Gradients {
  const backend = g.storage.allocator
  const rows = [scale.layout.numel, channels * span]
  const affine = [groups * channels]
  const [gradX, gradWeight, gradBias] = [rows, affine, affine].map((s, i) => (needs[i] ? emptyTensor(backend, s, x.dtype) : null))
  if (x.layout.numel === 0) for (const t of [gradWeight, gradBias]) t && copyInto(t, 0)
  else {
    const [seenG, seenX] = [g, x].map((t) => seenAs(rowMajor(t), rows))
    const w = weight && rowMajor(weight)
    backend.run('layerNormBackward', seenG, seenX, w, mean, scale, gradX, gradWeight, gradBias, groups, span)
  }
  return [gradX, gradWeight, gradBias]
}

function decomposed(g: Tensor, x: Tensor, weight: Tensor | null, attributes: Attributes): Gradients {
  const { groups, channels, span, centred, eps } = attributes
  const samples = x.layout.numel / Math.max(groups * channels * span, 1)
  const [seenG, seenX] = [g, x].map((t) => reshape(t, [samples, groups, channels, span]))
  const w = weight && reshape(weight, [1, groups, channels, 1])
  return normGradients(seenG, seenX, w, { over: [2, 3], repeated: [0, 3], eps, centred })
}

/** Runs one of the ops; 16-bit floats by way of float32. */
function normaliseRows(
  op: Op<Attributes>,
  kernel: string,
  input: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  rows: Omit<Attributes, 'hasWeight' | 'hasBias'>,
): Tensor[] {
  const { dtype } = input
  if (!isFloatingPoint(dtype)) throw new Error(`"${kernel}KernelImpl" not implemented for '${scalarName(dtype)}'`)
  const wide = wideDType(dtype)
  for (const t of [weight, bias])
    if (t !== null && t.dtype !== dtype && t.dtype !== wide)
      throw new Error(`expected scalar type ${scalarName(dtype)} but found ${scalarName(t.dtype)}`)
  const inputs = [input, weight, bias].filter((t) => t !== null).map((t) => (t.dtype === wide ? t : to(t, wide)))
  const [out, ...found] = op(inputs, { ...rows, hasWeight: weight !== null, hasBias: bias !== null })
  return [dtype === wide ? out : to(out, dtype), ...found]
}

/** Checks what layer and root-mean-square normalisation share, and reads how rows lie. */
function rowsOf(input: Tensor, normalizedShape: Shape, weight: Tensor | null, bias: Tensor | null) {
  const { shape } = input.layout
  if (!Array.isArray(normalizedShape))
    throw new TypeError(`argument 'normalized_shape' (position 2) must be tuple of ints, not ${typeof normalizedShape}`)
  const size = showShape(normalizedShape)
  if (normalizedShape.length === 0)
    throw new Error(
      `Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = ${size}`,
    )
  for (const [name, t] of [
    ['weight', weight],
    ['bias', bias],
  ] as const)
    if (t !== null && !sameShape(t.layout.shape, normalizedShape))
      throw new Error(
        `Expected ${name} to be of same shape as normalized_shape, but got ${name} of shape ${showShape(t.layout.shape)} and normalized_shape = ${size}`,
      )
  const kept = shape.length - normalizedShape.length
  if (kept < 0 || !sameShape(shape.slice(kept), normalizedShape))
    throw new Error(
      `Given normalized_shape=${size}, expected input with shape [*, ${normalizedShape.join(', ')}], but got input of size${showShape(shape)}`,
    )
  const statistics = shape.map((n, d) => (d < kept ? n : 1))
  return { groups: 1, channels: numelOf(normalizedShape), span: 1, statistics }
}

export interface LayerNormOptions {
  weight?: Tensor | null
  bias?: Tensor | null
  /** Added to the variance. */
  eps?: number
}

/**
 * `(x − mean) / √(variance + eps) · weight + bias` over the last dimensions, whose sizes `normalizedShape` is, as
 * `torch.nn.functional.layer_norm`.
 *
 * @throws Error `Given normalized_shape=[3], expected input with shape [*, 3], but got input of size[3, 4]`
 * @example
 * F.layerNorm(torch.tensor([[1, 3], [2, 6]]), [2]).round()
 * // tensor([[-1.,  1.],
 * //         [-1.,  1.]])
 */
export function layerNorm(
  input: Tensor,
  normalizedShape: Shape,
  ...args: Arguments<[weight: Tensor | null, bias: Tensor | null, eps: number], LayerNormOptions>
): Tensor {
  const given = readArguments<LayerNormOptions>('layer_norm', args, ['weight', 'bias', 'eps'])
  const { weight = null, bias = null, eps = 1e-5 } = given
  return nativeLayerNorm(input, normalizedShape, weight, bias, eps)[0]
}

/**
 * Layer normalisation with what it found, as `torch.native_layer_norm`: `[result, mean, 1/√(variance + eps)]`.
 *
 * @example
 * const [out, mean] = torch.nativeLayerNorm(torch.tensor([[1, 3], [2, 6]]), [2], null, null, 1e-5)
 * mean
 * // tensor([[2.],
 * //         [4.]])
 */
export function nativeLayerNorm(
  input: Tensor,
  normalizedShape: Shape,
  weight: Tensor | null,
  bias: Tensor | null,
  eps: number,
): Tensor[] {
  const rows = rowsOf(input, normalizedShape, weight, bias)
  return normaliseRows(layerNormOp, 'LayerNorm', input, weight, bias, { ...rows, centred: true, eps })
}

export interface RmsNormOptions {
  weight?: Tensor | null
  /** Added to the mean square; the dtype's epsilon unless given. */
  eps?: number | null
}

/** The distance from 1 to the next number of a dtype. */
const epsilons = { float64: 2 ** -52, float32: 2 ** -23, float16: 2 ** -10, bfloat16: 2 ** -7 }

/**
 * `x / √(mean(x²) + eps) · weight` over the last dimensions, whose sizes `normalizedShape` is, as
 * `torch.nn.functional.rms_norm`.
 *
 * @example
 * F.rmsNorm(torch.tensor([[3, 4]]), [2]) // tensor([[0.8485, 1.1314]])
 */
export function rmsNorm(
  input: Tensor,
  normalizedShape: Shape,
  ...args: Arguments<[weight: Tensor | null, eps: number | null], RmsNormOptions>
): Tensor {
  const { weight = null, eps = null } = readArguments<RmsNormOptions>('rms_norm', args, ['weight', 'eps'])
  const rows = rowsOf(input, normalizedShape, weight, null)
  const added = eps ?? epsilons[input.dtype as keyof typeof epsilons]
  return normaliseRows(rmsNormOp, 'RMSNorm', input, weight, null, { ...rows, centred: false, eps: added })[0]
}

/**
 * The channels of [N, C, …] in `numGroups` groups, each normalised by its mean and variance within a sample, as
 * `torch.nn.functional.group_norm`; weight and bias are [C].
 *
 * @throws Error `Expected number of channels in input to be divisible by num_groups, but got input of shape [2, 4, 3] and
 * num_groups=3`
 * @example
 * F.groupNorm(torch.tensor([[1, 3, 2, 6]]), 2).round() // tensor([[-1.,  1., -1.,  1.]])
 */
export function groupNorm(
  input: Tensor,
  numGroups: number,
  ...args: Arguments<[weight: Tensor | null, bias: Tensor | null, eps: number], LayerNormOptions>
): Tensor {
  const given = readArguments<LayerNormOptions>('group_norm', args, ['weight', 'bias', 'eps'])
  const { weight = null, bias = null, eps = 1e-5 } = given
  const { shape } = input.layout
  if (shape.length < 2) throw new RangeError('Dimension out of range (expected to be in range of [-1, 0], but got 1)')
  if (!(numGroups > 0)) throw new Error(`Expected num groups to be greater than 0, got ${numGroups}`)
  const [n, c] = shape
  const span = numelOf(shape.slice(2))
  const grouped = [Math.floor((n * c) / numGroups), numGroups, ...shape.slice(2)]
  requireSeveralValues(grouped[0] * span, grouped)
  if (c % numGroups !== 0)
    throw new Error(
      `Expected number of channels in input to be divisible by num_groups, but got input of shape ${showShape(shape)} and num_groups=${numGroups}`,
    )
  for (const [name, t] of [
    ['weight', weight],
    ['bias', bias],
  ] as const)
    if (t !== null && (t.ndim !== 1 || t.layout.numel !== c))
      throw new Error(
        `Expected ${name} to be a vector of size equal to the number of channels in input, but got ${name} of shape ${showShape(t.layout.shape)} and input of shape ${showShape(shape)}`,
      )
  const rows = { groups: numGroups, channels: c / numGroups, span, statistics: [n, numGroups], centred: true, eps }
  return normaliseRows(groupNormOp, 'GroupNorm', input, weight, bias, rows)[0]
}
