/** The activations of `torch.nn.functional` that are formulas, and their in-place forms. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { wrapDim } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { g, variable, x, y } from '../ir/expr.js'
import { mul } from './arithmetic.js'
import { floatsOnly, notBool, unary } from './define.js'
import { sigmoid } from './elementary.js'
import { PointwiseOp, type PointwiseOptions } from './pointwise.js'
import { chunk } from './split.js'
import { reshape } from './view.js'

const float = { check: floatsOnly } as const
const [a, b] = [variable('a'), variable('b')]

export interface InplaceOptions {
  /** Write the result over the input. */
  inplace?: boolean
}

/** A function of a tensor, numbers with defaults and `inplace`; its in-place form takes the numbers alone. */
export interface Activation<P extends readonly unknown[], O extends InplaceOptions> {
  (self: Tensor, ...args: Arguments<[...P, inplace: boolean], O>): Tensor
  readonly inPlace: (self: Tensor, ...args: Arguments<P, Omit<O, 'inplace'>>) => Tensor
}
type Check = (self: Tensor, numbers: readonly number[]) => void

/** Makes an activation of an op over the tensor and numbers, whose names and defaults are `presets`. */
function activation<P extends readonly number[], O extends InplaceOptions>(
  name: string,
  op: PointwiseOp,
  presets: Readonly<Record<string, number>> = {},
  check?: Check,
): Activation<P, O> {
  const names = Object.keys(presets)
  const defaults = Object.values(presets)
  const positional = [...names, 'inplace']
  const run = (self: Tensor, args: readonly unknown[], order: readonly string[], inPlace: boolean): Tensor => {
    let numbers: readonly number[] = defaults
    let over = inPlace
    if (args.length > 0) {
      const given = readArguments<Record<string, unknown>>(name, args, order)
      numbers = names.map((key, i) => (given[key] as number | undefined) ?? defaults[i])
      over ||= given.inplace === true
    }
    check?.(self, numbers)
    return over ? op.callInPlace(self, ...numbers) : op.call(self, ...numbers)
  }
  return Object.assign((self: Tensor, ...args: readonly unknown[]) => run(self, args, positional, false), {
    inPlace: (self: Tensor, ...args: readonly unknown[]) => run(self, args, names, true),
  })
}
/** An op over x and the numbers a and b, which have no part in the dtype rule. */
const numeric = (name: string, variables: string[], term: e.Expr, gradient?: e.Expr, options: PointwiseOptions = float) =>
  new PointwiseOp(name, ['x', ...variables], [term], {
    ...options,
    untyped: variables,
    gradients: gradient && { x: gradient },
  })

export interface EluOptions extends InplaceOptions {
  /** How far below 0 it goes. */
  alpha?: number
}
/**
 * x where positive, alpha · (e^x − 1) elsewhere, as `torch.nn.functional.elu`. Any shape; floating-point dtypes only.
 *
 * @example
 * F.elu(torch.tensor([-1, 2])) // tensor([-0.6321,  2.0000])
 * F.elu(torch.tensor([-1, 2]), { alpha: 2 }) // tensor([-1.2642,  2.0000])
 */
export const elu = activation<[alpha: number], EluOptions>(
  'elu',
  numeric('Elu', ['a'], e.where(e.le(x, 0), e.mul(a, e.expm1(x)), x)),
  { alpha: 1 },
)
/**
 * x where positive, alpha · (e^(x/alpha) − 1) elsewhere, as `torch.nn.functional.celu`: an ELU with a continuous slope.
 *
 * @throws Error for alpha 0.
 * @example
 * F.celu(torch.tensor([-1, 2]), 2) // tensor([-0.7869,  2.0000])
 */
