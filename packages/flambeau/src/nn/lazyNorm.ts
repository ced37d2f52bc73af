/** Batch and instance normalisation that learn the number of channels from their first input. */

import { noGrad } from '../autograd/mode.js'
import { readArguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  type NormArguments,
  type NormBase,
  type NormOptions,
  normNames,
} from './batchnorm.js'
import { hasUninitializedParameters, UninitializedBuffer, UninitializedParameter } from './lazy.js'

/** Parameters and running statistics without a shape, of the dtypes that they were made with. */
function forget(module: NormBase): void {
  if (module.weight !== null) module.weight = new UninitializedParameter({ dtype: module.weight.dtype })
  if (module.bias !== null) module.bias = new UninitializedParameter({ dtype: module.bias.dtype })
  if (module.running_mean !== null) module.running_mean = new UninitializedBuffer({ dtype: module.running_mean.dtype })
  if (module.running_var !== null) module.running_var = new UninitializedBuffer({ dtype: module.running_var.dtype })
}

/** An instance norm that is lazy has parameters and running statistics unless told otherwise, which others have not: PyTorch's way. */
const instanceOptions = (name: string, args: NormArguments): NormOptions => ({
  affine: true,
  trackRunningStats: true,
  ...readArguments<NormOptions>(name, args, normNames, ['dtype', 'device']),
})

/** Gives everything its shape; the module is an ordinary one from then on. */
function becomeEager(module: NormBase, input: Tensor, eager: { readonly prototype: object }): void {
  if (hasUninitializedParameters(module)) {
    if (input.ndim < 2) throw new RangeError('tuple index out of range')
    const features = input.layout.shape[1]
    module.numFeatures = features
    noGrad(() => {
      for (const t of [module.weight, module.bias, module.running_mean, module.running_var])
        if (t instanceof UninitializedParameter || t instanceof UninitializedBuffer) t.materialize([features])
    })
    module.resetParameters()
  }
  Object.setPrototypeOf(module, eager.prototype)
}

/**
 * A `BatchNorm1d` that takes the number of its channels from the first input, as `torch.nn.LazyBatchNorm1d`.
 *
 * @example
 * const layer = new nn.LazyBatchNorm1d({ eps: 0.5 })
 * layer(torch.randn(2, 3, 5)).shape // [ 2, 3, 5 ]
 * layer // BatchNorm1d(3, eps=0.5, momentum=0.1, affine=True, track_running_stats=True)
 */
export class LazyBatchNorm1d extends BatchNorm1d {
  constructor(...args: NormArguments) {
    super(0, ...args)
    forget(this)
  }

  override forward(input: Tensor): Tensor {
    becomeEager(this, input, BatchNorm1d)
    return this.forward(input)
  }
}

/**
 * A `BatchNorm2d` that takes the number of its channels from the first input, as `torch.nn.LazyBatchNorm2d`.
 *
 * @example
 * const layer = new nn.LazyBatchNorm2d({ eps: 0.5 })
 * layer(torch.randn(2, 3, 4, 4)).shape // [ 2, 3, 4, 4 ]
 * layer // BatchNorm2d(3, eps=0.5, momentum=0.1, affine=True, track_running_stats=True)
 */
export class LazyBatchNorm2d extends BatchNorm2d {
  constructor(...args: NormArguments) {
    super(0, ...args)
    forget(this)
  }

  override forward(input: Tensor): Tensor {
    becomeEager(this, input, BatchNorm2d)
    return this.forward(input)
  }
}

/**
 * A `BatchNorm3d` that takes the number of its channels from the first input, as `torch.nn.LazyBatchNorm3d`.
 *
 * @example
 * const layer = new nn.LazyBatchNorm3d({ eps: 0.5 })
 * layer(torch.randn(2, 3, 2, 4, 4)).shape // [ 2, 3, 2, 4, 4 ]
 * layer // BatchNorm3d(3, eps=0.5, momentum=0.1, affine=True, track_running_stats=True)
 */
export class LazyBatchNorm3d extends BatchNorm3d {
  constructor(...args: NormArguments) {
    super(0, ...args)
    forget(this)
  }

  override forward(input: Tensor): Tensor {
    becomeEager(this, input, BatchNorm3d)
    return this.forward(input)
  }
}

/**
 * A `InstanceNorm1d` that takes the number of its channels from the first input, as `torch.nn.LazyInstanceNorm1d`.
 *
 * @example
 * const layer = new nn.LazyInstanceNorm1d({ eps: 0.5 })
 * layer(torch.randn(2, 3, 5)).shape // [ 2, 3, 5 ]
 * layer // InstanceNorm1d(3, eps=0.5, momentum=0.1, affine=True, track_running_stats=True)
 */
export class LazyInstanceNorm1d extends InstanceNorm1d {
  constructor(...args: NormArguments) {
    super(0, instanceOptions(new.target.name, args))
    forget(this)
  }

  override forward(input: Tensor): Tensor {
    becomeEager(this, input, InstanceNorm1d)
    return this.forward(input)
  }
}

/**
 * A `InstanceNorm2d` that takes the number of its channels from the first input, as `torch.nn.LazyInstanceNorm2d`.
 *
 * @example
 * const layer = new nn.LazyInstanceNorm2d({ eps: 0.5 })
 * layer(torch.randn(2, 3, 4, 4)).shape // [ 2, 3, 4, 4 ]
 * layer // InstanceNorm2d(3, eps=0.5, momentum=0.1, affine=True, track_running_stats=True)
 */
export class LazyInstanceNorm2d extends InstanceNorm2d {
  constructor(...args: NormArguments) {
    super(0, instanceOptions(new.target.name, args))
    forget(this)
  }

  override forward(input: Tensor): Tensor {
    becomeEager(this, input, InstanceNorm2d)
    return this.forward(input)
  }
}

/**
 * A `InstanceNorm3d` that takes the number of its channels from the first input, as `torch.nn.LazyInstanceNorm3d`.
 *
 * @example
 * const layer = new nn.LazyInstanceNorm3d({ eps: 0.5 })
 * layer(torch.randn(2, 3, 2, 4, 4)).shape // [ 2, 3, 2, 4, 4 ]
 * layer // InstanceNorm3d(3, eps=0.5, momentum=0.1, affine=True, track_running_stats=True)
 */
export class LazyInstanceNorm3d extends InstanceNorm3d {
  constructor(...args: NormArguments) {
    super(0, instanceOptions(new.target.name, args))
    forget(this)
  }

  override forward(input: Tensor): Tensor {
    becomeEager(this, input, InstanceNorm3d)
    return this.forward(input)
  }
}
