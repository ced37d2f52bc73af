/** Whole modules in checkpoints, as PyTorch pickled them. */

import { describe, expect, test } from 'vitest'
import * as torch from '../src/index.js'
import { nn, Tensor } from '../src/index.js'
import { fixture } from './support/files.js'
import type { Json } from './support/python.js'

const tensorsIn = (value: Json): Tensor[] => {
  if (value === null) return []
  if (value instanceof Tensor) return [value]
  return [...(Symbol.iterator in value ? value : Object.values(value))].flatMap(tensorsIn)
}

function expectClose(got: Tensor, expected: Tensor): void {
  expect([got.dtype, got.shape]).toEqual([expected.dtype, expected.shape])
  if (!torch.allclose(got, expected, { rtol: 1e-4, atol: 1e-5, equalNan: true })) expect(String(got)).toBe(String(expected))
}

describe('classes of torch.nn', async () => {
  const cases = await torch.load<Json[]>(fixture('modules.pt'))
  test.each(cases.map((entry) => [entry.repr.split('\n')[0], entry]))('%s', (_, { module, repr, inputs, output }) => {
    expect(String(module)).toBe(repr)
    expect(module.modules().some((m: nn.Module) => m.training)).toBe(false)
    if (inputs === null) return
    const [got, expected] = [tensorsIn(module(...inputs)), tensorsIn(output)]
    expect(got.length).toBe(expected.length)
    for (const [i, t] of expected.entries()) expectClose(got[i], t)
  })

  test('copies and state dicts are like those of other modules', () => {
    for (const { module } of cases) {
      const copy = module.deepcopy()
      expect(copy.loadStateDict(module.stateDict()).missingKeys).toEqual([])
      expect(String(copy)).toBe(String(module))
    }
  })
})

class Inner extends nn.Module {
  out = new nn.Linear(3, 1)
  override forward(x: Tensor): Tensor {
    return this.out(x)
  }
}
class Net extends nn.Module {
  scale: nn.Parameter
  shift = null
  unused = null
  declare steps: Tensor
  declare mask: Tensor
  first = new nn.Linear(2, 1)
  again = this.first
  inner = new Inner()
  constructor(readonly width: number) {
    super()
    this.scale = new nn.Parameter(torch.ones(width))
    this.registerBuffer('steps', torch.tensor(0))
    this.registerBuffer('mask', torch.ones(width))
  }
  override forward(x: Tensor): Tensor {
    return this.inner(this.again(x).mul(this.scale).mul(this.mask))
  }
}

