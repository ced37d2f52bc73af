/** What ops ask of a backend. Small on purpose: memory, one pointwise kernel that runs programs, and the structured kernels. */

import type { DType, WideClass } from '../core/dtype.js'
import type { Layout } from '../core/layout.js'
import type { Allocator, Memory, Storage } from '../core/storage.js'
import type { Program } from '../ir/program.js'
import type { Plan } from './plan.js'

/** A tensor as kernels see it: contiguity is a fast path, never a precondition. */
export interface Operand {
  readonly storage: Storage<Backend>
  readonly layout: Layout
  readonly dtype: DType
}

type Sizes = readonly number[]

/** Kinds of `reduce`, in the order of the kernels' codes. */
export const reductions = ['sum', 'mean', 'prod', 'max', 'min', 'any', 'all', 'logsumexp', 'sumOfSquares'] as const
export type Reduction = (typeof reductions)[number]

/** Modes of `recurrent`, in the order of the kernels' codes. */
export const recurrentModes = ['tanh', 'relu', 'lstm', 'gru'] as const
export type RecurrentMode = (typeof recurrentModes)[number]

/** Kinds of `cumulative`, in the order of the kernels' codes. */
export const scans = ['sum', 'prod', 'max', 'min', 'logsumexp'] as const
export type Scan = (typeof scans)[number]

/** Kinds of `fft`, in the order of the kernels' codes. */
export const transforms = ['forward', 'backward', 'toComplex', 'toReal'] as const
export type Transform = (typeof transforms)[number]

/** Modes and paddings of `gridSample`, in the order of the kernels' codes. */
export const sampleModes = ['bilinear', 'nearest', 'bicubic'] as const
export const samplePaddings = ['zeros', 'border', 'reflection'] as const

/**
 * The structured kernels and their arguments, the same list on every backend. Outputs are allocated by the caller with
 * the right shape; every check of shapes and dtypes is the caller's, checks of data (indices, targets) are the kernel's.
 * Reducing kernels work on the last `r` dimensions of their operand.
 */
