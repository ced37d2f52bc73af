import { describe, expect, test } from 'vitest'
import * as torch from '../src/index.js'
import { nn, optim, type Tensor } from '../src/index.js'
import { decode, decodeTensor, type Json, keywords, readCases } from './support/python.js'

type AnyOptimizer = optim.SGD | optim.Adam | optim.AdamW

function expectClose(got: Tensor, want: Tensor, [rtol, atol]: readonly [number, number], what: string): void {
  expect([got.shape, got.dtype], what).toEqual([want.shape, want.dtype])
  const [a, b] = [got.toTypedArray(), want.toTypedArray()]
  for (let i = 0; i < a.length; i++)
    expect(Math.abs(Number(a[i]) - Number(b[i])), what).toBeLessThanOrEqual(atol + rtol * Math.abs(Number(b[i])))
}

/** Runs recorded steps `from` to `to`. */
function run(c: Json, params: Tensor[], optimizer: AnyOptimizer, from: number, to: number): void {
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

const build = (c: Json): { params: Tensor[]; optimizer: AnyOptimizer } => {
  const params: Tensor[] = c.out.init.map((spec: Json) => new nn.Parameter(decodeTensor(spec)))
  const cls = optim[c.opt as 'SGD' | 'Adam' | 'AdamW']
  const groups = c.groups ? [{ params: [params[0]] }, { params: [params[1]], ...keywords(c.groups) }] : params
  return { params, optimizer: new cls(groups, keywords(c.kwargs)) }
}

describe.each(['SGD', 'Adam', 'AdamW'])('%s', (name) => {
  const cases = readCases(`optim/${name}`)
  test.each(cases)('$id', (c) => {
    const { params, optimizer } = build(c)
    run(c, params, optimizer, 0, c.steps)
    const { state, param_groups: groups } = optimizer.stateDict()
    const want = c.out.state_dict.v
    for (const [index, kept] of want.state.v as [number, Json][])
      for (const [key, value] of Object.entries<Json>(kept.v)) {
        const got = state.get(index)![key]
        if (value === null) expect(got).toBe(null)
        else expectClose(got as Tensor, decodeTensor(value), c.tol, key)
      }
    want.param_groups.forEach((group: Json, i: number) => {
      const known = Object.entries<Json>(group.v).filter(
        ([key]) => !['foreach', 'capturable', 'differentiable', 'fused'].includes(key),
      )
      expect({ ...groups[i] }).toEqual(Object.fromEntries(known.map(([key, value]) => [key, decode(value)])))
    })
  })

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
    const optimizer = new optim.SGD([w])
    expect(() => optimizer.loadStateDict({ state: {}, param_groups: [] })).toThrow('different number of parameter groups')
  })
})
