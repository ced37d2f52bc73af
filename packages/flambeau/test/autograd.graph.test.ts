import { describe, expect, it } from 'vitest'
import * as torch from '../src/index.js'
import { autograd, type Tensor } from '../src/index.js'

const leaf = (data: torch.NestedArray): Tensor => torch.tensor(data, { requiresGrad: true })

describe('hooks on nodes', () => {
  it('see gradients before and after the node runs, and replace them', () => {
    const x = leaf([1, 2])
    const y = x.mul(2)
    const seen: unknown[] = []
    const node = y.gradFn!
    node.registerHook(([gradIn, none], [gradOut]) => {
      seen.push(['after', gradIn!.tolist(), none, gradOut!.tolist()])
      return [gradIn!.mul(10), null]
    })
    const handle = node.registerPrehook(([g]) => {
      seen.push(['before', g!.tolist()])
      return [g!.mul(3)]
    })
    y.registerHook((g) => void seen.push(['tensor', g.tolist()]))
    y.sum().backward({ retainGraph: true })
    expect(seen).toEqual([
      ['tensor', [1, 1]],
      ['before', [1, 1]],
      ['after', [6, 6], null, [3, 3]],
    ])
    expect(x.grad!.tolist()).toEqual([60, 60])
    handle.remove()
    x.grad = null
    y.sum().backward()
    expect(x.grad!.tolist()).toEqual([20, 20])
    const z = x.mul(2)
    z.gradFn!.registerHook(function once([g]) {
      return [g]
    })
    expect(() => z.sum().backward()).toThrow("hook 'once' has returned an incorrect number of values (got 1, but expected 2)")
  })
  it('work on AccumulateGrad, which knows its variable', () => {
    const x = leaf([1, 2])
    const [[accumulator]] = x.mul(1).gradFn!.nextFunctions
    expect(accumulator!.name).toBe('AccumulateGrad')
    expect(accumulator instanceof autograd.graph.AccumulateGrad && accumulator.variable).toBe(x)
    const seen: unknown[] = []
    accumulator!.registerHook((gradIn, [g]) => void seen.push(gradIn.length, g!.tolist()))
    x.mul(1).sum().backward()
    expect(seen).toEqual([0, [1, 1]])
  })
  it('registerPostAccumulateGradHook runs once the gradient is there', () => {
    const x = leaf([1, 2])
    const seen: unknown[] = []
    const handle = x.registerPostAccumulateGradHook((leaf) => {
      seen.push(leaf.grad!.tolist())
      leaf.grad = null
    })
    x.mul(x).sum().backward()
    handle.remove()
    x.sum().backward()
    expect([seen, x.grad!.tolist()]).toEqual([[[2, 4]], [1, 1]])
    expect(() => x.mul(1).registerPostAccumulateGradHook(() => {})).toThrow(
      'post accumulate grad hooks cannot be registered on non-leaf tensors',
    )
    expect(() => torch.ones(1).registerHook(() => {})).toThrow("cannot register a hook on a tensor that doesn't require gradient")
  })
  it('must not change sizes', () => {
    const x = leaf([1, 2])
    x.registerHook(function grow() {
      return torch.ones(7)
    })
    expect(() => x.sum().backward()).toThrow("hook 'grow' has changed the size of value")
  })
})

