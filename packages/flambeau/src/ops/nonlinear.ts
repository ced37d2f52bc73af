/** The activations of `torch.nn.functional` that are formulas with parameters. */

import { type Arguments, type DimOptions, readArgument, readArguments } from '../core/arguments.js'
import { wrapDim } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { g, variable, x, y } from '../ir/expr.js'
import { mul, neg } from './arithmetic.js'
import { floatsOnly, notBool, unary, type WithInPlace } from './define.js'
import { sigmoid } from './elementary.js'
import { PointwiseOp } from './pointwise.js'
import { type SoftmaxArguments, softmax } from './softmax.js'
import { chunk } from './split.js'
import { reshape } from './view.js'

const float = { check: floatsOnly } as const
const [a, b] = [variable('a'), variable('b')]

type One<N extends string> = (self: Tensor, value?: number | { [K in N]?: number }) => Tensor
/** A function of a tensor and one number with a default, called `parameter`. */
function withOne<N extends string>(
  name: string,
  parameter: N,
  preset: number,
  term: e.Expr,
  gradient?: e.Expr,
): WithInPlace<One<N>> {
  const op = new PointwiseOp(name, ['x', 'a'], [term], { ...float, untyped: ['a'], gradients: gradient && { x: gradient } })
  return Object.assign<One<N>, { inPlace: One<N> }>(
    (self, value) => op.call(self, readArgument<number>(name.toLowerCase(), parameter, value, preset)),
    { inPlace: (self, value) => op.callInPlace(self, readArgument<number>(name.toLowerCase(), parameter, value, preset)) },
  )
}

/**
 * x where positive, alpha · (e^x − 1) elsewhere, as `torch.nn.functional.elu`. alpha is 1 unless given.
 *
 * @throws Error for integers
 * @example
 * F.elu(torch.tensor([2, -1])) // tensor([ 2.0000, -0.6321])
 * F.elu(torch.tensor([2, -1]), { alpha: 2 }) // tensor([ 2.0000, -1.2642])
 */
export const elu = withOne('Elu', 'alpha', 1, e.where(e.le(x, 0), e.mul(a, e.expm1(x)), x))
/**
 * x where positive, alpha · (e^(x/alpha) − 1) elsewhere, as `torch.nn.functional.celu`. alpha is 1 unless given.
 *
 * @throws Error for integers
 * @example
 * F.celu(torch.tensor([2, -1]), 2) // tensor([ 2.0000, -0.7869])
 */
export const celu = withOne('Celu', 'alpha', 1, e.where(e.le(x, 0), e.mul(a, e.expm1(e.div(x, a))), x))
const SELU_SCALE = 1.0507009873554805
const SELU_ALPHA = 1.6732632423543772
/** The self-normalizing ELU, scale · (x or alpha · (e^x − 1)), as `torch.nn.functional.selu`. */
export const selu = unary('Selu', e.mul(SELU_SCALE, e.where(e.le(x, 0), e.mul(SELU_ALPHA, e.expm1(x)), x)), float)

// ln(1 + e^x) without overflow.
const softplusOf = (t: e.Expr): e.Expr => e.add(e.max(t, 0), e.log1p(e.exp(e.neg(e.abs(t)))))
const gate = e.tanh(softplusOf(x))
/** x · tanh(ln(1 + e^x)), as `torch.nn.functional.mish`. */
export const mish = unary('Mish', e.mul(x, gate), {
  ...float,
  gradient: e.mul(g, e.add(gate, e.mul(e.mul(x, e.sigmoid(x)), e.sub(1, e.square(gate))))),
})

