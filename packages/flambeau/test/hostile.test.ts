/** Files that were damaged or made to harm: a result or one sentence, promptly, and no more memory than the file could fill. */

import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { backendOf } from '../src/backends/select.js'
import * as torch from '../src/index.js'
import { bytesOf, recorded } from './support/recordedFiles.js'

const { numpy, safetensors } = torch.serialization
const fixed = { seed: 20240607, numRuns: 600 }

/** Bytes that were asked of the allocator. */
let allocated = 0
beforeEach(() => {
  const backend = backendOf('cpu')
  const allocate = backend.allocate.bind(backend)
  vi.spyOn(backend, 'allocate').mockImplementation((bytes) => {
    allocated += bytes
    return allocate(bytes)
  })
})
afterEach(() => {
  vi.restoreAllMocks()
})

/** A file with bytes changed, taken out, put in, or cut off. */
const damaged = (files: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> => {
  const byte = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255))
  // Most of what can be wrong is at the front.
  const place = fc.oneof(fc.nat(40), fc.nat(2 ** 20))
  const change = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), place, bytes: fc.array(byte, { minLength: 1, maxLength: 8 }) }),
    fc.record({ kind: fc.constant('flip' as const), place, bytes: fc.constantFrom([1], [2], [4], [8], [16], [32], [64], [128]) }),
    fc.record({ kind: fc.constant('insert' as const), place, bytes: fc.array(byte, { minLength: 1, maxLength: 70 }) }),
    fc.record({ kind: fc.constant('remove' as const), place, bytes: fc.array(byte, { minLength: 1, maxLength: 70 }) }),
    fc.record({ kind: fc.constant('cut' as const), place, bytes: fc.constant([]) }),
  )
  return fc.tuple(fc.constantFrom(...files), fc.array(change, { minLength: 1, maxLength: 3 })).map(([file, changes]) => {
    let bytes = [...file]
    for (const { kind, place, bytes: given } of changes) {
      const at = place % (bytes.length + 1)
      if (kind === 'cut') bytes = bytes.slice(0, at)
      else if (kind === 'insert') bytes.splice(at, 0, ...given)
      else if (kind === 'remove') bytes.splice(at, given.length)
      else for (const [i, b] of given.entries()) if (at + i < bytes.length) bytes[at + i] = kind === 'set' ? b : bytes[at + i] ^ b
    }
    return Uint8Array.from(bytes)
  })
}

/** Reads damaged files; what is not read must be refused in one sentence. Says how often either happened. */
async function fuzz(
  files: fc.Arbitrary<Uint8Array>,
  read: (bytes: Uint8Array) => unknown,
  sentence: RegExp,
  ratio: number,
): Promise<{ read: number; refused: number }> {
  const count = { read: 0, refused: 0 }
  await fc.assert(
    fc.asyncProperty(files, async (bytes) => {
      allocated = 0
      try {
        await read(bytes)
        count.read++
      } catch (error) {
        expect((error as Error).constructor).toBe(Error)
        expect((error as Error).message).toMatch(sentence)
        count.refused++
      }
      expect(allocated).toBeLessThanOrEqual(ratio * bytes.length + 4096)
    }),
    fixed,
  )
  return count
}

const sentence = /^the buffer cannot be loaded: [^\n]{5,500}$/

describe('safetensors', () => {
  const files = recorded.safetensors.map(({ file }) => bytesOf(file))
  test('damaged', async () => {
    const { read, refused } = await fuzz(damaged(files), (bytes) => safetensors.load(bytes), sentence, 2)
    expect(Math.min(read, refused)).toBeGreaterThan(5)
    await fuzz(damaged(files), (bytes) => safetensors.loadFile(bytes), sentence, 2)
  })

  test('headers that lie', async () => {
    const number = fc.oneof(fc.nat(20), fc.constantFrom(-1, 0.5, 1e300, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63, '8', null, [], {}))
    const entry = fc.record(
      {
        dtype: fc.oneof(
          fc.constantFrom('F32', 'U8', 'I64', 'BOOL', 'F4', 'F6_E2M3', 'BF16', 'C64', 'F8_E4M3'),
          fc.string(),
          number,
        ),
        shape: fc.oneof(fc.array(number, { maxLength: 4 }), number),
        data_offsets: fc.oneof(fc.tuple(number, number), fc.array(number, { maxLength: 3 })),
      },
      { requiredKeys: [] },
    )
    const header = fc.oneof(
      fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__metadata__', '__proto__', 'a')), fc.oneof(entry, fc.jsonValue())),
      fc.jsonValue(),
    )
    const file = fc.tuple(header, fc.nat(40)).map(([value, length]) => {
      const text = Buffer.from(JSON.stringify(value))
      const head = Buffer.alloc(8)
      head.writeUInt32LE(text.length)
      return new Uint8Array(Buffer.concat([head, text, Buffer.alloc(length)]))
    })
    await fuzz(file, (bytes) => safetensors.load(bytes), sentence, 2)
  })

  test('a header of many names takes no longer than its size', () => {
    const text = Buffer.from(
      `{${Array.from({ length: 50_000 }, (_, i) => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`).join()}}`,
    )
    const head = Buffer.alloc(8)
    head.writeUInt32LE(text.length)
    expect(Object.keys(safetensors.load(Buffer.concat([head, text])))).toHaveLength(50_000)
    // Quotes and backslashes without end.
    const slashes = Buffer.from(`{"${'\\"'.repeat(1_000_000)}`)
    head.writeUInt32LE(slashes.length)
    expect(() => safetensors.load(Buffer.concat([head, slashes]))).toThrow('no valid JSON')
    const deep = Buffer.from(`{"a":${'{"a":'.repeat(100_000)}`)
    head.writeUInt32LE(deep.length)
    expect(() => safetensors.load(Buffer.concat([head, deep]))).toThrow('no valid JSON')
  }, 10_000)
})

