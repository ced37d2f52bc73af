/** Complex numbers: making them, and what only they have. Of real tensors these functions answer what complex ones would. */

import { complexDType, isComplex as isComplexDType, scalarName } from '../core/dtype.js'
import { broadcastShapes } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import * as e from '../ir/expr.js'
import { g, x, y } from '../ir/expr.js'
import { abs, div, mul, sign } from './arithmetic.js'
import { clone, copy_ } from './cast.js'
import { eq, where } from './comparison.js'
import { copyInto, filled, partOf } from './copy.js'
import { requireTensor } from './define.js'
import { checkInPlace, commonBackend, defineOp, emptyTensor, type Op } from './dispatch.js'
import { cos, sin } from './elementary.js'
import { imag, real, viewAsComplex, viewAsReal } from './parts.js'
import { PointwiseOp } from './pointwise.js'
import { detach, transpose } from './view.js'

export { imag, real, viewAsComplex, viewAsReal }

/** What complex numbers are made of: two tensors of one floating point dtype. */
function requireParts(a: Tensor, b: Tensor, name: string, first: string, second: string): void {
  requireTensor(a, name, first)
  requireTensor(b, name, second)
  const isFloat = ({ dtype }: Tensor): boolean => dtype === 'float16' || dtype === 'float32' || dtype === 'float64'
  if (!isFloat(a) || !isFloat(b))
    throw new Error(
      `Expected both inputs to be Half, Float or Double tensors but got ${scalarName(a.dtype)} and ${scalarName(b.dtype)}`,
    )
  if (a.dtype !== b.dtype)
    throw new Error(
      `Expected object of scalar type ${scalarName(a.dtype)} but got scalar type ${scalarName(b.dtype)} for second argument`,
    )
}

const complexOp: Op<undefined> = defineOp({
  name: 'Complex',
  forward: ([re, im]) => {
    const shape = broadcastShapes([re.layout.shape, im.layout.shape])
    const out = emptyTensor(commonBackend([re, im]), shape, complexDType(re.dtype))
    copyInto(partOf(out, 0), re)
    copyInto(partOf(out, 1), im)
    return [out]
  },
  backward: ([gradient], { needs }) => [needs[0] ? real(gradient!) : null, needs[1] ? imag(gradient!) : null],
})
/**
 * Complex numbers from their real and imaginary parts, with broadcasting, as `torch.complex`: float32 gives complex64, float64
 * complex128.
 *
 * @throws Error for parts that are not both float32 or both float64.
 * @example
 * torch.complex(torch.tensor([1, 2]), torch.tensor([3, 4])) // tensor([1.+3.j, 2.+4.j])
 */
export function complex(re: Tensor, im: Tensor): Tensor {
  requireParts(re, im, 'complex', 'real', 'imag')
  return complexOp([re, im], undefined)[0]
}

const polarOp: Op<undefined> = defineOp({
  name: 'Polar',
  forward: (inputs) => {
    const [size, turn] = inputs.map(detach)
    return [complex(mul(size, cos(turn)), mul(size, sin(turn)))]
  },
  save: (_, [out]) => [out],
  // As PyTorch has it: the gradient of a negative absolute value is that of its magnitude.
  backward: ([gradient], { saved: [out], needs }) => {
    const conjugate = conj(gradient!)
    return [needs[0] ? real(mul(conjugate, sgn(out))) : null, needs[1] ? real(mul(conjugate, mul(out, { re: 0, im: 1 }))) : null]
  },
})
/**
 * Complex numbers from their absolute values and angles, as `torch.polar`: abs · (cos angle + i sin angle).
 *
 * @throws Error for tensors that are not both float32 or both float64.
 * @example
 * torch.polar(torch.tensor([2]), torch.tensor([0])) // tensor([2.+0.j])
 */
export function polar(absolute: Tensor, angles: Tensor): Tensor {
  requireParts(absolute, angles, 'polar', 'abs', 'angle')
  return polarOp([absolute, angles], undefined)[0]
}

const conjOp = new PointwiseOp('Conj', ['x'], [e.conj(x)])
const conjPhysicalOp = new PointwiseOp('ConjPhysical', ['x'], [e.conj(x)])
/**
 * The conjugate, as `torch.conj`: a new tensor, where PyTorch's is carried out later; a real tensor itself.
 *
 * @example
 * torch.conj(torch.tensor([{ re: 1, im: 2 }])) // tensor([1.-2.j])
 */
