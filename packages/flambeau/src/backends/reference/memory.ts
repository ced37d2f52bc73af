/** Memory in plain ArrayBuffers, which the garbage collector takes back. */

import type { Memory } from '../../core/storage.js'
import type { MemoryUse } from '../backend.js'

/** Node's own count of the bytes in ArrayBuffers, where there is one. */
const host = globalThis as { readonly process?: { memoryUsage?: () => { readonly arrayBuffers: number } } }

/** How many bytes may be allocated before they are counted again: asking Node costs microseconds. */
const SAMPLE = 16 * 2 ** 20

export class BufferMemory {
  /** Bytes handed out and neither freed nor known to be collected: what is live where the host cannot tell. */
  #own = 0
  #sinceSample = 0
  #peak = 0
  readonly #collected = new FinalizationRegistry<number>((bytes) => {
    this.#own -= bytes
  })

  allocate(bytes: number): Memory {
    const buffer = new ArrayBuffer(bytes)
    this.#own += bytes
    this.#collected.register(buffer, bytes, buffer)
    this.#sinceSample += bytes
    if (this.#sinceSample > SAMPLE) this.use()
    // Kernels here find elements by buffer and offset; an address has no meaning.
    return { address: 0, buffer, byteOffset: 0, capacity: bytes }
  }

  free(memory: Memory): void {
    if (this.#collected.unregister(memory.buffer)) this.#own -= memory.capacity
  }

  use(): MemoryUse {
    this.#sinceSample = 0
    const live = host.process?.memoryUsage?.().arrayBuffers ?? this.#own
    this.#peak = Math.max(this.#peak, live)
    return { live, pooled: 0, peak: this.#peak }
  }
}
