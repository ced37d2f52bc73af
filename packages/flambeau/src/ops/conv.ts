/** Convolutions. The three kernels (forward, gradient of input, gradient of weight) are each other's gradients. */

import { scalarName } from '../core/dtype.js'
import { type Shape, showShape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { to } from './cast.js'
import { commonBackend, defineOp, emptyTensor, type Op } from './dispatch.js'
import { sum } from './reduce.js'
import { embed, squeeze, unsqueeze } from './view.js'

interface ConvAttributes {
  readonly stride: Shape
  readonly padding: Shape
  readonly dilation: Shape
  readonly groups: number
}

const convOp: Op<ConvAttributes> = defineOp<ConvAttributes>({
  name: 'Convolution',
  forward: ([x, w, bias], attrs) => {
    const { stride, padding, dilation, groups } = attrs
    const backend = commonBackend([x, w, bias ?? null])
    const kernel = w.layout.shape.slice(2)
    const spatial = kernel.map(
      (k, i) => Math.floor((x.layout.shape[i + 2] + 2 * padding[i] - dilation[i] * (k - 1) - 1) / stride[i]) + 1,
    )
    const out = emptyTensor(backend, [x.layout.shape[0], w.layout.shape[0], ...spatial], x.dtype)
    if (out.layout.numel > 0) backend.run('conv', x, w, bias ?? null, out, stride, padding, dilation, groups)
    return [out]
  },
  save: ([x, w], _outputs, _attrs, [needsX, needsW]) => [...(needsW ? [x] : []), ...(needsX ? [w] : [])],
  backward: ([g], { saved, attrs, needs, inputs }) => {
    const x = needs[1] ? saved[0] : null
    const w = needs[0] ? saved[needs[1] ? 1 : 0] : null
    const gradBias = needs[2] ? sum(g!, [0, ...attrs.stride.map((_, i) => i + 2)]) : null
    return [
      w && gradInputOp([g!, w], { ...attrs, shape: inputs[0].shape })[0],
      x && gradWeightOp([x, g!], { ...attrs, shape: inputs[1].shape })[0],
      gradBias,
    ]
  },
})

const gradInputOp: Op<ConvAttributes & { shape: Shape }> = defineOp<ConvAttributes & { shape: Shape }>({
  name: 'ConvolutionGradInput',
  forward: ([g, w], { shape, stride, padding, dilation, groups }) => {
    const out = emptyTensor(commonBackend([g, w]), shape, g.dtype)
    if (out.layout.numel > 0) out.storage.allocator.run('convGradInput', g, w, out, stride, padding, dilation, groups)
    return [out]
  },
  save: (inputs) => inputs,
  backward: ([gg], { saved: [g, w], attrs, needs, inputs }) => [
    needs[0] ? convOp([gg!, w], attrs)[0] : null,
    needs[1] ? gradWeightOp([gg!, g], { ...attrs, shape: inputs[1].shape })[0] : null,
  ],
})

const gradWeightOp: Op<ConvAttributes & { shape: Shape }> = defineOp<ConvAttributes & { shape: Shape }>({
  name: 'ConvolutionGradWeight',
  forward: ([x, g], { shape, stride, padding, dilation, groups }) => {
    const out = emptyTensor(commonBackend([x, g]), shape, x.dtype)
    if (out.layout.numel > 0) out.storage.allocator.run('convGradWeight', x, g, out, stride, padding, dilation, groups)
    return [out]
  },
  save: (inputs) => inputs,
  backward: ([gg], { saved: [x, g], attrs, needs, inputs }) => [
    needs[0] ? gradInputOp([g, gg!], { ...attrs, shape: inputs[0].shape })[0] : null,
    needs[1] ? convOp([x, gg!], attrs)[0] : null,
  ],
})

export interface ConvOptions {
  stride?: number | readonly number[]
  /** Zeros added on both sides; 'same' keeps the size (stride 1), 'valid' adds none. */
  padding?: number | readonly number[] | 'same' | 'valid'
  dilation?: number | readonly number[]
  /** Input and output channels are split into this many independent groups. */
  groups?: number
}

/** One number for all spatial dimensions, or one each. */
export function perDimension(value: number | readonly number[], dims: number, name: string): Shape {
  const list = typeof value === 'number' ? new Array<number>(dims).fill(value) : value
  if (list.some((v) => !Number.isInteger(v))) throw new TypeError(`${name} must be integers, but got ${showShape(list)}`)
  if (list.length === 1 && dims > 1) return new Array<number>(dims).fill(list[0])
  if (list.length !== dims)
    throw new Error(
      `expected ${name} to be a single integer value or a list of ${dims} values to match the convolution dimensions, but got ${name}=${showShape(list)}`,
    )
  return list
}

/**
 * A 2-d cross-correlation of an image [N, C, H, W] (or [C, H, W]) with kernels [O, C/groups, kH, kW], as
 * `torch.nn.functional.conv2d`: `out[n, o] = bias[o] + Σ_c w[o, c] ⋆ input[n, c]`.
 *
 * @example
 * F.conv2d(torch.ones(1, 1, 5, 5), torch.ones(2, 1, 3, 3), null, { padding: 1 }).shape // [1, 2, 5, 5]
 */
export function conv2d(
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  stride: number | readonly number[] | ConvOptions = 1,
  padding: ConvOptions['padding'] = 0,
  dilation: number | readonly number[] = 1,
  groups = 1,
): Tensor {
  const options =
    typeof stride === 'object' && !Array.isArray(stride)
      ? (stride as ConvOptions)
      : { stride: stride as number, padding, dilation, groups }
  return convolution('conv2d', 2, input, weight, bias, options)
}

function convolution(
  name: string,
  dims: number,
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  options: ConvOptions,
): Tensor {
  const { groups = 1 } = options
  if (weight.ndim !== dims + 2)
    throw new Error(`Expected ${dims + 2}D weight for ${name}, but got weight of size ${showShape(weight.layout.shape)}`)
  if (input.ndim === dims + 1) return squeeze(convolution(name, dims, unsqueeze(input, 0), weight, bias, options), 0)
  const { shape } = input.layout
  if (input.ndim !== dims + 2)
    throw new Error(
      `Expected ${dims + 1}D (unbatched) or ${dims + 2}D (batched) input to ${name}, but got input of size: ${showShape(shape)}`,
    )
  const w = weight.layout.shape
  const stride = perDimension(options.stride ?? 1, dims, 'stride')
  const dilation = perDimension(options.dilation ?? 1, dims, 'dilation')
  if (stride.some((s) => s <= 0)) throw new Error('non-positive stride is not supported')
  if (dilation.some((d) => d <= 0)) throw new Error('dilation should be greater than zero')
  if (options.padding === 'same' && w.slice(2).some((k, i) => (dilation[i] * (k - 1)) % 2 !== 0)) {
    if (stride.some((s) => s !== 1)) throw new Error("padding='same' is not supported for strided convolutions")
    // An even kernel pads unevenly: what is left over goes behind.
    const total = w.slice(2).map((k, i) => dilation[i] * (k - 1))
    const padded = total.reduce(
      (x, p, i) => (p % 2 === 0 ? x : embed(x, x.layout.shape.with(i + 2, x.layout.shape[i + 2] + 1), i + 2, 0, 1)),
      input,
    )
    return convolution(name, dims, padded, weight, bias, { ...options, padding: total.map((p) => Math.floor(p / 2)) })
  }
  const padding = resolvePadding(options.padding ?? 0, w.slice(2), stride, dilation, dims)
  if (padding.some((p) => p < 0)) throw new Error('negative padding is not supported')
  if (groups <= 0) throw new Error('non-positive groups is not supported')
  if (w[1] * groups !== shape[1])
    throw new Error(
      `Given groups=${groups}, weight of size ${showShape(w)}, expected input${showShape(shape)} to have ${w[1] * groups} channels, but got ${shape[1]} channels instead`,
    )
  if (w[0] < groups)
    throw new Error(
      `Given groups=${groups}, expected weight to be at least ${groups} at dimension 0, but got weight of size ${showShape(w)} instead`,
    )
  if (w[0] % groups !== 0)
    throw new Error(
      `Given groups=${groups}, expected weight to be divisible by ${groups} at dimension 0, but got weight of size ${showShape(w)} instead`,
    )
  if (bias !== null && (bias.ndim !== 1 || bias.layout.shape[0] !== w[0]))
    throw new Error(
      `Given weight of size ${showShape(w)}, expected bias to be 1-dimensional with ${w[0]} elements, but got bias of size ${showShape(bias.layout.shape)} instead`,
    )
  for (const other of [weight, bias])
    if (other !== null && other.dtype !== input.dtype)
      throw new Error(
        `Input type (${scalarName(input.dtype)}) and ${other === bias ? 'bias' : 'weight'} type (${scalarName(other.dtype)}) should be the same`,
      )
  // Integers by way of float64, which holds every integer up to 2^53.
  if (input.dtype === 'int64') {
    const wide = (t: Tensor): Tensor => to(t, 'float64')
    return to(convolution(name, dims, wide(input), wide(weight), bias && wide(bias), options), 'int64')
  }
  if (!input.dtype.includes('float')) throw new Error(`"${name}" not implemented for '${scalarName(input.dtype)}'`)
  const padded = shape.slice(2).map((s, i) => s + 2 * padding[i])
  const reach = w.slice(2).map((k, i) => dilation[i] * (k - 1) + 1)
  if (reach.some((r, i) => r > padded[i]))
    throw new Error(
      `Calculated padded input size per channel: (${padded.join(' x ')}). Kernel size: (${reach.join(' x ')}). Kernel size can't be greater than actual input size`,
    )
  return convOp(bias === null ? [input, weight] : [input, weight, bias], { stride, padding, dilation, groups })[0]
}

function resolvePadding(
  padding: NonNullable<ConvOptions['padding']>,
  kernel: Shape,
  stride: Shape,
  dilation: Shape,
  dims: number,
): Shape {
  if (padding === 'valid') return kernel.map(() => 0)
  if (padding === 'same') {
    if (stride.some((s) => s !== 1)) throw new Error("padding='same' is not supported for strided convolutions")
    const total = kernel.map((k, i) => dilation[i] * (k - 1))
    return total.map((p) => p / 2)
  }
  if (typeof padding === 'string') throw new Error(`Invalid padding string '${padding}', should be one of {'valid', 'same'}`)
  return perDimension(padding, dims, 'padding')
}
