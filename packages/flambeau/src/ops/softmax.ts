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
  dtype?: DType | null
}
/** `(1)`, `({ dim: 1 })`, `(1, { dtype })`. */
export type SoftmaxArguments = [dim: number | (SoftmaxOptions & { dim: number }), options?: SoftmaxOptions]
function run(log: boolean, self: Tensor, [first, second]: SoftmaxArguments): Tensor {
  const name = log ? 'log_softmax' : 'softmax'
  const { dim, dtype = null } = typeof first === 'object' ? first : { ...second, dim: first }
  if (typeof dim !== 'number') throw new TypeError(`${name}() missing 1 required positional argument: 'dim'`)
  const x = dtype === null ? self : to(self, dtype)
  if (!isFloatingPoint(x.dtype)) throw new Error(`"${name}_lastdim_kernel_impl" not implemented for '${scalarName(x.dtype)}'`)
  return softmaxes[log ? 'log' : 'plain']([x], { dim: wrapDim(dim, self.ndim), log })[0]
}
/**
 * e^x / Σ e^x along `dim`, as `torch.softmax`: what it gives is positive and sums to 1 there.
 *
 * @throws Error for integers, unless a dtype is given
 * @example
 * torch.tensor([[1, 2], [3, 3]]).softmax(1)
 * // tensor([[0.2689, 0.7311],
 * //         [0.5000, 0.5000]])
 * torch.softmax(torch.zeros(4), { dim: 0 }).tolist() // [0.25, 0.25, 0.25, 0.25]
 */
export const softmax = (self: Tensor, ...args: SoftmaxArguments): Tensor => run(false, self, args)
/**
 * x − ln Σ e^x along `dim`, without overflow, as `torch.log_softmax`.
 *
 * @throws Error for integers, unless a dtype is given
 * @example
 * torch.tensor([1, 2]).logSoftmax(0) // tensor([-1.3133, -0.3133])
 */
export const logSoftmax = (self: Tensor, ...args: SoftmaxArguments): Tensor => run(true, self, args)
