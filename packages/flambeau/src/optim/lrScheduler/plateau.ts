/** A schedule that waits for a metric to stop improving. */

import type { Arguments } from '../../core/arguments.js'
import { Tensor } from '../../core/tensor.js'
import type { Optimizer } from '../optimizer.js'
import { loadState, perGroup, readScheduler, requireOptimizer, stateOf } from './scheduler.js'

export interface ReduceLROnPlateauOptions {
  /** Whether a smaller or a larger metric is better. */
  mode?: 'min' | 'max'
  /** By what the rates are multiplied. */
  factor?: number
  /** How many epochs without improvement are waited for. */
  patience?: number
  /** What counts as an improvement: a change by this part of the best, or by this much. */
  threshold?: number
  thresholdMode?: 'rel' | 'abs'
  /** How many epochs after a reduction are not counted. */
  cooldown?: number
  /** The least rate, for all groups or for each. */
  minLr?: number | readonly number[]
  /** A smaller reduction is not made. */
  eps?: number
}

/**
 * Multiplies the rates by a factor when a metric has stopped improving, as `torch.optim.lr_scheduler.ReduceLROnPlateau`.
 *
 * @example
 * const optimizer = new optim.SGD([torch.zeros(1, { requiresGrad: true })], { lr: 1 })
 * const scheduler = new optim.lrScheduler.ReduceLROnPlateau(optimizer, 'min', { factor: 0.5, patience: 1 })
 * for (const loss of [1, 0.9, 0.9, 0.9]) scheduler.step(loss)
 * scheduler.getLastLr() // [ 0.5 ]
 */
export class ReduceLROnPlateau {
  declare readonly optimizer: Optimizer<{ lr?: number }>
  readonly mode: 'min' | 'max'
  readonly factor: number
  readonly patience: number
  readonly threshold: number
  readonly thresholdMode: 'rel' | 'abs'
  readonly cooldown: number
  readonly minLrs: number[]
  readonly eps: number
  cooldownCounter = 0
  /** The best metric so far. */
  best: number
  numBadEpochs = 0
  lastEpoch = 0
  protected lastLr: number[]

  constructor(
    optimizer: Optimizer<{ lr?: number }>,
    ...args: Arguments<
      [
        mode: 'min' | 'max',
        factor: number,
        patience: number,
        threshold: number,
        thresholdMode: 'rel' | 'abs',
        cooldown: number,
        minLr: number | readonly number[],
        eps: number,
      ],
      ReduceLROnPlateauOptions
    >
  ) {
    // biome-ignore format: the order of the arguments
    const given = readScheduler<ReduceLROnPlateauOptions>('ReduceLROnPlateau', args, [
      'mode', 'factor', 'patience', 'threshold', 'thresholdMode', 'cooldown', 'minLr', 'eps',
    ])
    const { mode = 'min', factor = 0.1, patience = 10, threshold = 1e-4, thresholdMode = 'rel', minLr = 0 } = given
    if (factor >= 1) throw new Error('Factor should be < 1.0.')
    requireOptimizer(optimizer)
    if (mode !== 'min' && mode !== 'max') throw new Error(`mode ${mode} is unknown!`)
    if (thresholdMode !== 'rel' && thresholdMode !== 'abs') throw new Error(`threshold mode ${thresholdMode} is unknown!`)
    Object.defineProperty(this, 'optimizer', { value: optimizer })
    const count = optimizer.paramGroups.length
    this.mode = mode
    this.factor = factor
    this.patience = patience
    this.threshold = threshold
    this.thresholdMode = thresholdMode
    this.cooldown = given.cooldown ?? 0
    this.minLrs = perGroup(minLr, count, (got) => `expected ${count} min_lrs, got ${got}`)
    this.eps = given.eps ?? 1e-8
    this.best = mode === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
    this.lastLr = optimizer.paramGroups.map((group) => group.lr)
  }

  /** Whether a reduction was made so lately that bad epochs do not count. */
  get inCooldown(): boolean {
    return this.cooldownCounter > 0
  }

  /** The rates that were set last. */
  getLastLr(): number[] {
    return this.lastLr
  }

  /** Looks at an epoch's metric, a number or a tensor of one element. */
  step(metrics: number | Tensor, epoch?: number): void {
    const current = metrics instanceof Tensor ? Number(metrics.item()) : Number(metrics)
    this.lastEpoch = epoch ?? this.lastEpoch + 1
    if (this.#isBetter(current)) {
      this.best = current
      this.numBadEpochs = 0
    } else this.numBadEpochs++
    if (this.inCooldown) {
      this.cooldownCounter--
      this.numBadEpochs = 0
    }
    if (this.numBadEpochs > this.patience) {
      this.optimizer.paramGroups.forEach((group, i) => {
        const next = Math.max(group.lr * this.factor, this.minLrs[i])
        if (group.lr - next > this.eps) group.lr = next
      })
      this.cooldownCounter = this.cooldown
      this.numBadEpochs = 0
    }
    this.lastLr = this.optimizer.paramGroups.map((group) => group.lr)
  }

  #isBetter(current: number): boolean {
    const { best, threshold } = this
    const margin = this.thresholdMode === 'rel' ? best * threshold : threshold
    if (!Number.isFinite(best)) return this.mode === 'min' ? current < best : current > best
    if (this.thresholdMode === 'abs') return this.mode === 'min' ? current < best - margin : current > best + margin
    return this.mode === 'min' ? current < best * (1 - threshold) : current > best * (1 + threshold)
  }

  /** What is needed to go on later, under PyTorch's names. */
  stateDict(): Record<string, unknown> {
    return stateOf(this)
  }

  /** Goes on from what `stateDict` gave, or PyTorch saved. */
  loadStateDict(stateDict: Readonly<Record<string, unknown>>): void {
    loadState(this, stateDict)
  }
}
