/** Tensors beyond 2³¹ bytes, on the native engine: no size or offset may pass through 32 bits. */

import { freemem } from 'node:os'
import { afterEach, describe, expect, it } from 'vitest'
import * as torch from '../src/index.js'

const GIB = 2 ** 30
const needed = 12 * GIB
const enough = freemem() >= needed
if (!enough)
  console.warn(`large.test.ts is skipped: ${(freemem() / GIB).toFixed(1)} of the ${needed / GIB} GiB it wants are free`)

describe.skipIf(!enough || torch.backend.engine !== 'native')('more than 2 GiB', () => {
  // Each case lets go of its tensors before the next one asks for memory.
  afterEach(async () => {
    globalThis.gc!()
    await new Promise((resolve) => setTimeout(resolve, 10))
  })

  const n = 2 ** 31 + 1000
  it('int8 of 2³¹ + 1000 elements', () => {
    const x = torch.full([n], -3, { dtype: 'int8' })
    expect(x.sum().item()).toBe(-3 * n)
    expect(x.slice(0, n - 2, null).tolist()).toEqual([-3, -3])
  })
  it('uint8 of 2³¹ + 1000 elements', () => {
    const x = torch.full([n], 3, { dtype: 'uint8' })
    x.add_(2)
    expect(x.sum().item()).toBe(5 * n)
    x.narrow(0, n - 10, 10).fill_(7)
    expect(x.slice(0, n - 12, null).tolist()).toEqual([5, 5, ...new Array<number>(10).fill(7)])
    expect(x.select(0, 2 ** 31 + 999).item()).toBe(7)
    // Indices beyond 2³¹, and elements counted from there.
    const far = torch.tensor([0, 2 ** 31 - 1, 2 ** 31, n - 11, n - 10, n - 1], { dtype: 'int64' })
    expect(x.gather(0, far).tolist()).toEqual([5, 5, 5, 5, 7, 7])
    expect(x.indexSelect(0, far).tolist()).toEqual([5, 5, 5, 5, 7, 7])
    expect(() => x.gather(0, torch.tensor([n], { dtype: 'int64' }))).toThrow(`index ${n} is out of bounds`)
    x.select(0, n - 5).fill_(9)
    expect(x.argmax().item()).toBe(n - 5)
  })

  it('float32 of more than 2²⁹ elements', () => {
    const rows = 2 ** 15 + 1
    const columns = 2 ** 14 + 2
    const x = torch.zeros(rows, columns)
    expect(x.numel() * 4).toBeGreaterThan(2 ** 31)
    x.add_(torch.arange(columns).float(), { alpha: 2 })
    const line = columns * (columns - 1)
    expect(
      Number(
        x
          .select(0, rows - 1)
          .sum()
          .item(),
      ) / line,
    ).toBeCloseTo(1, 5)
    expect(Number(x.sum().item()) / (line * rows)).toBeCloseTo(1, 5)
    expect(x.select(0, -1).select(0, -1).item()).toBe(2 * (columns - 1))
    // Every second column, from the second on, turned and made contiguous: half as much again.
    const strided = x.slice(1, 1, null, 2).t()
    const copy = strided.contiguous()
    expect([copy.shape, copy.isContiguous()]).toEqual([[columns / 2, rows], true])
    expect(
      copy
        .select(0, columns / 2 - 1)
        .narrow(0, rows - 3, 3)
        .tolist(),
    ).toEqual(new Array(3).fill(2 * (columns - 1)))
    expect(
      copy
        .select(1, rows - 1)
        .narrow(0, 0, 3)
        .tolist(),
    ).toEqual([2, 6, 10])
    const far = torch.tensor([rows - 1, 0], { dtype: 'int64' })
    expect(
      x
        .indexSelect(0, far)
        .narrow(1, columns - 2, 2)
        .tolist(),
    ).toEqual(new Array(2).fill([2 * columns - 4, 2 * columns - 2]))
    expect(
      x
        .narrow(0, rows - 2, 2)
        .matmul(torch.ones(columns, 1))
        .div(line)
        .round()
        .tolist(),
    ).toEqual([[1], [1]])
  })
})
