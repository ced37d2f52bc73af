/** The gradients of normalisations written in ops, for where they are differentiated again. */

import type { Tensor } from '../core/tensor.js'
import { add, mul, rsqrt, sub } from './arithmetic.js'
import type { Gradients } from './dispatch.js'
import { mean, sum } from './reduce.js'

export interface Normalisation {
  /** The dimensions that mean and variance are taken over. */
  readonly over: readonly number[]
  /** The dimensions along which weight and bias repeat. */
  readonly repeated: readonly number[]
  readonly eps: number
  /** Whether the mean is subtracted. */
  readonly centred: boolean
  /** Mean and 1/√(variance + eps) where they do not depend on x. */
  readonly fixed?: readonly [mean: Tensor, scale: Tensor]
}

/**
 * The gradients of `(x − mean) / √(variance + eps) · weight + bias` with respect to x, weight and bias. All tensors have the
 * same number of dimensions; those of weight and bias keep repeated dimensions as 1.
 */
export function normGradients(g: Tensor, x: Tensor, weight: Tensor | null, norm: Normalisation): Gradients {
  const { over, repeated, eps, centred, fixed } = norm
  const average = (t: Tensor): Tensor => mean(t, over, { keepdim: true })
  const deviation = fixed ? sub(x, fixed[0]) : centred ? sub(x, average(x)) : x
  const scale = fixed ? fixed[1] : rsqrt(add(average(mul(deviation, deviation)), eps))
  const normal = mul(deviation, scale)
  const flowing = weight === null ? g : mul(g, weight)
  const inward = (): Tensor => {
    if (fixed) return flowing
    const along = mul(normal, average(mul(flowing, normal)))
    return sub(centred ? sub(flowing, average(flowing)) : flowing, along)
  }
  return [mul(inward(), scale), sum(mul(g, normal), repeated, { keepdim: true }), sum(g, repeated, { keepdim: true })]
}
