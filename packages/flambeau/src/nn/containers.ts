/** Modules made of modules. */

import type { Tensor } from '../core/tensor.js'
import { Module, removeFrom } from './module.js'

/** Where an index or the bounds of a slice lie, as in Python. */
function slicePlaces(size: number, start?: number | null, end?: number | null, step: number | null = 1): number[] {
  const by = step ?? 1
  if (!Number.isInteger(by) || by === 0) throw new RangeError('slice step cannot be zero')
  const clip = (value: number, low: number, high: number): number =>
    Math.min(Math.max(value < 0 ? value + size : value, low), high)
  const [low, high] = by > 0 ? [0, size] : [-1, size - 1]
  const from = start === undefined || start === null ? (by > 0 ? low : high) : clip(start, low, high)
  const to = end === undefined || end === null ? (by > 0 ? high : low) : clip(end, low, high)
  const places: number[] = []
  for (let i = from; by > 0 ? i < to : i > to; i += by) places.push(i)
  return places
}

/** Modules under numbers: what Sequential and ModuleList share. No private members: deep copies would lack them. */
abstract class ModuleSequence<M extends Module = Module> extends Module {
  /** How many modules there are. */
  override get length(): number {
    return this.ownModules().length
  }

  /**
   * The i-th module, counted from the end where negative.
   *
   * @throws RangeError outside.
   * @example
   * new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU()).at(-1) // ReLU()
   */
  at(index: number): M {
    return this.slotAt(index)[1]
  }

  protected slotAt(index: number): [string, M] {
    const slots = this.ownModules() as [string, M][]
    const slot = Number.isInteger(index) ? slots.at(index) : undefined
    if (slot === undefined || index < -slots.length) throw new RangeError(`index ${index} is out of range`)
    return slot
  }

  /** Puts a module in the place of the i-th. @throws RangeError outside. */
  setAt(index: number, module: M): void {
    this.registerModule(this.slotAt(index)[0], module)
  }

  /** The names and modules from `start` up to `end`, every `step`-th, as Python slices. */
  protected slots(start?: number | null, end?: number | null, step?: number | null): [string, M][] {
    const all = this.ownModules() as [string, M][]
    return slicePlaces(all.length, start, end, step).map((i) => all[i])
  }

  /** Adds a module at the end. */
  append(module: M): this {
    this.addModule(String(this.length), module)
    return this
  }

  /** Adds modules at the end. */
  extend(modules: Iterable<M>): this {
    for (const module of [...modules]) this.append(module)
    return this
  }

  /** Puts a module before the i-th. @throws RangeError outside. */
  insert(index: number, module: M): this {
    const modules = [...this]
    if (!(Number.isInteger(index) && index >= -modules.length && index <= modules.length))
      throw new RangeError(`Index out of range: ${index}`)
    modules.splice(index, 0, module)
    this.renumber(modules)
    return this
  }

  /** Takes the i-th module out; those behind it move up. @throws RangeError outside. */
  delete(index: number): void {
    const [name] = this.slotAt(index)
    this.renumber(
      this.ownModules()
        .filter(([other]) => other !== name)
        .map(([, module]) => module),
    )
  }

  /** Takes the i-th module out and returns it. @throws RangeError outside. */
  pop(index = -1): M {
    const module = this.at(index)
    this.delete(index)
    return module
  }

  protected renumber(modules: readonly Module[]): void {
    for (const [name] of this.ownModules()) removeFrom(this, name)
    modules.forEach((module, i) => {
      this.registerModule(String(i), module)
    })
  }

  *[Symbol.iterator](): Iterator<M> {
    for (const [, module] of this.ownModules()) yield module as M
  }
}

/** What a Sequential is made of: modules, or modules with names. */
export type SequentialItem = Module | readonly [name: string, module: Module]

/**
 * Modules that run one after the other, each on what the one before returned, as `torch.nn.Sequential`. Given in order,
 * as pairs of name and module, or as an object.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 1))
 * model(torch.rand(2, 4)).shape // [ 2, 1 ]
 * new nn.Sequential({ fc: new nn.Linear(4, 1), act: new nn.Tanh() })
 * // Sequential(
 * //   (fc): Linear(in_features=4, out_features=1, bias=True)
 * //   (act): Tanh()
 * // )
 */
