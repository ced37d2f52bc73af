/** What a worker of a DataLoader knows about itself. */

/** Which worker this is, as `torch.utils.data.get_worker_info` tells. */
export interface WorkerInfo<D = unknown> {
  /** From 0. */
  readonly id: number
  /** How many there are. */
  readonly numWorkers: number
  /** What this worker's random numbers were seeded with. */
  readonly seed: bigint
  /** This worker's own copy of the dataset. */
  readonly dataset: D
}

let info: WorkerInfo | null = null

/** @internal */
export function setWorkerInfo(value: WorkerInfo): void {
  info = value
}

/**
 * The worker that this runs in, as `torch.utils.data.get_worker_info`; null in the main thread. An `IterableDataset` asks for it
 * to take only its share of the samples.
 *
 * @example
 * data.getWorkerInfo() // null
 */
export function getWorkerInfo<D = unknown>(): WorkerInfo<D> | null {
  return info as WorkerInfo<D> | null
}
