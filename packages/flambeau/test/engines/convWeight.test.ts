/** Small images are taken several at a time by convolution's gradient to the weights: the result is that of a matrix product. */

import { expect, test } from 'vitest'
import * as torch from '../../src/index.js'
import { nn, type Tensor } from '../../src/index.js'

interface Case {
  /** N, C, O, H, W. */
  readonly sizes: readonly [number, number, number, number, number]
  readonly kernel: readonly [number, number]
  readonly stride?: number
  readonly padding?: number
  readonly dilation?: number
  readonly groups?: number
}
const cases: Case[] = [
  { sizes: [16, 16, 20, 4, 4], kernel: [3, 3], padding: 1 },
  { sizes: [7, 17, 35, 4, 4], kernel: [3, 3], padding: 1 },
  { sizes: [5, 20, 48, 8, 8], kernel: [3, 3], padding: 1, stride: 2 },
  { sizes: [3, 16, 24, 8, 8], kernel: [3, 3], padding: 1 },
  { sizes: [3, 16, 24, 9, 8], kernel: [3, 3], padding: 1 },
  { sizes: [9, 24, 32, 6, 5], kernel: [2, 3], dilation: 2, padding: 1 },
  { sizes: [6, 24, 36, 7, 7], kernel: [1, 1] },
  { sizes: [6, 24, 36, 7, 7], kernel: [1, 1], stride: 2 },
  { sizes: [4, 24, 48, 6, 6], kernel: [3, 3], groups: 3 },
  { sizes: [4, 12, 12, 6, 6], kernel: [3, 3], padding: 1, groups: 12 },
  { sizes: [40, 16, 24, 2, 2], kernel: [3, 3], padding: 1 },
  { sizes: [1, 8, 8, 3, 3], kernel: [3, 3] },
  { sizes: [3, 4, 2, 5, 12], kernel: [5, 5], padding: 2 },
]

/** Σ over images and points of gradient times what the kernel saw there. */
function byProduct(x: Tensor, gradient: Tensor, { sizes, kernel, groups = 1, ...settings }: Case): Tensor {
  const [n, channels, rows] = sizes
  const seen = nn.functional.unfold(x, [...kernel], settings).view(n, groups, (channels / groups) * kernel[0] * kernel[1], -1)
  const given = gradient.reshape(n, groups, rows / groups, -1)
  return given
    .matmul(seen.transpose(2, 3))
    .sum(0)
    .view(rows, channels / groups, ...kernel)
}

const layouts: Record<string, (t: Tensor) => Tensor> = {
  contiguous: (t) => t,
  'channels last': (t) => t.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2),
  'every other image': (t) => torch.repeatInterleave(t, 2, 0).at('::2'),
  'columns first': (t) => t.transpose(2, 3).contiguous().transpose(2, 3),
}

test.each(Object.keys(layouts))('weight gradients of small images, %s', (name) => {
  torch.manualSeed(1)
  for (const it of cases) {
    const [n, channels, rows, height, width] = it.sizes
    const { kernel, groups = 1, ...settings } = it
    for (const dtype of ['float64', 'float32'] as const) {
      const x = layouts[name](torch.randn(n, channels, height, width, { dtype }))
      const weight = torch.zeros(rows, channels / groups, ...kernel, { dtype, requiresGrad: true })
      const { sizes: _, kernel: __, ...options } = { ...it, ...settings }
      const out = torch.conv2d(x, weight, null, options)
      const gradient = layouts[name](torch.randn(out.shape, { dtype }))
      out.backward(gradient)
      const want = byProduct(x, gradient, it)
      const tolerance = dtype === 'float64' ? 1e-12 : 1e-5
      const distance = weight.grad!.sub(want).norm().div(want.norm()).item()
      expect(distance, `${JSON.stringify(it)} ${dtype}`).toBeLessThan(tolerance)
    }
  }
})
