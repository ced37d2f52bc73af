/** The edges of every op: no elements, no dimensions, NaN and infinity, and calls that must fail. Answers are PyTorch's. */

import { describe, expect, it } from 'vitest'
import type { Tensor } from '../../src/index.js'
import * as torch from '../../src/index.js'
import { onReference, sample } from '../support/samples.js'
import { type Case, table } from '../support/table.js'

const { conv2d, tensor, zeros } = torch
const nan = Number.NaN
const inf = Number.POSITIVE_INFINITY
const none = (...shape: number[]): Tensor => zeros(shape, { dtype: 'int64' })
const indices = (...values: number[]): Tensor => tensor(values, { dtype: 'int64' })
const at = (index: number): Tensor => tensor(index, { dtype: 'int64' })

type Answer = [call: () => Tensor | Iterable<Tensor>, ...values: unknown[]]
const listOf = (out: Tensor | Iterable<Tensor>): Tensor[] => (out instanceof torch.Tensor ? [out] : [...out])

/** Each row: a call and what PyTorch's result is as a list, or several. */
function answers(rows: Record<string, Answer>, digits = 6): void {
  it.each(Object.keys(rows))('%s', (name) => {
    const [call, ...expected] = rows[name]
    const round = (v: unknown): unknown =>
      Array.isArray(v) ? v.map(round) : typeof v === 'number' && Number.isFinite(v) ? Number(v.toFixed(digits)) : v
    expect(listOf(call()).map((t) => round(t.tolist()))).toEqual(expected)
  })
}
/** Each row: a call, the kind of error, and the words it says. */
function refusals(rows: Record<string, [call: () => unknown, kind: typeof Error, words: string]>): void {
  it.each(Object.keys(rows))('%s', (name) => {
    const [call, kind, words] = rows[name]
    expect(call).toThrow(kind)
    expect(call).toThrow(words)
  })
}

