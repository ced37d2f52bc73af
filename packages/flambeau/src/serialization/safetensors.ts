/** The safetensors format, under the names of its Python package (`safetensors.torch`, `safe_open`). */

import { backendOf } from '../backends/select.js'
import { readArguments } from '../core/arguments.js'
import { type DType, itemSize } from '../core/dtype.js'
import { Layout, type Shape, showShape } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { at, type Index } from '../ops/at.js'
import { emptyTensor } from '../ops/dispatch.js'
import { contiguous } from '../ops/view.js'
import { parseJson } from './json.js'
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
import { checkedNumel, checkedShape, joined, normalizeBools, Payload } from './tensorData.js'

/** What a file's dtypes are here, and how many bits an element has, in the format's order; null for what flambeau has not. */
const dtypes = {
  BOOL: ['bool', 8],
  F4: [null, 4],
  F6_E2M3: [null, 6],
  F6_E3M2: [null, 6],
  U8: ['uint8', 8],
  I8: ['int8', 8],
  F8_E5M2: [null, 8],
  F8_E4M3: [null, 8],
  F8_E8M0: [null, 8],
  F8_E4M3FNUZ: [null, 8],
  F8_E5M2FNUZ: [null, 8],
  I16: ['int16', 16],
  U16: [null, 16],
  F16: ['float16', 16],
  BF16: ['bfloat16', 16],
  I32: ['int32', 32],
  U32: [null, 32],
  F32: ['float32', 32],
  C64: ['complex64', 64],
  F64: ['float64', 64],
  I64: ['int64', 64],
  U64: [null, 64],
} as const satisfies Record<string, readonly [DType | null, number]>

/** A dtype as the format spells it. */
export type SafeDType = keyof typeof dtypes

const order = Object.keys(dtypes) as SafeDType[]
const spelling = new Map<DType | null, SafeDType>(order.map((name) => [dtypes[name][0], name]))

const MAX_HEADER = 100_000_000

/** A tensor as the header states it; its bytes are counted from the end of the header. */
interface Entry {
  readonly name: string
  readonly type: SafeDType
  readonly shape: Shape
  readonly start: number
  readonly end: number
}

interface Header {
  /** In the order of their bytes. */
  readonly entries: readonly Entry[]
  readonly metadata: Readonly<Record<string, string>> | null
  /** Where the tensors' bytes begin. */
  readonly start: number
}

/** The length of the header of a file of this size that begins so. */
function headerLength(head: Uint8Array, size: number): number {
  if (size < 8) throw new FormatError(`its ${size} bytes are too few for a header (HeaderTooSmall)`)
  const length = Number(new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true))
  if (length > MAX_HEADER)
    throw new FormatError(`its header claims ${length} bytes, and ${MAX_HEADER} are the most (HeaderTooLarge)`)
  if (8 + length > size)
    throw new FormatError(`its header claims ${length} bytes, and ${size - 8} are there (InvalidHeaderLength)`)
  return length
}

function parseHeader(bytes: Uint8Array, size: number): Header {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new FormatError('its header is no UTF-8 (InvalidHeader)')
  }
  if (text[0] !== '{') throw new FormatError('its header does not begin with { (InvalidHeaderStart)')
  const header = parseJson(text) as Map<string, unknown>
  const metadata = readMetadata(header.get('__metadata__'))
  header.delete('__metadata__')
  const entries = [...header].map(([name, value]) => readEntry(name, value)).sort((a, b) => a.start - b.start || a.end - b.end)
  const start = 8 + bytes.length
  let end = 0
  for (const entry of entries) {
    if (entry.start !== end || entry.end < entry.start)
      throw new FormatError(
        `its tensor ${quoted(entry.name)} has the bytes ${entry.start} to ${entry.end} where those from ${end} on come next (InvalidOffset)`,
      )
    requireSize(entry)
    end = entry.end
  }
  if (start + end !== size)
    throw new FormatError(`its tensors end at byte ${start + end}, but it has ${size} bytes (MetadataIncompleteBuffer)`)
  return { entries, metadata, start }
}

function readMetadata(value: unknown): Readonly<Record<string, string>> | null {
  if (value === undefined || value === null) return null
  if (!(value instanceof Map)) throw new FormatError('its metadata is no object (InvalidHeaderDeserialization)')
  const metadata: Record<string, string> = Object.create(null)
  for (const [key, item] of value) {
    if (typeof item !== 'string') throw new FormatError(`its metadata ${quoted(key)} is no string (InvalidHeaderDeserialization)`)
    metadata[key] = item
  }
  return metadata
}

function readEntry(name: string, value: unknown): Entry {
  const what = `its tensor ${quoted(name)}`
  const fields = value instanceof Map ? value : new Map<string, unknown>()
  const type = fields.get('dtype')
  if (typeof type !== 'string' || !Object.hasOwn(dtypes, type))
    throw new FormatError(`${what} has no dtype that the format knows (InvalidHeaderDeserialization)`)
  const shape = checkedShape(fields.get('shape'), what)
  const offsets = fields.get('data_offsets')
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every((n) => Number.isSafeInteger(n)))
    throw new FormatError(`${what} has no two offsets (InvalidHeaderDeserialization)`)
  return { name, type: type as SafeDType, shape, start: offsets[0], end: offsets[1] }
}

/** A tensor has just the bytes that its shape and dtype take. */
function requireSize({ name, type, shape, start, end }: Entry): void {
  const bits = checkedNumel(shape, `its tensor ${quoted(name)}`, ' (ValidationOverflow)') * dtypes[type][1]
  if (bits % 8 !== 0) throw new FormatError(`its tensor ${quoted(name)} ends inside a byte (MisalignedSlice)`)
  if (end - start !== bits / 8)
    throw new FormatError(
      `its tensor ${quoted(name)} of shape ${showShape(shape)} and dtype ${type} takes ${bits / 8} bytes, but has ${end - start} (TensorInvalidInfo)`,
    )
}

async function openHeader(source: Source): Promise<Header> {
  const length = headerLength(await source.read(0, Math.min(8, source.size)), source.size)
  return parseHeader(await source.read(8, length), source.size)
}

function dtypeOf({ name, type }: Entry): DType {
  const [dtype] = dtypes[type]
  if (dtype === null) throw new FormatError(`its tensor ${quoted(name)} has the dtype ${type}, which flambeau does not have`)
  return dtype
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

export { type LoadModelOptions, loadModel, type SaveModelOptions, saveModel } from './safetensorsModel.js'
