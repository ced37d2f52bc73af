/** The npy format: one array in a file, behind a header that is a Python literal. */

import { backendOf } from '../backends/select.js'
import { type DType, itemSize } from '../core/dtype.js'
import { type Shape, showShape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { rowMajor } from '../ops/copy.js'
import { emptyTensor } from '../ops/dispatch.js'
import { parsePythonLiteral, Tuple } from './pythonLiteral.js'
import { bytesOf, FormatError, loadError } from './source.js'
import { swapBytes } from './storages.js'
import { checkedNumel, checkedShape, columnMajorStrides, isColumnMajor, normalizeBools, Payload } from './tensorData.js'

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]
/** NumPy reads no longer ones either, unless told to trust the file. */
const MAX_HEADER = 10_000

/** Whether a file that begins so holds one array. */
export const isNpy = (head: Uint8Array): boolean => MAGIC.every((byte, i) => head[i] === byte)

/** NumPy's names of element types, without their byte order. */
const kinds: Partial<Record<string, DType>> = {
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
  c8: 'complex64',
  c16: 'complex128',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  b1: 'bool',
}
/** What NumPy calls types that PyTorch does not take. */
const foreign: Partial<Record<string, string>> = {
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  f12: 'longdouble',
  f16: 'longdouble',
  c24: 'clongdouble',
  c32: 'clongdouble',
  S: 'bytes_',
  a: 'bytes_',
  U: 'str_',
  V: 'void',
  M: 'datetime64',
  m: 'timedelta64',
}

interface Header {
  readonly dtype: DType
  readonly isBig: boolean
  readonly isColumnMajor: boolean
  readonly shape: Shape
}

function readType(descr: unknown): { dtype: DType; isBig: boolean } {
  const unsupported = (name: string): FormatError =>
    new FormatError(
      `can't convert np.ndarray of type numpy.${name}. The only supported types are: float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint8, and bool`,
    )
  // A list describes the fields of a record.
  if (Array.isArray(descr) || descr instanceof Tuple) throw unsupported('void')
  const [, order, name] = (typeof descr === 'string' && /^([<>|=]?)([a-zA-Z]\w*)/.exec(descr)) || []
  if (name === undefined) throw new FormatError('its header has no dtype')
  if (name === 'O') throw new FormatError('Object arrays cannot be loaded when allow_pickle=False: flambeau runs nothing')
  const dtype = kinds[name]
  if (dtype !== undefined && descr === order + name) return { dtype, isBig: order === '>' }
  const known = foreign[name] ?? foreign[name[0]]
  throw known === undefined ? new FormatError(`its header has no dtype that NumPy knows`) : unsupported(known)
}

function parseHeader(text: string): Header {
  const dict = parsePythonLiteral(text)
  const keys = ['descr', 'fortran_order', 'shape']
  if (!(dict instanceof Map) || dict.size !== 3 || !keys.every((key) => dict.has(key)))
    throw new FormatError(`its header is no dict of ${keys.join(', ')}`)
  const { dtype, isBig } = readType(dict.get('descr'))
  const fortran = dict.get('fortran_order')
  if (typeof fortran !== 'boolean') throw new FormatError('its header does not say whether it is in Fortran order')
  const shape = dict.get('shape')
  return { dtype, isBig, isColumnMajor: fortran, shape: checkedShape(shape instanceof Tuple ? shape.items : null, 'its array') }
}

/** Makes the tensor of an npy file from its bytes as they come. What follows the array is left alone. */
export class NpyReader {
  readonly #size: number
  readonly #device: string | undefined
  /** What came before the header was whole. */
  #head = new Uint8Array()
  #header: Header | null = null
  #tensor: Tensor | null = null
  #filled = 0

  /** @param size How many bytes there will be. */
  constructor(size: number, device: string | undefined) {
    this.#size = size
    this.#device = device
  }

  /** Whether no more bytes are needed. */
  get isDone(): boolean {
    return this.#tensor !== null && this.#filled === this.#tensor.storage.byteLength
  }