describe('no elements', () => {
  // The first input's first or last size becomes 0, and with it the sizes of the others that equal it in the same place.
  const emptied = {
    first: (shape: readonly number[], first: readonly number[]) => shape.map((s, d) => (d === 0 && s === first[0] ? 0 : s)),
    last: (shape: readonly number[], first: readonly number[]) =>
      shape.map((s, d) => (d === shape.length - 1 && s === first.at(-1) ? 0 : s)),
  }
  const outcome = ({ run, differentiable }: Case, args: readonly Tensor[]): unknown => {
    try {
      for (const x of args) if (differentiable && x.isFloatingPoint()) x.requiresGrad = true
      const outputs = listOf(run(...args))
      const summed = outputs.find((t) => t.requiresGrad)
      summed?.sum().backward()
      const grads = args.map((x) => x.grad && [x.grad.shape, x.grad.tolist()])
      return { outputs: outputs.map((t) => [t.dtype, t.shape, t.tolist()]), grads }
    } catch (error) {
      return String(error)
    }
  }
  it.each(table)('$name', (op) => {
    for (const empty of Object.values(emptied))
      for (const dtype of op.dtypes) {
        const inputs = op.inputs.map((spec, i) =>
          sample(empty(spec.shape, op.inputs[0].shape), spec.dtype ?? dtype, spec.domain, i + 1),
        )
        const got = outcome(op, inputs)
        expect(got, `${dtype} ${inputs.map((x) => `[${x.shape}]`)}`).toEqual(outcome(op, inputs.map(onReference)))
        // Whatever does not fit is refused before a kernel sees it.
        if (typeof got === 'string') expect(got).not.toMatch(/TypeError|not implemented for these|undefined|NaN/)
      }
  })

  const lines = zeros(0, 3)
  answers({
    sum: [() => lines.sum(), 0],
    'sum of dim 0': [() => lines.sum(0), [0, 0, 0]],
    'sum of dim 1': [() => lines.sum(1), []],
    mean: [() => lines.mean(0), [nan, nan, nan]],
    prod: [() => lines.prod(), 1],
    'max of the other dim': [() => lines.max(1), [], []],
    'argmax of the other dim': [() => lines.argmax(1), []],
    any: [() => lines.any(), false],
    all: [() => lines.all(0), [true, true, true]],
    var: [() => zeros(0).var(), nan],
    std: [() => zeros(0, 2).std(0), [nan, nan]],
    logsumexp: [() => zeros(0, 2).logsumexp(0), [-inf, -inf]],
    'matmul over nothing': [() => zeros(2, 0).matmul(zeros(0, 2)), [[0, 0], [0, 0]]], // biome-ignore format: a row
    'bmm over nothing': [() => torch.bmm(zeros(1, 2, 0), zeros(1, 0, 2)), [[[0, 0], [0, 0]]]], // biome-ignore format: a row
    dot: [() => zeros(0).dot(zeros(0)), 0],
    'addmm over nothing': [() => torch.ones(2).addmm(zeros(3, 0), zeros(0, 2)), [[1, 1], [1, 1], [1, 1]]], // biome-ignore format: a row
    nllLoss: [() => torch.nllLoss(lines, none(0)), nan],
    'nllLoss sum': [() => torch.nllLoss(lines, none(0), { reduction: 'sum' }), 0],
    'nllLoss none': [() => torch.nllLoss(lines, none(0), { reduction: 'none' }), []],
    crossEntropy: [() => torch.crossEntropy(lines, none(0)), nan],
    'crossEntropy of probabilities': [() => torch.crossEntropy(lines, lines), nan],
    gather: [() => torch.ones(3, 2).gather(0, none(0, 2)), []],
    indexSelect: [() => torch.ones(3, 2).indexSelect(1, none(0)), [[], [], []]],
    scatterAdd: [() => torch.ones(2).scatterAdd(0, none(0), zeros(0)), [1, 1]],
    indexAdd: [() => torch.ones(2).indexAdd(0, none(0), zeros(0)), [1, 1]],
    cat: [() => torch.cat([lines, torch.ones(1, 3), zeros(0)]), [[1, 1, 1]]],
    stack: [() => torch.stack([zeros(0), zeros(0)]), [[], []]],
    unbind: [() => zeros(0, 2).unbind(1), [], []],
    nonzero: [() => lines.nonzero(), []],
    reshape: [() => lines.reshape(2, 0), [[], []]],
    where: [() => torch.where(zeros(0, 1).gt(0), lines, zeros(3)), []],
    linspace: [() => torch.linspace(0, 1, 0), []],
    arange: [() => torch.arange(0), []],
    eye: [() => torch.eye(0), []],
    randperm: [() => torch.randperm(0), []],
  })
  it('keeps the shape', () => {
    expect(conv2d(zeros(0, 2, 5, 5), zeros(3, 2, 3, 3)).shape).toEqual([0, 3, 3, 3])
    expect(torch.maxPool2d(zeros(0, 2, 4, 4), 2).shape).toEqual([0, 2, 2, 2])
    expect(torch.nn.functional.avgPool2d(zeros(0, 2, 4, 4), 2).shape).toEqual([0, 2, 2, 2])
    expect(torch.linear(zeros(0, 3), zeros(2, 3), zeros(2)).shape).toEqual([0, 2])
    expect(torch.embedding(none(0, 2), zeros(3, 4)).shape).toEqual([0, 2, 4])
    expect(lines.softmax(0).shape).toEqual([0, 3])
    expect(lines.nonzero().shape).toEqual([0, 2])
  })
  refusals({
    max: [() => zeros(0).max(), Error, 'max(): Expected reduction dim to be specified for input.numel() == 0. Specify the'],
    'max of an empty dim': [() => lines.max(0), RangeError, 'max(): Expected reduction dim 0 to have non-zero size.'],
    'amax of an empty dim': [() => zeros(0).amax(0), RangeError, 'amax(): Expected reduction dim 0 to have non-zero size.'],
    argmax: [() => zeros(0).argmax(), RangeError, 'argmax(): Expected reduction dim to be specified for input.numel() == 0.'],
    'an ambiguous reshape': [() => lines.reshape(0, -1), Error, 'cannot reshape tensor of 0 elements into shape [0, -1]'],
    'no output channels': [() => conv2d(zeros(2, 2, 5, 5), zeros(0, 2, 3, 3)), Error, 'to be at least 1 at dimension 0'],
    'no rows to convolve': [() => conv2d(zeros(2, 2, 0, 5), zeros(3, 2, 1, 1)), Error, 'input size per channel: (0 x 5)'],
    'no rows to pool': [() => torch.maxPool2d(zeros(1, 1, 0, 4), 2), Error, 'with optional 0 dim batch size for input'],
    'an index into nothing': [
      () => lines.gather(0, none(1, 3)),
      RangeError,
      'index 0 is out of bounds for dimension 0 with size 0',
    ],
    'a bad index where nothing is read': [() => lines.indexSelect(1, indices(3)), RangeError, 'index 3 is out of bounds'],
    item: [() => zeros(0).item(), Error, 'a Tensor with 0 elements cannot be converted to Scalar'],
  })
})

