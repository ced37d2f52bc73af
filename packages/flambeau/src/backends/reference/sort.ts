/** Ordering lines, searching ordered ones, and counting. */

import { isFloatingPoint } from '../../core/dtype.js'
import { kernelError, type Operand } from '../backend.js'
import { compute, elementsOf, readAll } from './elements.js'
import { linesOf } from './lines.js'
import { coordinates, placeAt, places } from './places.js'

/** Ascending, equals equal; a NaN is greater than any number. */
function order<T extends number | bigint>(a: T, b: T): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
  return a < b ? -1 : a > b ? 1 : 0
}

/** The first k elements of each line in order, and where they were; of equals, the first. */
export function topk(
  x: Operand,
  values: Operand | null,
  indices: Operand,
  dim: number,
  k: number,
  largest: boolean,
  _sorted = true,
): void {
  const [from, to, toIndices] = [elementsOf(x), values && elementsOf(values), elementsOf(indices)]
  const valueLines = values && linesOf(values.layout, dim)
  const indexLines = linesOf(indices.layout, dim)
  compute([x], (arithmetic) => {
    linesOf(x.layout, dim).forEach((line, l) => {
      const read = Array.from(line, (place) => arithmetic.get(from, place))
      const sign = largest ? -1 : 1
      const ranks = Array.from(read.keys()).sort((a, b) => sign * order(read[a], read[b]) || a - b)
      ranks.slice(0, k).forEach((at, i) => {
        toIndices.setNumber(indexLines[l][i], at)
        if (to !== null) arithmetic.set(to, valueLines![l][i], read[at])
      })
    })
  })
}

/** A stable sort of each line. */
export function sort(x: Operand, values: Operand | null, indices: Operand, dim: number, descending: boolean): void {
  topk(x, values, indices, dim, x.layout.dim === 0 ? 1 : x.layout.shape[dim], descending)
}

/** How many elements of the ascending line of `sorted` are below each value (right: not above it). */
export function searchsorted(sorted: Operand, values: Operand, out: Operand, right: boolean): void {
  const [line, read, to] = [elementsOf(sorted), elementsOf(values), elementsOf(out)]
  const last = sorted.layout.dim - 1
  const size = sorted.layout.shape[last]
  const outAt = places(out.layout)
  compute([sorted, values], (arithmetic) => {
    places(values.layout).forEach((place, flat) => {
      const value = arithmetic.get(read, place)
      const at = last === 0 ? [0] : coordinates(flat, values.layout.shape)
      let [low, high] = [0, size]
      while (low < high) {
        const middle = (low + high) >> 1
        const element = arithmetic.get(line, placeAt(sorted.layout, at.with(last, middle)))
        // A NaN sorts above everything, itself included.
        if (right ? !(element > value) : !(element >= value)) low = middle + 1
        else high = middle
      }
      to.setNumber(outAt[flat], low)
    })
  })
}

/** out[v] is how many elements of the 1-d integers x are v, or the sum of their weights. */
export function bincount(x: Operand, weights: Operand | null, out: Operand): void {
  if (isFloatingPoint(x.dtype)) throw kernelError(3, 'bincount', 0, 0)
  const from = elementsOf(x)
  const bins = out.layout.shape[0]
  const read = Array.from(places(x.layout), (place) => from.number(place))
  const bad = read.find((bin) => bin < 0 || bin >= bins)
  if (bad !== undefined) throw kernelError(1, 'bincount', bad, bins)
  const to = elementsOf(out)
  const at = places(out.layout)
  compute([out], (arithmetic) => {
    const sums = Array.from(at, () => arithmetic.zero)
    const given = weights && readAll(arithmetic, weights)
    read.forEach((bin, i) => {
      sums[bin] = arithmetic.add(sums[bin], given ? given[i] : arithmetic.one)
    })
    at.forEach((place, bin) => {
      arithmetic.set(to, place, sums[bin])
    })
  })
}
