/** Schedules that go up and down, with the momentum against them. */

import type { Optimizer } from '../optimizer.js'
import {
  LRScheduler,
  perGroup,
  type RequiredArguments,
  readScheduler,
  requireOptimizer,
  type ScheduledGroup,
} from './scheduler.js'

type AnyOptimizer = Optimizer<{ lr?: number }>
type PerGroup = number | readonly number[]

const valuesFor = (optimizer: AnyOptimizer, name: string, value: PerGroup): number[] => {
  const count = optimizer.paramGroups.length
  return perGroup(value, count, (got) => `expected ${count} values for ${name}, got ${got}`)
}
const noMomentum = 'optimizer must support momentum with `cycle_momentum` option enabled'

export interface CyclicLROptions {
  /** The least rate, for all groups or for each. */
  baseLr?: PerGroup
  /** The largest one. */
  maxLr?: PerGroup
  /** The steps of the rising half of a cycle. */
  stepSizeUp?: number
  /** The steps of the falling half; as many as of the rising one unless given. */
  stepSizeDown?: number | null
  mode?: 'triangular' | 'triangular2' | 'exp_range'
  /** The base of `exp_range`. */
  gamma?: number
  /** The height of a cycle, or of a step, instead of a mode. */
  scaleFn?: ((x: number) => number) | null
  /** What `scaleFn` is given: the number of the cycle, from 1, or of the step. */
  scaleMode?: 'cycle' | 'iterations'
  /** Let the momentum go the other way. */
  cycleMomentum?: boolean
  baseMomentum?: PerGroup
  maxMomentum?: PerGroup
  lastEpoch?: number
}

/**
 * Rates that rise and fall between two bounds, as `torch.optim.lr_scheduler.CyclicLR`.
 *
 * @example
 * const optimizer = new optim.SGD([torch.zeros(1, { requiresGrad: true })], { lr: 0.1, momentum: 0.9 })
 * const scheduler = new optim.lrScheduler.CyclicLR(optimizer, 0.5, 1, { stepSizeUp: 2 })
 * scheduler.step()
 * scheduler.getLastLr() // [ 0.75 ]
 */
export class CyclicLR extends LRScheduler {
  declare readonly maxLrs: number[]
  declare readonly totalSize: number
  declare readonly stepRatio: number
  declare readonly mode: string
  declare readonly gamma: number
  declare readonly scaleMode: 'cycle' | 'iterations'
  declare readonly cycleMomentum: boolean
  declare readonly baseMomentums: number[]
  declare readonly maxMomentums: number[]
  declare protected readonly scaleFnCustom: (x: number) => number

  constructor(
    optimizer: AnyOptimizer,
    ...args: RequiredArguments<
      [baseLr: PerGroup, maxLr: PerGroup],
      { baseLr: PerGroup; maxLr: PerGroup },
      [stepSizeUp: number, stepSizeDown: number | null, mode: 'triangular' | 'triangular2' | 'exp_range', gamma: number],
      CyclicLROptions
    >
  ) {
    // biome-ignore format: the order of the arguments
    const given = readScheduler<CyclicLROptions>('CyclicLR', args, [
      'baseLr', 'maxLr', 'stepSizeUp', 'stepSizeDown', 'mode', 'gamma', 'scaleFn', 'scaleMode', 'cycleMomentum',
      'baseMomentum', 'maxMomentum', 'lastEpoch',
    ], ['baseLr', 'maxLr'])
    const { stepSizeUp: up = 2000, mode = 'triangular', gamma = 1, scaleFn, cycleMomentum = true, lastEpoch = -1 } = given
    requireOptimizer(optimizer)
    const groups: ScheduledGroup[] = optimizer.paramGroups
    const baseLrs = valuesFor(optimizer, 'base_lr', given.baseLr!)
    const maxLrs = valuesFor(optimizer, 'max_lr', given.maxLr!)
    const totalSize = up + (given.stepSizeDown ?? up)
    const scales: Partial<Record<string, (x: number) => number>> = {
      triangular: () => 1,
      triangular2: (x) => 1 / 2 ** (x - 1),
      exp_range: (x) => gamma ** x,
    }
    const scale = scaleFn ?? scales[mode]
    if (scale === undefined) throw new Error('mode is invalid and scale_fn is None')
    const scaleMode = scaleFn ? (given.scaleMode ?? 'cycle') : mode === 'exp_range' ? 'iterations' : 'cycle'
    if (cycleMomentum && !('momentum' in optimizer.defaults)) throw new Error(noMomentum)
    const least = cycleMomentum ? valuesFor(optimizer, 'base_momentum', given.baseMomentum ?? 0.8) : []
    const maxMomentums = cycleMomentum ? valuesFor(optimizer, 'max_momentum', given.maxMomentum ?? 0.9) : []
    if (lastEpoch === -1)
      groups.forEach((group, i) => {
        group.lr = baseLrs[i]
        if (cycleMomentum) group.momentum = least[i]
      })
    super(
      optimizer,
      {
        maxLrs,
        totalSize,
        stepRatio: up / totalSize,
        mode,
        gamma,
        scaleMode,
        cycleMomentum,
        ...(cycleMomentum && { baseMomentums: groups.map((group) => group.momentum!), maxMomentums }),
        scaleFnCustom: scale,
      },
      lastEpoch,
    )
    this.baseLrs = baseLrs
  }

