/** `torch.nn`. */

export { GELU, LeakyReLU, LogSoftmax, ReLU, Sigmoid, SiLU, Softmax, Tanh } from './activation.js'
export { ModuleDict, ModuleList, Sequential, type SequentialItem } from './containers.js'
export {
  Conv1d,
  Conv2d,
  Conv3d,
  type ConvModuleOptions,
  type ConvPaddingMode,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  type ConvTransposeModuleOptions,
  LazyConv1d,
  LazyConv2d,
  LazyConv3d,
  LazyConvTranspose1d,
  LazyConvTranspose2d,
  LazyConvTranspose3d,
} from './conv.js'
export { Dropout } from './dropout.js'
export * as functional from './functional.js'
export * as init from './init.js'
export { UninitializedParameter } from './lazy.js'
export { type FactoryOptions, Flatten, Identity, Linear, type LinearOptions } from './linear.js'
export { BCEWithLogitsLoss, CrossEntropyLoss, L1Loss, MSELoss, NLLLoss } from './loss.js'
export { type ForwardHook, type ForwardPreHook, Module, type NamedOptions, type StateDictOptions } from './module.js'
export * from './padding.js'
export { Parameter } from './parameter.js'
export * from './pooling.js'
export type { LoadResult, LoadStateDictOptions, StateDict } from './stateDict.js'
export * from './vision.js'
