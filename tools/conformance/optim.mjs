/** The sections of optimizers and learning-rate schedulers: trajectories step by step. */

import { camelCase } from './calls.mjs'
import { compareTensor, isTensor } from './compare.mjs'
import { floatOf, isTensorSpec, tensorOf, valueOf } from './format.mjs'

const options = (torch, kwargs) =>
  Object.fromEntries(Object.entries(kwargs).map(([key, value]) => [camelCase(key), valueOf(torch, value)]))
const parameter = (torch, spec) => new torch.nn.Parameter(tensorOf(torch, spec))

/** Settings that say how PyTorch computes, not what. */
const implementation = ['foreach', 'capturable', 'differentiable', 'fused']

const passed = { status: 'passed' }
const failed = (reason) => ({ status: 'failed', reason })

/** The parameters after every step, and the state and settings after the last. */
export function runOptimizerCase(torch, c) {
  const Class = torch.optim?.[c.opt]
  if (Class === undefined) return { status: 'missing', reason: `optim.${c.opt}` }
  if (c.problem !== undefined) return runLBFGS(torch, c, Class)
  const params = c.out.init.map((spec) => parameter(torch, spec))
  const groups = c.groups ? [{ params: [params[0]] }, { params: [params[1]], ...options(torch, c.groups) }] : params
  const optimizer = new Class(groups, options(torch, c.kwargs))
  for (let s = 0; s < c.steps; s++) {
    params.forEach((p, i) => {
      const gradient = c.out.grads[s][i]
      p.grad = gradient === null ? null : tensorOf(torch, gradient)
    })
    optimizer.step()
    for (const [i, p] of params.entries()) {
      const complaint = compareTensor(p, c.out.params[s][i], { tolerance: c.tol })
      if (complaint) return failed(`step ${s}, parameter ${i}: ${complaint}`)
    }
  }
  const complaint = compareState(optimizer.stateDict(), c.out.state_dict, c.tol)
  return complaint ? failed(complaint) : passed
}

/** A state dict, down to its keys. */
function compareState(got, want, tolerance, path = 'state_dict') {
  if (isTensorSpec(want)) {
    const complaint = compareTensor(got, want, { tolerance })
    return complaint && `${path} ${complaint}`
  }
  if (want?.$ === 'dict' || want?.$ === 'map') {
    const entries = want.$ === 'dict' ? Object.entries(want.v) : want.v
    for (const [key, value] of entries) {
      if (implementation.includes(key)) continue
      const item = got instanceof Map ? got.get(key) : got?.[key]
      if (item === undefined) return `${path} has no ${key}`
      const complaint = compareState(item, value, tolerance, `${path}.${key}`)
      if (complaint) return complaint
    }
    const known = new Set(entries.map(([key]) => key))
    const extra = [...(got instanceof Map ? got.keys() : Object.keys(got))].find((key) => !known.has(key))
    return extra === undefined ? undefined : `${path} has ${extra}`
  }
  const items = Array.isArray(want) ? want : want?.$ === 'tuple' ? want.v : undefined
  if (items !== undefined) {
    if (got?.length !== items.length) return `${path} is no list of ${items.length}`
    return items.map((item, i) => compareState(got[i], item, tolerance, `${path}[${i}]`)).find(Boolean)
  }
  const value = want?.$ === 'float' ? floatOf(want) : want
  return !isTensor(got) && got === value ? undefined : `${path} is ${got}, expected ${value}`
}

/** The two problems that L-BFGS is recorded on, as FORMAT.md's `problem_text` gives them. */
const problems = {
  quadratic(torch, p) {
    const a = [0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((j) => (i === j ? 2 : 0) + 0.25 * Math.sin(i + 2 * j)))
    const b = [0, 1, 2, 3].map((i) => 0.5 * i - 0.7)
    const [matrix, vector] = [torch.tensor(a, { dtype: p.dtype }), torch.tensor(b, { dtype: p.dtype })]
    return () => matrix.mv(p).sub(vector).square().sum()
  },
  rosenbrock(_torch, p) {
    const [x, y] = [p.narrow(0, 0, 3), p.narrow(0, 1, 3)]
    return () => y.sub(x.square()).square().mul(100).add(x.neg().add(1).square()).sum()
  },
}

