/** Every op. Those whose first parameter is a tensor become methods of Tensor. */

export * from './activation.js'
export * from './aliases.js'
export * from './arithmetic.js'
export { at, type Index, type IndexList, setAt } from './at.js'
export { nativeBatchNorm } from './batchNorm.js'
export { bilinear } from './bilinear.js'
export * from './binaryParts.js'
export * from './cast.js'
export * from './combinatorics.js'
export * from './comparison.js'
export * from './complex.js'
export { conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d, convTranspose3d } from './conv.js'
export {
  arange,
  asTensor,
  asTensor as asarray,
  empty,
  emptyLike,
  emptyStrided,
  eye,
  fromTypedArray,
  full,
  fullLike,
  linspace,
  logspace,
  type NestedArray,
  ones,
  onesLike,
  range,
  scalarTensor,
  type TensorOptions,
  tensor,
  zeros,
  zerosLike,
} from './creation.js'
export * from './ctcLoss.js'
export * from './diagonal.js'
export * from './differences.js'
export * from './distance.js'
export {
  alphaDropout,
  type DropoutOptions,
  dropout,
  featureAlphaDropout,
  featureDropout,
  type RReluOptions,
  rrelu,
  rrelu_,
} from './dropout.js'
export * from './einsum.js'
export * from './elementary.js'
export * from './embedding.js'
export * as fft from './fft.js'
export { type BufferOptions, frombuffer } from './frombuffer.js'
export { i0, igamma, igammac, polygamma } from './gamma.js'
export * from './histogram.js'
export * from './indexing.js'
export { type IndexPutOptions, indexCopy, indexFill, indexPut, maskedScatter, put, take } from './indexPut.js'
export * from './integers.js'
export * from './joining.js'
export { groupNorm, layerNorm, nativeLayerNorm, rmsNorm } from './layerNorm.js'
export * from './linalg/torch.js'
export * as linalg from './linalg.js'
export * from './loss.js'
export * from './marginLoss.js'
export * as masked from './masked.js'
export * from './matmul.js'
export * from './nonlinear.js'
export {
  type CdistOptions,
  cdist,
  dist,
  type NormExceptOptions,
  type NormOptions,
  norm,
  normExceptDim,
  nuclearNorm,
  type PNormOptions,
  renorm,
} from './norm.js'
export { constantPadNd } from './pad.js'
export { adaptiveAvgPool1d, avgPool1d, maxPool1d, maxPool1dWithIndices, maxPool2d, maxPool3d } from './pool.js'
export { blockDiag, chainMatmul, cross, kron, type VanderOptions, vander, vdot } from './products.js'
export * from './quantile.js'
export * from './queries.js'
export {
  bernoulli,
  bernoulli_,
  binomial,
  cauchy_,
  defaultGenerator,
  exponential_,
  Generator,
  type GeneratorOptions,
  geometric_,
  getRngState,
  initialSeed,
  logNormal_,
  type MultinomialOptions,
  manualSeed,
  multinomial,
  normal,
  normal_,
  poisson,
  type RandomOptions,
  rand,
  randint,
  randintLike,
  randLike,
  randn,
  randnLike,
  random_,
  randperm,
  setRngState,
  uniform_,
} from './random.js'
export * from './rearrange.js'
export {
  all,
  amax,
  amin,
  aminmax,
  any,
  argmax,
  argmin,
  countNonzero,
  type Dims,
  type Extreme,
  type KeepDim,
  logsumexp,
  max,
  mean,
  min,
  nanmean,
  nansum,
  prod,
  type ReduceOptions,
  type SumOptions,
  std,
  stdMean,
  sum,
  type VarOptions,
  var,
  varMean,
} from './reduce.js'
export type { LossOptions, LossReduction } from './reduction.js'
export * from './scan.js'
export {
  indexReduce,
  type ScatterReduceOptions,
  type ScatterReduction,
  scatterReduce,
} from './scatterReduce.js'
export * from './search.js'
export {
  type SegmentOptions,
  type SegmentReduction,
  segmentReduce,
} from './segmentReduce.js'
export { channelShuffle, pixelShuffle, pixelUnshuffle } from './shuffle.js'
export * from './similarity.js'
export * from './softmax.js'
export * from './sort.js'
export * from './special.js'
export * as special from './specialFunctions.js'
export * from './split.js'
export * from './statistics.js'
export * from './stft.js'
export * from './strided.js'
export * from './unique.js'
export {
  broadcastTo,
  contiguous,
  detach,
  expand,
  expandAs,
  type FlattenOptions,
  flatten,
  movedim,
  narrow,
  permute,
  reshape,
  reshapeAs,
  type Sizes,
  type Slice,
  select,
  slice,
  squeeze,
  t,
  transpose,
  unflatten,
  unsqueeze,
  view,
  viewAs,
} from './view.js'
export * from './windowFunctions.js'
export { adaptiveMaxPool1d } from './windowPool.js'
