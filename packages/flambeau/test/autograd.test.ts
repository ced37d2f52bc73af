import { describe, expect, it } from 'vitest'
import * as torch from '../src/index.js'
import { autograd, type Tensor } from '../src/index.js'

const leaf = (data: torch.NestedArray): Tensor => torch.tensor(data, { requiresGrad: true })

describe('backward', () => {
  it('accumulates into leaves', () => {
    const x = leaf([1, 2, 3])
    x.mul(x).sum().backward()
    x.mul(3).sum().backward()
    expect(x.grad!.tolist()).toEqual([5, 7, 9])
  })
  it('sums over what was broadcast and casts to the leaf dtype', () => {
    const x = leaf([[1], [2]])
    const y = torch.ones(2, 3, { dtype: 'float64' })
    x.mul(y).sum().backward()
    expect(x.grad!.dtype).toBe('float32')
    expect(x.grad!.tolist()).toEqual([[3], [3]])
  })
  it('adds up when one tensor is used several times', () => {
    const x = leaf(3)
    const y = x.mul(x)
    y.add(y).add(y.mul(x)).backward()
    expect(x.grad!.item()).toBe(2 * 6 + 27)
  })
  it('says so when the graph was freed', () => {
    const x = leaf([1, 2])
    const y = x.exp().sum()
    y.backward()
    expect(() => y.backward()).toThrow(/Trying to backward through the graph a second time/)
    const z = x.exp().sum()
    z.backward({ retainGraph: true })
    z.backward()
  })
  it('needs a gradient for more than one element', () => {
    const y = leaf([1, 2]).mul(2)
    expect(() => y.backward()).toThrow('grad can be implicitly created only for scalar outputs')
    expect(() => y.backward(torch.ones(3))).toThrow(/Mismatch in shape: grad_output\[0\] has a shape of \[3\]/)
    expect(() => torch.ones(1).backward()).toThrow('element 0 of tensors does not require grad and does not have a grad_fn')
  })
  it('walks a chain of 100,000 nodes without recursion', () => {
    const x = leaf(1)
    let y = x
    for (let i = 0; i < 100_000; i++) y = y.add(1)
    y.backward()
    expect(x.grad!.item()).toBe(1)
  })
  it('leaves a gradient alone that the caller holds', () => {
    const x = leaf([1, 2])
    const seed = torch.tensor([1, 10])
    x.add(1).add(2).backward(seed)
    expect(seed.tolist()).toEqual([1, 10])
    x.grad!.add_(1)
    expect(seed.tolist()).toEqual([1, 10])
  })
  it('accumulates only into the given inputs', () => {
    const [x, y] = [leaf(2), leaf(3)]
    x.mul(y).backward({ inputs: [x] })
    expect([x.grad!.item(), y.grad]).toEqual([3, null])
  })
})

describe('grad', () => {
  it('gives any order of derivatives', () => {
    let x = leaf(2)
    let y: Tensor = x.pow(4)
    const found: unknown[] = []
    for (let i = 0; i < 4; i++) {
      const [d] = autograd.grad(y, x, { createGraph: true })
      found.push(d!.item())
      y = d!
    }
    expect(found).toEqual([32, 48, 48, 24])
    expect(x.grad).toBeNull()
    x = leaf(1)
    expect(() => autograd.grad(leaf(1).mul(2), x)).toThrow(/appears to not have been used in the graph/)
    expect(autograd.grad(leaf(1).mul(2), x, { allowUnused: true })).toEqual([null])
  })
  it('captures gradients of tensors that are no leaves', () => {
    const x = leaf([1, 2])
    const y = x.mul(3)
    expect(autograd.grad(y.mul(y).sum(), y)[0]!.tolist()).toEqual([6, 12])
  })
})

describe('modes', () => {
  it('does not record in noGrad, and comes back after an error', () => {
    const x = leaf(1)
    expect(torch.noGrad(() => x.mul(2)).requiresGrad).toBe(false)
    expect(torch.noGrad(() => torch.enableGrad(() => x.mul(2))).requiresGrad).toBe(true)
    expect(() =>
      torch.noGrad(() => {
        throw new Error('inside')
      }),
    ).toThrow('inside')
    expect(torch.isGradEnabled()).toBe(true)
  })
  it('lasts until an async function settles', async () => {
    const result = torch.noGrad(async () => {
      await Promise.resolve()
      return torch.isGradEnabled()
    })
    expect(await result).toBe(false)
    expect(torch.isGradEnabled()).toBe(true)
  })
})