export const celu = activation<[alpha: number], EluOptions>(
  'celu',
  numeric('Celu', ['a'], e.where(e.le(x, 0), e.mul(a, e.expm1(e.div(x, a))), x)),
  { alpha: 1 },
  (_, [alpha]) => {
    if (alpha === 0) throw new Error('ZeroDivisionError: alpha cannot be 0 for CELU')
  },
)
const SELU_SCALE = 1.0507009873554805
const SELU_ALPHA = 1.6732632423543772
/**
 * The self-normalizing ELU, scale · (x where positive, alpha · (e^x − 1) elsewhere) with the scale 1.0507 and the alpha 1.6733,
 * as `torch.nn.functional.selu`.
 *
 * @example
 * F.selu(torch.tensor([-1, 2])) // tensor([-1.1113,  2.1014])
 */
export const selu = activation<[], InplaceOptions>(
  'selu',
  numeric('Selu', [], e.mul(SELU_SCALE, e.where(e.le(x, 0), e.mul(SELU_ALPHA, e.expm1(x)), x))),
)

// ln(1 + e^x) without overflow.
const softplusOf = (t: e.Expr): e.Expr => e.add(e.max(t, 0), e.log1p(e.exp(e.neg(e.abs(t)))))
const gate = e.tanh(softplusOf(x))
/**
 * x · tanh(ln(1 + e^x)), as `torch.nn.functional.mish`.
 *
 * @example
 * F.mish(torch.tensor([-1, 2])) // tensor([-0.3034,  1.9440])
 */
export const mish = activation<[], InplaceOptions>(
  'mish',
  numeric('Mish', [], e.mul(x, gate), e.mul(g, e.add(gate, e.mul(e.mul(x, e.sigmoid(x)), e.sub(1, e.square(gate)))))),
)

export interface HardtanhOptions extends InplaceOptions {
  minVal?: number
  maxVal?: number
}
const hardtanhOp = numeric('Hardtanh', ['a', 'b'], e.min(e.max(x, a), b), e.where(e.either(e.le(x, a), e.ge(x, b)), 0, g), {
  check: notBool,
})
/**
 * x limited to [minVal, maxVal], as `torch.nn.functional.hardtanh`.
 *
 * @throws Error for negative limits of an unsigned dtype.
 * @example
 * F.hardtanh(torch.tensor([-3, 0.5, 3])) // tensor([-1.0000,  0.5000,  1.0000])
 * F.hardtanh(torch.tensor([-3, 0.5, 3]), -2, 2) // tensor([-2.0000,  0.5000,  2.0000])
 */
export const hardtanh = activation<[minVal: number, maxVal: number], HardtanhOptions>(
  'hardtanh',
  hardtanhOp,
  { minVal: -1, maxVal: 1 },
  (self, [low, high]) => {
    if (self.dtype === 'uint8' && (low < 0 || high < 0))
      throw new Error('cannot do hardtanh on an unsigned type with negative limits')
  },
)
/**
 * x limited to [0, 6], as `torch.nn.functional.relu6`.
 *
 * @example
 * F.relu6(torch.tensor([-3, 0.5, 9])) // tensor([0.0000, 0.5000, 6.0000])
 */
export const relu6 = activation<[], InplaceOptions>(
  'relu6',
  new PointwiseOp('Hardtanh', ['x'], [e.min(e.max(x, 0), 6)], {
    check: notBool,
    gradients: { x: e.where(e.either(e.le(x, 0), e.ge(x, 6)), 0, g) },
  }),
)
const ramp = e.min(e.max(e.add(x, 3), 0), 6)
/**
 * x/6 + 1/2 limited to [0, 1], as `torch.nn.functional.hardsigmoid`.
 *
 * @example
 * F.hardsigmoid(torch.tensor([-4, 0, 1.5])) // tensor([0.0000, 0.5000, 0.7500])
 */
export const hardsigmoid = activation<[], InplaceOptions>(
  'hardsigmoid',
  numeric('Hardsigmoid', [], e.div(ramp, 6), e.where(e.both(e.gt(x, -3), e.lt(x, 3)), e.div(g, 6), 0)),
)
/**
 * x · hardsigmoid(x), as `torch.nn.functional.hardswish`.
 *
 * @example
 * F.hardswish(torch.tensor([-4, 0, 1.5])) // tensor([-0.0000, 0.0000, 1.1250])
 */
