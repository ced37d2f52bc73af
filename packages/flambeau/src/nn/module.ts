/** The base of all modules. */

import { noGrad } from '../autograd/mode.js'
import { isOptions } from '../core/arguments.js'
import { type DType, isDType, isFloatingPoint } from '../core/dtype.js'
import type { RemovableHandle } from '../core/graph.js'
import { Tensor } from '../core/tensor.js'
import { clone, to, zero_ } from '../ops/cast.js'
import { detach } from '../ops/view.js'
import { inspectSymbol } from '../show.js'
import { Parameter, replaceData } from './parameter.js'
import { type LoadResult, type LoadStateDictOptions, loadInto, type StateDict } from './stateDict.js'

/** Sees a module's arguments before `forward` does; what it returns takes their place. */
export type ForwardPreHook<M extends Module = Module> = (module: M, args: readonly unknown[]) => unknown
/** Sees what `forward` returned; what it returns, if anything, takes its place. */
export type ForwardHook<M extends Module = Module> = (module: M, args: readonly unknown[], output: unknown) => unknown

export interface NamedOptions {
  /** Put before every name. */
  prefix?: string
  /** Also those of submodules. */
  recurse?: boolean
  /** Name what several modules share only once. */
  removeDuplicate?: boolean
}

export interface StateDictOptions {
  /** Put before every key. */
  prefix?: string
  /** The tensors themselves instead of detached ones. */
  keepVars?: boolean
}

/** Runs a module's hooks and its `forward`; set by the class, whose private hooks it reads. */
let call: (module: Module, args: unknown[]) => unknown

/** Constructs a function whose prototype is the class's: that makes modules callable, with no Proxy and no eval. */
class Callable {
  constructor() {
    const self = ((...args: unknown[]) => call(self as unknown as Module, args)) as unknown as Record<string, unknown>
    // A function's own `name` and `length` would shadow a module's.
    delete self.name
    delete self.length
    // biome-ignore lint/correctness/noConstructorReturn: the function is the module
    return Object.setPrototypeOf(self, new.target.prototype)
  }
}

/** A module is called like a function, with the parameters and result of its own `forward`. */
export interface Module {
  (...args: Parameters<this['forward']>): ReturnType<this['forward']>
}

