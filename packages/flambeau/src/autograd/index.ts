/** `torch.autograd`. */

export { type BackwardOptions, backwardFrom as backward, type GradOptions, grad } from './engine.js'
export { Function, type FunctionContext, onceDifferentiable } from './function.js'
export * as functional from './functional.js'
export { type GradcheckOptions, gradcheck, gradgradcheck } from './gradcheck.js'
export {
  detectAnomaly,
  enableGrad,
  gradMode,
  inferenceMode,
  isAnomalyEnabled,
  isGradEnabled,
  isInferenceModeEnabled,
  noGrad,
  setDetectAnomaly,
} from './mode.js'
export * as graph from './savedTensors.js'
