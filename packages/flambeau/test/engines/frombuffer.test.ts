/** Tensors over the user's memory, which the wasm engine copies, and files on every engine. */

import { describe, expect, test } from 'vitest'
import * as torch from '../../src/index.js'
import { bytesOf, expectRecorded, recorded } from '../support/recordedFiles.js'

const shares = torch.backend.engine !== 'wasm'

describe('frombuffer', () => {
  test('shares memory where it can be shared', () => {
    const array = Float64Array.of(1, 2, 3, 4)
    const t = torch.frombuffer(array, { dtype: 'float64' })
    array[0] = 9
    expect(t.tolist()).toEqual([shares ? 9 : 1, 2, 3, 4])
    t.add_(1)
    expect([...array]).toEqual(shares ? [10, 3, 4, 5] : [9, 2, 3, 4])
    t.view(2, 2).at(1).fill_(0)
    expect([...array]).toEqual(shares ? [10, 3, 0, 0] : [9, 2, 3, 4])
  })

  test('offset and count, as PyTorch', () => {
    const bytes = Uint8Array.from({ length: 16 }, (_, i) => i)
    expect(torch.frombuffer(bytes, { dtype: 'uint8', offset: 14 }).tolist()).toEqual([14, 15])
    expect(torch.frombuffer(bytes.subarray(4), { dtype: 'uint8', count: 2, offset: 1 }).tolist()).toEqual([5, 6])
    expect(torch.frombuffer(bytes, { dtype: 'int16', count: -1, offset: 12 }).tolist()).toEqual([12 + 13 * 256, 14 + 15 * 256])
    // Not at a multiple of its size: copied.
    expect(torch.frombuffer(bytes, { dtype: 'int16', count: 1, offset: 3 }).tolist()).toEqual([3 + 4 * 256])
    expect(torch.frombuffer(new DataView(bytes.buffer, 2, 2), { dtype: 'bool' }).tolist()).toEqual([true, true])
    expect(torch.frombuffer(new Float32Array([1, 2]).buffer, { dtype: 'complex64' }).item()).toEqual({ re: 1, im: 2 })
    expect(torch.frombuffer(new Uint16Array([0x3c00]), { dtype: 'float16' }).item()).toBe(1)
    expect(torch.frombuffer(new SharedArrayBuffer(8), { dtype: 'float32' }).tolist()).toEqual([0, 0])
  })

  const b = new Uint8Array(16)
  test.each([
    [
      b,
      { dtype: 'int64', count: 3 },
      'requested buffer length (3 * 8 bytes) after offset (0 bytes) must not be greater than actual buffer length (16 bytes)',
    ],
    [
      b,
      { dtype: 'int64', offset: 16 },
      'offset (16 bytes) must be non-negative and no greater than buffer length (16 bytes) minus 1',
    ],
    [
      b,
      { dtype: 'int64', offset: -1 },
      'offset (-1 bytes) must be non-negative and no greater than buffer length (16 bytes) minus 1',
    ],
    [b, { dtype: 'int64', count: 0 }, 'both buffer length (16) and count (0) must not be 0'],
    [b.subarray(0, 0), { dtype: 'int64' }, 'both buffer length (0) and count (-1) must not be 0'],
    [b, { dtype: 'int64', offset: 9 }, 'buffer length (7 bytes) after offset (9 bytes) must be a multiple of element size (8)'],
    [b, {}, 'frombuffer() missing 1 required positional arguments: "dtype"'],
    [b, { dtype: 'uint16' }, "'uint16' is not a dtype"],
    [b, { dtype: 'int64', requiresGrad: true }, 'only Tensors of floating point and complex dtype can require gradients'],
    [b, { dtype: 'int64', requires_grad: true }, "unexpected keyword argument 'requires_grad'"],
    [b, { dtype: 'int64', offset: 0.5 }, 'must be integers'],
    [[1, 2], { dtype: 'int64' }, 'frombuffer() takes an ArrayBuffer or a view of one'],
  ])('%# is refused', (buffer, options, words) => {
    expect(() => torch.frombuffer(buffer as never, options as never)).toThrow(words)
  })

  test('requires a gradient', () => {
    const t = torch.frombuffer(Float32Array.of(1, 2), { dtype: 'float32', requiresGrad: true })
    t.mul(3).sum().backward()
    expect(t.grad?.tolist()).toEqual([3, 3])
  })

  test.runIf(shares)('a buffer that was transferred is an error', () => {
    const array = new Float32Array(1000).fill(2)
    const t = torch.frombuffer(array, { dtype: 'float32' })
    const part = t.at('3:')
    structuredClone(array, { transfer: [array.buffer] })
    for (const use of [
      () => t.add(1),
      () => part.sum(),
      () => t.tolist(),
      () => t.fill_(0),
      () => part.toTypedArray(),
      () => String(t),
    ])
      expect(use).toThrow('the buffer behind this tensor was transferred or made shorter')
  })

  test.runIf(shares)('memory of the user is never taken for other tensors', () => {
    const array = new Float32Array(4096).fill(5)
    const t = torch.frombuffer(array, { dtype: 'float32' })
    t.storage.release()
    for (let i = 0; i < 10; i++) torch.zeros(4096)
    expect(array.every((value) => value === 5)).toBe(true)
  })
})

describe('files', () => {
  test('npy', () => {
    for (const c of recorded.arrays) expectRecorded(torch.fromNumpy(bytesOf(c.file)), c)
  })

  test('npz', async () => {
    for (const { file, arrays } of recorded.archives) {
      const loaded = await torch.serialization.numpy.load<Record<string, torch.Tensor>>(bytesOf(file))
      for (const [name, want] of Object.entries(arrays)) expectRecorded(loaded[name], want)
    }
    const chunks: Uint8Array[] = []
    const stream = new WritableStream<Uint8Array>({ write: (chunk) => void chunks.push(chunk) })
    await torch.serialization.numpy.savezCompressed(stream, { x: torch.arange(1000), y: torch.ones(2, 3).t() })
    const { x, y } = await torch.serialization.numpy.load<Record<string, torch.Tensor>>(Buffer.concat(chunks))
    expect(x.sum().item()).toBe(499500)
    expect(y.shape).toEqual([3, 2])
  })

  test('safetensors', () => {
    const { load, save } = torch.serialization.safetensors
    for (const { file, tensors, metadata } of recorded.safetensors) {
      const loaded = load(bytesOf(file))
      for (const [name, want] of Object.entries(tensors)) expectRecorded(loaded[name], want)
      expect(Buffer.from(save(loaded, { metadata })).toString('base64')).toBe(file)
    }
  })
})
