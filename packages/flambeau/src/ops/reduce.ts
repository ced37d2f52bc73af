/** Reductions: over all elements, or over some dimensions, which go away or stay with size 1. */

import { type Reduction, reductions } from '../backends/backend.js'
import { type Arguments, readArgument, readArguments } from '../core/arguments.js'
import { type DType, getDefaultDtype, isComplex, isDifferentiable, isFloatingPoint, scalarName } from '../core/dtype.js'
import { contiguousStrides, Layout, type Shape, sameShape, wrapDim, wrapDims } from '../core/layout.js'
import { type Named, named, type ValuesIndices } from '../core/results.js'
import { Tensor } from '../core/tensor.js'
import { add, div, mul, sqrt, sub } from './arithmetic.js'
import { to } from './cast.js'
import { eq, logicalAnd, logicalOr, maskedFill, ne, where } from './comparison.js'
import { filled } from './copy.js'
import { defineOp, emptyTensor, type Op } from './dispatch.js'
import { exp } from './elementary.js'
import { cat } from './joining.js'
import { imag, real } from './parts.js'
import { expand, narrow, reshape, transpose } from './view.js'

export type Dims = number | readonly number[] | null

export interface ReduceOptions {
  /** The dimensions to reduce; all unless given. */
  dim?: Dims
  /** Keep reduced dimensions with size 1. */
  keepdim?: boolean
}
export interface SumOptions extends ReduceOptions {
  /** Cast to this dtype first. */
  dtype?: DType
}

/** Where `keepdim` may stand: by position, or the options. */
export type KeepOr<O> = boolean | O

/**
 * `sum(1, true)`, `sum(1, { keepdim: true })` and `sum({ dim: 1, keepdim: true })` are the same call in three spellings.
 * `names` are those of the further options.
 *
 * @throws TypeError for an unknown name
 */
export function readDims<O extends ReduceOptions>(
  name: string,
  names: readonly string[],
  dim: Dims | O | undefined,
  keepdim: KeepOr<O> | undefined,
  options?: O,
): O {
  const first = dim !== null && typeof dim === 'object' && !Array.isArray(dim) ? (dim as O) : null
  const second = typeof keepdim === 'object' ? keepdim : options
  const given = first ?? second
  for (const key in given)
    if (key !== 'dim' && key !== 'keepdim' && !names.includes(key))
      throw new TypeError(`${name}() got an unexpected keyword argument '${key}'`)
  if (first !== null) return first
  const read = { ...second, dim: (dim as Dims | undefined) ?? second?.dim } as O
  if (typeof keepdim === 'boolean') read.keepdim = keepdim
  return read
}
const castable = ['dtype'] as const
const plain = [] as const

/** The dimensions to reduce: an empty list means all of them, as in PyTorch. */
const reducedDims = (dims: Dims | undefined, ndim: number): number[] =>
  wrapDims(Array.isArray(dims) && dims.length === 0 ? null : dims, ndim)
const isGiven = (dims: Dims | undefined): boolean => dims !== undefined && dims !== null

interface Reducing {
  /** The operand with its reduced dimensions last. */
  readonly operand: Tensor
  readonly count: number
  /** The result's shape as the kernel writes it, and as the caller sees it. */
  readonly kept: Shape
  readonly shown: Shape
  /** The number of elements each result is made of. */
  readonly size: number
}

function reducing(self: Tensor, dims: readonly number[], keepdim: boolean): Reducing {
  const { shape } = self.layout
  const reduced = new Array<boolean>(shape.length).fill(false)
  for (const d of dims) reduced[d] = true
  const keptDims = shape.map((_, d) => d).filter((d) => !reduced[d])
  const order = [...keptDims, ...dims.toSorted((a, b) => a - b)]
  const kept = keptDims.map((d) => shape[d])
  return {
    operand: new Tensor(self.storage, self.layout.permute(order), self.dtype),
    count: dims.length,
    kept,
    shown: keepdim ? shape.map((size, d) => (reduced[d] ? 1 : size)) : kept,
    size: dims.reduce((n, d) => n * shape[d], 1),
  }
}

