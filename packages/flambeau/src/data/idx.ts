/** The IDX format, in which MNIST is distributed. */

import { type DType, itemSize, type TypedArray, typedArrayOf } from '../core/dtype.js'
import { numelOf } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { fromTypedArray } from '../ops/creation.js'

const types: Partial<Record<number, DType>> = { 8: 'uint8', 9: 'int8', 11: 'int16', 12: 'int32', 13: 'float32', 14: 'float64' }

/**
 * The tensor in the bytes of an IDX file: two zero bytes, the element type, the number of dimensions, their sizes and the
 * elements, all big-endian.
 *
 * @throws Error in one sentence where the bytes are no complete IDX file.
 * @example
 * const file = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4)
 * data.parseIdx(file) // tensor([5, 0, 4], dtype=torch.uint8)
 */
export function parseIdx(bytes: Uint8Array): Tensor {
  if (bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b) throw new Error('not an IDX file: it is gzip-compressed')
  if (bytes.length < 4) throw new Error(`not an IDX file: ${bytes.length} bytes are too few for a header`)
  const dtype = types[bytes[2]]
  if (bytes[0] !== 0 || bytes[1] !== 0 || dtype === undefined) {
    const magic = [...bytes.subarray(0, 4)].map((b) => b.toString(16).padStart(2, '0')).join(' ')
    throw new Error(`not an IDX file: it starts with ${magic}`)
  }
  const dims = bytes[3]
  const header = 4 + 4 * dims
  if (bytes.length < header)
    throw new Error(`truncated IDX file: its header has ${header} bytes, but only ${bytes.length} are there`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const shape = Array.from({ length: dims }, (_, d) => view.getUint32(4 + 4 * d))
  const size = itemSize(dtype)
  if (shape.reduce((n, s) => n * Math.max(s, 1), 1) > 2 ** 48)
    throw new Error(`not an IDX file: the shape [${shape.join(', ')}] is more than fits any memory`)
  const expected = header + size * numelOf(shape)
  if (bytes.length !== expected) {
    const what = bytes.length < expected ? 'truncated IDX file' : 'not an IDX file'
    throw new Error(
      `${what}: ${dtype} elements of shape [${shape.join(', ')}] take ${expected} bytes, but ${bytes.length} are there`,
    )
  }
  // Copied, because elements may start anywhere in the file and their bytes come in the other order.
  const elements = new Uint8Array(bytes.subarray(header))
  for (let at = 0; size > 1 && at < elements.length; at += size) elements.subarray(at, at + size).reverse()
  return fromTypedArray(new (typedArrayOf(dtype))(elements.buffer as ArrayBuffer) as TypedArray, shape)
}
