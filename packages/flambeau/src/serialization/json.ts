/** JSON read strictly: no key twice, nothing nested deeply, nothing after it but space. */

import { FormatError, quoted } from './source.js'

const MAX_DEPTH = 32
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y
const literals = { true: true, false: false, null: null } as const

/**
 * The value of a JSON text; objects are Maps. A number that is not written as a natural one is NaN, since the formats that are
 * read here have no others.
 *
 * @throws FormatError for text that is no JSON, and where an object has a key twice
 */
export function parseJson(text: string): unknown {
  let at = 0
  const broken = (): FormatError =>
    new FormatError(`its header is no valid JSON at character ${at} (InvalidHeaderDeserialization)`)
  const next = (): string => {
    while (at < text.length && ' \n\r\t'.includes(text[at])) at++
    return text[at] ?? ''
  }
  const expect = (char: string): void => {
    if (next() !== char) throw broken()
    at++
  }
  const string = (): string => {
    const start = at
    expect('"')
    for (;;) {
      const end = text.indexOf('"', at)
      if (end < 0) throw broken()
      let slashes = 0
      while (text[end - 1 - slashes] === '\\') slashes++
      at = end + 1
      if (slashes % 2 === 0) break
    }
    try {
      return JSON.parse(text.slice(start, at))
    } catch {
      at = start
      throw broken()
    }
  }
  /** What stands between brackets, separated by commas. */
  const list = (close: string, item: () => void): void => {
    at++
    if (next() === close) at++
    else
      for (;;) {
        item()
        if (next() === close) {
          at++
          return
        }
        expect(',')
      }
  }
  const value = (depth: number): unknown => {
    const char = next()
    if (depth > MAX_DEPTH) throw broken()
    if (char === '"') return string()
    if (char === '{') {
      const object = new Map<string, unknown>()
      list('}', () => {
        next()
        const key = string()
        if (object.has(key)) throw new FormatError(`its header has the key ${quoted(key)} twice (InvalidHeaderDeserialization)`)
        expect(':')
        object.set(key, value(depth + 1))
      })
      return object
    }
    if (char === '[') {
      const array: unknown[] = []
      list(']', () => array.push(value(depth + 1)))
      return array
    }
    for (const [word, meaning] of Object.entries(literals))
      if (text.startsWith(word, at)) {
        at += word.length
        return meaning
      }
    number.lastIndex = at
    const digits = number.exec(text)?.[0]
    if (digits === undefined) throw broken()
    at += digits.length
    return /^\d+$/.test(digits) ? Number(digits) : Number.NaN
  }
  const result = value(0)
  if (next() !== '') throw broken()
  return result
}
