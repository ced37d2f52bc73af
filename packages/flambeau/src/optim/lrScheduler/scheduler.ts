/** The base of learning-rate schedulers: when a rate is set, and the scheduler's form on disk. */

import { type Arguments, readArguments } from '../../core/arguments.js'
import { Optimizer } from '../optimizer.js'

/** What schedulers read and write of a parameter group. */
export interface ScheduledGroup {
  lr: number
  /** The rate before any schedule. */
  initialLr?: number
  momentum?: number
  betas?: readonly [number, number]
}

/** Arguments of which the first must be given, by position or by name, and the others have defaults. */
export type RequiredArguments<R extends unknown[], N, P extends readonly unknown[], O> = [...R, ...Arguments<P, O>] | [N & O]

/** A function of the number of steps for all groups, or one for each. */
export type LRLambda = ((epoch: number) => number) | readonly ((epoch: number) => number)[]

/**
 * Sets the learning rates of an optimizer, as `torch.optim.lr_scheduler.LRScheduler`. A scheduler of one's own extends it and
 * gives `getLr`; what that reads is handed to the constructor as `settings`, because the first rates are set there.
 *
 * @example
 * class HalfEvery extends optim.lrScheduler.LRScheduler {
 *   getLr() {
 *     const halve = this.lastEpoch > 0 && this.lastEpoch % 2 === 0
 *     return this.optimizer.paramGroups.map((group) => (halve ? group.lr / 2 : group.lr))
 *   }
 * }
 * const optimizer = new optim.SGD([torch.zeros(1, { requiresGrad: true })], { lr: 1 })
 * const scheduler = new HalfEvery(optimizer)
 * for (let i = 0; i < 4; i++) scheduler.step()
 * scheduler.getLastLr() // [ 0.25 ]
 */
export abstract class LRScheduler {
  declare readonly optimizer: Optimizer<{ lr?: number }>
  /** The rates before any schedule. */
  baseLrs: number[]
  /** How many steps there were. */
  lastEpoch: number
  protected stepCount = 0
  protected lastLr: number[] = []

  constructor(optimizer: Optimizer<{ lr?: number }>, settings: object = {}, lastEpoch = -1) {
    requireOptimizer(optimizer)
    // Not part of what `stateDict` saves.
    Object.defineProperty(this, 'optimizer', { value: optimizer })
    Object.assign(this, settings)
    for (const [i, group] of this.groups.entries()) {
      if (lastEpoch === -1) group.initialLr ??= group.lr
      else if (group.initialLr === undefined)
        throw new Error(`param 'initial_lr' is not specified in param_groups[${i}] when resuming an optimizer`)
    }
    this.baseLrs = this.groups.map((group) => group.initialLr!)
    this.lastEpoch = lastEpoch
    this.start()
  }

  protected get groups(): ScheduledGroup[] {
    return this.optimizer.paramGroups
  }

  /** The rates of this moment, computed from the present ones where that lets schedulers be chained. */
  abstract getLr(): number[]

  /** The rates after so many steps, where they do not depend on the present ones. */
  protected closedForm?(): number[]

  /** The rates that were set last. */
  getLastLr(): number[] {
    return this.lastLr
  }

  /** Counts a step and sets the rates: once an epoch, or once a batch. With an epoch, goes on from there. */
  step(epoch?: number): void {
    this.stepCount++
    this.lastEpoch = epoch ?? this.lastEpoch + 1
    this.set(epoch !== undefined && this.closedForm !== undefined ? this.closedForm() : this.getLr())
  }

  /** @internal The step that every schedule starts with. */
  start(): void {
    this.stepCount = 0
    this.step()
  }

  protected set(rates: readonly number[]): void {
    this.groups.forEach((group, i) => {
      group.lr = rates[i]
    })
    this.lastLr = this.groups.map((group) => group.lr)
  }

  /**
   * What is needed to go on later, under PyTorch's names; functions are not saved.
   *
   * @example
   * const optimizer = new optim.SGD([torch.zeros(1, { requiresGrad: true })], { lr: 1 })
   * const scheduler = new optim.lrScheduler.ExponentialLR(optimizer, 0.5)
   * scheduler.step()
   * scheduler.stateDict()._last_lr // [ 0.5 ]
   */
  stateDict(): Record<string, unknown> {
    return stateOf(this)
  }

  /** Goes on from what `stateDict` gave, or PyTorch saved. The optimizer's own state is loaded by the optimizer. */
  loadStateDict(stateDict: Readonly<Record<string, unknown>>): void {
    loadState(this, stateDict)
  }
}

export function requireOptimizer(optimizer: unknown): void {
  if (optimizer instanceof Optimizer) return
  const name = typeof optimizer === 'object' && optimizer !== null ? optimizer.constructor?.name : typeof optimizer
  throw new TypeError(`${name} is not an Optimizer`)
}

/** Names that PyTorch begins with an underscore. */
const hidden = ['stepCount', 'lastLr', 'schedulePhases', 'annealFuncType', 'scaleFnCustom']
/** `TMax` is T_max and `T0` is T_0. */
const nameOnDisk = (name: string): string =>
  (hidden.includes(name) ? '_' : '') +
  name.replace(/(?<=[A-Za-z0-9])[A-Z]/g, (c) => `_${c.toLowerCase()}`).replace(/^T(?=[0-9])/, 'T_')

const isLambda = (value: unknown): boolean =>
  typeof value === 'function' || (Array.isArray(value) && value.some((item) => typeof item === 'function'))

/** A scheduler's own properties; null in place of functions, as PyTorch has it. */
export function stateOf(scheduler: object): Record<string, unknown> {
  const entries = Object.entries(scheduler).map(([name, value]) => [
    nameOnDisk(name),
    isLambda(value) ? (Array.isArray(value) ? value.map(() => null) : null) : Array.isArray(value) ? [...value] : value,
  ])
  return Object.assign(Object.create(null), Object.fromEntries(entries))
}

/** Takes over what the scheduler has; what only PyTorch's scheduler has means nothing here. */
export function loadState(scheduler: object, stateDict: Readonly<Record<string, unknown>>): void {
  const own = scheduler as Record<string, unknown>
  for (const name of Object.keys(own)) {
    const value = stateDict[nameOnDisk(name)]
    if (value !== undefined && !isLambda(own[name])) own[name] = Array.isArray(value) ? [...value] : value
  }
}

/** Arguments by position or by name. @throws TypeError in Python's words where a required one is missing. */
export function readScheduler<O extends object>(
  name: string,
  args: readonly unknown[],
  positional: readonly (keyof O & string)[],
  required: readonly (keyof O & string)[] = [],
): O {
  const given = readArguments<O>(name, args, positional)
  const missing = required.filter((key) => given[key] === undefined)
  if (missing.length > 0) {
    const names = missing.map((key) => `'${nameOnDisk(key)}'`).join(' and ')
    throw new TypeError(
      `${name}() missing ${missing.length} required positional argument${missing.length > 1 ? 's' : ''}: ${names}`,
    )
  }
  return given
}

/** One value for each group. */
export function perGroup<T>(value: T | readonly T[], count: number, complaint: (got: number) => string): T[] {
  if (!Array.isArray(value)) return new Array<T>(count).fill(value as T)
  if (value.length !== count) throw new Error(complaint(value.length))
  return [...value]
}
