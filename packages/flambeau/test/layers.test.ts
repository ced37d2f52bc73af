/** Layers and losses against PyTorch's answers for chosen cases (tools/fixtures/layers.py). */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { runSection } from '../../../tools/conformance/runner.mjs'
import * as torch from '../src/index.js'
import { nn, type Tensor } from '../src/index.js'
import { decodeTensor, type Json } from './support/python.js'

const folder = fileURLToPath(new URL('./fixtures/layers', import.meta.url))
beforeAll(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {})
})

test('functions agree with PyTorch', () => {
  const results = [...runSection(torch, folder, 'ops')]
  expect(results.filter(({ status }) => status !== 'passed').map(({ id, reason }) => `${id}: ${reason}`)).toEqual([])
  expect(results.length).toBeGreaterThan(500)
})

const recorded: Json = JSON.parse(gunzipSync(readFileSync(`${folder}/utilities.json.gz`)).toString())
const decoded = (tensors: Json): Record<string, Tensor> =>
  Object.fromEntries(Object.entries<Json>(tensors).map(([name, spec]) => [name, decodeTensor(spec)]))
function expectClose(got: Tensor, spec: Json, name: string): void {
  const want = decodeTensor(spec)
  expect([name, got.dtype, got.shape]).toEqual([name, want.dtype, want.shape])
  const tolerance = want.dtype === 'float64' ? 1e-9 : 1e-5
  expect([name, got.detach().allclose(want, { rtol: tolerance, atol: tolerance })]).toEqual([name, true])
}
function expectState(got: Record<string, Tensor>, want: Json): void {
  expect(Object.keys(got)).toEqual(Object.keys(want))
  for (const [name, spec] of Object.entries<Json>(want)) expectClose(got[name], spec, name)
}
/** The layer as it was before, in the dtype of its state. */
function linear(spec: Json, inputs: number, outputs: number): nn.Linear {
  const state = decoded(spec.before)
  const layer = new nn.Linear(inputs, outputs, { dtype: state.weight.dtype })
  layer.loadStateDict(state)
  return layer
}
/** The recorded steps of descent. */
function expectTraining(layer: nn.Linear, spec: Json): void {
  const x = decodeTensor(spec.x)
  for (const step of spec.steps) {
    layer.zeroGrad()
    const y = layer(x)
    y.square().sum().backward()
    expectClose(y, step.out, 'out')
    expectState(Object.fromEntries(layer.namedParameters().map(([name, p]) => [name, p.grad!])), step.grads)
    torch.noGrad(() => {
      for (const p of layer.parameters()) p.sub_(p.grad!.mul(0.1))
    })
  }
  expectState(layer.stateDict(), spec.state)
  expect(String(layer)).toBe(spec.repr)
}
const group = (name: string): [string, Json][] => Object.entries<Json>(recorded).filter(([key]) => key.startsWith(`${name}/`))

