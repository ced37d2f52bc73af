/** Divisors and multiples of integers. */

import { type DType, isFloatingPoint, resultType, scalarName } from '../core/dtype.js'
import { broadcastShapes } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { abs, div, mul, remainder } from './arithmetic.js'
import { copy_, to } from './cast.js'
import { eq, maskedFill, ne, where } from './comparison.js'
import { item } from './creation.js'
import { requireTensor, type TensorBinary } from './define.js'
import { checkInPlace } from './dispatch.js'
import { any } from './reduce.js'
import { expand } from './view.js'

function integerPair(name: string, self: Tensor, other: Tensor): [Tensor, Tensor] {
  requireTensor(self, name)
  requireTensor(other, name, 'other')
  const dtype: DType = resultType([self, other])
  if (isFloatingPoint(dtype) || dtype === 'bool') throw new Error(`"${name}_cpu" not implemented for '${scalarName(dtype)}'`)
  const shape = broadcastShapes([self.layout.shape, other.layout.shape])
  return [expand(to(self, dtype), shape), expand(to(other, dtype), shape)]
}
function withInPlace(call: (self: Tensor, other: Tensor) => Tensor): TensorBinary {
  return Object.assign(call, {
    inPlace: (self: Tensor, other: Tensor): Tensor => {
      const result = call(self, other)
      checkInPlace(self, result.layout.shape, result.dtype)
      return copy_(self, result)
    },
  })
}

/** Euclid's algorithm on all elements at once: as many rounds as the slowest pair needs. */
function euclid(a: Tensor, b: Tensor): Tensor {
  let [large, small] = [a, b]
  for (let open = ne(small, 0); item(any(open)); open = ne(small, 0)) {
    const rest = remainder(large, maskedFill(small, eq(small, 0), 1))
    ;[large, small] = [where(open, small, large), where(open, rest, small)]
  }
  return abs(large)
}
/**
 * The greatest common divisor, as `torch.gcd`; gcd(0, 0) is 0.
 *
 * @example
 * torch.gcd(torch.tensor([12n]), torch.tensor([18n])).tolist() // [6]
 */
export const gcd = withInPlace((self, other) => euclid(...integerPair('gcd', self, other)))
/**
 * The least common multiple, as `torch.lcm`; 0 where either is 0.
 *
 * @example
 * torch.lcm(torch.tensor([4n, 6n]), torch.tensor([6n, 9n])).tolist() // [12, 18]
 */
export const lcm = withInPlace((self, other) => {
  const [a, b] = integerPair('lcm', self, other)
  const divisor = euclid(a, b)
  return abs(mul(div(a, maskedFill(divisor, eq(divisor, 0), 1), { roundingMode: 'trunc' }), b))
})