  override getLr(): number[] {
    const { lastEpoch, totalSize, stepRatio } = this
    const cycle = Math.floor(1 + lastEpoch / totalSize)
    const x = 1 + lastEpoch / totalSize - cycle
    const height = x <= stepRatio ? x / stepRatio : (x - 1) / (stepRatio - 1)
    const scale = this.scaleFnCustom(this.scaleMode === 'cycle' ? cycle : lastEpoch)
    if (this.cycleMomentum)
      this.groups.forEach((group, i) => {
        const most = this.maxMomentums[i]
        group.momentum = most - (most - this.baseMomentums[i]) * height * scale
      })
    return this.baseLrs.map((rate, i) => rate + (this.maxLrs[i] - rate) * height * scale)
  }
}

interface OneCycleGroup extends ScheduledGroup {
  maxLr?: number
  minLr?: number
  maxMomentum?: number
  baseMomentum?: number
}
interface Phase {
  readonly end_step: number
  readonly start_lr: string
  readonly end_lr: string
  readonly start_momentum: string
  readonly end_momentum: string
}

export interface OneCycleLROptions {
  /** The largest rate, for all groups or for each. */
  maxLr?: PerGroup
  /** The steps of the whole cycle, */
  totalSteps?: number | null
  /** or the number of epochs */
  epochs?: number | null
  /** and of the steps in each. */
  stepsPerEpoch?: number | null
  /** The part of the cycle in which the rate rises. */
  pctStart?: number
  annealStrategy?: 'cos' | 'linear'
  /** Let the momentum, or β₁, go the other way. */
  cycleMomentum?: boolean
  baseMomentum?: PerGroup
  maxMomentum?: PerGroup
  /** The first rate is the largest one divided by this. */
  divFactor?: number
  /** The last rate is the first one divided by this. */
  finalDivFactor?: number
  /** Fall back to the first rate as slowly as it rose, then to the last one. */
  threePhase?: boolean
  lastEpoch?: number
}

/**
 * One cycle up to the largest rate and down to nearly nothing, as `torch.optim.lr_scheduler.OneCycleLR`; a step is a batch.
 *
 * @example
 * const optimizer = new optim.SGD([torch.zeros(1, { requiresGrad: true })], { lr: 0.1, momentum: 0.9 })
 * const scheduler = new optim.lrScheduler.OneCycleLR(optimizer, 1, { totalSteps: 10, pctStart: 0.5 })
 * for (let i = 0; i < 4; i++) scheduler.step()
 * scheduler.getLastLr() // [ 1 ]
 */
export class OneCycleLR extends LRScheduler {
  declare readonly totalSteps: number
  declare readonly schedulePhases: readonly Phase[]
  declare protected readonly annealFuncType: 'cos' | 'linear'
  declare readonly cycleMomentum: boolean
  declare readonly useBeta1: boolean

