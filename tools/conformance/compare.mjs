/** Comparing results with what PyTorch gave. Every function answers with a complaint, or undefined where all is well. */

import { elementsOf, floatOf, isTensorSpec } from './format.mjs'

const tolerances = { float64: [1e-7, 1e-7], complex128: [1e-7, 1e-7] }
const defaultTolerance = [1.3e-6, 1e-5]

export const isTensor = (value) => typeof value === 'object' && value !== null && 'layout' in value && 'dtype' in value
const same = (a, b) => a.length === b.length && a.every((v, i) => v === b[i])

/** Whether two numbers agree: |got − want| <= atol + rtol·|want|, NaN equals NaN; bigints must be equal. */
function agrees(got, want, [rtol, atol]) {
  if (got === want || (Number.isNaN(got) && Number.isNaN(want))) return true
  if (typeof want === 'bigint' || typeof got === 'bigint') return BigInt(got) === BigInt(want)
  return Number.isFinite(want) && Math.abs(got - want) <= atol + rtol * Math.abs(want)
}

/** Complex numbers as pairs: |got − want| is that of the plane. */
function agreesAsPair([re, im], [wantRe, wantIm], [rtol, atol]) {
  const near = Math.hypot(re - wantRe, im - wantIm) <= atol + rtol * Math.hypot(wantRe, wantIm)
  return near || (agrees(re, wantRe, [rtol, atol]) && agrees(im, wantIm, [rtol, atol]))
}
const pairs = (list) => Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i], list[2 * i + 1]])

function differences(got, want, tolerance, skip) {
  let first = -1
  let count = 0
  for (let i = 0; i < want.length; i++) {
    if (skip?.includes(i) || (Array.isArray(want[i]) ? agreesAsPair : agrees)(got[i], want[i], tolerance)) continue
    if (count++ === 0) first = i
  }
  return count === 0
    ? undefined
    : `${count} of ${want.length} values differ: [${first}] is ${got[first]}, expected ${want[first]}`
}

/** Complex numbers have no order: each of `want` takes the nearest of `got` that is left. */
function nearestFirst(got, want) {
  const left = [...got]
  const distance = ([a, b], [c, d]) => Math.hypot(a - c, b - d)
  return want.map((w) => {
    const nearest = left.reduce((best, v, i) => (distance(v, w) < distance(left[best], w) ? i : best), 0)
    return left.splice(nearest, 1)[0]
  })
}

/** A tensor against its spec: dtype and shape exactly, values within the tolerance; `map` is applied to both sides. */
export function compareTensor(got, spec, { tolerance, skip, map } = {}) {
  if (!isTensor(got)) return `is ${got === null ? 'null' : typeof got}, expected a tensor`
  if (got.dtype !== spec.dtype) return `dtype is ${got.dtype}, expected ${spec.dtype}`
  if (!same(got.shape, spec.shape)) return `shape is [${got.shape}], expected [${spec.shape}]`
  if (spec.$ === 'shape') return undefined
  const isComplex = spec.dtype.startsWith('complex')
  const used = isComplex || spec.dtype.includes('float') ? (tolerance ?? tolerances[spec.dtype] ?? defaultTolerance) : [0, 0]
  const [a, b] = [got.detach().toTypedArray(), elementsOf(spec)].map((list) => (isComplex ? pairs(list) : list))
  if (map === nearestFirst) return differences(nearestFirst(a, b), b, used, skip)
  return map ? differences(map(Array.from(a)), map(Array.from(b)), used, skip) : differences(a, b, used, skip)
}

/** A result that is no tensor: numbers, booleans, strings, sizes, lists of them. */
function compareValue(got, want, tolerance) {
  if (want !== null && typeof want === 'object') {
    if (want.$ === 'float') {
      const value = floatOf(want)
      return agrees(Number(got), value, tolerance ?? defaultTolerance) ? undefined : `is ${got}, expected ${value}`
    }
    if (want.$ === 'size') return same([...got], want.v) ? undefined : `is [${[...got]}], expected [${want.v}]`
    if (want.$ === 'int') return String(got) === want.v ? undefined : `is ${got}, expected ${want.v}`
    return String(got) === String(want.v).replace('torch.', '') ? undefined : `is ${got}, expected ${want.v}`
  }
  return got === want ? undefined : `is ${got}, expected ${want}`
}

/** The leaves of a result next to those expected, depth first. @throws where the nesting differs. */
export function pairLeaves(got, want) {
  const items = Array.isArray(want) ? want : want?.$ === 'tuple' ? want.v : undefined
  if (items === undefined) return [{ got, want }]
  if (got === null || typeof got !== 'object' || isTensor(got)) throw new Error(`result is no list of ${items.length}`)
  const list = [...got]
  if (list.length !== items.length) throw new Error(`result has ${list.length} parts, expected ${items.length}`)
  return items.flatMap((item, i) => pairLeaves(list[i], item))
}

/** One leaf of a result, in the mode that the case asks for. */
export function compareLeaf(torch, leaf, index, c, leaves, args) {
  const { got, want } = leaf
  const mode = c.cmp?.[index]
  const tolerance = c.tol
  if (!isTensorSpec(want)) return compareValue(got, want, tolerance)
  if (c.stochastic || c.undefined || mode?.mode === 'skip' || c.unstable?.includes(index))
    return compareTensor(got, { ...want, $: 'shape' })
  const skip = c.skip?.[index]
  switch (mode?.mode) {
    case undefined:
      return compareTensor(got, want, { tolerance, skip })
    case 'abs':
      return compareTensor(got, want, { tolerance, skip, map: (v) => v.map(Math.abs) })
    case 'abs_cols':
    case 'abs_rows': {
      const [rows, columns] = want.shape.slice(-2)
      const counts = (i) => (mode.mode === 'abs_cols' ? i % columns : Math.floor(i / columns) % rows) < mode.k
      return compareTensor(got, want, { tolerance, skip, map: (v) => v.map((x, i) => (counts(i) ? Math.abs(x) : 0)) })
    }
    case 'unordered':
      return compareTensor(got, want, {
        tolerance,
        skip,
        map: want.dtype.startsWith('complex') ? nearestFirst : (v) => v.toSorted((a, b) => Number(a) - Number(b)),
      })
    case 'tie_index':
      return compareTensor(got, { ...want, $: 'shape' }) ?? compareGathered(torch, got, leaves[mode.values].want, c, args)
    case 'tie_order': {
      const expected = gathered(torch, torch.fromTypedArray(elementsOf(want), want.shape), c, args)
      const values = gathered(torch, got, c, args)
      return compareTensor(got, { ...want, $: 'shape' }) ?? differences(values, expected, [0, 0])
    }
    default:
      return `has the unknown comparison mode ${mode.mode}`
  }
}

/** Indices of equal elements are interchangeable: what they point at must be what PyTorch found. */
function compareGathered(torch, index, valuesSpec, c, args) {
  return differences(gathered(torch, index, c, args), elementsOf(valuesSpec), [0, 0])
}
function gathered(torch, index, c, args) {
  const input = args[0].detach()
  const dim = c.kwargs.dim ?? (['topk', 'kthvalue'].includes(c.op) ? args[2] : args.slice(1).find(Number.isInteger)) ?? -1
  if (input.ndim === 0) return input.reshape(1).toTypedArray()
  const full = index.ndim < input.ndim ? index.unsqueeze(dim) : index
  return torch.gather(input, dim, full).toTypedArray()
}
