/** Schedules that multiply the rates by factors. */

import type { Arguments } from '../../core/arguments.js'
import type { Optimizer } from '../optimizer.js'
import { type LRLambda, LRScheduler, perGroup, type RequiredArguments, readScheduler } from './scheduler.js'

type AnyOptimizer = Optimizer<{ lr?: number }>

interface LastEpoch {
  /** The number of steps so far, where training goes on; -1 at its beginning. */
  lastEpoch?: number
}

const lambdas = (optimizer: AnyOptimizer, given: LRLambda): ((epoch: number) => number)[] => {
  const count = optimizer.paramGroups?.length ?? 0
  return perGroup(given, count, (got) => `Expected ${count} lr_lambdas, but got ${got}`)
}

export interface LambdaLROptions extends LastEpoch {
  lrLambda?: LRLambda
}
type LambdaArguments = RequiredArguments<[lrLambda: LRLambda], { lrLambda: LRLambda }, [lastEpoch: number], LambdaLROptions>

/**
 * The initial rates times a function of the number of steps, as `torch.optim.lr_scheduler.LambdaLR`.
 *
 * @example
 * const optimizer = new optim.SGD([torch.zeros(1, { requiresGrad: true })], { lr: 0.5 })
 * const warmup = new optim.lrScheduler.LambdaLR(optimizer, (step) => Math.min(1, (step + 1) / 4))
 * warmup.getLastLr() // [ 0.125 ]
 * for (let i = 0; i < 3; i++) warmup.step()
 * warmup.getLastLr() // [ 0.5 ]
 */
export class LambdaLR extends LRScheduler {
  declare readonly lrLambdas: ((epoch: number) => number)[]

  constructor(optimizer: AnyOptimizer, ...args: LambdaArguments) {
    const given = readScheduler<LambdaLROptions>('LambdaLR', args, ['lrLambda', 'lastEpoch'], ['lrLambda'])
    super(optimizer, { lrLambdas: lambdas(optimizer, given.lrLambda!) }, given.lastEpoch)
  }

  override getLr(): number[] {
    return this.baseLrs.map((rate, i) => rate * this.lrLambdas[i](this.lastEpoch))
  }
}

/**
 * The rates times a function of the number of steps, step by step, as `torch.optim.lr_scheduler.MultiplicativeLR`.
 *
 * @example
 * const optimizer = new optim.SGD([torch.zeros(1, { requiresGrad: true })], { lr: 1 })
 * const scheduler = new optim.lrScheduler.MultiplicativeLR(optimizer, () => 0.5)
 * scheduler.step()
 * scheduler.step()
 * scheduler.getLastLr() // [ 0.25 ]
 */
export class MultiplicativeLR extends LRScheduler {
  declare readonly lrLambdas: ((epoch: number) => number)[]

  constructor(optimizer: AnyOptimizer, ...args: LambdaArguments) {
    const given = readScheduler<LambdaLROptions>('MultiplicativeLR', args, ['lrLambda', 'lastEpoch'], ['lrLambda'])
    super(optimizer, { lrLambdas: lambdas(optimizer, given.lrLambda!) }, given.lastEpoch)
  }

  override getLr(): number[] {
    return this.groups.map(({ lr }, i) => (this.lastEpoch > 0 ? lr * this.lrLambdas[i](this.lastEpoch) : lr))
  }
}

export interface StepLROptions extends LastEpoch {
  /** After how many steps the rates fall. */
  stepSize?: number
  /** By what they are multiplied then. */
  gamma?: number
}

/**
 * The rates times gamma every `stepSize` steps, as `torch.optim.lr_scheduler.StepLR`.
 *
 * @example
 * const optimizer = new optim.SGD([torch.zeros(1, { requiresGrad: true })], { lr: 1 })
 * const scheduler = new optim.lrScheduler.StepLR(optimizer, 2, 0.5)
 * for (let epoch = 0; epoch < 5; epoch++) scheduler.step()
 * optimizer.paramGroups[0].lr // 0.25
 */
export class StepLR extends LRScheduler {
  declare readonly stepSize: number
  declare readonly gamma: number

  constructor(
    optimizer: AnyOptimizer,
    ...args: RequiredArguments<[stepSize: number], { stepSize: number }, [gamma: number, lastEpoch: number], StepLROptions>
  ) {
    const given = readScheduler<StepLROptions>('StepLR', args, ['stepSize', 'gamma', 'lastEpoch'], ['stepSize'])
    super(optimizer, { stepSize: given.stepSize, gamma: given.gamma ?? 0.1 }, given.lastEpoch)
  }

  override getLr(): number[] {
    const now = this.lastEpoch !== 0 && this.lastEpoch % this.stepSize === 0
    return this.groups.map(({ lr }) => (now ? lr * this.gamma : lr))
  }

