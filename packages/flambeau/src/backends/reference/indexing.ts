/** Reading and writing at indices that are data. All indices are checked before anything is written. */

import { kernelError, type Operand } from '../backend.js'
import { type Arithmetic, compute, elementsOf, larger, smaller } from './elements.js'
import { coordinates, placeAt, places } from './places.js'

/** An index tensor's values in row-major order. @throws RangeError for one that is neither below `size` nor `ignored`. */
export function readIndices(index: Operand, size: number, ignored?: number): number[] {
  if (index.dtype !== 'int64' && index.dtype !== 'int32') throw kernelError(3, 'index', 0, 0)
  const elements = elementsOf(index)
  const values = Array.from(places(index.layout), (place) => elements.number(place))
  const bad = values.find((i) => (i < 0 || i >= size) && i !== ignored)
  if (bad !== undefined) throw kernelError(1, 'index', bad, size)
  return values
}

/** A 0-d tensor is indexed as if it had one dimension of size 1. */
const sizeOf = ({ layout }: Operand, dim: number): number => (layout.dim === 0 ? 1 : layout.shape[dim])

/** The place of x at the coordinates `at`, with `i` instead of the one along `dim`. */
const placeAlong = ({ layout }: Operand, at: readonly number[], dim: number, i: number): number =>
  placeAt(layout, layout.dim === 0 ? [] : at.with(dim, i))

/** out[i][j] = x[index[i][j]][j] for dim 0; out has the shape of index. */
export function gather(x: Operand, dim: number, index: Operand, out: Operand): void {
  const indices = readIndices(index, sizeOf(x, dim))
  const [from, to] = [elementsOf(x), elementsOf(out)]
  const outAt = places(out.layout)
  compute([x], (arithmetic) => {
    indices.forEach((i, flat) => {
      const at = coordinates(flat, index.layout.shape)
      arithmetic.set(to, outAt[flat], arithmetic.get(from, placeAlong(x, at, dim, i)))
    })
  })
}

type Combine = <T extends number | bigint>(arithmetic: Arithmetic<T>, old: T, value: T) => T
/** By the codes of the kernel: assign, add, multiply, amax, amin. */
const combinations: readonly Combine[] = [
  (_, _old, value) => value,
  (arithmetic, old, value) => arithmetic.add(old, value),
  (arithmetic, old, value) => arithmetic.mul(old, value),
  (_, old, value) => larger(old, value),
  (_, old, value) => smaller(old, value),
]

/** self[index[i][j]][j] becomes its combination with src[i][j] for dim 0, in the order of the index. */
export function scatter(self: Operand, dim: number, index: Operand, src: Operand, mode: number): void {
  if (self.dtype !== src.dtype || combinations[mode] === undefined) throw kernelError(3, 'scatter', 0, 0)
  const indices = readIndices(index, sizeOf(self, dim))
  const [to, from] = [elementsOf(self), elementsOf(src)]
  compute([self], (arithmetic) => {
    indices.forEach((i, flat) => {
      const at = coordinates(flat, index.layout.shape)
      const place = placeAlong(self, at, dim, i)
      const value = arithmetic.get(from, placeAt(src.layout, at))
      arithmetic.set(to, place, combinations[mode](arithmetic, arithmetic.get(to, place), value))
    })
  })
}

/** Calls `f` with the coordinates of every element of `slices` and the index that its coordinate along `dim` stands for. */
function eachIndexed(
  slices: Operand,
  dim: number,
  indices: readonly number[],
  f: (at: readonly number[], i: number) => void,
): void {
  const { shape, numel } = slices.layout
  for (let flat = 0; flat < numel; flat++) {
    const at = coordinates(flat, shape)
    f(at, indices[at[dim] ?? 0])
  }
}

/** out[.., i, ..] = x[.., index[i], ..] */
export function indexSelect(x: Operand, dim: number, index: Operand, out: Operand): void {
  const indices = readIndices(index, sizeOf(x, dim))
  const [from, to] = [elementsOf(x), elementsOf(out)]
  compute([x], (arithmetic) =>
    eachIndexed(out, dim, indices, (at, i) => {
      arithmetic.set(to, placeAt(out.layout, at), arithmetic.get(from, placeAlong(x, at, dim, i)))
    }),
  )
}

/** self[.., index[i], ..] += alpha src[.., i, ..], in the order of the index. */
export function indexAdd(self: Operand, dim: number, index: Operand, src: Operand, alpha: number): void {
  if (self.dtype !== src.dtype) throw kernelError(3, 'indexAdd', 0, 0)
  const indices = readIndices(index, sizeOf(self, dim))
  const [to, from] = [elementsOf(self), elementsOf(src)]
  compute([self], (arithmetic) => {
    const factor = arithmetic.of(alpha)
    eachIndexed(src, dim, indices, (at, i) => {
      const place = placeAlong(self, at, dim, i)
      const scaled = arithmetic.mul(factor, arithmetic.get(from, placeAt(src.layout, at)))
      arithmetic.set(to, place, arithmetic.add(arithmetic.get(to, place), scaled))
    })
  })
}

/** self[.., index[i], ..] = src[.., i, ..], in the order of the index. */
export function indexCopy(self: Operand, dim: number, index: Operand, src: Operand): void {
  if (self.dtype !== src.dtype) throw kernelError(3, 'indexCopy', 0, 0)
  const indices = readIndices(index, sizeOf(self, dim))
  const [to, from] = [elementsOf(self), elementsOf(src)]
  compute([self], (arithmetic) =>
    eachIndexed(src, dim, indices, (at, i) => {
      arithmetic.set(to, placeAlong(self, at, dim, i), arithmetic.get(from, placeAt(src.layout, at)))
    }),
  )
}

/** The number of elements that are not zero; `out` [count, ndim] gets their coordinates. */
export function nonzero(x: Operand, out: Operand | null): number {
  const elements = elementsOf(x)
  // Floats are read as they are: an integer would have lost the fraction.
  const isSet = compute([x], (arithmetic) => (place: number) => arithmetic.get(elements, place) !== arithmetic.zero)
  const found: number[] = []
  places(x.layout).forEach((place, flat) => {
    if (isSet(place)) found.push(flat)
  })
  if (out !== null) {
    const to = elementsOf(out)
    found.forEach((flat, row) => {
      coordinates(flat, x.layout.shape).forEach((i, d) => {
        to.setNumber(placeAt(out.layout, [row, d]), i)
      })
    })
  }
  return found.length
}

/** start + i step: in double for floats, in int64 for integers. */
export function arange(out: Operand, start: number, step: number): void {
  const to = elementsOf(out)
  compute([out], (arithmetic) => {
    const [first, by] = [arithmetic.of(start), arithmetic.of(step)]
    places(out.layout).forEach((place, i) => {
      arithmetic.set(to, place, arithmetic.add(first, arithmetic.mul(arithmetic.of(i), by)))
    })
  })
}