/** The same new tensor under another shape with as many elements. */
const shown = (t: Tensor, shape: Shape): Tensor =>
  sameShape(t.layout.shape, shape) ? t : new Tensor(t.storage, new Layout(shape, contiguousStrides(shape)), t.dtype)

interface Attributes {
  readonly dims: readonly number[]
  readonly keepdim: boolean
  /** Whether the call named dimensions: PyTorch's overload 1 of sum, mean and prod. */
  readonly named?: boolean
}
const overload = ({ named: byDims }: Attributes): number => (byDims ? 1 : 0)

/** A result of reducing, made to broadcast against the operand again. */
function restore(t: Tensor, { dims, keepdim }: Attributes, ndim: number): Tensor {
  if (keepdim || dims.length === 0) return t
  let next = 0
  return reshape(
    t,
    Array.from({ length: ndim }, (_, d) => (dims.includes(d) ? 1 : t.layout.shape[next++])),
  )
}

function reduceTo(kind: Reduction, self: Tensor, { dims, keepdim }: Attributes, dtype: DType): Tensor {
  const { operand, count, kept, shown: shape } = reducing(self, dims, keepdim)
  const out = emptyTensor(self.storage.allocator, kept, dtype)
  if (out.layout.numel > 0) self.storage.allocator.run('reduce', reductions.indexOf(kind), operand, out, count)
  return shown(out, shape)
}

const sumOp: Op<Attributes & { dtype: DType }> = defineOp<Attributes & { dtype: DType }>({
  name: 'Sum',
  overload,
  forward: ([x], attrs) => [reduceTo('sum', x, attrs, attrs.dtype)],
  backward: ([g], { attrs, inputs }) => [expand(restore(g!, attrs, inputs[0].shape.length), inputs[0].shape)],
})
const sameKind = (a: DType, b: DType): boolean => isFloatingPoint(a) === isFloatingPoint(b) && isComplex(a) === isComplex(b)
/**
 * The sum of all elements, or over `dim`, as `torch.sum`. Integers and bools are summed in int64.
 *
 * @example
 * torch.tensor([[1, 2], [3, 4]]).sum().item() // 10
 * torch.tensor([[1, 2], [3, 4]]).sum(1).tolist() // [3, 7]
 * torch.tensor([[1, 2], [3, 4]]).sum({ dim: 0, keepdim: true }).tolist() // [[4, 6]]
 */
export function sum(self: Tensor, dim?: Dims | SumOptions, keepdim?: KeepOr<SumOptions>, options?: SumOptions): Tensor {
  const { dim: dims, keepdim: keep = false, dtype } = readDims('sum', castable, dim, keepdim, options)
  // A sum in bool asks whether any element is true.
  const casts = dtype !== undefined && (dtype === 'bool' || !sameKind(dtype, self.dtype))
  const x = casts ? to(self, dtype) : self
  return sumOp([x], {
    dims: reducedDims(dims, self.ndim),
    keepdim: keep,
    named: isGiven(dims),
    dtype: dtype ?? (isDifferentiable(self.dtype) ? self.dtype : 'int64'),
  })[0]
}

const meanOp: Op<Attributes> = defineOp<Attributes>({
  name: 'Mean',
  overload,
  forward: ([x], attrs) => [reduceTo('mean', x, attrs, x.dtype)],
  backward: ([g], { attrs, inputs }) => {
    const { shape } = inputs[0]
    const size = attrs.dims.reduce((n, d) => n * shape[d], 1)
    return [expand(div(restore(g!, attrs, shape.length), size), shape)]
  },
})
/**
 * The mean of all elements, or over `dim`, as `torch.mean`.
 *
 * @throws Error for integers, unless a dtype is given
 * @example
 * torch.tensor([[1, 2], [3, 4]]).mean().item() // 2.5
 * torch.tensor([[1, 2], [3, 4]]).mean(0, true).tolist() // [[2, 3]]
 */
