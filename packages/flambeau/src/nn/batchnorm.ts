/** Batch and instance normalisation with their running statistics. */

import { noGrad } from '../autograd/mode.js'
import { type Arguments, readArguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import { add } from '../ops/arithmetic.js'
import { instanceNorm, normaliseBatch, requireSeveralValues } from '../ops/batchNorm.js'
import { fill_, zero_ } from '../ops/cast.js'
import { empty, item, ones, zeros } from '../ops/creation.js'
import { squeeze, unsqueeze } from '../ops/view.js'
import { ones_, zeros_ } from './init.js'
import type { FactoryOptions } from './linear.js'
import { Module } from './module.js'
import { Parameter } from './parameter.js'
import { python, pythonFloat } from './repr.js'
import type { StateDict } from './stateDict.js'

export interface NormOptions extends FactoryOptions {
  /** Added to the variance. */
  eps?: number
  /** How much of the running statistics a batch replaces; null for the average over all batches so far. */
  momentum?: number | null
  /** Whether weight and bias are learnt. */
  affine?: boolean
  /** Whether running statistics are kept; without them, evaluation too uses those of its input. */
  trackRunningStats?: boolean
}
export type NormArguments = Arguments<
  [eps: number, momentum: number | null, affine: boolean, trackRunningStats: boolean],
  NormOptions
>

/** What all of them share: parameters, running statistics, text. */
export abstract class NormBase extends Module {
  numFeatures: number
  readonly eps: number
  momentum: number | null
  affine: boolean
  trackRunningStats: boolean
  /** [numFeatures] */
  weight: Parameter | null
  /** [numFeatures] */
  bias: Parameter | null
  /** [numFeatures] */
  declare running_mean: Tensor | null
  /** [numFeatures] */
  declare running_var: Tensor | null
  /** How many batches the running statistics have seen. */
  declare num_batches_tracked: Tensor | null

  constructor(numFeatures: number, options: NormOptions) {
    super()
    const { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true, ...factory } = options
    this.numFeatures = numFeatures
    this.eps = eps
    this.momentum = momentum
    this.affine = affine
    this.trackRunningStats = trackRunningStats
    this.weight = affine ? new Parameter(empty([numFeatures], factory)) : null
    this.bias = affine ? new Parameter(empty([numFeatures], factory)) : null
    this.registerBuffer('running_mean', trackRunningStats ? zeros([numFeatures], factory) : null)
    this.registerBuffer('running_var', trackRunningStats ? ones([numFeatures], factory) : null)
    this.registerBuffer('num_batches_tracked', trackRunningStats ? zeros([], { ...factory, dtype: 'int64' }) : null)
    this.resetParameters()
  }

  /** Forgets what the batches so far have taught. */
  resetRunningStats(): void {
    if (!this.trackRunningStats) return
    noGrad(() => {
      zero_(this.running_mean!)
      fill_(this.running_var!, 1)
      zero_(this.num_batches_tracked!)
    })
  }

  /** Weight 1, bias 0, and running statistics as new. */
  resetParameters(): void {
    this.resetRunningStats()
    if (this.weight !== null) ones_(this.weight)
    if (this.bias !== null) zeros_(this.bias)
  }

  // num_batches_tracked came with version 2.
  override get stateVersion(): number {
    return 2
  }

  override upgradeState(state: StateDict, prefix: string, version: number | null, _errorMsgs: string[]): void {
    const key = `${prefix}num_batches_tracked`
    if ((version === null || version < 2) && this.trackRunningStats && !Object.hasOwn(state, key))
      state[key] = zeros([], { dtype: 'int64' })
  }

  override extraRepr(): string {
    const { numFeatures, eps, momentum, affine, trackRunningStats } = this
    return (
      `${numFeatures}, eps=${pythonFloat(eps)}, momentum=${momentum === null ? 'None' : pythonFloat(momentum)}, ` +
      `affine=${python(affine)}, track_running_stats=${python(trackRunningStats)}`
    )
  }
}

export const normNames = ['eps', 'momentum', 'affine', 'trackRunningStats'] as const
const factoryNames = ['dtype', 'device'] as const

/** @throws Error in PyTorch's words unless the input has one of these numbers of dimensions. */
function requireDims(input: Tensor, dims: readonly number[]): void {
  if (!dims.includes(input.ndim))
    throw new Error(`expected ${dims.map((d) => `${d}D`).join(' or ')} input (got ${input.ndim}D input)`)
}

export abstract class BatchNorm extends NormBase {
  constructor(numFeatures: number, ...args: NormArguments) {
    super(numFeatures, readArguments<NormOptions>(new.target.name, args, normNames, factoryNames))
  }

  protected abstract checkInput(input: Tensor): void

  override forward(input: Tensor): Tensor {
    this.checkInput(input)
    const { training, trackRunningStats, running_mean, running_var, num_batches_tracked } = this
    const learns = training && trackRunningStats
    let factor = this.momentum ?? 0
    if (learns && num_batches_tracked !== null) {
      noGrad(() => add.inPlace(num_batches_tracked, 1))
      factor = this.momentum ?? 1 / (item(num_batches_tracked) as number)
    }
    const usesBatch = training || (running_mean === null && running_var === null)
    if (usesBatch) {
      const { shape, numel } = input.layout
      requireSeveralValues(numel / shape[1], shape)
    }
    // Without tracking, what running statistics there are serve evaluation only.
    const [mean, variance] = training && !trackRunningStats ? [null, null] : [running_mean, running_var]
    return normaliseBatch(input, this.weight, this.bias, mean, variance, usesBatch, factor, this.eps)[0]
  }
}

/**
 * Batch normalisation of [N, C] or [N, C, L], as `torch.nn.BatchNorm1d`: `(x − mean) / √(variance + eps) · weight + bias` for
 * each channel. While training, mean and variance are those of the batch and the running ones follow them; evaluation uses
 * the running ones.
 *
 * @throws Error `expected 2D or 3D input (got 4D input)`; `Expected more than 1 value per channel when training, …`
 * @example
 * const layer = new nn.BatchNorm1d(2)
 * layer // BatchNorm1d(2, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
 * const y = layer(torch.tensor([[1, 2], [3, 6]]))
 * layer.running_mean // tensor([0.2000, 0.4000])
 */
export class BatchNorm1d extends BatchNorm {
  protected override checkInput(input: Tensor): void {
    requireDims(input, [2, 3])
  }
}

/**
 * Batch normalisation of [N, C, H, W], as `torch.nn.BatchNorm2d`; see `BatchNorm1d`.
 *
 * @throws Error `expected 4D input (got 3D input)`
 * @example
 * const layer = new nn.BatchNorm2d(8, { momentum: null })
 * layer(torch.randn(2, 8, 4, 4)).shape // [ 2, 8, 4, 4 ]
 */
export class BatchNorm2d extends BatchNorm {
  protected override checkInput(input: Tensor): void {
    requireDims(input, [4])
  }
}

/**
 * Batch normalisation of [N, C, D, H, W], as `torch.nn.BatchNorm3d`; see `BatchNorm1d`.
 *
 * @throws Error `expected 5D input (got 4D input)`
 * @example
 * new nn.BatchNorm3d(8, 1e-3)(torch.randn(2, 8, 2, 4, 4)).shape // [ 2, 8, 2, 4, 4 ]
 */
export class BatchNorm3d extends BatchNorm {
  protected override checkInput(input: Tensor): void {
    requireDims(input, [5])
  }
}

/**
 * Batch normalisation whose statistics are those of all processes, as `torch.nn.SyncBatchNorm`. Evaluation is that of
 * `BatchNorm1d`; training over several processes is not implemented.
 *
 * @throws Error `expected at least 2D input (got 1D input)`
 * @example
 * const layer = new nn.SyncBatchNorm(3).eval()
 * layer(torch.randn(2, 3)).shape // [ 2, 3 ]
 */
export class SyncBatchNorm extends BatchNorm {
  protected override checkInput(input: Tensor): void {
    if (input.ndim < 2) throw new Error(`expected at least 2D input (got ${input.ndim}D input)`)
    if (this.training) throw new Error('not implemented: SyncBatchNorm in training')
  }
}

abstract class InstanceNorm extends NormBase {
  constructor(numFeatures: number, ...args: NormArguments) {
    const given = readArguments<NormOptions>(new.target.name, args, normNames, factoryNames)
    const { affine = false, trackRunningStats = false, ...rest } = given
    super(numFeatures, { ...rest, affine, trackRunningStats })
  }

  // Before version 1 running statistics were kept even without tracking.
  override upgradeState(state: StateDict, prefix: string, version: number | null, errorMsgs: string[]): void {
    const found = ['running_mean', 'running_var'].map((name) => prefix + name).filter((key) => Object.hasOwn(state, key))
    if (version === null && !this.trackRunningStats && found.length > 0) {
      const name = this.getName()
      errorMsgs.push(
        `Unexpected running stats buffer(s) ${found.map((key) => `"${key}"`).join(' and ')} for ${name} with ` +
          `track_running_stats=False. If state_dict is a checkpoint saved before 0.4.0, this may be expected because ${name} does ` +
          'not track running stats by default since 0.4.0. Please remove these keys from state_dict. If the running stats are ' +
          `actually needed, instead set track_running_stats=True in ${name} to enable them. See the documentation of ${name} for ` +
          'details.',
      )
      for (const key of found) delete state[key]
    }
    super.upgradeState(state, prefix, version, errorMsgs)
  }

  /** The dimensions of an input with a batch; one less without. */
  protected abstract readonly batchedDims: number

  override forward(input: Tensor): Tensor {
    const { batchedDims, weight, bias, running_mean, running_var, training, trackRunningStats, momentum, eps } = this
    requireDims(input, [batchedDims - 1, batchedDims])
    const single = input.ndim < batchedDims
    const useInputStats = training || !trackRunningStats
    if (momentum === null) throw new TypeError("instance_norm(): argument 'momentum' (position 7) must be float, not NoneType")
    const batch = single ? unsqueeze(input, 0) : input
    const out = instanceNorm(batch, running_mean, running_var, weight, bias, useInputStats, momentum, eps)
    return single ? squeeze(out, 0) : out
  }
}

/**
 * Each channel of each instance of [N, C, L] or [C, L] normalised by its own mean and variance, as `torch.nn.InstanceNorm1d`.
 * Weight and bias, and running statistics, are there only where asked for.
 *
 * @throws Error `expected 2D or 3D input (got 4D input)`
 * @example
 * new nn.InstanceNorm1d(3) // InstanceNorm1d(3, eps=1e-05, momentum=0.1, affine=False, track_running_stats=False)
 */
export class InstanceNorm1d extends InstanceNorm {
  protected get batchedDims(): number {
    return 3
  }
}

/**
 * Instance normalisation of [N, C, H, W] or [C, H, W], as `torch.nn.InstanceNorm2d`; see `InstanceNorm1d`.
 *
 * @throws Error `expected 3D or 4D input (got 2D input)`
 * @example
 * new nn.InstanceNorm2d(3, { affine: true })(torch.randn(2, 3, 4, 4)).shape // [ 2, 3, 4, 4 ]
 */
export class InstanceNorm2d extends InstanceNorm {
  protected get batchedDims(): number {
    return 4
  }
}

/**
 * Instance normalisation of [N, C, D, H, W] or [C, D, H, W], as `torch.nn.InstanceNorm3d`; see `InstanceNorm1d`.
 *
 * @throws Error `expected 4D or 5D input (got 2D input)`
 * @example
 * new nn.InstanceNorm3d(3)(torch.randn(3, 2, 4, 4)).shape // [ 3, 2, 4, 4 ]
 */
export class InstanceNorm3d extends InstanceNorm {
  protected get batchedDims(): number {
    return 5
  }
}
