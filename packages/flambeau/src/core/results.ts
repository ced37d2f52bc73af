/** Several results as one object that destructures both ways: `const { values, indices } = …`, `const [v, i] = …`. */

import type { Tensor } from './tensor.js'

/** Named results that can also be read in order. */
export type Named<K extends string> = { readonly [key in K]: Tensor } & Iterable<Tensor>

/** Results under their names, in PyTorch's order. */
export function named<K extends string>(results: Record<K, Tensor>): Named<K> {
  return Object.defineProperty(results, Symbol.iterator, {
    value: () => Object.values<Tensor>(results)[Symbol.iterator](),
  }) as unknown as Named<K>
}

export type ValuesIndices = Named<'values' | 'indices'>
