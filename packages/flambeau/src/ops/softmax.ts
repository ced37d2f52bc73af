/** softmax and its logarithm. */

import { type DType, isFloatingPoint, scalarName } from '../core/dtype.js'
import { isGradEnabled } from '../core/graph.js'
import { wrapDim } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { mul, sub } from './arithmetic.js'
import { to } from './cast.js'
import { defineOp, emptyTensor } from './dispatch.js'
import { exp } from './elementary.js'
import { sum } from './reduce.js'

interface Attributes {
  readonly dim: number
  readonly log: boolean
}

function softmaxOp(log: boolean) {
  return defineOp<Attributes>({
    name: log ? 'LogSoftmax' : 'Softmax',
    forward: ([x], { dim }) => {
      const out = emptyTensor(x.storage.allocator, x.layout.shape, x.dtype)
      if (out.layout.numel > 0) x.storage.allocator.run('softmax', x, out, dim, log)
      return [out]
    },
    save: (_, [out]) => [out],
    backward: ([g], { saved: [out], attrs }) => [gradient(g!, out, attrs)],
  })
}
const softmaxes = { plain: softmaxOp(false), log: softmaxOp(true) }

function gradient(g: Tensor, out: Tensor, { dim, log }: Attributes): Tensor {
  // The fused kernel is not recorded; where a second derivative is wanted the same formula is written in ops.
  if (isGradEnabled() && (g.requiresGrad || out.requiresGrad))
    return log
      ? sub(g, mul(exp(out), sum(g, dim, { keepdim: true })))
      : mul(out, sub(g, sum(mul(g, out), dim, { keepdim: true })))
  const gradX = emptyTensor(g.storage.allocator, out.layout.shape, out.dtype)
  if (gradX.layout.numel > 0) g.storage.allocator.run('softmaxBackward', g, out, gradX, dim, log)
  return gradX
}

export interface SoftmaxOptions {
  /** Cast to this dtype first. */
  dtype?: DType
}
function run(log: boolean, self: Tensor, dim: number, options: SoftmaxOptions): Tensor {
  const x = options.dtype === undefined ? self : to(self, options.dtype)
  const name = log ? 'log_softmax' : 'softmax'
  if (!isFloatingPoint(x.dtype)) throw new Error(`"${name}_lastdim_kernel_impl" not implemented for '${scalarName(x.dtype)}'`)
  return softmaxes[log ? 'log' : 'plain']([x], { dim: wrapDim(dim, self.ndim), log })[0]
}
/** e^x / Σ e^x along `dim`, as `torch.softmax`. */
export const softmax = (self: Tensor, dim: number, options: SoftmaxOptions = {}): Tensor => run(false, self, dim, options)
/** x − ln Σ e^x along `dim`, as `torch.log_softmax`. */
export const logSoftmax = (self: Tensor, dim: number, options: SoftmaxOptions = {}): Tensor => run(true, self, dim, options)
