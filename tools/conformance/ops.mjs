/** The sections `ops` and `ops_extra`: a call, its result, its gradients to the second order. */

import { resolve } from './calls.mjs'
import { compareLeaf, compareTensor, isTensor, pairLeaves } from './compare.mjs'
import { contains, tensorOf, valueOf } from './format.mjs'
import { makeModule } from './modules.mjs'

/**
 * JavaScript has one kind of number: 2.0 cannot be told from 2, so a whole Python float next to integers alone promotes
 * as an integer. Such a case has no spelling in flambeau.
 */
function looksInteger(c) {
  const wholeFloat = (v) => v.$ === 'float' && Number.isInteger(v.v)
  const floating = (v) => v.$ === 'tensor' && v.dtype.includes('float')
  const named = contains(c.kwargs, (v) => v.$ === 'dtype')
  return contains([c.args, c.kwargs], wholeFloat) && !contains([c.args, c.kwargs], floating) && !named
}

/** Runs one case. @returns `{ status: 'passed' | 'failed' | 'skipped' | 'missing', reason? }` */
export function runOpCase(torch, c) {
  if ('out' in c.kwargs) return { status: 'skipped', reason: 'out= is not part of the API' }
  if (c.fn !== 'torch.arange' && c.kind === 'function' && c.args.length > 1 && c.args.every((v) => v?.$ === 'float'))
    return { status: 'skipped', reason: 'an operator on two numbers' }
  const call = resolve(torch, c)
  if (call === undefined) return { status: 'missing', reason: c.fn }
  let complaint
  try {
    complaint = check(torch, c, call)
  } catch (error) {
    complaint = `threw ${error?.message?.slice(0, 200) ?? error}`
  }
  if (complaint === undefined) return { status: 'passed' }
  if (looksInteger(c)) return { status: 'skipped', reason: 'a whole float among integers' }
  return { status: 'failed', reason: complaint }
}

function check(torch, c, call) {
  const args = valueOf(torch, c.args)
  const kwargs = Object.fromEntries(Object.entries(c.kwargs).map(([key, value]) => [key, argumentOf(torch, value)]))
  if (c.error) return checkError(c, () => call(args, kwargs))
  const inputs = { args, kwargs }
  const given = c.inplace ? [args[0].clone(), ...args.slice(1)] : args
  const versions = new Map(tensorsIn(given.slice(1)).map((t) => [t, t.storage.version]))
  const returned = call(given, kwargs)
  const result = c.kind === 'setitem' ? given[0] : returned
  const leaves = pairLeaves(result, c.out)
  if (c.inplace && (!isTensor(result) || result.storage !== given[0].storage)) return 'did not write in place'
  for (const [i, leaf] of leaves.entries()) {
    const complaint = compareLeaf(torch, leaf, i, c, leaves, args)
    if (complaint) return `out[${i}] ${complaint}`
  }
  const aliasing = checkAliases(c, leaves, inputs, versions)
  if (aliasing) return aliasing
  for (const { path, t } of c.mutated ?? []) {
    const complaint = compareTensor(at(inputs, path), t, { tolerance: c.tol })
    if (complaint) return `argument ${path} ${complaint}`
  }
  return c.grads ? checkGradients(torch, c, leaves, inputs) : undefined
}

/** A value, or a module or function given as an argument. */
function argumentOf(torch, value) {
  if (value?.$ === 'module') return makeModule(torch, value)
  if (value?.$ === 'fn') return resolve(torch, { fn: value.v, kind: 'function' })
  return valueOf(torch, value)
}

function checkError(c, run) {
  try {
    run()
  } catch {
    return undefined
  }
  return `did not throw ${c.error.type}: ${c.error.message?.slice(0, 120)}`
}

/** A place in a case's arguments: `args.1.2`, `kwargs.weight`. */
const at = (inputs, path) => path.split('.').reduce((value, key) => value[key], inputs)

function tensorsIn(value) {
  if (value === null || typeof value !== 'object') return []
  return isTensor(value) ? [value] : Object.values(value).flatMap(tensorsIn)
}

function checkAliases(c, leaves, inputs) {
  if (!c.alias) return undefined
  for (const [i, path] of c.alias.entries()) {
    const { got } = leaves[i] ?? {}
    // Without elements there is no memory to share.
    if (!isTensor(got) || got.numel() === 0) continue
    // PyTorch conjugates lazily, through a view.
    if (c.fn === 'torch.conj' && got.dtype.startsWith('complex')) continue
    if (path !== null && !c.inplace && got.storage !== at(inputs, path).storage)
      return `out[${i}] does not share memory with ${path}`
    if (path === null && tensorsIn(inputs).some((t) => t.storage === got.storage))
      return `out[${i}] shares memory with an argument`
  }
  return undefined
}

/** A weight as the gradient it is: that of a complex result weighs both parts. */
const weightOf = (torch, out, w) => (torch.isComplex(out) ? torch.viewAsComplex(w.contiguous()) : w).to(out.dtype)

function checkGradients(torch, c, leaves, inputs) {
  const weighted = leaves.flatMap(({ got }, i) => {
    const spec = c.w[i]
    if (!spec) return []
    const mode = c.cmp?.[i]?.mode
    return [{ out: mode?.startsWith('abs') ? got.abs() : got, w: tensorOf(torch, spec) }]
  })
  const variables = c.grads.map(({ path }) => at(inputs, path))
  const outs = weighted.filter(({ out }) => out.requiresGrad)
  if (outs.length === 0) return c.grads.some(({ t }) => t) ? 'the result requires no gradient' : undefined
  const gradients = torch.autograd.grad(
    outs.map(({ out }) => out),
    variables,
    { gradOutputs: outs.map(({ out, w }) => weightOf(torch, out, w)), createGraph: c.grad2 !== undefined, allowUnused: true },
  )
  for (const [i, { path, t }] of c.grads.entries()) {
    if (c.gunstable?.includes(i)) continue
    if (t === null) {
      if (gradients[i] !== null) return `the gradient of ${path} is a tensor, expected null`
      continue
    }
    const complaint = compareTensor(gradients[i], t, { tolerance: c.gtol, skip: c.gskip?.[i] })
    if (complaint) return `the gradient of ${path} ${complaint}`
  }
  return c.grad2 ? checkSecondOrder(torch, c, gradients, variables) : undefined
}

function checkSecondOrder(torch, c, gradients, variables) {
  const terms = gradients.flatMap((g, i) => {
    const w = c.grad2.w[i]
    return g?.requiresGrad && w ? [{ g, w: tensorOf(torch, w) }] : []
  })
  const second =
    terms.length === 0
      ? variables.map(() => null)
      : torch.autograd.grad(
          terms.map(({ g }) => g),
          variables,
          { gradOutputs: terms.map(({ g, w }) => weightOf(torch, g, w)), allowUnused: true },
        )
  for (const [i, spec] of c.grad2.grads.entries()) {
    const { path, t } = spec ?? { path: i, t: null }
    // Nothing flowing back and zeros flowing back are the same here.
    const got = second[i] ?? torch.zerosLike(variables[i])
    const want = t ?? null
    const complaint =
      want === null
        ? got.ne(0).any().item()
          ? 'is not zero'
          : undefined
        : compareTensor(got, want, { tolerance: c.grad2.tol ?? c.gtol })
    if (complaint) return `the second gradient of ${path} ${complaint}`
  }
  return undefined
}
