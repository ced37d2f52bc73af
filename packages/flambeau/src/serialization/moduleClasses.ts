/** Whole modules in checkpoints: what was pickled of them becomes modules of flambeau's, or of the caller's classes. */

import { Tensor } from '../core/tensor.js'
import { defineOn, Module } from '../nn/module.js'
import { Parameter } from '../nn/parameter.js'
import { FormatError, shown } from './source.js'
import { activations, formerDefaults, type ModuleSpec, type Settings, torchModules } from './torchModules.js'
import { converter, Global, PyDict, PyObject, PyTuple } from './unpickle.js'

/**
 * How a module of a class of yours is made: a class whose constructor needs no arguments, or a function of the attributes that
 * Python's instance had, under their Python names. Its parameters, buffers and children are then replaced by those of the file.
 */
export type ModuleClass = (new () => Module) | ((attributes: Record<string, unknown>) => Module)
/** Classes by their full Python names, such as `my_package.Net`; `__main__.Net` for those of a script. */
export type ModuleClasses = Readonly<Record<string, ModuleClass>>
/** The way to rebuild instances of a class, or undefined where it may not be. */
export type ClassFinder = (fullName: string) => ((state: unknown) => unknown) | undefined

/** Finds the caller's classes, and then PyTorch's. */
export function classFinder(classes: ModuleClasses = {}): ClassFinder {
  const convert = converter()
  // A dict that many modules shared would take up much more memory here than in the file.
  const used = new Set<PyDict>()
  const once = (dict: unknown, what: string): PyDict => {
    if (!(dict instanceof PyDict)) throw new FormatError(`its ${what} is no dict`)
    if (dict.entries.size > 0 && used.has(dict)) throw new FormatError(`its ${what} is another module's too`)
    used.add(dict)
    return dict
  }
  return (name) => {
    if (Object.hasOwn(classes, name)) return (state) => rebuildOwn(readParts(name, state, once), classes[name], convert)
    const torchName = /^torch\.nn\.modules\.\w+\.(\w+)$/.exec(name)?.[1]
    if (torchName === undefined || !Object.hasOwn(torchModules, torchName)) return undefined
    return (state) => rebuildTorch(readParts(`torch.nn.${torchName}`, state, once), torchModules[torchName])
  }
}

/** A pickled module, taken apart. */
interface Parts {
  /** What errors call its class. */
  readonly name: string
  readonly training: boolean
  readonly parameters: ReadonlyMap<string, Parameter | null>
  readonly buffers: ReadonlyMap<string, Tensor | null>
  /** Buffers that are not in the state dict. */
  readonly transient: ReadonlySet<unknown>
  readonly children: ReadonlyMap<string, Module | null>
  /** All else, by Python's names. */
  readonly attributes: ReadonlyMap<string, unknown>
}

const HOOKS =
  /^_(forward|forward_pre|backward|backward_pre|state_dict|state_dict_pre|load_state_dict_pre|load_state_dict_post)_hooks/

function readParts(name: string, state: unknown, once: (dict: unknown, what: string) => PyDict): Parts {
  const dict = once(state, `${name}'s __dict__`)
  const attributes = new Map<string, unknown>()
  for (const [key, value] of dict.entries) {
    if (typeof key !== 'string') throw new FormatError(`its ${name} has an attribute whose name is no text`)
    attributes.set(key, value)
  }
  const take = (key: string, otherwise?: unknown): unknown => {
    const value = attributes.get(key) ?? otherwise
    attributes.delete(key)
    return value
  }
  /** A dict of values that are all of one kind or None. */
  const members = <T>(key: string, kind: string, is: (value: unknown) => value is T): Map<string, T | null> => {
    const found = new Map<string, T | null>()
    for (const [member, value] of once(take(key), `${name}'s ${key}`).entries) {
      const made = value instanceof PyObject && value.isBuilt ? value.value : value
      if (typeof member !== 'string' || (made !== null && !is(made)))
        throw new FormatError(`its ${name} has something else as its ${kind} ${shown(member)}`)
      found.set(member, made)
    }
    return found
  }
  for (const key of [...attributes.keys()]) {
    if (!HOOKS.test(key)) continue
    const hooks = take(key)
    if (!(hooks instanceof PyDict) || hooks.entries.size > 0) throw new FormatError(`its ${name} has hooks, which are code`)
  }
  take('_is_full_backward_hook')
  const training = take('training')
  if (typeof training !== 'boolean') throw new FormatError(`its ${name} is neither in training nor in evaluation mode`)
  const transient = take('_non_persistent_buffers_set', new Set())
  if (!(transient instanceof Set)) throw new FormatError(`its ${name}'s _non_persistent_buffers_set is no set`)
  return {
    name,
    training,
    parameters: members('_parameters', 'parameter', (value) => value instanceof Parameter),
    buffers: members('_buffers', 'buffer', (value) => value instanceof Tensor),
    transient,
    children: members('_modules', 'child', (value) => value instanceof Module),
    attributes,
  }
}

