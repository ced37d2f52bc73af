/** `torch.optim`. */

export { Adadelta, type AdadeltaOptions } from './adadelta.js'
export { Adagrad, type AdagradOptions } from './adagrad.js'
export { Adam, type AdamOptions, AdamW } from './adam.js'
export { Adamax, type AdamaxOptions } from './adamax.js'
export { ASGD, type ASGDOptions } from './asgd.js'
export { LBFGS, type LBFGSOptions } from './lbfgs.js'
export * as lrScheduler from './lrScheduler/index.js'
export { NAdam, type NAdamOptions } from './nadam.js'
export {
  Optimizer,
  type OptimizerState,
  type ParameterState,
  type ParamGroup,
  type Params,
  type StateValue,
} from './optimizer.js'
export { RAdam, type RAdamOptions } from './radam.js'
export { RMSprop, type RMSpropOptions } from './rmsprop.js'
export { Rprop, type RpropOptions } from './rprop.js'
export { SGD, type SGDOptions } from './sgd.js'
export { SparseAdam, type SparseAdamOptions } from './sparseAdam.js'
export * as swaUtils from './swaUtils.js'