export const hardswish = activation<[], InplaceOptions>(
  'hardswish',
  numeric(
    'Hardswish',
    [],
    e.div(e.mul(x, ramp), 6),
    e.where(e.lt(x, -3), 0, e.where(e.le(x, 3), e.mul(g, e.add(e.div(x, 3), 0.5)), g)),
  ),
)

/** Without an `inplace` among its arguments. */
type Plain<P extends readonly unknown[], O> = (self: Tensor, ...args: Arguments<P, O>) => Tensor
function plain<P extends readonly number[], O extends object>(
  name: string,
  op: PointwiseOp,
  presets: Readonly<Record<keyof O & string, number>>,
  check?: Check,
): Plain<P, O> {
  const names = Object.keys(presets) as (keyof O & string)[]
  const defaults = Object.values<number>(presets)
  return (self: Tensor, ...args: readonly unknown[]) => {
    const given = args.length === 0 ? ({} as O) : readArguments<O>(name, args, names)
    const numbers = names.map((key, i) => (given[key] as number | undefined) ?? defaults[i])
    check?.(self, numbers)
    return op.call(self, ...numbers)
  }
}

const within = e.both(e.ge(x, e.neg(a)), e.le(x, a))
export interface ShrinkOptions {
  /** Half the width of the interval that becomes 0. */
  lambd?: number
}
/**
 * x where |x| > lambd, 0 elsewhere, as `torch.nn.functional.hardshrink`.
 *
 * @example
 * F.hardshrink(torch.tensor([-1, 0.4, 2])) // tensor([-1.,  0.,  2.])
 */
export const hardshrink = plain<[lambd: number], ShrinkOptions>(
  'hardshrink',
  numeric('Hardshrink', ['a'], e.where(within, 0, x), e.where(within, 0, g)),
  { lambd: 0.5 },
)
/**
 * x moved towards 0 by lambd, and 0 between, as `torch.nn.functional.softshrink`.
 *
 * @throws Error for a negative lambd.
 * @example
 * F.softshrink(torch.tensor([-1, 0.4, 2])) // tensor([-0.5000,  0.0000,  1.5000])
 */
export const softshrink = plain<[lambd: number], ShrinkOptions>(
  'softshrink',
  numeric(
    'Softshrink',
    ['a'],
    e.where(e.gt(x, a), e.sub(x, a), e.where(e.lt(x, e.neg(a)), e.add(x, a), 0)),
    e.where(within, 0, g),
  ),
  { lambd: 0.5 },
  (_, [lambd]) => {
    if (!(lambd >= 0)) throw new Error(`lambda must be greater or equal to 0, but found to be ${lambd}.`)
  },
)
/**
 * x − tanh(x), as `torch.nn.functional.tanhshrink`.
 *
 * @example
 * F.tanhshrink(torch.tensor([-1, 2])) // tensor([-0.2384,  1.0360])
 */
export const tanhshrink = unary('Tanhshrink', e.sub(x, e.tanh(x)), { result: 'float' })
/**
 * x / (1 + |x|), as `torch.nn.functional.softsign`.
 *
 * @example
 * F.softsign(torch.tensor([-1, 3])) // tensor([-0.5000,  0.7500])
 */
export const softsign = unary('Softsign', e.div(x, e.add(1, e.abs(x))), { result: 'float' })

export interface SoftplusOptions {
  /** How sharp the bend is. */
  beta?: number
  /** Where beta · x exceeds this, the result is x itself. */
  threshold?: number
}
/**
 * ln(1 + e^(beta·x)) / beta, and x itself where beta·x exceeds the threshold, as `torch.nn.functional.softplus`.
 *
 * @example
 * F.softplus(torch.tensor([-1, 0, 2])) // tensor([0.3133, 0.6931, 2.1269])
 */
