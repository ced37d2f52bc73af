/** safetensors files against such made after the format's description (tools/fixtures/files.py). */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Tensor } from '../src/index.js'
import * as torch from '../src/index.js'
import { bytesSource } from '../src/serialization/source.js'
import { bytesOf, expectRecorded, recorded, tensorOf } from './support/recordedFiles.js'

const { safetensors } = torch.serialization
const { nn } = torch
const folder = mkdtempSync(join(tmpdir(), 'flambeau-safetensors-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = (name: string): string => join(folder, name)

describe.each(recorded.safetensors)('$name', ({ name, file, tensors, metadata }) => {
  const bytes = bytesOf(file)

  test('is read', async () => {
    writeFileSync(path(`${name}.safetensors`), bytes)
    const sources = [bytes, bytes.buffer, new Blob([bytes]), new Response(bytes), path(`${name}.safetensors`)]
    for (const loaded of [
      safetensors.load(bytes),
      safetensors.load(Buffer.from(bytes)),
      ...(await Promise.all(sources.map((from) => safetensors.loadFile(from)))),
    ]) {
      expect(Object.keys(loaded).sort()).toEqual(Object.keys(tensors).sort())
      for (const [key, want] of Object.entries(tensors)) expectRecorded(loaded[key], want)
    }
  })

  test('is opened', async () => {
    const open = await safetensors.safeOpen(new Blob([bytes]))
    expect(open.keys()).toEqual(Object.keys(tensors).sort())
    expect(open.offsetKeys()).toEqual(Object.keys(safetensors.load(bytes)))
    expect(open.metadata()).toEqual(metadata)
    for (const [key, want] of Object.entries(tensors)) {
      expectRecorded(await open.getTensor(key), want)
      expect(open.getSlice(key).getShape()).toEqual(want.shape)
    }
    await expect(open.getTensor('missing')).rejects.toThrow(
      "the blob cannot be loaded: it has no tensor 'missing' (TensorNotFound)",
    )
    expect(() => open.getSlice('missing')).toThrow('TensorNotFound')
    await open.close()
  })

  test('is written to the byte', async () => {
    const own: Record<string, Tensor> = Object.create(null)
    for (const [key, want] of Object.entries(tensors)) own[key] = tensorOf(want)
    expect(Buffer.from(safetensors.save(own, { metadata })).toString('base64')).toBe(file)
    await safetensors.saveFile(own, path('again.safetensors'), { metadata })
    expect(readFileSync(path('again.safetensors')).toString('base64')).toBe(file)
  })
})

describe.each(Object.entries(recorded.broken))('%s', (reason, files) => {
  test.each(files)('%#', async (file) => {
    const bytes = bytesOf(file)
    expect(() => safetensors.load(bytes)).toThrow(reason)
    expect(() => safetensors.load(bytes)).toThrow(/^the buffer cannot be loaded: [^\n]+$/)
    writeFileSync(path('broken.safetensors'), bytes)
    await expect(safetensors.loadFile(path('broken.safetensors'))).rejects.toThrow(
      `${path('broken.safetensors')} cannot be loaded: `,
    )
    await expect(safetensors.loadFile(bytes)).rejects.toThrow(reason)
    // A dtype that flambeau lacks stands in the way of that tensor alone.
    const opened = safetensors.safeOpen(bytes)
    if (reason === 'does not have') await expect((await opened).getTensor('a')).rejects.toThrow(reason)
    else await expect(opened).rejects.toThrow(reason)
  })
})

test('a name without end is cut short in errors', () => {
  const header = `{"${'x'.repeat(10_000)}":{}}`
  const file = Buffer.concat([Buffer.alloc(8), Buffer.from(header)])
  file.writeUInt32LE(header.length)
  expect(() => safetensors.load(file)).toThrow(/^.{100,300}$/)
})

describe('safeOpen', () => {
  const table = torch.arange(60).view(5, 4, 3).short()
  const bytes = safetensors.save({ other: torch.ones(3), table, scalar: torch.tensor(2) })

  test.each([
    [[]],
    [['1:3']],
    [['1:3', 2]],
    [[-1]],
    [[4, 3, 2]],
    [['::2', '1:', -1]],
    [[null, '...', 1]],
    [['...', '1:2']],
    [[torch.slice(1, null, 3)]],
    [['3:3']],
    [['7:']],
  ])('a part by %j is what at() gives', async (indices) => {
    const file = await safetensors.safeOpen(bytes)
    const slice = file.getSlice('table')
    expect(slice.getShape()).toEqual([5, 4, 3])
    expect(slice.getDtype()).toBe('I16')
    const part = await slice.at(...indices)
    const want = table.at(...indices)
    expect(part.dtype).toBe('int16')
    expect(part.shape).toEqual(want.shape)
    expect(part.equal(want)).toBe(true)
    expect(part.isContiguous()).toBe(true)
  })

  test('what is no slice is refused', async () => {
    const slice = (await safetensors.safeOpen(bytes)).getSlice('table')
    await expect(slice.at(5)).rejects.toThrow('out of bounds')
    await expect(slice.at(0, 0, 0, 0)).rejects.toThrow('too many indices')
    await expect(slice.at('::-1')).rejects.toThrow('step must be greater than zero')
    for (const index of [torch.tensor([1n]), [1], true]) await expect(slice.at(index)).rejects.toThrow('takes integers, slices')
    const scalar = (await safetensors.safeOpen(bytes)).getSlice('scalar')
    expect((await scalar.at()).item()).toBe(2)
  })

  test('no more is read than is asked for', async () => {
    const big = safetensors.save({ a: torch.zeros(1000, 100), b: torch.ones(10) })
    let seen = 0
    const source = bytesSource(big)
    class Counted extends Blob {
      override get size(): number {
        return source.size
      }
      override slice(start = 0, end = 0): Blob {
        seen += end - start
        return new Blob([big.subarray(start, end)])
      }
    }
    const file = await safetensors.safeOpen(new Counted())
    expect(seen).toBeLessThan(200)
    await file.getTensor('b')
    expect(seen).toBeLessThan(240)
    expect((await file.getSlice('a').at('3:5')).shape).toEqual([2, 100])
    expect(seen).toBeLessThan(240 + 800)
  })
})

describe('what is not written', () => {
  test.each([
    [{ a: table(), b: 1 }, {}, 'Key `b` is invalid, expected torch.Tensor but received number'],
    [{ a: table().t() }, {}, 'You are trying to save a non contiguous tensor: `a` which is not allowed.'],
    [{ a: torch.ones(2).to('complex128') }, {}, "safetensors has no dtype for complex128, which 'a' has"],
    [{ __metadata__: table() }, {}, "a tensor cannot be named '__metadata__'"],
    [table(), {}, 'Expected a dict of [str, torch.Tensor] but received a tensor'],
    [{}, { metadata: { a: 1 } }, "metadata 'a' must be a string, not number"],
    [{}, { meta: {} }, "save() got an unexpected keyword argument 'meta'"],
  ])('%#', (tensors, options, words) => {
    expect(() => safetensors.save(tensors as never, options as never)).toThrow(words)
  })
  function table(): Tensor {
    return torch.ones(2, 3)
  }

  test('tensors that share memory', async () => {
    const x = torch.arange(6)
    const shares = 'Some tensors share memory'
    expect(() => safetensors.save({ a: x, b: x })).toThrow(`${shares}, this will lead to duplicate memory on disk`)
    expect(() => safetensors.save({ a: x, b: x, c: torch.ones(1) })).toThrow('[["a","b"]]')
    expect(() => safetensors.save({ a: x, b: x.at('2:4') })).toThrow(shares)
    expect(() => safetensors.save({ a: x.at(':3'), b: x.at('2:') })).toThrow(shares)
    expect(() => safetensors.save({ a: x, b: x.at(':1'), c: x.at('3:4') })).toThrow('[["a","b","c"]]')
    // Neighbours in one storage share nothing.
    const { a, b } = safetensors.load(safetensors.save({ a: x.at(':3'), b: x.at('3:') }))
    expect([a.tolist(), b.tolist()]).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ])
    await expect(safetensors.saveFile({ a: x, b: x }, path('shared.safetensors'))).rejects.toThrow(shares)
    expect(readdirSync(folder)).not.toContain('shared.safetensors')
  })
})