  take(chunk: Uint8Array): void {
    if (this.#tensor !== null) {
      this.#fill(chunk)
      return
    }
    const before = this.#head
    this.#head = new Uint8Array(before.length + chunk.length)
    this.#head.set(before)
    this.#head.set(chunk, before.length)
    const start = this.#headerEnd()
    if (start === null || this.#head.length < start.end) return
    // NumPy 3.0 headers are UTF-8; earlier ones Latin-1, which differs in names of fields alone.
    this.#header = parseHeader(new TextDecoder().decode(this.#head.subarray(start.start, start.end)))
    this.#tensor = this.#allocate(this.#header, this.#size - start.end)
    this.#fill(this.#head.subarray(start.end))
    this.#head = new Uint8Array()
  }

  /** The tensor, once all bytes have come. */
  finish(): Tensor {
    if (this.#tensor === null || this.#header === null || !this.isDone) throw new FormatError('it ends early')
    if (this.#header.isBig) swapBytes(this.#tensor.storage.bytes, this.#tensor.dtype)
    normalizeBools(this.#tensor)
    return this.#tensor
  }

  /** Where the header is, or null before its length is known. */
  #headerEnd(): { start: number; end: number } | null {
    const head = this.#head
    if (this.#size < 10) throw new FormatError(`its ${this.#size} bytes are too few for an array`)
    if (!isNpy(head.length < 6 ? Uint8Array.from(MAGIC, (byte, i) => head[i] ?? byte) : head))
      throw new FormatError('it does not begin as an npy file does')
    if (head.length < 12 && head.length < this.#size) return null
    const [major, minor] = [head[6], head[7]]
    if (major < 1 || major > 3 || minor !== 0)
      throw new FormatError(`its version is ${major}.${minor}, and 1.0, 2.0 and 3.0 are known`)
    const start = major === 1 ? 10 : 12
    if (this.#size < start) throw new FormatError(`its ${this.#size} bytes are too few for an array`)
    const view = new DataView(head.buffer, head.byteOffset, head.length)
    const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
    if (start + length > this.#size)
      throw new FormatError(`its header claims ${length} bytes, and ${this.#size - start} are there`)
    if (length > MAX_HEADER) throw new FormatError(`its header claims ${length} bytes, and ${MAX_HEADER} are the most`)
    return { start, end: start + length }
  }

  #allocate({ dtype, shape, isColumnMajor }: Header, available: number): Tensor {
    const needed = checkedNumel(shape, 'its array') * itemSize(dtype)
    if (needed > available)
      throw new FormatError(
        `its array of shape ${showShape(shape)} and dtype ${dtype} takes ${needed} bytes, and ${available} are there`,
      )
    return emptyTensor(backendOf(this.#device), shape, dtype, isColumnMajor ? columnMajorStrides(shape) : null)
  }

  #fill(chunk: Uint8Array): void {
    const { storage } = this.#tensor!
    const part = chunk.subarray(0, storage.byteLength - this.#filled)
    storage.bytes.set(part, this.#filled)
    this.#filled += part.length
  }
}

/**
 * The tensor of an array in the npy format, from its bytes, as `torch.from_numpy(numpy.load(…))`. The elements are copied, in the
 * order that they have in the file: an array in Fortran order becomes a tensor with such strides.
 *
 * @throws Error in one sentence where the bytes are no complete array of a dtype that PyTorch has
 * @example
 * const bytes = torch.serialization.numpy.toBytes(torch.tensor([1, 2]))
 * torch.fromNumpy(bytes) // tensor([1., 2.])
 */
export function fromNumpy(bytes: ArrayBuffer | ArrayBufferView, options: { device?: string } = {}): Tensor {
  const data = bytesOf(bytes)
  try {
    const reader = new NpyReader(data.length, options.device)
    reader.take(data)
    return reader.finish()
  } catch (error) {
    throw loadError('the buffer', error)
  }
}

/** NumPy's name of a tensor's dtype. @throws Error in PyTorch's words where it has none */
function descrOf({ dtype }: Tensor): string {
  const name = Object.keys(kinds).find((kind) => kinds[kind] === dtype)
  if (name === undefined) throw new TypeError('Got unsupported ScalarType BFloat16')
  return (itemSize(dtype) === 1 ? '|' : '<') + name
}

/** Room for the growth of the dimension along which an array may be appended to. */
const GROWTH = 21

/** The npy file of a tensor. One in column-major order is written as it lies in memory. */
export function npyOf(tensor: Tensor): Payload {
  if (tensor.requiresGrad)
    throw new Error("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
  const { layout } = tensor
  const fortran = !layout.isContiguous && isColumnMajor(tensor)
  const { shape } = layout
  const sizes = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  let text = `{'descr': '${descrOf(tensor)}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': ${sizes}, }`
  if (shape.length > 0) text += ' '.repeat(GROWTH - String(shape.at(fortran ? -1 : 0)).length)
  // NumPy adds a whole line of spaces where none are needed, and so do we.
  const padding = 64 - ((10 + text.length + 1) % 64)
  const line = `${text}${' '.repeat(padding)}\n`
  const head = new Uint8Array(10 + line.length)
  head.set([...MAGIC, 1, 0, line.length & 255, line.length >> 8])
  for (let i = 0; i < line.length; i++) head[10 + i] = line.charCodeAt(i)
  return new Payload(head, fortran ? tensor : rowMajor(tensor))
}
