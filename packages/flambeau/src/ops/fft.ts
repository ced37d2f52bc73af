/** Discrete Fourier transforms, `torch.fft`. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { complexDType, type DType, getDefaultDtype, isComplex, isDifferentiable, scalarName } from '../core/dtype.js'
import { wrapDim } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { mul } from './arithmetic.js'
import { to } from './cast.js'
import { conj } from './complex.js'
import { arange, type TensorOptions, tensorOptions } from './creation.js'
import { requireTensor } from './define.js'
import { complexToComplex, complexToReal, realToComplex } from './fourier.js'
import { cat } from './joining.js'
import { constantPadNd } from './pad.js'
import { roll } from './rearrange.js'
import { narrow } from './view.js'

/** What a transform is divided by: `'backward'` divides inverse transforms by n, `'forward'` the others, `'ortho'` both by √n. */
export type FftNorm = 'backward' | 'forward' | 'ortho'

export interface FftOptions {
  /** The length to cut the input to, or to fill it up to with zeros; its size unless given. */
  n?: number | null
  /** The dimension to transform; the last unless given. */
  dim?: number
  norm?: FftNorm | null
}
export type FftArguments = Arguments<[n: number | null, dim: number, norm: FftNorm | null], FftOptions>

export interface FftnOptions {
  /** The lengths of the transformed dimensions; -1 leaves one as it is. */
  s?: number | readonly number[] | null
  /** The dimensions to transform; all, or as many of the last as `s` has lengths, unless given. */
  dim?: number | readonly number[] | null
  norm?: FftNorm | null
}
export type FftnArguments = Arguments<
  [s: number | readonly number[] | null, dim: number | readonly number[] | null, norm: FftNorm | null],
  FftnOptions
>

/** The factor of a transform over `count` elements. */
function scaleOf(norm: FftNorm | null, inverse: boolean, count: number): number {
  if (norm === 'ortho') return 1 / Math.sqrt(count)
  if (norm !== null && norm !== 'backward' && norm !== 'forward') throw new Error(`Invalid normalization mode: "${norm}"`)
  return (norm === 'forward') === inverse ? 1 : 1 / count
}

/** A tensor of a dtype that can be transformed: integers get the default dtype. */
function floating(self: Tensor, complex: boolean): Tensor {
  const { dtype } = self
  if (isComplex(dtype)) return self
  const wanted: DType = isDifferentiable(dtype) ? dtype : getDefaultDtype()
  if (wanted !== 'float32' && wanted !== 'float64') throw new Error(`Unsupported dtype ${scalarName(wanted)}`)
  return to(self, complex ? complexDType(wanted) : wanted)
}

const invalidLength = (n: number): Error => new Error(`Invalid number of data points (${n}) specified`)

/** Dimensions cut or filled up with zeros to these lengths. */
function resized(x: Tensor, dims: readonly number[], lengths: readonly number[]): Tensor {
  const pads = new Array<number>(2 * x.ndim).fill(0)
  let result = x
  dims.forEach((d, i) => {
    const size = x.layout.shape[d]
    if (size > lengths[i]) result = narrow(result, d, 0, lengths[i])
    if (size < lengths[i]) pads[2 * (x.ndim - 1 - d) + 1] = lengths[i] - size
  })
  return pads.some((p) => p > 0) ? constantPadNd(result, pads) : result
}

/** The arguments of a transform along one dimension; `preset` is the length where none is given. */
function readOne(name: string, self: Tensor, args: FftArguments, preset: (size: number) => number) {
  const { n = null, dim = -1, norm = null } = readArguments<FftOptions>(name, args, ['n', 'dim', 'norm'])
  requireTensor(self, name)
  if (self.ndim === 0) throw invalidLength(0)
  const d = wrapDim(dim, self.ndim)
  const length = n ?? preset(self.layout.shape[d])
  if (!(Number.isInteger(length) && length >= 1)) throw invalidLength(length)
  return { dim: d, n: length, norm }
}
const ownSize = (size: number): number => size
/** How many numbers half of a spectrum stands for. */
const fullSize = (size: number): number => 2 * (size - 1)
const halfOf = (n: number): number => Math.floor(n / 2) + 1

