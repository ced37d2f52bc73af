/** What checkpoints may be besides those that PyTorch 1.13 writes, and what they must not be. */

import { describe, expect, test } from 'vitest'
import type { DType, nn, Tensor } from '../src/index.js'
import * as torch from '../src/index.js'
import { Ordered } from '../src/serialization/pickle.js'
import {
  call,
  deflated,
  forgeArchive,
  forgeLegacy,
  forgeZip,
  global,
  instance,
  pickled,
  storage,
  tensor,
  tuple,
} from './support/forge.js'

const floats = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer)
const swapped = (bytes: Uint8Array, size: number): Uint8Array =>
  Uint8Array.from(bytes, (_, i) => bytes[i - (i % size) + size - 1 - (i % size)])

describe('storages', () => {
  const types: [DType, string][] = [
    ['float32', 'float32'],
    ['float64', 'double'],
    ['float16', 'half'],
    ['bfloat16', 'bfloat16'],
    ['int64', 'long'],
    ['int32', 'int'],
    ['int16', 'int16'],
    ['int8', 'int8'],
    ['uint8', 'uint8'],
    ['bool', 'bool'],
    ['complex64', 'complex64'],
    ['complex128', 'complex128'],
  ]
  test.each(types)('of bytes under tensors of %s', async (dtype, name) => {
    const t = torch.arange(4).to(dtype)
    const bytes = t.storage.bytes.slice()
    const over = storage('torch.storage.UntypedStorage', '0', bytes.length)
    const rebuilt = call(
      'torch._utils._rebuild_tensor_v3',
      over,
      1,
      tuple(3),
      tuple(1),
      false,
      new Ordered([]),
      global(`torch.${name}`),
    )
    const loaded = await torch.load<Tensor>(await forgeZip(rebuilt, { 0: bytes }))
    expect(loaded.dtype).toBe(dtype)
    expect(String(loaded)).toBe(String(t.narrow(0, 1, 3)))
  })

  test.each([
    ['torch.FloatStorage', torch.tensor([1, -2.5]), 4],
    ['torch.DoubleStorage', torch.tensor([1, -2.5], { dtype: 'float64' }), 8],
    ['torch.BFloat16Storage', torch.tensor([1, -2.5], { dtype: 'bfloat16' }), 2],
    ['torch.LongStorage', torch.tensor([1, -258], { dtype: 'int64' }), 8],
    ['torch.ByteStorage', torch.tensor([1, 255], { dtype: 'uint8' }), 1],
    ['torch.ComplexFloatStorage', torch.complex(torch.tensor([1, 2]), torch.tensor([3, -4])), 4],
  ])('of machines that are big-endian: %s', async (name, t, size) => {
    const bytes = swapped(t.storage.bytes.slice(0, t.storage.byteLength), size)
    const value = tensor(storage(name, '0', 2), 2)
    const order = { byteorder: new TextEncoder().encode('big') }
    expect(String(await torch.load(await forgeZip(value, { 0: bytes }, order)))).toBe(String(t))
    const old = tensor(storage(name, '0', 2, null), 2)
    expect(String(await torch.load(forgeLegacy(old, { 0: [2, bytes] }, false)))).toBe(String(t))
  })

  test('that are parts of others', async () => {
    const part = (key: string, offset: number, size: number): unknown =>
      tensor(storage('torch.FloatStorage', '7', 4, tuple(key, offset, size)), size)
    const whole = tensor(storage('torch.FloatStorage', '7', 4, null), 4)
    const value = { part: part('8', 1, 2), whole }
    const loaded = await torch.load<Record<string, Tensor>>(forgeLegacy(value, { 7: [4, floats] }))
    expect(String(loaded.part)).toBe('tensor([2., 3.])')
    expect(loaded.part.storage).toBe(loaded.whole.storage)
    await expect(torch.load(forgeLegacy(part('8', 3, 2), { 7: [4, floats] }))).rejects.toThrow('a part that is not inside')
  })

  test('in archives that other programs deflated', async () => {
    const entries = {
      'data.pkl': pickled(tensor(storage('torch.FloatStorage', '0', 4), 2, 2)),
      'data/0': floats,
      version: Uint8Array.of(51),
    }
    expect(String(await torch.load(deflated(entries)))).toBe('tensor([[1., 2.],\n        [3., 4.]])')
  })
})

