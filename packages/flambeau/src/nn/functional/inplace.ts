/** The activations that write over their input under names of their own. */

import * as activation from '../../ops/activation.js'
import * as nonlinear from '../../ops/nonlinear.js'

/**
 * `celu` over its input, as `torch.nn.functional.celu_`.
 *
 * @example
 * F.celu_(torch.tensor([2, -1]), 2) // tensor([ 2.0000, -0.7869])
 */
export const celu_ = nonlinear.celu.inPlace

/**
 * `elu` over its input, as `torch.nn.functional.elu_`.
 *
 * @example
 * F.elu_(torch.tensor([2, -1])) // tensor([ 2.0000, -0.6321])
 */
export const elu_ = nonlinear.elu.inPlace

/**
 * `hardtanh` over its input, as `torch.nn.functional.hardtanh_`.
 *
 * @example
 * F.hardtanh_(torch.tensor([-2, 0.5, 2])).tolist() // [-1, 0.5, 1]
 */
export const hardtanh_ = nonlinear.hardtanh.inPlace

/**
 * `leakyRelu` over its input, as `torch.nn.functional.leaky_relu_`.
 *
 * @example
 * F.leakyRelu_(torch.tensor([2, -1]), 0.5).tolist() // [2, -0.5]
 */
export const leakyRelu_ = activation.leakyRelu.inPlace

/**
 * `relu` over its input, as `torch.nn.functional.relu_`.
 *
 * @example
 * F.relu_(torch.tensor([-1, 2])).tolist() // [0, 2]
 */
export const relu_ = activation.relu.inPlace

/**
 * `selu` over its input, as `torch.nn.functional.selu_`.
 *
 * @example
 * F.selu_(torch.tensor([-1, 1])) // tensor([-1.1113,  1.0507])
 */
export const selu_ = nonlinear.selu.inPlace

/**
 * `threshold` over its input, as `torch.nn.functional.threshold_`.
 *
 * @example
 * F.threshold_(torch.tensor([0.5, 2]), 1, 20).tolist() // [20, 2]
 */
export const threshold_ = nonlinear.threshold.inPlace
