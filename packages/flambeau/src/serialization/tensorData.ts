/** Tensors whose elements come from a file, and the bytes of those that go into one. */

import { itemSize } from '../core/dtype.js'
import { Layout, numelOf, type Shape, showShape } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { copyInto } from '../ops/copy.js'
import { fromTypedArray } from '../ops/creation.js'
import { FormatError } from './source.js'
import { isPinned } from './storages.js'
import { checksum } from './zipReader.js'

/** More dimensions than PyTorch's kernels take. */
const MAX_DIMS = 64

/** A file's shape. @throws FormatError where it is none that a tensor could have. */
export function checkedShape(shape: unknown, what: string): Shape {
  if (!Array.isArray(shape)) throw new FormatError(`${what} has no shape`)
  if (shape.length > MAX_DIMS) throw new FormatError(`${what} has ${shape.length} dimensions, and ${MAX_DIMS} are the most`)
  for (const size of shape)
    if (!Number.isSafeInteger(size) || size < 0)
      throw new FormatError(`${what} has a dimension of size ${typeof size === 'number' ? size : typeof size}`)
  return shape
}

/** The number of elements of a shape. @throws FormatError, with a code at its end, where no memory holds them. */
export function checkedNumel(shape: Shape, what: string, code = ''): number {
  // Beside a dimension without elements the others still make strides.
  if (shape.reduce((n, size) => n * Math.max(size, 1), 1) > 2 ** 48)
    throw new FormatError(`${what} claims the shape ${showShape(shape)}, more than fits any memory${code}`)
  return numelOf(shape)
}

/** Makes every byte of a loaded bool tensor 0 or 1: kernels count on it, and files need not keep to it. */
export function normalizeBools(t: Tensor): void {
  if (t.dtype === 'bool') copyInto(t, new Tensor(t.storage, t.layout, 'uint8'))
}

const CHUNK = 16 * 2 ** 20

/** Bytes that are to be written: some at first, then those of a tensor that is dense in memory. */
export class Payload {
  readonly #head: Uint8Array
  readonly #tensor: Tensor | null
  readonly #start: number
  readonly #length: number

  constructor(head: Uint8Array, tensor: Tensor | null = null) {
    this.#head = head
    this.#tensor = tensor
    this.#start = tensor === null ? 0 : tensor.layout.offset * itemSize(tensor.dtype)
    this.#length = tensor === null ? 0 : tensor.layout.numel * itemSize(tensor.dtype)
  }

  get size(): number {
    return this.#head.length + this.#length
  }

  /** In parts, which stay valid while the file is written. */
  *chunks(): Iterable<Uint8Array> {
    if (this.#head.length > 0) yield this.#head
    if (this.#tensor === null) return
    const { storage } = this.#tensor
    const end = this.#start + this.#length
    for (let at = this.#start; at < end; at += CHUNK) {
      const part = storage.bytes.subarray(at, Math.min(at + CHUNK, end))
      yield isPinned(storage) ? part : part.slice()
    }
  }

  /** The CRC-32 of it all. */
  checksum(): number {
    const before = checksum(fromTypedArray(this.#head).storage)
    return this.#tensor === null ? before : checksum(this.#tensor.storage, before, this.#start, this.#length)
  }
}

/** The bytes of several parts in one buffer. */
export function joined(parts: readonly Payload[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.size, 0))
  let at = 0
  for (const part of parts)
    for (const chunk of part.chunks()) {
      out.set(chunk, at)
      at += chunk.length
    }
  return out
}

/** Whether a tensor's elements lie in column-major order, without gaps. */
export const isColumnMajor = ({ layout }: Tensor): boolean =>
  new Layout(layout.shape.toReversed(), layout.strides.toReversed()).isContiguous

/** Column-major strides. */
export function columnMajorStrides(shape: Shape): number[] {
  let step = 1
  return shape.map((size) => {
    const stride = step
    step *= Math.max(size, 1)
    return stride
  })
}
