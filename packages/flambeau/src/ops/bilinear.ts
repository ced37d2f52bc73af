/** Maps that are linear in each of two inputs. */

import { readArgument } from '../core/arguments.js'
import { showShape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { add, mul } from './arithmetic.js'
import { matmul } from './matmul.js'
import { sum } from './reduce.js'
import { permute, reshape, unsqueeze } from './view.js'

/**
 * Σᵢⱼ x1[i] weight[k][i][j] x2[j] + bias[k], as `torch.nn.functional.bilinear`: [*, I] and [*, J] with a weight [K, I, J] to
 * [*, K].
 *
 * @throws Error for inputs whose shapes do not fit.
 * @example
 * F.bilinear(torch.tensor([[1, 2]]), torch.tensor([[3, 4]]), torch.ones(1, 2, 2)) // tensor([[21.]])
 */
export function bilinear(
  input1: Tensor,
  input2: Tensor,
  weight: Tensor,
  given?: Tensor | null | { bias?: Tensor | null },
): Tensor {
  const bias = readArgument<Tensor | null>('bilinear', 'bias', given, null)
  const batch = input1.layout.shape.slice(0, -1)
  if (input1.ndim !== input2.ndim)
    throw new Error(`bilinear(): input dimensions do not match: got ${input1.ndim} and ${input2.ndim}`)
  batch.forEach((size, d) => {
    if (size !== input2.layout.shape[d])
      throw new Error(`bilinear(): input batch dimensions do not match at dim ${d}: got ${size} and ${input2.layout.shape[d]}`)
  })
  const [outputs, first, second] = weight.layout.shape
  if (weight.ndim !== 3)
    throw new Error(`bilinear(): weight must have 3 dimensions, but got shape ${showShape(weight.layout.shape)}`)
  if (input1.layout.shape.at(-1) !== first)
    throw new Error(`bilinear(): input1 size does not match weight size: got ${input1.layout.shape.at(-1)} but expected ${first}`)
  if (input2.layout.shape.at(-1) !== second)
    throw new Error(
      `bilinear(): input2 size does not match weight size: got ${input2.layout.shape.at(-1)} but expected ${second}`,
    )
  if (bias !== null && bias.layout.shape[0] !== outputs)
    throw new Error(`bilinear(): bias size does not match weight size: got ${bias.layout.shape[0]} but expected ${outputs}`)
  const rows = batch.reduce((n, size) => n * size, 1)
  // x1 through all matrices at once, then the sums over x2.
  const matrices = reshape(permute(weight, [1, 0, 2]), [first, outputs * second])
  const left = reshape(matmul(reshape(input1, [rows, first]), matrices), [rows, outputs, second])
  const result = reshape(sum(mul(left, unsqueeze(reshape(input2, [rows, second]), 1)), 2), [...batch, outputs])
  return bias === null ? result : add(result, bias)
}
