/** Parameters: the tensors that modules own and optimizers change. */

import { metaOf, Tensor } from '../core/tensor.js'
import { showParameter } from '../show.js'

/**
 * A tensor that is a module's parameter when assigned to one of its properties, as `torch.nn.Parameter`. It shares the
 * memory of the tensor it is made of and requires gradients unless told otherwise.
 *
 * @example
 * class Scale extends nn.Module {
 *   weight = new nn.Parameter(torch.ones(3))
 *   forward(x: Tensor): Tensor { return x.mul(this.weight) }
 * }
 */
export class Parameter extends Tensor {
  constructor(data: Tensor, options: { requiresGrad?: boolean } = {}) {
    super(data.storage, data.layout, data.dtype)
    this.requiresGrad = options.requiresGrad ?? true
  }

  override toString(): string {
    return showParameter(this)
  }
}

/**
 * Puts other data behind a leaf, which stays the same object: whoever holds it (an optimizer) sees the change.
 * @internal
 */
export function replaceData(leaf: Tensor, data: Tensor): void {
  Object.assign(leaf as { -readonly [K in keyof Tensor]: Tensor[K] }, {
    storage: data.storage,
    layout: data.layout,
    dtype: data.dtype,
  })
  // The node that accumulates gradients knows the dtype they must have: a new one is made when needed.
  if (leaf.meta !== null) metaOf(leaf).accumulator = null
}
