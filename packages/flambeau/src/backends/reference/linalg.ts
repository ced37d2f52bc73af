/** Factorizations of matrices and triangular systems. */

import { kernelError, type Operand } from '../backend.js'
import { readMatrices, readVectors, writeMatrix, writeOne } from './matrices.js'

/** PA = LU with row pivoting; pivots count from 1. */
export function lu(a: Operand, pivots: Operand, info: Operand): void {
  readMatrices(a).forEach((m, b) => {
    const k = Math.min(m.length, a.layout.shape.at(-1)!)
    const exchanged: number[] = []
    for (let j = 0; j < k; j++) {
      let best = j
      for (let i = j + 1; i < m.length; i++) if (Math.abs(m[i][j]) > Math.abs(m[best][j])) best = i
      exchanged.push(best + 1)
      if (m[best][j] === 0) continue
      ;[m[j], m[best]] = [m[best], m[j]]
      for (let i = j + 1; i < m.length; i++) {
        m[i][j] /= m[j][j]
        for (let c = j + 1; c < m[i].length; c++) m[i][c] -= m[i][j] * m[j][c]
      }
    }
    writeMatrix(a, b, m)
    writeOne(pivots, 1, b, exchanged)
    writeOne(info, 0, b, [m.slice(0, k).findIndex((row, i) => row[i] === 0) + 1])
  })
}

/** Exchanges of rows, in order, as the rows that end up in each place. */
export function pivotsToPermutation(pivots: Operand, out: Operand): void {
  const n = out.layout.shape.at(-1)!
  readVectors(pivots).forEach((exchanged, b) => {
    const rows = Array.from({ length: n }, (_, i) => i)
    exchanged.forEach((pivot, i) => {
      if (pivot < 1 || pivot > n || i >= n) throw kernelError(1, 'pivotsToPermutation', pivot - 1, n)
      ;[rows[i], rows[pivot - 1]] = [rows[pivot - 1], rows[i]]
    })
    writeOne(out, 1, b, rows)
  })
}

/** A = LLᵀ from the lower triangle. */
export function cholesky(a: Operand, info: Operand): void {
  readMatrices(a).forEach((m, b) => {
    const n = m.length
    let found = 0
    for (let j = 0; j < n && found === 0; j++)
      for (let i = j; i < n; i++) {
        for (let p = 0; p < j; p++) m[i][j] -= m[i][p] * m[j][p]
        if (i === j && m[j][j] <= 0) {
          found = j + 1
          break
        }
        m[i][j] = i === j ? Math.sqrt(m[j][j]) : m[i][j] / m[j][j]
      }
    for (let i = 0; i < n; i++) m[i].fill(0, i + 1)
    writeMatrix(a, b, m)
    writeOne(info, 0, b, [found])
  })
}

/** Householder reflectors I − tau·v·vᵀ below the diagonal, R above it. */
export function qr(a: Operand, tau: Operand): void {
  readMatrices(a).forEach((m, b) => {
    const columns = a.layout.shape.at(-1)!
    const factors: number[] = []
    for (let j = 0; j < Math.min(m.length, columns); j++) {
      const below = m.slice(j + 1)
      const scale = below.reduce((most, row) => Math.max(most, Math.abs(row[j])), Math.abs(m[j][j]))
      const rest = below.some((row) => row[j] !== 0)
      const norm = scale * Math.sqrt([m[j], ...below].reduce((sum, row) => sum + (row[j] / scale) ** 2, 0))
      const alpha = m[j][j]
      const beta = alpha > 0 || Object.is(alpha, 0) ? -norm : norm
      factors.push(rest ? (beta - alpha) / beta : 0)
      if (!rest) continue
      for (const row of below) row[j] /= alpha - beta
      m[j][j] = beta
      for (let c = j + 1; c < columns; c++) {
        const w = factors[j] * below.reduce((sum, row) => sum + row[j] * row[c], m[j][c])
        m[j][c] -= w
        for (const row of below) row[c] -= row[j] * w
      }
    }
    writeMatrix(a, b, m)
    writeOne(tau, 1, b, factors)
  })
}

/** C = QC or QᵀC, reflector by reflector. */
export function applyReflectors(a: Operand, tau: Operand, c: Operand, transpose: boolean): void {
  const [vectors, factors] = [readMatrices(a), readVectors(tau)]
  readMatrices(c).forEach((m, b) => {
    const order = Array.from(factors[b].keys())
    for (const j of transpose ? order : order.reverse()) {
      const v = m.map((_, i) => (i < j ? 0 : i === j ? 1 : vectors[b][i][j]))
      for (let column = 0; column < c.layout.shape.at(-1)!; column++) {
        const w = factors[b][j] * m.reduce((sum, row, i) => sum + v[i] * row[column], 0)
        m.forEach((row, i) => {
          row[column] -= v[i] * w
        })
      }
    }
    writeMatrix(c, b, m)
  })
}

/** Substitution, row by row. */
export function solveTriangular(a: Operand, b: Operand, upper: boolean, unit: boolean): void {
  const triangles = readMatrices(a)
  readMatrices(b).forEach((x, batch) => {
    const t = triangles[batch]
    const order = Array.from(x.keys())
    for (const i of upper ? order.reverse() : order)
      for (let c = 0; c < x[i].length; c++) {
        for (let j = upper ? i + 1 : 0; j < (upper ? x.length : i); j++) x[i][c] -= t[i][j] * x[j][c]
        if (!unit) x[i][c] /= t[i][i]
      }
    writeMatrix(b, batch, x)
  })
}
