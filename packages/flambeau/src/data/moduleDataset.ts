/** Datasets that workers make anew from a module. */

import type { AnyDataset } from './dataset.js'
import { makeFrom, recipes } from './transfer.js'

/**
 * A dataset made by an export of a module, a class or a function, from arguments. A DataLoader's workers import the module and
 * make it again, so it may use whatever it likes: imports, private fields, open files.
 *
 * @throws TypeError where the module has no such export
 * @example
 * const source = 'export class Squares { length = 4; at(i) { return i * i } }'
 * const set = await data.moduleDataset(`data:text/javascript,${encodeURIComponent(source)}`, 'Squares')
 * set.at(3) // 9
 */
export async function moduleDataset<D extends AnyDataset<unknown> = import('./dataset.js').Dataset>(
  url: string | URL,
  exportName: string,
  ...args: unknown[]
): Promise<D> {
  const href = String(url)
  if (!URL.canParse(href))
    throw new TypeError(`moduleDataset needs an absolute URL such as new URL('./x.js', import.meta.url), but got '${href}'`)
  const dataset = (await makeFrom(href, exportName, args)) as D
  recipes.set(dataset, { url: href, name: exportName, args })
  return dataset
}
