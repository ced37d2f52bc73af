/** Max pooling over windows of differing sizes, and its inverse: adaptive and fractional pooling, unpooling. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { type DType, isFloatingPoint, scalarName } from '../core/dtype.js'
import { Layout, numelOf, type Shape, sameShape, showShape } from '../core/layout.js'
import { named, type ValuesIndices } from '../core/results.js'
import { Tensor } from '../core/tensor.js'
import { filled, rowMajor } from './copy.js'
import { elements, tolist } from './creation.js'
import { defineOp, emptyTensor } from './dispatch.js'
import {
  type AdaptiveSize,
  adaptiveSizes,
  evenWindow,
  forDims,
  maxPool2d,
  maxPool3d,
  type Pooled,
  pickOp,
  poolSizes,
  type Size,
  spreadOp,
} from './pool.js'
import { rand } from './random.js'
import { squeeze, unsqueeze } from './view.js'

interface WindowAttributes {
  readonly sizes: Shape
  /** Start and end of every window, [1 or planes, 2 · Σ sizes]. */
  readonly bounds: Tensor
}

const pooling = (name: (dims: number) => string) =>
  forDims<WindowAttributes>((dims) =>
    defineOp<WindowAttributes>({
      name: name(dims),
      differentiableOutputs: 1,
      forward: ([x], { sizes, bounds }) => {
        const backend = x.storage.allocator
        const out = [...x.layout.shape.slice(0, -dims), ...sizes]
        const values = emptyTensor(backend, out, x.dtype)
        const indices = emptyTensor(backend, out, 'int64')
        if (values.layout.numel > 0) backend.run('windowPool', x, values, indices, dims, bounds)
        return [values, indices]
      },
      save: (_, [, indices]) => [indices],
      backward: ([g], { saved: [indices], inputs }) => [spreadOp(dims)([g!, indices], { shape: inputs[0].shape })[0]],
    }),
  )
const adaptiveMaxPoolOp = pooling((dims) => `AdaptiveMaxPool${dims}D`)
const fractionalMaxPoolOp = pooling((dims) => `FractionalMaxPool${dims}D`)

export interface ReturnIndicesOptions<R extends boolean = boolean> {
  /** Whether the place of each maximum in its plane is answered too. */
  returnIndices?: R
}
type ReturnIndices<R extends boolean> = Arguments<[returnIndices: R], ReturnIndicesOptions<R>>

function adaptiveMaxPool(
  dims: number,
  input: Tensor,
  outputSize: AdaptiveSize,
  args: readonly unknown[],
): Tensor | ValuesIndices {
  const name = `adaptive_max_pool${dims}d`
  const { returnIndices = false } = readArguments<ReturnIndicesOptions>(name, args, ['returnIndices'])
  const sizes = adaptiveSizes(name, dims, input, outputSize)
  const { values, indices } =
    dims === 1 ? asLine(adaptiveMaxima(2, unsqueeze(input, -2), [1, ...sizes])) : adaptiveMaxima(dims, input, sizes)
  return returnIndices ? named({ values, indices }) : values
}
const asLine = ({ values, indices }: ValuesIndices): { values: Tensor; indices: Tensor } => ({
  values: squeeze(values, -2),
  indices: squeeze(indices, -2),
})

function adaptiveMaxima(dims: number, input: Tensor, sizes: Shape): ValuesIndices {
  const even = evenWindow(input, sizes)
  if (even !== null && !input.layout.shape.includes(0))
    return (dims === 2 ? maxPool2d : maxPool3d)(input, even.kernel, { returnIndices: true })
  const spatial = input.layout.shape.slice(-dims)
  const bounds = emptyTensor(input.storage.allocator, [1, 2 * sizes.reduce((n, s) => n + s, 0)], 'int64')
  const table = elements(bounds) as BigInt64Array
  let at = 0
  sizes.forEach((count, d) => {
    for (let i = 0; i < count; i++) {
      table[at++] = BigInt(Math.floor((i * spatial[d]) / count))
      table[at++] = BigInt(Math.ceil(((i + 1) * spatial[d]) / count))
    }
  })
  const [values, indices] = adaptiveMaxPoolOp(dims)([input], { sizes, bounds })
  return named({ values, indices })
}

