/** Every function and class that users see is documented: one sentence, and an example. */

import { expect, test } from 'vitest'
import * as torch from '../src/index.js'
import { commentOf, examplesOf, exportsOf } from './support/documentation.js'

const exported = exportsOf('index.ts')
const valueOf = (name: string): unknown =>
  name.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown>)?.[key], torch)
const callable = exported.filter(({ name }) => typeof valueOf(name) === 'function')

test('the exports found in the source are those at run time', () => {
  const names = (space: object, prefix: string): string[] =>
    Object.entries(space).flatMap(([key, value]) =>
      typeof value === 'object' && value !== null && value[Symbol.toStringTag] === 'Module'
        ? names(value, `${prefix}${key}.`)
        : [prefix + key],
    )
  expect(exported.map(({ name }) => name).sort()).toEqual(names(torch, '').sort())
})

test('every function and class has a summary', () => {
  const without = callable.filter((item) => !commentOf(item)?.text.trim())
  expect(without.map(({ name, file }) => `${name} (${file})`)).toEqual([])
})

test('every function and class has an example', () => {
  const without = callable.filter((item) => {
    const comment = commentOf(item)
    return comment === undefined || examplesOf(comment).length === 0
  })
  expect(without.map(({ name, file }) => `${name} (${file})`)).toEqual([])
})
