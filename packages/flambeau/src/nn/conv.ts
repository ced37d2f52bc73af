/** Convolution layers. */

import { type Arguments, readArguments } from '../core/arguments.js'
import type { Shape } from '../core/layout.js'
import { showShape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import {
  type ConvOptions,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  perDimension,
} from '../ops/conv.js'
import { empty } from '../ops/creation.js'
import { type PadMode, pad } from '../ops/pad.js'
import { hasUninitializedParameters, UninitializedParameter } from './lazy.js'
import { type FactoryOptions, resetWeightAndBias } from './linear.js'
import { Module } from './module.js'
import { Parameter } from './parameter.js'
import { python } from './repr.js'

type Size = number | readonly number[]

/** What lies beyond the edges of a convolution's input. */
export type ConvPaddingMode = 'zeros' | Exclude<PadMode, 'constant'>

export interface ConvModuleOptions extends Omit<ConvOptions, 'bias'>, FactoryOptions {
  /** Whether a bias is added to every output channel. */
  bias?: boolean
  /** What lies beyond the edges: zeros, the mirror image, the edge itself, or the other side. */
  paddingMode?: ConvPaddingMode
}
/** The arguments of a convolution after the kernel's size, by position or by name. */
export type ConvModuleArguments = Arguments<
  [
    stride: Size,
    padding: NonNullable<ConvOptions['padding']>,
    dilation: Size,
    groups: number,
    bias: boolean,
    paddingMode: ConvPaddingMode,
  ],
  ConvModuleOptions
>
const convPlaces = ['stride', 'padding', 'dilation', 'groups', 'bias', 'paddingMode'] as const
const factoryNames = ['dtype', 'device'] as const

export interface ConvTransposeModuleOptions extends FactoryOptions {
  stride?: Size
  /** How much is cut off on both sides of the result. */
  padding?: Size
  /** How much is added on one side of the result. */
  outputPadding?: Size
  groups?: number
  /** Whether a bias is added to every output channel. */
  bias?: boolean
  dilation?: Size
  /** Only 'zeros'. */
  paddingMode?: 'zeros'
}
/** The arguments of a transposed convolution after the kernel's size, by position or by name. */
export type ConvTransposeModuleArguments = Arguments<
  [stride: Size, padding: Size, outputPadding: Size, groups: number, bias: boolean, dilation: Size, paddingMode: 'zeros'],
  ConvTransposeModuleOptions
>
const transposePlaces = ['stride', 'padding', 'outputPadding', 'groups', 'bias', 'dilation', 'paddingMode'] as const

const paddingModes: readonly string[] = ['zeros', 'reflect', 'replicate', 'circular']

/** What convolutions and their transposes of any number of dimensions share. */
abstract class ConvNd extends Module {
  inChannels: number
  readonly outChannels: number
  readonly kernelSize: Shape
  readonly stride: Shape
  readonly padding: Shape | 'same' | 'valid'
  readonly dilation: Shape
  readonly transposed: boolean
  readonly outputPadding: Shape
  readonly groups: number
  readonly paddingMode: ConvPaddingMode
  /** [outChannels, inChannels / groups, ...kernelSize], or with in and out exchanged for a transposed convolution. */
  weight: Parameter
  /** [outChannels] */
  bias: Parameter | null

  protected constructor(
    dims: number,
    transposed: boolean,
    inChannels: number,
    outChannels: number,
    kernelSize: Size,
    options: ConvModuleOptions & { readonly outputPadding?: Size },
    lazy: boolean,
  ) {
    super()
    const { stride = 1, padding = 0, dilation = 1, outputPadding = 0, groups = 1, bias = true } = options
    const { paddingMode = 'zeros', dtype, device } = options
    if (!(groups > 0)) throw new Error('groups must be a positive integer')
    if (inChannels % groups !== 0) throw new Error('in_channels must be divisible by groups')
    if (outChannels % groups !== 0) throw new Error('out_channels must be divisible by groups')
    if (typeof padding === 'string' && padding !== 'same' && padding !== 'valid')
      throw new Error(`Invalid padding string '${padding}', should be one of {'valid', 'same'}`)
    if (!paddingModes.includes(paddingMode))
      throw new Error(
        `padding_mode must be one of {'zeros', 'reflect', 'replicate', 'circular'}, but got padding_mode='${paddingMode}'`,
      )
    this.inChannels = inChannels
    this.outChannels = outChannels
    this.kernelSize = perDimension(kernelSize, dims, 'kernel_size')
    this.stride = perDimension(stride, dims, 'stride')
    this.padding = typeof padding === 'string' ? padding : perDimension(padding, dims, 'padding')
    this.dilation = perDimension(dilation, dims, 'dilation')
    this.transposed = transposed
    this.outputPadding = perDimension(outputPadding, dims, 'output_padding')
    if (padding === 'same' && this.stride.some((s) => s !== 1))
      throw new Error("padding='same' is not supported for strided convolutions")
    this.groups = groups
    this.paddingMode = paddingMode
    const make = (shape: Shape): Parameter =>
      lazy ? new UninitializedParameter({ dtype, device }) : new Parameter(empty(shape, { dtype, device }))
    this.weight = make(this.weightShape())
    this.bias = bias ? make([outChannels]) : null
    this.resetParameters()
  }

  protected weightShape(): Shape {
    const { inChannels, outChannels, groups, kernelSize, transposed } = this
    return transposed ? [inChannels, outChannels / groups, ...kernelSize] : [outChannels, inChannels / groups, ...kernelSize]
  }

  /** Draws weight and bias anew. */
  resetParameters(): void {
    if (!hasUninitializedParameters(this)) resetWeightAndBias(this.weight, this.bias)
  }

  /** @internal Gives a lazy layer the channels of its first input and makes it an ordinary one. */
  protected becomeEager(input: Tensor, eager: { readonly prototype: object }): void {
    const dims = this.kernelSize.length
    if (input.ndim !== dims + 1 && input.ndim !== dims + 2)
      throw new Error(
        `Expected ${dims + 1}D (unbatched) or ${dims + 2}D (batched) input to ${this.getName()}, but got input of size: torch.Size(${showShape(input.shape)})`,
      )
    const channels = input.shape[input.ndim - dims - 1]
    if (channels % this.groups !== 0) throw new Error('in_channels must be divisible by groups')
    this.inChannels = channels
    if (hasUninitializedParameters(this)) {
      if (this.weight instanceof UninitializedParameter) this.weight.materialize(this.weightShape())
      if (this.bias instanceof UninitializedParameter) this.bias.materialize([this.outChannels])
      this.resetParameters()
    }
    Object.setPrototypeOf(this, eager.prototype)
  }

  override extraRepr(): string {
    const parts = [
      `${this.inChannels}, ${this.outChannels}, kernel_size=${python(this.kernelSize)}, stride=${python(this.stride)}`,
    ]
    if (typeof this.padding === 'string' || this.padding.some((p) => p !== 0))
      parts.push(`padding=${printedPadding(this.padding)}`)
    if (this.dilation.some((d) => d !== 1)) parts.push(`dilation=${python(this.dilation)}`)
    if (this.outputPadding.some((p) => p !== 0)) parts.push(`output_padding=${python(this.outputPadding)}`)
    if (this.groups !== 1) parts.push(`groups=${this.groups}`)
    if (this.bias === null) parts.push('bias=False')
    if (this.paddingMode !== 'zeros') parts.push(`padding_mode=${this.paddingMode}`)
    return parts.join(', ')
  }
}

// PyTorch formats the word itself here, without quotes.
const printedPadding = (padding: Shape | string): string => (typeof padding === 'string' ? padding : python(padding))

/** What convolutions share. */
abstract class Convolution extends ConvNd {
  /** How much `paddingMode` adds before and after, last dimension first. */
  protected readonly around: Shape

  protected constructor(
    dims: number,
    inChannels: number,
    outChannels: number,
    kernelSize: Size,
    args: readonly unknown[],
    name: string,
    lazy = false,
  ) {
    const options = readArguments<ConvModuleOptions>(name, args, convPlaces, factoryNames)
    super(dims, false, inChannels, outChannels, kernelSize, options, lazy)
    const { padding } = this
    this.around = this.kernelSize
      .flatMap((k, d) => {
        const total = padding === 'same' ? this.dilation[d] * (k - 1) : 0
        // In the order after before, as all of it is turned around.
        const [before, after] =
          typeof padding === 'string' ? [Math.floor(total / 2), Math.ceil(total / 2)] : [padding[d], padding[d]]
        return [after, before]
      })
      .reverse()
  }

  /** Runs a convolution with the layer's settings. */
  protected convolve(run: typeof conv2d, input: Tensor): Tensor {
    const { weight, bias, stride, padding, dilation, groups } = this
    if (this.paddingMode === 'zeros') return run(input, weight, bias, { stride, padding, dilation, groups })
    return run(pad(input, this.around, this.paddingMode), weight, bias, { stride, dilation, groups })
  }
}

/**
 * A 1-d convolution of signals [N, C, L] or [C, L], as `torch.nn.Conv1d`.
 *
 * @example
 * const conv = new nn.Conv1d(4, 8, 3, { padding: 'same', paddingMode: 'circular' })
 * conv(torch.randn(2, 4, 10)).shape // [ 2, 8, 10 ]
 */
export class Conv1d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, ...args: ConvModuleArguments) {
    super(1, inChannels, outChannels, kernelSize, args, 'Conv1d')
  }

  override forward(input: Tensor): Tensor {
    return this.convolve(conv1d, input)
  }
}

