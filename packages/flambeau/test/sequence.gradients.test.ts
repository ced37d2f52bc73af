/** First and second derivatives of normalisation, recurrent layers and attention; errors and options of theirs. */

import { describe, expect, test } from 'vitest'
import * as torch from '../src/index.js'
import { autograd, nn, type Tensor } from '../src/index.js'

const F = nn.functional
torch.manualSeed(4)
const leaf = (...shape: number[]): Tensor => torch.randn(...shape, { dtype: 'float64', requiresGrad: true })
const check = (run: (...inputs: Tensor[]) => Tensor | Tensor[], inputs: Tensor[]): void => {
  expect(autograd.gradcheck(run, inputs)).toBe(true)
  expect(autograd.gradgradcheck(run, inputs)).toBe(true)
}
const ones = (n: number): Tensor => torch.ones(n, { dtype: 'float64' })

describe('gradients of normalisations', () => {
  test.each<[string, (...inputs: Tensor[]) => Tensor, number[][]]>([
    ['batchNorm', (x, w, b) => F.batchNorm(x, null, null, w, b, true), [[3, 2, 4], [2], [2]]],
    [
      'batchNorm of a transposed input',
      (x, w, b) => F.batchNorm(x.transpose(0, 1), null, null, w, b, true),
      [[2, 3, 4], [2], [2]],
    ],
    ['batchNorm, evaluated', (x, w, b) => F.batchNorm(x, ones(2), ones(2).mul(3), w, b), [[4, 2], [2], [2]]],
    ['batchNorm, bias alone', (x, b) => F.batchNorm(x, null, null, { bias: b, training: true }), [[4, 2], [2]]],
    ['instanceNorm', (x, w, b) => F.instanceNorm(x, { weight: w, bias: b }), [[2, 2, 4], [2], [2]]],
    ['groupNorm', (x, w, b) => F.groupNorm(x, 2, w, b), [[2, 4, 3], [4], [4]]],
    ['groupNorm of single elements', (x, w) => F.groupNorm(x, 2, { weight: w }), [[3, 4], [4]]],
    [
      'layerNorm',
      (x, w, b) => F.layerNorm(x, [3, 2], w, b),
      [
        [4, 3, 2],
        [3, 2],
        [3, 2],
      ],
    ],
    ['rmsNorm', (x, w) => F.rmsNorm(x, [3], w), [[4, 3], [3]]],
  ])('%s', (_, run, shapes) => {
    check(
      run,
      shapes.map((shape) => leaf(...shape)),
    )
  })
})

describe('gradients of recurrent layers', () => {
  const options = { dtype: 'float64' } as const
  test.each<[string, () => nn.RNN | nn.GRU | nn.LSTM]>([
    ['RNN', () => new nn.RNN(3, 2, { ...options, bidirectional: true })],
    ['RNN with relu', () => new nn.RNN(3, 2, { ...options, nonlinearity: 'relu', numLayers: 2 })],
    ['GRU', () => new nn.GRU(3, 2, { ...options, numLayers: 2 })],
    ['GRU without bias', () => new nn.GRU(3, 2, { ...options, bias: false, bidirectional: true })],
    ['LSTM', () => new nn.LSTM(3, 2, { ...options, bidirectional: true })],
    ['LSTM with projection', () => new nn.LSTM(3, 3, { ...options, projSize: 2 })],
  ])('%s', (_, make) => {
    const module = make()
    const count = module.numLayers * (module.bidirectional ? 2 : 1)
    const states = [leaf(count, 3, module.projSize || module.hiddenSize)]
    if (module instanceof nn.LSTM) states.push(leaf(count, 3, module.hiddenSize))
    const run =
      (isPacked: boolean) =>
      (x: Tensor, h: Tensor, c?: Tensor): Tensor[] => {
        const { packPaddedSequence, padPackedSequence, PackedSequence } = nn.utils.rnn
        const input = isPacked ? packPaddedSequence(x, [2, 3, 1], { enforceSorted: false }) : x
        const [out, last] = module.forward(input, (c ? [h, c] : h) as never)
        return [out instanceof PackedSequence ? padPackedSequence(out)[0] : out, last].flat()
      }
    check(run(false), [leaf(3, 3, 3), ...states])
    check(run(true), [leaf(3, 3, 3), ...states])
    // With respect to the parameters, which gradcheck changes in place.
    const [x, h, c] = [leaf(2, 3, 3), ...states].map((t) => t.detach())
    check(() => run(false)(x, h, c), module.parameters())
  })
})

