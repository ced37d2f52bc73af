/** Images of another size. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { isFloatingPoint, scalarName } from '../core/dtype.js'
import { Layout, type Shape, showShape } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { rowMajor } from './copy.js'
import { elements } from './creation.js'
import { defineOp, emptyTensor, type Op } from './dispatch.js'
import { placesOf, rearranging } from './pad.js'
import { adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d } from './pool.js'

/** One axis of an interpolation: each index is a sum over neighbours, `count` of them from `start` on. */
interface Axis {
  readonly size: number
  readonly start: Int32Array
  readonly count: Int32Array
  readonly weights: readonly number[][]
}

/** An axis as the kernels read it: float64 [size, 2 + width]. */
function tableOf(like: Tensor, { size, start, count, weights }: Axis): Tensor {
  const width = Math.max(1, ...count) + 2
  const table = emptyTensor(like.storage.allocator, [size, width], 'float64')
  const array = elements(table) as Float64Array
  array.fill(0)
  for (let i = 0; i < size; i++) {
    array[i * width] = start[i]
    array[i * width + 1] = count[i]
    array.set(weights[i], i * width + 2)
  }
  return table
}

/** The transposed sums: what each of the `from` elements gives to. They are neighbours too, as starts and ends never fall. */
function transposed(axis: Axis, from: number): Axis {
  const start = new Int32Array(from).fill(-1)
  const count = new Int32Array(from)
  const weights = Array.from({ length: from }, (): number[] => [])
  for (let i = 0; i < axis.size; i++)
    for (let t = 0; t < axis.count[i]; t++) {
      const j = axis.start[i] + t
      if (start[j] < 0) start[j] = i
      // An index between that gives nothing here.
      while (start[j] + weights[j].length < i) weights[j].push(0)
      weights[j].push(axis.weights[i][t])
      count[j] = weights[j].length
    }
  return { size: from, start: start.map((s) => Math.max(s, 0)), count, weights }
}

interface Resampling {
  /** For each spatial dimension what is summed, and what each element gives to: the gradient's sums. */
  readonly axes: readonly { readonly forward: Axis; readonly backward: Axis }[]
}

/** Sums along the last one to three dimensions. */
function resampled(x: Tensor, axes: readonly Axis[]): Tensor {
  if (axes.length === 3) {
    // Planes first, then along the depth with each plane as one row.
    const planes = resampled(x, axes.slice(1))
    const [n, c, depth, height, width] = planes.layout.shape
    const rows = new Tensor(planes.storage, Layout.contiguousAt([n, c, depth, height * width], 0), planes.dtype)
    const out = emptyTensor(x.storage.allocator, [n, c, axes[0].size, height * width], x.dtype)
    if (out.layout.numel > 0) x.storage.allocator.run('resample', rows, out, tableOf(x, axes[0]), null)
    return new Tensor(out.storage, Layout.contiguousAt([n, c, axes[0].size, height, width], 0), x.dtype)
  }
  const out = emptyTensor(
    x.storage.allocator,
    [...x.layout.shape.slice(0, x.ndim - axes.length), ...axes.map((a) => a.size)],
    x.dtype,
  )
  const rows = axes.length === 2 ? tableOf(x, axes[0]) : null
  if (out.layout.numel > 0) x.storage.allocator.run('resample', x, out, rows, tableOf(x, axes[axes.length - 1]))
  return out
}

/** Weighted sums along each axis. The gradient is the same with the transposed sums. */
function summing(name: string): Op<Resampling> {
  const forward: Op<Resampling> = defineOp<Resampling>({
    name,
    forward: ([x], { axes }) => [
      resampled(
        x,
        axes.map((a) => a.forward),
      ),
    ],
    backward: ([g], { attrs }) => [backward([g!], attrs)[0]],
  })
  const backward: Op<Resampling> = defineOp<Resampling>({
    name: `${name}Backward`,
    forward: ([g], { axes }) => [
      resampled(
        rowMajor(g),
        axes.map((a) => a.backward),
      ),
    ],
    backward: ([gg], { attrs }) => [forward([gg!], attrs)[0]],
  })
  return forward
}

const nearestOps = [1, 2, 3].map((dims) => rearranging(`UpsampleNearest${dims}D`))
const nearestExactOps = [1, 2, 3].map((dims) => rearranging(`UpsampleNearestExact${dims}D`))
const sumOps = {
  linear: summing('UpsampleLinear1D'),
  bilinear: summing('UpsampleBilinear2D'),
  bicubic: summing('UpsampleBicubic2D'),
  trilinear: summing('UpsampleTrilinear3D'),
  bilinearAntialias: summing('UpsampleBilinear2DAa'),
  bicubicAntialias: summing('UpsampleBicubic2DAa'),
}

