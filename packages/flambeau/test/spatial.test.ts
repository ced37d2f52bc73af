/** Convolutions, pools, padding, resizing and sampling as PyTorch has them: values, texts, initial values, errors. */

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type Case, runOpCase } from '../../../tools/conformance/ops.mjs'
import * as torch from '../src/index.js'
import { nn, type Tensor } from '../src/index.js'

const F = nn.functional
const image = torch.arange(32).float().view(1, 2, 4, 4)

describe('answers of PyTorch', () => {
  // Made by tools/fixtures/spatial.py.
  const text = gunzipSync(readFileSync(new URL('./fixtures/spatial.jsonl.gz', import.meta.url))).toString()
  const cases = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Case)
  it.each([...new Set(cases.map((c) => c.op))])('%s', (op) => {
    for (const c of cases.filter((each) => each.op === op)) expect(runOpCase(torch, c), c.id).toEqual({ status: 'passed' })
  })
})

describe('layers', () => {
  // The first weights and the first biases after manualSeed(0).
  it.each<[string, readonly unknown[], number[], number[]]>([
    ['Conv1d', [4, 6, 3, 1, 0, 1, 2], [-0.0030564817134290934, 0.21900218725204468], [-0.2383110523223877, 0.3509294390678406]],
    ['Conv3d', [2, 3, [1, 2, 3]], [-0.0021612588316202164, 0.15485791862010956], [-0.16851136088371277, 0.24814458191394806]],
    [
      'ConvTranspose1d',
      [4, 6, 3, 2, 0, 0, 2],
      [-0.0024956068955361843, 0.17881453037261963],
      [-0.19458016753196716, 0.2865327000617981],
    ],
    ['ConvTranspose2d', [3, 4, [2, 3]], [-0.0015282408567145467, 0.10950109362602234], [0.08022281527519226, 0.1691269427537918]],
    ['ConvTranspose3d', [2, 2, 2], [-0.0018717050552368164, 0.13411089777946472], [-0.16204491257667542, -0.11508321762084961]],
  ])('%s starts with the numbers of PyTorch', (name, args, weight, bias) => {
    torch.manualSeed(0)
    const Class = nn[name as 'Conv2d'] as unknown as new (...args: readonly unknown[]) => nn.Conv2d
    const layer = new Class(...args)
    expect(layer.weight.flatten().narrow(0, 0, 2).tolist()).toEqual(weight)
    expect(layer.bias!.narrow(0, 0, 2).tolist()).toEqual(bias)
    expect(Object.keys(layer.stateDict())).toEqual(['weight', 'bias'])
  })

  it('print as in PyTorch', () => {
    const printed = [
      new nn.MaxUnpool2d(2, [1, 2]),
      new nn.MaxUnpool1d(3),
      new nn.LPPool2d(2, [3, 2], { stride: 2 }),
      new nn.Upsample({ scaleFactor: [2, 1.5], mode: 'bicubic' }),
      new nn.Upsample([3, 4]),
      new nn.ZeroPad2d(1),
      new nn.CrossMapLRN2d(5),
      new nn.AdaptiveMaxPool3d([1, null, 2]),
      new nn.AvgPool3d([1, 2, 3], 2),
      new nn.Conv2d(4, 8, 3, { padding: 'same', dilation: 2, groups: 2, bias: false, paddingMode: 'reflect' }),
      new nn.ConvTranspose2d(4, 8, 3, 2, 1, 1),
      new nn.LazyConvTranspose2d(4, [2, 3]),
      new nn.Unfold(2),
    ]
    expect(printed.map(String)).toEqual([
      'MaxUnpool2d(kernel_size=(2, 2), stride=(1, 2), padding=(0, 0))',
      'MaxUnpool1d(kernel_size=(3,), stride=(3,), padding=(0,))',
      'LPPool2d(norm_type=2, kernel_size=(3, 2), stride=2, ceil_mode=False)',
      'Upsample(scale_factor=(2.0, 1.5), mode=bicubic)',
      'Upsample(size=(3, 4), mode=nearest)',
      'ZeroPad2d((1, 1, 1, 1))',
      'CrossMapLRN2d(5, alpha=0.0001, beta=0.75, k=1)',
      'AdaptiveMaxPool3d(output_size=(1, None, 2))',
      'AvgPool3d(kernel_size=(1, 2, 3), stride=2, padding=0)',
      'Conv2d(4, 8, kernel_size=(3, 3), stride=(1, 1), padding=same, dilation=(2, 2), groups=2, bias=False, padding_mode=reflect)',
      'ConvTranspose2d(4, 8, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), output_padding=(1, 1))',
      'LazyConvTranspose2d(0, 4, kernel_size=(2, 3), stride=(1, 1))',
      'Unfold(kernel_size=2, dilation=1, padding=0, stride=1)',
    ])
  })

  it('take arguments by position, by name, and both', () => {
    const byName = new nn.Conv2d(2, 4, 3, { stride: 2, padding: 1, bias: false })
    const both = new nn.Conv2d(2, 4, 3, 2, { padding: 1, bias: false })
    const byPosition = new nn.Conv2d(2, 4, 3, 2, 1, 1, 1, false)
    expect([String(both), String(byPosition)]).toEqual([String(byName), String(byName)])
    expect(() => new nn.Conv2d(2, 4, 3, { strides: 2 } as object)).toThrow("got an unexpected keyword argument 'strides'")
    expect(F.maxPool2d(image, 3, 1, { padding: 1 }).shape).toEqual([1, 2, 4, 4])
    expect(F.conv2d(image, torch.ones(1, 2, 3, 3), { padding: 1, bias: torch.ones(1) }).shape).toEqual([1, 1, 4, 4])
    expect(F.conv2d(image, torch.ones(1, 2, 3, 3), null, 1, 1).shape).toEqual([1, 1, 4, 4])
  })

  it('lazy ones become ordinary ones with the first input', () => {
    torch.manualSeed(0)
    const lazy = new nn.LazyConvTranspose2d(4, [2, 3])
    expect(lazy.weight).toBeInstanceOf(nn.UninitializedParameter)
    const parameters = lazy.parameters()
    lazy(torch.zeros(1, 3, 5, 5))
    expect(lazy).toBeInstanceOf(nn.ConvTranspose2d)
    expect(lazy.weight.flatten().narrow(0, 0, 2).tolist()).toEqual([-0.0015282408567145467, 0.10950109362602234])
    expect(lazy.parameters().every((p, i) => p === parameters[i])).toBe(true)
    expect(() => new nn.LazyConv2d(4, 3)(torch.zeros(5, 5))).toThrow(
      'Expected 3D (unbatched) or 4D (batched) input to LazyConv2d',
    )
    const other = new nn.LazyConvTranspose2d(4, [2, 3])
    other.loadStateDict(lazy.stateDict())
    expect(other(torch.ones(1, 3, 2, 2)).equal(lazy(torch.ones(1, 3, 2, 2)))).toBe(true)
  })

  it('a transposed convolution finds the padding for an output size', () => {
    const up = new nn.ConvTranspose2d(2, 1, 3, { stride: 2, padding: 1 })
    expect(up(image).shape).toEqual([1, 1, 7, 7])
    expect(up(image, [8, 7]).shape).toEqual([1, 1, 8, 7])
    expect(up(image, { outputSize: [1, 2, 8, 8] }).shape).toEqual([1, 1, 8, 8])
    expect(() => up(image, [9, 9])).toThrow('requested an output size of [9, 9], but valid sizes range from [7, 7] to [8, 8]')
  })

  it('fractional pooling draws where its windows begin', () => {
    torch.manualSeed(0)
    const pooled = F.fractionalMaxPool2d(torch.arange(49).float().view(1, 1, 7, 7), 2, 3)
    expect(pooled.flatten().tolist()).toEqual([8, 10, 13, 29, 31, 34, 43, 45, 48])
  })
})

