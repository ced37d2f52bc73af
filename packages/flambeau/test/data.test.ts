import { describe, expect, test } from 'vitest'
import * as torch from '../src/index.js'
import { data, type Tensor } from '../src/index.js'
import { decode, type Json, keywords, readCases } from './support/python.js'

const collect = async <T>(loader: AsyncIterable<T>): Promise<T[]> => {
  const batches: T[] = []
  for await (const batch of loader) batches.push(batch)
  return batches
}
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

describe('order, as PyTorch', () => {
  const generator = (seed: number | null): torch.Generator | null =>
    seed === null ? null : new torch.Generator().manualSeed(seed)

  test.each(readCases('rng/loader'))('$id', async (c) => {
    torch.manualSeed(c.seed)
    for (const [i, step] of c.steps.entries()) {
      if (step.fn === 'loader') {
        const options = {
          batchSize: step.batch,
          shuffle: step.shuffle ?? true,
          dropLast: step.drop_last,
          generator: generator(step.gseed),
        }
        const loader = new data.DataLoader(range(step.n), options)
        for (const epoch of c.out[i]) {
          const batches = (await collect(loader)).map((batch) => batch.tolist())
          expect(batches).toEqual(epoch)
          expect(batches).toHaveLength(loader.length)
        }
      } else if (step.fn === 'torch.rand') expect(torch.rand(step.args).tolist()).toEqual(decode(c.out[i]).tolist())
      else expect.unreachable(step.fn)
    }
  })

  test.each(readCases('rng/sampler'))('$id', (c) => {
    torch.manualSeed(c.seed)
    const step: Json = c.steps[0]
    const { indices, lengths, weights, numSamples, ...options } = { ...keywords(step.kwargs), generator: generator(step.gseed) }
    if (step.kind === 'random_split') {
      const parts = data.randomSplit(range(step.n), lengths, options)
      expect(parts.map((part) => part.indices)).toEqual(c.out[0])
      expect(parts[0].at(0)).toBe(c.out[0][0][0])
    } else if (step.kind === 'RandomSampler')
      expect([...new data.RandomSampler(range(step.n), { ...options, ...(numSamples && { numSamples }) })]).toEqual(c.out[0])
    else if (step.kind === 'SubsetRandomSampler') expect([...new data.SubsetRandomSampler(indices, options)]).toEqual(c.out[0])
    else if (step.kind === 'WeightedRandomSampler')
      expect([...new data.WeightedRandomSampler(weights, numSamples, options)]).toEqual(c.out[0])
    else expect([...new data.SequentialSampler(range(step.n))]).toEqual(c.out[0])
  })
})

describe('DataLoader', () => {
  test('fetches rows of tensors at once', async () => {
    const set = new data.TensorDataset(torch.arange(10).view(5, 2), torch.arange(5).mul(10))
    const loader = new data.DataLoader(set, { batchSize: 2 })
    expect(loader.length).toBe(3)
    const batches: [Tensor, Tensor][] = await collect(loader)
    expect(batches.map(([x, y]) => [x.tolist(), y.tolist()])).toEqual([
      [[[0, 1], [2, 3]], [0, 10]],
      [[[4, 5], [6, 7]], [20, 30]],
      [[[8, 9]], [40]],
    ]) // biome-ignore format: as they lie
    const subset = new data.DataLoader(new data.Subset(set, [4, 0]), { batchSize: 2 })
    expect((await collect(subset)).length).toBe(1)
    expect(() => new data.TensorDataset(torch.ones(2), torch.ones(3))).toThrow('Size mismatch between tensors')
  })

  test('collates samples', async () => {
    const samples = [
      { x: torch.ones(2), n: 1, r: 0.5, b: true, s: 'a' },
      { x: torch.zeros(2), n: 2, r: 1, b: false, s: 'b' },
    ]
    const [batch] = await collect(new data.DataLoader(samples, { batchSize: 2 }))
    expect([batch.x.tolist(), batch.n.dtype, batch.r.dtype, batch.b.dtype, batch.s]).toEqual([
      [
        [1, 1],
        [0, 0],
      ],
      'int64',
      'float32',
      'bool',
      ['a', 'b'],
    ])
    expect(() => data.defaultCollate([[1, 2], [1]])).toThrow('each element in list of batch should be of equal size')
    expect(() => data.defaultCollate([null])).toThrow('found null')
  })

  test('asynchronous datasets, own collation, no batches, own samplers', async () => {
    const slow = { length: 4, at: async (i: number) => i * i }
    expect(await collect(new data.DataLoader(slow, { batchSize: 3, dropLast: true, collateFn: (s) => s }))).toEqual([[0, 1, 4]])
    expect(await collect(new data.DataLoader(slow, { batchSize: null }))).toEqual([0, 1, 4, 9])
    const backwards = { length: 4, *[Symbol.iterator]() { yield* [3, 2, 1, 0] } } // biome-ignore format: short
    expect(await collect(new data.DataLoader(slow, { batchSize: 2, sampler: backwards, collateFn: (s) => s }))).toEqual([
      [9, 4],
      [1, 0],
    ])
    expect(() => new data.DataLoader(slow, { sampler: backwards, shuffle: true })).toThrow('mutually exclusive')
    expect(() => new data.DataLoader(slow, { batchSize: 0 })).toThrow('batch_size should be a positive integer value')
  })
})

