import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { runSection, sectionNames } from '../../../tools/conformance/runner.mjs'
import * as torch from '../src/index.js'

// PyTorch's recorded answers (tools/conformance) for everything flambeau has. What fails today is listed by name for each
// engine, and the list can only shrink.
const folder = fileURLToPath(new URL('./conformance', import.meta.url))
const failures = JSON.parse(readFileSync(new URL('./conformance.failures.json', import.meta.url), 'utf8'))
const listed: readonly string[] = failures[process.env.FLAMBEAU_ENGINE!]

describe.each(sectionNames)('%s', (section) => {
  const results = [...runSection(torch, folder, section)]
  const failed = results.filter(({ status }) => status === 'failed')

  test('agrees with PyTorch', () => {
    const unexpected = failed.filter(({ id }) => !listed.includes(`${section} ${id}`))
    expect(unexpected.map(({ id, reason }) => `${id}: ${reason}`)).toEqual([])
    expect(results.some(({ status }) => status === 'passed')).toBe(true)
  })

  test('lists no failure that is gone', () => {
    const stillFailing = failed.map(({ id }) => `${section} ${id}`)
    const gone = listed.filter((name) => name.startsWith(`${section} `) && !stillFailing.includes(name))
    expect(gone.map((name) => `${name} passes: remove it from the list`)).toEqual([])
  })
})
