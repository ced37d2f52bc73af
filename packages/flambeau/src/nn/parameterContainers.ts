/** Parameters in lists and by name. */

import { Tensor } from '../core/tensor.js'
import { defineOn, entriesOf, Module, removeFrom } from './module.js'
import { Parameter } from './parameter.js'

/** A tensor that is none becomes a parameter; anything else stays what it is. */
const asParameter = (value: unknown): unknown =>
  value instanceof Tensor && !(value instanceof Parameter) ? new Parameter(value) : value

/** How an entry is printed; a list and a dict name types in their own ways. */
function described(key: string, value: unknown, tensorType: (t: Tensor) => string): string {
  if (!(value instanceof Tensor)) return `  (${key}): Object of type: ${typeName(value)}`
  const kind = value instanceof Parameter ? 'Parameter' : 'Tensor'
  return `  (${key}): ${kind} containing: [${tensorType(value)} of size ${value.shape.join('x')}]`
}
const typeName = (value: unknown): string =>
  value === null || value === undefined
    ? 'NoneType'
    : typeof value === 'object' || typeof value === 'function'
      ? value.constructor.name
      : typeof value
const legacyNames: Readonly<Record<string, string>> = {
  float64: 'torch.DoubleTensor',
  float16: 'torch.HalfTensor',
  bfloat16: 'torch.BFloat16Tensor',
}

/** What a container keeps besides its entries. */
const isOwn = (name: string): boolean => name === 'training'
const valuesOf = (module: Module): [string, unknown][] => entriesOf(module).filter(([name]) => !isOwn(name))
function slotOf(module: Module, index: number): [string, unknown] {
  const values = valuesOf(module)
  const slot = Number.isInteger(index) && index >= -values.length ? values.at(index) : undefined
  if (slot === undefined) throw new RangeError(`index ${index} is out of range`)
  return slot
}

/**
 * A list of parameters, as `torch.nn.ParameterList`; tensors become parameters, other values are kept as they are.
 *
 * @example
 * const list = new nn.ParameterList([torch.ones(2), torch.zeros(1)])
 * list.at(0).shape // [ 2 ]
 * list
 * // ParameterList(
 * //     (0): Parameter containing: [torch.float32 of size 2]
 * //     (1): Parameter containing: [torch.float32 of size 1]
 * // )
 */
export class ParameterList<T = Parameter> extends Module {
  constructor(values: Iterable<unknown> = []) {
    super()
    this.extend(values)
  }

  /** How many values there are. */
  override get length(): number {
    return valuesOf(this).length
  }

  /** The i-th value, counted from the end where negative. @throws RangeError outside. */
  at(index: number): T {
    return slotOf(this, index)[1] as T
  }

  /** Puts a value in the place of the i-th. @throws RangeError outside. */
  setAt(index: number, value: unknown): void {
    defineOn(this, slotOf(this, index)[0], asParameter(value))
  }

  /** Adds a value at the end. */
  append(value: unknown): this {
    defineOn(this, String(this.length), asParameter(value))
    return this
  }

  /** Adds values at the end. */
  extend(values: Iterable<unknown>): this {
    for (const value of [...values]) this.append(value)
    return this
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const [, value] of valuesOf(this)) yield value as T
  }

  override extraRepr(): string {
    return valuesOf(this)
      .map(([key, value]) => described(key, value, (t) => `torch.${t.dtype}`))
      .join('\n')
  }
}

/**
 * Parameters by name, as `torch.nn.ParameterDict`; tensors become parameters, other values are kept as they are. Those of an
 * object are added in the order of their names, as in PyTorch, those of pairs in their own.
 *
 * @example
 * const dict = new nn.ParameterDict({ left: torch.ones(2), right: torch.zeros(3) })
 * dict.get('right').shape // [ 3 ]
 * dict.keys() // [ 'left', 'right' ]
 */
export class ParameterDict<T = Parameter> extends Module {
  constructor(parameters: Readonly<Record<string, unknown>> | Iterable<readonly [string, unknown]> = {}) {
    super()
    this.update(parameters)
  }

  /** How many values there are. */
  get size(): number {
    return this.entries().length
  }

  /** The value of a name. @throws Error where there is none. */
  get(name: string): T {
    if (!this.has(name)) throw new Error(`ParameterDict has no parameter '${name}'`)
    return Reflect.get(this, name) as T
  }

  /** Adds a value, or puts it in the place of the one of its name. */
  set(name: string, value: unknown): this {
    if (typeof name !== 'string')
      throw new TypeError(
        `Index given to ParameterDict cannot be used as a key as it is not a string (type is '${typeof name}'). Open an issue on github if you need non-string keys.`,
      )
    if (!this.has(name) && Reflect.has(this, name)) throw new Error(`attribute '${name}' already exists`)
    defineOn(this, name, asParameter(value))
    return this
  }

  has(name: string): boolean {
    return Object.hasOwn(this, name) && !isOwn(name)
  }

  /** Takes a value out; false where there is none of this name. */
  delete(name: string): boolean {
    if (!this.has(name)) return false
    removeFrom(this, name)
    return true
  }

  /** Takes a value out and returns it. @throws Error where there is none. */
  pop(name: string): T {
    const value = this.get(name)
    this.delete(name)
    return value
  }

  /** Adds values, in the place of those that have their names: those of an object in the order of their names, as PyTorch does. */
  update(parameters: Readonly<Record<string, unknown>> | Iterable<readonly [string, unknown]>): this {
    const entries =
      Symbol.iterator in parameters ? parameters : Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    for (const [name, value] of entries as Iterable<readonly [string, unknown]>) this.set(name, value)
    return this
  }

  clear(): void {
    for (const name of this.keys()) this.delete(name)
  }

  keys(): string[] {
    return this.entries().map(([name]) => name)
  }

  values(): T[] {
    return this.entries().map(([, value]) => value)
  }

  /** Names and values, Python's `items`. */
  entries(): [string, T][] {
    return valuesOf(this) as [string, T][]
  }

  /** The same as `entries`. */
  items(): [string, T][] {
    return this.entries()
  }

  [Symbol.iterator](): Iterator<[string, T]> {
    return this.entries()[Symbol.iterator]()
  }

  override extraRepr(): string {
    return this.entries()
      .map(([key, value]) => described(key, value, (t) => legacyNames[t.dtype] ?? 'torch.FloatTensor'))
      .join('\n')
  }
}
