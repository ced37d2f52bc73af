/** Diagonals and triangles of matrices. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { Layout, type Shape, wrapDim } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { sub } from './arithmetic.js'
import { gt, lt, maskedFill } from './comparison.js'
import { copyInto, counted, filled } from './copy.js'
import { fromTypedArray, type TensorOptions, tensorOptions } from './creation.js'
import type { WithInPlace } from './define.js'
import { defineOp, type Op } from './dispatch.js'
import { sum } from './reduce.js'
import { contiguous, makeView, reshape, unsqueeze } from './view.js'

/** The layout of a diagonal, which becomes the last dimension. */
function diagonalLayout(layout: Layout, offset: number, dim1: number, dim2: number): Layout {
  const [rows, columns] = [layout.shape[dim1], layout.shape[dim2]]
  const length = Math.max(0, offset >= 0 ? Math.min(rows, columns - offset) : Math.min(rows + offset, columns))
  const others = layout.shape.map((_, d) => d).filter((d) => d !== dim1 && d !== dim2)
  const first = length === 0 ? 0 : offset >= 0 ? offset * layout.strides[dim2] : -offset * layout.strides[dim1]
  return new Layout(
    [...others.map((d) => layout.shape[d]), length],
    [...others.map((d) => layout.strides[d]), layout.strides[dim1] + layout.strides[dim2]],
    layout.offset + first,
  )
}

interface Attributes {
  readonly shape: Shape
  readonly offset: number
  readonly dim1: number
  readonly dim2: number
}
/** Zeros of a shape with the input on a diagonal. */
const embedOp: Op<Attributes> = defineOp<Attributes>({
  name: 'DiagEmbed',
  forward: ([x], { shape, offset, dim1, dim2 }) => {
    const out = filled(x, shape, 0)
    copyInto(new Tensor(out.storage, diagonalLayout(out.layout, offset, dim1, dim2), out.dtype), x)
    return [out]
  },
  backward: ([g], { attrs: { offset, dim1, dim2 } }) => [diagonal(g!, offset, dim1, dim2)],
})

export interface DiagonalOptions {
  /** How far above the main diagonal; below it if negative. */
  offset?: number
  /** The rows' dimension. */
  dim1?: number
  /** The columns' dimension. */
  dim2?: number
}
/** The arguments of the ops on diagonals, in their order. */
export type DiagonalArguments = Arguments<[offset: number, dim1: number, dim2: number], DiagonalOptions>
const names = ['offset', 'dim1', 'dim2'] as const

/**
 * A view of the diagonal of two dimensions (the first two unless given), which becomes the last dimension, as
 * `torch.diagonal`: [.., n, .., m, ..] gives [.., .., .., min(n, m)] for offset 0.
 *
 * @throws Error for twice the same dimension
 * @example
 * const x = torch.arange(9).view(3, 3)
 * x.diagonal().tolist() // [0, 4, 8]
 * x.diagonal(1).tolist() // [1, 5]
 * x.diagonal({ offset: -1, dim1: 0, dim2: 1 }).tolist() // [3, 7]
 */
export function diagonal(self: Tensor, ...args: DiagonalArguments): Tensor {
  const { offset = 0, dim1 = 0, dim2 = 1 } = readArguments<DiagonalOptions>('diagonal', args, names)
  const [a, b] = [wrapDim(dim1, self.ndim), wrapDim(dim2, self.ndim)]
  if (a === b || self.ndim < 2) throw new Error(`diagonal dimensions cannot be identical ${dim1}, ${dim2}`)
  const { shape } = self.layout
  return makeView(
    'Diagonal',
    self,
    diagonalLayout(self.layout, offset, a, b),
    (g) => embedOp([g], { shape, offset, dim1: a, dim2: b })[0],
  )
}

/**
 * Matrices with the input's last dimension on a diagonal and zeros elsewhere, as `torch.diag_embed`: [.., n] gives
 * [.., n + |offset|, n + |offset|]. The rows and columns are the last two dimensions unless given.
 *
 * @throws Error for twice the same dimension
 * @example
 * torch.tensor([1, 2]).diagEmbed().tolist() // [[1, 0], [0, 2]]
 * torch.tensor([1, 2]).diagEmbed({ offset: 1 }).shape // [3, 3]
 */
export function diagEmbed(self: Tensor, ...args: DiagonalArguments): Tensor {
  const { offset = 0, dim1 = -2, dim2 = -1 } = readArguments<DiagonalOptions>('diag_embed', args, names)
  const ndim = self.ndim + 1
  const [a, b] = [wrapDim(dim1, ndim), wrapDim(dim2, ndim)]
  if (a === b) throw new Error(`diagonal dimensions cannot be identical ${dim1}, ${dim2}`)
  const size = self.layout.shape[self.ndim - 1] + Math.abs(offset)
  const rest = [...self.layout.shape.slice(0, -1)]
  const shape = Array.from({ length: ndim }, (_, d) => (d === a || d === b ? size : rest.shift()!))
  return embedOp([self], { shape, offset, dim1: a, dim2: b })[0]
}

/** The one argument of ops on a diagonal that PyTorch calls `diagonal`. */
export interface BandOptions {
  /** Which diagonal: 0 the main one, above it if positive, below it if negative. */
  diagonal?: number
}
const bandOf = (name: string, args: Arguments<[diagonal: number], BandOptions>): number =>
  readArguments<BandOptions>(name, args, ['diagonal']).diagonal ?? 0

