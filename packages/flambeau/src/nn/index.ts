/** `torch.nn`. */

export { GELU, LeakyReLU, LogSoftmax, ReLU, Sigmoid, SiLU, Softmax, Tanh } from './activation.js'
export { ModuleDict, ModuleList, Sequential, type SequentialItem } from './containers.js'
export { Conv2d, type ConvModuleOptions } from './conv.js'
export { Dropout } from './dropout.js'
export * as functional from './functional.js'
export * as init from './init.js'
export { type FactoryOptions, Flatten, Identity, Linear, type LinearOptions } from './linear.js'
export { BCEWithLogitsLoss, CrossEntropyLoss, L1Loss, MSELoss, NLLLoss } from './loss.js'
export { type ForwardHook, type ForwardPreHook, Module, type NamedOptions, type StateDictOptions } from './module.js'
export { Parameter } from './parameter.js'
export { AvgPool2d, MaxPool2d } from './pooling.js'
export type { LoadResult, LoadStateDictOptions, StateDict } from './stateDict.js'
