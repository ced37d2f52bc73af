/** Cases made from cases: each mutation changes one thing about a call, in place, and says whether it did. */

import { describe, dtypes, isComplex, isFloating, isTensor, product, specOf, valuesOf } from './specs.mjs'

/** A small generator with a seed (mulberry32), so that every case can be made again. */
export class Random {
  constructor(text) {
    this.state = [...text].reduce((h, c) => Math.imul(h ^ c.charCodeAt(0), 0x01000193), 0x811c9dc5)
  }
  next() {
    this.state = (this.state + 0x6d2b79f5) | 0
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  below(n) {
    return Math.floor(this.next() * n)
  }
  chance(p) {
    return this.next() < p
  }
  pick(list) {
    return list[this.below(list.length)]
  }
}

/** What holds a case's tensors and what its other arguments: the same for a call, two places for a module. */
const tensorHolders = (c) => (c.cls ? [c.inputs, c.inkwargs] : [c.args, c.kwargs])

/** Where the values that satisfy a test are: `{ holder, key }`, lists and tuples included. */
function slots(value, test) {
  return Object.entries(value).flatMap(([key, v]) => {
    if (test(v)) return [{ holder: value, key }]
    const inner = Array.isArray(v) ? v : v?.$ === 'tuple' ? v.v : undefined
    return inner ? slots(inner, test) : []
  })
}
const tensorSlots = (c) => tensorHolders(c).flatMap((holder) => slots(holder, isTensor))
const rewrite = ({ holder, key }, change) => {
  holder[key] = change(holder[key])
}

const edges = [NaN, Infinity, -Infinity, -0, 0, 1, -1, 0.5, 1e4, -1e3, 3.5, 2.5, -1.5, 1e-5, 88, -104]
const manners = {
  edges: (v, r) => (r.chance(0.3) ? r.pick(edges) : v),
  wide: (v, r) => v * 10 ** (r.below(9) - 4),
  duplicates: (v) => Math.round(v / 4),
  negative: (v) => -Math.abs(v),
  positive: (v) => Math.abs(v),
  zeros: (v, r) => (r.chance(0.5) ? 0 : v),
  halves: (v) => Math.round(v * 2) / 2,
}
const eachPart = (change) => (v) => (Array.isArray(v) ? v.map(change) : change(v))
const integerEdges = {
  uint8: [0, 255, 128],
  int8: [-128, 127, 0],
  int16: [-32768, 32767],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2 ** 31), 2 ** 33 + 1],
}

/** Where an equation is solved or a matrix factored, made-up numbers make singular matrices, of which last bits decide. */
const isFactored = (c) =>
  /linalg|cholesky|inverse|logdet|svd|qr|lu|lstsq|symeig|solve|orm|householder|lowrank|matrix_/.test(c.fn ?? '')

function values(c, r) {
  const found = tensorSlots(c)
  if (found.length === 0 || isFactored(c)) return false
  const manner =
    manners[
      r.pick(Object.keys(manners).filter((name) => !hasTies.test(c.fn ?? c.cls) || (name !== 'duplicates' && name !== 'zeros')))
    ]
  const mixed = c.cls || found.some(({ holder, key }) => isFloating(holder[key].dtype))
  rewrite(r.pick(found), (spec) => {
    const old = valuesOf(spec)
    if (isFloating(spec.dtype) || isComplex(spec.dtype)) return specOf(spec, old.map(eachPart((v) => manner(v, r))))
    if (spec.dtype === 'bool') return specOf(spec, r.chance(0.3) ? old.fill(r.below(2)) : old.map(() => r.below(2)))
    // Integers next to floats are mostly indices or classes: they stay among those that were there.
    if (mixed || r.chance(0.4))
      return specOf(
        spec,
        old.map(() => (old.length ? r.pick(old) : 0) - (r.chance(0.03) ? 1 : 0)),
      )
    return specOf(
      spec,
      old.map((v) => (r.chance(0.1) ? r.pick(integerEdges[spec.dtype]) : r.chance(0.5) ? r.below(21) - 10 : v)),
    )
  })
  return true
}

/** The same tensors with other sizes: elements are taken from those that were there. */
function reshaped(spec, shape, r) {
  if (product(shape) > 20000) return spec
  const old = valuesOf(spec)
  const filler = isComplex(spec.dtype) ? [1, 0.5] : 1
  return specOf(
    { ...spec, shape },
    Array.from({ length: product(shape) }, (_, i) => old[i] ?? (old.length ? r.pick(old) : filler)),
  )
}

function sizes(c, r) {
  const found = tensorSlots(c)
  const all = found.flatMap(({ holder, key }) => holder[key].shape)
  if (all.length === 0) return false
  const from = r.pick(all)
  const to = r.pick([0, 1, 1, 2, from + 1, from + 1, Math.max(from - 1, 0), 7, 17, 33, 129])
  if (from === to) return false
  for (const slot of found)
    rewrite(slot, (spec) =>
      spec.shape.includes(from)
        ? reshaped(
            spec,
            spec.shape.map((n) => (n === from ? to : n)),
            r,
          )
        : spec,
    )
  // Sizes given as arguments follow half of the time.
  if (r.chance(0.5))
    for (const slot of tensorHolders(c).flatMap((holder) => slots(holder, (v) => v === from))) slot.holder[slot.key] = to
  return true
}