export const softplus = plain<[beta: number, threshold: number], SoftplusOptions>(
  'softplus',
  numeric(
    'Softplus',
    ['a', 'b'],
    e.where(e.gt(e.mul(x, a), b), x, e.div(e.log1p(e.exp(e.mul(x, a))), a)),
    e.where(e.gt(e.mul(x, a), b), g, e.mul(g, e.sigmoid(e.mul(x, a)))),
  ),
  { beta: 1, threshold: 20 },
)
/**
 * ln(1 / (1 + e^−x)), as `torch.nn.functional.logsigmoid`.
 *
 * @example
 * F.logsigmoid(torch.tensor([-100, 0])) // tensor([-100.0000,   -0.6931])
 */
export const logsigmoid = unary('LogSigmoid', e.sub(e.min(x, 0), e.log1p(e.exp(e.neg(e.abs(x))))), {
  ...float,
  gradient: e.mul(g, e.sigmoid(e.neg(x))),
})

const thresholdOp = numeric('Threshold', ['a', 'b'], e.where(e.le(x, a), b, x), e.where(e.le(x, a), 0, g), {})
/**
 * x above the threshold, `value` elsewhere, as `torch.nn.functional.threshold`.
 *
 * @example
 * F.threshold(torch.tensor([-1, 0.5, 2]), 0.5, 9) // tensor([9., 9., 2.])
 */
export const threshold = Object.assign(
  (self: Tensor, limit: number, value: number, ...args: Arguments<[inplace: boolean], InplaceOptions>): Tensor =>
    readArguments<InplaceOptions>('threshold', args, ['inplace']).inplace
      ? thresholdOp.callInPlace(self, limit, value)
      : thresholdOp.call(self, limit, value),
  { inPlace: (self: Tensor, limit: number, value: number): Tensor => thresholdOp.callInPlace(self, limit, value) },
)

const preluOp = new PointwiseOp('Prelu', ['x', 'y'], [e.where(e.gt(x, 0), x, e.mul(y, x))], {
  ...float,
  gradients: { x: e.where(e.gt(x, 0), g, e.mul(y, g)), y: e.where(e.gt(x, 0), 0, e.mul(x, g)) },
})
/**
 * x where positive, weight · x elsewhere, with one weight or one per channel, as `torch.nn.functional.prelu`.
 *
 * @throws Error for a weight of another size.
 * @example
 * F.prelu(torch.tensor([-1, 2]), torch.tensor([0.25])) // tensor([-0.2500,  2.0000])
 */
export function prelu(self: Tensor, weight: Tensor): Tensor {
  const count = weight.layout.numel
  if (weight.ndim > 1) throw new Error(`prelu: Expected \`weight\` to be a scalar or 1D tensor, but got: ndim = ${weight.ndim}`)
  const channels = self.ndim > 1 ? self.layout.shape[1] : 1
  if (count !== 1 && count !== channels)
    throw new Error(
      `Mismatch of parameter numbers and input channel size. Found parameter numbers = ${count} and channel size = ${channels}.`,
    )
  const shape = self.layout.shape.map((_, d) => (d === 1 ? count : 1))
  return preluOp.call(self, reshape(weight, self.ndim < 2 ? shape.map(() => 1) : shape))
}

export interface GluOptions {
  /** The dimension that is halved. */
  dim?: number
}
/**
 * The first half of `dim` times the sigmoid of the second, as `torch.nn.functional.glu`: [..., 2n, ...] to [..., n, ...].
 *
 * @throws Error where `dim` has an odd size.
 * @example
 * F.glu(torch.tensor([1, 2, 0, 0])) // tensor([0.5000, 1.0000])
 */
export function glu(self: Tensor, ...args: Arguments<[dim: number], GluOptions>): Tensor {
  const { dim = -1 } = readArguments<GluOptions>('glu', args, ['dim'])
  if (self.ndim === 0) throw new Error('glu does not support scalars because halving size must be even')
  const halved = wrapDim(dim, self.ndim)
  const size = self.layout.shape[halved]
  if (size % 2 !== 0) throw new Error(`Halving dimension must be even, but dimension ${halved} is size ${size}`)
  const [value, control] = chunk(self, 2, dim)
  return mul(value, sigmoid(control))
}
