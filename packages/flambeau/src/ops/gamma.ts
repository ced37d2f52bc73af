/** Functions of the gamma family and Bessel's I0, which PyTorch has outside `torch.special` too. */

import type { Tensor } from '../core/tensor.js'
import { derive } from '../ir/derive.js'
import * as e from '../ir/expr.js'
import { g, variable, x, y } from '../ir/expr.js'
import { floatsOnly, requireTensor, tensorBinary, unary } from './define.js'
import { digamma } from './elementary.js'
import { PointwiseOp } from './pointwise.js'

const float = { result: 'float' } as const

/**
 * The modified Bessel function of the first kind and order 0, as `torch.i0`.
 *
 * @example
 * torch.i0(torch.tensor([0, 1, 2])) // tensor([1.0000, 1.2661, 2.2796])
 */
export const i0 = unary('I0', e.i0(x), float)

/**
 * The regularized lower incomplete gamma function, `1/Γ(self) ∫₀^other t^(self−1) e^−t dt`, as `torch.igamma`. Differentiable by
 * `other`.
 *
 * @example
 * torch.igamma(torch.tensor([4]), torch.tensor([3, 4, 5])) // tensor([0.3528, 0.5665, 0.7350])
 */
export const igamma = tensorBinary('Igamma', e.igamma(x, y), { check: floatsOnly })

/**
 * The regularized upper incomplete gamma function, `1 − igamma(self, other)`, as `torch.igammac`. Differentiable by `other`.
 *
 * @example
 * torch.igammac(torch.tensor([4]), torch.tensor([3, 4, 5])) // tensor([0.6472, 0.4335, 0.2650])
 */
export const igammac = tensorBinary('Igammac', e.igammac(x, y), { check: floatsOnly })

const [order, factor] = [variable('order'), variable('factor')]
const polygammaOp = new PointwiseOp('Polygamma', ['x', 'order', 'factor'], [e.mul(factor, e.zeta(e.add(order, 1), x))], {
  ...float,
  untyped: ['order', 'factor'],
})
const trigammaOp = unary('Polygamma', derive(e.digamma(x), 'x', e.constant(1)), {
  ...float,
  gradient: e.mul(g, e.mul(-2, e.zeta(3, x))),
})
function orderOf(n: number): readonly [order: number, factor: number] {
  if (!Number.isInteger(n) || n < 0) throw new Error('polygamma(n, x) does not support negative n.')
  let factorial = n % 2 === 0 ? -1 : 1
  for (let k = 2; k <= n; k++) factorial *= k
  return [n, factorial]
}

/**
 * The n-th derivative of `digamma`, `(−1)ⁿ⁺¹ n! Σ (x + k)^−(n+1)`, as `torch.polygamma`.
 *
 * @throws Error for a negative n.
 * @example
 * torch.polygamma(1, torch.tensor([1, 0.5])) // tensor([1.6449, 4.9348])
 */
export const polygamma = (n: number, self: Tensor): Tensor => polygammaOf(requireTensor(self, 'polygamma'), n)

/** `polygamma` as a method: `x.polygamma(n)`. */
export const polygammaOf = Object.assign(
  (self: Tensor, n: number): Tensor => {
    const [degree, scale] = orderOf(n)
    return n === 0 ? digamma(self) : n === 1 ? trigammaOp(self) : polygammaOp.call(self, degree, scale)
  },
  {
    inPlace: (self: Tensor, n: number): Tensor => {
      const [degree, scale] = orderOf(n)
      return n === 0 ? digamma.inPlace(self) : n === 1 ? trigammaOp.inPlace(self) : polygammaOp.callInPlace(self, degree, scale)
    },
  },
)