describe('nn.utils', () => {
  test.each(group('weight_norm'))('%s', (_, spec) => {
    const layer = nn.utils.weightNorm(linear(spec, 4, 3), { dim: spec.dim })
    expectTraining(layer, spec)
    expectState(nn.utils.removeWeightNorm(layer).stateDict(), spec.after)
    expect(layer.weight).toBeInstanceOf(nn.Parameter)
    expect(() => nn.utils.removeWeightNorm(layer)).toThrow("weight_norm of 'weight' not found in")
  })

  test('a copy of a normed layer computes with its own parameters', () => {
    const layer = new nn.Sequential(nn.utils.weightNorm(new nn.Linear(2, 2)))
    torch.noGrad(() => layer(torch.ones(1, 2)))
    const copy = layer.deepcopy()
    torch.noGrad(() => {
      copy.getParameter('0.weight_g').zero_()
      copy.getParameter('0.bias').zero_()
    })
    expect(copy(torch.ones(1, 2)).tolist()).toEqual([[0, 0]])
    expect(layer(torch.ones(1, 2)).abs().sum().item()).toBeGreaterThan(0)
  })

  test.each(group('spectral_norm'))('%s', (_, spec) => {
    const layer = linear(spec, 4, 3)
    torch.manualSeed(spec.seed)
    nn.utils.spectralNorm(layer, { nPowerIterations: spec.iterations })
    expect(() => nn.utils.spectralNorm(layer)).toThrow('Cannot register two spectral_norm hooks on the same parameter weight')
    expectTraining(layer, spec)
    expectState(nn.utils.removeSpectralNorm(layer).stateDict(), spec.after)
  })

  test.each(group('clip_grad_norm_'))('%s', (_, spec) => {
    const parameters = spec.grads.map((g: Json) => {
      const p = new nn.Parameter(torch.zeros(g.shape, { dtype: 'float64' }))
      p.grad = decodeTensor(g)
      return p
    })
    expectClose(
      nn.utils.clipGradNorm_(parameters, spec.max_norm, Number(String(spec.norm_type.v).replace('inf', 'Infinity'))),
      spec.total,
      'total',
    )
    parameters.forEach((p: Tensor, i: number) => {
      expectClose(p.grad!, spec.after[i], `grad ${i}`)
    })
  })

  test('norms that are not finite', () => {
    const p = new nn.Parameter(torch.zeros(1))
    p.grad = torch.tensor([Number.NaN])
    expect(() => nn.utils.clipGradNorm_(p, 1, { errorIfNonfinite: true })).toThrow('The total norm of order 2 for gradients')
    expect(nn.utils.clipGradNorm_([new nn.Parameter(torch.zeros(1))], 1).item()).toBe(0)
  })

  class Symmetric extends nn.Module {
    override forward(x: Tensor): Tensor {
      return x.triu().add(x.triu(1).T)
    }
    rightInverse(x: Tensor): Tensor {
      return x.triu()
    }
  }
  test('parametrizations', () => {
    const { parametrize } = nn.utils
    const layer = parametrize.registerParametrization(linear(recorded.parametrize, 3, 3), 'weight', new Symmetric())
    expectTraining(layer, recorded.parametrize)
    expect([parametrize.isParametrized(layer), parametrize.isParametrized(layer, 'bias')]).toEqual([true, false])
    const copy = layer.deepcopy()
    copy.weight = torch.eye(3, { dtype: 'float64' }) as nn.Parameter
    expect(copy.weight.tolist()).toEqual(torch.eye(3).tolist())
    expect(layer.weight.equal(copy.weight)).toBe(false)
    const value = layer.weight.tolist()
    parametrize.removeParametrizations(layer, 'weight')
    expect([layer.weight.tolist(), layer.weight instanceof nn.Parameter]).toEqual([value, true])
    expect(Object.keys(layer.stateDict()).sort()).toEqual(['bias', 'weight'])
    expect(String(layer)).toBe('Linear(in_features=3, out_features=3, bias=True)')
    class Row extends nn.Module {
      override forward(x: Tensor): Tensor {
        return x.sum(0)
      }
    }
    expect(() => parametrize.registerParametrization(layer, 'weight', new Row())).toThrow('may not change the shape')
    expect(() => parametrize.registerParametrization(layer, 'missing', new Row())).toThrow("with name 'missing'")
  })

  test('summary', () => {
    class Net extends nn.Module {
      readonly conv = new nn.Conv2d(1, 4, 3, { padding: 1 })
      readonly lstm = new nn.LSTM(8, 5, { batchFirst: true })
      override forward(x: Tensor): Tensor {
        return this.lstm(this.conv(x).mean(1))[0]
      }
    }
    const net = new Net()
    net.conv.requiresGrad_(false)
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    const result = nn.utils.summary(net, [2, 1, 8, 8])
    expect(log).toHaveBeenCalledWith(String(result))
    log.mockRestore()
    expect(
      result.layers.map(({ name, outputShapes, parameters, multiplyAdds }) => [name, outputShapes[0], parameters, multiplyAdds]),
    ).toEqual([
      ['', [2, 8, 5], 340, 2 * 64 * 36 + 16 * 260],
      ['conv', [2, 4, 8, 8], 40, 2 * 64 * 36],
      ['lstm', [2, 8, 5], 300, 16 * 260],
    ])
    expect([result.totalParameters, result.trainableParameters]).toEqual([340, 300])
    expect(net.training).toBe(true)
  })
})

