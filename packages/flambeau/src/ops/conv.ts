/** Convolutions. The three kernels (forward, gradient of input, gradient of weight) are each other's gradients. */

import { type Arguments, isOptions, readArguments } from '../core/arguments.js'
import { isFloatingPoint, scalarName } from '../core/dtype.js'
import { Layout, type Shape, showShape } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { add } from './arithmetic.js'
import { to } from './cast.js'
import { notComplex } from './define.js'
import { commonBackend, defineOp, emptyTensor, type Op } from './dispatch.js'
import { sum } from './reduce.js'
import { embed, squeeze, unsqueeze } from './view.js'

interface ConvAttributes {
  /** The spatial sizes of the result, where they are less than the input has room for. */
  readonly sizes?: Shape
  readonly stride: Shape
  readonly padding: Shape
  readonly dilation: Shape
  readonly groups: number
}

const convOp: Op<ConvAttributes> = defineOp<ConvAttributes>({
  name: 'Convolution',
  forward: ([x, w, bias], attrs) => {
    const { stride, padding, dilation, groups } = attrs
    const backend = commonBackend([x, w, bias ?? null])
    const kernel = w.layout.shape.slice(2)
    const spatial =
      attrs.sizes ??
      kernel.map((k, i) => Math.floor((x.layout.shape[i + 2] + 2 * padding[i] - dilation[i] * (k - 1) - 1) / stride[i]) + 1)
    const out = emptyTensor(backend, [x.layout.shape[0], w.layout.shape[0], ...spatial], x.dtype)
    if (out.layout.numel > 0) backend.run('conv', x, w, bias ?? null, out, stride, padding, dilation, groups)
    return [out]
  },
  save: ([x, w], _outputs, _attrs, [needsX, needsW]) => [...(needsW ? [x] : []), ...(needsX ? [w] : [])],
  backward: ([g], { saved, attrs, needs, inputs }) => {
    const x = needs[1] ? saved[0] : null
    const w = needs[0] ? saved[needs[1] ? 1 : 0] : null
    const gradBias = needs[2] ? sum(g!, [0, ...attrs.stride.map((_, i) => i + 2)]) : null
    return [
      w && gradInputOp([g!, w], { ...attrs, shape: inputs[0].shape })[0],
      x && gradWeightOp([x, g!], { ...attrs, shape: inputs[1].shape })[0],
      gradBias,
    ]
  },
})

const gradInputOp: Op<ConvAttributes & { shape: Shape }> = defineOp<ConvAttributes & { shape: Shape }>({
  name: 'ConvolutionGradInput',
  forward: ([g, w], { shape, stride, padding, dilation, groups }) => {
    const out = emptyTensor(commonBackend([g, w]), shape, g.dtype)
    if (out.layout.numel > 0) out.storage.allocator.run('convGradInput', g, w, out, stride, padding, dilation, groups)
    return [out]
  },
  save: (inputs) => inputs,
  backward: ([gg], { saved: [g, w], attrs, needs, inputs }) => [
    needs[0] ? convOp([gg!, w], { ...attrs, sizes: inputs[0].shape.slice(2) })[0] : null,
    needs[1] ? gradWeightOp([gg!, g], { ...attrs, shape: inputs[1].shape })[0] : null,
  ],
})

const gradWeightOp: Op<ConvAttributes & { shape: Shape }> = defineOp<ConvAttributes & { shape: Shape }>({
  name: 'ConvolutionGradWeight',
  forward: ([x, g], { shape, stride, padding, dilation, groups }) => {
    const out = emptyTensor(commonBackend([x, g]), shape, x.dtype)
    if (out.layout.numel > 0) out.storage.allocator.run('convGradWeight', x, g, out, stride, padding, dilation, groups)
    return [out]
  },
  save: (inputs) => inputs,
  backward: ([gg], { saved: [x, g], attrs, needs, inputs }) => [
    needs[0] ? gradInputOp([g, gg!], { ...attrs, shape: inputs[0].shape })[0] : null,
    needs[1] ? convOp([x, gg!], { ...attrs, sizes: inputs[1].shape.slice(2) })[0] : null,
  ],
})