describe('backward and grad', () => {
  it('stop at inputs that are no leaves', () => {
    const x = leaf([1, 2])
    const y = x.mul(2)
    const z = y.mul(y).sum()
    z.backward({ inputs: [y], retainGraph: true })
    expect([y.grad!.tolist(), x.grad]).toEqual([[4, 8], null])
    z.backward({ inputs: [y, x] })
    expect([y.grad!.tolist(), x.grad!.tolist()]).toEqual([
      [8, 16],
      [8, 16],
    ])
    expect(() =>
      leaf([1])
        .sum()
        .backward({ inputs: [torch.ones(1)] }),
    ).toThrow("can't retain_grad on Tensor that has requires_grad=False")
    leaf([1])
      .sum()
      .backward({ inputs: [leaf([1])] })
  })
  it('do not run, nor free, what lies beyond the inputs', () => {
    const x = leaf([1, 2])
    const y = x.exp()
    let ran = 0
    y.gradFn!.registerHook(() => void ran++)
    autograd.grad(y.mul(y).sum(), y)
    expect(ran).toBe(0)
    y.sum().backward()
    expect(ran).toBe(1)
  })
  it('start from several tensors', () => {
    const x = leaf([1, 2])
    autograd.backward([x.sum(), x.mul(2)], [null, torch.ones(2)])
    expect(x.grad!.tolist()).toEqual([3, 3])
    expect(() => autograd.backward([x.sum(), x.mul(2).detach()])).toThrow('element 1 of tensors does not require grad')
  })
  it('answer zeros for unused inputs when asked, and know no batches', () => {
    const [x, y] = [leaf([1, 2]), leaf([3])]
    const [, unused] = autograd.grad(x.sum(), [x, y], { materializeGrads: true })
    expect(unused!.tolist()).toEqual([0])
    expect(() => autograd.grad(x.sum(), x, { isGradsBatched: true as false })).toThrow('not implemented')
  })
  it('retained gradients add up and follow an in-place write', () => {
    const x = leaf([1, 2])
    const y = x.mul(2)
    y.retainGrad()
    y.sum().backward({ retainGraph: true })
    y.sum().backward()
    expect(y.grad!.tolist()).toEqual([2, 2])
    const z = x.mul(2)
    z.retainGrad()
    z.mul_(5)
    z.sum().backward()
    expect(z.grad!.tolist()).toEqual([1, 1])
    expect(() => torch.ones(1).retainGrad()).toThrow("can't retain_grad on Tensor that has requires_grad=False")
  })
  it('can run again after an error in a backward inside backward', () => {
    const x = leaf([1, 2])
    const y = x.mul(2)
    const inner = y.sum()
    const w = y.mul(y)
    let fails = true
    w.registerHook(() => {
      if (fails) inner.backward({ retainGraph: true })
    })
    x.registerHook(() => {
      if (fails) throw new Error('inside')
    })
    const z = w.sum()
    expect(() => z.backward({ retainGraph: true })).toThrow('inside')
    fails = false
    z.backward()
    expect(x.grad!.tolist()).toEqual([8, 16])
  })
  it('release what they have used', () => {
    const x = torch.ones(1000, 100, { requiresGrad: true })
    let y = x
    for (let i = 0; i < 100; i++) y = y.mul(1.01)
    const { live, pooled } = torch.memory()
    y.sum().backward()
    const after = torch.memory()
    // A hundred gradients went through the memory of a few.
    expect(after.live + after.pooled - live - pooled).toBeLessThan(5 * x.numel() * 4)
  })
})

describe('several views of one call', () => {
  const pieces: [string, string, (t: Tensor) => Tensor[]][] = [
    ['split', 'SplitBackward0', (t) => t.split(2)],
    ['split by sizes', 'SplitWithSizesBackward0', (t) => t.split([1, 3])],
    ['chunk', 'SplitBackward0', (t) => t.chunk(2)],
    ['unbind', 'UnbindBackward0', (t) => t.unbind()],
    ['iteration', 'UnbindBackward0', (t) => [...t]],
  ]
  const many = 'This view is the output of a function that returns multiple views.'
  it.each(pieces)('%s', (_, name, make) => {
    const x = leaf([1, 2, 3, 4])
    const y = x.mul(1)
    const views = make(y)
    expect(views.map((v) => [v.gradFn!.name, v.outputIndex])).toEqual(views.map((_, i) => [name, i]))
    views[1].mul(3).sum().backward()
    expect(x.grad!.tolist()).toEqual(
      make(torch.arange(4)).flatMap(
        (v, i) =>
          torch
            .fullLike(v, i === 1 ? 3 : 0)
            .view(-1)
            .tolist() as number[],
      ),
    )
    expect(() => views[0].add_(1)).toThrow(`Output 0 of ${name} is a view and is being modified inplace. ${many}`)
    torch.noGrad(() => views[0].add_(1))
    expect(() => views[1].gradFn).toThrow(
      `Output 1 of ${name} is a view and its base or another view of its base has been modified inplace. ${many}`,
    )
    const plain = make(torch.ones(4))[0]
    plain.add_(1)
    expect(() => plain.mul_(x.select(0, 0))).toThrow(
      `A view was created in no_grad mode and is being modified inplace with grad mode enabled. ${many}`,
    )
  })
  it('views made in noGrad cannot be written outside', () => {
    const y = leaf([1, 2]).mul(1)
    const v = torch.noGrad(() => y.narrow(0, 0, 1))
    expect(() => v.add_(1)).toThrow(
      /^A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that/,
    )
    torch.noGrad(() => v.add_(1))
    torch.noGrad(() => torch.ones(2).narrow(0, 0, 1)).add_(1)
  })
})