/**
 * The maxima of `outputSize` windows that share [N, C, L] or [C, L] out, as `torch.nn.functional.adaptive_max_pool1d`.
 *
 * @example
 * F.adaptiveMaxPool1d(torch.tensor([[1, 4, 3, 2, 5]]), 2).tolist() // [ [ 4, 5 ] ]
 */
export const adaptiveMaxPool1d = <R extends boolean = false>(
  input: Tensor,
  outputSize: Size,
  ...args: ReturnIndices<R>
): Pooled<R> => adaptiveMaxPool(1, input, outputSize, args) as Pooled<R>

/**
 * The maxima of windows that share [N, C, H, W] or [C, H, W] out, as `torch.nn.functional.adaptive_max_pool2d`. A size of
 * null keeps that of the input; with `returnIndices` it answers `{ values, indices }`.
 *
 * @example
 * F.adaptiveMaxPool2d(torch.ones(2, 8, 7, 5), [3, null]).shape // [ 2, 8, 3, 5 ]
 */
export const adaptiveMaxPool2d = <R extends boolean = false>(
  input: Tensor,
  outputSize: AdaptiveSize,
  ...args: ReturnIndices<R>
): Pooled<R> => adaptiveMaxPool(2, input, outputSize, args) as Pooled<R>

/**
 * The maxima of windows that share [N, C, D, H, W] or [C, D, H, W] out, as `torch.nn.functional.adaptive_max_pool3d`.
 *
 * @example
 * F.adaptiveMaxPool3d(torch.ones(1, 4, 4, 4), 3).shape // [ 1, 3, 3, 3 ]
 */
export const adaptiveMaxPool3d = <R extends boolean = false>(
  input: Tensor,
  outputSize: AdaptiveSize,
  ...args: ReturnIndices<R>
): Pooled<R> => adaptiveMaxPool(3, input, outputSize, args) as Pooled<R>

export interface FractionalMaxPoolOptions<R extends boolean = boolean> extends ReturnIndicesOptions<R> {
  /** How many windows there are along each dimension. */
  outputSize?: Size | null
  /** How many windows there are for each element, between 0 and 1. */
  outputRatio?: Size | null
  /** Where the windows begin, uniform in [0, 1): [N, C, dimensions], drawn unless given. */
  _randomSamples?: Tensor | null
}
type FractionalArguments<R extends boolean> = Arguments<
  [outputSize: Size | null, outputRatio: Size | null, returnIndices: R, _randomSamples: Tensor | null],
  FractionalMaxPoolOptions<R>
>