  protected override closedForm(): number[] {
    return this.baseLrs.map((rate) => rate * this.gamma ** Math.floor(this.lastEpoch / this.stepSize))
  }
}

export interface MultiStepLROptions extends LastEpoch {
  /** After which steps the rates fall. */
  milestones?: readonly number[]
  /** By what they are multiplied then. */
  gamma?: number
}

/**
 * The rates times gamma at each milestone, as `torch.optim.lr_scheduler.MultiStepLR`.
 *
 * @example
 * const optimizer = new optim.SGD([torch.zeros(1, { requiresGrad: true })], { lr: 1 })
 * const scheduler = new optim.lrScheduler.MultiStepLR(optimizer, [1, 3], { gamma: 0.5 })
 * for (let epoch = 0; epoch < 3; epoch++) scheduler.step()
 * scheduler.getLastLr() // [ 0.25 ]
 */
export class MultiStepLR extends LRScheduler {
  /** How often each milestone was given. */
  declare readonly milestones: ReadonlyMap<number, number>
  declare readonly gamma: number

  constructor(
    optimizer: AnyOptimizer,
    ...args: RequiredArguments<
      [milestones: readonly number[]],
      { milestones: readonly number[] },
      [gamma: number, lastEpoch: number],
      MultiStepLROptions
    >
  ) {
    const given = readScheduler<MultiStepLROptions>('MultiStepLR', args, ['milestones', 'gamma', 'lastEpoch'], ['milestones'])
    const milestones = new Map<number, number>()
    for (const at of given.milestones!) milestones.set(at, (milestones.get(at) ?? 0) + 1)
    super(optimizer, { milestones, gamma: given.gamma ?? 0.1 }, given.lastEpoch)
  }

  override getLr(): number[] {
    const times = this.milestones.get(this.lastEpoch) ?? 0
    return this.groups.map(({ lr }) => (times > 0 ? lr * this.gamma ** times : lr))
  }

  protected override closedForm(): number[] {
    let times = 0
    for (const [at, count] of this.milestones) if (at <= this.lastEpoch) times += count
    return this.baseLrs.map((rate) => rate * this.gamma ** times)
  }
}

export interface ConstantLROptions extends LastEpoch {
  /** What the rates are multiplied with at first. */
  factor?: number
  /** After how many steps they are what they were. */
  totalIters?: number
}

/**
 * The rates times a factor for the first steps, as `torch.optim.lr_scheduler.ConstantLR`.
 *
 * @example
 * const optimizer = new optim.SGD([torch.zeros(1, { requiresGrad: true })], { lr: 1 })
 * const scheduler = new optim.lrScheduler.ConstantLR(optimizer, { factor: 0.5, totalIters: 2 })
 * scheduler.getLastLr() // [ 0.5 ]
 */
export class ConstantLR extends LRScheduler {
  declare readonly factor: number
  declare readonly totalIters: number

  constructor(
    optimizer: AnyOptimizer,
    ...args: Arguments<[factor: number, totalIters: number, lastEpoch: number], ConstantLROptions>
  ) {
    const given = readScheduler<ConstantLROptions>('ConstantLR', args, ['factor', 'totalIters', 'lastEpoch'])
    const { factor = 1 / 3, totalIters = 5, lastEpoch } = given
    if (!(factor >= 0 && factor <= 1)) throw new Error('Constant multiplicative factor expected to be between 0 and 1.')
    super(optimizer, { factor, totalIters }, lastEpoch)
  }

  override getLr(): number[] {
    const { lastEpoch, factor } = this
    const by = lastEpoch === 0 ? factor : lastEpoch === this.totalIters ? 1 / factor : 1
    return this.groups.map(({ lr }) => lr * by)
  }

  protected override closedForm(): number[] {
    return this.baseLrs.map((rate) => rate * (this.lastEpoch >= this.totalIters ? 1 : this.factor))
  }
}

export interface LinearLROptions extends LastEpoch {
  /** What the rates are multiplied with at first. */
  startFactor?: number
  /** What they are multiplied with in the end. */
  endFactor?: number
  /** After how many steps that is. */
  totalIters?: number
}

/**
 * The rates times a factor that changes linearly over the first steps, as `torch.optim.lr_scheduler.LinearLR`.
 *
 * @example
 * const optimizer = new optim.SGD([torch.zeros(1, { requiresGrad: true })], { lr: 1 })
 * const scheduler = new optim.lrScheduler.LinearLR(optimizer, { startFactor: 0.5, totalIters: 2 })
 * scheduler.step()
 * scheduler.getLastLr() // [ 0.75 ]
 */
