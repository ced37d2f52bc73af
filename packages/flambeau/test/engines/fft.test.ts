/** Fourier transforms: against their definition on the reference engine, and spectrograms against PyTorch (tools/fixtures/fft.py). */

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { DType } from '../../src/index.js'
import * as torch from '../../src/index.js'
import { autograd, fft, type Tensor } from '../../src/index.js'
import { closeTo, layouts, onReference, sample } from '../support/samples.js'

const complex = (shape: readonly number[], dtype: DType = 'float64', seed = 1): Tensor =>
  torch.complex(sample(shape, dtype, 'any', seed), sample(shape, dtype, 'any', seed + 1))
/** No element is off by more than `rtol` of the largest. */
function expectClose(got: Tensor, want: Tensor, rtol: number): void {
  expect([got.dtype, got.shape]).toEqual([want.dtype, want.shape])
  const wanted = Array.from(want.toTypedArray(), Number)
  const largest = wanted.reduce((a, b) => Math.max(a, Math.abs(b)), 0)
  expect(closeTo(got.toTypedArray(), wanted, 0, rtol * largest)).toBeNull()
}

// Every radix with and without code of its own, their products, large primes, and matrices of any vector's width.
const lengths = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 20, 31, 32, 49, 61, 64, 67, 77, 100, 128, 134, 210, 256, 257, 400, 512]

// The reference engine is the definition.
describe.skipIf(torch.backend.engine === 'reference')('transforms against their definition', () => {
  it.each(lengths)('length %i', (n) => {
    for (const dtype of ['float32', 'float64'] as const)
      for (const count of [1, 19])
        for (const dim of [0, 1])
          for (const put of n < 20 || n === 256 ? Object.values(layouts) : [layouts.contiguous]) {
            const shape = dim === 0 ? [n, count] : [count, n]
            const [z, r] = [put(complex(shape, dtype)), put(sample(shape, dtype))]
            const half = z.narrow(dim, 0, Math.floor(n / 2) + 1)
            const tolerance = dtype === 'float32' ? 2e-6 : 2e-14
            const compare = (run: (x: Tensor) => Tensor, x: Tensor): void =>
              expectClose(run(x), run(onReference(x)), tolerance * Math.max(1, Math.log2(n)))
            compare((x) => fft.fft(x, { dim }), z)
            compare((x) => fft.ifft(x, { dim, norm: 'ortho' }), z)
            compare((x) => fft.fft(x, { dim }), r)
            compare((x) => fft.rfft(x, { dim }), r)
            compare((x) => fft.irfft(x, { dim, n }), half)
          }
  })
  it('a long row', () => {
    const x = complex([16384], 'float64')
    expectClose(fft.fft(x), fft.fft(onReference(x)), 1e-11)
    const real = sample([2 ** 17], 'float32')
    expectClose(fft.irfft(fft.rfft(real)), real, 1e-6)
  })
})

describe('transforms', () => {
  it('several dimensions are one after the other', () => {
    const z = complex([3, 4, 5])
    const each = fft.fft(fft.fft(fft.fft(z, { dim: 0 }), { dim: 1 }), { dim: 2 })
    expectClose(fft.fftn(z), each, 1e-14)
    expectClose(fft.ifftn(each), z, 1e-14)
    const x = sample([3, 4, 5], 'float64')
    expectClose(fft.rfftn(x), fft.fftn(x).narrow(2, 0, 3), 1e-14)
    expectClose(fft.irfftn(fft.rfftn(x), [3, 4, 5]), x, 1e-14)
    expectClose(fft.hfftn(fft.ihfftn(x), [3, 4, 5]), x, 1e-14)
  })
  it('numbers that are not finite stay in their own transform', () => {
    const x = torch.ones(20, 8)
    x.setAt([3, 2], Number.NaN)
    const bad = fft.fft(x).abs().sum(1).isnan().tolist() as boolean[]
    expect(bad.map((b, i) => (b ? i : -1)).filter((i) => i >= 0)).toEqual([3])
  })
  it('an empty batch has an empty result', () => {
    expect(fft.rfft(torch.ones(0, 4)).shape).toEqual([0, 3])
    expect(fft.fft2(torch.ones(2, 0, 3, 4)).shape).toEqual([2, 0, 3, 4])
  })
})

