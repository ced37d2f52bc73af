/** A run that is killed at random moments ends with the weights of one that is not. */

import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-resume-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** What the program prints until it ends, or is killed so many milliseconds after its first step. */
function run(file: string, killAfter?: number): Promise<string[]> {
  const program = fileURLToPath(new URL('../dist/main.js', import.meta.url))
  const child = spawn(process.execPath, [program, join(folder, file)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    if (text === '' && killAfter !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfter)
    text += part
  })
  return new Promise((resolve) => child.on('close', () => resolve(text.trim().split('\n'))))
}

it('ends with the same weights, bit for bit', async () => {
  const whole = await run('whole.pt')
  expect(whole.at(-1)).toMatch(/^weights [0-9a-f]{64}$/)
  const wasted: number[] = []
  let last: string | undefined
  while (!last?.startsWith('weights')) {
    const printed = await run('killed.pt', wasted.length < 4 ? Math.random() * 60 : undefined)
    last = printed.at(-1)
    wasted.push(printed.length)
  }
  // It was killed more than once, and went on rather than anew.
  expect(wasted.length).toBeGreaterThan(1)
  expect(wasted.at(-1)).toBeLessThan(whole.length)
  expect(last).toBe(whole.at(-1))
  expect(
    readdirSync(folder)
      .filter((name) => name.endsWith('.pt'))
      .sort(),
  ).toEqual(['killed.pt', 'whole.pt'])
})
