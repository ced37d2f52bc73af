/** The programs of the guides in docs/ run, and what their comments claim is what they print. */

import { readdirSync, readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { transformWithEsbuild } from 'vite'
import { describe, expect, test } from 'vitest'
import * as torch from '../src/index.js'
import { programOf } from './support/documentation.js'

const docs = new URL('../../../docs/', import.meta.url)
const squeezed = (text: string): string => text.replace(/\s+/g, '')

async function claim(evaluate: () => Promise<unknown>, text: string, code: string): Promise<void> {
  const value = await evaluate()
  const printed = torch.isTensor(value) ? String(value) : inspect(value, { depth: 9 })
  if (squeezed(printed) !== squeezed(text)) expect(`${code}\n${printed}`).toBe(`${code}\n${text}`)
}

async function run(program: string): Promise<void> {
  const { code } = await transformWithEsbuild(`async () => {\n${program}\n}`, 'guide.ts', { target: 'es2022', sourcemap: false })
  torch.manualSeed(0)
  await new Function('torch', 'claim', `return ${code.trim().replace(/;$/, '')}`)(torch, claim)()
}

for (const file of readdirSync(docs).filter((name) => name.endsWith('.md'))) {
  const text = readFileSync(new URL(file, docs), 'utf8')
  const programs = [...text.matchAll(/^```ts( setup)?\n([\s\S]*?)^```/gm)]
  const setup = programs.find(([, isSetup]) => isSetup)?.[2].replace(/^import .*$/gm, '')
  if (setup === undefined) continue
  describe(file, () => {
    test.each(programs.filter(([, isSetup]) => !isSetup).map(([, , program]) => [program.trim().split('\n')[0], program]))(
      '%s',
      async (_, program) => {
        await run(`${setup}\n${programOf(program)}`)
      },
    )
  })
}
