/** The random kernels: values drawn from a generator's state, put in their places in the order of memory. */

import { isFloatingPoint } from '../../core/dtype.js'
import type { Storage } from '../../core/storage.js'
import { type Backend, kernelError, type Operand } from '../backend.js'
import { elementsOf, readAll, reals } from './elements.js'
import { places } from './places.js'
import * as random from './random.js'

type State = Storage<Backend>
type Values = Float64Array | BigInt64Array

/** An int64 from its halves, as the frame of a kernel call carries them. */
const join = (low: number, high: number): bigint =>
  BigInt.asUintN(32, BigInt(Math.trunc(low))) | (BigInt.asUintN(32, BigInt(Math.trunc(high))) << 32n)

/** The places of the elements in the order in which they are drawn. */
function drawnPlaces({ layout }: Operand): number[] {
  const found: number[] = []
  if (layout.numel > 0) random.memoryOrder(layout.shape, layout.strides, (offset) => found.push(layout.offset + offset))
  return found
}

function put(out: Operand, values: Values): void {
  const elements = elementsOf(out)
  drawnPlaces(out).forEach((place, i) => {
    const value = values[i]
    if (typeof value === 'bigint') elements.setInteger(place, value)
    else elements.setNumber(place, value)
  })
}

export function seedGenerator(state: State, low: number, high: number): void {
  new random.RandomStream(state.bytes).seed(join(low, high))
}

type Distribution<D> = (stream: random.RandomStream, dtype: D, out: Operand, a: number, b: number) => Values
/** By the codes of the kernel; null where a distribution is for integers as well. */
const ofFloats: readonly (Distribution<random.RandomFloat> | null)[] = [
  (stream, dtype, { layout }, a, b) => random.uniform(stream, dtype, layout.numel, a, b),
  (stream, dtype, { layout }, a, b) => random.normal(stream, dtype, layout.numel, a, b, layout.isContiguous),
  null,
  (stream, dtype, { layout }, a) => random.exponential(stream, dtype, layout.numel, a),
  (stream, dtype, { layout }, a, b) => random.cauchy(stream, dtype, layout.numel, a, b),
  (stream, dtype, { layout }, a, b) => random.logNormal(stream, dtype, layout.numel, a, b),
  null,
  null,
]
const ofAll: Readonly<Record<number, Distribution<random.RandomDType>>> = {
  2: (stream, _, { layout }, a) => random.bernoulli(stream, layout.numel, a),
  6: (stream, dtype, { layout }, a) => random.geometric(stream, dtype, layout.numel, a),
  7: (stream, dtype, { layout }) => random.fullRange(stream, dtype, layout.numel),
}

/** Fills `out` from one of the distributions. */
export function fillRandom(kind: number, state: State, out: Operand, a: number, b: number): void {
  const stream = new random.RandomStream(state.bytes)
  const float = isFloatingPoint(out.dtype) ? ofFloats[kind] : null
  if (float) put(out, float(stream, out.dtype as random.RandomFloat, out, a, b))
  else if (kind in ofAll) put(out, ofAll[kind](stream, out.dtype as random.RandomDType, out, a, b))
  else throw kernelError(3, 'random', 0, 0)
}

/** from + word % range, both given in halves. */
export function randint(
  state: State,
  out: Operand,
  fromLow: number,
  fromHigh: number,
  rangeLow: number,
  rangeHigh: number,
): void {
  const stream = new random.RandomStream(state.bytes)
  put(out, random.randint(stream, out.layout.numel, BigInt.asIntN(64, join(fromLow, fromHigh)), join(rangeLow, rangeHigh)))
}

export function randperm(state: State, out: Operand): void {
  const elements = elementsOf(out)
  const permutation = random.randperm(new random.RandomStream(state.bytes), out.layout.numel)
  places(out.layout).forEach((place, i) => {
    elements.setNumber(place, permutation[i])
  })
}

/** A float parameter's elements, given for each of `out`, in the order in which `out` is drawn. */
function drawnValues(parameter: Operand, out: Operand): number[] {
  const flat = new Map(Array.from(places(out.layout), (place, i) => [place, i]))
  const all = readAll(reals, parameter)
  return drawnPlaces(out).map((place) => all[flat.get(place)!])
}

/** out = 1 with the probability that `p`, of out's shape, has there. */
export function bernoulliTensor(state: State, p: Operand, out: Operand): void {
  if (!isFloatingPoint(p.dtype)) throw kernelError(3, 'bernoulliTensor', 0, 0)
  put(out, random.bernoulliTensor(new random.RandomStream(state.bytes), p.dtype as random.RandomFloat, drawnValues(p, out)))
}

/** A Poisson count for every rate. */
export function poisson(state: State, rates: Operand, out: Operand): void {
  if (!isFloatingPoint(rates.dtype)) throw kernelError(3, 'poisson', 0, 0)
  put(out, random.poisson(new random.RandomStream(state.bytes), rates.dtype as random.RandomFloat, drawnValues(rates, out)))
}

/** Indices into the rows of weights [rows, n], as many as out [rows, count] holds. */
export function multinomial(state: State, weights: Operand, out: Operand, replacement: boolean): void {
  if (!isFloatingPoint(weights.dtype)) throw kernelError(3, 'multinomial', 0, 0)
  const [rows, count] = out.layout.shape
  const stream = new random.RandomStream(state.bytes)
  const dtype = weights.dtype as random.RandomFloat
  const drawn = random.multinomial(stream, dtype, readAll(reals, weights), rows, count, replacement)
  const elements = elementsOf(out)
  places(out.layout).forEach((place, i) => {
    elements.setNumber(place, drawn[i])
  })
}
