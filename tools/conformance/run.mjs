/**
 * npm run conformance [-- <folder>] [--op name] [--section name] [--engine native|wasm|reference] [--quiet] [--write-coverage]
 *
 * Compares flambeau with PyTorch's recorded answers, by default those in packages/flambeau/test/conformance; a folder may
 * hold sections, be one, or hold folders that do. Prints what fails, one line per op, why cases are skipped, what flambeau
 * lacks, and last of all `N passed, N failed, N skipped`. A case whose function is one that flambeau is to have
 * (tools/names/wanted.mjs, `core`) fails where it is missing. `--write-coverage` writes docs/coverage.md.
 */

import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { core } from '../names/wanted.mjs'
import { coverage } from './coverage.mjs'
import { runSection, sectionsIn, unknownSections } from './runner.mjs'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    op: { type: 'string' },
    section: { type: 'string' },
    engine: { type: 'string' },
    quiet: { type: 'boolean' },
    'write-coverage': { type: 'boolean' },
  },
})
if (options.engine) process.env.FLAMBEAU_ENGINE = options.engine
const torch = await import('../../packages/flambeau/dist/index.js')
const folder = positionals[0] ?? fileURLToPath(new URL('../../packages/flambeau/test/conformance', import.meta.url))
const found = sectionsIn(folder).filter(({ section }) => options.section === undefined || section === options.section)
if (found.length === 0) {
  console.error(`no section${options.section ? ` '${options.section}'` : ''} in ${folder}`)
  process.exit(2)
}

const count = () => ({ passed: 0, failed: 0, skipped: 0, missing: 0 })
const summary = (n) =>
  Object.entries(n)
    .filter(([, k]) => k > 0)
    .map(([status, k]) => `${k} ${status}`)
    .join(', ') || 'nothing'
const total = count()
const lacking = new Map()
const reasons = new Map()
const add = (map, key) => map.set(key, (map.get(key) ?? 0) + 1)
const rows = []

console.log(torch.backend.info())
for (const { part, section } of found) {
  const perSection = count()
  const perFile = new Map()
  for (const { file, id, status, reason } of runSection(torch, part, section, options.op)) {
    if (!perFile.has(file)) perFile.set(file, count())
    for (const n of [total, perSection, perFile.get(file)]) n[status]++
    if (status === 'failed') console.log(`FAILED ${id}: ${reason}`)
    if (status === 'missing') add(lacking, reason)
    if (status === 'skipped') add(reasons, reason)
  }
  for (const [file, n] of perFile) {
    rows.push({ section, file, ...n })
    if (!options.quiet) console.log(`${section}/${file}: ${summary(n)}`)
  }
  console.log(`== ${section}: ${summary(perSection)}`)
}
const others = unknownSections(folder)
if (options.section === undefined && others.length > 0) console.log(`sections that this tool does not run: ${others.join(', ')}`)
for (const [reason, n] of reasons) console.log(`skipped ${n}: ${reason}`)
const entries = [...lacking].sort(([a], [b]) => (a < b ? -1 : 1))
const wanted = entries.filter(([name]) => core.includes(name) || core.includes(name.replace(/_$/, '')))
const unwanted = entries.filter((entry) => !wanted.includes(entry))
const list = (items) => items.map(([name, n]) => `${name} (${n})`).join(', ')
if (wanted.length > 0) console.log(`missing, counted as failed (${wanted.length}): ${list(wanted)}`)
if (unwanted.length > 0) console.log(`missing, counted as skipped (${unwanted.length}): ${list(unwanted)}`)
if (options['write-coverage'])
  writeFileSync(fileURLToPath(new URL('../../docs/coverage.md', import.meta.url)), coverage(rows, entries))

const failed = total.failed + wanted.reduce((n, [, cases]) => n + cases, 0)
const skipped = total.skipped + unwanted.reduce((n, [, cases]) => n + cases, 0)
console.log(`${total.passed} passed, ${failed} failed, ${skipped} skipped`)
if (failed > 0) process.exitCode = 1
