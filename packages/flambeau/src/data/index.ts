/** `torch.utils.data`. */

export { type Collated, defaultCollate } from './collate.js'
export { DataLoader, type DataLoaderOptions } from './dataLoader.js'
export { type Dataset, randomSplit, Subset, TensorDataset } from './dataset.js'
export { parseIdx } from './idx.js'
export {
  BatchSampler,
  type BatchSamplerOptions,
  RandomSampler,
  type RandomSamplerOptions,
  type Sampler,
  SequentialSampler,
  SubsetRandomSampler,
} from './sampler.js'
