/** The workers of a DataLoader, seen from the main thread. */

import { startThread } from '#thread'
import { getDefaultDtype } from '../core/dtype.js'
import * as classes from './dataset.js'
import type { Answer, Setup, Thread } from './thread.js'
import { pack, unpack } from './transfer.js'

export interface PoolOptions {
  readonly count: number
  /** How many batches each worker is ahead. */
  readonly prefetchFactor: number
  /** How many seconds a batch may take; 0 for any number. */
  readonly timeout: number
  readonly batchSize: number | null
  readonly dropLast: boolean
}

/** What is known of a batch that was asked for: its answer, or who waits for it. */
interface Task {
  readonly worker: number
  answer?: Answer
}

/** Threads that load batches in turn. Batches come in the order in which they were asked for. */
export class WorkerPool {
  readonly #options: PoolOptions
  readonly #threads: Thread[]
  #tasks = new Map<number, Task>()
  #epoch = 0
  #failure: Error | null = null
  /** Called when an answer or a failure has come. */
  #wake: (() => void) | null = null

  constructor(setup: Setup, options: PoolOptions) {
    this.#options = options
    const { count, batchSize, dropLast } = options
    // Each worker owns what it is sent, so each is sent its own; and before any is started, since this may throw.
    const sent = Array.from({ length: count }, () => pack(setup, classes, { code: true }))
    this.#threads = sent.map(({ parcel, transfer }, id) => {
      const thread = startThread({
        message: (answer) => {
          const task = answer.epoch === this.#epoch ? this.#tasks.get(answer.batch) : undefined
          if (task === undefined) return
          task.answer = answer
          this.#wake?.()
        },
        failure: (cause) => {
          this.#failure ??= new Error(`DataLoader worker ${id} failed: ${cause instanceof Error ? cause.message : cause}`, {
            cause,
          })
          this.#wake?.()
        },
      })
      thread.post({ ask: 'start', id, numWorkers: count, parcel, batchSize, dropLast }, transfer)
      return thread
    })
  }

  /** Whether a worker is lost, so that the pool is of no more use. */
  get isBroken(): boolean {
    return this.#failure !== null
  }

  /** One epoch: the batches of these indices, or, for a stream, all there are. */
  async *epoch(seed: bigint, indices: Iterator<readonly number[] | number | null>): AsyncGenerator<unknown, void, undefined> {
    const { count, prefetchFactor } = this.#options
    const epoch = ++this.#epoch
    this.#tasks = new Map()
    for (const thread of this.#threads) thread.post({ ask: 'epoch', epoch, seed, defaultDtype: getDefaultDtype() }, [])
    const active = new Array<boolean>(count).fill(true)
    const ahead = new Array<number>(count).fill(0)
    let next = 0
    let asked = 0
    let over = false
    const ask = (): void => {
      while (!over) {
        // In turn, so that who loads a batch depends on its number alone.
        let skipped = 0
        while (skipped < count && !active[next]) {
          next = (next + 1) % count
          skipped++
        }
        if (skipped === count || ahead[next] >= prefetchFactor) return
        const item = indices.next()
        over = item.done === true
        if (over) return
        this.#tasks.set(asked, { worker: next })
        this.#threads[next].post({ ask: 'batch', batch: asked++, indices: item.value }, [])
        ahead[next]++
        next = (next + 1) % count
      }
    }
    ask()
    for (let batch = 0; batch < asked; batch++) {
      const { worker } = this.#tasks.get(batch)!
      const answer = await this.#answerTo(batch)
      this.#tasks.delete(batch)
      ahead[worker]--
      if ('end' in answer) active[worker] = false
      ask()
      if ('error' in answer) throw workerError(worker, answer.error as { name: string; message: string; stack: string })
      if ('parcel' in answer) yield unpack(answer.parcel)
    }
  }

  async #answerTo(batch: number): Promise<Answer> {
    const { timeout } = this.#options
    const task = this.#tasks.get(batch)!
    let expired = false
    let timer: ReturnType<typeof setTimeout> | undefined
    if (timeout > 0 && task.answer === undefined)
      timer = setTimeout(() => {
        expired = true
        this.#wake?.()
      }, timeout * 1000)
    // While someone waits, the process must stay alive.
    for (const thread of this.#threads) thread.hold(true)
    try {
      while (task.answer === undefined) {
        if (this.#failure !== null) throw this.#failure
        if (expired) {
          this.#failure = new Error(`DataLoader timed out after ${timeout} seconds`)
          throw this.#failure
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
      return task.answer
    } finally {
      this.#wake = null
      clearTimeout(timer)
      for (const thread of this.#threads) thread.hold(false)
    }
  }

  /** Stops all workers. */
  async stop(): Promise<void> {
    this.#failure ??= new Error('the workers of this DataLoader were stopped')
    await Promise.all(this.#threads.map((thread) => thread.stop()))
  }
}

/** An error of a worker, which keeps the name, message and stack it had there. */
function workerError(worker: number, { name, message, stack }: { name: string; message: string; stack: string }): Error {
  const cause = new Error(message)
  cause.name = name
  cause.stack = stack
  return new Error(`Caught ${name} in DataLoader worker ${worker}.\nOriginal stack:\n${stack}`, { cause })
}
