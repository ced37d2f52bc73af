/** softmax and its relatives as modules. */

import { type Arguments, readArguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import { logSoftmax, softmax, softmin } from './functional/activation.js'
import { Module } from './module.js'
import { python } from './repr.js'

export interface DimOptions {
  /** The dimension; without one it is guessed from the number of dimensions, with a warning. */
  dim?: number | null
}

/** What those along one dimension share. */
abstract class AlongDim extends Module {
  readonly dim: number | null

  constructor(...args: Arguments<[dim: number | null], DimOptions>) {
    super()
    this.dim = readArguments<DimOptions>(new.target.name, args, ['dim']).dim ?? null
  }

  override extraRepr(): string {
    return `dim=${python(this.dim)}`
  }
}

/**
 * e^x / Σ e^x along `dim`, as `torch.nn.Softmax`.
 *
 * @example
 * new nn.Softmax(0)(torch.tensor([0, 2])) // tensor([0.1192, 0.8808])
 */
export class Softmax extends AlongDim {
  override forward(input: Tensor): Tensor {
    return softmax(input, this.dim)
  }
}

/**
 * x − ln Σ e^x along `dim`, as `torch.nn.LogSoftmax`.
 *
 * @example
 * new nn.LogSoftmax({ dim: 0 })(torch.tensor([0, 2])) // tensor([-2.1269, -0.1269])
 */
export class LogSoftmax extends AlongDim {
  override forward(input: Tensor): Tensor {
    return logSoftmax(input, this.dim)
  }
}

/**
 * softmax(−x) along `dim`, as `torch.nn.Softmin`.
 *
 * @example
 * new nn.Softmin(0)(torch.tensor([0, 2])) // tensor([0.8808, 0.1192])
 */
export class Softmin extends AlongDim {
  override forward(input: Tensor): Tensor {
    return softmin(input, this.dim)
  }
}

/**
 * softmax over the channels of [N, C, H, W] or [C, H, W], as `torch.nn.Softmax2d`.
 *
 * @throws Error for inputs of other dimensions.
 * @example
 * new nn.Softmax2d()(torch.zeros(2, 3, 3)).at(0, 0, 0).item() // 0.5
 */
export class Softmax2d extends Module {
  override forward(input: Tensor): Tensor {
    if (input.ndim !== 3 && input.ndim !== 4) throw new Error('Softmax2d requires a 3D or 4D tensor as input')
    return softmax(input, -3)
  }
}
