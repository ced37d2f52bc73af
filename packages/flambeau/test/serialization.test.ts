/** torch.save and torch.load: PyTorch's files, hostile files, and ours. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import * as torch from '../src/index.js'
import { type DType, nn, optim, type Tensor } from '../src/index.js'
import * as web from '../src/serialization/files.web.js'
import { at, differences } from './support/pickle.js'
import { type Json, readCases } from './support/python.js'
import { hasTorch, runPython } from './support/torch.js'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-'))
afterAll(() => rmSync(folder, { recursive: true }))
const recorded = (name: string): string => fileURLToPath(new URL(`conformance/pickle/${name}`, import.meta.url))
const roundTrip = async <T>(value: T): Promise<T> => torch.load<T>(await torch.serialization.toBytes(value))

const cases = readCases('pickle/manifest')

describe("PyTorch's files", () => {
  const files = cases.filter(({ expect }) => expect === 'load').map((spec) => [spec.file, spec] as const)
  test.each(files)('%s', async (file, { value, shared = [] }) => {
    const loaded = await torch.load<Json>(recorded(file))
    expect(differences(loaded, value)).toEqual([])
    for (const group of shared) {
      const [first, ...others] = group.map((path: string) => at(loaded, path)) as Tensor[]
      for (const other of others) expect(other.storage).toBe(first.storage)
    }
  })

  test('a difference is noticed', async () => {
    const { value } = cases.find(({ id }) => id === 'pickle/sd_mlp')
    const loaded = await torch.load<Json>(recorded('sd_mlp.pt'))
    loaded['0.bias'].mul_(2)
    expect(differences(loaded, value)).toHaveLength(1)
  })

  test('state dicts keep their metadata', async () => {
    const loaded = await torch.load<Json>(recorded('sd_cnn.pt'))
    expect(loaded._metadata.bn.version).toBe(2)
    expect(Object.keys(loaded)).not.toContain('_metadata')
  })
})

describe('hostile files', () => {
  const files = cases.filter(({ format }) => format === 'hostile').map((spec) => [spec.file, spec] as const)
  test.each(files)('%s', { timeout: 10_000 }, async (file, { expect: expected, canary }) => {
    const before = process.memoryUsage().rss
    const path = recorded(file)
    const loaded = torch.load(path)
    if (expected === 'reject')
      await expect(loaded).rejects.toThrow(new RegExp(`^${path.replaceAll('.', '\\.')} cannot be loaded: `))
    else await loaded.catch((error) => expect(error.message).toContain(path))
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 28)
    expect(existsSync(canary)).toBe(false)
  })
})

const dtypes: DType[] = [
  'float32',
  'float64',
  'float16',
  'bfloat16',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'bool',
  'complex64',
  'complex128',
]

describe('round trips', () => {
  test.each(dtypes)('%s', async (dtype) => {
    const t = torch.arange(-2, 4).to(dtype).reshape(2, 3)
    const values = { t, view: t.t(), row: t.at(1), empty: t.at('2:'), scalar: t.at(1, 2), expanded: t.at(0, 1).expand(3, 2) }
    const loaded = await roundTrip(values)
    for (const [name, value] of Object.entries(values)) {
      const other = loaded[name as keyof typeof values]
      expect(other.dtype).toBe(dtype)
      expect([other.shape, other.stride()]).toEqual([value.shape, value.stride()])
      expect(String(other)).toBe(String(value))
      expect(other.storage).toBe(loaded.t.storage)
    }
  })

  test('special values of float32', async () => {
    const t = torch.tensor([Number.NaN, Infinity, -Infinity, -0, 1e-45])
    expect((await roundTrip(t)).toTypedArray()).toEqual(t.toTypedArray())
  })

  test('gradients, parameters', async () => {
    const weight = new nn.Parameter(torch.ones(2))
    const frozen = new nn.Parameter(torch.ones(2), { requiresGrad: false })
    const leaf = torch.ones(2, { requiresGrad: true })
    const loaded = await roundTrip({ weight, frozen, leaf, plain: torch.ones(2) })
    expect(loaded.weight).toBeInstanceOf(nn.Parameter)
    expect(loaded.frozen).toBeInstanceOf(nn.Parameter)
    expect(loaded.leaf).not.toBeInstanceOf(nn.Parameter)
    expect(Object.values(loaded).map((t) => t.requiresGrad)).toEqual([true, false, true, false])
  })

  test('plain data', async () => {
    const data = {
      none: null,
      yes: true,
      no: false,
      integers: [0, 255, 256, 65535, 65536, -1, -129, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, Number.MAX_SAFE_INTEGER, -(2 ** 40)],
      floats: [0.1, -0, Infinity, 5e-324, 2 ** 60],
      big: [2n ** 63n, -(2n ** 63n), 2n ** 200n, -(2n ** 200n) - 1n],
      text: ['', 'ein Wort', 'ä€😀', 'a\nb'],
      tuple: Object.freeze([1, Object.freeze(['a']), Object.freeze([1, 2, 3, 4, 5]), Object.freeze([])]),
      map: new Map<unknown, unknown>([
        [0, 'zero'],
        ['name', 1],
      ]),
      set: new Set([1, 'two']),
      bytes: Uint8Array.of(0, 127, 128, 255),
      nested: { list: [[], [{}]] },
      long: Array.from({ length: 300 }, (_, i) => `entry ${i}`),
    }
    const loaded = await roundTrip(data)
    expect({ ...loaded, nested: null }).toEqual({ ...data, nested: null })
    expect(JSON.stringify(loaded.nested)).toBe(JSON.stringify(data.nested))
    expect(Object.isFrozen(loaded.tuple) && Object.isFrozen(loaded.tuple[1])).toBe(true)
    expect(Object.is(loaded.floats[1], -0)).toBe(true)
    expect(Object.getPrototypeOf(loaded)).toBe(null)
  })

  test('what is shared and what is circular', async () => {
    const shared = [1]
    const circle: unknown[] = [shared, shared]
    circle.push(circle)
    const loaded = await roundTrip(circle)
    expect(loaded[0]).toBe(loaded[1])
    expect(loaded[2]).toBe(loaded)
  })

  test('names that mean something in JavaScript', async () => {
    const data = Object.fromEntries([
      ['constructor', 1],
      ['__proto__', 2],
      ['toString', 3],
    ])
    const loaded = await roundTrip(Object.assign(Object.create(null), { constructor: 1, toString: 3 }))
    expect({ ...loaded }).toEqual({ constructor: 1, toString: 3 })
    const own = await roundTrip(Object.defineProperty({}, '__proto__', { value: 2, enumerable: true }))
    expect(Object.entries(own)).toEqual([['__proto__', 2]])
    expect(Object.keys(data)).toContain('constructor')
  })

  test('metadata of state dicts', async () => {
    const model = new nn.Sequential(new nn.Linear(2, 2), new nn.Sequential(new nn.BatchNorm1d(2)))
    const state = model.stateDict()
    const expected = { '': { version: 1 }, 0: { version: 1 }, 1: { version: 1 }, '1.0': { version: 2 } }
    for (const { _metadata } of [state, (await roundTrip(state)) as Json, model.stateDict() as Json])
      expect(JSON.parse(JSON.stringify(_metadata))).toEqual(expected)
    expect(Object.keys(state)).not.toContain('_metadata')
    expect(Object.keys((model.stateDict({ prefix: 'net.' }) as Json)._metadata)).toEqual(['net', 'net.0', 'net.1', 'net.1.0'])
  })

  test('states of older versions are brought up to date', async () => {
    const model = new nn.Sequential(new nn.BatchNorm1d(2), new nn.InstanceNorm1d(2, { trackRunningStats: true }))
    model(torch.rand(3, 2, 4))
    const { '0.num_batches_tracked': _, '1.num_batches_tracked': __, ...old } = model.stateDict()
    const versioned = (version: number): typeof old =>
      Object.defineProperty({ ...old }, '_metadata', { value: { 0: { version }, 1: { version } } })
    expect(() => model.loadStateDict(versioned(2))).toThrow(
      'Missing key(s) in state_dict: "0.num_batches_tracked", "1.num_batches_tracked". ',
    )
    for (const state of [old, versioned(1)]) {
      model(torch.rand(3, 2, 4))
      expect(model.loadStateDict(state)).toEqual({ missingKeys: [], unexpectedKeys: [] })
      expect(model.buffers()[2].item()).toBe(0)
    }
    const untracked = new nn.InstanceNorm1d(2)
    const running = { running_mean: torch.zeros(2), running_var: torch.ones(2) }
    expect(() => untracked.loadStateDict(running)).toThrow(
      'Unexpected running stats buffer(s) "running_mean" and "running_var" for InstanceNorm1d with track_running_stats=False.',
    )
    const known = Object.defineProperty({ ...running }, '_metadata', { value: { '': { version: 1 } } })
    expect(() => untracked.loadStateDict(known)).toThrow('Unexpected key(s) in state_dict: "running_mean", "running_var". ')
  })

  test('classes of their own have versions of their own', () => {
    class Renamed extends nn.Module {
      weight = new nn.Parameter(torch.ones(1))
      override get stateVersion(): number {
        return 3
      }
      override upgradeState(state: nn.StateDict, prefix: string, version: number | null): void {
        seen.push([prefix, version])
        if (version !== null && version < 3) {
          state[`${prefix}weight`] = state[`${prefix}old`]
          delete state[`${prefix}old`]
        }
      }
    }
    const seen: unknown[] = []
    const model = new nn.Sequential(new Renamed())
    const state = model.stateDict() as Json
    expect(state._metadata[0].version).toBe(3)
    const old = Object.defineProperty({ '0.old': torch.ones(1).mul(2) }, '_metadata', { value: { 0: { version: 2 } } })
    model.loadStateDict(state)
    model.loadStateDict(old)
    expect(String(model.stateDict()['0.weight'])).toBe('tensor([2.])')
    expect(seen).toEqual([
      ['0.', 3],
      ['0.', 2],
    ])
  })

  test.each([
    ['a function', () => 1, /cannot write a function/],
    ['an instance', new Date(), /cannot write a Date/],
    ['a symbol', Symbol('x'), /cannot write a symbol/],
  ])('%s is refused', async (_, value, message) => {
    await expect(torch.serialization.toBytes({ value })).rejects.toThrow(message)
  })

  test('all sources and destinations', async () => {
    const path = join(folder, 'all.pt')
    await torch.save([torch.ones(2)], path)
    const bytes = new Uint8Array(readFileSync(path))
    const chunks: Uint8Array[] = []
    await torch.save([torch.ones(2)], new WritableStream({ write: (chunk) => void chunks.push(chunk) }))
    const sources = [
      path,
      new URL(`file://${path}`),
      bytes,
      bytes.buffer,
      new Blob([bytes]),
      new Response(bytes),
      new Blob(chunks as BlobPart[]),
    ]
    for (const source of sources) expect(String(await torch.load(source))).toBe('tensor([1., 1.])')
  })
})

test('URLs', async () => {
  const bytes = await torch.serialization.toBytes([torch.ones(2)])
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/x.pt' ? 200 : 404
    response.end(request.url === '/x.pt' ? bytes : '')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  expect(String(await torch.load(`${url}/x.pt`))).toBe('tensor([1., 1.])')
  expect(String(await torch.load(new URL(`${url}/x.pt`)))).toBe('tensor([1., 1.])')
  await expect(torch.load(`${url}/y.pt`)).rejects.toThrow(`${url}/y.pt cannot be loaded: the server answered 404 Not Found`)
  // What browsers have in the place of files.
  const source = await web.openFile(`${url}/x.pt`)
  expect(await source.read(0, 4)).toEqual(bytes.slice(0, 4))
  await expect(web.createFile('x.pt')).rejects.toThrow('x.pt cannot be saved: a browser writes to a FileSystemFileHandle')
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await expect(torch.load(`${url}/x.pt`)).rejects.toThrow(`${url}/x.pt cannot be loaded: it cannot be fetched`)
})

test('file handles of browsers', async () => {
  let file = new File([], 'model.pt')
  const handle = {
    name: 'model.pt',
    getFile: async () => file,
    createWritable: async () => {
      const chunks: BlobPart[] = []
      const write = (chunk: Uint8Array<ArrayBuffer>): void => void chunks.push(chunk)
      const close = (): void => {
        file = new File(chunks, 'model.pt')
      }
      return new WritableStream({ write, close })
    },
  } as unknown as FileSystemFileHandle
  await torch.save({ w: torch.ones(2) }, handle)
  expect(String((await torch.load<Json>(handle)).w)).toBe('tensor([1., 1.])')
  const before = file
  await expect(torch.save({ big: torch.ones(100), f: () => 1 }, handle)).rejects.toThrow('cannot write a function')
  expect(file).toBe(before)
  file = new File(['no checkpoint'], 'model.pt')
  await expect(torch.load(handle)).rejects.toThrow('model.pt cannot be loaded: it is no checkpoint of PyTorch')
})

test('payloads begin at multiples of 64 bytes, and nothing is written twice', async () => {
  const t = torch.arange(0, 1000)
  const bytes = Buffer.from(await torch.serialization.toBytes({ t, same: t, view: t.at('3:'), other: torch.ones(3) }))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const payloads: string[] = []
  for (let header = bytes.indexOf('PK\x03\x04'); header >= 0; header = bytes.indexOf('PK\x03\x04', header + 4)) {
    const name = bytes.toString('latin1', header + 30, header + 30 + view.getUint16(header + 26, true))
    expect((header + 30 + view.getUint16(header + 26, true) + view.getUint16(header + 28, true)) % 64).toBe(0)
    payloads.push(name)
  }
  expect(payloads).toEqual(['archive/data.pkl', 'archive/byteorder', 'archive/data/0', 'archive/data/1', 'archive/version'])
})

describe('files are replaced whole', () => {
  const entry = new URL('../dist/index.js', import.meta.url).href

  test('a process killed while saving leaves the old file', async () => {
    const path = join(folder, 'killed.pt')
    await torch.save({ epoch: 1 }, path)
    const program = `import * as torch from '${entry}'
      const big = torch.ones(2 ** 24)
      process.stdout.write('saving')
      for (;;) await torch.save({ big, epoch: 2 }, ${JSON.stringify(`${path}`)} + (process.argv[1] ?? ''))`
    for (const delay of [5, 15, 30]) {
      const other = `${path}.${delay}`
      writeFileSync(other, readFileSync(path))
      const child = spawn(process.execPath, ['--input-type=module', '-e', program, `.${delay}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await once(child.stdout, 'data')
      await new Promise((resolve) => setTimeout(resolve, delay))
      child.kill('SIGKILL')
      await once(child, 'exit')
      const { epoch, big } = await torch.load<{ epoch: number; big?: Tensor }>(other)
      expect(epoch === 1 || (epoch === 2 && big!.sum().item() === 2 ** 24)).toBe(true)
    }
  })

  test('what cannot be saved leaves the old file, and no temporary one', async () => {
    const path = join(folder, 'kept.pt')
    await torch.save({ epoch: 1 }, path)
    await expect(torch.save({ big: torch.ones(1000), epoch: () => 2 }, path)).rejects.toThrow('cannot write a function')
    expect(await torch.load(path)).toEqual({ epoch: 1 })
    expect(readdirSync(folder).filter((name) => name.startsWith('.kept'))).toEqual([])
  })

  test('what cannot be written leaves no temporary file', async () => {
    const place = mkdtempSync(join(folder, 'place-'))
    await expect(torch.save([1], place)).rejects.toThrow(`${place} cannot be saved: it is a directory`)
    await expect(torch.save([1], join(place, 'none', 'x.pt'))).rejects.toThrow('x.pt cannot be saved: no such file or directory')
    const full = new WritableStream({ write: () => Promise.reject(new Error('full')) })
    await expect(torch.save([torch.ones(2)], full)).rejects.toThrow('full')
    expect(readdirSync(place)).toEqual([])
  })

  test.skipIf(process.platform === 'win32')('links, modes and devices stay what they are', async () => {
    const path = join(folder, 'target.pt')
    await torch.save([1], path)
    chmodSync(path, 0o640)
    symlinkSync(path, join(folder, 'link.pt'))
    await torch.save([2], join(folder, 'link.pt'))
    expect(lstatSync(join(folder, 'link.pt')).isSymbolicLink()).toBe(true)
    expect(await torch.load(path)).toEqual([2])
    expect(statSync(path).mode & 0o777).toBe(0o640)
    await torch.save([3], '/dev/null')
    expect(statSync('/dev/null').isFile()).toBe(false)
  })

  test('of several written at once one is there, and whole', async () => {
    const path = join(folder, 'race.pt')
    await Promise.all([1, 2, 3].map((i) => torch.save({ i, t: torch.full([1000], i) }, path)))
    const { i, t } = await torch.load<{ i: number; t: Tensor }>(path)
    expect(t.sum().item()).toBe(1000 * i)
  })
})

describe.skipIf(!hasTorch)('PyTorch itself', () => {
  test('loads what we write', async () => {
    torch.manualSeed(0)
    const model = new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.BatchNorm2d(2), new nn.Flatten(), new nn.Linear(8, 3))
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 })
    const x = torch.rand(4, 1, 4, 4)
    model(x).sum().backward()
    optimizer.step()
    const out = model.eval()(x)
    const kinds = Object.fromEntries(dtypes.map((dtype) => [dtype, torch.arange(-2, 4).to(dtype).reshape(2, 3).t()]))
    const path = join(folder, 'ours.pt')
    const data = {
      tuple: Object.freeze([1, 'a']),
      map: new Map([[0, 1.5]]),
      set: new Set([1]),
      bytes: Uint8Array.of(1, 200),
      big: 2n ** 70n,
    }
    await torch.save({ model: model.stateDict(), optimizer: optimizer.stateDict(), x, out: out.detach(), kinds, data }, path)
    runPython(`
saved = torch.load('${path}')
from torch import nn
model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3)).eval()
model.load_state_dict(saved['model'], strict=True)
assert dict(saved['model']._metadata) == dict(model.state_dict()._metadata)
torch.optim.Adam(model.parameters()).load_state_dict(saved['optimizer'])
torch.testing.assert_close(model(saved['x']), saved['out'])
for name, t in saved['kinds'].items():
    assert t.dtype == getattr(torch, name), name
    expected = torch.tensor([-2, -1, 0, 1, 2, 3]).to(t.dtype).reshape(2, 3).t()
    assert t.stride() == (1, 3) and torch.equal(t, expected), name
assert saved['data'] == {'tuple': (1, 'a'), 'map': {0: 1.5}, 'set': {1}, 'bytes': bytes([1, 200]), 'big': 2 ** 70}
`)
  })

  test('runs the programs of the guide', async () => {
    const place = mkdtempSync(join(folder, 'guide-'))
    const docs = new URL('../../../docs/', import.meta.url)
    const programs = readFileSync(new URL('checkpoints.md', docs), 'utf8').matchAll(/^```python\n([\s\S]*?)^```/gm)
    const [[, loads], [, saves]] = programs
    const model = new nn.Sequential(new nn.Linear(4, 8), new nn.BatchNorm1d(8), new nn.ReLU(), new nn.Linear(8, 3))
    await torch.save(model.stateDict(), join(place, 'model.pt'))
    const go = `import os\nos.chdir('${place}')\n`
    runPython(`${go}${loads}`)
    const printed = runPython(`${go}${saves}\nprint(torch.load('net.pt')(torch.ones(1, 4)))`)
    expect(readFileSync(new URL('checkpoints.md', docs), 'utf8')).toContain(printed.trim())
    class Net extends nn.Module {
      hidden = new nn.Linear(4, 8)
      out = new nn.Sequential()
    }
    const classes = { '__main__.Net': Net }
    const [ours, kept] = await Promise.all(
      [join(place, 'net.pt'), new URL('net.pt', docs)].map((file) => torch.load<nn.Module>(file, { classes })),
    )
    expect(String(ours)).toBe(String(kept))
    for (const [name, t] of Object.entries(ours.stateDict())) expect(t.equal(kept.stateDict()[name])).toBe(true)
  })

  test('writes what we load', async () => {
    const path = join(folder, 'theirs.pt')
    runPython(`
from collections import OrderedDict, defaultdict, Counter
base = torch.arange(6).to(torch.complex64)
torch.save({'base': base, 'conj': base.reshape(2, 3).t(), 'z': torch.ones(2, dtype=torch.complex128), 'set': {1}, 'bytes': b'\\x01\\xc8',
  'bytearray': bytearray(b'ab'), 'counter': Counter('aab'), 'od': OrderedDict(a=1), 'p': torch.nn.Parameter(torch.ones(2)), 'big': -2 ** 70,
  'ints': {1: 2, 'a': 3}, 'frozen': frozenset([3]), 'z1': 1.5-2j, 'counts': defaultdict(int, a=1)}, '${path}')
`)
    const loaded = await torch.load<Json>(path)
    expect(loaded.base.dtype).toBe('complex64')
    expect(loaded.conj.storage).toBe(loaded.base.storage)
    expect(loaded.z.dtype).toBe('complex128')
    expect(loaded.bytes).toEqual(Uint8Array.of(1, 200))
    expect(loaded.bytearray).toEqual(Uint8Array.of(97, 98))
    expect({ ...loaded.counter }).toEqual({ a: 2, b: 1 })
    expect({ ...loaded.od }).toEqual({ a: 1 })
    expect(loaded.p).toBeInstanceOf(nn.Parameter)
    expect(loaded.big).toBe(-(2n ** 70n))
    expect(loaded.ints).toEqual(
      new Map<unknown, unknown>([
        [1, 2],
        ['a', 3],
      ]),
    )
    expect(loaded.frozen).toEqual(new Set([3]))
    expect(loaded.z1).toEqual({ re: 1.5, im: -2 })
    expect({ ...loaded.counts }).toEqual({ a: 1 })
  })
})
