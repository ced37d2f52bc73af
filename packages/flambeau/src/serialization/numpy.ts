/** Files of NumPy: `.npy` and `.npz`, under the names of its functions. */

import { isOptions, readArguments } from '../core/arguments.js'
import { Tensor } from '../core/tensor.js'
import { isNpy, NpyReader, npyOf } from './npy.js'
import { FormatError, type Loadable, loadError, openSource, readFrom, type Savable, type Source, writeTo } from './source.js'
import { joined } from './tensorData.js'
import { Zip } from './zipReader.js'
import { ZipWriter } from './zipWriter.js'

/** Options of what loads arrays. */
export interface NumpyLoadOptions {
  /** Where the tensors go. */
  device?: string
}
const readDevice = (name: string, options: NumpyLoadOptions): string | undefined =>
  readArguments<NumpyLoadOptions>(name, [options], [], ['device']).device

const CHUNK = 16 * 2 ** 20

async function readNpy(source: Source, device: string | undefined): Promise<Tensor> {
  const reader = new NpyReader(source.size, device)
  for (let at = 0; at < source.size && !reader.isDone; at += CHUNK)
    reader.take(await source.read(at, Math.min(CHUNK, source.size - at)))
  return reader.finish()
}

async function readEntry(zip: Zip, entry: string, device: string | undefined): Promise<Tensor> {
  const reader = new NpyReader(zip.sizeOf(entry), device)
  try {
    await zip.each(entry, (chunk) => reader.take(chunk))
    return reader.finish()
  } catch (error) {
    throw error instanceof FormatError && !error.message.includes(entry)
      ? new FormatError(`in its entry ${entry}, ${error.message}`, { cause: error.cause })
      : error
  }
}

/** The names of an archive's arrays and of their entries. */
function arraysOf(zip: Zip): Map<string, string> {
  const arrays = new Map<string, string>()
  for (const entry of zip.names) {
    const name = entry.replace(/\.npy$/, '')
    if (arrays.has(name)) throw new FormatError(`its archive has two arrays ${name}`)
    arrays.set(name, entry)
  }
  return arrays
}

/**
 * What `numpy.save` or `numpy.savez` wrote, as `numpy.load`: the tensor of an npy file, or a plain object of the tensors of an npz
 * file by their names. Big-endian elements are turned around; arrays in Fortran order become tensors with such strides. Python
 * objects are refused, and nothing in the file is executed.
 *
 * @throws Error in one sentence that names the file and what is wrong with it
 * @example
 * const { numpy } = torch.serialization
 * await numpy.load(numpy.toBytes(torch.arange(3))) // tensor([0, 1, 2])
 */
export async function load<T extends Tensor | Record<string, Tensor> = Tensor>(
  from: Loadable,
  options: NumpyLoadOptions = {},
): Promise<T> {
  const device = readDevice('load', options)
  return readFrom(from, async (source) => {
    const head = await source.read(0, Math.min(6, source.size))
    if (isNpy(head)) return (await readNpy(source, device)) as T
    requireZip(head)
    const zip = await Zip.open(source)
    const tensors: Record<string, Tensor> = Object.create(null)
    for (const [name, entry] of arraysOf(zip)) tensors[name] = await readEntry(zip, entry, device)
    return tensors as T
  })
}

function requireZip(head: Uint8Array): void {
  if (head[0] === 0x50 && head[1] === 0x4b) return
  if (head.length === 0) throw new FormatError('it is empty')
  if (head[0] === 0x80) throw new FormatError('it is a pickle of Python objects, which flambeau does not read')
  throw new FormatError('it is no file of NumPy: it begins neither as npy nor as npz')
}

/**
 * An open npz file, of which only what is asked for is read, as `numpy.lib.npyio.NpzFile`. Made by `openNpz`.
 *
 * @example
 * const { numpy } = torch.serialization
 * const path = `${process.env.TMPDIR ?? '/tmp'}/file.npz`
 * await numpy.savez(path, torch.zeros(2))
 * const file = await numpy.openNpz(path)
 * file instanceof numpy.NpzFile // true
 * await file.close()
 */
export class NpzFile {
  readonly #source: Source
  readonly #zip: Zip
  readonly #arrays: ReadonlyMap<string, string>
  readonly #device: string | undefined

  /** @internal */
  constructor(source: Source, zip: Zip, device: string | undefined) {
    this.#source = source
    this.#zip = zip
    this.#arrays = arraysOf(zip)
    this.#device = device
  }

