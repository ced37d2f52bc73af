/** The safetensors format, under the names of its Python package (`safetensors.torch`, `safe_open`). */

import { backendOf } from '../backends/select.js'
import { readArguments } from '../core/arguments.js'
import { itemSize } from '../core/dtype.js'
import { Layout } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { at, type Index } from '../ops/at.js'
import { emptyTensor } from '../ops/dispatch.js'
import { contiguous } from '../ops/view.js'
import {
  dtypeOf,
  type Entry,
  type Header,
  headerLength,
  MAX_HEADER,
  order,
  parseHeader,
  type SafeDType,
  spelling,
} from './safetensorsHeader.js'
import { sharedTensors } from './sharedTensors.js'
import {
  bytesOf,
  FormatError,
  type Loadable,
  loadError,
  openSource,
  quoted,
  readFrom,
  type Savable,
  type Source,
  writeTo,
} from './source.js'
import { fill } from './storages.js'
import { joined, normalizeBools, Payload } from './tensorData.js'

async function openHeader(source: Source): Promise<Header> {
  const length = headerLength(await source.read(0, Math.min(8, source.size)), source.size)
  return parseHeader(await source.read(8, length), source.size)
}

async function readTensor(source: Source, header: Header, entry: Entry, device: string | undefined): Promise<Tensor> {
  const t = emptyTensor(backendOf(device), entry.shape, dtypeOf(entry))
  await fill(t.storage, source, header.start + entry.start)
  normalizeBools(t)
  return t
}

/** Options of what loads tensors. */
export interface DeviceOptions {
  /** Where the tensors go. */
  device?: string
}
const readDevice = (name: string, options: DeviceOptions): string | undefined =>
  readArguments<DeviceOptions>(name, [options], [], ['device']).device

/**
 * The tensors in the bytes of a safetensors file, as `safetensors.torch.load`, each in memory of its own.
 *
 * @throws Error in one sentence where the bytes break any of the format's rules
 * @example
 * const { safetensors } = torch.serialization
 * const bytes = safetensors.save({ weight: torch.ones(2) })
 * safetensors.load(bytes).weight // tensor([1., 1.])
 */
export function load(bytes: ArrayBuffer | ArrayBufferView, options: DeviceOptions = {}): Record<string, Tensor> {
  const device = readDevice('load', options)
  const data = bytesOf(bytes)
  try {
    const length = headerLength(data, data.length)
    const { entries, start } = parseHeader(data.subarray(8, 8 + length), data.length)
    for (const entry of entries) dtypeOf(entry)
    const tensors: Record<string, Tensor> = Object.create(null)
    for (const entry of entries) {
      const t = emptyTensor(backendOf(device), entry.shape, dtypeOf(entry))
      t.storage.bytes.set(data.subarray(start + entry.start, start + entry.end))
      normalizeBools(t)
      tensors[entry.name] = t
    }
    return tensors
  } catch (error) {
    throw loadError('the buffer', error)
  }
}

/**
 * The tensors of a safetensors file, as `safetensors.torch.load_file`: from a path or URL, a Blob, a Response of `fetch`, a file
 * handle or bytes. Each tensor gets memory of its own; the file is read in parts, straight into it.
 *
 * @throws Error in one sentence that names the file and the rule of the format that it breaks
 * @example
 * const { safetensors } = torch.serialization
 * const response = new Response(safetensors.save({ weight: torch.ones(2), bias: torch.zeros(1) }))
 * const tensors = await safetensors.loadFile(response)
 * Object.keys(tensors) // [ 'bias', 'weight' ]
 */
export async function loadFile(from: Loadable, options: DeviceOptions = {}): Promise<Record<string, Tensor>> {
  const device = readDevice('loadFile', options)
  return readFrom(from, async (source) => {
    const header = await openHeader(source)
    for (const entry of header.entries) dtypeOf(entry)
    const tensors: Record<string, Tensor> = Object.create(null)
    for (const entry of header.entries) tensors[entry.name] = await readTensor(source, header, entry, device)
    return tensors
  })
}

/** A tensor of an open safetensors file of which parts can be read. Made by `SafeFile.getSlice`. */
export interface SafeSlice {
  /** The sizes of the whole tensor. */
  getShape(): readonly number[]
  /** The dtype as the format spells it: `'F32'`. */
  getDtype(): SafeDType
  /** A part of the tensor by integers, slices, null and `'...'`: only the bytes from its first element to its last are read. */
  at(...indices: Index[]): Promise<Tensor>
}