describe('in place', () => {
  it('refuses leaves and wrong shapes and dtypes before writing', () => {
    expect(() => leaf([1]).add_(1)).toThrow('a leaf Variable that requires grad is being used in an in-place operation.')
    expect(() => leaf([1, 2]).select(0, 0).add_(1)).toThrow('a view of a leaf Variable that requires grad')
    const x = torch.zeros(2)
    expect(() => x.add_(torch.ones(3, 2))).toThrow("output with shape [2] doesn't match the broadcast shape [3, 2]")
    expect(() => torch.zeros(2, { dtype: 'int64' }).add_(1.5)).toThrow(
      "result type Float can't be cast to the desired output type Long",
    )
    expect(() => torch.zeros(1).expand(3).add_(1)).toThrow(
      /more than one element of the written-to tensor refers to a single memory location/,
    )
    expect(x.tolist()).toEqual([0, 0])
  })
  it('notices that a saved tensor was changed', () => {
    const x = leaf([1, 2])
    const y = x.mul(1)
    const z = y.mul(y)
    y.add_(1)
    expect(() => z.sum().backward()).toThrow(
      /one of the variables needed for gradient computation has been modified by an inplace operation: .* is at version 1; expected version 0/,
    )
  })
  it('is legal where backward reads the result', () => {
    const x = leaf([0, 1])
    const y = x.mul(1)
    y.exp_()
    y.sum().backward()
    expect(x.grad!.tolist()[0]).toBe(1)
    expect(x.grad!.tolist()[1]).toBeCloseTo(Math.E, 5)
  })
  it('through a view rewrites the history of the base', () => {
    const x = leaf([
      [1, 2],
      [3, 4],
    ])
    const y = x.mul(1)
    const row = y.select(0, 0)
    row.mul_(10)
    expect(y.tolist()).toEqual([
      [10, 20],
      [3, 4],
    ])
    expect(y.gradFn!.name).toBe('CopySlices')
    expect(row.gradFn!.name).toBe('AsStridedBackward0')
    y.mul(
      torch.tensor([
        [1, 1],
        [2, 2],
      ]),
    )
      .sum()
      .backward()
    expect(x.grad!.tolist()).toEqual([
      [10, 10],
      [2, 2],
    ])
  })
  it('copies through a view into a tensor that needed no gradient', () => {
    const x = leaf([1, 2])
    const buffer = torch.zeros(3, 2)
    buffer.select(0, 1).copy_(x.mul(2))
    buffer.mul(3).sum().backward()
    expect(x.grad!.tolist()).toEqual([6, 6])
  })
  it('shows in a sibling view made before', () => {
    const x = leaf([1, 2, 3])
    const y = x.mul(1)
    const [a, b] = [y.narrow(0, 0, 2), y.narrow(0, 1, 2)]
    a.mul_(2)
    b.sum().backward()
    expect(x.grad!.tolist()).toEqual([0, 2, 1])
  })
})

describe('hooks', () => {
  it('see and replace gradients, until removed', () => {
    const x = leaf([1, 2])
    const y = x.mul(2)
    const seen: unknown[] = []
    const handle = y.registerHook((g) => {
      seen.push(g.tolist())
      return g.mul(10)
    })
    x.registerHook((g) => void seen.push(g.tolist()))
    y.sum().backward()
    expect(seen).toEqual([
      [1, 1],
      [20, 20],
    ])
    handle.remove()
    x.grad = null
    x.mul(2).sum().backward()
    expect(x.grad!.tolist()).toEqual([2, 2])
  })
  it('retainGrad keeps the gradient of a tensor that is no leaf', () => {
    const x = leaf([1, 2])
    const y = x.mul(2)
    y.retainGrad()
    y.mul(y).sum().backward()
    expect(y.grad!.tolist()).toEqual([4, 8])
    expect(y.isLeaf).toBe(false)
  })
})
