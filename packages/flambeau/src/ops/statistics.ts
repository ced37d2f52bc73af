/** Covariance and correlation. */

import { getDefaultDtype, isFloatingPoint, scalarName } from '../core/dtype.js'
import type { Tensor } from '../core/tensor.js'
import { clamp, clampMin } from './activation.js'
import { div, mul, sqrt, sub } from './arithmetic.js'
import { eq } from './comparison.js'
import { adjoint } from './complex.js'
import { filled } from './copy.js'
import { item } from './creation.js'
import { diagonal } from './diagonal.js'
import { mm } from './matmul.js'
import { amin, sum } from './reduce.js'
import { reshape, squeeze, unsqueeze } from './view.js'

export interface CovOptions {
  /** Divide by the number of observations less this; 1 unless given. */
  correction?: number
  /** How often each observation was made. */
  fweights?: Tensor | null
  /** How much each observation counts. */
  aweights?: Tensor | null
}

function requireWeights(name: string, weights: Tensor, n: number): void {
  if (weights.ndim > 1)
    throw new Error(`cov(): expected ${name} to have one or fewer dimensions but got ${name} with ${weights.ndim} dimensions`)
  if (weights.layout.numel !== n)
    throw new Error(
      `cov(): expected ${name} to have the same numel as there are observations in the input but got ${weights.layout.numel} != ${n}`,
    )
  if (n > 0 && (item(amin(weights)) as number) < 0) throw new Error(`cov(): ${name} cannot be negative`)
}

/**
 * The covariance matrix of variables [rows] over observations [columns], as `torch.cov`; a vector is one variable.
 *
 * @example
 * torch.tensor([[0, 1, 2], [2, 1, 0]]).cov().tolist() // [[1, -1], [-1, 1]]
 */
export function cov(self: Tensor, { correction = 1, fweights = null, aweights = null }: CovOptions = {}): Tensor {
  if (self.ndim > 2)
    throw new Error(`cov(): expected input to have two or fewer dimensions but got an input with ${self.ndim} dimensions`)
  if (self.dtype === 'bool') throw new Error('cov(): bool dtype is not supported for input')
  const input = reshape(self, self.ndim < 2 ? [1, self.layout.numel] : self.layout.shape)
  const n = input.layout.shape[1]
  if (fweights) {
    if (isFloatingPoint(fweights.dtype) || fweights.dtype === 'bool')
      throw new Error(`cov(): expected fweights to have integral dtype but got fweights with ${scalarName(fweights.dtype)} dtype`)
    requireWeights('fweights', fweights, n)
  }
  if (aweights) {
    if (!isFloatingPoint(aweights.dtype))
      throw new Error(
        `cov(): expected aweights to have floating point dtype but got aweights with ${scalarName(aweights.dtype)} dtype`,
      )
    requireWeights('aweights', aweights, n)
  }
  const w = fweights && aweights ? mul(fweights, aweights) : (fweights ?? aweights)
  const total = w === null ? filled(input, [], n, isFloatingPoint(self.dtype) ? self.dtype : getDefaultDtype()) : sum(w)
  if (w !== null && item(eq(total, 0))) throw new Error("cov(): weights sum to zero, can't be normalized")
  const mean = div(sum(w === null ? input : mul(input, w), 1), total)
  const lost = !aweights || w === null || correction === 0 ? correction : div(mul(sum(mul(w, aweights)), correction), total)
  const divisor = clampMin(sub(total, lost), 0)
  const centred = sub(input, unsqueeze(mean, 1))
  return squeeze(div(mm(centred, adjoint(w === null ? centred : mul(centred, w))), divisor))
}

/**
 * The correlation matrix: covariances over the products of deviations, as `torch.corrcoef`.
 *
 * @example
 * torch.corrcoef(torch.tensor([[0, 1, 2], [2, 1, 0]])).tolist() // [[1, -1], [-1, 1]]
 */
export function corrcoef(self: Tensor): Tensor {
  if (self.ndim > 2)
    throw new Error(`corrcoef(): expected input to have two or fewer dimensions but got an input with ${self.ndim} dimensions`)
  const c = cov(self)
  if (c.ndim === 0) return div(c, c)
  const deviation = sqrt(diagonal(c))
  return clamp(div(div(c, unsqueeze(deviation, 1)), unsqueeze(deviation, 0)), -1, 1)
}
