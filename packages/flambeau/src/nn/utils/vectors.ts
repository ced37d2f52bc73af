/** All parameters as one vector. */

import type { Tensor } from '../../core/tensor.js'
import { cat } from '../../ops/joining.js'
import { detach, narrow, reshape } from '../../ops/view.js'
import { replaceData } from '../parameter.js'

/**
 * The elements of all parameters one after the other, as `torch.nn.utils.parameters_to_vector`.
 *
 * @example
 * nn.utils.parametersToVector(new nn.Linear(3, 2).parameters()).shape // [ 8 ]
 */
export const parametersToVector = (parameters: Iterable<Tensor>): Tensor => cat([...parameters].map((p) => reshape(p, -1)))

/**
 * Puts stretches of a vector behind parameters, which share its memory from then on, as
 * `torch.nn.utils.vector_to_parameters`.
 *
 * @throws Error for a vector that is too short.
 * @example
 * const layer = new nn.Linear(2, 1)
 * nn.utils.vectorToParameters(torch.tensor([1, 2, 3]), layer.parameters())
 * layer.bias!.item() // 3
 */
export function vectorToParameters(vector: Tensor, parameters: Iterable<Tensor>): void {
  const values = detach(vector)
  let start = 0
  for (const parameter of parameters) {
    const { numel, shape } = parameter.layout
    replaceData(parameter, reshape(narrow(values, 0, start, numel), shape))
    start += numel
  }
}