test('a flipped bit in a storage is noticed', async () => {
  const bytes = await forgeZip(tensor(storage('torch.FloatStorage', '0', 4), 4), { 0: floats })
  const start = Buffer.from(bytes).indexOf(floats)
  for (let bit = 0; bit < 8 * floats.length; bit++) {
    const changed = bytes.slice()
    changed[start + (bit >> 3)] ^= 1 << (bit & 7)
    await expect(torch.load(changed)).rejects.toThrow('the checksum of its entry archive/data/0 is wrong')
  }
})

describe('mapLocation', () => {
  const file = async (location: string): Promise<Uint8Array<ArrayBuffer>> => {
    const over = storage('torch.FloatStorage', '0', 4)
    ;(over.id as unknown[])[3] = location
    return forgeZip(tensor(over, 4), { 0: floats })
  }
  test('what was saved elsewhere comes to the CPU', async () => {
    const ways: (torch.serialization.MapLocation | undefined)[] = [
      undefined,
      'cpu',
      { 'cuda:0': 'cpu' },
      {},
      (s) => s,
      () => 'cpu',
      () => null,
    ]
    for (const mapLocation of ways)
      expect(String(await torch.load(await file('cuda:0'), { mapLocation }))).toBe('tensor([1., 2., 3., 4.])')
  })
  test('functions get the storage and where it was', async () => {
    const seen: unknown[] = []
    const mapLocation = (s: torch.Tensor['storage'], location: string): undefined => void seen.push(s, location)
    const t = await torch.load<Tensor>(await file('cuda:1'), { mapLocation })
    expect(seen).toEqual([t.storage, 'cuda:1'])
  })
  test('devices that are not there', async () => {
    const message = "device 'cuda:1' is not available"
    await expect(torch.load(await file('cpu'), { mapLocation: 'cuda:1' })).rejects.toThrow(message)
    await expect(torch.load(await file('cuda:0'), { mapLocation: { 'cuda:0': 'cuda:1' } })).rejects.toThrow(message)
    await expect(torch.load(await file('cuda:0'), { mapLocation: () => 'cuda:1' })).rejects.toThrow(message)
    await expect(torch.load(await file('cpu'), { mapLocation: (() => 1) as never })).rejects.toThrow(TypeError)
    await expect(torch.load(await file('cpu'), { mapLocation: 1 as never })).rejects.toThrow(TypeError)
  })
})

test('options', async () => {
  const linear = call('torch.nn.modules.linear.Linear')
  await expect(torch.load(await forgeZip(linear), { weightsOnly: true })).rejects.toThrow('torch.nn.modules.linear.Linear')
  await expect(torch.load(await forgeZip(1), { map_location: 'cpu' } as never)).rejects.toThrow(
    "load() got an unexpected keyword argument 'map_location'",
  )
})

describe('what is not implemented is named', () => {
  const over = storage('torch.FloatStorage', '0', 4)
  const marked = (...marks: [string, boolean][]): unknown =>
    call('torch._utils._rebuild_tensor_v2', over, 0, tuple(4), tuple(1), false, new Ordered([]), new Map(marks))
  test('conjugates', async () => {
    expect(String(await torch.load(await forgeZip(marked(['conj', false]), { 0: floats })))).toBe('tensor([1., 2., 3., 4.])')
    await expect(torch.load(await forgeZip(marked(['conj', true]), { 0: floats }))).rejects.toThrow(
      "it has a tensor that is marked 'conj', which is not implemented",
    )
  })
  test.each([
    ['torch.QInt8Storage', 'a quantized tensor'],
    ['torch.quint4x2', 'a quantized tensor'],
    ['torch._utils._rebuild_qtensor', 'a quantized tensor'],
    ['torch._utils._rebuild_sparse_csr_tensor', 'a sparse tensor'],
    ['torch._utils._rebuild_nested_tensor', 'a nested tensor'],
    ['torch._utils._rebuild_meta_tensor_no_storage', 'a tensor without data'],
    ['torch.float8_e4m3fn', 'a dtype that flambeau does not have'],
    ['torch.uint16', 'a dtype that flambeau does not have'],
    ['torch.nn.parameter.UninitializedParameter', 'a lazy module'],
  ])('%s', async (path, message) => {
    await expect(torch.load(await forgeZip(global(path)))).rejects.toThrow(message)
  })
  test('the oldest format', async () => {
    const tar = new Uint8Array(1024)
    tar.set(new TextEncoder().encode('ustar'), 257)
    await expect(torch.load(tar)).rejects.toThrow('the format of PyTorch before 0.1.10, which is not implemented')
  })
})

