/** Channels turned into pixels and back, and channels taken in turns from groups. */

import { showShape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { clone } from './cast.js'
import { permute, reshape, transpose } from './view.js'

function requireFactor(name: string, argument: string, factor: number, input: Tensor): void {
  if (input.ndim < 3)
    throw new Error(`${name} expects input to have at least 3 dimensions, but got input with ${input.ndim} dimension(s)`)
  if (!(Number.isInteger(factor) && factor > 0)) throw new Error(`${name} expects a positive ${argument}, but got ${factor}`)
}

/**
 * r² channels become r × r pixels: [*, C · r², H, W] to [*, C, H · r, W · r], as `torch.nn.functional.pixel_shuffle`.
 *
 * @example
 * F.pixelShuffle(torch.tensor([[[1]], [[2]], [[3]], [[4]]]), 2).tolist() // [ [ [ 1, 2 ], [ 3, 4 ] ] ]
 */
export function pixelShuffle(input: Tensor, upscaleFactor: number): Tensor {
  const r = upscaleFactor
  requireFactor('pixel_shuffle', 'upscale_factor', r, input)
  const lead = input.layout.shape.slice(0, -3)
  const [channels, height, width] = input.layout.shape.slice(-3)
  if (channels % (r * r) !== 0)
    throw new Error(
      `pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but input.size(-3)=${channels} is not divisible by ${r * r}`,
    )
  const n = lead.length
  const blocks = reshape(input, [...lead, channels / (r * r), r, r, height, width])
  const order = [...lead.keys(), n, n + 3, n + 1, n + 4, n + 2]
  return reshape(clonedIfView(permute(blocks, order)), [...lead, channels / (r * r), height * r, width * r])
}

/**
 * r × r pixels become r² channels: [*, C, H · r, W · r] to [*, C · r², H, W], as `torch.nn.functional.pixel_unshuffle`.
 *
 * @example
 * F.pixelUnshuffle(torch.tensor([[[1, 2], [3, 4]]]), 2).shape // [ 4, 1, 1 ]
 */
export function pixelUnshuffle(input: Tensor, downscaleFactor: number): Tensor {
  const r = downscaleFactor
  requireFactor('pixel_unshuffle', 'downscale_factor', r, input)
  const lead = input.layout.shape.slice(0, -3)
  const [channels, height, width] = input.layout.shape.slice(-3)
  for (const [name, size, d] of [
    ['height', height, -2],
    ['width', width, -1],
  ] as const)
    if (size % r !== 0)
      throw new Error(
        `pixel_unshuffle expects ${name} to be divisible by downscale_factor, but input.size(${d})=${size} is not divisible by ${r}`,
      )
  const n = lead.length
  const blocks = reshape(input, [...lead, channels, height / r, r, width / r, r])
  const order = [...lead.keys(), n, n + 2, n + 4, n + 1, n + 3]
  return reshape(clonedIfView(permute(blocks, order)), [...lead, channels * r * r, height / r, width / r])
}

/**
 * The channels of [N, C, *] read as `groups` rows and taken column by column, as `torch.nn.functional.channel_shuffle`.
 *
 * @example
 * F.channelShuffle(torch.tensor([[[1], [2], [3], [4]]]), 2).flatten().tolist() // [ 1, 3, 2, 4 ]
 */
export function channelShuffle(input: Tensor, groups: number): Tensor {
  const { shape } = input.layout
  if (input.ndim < 3) throw new Error(`channel_shuffle expects input with > 2 dims, but got input with sizes ${showShape(shape)}`)
  if (!(groups > 0)) throw new Error(`Number of groups to divide channels in must be positive. Value of groups:${groups}`)
  if (shape[1] % groups !== 0)
    throw new Error(`Number of channels must be divisible by groups. Got ${shape[1]} channels and ${groups} groups.`)
  const rows = reshape(input, [shape[0], groups, shape[1] / groups, ...shape.slice(2)])
  return reshape(clonedIfView(transpose(rows, 1, 2)), shape)
}

/** These never answer with a view of their input, even where nothing moves. */
const clonedIfView = (t: Tensor): Tensor => (t.layout.isContiguous ? clone(t) : t)
