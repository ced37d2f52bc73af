/** Fourier transforms of windows of a signal. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { isComplex, isDifferentiable, realDType, scalarName } from '../core/dtype.js'
import { Layout, showShape } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { abs, add, div, mul, pow } from './arithmetic.js'
import { cloneOp, filled } from './copy.js'
import { item } from './creation.js'
import { requireTensor } from './define.js'
import { defineOp, type Op } from './dispatch.js'
import { complexToComplex, complexToReal, realToComplex } from './fourier.js'
import { constantPadNd, type PadMode, pad } from './pad.js'
import { viewAsComplex, viewAsReal } from './parts.js'
import { min } from './reduce.js'
import { contiguous, expand, narrow, reshape, squeeze, transpose, unsqueeze } from './view.js'

interface WindowedOptions {
  /** The distance between windows; nFft / 4 unless given. */
  hopLength?: number | null
  /** The length of the window, which is padded with zeros to nFft; nFft unless given. */
  winLength?: number | null
  /** [winLength]; ones unless given. */
  window?: Tensor | null
  /** Whether frame t is centred at sample t · hopLength; true unless given. */
  center?: boolean
  /** Divide by √nFft. */
  normalized?: boolean
  /** Only the nFft / 2 + 1 frequencies that the others follow from. */
  onesided?: boolean | null
}
export interface StftOptions extends WindowedOptions {
  /** How the signal goes on beyond its ends where frames are centred; 'reflect' unless given. */
  padMode?: PadMode
  /** A complex result; otherwise real and imaginary parts are a further last dimension. */
  returnComplex?: boolean | null
}

const optional = (value: Tensor | number | boolean | null): string =>
  value === null
    ? 'None'
    : typeof value === 'object'
      ? `${tensorType(value)}{${showShape(value.layout.shape)}}`
      : `${Number(value)}`
const tensorType = ({ dtype }: Tensor): string => `torch.${scalarName(dtype)}Tensor`

interface Framing {
  /** The length of a frame, the distance between two, and the length of the signal. */
  readonly n: number
  readonly hop: number
  readonly length: number
}
const frameCount = ({ n, hop, length }: Framing): number => 1 + Math.floor((length - n) / hop)

/** Frames [B, T, n] of signals [B, L], in their memory; what comes of them is never written in place. */
const framesOf: Op<Framing> = defineOp<Framing>({
  name: 'Unfold',
  forward: ([x], framing) => {
    const [batch, step] = x.layout.strides
    const shape = [x.layout.shape[0], frameCount(framing), framing.n]
    return [new Tensor(x.storage, new Layout(shape, [batch, framing.hop * step, step], x.layout.offset), x.dtype)]
  },
  backward: ([g], { attrs }) => [overlapped([g!], attrs)[0]],
})

/** Frames added where they overlap: signals. */
const overlapped: Op<Framing> = defineOp<Framing>({
  name: 'UnfoldBackward',
  forward: ([x], { n, hop, length }) => {
    const [batch, count] = x.layout.shape
    const out = filled(x, [batch, length], 0)
    // A slice of all frames at a time, no longer than the distance between two: within it nothing overlaps.
    for (let start = 0; start < n; start += hop) {
      const size = Math.min(hop, n - start)
      const target = new Layout([batch, count, size], [length, hop, 1], start)
      add.inPlace(new Tensor(out.storage, target, out.dtype), new Tensor(x.storage, x.layout.slice(2, start, size), x.dtype))
    }
    return [out]
  },
  backward: ([g], { attrs }) => [cloneOp(framesOf([g!], attrs), true)[0]],
})

/** A window with zeros on both sides, nFft long. */
function centred(window: Tensor, nFft: number): Tensor {
  const [length] = window.layout.shape
  const left = Math.floor((nFft - length) / 2)
  return length === nFft ? window : constantPadNd(window, [left, nFft - length - left])
}

/**
 * The Fourier transform of overlapping windows of a signal, as `torch.stft`: of [L] or [B, L] it is [(B,) N, T], with N
 * frequencies and T frames; `X[k, t] = Σ window[j] x[t · hop + j] e^(−2πi jk/nFft)`. Unless `returnComplex` says
 * otherwise, the result of a real signal is given as real and imaginary parts in a further dimension.
 *
 * @throws Error for sizes that do not fit the signal.
 * @example
 * torch.stft(torch.ones(8), 4, { returnComplex: true }).shape // [ 3, 9 ]
 */