test('the adaptive softmax', () => {
  const spec = recorded.adaptive
  const adaptive = new nn.AdaptiveLogSoftmaxWithLoss(8, 12, [3, 6], { divValue: 2, headBias: true })
  adaptive.loadStateDict(decoded(spec.state))
  const [x, target] = [decodeTensor(spec.x), decodeTensor(spec.target)]
  const { output, loss } = adaptive(x, target)
  expectClose(output, spec.output, 'output')
  expectClose(loss, spec.loss, 'loss')
  loss.backward()
  expectState(Object.fromEntries(adaptive.namedParameters().map(([name, p]) => [name, p.grad!])), spec.grads)
  expectClose(adaptive.logProb(x), spec.log_prob, 'log_prob')
  expectClose(adaptive.predict(x), spec.predict, 'predict')
  expect(String(adaptive)).toBe(spec.repr)
  expect(adaptive(x.at(0), target.at(0)).output.item()).toBeCloseTo(output.at(0).item() as number, 5)
  expect(() => adaptive(x, target.add(5))).toThrow('Target values should be in [0, 11], but values in range [5, 16] were found. ')
  expect(() => new nn.AdaptiveLogSoftmaxWithLoss(8, 12, [3, 3])).toThrow('cutoffs should be a sequence of unique')
})

describe('embedding', () => {
  test('a norm limits the rows in use, in place', () => {
    const table = new nn.Embedding(3, 2, { maxNorm: 1 })
    torch.noGrad(() => table.weight.fill_(3))
    const out = table(torch.tensor([2n, 0n, 2n]))
    expect(out.square().sum(1).allclose(torch.ones(3), { atol: 1e-5 })).toBe(true)
    expect(table.weight.at(1).tolist()).toEqual([3, 3])
    out.sum().backward()
    expect(table.weight.grad!.tolist()).toEqual([
      [1, 1],
      [0, 0],
      [2, 2],
    ])
  })
  test('what is not there', () => {
    expect(() => new nn.Embedding(3, 2, { sparse: true })).toThrow('not implemented: sparse gradients (sparse)')
    expect(() => new nn.Embedding(3, 2, { paddingIdx: 3 })).toThrow('Padding_idx must be within num_embeddings')
    expect(() => new nn.Embedding(3, 2, { colour: 1 } as object)).toThrow("unexpected keyword argument 'colour'")
    expect(String(new nn.Embedding(3, 2, -1, 2.5, 1, true))).toBe(
      'Embedding(3, 2, padding_idx=2, max_norm=2.5, norm_type=1, scale_grad_by_freq=True)',
    )
    expect(nn.Embedding.fromPretrained(torch.eye(2), { freeze: false }).weight.requiresGrad).toBe(true)
    expect(nn.Embedding.fromPretrained(torch.eye(2)).weight.requiresGrad).toBe(false)
  })
})

test('arguments by position and by name', () => {
  const same = (...modules: nn.Module[]): void => expect(new Set(modules.map(String)).size).toBe(1)
  same(
    new nn.LeakyReLU(0.2, true),
    new nn.LeakyReLU(0.2, { inplace: true }),
    new nn.LeakyReLU({ negativeSlope: 0.2, inplace: true }),
  )
  same(new nn.LogSoftmax(1), new nn.LogSoftmax({ dim: 1 }))
  same(new nn.Linear(2, 3, false), new nn.Linear(2, 3, { bias: false }))
  same(new nn.Hardtanh(-2, 2), new nn.Hardtanh({ minVal: -2, maxVal: 2 }))
  expect(() => new nn.ReLU({ inPlace: true } as object)).toThrow("ReLU() got an unexpected keyword argument 'inPlace'")
  const x = torch.tensor([[1, 2]])
  const old = nn.functional.mseLoss(x, x.add(1), false, null)
  expect(old.item()).toBe(2)
  expect(nn.functional.crossEntropy(x, torch.tensor([0n]), torch.tensor([1, 1]), { reduction: 'sum' }).shape).toEqual([])
  expect(nn.functional.softmax(x).sum().item()).toBeCloseTo(1)
})

test('dropout', () => {
  torch.manualSeed(0)
  const x = torch.ones(4, 50, 3)
  const dropped = new nn.Dropout1d(0.5)(x)
  expect(dropped.amax(2).equal(dropped.amin(2))).toBe(true)
  expect(new Set(dropped.flatten().tolist())).toEqual(new Set([0, 2]))
  expect(new nn.Dropout2d(0.5).eval()(torch.ones(1, 2, 2, 2))).toBeInstanceOf(torch.Tensor)
  const y = torch.ones(100)
  expect(new nn.Dropout(0.5, true)(y)).toBe(y)
  expect(y.eq(1).any().item()).toBe(false)
  expect(() => new nn.Dropout(2)).toThrow('dropout probability has to be between 0 and 1, but got 2')
})
