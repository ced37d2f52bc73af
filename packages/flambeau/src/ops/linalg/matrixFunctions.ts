/** Powers and exponentials of matrices, and their condition. */

import { type Arguments, readArguments } from '../../core/arguments.js'
import { isFloatingPoint, scalarName } from '../../core/dtype.js'
import type { Tensor } from '../../core/tensor.js'
import { clampMin } from '../activation.js'
import { abs, add, ceil, div, mul } from '../arithmetic.js'
import { clone } from '../cast.js'
import { gt, isfinite, maskedFill, where } from '../comparison.js'
import { filled } from '../copy.js'
import { item } from '../creation.js'
import { diagEmbed } from '../diagonal.js'
import { defineOp, type Op } from '../dispatch.js'
import { exp2, log2 } from '../elementary.js'
import { cat } from '../joining.js'
import { matmul } from '../matmul.js'
import { linalgNorm } from '../norm.js'
import { amax, sum } from '../reduce.js'
import { narrow, select, unsqueeze } from '../view.js'
import { batchOf, identityLike, mT, requireKernel, requireSquare, sizesOf } from './matrices.js'
import { inv, invEx } from './solve.js'
import { svdvals } from './svd.js'

/**
 * Square matrices multiplied by themselves n times, as `torch.matrix_power`; for n < 0 their inverses.
 *
 * @throws Error `linalg.matrix_power: A must be batches of square matrices, but they are 2 by 3 matrices`
 * @example
 * torch.matrixPower(torch.tensor([[2, 0], [0, 4]]), -1).tolist() // [ [ 0.5, 0 ], [ 0, 0.25 ] ]
 */
export function matrixPower(self: Tensor, n: number): Tensor {
  requireSquare('linalg.matrix_power', self)
  if (!Number.isInteger(n)) throw new TypeError(`linalg_matrix_power(): argument 'n' (position 2) must be int, not float`)
  if (n < 0) return matrixPower(inv(self), -n)
  // A constant, of which the matrix still has a gradient: zeros.
  if (n === 0) return where(filled(self, [], false, 'bool'), self, diagEmbed(filled(self, self.layout.shape.slice(0, -1), 1)))
  if (n === 1) return clone(self)
  // By squaring: one product for each bit, one more for each that is set.
  let [power, result] = [self, null as Tensor | null]
  for (let rest = n; ; power = matmul(power, power)) {
    if (rest % 2 === 1) result = result === null ? power : matmul(result, power)
    rest = Math.floor(rest / 2)
    if (rest === 0) return result!
  }
}

/** 1/k!, k = 0 … 16. */
const coefficients = Array.from({ length: 17 }, (_, k) => {
  let factorial = 1
  for (let i = 2; i <= k; i++) factorial *= i
  return 1 / factorial
})

/** Σ Aᵏ/k! up to k = 16, four powers at a time: six products. */
function taylor(a: Tensor): Tensor {
  const a2 = matmul(a, a)
  const a3 = matmul(a2, a)
  const a4 = matmul(a2, a2)
  const one = identityLike(a, sizesOf(a)[0])
  const four = (k: number): Tensor => {
    const [c0, c1, c2, c3] = coefficients.slice(k, k + 4)
    return add(add(mul(one, c0), mul(a, c1)), add(mul(a2, c2), mul(a3, c3)))
  }
  let out = add(four(12), mul(a4, coefficients[16]))
  for (const k of [8, 4, 0]) out = add(matmul(out, a4), four(k))
  return out
}

/** exp(A) = exp(A / 2ˢ) squared s times, each matrix with its own s: where the series needs it. */
function exponential(a: Tensor): Tensor {
  if (a.layout.numel === 0) return clone(a)
  const size = amax(sum(abs(a), -2), -1)
  // Where the first term left out is below ε: the fewer squarings, the fewer errors are doubled.
  const bound = a.dtype === 'float64' ? 0.75 : 2.5
  const halvings = clampMin(ceil(log2(div(where(isfinite(size), size, 0), bound))), 0)
  const most = Number(item(amax(halvings)))
  const each = unsqueeze(unsqueeze(halvings, -1), -1)
  let out = taylor(div(a, exp2(each)))
  for (let i = 0; i < most; i++) out = where(gt(each, i), matmul(out, out), out)
  return out
}

const matrixExpOp: Op<undefined> = defineOp({
  name: 'LinalgMatrixExp',
  forward: ([a]) => [exponential(a.detach())],
  save: ([a]) => [a],
  backward: ([g], { saved: [a] }) => {
    // exp([[Aᵀ, G], [0, Aᵀ]]) has the derivative of exp at Aᵀ in the direction G in its corner.
    const n = sizesOf(a)[0]
    const at = mT(a)
    const rows = [cat([at, g!], -1), cat([filled(a, a.layout.shape, 0), at], -1)]
    return [narrow(narrow(matrixExp(cat(rows, -2)), -2, 0, n), -1, n, n)]
  },
})
/**
 * The exponential Σ Aᵏ/k! of square matrices, as `torch.linalg.matrix_exp`.
 *
 * @example
 * torch.linalg.matrixExp(torch.zeros(2, 2)).tolist() // [ [ 1, 0 ], [ 0, 1 ] ]
 */
export function matrixExp(A: Tensor): Tensor {
  requireSquare('linalg.matrix_exp', A)
  if (!isFloatingPoint(A.dtype) && !A.dtype.startsWith('complex'))
    throw new Error(`matrix_exp: Expected a floating point or complex tensor as input. Got ${scalarName(A.dtype)}`)
  requireKernel('log2_vml_cpu', A)
  return matrixExpOp([A], undefined)[0]
}

type Order = number | 'fro' | 'nuc' | null
/**
 * The condition number of matrices: norm(A) · norm(A⁻¹), for the norms of order 2 the quotient of the extreme singular
 * values, as `torch.linalg.cond`; p is 2 unless given.
 *
 * @example
 * torch.linalg.cond(torch.tensor([[2, 0], [0, 4]])).item() // 2
 */
export function cond(A: Tensor, ...args: Arguments<[p: Order], { p?: Order }>): Tensor {
  const { p = null } = readArguments<{ p?: Order }>('linalg_cond', args, ['p'])
  if (A.ndim < 2) throw new Error('linalg.cond: The input tensor must have at least 2 dimensions.')
  const order = p ?? 2
  if (Math.abs(order as number) === 2) {
    if (A.layout.numel === 0) return filled(A, batchOf(A), 0)
    const S = svdvals(A)
    const [largest, smallest] = [select(S, -1, 0), select(S, -1, S.layout.shape.at(-1)! - 1)]
    return order === 2 ? div(largest, smallest) : div(smallest, largest)
  }
  if (order !== 'fro' && order !== 'nuc' && ![1, Number.POSITIVE_INFINITY].includes(Math.abs(order as number)))
    throw new Error(`linalg.cond got an invalid norm type: ${order}`)
  requireSquare(`linalg.cond(ord=${order})`, A)
  if (A.layout.numel === 0) return filled(A, batchOf(A), 0)
  const { inverse, info } = invEx(A)
  const singular = unsqueeze(unsqueeze(gt(info, 0), -1), -1)
  const dim = [-2, -1]
  return mul(linalgNorm(A, order, dim), linalgNorm(maskedFill(inverse, singular, Number.POSITIVE_INFINITY), order, dim))
}
