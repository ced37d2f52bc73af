/** Diagonals and triangles of matrices. */

import { Layout, type Shape, wrapDim } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { sub } from './arithmetic.js'
import { gt, lt, maskedFill } from './comparison.js'
import { copyInto, counted, filled } from './copy.js'
import { fromTypedArray, type TensorOptions } from './creation.js'
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

/** A view of the diagonal of two dimensions, which becomes the last dimension, as `torch.diagonal`. */
export function diagonal(self: Tensor, offset = 0, dim1 = 0, dim2 = 1): Tensor {
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

/** Matrices with the input's last dimension on a diagonal and zeros elsewhere, as `torch.diag_embed`. */
export function diagEmbed(self: Tensor, offset = 0, dim1 = -2, dim2 = -1): Tensor {
  const ndim = self.ndim + 1
  const [a, b] = [wrapDim(dim1, ndim), wrapDim(dim2, ndim)]
  if (a === b) throw new Error(`diagonal dimensions cannot be identical ${dim1}, ${dim2}`)
  const size = self.layout.shape[self.ndim - 1] + Math.abs(offset)
  const rest = [...self.layout.shape.slice(0, -1)]
  const shape = Array.from({ length: ndim }, (_, d) => (d === a || d === b ? size : rest.shift()!))
  return embedOp([self], { shape, offset, dim1: a, dim2: b })[0]
}

/** The diagonal of a matrix as a copy, or the matrix with a vector on its diagonal, as `torch.diag`. */
export function diag(self: Tensor, offset = 0): Tensor {
  if (self.ndim === 1) return diagEmbed(self, offset)
  if (self.ndim !== 2) throw new Error(`diag(): Supports 1D or 2D tensors. Got ${self.ndim}D`)
  return contiguous(diagonal(self, offset))
}
/** The matrix with all elements on its diagonal, as `torch.diagflat`. */
export const diagflat = (self: Tensor, offset = 0): Tensor => diagEmbed(reshape(self, -1), offset)
/** The sum of a matrix's diagonal, as `torch.trace`. */
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
/** The lower triangle of matrices, up to the given diagonal; zeros elsewhere, as `torch.tril`. */
export const tril = Object.assign((self: Tensor, offset = 0): Tensor => maskedFill(self, above(self, offset), 0), {
  inPlace: (self: Tensor, offset = 0): Tensor => maskedFill.inPlace(self, above(self, offset), 0),
})
/** The upper triangle of matrices, from the given diagonal on; zeros elsewhere, as `torch.triu`. */
export const triu = Object.assign((self: Tensor, offset = 0): Tensor => maskedFill(self, below(self, offset), 0), {
  inPlace: (self: Tensor, offset = 0): Tensor => maskedFill.inPlace(self, below(self, offset), 0),
})

function triangleIndices(rows: number, columns: number, keep: (band: number) => boolean, options: TensorOptions): Tensor {
  const places: [number, number][] = []
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) if (keep(j - i)) places.push([i, j])
  const flat = BigInt64Array.from([...places.map(([i]) => BigInt(i)), ...places.map(([, j]) => BigInt(j))])
  return fromTypedArray(flat, [2, places.length], { dtype: 'int64', ...options })
}
/** Rows and columns of the lower triangle of a matrix, as `torch.tril_indices`. */
export const trilIndices = (rows: number, columns: number, offset = 0, options: TensorOptions = {}): Tensor =>
  triangleIndices(rows, columns, (band) => band <= offset, options)
/** Rows and columns of the upper triangle of a matrix, as `torch.triu_indices`. */
export const triuIndices = (rows: number, columns: number, offset = 0, options: TensorOptions = {}): Tensor =>
  triangleIndices(rows, columns, (band) => band >= offset, options)
