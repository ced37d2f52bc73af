/** `torch.nn.functional`. */

import type { Tensor } from '../core/tensor.js'
import * as activation from '../ops/activation.js'
import { copy_ } from '../ops/cast.js'
import { dropout as drop, type Generator } from '../ops/random.js'

export { type GeluOptions, gelu } from '../ops/activation.js'
export {
  type ConvOptions,
  type ConvTransposeOptions,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
} from '../ops/conv.js'
export { sigmoid, tanh } from '../ops/elementary.js'
export { type FoldOptions, fold, unfold } from '../ops/fold.js'
export {
  type AffineGridOptions,
  affineGrid,
  type GridSampleOptions,
  gridSample,
  type SampleMode,
  type SamplePadding,
} from '../ops/gridSample.js'
export { embedding } from '../ops/indexing.js'
export {
  type InterpolateOptions,
  type InterpolationMode,
  interpolate,
  upsample,
  upsampleBilinear,
  upsampleNearest,
} from '../ops/interpolate.js'
export {
  type LocalResponseNormOptions,
  type LpPoolOptions,
  localResponseNorm,
  lpPool1d,
  lpPool2d,
} from '../ops/localNorm.js'
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
export { type PadMode, type PadOptions, pad } from '../ops/pad.js'
export {
  type AdaptiveSize,
  type AvgPoolNdOptions,
  type AvgPoolOptions,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  type Pooled,
} from '../ops/pool.js'
export { channelShuffle, pixelShuffle, pixelUnshuffle } from '../ops/shuffle.js'
export { logSoftmax, type SoftmaxOptions, softmax } from '../ops/softmax.js'
export {
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  type FractionalMaxPoolOptions,
  fractionalMaxPool2d,
  fractionalMaxPool3d,
  type MaxUnpoolOptions,
  maxUnpool1d,
  maxUnpool2d,
  maxUnpool3d,
  type ReturnIndicesOptions,
} from '../ops/windowPool.js'

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