describe('npy and npz', () => {
  test('damaged arrays', async () => {
    const files = recorded.arrays.filter((_, i) => i % 4 === 0).map(({ file }) => bytesOf(file))
    const { read, refused } = await fuzz(damaged(files), (bytes) => torch.fromNumpy(bytes), sentence, 2)
    expect(Math.min(read, refused)).toBeGreaterThan(5)
    await fuzz(damaged(files), (bytes) => numpy.load(bytes), sentence, 2)
  })

  test('headers that lie', async () => {
    const word = fc.constantFrom(
      ...[
        "'descr'",
        "'shape'",
        "'fortran_order'",
        "'<f4'",
        "'>c16'",
        "'|O'",
        'True',
        'False',
        'None',
        '(',
        ')',
        '[',
        ']',
        '{',
        '}',
      ],
      ...[',', ':', '0', '3', '-1', '2L', '99999999999999999999', '4294967296', '1e5', "'", '"', '\\', 'x', '__import__', ' '],
    )
    const shape = fc.array(fc.constantFrom('0', '1', '3', '65536', '4294967296', '9007199254740992', '-1', 'True'), {
      maxLength: 5,
    })
    const text = fc.oneof(
      fc.array(word, { maxLength: 30 }).map((words) => words.join('')),
      fc
        .tuple(fc.constantFrom('<f4', '>f8', '|b1', '<c16', '<u2', '|S5'), fc.constantFrom('True', 'False'), shape)
        .map(
          ([descr, order, sizes]) =>
            `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${sizes.map((s) => `${s},`).join('')}), }`,
        ),
    )
    const file = fc.tuple(text, fc.nat(64)).map(([header, length]) => {
      const head = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8]
      return new Uint8Array(Buffer.concat([Buffer.from(head), Buffer.from(header), Buffer.alloc(length)]))
    })
    await fuzz(file, (bytes) => torch.fromNumpy(bytes), sentence, 2)
  })

  test('damaged archives', async () => {
    const files = recorded.archives.map(({ file }) => bytesOf(file))
    // What is deflated may be a thousand times larger.
    const { read, refused } = await fuzz(damaged(files), (bytes) => numpy.load(bytes), sentence, 1100)
    expect(refused).toBeGreaterThan(20)
    expect(read).toBeGreaterThan(0)
  })
})

describe('IDX', () => {
  const idx = (type: number, shape: number[], data: number): Uint8Array =>
    Uint8Array.from([0, 0, type, shape.length, ...shape.flatMap((size) => [0, 0, 0, size]), ...new Array(data).fill(7)])
  const files = [idx(8, [3], 3), idx(8, [2, 2, 3], 12), idx(11, [4], 8), idx(12, [2], 8), idx(13, [], 4), idx(14, [0, 3], 0)]

  test('damaged', async () => {
    const words = /^(not an|truncated) IDX file: [^\n]{5,4000}$/
    const { read, refused } = await fuzz(damaged(files), (bytes) => torch.data.parseIdx(bytes), words, 8)
    expect(refused).toBeGreaterThan(20)
    expect(read).toBeGreaterThan(0)
  })

  test('sizes whose product is beyond all numbers', () => {
    const sizes = new Array(40 * 4).fill(255)
    for (const file of [
      [0, 0, 8, 41, ...sizes, 0, 0, 0, 0],
      [0, 0, 8, 41, 0, 0, 0, 0, ...sizes],
      [0, 0, 8, 40, ...sizes],
    ])
      expect(() => torch.data.parseIdx(Uint8Array.from(file))).toThrow('is more than fits any memory')
  })
})
