import { inspect } from 'node:util'
import { describe, expect, expectTypeOf, test } from 'vitest'
import * as torch from '../src/index.js'
import { nn, type Tensor } from '../src/index.js'
import { construct, decode, decodeTensor, isKnown, keywords, readCases } from './support/python.js'

class Net extends nn.Module {
  readonly hidden = new nn.Linear(4, 3)
  readonly scale = new nn.Parameter(torch.ones(1))
  readonly out: nn.Sequential = new nn.Sequential(new nn.ReLU(), new nn.Linear(3, 2, { bias: false }))
  constructor() {
    super()
    this.registerBuffer('count', torch.zeros(2))
    this.registerBuffer('scratch', torch.zeros(1), { persistent: false })
  }
  override forward(x: Tensor, gain = 1): Tensor {
    return this.out(this.hidden(x)).mul(this.scale).mul(gain)
  }
}

describe('Module', () => {
  test('is callable with the types of its forward', () => {
    const net = new Net()
    expect(net(torch.ones(5, 4)).shape).toEqual([5, 2])
    expect(net(torch.ones(5, 4), 2).tolist()).toEqual(net(torch.ones(5, 4)).mul(2).tolist())
    expectTypeOf<Parameters<typeof net>>().toEqualTypeOf<[x: Tensor, gain?: number]>()
    expectTypeOf(net(torch.ones(1, 4))).toEqualTypeOf<Tensor>()
    expect(net).toBeInstanceOf(nn.Module)
    expect(() => new nn.Module()()).toThrow('Module [Module] is missing the required "forward" function')
  })

  test('finds parameters, own ones first, then those of children', () => {
    const net = new Net()
    const names = ['scale', 'hidden.weight', 'hidden.bias', 'out.1.weight']
    expect(net.namedParameters().map(([name]) => name)).toEqual(names)
    expect(net.namedParameters({ recurse: false }).map(([name]) => name)).toEqual(['scale'])
    expect(net.namedBuffers().map(([name]) => name)).toEqual(['count', 'scratch'])
    expect(net.namedModules().map(([name]) => name)).toEqual(['', 'hidden', 'out', 'out.0', 'out.1'])
    expect(net.namedChildren().map(([name]) => name)).toEqual(['hidden', 'out'])
    expect(Object.keys(net.stateDict())).toEqual([...names.slice(0, 1), 'count', ...names.slice(1)])
    expect(Object.getPrototypeOf(net.stateDict())).toBe(null)
    expect(net.getParameter('out.1.weight').shape).toEqual([2, 3])
    expect(net.getBuffer('count').shape).toEqual([2])
    expect(() => net.getParameter('out.7.weight')).toThrow('Sequential has no attribute `7`')
    expect(() => net.getSubmodule('scale')).toThrow('`scale` is not an nn.Module')
  })

  test('counts what is shared once', () => {
    const shared = new nn.Linear(2, 2)
    const net = new nn.Sequential(shared, new nn.ReLU(), shared)
    expect(net.length).toBe(3)
    expect(net.parameters()).toHaveLength(2)
    expect(net.namedParameters({ removeDuplicate: false }).map(([name]) => name)).toEqual([
      '0.weight',
      '0.bias',
      '2.weight',
      '2.bias',
    ])
    expect(Object.keys(net.stateDict())).toEqual(['0.weight', '0.bias', '2.weight', '2.bias'])
  })

  test('registers under checked names', () => {
    const net = new nn.Module()
    net.registerParameter('w', null)
    net.registerParameter('w', new nn.Parameter(torch.ones(2)))
    expect(net.parameters()).toHaveLength(1)
    expect(() => net.registerParameter('a.b', null)).toThrow('parameter name can\'t contain "."')
    expect(() => net.registerBuffer('forward', torch.ones(1))).toThrow("attribute 'forward' already exists")
    expect(() => net.registerModule('', new nn.ReLU())).toThrow('module name can\'t be empty string ""')
  })

  test('train, eval, apply, requiresGrad_, zeroGrad', () => {
    const net = new Net()
    net.eval()
    expect(net.modules().every((m) => !m.training)).toBe(true)
    net.train()
    expect(net.out.at(0).training).toBe(true)
    const order: string[] = []
    net.apply((m) => order.push(m.getName()))
    expect(order).toEqual(['Linear', 'ReLU', 'Linear', 'Sequential', 'Net'])
    net(torch.ones(1, 4)).sum().backward()
    expect(net.parameters().every((p) => p.grad !== null)).toBe(true)
    net.zeroGrad({ setToNone: false })
    expect(net.hidden.weight.grad!.tolist()).toEqual(torch.zeros(3, 4).tolist())
    net.zeroGrad()
    expect(net.parameters().every((p) => p.grad === null)).toBe(true)
    net.requiresGrad_(false)
    expect(net(torch.ones(1, 4)).requiresGrad).toBe(false)
  })

  test('casts in place', () => {
    const net = new Net()
    const { weight } = net.hidden
    net(torch.ones(1, 4)).sum().backward()
    net.double()
    expect(net.hidden.weight).toBe(weight)
    expect([weight.dtype, weight.grad!.dtype, net.getBuffer('count').dtype]).toEqual(['float64', 'float64', 'float64'])
    net(torch.ones(1, 4, { dtype: 'float64' }))
      .sum()
      .backward()
    expect(weight.grad!.dtype).toBe('float64')
    expect(() => net.to('int64')).toThrow('nn.Module.to only accepts floating point or complex dtypes')
  })

  test('hooks', () => {
    const layer = new nn.Identity()
    const seen: unknown[] = []
    const before = layer.registerForwardPreHook((_, [x]) => (x as Tensor).add(1))
    const after = layer.registerForwardHook((module, args, output) => {
      seen.push(module, args.length)
      return (output as Tensor).mul(2)
    })
    expect(layer(torch.ones(1)).tolist()).toEqual([4])
    expect(seen).toEqual([layer, 1])
    before.remove()
    after.remove()
    expect(layer(torch.ones(1)).tolist()).toEqual([1])
  })
})