export function mean(self: Tensor, dim?: Dims | SumOptions, keepdim?: KeepOr<SumOptions>, options?: SumOptions): Tensor {
  const { dim: dims, keepdim: keep = false, dtype } = readDims('mean', castable, dim, keepdim, options)
  const x = dtype === undefined ? self : to(self, dtype)
  if (!isDifferentiable(x.dtype))
    throw new Error(
      `mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: ${scalarName(x.dtype)}`,
    )
  return meanOp([x], { dims: reducedDims(dims, self.ndim), keepdim: keep, named: isGiven(dims) })[0]
}

const prodOp: Op<Attributes & { dtype: DType }> = defineOp<Attributes & { dtype: DType }>({
  name: 'Prod',
  overload,
  forward: ([x], attrs) => [reduceTo('prod', x, attrs, attrs.dtype)],
  save: ([x]) => [x],
  backward: ([g], { saved: [x], attrs }) => {
    // The product of all the others: that of those that are not 0, by division, times that of the other zeros. Of one zero,
    // or of two seen from one of them, the latter is a sum, which tells the second derivative what it is a product of.
    const zero = eq(x, 0)
    const zeros = sum(zero, attrs.dims, { keepdim: true })
    const others = maskedFill(x, zero, 1)
    const rest = prodOp([others], { ...attrs, keepdim: true })[0]
    const nothing = sum(maskedFill(x, ne(x, 0), 0), attrs.dims, { keepdim: true })
    const seen = where(zero, where(eq(zeros, 1), 1, where(eq(zeros, 2), sub(nothing, x), 0)), where(eq(zeros, 1), nothing, 0))
    return [mul(restore(g!, attrs, x.ndim), mul(where(eq(zeros, 0), 1, seen), div(rest, others)))]
  },
})
/**
 * The product of all elements, or over one `dim`, as `torch.prod`. Integers and bools are multiplied in int64.
 *
 * @example
 * torch.tensor([[1, 2], [3, 4]]).prod().item() // 24
 * torch.tensor([[1, 2], [3, 4]]).prod(1).tolist() // [2, 12]
 */
export function prod(self: Tensor, dim?: number | null | SumOptions, keepdim?: KeepOr<SumOptions>, options?: SumOptions): Tensor {
  const { dim: dims, keepdim: keep = false, dtype } = readDims('prod', castable, dim, keepdim, options)
  const x = dtype === undefined ? self : to(self, dtype)
  if (isComplex(x.dtype)) return prodOfComplex(x, wrapDims(dims, x.ndim), keep)
  return prodOp([x], {
    dims: reducedDims(dims, self.ndim),
    keepdim: keep,
    named: isGiven(dims),
    dtype: isFloatingPoint(x.dtype) || dtype ? x.dtype : 'int64',
  })[0]
}

/** Half by half: as many products as there are halves to multiply. */
function prodOfComplex(x: Tensor, dims: readonly number[], keepdim: boolean): Tensor {
  const { operand, count, shown: shape } = reducing(x, dims, keepdim)
  if (count > 1) return prodOfComplex(reshape(x, -1), [0], false)
  let rest = count === 0 ? x : transpose(x, dims[0], -1)
  if (count > 0 && operand.layout.shape.at(-1) === 0) return filled(x, shape, 1)
  while (count > 0 && rest.layout.shape.at(-1)! > 1) {
    const n = rest.layout.shape.at(-1)!
    const half = Math.floor(n / 2)
    const halves = mul(narrow(rest, -1, 0, half), narrow(rest, -1, half, half))
    rest = n % 2 === 0 ? halves : cat([halves, narrow(rest, -1, n - 1, 1)], -1)
  }
  return reshape(count === 0 ? rest : transpose(rest, dims[0], -1), shape)
}

