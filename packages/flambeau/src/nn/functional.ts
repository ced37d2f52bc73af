/** `torch.nn.functional`. */

export { type GeluOptions, gelu } from '../ops/activation.js'
export { type BatchNormOptions, batchNorm, type InstanceNormOptions, instanceNorm } from '../ops/batchNorm.js'
export { type ConvOptions, conv2d } from '../ops/conv.js'
export {
  type BinaryCrossEntropyOptions,
  binaryCrossEntropy,
  type CosineOptions,
  cosineSimilarity,
  type HuberLossOptions,
  hingeEmbeddingLoss,
  huberLoss,
  type KlDivOptions,
  klDiv,
  type MarginOptions,
  marginRankingLoss,
  type PoissonNllLossOptions,
  poissonNllLoss,
  type SmoothL1LossOptions,
  smoothL1Loss,
  softMarginLoss,
} from '../ops/distance.js'
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
  glu,
  hardshrink,
  logsigmoid,
  prelu,
  type SoftplusOptions,
  softmin,
  softplus,
  softshrink,
  softsign,
  tanhshrink,
} from '../ops/nonlinear.js'
export { type AvgPoolOptions, avgPool2d, type MaxPoolOptions, maxPool2d, maxPool2dWithIndices } from '../ops/pool.js'
export { type DropoutOptions, dropout } from '../ops/random.js'
export { logSoftmax, type SoftmaxOptions, softmax } from '../ops/softmax.js'
export {
  celu,
  celu_,
  elu,
  elu_,
  hardsigmoid,
  hardswish,
  hardtanh,
  hardtanh_,
  type InplaceOptions,
  leakyRelu,
  leakyRelu_,
  mish,
  relu,
  relu_,
  relu6,
  selu,
  selu_,
  silu,
  threshold,
  threshold_,
} from './inplace.js'
