/**
 * Zip archives, laid out as PyTorch lays them out: every payload begins at a multiple of 64, so that it can be mapped into
 * memory where it is stored as it is. Our own, because no zip library can place payloads.
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
  /** The bytes it takes in the archive: fewer than `size` where it is deflated. */
  readonly stored: number
  readonly method: 0 | 8
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

/** Whether an entry's sizes take 64 bits. */
const isWide = ({ size, stored }: Entry): boolean => size >= MAX32 || stored >= MAX32
/** What a reader must understand: PyTorch states nothing for stored entries. */
const versionFor = (method: 0 | 8): number => (method === 0 ? 0 : 20)

/** Compresses chunk by chunk. */
async function* deflated(chunks: Iterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const { writable, readable } = new CompressionStream('deflate-raw')
  const writer = writable.getWriter()
  const feed = async (): Promise<void> => {
    // Copied, because the stream reads the bytes later, when memory may have moved.
    for (const chunk of chunks) await writer.write(chunk.slice() as Uint8Array<ArrayBuffer>)
    await writer.close()
  }
  // What goes wrong at this end shows at the other.
  feed().catch((error) => writer.abort(error).catch(() => {}))
  const reader = readable.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    yield value
  }
}

/** Writes entries in order, then the directory. */
export class ZipWriter {
  readonly #sink: Sink
  readonly #entries: Entry[] = []
  #offset = 0

  constructor(sink: Sink) {
    this.#sink = sink
  }

  /**
   * Adds an entry of `size` bytes that `chunks` gives, each while the one before is written, deflated if so
   * wished; its checksum is known only then.
   */
  async add(name: string, size: number, chunks: () => Iterable<Uint8Array>, crc: () => number, deflate = false): Promise<void> {
    const method = deflate ? 8 : 0
    const bytes = new TextEncoder().encode(name)
    const offset = this.#offset
    // 'FB' is what PyTorch calls the extra field that pads.
    const padding = (ALIGNMENT - ((offset + 30 + bytes.length + 4) % ALIGNMENT)) % ALIGNMENT
    await this.#write(
      fields(
        [4, 0x04034b50],
        [2, versionFor(method)],
        [2, FLAGS],
        [2, method],
        [4, 0],
        [4, 0],
        [4, 0],
        [4, 0],
        [2, bytes.length],
        [2, 4 + padding],
      ),
    )
    await this.#write(bytes)
    await this.#write(fields([2, 0x4246], [2, padding]))
    await this.#write(new Uint8Array(padding).fill(0x5a))
    const start = this.#offset
    let pending: Promise<void> | undefined
    for await (const chunk of deflate ? deflated(chunks()) : chunks()) {
      await pending
      pending = this.#write(chunk)
      // Where it fails, it is awaited below; until then nobody else looks.
      pending.catch(() => {})
    }
    await pending
    const entry: Entry = { name: bytes, offset, size, stored: this.#offset - start, method, crc: crc() }
    const wide = isWide(entry) ? 8 : 4
    await this.#write(fields([4, 0x08074b50], [4, entry.crc], [wide, entry.stored], [wide, size]))
    this.#entries.push(entry)
  }

  /** Writes the directory. */
  async finish(): Promise<void> {
    const start = this.#offset
    for (const entry of this.#entries) {
      const { name, offset, size, stored, method, crc } = entry
      const wide: (readonly [number, number])[] = []
      if (isWide(entry)) wide.push([8, size], [8, stored])
      if (offset >= MAX32) wide.push([8, offset])
      const extra = wide.length === 0 ? new Uint8Array() : fields([2, 1], [2, 8 * wide.length], ...wide)
      const shown = (bytes: number): number => (isWide(entry) ? MAX32 : bytes)
      await this.#write(
        fields(
          ...([
            [4, 0x02014b50],
            [2, 0],
            [2, versionFor(method)],
            [2, FLAGS],
            [2, method],
            [4, 0],
            [4, crc],
            [4, shown(stored)],
            [4, shown(size)],
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
