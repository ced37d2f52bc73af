/** Averages of a model's weights over training: stochastic weight averaging and moving averages. */

import { noGrad } from '../autograd/mode.js'
import { type Arguments, readArguments } from '../core/arguments.js'
import { isFloatingPoint } from '../core/dtype.js'
import { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { BatchNorm } from '../nn/batchnorm.js'
import { Module } from '../nn/module.js'
import { copy_, to } from '../ops/cast.js'
import { item, tensor } from '../ops/creation.js'
import { detach } from '../ops/view.js'
import { LRScheduler, perGroup, type RequiredArguments, readScheduler, requireOptimizer } from './lrScheduler/scheduler.js'
import type { Optimizer } from './optimizer.js'
import { FusedStep } from './step.js'

/** The new average, of the average so far, the model's parameter, and how many models were averaged. */
export type AverageFunction = (averaged: Tensor, parameter: Tensor, numAveraged: number) => Tensor

export interface AveragedModelOptions {
  /** Where the average lives. */
  device?: string | null
  /** How a model is added to the average; the mean of all of them unless given. */
  avgFn?: AverageFunction | null
  /** Average buffers as well. */
  useBuffers?: boolean
}

/**
 * The average of a model's parameters over training, as `torch.optim.swa_utils.AveragedModel`: a copy of the model, to which
 * `updateParameters` adds the model's present parameters.
 *
 * @example
 * const model = new nn.Linear(1, 1, { bias: false })
 * const average = new optim.swaUtils.AveragedModel(model)
 * for (const value of [1, 2, 6]) {
 *   torch.noGrad(() => model.weight.fill_(value))
 *   average.updateParameters(model)
 * }
 * average.module.weight.item() // 3
 */
export class AveragedModel<M extends Module = Module> extends Module {
  readonly module: M
  declare readonly n_averaged: Tensor
  readonly avgFn: AverageFunction | null
  readonly useBuffers: boolean

  constructor(
    model: M,
    ...args: Arguments<[device: string | null, avgFn: AverageFunction | null, useBuffers: boolean], AveragedModelOptions>
  ) {
    super()
    const names = ['device', 'avgFn', 'useBuffers'] as const
    const { device, avgFn = null, useBuffers = false } = readArguments<AveragedModelOptions>('AveragedModel', args, names)
    const copy = model.deepcopy()
    this.module = device ? copy.to(device as never) : copy
    this.registerBuffer('n_averaged', tensor(0, { dtype: 'int64', ...(device && { device }) }))
    this.avgFn = avgFn
    this.useBuffers = useBuffers
  }

  // biome-ignore lint/suspicious/noExplicitAny: the parameters and result are the model's
  override forward(...args: any[]): any {
    return this.module(...(args as Parameters<M['forward']>))
  }

  /** Adds the model's present parameters to the average. */
  updateParameters(model: Module): void {
    const all = (m: Module): Tensor[] => (this.useBuffers ? [...m.parameters(), ...m.buffers()] : [...m.parameters()])
    const given = all(model)
    const count = item(this.n_averaged) as number
    noGrad(() => {
      all(this.module).forEach((averaged, i) => {
        const parameter = detach(given[i])
        if (count === 0) copy_(averaged, parameter)
        else if (this.avgFn === null && isFloatingPoint(averaged.dtype))
          mean.run({}, { p: averaged, g: parameter, count: count + 1 })
        else copy_(averaged, (this.avgFn ?? getSwaAvgFn())(detach(averaged), parameter, count))
      })
      copy_(this.n_averaged, tensor(count + 1))
    })
  }
}

const mean = new FusedStep('SWA', [], ['count'], ({ p, g, count }) => ({ p: e.add(p, e.div(e.sub(g, p), count)) }))

/**
 * The function of the mean of all models, as `torch.optim.swa_utils.get_swa_avg_fn`.
 *
 * @example
 * optim.swaUtils.getSwaAvgFn()(torch.ones(1), torch.tensor([4]), 2) // tensor([2.])
 */
export function getSwaAvgFn(): AverageFunction {
  return (averaged, parameter, numAveraged) => averaged.add(parameter.sub(averaged).div(numAveraged + 1))
}

/**
 * The function of an exponential moving average, as `torch.optim.swa_utils.get_ema_avg_fn`: `decay·average + (1 − decay)·parameter`.
 *
 * @example
 * const model = new nn.Linear(1, 1)
 * const ema = new optim.swaUtils.AveragedModel(model, { avgFn: optim.swaUtils.getEmaAvgFn(0.99), useBuffers: true })
 * ema.updateParameters(model)
 */
export function getEmaAvgFn(decay = 0.999): AverageFunction {
  if (!(decay >= 0 && decay <= 1))
    throw new Error(`Invalid decay value ${decay} provided. Please provide a value in [0,1] range.`)
  return (averaged, parameter) => averaged.mul(decay).add(parameter.mul(1 - decay))
}

/**
 * Computes anew the running statistics of a model's batch normalisation, as `torch.optim.swa_utils.update_bn`: with one pass over
 * a loader's batches, or over the first parts of them.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3))
 * await optim.swaUtils.updateBn([torch.rand(8, 2), torch.rand(8, 2)], model)
 */
export async function updateBn(
  loader: Iterable<unknown> | AsyncIterable<unknown>,
  model: Module,
  device?: string | null,
): Promise<void> {
  const norms = [...model.modules()].filter((module) => module instanceof BatchNorm)
  if (norms.length === 0) return
  const momenta = norms.map((norm) => norm.momentum)
  const wasTraining = model.training
  model.train()
  for (const norm of norms) {
    norm.resetRunningStats()
    norm.momentum = null
  }
  try {
    for await (const batch of loader) {
      const input = Array.isArray(batch) ? batch[0] : batch
      noGrad(() => model(device && input instanceof Tensor ? to(input, device as never) : input))
    }
  } finally {
    norms.forEach((norm, i) => {
      norm.momentum = momenta[i]
    })
    model.train(wasTraining)
  }
}

export interface SWALROptions {
  /** The rate in the end, for all groups or for each. */
  swaLr?: number | readonly number[]
  /** In how many steps it is reached. */
  annealEpochs?: number
  annealStrategy?: 'cos' | 'linear'
  lastEpoch?: number
}

/**
 * Takes the rates from what they are to fixed ones, as `torch.optim.swa_utils.SWALR`.
 *
 * @example
 * const optimizer = new optim.SGD([torch.zeros(1, { requiresGrad: true })], { lr: 1 })
 * const scheduler = new optim.swaUtils.SWALR(optimizer, 0.5, { annealEpochs: 2, annealStrategy: 'linear' })
 * scheduler.step()
 * scheduler.getLastLr() // [ 0.75 ]
 */
export class SWALR extends LRScheduler {
  declare readonly annealEpochs: number
  declare protected readonly annealFuncType: 'cos' | 'linear'

  constructor(
    optimizer: Optimizer<{ lr?: number }>,
    ...args: RequiredArguments<
      [swaLr: number | readonly number[]],
      { swaLr: number | readonly number[] },
      [annealEpochs: number, annealStrategy: 'cos' | 'linear', lastEpoch: number],
      SWALROptions
    >
  ) {
    const names = ['swaLr', 'annealEpochs', 'annealStrategy', 'lastEpoch'] as const
    const given = readScheduler<SWALROptions>('SWALR', args, names, ['swaLr'])
    const { swaLr, annealEpochs = 10, annealStrategy = 'cos', lastEpoch } = given
    requireOptimizer(optimizer)
    const groups: SWAGroup[] = optimizer.paramGroups
    const rates = perGroup(
      swaLr!,
      groups.length,
      (got) =>
        `swa_lr must have the same length as optimizer.param_groups: swa_lr has ${got}, optimizer.param_groups has ${groups.length}`,
    )
    if (annealStrategy !== 'cos' && annealStrategy !== 'linear')
      throw new Error(`anneal_strategy must by one of 'cos' or 'linear', instead got ${annealStrategy}`)
    if (!(Number.isInteger(annealEpochs) && annealEpochs >= 0))
      throw new Error(`anneal_epochs must be equal or greater than 0, got ${annealEpochs}`)
    groups.forEach((group, i) => {
      group.swaLr = rates[i]
    })
    super(optimizer, { annealEpochs, annealFuncType: annealStrategy }, lastEpoch)
  }

  override getLr(): number[] {
    const { annealEpochs } = this
    const step = annealEpochs === 0 ? Math.max(1, this.stepCount - 1) : this.stepCount - 1
    const share = (at: number): number => {
      const t = Math.max(0, Math.min(1, at / Math.max(1, annealEpochs)))
      return this.annealFuncType === 'cos' ? (1 - Math.cos(Math.PI * t)) / 2 : t
    }
    const [before, now] = [share(step - 1), share(step)]
    return (this.groups as SWAGroup[]).map(({ lr, swaLr }) => {
      const initial = before === 1 ? swaLr! : (lr - before * swaLr!) / (1 - before)
      return swaLr! * now + initial * (1 - now)
    })
  }
}

interface SWAGroup {
  lr: number
  swaLr?: number
}
