/** Loading a state dict: everything is checked before anything is written. */

import { noGrad } from '../autograd/mode.js'
import { sameShape, showShape } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { copy_ } from '../ops/cast.js'
import { detach, select } from '../ops/view.js'
import { UninitializedBuffer, UninitializedParameter } from './lazy.js'
import { hooksOf, type Module } from './module.js'
import { Parameter } from './parameter.js'

/** Tensors by dotted name, in PyTorch's order: what checkpoints hold. */
export type StateDict = Record<string, Tensor>

/** What a state dict says of the modules it is of, by their paths: at least the versions of their states. */
export type StateMetadata = Record<string, Record<string, unknown>>

/** A state dict's `_metadata`: beside the tensors, not among them. Null where there is none. */
export function metadataOf(state: object): StateMetadata | null {
  const property = Object.getOwnPropertyDescriptor(state, '_metadata')
  const isThere = property !== undefined && !property.enumerable && typeof property.value === 'object'
  return isThere && !(property.value instanceof Map) ? (property.value as StateMetadata | null) : null
}

/** Puts metadata beside the tensors of a state dict. */
export const setMetadata = <T extends object>(state: T, metadata: unknown): T =>
  Object.defineProperty(state, '_metadata', { value: metadata, writable: true, configurable: true })

export interface LoadStateDictOptions {
  /** Whether a missing or unexpected key is an error. */
  strict?: boolean
  /** Put the state dict's tensors in the place of the module's, instead of copying them. */
  assign?: boolean
}

export interface LoadResult {
  /** What the module has and the state dict lacks. */
  readonly missingKeys: string[]
  /** What the state dict has and the module lacks. */
  readonly unexpectedKeys: string[]
}

/** What `Module.loadStateDict` does. */
export function loadInto(module: Module, stateDict: Readonly<StateDict>, options: LoadStateDictOptions): LoadResult {
  const { strict = true, assign = false } = options
  if (typeof stateDict !== 'object' || stateDict === null || stateDict instanceof Tensor)
    throw new TypeError(`Expected state_dict to be dict-like, got ${stateDict === null ? 'null' : typeof stateDict}.`)
  const state: StateDict = Object.assign(Object.create(null), stateDict)
  const metadata = metadataOf(stateDict)
  if (metadata !== null) setMetadata(state, metadata)
  const result: LoadResult = { missingKeys: [], unexpectedKeys: [] }
  const { missingKeys, unexpectedKeys } = result
  const errorMsgs: string[] = []
  const writes: (() => void)[] = []
  const known = new Set<string>()
  /** Modules in the order in which they have been loaded. */
  const loaded: Module[] = []

  const read = (owner: Module, prefix: string): void => {
    const localMetadata = metadata?.[prefix.slice(0, -1)] ?? {}
    const { version } = localMetadata
    owner.upgradeState(state, prefix, typeof version === 'number' ? version : null, errorMsgs)
    for (const { hook } of [...(hooksOf(owner)?.loadPre ?? [])])
      hook(owner, state, prefix, { localMetadata, strict, missingKeys, unexpectedKeys, errorMsgs })
    for (const [name, target] of owner.ownState()) {
      const key = prefix + name
      known.add(key)
      if (!Object.hasOwn(state, key)) missingKeys.push(key)
      else readEntry(owner, name, key, target)
    }
    for (const [name, child] of owner.ownModules()) read(child, `${prefix}${name}.`)
    loaded.push(owner)
  }

  const readEntry = (owner: Module, name: string, key: string, target: Tensor): void => {
    const given: unknown = state[key]
    if (!(given instanceof Tensor)) {
      errorMsgs.push(
        `While copying the parameter named "${key}", expected torch.Tensor or Tensor-like object from checkpoint but received ${given === null ? 'null' : typeof given}`,
      )
      return
    }
    // Checkpoints from before PyTorch 0.4 hold 0-d tensors as one element.
    const source = target.ndim === 0 && given.ndim === 1 && given.length > 0 ? select(given, 0, 0) : given
    const lazy = isUninitialized(target)
    if (lazy && isUninitialized(source)) return
    if (!lazy && !sameShape(source.layout.shape, target.layout.shape))
      errorMsgs.push(
        `size mismatch for ${key}: copying a param with shape ${size(source)} from checkpoint, the shape in current model is ${size(target)}.`,
      )
    else if (!assign)
      writes.push(() => {
        if (lazy) target.materialize(source.layout.shape)
        copy_(target, source)
      })
    else
      writes.push(() => {
        const { requiresGrad } = target
        const value = target instanceof Parameter ? new Parameter(detach(source), { requiresGrad }) : detach(source)
        Reflect.set(owner, name, value)
      })
  }

  read(module, '')
  unexpectedKeys.push(...Object.keys(state).filter((key) => !known.has(key)))
  const report = (): void => {
    const problems = [...errorMsgs]
    if (strict && unexpectedKeys.length > 0) problems.unshift(`Unexpected key(s) in state_dict: ${quoted(unexpectedKeys)}. `)
    if (strict && missingKeys.length > 0) problems.unshift(`Missing key(s) in state_dict: ${quoted(missingKeys)}. `)
    if (problems.length > 0)
      throw new Error(`Error(s) in loading state_dict for ${module.getName()}:\n\t${problems.join('\n\t')}`)
  }
  const hooked = loaded.filter((owner) => (hooksOf(owner)?.loadPost.length ?? 0) > 0)
  // A hook that runs after loading may forgive what is missing: only then is the error left until later.
  if (hooked.length === 0 || errorMsgs.length > 0) report()
  noGrad(() => {
    for (const write of writes) write()
  })
  for (const owner of hooked) for (const { hook } of [...hooksOf(owner)!.loadPost]) hook(owner, result)
  report()
  return result
}

const isUninitialized = (t: Tensor): t is UninitializedParameter | UninitializedBuffer =>
  t instanceof UninitializedParameter || t instanceof UninitializedBuffer
const size = (t: Tensor): string => `torch.Size(${showShape(t.layout.shape)})`
const quoted = (keys: readonly string[]): string => keys.map((key) => `"${key}"`).join(', ')
