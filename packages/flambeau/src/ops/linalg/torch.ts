/** What of linear algebra PyTorch names outside `torch.linalg`; some names mean something else there. */

export { choleskyInverse, choleskySolve, plainCholesky as cholesky } from './cholesky.js'
export { symeig } from './eigh.js'
export { pcaLowrank, svdLowrank } from './lowRank.js'
export { compactLu as lu, compactLuSolve as luSolve, luUnpack } from './lu.js'
export { matrixExp, matrixPower } from './matrixFunctions.js'
export { lstsq, pinverse } from './pinv.js'
export { geqrf, householderProduct as orgqr, ormqr, plainQr as qr } from './qr.js'
export { det, inv as inverse, logdet, slogdet } from './solve.js'
export { plainSvd as svd } from './svd.js'
export { triangularSolve } from './triangular.js'
