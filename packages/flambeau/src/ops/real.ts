/** What functions of complex numbers answer for real ones. */

import type { Tensor } from '../core/tensor.js'
import { filled } from './copy.js'
import { checkInPlace } from './dispatch.js'

/**
 * The real part: a real tensor itself, as `torch.real`.
 *
 * @example
 * torch.real(torch.tensor([1, 2])).tolist() // [1, 2]
 */
export const real = (self: Tensor): Tensor => self
/**
 * The conjugate: a real tensor itself, as `torch.conj`.
 *
 * @example
 * torch.conj(torch.tensor([1, 2])).tolist() // [1, 2]
 */
export const conj = (self: Tensor): Tensor => self
/**
 * The conjugate: a real tensor itself, as `torch.conj_physical`.
 *
 * @example
 * torch.conjPhysical(torch.tensor([1, 2])).tolist() // [1, 2]
 */
export const conjPhysical = Object.assign((self: Tensor): Tensor => self, {
  inPlace: (self: Tensor): Tensor => {
    checkInPlace(self, null, null)
    return self
  },
})
/**
 * A tensor with its conjugation carried out: nothing here is lazy, as `torch.resolve_conj`.
 *
 * @example
 * torch.resolveConj(torch.tensor([1, 2])).tolist() // [1, 2]
 */
export const resolveConj = (self: Tensor): Tensor => self
/**
 * A tensor with its negation carried out: nothing here is lazy, as `torch.resolve_neg`.
 *
 * @example
 * torch.resolveNeg(torch.tensor([1, 2])).tolist() // [1, 2]
 */
export const resolveNeg = (self: Tensor): Tensor => self
/**
 * Whether each element is real, as `torch.isreal`.
 *
 * @example
 * torch.isreal(torch.tensor([1, 2])).tolist() // [true, true]
 */
export const isreal = (self: Tensor): Tensor => filled(self, self.layout.shape, true, 'bool')
/**
 * Whether the dtype is complex, as `torch.is_complex`.
 *
 * @example
 * torch.isComplex(torch.tensor([1, 2])) // false
 */
export const isComplex = (_self: Tensor): boolean => false
