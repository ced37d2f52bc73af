/** Activations that are pointwise. */

import { type Arguments, readArgument, readArguments } from '../core/arguments.js'
import type { Scalar } from '../core/dtype.js'
import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { g, out, variable, x } from '../ir/expr.js'
import { floatsOnly, notBool, unary } from './define.js'
import { PointwiseOp } from './pointwise.js'

const float = { check: floatsOnly } as const

/**
 * max(x, 0), as `torch.relu`.
 *
 * @example
 * torch.relu(torch.tensor([-1, 0, 2])).tolist() // [0, 0, 2]
 */
export const relu = unary('Relu', e.max(x, 0), { check: notBool, gradient: e.where(e.le(out, 0), 0, g) })

const s = e.sigmoid(x)
/**
 * x · sigmoid(x), as `torch.nn.functional.silu`.
 *
 * @example
 * F.silu(torch.tensor([-1, 0, 1])) // tensor([-0.2689,  0.0000,  0.7311])
 */
export const silu = unary('Silu', e.mul(x, s), { ...float, gradient: e.mul(g, e.mul(s, e.add(1, e.mul(x, e.sub(1, s))))) })

const phi = e.mul(0.5, e.add(1, e.erf(e.mul(x, Math.SQRT1_2))))
const density = e.mul(1 / Math.sqrt(2 * Math.PI), e.exp(e.mul(-0.5, e.square(x))))
const geluExact = unary('Gelu', e.mul(x, phi), { ...float, gradient: e.mul(g, e.add(phi, e.mul(x, density))) })
const cubic = e.tanh(e.mul(Math.sqrt(2 / Math.PI), e.add(x, e.mul(0.044715, e.mul(x, e.square(x))))))
const geluTanh = unary('Gelu', e.mul(0.5, e.mul(x, e.add(1, cubic))), float)

export interface GeluOptions {
  /** 'none' uses erf, 'tanh' the approximation by tanh. */
  approximate?: 'none' | 'tanh'
}
/**
 * x · Φ(x) with the normal distribution's Φ, as `torch.nn.functional.gelu`.
 *
 * @example
 * F.gelu(torch.tensor([-1, 0, 1])) // tensor([-0.1587,  0.0000,  0.8413])
 * F.gelu(torch.tensor([-1, 0, 1]), { approximate: 'tanh' }) // tensor([-0.1588,  0.0000,  0.8412])
 */
export function gelu(self: Tensor, options: GeluOptions = {}): Tensor {
  const { approximate = 'none' } = options
  if (approximate !== 'none' && approximate !== 'tanh') throw new Error('approximate argument must be either none or tanh.')
  return (approximate === 'tanh' ? geluTanh : geluExact)(self)
}

const slope = variable('slope')
const leakyOp = new PointwiseOp('LeakyRelu', ['x', 'slope'], [e.where(e.gt(x, 0), x, e.mul(x, slope))], {
  untyped: ['slope'],
  check: floatsOnly,
  gradients: { x: e.where(e.gt(x, 0), g, e.mul(g, slope)) },
})
type Slope = number | { negativeSlope?: number }
const slopeOf = (given: Slope | undefined): number => readArgument<number>('leaky_relu', 'negativeSlope', given, 0.01)
/**
 * x where positive, negativeSlope · x elsewhere, as `torch.nn.functional.leaky_relu`. The slope is 0.01 unless given.
 *
 * @throws Error for integers
 * @example
 * F.leakyRelu(torch.tensor([2, -1]), 0.5).tolist() // [2, -0.5]
 * F.leakyRelu(torch.tensor([2, -1]), { negativeSlope: 0.25 }).tolist() // [2, -0.25]
 */
export const leakyRelu = Object.assign(
  (self: Tensor, negativeSlope?: Slope): Tensor => leakyOp.call(self, slopeOf(negativeSlope)),
  { inPlace: (self: Tensor, negativeSlope?: Slope): Tensor => leakyOp.callInPlace(self, slopeOf(negativeSlope)) },
)