describe('gradients', () => {
  const real = (): Tensor => sample([2, 5, 4], 'float64').requiresGrad_()
  const spectrum = (): Tensor => complex([2, 5, 4]).requiresGrad_()
  const runs: Record<string, [x: () => Tensor, run: (x: Tensor) => Tensor]> = {
    fft: [spectrum, (x) => fft.fft(x, 7)],
    ifft: [spectrum, (x) => fft.ifft(x, 3, 1, 'ortho')],
    'fft of real': [real, (x) => fft.fft(x, { dim: 1 })],
    'ifft of real': [real, (x) => fft.ifft(x)],
    rfft: [real, (x) => fft.rfft(x)],
    'rfft of odd': [real, (x) => fft.rfft(x, { dim: 1, norm: 'forward' })],
    irfft: [spectrum, (x) => fft.irfft(x)],
    'irfft of odd': [spectrum, (x) => fft.irfft(x, 5)],
    hfft: [spectrum, (x) => fft.hfft(x)],
    ihfft: [real, (x) => fft.ihfft(x)],
    fft2: [real, (x) => fft.fft2(x)],
    rfftn: [real, (x) => fft.rfftn(x)],
    irfftn: [spectrum, (x) => fft.irfftn(x)],
    hfft2: [spectrum, (x) => fft.hfft2(x)],
    ihfftn: [real, (x) => fft.ihfftn(x)],
    fftshift: [real, (x) => fft.fftshift(x)],
  }
  it.each(Object.entries(runs))('%s', (_, [x, run]) => {
    expect(autograd.gradcheck(run, [x()])).toBe(true)
    expect(autograd.gradgradcheck(run, [x()])).toBe(true)
  })
  it('stft and istft', () => {
    const signal = sample([2, 9], 'float64').requiresGrad_()
    const window = sample([4], 'float64', 'positive', 2).requiresGrad_()
    const there = (x: Tensor, w: Tensor): Tensor => torch.stft(x, 4, { window: w, returnComplex: true })
    expect(autograd.gradcheck(there, [signal, window])).toBe(true)
    expect(autograd.gradgradcheck(there, [signal, window])).toBe(true)
    const back = (x: Tensor, w: Tensor): Tensor => torch.istft(x, 4, { window: w })
    const frames = complex([3, 4]).requiresGrad_()
    expect(autograd.gradcheck(back, [frames, window])).toBe(true)
    expect(autograd.gradgradcheck(back, [frames, window])).toBe(true)
  })
  it('nodes have PyTorch’s names', () => {
    const x = real()
    expect(fft.fft(x).gradFn!.name).toBe('FftR2CBackward0')
    expect(fft.fftn(x).gradFn!.name).toBe('FftC2CBackward0')
    expect(fft.irfft(x).gradFn!.name).toBe('FftC2RBackward0')
  })
})

interface Recorded {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly data: readonly number[]
}
interface Spectrogram {
  readonly fn: 'stft' | 'istft'
  readonly x: Recorded
  readonly nFft: number
  readonly window: Recorded | false
  readonly options: object
  readonly out: Recorded
  readonly seed: Recorded
  readonly grads: readonly (readonly number[])[]
}
const path = new URL('../fixtures/fft.json.gz', import.meta.url)
const spectrograms: Spectrogram[] = JSON.parse(gunzipSync(readFileSync(path)).toString())
const tensorOf = ({ dtype, shape, data }: Recorded): Tensor => torch.fromTypedArray(Float64Array.from(data), shape, { dtype })

const functions = { stft: torch.stft, istft: torch.istft }

describe('spectrograms against PyTorch', () => {
  it.each(spectrograms.map((c, i) => [`${i}: ${c.fn} ${JSON.stringify(c.options)}`, c] as const))('%s', (_, c) => {
    const inputs = [tensorOf(c.x), ...(c.window ? [tensorOf(c.window)] : [])].map((t) => t.requiresGrad_())
    const out = functions[c.fn](inputs[0], c.nFft, { ...c.options, window: inputs[1] })
    expect([out.dtype, out.shape]).toEqual([c.out.dtype, c.out.shape])
    expect(closeTo(out.detach().toTypedArray(), c.out.data, 1e-9, 1e-11)).toBeNull()
    out.backward(tensorOf(c.seed))
    for (const [i, input] of inputs.entries())
      expect(closeTo(input.grad!.toTypedArray(), c.grads[i], 1e-9, 1e-11), `gradient ${i}`).toBeNull()
  })
})

