/** The package's types as a strict program sees them that checks the libraries it uses and knows no newer JavaScript than it needs. */

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const program = `
import * as torch from 'flambeau'
import { nn, type Tensor } from 'flambeau'
const model = new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU())
const y: Tensor = model(torch.ones(1, 2))
export const shape: readonly number[] = y.shape
`

test.each(['nodenext', 'bundler'])('types pass without skipLibCheck (%s)', (resolution) => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-consumer-'))
  try {
    mkdirSync(join(folder, 'node_modules', '@flambeau'), { recursive: true })
    const packages = fileURLToPath(new URL('../..', import.meta.url))
    symlinkSync(join(packages, 'flambeau'), join(folder, 'node_modules', 'flambeau'), 'junction')
    symlinkSync(join(packages, 'kernels'), join(folder, 'node_modules', '@flambeau', 'kernels'), 'junction')
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(folder, 'program.ts'), program)
    const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
    const module = resolution === 'nodenext' ? 'nodenext' : 'esnext'
    const options =
      `--strict --noEmit --target es2022 --lib es2022,dom --module ${module} --moduleResolution ${resolution}`.split(' ')
    const { stdout, status } = spawnSync(process.execPath, [compiler, ...options, '--types', '', 'program.ts'], {
      cwd: folder,
      encoding: 'utf8',
    })
    expect([stdout, status]).toEqual(['', 0])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
