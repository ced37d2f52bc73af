/** Convolution of many small images, whose taps are left out where they read padding: the results are those of a matrix product. */

import { expect, test } from 'vitest'
import * as torch from '../../src/index.js'
import { nn, type Tensor } from '../../src/index.js'

interface Case {
  /** N, C, O, H, W. */
  readonly sizes: readonly [number, number, number, number, number]
  readonly kernel: readonly [number, number]
  readonly stride?: number | readonly [number, number]
  readonly padding?: number | readonly [number, number]
  readonly dilation?: number
  readonly groups?: number
}
const cases: Case[] = [
  { sizes: [16, 48, 32, 4, 4], kernel: [3, 3], padding: 1 },
  { sizes: [17, 20, 33, 4, 4], kernel: [3, 3], padding: 1 },
  { sizes: [9, 70, 48, 8, 8], kernel: [3, 3], padding: 1, stride: 2 },
  { sizes: [8, 40, 64, 7, 5], kernel: [3, 2], padding: [0, 2], stride: [1, 2] },
  { sizes: [20, 32, 32, 6, 6], kernel: [3, 3], padding: 2, dilation: 2 },
  { sizes: [33, 64, 32, 2, 3], kernel: [3, 5], padding: 3 },
  { sizes: [10, 34, 48, 16, 16], kernel: [3, 3], padding: 1 },
  { sizes: [10, 32, 64, 9, 8], kernel: [2, 2], stride: 3, padding: 1 },
  { sizes: [12, 48, 64, 8, 8], kernel: [1, 1], stride: 2 },
  { sizes: [11, 96, 64, 5, 5], kernel: [3, 3], padding: 1, groups: 2 },
  { sizes: [3, 64, 32, 4, 4], kernel: [3, 3], padding: 1 },
  { sizes: [2, 33, 16, 10, 24], kernel: [3, 3], padding: 1 },
  { sizes: [2, 40, 32, 3, 37], kernel: [3, 4], padding: 3, stride: 2 },
  { sizes: [8, 16, 8, 9, 50], kernel: [3, 3], padding: 1 },
]

const layouts: Record<string, (t: Tensor) => Tensor> = {
  contiguous: (t) => t,
  'channels last': (t) => t.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2),
  'every other image': (t) => torch.repeatInterleave(t, 2, 0).at('::2'),
  'columns first': (t) => t.transpose(2, 3).contiguous().transpose(2, 3),
}

test.each(Object.keys(layouts))('convolution of small images and its gradients, %s', (name) => {
  torch.manualSeed(1)
  const layout = layouts[name]
  for (const it of cases) {
    const [n, channels, rows, height, width] = it.sizes
    const { sizes: _, kernel, groups = 1, ...settings } = it
    const images = torch.randn(n, channels, height, width, { dtype: 'float64' })
    const filters = torch.randn(rows, channels / groups, ...kernel, { dtype: 'float64' })
    const biases = torch.randn(rows, { dtype: 'float64' })
    // The product, in double precision.
    const x = images.clone().requiresGrad_()
    const w = filters.clone().requiresGrad_()
    const seen = nn.functional.unfold(x, [...kernel], settings).view(n, groups, (channels / groups) * kernel[0] * kernel[1], -1)
    const product = w
      .view(1, groups, rows / groups, -1)
      .matmul(seen)
      .reshape(n, rows, -1)
      .add(biases.view(1, -1, 1))
    for (const dtype of ['float64', 'float32'] as const) {
      const input = layout(images.to(dtype)).detach().requiresGrad_()
      const weight = filters.to(dtype).clone().requiresGrad_()
      const out = torch.conv2d(input, weight, biases.to(dtype), { ...settings, groups })
      const gradient = torch.randn(out.shape, { dtype })
      out.backward(layout(gradient))
      x.grad = w.grad = null
      product.backward(gradient.to('float64').view(product.shape), { retainGraph: true })
      const tolerance = dtype === 'float64' ? 1e-10 : 1e-4
      for (const [what, actual, wanted] of [
        ['result', out.detach(), product.detach().view(out.shape)],
        ['input', input.grad!, x.grad!],
        ['weight', weight.grad!, w.grad!],
      ] as const) {
        const error = actual.to('float64').sub(wanted).abs().max().item()
        expect(error / wanted.abs().max().item(), `${what} of ${JSON.stringify(it)} in ${dtype}`).toBeLessThan(tolerance)
      }
    }
  }
})
