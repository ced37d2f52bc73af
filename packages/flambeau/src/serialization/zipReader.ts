/** Zip archives: the directory is read first, and of the entries only what is asked for. */

// zip.js: no dependencies, ES modules for Node and browsers, random access, zip64, and strict about archives that lie.
import { type FileEntry, Reader, ZipReader } from '@zip.js/zip.js'
import type { Backend } from '../backends/backend.js'
import { Layout } from '../core/layout.js'
import type { Storage } from '../core/storage.js'
import { fromTypedArray } from '../ops/creation.js'
import { FormatError, type Source } from './source.js'
import { fill } from './storages.js'

/** An archive's entry. */
export interface ZipEntry {
  readonly name: string
  readonly size: number
}

class SourceReader extends Reader<Source> {
  readonly #source: Source
  constructor(source: Source) {
    super(source)
    this.#source = source
    this.size = source.size
  }
  override async readUint8Array(index: number, length: number): Promise<Uint8Array> {
    const start = Math.max(0, Math.min(index, this.#source.size))
    return this.#source.read(start, Math.max(0, Math.min(length, this.#source.size - start)))
  }
}

/** Archives that unpack to more than this are refused where they also grow by more than the ratio. */
const MAX_SMALL = 2 ** 28
const MAX_RATIO = 200
/** More of one entry than this is never held in memory outside of a tensor. */
const MAX_WHOLE = 2 ** 30
/** No deflated byte stands for more. */
const MAX_DEFLATE = 1032
const CHUNK = 16 * 2 ** 20

export class Zip {
  readonly #source: Source
  readonly #entries = new Map<string, FileEntry>()

  private constructor(source: Source) {
    this.#source = source
  }

  /** Reads the directory. @throws FormatError where it is broken, or names an entry twice. */
  static async open(source: Source): Promise<Zip> {
    const zip = new Zip(source)
    const reader = new ZipReader(new SourceReader(source), { useWebWorkers: false, checkSignature: true })
    try {
      for (const entry of await reader.getEntries()) {
        if (entry.directory) continue
        if (zip.#entries.has(entry.filename)) throw new FormatError(`its archive has two entries ${entry.filename}`)
        if (entry.encrypted) throw new FormatError('its archive is encrypted')
        zip.#entries.set(entry.filename, entry)
      }
      zip.#checkSizes()
    } catch (error) {
      throw broken(error)
    }
    return zip
  }

  /** What the directory claims must be able to be there: memory is taken on its word. */
  #checkSizes(): void {
    let packed = 0
    let unpacked = 0
    for (const { filename, compressionMethod, compressedSize, uncompressedSize } of this.#entries.values()) {
      if (compressionMethod !== 0 && compressionMethod !== 8)
        throw new FormatError(`its entry ${filename} is compressed in a way that is not supported`)
      if (compressionMethod === 0 && compressedSize !== uncompressedSize)
        throw new FormatError(`its stored entry ${filename} has two sizes`)
      packed += compressedSize
      unpacked += uncompressedSize
    }
    const { size } = this.#source
    if (packed > size) throw new FormatError(`its entries claim ${packed} bytes, but it has ${size}`)
    if (unpacked > Math.max(MAX_SMALL, MAX_RATIO * size))
      throw new FormatError(`its entries claim to unpack to ${unpacked} bytes, as those of a zip bomb do`)
  }

  get names(): string[] {
    return [...this.#entries.keys()]
  }

  has(name: string): boolean {
    return this.#entries.has(name)
  }

  /** The size of an entry, as the directory states it. */
  sizeOf(name: string): number {
    return this.#entry(name).uncompressedSize
  }

  /** A whole entry, checked against its checksum. */
  async read(name: string): Promise<Uint8Array> {
    const entry = this.#entry(name)
    const size = entry.uncompressedSize
    if (size > MAX_WHOLE) throw new FormatError(`its entry ${name} claims ${size} bytes`)
    const out = new Uint8Array(size)
    let at = 0
    await this.#stream(entry, (chunk) => {
      out.set(chunk, at)
      at += chunk.length
    })
    return out
  }

  /** Gives a whole entry chunk by chunk. @throws FormatError, at the end, where its checksum is wrong. */
  async each(name: string, take: (chunk: Uint8Array) => void): Promise<void> {
    const entry = this.#entry(name)
    if (entry.compressionMethod !== 0) return this.#stream(entry, take)
    const start = await this.#payload(entry)
    let crc = 0
    for (let at = 0; at < entry.uncompressedSize; at += CHUNK) {
      const chunk = await this.#source.read(start + at, Math.min(CHUNK, entry.uncompressedSize - at))
      crc = checksum(fromTypedArray(chunk).storage, crc)
      take(chunk)
    }
    if (crc !== entry.signature) throw new FormatError(`the checksum of its entry ${name} is wrong`)
  }

  /** Fills a storage with an entry of just its size. */
  async fill(name: string, storage: Storage<Backend>): Promise<void> {
    const entry = this.#entry(name)
    if (entry.compressionMethod !== 0) {
      let at = 0
      return this.#stream(entry, (chunk) => {
        storage.bytes.set(chunk, at)
        at += chunk.length
      })
    }
    let crc = 0
    await fill(storage, this.#source, await this.#payload(entry), (at, length) => {
      crc = checksum(storage, crc, at, length)
    })
    if (crc !== entry.signature) throw new FormatError(`the checksum of its entry ${name} is wrong`)
  }

  #entry(name: string): FileEntry {
    const entry = this.#entries.get(name)
    if (entry === undefined) throw new FormatError(`its archive has no entry ${name}`)
    const { uncompressedSize: size, compressedSize } = entry
    if (size > compressedSize * MAX_DEFLATE + 64)
      throw new FormatError(`its entry ${name} claims ${size} bytes, which ${compressedSize} compressed ones cannot hold`)
    return entry
  }

  /** Where the bytes of a stored entry begin: after a header that has lengths of its own. */
  async #payload(entry: FileEntry): Promise<number> {
    const size = entry.uncompressedSize
    const end = this.#source.size - size
    // Offsets count from where the first entry is found, which may be wrong.
    if (entry.offset < 0 || entry.offset + 30 > end) throw new FormatError(`its entry ${entry.filename} lies outside of the file`)
    const header = await this.#source.read(entry.offset, 30)
    const view = new DataView(header.buffer, header.byteOffset, 30)
    const start = entry.offset + 30 + view.getUint16(26, true) + view.getUint16(28, true)
    if (view.getUint32(0, true) !== 0x04034b50 || start > end)
      throw new FormatError(`its entry ${entry.filename} lies outside of the file`)
    return start
  }

  /** Gives the contents chunk by chunk, never more than the directory states. */
  async #stream(entry: FileEntry, take: (chunk: Uint8Array) => void): Promise<void> {
    let seen = 0
    const writable = new WritableStream<Uint8Array>({
      write: (chunk) => {
        seen += chunk.length
        if (seen > entry.uncompressedSize) throw new FormatError(`its entry ${entry.filename} is larger than stated`)
        take(chunk)
      },
    })
    try {
      await entry.getData(writable, { useWebWorkers: false, checkSignature: true })
    } catch (error) {
      throw broken(error)
    }
    if (seen !== entry.uncompressedSize) throw new FormatError(`its entry ${entry.filename} is smaller than stated`)
  }
}

const broken = (error: unknown): FormatError =>
  error instanceof FormatError
    ? error
    : new FormatError(`its zip archive is broken (${error instanceof Error ? error.message : error})`, { cause: error })

/** The CRC-32 of bytes of a storage, behind others whose checksum is `before`. */
export function checksum(storage: Storage<Backend>, before = 0, start = 0, length = storage.byteLength - start): number {
  if (length === 0) return before
  return storage.allocator.run('crc32', { storage, layout: new Layout([length], [1], start), dtype: 'uint8' }, before)
}
