/** `torch.save` and `torch.load`. */

import type { Backend } from '../backends/backend.js'
import { readArguments } from '../core/arguments.js'
import { itemSize } from '../core/dtype.js'
import type { Storage } from '../core/storage.js'
import { Tensor } from '../core/tensor.js'
import { Module } from '../nn/module.js'
import { Parameter } from '../nn/parameter.js'
import { metadataOf } from '../nn/stateDict.js'
import { fromTypedArray } from '../ops/creation.js'
import { findGlobal } from './globals.js'
import { isLegacy, loadLegacy } from './legacy.js'
import { type ClassFinder, classFinder, type ModuleClasses } from './moduleClasses.js'
import { Call, GlobalName, Ordered, Persistent, pickle } from './pickle.js'
import { FormatError, type Loadable, MemorySink, readFrom, type Savable, type Sink, type Source, writeTo } from './source.js'
import { isPinned, type MapLocation, Storages, storageClassOf, swapBytes } from './storages.js'
import { toJavaScript, unpickle } from './unpickle.js'
import { checksum, Zip } from './zipReader.js'
import { ZipWriter } from './zipWriter.js'

export interface LoadOptions {
  /** Where tensors go: a device, devices by the location they were saved from, or a function of it. */
  mapLocation?: MapLocation
  /** Classes of whole modules by their full Python name (`'my_module.Net'`), besides those of `torch.nn`. */
  classes?: ModuleClasses
  /** Refuse whole modules: tensors and plain data only. */
  weightsOnly?: boolean
}

/**
 * Reads what `torch.save` wrote, here or in Python (the zip format and the one before it), as `torch.load`. Dicts with string keys
 * are plain objects, other dicts Maps, tuples frozen arrays; tensors that shared memory share it again. Nothing in the file is
 * executed: a class or function that is not among PyTorch's own for data, and is not given in `classes`, is an error.
 *
 * @throws Error in one sentence that names the file and what is wrong with it
 * @example
 * const saved = await torch.serialization.toBytes({ epoch: 3, weight: torch.ones(2) })
 * const { epoch, weight } = await torch.load<{ epoch: number; weight: Tensor }>(saved)
 * epoch // 3
 * weight // tensor([1., 1.])
 */
export async function load<T = unknown>(from: Loadable, options: LoadOptions = {}): Promise<T> {
  const { mapLocation, classes, weightsOnly = false } = readArguments<LoadOptions>('load', [options], [], optionNames)
  const classOf = weightsOnly ? () => undefined : classFinder(classes)
  return readFrom(from, async (source) => {
    if (source.size === 0) throw new FormatError('it is empty')
    const head = await source.read(0, Math.min(512, source.size))
    if (head[0] === 0x50 && head[1] === 0x4b) return (await loadZip(source, mapLocation, classOf)) as T
    if (isLegacy(head)) return (await loadLegacy(source, mapLocation, classOf)) as T
    if (text(head.subarray(257, 262)) === 'ustar')
      throw new FormatError('it is in the format of PyTorch before 0.1.10, which is not implemented')
    throw new FormatError('it is no checkpoint of PyTorch: it begins neither as a zip archive nor as the format before that')
  })
}

const optionNames = ['mapLocation', 'classes', 'weightsOnly'] as const
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).trim()

async function loadZip(source: Source, mapLocation: MapLocation | undefined, classOf: ClassFinder): Promise<unknown> {
  const zip = await Zip.open(source)
  const root = zip.names[0]?.split('/')[0] ?? ''
  const path = (name: string): string => `${root}/${name}`
  if (zip.has(path('constants.pkl'))) throw new FormatError('it is a TorchScript archive, which flambeau does not run')
  if (!zip.has(path('data.pkl'))) throw new FormatError('it is a zip archive without data.pkl, and so no checkpoint of PyTorch')
  const order = zip.has(path('byteorder')) ? text(await zip.read(path('byteorder'))) : 'little'
  if (order !== 'little' && order !== 'big') throw new FormatError(`its byte order is '${order}'`)
  const storages = new Storages(mapLocation, (key, bytes) => {
    if (!/^\d+$/.test(key)) throw new FormatError(`it has a storage with the key '${key}'`)
    const size = zip.sizeOf(path(`data/${key}`))
    if (size !== bytes) throw new FormatError(`its storage ${key} claims ${bytes} bytes, but its entry has ${size}`)
  })
  const { value } = unpickle(await zip.read(path('data.pkl')), {
    find: (module, name) => findGlobal(module, name, classOf),
    persistent: (id) => storages.persistent(id),
  })
  for (const { key, storage, dtype } of storages.byKey.values()) {
    await zip.fill(path(`data/${key}`), storage)
    if (order === 'big' && dtype !== null) swapBytes(storage.bytes, dtype)
  }
  return toJavaScript(value)
}