export interface Kernels {
  reduce: [kind: number, x: Operand, out: Operand, r: number]
  reduceIndex: [kind: 0 | 1, x: Operand, values: Operand | null, indices: Operand, r: number]
  variance: [x: Operand, out: Operand, mean: Operand | null, r: number, correction: number, isStd: boolean]
  softmax: [x: Operand, out: Operand, dim: number, log: boolean]
  softmaxBackward: [grad: Operand, out: Operand, gradX: Operand, dim: number, log: boolean]
  matmul: [a: Operand, b: Operand, out: Operand, accumulate: boolean]
  conv: [
    x: Operand,
    w: Operand,
    bias: Operand | null,
    out: Operand,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: number,
  ]
  convGradInput: [grad: Operand, w: Operand, gradX: Operand, stride: Sizes, padding: Sizes, dilation: Sizes, groups: number]
  convGradWeight: [x: Operand, grad: Operand, gradW: Operand, stride: Sizes, padding: Sizes, dilation: Sizes, groups: number]
  maxPool: [x: Operand, values: Operand, indices: Operand, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes]
  maxPoolBackward: [grad: Operand, indices: Operand, gradX: Operand, spatial: number]
  maxPoolGather: [x: Operand, indices: Operand, out: Operand, spatial: number]
  avgPool: [x: Operand, out: Operand, kernel: Sizes, stride: Sizes, padding: Sizes, countIncludePad: boolean, divisor: number]
  avgPoolBackward: [
    grad: Operand,
    gradX: Operand,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    countIncludePad: boolean,
    divisor: number,
  ]
  /** `bounds`: int64 [1 or planes, 2 · Σ sizes], start and end of every window along each axis in turn. */
  windowPool: [x: Operand, values: Operand, indices: Operand, spatial: number, bounds: Operand]
  /** `places`: where each index of the last dimensions lies in x, one dimension after the other, int64. */
  remap: [x: Operand, out: Operand, spatial: number, places: Operand]
  remapAdd: [grad: Operand, gradX: Operand, spatial: number, places: Operand]
  /** Tables are float64 [size, 2 + width]: start, count and weights of the sum that each index is. */
  resample: [x: Operand, out: Operand, rows: Operand | null, columns: Operand | null]
  /** All row-major; mode and padding are indices into `sampleModes` and `samplePaddings`. */
  gridSample: [x: Operand, grid: Operand, out: Operand, mode: number, padding: number, alignCorners: boolean, orders: Sizes]
  gridSampleAdd: [
    grad: Operand,
    grid: Operand,
    gradX: Operand,
    mode: number,
    padding: number,
    alignCorners: boolean,
    orders: Sizes,
  ]
  gridSampleSlope: [
    x: Operand,
    grid: Operand,
    grad: Operand,
    gradGrid: Operand,
    mode: number,
    padding: number,
    alignCorners: boolean,
    orders: Sizes,
  ]
  nllLoss: [
    logp: Operand,
    target: Operand,
    weight: Operand | null,
    out: Operand,
    totalWeight: Operand,
    reduction: number,
    ignoreIndex: number,
  ]
  nllLossBackward: [
    grad: Operand,
    target: Operand,
    weight: Operand | null,
    totalWeight: Operand,
    gradX: Operand,
    reduction: number,
    ignoreIndex: number,
  ]
  ctcLoss: [
    logp: Operand,
    targets: Operand,
    lengths: Operand,
    targetLengths: Operand,
    starts: Operand,
    alpha: Operand,
    loss: Operand,
    blank: number,
  ]
  ctcLossBackward: [
    grad: Operand,
    logp: Operand,
    targets: Operand,
    lengths: Operand,
    targetLengths: Operand,
    starts: Operand,
    loss: Operand,
    alpha: Operand,
    gradX: Operand,
    blank: number,
    zeroInfinity: boolean,
  ]
  batchNorm: [
    x: Operand,
    weight: Operand | null,
    bias: Operand | null,
    runningMean: Operand | null,
    runningVar: Operand | null,
    out: Operand,
    mean: Operand,
    invstd: Operand,
    training: boolean,
    momentum: number,
    eps: number,
  ]
  batchNormBackward: [
    grad: Operand,
    x: Operand,
    weight: Operand | null,
    mean: Operand,
    invstd: Operand,
    gradX: Operand | null,
    gradWeight: Operand | null,
    gradBias: Operand | null,
    training: boolean,
  ]
  layerNorm: [
    x: Operand,
    weight: Operand | null,
    bias: Operand | null,
    mean: Operand | null,
    rstd: Operand,
    out: Operand,
    groups: number,
    span: number,
    eps: number,
  ]
  layerNormBackward: [
    grad: Operand,
    x: Operand,
    weight: Operand | null,
    mean: Operand | null,
    rstd: Operand,
    gradX: Operand | null,
    gradWeight: Operand | null,
    gradBias: Operand | null,
    groups: number,
    span: number,
  ]
  recurrent: [
    mode: number,
    gates: Operand,
    wHidden: Operand,
    bias: Operand | null,
    wProjection: Operand | null,
    state: Operand,
    cell: Operand | null,
    out: Operand,
    before: Operand | null,
    cellBefore: Operand | null,
    extra: Operand | null,
    sizes: Operand | null,
    steps: number,
    reverse: boolean,
  ]
  recurrentBackward: [
    mode: number,
    gates: Operand,
    wHidden: Operand,
    wProjection: Operand | null,
    gradOut: Operand | null,
    grad: Operand,
    gradCell: Operand | null,
    before: Operand | null,
    cellBefore: Operand | null,
    extra: Operand | null,
    gradGates: Operand,
    gradHidden: Operand | null,
    gradProjected: Operand | null,
    sizes: Operand | null,
    steps: number,
    reverse: boolean,
  ]
  gather: [x: Operand, dim: number, index: Operand, out: Operand]
  scatter: [self: Operand, dim: number, index: Operand, src: Operand, mode: number]
  indexSelect: [x: Operand, dim: number, index: Operand, out: Operand]
  indexAdd: [self: Operand, dim: number, index: Operand, src: Operand, alpha: number]
  indexCopy: [self: Operand, dim: number, index: Operand, src: Operand]
  arange: [out: Operand, start: number, step: number]
  nonzero: [x: Operand, out: Operand | null]
  crc32: [x: Operand, before: number]
  cumulative: [kind: number, x: Operand, values: Operand, indices: Operand | null, dim: number]
  sort: [x: Operand, values: Operand | null, indices: Operand, dim: number, descending: boolean]
  topk: [x: Operand, values: Operand | null, indices: Operand, dim: number, k: number, largest: boolean, sorted: boolean]
  searchsorted: [sorted: Operand, values: Operand, out: Operand, right: boolean]
  bincount: [x: Operand, weights: Operand | null, out: Operand]
  seedGenerator: [state: Storage<Backend>, low: number, high: number]
  random: [kind: number, state: Storage<Backend>, out: Operand, a: number, b: number]
  randint: [state: Storage<Backend>, out: Operand, fromLow: number, fromHigh: number, rangeLow: number, rangeHigh: number]
  randperm: [state: Storage<Backend>, out: Operand]
  bernoulliTensor: [state: Storage<Backend>, p: Operand, out: Operand]
  binomial: [state: Storage<Backend>, count: Operand, probability: Operand, out: Operand]
  poisson: [state: Storage<Backend>, rates: Operand, out: Operand]
  multinomial: [state: Storage<Backend>, weights: Operand, out: Operand, replacement: boolean]
  // Factorizations rewrite `a`, whose rows the caller made adjacent; batch dimensions come first everywhere.
  lu: [a: Operand, pivots: Operand, info: Operand]
  pivotsToPermutation: [pivots: Operand, out: Operand]
  cholesky: [a: Operand, info: Operand]
  qr: [a: Operand, tau: Operand]
  applyReflectors: [a: Operand, tau: Operand, c: Operand, transpose: boolean]
  solveTriangular: [a: Operand, b: Operand, upper: boolean, unit: boolean]
  svd: [x: Operand, u: Operand | null, s: Operand, vt: Operand | null]
  eigh: [x: Operand, values: Operand, vectors: Operand | null, upper: boolean]
  /** Complex operands are given as their floats, with a last dimension of 2. `kind` is an index into `transforms`. */
  fft: [x: Operand, out: Operand, dim: number, n: number, kind: number, scale: number]
}