const lo = variable('lo')
const hi = variable('hi')
const clampMinOp = new PointwiseOp('ClampMin', ['x', 'lo'], [e.max(x, lo)], {
  gradients: { x: e.where(e.ge(x, lo), g, 0), lo: e.where(e.lt(x, lo), g, 0) },
})
const clampMaxOp = new PointwiseOp('ClampMax', ['x', 'hi'], [e.min(x, hi)], {
  gradients: { x: e.where(e.le(x, hi), g, 0), hi: e.where(e.gt(x, hi), g, 0) },
})
const clampOp = new PointwiseOp('Clamp', ['x', 'lo', 'hi'], [e.min(e.max(x, lo), hi)], {
  gradients: {
    x: e.where(e.both(e.ge(x, lo), e.le(x, hi)), g, 0),
    lo: e.where(e.both(e.lt(x, lo), e.lt(lo, hi)), g, 0),
    hi: e.where(e.either(e.gt(x, hi), e.lt(hi, lo)), g, 0),
  },
})

// A single bound that is the number NaN limits nothing, yet stops the gradient. Anywhere else NaN gives NaN.
const clampByNaN = new PointwiseOp('Clamp', ['x', 'lo'], [x], { gradients: { x: e.constant(0) } })

type Bound = Tensor | Scalar | null
export interface ClampOptions {
  min?: Bound
  max?: Bound
}
type ClampArguments = Arguments<[min: Bound, max: Bound], ClampOptions>
function clampCall(inPlace: boolean, self: Tensor, args: ClampArguments): Tensor {
  const { min, max } = readArguments<ClampOptions>('clamp', args, ['min', 'max'])
  const from = min ?? null
  const upTo = max ?? null
  if (from === null && upTo === null) throw new Error("torch.clamp: At least one of 'min' or 'max' must not be None")
  const isNaN = (bound: Bound): boolean => typeof bound === 'number' && Number.isNaN(bound)
  const [op, ...bounds] =
    from === null
      ? ([isNaN(upTo) ? clampByNaN : clampMaxOp, upTo!] as const)
      : upTo === null
        ? ([isNaN(from) ? clampByNaN : clampMinOp, from] as const)
        : ([clampOp, from, upTo] as const)
  return inPlace ? op.callInPlace(self, ...bounds) : op.call(self, ...bounds)
}
/**
 * Limited to [min, max], either of which may be missing, as `torch.clamp`: min(max(x, min), max), so that max wins where
 * it is below min. The bounds are numbers or tensors that broadcast. NaN stays NaN.
 *
 * @throws Error where neither is given
 * @example
 * torch.tensor([-1, 0.5, 3]).clamp(0, 1).tolist() // [0, 0.5, 1]
 * torch.tensor([-1, 0.5, 3]).clamp({ max: 1 }).tolist() // [-1, 0.5, 1]
 */
export const clamp = Object.assign((self: Tensor, ...args: ClampArguments): Tensor => clampCall(false, self, args), {
  inPlace: (self: Tensor, ...args: ClampArguments): Tensor => clampCall(true, self, args),
})

/**
 * max(x, min), as `torch.clamp_min`.
 *
 * @example
 * torch.tensor([-1, 2]).clampMin(0).tolist() // [0, 2]
 */
export const clampMin = Object.assign((self: Tensor, min: Tensor | Scalar): Tensor => clampMinOp.call(self, min), {
  inPlace: (self: Tensor, min: Tensor | Scalar): Tensor => clampMinOp.callInPlace(self, min),
})
/**
 * min(x, max), as `torch.clamp_max`.
 *
 * @example
 * torch.tensor([-1, 2]).clampMax(1).tolist() // [-1, 1]
 */
export const clampMax = Object.assign((self: Tensor, max: Tensor | Scalar): Tensor => clampMaxOp.call(self, max), {
  inPlace: (self: Tensor, max: Tensor | Scalar): Tensor => clampMaxOp.callInPlace(self, max),
})
