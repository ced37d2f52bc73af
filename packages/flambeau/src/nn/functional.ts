/** `torch.nn.functional`. */

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
export {
  type Activation,
  celu,
  type EluOptions,
  elu,
  type GluOptions,
  glu,
  type HardtanhOptions,
  hardshrink,
  hardsigmoid,
  hardswish,
  hardtanh,
  type InplaceOptions,
  logsigmoid,
  mish,
  prelu,
  relu6,
  type ShrinkOptions,
  type SoftplusOptions,
  selu,
  softplus,
  softshrink,
  softsign,
  tanhshrink,
  threshold,
} from '../ops/nonlinear.js'
export { type AvgPoolOptions, avgPool2d, type MaxPoolOptions, maxPool2d, maxPool2dWithIndices } from '../ops/pool.js'
export * from './functional/activation.js'
export {
  type AttentionOptions,
  type MultiHeadAttentionOptions,
  multiHeadAttentionForward,
  scaledDotProductAttention,
} from './functional/attention.js'
export * from './functional/dropout.js'
