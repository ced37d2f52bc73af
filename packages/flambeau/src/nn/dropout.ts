/** Dropout as modules: random while training, nothing in evaluation mode. */

import { type Arguments, readArguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import { alphaDropout, dropout, featureAlphaDropout, type RReluOptions, rrelu } from '../ops/dropout.js'
import { dropout1d, dropout2d, dropout3d } from './functional/dropout.js'
import { Module } from './module.js'
import { python, pythonFloat } from './repr.js'

export interface DropoutModuleOptions {
  /** The probability of an element, or of a channel, to become 0. */
  p?: number
  /** Write the result over the input. */
  inplace?: boolean
}

/** What all dropouts share. */
abstract class DropoutBase extends Module {
  readonly p: number
  readonly inplace: boolean

  constructor(...args: Arguments<[p: number, inplace: boolean], DropoutModuleOptions>) {
    super()
    const { p = 0.5, inplace = false } = readArguments<DropoutModuleOptions>(new.target.name, args, ['p', 'inplace'])
    if (!(p >= 0 && p <= 1)) throw new Error(`dropout probability has to be between 0 and 1, but got ${p}`)
    this.p = p
    this.inplace = inplace
  }

  override extraRepr(): string {
    return `p=${pythonFloat(this.p)}, inplace=${python(this.inplace)}`
  }
}

/**
 * Zeros each element with probability p while training and scales the others by 1/(1 − p), as `torch.nn.Dropout`; in
 * evaluation mode it returns its input.
 *
 * @throws Error for a p outside [0, 1].
 * @example
 * new nn.Dropout(0.2).eval()(torch.ones(3)) // tensor([1., 1., 1.])
 */
export class Dropout extends DropoutBase {
  override forward(input: Tensor): Tensor {
    return this.training ? dropout(input, this.p, true, this.inplace) : input
  }
}

/**
 * Dropout of whole channels of [N, C, L] or [C, L], as `torch.nn.Dropout1d`.
 *
 * @example
 * new nn.Dropout1d(0.2)(torch.ones(2, 3, 4)).shape // [ 2, 3, 4 ]
 */
export class Dropout1d extends DropoutBase {
  override forward(input: Tensor): Tensor {
    return dropout1d(input, this.p, this.training, this.inplace)
  }
}

/**
 * Dropout of whole channels of [N, C, H, W], as `torch.nn.Dropout2d`.
 *
 * @example
 * new nn.Dropout2d(0.2)(torch.ones(2, 3, 4, 4)).shape // [ 2, 3, 4, 4 ]
 */
export class Dropout2d extends DropoutBase {
  override forward(input: Tensor): Tensor {
    return dropout2d(input, this.p, this.training, this.inplace)
  }
}

/**
 * Dropout of whole channels of [N, C, D, H, W] or [C, D, H, W], as `torch.nn.Dropout3d`.
 *
 * @example
 * new nn.Dropout3d({ p: 0.2 })(torch.ones(2, 3, 4, 4, 4)).shape // [ 2, 3, 4, 4, 4 ]
 */
export class Dropout3d extends DropoutBase {
  override forward(input: Tensor): Tensor {
    return dropout3d(input, this.p, this.training, this.inplace)
  }
}

/**
 * Dropout that keeps mean 0 and deviation 1, to go with SELU, as `torch.nn.AlphaDropout`.
 *
 * @example
 * new nn.AlphaDropout(0.2).eval()(torch.ones(3)) // tensor([1., 1., 1.])
 */
export class AlphaDropout extends DropoutBase {
  override forward(input: Tensor): Tensor {
    return this.training ? alphaDropout(input, this.p, true, this.inplace) : input
  }
}

/**
 * `AlphaDropout` of whole channels of [N, C, …], as `torch.nn.FeatureAlphaDropout`.
 *
 * @example
 * new nn.FeatureAlphaDropout(0.2).eval()(torch.ones(1, 3)) // tensor([[1., 1., 1.]])
 */
export class FeatureAlphaDropout extends DropoutBase {
  override forward(input: Tensor): Tensor {
    return this.training ? featureAlphaDropout(input, this.p, true, this.inplace) : input
  }
}

export type RReLUOptions = Omit<RReluOptions, 'training' | 'generator'>
/**
 * x where positive, elsewhere x times a slope drawn from [lower, upper) while training and times their mean in evaluation
 * mode, as `torch.nn.RReLU`.
 *
 * @example
 * new nn.RReLU(0.25, 0.75).eval()(torch.tensor([-3, 2])) // tensor([-1.5000,  2.0000])
 */
export class RReLU extends Module {
  readonly lower: number
  readonly upper: number
  readonly inplace: boolean

  constructor(...args: Arguments<[lower: number, upper: number, inplace: boolean], RReLUOptions>) {
    super()
    const {
      lower = 1 / 8,
      upper = 1 / 3,
      inplace = false,
    } = readArguments<RReLUOptions>('RReLU', args, ['lower', 'upper', 'inplace'])
    this.lower = lower
    this.upper = upper
    this.inplace = inplace
  }

  override forward(input: Tensor): Tensor {
    return rrelu(input, this.lower, this.upper, this.training, this.inplace)
  }

  override extraRepr(): string {
    return `lower=${pythonFloat(this.lower)}, upper=${pythonFloat(this.upper)}${this.inplace ? ', inplace=True' : ''}`
  }
}
