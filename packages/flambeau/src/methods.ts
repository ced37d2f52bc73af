/** Functions become methods: every op whose first parameter is a tensor, by type mapping, with no second list. */

import * as engine from './autograd/engine.js'
import * as leaf from './autograd/leaf.js'
import type { Arguments } from './core/arguments.js'
import type { Complex } from './core/complex.js'
import { itemSize } from './core/dtype.js'
import type { ValuesIndices } from './core/results.js'
import { Tensor } from './core/tensor.js'
import * as activation from './ops/activation.js'
import * as aliases from './ops/aliases.js'
import * as arithmetic from './ops/arithmetic.js'
import { at, setAt } from './ops/at.js'
import * as binaryParts from './ops/binaryParts.js'
import * as cast from './ops/cast.js'
import * as comparison from './ops/comparison.js'
import * as complexes from './ops/complex.js'
import {
  emptyLike,
  fullLike,
  item,
  itemBigInt,
  newEmpty,
  newEmptyStrided,
  newFull,
  newOnes,
  newTensor,
  newZeros,
  onesLike,
  tolist,
  toTypedArray,
  zerosLike,
} from './ops/creation.js'
import * as diagonals from './ops/diagonal.js'
import { diff } from './ops/differences.js'
import * as elementary from './ops/elementary.js'
import { i0, igamma, igammac, polygammaOf } from './ops/gamma.js'
import { histogram } from './ops/histogram.js'
import { argwhere, gather, indexAdd, indexSelect, nonzero, scatter, scatterAdd } from './ops/indexing.js'
import { indexCopy, indexFill, indexPut, maskedScatter, put, take } from './ops/indexPut.js'
import * as inplaceViews from './ops/inplaceViews.js'
import * as integers from './ops/integers.js'
import { dsplit, hsplit, tensorSplit, vsplit } from './ops/joining.js'
import * as matrices from './ops/linalg/torch.js'
import { addbmm, addmm, addmv, addr, baddbmm, bmm, dot, inner, matmul, mm, mv, outer } from './ops/matmul.js'
import { dist, norm, renorm } from './ops/norm.js'
import { cross, kron, vdot } from './ops/products.js'
import * as quantiles from './ops/quantile.js'
import * as queries from './ops/queries.js'
import {
  bernoulli,
  bernoulli_,
  cauchy_,
  exponential_,
  geometric_,
  logNormal_,
  multinomial,
  normal_,
  random_,
  uniform_,
} from './ops/random.js'
import * as rearrange from './ops/rearrange.js'
import * as reduce from './ops/reduce.js'
import * as scans from './ops/scan.js'
import { indexReduce, scatterReduce } from './ops/scatterReduce.js'
import { bincount, bucketize, histc } from './ops/search.js'
import * as softmax from './ops/softmax.js'
import * as sorting from './ops/sort.js'
import * as special from './ops/special.js'
import * as split from './ops/split.js'
import { corrcoef, cov } from './ops/statistics.js'
import { istft, stft } from './ops/stft.js'
import * as strided from './ops/strided.js'
import type { ConsecutiveOptions, UniqueOptions, UniqueResult } from './ops/unique.js'
import { unique, uniqueConsecutive } from './ops/unique.js'
import * as view from './ops/view.js'
import { unfold } from './ops/windows.js'
import { inspectSymbol, showTensor } from './show.js'

const { sizesOf: _sizesOf, inferShape: _inferShape, makeView: _makeView, embed: _embed, aliasOf: _aliasOf, ...views } = view
const { readDims: _readDims, sumTo: _sumTo, ...reductions } = reduce
const {
  complex: _complex,
  polar: _polar,
  viewAsComplex: _viewAsComplex,
  real: _real,
  imag: _imag,
  viewAsReal: _viewAsReal,
  ...complexNumbers
} = complexes
const { gelu: _gelu, silu: _silu, leakyRelu: _leakyRelu, ...activations } = activation

const { trilIndices: _trilIndices, triuIndices: _triuIndices, ...diagonal } = diagonals

const { luUnpack: _luUnpack, pcaLowrank: _pcaLowrank, svdLowrank: _svdLowrank, ...matrixMethods } = matrices

