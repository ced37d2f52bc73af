/** npy and npz files against NumPy's own (tools/fixtures/files.py), and NumPy against ours where it is installed. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Tensor } from '../src/index.js'
import * as torch from '../src/index.js'
import { bytesOf, expectRecorded, recorded, tensorOf } from './support/recordedFiles.js'

const { numpy } = torch.serialization
const folder = mkdtempSync(join(tmpdir(), 'flambeau-numpy-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = (name: string): string => join(folder, name)

describe('npy', () => {
  test.each(recorded.arrays)('$name', async (c) => {
    const file = bytesOf(c.file)
    const t = torch.fromNumpy(file)
    expectRecorded(t, c)
    expectRecorded(await numpy.load(new Blob([file])), c)
    if (c.fortran && t.numel() > 0) {
      const strides = c.shape.map((_, d) => c.shape.slice(0, d).reduce((n, size) => n * size, 1))
      expect(t.stride()).toEqual(strides)
    }
  })

  test('files are written to the byte as NumPy writes them', () => {
    const own = recorded.arrays.filter(({ name }) => !/big|version|not contiguous/.test(name))
    expect(own.length).toBeGreaterThan(40)
    for (const c of own) {
      const t = tensorOf(c)
      const laidOut = c.fortran ? torch.fromNumpy(bytesOf(c.file)) : t
      expect(Buffer.from(numpy.toBytes(laidOut)).toString('base64'), c.name).toBe(c.file)
    }
  })

  test.each(recorded.refused)('$name is refused', ({ name, file }) => {
    const words =
      name === 'object_' ? 'Object arrays cannot be loaded' : `can't convert np.ndarray of type numpy.${name}. The only`
    expect(() => torch.fromNumpy(bytesOf(file))).toThrow(`the buffer cannot be loaded: ${words}`)
  })

  test('a view of a buffer that begins anywhere', () => {
    const file = numpy.toBytes(torch.tensor([1, 2]))
    const shifted = new Uint8Array(file.length + 3)
    shifted.set(file, 3)
    expect(torch.fromNumpy(shifted.subarray(3)).tolist()).toEqual([1, 2])
    expect(torch.fromNumpy(file.buffer).tolist()).toEqual([1, 2])
    expect(torch.fromNumpy(Buffer.from(file)).tolist()).toEqual([1, 2])
  })

  test('what follows an array is left alone, as NumPy leaves it', () => {
    expect(torch.fromNumpy(Buffer.concat([numpy.toBytes(torch.tensor([1, 2])), Buffer.from('more')])).tolist()).toEqual([1, 2])
  })

  const header = (text: string, data = 8, version = [1, 0]): Uint8Array => {
    const line = Buffer.from(text)
    const length = version[0] === 1 ? [line.length & 255, line.length >> 8] : [line.length & 255, line.length >> 8, 0, 0]
    return Buffer.concat([Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, ...version, ...length]), line, Buffer.alloc(data)])
  }
  const dict = (descr: string, order: string, shape: string): string =>
    `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}}\n`

  test('headers are read as Python reads them', () => {
    for (const text of [
      dict("'<f4'", 'False', '(2,)'),
      dict('"<f4"', 'False', '( 2 , )'),
      dict("'f4'", 'False', '(2L,)'),
      dict("'=f4'", 'True', '(2,)'),
      dict("'<f4'", '(False)', '(2,)'),
      "{'shape': (2,), 'fortran_order': False, 'descr': '<f4',}",
    ])
      expect(torch.fromNumpy(header(text)).tolist(), text).toEqual([0, 0])
    expect(torch.fromNumpy(header(dict("'<f4'", 'False', '(2,)'), 8, [2, 0])).shape).toEqual([2])
    expect(torch.fromNumpy(header(dict("'|b1'", 'False', '(1, 8)').padEnd(90))).dtype).toBe('bool')
  })

  test('bytes that are neither 0 nor 1 are true', () => {
    const file = header(dict("'|b1'", 'False', '(8,)'))
    file[file.length - 1] = 255
    expect(torch.fromNumpy(file).toTypedArray()).toEqual(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1))
  })

  test.each([
    [header(dict("'<f4'", 'False', '(3,)')), 'its array of shape [3] and dtype float32 takes 12 bytes, and 8 are there'],
    [header(dict("'<f4'", 'False', `(${2 ** 40}, ${2 ** 40})`)), 'more than fits any memory'],
    [header(dict("'<f4'", 'False', '(99999999999999999999,)')), 'its array has a dimension of size 100000000000000000000'],
    [header(dict("'<f4'", 'False', '(-1,)')), 'its array has a dimension of size -1'],
    [header(dict("'<f4'", 'False', '(2)')), 'its array has no shape'],
    [header(dict("'<f4'", 'False', '(2.0,)')), 'its header is no Python literal'],
    [header(dict("'<f4'", 'False', "('2',)")), 'its array has a dimension of size string'],
    [header(dict("'<f4'", 'False', `(${'1,'.repeat(65)})`)), 'its array has 65 dimensions, and 64 are the most'],
    [header(dict("'<f4'", '0', '(2,)')), 'whether it is in Fortran order'],
    [header(dict("'<x4'", 'False', '(2,)')), 'no dtype that NumPy knows'],
    [header(dict("'<f44'", 'False', '(2,)')), 'no dtype that NumPy knows'],
    [header(dict('4', 'False', '(2,)')), 'its header has no dtype'],
    [header("{'descr': '<f4'}"), 'its header is no dict of descr, fortran_order, shape'],
    [header("{'descr': '<f4', 'descr': '<f4'}"), "the key 'descr' twice"],
    [header("__import__('os').system('true')"), 'its header is no Python literal'],
    [header('['.repeat(9000)), 'its header is no Python literal'],
    [header(dict("'<f4'", 'False', '(2,)').padEnd(10_001)), 'its header claims 10001 bytes, and 10000 are the most'],
    [header(dict("'<f4'", 'False', '(2,)'), 8, [4, 0]), 'its version is 4.0'],
    [header('').subarray(0, 9), 'its 9 bytes are too few'],
    [header(dict("'<f4'", 'False', '(2,)')).subarray(0, 30), 'its header claims'],
    [Buffer.alloc(100), 'it does not begin as an npy file does'],
    [Buffer.alloc(0), 'too few'],
  ])('%# is refused', (file, words) => {
    expect(() => torch.fromNumpy(file)).toThrow(words)
    expect(() => torch.fromNumpy(file)).toThrow(/^the buffer cannot be loaded: [^\n]+$/)
  })

  test('errors name the file', async () => {
    writeFileSync(path('bad.npy'), header(dict("'<f4'", 'False', '(3,)')))
    await expect(numpy.load(path('bad.npy'))).rejects.toThrow(`${path('bad.npy')} cannot be loaded: its array of shape [3]`)
    await expect(numpy.load(path('none.npy'))).rejects.toThrow(`${path('none.npy')} cannot be loaded: no such file or directory`)
    await expect(numpy.load(Uint8Array.of())).rejects.toThrow('the buffer cannot be loaded: it is empty')
    await expect(numpy.load(Buffer.from('text'))).rejects.toThrow('it begins neither as npy nor as npz')
    await expect(numpy.load(Uint8Array.of(0x80, 2, 0x4e, 0x2e))).rejects.toThrow('it is a pickle of Python objects')
  })

  test('what has no form in NumPy is not written', async () => {
    expect(() => numpy.toBytes(torch.ones(2).bfloat16())).toThrow('Got unsupported ScalarType BFloat16')
    expect(() => numpy.toBytes(torch.ones([2], { requiresGrad: true }))).toThrow(
      "Can't call numpy() on Tensor that requires grad",
    )
    expect(() => numpy.toBytes([1] as unknown as Tensor)).toThrow('toBytes() takes a tensor')
    await expect(numpy.load(numpy.toBytes(torch.ones(1)), { dtype: 'x' } as never)).rejects.toThrow("keyword argument 'dtype'")
    await expect(numpy.save(path('bf16.npy'), torch.ones(2).bfloat16())).rejects.toThrow('unsupported')
    expect(readdirSync(folder)).not.toContain('bf16.npy')
  })
})

describe('npz', () => {
  test.each(recorded.archives)('$name', async ({ file, arrays }) => {
    const loaded = await numpy.load<Record<string, Tensor>>(bytesOf(file))
    expect(Object.keys(loaded)).toEqual(Object.keys(arrays))
    for (const [name, want] of Object.entries(arrays)) expectRecorded(loaded[name], want)
    const open = await numpy.openNpz(bytesOf(file))
    expect(open.files).toEqual(Object.keys(arrays))
    for (const [name, want] of Object.entries(arrays)) expectRecorded(await open.get(name), want)
    await expect(open.get('missing')).rejects.toThrow("the buffer cannot be loaded: it has no array 'missing'")
    await open.close()
  })

  test.each(['savez', 'savezCompressed'] as const)('%s and load', async (save) => {
    const file = path(`${save}.npz`)
    const x = torch.arange(24).view(2, 3, 4)
    const named = { turned: x.transpose(0, 2), part: x.at('...', '1:3'), half: torch.tensor(0.5).half(), none: torch.empty(0, 2) }
    await numpy[save](file, x, torch.zeros(1000), { ...named, __proto__x: torch.ones(1) })
    const loaded = await numpy.load<Record<string, Tensor>>(file)
    expect(Object.keys(loaded)).toEqual(['turned', 'part', 'half', 'none', '__proto__x', 'arr_0', 'arr_1'])
    for (const [name, want] of Object.entries(named)) {
      expect(loaded[name].dtype).toBe(want.dtype)
      expect(loaded[name].equal(want)).toBe(true)
    }
    expect(loaded.turned.stride()).toEqual([1, 4, 12])
    await expect(numpy[save](file, x, { arr_0: x })).rejects.toThrow('Cannot use un-named variables and keyword arr_0')
    // Nothing was written, and the file before is whole.
    expect(Object.keys(await numpy.load<Record<string, Tensor>>(file))).toHaveLength(7)
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test('a broken entry is named', async () => {
    const chunks: Uint8Array[] = []
    await numpy.savez(new WritableStream({ write: (chunk) => void chunks.push(chunk) }), { x: torch.ones(4), y: torch.ones(4) })
    const file = Buffer.concat(chunks)
    file[file.lastIndexOf(Buffer.from(torch.tensor([1]).toTypedArray().buffer as ArrayBuffer))] ^= 1
    await expect(numpy.load(file)).rejects.toThrow('the buffer cannot be loaded: the checksum of its entry y.npy is wrong')
    expect((await (await numpy.openNpz(file)).get('x')).tolist()).toEqual([1, 1, 1, 1])
  })

  test('an entry that cannot be as large as it claims is refused', async () => {
    const chunks: Uint8Array[] = []
    await numpy.savezCompressed(new WritableStream({ write: (chunk) => void chunks.push(chunk) }), { x: torch.ones(4) })
    const file = Buffer.concat(chunks)
    file.writeUInt32LE(2 ** 27, file.lastIndexOf(Buffer.from('PK\x01\x02')) + 24)
    await expect(numpy.load(file)).rejects.toThrow('its entry x.npy claims 134217728 bytes')
  })
})

const python = '/usr/bin/python3'
function hasNumpy(): boolean {
  try {
    execFileSync(python, ['-c', 'import numpy'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

test.skipIf(!hasNumpy())('NumPy reads what is written here', async () => {
  const tensors: Record<string, Tensor> = {}
  for (const c of recorded.arrays.filter(({ name }) => !/version/.test(name))) tensors[c.name] = torch.fromNumpy(bytesOf(c.file))
  await numpy.savez(path('all.npz'), tensors)
  await numpy.savezCompressed(path('all-compressed.npz'), tensors)
  await numpy.save(path('one.npy'), torch.arange(6).view(2, 3).t())
  const program = `
import base64, json, sys
import numpy as np
for name in ("all.npz", "all-compressed.npz"):
    file = np.load(sys.argv[1] + "/" + name)
    print(json.dumps({key: [file[key].dtype.name, list(file[key].shape), base64.b64encode(np.ascontiguousarray(file[key]).tobytes()).decode()] for key in file.files}))
one = np.load(sys.argv[1] + "/one.npy")
print(json.dumps([one.tolist(), bool(one.flags.f_contiguous)]))
`
  const [stored, compressed, one] = execFileSync(python, ['-c', program, folder]).toString().trim().split('\n')
  expect(stored).toBe(compressed)
  const read = JSON.parse(stored)
  for (const name of Object.keys(tensors)) {
    const { dtype, shape, data } = recorded.arrays.find((c) => c.name === name)!
    expect(read[name], name).toEqual([dtype, shape, data])
  }
  expect(JSON.parse(one)).toEqual([
    [
      [0, 3],
      [1, 4],
      [2, 5],
    ],
    true,
  ])
  expect(readFileSync(path('one.npy')).subarray(1, 6).toString()).toBe('NUMPY')
})
