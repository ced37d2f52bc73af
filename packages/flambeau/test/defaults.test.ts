/** The default dtype, lazy normalisation, and names that PyTorch has beside others. */

import { afterEach, describe, expect, it } from 'vitest'
import * as torch from '../src/index.js'
import { data, nn, type Tensor } from '../src/index.js'

const F = nn.functional

describe('the default dtype', () => {
  afterEach(() => torch.setDefaultDtype('float32'))
  const integers = torch.tensor([1n, 2n])
  const single = torch.ones(2, { dtype: 'float32' })
  const made: Record<string, () => Tensor> = {
    tensor: () => torch.tensor([1.5]),
    mixed: () => torch.tensor([true, 1.5]),
    zeros: () => torch.zeros(2),
    full: () => torch.full([2], 1.5),
    eye: () => torch.eye(2),
    arange: () => torch.arange(0, 1, 0.5),
    linspace: () => torch.linspace(0, 1, 3),
    logspace: () => torch.logspace(0, 1, 3),
    scalarTensor: () => torch.scalarTensor(1),
    rand: () => torch.rand(2),
    randn: () => torch.randn(2),
    normal: () => torch.normal(0, 1, [2]),
    window: () => torch.hannWindow(3),
    fftfreq: () => torch.fft.fftfreq(3),
    'integers and a number': () => integers.add(1.5),
    quotient: () => integers.div(integers),
    sqrt: () => integers.sqrt(),
    cov: () => integers.cov(),
    logsumexp: () => integers.logsumexp(0),
    where: () => torch.where(torch.tensor([true, false]), integers, 2.5),
    parameter: () => new nn.Linear(2, 2).weight,
    buffer: () => new nn.BatchNorm1d(2).running_mean!,
    slope: () => new nn.PReLU().weight,
    batch: () => data.defaultCollate([0.5, 1.5]) as Tensor,
  }
  it.each(Object.entries(made))('%s', (_, make) => {
    expect(make().dtype).toBe('float32')
    torch.setDefaultDtype('float64')
    expect(make().dtype).toBe('float64')
  })
  it('complex numbers follow it', () => {
    torch.setDefaultDtype('float64')
    const i = { re: 0, im: 1 }
    expect(torch.tensor([1, i]).dtype).toBe('complex128')
    expect(torch.full([1], i).dtype).toBe('complex128')
    expect(integers.add(i).dtype).toBe('complex128')
    expect(torch.fft.fft(integers).dtype).toBe('complex128')
    expect(single.add(i).dtype).toBe('complex64')
  })
  it('tensors keep the dtype they have', () => {
    torch.setDefaultDtype('float64')
    expect(single.add(1.5).dtype).toBe('float32')
    expect(single.half().pow(1.5).dtype).toBe('float16')
    expect(single.add(integers).dtype).toBe('float32')
    expect(torch.resultType(integers, 1.5)).toBe('float64')
  })
  it('decides what printing leaves out', () => {
    torch.setDefaultDtype('float64')
    expect(String(torch.tensor([1.5]))).toBe('tensor([1.5000])')
    expect(String(single)).toBe('tensor([1., 1.], dtype=torch.float32)')
    expect(String(torch.tensor([{ re: 0, im: 1 }]))).toBe('tensor([0.+1.j])')
  })
  it('is float32 or float64', () => {
    expect(torch.getDefaultDtype()).toBe('float32')
    expect(() => torch.setDefaultDtype('int64')).toThrow('only floating-point types are supported as the default type')
    expect(() => torch.setDefaultDtype('float16')).toThrow('not implemented: float16 as the default dtype')
  })
})

describe('lazy normalisation', () => {
  it('learns its channels', () => {
    const layer = new nn.LazyBatchNorm2d({ dtype: 'float64' })
    expect(String(layer)).toBe('LazyBatchNorm2d(0, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)')
    expect(layer.weight).toBeInstanceOf(nn.UninitializedParameter)
    const held = layer.weight
    layer(torch.randn(2, 3, 4, 4, { dtype: 'float64' }))
    expect(String(layer)).toBe('BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)')
    expect(layer.weight).toBe(held)
    expect(held!.tolist()).toEqual([1, 1, 1])
    expect([layer.weight!.dtype, layer.running_var!.dtype, layer.num_batches_tracked!.item()]).toEqual(['float64', 'float64', 1])
  })
  it('takes its shapes from a state dict', () => {
    const from = new nn.BatchNorm1d(4)
    from(torch.randn(3, 4))
    const lazy = new nn.LazyBatchNorm1d()
    lazy.loadStateDict(from.stateDict())
    expect(lazy.running_mean!.tolist()).toEqual(from.running_mean!.tolist())
    expect(lazy.eval()(torch.ones(2, 4)).tolist()).toEqual(from.eval()(torch.ones(2, 4)).tolist())
  })
  it('moves and copies before it knows its channels', () => {
    const layer = new nn.LazyInstanceNorm1d(1e-5, 0.1, true, true).double()
    expect(layer(torch.randn(2, 3, 5, { dtype: 'float64' })).dtype).toBe('float64')
    expect([layer.weight!.shape, layer.running_mean!.shape]).toEqual([[3], [3]])
  })
  it('an instance norm needs a momentum', () => {
    const layer = new nn.InstanceNorm1d(2, { momentum: null, trackRunningStats: true })
    expect(() => layer(torch.randn(3, 2, 4))).toThrow("argument 'momentum' (position 7) must be float, not NoneType")
  })
})

describe('further names', () => {
  it('casts', () => {
    expect(torch.ones(1, { dtype: 'float64' }).cfloat().dtype).toBe('complex64')
    expect(torch.ones(1).cdouble().dtype).toBe('complex128')
    expect(() => torch.ones(1).chalf()).toThrow('not implemented: complex32')
  })
  it('resize', () => {
    const x = torch.arange(6).float().requiresGrad_()
    expect(x.resize(2, 3).shape).toEqual([2, 3])
    x.resizeAs(torch.ones(3, 2)).sum().backward()
    expect(x.grad!.tolist()).toEqual([1, 1, 1, 1, 1, 1])
    expect(() => x.resize(2, 2)).toThrow('requested resize to 2x2 (4 elements in total), but the given tensor has a size of 6')
  })
  it('norms of all dimensions but one', () => {
    const x = torch.arange(6).float().view(2, 3)
    expect(torch.normExceptDim(x, 1).tolist()).toEqual([[3], [12]])
    expect(torch.normExceptDim(x, 1, 1).tolist()).toEqual([[3, 5, 7]])
    expect(torch.normExceptDim(x, 1, -1).item()).toBe(15)
    expect(torch.normExceptDim(torch.tensor([3, -4])).tolist()).toEqual([3, 4])
    expect(() => torch.normExceptDim(x, { dim: 5 })).toThrow('Dimension out of range')
  })
  it('pooling with indices, slopes in place', () => {
    const { values, indices } = torch.maxPool1dWithIndices(torch.tensor([[1, 3, 2, 5]]), 2)
    expect([values.tolist(), indices.tolist()]).toEqual([[[3, 5]], [[1, 3]]])
    const x = torch.tensor([-3, 2])
    expect(F.rrelu_(x, 0.5, 0.5)).toBe(x)
    expect(x.tolist()).toEqual([-1.5, 2])
  })
  it('samplers are samplers', () => {
    for (const sampler of [
      new data.SequentialSampler([1]),
      new data.RandomSampler([1]),
      new data.BatchSampler(new data.SequentialSampler([1]), 1),
    ])
      expect(sampler).toBeInstanceOf(data.Sampler)
  })
})