const functions = {
  ...activations,
  ...aliases,
  ...arithmetic,
  ...binaryParts,
  ...cast,
  ...comparison,
  ...diagonal,
  ...elementary,
  ...rearrange,
  ...{ unfold },
  ...{ dsplit, hsplit, tensorSplit, vsplit },
  ...reductions,
  ...softmax,
  ...special,
  ...split,
  ...strided,
  ...{ istft, stft },
  ...views,
  ...{ addbmm, addmm, addmv, addr, baddbmm, inner, bmm, dot, matmul, mm, mv, outer },
  ...{ indexReduce, scatterReduce },
  ...{ at, setAt, indexCopy, indexFill, indexPut, maskedScatter, put, take },
  ...{ argwhere, gather, indexAdd, indexSelect, nonzero, scatter, scatterAdd },
  ...{ bernoulli, bernoulli_, cauchy_, exponential_, geometric_, logNormal_, multinomial, normal_, random_, uniform_ },
  ...{ bincount, bucketize, diff, histc, histogram, unique, uniqueConsecutive },
  ...{ corrcoef, cov, cross, dist, kron, norm, renorm, vdot },
  ...{ i0, igamma, igammac, polygamma: polygammaOf },
  ...inplaceViews,
  ...integers,
  ...complexNumbers,
  ...matrixMethods,
  ...queries,
  ...{ nelement: queries.numel, ndimension: (self: Tensor): number => self.ndim },
  ...quantiles,
  ...scans,
  ...sorting,
  ...{ emptyLike, fullLike, item, itemBigInt, onesLike, tolist, toTypedArray, zerosLike },
  ...{ newEmpty, newEmptyStrided, newFull, newOnes, newTensor, newZeros },
  ...{ backward: engine.backward },
  ...leaf,
}
/** Functions of several signatures or of any type, which inference would lose: their methods are spelled out. */
type Overloaded = 'item' | 'where' | 'max' | 'min' | 'median' | 'nanmedian' | 'unique' | 'uniqueConsecutive'
type Functions = Omit<typeof functions, Overloaded>

type Tail<P> = P extends readonly [unknown, ...infer Rest] ? Rest : never
/** A function of a tensor without its first parameter. */
type Method<F> = F extends (...args: infer P) => infer R ? (...args: Tail<P>) => R : never

/** `max`, `min` and the medians as methods. */
interface ExtremeMethod {
  (): Tensor
  (dim: number, keepdim?: boolean | reduce.KeepDim): ValuesIndices
  (dim: reduce.KeepDim & { dim: number }): ValuesIndices
}

/** `unique` and `uniqueConsecutive` as methods. */
interface UniqueMethod<O extends ConsecutiveOptions, P extends readonly unknown[]> {
  (options?: O & { returnInverse?: false; returnCounts?: false }): Tensor
  (options: O): UniqueResult
  (...args: Arguments<P, O>): UniqueResult
}

type Methods<T> = { [K in keyof T]: Method<T[K]> }
type InPlaceMethods<T> = {
  [K in keyof T as T[K] extends { readonly inPlace: unknown } ? `${K & string}_` : never]: T[K] extends {
    readonly inPlace: infer F
  }
    ? Method<F>
    : never
}

declare module './core/tensor.js' {
  interface Tensor extends Methods<Functions>, InPlaceMethods<Functions> {
    /** The largest element, or with `dim` the largest ones and their indices, as `torch.Tensor.max`. */
    max: ExtremeMethod
    /** The smallest element, or with `dim` the smallest ones and their indices, as `torch.Tensor.min`. */
    min: ExtremeMethod
    /** The lower median, or with `dim` the medians and their indices, as `torch.Tensor.median`. */
    median: ExtremeMethod
    /** `median` without regard to NaN, as `torch.Tensor.nanmedian`. */
    nanmedian: ExtremeMethod
    /** The different elements in ascending order, as `torch.Tensor.unique`. */
    unique: UniqueMethod<UniqueOptions, [sorted: boolean, returnInverse: boolean, returnCounts: boolean, dim: number | null]>
    /** The elements without those that equal the one before them, as `torch.Tensor.unique_consecutive`. */
    uniqueConsecutive: UniqueMethod<ConsecutiveOptions, [returnInverse: boolean, returnCounts: boolean, dim: number | null]>
    /** The value of the only element, a number unless told otherwise, as `torch.Tensor.item`. */
    item<T extends number | boolean | Complex = number>(): T
    /** `self` where the condition holds, `other` elsewhere, as `torch.Tensor.where`. */
    where(condition: Tensor, other: Tensor | number): Tensor
    /** The sizes, or one of them. */
    size(): readonly number[]
    size(dim: number): number
    /** The number of dimensions. */
    dim(): number
    /** Steps in elements, or one of them. */
    stride(): readonly number[]
    stride(dim: number): number
    storageOffset(): number
    elementSize(): number
    isContiguous(): boolean
    /** This tensor on the CPU; a promise, because leaving an accelerator is asynchronous. */
    cpu(): Promise<Tensor>
    /** Gives this tensor's memory back at once; using it afterwards is an error. Never required. */
    dispose(): void
    /** As PyTorch prints it. */
    toString(): string
    /** Rows: slices along the first dimension. */
    [Symbol.iterator](): Iterator<Tensor>
    /** The matrix transposed. */
    readonly T: Tensor
    /** The last two dimensions transposed. */
    readonly mT: Tensor
    /** A view of the real part; a real tensor itself. What is assigned is copied there. */
    real: Tensor
    /** A view of the imaginary part; an error for a real tensor. What is assigned is copied there. */
    imag: Tensor
    /** The matrix transposed and conjugated. */
    readonly H: Tensor
    /** The last two dimensions transposed, and all conjugated. */
    readonly mH: Tensor
    /** The same elements outside the graph, sharing memory. */
    readonly data: Tensor
  }
}