function extremeOp(kind: 'max' | 'min', name: string, overload = 0, ofNan = false): Op<Attributes> {
  const op: Op<Attributes> = defineOp<Attributes>({
    name,
    overload: () => overload,
    forward: ([x], attrs) => [reduceTo(kind, x, attrs, x.dtype)],
    save: ([x], [out]) => [x, out],
    // All places that hold the extreme share the gradient.
    backward: ([g], { saved: [x, out], attrs }) => {
      const extremes = restore(out, attrs, x.ndim)
      // NaN, which is the extreme of what holds one, gives no gradient in amax and amin.
      const mask = ofNan ? logicalOr(eq(x, extremes), logicalAnd(ne(x, x), ne(extremes, extremes))) : eq(x, extremes)
      return [mul(div(restore(g!, attrs, x.ndim), sum(mask, attrs.dims, { keepdim: true })), mask)]
    },
  })
  return op
}
const amaxOp = extremeOp('max', 'Amax')
const aminOp = extremeOp('min', 'Amin')
const maxOp = extremeOp('max', 'Max', 1, true)
const minOp = extremeOp('min', 'Min', 1, true)

/** Refuses to look for the extreme of no elements; `named` tells whether the call named dimensions. */
function requireElements(self: Tensor, dims: readonly number[], named: boolean, name: string): void {
  if (self.layout.numel > 0) return
  if (!named)
    throw new Error(
      `${name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.`,
    )
  const empty = dims.find((d) => self.layout.shape[d] === 0)
  if (empty !== undefined) throw new RangeError(`${name}(): Expected reduction dim ${empty} to have non-zero size.`)
}

/**
 * The largest elements over `dim` (several allowed, all unless given), as `torch.amax`. Equal ones share the gradient.
 *
 * @throws Error for no elements
 * @example
 * torch.tensor([[1, 9], [5, 3]]).amax(1).tolist() // [9, 5]
 */
export function amax(self: Tensor, dim?: Dims | ReduceOptions, keepdim?: KeepOr<ReduceOptions>): Tensor {
  const { dim: dims, keepdim: keep = false } = readDims('amax', plain, dim, keepdim)
  const wrapped = reducedDims(dims, self.ndim)
  requireElements(self, wrapped, isGiven(dims), 'amax')
  return amaxOp([self], { dims: wrapped, keepdim: keep })[0]
}
/**
 * The smallest elements over `dim` (several allowed, all unless given), as `torch.amin`. Equal ones share the gradient.
 *
 * @throws Error for no elements
 * @example
 * torch.tensor([[1, 9], [5, 3]]).amin(1).tolist() // [1, 3]
 */
export function amin(self: Tensor, dim?: Dims | ReduceOptions, keepdim?: KeepOr<ReduceOptions>): Tensor {
  const { dim: dims, keepdim: keep = false } = readDims('amin', plain, dim, keepdim)
  const wrapped = reducedDims(dims, self.ndim)
  requireElements(self, wrapped, isGiven(dims), 'amin')
  return aminOp([self], { dims: wrapped, keepdim: keep })[0]
}

const placeOp: Op<{ dim: number; size: number; keepdim: boolean }> = defineOp<{ dim: number; size: number; keepdim: boolean }>({
  name: 'ValueSelectingReduction',
  forward: ([g, index], { dim, size, keepdim }) => {
    const full = keepdim ? g.layout : g.layout.unsqueeze(dim)
    const at = keepdim ? index.layout : index.layout.unsqueeze(dim)
    const out = filled(g, full.shape.with(dim, size), 0)
    out.storage.allocator.run(
      'scatter',
      out,
      dim,
      new Tensor(index.storage, at, index.dtype),
      new Tensor(g.storage, full, g.dtype),
      0,
    )
    return [out]
  },
  save: ([, index]) => [index],
  backward: ([g], { saved: [index], attrs }) => [pickOp([g!, index], attrs)[0], null],
})
const pickOp: Op<{ dim: number; size: number; keepdim: boolean }> = defineOp<{ dim: number; size: number; keepdim: boolean }>({
  name: 'Pick',
  forward: ([x, index], { dim, keepdim }) => {
    const at = keepdim ? index.layout : index.layout.unsqueeze(dim)
    const out = emptyTensor(x.storage.allocator, at.shape, x.dtype)
    x.storage.allocator.run('gather', x, dim, new Tensor(index.storage, at, index.dtype), out)
    return [shown(out, index.layout.shape)]
  },
  save: ([, index]) => [index],
  backward: ([g], { saved: [index], attrs }) => [placeOp([g!, index], attrs)[0], null],
})

