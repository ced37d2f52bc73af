/** Modules: hooks, state dicts, containers, and the types of calls. */

import { describe, expect, expectTypeOf, test } from 'vitest'
import * as torch from '../src/index.js'
import { nn, type Tensor } from '../src/index.js'

const ones = (...shape: number[]): Tensor => torch.ones(shape, { requiresGrad: true })

describe('forward hooks', () => {
  class Scaled extends nn.Module {
    override forward(x: Tensor, options: { by?: number } = {}): Tensor {
      if (options.by === 0) throw new Error('by nothing')
      return x.mul(options.by ?? 1)
    }
  }
  test('in order, and in front where asked', () => {
    const module = new Scaled()
    const order: string[] = []
    module.registerForwardPreHook(() => void order.push('pre 1'))
    module.registerForwardPreHook(() => void order.push('pre 2'), { prepend: true })
    const handle = module.registerForwardHook(() => void order.push('post 1'))
    module.registerForwardHook(() => void order.push('post 2'), { prepend: true })
    module(ones(1))
    expect(order).toEqual(['pre 2', 'pre 1', 'post 2', 'post 1'])
    handle.remove()
    handle.remove()
    order.length = 0
    module(ones(1))
    expect(order).toEqual(['pre 2', 'pre 1', 'post 2'])
  })

  test('a hook may remove itself while hooks run', () => {
    const module = new Scaled()
    let calls = 0
    const handle = module.registerForwardHook(() => {
      calls++
      handle.remove()
    })
    module.registerForwardHook(() => void calls++)
    module(ones(1))
    module(ones(1))
    expect(calls).toBe(3)
  })

  test('the options of a call apart', () => {
    const module = new Scaled()
    const seen: unknown[] = []
    module.registerForwardPreHook((_, args, kwargs) => [args, { by: (kwargs.by as number) + 1 }], { withKwargs: true })
    module.registerForwardHook((_, args, kwargs, output) => void seen.push(args.length, kwargs, (output as Tensor).item()), {
      withKwargs: true,
    })
    expect(module(torch.ones(1), { by: 2 }).item()).toBe(3)
    expect(seen).toEqual([1, { by: 3 }, 3])
  })

  test('also where forward throws, if asked to', () => {
    const module = new Scaled()
    const outputs: unknown[] = []
    module.registerForwardHook((_, __, output) => void outputs.push(output), { alwaysCall: true })
    module.registerForwardHook(() => void outputs.push('not this one'))
    expect(() => module(torch.ones(1), { by: 0 })).toThrow('by nothing')
    expect(outputs).toEqual([undefined])
  })
})