describe('no dimensions', () => {
  const three = tensor(3)
  answers({
    sum: [() => three.sum(0), 3],
    max: [() => three.max(0), 3, 0],
    argmax: [() => three.argmax(-1), 0],
    softmax: [() => three.softmax(0), 1],
    logSoftmax: [() => three.logSoftmax(-1), 0],
    var: [() => three.var(), nan],
    logsumexp: [() => three.logsumexp(0), 3],
    any: [() => three.any(0), true],
    prod: [() => three.prod(0), 3],
    gather: [() => three.gather(0, at(0)), 3],
    'gather by a 1-d index': [() => three.gather(0, indices(0, 0)), [3, 3]],
    'gather from 1-d by a 0-d index': [() => tensor([1, 2]).gather(0, at(1)), 2],
    indexSelect: [() => three.indexSelect(0, indices(0)), 3],
    'indexSelect from 1-d by a 0-d index': [() => tensor([1, 2]).indexSelect(0, at(1)), [2]],
    scatterAdd: [() => three.scatterAdd(0, at(0), tensor(2)), 5],
    'scatterAdd into 1-d': [() => tensor([1, 2]).scatterAdd(0, at(1), tensor(5)), [1, 7]],
    indexAdd: [() => three.indexAdd(0, at(0), tensor(2)), 5],
    embedding: [() => torch.embedding(at(1), tensor([[1, 2], [3, 4]])), [3, 4]], // biome-ignore format: a row
    'nonzero asTuple': [() => torch.nonzero(three, { asTuple: true }), [0]],
    stack: [() => torch.stack([three, three]), [3, 3]],
    flatten: [() => three.flatten(), [3]],
    expand: [() => three.expand(2, 2), [[3, 3], [3, 3]]], // biome-ignore format: a row
    transpose: [() => three.transpose(0, -1), 3],
    nllLoss: [() => torch.nllLoss(tensor([0.5, 0.25]), at(1)), -0.25],
    crossEntropy: [() => torch.crossEntropy(tensor([0.1, 0.2]), at(1)), 0.644397],
    where: [() => torch.where(tensor(true), three, tensor(1)), 3],
  })
  it('keeps the shape', () => {
    expect([three.nonzero().shape, tensor(0).nonzero().shape]).toEqual([[1, 0], [0, 0]]) // biome-ignore format: a row
  })
  refusals({
    cat: [() => torch.cat([three, three]), Error, 'zero-dimensional tensor (at position 0) cannot be concatenated'],
    select: [() => three.select(0, 0), RangeError, 'select() cannot be applied to a 0-dim tensor.'],
    split: [() => three.split(1), Error, 'split expects at least a 1-dimensional tensor'],
    matmul: [() => three.matmul(three), Error, 'both arguments to matmul need to be at least 1D, but they are 0D and 0D'],
    'sum of dim 1': [() => three.sum(1), RangeError, 'Dimension out of range (expected to be in range of [-1, 0], but got 1)'],
    'two indices': [() => three.indexSelect(0, indices(0, 0)), Error, 'Index to scalar can have only 1 value'],
  })
  it.skipIf(torch.backend.engine === 'reference')('refuses more dimensions than kernels have room for', () => {
    const deep = zeros(new Array<number>(65).fill(1))
    expect(() => deep.softmax(0)).toThrow('only tensors with up to 64 dims are supported')
    expect(deep.add(1).ndim).toBe(65)
  })
})

