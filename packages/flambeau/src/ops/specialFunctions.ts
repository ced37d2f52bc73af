/** `torch.special`. */

import * as e from '../ir/expr.js'
import { g, x, y } from '../ir/expr.js'
import { eitherBinary, unary } from './define.js'

export { round } from './arithmetic.js'
export {
  digamma,
  digamma as psi,
  erf,
  erfc,
  erfinv,
  exp2,
  expm1,
  lgamma as gammaln,
  log1p,
  sigmoid as expit,
} from './elementary.js'
export { i0, igamma as gammainc, igammac as gammaincc, polygamma } from './gamma.js'
export * from './polynomials.js'
export { logsumexp } from './reduce.js'
export { logSoftmax, softmax } from './softmax.js'
export { logit, mvlgamma as multigammaln, sinc, xlogy } from './special.js'

const float = { result: 'float' } as const
const NAN = Number.NaN
const ROOT2 = Math.SQRT2

/**
 * self · ln(1 + other), and 0 where self is 0, as `torch.special.xlog1py`.
 *
 * @example
 * torch.special.xlog1py(torch.tensor([0, 2]), torch.tensor([-1, 1])) // tensor([0.0000, 1.3863])
 */
export const xlog1py = eitherBinary('SpecialXlog1Py', e.where(e.ne(y, y), NAN, e.where(e.eq(x, 0), 0, e.mul(x, e.log1p(y)))), {
  ...float,
  gradients: {
    x: e.where(e.either(e.both(e.eq(g, 0), e.eq(y, y)), e.both(e.eq(x, 0), e.le(y, -1))), 0, e.mul(g, e.log1p(y))),
    y: e.div(e.mul(g, x), e.add(y, 1)),
  },
})

/**
 * −x·ln(x), 0 at 0 and −∞ below, as `torch.special.entr`.
 *
 * @example
 * torch.special.entr(torch.tensor([-1, 0, 0.5])) // tensor([  -inf, 0.0000, 0.3466])
 */
export const entr = unary(
  'SpecialEntr',
  e.where(e.ne(x, x), x, e.where(e.gt(x, 0), e.neg(e.mul(x, e.log(x))), e.where(e.eq(x, 0), 0, -Infinity))),
  { ...float, gradient: e.mul(g, e.sub(-1, e.log(x))) },
)

/**
 * The probability below x of the standard normal distribution, as `torch.special.ndtr`.
 *
 * @example
 * torch.special.ndtr(torch.tensor([-1, 0, 1])) // tensor([0.1587, 0.5000, 0.8413])
 */
export const ndtr = unary('SpecialNdtr', e.mul(0.5, e.erfc(e.mul(x, -Math.SQRT1_2))), {
  ...float,
  gradient: e.mul(g, e.mul(1 / Math.sqrt(2 * Math.PI), e.exp(e.mul(-0.5, e.square(x))))),
})

/**
 * The inverse of `ndtr`, as `torch.special.ndtri`.
 *
 * @example
 * torch.special.ndtri(torch.tensor([0, 0.25, 0.5])) // tensor([   -inf, -0.6745,  0.0000])
 */
export const ndtri = unary('SpecialNdtri', e.ndtri(x), float)

const tail = e.erfcx(e.div(x, -ROOT2))
/**
 * ln `ndtr(x)`, exact far below 0, as `torch.special.log_ndtr`.
 *
 * @example
 * torch.special.logNdtr(torch.tensor([-10, 0])) // tensor([-53.2313,  -0.6931])
 */
export const logNdtr = unary(
  'SpecialLogNdtr',
  e.where(e.lt(x, -1), e.sub(e.log(e.div(tail, 2)), e.div(e.square(x), 2)), e.log1p(e.mul(-0.5, e.erfc(e.mul(x, Math.SQRT1_2))))),
  { ...float, gradient: e.where(e.eq(x, -Infinity), NAN, e.mul(g, e.div(Math.sqrt(2 / Math.PI), tail))) },
)

/**
 * The scaled complementary error function, `e^(x²) erfc(x)`, as `torch.special.erfcx`.
 *
 * @example
 * torch.special.erfcx(torch.tensor([-1, 0, 10])) // tensor([5.0090, 1.0000, 0.0561])
 */
export const erfcx = unary('SpecialErfcx', e.erfcx(x), float)

/**
 * `e^−|x| i0(x)`, as `torch.special.i0e`.
 *
 * @example
 * torch.special.i0e(torch.tensor([0, 1, 100])) // tensor([1.0000, 0.4658, 0.0399])
 */
export const i0e = unary('SpecialI0E', e.i0e(x), float)

/**
 * The modified Bessel function of the first kind and order 1, as `torch.special.i1`.
 *
 * @example
 * torch.special.i1(torch.tensor([-1, 0, 1])) // tensor([-0.5652,  0.0000,  0.5652])
 */
export const i1 = unary('SpecialI1', e.i1(x), float)

