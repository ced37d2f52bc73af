/** Norms and distances made of them. */

import { type Arguments, readArgument, readArguments } from '../core/arguments.js'
import { type DType, isComplex, isFloatingPoint, scalarName } from '../core/dtype.js'
import { type Shape, wrapDim, wrapDims } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'

import { abs, add, div, mul, pow, reciprocal, sign, sqrt, sub } from './arithmetic.js'
import { clone, copy_, to } from './cast.js'
import { eq, gt, maskedFill, ne, where } from './comparison.js'
import { filled } from './copy.js'
import { requireTensor } from './define.js'
import { triu } from './diagonal.js'
import { checkInPlace, defineOp, type Op } from './dispatch.js'
import { indexSelect, nonzero } from './indexing.js'
import { requireFloating } from './linalg/matrices.js'
import { svdvals } from './linalg/svd.js'

import { amax, amin, type Dims, type ReduceOptions, sum } from './reduce.js'
import { unbind } from './split.js'
import { permute, reshape, unsqueeze } from './view.js'

interface Attributes {
  readonly p: number
  readonly dims: readonly number[]
  readonly keepdim: boolean
}

/** Sums over dimensions, or over none: `sum` takes no dimensions for all of them. */
const total = (t: Tensor, dims: readonly number[], keepdim: boolean): Tensor => (t.ndim === 0 ? t : sum(t, dims, { keepdim }))

function normValue(x: Tensor, { p, dims, keepdim }: Attributes): Tensor {
  const size = abs(x)
  if (p === 0) return to(total(ne(x, 0), dims, keepdim), x.dtype)
  if (p === 1) return total(size, dims, keepdim)
  if (p === 2) return sqrt(total(mul(x, x), dims, keepdim))
  if (p === Number.POSITIVE_INFINITY) return x.ndim === 0 ? size : amax(size, dims, { keepdim })
  if (p === Number.NEGATIVE_INFINITY) return x.ndim === 0 ? size : amin(size, dims, { keepdim })
  return pow(total(pow(size, p), dims, keepdim), 1 / p)
}

/** `t` with the reduced dimensions back, of size 1. */
function restored(t: Tensor, { dims, keepdim }: Attributes, shape: Shape): Tensor {
  if (keepdim) return t
  return reshape(
    t,
    shape.map((size, d) => (dims.includes(d) ? 1 : size)),
  )
}

/** The gradient with PyTorch's subgradients: 0 where the norm is 0. */
function normGradient(g: Tensor, x: Tensor, out: Tensor, p: number, dims: readonly number[]): Tensor | null {
  if (p === 0) return null
  if (p === 1) return mul(sign(x), g)
  if (Math.abs(p) === Number.POSITIVE_INFINITY) {
    const extreme = eq(abs(x), out)
    return mul(mul(sign(x), div(g, total(extreme, dims, true))), extreme)
  }
  if (p === 2) return mul(x, maskedFill(div(g, out), eq(out, 0), 0))
  if (p < 1) return mul(maskedFill(mul(sign(x), pow(abs(x), p - 1)), eq(x, 0), 0), mul(pow(out, 1 - p), g))
  if (p < 2) return mul(mul(sign(x), pow(abs(x), p - 1)), maskedFill(div(g, pow(out, p - 1)), eq(out, 0), 0))
  return mul(mul(x, pow(abs(x), p - 2)), maskedFill(div(g, pow(out, p - 1)), eq(out, 0), 0))
}

const normOp = (name: string, overload: number): Op<Attributes> =>
  defineOp<Attributes>({
    name,
    overload: () => overload,
    forward: ([x], attrs) => [normValue(x.detach(), attrs)],
    save: ([x], [out]) => [x, out],
    backward: ([g], { saved: [x, out], attrs }) => {
      const [full, size] = [g!, out].map((t) => restored(t, attrs, x.layout.shape))
      return [normGradient(full, x, size, attrs.p, attrs.dims)]
    },
  })