/**
 * An open safetensors file, of which only what is asked for is read. Made by `safeOpen`.
 *
 * @example
 * const { safetensors } = torch.serialization
 * const file = await safetensors.safeOpen(safetensors.save({ x: torch.ones(2) }))
 * file instanceof safetensors.SafeFile // true
 * await file.close()
 */
export class SafeFile {
  readonly #source: Source
  readonly #header: Header
  readonly #device: string | undefined

  /** @internal */
  constructor(source: Source, header: Header, device: string | undefined) {
    this.#source = source
    this.#header = header
    this.#device = device
  }

  /** The tensors' names, sorted. */
  keys(): string[] {
    return this.offsetKeys().sort()
  }

  /** The tensors' names in the order of their bytes, which is the fastest to read them in. */
  offsetKeys(): string[] {
    return this.#header.entries.map(({ name }) => name)
  }

  /** What the file says about itself, or null. */
  metadata(): Readonly<Record<string, string>> | null {
    return this.#header.metadata
  }

  /** Reads one tensor. @throws Error for a name that is not there */
  async getTensor(name: string): Promise<Tensor> {
    return this.#reading(() => readTensor(this.#source, this.#header, this.#entry(name), this.#device))
  }

  /** A tensor to read parts of. @throws Error for a name that is not there */
  getSlice(name: string): SafeSlice {
    const entry = this.#entry(name)
    return {
      getShape: () => entry.shape,
      getDtype: () => entry.type,
      at: (...indices) => this.#reading(() => this.#readPart(entry, indices)),
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

  #entry(name: string): Entry {
    const entry = this.#header.entries.find((item) => item.name === name)
    if (entry === undefined)
      throw loadError(this.#source.name, new FormatError(`it has no tensor ${quoted(name)} (TensorNotFound)`))
    return entry
  }

  async #reading<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      throw loadError(this.#source.name, error)
    }
  }

