/** Tensors over the user's own memory. */

import { backendOf } from '../backends/select.js'
import { readArguments } from '../core/arguments.js'
import { type DType, isDType, itemSize, realDType } from '../core/dtype.js'
import { Layout } from '../core/layout.js'
import { Storage } from '../core/storage.js'
import { Tensor } from '../core/tensor.js'
import { requireDifferentiable } from './creation.js'
import { emptyTensor } from './dispatch.js'

/** Options of `frombuffer`. */
export interface BufferOptions {
  /** What the bytes are. */
  dtype: DType
  /** How many elements; -1, the default, for all up to the end. */
  count?: number
  /** The bytes before the first element. */
  offset?: number
  /** Record operations on the result, so that backward gives it a gradient. */
  requiresGrad?: boolean
}

/**
 * A 1-d tensor over the bytes of a buffer, as `torch.frombuffer`: of an ArrayBuffer, a typed array, a DataView or a Buffer of Node.
 *
 * On the native engine (and the reference engine) nothing is copied: what is written to the one shows in the other. Once the
 * buffer is transferred to another thread, or made shorter, every use of the tensor is an error. The bytes are copied where
 * memory cannot be shared: on the wasm engine, whose kernels reach the module's own memory alone, for a SharedArrayBuffer, and
 * for elements that do not begin at a multiple of their size.
 *
 * @throws Error in PyTorch's words where offset and count do not fit the buffer
 * @example
 * const samples = new Float32Array([1, 2, 3, 4])
 * torch.frombuffer(samples, { dtype: 'float32' }) // tensor([1., 2., 3., 4.])
 * torch.frombuffer(samples, { dtype: 'float32', offset: 4, count: 2 }) // tensor([2., 3.])
 */
export function frombuffer(buffer: ArrayBufferLike | ArrayBufferView, options: BufferOptions): Tensor {
  const names = ['dtype', 'count', 'offset', 'requiresGrad'] as const
  const { dtype, count = -1, offset = 0, requiresGrad = false } = readArguments<BufferOptions>('frombuffer', [options], [], names)
  if (dtype === undefined) throw new TypeError('frombuffer() missing 1 required positional arguments: "dtype"')
  if (!isDType(dtype)) throw new TypeError(`'${dtype}' is not a dtype`)
  const isView = ArrayBuffer.isView(buffer)
  const memory = isView ? buffer.buffer : buffer
  if (!(memory instanceof ArrayBuffer) && !(typeof SharedArrayBuffer === 'function' && memory instanceof SharedArrayBuffer))
    throw new TypeError('frombuffer() takes an ArrayBuffer or a view of one')
  const length = buffer.byteLength
  const size = itemSize(dtype)
  const numel = numberOfElements(length, size, count, offset)
  const start = (isView ? buffer.byteOffset : 0) + offset
  const t = over(memory, start, numel, dtype)
  if (requiresGrad) {
    requireDifferentiable(t)
    t.leafRequiresGrad = true
  }
  return t
}

function numberOfElements(length: number, size: number, count: number, offset: number): number {
  if (!Number.isInteger(count) || !Number.isInteger(offset))
    throw new TypeError('frombuffer(): count and offset must be integers')
  if (length === 0 || count === 0) throw new Error(`both buffer length (${length}) and count (${count}) must not be 0`)
  if (offset < 0 || offset >= length)
    throw new Error(`offset (${offset} bytes) must be non-negative and no greater than buffer length (${length} bytes) minus 1`)
  const rest = length - offset
  if (count > 0) {
    if (count * size > rest)
      throw new Error(
        `requested buffer length (${count} * ${size} bytes) after offset (${offset} bytes) must not be greater than actual buffer length (${length} bytes)`,
      )
    return count
  }
  if (rest % size !== 0)
    throw new Error(`buffer length (${rest} bytes) after offset (${offset} bytes) must be a multiple of element size (${size})`)
  return rest / size
}

/** A tensor on the buffer's own memory, or on a copy. */
function over(buffer: ArrayBufferLike, start: number, numel: number, dtype: DType): Tensor {
  const backend = backendOf(undefined)
  const bytes = numel * itemSize(dtype)
  const isAligned = start % itemSize(realDType(dtype)) === 0
  const shared = buffer instanceof ArrayBuffer && isAligned ? backend.share(buffer, start, bytes) : null
  if (shared !== null) return new Tensor(new Storage(backend, shared, bytes), Layout.contiguous([numel]), dtype)
  const t = emptyTensor(backend, [numel], dtype)
  t.storage.bytes.set(new Uint8Array(buffer, start, bytes))
  return t
}
