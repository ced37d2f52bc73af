/** Activations as modules. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { getDefaultDtype } from '../core/dtype.js'
import type { Tensor } from '../core/tensor.js'
import { type GeluOptions, gelu, leakyRelu, relu, silu } from '../ops/activation.js'
import { full } from '../ops/creation.js'
import { sigmoid, tanh } from '../ops/elementary.js'
import * as ops from '../ops/nonlinear.js'
import type { LeakyReluOptions } from './functional/activation.js'
import type { FactoryOptions } from './linear.js'
import { Module } from './module.js'
import { Parameter } from './parameter.js'
import { python, pythonFloat } from './repr.js'

type InplaceArguments = Arguments<[inplace: boolean], ops.InplaceOptions>

/** What activations that can work in place share. */
abstract class InplaceActivation extends Module {
  readonly inplace: boolean

  constructor(inplace: boolean | undefined) {
    super()
    this.inplace = inplace ?? false
  }

  /** The settings before `inplace`, as they are printed. */
  protected settings(): string {
    return ''
  }

  override extraRepr(): string {
    return [this.settings(), this.inplace ? 'inplace=True' : ''].filter((part) => part !== '').join(', ')
  }
}

/** Those that have no other argument. */
abstract class SimpleActivation extends InplaceActivation {
  constructor(...args: InplaceArguments) {
    super(readArguments<ops.InplaceOptions>(new.target.name, args, ['inplace']).inplace)
  }
}

/**
 * max(x, 0), as `torch.nn.ReLU`. Any shape.
 *
 * @example
 * new nn.ReLU()(torch.tensor([-1, 2])) // tensor([0., 2.])
 * new nn.ReLU({ inplace: true }) // ReLU(inplace=True)
 */
export class ReLU extends SimpleActivation {
  override forward(input: Tensor): Tensor {
    return this.inplace ? relu.inPlace(input) : relu(input)
  }
}

/**
 * x · sigmoid(x), as `torch.nn.SiLU`.
 *
 * @example
 * new nn.SiLU()(torch.tensor([-1, 2])) // tensor([-0.2689,  1.7616])
 */
export class SiLU extends SimpleActivation {
  override forward(input: Tensor): Tensor {
    return this.inplace ? silu.inPlace(input) : silu(input)
  }
}

/**
 * x · tanh(ln(1 + e^x)), as `torch.nn.Mish`.
 *
 * @example
 * new nn.Mish()(torch.tensor([-1, 2])) // tensor([-0.3034,  1.9440])
 */
export class Mish extends SimpleActivation {
  override forward(input: Tensor): Tensor {
    return this.inplace ? ops.mish.inPlace(input) : ops.mish(input)
  }
}

/**
 * The self-normalizing ELU, as `torch.nn.SELU`.
 *
 * @example
 * new nn.SELU()(torch.tensor([-1, 2])) // tensor([-1.1113,  2.1014])
 */
export class SELU extends SimpleActivation {
  override forward(input: Tensor): Tensor {
    return this.inplace ? ops.selu.inPlace(input) : ops.selu(input)
  }
}

/**
 * x/6 + 1/2 limited to [0, 1], as `torch.nn.Hardsigmoid`.
 *
 * @example
 * new nn.Hardsigmoid()(torch.tensor([-4, 0, 1.5])) // tensor([0.0000, 0.5000, 0.7500])
 */
export class Hardsigmoid extends SimpleActivation {
  override forward(input: Tensor): Tensor {
    return this.inplace ? ops.hardsigmoid.inPlace(input) : ops.hardsigmoid(input)
  }

  // PyTorch prints nothing here.
  override extraRepr(): string {
    return ''
  }
}

/**
 * x · hardsigmoid(x), as `torch.nn.Hardswish`.
 *
 * @example
 * new nn.Hardswish()(torch.tensor([0, 1.5])) // tensor([0.0000, 1.1250])
 */
