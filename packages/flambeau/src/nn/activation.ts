/** Activations as modules. */

import type { Tensor } from '../core/tensor.js'
import { type GeluOptions, gelu, leakyRelu, relu, silu } from '../ops/activation.js'
import { sigmoid, tanh } from '../ops/elementary.js'
import { logSoftmax, softmax } from '../ops/softmax.js'
import type { InplaceOptions } from './functional.js'
import { Module } from './module.js'
import { python, pythonFloat } from './repr.js'

/** What activations that can work in place share. */
abstract class InplaceActivation extends Module {
  readonly inplace: boolean

  constructor(options: InplaceOptions = {}) {
    super()
    this.inplace = options.inplace ?? false
  }

  override extraRepr(): string {
    return this.inplace ? 'inplace=True' : ''
  }
}

/** max(x, 0), as `torch.nn.ReLU`. */
export class ReLU extends InplaceActivation {
  override forward(input: Tensor): Tensor {
    return this.inplace ? relu.inPlace(input) : relu(input)
  }
}

/** x · sigmoid(x), as `torch.nn.SiLU`. */
export class SiLU extends InplaceActivation {
  override forward(input: Tensor): Tensor {
    return this.inplace ? silu.inPlace(input) : silu(input)
  }
}

/** x where positive, negativeSlope · x elsewhere, as `torch.nn.LeakyReLU`. */
export class LeakyReLU extends InplaceActivation {
  readonly negativeSlope: number

  constructor(negativeSlope = 0.01, options: InplaceOptions = {}) {
    super(options)
    this.negativeSlope = negativeSlope
  }

  override forward(input: Tensor): Tensor {
    return this.inplace ? leakyRelu.inPlace(input, this.negativeSlope) : leakyRelu(input, this.negativeSlope)
  }

  override extraRepr(): string {
    return `negative_slope=${pythonFloat(this.negativeSlope)}${this.inplace ? ', inplace=True' : ''}`
  }
}

/** 1 / (1 + e^−x), as `torch.nn.Sigmoid`. */
export class Sigmoid extends Module {
  override forward(input: Tensor): Tensor {
    return sigmoid(input)
  }
}

/** The hyperbolic tangent, as `torch.nn.Tanh`. */
export class Tanh extends Module {
  override forward(input: Tensor): Tensor {
    return tanh(input)
  }
}

/** x · Φ(x), as `torch.nn.GELU`. */
export class GELU extends Module {
  readonly approximate: NonNullable<GeluOptions['approximate']>

  constructor(options: GeluOptions = {}) {
    super()
    this.approximate = options.approximate ?? 'none'
  }

  override forward(input: Tensor): Tensor {
    return gelu(input, { approximate: this.approximate })
  }

  override extraRepr(): string {
    return `approximate=${python(this.approximate)}`
  }
}

/** e^x / Σ e^x along `dim`, as `torch.nn.Softmax`. */
export class Softmax extends Module {
  readonly dim: number

  constructor(dim: number) {
    super()
    this.dim = dim
  }

  override forward(input: Tensor): Tensor {
    return softmax(input, this.dim)
  }

  override extraRepr(): string {
    return `dim=${this.dim}`
  }
}

/** x − ln Σ e^x along `dim`, as `torch.nn.LogSoftmax`. */
export class LogSoftmax extends Module {
  readonly dim: number

  constructor(dim: number) {
    super()
    this.dim = dim
  }

  override forward(input: Tensor): Tensor {
    return logSoftmax(input, this.dim)
  }

  override extraRepr(): string {
    return `dim=${this.dim}`
  }
}