/** The transposed convolution runs the kernel of the gradient; its own gradients are the other two. */
const transposedOp: Op<ConvAttributes & { shape: Shape }> = defineOp<ConvAttributes & { shape: Shape }>({
  name: 'Convolution',
  forward: ([x, w, bias], { shape, stride, padding, dilation, groups }) => {
    const out = emptyTensor(commonBackend([x, w, bias ?? null]), shape, x.dtype)
    if (out.layout.numel > 0) {
      out.storage.allocator.run('convGradInput', x, w, out, stride, padding, dilation, groups)
      if (bias !== undefined) add.inPlace(out, new Tensor(bias.storage, channelsOf(bias.layout, stride.length), bias.dtype))
    }
    return [out]
  },
  save: ([x, w], _outputs, _attrs, [needsX, needsW]) => [...(needsW ? [x] : []), ...(needsX ? [w] : [])],
  backward: ([g], { saved, attrs, needs, inputs }) => {
    const x = needs[1] ? saved[0] : null
    const w = needs[0] ? saved[needs[1] ? 1 : 0] : null
    return [
      w && convOp([g!, w], { ...attrs, sizes: inputs[0].shape.slice(2) })[0],
      x && gradWeightOp([g!, x], { ...attrs, shape: inputs[1].shape })[0],
      needs[2] ? sum(g!, [0, ...attrs.stride.map((_, i) => i + 2)]) : null,
    ]
  },
})
/** A vector seen as [C, 1, …], to be added to images. */
const channelsOf = ({ shape, strides, offset }: Layout, dims: number): Layout =>
  new Layout([shape[0], ...new Array<number>(dims).fill(1)], [strides[0], ...new Array<number>(dims).fill(0)], offset)

type Size = number | readonly number[]

export interface ConvOptions {
  /** [O], added to each output channel. */
  bias?: Tensor | null
  /** Step between the places of the kernel. */
  stride?: Size
  /** Zeros added on both sides; 'same' keeps the size (stride 1), 'valid' adds none. */
  padding?: Size | 'same' | 'valid'
  /** Step between the elements that the kernel meets. */
  dilation?: Size
  /** Input and output channels are split into this many independent groups. */
  groups?: number
}

export interface ConvTransposeOptions {
  /** [O], added to each output channel. */
  bias?: Tensor | null
  /** Step between the places that input elements spread over. */
  stride?: Size
  /** How much is cut off on both sides of the result. */
  padding?: Size
  /** How much is added on one side: several sizes are convolved to the same one. */
  outputPadding?: Size
  /** Input and output channels are split into this many independent groups. */
  groups?: number
  /** Step between the elements that the kernel reaches. */
  dilation?: Size
}

/** One number for all spatial dimensions, or one each. */
export function perDimension(value: Size, dims: number, name: string): Shape {
  const list = typeof value === 'number' ? new Array<number>(dims).fill(value) : value
  if (list.some((v) => !Number.isInteger(v))) throw new TypeError(`${name} must be integers, but got ${showShape(list)}`)
  if (list.length === 1 && dims > 1) return new Array<number>(dims).fill(list[0])
  if (list.length !== dims)
    throw new Error(
      `expected ${name} to be a single integer value or a list of ${dims} values to match the convolution dimensions, but got ${name}=${showShape(list)}`,
    )
  return list
}

/** The arguments after the weight, by position or by name. Written out, as this runs in every step of training. */
type ConvArguments =
  | [
      bias?: Tensor | null | ConvOptions,
      stride?: Size | ConvOptions,
      padding?: ConvOptions['padding'] | ConvOptions,
      dilation?: Size | ConvOptions,
      groups?: number | ConvOptions,
    ]
  | [Tensor | null, Size, NonNullable<ConvOptions['padding']>, Size, number]

const convPlaces = ['bias', 'stride', 'padding', 'dilation', 'groups'] as const

function conv(name: string, dims: number, input: Tensor, weight: Tensor, args: readonly unknown[]): Tensor {
  // The usual calls need no names looked up: a bias, then options or nothing.
  const [bias, options] = args
  const plain = args.length <= 2 && (bias === undefined || bias === null || bias instanceof Tensor)
  if (plain && options === undefined) return convolution(name, dims, input, weight, (bias as Tensor | undefined) ?? null, {})
  if (plain && isOptions(options) && options.bias === undefined) {
    for (const key in options) if (!known.has(key)) readArguments<ConvOptions>(name, args, convPlaces)
    return convolution(name, dims, input, weight, (bias as Tensor | undefined) ?? null, options)
  }
  const read = readArguments<ConvOptions>(name, args, convPlaces)
  return convolution(name, dims, input, weight, read.bias ?? null, read)
}
const known: ReadonlySet<string> = new Set(convPlaces)