export class Hardswish extends SimpleActivation {
  override forward(input: Tensor): Tensor {
    return this.inplace ? ops.hardswish.inPlace(input) : ops.hardswish(input)
  }

  override extraRepr(): string {
    return ''
  }
}

/** What ELU and CELU share. */
abstract class AlphaActivation extends InplaceActivation {
  readonly alpha: number

  constructor(...args: Arguments<[alpha: number, inplace: boolean], ops.EluOptions>) {
    const { alpha = 1, inplace } = readArguments<ops.EluOptions>(new.target.name, args, ['alpha', 'inplace'])
    super(inplace)
    this.alpha = alpha
  }

  protected override settings(): string {
    return `alpha=${pythonFloat(this.alpha)}`
  }
}

/**
 * x where positive, alpha · (e^x − 1) elsewhere, as `torch.nn.ELU`.
 *
 * @example
 * new nn.ELU()(torch.tensor([-1, 2])) // tensor([-0.6321,  2.0000])
 */
export class ELU extends AlphaActivation {
  override forward(input: Tensor): Tensor {
    return this.inplace ? ops.elu.inPlace(input, this.alpha) : ops.elu(input, this.alpha)
  }
}

/**
 * x where positive, alpha · (e^(x/alpha) − 1) elsewhere, as `torch.nn.CELU`.
 *
 * @example
 * new nn.CELU(2)(torch.tensor([-1, 2])) // tensor([-0.7869,  2.0000])
 */
export class CELU extends AlphaActivation {
  override forward(input: Tensor): Tensor {
    return this.inplace ? ops.celu.inPlace(input, this.alpha) : ops.celu(input, this.alpha)
  }
}

/**
 * x where positive, negativeSlope · x elsewhere, as `torch.nn.LeakyReLU`.
 *
 * @example
 * new nn.LeakyReLU(0.1)(torch.tensor([-1, 2])) // tensor([-0.1000,  2.0000])
 * new nn.LeakyReLU(0.1, { inplace: true }) // LeakyReLU(negative_slope=0.1, inplace=True)
 */
export class LeakyReLU extends InplaceActivation {
  readonly negativeSlope: number

  constructor(...args: Arguments<[negativeSlope: number, inplace: boolean], LeakyReluOptions>) {
    const { negativeSlope = 0.01, inplace } = readArguments<LeakyReluOptions>('LeakyReLU', args, ['negativeSlope', 'inplace'])
    super(inplace)
    this.negativeSlope = negativeSlope
  }

  override forward(input: Tensor): Tensor {
    return this.inplace ? leakyRelu.inPlace(input, this.negativeSlope) : leakyRelu(input, this.negativeSlope)
  }

  protected override settings(): string {
    return `negative_slope=${pythonFloat(this.negativeSlope)}`
  }
}

/**
 * x limited to [minVal, maxVal], as `torch.nn.Hardtanh`.
 *
 * @throws Error unless maxVal is larger than minVal.
 * @example
 * new nn.Hardtanh(-2, 2)(torch.tensor([-3, 0.5, 3])) // tensor([-2.0000,  0.5000,  2.0000])
 */
export class Hardtanh extends InplaceActivation {
  readonly minVal: number
  readonly maxVal: number

  constructor(...args: Arguments<[minVal: number, maxVal: number, inplace: boolean], ops.HardtanhOptions>) {
    const {
      minVal = -1,
      maxVal = 1,
      inplace,
    } = readArguments<ops.HardtanhOptions>('Hardtanh', args, ['minVal', 'maxVal', 'inplace'])
    super(inplace)
    if (!(maxVal > minVal)) throw new Error('max_val must be larger than min_val')
    this.minVal = minVal
    this.maxVal = maxVal
  }

  override forward(input: Tensor): Tensor {
    const { minVal, maxVal } = this
    return this.inplace ? ops.hardtanh.inPlace(input, minVal, maxVal) : ops.hardtanh(input, minVal, maxVal)
  }

  protected override settings(): string {
    return `min_val=${pythonFloat(this.minVal)}, max_val=${pythonFloat(this.maxVal)}`
  }
}