// What PyTorch 1.13 says.
// biome-ignore format: a table reads better in rows
it.each<[(x: Tensor) => unknown, string]>([
  [(x) => F.pad(x, [8, 1, 0, 0], 'reflect'), 'Argument #4: Padding size should be less than the corresponding input dimension, but got: padding (8, 1) at dimension 3 of input [1, 2, 4, 4]'],
  [(x) => F.pad(x, [5, 1, 0, 0], 'circular'), 'Padding value causes wrapping around more than once.'],
  [(x) => F.pad(x, [1, 1], 'circular'), 'Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now'],
  [(x) => F.pad(x, [1]), 'Padding length must be divisible by 2'],
  [(x) => F.maxPool2d(x, 9), 'Given input size: (2x4x4). Calculated output size: (2x0x0). Output size is too small'],
  [(x) => F.maxPool2d(x, 2, { padding: 2 }), 'pad should be at most half of kernel size, but got pad=2 and kernel_size=2'],
  [(x) => F.maxPool2d(x, [2, 2, 2]), 'max_pool2d: kernel_size must either be a single int, or a tuple of two ints'],
  [() => F.maxPool3d(torch.ones(4, 4, 4), 2), 'non-empty 4D or 5D (batch mode) tensor expected for input'],
  [(x) => F.avgPool2d(x, 2, { divisorOverride: 0 }), 'divisor must be not zero'],
  [() => F.adaptiveAvgPool2d(torch.ones(3, 3), 2), 'adaptive_avg_pool2d(): Expected 3D or 4D tensor, but got [3, 3]'],
  [(x) => F.interpolate(x), 'either size or scale_factor should be defined'],
  [(x) => F.interpolate(x, 2, 2), 'only one of size or scale_factor should be defined'],
  [(x) => F.interpolate(x, 4, { alignCorners: true }), 'align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear'],
  [(x) => F.interpolate(x, 4, { mode: 'linear' }), 'Got 4D input, but linear mode needs 3D input'],
  [(x) => F.interpolate(x, 0), 'Input and output sizes should be greater than 0, but got input (H: 4, W: 4) output (H: 0, W: 0)'],
  [(x) => F.interpolate(x.long(), 4), `"compute_indices_weights_nearest" not implemented for 'Long'`],
  [(x) => F.gridSample(x, torch.ones(2, 3, 3, 2)), 'grid_sampler(): expected grid and input to have same batch size, but got input with sizes [1, 2, 4, 4] and grid with sizes [2, 3, 3, 2]'],
  [(x) => F.gridSample(x, torch.ones(1, 3, 3, 3)), 'grid_sampler(): expected grid to have size 2 in last dimension, but got grid with sizes [1, 3, 3, 3]'],
  [() => F.affineGrid(torch.ones(2, 2, 4), [2, 1, 4, 4]), 'Expected a batch of 2D affine matrices of shape Nx2x3 for size (2, 1, 4, 4). Got torch.Size([2, 2, 4]).'],
  [() => F.fold(torch.ones(2, 8, 8), [4, 4], 2), "Given output_size=(4, 4), kernel_size=(2, 2), dilation=(1, 1), padding=(0, 0), stride=(1, 1), expected size of input's dimension 2 to match the calculated number of sliding blocks 3 * 3 = 9, but got input.size(2)=8."],
  [(x) => F.unfold(x, 5), 'Given input with spatial size (4, 4), kernel_size=(5, 5), dilation=(1, 1), padding=(0, 0), calculated shape of the array of sliding blocks as (0, 0), but its components must be at least one.'],
  [(x) => F.convTranspose2d(x, torch.ones(3, 2, 3, 3)), 'Given transposed=1, weight of size [3, 2, 3, 3], expected input[1, 2, 4, 4] to have 3 channels, but got 2 channels instead'],
  [(x) => F.convTranspose2d(x, torch.ones(2, 2, 3, 3), { outputPadding: 1 }), 'output padding must be smaller than either stride or dilation, but got output_padding_height: 1 output_padding_width: 1 stride_height: 1 stride_width: 1 dilation_height: 1 dilation_width: 1'],
  [(x) => F.convTranspose2d(x, torch.ones(2, 2, 3, 3), { padding: 9 }), 'Given input size per channel: (4 x 4). Calculated output size per channel: (-12 x -12). Output size is too small'],
  [(x) => F.conv2d(x, torch.ones(2, 2, 3, 3), { dilation: 0 }), 'non-positive dilation is not supported'],
  [(x) => F.maxUnpool2d(x, torch.full([1, 2, 4, 4], 999, { dtype: 'int64' }), 2), 'Found an invalid max index: 999 (output volumes are of size 8x8'],
  [(x) => F.maxUnpool2d(x, x.long(), 2, { outputSize: [19, 8] }), 'invalid output_size "(19, 8)" (dim 0 must be between 6 and 10)'],
  [(x) => F.pixelShuffle(x, 2), "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but input.size(-3)=2 is not divisible by 4"],
  [(x) => F.channelShuffle(x, 4), 'Number of channels must be divisible by groups. Got 2 channels and 4 groups.'],
  [() => new nn.ConvTranspose2d(1, 1, 1, { paddingMode: 'reflect' as 'zeros' }), 'Only "zeros" padding mode is supported for ConvTranspose2d'],
  [() => new nn.FractionalMaxPool2d(2), 'FractionalMaxPool2d requires specifying either an output size, or a pooling ratio'],
])('error %#', (call, message) => {
  expect(() => call(image)).toThrow(message)
})
