/** Keeping gradients within bounds. */

import { noGrad } from '../../autograd/mode.js'
import { type Arguments, readArguments } from '../../core/arguments.js'
import { Tensor } from '../../core/tensor.js'
import { clamp, clampMax } from '../../ops/activation.js'
import { add, div, mul } from '../../ops/arithmetic.js'
import { filled } from '../../ops/copy.js'
import { item, tensor } from '../../ops/creation.js'
import { stack } from '../../ops/joining.js'
import { vectorNorm } from '../../ops/norm.js'

type Tensors = Tensor | Iterable<Tensor>
const gradientsOf = (parameters: Tensors): Tensor[] =>
  (parameters instanceof Tensor ? [parameters] : [...parameters]).flatMap((p) => (p.grad === null ? [] : [p.grad]))

export interface ClipGradNormOptions {
  /** Which norm; `Infinity` is the largest element. */
  normType?: number
  /** Throw where the norm is not finite. */
  errorIfNonfinite?: boolean
}
/**
 * Scales all gradients down, in place, so that the norm of all of them together is at most `maxNorm`, as
 * `torch.nn.utils.clip_grad_norm_`. Returns the norm before.
 *
 * @throws Error for a norm that is not finite, with `errorIfNonfinite`.
 * @example
 * const w = torch.ones(4, { requiresGrad: true })
 * w.mul(3).sum().backward()
 * nn.utils.clipGradNorm_([w], 3) // tensor(6.)
 * w.grad // tensor([1.5000, 1.5000, 1.5000, 1.5000])
 */
export function clipGradNorm_(
  parameters: Tensors,
  maxNorm: number,
  ...args: Arguments<[normType: number, errorIfNonfinite: boolean], ClipGradNormOptions>
): Tensor {
  const { normType = 2, errorIfNonfinite = false } = readArguments<ClipGradNormOptions>('clip_grad_norm_', args, [
    'normType',
    'errorIfNonfinite',
  ])
  const gradients = gradientsOf(parameters)
  if (gradients.length === 0) return tensor(0)
  return noGrad(() => {
    const total = vectorNorm(stack(gradients.map((g) => vectorNorm(g, normType))), normType)
    if (errorIfNonfinite && !Number.isFinite(item(total)))
      throw new Error(
        `The total norm of order ${normType} for gradients from \`parameters\` is non-finite, so it cannot be clipped. To disable ` +
          'this error and scale the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`',
      )
    // A factor of 1 is applied too: asking whether it is less would wait for it.
    const factor = clampMax(div(filled(total, [], maxNorm), add(total, 1e-6)), 1)
    for (const g of gradients) mul.inPlace(g, factor)
    return total
  })
}

/**
 * `clipGradNorm_` under its old name, as `torch.nn.utils.clip_grad_norm`, which PyTorch has deprecated.
 *
 * @example
 * const w = torch.ones(4, { requiresGrad: true })
 * w.mul(3).sum().backward()
 * nn.utils.clipGradNorm([w], 3) // tensor(6.)
 */
export const clipGradNorm = clipGradNorm_

/**
 * Limits every element of all gradients to [−clipValue, clipValue], in place, as `torch.nn.utils.clip_grad_value_`.
 *
 * @example
 * const w = torch.ones(2, { requiresGrad: true })
 * w.mul(torch.tensor([3, -0.5])).sum().backward()
 * nn.utils.clipGradValue_(w, 1)
 * w.grad // tensor([ 1.0000, -0.5000])
 */
export function clipGradValue_(parameters: Tensors, clipValue: number): void {
  noGrad(() => {
    for (const g of gradientsOf(parameters)) clamp.inPlace(g, -clipValue, clipValue)
  })
}