const selectOps: Op<{ kind: 0 | 1; dim: number; keepdim: boolean }>[] = ['Max', 'Min'].map((name) =>
  defineOp<{ kind: 0 | 1; dim: number; keepdim: boolean }>({
    name,
    differentiableOutputs: 1,
    forward: ([x], { kind, dim, keepdim }) => {
      const { operand, count, kept, shown: shape } = reducing(x, x.ndim === 0 ? [] : [dim], keepdim)
      const backend = x.storage.allocator
      const values = emptyTensor(backend, kept, x.dtype)
      const indices = emptyTensor(backend, kept, 'int64')
      if (values.layout.numel > 0) backend.run('reduceIndex', kind, operand, values, indices, count)
      return [shown(values, shape), shown(indices, shape)]
    },
    save: (_, [, indices]) => [indices],
    backward: ([g], { saved: [indices], attrs, inputs }) => {
      const { shape } = inputs[0]
      if (shape.length === 0) return [g]
      return [placeOp([g!, indices], { dim: attrs.dim, size: shape[attrs.dim], keepdim: attrs.keepdim })[0]]
    },
  }),
)

export interface KeepDim {
  keepdim?: boolean
}
export interface Extreme {
  (self: Tensor): Tensor
  (self: Tensor, dim: number, keepdim?: KeepOr<KeepDim>): ValuesIndices
  (self: Tensor, dim: KeepDim & { dim: number }): ValuesIndices
}
function extreme(kind: 0 | 1, whole: typeof amaxOp, name: string): Extreme {
  return ((self: Tensor, dim?: number | (KeepDim & { dim: number }), keep?: KeepOr<KeepDim>) => {
    if (dim === undefined) {
      const all = wrapDims(null, self.ndim)
      requireElements(self, all, false, name)
      return whole([self], { dims: all, keepdim: false })[0]
    }
    const { dim: d, keepdim = false } = readDims<ReduceOptions>(name, plain, dim, keep)
    const wrapped = wrapDim(d as number, self.ndim)
    requireElements(self, self.ndim === 0 ? [] : [wrapped], true, name)
    const [values, indices] = selectOps[kind]([self], { kind, dim: wrapped, keepdim })
    return named({ values, indices })
  }) as Extreme
}
/**
 * The largest element, or with `dim` the largest ones and their indices, as `torch.max`. For two tensors use `maximum`.
 *
 * @example
 * torch.tensor([[1, 9], [5, 3]]).max().item() // 9
 * const { values, indices } = torch.tensor([[1, 9], [5, 3]]).max(1)
 * values.tolist() // [9, 5]
 * indices.tolist() // [1, 0]
 */
export const max: Extreme = extreme(0, maxOp, 'max')
/**
 * The smallest element, or with `dim` the smallest ones and their indices, as `torch.min`. For two tensors use `minimum`.
 *
 * @example
 * torch.tensor([[1, 9], [5, 3]]).min({ dim: 0 }).values.tolist() // [1, 3]
 */
export const min: Extreme = extreme(1, minOp, 'min')

