/** `torch.nn`. */

export * from './activation.js'
export { type AdaptiveLogSoftmaxOptions, AdaptiveLogSoftmaxWithLoss } from './adaptive.js'
export { type AttentionCallOptions, MultiheadAttention, type MultiheadAttentionOptions } from './attention.js'
export {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  type NormOptions,
  SyncBatchNorm,
} from './batchnorm.js'
export { ModuleDict, ModuleList, Sequential, type SequentialItem } from './containers.js'
export * from './conv.js'
export * from './dropout.js'
export * from './embedding.js'
export * as functional from './functional.js'
export type {
  BackwardHook,
  BackwardPreHook,
  ForwardHook,
  ForwardHookOptions,
  ForwardHookWithKwargs,
  ForwardPreHook,
  ForwardPreHookWithKwargs,
  HookOptions,
  LoadStateDictPostHook,
  LoadStateDictPreHook,
  ModuleGradients,
  StateDictPostHook,
  StateDictPreHook,
} from './hooks.js'
export * as init from './init.js'
export { UninitializedBuffer, UninitializedParameter } from './lazy.js'
export {
  LazyBatchNorm1d,
  LazyBatchNorm2d,
  LazyBatchNorm3d,
  LazyInstanceNorm1d,
  LazyInstanceNorm2d,
  LazyInstanceNorm3d,
} from './lazyNorm.js'
export {
  Bilinear,
  type FactoryOptions,
  Flatten,
  type FlattenOptions,
  Identity,
  LazyLinear,
  Linear,
  type LinearOptions,
  Unflatten,
} from './linear.js'
export * from './loss.js'
export * from './marginLoss.js'
export { Module, type NamedOptions, type StateDictOptions } from './module.js'
export {
  GroupNorm,
  type GroupNormModuleOptions,
  LayerNorm,
  type LayerNormModuleOptions,
  RMSNorm,
  type RMSNormModuleOptions,
} from './normalization.js'
export * from './padding.js'
export { Parameter } from './parameter.js'
export { ParameterDict, ParameterList } from './parameterContainers.js'
export * from './pooling.js'
export { GRU, LSTM, type LSTMOptions, type RecurrentOptions, RNN, RNNBase, type RNNOptions } from './rnn.js'
export { type CellOptions, GRUCell, LSTMCell, RNNCell, RNNCellBase, type RNNCellOptions } from './rnnCell.js'
export * from './softmax.js'
export type { LoadResult, LoadStateDictOptions, StateDict } from './stateDict.js'
export {
  type DecoderCallOptions,
  type EncoderCallOptions,
  type EncoderLayerCallOptions,
  Transformer,
  type TransformerActivation,
  type TransformerCallOptions,
  TransformerDecoder,
  TransformerDecoderLayer,
  TransformerEncoder,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
  type TransformerOptions,
} from './transformer.js'
export * as utils from './utils/index.js'
export * from './vision.js'
