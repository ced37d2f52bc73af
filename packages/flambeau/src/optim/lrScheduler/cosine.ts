/** Schedules that follow a cosine. */

import type { Optimizer } from '../optimizer.js'
import { LRScheduler, type RequiredArguments, readScheduler } from './scheduler.js'

type AnyOptimizer = Optimizer<{ lr?: number }>

export interface CosineAnnealingLROptions {
  /** After how many steps the rates are least. */
  TMax?: number
  /** The least rate. */
  etaMin?: number
  lastEpoch?: number
}

/**
 * Rates that fall from the initial ones to `etaMin` in `TMax` steps along half a cosine, as
 * `torch.optim.lr_scheduler.CosineAnnealingLR`.
 *
 * @example
 * const optimizer = new optim.SGD([torch.zeros(1, { requiresGrad: true })], { lr: 1 })
 * const scheduler = new optim.lrScheduler.CosineAnnealingLR(optimizer, 4)
 * for (let epoch = 0; epoch < 4; epoch++) scheduler.step()
 * scheduler.getLastLr() // [ 0 ]
 */
export class CosineAnnealingLR extends LRScheduler {
  declare readonly TMax: number
  declare readonly etaMin: number

  constructor(
    optimizer: AnyOptimizer,
    ...args: RequiredArguments<[TMax: number], { TMax: number }, [etaMin: number, lastEpoch: number], CosineAnnealingLROptions>
  ) {
    const given = readScheduler<CosineAnnealingLROptions>('CosineAnnealingLR', args, ['TMax', 'etaMin', 'lastEpoch'], ['TMax'])
    super(optimizer, { TMax: given.TMax, etaMin: given.etaMin ?? 0 }, given.lastEpoch)
  }

  override getLr(): number[] {
    const { lastEpoch, TMax, etaMin } = this
    if (lastEpoch === 0) return this.groups.map(({ lr }) => lr)
    if (this.stepCount === 1 && lastEpoch > 0) return this.closedForm()
    if ((lastEpoch - 1 - TMax) % (2 * TMax) === 0)
      return this.groups.map(({ lr }, i) => lr + ((this.baseLrs[i] - etaMin) * (1 - Math.cos(Math.PI / TMax))) / 2)
    const height = (step: number): number => 1 + Math.cos((Math.PI * step) / TMax)
    return this.groups.map(({ lr }) => (height(lastEpoch) / height(lastEpoch - 1)) * (lr - etaMin) + etaMin)
  }

  protected override closedForm(): number[] {
    const { lastEpoch, TMax, etaMin } = this
    return this.baseLrs.map((rate) => etaMin + ((rate - etaMin) * (1 + Math.cos((Math.PI * lastEpoch) / TMax))) / 2)
  }
}

export interface CosineAnnealingWarmRestartsOptions {
  /** After how many steps the rates first start anew. */
  T0?: number
  /** By what that number grows at each restart. */
  TMult?: number
  /** The least rate. */
  etaMin?: number
  lastEpoch?: number
}

/**
 * Rates that fall along half a cosine, and start anew, as `torch.optim.lr_scheduler.CosineAnnealingWarmRestarts`. A step may be
 * given a number of epochs with a fraction: `step(epoch + batch / batches)`.
 *
 * @example
 * const optimizer = new optim.SGD([torch.zeros(1, { requiresGrad: true })], { lr: 1 })
 * const scheduler = new optim.lrScheduler.CosineAnnealingWarmRestarts(optimizer, 2, 2)
 * scheduler.step()
 * scheduler.getLastLr() // [ 0.5 ]
 * scheduler.step()
 * scheduler.getLastLr() // [ 1 ]
 */
export class CosineAnnealingWarmRestarts extends LRScheduler {
  declare readonly T0: number
  declare readonly TMult: number
  declare readonly etaMin: number
  declare TI: number
  declare TCur: number

  constructor(
    optimizer: AnyOptimizer,
    ...args: RequiredArguments<
      [T0: number],
      { T0: number },
      [TMult: number, etaMin: number, lastEpoch: number],
      CosineAnnealingWarmRestartsOptions
    >
  ) {
    const {
      T0,
      TMult = 1,
      etaMin = 0,
      lastEpoch = -1,
    } = readScheduler<CosineAnnealingWarmRestartsOptions>(
      'CosineAnnealingWarmRestarts',
      args,
      ['T0', 'TMult', 'etaMin', 'lastEpoch'],
      ['T0'],
    )
    if (!(Number.isInteger(T0) && T0! > 0)) throw new Error(`Expected positive integer T_0, but got ${T0}`)
    if (!(Number.isInteger(TMult) && TMult >= 1)) throw new Error(`Expected integer T_mult >= 1, but got ${TMult}`)
    super(optimizer, { T0, TI: T0, TMult, etaMin, TCur: lastEpoch }, lastEpoch)
  }

  override getLr(): number[] {
    const { TCur, TI, etaMin } = this
    return this.baseLrs.map((rate) => etaMin + ((rate - etaMin) * (1 + Math.cos((Math.PI * TCur) / TI))) / 2)
  }

  override step(epoch?: number): void {
    this.stepCount++
    const { T0, TMult } = this
    let at = epoch
    if (at === undefined && this.lastEpoch < 0) at = 0
    if (at === undefined) {
      at = this.lastEpoch + 1
      this.TCur++
      if (this.TCur >= this.TI) {
        this.TCur -= this.TI
        this.TI *= TMult
      }
    } else {
      if (at < 0) throw new Error(`Expected non-negative epoch, but got ${at}`)
      if (at < T0) {
        this.TI = T0
        this.TCur = at
      } else if (TMult === 1) this.TCur = at % T0
      else {
        const restarts = Math.trunc(Math.log((at / T0) * (TMult - 1) + 1) / Math.log(TMult))
        this.TCur = at - (T0 * (TMult ** restarts - 1)) / (TMult - 1)
        this.TI = T0 * TMult ** restarts
      }
    }
    this.lastEpoch = Math.floor(at)
    this.set(this.getLr())
  }
}
