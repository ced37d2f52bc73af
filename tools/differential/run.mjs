/**
 * npm run differential -- [--op name] [--cases N] [--seed S] [--case n] [--from name] [--engine native|wasm|reference]
 *   [--dtypes] [--trace] [--json file]
 *
 * Compares flambeau with the PyTorch 1.13 of /usr/bin/python3 (FLAMBEAU_PYTHON names another) on N mutations of the recorded
 * cases of each op and module. Prints what fails by op, the smallest example of each kind first; `--case` runs one again,
 * `--from` begins at an op. What flambeau alone refuses because of a dtype is only counted, unless `--dtypes` is given.
 * `--trace` names each case before it runs, `--json` writes the failing cases, complete with PyTorch's answers.
 */

import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { filesOf } from '../conformance/format.mjs'
import { runModuleCase } from '../conformance/modules.mjs'
import { runOpCase } from '../conformance/ops.mjs'
import { exclusionOf } from './exclusions.mjs'
import { argumentsOf, mutate, Random } from './mutate.mjs'
import { Oracle } from './oracle.mjs'
import { seedCases } from './seeds.mjs'
import { siblingsOf } from './siblings.mjs'
import { describe } from './specs.mjs'

const { values: options } = parseArgs({
  options: {
    op: { type: 'string' },
    from: { type: 'string' },
    cases: { type: 'string', default: '50' },
    seed: { type: 'string', default: '0' },
    case: { type: 'string' },
    engine: { type: 'string' },
    json: { type: 'string' },
    dtypes: { type: 'boolean' },
    trace: { type: 'boolean' },
  },
})
if (options.engine) process.env.FLAMBEAU_ENGINE = options.engine
const torch = await import('../../packages/flambeau/dist/index.js')
const folder = fileURLToPath(new URL('../../packages/flambeau/test/conformance', import.meta.url))
console.warn = () => {}

/** Recorded cases by the function or module they call, those of its siblings included. */
function seeds() {
  const recorded = new Map()
  for (const section of ['ops', 'ops_extra', 'modules'])
    for (const [, cases] of filesOf(folder, section))
      for (const c of cases) {
        const name = c.cls ?? c.fn
        if (!recorded.has(name)) recorded.set(name, [])
        recorded.get(name).push(c)
      }
  for (const c of seedCases) recorded.set(c.fn, [...(recorded.get(c.fn) ?? []), c])
  const all = new Map()
  for (const [name, cases] of recorded)
    for (const sibling of siblingsOf(name)) all.set(sibling, [...(all.get(sibling) ?? []), ...cases])
  // Own cases come first and weigh as much as all others together.
  for (const [name, cases] of recorded) all.get(name).own = cases
  return all
}

/** Every mutation of a function's cases. */
function questions(name, cases) {
  const seen = argumentsOf(cases.own ?? cases)
  const list = []
  for (let n = 0; n < Number(options.cases); n++) {
    if (options.case !== undefined && n !== Number(options.case)) continue
    const r = new Random(`${options.seed} ${name} ${n}`)
    const seed = r.pick(cases.own && r.chance(0.75) ? cases.own : cases)
    const question = mutate(seed, r, seen)
    if (question === undefined) continue
    if (question.cls) Object.assign(question, { cls: name, lazy: question.lazy || name.includes('Lazy') })
    else if (!question.inplace || seed.inplace) question.fn = seed.fn === question.fn ? name : question.fn
    else question.fn = name.replace(/^(torch(\.special)?|Tensor)\.(\w+)$/, 'Tensor.$3_')
    // A functional that is not asked to any more does not write in place.
    if (question.fn?.startsWith('torch.nn.') && question.kwargs.inplace !== true) delete question.inplace
    if (question.fn !== seed.fn || question.cls !== seed.cls) delete question.undefined
    list.push(Object.assign(question, { id: `${name} --case ${n}`, from: seed.id }))
  }
  return list
}

/** A case as a call in Python. */
function callOf(c) {
  const kwargs = Object.entries(c.kwargs).map(([key, value]) => `${key}=${describe(value)}`)
  const call = `${c.cls ?? c.fn}(${[...c.args.map(describe), ...kwargs].join(', ')})`
  return (
    call +
    (c.inplace ? ' in place' : '') +
    (c.cls ? `(${[...c.inputs, ...Object.values(c.inkwargs)].map(describe).join(', ')})` : '')
  )
}

const smallness = (c) => JSON.stringify([c.args, c.kwargs, c.inputs]).length
/** Failures that only differ in numbers are of one kind. */
/** What only dtypes that one side refuses are about: shown with `--dtypes`. */
const isDtype = (reason) =>
  /not implemented: .* of complex|not implemented for|dtype|scalar type|(supported|supports|inputs?|of type|doesn't handle types)\b.*(complex|integral|floating|bool|Long|Int|Half)/i.test(
    reason,
  ) && /threw/.test(reason)
const kindOf = (reason) =>
  reason
    .replace(/-?\d[\d.e+-]*|NaN|-?Infinity/g, '#')
    .replace(/# of # values differ.*/, 'values differ')
    .slice(0, 90)

const oracle = new Oracle()
const counts = { passed: 0, failed: 0, refused: 0, skipped: 0 }
const failures = []
const skips = new Map()
const skip = (reason) => {
  counts.skipped++
  skips.set(reason, (skips.get(reason) ?? 0) + 1)
}
let started = options.from === undefined
for (const [name, cases] of seeds()) {
  started ||= name === options.from
  if (!started) continue
  if (options.op && name !== options.op && name.split('.').at(-1) !== options.op) continue
  const list = questions(name, cases)
  const byKind = new Map()
  let i = 0
  for await (const { answer, skip: reason } of oracle.answer(list)) {
    if (options.trace) console.error(list[i].id, options.case === undefined ? '' : callOf(list[i]))
    const c = { ...list[i++], grad2: undefined, ...answer }
    if (reason) skip(reason.startsWith('PyTorch has no') ? 'a function that PyTorch lacks' : reason)
    else if (exclusionOf(c)) skip(exclusionOf(c))
    else {
      const result = c.cls ? runModuleCase(torch, c) : runOpCase(torch, c)
      if (result.status === 'missing' || result.status === 'skipped') skip(result.reason)
      else if (result.status === 'passed') counts.passed++
      else if (!options.dtypes && isDtype(result.reason)) counts.refused++
      else {
        counts.failed++
        const kind = kindOf(result.reason)
        if (!byKind.has(kind)) byKind.set(kind, [])
        byKind.get(kind).push({ ...c, reason: result.reason })
        failures.push({ ...c, reason: result.reason })
      }
    }
  }
  for (const found of byKind.values()) {
    found.sort((a, b) => smallness(a) - smallness(b))
    const [c] = found
    console.log(`\n${c.id} (${found.length}x, ${c.mutations}): ${c.reason}\n  ${callOf(c)}`)
  }
}
oracle.close()
for (const [reason, n] of [...skips].sort((a, b) => b[1] - a[1]).slice(0, 20)) console.log(`skipped ${n}: ${reason}`)
if (options.json) writeFileSync(options.json, failures.map((c) => JSON.stringify(c)).join('\n'))
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.refused} refused dtypes, ${counts.skipped} skipped`)
if (counts.failed > 0) process.exitCode = 1
