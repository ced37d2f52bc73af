/** Affine maps and changes of shape. */

import { type Arguments, readArguments } from '../core/arguments.js'
import type { DType } from '../core/dtype.js'
import type { Tensor } from '../core/tensor.js'
import { empty } from '../ops/creation.js'
import { linear } from '../ops/matmul.js'
import { flatten } from '../ops/view.js'
import { fans, kaimingUniform_, uniform_ } from './init.js'
import { Module } from './module.js'
import { Parameter } from './parameter.js'
import { python } from './repr.js'

/** Where a module's parameters are and what dtype they have. */
export interface FactoryOptions {
  dtype?: DType
  device?: string
}

export interface LinearOptions extends FactoryOptions {
  /** Whether a bias is added. */
  bias?: boolean
}

/** PyTorch's default: uniform within ±1/√fanIn for weight and bias alike. */
export function resetWeightAndBias(weight: Parameter, bias: Parameter | null): void {
  kaimingUniform_(weight, { a: Math.sqrt(5) })
  if (bias === null) return
  const { fanIn } = fans(weight)
  const bound = fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0
  uniform_(bias, -bound, bound)
}

/**
 * `x · weightᵀ + bias`, as `torch.nn.Linear`: [..., inFeatures] to [..., outFeatures].
 *
 * @example
 * const layer = new nn.Linear(20, 30)
 * layer(torch.randn(128, 20)).shape // [128, 30]
 */
export class Linear extends Module {
  readonly inFeatures: number
  readonly outFeatures: number
  /** [outFeatures, inFeatures] */
  weight: Parameter
  /** [outFeatures] */
  bias: Parameter | null

  constructor(inFeatures: number, outFeatures: number, ...args: Arguments<[bias: boolean], LinearOptions>) {
    super()
    const { bias = true, ...factory } = readArguments<LinearOptions>('Linear', args, ['bias'], ['dtype', 'device'])
    this.inFeatures = inFeatures
    this.outFeatures = outFeatures
    this.weight = new Parameter(empty([outFeatures, inFeatures], factory))
    this.bias = bias ? new Parameter(empty([outFeatures], factory)) : null
    this.resetParameters()
  }

  /** Draws weight and bias anew. */
  resetParameters(): void {
    resetWeightAndBias(this.weight, this.bias)
  }

  override forward(input: Tensor): Tensor {
    return linear(input, this.weight, this.bias)
  }

  override extraRepr(): string {
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, bias=${python(this.bias !== null)}`
  }
}

/**
 * Returns its input, as `torch.nn.Identity`; whatever it is constructed with is ignored.
 *
 * @example
 * new nn.Identity()(torch.tensor([1, 2])).tolist() // [1, 2]
 */
export class Identity extends Module {
  constructor(..._ignored: unknown[]) {
    super()
  }

  override forward(input: Tensor): Tensor {
    return input
  }
}

/**
 * Merges dimensions `startDim` to `endDim` into one, as `torch.nn.Flatten`: the first, the batch, stays by default.
 *
 * @example
 * new nn.Flatten()(torch.zeros(2, 3, 4)).shape // [2, 12]
 */
export class Flatten extends Module {
  readonly startDim: number
  readonly endDim: number

  constructor(startDim = 1, endDim = -1) {
    super()
    this.startDim = startDim
    this.endDim = endDim
  }

  override forward(input: Tensor): Tensor {
    return flatten(input, this.startDim, this.endDim)
  }

  override extraRepr(): string {
    return `start_dim=${this.startDim}, end_dim=${this.endDim}`
  }
}
