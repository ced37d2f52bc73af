/** Every `@example` of the source runs, and what its comments claim is what it prints. */

import { inspect } from 'node:util'
import { transformWithEsbuild } from 'vite'
import { describe, expect, test, vi } from 'vitest'
import * as torch from '../src/index.js'
import { type Comment, commentsOf, examplesOf, files, programOf } from './support/documentation.js'

const { nn, optim, data, autograd } = torch
const names = { torch, nn, optim, data, autograd, F: nn.functional }

/** What is printed may be spaced in any way: a matrix may stand on one line. */
const squeezed = (text: string): string => text.replace(/\s+/g, '')
async function claim(evaluate: () => Promise<unknown>, text: string, code: string): Promise<void> {
  const printed = await evaluate().then(
    (value) => (torch.isTensor(value) ? [String(value)] : [inspect(value, { depth: null, maxArrayLength: null }), String(value)]),
    (error: Error) => [`${error.name}: ${error.message}`],
  )
  if (!printed.some((shown) => squeezed(shown) === squeezed(text))) expect(`${code}\n${printed[0]}`).toBe(`${code}\n${text}`)
}

async function run(example: string, own: object = {}): Promise<void> {
  const free = { ...names, ...own }
  const { code } = await transformWithEsbuild(`async () => {\n${programOf(example)}\n}`, 'example.ts', {
    target: 'es2022',
    sourcemap: false,
  })
  torch.manualSeed(0)
  const make = new Function(...Object.keys(free), 'claim', `return ${code.trim().replace(/;$/, '')}`)
  await make(...Object.values(free), claim)()
}

/** Files that no user sees: their own exports are free names of their examples too. */
const isInternal = (file: string): boolean => /^(core|ir|backends)\//.test(file)
const nameOf = ({ line, code }: Comment): string => `line ${line}: ${code.slice(0, 60)}`

for (const file of files) {
  const comments = commentsOf(file).filter((comment) => examplesOf(comment).length > 0)
  if (comments.length > 0)
    describe(file, () => {
      test.each(comments.map((comment) => [nameOf(comment), comment] as const))('%s', async (_, comment) => {
        const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
        try {
          const own = isInternal(file) ? await import(/* @vite-ignore */ new URL(`../src/${file}`, import.meta.url).href) : {}
          for (const example of examplesOf(comment)) await run(example, own)
        } finally {
          warn.mockRestore()
        }
      })
    })
}

test('a false claim is noticed', async () => {
  await expect(run('torch.tensor([1]).add(1).item() // 3')).rejects.toThrow()
  await expect(run('torch.tensor([1, 2])\n// tensor([1., 3.])')).rejects.toThrow()
  await run('torch.tensor([1, 2])\n// tensor([1., 2.])')
})
