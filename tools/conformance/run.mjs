/**
 * npm run conformance [-- <folder>] [--op name] [--section name] [--engine native|wasm|reference]
 *
 * Compares flambeau with PyTorch's recorded answers, by default those in packages/flambeau/test/conformance. Prints what
 * fails, one line per op, what flambeau lacks, and last of all `N passed, N failed, N skipped`.
 */

import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runSection, sectionNames } from './runner.mjs'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    op: { type: 'string' },
    section: { type: 'string' },
    engine: { type: 'string' },
    quiet: { type: 'boolean' },
  },
})
if (options.engine) process.env.FLAMBEAU_ENGINE = options.engine
const torch = await import('../../packages/flambeau/dist/index.js')
const folder = positionals[0] ?? fileURLToPath(new URL('../../packages/flambeau/test/conformance', import.meta.url))
const chosen = options.section ? [options.section] : sectionNames

const count = () => ({ passed: 0, failed: 0, skipped: 0, missing: 0 })
const summary = (n) =>
  Object.entries(n)
    .filter(([, k]) => k > 0)
    .map(([status, k]) => `${k} ${status}`)
    .join(', ')
const total = count()
const absent = new Set()

console.log(torch.backend.info())
for (const section of chosen) {
  const perSection = count()
  const perFile = new Map()
  for (const { file, id, status, reason } of runSection(torch, folder, section, options.op)) {
    if (!perFile.has(file)) perFile.set(file, count())
    for (const n of [total, perSection, perFile.get(file)]) n[status]++
    if (status === 'failed') console.log(`FAILED ${id}: ${reason}`)
    if (status === 'missing') absent.add(reason)
  }
  if (!options.quiet)
    for (const [file, n] of perFile) if (n.passed + n.failed > 0) console.log(`${section}/${file}: ${summary(n)}`)
  console.log(`== ${section}: ${summary(perSection)}`)
}
if (absent.size > 0) console.log(`missing (${absent.size}): ${[...absent].sort().join(' ')}`)
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped + total.missing} skipped`)
if (total.failed > 0) process.exitCode = 1
