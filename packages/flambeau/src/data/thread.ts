/** What Node's and the browser's threads have in common. */

import type { DType } from '../core/dtype.js'
import type { Parcel } from './transfer.js'

export interface Listener {
  message(answer: Answer): void
  /** The thread is gone, or cannot go on. */
  failure(error: unknown): void
}

export interface Thread {
  post(message: Request, transfer: ArrayBuffer[]): void
  /** Whether the thread keeps the process alive. */
  hold(on: boolean): void
  stop(): Promise<void>
}

/** What the main thread asks of a worker. */
export type Request =
  | {
      readonly ask: 'start'
      readonly id: number
      readonly numWorkers: number
      /** The dataset, and the functions given as options. */
      readonly parcel: Parcel
      readonly batchSize: number | null
      readonly dropLast: boolean
    }
  | { readonly ask: 'epoch'; readonly epoch: number; readonly seed: bigint; readonly defaultDtype: DType }
  /** A batch: its indices, the index of a single sample, or null for the next one of a stream. */
  | { readonly ask: 'batch'; readonly batch: number; readonly indices: readonly number[] | number | null }

/** What a worker answers. */
export type Answer = { readonly epoch: number; readonly batch: number } & (
  | { readonly parcel: Parcel }
  | { readonly error: unknown }
  | { readonly end: true }
)

/** What is sent to each worker at its start. */
export interface Setup {
  readonly dataset: unknown
  readonly collateFn: ((samples: unknown[]) => unknown) | null
  readonly workerInitFn: ((id: number) => unknown) | null
}