/** Numbers as PyTorch has them on the way: doubles for float64, floats for everything else. */
type Round = (value: number) => number

/** How far apart the places that are read lie. */
function stepOf(from: number, size: number, scale: number | null, alignCorners: boolean, round: Round): number {
  if (alignCorners) return size > 1 ? round((from - 1) / (size - 1)) : 0
  return scale !== null && scale > 0 ? round(1 / scale) : round(from / size)
}
/**
 * The place that index i is read from. It is not rounded: PyTorch's compiler fuses the product with what is subtracted from
 * it, so that only the element's number is that of the rounded place.
 */
const placeOf = (i: number, step: number, alignCorners: boolean): number => (alignCorners ? step * i : step * (i + 0.5) - 0.5)

/** Weights for the neighbours from `first` on; those beyond an edge stand for the element at it. */
function clampedAxis(size: number, from: number, taps: (i: number) => { first: number; weights: readonly number[] }): Axis {
  const start = new Int32Array(size)
  const count = new Int32Array(size)
  const weights: number[][] = []
  for (let i = 0; i < size; i++) {
    const { first, weights: given } = taps(i)
    const at = (k: number): number => Math.min(Math.max(first + k, 0), from - 1)
    start[i] = at(0)
    const own: number[] = []
    given.forEach((w, k) => {
      own[at(k) - start[i]] = (own[at(k) - start[i]] ?? 0) + w
    })
    count[i] = own.length
    weights.push(own)
  }
  return { size, start, count, weights }
}

function linearAxis(size: number, from: number, scale: number | null, alignCorners: boolean, round: Round): Axis {
  const step = stepOf(from, size, scale, alignCorners, round)
  return clampedAxis(size, from, (i) => {
    // The same size again is copied, whatever the scale says.
    if (size === from) return { first: i, weights: [1] }
    const place = Math.max(placeOf(i, step, alignCorners), 0)
    const first = Math.min(Math.floor(round(place)), from - 1)
    const t = Math.min(Math.max(round(place - first), 0), 1)
    return { first, weights: [round(1 - t), t] }
  })
}

/** Keys' cubic kernel: (a+2)|x|³ − (a+3)|x|² + 1 up to 1, a|x|³ − 5a|x|² + 8a|x| − 4a up to 2. */
const cubic = (x: number, a: number): number =>
  x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0

function cubicAxis(size: number, from: number, scale: number | null, alignCorners: boolean, round: Round): Axis {
  const step = stepOf(from, size, scale, alignCorners, round)
  return clampedAxis(size, from, (i) => {
    const place = placeOf(i, step, alignCorners)
    const first = Math.floor(round(place))
    const t = Math.min(Math.max(round(place - first), 0), 1)
    return { first: first - 1, weights: [t + 1, t, 1 - t, 2 - t].map((x) => cubic(x, -0.75)) }
  })
}

/** Where an image shrinks the kernel is as much wider, so that every element counts. */
function antialiasAxis(
  size: number,
  from: number,
  scale: number | null,
  alignCorners: boolean,
  round: Round,
  reach: number,
  kernel: (x: number) => number,
): Axis {
  const step = stepOf(from, size, scale, alignCorners, round)
  const support = round(step >= 1 ? (reach / 2) * step : reach / 2)
  const inverse = round(step >= 1 ? 1 / step : 1)
  const start = new Int32Array(size)
  const count = new Int32Array(size)
  const weights: number[][] = []
  for (let i = 0; i < size; i++) {
    const center = round(step * round(i + 0.5))
    start[i] = Math.max(Math.trunc(round(center - support + 0.5)), 0)
    count[i] = Math.min(Math.trunc(round(center + support + 0.5)), from) - start[i]
    const own = Array.from({ length: count[i] }, (_, k) =>
      round(kernel(Math.abs(round(round(k + start[i] - center + 0.5) * inverse)))),
    )
    const total = own.reduce((sum, w) => sum + w, 0)
    weights.push(own.map((w) => (total === 0 ? w : w / total)))
  }
  return { size, start, count, weights }
}
const triangle = (x: number): number => (x < 1 ? 1 - x : 0)

export type InterpolationMode = 'nearest' | 'nearest-exact' | 'linear' | 'bilinear' | 'bicubic' | 'trilinear' | 'area'

type Size = number | readonly number[]

export interface InterpolateOptions {
  /** The sizes of the result. */
  size?: Size | null
  /** The sizes of the result as multiples of the input's. */
  scaleFactor?: Size | null
  mode?: InterpolationMode
  /** Whether the centres of the corner elements stay in place, rather than the corners of the image. */
  alignCorners?: boolean | null
  /** Whether the scale is computed again from the rounded sizes. */
  recomputeScaleFactor?: boolean | null
  /** Whether a shrinking image is smoothed first (bilinear and bicubic). */
  antialias?: boolean
}
type InterpolateArguments = Arguments<
  [
    size: Size | null,
    scaleFactor: Size | null,
    mode: InterpolationMode,
    alignCorners: boolean | null,
    recomputeScaleFactor: boolean | null,
    antialias: boolean,
  ],
  InterpolateOptions
