/** The activations of `torch.nn.functional` that may write over their input. */

import { type Arguments, readArgument, readArguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import * as activation from '../ops/activation.js'
import type { Unary, WithInPlace } from '../ops/define.js'
import * as nonlinear from '../ops/nonlinear.js'

export interface InplaceOptions {
  /** Write the result over the input. */
  inplace?: boolean
}
/** An activation without parameters: `relu(x)`, `relu(x, true)`, `relu(x, { inplace: true })`. */
export type Activation = (input: Tensor, inplace?: boolean | InplaceOptions) => Tensor
/** An activation with parameters, the last of which is `inplace`. */
export type ActivationWith<P extends readonly unknown[], O> = (
  input: Tensor,
  ...args: Arguments<[...P, inplace: boolean], O & InplaceOptions>
) => Tensor

const plain =
  (name: string, op: Unary): Activation =>
  (input, inplace) =>
    readArgument<boolean>(name, 'inplace', inplace, false) ? op.inPlace(input) : op(input)

function withParameters<P extends readonly unknown[], O extends object>(
  name: string,
  parameters: readonly (keyof O & string)[],
  op: WithInPlace<(input: Tensor, options: O) => Tensor>,
): ActivationWith<P, O> {
  const names = [...parameters, 'inplace'] as const
  return (input, ...args) => {
    const { inplace, ...options } = readArguments<O & InplaceOptions>(name, args, names)
    return inplace ? op.inPlace(input, options as O) : op(input, options as O)
  }
}

/**
 * max(x, 0), as `torch.nn.functional.relu`.
 *
 * @example
 * F.relu(torch.tensor([-1, 2])).tolist() // [0, 2]
 */
export const relu: Activation = plain('relu', activation.relu)
/**
 * x · sigmoid(x), as `torch.nn.functional.silu`.
 *
 * @throws Error for integers
 * @example
 * F.silu(torch.tensor([0, 1])) // tensor([0.0000, 0.7311])
 */
export const silu: Activation = plain('silu', activation.silu)
/**
 * scale · x where positive, scale · alpha · (e^x − 1) elsewhere, as `torch.nn.functional.selu`: outputs of mean 0 and
 * variance 1 for such inputs.
 *
 * @throws Error for integers
 * @example
 * F.selu(torch.tensor([-1, 1])) // tensor([-1.1113,  1.0507])
 */
export const selu: Activation = plain('selu', nonlinear.selu)
/**
 * x · tanh(ln(1 + e^x)), as `torch.nn.functional.mish`.
 *
 * @throws Error for integers
 * @example
 * F.mish(torch.tensor([0, 1])) // tensor([0.0000, 0.8651])
 */
export const mish: Activation = plain('mish', nonlinear.mish)
/**
 * x limited to [0, 6], as `torch.nn.functional.relu6`.
 *
 * @example
 * F.relu6(torch.tensor([-1, 3, 9])).tolist() // [0, 3, 6]
 */
export const relu6: Activation = plain('relu6', nonlinear.relu6)
/**
 * x/6 + 1/2 limited to [0, 1], as `torch.nn.functional.hardsigmoid`.
 *
 * @throws Error for integers
 * @example
 * F.hardsigmoid(torch.tensor([-3, 0, 3])).tolist() // [0, 0.5, 1]
 */
export const hardsigmoid: Activation = plain('hardsigmoid', nonlinear.hardsigmoid)
/**
 * x · hardsigmoid(x), as `torch.nn.functional.hardswish`.
 *
 * @throws Error for integers
 * @example
 * F.hardswish(torch.tensor([-3, 0, 3])).tolist() // [0, 0, 3]
 */
export const hardswish: Activation = plain('hardswish', nonlinear.hardswish)
/**
 * x where positive, negativeSlope · x elsewhere, as `torch.nn.functional.leaky_relu`. The slope is 0.01 unless given.
 *
 * @throws Error for integers
 * @example
 * F.leakyRelu(torch.tensor([2, -1]), 0.5).tolist() // [2, -0.5]
 */
export const leakyRelu = withParameters<[negativeSlope: number], { negativeSlope?: number }>(
  'leaky_relu',
  ['negativeSlope'],
  activation.leakyRelu,
)
/**
 * x where positive, alpha · (e^x − 1) elsewhere, as `torch.nn.functional.elu`. alpha is 1 unless given.
 *
 * @throws Error for integers
 * @example
 * F.elu(torch.tensor([2, -1])) // tensor([ 2.0000, -0.6321])
 */
export const elu = withParameters<[alpha: number], { alpha?: number }>('elu', ['alpha'], nonlinear.elu)
/**
 * x where positive, alpha · (e^(x/alpha) − 1) elsewhere, as `torch.nn.functional.celu`. alpha is 1 unless given.
 *
 * @throws Error for integers
 * @example
 * F.celu(torch.tensor([2, -1]), { alpha: 2 }) // tensor([ 2.0000, -0.7869])
 */
export const celu = withParameters<[alpha: number], { alpha?: number }>('celu', ['alpha'], nonlinear.celu)
/**
 * x limited to [minVal, maxVal], [−1, 1] unless given, as `torch.nn.functional.hardtanh`.
 *
 * @example
 * F.hardtanh(torch.tensor([-2, 0.5, 2])).tolist() // [-1, 0.5, 1]
 */
export const hardtanh = withParameters<[minVal: number, maxVal: number], nonlinear.HardtanhOptions>(
  'hardtanh',
  ['minVal', 'maxVal'],
  nonlinear.hardtanh,
)
/**
 * x above the threshold, `value` elsewhere, as `torch.nn.functional.threshold`.
 *
 * @example
 * F.threshold(torch.tensor([0.5, 2]), 1, 20).tolist() // [20, 2]
 */
export const threshold = (input: Tensor, limit: number, value: number, inplace?: boolean | InplaceOptions): Tensor =>
  (readArgument<boolean>('threshold', 'inplace', inplace, false) ? nonlinear.threshold.inPlace : nonlinear.threshold)(
    input,
    limit,
    value,
  )

const { inPlace: relu_ } = activation.relu
const { inPlace: selu_ } = nonlinear.selu
const { inPlace: leakyRelu_ } = activation.leakyRelu
const { inPlace: elu_ } = nonlinear.elu
const { inPlace: celu_ } = nonlinear.celu
const { inPlace: hardtanh_ } = nonlinear.hardtanh
const { inPlace: threshold_ } = nonlinear.threshold

export { celu_, elu_, hardtanh_, leakyRelu_, relu_, selu_, threshold_ }