function complexTransform(name: string, self: Tensor, args: FftArguments, backward: boolean): Tensor {
  const { dim, n, norm } = readOne(name, self, args, ownSize)
  const x = resized(floating(self, false), [dim], [n])
  const scale = scaleOf(norm, backward, n)
  if (isComplex(x.dtype)) return complexToComplex([x], { dims: [dim], backward, scale })[0]
  const spectrum = realToComplex([x], { dim, n, scale, whole: true })[0]
  return backward ? conj(spectrum) : spectrum
}
function realTransform(name: string, self: Tensor, args: FftArguments, backward: boolean): Tensor {
  if (isComplex(requireTensor(self, name).dtype))
    throw new Error(`${name} expects a real input tensor, but got ${scalarName(self.dtype)}`)
  const { dim, n, norm } = readOne(name, self, args, ownSize)
  const x = resized(floating(self, false), [dim], [n])
  const spectrum = realToComplex([x], { dim, n, scale: scaleOf(norm, backward, n) })[0]
  return backward ? conj(spectrum) : spectrum
}
function transformToReal(name: string, self: Tensor, args: FftArguments, backward: boolean): Tensor {
  const { dim, n, norm } = readOne(name, self, args, fullSize)
  const x = resized(floating(self, true), [dim], [halfOf(n)])
  return complexToReal([backward ? x : conj(x)], { dim, n, scale: scaleOf(norm, backward, n) })[0]
}

/**
 * The discrete Fourier transform along a dimension, `X[k] = Σ x[j] e^(−2πi jk/n)`, as `torch.fft.fft`. Real numbers are taken
 * as complex ones.
 *
 * @throws Error for a length that is not positive, and for float16 and bfloat16.
 * @example
 * torch.fft.fft(torch.tensor([0, 1, 2, 3])) // tensor([ 6.+0.j, -2.+2.j, -2.+0.j, -2.-2.j])
 */
export const fft = (self: Tensor, ...args: FftArguments): Tensor => complexTransform('fft', self, args, false)
/**
 * The inverse of `fft`, `x[j] = 1/n Σ X[k] e^(2πi jk/n)`, as `torch.fft.ifft`.
 *
 * @throws Error for a length that is not positive, and for float16 and bfloat16.
 * @example
 * torch.fft.ifft(torch.fft.fft(torch.tensor([1, 2]))).real // tensor([1., 2.])
 */
export const ifft = (self: Tensor, ...args: FftArguments): Tensor => complexTransform('ifft', self, args, true)
/**
 * The first n/2 + 1 elements of the Fourier transform of n real numbers, from which the others follow, as `torch.fft.rfft`.
 *
 * @throws Error for a complex tensor.
 * @example
 * torch.fft.rfft(torch.tensor([0, 1, 2, 3])) // tensor([ 6.+0.j, -2.+2.j, -2.+0.j])
 */
export const rfft = (self: Tensor, ...args: FftArguments): Tensor => realTransform('rfft', self, args, false)
/**
 * The inverse of `rfft`, as `torch.fft.irfft`: n real numbers, 2 · (size − 1) of them unless `n` is given.
 *
 * @example
 * torch.fft.irfft(torch.fft.rfft(torch.tensor([0, 1, 2, 3]))) // tensor([0., 1., 2., 3.])
 */
export const irfft = (self: Tensor, ...args: FftArguments): Tensor => transformToReal('irfft', self, args, true)
/**
 * The Fourier transform of a signal that is Hermitian, `x[−j] = conj(x[j])`, given by its first half, as `torch.fft.hfft`: n
 * real numbers.
 *
 * @example
 * torch.fft.hfft(torch.tensor([1, 1])) // tensor([2., 0.])
 */
export const hfft = (self: Tensor, ...args: FftArguments): Tensor => transformToReal('hfft', self, args, false)
/**
 * The inverse of `hfft`, as `torch.fft.ihfft`: the first n/2 + 1 elements.
 *
 * @throws Error for a complex tensor.
 * @example
 * torch.fft.ihfft(torch.tensor([2, 0])) // tensor([1.-0.j, 1.-0.j])
 */
export const ihfft = (self: Tensor, ...args: FftArguments): Tensor => realTransform('ihfft', self, args, true)

