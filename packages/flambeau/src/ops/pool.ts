/** Pooling over windows of the last two dimensions. */

import { isFloatingPoint, scalarName } from '../core/dtype.js'
import { type Shape, showShape } from '../core/layout.js'
import { named, type ValuesIndices } from '../core/results.js'
import type { Tensor } from '../core/tensor.js'
import { to } from './cast.js'
import { perDimension } from './conv.js'
import { defineOp, emptyTensor, type Op } from './dispatch.js'

interface MaxPoolAttributes {
  readonly kernel: Shape
  readonly stride: Shape
  readonly padding: Shape
  readonly dilation: Shape
  readonly out: Shape
}

const maxPoolOp: Op<MaxPoolAttributes> = defineOp<MaxPoolAttributes>({
  name: 'MaxPool2DWithIndices',
  differentiableOutputs: 1,
  forward: ([x], { kernel, stride, padding, dilation, out }) => {
    const backend = x.storage.allocator
    const values = emptyTensor(backend, out, x.dtype)
    const indices = emptyTensor(backend, out, 'int64')
    if (values.layout.numel > 0) backend.run('maxPool', x, values, indices, kernel, stride, padding, dilation)
    return [values, indices]
  },
  save: (_, [, indices]) => [indices],
  backward: ([g], { saved: [indices], attrs, inputs }) => [
    spreadOp([g!, indices], { shape: inputs[0].shape, spatial: attrs.kernel.length })[0],
  ],
})

/** The gradient of max pooling: each value goes to the place it came from. */
const spreadOp: Op<{ shape: Shape; spatial: number }> = defineOp<{ shape: Shape; spatial: number }>({
  name: 'MaxPool2DWithIndicesBackward',
  forward: ([g, indices], { shape, spatial }) => {
    const out = emptyTensor(g.storage.allocator, shape, g.dtype)
    if (out.layout.numel > 0) out.storage.allocator.run('maxPoolBackward', g, indices, out, spatial)
    return [out]
  },
  save: ([, indices]) => [indices],
  backward: ([gg], { saved: [indices], attrs }) => [pickOp([gg!, indices], attrs)[0], null],
})

const pickOp: Op<{ shape: Shape; spatial: number }> = defineOp<{ shape: Shape; spatial: number }>({
  name: 'MaxPoolGather',
  forward: ([x, indices], { spatial }) => {
    const out = emptyTensor(x.storage.allocator, indices.layout.shape, x.dtype)
    if (out.layout.numel > 0) out.storage.allocator.run('maxPoolGather', x, indices, out, spatial)
    return [out]
  },
  save: ([, indices]) => [indices],
  backward: ([g], { saved: [indices], attrs }) => [spreadOp([g!, indices], attrs)[0], null],
})

/** The number of windows along a dimension; with ceilMode the last one may hang over, but must start inside. */
function windows(size: number, kernel: number, stride: number, padding: number, dilation: number, ceilMode: boolean): number {
  const room = size + 2 * padding - dilation * (kernel - 1) - 1
  if (!ceilMode) return Math.floor(room / stride) + 1
  const count = Math.ceil(room / stride) + 1
  return (count - 1) * stride >= size + padding ? count - 1 : count
}

type Size = number | readonly number[]

interface Window {
  readonly kernel: Shape
  readonly stride: Shape
  readonly padding: Shape
  readonly dilation: Shape
  readonly out: Shape
}

function poolWindow(name: string, dims: number, input: Tensor, kernelSize: Size, options: MaxPoolOptions): Window {
  const { shape } = input.layout
  const kernel = perDimension(kernelSize, dims, 'kernel_size')
  const noStride = options.stride === undefined || (Array.isArray(options.stride) && options.stride.length === 0)
  const stride = noStride ? kernel : perDimension(options.stride!, dims, 'stride')
  const padding = perDimension(options.padding ?? 0, dims, 'padding')
  const dilation = perDimension(options.dilation ?? 1, dims, 'dilation')
  if (input.ndim !== dims + 1 && input.ndim !== dims + 2)
    throw new Error(
      `${name}: Expected ${dims + 1}D or ${dims + 2}D (batch mode) tensor with optional 0 dim batch size for input, but got: ${showShape(shape)}`,
    )
  if (kernel.some((k) => k <= 0))
    throw new Error(`kernel size should be greater than zero, but got kH: ${kernel[0]} kW: ${kernel.at(-1)}`)
  if (stride.some((s) => s <= 0)) throw new Error('stride should not be zero')
  if (dilation.some((d) => d <= 0))
    throw new Error(`dilation should be greater than zero, but got dilationH: ${dilation[0]} dilationW: ${dilation.at(-1)}`)
  if (padding.some((p, i) => p < 0 || p > kernel[i] / 2))
    throw new Error(
      `pad should be at most half of effective kernel size, but got pad=${padding}, kernel_size=${kernel} and dilation=${dilation}`,
    )
  const lead = shape.slice(0, input.ndim - dims)
  const spatial = shape.slice(input.ndim - dims)
  if (shape.slice(input.ndim - dims - 1).some((s) => s === 0))
    throw new Error(
      `${name}: Expected ${dims + 1}D or ${dims + 2}D (batch mode) tensor with optional 0 dim batch size for input, but got: ${showShape(shape)}`,
    )
  const out = spatial.map((s, i) => windows(s, kernel[i], stride[i], padding[i], dilation[i], options.ceilMode ?? false))
  if (out.some((s) => s < 1))
    throw new Error(
      `Given input size: (${[shape[input.ndim - dims - 1], ...spatial].join('x')}). Calculated output size: (${[shape[input.ndim - dims - 1], ...out].join('x')}). Output size is too small`,
    )
  return { kernel, stride, padding, dilation, out: [...lead, ...out] }
}

