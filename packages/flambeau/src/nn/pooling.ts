/** Pooling layers. */

import { type Arguments, readArguments } from '../core/arguments.js'
import type { Shape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { type LpPoolOptions, lpPool1d, lpPool2d } from '../ops/localNorm.js'
import {
  type AdaptiveSize,
  type AvgPoolNdOptions,
  type AvgPoolOptions,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  type Pooled,
  poolSizes,
  type Size,
} from '../ops/pool.js'
import {
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  type FractionalMaxPoolOptions,
  fractionalMaxPool2d,
  fractionalMaxPool3d,
  type MaxUnpoolOptions,
  maxUnpool1d,
  maxUnpool2d,
  maxUnpool3d,
  type ReturnIndicesOptions,
} from '../ops/windowPool.js'
import { Module } from './module.js'
import { python } from './repr.js'

type MaxPoolArguments<R extends boolean> = Arguments<
  [stride: Size | null, padding: Size, dilation: Size, returnIndices: R, ceilMode: boolean],
  MaxPoolOptions<R>
>

/** What max pooling of any number of dimensions shares. */
abstract class MaxPoolNd<R extends boolean> extends Module {
  readonly kernelSize: Size
  readonly stride: Size
  readonly padding: Size
  readonly dilation: Size
  readonly returnIndices: boolean
  readonly ceilMode: boolean

  constructor(kernelSize: Size, ...args: MaxPoolArguments<R>) {
    super()
    const options = readArguments<MaxPoolOptions>('MaxPool', args, ['stride', 'padding', 'dilation', 'returnIndices', 'ceilMode'])
    this.kernelSize = kernelSize
    this.stride = options.stride ?? kernelSize
    this.padding = options.padding ?? 0
    this.dilation = options.dilation ?? 1
    this.returnIndices = options.returnIndices ?? false
    this.ceilMode = options.ceilMode ?? false
  }

  protected pool(run: typeof maxPool2d, input: Tensor): Pooled<R> {
    const { kernelSize, stride, padding, dilation, ceilMode, returnIndices } = this
    return run(input, kernelSize, stride, padding, dilation, ceilMode, returnIndices) as Pooled<R>
  }

  override extraRepr(): string {
    const { kernelSize, stride, padding, dilation, ceilMode } = this
    return `kernel_size=${python(kernelSize)}, stride=${python(stride)}, padding=${python(padding)}, dilation=${python(dilation)}, ceil_mode=${python(ceilMode)}`
  }
}

/**
 * The maximum of each window of [N, C, L] or [C, L], as `torch.nn.MaxPool1d`.
 *
 * @example
 * new nn.MaxPool1d(2)(torch.tensor([[1, 3, 2, 5]])).tolist() // [ [ 3, 5 ] ]
 */
export class MaxPool1d<R extends boolean = false> extends MaxPoolNd<R> {
  override forward(input: Tensor): Pooled<R> {
    return this.pool(maxPool1d, input)
  }
}

/**
 * The maximum of each window of [N, C, H, W] or [C, H, W], as `torch.nn.MaxPool2d`. Windows lie side by side unless a stride
 * is given; with `returnIndices` it answers `{ values, indices }`.
 *
 * @example
 * new nn.MaxPool2d(2)(torch.randn(1, 8, 28, 28)).shape // [ 1, 8, 14, 14 ]
 * const { values, indices } = new nn.MaxPool2d(2, { returnIndices: true })(torch.eye(4).unsqueeze(0))
 * indices.tolist() // [ [ [ 0, 2 ], [ 8, 10 ] ] ]
 */
export class MaxPool2d<R extends boolean = false> extends MaxPoolNd<R> {
  override forward(input: Tensor): Pooled<R> {
    return this.pool(maxPool2d, input)
  }
}

/**
 * The maximum of each window of [N, C, D, H, W] or [C, D, H, W], as `torch.nn.MaxPool3d`.
 *
 * @example
 * new nn.MaxPool3d(2)(torch.randn(1, 4, 4, 4)).shape // [ 1, 2, 2, 2 ]
 */
export class MaxPool3d<R extends boolean = false> extends MaxPoolNd<R> {
  override forward(input: Tensor): Pooled<R> {
    return this.pool(maxPool3d, input)
  }
}

const windowRepr = (kernelSize: Size, stride: Size, padding: Size): string =>
  `kernel_size=${python(kernelSize)}, stride=${python(stride)}, padding=${python(padding)}`

/**
 * The mean of each window of [N, C, L] or [C, L], as `torch.nn.AvgPool1d`.
 *
 * @example
 * new nn.AvgPool1d(2)(torch.tensor([[1, 3, 2, 6]])).tolist() // [ [ 2, 4 ] ]
 */
export class AvgPool1d extends Module {
  readonly kernelSize: Shape
  readonly stride: Shape
  readonly padding: Shape
  readonly ceilMode: boolean
  readonly countIncludePad: boolean

  constructor(
    kernelSize: Size,
    ...args: Arguments<[stride: Size | null, padding: Size, ceilMode: boolean, countIncludePad: boolean], AvgPoolOptions>
  ) {
    super()
    const options = readArguments<AvgPoolOptions>('AvgPool1d', args, ['stride', 'padding', 'ceilMode', 'countIncludePad'])
    this.kernelSize = single(kernelSize)
    this.stride = single(options.stride ?? kernelSize)
    this.padding = single(options.padding ?? 0)
    this.ceilMode = options.ceilMode ?? false
    this.countIncludePad = options.countIncludePad ?? true
  }

  override forward(input: Tensor): Tensor {
    return avgPool1d(input, this.kernelSize, this.stride, this.padding, this.ceilMode, this.countIncludePad)
  }

  override extraRepr(): string {
    return windowRepr(this.kernelSize, this.stride, this.padding)
  }
}
const single = (value: Size): Shape => (typeof value === 'number' ? [value] : value)

/** What average pooling of two and three dimensions shares. */
abstract class AvgPoolNd extends Module {
  readonly kernelSize: Size
  readonly stride: Size
  readonly padding: Size
  readonly ceilMode: boolean
  readonly countIncludePad: boolean
  readonly divisorOverride: number | null

  constructor(
    kernelSize: Size,
    ...args: Arguments<
      [stride: Size | null, padding: Size, ceilMode: boolean, countIncludePad: boolean, divisorOverride: number | null],
      AvgPoolNdOptions
    >
  ) {
    super()
    const options = readArguments<AvgPoolNdOptions>('AvgPool', args, [
      'stride',
      'padding',
      'ceilMode',
      'countIncludePad',
      'divisorOverride',
    ])
    this.kernelSize = kernelSize
    this.stride = options.stride ?? kernelSize
    this.padding = options.padding ?? 0
    this.ceilMode = options.ceilMode ?? false
    this.countIncludePad = options.countIncludePad ?? true
    this.divisorOverride = options.divisorOverride ?? null
  }

  protected pool(run: typeof avgPool2d, input: Tensor): Tensor {
    return run(input, this.kernelSize, this.stride, this.padding, this.ceilMode, this.countIncludePad, this.divisorOverride)
  }

  override extraRepr(): string {
    return windowRepr(this.kernelSize, this.stride, this.padding)
  }
}

/**
 * The mean of each window of [N, C, H, W] or [C, H, W], as `torch.nn.AvgPool2d`.
 *
 * @example
 * new nn.AvgPool2d(2)(torch.randn(1, 8, 28, 28)).shape // [ 1, 8, 14, 14 ]
 */
export class AvgPool2d extends AvgPoolNd {
  override forward(input: Tensor): Tensor {
    return this.pool(avgPool2d, input)
  }
}

/**
 * The mean of each window of [N, C, D, H, W] or [C, D, H, W], as `torch.nn.AvgPool3d`.
 *
 * @example
 * new nn.AvgPool3d(2)(torch.randn(1, 4, 4, 4)).shape // [ 1, 2, 2, 2 ]
 */
export class AvgPool3d extends AvgPoolNd {
  override forward(input: Tensor): Tensor {
    return this.pool(avgPool3d, input)
  }
}

/** What power-average pooling shares. */
abstract class LPPoolNd extends Module {
  readonly normType: number
  readonly kernelSize: Size
  readonly stride: Size | null
  readonly ceilMode: boolean

  constructor(normType: number, kernelSize: Size, ...args: Arguments<[stride: Size | null, ceilMode: boolean], LpPoolOptions>) {
    super()
    const { stride = null, ceilMode = false } = readArguments<LpPoolOptions>('LPPool', args, ['stride', 'ceilMode'])
    this.normType = normType
    this.kernelSize = kernelSize
    this.stride = stride
    this.ceilMode = ceilMode
  }

  override extraRepr(): string {
    const { normType, kernelSize, stride, ceilMode } = this
    return `norm_type=${python(normType)}, kernel_size=${python(kernelSize)}, stride=${python(stride)}, ceil_mode=${python(ceilMode)}`
  }
}

/**
 * (Σ xᵖ)^(1/p) over each window of [N, C, L] or [C, L], as `torch.nn.LPPool1d`.
 *
 * @example
 * new nn.LPPool1d(2, 2)(torch.tensor([[3, 4]])).tolist() // [ [ 5 ] ]
 */
export class LPPool1d extends LPPoolNd {
  override forward(input: Tensor): Tensor {
    return lpPool1d(input, this.normType, this.kernelSize, this.stride, this.ceilMode)
  }
}

/**
 * (Σ xᵖ)^(1/p) over each window of [N, C, H, W] or [C, H, W], as `torch.nn.LPPool2d`.
 *
 * @example
 * new nn.LPPool2d(2, 3, { stride: 2 })(torch.rand(1, 7, 7)).shape // [ 1, 3, 3 ]
 */
export class LPPool2d extends LPPoolNd {
  override forward(input: Tensor): Tensor {
    return lpPool2d(input, this.normType, this.kernelSize, this.stride, this.ceilMode)
  }
}

/** What adaptive average pooling shares. */
abstract class AdaptiveAvgPoolNd<S extends AdaptiveSize> extends Module {
  readonly outputSize: S

  constructor(outputSize: S) {
    super()
    this.outputSize = outputSize
  }

  override extraRepr(): string {
    return `output_size=${python(this.outputSize)}`
  }
}

/**
 * The means of `outputSize` windows that share [N, C, L] or [C, L] out, as `torch.nn.AdaptiveAvgPool1d`.
 *
 * @example
 * new nn.AdaptiveAvgPool1d(2)(torch.tensor([[1, 2, 3, 4]])).tolist() // [ [ 1.5, 3.5 ] ]
 */
export class AdaptiveAvgPool1d extends AdaptiveAvgPoolNd<Size> {
  override forward(input: Tensor): Tensor {
    return adaptiveAvgPool1d(input, this.outputSize)
  }
}

/**
 * The means of windows that share [N, C, H, W] or [C, H, W] out, as `torch.nn.AdaptiveAvgPool2d`. A size of null keeps that
 * of the input.
 *
 * @example
 * new nn.AdaptiveAvgPool2d([1, 1])(torch.randn(2, 512, 7, 7)).shape // [ 2, 512, 1, 1 ]
 */
export class AdaptiveAvgPool2d extends AdaptiveAvgPoolNd<AdaptiveSize> {
  override forward(input: Tensor): Tensor {
    return adaptiveAvgPool2d(input, this.outputSize)
  }
}

/**
 * The means of windows that share [N, C, D, H, W] or [C, D, H, W] out, as `torch.nn.AdaptiveAvgPool3d`.
 *
 * @example
 * new nn.AdaptiveAvgPool3d(3)(torch.randn(1, 4, 4, 4)).shape // [ 1, 3, 3, 3 ]
 */
export class AdaptiveAvgPool3d extends AdaptiveAvgPoolNd<AdaptiveSize> {
  override forward(input: Tensor): Tensor {
    return adaptiveAvgPool3d(input, this.outputSize)
  }
}

/** What adaptive max pooling shares. */
abstract class AdaptiveMaxPoolNd<S extends AdaptiveSize, R extends boolean> extends Module {
  readonly outputSize: S
  readonly returnIndices: boolean

  constructor(outputSize: S, ...args: Arguments<[returnIndices: R], ReturnIndicesOptions<R>>) {
    super()
    const { returnIndices } = readArguments<ReturnIndicesOptions>('AdaptiveMaxPool', args, ['returnIndices'])
    this.outputSize = outputSize
    this.returnIndices = returnIndices ?? false
  }

  override extraRepr(): string {
    return `output_size=${python(this.outputSize)}`
  }
}

/**
 * The maxima of `outputSize` windows that share [N, C, L] or [C, L] out, as `torch.nn.AdaptiveMaxPool1d`.
 *
 * @example
 * new nn.AdaptiveMaxPool1d(2)(torch.tensor([[1, 4, 3, 2, 5]])).tolist() // [ [ 4, 5 ] ]
 */
export class AdaptiveMaxPool1d<R extends boolean = false> extends AdaptiveMaxPoolNd<Size, R> {
  override forward(input: Tensor): Pooled<R> {
    return adaptiveMaxPool1d(input, this.outputSize, this.returnIndices) as Pooled<R>
  }
}

/**
 * The maxima of windows that share [N, C, H, W] or [C, H, W] out, as `torch.nn.AdaptiveMaxPool2d`. A size of null keeps that
 * of the input; with `returnIndices` it answers `{ values, indices }`.
 *
 * @example
 * new nn.AdaptiveMaxPool2d([5, null])(torch.randn(1, 64, 8, 9)).shape // [ 1, 64, 5, 9 ]
 */
export class AdaptiveMaxPool2d<R extends boolean = false> extends AdaptiveMaxPoolNd<AdaptiveSize, R> {
  override forward(input: Tensor): Pooled<R> {
    return adaptiveMaxPool2d(input, this.outputSize, this.returnIndices) as Pooled<R>
  }
}

/**
 * The maxima of windows that share [N, C, D, H, W] or [C, D, H, W] out, as `torch.nn.AdaptiveMaxPool3d`.
 *
 * @example
 * new nn.AdaptiveMaxPool3d(3)(torch.randn(1, 4, 4, 4)).shape // [ 1, 3, 3, 3 ]
 */
export class AdaptiveMaxPool3d<R extends boolean = false> extends AdaptiveMaxPoolNd<AdaptiveSize, R> {
  override forward(input: Tensor): Pooled<R> {
    return adaptiveMaxPool3d(input, this.outputSize, this.returnIndices) as Pooled<R>
  }
}

type FractionalArguments<R extends boolean> = Arguments<
  [outputSize: Size | null, outputRatio: Size | null, returnIndices: R, _randomSamples: Tensor | null],
  FractionalMaxPoolOptions<R>
>

/** What fractional max pooling shares. */
abstract class FractionalMaxPoolNd<R extends boolean> extends Module {
  readonly kernelSize: Shape
  readonly outputSize: Shape | null
  readonly outputRatio: Shape | null
  readonly returnIndices: boolean

  protected constructor(dims: number, kernelSize: Size, args: FractionalArguments<R>) {
    super()
    const name = `FractionalMaxPool${dims}d`
    const options = readArguments<FractionalMaxPoolOptions>(name, args, [
      'outputSize',
      'outputRatio',
      'returnIndices',
      '_randomSamples',
    ])
    const { outputSize = null, outputRatio = null, returnIndices = false, _randomSamples = null } = options
    const spread = (value: Size): Shape => (typeof value === 'number' ? new Array<number>(dims).fill(value) : value)
    this.kernelSize = poolSizes(name, 'kernel_size', kernelSize, dims)
    this.returnIndices = returnIndices
    if (_randomSamples !== null) this.registerBuffer('_random_samples', _randomSamples)
    this.outputSize = outputSize === null ? null : spread(outputSize)
    this.outputRatio = outputRatio === null ? null : spread(outputRatio)
    if (outputSize === null && outputRatio === null)
      throw new Error(`${name} requires specifying either an output size, or a pooling ratio`)
    if (outputSize !== null && outputRatio !== null) throw new Error('only one of output_size and output_ratio may be specified')
    if (this.outputRatio?.some((ratio) => !(ratio > 0 && ratio < 1)))
      throw new Error(`output_ratio must be between 0 and 1 (got ${python(outputRatio)})`)
  }

  protected pool(run: typeof fractionalMaxPool2d, input: Tensor): Pooled<R> {
    const { kernelSize, outputSize, outputRatio, returnIndices } = this
    const samples = (Reflect.get(this, '_random_samples') as Tensor | undefined) ?? null
    return run(input, kernelSize, outputSize, outputRatio, returnIndices, samples) as Pooled<R>
  }
}

/**
 * The maxima of windows at random places, as `torch.nn.FractionalMaxPool2d`: `outputSize` of them along each dimension of
 * [N, C, H, W] or [C, H, W], or `outputRatio` of the input's size.
 *
 * @throws Error unless one of `outputSize` and `outputRatio` is given.
 * @example
 * new nn.FractionalMaxPool2d(3, { outputSize: [13, 12] })(torch.randn(2, 4, 50, 32)).shape // [ 2, 4, 13, 12 ]
 */
export class FractionalMaxPool2d<R extends boolean = false> extends FractionalMaxPoolNd<R> {
  constructor(kernelSize: Size, ...args: FractionalArguments<R>) {
    super(2, kernelSize, args)
  }

  override forward(input: Tensor): Pooled<R> {
    return this.pool(fractionalMaxPool2d, input)
  }
}

/**
 * The maxima of windows at random places of [N, C, D, H, W] or [C, D, H, W], as `torch.nn.FractionalMaxPool3d`.
 *
 * @example
 * new nn.FractionalMaxPool3d(2, { outputRatio: 0.5 })(torch.randn(1, 8, 8, 8)).shape // [ 1, 4, 4, 4 ]
 */
export class FractionalMaxPool3d<R extends boolean = false> extends FractionalMaxPoolNd<R> {
  constructor(kernelSize: Size, ...args: FractionalArguments<R>) {
    super(3, kernelSize, args)
  }

  override forward(input: Tensor): Pooled<R> {
    return this.pool(fractionalMaxPool3d, input)
  }
}

type UnpoolArguments = Arguments<[stride: Size | null, padding: Size], Omit<MaxUnpoolOptions, 'outputSize'>>
type OutputSizeArguments = Arguments<[outputSize: Shape | null], Pick<MaxUnpoolOptions, 'outputSize'>>

/** What unpooling shares. */
abstract class MaxUnpoolNd extends Module {
  readonly kernelSize: Shape
  readonly stride: Shape
  readonly padding: Shape

  protected constructor(dims: number, kernelSize: Size, args: UnpoolArguments) {
    super()
    const name = `MaxUnpool${dims}d`
    const { stride, padding } = readArguments<MaxUnpoolOptions>(name, args, ['stride', 'padding'])
    this.kernelSize = poolSizes(name, 'kernel_size', kernelSize, dims)
    this.stride = poolSizes(name, 'stride', stride ?? kernelSize, dims)
    this.padding = poolSizes(name, 'padding', padding ?? 0, dims)
  }

  protected unpool(run: typeof maxUnpool2d, input: Tensor, indices: Tensor, args: OutputSizeArguments): Tensor {
    const { outputSize } = readArguments<MaxUnpoolOptions>('forward', args, ['outputSize'])
    return run(input, indices, this.kernelSize, this.stride, this.padding, outputSize ?? null)
  }

  override extraRepr(): string {
    return windowRepr(this.kernelSize, this.stride, this.padding)
  }
}

/**
 * The inverse of `MaxPool1d` as far as there is one, as `torch.nn.MaxUnpool1d`.
 *
 * @example
 * const { values, indices } = new nn.MaxPool1d(2, { returnIndices: true })(torch.tensor([[1, 3, 2, 5]]))
 * new nn.MaxUnpool1d(2)(values, indices).tolist() // [ [ 0, 3, 0, 5 ] ]
 */
export class MaxUnpool1d extends MaxUnpoolNd {
  constructor(kernelSize: Size, ...args: UnpoolArguments) {
    super(1, kernelSize, args)
  }

  override forward(input: Tensor, indices: Tensor, ...args: OutputSizeArguments): Tensor {
    return this.unpool(maxUnpool1d, input, indices, args)
  }
}

/**
 * The inverse of `MaxPool2d` as far as there is one, as `torch.nn.MaxUnpool2d`: the maxima go back to their places, everything
 * else is zero. `outputSize` picks one of the sizes that are pooled to the input's.
 *
 * @example
 * const { values, indices } = new nn.MaxPool2d(2, { returnIndices: true })(torch.rand(1, 1, 5, 5))
 * new nn.MaxUnpool2d(2)(values, indices, { outputSize: [5, 5] }).shape // [ 1, 1, 5, 5 ]
 */
export class MaxUnpool2d extends MaxUnpoolNd {
  constructor(kernelSize: Size, ...args: UnpoolArguments) {
    super(2, kernelSize, args)
  }

  override forward(input: Tensor, indices: Tensor, ...args: OutputSizeArguments): Tensor {
    return this.unpool(maxUnpool2d, input, indices, args)
  }
}

/**
 * The inverse of `MaxPool3d` as far as there is one, as `torch.nn.MaxUnpool3d`.
 *
 * @example
 * const { values, indices } = new nn.MaxPool3d(2, { returnIndices: true })(torch.rand(1, 4, 4, 4))
 * new nn.MaxUnpool3d(2)(values, indices).shape // [ 1, 4, 4, 4 ]
 */
export class MaxUnpool3d extends MaxUnpoolNd {
  constructor(kernelSize: Size, ...args: UnpoolArguments) {
    super(3, kernelSize, args)
  }

  override forward(input: Tensor, indices: Tensor, ...args: OutputSizeArguments): Tensor {
    return this.unpool(maxUnpool3d, input, indices, args)
  }
}