/**
 * A piece of a network with parameters, buffers and submodules, as `torch.nn.Module`. Parameters and modules assigned to
 * its properties are found there; a subclass defines `forward` and is then called like a function.
 *
 * @example
 * class Net extends nn.Module {
 *   hidden = new nn.Linear(4, 8)
 *   out = new nn.Linear(8, 1)
 *   forward(x: Tensor): Tensor {
 *     return this.out(this.hidden(x).relu())
 *   }
 * }
 * const net = new Net()
 * net(torch.rand(2, 4)).shape // [2, 1]
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the constructor makes the interface true
export class Module extends Callable {
  /** Whether this module is in training mode: dropout and the like depend on it. */
  training = true
  /** Registered buffers and whether they belong to the state dict. */
  readonly #buffers = new Map<string, boolean>()
  readonly #hooks = { before: new Set<ForwardPreHook>(), after: new Set<ForwardHook>() }

  /** What the module computes. Defined by subclasses; call the module itself rather than this, so that hooks run. */
  // biome-ignore lint/suspicious/noExplicitAny: subclasses have parameters and results of their own
  forward(..._args: any[]): any {
    throw new Error(`Module [${this.getName()}] is missing the required "forward" function`)
  }

  static {
    call = (module, args) => module.#call(args)
  }

  #call(args: unknown[]): unknown {
    const { before, after } = this.#hooks
    if (before.size === 0 && after.size === 0) return this.forward(...args)
    let given = args
    for (const hook of before) {
      const replaced = hook(this, given)
      if (replaced !== undefined && replaced !== null) given = Array.isArray(replaced) ? replaced : [replaced]
    }
    let output: unknown = this.forward(...given)
    for (const hook of after) {
      const replaced = hook(this, given, output)
      if (replaced !== undefined && replaced !== null) output = replaced
    }
    return output
  }

  /** Calls a function with the module and its arguments before every `forward`. */
  registerForwardPreHook(hook: ForwardPreHook<this>): RemovableHandle {
    return register(this.#hooks.before, hook as ForwardPreHook)
  }

  /** Calls a function with the module, its arguments and its output after every `forward`. */
  registerForwardHook(hook: ForwardHook<this>): RemovableHandle {
    return register(this.#hooks.after, hook as ForwardHook)
  }

  /** Adds a parameter under a name, or null for one that is left out. */
  registerParameter(name: string, parameter: Parameter | null): void {
    this.#checkName(name, 'parameter')
    if (parameter !== null && !(parameter instanceof Parameter))
      throw new TypeError(
        `cannot assign '${typeof parameter}' object to parameter '${name}' (torch.nn.Parameter or None required)`,
      )
    this.#set(name, parameter)
  }

  /** Adds a tensor that belongs to the module's state without being a parameter, such as a running mean. */
  registerBuffer(name: string, tensor: Tensor | null, options: { persistent?: boolean } = {}): void {
    this.#checkName(name, 'buffer')
    if (tensor !== null && !(tensor instanceof Tensor))
      throw new TypeError(`cannot assign '${typeof tensor}' object to buffer '${name}' (torch Tensor or None required)`)
    this.#buffers.set(name, options.persistent ?? true)
    this.#set(name, tensor)
  }

  /** Adds a submodule under a name that need not be an identifier. */
  registerModule(name: string, module: Module | null): void {
    if (module !== null && !(module instanceof Module)) throw new TypeError(`${typeof module} is not a Module subclass`)
    this.#checkName(name, 'module')
    this.#set(name, module)
  }

  /** The same as `registerModule`. */
  addModule(name: string, module: Module | null): void {
    this.registerModule(name, module)
  }

  #checkName(name: string, kind: 'parameter' | 'buffer' | 'module'): void {
    if (typeof name !== 'string') throw new TypeError(`${kind} name should be a string. Got ${typeof name}`)
    if (name === '') throw new Error(`${kind} name can't be empty string ""`)
    if (name.includes('.')) throw new Error(`${kind} name can't contain ".", got: ${name}`)
    // A class field that was only declared exists already, as undefined.
    const value: unknown = Reflect.get(this, name)
    const same =
      kind === 'module' ? value instanceof Module : kind === 'buffer' ? this.#buffers.has(name) : value instanceof Parameter
    if (value !== undefined && value !== null && !same) throw new Error(`attribute '${name}' already exists`)
  }

  #set(name: string, value: unknown): void {
    Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true })
  }

  /** @internal Own parameters by name. */
  *ownParameters(): Generator<[string, Parameter]> {
    for (const [name, value] of Object.entries(this)) if (value instanceof Parameter) yield [name, value]
  }

  /** @internal Own buffers by name, with whether they belong to the state dict. */
  *ownBuffers(): Generator<[string, Tensor, boolean]> {
    for (const [name, persistent] of this.#buffers) {
      const value: unknown = Reflect.get(this, name)
      if (value instanceof Tensor) yield [name, value, persistent]
    }
  }

  #collect<T extends Tensor>(
    own: (module: Module) => Iterable<readonly [string, T, ...unknown[]]>,
    options: NamedOptions,
  ): [string, T][] {
    const { prefix = '', recurse = true, removeDuplicate = true } = options
    const seen = new Set<T>()
    const found: [string, T][] = []
    const modules: [string, Module][] = recurse ? this.namedModules({ prefix, removeDuplicate }) : [[prefix, this]]
    for (const [path, module] of modules)
      for (const [name, value] of own(module)) {
        if (removeDuplicate && seen.has(value)) continue
        seen.add(value)
        found.push([join(path, name), value])
      }
    return found
  }

  /** All parameters, each once: this module's own first. */
  parameters(options: { recurse?: boolean } = {}): Parameter[] {
    return this.namedParameters(options).map(([, parameter]) => parameter)
  }

  /** All parameters with their names, such as `conv1.weight`. */
  namedParameters(options: NamedOptions = {}): [string, Parameter][] {
    return this.#collect((module) => module.ownParameters(), options)
  }

  /** All buffers, each once. */
  buffers(options: { recurse?: boolean } = {}): Tensor[] {
    return this.namedBuffers(options).map(([, buffer]) => buffer)
  }

  /** All buffers with their names. */
  namedBuffers(options: NamedOptions = {}): [string, Tensor][] {
    return this.#collect((module) => module.ownBuffers(), options)
  }

  /** The modules directly below this one, each once. */
  children(): Module[] {
    return this.namedChildren().map(([, child]) => child)
  }

  /** The modules directly below this one with their names. */
  namedChildren(): [string, Module][] {
    const seen = new Set<Module>()
    return this.#ownModules().filter(([, child]) => !seen.has(child) && seen.add(child))
  }

  #ownModules(): [string, Module][] {
    return Object.entries(this).filter((entry): entry is [string, Module] => entry[1] instanceof Module)
  }

  /** This module and all below it, each once. */
  modules(): Module[] {
    return this.namedModules().map(([, module]) => module)
  }

  /** This module, named by the prefix, and all below it with their dotted names. */
  namedModules(options: Omit<NamedOptions, 'recurse'> = {}): [string, Module][] {
    const { prefix = '', removeDuplicate = true } = options
    const seen = new Set<Module>()
    const found: [string, Module][] = []
    const visit = (path: string, module: Module): void => {
      if (removeDuplicate && seen.has(module)) return
      seen.add(module)
      found.push([path, module])
      for (const [name, child] of module.#ownModules()) visit(join(path, name), child)
    }
    visit(prefix, this)
    return found
  }

  /** The submodule at a dotted path; the module itself for an empty one. @throws Error where there is none. */
  getSubmodule(target: string): Module {
    let module: Module = this
    if (target === '') return module
    for (const name of target.split('.')) {
      const value: unknown = Object.hasOwn(module, name) ? Reflect.get(module, name) : undefined
      if (value === undefined) throw new Error(`${module.getName()} has no attribute \`${name}\``)
      if (!(value instanceof Module)) throw new Error(`\`${name}\` is not an nn.Module`)
      module = value
    }
    return module
  }

  /** The parameter at a dotted path such as `conv1.weight`. @throws Error where there is none. */
  getParameter(target: string): Parameter {
    const value = this.#attribute(target)
    if (!(value instanceof Parameter)) throw new Error(`\`${target.split('.').at(-1)}\` is not an nn.Parameter`)
    return value
  }

  /** The buffer at a dotted path. @throws Error where there is none. */
  getBuffer(target: string): Tensor {
    const value = this.#attribute(target)
    const name = target.split('.').at(-1)!
    const owner = this.getSubmodule(target.split('.').slice(0, -1).join('.'))
    if (!(value instanceof Tensor) || !owner.#buffers.has(name)) throw new Error(`\`${name}\` is not a buffer`)
    return value
  }

  #attribute(target: string): unknown {
    const path = target.split('.')
    const name = path.pop()!
    const module = this.getSubmodule(path.join('.'))
    if (!Object.hasOwn(module, name)) throw new Error(`${module.getName()} has no attribute \`${name}\``)
    return Reflect.get(module, name)
  }

  /** Calls a function with every module below this one, and then this one. */
  apply(fn: (module: Module) => void): this {
    for (const child of this.children()) child.apply(fn)
    fn(this)
    return this
  }

  /** Sets training mode here and below. */
  train(mode = true): this {
    if (typeof mode !== 'boolean') throw new TypeError('training mode is expected to be boolean')
    this.training = mode
    for (const child of this.children()) child.train(mode)
    return this
  }

  /** Sets evaluation mode here and below: `train(false)`. */
  eval(): this {
    return this.train(false)
  }

  /** Starts or stops gradients for all parameters. */
  requiresGrad_(requiresGrad = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad = requiresGrad
    return this
  }

  /** Forgets the gradients of all parameters, or fills them with zeros. */
  zeroGrad(options: { setToNone?: boolean } = {}): void {
    clearGradients(this.parameters(), options.setToNone ?? true)
  }

  /** Casts parameters and buffers of a floating-point dtype, or moves everything to a device; in place. */
  to(target: DType | string | Tensor | { dtype?: DType; device?: string }): this {
    const { dtype, device } =
      typeof target === 'string'
        ? isDType(target)
          ? { dtype: target, device: undefined }
          : { dtype: undefined, device: target }
        : target
    if (dtype !== undefined && !isFloatingPoint(dtype))
      throw new TypeError(`nn.Module.to only accepts floating point or complex dtypes, but got desired dtype=torch.${dtype}`)
    const convert = (t: Tensor): Tensor => to(t, { device, dtype: isFloatingPoint(t.dtype) ? dtype : undefined })
    noGrad(() => {
      for (const tensor of [...this.parameters(), ...this.buffers()]) {
        const converted = convert(tensor)
        if (converted !== tensor) replaceData(tensor, converted)
        if (tensor.grad !== null) tensor.grad = convert(tensor.grad)
      }
    })
    return this
  }

  /** Casts to float32. */
  float(): this {
    return this.to('float32')
  }

  /** Casts to float64. */
  double(): this {
    return this.to('float64')
  }

  /** Casts to float16. */
  half(): this {
    return this.to('float16')
  }

  /** Casts to bfloat16. */
  bfloat16(): this {
    return this.to('bfloat16')
  }

  /**
   * Parameters and persistent buffers by name. The tensors share memory with the module: `clone` what must not change.
   *
   * @example
   * Object.keys(new nn.Linear(2, 1).stateDict()) // ['weight', 'bias']
   */
  stateDict(options: StateDictOptions = {}): StateDict {
    const { prefix = '', keepVars = false } = options
    const state: StateDict = Object.create(null)
    this.forEachState(prefix, (key, tensor) => {
      state[key] = keepVars ? tensor : detach(tensor)
    })
    return state
  }

  /** @internal Visits what belongs to the state dict, in its order. */
  forEachState(prefix: string, visit: (key: string, tensor: Tensor) => void): void {
    for (const [name, parameter] of this.ownParameters()) visit(prefix + name, parameter)
    for (const [name, buffer, persistent] of this.ownBuffers()) if (persistent) visit(prefix + name, buffer)
    for (const [name, child] of this.#ownModules()) child.forEachState(`${prefix}${name}.`, visit)
  }

  /**
   * Copies a state dict's tensors into this module, casting them to the dtypes here. All problems are reported at once,
   * and nothing is written where there is one. With `strict: false` missing and unexpected keys are only returned.
   *
   * @throws Error `Error(s) in loading state_dict for Net: …`
   */
  loadStateDict(stateDict: Readonly<StateDict>, options: LoadStateDictOptions = {}): LoadResult {
    return loadInto(this, stateDict, options)
  }

  /**
   * A copy with parameters, buffers and submodules of its own, as Python's `copy.deepcopy(module)`; what is shared inside the
   * module is shared inside the copy. Classes with private fields (`#name`) must define a `deepcopy` of their own, because only
   * their constructor can make such fields.
   *
   * @example
   * const layer = new nn.Linear(2, 2)
   * const copy = layer.deepcopy()
   * torch.noGrad(() => copy.weight.zero_())
   * copy.weight.equal(layer.weight) // false
   */
  deepcopy(memo: Map<unknown, unknown> = new Map()): this {
    const copy = Reflect.construct(Module, [], this.constructor as typeof Module) as this
    memo.set(this, copy)
    for (const [name, persistent] of this.#buffers) copy.#buffers.set(name, persistent)
    for (const hook of this.#hooks.before) copy.#hooks.before.add(hook)
    for (const hook of this.#hooks.after) copy.#hooks.after.add(hook)
    for (const [name, value] of Object.entries(this)) copy.#set(name, copyOfValue(value, memo))
    return copy
  }

  /** The class's name, as it is printed. */
  getName(): string {
    return this.constructor.name
  }

  /** What is printed between a module's parentheses; for subclasses to define. */
  extraRepr(): string {
    return ''
  }

  /** As PyTorch prints it: the tree of modules with their settings. */
  override toString(): string {
    const extra = this.extraRepr()
    const extraLines = extra === '' ? [] : extra.split('\n')
    const children = this.#ownModules().map(([name, child]) => `(${name}): ${child.toString().replaceAll('\n', '\n  ')}`)
    const lines = [...extraLines, ...children]
    if (lines.length === 0) return `${this.getName()}()`
    if (extraLines.length === 1 && children.length === 0) return `${this.getName()}(${extraLines[0]})`
    return `${this.getName()}(\n  ${lines.join('\n  ')}\n)`
  }
}
Object.defineProperty(Module.prototype, inspectSymbol, {
  value(this: Module) {
    return this.toString()
  },
})

/** A copy of what a module's property holds; functions and objects of other classes are shared. */
function copyOfValue(value: unknown, memo: Map<unknown, unknown>): unknown {
  const known = memo.get(value)
  if (known !== undefined) return known
  let copy = value
  if (value instanceof Module) return value.deepcopy(memo)
  if (value instanceof Tensor) {
    if (!value.isLeaf)
      throw new Error('Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment')
    const data = clone(detach(value))
    copy = value instanceof Parameter ? new Parameter(data, { requiresGrad: value.requiresGrad }) : data
    if (!(copy instanceof Parameter)) data.requiresGrad = value.requiresGrad
  } else if (Array.isArray(value)) copy = value.map((item) => copyOfValue(item, memo))
  else if (value instanceof Map) copy = new Map([...value].map(([key, item]) => [key, copyOfValue(item, memo)]))
  else if (value instanceof Set) copy = new Set([...value].map((item) => copyOfValue(item, memo)))
  else if (isOptions(value)) copy = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyOfValue(item, memo)]))
  memo.set(value, copy)
  return copy
}

function register<T>(hooks: Set<T>, hook: T): RemovableHandle {
  hooks.add(hook)
  return { remove: () => void hooks.delete(hook) }
}

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`)

/** Forgets gradients, or fills them with zeros. */
export function clearGradients(tensors: Iterable<Tensor>, setToNone: boolean): void {
  for (const tensor of tensors) {
    if (tensor.gradient === null) continue
    if (setToNone) tensor.grad = null
    else {
      if (tensor.gradient.requiresGrad) tensor.grad = detach(tensor.gradient)
      zero_(tensor.gradient)
    }
  }
}
