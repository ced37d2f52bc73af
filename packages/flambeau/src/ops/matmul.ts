/** Matrix products. */

import { readArgument } from '../core/arguments.js'
import { isDifferentiable, resultType, scalarName } from '../core/dtype.js'
import { broadcastShapes, numelOf, sameShape, showShape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { add, mul } from './arithmetic.js'
import { clone, copy_, to } from './cast.js'
import { maskedFill } from './comparison.js'
import { adjoint } from './complex.js'
import { copyInto, filled } from './copy.js'
import { requireTensor } from './define.js'
import { checkInPlace, commonBackend, defineOp, emptyTensor, type Op } from './dispatch.js'
import { sum } from './reduce.js'
import { expand, reshape, squeeze, t, unsqueeze } from './view.js'

function requireSameDType(a: Tensor, b: Tensor): void {
  if (a.dtype !== b.dtype)
    throw new Error(`expected m1 and m2 to have the same dtype, but got: ${scalarName(a.dtype)} != ${scalarName(b.dtype)}`)
  if (a.dtype === 'bool') throw new Error('"addmm_impl_cpu_" not implemented for \'Bool\'')
}

/** [..., m, k] by [..., k, n] with equal leading dimensions. */
const matmulOp: Op<undefined> = defineOp({
  name: 'Mm',
  forward: ([a, b]) => {
    const backend = commonBackend([a, b])
    const out = emptyTensor(backend, [...a.layout.shape.slice(0, -1), b.layout.shape.at(-1)!], a.dtype)
    if (out.layout.numel > 0) backend.run('matmul', a, b, out, false)
    return [out]
  },
  save: ([a, b], _outputs, _attrs, [needsA, needsB]) => [...(needsB ? [a] : []), ...(needsA ? [b] : [])],
  backward: ([g], { saved, needs: [needsA, needsB] }) => {
    const a = needsB ? saved[0] : null
    const b = needsA ? saved[needsB ? 1 : 0] : null
    return [b && product(g!, adjoint(b)), a && product(adjoint(a), g!)]
  },
})
const product = (a: Tensor, b: Tensor): Tensor => matmulOp([a, b], undefined)[0]

/**
 * The product of two matrices [n, k] and [k, m], as `torch.mm`.
 *
 * @example
 * torch.mm(torch.tensor([[1, 2]]), torch.tensor([[3], [4]])).tolist() // [[11]]
 */
export function mm(self: Tensor, mat2: Tensor): Tensor {
  if (self.ndim !== 2) throw new Error('self must be a matrix')
  if (mat2.ndim !== 2) throw new Error('mat2 must be a matrix')
  return checkedProduct(self, mat2)
}

function checkedProduct(a: Tensor, b: Tensor): Tensor {
  const [m, k] = a.layout.shape
  const [k2, n] = b.layout.shape
  if (k !== k2) throw new Error(`mat1 and mat2 shapes cannot be multiplied (${m}x${k} and ${k2}x${n})`)
  requireSameDType(a, b)
  return product(a, b)
}

/**
 * The products of two batches of matrices [b, n, k] and [b, k, m], as `torch.bmm`.
 *
 * @example
 * torch.bmm(torch.ones(2, 3, 4), torch.ones(2, 4, 5)).shape // [2, 3, 5]
 */
export function bmm(self: Tensor, mat2: Tensor): Tensor {
  if (self.ndim !== 3 || mat2.ndim !== 3) throw new Error('batch1 must be a 3D tensor')
  const [b, , k] = self.layout.shape
  if (mat2.layout.shape[0] !== b || mat2.layout.shape[1] !== k)
    throw new Error(
      `Expected size for first two dimensions of batch2 tensor to be: ${showShape([b, k])} but got: ${showShape(mat2.layout.shape.slice(0, 2))}.`,
    )
  requireSameDType(self, mat2)
  return product(self, mat2)
}

/**
 * A matrix [n, m] by a vector [m], as `torch.mv`.
 *
 * @example
 * torch.mv(torch.tensor([[1, 2], [3, 4]]), torch.tensor([1, 1])).tolist() // [3, 7]
 */
export function mv(self: Tensor, vec: Tensor): Tensor {
  if (self.ndim !== 2 || vec.ndim !== 1) throw new Error(`vector + matrix @ vector expected, got 1, ${self.ndim}, ${vec.ndim}`)
  if (self.layout.shape[1] !== vec.layout.shape[0])
    throw new Error(
      `size mismatch, got input (${self.layout.shape[0]}), mat (${self.layout.shape.join('x')}), vec (${vec.layout.shape[0]})`,
    )
  requireSameDType(self, vec)
  return squeeze(product(self, unsqueeze(vec, 1)), 1)
}

/**
 * The inner product of two vectors, as `torch.dot`.
 *
 * @example
 * torch.dot(torch.tensor([1, 2]), torch.tensor([3, 4])).item() // 11
 */
export function dot(self: Tensor, tensor: Tensor): Tensor {
  if (self.ndim !== 1 || tensor.ndim !== 1)
    throw new Error(`1D tensors expected, but got ${self.ndim}D and ${tensor.ndim}D tensors`)
  if (self.layout.numel !== tensor.layout.numel)
    throw new Error(
      `inconsistent tensor size, expected tensor [${self.layout.numel}] and src [${tensor.layout.numel}] to have the same number of elements, but got ${self.layout.numel} and ${tensor.layout.numel} elements respectively`,
    )
  requireSameDType(self, tensor)
  return reshape(product(unsqueeze(self, 0), unsqueeze(tensor, 1)), [])
}

/**
 * The product of every pair of elements of two vectors, as `torch.outer`.
 *
 * @example
 * torch.outer(torch.tensor([1, 2]), torch.tensor([3, 4])).tolist() // [[3, 4], [6, 8]]
 */
export function outer(self: Tensor, vec2: Tensor): Tensor {
  if (self.ndim !== 1) throw new Error(`outer: Expected 1-D argument self, but got ${self.ndim}-D`)
  if (vec2.ndim !== 1) throw new Error(`outer: Expected 1-D argument vec2, but got ${vec2.ndim}-D`)
  return mul(unsqueeze(self, 1), vec2)
}

/**
 * The matrix product of tensors of any rank, as `torch.matmul`: vectors count as a row on the left and a column on the
 * right; leading dimensions broadcast.
 *
 * @throws Error `mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)`
 * @example
 * torch.ones(5, 2, 3).matmul(torch.ones(3, 4)).shape // [5, 2, 4]
 */
export function matmul(self: Tensor, other: Tensor): Tensor {
  if (self.ndim === 0 || other.ndim === 0)
    throw new Error(`both arguments to matmul need to be at least 1D, but they are ${self.ndim}D and ${other.ndim}D`)
  if (self.ndim === 1 && other.ndim === 1) return dot(self, other)
  if (self.ndim === 2 && other.ndim === 1) return mv(self, other)
  if (self.ndim === 1) return squeeze(matmul(unsqueeze(self, 0), other), -2)
  if (other.ndim === 1) return squeeze(matmul(self, unsqueeze(other, 1)), -1)
  if (self.ndim === 2 && other.ndim === 2) return checkedProduct(self, other)
  const [m, k] = self.layout.shape.slice(-2)
  const [k2, n] = other.layout.shape.slice(-2)
  if (other.ndim === 2) {
    // One large product instead of many small ones.
    const rows = reshape(self, numelOf(self.layout.shape.slice(0, -1)), k)
    return reshape(checkedProduct(rows, other), [...self.layout.shape.slice(0, -1), n])
  }
  if (k !== k2)
    throw new Error(
      `Expected size for first two dimensions of batch2 tensor to be: [${showBatch(self)}, ${k}] but got: [${showBatch(other)}, ${k2}].`,
    )
  requireSameDType(self, other)
  const batch = broadcastShapes([self.layout.shape.slice(0, -2), other.layout.shape.slice(0, -2)])
  return product(expand(self, [...batch, m, k]), expand(other, [...batch, k, n]))
}
const showBatch = (x: Tensor): string => x.layout.shape.slice(0, -2).join(', ')

/** `bias + a·b` with the bias as the accumulator's first value: one pass less over the result. */
const addmmOp: Op<undefined> = defineOp({
  name: 'Addmm',
  forward: ([bias, a, b]) => {
    const backend = commonBackend([bias, a, b])
    const shape = [a.layout.shape[0], b.layout.shape[1]]
    const out = emptyTensor(backend, shape, a.dtype)
    copyInto(out, bias)
    if (out.layout.numel > 0) backend.run('matmul', a, b, out, true)
    return [out]
  },
  save: ([, a, b]) => [a, b],
  backward: ([g], { saved: [a, b], needs }) => [
    needs[0] ? g : null,
    needs[1] ? product(g!, adjoint(b)) : null,
    needs[2] ? product(adjoint(a), g!) : null,
  ],
})

export interface AddmmOptions {
  beta?: number
  alpha?: number
}
/** `beta · self + alpha · product`, where self is not read at all if beta is 0. Integers and bools take whole factors. */
function blended(self: Tensor, computed: Tensor, { beta = 1, alpha = 1 }: AddmmOptions): Tensor {
  const expected = computed.layout.shape
  if (self.ndim > expected.length || !sameShape(broadcastShapes([self.layout.shape, expected]), expected))
    throw new Error(
      `The expanded size of the tensor ${showShape(expected)} must match the existing size ${showShape(self.layout.shape)}`,
    )
  const dtype = resultType([self, computed])
  const times = (x: Tensor, factor: number): Tensor => {
    const used = isDifferentiable(dtype) ? factor : dtype === 'bool' ? Number(factor !== 0) : Math.trunc(factor)
    return used === 1 ? x : to(mul(x, used), x.dtype)
  }
  if (beta !== 0) return add(times(self, beta), times(computed, alpha))
  const scaled = to(times(computed, alpha), dtype)
  // Its values do not count, NaN neither, but it is still part of the graph: its gradient is zero.
  return self.requiresGrad ? add(scaled, maskedFill(self, filled(self, [], true, 'bool'), 0)) : scaled
}
function addmmOf(self: Tensor, mat1: Tensor, mat2: Tensor, options: AddmmOptions): Tensor {
  const { beta = 1, alpha = 1 } = options
  if (mat1.ndim !== 2 || mat2.ndim !== 2) throw new Error(`mat1 must be a matrix, got ${mat1.ndim}-D tensor`)
  const [m, k] = mat1.layout.shape
  const [k2, n] = mat2.layout.shape
  if (k !== k2) throw new Error(`mat1 and mat2 shapes cannot be multiplied (${m}x${k} and ${k2}x${n})`)
  requireSameDType(mat1, mat2)
  const shape = self.layout.shape
  if (shape.length > 2 || broadcastShapes([shape, [m, n]]).some((size, d) => size !== [m, n][d]))
    throw new Error(
      `The expanded size of the tensor (${n}) must match the existing size (${shape.at(-1)}) at non-singleton dimension 1.  Target sizes: [${m}, ${n}].  Tensor sizes: ${showShape(shape)}`,
    )
  if (alpha === 1 && beta === 1) {
    if (self.dtype !== mat1.dtype) requireSameDType(self, mat1)
    return addmmOp([self, mat1, mat2], undefined)[0]
  }
  return blended(self, product(mat1, mat2), options)
}

/**
 * `input · weightᵀ + bias`, as `torch.nn.functional.linear`: input [..., in], weight [out, in], bias [out].
 *
 * @throws Error `mat1 and mat2 shapes cannot be multiplied (…)`
 * @example
 * F.linear(torch.ones(2, 3), torch.ones(1, 3), torch.tensor([1])).tolist() // [[4], [4]]
 */
export function linear(input: Tensor, weight: Tensor, given?: Tensor | null | { bias?: Tensor | null }): Tensor {
  const bias = readArgument<Tensor | null>('linear', 'bias', given, null)
  if (weight.ndim === 1 || input.ndim === 1 || bias === null) {
    const out = matmul(input, t(weight))
    return bias === null ? out : add(out, bias)
  }
  if (input.ndim === 2) return addmm(bias, input, t(weight))
  const features = input.layout.shape.at(-1)!
  const rows = reshape(input, numelOf(input.layout.shape.slice(0, -1)), features)
  return reshape(addmm(bias, rows, t(weight)), [...input.layout.shape.slice(0, -1), weight.layout.shape[0]])
}

/** `beta · self + alpha · product`, with its in-place form. */
export interface ScaledProduct {
  (self: Tensor, a: Tensor, b: Tensor, options?: AddmmOptions): Tensor
  readonly inPlace: (self: Tensor, a: Tensor, b: Tensor, options?: AddmmOptions) => Tensor
}
function withInPlace(call: (self: Tensor, a: Tensor, b: Tensor, options: AddmmOptions) => Tensor): ScaledProduct {
  return Object.assign((self: Tensor, a: Tensor, b: Tensor, options: AddmmOptions = {}): Tensor => call(self, a, b, options), {
    inPlace: (self: Tensor, a: Tensor, b: Tensor, options: AddmmOptions = {}): Tensor => {
      const result = call(clone(self), a, b, options)
      checkInPlace(self, result.layout.shape, result.dtype)
      return copy_(self, result)
    },
  })
}

/**
 * `beta · self + alpha · mat1 · mat2`, as `torch.addmm`.
 *
 * @example
 * torch.addmm(torch.ones(1), torch.tensor([[1, 2]]), torch.tensor([[3], [4]]), { beta: 2 }).tolist() // [[13]]
 */
export const addmm = withInPlace(addmmOf)
/**
 * `beta · self + alpha · mat · vec`, as `torch.addmv`.
 *
 * @example
 * torch.addmv(torch.ones(2), torch.eye(2), torch.tensor([3, 4])).tolist() // [4, 5]
 */
export const addmv = withInPlace((self, mat, vec, options) => blended(self, mv(mat, vec), options))
/**
 * `beta · self + alpha · vec1 ⊗ vec2`, as `torch.addr`.
 *
 * @example
 * torch.addr(torch.zeros(2, 2), torch.tensor([1, 2]), torch.tensor([3, 4]), { alpha: 2 }).tolist() // [[6, 8], [12, 16]]
 */
export const addr = withInPlace((self, vec1, vec2, options) => {
  const product = outer(vec1, vec2)
  if (!isDifferentiable(self.dtype) && !isDifferentiable(product.dtype))
    for (const name of ['beta', 'alpha'] as const)
      if (!Number.isInteger(options[name] ?? 1))
        throw new Error(`For integral input tensors, argument ${name} must not be a floating point number.`)
  return blended(self, product, options)
})
/**
 * `beta · self + alpha · batch1 · batch2`, batch by batch, as `torch.baddbmm`.
 *
 * @example
 * torch.baddbmm(torch.ones(1, 2, 2), torch.ones(1, 2, 3), torch.ones(1, 3, 2)).tolist() // [[[4, 4], [4, 4]]]
 */
export const baddbmm = withInPlace((self, batch1, batch2, options) => blended(self, bmm(batch1, batch2), options))
/**
 * `beta · self + alpha · Σ batch1 · batch2` over the batch, as `torch.addbmm`.
 *
 * @example
 * torch.addbmm(torch.zeros(2, 2), torch.ones(5, 2, 3), torch.ones(5, 3, 2)).tolist() // [[15, 15], [15, 15]]
 */
export const addbmm = withInPlace((self, batch1, batch2, options) =>
  blended(self, to(sum(bmm(batch1, batch2), 0), batch1.dtype), options),
)
/**
 * The products of last dimensions with each other, as `torch.inner`.
 *
 * @example
 * torch.inner(torch.tensor([1, 2]), torch.tensor([3, 4])).item() // 11
 */
export function inner(self: Tensor, other: Tensor): Tensor {
  requireTensor(other, 'inner', 'other')
  if (self.ndim === 0 || other.ndim === 0) return mul(self, other)
  const size = self.layout.shape.at(-1)!
  if (other.layout.shape.at(-1) !== size)
    throw new Error(
      `inner() the last dimension must match on both input tensors but got shapes ${showShape(self.layout.shape)} and ${showShape(other.layout.shape)}`,
    )
  const rows = (x: Tensor): Tensor => reshape(x, numelOf(x.layout.shape.slice(0, -1)), size)
  const shape = [...self.layout.shape.slice(0, -1), ...other.layout.shape.slice(0, -1)]
  return reshape(mm(rows(self), t(rows(other))), shape)
}
