/** Sliding blocks of images as columns, and back. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { isFloatingPoint, scalarName } from '../core/dtype.js'
import { Layout, type Shape, showShape } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { add } from './arithmetic.js'
import { copyInto, filled, rowMajor } from './copy.js'
import { defineOp, emptyTensor, type Op } from './dispatch.js'
import type { Size } from './pool.js'
import { squeeze, unsqueeze } from './view.js'

interface Blocks {
  /** The image's height and width. */
  readonly image: Shape
  readonly kernel: Shape
  readonly dilation: Shape
  readonly padding: Shape
  readonly stride: Shape
  /** How many blocks there are down and along. */
  readonly count: Shape
}

/** The padded image. */
const paddedShape = (lead: Shape, { image, padding }: Blocks): Shape => [
  ...lead,
  ...image.map((size, d) => size + 2 * padding[d]),
]

/** All blocks of a padded row-major image [N, C, H, W] as a view [N, C, kH, kW, down, along] that overlaps itself. */
function blocksIn({ shape, offset }: Layout, { kernel, dilation, stride, count }: Blocks): Layout {
  const [, channels, height, width] = shape
  return new Layout(
    [shape[0], channels, ...kernel, ...count],
    [channels * height * width, height * width, dilation[0] * width, dilation[1], stride[0] * width, stride[1]],
    offset,
  )
}

/** The part of a padded image [N, C, H, W] that is the image. */
const inner = (layout: Layout, { image, padding }: Blocks): Layout =>
  layout.slice(2, padding[0], image[0]).slice(3, padding[1], image[1])

const unfoldOp: Op<Blocks> = defineOp<Blocks>({
  name: 'Im2Col',
  forward: ([x], blocks) => {
    const [n, channels] = x.layout.shape
    let padded = rowMajor(x)
    if (blocks.padding.some((p) => p > 0)) {
      padded = filled(x, paddedShape([n, channels], blocks), 0)
      copyInto(new Tensor(padded.storage, inner(padded.layout, blocks), x.dtype), x)
    }
    const { kernel, count } = blocks
    const out = emptyTensor(x.storage.allocator, [n, channels * kernel[0] * kernel[1], count[0] * count[1]], x.dtype)
    const layout = Layout.contiguousAt([n, channels, ...kernel, ...count], 0)
    copyInto(new Tensor(out.storage, layout, x.dtype), new Tensor(padded.storage, blocksIn(padded.layout, blocks), x.dtype))
    return [out]
  },
  backward: ([g], { attrs }) => [foldOp([g!], attrs)[0]],
})

const foldOp: Op<Blocks> = defineOp<Blocks>({
  name: 'Col2Im',
  forward: ([columns], blocks) => {
    const { kernel, dilation, stride, count } = blocks
    const n = columns.layout.shape[0]
    const channels = columns.layout.shape[1] / (kernel[0] * kernel[1])
    const padded = filled(columns, paddedShape([n, channels], blocks), 0)
    const source = rowMajor(columns)
    const all = Layout.contiguousAt([n, channels, ...kernel, ...count], source.layout.offset)
    // One pass for each place in the kernel: the elements that it touches are all different.
    for (let i = 0; i < kernel[0]; i++)
      for (let j = 0; j < kernel[1]; j++) {
        const target = padded.layout.slice(2, i * dilation[0], count[0], stride[0]).slice(3, j * dilation[1], count[1], stride[1])
        add.inPlace(
          new Tensor(padded.storage, target, padded.dtype),
          new Tensor(source.storage, all.select(2, i).select(2, j), source.dtype),
        )
      }
    if (blocks.padding.every((p) => p === 0)) return [padded]
    const out = emptyTensor(columns.storage.allocator, [n, channels, ...blocks.image], columns.dtype)
    copyInto(out, new Tensor(padded.storage, inner(padded.layout, blocks), padded.dtype))
    return [out]
  },
  backward: ([g], { attrs }) => [unfoldOp([g!], attrs)[0]],
})

export interface FoldOptions {
  /** Step between the elements of a block. */
  dilation?: Size
  /** Zeros around the image. */
  padding?: Size
  /** Step between blocks. */
  stride?: Size
}
type FoldArguments = Arguments<[dilation: Size, padding: Size, stride: Size], FoldOptions>

function pair(value: Size, name: string): Shape {
  const list = typeof value === 'number' ? [value, value] : value.length === 1 ? [value[0], value[0]] : value
  if (list.length !== 2) throw new Error(`It is expected ${name} equals to 2, but got size ${list.length}`)
  if (list.some((v) => !Number.isInteger(v))) throw new TypeError(`${name} must be integers, but got ${showShape(list)}`)
  return list
}

