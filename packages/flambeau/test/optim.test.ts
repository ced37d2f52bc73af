import { describe, expect, test } from 'vitest'
import * as torch from '../src/index.js'
import { nn, optim, type Tensor } from '../src/index.js'
import { decodeTensor, type Json, keywords, readCases } from './support/python.js'

const names = ['SGD', 'Adam', 'AdamW', 'Adamax', 'NAdam', 'RAdam', 'Adagrad', 'Adadelta', 'RMSprop', 'Rprop', 'ASGD'] as const

function expectClose(got: Tensor, want: Tensor, [rtol, atol]: readonly [number, number], what: string): void {
  expect([got.shape, got.dtype], what).toEqual([want.shape, want.dtype])
  const [a, b] = [got.toTypedArray(), want.toTypedArray()]
  for (let i = 0; i < a.length; i++)
    expect(Math.abs(Number(a[i]) - Number(b[i])), what).toBeLessThanOrEqual(atol + rtol * Math.abs(Number(b[i])))
}

/** Runs recorded steps `from` to `to`. */
function run(c: Json, params: Tensor[], optimizer: optim.Optimizer<object>, from: number, to: number): void {
  for (let s = from; s < to; s++) {
    params.forEach((p, i) => {
      p.grad = c.out.grads[s][i] === null ? null : decodeTensor(c.out.grads[s][i])
    })
    optimizer.step()
    params.forEach((p, i) => {
      expectClose(p, decodeTensor(c.out.params[s][i]), c.tol, `step ${s}`)
    })
  }
}

const build = (c: Json): { params: Tensor[]; optimizer: optim.Optimizer<object> } => {
  const params: Tensor[] = c.out.init.map((spec: Json) => new nn.Parameter(decodeTensor(spec)))
  const cls = optim[c.opt as (typeof names)[number]]
  const groups = c.groups ? [{ params: [params[0]] }, { params: [params[1]], ...keywords(c.groups) }] : params
  return { params, optimizer: new cls(groups, keywords(c.kwargs)) }
}

// That every step is PyTorch's is shown by the conformance suite.
describe.each(names)('%s', (name) => {
  const cases = readCases(`optim/${name}`)
  test('goes on from a saved state', () => {
    for (const c of cases) {
      const first = build(c)
      run(c, first.params, first.optimizer, 0, 4)
      const second = build(c)
      second.params.forEach((p, i) => {
        torch.noGrad(() => p.copy_(first.params[i]))
      })
      second.optimizer.loadStateDict(first.optimizer.stateDict())
      run(c, second.params, second.optimizer, 4, c.steps)
    }
  })
})

describe('Optimizer', () => {
  const weight = (): nn.Parameter => new nn.Parameter(torch.ones(2))

  test('groups have settings of their own', () => {
    const [a, b] = [weight(), weight()]
    const optimizer = new optim.SGD([{ params: [a] }, { params: b, lr: 1 }], { lr: 0.5, weightDecay: 0 })
    expect(optimizer.paramGroups.map((g) => g.lr)).toEqual([0.5, 1])
    a.grad = torch.ones(2)
    b.grad = torch.ones(2)
    optimizer.paramGroups[0].lr = 0.25
    optimizer.step()
    expect([a.tolist(), b.tolist()]).toEqual([
      [0.75, 0.75],
      [0, 0],
    ])
    optimizer.addParamGroup({ params: [weight()], lr: 2 })
    expect(optimizer.stateDict().param_groups.map((g) => g.params)).toEqual([[0], [1], [2]])
    optimizer.zeroGrad()
    expect(a.grad).toBe(null)
  })

  test('a step counts as a write', () => {
    const w = weight()
    const loss = w.mul(w).sum()
    w.grad = torch.ones(2)
    new optim.SGD([w], { lr: 0.1 }).step()
    expect(() => loss.backward()).toThrow('modified by an inplace operation')
  })

  test('step(closure) computes the loss with recording on', () => {
    const w = weight()
    const optimizer = new optim.Adam([w])
    const loss = optimizer.step(() => {
      const value = w.mul(w).sum()
      value.backward()
      return value
    })
    expect(loss.item()).toBe(2)
    expect(w.tolist()[0]).toBeCloseTo(0.999, 6)
  })

  test('settings by position', () => {
    const w = weight()
    expect(new optim.SGD([w], 0.1, 0.9).paramGroups[0]).toMatchObject({ lr: 0.1, momentum: 0.9, dampening: 0 })
    expect(new optim.Adam([w], 0.1, { eps: 1e-3 }).defaults).toMatchObject({ lr: 0.1, eps: 1e-3 })
  })

  test('L-BFGS goes on from a saved state', () => {
    const run = (w: nn.Parameter, optimizer: optim.LBFGS, steps: number): void => {
      for (let s = 0; s < steps; s++)
        optimizer.step(() => {
          optimizer.zeroGrad()
          const loss = w
            .sub(torch.tensor([1, 2]))
            .pow(4)
            .sum()
          loss.backward()
          return loss
        })
    }
    const options = { lr: 0.3, maxIter: 2 }
    const [a, b] = [weight(), weight()]
    const [whole, first] = [new optim.LBFGS([a], options), new optim.LBFGS([b], options)]
    run(a, whole, 4)
    run(b, first, 2)
    const rest = new optim.LBFGS([b], options)
    rest.loadStateDict(first.stateDict())
    run(b, rest, 2)
    expect(b.tolist()).toEqual(a.tolist())
    expect(whole.stateDict().state.get(0)!.n_iter).toBe(4)
  })

  test('errors', () => {
    const w = weight()
    expect(() => new optim.SGD([])).toThrow('optimizer got an empty parameter list')
    expect(() => new optim.SGD([w], { lr: -1 })).toThrow('Invalid learning rate: -1')
    expect(() => new optim.SGD([w], { nesterov: true })).toThrow('Nesterov momentum requires a momentum and zero dampening')
    expect(() => new optim.Adam([w], { betas: [1, 0.9] })).toThrow('Invalid beta parameter at index 0: 1')
    expect(() => new optim.SGD([w.mul(2)])).toThrow("can't optimize a non-leaf Tensor")
    expect(() => new optim.SGD([{ params: [w] }, { params: [w] }])).toThrow(
      'some parameters appear in more than one parameter group',
    )
    expect(() => new optim.SGD([w, w])).toThrow('parameter group with duplicate parameters')
    expect(() => new optim.SGD(w as never)).toThrow('should be an iterable of Tensors or dicts, but got torch.Tensor')
    expect(() => new optim.SGD([3 as never])).toThrow('optimizer can only optimize Tensors, but one of the params is number')
    expect(() => new optim.Rprop([w], { etas: [1.5, 2] })).toThrow('Invalid eta values: 1.5, 2')
    expect(() => new optim.Adadelta([w], { rho: 2 })).toThrow('Invalid rho value: 2')
    expect(() => new optim.RMSprop([w], { alpha: -1 })).toThrow('Invalid alpha value: -1')
    expect(() => new optim.Adam([w], { foreach: true } as never)).toThrow("unexpected keyword argument 'foreach'")
    expect(() => new optim.LBFGS([{ params: w }, { params: weight() }])).toThrow("doesn't support per-parameter options")
    const sparse = new optim.SparseAdam([w])
    w.grad = torch.ones(2)
    expect(() => sparse.step()).toThrow('SparseAdam does not support dense gradients, please consider Adam instead')
    const optimizer = new optim.SGD([w])
    expect(() => optimizer.loadStateDict({ state: {}, param_groups: [] })).toThrow('different number of parameter groups')
  })
})
