/** Layers that change the size of images, take them apart, or normalise their channels. */

import { type Arguments, readArguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import { type FoldOptions, fold, unfold } from '../ops/fold.js'
import { type InterpolateOptions, type InterpolationMode, interpolate } from '../ops/interpolate.js'
import {
  crossMapLrn2d,
  type LocalResponseNormArguments,
  type LocalResponseNormOptions,
  localResponseNorm,
} from '../ops/localNorm.js'
import { channelShuffle, pixelShuffle, pixelUnshuffle } from '../ops/shuffle.js'
import { Module } from './module.js'
import { python, pythonFloat } from './repr.js'

type Size = number | readonly number[]
type ScaleOptions = Pick<InterpolateOptions, 'size' | 'scaleFactor'>

/**
 * Images of another size, as `torch.nn.Upsample`: what `interpolate` does with these arguments.
 *
 * @example
 * new nn.Upsample({ scaleFactor: 2, mode: 'bilinear' })(torch.rand(1, 3, 4, 4)).shape // [ 1, 3, 8, 8 ]
 */
export class Upsample extends Module {
  readonly size: Size | null
  readonly scaleFactor: Size | null
  readonly mode: InterpolationMode
  readonly alignCorners: boolean | null
  readonly recomputeScaleFactor: boolean | null

  constructor(
    ...args: Arguments<
      [
        size: Size | null,
        scaleFactor: Size | null,
        mode: InterpolationMode,
        alignCorners: boolean | null,
        recomputeScaleFactor: boolean | null,
      ],
      Omit<InterpolateOptions, 'antialias'>
    >
  ) {
    super()
    const options = readArguments<InterpolateOptions>('Upsample', args, [
      'size',
      'scaleFactor',
      'mode',
      'alignCorners',
      'recomputeScaleFactor',
    ])
    this.size = options.size ?? null
    this.scaleFactor = options.scaleFactor ?? null
    this.mode = options.mode ?? 'nearest'
    this.alignCorners = options.alignCorners ?? null
    this.recomputeScaleFactor = options.recomputeScaleFactor ?? null
  }

  override forward(input: Tensor): Tensor {
    const { size, scaleFactor, mode, alignCorners, recomputeScaleFactor } = this
    return interpolate(input, { size, scaleFactor, mode, alignCorners, recomputeScaleFactor })
  }

  override extraRepr(): string {
    const { size, scaleFactor, mode } = this
    const floats = (factor: Size): string =>
      typeof factor === 'number'
        ? pythonFloat(factor)
        : `(${factor.map(pythonFloat).join(', ')}${factor.length === 1 ? ',' : ''})`
    return `${scaleFactor === null ? `size=${python(size)}` : `scale_factor=${floats(scaleFactor)}`}, mode=${mode}`
  }
}

/**
 * Images enlarged by repeating pixels, as `torch.nn.UpsamplingNearest2d`.
 *
 * @example
 * new nn.UpsamplingNearest2d({ scaleFactor: 2 })(torch.rand(1, 3, 4, 4)).shape // [ 1, 3, 8, 8 ]
 */
export class UpsamplingNearest2d extends Upsample {
  constructor(...args: Arguments<[size: Size | null, scaleFactor: Size | null], ScaleOptions>) {
    const { size, scaleFactor } = readArguments<ScaleOptions>('UpsamplingNearest2d', args, ['size', 'scaleFactor'])
    super({ size, scaleFactor, mode: 'nearest' })
  }
}

/**
 * Images enlarged bilinearly with their corner pixels in the corners, as `torch.nn.UpsamplingBilinear2d`.
 *
 * @example
 * new nn.UpsamplingBilinear2d({ size: [1, 3] })(torch.tensor([[[[0, 2]]]])).flatten().tolist() // [ 0, 1, 2 ]
 */
export class UpsamplingBilinear2d extends Upsample {
  constructor(...args: Arguments<[size: Size | null, scaleFactor: Size | null], ScaleOptions>) {
    const { size, scaleFactor } = readArguments<ScaleOptions>('UpsamplingBilinear2d', args, ['size', 'scaleFactor'])
    super({ size, scaleFactor, mode: 'bilinear', alignCorners: true })
  }
}

/** What Fold and Unfold share. */
abstract class Folding extends Module {
  readonly kernelSize: Size
  readonly dilation: Size
  readonly padding: Size
  readonly stride: Size

  protected constructor(name: string, kernelSize: Size, args: readonly unknown[]) {
    super()
    const options = readArguments<FoldOptions>(name, args, ['dilation', 'padding', 'stride'])
    this.kernelSize = kernelSize
    this.dilation = options.dilation ?? 1
    this.padding = options.padding ?? 0
    this.stride = options.stride ?? 1
  }

  override extraRepr(): string {
    const { kernelSize, dilation, padding, stride } = this
    return `kernel_size=${python(kernelSize)}, dilation=${python(dilation)}, padding=${python(padding)}, stride=${python(stride)}`
  }
}
type FoldArguments = Arguments<[dilation: Size, padding: Size, stride: Size], FoldOptions>

/**
 * Columns of blocks summed up into images, as `torch.nn.Fold`: [N, C · kernel, blocks] becomes [N, C, H, W].
 *
 * @example
 * new nn.Fold([4, 5], [2, 2])(torch.randn(1, 3 * 2 * 2, 12)).shape // [ 1, 3, 4, 5 ]
 */
export class Fold extends Folding {
  readonly outputSize: Size

  constructor(outputSize: Size, kernelSize: Size, ...args: FoldArguments) {
    super('Fold', kernelSize, args)
    this.outputSize = outputSize
  }

  override forward(input: Tensor): Tensor {
    return fold(input, this.outputSize, this.kernelSize, this.dilation, this.padding, this.stride)
  }

  override extraRepr(): string {
    return `output_size=${python(this.outputSize)}, ${super.extraRepr()}`
  }
}

/**
 * The blocks of images as columns, as `torch.nn.Unfold`: [N, C, H, W] becomes [N, C · kernel, blocks].
 *
 * @example
 * new nn.Unfold([2, 3])(torch.randn(2, 5, 3, 4)).shape // [ 2, 30, 4 ]
 */
export class Unfold extends Folding {
  constructor(kernelSize: Size, ...args: FoldArguments) {
    super('Unfold', kernelSize, args)
  }

  override forward(input: Tensor): Tensor {
    return unfold(input, this.kernelSize, this.dilation, this.padding, this.stride)
  }
}

/**
 * r² channels become r × r pixels, as `torch.nn.PixelShuffle`.
 *
 * @example
 * new nn.PixelShuffle(3)(torch.randn(1, 9, 4, 4)).shape // [ 1, 1, 12, 12 ]
 */
export class PixelShuffle extends Module {
  readonly upscaleFactor: number

  constructor(upscaleFactor: number) {
    super()
    this.upscaleFactor = upscaleFactor
  }

  override forward(input: Tensor): Tensor {
    return pixelShuffle(input, this.upscaleFactor)
  }

  override extraRepr(): string {
    return `upscale_factor=${this.upscaleFactor}`
  }
}

/**
 * r × r pixels become r² channels, as `torch.nn.PixelUnshuffle`.
 *
 * @example
 * new nn.PixelUnshuffle(3)(torch.randn(1, 1, 12, 12)).shape // [ 1, 9, 4, 4 ]
 */
export class PixelUnshuffle extends Module {
  readonly downscaleFactor: number

  constructor(downscaleFactor: number) {
    super()
    this.downscaleFactor = downscaleFactor
  }

  override forward(input: Tensor): Tensor {
    return pixelUnshuffle(input, this.downscaleFactor)
  }

  override extraRepr(): string {
    return `downscale_factor=${this.downscaleFactor}`
  }
}

/**
 * Channels taken in turns from groups, as `torch.nn.ChannelShuffle`.
 *
 * @example
 * new nn.ChannelShuffle(2)(torch.tensor([[[1], [2], [3], [4]]])).flatten().tolist() // [ 1, 3, 2, 4 ]
 */
export class ChannelShuffle extends Module {
  readonly groups: number

  constructor(groups: number) {
    super()
    this.groups = groups
  }

  override forward(input: Tensor): Tensor {
    return channelShuffle(input, this.groups)
  }

  override extraRepr(): string {
    return `groups=${this.groups}`
  }
}

/** What both response norms share. */
abstract class ResponseNorm extends Module {
  readonly size: number
  readonly alpha: number
  readonly beta: number
  readonly k: number

  protected constructor(name: string, size: number, args: readonly unknown[]) {
    super()
    const { alpha = 1e-4, beta = 0.75, k = 1 } = readArguments<LocalResponseNormOptions>(name, args, ['alpha', 'beta', 'k'])
    this.size = size
    this.alpha = alpha
    this.beta = beta
    this.k = k
  }
}

/**
 * Each element divided by (k + α · the mean square of `size` neighbouring channels)^β, as `torch.nn.LocalResponseNorm`.
 *
 * @example
 * new nn.LocalResponseNorm(2)(torch.randn(32, 5, 24, 24)).shape // [ 32, 5, 24, 24 ]
 */
export class LocalResponseNorm extends ResponseNorm {
  constructor(size: number, ...args: LocalResponseNormArguments) {
    super('LocalResponseNorm', size, args)
  }

  override forward(input: Tensor): Tensor {
    return localResponseNorm(input, this.size, this.alpha, this.beta, this.k)
  }

  override extraRepr(): string {
    const { size, alpha, beta, k } = this
    return `${size}, alpha=${pythonFloat(alpha)}, beta=${pythonFloat(beta)}, k=${pythonFloat(k)}`
  }
}

/**
 * The response norm of Torch 7 for [N, C, H, W], as `torch.nn.CrossMapLRN2d`: `LocalResponseNorm` but for which channels its
 * windows hold.
 *
 * @example
 * new nn.CrossMapLRN2d(5)(torch.randn(1, 8, 4, 4)).shape // [ 1, 8, 4, 4 ]
 */
export class CrossMapLRN2d extends ResponseNorm {
  constructor(size: number, ...args: LocalResponseNormArguments) {
    super('CrossMapLRN2d', size, args)
  }

  override forward(input: Tensor): Tensor {
    const { size, alpha, beta, k } = this
    return crossMapLrn2d(input, { size, alpha, beta, k })
  }

  override extraRepr(): string {
    const { size, alpha, beta, k } = this
    return `${size}, alpha=${pythonFloat(alpha)}, beta=${pythonFloat(beta)}, k=${python(k)}`
  }
}
