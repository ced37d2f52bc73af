import { expect, expectTypeOf, test } from 'vitest'
import { type Arguments, readArguments } from '../src/core/arguments.js'

interface Options {
  offset?: number
  dim?: number | readonly number[]
  keepdim?: boolean
}
const read = (...args: Arguments<[offset: number, dim: number | readonly number[]], Options>): Options =>
  readArguments<Options>('f', args, ['offset', 'dim'], ['keepdim'])

test('arguments come by position, by name, or both', () => {
  expect(read()).toEqual({})
  expect(read(1)).toEqual({ offset: 1 })
  expect(read(1, [2, 3])).toEqual({ offset: 1, dim: [2, 3] })
  expect(read({ dim: 2, keepdim: true })).toEqual({ dim: 2, keepdim: true })
  expect(read(1, { dim: 2 })).toEqual({ offset: 1, dim: 2 })
  expect(read(1, [2], { keepdim: false })).toEqual({ offset: 1, dim: [2], keepdim: false })
  expect(read(undefined, 2)).toEqual({ offset: undefined, dim: 2 })
})

test('what cannot be read is refused in Python’s words', () => {
  // @ts-expect-error an unknown name
  expect(() => read({ axis: 1 })).toThrow("f() got an unexpected keyword argument 'axis'")
  expect(() => read(1, { offset: 2 })).toThrow("f() got multiple values for argument 'offset'")
  // @ts-expect-error one argument too many
  expect(() => read(1, 2, 3)).toThrow('f() takes at most 2 arguments with defaults but 3 were given')
  expectTypeOf(read).parameter(0).toEqualTypeOf<number | Options | undefined>()
})