describe.each(['zip', 'legacy'])('in a file of the %s format', async (format) => {
  const files = await torch.load<Record<string, Uint8Array<ArrayBuffer>[]>>(fixture('classes.pt'))
  const file = (name: string): Uint8Array<ArrayBuffer> => files[name][format === 'zip' ? 0 : 1]

  test('classes of the caller', async () => {
    let seen: Json
    const make = (attributes: Json): nn.Module => {
      seen = attributes
      return new Net(attributes.width)
    }
    const { module, x, y } = await torch.load<Json>(file('net'), { classes: { '__main__.Net': make, '__main__.Inner': Inner } })
    expect(module).toBeInstanceOf(Net)
    expect(module.again).toBe(module.first)
    expect(module.training).toBe(false)
    expectClose(module(x), y)
    expect(Object.keys(module.stateDict())).toEqual([
      'scale',
      'steps',
      'first.weight',
      'first.bias',
      'again.weight',
      'again.bias',
      'inner.out.weight',
      'inner.out.bias',
    ])
    expect(seen.width).toBe(3)
    expect(seen.first).toBe(module.first)
    expect([{ ...seen.names }, seen.training, seen.shift, seen.unused]).toEqual([{ in: 2, out: [1, [2, 3]] }, false, null, null])
  })

  test('classes of the caller that do not fit', async () => {
    const load = (classes: torch.serialization.ModuleClasses): Promise<unknown> => torch.load(file('net'), { classes })
    await expect(load({ '__main__.Net': () => new Net(3) })).rejects.toThrow('it refers to __main__.Inner')
    await expect(load({ '__main__.Inner': nn.Identity, '__main__.Net': () => new Net(3) })).rejects.toThrow(
      'its __main__.Inner has the child out, which the given class has not',
    )
    class More extends Inner {
      more = new nn.Parameter(torch.ones(1))
    }
    await expect(load({ '__main__.Inner': More, '__main__.Net': () => new Net(3) })).rejects.toThrow(
      'its __main__.Inner lacks the parameter more, which the given class has',
    )
    await expect(load({ '__main__.Inner': (() => 1) as never, '__main__.Net': Inner })).rejects.toThrow('gives no module')
  })

  test('a class of the caller takes the place of one of torch.nn', async () => {
    const linear = ({ in_features, out_features, tag }: Json): nn.Module =>
      Object.assign(new nn.Linear(in_features, out_features), { tag })
    const classes = { 'torch.nn.modules.linear.Linear': linear }
    expect((await torch.load<Json>(file('tagged'), { classes })).tag).toBe('mine')
  })

  test('modules of older and newer versions of PyTorch', async () => {
    const older = await torch.load<Json>(file('older'))
    expect(older.at(0)(torch.ones(1, 1, 2, 2)).shape).toEqual([1, 1, 2, 2])
    expect(older.at(1)(torch.rand(2, 1, 2, 2)).shape).toEqual([2, 1, 2, 2])
    expect(older.at(2)(torch.ones(3, 1, 1))[0].shape).toEqual([3, 1, 1])
    expect(older.at(4)(torch.ones(3, 1, 4)).shape).toEqual([3, 1, 4])
    expect(String(await torch.load(file('newer')))).toBe('Linear(in_features=2, out_features=1, bias=True)')
  })

  test.each([
    ['hooked', /it refers to __main__\.hook/],
    ['normed', /it refers to torch\.nn\.utils\.weight_norm\.WeightNorm/],
    ['tagged', /its torch\.nn\.Linear has the attribute tag/],
    ['unknown', /it refers to __main__\.Inner/],
    ['lacking', /its torch\.nn\.Linear lacks the parameter weight/],
    ['layers', /its torch\.nn\.LSTM lacks the parameter weight_ih_l1/],
    ['shared', /_modules is another module's too/],
    ['method', /attribute 'forward' already exists/],
    ['dotted', /can't contain "\."/],
    ['wrong', /something else as its parameter weight/],
    ['long', /an attribute stride of an unexpected kind/],
    ['sparse', /sparse gradients, which are not implemented/],
    ['lazy', /a lazy module that has not seen its first input \(torch\.nn\.modules\.linear\.LazyLinear\), which is not impl/],
    ['class', /torch\.nn\.modules\.linear\.Linear in the place of a value/],
    ['quantized', /it has a quantized tensor \(torch\._utils\._rebuild_qtensor\), which is not implemented/],
    ['coo', /it has a sparse tensor \(torch\._utils\._rebuild_sparse_tensor\), which is not implemented/],
    ['storage', /it has a storage in the place of a value/],
  ])('what cannot be rebuilt is refused: %s', async (name, message) => {
    await expect(torch.load(file(name))).rejects.toThrow(message)
  })

  test('a module that holds the one it is part of is refused', async () => {
    const classes = { '__main__.Inner': Inner, 'torch.nn.modules.linear.Linear': () => new nn.Linear(3, 1) }
    await expect(torch.load(file('cyclic'), { classes })).rejects.toThrow('its pickle has a __main__.Inner without a state')
  })
})

test('whole modules are not saved', async () => {
  await expect(torch.serialization.toBytes({ model: new Inner() })).rejects.toThrow(
    "save() cannot write a Inner: a whole module would be its class's code as well; save its stateDict()",
  )
})