const hardtanhOp = new PointwiseOp('Hardtanh', ['x', 'a', 'b'], [e.min(e.max(x, a), b)], {
  check: notBool,
  untyped: ['a', 'b'],
  gradients: { x: e.where(e.either(e.le(x, a), e.ge(x, b)), 0, g) },
})
export interface HardtanhOptions {
  minVal?: number
  maxVal?: number
}
type Hardtanh = (self: Tensor, ...args: Arguments<[minVal: number, maxVal: number], HardtanhOptions>) => Tensor
function limits(self: Tensor, args: Arguments<[minVal: number, maxVal: number], HardtanhOptions>): [number, number] {
  const { minVal = -1, maxVal = 1 } = readArguments<HardtanhOptions>('hardtanh', args, ['minVal', 'maxVal'])
  if (self.dtype === 'uint8' && (minVal < 0 || maxVal < 0))
    throw new Error('cannot do hardtanh on an unsigned type with negative limits')
  return [minVal, maxVal]
}
/**
 * x limited to [minVal, maxVal], [−1, 1] unless given, as `torch.nn.functional.hardtanh`: min(max(x, minVal), maxVal).
 *
 * @example
 * F.hardtanh(torch.tensor([-2, 0.5, 2])).tolist() // [-1, 0.5, 1]
 * F.hardtanh(torch.tensor([-2, 0.5, 2]), { minVal: 0 }).tolist() // [0, 0.5, 1]
 */
export const hardtanh: WithInPlace<Hardtanh> = Object.assign<Hardtanh, { inPlace: Hardtanh }>(
  (self, ...args) => hardtanhOp.call(self, ...limits(self, args)),
  { inPlace: (self, ...args) => hardtanhOp.callInPlace(self, ...limits(self, args)) },
)
/** x limited to [0, 6], as `torch.nn.functional.relu6`. */
export const relu6 = Object.assign((self: Tensor): Tensor => hardtanh(self, 0, 6), {
  inPlace: (self: Tensor): Tensor => hardtanh.inPlace(self, 0, 6),
})
const ramp = e.min(e.max(e.add(x, 3), 0), 6)
/** x/6 + 1/2 limited to [0, 1], as `torch.nn.functional.hardsigmoid`. */
export const hardsigmoid = unary('Hardsigmoid', e.div(ramp, 6), {
  ...float,
  gradient: e.where(e.both(e.gt(x, -3), e.lt(x, 3)), e.div(g, 6), 0),
})
/** x · hardsigmoid(x), as `torch.nn.functional.hardswish`. */
export const hardswish = unary('Hardswish', e.div(e.mul(x, ramp), 6), {
  ...float,
  gradient: e.where(e.lt(x, -3), 0, e.where(e.le(x, 3), e.mul(g, e.add(e.div(x, 3), 0.5)), g)),
})

const within = e.both(e.ge(x, e.neg(a)), e.le(x, a))
/** x where |x| > lambd, 0 elsewhere, as `torch.nn.functional.hardshrink`. */
export const hardshrink = withOne('Hardshrink', 'lambd', 0.5, e.where(within, 0, x), e.where(within, 0, g))
const shrink = withOne(
  'Softshrink',
  'lambd',
  0.5,
  e.where(e.gt(x, a), e.sub(x, a), e.where(e.lt(x, e.neg(a)), e.add(x, a), 0)),
  e.where(within, 0, g),
)
/** x moved towards 0 by lambd, and 0 between, as `torch.nn.functional.softshrink`. @throws Error for a negative lambd. */
export function softshrink(self: Tensor, lambd?: number | { lambd?: number }): Tensor {
  const limit = readArgument<number>('softshrink', 'lambd', lambd, 0.5)
  if (!(limit >= 0)) throw new Error(`lambda must be greater or equal to 0, but found to be ${limit}.`)
  return shrink(self, limit)
}
/** x − tanh(x), as `torch.nn.functional.tanhshrink`. */
export const tanhshrink = unary('Tanhshrink', e.sub(x, e.tanh(x)), { result: 'float' })
/** x / (1 + |x|), as `torch.nn.functional.softsign`. */
export const softsign = unary('Softsign', e.div(x, e.add(1, e.abs(x))), { result: 'float' })
const softplusOp = new PointwiseOp(
  'Softplus',
  ['x', 'a', 'b'],
  [e.where(e.gt(e.mul(x, a), b), x, e.div(e.log1p(e.exp(e.mul(x, a))), a))],
  {
    ...float,
    untyped: ['a', 'b'],
    gradients: { x: e.where(e.gt(e.mul(x, a), b), g, e.mul(g, e.sigmoid(e.mul(x, a)))) },
  },
)
export interface SoftplusOptions {
  beta?: number
  /** Where beta · x is above it, the result is x itself. */
  threshold?: number
}
type Softplus = (self: Tensor, ...args: Arguments<[beta: number, threshold: number], SoftplusOptions>) => Tensor
const bend = (args: Arguments<[beta: number, threshold: number], SoftplusOptions>): [number, number] => {
  const { beta = 1, threshold: above = 20 } = readArguments<SoftplusOptions>('softplus', args, ['beta', 'threshold'])
  return [beta, above]
}
/**
 * ln(1 + e^(beta·x)) / beta, and x itself where beta·x > threshold, as `torch.nn.functional.softplus`. beta is 1 and the
 * threshold 20 unless given.
 *
 * @throws Error for integers
 * @example
 * F.softplus(torch.tensor([0, 1])) // tensor([0.6931, 1.3133])
 * F.softplus(torch.tensor([0, 1]), { beta: 2 }) // tensor([0.3466, 1.0635])
 */
