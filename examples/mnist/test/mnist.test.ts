/** The program of `npm start`, on a few images of its own making. */

import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Tensor } from 'flambeau'
import * as torch from 'flambeau'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Options, readOptions, UsageError } from '../src/options.js'
import { train } from '../src/train.js'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-mnist-'))
const at = (name: string): string => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true }))

/** An IDX file of bytes. */
function writeIdx(name: string, shape: readonly number[], byte: (i: number) => number): void {
  const header = Buffer.alloc(4 + 4 * shape.length)
  header.set([0, 0, 8, shape.length])
  shape.forEach((n, d) => {
    header.writeUInt32BE(n, 4 + 4 * d)
  })
  const bytes = Uint8Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => byte(i))
  writeFileSync(at(name), Buffer.concat([header, bytes]))
}

/** A digit is a bar at a height of its own. */
beforeAll(() => {
  for (const [name, count] of [
    ['train', 320],
    ['t10k', 40],
  ] as const) {
    writeIdx(`${name}-labels-idx1-ubyte`, [count], (i) => i % 10)
    writeIdx(`${name}-images-idx3-ubyte`, [count, 28, 28], (i) => {
      const [image, row] = [Math.floor(i / 784), Math.floor((i % 784) / 28)]
      return Math.floor(row / 2.8) === image % 10 ? 200 + (image % 50) : 0
    })
  }
})

describe('the command line', () => {
  it('has defaults', () => {
    const { epochs, batchSize, checkpoint, resume } = readOptions([])!
    expect({ epochs, batchSize, checkpoint, resume }).toEqual({
      epochs: 3,
      batchSize: 64,
      checkpoint: 'lenet-mnist.pt',
      resume: false,
    })
    expect(readOptions(['--help'])).toBeNull()
  })
  it.each([
    [['--epochs', 'many'], "--epochs must be a positive integer, but is 'many'"],
    [['--lr', '-1'], '--lr'],
    [['--engine', 'steam'], "--engine must be one of native, wasm, reference, but is 'steam'"],
    [['--speed', '9'], '--speed'],
    [['--data', '/nowhere/at/all'], "there is no folder '/nowhere/at/all' (--data)"],
    [['--resume', '--checkpoint', at('none.pt')], `there is no file '${at('none.pt')}' to go on from (--resume)`],
    [['--checkpoint', '/nowhere/at/all.pt'], "there is no folder '/nowhere/at' to save in (--checkpoint)"],
  ])('%j is told apart in one line', (args, message) => {
    expect(() => readOptions(args)).toThrow(UsageError)
    expect(() => readOptions(args)).toThrow(message)
  })
})

describe('training', () => {
  const printed: string[] = []
  const run = async (epochs: number, more: Partial<Options> = {}): Promise<string> => {
    printed.length = 0
    const log = vi.spyOn(console, 'log').mockImplementation((text: string) => void printed.push(text))
    try {
      await train({ ...readOptions(['--data', folder, '--lr', '0.005'])!, epochs, ...more })
    } finally {
      log.mockRestore()
    }
    return printed.join('\n')
  }
  const modelIn = async (name: string): Promise<Record<string, Tensor>> =>
    (await torch.load<{ model: Record<string, Tensor> }>(at(name))).model

  it('learns, saves, and says how Python loads the model', async () => {
    const text = await run(4, { batchSize: 16, checkpoint: at('whole.pt') })
    expect(Number(/accuracy on the 40 test images: (.*) %/.exec(text)![1])).toBeGreaterThan(95)
    expect(text).toContain(`torch.load('${at('whole.pt')}')['model']`)
    expect(Object.keys(await modelIn('whole.pt'))).toContain('features.0.weight')
  })
  it('goes on from a checkpoint, and does nothing where nothing is left to do', async () => {
    await run(1, { checkpoint: at('part.pt') })
    copyFileSync(at('part.pt'), at('first.pt'))
    expect(await run(2, { checkpoint: at('part.pt'), resume: true })).toContain(`going on from ${at('part.pt')} after epoch 1`)
    const [first, second] = [await modelIn('first.pt'), await modelIn('part.pt')]
    expect(second['classifier.6.weight'].equal(first['classifier.6.weight'])).toBe(false)
    expect(await run(2, { checkpoint: at('part.pt'), resume: true })).not.toContain('trained in')
    expect((await modelIn('part.pt'))['classifier.6.weight'].equal(second['classifier.6.weight'])).toBe(true)
  })
  it('tells in one sentence of a checkpoint that is none', async () => {
    writeFileSync(at('junk.pt'), 'junk')
    await expect(run(1, { checkpoint: at('junk.pt'), resume: true })).rejects.toThrow(/^training cannot go on from '.*junk.pt'/)
    await torch.save({ epoch: 1 }, at('other.pt'))
    await expect(run(1, { checkpoint: at('other.pt'), resume: true })).rejects.toThrow(UsageError)
  })
})
