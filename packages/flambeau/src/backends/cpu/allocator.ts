/** Memory for the CPU engines: small blocks cut from slabs, large ones pooled by size class when given back. */

import type { Memory } from '../../core/storage.js'

const ALIGNMENT = 64
const SLAB = 64 * 1024
/** Blocks up to this size share a slab; a slab goes when the last tensor in it goes. */
const SMALL = 2048

const alignUp = (n: number): number => (n + ALIGNMENT - 1) & -ALIGNMENT

/** The size class of a block: at most an eighth more than was asked for. */
export function sizeClass(bytes: number): number {
  if (bytes <= SMALL) return alignUp(bytes)
  const step = 2 ** Math.max(6, Math.floor(Math.log2(bytes)) - 3)
  return Math.ceil(bytes / step) * step
}

/** Blocks that were given back, by size class, up to a limit in all; the oldest class gives way first. */
export class Pool<M extends Memory> {
  #blocks = new Map<number, M[]>()
  #limit: number
  bytes = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  take(capacity: number): M | undefined {
    const block = this.#blocks.get(capacity)?.pop()
    if (block !== undefined) this.bytes -= capacity
    return block
  }

  /** Keeps the block, or answers false where there is no room for it. */
  put(block: M): boolean {
    if (this.bytes + block.capacity > this.#limit) return false
    const list = this.#blocks.get(block.capacity)
    if (list === undefined) this.#blocks.set(block.capacity, [block])
    else list.push(block)
    this.bytes += block.capacity
    return true
  }

  /** Takes everything out. */
  *drain(): Iterable<M> {
    for (const list of this.#blocks.values()) yield* list
    this.#blocks.clear()
    this.bytes = 0
  }
}

/** A source of uninitialised ArrayBuffers with known addresses. */
export interface BufferSource {
  make(bytes: number): ArrayBuffer
  addressOf(buffer: ArrayBuffer): number
}

class Block implements Memory {
  constructor(
    readonly address: number,
    readonly buffer: ArrayBuffer,
    readonly byteOffset: number,
    readonly capacity: number,
  ) {}
}

/**
 * Memory in ArrayBuffers that V8 itself frees, even inside a loop that never yields. Nothing here refers to a block in
 * use, so dropping the last tensor on it is enough.
 */
export class BufferAllocator {
  #source: BufferSource
  #pool = new Pool<Block>(256 * 2 ** 20)
  #slab: ArrayBuffer | undefined
  #slabAddress = 0
  #slabStart = 0
  #slabUsed = SLAB
  readonly #exact: boolean

  /** `exact` gives every block a buffer of just its size and reuses none: a sanitizer then sees every step outside. */
  constructor(source: BufferSource, exact = false) {
    this.#source = source
    this.#exact = exact
  }

  get pooled(): number {
    return this.#pool.bytes
  }

  allocate(bytes: number): Memory {
    if (this.#exact) {
      const buffer = this.#source.make(bytes)
      return new Block(this.#source.addressOf(buffer), buffer, 0, bytes)
    }
    if (bytes <= SMALL) return this.#cut(alignUp(bytes))
    const capacity = sizeClass(bytes)
    const pooled = this.#pool.take(capacity)
    if (pooled !== undefined) return pooled
    const buffer = this.#source.make(capacity + ALIGNMENT)
    const address = this.#source.addressOf(buffer)
    const start = alignUp(address % ALIGNMENT) - (address % ALIGNMENT)
    return new Block(address + start, buffer, start, capacity)
  }

  /** Small blocks are not worth keeping: their slab goes as a whole. */
  free(memory: Memory): void {
    const { capacity } = memory
    if (capacity > SMALL && !this.#exact && sizeClass(capacity) === capacity) this.#pool.put(memory as Block)
  }

  /** Whether the block's buffer is its own, not a slab. */
  ownsBuffer(memory: Memory): boolean {
    return memory.capacity > SMALL || this.#exact
  }

  /** A block over a buffer that came from another thread; as large as one of this allocator's own where there is room. */
  adopt(buffer: ArrayBuffer, byteOffset: number, bytes: number): Memory {
    const usual = sizeClass(bytes)
    const capacity = byteOffset + usual <= buffer.byteLength ? usual : bytes
    return new Block(this.#source.addressOf(buffer) + byteOffset, buffer, byteOffset, capacity)
  }

  #cut(capacity: number): Memory {
    if (this.#slabUsed + capacity > SLAB || this.#slab === undefined) {
      this.#slab = this.#source.make(SLAB + ALIGNMENT)
      const address = this.#source.addressOf(this.#slab)
      this.#slabStart = alignUp(address % ALIGNMENT) - (address % ALIGNMENT)
      this.#slabAddress = address + this.#slabStart
      this.#slabUsed = 0
    }
    const used = this.#slabUsed
    this.#slabUsed = used + capacity
    return new Block(this.#slabAddress + used, this.#slab, this.#slabStart + used, capacity)
  }
}