describe('models', () => {
  class Tied extends nn.Module {
    embedding = new nn.Embedding(5, 3)
    head = new nn.Linear(3, 5, { bias: false })
    constructor() {
      super()
      this.head.weight = this.embedding.weight
    }
    override forward(x: Tensor): Tensor {
      return this.head(this.embedding(x))
    }
  }

  test('shared parameters are written once and loaded under both names', async () => {
    const model = new Tied()
    await safetensors.saveModel(model, path('tied.safetensors'), { metadata: { format: 'pt' } })
    const file = await safetensors.safeOpen(path('tied.safetensors'))
    expect(file.keys()).toEqual(['embedding.weight'])
    expect(file.metadata()).toEqual({ format: 'pt', 'head.weight': 'embedding.weight' })
    await file.close()
    const other = new Tied()
    expect(await safetensors.loadModel(other, path('tied.safetensors'))).toEqual({ missingKeys: [], unexpectedKeys: [] })
    expect(other.head.weight.equal(model.head.weight)).toBe(true)
    // Written under the other name, it is found as well.
    const renamed = safetensors.save({ 'head.weight': torch.ones(5, 3) })
    await safetensors.loadModel(other, renamed)
    expect(other.embedding.weight.sum().item()).toBe(15)
  })

  test('missing and unexpected names', async () => {
    const bytes = safetensors.save({ weight: torch.ones(1, 2), more: torch.ones(1) })
    const model = new nn.Linear(2, 1)
    await expect(safetensors.loadModel(model, bytes)).rejects.toThrow('Error(s) in loading state_dict for Linear')
    expect(await safetensors.loadModel(model, bytes, { strict: false })).toEqual({
      missingKeys: ['bias'],
      unexpectedKeys: ['more'],
    })
    expect(model.weight.tolist()).toEqual([[1, 1]])
  })

  test('parts of one storage that no tensor shows in full', async () => {
    const model = new nn.Module()
    const base = torch.arange(6)
    model.registerBuffer('a', base.at(':4'))
    model.registerBuffer('b', base.at('2:'))
    await expect(safetensors.saveModel(model, path('parts.safetensors'))).rejects.toThrow('None is covering the entire storage')
  })

  test('what is not contiguous is packed', async () => {
    const model = new nn.Module()
    model.registerBuffer('a', torch.arange(6).view(2, 3).t())
    await safetensors.saveModel(model, path('packed.safetensors'))
    expect((await safetensors.loadFile(path('packed.safetensors'))).a.shape).toEqual([3, 2])
    await expect(safetensors.saveModel(model, path('no.safetensors'), { forceContiguous: false })).rejects.toThrow(
      'non contiguous',
    )
  })
})

test('a file is replaced as a whole', async () => {
  const file = path('whole.safetensors')
  await safetensors.saveFile({ a: torch.ones(2) }, file)
  const stream = new WritableStream({
    write: () => {
      throw new Error('no room')
    },
  })
  await expect(safetensors.saveFile({ a: torch.ones(2) }, stream)).rejects.toThrow('no room')
  await expect(safetensors.saveFile({ a: torch.ones(2) }, join(folder, 'none', 'x'))).rejects.toThrow(
    'cannot be saved: no such file',
  )
  expect((await safetensors.loadFile(file)).a.tolist()).toEqual([1, 1])
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
})
