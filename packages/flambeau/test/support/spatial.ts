/** The part of the op table that works on images: convolutions, pools, padding, resizing, sampling, folding. */

import { nn, type Tensor } from '../../src/index.js'
import type { Case, Input } from './table.js'

const F = nn.functional

/** Adds a row to the table. */
type List = (name: string, inputs: readonly Input[], run: Case['run'], options?: Partial<Case>) => void

const spaces = [[7], [5, 6], [3, 4, 5]] as const
const distinct = (shape: readonly number[]): Input => ({ shape, domain: 'distinct' })
/** A value of each function of one to three dimensions. */
const three = <T>(...values: [T, T, T]): readonly T[] => values

export function listSpatial(list: List): void {
  const every = three([2, 2, 7], [2, 2, 5, 6], [1, 2, 3, 4, 5])
  three(F.conv1d, F.conv2d, F.conv3d).forEach((conv, i) => {
    if (i !== 1)
      list(`conv${i + 1}d`, [{ shape: every[i] }, { shape: [4, 1, ...spaces[i].map(() => 2)] }], (x, w) => conv(x, w, { groups: 2, padding: 1, stride: 2 }), { slack: 32 }) // biome-ignore format: a row
  })
  three(F.convTranspose1d, F.convTranspose2d, F.convTranspose3d).forEach((conv, i) => {
    const shape = [2, 2, ...spaces[i].slice(0, -1).map(() => 2), 3]
    const kernel = spaces[i].map((_, d) => 3 - (d % 2))
    for (const [name, options] of [
      ['strided', { stride: 2, padding: 1, outputPadding: 1 }],
      ['dilated', { dilation: 2, outputPadding: 1, groups: 2 }],
    ] as const)
      list(`convTranspose${i + 1}d ${name}`, [{ shape }, { shape: [2, 2, ...kernel] }, { shape: ['groups' in options ? 4 : 2] }], (x, w, b) => conv(x, w, b, options), { slack: 32 }) // biome-ignore format: a row
  })
  three(F.maxPool1d, F.maxPool2d, F.maxPool3d).forEach((pool, i) => {
    if (i !== 1) list(`maxPool${i + 1}d`, [distinct(every[i])], (x) => pool(x, 2, { stride: 1, padding: 1 }))
  })
  three(F.avgPool1d, F.avgPool2d, F.avgPool3d).forEach((pool, i) => {
    if (i !== 1)
      list(`avgPool${i + 1}d`, [{ shape: every[i] }], (x) => pool(x, 2, { stride: 2, padding: 1, countIncludePad: false }), { slack: 8 }) // biome-ignore format: a row
  })
  three(F.adaptiveAvgPool1d, F.adaptiveAvgPool2d, F.adaptiveAvgPool3d).forEach((pool, i) => {
    list(`adaptiveAvgPool${i + 1}d`, [{ shape: every[i] }], (x) => pool(x, 2), { slack: 8 })
    list(`adaptiveAvgPool${i + 1}d larger`, [{ shape: every[i] }], (x) => pool(x, 8), { slack: 8 })
  })
  three(F.adaptiveMaxPool1d, F.adaptiveMaxPool2d, F.adaptiveMaxPool3d).forEach((pool, i) => {
    list(`adaptiveMaxPool${i + 1}d`, [distinct(every[i])], (x) => pool(x, 3))
  })
  three(F.maxUnpool1d, F.maxUnpool2d, F.maxUnpool3d).forEach((unpool, i) => {
    const pool = three(F.maxPool1d, F.maxPool2d, F.maxPool3d)[i]
    list(`maxUnpool${i + 1}d`, [distinct(every[i])], (x) => {
      const { values, indices } = pool(x, 2, { returnIndices: true })
      return unpool(values, indices, 2, { outputSize: every[i] })
    })
  })
  const samples = { shape: [2, 2, 2], domain: 'unit', constant: true } as const
  list('fractionalMaxPool2d', [distinct([2, 2, 6, 7]), samples], (x, u) =>
    F.fractionalMaxPool2d(x, 2, { outputSize: [3, 4], _randomSamples: u.abs() }),
  )
  list('fractionalMaxPool3d', [distinct([1, 2, 4, 4, 5]), { ...samples, shape: [1, 2, 3] }], (x, u) =>
    F.fractionalMaxPool3d(x, 2, { outputSize: 2, _randomSamples: u.abs() }),
  )
  list('lpPool1d', [{ shape: [2, 2, 7], domain: 'positive' }], (x) => F.lpPool1d(x, 3, 2), { slack: 64 })
  list('lpPool2d', [{ shape: [2, 5, 6], domain: 'positive' }], (x) => F.lpPool2d(x, 2, [2, 3]), { slack: 64 })

  const all = ['float32', 'float64', 'float16', 'bfloat16', 'int64', 'int32', 'uint8', 'bool'] as const
  list('pad constant', [{ shape: [2, 3, 4] }], (x) => F.pad(x, [1, -1, 2, 0], 'constant', 1), { dtypes: all })
  for (const mode of ['reflect', 'replicate', 'circular'] as const)
    every.forEach((shape, i) => {
      const padding = [2, -1, 1, 2, 0, 1].slice(0, 2 * (i + 1))
      list(`pad ${mode} ${i + 1}d`, [{ shape }], (x) => F.pad(x, padding, mode), { dtypes: all, slack: 4 })
    })

  const modes = ['linear', 'bilinear', 'trilinear'] as const
  every.forEach((shape, i) => {
    list(`interpolate nearest ${i + 1}d`, [{ shape }], (x) => F.interpolate(x, { scaleFactor: 1.6 }), { slack: 4 })
    list(`interpolate nearest-exact ${i + 1}d`, [{ shape }], (x) => F.interpolate(x, { size: 4, mode: 'nearest-exact' }), { slack: 4 }) // biome-ignore format: a row
    list(`interpolate area ${i + 1}d`, [{ shape }], (x) => F.interpolate(x, { size: 3, mode: 'area' }), { slack: 8 })
    for (const alignCorners of [false, true])
      list(`interpolate ${modes[i]} ${alignCorners}`, [{ shape }], (x) => F.interpolate(x, { scaleFactor: 1.7, mode: modes[i], alignCorners }), { slack: 16 }) // biome-ignore format: a row
  })
  for (const alignCorners of [false, true])
    list(`interpolate bicubic ${alignCorners}`, [{ shape: every[1] }], (x) => F.interpolate(x, { size: [9, 4], mode: 'bicubic', alignCorners }), { slack: 32 }) // biome-ignore format: a row
  for (const mode of ['bilinear', 'bicubic'] as const)
    list(`interpolate ${mode} antialias`, [{ shape: every[1] }], (x) => F.interpolate(x, { size: [2, 9], mode, antialias: true }), { slack: 32 }) // biome-ignore format: a row

  const grid = { shape: [2, 3, 2, 2], domain: 'unit' } as const
  const volumeGrid = { shape: [1, 2, 2, 2, 3], domain: 'unit' } as const
  for (const mode of ['bilinear', 'nearest', 'bicubic'] as const)
    for (const paddingMode of ['zeros', 'border', 'reflection'] as const) {
      // Half precision would find other places.
      const dtypes = ['float32', 'float64'] as const
      const sample = (x: Tensor, g: Tensor): Tensor => F.gridSample(x, g.mul(1.13), { mode, paddingMode })
      list(`gridSample ${mode} ${paddingMode}`, [{ shape: [2, 2, 5, 6] }, grid], sample, { slack: 256, dtypes })
      if (mode !== 'bicubic')
        list(`gridSample ${mode} ${paddingMode} 3d`, [{ shape: [1, 2, 3, 4, 5] }, volumeGrid], sample, { slack: 256, dtypes })
    }
  list('affineGrid', [{ shape: [2, 2, 3] }], (t) => F.affineGrid(t, [2, 1, 3, 4]), { slack: 16 })
  list('affineGrid 3d', [{ shape: [1, 3, 4] }], (t) => F.affineGrid(t, [1, 1, 2, 3, 4], true), { slack: 16 })

  const folding = { dilation: [1, 2], padding: [0, 1], stride: [2, 1] } as const
  list('unfold', [{ shape: [2, 2, 5, 6] }], (x) => F.unfold(x, [3, 2], folding))
  list('fold', [{ shape: [2, 8, 9] }], (x) => F.fold(x, [4, 4], 2), { slack: 4 })
  list('fold strided', [{ shape: [12, 12] }], (x) => F.fold(x, [5, 6], [3, 2], folding), { slack: 4 })
  list('pixelShuffle', [{ shape: [2, 8, 2, 3] }], (x) => F.pixelShuffle(x, 2), { dtypes: all })
  list('pixelUnshuffle', [{ shape: [2, 2, 4, 6] }], (x) => F.pixelUnshuffle(x, 2), { dtypes: all })
  list('channelShuffle', [{ shape: [2, 6, 3] }], (x) => F.channelShuffle(x, 3), { dtypes: all })
  list('localResponseNorm', [{ shape: [2, 5, 3] }], (x) => F.localResponseNorm(x, 3, { alpha: 0.5 }), { slack: 32 })
  list('localResponseNorm 4d', [{ shape: [2, 5, 3, 2] }], (x) => F.localResponseNorm(x, 2, { alpha: 0.5 }), { slack: 32 })
}
