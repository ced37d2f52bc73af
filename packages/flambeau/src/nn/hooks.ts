/** The hooks of a module: functions that see, and may replace, what flows in and out of it, forward and backward. */

import { Function as AutogradFunction, type FunctionContext } from '../autograd/function.js'
import { isOptions } from '../core/arguments.js'
import { isGradEnabled, type RemovableHandle } from '../core/graph.js'
import { Tensor } from '../core/tensor.js'
import type { Module } from './module.js'
import type { LoadResult, StateDict } from './stateDict.js'

/** Sees a module's arguments before `forward` does; what it returns takes their place. */
export type ForwardPreHook<M extends Module = Module> = (module: M, args: readonly unknown[]) => unknown
/** The same with the trailing options object apart; it returns nothing or `[args, kwargs]`. */
export type ForwardPreHookWithKwargs<M extends Module = Module> = (
  module: M,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
) => unknown
/** Sees what `forward` returned; what it returns, if anything, takes its place. */
export type ForwardHook<M extends Module = Module> = (module: M, args: readonly unknown[], output: unknown) => unknown
/** The same with the trailing options object apart. */
export type ForwardHookWithKwargs<M extends Module = Module> = (
  module: M,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
  output: unknown,
) => unknown

export type ModuleGradients = readonly (Tensor | null)[]
/** What a backward hook may return: gradients that take the place of those it saw. */
export type ReplacedGradients = ModuleGradients | Tensor | null | undefined
/** Sees the gradients of a module's outputs before backward runs through it. */
export type BackwardPreHook<M extends Module = Module> = (module: M, gradOutput: ModuleGradients) => ReplacedGradients
/** Sees the gradients of a module's inputs and outputs after backward has run through it. */
export type BackwardHook<M extends Module = Module> = (
  module: M,
  gradInput: ModuleGradients,
  gradOutput: ModuleGradients,
) => ReplacedGradients

/** Runs before a module writes its part of a state dict. */
export type StateDictPreHook<M extends Module = Module> = (module: M, prefix: string, keepVars: boolean) => void
/** Sees a state dict after a module has written its part; it may change it, or return another. */
export type StateDictPostHook<M extends Module = Module> = (
  module: M,
  stateDict: StateDict,
  prefix: string,
  localMetadata: Record<string, unknown>,
) => StateDict | undefined
/** Sees a state dict before a module reads its part. It may change the dict, which is a copy, and the lists of problems. */
export type LoadStateDictPreHook<M extends Module = Module> = (
  module: M,
  stateDict: StateDict,
  prefix: string,
  problems: {
    localMetadata: Record<string, unknown>
    strict: boolean
    missingKeys: string[]
    unexpectedKeys: string[]
    errorMsgs: string[]
  },
) => void
/** Runs when a module and all below it have been loaded; it may change the lists of keys. */
export type LoadStateDictPostHook<M extends Module = Module> = (module: M, incompatibleKeys: LoadResult) => void

export interface HookOptions {
  /** Run before the hooks that are there. */
  prepend?: boolean
  /** Give the trailing options object of a call apart from the other arguments. */
  withKwargs?: boolean
}
export interface ForwardHookOptions extends HookOptions {
  /** Also run where `forward` throws; its output is then undefined. */
  alwaysCall?: boolean
}

interface Entry<T> extends ForwardHookOptions {
  readonly hook: T
}
// biome-ignore lint/suspicious/noExplicitAny: hooks of all kinds
type AnyHook = (...args: any[]) => any

/** All hooks of one module, made when the first is registered. */
export class ModuleHooks {
  readonly forwardPre: Entry<AnyHook>[] = []
  readonly forward: Entry<AnyHook>[] = []
  readonly backwardPre: Entry<BackwardPreHook>[] = []
  readonly backward: Entry<BackwardHook>[] = []
  readonly stateDictPre: Entry<StateDictPreHook>[] = []
  readonly stateDictPost: Entry<StateDictPostHook>[] = []
  readonly loadPre: Entry<LoadStateDictPreHook>[] = []
  readonly loadPost: Entry<LoadStateDictPostHook>[] = []