  /** The names of the arrays. */
  get files(): string[] {
    return [...this.#arrays.keys()]
  }

  /** Reads one array. @throws Error for a name that is not there */
  async get(name: string): Promise<Tensor> {
    try {
      const entry = this.#arrays.get(name)
      if (entry === undefined) throw new FormatError(`it has no array '${name}'`)
      return await readEntry(this.#zip, entry, this.#device)
    } catch (error) {
      throw loadError(this.#source.name, error)
    }
  }

  /** Closes the file. */
  close(): Promise<void> {
    return this.#source.close()
  }

  /** Closes the file at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/**
 * Opens an npz file to read single arrays, which `numpy.load` does. `close()` it, or declare it by `await using`.
 *
 * @throws Error in one sentence that names the file and what is wrong with it
 * @example
 * const { numpy } = torch.serialization
 * const path = `${process.env.TMPDIR ?? '/tmp'}/open.npz`
 * await numpy.savez(path, { x: torch.arange(3), y: torch.zeros(2) })
 * const file = await numpy.openNpz(path)
 * file.files // [ 'x', 'y' ]
 * await file.get('x') // tensor([0, 1, 2])
 * await file.close()
 */
export async function openNpz(from: Loadable, options: NumpyLoadOptions = {}): Promise<NpzFile> {
  const device = readDevice('openNpz', options)
  const source = await openSource(from)
  try {
    requireZip(await source.read(0, Math.min(6, source.size)))
    return new NpzFile(source, await Zip.open(source), device)
  } catch (error) {
    await source.close()
    throw loadError(source.name, error)
  }
}

/**
 * Writes a tensor to an npy file, as `numpy.save`, under a temporary name that is then renamed. Nothing is added to the path.
 *
 * @throws TypeError for bfloat16, which NumPy does not have
 * @throws Error for a tensor that requires a gradient, as `torch.Tensor.numpy`
 * @example
 * const { numpy } = torch.serialization
 * const path = `${process.env.TMPDIR ?? '/tmp'}/array.npy`
 * await numpy.save(path, torch.ones(2, 2))
 * (await numpy.load(path)).shape // [ 2, 2 ]
 */
export async function save(file: Savable, tensor: Tensor): Promise<void> {
  const payload = npyOf(requireTensor('save', tensor))
  await writeTo(file, async (sink) => {
    for (const chunk of payload.chunks()) await sink.write(chunk)
  })
}

/**
 * The bytes of the file that `save` would write.
 *
 * @example
 * torch.serialization.numpy.toBytes(torch.zeros(2)).length // 136
 */
export const toBytes = (tensor: Tensor): Uint8Array<ArrayBuffer> => joined([npyOf(requireTensor('toBytes', tensor))])

function requireTensor(name: string, value: unknown): Tensor {
  if (value instanceof Tensor) return value
  throw new TypeError(`${name}() takes a tensor, not ${value === null ? 'null' : typeof value}`)
}

type Arrays = readonly [...tensors: Tensor[], named: Readonly<Record<string, Tensor>>] | readonly Tensor[]

/**
 * Writes tensors to an npz file, as `numpy.savez`: those given by position are called `arr_0`, `arr_1` and so on, those of a
 * trailing object by its keys. It is written under a temporary name that is then renamed; nothing is added to the path.
 *
 * @throws Error for a name given twice, and for what `save` refuses
 * @example
 * const { numpy } = torch.serialization
 * const path = `${process.env.TMPDIR ?? '/tmp'}/arrays.npz`
 * await numpy.savez(path, torch.zeros(2), { x: torch.ones(3) })
 * Object.keys(await numpy.load(path)) // [ 'x', 'arr_0' ]
 */
export const savez = (file: Savable, ...arrays: Arrays): Promise<void> => writeNpz('savez', file, arrays, false)

/**
 * As `savez`, with every array deflated, as `numpy.savez_compressed`.
 *
 * @throws Error for a name given twice, and for what `save` refuses
 * @example
 * const { numpy } = torch.serialization
 * const path = `${process.env.TMPDIR ?? '/tmp'}/compressed.npz`
 * await numpy.savezCompressed(path, { x: torch.ones(3) })
 * (await numpy.load(path)).x // tensor([1., 1., 1.])
 */
export const savezCompressed = (file: Savable, ...arrays: Arrays): Promise<void> =>
  writeNpz('savezCompressed', file, arrays, true)

async function writeNpz(name: string, file: Savable, arrays: Arrays, deflate: boolean): Promise<void> {
  const named = isOptions(arrays.at(-1)) ? (arrays.at(-1) as Record<string, Tensor>) : {}
  const positional = isOptions(arrays.at(-1)) ? arrays.slice(0, -1) : arrays
  const all = new Map(Object.entries(named))
  for (const [i, tensor] of positional.entries()) {
    if (all.has(`arr_${i}`)) throw new Error(`Cannot use un-named variables and keyword arr_${i}`)
    all.set(`arr_${i}`, tensor as Tensor)
  }
  const payloads = [...all].map(([key, tensor]) => ({ key, payload: npyOf(requireTensor(name, tensor)) }))
  await writeTo(file, async (sink) => {
    const zip = new ZipWriter(sink)
    for (const { key, payload } of payloads)
      await zip.add(
        `${key}.npy`,
        payload.size,
        () => payload.chunks(),
        () => payload.checksum(),
        deflate,
      )
    await zip.finish()
  })
}
