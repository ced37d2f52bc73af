/** Singular values and symmetric eigenvalues, both by Jacobi's rotations in the order of rows. */

import type { Operand } from '../backend.js'
import { dot, identity, type Matrix, readMatrices, transposed, writeMatrix, writeOne } from './matrices.js'

const sweeps = 100

/** c and s of the rotation that makes [[a, g], [g, b]] diagonal. */
function rotation(a: number, b: number, g: number): [c: number, s: number] {
  const zeta = (b - a) / (2 * g)
  const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta))
  const c = 1 / Math.hypot(1, t)
  return [c, c * t]
}
function rotate(x: Float64Array, y: Float64Array, c: number, s: number): void {
  for (let i = 0; i < x.length; i++) [x[i], y[i]] = [c * x[i] - s * y[i], s * x[i] + c * y[i]]
}
/** Calls `f` for pairs of rows until a whole sweep leaves all as they are. */
function sweep(n: number, f: (p: number, q: number) => boolean): void {
  for (let round = 0; round < sweeps; round++) {
    let changed = false
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) changed = f(p, q) || changed
    if (!changed) return
  }
}

/** `n` orthonormal rows of that length, beginning with those given: unit vectors made orthogonal to all before them. */
function complete(rows: Matrix, n: number, length: number): Matrix {
  const basis = [...rows]
  while (basis.length < n) {
    const candidates = identity(length).map((v) => {
      for (let again = 0; again < 2; again++)
        for (const row of basis) {
          const along = dot(row, v)
          v.forEach((_, i) => {
            v[i] -= along * row[i]
          })
        }
      return v
    })
    const longest = candidates.reduce((best, v) => (dot(v, v) > dot(best, best) ? v : best))
    const norm = Math.sqrt(dot(longest, longest))
    basis.push(longest.map((value) => value / norm))
  }
  return basis
}

/** A = U·diag(S)·Vᵀ: the rows of Aᵀ are rotated until they are orthogonal. */
export function svd(x: Operand, u: Operand | null, s: Operand, vt: Operand | null): number {
  const [rows, columns] = x.layout.shape.slice(-2)
  let bad = 0
  readMatrices(x).forEach((m, b) => {
    if (m.some((row) => !row.every(Number.isFinite))) {
      bad ||= b + 1
      return
    }
    const wide = rows < columns
    const [long, short] = wide ? [columns, rows] : [rows, columns]
    const w = wide ? m.map((row) => row.slice()) : transposed(m, columns)
    const scale = w.reduce((most, row) => row.reduce((best, value) => Math.max(best, Math.abs(value)), most), 0) || 1
    for (const row of w) for (let i = 0; i < row.length; i++) row[i] /= scale
    const turned = identity(short)
    sweep(short, (p, q) => {
      const [a, c, g] = [dot(w[p], w[p]), dot(w[q], w[q]), dot(w[p], w[q])]
      if (!(Math.abs(g) > 1e-15 * Math.sqrt(short) * Math.sqrt(a) * Math.sqrt(c))) return false
      const turn = rotation(a, c, g)
      rotate(w[p], w[q], ...turn)
      rotate(turned[p], turned[q], ...turn)
      return true
    })
    const values = w.map((row) => Math.sqrt(dot(row, row)))
    const order = Array.from(values.keys()).sort((p, q) => values[q] - values[p])
    writeOne(
      s,
      1,
      b,
      order.map((k) => values[k] * scale),
    )
    if (u === null || vt === null) return
    // A matrix of rank r gives r directions; a singular value that is mere rounding gives none.
    const least = values[order[0]] * long * Number.EPSILON
    const found = order.filter((k) => values[k] > least).map((k) => w[k].map((value) => value / values[k]))
    const longRows = complete(found, Math.max(u.layout.shape.at(-1)!, vt.layout.shape.at(-2)!), long)
    const longBasis = longRows.slice(0, wide ? vt.layout.shape.at(-2)! : u.layout.shape.at(-1)!)
    const shortBasis = order.map((k) => turned[k])
    writeMatrix(u, b, transposed(wide ? shortBasis : longBasis, rows))
    writeMatrix(vt, b, wide ? longBasis : shortBasis)
  })
  return bad
}

/** A = V·diag(L)·Vᵀ from one triangle: rotations of rows and columns until the matrix is diagonal. */
export function eigh(x: Operand, values: Operand, vectors: Operand | null, upper: boolean): number {
  let bad = 0
  readMatrices(x).forEach((m, b) => {
    const n = m.length
    const a = m.map((row, i) => row.map((_, j) => (upper === i > j ? m[j][i] : row[j])))
    if (a.some((row) => !row.every(Number.isFinite))) {
      bad ||= b + 1
      return
    }
    const v = identity(n)
    const size = Math.sqrt(a.reduce((sum, row) => sum + dot(row, row), 0))
    sweep(n, (p, q) => {
      if (!(Math.abs(a[p][q]) > 1e-17 * size)) return false
      const [c, s] = rotation(a[p][p], a[q][q], a[p][q])
      rotate(a[p], a[q], c, s)
      for (const row of a) [row[p], row[q]] = [c * row[p] - s * row[q], s * row[p] + c * row[q]]
      rotate(v[p], v[q], c, s)
      return true
    })
    const order = Array.from(a.keys()).sort((p, q) => a[p][p] - a[q][q])
    writeOne(
      values,
      1,
      b,
      order.map((k) => a[k][k]),
    )
    if (vectors !== null)
      writeMatrix(
        vectors,
        b,
        transposed(
          order.map((k) => v[k]),
          n,
        ),
      )
  })
  return bad
}
