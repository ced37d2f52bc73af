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

  test.each(readCases('rng/sampler').filter((c) => c.steps[0].kind !== 'WeightedRandomSampler'))('$id', (c) => {
    torch.manualSeed(c.seed)
    const step: Json = c.steps[0]
    const { indices, lengths, ...options } = { ...keywords(step.kwargs), generator: generator(step.gseed) }
    if (step.kind === 'random_split') {
      const parts = data.randomSplit(range(step.n), lengths, options)
      expect(parts.map((part) => part.indices)).toEqual(c.out[0])
      expect(parts[0].at(0)).toBe(c.out[0][0][0])
    } else if (step.kind === 'RandomSampler') expect([...new data.RandomSampler(range(step.n), options)]).toEqual(c.out[0])
    else if (step.kind === 'SubsetRandomSampler') expect([...new data.SubsetRandomSampler(indices, options)]).toEqual(c.out[0])
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
