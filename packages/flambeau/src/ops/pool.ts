/** Pooling over windows of the last dimensions. Those of one dimension are those of two, over planes of one row. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { isFloatingPoint, scalarName } from '../core/dtype.js'
import { type Shape, showShape } from '../core/layout.js'
import { named, type ValuesIndices } from '../core/results.js'
import type { Tensor } from '../core/tensor.js'
import { to } from './cast.js'
import { defineOp, emptyTensor, type Op } from './dispatch.js'
import { mean } from './reduce.js'
import { squeeze, unsqueeze } from './view.js'

/** One number for all spatial dimensions, or one each. */
export type Size = number | readonly number[]

interface Window {
  readonly kernel: Shape
  readonly stride: Shape
  readonly padding: Shape
  readonly dilation: Shape
  readonly out: Shape
}

/** Ops over two and over three dimensions, which PyTorch gives names of their own. */
export const forDims = <A>(make: (dims: number) => Op<A>): ((dims: number) => Op<A>) => {
  const ops = [make(2), make(3)]
  return (dims) => ops[dims - 2]
}

const maxPoolOp = forDims((dims) =>
  defineOp<Window>({
    name: `MaxPool${dims}DWithIndices`,
    differentiableOutputs: 1,
    forward: ([x], { kernel, stride, padding, dilation, out }) => {
      const backend = x.storage.allocator
      const values = emptyTensor(backend, out, x.dtype)
      const indices = emptyTensor(backend, out, 'int64')
      if (values.layout.numel > 0) backend.run('maxPool', x, values, indices, kernel, stride, padding, dilation)
      return [values, indices]
    },
    save: (_, [, indices]) => [indices],
    backward: ([g], { saved: [indices], inputs }) => [spreadOp(dims)([g!, indices], { shape: inputs[0].shape })[0]],
  }),
)

/** The gradient of max pooling: each value goes to the place it came from, several to one place add up. */
export const spreadOp: (dims: number) => Op<{ shape: Shape }> = forDims((dims) =>
  defineOp<{ shape: Shape }>({
    name: `MaxPool${dims}DWithIndicesBackward`,
    forward: ([g, indices], { shape }) => {
      const out = emptyTensor(g.storage.allocator, shape, g.dtype)
      if (out.layout.numel > 0) out.storage.allocator.run('maxPoolBackward', g, indices, out, dims)
      return [out]
    },
    save: ([, indices]) => [indices],
    backward: ([gg], { saved: [indices] }) => [pickOp(dims)([gg!, indices], undefined)[0], null],
  }),
)

/** The elements of each plane that the indices name. */
export const pickOp: (dims: number) => Op<undefined> = forDims((dims) =>
  defineOp({
    name: `MaxPool${dims}DGather`,
    forward: ([x, indices]) => {
      const out = emptyTensor(x.storage.allocator, indices.layout.shape, x.dtype)
      if (out.layout.numel > 0) out.storage.allocator.run('maxPoolGather', x, indices, out, dims)
      return [out]
    },
    save: ([, indices]) => [indices],
    backward: ([g], { saved: [indices], inputs }) => [spreadOp(dims)([g!, indices], { shape: inputs[0].shape })[0], null],
  }),
)

/** The number of windows along a dimension; with ceilMode the last one may hang over, but must start inside. */
function windows(size: number, kernel: number, stride: number, padding: number, dilation: number, ceilMode: boolean): number {
  const room = size + 2 * padding - dilation * (kernel - 1) - 1
  if (!ceilMode) return Math.floor(room / stride) + 1
  const count = Math.ceil(room / stride) + 1
  return (count - 1) * stride >= size + padding ? count - 1 : count
}

const counts = ['', 'one int', 'two ints', 'three ints']

/** An argument with one number for all dimensions, or one each. */
export function poolSizes(name: string, argument: string, value: Size, dims: number): Shape {
  const list = typeof value === 'number' ? [value] : value
  if (list.some((v) => !Number.isInteger(v)))
    throw new TypeError(`${name}(): argument '${argument}' must be tuple of ints, not ${showShape(list)}`)
  if (list.length === dims) return list
  if (list.length === 1) return new Array<number>(dims).fill(list[0])
  if (dims === 1)
    throw new Error(`${name}() ${argument} must be an int, list of ints or tuple of ints of size 1 but got size ${list.length}`)
  throw new Error(`${name}: ${argument} must either be a single int, or a tuple of ${counts[dims]}`)
}

