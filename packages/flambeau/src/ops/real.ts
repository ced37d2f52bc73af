/** What functions of complex numbers answer for real ones. */

import type { Tensor } from '../core/tensor.js'
import { filled } from './copy.js'
import { checkInPlace } from './dispatch.js'

/** The real part: a real tensor itself, as `torch.real`. */
export const real = (self: Tensor): Tensor => self
/** The conjugate: a real tensor itself, as `torch.conj`. */
export const conj = (self: Tensor): Tensor => self
/** The conjugate: a real tensor itself, as `torch.conj_physical`. */
export const conjPhysical = Object.assign((self: Tensor): Tensor => self, {
  inPlace: (self: Tensor): Tensor => {
    checkInPlace(self, null, null)
    return self
  },
})
/** A tensor with its conjugation carried out: nothing here is lazy, as `torch.resolve_conj`. */
export const resolveConj = (self: Tensor): Tensor => self
/** A tensor with its negation carried out: nothing here is lazy, as `torch.resolve_neg`. */
export const resolveNeg = (self: Tensor): Tensor => self
/** Whether each element is real, as `torch.isreal`. */
export const isreal = (self: Tensor): Tensor => filled(self, self.layout.shape, true, 'bool')
/** Whether the dtype is complex, as `torch.is_complex`. */
export const isComplex = (_self: Tensor): boolean => false
