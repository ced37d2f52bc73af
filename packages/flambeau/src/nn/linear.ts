/** Affine maps and changes of shape. */

import { type Arguments, readArguments } from '../core/arguments.js'
import type { DType } from '../core/dtype.js'
import type { Tensor } from '../core/tensor.js'
import { bilinear } from '../ops/bilinear.js'
import { empty } from '../ops/creation.js'
import { linear } from '../ops/matmul.js'
import { flatten, unflatten } from '../ops/view.js'
import { fans, kaimingUniform_, uniform_ } from './init.js'
import { hasUninitializedParameters, UninitializedParameter } from './lazy.js'
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
 * layer(torch.randn(128, 20)).shape // [ 128, 30 ]
 */
export class Linear extends Module {
  inFeatures: number
  outFeatures: number
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
 * A `Linear` that learns its number of inputs from the first one, as `torch.nn.LazyLinear`; it is a `Linear` from then on.
 *
 * @example
 * const layer = new nn.LazyLinear(8)
 * layer // LazyLinear(in_features=0, out_features=8, bias=True)
 * layer(torch.randn(2, 5)).shape // [ 2, 8 ]
 * layer // Linear(in_features=5, out_features=8, bias=True)
 */
export class LazyLinear extends Linear {
  constructor(outFeatures: number, ...args: Arguments<[bias: boolean], LinearOptions>) {
    const { bias = true, ...factory } = readArguments<LinearOptions>('LazyLinear', args, ['bias'], ['dtype', 'device'])
    super(0, 0, { ...factory, bias: false })
    this.outFeatures = outFeatures
    this.weight = new UninitializedParameter(factory)
    this.bias = bias ? new UninitializedParameter(factory) : null
  }

  override forward(input: Tensor): Tensor {
    this.inFeatures = input.shape.at(-1) ?? 0
    if (hasUninitializedParameters(this)) {
      if (this.weight instanceof UninitializedParameter) this.weight.materialize([this.outFeatures, this.inFeatures])
      if (this.bias instanceof UninitializedParameter) this.bias.materialize([this.outFeatures])
      this.resetParameters()
    }
    Object.setPrototypeOf(this, Linear.prototype)
    return this.forward(input)
  }
}

/**
 * x1 · weight[k] · x2 for every output k, plus bias, as `torch.nn.Bilinear`: [*, in1Features] and [*, in2Features] to
 * [*, outFeatures].
 *
 * @throws Error unless in1Features is positive.
 * @example
 * new nn.Bilinear(20, 30, 40)(torch.randn(128, 20), torch.randn(128, 30)).shape // [ 128, 40 ]
 */
export class Bilinear extends Module {
  readonly in1Features: number
  readonly in2Features: number
  readonly outFeatures: number
  /** [outFeatures, in1Features, in2Features] */
  weight: Parameter
  /** [outFeatures] */
  bias: Parameter | null

  constructor(in1Features: number, in2Features: number, outFeatures: number, ...args: Arguments<[bias: boolean], LinearOptions>) {
    super()
    if (!(in1Features > 0)) throw new Error(`in1_features must be > 0, but got ${in1Features}`)
    const { bias = true, ...factory } = readArguments<LinearOptions>('Bilinear', args, ['bias'], ['dtype', 'device'])
    this.in1Features = in1Features
    this.in2Features = in2Features
    this.outFeatures = outFeatures
    this.weight = new Parameter(empty([outFeatures, in1Features, in2Features], factory))
    this.bias = bias ? new Parameter(empty([outFeatures], factory)) : null
    this.resetParameters()
  }

  /** Draws weight and bias anew: uniform within ±1/√in1Features. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.weight.shape[1])
    uniform_(this.weight, -bound, bound)
    if (this.bias !== null) uniform_(this.bias, -bound, bound)
  }

  override forward(input1: Tensor, input2: Tensor): Tensor {
    return bilinear(input1, input2, this.weight, this.bias)
  }

  override extraRepr(): string {
    const { in1Features, in2Features, outFeatures } = this
    return `in1_features=${in1Features}, in2_features=${in2Features}, out_features=${outFeatures}, bias=${python(this.bias !== null)}`
  }
}

/**
 * Returns its input, as `torch.nn.Identity`; whatever it is constructed with is ignored.
 *
 * @example
 * new nn.Identity(54, { unused: 0.1 })(torch.ones(2)) // tensor([1., 1.])
 */
export class Identity extends Module {
  constructor(..._ignored: unknown[]) {
    super()
  }

  override forward(input: Tensor): Tensor {
    return input
  }
}

export interface FlattenOptions {
  startDim?: number
  endDim?: number
}
/**
 * Merges dimensions `startDim` to `endDim` into one, as `torch.nn.Flatten`: the first, the batch, stays by default.
 *
 * @example
 * new nn.Flatten()(torch.zeros(32, 1, 5, 5)).shape // [ 32, 25 ]
 */
export class Flatten extends Module {
  readonly startDim: number
  readonly endDim: number

  constructor(...args: Arguments<[startDim: number, endDim: number], FlattenOptions>) {
    super()
    const { startDim = 1, endDim = -1 } = readArguments<FlattenOptions>('Flatten', args, ['startDim', 'endDim'])
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

/**
 * Splits one dimension into several, as `torch.nn.Unflatten`. One of the sizes may be −1.
 *
 * @example
 * new nn.Unflatten(1, [2, 5, 5])(torch.zeros(3, 50)).shape // [ 3, 2, 5, 5 ]
 */
export class Unflatten extends Module {
  readonly dim: number
  readonly unflattenedSize: readonly number[]

  constructor(dim: number, unflattenedSize: readonly number[]) {
    super()
    if (!Array.isArray(unflattenedSize))
      throw new TypeError(`unflattened_size must be a tuple of ints, but found type ${typeof unflattenedSize}`)
    unflattenedSize.forEach((size, i) => {
      if (!Number.isInteger(size))
        throw new TypeError(`unflattened_size must be tuple of ints, but found element of type ${typeof size} at pos ${i}`)
    })
    this.dim = dim
    this.unflattenedSize = unflattenedSize
  }

  override forward(input: Tensor): Tensor {
    return unflatten(input, this.dim, this.unflattenedSize)
  }

  override extraRepr(): string {
    return `dim=${this.dim}, unflattened_size=${python(this.unflattenedSize)}`
  }
}