export interface MaxPoolOptions {
  /** Step between windows; the kernel's size unless given. */
  stride?: Size
  padding?: Size
  dilation?: Size
  ceilMode?: boolean
}

/** Max pooling with the flat index of each maximum in its plane, as `max_pool2d_with_indices`. */
export function maxPool2dWithIndices(input: Tensor, kernelSize: Size, options: MaxPoolOptions = {}): ValuesIndices {
  if (input.dtype === 'bool') throw new Error('"max_pool2d" not implemented for \'Bool\'')
  const [values, indices] = maxPoolOp([input], poolWindow('max_pool2d', 2, input, kernelSize, options))
  return named({ values, indices })
}

/**
 * The maximum of each window of [N, C, H, W] (or [C, H, W]), as `torch.nn.functional.max_pool2d`.
 *
 * @example
 * F.maxPool2d(torch.arange(16).float().view(1, 1, 4, 4), 2).tolist() // [[[[5, 7], [13, 15]]]]
 */
export function maxPool2d(
  input: Tensor,
  kernelSize: Size,
  stride?: Size | null | MaxPoolOptions,
  padding?: Size,
  dilation?: Size,
  options: { ceilMode?: boolean } = {},
): Tensor {
  const all = optionsIn(stride) ?? { stride: (stride as Size | null) ?? undefined, padding, dilation, ...options }
  return maxPool2dWithIndices(input, kernelSize, all).values
}
/** The options object where one was given in the place of `stride`. */
const optionsIn = <O extends object>(value: Size | null | O | undefined): O | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as O) : undefined

interface AvgPoolAttributes extends Window {
  readonly countIncludePad: boolean
  readonly divisor: number
}

const avgPoolOp: Op<AvgPoolAttributes> = defineOp<AvgPoolAttributes>({
  name: 'AvgPool2D',
  forward: ([x], { kernel, stride, padding, countIncludePad, divisor, out }) => {
    const result = emptyTensor(x.storage.allocator, out, x.dtype)
    if (result.layout.numel > 0)
      result.storage.allocator.run('avgPool', x, result, kernel, stride, padding, countIncludePad, divisor)
    return [result]
  },
  backward: ([g], { attrs, inputs }) => [avgPoolGradOp([g!], { ...attrs, shape: inputs[0].shape })[0]],
})
const avgPoolGradOp: Op<AvgPoolAttributes & { shape: Shape }> = defineOp<AvgPoolAttributes & { shape: Shape }>({
  name: 'AvgPool2DBackward',
  forward: ([g], { kernel, stride, padding, countIncludePad, divisor, shape }) => {
    const result = emptyTensor(g.storage.allocator, shape, g.dtype)
    if (result.layout.numel > 0)
      result.storage.allocator.run('avgPoolBackward', g, result, kernel, stride, padding, countIncludePad, divisor)
    return [result]
  },
  backward: ([gg], { attrs }) => [avgPoolOp([gg!], attrs)[0]],
})

export interface AvgPoolOptions {
  stride?: Size
  padding?: Size
  ceilMode?: boolean
  /** Whether padding counts in the mean. */
  countIncludePad?: boolean
  /** Divide by this instead of the window's size. */
  divisorOverride?: number | null
}
/** The mean of each window of [N, C, H, W] (or [C, H, W]), as `torch.nn.functional.avg_pool2d`. */
export function avgPool2d(
  input: Tensor,
  kernelSize: Size,
  stride?: Size | null | AvgPoolOptions,
  padding?: Size,
  options: AvgPoolOptions = {},
): Tensor {
  const all = optionsIn(stride) ?? { stride: (stride as Size | null) ?? undefined, padding, ...options }
  const { countIncludePad = true, divisorOverride = null } = all
  // Integer quotients are cut off; float64 holds every sum that matters exactly.
  if (input.dtype === 'int64') return to(avgPool2d(to(input, 'float64'), kernelSize, all), 'int64')
  if (!isFloatingPoint(input.dtype)) throw new Error(`"avg_pool2d" not implemented for '${scalarName(input.dtype)}'`)
  if (divisorOverride === 0) throw new Error('divisor must be not zero')
  const window = poolWindow('avg_pool2d', 2, input, kernelSize, all)
  return avgPoolOp([input], { ...window, countIncludePad, divisor: divisorOverride ?? 0 })[0]
}
