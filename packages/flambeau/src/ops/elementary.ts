/** Elementary and special functions. Integers are computed in float32. */

import * as e from '../ir/expr.js'
import { g, out, x, y } from '../ir/expr.js'
import { binary, floatsOnly, tensorBinary, unary } from './define.js'

const float = { result: 'float' } as const

/**
 * e^x, as `torch.exp`.
 *
 * @example
 * torch.exp(torch.tensor([0, 0.5])) // tensor([1.0000, 1.6487])
 */
export const exp = unary('Exp', e.exp(x), { ...float, gradient: e.mul(g, out) })
/**
 * 2^x, as `torch.exp2`.
 *
 * @example
 * torch.exp2(torch.tensor([0, 0.5])) // tensor([1.0000, 1.4142])
 */
export const exp2 = unary('Exp2', e.exp2(x), { ...float, gradient: e.mul(g, e.mul(out, Math.LN2)) })
/**
 * e^x − 1, exact near 0, as `torch.expm1`.
 *
 * @example
 * torch.expm1(torch.tensor([0, 0.5])) // tensor([0.0000, 0.6487])
 */
export const expm1 = unary('Expm1', e.expm1(x), { ...float, gradient: e.mul(g, e.add(out, 1)) })
/**
 * The natural logarithm, as `torch.log`.
 *
 * @example
 * torch.log(torch.tensor([1, 2])) // tensor([0.0000, 0.6931])
 */
export const log = unary('Log', e.log(x), { ...float, gradient: e.div(g, x) })
/**
 * ln(1 + x), exact near 0, as `torch.log1p`.
 *
 * @example
 * torch.log1p(torch.tensor([1, 2])) // tensor([0.6931, 1.0986])
 */
export const log1p = unary('Log1P', e.log1p(x), { ...float, gradient: e.div(g, e.add(x, 1)) })
/**
 * The logarithm to base 2, as `torch.log2`.
 *
 * @example
 * torch.log2(torch.tensor([1, 2])) // tensor([0., 1.])
 */
export const log2 = unary('Log2', e.log2(x), { ...float, gradient: e.div(g, e.mul(x, Math.LN2)) })
/**
 * The logarithm to base 10, as `torch.log10`.
 *
 * @example
 * torch.log10(torch.tensor([1, 2])) // tensor([0.0000, 0.3010])
 */
export const log10 = unary('Log10', e.log10(x), { ...float, gradient: e.div(g, e.mul(x, Math.LN10)) })
/**
 * The sine, in radians, as `torch.sin`.
 *
 * @example
 * torch.sin(torch.tensor([0, 0.5])) // tensor([0.0000, 0.4794])
 */
export const sin = unary('Sin', e.sin(x), float)
/**
 * The cosine, in radians, as `torch.cos`.
 *
 * @example
 * torch.cos(torch.tensor([0, 0.5])) // tensor([1.0000, 0.8776])
 */
export const cos = unary('Cos', e.cos(x), float)
/**
 * The tangent, in radians, as `torch.tan`.
 *
 * @example
 * torch.tan(torch.tensor([0, 0.5])) // tensor([0.0000, 0.5463])
 */
export const tan = unary('Tan', e.tan(x), { ...float, gradient: e.mul(g, e.add(1, e.square(out))) })
/**
 * The inverse sine, as `torch.asin`.
 *
 * @example
 * torch.asin(torch.tensor([0, 0.5])) // tensor([0.0000, 0.5236])
 */
export const asin = unary('Asin', e.asin(x), float)
/**
 * The inverse cosine, as `torch.acos`.
 *
 * @example
 * torch.acos(torch.tensor([0, 0.5])) // tensor([1.5708, 1.0472])
 */
export const acos = unary('Acos', e.acos(x), float)
/**
 * The inverse tangent, as `torch.atan`.
 *
 * @example
 * torch.atan(torch.tensor([0, 0.5])) // tensor([0.0000, 0.4636])
 */
export const atan = unary('Atan', e.atan(x), float)
/**
 * The angle of the point (other, self), as `torch.atan2`.
 *
 * @example
 * torch.atan2(torch.tensor([1, -1]), torch.tensor([1, -1])) // tensor([ 0.7854, -2.3562])
 */