describe('anomaly mode', () => {
  it('names the node and shows the forward call that made the NaN', () => {
    function theForwardCall(x: Tensor): Tensor {
      return x.sqrt().mul(0)
    }
    const deep = (x: Tensor, levels: number): Tensor => (levels === 0 ? theForwardCall(x) : deep(x, levels - 1))
    const run = (): void =>
      autograd.detectAnomaly(() =>
        deep(leaf([-1]), 20)
          .sum()
          .backward(),
      )
    expect(run).toThrow(/^Function 'SqrtBackward0' returned nan values in its 0th output\./)
    expect(run).toThrow(/Traceback of forward call that caused the error:[\s\S]*theForwardCall[\s\S]*deep/)
    expect(autograd.isAnomalyEnabled()).toBe(false)
    autograd.setDetectAnomaly(true)
    try {
      const y = leaf([1, 2]).mul(1)
      const z = y.mul(y)
      y.add_(1)
      expect(() => z.sum().backward()).toThrow(
        /modified by an inplace operation[\s\S]*Error detected in MulBackward0[\s\S]*autograd\.graph\.test/,
      )
    } finally {
      autograd.setDetectAnomaly(false)
    }
    theForwardCall(leaf([-1]))
      .sum()
      .backward()
  })
})

describe('inference mode', () => {
  const made = torch.inferenceMode(() => torch.ones(4))
  it('marks what is made in it', () => {
    const x = leaf([1, 2, 3, 4])
    expect([made.isInference(), x.isInference(), made.view(2, 2).isInference(), made.clone().isInference()]).toEqual([
      true,
      false,
      true,
      false,
    ])
    torch.inferenceMode(() => {
      expect([torch.isGradEnabled(), torch.isInferenceModeEnabled()]).toEqual([false, true])
      expect(x.view(2, 2).isInference()).toBe(false)
      const y = torch.enableGrad(() => x.mul(2))
      expect([y.requiresGrad, y.isInference()]).toEqual([false, true])
      made.add_(0)
    })
    expect([torch.isGradEnabled(), torch.isInferenceModeEnabled()]).toEqual([true, false])
  })
  it('keeps it out of autograd', () => {
    const x = leaf([1, 2, 3, 4])
    expect(() => x.mul(made)).toThrow(/^Inference tensors cannot be saved for backward. To work around you can make a clone/)
    x.add(made).sum().backward()
    expect(() => made.add_(1)).toThrow(/^Inplace update to inference tensor outside InferenceMode is not allowed/)
    expect(() => torch.noGrad(() => made.view(2, 2).add_(1))).toThrow(/^Inplace update to inference tensor/)
    expect(() => made.requiresGrad_()).toThrow(
      'Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.',
    )
    const v = torch.inferenceMode(() => x.view(2, 2))
    expect(() => v.add_(1)).toThrow(
      /^A view was created in inference mode and is being modified inplace in normal mode. Given that/,
    )
  })
})

