/** Loading a state dict: everything is checked before anything is written. */

import { noGrad } from '../autograd/mode.js'
import { sameShape, showShape } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { copy_ } from '../ops/cast.js'
import { select } from '../ops/view.js'
import { UninitializedParameter } from './lazy.js'
import type { Module } from './module.js'

/** Tensors by dotted name, in PyTorch's order: what checkpoints hold. */
export type StateDict = Record<string, Tensor>

export interface LoadStateDictOptions {
  /** Whether a missing or unexpected key is an error. */
  strict?: boolean
}

export interface LoadResult {
  /** What the module has and the state dict lacks. */
  readonly missingKeys: string[]
  /** What the state dict has and the module lacks. */
  readonly unexpectedKeys: string[]
}

/** What `Module.loadStateDict` does. */
export function loadInto(module: Module, stateDict: Readonly<StateDict>, options: LoadStateDictOptions): LoadResult {
  const { strict = true } = options
  if (typeof stateDict !== 'object' || stateDict === null || stateDict instanceof Tensor)
    throw new TypeError(`Expected state_dict to be dict-like, got ${stateDict === null ? 'null' : typeof stateDict}.`)
  const missingKeys: string[] = []
  const mismatches: string[] = []
  const copies: [target: Tensor, source: Tensor][] = []
  const known = new Set<string>()
  module.forEachState('', (key, target) => {
    known.add(key)
    if (!Object.hasOwn(stateDict, key)) {
      missingKeys.push(key)
      return
    }
    const given: unknown = stateDict[key]
    if (!(given instanceof Tensor)) {
      mismatches.push(
        `While copying the parameter named "${key}", expected torch.Tensor or Tensor-like object from checkpoint but received ${given === null ? 'null' : typeof given}`,
      )
      return
    }
    // Checkpoints from before PyTorch 0.4 hold 0-d tensors as one element.
    const source = target.ndim === 0 && given.ndim === 1 && given.length > 0 ? select(given, 0, 0) : given
    if (target instanceof UninitializedParameter || sameShape(source.layout.shape, target.layout.shape))
      copies.push([target, source])
    else
      mismatches.push(
        `size mismatch for ${key}: copying a param with shape ${size(source)} from checkpoint, the shape in current model is ${size(target)}.`,
      )
  })
  const unexpectedKeys = Object.keys(stateDict).filter((key) => !known.has(key))
  const problems: string[] = []
  if (strict && missingKeys.length > 0) problems.push(`Missing key(s) in state_dict: ${quoted(missingKeys)}. `)
  if (strict && unexpectedKeys.length > 0) problems.push(`Unexpected key(s) in state_dict: ${quoted(unexpectedKeys)}. `)
  problems.push(...mismatches)
  if (problems.length > 0) throw new Error(`Error(s) in loading state_dict for ${module.getName()}:\n\t${problems.join('\n\t')}`)
  noGrad(() => {
    for (const [target, source] of copies) {
      if (target instanceof UninitializedParameter) target.materialize(source.layout.shape)
      copy_(target, source)
    }
  })
  return { missingKeys, unexpectedKeys }
}

const size = (t: Tensor): string => `torch.Size(${showShape(t.layout.shape)})`
const quoted = (keys: readonly string[]): string => keys.map((key) => `"${key}"`).join(', ')