const camelCase = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** As Python does, without running a constructor: it would draw random weights, of any size that a file likes to state. */
function rebuildTorch(parts: Parts, spec: ModuleSpec): Module {
  const { name, attributes } = parts
  const module: Module = Object.setPrototypeOf(new Module(), spec.of.prototype)
  const settings: Record<string, unknown> = {}
  for (const key of [...spec.settings, ...spec.ignored]) {
    if (attributes.has(key)) settings[key] = spec.ignored.includes(key) ? shallow(attributes.get(key)) : setting(parts, key)
    else if (!spec.settings.includes(key) || parts.children.has(key)) continue
    else if (Object.hasOwn(formerDefaults, key)) settings[key] = formerDefaults[key]
    else throw new FormatError(`its ${name} lacks the attribute ${key}`)
  }
  for (const [key, value] of attributes) {
    // A parameter that there is not is an attribute that is None.
    if (Object.hasOwn(settings, key) || (value === null && isExpected(spec, key))) continue
    throw new FormatError(`its ${name} has the attribute ${key}, which flambeau's has not`)
  }
  if (settings.sparse === true) throw new FormatError(`its ${name} has sparse gradients, which are not implemented`)
  module.training = parts.training
  for (const key of spec.settings) if (Object.hasOwn(settings, key)) defineOn(module, camelCase(key), settings[key])
  for (const [key, value] of Object.entries(spec.derived?.(settings, parts.children) ?? {})) defineOn(module, key, value)
  const parameters = typeof spec.parameters === 'function' ? spec.parameters(settings) : spec.parameters
  requireNames(parts, 'parameter', parts.parameters, parameters, spec.optional)
  requireNames(parts, 'buffer', parts.buffers, spec.buffers, spec.optional)
  requireNames(parts, 'child', parts.children, spec.children, spec.optional)
  place(parts, module)
  for (const key of spec.optional) if (!Object.hasOwn(module, key)) defineOn(module, key, null)
  return module
}

const isExpected = ({ parameters, buffers, children }: ModuleSpec, name: string): boolean =>
  [parameters, buffers, children].some((names) => Array.isArray(names) && names.includes(name))

/** A value that is no container of unknown size. */
const shallow = (value: unknown): unknown => {
  const items = value instanceof PyTuple ? value.items : Array.isArray(value) ? value : null
  return items === null ? value : items.slice(0, MAX_ITEMS)
}

const MAX_ITEMS = 64
const isSetting = (value: unknown): boolean =>
  value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string'

/** An attribute that is a number, a word, a truth, None, a few of them, or a known function. */
function setting({ name, attributes }: Parts, key: string): unknown {
  const value = attributes.get(key)
  if (isSetting(value)) return value
  if (value instanceof Global && Object.hasOwn(activations, value.name)) return activations[value.name]
  const items = value instanceof PyTuple ? value.items : Array.isArray(value) ? value : null
  if (items === null || items.length > MAX_ITEMS || !items.every(isSetting))
    throw new FormatError(`its ${name} has an attribute ${key} of an unexpected kind`)
  return [...items]
}

function requireNames(
  { name }: Parts,
  kind: string,
  given: ReadonlyMap<string, unknown>,
  expected: Iterable<string> | undefined,
  optional: readonly string[],
): void {
  if (expected === undefined) return
  const known = new Set<string>()
  for (const key of expected) {
    if (!given.has(key) && !optional.includes(key)) throw new FormatError(`its ${name} lacks the ${kind} ${key}`)
    known.add(key)
  }
  for (const key of given.keys())
    if (!known.has(key)) throw new FormatError(`its ${name} has the ${kind} ${key}, which flambeau's has not`)
}

/** Gives a module its parameters, buffers and children. */
function place({ name, parameters, buffers, transient, children }: Parts, module: Module): void {
  try {
    for (const [key, value] of parameters) module.registerParameter(key, value)
    for (const [key, value] of buffers) module.registerBuffer(key, value, { persistent: !transient.has(key) })
    for (const [key, value] of children) module.registerModule(key, value)
  } catch (error) {
    throw new FormatError(`its ${name} cannot be rebuilt (${error instanceof Error ? error.message : error})`, { cause: error })
  }
}

/** A module of a class of the caller's. */
function rebuildOwn(parts: Parts, made: ModuleClass, convert: (value: unknown) => unknown): Module {
  const { name, parameters, buffers, children } = parts
  const module =
    made.prototype instanceof Module ? new (made as new () => Module)() : (made as Maker)(attributesOf(parts, convert))
  if (!(module instanceof Module)) throw new TypeError(`what classes has for ${name} gives no module`)
  const check = (kind: string, given: ReadonlyMap<string, unknown>, own: readonly string[]): void => {
    for (const key of given.keys())
      if (!Object.hasOwn(module, key)) throw new FormatError(`its ${name} has the ${kind} ${key}, which the given class has not`)
    for (const key of own)
      if (!given.has(key)) throw new FormatError(`its ${name} lacks the ${kind} ${key}, which the given class has`)
  }
  check(
    'parameter',
    parameters,
    Array.from(module.ownParameters(), ([key]) => key),
  )
  check(
    'buffer',
    buffers,
    Array.from(module.ownBuffers(), ([key]) => key),
  )
  check(
    'child',
    children,
    module.ownModules().map(([key]) => key),
  )
  module.training = parts.training
  place(parts, module)
  return module
}
type Maker = (attributes: Record<string, unknown>) => unknown

/** What an instance has, as Python shows it: settings, parameters, buffers and children alike. */
function attributesOf(parts: Parts, convert: (value: unknown) => unknown): Settings & Record<string, unknown> {
  const all: Record<string, unknown> = Object.create(null)
  for (const [key, value] of parts.attributes) all[key] = convert(value)
  for (const members of [parts.parameters, parts.buffers, parts.children]) for (const [key, value] of members) all[key] = value
  return Object.assign(all, { training: parts.training })
}
