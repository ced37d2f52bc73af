/** Runs the conformance suite's sections on flambeau. */

import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { filesOf } from './format.mjs'
import { runModuleCase } from './modules.mjs'
import { runOpCase } from './ops.mjs'
import { runOptimizerCase, runSchedulerCase } from './optim.mjs'
import { runPrintingCase, runPromotionCase, runRandomCase } from './sections.mjs'

const sections = {
  ops: runOpCase,
  ops_extra: runOpCase,
  modules: runModuleCase,
  promotion: runPromotionCase,
  rng: runRandomCase,
  printing: runPrintingCase,
  optim: runOptimizerCase,
  lr_scheduler: runSchedulerCase,
}
export const sectionNames = Object.keys(sections)

const holdsCases = (folder) => existsSync(folder) && readdirSync(folder).some((file) => file.endsWith('.jsonl.gz'))

/** Folders of cases right inside this one that no runner is for. */
export const unknownSections = (folder) =>
  readdirSync(resolve(folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !sectionNames.includes(entry.name) && holdsCases(join(folder, entry.name)))
    .map((entry) => entry.name)

/** The sections in a folder, in one that it is, or in the folders inside it: `{ part, section }`, `part` being what holds them. */
export function sectionsIn(folder, depth = 2) {
  const path = resolve(folder)
  if (sectionNames.includes(basename(path)) && holdsCases(path)) return [{ part: dirname(path), section: basename(path) }]
  const here = sectionNames.filter((section) => holdsCases(join(path, section))).map((section) => ({ part: path, section }))
  if (depth === 0 || !existsSync(path)) return here
  const inside = readdirSync(path, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !holdsCases(join(path, entry.name)),
  )
  return [...here, ...inside.flatMap((entry) => sectionsIn(join(path, entry.name), depth - 1))]
}

/**
 * Every case of a section, one result each: `{ section, file, id, status, reason }` with the status `passed`, `failed`,
 * `skipped` (no spelling in flambeau) or `missing` (flambeau lacks the function).
 *
 * @param torch flambeau's namespace.
 * @param folder where the sections lie.
 * @param only an op's name: other files are left out.
 */
export function* runSection(torch, folder, section, only) {
  const run = sections[section]
  for (const [file, cases] of filesOf(folder, section)) {
    for (const c of cases) {
      if (only !== undefined && file !== only && file.split('__')[0] !== only && c.fn !== only) continue
      let result
      try {
        result = run(torch, c)
      } catch (error) {
        result = { status: 'failed', reason: `threw ${error?.stack ?? error}` }
      }
      yield { section, file, id: c.id, ...result }
    }
  }
}