/**
 * A 2-d convolution of images [N, C, H, W] or [C, H, W], as `torch.nn.Conv2d`: `out[n, o] = bias[o] + Σ_c weight[o, c] ⋆
 * input[n, c]`.
 *
 * @throws Error where channels are no multiple of groups.
 * @example
 * const conv = new nn.Conv2d(3, 16, 3, { padding: 1 })
 * conv(torch.randn(8, 3, 32, 32)).shape // [ 8, 16, 32, 32 ]
 */
export class Conv2d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, ...args: ConvModuleArguments) {
    super(2, inChannels, outChannels, kernelSize, args, 'Conv2d')
  }

  override forward(input: Tensor): Tensor {
    return this.convolve(conv2d, input)
  }
}

/**
 * A 3-d convolution of volumes [N, C, D, H, W] or [C, D, H, W], as `torch.nn.Conv3d`.
 *
 * @example
 * const conv = new nn.Conv3d(1, 2, 3)
 * conv(torch.randn(1, 1, 5, 5, 5)).shape // [ 1, 2, 3, 3, 3 ]
 */
export class Conv3d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, ...args: ConvModuleArguments) {
    super(3, inChannels, outChannels, kernelSize, args, 'Conv3d')
  }

  override forward(input: Tensor): Tensor {
    return this.convolve(conv3d, input)
  }
}