/** Which shapes pooling takes, in PyTorch's words. */
function checkInput(name: string, dims: number, input: Tensor): void {
  const { shape } = input.layout
  const batched = shape.length === dims + 2
  const empty = shape.slice(batched ? 1 : 0).includes(0)
  if ((batched || shape.length === dims + 1) && !empty) return
  if (dims === 3 || shape.length < dims + 1 || shape.length > dims + 2)
    if (dims > 1) throw new Error(`non-empty ${dims + 1}D or ${dims + 2}D (batch mode) tensor expected for input`)
  throw new Error(
    `${dims === 1 ? `${name}: ` : ''}Expected ${dims + 1}D or ${dims + 2}D (batch mode) tensor with optional 0 dim batch size for input, but got:${showShape(shape)}`,
  )
}

interface WindowOptions {
  readonly stride?: Size | null
  readonly padding?: Size
  readonly dilation?: Size
  readonly ceilMode?: boolean
}

function poolWindow(name: string, dims: number, input: Tensor, kernelSize: Size, options: WindowOptions): Window {
  const { shape } = input.layout
  const kernel = poolSizes(name, 'kernel_size', kernelSize, dims)
  const given = options.stride ?? []
  const stride = typeof given !== 'number' && given.length === 0 ? kernel : poolSizes(name, 'stride', given, dims)
  const padding = poolSizes(name, 'padding', options.padding ?? 0, dims)
  const dilation = poolSizes(name, 'dilation', options.dilation ?? 1, dims)
  checkInput(name, dims, input)
  if (kernel.some((k) => k <= 0)) throw new Error(`${name}() kernel_size must be greater than zero, but got ${kernel}`)
  if (stride.some((s) => s <= 0)) throw new Error('stride should not be zero')
  if (dilation.some((d) => d <= 0)) throw new Error(`${name}() dilation must be greater than zero, but got ${dilation}`)
  const far = padding.findIndex((p, i) => p < 0 || p > kernel[i] / 2)
  if (far >= 0)
    throw new Error(`pad should be at most half of kernel size, but got pad=${padding[far]} and kernel_size=${kernel[far]}`)
  const spatial = shape.slice(input.ndim - dims)
  const out = spatial.map((s, i) => windows(s, kernel[i], stride[i], padding[i], dilation[i], options.ceilMode ?? false))
  if (out.some((s) => s < 1)) {
    const planes = shape[input.ndim - dims - 1]
    throw new Error(
      `Given input size: (${[planes, ...spatial].join('x')}). Calculated output size: (${[planes, ...out].join('x')}). Output size is too small`,
    )
  }
  return { kernel, stride, padding, dilation, out: [...shape.slice(0, input.ndim - dims), ...out] }
}

/** A window over lines as one over planes of one row. */
const overRows = ({ kernel, stride, padding, dilation, out }: Window): Window => ({
  kernel: [1, ...kernel],
  stride: [1, ...stride],
  padding: [0, ...padding],
  dilation: [1, ...dilation],
  out: out.toSpliced(-1, 0, 1),
})

/** A tensor, or with `returnIndices` the indices as well: the flat place of each value in its plane. */
export type Pooled<R extends boolean> = R extends true ? ValuesIndices : Tensor

export interface MaxPoolOptions<R extends boolean = boolean> {
  /** Step between windows; the kernel's size unless given. */
  stride?: Size | null
  /** How much of −∞ lies on both sides. */
  padding?: Size
  /** Step between the elements of a window. */
  dilation?: Size
  /** Whether a last window may hang over the edge. */
  ceilMode?: boolean
  /** Whether the place of each maximum in its plane is answered too. */
  returnIndices?: R
}
type MaxPoolArguments<R extends boolean> = Arguments<
  [stride: Size | null, padding: Size, dilation: Size, ceilMode: boolean, returnIndices: R],
  MaxPoolOptions<R>
>

function maxPool(
  dims: number,
  input: Tensor,
  kernelSize: Size,
  args: readonly unknown[],
  always = false,
): Tensor | ValuesIndices {
  const name = `max_pool${dims}d`
  const options = readArguments<MaxPoolOptions>(name, args, ['stride', 'padding', 'dilation', 'ceilMode', 'returnIndices'])
  if (input.dtype === 'bool') throw new Error(`"${name}" not implemented for 'Bool'`)
  const window = poolWindow(name, dims, input, kernelSize, options)
  const [values, indices] =
    dims === 1
      ? maxPoolOp(2)([unsqueeze(input, -2)], overRows(window)).map((t) => squeeze(t, -2))
      : maxPoolOp(dims)([input], window)
  return options.returnIndices || always ? named({ values, indices }) : values
}