const vectorNormOp = normOp('LinalgVectorNorm', 0)
const plainNormOp = normOp('Norm', 1)

export interface NormOptions extends ReduceOptions {
  /** Cast to this dtype first. */
  dtype?: DType | null
}
export interface VectorNormOptions extends NormOptions {
  ord?: number | null
}

function normOver(
  name: string,
  self: Tensor,
  p: number,
  { dim, keepdim = false, dtype }: NormOptions,
  op = vectorNormOp,
): Tensor {
  const cast = dtype ? to(self, dtype) : self
  const x = isComplex(cast.dtype) ? abs(cast) : cast
  if (!isFloatingPoint(x.dtype))
    throw new Error(`${name}: Expected a floating point or complex tensor as input. Got ${scalarName(x.dtype)}`)
  const given = Array.isArray(dim) && dim.length === 0 ? null : dim
  const dims = wrapDims(given, self.ndim)
  const empty = dims.some((d) => self.layout.shape[d] === 0)
  // torch.norm of nothing is 0, whatever p.
  if (empty && op === plainNormOp) return sum(abs(x), dims, { keepdim })
  if (empty && (p < 0 || p === Number.POSITIVE_INFINITY)) {
    const left = self.layout.shape.some((size, d) => size === 0 && !dims.includes(d))
    if (!left)
      throw new Error(`${name} cannot compute the ${p} norm on an empty tensor because the operation does not have an identity`)
  }
  return op([x], { p, dims, keepdim })[0]
}

/**
 * The p-norm (Σ |x|ᵖ)^(1/p) of all elements or over `dim`, as `torch.linalg.vector_norm`: the largest for p = ∞, the
 * smallest for −∞, the number of nonzeros for 0. p is 2 unless given.
 *
 * @example
 * torch.linalg.vectorNorm(torch.tensor([3, 4])).item() // 5
 */
export function vectorNorm(
  self: Tensor,
  ...args: Arguments<[ord: number | null, dim: Dims, keepdim: boolean], VectorNormOptions>
): Tensor {
  const names = ['ord', 'dim', 'keepdim'] as const
  const { ord, ...options } = readArguments<VectorNormOptions>('linalg_vector_norm', args, names, ['dtype'])
  return normOver('linalg.vector_norm', self, ord ?? 2, options)
}

export interface NormExceptOptions {
  pow?: number
  dim?: number
}
/**
 * The p-norm over all dimensions but one, which stay with size 1, as `torch.norm_except_dim`; over all for `dim` −1. p is 2 and
 * `dim` 0 unless given.
 *
 * @example
 * torch.normExceptDim(torch.tensor([[3, 4], [6, 8]])).tolist() // [[5], [10]]
 */
export function normExceptDim(v: Tensor, ...args: Arguments<[pow: number, dim: number], NormExceptOptions>): Tensor {
  const { pow = 2, dim = 0 } = readArguments<NormExceptOptions>('norm_except_dim', args, ['pow', 'dim'])
  if (dim === -1) return vectorNorm(v, pow)
  const kept = wrapDim(dim, v.ndim)
  const others = [...v.layout.shape.keys()].filter((d) => d !== kept)
  return others.length > 0 ? vectorNorm(v, pow, others, true) : vectorNorm(unsqueeze(v, 1), pow, 1)
}

/** The dimensions moved to the end, in this order. */
const toEnd = (self: Tensor, dims: readonly number[]): Tensor =>
  permute(self, [...self.layout.shape.map((_, d) => d).filter((d) => !dims.includes(d)), ...dims])

