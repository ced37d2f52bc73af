/** Running reductions along a dimension. */

import { isFloatingPoint } from '../../core/dtype.js'
import { kernelError, type Operand, scans } from '../backend.js'
import { type Arithmetic, compute, elementsOf } from './elements.js'
import { linesOf } from './lines.js'

/** log(e^a + e^b) without overflow. */
function logAddExp(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.NaN
  const [high, low] = a > b ? [a, b] : [b, a]
  return Math.abs(high) === Number.POSITIVE_INFINITY && high === low ? high : high + Math.log1p(Math.exp(low - high))
}

/** values[i] is the reduction of x[0] … x[i]; for max and min, indices[i] is where the extreme was last met. */
export function cumulative(kind: number, x: Operand, values: Operand, indices: Operand | null, dim: number): void {
  const name = scans[kind]
  if (name === 'logsumexp' && !isFloatingPoint(values.dtype)) throw kernelError(3, 'cumulative', 0, 0)
  const [from, to, toIndices] = [elementsOf(x), elementsOf(values), indices && elementsOf(indices)]
  const [fromLines, toLines] = [linesOf(x.layout, dim), linesOf(values.layout, dim)]
  const indexLines = indices && linesOf(indices.layout, dim)
  compute([x, values], <T extends number | bigint>(arithmetic: Arithmetic<T>) => {
    const takes = (old: T, value: T): boolean =>
      Number.isNaN(value) || (!Number.isNaN(old) && (name === 'max' ? value >= old : value <= old))
    fromLines.forEach((line, l) => {
      let old = arithmetic.zero
      let last = 0
      line.forEach((place, i) => {
        const value = arithmetic.get(from, place)
        if (i === 0) old = value
        else if (name === 'sum') old = arithmetic.add(old, value)
        else if (name === 'prod') old = arithmetic.mul(old, value)
        else if (name === 'logsumexp') old = arithmetic.of(logAddExp(Number(old), Number(value)))
        else if (takes(old, value)) [old, last] = [value, i]
        arithmetic.set(to, toLines[l][i], old)
        toIndices?.setNumber(indexLines![l][i], last)
      })
    })
  })
}
