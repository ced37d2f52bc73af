/** Max pooling over windows with bounds of their own. */

import type { Operand } from '../backend.js'
import { compute, elementsOf, readAll } from './elements.js'
import { coordinates, places } from './places.js'
import { readWhole } from './remap.js'

/** The largest element of each window and its index in the plane: the first of equals, but the last NaN. */
export function windowPool(x: Operand, values: Operand, indices: Operand, spatial: number, bounds: Operand): void {
  const plane = x.layout.shape.slice(-spatial)
  const pooled = values.layout.shape.slice(-spatial)
  const [size, windows] = [plane.reduce((n, s) => n * s, 1), pooled.reduce((n, s) => n * s, 1)]
  const table = readWhole(bounds)
  const [rows, width] = bounds.layout.shape
  compute([x], (arithmetic) => {
    const xs = readAll(arithmetic, x)
    const [toValues, toIndices] = [elementsOf(values), elementsOf(indices)]
    const [valuesAt, indicesAt] = [places(values.layout), places(indices.layout)]
    for (let i = 0; i < values.layout.numel; i++) {
      const p = Math.floor(i / windows)
      const row = rows === 1 ? 0 : p * width
      let found = [0]
      let axis = 0
      for (const [d, at] of coordinates(i % windows, pooled).entries()) {
        const [begin, end] = [table[row + 2 * (axis + at)], table[row + 2 * (axis + at) + 1]]
        found = found.flatMap((outer) => Array.from({ length: end - begin }, (_, k) => outer * plane[d] + begin + k))
        axis += pooled[d]
      }
      let best = found[0]
      for (const at of found) if (xs[p * size + at] > xs[p * size + best] || Number.isNaN(xs[p * size + at])) best = at
      arithmetic.set(toValues, valuesAt[i], xs[p * size + best])
      toIndices.setNumber(indicesAt[i], best)
    }
  })
}