/** Norms of matrices: 'fro', those of singular values ('nuc', ±2), the largest or smallest sum of rows (±∞) or of columns (±1). */
function matrixNormOf(self: Tensor, ord: number | string, dim: readonly number[], keepdim: boolean): Tensor {
  const name = 'linalg.matrix_norm'
  const [rows, columns] = dim.map((d) => wrapDim(d, self.ndim))
  if (rows === columns) throw new Error(`${name}: dims must be different. Got (${dim.join(', ')})`)
  if (!['fro', 'nuc', 1, -1, 2, -2, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].includes(ord))
    throw new Error(`${name}: Order ${ord} not supported.`)
  if (ord === 'fro') return normOver(name, self, 2, { dim: [rows, columns], keepdim })
  const matrices = toEnd(self, [rows, columns])
  const size = Math.abs(ord as number)
  if (ord === 'nuc' || size === 2) requireFloating(name, self)
  const terms = ord === 'nuc' || size === 2 ? svdvals(matrices) : normOver(name, matrices, 1, { dim: size === 1 ? -2 : -1 })
  const found = ord === 'nuc' ? sum(terms, -1) : ((ord as number) > 0 ? amax : amin)(terms, -1)
  const shape = self.layout.shape.map((n, d) => (d === rows || d === columns ? 1 : n))
  return keepdim ? reshape(found, shape) : found
}

/**
 * A norm of matrices, in the last two dimensions unless given, as `torch.linalg.matrix_norm`: 'fro' unless given, 'nuc',
 * or of the order ±1, ±2 or ±∞.
 *
 * @throws Error `linalg.matrix_norm: Order 3 not supported.`
 * @example
 * torch.linalg.matrixNorm(torch.tensor([[0, 2], [3, 0]]), 'nuc').item() // 5
 */
export function matrixNorm(
  self: Tensor,
  ...args: Arguments<[ord: number | string, dim: readonly number[], keepdim: boolean], MatrixNormOptions>
): Tensor {
  const names = ['ord', 'dim', 'keepdim'] as const
  const given = readArguments<MatrixNormOptions>('linalg_matrix_norm', args, names, ['dtype'])
  const { ord = 'fro', dim = [-2, -1], keepdim = false, dtype } = given
  if (self.ndim < 2) throw new Error('linalg.matrix_norm: The input tensor A must have at least 2 dimensions.')
  if (dim.length !== 2) throw new Error(`linalg.matrix_norm: dim must be a 2-tuple. Got ${dim.join(', ')}`)
  return matrixNormOf(dtype ? to(self, dtype) : self, ord, dim, keepdim)
}
export interface MatrixNormOptions {
  ord?: number | string
  /** The dimensions of rows and columns. */
  dim?: readonly number[]
  keepdim?: boolean
  /** Cast to this dtype first. */
  dtype?: DType | null
}
export interface LinalgNormOptions extends NormOptions {
  ord?: number | string | null
}
/**
 * A vector norm of one dimension, a matrix norm of two, the 2-norm of everything unless told, as `torch.linalg.norm`.
 *
 * @example
 * torch.linalg.norm(torch.tensor([[0, 2], [3, 0]]), 2).item() // 3
 */
export function linalgNorm(
  self: Tensor,
  ...args: Arguments<[ord: number | string | null, dim: Dims, keepdim: boolean], LinalgNormOptions>
): Tensor {
  const names = ['ord', 'dim', 'keepdim'] as const
  const given = readArguments<LinalgNormOptions>('linalg_norm', args, names, ['dtype'])
  const { ord: order = null, dim: along = null, keepdim, dtype } = given
  if (order === null) return vectorNorm(self, 2, along, { keepdim, dtype })
  if (along === null && self.ndim !== 1 && self.ndim !== 2)
    throw new Error(`linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got ${self.ndim}D.`)
  const dims = along === null ? self.layout.shape.map((_, d) => d) : typeof along === 'number' ? [along] : along
  if (dims.length !== 1 && dims.length !== 2)
    throw new Error(`linalg.norm: If dim is specified, it mut be of length 1 or 2. Got [${dims.join(', ')}]`)
  if (dims.length === 2 || typeof order === 'string') return matrixNorm(self, { ord: order, dim: dims, keepdim, dtype })
  return vectorNorm(self, order, dims, { keepdim, dtype })
}

