/** Noise that regularizes: dropout of elements and of channels, and random slopes. */

import { type Arguments, readArguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import { leakyRelu } from './activation.js'
import { add, div, mul } from './arithmetic.js'
import { to } from './cast.js'
import { le } from './comparison.js'
import { filled } from './copy.js'
import { emptyTensor } from './dispatch.js'
import { maskedScatter } from './indexPut.js'
import type { InplaceOptions } from './nonlinear.js'
import { bernoulli_, type Generator, uniform_ } from './random.js'
import { sum } from './reduce.js'

export interface DropoutOptions extends InplaceOptions {
  /** The probability of an element, or of a channel, to become 0. */
  p?: number
  /** Without training the input is returned. */
  training?: boolean
  generator?: Generator | null
}
export type DropoutArguments = Arguments<[p: number, training: boolean, inplace: boolean], DropoutOptions>

export const readDropout = (name: string, args: readonly unknown[]): DropoutOptions =>
  readArguments<DropoutOptions>(name, args, ['p', 'training', 'inplace'], ['generator'])

/** 1 with the probability of staying, else 0: for every element, or with `feature` for every channel [N, C]. */
function noiseFor(self: Tensor, p: number, feature: boolean, generator: Generator | null | undefined): Tensor {
  const { shape } = self.layout
  if (feature && shape.length < 2) throw new Error('Feature dropout requires at least 2 dimensions in the input')
  // Row-major whatever the input's strides are: the draws go by index.
  const sizes = feature ? shape.map((size, d) => (d < 2 ? size : 1)) : shape
  const noise = emptyTensor(self.storage.allocator, sizes, self.dtype)
  return bernoulli_(noise, 1 - p, { generator })
}

// −scale · alpha of SELU: what dropped elements become, so that mean and deviation stay.
const ALPHA = 1.7580993408473766

/** What all dropouts share. `alpha` keeps mean and deviation of what a SELU returned; PyTorch then trains only if told to. */
export function drop(self: Tensor, options: DropoutOptions, feature: boolean, alpha: boolean): Tensor {
  const { p = 0.5, training = !alpha, inplace = false, generator } = options
  if (!(p >= 0 && p <= 1)) throw new Error(`dropout probability has to be between 0 and 1, but got ${p}`)
  if (p === 0 || !training || self.layout.numel === 0) return self
  const times = inplace ? mul.inPlace : mul
  if (p === 1) return times(self, 0)
  const noise = noiseFor(self, p, feature, generator)
  if (!alpha) return times(self, div.inPlace(noise, 1 - p))
  const a = 1 / Math.sqrt((ALPHA * ALPHA * p + 1) * (1 - p))
  const shift = add.inPlace(mul.inPlace(add(noise, -1), ALPHA * a), ALPHA * a * p)
  return add.inPlace(times(self, mul.inPlace(noise, a)), shift)
}

/**
 * Zeros each element with probability p and scales the others by 1/(1 − p) while training, as
 * `torch.nn.functional.dropout`.
 *
 * @throws Error for a p outside [0, 1].
 * @example
 * F.dropout(torch.ones(3), 0.5, false) // tensor([1., 1., 1.])
 * F.dropout(torch.ones(3), { p: 1 }) // tensor([0., 0., 0.])
 */
export const dropout = (self: Tensor, ...args: DropoutArguments): Tensor => drop(self, readDropout('dropout', args), false, false)
/**
 * Zeros whole channels of [N, C, …] with probability p and scales the others by 1/(1 − p) while training, as
 * `torch.feature_dropout`.
 *
 * @throws Error for inputs with fewer than 2 dimensions.
 * @example
 * torch.featureDropout(torch.ones(2, 3, 4), 0.5).shape // [ 2, 3, 4 ]
 */
export const featureDropout = (self: Tensor, ...args: DropoutArguments): Tensor =>
  drop(self, readDropout('feature_dropout', args), true, false)
/**
 * Dropout that keeps mean 0 and deviation 1, for what a SELU returned, as `torch.nn.functional.alpha_dropout`; `training`
 * is false unless given.
 *
 * @example
 * F.alphaDropout(torch.ones(3), 0.5) // tensor([1., 1., 1.])
 */
export const alphaDropout = (self: Tensor, ...args: DropoutArguments): Tensor =>
  drop(self, readDropout('alpha_dropout', args), false, true)
/**
 * `alphaDropout` of whole channels of [N, C, …], as `torch.nn.functional.feature_alpha_dropout`; `training` is false unless
 * given.
 *
 * @example
 * F.featureAlphaDropout(torch.ones(1, 3), 0.5) // tensor([[1., 1., 1.]])
 */
export const featureAlphaDropout = (self: Tensor, ...args: DropoutArguments): Tensor =>
  drop(self, readDropout('feature_alpha_dropout', args), true, true)

export interface RReluOptions extends InplaceOptions {
  /** The smallest slope. */
  lower?: number
  /** The largest slope. */
  upper?: number
  /** Without training the slope is the mean of the two. */
  training?: boolean
  generator?: Generator | null
}
type RReluArguments = Arguments<[lower: number, upper: number, training: boolean, inplace: boolean], RReluOptions>
/**
 * x where positive, elsewhere x times a slope drawn from [lower, upper), or without `training` times the mean of the two, as
 * `torch.nn.functional.rrelu`.
 *
 * @example
 * F.rrelu(torch.tensor([-3, 2]), 0.25, 0.75) // tensor([-1.5000,  2.0000])
 */
export const rrelu = (self: Tensor, ...args: RReluArguments): Tensor => sloping(self, args, false)
/**
 * `rrelu` over its input, as `torch.nn.functional.rrelu_`.
 *
 * @example
 * F.rrelu_(torch.tensor([-3, 2]), 0.25, 0.75) // tensor([-1.5000,  2.0000])
 */
export const rrelu_ = (
  self: Tensor,
  ...args: Arguments<[lower: number, upper: number, training: boolean], RReluOptions>
): Tensor => sloping(self, args, true)

function sloping(self: Tensor, args: readonly unknown[], always: boolean): Tensor {
  const {
    lower = 1 / 8,
    upper = 1 / 3,
    training = false,
    inplace = always,
    generator,
  } = readArguments<RReluOptions>('rrelu', args, ['lower', 'upper', 'training', 'inplace'], ['generator'])
  if (lower > upper) throw new Error(`Lower bound should be less than or equal to the upper bound`)
  if (!training) return (inplace ? leakyRelu.inPlace : leakyRelu)(self, (lower + upper) / 2)
  // A number is drawn only where one is used, in double precision and in row-major order: PyTorch's stream.
  const sloped = le(self.detach(), 0)
  const [low, high] = self.dtype === 'float64' ? [lower, upper] : [Math.fround(lower), Math.fround(upper)]
  const slopes = uniform_(filled(self, [sum(sloped).item()], 0, 'float64'), low, high, { generator })
  const noise = maskedScatter(filled(self, self.layout.shape, 1), sloped, to(slopes, self.dtype))
  return inplace ? mul.inPlace(self, noise) : mul(self, noise)
}