describe('samplers', () => {
  test('DistributedSampler shares the samples evenly', () => {
    const share = (n: number, rank: number, options: data.DistributedSamplerOptions = {}): number[] => [
      ...new data.DistributedSampler(range(n), { numReplicas: 3, rank, shuffle: false, ...options }),
    ]
    expect([0, 1, 2].map((rank) => share(7, rank))).toEqual([[0, 3, 6], [1, 4, 0], [2, 5, 1]]) // biome-ignore format: short
    expect([0, 1, 2].map((rank) => share(7, rank, { dropLast: true }))).toEqual([[0, 3], [1, 4], [2, 5]]) // biome-ignore format: short
    expect(share(1, 2)).toEqual([0])
    // torch.utils.data.distributed.DistributedSampler(range(7), 3, 1, seed=4)
    const sampler = new data.DistributedSampler(range(7), { numReplicas: 3, rank: 1, seed: 4 })
    expect([...sampler]).toEqual([1, 2, 3])
    sampler.setEpoch(2)
    expect([...sampler]).toEqual([4, 0, 2])
    expect(sampler.length).toBe(3)
    expect(() => new data.DistributedSampler(range(3), { numReplicas: 2, rank: 2 })).toThrow(
      'Invalid rank 2, rank should be in the interval [0, 1]',
    )
    expect(() => new data.DistributedSampler(range(3))).toThrow('Requires distributed package to be available')
  })

  test('WeightedRandomSampler checks its arguments', () => {
    expect(() => new data.WeightedRandomSampler([1], 0)).toThrow(
      'num_samples should be a positive integer value, but got num_samples=0',
    )
    expect(() => new data.WeightedRandomSampler(torch.ones(2, 2), 1)).toThrow(
      'weights should be a 1d sequence but given weights have shape (2, 2)',
    )
    expect([...new data.WeightedRandomSampler(torch.tensor([0, 1, 0]), 1, false)]).toEqual([1])
  })
})

describe('datasets', () => {
  class Letters extends data.IterableDataset<string> {
    constructor(readonly text: string) {
      super()
    }
    get length(): number {
      return this.text.length
    }
    override *[Symbol.iterator](): Generator<string, void, undefined> {
      yield* this.text
    }
  }

  test('concatenation and chains', async () => {
    const set = new data.ConcatDataset([['a', 'b'], ['c']])
    expect([set.length, set.cumulativeSizes, set.at(-1), set.at(1), set.at(2)]).toEqual([3, [2, 3], 'c', 'b', 'c'])
    expect(() => set.at(-4)).toThrow('absolute value of index should not exceed dataset length')
    expect(() => set.at(3)).toThrow('out of bounds')
    expect(() => new data.ConcatDataset([])).toThrow('datasets should not be an empty iterable')
    expect(() => new data.ConcatDataset([new Letters('a') as never])).toThrow('ConcatDataset does not support IterableDataset')
    const chain = new data.ChainDataset([new Letters('ab'), new Letters('c')])
    expect(chain.length).toBe(3)
    const loader = new data.DataLoader(chain, { batchSize: 2 })
    expect([loader.length, await collect(loader), await collect(loader)]).toEqual([2, [['a', 'b'], ['c']], [['a', 'b'], ['c']]])
    await expect(collect(new data.ChainDataset([['a'] as never]))).rejects.toThrow('ChainDataset only supports IterableDataset')
  })

  test('streams', async () => {
    expect(await collect(new data.DataLoader(new Letters('abc'), { batchSize: 2, dropLast: true }))).toEqual([['a', 'b']])
    expect(await collect(new data.DataLoader(new Letters('abc'), { batchSize: null }))).toEqual(['a', 'b', 'c'])
    let closed = false
    class Endless extends data.IterableDataset<number> {
      override async *[Symbol.asyncIterator](): AsyncGenerator<number, void, undefined> {
        try {
          for (let i = 0; ; i++) yield i
        } finally {
          closed = true
        }
      }
    }
    const loader = new data.DataLoader(new Endless(), { batchSize: 2 })
    for await (const batch of loader) if (batch.at(0).item() === 4) break
    expect(closed).toBe(true)
    expect(() => loader.length).toThrow("object of type 'Endless' has no len()")
    expect(() => new data.DataLoader(new Endless(), { shuffle: true })).toThrow(
      'DataLoader with IterableDataset: expected unspecified shuffle option, but got shuffle=True',
    )
    expect(() => new data.DataLoader(new Endless(), { sampler: [1] })).toThrow('expected unspecified sampler option')
  })

  test('randomSplit takes fractions', () => {
    const parts = data.randomSplit(range(10), [0.5, 0.26, 0.24], { generator: new torch.Generator().manualSeed(1) })
    expect(parts.map((part) => part.length)).toEqual([6, 2, 2])
    expect(() => data.randomSplit(range(4), [1, 2])).toThrow(
      'Sum of input lengths does not equal the length of the input dataset!',
    )
    expect(() => data.randomSplit(range(4), [1.5, -0.5])).toThrow('Fraction at index 0 is not between 0 and 1')
  })
})

