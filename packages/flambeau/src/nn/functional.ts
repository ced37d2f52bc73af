/** `torch.nn.functional`. */

export { type GeluOptions, gelu } from '../ops/activation.js'
export { type BatchNormOptions, batchNorm, type InstanceNormOptions, instanceNorm } from '../ops/batchNorm.js'
export { bilinear } from '../ops/bilinear.js'
export { type CtcLossOptions, ctcLoss } from '../ops/ctcLoss.js'
export * from '../ops/distance.js'
export { sigmoid, tanh } from '../ops/elementary.js'
export { type EmbeddingBagOptions, type EmbeddingOptions, embedding, embeddingBag } from '../ops/embedding.js'
export { groupNorm, type LayerNormOptions, layerNorm, type RmsNormOptions, rmsNorm } from '../ops/layerNorm.js'
export {
  type BceWithLogitsOptions,
  binaryCrossEntropyWithLogits,
  type CrossEntropyOptions,
  crossEntropy,
  type NllLossOptions,
  nllLoss,
} from '../ops/loss.js'
export * from '../ops/marginLoss.js'
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
export { pdist } from '../ops/norm.js'
export type { LossOptions, LossReduction } from '../ops/reduction.js'
export * from '../ops/similarity.js'
export * from './functional/activation.js'
export {
  type AttentionOptions,
  type MultiHeadAttentionOptions,
  multiHeadAttentionForward,
  scaledDotProductAttention,
} from './functional/attention.js'
export * from './functional/dropout.js'
export * from './functional/inplace.js'
export * from './functional/loss.js'
export * from './functional/spatial.js'
