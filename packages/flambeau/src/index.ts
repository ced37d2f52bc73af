/// <reference lib="esnext.disposable" preserve="true" />
/** flambeau: PyTorch for TypeScript. `import * as torch from 'flambeau'`. */

// The second import is for the declarations: it carries the types of Tensor's methods to those who import this package.
import { installMethods } from './methods.js'
import './methods.js'

installMethods()

export * as autograd from './autograd/index.js'
export { enableGrad, inferenceMode, isGradEnabled, isInferenceModeEnabled, noGrad } from './autograd/mode.js'
export { backend, getNumThreads, memory, setNumThreads } from './backends/select.js'
export {
  canCast,
  type DType,
  getDefaultDtype,
  promoteTypes,
  resultTypeOf as resultType,
  type Scalar,
  setDefaultDtype,
} from './core/dtype.js'
export { type PrintOptions, type PrintProfile, printOptions, setPrintoptions } from './core/printing.js'
export { isTensor, Tensor } from './core/tensor.js'
export * as data from './data/index.js'
export * as nn from './nn/index.js'
export * from './ops/index.js'
export * as optim from './optim/index.js'
export * as serialization from './serialization/index.js'
export { fromNumpy, load, save } from './serialization/index.js'
export * as utils from './utils/index.js'