export const conj = (self: Tensor): Tensor => (isComplexDType(self.dtype) ? conjOp.call(self) : self)
/**
 * The conjugate, as `torch.conj_physical`; a real tensor itself.
 *
 * @example
 * torch.conjPhysical(torch.tensor([{ re: 1, im: 2 }])) // tensor([1.-2.j])
 */
export const conjPhysical = Object.assign(
  (self: Tensor): Tensor => (isComplexDType(self.dtype) ? conjPhysicalOp.call(self) : self),
  {
    inPlace: (self: Tensor): Tensor => {
      if (isComplexDType(self.dtype)) return conjPhysicalOp.callInPlace(self)
      checkInPlace(self, null, null)
      return self
    },
  },
)
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
 * Whether a negation is still to be carried out, as `torch.is_neg`: never.
 *
 * @example
 * torch.isNeg(torch.tensor([1, 2])) // false
 */
export const isNeg = (_self: Tensor): boolean => false
/**
 * Whether a conjugation is still to be carried out, as `torch.is_conj`: never.
 *
 * @example
 * torch.isConj(torch.tensor([1, 2])) // false
 */
export const isConj = (_self: Tensor): boolean => false

/**
 * Matrices transposed and conjugated, as `torch.adjoint`.
 *
 * @throws Error for a 1-d tensor.
 * @example
 * torch.tensor([[{ re: 1, im: 2 }, { re: 3, im: 4 }]]).adjoint().shape // [ 2, 1 ]
 */
export function adjoint(self: Tensor): Tensor {
  if (self.ndim === 1) throw new Error('tensor.adjoint() is only supported on matrices or batches of matrices. Got 1-D tensor.')
  return self.ndim === 0 ? conj(self) : conj(transpose(self, -2, -1))
}

/**
 * Whether each element is real, as `torch.isreal`: its imaginary part is 0.
 *
 * @example
 * torch.isreal(torch.tensor([1, { re: 1, im: 2 }])) // tensor([ True, False])
 */
export const isreal = (self: Tensor): Tensor =>
  isComplexDType(self.dtype) ? eq(partOf(self, 1), 0) : filled(self, self.layout.shape, true, 'bool')
/**
 * Whether the dtype is complex, as `torch.is_complex`.
 *
 * @example
 * torch.isComplex(torch.tensor([1, 2])) // false
 */
export const isComplex = (self: Tensor): boolean => isComplexDType(self.dtype)

const r2 = e.add(e.square(x), e.square(y))
const angleOp = new PointwiseOp('Angle', ['x', 'y'], [e.atan2(y, x)], {
  gradients: {
    x: e.where(e.eq(r2, 0), 0, e.neg(e.mul(g, e.div(y, r2)))),
    y: e.where(e.eq(r2, 0), 0, e.mul(g, e.div(x, r2))),
  },
})
const angleOfReal = new PointwiseOp('Angle', ['x'], [e.where(e.isnan(x), x, e.where(e.lt(x, 0), Math.PI, 0))], {
  result: 'float',
  gradients: { x: e.constant(0) },
})
/**
 * The angle of complex numbers in the plane, in radians, as `torch.angle`: π for negative real ones, 0 for others.
 *
 * @example
 * torch.angle(torch.tensor([-1, 2])) // tensor([3.1416, 0.0000])
 */
export const angle = (self: Tensor): Tensor =>
  isComplexDType(self.dtype) ? angleOp.call(real(self), imag(self)) : angleOfReal.call(self)

/**
 * Complex numbers divided by their absolute value, and 0 for 0, as `torch.sgn`; the sign of real ones.
 *
 * @example
 * torch.sgn(torch.tensor([{ re: 3, im: 4 }])) // tensor([0.6000+0.8000j])
 */
export const sgn = Object.assign(
  (self: Tensor): Tensor => {
    if (!isComplexDType(self.dtype)) return sign(self)
    const size = abs(self)
    return div(self, where(eq(size, 0), 1, size))
  },
  { inPlace: (self: Tensor): Tensor => (isComplexDType(self.dtype) ? copy_(self, sgn(clone(self))) : sign.inPlace(self)) },
)
