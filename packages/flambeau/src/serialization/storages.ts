/** Storages of a checkpoint: how pickles name them, their memory, and their bytes. */

import type { Backend } from '../backends/backend.js'
import { backendOf } from '../backends/select.js'
import { type DType, itemSize, realDType } from '../core/dtype.js'
import { Storage } from '../core/storage.js'
import { FormatError, type Source, shown } from './source.js'
import { Global, Opaque, PyTuple } from './unpickle.js'

/** PyTorch's storage classes and what their elements are. */
export const storageClasses = {
  FloatStorage: 'float32',
  DoubleStorage: 'float64',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  CharStorage: 'int8',
  ShortStorage: 'int16',
  IntStorage: 'int32',
  LongStorage: 'int64',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
  ComplexFloatStorage: 'complex64',
  ComplexDoubleStorage: 'complex128',
} as const satisfies Record<string, DType>

export const storageClassOf = (dtype: DType): string =>
  Object.entries(storageClasses).find(([, element]) => element === dtype)![0]

/** The dtype of a storage class; null for bytes without one. */
export class StorageClass extends Global {
  constructor(
    name: string,
    readonly dtype: DType | null,
  ) {
    super(name)
  }
}

/**
 * A storage that a pickle refers to: its memory is there, its bytes come after the pickle has been read. Of old files' storages
 * some are parts of others.
 */
export class LoadedStorage extends Opaque {
  constructor(
    readonly key: string,
    readonly dtype: DType | null,
    readonly storage: Storage<Backend>,
    /** Elements before the part, and in it. */
    readonly start: number,
    readonly numel: number,
  ) {
    super()
  }
  get description(): string {
    return 'a storage'
  }
}

/**
 * Where storages go: a device, devices by the location they were saved from, or a function of the storage, which is on the CPU,
 * and that location; it answers with a device, the storage to leave it there, or nothing.
 */
export type MapLocation =
  | string
  | Readonly<Record<string, string>>
  | ((storage: Storage<Backend>, location: string) => string | Storage<Backend> | null | undefined)

/** @throws Error for a device that is not there. Without a say in it, what was saved on other devices goes to the CPU. */
function place(storage: Storage<Backend>, location: string, map: MapLocation | undefined): void {
  const to = typeof map === 'function' ? map(storage, location) : typeof map === 'object' ? map[location] : map
  if (to === undefined || to === null || to === storage) return
  if (typeof to !== 'string') throw new TypeError('mapLocation must give a device or the storage that it was given')
  backendOf(to)
}

/** The storages of one file, each made once. */
export class Storages {
  readonly byKey = new Map<string, LoadedStorage>()
  readonly #mapLocation: MapLocation | undefined
  readonly #require: (key: string, bytes: number) => void

  /** `require` checks that so many bytes are there for a key, before memory is taken. */
  constructor(mapLocation: MapLocation | undefined, require: (key: string, bytes: number) => void) {
    if (mapLocation !== undefined && !['string', 'object', 'function'].includes(typeof mapLocation))
      throw new TypeError(`mapLocation must be a device, an object or a function, but is a ${typeof mapLocation}`)
    if (typeof mapLocation === 'string') backendOf(mapLocation)
    this.#mapLocation = mapLocation
    this.#require = require
  }

  /** What a persistent id stands for: `('storage', class, key, location, numel)`, with a view's metadata in old files. */
  persistent(id: unknown): LoadedStorage {
    const [type, cls, key, location, numel, view = null] = id instanceof PyTuple ? id.items : []
    if (type !== 'storage' || !(cls instanceof StorageClass) || typeof key !== 'string' || typeof location !== 'string')
      throw new FormatError('its pickle has a persistent id that is no storage')
    if (typeof numel !== 'number' || !Number.isSafeInteger(numel) || numel < 0)
      throw new FormatError(`its storage ${key} claims ${shown(numel)} elements`)
    const known = this.byKey.get(key)
    const bytes = numel * (cls.dtype === null ? 1 : itemSize(cls.dtype))
    if (known !== undefined) {
      if (known.storage.byteLength !== bytes) throw new FormatError(`its storage ${key} has two sizes`)
      return part(known.dtype === cls.dtype ? known : new LoadedStorage(key, cls.dtype, known.storage, 0, numel), view)
    }
    if (!Number.isSafeInteger(bytes)) throw new FormatError(`its storage ${key} claims ${shown(numel)} elements`)
    this.#require(key, bytes)
    const backend = backendOf('cpu')
    const storage = new Storage(backend, backend.allocate(bytes), bytes)
    place(storage, location, this.#mapLocation)
    const made = new LoadedStorage(key, cls.dtype, storage, 0, numel)
    this.byKey.set(key, made)
    return part(made, view)
  }
}

/** The part of a storage that `(key, offset, size)` names: files from before PyTorch 0.4. */
function part(whole: LoadedStorage, view: unknown): LoadedStorage {
  if (view === null) return whole
  const [key, offset, size] = view instanceof PyTuple ? view.items : []
  const isSize = (n: unknown): n is number => typeof n === 'number' && Number.isSafeInteger(n) && n >= 0
  if (typeof key !== 'string' || !isSize(offset) || !isSize(size) || offset + size > whole.numel)
    throw new FormatError(`its storage ${whole.key} has a part that is not inside`)
  return new LoadedStorage(key, whole.dtype, whole.storage, offset, size)
}

const CHUNK = 4 * 2 ** 20

/** Whether the memory of a storage stays where it is while others use it; that of the wasm engine moves when it grows. */
export const isPinned = (storage: Storage<Backend>): boolean => storage.allocator.name !== 'wasm'

/**
 * Fills a storage with the bytes from `start` on, in parts, so that no second copy of the whole is ever there. `filled` is called
 * for each part while the next one is being read.
 */
export async function fill(
  storage: Storage<Backend>,
  source: Source,
  start: number,
  filled: (at: number, length: number) => void = () => {},
): Promise<void> {
  const total = storage.byteLength
  const read = async (at: number): Promise<void> => {
    const length = Math.min(CHUNK, total - at)
    const place = isPinned(storage) ? storage.bytes.subarray(at, at + length) : undefined
    const part = await source.read(start + at, length, place)
    if (part !== place) storage.bytes.set(part, at)
  }
  if (total > 0) await read(0)
  for (let at = 0; at < total; at += CHUNK) {
    const next = at + CHUNK < total ? read(at + CHUNK) : undefined
    filled(at, Math.min(CHUNK, total - at))
    await next
  }
}

/** Turns the bytes of every element around, and those of each part of complex ones. */
export function swapBytes(bytes: Uint8Array, dtype: DType): void {
  const size = itemSize(realDType(dtype))
  if (size === 1) return
  reverseWords(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), size as 2 | 4 | 8)
}

function reverseWords(view: DataView, size: 2 | 4 | 8): void {
  const { byteLength } = view
  if (size === 2) for (let at = 0; at < byteLength; at += 2) view.setUint16(at, view.getUint16(at, true))
  else if (size === 4) for (let at = 0; at < byteLength; at += 4) view.setUint32(at, view.getUint32(at, true))
  else
    for (let at = 0; at < byteLength; at += 8) {
      const low = view.getUint32(at, true)
      view.setUint32(at, view.getUint32(at + 4, true))
      view.setUint32(at + 4, low)
    }
}