/**
 * The maximum of each window of [N, C, L] or [C, L], as `torch.nn.functional.max_pool1d`.
 *
 * @example
 * F.maxPool1d(torch.tensor([[1, 3, 2, 5]]), 2).tolist() // [ [ 3, 5 ] ]
 */
export const maxPool1d = <R extends boolean = false>(input: Tensor, kernelSize: Size, ...args: MaxPoolArguments<R>): Pooled<R> =>
  maxPool(1, input, kernelSize, args) as Pooled<R>

/**
 * `maxPool1d` with the place of each maximum, as `torch.max_pool1d_with_indices`: `{ values, indices }`.
 *
 * @example
 * const { values, indices } = torch.maxPool1dWithIndices(torch.tensor([[1, 3, 2, 5]]), 2)
 * indices.tolist() // [ [ 1, 3 ] ]
 */
export const maxPool1dWithIndices = (
  input: Tensor,
  kernelSize: Size,
  ...args: Arguments<
    [stride: Size | null, padding: Size, dilation: Size, ceilMode: boolean],
    Omit<MaxPoolOptions, 'returnIndices'>
  >
): ValuesIndices => maxPool(1, input, kernelSize, args, true) as ValuesIndices

/**
 * The maximum of each window of [N, C, H, W] or [C, H, W], as `torch.nn.functional.max_pool2d`. With `returnIndices` it
 * answers `{ values, indices }`, which `maxUnpool2d` takes.
 *
 * @example
 * F.maxPool2d(torch.arange(16).float().view(1, 4, 4), 2).tolist() // [ [ [ 5, 7 ], [ 13, 15 ] ] ]
 */
export const maxPool2d = <R extends boolean = false>(input: Tensor, kernelSize: Size, ...args: MaxPoolArguments<R>): Pooled<R> =>
  maxPool(2, input, kernelSize, args) as Pooled<R>

/**
 * The maximum of each window of [N, C, D, H, W] or [C, D, H, W], as `torch.nn.functional.max_pool3d`.
 *
 * @example
 * F.maxPool3d(torch.ones(1, 4, 4, 4), 2).shape // [ 1, 2, 2, 2 ]
 */
export const maxPool3d = <R extends boolean = false>(input: Tensor, kernelSize: Size, ...args: MaxPoolArguments<R>): Pooled<R> =>
  maxPool(3, input, kernelSize, args) as Pooled<R>

interface AvgPoolAttributes extends Window {
  readonly countIncludePad: boolean
  readonly divisor: number
}

/** Averages over windows; a kernel of zeros makes adaptive windows. Named as one of PyTorch's nodes. */
const averaging = (name: string): Op<AvgPoolAttributes> => {
  const forward: Op<AvgPoolAttributes> = defineOp<AvgPoolAttributes>({
    name,
    forward: ([x], { kernel, stride, padding, countIncludePad, divisor, out }) => {
      const result = emptyTensor(x.storage.allocator, out, x.dtype)
      if (result.layout.numel > 0)
        result.storage.allocator.run('avgPool', x, result, kernel, stride, padding, countIncludePad, divisor)
      return [result]
    },
    backward: ([g], { attrs, inputs }) => [backward([g!], { ...attrs, shape: inputs[0].shape })[0]],
  })
  const backward: Op<AvgPoolAttributes & { shape: Shape }> = defineOp<AvgPoolAttributes & { shape: Shape }>({
    name: `${name}Backward`,
    forward: ([g], { kernel, stride, padding, countIncludePad, divisor, shape }) => {
      const result = emptyTensor(g.storage.allocator, shape, g.dtype)
      if (result.layout.numel > 0)
        result.storage.allocator.run('avgPoolBackward', g, result, kernel, stride, padding, countIncludePad, divisor)
      return [result]
    },
    backward: ([gg], { attrs }) => [forward([gg!], attrs)[0]],
  })
  return forward
}
const avgPoolOp = forDims((dims) => averaging(`AvgPool${dims}D`))
const adaptiveAvgPoolOp = forDims((dims) => averaging(`AdaptiveAvgPool${dims}D`))

