/** Dropout of channels, and samples of categories. */

import { type Arguments, readArguments } from '../../core/arguments.js'
import type { Tensor } from '../../core/tensor.js'
import { add, div, neg, sub } from '../../ops/arithmetic.js'
import { filled } from '../../ops/copy.js'
import { type DropoutArguments, drop, readDropout } from '../../ops/dropout.js'
import { log } from '../../ops/elementary.js'
import { scatter } from '../../ops/indexing.js'
import { exponential_, type Generator } from '../../ops/random.js'
import { argmax } from '../../ops/reduce.js'
import { softmax } from '../../ops/softmax.js'
import { detach, squeeze, unsqueeze } from '../../ops/view.js'

export {
  alphaDropout,
  type DropoutOptions,
  dropout,
  featureAlphaDropout,
  type RReluOptions,
  rrelu,
  rrelu_,
} from '../../ops/dropout.js'

/** Dropout of channels for inputs that may come without a batch. */
function dropChannels(input: Tensor, args: readonly unknown[], name: string, batched: number): Tensor {
  const options = readDropout(name, args)
  if (input.ndim === batched) return drop(input, options, true, false)
  const result = drop(unsqueeze(input, 0), options, true, false)
  return options.inplace ? input : squeeze(result, 0)
}

/**
 * Zeros whole channels of [N, C, L] or [C, L] with probability p and scales the others by 1/(1 − p) while training, as
 * `torch.nn.functional.dropout1d`.
 *
 * @throws Error for inputs of other dimensions.
 * @example
 * F.dropout1d(torch.ones(1, 2, 3), 0.5, false).shape // [ 1, 2, 3 ]
 */
export function dropout1d(input: Tensor, ...args: DropoutArguments): Tensor {
  if (input.ndim !== 2 && input.ndim !== 3)
    throw new Error(
      `dropout1d: Expected 2D or 3D input, but received a ${input.ndim}D input. Note that dropout1d exists to provide ` +
        'channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch dimension (i.e. 2D ' +
        'or 3D inputs).',
    )
  return dropChannels(input, args, 'dropout1d', 3)
}

/**
 * Zeros whole channels of [N, C, H, W] with probability p and scales the others by 1/(1 − p) while training, as
 * `torch.nn.functional.dropout2d`. An input with 3 dimensions is taken as [N, C, L], with a warning.
 *
 * @example
 * F.dropout2d(torch.ones(1, 2, 3, 3), { p: 0.5, training: false }).shape // [ 1, 2, 3, 3 ]
 */
export function dropout2d(input: Tensor, ...args: DropoutArguments): Tensor {
  if (input.ndim === 3)
    console.warn(
      'dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired - input is ' +
        'interpreted as shape (N, C, L), where C is the channel dim. To maintain the 1D channel-wise dropout behavior, please ' +
        'switch to using dropout1d instead.',
    )
  else warnUnless(input.ndim === 4, 'dropout2d', input.ndim)
  return drop(input, readDropout('dropout2d', args), true, false)
}

/**
 * Zeros whole channels of [N, C, D, H, W] or [C, D, H, W] with probability p and scales the others by 1/(1 − p) while
 * training, as `torch.nn.functional.dropout3d`.
 *
 * @example
 * F.dropout3d(torch.ones(1, 2, 3, 3, 3), 0.5, false).shape // [ 1, 2, 3, 3, 3 ]
 */
export function dropout3d(input: Tensor, ...args: DropoutArguments): Tensor {
  warnUnless(input.ndim === 4 || input.ndim === 5, 'dropout3d', input.ndim)
  return dropChannels(input, args, 'dropout3d', 5)
}

function warnUnless(expected: boolean, name: string, ndim: number): void {
  if (!expected)
    console.warn(
      `${name}: Received a ${ndim}-D input to ${name}, which is deprecated and will result in an error in a future release. To ` +
        'retain the behavior and silence this warning, please use dropout instead.',
    )
}

export interface GumbelSoftmaxOptions {
  /** The temperature: the lower, the closer to one-hot. */
  tau?: number
  /** One-hot results, with the gradients of the soft ones. */
  hard?: boolean
  /** Has had no effect for long. */
  eps?: number
  dim?: number
  generator?: Generator | null
}
/**
 * Samples of categories that can be differentiated: softmax((logits + noise) / tau) along `dim` with noise from the Gumbel
 * distribution, as `torch.nn.functional.gumbel_softmax`.
 *
 * @example
 * F.gumbelSoftmax(torch.zeros(2, 5), { hard: true }).sum(1) // tensor([1., 1.])
 */
export function gumbelSoftmax(
  logits: Tensor,
  ...args: Arguments<[tau: number, hard: boolean, eps: number, dim: number], GumbelSoftmaxOptions>
): Tensor {
  const {
    tau = 1,
    hard = false,
    eps = 1e-10,
    dim = -1,
    generator,
  } = readArguments<GumbelSoftmaxOptions>('gumbel_softmax', args, ['tau', 'hard', 'eps', 'dim'], ['generator'])
  if (eps !== 1e-10) console.warn('`eps` parameter is deprecated and has no effect.')
  const noise = neg(log(exponential_(filled(logits, logits.layout.shape, 0), 1, { generator })))
  const soft = softmax(div(add(logits, noise), tau), dim)
  if (!hard) return soft
  const oneHot = scatter(filled(soft, soft.layout.shape, 0), dim, argmax(soft, dim, { keepdim: true }), 1)
  // The value is the one-hot sample, the gradient that of the soft one.
  return add(sub(oneHot, detach(soft)), soft)
}