  constructor(
    optimizer: AnyOptimizer,
    ...args: RequiredArguments<
      [maxLr: PerGroup],
      { maxLr: PerGroup },
      [totalSteps: number | null, epochs: number | null, stepsPerEpoch: number | null, pctStart: number],
      OneCycleLROptions
    >
  ) {
    // biome-ignore format: the order of the arguments
    const given = readScheduler<OneCycleLROptions>('OneCycleLR', args, [
      'maxLr', 'totalSteps', 'epochs', 'stepsPerEpoch', 'pctStart', 'annealStrategy', 'cycleMomentum', 'baseMomentum',
      'maxMomentum', 'divFactor', 'finalDivFactor', 'threePhase', 'lastEpoch',
    ], ['maxLr'])
    const { pctStart = 0.3, annealStrategy = 'cos', cycleMomentum = true, threePhase = false, lastEpoch = -1 } = given
    requireOptimizer(optimizer)
    const totalSteps = stepsOf(given)
    if (!(pctStart >= 0 && pctStart <= 1)) throw new Error(`Expected float between 0 and 1 pct_start, but got ${pctStart}`)
    if (annealStrategy !== 'cos' && annealStrategy !== 'linear')
      throw new Error(`anneal_strategy must by one of 'cos' or 'linear', instead got ${annealStrategy}`)
    const useBeta1 = 'betas' in optimizer.defaults
    if (cycleMomentum && !useBeta1 && !('momentum' in optimizer.defaults)) throw new Error(noMomentum)
    const groups: OneCycleGroup[] = optimizer.paramGroups
    const maxLrs = valuesFor(optimizer, 'max_lr', given.maxLr!)
    const most = valuesFor(optimizer, 'max_momentum', given.maxMomentum ?? 0.95)
    const least = valuesFor(optimizer, 'base_momentum', given.baseMomentum ?? 0.85)
    if (lastEpoch === -1)
      groups.forEach((group, i) => {
        group.initialLr = maxLrs[i] / (given.divFactor ?? 25)
        group.maxLr = maxLrs[i]
        group.minLr = group.initialLr / (given.finalDivFactor ?? 1e4)
        if (!cycleMomentum) return
        setMomentum(group, most[i], useBeta1)
        group.maxMomentum = most[i]
        group.baseMomentum = least[i]
      })
    const phase = (end: number, startLr: string, endLr: string, start: string, stop: string): Phase => ({
      end_step: end,
      start_lr: startLr,
      end_lr: endLr,
      start_momentum: start,
      end_momentum: stop,
    })
    const [high, low] = ['max_momentum', 'base_momentum']
    const rise = phase(pctStart * totalSteps - 1, 'initial_lr', 'max_lr', high, low)
    const schedulePhases = threePhase
      ? [
          rise,
          phase(2 * pctStart * totalSteps - 2, 'max_lr', 'initial_lr', low, high),
          phase(totalSteps - 1, 'initial_lr', 'min_lr', high, high),
        ]
      : [rise, phase(totalSteps - 1, 'max_lr', 'min_lr', low, high)]
    super(
      optimizer,
      { totalSteps, schedulePhases, annealFuncType: annealStrategy, cycleMomentum, ...(cycleMomentum && { useBeta1 }) },
      lastEpoch,
    )
  }

  override getLr(): number[] {
    const { lastEpoch, totalSteps, schedulePhases: phases } = this
    if (lastEpoch > totalSteps)
      throw new Error(`Tried to step ${lastEpoch + 1} times. The specified number of total steps is ${totalSteps}`)
    let i = 0
    while (i < phases.length - 1 && lastEpoch > phases[i].end_step) i++
    const from = i === 0 ? 0 : phases[i - 1].end_step
    const { end_step, start_lr, end_lr, start_momentum, end_momentum } = phases[i]
    const done = (lastEpoch - from) / (end_step - from)
    const anneal = (start: number, end: number): number =>
      this.annealFuncType === 'cos' ? end + ((start - end) / 2) * (Math.cos(Math.PI * done) + 1) : (end - start) * done + start
    return this.groups.map((group) => {
      const named = valuesOf(group)
      if (this.cycleMomentum) setMomentum(group, anneal(named[start_momentum], named[end_momentum]), this.useBeta1)
      return anneal(named[start_lr], named[end_lr])
    })
  }
}

/** A group's bounds under the names that PyTorch's phases use. */
const valuesOf = (group: OneCycleGroup): Record<string, number> => ({
  initial_lr: group.initialLr!,
  max_lr: group.maxLr!,
  min_lr: group.minLr!,
  max_momentum: group.maxMomentum!,
  base_momentum: group.baseMomentum!,
})

function setMomentum(group: ScheduledGroup, momentum: number, beta: boolean): void {
  if (beta) group.betas = [momentum, group.betas![1]]
  else group.momentum = momentum
}

function stepsOf({ totalSteps, epochs, stepsPerEpoch }: OneCycleLROptions): number {
  const positive = (name: string, value: number | null | undefined): number => {
    if (!(Number.isInteger(value) && value! > 0)) throw new Error(`Expected positive integer ${name}, but got ${value ?? 'None'}`)
    return value!
  }
  if (totalSteps !== undefined && totalSteps !== null) return positive('total_steps', totalSteps)
  if ((epochs ?? null) === null && (stepsPerEpoch ?? null) === null)
    throw new Error('You must define either total_steps OR (epochs AND steps_per_epoch)')
  return positive('epochs', epochs) * positive('steps_per_epoch', stepsPerEpoch)
}
