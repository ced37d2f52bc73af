/** Reductions over the last dimensions, and softmax along one. */

import { isFloatingPoint } from '../../core/dtype.js'
import { numelOf } from '../../core/layout.js'
import { kernelError, type Operand, type Reduction, reductions } from '../backend.js'
import { type Arithmetic, compute, type Elements, elementsOf, larger, smaller } from './elements.js'
import { places } from './places.js'

/** Calls `f` for every result with the places of the elements it is made of, in row-major order. */
function eachGroup(x: Operand, r: number, f: (group: Float64Array, result: number) => void): void {
  const { shape } = x.layout
  const kept = numelOf(shape.slice(0, shape.length - r))
  const size = numelOf(shape.slice(shape.length - r))
  const from = places(x.layout)
  for (let i = 0; i < kept; i++) f(from.subarray(i * size, (i + 1) * size), i)
}

type Values<T> = readonly T[]
/** What each kind makes of a group's values. */
const folds = {
  sum: (a, values) => values.reduce(a.add, a.zero),
  // The quotient is real: mean and logsumexp are for floating dtypes only.
  mean: (a, values) => a.of(Number(values.reduce(a.add, a.zero)) / values.length),
  prod: (a, values) => values.reduce(a.mul, a.one),
  max: (a, values) => values.reduce(larger, a.lowest),
  min: (a, values) => values.reduce(smaller, a.highest),
  any: (a, values) => (values.some((value) => value !== a.zero) ? a.one : a.zero),
  all: (a, values) => (values.every((value) => value !== a.zero) ? a.one : a.zero),
  logsumexp: (a, values) => a.of(logSumExp(values.map(Number))),
  sumOfSquares: (a, values) => values.reduce((sum, value) => a.add(sum, a.mul(value, value)), a.zero),
} satisfies Record<Reduction, <T extends number | bigint>(arithmetic: Arithmetic<T>, values: Values<T>) => T>

/** log Σ e^x, shifted by the largest x so that nothing overflows. */
function logSumExp(values: readonly number[]): number {
  const largest = values.reduce(larger, Number.NEGATIVE_INFINITY)
  const shift = Number.isFinite(largest) ? largest : 0
  return shift + Math.log(values.reduce((sum, x) => sum + Math.exp(x - shift), 0))
}

export function reduce(kind: number, x: Operand, out: Operand, r: number): void {
  const name = reductions[kind]
  if ((name === 'mean' || name === 'logsumexp') && !isFloatingPoint(out.dtype)) throw kernelError(3, 'reduce', 0, 0)
  const typed = name === 'any' || name === 'all' ? [x] : [x, out]
  const from = elementsOf(x)
  const to = elementsOf(out)
  const at = places(out.layout)
  compute(typed, (arithmetic) =>
    eachGroup(x, r, (group, i) => {
      const values = Array.from(group, (place) => arithmetic.get(from, place))
      arithmetic.set(to, at[i], folds[name](arithmetic, values))
    }),
  )
}

/** The extreme of each group and its row-major index in it: the first of equals, the first NaN before any number. */
export function reduceIndex(kind: 0 | 1, x: Operand, values: Operand | null, indices: Operand, r: number): void {
  const from = elementsOf(x)
  const toValues = values && elementsOf(values)
  const toIndices = elementsOf(indices)
  const valuesAt = values && places(values.layout)
  const indicesAt = places(indices.layout)
  compute([x], (arithmetic) =>
    eachGroup(x, r, (group, i) => {
      if (group.length === 0) throw kernelError(3, 'reduceIndex', 0, 0)
      let best = arithmetic.get(from, group[0])
      let index = 0
      for (let k = 1; k < group.length; k++) {
        const value = arithmetic.get(from, group[k])
        const wins = (kind === 0 ? value > best : value < best) || (Number.isNaN(value) && !Number.isNaN(best))
        if (wins) [best, index] = [value, k]
      }
      if (toValues !== null) arithmetic.set(toValues, valuesAt![i], best)
      toIndices.setNumber(indicesAt[i], index)
    }),
  )
}

/** Σ (x - mean)² / max(0, n - correction), or its square root. */
export function variance(x: Operand, out: Operand, mean: Operand | null, r: number, correction: number, isStd: boolean): void {
  const from = elementsOf(x)
  const to = elementsOf(out)
  const at = places(out.layout)
  const toMean = mean && elementsOf(mean)
  const meanAt = mean && places(mean.layout)
  eachGroup(x, r, (group, i) => {
    const values = Array.from(group, (place) => from.number(place))
    const average = values.reduce((sum, v) => sum + v, 0) / values.length
    const squares = values.reduce((sum, v) => sum + (v - average) ** 2, 0)
    const result = squares / Math.max(0, values.length - correction)
    to.setNumber(at[i], isStd ? Math.sqrt(result) : result)
    toMean?.setNumber(meanAt![i], average)
  })
}

/** An operand with dimension `dim` last, so that each group of one dimension is a line along it. */
function linesAlong(x: Operand, dim: number): Operand {
  const n = x.layout.dim
  if (n === 0) return x
  const order = [...Array(n).keys()].filter((d) => d !== dim)
  return { storage: x.storage, dtype: x.dtype, layout: x.layout.permute([...order, dim]) }
}

/** Calls `f` with the lines along `dim` of several operands of one shape. */
function eachLine(operands: readonly Operand[], dim: number, f: (lines: Float64Array[]) => void): void {
  const all = operands.map((operand) => places(linesAlong(operand, dim).layout))
  const { shape } = operands[0].layout
  const size = shape.length === 0 ? 1 : shape[dim]
  for (let i = 0; i < all[0].length; i += size) f(all.map((at) => at.subarray(i, i + size)))
}

const read = (elements: Elements, line: Float64Array): number[] => Array.from(line, (place) => elements.number(place))
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** e^x / Σ e^x along `dim`, or its logarithm. */
export function softmax(x: Operand, out: Operand, dim: number, log: boolean): void {
  const [from, to] = [elementsOf(x), elementsOf(out)]
  eachLine([x, out], dim, ([xs, outs]) => {
    const values = read(from, xs)
    const largest = values.reduce(larger, Number.NEGATIVE_INFINITY)
    const total = sum(values.map((value) => Math.exp(value - largest)))
    values.forEach((value, i) => {
      to.setNumber(outs[i], log ? value - largest - Math.log(total) : Math.exp(value - largest) / total)
    })
  })
}

/** y (g - Σ g y), or g - e^y Σ g for the logarithm, where y is softmax's result. */
export function softmaxBackward(grad: Operand, out: Operand, gradX: Operand, dim: number, log: boolean): void {
  const [fromGrad, fromOut, to] = [elementsOf(grad), elementsOf(out), elementsOf(gradX)]
  eachLine([grad, out, gradX], dim, ([gs, ys, xs]) => {
    const g = read(fromGrad, gs)
    const y = read(fromOut, ys)
    const total = sum(log ? g : g.map((value, i) => value * y[i]))
    g.forEach((value, i) => {
      to.setNumber(xs[i], log ? value - Math.exp(y[i]) * total : y[i] * (value - total))
    })
  })
}
