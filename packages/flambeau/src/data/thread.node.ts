/** Threads of Node, with messages. */

import { parentPort, Worker } from 'node:worker_threads'
import type { Listener, Thread } from './thread.js'

/** Starts the worker. It does not keep the process alive unless `hold`. */
export function startThread(listener: Listener): Thread {
  // Options that are about a program on the command line would apply to the worker's file.
  const options = process.execArgv.some((arg) => arg.startsWith('--input-type')) ? { execArgv: [] } : {}
  const worker = new Worker(new URL('./worker.js', import.meta.url), options)
  worker.unref()
  worker.on('message', listener.message)
  worker.on('error', (error) => listener.failure(error))
  worker.on('exit', (code) => listener.failure(new Error(`it exited unexpectedly with code ${code}`)))
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    hold: (on) => (on ? worker.ref() : worker.unref()),
    stop: async () => {
      worker.removeAllListeners()
      await worker.terminate()
    },
  }
}

/** The main thread, seen from a worker. */
export const parent = {
  post: (message: unknown, transfer: ArrayBuffer[]): void => parentPort!.postMessage(message, transfer),
  listen: (receive: (message: never) => void): void => void parentPort!.on('message', receive as (message: unknown) => void),
}