function readBlocks(op: string, image: Shape, kernelSize: Size, args: readonly unknown[]): Blocks {
  const options = readArguments<FoldOptions>(op, args, ['dilation', 'padding', 'stride'])
  const kernel = pair(kernelSize, 'kernel_size')
  const dilation = pair(options.dilation ?? 1, 'dilation')
  const padding = pair(options.padding ?? 0, 'padding')
  const stride = pair(options.stride ?? 1, 'stride')
  const positive = (list: Shape, what: string, name: string): void => {
    if (list.some((v) => v <= 0))
      throw new Error(`${what} should be greater than zero, but got ${name}_height: ${list[0]} ${name}_width: ${list[1]}`)
  }
  positive(kernel, 'kernel size', 'kernel')
  positive(dilation, 'dilation', 'dilation')
  positive(stride, 'stride', 'stride')
  if (padding.some((p) => p < 0))
    throw new Error(`padding should be non-negative, but got pad_height: ${padding[0]} pad_width: ${padding[1]}`)
  const count = image.map((size, d) => Math.floor((size + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1) / stride[d]) + 1)
  return { image, kernel, dilation, padding, stride, count }
}
const tuple = (list: Shape): string => `(${list.join(', ')})`

/**
 * The blocks of images as columns, as `torch.nn.functional.unfold`: [N, C, H, W] becomes [N, C · kernel, blocks]. A method
 * of tensors by this name does something else: `torch.Tensor.unfold`.
 *
 * @example
 * F.unfold(torch.arange(9).float().view(1, 1, 3, 3), 2).shape // [ 1, 4, 4 ]
 */
export function unfold(input: Tensor, kernelSize: Size, ...args: FoldArguments): Tensor {
  const { shape } = input.layout
  if (input.ndim !== 3 && input.ndim !== 4)
    throw new Error(
      `Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: ${showShape(shape)}`,
    )
  const blocks = readBlocks('unfold', shape.slice(-2), kernelSize, args)
  if (shape.slice(-3).includes(0))
    throw new Error(
      `Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: ${showShape(shape)}`,
    )
  const { image, kernel, dilation, padding, count } = blocks
  if (count.some((n) => n < 1))
    throw new Error(
      `Given input with spatial size ${tuple(image)}, kernel_size=${tuple(kernel)}, dilation=${tuple(dilation)}, padding=${tuple(padding)}, calculated shape of the array of sliding blocks as ${tuple(count)}, but its components must be at least one.`,
    )
  if (!isFloatingPoint(input.dtype)) throw new Error(`"im2col_out_cpu" not implemented for '${scalarName(input.dtype)}'`)
  return input.ndim === 4 ? unfoldOp([input], blocks)[0] : squeeze(unfoldOp([unsqueeze(input, 0)], blocks)[0], 0)
}

/**
 * Columns of blocks summed up into images, as `torch.nn.functional.fold`: [N, C · kernel, blocks] becomes [N, C, H, W]. What
 * `unfold` takes apart comes back multiplied by the number of blocks that hold it.
 *
 * @example
 * F.fold(torch.ones(4, 4), [3, 3], 2).squeeze(0).tolist() // [ [ 1, 2, 1 ], [ 2, 4, 2 ], [ 1, 2, 1 ] ]
 */
export function fold(input: Tensor, outputSize: Size, kernelSize: Size, ...args: FoldArguments): Tensor {
  const { shape } = input.layout
  const image = pair(outputSize, 'output_size')
  const blocks = readBlocks('fold', image, kernelSize, args)
  if ((input.ndim !== 2 && input.ndim !== 3) || shape.slice(-2).includes(0))
    throw new Error(
      `Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for input, but got: ${showShape(shape)}`,
    )
  const { kernel, dilation, padding, stride, count } = blocks
  const at = input.ndim - 2
  if (shape[at] % (kernel[0] * kernel[1]) !== 0)
    throw new Error(
      `Expected size of input's dimension ${at} to be divisible by the product of kernel_size, but got input.size(${at})=${shape[at]} and kernel_size=${tuple(kernel)}.`,
    )
  const given = `Given output_size=${tuple(image)}, kernel_size=${tuple(kernel)}, dilation=${tuple(dilation)}, padding=${tuple(padding)}, stride=${tuple(stride)}, `
  if (shape[at + 1] !== count[0] * count[1])
    throw new Error(
      `${given}expected size of input's dimension ${at + 1} to match the calculated number of sliding blocks ${count[0]} * ${count[1]} = ${count[0] * count[1]}, but got input.size(${at + 1})=${shape[at + 1]}.`,
    )
  if (count.some((n) => n < 1))
    throw new Error(
      `${given}which is too small as non-positive: the calculated shape of the array of sliding blocks is ${tuple(count)}`,
    )
  if (!isFloatingPoint(input.dtype)) throw new Error(`"col2im_out_cpu" not implemented for '${scalarName(input.dtype)}'`)
  return input.ndim === 3 ? foldOp([input], blocks)[0] : squeeze(foldOp([unsqueeze(input, 0)], blocks)[0], 0)
}
