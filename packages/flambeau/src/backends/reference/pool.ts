/** Pooling over windows of the last dimensions. Leading dimensions are independent planes. */

import { numelOf, type Shape } from '../../core/layout.js'
import type { Operand } from '../backend.js'
import { compute, elementsOf, readAll, reals, writeAll } from './elements.js'
import { readIndices } from './indexing.js'
import { coordinates, places } from './places.js'

interface Window {
  readonly kernel: Shape
  readonly stride: Shape
  readonly padding: Shape
  readonly dilation: Shape
}

/** Start and end of the i-th of `count` windows that share `size` elements out. */
const adaptiveWindow = (i: number, size: number, count: number): [number, number] => [
  Math.floor((i * size) / count),
  Math.ceil(((i + 1) * size) / count),
]

/** The row-major indices of the plane's elements that lie in the window of the output at `index`. */
function inWindow(index: readonly number[], plane: Shape, count: Shape, { kernel, stride, padding, dilation }: Window): number[] {
  let found = [0]
  for (let d = 0; d < plane.length; d++) {
    const along: number[] = []
    if (kernel[d] === 0) {
      const [begin, end] = adaptiveWindow(index[d], plane[d], count[d])
      for (let i = begin; i < end; i++) along.push(i)
    }
    for (let k = 0; k < kernel[d]; k++) {
      const i = index[d] * stride[d] - padding[d] + k * dilation[d]
      if (i >= 0 && i < plane[d]) along.push(i)
    }
    found = found.flatMap((outer) => along.map((i) => outer * plane[d] + i))
  }
  return found
}

/** The last dimensions of an operand and how many elements they have. */
function planeOf({ layout }: Operand, spatial: number): { readonly shape: Shape; readonly size: number } {
  const shape = layout.shape.slice(layout.dim - spatial)
  return { shape, size: numelOf(shape) }
}

/** Calls `f` for every element of `out`, with the elements of x in its window; all as row-major indices. */
function eachWindow(
  x: Operand,
  out: Operand,
  window: Window,
  f: (outAt: number, xsAt: readonly number[], firstOfPlane: number, index: readonly number[]) => void,
): void {
  const from = planeOf(x, window.kernel.length)
  const to = planeOf(out, window.kernel.length)
  for (let i = 0; i < out.layout.numel; i++) {
    const first = Math.floor(i / to.size) * from.size
    const index = coordinates(i % to.size, to.shape)
    const found = inWindow(index, from.shape, to.shape, window).map((at) => first + at)
    f(i, found, first, index)
  }
}

/** The largest element of each window and its index in the plane: the first of equals, but the last NaN, as in PyTorch. */
export function maxPool(
  x: Operand,
  values: Operand,
  indices: Operand,
  kernel: Shape,
  stride: Shape,
  padding: Shape,
  dilation: Shape,
): void {
  compute([x], (arithmetic) => {
    const xs = readAll(arithmetic, x)
    const [toValues, toIndices] = [elementsOf(values), elementsOf(indices)]
    const [valuesAt, indicesAt] = [places(values.layout), places(indices.layout)]
    eachWindow(x, values, { kernel, stride, padding, dilation }, (i, found, first) => {
      let best = found[0]
      for (const at of found) if (xs[at] > xs[best] || Number.isNaN(xs[at])) best = at
      arithmetic.set(toValues, valuesAt[i], xs[best])
      toIndices.setNumber(indicesAt[i], best - first)
    })
  })
}

/** Calls `f` with the row-major indices of each output and of the element of x that its index names. */
function eachPooled(x: Operand, indices: Operand, spatial: number, f: (outAt: number, xAt: number) => void): void {
  const plane = planeOf(x, spatial).size
  const pooled = planeOf(indices, spatial).size
  readIndices(indices, plane).forEach((index, i) => {
    f(i, Math.floor(i / pooled) * plane + index)
  })
}

/** Each gradient goes to the element that was the largest. */
export function maxPoolBackward(grad: Operand, indices: Operand, gradX: Operand, spatial: number): void {
  compute([grad, gradX], (arithmetic) => {
    const gradients = readAll(arithmetic, grad)
    const sums = new Array(gradX.layout.numel).fill(arithmetic.zero)
    eachPooled(gradX, indices, spatial, (i, at) => {
      sums[at] = arithmetic.add(sums[at], gradients[i])
    })
    writeAll(arithmetic, gradX, sums)
  })
}

/** out[n, c, i] = x[n, c, indices[n, c, i]], the last dimensions taken as one. */
export function maxPoolGather(x: Operand, indices: Operand, out: Operand, spatial: number): void {
  compute([x], (arithmetic) => {
    const xs = readAll(arithmetic, x)
    const values: typeof xs = []
    eachPooled(x, indices, spatial, (i, at) => {
      values[i] = xs[at]
    })
    writeAll(arithmetic, out, values)
  })
}

/**
 * What a window's sum is divided by: the divisor if there is one; the elements in it; or with `countIncludePad` the padding
 * too, but not what hangs over the padded edge as a last window of ceil mode does.
 */
function divisorOf(
  index: readonly number[],
  plane: Shape,
  window: Window,
  inside: number,
  countIncludePad: boolean,
  divisor: number,
) {
  if (divisor !== 0) return divisor
  if (!countIncludePad || window.kernel.every((k) => k === 0)) return inside
  return plane.reduce((product, size, d) => {
    const start = index[d] * window.stride[d] - window.padding[d]
    return product * (Math.min(start + window.kernel[d], size + window.padding[d]) - start)
  }, 1)
}

export function avgPool(
  x: Operand,
  out: Operand,
  kernel: Shape,
  stride: Shape,
  padding: Shape,
  countIncludePad: boolean,
  divisor: number,
): void {
  const window = { kernel, stride, padding, dilation: kernel.map(() => 1) }
  const plane = planeOf(x, kernel.length).shape
  const xs = readAll(reals, x)
  const means: number[] = []
  eachWindow(x, out, window, (i, found, _, index) => {
    const sum = found.reduce((total, at) => total + xs[at], 0)
    means[i] = found.length === 0 ? 0 : sum / divisorOf(index, plane, window, found.length, countIncludePad, divisor)
  })
  writeAll(reals, out, means)
}

export function avgPoolBackward(
  grad: Operand,
  gradX: Operand,
  kernel: Shape,
  stride: Shape,
  padding: Shape,
  countIncludePad: boolean,
  divisor: number,
): void {
  const window = { kernel, stride, padding, dilation: kernel.map(() => 1) }
  const plane = planeOf(gradX, kernel.length).shape
  const gradients = readAll(reals, grad)
  const sums = new Array<number>(gradX.layout.numel).fill(0)
  eachWindow(gradX, grad, window, (i, found, _, index) => {
    const share = gradients[i] / divisorOf(index, plane, window, found.length, countIncludePad, divisor)
    for (const at of found) sums[at] += share
  })
  writeAll(reals, gradX, sums)
}
