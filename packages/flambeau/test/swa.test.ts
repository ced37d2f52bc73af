import { expect, test } from 'vitest'
import * as torch from '../src/index.js'
import { nn, noGrad, optim, type Tensor } from '../src/index.js'

const { AveragedModel, getEmaAvgFn, getSwaAvgFn, updateBn } = optim.swaUtils
const net = (): nn.Sequential => new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3), new nn.ReLU())
const fill = (model: nn.Module, value: number): void =>
  noGrad(() => {
    for (const p of model.parameters()) p.fill_(value)
  })

test('deepcopy shares nothing but what is shared inside', () => {
  const shared = new nn.Linear(2, 2)
  class Net extends nn.Module {
    readonly list = new nn.ModuleList([shared, shared])
    readonly weight = shared.weight
    readonly sizes = [1, 2]
    frozen = new nn.Parameter(torch.ones(1), { requiresGrad: false })
    override forward(x: Tensor): Tensor {
      return this.list.at(0)(x)
    }
  }
  const model = new Net()
  model.eval()
  model.registerForwardHook((_, __, output) => (output as Tensor).add(1))
  const copy = model.deepcopy()
  expect(copy).toBeInstanceOf(Net)
  expect(String(copy)).toBe(String(model))
  expect(copy.training).toBe(false)
  expect(copy.list.at(0) === copy.list.at(1)).toBe(true)
  expect((copy.list.at(0) as nn.Linear).weight === copy.weight).toBe(true)
  expect(copy.weight === model.weight).toBe(false)
  expect(copy.frozen.requiresGrad).toBe(false)
  const x = torch.rand(1, 2)
  expect(copy(x).tolist()).toEqual(model(x).tolist())
  fill(copy, 0)
  expect(shared.weight.equal(copy.weight)).toBe(false)
  copy.sizes.push(3)
  expect(model.sizes).toEqual([1, 2])
})

test('AveragedModel averages parameters, and buffers if asked to', () => {
  for (const options of [{}, { avgFn: getSwaAvgFn() }, { useBuffers: true }]) {
    const model = net()
    const average = new AveragedModel(model, options)
    for (const value of [1, 2, 6]) {
      fill(model, value)
      ;(model.at(1) as nn.BatchNorm1d).running_mean!.fill_(value)
      average.updateParameters(model)
    }
    expect([...average.parameters()].every((p) => p.min().item() === 3 && p.max().item() === 3)).toBe(true)
    expect((average.module.at(1) as nn.BatchNorm1d).running_mean!.tolist()).toEqual(new Array(3).fill(options.useBuffers ? 3 : 0))
    expect(average.n_averaged.item()).toBe(3)
    expect(Object.keys(average.stateDict()).slice(0, 3)).toEqual(['n_averaged', 'module.0.weight', 'module.0.bias'])
    expect(average.eval()(torch.ones(1, 2)).shape).toEqual([1, 3])
  }
})

test('exponential moving averages', () => {
  const model = net()
  const average = new AveragedModel(model, { avgFn: getEmaAvgFn(0.75) })
  for (const value of [1, 2, 6]) {
    fill(model, value)
    average.updateParameters(model)
  }
  expect(average.module.at(2)).toBeInstanceOf(nn.ReLU)
  expect((average.module.at(0) as nn.Linear).bias!.tolist()).toEqual(new Array(3).fill((1 * 0.75 + 0.5) * 0.75 + 1.5))
  expect(() => getEmaAvgFn(2)).toThrow('Invalid decay value 2')
})

test('updateBn takes the statistics of all batches', async () => {
  const model = new nn.Sequential(new nn.BatchNorm1d(2)).eval()
  const norm = model.at(0) as nn.BatchNorm1d
  norm.running_mean!.fill_(9)
  const batches = [torch.tensor([[0, 2], [2, 4]]), torch.tensor([[4, 0], [6, 2]])] // biome-ignore format: short
  await updateBn(batches, model)
  expect(norm.running_mean!.tolist()).toEqual([3, 2])
  expect(norm.running_var!.tolist()).toEqual([2, 2])
  expect([norm.num_batches_tracked!.item(), norm.momentum, model.training]).toEqual([2, 0.1, false])
  await updateBn(
    batches.map((x) => [x, torch.zeros(2)]),
    model,
  )
  expect(norm.running_mean!.tolist()).toEqual([3, 2])
})

test('SWALR checks its arguments', () => {
  const optimizer = new optim.SGD([new nn.Parameter(torch.zeros(1))])
  expect(() => new optim.swaUtils.SWALR(optimizer, [1, 2])).toThrow('swa_lr must have the same length as optimizer.param_groups')
  expect(() => new optim.swaUtils.SWALR(optimizer, 1, -1)).toThrow('anneal_epochs must be equal or greater than 0, got -1')
})
