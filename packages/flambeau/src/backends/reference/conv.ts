/** Convolution and its two gradients: three sums over the same products of an input, a weight and an output. */

import type { Shape } from '../../core/layout.js'
import type { Operand } from '../backend.js'
import { compute, readAll, writeAll } from './elements.js'

interface Window {
  readonly stride: Shape
  readonly padding: Shape
  readonly dilation: Shape
  readonly groups: number
}

/** Sizes with three spatial dimensions: missing ones come first and have size 1. */
const volume = (shape: Shape): Shape => [shape[0], shape[1], ...new Array<number>(5 - shape.length).fill(1), ...shape.slice(2)]
const perAxis = (list: Shape, missing: number): Shape => [...new Array<number>(3 - list.length).fill(missing), ...list]

/** Calls `f` with the row-major indices of every x [N, C, *] and w [O, C/groups, *] that meet in an element of out [N, O, *]. */
function eachProduct(
  x: Operand,
  w: Operand,
  out: Operand,
  window: Window,
  f: (xAt: number, wAt: number, outAt: number) => void,
): void {
  const [, channels, depth, height, width] = volume(x.layout.shape)
  const [, perGroup, kernelDepth, kernelHeight, kernelWidth] = volume(w.layout.shape)
  const [images, outputs, outDepth, outHeight, outWidth] = volume(out.layout.shape)
  const [strideD, strideH, strideW] = perAxis(window.stride, 1)
  const [paddingD, paddingH, paddingW] = perAxis(window.padding, 0)
  const [dilationD, dilationH, dilationW] = perAxis(window.dilation, 1)
  let outAt = 0
  for (let n = 0; n < images; n++)
    for (let o = 0; o < outputs; o++) {
      const firstChannel = Math.floor(o / (outputs / window.groups)) * perGroup
      for (let i = 0; i < outDepth; i++)
        for (let j = 0; j < outHeight; j++)
          for (let k = 0; k < outWidth; k++, outAt++)
            for (let c = 0; c < perGroup; c++)
              for (let p = 0; p < kernelDepth; p++)
                for (let q = 0; q < kernelHeight; q++)
                  for (let r = 0; r < kernelWidth; r++) {
                    const d = i * strideD - paddingD + p * dilationD
                    const h = j * strideH - paddingH + q * dilationH
                    const v = k * strideW - paddingW + r * dilationW
                    if (d < 0 || d >= depth || h < 0 || h >= height || v < 0 || v >= width) continue
                    const xAt = (((n * channels + firstChannel + c) * depth + d) * height + h) * width + v
                    const wAt = (((o * perGroup + c) * kernelDepth + p) * kernelHeight + q) * kernelWidth + r
                    f(xAt, wAt, outAt)
                  }
    }
}

export function conv(
  x: Operand,
  w: Operand,
  bias: Operand | null,
  out: Operand,
  stride: Shape,
  padding: Shape,
  dilation: Shape,
  groups: number,
): void {
  compute([x, w], (arithmetic) => {
    const { add, mul, zero } = arithmetic
    const [xs, ws] = [readAll(arithmetic, x), readAll(arithmetic, w)]
    const biases = bias && readAll(arithmetic, bias)
    const [, outputs, ...spatial] = out.layout.shape
    const plane = spatial.reduce((n, size) => n * size, 1)
    const sums = Array.from({ length: out.layout.numel }, (_, i) => biases?.[Math.floor(i / plane) % outputs] ?? zero)
    eachProduct(x, w, out, { stride, padding, dilation, groups }, (xAt, wAt, outAt) => {
      sums[outAt] = add(sums[outAt], mul(xs[xAt], ws[wAt]))
    })
    writeAll(arithmetic, out, sums)
  })
}

export function convGradInput(
  grad: Operand,
  w: Operand,
  gradX: Operand,
  stride: Shape,
  padding: Shape,
  dilation: Shape,
  groups: number,
): void {
  compute([grad, w], (arithmetic) => {
    const { add, mul, zero } = arithmetic
    const [gs, ws] = [readAll(arithmetic, grad), readAll(arithmetic, w)]
    const sums = new Array(gradX.layout.numel).fill(zero)
    eachProduct(gradX, w, grad, { stride, padding, dilation, groups }, (xAt, wAt, outAt) => {
      sums[xAt] = add(sums[xAt], mul(gs[outAt], ws[wAt]))
    })
    writeAll(arithmetic, gradX, sums)
  })
}

export function convGradWeight(
  x: Operand,
  grad: Operand,
  gradW: Operand,
  stride: Shape,
  padding: Shape,
  dilation: Shape,
  groups: number,
): void {
  compute([x, grad], (arithmetic) => {
    const { add, mul, zero } = arithmetic
    const [xs, gs] = [readAll(arithmetic, x), readAll(arithmetic, grad)]
    const sums = new Array(gradW.layout.numel).fill(zero)
    eachProduct(x, gradW, grad, { stride, padding, dilation, groups }, (xAt, wAt, outAt) => {
      sums[wAt] = add(sums[wAt], mul(xs[xAt], gs[outAt]))
    })
    writeAll(arithmetic, gradW, sums)
  })
}
