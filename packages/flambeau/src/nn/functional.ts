/** `torch.nn.functional`. */

import type { Tensor } from '../core/tensor.js'
import * as activation from '../ops/activation.js'
import { copy_ } from '../ops/cast.js'
import { dropout as drop, type Generator } from '../ops/random.js'

export { type GeluOptions, gelu } from '../ops/activation.js'
export { type BatchNormOptions, batchNorm, type InstanceNormOptions, instanceNorm } from '../ops/batchNorm.js'
export { type ConvOptions, conv2d } from '../ops/conv.js'
export { sigmoid, tanh } from '../ops/elementary.js'
export { embedding } from '../ops/indexing.js'
export { groupNorm, type LayerNormOptions, layerNorm, type RmsNormOptions, rmsNorm } from '../ops/layerNorm.js'
export {
  type BceWithLogitsOptions,
  binaryCrossEntropyWithLogits,
  type CrossEntropyOptions,
  crossEntropy,
  type LossOptions,
  type LossReduction,
  l1Loss,
  mseLoss,
  type NllLossOptions,
  nllLoss,
} from '../ops/loss.js'
export { linear } from '../ops/matmul.js'
export { type AvgPoolOptions, avgPool2d, type MaxPoolOptions, maxPool2d, maxPool2dWithIndices } from '../ops/pool.js'
export { logSoftmax, type SoftmaxOptions, softmax } from '../ops/softmax.js'

export interface InplaceOptions {
  /** Write the result over the input. */
  inplace?: boolean
}

/** max(x, 0). */
export const relu = (input: Tensor, options: InplaceOptions = {}): Tensor =>
  options.inplace ? activation.relu.inPlace(input) : activation.relu(input)
/** x · sigmoid(x). */
export const silu = (input: Tensor, options: InplaceOptions = {}): Tensor =>
  options.inplace ? activation.silu.inPlace(input) : activation.silu(input)
/** x where positive, slope · x elsewhere. */
export const leakyRelu = (input: Tensor, negativeSlope = 0.01, options: InplaceOptions = {}): Tensor =>
  options.inplace ? activation.leakyRelu.inPlace(input, negativeSlope) : activation.leakyRelu(input, negativeSlope)

export interface DropoutOptions extends InplaceOptions {
  generator?: Generator | null
}
/** Zeros each element with probability p and scales the others by 1/(1 − p) while training. */
export function dropout(input: Tensor, p = 0.5, training = true, options: DropoutOptions = {}): Tensor {
  const { inplace = false, generator } = options
  const result = drop(input, p, training, { generator })
  return inplace && result !== input ? copy_(input, result) : result
}