function oneSize(c, r) {
  const found = tensorSlots(c).filter(({ holder, key }) => holder[key].shape.length > 0)
  if (found.length === 0) return false
  rewrite(r.pick(found), (spec) => {
    const dim = r.below(spec.shape.length)
    return reshaped(
      spec,
      spec.shape.map((n, d) => (d === dim ? r.pick([1, 1, 0, n + 1, 17]) : n)),
      r,
    )
  })
  return true
}

function rank(c, r) {
  const found = tensorSlots(c)
  if (found.length === 0) return false
  const chosen = r.chance(0.6) ? found : [r.pick(found)]
  const how = r.below(4)
  const size = r.pick([1, 2, 3])
  for (const slot of chosen)
    rewrite(slot, (spec) => {
      if (how === 0) return reshaped(spec, spec.shape.slice(1), r)
      if (how === 1) return reshaped(spec, [], r)
      return reshaped(spec, how === 2 ? [size, ...spec.shape] : [...spec.shape, size], r)
    })
  return true
}

function dtype(c, r) {
  const found = tensorSlots(c)
  if (found.length === 0 || c.cls) return false
  const chosen = r.pick(found)
  const from = chosen.holder[chosen.key].dtype
  const to = r.pick(dtypes)
  if (from === to) return false
  const alike = found.filter(({ holder, key }) => holder[key].dtype === from)
  for (const slot of r.chance(0.75) ? alike : [chosen]) rewrite(slot, (spec) => specOf({ ...spec, dtype: to }, valuesOf(spec)))
  return true
}

/** Row-major strides of a permuted, stepped or expanded storage. */
function layoutOf(shape, r) {
  const order = shape.map((_, i) => i)
  if (r.chance(0.6)) order.sort(() => r.next() - 0.5)
  const step = r.pick([1, 1, 2, 3])
  const strides = new Array(shape.length)
  let stride = step
  for (const d of order.toReversed()) {
    strides[d] = stride
    stride *= Math.max(shape[d], 1) + (r.chance(0.2) ? 1 : 0)
  }
  return { strides, offset: r.pick([0, 0, 1, 5]) }
}

const hasTies = /median|kthvalue|mode|quantile|sort|topk|max|min|unique/

function layout(c, r) {
  const found = tensorSlots(c)
  if (found.length === 0) return false
  for (const slot of r.chance(0.5) ? found : [r.pick(found)]) {
    rewrite(slot, (spec) => {
      const old = valuesOf(spec)
      const where = layoutOf(spec.shape, r)
      const dim = r.below(spec.shape.length)
      if (!r.chance(0.25) || !(spec.shape[dim] > 0) || isFactored(c) || hasTies.test(c.fn ?? c.cls))
        return specOf(spec, old, where)
      // Expanded: all along one dimension is what comes first.
      where.strides[dim] = 0
      const inner = product(spec.shape.slice(dim + 1))
      return specOf(
        spec,
        old.map((_, i) => old[i - (Math.floor(i / inner) % spec.shape[dim]) * inner]),
        where,
      )
    })
  }
  return true
}

const isArgument = (v) => !isTensor(v) && !Array.isArray(v) && !['tuple', 'module', 'dict'].includes(v?.$)
function nudged(v, r) {
  if (typeof v === 'boolean') return !v
  if (typeof v === 'number') return r.pick([v + 1, v - 1, -v, -v - 1, 0, 1])
  if (v?.$ === 'float' && typeof v.v === 'number') return { $: 'float', v: r.pick([v.v * 2, -v.v, v.v + 0.5, 0, 0.5]) }
  return undefined
}

/** One argument that is no tensor: to what other cases of the function have there, or to a neighbour. */
function argument(c, r, seen) {
  const found = [c.args, c.kwargs].flatMap((holder) => slots(holder, isArgument))
  const names = Object.keys(seen)
  if (names.length > 0 && r.chance(0.4)) {
    const name = r.pick(names)
    const value = structuredClone(r.pick(seen[name]))
    const position = Number(name)
    if (Number.isNaN(position)) {
      if (c.cls === undefined || name in c.kwargs || c.args.length === 0) c.kwargs[name] = value
    } else if (position < c.args.length) c.args[position] = value
    else if (position === c.args.length) c.args.push(value)
    else return false
    return true
  }
  if (found.length === 0) return false
  const slot = r.pick(found)
  const value = nudged(slot.holder[slot.key], r)
  if (value === undefined) return false
  slot.holder[slot.key] = value
  return true
}

