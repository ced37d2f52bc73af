import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { runModuleCase } from '../../../tools/conformance/modules.mjs'
import { runOpCase } from '../../../tools/conformance/ops.mjs'
import * as torch from '../src/index.js'

// What the differential tester (tools/differential) has found and is put right, with PyTorch's answers.
const file = new URL('./fixtures/differential.jsonl.gz', import.meta.url)
const cases = gunzipSync(readFileSync(file))
  .toString()
  .split('\n')
  .map((line) => JSON.parse(line))
const F = torch.nn.functional

test('what differed once does not differ any more', () => {
  const failed = cases.flatMap((c) => {
    const { status, reason } = (c.cls ? runModuleCase : runOpCase)(torch, c)
    return status === 'passed' ? [] : [`${c.id}: ${reason}`]
  })
  expect(failed).toEqual([])
})

/** The gradient of 0.7 Σ f(x), and that of 0.7 times its sum. */
function twice(f: (x: torch.Tensor) => torch.Tensor, values: readonly unknown[]): unknown[] {
  const x = torch.tensor(values as number[], { requiresGrad: true })
  const [first] = torch.autograd.grad(f(x).sum().mul(0.7), [x], { createGraph: true })
  const [second] = torch.autograd.grad(first!.sum().mul(0.7), [x])
  return [first, second].map((t) => torch.round(t!, { decimals: 4 }).tolist())
}

describe('second derivatives', () => {
  test.each([
    [
      [2, 0, 3],
      [0, 4.2, 0],
      [1.47, 2.45, 0.98],
    ],
    [
      [2, 0, 3, 0],
      [0, 0, 0, 0],
      [0, 2.94, 0, 2.94],
    ],
    [
      [2, 1, 3],
      [2.1, 4.2, 1.4],
      [1.96, 2.45, 1.47],
    ],
  ])('of products with zeros: %j', (values, first, second) => {
    const [g, h] = twice((x) => x.prod(0), values) as number[][]
    for (const [got, want] of [
      [g, first],
      [h, second],
    ])
      got.forEach((v, i) => {
        expect(v).toBeCloseTo(want[i], 3)
      })
  })

  test('of the soft margin far from it', () => {
    const [, second] = twice(
      (x) => F.softMarginLoss(x, torch.tensor([1, -1, 1]), { reduction: 'sum' }),
      [-8, 56, 2],
    ) as number[][]
    expect(second[1]).toBe(0)
    expect(second[2]).toBeCloseTo(0.0514, 4)
  })
})

test('the gradient of the cosine similarity is finite for zeros', () => {
  const x = torch.zeros(1, 2, { requiresGrad: true })
  F.cosineSimilarity(x, torch.tensor([[1, 2]]))
    .sum()
    .backward()
  expect(x.grad!.tolist()).toEqual([[Math.fround(44721360), Math.fround(89442720)]])
})

test('a number may come first', () => {
  const n = torch.tensor([1n, 2n])
  expect(torch.add(2, n).tolist()).toEqual([3, 4])
  expect(torch.sub(2, n, { alpha: 3 }).tolist()).toEqual([-1, -4])
  expect(torch.mul(2.5, n).tolist()).toEqual([2.5, 5])
  expect(torch.div(2, n, { roundingMode: 'floor' }).tolist()).toEqual([2, 1])
  expect(() => torch.add(1, 2)).toThrow("add(): argument 'input' must be Tensor, not number")
})

test('the derivatives of i1 and i1e are 1/2 at 0 and NaN', () => {
  for (const f of [torch.special.i1, torch.special.i1e]) {
    const x = torch.tensor([0, -0, Number.NaN], { requiresGrad: true })
    f(x).sum().backward()
    expect(x.grad!.tolist()).toEqual([0.5, 0.5, 0.5])
  }
})

test('indexAdd refuses an index that is no vector, and takes one number for a vector of one', () => {
  const index = torch.tensor([[0n, 1n]])
  expect(() => torch.zeros(2, 2).indexAdd(0, index, torch.ones(2, 2))).toThrow('Index should have dimension 1 or 0 (got 2)')
  expect(
    torch
      .tensor(1)
      .indexAdd(0, torch.tensor([0n]), torch.tensor([2]))
      .item(),
  ).toBe(3)
})

test('the median of nothing is what C makes of NaN', () => {
  expect(torch.zeros([0, 5], { dtype: 'int32' }).median().item()).toBe(-2147483648)
  expect(torch.zeros([0, 5], { dtype: 'uint8' }).median().item()).toBe(0)
})

test('tensors of several dtypes are equal where their elements are', () => {
  expect(torch.equal(torch.tensor([1, 0]), torch.tensor([true, false]))).toBe(true)
  expect(torch.equal(torch.tensor([1.5]), torch.tensor([1n]))).toBe(false)
})

test('bilinear weights are those of fused products', () => {
  const weights = F.interpolate(torch.eye(129).reshape(129, 1, 129), { size: 258, mode: 'linear', alignCorners: true })
  expect(weights.at(128, 0, 256).item()).toBe(0.5019454956054688)
})

test('isin compares numbers as they are', () => {
  const x = torch.tensor([44, 0, 1], { dtype: 'int8' })
  expect(torch.isin(x, 0.5).tolist()).toEqual([false, false, false])
  expect(torch.isin(x, 1, { invert: true }).tolist()).toEqual([true, true, false])
  expect(torch.isin(1, x).item()).toBe(true)
})

test('the power 0 of a matrix has a gradient of zeros', () => {
  const x = torch.ones(2, 2, { requiresGrad: true })
  const one = torch.linalg.matrixPower(x, 0)
  expect(one.tolist()).toEqual([
    [1, 0],
    [0, 1],
  ])
  one.sum().backward()
  expect(x.grad!.tolist()).toEqual([
    [0, 0],
    [0, 0],
  ])
})

test('asStrided and asStridedScatter stay within memory', () => {
  const x = torch.zeros(4)
  for (const call of [
    (...args: [number[], number[], number]) => x.asStrided(...args),
    (...args: [number[], number[], number]) => x.asStridedScatter(torch.ones(2), ...args),
  ]) {
    expect(() => call([2], [1], -1)).toThrow('storage offset -1')
    expect(() => call([2], [1, 1], 0)).toThrow('mismatch in length of strides and shape')
    expect(() => call([-2], [1], 2)).toThrow('Storage size calculation overflowed')
    expect(() => call([2], [-1], 2)).toThrow('Negative strides are not supported')
  }
})

test('repeatInterleave counts before it writes', () => {
  expect(torch.repeatInterleave(torch.tensor([2n, 0n, 3n])).tolist()).toEqual([0, 0, 2, 2, 2])
  expect(() => torch.repeatInterleave(torch.tensor([1, 2]), torch.tensor([2n ** 52n, -1n]))).toThrow(
    'repeats can not be negative',
  )
  expect(() => torch.repeatInterleave(torch.tensor([1, 2]), torch.tensor([2n ** 40n, 1n]))).toThrow("can't allocate memory")
})

test('the largest of what holds NaN gives its gradient to the NaNs', () => {
  const x = torch.tensor([1, Number.NaN, 2, Number.NaN], { requiresGrad: true })
  x.max().backward()
  expect(x.grad!.tolist()).toEqual([0, 0.5, 0, 0.5])
})