describe('what is refused, in PyTorch’s words', () => {
  const x = torch.ones(3, 4)
  const z = torch.complex(x, x)
  const w = torch.hannWindow(64)
  const signal = torch.ones(2, 400)
  const frames = torch.stft(signal, 64, { window: w, returnComplex: true })
  const calls: [() => unknown, string][] = [
    [() => fft.fft(x.half()), 'Unsupported dtype Half'],
    [() => fft.fft(torch.tensor(1)), 'Invalid number of data points (0) specified'],
    [() => fft.fft(x, 0), 'Invalid number of data points (0) specified'],
    [() => fft.fft(x, { dim: 5 }), 'Dimension out of range (expected to be in range of [-2, 1], but got 5)'],
    // @ts-expect-error no such norm
    [() => fft.fft(x, { norm: 'bad' }), 'Invalid normalization mode: "bad"'],
    [() => fft.rfft(z), 'rfft expects a real input tensor, but got ComplexFloat'],
    [() => fft.rfft2(z), 'rfftn expects a real-valued input tensor, but got ComplexFloat'],
    [() => fft.ihfft2(z), 'Expected self.is_floating_point() to be true, but got false.'],
    [() => fft.irfft(torch.ones(3, 1)), 'Invalid number of data points (0) specified'],
    [() => fft.fftn(torch.tensor(1)), 'ndim must be >= 1'],
    [() => fft.fftn(x, { dim: [0, 0] }), 'FFT dims must be unique'],
    [() => fft.fftn(x, [2], [0, 1]), 'When given, dim and shape arguments must have the same length'],
    [() => fft.fftn(x, [2, 2, 2]), 'Got shape with 3 values but input tensor only has 2 dimensions.'],
    [() => fft.rfftn(x, { dim: [] }), 'rfftn must transform at least one axis'],
    [() => fft.hfftn(x, { dim: [] }), 'hfftn must transform at least one axis'],
    [() => fft.fftshift(torch.tensor(1)), '`shifts` required'],
    [() => fft.fftfreq(4, { dtype: 'int64' }), 'fftfreq requires a floating point or complex dtype'],
    [
      () => torch.stft(signal, 1000, { center: false, returnComplex: true }),
      'stft(torch.FloatTensor[2, 400], n_fft=1000, hop_length=250, win_length=1000, window=None, normalized=0, onesided=None, return_complex=1) : expected 0 < n_fft < 400, but got n_fft=1000',
    ],
    [() => torch.stft(signal, 64, { winLength: 100 }), 'expected 0 < win_length <= n_fft, but got win_length=100'],
    [
      () => torch.stft(signal, 64, { window: torch.ones(32) }),
      'window=torch.FloatTensor{[32]}, normalized=0, onesided=None, return_complex=None) : expected a 1D window tensor of size equal to win_length=64, but got window with size [32]',
    ],
    [
      () => torch.stft(torch.complex(signal, signal), 64, { onesided: true }),
      'Cannot have onesided output if window or input is complex',
    ],
    [
      () => torch.istft(frames, 66, { window: w }),
      'istft(CPUComplexFloatType[2, 33, 26], n_fft=66, hop_length=16, win_length=66, window=torch.FloatTensor{[64]}, center=1, normalized=0, onesided=None, length=None, return_complex=0): expected the frequency dimension (3rd to the last) of the input tensor to match n_fft / 2 + 1 when onsided=True, but got 33',
    ],
    [() => torch.istft(frames, 64, { window: w, center: false }), 'window overlap add min: 1'],
    [() => torch.istft(frames, 64, { hopLength: 100 }), ': expected 0 < hop_length <= win_length'],
  ]
  it.each(calls.map(([call, message]) => [message, call] as const))('%s', (message, call) => {
    expect(call).toThrow(message)
  })
})
