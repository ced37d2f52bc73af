/** How a tensor's elements lie in its storage. A layout is a value: views make new ones, nothing changes one. */

export type Shape = readonly number[]

export class Layout {
  readonly shape: Shape
  /** Steps in elements, one a dimension. */
  readonly strides: readonly number[]
  /** Elements before the first one. */
  readonly offset: number
  readonly numel: number
  /** Row-major without gaps; dimensions of size 1 may have any stride. */
  readonly isContiguous: boolean

  constructor(shape: Shape, strides: readonly number[], offset = 0) {
    let numel = 1
    let contiguous = true
    for (let d = shape.length - 1; d >= 0; d--) {
      if (shape[d] !== 1) {
        if (strides[d] !== numel) contiguous = false
        numel *= shape[d]
      }
    }
    this.shape = shape
    this.strides = strides
    this.offset = offset
    this.numel = numel
    this.isContiguous = contiguous || numel === 0
  }

  static contiguous(shape: Shape): Layout {
    return new Layout(shape, contiguousStrides(shape))
  }

  get dim(): number {
    return this.shape.length
  }

  /** This layout seen with a larger shape: dimensions of size 1 and new leading ones repeat by stride 0. */
  expand(shape: Shape): Layout {
    const lead = shape.length - this.shape.length
    const strides = new Array<number>(shape.length)
    for (let d = 0; d < shape.length; d++) {
      const own = d - lead
      strides[d] = own < 0 || (this.shape[own] === 1 && shape[d] !== 1) ? 0 : this.strides[own]
    }
    return new Layout(shape, strides, this.offset)
  }

  permute(dims: readonly number[]): Layout {
    return new Layout(
      dims.map((d) => this.shape[d]),
      dims.map((d) => this.strides[d]),
      this.offset,
    )
  }

  /** `length` elements of dimension `dim` from `start`, every `step`-th. */
  slice(dim: number, start: number, length: number, step = 1): Layout {
    return new Layout(
      this.shape.with(dim, length),
      this.strides.with(dim, this.strides[dim] * step),
      this.offset + start * this.strides[dim],
    )
  }

  select(dim: number, index: number): Layout {
    return new Layout(this.shape.toSpliced(dim, 1), this.strides.toSpliced(dim, 1), this.offset + index * this.strides[dim])
  }

  unsqueeze(dim: number): Layout {
    const stride = dim < this.dim ? this.shape[dim] * this.strides[dim] : 1
    return new Layout(this.shape.toSpliced(dim, 0, 1), this.strides.toSpliced(dim, 0, stride), this.offset)
  }

  /** The strides that show these elements in another shape without a copy, or undefined where there are none. */
  reshape(shape: Shape): Layout | undefined {
    if (this.numel === 0) return Layout.contiguousAt(shape, this.offset)
    if (this.isContiguous) return Layout.contiguousAt(shape, this.offset)
    const strides = new Array<number>(shape.length)
    let view = shape.length - 1
    let baseStride = this.strides.at(-1) ?? 1
    let chunk = 1 // elements of the run of old dimensions that lie evenly spaced
    let covered = 1 // elements of it that new dimensions have claimed
    for (let d = this.dim - 1; d >= 0; d--) {
      chunk *= this.shape[d]
      const ends = d === 0 || (this.shape[d - 1] !== 1 && this.strides[d - 1] !== chunk * baseStride)
      if (!ends) continue
      while (view >= 0 && (covered < chunk || shape[view] === 1)) {
        strides[view] = covered * baseStride
        covered *= shape[view]
        view--
      }
      if (covered !== chunk) return undefined
      if (d > 0) {
        baseStride = this.strides[d - 1]
        chunk = 1
        covered = 1
      }
    }
    return view === -1 ? new Layout(shape, strides, this.offset) : undefined
  }

  static contiguousAt(shape: Shape, offset: number): Layout {
    return new Layout(shape, contiguousStrides(shape), offset)
  }

  /** One past the last element that an index reaches, counted from the start of the storage. */
  get extent(): number {
    if (this.numel === 0) return this.offset
    let last = this.offset
    for (let d = 0; d < this.dim; d++) last += (this.shape[d] - 1) * this.strides[d]
    return last + 1
  }

  /** Whether two indices may name one element, as after expand(). Exact for layouts made by views; otherwise cautious. */
  get overlapsItself(): boolean {
    if (this.isContiguous) return false
    const dims = this.shape
      .map((size, d) => ({ size, stride: this.strides[d] }))
      .filter((d) => d.size > 1)
      .sort((a, b) => a.stride - b.stride)
    let reach = 1
    for (const { size, stride } of dims) {
      if (stride < reach) return true
      reach = stride * (size - 1) + reach
    }
    return false
  }

  /** Dense: every element of a gapless block exactly once, in some order of dimensions. */
  get isDense(): boolean {
    if (this.isContiguous) return true
    let expected = 1
    const dims = this.shape.map((size, d) => ({ size, stride: this.strides[d] })).filter((d) => d.size > 1)
    for (const { size, stride } of dims.sort((a, b) => a.stride - b.stride)) {
      if (stride !== expected) return false
      expected *= size
    }
    return true
  }
}

export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  let step = 1
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = step
    step *= Math.max(shape[d], 1)
  }
  return strides
}

export const numelOf = (shape: Shape): number => shape.reduce((n, size) => n * size, 1)

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let d = 0; d < a.length; d++) if (a[d] !== b[d]) return false
  return true
}

/** A shape as PyTorch writes it in errors: `[2, 3]`. */
export const showShape = (shape: Shape): string => `[${shape.join(', ')}]`

/** The shape that all of these broadcast to. @throws in PyTorch's words where there is none. */
export function broadcastShapes(shapes: readonly Shape[]): Shape {
  const dim = shapes.reduce((n, s) => Math.max(n, s.length), 0)
  const out = new Array<number>(dim).fill(1)
  for (const shape of shapes) {
    for (let d = 0; d < shape.length; d++) {
      const at = dim - shape.length + d
      const size = shape[d]
      if (size === 1 || size === out[at]) continue
      if (out[at] !== 1)
        throw new Error(
          `The size of tensor a (${out[at]}) must match the size of tensor b (${size}) at non-singleton dimension ${at}`,
        )
      out[at] = size
    }
  }
  return out
}

/** A dimension counted from the front; negative ones count from the back. @throws RangeError in PyTorch's words. */
export function wrapDim(dim: number, ndim: number): number {
  const range = Math.max(ndim, 1)
  if (!Number.isInteger(dim)) throw new TypeError(`dimension must be an integer, but got ${dim}`)
  if (dim < -range || dim >= range)
    throw new RangeError(`Dimension out of range (expected to be in range of [${-range}, ${range - 1}], but got ${dim})`)
  return dim < 0 ? dim + range : dim
}

/** Several dimensions, each named once; none given means all. */
export function wrapDims(dims: number | readonly number[] | null | undefined, ndim: number): number[] {
  if (dims === undefined || dims === null) return Array.from({ length: ndim }, (_, d) => d)
  const list = typeof dims === 'number' ? [dims] : dims
  const wrapped = list.map((d) => wrapDim(d, ndim))
  const repeated = wrapped.find((d, i) => wrapped.indexOf(d) !== i)
  if (repeated !== undefined) throw new Error(`dim ${repeated} appears multiple times in the list of dims`)
  return ndim === 0 ? [] : wrapped
}
