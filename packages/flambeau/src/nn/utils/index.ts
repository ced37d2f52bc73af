/** `torch.nn.utils`. */

export { type ClipGradNormOptions, clipGradNorm, clipGradNorm_, clipGradValue_ } from './clipGrad.js'
export { fuseConvBnEval, fuseLinearBnEval } from './fusion.js'
export * as parametrize from './parametrize.js'
export * as rnn from './rnn.js'
export { type LayerSummary, ModelSummary, type SummaryOptions, summary } from './summary.js'
export { parametersToVector, vectorToParameters } from './vectors.js'
export {
  removeSpectralNorm,
  removeWeightNorm,
  type SpectralNormOptions,
  spectralNorm,
  type WeightNormOptions,
  weightNorm,
} from './weightNorm.js'
