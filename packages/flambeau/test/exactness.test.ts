/** Corners in which ops once differed from PyTorch: every expectation is what PyTorch 1.13 answers. */

import { describe, expect, it } from 'vitest'
import * as torch from '../src/index.js'

const { NaN: nan, POSITIVE_INFINITY: inf } = Number
const f64 = { dtype: 'float64' } as const

describe('narrow integers', () => {
  it('take numbers and 0-d tensors as values of their own dtype', () => {
    const x = torch.tensor([2, 250], { dtype: 'uint8' })
    expect(x.lt(-3).tolist()).toEqual([true, true])
    expect(torch.maximum(x, torch.tensor(-2n)).tolist()).toEqual([254, 254])
    expect(x.remainder(-3).tolist()).toEqual([2, 250])
    expect(torch.tensor([5, -5], { dtype: 'int8' }).floorDivide(300).tolist()).toEqual([0, -1])
  })
  it('are where an alpha must be whole', () => {
    const x = torch.tensor([1n, 2n])
    expect(() => x.add(x, { alpha: 0.5 })).toThrow(
      'For integral input tensors, argument alpha must not be a floating point number.',
    )
    expect(x.rsub(10, { alpha: 3 }).tolist()).toEqual([7, 4])
  })
})

describe('reductions', () => {
  it('take an empty list of dimensions for all of them', () => {
    const x = torch.tensor([
      [1, 2],
      [3, 4],
    ])
    expect(x.sum([]).tolist()).toBe(10)
    expect(x.mean([], true).tolist()).toEqual([[2.5]])
    expect(x.amax([]).tolist()).toBe(4)
  })
  it('to bool ask whether any element is true', () => {
    expect(torch.tensor([7n, -3n, -4n]).sum({ dtype: 'bool' }).tolist()).toBe(true)
  })
  it('keep the element of a 0-d tensor', () => {
    expect(torch.topk(torch.tensor(3.5), 0).values.tolist()).toBe(3.5)
    expect(torch.aminmax(torch.tensor(3.5), { dim: 0, keepdim: true }).min.shape).toEqual([1])
  })
  it('have an infinite derivative where there is no variance', () => {
    const x = torch.tensor(2, { requiresGrad: true })
    x.var().backward()
    expect(x.grad?.item()).toBe(inf)
  })
  it('accumulate running sums and products of floats in double', () => {
    expect(
      torch
        .cumprod(torch.tensor([1e30, 1e30, 1e-30, 1e-30]), 0)
        .tolist()
        .slice(2),
    ).toEqual([Math.fround(1e30), 1])
  })
})

describe('ops', () => {
  it('unique compares slices with the dimension exchanged with the first', () => {
    const x = torch.tensor([
      [
        [0, 0],
        [1, 0],
      ],
      [
        [0, 1],
        [0, 0],
      ],
    ])
    expect(torch.unique(x, { dim: 2 }).tolist()).toEqual(x.tolist())
  })
  it('unfold of repeated elements has a gradient for each of them', () => {
    const x = torch.tensor([1, 2], { ...f64, requiresGrad: true })
    const w = torch.arange(4, f64).reshape(2, 1, 2)
    x.expand(2, 2).unfold(1, 2, 1).mul(w).sum().backward()
    expect(x.grad?.tolist()).toEqual([2, 4])
  })
  it('xlogy passes nothing back where nothing comes in', () => {
    const x = torch.tensor([1, 2], { requiresGrad: true })
    torch.xlogy(x, torch.tensor([-1, 2])).backward(torch.tensor([0, 1]))
    expect(x.grad?.tolist()).toEqual([0, Math.fround(Math.log(2))])
  })
  it('where of a condition alone gives indices', () => {
    expect(
      torch
        .where(
          torch.tensor([
            [0, 2],
            [3, 0],
          ]),
        )
        .map((t) => t.tolist()),
    ).toEqual([
      [0, 1],
      [1, 0],
    ])
  })
  it('addcdiv and igamma refuse integers', () => {
    const x = torch.tensor([1n, 2n])
    expect(() => torch.addcdiv(x, x, x)).toThrow('Integer division with addcdiv is no longer supported')
    expect(() => torch.igamma(x, x)).toThrow("not implemented for 'Long'")
  })
  it('the derivative that is missing is missed in backward only', () => {
    const x = torch.tensor([1, 2], { requiresGrad: true })
    const y = torch.igamma(x, torch.ones(2))
    expect(() => y.sum().backward()).toThrow("the derivative for 'Igamma: x' is not implemented.")
  })
  it('a trapezoid of no points is zero', () => {
    expect(torch.trapezoid(torch.zeros([0, 2], { dtype: 'uint8' }), { dim: 0 })).toMatchObject({ dtype: 'uint8', shape: [2] })
    expect(() => torch.trapezoid(torch.tensor([true]))).toThrow('bool is not supported')
  })
  it('segments may leave elements out', () => {
    const data = torch.tensor([1, 2, 3, 4])
    const lengths = torch.tensor([1n, 0n, 2n])
    expect(() => torch.segmentReduce(data, 'sum', { lengths })).toThrow('to sum to data.size')
    expect(torch.segmentReduce(data, 'sum', { lengths, unsafe: true }).tolist()).toEqual([1, 0, 5])
    expect(torch.segmentReduce(data, 'mean', { offsets: torch.tensor([0n, 2n, 2n, 4n]) }).tolist()).toEqual([1.5, nan, 3.5])
  })
})

describe('in-place views', () => {
  it('change the tensor, its graph and nothing else', () => {
    const x = torch.tensor([[1, 2, 3]], { requiresGrad: true })
    const y = x.mul(2)
    expect(y.t_()).toBe(y)
    expect(y.shape).toEqual([3, 1])
    y.squeeze_(1)
      .unsqueeze_(0)
      .mul(torch.tensor([[1, 2, 3]]))
      .sum()
      .backward()
    expect(x.grad?.tolist()).toEqual([[2, 4, 6]])
    expect(() => x.t_()).toThrow('a leaf Variable that requires grad is being used in an in-place operation.')
  })
  it('of a view keep it a view', () => {
    const base = torch.ones(2, 3, { requiresGrad: true }).mul(1)
    const view = base.at(0)
    view.unsqueeze_(0).mul_(5)
    expect(base.tolist()).toEqual([
      [5, 5, 5],
      [1, 1, 1],
    ])
  })
  it('resize_ grows the memory that views share', () => {
    const x = torch.tensor([1, 2, 3])
    const view = x.at('1:')
    x.resize_(2, 2)
    x.at(1).fill_(9)
    expect(view.tolist()).toEqual([2, 9])
    expect(() => torch.ones(2, { requiresGrad: true }).resize_(3)).toThrow('cannot resize variables that require grad')
  })
  it('fillDiagonal_ wraps', () => {
    expect(torch.zeros(5, 2).fillDiagonal_(1, true).tolist()).toEqual([
      [1, 0],
      [0, 1],
      [0, 0],
      [1, 0],
      [0, 1],
    ])
  })
})