function fractionalMaxPool(dims: number, input: Tensor, kernelSize: Size, args: readonly unknown[]): Tensor | ValuesIndices {
  const name = `fractional_max_pool${dims}d`
  const places = ['outputSize', 'outputRatio', 'returnIndices', '_randomSamples'] as const
  const { outputSize, outputRatio, returnIndices, _randomSamples } = readArguments<FractionalMaxPoolOptions>(name, args, places)
  const { shape } = input.layout
  if (input.ndim !== dims + 1 && input.ndim !== dims + 2)
    throw new RangeError(`${name}(): Expected ${dims + 1}D or ${dims + 2}D tensor, but got: ${showShape(shape)}`)
  const spatial = shape.slice(-dims)
  const kernel = poolSizes(name, 'kernel_size', kernelSize, dims)
  const sizes =
    outputSize !== undefined && outputSize !== null
      ? poolSizes(name, 'output_size', outputSize, dims)
      : ratioSizes(name, dims, spatial, outputRatio)
  const planes = [input.ndim === dims + 1 ? 1 : shape[0], shape[shape.length - dims - 1]]
  if (!isFloatingPoint(input.dtype)) throw new Error(`"${name}" not implemented for '${scalarName(input.dtype)}'`)
  const samples = _randomSamples ?? rand([...planes, dims], { dtype: input.dtype, device: input.device })
  if (
    samples.ndim !== 3 ||
    samples.layout.shape[0] < planes[0] ||
    samples.layout.shape[1] < planes[1] ||
    samples.layout.shape[2] !== dims
  )
    throw new Error(`Expect _random_samples to have shape [${planes}, ${dims}], but got ${showShape(samples.layout.shape)}`)
  if (shape.slice(-dims - 1).includes(0))
    throw new Error(`${name}(): Expected input to have non-zero size for non-batch dimensions, but got ${showShape(shape)}`)
  if (kernel.some((k) => k <= 0)) throw new Error(`${name}(): kernel size should be greater than zero, but got ${kernel}`)
  const axes = dims === 3 ? ['time', 'height', 'width'] : ['height', 'width']
  for (let d = 0; d < dims; d++)
    // In three dimensions PyTorch leaves no window without a choice.
    if (sizes[d] + kernel[d] - 1 > spatial[d] - (dims === 3 ? 1 : 0))
      throw new Error(`${name}(): pool ${axes[d]} ${kernel[d]} too large relative to input ${axes[d]} ${spatial[d]}`)
  const bounds = fractionalBounds(input, samples, planes, spatial, kernel, sizes)
  const [values, indices] = fractionalMaxPoolOp(dims)([input], { sizes, bounds })
  return returnIndices ? named({ values, indices }) : values
}

function ratioSizes(name: string, dims: number, spatial: Shape, ratio: Size | null | undefined): Shape {
  if (ratio === undefined || ratio === null)
    throw new Error(`${name} requires specifying either an output_size or an output_ratio`)
  const list = typeof ratio === 'number' ? new Array<number>(dims).fill(ratio) : ratio
  if (list.length !== dims) throw new Error(`${name}: output_ratio must either be a single float, or a tuple of ${dims} floats`)
  return spatial.map((size, d) => Math.trunc(size * list[d]))
}

/** Start and end of all windows of every plane: steps of uneven length, shifted by the plane's own random number. */
function fractionalBounds(input: Tensor, samples: Tensor, planes: Shape, spatial: Shape, kernel: Shape, sizes: Shape): Tensor {
  const round = roundings[input.dtype] ?? Math.fround
  const drawn = tolist(samples) as number[][][]
  const bounds = emptyTensor(input.storage.allocator, [planes[0] * planes[1], 2 * sizes.reduce((n, s) => n + s, 0)], 'int64')
  const table = elements(bounds) as BigInt64Array
  let at = 0
  for (let n = 0; n < planes[0]; n++)
    for (let c = 0; c < planes[1]; c++)
      sizes.forEach((count, d) => {
        const last = spatial[d] - kernel[d]
        // Samples name the width first.
        const sample = drawn[n][c][sizes.length === 2 ? 1 - d : d]
        const step = count > 1 ? round(last / (count - 1)) : 0
        for (let i = 0; i < count; i++) {
          const start = i === count - 1 ? last : Math.trunc(round(round(i + sample) * step)) - Math.trunc(round(sample * step))
          table[at++] = BigInt(start)
          table[at++] = BigInt(start + kernel[d])
        }
      })
  return bounds
}
/** Starts are computed in the input's own precision. */
const roundings: Partial<Record<DType, (v: number) => number>> = { float64: (v) => v }

/**
 * The maxima of windows of one size at random places, as `torch.nn.functional.fractional_max_pool2d` (Graham 2014):
 * `outputSize` windows along each dimension of [N, C, H, W] or [C, H, W], or `outputRatio` of the input's size.
 *
 * @example
 * F.fractionalMaxPool2d(torch.rand(2, 3, 9, 9), 2, { outputSize: 5 }).shape // [ 2, 3, 5, 5 ]
 */