test('options of a DataLoader are checked', () => {
  const set = range(3)
  const make = (options: object) => () => new data.DataLoader(set, options)
  expect(make({ numWorkers: -1 })).toThrow('num_workers option should be non-negative')
  expect(make({ timeout: -1, numWorkers: 1 })).toThrow('timeout option should be non-negative')
  expect(make({ prefetchFactor: 2 })).toThrow('prefetch_factor option could only be specified in multiprocessing')
  expect(make({ persistentWorkers: true })).toThrow('persistent_workers option needs num_workers > 0')
  expect(make({ pinMemory: true })).toThrow('not implemented: pinMemory')
  expect(make({ batchsize: 2 })).toThrow("DataLoader() got an unexpected keyword argument 'batchsize'")
  expect(make({ batchSize: null, dropLast: true })).toThrow('batch_size=None option disables auto-batching')
  expect(make({ batchSampler: [[1]], shuffle: true })).toThrow('batch_sampler option is mutually exclusive')
  expect(new data.DataLoader(set, 2, true, { dropLast: true }).length).toBe(1)
  expect(new data.DataLoader(set, { batchSampler: [[1], [0, 2]] }).length).toBe(2)
})

test('conversion of single samples, and typed arrays in batches', async () => {
  const sample = { a: new Float32Array([1, 2]), b: [1, 'x', new Uint8Array([3])], c: null }
  const { a, b, c } = data.defaultConvert(sample)
  expect([a.tolist(), b[0], b[1], b[2].dtype, c]).toEqual([[1, 2], 1, 'x', 'uint8', null])
  const [single] = await collect(new data.DataLoader([sample], { batchSize: null }))
  expect((single as unknown as { a: Tensor }).a.tolist()).toEqual([1, 2])
  const [batch] = await collect(new data.DataLoader([new Int32Array([1, 2]), new Int32Array([3, 4])], { batchSize: 2 }))
  expect([batch.tolist(), batch.dtype]).toEqual([[[1, 2], [3, 4]], 'int32']) // biome-ignore format: short
})

describe('parseIdx', () => {
  const file = (type: number, shape: number[], body: number[]): Uint8Array =>
    Uint8Array.from([0, 0, type, shape.length, ...shape.flatMap((s) => [0, 0, s >> 8, s & 255]), ...body])

  test('reads every type, from any place in memory', () => {
    expect(data.parseIdx(file(8, [2, 2], [1, 2, 3, 255])).tolist()).toEqual([[1, 2], [3, 255]]) // biome-ignore format: short
    expect(data.parseIdx(Buffer.concat([Buffer.from('x'), file(11, [2], [1, 0, 255, 254])]).subarray(1)).tolist()).toEqual([
      256, -2,
    ])
    expect(data.parseIdx(file(13, [1], [0x3f, 0x80, 0, 0])).tolist()).toEqual([1])
    expect(data.parseIdx(Buffer.from(file(8, [3], [7, 8, 9]))).tolist()).toEqual([7, 8, 9])
  })
  test('refuses what is broken', () => {
    expect(() => data.parseIdx(Uint8Array.of(0, 0))).toThrow('2 bytes are too few')
    expect(() => data.parseIdx(file(7, [1], [1]))).toThrow('not an IDX file: it starts with 00 00 07 01')
    expect(() => data.parseIdx(Uint8Array.of(0x1f, 0x8b, 8, 0))).toThrow('gzip')
    expect(() => data.parseIdx(file(8, [2, 2], [1]))).toThrow(
      'truncated IDX file: uint8 elements of shape [2, 2] take 16 bytes, but 13',
    )
    expect(() => data.parseIdx(file(8, [1], [1, 2]))).toThrow('not an IDX file')
    expect(() => data.parseIdx(file(8, [1, 1], []).subarray(0, 9))).toThrow('its header has 12 bytes')
  })
})