export interface PNormOptions extends NormOptions {
  p?: number | 'fro' | 'nuc' | null
}
/**
 * The norm of all elements or over `dim`, as `torch.norm`. 'fro' is 2, which p is unless given.
 *
 * @throws Error for integers, unless a dtype is given
 * @example
 * torch.tensor([3, -4]).norm().item() // 5
 * torch.tensor([[3, -4], [1, 2]]).norm(1, { dim: 1 }).tolist() // [7, 3]
 */
export function norm(
  self: Tensor,
  ...args: Arguments<[p: number | 'fro' | 'nuc' | null, dim: Dims, keepdim: boolean], PNormOptions>
): Tensor {
  const { p, ...options } = readArguments<PNormOptions>('norm', args, ['p', 'dim', 'keepdim'], ['dtype'])
  if (p === 'nuc') return nuclearNorm(self, options)
  if (typeof p === 'string' && p !== 'fro') throw new Error(`only valid string values are 'fro' and 'nuc', found ${p}`)
  return normOver('linalg.vector_norm', self, p === 'fro' ? 2 : (p ?? 2), options, plainNormOp)
}

/**
 * The sum of the singular values of a matrix, or of those in the two dimensions `dim`, as `torch.nuclear_norm`.
 *
 * @example
 * torch.nuclearNorm(torch.tensor([[0, 2], [3, 0]])).item() // 5
 */
export function nuclearNorm(self: Tensor, { dim, keepdim = false, dtype }: NormOptions = {}): Tensor {
  const x = dtype ? to(self, dtype) : self
  if (dim === undefined || dim === null) {
    if (x.ndim !== 2)
      throw new Error(
        `Expected a tensor with 2 dimensions, but got a tensor with ${x.ndim} dimension${x.ndim === 1 ? '' : 's'} instead.`,
      )
    return nuclearNorm(x, { dim: [0, 1], keepdim })
  }
  if (typeof dim === 'number' || dim.length !== 2) throw new Error("nuclear norm requires a 'dim' argument of size 2")
  requireFloating('linalg.svd', x)
  return matrixNormOf(x, 'nuc', dim, keepdim)
}

/**
 * The p-norm of the difference of two tensors, as `torch.dist`. p is 2 unless given.
 *
 * @example
 * torch.dist(torch.tensor([0, 0]), torch.tensor([3, 4])).item() // 5
 * torch.dist(torch.tensor([0, 0]), torch.tensor([3, 4]), { p: 1 }).item() // 7
 */
export const dist = (self: Tensor, other: Tensor, p?: number | { p?: number }): Tensor =>
  norm(sub(requireTensor(self, 'dist'), requireTensor(other, 'dist', 'other')), readArgument<number>('dist', 'p', p, 2))

function renormed(self: Tensor, p: number, dim: number, maxnorm: number): Tensor {
  if (!(p > 0)) throw new Error('renorm: non-positive-norm not supported')
  if (!(maxnorm >= 0)) throw new Error(`renorm: expected maxnorm to be >= 0 but got ${maxnorm}`)
  if (self.ndim < 2) throw new Error(`renorm: input needs at least 2 dimensions, got ${self.ndim} dimensions`)
  const d = wrapDim(dim, self.ndim)
  const others = self.layout.shape.map((_, i) => i).filter((i) => i !== d)
  const sizes = vectorNorm(self, p, others, { keepdim: true })
  return mul(self, where(gt(sizes, maxnorm), mul(reciprocal(add(sizes, 1e-7)), maxnorm), 1))
}
/**
 * Every slice of `dim` scaled down to the norm `maxnorm` where it is larger, as `torch.renorm`.
 *
 * @example
 * torch.renorm(torch.tensor([[3, 4], [0.5, 0]]), 2, 0, 1)
 * // tensor([[0.6000, 0.8000],
 * //         [0.5000, 0.0000]])
 */
