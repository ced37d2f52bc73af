/** Complex tensors and the floats they consist of as views of each other. */

import { pairsLayout } from '../core/complex.js'
import { complexDType, isComplex, realDType, scalarName } from '../core/dtype.js'
import { Layout } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { cloneOp } from './copy.js'
import { makeView, select } from './view.js'

/**
 * The real and imaginary parts of a complex tensor in a further last dimension of 2, sharing memory, as `torch.view_as_real`.
 *
 * @throws Error for a tensor that is not complex.
 * @example
 * torch.viewAsReal(torch.tensor([{ re: 1, im: 2 }])).tolist() // [ [ 1, 2 ] ]
 */
export function viewAsReal(self: Tensor): Tensor {
  if (!isComplex(self.dtype)) throw new Error('view_as_real is only supported for complex tensors')
  return makeView('ViewAsReal', self, pairsLayout(self.layout), (g) => viewAsComplex(pairable(g)), realDType(self.dtype))
}

/**
 * A tensor whose last dimension has size 2 as a complex one, sharing memory, as `torch.view_as_complex`.
 *
 * @throws Error where the last dimension is not of size 2 with stride 1, the other strides or the offset are odd, or the dtype
 * is not float32 or float64.
 * @example
 * torch.viewAsComplex(torch.tensor([[1, 2], [3, 4]])) // tensor([1.+2.j, 3.+4.j])
 */
export function viewAsComplex(self: Tensor): Tensor {
  const { shape, strides, offset } = self.layout
  if (self.dtype !== 'float32' && self.dtype !== 'float64') {
    if (self.dtype === 'float16') complexDType(self.dtype)
    throw new Error(
      `view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: ${scalarName(self.dtype)}`,
    )
  }
  if (shape.length === 0) throw new Error('Input tensor must have one or more dimensions')
  if (shape.at(-1) !== 2) throw new Error('Tensor must have a last dimension of size 2')
  if (strides.at(-1) !== 1) throw new Error('Tensor must have a last dimension with stride 1')
  const odd = strides.slice(0, -1).some((step) => step % 2 !== 0)
  if (odd) throw new Error('Tensor must have a stride divisible by 2 for all but last dimension')
  if (offset % 2 !== 0) throw new Error('Tensor must have a storage_offset divisible by 2')
  const layout = new Layout(
    shape.slice(0, -1),
    strides.slice(0, -1).map((step) => step / 2),
    offset / 2,
  )
  return makeView('ViewAsComplex', self, layout, viewAsReal, complexDType(self.dtype))
}

/** A gradient that can be viewed as complex: itself, or a copy. */
const pairable = (g: Tensor): Tensor => (g.layout.isContiguous && g.layout.offset % 2 === 0 ? g : cloneOp([g], true)[0])

/**
 * The real part: a view of it, and of a real tensor itself, as `torch.real`.
 *
 * @example
 * torch.real(torch.tensor([{ re: 1, im: 2 }])) // tensor([1.])
 */
export const real = (self: Tensor): Tensor => (isComplex(self.dtype) ? select(viewAsReal(self), -1, 0) : self)

/**
 * A view of the imaginary part, as `torch.imag`.
 *
 * @throws Error for a tensor that is not complex.
 * @example
 * torch.imag(torch.tensor([{ re: 1, im: 2 }])) // tensor([2.])
 */
export function imag(self: Tensor): Tensor {
  if (!isComplex(self.dtype)) throw new Error('imag is not implemented for tensors with non-complex dtypes.')
  return select(viewAsReal(self), -1, 1)
}