export interface AvgPoolOptions {
  /** Step between windows; the kernel's size unless given. */
  stride?: Size | null
  /** How many zeros lie on both sides. */
  padding?: Size
  /** Whether a last window may hang over the edge. */
  ceilMode?: boolean
  /** Whether padding counts in the mean. */
  countIncludePad?: boolean
}
export interface AvgPoolNdOptions extends AvgPoolOptions {
  /** Divide by this instead of the window's size. */
  divisorOverride?: number | null
}
type AvgPoolPlaces = [stride: Size | null, padding: Size, ceilMode: boolean, countIncludePad: boolean]
type AvgPoolNdArguments = Arguments<[...AvgPoolPlaces, divisorOverride: number | null], AvgPoolNdOptions>

function avgPool(dims: number, input: Tensor, kernelSize: Size, args: readonly unknown[]): Tensor {
  const name = `avg_pool${dims}d`
  const places = ['stride', 'padding', 'ceilMode', 'countIncludePad', 'divisorOverride'] as const
  const options = readArguments<AvgPoolNdOptions>(name, args, dims === 1 ? places.slice(0, 4) : places)
  const { countIncludePad = true, divisorOverride = null } = options
  // Integer quotients are cut off; float64 holds every sum that matters exactly.
  if (input.dtype === 'int64') return to(avgPool(dims, to(input, 'float64'), kernelSize, args), 'int64')
  if (!isFloatingPoint(input.dtype)) throw new Error(`"${name}" not implemented for '${scalarName(input.dtype)}'`)
  if (divisorOverride === 0) throw new Error('divisor must be not zero')
  const window = poolWindow(name, dims, input, kernelSize, options)
  const spatial = input.layout.shape.slice(-3)
  // Padding does not help here, unlike elsewhere.
  if (dims === 3 && window.kernel.some((k, d) => k > spatial[d]))
    throw new Error(
      `input image (T: ${spatial[0]} H: ${spatial[1]} W: ${spatial[2]}) smaller than kernel size (kT: ${window.kernel[0]} kH: ${window.kernel[1]} kW: ${window.kernel[2]})`,
    )
  const rest = { countIncludePad, divisor: divisorOverride ?? 0 }
  if (dims === 1) return squeeze(avgPoolOp(2)([unsqueeze(input, -2)], { ...overRows(window), ...rest })[0], -2)
  return avgPoolOp(dims)([input], { ...window, ...rest })[0]
}

/**
 * The mean of each window of [N, C, L] or [C, L], as `torch.nn.functional.avg_pool1d`.
 *
 * @example
 * F.avgPool1d(torch.tensor([[1, 3, 2, 6]]), 2).tolist() // [ [ 2, 4 ] ]
 */
export const avgPool1d = (input: Tensor, kernelSize: Size, ...args: Arguments<AvgPoolPlaces, AvgPoolOptions>): Tensor =>
  avgPool(1, input, kernelSize, args)

/**
 * The mean of each window of [N, C, H, W] or [C, H, W], as `torch.nn.functional.avg_pool2d`.
 *
 * @example
 * F.avgPool2d(torch.ones(1, 4, 4), 2, { padding: 1, countIncludePad: false }).shape // [ 1, 3, 3 ]
 */
export const avgPool2d = (input: Tensor, kernelSize: Size, ...args: AvgPoolNdArguments): Tensor =>
  avgPool(2, input, kernelSize, args)

/**
 * The mean of each window of [N, C, D, H, W] or [C, D, H, W], as `torch.nn.functional.avg_pool3d`.
 *
 * @example
 * F.avgPool3d(torch.ones(1, 4, 4, 4), 2).shape // [ 1, 2, 2, 2 ]
 */
export const avgPool3d = (input: Tensor, kernelSize: Size, ...args: AvgPoolNdArguments): Tensor =>
  avgPool(3, input, kernelSize, args)

/** The output size of adaptive pooling: null keeps that dimension's size. */
export type AdaptiveSize = number | null | readonly (number | null)[]