function argExtreme(kind: 0 | 1, name: string) {
  return (self: Tensor, dim?: number | null | ReduceOptions, keep?: KeepOr<ReduceOptions>): Tensor => {
    const { dim: one, keepdim = false } = readDims(name, plain, dim, keep)
    if (self.dtype === 'bool') throw new Error(`"${name}_cpu" not implemented for 'Bool'`)
    const dims = wrapDims(one, self.ndim)
    if (self.layout.numel === 0 && !isGiven(one))
      throw new RangeError(`${name}(): Expected reduction dim to be specified for input.numel() == 0.`)
    requireElements(self, dims, true, name)
    const { operand, count, kept, shown: shape } = reducing(self, dims, keepdim)
    const indices = emptyTensor(self.storage.allocator, kept, 'int64')
    if (indices.layout.numel > 0) self.storage.allocator.run('reduceIndex', kind, operand, null, indices, count)
    return shown(indices, shape)
  }
}
/**
 * The index of the largest element, in the flattened tensor or along `dim`, as `torch.argmax`: int64.
 *
 * @throws Error for bools, or no elements
 * @example
 * torch.tensor([[1, 9], [5, 3]]).argmax().item() // 1
 * torch.tensor([[1, 9], [5, 3]]).argmax(1).tolist() // [1, 0]
 */
export const argmax = argExtreme(0, 'argmax')
/**
 * The index of the smallest element, in the flattened tensor or along `dim`, as `torch.argmin`: int64.
 *
 * @throws Error for bools, or no elements
 * @example
 * torch.tensor([[1, 9], [5, 3]]).argmin().item() // 0
 * torch.tensor([[1, 9], [5, 3]]).argmin(1).tolist() // [0, 1]
 */
export const argmin = argExtreme(1, 'argmin')

function truth(kind: 'any' | 'all') {
  return (self: Tensor, dim?: Dims | ReduceOptions, keep?: KeepOr<ReduceOptions>): Tensor => {
    const { dim: dims, keepdim = false } = readDims(kind, plain, dim, keep)
    const x = isComplex(self.dtype) ? ne(self, 0) : self
    return reduceTo(kind, x, { dims: reducedDims(dims, self.ndim), keepdim }, self.dtype === 'uint8' ? 'uint8' : 'bool')
  }
}
/**
 * Whether any element is nonzero, of all or over `dim`, as `torch.any`: bool, uint8 for uint8.
 *
 * @example
 * torch.tensor([[0, 1], [0, 0]]).any(1).tolist() // [true, false]
 */
export const any = truth('any')
/**
 * Whether all elements are nonzero, of all or over `dim`, as `torch.all`: bool, uint8 for uint8.
 *
 * @example
 * torch.tensor([[2, 1], [1, 0]]).all(1).tolist() // [true, false]
 */
export const all = truth('all')

export interface VarOptions extends ReduceOptions {
  /** Divide by n − correction; 1, Bessel's, unless given. */
  correction?: number
  /** `unbiased: false` is `correction: 0`. */
  unbiased?: boolean
}
/** `(dim, unbiased, keepdim)`, or `(unbiased)` over all elements; the options at the end. */
export type VarArguments = Arguments<[dim: Dims, unbiased: boolean, keepdim: boolean], VarOptions> | [unbiased: boolean]
const readVar = (name: string, args: VarArguments): VarOptions =>
  typeof args[0] === 'boolean'
    ? { unbiased: args[0] }
    : readArguments<VarOptions>(name, args, ['dim', 'unbiased', 'keepdim'], ['correction'])
interface VarAttributes extends Attributes {
  readonly correction: number
  /** Over all elements, without dimensions given. */
  readonly whole: boolean
}

