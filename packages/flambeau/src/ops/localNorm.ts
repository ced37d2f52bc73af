/** Poolings and norms that are made of others. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { Tensor } from '../core/tensor.js'
import { relu } from './activation.js'
import { abs, add, div, mul, pow, sign, sub } from './arithmetic.js'
import { to } from './cast.js'
import { filled } from './copy.js'
import { elements } from './creation.js'
import { defineOp, type Op } from './dispatch.js'
import { matmul } from './matmul.js'
import { pad } from './pad.js'
import { avgPool1d, avgPool2d, avgPool3d, type Size } from './pool.js'
import { contiguous, reshape, squeeze, unsqueeze, view } from './view.js'

export interface LpPoolOptions {
  /** Step between windows; the kernel's size unless given. */
  stride?: Size | null
  /** Whether a last window may hang over the edge. */
  ceilMode?: boolean
}
type LpPoolArguments = Arguments<[stride: Size | null, ceilMode: boolean], LpPoolOptions>

function lpPool(
  pool: typeof avgPool1d,
  dims: number,
  input: Tensor,
  normType: number,
  kernelSize: Size,
  args: readonly unknown[],
): Tensor {
  const { stride = null, ceilMode = false } = readArguments<LpPoolOptions>(`lp_pool${dims}d`, args, ['stride', 'ceilMode'])
  const kernel = typeof kernelSize === 'number' ? new Array<number>(dims).fill(kernelSize) : kernelSize
  const count = kernel.reduce((n, k) => n * k, kernel.length === 1 && dims === 2 ? kernel[0] : 1)
  const mean = pool(pow(input, normType), kernelSize, { stride, ceilMode })
  return pow(mul(mul(sign(mean), relu(abs(mean))), count), 1 / normType)
}

/**
 * (Σ xᵖ)^(1/p) over each window of [N, C, L] or [C, L], as `torch.nn.functional.lp_pool1d`.
 *
 * @example
 * F.lpPool1d(torch.tensor([[3, 4]]), 2, 2).tolist() // [ [ 5 ] ]
 */
export const lpPool1d = (input: Tensor, normType: number, kernelSize: Size, ...args: LpPoolArguments): Tensor =>
  lpPool(avgPool1d, 1, input, normType, kernelSize, args)

/**
 * (Σ xᵖ)^(1/p) over each window of [N, C, H, W] or [C, H, W], as `torch.nn.functional.lp_pool2d`.
 *
 * @example
 * F.lpPool2d(torch.ones(1, 4, 4), 1, 2).tolist() // [ [ [ 4, 4 ], [ 4, 4 ] ] ]
 */
export const lpPool2d = (input: Tensor, normType: number, kernelSize: Size, ...args: LpPoolArguments): Tensor =>
  lpPool(avgPool2d, 2, input, normType, kernelSize, args)

export interface LocalResponseNormOptions {
  alpha?: number
  beta?: number
  k?: number
}
export type LocalResponseNormArguments = Arguments<[alpha: number, beta: number, k: number], LocalResponseNormOptions>

/**
 * Each element divided by (k + α · the mean square of `size` neighbouring channels)^β, as
 * `torch.nn.functional.local_response_norm`: [N, C, *].
 *
 * @example
 * F.localResponseNorm(torch.ones(1, 4, 2), 2, { alpha: 1 }).shape // [ 1, 4, 2 ]
 */
export function localResponseNorm(input: Tensor, size: number, ...args: LocalResponseNormArguments): Tensor {
  const {
    alpha = 1e-4,
    beta = 0.75,
    k = 1,
  } = readArguments<LocalResponseNormOptions>('local_response_norm', args, ['alpha', 'beta', 'k'])
  const { shape } = input.layout
  if (input.ndim < 3) throw new Error(`Expected 3D or higher dimensionality input (got ${input.ndim} dimensions)`)
  if (input.layout.numel === 0) return input
  const before = Math.floor(size / 2)
  const after = Math.floor((size - 1) / 2)
  const squares = unsqueeze(mul(input, input), 1)
  const means =
    input.ndim === 3
      ? squeeze(avgPool2d(pad(squares, [0, 0, before, after]), [size, 1], 1), 1)
      : view(
          squeeze(
            avgPool3d(
              pad(view(contiguous(squares), shape[0], 1, shape[1], shape[2], -1), [0, 0, 0, 0, before, after]),
              [size, 1, 1],
              1,
            ),
            1,
          ),
          shape,
        )
  return div(input, pow(add(mul(means, alpha), k), beta))
}

interface CrossMapAttributes {
  readonly size: number
  readonly alpha: number
  readonly beta: number
  readonly k: number
}

/** Sums over channels of [N, C, H, W]: those for which `counts(c, other)` holds. */
function channelSums(x: Tensor, counts: (channel: number, other: number) => boolean): Tensor {
  const [n, channels, height, width] = x.layout.shape
  const matrix = filled(x, [channels, channels], 0, 'float64')
  const array = elements(matrix) as Float64Array
  for (let c = 0; c < channels; c++) for (let o = 0; o < channels; o++) array[c * channels + o] = counts(c, o) ? 1 : 0
  return reshape(matmul(to(matrix, x.dtype), reshape(x, [n, channels, height * width])), x.layout.shape)
}

// The windows of PyTorch's legacy layer, which are not quite centred: the first channel never leaves those that have passed
// it, and the gradient's lie one channel lower.
const normScale = (x: Tensor, { size, alpha, k }: CrossMapAttributes): Tensor => {
  const reach = Math.trunc((size - 1) / 2 + 1)
  const sums = channelSums(mul(x, x), (c, o) => Math.abs(c - o) < reach || (o === 0 && c >= reach))
  return add(mul(sums, alpha / size), k)
}
const crossMapOp: Op<CrossMapAttributes> = defineOp<CrossMapAttributes>({
  name: 'CrossMapLRN2d',
  forward: ([input], attrs) => {
    // Not recorded: this op is.
    const x = new Tensor(input.storage, input.layout, input.dtype)
    return [mul(pow(normScale(x, attrs), -attrs.beta), x)]
  },
  save: (inputs) => inputs,
  backward: ([g], { saved: [x], attrs }) => {
    const { size, alpha, beta } = attrs
    const scale = normScale(x, attrs)
    const power = pow(scale, -beta)
    const below = Math.trunc(size - (size - 1) / 2)
    const ratios = div(mul(g!, mul(power, x)), scale)
    const sums = channelSums(ratios, (c, o) => o >= c - below && o < c - below + size)
    return [sub(mul(power, g!), mul(mul(x, sums), (2 * alpha * beta) / size))]
  },
})

/** What `torch.nn.CrossMapLRN2d` computes, its gradient included. */
export function crossMapLrn2d(input: Tensor, attrs: CrossMapAttributes): Tensor {
  if (input.ndim !== 4) throw new Error(`CrossMapLRN2d: expected a 4D input, but got ${input.ndim} dimensions`)
  return crossMapOp([input], attrs)[0]
}
