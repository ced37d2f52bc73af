/** Copies of what modules hold, as Python's `copy.deepcopy` makes them. */

import { isOptions } from '../core/arguments.js'
import { Tensor } from '../core/tensor.js'
import { clone } from '../ops/cast.js'
import { detach } from '../ops/view.js'
import { Module } from './module.js'
import { Parameter } from './parameter.js'

/** A copy of what a module's property holds; functions and objects of other classes are shared. */
export function copyOfValue(value: unknown, memo: Map<unknown, unknown>): unknown {
  const known = memo.get(value)
  if (known !== undefined) return known
  let copy = value
  if (value instanceof Module) return value.deepcopy(memo)
  if (value instanceof Tensor) {
    if (!value.isLeaf)
      throw new Error('Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment')
    const data = clone(detach(value))
    copy =
      value instanceof Parameter
        ? Object.setPrototypeOf(new Parameter(data, { requiresGrad: value.requiresGrad }), Object.getPrototypeOf(value))
        : data
    if (!(copy instanceof Parameter)) data.requiresGrad = value.requiresGrad
  } else if (Array.isArray(value)) copy = value.map((item) => copyOfValue(item, memo))
  else if (value instanceof Map) copy = new Map([...value].map(([key, item]) => [key, copyOfValue(item, memo)]))
  else if (value instanceof Set) copy = new Set([...value].map((item) => copyOfValue(item, memo)))
  else if (isOptions(value)) copy = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyOfValue(item, memo)]))
  memo.set(value, copy)
  return copy
}