/**
 * x limited to [0, 6], as `torch.nn.ReLU6`.
 *
 * @example
 * new nn.ReLU6()(torch.tensor([-3, 0.5, 9])) // tensor([0.0000, 0.5000, 6.0000])
 */
export class ReLU6 extends Hardtanh {
  constructor(...args: InplaceArguments) {
    super(0, 6, readArguments<ops.InplaceOptions>('ReLU6', args, ['inplace']).inplace ?? false)
  }

  protected override settings(): string {
    return ''
  }
}

/**
 * x above the threshold, `value` elsewhere, as `torch.nn.Threshold`.
 *
 * @example
 * new nn.Threshold(0.5, 9)(torch.tensor([-1, 0.5, 2])) // tensor([9., 9., 2.])
 */
export class Threshold extends InplaceActivation {
  readonly threshold: number
  readonly value: number

  constructor(threshold: number, value: number, ...args: InplaceArguments) {
    super(readArguments<ops.InplaceOptions>('Threshold', args, ['inplace']).inplace)
    this.threshold = threshold
    this.value = value
  }

  override forward(input: Tensor): Tensor {
    return ops.threshold(input, this.threshold, this.value, this.inplace)
  }

  protected override settings(): string {
    return `threshold=${python(this.threshold)}, value=${python(this.value)}`
  }
}

export interface PReluOptions extends FactoryOptions {
  /** One slope, or one per channel (dimension 1). */
  numParameters?: number
  /** What the slopes begin with. */
  init?: number
}
/**
 * x where positive, weight · x elsewhere, with learned slopes, as `torch.nn.PReLU`.
 *
 * @example
 * new nn.PReLU()(torch.tensor([-1, 2])).tolist() // [ -0.25, 2 ]
 */
export class PReLU extends Module {
  readonly numParameters: number
  /** [numParameters] */
  weight: Parameter

  constructor(...args: Arguments<[numParameters: number, init: number], PReluOptions>) {
    super()
    const {
      numParameters = 1,
      init = 0.25,
      dtype,
      device,
    } = readArguments<PReluOptions>('PReLU', args, ['numParameters', 'init'], ['dtype', 'device'])
    this.numParameters = numParameters
    this.weight = new Parameter(full([numParameters], init, { dtype: dtype ?? getDefaultDtype(), device }))
  }

  override forward(input: Tensor): Tensor {
    return ops.prelu(input, this.weight)
  }

  override extraRepr(): string {
    return `num_parameters=${this.numParameters}`
  }
}

/**
 * 1 / (1 + e^−x), as `torch.nn.Sigmoid`.
 *
 * @example
 * new nn.Sigmoid()(torch.tensor([0, 2])) // tensor([0.5000, 0.8808])
 */
export class Sigmoid extends Module {
  override forward(input: Tensor): Tensor {
    return sigmoid(input)
  }
}

/**
 * ln(1 / (1 + e^−x)), as `torch.nn.LogSigmoid`.
 *
 * @example
 * new nn.LogSigmoid()(torch.tensor([0, 2])) // tensor([-0.6931, -0.1269])
 */
export class LogSigmoid extends Module {
  override forward(input: Tensor): Tensor {
    return ops.logsigmoid(input)
  }
}

/**
 * The hyperbolic tangent, as `torch.nn.Tanh`.
 *
 * @example
 * new nn.Tanh()(torch.tensor([0, 2])) // tensor([0.0000, 0.9640])
 */
export class Tanh extends Module {
  override forward(input: Tensor): Tensor {
    return tanh(input)
  }
}

/**
 * x − tanh(x), as `torch.nn.Tanhshrink`.
 *
 * @example
 * new nn.Tanhshrink()(torch.tensor([-1, 2])) // tensor([-0.2384,  1.0360])
 */
export class Tanhshrink extends Module {
  override forward(input: Tensor): Tensor {
    return ops.tanhshrink(input)
  }
}

