/** `npm start`: reads the command line, picks the engine, then trains. */

import { help, readOptions, UsageError } from './options.js'

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  if (options === null) {
    console.log(help)
    return
  }
  // flambeau chooses its engine while it is imported, so this comes first.
  if (options.engine !== undefined) process.env.FLAMBEAU_ENGINE = options.engine
  const { train } = await import('./train.js').catch((error: Error) => {
    throw new UsageError(error.message)
  })
  await train(options)
}

main().catch((error: unknown) => {
  console.error(error instanceof UsageError ? `mnist: ${error.message.split('\n')[0]}` : error)
  process.exitCode = 1
})
