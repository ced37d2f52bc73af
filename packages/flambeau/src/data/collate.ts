/** How samples become a batch. */

import { noGrad } from '../autograd/mode.js'
import { getDefaultDtype, type TypedArray } from '../core/dtype.js'
import { Tensor } from '../core/tensor.js'
import { fromTypedArray, tensor } from '../ops/creation.js'
import { stack } from '../ops/joining.js'

/** What the default collation makes of samples of this type. */
export type Collated<S> = S extends Tensor | TypedArray
  ? Tensor
  : S extends number | boolean | bigint
    ? Tensor
    : S extends string
      ? string[]
      : S extends readonly unknown[]
        ? { -readonly [K in keyof S]: Collated<S[K]> }
        : S extends object
          ? { -readonly [K in keyof S]: Collated<S[K]> }
          : never

/**
 * A batch of samples, as PyTorch's `default_collate`: tensors are stacked; numbers become an int64 tensor if all are
 * whole and float32 otherwise, booleans a bool tensor; arrays and objects are collated place by place; strings stay.
 *
 * @example
 * const [x, y] = data.defaultCollate([[torch.zeros(2), 1], [torch.ones(2), 0]])
 * x.shape // [ 2, 2 ]
 * y // tensor([1, 0])
 */
export function defaultCollate<S>(samples: readonly S[]): Collated<S> {
  return noGrad(() => collate(samples)) as Collated<S>
}

function collate(samples: readonly unknown[]): unknown {
  const [first] = samples
  if (first instanceof Tensor) return stack(samples as Tensor[])
  if (isTypedArray(first)) return stack(samples.map((array) => fromTypedArray(array as TypedArray)))
  switch (typeof first) {
    case 'number':
      return tensor(samples as number[], { dtype: samples.every(Number.isInteger) ? 'int64' : getDefaultDtype() })
    case 'boolean':
    case 'bigint':
      return tensor(samples as boolean[])
    case 'string':
      return samples
  }
  if (Array.isArray(first)) {
    const lists = samples as readonly unknown[][]
    if (lists.some((list) => list.length !== first.length))
      throw new Error('each element in list of batch should be of equal size')
    return first.map((_, i) => collate(lists.map((list) => list[i])))
  }
  if (typeof first === 'object' && first !== null && isPlain(first)) {
    const dicts = samples as readonly Record<string, unknown>[]
    return Object.fromEntries(Object.keys(first).map((key) => [key, collate(dicts.map((dict) => dict[key]))]))
  }
  const found = first === null || typeof first !== 'object' ? String(first) : first.constructor.name
  throw new TypeError(`default_collate: batch must contain tensors, numbers, strings, objects or arrays; found ${found}`)
}

/**
 * A single sample as PyTorch's `default_convert` makes it, which a loader without batches uses: typed arrays become tensors, in
 * arrays and objects too; everything else stays.
 *
 * @example
 * data.defaultConvert({ x: new Float32Array([1, 2]), name: 'a' }).x // tensor([1., 2.])
 */
// biome-ignore lint/suspicious/noExplicitAny: the type of a typed array becomes Tensor, at any depth
export function defaultConvert(sample: unknown): any {
  if (sample instanceof Tensor) return sample
  if (isTypedArray(sample)) return fromTypedArray(sample)
  if (Array.isArray(sample)) return sample.map(defaultConvert)
  if (typeof sample === 'object' && sample !== null && isPlain(sample))
    return Object.fromEntries(Object.entries(sample).map(([key, value]) => [key, defaultConvert(value)]))
  return sample
}

const isTypedArray = (value: unknown): value is TypedArray => ArrayBuffer.isView(value) && !(value instanceof DataView)
const isPlain = (value: object): boolean => [Object.prototype, null].includes(Object.getPrototypeOf(value))