describe('little files that ask for much', () => {
  test('one list made into many', async () => {
    const list = Array.from({ length: 20_000 }, () => 1)
    const copies = Array.from({ length: 20_000 }, () => call('__builtin__.set', list))
    await expect(torch.load(await forgeZip(copies))).rejects.toThrow('copies the same things over and over')
  })
  test('storages that claim the whole file each', async () => {
    const all = Array.from({ length: 100 }, (_, i) => tensor(storage('torch.ByteStorage', String(i), 5000, null), 5000))
    await expect(torch.load(forgeLegacy(all, {}))).rejects.toThrow('more than the whole file has')
  })
  test('entries that share their bytes', async () => {
    const bytes = await forgeZip(1, { 0: new Uint8Array(100_000), 1: new Uint8Array(1) })
    // The directory's record of the second: the size of the first.
    const at = Buffer.from(bytes).lastIndexOf('archive/data/1') - 46
    const view = new DataView(bytes.buffer)
    view.setUint32(at + 20, 100_000, true)
    view.setUint32(at + 24, 100_000, true)
    await expect(torch.load(bytes)).rejects.toThrow(/^the buffer cannot be loaded: its entries claim \d+ bytes, but it has \d+$/)
  })
  test('zip bombs', async () => {
    const zeros = new Uint8Array(2 ** 26)
    const entries = { 'data.pkl': pickled(1), a: zeros, b: zeros, c: zeros, d: zeros }
    await expect(torch.load(deflated(entries))).rejects.toThrow(/claim to unpack to \d+ bytes, as those of a zip bomb do$/)
  })
  test('modules with very many children', async () => {
    const hooks = { _forward_hooks: new Ordered([]), _backward_hooks: new Ordered([]) }
    const state = (more: object): object => ({ training: true, _parameters: {}, _buffers: {}, _modules: {}, ...hooks, ...more })
    const relu = instance('torch.nn.modules.activation.ReLU', state({ inplace: false }))
    const _modules = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [String(i), relu]))
    const one = instance('torch.nn.modules.container.Sequential', state({ _modules }))
    const net = await torch.load<nn.Sequential>(await forgeZip(one))
    expect(net.length).toBe(50_000)
    expect(net.at(-1)).toBe(net.at(0))
    const many = Array.from({ length: 100 }, () => instance('torch.nn.modules.container.Sequential', state({ _modules })))
    await expect(torch.load(await forgeZip(many))).rejects.toThrow("its torch.nn.Sequential's _modules is another module's too")
  }, 10_000)
  test('dimensions without end', async () => {
    const size = Array.from({ length: 65 }, () => 1)
    await expect(
      torch.load(await forgeZip(tensor(storage('torch.FloatStorage', '0', 4), ...size), { 0: floats })),
    ).rejects.toThrow('it has a tensor of 65 dimensions')
  })
})

test('archives with a name twice', async () => {
  const bytes = await forgeArchive({ 'data.pkl': pickled(1), 'data.pk2': pickled(2) })
  const places = [
    ...Buffer.from(bytes)
      .toString('latin1')
      .matchAll(/data\.pk2/g),
  ].map(({ index }) => index)
  for (const place of places) bytes.set(new TextEncoder().encode('data.pkl'), place)
  await expect(torch.load(bytes)).rejects.toThrow('its archive has two entries archive/data.pkl')
})