export function stft(
  self: Tensor,
  nFft: number,
  ...args: Arguments<
    [
      hopLength: number | null,
      winLength: number | null,
      window: Tensor | null,
      center: boolean,
      padMode: PadMode,
      normalized: boolean,
      onesided: boolean | null,
      returnComplex: boolean | null,
    ],
    StftOptions
  >
): Tensor {
  const given = readArguments<StftOptions>('stft', args, [
    'hopLength',
    'winLength',
    'window',
    'center',
    'padMode',
    'normalized',
    'onesided',
    'returnComplex',
  ])
  const { window = null, center = true, padMode = 'reflect', normalized = false, onesided = null, returnComplex = null } = given
  requireTensor(self, 'stft')
  const hop = given.hopLength ?? Math.floor(nFft / 4)
  const length = given.winLength ?? nFft
  let x = self
  if (center) {
    const around = Math.floor(nFft / 2)
    const padded = pad(reshape(x, [...[1, 1, 1].slice(x.ndim), ...x.layout.shape]), [around, around], padMode)
    x = reshape(padded, padded.layout.shape.slice(3 - Math.min(3, x.ndim)))
  }
  const check = (holds: boolean, message: string): void => {
    if (!holds)
      throw new Error(
        `stft(${tensorType(x)}${showShape(x.layout.shape)}, n_fft=${nFft}, hop_length=${hop}, win_length=${length}, window=${optional(window)}, ` +
          `normalized=${optional(normalized)}, onesided=${optional(onesided)}, return_complex=${optional(returnComplex)}) : ${message}`,
      )
  }
  check(isDifferentiable(x.dtype), 'expected a tensor of floating point or complex values')
  check(x.ndim === 1 || x.ndim === 2, 'expected a 1D or 2D tensor')
  const size = x.layout.shape.at(-1)!
  check(nFft > 0 && nFft <= size, `expected 0 < n_fft < ${size}, but got n_fft=${nFft}`)
  check(hop > 0, `expected hop_length > 0, but got hop_length=${hop}`)
  check(length > 0 && length <= nFft, `expected 0 < win_length <= n_fft, but got win_length=${length}`)
  if (window !== null)
    check(
      window.ndim === 1 && window.layout.shape[0] === length,
      `expected a 1D window tensor of size equal to win_length=${length}, but got window with size ${showShape(window.layout.shape)}`,
    )
  let frames = framesOf([x.ndim === 1 ? unsqueeze(x, 0) : x], { n: nFft, hop, length: size })[0]
  if (window !== null || length < nFft) frames = mul(frames, centred(window ?? filled(x, [length], 1), nFft))
  const scale = normalized ? 1 / Math.sqrt(nFft) : 1
  const isOnesided = onesided ?? !isComplex(frames.dtype)
  if (isComplex(frames.dtype) && isOnesided) throw new Error('Cannot have onesided output if window or input is complex')
  if (!isComplex(frames.dtype) && frames.dtype !== 'float32' && frames.dtype !== 'float64')
    throw new Error(`Unsupported dtype ${scalarName(frames.dtype)}`)
  const spectra = isComplex(frames.dtype)
    ? complexToComplex([frames], { dims: [2], backward: false, scale })[0]
    : realToComplex([frames], { dim: 2, n: nFft, scale, whole: !isOnesided })[0]
  const out = transpose(self.ndim === 1 ? squeeze(spectra, 0) : spectra, -2, -1)
  const asComplex = returnComplex ?? (isComplex(self.dtype) || (window !== null && isComplex(window.dtype)))
  return asComplex ? out : viewAsReal(out)
}

export interface IstftOptions extends WindowedOptions {
  /** The length of the signal, which is cut or filled up with zeros; what the frames cover unless given. */
  length?: number | null
  /** A complex signal, from all nFft frequencies. */
  returnComplex?: boolean
}

/**
 * The signal that a spectrogram [(B,) N, T] was made of by `stft`, as `torch.istft`: windows are transformed back, added
 * where they overlap, and divided by the sum of the squared windows.
 *
 * @throws Error where that sum is 0 somewhere, and for sizes that do not fit.
 * @example
 * const spectrum = torch.stft(torch.ones(8), 4, { returnComplex: true })
 * torch.istft(spectrum, 4).shape // [ 8 ]
 */
