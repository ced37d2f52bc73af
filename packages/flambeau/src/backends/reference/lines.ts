/** Kernels that work along one dimension, line by line. */

import { Layout } from '../../core/layout.js'
import { places } from './places.js'

/** The places of each line along `dim`; lines come in the row-major order of the other dimensions. A 0-d tensor is one line. */
export function linesOf(layout: Layout, dim: number): Float64Array[] {
  if (layout.dim === 0) return [places(layout)]
  const size = layout.shape[dim]
  const starts = new Layout(layout.shape.toSpliced(dim, 1), layout.strides.toSpliced(dim, 1), layout.offset)
  return Array.from(places(starts), (start) => Float64Array.from({ length: size }, (_, i) => start + i * layout.strides[dim]))
}