/**
 * A 1-d cross-correlation of signals [N, C, L] (or [C, L]) with kernels [O, C/groups, k], as `torch.nn.functional.conv1d`.
 *
 * @example
 * F.conv1d(torch.tensor([[[1, 2, 3, 4]]]), torch.tensor([[[1, -1]]])).tolist() // [ [ [ -1, -1, -1 ] ] ]
 */
export const conv1d = (input: Tensor, weight: Tensor, ...args: ConvArguments): Tensor => conv('conv1d', 1, input, weight, args)

/**
 * A 2-d cross-correlation of images [N, C, H, W] (or [C, H, W]) with kernels [O, C/groups, kH, kW], as
 * `torch.nn.functional.conv2d`: `out[n, o] = bias[o] + Σ_c w[o, c] ⋆ input[n, c]`.
 *
 * @throws Error where channels, groups or sizes do not fit.
 * @example
 * F.conv2d(torch.ones(1, 1, 5, 5), torch.ones(2, 1, 3, 3), null, { padding: 1 }).shape // [ 1, 2, 5, 5 ]
 */
export const conv2d = (input: Tensor, weight: Tensor, ...args: ConvArguments): Tensor => conv('conv2d', 2, input, weight, args)

/**
 * A 3-d cross-correlation of volumes [N, C, D, H, W] (or [C, D, H, W]) with kernels [O, C/groups, kD, kH, kW], as
 * `torch.nn.functional.conv3d`.
 *
 * @example
 * F.conv3d(torch.ones(1, 1, 4, 4, 4), torch.ones(2, 1, 3, 3, 3)).shape // [ 1, 2, 2, 2, 2 ]
 */
export const conv3d = (input: Tensor, weight: Tensor, ...args: ConvArguments): Tensor => conv('conv3d', 3, input, weight, args)

function checkBias(weight: Shape, bias: Tensor | null, outputs: number, transposed: boolean): void {
  if (bias !== null && (bias.ndim !== 1 || bias.layout.shape[0] !== outputs))
    throw new Error(
      `Given ${transposed ? 'transposed=1, ' : ''}weight of size ${showShape(weight)}, expected bias to be 1-dimensional with ${outputs} elements, but got bias of size ${showShape(bias.layout.shape)} instead`,
    )
}
function checkDTypes(name: string, input: Tensor, weight: Tensor, bias: Tensor | null): void {
  for (const other of [weight, bias])
    if (other !== null && other.dtype !== input.dtype)
      throw new Error(
        `Input type (${scalarName(input.dtype)}) and ${other === bias ? 'bias' : 'weight'} type (${scalarName(other.dtype)}) should be the same`,
      )
  if (input.dtype === 'bool') throw new Error(`"${name}" not implemented for 'Bool'`)
  notComplex(input.dtype, name)
}
function checkGroups(groups: number, w: Shape): void {
  if (w[0] < groups)
    throw new Error(
      `Given groups=${groups}, expected weight to be at least ${groups} at dimension 0, but got weight of size ${showShape(w)} instead`,
    )
  if (w[0] % groups !== 0)
    throw new Error(
      `Given groups=${groups}, expected weight to be divisible by ${groups} at dimension 0, but got weight of size ${showShape(w)} instead`,
    )
}
/** Integers by way of float64, which holds every integer up to 2^53. */
const throughFloats = (
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  run: (...t: [Tensor, Tensor, Tensor | null]) => Tensor,
): Tensor => to(run(to(input, 'float64'), to(weight, 'float64'), bias && to(bias, 'float64')), input.dtype)

