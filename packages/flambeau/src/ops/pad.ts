/** Padding: with a number, or with the tensor's own elements mirrored, repeated or taken from the other side. */

import { type Arguments, readArgument, readArguments } from '../core/arguments.js'
import type { Scalar } from '../core/dtype.js'
import { type Layout, type Shape, showShape } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { clone } from './cast.js'
import { copyInto, filled } from './copy.js'
import { elements } from './creation.js'
import { defineOp, emptyTensor, type Op } from './dispatch.js'

interface Pads {
  /** How many elements are added before and after, last dimension first; negative ones are taken away. */
  readonly pads: Shape
  readonly value: Scalar
}

const constantPadOp: Op<Pads> = defineOp<Pads>({
  name: 'ConstantPadNd',
  forward: ([x], { pads, value }) => {
    let shape = x.layout.shape
    let from: Layout = x.layout
    // Where the input's elements come to lie: start and length along each dimension.
    const targets: [dim: number, start: number][] = []
    for (let i = 0; i < pads.length / 2; i++) {
      const d = x.ndim - 1 - i
      const [before, after] = [pads[2 * i], pads[2 * i + 1]]
      const size = x.layout.shape[d]
      shape = shape.with(d, size + before + after)
      const [start, end] = [Math.max(0, -before), size - Math.max(0, -after)]
      from = from.slice(d, start, Math.max(0, end - start))
      targets.push([d, Math.max(0, before)])
    }
    const out = filled(x, shape, value)
    const to = targets.reduce((layout, [d, start]) => layout.slice(d, start, from.shape[d]), out.layout)
    copyInto(new Tensor(out.storage, to, out.dtype), new Tensor(x.storage, from, x.dtype))
    return [out]
  },
  backward: ([g], { attrs }) => [constantPadOp([g!], { pads: attrs.pads.map((p) => -p), value: 0 })[0]],
})

/**
 * A tensor with `value` added around it, as `torch.constant_pad_nd`: `pad` is how much before and after, for the last
 * dimension first. Negative amounts are cut off.
 *
 * @example
 * torch.constantPadNd(torch.tensor([[1, 2]]), [1, 2], 9).tolist() // [ [ 9, 1, 2, 9, 9 ] ]
 */
export function constantPadNd(self: Tensor, pad: Shape, given?: Scalar | { value?: Scalar }): Tensor {
  const value = readArgument<Scalar>('constant_pad_nd', 'value', given, 0)
  if (pad.some((p) => !Number.isInteger(p)))
    throw new TypeError(`constant_pad_nd(): argument 'pad' must be tuple of ints, not ${showShape(pad)}`)
  if (pad.length % 2 !== 0) throw new Error(`Length of pad must be even but instead it equals ${pad.length}`)
  if (pad.length > 2 * self.ndim)
    throw new Error(
      `Length of pad should be no more than twice the number of dimensions of the input. Pad length is ${pad.length}while the input has ${self.ndim}dimensions.`,
    )
  if (pad.every((p) => p === 0)) return clone(self)
  for (let i = 0; i < pad.length / 2; i++) {
    const d = self.ndim - 1 - i
    const kept = self.layout.shape[d] + Math.min(pad[2 * i], 0) + Math.min(pad[2 * i + 1], 0)
    const size = self.layout.shape[d] + pad[2 * i] + pad[2 * i + 1]
    if (size < 0)
      throw new Error(
        `The input size ${self.layout.shape[d]}, plus negative padding ${pad[2 * i]} and ${pad[2 * i + 1]} resulted in a negative output size, which is invalid. Check dimension ${d} of your input.`,
      )
    // Nothing is taken away from what is added at the other end.
    if (kept < 0) throw new Error(`start (0) + length (${kept}) exceeds dimension size (${self.layout.shape[d]}).`)
  }
  return constantPadOp([self], { pads: pad, value })[0]
}

export interface Places {
  /** The sizes of the last dimensions. */
  readonly sizes: Shape
  /** Where each index of each of them lies in the input, one dimension after the other. */
  readonly table: Tensor
}

/** Rearranges planes along each of their axes: `out[i, j] = x[rows[i], columns[j]]`. Named as one of PyTorch's nodes. */
export function rearranging(name: string): Op<Places> {
  const forward: Op<Places> = defineOp<Places>({
    name,
    forward: ([x], { sizes, table }) => {
      const out = emptyTensor(x.storage.allocator, [...x.layout.shape.slice(0, -sizes.length), ...sizes], x.dtype)
      if (out.layout.numel > 0) out.storage.allocator.run('remap', x, out, sizes.length, table)
      return [out]
    },
    backward: ([g], { attrs, inputs }) => [backward([g!], { ...attrs, shape: inputs[0].shape })[0]],
  })
  const backward: Op<Places & { shape: Shape }> = defineOp<Places & { shape: Shape }>({
    name: `${name}Backward`,
    forward: ([g], { sizes, table, shape }) => {
      const out = emptyTensor(g.storage.allocator, shape, g.dtype)
      if (out.layout.numel > 0) out.storage.allocator.run('remapAdd', g, out, sizes.length, table)
      return [out]
    },
    backward: ([gg], { attrs }) => [forward([gg!], attrs)[0]],
  })
  return forward
}

/** The table of places of all dimensions, on the tensor's backend. */
export function placesOf(like: Tensor, sizes: Shape, place: (dim: number, index: number) => number): Places {
  const table = emptyTensor(like.storage.allocator, [sizes.reduce((n, s) => n + s, 0)], 'int64')
  const { buffer, byteOffset } = elements(table)
  // Places are written as halves of int64: numbers are turned into bigints slowly.
  const words = new Uint32Array(buffer, byteOffset, 2 * table.layout.numel)
  let at = 0
  sizes.forEach((size, d) => {
    for (let i = 0; i < size; i++) {
      const there = place(d, i)
      words[at++] = there
      words[at++] = there / 2 ** 32
    }
  })
  return { sizes, table }
}

