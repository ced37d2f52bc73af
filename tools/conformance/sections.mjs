/** The smaller sections: random streams, type promotion, printing. */

import { createHash } from 'node:crypto'
import { camelCase, resolve } from './calls.mjs'
import { compareTensor, isTensor, pairLeaves } from './compare.mjs'
import { isTensorSpec, tensorOf, valueOf } from './format.mjs'
import { makeModule, sameText } from './modules.mjs'

const exactly = [0, 0]

const missing = Symbol('missing')
const unsupported = Symbol('unsupported')

/** One step of a recorded stream. */
function runStep(torch, step) {
  const { fn } = step
  if (fn === 'torch.get_rng_state') return torch.getRngState()
  if (fn === 'nn.module' || fn === 'module_call') {
    const module = makeModule(torch, step.module)
    if (module === undefined) return missing
    if (fn === 'nn.module') return module.stateDict()
    return module(...valueOf(torch, step.args))
  }
  if (fn === 'loader' || fn === 'sampler') return unsupported
  const called = fn === 'generator' ? step.call : fn
  const call = resolve(torch, { fn: called, kind: called.startsWith('Tensor.') ? 'method' : 'function' })
  if (call === undefined) return missing
  const kwargs = valueOf(torch, { $: 'dict', v: step.kwargs })
  if (fn === 'generator') kwargs.generator = new torch.Generator().manualSeed(step.gseed)
  return call(valueOf(torch, step.args), kwargs)
}

function compareStep(got, want, fn) {
  if (fn === 'torch.get_rng_state') {
    const digest = createHash('sha256').update(got.toTypedArray()).digest('hex')
    return digest === (want.v ?? want).sha256 || digest === want.v ? undefined : 'the state differs'
  }
  if (want?.$ === 'odict' || want?.$ === 'dict' || want?.$ === 'map') {
    const entries = want.$ === 'dict' ? Object.entries(want.v) : want.v
    for (const [key, spec] of entries) {
      const complaint = compareTensor(got[key], spec, { tolerance: exactly })
      if (complaint) return `${key} ${complaint}`
    }
    return undefined
  }
  // What goes through a factorization, or through a logarithm and a softmax, has last bits of its own.
  const tolerance = fn.endsWith('orthogonal_') ? [1e-5, 1e-5] : fn.endsWith('gumbel_softmax') ? [1e-6, 1e-6] : exactly
  for (const leaf of pairLeaves(got, want)) {
    if (!isTensorSpec(leaf.want)) continue
    const complaint = compareTensor(leaf.got, leaf.want, { tolerance })
    if (complaint) return complaint
  }
  return undefined
}

/** Seeds, then replays the steps: every value must be PyTorch's, bit for bit. */
export function runRandomCase(torch, c) {
  torch.manualSeed(c.seed)
  for (const [i, step] of c.steps.entries()) {
    try {
      const got = runStep(torch, step)
      if (got === missing) return { status: 'missing', reason: step.module?.cls ?? step.fn }
      if (got === unsupported) return { status: 'skipped', reason: `${step.fn} is tested with torch.data` }
      const complaint = compareStep(got, c.out[i], step.fn)
      if (complaint) return { status: 'failed', reason: `step ${i} (${step.fn}) ${complaint}` }
    } catch (error) {
      return { status: 'failed', reason: `step ${i} (${step.fn}) threw ${error.message}` }
    }
  }
  return { status: 'passed' }
}

const scalars = { bool: true, int: 2, float: 1.5, complex: { re: 1, im: 2 } }
const filled = (torch, dtype, dims) => torch.ones(new Array(dims).fill(2), { dtype })

/** One table of dtypes: every pair of operands is made and the op is called on it. */
export function runPromotionCase(torch, c) {
  const fn = { promote_types: 'promoteTypes', can_cast: 'canCast', result_type: 'resultType', result_type_scalar: 'resultType' }
  const name = fn[c.kind] ?? camelCase(c.op)
  if (typeof torch[name] !== 'function') return { status: 'missing', reason: `torch.${name}` }
  const wrong = []
  for (const [pair, want] of Object.entries(c.out)) {
    // The complex dtype of float16 parts is not there.
    if (pair.includes('float16') && pair.includes('complex') && !pair.includes('bfloat16')) continue
    const [a, b] = pair.split(',')
    const get = () => {
      if (c.kind === 'promote_types' || c.kind === 'can_cast') return torch[name](a, b)
      const first = filled(torch, a, c.dims?.[0] ?? c.dim ?? 1)
      if (b === undefined) return torch[name](first)
      if (c.kind === 'inplace') return first[`${name}_`](filled(torch, b, 1))
      return torch[name](first, c.kind.endsWith('scalar') ? scalars[b] : filled(torch, b, c.dims[1]))
    }
    let got
    try {
      const result = get()
      got = isTensor(result) ? result.dtype : result
    } catch {
      got = 'error'
    }
    // Half precision has kernels here that PyTorch 1.13 lacks on the CPU.
    if (want === 'error' && got !== 'error' && pair.includes('float16')) continue
    if (got !== want) wrong.push(`${pair} gives ${got}, expected ${want}`)
  }
  return wrong.length === 0
    ? { status: 'passed' }
    : { status: 'failed', reason: `${wrong.length} pairs: ${wrong.slice(0, 8).join('; ')}` }
}

/** Text, character by character. */
export function runPrintingCase(torch, c) {
  let value
  if (c.kind === 'module') value = makeModule(torch, c.module)
  else if (c.kind === 'parameter')
    value =
      torch.nn?.Parameter &&
      new torch.nn.Parameter(tensorOf(torch, { ...c.value, rg: false }), { requiresGrad: c.value.rg ?? true })
  else if (c.kind === 'grad') {
    const call = resolve(torch, { fn: c.build.fn, kind: c.build.fn.startsWith('Tensor.') ? 'method' : 'function' })
    if (call !== undefined) value = call(valueOf(torch, c.build.args), valueOf(torch, { $: 'dict', v: c.build.kwargs }))
  } else value = tensorOf(torch, c.value)
  if (value === undefined) return { status: 'missing', reason: c.module?.cls ?? c.build?.fn ?? 'torch.nn.Parameter' }
  torch.setPrintoptions({ profile: 'default' })
  if (c.options)
    torch.setPrintoptions(Object.fromEntries(Object.entries(c.options).map(([k, v]) => [camelCase(k), valueOf(torch, v)])))
  const got = String(value)
  torch.setPrintoptions({ profile: 'default' })
  return got === c.str || (c.kind === 'module' && sameText(got, c.str, c.module))
    ? { status: 'passed' }
    : { status: 'failed', reason: `printed\n${got}\nexpected\n${c.str}` }
}
