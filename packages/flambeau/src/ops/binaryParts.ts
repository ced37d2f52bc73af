/** Numbers as a mantissa and a power of two. */

import { isFloatingPoint } from '../core/dtype.js'
import { type Named, named } from '../core/results.js'
import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { x } from '../ir/expr.js'
import { mul } from './arithmetic.js'
import { to } from './cast.js'
import { requireTensor, unary } from './define.js'
import { exp2 } from './elementary.js'
import { detach } from './view.js'

const mantissaOf = unary('Frexp', e.significand(x))
const exponentOf = unary('Frexp', e.exponent(x))

/**
 * Mantissas in [1/2, 1) and int32 exponents with `self = mantissa · 2^exponent`, as `torch.frexp`.
 *
 * @throws Error for integers.
 * @example
 * const { mantissa, exponent } = torch.frexp(torch.tensor([6, 0.25]))
 * mantissa // tensor([0.7500, 0.5000])
 * exponent // tensor([ 3, -1], dtype=torch.int32)
 */
export function frexp(self: Tensor): Named<'mantissa' | 'exponent'> {
  if (!isFloatingPoint(requireTensor(self, 'frexp').dtype)) throw new Error('torch.frexp() only supports floating-point dtypes')
  return named({ mantissa: mantissaOf(self), exponent: to(exponentOf(detach(self)), 'int32') })
}

/**
 * `self · 2^other`, as `torch.ldexp`.
 *
 * @example
 * torch.ldexp(torch.tensor([1, 1.5]), torch.tensor([3n, -1n])) // tensor([8.0000, 0.7500])
 */
export const ldexp = Object.assign(
  (self: Tensor, other: Tensor): Tensor => mul(requireTensor(self, 'ldexp'), exp2(requireTensor(other, 'ldexp', 'other'))),
  {
    inPlace: (self: Tensor, other: Tensor): Tensor => mul.inPlace(self, exp2(requireTensor(other, 'ldexp', 'other'))),
  },
)