test('gradients of attention', () => {
  const mask = torch.tensor([
    [true, false, true],
    [true, true, true],
  ])
  check((q, k, v) => F.scaledDotProductAttention(q, k, v, mask), [leaf(2, 2, 4), leaf(2, 3, 4), leaf(2, 3, 5)])
  check((q, k, v) => F.scaledDotProductAttention(q, k, v, { isCausal: true, scale: 0.3 }), [leaf(3, 4), leaf(3, 4), leaf(3, 4)])
})

test('masks of bools and of numbers say the same', () => {
  const [q, k, v] = [torch.randn(2, 5, 4), torch.randn(2, 3, 4), torch.randn(2, 3, 4)]
  const seen = torch.rand(5, 3).gt(0.3).logicalOr(torch.eye(5, 3).bool())
  const added = torch.zeros(5, 3).maskedFill(seen.logicalNot(), Number.NEGATIVE_INFINITY)
  const [a, b] = [seen, added].map((mask) => F.scaledDotProductAttention(q, k, v, mask))
  expect(a.tolist()).toEqual(b.tolist())
})

describe('arguments', () => {
  const x = torch.ones(2, 4, 3)
  test.each<[string, () => unknown, string]>([
    ['batchNorm evaluated', () => F.batchNorm(x, null, null), 'running_mean must be defined in evaluation mode'],
    ['batchNorm sizes', () => F.batchNorm(x, torch.ones(3), torch.ones(4)), 'running_mean should contain 4 elements not 3'],
    ['batchNorm of one value', () => new nn.BatchNorm1d(4)(torch.ones(1, 4)), 'got input size torch.Size([1, 4])'],
    [
      'batchNorm of integers',
      () => F.batchNorm(x.int(), null, null, { training: true }),
      '"batch_norm" not implemented for \'Int\'',
    ],
    [
      'batchNorm dtypes',
      () => F.batchNorm(x, null, null, { weight: ones(4), training: true }),
      'expected scalar type Float but found Double',
    ],
    ['instanceNorm', () => F.instanceNorm(torch.ones(4, 5, 1)), 'Expected more than 1 spatial element when training'],
    ['groupNorm', () => F.groupNorm(x, 3), 'Expected number of channels in input to be divisible by num_groups'],
    [
      'layerNorm',
      () => F.layerNorm(x, [4]),
      'Given normalized_shape=[4], expected input with shape [*, 4], but got input of size[2, 4, 3]',
    ],
    ['layerNorm options', () => F.layerNorm(x, [3], { epsilon: 1 } as never), "unexpected keyword argument 'epsilon'"],
    ['BatchNorm2d dims', () => new nn.BatchNorm2d(3)(x), 'expected 4D input (got 3D input)'],
    ['SyncBatchNorm', () => new nn.SyncBatchNorm(3)(x), 'not implemented: SyncBatchNorm in training'],
    ['GroupNorm', () => new nn.GroupNorm(3, 4), 'num_channels must be divisible by num_groups'],
    ['RNN features', () => new nn.RNN(4, 5)(x), 'input.size(-1) must be equal to input_size. Expected 4, got 3'],
    ['RNN dims', () => new nn.RNN(3, 5)(torch.ones(3)), 'input must have 3 dimensions, got 2'],
    ['RNN options', () => new nn.RNN(3, 5, { projSize: 2 } as never), "unexpected keyword argument 'projSize'"],
    ['GRU state', () => new nn.GRU(3, 5)(x, torch.ones(2, 4, 5)), 'Expected hidden size (1, 4, 5), got [2, 4, 5]'],
    [
      'LSTM state',
      () => new nn.LSTM(3, 5)(x, [torch.ones(1, 4, 5), torch.ones(1, 4, 6)]),
      'Expected hidden[1] size (1, 4, 5), got [1, 4, 6]',
    ],
    [
      'LSTM ranks',
      () => new nn.LSTM(3, 5)(x, [torch.ones(4, 5), torch.ones(4, 5)]),
      'hx and cx should also be 3-D but got (2-D, 2-D) tensors',
    ],
    ['LSTM dtypes', () => new nn.LSTM(3, 5)(x.double()), 'expected scalar type Double but found Float'],
    ['LSTMCell', () => new nn.LSTMCell(4, 5)(torch.ones(2, 3)), 'input has inconsistent input_size: got 3 expected 4'],
    ['lengths', () => nn.utils.rnn.packPaddedSequence(x, [1, 2, 1, 1]), '`lengths` array must be sorted in decreasing order'],
    ['lengths of none', () => nn.utils.rnn.packPaddedSequence(x, [1, 1, 1, 0]), 'Length of all samples has to be greater than 0'],
    ['attention heads', () => new nn.MultiheadAttention(5, 2), 'embed_dim must be divisible by num_heads'],
    [
      'attention options',
      () => new nn.MultiheadAttention(4, 2)(x, x, x, { isCausal: true } as never),
      "unexpected keyword argument 'isCausal'",
    ],
    [
      'attention mask',
      () => F.scaledDotProductAttention(x, x, x, { attnMask: x, isCausal: true }),
      'Explicit attn_mask should not be set',
    ],
    [
      'activation',
      () => new nn.TransformerEncoderLayer(4, 2, { activation: 'tanh' as never }),
      'activation should be relu/gelu, not tanh',
    ],
  ])('%s', (_, run, message) => {
    expect(run).toThrow(message)
  })
})

