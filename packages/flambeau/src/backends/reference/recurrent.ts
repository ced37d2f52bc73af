/** Recurrent layers over time, row by row and unit by unit. */

import { type Operand, recurrentModes } from '../backend.js'
import { integers, readAll, reals, writeAll } from './elements.js'

type Optional = Operand | null
type Matrix = number[][]

/** Rows of a matrix, read once and written back at the end. */
function rowsOf(operand: Operand): Matrix {
  const [rows, columns] = operand.layout.shape
  const values = readAll(reals, operand)
  return Array.from({ length: rows }, (_, i) => values.slice(i * columns, (i + 1) * columns))
}
const optionalRows = (operand: Optional): Matrix | null => operand && rowsOf(operand)
const writeRows = (operand: Optional, rows: Matrix | null): void => {
  if (operand !== null) writeAll(reals, operand, rows!.flat())
}

/** W · x */
const apply = (w: Matrix, x: readonly number[]): number[] => w.map((row) => row.reduce((sum, v, i) => sum + v * x[i], 0))
/** x · W */
const applyTransposed = (w: Matrix, x: readonly number[]): number[] =>
  (w[0] ?? []).map((_, j) => w.reduce((sum, row, i) => sum + row[j] * x[i], 0))
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
/** The four or three gates of unit j. */
const gatesAt = (row: readonly number[], j: number, units: number): number[] =>
  Array.from({ length: row.length / units }, (_, k) => row[k * units + j])

/** First row and number of rows of each step, in the order of computation. */
function stepsOf(sizes: Optional, count: number, batch: number, reverse: boolean): [at: number, rows: number][] {
  const given = sizes && readAll(integers, sizes).map(Number)
  let at = 0
  const steps = Array.from({ length: count }, (_, t): [number, number] => {
    const rows = given?.[t] ?? batch
    at += rows
    return [at - rows, rows]
  })
  return reverse ? steps.reverse() : steps
}

export function recurrent(
  mode: number,
  gates: Operand,
  wHidden: Operand,
  bias: Optional,
  wProjection: Optional,
  state: Operand,
  cell: Optional,
  out: Operand,
  before: Optional,
  cellBefore: Optional,
  extra: Optional,
  sizes: Optional,
  count: number,
  reverse: boolean,
): void {
  const kind = recurrentModes[mode]
  const [g, w, h, o] = [gates, wHidden, state, out].map(rowsOf)
  const [c, wp, b] = [optionalRows(cell), optionalRows(wProjection), bias && readAll(reals, bias)]
  const [oldH, oldC, more] = [before, cellBefore, extra].map(optionalRows)
  const units = w.length / (kind === 'lstm' ? 4 : kind === 'gru' ? 3 : 1)
  for (const [at, rows] of stepsOf(sizes, count, h.length, reverse))
    for (let i = 0; i < rows; i++) {
      const row = g[at + i]
      const hidden = apply(w, h[i]).map((v, k) => v + (b?.[k] ?? 0))
      if (oldH !== null) oldH[at + i] = [...h[i]]
      if (oldC !== null) oldC[at + i] = [...c![i]]
      const raw: number[] = []
      for (let j = 0; j < units; j++) {
        const own = gatesAt(row, j, units)
        const from = gatesAt(hidden, j, units)
        if (kind === 'gru') {
          const [r, z] = [sigmoid(own[0] + from[0]), sigmoid(own[1] + from[1])]
          const n = Math.tanh(own[2] + r * from[2])
          raw.push((h[i][j] - n) * z + n)
          if (more !== null) more[at + i][j] = from[2]
          for (const [k, v] of [r, z, n].entries()) row[k * units + j] = v
        } else if (kind === 'lstm') {
          const [iGate, f, gGate, oGate] = own.map((v, k) => (k === 2 ? Math.tanh : sigmoid)(v + from[k]))
          c![i][j] = f * c![i][j] + iGate * gGate
          raw.push(oGate * Math.tanh(c![i][j]))
          for (const [k, v] of [iGate, f, gGate, oGate].entries()) row[k * units + j] = v
        } else {
          const x = own[0] + from[0]
          row[j] = kind === 'tanh' ? Math.tanh(x) : x < 0 ? 0 : x
          raw.push(row[j])
        }
      }
      if (wp !== null) more![at + i] = raw
      h[i] = wp === null ? raw : apply(wp, raw)
      o[at + i] = h[i]
    }
  writeRows(gates, g)
  writeRows(state, h)
  writeRows(cell, c)
  writeRows(out, o)
  writeRows(before, oldH)
  writeRows(cellBefore, oldC)
  writeRows(extra, more)
}

export function recurrentBackward(
  mode: number,
  gates: Operand,
  wHidden: Operand,
  wProjection: Optional,
  gradOut: Optional,
  grad: Operand,
  gradCell: Optional,
  before: Optional,
  cellBefore: Optional,
  extra: Optional,
  gradGates: Operand,
  gradHidden: Optional,
  gradProjected: Optional,
  sizes: Optional,
  count: number,
  reverse: boolean,
): void {
  const kind = recurrentModes[mode]
  const [g, w, dh, dg] = [gates, wHidden, grad, gradGates].map(rowsOf)
  const [wp, dOut, dc, oldH, oldC, more] = [wProjection, gradOut, gradCell, before, cellBefore, extra].map(optionalRows)
  const [dHidden, dProjected] = [gradHidden, gradProjected].map(optionalRows)
  const units = w.length / (kind === 'lstm' ? 4 : kind === 'gru' ? 3 : 1)
  for (const [at, rows] of stepsOf(sizes, count, dh.length, reverse).reverse())
    for (let i = 0; i < rows; i++) {
      const row = at + i
      const flowing = dh[i].map((v, j) => v + (dOut?.[row][j] ?? 0))
      if (dProjected !== null) dProjected[row] = flowing
      const raw = wp === null ? flowing : applyTransposed(wp, flowing)
      const direct: number[] = []
      for (let j = 0; j < units; j++) {
        const set = (to: Matrix, values: readonly number[]): void => {
          for (const [k, v] of values.entries()) to[row][k * units + j] = v
        }
        const own = gatesAt(g[row], j, units)
        if (kind === 'gru') {
          const [r, z, n] = own
          const dn = raw[j] * (1 - z) * (1 - n * n)
          const dr = dn * more![row][j] * r * (1 - r)
          const dz = raw[j] * (oldH![row][j] - n) * z * (1 - z)
          set(dg, [dr, dz, dn])
          set(dHidden!, [dr, dz, dn * r])
          direct.push(raw[j] * z)
        } else if (kind === 'lstm') {
          const [iGate, f, gGate, oGate] = own
          const c = oldC![row][j]
          const tanhC = Math.tanh(f * c + iGate * gGate)
          const d = dc![i][j] + raw[j] * oGate * (1 - tanhC * tanhC)
          set(dg, [
            d * gGate * iGate * (1 - iGate),
            d * c * f * (1 - f),
            d * iGate * (1 - gGate * gGate),
            raw[j] * tanhC * oGate * (1 - oGate),
          ])
          dc![i][j] = d * f
        } else set(dg, [kind === 'tanh' ? raw[j] * (1 - own[0] * own[0]) : own[0] <= 0 ? 0 : raw[j]])
      }
      dh[i] = applyTransposed(w, (kind === 'gru' ? dHidden! : dg)[row]).map((v, j) => v + (direct[j] ?? 0))
    }
  writeRows(grad, dh)
  writeRows(gradCell, dc)
  writeRows(gradGates, dg)
  writeRows(gradHidden, dHidden)
  writeRows(gradProjected, dProjected)
}
