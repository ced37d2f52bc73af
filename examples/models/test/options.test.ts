import { fileURLToPath } from 'node:url'
import { afterEach, expect, test, vi } from 'vitest'
import { runIfMain, type Values, withDefaults } from '../src/options.js'

const options = {
  batchSize: [32, 'rows per step'],
  lr: [0.1, 'learning rate'],
  fast: [false, 'hurry'],
} as const

const argv = process.argv
afterEach(() => {
  process.argv = argv
  vi.restoreAllMocks()
})

/** What a program is told by its arguments, and what is printed instead. */
async function start(...args: string[]): Promise<{ values: Values<typeof options> | null; printed: string; failed: boolean }> {
  process.argv = ['node', fileURLToPath(import.meta.url), ...args]
  let values: Values<typeof options> | null = null
  const lines: string[] = []
  const print = (text: unknown): void => void lines.push(String(text))
  vi.spyOn(console, 'log').mockImplementation(print)
  vi.spyOn(console, 'error').mockImplementation(print)
  const exit = vi.spyOn(process, 'exit').mockImplementation((() => {}) as typeof process.exit)
  await runIfMain(import.meta.url, 'Does a thing.', options, async (given) => {
    values = given
  })
  return { values, printed: lines.join('\n'), failed: exit.mock.calls.length > 0 }
}

test('options have defaults', async () => {
  expect(withDefaults(options, { lr: 1 })).toEqual({ batchSize: 32, lr: 1, fast: false })
  expect((await start()).values).toEqual({ batchSize: 32, lr: 0.1, fast: false })
  expect((await start('--batch-size', '8', '--lr=0.5', '--fast')).values).toEqual({ batchSize: 8, lr: 0.5, fast: true })
})

test('help lists them', async () => {
  const { values, printed } = await start('--help')
  expect(values).toBeNull()
  expect(printed).toBe(
    'Does a thing.\n\nUsage: node examples/models/dist/test/train.js [options]\n\n' +
      '  --batch-size N    rows per step (32)\n  --lr N            learning rate (0.1)\n  --fast            hurry',
  )
})

test('mistakes are told in a line', async () => {
  for (const [args, text] of [
    [['--lr', 'x'], "test: --lr must be a positive number, but is 'x'"],
    [['--lr', '0'], "test: --lr must be a positive number, but is '0'"],
    [['--batch-size', '1.5'], "test: --batch-size must be a positive integer, but is '1.5'"],
    [['--speed'], "test: Unknown option '--speed' (--help lists the options)"],
  ] as const)
    expect(await start(...args)).toEqual({ values: null, printed: text, failed: true })
})

test('an imported program does not start', async () => {
  const run = vi.fn(async () => {})
  await runIfMain(import.meta.url, '', options, run)
  expect(run).not.toHaveBeenCalled()
})