  copy(): ModuleHooks {
    const copy = new ModuleHooks()
    for (const [kind, list] of Object.entries(this)) (copy[kind as keyof ModuleHooks] as Entry<unknown>[]).push(...list)
    return copy
  }
}

/** Adds a hook; its handle removes it. */
export function addHook<T>(list: Entry<T>[], hook: T, options: ForwardHookOptions = {}): RemovableHandle {
  const entry: Entry<T> = { ...options, hook }
  if (options.prepend) list.unshift(entry)
  else list.push(entry)
  return {
    remove: () => {
      const place = list.indexOf(entry)
      if (place >= 0) list.splice(place, 1)
    },
  }
}

/** The positional arguments of a call and its trailing options. */
function apart(args: readonly unknown[]): [readonly unknown[], Record<string, unknown>] {
  const last = args.at(-1)
  return isOptions(last) ? [args.slice(0, -1), last] : [args, {}]
}
const together = (args: readonly unknown[], kwargs: Record<string, unknown>): unknown[] =>
  Object.keys(kwargs).length === 0 ? [...args] : [...args, kwargs]
const isGiven = (value: unknown): boolean => value !== undefined && value !== null

/** Calls a module's forward with its hooks around it. */
export function callWithHooks(module: Module, hooks: ModuleHooks, args: unknown[]): unknown {
  const called = new Set<Entry<AnyHook>>()
  let given = args
  try {
    for (const { hook, withKwargs } of [...hooks.forwardPre]) {
      if (withKwargs) {
        const replaced = hook(module, ...apart(given))
        if (!isGiven(replaced)) continue
        if (!Array.isArray(replaced) || replaced.length !== 2)
          throw new Error(`forward pre-hook must have None or a tuple of (new_args, new_kwargs), but got ${String(replaced)}.`)
        given = together(replaced[0], replaced[1])
      } else {
        const replaced = hook(module, given)
        if (isGiven(replaced)) given = Array.isArray(replaced) ? replaced : [replaced]
      }
    }
    const backward = hooks.backward.length + hooks.backwardPre.length > 0 ? new BackwardRun(module, hooks) : null
    if (backward !== null) given = backward.inputs(given)
    let output: unknown = module.forward(...given)
    for (const entry of [...hooks.forward]) {
      called.add(entry)
      const replaced = entry.withKwargs ? entry.hook(module, ...apart(given), output) : entry.hook(module, given, output)
      if (isGiven(replaced)) output = replaced
    }
    return backward === null ? output : backward.outputs(output)
  } catch (error) {
    for (const entry of [...hooks.forward])
      if (entry.alwaysCall && !called.has(entry)) {
        try {
          if (entry.withKwargs) entry.hook(module, ...apart(given), undefined)
          else entry.hook(module, given, undefined)
        } catch {
          // The error of forward is the one to report.
        }
      }
    throw error
  }
}

/** An identity that stands between a module and its surroundings, so that gradients are seen at exactly these places. */
class BackwardHookFunction extends AutogradFunction {
  static override forward(
    ctx: FunctionContext,
    seen: (gradients: ModuleGradients) => ModuleGradients,
    ...tensors: Tensor[]
  ): Tensor[] {
    ctx.seen = seen
    ctx.setMaterializeGrads(false)
    ctx.markNonDifferentiable(...tensors.filter((t) => !t.requiresGrad))
    return tensors
  }

  static override backward(ctx: FunctionContext, ...gradients: (Tensor | null)[]): (Tensor | null)[] {
    const wanted = gradients.map((g, i) => (ctx.needsInputGrad[i + 1] ? g : null))
    return [null, ...(ctx.seen(wanted) as ModuleGradients)]
  }
}

