/**
 * Calls on complex operands as calls on the floats they consist of: the kernels know real numbers only. Every call of a
 * backend with a complex operand comes here, and what is not written here throws.
 */

import { pairsLayout, partLayout } from '../core/complex.js'
import { type ComputeClass, type DType, isComplex, itemSize, realDType } from '../core/dtype.js'
import { Layout } from '../core/layout.js'
import { Storage } from '../core/storage.js'
import { neg, variable } from '../ir/expr.js'
import { Program } from '../ir/program.js'
import { type Backend, type Kernels, type Operand, reductions, scans } from './backend.js'
import { type Plan, planPointwise } from './plan.js'

/** The real (0) or imaginary (1) parts of an operand. */
const partOf = ({ storage, layout, dtype }: Operand, part: 0 | 1): Operand => ({
  storage,
  layout: partLayout(layout, part),
  dtype: realDType(dtype),
})

/** The floats of an operand, with a last dimension of 2; a 0-d one gets a dimension first. */
const pairsOf = ({ storage, layout, dtype }: Operand): Operand => ({
  storage,
  layout: pairsLayout(layout.dim === 0 ? layout.unsqueeze(0) : layout),
  dtype: realDType(dtype),
})

/** An index into complex elements as one into their floats: both parts have the same. */
function pairIndex(index: Operand): Operand {
  const { shape, strides, offset } = index.layout.dim === 0 ? index.layout.unsqueeze(0) : index.layout
  return { storage: index.storage, dtype: index.dtype, layout: new Layout([...shape, 2], [...strides, 0], offset) }
}

/** The floats of an operand with the parts in a first dimension. */
function partsFirst({ storage, layout, dtype }: Operand): Operand {
  const { shape, strides, offset } = pairsLayout(layout)
  const parts = new Layout([2, ...shape.slice(0, -1)], [1, ...strides.slice(0, -1)], offset)
  return { storage, layout: parts, dtype: realDType(dtype) }
}

const negate = new Program([neg(variable('x'))], ['x'], [])
function negated(backend: Backend, x: Operand): Operand {
  const bytes = x.layout.numel * itemSize(x.dtype)
  const layout = Layout.contiguous(x.layout.shape)
  const out = { storage: new Storage(backend, backend.allocate(bytes), bytes), layout, dtype: x.dtype }
  const compute: ComputeClass = x.dtype === 'float64' ? 1 : 0
  if (bytes > 0) backend.pointwise(negate, compute, [out, x], planPointwise(layout.shape, [layout, x.layout]), [])
  return out
}

/** The kernels that complex numbers have; an entry that does not take a call's options answers with undefined. */
const kernels: { [K in keyof Kernels]?: (backend: Backend, ...args: Kernels[K]) => number | undefined } = {
  gather: (backend, x, dim, index, out) => backend.run('gather', pairsOf(x), dim, pairIndex(index), pairsOf(out)),
  scatter: (backend, self, dim, index, src, mode) =>
    mode > 1 ? undefined : backend.run('scatter', pairsOf(self), dim, pairIndex(index), pairsOf(src), mode),
  indexSelect: (backend, x, dim, index, out) => backend.run('indexSelect', pairsOf(x), dim, index, pairsOf(out)),
  indexAdd: (backend, self, dim, index, src, alpha) => backend.run('indexAdd', pairsOf(self), dim, index, pairsOf(src), alpha),
  reduce: (backend, kind, x, out, dims) =>
    isComplex(out.dtype) && ['sum', 'mean'].includes(reductions[kind])
      ? backend.run('reduce', kind, partsFirst(x), partsFirst(out), dims)
      : undefined,
  cumulative: (backend, kind, x, values, indices, dim) =>
    scans[kind] === 'sum' ? backend.run('cumulative', kind, pairsOf(x), pairsOf(values), indices, dim) : undefined,
  // Uniform and normal; both parts of a normal number have half of its variance.
  random: (backend, kind, state, out, a, b) =>
    kind > 1 ? undefined : backend.run('random', kind, state, pairsOf(out), a, kind === 1 ? b / Math.SQRT2 : b),
  remap: (backend, x, out, spatial, places) => {
    for (const part of [0, 1] as const) backend.run('remap', partOf(x, part), partOf(out, part), spatial, places)
    return 0
  },
  remapAdd: (backend, grad, gradX, spatial, places) => {
    for (const part of [0, 1] as const) backend.run('remapAdd', partOf(grad, part), partOf(gradX, part), spatial, places)
    return 0
  },
  matmul: (backend, a, b, out, accumulate) => {
    const [re, im] = [partOf(out, 0), partOf(out, 1)]
    const [ar, ai, br, bi] = [partOf(a, 0), partOf(a, 1), partOf(b, 0), partOf(b, 1)]
    const minus = negated(backend, ai)
    backend.run('matmul', ar, br, re, accumulate)
    backend.run('matmul', minus, bi, re, true)
    backend.run('matmul', ar, bi, im, accumulate)
    backend.run('matmul', ai, br, im, true)
    minus.storage.release()
    return 0
  },
}

/** Runs a structured kernel of which some operand is complex. @throws Error for those that complex numbers do not have. */
export function runOnParts<K extends keyof Kernels>(backend: Backend, kernel: K, args: Kernels[K]): number {
  const operands = (args as readonly unknown[]).filter(isOperand)
  // Indices are never complex: an index or a mixture that came here would be read as what it is not.
  const allowed = operands.every(({ dtype }) => isComplex(dtype) || dtype === 'int64' || dtype === 'int32')
  const answer = allowed ? kernels[kernel]?.(backend, ...args) : undefined
  if (answer === undefined) {
    const name = kernel === 'reduce' ? reductions[args[0] as number] : kernel
    throw notOfComplex(name, operands.find(({ dtype }) => isComplex(dtype))!.dtype)
  }
  return answer
}

const isOperand = (arg: unknown): arg is Operand => typeof arg === 'object' && arg !== null && 'layout' in arg

/** What an op says that complex numbers do not have. */
export const notOfComplex = (name: string, dtype: DType): Error => new Error(`not implemented: ${name} of ${dtype}`)

/** Runs a program that computes in complex numbers, over the parts of its complex operands. */
export function pointwiseOnParts(
  backend: Backend,
  program: Program,
  compute: 4 | 5,
  operands: readonly Operand[],
  { sizes, strides }: Plan,
  scalars: readonly number[],
): void {
  let complex = 0
  const parts: Operand[] = []
  const steps: (readonly number[])[] = []
  operands.forEach((operand, i) => {
    const own = strides === null ? [1] : strides[i]
    if (isComplex(operand.dtype)) {
      complex |= 1 << i
      const twice = own.map((step) => 2 * step)
      parts.push(partOf(operand, 0), partOf(operand, 1))
      steps.push(twice, twice)
    } else {
      parts.push(operand)
      steps.push(own)
    }
  })
  backend.pointwise(program.overParts(complex), compute === 4 ? 0 : 1, parts, { sizes, strides: steps }, scalars)
}