  async #readPart(entry: Entry, indices: readonly Index[]): Promise<Tensor> {
    const bad = indices.find((index) => typeof index === 'boolean' || Array.isArray(index) || index instanceof Tensor)
    if (bad !== undefined) throw new TypeError('a slice of a safetensors file takes integers, slices, null and ellipses')
    const dtype = dtypeOf(entry)
    // Views move a layout about and touch no memory, so a tensor without any tells where the part lies.
    const { storage } = emptyTensor(backendOf(this.#device), [0], dtype)
    const { layout } = at(new Tensor(storage, Layout.contiguous(entry.shape), dtype), ...indices)
    if (layout.numel === 0) return emptyTensor(backendOf(this.#device), layout.shape, dtype)
    const run = emptyTensor(backendOf(this.#device), [layout.extent - layout.offset], dtype)
    await fill(run.storage, this.#source, this.#header.start + entry.start + layout.offset * itemSize(dtype))
    normalizeBools(run)
    return contiguous(new Tensor(run.storage, new Layout(layout.shape, layout.strides), dtype))
  }
}

/**
 * Opens a safetensors file to read single tensors or parts of them, as `safetensors.safe_open`. Of a path, a Blob or a file
 * handle no more is read than the header and what is asked for. `close()` it, or declare it by `await using`.
 *
 * @throws Error in one sentence that names the file and the rule of the format that it breaks
 * @example
 * const { safetensors } = torch.serialization
 * const bytes = safetensors.save({ table: torch.arange(6).view(3, 2) }, { metadata: { format: 'pt' } })
 * const file = await safetensors.safeOpen(bytes)
 * file.keys() // [ 'table' ]
 * file.metadata().format // pt
 * await file.getTensor('table')
 * // tensor([[0, 1],
 * //         [2, 3],
 * //         [4, 5]])
 * await file.getSlice('table').at('1:', 0) // tensor([2, 4])
 * await file.close()
 */
export async function safeOpen(from: Loadable, options: DeviceOptions = {}): Promise<SafeFile> {
  const device = readDevice('safeOpen', options)
  const source = await openSource(from)
  try {
    return new SafeFile(source, await openHeader(source), device)
  } catch (error) {
    await source.close()
    throw loadError(source.name, error)
  }
}

/** Options of what saves tensors. */
export interface SafeSaveOptions {
  /** What the file says about itself: `{ format: 'pt' }` is what libraries for PyTorch write. */
  metadata?: Readonly<Record<string, string>> | null
}

/** The parts of a file, first its header. */
function layOut(name: string, tensors: Readonly<Record<string, Tensor>>, options: SafeSaveOptions): Payload[] {
  const { metadata } = readArguments<SafeSaveOptions>(name, [options], [], ['metadata'])
  const entries = checkedTensors(tensors)
  for (const [key, value] of Object.entries(metadata ?? {}))
    if (typeof value !== 'string') throw new TypeError(`metadata '${key}' must be a string, not ${typeof value}`)
  let end = 0
  const fields = entries.map(({ name, type, tensor }) => {
    const start = end
    end += tensor.layout.numel * itemSize(tensor.dtype)
    return `${JSON.stringify(name)}:${JSON.stringify({ dtype: type, shape: tensor.shape, data_offsets: [start, end] })}`
  })
  if (metadata) fields.unshift(`"__metadata__":${JSON.stringify(metadata)}`)
  const text = new TextEncoder().encode(`{${fields.join(',')}}`)
  // Padded with spaces, so that the tensors begin at a multiple of 8.
  const length = Math.ceil(text.length / 8) * 8
  if (length > MAX_HEADER)
    throw new Error(`the header would have ${length} bytes, and ${MAX_HEADER} are the most (HeaderTooLarge)`)
  const head = new Uint8Array(8 + length).fill(0x20)
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true)
  head.set(text, 8)
  return [new Payload(head), ...entries.map(({ tensor }) => new Payload(new Uint8Array(), tensor))]
}

/** The tensors in the order of the format: the widest dtypes first, so that all are aligned, then by name. */
function checkedTensors(tensors: Readonly<Record<string, Tensor>>): { name: string; type: SafeDType; tensor: Tensor }[] {
  if (typeof tensors !== 'object' || tensors === null || tensors instanceof Tensor || Array.isArray(tensors))
    throw new TypeError(
      `Expected a dict of [str, torch.Tensor] but received ${tensors instanceof Tensor ? 'a tensor' : typeof tensors}`,
    )
  const entries = Object.entries(tensors).map(([name, tensor]) => {
    if (!(tensor instanceof Tensor))
      throw new TypeError(
        `Key \`${name}\` is invalid, expected torch.Tensor but received ${tensor === null ? 'null' : typeof tensor}`,
      )
    if (name === '__metadata__') throw new TypeError("a tensor cannot be named '__metadata__'")
    const type = spelling.get(tensor.dtype)
    if (type === undefined) throw new TypeError(`safetensors has no dtype for ${tensor.dtype}, which '${name}' has`)
    return { name, type, tensor }
  })
  const shared = sharedTensors(tensors).filter((names) => names.length > 1)
  if (shared.length > 0)
    throw new Error(
      `Some tensors share memory, this will lead to duplicate memory on disk and potential differences when loading them again: ${JSON.stringify(shared)}. A potential way to correctly save your model is to use \`saveModel\`.`,
    )
  for (const { name, tensor } of entries)
    if (!tensor.layout.isContiguous)
      throw new Error(
        `You are trying to save a non contiguous tensor: \`${name}\` which is not allowed. It either means you are trying to save tensors which are reference of each other in which case it's recommended to save only the full tensors, and reslice at load time, or simply call \`.contiguous()\` on your tensor to pack it before saving.`,
      )
  return entries.sort((a, b) => order.indexOf(b.type) - order.indexOf(a.type) || (a.name < b.name ? -1 : 1))
}

/**
 * Writes tensors to a safetensors file, as `safetensors.torch.save_file`, under a temporary name that is then renamed. They must
 * be contiguous and must not overlap in memory: what shares memory is for `saveModel`, or for `torch.save`.
 *
 * @throws Error for tensors that share memory, and for those that are not contiguous
 * @example
 * const { safetensors } = torch.serialization
 * const path = `${process.env.TMPDIR ?? '/tmp'}/weights.safetensors`
 * await safetensors.saveFile({ weight: torch.ones(2, 2) }, path, { metadata: { format: 'pt' } })
 * (await safetensors.loadFile(path)).weight.shape // [ 2, 2 ]
 */
export async function saveFile(
  tensors: Readonly<Record<string, Tensor>>,
  to: Savable,
  options: SafeSaveOptions = {},
): Promise<void> {
  const parts = layOut('saveFile', tensors, options)
  await writeTo(to, async (sink) => {
    for (const part of parts) for (const chunk of part.chunks()) await sink.write(chunk)
  })
}

/**
 * The bytes of the file that `saveFile` would write, as `safetensors.torch.save`.
 *
 * @throws Error for tensors that share memory, and for those that are not contiguous
 * @example
 * torch.serialization.safetensors.save({ x: torch.zeros(2) }).length // 72
 */
export function save(tensors: Readonly<Record<string, Tensor>>, options: SafeSaveOptions = {}): Uint8Array<ArrayBuffer> {
  return joined(layOut('save', tensors, options))
}