const spreadOps: Op<VarAttributes & { isStd: boolean }>[] = ['Var', 'Std'].map((name) =>
  defineOp<VarAttributes & { isStd: boolean }>({
    name,
    forward: ([x], attrs) => {
      const { operand, count, kept, shown: shape } = reducing(x, attrs.dims, attrs.keepdim)
      const out = emptyTensor(x.storage.allocator, kept, x.dtype)
      if (out.layout.numel > 0) x.storage.allocator.run('variance', operand, out, null, count, attrs.correction, attrs.isStd)
      return [shown(out, shape)]
    },
    save: ([x], [out], { isStd }) => (isStd ? [x, out] : [x]),
    backward: ([g], { saved: [x, out], attrs }) => {
      const n = attrs.dims.reduce((k, d) => k * x.layout.shape[d], 1)
      const centred = sub(x, mean(x, attrs.dims, { keepdim: true }))
      const full = restore(g!, attrs, x.ndim)
      // A single number has no variance; the derivative of that is infinite, as PyTorch has it.
      if (!attrs.isStd && attrs.whole && n === attrs.correction)
        return [expand(mul(full, Number.POSITIVE_INFINITY), x.layout.shape)]
      if (!attrs.isStd) return [mul(mul(full, 2 / (n - attrs.correction)), centred)]
      const scale = maskedFill(
        div(full, mul(restore(out, attrs, x.ndim), n - attrs.correction)),
        eq(restore(out, attrs, x.ndim), 0),
        0,
      )
      return [mul(scale, centred)]
    },
  }),
)
function spread(isStd: boolean) {
  const name = isStd ? 'std' : 'var'
  return (self: Tensor, ...args: VarArguments): Tensor => {
    const { dim: dims, keepdim = false, correction, unbiased } = readVar(name, args)
    if (isComplex(self.dtype)) {
      const parts = [real(self), imag(self)].map((part) => spread(false)(part, ...args))
      const total = add(parts[0], parts[1])
      return isStd ? sqrt(total) : total
    }
    if (!isFloatingPoint(self.dtype)) throw new Error(`${name} only support floating point and complex dtypes`)
    const given = Array.isArray(dims) && dims.length === 0 ? null : dims
    return spreadOps[isStd ? 1 : 0]([self], {
      dims: wrapDims(given, self.ndim),
      whole: self.ndim === 0 || !isGiven(given),
      keepdim,
      correction: correction ?? (unbiased === false ? 0 : 1),
      isStd,
    })[0]
  }
}
/**
 * The variance Σ(x − mean)² / (n − correction) of all elements or over `dim`, as `torch.var`. The correction is 1, Bessel's,
 * unless given; `unbiased: false` makes it 0.
 *
 * @throws Error for integers
 * @example
 * torch.tensor([1, 2, 3, 6]).var() // tensor(4.6667)
 * torch.tensor([[1, 3], [2, 6]]).var({ dim: 1, unbiased: false }).tolist() // [1, 4]
 */
const variance = spread(false)

export { variance as var }
/**
 * The standard deviation, the root of the variance, of all elements or over `dim`, as `torch.std`.
 *
 * @throws Error for integers
 * @example
 * torch.tensor([[1, 3], [2, 6]]).std(1, { correction: 0 }).tolist() // [1, 2]
 */
export const std = spread(true)

const logsumexpOp: Op<Attributes> = defineOp<Attributes>({
  name: 'Logsumexp',
  forward: ([x], attrs) => [reduceTo('logsumexp', x, attrs, x.dtype)],
  save: ([x], [out]) => [x, out],
  backward: ([g], { saved: [x, out], attrs }) => [mul(restore(g!, attrs, x.ndim), exp(sub(x, restore(out, attrs, x.ndim))))],
})
/**
 * ln Σ e^x over `dim`, without overflow, as `torch.logsumexp`.
 *
 * @example
 * torch.tensor([[0, 0], [1000, 1000]]).logsumexp(1) // tensor([6.9315e-01, 1.0007e+03])
 */
export function logsumexp(self: Tensor, dim: Dims | ReduceOptions, keep?: KeepOr<ReduceOptions>): Tensor {
  const { dim: dims, keepdim = false } = readDims('logsumexp', plain, dim, keep)
  const x = isDifferentiable(self.dtype) ? self : to(self, getDefaultDtype())
  return logsumexpOp([x], { dims: reducedDims(dims, self.ndim), keepdim })[0]
}