export interface OutputSizeOptions {
  /** The size of the result, where several are possible. */
  outputSize?: Shape | null
}
type OutputSizeArguments = Arguments<[outputSize: Shape | null], OutputSizeOptions>

/** What transposed convolutions share. */
abstract class TransposedConvolution extends ConvNd {
  protected constructor(
    dims: number,
    inChannels: number,
    outChannels: number,
    kernelSize: Size,
    args: readonly unknown[],
    name: string,
    lazy = false,
  ) {
    const options = readArguments<ConvTransposeModuleOptions>(name, args, transposePlaces, factoryNames)
    if (options.paddingMode !== undefined && options.paddingMode !== 'zeros')
      throw new Error(`Only "zeros" padding mode is supported for ${name}`)
    if (typeof options.padding === 'string') throw new TypeError(`${name}: argument 'padding' must be tuple of ints, not str`)
    super(dims, true, inChannels, outChannels, kernelSize, options, lazy)
  }

  /** Runs a transposed convolution with the layer's settings. */
  protected spread(run: typeof convTranspose2d, input: Tensor, args: OutputSizeArguments): Tensor {
    const { weight, bias, stride, padding, dilation, groups } = this
    const { outputSize = null } = readArguments<OutputSizeOptions>('forward', args, ['outputSize'])
    const outputPadding = outputSize === null ? this.outputPadding : this.paddingFor(input, outputSize)
    return run(input, weight, bias, { stride, padding: padding as Shape, outputPadding, groups, dilation })
  }

