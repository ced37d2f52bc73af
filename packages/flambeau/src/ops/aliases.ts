/** Second names that PyTorch has for the same functions. */

export { clamp as clip } from './activation.js'
export {
  abs as absolute,
  div as divide,
  div as trueDivide,
  mul as multiply,
  neg as negative,
  sub as subtract,
  trunc as fix,
} from './arithmetic.js'
export { ge as greaterEqual, gt as greater, le as lessEqual, lt as less, ne as notEqual } from './comparison.js'
export {
  acos as arccos,
  acosh as arccosh,
  asin as arcsin,
  asinh as arcsinh,
  atan as arctan,
  atan2 as arctan2,
  atanh as arctanh,
} from './elementary.js'
export { outer as ger } from './matmul.js'
export { chunk as unsafeChunk, split as unsafeSplit, splitWithSizes as unsafeSplitWithSizes } from './split.js'
export { movedim as moveaxis, transpose as swapaxes, transpose as swapdims } from './view.js'