>
const places = ['size', 'scaleFactor', 'mode', 'alignCorners', 'recomputeScaleFactor', 'antialias'] as const

/** How many dimensions the modes need, batch and channels included; 0: any of 3 to 5. */
const dimensionsOf: Record<InterpolationMode, number> = {
  nearest: 0,
  'nearest-exact': 0,
  area: 0,
  linear: 3,
  bilinear: 4,
  bicubic: 4,
  trilinear: 5,
}

/**
 * Images [N, C, …] made larger or smaller, to a `size` or by a `scaleFactor`, as `torch.nn.functional.interpolate`. Modes:
 * `'nearest'`, `'nearest-exact'` and `'area'` for one to three spatial dimensions, `'linear'` for one, `'bilinear'` and
 * `'bicubic'` for two, `'trilinear'` for three.
 *
 * @throws Error where mode and dimensions do not fit, or neither or both of `size` and `scaleFactor` are given.
 * @example
 * F.interpolate(torch.tensor([[[1, 2]]]), { scaleFactor: 2 }).tolist() // [ [ [ 1, 1, 2, 2 ] ] ]
 * F.interpolate(torch.tensor([[[0, 3]]]), { size: 4, mode: 'linear', alignCorners: true }).tolist() // [ [ [ 0, 1, 2, 3 ] ] ]
 */
export function interpolate(input: Tensor, ...args: InterpolateArguments): Tensor {
  const options = readArguments<InterpolateOptions>('interpolate', args, places)
  const { mode = 'nearest', antialias = false } = options
  const smooth = mode !== 'nearest' && mode !== 'nearest-exact' && mode !== 'area'
  if (!smooth && options.alignCorners !== undefined && options.alignCorners !== null)
    throw new Error('align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear')
  const { sizes, scales } = targetSizes(input, options)
  if (antialias && !((mode === 'bilinear' || mode === 'bicubic') && input.ndim === 4))
    throw new Error('Anti-alias option is only supported for bilinear and bicubic modes')
  const wanted = dimensionsOf[mode]
  if (wanted === undefined || input.ndim < 3 || input.ndim > 5 || (mode === 'bicubic' && input.ndim !== 4))
    throw new Error(
      `Input Error: Only 3D, 4D and 5D input Tensors supported (got ${input.ndim}D) for the modes: nearest | linear | bilinear | bicubic | trilinear | area | nearest-exact (got ${mode})`,
    )
  if (wanted !== 0 && wanted !== input.ndim) throw new Error(`Got ${input.ndim}D input, but ${mode} mode needs ${wanted}D input`)
  if (mode === 'area') return [adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d][input.ndim - 3](input, sizes)
  return upsampled(input, mode, sizes, scales, options.alignCorners ?? false, antialias)
}

function targetSizes(input: Tensor, options: InterpolateOptions): { sizes: Shape; scales: readonly (number | null)[] } {
  const { size = null, scaleFactor = null, mode = 'nearest', recomputeScaleFactor } = options
  const spatial = input.layout.shape.slice(2)
  if (size !== null && scaleFactor !== null) throw new Error('only one of size or scale_factor should be defined')
  if (size !== null) {
    const sizes = typeof size === 'number' ? spatial.map(() => size) : size
    if (sizes.length !== spatial.length)
      throw new Error(
        `Input and output must have the same number of spatial dimensions, but got input with spatial dimensions of ${showShape(spatial)} and output size of ${showShape(sizes)}. Please provide input tensor in (N, C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) format.`,
      )
    if (recomputeScaleFactor) throw new Error('recompute_scale_factor is not meaningful with an explicit size.')
    if (sizes.some((s) => !Number.isInteger(s))) throw new TypeError(`size must be integers, but got ${showShape(sizes)}`)
    return { sizes, scales: spatial.map(() => null) }
  }
  if (scaleFactor === null) throw new Error('either size or scale_factor should be defined')
  const scales = typeof scaleFactor === 'number' ? spatial.map(() => scaleFactor) : scaleFactor
  if (scales.length !== spatial.length)
    throw new Error(
      `Input and scale_factor must have the same number of spatial dimensions, but got input with spatial dimensions of ${showShape(spatial)} and scale_factor of shape ${showShape(scales)}. Please provide input tensor in (N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) format.`,
    )
  const sizes = spatial.map((s, d) => Math.floor(s * scales[d]))
  return { sizes, scales: recomputeScaleFactor || mode === 'area' ? spatial.map(() => null) : scales }
}

