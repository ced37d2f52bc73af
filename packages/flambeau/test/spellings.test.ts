/** Arguments with defaults by position and by name are the same call. */

import { describe, expect, test } from 'vitest'
import * as torch from '../src/index.js'

const F = torch.nn.functional
const x = torch.tensor([
  [3, -1, 2],
  [0.5, 4, -2],
])
const y = torch.tensor([
  [1, 2, -3],
  [0, -4, 5],
])
const v = torch.tensor([3, 1, 2, 1])
const p = torch.tensor([0.2, 0.9, 0.5])
const counts = torch.tensor([1n, 3n, 1n])
const cube = torch.arange(24).float().view(2, 3, 4)
const spectrum = torch.stft(torch.arange(10).float(), 4, 2, { returnComplex: true })
const one = (): torch.Tensor => torch.tensor([0n])

/** Each line is one call in several spellings. */
const calls: Record<string, (() => unknown)[]> = {
  all: [() => x.gt(0).all(1, true), () => x.gt(0).all({ dim: 1, keepdim: true }), () => x.gt(0).all(1, { keepdim: true })],
  allclose: [() => torch.allclose(x, y, 0, 9), () => torch.allclose(x, y, { rtol: 0, atol: 9 })],
  amax: [() => x.amax([0, 1], true), () => x.amax({ dim: [0, 1], keepdim: true })],
  arange: [
    () => torch.arange(1, 9, 2),
    () => torch.arange(1, { end: 9, step: 2 }),
    () => torch.arange({ start: 1, end: 9, step: 2 }),
  ],
  argmax: [() => x.argmax(0, true), () => x.argmax({ dim: 0, keepdim: true })],
  argsort: [() => x.argsort(0, true), () => x.argsort({ dim: 0, descending: true })],
  asStrided: [() => x.asStrided([2], [1], 1), () => x.asStrided([2], [1], { storageOffset: 1 })],
  bincount: [() => counts.bincount(null, 6), () => counts.bincount({ minlength: 6 })],
  cat: [() => torch.cat([x, y], 1), () => torch.cat([x, y], { dim: 1 })],
  cdist: [() => torch.cdist(x, y, 1), () => torch.cdist(x, y, { p: 1 })],
  celu: [() => F.celu(x, 2), () => F.celu(x, { alpha: 2 })],
  chunk: [() => x.chunk(2, 1), () => x.chunk(2, { dim: 1 })],
  clamp: [() => x.clamp(0, 1), () => x.clamp({ min: 0, max: 1 }), () => x.clamp(0, { max: 1 })],
  combinations: [() => torch.combinations(v, 3, true), () => torch.combinations(v, { r: 3, withReplacement: true })],
  cosineSimilarity: [() => F.cosineSimilarity(x, y, 0, 1), () => F.cosineSimilarity(x, y, { dim: 0, eps: 1 })],
  countNonzero: [() => x.countNonzero(1), () => x.countNonzero({ dim: 1 })],
  cross: [() => x.cross(y, 1), () => x.cross(y, { dim: 1 })],
  crossEntropy: [
    () => F.crossEntropy(x, torch.tensor([0n, 2n]), p),
    () => F.crossEntropy(x, torch.tensor([0n, 2n]), { weight: p }),
  ],
  cummax: [() => x.cummax(1), () => x.cummax({ dim: 1 })],
  cumsum: [() => x.cumsum(1, { dtype: 'float64' }), () => x.cumsum({ dim: 1, dtype: 'float64' })],
  diag: [() => x.diag(1), () => x.diag({ diagonal: 1 })],
  diagEmbed: [() => v.diagEmbed(1, 1, 0), () => v.diagEmbed({ offset: 1, dim1: 1, dim2: 0 })],
  diagflat: [() => v.diagflat(1), () => v.diagflat({ offset: 1 })],
  diagonal: [
    () => cube.diagonal(1, 2, 0),
    () => cube.diagonal({ offset: 1, dim1: 2, dim2: 0 }),
    () => cube.diagonal(1, { dim1: 2, dim2: 0 }),
  ],
  diagonalScatter: [() => x.diagonalScatter(torch.zeros(2), 1), () => x.diagonalScatter(torch.zeros(2), { offset: 1 })],
  diff: [() => x.diff(2, 1, y), () => x.diff({ n: 2, dim: 1, prepend: y }), () => x.diff(2, { prepend: y })],
  dist: [() => x.dist(y, 1), () => x.dist(y, { p: 1 })],
  dropout: [() => F.dropout(x, 1, false), () => F.dropout(x, { p: 1, training: false })],
  elu: [() => F.elu(x, 2), () => F.elu(x, { alpha: 2 })],
  eye: [() => torch.eye(2, 3, { dtype: 'int64' }), () => torch.eye(2, { m: 3, dtype: 'int64' })],
  fft: [
    () => torch.fft.fft(x, 4, 0, 'ortho').abs(),
    () => torch.fft.fft(x, { n: 4, dim: 0, norm: 'ortho' }).abs(),
    () => torch.fft.fft(x, 4, { dim: 0, norm: 'ortho' }).abs(),
  ],
  fft2: [
    () => torch.fft.fft2(cube, [2, 3], [0, 2], 'forward').abs(),
    () => torch.fft.fft2(cube, { s: [2, 3], dim: [0, 2], norm: 'forward' }).abs(),
  ],
  fftfreq: [() => torch.fft.fftfreq(5, 0.5), () => torch.fft.fftfreq(5, { d: 0.5 })],
  fftshift: [() => torch.fft.fftshift(x, 1), () => torch.fft.fftshift(x, { dim: [1] })],
  istft: [
    () => torch.istft(spectrum, 4, 2, 4, torch.ones(4), true, false, true, 6),
    () => torch.istft(spectrum, 4, { hopLength: 2, winLength: 4, window: torch.ones(4), onesided: true, length: 6 }),
  ],
  maxPool1dWithIndices: [
    () => torch.maxPool1dWithIndices(x, 2, 1, 1),
    () => torch.maxPool1dWithIndices(x, 2, { stride: 1, padding: 1 }),
  ],
  normExceptDim: [() => torch.normExceptDim(x, 1, 1), () => torch.normExceptDim(x, { pow: 1, dim: 1 })],
  stft: [
    () => torch.stft(x, 2, 1, 2, torch.ones(2), true, 'constant', true, false, true).abs(),
    () =>
      torch
        .stft(x, 2, {
          hopLength: 1,
          winLength: 2,
          window: torch.ones(2),
          padMode: 'constant',
          normalized: true,
          onesided: false,
          returnComplex: true,
        })
        .abs(),
  ],
  flatten: [() => cube.flatten(1, 2), () => cube.flatten({ startDim: 1, endDim: 2 }), () => cube.flatten(1)],
  flip: [() => x.flip(0, 1), () => x.flip([0, 1]), () => x.flip({ dims: [0, 1] })],
  glu: [() => F.glu(cube, 2), () => F.glu(cube, { dim: 2 })],
  hardshrink: [() => F.hardshrink(x, 1), () => F.hardshrink(x, { lambd: 1 })],
  hardtanh: [() => F.hardtanh(x, -2, 3), () => F.hardtanh(x, { minVal: -2, maxVal: 3 })],
  histc: [() => v.histc(4, 0, 4), () => v.histc({ bins: 4, min: 0, max: 4 })],
  histogram: [() => torch.histogram(v, 3), () => torch.histogram(v, { bins: 3 })],
  huberLoss: [() => F.huberLoss(x, y, 'sum', 2), () => F.huberLoss(x, y, { reduction: 'sum', delta: 2 })],
  indexPut: [() => v.indexPut([one()], torch.tensor(5), true), () => v.indexPut([one()], torch.tensor(5), { accumulate: true })],
  isclose: [() => torch.isclose(x, y, 1, 0), () => torch.isclose(x, y, { rtol: 1, atol: 0 })],
  kthvalue: [() => x.kthvalue(2, 1, true), () => x.kthvalue(2, { dim: 1, keepdim: true })],
  leakyRelu: [() => F.leakyRelu(x, 0.5), () => F.leakyRelu(x, { negativeSlope: 0.5 })],
  linear: [() => F.linear(x, y, torch.ones(2)), () => F.linear(x, y, { bias: torch.ones(2) })],
  logit: [() => torch.logit(p, 0.3), () => torch.logit(p, { eps: 0.3 })],
  logSoftmax: [() => x.logSoftmax(0), () => x.logSoftmax({ dim: 0 })],
  logspace: [() => torch.logspace(0, 3, 4, 2), () => torch.logspace(0, 3, 4, { base: 2 })],
  logsumexp: [() => x.logsumexp(1, true), () => x.logsumexp({ dim: 1, keepdim: true })],
  max: [() => x.max(1, true), () => x.max({ dim: 1, keepdim: true }), () => x.max(1, { keepdim: true })],
  mean: [() => x.mean(1, true, { dtype: 'float64' }), () => x.mean({ dim: 1, keepdim: true, dtype: 'float64' })],
  median: [() => x.median(1, true), () => x.median({ dim: 1, keepdim: true })],
  mode: [() => x.mode(1, true), () => x.mode({ dim: 1, keepdim: true })],
  nanToNum: [() => x.div(0).nanToNum(1, 2, 3), () => x.div(0).nanToNum({ nan: 1, posinf: 2, neginf: 3 })],
  norm: [() => x.norm(1, 1, true), () => x.norm({ p: 1, dim: 1, keepdim: true }), () => x.norm(1, { dim: 1, keepdim: true })],
  prod: [() => x.prod(1, true), () => x.prod({ dim: 1, keepdim: true })],
  put: [() => v.put(one(), torch.tensor([5]), true), () => v.put(one(), torch.tensor([5]), { accumulate: true })],
  quantile: [() => x.quantile(0.3, 1, true), () => x.quantile(0.3, { dim: 1, keepdim: true })],
  repeatInterleave: [() => x.repeatInterleave(2, 1), () => x.repeatInterleave(2, { dim: 1 })],
  roll: [() => x.roll(1, 1), () => x.roll(1, { dims: 1 })],
  rot90: [() => cube.rot90(1, [1, 2]), () => cube.rot90({ k: 1, dims: [1, 2] })],
  sliceScatter: [
    () => x.sliceScatter(torch.zeros(2, 1), 1, 1, 2),
    () => x.sliceScatter(torch.zeros(2, 1), { dim: 1, start: 1, end: 2 }),
  ],
  softmax: [() => x.softmax(1), () => x.softmax({ dim: 1 }), () => x.softmax(1, { dtype: 'float32' })],
  softplus: [() => F.softplus(x, 2, 3), () => F.softplus(x, { beta: 2, threshold: 3 })],
  softshrink: [() => F.softshrink(x, 1), () => F.softshrink(x, { lambd: 1 })],
  sort: [() => x.sort(0, true), () => x.sort({ dim: 0, descending: true }), () => x.sort(0, { descending: true, stable: true })],
  split: [() => x.split([1, 2], 1), () => x.split([1, 2], { dim: 1 })],
  squeeze: [() => torch.zeros(1, 2, 1).squeeze(0), () => torch.zeros(1, 2, 1).squeeze({ dim: 0 })],
  stack: [() => torch.stack([x, y], 1), () => torch.stack([x, y], { dim: 1 })],
  std: [
    () => x.std(1, false, true),
    () => x.std({ dim: 1, unbiased: false, keepdim: true }),
    () => x.std(1, { correction: 0, keepdim: true }),
  ],
  stdOfAll: [() => x.std(false), () => x.std({ unbiased: false })],
  sum: [() => x.sum(1, true), () => x.sum({ dim: 1, keepdim: true }), () => x.sum(1, { keepdim: true })],
  takeAlongDim: [() => x.takeAlongDim(x.argsort(1), 1), () => x.takeAlongDim(x.argsort(1), { dim: 1 })],
  tensordot: [() => torch.tensordot(x, y, [[1], [1]]), () => torch.tensordot(x, y, { dims: [[1], [1]] })],
  tensorSplit: [() => x.tensorSplit(2, 1), () => x.tensorSplit(2, { dim: 1 })],
  to: [() => x.to('cpu', 'float64'), () => x.to({ dtype: 'float64' }), () => x.to('float64', false, true)],
  topk: [() => v.topk(2, 0, false), () => v.topk(2, { dim: 0, largest: false })],
  trapezoid: [() => torch.trapezoid(x, y), () => torch.trapezoid(x, { x: y })],
  tril: [() => x.tril(1), () => x.tril({ diagonal: 1 })],
  triu: [() => x.triu(1), () => x.triu({ diagonal: 1 })],
  trilIndices: [() => torch.trilIndices(2, 3, 1), () => torch.trilIndices(2, 3, { offset: 1 })],
  unbind: [() => x.unbind(1), () => x.unbind({ dim: 1 })],
  unique: [() => v.unique(true, true, true), () => v.unique({ returnInverse: true, returnCounts: true })],
  uniqueConsecutive: [() => v.uniqueConsecutive(false, true), () => v.uniqueConsecutive({ returnCounts: true })],
  vander: [() => torch.vander(v, 2, true), () => torch.vander(v, { N: 2, increasing: true })],
  varMean: [() => torch.varMean(x, 1, false), () => torch.varMean(x, { dim: 1, unbiased: false })],
}