export class LinearLR extends LRScheduler {
  declare readonly startFactor: number
  declare readonly endFactor: number
  declare readonly totalIters: number

  constructor(
    optimizer: AnyOptimizer,
    ...args: Arguments<[startFactor: number, endFactor: number, totalIters: number, lastEpoch: number], LinearLROptions>
  ) {
    const names = ['startFactor', 'endFactor', 'totalIters', 'lastEpoch'] as const
    const {
      startFactor = 1 / 3,
      endFactor = 1,
      totalIters = 5,
      lastEpoch,
    } = readScheduler<LinearLROptions>('LinearLR', args, names)
    if (!(startFactor >= 0 && startFactor <= 1)) throw new Error('Starting multiplicative factor expected to be between 0 and 1.')
    if (!(endFactor >= 0 && endFactor <= 1)) throw new Error('Ending multiplicative factor expected to be between 0 and 1.')
    super(optimizer, { startFactor, endFactor, totalIters }, lastEpoch)
  }

  override getLr(): number[] {
    const { lastEpoch, startFactor: from, totalIters } = this
    const rise = this.endFactor - from
    if (lastEpoch === 0) return this.groups.map(({ lr }) => lr * from)
    if (lastEpoch > totalIters) return this.groups.map(({ lr }) => lr)
    return this.groups.map(({ lr }) => lr * (1 + rise / (totalIters * from + (lastEpoch - 1) * rise)))
  }

  protected override closedForm(): number[] {
    const { lastEpoch, startFactor: from, endFactor, totalIters } = this
    return this.baseLrs.map((rate) => rate * (from + ((endFactor - from) * Math.min(totalIters, lastEpoch)) / totalIters))
  }
}

export interface ExponentialLROptions extends LastEpoch {
  /** By what the rates are multiplied in every step. */
  gamma?: number
}

/**
 * The rates times gamma in every step, as `torch.optim.lr_scheduler.ExponentialLR`.
 *
 * @example
 * const optimizer = new optim.SGD([torch.zeros(1, { requiresGrad: true })], { lr: 1 })
 * const scheduler = new optim.lrScheduler.ExponentialLR(optimizer, 0.5)
 * scheduler.step()
 * scheduler.getLastLr() // [ 0.5 ]
 */
export class ExponentialLR extends LRScheduler {
  declare readonly gamma: number

  constructor(
    optimizer: AnyOptimizer,
    ...args: RequiredArguments<[gamma: number], { gamma: number }, [lastEpoch: number], ExponentialLROptions>
  ) {
    const given = readScheduler<ExponentialLROptions>('ExponentialLR', args, ['gamma', 'lastEpoch'], ['gamma'])
    super(optimizer, { gamma: given.gamma }, given.lastEpoch)
  }

  override getLr(): number[] {
    return this.groups.map(({ lr }) => (this.lastEpoch === 0 ? lr : lr * this.gamma))
  }

  protected override closedForm(): number[] {
    return this.baseLrs.map((rate) => rate * this.gamma ** this.lastEpoch)
  }
}

export interface PolynomialLROptions extends LastEpoch {
  /** After how many steps the rates are zero. */
  totalIters?: number
  power?: number
}

/**
 * The rates times `(1 − step/totalIters)^power`, as `torch.optim.lr_scheduler.PolynomialLR`.
 *
 * @example
 * const optimizer = new optim.SGD([torch.zeros(1, { requiresGrad: true })], { lr: 1 })
 * const scheduler = new optim.lrScheduler.PolynomialLR(optimizer, { totalIters: 4 })
 * scheduler.step()
 * scheduler.getLastLr() // [ 0.75 ]
 */
export class PolynomialLR extends LRScheduler {
  declare readonly totalIters: number
  declare readonly power: number

  constructor(
    optimizer: AnyOptimizer,
    ...args: Arguments<[totalIters: number, power: number, lastEpoch: number], PolynomialLROptions>
  ) {
    const given = readScheduler<PolynomialLROptions>('PolynomialLR', args, ['totalIters', 'power', 'lastEpoch'])
    super(optimizer, { totalIters: given.totalIters ?? 5, power: given.power ?? 1 }, given.lastEpoch)
  }

  override getLr(): number[] {
    const { lastEpoch, totalIters, power } = this
    if (lastEpoch === 0 || lastEpoch > totalIters) return this.groups.map(({ lr }) => lr)
    const by = ((1 - lastEpoch / totalIters) / (1 - (lastEpoch - 1) / totalIters)) ** power
    return this.groups.map(({ lr }) => lr * by)
  }

  protected override closedForm(): number[] {
    const { lastEpoch, totalIters, power } = this
    return this.baseLrs.map((rate) => rate * (1 - Math.min(totalIters, lastEpoch) / totalIters) ** power)
  }
}