describe('state dict', () => {
  test('round trip', () => {
    const [a, b] = [new Net(), new Net()]
    expect(b.loadStateDict(a.stateDict())).toEqual({ missingKeys: [], unexpectedKeys: [] })
    const x = torch.randn(3, 4)
    expect(b(x).tolist()).toEqual(a(x).tolist())
    expect(a.stateDict()['hidden.weight'].requiresGrad).toBe(false)
  })

  test('all problems in one error, and nothing written', () => {
    const net = new Net()
    const before = net.scale.tolist()
    const state: nn.StateDict = {
      ...new Net().stateDict(),
      scale: torch.zeros(1),
      'hidden.weight': torch.zeros(2, 2),
      extra: torch.zeros(1),
    }
    delete state['hidden.bias']
    expect(() => net.loadStateDict(state)).toThrow(
      new Error(
        'Error(s) in loading state_dict for Net:\n' +
          '\tMissing key(s) in state_dict: "hidden.bias". \n' +
          '\tUnexpected key(s) in state_dict: "extra". \n' +
          '\tsize mismatch for hidden.weight: copying a param with shape torch.Size([2, 2]) from checkpoint, the shape in current model is torch.Size([3, 4]).',
      ),
    )
    expect(net.scale.tolist()).toEqual(before)
    state['hidden.weight'] = torch.zeros(3, 4)
    expect(net.loadStateDict(state, { strict: false })).toEqual({ missingKeys: ['hidden.bias'], unexpectedKeys: ['extra'] })
    expect(net.scale.tolist()).toEqual([0])
  })
})

describe('containers', () => {
  test('Sequential', () => {
    const [a, b, c] = [new nn.Linear(1, 2), new nn.ReLU(), new nn.Tanh()]
    expect([...new nn.Sequential(a, b)]).toEqual([a, b])
    const named = new nn.Sequential({ fc: a, act: b })
    expect(named.namedChildren().map(([name]) => name)).toEqual(['fc', 'act'])
    expect(new nn.Sequential(['fc', a], ['act', b]).namedChildren()).toEqual(named.namedChildren())
    expect(new nn.Sequential([['fc', a]]).at(-1)).toBe(a)
    const list = new nn.Sequential(a).append(c).insert(1, b)
    expect([...list]).toEqual([a, b, c])
    expect(() => list.at(3)).toThrow('index 3 is out of range')
  })
  test('ModuleDict', () => {
    const dict = new nn.ModuleDict({ a: new nn.ReLU(), b: new nn.Tanh() })
    expect([dict.size, dict.has('a'), dict.has('forward'), dict.keys()]).toEqual([2, true, false, ['a', 'b']])
    expect(dict.delete('a')).toBe(true)
    expect(() => dict.get('a')).toThrow("no module 'a'")
    expect(() => dict.set('forward', new nn.ReLU())).toThrow("attribute 'forward' already exists")
  })
})

