/** The format of PyTorch before 1.6: a row of pickles, and the storages behind them. */

import { itemSize } from '../core/dtype.js'
import { findGlobal } from './globals.js'
import type { ClassFinder } from './moduleClasses.js'
import { FormatError, type Source, shown } from './source.js'
import { fill, type MapLocation, Storages, swapBytes } from './storages.js'
import { Global, PyDict, PyTuple, Truncated, toJavaScript, unpickle } from './unpickle.js'

/** A pickle of the number 0x1950a86a20f9469cfc6c. */
const MAGIC = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]

/** Whether a file that begins so is of this format. */
export const isLegacy = (head: Uint8Array): boolean => MAGIC.every((byte, i) => head[i] === byte)

/** The pickles are read from a part of the file that grows until they are all in it. */
const FIRST_READ = 2 ** 20

export async function loadLegacy(source: Source, mapLocation: MapLocation | undefined, classOf: ClassFinder): Promise<unknown> {
  for (let length = FIRST_READ; ; length *= 4) {
    const bytes = await source.read(0, Math.min(length, source.size))
    try {
      return await read(bytes, source, mapLocation, classOf)
    } catch (error) {
      if (!(error instanceof Truncated) || bytes.length === source.size) throw error
    }
  }
}

async function read(
  bytes: Uint8Array,
  source: Source,
  mapLocation: MapLocation | undefined,
  classOf: ClassFinder,
): Promise<unknown> {
  let claimed = 0
  const storages = new Storages(mapLocation, (key, size) => {
    claimed += size
    if (claimed > source.size)
      throw new FormatError(`its storages up to ${key} claim ${claimed} bytes, more than the whole file has`)
  })
  const options = {
    find: (module: string, name: string) => findGlobal(module, name, classOf),
    persistent: (id: unknown) => {
      // Whole modules name their class together with its source text.
      if (id instanceof PyTuple && id.items[0] === 'module' && id.items[1] instanceof Global) return id.items[1]
      return storages.persistent(id)
    },
  }
  let at = MAGIC.length
  const next = (): unknown => {
    const { value, end } = unpickle(bytes, options, at)
    at = end
    return value
  }
  const protocol = next()
  if (protocol !== 1001) throw new FormatError(`its protocol is ${shown(protocol)}, and 1001 is the only one there is`)
  const system = next()
  const isBig = system instanceof PyDict && system.get('little_endian') === false
  const value = next()
  const keys = next()
  if (!Array.isArray(keys)) throw new FormatError('it has no list of storages')
  let start = at
  for (const key of keys) {
    const loaded = storages.byKey.get(key as string)
    if (loaded === undefined) throw new FormatError(`it has a storage ${shown(key)} that no tensor uses`)
    const { storage, dtype } = loaded
    if (start + 8 > source.size) throw new FormatError(`it ends before its storage ${key}`)
    const head = await source.read(start, 8)
    const numel = Number(new DataView(head.buffer, head.byteOffset, 8).getBigInt64(0, true))
    const expected = storage.byteLength / (dtype === null ? 1 : itemSize(dtype))
    if (numel !== expected) throw new FormatError(`its storage ${key} has ${numel} elements where ${expected} were stated`)
    if (start + 8 + storage.byteLength > source.size) throw new FormatError(`it ends inside its storage ${key}`)
    await fill(storage, source, start + 8)
    if (isBig && dtype !== null) swapBytes(storage.bytes, dtype)
    start += 8 + storage.byteLength
    storages.byKey.delete(key as string)
  }
  const [missing] = storages.byKey.keys()
  if (missing !== undefined) throw new FormatError(`its storage ${missing} is not there`)
  return toJavaScript(value)
}