describe('NaN and infinity', () => {
  const a = tensor([1, nan, 3, inf, -inf])
  const b = tensor([[1, nan, 2], [inf, 3, -inf], [nan, nan, 1], [-inf, -inf, -inf]]) // biome-ignore format: a row each
  const odd = tensor([nan, inf, -inf])
  const image = tensor([[[[1, nan, 2, 3], [4, 5, -inf, -inf], [-inf, -inf, inf, 1], [-inf, -inf, 2, nan]]]]) // biome-ignore format: a row each
  const nans = [nan, nan, nan]
  answers({
    max: [() => a.max(), nan],
    min: [() => a.min(), nan],
    'max of dim 1': [() => b.max(1), [nan, inf, nan, -inf], [1, 0, 0, 0]],
    'min of dim 1': [() => b.min(1), [nan, -inf, nan, -inf], [1, 2, 0, 0]],
    'max of dim 0': [() => b.max(0), [nan, nan, 2], [2, 0, 0]],
    amin: [() => b.amin(0), [nan, nan, -inf]],
    argmax: [() => b.argmax(), 1],
    'argmin of dim 1': [() => b.argmin(1), [1, 2, 0, 0]],
    maximum: [() => torch.maximum(a, tensor(2)), [2, nan, 3, inf, 2]],
    minimum: [() => torch.minimum(tensor(2), a), [1, nan, 2, 2, -inf]],
    fmax: [() => torch.fmax(a, tensor(2)), [2, 2, 3, inf, 2]],
    fmin: [() => torch.fmin(a, tensor(2)), [1, 2, 2, 2, -inf]],
    softmax: [() => b.softmax(1), [nans, nans, nans, nans]],
    'softmax of dim 0': [() => b.softmax(0), [[nan, nan, 0.731059], [nan, nan, 0], [nan, nan, 0.268941], [nan, nan, 0]]], // biome-ignore format: a row
    'softmax beside -inf': [() => tensor([-inf, 0, 0]).softmax(0), [0, 0.5, 0.5]],
    logSoftmax: [() => tensor([-inf, 0]).logSoftmax(0), [-inf, 0]],
    logsumexp: [() => b.logsumexp(1), [nan, inf, nan, -inf]],
    'logsumexp of inf': [() => tensor([inf, 1]).logsumexp(0), inf],
    relu: [() => a.relu(), [1, nan, 3, inf, 0]],
    clamp: [() => a.clamp(0, 2), [1, nan, 2, 2, 0]],
    'clamp with crossed bounds': [() => a.clamp(2, 0), [0, nan, 0, 0, 0]],
    sum: [() => b.sum(1), [nan, nan, nan, -inf]],
    mean: [() => b.mean(0), [nan, nan, -inf]],
    prod: [() => b.prod(1), [nan, -inf, nan, -inf]],
    var: [() => tensor([1, inf]).var(), nan],
    any: [() => tensor([nan]).any(), true],
    all: [() => tensor([nan, 0]).all(), false],
    maxPool2d: [() => torch.maxPool2d(image, 2, { returnIndices: true }), [[[[nan, 3], [-inf, nan]]]], [[[[1, 3], [8, 15]]]]], // biome-ignore format: a row
    'maxPool2d of -inf': [
      () => torch.maxPool2d(torch.full([1, 1, 3, 3], -inf), 2, { padding: 1, returnIndices: true }),
      [[[[-inf, -inf], [-inf, -inf]]]], // biome-ignore format: a row
      [[[[0, 1], [3, 4]]]], // biome-ignore format: a row
    ],
    'maxPool2d of several NaN': [() => torch.maxPool2d(tensor([[[[nan, nan], [nan, 1]]]]), 2, { returnIndices: true }), [[[[nan]]]], [[[[2]]]]], // biome-ignore format: a row
    matmul: [() => tensor([[0, 1]]).matmul(tensor([[inf], [2]])), [[nan]]],
    conv2d: [() => conv2d(tensor([[[[1, nan, 0, 0]]]]), zeros(1, 1, 1, 2)), [[[[nan, nan, 0]]]]],
    sign: [() => a.sign(), [1, 0, 1, 1, -1]],
    round: [() => tensor([0.5, 1.5, 2.5, nan, inf]).round(), [0, 2, 2, nan, inf]],
    'to bool': [() => tensor([nan]).to('bool'), [true]],
    eq: [() => a.eq(a), [true, false, true, true, true]],
    lt: [() => a.lt(nan), [false, false, false, false, false]],
    nllLoss: [() => torch.nllLoss(b, indices(0, 1, 2, 0), { reduction: 'none' }), [-1, -3, -1, inf]],
    gelu: [() => torch.gelu(odd), [nan, inf, nan]],
    silu: [() => torch.silu(odd), [nan, inf, nan]],
    leakyRelu: [() => torch.leakyRelu(odd, 0.1), [nan, inf, -inf]],
    tanh: [() => odd.tanh(), [nan, 1, -1]],
    sigmoid: [() => odd.sigmoid(), [nan, 1, 0]],
    'pow 0': [() => tensor([nan, 0, inf]).pow(0), [1, 1, 1]],
    '1 to NaN': [() => tensor([1]).pow(nan), [1]],
    remainder: [() => tensor([1, -1, inf]).remainder(inf), [1, inf, nan]],
    'floor of a quotient by 0': [() => tensor([1, -1, 0]).div(0, { roundingMode: 'floor' }), [inf, -inf, nan]],
    'atan2 of zeros': [
      () =>
        tensor([0, -0])
          .atan2(tensor([-0, -0]))
          .sign(),
      [1, -1],
    ],
    maskedFill: [() => a.maskedFill(a.isinf(), 0), [1, nan, 3, 0, 0]],
  })
  const gradient = (f: (x: Tensor) => Tensor, values: unknown): (() => Tensor) => {
    return () => {
      const x = tensor(values as number[], { requiresGrad: true })
      f(x).backward()
      return x.grad!
    }
  }
  describe('in gradients', () =>
    answers({
      relu: [gradient((x) => x.relu().sum(), [1, nan, 3, inf, -inf]), [1, 1, 1, 1, 0]],
      clamp: [gradient((x) => x.clamp(0, 2).sum(), [-1, 0, 1, 2, 3, nan]), [0, 1, 1, 1, 0, 0]],
      amax: [gradient((x) => x.amax(), [1, nan, nan]), [nan, nan, nan]],
      max: [gradient((x) => x.max(0).values, [1, nan, nan]), [0, 1, 0]],
      'prod of a zero': [gradient((x) => x.prod(), [0, 2, 3]), [6, 0, 0]],
      sqrt: [gradient((x) => x.sqrt().sum(), [0]), [inf]],
      std: [gradient((x) => x.std(), [1, 1]), [0, 0]],
      maxPool2d: [gradient((x) => torch.maxPool2d(x, 2).sum(), [[[[nan, nan], [nan, 1]]]]), [[[[0, 0], [1, 0]]]]], // biome-ignore format: a row
      where: [gradient((x) => torch.where(x.gt(0), x, zeros([])).sum(), [nan, 1]), [0, 1]],
    }))
})