function convolution(
  name: string,
  dims: number,
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  options: ConvOptions,
): Tensor {
  const { groups = 1 } = options
  if (weight.ndim !== dims + 2)
    throw new Error(`Expected ${dims + 2}D weight for ${name}, but got weight of size ${showShape(weight.layout.shape)}`)
  if (input.ndim === dims + 1) return squeeze(convolution(name, dims, unsqueeze(input, 0), weight, bias, options), 0)
  const { shape } = input.layout
  if (input.ndim !== dims + 2)
    throw new Error(
      `Expected ${dims + 1}D (unbatched) or ${dims + 2}D (batched) input to ${name}, but got input of size: ${showShape(shape)}`,
    )
  const w = weight.layout.shape
  const stride = perDimension(options.stride ?? 1, dims, 'stride')
  const dilation = perDimension(options.dilation ?? 1, dims, 'dilation')
  if (stride.some((s) => s <= 0)) throw new Error('non-positive stride is not supported')
  if (dilation.some((d) => d <= 0)) throw new Error('non-positive dilation is not supported')
  if (w.includes(0, 2)) throw new Error(`kernel size should be greater than zero, but got ${showShape(w.slice(2))}`)
  if (options.padding === 'same' && w.slice(2).some((k, i) => (dilation[i] * (k - 1)) % 2 !== 0)) {
    if (stride.some((s) => s !== 1)) throw new Error("padding='same' is not supported for strided convolutions")
    // An even kernel pads unevenly: what is left over goes behind.
    const total = w.slice(2).map((k, i) => dilation[i] * (k - 1))
    const padded = total.reduce(
      (x, p, i) => (p % 2 === 0 ? x : embed(x, x.layout.shape.with(i + 2, x.layout.shape[i + 2] + 1), i + 2, 0, 1)),
      input,
    )
    return convolution(name, dims, padded, weight, bias, { ...options, padding: total.map((p) => Math.floor(p / 2)) })
  }
  const padding = resolvePadding(options.padding ?? 0, w.slice(2), stride, dilation, dims)
  if (padding.some((p) => p < 0)) throw new Error('negative padding is not supported')
  if (!(Number.isInteger(groups) && groups > 0)) throw new Error('non-positive groups is not supported')
  checkGroups(groups, w)
  if (w[1] * groups !== shape[1])
    throw new Error(
      `Given groups=${groups}, weight of size ${showShape(w)}, expected input${showShape(shape)} to have ${w[1] * groups} channels, but got ${shape[1]} channels instead`,
    )
  checkBias(w, bias, w[0], false)
  checkDTypes(name, input, weight, bias)
  if (!isFloatingPoint(input.dtype))
    return throughFloats(input, weight, bias, (x, k, b) => convolution(name, dims, x, k, b, options))
  const padded = shape.slice(2).map((s, i) => s + 2 * padding[i])
  const reach = w.slice(2).map((k, i) => dilation[i] * (k - 1) + 1)
  if (reach.some((r, i) => r > padded[i]))
    throw new Error(
      `Calculated padded input size per channel: (${padded.join(' x ')}). Kernel size: (${reach.join(' x ')}). Kernel size can't be greater than actual input size`,
    )
  return convOp(bias === null ? [input, weight] : [input, weight, bias], { stride, padding, dilation, groups })[0]
}

function resolvePadding(
  padding: NonNullable<ConvOptions['padding']>,
  kernel: Shape,
  stride: Shape,
  dilation: Shape,
  dims: number,
): Shape {
  if (padding === 'valid') return kernel.map(() => 0)
  if (padding === 'same') {
    if (stride.some((s) => s !== 1)) throw new Error("padding='same' is not supported for strided convolutions")
    const total = kernel.map((k, i) => dilation[i] * (k - 1))
    return total.map((p) => p / 2)
  }
  if (typeof padding === 'string') throw new Error(`Invalid padding string: '${padding}'`)
  return perDimension(padding, dims, 'padding')
}

type ConvTransposeArguments = Arguments<
  [bias: Tensor | null, stride: Size, padding: Size, outputPadding: Size, groups: number, dilation: Size],
  ConvTransposeOptions
>
const transposePlaces = ['bias', 'stride', 'padding', 'outputPadding', 'groups', 'dilation'] as const

function convTranspose(dims: number, input: Tensor, weight: Tensor, args: readonly unknown[]): Tensor {
  const name = `conv_transpose${dims}d`
  const options = readArguments<ConvTransposeOptions>(name, args, transposePlaces)
  return transposedConvolution(name, dims, input, weight, options.bias ?? null, options)
}