export const atan2 = tensorBinary('Atan2', e.atan2(x, y), float)
/**
 * The hyperbolic sine, as `torch.sinh`.
 *
 * @example
 * torch.sinh(torch.tensor([0, 0.5])) // tensor([0.0000, 0.5211])
 */
export const sinh = unary('Sinh', e.sinh(x), float)
/**
 * The hyperbolic cosine, as `torch.cosh`.
 *
 * @example
 * torch.cosh(torch.tensor([0, 0.5])) // tensor([1.0000, 1.1276])
 */
export const cosh = unary('Cosh', e.cosh(x), float)
/**
 * The hyperbolic tangent, as `torch.tanh`.
 *
 * @example
 * torch.tanh(torch.tensor([0, 0.5])) // tensor([0.0000, 0.4621])
 */
export const tanh = unary('Tanh', e.tanh(x), { ...float, gradient: e.mul(g, e.sub(1, e.square(out))) })
/**
 * The inverse hyperbolic sine, as `torch.asinh`.
 *
 * @example
 * torch.asinh(torch.tensor([0, 0.5])) // tensor([0.0000, 0.4812])
 */
export const asinh = unary('Asinh', e.asinh(x), float)
/**
 * The inverse hyperbolic cosine, as `torch.acosh`.
 *
 * @example
 * torch.acosh(torch.tensor([1, 2])) // tensor([0.0000, 1.3170])
 */
export const acosh = unary('Acosh', e.acosh(x), float)
/**
 * The inverse hyperbolic tangent, as `torch.atanh`.
 *
 * @example
 * torch.atanh(torch.tensor([0, 0.5])) // tensor([0.0000, 0.5493])
 */
export const atanh = unary('Atanh', e.atanh(x), float)
/**
 * 1 / (1 + e^−x), as `torch.sigmoid`.
 *
 * @example
 * torch.sigmoid(torch.tensor([0, 0.5])) // tensor([0.5000, 0.6225])
 */
export const sigmoid = unary('Sigmoid', e.sigmoid(x), { ...float, gradient: e.mul(g, e.mul(out, e.sub(1, out))) })
/**
 * The error function, as `torch.erf`.
 *
 * @example
 * torch.erf(torch.tensor([0, 0.5])) // tensor([0.0000, 0.5205])
 */
export const erf = unary('Erf', e.erf(x), float)
/**
 * 1 − erf(x), exact for large x, as `torch.erfc`.
 *
 * @example
 * torch.erfc(torch.tensor([0, 0.5])) // tensor([1.0000, 0.4795])
 */
export const erfc = unary('Erfc', e.erfc(x), float)
/**
 * The inverse of `erf`, as `torch.erfinv`.
 *
 * @example
 * torch.erfinv(torch.tensor([0, 0.5])) // tensor([0.0000, 0.4769])
 */
export const erfinv = unary('Erfinv', e.erfinv(x), {
  ...float,
  gradient: e.mul(g, e.mul(Math.sqrt(Math.PI) / 2, e.exp(e.square(out)))),
})
/**
 * ln |Γ(x)|, as `torch.lgamma`. Differentiable once: its second derivative is not implemented.
 *
 * @example
 * torch.lgamma(torch.tensor([1, 2])) // tensor([0., 0.])
 */
export const lgamma = unary('Lgamma', e.lgamma(x), float)
/**
 * The derivative of `lgamma`, as `torch.digamma`. Not differentiable.
 *
 * @example
 * torch.digamma(torch.tensor([1, 2])) // tensor([-0.5772,  0.4228])
 */
export const digamma = unary('Digamma', e.digamma(x), float)
/**
 * √(self² + other²) without overflow, as `torch.hypot`.
 *
 * @example
 * torch.hypot(torch.tensor([3]), torch.tensor([4])).tolist() // [5]
 */
export const hypot = tensorBinary('Hypot', e.hypot(x, y), {
  check: floatsOnly,
  gradients: { x: e.mul(g, e.div(x, out)), y: e.mul(g, e.div(y, out)) },
})
/**
 * The magnitude of self with the sign of other, as `torch.copysign`.
 *
 * @example
 * torch.copysign(torch.tensor([1, -2]), -1).tolist() // [-1, -2]
 */
export const copysign = binary('Copysign', e.copysign(x, y), {
  ...float,
  gradients: { x: e.where(e.eq(x, 0), 0, e.mul(g, e.div(out, x))), y: e.constant(0) },
})
