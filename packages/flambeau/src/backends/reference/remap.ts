/** Planes rearranged along their axes, and rows and columns replaced by weighted sums. */

import { numelOf } from '../../core/layout.js'
import type { Operand } from '../backend.js'
import { compute, elementsOf, readAll, reals, writeAll } from './elements.js'
import { coordinates, places } from './places.js'

/** Integers in row-major order. */
export function readWhole(operand: Operand): number[] {
  const elements = elementsOf(operand)
  return Array.from(places(operand.layout), (place) => elements.number(place))
}

/** Calls `f` with the row-major indices of each element of `target` and of the element of `source` it stands for. */
function eachPlace(
  source: Operand,
  target: Operand,
  spatial: number,
  table: Operand,
  f: (to: number, from: number) => void,
): void {
  const plane = source.layout.shape.slice(-spatial)
  const shape = target.layout.shape.slice(-spatial)
  const [size, count] = [numelOf(plane), numelOf(shape)]
  const at = readWhole(table)
  for (let i = 0; i < target.layout.numel; i++) {
    let first = 0
    let place = 0
    for (const [d, index] of coordinates(i % count, shape).entries()) {
      place = place * plane[d] + at[first + index]
      first += shape[d]
    }
    f(i, Math.floor(i / count) * size + place)
  }
}

export function remap(x: Operand, out: Operand, spatial: number, table: Operand): void {
  compute([x], (arithmetic) => {
    const xs = readAll(arithmetic, x)
    const values: typeof xs = []
    eachPlace(x, out, spatial, table, (to, from) => {
      values[to] = xs[from]
    })
    writeAll(arithmetic, out, values)
  })
}

export function remapAdd(grad: Operand, gradX: Operand, spatial: number, table: Operand): void {
  const gradients = readAll(reals, grad)
  const sums = new Array<number>(gradX.layout.numel).fill(0)
  eachPlace(gradX, grad, spatial, table, (to, from) => {
    sums[from] += gradients[to]
  })
  writeAll(reals, gradX, sums)
}

/** The terms of each index's sum along an axis of `size` elements: pairs of place and weight. */
function termsOf(table: Operand | null, size: number): (readonly [number, number])[][] {
  if (table === null) return Array.from({ length: size }, (_, i) => [[i, 1] as const])
  const [rows, width] = table.layout.shape
  const values = readAll(reals, table)
  return Array.from({ length: rows }, (_, r) => {
    const [start, count, ...weights] = values.slice(r * width, (r + 1) * width)
    return weights.slice(0, count).map((w, t) => [start + t, w] as const)
  })
}

export function resample(x: Operand, out: Operand, rows: Operand | null, columns: Operand | null): void {
  const [height, width] = x.layout.shape.slice(-2)
  const [down, along] = [termsOf(rows, height), termsOf(columns, width)]
  const xs = readAll(reals, x)
  const values: number[] = []
  for (let plane = 0; plane < xs.length; plane += height * width)
    for (const row of down)
      for (const column of along) {
        let sum = 0
        for (const [y, wy] of row) for (const [k, wx] of column) sum += wy * wx * xs[plane + y * width + k]
        values.push(sum)
      }
  writeAll(reals, out, values)
}