  protected paddingFor(input: Tensor, outputSize: Shape): Shape {
    const dims = this.kernelSize.length
    const lead = input.ndim === dims + 2 ? 2 : 1
    const sizes = outputSize.length === lead + dims ? outputSize.slice(lead) : outputSize
    if (sizes.length !== dims)
      throw new Error(
        `ConvTranspose${dims}D: for ${input.ndim}D input, output_size must have ${dims} or ${lead + dims} elements (got ${sizes.length})`,
      )
    const { stride, padding, dilation, kernelSize } = this
    const least = kernelSize.map(
      (k, d) => (input.shape[d + lead] - 1) * stride[d] - 2 * (padding as Shape)[d] + dilation[d] * (k - 1) + 1,
    )
    const most = least.map((size, d) => size + stride[d] - 1)
    if (sizes.some((size, d) => size < least[d] || size > most[d]))
      throw new Error(
        `requested an output size of ${showShape(sizes)}, but valid sizes range from ${showShape(least)} to ${showShape(most)} (for an input of torch.Size(${showShape(input.shape.slice(2))}))`,
      )
    return sizes.map((size, d) => size - least[d])
  }
}

/**
 * The transpose of a 1-d convolution of signals [N, C, L] or [C, L], as `torch.nn.ConvTranspose1d`.
 *
 * @example
 * const up = new nn.ConvTranspose1d(4, 2, 3, 2)
 * up(torch.randn(1, 4, 5)).shape // [ 1, 2, 11 ]
 */
export class ConvTranspose1d extends TransposedConvolution {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, ...args: ConvTransposeModuleArguments) {
    super(1, inChannels, outChannels, kernelSize, args, 'ConvTranspose1d')
  }

  override forward(input: Tensor, ...args: OutputSizeArguments): Tensor {
    return this.spread(convTranspose1d, input, args)
  }
}

/**
 * The transpose of a 2-d convolution of images [N, C, H, W] or [C, H, W], as `torch.nn.ConvTranspose2d`. A stride makes the
 * image larger; `outputSize` picks one of the sizes that the convolution would map to this one.
 *
 * @example
 * const up = new nn.ConvTranspose2d(16, 8, 3, { stride: 2, padding: 1 })
 * up(torch.randn(1, 16, 6, 6), { outputSize: [12, 12] }).shape // [ 1, 8, 12, 12 ]
 */
export class ConvTranspose2d extends TransposedConvolution {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, ...args: ConvTransposeModuleArguments) {
    super(2, inChannels, outChannels, kernelSize, args, 'ConvTranspose2d')
  }

  override forward(input: Tensor, ...args: OutputSizeArguments): Tensor {
    return this.spread(convTranspose2d, input, args)
  }
}

/**
 * The transpose of a 3-d convolution of volumes [N, C, D, H, W] or [C, D, H, W], as `torch.nn.ConvTranspose3d`.
 *
 * @example
 * const up = new nn.ConvTranspose3d(2, 1, 2, 2)
 * up(torch.randn(1, 2, 3, 3, 3)).shape // [ 1, 1, 6, 6, 6 ]
 */
export class ConvTranspose3d extends TransposedConvolution {
  constructor(inChannels: number, outChannels: number, kernelSize: Size, ...args: ConvTransposeModuleArguments) {
    super(3, inChannels, outChannels, kernelSize, args, 'ConvTranspose3d')
  }

  override forward(input: Tensor, ...args: OutputSizeArguments): Tensor {
    return this.spread(convTranspose3d, input, args)
  }
}

/**
 * A `Conv1d` that takes the number of its input channels from the first input, as `torch.nn.LazyConv1d`.
 *
 * @example
 * const conv = new nn.LazyConv1d(8, 3)
 * conv(torch.randn(2, 4, 10)).shape // [ 2, 8, 8 ]
 * String(conv) // 'Conv1d(4, 8, kernel_size=(3,), stride=(1,))'
 */