describe('the ends of the integers', () => {
  const lowest = { int32: tensor([-(2 ** 31)], { dtype: 'int32' }), int64: tensor([-(2n ** 63n)], { dtype: 'int64' }) }
  it.each(['int32', 'int64'] as const)('%s wraps', (dtype) => {
    const x = lowest[dtype]
    for (const y of [x.div(-1, { roundingMode: 'trunc' }), x.div(-1, { roundingMode: 'floor' }), x.abs(), x.neg()])
      expect(y.toTypedArray()).toEqual(x.toTypedArray())
    for (const y of [x.remainder(-1), x.fmod(-1), x.add(x), x.mul(2)]) expect(y.tolist()).toEqual([0])
    // The processor takes the count modulo the width, and PyTorch leaves it at that.
    expect(tensor([1], { dtype }).bitwiseLeftShift(70).tolist()).toEqual([64])
    expect(tensor([-8], { dtype }).bitwiseRightShift(70).tolist()).toEqual([-1])
  })
  refusals({
    'division by 0': [() => indices(1).div(0, { roundingMode: 'trunc' }), Error, 'ZeroDivisionError'],
    'remainder by 0': [() => indices(1).remainder(0), Error, 'ZeroDivisionError'],
  })
})

describe('what does not fit', () => {
  /** Calls with a tensor that they must leave as it was: its values and its version. */
  const untouched = (make: () => Tensor, call: (x: Tensor) => unknown, kind: typeof Error, words: string): (() => void) => {
    return () => {
      const x = make()
      const [before, version] = [x.tolist(), x.storage.version]
      expect(() => call(x)).toThrow(kind)
      expect(() => call(x)).toThrow(words)
      expect(x.tolist()).toEqual(before)
      expect(x.storage.version).toBe(version)
    }
  }
  const matrix = (): Tensor => torch.arange(12).float().view(3, 4)
  const whole = (): Tensor => torch.arange(3)
  const rows: Record<string, Parameters<typeof untouched>> = {
    'in place, a larger shape': [matrix, (x) => x.add_(zeros(2, 3, 4)), Error, "output with shape [3, 4] doesn't match the broadcast shape [2, 3, 4]"],
    'in place, another shape': [matrix, (x) => x.mul_(zeros(3)), Error, 'The size of tensor a (4) must match the size of tensor b (3) at non-singleton dimension 1'],
    'in place, a float into integers': [whole, (x) => x.add_(zeros(3)), Error, "result type Float can't be cast to the desired output type Long"],
    'in place, a quotient of integers': [whole, (x) => x.div_(2), Error, "result type Float can't be cast to the desired output type Long"],
    'in place, exp of integers': [whole, (x) => x.exp_(), Error, "result type Float can't be cast to the desired output type Long"],
    'in place, expanded': [matrix, (x) => x.select(0, 0).expand(2, 4).add_(1), Error, 'more than one element of the written-to tensor refers to a single memory location'],
    'copy_': [matrix, (x) => x.copy_(zeros(3)), Error, 'The size of tensor a (4) must match the size of tensor b (3)'],
    'addcmul_': [matrix, (x) => x.addcmul_(zeros(3), zeros(4)), Error, 'must match'],
    'lerp_': [matrix, (x) => x.lerp_(zeros(3), 0.5), Error, 'must match'],
    'maskedFill_': [matrix, (x) => x.maskedFill_(zeros(4), 1), Error, 'only supports boolean masks'],
    matmul: [matrix, (x) => x.matmul(x), Error, 'mat1 and mat2 shapes cannot be multiplied (3x4 and 3x4)'],
    'conv2d channels': [() => zeros(1, 3, 5, 5), (x) => conv2d(x, zeros(2, 4, 3, 3)), Error, 'expected input[1, 3, 5, 5] to have 4 channels, but got 3 channels instead'],
    'conv2d bias': [() => zeros(1, 2, 5, 5), (x) => conv2d(x, zeros(2, 2, 3, 3), zeros(3)), Error, 'expected bias to be 1-dimensional with 2 elements, but got bias of size [3] instead'],
    'conv2d groups': [() => zeros(1, 4, 4, 4), (x) => conv2d(x, zeros(3, 2, 3, 3), null, { groups: 2 }), Error, 'expected weight to be divisible by 2 at dimension 0'],
    'conv2d kernel': [() => zeros(1, 2, 2, 2), (x) => conv2d(x, zeros(2, 2, 3, 3)), Error, "Kernel size can't be greater than actual input size"],
    'conv2d rank': [matrix, (x) => conv2d(x, zeros(2, 2, 3, 3)), Error, 'Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [3, 4]'],
    'maxPool2d of bools': [() => zeros([1, 1, 4, 4], { dtype: 'bool' }), (x) => torch.maxPool2d(x, 2), Error, `"max_pool2d" not implemented for 'Bool'`],
    'maxPool2d window': [() => zeros(1, 1, 1, 1), (x) => torch.maxPool2d(x, 2), Error, 'Output size is too small'],
    'avgPool2d of int32': [() => zeros([1, 1, 4, 4], { dtype: 'int32' }), (x) => torch.nn.functional.avgPool2d(x, 2), Error, `"avg_pool2d" not implemented for 'Int'`],
    'softmax of integers': [whole, (x) => x.softmax(0), Error, "not implemented for 'Long'"],
    'mean of integers': [whole, (x) => x.mean(), Error, 'mean(): could not infer output dtype'],
    'nllLoss dtype': [matrix, (x) => torch.nllLoss(x, zeros(3)), Error, 'expected scalar type Long but found Float'],
    'nllLoss batch': [matrix, (x) => torch.nllLoss(x, indices(0)), Error, 'Expected input batch_size (3) to match target batch_size (1).'],
    'gather dtype': [matrix, (x) => x.gather(0, zeros(1, 4)), Error, 'gather(): Expected dtype int64 for index'],
    'gather rank': [matrix, (x) => x.gather(0, indices(0)), Error, 'Index tensor must have the same number of dimensions as input tensor'],
    'scatterAdd dtype': [matrix, (x) => x.scatterAdd(0, none(1, 4), zeros([1, 4], { dtype: 'float64' })), Error, 'scatter(): Expected self.dtype to be equal to src.dtype'],
    'indexAdd size': [matrix, (x) => x.indexAdd(0, indices(1, 1), zeros(1, 4)), Error, 'index_add_(): Number of indices (2) should be equal to source.size(dim): (1), for dim: 0'],
    cat: [matrix, (x) => torch.cat([x, zeros(3, 3)]), Error, 'Sizes of tensors must match except in dimension 0. Expected size 4 but got size 3 for tensor number 1 in the list.'],
    reshape: [matrix, (x) => x.reshape(5, 2), Error, "shape '[5, 2]' is invalid for input of size 12"],
    view: [matrix, (x) => x.t().view(12), Error, "view size is not compatible with input tensor's size and stride"],
    expand: [matrix, (x) => x.expand(4, 4), Error, 'The expanded size of the tensor (4) must match the existing size (3) at non-singleton dimension 0.'],
    'sum twice': [matrix, (x) => x.sum([0, 0]), Error, 'dim 0 appears multiple times in the list of dims'],
    where: [matrix, (x) => torch.where(x, x, x), Error, 'where expected condition to be a boolean tensor, but got a tensor with dtype Float'],
    'minus bools': [() => zeros([2], { dtype: 'bool' }), (x) => x.sub(x), TypeError, 'with two bool tensors is not supported'],
    // Indices are data: the kernel checks them all before it writes.
    gather: [matrix, (x) => x.gather(0, indices(0, 0, 0, 3).view(1, 4)), RangeError, 'index 3 is out of bounds for dimension 0 with size 3'],
    'gather, negative': [matrix, (x) => x.gather(1, none(3, 1).sub(1)), RangeError, 'index -1 is out of bounds for dimension 1 with size 4'],
    indexSelect: [matrix, (x) => x.indexSelect(1, indices(0, 4)), RangeError, 'index 4 is out of bounds for dimension 1 with size 4'],
    embedding: [matrix, (x) => torch.embedding(indices(1, -1), x), RangeError, 'index -1 is out of bounds for dimension 0 with size 3'],
    scatterAdd: [matrix, (x) => x.scatterAdd(0, indices(0, 1, 2, 3).view(1, 4), torch.ones(1, 4)), RangeError, 'index 3 is out of bounds for dimension 0 with size 3'],
    indexAdd: [matrix, (x) => x.indexAdd(0, indices(0, 3), torch.ones(2, 4)), RangeError, 'index 3 is out of bounds for dimension 0 with size 3'],
    nllLoss: [matrix, (x) => torch.nllLoss(x, indices(0, 1, 4)), RangeError, 'Target 4 is out of bounds.'],
    crossEntropy: [matrix, (x) => torch.crossEntropy(x, indices(0, -1, 1)), RangeError, 'Target -1 is out of bounds.'],
  } // biome-ignore format: a table reads better in rows
  it.each(Object.keys(rows))('%s', (name) => untouched(...rows[name])())
  refusals({
    'a negative size': [() => zeros(-1), Error, 'Trying to create tensor with negative dimension -1: [-1]'],
    'more bytes than there are': [() => zeros(2 ** 40, 2 ** 20), RangeError, 'Storage size calculation overflowed'],
  })
})