const plain = (value: unknown): unknown => {
  if (torch.isTensor(value))
    return { dtype: value.dtype, shape: value.shape, data: Array.from(value.toTypedArray() as Float32Array) }
  if (typeof value === 'object' && value !== null && Symbol.iterator in value)
    return Array.from(value as Iterable<unknown>, plain)
  return value
}

describe('one call in several spellings', () => {
  test.each(Object.entries(calls))('%s', (_, [first, ...others]) => {
    const expected = plain(first())
    for (const other of others) expect(plain(other())).toEqual(expected)
  })
})

test('an unknown name is refused', () => {
  for (const call of [
    // @ts-expect-error no such name
    () => x.sum({ axis: 1 }),
    // @ts-expect-error no such name
    () => x.clamp({ minimum: 1 }),
    // @ts-expect-error no such name
    () => torch.cat([x], { axis: 1 }),
    // @ts-expect-error no such name
    () => x.flatten({ start: 1 }),
    // @ts-expect-error no such name
    () => x.sort({ reverse: true }),
  ])
    expect(call).toThrow(/unexpected keyword argument/)
})

test('a bound of clamp that is NaN', () => {
  const nan = Number.NaN
  const data = torch.tensor([1, -2, nan, 5])
  // Alone it limits nothing; with another bound, as a tensor or in clampMin it makes everything NaN: PyTorch's ways.
  expect(data.clamp({ min: nan }).tolist()).toEqual([1, -2, nan, 5])
  expect(data.clamp({ max: nan }).tolist()).toEqual([1, -2, nan, 5])
  expect(torch.tensor([1n, 2n]).clamp({ min: nan }).dtype).toBe('float32')
  expect(data.clamp(nan, 2).tolist()).toEqual([nan, nan, nan, nan])
  expect(data.clamp(0, nan).tolist()).toEqual([nan, nan, nan, nan])
  expect(data.clampMin(nan).tolist()).toEqual([nan, nan, nan, nan])
  expect(data.clamp({ min: torch.tensor([0, nan, nan, 0]) }).tolist()).toEqual([1, nan, nan, 5])
  const leaf = torch.tensor([1, -2], { requiresGrad: true })
  leaf.clamp({ min: nan }).sum().backward()
  expect(leaf.grad!.tolist()).toEqual([0, 0])
})
