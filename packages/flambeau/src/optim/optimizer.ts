/** The base of all optimizers: parameter groups, state, and their form on disk. */

import { enableGrad, noGrad } from '../autograd/mode.js'
import { readArguments } from '../core/arguments.js'
import { isFloatingPoint } from '../core/dtype.js'
import { Tensor } from '../core/tensor.js'
import { clearGradients } from '../nn/module.js'
import { clone, to } from '../ops/cast.js'
import { tensor } from '../ops/creation.js'
import { inspectSymbol } from '../show.js'

/** Parameters with settings of their own; settings that are not given are the optimizer's defaults. */
export type ParamGroup<O> = { params: Tensor[] } & O
/** What an optimizer is constructed with: tensors, or groups of them with settings. */
export type Params<O> = Iterable<Tensor> | Iterable<{ params: Iterable<Tensor> | Tensor } & Partial<O>>

/** What an optimizer keeps of one parameter, under PyTorch's names. */
export type ParameterState = Record<string, StateValue>
export type StateValue = Tensor | number | null | undefined | StateValue[]

/** As PyTorch saves it: parameters are numbered through all groups, and names are PyTorch's. */
export interface OptimizerState {
  state: Map<number, Record<string, unknown>> | Record<number, Record<string, unknown>>
  param_groups: (Record<string, unknown> & { params: number[] })[]
}

/**
 * Changes parameters by their gradients, as `torch.optim.Optimizer`.
 *
 * @example
 * const optimizer = new optim.SGD([torch.zeros(1, { requiresGrad: true })], { lr: 0.5 })
 * optimizer instanceof optim.Optimizer // true
 */
export abstract class Optimizer<O extends object, S extends ParameterState = ParameterState> {
  /** Settings of groups that have none of their own. */
  readonly defaults: Readonly<Required<O>>
  /** The groups of parameters with their settings, which may be changed at any time. */
  readonly paramGroups: ParamGroup<Required<O>>[] = []
  /** What is kept of each parameter between steps. */
  readonly state = new Map<Tensor, S>()
  /** The state that is a number here. */
  protected readonly numbers: readonly string[] = ['step']
  /** The numbers of the state that PyTorch keeps in 0-d tensors. */
  protected readonly numbersInTensors: readonly string[] = ['step']

  constructor(params: Params<O>, defaults: Required<O>) {
    this.defaults = defaults
    if (params instanceof Tensor)
      throw new TypeError(
        'params argument given to the optimizer should be an iterable of Tensors or dicts, but got torch.Tensor',
      )
    const list = [...(params as Iterable<Tensor | ({ params: Iterable<Tensor> | Tensor } & Partial<O>)>)]
    if (list.length === 0) throw new Error('optimizer got an empty parameter list')
    if (isGroup(list[0])) for (const group of list) this.addParamGroup(group as { params: Tensor } & Partial<O>)
    else this.addParamGroup({ params: list as Tensor[] } as { params: Tensor[] } & Partial<O>)
  }

  /** Checks a group's settings. @throws Error in PyTorch's words. */
  protected check(_group: Required<O>): void {}

  /**
   * Changes one parameter that has a gradient; recording is off. The gradient's memory may be reused once the step is over: what
   * is to be kept of it must be copied.
   */
  protected abstract update(parameter: Tensor, gradient: Tensor, group: Required<O>): void

  /**
   * Adds parameters with settings of their own, for layers that are unfrozen later.
   *
   * @example
   * const [a, b] = [new nn.Linear(2, 2), new nn.Linear(2, 2)]
   * const optimizer = new optim.SGD(a.parameters(), { lr: 0.1 })
   * optimizer.addParamGroup({ params: b.parameters(), lr: 0.01 })
   * optimizer.paramGroups.map((group) => group.lr) // [ 0.1, 0.01 ]
   */
  addParamGroup(group: { params: Iterable<Tensor> | Tensor } & Partial<O>): void {
    if (!isGroup(group)) throw new TypeError('param group must be a dict')
    const params = group.params instanceof Tensor ? [group.params] : [...group.params]
    for (const param of params) {
      if (!(param instanceof Tensor))
        throw new TypeError(`optimizer can only optimize Tensors, but one of the params is ${typeof param}`)
      if (!param.isLeaf && !param.meta?.retainsGrad) throw new Error("can't optimize a non-leaf Tensor")
    }
    if (new Set(params).size < params.length) throw new Error('optimizer contains a parameter group with duplicate parameters')
    const known = new Set(this.paramGroups.flatMap((g) => g.params))
    if (params.some((param) => known.has(param))) throw new Error('some parameters appear in more than one parameter group')
    const given = Object.fromEntries(Object.entries(group).filter(([, value]) => value !== undefined))
    const complete = { ...this.defaults, ...given, params } as ParamGroup<Required<O>>
    this.check(complete)
    this.paramGroups.push(complete)
  }

  /** Forgets the gradients of all parameters, or fills them with zeros. */
  zeroGrad(options: { setToNone?: boolean } = {}): void {
    for (const { params } of this.paramGroups) clearGradients(params, options.setToNone ?? true)
  }

