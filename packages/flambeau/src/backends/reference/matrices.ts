/** Matrices of a batch as arrays of rows, computed in doubles. */

import { Layout } from '../../core/layout.js'
import type { Operand } from '../backend.js'
import { elementsOf } from './elements.js'
import { places, placesOf, split } from './places.js'

export type Matrix = Float64Array[]

/** The matrices of the last two dimensions. */
export function readMatrices(operand: Operand): Matrix[] {
  const elements = elementsOf(operand)
  const [outer, inner] = split(operand.layout, operand.layout.dim - 2)
  const [rows, columns] = inner.shape
  return Array.from(places(outer), (start) =>
    Array.from({ length: rows }, (_, i) =>
      Float64Array.from({ length: columns }, (_, j) => elements.number(start + i * inner.strides[0] + j * inner.strides[1])),
    ),
  )
}

/** The vectors of the last dimension. */
export function readVectors(operand: Operand): Float64Array[] {
  const { shape, strides, offset } = operand.layout
  const as = new Layout(
    [...shape.slice(0, -1), 1, shape[shape.length - 1]],
    [...strides.slice(0, -1), 0, strides[strides.length - 1]],
    offset,
  )
  return readMatrices({ ...operand, storage: operand.storage, dtype: operand.dtype, layout: as }).map(([row]) => row)
}

/** Writes the elements of one matrix or vector (or, flat, one number) of a batch of which each has `last` dimensions. */
export function writeOne(operand: Operand, last: number, index: number, values: ArrayLike<number>): void {
  const elements = elementsOf(operand)
  const [outer, inner] = split(operand.layout, operand.layout.dim - last)
  const start = places(outer)[index]
  placesOf(inner.shape, inner.strides, start).forEach((place, i) => {
    elements.setNumber(place, values[i])
  })
}
export const writeMatrix = (operand: Operand, index: number, rows: Matrix): void =>
  writeOne(
    operand,
    2,
    index,
    rows.flatMap((row) => [...row]),
  )

export const identity = (n: number): Matrix =>
  Array.from({ length: n }, (_, i) => Float64Array.from({ length: n }, (_, j) => Number(i === j)))
export const transposed = (a: Matrix, columns: number): Matrix =>
  Array.from({ length: columns }, (_, j) => Float64Array.from(a, (row) => row[j]))
export const dot = (x: ArrayLike<number>, y: ArrayLike<number>): number => {
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i]
  return sum
}
