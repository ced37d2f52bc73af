/** The base of all modules. */

import { noGrad } from '../autograd/mode.js'
import { type Arguments, readArguments } from '../core/arguments.js'
import { type DType, isDType, isFloatingPoint } from '../core/dtype.js'
import type { RemovableHandle } from '../core/graph.js'
import { Tensor } from '../core/tensor.js'
import { to, zero_ } from '../ops/cast.js'
import { detach } from '../ops/view.js'
import { inspectSymbol } from '../show.js'
import { copyOfValue } from './copy.js'
import {
  addHook,
  type BackwardHook,
  type BackwardPreHook,
  callWithHooks,
  type ForwardHook,
  type ForwardHookOptions,
  type ForwardHookWithKwargs,
  type ForwardPreHook,
  type ForwardPreHookWithKwargs,
  type HookOptions,
  type LoadStateDictPostHook,
  type LoadStateDictPreHook,
  ModuleHooks,
  type StateDictPostHook,
  type StateDictPreHook,
} from './hooks.js'
import { Parameter, replaceData } from './parameter.js'
import { type LoadResult, type LoadStateDictOptions, loadInto, metadataOf, type StateDict, setMetadata } from './stateDict.js'

export interface NamedOptions {
  /** Put before every name. */
  prefix?: string
  /** Also those of submodules. */
  recurse?: boolean
  /** Name what several modules share only once. */
  removeDuplicate?: boolean
}

type NamedArguments = Arguments<[prefix: string, recurse: boolean, removeDuplicate: boolean], NamedOptions>

export interface StateDictOptions {
  /** Put before every key. */
  prefix?: string
  /** The tensors themselves instead of detached ones. */
  keepVars?: boolean
}

/** What needs a module's private members; set by the class. Methods might meet properties of users' subclasses. */
let call: (module: Module, args: unknown[]) => unknown
let hooksIn: (module: Module) => ModuleHooks | null
let put: (module: Module, name: string, value: unknown) => void
let take: (module: Module, name: string) => void
let list: (module: Module) => [string, unknown][]

/** @internal A module's hooks, null before the first is registered. */
export const hooksOf = (module: Module): ModuleHooks | null => hooksIn(module)
/** @internal Sets a property, whose place is that of its name's first registration. */
export const defineOn = (module: Module, name: string, value: unknown): void => put(module, name, value)
/** @internal Deletes a property, so that its name comes last if it is added again. */
export const removeFrom = (module: Module, name: string): void => take(module, name)
/** @internal Own properties in the order in which they were added. */
export const entriesOf = (module: Module): [string, unknown][] => list(module)

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
 * net(torch.rand(2, 4)).shape // [ 2, 1 ]
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the constructor makes the interface true
export class Module extends Callable {
  /** Whether this module is in training mode: dropout and the like depend on it. */
  training = true
  /** Registered buffers and whether they belong to the state dict. */
  readonly #buffers = new Map<string, boolean>()
  #hooks: ModuleHooks | null = null
  /** Names in the order of registration, kept where JavaScript would put a number before the names it came after. */
  #order: Set<string> | null = null

  /** What the module computes. Defined by subclasses; call the module itself rather than this, so that hooks run. */
  // biome-ignore lint/suspicious/noExplicitAny: subclasses have parameters and results of their own
  forward(..._args: any[]): any {
    throw new Error(`Module [${this.getName()}] is missing the required "forward" function`)
  }

  static {
    call = (module, args) => module.#call(args)
    hooksIn = (module) => module.#hooks
    put = (module, name, value) => module.#set(name, value)
    take = (module, name) => module.#remove(name)
    list = (module) => module.#entries()
  }