/**
 * x / (1 + |x|), as `torch.nn.Softsign`.
 *
 * @example
 * new nn.Softsign()(torch.tensor([-1, 3])) // tensor([-0.5000,  0.7500])
 */
export class Softsign extends Module {
  override forward(input: Tensor): Tensor {
    return ops.softsign(input)
  }
}

/**
 * x · Φ(x), or its approximation by tanh, as `torch.nn.GELU`.
 *
 * @example
 * new nn.GELU()(torch.tensor([-1, 2])) // tensor([-0.1587,  1.9545])
 * new nn.GELU('tanh') // GELU(approximate='tanh')
 */
export class GELU extends Module {
  readonly approximate: NonNullable<GeluOptions['approximate']>

  constructor(...args: Arguments<[approximate: NonNullable<GeluOptions['approximate']>], GeluOptions>) {
    super()
    this.approximate = readArguments<GeluOptions>('GELU', args, ['approximate']).approximate ?? 'none'
  }

  override forward(input: Tensor): Tensor {
    return gelu(input, { approximate: this.approximate })
  }

  override extraRepr(): string {
    return `approximate=${python(this.approximate)}`
  }
}

/**
 * ln(1 + e^(beta·x)) / beta, as `torch.nn.Softplus`.
 *
 * @example
 * new nn.Softplus()(torch.tensor([-1, 0, 2])) // tensor([0.3133, 0.6931, 2.1269])
 */
export class Softplus extends Module {
  readonly beta: number
  readonly threshold: number

  constructor(...args: Arguments<[beta: number, threshold: number], ops.SoftplusOptions>) {
    super()
    const { beta = 1, threshold = 20 } = readArguments<ops.SoftplusOptions>('Softplus', args, ['beta', 'threshold'])
    this.beta = beta
    this.threshold = threshold
  }

  override forward(input: Tensor): Tensor {
    return ops.softplus(input, this.beta, this.threshold)
  }

  override extraRepr(): string {
    return `beta=${python(this.beta)}, threshold=${python(this.threshold)}`
  }
}

/** What the two shrinks share. */
abstract class Shrink extends Module {
  readonly lambd: number

  constructor(...args: Arguments<[lambd: number], ops.ShrinkOptions>) {
    super()
    this.lambd = readArguments<ops.ShrinkOptions>(new.target.name, args, ['lambd']).lambd ?? 0.5
  }

  override extraRepr(): string {
    return pythonFloat(this.lambd)
  }
}

/**
 * x where |x| > lambd, 0 elsewhere, as `torch.nn.Hardshrink`.
 *
 * @example
 * new nn.Hardshrink()(torch.tensor([-1, 0.4, 2])) // tensor([-1.,  0.,  2.])
 */
export class Hardshrink extends Shrink {
  override forward(input: Tensor): Tensor {
    return ops.hardshrink(input, this.lambd)
  }
}

/**
 * x moved towards 0 by lambd, and 0 between, as `torch.nn.Softshrink`.
 *
 * @example
 * new nn.Softshrink()(torch.tensor([-1, 0.4, 2])) // tensor([-0.5000,  0.0000,  1.5000])
 */
export class Softshrink extends Shrink {
  override forward(input: Tensor): Tensor {
    return ops.softshrink(input, this.lambd)
  }
}

/**
 * The first half of `dim` times the sigmoid of the second, as `torch.nn.GLU`.
 *
 * @example
 * new nn.GLU()(torch.tensor([1, 2, 0, 0])) // tensor([0.5000, 1.0000])
 */
export class GLU extends Module {
  readonly dim: number

  constructor(...args: Arguments<[dim: number], ops.GluOptions>) {
    super()
    this.dim = readArguments<ops.GluOptions>('GLU', args, ['dim']).dim ?? -1
  }

  override forward(input: Tensor): Tensor {
    return ops.glu(input, this.dim)
  }

  override extraRepr(): string {
    return `dim=${this.dim}`
  }
}
