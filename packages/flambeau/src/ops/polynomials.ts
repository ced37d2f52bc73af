/** Orthogonal polynomials of `torch.special`. The order of the families is that of the primitive `orthogonal`. */

import * as e from '../ir/expr.js'
import { x, y } from '../ir/expr.js'
import { type EitherBinary, eitherBinary } from './define.js'

const family = (name: string, kind: number, at: e.Expr = x): EitherBinary =>
  eitherBinary(name, e.orthogonal(at, y, kind), { result: 'float' })
const shifted = e.sub(e.mul(2, x), 1)

/**
 * Tₙ(x), Chebyshev's polynomial of the first kind and degree n, as `torch.special.chebyshev_polynomial_t`. Not differentiable.
 *
 * @example
 * torch.special.chebyshevPolynomialT(torch.tensor([0.5, 2]), 2) // tensor([-0.5000,  7.0000])
 */
export const chebyshevPolynomialT = family('SpecialChebyshevPolynomialT', 0)
/**
 * Uₙ(x), of the second kind, as `torch.special.chebyshev_polynomial_u`. Not differentiable.
 *
 * @example
 * torch.special.chebyshevPolynomialU(torch.tensor([0.5, 2]), 2) // tensor([ 0., 15.])
 */
export const chebyshevPolynomialU = family('SpecialChebyshevPolynomialU', 1)
/**
 * Vₙ(x), of the third kind, as `torch.special.chebyshev_polynomial_v`. Not differentiable.
 *
 * @example
 * torch.special.chebyshevPolynomialV(torch.tensor([0.5, 2]), 2) // tensor([-1., 11.])
 */
export const chebyshevPolynomialV = family('SpecialChebyshevPolynomialV', 2)
/**
 * Wₙ(x), of the fourth kind, as `torch.special.chebyshev_polynomial_w`. Not differentiable.
 *
 * @example
 * torch.special.chebyshevPolynomialW(torch.tensor([0.5, 2]), 2) // tensor([ 1., 19.])
 */
export const chebyshevPolynomialW = family('SpecialChebyshevPolynomialW', 3)
/**
 * Hₙ(x), Hermite's polynomial of the physicists, as `torch.special.hermite_polynomial_h`. Not differentiable.
 *
 * @example
 * torch.special.hermitePolynomialH(torch.tensor([1, 2]), 2) // tensor([ 2., 14.])
 */
export const hermitePolynomialH = family('SpecialHermitePolynomialH', 4)
/**
 * Heₙ(x), Hermite's polynomial of the probabilists, as `torch.special.hermite_polynomial_he`. Not differentiable.
 *
 * @example
 * torch.special.hermitePolynomialHe(torch.tensor([1, 2]), 2) // tensor([0., 3.])
 */
export const hermitePolynomialHe = family('SpecialHermitePolynomialHe', 5)
/**
 * Lₙ(x), Laguerre's polynomial, as `torch.special.laguerre_polynomial_l`. Not differentiable.
 *
 * @example
 * torch.special.laguerrePolynomialL(torch.tensor([1, 2]), 2) // tensor([-0.5000, -1.0000])
 */
export const laguerrePolynomialL = family('SpecialLaguerrePolynomialL', 6)
/**
 * Pₙ(x), Legendre's polynomial, as `torch.special.legendre_polynomial_p`. Not differentiable.
 *
 * @example
 * torch.special.legendrePolynomialP(torch.tensor([0, 2]), 2) // tensor([-0.5000,  5.5000])
 */
export const legendrePolynomialP = family('SpecialLegendrePolynomialP', 7)
/**
 * Tₙ(2x − 1), as `torch.special.shifted_chebyshev_polynomial_t`. Not differentiable.
 *
 * @example
 * torch.special.shiftedChebyshevPolynomialT(torch.tensor([0.5, 1]), 2) // tensor([-1.,  1.])
 */
export const shiftedChebyshevPolynomialT = family('SpecialShiftedChebyshevPolynomialT', 0, shifted)
/**
 * Uₙ(2x − 1), as `torch.special.shifted_chebyshev_polynomial_u`. Not differentiable.
 *
 * @example
 * torch.special.shiftedChebyshevPolynomialU(torch.tensor([0.5, 1]), 2) // tensor([-1.,  3.])
 */
export const shiftedChebyshevPolynomialU = family('SpecialShiftedChebyshevPolynomialU', 1, shifted)
/**
 * Vₙ(2x − 1), as `torch.special.shifted_chebyshev_polynomial_v`. Not differentiable.
 *
 * @example
 * torch.special.shiftedChebyshevPolynomialV(torch.tensor([0.5, 1]), 2) // tensor([-1.,  1.])
 */
export const shiftedChebyshevPolynomialV = family('SpecialShiftedChebyshevPolynomialV', 2, shifted)
/**
 * Wₙ(2x − 1), as `torch.special.shifted_chebyshev_polynomial_w`. Not differentiable.
 *
 * @example
 * torch.special.shiftedChebyshevPolynomialW(torch.tensor([0.5, 1]), 2) // tensor([-1.,  5.])
 */
export const shiftedChebyshevPolynomialW = family('SpecialShiftedChebyshevPolynomialW', 3, shifted)