describe('backward hooks', () => {
  test('see and replace gradients', () => {
    const layer = new nn.Linear(2, 1, { bias: false })
    torch.noGrad(() => layer.weight.fill_(2))
    const seen: unknown[] = []
    layer.registerFullBackwardPreHook((_, [g]) => [g!.mul(10)])
    const handle = layer.registerFullBackwardHook((module, gradInput, gradOutput) => {
      seen.push(
        module,
        gradInput.map((g) => g!.tolist()),
        gradOutput.map((g) => g!.tolist()),
      )
      return [gradInput[0]!.add(1)]
    })
    const x = ones(1, 2)
    layer(x).sum().backward()
    expect(seen).toEqual([layer, [[[20, 20]]], [[[10]]]])
    expect(x.grad!.tolist()).toEqual([[21, 21]])
    expect(layer.weight.grad!.tolist()).toEqual([[10, 10]])
    handle.remove()
    x.grad = null
    layer(x).sum().backward()
    expect(x.grad!.tolist()).toEqual([[20, 20]])
  })

  test('of inputs that need none', () => {
    const layer = new nn.Linear(2, 1)
    const seen: unknown[] = []
    layer.registerFullBackwardHook((_, gradInput, gradOutput) => void seen.push(gradInput, gradOutput.length))
    layer(torch.ones(1, 2)).sum().backward()
    expect(seen).toEqual([[null], 1])
    torch.noGrad(() => layer(torch.ones(1, 2)))
    expect(seen).toHaveLength(2)
  })

  test('of several inputs and outputs', () => {
    class Both extends nn.Module {
      override forward(x: Tensor, n: number, y: Tensor): [Tensor, string, Tensor] {
        return [x.mul(n), 'between', y.mul(3)]
      }
    }
    const module = new Both()
    const seen: unknown[] = []
    module.registerFullBackwardHook((_, gradInput, gradOutput) => {
      seen.push(
        gradInput.map((g) => g?.tolist() ?? null),
        gradOutput.map((g) => g?.tolist() ?? null),
      )
    })
    const [x, y] = [ones(1), torch.ones(1)]
    const [a, name, b] = module(x, 2, y)
    expect([name, b.requiresGrad]).toEqual(['between', false])
    a.sum().backward()
    expect(seen).toEqual([
      [[2], null, null],
      [[1], null, null],
    ])
  })

  test('a gradient that passes by the output is an error', () => {
    const module = new nn.Identity()
    let inside: Tensor | undefined
    module.registerFullBackwardHook(() => null)
    module.registerForwardHook((_, [x]) => {
      inside = x as Tensor
    })
    module(ones(1))
    expect(() => inside!.sum().backward()).toThrow('Module backward hook for grad_input is called before the grad_output one.')
  })

  test('complain of gradients that do not fit', () => {
    const layer = new nn.Linear(2, 1)
    layer.registerFullBackwardHook((_, [g]) => [g, g])
    expect(() => layer(ones(1, 2)).sum().backward()).toThrow(
      'Backward hook returned an invalid number of grad_input, got 2, but expected 1',
    )
    const other = new nn.Identity()
    other.registerFullBackwardHook(() => null)
    expect(() => (other as nn.Module)('text')).toThrow(
      'module output should be a Tensor or a tuple of Tensors but received string',
    )
  })
})

describe('state dicts', () => {
  test('hooks around writing and reading', () => {
    const net = new nn.Sequential(new nn.Linear(1, 1, { bias: false }))
    const order: string[] = []
    net.registerStateDictPreHook((_, prefix, keepVars) => void order.push(`pre '${prefix}' ${keepVars}`))
    net.at(0).registerStateDictPostHook((_, state, prefix) => {
      order.push(`post '${prefix}'`)
      state[`${prefix}extra`] = torch.ones(1)
      return undefined
    })
    const state = net.stateDict()
    expect(order).toEqual(["pre '' false", "post '0.'"])
    expect(Object.keys(state)).toEqual(['0.weight', '0.extra'])
    net.at(0).registerLoadStateDictPreHook((_, given, prefix, { strict }) => {
      order.push(`load '${prefix}' ${strict}`)
      delete given[`${prefix}extra`]
    })
    net.registerLoadStateDictPostHook(
      (module, { missingKeys }) => void order.push(`loaded ${module === net} ${missingKeys.length}`),
    )
    expect(net.loadStateDict(state)).toEqual({ missingKeys: [], unexpectedKeys: [] })
    expect(order.slice(2)).toEqual(["load '0.' true", 'loaded true 0'])
    expect(Object.keys(state)).toEqual(['0.weight', '0.extra'])
  })

  test('a hook that runs after loading may forgive', () => {
    const layer = new nn.Linear(1, 1)
    layer.registerLoadStateDictPostHook((_, keys) => {
      keys.missingKeys.length = 0
    })
    layer.loadStateDict({ weight: torch.full([1, 1], 7) })
    expect(layer.weight.item()).toBe(7)
  })

  test('assigning', () => {
    const layer = new nn.Linear(2, 1)
    layer.weight.requiresGrad = false
    const given = { weight: torch.ones(1, 2, { dtype: 'float64' }), bias: torch.zeros(1, { dtype: 'float64' }) }
    layer.loadStateDict(given, { assign: true })
    expect([layer.weight.dtype, layer.weight.requiresGrad, layer.bias!.requiresGrad]).toEqual(['float64', false, true])
    given.weight.fill_(3)
    expect(layer.weight.tolist()).toEqual([[3, 3]])
    expect(layer.parameters().indexOf(layer.weight)).toBe(0)
    expect(() => layer.loadStateDict({ weight: torch.ones(2) }, { assign: true, strict: false })).toThrow(
      'size mismatch for weight',
    )
  })

  test('names keep the order in which they were added', () => {
    const dict = new nn.ModuleDict<nn.Module>([
      ['10', new nn.Linear(1, 1)],
      ['b', new nn.Linear(2, 1)],
      ['2', new nn.Linear(3, 1)],
    ])
    expect(dict.keys()).toEqual(['10', 'b', '2'])
    expect(dict.parameters().map((p) => p.shape.at(-1))).toEqual([1, 1, 2, 1, 3, 1])
    expect(dict.deepcopy().keys()).toEqual(['10', 'b', '2'])
    dict.pop('10')
    dict.set('10', new nn.ReLU())
    expect(dict.keys()).toEqual(['b', '2', '10'])
    expect(
      new nn.ParameterDict([
        ['1', torch.ones(1)],
        ['0', torch.ones(1)],
      ])
        .namedParameters()
        .map(([name]) => name),
    ).toEqual(['1', '0'])
  })
})

