/** Schedules made of others. */

import type { Arguments } from '../../core/arguments.js'
import type { Optimizer } from '../optimizer.js'
import { type LRScheduler, loadState, readScheduler, requireOptimizer, stateOf } from './scheduler.js'

/** What the two combinations have in common: the state of their parts. */
abstract class Combined {
  declare readonly optimizer: Optimizer<{ lr?: number }>
  declare protected readonly schedulers: readonly LRScheduler[]
  protected lastLr: number[]

  constructor(optimizer: Optimizer<{ lr?: number }>, schedulers: readonly LRScheduler[]) {
    Object.defineProperty(this, 'optimizer', { value: optimizer })
    Object.defineProperty(this, 'schedulers', { value: schedulers })
    this.lastLr = optimizer.paramGroups.map((group) => group.lr)
  }

  /** The rates that were set last. */
  getLastLr(): number[] {
    return this.lastLr
  }

  abstract step(): void

  /** What is needed to go on later, with the states of all schedulers, under PyTorch's names. */
  stateDict(): Record<string, unknown> {
    return Object.assign(stateOf(this), { _schedulers: this.schedulers.map((scheduler) => scheduler.stateDict()) })
  }

  /** Goes on from what `stateDict` gave, or PyTorch saved. */
  loadStateDict(stateDict: Readonly<Record<string, unknown>>): void {
    loadState(this, stateDict)
    const states = stateDict._schedulers as Record<string, unknown>[]
    this.schedulers.forEach((scheduler, i) => {
      scheduler.loadStateDict(states[i])
    })
  }
}

/**
 * One schedule after the other, as `torch.optim.lr_scheduler.SequentialLR`: at each milestone the next one begins.
 *
 * @example
 * const optimizer = new optim.SGD([torch.zeros(1, { requiresGrad: true })], { lr: 1 })
 * const warmup = new optim.lrScheduler.LinearLR(optimizer, { startFactor: 0.5, totalIters: 2 })
 * const decay = new optim.lrScheduler.ExponentialLR(optimizer, 0.5)
 * const scheduler = new optim.lrScheduler.SequentialLR(optimizer, [warmup, decay], [2])
 * const rates = []
 * for (let i = 0; i < 4; i++) {
 *   rates.push(...scheduler.getLastLr())
 *   scheduler.step()
 * }
 * rates // [ 0.5, 0.75, 1, 0.5 ]
 */
export class SequentialLR extends Combined {
  lastEpoch: number
  protected readonly _milestones: readonly number[]

  constructor(
    optimizer: Optimizer<{ lr?: number }>,
    schedulers: readonly LRScheduler[],
    milestones: readonly number[],
    ...args: Arguments<[lastEpoch: number], { lastEpoch?: number }>
  ) {
    const { lastEpoch = -1 } = readScheduler<{ lastEpoch?: number }>('SequentialLR', args, ['lastEpoch'])
    requireOptimizer(optimizer)
    schedulers.forEach((scheduler, i) => {
      if (scheduler.optimizer !== optimizer)
        throw new Error(
          `Sequential Schedulers expects all schedulers to belong to the same optimizer, but got schedulers at index ${i} to be different than the optimizer passed in.`,
        )
    })
    if (milestones.length !== schedulers.length - 1)
      throw new Error(
        `Sequential Schedulers expects number of schedulers provided to be one more than the number of milestone points, but got number of schedulers ${schedulers.length} and the number of milestones to be equal to ${milestones.length}`,
      )
    super(optimizer, schedulers)
    this._milestones = [...milestones]
    this.lastEpoch = lastEpoch + 1
    for (const group of optimizer.paramGroups as { lr: number; initialLr?: number }[]) group.lr = group.initialLr!
    // Each scheduler has made its first step already; only the first one's counts.
    for (const scheduler of schedulers) scheduler.lastEpoch--
    schedulers[0].start()
    this.lastLr = schedulers[0].getLastLr()
  }

  /** Counts a step and sets the rates. */
  override step(): void {
    this.lastEpoch++
    const passed = this._milestones.filter((at) => at <= this.lastEpoch).length
    const scheduler = this.schedulers[passed]
    if (passed > 0 && this._milestones[passed - 1] === this.lastEpoch) scheduler.step(0)
    else scheduler.step()
    this.lastLr = scheduler.getLastLr()
  }
}

/**
 * Several schedules at once, as `torch.optim.lr_scheduler.ChainedScheduler`: each changes what the one before has set.
 *
 * @example
 * const optimizer = new optim.SGD([torch.zeros(1, { requiresGrad: true })], { lr: 1 })
 * const { ConstantLR, ExponentialLR, ChainedScheduler } = optim.lrScheduler
 * const parts = [new ConstantLR(optimizer, 0.5, 2), new ExponentialLR(optimizer, 0.5)]
 * const scheduler = new ChainedScheduler(parts)
 * scheduler.step()
 * scheduler.getLastLr() // [ 0.25 ]
 */
export class ChainedScheduler extends Combined {
  constructor(schedulers: readonly LRScheduler[]) {
    if (schedulers.length === 0) throw new Error('ChainedScheduler expects at least one scheduler to be chained, but got none')
    schedulers.forEach((scheduler, i) => {
      if (scheduler.optimizer !== schedulers[0].optimizer)
        throw new Error(
          `ChainedScheduler expects all schedulers to belong to the same optimizer, but got schedulers at index 0 and ${i} to be different`,
        )
    })
    super(schedulers[0].optimizer, [...schedulers])
  }

  /** Lets every schedule make a step. */
  override step(): void {
    for (const scheduler of this.schedulers) scheduler.step()
    this.lastLr = this.optimizer.paramGroups.map((group) => group.lr)
  }
}