/**
 * The diagonal of a matrix as a copy, or the matrix with a vector on its diagonal, as `torch.diag`.
 *
 * @throws Error for neither 1 nor 2 dimensions
 * @example
 * torch.tensor([[1, 2], [3, 4]]).diag().tolist() // [1, 4]
 * torch.tensor([1, 2]).diag().tolist() // [[1, 0], [0, 2]]
 */
export function diag(self: Tensor, ...args: Arguments<[diagonal: number], BandOptions>): Tensor {
  const offset = bandOf('diag', args)
  if (self.ndim === 1) return diagEmbed(self, offset)
  if (self.ndim !== 2) throw new Error(`diag(): Supports 1D or 2D tensors. Got ${self.ndim}D`)
  return contiguous(diagonal(self, offset))
}
/**
 * The matrix with all elements on its diagonal, as `torch.diagflat`.
 *
 * @example
 * torch.tensor([[1], [2]]).diagflat().tolist() // [[1, 0], [0, 2]]
 */
export function diagflat(self: Tensor, ...args: Arguments<[offset: number], Pick<DiagonalOptions, 'offset'>>): Tensor {
  const { offset = 0 } = readArguments<Pick<DiagonalOptions, 'offset'>>('diagflat', args, ['offset'])
  return diagEmbed(reshape(self, -1), offset)
}
/**
 * The sum of a matrix's diagonal, Σ xᵢᵢ, as `torch.trace`.
 *
 * @throws Error for no matrix
 * @example
 * torch.tensor([[1, 2], [3, 4]]).trace().item() // 5
 */
export function trace(self: Tensor): Tensor {
  if (self.ndim !== 2) throw new Error(`trace: expected a matrix, but got tensor with dim ${self.ndim}`)
  return sum(diagonal(self))
}

/** Column − row of every place of a matrix of this tensor's last two dimensions. */
function bands(self: Tensor, name: string): Tensor {
  if (self.ndim < 2) throw new Error(`${name}: input tensor must have at least 2 dimensions`)
  const [rows, columns] = self.layout.shape.slice(-2)
  return sub(counted(self, columns), unsqueeze(counted(self, rows), 1))
}
const above = (self: Tensor, offset: number): Tensor => gt(bands(self, 'tril'), offset)
const below = (self: Tensor, offset: number): Tensor => lt(bands(self, 'triu'), offset)
type Triangle = (self: Tensor, ...args: Arguments<[diagonal: number], BandOptions>) => Tensor
const triangle = (name: string, outside: (self: Tensor, diagonal: number) => Tensor): WithInPlace<Triangle> =>
  Object.assign<Triangle, { inPlace: Triangle }>((self, ...args) => maskedFill(self, outside(self, bandOf(name, args)), 0), {
    inPlace: (self, ...args) => maskedFill.inPlace(self, outside(self, bandOf(name, args)), 0),
  })
/**
 * The lower triangle of matrices [.., n, m], up to and with the given diagonal; zeros elsewhere, as `torch.tril`.
 *
 * @throws Error for fewer than 2 dimensions
 * @example
 * torch.ones(2, 2).tril().tolist() // [[1, 0], [1, 1]]
 * torch.ones(2, 2).tril({ diagonal: -1 }).tolist() // [[0, 0], [1, 0]]
 */
export const tril = triangle('tril', above)
/**
 * The upper triangle of matrices [.., n, m], from the given diagonal on; zeros elsewhere, as `torch.triu`.
 *
 * @throws Error for fewer than 2 dimensions
 * @example
 * torch.ones(2, 2).triu().tolist() // [[1, 1], [0, 1]]
 * torch.ones(2, 2).triu(1).tolist() // [[0, 1], [0, 0]]
 */
export const triu = triangle('triu', below)

function triangleIndices(rows: number, columns: number, keep: (band: number) => boolean, options: TensorOptions): Tensor {
  if (!(rows >= 0)) throw new Error(`row must be non-negative, got${rows}`)
  if (!(columns >= 0)) throw new Error(`col must be non-negative, got${columns}`)
  const places: [number, number][] = []
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) if (keep(j - i)) places.push([i, j])
  const flat = BigInt64Array.from([...places.map(([i]) => BigInt(i)), ...places.map(([, j]) => BigInt(j))])
  return fromTypedArray(flat, [2, places.length], { dtype: 'int64', ...options })
}
export interface TriangleOptions extends TensorOptions {
  /** Which diagonal bounds the triangle: 0 the main one. */
  offset?: number
}
type TriangleArguments = Arguments<[offset: number], TriangleOptions>
function readTriangle(name: string, args: TriangleArguments): { offset: number; options: TensorOptions } {
  const { offset = 0, ...options } = readArguments<TriangleOptions>(name, args, ['offset'], tensorOptions)
  return { offset, options }
}
/**
 * Rows and columns of the lower triangle of a matrix, row by row, as `torch.tril_indices`: [2, count], int64 unless a
 * dtype is given.
 *
 * @example
 * torch.trilIndices(2, 2).tolist() // [[0, 1, 1], [0, 0, 1]]
 */
export function trilIndices(rows: number, columns: number, ...args: TriangleArguments): Tensor {
  const { offset, options } = readTriangle('tril_indices', args)
  return triangleIndices(rows, columns, (band) => band <= offset, options)
}
/**
 * Rows and columns of the upper triangle of a matrix, row by row, as `torch.triu_indices`: [2, count], int64 unless a
 * dtype is given.
 *
 * @example
 * torch.triuIndices(2, 2, { offset: 1 }).tolist() // [[0], [1]]
 */
export function triuIndices(rows: number, columns: number, ...args: TriangleArguments): Tensor {
  const { offset, options } = readTriangle('triu_indices', args)
  return triangleIndices(rows, columns, (band) => band >= offset, options)
}