/** The dimensions and lengths of a transform along several. */
function canonical(self: Tensor, s: FftnOptions['s'], dim: FftnOptions['dim']) {
  const { shape } = self.layout
  const list = (value: number | readonly number[]): readonly number[] => (typeof value === 'number' ? [value] : value)
  const lengths = s === null || s === undefined ? null : list(s)
  let dims = dim === null || dim === undefined ? null : list(dim)
  if (dims !== null) {
    dims = dims.map((d) => wrapDim(d, self.ndim))
    if (new Set(dims).size < dims.length) throw new Error('FFT dims must be unique')
  }
  if (lengths !== null) {
    if (dims !== null && dims.length !== lengths.length)
      throw new Error('When given, dim and shape arguments must have the same length')
    if (lengths.length > self.ndim)
      throw new Error(`Got shape with ${lengths.length} values but input tensor only has ${self.ndim} dimensions.`)
  }
  const along = dims ?? [...shape.keys()].slice(self.ndim - (lengths?.length ?? self.ndim))
  const sizes = along.map((d, i) => (lengths === null || lengths[i] === -1 ? shape[d] : lengths[i]))
  for (const n of sizes) if (!(Number.isInteger(n) && n > 0)) throw invalidLength(n)
  return { dims: along, sizes, lastGiven: lengths !== null && lengths.at(-1) !== -1 }
}
const readSeveral = (name: string, args: FftnArguments, preset: readonly number[] | null) => {
  const { s = null, dim = preset, norm = null } = readArguments<FftnOptions>(name, args, ['s', 'dim', 'norm'])
  return { s, dim, norm }
}
const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)
const atLeastOne = (name: string, dims: readonly number[]): void => {
  if (dims.length === 0) throw new Error(`${name} must transform at least one axis`)
}

type Preset = readonly number[] | null
function complexTransforms(name: string, self: Tensor, args: FftnArguments, preset: Preset, backward: boolean): Tensor {
  const { s, dim, norm } = readSeveral(name, args, preset)
  if (requireTensor(self, name).ndim === 0 && preset === null) throw new Error('ndim must be >= 1')
  const { dims, sizes } = canonical(self, s, dim)
  const x = resized(floating(self, dims.length === 0), dims, sizes)
  const scale = scaleOf(norm, backward, product(sizes))
  if (isComplex(x.dtype)) return complexToComplex([x], { dims, backward, scale })[0]
  const [d, n] = [dims.at(-1)!, sizes.at(-1)!]
  const last = realToComplex([x], { dim: d, n, scale, whole: true })[0]
  return complexToComplex([backward ? conj(last) : last], { dims: dims.slice(0, -1), backward, scale: 1 })[0]
}
function realTransforms(name: string, self: Tensor, args: FftnArguments, preset: Preset, backward: boolean): Tensor {
  const { s, dim, norm } = readSeveral(name, args, preset)
  if (isComplex(requireTensor(self, name).dtype))
    throw new Error(
      backward
        ? 'Expected self.is_floating_point() to be true, but got false.  (Could this error message be improved?  If so, please report an enhancement request to PyTorch.)'
        : `rfftn expects a real-valued input tensor, but got ${scalarName(self.dtype)}`,
    )
  const { dims, sizes } = canonical(self, s, dim)
  atLeastOne(backward ? 'ihfftn' : 'rfftn', dims)
  const x = resized(floating(self, false), dims, sizes)
  const scale = scaleOf(norm, backward, product(sizes))
  const half = realToComplex([x], { dim: dims.at(-1)!, n: sizes.at(-1)!, scale })[0]
  const others = dims.slice(0, -1)
  const turned = backward ? conj(half) : half
  return others.length === 0 ? turned : complexToComplex([turned], { dims: others, backward, scale: 1 })[0]
}
function transformsToReal(name: string, self: Tensor, args: FftnArguments, preset: Preset, backward: boolean): Tensor {
  const { s, dim, norm } = readSeveral(name, args, preset)
  const { dims, sizes, lastGiven } = canonical(requireTensor(self, name), s, dim)
  atLeastOne(backward ? 'irfftn' : 'hfftn', dims)
  const d = dims.at(-1)!
  const n = lastGiven ? sizes.at(-1)! : fullSize(self.layout.shape[d])
  if (n < 1) throw invalidLength(n)
  const others = dims.slice(0, -1)
  const scale = scaleOf(norm, backward, product(sizes.slice(0, -1)) * n)
  const x = resized(floating(self, true), dims, sizes.with(-1, halfOf(n)))
  const inner = others.length === 0 ? x : complexToComplex([x], { dims: others, backward, scale: 1 })[0]
  return complexToReal([backward ? inner : conj(inner)], { dim: d, n, scale })[0]
}

const lastTwo = [-2, -1]
/**
 * The Fourier transform along the last two dimensions, or others, as `torch.fft.fft2`.
 *
 * @throws Error for dimensions that are not unique or do not fit `s`.
 * @example
 * torch.fft.fft2(torch.ones(2, 2)).real.tolist() // [ [ 4, 0 ], [ 0, 0 ] ]
 */
