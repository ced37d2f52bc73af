/** `torch.optim.lr_scheduler`. */

export { ChainedScheduler, SequentialLR } from './combined.js'
export {
  CosineAnnealingLR,
  type CosineAnnealingLROptions,
  CosineAnnealingWarmRestarts,
  type CosineAnnealingWarmRestartsOptions,
} from './cosine.js'
export { CyclicLR, type CyclicLROptions, OneCycleLR, type OneCycleLROptions } from './cyclic.js'
export {
  ConstantLR,
  type ConstantLROptions,
  ExponentialLR,
  type ExponentialLROptions,
  LambdaLR,
  type LambdaLROptions,
  LinearLR,
  type LinearLROptions,
  MultiplicativeLR,
  MultiStepLR,
  type MultiStepLROptions,
  PolynomialLR,
  type PolynomialLROptions,
  StepLR,
  type StepLROptions,
} from './factors.js'
export { ReduceLROnPlateau, type ReduceLROnPlateauOptions } from './plateau.js'
export { type LRLambda, LRScheduler } from './scheduler.js'