describe('as PyTorch', () => {
  const printed = readCases('printing/module').filter((c) => isKnown(c.module))
  test.each(printed)('prints $id $repr', (c) => {
    const module = construct(c.module)
    expect(String(module)).toBe(c.repr)
    expect(inspect(module)).toBe(c.repr)
  })
  test('prints a parameter', () => {
    expect(inspect(new nn.Parameter(torch.ones(2)))).toBe('Parameter containing:\ntensor([1., 1.], requires_grad=True)')
  })

  const inits = ['kaiming_normal_', 'kaiming_uniform_', 'normal_', 'uniform_', 'xavier_normal_', 'xavier_uniform_']
  test.each(inits)('nn.init.%s', (name) => {
    const fn = nn.init[name.replace(/_([a-z])/, (_, c: string) => c.toUpperCase()) as keyof typeof nn.init] as (
      ...args: unknown[]
    ) => Tensor
    for (const c of readCases(`rng/init.${name}`)) {
      torch.manualSeed(c.seed)
      c.steps.forEach((step: { args: unknown[]; kwargs: object }, i: number) => {
        const named = keywords(step.kwargs)
        // uniform_ and normal_ take their bounds in order; the others have options.
        const [tensor, ...rest] = step.args.map(decode)
        const args = /^(uniform|normal)_/.test(name) ? [...rest, ...Object.values(named)] : [named]
        expect(fn(tensor, ...args).tolist(), c.id).toEqual(decodeTensor(c.out[i]).tolist())
      })
    }
  })
})

describe('losses', () => {
  const x = torch.tensor(
    [
      [0.5, -2],
      [100, -100],
    ],
    { dtype: 'float64' },
  )
  const y = torch.tensor(
    [
      [1, 0.25],
      [1, 1],
    ],
    { dtype: 'float64' },
  )
  test('values', () => {
    expect(nn.functional.mseLoss(x, y).item()).toBeCloseTo((0.25 + 5.0625 + 99 ** 2 + 101 ** 2) / 4, 10)
    expect(nn.functional.l1Loss(x, y, { reduction: 'sum' }).item()).toBeCloseTo(0.5 + 2.25 + 99 + 101, 10)
    const bce = nn.functional.binaryCrossEntropyWithLogits(x, y, { reduction: 'none' }).tolist()
    expect(bce[0][0]).toBeCloseTo(Math.log1p(Math.exp(-0.5)), 12)
    expect(bce[0][1]).toBeCloseTo(0.25 * Math.log1p(Math.exp(2)) + 0.75 * Math.log1p(Math.exp(-2)), 12)
    expect(bce[1]).toEqual([expect.closeTo(0, 12), 100])
    expect(() => new nn.BCEWithLogitsLoss()(x, torch.ones(1))).toThrow(
      'Target size (torch.Size([1])) must be the same as input size (torch.Size([2, 2]))',
    )
  })
  test('gradients', () => {
    const leaf = (t: Tensor): Tensor => t.slice(0, 0, 1).clone().requiresGrad_()
    const gain = torch.tensor([2, 0.5], { dtype: 'float64', requiresGrad: true })
    for (const loss of [nn.functional.mseLoss, nn.functional.l1Loss]) {
      expect(torch.autograd.gradcheck((a, b) => loss(a, b), [leaf(x), leaf(y)])).toBe(true)
    }
    const bce = (a: Tensor, b: Tensor, p: Tensor): Tensor => nn.functional.binaryCrossEntropyWithLogits(a, b, { posWeight: p })
    expect(torch.autograd.gradcheck(bce, [leaf(x), leaf(y), gain])).toBe(true)
  })
})
