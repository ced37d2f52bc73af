/** Checkpoints on every engine: their memories differ. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import type { Tensor } from '../../src/index.js'
import * as torch from '../../src/index.js'
import { nn } from '../../src/index.js'
import { Payload } from '../../src/serialization/tensorData.js'
import { checksum } from '../../src/serialization/zipReader.js'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('tensors of any dtype and layout', async () => {
  const path = join(folder, 'all.pt')
  const dtypes = ['float32', 'float64', 'float16', 'bfloat16', 'int8', 'int64', 'uint8', 'bool', 'complex64'] as const
  const base = dtypes.map((dtype) => torch.arange(24).to(dtype).reshape(4, 6))
  const tensors = base.flatMap((t) => [t, t.t(), t.at('1:3', 2), t.at('4:')])
  await torch.save(tensors, path)
  const loaded = await torch.load<Tensor[]>(path)
  expect(loaded.map((t) => [String(t), t.dtype, t.stride()])).toEqual(tensors.map((t) => [String(t), t.dtype, t.stride()]))
  for (const [i, t] of loaded.entries()) expect(t.storage).toBe(loaded[i - (i % 4)].storage)
})

test('several storages, larger than the parts that are read at once', async () => {
  const path = join(folder, 'large.pt')
  const size = torch.backend.engine === 'reference' ? 2 ** 12 : 2 ** 22
  const tensors = [1, 2, 3].map((i) => torch.arange(i, size + 1000 * i, { dtype: 'int32' }))
  await torch.save(tensors, path)
  const loaded = await torch.load<Tensor[]>(path)
  for (const [i, t] of loaded.entries()) expect(t.equal(tensors[i])).toBe(true)
})

test('models', async () => {
  const [model, other] = [1, 2].map(() => new nn.Sequential(new nn.Linear(3, 4), new nn.BatchNorm1d(4)))
  const bytes = await torch.serialization.toBytes(model.stateDict())
  other.loadStateDict(await torch.load(bytes))
  const x = torch.rand(5, 3)
  expect(other.eval()(x).equal(model.eval()(x))).toBe(true)
})

// Large ones are computed in pieces of 2¹⁷ bytes.
test.each([1, 7, 8, 100, 2 ** 17 - 1, 2 ** 17, 2 ** 17 + 1, 3 * 2 ** 17 + 4099])('the checksum of %d bytes', (n) => {
  const { storage } = torch.randint(0, 256, [n], { dtype: 'uint8' })
  const bytes = storage.bytes.subarray(0, n)
  for (const before of [0, 1, 0xffffffff]) expect(checksum(storage, before, 0, n)).toBe(crc32(bytes, before))
  const middle = Math.floor(n / 3)
  expect(checksum(storage, checksum(storage, 0, 0, middle), middle, n - middle)).toBe(crc32(bytes))
})

test('parts of a payload outlive the growth of the memory that they come from', () => {
  const [part] = new Payload(new Uint8Array(0), torch.arange(1000, { dtype: 'uint8' })).chunks()
  const kept: Tensor[] = []
  for (let i = 0; i < 40; i++) kept.push(torch.zeros(2 ** 20))
  expect([...part.subarray(0, 4), part.length, kept.length]).toEqual([0, 1, 2, 3, 1000, 40])
})
