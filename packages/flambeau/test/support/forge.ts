/** Checkpoints that neither PyTorch nor flambeau would write. */

import { deflateRawSync } from 'node:zlib'
import { fromTypedArray } from '../../src/index.js'
import { Call, GlobalName, Ordered, Persistent, pickle } from '../../src/serialization/pickle.js'
import { MemorySink } from '../../src/serialization/source.js'
import { checksum } from '../../src/serialization/zipReader.js'
import { ZipWriter } from '../../src/serialization/zipWriter.js'

export const pickled = (value: unknown): Uint8Array => pickle(value, () => undefined)
/** What a pickle names: `torch.FloatStorage`. */
export function global(path: string): GlobalName {
  const at = path.lastIndexOf('.')
  return new GlobalName(path.slice(0, at), path.slice(at + 1))
}
export const call = (path: string, ...args: unknown[]): Call => new Call(global(path), args)
export const storage = (cls: string, key: string, numel: number, ...more: unknown[]): Persistent =>
  new Persistent(['storage', global(cls), key, 'cpu', numel, ...more])
const tuple = (...items: unknown[]): readonly unknown[] => Object.freeze(items)
/** A row-major tensor over a storage. */
export const tensor = (over: Persistent, ...size: number[]): Call =>
  call(
    'torch._utils._rebuild_tensor_v2',
    over,
    0,
    tuple(...size),
    tuple(...size.map((_, d) => size.slice(d + 1).reduce((a, b) => a * b, 1))),
    false,
    new Ordered([]),
  )
export { tuple }

/** An instance of a class, with its `__dict__`. */
export const instance = (path: string, state: unknown): Call =>
  new Call(global('copy_reg._reconstructor'), [global(path), global('__builtin__.object'), null], state)

type Storages = Readonly<Record<string, Uint8Array>>

/** A zip archive of entries under one folder. */
export async function forgeArchive(entries: Storages): Promise<Uint8Array<ArrayBuffer>> {
  const sink = new MemorySink()
  const zip = new ZipWriter(sink)
  for (const [name, bytes] of Object.entries(entries))
    await zip.add(
      `archive/${name}`,
      bytes.length,
      () => [bytes],
      () => checksum(fromTypedArray(bytes).storage),
    )
  await zip.finish()
  return sink.bytes
}

/** A checkpoint of the zip format. */
export const forgeZip = (value: unknown, storages: Storages = {}, more: Storages = {}): Promise<Uint8Array<ArrayBuffer>> =>
  forgeArchive({
    'data.pkl': value instanceof Uint8Array ? value : pickled(value),
    ...Object.fromEntries(Object.entries(storages).map(([key, bytes]) => [`data/${key}`, bytes])),
    ...more,
  })

const magic = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]

/** A checkpoint of the format before that; its storages come with the numbers of their elements. */
export function forgeLegacy(
  value: unknown,
  storages: Readonly<Record<string, readonly [numel: number, Uint8Array]>> = {},
  isLittle = true,
): Uint8Array<ArrayBuffer> {
  const parts = [
    Uint8Array.from(magic),
    pickled(1001),
    pickled({ protocol_version: 1001, little_endian: isLittle }),
    pickled(value),
    pickled(Object.keys(storages)),
    ...Object.values(storages).flatMap(([numel, bytes]) => [new Uint8Array(BigInt64Array.of(BigInt(numel)).buffer), bytes]),
  ]
  return new Uint8Array(Buffer.concat(parts))
}

/** The archive with all its entries deflated, as other programs write it. */
export function deflated(entries: Storages): Uint8Array<ArrayBuffer> {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [name, bytes] of Object.entries(entries)) {
    const packed = deflateRawSync(bytes, { level: 9 })
    const path = Buffer.from(`archive/${name}`)
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(8, 4)
    fields.writeUInt32LE(bytes.length === 0 ? 0 : checksum(fromTypedArray(bytes).storage), 10)
    fields.writeUInt32LE(packed.length, 14)
    fields.writeUInt32LE(bytes.length, 18)
    fields.writeUInt16LE(path.length, 22)
    parts.push(Buffer.from('PK\x03\x04', 'latin1'), fields, path, packed)
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(offset, 10)
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), fields, rest, path)
    offset += 30 + path.length + packed.length
  }
  const listed = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(Object.keys(entries).length, 8)
  end.writeUInt16LE(Object.keys(entries).length, 10)
  end.writeUInt32LE(listed.length, 12)
  end.writeUInt32LE(offset, 16)
  return new Uint8Array(Buffer.concat([...parts, listed, end]))
}