/** One call of a module with backward hooks: what backward brings to its outputs is kept until it reaches the inputs. */
class BackwardRun {
  readonly #module: Module
  readonly #hooks: ModuleHooks
  #gradOutput: ModuleGradients | null = null
  /** The number of arguments where none requires a gradient: the hooks then run at the outputs. */
  #deadInputs: number | null = null

  constructor(module: Module, hooks: ModuleHooks) {
    this.#module = module
    this.#hooks = hooks
  }

  inputs(args: unknown[]): unknown[] {
    const places = args.flatMap((arg, i) => (arg instanceof Tensor ? [i] : []))
    const tensors = places.map((i) => args[i] as Tensor)
    if (!isGradEnabled() || !tensors.some((t) => t.requiresGrad)) {
      this.#deadInputs = args.length
      return args
    }
    const passed = BackwardHookFunction.apply(
      (gradients) => {
        if (this.#gradOutput === null)
          throw new Error(
            'Module backward hook for grad_input is called before the grad_output one. This happens because the gradient in your ' +
              "nn.Module flows to the Module's input without passing through the Module's output. Make sure that the output depends " +
              'on the input and that the loss is computed based on the output.',
          )
        let gradInput: ModuleGradients = args.map((_, i) => (places.includes(i) ? gradients[places.indexOf(i)] : null))
        for (const { hook } of [...this.#hooks.backward]) {
          const replaced = hook(this.#module, gradInput, this.#gradOutput)
          if (!isGiven(replaced)) continue
          const list = asList(replaced)
          if (list.length !== gradInput.length)
            throw new Error(
              `Backward hook returned an invalid number of grad_input, got ${list.length}, but expected ${gradInput.length}`,
            )
          gradInput = list
        }
        this.#gradOutput = null
        return places.map((i) => gradInput[i])
      },
      ...tensors,
    )
    return args.map((arg, i) => (places.includes(i) ? passed[places.indexOf(i)] : arg))
  }

  outputs(output: unknown): unknown {
    const list: readonly unknown[] = Array.isArray(output) ? output : [output]
    const places = list.flatMap((value, i) => (value instanceof Tensor ? [i] : []))
    if (!Array.isArray(output) && places.length === 0)
      throw new TypeError(
        `For hooks to be called, module output should be a Tensor or a tuple of Tensors but received ${typeof output}`,
      )
    const tensors = places.map((i) => list[i] as Tensor)
    if (!isGradEnabled() || !tensors.some((t) => t.requiresGrad)) return output
    const passed = BackwardHookFunction.apply(
      (gradients) => {
        let gradOutput: ModuleGradients = list.map((_, i) => (places.includes(i) ? gradients[places.indexOf(i)] : null))
        for (const { hook } of [...this.#hooks.backwardPre]) {
          const replaced = hook(this.#module, gradOutput)
          if (!isGiven(replaced)) continue
          const given = asList(replaced)
          if (given.length !== gradOutput.length)
            throw new Error(
              `Backward pre hook returned an invalid number of grad_output, got ${given.length}, but expected ${gradOutput.length}`,
            )
          gradOutput = given
        }
        this.#gradOutput = gradOutput
        if (this.#deadInputs !== null) this.#withoutInputs(gradOutput, this.#deadInputs)
        return places.map((i) => gradOutput[i])
      },
      ...tensors,
    )
    if (!Array.isArray(output)) return passed[0]
    return list.map((value, i) => (places.includes(i) ? passed[places.indexOf(i)] : value))
  }

  #withoutInputs(gradOutput: ModuleGradients, count: number): void {
    const none = new Array<null>(count).fill(null)
    for (const { hook } of [...this.#hooks.backward]) {
      const replaced = hook(this.#module, none, gradOutput)
      if (isGiven(replaced) && asList(replaced).some(isGiven))
        throw new Error(
          'Backward hook for Modules where no input requires gradient should always return None or None for all gradients.',
        )
    }
    this.#gradOutput = null
  }
}

const asList = (replaced: ReplacedGradients): ModuleGradients =>
  replaced instanceof Tensor ? [replaced] : (replaced as ModuleGradients)
