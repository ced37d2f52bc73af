/** Activations as `torch.nn.functional` has them, where that differs from the op. */

import { type Arguments, readArguments } from '../../core/arguments.js'
import type { Tensor } from '../../core/tensor.js'
import * as ops from '../../ops/activation.js'
import { neg } from '../../ops/arithmetic.js'
import type { InplaceOptions } from '../../ops/nonlinear.js'
import * as softmaxes from '../../ops/softmax.js'

/** Whether `inplace` was asked for; read by hand, because these run once per layer and step. */
const isInplace = (inplace: boolean | InplaceOptions | undefined): boolean =>
  typeof inplace === 'object' ? inplace.inplace === true : inplace === true

/**
 * max(x, 0), as `torch.nn.functional.relu`. NaN stays NaN.
 *
 * @example
 * F.relu(torch.tensor([-1, 2])) // tensor([0., 2.])
 */
export const relu = Object.assign(
  (input: Tensor, inplace?: boolean | InplaceOptions): Tensor => (isInplace(inplace) ? ops.relu.inPlace(input) : ops.relu(input)),
  { inPlace: ops.relu.inPlace },
)
/**
 * x · sigmoid(x), as `torch.nn.functional.silu`.
 *
 * @example
 * F.silu(torch.tensor([-1, 2])) // tensor([-0.2689,  1.7616])
 */
export const silu = Object.assign(
  (input: Tensor, inplace?: boolean | InplaceOptions): Tensor => (isInplace(inplace) ? ops.silu.inPlace(input) : ops.silu(input)),
  { inPlace: ops.silu.inPlace },
)
export interface LeakyReluOptions extends InplaceOptions {
  negativeSlope?: number
}
/**
 * x where positive, negativeSlope · x elsewhere, as `torch.nn.functional.leaky_relu`.
 *
 * @example
 * F.leakyRelu(torch.tensor([-1, 2]), 0.1) // tensor([-0.1000,  2.0000])
 */
export const leakyRelu = Object.assign(
  (input: Tensor, ...args: Arguments<[negativeSlope: number, inplace: boolean], LeakyReluOptions>): Tensor => {
    const { negativeSlope = 0.01, inplace } = readArguments<LeakyReluOptions>('leaky_relu', args, ['negativeSlope', 'inplace'])
    return inplace ? ops.leakyRelu.inPlace(input, negativeSlope) : ops.leakyRelu(input, negativeSlope)
  },
  { inPlace: ops.leakyRelu.inPlace },
)

export interface FunctionalSoftmaxOptions extends Omit<softmaxes.SoftmaxOptions, 'dim'> {
  /** The dimension; without one it is guessed from the number of dimensions, with a warning. */
  dim?: number | null
}
type SoftmaxCall = Arguments<[dim: number | null, dtype: softmaxes.SoftmaxOptions['dtype']], FunctionalSoftmaxOptions>

function softmaxOf(name: string, op: typeof softmaxes.softmax, input: Tensor, args: readonly unknown[]): Tensor {
  if (args.length === 1 && typeof args[0] === 'number') return op(input, args[0])
  const { dim, dtype } = readArguments<FunctionalSoftmaxOptions>(name, args, ['dim', 'dtype'])
  return op(input, { dim: dim ?? implicitDim(name, input.ndim), dtype })
}
/** PyTorch's old guess of the dimension of classes. */
function implicitDim(name: string, ndim: number): number {
  console.warn(`Implicit dimension choice for ${name} has been deprecated. Change the call to include dim=X as an argument.`)
  return ndim === 0 || ndim === 1 || ndim === 3 ? 0 : 1
}
/**
 * e^x / Σ e^x along `dim`, as `torch.nn.functional.softmax`.
 *
 * @throws Error for integers without a `dtype`.
 * @example
 * F.softmax(torch.tensor([0, 2]), 0) // tensor([0.1192, 0.8808])
 */
export const softmax = (input: Tensor, ...args: SoftmaxCall): Tensor => softmaxOf('softmax', softmaxes.softmax, input, args)
/**
 * x − ln Σ e^x along `dim`, as `torch.nn.functional.log_softmax`: steadier than the logarithm of a softmax.
 *
 * @throws Error for integers without a `dtype`.
 * @example
 * F.logSoftmax(torch.tensor([0, 2]), { dim: 0 }) // tensor([-2.1269, -0.1269])
 */
export const logSoftmax = (input: Tensor, ...args: SoftmaxCall): Tensor =>
  softmaxOf('log_softmax', softmaxes.logSoftmax, input, args)
/**
 * softmax(−x) along `dim`, as `torch.nn.functional.softmin`.
 *
 * @throws Error for integers without a `dtype`.
 * @example
 * F.softmin(torch.tensor([0, 2]), 0) // tensor([0.8808, 0.1192])
 */
export const softmin = (input: Tensor, ...args: SoftmaxCall): Tensor =>
  softmaxOf('softmin', (self, ...rest) => softmaxes.softmax(neg(self), ...rest), input, args)
