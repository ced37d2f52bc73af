/** A worker of a DataLoader: makes the dataset anew and answers with batches, in the order in which they are asked for. */

import { parent } from '#thread'
import { backendOf } from '../backends/select.js'
import * as torch from '../index.js'
import type { AnyDataset } from './dataset.js'
import { ended, type Fetcher, fetcherOf } from './fetch.js'
import type { Request, Setup } from './thread.js'
import { pack, unpackCode } from './transfer.js'
import { setWorkerInfo } from './workerInfo.js'

const { nn, optim, data, autograd } = torch
/** The names that classes and functions sent as text can use. */
const scope = { ...data, torch, nn, optim, data, autograd, F: nn.functional }

let start: Extract<Request, { ask: 'start' }>
let setup: Setup | undefined
let epoch = 0
let fetcher: Fetcher

async function answer(request: Request): Promise<void> {
  if (request.ask === 'start') {
    start = request
    // The workers share the processors; each computes in its own thread.
    backendOf(undefined).threads(-1)
    return
  }
  if (request.ask === 'epoch') {
    epoch = request.epoch
    torch.setDefaultDtype(request.defaultDtype)
    const { id, numWorkers } = start
    const seed = BigInt.asUintN(64, request.seed + BigInt(id))
    const isFirst = setup === undefined
    if (isFirst) {
      torch.manualSeed(seed)
      setup = (await unpackCode(start.parcel, scope, data)) as Setup
      setWorkerInfo({ id, numWorkers, seed, dataset: setup.dataset })
      await setup.workerInitFn?.(id)
    }
    const { dataset, collateFn } = setup!
    fetcher = fetcherOf(dataset as AnyDataset<unknown>, collateFn, start.batchSize, start.dropLast)
    return
  }
  const value = await fetcher.fetch(request.indices)
  if (value === ended) return parent.post({ epoch, batch: request.batch, end: true }, [])
  const { parcel, transfer } = pack(value, {}, { fresh: fetcher.fresh })
  parent.post({ epoch, batch: request.batch, parcel }, transfer)
}

/** The error of the start or of the epoch is the answer to every batch. */
let failed: { error: unknown } | null = null
let queue = Promise.resolve()
parent.listen((request: Request) => {
  queue = queue.then(async () => {
    try {
      if (failed !== null) throw failed.error
      await answer(request)
    } catch (error) {
      if (request.ask !== 'batch') failed = { error }
      else parent.post({ epoch, batch: request.batch, error: plainError(error) }, [])
    }
  })
})

/** An error as it can be sent. */
function plainError(error: unknown): { name: string; message: string; stack: string } {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: String(error) }
  const { name, message, stack } = error
  const hint =
    error instanceof ReferenceError
      ? ' (a class or function sent to a worker sees only its own names, torch, nn, optim, data, autograd and F; data.moduleDataset takes whole modules)'
      : ''
  return { name, message: message + hint, stack: stack ?? `${name}: ${message}` }
}
