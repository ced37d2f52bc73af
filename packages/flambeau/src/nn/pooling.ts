/** Pooling layers. */

import type { ValuesIndices } from '../core/results.js'
import type { Tensor } from '../core/tensor.js'
import { type AvgPoolOptions, avgPool2d, type MaxPoolOptions, maxPool2dWithIndices } from '../ops/pool.js'
import { Module } from './module.js'
import { python } from './repr.js'

type Size = number | readonly number[]

/** Splits `(kernelSize, stride, padding, options)` and `(kernelSize, options)`. */
function poolOptions<O extends { stride?: Size; padding?: Size }>(
  stride: Size | null | O | undefined,
  padding: Size | undefined,
  options: O,
): O {
  if (typeof stride === 'object' && stride !== null && !Array.isArray(stride)) return stride as O
  return { ...options, stride: (stride as Size | null) ?? undefined, padding }
}

/**
 * The maximum of each window of [N, C, H, W] or [C, H, W], as `torch.nn.MaxPool2d`. Windows lie side by side unless a
 * stride is given.
 *
 * @example
 * new nn.MaxPool2d(2)(torch.randn(1, 8, 28, 28)).shape // [1, 8, 14, 14]
 */
export class MaxPool2d extends Module {
  readonly kernelSize: Size
  readonly stride: Size
  readonly padding: Size
  readonly dilation: Size
  readonly ceilMode: boolean

  constructor(kernelSize: Size, stride?: Size | null | MaxPoolOptions, padding?: Size, options: MaxPoolOptions = {}) {
    super()
    const all = poolOptions(stride, padding, options)
    this.kernelSize = kernelSize
    this.stride = all.stride ?? kernelSize
    this.padding = all.padding ?? 0
    this.dilation = all.dilation ?? 1
    this.ceilMode = all.ceilMode ?? false
  }

  override forward(input: Tensor): Tensor {
    return this.withIndices(input).values
  }

  /** The maxima with the flat index of each in its plane: what `return_indices=True` gives in PyTorch. */
  withIndices(input: Tensor): ValuesIndices {
    const { kernelSize, stride, padding, dilation, ceilMode } = this
    return maxPool2dWithIndices(input, kernelSize, { stride, padding, dilation, ceilMode })
  }

  override extraRepr(): string {
    const { kernelSize, stride, padding, dilation, ceilMode } = this
    return `kernel_size=${python(kernelSize)}, stride=${python(stride)}, padding=${python(padding)}, dilation=${python(dilation)}, ceil_mode=${python(ceilMode)}`
  }
}

/** The mean of each window of [N, C, H, W] or [C, H, W], as `torch.nn.AvgPool2d`. */
export class AvgPool2d extends Module {
  readonly kernelSize: Size
  readonly stride: Size
  readonly padding: Size
  readonly ceilMode: boolean
  readonly countIncludePad: boolean
  readonly divisorOverride: number | null

  constructor(kernelSize: Size, stride?: Size | null | AvgPoolOptions, padding?: Size, options: AvgPoolOptions = {}) {
    super()
    const all = poolOptions(stride, padding, options)
    this.kernelSize = kernelSize
    this.stride = all.stride ?? kernelSize
    this.padding = all.padding ?? 0
    this.ceilMode = all.ceilMode ?? false
    this.countIncludePad = all.countIncludePad ?? true
    this.divisorOverride = all.divisorOverride ?? null
  }

  override forward(input: Tensor): Tensor {
    const { kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride } = this
    return avgPool2d(input, kernelSize, { stride, padding, ceilMode, countIncludePad, divisorOverride })
  }

  override extraRepr(): string {
    return `kernel_size=${python(this.kernelSize)}, stride=${python(this.stride)}, padding=${python(this.padding)}`
  }
}
