/** Layers that normalise every sample by itself. */

import { type Arguments, readArguments } from '../core/arguments.js'
import type { Shape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { empty } from '../ops/creation.js'
import { groupNorm, nativeLayerNorm, rmsNorm } from '../ops/layerNorm.js'
import { ones_, zeros_ } from './init.js'
import type { FactoryOptions } from './linear.js'
import { Module } from './module.js'
import { Parameter } from './parameter.js'
import { python, pythonFloat } from './repr.js'

const factoryNames = ['dtype', 'device'] as const

export interface LayerNormModuleOptions extends FactoryOptions {
  /** Added to the variance. */
  eps?: number
  /** Whether weight and bias are learnt. */
  elementwiseAffine?: boolean
  /** Whether there is a bias where weight and bias are learnt. */
  bias?: boolean
}

/**
 * `(x − mean) / √(variance + eps) · weight + bias` over the last dimensions, whose sizes `normalizedShape` is, as
 * `torch.nn.LayerNorm`.
 *
 * @throws Error `Given normalized_shape=[3], expected input with shape [*, 3], but got input of size[3, 4]`
 * @example
 * const layer = new nn.LayerNorm([3, 4], { eps: 1e-3 })
 * layer // LayerNorm((3, 4), eps=0.001, elementwise_affine=True)
 * layer(torch.randn(2, 3, 4)).shape // [ 2, 3, 4 ]
 */
export class LayerNorm extends Module {
  readonly normalizedShape: Shape
  readonly eps: number
  readonly elementwiseAffine: boolean
  /** Of shape `normalizedShape`. */
  weight: Parameter | null
  /** Of shape `normalizedShape`. */
  bias: Parameter | null

  constructor(
    normalizedShape: number | Shape,
    ...args: Arguments<[eps: number, elementwiseAffine: boolean, bias: boolean], LayerNormModuleOptions>
  ) {
    super()
    const names = ['eps', 'elementwiseAffine', 'bias'] as const
    const given = readArguments<LayerNormModuleOptions>('LayerNorm', args, names, factoryNames)
    const { eps = 1e-5, elementwiseAffine = true, bias = true, ...factory } = given
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : [...normalizedShape]
    this.eps = eps
    this.elementwiseAffine = elementwiseAffine
    const parameter = (): Parameter => new Parameter(empty(this.normalizedShape, factory))
    this.weight = elementwiseAffine ? parameter() : null
    this.bias = elementwiseAffine && bias ? parameter() : null
    this.resetParameters()
  }

  /** Weight 1, bias 0. */
  resetParameters(): void {
    if (this.weight !== null) ones_(this.weight)
    if (this.bias !== null) zeros_(this.bias)
  }

  override forward(input: Tensor): Tensor {
    return nativeLayerNorm(input, this.normalizedShape, this.weight, this.bias, this.eps)[0]
  }

  override extraRepr(): string {
    const { normalizedShape, eps, elementwiseAffine } = this
    return `${python(normalizedShape)}, eps=${pythonFloat(eps)}, elementwise_affine=${python(elementwiseAffine)}`
  }
}

export interface RMSNormModuleOptions extends FactoryOptions {
  /** Added to the mean square; the dtype's epsilon unless given. */
  eps?: number | null
  /** Whether a weight is learnt. */
  elementwiseAffine?: boolean
}

/**
 * `x / √(mean(x²) + eps) · weight` over the last dimensions, whose sizes `normalizedShape` is, as `torch.nn.RMSNorm`.
 *
 * @example
 * const layer = new nn.RMSNorm(2)
 * layer // RMSNorm((2,), eps=None, elementwise_affine=True)
 * layer(torch.tensor([[3, 4]])).detach() // tensor([[0.8485, 1.1314]])
 */
export class RMSNorm extends Module {
  readonly normalizedShape: Shape
  readonly eps: number | null
  readonly elementwiseAffine: boolean
  /** Of shape `normalizedShape`. */
  weight: Parameter | null

  constructor(
    normalizedShape: number | Shape,
    ...args: Arguments<[eps: number | null, elementwiseAffine: boolean], RMSNormModuleOptions>
  ) {
    super()
    const given = readArguments<RMSNormModuleOptions>('RMSNorm', args, ['eps', 'elementwiseAffine'], factoryNames)
    const { eps = null, elementwiseAffine = true, ...factory } = given
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : [...normalizedShape]
    this.eps = eps
    this.elementwiseAffine = elementwiseAffine
    this.weight = elementwiseAffine ? new Parameter(empty(this.normalizedShape, factory)) : null
    this.resetParameters()
  }

  /** Weight 1. */
  resetParameters(): void {
    if (this.weight !== null) ones_(this.weight)
  }

  override forward(input: Tensor): Tensor {
    return rmsNorm(input, this.normalizedShape, this.weight, this.eps)
  }

  override extraRepr(): string {
    const { normalizedShape, eps, elementwiseAffine } = this
    const added = eps === null ? 'None' : pythonFloat(eps)
    return `${python(normalizedShape)}, eps=${added}, elementwise_affine=${python(elementwiseAffine)}`
  }
}

export interface GroupNormModuleOptions extends FactoryOptions {
  /** Added to the variance. */
  eps?: number
  /** Whether weight and bias are learnt. */
  affine?: boolean
}

/**
 * The channels of [N, C, …] in groups, each normalised by its mean and variance within a sample, as `torch.nn.GroupNorm`.
 *
 * @throws Error `num_channels must be divisible by num_groups`
 * @example
 * const layer = new nn.GroupNorm(3, 6)
 * layer // GroupNorm(3, 6, eps=1e-05, affine=True)
 * layer(torch.randn(2, 6, 4, 4)).shape // [ 2, 6, 4, 4 ]
 */
export class GroupNorm extends Module {
  readonly numGroups: number
  readonly numChannels: number
  readonly eps: number
  readonly affine: boolean
  /** [numChannels] */
  weight: Parameter | null
  /** [numChannels] */
  bias: Parameter | null

  constructor(
    numGroups: number,
    numChannels: number,
    ...args: Arguments<[eps: number, affine: boolean], GroupNormModuleOptions>
  ) {
    super()
    const given = readArguments<GroupNormModuleOptions>('GroupNorm', args, ['eps', 'affine'], factoryNames)
    const { eps = 1e-5, affine = true, ...factory } = given
    if (numChannels % numGroups !== 0) throw new Error('num_channels must be divisible by num_groups')
    this.numGroups = numGroups
    this.numChannels = numChannels
    this.eps = eps
    this.affine = affine
    this.weight = affine ? new Parameter(empty([numChannels], factory)) : null
    this.bias = affine ? new Parameter(empty([numChannels], factory)) : null
    this.resetParameters()
  }

  /** Weight 1, bias 0. */
  resetParameters(): void {
    if (this.weight !== null) ones_(this.weight)
    if (this.bias !== null) zeros_(this.bias)
  }

  override forward(input: Tensor): Tensor {
    return groupNorm(input, this.numGroups, this.weight, this.bias, this.eps)
  }

  override extraRepr(): string {
    const { numGroups, numChannels, eps, affine } = this
    return `${numGroups}, ${numChannels}, eps=${pythonFloat(eps)}, affine=${python(affine)}`
  }
}