export class LazyConv1d extends Convolution {
  constructor(outChannels: number, kernelSize: Size, ...args: ConvModuleArguments) {
    super(1, 0, outChannels, kernelSize, args, 'LazyConv1d', true)
  }

  override forward(input: Tensor): Tensor {
    this.becomeEager(input, Conv1d)
    return this.forward(input)
  }
}

/**
 * A `Conv2d` that takes the number of its input channels from the first input, as `torch.nn.LazyConv2d`.
 *
 * @example
 * const conv = new nn.LazyConv2d(8, 3)
 * conv(torch.randn(2, 4, 5, 5)).shape // [ 2, 8, 3, 3 ]
 */
export class LazyConv2d extends Convolution {
  constructor(outChannels: number, kernelSize: Size, ...args: ConvModuleArguments) {
    super(2, 0, outChannels, kernelSize, args, 'LazyConv2d', true)
  }

  override forward(input: Tensor): Tensor {
    this.becomeEager(input, Conv2d)
    return this.forward(input)
  }
}

/**
 * A `Conv3d` that takes the number of its input channels from the first input, as `torch.nn.LazyConv3d`.
 *
 * @example
 * const conv = new nn.LazyConv3d(8, 2)
 * conv(torch.randn(2, 4, 3, 3, 3)).shape // [ 2, 8, 2, 2, 2 ]
 */
export class LazyConv3d extends Convolution {
  constructor(outChannels: number, kernelSize: Size, ...args: ConvModuleArguments) {
    super(3, 0, outChannels, kernelSize, args, 'LazyConv3d', true)
  }

  override forward(input: Tensor): Tensor {
    this.becomeEager(input, Conv3d)
    return this.forward(input)
  }
}

/**
 * A `ConvTranspose1d` that takes the number of its input channels from the first input, as `torch.nn.LazyConvTranspose1d`.
 *
 * @example
 * const up = new nn.LazyConvTranspose1d(8, 2, 2)
 * up(torch.randn(2, 4, 5)).shape // [ 2, 8, 10 ]
 */
export class LazyConvTranspose1d extends TransposedConvolution {
  constructor(outChannels: number, kernelSize: Size, ...args: ConvTransposeModuleArguments) {
    super(1, 0, outChannels, kernelSize, args, 'LazyConvTranspose1d', true)
  }

  override forward(input: Tensor, ...args: OutputSizeArguments): Tensor {
    this.becomeEager(input, ConvTranspose1d)
    return this.forward(input, ...args)
  }
}

/**
 * A `ConvTranspose2d` that takes the number of its input channels from the first input, as `torch.nn.LazyConvTranspose2d`.
 *
 * @example
 * const up = new nn.LazyConvTranspose2d(8, 2, 2)
 * up(torch.randn(2, 4, 3, 3)).shape // [ 2, 8, 6, 6 ]
 */
export class LazyConvTranspose2d extends TransposedConvolution {
  constructor(outChannels: number, kernelSize: Size, ...args: ConvTransposeModuleArguments) {
    super(2, 0, outChannels, kernelSize, args, 'LazyConvTranspose2d', true)
  }

  override forward(input: Tensor, ...args: OutputSizeArguments): Tensor {
    this.becomeEager(input, ConvTranspose2d)
    return this.forward(input, ...args)
  }
}

/**
 * A `ConvTranspose3d` that takes the number of its input channels from the first input, as `torch.nn.LazyConvTranspose3d`.
 *
 * @example
 * const up = new nn.LazyConvTranspose3d(8, 2, 2)
 * up(torch.randn(1, 4, 2, 2, 2)).shape // [ 1, 8, 4, 4, 4 ]
 */
export class LazyConvTranspose3d extends TransposedConvolution {
  constructor(outChannels: number, kernelSize: Size, ...args: ConvTransposeModuleArguments) {
    super(3, 0, outChannels, kernelSize, args, 'LazyConvTranspose3d', true)
  }

  override forward(input: Tensor, ...args: OutputSizeArguments): Tensor {
    this.becomeEager(input, ConvTranspose3d)
    return this.forward(input, ...args)
  }
}