describe('containers', () => {
  const layers = (): nn.Module[] => [new nn.ReLU(), new nn.Tanh(), new nn.Sigmoid(), new nn.SiLU()]
  const names = (modules: Iterable<nn.Module>): string[] => [...modules].map((m) => m.getName())

  test.each([
    ['Sequential', () => new nn.Sequential(...layers())],
    ['ModuleList', () => new nn.ModuleList(layers())],
  ] as const)('%s', (_, make) => {
    const list = make()
    expect(names(list.slice(1, 3))).toEqual(['Tanh', 'Sigmoid'])
    expect(names(list.slice(-2))).toEqual(['Sigmoid', 'SiLU'])
    expect(names(list.slice(null, null, -2))).toEqual(['SiLU', 'Tanh'])
    expect(list.slice(1)).toBeInstanceOf(list.constructor)
    list.delete(1)
    expect(list.namedChildren().map(([name, m]) => `${name} ${m.getName()}`)).toEqual(['0 ReLU', '1 Sigmoid', '2 SiLU'])
    expect(list.pop().getName()).toBe('SiLU')
    list.insert(-1, new nn.GELU())
    expect(names(list)).toEqual(['ReLU', 'GELU', 'Sigmoid'])
    list.setAt(-1, new nn.ELU())
    expect(list.at(-1).getName()).toBe('ELU')
    expect(() => list.delete(3)).toThrow('index 3 is out of range')
    expect(() => list.at(-4)).toThrow('index -4 is out of range')
    expect(() => list.append('ReLU' as never)).toThrow('string is not a Module subclass')
    expect(names(list.deepcopy().extend(layers()))).toHaveLength(7)
  })

  test('a slice of a Sequential keeps names, one of a list does not', () => {
    expect(String(new nn.Sequential(...layers()).slice(2))).toBe('Sequential(\n  (2): Sigmoid()\n  (3): SiLU()\n)')
    expect(String(new nn.ModuleList(layers()).slice(2))).toBe('ModuleList(\n  (0): Sigmoid()\n  (1): SiLU()\n)')
    expect(new nn.Sequential(...layers()).slice(4).length).toBe(0)
  })

  test('parameters in lists and dicts', () => {
    const list = new nn.ParameterList([torch.ones(2), new nn.Parameter(torch.zeros(1))])
    expect([list.length, list.at(-1).shape, list.parameters().length]).toEqual([2, [1], 2])
    list.append(torch.ones(3)).setAt(0, torch.ones(4))
    expect([...list].map((p) => p.shape)).toEqual([[4], [1], [3]])
    expect(() => list.at(3)).toThrow('index 3 is out of range')
    const dict = new nn.ParameterDict({ a: torch.ones(2), b: torch.ones(1, { dtype: 'float64' }) })
    expect(String(dict)).toBe(
      'ParameterDict(\n    (a): Parameter containing: [torch.FloatTensor of size 2]\n    (b): Parameter containing: [torch.DoubleTensor of size 1]\n)',
    )
    // A dict without an order of its own, says PyTorch, whose optimizers number parameters.
    const [left, right] = [torch.ones(1), torch.ones(2)]
    expect(new nn.ParameterDict({ right, left }).keys()).toEqual(['left', 'right'])
    expect(new nn.ParameterDict([...Object.entries({ right, left })]).keys()).toEqual(['right', 'left'])
    expect([dict.pop('a').shape, dict.keys(), dict.has('a'), dict.delete('a')]).toEqual([[2], ['b'], false, false])
    dict.update({ c: torch.ones(1) }).clear()
    expect(dict.size).toBe(0)
    expect(() => dict.set('forward', torch.ones(1))).toThrow("attribute 'forward' already exists")
  })
})

