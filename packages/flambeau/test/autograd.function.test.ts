import { describe, expect, it } from 'vitest'
import * as torch from '../src/index.js'
import { autograd, type Tensor } from '../src/index.js'

type Context = autograd.FunctionContext
const leaf = (data: torch.NestedArray): Tensor => torch.tensor(data, { requiresGrad: true })

class Cube extends autograd.Function {
  static override forward(ctx: Context, x: Tensor): Tensor {
    ctx.saveForBackward(x)
    return x.pow(3)
  }
  static override backward(ctx: Context, g: Tensor): Tensor {
    return g.mul(ctx.savedTensors[0].pow(2)).mul(3)
  }
}

describe('Function', () => {
  it('computes with its own backward, differentiable in turn', () => {
    const x = leaf([1, 2])
    const y = Cube.apply(x)
    expect(y.gradFn!.name).toBe('CubeBackward')
    expect(y.gradFn!.nextFunctions[0][0]!.name).toBe('AccumulateGrad')
    y.sum().backward()
    expect(x.grad!.tolist()).toEqual([3, 12])
    expect(() => y.sum().backward()).toThrow(/Trying to backward through the graph a second time/)
    const z = torch.tensor([1, 2], { dtype: 'float64', requiresGrad: true })
    expect(autograd.gradcheck((t) => Cube.apply(t), [z])).toBe(true)
    expect(autograd.gradgradcheck((t) => Cube.apply(t), [z])).toBe(true)
    expect(torch.noGrad(() => Cube.apply(z)).gradFn).toBeNull()
  })
  it('takes arguments that are no tensors, and knows which gradients are wanted', () => {
    let wanted: readonly boolean[] = []
    class Scale extends autograd.Function {
      static override forward(ctx: Context, x: Tensor, factor: number, y: Tensor): [Tensor, string] {
        ctx.factor = factor
        wanted = ctx.needsInputGrad
        return [x.mul(factor).add(y), 'label']
      }
      static override backward(ctx: Context, g: Tensor): (Tensor | null)[] {
        return [g.mul(ctx.factor), null, null, null]
      }
    }
    const x = leaf([1, 2])
    const [y, label] = Scale.apply(x, 5, torch.ones(2))
    expect([y.tolist(), label, wanted]).toEqual([[6, 11], 'label', [true, false, false]])
    y.sum().backward()
    expect(x.grad!.tolist()).toEqual([5, 5])
  })
  it('rejects what backward must not return', () => {
    const returning = (value: unknown) =>
      class F extends autograd.Function {
        static override forward(_: Context, a: Tensor, b: Tensor | number): Tensor {
          return a.mul(b)
        }
        static override backward(): unknown {
          return value
        }
      }
    const x = leaf([1, 2])
    const run = (value: unknown, b: Tensor | number) => () => returning(value).apply(x, b).sum().backward()
    expect(run(x, x)).toThrow('function FBackward returned an incorrect number of gradients (expected 2, got 1)')
    expect(run([x, x, x], x)).toThrow('function FBackward returned an incorrect number of gradients (expected 2, got 3)')
    expect(run([3, null], x)).toThrow('expected Variable or None (got number)')
    expect(run([x, x], 3)).toThrow(
      'function FBackward returned a gradient different from None at position 2, but the corresponding forward input was not a Variable',
    )
    expect(run([torch.ones(3), null], 3)).toThrow(
      'Function FBackward returned an invalid gradient at index 0 - got [3] but expected shape compatible with [2]',
    )
    class Nothing extends autograd.Function {}
    expect(() => Nothing.apply(x)).toThrow('You must implement the forward function for custom autograd.Function.')
    class Half extends autograd.Function {
      static override forward(_: Context, a: Tensor): Tensor {
        return a.mul(1)
      }
    }
    expect(() => Half.apply(x).sum().backward()).toThrow(/You must implement either the backward or vjp method/)
    class Bad extends autograd.Function {
      static override forward(ctx: Context, a: Tensor): Tensor {
        ctx.saveForBackward(3 as unknown as Tensor)
        return a
      }
    }
    expect(() => Bad.apply(x)).toThrow('save_for_backward can only save variables, but argument 0 is of type number')
  })
  it('notices that what it saved was changed', () => {
    const x = leaf([1, 2]).mul(1)
    const y = Cube.apply(x)
    x.add_(1)
    expect(() => y.sum().backward()).toThrow(/\[torch\.FloatTensor \[2\]\].* is at version 1; expected version 0 instead/)
  })
  it('marks inputs that it wrote in place', () => {
    class AddOne extends autograd.Function {
      static override forward(ctx: Context, x: Tensor): Tensor {
        ctx.markDirty(x)
        return x.add_(1)
      }
      static override backward(_: Context, g: Tensor): Tensor {
        return g.mul(7)
      }
    }
    const x = leaf([1, 2, 3])
    expect(() => AddOne.apply(x)).toThrow('a leaf Variable that requires grad has been used in an in-place operation.')
    const y = leaf([1, 2, 3])
    const z = y.mul(1)
    expect(AddOne.apply(z)).toBe(z)
    expect([z.gradFn!.name, z.tolist()]).toEqual(['AddOneBackward', [2, 3, 4]])
    AddOne.apply(z.narrow(0, 0, 2))
    expect([z.gradFn!.name, z.tolist()]).toEqual(['CopySlices', [3, 4, 4]])
    z.sum().backward()
    expect(y.grad!.tolist()).toEqual([49, 49, 7])
    class Lost extends AddOne {
      static override forward(ctx: Context, x: Tensor): Tensor {
        return AddOne.forward(ctx, x).mul(2)
      }
    }
    expect(() => Lost.apply(leaf([1]).mul(1))).toThrow(
      /Some elements marked as dirty during the forward method were not returned/,
    )
  })
  it('does not differentiate what is marked, and fills in zeros unless told otherwise', () => {
    let seen: unknown[] = []
    const pair = (materialize: boolean) =>
      class Pair extends autograd.Function {
        static override forward(ctx: Context, x: Tensor): [Tensor, Tensor, Tensor] {
          const [a, b, c] = [x.mul(2), x.mul(3), x.sign()]
          ctx.markNonDifferentiable(c)
          ctx.setMaterializeGrads(materialize)
          return [a, b, c]
        }
        static override backward(_: Context, ...gradients: (Tensor | null)[]): Tensor {
          seen = gradients.map((g) => g?.tolist() ?? null)
          return gradients[0]!.mul(2)
        }
      }
    const x = leaf([1, -2])
    for (const materialize of [true, false]) {
      const [a, b, c] = pair(materialize).apply(x)
      expect([a.requiresGrad, b.requiresGrad, c.requiresGrad, b.outputIndex]).toEqual([true, true, false, 1])
      a.sum().backward()
      expect(seen).toEqual([
        [1, 1],
        ...(materialize
          ? [
              [0, 0],
              [0, 0],
            ]
          : [null, null]),
      ])
    }
  })
  it('returns its input as a view of it', () => {
    class Identity extends autograd.Function {
      static override forward(_: Context, x: Tensor): Tensor {
        return x
      }
      static override backward(_: Context, g: Tensor): Tensor {
        return g.mul(10)
      }
    }
    const x = leaf([1, 2])
    const y = Identity.apply(x)
    expect(y === x).toBe(false)
    expect(torch.noGrad(() => Identity.apply(x)).requiresGrad).toBe(false)
    y.sum().backward()
    expect(x.grad!.tolist()).toEqual([10, 10])
    expect(() => Identity.apply(x.mul(1)).add_(1)).toThrow(
      /Output 0 of IdentityBackward is a view and is being modified inplace. This view was created inside a custom Function/,
    )
    class Halves extends autograd.Function {
      static override forward(_: Context, x: Tensor): Tensor[] {
        return [x.narrow(0, 0, 1), x.narrow(0, 1, 1)]
      }
      static override backward(_: Context, a: Tensor, b: Tensor): Tensor {
        return torch.cat([a, b])
      }
    }
    expect(() => Halves.apply(x.mul(1))[0].add_(1)).toThrow(
      /Output 0 of HalvesBackward is a view and is being modified inplace. This view is the output of a function that returns multiple/,
    )
  })
  it('leaves gradients alone that backward has kept', () => {
    const kept: Tensor[] = []
    class Keep extends autograd.Function {
      static override forward(_: Context, x: Tensor): Tensor {
        return x.mul(2)
      }
      static override backward(_: Context, g: Tensor): Tensor {
        kept.push(g, g.mul(2))
        return kept[kept.length - 1]
      }
    }
    const x = leaf([1, 2])
    Keep.apply(Keep.apply(x.mul(3)).mul(5))
      .sum()
      .backward()
    expect(kept.map((t) => t.tolist())).toEqual([
      [1, 1],
      [2, 2],
      [10, 10],
      [20, 20],
    ])
    expect(x.grad!.tolist()).toEqual([60, 60])
    x.grad!.zero_()
    expect(kept[3].tolist()).toEqual([20, 20])
  })
  it('onceDifferentiable forbids a second derivative', () => {
    class Square extends autograd.Function {
      static override forward(ctx: Context, x: Tensor): Tensor {
        ctx.saveForBackward(x)
        return x.mul(x)
      }
      static override backward = autograd.onceDifferentiable((ctx, g: Tensor) => g.mul(ctx.savedTensors[0]).mul(2))
    }
    const x = leaf([1, 2])
    const [plain] = autograd.grad(Square.apply(x).sum(), x, { createGraph: true })
    expect([plain!.tolist(), plain!.requiresGrad]).toEqual([[2, 4], false])
    const [g] = autograd.grad(Square.apply(x), x, { gradOutputs: leaf([1, 1]), createGraph: true })
    expect(g!.gradFn!.name).toBe('Error')
    expect(() => g!.sum().backward()).toThrow(
      'trying to differentiate twice a function that was marked with @once_differentiable',
    )
  })
  it('may run backward inside backward over the same graph', () => {
    class Inner extends autograd.Function {
      static override forward(ctx: Context, x: Tensor): Tensor {
        ctx.saveForBackward(x)
        return x.exp()
      }
      static override backward(ctx: Context, g: Tensor): Tensor {
        const [x] = ctx.savedTensors
        const [d] = torch.enableGrad(() => autograd.grad(x.exp().sum(), w))
        return g.mul(d!)
      }
    }
    const w = leaf([0, 0])
    Inner.apply(w.mul(1)).sum().add(w.sum()).backward()
    expect(w.grad!.tolist()).toEqual([2, 2])
  })
})
