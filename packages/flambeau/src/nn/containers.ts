/** Modules made of modules. */

import type { Tensor } from '../core/tensor.js'
import { Module } from './module.js'

/** Modules under numbers: what Sequential and ModuleList share. */
class ModuleSequence extends Module {
  /** How many modules there are. */
  override get length(): number {
    return this.namedSlots().length
  }

  /** @internal Every place, also where one module stands in several. */
  protected namedSlots(): [string, Module][] {
    return Object.entries(this).filter((entry): entry is [string, Module] => entry[1] instanceof Module)
  }

  /** The i-th module, counted from the end where negative. @throws RangeError outside. */
  at(index: number): Module {
    return this.slot(index)[1]
  }

  /** @internal */
  protected slot(index: number): [string, Module] {
    const slots = this.namedSlots()
    const slot = Number.isInteger(index) ? slots.at(index) : undefined
    if (slot === undefined) throw new RangeError(`index ${index} is out of range`)
    return slot
  }

  /** Puts a module in the place of the i-th. */
  setAt(index: number, module: Module): void {
    this.registerModule(this.slot(index)[0], module)
  }

  /** Adds a module at the end. */
  append(module: Module): this {
    this.addModule(String(this.length), module)
    return this
  }

  /** Adds modules at the end. */
  extend(modules: Iterable<Module>): this {
    for (const module of [...modules]) this.append(module)
    return this
  }

  /** Puts a module before the i-th. */
  insert(index: number, module: Module): this {
    const slots = this.namedSlots().map(([, m]) => m)
    if (!(Number.isInteger(index) && index >= -slots.length && index <= slots.length))
      throw new RangeError(`Index out of range: ${index}`)
    slots.splice(index, 0, module)
    slots.forEach((m, i) => {
      this.registerModule(String(i), m)
    })
    return this
  }

  *[Symbol.iterator](): Iterator<Module> {
    for (const [, module] of this.namedSlots()) yield module
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
 * const named = new nn.Sequential({ fc: new nn.Linear(4, 1), act: new nn.Tanh() })
 * model(torch.rand(2, 4)).shape // [2, 1]
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
}

/**
 * A list of modules, as `torch.nn.ModuleList`: it knows its parameters, and its owner says how they run.
 *
 * @example
 * const layers = new nn.ModuleList([1, 2, 3].map(() => new nn.Linear(4, 4)))
 * let x = torch.randn(2, 4)
 * for (const layer of layers) x = layer(x)
 * x.shape // [2, 4]
 */
export class ModuleList extends ModuleSequence {
  constructor(modules: Iterable<Module> = []) {
    super()
    this.extend(modules)
  }
}

/**
 * Modules by name, as `torch.nn.ModuleDict`.
 *
 * @example
 * const heads = new nn.ModuleDict({ small: new nn.Linear(4, 2), large: new nn.Linear(4, 8) })
 * heads.get('small')(torch.randn(3, 4)).shape // [3, 2]
 */
export class ModuleDict extends Module {
  constructor(modules: Readonly<Record<string, Module>> | Iterable<readonly [string, Module]> = {}) {
    super()
    this.update(modules)
  }

  /** How many modules there are. */
  get size(): number {
    return this.entries().length
  }

  /** The module of a name. @throws Error where there is none. */
  get(name: string): Module {
    if (!this.has(name)) throw new Error(`ModuleDict has no module '${name}'`)
    return Reflect.get(this, name) as Module
  }

  set(name: string, module: Module): this {
    this.addModule(name, module)
    return this
  }

  has(name: string): boolean {
    return Object.hasOwn(this, name) && Reflect.get(this, name) instanceof Module
  }

  delete(name: string): boolean {
    return this.has(name) && Reflect.deleteProperty(this, name)
  }

  /** Adds modules, in the place of those that have their names. */
  update(modules: Readonly<Record<string, Module>> | Iterable<readonly [string, Module]>): this {
    const entries = Symbol.iterator in modules ? (modules as Iterable<readonly [string, Module]>) : Object.entries(modules)
    for (const [name, module] of entries) this.addModule(name, module)
    return this
  }

  clear(): void {
    for (const name of this.keys()) this.delete(name)
  }

  keys(): string[] {
    return this.entries().map(([name]) => name)
  }

  values(): Module[] {
    return this.entries().map(([, module]) => module)
  }

  entries(): [string, Module][] {
    return Object.entries(this).filter((entry): entry is [string, Module] => entry[1] instanceof Module)
  }

  [Symbol.iterator](): Iterator<[string, Module]> {
    return this.entries()[Symbol.iterator]()
  }
}