/**
 * Writes tensors and plain data to a file that `torch.load` reads, here and in Python, as `torch.save`: objects and Maps become
 * dicts, arrays lists, frozen arrays tuples, state dicts OrderedDicts. Tensors that share memory share it in the file. A file
 * is written under a temporary name and renamed, so the one before stays whole until the new one is. Tensors must not be changed
 * before the promise is fulfilled.
 *
 * @throws TypeError for what has no form in Python: functions, instances of classes
 * @example
 * const model = new nn.Linear(2, 1)
 * await torch.save({ model: model.stateDict(), epoch: 1 }, `${process.env.TMPDIR ?? '/tmp'}/checkpoint.pt`)
 */
export function save(value: unknown, to: Savable): Promise<void> {
  return writeTo(to, (sink) => writeZip(value, sink, rootName(to)))
}

/**
 * The bytes of the file that `save` would write.
 *
 * @example
 * const bytes = await torch.serialization.toBytes([torch.ones(2)])
 * await torch.load(bytes) // [ tensor([1., 1.]) ]
 */
export async function toBytes(value: unknown): Promise<Uint8Array<ArrayBuffer>> {
  const sink = new MemorySink()
  await writeTo(sink, () => writeZip(value, sink, 'archive'))
  return sink.bytes
}

/** The folder inside the archive: PyTorch takes the file's name without its extension. */
function rootName(to: Savable): string {
  if (typeof to !== 'string' && !(to instanceof URL)) return 'archive'
  const name = String(to).split(/[\\/]/).at(-1) ?? ''
  return name.replace(/(?<=.)\.[^.]*$/, '') || 'archive'
}

const CHUNK = 4 * 2 ** 20

async function writeZip(value: unknown, sink: Sink, root: string): Promise<void> {
  const storages = new Map<Storage<Backend>, { key: string; dtype: Tensor['dtype'] }>()
  const data = pickle(value, (object) => reduce(object, storages))
  const zip = new ZipWriter(sink)
  const add = (name: string, bytes: Uint8Array): Promise<void> =>
    zip.add(
      `${root}/${name}`,
      bytes.length,
      () => [bytes],
      () => checksum(fromTypedArray(bytes).storage),
    )
  await add('data.pkl', data)
  await add('byteorder', new TextEncoder().encode('little'))
  for (const [storage, { key }] of storages) {
    let crc = 0
    const parts = function* (): Generator<Uint8Array> {
      for (let at = 0; at < storage.byteLength; at += CHUNK) {
        const part = storage.bytes.subarray(at, at + CHUNK)
        crc = checksum(storage, crc, at, part.length)
        yield isPinned(storage) ? part : part.slice()
      }
    }
    await zip.add(`${root}/data/${key}`, storage.byteLength, parts, () => crc)
  }
  await add('version', new TextEncoder().encode('3\n'))
  await zip.finish()
}

/** How tensors, parameters and state dicts are made in Python. */
function reduce(
  value: object,
  storages: Map<Storage<Backend>, { key: string; dtype: Tensor['dtype'] }>,
): Call | Ordered | undefined {
  if (value instanceof Tensor) {
    const { storage, layout, dtype } = value
    const known = storages.get(storage) ?? { key: String(storages.size), dtype }
    if (known.dtype !== dtype)
      throw new Error('Cannot save multiple tensors or storages that view the same data as different types')
    storages.set(storage, known)
    const numel = storage.byteLength / itemSize(dtype)
    const id = new Persistent(['storage', new GlobalName('torch', storageClassOf(dtype)), known.key, 'cpu', numel])
    const place = [id, layout.offset, Object.freeze([...layout.shape]), Object.freeze([...layout.strides])]
    const isParameter = value instanceof Parameter
    const tensor = new Call(new GlobalName('torch._utils', '_rebuild_tensor_v2'), [
      ...place,
      !isParameter && value.requiresGrad,
      new Ordered([]),
    ])
    if (!isParameter) return tensor
    return new Call(new GlobalName('torch._utils', '_rebuild_parameter'), [tensor, value.requiresGrad, new Ordered([])])
  }
  if (value instanceof Module)
    throw new TypeError(
      `save() cannot write a ${value.getName()}: a whole module would be its class's code as well; save its stateDict()`,
    )
  const metadata = metadataOf(value)
  return metadata === null ? undefined : new Ordered(Object.entries(value), new Ordered(Object.entries(metadata)))
}