/**
 * `e^−|x| i1(x)`, as `torch.special.i1e`.
 *
 * @example
 * torch.special.i1e(torch.tensor([-1, 0, 1])) // tensor([-0.2079,  0.0000,  0.2079])
 */
export const i1e = unary('SpecialI1E', e.i1e(x), float)

/**
 * The modified Bessel function of the first kind and order 0, as `torch.special.modified_bessel_i0`.
 *
 * @example
 * torch.special.modifiedBesselI0(torch.tensor([0, 1])) // tensor([1.0000, 1.2661])
 */
export const modifiedBesselI0 = unary('SpecialModifiedBesselI0', e.i0(x), float)
/**
 * The modified Bessel function of the first kind and order 1, as `torch.special.modified_bessel_i1`.
 *
 * @example
 * torch.special.modifiedBesselI1(torch.tensor([0, 1])) // tensor([0.0000, 0.5652])
 */
export const modifiedBesselI1 = unary('SpecialModifiedBesselI1', e.i1(x), float)

/**
 * The modified Bessel function of the second kind and order 0, as `torch.special.modified_bessel_k0`.
 *
 * @example
 * torch.special.modifiedBesselK0(torch.tensor([0, 1])) // tensor([   inf, 0.4210])
 */
export const modifiedBesselK0 = unary('SpecialModifiedBesselK0', e.k0(x), float)

/**
 * The modified Bessel function of the second kind and order 1, as `torch.special.modified_bessel_k1`.
 *
 * @example
 * torch.special.modifiedBesselK1(torch.tensor([0, 1])) // tensor([   inf, 0.6019])
 */
export const modifiedBesselK1 = unary('SpecialModifiedBesselK1', e.k1(x), float)
/**
 * `e^x modifiedBesselK0(x)`, as `torch.special.scaled_modified_bessel_k0`.
 *
 * @example
 * torch.special.scaledModifiedBesselK0(torch.tensor([1, 2])) // tensor([1.1445, 0.8416])
 */
export const scaledModifiedBesselK0 = unary('SpecialScaledModifiedBesselK0', e.k0e(x), float)
/**
 * `e^x modifiedBesselK1(x)`, as `torch.special.scaled_modified_bessel_k1`.
 *
 * @example
 * torch.special.scaledModifiedBesselK1(torch.tensor([1, 2])) // tensor([1.6362, 1.0335])
 */
export const scaledModifiedBesselK1 = unary('SpecialScaledModifiedBesselK1', e.k1e(x), float)

/**
 * The Bessel function of the first kind and order 0, as `torch.special.bessel_j0`.
 *
 * @example
 * torch.special.besselJ0(torch.tensor([0, 1, 2])) // tensor([1.0000, 0.7652, 0.2239])
 */
export const besselJ0 = unary('SpecialBesselJ0', e.j0(x), float)

/**
 * The Bessel function of the first kind and order 1, as `torch.special.bessel_j1`.
 *
 * @example
 * torch.special.besselJ1(torch.tensor([0, 1, 2])) // tensor([0.0000, 0.4401, 0.5767])
 */
export const besselJ1 = unary('SpecialBesselJ1', e.j1(x), float)

/**
 * The Bessel function of the second kind and order 0, as `torch.special.bessel_y0`.
 *
 * @example
 * torch.special.besselY0(torch.tensor([0, 1, 2])) // tensor([  -inf, 0.0883, 0.5104])
 */
export const besselY0 = unary('SpecialBesselY0', e.y0(x), float)

/**
 * The Bessel function of the second kind and order 1, as `torch.special.bessel_y1`.
 *
 * @example
 * torch.special.besselY1(torch.tensor([0, 1, 2])) // tensor([   -inf, -0.7812, -0.1070])
 */
export const besselY1 = unary('SpecialBesselY1', e.y1(x), float)

/**
 * sin(x) / x, 1 at 0, as `torch.special.spherical_bessel_j0`.
 *
 * @example
 * torch.special.sphericalBesselJ0(torch.tensor([0, 1])) // tensor([1.0000, 0.8415])
 */
export const sphericalBesselJ0 = unary(
  'SpecialSphericalBesselJ0',
  e.where(e.eq(x, 0), 1, e.where(e.isinf(x), 0, e.div(e.sin(x), x))),
  float,
)

/**
 * Airy's function of the first kind, as `torch.special.airy_ai`. Not differentiable.
 *
 * @example
 * torch.special.airyAi(torch.tensor([-1, 0, 1])) // tensor([0.5356, 0.3550, 0.1353])
 */
export const airyAi = unary('SpecialAiryAi', e.airyAi(x), float)

/**
 * Hurwitz's zeta function, `Σ (other + k)^−self`, as `torch.special.zeta`. Differentiable by `other`.
 *
 * @example
 * torch.special.zeta(torch.tensor([2, 4]), 1) // tensor([1.6449, 1.0823])
 */
export const zeta = eitherBinary('SpecialZeta', e.zeta(x, y), float)
