import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { namesTable } from '../../../tools/names/table.mjs'
import * as torch from '../src/index.js'

test('docs/pytorch-names.md lists what there is: `npm run names` writes it anew', () => {
  const file = readFileSync(new URL('../../../docs/pytorch-names.md', import.meta.url), 'utf8')
  expect(file).toBe(namesTable(torch))
})
