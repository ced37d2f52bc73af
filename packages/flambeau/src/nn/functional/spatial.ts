/** Convolutions, pools, padding, resizing, sampling and folding. */

export {
  type ConvOptions,
  type ConvTransposeOptions,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
} from '../../ops/conv.js'
export { type FoldOptions, fold, unfold } from '../../ops/fold.js'
export {
  type AffineGridOptions,
  affineGrid,
  type GridSampleOptions,
  gridSample,
  type SampleMode,
  type SamplePadding,
} from '../../ops/gridSample.js'
export {
  type InterpolateOptions,
  type InterpolationMode,
  interpolate,
  upsample,
  upsampleBilinear,
  upsampleNearest,
} from '../../ops/interpolate.js'
export {
  type LocalResponseNormOptions,
  type LpPoolOptions,
  localResponseNorm,
  lpPool1d,
  lpPool2d,
} from '../../ops/localNorm.js'
export { type PadMode, type PadOptions, pad } from '../../ops/pad.js'
export {
  type AdaptiveSize,
  type AvgPoolNdOptions,
  type AvgPoolOptions,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  type Pooled,
} from '../../ops/pool.js'
export { channelShuffle, pixelShuffle, pixelUnshuffle } from '../../ops/shuffle.js'
export {
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  type FractionalMaxPoolOptions,
  fractionalMaxPool2d,
  fractionalMaxPool3d,
  type MaxUnpoolOptions,
  maxUnpool1d,
  maxUnpool2d,
  maxUnpool3d,
  type ReturnIndicesOptions,
} from '../../ops/windowPool.js'
