/** Runs the conformance suite's sections on flambeau. */

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