test('16-bit floats are computed in float32', () => {
  for (const dtype of ['float16', 'bfloat16'] as const) {
    const x = torch.randn(4, 3, 6).to(dtype).requiresGrad_()
    const lstm = new nn.LSTM(6, 5, { dtype })
    const [out, [h, c]] = lstm(x)
    const normal = new nn.LayerNorm(6, { dtype })(new nn.BatchNorm1d(3)(x))
    out.sum().add(normal.sum()).backward()
    expect([out, h, c, normal, x.grad!, lstm.weight_hh_l0.grad!].map((t) => t.dtype)).toEqual(new Array(6).fill(dtype))
  }
})

test('the average over all batches with momentum null', () => {
  const layer = new nn.BatchNorm1d(2, { momentum: null })
  const batches = [torch.randn(5, 2), torch.randn(5, 2), torch.randn(5, 2)]
  for (const x of batches) layer(x)
  const means = torch.stack(batches).mean([0, 1])
  expect(layer.num_batches_tracked!.item()).toBe(3)
  expect(layer.running_mean!.sub(means).abs().max().item()).toBeLessThan(1e-6)
})

test('what an encoder copies is its own', () => {
  const layer = new nn.TransformerEncoderLayer(4, 2, 8, { dropout: 0 })
  const encoder = new nn.TransformerEncoder(layer, 2)
  expect(encoder.parameters().length).toBe(24)
  const [first] = encoder.layers as Iterable<nn.TransformerEncoderLayer>
  const before = first.linear1.weight.detach().clone()
  torch.noGrad(() => layer.linear1.weight.add_(1))
  expect(first.linear1.weight.tolist()).toEqual(before.tolist())
  expect(first).toBeInstanceOf(nn.TransformerEncoderLayer)
})
