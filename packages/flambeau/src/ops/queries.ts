/** Questions about tensors, as functions. */

import { isFloatingPoint as isFloatingDType } from '../core/dtype.js'
import { sameShape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { ne } from './comparison.js'
import { item } from './creation.js'
import { requireTensor } from './define.js'

/**
 * The number of elements, as `torch.numel`.
 *
 * @example
 * torch.numel(torch.zeros(2, 3)) // 6
 */
export const numel = (input: Tensor): number => requireTensor(input, 'numel').layout.numel

/**
 * Whether the dtype is a floating-point one, as `torch.is_floating_point`.
 *
 * @example
 * torch.isFloatingPoint(torch.zeros(2)) // true
 */
export const isFloatingPoint = (input: Tensor): boolean => isFloatingDType(requireTensor(input, 'is_floating_point').dtype)

/**
 * Whether the dtype has negative numbers, as `torch.is_signed`.
 *
 * @example
 * torch.isSigned(torch.zeros(2, { dtype: 'uint8' })) // false
 */
export const isSigned = (input: Tensor): boolean => {
  const { dtype } = requireTensor(input, 'is_signed')
  return dtype !== 'uint8' && dtype !== 'bool'
}

/**
 * Whether the only element is not zero, as `torch.is_nonzero`.
 *
 * @throws Error for no or several elements.
 * @example
 * torch.isNonzero(torch.tensor([0])) // false
 */
export function isNonzero(input: Tensor): boolean {
  const count = numel(input)
  if (count === 0) throw new Error('Boolean value of Tensor with no values is ambiguous')
  if (count > 1) throw new Error('Boolean value of Tensor with more than one value is ambiguous')
  return item<boolean>(ne(input, 0))
}

/**
 * Whether two tensors have the same sizes, as `torch.is_same_size`.
 *
 * @example
 * torch.isSameSize(torch.zeros(2), torch.zeros(2, 1)) // false
 */
export const isSameSize = (input: Tensor, other: Tensor): boolean => sameShape(input.layout.shape, other.layout.shape)
