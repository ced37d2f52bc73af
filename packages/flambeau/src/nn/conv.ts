/** Convolution layers. */

import type { Tensor } from '../core/tensor.js'
import { type ConvOptions, conv2d, perDimension } from '../ops/conv.js'
import { empty } from '../ops/creation.js'
import { type FactoryOptions, resetWeightAndBias } from './linear.js'
import { Module } from './module.js'
import { Parameter } from './parameter.js'
import { python } from './repr.js'

type Size = number | readonly number[]

export interface ConvModuleOptions extends ConvOptions, FactoryOptions {
  /** Whether a bias is added to every output channel. */
  bias?: boolean
  /** What lies beyond the image's edge; 'zeros' is the only mode so far. */
  paddingMode?: 'zeros'
}

/** What convolutions of any number of dimensions share. */
abstract class ConvNd extends Module {
  readonly inChannels: number
  readonly outChannels: number
  readonly kernelSize: readonly number[]
  readonly stride: readonly number[]
  readonly padding: readonly number[] | 'same' | 'valid'
  readonly dilation: readonly number[]
  readonly groups: number
  readonly paddingMode: string
  /** [outChannels, inChannels / groups, ...kernelSize] */
  weight: Parameter
  /** [outChannels] */
  bias: Parameter | null

  protected constructor(dims: number, inChannels: number, outChannels: number, kernelSize: Size, options: ConvModuleOptions) {
    super()
    const { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true, paddingMode = 'zeros', dtype, device } = options
    if (!(groups > 0)) throw new Error('groups must be a positive integer')
    if (inChannels % groups !== 0) throw new Error('in_channels must be divisible by groups')
    if (outChannels % groups !== 0) throw new Error('out_channels must be divisible by groups')
    if (paddingMode !== 'zeros') throw new Error(`not implemented: paddingMode '${paddingMode}', only 'zeros'`)
    if (typeof padding === 'string' && padding !== 'same' && padding !== 'valid')
      throw new Error(`Invalid padding string '${padding}', should be one of {'valid', 'same'}`)
    this.inChannels = inChannels
    this.outChannels = outChannels
    this.kernelSize = perDimension(kernelSize, dims, 'kernel_size')
    this.stride = perDimension(stride, dims, 'stride')
    this.padding = typeof padding === 'string' ? padding : perDimension(padding, dims, 'padding')
    this.dilation = perDimension(dilation, dims, 'dilation')
    if (padding === 'same' && this.stride.some((s) => s !== 1))
      throw new Error("padding='same' is not supported for strided convolutions")
    this.groups = groups
    this.paddingMode = paddingMode
    this.weight = new Parameter(empty([outChannels, inChannels / groups, ...this.kernelSize], { dtype, device }))
    this.bias = bias ? new Parameter(empty([outChannels], { dtype, device })) : null
    this.resetParameters()
  }

  /** Draws weight and bias anew. */
  resetParameters(): void {
    resetWeightAndBias(this.weight, this.bias)
  }

  override extraRepr(): string {
    const parts = [
      `${this.inChannels}, ${this.outChannels}, kernel_size=${python(this.kernelSize)}, stride=${python(this.stride)}`,
    ]
    if (typeof this.padding === 'string' || this.padding.some((p) => p !== 0))
      parts.push(`padding=${printedPadding(this.padding)}`)
    if (this.dilation.some((d) => d !== 1)) parts.push(`dilation=${python(this.dilation)}`)
    if (this.groups !== 1) parts.push(`groups=${this.groups}`)
    if (this.bias === null) parts.push('bias=False')
    return parts.join(', ')
  }
}

// PyTorch formats the word itself here, without quotes.
const printedPadding = (padding: readonly number[] | string): string => (typeof padding === 'string' ? padding : python(padding))

/**
 * A 2-d convolution of images [N, C, H, W] or [C, H, W], as `torch.nn.Conv2d`.
 *
 * @example
 * const conv = new nn.Conv2d(3, 16, 3, { padding: 1 })
 * conv(torch.randn(8, 3, 32, 32)).shape // [8, 16, 32, 32]
 */
export class Conv2d extends ConvNd {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: Size,
    stride: Size | ConvModuleOptions = {},
    padding?: ConvOptions['padding'],
    options: ConvModuleOptions = {},
  ) {
    const isOptions = typeof stride === 'object' && !Array.isArray(stride)
    super(
      2,
      inChannels,
      outChannels,
      kernelSize,
      isOptions ? (stride as ConvModuleOptions) : { ...options, stride: stride as Size, padding },
    )
  }

  override forward(input: Tensor): Tensor {
    return conv2d(input, this.weight, this.bias, {
      stride: this.stride,
      padding: this.padding,
      dilation: this.dilation,
      groups: this.groups,
    })
  }
}