export const fft2 = (self: Tensor, ...args: FftnArguments): Tensor => complexTransforms('fft2', self, args, lastTwo, false)
/**
 * The inverse of `fft2`, as `torch.fft.ifft2`.
 *
 * @throws Error for dimensions that are not unique or do not fit `s`.
 * @example
 * torch.fft.ifft2(torch.fft.fft2(torch.ones(2, 2))).real.tolist() // [ [ 1, 1 ], [ 1, 1 ] ]
 */
export const ifft2 = (self: Tensor, ...args: FftnArguments): Tensor => complexTransforms('ifft2', self, args, lastTwo, true)
/**
 * The Fourier transform of real numbers along the last two dimensions, or others, as `torch.fft.rfft2`: half of it, in the last of them.
 *
 * @throws Error for a complex tensor, and for dimensions that are not unique or do not fit `s`.
 * @example
 * torch.fft.rfft2(torch.ones(4, 4)).shape // [ 4, 3 ]
 */
export const rfft2 = (self: Tensor, ...args: FftnArguments): Tensor => realTransforms('rfft2', self, args, lastTwo, false)
/**
 * The inverse of `rfft2`, as `torch.fft.irfft2`.
 *
 * @throws Error for dimensions that are not unique or do not fit `s`.
 * @example
 * torch.fft.irfft2(torch.fft.rfft2(torch.ones(2, 2))).tolist() // [ [ 1, 1 ], [ 1, 1 ] ]
 */
export const irfft2 = (self: Tensor, ...args: FftnArguments): Tensor => transformsToReal('irfft2', self, args, lastTwo, true)
/**
 * The Fourier transform of a Hermitian signal along the last two dimensions, or others, as `torch.fft.hfft2`.
 *
 * @throws Error for dimensions that are not unique or do not fit `s`.
 * @example
 * torch.fft.hfft2(torch.ones(2, 2)).tolist() // [ [ 4, 0 ], [ 0, 0 ] ]
 */
export const hfft2 = (self: Tensor, ...args: FftnArguments): Tensor => transformsToReal('hfft2', self, args, lastTwo, false)
/**
 * The inverse of `hfft2`, as `torch.fft.ihfft2`.
 *
 * @throws Error for a complex tensor, and for dimensions that are not unique or do not fit `s`.
 * @example
 * torch.fft.ihfft2(torch.ones(4, 4)).shape // [ 4, 3 ]
 */
export const ihfft2 = (self: Tensor, ...args: FftnArguments): Tensor => realTransforms('ihfft2', self, args, lastTwo, true)
/**
 * The Fourier transform along all dimensions, or some, as `torch.fft.fftn`.
 *
 * @throws Error for dimensions that are not unique or do not fit `s`.
 * @example
 * torch.fft.fftn(torch.ones(2, 2, 2)).real.sum().item() // 8
 */
export const fftn = (self: Tensor, ...args: FftnArguments): Tensor => complexTransforms('fftn', self, args, null, false)
/**
 * The inverse of `fftn`, as `torch.fft.ifftn`.
 *
 * @throws Error for dimensions that are not unique or do not fit `s`.
 * @example
 * torch.fft.ifftn(torch.fft.fftn(torch.ones(2, 2))).real.tolist() // [ [ 1, 1 ], [ 1, 1 ] ]
 */
export const ifftn = (self: Tensor, ...args: FftnArguments): Tensor => complexTransforms('ifftn', self, args, null, true)
/**
 * The Fourier transform of real numbers along all dimensions, or some, as `torch.fft.rfftn`: half of it, in the last of them.
 *
 * @throws Error for a complex tensor, and for dimensions that are not unique or do not fit `s`.
 * @example
 * torch.fft.rfftn(torch.ones(4, 4)).shape // [ 4, 3 ]
 */
export const rfftn = (self: Tensor, ...args: FftnArguments): Tensor => realTransforms('rfftn', self, args, null, false)
/**
 * The inverse of `rfftn`, as `torch.fft.irfftn`.
 *
 * @throws Error for dimensions that are not unique or do not fit `s`.
 * @example
 * torch.fft.irfftn(torch.fft.rfftn(torch.ones(2, 2))).tolist() // [ [ 1, 1 ], [ 1, 1 ] ]
 */
export const irfftn = (self: Tensor, ...args: FftnArguments): Tensor => transformsToReal('irfftn', self, args, null, true)
/**
 * The Fourier transform of a Hermitian signal along all dimensions, or some, as `torch.fft.hfftn`.
 *
 * @throws Error for dimensions that are not unique or do not fit `s`.
 * @example
 * torch.fft.hfftn(torch.ones(2, 2)).tolist() // [ [ 4, 0 ], [ 0, 0 ] ]
 */