export class Sequential extends ModuleSequence {
  constructor(...items: readonly SequentialItem[] | readonly [Readonly<Record<string, Module>> | readonly SequentialItem[]]) {
    super()
    const [first] = items
    const isPair = Array.isArray(first) && typeof first[0] === 'string'
    const list: readonly SequentialItem[] =
      items.length !== 1 || typeof first === 'function' || isPair
        ? (items as readonly SequentialItem[])
        : Array.isArray(first)
          ? (first as readonly SequentialItem[])
          : Object.entries(first as Readonly<Record<string, Module>>)
    list.forEach((item, i) => {
      if (Array.isArray(item)) this.addModule(item[0], item[1])
      else this.addModule(String(i), item as Module)
    })
  }

  override forward(input: Tensor): Tensor {
    let value: Tensor = input
    for (const module of this) value = module(value)
    return value
  }

  /**
   * A Sequential of the modules from `start` up to `end`, every `step`-th, under their names: `model[start:end:step]`.
   *
   * @example
   * new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 1)).slice(1).length // 2
   */
  slice(start?: number | null, end?: number | null, step?: number | null): Sequential {
    return new Sequential(this.slots(start, end, step))
  }
}

/**
 * A list of modules, as `torch.nn.ModuleList`: it knows its parameters, and its owner says how they run. What it holds has the
 * type of the modules it is made of: `nn.ModuleList<nn.Linear>`.
 *
 * @example
 * const layers = new nn.ModuleList([1, 2, 3].map((n) => new nn.Linear(n, n + 1)))
 * let x = torch.ones(1, 1)
 * for (const layer of layers) x = layer(x)
 * x.shape // [ 1, 4 ]
 */
export class ModuleList<M extends Module = Module> extends ModuleSequence<M> {
  constructor(modules: Iterable<M> = []) {
    super()
    this.extend(modules)
  }

  /** A list of the modules from `start` up to `end`, every `step`-th: `layers[start:end:step]`. */
  slice(start?: number | null, end?: number | null, step?: number | null): ModuleList<M> {
    return new ModuleList(this.slots(start, end, step).map(([, module]) => module))
  }
}

type Modules<M extends Module> = Readonly<Record<string, M>> | Iterable<readonly [string, M]>

/**
 * Modules by name, as `torch.nn.ModuleDict`. What it holds has the type of the modules it is made of: `nn.ModuleDict<nn.Linear>`.
 *
 * @example
 * const heads = new nn.ModuleDict({ small: new nn.Linear(4, 2), large: new nn.Linear(4, 8) })
 * heads.get('small')(torch.ones(1, 4)).shape // [ 1, 2 ]
 * heads.keys() // [ 'small', 'large' ]
 */
export class ModuleDict<M extends Module = Module> extends Module {
  constructor(modules: Modules<M> = {}) {
    super()
    this.update(modules)
  }

  /** How many modules there are. */
  get size(): number {
    return this.ownModules().length
  }

  /** The module of a name. @throws Error where there is none. */
  get(name: string): M {
    if (!this.has(name)) throw new Error(`ModuleDict has no module '${name}'`)
    return Reflect.get(this, name) as M
  }

  /** Adds a module, or puts it in the place of the one of its name. */
  set(name: string, module: M): this {
    this.addModule(name, module)
    return this
  }

  has(name: string): boolean {
    return Object.hasOwn(this, name) && Reflect.get(this, name) instanceof Module
  }

  /** Takes a module out; false where there is none of this name. */
  delete(name: string): boolean {
    if (!this.has(name)) return false
    removeFrom(this, name)
    return true
  }

  /** Takes a module out and returns it. @throws Error where there is none. */
  pop(name: string): M {
    const module = this.get(name)
    this.delete(name)
    return module
  }

  /** Adds modules, in the place of those that have their names. */
  update(modules: Modules<M>): this {
    const entries = Symbol.iterator in modules ? (modules as Iterable<readonly [string, M]>) : Object.entries(modules)
    for (const [name, module] of entries) this.addModule(name, module)
    return this
  }

  clear(): void {
    for (const name of this.keys()) this.delete(name)
  }

  keys(): string[] {
    return this.ownModules().map(([name]) => name)
  }

  values(): M[] {
    return this.entries().map(([, module]) => module)
  }

  /** Names and modules, Python's `items`. */
  entries(): [string, M][] {
    return this.ownModules() as [string, M][]
  }

  /** The same as `entries`. */
  items(): [string, M][] {
    return this.entries()
  }

  [Symbol.iterator](): Iterator<[string, M]> {
    return this.entries()[Symbol.iterator]()
  }
}