type AnyFunction = (self: Tensor, ...args: unknown[]) => unknown

/** Adds functions of a tensor to its prototype under their names. */
function install(table: Record<string, unknown>): void {
  for (const [name, fn] of Object.entries(table)) {
    if (typeof fn !== 'function') continue
    define(name, fn as AnyFunction)
    const { inPlace } = fn as { inPlace?: AnyFunction }
    if (inPlace !== undefined) define(`${name}_`, inPlace)
  }
}
function define(name: string, fn: AnyFunction): void {
  Object.defineProperty(Tensor.prototype, name, {
    value: function (this: Tensor, ...args: unknown[]) {
      return fn(this, ...args)
    },
    writable: true,
    configurable: true,
  })
}

function property(name: string, get: (self: Tensor) => unknown, set?: (self: Tensor, value: never) => void): void {
  Object.defineProperty(Tensor.prototype, name, {
    get(this: Tensor) {
      return get(this)
    },
    set:
      set &&
      function (this: Tensor, value: never) {
        set(this, value)
      },
    configurable: true,
  })
}

let installed = false
/** Gives Tensor its methods; called once, by the package's entry. */
export function installMethods(): void {
  if (installed) return
  installed = true
  install(functions)
  install({
    where: (self: Tensor, condition: Tensor, other: Tensor | number) => comparison.where(condition, self, other),
    size: (self: Tensor, dim?: number) => (dim === undefined ? self.layout.shape : self.layout.shape.at(dim)),
    dim: (self: Tensor) => self.layout.shape.length,
    stride: (self: Tensor, dim?: number) => (dim === undefined ? self.layout.strides : self.layout.strides.at(dim)),
    storageOffset: (self: Tensor) => self.layout.offset,
    elementSize: (self: Tensor) => itemSize(self.dtype),
    isContiguous: (self: Tensor) => self.layout.isContiguous,
    cpu: async (self: Tensor) => self,
    dispose: (self: Tensor) => self.storage.release(),
    toString: showTensor,
  })
  Object.defineProperty(Tensor.prototype, inspectSymbol, {
    value(this: Tensor) {
      return this.toString()
    },
  })
  Object.defineProperty(Tensor.prototype, Symbol.iterator, {
    value(this: Tensor) {
      if (this.ndim === 0) throw new TypeError('iteration over a 0-d tensor')
      return split.unbind(this)[Symbol.iterator]()
    },
  })
  property('T', (self) =>
    view.permute(
      self,
      self.layout.shape.map((_, d) => self.ndim - 1 - d),
    ),
  )
  property('mT', (self) => (self.ndim === 0 ? self : view.transpose(self, -2, -1)))
  property('H', (self) => {
    if (self.ndim !== 2 && self.ndim !== 0)
      throw new Error(
        `tensor.H is only supported on matrices (2-D tensors). Got ${self.ndim}-D tensor.${
          self.ndim > 2 ? ' For batches of matrices, consider using tensor.mH' : ''
        }`,
      )
    return complexes.adjoint(self)
  })
  property('mH', (self) => {
    if (self.ndim === 1) throw new Error('tensor.mH is only supported on matrices or batches of matrices. Got 1-D tensor.')
    return complexes.adjoint(self)
  })
  property('real', complexes.real, (self, value) => void cast.copy_(complexes.real(self), value))
  property('imag', complexes.imag, (self, value) => void cast.copy_(complexes.imag(self), value))
  property('data', view.detach)
}