export const fractionalMaxPool2d = <R extends boolean = false>(
  input: Tensor,
  kernelSize: Size,
  ...args: FractionalArguments<R>
): Pooled<R> => fractionalMaxPool(2, input, kernelSize, args) as Pooled<R>

/**
 * `fractionalMaxPool2d` for [N, C, D, H, W] or [C, D, H, W], as `torch.nn.functional.fractional_max_pool3d`.
 *
 * @example
 * F.fractionalMaxPool3d(torch.rand(1, 8, 8, 8), 2, { outputRatio: 0.5 }).shape // [ 1, 4, 4, 4 ]
 */
export const fractionalMaxPool3d = <R extends boolean = false>(
  input: Tensor,
  kernelSize: Size,
  ...args: FractionalArguments<R>
): Pooled<R> => fractionalMaxPool(3, input, kernelSize, args) as Pooled<R>

/** A tensor's planes as rows of one matrix. */
function planesOf(t: Tensor, dims: number): Tensor {
  const own = rowMajor(t)
  const area = numelOf(own.layout.shape.slice(-dims))
  return new Tensor(own.storage, Layout.contiguousAt([own.layout.numel / area, area], own.layout.offset), own.dtype)
}

/** Values put at the places that indices name, zeros elsewhere; the last of several at one place counts. */
const unpoolOp = forDims<Shape>((dims) =>
  defineOp<Shape>({
    name: `MaxUnpool${dims}D`,
    forward: ([x, indices], sizes) => {
      const out = filled(x, [...x.layout.shape.slice(0, -dims), ...sizes], 0)
      if (x.layout.numel === 0) return [out]
      if (out.layout.numel === 0) throw new Error(invalidIndex((tolist(indices) as number[]).flat(dims + 1)[0], sizes))
      try {
        x.storage.allocator.run('scatter', planesOf(out, dims), 1, planesOf(indices, dims), planesOf(x, dims), 0)
      } catch (error) {
        const index = error instanceof RangeError ? /index (-?\d+)/.exec(error.message) : null
        throw index === null ? error : new Error(invalidIndex(Number(index[1]), sizes))
      }
      return [out]
    },
    save: ([, indices]) => [indices],
    backward: ([g], { saved: [indices] }) => [pickOp(dims)([g!, indices], undefined)[0], null],
  }),
)
const invalidIndex = (index: number, sizes: Shape): string =>
  `Found an invalid max index: ${index} (output volumes are of size ${sizes.join('x')}`

export interface MaxUnpoolOptions {
  /** Step between the windows that were pooled; the kernel's size unless given. */
  stride?: Size | null
  /** The padding of the pooling. */
  padding?: Size
  /** The size of what was pooled, where several sizes give the same result. */
  outputSize?: Shape | null
}
type UnpoolArguments = Arguments<[stride: Size | null, padding: Size, outputSize: Shape | null], MaxUnpoolOptions>

