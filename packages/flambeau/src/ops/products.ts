/** Products of vectors and matrices beyond matmul, made of it. */

import { type Arguments, readArgument, readArguments } from '../core/arguments.js'
import { isDifferentiable, resultType, scalarName } from '../core/dtype.js'
import { broadcastShapes, wrapDim } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { mul, sub } from './arithmetic.js'
import { to } from './cast.js'
import { conj } from './complex.js'
import { filled } from './copy.js'
import { requireTensor } from './define.js'
import { cat } from './joining.js'
import { dot, matmul } from './matmul.js'
import { flip, roll } from './rearrange.js'
import { sum } from './reduce.js'
import { cumprod } from './scan.js'
import { expand, narrow, reshape, squeeze, unsqueeze } from './view.js'

/**
 * Every element of `self` times all of `other`, in blocks, as `torch.kron`.
 *
 * @example
 * torch.kron(torch.eye(2), torch.tensor([[1, 2]])).tolist() // [[1, 2, 0, 0], [0, 0, 1, 2]]
 */
export function kron(self: Tensor, other: Tensor): Tensor {
  const ndim = Math.max(self.ndim, other.ndim)
  const [a, b] = [self, other].map((t) => [...new Array<number>(ndim - t.ndim).fill(1), ...t.layout.shape])
  const product = mul(
    reshape(
      self,
      a.flatMap((size) => [size, 1]),
    ),
    reshape(
      other,
      b.flatMap((size) => [1, size]),
    ),
  )
  return reshape(
    product,
    a.map((size, d) => size * b[d]),
  )
}

function crossAlong(name: string, self: Tensor, other: Tensor, dim: number): Tensor {
  const d = wrapDim(dim, self.ndim)
  const sizes = [self, other].map((t) => t.layout.shape[d])
  if (sizes.some((size) => size !== 3))
    throw new Error(`${name}: inputs dimension ${dim} must have length 3. Got ${sizes[0]} and ${sizes[1]}`)
  const shape = broadcastShapes([self.layout.shape, other.layout.shape])
  const [a, b] = [expand(self, shape), expand(other, shape)]
  return sub(mul(roll(a, -1, d), roll(b, -2, d)), mul(roll(a, -2, d), roll(b, -1, d)))
}
function requireSameRank(name: string, self: Tensor, other: Tensor): void {
  if (self.ndim !== other.ndim) throw new Error(`${name}: inputs must have the same number of dimensions.`)
}
/**
 * The vector product along a dimension of size 3, the first of that size unless given, as `torch.cross`.
 *
 * @throws Error where no dimension has size 3
 * @example
 * torch.tensor([1, 0, 0]).cross(torch.tensor([0, 1, 0])).tolist() // [0, 0, 1]
 */
export function cross(self: Tensor, other: Tensor, dim?: number | null | { dim?: number | null }): Tensor {
  const given = readArgument<number | null>('cross', 'dim', dim, null)
  requireSameRank('linalg.cross', self, other)
  const shape = broadcastShapes([self.layout.shape, other.layout.shape])
  const d = given ?? shape.indexOf(3)
  if (d < 0 && given === null) throw new Error('no dimension of size 3 in input')
  return crossAlong('linalg.cross', self, other, d)
}
/**
 * The vector product along a dimension of size 3, the last unless given, as `torch.linalg.cross`.
 *
 * @example
 * torch.linalg.cross(torch.tensor([1, 0, 0]), torch.tensor([0, 1, 0])).tolist() // [0, 0, 1]
 */
export function linalgCross(self: Tensor, other: Tensor, ...args: Arguments<[dim: number], { dim?: number }>): Tensor {
  const { dim = -1 } = readArguments<{ dim?: number }>('linalg.cross', args, ['dim'])
  requireSameRank('linalg.cross', self, other)
  return crossAlong('linalg.cross', self, other, dim)
}

/**
 * The inner product of two vectors, the first one conjugated, as `torch.vdot`.
 *
 * @example
 * torch.vdot(torch.tensor([1, 2]), torch.tensor([3, 4])).item() // 11
 */
export const vdot = (self: Tensor, other: Tensor): Tensor => dot(conj(self), other)
/**
 * The inner products along a dimension, with broadcasting, as `torch.linalg.vecdot`.
 *
 * @example
 * torch.linalg.vecdot(torch.tensor([[1, 2], [3, 4]]), torch.ones(2)).tolist() // [3, 7]
 */
export function vecdot(x: Tensor, y: Tensor, ...args: Arguments<[dim: number], { dim?: number }>): Tensor {
  const { dim = -1 } = readArguments<{ dim?: number }>('linalg.vecdot', args, ['dim'])
  requireTensor(y, 'linalg_vecdot', 'y')
  if (!isDifferentiable(x.dtype))
    throw new Error(`linalg.vecdot: Expected a floating point or complex tensor as input. Got ${scalarName(x.dtype)}`)
  if (x.dtype !== y.dtype)
    throw new Error(
      `linalg.vecdot: Expected x and y to have the same dtype, but found x of type ${scalarName(x.dtype)} and y of type ${scalarName(y.dtype)} instead`,
    )
  return sum(mul(conj(x), y), dim)
}

/**
 * A chain of matrix products in the order that needs the fewest multiplications, as `torch.linalg.multi_dot`.
 *
 * @example
 * torch.linalg.multiDot([torch.ones(2, 3), torch.ones(3, 4), torch.ones(4, 5)]).shape // [2, 5]
 */