function runLBFGS(torch, c, Class) {
  const p = parameter(torch, c.out.init[0] ?? c.out.init)
  const optimizer = new Class([p], options(torch, c.kwargs))
  for (let s = 0; s < c.steps; s++) {
    let evaluations = 0
    const loss = optimizer.step(() => {
      evaluations++
      optimizer.zeroGrad()
      const value = problems[c.problem](torch, p)()
      value.backward()
      return value
    })
    const atol = c.step_atol[s]
    if (atol === null) continue
    const tolerance = [0, floatOf(atol) ?? atol]
    const complaint = compareTensor(p, c.out.params[s][0] ?? c.out.params[s], { tolerance })
    if (complaint) return failed(`step ${s}: ${complaint}`)
    // In float32 the last bits decide how often a search near the minimum looks.
    if (c.dtype === 'float64' && evaluations !== c.out.evals[s])
      return failed(`step ${s}: ${evaluations} evaluations, expected ${c.out.evals[s]}`)
    const want = floatOf(c.out.losses[s])
    if (!(Math.abs(loss.item() - want) <= 1e-5 * Math.abs(want) + tolerance[1]))
      return failed(`step ${s}: loss ${loss.item()}, expected ${want}`)
  }
  return passed
}

/** Learning rates, and momenta where they change, step by step, to 1e-12. */
export function runSchedulerCase(torch, c) {
  const [a, b] = [0, 1].map(() => new torch.nn.Parameter(torch.zeros(2)))
  const groups = c.two_groups ? [{ params: [a] }, { params: [b], lr: 0.05 }] : [a, b]
  const optimizer =
    c.optimizer === 'Adam' ? new torch.optim.Adam(groups, { lr: 0.1 }) : new torch.optim.SGD(groups, { lr: 0.1, momentum: 0.9 })
  const scheduler = makeScheduler(torch, optimizer, c.sched, c.kwargs)
  if (scheduler === undefined) return { status: 'missing', reason: `lrScheduler.${c.sched}` }
  const close = (got, want) => Math.abs(got - want) <= 1e-12 * Math.abs(want)
  const compare = (what, k, got) => {
    const want = c.out[what]?.[k]?.map(floatOf)
    return want !== undefined && !(got.length === want.length && got.every((v, i) => close(v, want[i])))
      ? `${what} after ${k} steps are ${got}, expected ${want}`
      : undefined
  }
  for (let k = 0; k <= c.steps; k++) {
    if (k > 0) {
      optimizer.step()
      if (c.sched === 'ReduceLROnPlateau') scheduler.step(floatOf(c.out.metrics[k - 1]))
      else scheduler.step()
    }
    const momenta = optimizer.paramGroups.map((group) => group.momentum ?? group.betas[0])
    const complaint =
      compare(
        'lrs',
        k,
        optimizer.paramGroups.map((group) => group.lr),
      ) ?? compare('momentum', k, momenta)
    if (complaint) return failed(complaint)
  }
  return passed
}

function makeScheduler(torch, optimizer, name, kwargs) {
  const Class = torch.optim.lrScheduler?.[name] ?? torch.optim.swaUtils?.[name]
  if (Class === undefined) return undefined
  const { schedulers, lr_lambda: lambda, ...rest } = kwargs
  const named = options(torch, rest)
  if (schedulers !== undefined) {
    const inner = schedulers.map(([cls, args]) => makeScheduler(torch, optimizer, cls, args))
    return name === 'ChainedScheduler' ? new Class(inner) : new Class(optimizer, inner, named.milestones)
  }
  if (lambda !== undefined) {
    const made = [lambda].flat().map((text) => new Function(`return ${text}`)())
    return new Class(optimizer, Array.isArray(lambda) ? made : made[0], named)
  }
  return new Class(optimizer, named)
}