export const softplus: WithInPlace<Softplus> = Object.assign<Softplus, { inPlace: Softplus }>(
  (self, ...args) => softplusOp.call(self, ...bend(args)),
  {
    inPlace: (self, ...args) => softplusOp.callInPlace(self, ...bend(args)),
  },
)
/** ln sigmoid(x), as `torch.nn.functional.logsigmoid`. */
export const logsigmoid = unary('LogSigmoid', e.sub(e.min(x, 0), e.log1p(e.exp(e.neg(e.abs(x))))), {
  ...float,
  gradient: e.mul(g, e.sigmoid(e.neg(x))),
})

const thresholdOp = new PointwiseOp('Threshold', ['x', 'a', 'b'], [e.where(e.le(x, a), b, x)], {
  untyped: ['a', 'b'],
  gradients: { x: e.where(e.le(x, a), 0, g) },
})
/**
 * x above the threshold, `value` elsewhere, as `torch.nn.functional.threshold`.
 *
 * @example
 * F.threshold(torch.tensor([0.5, 2]), 1, 20).tolist() // [20, 2]
 */
export const threshold = Object.assign(
  (self: Tensor, limit: number, value: number): Tensor => thresholdOp.call(self, limit, value),
  { inPlace: (self: Tensor, limit: number, value: number): Tensor => thresholdOp.callInPlace(self, limit, value) },
)

const preluOp = new PointwiseOp('Prelu', ['x', 'y'], [e.where(e.gt(x, 0), x, e.mul(y, x))], {
  ...float,
  gradients: { x: e.where(e.gt(x, 0), g, e.mul(y, g)), y: e.where(e.gt(x, 0), 0, e.mul(x, g)) },
})
/** x where positive, weight · x elsewhere, with one weight or one per channel, as `torch.nn.functional.prelu`. */
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

/** softmax(−x) along `dim`, as `torch.nn.functional.softmin`. */
export const softmin = (self: Tensor, ...args: SoftmaxArguments): Tensor => softmax(neg(self), ...args)

/** The first half of `dim` times the sigmoid of the second, as `torch.nn.functional.glu`. */
export function glu(self: Tensor, dim?: number | DimOptions): Tensor {
  const d = readArgument<number>('glu', 'dim', dim, -1)
  if (self.ndim === 0) throw new Error('glu does not support 0-dimensional tensors')
  const size = self.layout.shape[wrapDim(d, self.ndim)]
  if (size % 2 !== 0) throw new Error(`Halving dimension must be even, but dimension ${d} is size ${size}`)
  const [value, control] = chunk(self, 2, d)
  return mul(value, sigmoid(control))
}