/** How a tensor goes on beyond its edges. */
export type PadMode = 'constant' | 'reflect' | 'replicate' | 'circular'

const names = { reflect: 'ReflectionPad', replicate: 'ReplicationPad', circular: 'CircularPad' } as const
const padOps = Object.fromEntries(
  Object.entries(names).map(([mode, name]) => [mode, [1, 2, 3].map((dims) => rearranging(`${name}${dims}D`))]),
) as Record<keyof typeof names, Op<Places>[]>

/** Where index i of a padded dimension lies in the input: `before` elements come first. */
const placeIn = {
  reflect: (i: number, size: number, before: number): number => {
    const at = Math.abs(i - before)
    return at < size ? at : 2 * (size - 1) - at
  },
  replicate: (i: number, size: number, before: number): number => Math.min(Math.max(i - before, 0), size - 1),
  // What is cut off is not repeated on the other side.
  circular: (i: number, size: number, before: number, after: number): number => {
    const start = Math.max(-before, 0)
    const length = size - start - Math.max(-after, 0)
    return start + ((((i - Math.max(before, 0)) % length) + length) % length)
  },
} as const

function checkMirror(mode: 'reflect' | 'replicate', self: Tensor, pad: Shape, dims: number): void {
  const { shape } = self.layout
  const batched = self.ndim === dims + 2
  // Mirrors in one or two dimensions do without channels as well.
  if (shape.slice(batched || (mode === 'reflect' && dims < 3) ? 1 : 0).includes(0))
    throw new Error(
      `Expected ${dims + 1}D or ${dims + 2}D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: ${showShape(shape)}`,
    )
  for (let i = 0; i < dims; i++) {
    const d = self.ndim - 1 - i
    const [before, after] = [pad[2 * i], pad[2 * i + 1]]
    if (mode === 'reflect' && (before >= shape[d] || after >= shape[d]))
      throw new Error(
        `Argument #${4 + 2 * i}: Padding size should be less than the corresponding input dimension, but got: padding (${before}, ${after}) at dimension ${d} of input ${showShape(shape)}`,
      )
    if (shape[d] + before + after < 1)
      throw new Error(
        `input (${'WHD'[i]}: ${shape[d]}) is too small. Calculated output ${'WHD'[i]}: ${shape[d] + before + after}`,
      )
  }
}
function checkCircular(self: Tensor, pad: Shape, dims: number): void {
  for (let i = 0; i < dims; i++) {
    const size = self.layout.shape[self.ndim - 1 - i]
    const [before, after] = [pad[2 * i], pad[2 * i + 1]]
    if (before > size || after > size) throw new Error('Padding value causes wrapping around more than once.')
    const kept = size + Math.min(before, 0) + Math.min(after, 0)
    if (size + before + after < 0 || kept < 0 || (kept === 0 && before + after + size > 0))
      throw new Error('Negative padding value is resulting in an empty dimension')
  }
}

export interface PadOptions {
  mode?: PadMode
  /** What is added in the mode 'constant'. */
  value?: number | null
}

/**
 * A tensor made larger on its sides, as `torch.nn.functional.pad`. `pad` is how much before and after, for the last
 * dimension first; negative amounts are cut off. `mode`: a constant `value` (any dimensions), `'reflect'` mirrors at the
 * edge, `'replicate'` repeats it, `'circular'` goes on at the other side (the last one to three dimensions of
 * [N, C, …] or [C, …]).
 *
 * @throws Error where a mirror image is larger than the tensor.
 * @example
 * F.pad(torch.tensor([[1, 2, 3]]), [2, 1], 'reflect').tolist() // [ [ 3, 2, 1, 2, 3, 2 ] ]
 */
export function pad(
  input: Tensor,
  padding: Shape,
  ...args: Arguments<[mode: PadMode, value: number | null], PadOptions>
): Tensor {
  const { mode = 'constant', value = null } = readArguments<PadOptions>('pad', args, ['mode', 'value'])
  if (padding.length % 2 !== 0) throw new Error('Padding length must be divisible by 2')
  if (padding.length > 2 * input.ndim) throw new Error('Padding length too large')
  if (mode === 'constant') return constantPadNd(input, padding, value ?? 0)
  if (!(mode in names)) throw new Error(`Unrecognised padding mode ${mode}`)
  if (value !== null && value !== 0) throw new Error(`Padding mode "${mode}" doesn't take in value argument`)
  const dims = padding.length / 2
  if (dims < 1 || dims > 3 || (input.ndim !== dims + 1 && input.ndim !== dims + 2))
    throw new Error('Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now')
  if (padding.some((p) => !Number.isInteger(p)))
    throw new TypeError(`pad(): argument 'pad' must be tuple of ints, not ${showShape(padding)}`)
  if (mode === 'circular') checkCircular(input, padding, dims)
  else checkMirror(mode, input, padding, dims)
  const spatial = input.layout.shape.slice(-dims)
  const around = spatial.map((_, d) => padding.slice(2 * (dims - 1 - d), 2 * (dims - d)))
  const sizes = spatial.map((size, d) => size + around[d][0] + around[d][1])
  const place = placeIn[mode]
  return padOps[mode][dims - 1](
    [input],
    placesOf(input, sizes, (d, i) => place(i, spatial[d], around[d][0], around[d][1])),
  )[0]
}