export const hfftn = (self: Tensor, ...args: FftnArguments): Tensor => transformsToReal('hfftn', self, args, null, false)
/**
 * The inverse of `hfftn`, as `torch.fft.ihfftn`.
 *
 * @throws Error for a complex tensor, and for dimensions that are not unique or do not fit `s`.
 * @example
 * torch.fft.ihfftn(torch.ones(4, 4)).shape // [ 4, 3 ]
 */
export const ihfftn = (self: Tensor, ...args: FftnArguments): Tensor => realTransforms('ihfftn', self, args, null, true)

export interface FrequencyOptions extends TensorOptions {
  /** The time between samples; 1 unless given. */
  d?: number
}
function frequencies(name: string, n: number, args: Arguments<[d: number], FrequencyOptions>, count: number): Tensor {
  const { d = 1, dtype = getDefaultDtype(), ...options } = readArguments<FrequencyOptions>(name, args, ['d'], tensorOptions)
  if (!isDifferentiable(dtype)) throw new Error(`${name} requires a floating point or complex dtype`)
  if (isComplex(dtype)) throw new Error(`"arange_cpu" not implemented for '${scalarName(dtype)}'`)
  if (!Number.isInteger(n)) throw new TypeError(`${name}(): argument 'n' must be int, not ${typeof n}`)
  if (n < 0) throw new Error(`Trying to create tensor with negative dimension ${count}: [${count}]`)
  const { requiresGrad, ...placed } = options
  const up = arange(0, count, { dtype, ...placed })
  const steps = name === 'rfftfreq' ? up : cat([up, arange(-Math.floor(n / 2), 0, { dtype, ...placed })])
  const result = mul(steps, 1 / (n * d))
  if (requiresGrad) result.requiresGrad = true
  return result
}
/**
 * The frequencies of the elements of a transform of length n, `[0, 1, …, −2, −1] / (n · d)`, as `torch.fft.fftfreq`.
 *
 * @throws Error for a dtype that is not floating.
 * @example
 * torch.fft.fftfreq(4) // tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
 */
export const fftfreq = (n: number, ...args: Arguments<[d: number], FrequencyOptions>): Tensor =>
  frequencies('fftfreq', n, args, Math.floor((n + 1) / 2))
/**
 * The frequencies of the elements of `rfft`, `[0, 1, …, n/2] / (n · d)`, as `torch.fft.rfftfreq`.
 *
 * @throws Error for a dtype that is not floating.
 * @example
 * torch.fft.rfftfreq(4) // tensor([0.0000, 0.2500, 0.5000])
 */
export const rfftfreq = (n: number, ...args: Arguments<[d: number], FrequencyOptions>): Tensor =>
  frequencies('rfftfreq', n, args, halfOf(n))

export interface ShiftOptions {
  /** The dimensions to shift; all unless given. */
  dim?: number | readonly number[] | null
}
function shifted(
  name: string,
  self: Tensor,
  args: Arguments<[dim: ShiftOptions['dim']], ShiftOptions>,
  by: (size: number) => number,
) {
  const { dim = null } = readArguments<ShiftOptions>(name, args, ['dim'])
  const dims = dim === null ? [...requireTensor(self, name).layout.shape.keys()] : typeof dim === 'number' ? [dim] : dim
  return roll(
    self,
    dims.map((d) => by(self.layout.shape[wrapDim(d, self.ndim)])),
    dims,
  )
}
/**
 * A spectrum turned so that frequency 0 comes to the middle, as `torch.fft.fftshift`.
 *
 * @example
 * torch.fft.fftshift(torch.fft.fftfreq(4)) // tensor([-0.5000, -0.2500,  0.0000,  0.2500])
 */
export const fftshift = (self: Tensor, ...args: Arguments<[dim: ShiftOptions['dim']], ShiftOptions>): Tensor =>
  shifted('fftshift', self, args, (size) => Math.floor(size / 2))
/**
 * The inverse of `fftshift`, as `torch.fft.ifftshift`.
 *
 * @example
 * torch.fft.ifftshift(torch.tensor([-2, -1, 0, 1, 2])) // tensor([ 0.,  1.,  2., -2., -1.])
 */
export const ifftshift = (self: Tensor, ...args: Arguments<[dim: ShiftOptions['dim']], ShiftOptions>): Tensor =>
  shifted('ifftshift', self, args, (size) => Math.floor((size + 1) / 2))