function transposedConvolution(
  name: string,
  dims: number,
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  options: ConvTransposeOptions,
): Tensor {
  const { groups = 1 } = options
  if (weight.ndim !== dims + 2)
    throw new Error(`Expected ${dims + 2}D weight for ${name}, but got weight of size ${showShape(weight.layout.shape)}`)
  if (input.ndim === dims + 1) return squeeze(transposedConvolution(name, dims, unsqueeze(input, 0), weight, bias, options), 0)
  const { shape } = input.layout
  if (input.ndim !== dims + 2)
    throw new Error(
      `Expected ${dims + 1}D (unbatched) or ${dims + 2}D (batched) input to ${name}, but got input of size: ${showShape(shape)}`,
    )
  if (typeof options.padding === 'string') throw new TypeError(`${name}(): argument 'padding' must be tuple of ints, not str`)
  const w = weight.layout.shape
  const stride = perDimension(options.stride ?? 1, dims, 'stride')
  const padding = perDimension(options.padding ?? 0, dims, 'padding')
  const outputPadding = perDimension(options.outputPadding ?? 0, dims, 'output_padding')
  const dilation = perDimension(options.dilation ?? 1, dims, 'dilation')
  if (w.includes(0, 2)) throw new Error(`kernel size should be greater than zero, but got ${showShape(w.slice(2))}`)
  if (padding.some((p) => p < 0)) throw new Error('negative padding is not supported')
  if (outputPadding.some((p) => p < 0)) throw new Error('negative output_padding is not supported')
  if (stride.some((s) => s <= 0)) throw new Error('non-positive stride is not supported')
  if (dilation.some((d) => d <= 0)) throw new Error('non-positive dilation is not supported')
  if (!(Number.isInteger(groups) && groups > 0)) throw new Error('non-positive groups is not supported')
  checkGroups(groups, w)
  if (w[0] !== shape[1])
    throw new Error(
      `Given transposed=1, weight of size ${showShape(w)}, expected input${showShape(shape)} to have ${w[0]} channels, but got ${shape[1]} channels instead`,
    )
  checkBias(w, bias, w[1] * groups, true)
  checkDTypes(name, input, weight, bias)
  if (!isFloatingPoint(input.dtype))
    return throughFloats(input, weight, bias, (x, k, b) => transposedConvolution(name, dims, x, k, b, options))
  if (outputPadding.some((p, d) => p >= stride[d] && p >= dilation[d])) {
    const axes = ['depth', 'height', 'width'].slice(-Math.max(dims, 2))
    const say = (what: string, list: Shape, missing: number): string =>
      axes.map((axis, i) => `${what}_${axis}: ${list[i - axes.length + dims] ?? missing}`).join(' ')
    throw new Error(
      `output padding must be smaller than either stride or dilation, but got ${say('output_padding', outputPadding, 0)} ${say('stride', stride, 1)} ${say('dilation', dilation, 1)}`,
    )
  }
  const spatial = shape.slice(2)
  const sizes = spatial.map((s, d) => (s - 1) * stride[d] - 2 * padding[d] + dilation[d] * (w[d + 2] - 1) + outputPadding[d] + 1)
  if (sizes.some((s) => s < 1))
    throw new Error(
      `Given input size per channel: (${spatial.join(' x ')}). Calculated output size per channel: (${sizes.join(' x ')}). Output size is too small`,
    )
  const attrs = { stride, padding, dilation, groups, shape: [shape[0], w[1] * groups, ...sizes] }
  return transposedOp(bias === null ? [input, weight] : [input, weight, bias], attrs)[0]
}

/**
 * The transpose of `conv1d` (its gradient), of signals [N, C, L] (or [C, L]) with kernels [C, O/groups, k], as
 * `torch.nn.functional.conv_transpose1d`.
 *
 * @example
 * F.convTranspose1d(torch.tensor([[[1, 2]]]), torch.tensor([[[1, 1]]]), null, 2).tolist() // [ [ [ 1, 1, 2, 2 ] ] ]
 */
export const convTranspose1d = (input: Tensor, weight: Tensor, ...args: ConvTransposeArguments): Tensor =>
  convTranspose(1, input, weight, args)

/**
 * The transpose of `conv2d` (its gradient), of images [N, C, H, W] (or [C, H, W]) with kernels [C, O/groups, kH, kW], as
 * `torch.nn.functional.conv_transpose2d`: each element is spread over the places that a convolution would have read it from.
 *
 * @example
 * F.convTranspose2d(torch.ones(1, 2, 4, 4), torch.ones(2, 3, 2, 2), { stride: 2 }).shape // [ 1, 3, 8, 8 ]
 */
export const convTranspose2d = (input: Tensor, weight: Tensor, ...args: ConvTransposeArguments): Tensor =>
  convTranspose(2, input, weight, args)

/**
 * The transpose of `conv3d` (its gradient), of volumes [N, C, D, H, W] (or [C, D, H, W]), as
 * `torch.nn.functional.conv_transpose3d`.
 *
 * @example
 * F.convTranspose3d(torch.ones(1, 2, 2, 2, 2), torch.ones(2, 1, 3, 3, 3)).shape // [ 1, 1, 4, 4, 4 ]
 */
export const convTranspose3d = (input: Tensor, weight: Tensor, ...args: ConvTransposeArguments): Tensor =>
  convTranspose(3, input, weight, args)