function upsampled(
  input: Tensor,
  mode: Exclude<InterpolationMode, 'area'>,
  sizes: Shape,
  scales: readonly (number | null)[],
  alignCorners: boolean,
  antialias: boolean,
): Tensor {
  const { shape } = input.layout
  const spatial = shape.slice(2)
  if ([...spatial, ...sizes].some((s) => !(s > 0))) {
    const say = (list: Shape): string => list.map((s, d) => `${'DHW'[d + 3 - list.length]}: ${s}`).join(', ')
    throw new Error(`Input and output sizes should be greater than 0, but got input (${say(spatial)}) output (${say(sizes)})`)
  }
  if (shape[1] === 0)
    throw new Error(`Non-empty ${input.ndim}D data tensor expected but got a tensor with sizes ${showShape(shape)}`)
  const isNearest = mode === 'nearest' || mode === 'nearest-exact'
  if (!isFloatingPoint(input.dtype) && !(isNearest && input.dtype === 'uint8')) {
    const kind = antialias ? 'aa' : isNearest ? 'nearest' : mode === 'bicubic' ? 'cubic' : 'linear'
    throw new Error(`"compute_indices_weights_${kind}" not implemented for '${scalarName(input.dtype)}'`)
  }
  const dims = sizes.length
  if (isNearest) {
    // Places are computed in floats whatever the dtype.
    const steps = sizes.map((size, d) => stepOf(spatial[d], size, scales[d], false, Math.fround))
    const half = mode === 'nearest' ? 0 : 0.5
    const place = (d: number, i: number): number =>
      Math.min(Math.floor(Math.fround(Math.fround(i + half) * steps[d])), spatial[d] - 1)
    return (mode === 'nearest' ? nearestOps : nearestExactOps)[dims - 1]([input], placesOf(input, sizes, place))[0]
  }
  const round: Round = input.dtype === 'float64' ? (v) => v : Math.fround
  const axes = sizes.map((size, d) => {
    const forward = axisOf(mode, size, spatial[d], scales[d], alignCorners, antialias, round)
    return { forward, backward: transposed(forward, spatial[d]) }
  })
  const name = antialias ? (`${mode}Antialias` as 'bilinearAntialias' | 'bicubicAntialias') : mode
  return sumOps[name]([input], { axes })[0]
}

function axisOf(
  mode: InterpolationMode,
  size: number,
  from: number,
  scale: number | null,
  alignCorners: boolean,
  antialias: boolean,
  round: Round,
): Axis {
  if (!antialias) return (mode === 'bicubic' ? cubicAxis : linearAxis)(size, from, scale, alignCorners, round)
  return mode === 'bicubic'
    ? antialiasAxis(size, from, scale, alignCorners, round, 4, (x) => cubic(x, -0.5))
    : antialiasAxis(size, from, scale, alignCorners, round, 2, triangle)
}

type UpsampleArguments = Arguments<
  [size: Size | null, scaleFactor: Size | null],
  Pick<InterpolateOptions, 'size' | 'scaleFactor'>
>

/**
 * `interpolate` by its old name, as `torch.nn.functional.upsample`.
 *
 * @example
 * F.upsample(torch.ones(1, 1, 2, 2), { scaleFactor: 2 }).shape // [ 1, 1, 4, 4 ]
 */
export function upsample(
  input: Tensor,
  ...args: Arguments<
    [size: Size | null, scaleFactor: Size | null, mode: InterpolationMode, alignCorners: boolean | null],
    Omit<InterpolateOptions, 'recomputeScaleFactor' | 'antialias'>
  >
): Tensor {
  return interpolate(input, readArguments<InterpolateOptions>('upsample', args, places.slice(0, 4)))
}

/**
 * `interpolate` in the mode `'nearest'`, as `torch.nn.functional.upsample_nearest`.
 *
 * @example
 * F.upsampleNearest(torch.ones(1, 1, 2, 2), { size: 3 }).shape // [ 1, 1, 3, 3 ]
 */
export const upsampleNearest = (input: Tensor, ...args: UpsampleArguments): Tensor =>
  interpolate(input, readArguments<InterpolateOptions>('upsample_nearest', args, ['size', 'scaleFactor']))

/**
 * `interpolate` in the mode `'bilinear'` with aligned corners, as `torch.nn.functional.upsample_bilinear`.
 *
 * @example
 * F.upsampleBilinear(torch.tensor([[[[0, 2]]]]), { size: [1, 3] }).flatten().tolist() // [ 0, 1, 2 ]
 */
export const upsampleBilinear = (input: Tensor, ...args: UpsampleArguments): Tensor =>
  interpolate(input, {
    ...readArguments<InterpolateOptions>('upsample_bilinear', args, ['size', 'scaleFactor']),
    mode: 'bilinear',
    alignCorners: true,
  })
