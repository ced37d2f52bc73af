/** Binomial counts, drawn as PyTorch draws them. */

import type { Storage } from '../../core/storage.js'
import type { Backend, Operand } from '../backend.js'
import { readAll, reals, writeAll } from './elements.js'
import { RandomStream } from './random.js'
import { log } from './randomMath.js'

const log1p = (x: number): number => (1 + x === 1 ? x : (log(1 + x) * x) / (1 + x - 1))

const tails = [
  0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211, 0.0138761288230707,
  0.0118967099458917, 0.010411265261972, 0.00925546218271273, 0.00833056343336287,
]
/** What Stirling's formula leaves out of log(k!). */
function stirlingTail(k: number): number {
  if (k <= 9) return tails[Math.trunc(k)]
  const square = (k + 1) * (k + 1)
  return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)
}

/** Geometric gaps between successes, added up until they exceed the count. */
function byGaps(stream: RandomStream, count: number, p: number): number {
  const logFailure = log1p(-p)
  let sum = 0
  for (let found = 0; ; found++) {
    sum += Math.ceil(log(stream.unit()) / logFailure)
    if (!(sum <= count)) return found
  }
}

/** Hörmann's transformed rejection. */
function byRejection(stream: RandomStream, count: number, p: number): number {
  const deviation = Math.sqrt(count * p * (1 - p))
  const b = 1.15 + 2.53 * deviation
  const a = -0.0873 + 0.0248 * b + 0.01 * p
  const c = count * p + 0.5
  const vr = 0.92 - 4.2 / b
  const r = p / (1 - p)
  const alpha = (2.83 + 5.1 / b) * deviation
  const m = Math.floor((count + 1) * p)
  while (true) {
    const u = stream.unit() - 0.5
    const us = 0.5 - Math.abs(u)
    const v = stream.unit()
    const k = Math.floor(((2 * a) / us + b) * u + c)
    if (!(k >= 0 && k <= count)) continue
    if (us >= 0.07 && v <= vr) return k
    const bound =
      (m + 0.5) * log((m + 1) / (r * (count - m + 1))) +
      (count + 1) * log((count - m + 1) / (count - k + 1)) +
      (k + 0.5) * log((r * (count - k + 1)) / (k + 1)) +
      stirlingTail(m) +
      stirlingTail(count - m) -
      stirlingTail(k) -
      stirlingTail(count - k)
    if (log((v * alpha) / (a / (us * us) + b)) <= bound) return k
  }
}

function binomialOne(stream: RandomStream, count: number, p: number): number {
  if (Number.isNaN(count) || Number.isNaN(p)) return Number.NaN
  if (count <= 0 || p <= 0) return 0
  if (p >= 1) return count
  // No loop would ever end.
  if (!(count < 1e300)) return Number.NaN
  const q = p <= 0.5 ? p : 1 - p
  const found = count * q >= 10 ? byRejection(stream, count, q) : byGaps(stream, count, q)
  return p <= 0.5 ? found : count - found
}

/** Successes among as many trials as `count` says, each with the probability `p`; operands of one shape. */
export function binomial(state: Storage<Backend>, count: Operand, p: Operand, out: Operand): void {
  const stream = new RandomStream(state.bytes)
  const probabilities = readAll(reals, p)
  writeAll(
    reals,
    out,
    readAll(reals, count).map((n, i) => binomialOne(stream, n, probabilities[i])),
  )
}
