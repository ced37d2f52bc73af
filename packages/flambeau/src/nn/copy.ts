/** Copies of modules, as Python's `copy.deepcopy` makes them. */

import { noGrad } from '../autograd/mode.js'
import { isOptions } from '../core/arguments.js'
import { Tensor } from '../core/tensor.js'
import { clone } from '../ops/cast.js'
import { defineOn, entriesOf, Module } from './module.js'
import { Parameter } from './parameter.js'

/**
 * A module with parameters, buffers and submodules of its own; what the original holds twice the copy holds twice. Hooks and
 * JavaScript's private members (`#x`) of subclasses are not copied.
 * @internal
 */
export function deepcopy<M extends Module>(module: M, known = new Map<unknown, unknown>()): M {
  const copyOf = (value: unknown): unknown => {
    if (known.has(value)) return known.get(value)
    if (value instanceof Module) return deepcopy(value, known)
    const copied = copyValue(value, copyOf)
    known.set(value, copied)
    return copied
  }
  // The subclass's constructor is not run: it may have side effects, such as drawing random numbers.
  const copied = Reflect.construct(Module, [], module.constructor) as M
  known.set(module, copied)
  const buffers = new Map([...module.ownBuffers()].map(([name, , persistent]) => [name, persistent]))
  for (const [name, value] of entriesOf(module)) {
    const persistent = buffers.get(name)
    if (persistent === undefined) defineOn(copied, name, copyOf(value))
    else copied.registerBuffer(name, copyOf(value) as Tensor, { persistent })
  }
  return copied
}

function copyValue(value: unknown, copyOf: (value: unknown) => unknown): unknown {
  if (value instanceof Parameter) return new Parameter(unrecorded(value), { requiresGrad: value.requiresGrad })
  if (value instanceof Tensor) {
    const copied = unrecorded(value)
    copied.requiresGrad = value.requiresGrad && value.isLeaf
    return copied
  }
  if (Array.isArray(value)) return value.map(copyOf)
  if (isOptions(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyOf(item)]))
  return value
}
const unrecorded = (t: Tensor): Tensor => noGrad(() => clone(t))
