/** Connectionist temporal classification: forward and backward over all alignments, in logarithms. */

import { isFloatingPoint } from '../../core/dtype.js'
import { kernelError, type Operand } from '../backend.js'
import { elementsOf, integers, readAll, reals, writeAll } from './elements.js'
import { placeAt } from './places.js'

const NEVER = Number.NEGATIVE_INFINITY

/** ln(e^a + e^b + e^c). */
function logSum(a: number, b: number, c: number): number {
  const top = Math.max(a, b, c)
  return top === NEVER ? NEVER : top + Math.log(Math.exp(a - top) + Math.exp(b - top) + Math.exp(c - top))
}

/** The sequences of a batch: how long each is, and its labels with blanks between, before and after. */
function sequences(logp: Operand, targets: Operand, lengths: Operand, targetLengths: Operand, starts: Operand, blank: number) {
  if (!isFloatingPoint(logp.dtype) || targets.dtype !== 'int64') throw kernelError(3, 'ctcLoss', 0, 0)
  const labels = readAll(integers, targets).map(Number)
  const [inputs, sizes, from] = [lengths, targetLengths, starts].map((t) => readAll(integers, t).map(Number))
  return inputs.map((length, n) => {
    const own = labels.slice(from[n], from[n] + sizes[n])
    for (const label of own)
      if (label < 0 || label >= logp.layout.shape[2]) throw kernelError(1, 'ctcLoss', label, logp.layout.shape[2])
    return { length, states: [blank, ...own.flatMap((label) => [label, blank])] }
  })
}
/** Whether a path may come from two states before: past a blank between different labels. */
const skips = (states: readonly number[], s: number, step: number): boolean =>
  states[s + 2 * step] !== undefined && s % 2 === 1 && states[s] !== states[s + 2 * step]

/** −ln of the probability of each target, and alpha [N, T, S]: ln of the probability of all paths up to a step and state. */
export function ctcLoss(
  logp: Operand,
  targets: Operand,
  lengths: Operand,
  targetLengths: Operand,
  starts: Operand,
  alpha: Operand,
  loss: Operand,
  blank: number,
): void {
  const from = elementsOf(logp)
  const [, steps, width] = alpha.layout.shape
  const table = new Array<number>(alpha.layout.numel).fill(NEVER)
  const losses = sequences(logp, targets, lengths, targetLengths, starts, blank).map(({ length, states }, n) => {
    const at = (t: number, s: number): number => (s < 0 ? NEVER : table[(n * steps + t) * width + s])
    for (let t = 0; t < length; t++)
      states.forEach((state, s) => {
        const before =
          t === 0 ? (s < 2 ? 0 : NEVER) : logSum(at(t - 1, s), at(t - 1, s - 1), skips(states, s, -1) ? at(t - 1, s - 2) : NEVER)
        table[(n * steps + t) * width + s] = before + from.number(placeAt(logp.layout, [t, n, state]))
      })
    if (length === 0) return states.length === 1 ? 0 : Number.POSITIVE_INFINITY
    const last = states.length - 1
    return -logSum(at(length - 1, last), at(length - 1, last - 1), NEVER)
  })
  writeAll(reals, alpha, table)
  writeAll(reals, loss, losses)
}

/** e^logp − Σ over the states of a class of e^(alpha + beta + loss − logp), times the incoming gradient; 0 after the end. */
export function ctcLossBackward(
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
): void {
  const from = elementsOf(logp)
  const [steps, batch, classes] = logp.layout.shape
  const width = alpha.layout.shape[2]
  const [gradients, losses, table] = [grad, loss, alpha].map((t) => readAll(reals, t))
  const result = new Array<number>(steps * batch * classes).fill(0)
  sequences(logp, targets, lengths, targetLengths, starts, blank).forEach(({ length, states }, n) => {
    if (zeroInfinity && losses[n] === Number.POSITIVE_INFINITY) return
    let later: number[] = []
    const at = (s: number): number => later[s] ?? NEVER
    for (let t = length - 1; t >= 0; t--) {
      const value = (state: number): number => from.number(placeAt(logp.layout, [t, n, state]))
      const beta = states.map((state, s) => {
        const after =
          t === length - 1
            ? s >= states.length - 2
              ? 0
              : NEVER
            : logSum(at(s), at(s + 1), skips(states, s, 1) ? at(s + 2) : NEVER)
        return after + value(state)
      })
      const paths = new Array<number>(classes).fill(NEVER)
      states.forEach((state, s) => {
        paths[state] = logSum(paths[state], table[(n * steps + t) * width + s] + beta[s], NEVER)
      })
      for (let c = 0; c < classes; c++)
        result[(t * batch + n) * classes + c] = (Math.exp(value(c)) - Math.exp(paths[c] + losses[n] - value(c))) * gradients[n]
      later = beta
    }
  })
  writeAll(reals, gradX, result)
}
