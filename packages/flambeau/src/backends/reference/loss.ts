/** The negative log likelihood of targets, and its gradient. */

import { isFloatingPoint } from '../../core/dtype.js'
import { kernelError, type Operand } from '../backend.js'
import { elementsOf, readAll, reals, writeAll } from './elements.js'
import { readIndices } from './indexing.js'
import { coordinates, placeAt } from './places.js'

const MEAN = 1
const NONE = 0

/** The target of every position [N, *S], with its weight and the coordinates [N, C, *S] of its class; null if ignored. */
function targetsOf(classes: Operand, target: Operand, weight: Operand | null, ignoreIndex: number) {
  if (!isFloatingPoint(classes.dtype) || target.dtype !== 'int64') throw kernelError(3, 'nllLoss', 0, 0)
  const weights = weight && readAll(reals, weight)
  return readIndices(target, classes.layout.shape[1], ignoreIndex).map((t, i) =>
    t === ignoreIndex ? null : { weight: weights?.[t] ?? 1, at: coordinates(i, target.layout.shape).toSpliced(1, 0, t) },
  )
}

/** -weight[t] logp[n, t, *s] for every position: as they are (0), their weighted mean (1) or their sum (2). */
export function nllLoss(
  logp: Operand,
  target: Operand,
  weight: Operand | null,
  out: Operand,
  totalWeight: Operand,
  reduction: number,
  ignoreIndex: number,
): void {
  const targets = targetsOf(logp, target, weight, ignoreIndex)
  const from = elementsOf(logp)
  const losses = targets.map((t) => (t === null ? 0 : -t.weight * from.number(placeAt(logp.layout, t.at))))
  const total = targets.reduce((sum, t) => sum + (t?.weight ?? 0), 0)
  const loss = losses.reduce((sum, value) => sum + value, 0)
  writeAll(reals, out, reduction === NONE ? losses : [reduction === MEAN ? loss / total : loss])
  writeAll(reals, totalWeight, [total])
}

/** Zero but at the targets. */
export function nllLossBackward(
  grad: Operand,
  target: Operand,
  weight: Operand | null,
  totalWeight: Operand,
  gradX: Operand,
  reduction: number,
  ignoreIndex: number,
): void {
  const targets = targetsOf(gradX, target, weight, ignoreIndex)
  const gradients = readAll(reals, grad)
  const total = reduction === MEAN ? readAll(reals, totalWeight)[0] : 1
  writeAll(reals, gradX, new Array(gradX.layout.numel).fill(0))
  const to = elementsOf(gradX)
  targets.forEach((t, i) => {
    if (t === null) return
    const g = (reduction === NONE ? gradients[i] : gradients[0]) / total
    to.setNumber(placeAt(gradX.layout, t.at), -t.weight * g)
  })
}
