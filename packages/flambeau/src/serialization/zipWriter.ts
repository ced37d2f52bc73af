/**
 * Zip archives of stored entries, laid out as PyTorch lays them out: every payload begins at a multiple of 64, so that it can be
 * mapped into memory. Our own, because no zip library can place payloads.
 */

import type { Sink } from './source.js'

const ALIGNMENT = 64
/** Bit 3: sizes follow the data; bit 11: names are UTF-8. */
const FLAGS = 0x0808
const MAX32 = 0xffffffff

interface Entry {
  readonly name: Uint8Array
  readonly offset: number
  readonly size: number
  readonly crc: number
}

/** Little-endian fields one after the other: [bytes, value]. */
function fields(...values: readonly (readonly [bytes: number, value: number])[]): Uint8Array {
  const out = new Uint8Array(values.reduce((n, [bytes]) => n + bytes, 0))
  const view = new DataView(out.buffer)
  let at = 0
  for (const [bytes, value] of values) {
    if (bytes === 2) view.setUint16(at, value, true)
    else if (bytes === 4) view.setUint32(at, value, true)
    else view.setBigUint64(at, BigInt(value), true)
    at += bytes
  }
  return out
}

/** Writes entries in order, then the directory. */
export class ZipWriter {
  readonly #sink: Sink
  readonly #entries: Entry[] = []
  #offset = 0

  constructor(sink: Sink) {
    this.#sink = sink
  }

  /** Adds an entry of `size` bytes that `chunks` gives, each while the one before is written; its checksum is known only then. */
  async add(name: string, size: number, chunks: () => Iterable<Uint8Array>, crc: () => number): Promise<void> {
    const bytes = new TextEncoder().encode(name)
    const offset = this.#offset
    // 'FB' is what PyTorch calls the extra field that pads.
    const padding = (ALIGNMENT - ((offset + 30 + bytes.length + 4) % ALIGNMENT)) % ALIGNMENT
    await this.#write(
      fields([4, 0x04034b50], [2, 0], [2, FLAGS], [2, 0], [4, 0], [4, 0], [4, 0], [4, 0], [2, bytes.length], [2, 4 + padding]),
    )
    await this.#write(bytes)
    await this.#write(fields([2, 0x4246], [2, padding]))
    await this.#write(new Uint8Array(padding).fill(0x5a))
    let pending: Promise<void> | undefined
    for (const chunk of chunks()) {
      await pending
      pending = this.#write(chunk)
    }
    await pending
    const entry = { name: bytes, offset, size, crc: crc() }
    const wide = size >= MAX32 ? 8 : 4
    await this.#write(fields([4, 0x08074b50], [4, entry.crc], [wide, size], [wide, size]))
    this.#entries.push(entry)
  }

  /** Writes the directory. */
  async finish(): Promise<void> {
    const start = this.#offset
    for (const { name, offset, size, crc } of this.#entries) {
      const wide: (readonly [number, number])[] = []
      if (size >= MAX32) wide.push([8, size], [8, size])
      if (offset >= MAX32) wide.push([8, offset])
      const extra = wide.length === 0 ? new Uint8Array() : fields([2, 1], [2, 8 * wide.length], ...wide)
      const shownSize = Math.min(size, MAX32)
      await this.#write(
        fields(
          ...([
            [4, 0x02014b50],
            [2, 0],
            [2, 0],
            [2, FLAGS],
            [2, 0],
            [4, 0],
            [4, crc],
            [4, shownSize],
            [4, shownSize],
          ] as const),
          ...([
            [2, name.length],
            [2, extra.length],
            [2, 0],
            [2, 0],
            [2, 0],
            [4, 0],
            [4, Math.min(offset, MAX32)],
          ] as const),
        ),
      )
      await this.#write(name)
      await this.#write(extra)
    }
    const end = this.#offset
    const count = this.#entries.length
    // PyTorch writes the 64-bit end of the directory always, and so do we.
    await this.#write(
      fields(
        ...([
          [4, 0x06064b50],
          [8, 44],
          [2, 0x031e],
          [2, 45],
          [4, 0],
          [4, 0],
          [8, count],
          [8, count],
        ] as const),
        ...([
          [8, end - start],
          [8, start],
        ] as const),
      ),
    )
    await this.#write(fields([4, 0x07064b50], [4, 0], [8, end], [4, 1]))
    const short = Math.min(count, 0xffff)
    await this.#write(
      fields(
        ...([
          [4, 0x06054b50],
          [2, 0],
          [2, 0],
          [2, short],
          [2, short],
        ] as const),
        ...([
          [4, Math.min(end - start, MAX32)],
          [4, Math.min(start, MAX32)],
          [2, 0],
        ] as const),
      ),
    )
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return
    await this.#sink.write(bytes)
    this.#offset += bytes.length
  }
}
