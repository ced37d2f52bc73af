/** Modules that learn their input's size from the first input. */

import { noGrad } from '../autograd/mode.js'
import type { Shape } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { empty } from '../ops/creation.js'
import type { FactoryOptions } from './linear.js'
import type { Module } from './module.js'
import { Parameter, replaceData } from './parameter.js'

/**
 * A parameter whose shape is not known yet, as `torch.nn.UninitializedParameter`: without elements until `materialize`.
 *
 * @example
 * const layer = new nn.LazyConv2d(8, 3)
 * layer.weight instanceof nn.UninitializedParameter // true
 * layer(torch.randn(1, 3, 5, 5)).shape // [ 1, 8, 3, 3 ]
 * layer.weight.shape // [ 8, 3, 3, 3 ]
 */
export class UninitializedParameter extends Parameter {
  constructor(options: FactoryOptions & { requiresGrad?: boolean } = {}) {
    const { requiresGrad = true, ...factory } = options
    super(empty([0], factory), { requiresGrad })
  }

  /** Gives the parameter its shape, with uninitialised contents: it is an ordinary one from then on. */
  materialize(shape: Shape): void {
    noGrad(() => {
      replaceData(this, empty(shape, { dtype: this.dtype, device: this.device }))
    })
    Object.setPrototypeOf(this, Parameter.prototype)
  }

  override toString(): string {
    return '<UninitializedParameter>'
  }
}

/**
 * A buffer whose shape is not known yet, as `torch.nn.parameter.UninitializedBuffer`: without elements until `materialize`.
 *
 * @example
 * const layer = new nn.LazyBatchNorm1d()
 * layer.running_mean instanceof nn.UninitializedBuffer // true
 * layer(torch.randn(2, 3)).shape // [ 2, 3 ]
 * layer.running_mean.shape // [ 3 ]
 */
export class UninitializedBuffer extends Tensor {
  constructor(options: FactoryOptions = {}) {
    const { storage, layout, dtype } = empty([0], options)
    super(storage, layout, dtype)
  }

  /** Gives the buffer its shape, with uninitialised contents: it is an ordinary tensor from then on. */
  materialize(shape: Shape): void {
    replaceData(this, empty(shape, { dtype: this.dtype, device: this.device }))
    Object.setPrototypeOf(this, Tensor.prototype)
  }

  override toString(): string {
    return '<UninitializedBuffer>'
  }
}

/** Whether a module has parameters or buffers without a shape. */
export function hasUninitializedParameters(module: Module): boolean {
  for (const [, parameter] of module.ownParameters()) if (parameter instanceof UninitializedParameter) return true
  for (const [, buffer] of module.ownBuffers()) if (buffer instanceof UninitializedBuffer) return true
  return false
}
