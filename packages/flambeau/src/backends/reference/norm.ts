/** Normalisations and their gradients, as their formulas read. */

import type { Operand } from '../backend.js'
import { readAll, reals, writeAll } from './elements.js'

type Optional = Operand | null
const readOptional = (operand: Optional): number[] | null => operand && readAll(reals, operand)
const total = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0)

/** Where the elements of each channel of [N, C, S] lie. */
function channelsOf({ layout: { shape } }: Operand): number[][] {
  const [n, c, s] = shape
  return Array.from({ length: c }, (_, k) => Array.from({ length: n * s }, (_, i) => (Math.floor(i / s) * c + k) * s + (i % s)))
}

export function batchNorm(
  x: Operand,
  weight: Optional,
  bias: Optional,
  runningMean: Optional,
  runningVar: Optional,
  out: Operand,
  mean: Operand,
  invstd: Operand,
  training: boolean,
  momentum: number,
  eps: number,
): void {
  const [from, w, b] = [readAll(reals, x), readOptional(weight), readOptional(bias)]
  const [oldMean, oldVar] = [readOptional(runningMean), readOptional(runningVar)]
  const to = new Array<number>(from.length)
  const means: number[] = []
  const scales: number[] = []
  channelsOf(x).forEach((places, k) => {
    let [center, variance] = [oldMean?.[k] ?? 0, oldVar?.[k] ?? 0]
    if (training) {
      center = total(places.map((i) => from[i])) / places.length
      const squares = total(places.map((i) => (from[i] - center) ** 2))
      variance = squares / places.length
      if (oldMean !== null) oldMean[k] = (1 - momentum) * oldMean[k] + momentum * center
      if (oldVar !== null) oldVar[k] = (1 - momentum) * oldVar[k] + momentum * (squares / (places.length - 1))
    }
    means.push(center)
    scales.push(training && variance === 0 && eps === 0 ? 0 : 1 / Math.sqrt(variance + eps))
    for (const i of places) to[i] = (from[i] - center) * scales[k] * (w?.[k] ?? 1) + (b?.[k] ?? 0)
  })
  writeAll(reals, out, to)
  writeAll(reals, mean, means)
  writeAll(reals, invstd, scales)
  if (training && runningMean !== null) writeAll(reals, runningMean, oldMean!)
  if (training && runningVar !== null) writeAll(reals, runningVar, oldVar!)
}

export function batchNormBackward(
  grad: Operand,
  x: Operand,
  weight: Optional,
  mean: Operand,
  invstd: Operand,
  gradX: Optional,
  gradWeight: Optional,
  gradBias: Optional,
  training: boolean,
): void {
  const [g, from, means, scales] = [grad, x, mean, invstd].map((t) => readAll(reals, t))
  const w = readOptional(weight)
  const to = new Array<number>(from.length)
  const toWeight: number[] = []
  const toBias: number[] = []
  channelsOf(x).forEach((places, k) => {
    const normal = (i: number): number => (from[i] - means[k]) * scales[k]
    const sum = total(places.map((i) => g[i]))
    const dot = total(places.map((i) => g[i] * normal(i)))
    const n = places.length
    for (const i of places) to[i] = (training ? g[i] - sum / n - (normal(i) * dot) / n : g[i]) * scales[k] * (w?.[k] ?? 1)
    toWeight.push(dot)
    toBias.push(sum)
  })
  if (gradX !== null) writeAll(reals, gradX, to)
  if (gradWeight !== null) writeAll(reals, gradWeight, toWeight)
  if (gradBias !== null) writeAll(reals, gradBias, toBias)
}

export function layerNorm(
  x: Operand,
  weight: Optional,
  bias: Optional,
  mean: Optional,
  rstd: Operand,
  out: Operand,
  groups: number,
  span: number,
  eps: number,
): void {
  const [from, w, b] = [readAll(reals, x), readOptional(weight), readOptional(bias)]
  const [rows, n] = x.layout.shape
  const means: number[] = []
  const scales: number[] = []
  const to: number[] = []
  for (let r = 0; r < rows; r++) {
    const row = from.slice(r * n, (r + 1) * n)
    const center = mean === null ? 0 : total(row) / n
    means.push(center)
    scales.push(1 / Math.sqrt(total(row.map((v) => (v - center) ** 2)) / n + eps))
    row.forEach((v, j) => {
      const k = (r % groups) * (n / span) + Math.floor(j / span)
      to.push((v - center) * scales[r] * (w?.[k] ?? 1) + (b?.[k] ?? 0))
    })
  }
  writeAll(reals, out, to)
  writeAll(reals, rstd, scales)
  if (mean !== null) writeAll(reals, mean, means)
}

export function layerNormBackward(
  grad: Operand,
  x: Operand,
  weight: Optional,
  mean: Optional,
  rstd: Operand,
  gradX: Optional,
  gradWeight: Optional,
  gradBias: Optional,
  groups: number,
  span: number,
): void {
  const [g, from, scales] = [grad, x, rstd].map((t) => readAll(reals, t))
  const [w, means] = [readOptional(weight), readOptional(mean)]
  const [rows, n] = x.layout.shape
  const to: number[] = []
  const toWeight = new Array<number>((groups * n) / span).fill(0)
  const toBias = [...toWeight]
  for (let r = 0; r < rows; r++) {
    const place = (j: number): number => (r % groups) * (n / span) + Math.floor(j / span)
    const row = from.slice(r * n, (r + 1) * n).map((v) => (v - (means?.[r] ?? 0)) * scales[r])
    const flowing = row.map((_, j) => g[r * n + j] * (w?.[place(j)] ?? 1))
    const sum = means === null ? 0 : total(flowing)
    const dot = total(row.map((v, j) => v * flowing[j]))
    row.forEach((v, j) => {
      to.push((flowing[j] - sum / n - (v * dot) / n) * scales[r])
      toWeight[place(j)] += g[r * n + j] * v
      toBias[place(j)] += g[r * n + j]
    })
  }
  if (gradX !== null) writeAll(reals, gradX, to)
  if (gradWeight !== null) writeAll(reals, gradWeight, toWeight)
  if (gradBias !== null) writeAll(reals, gradBias, toBias)
}
