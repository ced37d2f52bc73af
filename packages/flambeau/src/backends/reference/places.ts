/** Where the elements of a layout lie. */

import { Layout, numelOf, type Shape } from '../../core/layout.js'

/** The place of every element in row-major order, for these sizes and steps. */
export function placesOf(sizes: Shape, strides: readonly number[], offset = 0): Float64Array {
  const places = new Float64Array(numelOf(sizes))
  const index = new Array<number>(sizes.length).fill(0)
  let place = offset
  for (let i = 0; i < places.length; i++) {
    places[i] = place
    // Count on like an odometer: the last dimension runs fastest.
    for (let d = sizes.length - 1; d >= 0; d--) {
      place += strides[d]
      if (++index[d] < sizes[d]) break
      place -= index[d] * strides[d]
      index[d] = 0
    }
  }
  return places
}

export const places = (layout: Layout): Float64Array => placesOf(layout.shape, layout.strides, layout.offset)

/** The coordinates of the row-major index `flat`. */
export function coordinates(flat: number, shape: Shape): number[] {
  const index = new Array<number>(shape.length)
  for (let d = shape.length - 1; d >= 0; d--) {
    index[d] = flat % shape[d]
    flat = Math.floor(flat / shape[d])
  }
  return index
}

/** The place of the element with these coordinates. */
export const placeAt = (layout: Layout, index: readonly number[]): number =>
  index.reduce((place, i, d) => place + i * layout.strides[d], layout.offset)

/** A layout split in two: the dimensions before `dim`, and those from it on as seen from place 0. */
export function split({ shape, strides, offset }: Layout, dim: number): readonly [outer: Layout, inner: Layout] {
  return [new Layout(shape.slice(0, dim), strides.slice(0, dim), offset), new Layout(shape.slice(dim), strides.slice(dim))]
}
