/** Python literals read as data: the headers of npy files. */

import { FormatError } from './source.js'

const MAX_DEPTH = 32
/** Whole numbers, as Python 2 wrote them too; strings with no other escapes than of quotes and backslashes. */
const tokens =
  /\s*(?:(-?\d+)L?(?![\w.])|'((?:[^'\\\n]|\\['"\\])*)'|"((?:[^"\\\n]|\\['"\\])*)"|(True|False|None)\b|([{}()[\],:]))/y

/** A tuple, which is not a list. */
export class Tuple {
  constructor(readonly items: readonly unknown[]) {}
}

/**
 * The value of a Python literal: dicts are Maps, tuples `Tuple`s, lists arrays. It is parsed, never executed.
 *
 * @throws FormatError for anything else, and where a dict has a key twice
 */
export function parsePythonLiteral(text: string): unknown {
  let at = 0
  const broken = (): FormatError => new FormatError(`its header is no Python literal at character ${at}`)
  let token: RegExpExecArray | null = null
  const advance = (): void => {
    tokens.lastIndex = at
    token = tokens.exec(text)
    at = token === null ? at : tokens.lastIndex
  }
  const is = (char: string): boolean => token !== null && token[5] === char
  const take = (char: string): void => {
    if (!is(char)) throw broken()
    advance()
  }
  /** Items up to the closing bracket, and whether the last had a comma behind it. */
  const list = (close: string, item: () => void): boolean => {
    advance()
    let comma = true
    while (!is(close)) {
      if (!comma) throw broken()
      item()
      comma = is(',')
      if (comma) advance()
    }
    advance()
    return comma
  }
  const value = (depth: number): unknown => {
    if (token === null || depth > MAX_DEPTH) throw broken()
    const [, digits, single, double, word, bracket] = token as RegExpExecArray
    if (bracket === '{') {
      const dict = new Map<unknown, unknown>()
      list('}', () => {
        const key = value(depth + 1)
        if (dict.has(key)) throw new FormatError(`its header has the key '${key}' twice`)
        take(':')
        dict.set(key, value(depth + 1))
      })
      return dict
    }
    if (bracket === '(' || bracket === '[') {
      const items: unknown[] = []
      const comma = list(bracket === '(' ? ')' : ']', () => items.push(value(depth + 1)))
      if (bracket === '[') return items
      // One value in parentheses is that value.
      return items.length === 1 && !comma ? items[0] : new Tuple(items)
    }
    if (bracket !== undefined) throw broken()
    advance()
    if (digits !== undefined) return Number(digits)
    if (word !== undefined) return word === 'None' ? null : word === 'True'
    return (single ?? double).replace(/\\(.)/g, '$1')
  }
  advance()
  const result = value(0)
  if (token !== null || text.slice(at).trim() !== '') throw broken()
  return result
}