/** A gradient summed over what broadcasting repeated, so that it has this shape. */
export function sumTo(g: Tensor, shape: Shape): Tensor {
  if (sameShape(g.layout.shape, shape)) return g
  const lead = g.ndim - shape.length
  const dims = g.layout.shape.map((_, d) => d).filter((d) => d < lead || (shape[d - lead] === 1 && g.layout.shape[d] !== 1))
  const total = dims.length === 0 ? g : sum(g, dims, { keepdim: true })
  return sameShape(total.layout.shape, shape) ? total : reshape(total, shape)
}

/**
 * How many elements are nonzero, of all or over `dim`, as `torch.count_nonzero`.
 *
 * @example
 * torch.tensor([[0, 1], [2, 3]]).countNonzero({ dim: 0 }).tolist() // [1, 2]
 */
export const countNonzero = (self: Tensor, dim?: Dims | { dim?: Dims }): Tensor =>
  sum(ne(self, 0), readArgument<Dims>('count_nonzero', 'dim', dim, null))

/**
 * The smallest and the largest element, of all or along `dim`, as `torch.aminmax`.
 *
 * @example
 * const { min, max } = torch.aminmax(torch.tensor([[1, 9], [5, 3]]), { dim: 1 })
 * min.tolist() // [1, 3]
 * max.tolist() // [9, 5]
 */
export function aminmax(self: Tensor, { dim, keepdim = false }: { dim?: number; keepdim?: boolean } = {}): Named<'min' | 'max'> {
  // PyTorch shows a number along a dimension as a line of one.
  if (self.ndim === 0 && dim !== undefined && keepdim) {
    wrapDim(dim, 0)
    return aminmax(reshape(self, 1), { dim: 0, keepdim })
  }
  return named({ min: amin(self, dim, { keepdim }), max: amax(self, dim, { keepdim }) })
}
function withMean(of: typeof std, name: string, self: Tensor, args: VarArguments): Tensor[] {
  const options = readVar(name, args)
  const { dim, keepdim } = options
  return [of(self, options), mean(self, Array.isArray(dim) && dim.length === 0 ? null : dim, { keepdim })]
}
/**
 * The variance and the mean, of all elements or over `dim`, as `torch.var_mean`.
 *
 * @throws Error for integers
 * @example
 * const [v, m] = torch.varMean(torch.tensor([1, 3]), { unbiased: false })
 * v.item() // 1
 * m.item() // 2
 */
export const varMean = (self: Tensor, ...args: VarArguments): Tensor[] => withMean(variance, 'var_mean', self, args)
/**
 * The standard deviation and the mean, of all elements or over `dim`, as `torch.std_mean`.
 *
 * @throws Error for integers
 * @example
 * const [s, m] = torch.stdMean(torch.tensor([[1, 3], [2, 6]]), 1, false)
 * s.tolist() // [1, 2]
 * m.tolist() // [2, 4]
 */
export const stdMean = (self: Tensor, ...args: VarArguments): Tensor[] => withMean(std, 'std_mean', self, args)
/**
 * The sum of all elements that are not NaN, or of those over `dim`, as `torch.nansum`.
 *
 * @example
 * torch.tensor([1, NaN, 2]).nansum().item() // 3
 */
export function nansum(self: Tensor, dim?: Dims | SumOptions, keepdim?: KeepOr<SumOptions>, options?: SumOptions): Tensor {
  if (isComplex(self.dtype)) throw new Error('nansum does not support complex inputs')
  return sum(isFloatingPoint(self.dtype) ? maskedFill(self, ne(self, self), 0) : self, dim, keepdim, options)
}
/**
 * The mean of all elements that are not NaN, or of those over `dim`, as `torch.nanmean`.
 *
 * @throws Error for integers
 * @example
 * torch.tensor([1, NaN, 2]).nanmean().item() // 1.5
 */
export function nanmean(self: Tensor, dim?: Dims | SumOptions, keepdim?: KeepOr<SumOptions>, options?: SumOptions): Tensor {
  if (!isFloatingPoint(self.dtype)) throw new Error('nanmean(): expected input to have floating point dtype')
  return div(nansum(self, dim, keepdim, options), sum(eq(self, self), dim, keepdim, options))
}
