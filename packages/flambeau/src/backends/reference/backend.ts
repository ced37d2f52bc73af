/** The reference engine: every kernel in plain TypeScript, as its definition reads. The other engines are tested against it. */

import { isComplex, type WideClass } from '../../core/dtype.js'
import { type Memory, SharedMemory } from '../../core/storage.js'
import type { Program } from '../../ir/program.js'
import type { Backend, Kernels, MemoryUse, Operand } from '../backend.js'
import { notOfComplex, pointwiseOnParts, runOnParts } from '../complex.js'
import type { Plan } from '../plan.js'
import { binomial } from './binomial.js'
import { crc32 } from './checksum.js'
import { conv, convGradInput, convGradWeight } from './conv.js'
import { ctcLoss, ctcLossBackward } from './ctc.js'
import { bernoulliTensor, fillRandom, multinomial, poisson, randint, randperm, seedGenerator } from './draw.js'
import { fft } from './fft.js'
import { gridSample, gridSampleAdd, gridSampleSlope } from './gridSample.js'
import { arange, gather, indexAdd, indexCopy, indexSelect, nonzero, scatter } from './indexing.js'
import { applyReflectors, cholesky, lu, pivotsToPermutation, qr, solveTriangular } from './linalg.js'
import { nllLoss, nllLossBackward } from './loss.js'
import { matmul } from './matmul.js'
import { BufferMemory } from './memory.js'
import { batchNorm, batchNormBackward, layerNorm, layerNormBackward } from './norm.js'
import { pointwise } from './pointwise.js'
import { avgPool, avgPoolBackward, maxPool, maxPoolBackward, maxPoolGather } from './pool.js'
import { recurrent, recurrentBackward } from './recurrent.js'
import { reduce, reduceIndex, softmax, softmaxBackward, variance } from './reduce.js'
import { remap, remapAdd, resample } from './remap.js'
import { cumulative } from './scan.js'
import { bincount, searchsorted, sort, topk } from './sort.js'
import { eigh, svd } from './spectral.js'
import { windowPool } from './windowPool.js'

// biome-ignore lint/suspicious/noConfusingVoidType: most kernels answer nothing
type KernelTable = { readonly [K in keyof Kernels]: (...args: Kernels[K]) => number | void }

const kernels: KernelTable = {
  reduce,
  reduceIndex,
  variance,
  softmax,
  softmaxBackward,
  matmul,
  conv,
  convGradInput,
  convGradWeight,
  maxPool,
  maxPoolBackward,
  maxPoolGather,
  avgPool,
  avgPoolBackward,
  windowPool,
  remap,
  remapAdd,
  resample,
  gridSample,
  gridSampleAdd,
  gridSampleSlope,
  nllLoss,
  nllLossBackward,
  ctcLoss,
  ctcLossBackward,
  batchNorm,
  batchNormBackward,
  layerNorm,
  layerNormBackward,
  recurrent,
  recurrentBackward,
  gather,
  scatter,
  indexSelect,
  indexAdd,
  indexCopy,
  arange,
  nonzero,
  crc32,
  cumulative,
  sort,
  topk,
  searchsorted,
  bincount,
  seedGenerator,
  random: fillRandom,
  randint,
  randperm,
  bernoulliTensor,
  binomial,
  poisson,
  multinomial,
  lu,
  pivotsToPermutation,
  cholesky,
  qr,
  applyReflectors,
  solveTriangular,
  svd,
  eigh,
  fft,
} satisfies KernelTable

const isComplexOperand = (arg: unknown): boolean =>
  typeof arg === 'object' && arg !== null && 'dtype' in arg && isComplex((arg as Operand).dtype)

export class ReferenceBackend implements Backend {
  readonly name = 'reference'
  readonly device = 'cpu'
  readonly slot: number
  readonly #memory = new BufferMemory()

  constructor(slot: number) {
    this.slot = slot
  }

  allocate(bytes: number): Memory {
    return this.#memory.allocate(bytes)
  }

  free(memory: Memory): void {
    this.#memory.free(memory)
  }

  ownsBuffer(): boolean {
    return true
  }

  adopt(buffer: ArrayBuffer, byteOffset: number, bytes: number): Memory {
    return { address: 0, buffer, byteOffset, capacity: bytes }
  }

  share(buffer: ArrayBuffer, byteOffset: number, bytes: number): Memory {
    return new SharedMemory(0, buffer, byteOffset, bytes)
  }

  run<K extends keyof Kernels>(kernel: K, ...args: Kernels[K]): number {
    if ((args as readonly unknown[]).some(isComplexOperand)) return runOnParts(this, kernel, args)
    return kernels[kernel](...args) ?? 0
  }

  pointwise(program: Program, compute: WideClass, operands: readonly Operand[], plan: Plan, scalars: readonly number[]): void {
    if (compute === 4 || compute === 5) {
      pointwiseOnParts(this, program, compute, operands, plan, scalars)
      return
    }
    const complex = operands.find(isComplexOperand)
    if (complex !== undefined) throw notOfComplex('an operation of real numbers', complex.dtype)
    pointwise(program, compute, operands, plan, scalars)
  }

  memory(): MemoryUse {
    return this.#memory.use()
  }

  describe(): string {
    return 'reference (TypeScript, 1 thread)'
  }

  threads(): number {
    return 1
  }
}