export const renorm = Object.assign(renormed, {
  inPlace: (self: Tensor, p: number, dim: number, maxnorm: number): Tensor => {
    checkInPlace(self, null, null)
    return copy_(self, renormed(clone(self), p, dim, maxnorm))
  },
})

/** The p-norm along the last dimension; its gradient for p = 0 is 0, as that of PyTorch's `cdist`. */
function distances(difference: Tensor, p: number): Tensor {
  if (difference.layout.shape.at(-1) === 0) return sum(difference, -1)
  if (p === 0) return sum(where(ne(difference, 0), 1, mul(difference, 0)), -1)
  return vectorNorm(difference, p, -1)
}
const computeModes = ['use_mm_for_euclid_dist_if_necessary', 'use_mm_for_euclid_dist', 'donot_use_mm_for_euclid_dist'] as const
type ComputeMode = (typeof computeModes)[number]
export interface CdistOptions {
  p?: number
  computeMode?: ComputeMode
}
/**
 * The distance in the p-norm of each row of x1 [.., P, M] from each row of x2 [.., R, M]: [.., P, R], as `torch.cdist`.
 * All ways of computing (`computeMode`) give the same here: differences, never products.
 *
 * @example
 * torch.cdist(torch.zeros(1, 2), torch.tensor([[3, 4]])).tolist() // [[5]]
 */
export function cdist(x1: Tensor, x2: Tensor, ...args: Arguments<[p: number, computeMode: ComputeMode], CdistOptions>): Tensor {
  const { p: power = 2, computeMode } = readArguments<CdistOptions>('cdist', args, ['p', 'computeMode'])
  if (computeMode !== undefined && !computeModes.includes(computeMode))
    throw new Error(`${computeMode} is not a valid value for compute_mode`)
  if (x1.ndim < 2) throw new Error(`cdist only supports at least 2D tensors, X1 got: ${x1.ndim}D`)
  if (x2.ndim < 2) throw new Error(`cdist only supports at least 2D tensors, X2 got: ${x2.ndim}D`)
  const [m1, m2] = [x1.layout.shape.at(-1), x2.layout.shape.at(-1)]
  if (m1 !== m2) throw new Error(`X1 and X2 must have the same number of columns. X1: ${m1} X2: ${m2}`)
  for (const [i, t] of [x1, x2].entries())
    if (!isFloatingPoint(t.dtype))
      throw new Error(`cdist only supports floating-point dtypes, X${i + 1} got: ${scalarName(t.dtype)}`)
  if (!(power >= 0)) throw new Error('cdist only supports non-negative p values')
  return distances(sub(unsqueeze(x1, -2), unsqueeze(x2, -3)), power)
}

/**
 * The distances in the p-norm between all rows of [n, m], each pair once: n·(n − 1)/2 of them in the order (0, 1), (0, 2), …,
 * as `torch.nn.functional.pdist`.
 *
 * @throws Error for inputs of other dimensions or a negative p.
 * @example
 * F.pdist(torch.tensor([[0, 0], [3, 4], [0, 1]])) // tensor([5.0000, 1.0000, 4.2426])
 */
export function pdist(self: Tensor, ...args: Arguments<[p: number], { p?: number }>): Tensor {
  const { p = 2 } = readArguments<{ p?: number }>('pdist', args, ['p'])
  if (self.ndim !== 2) throw new Error(`pdist only supports 2D tensors, got: ${self.ndim}D`)
  if (!isFloatingPoint(self.dtype)) throw new Error('pdist only supports floating-point dtypes')
  if (!(p >= 0)) throw new Error('pdist only supports non-negative p values')
  const n = self.layout.shape[0]
  const [first, second] = unbind(nonzero(triu(filled(self, [n, n], 1), 1)), 1)
  return distances(sub(indexSelect(self, 0, first), indexSelect(self, 0, second)), p)
}