test('calls are typed by forward', () => {
  class Gate extends nn.Module {
    readonly out = new nn.Linear(2, 2)
    override forward(x: Tensor, options: { scale: number }): { value: Tensor; scale: number } {
      return { value: this.out(x), scale: options.scale }
    }
  }
  const gate = new Gate()
  expectTypeOf(gate(torch.ones(1, 2), { scale: 1 })).toEqualTypeOf<{ value: Tensor; scale: number }>()
  expectTypeOf<Parameters<typeof gate>>().toEqualTypeOf<[x: Tensor, options: { scale: number }]>()
  const wrong = (): void => {
    // @ts-expect-error: an argument is missing
    gate(torch.ones(1, 2))
    // @ts-expect-error: not a tensor
    gate(1, { scale: 1 })
    // @ts-expect-error: a wrong option
    gate(torch.ones(1, 2), { scale: 'large' })
    // @ts-expect-error: the result is no tensor
    gate(torch.ones(1, 2), { scale: 1 }).sum()
    // @ts-expect-error: a layer takes tensors
    new nn.Linear(2, 2)('x')
    // @ts-expect-error: a loss takes two
    new nn.CrossEntropyLoss()(torch.ones(1, 2))
    // @ts-expect-error: an unknown option
    new nn.CrossEntropyLoss({ smoothing: 0.1 })
    // @ts-expect-error: an unknown reduction
    nn.functional.mseLoss(torch.ones(1), torch.ones(1), { reduction: 'average' })
  }
  expect(wrong).toBeTypeOf('function')
  const handle = gate.registerForwardPreHook((module) => {
    expectTypeOf(module).toEqualTypeOf<Gate>()
  })
  handle.remove()
})

describe('nn.init', () => {
  test('errors', () => {
    const { init } = nn
    expect(() => init.eye_(torch.empty(2))).toThrow('Only tensors with 2 dimensions are supported')
    expect(() => init.dirac_(torch.empty(2, 2))).toThrow('Only tensors with 3, 4, or 5 dimensions are supported')
    expect(() => init.dirac_(torch.empty(3, 2, 3), 2)).toThrow('dim 0 must be divisible by groups')
    expect(() => init.orthogonal_(torch.empty(2))).toThrow('Only tensors with 2 or more dimensions are supported')
    expect(() => init.sparse_(torch.empty(2), 0.5)).toThrow('Only tensors with 2 dimensions are supported')
    expect(() => init.xavierUniform_(torch.empty(2))).toThrow('fewer than 2 dimensions')
    expect(() => init.kaimingNormal_(torch.empty(2, 2), 0, 'fan' as never)).toThrow(
      "Mode fan not supported, please use one of ['fan_in', 'fan_out']",
    )
  })
  test('parameters are filled without recording', () => {
    const p = new nn.Parameter(torch.empty(4, 6))
    for (const fill of [nn.init.orthogonal_, nn.init.truncNormal_, nn.init.eye_, nn.init.kaimingUniform_]) fill(p)
    expect([p.isLeaf, p.requiresGrad]).toEqual([true, true])
    expect(
      nn.init
        .dirac_(torch.empty(4, 2, 3), { groups: 2 })
        .sum()
        .item(),
    ).toBe(4)
    expect(nn.init.orthogonal_(torch.empty(0, 3)).shape).toEqual([0, 3])
  })
})