export interface Backend extends Allocator {
  /** Which engine serves: `native`, `wasm` or `reference`. */
  readonly name: string
  readonly device: string
  /** A small number of its own, for what programs keep per backend. */
  readonly slot: number
  allocate(bytes: number): Memory
  free(memory: Memory): void
  /** Whether nothing else lies in the memory's buffer, so that the buffer can be sent to another thread. */
  ownsBuffer(memory: Memory): boolean
  /** Memory over a buffer that another thread sent, or a copy of it where this engine's memory is elsewhere. */
  adopt(buffer: ArrayBuffer, byteOffset: number, bytes: number): Memory
  /** Bytes of a buffer that the user keeps as memory, or null where the kernels reach none but their own. */
  share(buffer: ArrayBuffer, byteOffset: number, bytes: number): Memory | null
  /** Runs a program over operands (outputs first, then inputs) laid out by the plan. */
  pointwise(program: Program, compute: WideClass, operands: readonly Operand[], plan: Plan, scalars: readonly number[]): void
  /** Runs a structured kernel; answers with the number it reports, if any. */
  run<K extends keyof Kernels>(kernel: K, ...args: Kernels[K]): number
  /** Live and pooled bytes as far as this engine can tell, and the most that were live. */
  memory(): MemoryUse
  /** What serves, in one line: engine, instruction set, threads. */
  describe(): string
  /** The number of threads, set where the count is positive; -1 lets the calling thread compute alone. */
  threads(count?: number): number
}

export interface MemoryUse {
  /** Bytes held by tensors, or not yet reclaimed by the garbage collector. */
  live: number
  /** Bytes kept for reuse. */
  pooled: number
  /** The most that `live` was seen to be. */
  peak: number
}

/** What a failed kernel says; the caller adds the op's name. Codes are the Status of kernel.hpp. */
export function kernelError(status: number, kernel: string, detail: number, size: number): Error {
  if (status === 1) return new RangeError(`index ${detail} is out of bounds for dimension with size ${size}`)
  if (status === 2) return new Error(`${kernel}: not enough memory for a temporary`)
  if (status === 4) return new Error('ZeroDivisionError')
  return new Error(`${kernel}: not implemented for these dtypes or options`)
}
