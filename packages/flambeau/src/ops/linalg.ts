/** What `torch.linalg` names, as far as it needs no factorization. */

export { diagonal } from './diagonal.js'
export { eig, eigvals } from './eig.js'
export { matmul } from './matmul.js'
export { linalgNorm as norm, matrixNorm, vectorNorm } from './norm.js'
export { linalgCross as cross, linalgVander as vander, matrixPower, multiDot, vecdot } from './products.js'