export function istft(
  self: Tensor,
  nFft: number,
  ...args: Arguments<
    [
      hopLength: number | null,
      winLength: number | null,
      window: Tensor | null,
      center: boolean,
      normalized: boolean,
      onesided: boolean | null,
      length: number | null,
      returnComplex: boolean,
    ],
    IstftOptions
  >
): Tensor {
  const given = readArguments<IstftOptions>('istft', args, [
    'hopLength',
    'winLength',
    'window',
    'center',
    'normalized',
    'onesided',
    'length',
    'returnComplex',
  ])
  const { window = null, center = true, normalized = false, onesided = null, length = null, returnComplex = false } = given
  requireTensor(self, 'istft')
  const hop = given.hopLength ?? Math.floor(nFft / 4)
  const windowLength = given.winLength ?? nFft
  const dims = self.ndim + (isComplex(self.dtype) ? 1 : 0)
  if (dims < 3) throw new RangeError(`Dimension out of range (expected to be in range of [${-dims}, ${dims - 1}], but got -3)`)
  const check = (holds: boolean, message: string): void => {
    if (!holds)
      throw new Error(
        `istft(CPU${scalarName(self.dtype)}Type${showShape(self.layout.shape)}, n_fft=${nFft}, hop_length=${hop}, win_length=${windowLength}, ` +
          `window=${optional(window)}, center=${optional(center)}, normalized=${optional(normalized)}, onesided=${optional(onesided)}, ` +
          `length=${optional(length)}, return_complex=${optional(returnComplex)})${message}`,
      )
  }
  check(self.layout.numel > 0, ': input tensor cannot be empty.')
  check(dims === 3 || dims === 4, `: expected a tensor with 3 or 4 dimensions, but got ${dims}`)
  if (!isComplex(self.dtype))
    check(
      self.layout.shape.at(-1) === 2,
      `: expected the last dimension to be 2 (corresponding to real and imaginary parts), but got ${self.layout.shape.at(-1)}`,
    )
  const input = isComplex(self.dtype) ? self : viewAsComplex(contiguous(self))
  const [frequencies] = input.layout.shape.slice(-2)
  const isOnesided = onesided ?? frequencies !== nFft
  check(
    frequencies === (isOnesided ? Math.floor(nFft / 2) + 1 : nFft),
    ': expected the frequency dimension (3rd to the last) of the input tensor to match ' +
      `${isOnesided ? 'n_fft / 2 + 1 when onsided=True' : 'n_fft when onsided=False'}, but got ${frequencies}`,
  )
  check(hop > 0 && hop <= windowLength, ': expected 0 < hop_length <= win_length')
  check(windowLength > 0 && windowLength <= nFft, ': expected 0 < win_length <= n_fft')
  if (window !== null)
    check(
      window.ndim === 1 && window.layout.shape[0] === windowLength,
      ': Invalid window shape. window has to be 1D and length of `win_length`',
    )
  if (returnComplex && isOnesided) throw new Error('Cannot have onesided output if window or input is complex')
  if (!returnComplex && window !== null && isComplex(window.dtype))
    throw new Error('Complex windows are incompatible with return_complex=False')
  const batched = transpose(input.ndim === 2 ? unsqueeze(input, 0) : input, 1, 2)
  const scale = normalized ? 1 / Math.sqrt(nFft) : 1 / nFft
  const frames = returnComplex
    ? complexToComplex([batched], { dims: [2], backward: true, scale })[0]
    : complexToReal([narrow(batched, 2, 0, Math.floor(nFft / 2) + 1)], { dim: 2, n: nFft, scale })[0]
  const weights = centred(window ?? filled(input, [windowLength], 1, realDType(input.dtype)), nFft)
  const count = frames.layout.shape[1]
  const whole = nFft + hop * (count - 1)
  const framing = { n: nFft, hop, length: whole }
  const signal = overlapped([mul(frames, weights)], framing)[0]
  const envelope = overlapped([expand(pow(weights, 2), [1, count, nFft])], framing)[0]
  const start = center ? Math.floor(nFft / 2) : 0
  const end = length !== null ? start + length : center ? whole - Math.floor(nFft / 2) : whole
  const shown = Math.max(0, Math.min(end, whole) - start)
  const divisor = narrow(envelope, 1, start, shown)
  check(!((item(min(abs(divisor))) as number) < 1e-11), ' window overlap add min: 1')
  const quotient = div(narrow(signal, 1, start, shown), divisor)
  const result = input.ndim === 2 ? squeeze(quotient, 0) : quotient
  return end > whole ? constantPadNd(result, [0, end - whole]) : result
}
