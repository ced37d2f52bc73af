/** The JSDoc of the source: its comments, what they belong to, and the examples in them. */

import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('../../src', import.meta.url))

export interface Comment {
  /** The file, relative to src, and the line where the comment starts. */
  file: string
  line: number
  /** The text without the stars. */
  text: string
  /** The line of code after it. */
  code: string
}

/** All files of the source. */
export const files: readonly string[] = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replaceAll('\\', '/'))
  .sort()

export const read = (file: string): string => readFileSync(join(source, file), 'utf8')

/** The JSDoc comments of a file. */
export function commentsOf(file: string): Comment[] {
  const text = read(file)
  return [...text.matchAll(/^[ \t]*\/\*\*([\s\S]*?)\*\/[ \t]*\n?(?:[ \t]*\/\/[^\n]*\n)*([^\n]*)/gm)].map((match) => ({
    file,
    line: text.slice(0, match.index).split('\n').length,
    text: match[1]
      .split('\n')
      .map((line) => line.replace(/^\s*\* ?/, ''))
      .join('\n')
      .trim(),
    code: match[2].trim(),
  }))
}

/** The code of a comment's examples. */
export const examplesOf = ({ text }: Comment): string[] =>
  text
    .split(/^@/m)
    .filter((block) => block.startsWith('example'))
    .map((block) => block.slice('example'.length).trim())

const keyword = /^(const|let|var|if|for|while|class|function|async function|import|export|try|throw|type|interface|\}|using)\b/
const assignment = /^[\w.[\]]+\s*([-+*/]|\?\?)?=[^=>]/

/** How far brackets are open behind a line; what is in quotes does not count. */
function depthAfter(line: string, before: number): number {
  const bare = line.replace(/'[^']*'|`[^`]*`|"[^"]*"/g, '').replace(/\/\/.*$/, '')
  let depth = before
  for (const c of bare)
    if ('([{'.includes(c)) depth++
    else if (')]}'.includes(c)) depth--
  return depth
}

/**
 * An example as a program that calls `claim(() => value, text, code)` for each expression with a comment behind it or in the
 * lines below it.
 */
export function programOf(example: string): string {
  const lines = example.split('\n')
  const out: string[] = []
  for (let i = 0; i < lines.length; i++) {
    if (lines[i].trim() === '' || lines[i].trim().startsWith('//')) continue
    const statement = [lines[i]]
    let depth = depthAfter(lines[i], 0)
    while ((depth > 0 || lines[i + 1]?.trim().startsWith('.')) && i + 1 < lines.length) {
      statement.push(lines[++i])
      depth = depthAfter(lines[i], depth)
    }
    const code = statement.join('\n')
    if (keyword.test(code.trim()) || assignment.test(code.trim())) {
      out.push(code)
      continue
    }
    const last = statement.length - 1
    const [, expression, trailing] = /^(.*?)(?:\s+\/\/ (.*))?$/.exec(statement[last])!
    const claims = trailing === undefined ? [] : [trailing]
    while (lines[i + 1]?.trim().startsWith('//')) claims.push(lines[++i].trim().replace(/^\/\/ ?/, ''))
    const value = [...statement.slice(0, last), expression].join('\n').trim().replace(/;$/, '')
    out.push(
      claims.length === 0
        ? `;${value}`
        : `;await claim(async () => (${value}), ${JSON.stringify(claims.join('\n'))}, ${JSON.stringify(value)})`,
    )
  }
  return out.join('\n')
}

export interface PublicExport {
  /** The name users see: `nn.functional.relu`. */
  name: string
  /** Where it is defined, and under what name. */
  file: string
  local: string
}

const resolved = (from: string, path: string): string => posix.join(posix.dirname(from), path).replace(/\.js$/, '.ts')

/** What a file exports at run time and where that is defined, by following its `export … from` lines. */
export function exportsOf(file: string, prefix = ''): PublicExport[] {
  const text = read(file)
  const found: PublicExport[] = []
  const add = (name: string, where: string, local: string): void => {
    found.push({ name: prefix + name, ...origin(where, local) })
  }
  for (const [, space, path] of text.matchAll(/^export \* as (\w+) from '(\..*?)'/gm))
    found.push(...exportsOf(resolved(file, path), `${prefix}${space}.`))
  for (const [, path] of text.matchAll(/^export \* from '(\..*?)'/gm)) found.push(...exportsOf(resolved(file, path), prefix))
  for (const [, list, path] of text.matchAll(/^export \{([^}]*)\}(?: from '(\..*?)')?/gm))
    for (const item of namesIn(list)) add(item.exported, path ? resolved(file, path) : file, item.local)
  for (const [, name] of text.matchAll(/^export (?:async |abstract )*(?:function\*?|const|class) (\w+)/gm)) add(name, file, name)
  const unique = new Map(found.map((item) => [item.name, item]))
  return [...unique.values()]
}

/** `a, type B, c as d` without its types. */
const namesIn = (list: string): { local: string; exported: string }[] =>
  list
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '' && !item.startsWith('type '))
    .map((item) => {
      const [local, exported = local] = item.split(' as ')
      return { local, exported }
    })

/** Where a name that a file exports, or imports and exports again, is defined. */
function origin(file: string, local: string): { file: string; local: string } {
  const text = read(file)
  for (const [, list, path] of text.matchAll(/^(?:export|import) \{([^}]*)\} from '(\..*?)'/gm)) {
    const item = namesIn(list).find(({ exported }) => exported === local)
    if (item) return origin(resolved(file, path), item.local)
  }
  for (const [, list] of text.matchAll(/^export \{([^}]*)\}$/gm)) {
    const item = namesIn(list).find(({ exported }) => exported === local)
    if (item && item.local !== local) return origin(file, item.local)
  }
  return { file, local }
}

/** The comment that documents a definition. */
export const commentOf = ({ file, local }: PublicExport): Comment | undefined =>
  commentsOf(file).find(({ code }) =>
    new RegExp(`^(export )?(default )?(async |abstract |declare )*(function\\*?|const|class|let) ${local}\\b`).test(code),
  )
