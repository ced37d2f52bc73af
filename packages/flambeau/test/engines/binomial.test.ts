/** Binomial counts: PyTorch's stream on every engine. */

import { expect, it } from 'vitest'
import * as torch from '../../src/index.js'

// torch.manual_seed(5); torch.binomial(torch.full((8,), count), torch.full((8,), p)) in turn, then torch.rand(1).
const recorded: [count: number, p: number, drawn: number[]][] = [
  [10, 0.25, [2, 2, 4, 2, 1, 3, 2, 3]],
  [100, 0.5, [43, 59, 40, 53, 51, 50, 55, 50]],
  [1000, 0.96875, [976, 976, 974, 968, 962, 972, 980, 959]],
  [30, 0.875, [24, 28, 29, 24, 27, 25, 25, 27]],
  [1e6, 0.125, [124054, 124646, 125675, 124865, 125214, 125360, 125345, 124659]],
  [1e9, 1e-9, [1, 0, 0, 2, 1, 0, 1, 2]],
  [20, 1e-20, [0, 0, 0, 0, 0, 0, 0, 0]],
  [3.5, 0.5, [1, 1, 1, 1, 2, 3, 2, 3]],
]

it('counts and the stream after them are PyTorch’s', () => {
  torch.manualSeed(5)
  for (const [count, p, drawn] of recorded)
    expect(torch.binomial(torch.full([8], count, { dtype: 'float32' }), torch.full([8], p)).tolist()).toEqual(drawn)
  expect(torch.rand(1).item()).toBe(0.05209672451019287)
})

it('odd trials and probabilities', () => {
  const count = torch.tensor([5, -1, 7, Number.NaN, 3])
  const p = torch.tensor([0, 0.5, 1.5, 0.5, Number.NaN])
  expect(torch.binomial(count, p).tolist()).toEqual([0, 0, 7, Number.NaN, Number.NaN])
  expect(torch.binomial(torch.ones(3, 1), torch.ones(2)).shape).toEqual([3, 2])
  expect(torch.binomial(torch.ones(0), torch.ones(0)).shape).toEqual([0])
})

it('what is refused', () => {
  expect(() => torch.binomial(torch.ones(1), torch.ones(1).double())).toThrow('Found dtype Double but expected Float')
  expect(() => torch.binomial(torch.tensor([1n]), torch.tensor([1n]))).toThrow(`"binomial_cpu" not implemented for 'Long'`)
})
