/** The table of how much of the conformance suite passes. */

const header = (columns) => `| ${columns.join(' | ')} |\n|${columns.map(() => '---').join('|')}|\n`

/**
 * docs/coverage.md of results per file, `{ section, file, passed, failed, skipped, missing }`, and of the names that flambeau
 * lacks with the number of their cases.
 */
export function coverage(rows, lacking) {
  const sections = [...new Set(rows.map(({ section }) => section))]
  const sum = (section, key) => rows.filter((row) => row.section === section).reduce((n, row) => n + row[key], 0)
  const keys = ['passed', 'failed', 'missing', 'skipped']
  let text = '# Coverage\n\n'
  text +=
    'How many of PyTorch\u2019s recorded answers flambeau gives (`npm run conformance -- --write-coverage` writes this file).\n'
  text += '_missing_: flambeau lacks the function; _skipped_: the case has no spelling in flambeau.\n\n'
  text += header(['section', ...keys])
  for (const section of sections) text += `| ${section} | ${keys.map((key) => sum(section, key)).join(' | ')} |\n`
  for (const section of sections) {
    text += `\n## ${section}\n\n${header(['name', ...keys])}`
    for (const row of rows.filter((r) => r.section === section).sort((a, b) => (a.file < b.file ? -1 : 1)))
      text += `| ${row.file} | ${keys.map((key) => row[key] || '').join(' | ')} |\n`
  }
  text += `\n## Missing\n\n${lacking.map(([name, n]) => `- \`${name}\`: ${n} cases`).join('\n')}\n`
  return text
}
