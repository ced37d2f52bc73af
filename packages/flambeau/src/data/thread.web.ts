/** Threads of browsers, with messages. */

import type { Listener, Thread } from './thread.js'

export function startThread(listener: Listener): Thread {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
  worker.onmessage = ({ data }) => listener.message(data)
  worker.onerror = (event) => listener.failure(event.error ?? new Error(event.message || 'it could not be started'))
  worker.onmessageerror = () => listener.failure(new Error('it sent a message that cannot be read'))
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    hold: () => {},
    stop: async () => worker.terminate(),
  }
}

interface WorkerScope {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void
  onmessage: ((event: { data: never }) => void) | null
}
const scope = globalThis as unknown as WorkerScope

/** The main thread, seen from a worker. */
export const parent = {
  post: (message: unknown, transfer: ArrayBuffer[]): void => scope.postMessage(message, transfer),
  listen: (receive: (message: never) => void): void => {
    scope.onmessage = ({ data }) => receive(data)
  },
}