describe('saved tensors', () => {
  it('are packed and unpacked by hooks', () => {
    const x = leaf([1, 2])
    const packed: unknown[] = []
    const pack = (t: Tensor): Tensor => {
      packed.push(t.tolist())
      return t.mul(2)
    }
    const y = autograd.graph.savedTensorsHooks(
      pack,
      (t) => t,
      () => x.mul(x),
    )
    expect(packed).toEqual([
      [1, 2],
      [1, 2],
    ])
    const [g] = autograd.grad(y.sum(), x, { createGraph: true })
    expect(g!.tolist()).toEqual([4, 8])
    expect(autograd.grad(g!.sum(), x)[0]!.tolist()).toEqual([2, 2])
    const bad = autograd.graph.savedTensorsHooks(
      () => 5,
      (n) => n as unknown as Tensor,
      () => x.mul(x),
    )
    expect(() => bad.sum().backward()).toThrow(
      'Output of saved tensor unpack_hook expected to be a Tensor but got result of type number',
    )
    expect(() =>
      autograd.graph.savedTensorsHooks(
        (t) => t.detach().add_(1),
        (t) => t,
        () => x.mul(1).exp(),
      ),
    ).toThrow(/^A saved tensor pack hook is modifying its input in place/)
    expect(() => autograd.graph.saveOnCpu()).toThrow('not implemented')
  })
  it('are computed again by checkpoint, with the same random numbers', () => {
    const x = torch.randn(4, { requiresGrad: true })
    let calls = 0
    const block = (a: Tensor, scale: number): Tensor => {
      calls++
      return torch.dropout(a.exp().sin(), 0.5, true).mul(scale).mul(a)
    }
    const gradient = (run: () => Tensor): unknown => {
      torch.manualSeed(3)
      return autograd.grad(run().sum(), x)[0]!.tolist()
    }
    const expected = gradient(() => block(x, 2))
    expect(gradient(() => torch.utils.checkpoint(block, x, 2, { useReentrant: false }))).toEqual(expected)
    expect(calls).toBe(3)
    const twice = torch.utils.checkpoint(block, x, 2)
    twice.sum().backward({ retainGraph: true })
    const first = x.grad!.tolist()
    x.grad = null
    twice.sum().backward()
    expect(x.grad!.tolist()).toEqual(first)
    const state = torch.getRngState().tolist()
    torch.utils
      .checkpoint((a: Tensor) => a.exp(), x)
      .sum()
      .backward()
    expect(torch.getRngState().tolist()).toEqual(state)
    expect(() => torch.utils.checkpoint(block, x, 2, { useReentrant: true })).toThrow('not implemented')
  })
  it('must be the same when computed again', () => {
    const x = leaf([1, 2])
    let first = true
    const unsteady = (a: Tensor): Tensor => {
      const y = first ? a.exp() : a.exp().exp()
      first = false
      return y
    }
    expect(() => torch.utils.checkpoint(unsteady, x).sum().backward()).toThrow(
      /A different number of tensors was saved during the original forward and recomputation/,
    )
  })
})

describe('small things', () => {
  it('the graph of an in-place write through a view', () => {
    const names = (t: Tensor): unknown => t.gradFn!.nextFunctions.map(([node, output]) => [node?.name ?? null, output])
    const x = leaf([1, 2, 3])
    const blank = torch.zeros(3)
    blank.narrow(0, 0, 2).mul_(x.narrow(0, 0, 2))
    expect([blank.gradFn!.name, names(blank)]).toEqual([
      'CopySlices',
      [
        [null, 0],
        ['SliceBackward0', 0],
      ],
    ])
    const y = x.mul(1)
    const v = y.view(3, 1)
    y.mul_(2)
    expect([v.gradFn!.name, names(v), names(y)]).toEqual([
      'AsStridedBackward0',
      [['MulBackward0', 0]],
      [
        ['MulBackward0', 0],
        [null, 0],
      ],
    ])
  })
  it('integers take no part', () => {
    expect(leaf([1, 2]).to('int64').requiresGrad).toBe(false)
    const counts = torch.zeros(2, { dtype: 'int64' })
    expect(counts.copy_(leaf([1, 2])).requiresGrad).toBe(false)
    expect(() => leaf([1]).to('int64').sum().backward()).toThrow('element 0 of tensors does not require grad')
  })
  it('isTensor, isLeaf', () => {
    expect([torch.isTensor(torch.ones(1)), torch.isTensor([1])]).toEqual([true, false])
    const x = leaf([1])
    expect([x.isLeaf, x.mul(1).isLeaf, x.detach().isLeaf, torch.ones(1).isLeaf]).toEqual([true, false, true, true])
  })
})
