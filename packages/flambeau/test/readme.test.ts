/** The README's program does what its comments say. */

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { Tensor } from '../src/index.js'
import * as torch from '../src/index.js'

it('the first program of the README learns the circle', () => {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
  const program = /```ts\n(.*?)```/s.exec(readme)![1]
  expect(program.trim().split('\n').length).toBeLessThanOrEqual(15)
  torch.manualSeed(0)
  const printed: Tensor[] = []
  // The program imports the package by name; here it is handed over.
  const body = program.replace(/^import .*$/m, '')
  new Function('torch', 'console', body)(torch, { log: (t: Tensor) => printed.push(t) })
  const [inside, outside] = printed[0].tolist().flat()
  expect(inside).toBeGreaterThan(0.8)
  expect(outside).toBeLessThan(0.2)
  expect(String(printed[0])).toMatch(/^tensor\(\[\[.*\],\n {8}\[.*\]\], grad_fn=<SigmoidBackward0>\)$/)
})
