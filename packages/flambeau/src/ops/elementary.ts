/** Elementary and special functions. Integers are computed in float32. */

import * as e from '../ir/expr.js'
import { g, out, x, y } from '../ir/expr.js'
import { binary, floatsOnly, tensorBinary, unary } from './define.js'

const float = { result: 'float' } as const

/** e^x, as `torch.exp`. */
export const exp = unary('Exp', e.exp(x), { ...float, gradient: e.mul(g, out) })
/** 2^x, as `torch.exp2`. */
export const exp2 = unary('Exp2', e.exp2(x), { ...float, gradient: e.mul(g, e.mul(out, Math.LN2)) })
/** e^x − 1, exact near 0, as `torch.expm1`. */
export const expm1 = unary('Expm1', e.expm1(x), { ...float, gradient: e.mul(g, e.add(out, 1)) })
/** The natural logarithm, as `torch.log`. */
export const log = unary('Log', e.log(x), { ...float, gradient: e.div(g, x) })
/** ln(1 + x), exact near 0, as `torch.log1p`. */
export const log1p = unary('Log1P', e.log1p(x), { ...float, gradient: e.div(g, e.add(x, 1)) })
/** The logarithm to base 2, as `torch.log2`. */
export const log2 = unary('Log2', e.log2(x), { ...float, gradient: e.div(g, e.mul(x, Math.LN2)) })
/** The logarithm to base 10, as `torch.log10`. */
export const log10 = unary('Log10', e.log10(x), { ...float, gradient: e.div(g, e.mul(x, Math.LN10)) })
/** The sine, in radians, as `torch.sin`. */
export const sin = unary('Sin', e.sin(x), float)
/** The cosine, in radians, as `torch.cos`. */
export const cos = unary('Cos', e.cos(x), float)
/** The tangent, in radians, as `torch.tan`. */
export const tan = unary('Tan', e.tan(x), { ...float, gradient: e.mul(g, e.add(1, e.square(out))) })
/** The inverse sine, as `torch.asin`. */
export const asin = unary('Asin', e.asin(x), float)
/** The inverse cosine, as `torch.acos`. */
export const acos = unary('Acos', e.acos(x), float)
/** The inverse tangent, as `torch.atan`. */
export const atan = unary('Atan', e.atan(x), float)
/** The angle of the point (other, self), as `torch.atan2`. */
export const atan2 = tensorBinary('Atan2', e.atan2(x, y), float)
/** The hyperbolic sine, as `torch.sinh`. */
export const sinh = unary('Sinh', e.sinh(x), float)
/** The hyperbolic cosine, as `torch.cosh`. */
export const cosh = unary('Cosh', e.cosh(x), float)
/** The hyperbolic tangent, as `torch.tanh`. */
export const tanh = unary('Tanh', e.tanh(x), { ...float, gradient: e.mul(g, e.sub(1, e.square(out))) })
/** The inverse hyperbolic sine, as `torch.asinh`. */
export const asinh = unary('Asinh', e.asinh(x), float)
/** The inverse hyperbolic cosine, as `torch.acosh`. */
export const acosh = unary('Acosh', e.acosh(x), float)
/** The inverse hyperbolic tangent, as `torch.atanh`. */
export const atanh = unary('Atanh', e.atanh(x), float)
/** 1 / (1 + e^−x), as `torch.sigmoid`. */
export const sigmoid = unary('Sigmoid', e.sigmoid(x), { ...float, gradient: e.mul(g, e.mul(out, e.sub(1, out))) })
/** The error function, as `torch.erf`. */
export const erf = unary('Erf', e.erf(x), float)
/** 1 − erf(x), exact for large x, as `torch.erfc`. */
export const erfc = unary('Erfc', e.erfc(x), float)
/** The inverse of `erf`, as `torch.erfinv`. */
export const erfinv = unary('Erfinv', e.erfinv(x), {
  ...float,
  gradient: e.mul(g, e.mul(Math.sqrt(Math.PI) / 2, e.exp(e.square(out)))),
})
/** ln |Γ(x)|, as `torch.lgamma`. Differentiable once: its second derivative is not implemented. */
export const lgamma = unary('Lgamma', e.lgamma(x), float)
/** The derivative of `lgamma`, as `torch.digamma`. Not differentiable. */
export const digamma = unary('Digamma', e.digamma(x), float)
/** √(self² + other²) without overflow, as `torch.hypot`. */
export const hypot = tensorBinary('Hypot', e.hypot(x, y), {
  check: floatsOnly,
  gradients: { x: e.mul(g, e.div(x, out)), y: e.mul(g, e.div(y, out)) },
})
/** The magnitude of self with the sign of other, as `torch.copysign`. */
export const copysign = binary('Copysign', e.copysign(x, y), {
  ...float,
  gradients: { x: e.where(e.eq(x, 0), 0, e.mul(g, e.div(out, x))), y: e.constant(0) },
})