function maxUnpool(dims: number, input: Tensor, indices: Tensor, kernelSize: Size, args: readonly unknown[]): Tensor {
  const name = `max_unpool${dims}d`
  const options = readArguments<MaxUnpoolOptions>(name, args, ['stride', 'padding', 'outputSize'])
  const { shape } = input.layout
  const kernel = poolSizes(name, 'kernel_size', kernelSize, dims)
  const given = options.stride ?? []
  const stride = typeof given !== 'number' && given.length === 0 ? kernel : poolSizes(name, 'stride', given, dims)
  const padding = poolSizes(name, 'padding', options.padding ?? 0, dims)
  if (input.ndim !== dims + 1 && input.ndim !== dims + 2)
    throw new Error(
      `Input to max_unpooling${dims}d should be a ${dims + 1}d or ${dims + 2}d Tensor, but got a tensor with ${input.ndim} dimensions.`,
    )
  if (indices.dtype !== 'int64') throw new Error(`elements in indices should be type int64 but got: ${scalarName(indices.dtype)}`)
  if (!sameShape(shape, indices.layout.shape))
    throw new Error(
      `Expected shape of indices to be same as that of the input tensor (${showShape(shape)}) but got indices tensor with shape: ${showShape(indices.layout.shape)}`,
    )
  if (!isFloatingPoint(input.dtype)) throw new Error(`"${name}" not implemented for '${scalarName(input.dtype)}'`)
  if (stride.some((s) => s <= 0)) throw new Error(`strides should be greater than zero, but got stride: ${showShape(stride)}`)
  const sizes = unpooledSizes(shape.slice(-dims), kernel, stride, padding, options.outputSize ?? null)
  if (dims === 1) return squeeze(unpoolOp(2)([unsqueeze(input, -2), unsqueeze(indices, -2)], [1, ...sizes])[0], -2)
  return unpoolOp(dims)([input, indices], sizes)[0]
}

function unpooledSizes(from: Shape, kernel: Shape, stride: Shape, padding: Shape, outputSize: Shape | null): Shape {
  const usual = from.map((size, d) => (size - 1) * stride[d] + kernel[d] - 2 * padding[d])
  if (outputSize === null) return usual
  const dims = kernel.length
  const sizes = outputSize.length === dims + 2 ? outputSize.slice(2) : outputSize
  if (sizes.length !== dims)
    throw new Error(
      `output_size should be a sequence containing ${dims} or ${dims + 2} elements, but it has a length of '${outputSize.length}'`,
    )
  sizes.forEach((size, d) => {
    const [low, high] = [usual[d] - stride[d], usual[d] + stride[d]]
    if (!(size > low && size < high))
      throw new Error(`invalid output_size "${tupleText(sizes)}" (dim ${d} must be between ${low} and ${high})`)
  })
  return sizes
}

/**
 * The inverse of `maxPool1d` as far as there is one, as `torch.nn.functional.max_unpool1d`: the maxima go back to the places
 * that `indices` names, everything else is zero.
 *
 * @throws Error where an index lies outside.
 * @example
 * const { values, indices } = F.maxPool1d(torch.tensor([[1, 3, 2, 5]]), 2, { returnIndices: true })
 * F.maxUnpool1d(values, indices, 2).tolist() // [ [ 0, 3, 0, 5 ] ]
 */
export const maxUnpool1d = (input: Tensor, indices: Tensor, kernelSize: Size, ...args: UnpoolArguments): Tensor =>
  maxUnpool(1, input, indices, kernelSize, args)

/**
 * The inverse of `maxPool2d` as far as there is one, as `torch.nn.functional.max_unpool2d`.
 *
 * @example
 * const { values, indices } = F.maxPool2d(torch.arange(16).float().view(1, 4, 4), 2, { returnIndices: true })
 * F.maxUnpool2d(values, indices, 2).sum().item() // 40
 */
export const maxUnpool2d = (input: Tensor, indices: Tensor, kernelSize: Size, ...args: UnpoolArguments): Tensor =>
  maxUnpool(2, input, indices, kernelSize, args)

/**
 * The inverse of `maxPool3d` as far as there is one, as `torch.nn.functional.max_unpool3d`.
 *
 * @example
 * const { values, indices } = F.maxPool3d(torch.rand(1, 4, 4, 4), 2, { returnIndices: true })
 * F.maxUnpool3d(values, indices, 2).shape // [ 1, 4, 4, 4 ]
 */
export const maxUnpool3d = (input: Tensor, indices: Tensor, kernelSize: Size, ...args: UnpoolArguments): Tensor =>
  maxUnpool(3, input, indices, kernelSize, args)

/** Sizes as Python prints a tuple. */
const tupleText = (sizes: Shape): string => `(${sizes.join(', ')}${sizes.length === 1 ? ',' : ''})`
