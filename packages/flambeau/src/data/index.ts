/** `torch.utils.data`. */

export { type Collated, defaultCollate, defaultConvert } from './collate.js'
export { DataLoader, type DataLoaderOptions } from './dataLoader.js'
export {
  type AnyDataset,
  ChainDataset,
  ConcatDataset,
  Dataset,
  IterableDataset,
  randomSplit,
  Subset,
  TensorDataset,
} from './dataset.js'
export { parseIdx } from './idx.js'
export { moduleDataset } from './moduleDataset.js'
export {
  BatchSampler,
  type BatchSamplerOptions,
  DistributedSampler,
  type DistributedSamplerOptions,
  RandomSampler,
  type RandomSamplerOptions,
  Sampler,
  SequentialSampler,
  SubsetRandomSampler,
  WeightedRandomSampler,
  type WeightedRandomSamplerOptions,
} from './sampler.js'
export { getWorkerInfo, type WorkerInfo } from './workerInfo.js'
