/** Values of an image between its points, and their gradients. */

import { numelOf } from '../../core/layout.js'
import type { Operand } from '../backend.js'
import { readAll, reals, writeAll } from './elements.js'

/** How places are found: what the kernels are given after their tensors. */
type Sampling = readonly [mode: number, padding: number, alignCorners: boolean, orders: readonly number[]]

/** A place in points of the image and its derivative by the grid's number. */
type Place = readonly [at: number, slope: number]

function reflect([at, slope]: Place, size: number, alignCorners: boolean): Place {
  const [low, span] = alignCorners ? [0, size - 1] : [-0.5, size]
  if (span <= 0) return [0, 0]
  const distance = Math.abs(at - low)
  const sign = at < low ? -slope : slope
  const extra = distance % span
  return Math.floor(distance / span) % 2 === 0 ? [extra + low, sign] : [span - extra + low, -sign]
}

function bound(place: Place, size: number, padding: number, alignCorners: boolean): Place {
  if (padding === 0) return place
  const [at, slope] = padding === 2 ? reflect(place, size, alignCorners) : place
  if (!(at > 0)) return [0, 0]
  return at >= size - 1 ? [size - 1, 0] : [at, slope]
}

/** The d-th derivative of a polynomial, its coefficients given from the highest down. */
function polynomial(x: number, d: number, coefficients: readonly number[]): number {
  let list = [...coefficients]
  for (let i = 0; i < d; i++) list = list.slice(0, -1).map((c, k) => c * (list.length - 1 - k))
  return list.reduce((sum, c) => sum * x + c, 0)
}

// Halves go to even in two dimensions and away from zero in three, as in PyTorch.
const halfToEven = (v: number): number => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v))

/** Points around a place along an axis, with the weights of the derivative of this order. */
function taps(
  dims: number,
  value: number,
  size: number,
  order: number,
  [mode, padding, alignCorners]: Sampling,
): [number, number][] {
  const raw: Place = alignCorners ? [((value + 1) / 2) * (size - 1), (size - 1) / 2] : [((value + 1) * size - 1) / 2, size / 2]
  const inside = ([at]: readonly [number, number]): boolean => at >= 0 && at < size
  if (mode === 2) {
    const first = Math.floor(raw[0])
    const t = raw[0] - first
    const a = -0.75
    const inner = (x: number): number => polynomial(x, order, [a + 2, -(a + 3), 0, 1])
    const outer = (x: number): number => polynomial(x, order, [a, -5 * a, 8 * a, -4 * a])
    const mirrored = order % 2 === 0 ? 1 : -1
    const weights = [outer(t + 1), inner(t), mirrored * inner(1 - t), mirrored * outer(2 - t)]
    return weights
      .map((w, k): [number, number] => [bound([first + k - 1, 1], size, padding, alignCorners)[0], w * raw[1] ** order])
      .filter(inside)
  }
  const [at, slope] = bound(raw, size, padding, alignCorners)
  if (mode === 1) {
    const nearest = dims === 2 ? halfToEven(at) : Math.sign(at) * Math.round(Math.abs(at))
    return ([[nearest, order === 0 ? 1 : 0]] as [number, number][]).filter(inside)
  }
  const first = Math.floor(at)
  const t = at - first
  const pair: [number, number][] = [
    [first, order === 0 ? 1 - t : order === 1 ? -slope : 0],
    [first + 1, order === 0 ? t : order === 1 ? slope : 0],
  ]
  return pair.filter(inside)
}

/** Calls `f` for every place: the flat index of the place and the points around it, as offsets in a plane with weights. */
function eachSample(
  x: Operand,
  grid: Operand,
  sampling: Sampling,
  orders: readonly number[],
  f: (image: number, place: number, points: readonly (readonly [number, number])[]) => void,
): void {
  const sizes = x.layout.shape.slice(2)
  const numbers = readAll(reals, grid)
  const places = numelOf(grid.layout.shape.slice(1, -1))
  for (let i = 0; i < grid.layout.shape[0] * places; i++) {
    let points: [number, number][] = [[0, 1]]
    sizes.forEach((size, d) => {
      // The grid names the innermost axis first.
      const along = taps(sizes.length, numbers[i * sizes.length + sizes.length - 1 - d], size, orders[d], sampling)
      points = points.flatMap(([offset, w]) => along.map(([at, v]): [number, number] => [offset * size + at, w * v]))
    })
    f(Math.floor(i / places), i % places, points)
  }
}

export function gridSample(x: Operand, grid: Operand, out: Operand, ...sampling: Sampling): void {
  const channels = x.layout.shape[1]
  const [area, places] = [numelOf(x.layout.shape.slice(2)), numelOf(grid.layout.shape.slice(1, -1))]
  const xs = readAll(reals, x)
  const values: number[] = []
  eachSample(x, grid, sampling, sampling[3], (n, place, points) => {
    for (let c = n * channels; c < (n + 1) * channels; c++)
      values[c * places + place] = points.reduce((sum, [offset, w]) => sum + w * xs[c * area + offset], 0)
  })
  writeAll(reals, out, values)
}

export function gridSampleAdd(grad: Operand, grid: Operand, gradX: Operand, ...sampling: Sampling): void {
  const channels = gradX.layout.shape[1]
  const [area, places] = [numelOf(gradX.layout.shape.slice(2)), numelOf(grid.layout.shape.slice(1, -1))]
  const gradients = readAll(reals, grad)
  const sums = new Array<number>(gradX.layout.numel).fill(0)
  eachSample(gradX, grid, sampling, sampling[3], (n, place, points) => {
    for (let c = n * channels; c < (n + 1) * channels; c++)
      for (const [offset, w] of points) sums[c * area + offset] += w * gradients[c * places + place]
  })
  writeAll(reals, gradX, sums)
}

export function gridSampleSlope(x: Operand, grid: Operand, grad: Operand, gradGrid: Operand, ...sampling: Sampling): void {
  const [, channels, ...sizes] = x.layout.shape
  const [area, places] = [numelOf(sizes), numelOf(grid.layout.shape.slice(1, -1))]
  const [xs, gradients] = [readAll(reals, x), readAll(reals, grad)]
  const values: number[] = []
  sizes.forEach((_, d) => {
    const raised = sampling[3].map((order, axis) => order + (axis === d ? 1 : 0))
    eachSample(x, grid, sampling, raised, (n, place, points) => {
      let sum = 0
      for (let c = n * channels; c < (n + 1) * channels; c++)
        for (const [offset, w] of points) sum += w * gradients[c * places + place] * xs[c * area + offset]
      values[(n * places + place) * sizes.length + sizes.length - 1 - d] = sum
    })
  })
  writeAll(reals, gradGrid, values)
}
