/** softmax and its logarithm. */

import { type Arguments, readArguments } from '../core/arguments.js'
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
  dim?: number
  /** Cast to this dtype first. */
  dtype?: DType | null
}
/** `dim` and `dtype`, by position or by name. */
export type SoftmaxArguments = Arguments<[dim: number, dtype: DType | null], SoftmaxOptions>

function run(log: boolean, self: Tensor, dim: number, dtype: DType | null | undefined): Tensor {
  const x = dtype ? to(self, dtype) : self
  const name = log ? 'log_softmax' : 'softmax'
  if (!isFloatingPoint(x.dtype)) throw new Error(`"${name}_lastdim_kernel_impl" not implemented for '${scalarName(x.dtype)}'`)
  return softmaxes[log ? 'log' : 'plain']([x], { dim: wrapDim(dim, self.ndim), log })[0]
}
function call(log: boolean, self: Tensor, args: readonly unknown[]): Tensor {
  if (args.length === 1 && typeof args[0] === 'number') return run(log, self, args[0], null)
  const name = log ? 'log_softmax' : 'softmax'
  const { dim, dtype } = readArguments<SoftmaxOptions>(name, args, ['dim', 'dtype'])
  if (typeof dim !== 'number') throw new TypeError(`${name}() missing 1 required positional arguments: "dim"`)
  return run(log, self, dim, dtype)
}
/**
 * e^x / Σ e^x along `dim`, as `torch.softmax`: of the input's shape, each slice along `dim` sums to 1.
 *
 * @throws Error for integers without a `dtype`.
 * @example
 * torch.softmax(torch.tensor([[1, 1], [0, 2]]), 1)
 * // tensor([[0.5000, 0.5000],
 * //         [0.1192, 0.8808]])
 */
export const softmax = (self: Tensor, ...args: SoftmaxArguments): Tensor => call(false, self, args)
/**
 * x − ln Σ e^x along `dim`, as `torch.log_softmax`.
 *
 * @throws Error for integers without a `dtype`.
 * @example
 * torch.logSoftmax(torch.tensor([0, 2]), { dim: 0 }) // tensor([-2.1269, -0.1269])
 */
export const logSoftmax = (self: Tensor, ...args: SoftmaxArguments): Tensor => call(true, self, args)