  /** One step: every parameter that has a gradient changes. A closure computes the loss anew first; its value is returned. */
  step(): undefined
  step<T>(closure: () => T): T
  step<T>(closure?: () => T): T | undefined {
    const loss = closure && enableGrad(closure)
    noGrad(() => {
      for (const group of this.paramGroups)
        for (const param of group.params) if (param.gradient !== null) this.update(param, param.gradient, group)
    })
    return loss
  }

  /**
   * State and settings as PyTorch saves them: tensors are shared, not copied.
   *
   * @example
   * const optimizer = new optim.SGD([torch.zeros(1, { requiresGrad: true })], { lr: 0.5, weightDecay: 0.25 })
   * const { param_groups } = optimizer.stateDict()
   * param_groups[0].weight_decay // 0.25
   */
  stateDict(): OptimizerState & { state: Map<number, Record<string, unknown>> } {
    const index = new Map(this.paramGroups.flatMap((group) => group.params).map((param, i) => [param, i]))
    const state = new Map<number, Record<string, unknown>>()
    for (const [param, kept] of this.state)
      state.set(
        index.get(param)!,
        dict(
          Object.entries(kept).map(([key, value]) => [
            key,
            this.numbersInTensors.includes(key) ? tensor(value as number) : value,
          ]),
        ),
      )
    const groups = this.paramGroups.map(({ params, ...settings }) => ({
      ...dict(Object.entries(settings).map(([key, value]) => [snakeCase(key), value])),
      params: params.map((param) => index.get(param)!),
    }))
    return { state: new Map([...state].sort(([a], [b]) => a - b)), param_groups: groups }
  }

  /** Takes over state and settings that `stateDict` gave, or PyTorch saved; tensors are copied and cast. */
  loadStateDict(stateDict: OptimizerState): void {
    const saved = stateDict.param_groups
    if (saved.length !== this.paramGroups.length) throw new Error('loaded state dict has a different number of parameter groups')
    if (saved.some((group, i) => group.params.length !== this.paramGroups[i].params.length))
      throw new Error("loaded state dict contains a parameter group that doesn't match the size of optimizer's group")
    const byIndex = new Map(saved.flatMap((group, i) => group.params.map((index, k) => [index, this.paramGroups[i].params[k]])))
    const entries: Iterable<[number, Record<string, unknown>]> =
      stateDict.state instanceof Map
        ? stateDict.state
        : Object.entries(stateDict.state).map(([index, kept]) => [Number(index), kept])
    const loaded = [...entries].flatMap(([index, kept]): [Tensor, S][] => {
      const param = byIndex.get(index)
      if (param === undefined) return []
      return [[param, dict(Object.entries(kept).map(([key, value]) => [key, this.#adopt(key, value, param)])) as S]]
    })
    this.state.clear()
    for (const [param, kept] of loaded) this.state.set(param, kept)
    saved.forEach(({ params: _, ...settings }, i) => {
      Object.assign(this.paramGroups[i], Object.fromEntries(Object.entries(settings).map(([key, v]) => [camelCase(key), v])))
    })
  }

  /** A loaded value as this optimizer keeps it: a copy, of the parameter's dtype; 0-d tensors of numbers are numbers. */
  #adopt(key: string, value: unknown, param: Tensor): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#adopt(key, item, param))
    if (!(value instanceof Tensor)) return value
    if (this.numbers.includes(key)) return Number(value.item())
    return noGrad(() => (isFloatingPoint(param.dtype) && value.dtype !== param.dtype ? to(value, param.dtype) : clone(value)))
  }

  /** As PyTorch prints it: the settings of every group. */
  toString(): string {
    const groups = this.paramGroups.map(({ params: _, ...settings }, i) => {
      const lines = Object.entries(settings).map(
        ([key, value]) => `    ${snakeCase(key)}: ${Array.isArray(value) ? `(${value.join(', ')})` : value}`,
      )
      return `Parameter Group ${i}\n${lines.sort().join('\n')}`
    })
    return `${this.constructor.name} (\n${groups.join('\n\n')}\n)`
  }
}
Object.defineProperty(Optimizer.prototype, inspectSymbol, {
  value(this: Optimizer<object>) {
    return this.toString()
  },
})

const isGroup = (item: unknown): boolean =>
  typeof item === 'object' && item !== null && !(item instanceof Tensor) && 'params' in item
const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)
const camelCase = (name: string): string => name.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase())
const dict = (entries: readonly (readonly [string, unknown])[]): Record<string, unknown> =>
  Object.assign(Object.create(null), Object.fromEntries(entries))

/** @throws Error where the number is negative or NaN. */
export function requireNonNegative(value: number, what: string): void {
  if (!(value >= 0)) throw new Error(`Invalid ${what}: ${value}`)
}

/** @throws Error where one of the two is outside [0, 1). */
export function requireBetas(betas: readonly [number, number]): void {
  betas.forEach((beta, i) => {
    if (!(beta >= 0 && beta < 1)) throw new Error(`Invalid beta parameter at index ${i}: ${beta}`)
  })
}

/** An optimizer's settings, given by position or by name; the order of its defaults is that of the positions. */
export function settings<O extends object>(name: string, defaults: Required<O>, args: readonly unknown[]): Required<O> {
  const names = Object.keys(defaults) as (keyof O & string)[]
  const given = Object.entries(readArguments<O>(name, args, names)).filter(([, value]) => value !== undefined)
  return { ...defaults, ...Object.fromEntries(given) }
}