function omit(c, r) {
  const names = Object.keys(c.kwargs)
  if (names.length > 0 && (r.chance(0.7) || c.args.length < 2)) delete c.kwargs[r.pick(names)]
  else if (c.args.length > 1) c.args.pop()
  else return false
  return true
}

function scalars(c, r) {
  if (c.cls) return false
  const numbers = c.args.length > 1 && c.args[1]?.$ === 'float' ? [{ holder: c.args, key: 1 }] : []
  const tensors = tensorSlots(c).filter(({ holder }) => holder === c.args || holder === c.kwargs)
  if (numbers.length > 0 && r.chance(0.5)) {
    const slot = r.pick(numbers)
    slot.holder[slot.key] = specOf({ dtype: 'float32', shape: [] }, [Number(slot.holder[slot.key].v)])
  } else if (tensors.length > 1) {
    const slot = r.pick(tensors.slice(1))
    const isFloat = isFloating(slot.holder[slot.key].dtype)
    slot.holder[slot.key] = isFloat ? { $: 'float', v: r.pick([0.5, 1.5, -2.5]) } : r.pick([0, 1, 2, -1])
  } else return false
  return true
}

function gradient(c, r) {
  const found = tensorSlots(c).filter(({ holder, key }) => isFloating(holder[key].dtype) || isComplex(holder[key].dtype))
  if (found.length === 0) return false
  if (r.chance(0.5)) rewrite(r.pick(found), (spec) => ({ ...spec, rg: !spec.rg }))
  else for (const slot of found) rewrite(slot, (spec) => ({ ...spec, rg: true }))
  return true
}

function second(c) {
  if (c.cls || c.inplace || !tensorSlots(c).some(({ holder, key }) => holder[key].rg)) return false
  c.grad2 = true
  return true
}

/** Methods that make another tensor: their in-place forms mean nothing. */
const notInPlace = /Tensor\.(new_|bfloat16|bool|byte|char|double|float|half|int|long|short|to|contiguous|clone)/

/** `x.f_(…)` for `torch.f(x, …)`. */
function inplace(c) {
  if (c.cls || c.kind === 'property' || c.kind === 'setitem' || c.inplace || !isTensor(c.args[0]) || c.fn.endsWith('_'))
    return false
  if (!/^(torch|Tensor)\.[a-z0-9_]+$/.test(c.fn) || notInPlace.test(c.fn)) return false
  Object.assign(c, { fn: `Tensor.${c.fn.split('.')[1]}_`, kind: 'method', inplace: true, grad2: undefined, cmp: undefined })
  return true
}

function mode(c) {
  if (c.cls) c.train = !c.train
  return c.cls !== undefined
}

/** Mutations with how often each is made. */
const mutations = {
  values: [values, 5],
  sizes: [sizes, 5],
  oneSize: [oneSize, 1],
  rank: [rank, 2],
  dtype: [dtype, 4],
  layout: [layout, 4],
  argument: [argument, 6],
  omit: [omit, 2],
  scalars: [scalars, 1],
  gradient: [gradient, 2],
  second: [second, 2],
  inplace: [inplace, 1],
  mode: [mode, 1],
}
const weighted = Object.entries(mutations).flatMap(([name, [, weight]]) => new Array(weight).fill(name))

/** Arguments seen in cases of one function: by place or name, without repetitions. */
export function argumentsOf(cases) {
  const seen = {}
  for (const c of cases)
    for (const holder of [c.args, c.kwargs])
      for (const [name, value] of Object.entries(holder)) {
        if (isTensor(value) || slots([value], isTensor).length > 0) continue
        seen[name] ??= new Map()
        seen[name].set(describe(value), value)
      }
  return Object.fromEntries(Object.entries(seen).map(([name, map]) => [name, [...map.values()]]))
}

/** Fields of a recorded case that are PyTorch's answer and not the question. */
const answers = [
  'out',
  'w',
  'grads',
  'grad2',
  'mutated',
  'tol',
  'gtol',
  'skip',
  'gskip',
  'unstable',
  'gunstable',
  'error',
  'alias',
  'stochastic',
]
const moduleAnswers = ['state', 'state_after', 'repr', 'n_params', 'param_grads', 'input_grads']

/** The question of a recorded case. */
export function questionOf(c) {
  const question = structuredClone(c)
  for (const key of [...answers, ...moduleAnswers, 'outStrides', 'base', 'noncontiguous']) delete question[key]
  return question
}

/** A case made from a recorded one by one to three mutations; `mutations` names them. */
export function mutate(c, r, seen) {
  const count = r.pick([1, 1, 1, 2, 2, 3])
  for (let attempt = 0; attempt < 20; attempt++) {
    const question = questionOf(c)
    question.seed = r.below(1000)
    const names = Array.from({ length: count }, () => r.pick(weighted))
    if (c.cmp && names.some((name) => ['sizes', 'oneSize', 'rank', 'argument', 'omit', 'inplace'].includes(name))) continue
    if (names.every((name) => mutations[name][0](question, r, seen))) return Object.assign(question, { mutations: names })
  }
  return undefined
}
