/** The command line of a program: numbers and switches by name, with their defaults and what they are. */

import { realpathSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/** Each option of a program with its default and a line of help. */
export type Options = Readonly<Record<string, readonly [preset: number | boolean, help: string]>>
/** What a program with these options is told. */
export type Values<O extends Options> = { [K in keyof O]: O[K][0] extends boolean ? boolean : number }

/** What is given, and the defaults of all else. */
export function withDefaults<const O extends Options>(options: O, given: Partial<Values<O>>): Values<O> {
  const presets = Object.fromEntries(Object.entries(options).map(([name, [preset]]) => [name, preset]))
  return { ...(presets as Values<O>), ...given }
}

/** A mistake of the user's: told in one line, without a stack trace. */
class UsageError extends Error {}

/** Runs a program as its arguments say, if it is the file that Node was started with. */
export async function runIfMain<O extends Options>(
  url: string,
  about: string,
  options: O,
  run: (values: Values<O>) => Promise<unknown>,
): Promise<void> {
  const file = fileURLToPath(url)
  if (process.argv[1] === undefined || realpathSync(process.argv[1]) !== file) return
  const name = basename(dirname(file))
  try {
    const values = readOptions(options, process.argv.slice(2))
    if (values === null) console.log(helpOf(name, about, options))
    else await run(values)
  } catch (error) {
    console.error(error instanceof UsageError ? `${name}: ${error.message}` : error)
    // A bar that is not at its end would keep the process alive.
    process.exit(1)
  }
}

const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

function helpOf(name: string, about: string, options: Options): string {
  const lines = Object.entries(options).map(([option, [preset, help]]) => {
    const flag = typeof preset === 'boolean' ? `--${dashed(option)}` : `--${dashed(option)} N`
    return `  ${flag.padEnd(18)}${help}${typeof preset === 'boolean' ? '' : ` (${preset})`}`
  })
  return [about, '', `Usage: node examples/models/dist/${name}/train.js [options]`, '', ...lines].join('\n')
}

/** Reads the arguments; null asks for help. @throws UsageError */
function readOptions<O extends Options>(options: O, args: string[]): Values<O> | null {
  const given = parse(options, args)
  if (given.help === true) return null
  const values: Record<string, number | boolean> = {}
  for (const [name, [preset]] of Object.entries(options)) {
    const text = given[dashed(name)]
    const value = typeof text === 'string' ? Number(text) : (text ?? preset)
    const isWhole = Number.isSafeInteger(preset)
    if (typeof value === 'number' && !(value > 0 && (isWhole ? Number.isSafeInteger(value) : value < Infinity)))
      throw new UsageError(`--${dashed(name)} must be a positive ${isWhole ? 'integer' : 'number'}, but is '${text}'`)
    values[name] = value
  }
  return values as Values<O>
}

function parse(options: Options, args: string[]): Record<string, string | boolean | undefined> {
  const kinds = Object.entries(options).map(
    ([name, [preset]]) => [dashed(name), { type: typeof preset === 'boolean' ? 'boolean' : 'string' }] as const,
  )
  try {
    return parseArgs({ args, options: { ...Object.fromEntries(kinds), help: { type: 'boolean', short: 'h' } } }).values
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split(/\. /)[0]} (--help lists the options)`)
  }
}