  #call(args: unknown[]): unknown {
    return this.#hooks === null ? this.forward(...args) : callWithHooks(this, this.#hooks, args)
  }

  #registry(): ModuleHooks {
    this.#hooks ??= new ModuleHooks()
    return this.#hooks
  }

  /**
   * Calls a function with the module and its arguments before every `forward`; what it returns, if anything, takes the place of
   * the arguments. Its handle removes it.
   *
   * @example
   * const layer = new nn.Identity()
   * const handle = layer.registerForwardPreHook((_, [x]) => (x as Tensor).add(1))
   * layer(torch.ones(1)) // tensor([2.])
   * handle.remove()
   * layer(torch.ones(1)) // tensor([1.])
   */
  registerForwardPreHook(hook: ForwardPreHook<this>, options?: HookOptions & { withKwargs?: false }): RemovableHandle
  registerForwardPreHook(hook: ForwardPreHookWithKwargs<this>, options: HookOptions & { withKwargs: true }): RemovableHandle
  registerForwardPreHook(hook: unknown, options: HookOptions = {}): RemovableHandle {
    return addHook(this.#registry().forwardPre, hook as never, options)
  }

  /**
   * Calls a function with the module, its arguments and its output after every `forward`; what it returns, if anything, takes
   * the place of the output. Its handle removes it.
   *
   * @example
   * const layer = new nn.Linear(2, 3)
   * const shapes: unknown[] = []
   * layer.registerForwardHook((_module, _args, output) => void shapes.push((output as Tensor).shape))
   * layer(torch.ones(4, 2))
   * shapes // [ [ 4, 3 ] ]
   */
  registerForwardHook(hook: ForwardHook<this>, options?: ForwardHookOptions & { withKwargs?: false }): RemovableHandle
  registerForwardHook(hook: ForwardHookWithKwargs<this>, options: ForwardHookOptions & { withKwargs: true }): RemovableHandle
  registerForwardHook(hook: unknown, options: ForwardHookOptions = {}): RemovableHandle {
    return addHook(this.#registry().forward, hook as never, options)
  }

  /**
   * Calls a function with the module, the gradients of its arguments and those of its outputs when backward has run through it;
   * what it returns, if anything, takes the place of the former.
   *
   * @example
   * const layer = new nn.Linear(2, 1)
   * layer.registerFullBackwardHook((_module, gradInput, gradOutput) => console.log(gradInput.length, gradOutput[0]!.shape))
   * layer(torch.ones(4, 2, { requiresGrad: true })).sum().backward()
   */
  registerFullBackwardHook(hook: BackwardHook<this>, options: { prepend?: boolean } = {}): RemovableHandle {
    return addHook(this.#registry().backward, hook as BackwardHook, options)
  }

  /** Calls a function with the module and the gradients of its outputs before backward runs through it. */
  registerFullBackwardPreHook(hook: BackwardPreHook<this>, options: { prepend?: boolean } = {}): RemovableHandle {
    return addHook(this.#registry().backwardPre, hook as BackwardPreHook, options)
  }

  /** Calls a function before the module writes its part of a state dict. */
  registerStateDictPreHook(hook: StateDictPreHook<this>): RemovableHandle {
    return addHook(this.#registry().stateDictPre, hook as StateDictPreHook)
  }

  /** Calls a function after the module has written its part of a state dict. */
  registerStateDictPostHook(hook: StateDictPostHook<this>): RemovableHandle {
    return addHook(this.#registry().stateDictPost, hook as StateDictPostHook)
  }

  /** Calls a function before the module reads its part of a state dict, a copy that the function may change. */
  registerLoadStateDictPreHook(hook: LoadStateDictPreHook<this>): RemovableHandle {
    return addHook(this.#registry().loadPre, hook as LoadStateDictPreHook)
  }

  /** Calls a function when the module and all below it have been loaded. */
  registerLoadStateDictPostHook(hook: LoadStateDictPostHook<this>): RemovableHandle {
    return addHook(this.#registry().loadPost, hook as LoadStateDictPostHook)
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
    // Object.entries gives whole numbers first and in ascending order, wherever they were added.
    if (/^(0|[1-9]\d*)$/.test(name) && !Object.hasOwn(this, name)) this.#order ??= new Set(Object.keys(this))
    this.#order?.add(name)
    Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true })
  }

  #entries(): [string, unknown][] {
    const entries: [string, unknown][] = Object.entries(this)
    if (this.#order === null) return entries
    const places = new Map(Array.from(this.#order, (name, i) => [name, i]))
    const place = (name: string): number => places.get(name) ?? places.size
    return entries.sort(([a], [b]) => place(a) - place(b))
  }

  #remove(name: string): void {
    this.#order?.delete(name)
    this.#buffers.delete(name)
    Reflect.deleteProperty(this, name)
  }

  /** @internal Own parameters by name. */
  *ownParameters(): Generator<[string, Parameter]> {
    for (const [name, value] of this.#entries()) if (value instanceof Parameter) yield [name, value]
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
  parameters(...args: Arguments<[recurse: boolean], { recurse?: boolean }>): Parameter[] {
    const options = readArguments<{ recurse?: boolean }>('parameters', args, ['recurse'])
    return this.namedParameters(options).map(([, parameter]) => parameter)
  }

  /** All parameters with their names, such as `conv1.weight`. */
  namedParameters(...args: NamedArguments): [string, Parameter][] {
    const options = readArguments<NamedOptions>('named_parameters', args, ['prefix', 'recurse', 'removeDuplicate'])
    return this.#collect((module) => module.ownParameters(), options)
  }

  /** All buffers, each once. */
  buffers(...args: Arguments<[recurse: boolean], { recurse?: boolean }>): Tensor[] {
    const options = readArguments<{ recurse?: boolean }>('buffers', args, ['recurse'])
    return this.namedBuffers(options).map(([, buffer]) => buffer)
  }

  /** All buffers with their names. */
  namedBuffers(...args: NamedArguments): [string, Tensor][] {
    const options = readArguments<NamedOptions>('named_buffers', args, ['prefix', 'recurse', 'removeDuplicate'])
    return this.#collect((module) => module.ownBuffers(), options)
  }

  /** The modules directly below this one, each once. */
  children(): Module[] {
    return this.namedChildren().map(([, child]) => child)
  }

  /** The modules directly below this one with their names. */
  namedChildren(): [string, Module][] {
    const seen = new Set<Module>()
    return this.ownModules().filter(([, child]) => !seen.has(child) && seen.add(child))
  }

  /** @internal Own submodules by name, also where one stands under several. */
  ownModules(): [string, Module][] {
    return this.#entries().filter((entry): entry is [string, Module] => entry[1] instanceof Module)
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
      for (const [name, child] of module.ownModules()) visit(join(path, name), child)
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
  zeroGrad(...args: Arguments<[setToNone: boolean], { setToNone?: boolean }>): void {
    const { setToNone = true } = readArguments<{ setToNone?: boolean }>('zero_grad', args, ['setToNone'])
    clearGradients(this.parameters(), setToNone)
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
   * Parameters and persistent buffers by name. The tensors share memory with the module: `clone` what must not change. The
   * versions of the modules' states go with them as the dict's `_metadata`, which is not enumerable.
   *
   * @example
   * Object.keys(new nn.Linear(2, 1).stateDict()) // [ 'weight', 'bias' ]
   */
  stateDict(options: StateDictOptions = {}): StateDict {
    const { prefix = '', keepVars = false } = readArguments<StateDictOptions>('state_dict', [options], [], ['prefix', 'keepVars'])
    return this.#writeState(setMetadata(Object.create(null), Object.create(null)), prefix, keepVars)
  }

  #writeState(into: StateDict, prefix: string, keepVars: boolean): StateDict {
    const localMetadata = { version: this.stateVersion }
    const metadata = metadataOf(into)
    if (metadata !== null) metadata[prefix.slice(0, -1)] = localMetadata
    for (const { hook } of [...(this.#hooks?.stateDictPre ?? [])]) hook(this, prefix, keepVars)
    for (const [name, tensor] of this.ownState()) into[prefix + name] = keepVars ? tensor : detach(tensor)
    let state = into
    for (const [name, child] of this.ownModules()) state = child.#writeState(state, `${prefix}${name}.`, keepVars)
    for (const { hook } of [...(this.#hooks?.stateDictPost ?? [])]) state = hook(this, state, prefix, localMetadata) ?? state
    return state
  }

  /** The version of what this class keeps in state dicts, PyTorch's `_version`. A subclass that changes it defines `upgradeState`. */
  get stateVersion(): number {
    return 1
  }

  /**
   * Brings this module's part of a state dict, a copy whose keys begin with the prefix, to the present version of its class.
   * Called before it is loaded; `version` is null where the dict does not say, and problems are added to `errorMsgs`.
   */
  upgradeState(_state: StateDict, _prefix: string, _version: number | null, _errorMsgs: string[]): void {}

  /** @internal Own parameters and persistent buffers, in the order of the state dict. */
  ownState(): [string, Tensor][] {
    const state: [string, Tensor][] = [...this.ownParameters()]
    for (const [name, buffer, persistent] of this.ownBuffers()) if (persistent) state.push([name, buffer])
    return state
  }

  /**
   * Copies a state dict's tensors into this module, casting them to the dtypes here. All problems are reported at once,
   * and nothing is written where there is one. With `strict: false` missing and unexpected keys are only returned; with
   * `assign: true` the tensors themselves take the place of those here.
   *
   * @throws Error `Error(s) in loading state_dict for Net: …`
   * @example
   * const [a, b] = [new nn.Linear(2, 1), new nn.Linear(2, 1)]
   * b.loadStateDict(a.stateDict()) // { missingKeys: [], unexpectedKeys: [] }
   */
  loadStateDict(
    stateDict: Readonly<StateDict>,
    ...args: Arguments<[strict: boolean, assign: boolean], LoadStateDictOptions>
  ): LoadResult {
    return loadInto(this, stateDict, readArguments<LoadStateDictOptions>('load_state_dict', args, ['strict', 'assign']))
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
    // The subclass's constructor is not run: it may have side effects, such as drawing random numbers.
    const copy = Object.setPrototypeOf(new Module(), Object.getPrototypeOf(this)) as this
    memo.set(this, copy)
    for (const [name, persistent] of this.#buffers) copy.#buffers.set(name, persistent)
    copy.#hooks = this.#hooks?.copy() ?? null
    for (const [name, value] of this.#entries()) copy.#set(name, copyOfValue(value, memo))
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
    const children = this.ownModules().map(([name, child]) => `(${name}): ${child.toString().replaceAll('\n', '\n  ')}`)
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