/** The sizes that adaptive pooling leaves, checked with PyTorch's words. */
export function adaptiveSizes(name: string, dims: number, input: Tensor, outputSize: AdaptiveSize): Shape {
  const list = outputSize === null || typeof outputSize === 'number' ? [outputSize] : outputSize
  if (list.length !== 1 && list.length !== dims)
    throw new Error(
      dims === 1
        ? `${name}() argument 'output_size' should contain one int (got ${list.length})`
        : `${name}: output_size must be ${dims}`,
    )
  const { shape } = input.layout
  if (input.ndim !== dims + 1 && input.ndim !== dims + 2)
    throw new Error(
      dims === 1
        ? `Expected 2 to 3 dimensions, but got ${input.ndim}-dimensional tensor for argument #1 'self' (while checking arguments for ${name})`
        : `${name}(): Expected ${dims + 1}D or ${dims + 2}D tensor, but got ${showShape(shape)}`,
    )
  const spatial = shape.slice(-dims)
  const sizes = spatial.map((size, d) => (list.length === 1 ? list[0] : list[d]) ?? size)
  if (sizes.some((size) => !Number.isInteger(size) || size < 0))
    throw new Error(`${name}: elements of output_size must be greater than or equal to 0 but received {${sizes.join(', ')}}`)
  // Channels may be missing only where means are taken: of one or two dimensions, or of all there is.
  const isMean = name.includes('avg') && (dims < 3 || sizes.every((size) => size === 1))
  const empty = shape.indexOf(0, isMean ? input.ndim - dims : 1)
  if (empty >= 0)
    throw new Error(
      `${name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes ${showShape(shape)} with dimension ${empty} being empty`,
    )
  if (!isFloatingPoint(input.dtype)) throw new Error(`"${name}" not implemented for '${scalarName(input.dtype)}'`)
  return sizes
}

/** Windows side by side that share the elements out evenly: pooling of the ordinary kind. Null where they do not. */
export function evenWindow(input: Tensor, sizes: Shape): Window | null {
  const spatial = input.layout.shape.slice(-sizes.length)
  if (sizes.some((size, d) => size === 0 || spatial[d] % size !== 0)) return null
  const kernel = spatial.map((size, d) => size / sizes[d])
  const lead = input.layout.shape.slice(0, -sizes.length)
  return { kernel, stride: kernel, padding: sizes.map(() => 0), dilation: sizes.map(() => 1), out: [...lead, ...sizes] }
}

function adaptiveAvgPool(dims: number, input: Tensor, outputSize: AdaptiveSize): Tensor {
  const name = `adaptive_avg_pool${dims}d`
  const sizes = adaptiveSizes(name, dims, input, outputSize)
  if (dims === 1) return squeeze(adaptiveAvgPool(2, unsqueeze(input, -2), [1, ...sizes]), -2)
  if (sizes.every((size) => size === 1))
    return mean(
      input,
      sizes.map((_, d) => input.ndim - dims + d),
      { keepdim: true },
    )
  const zeros = sizes.map(() => 0)
  const ones = sizes.map(() => 1)
  const out = [...input.layout.shape.slice(0, -dims), ...sizes]
  const window = evenWindow(input, sizes) ?? { kernel: zeros, stride: ones, padding: zeros, dilation: ones, out }
  return adaptiveAvgPoolOp(dims)([input], { ...window, countIncludePad: true, divisor: 0 })[0]
}

/**
 * The means of `outputSize` windows that share [N, C, L] or [C, L] out, as `torch.nn.functional.adaptive_avg_pool1d`.
 *
 * @example
 * F.adaptiveAvgPool1d(torch.tensor([[1, 2, 3, 4]]), 2).tolist() // [ [ 1.5, 3.5 ] ]
 */
export const adaptiveAvgPool1d = (input: Tensor, outputSize: Size): Tensor => adaptiveAvgPool(1, input, outputSize)

/**
 * The means of windows that share [N, C, H, W] or [C, H, W] out, as `torch.nn.functional.adaptive_avg_pool2d`. A size of
 * null keeps that of the input.
 *
 * @example
 * F.adaptiveAvgPool2d(torch.ones(2, 8, 7, 5), [1, null]).shape // [ 2, 8, 1, 5 ]
 */
export const adaptiveAvgPool2d = (input: Tensor, outputSize: AdaptiveSize): Tensor => adaptiveAvgPool(2, input, outputSize)

/**
 * The means of windows that share [N, C, D, H, W] or [C, D, H, W] out, as `torch.nn.functional.adaptive_avg_pool3d`.
 *
 * @example
 * F.adaptiveAvgPool3d(torch.ones(1, 4, 4, 4), 3).shape // [ 1, 3, 3, 3 ]
 */
export const adaptiveAvgPool3d = (input: Tensor, outputSize: AdaptiveSize): Tensor => adaptiveAvgPool(3, input, outputSize)
