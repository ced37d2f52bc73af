/** Copying elements from one layout and dtype to another: not recorded, not checked; ops build on it. */

import { flatPlan, planPointwise } from '../backends/plan.js'
import { type Complex, isComplexNumber, pairsLayout, partLayout } from '../core/complex.js'
import { type ComputeClass, computeClass, type DType, elementOf, isComplex, realDType, type Scalar } from '../core/dtype.js'
import { Tensor } from '../core/tensor.js'
import { variable } from '../ir/expr.js'
import { Program } from '../ir/program.js'
import { defineOp, emptyTensor, type Op } from './dispatch.js'

const fill = new Program([variable('x')], [], ['x'])
const copy = new Program([variable('x')], ['x'], [])

/** Copies elements with a cast and broadcasting, or fills with a number. */
export function copyInto(target: Tensor, source: Tensor | Scalar | Complex): void {
  const { numel, shape } = target.layout
  if (numel === 0) return
  const backend = target.storage.allocator
  if (isComplex(target.dtype)) {
    copyIntoComplex(target, source)
    return
  }
  if (!(source instanceof Tensor)) {
    if (typeof source === 'object') throw new Error(`value cannot be converted to type ${target.dtype} without overflow`)
    backend.pointwise(fill, computeClass(target.dtype), [target], planPointwise(shape, [target.layout]), [
      elementOf(source, target.dtype),
    ])
    return
  }
  const flat = target.layout.isContiguous && source.layout.isContiguous && numel === source.layout.numel
  const plan = flat ? flatPlan(numel) : planPointwise(shape, [target.layout, source.layout])
  backend.pointwise(copy, copyClass(target.dtype, source.dtype), [target, source], plan, [])
}

/** The real (0) or imaginary (1) parts of a complex tensor, sharing memory. */
export const partOf = ({ storage, layout, dtype }: Tensor, part: 0 | 1): Tensor =>
  new Tensor(storage, partLayout(layout, part), realDType(dtype))
/** The floats of a complex tensor, sharing memory. */
export const pairsOf = ({ storage, layout, dtype }: Tensor): Tensor => new Tensor(storage, pairsLayout(layout), realDType(dtype))

function copyIntoComplex(target: Tensor, source: Tensor | Scalar | Complex): void {
  if (source instanceof Tensor && isComplex(source.dtype)) {
    copyInto(pairsOf(target), pairsOf(source))
    return
  }
  const [re, im] = isComplexNumber(source) && !(source instanceof Tensor) ? [source.re, source.im] : [source, 0]
  copyInto(partOf(target, 0), re)
  copyInto(partOf(target, 1), im)
}

/** A copy in the source's memory order if that is dense, row-major otherwise. Cast to a real dtype, complex numbers lose their imaginary part. */
export function copyOf(t: Tensor, dtype: DType = t.dtype): Tensor {
  if (isComplex(t.dtype) && !isComplex(dtype)) return copyOf(partOf(t, 0), dtype)
  const out = emptyTensor(t.storage.allocator, t.layout.shape, dtype, t.layout.isDense ? t.layout.strides : null)
  copyInto(out, t)
  return out
}

/** This tensor's elements in row-major order: itself where they lie so already. */
export function rowMajor(t: Tensor): Tensor {
  if (t.layout.isContiguous) return t
  const out = emptyTensor(t.storage.allocator, t.layout.shape, t.dtype)
  copyInto(out, t)
  return out
}

/** A new tensor filled with a number. */
export function filled(like: Tensor, shape: readonly number[], value: Scalar | Complex, dtype: DType = like.dtype): Tensor {
  const out = emptyTensor(like.storage.allocator, shape, dtype)
  copyInto(out, value)
  return out
}

/**
 * A value to fill a tensor with: a complex one as a tensor.
 * @throws Error for a complex value and a real tensor.
 */
export function valueFor(self: Tensor, value: Tensor | Scalar | Complex): Tensor | Scalar {
  if (typeof value !== 'object') return typeof value === 'bigint' || isComplex(self.dtype) ? value : elementOf(value, self.dtype)
  if (!isComplex(self.dtype) && (!(value instanceof Tensor) || isComplex(value.dtype)))
    throw new Error(`value cannot be converted to type ${self.dtype} without overflow`)
  if (!(value instanceof Tensor)) return filled(self, [], value)
  // It may lie in the memory that is written.
  return value.storage === self.storage ? cloneOp([value], false)[0] : value
}

/** 0, 1, … n − 1 in int64, on the same backend. */
export function counted(like: Tensor, n: number): Tensor {
  const out = emptyTensor(like.storage.allocator, [n], 'int64')
  if (n > 0) out.storage.allocator.run('arange', out, 0, 1)
  return out
}

/** A copy computes in the wider of the two types, so that nothing is lost on the way. */
function copyClass(a: DType, b: DType): ComputeClass {
  const [ca, cb] = [computeClass(a), computeClass(b)]
  return ca === 1 || cb === 1 ? 1 : ca === 0 || cb === 0 ? 0 : ca === 3 || cb === 3 ? 3 : 2
}

/** A recorded copy: row-major if asked, in the source's memory order otherwise. */
export const cloneOp: Op<boolean> = defineOp<boolean>({
  name: 'Clone',
  forward: ([x], inRowMajor) => {
    if (!inRowMajor) return [copyOf(x)]
    const out = emptyTensor(x.storage.allocator, x.layout.shape, x.dtype)
    copyInto(out, x)
    return [out]
  },
  backward: (gradients) => gradients,
})

/** A recorded cast; the engine casts the gradient back. */
export const castOp: Op<DType> = defineOp<DType>({
  name: 'ToCopy',
  forward: ([x], dtype) => [copyOf(x, dtype)],
  backward: (gradients) => gradients,
})