export function multiDot(tensors: readonly Tensor[]): Tensor {
  if (tensors.length < 2) throw new Error(`multi_dot(): expected at least 2 tensors but got ${tensors.length}`)
  const [first, last] = [tensors[0], tensors[tensors.length - 1]]
  const chain = tensors.map((t, i) => {
    if (t.ndim === 1 && i === 0) return unsqueeze(t, 0)
    if (t.ndim === 1 && i === tensors.length - 1) return unsqueeze(t, 1)
    if (t.ndim !== 2) throw new Error(`multi_dot(): tensor ${i} must be 2D but got ${t.ndim}D`)
    return t
  })
  const sizes = [...chain.map((t) => t.layout.shape[0]), chain[chain.length - 1].layout.shape[1]]
  const n = chain.length
  const cost = Array.from({ length: n }, () => new Array<number>(n).fill(0))
  const cut = Array.from({ length: n }, () => new Array<number>(n).fill(0))
  for (let length = 1; length < n; length++)
    for (let i = 0; i + length < n; i++) {
      const j = i + length
      cost[i][j] = Number.POSITIVE_INFINITY
      for (let k = i; k < j; k++) {
        const price = cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
        if (price < cost[i][j]) [cost[i][j], cut[i][j]] = [price, k]
      }
    }
  const multiply = (i: number, j: number): Tensor =>
    i === j ? chain[i] : matmul(multiply(i, cut[i][j]), multiply(cut[i][j] + 1, j))
  let out = multiply(0, n - 1)
  if (first.ndim === 1) out = squeeze(out, 0)
  return last.ndim === 1 ? squeeze(out, -1) : out
}
/**
 * The product of a chain of matrices, as `torch.chain_matmul`.
 *
 * @example
 * torch.chainMatmul(torch.ones(2, 3), torch.ones(3, 4)).shape // [2, 4]
 */
export const chainMatmul = (...matrices: readonly Tensor[]): Tensor => (matrices.length === 1 ? matrices[0] : multiDot(matrices))

/** The powers x⁰ … xᴺ⁻¹ of the last dimension as a new one. */
function powers(x: Tensor, n: number): Tensor {
  const dtype = !isDifferentiable(x.dtype) ? 'int64' : x.dtype
  const ones = filled(x, [...x.layout.shape, 1], 1, dtype)
  if (n === 0) return narrow(ones, -1, 0, 0)
  return n === 1 ? ones : cat([ones, cumprod(expand(unsqueeze(to(x, dtype), -1), [...x.layout.shape, n - 1]), -1)], -1)
}
export interface VanderOptions {
  N?: number | null
  /** Powers from 0 up instead of down to 0. */
  increasing?: boolean
}
/**
 * The matrix of powers of a vector, the highest first unless `increasing`, as `torch.vander`: [n] gives [n, N], N being n
 * unless given.
 *
 * @throws Error for no vector, or a negative N
 * @example
 * torch.vander(torch.tensor([1, 2, 3])).tolist() // [[1, 1, 1], [4, 2, 1], [9, 3, 1]]
 * torch.vander(torch.tensor([2, 3]), 2, { increasing: true }).tolist() // [[1, 2], [1, 3]]
 */
export function vander(x: Tensor, ...args: Arguments<[N: number | null, increasing: boolean], VanderOptions>): Tensor {
  const options = readArguments<VanderOptions>('vander', args, ['N', 'increasing'])
  if (x.ndim !== 1) throw new Error('x must be a one-dimensional tensor.')
  const columns = options.N ?? x.layout.numel
  if (columns < 0) throw new Error('N must be non-negative.')
  const found = powers(x, columns)
  return options.increasing ? found : flip(found, 1)
}
/**
 * The powers x⁰ … xᴺ⁻¹ of the elements of the last dimension, as `torch.linalg.vander`.
 *
 * @example
 * torch.linalg.vander(torch.tensor([2, 3])).tolist() // [[1, 2], [1, 3]]
 */
export function linalgVander(x: Tensor, given?: number | null | { N?: number | null }): Tensor {
  const N = (typeof given === 'object' ? given?.N : given) ?? null
  const shape = x.ndim === 0 ? [1] : x.layout.shape
  if (x.dtype === 'bool') throw new Error('linalg.vander supports floating point, complex, and integer tensors, but got Bool')
  const columns = N ?? shape[shape.length - 1]
  if (columns <= 1) throw new Error('N must be greater than 1.')
  return powers(reshape(x, shape), columns)
}

/**
 * Matrices (vectors count as rows) along the diagonal of a larger one, zeros elsewhere, as `torch.block_diag`.
 *
 * @example
 * torch.blockDiag(torch.ones(1, 2), torch.tensor([[5]])).tolist() // [[1, 1, 0], [0, 0, 5]]
 */
export function blockDiag(...tensors: readonly Tensor[]): Tensor {
  const dtype = resultType(tensors)
  const blocks = tensors.map((t, i) => {
    if (t.ndim > 2)
      throw new Error(`torch.block_diag: Input tensors must have 2 or fewer dimensions. Input ${i} has ${t.ndim} dimensions`)
    return to(t.ndim === 2 ? t : reshape(t, 1, -1), dtype)
  })
  if (blocks.length === 0) throw new Error('not implemented: block_diag of no tensors')
  const columns = blocks.reduce((n, t) => n + t.layout.shape[1], 0)
  let before = 0
  return cat(
    blocks.map((t) => {
      const [rows, own] = t.layout.shape
      const row = cat([filled(t, [rows, before], 0), t, filled(t, [rows, columns - before - own], 0)], 1)
      before += own
      return row
    }),
  )
}
