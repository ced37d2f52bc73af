/**
 * node tools/differential/keep.mjs failures.json
 *
 * Adds cases that failed once (`npm run differential -- --json failures.json`) and pass now to what the tests keep of them:
 * packages/flambeau/test/fixtures/differential.jsonl.gz. Of each function, the smallest few of each kind.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import * as torch from '../../packages/flambeau/dist/index.js'
import { runModuleCase } from '../conformance/modules.mjs'
import { runOpCase } from '../conformance/ops.mjs'
import { exclusionOf } from './exclusions.mjs'

const path = fileURLToPath(new URL('../../packages/flambeau/test/fixtures/differential.jsonl.gz', import.meta.url))
const read = (text) => text.split('\n').filter(Boolean).map(JSON.parse)
const kept = existsSync(path) ? read(gunzipSync(readFileSync(path)).toString()) : []
const passes = (c) => (c.cls ? runModuleCase : runOpCase)(torch, c).status === 'passed'
const kind = (c) => `${c.cls ?? c.fn} ${c.reason.replace(/[\d.e+-]+/g, '#').slice(0, 60)}`

const seen = new Map(kept.map((c) => [JSON.stringify([c.fn, c.cls, c.args, c.kwargs, c.inputs]), c]))
const found = process.argv.slice(2).flatMap((file) => read(readFileSync(file, 'utf8')))
found.sort((a, b) => JSON.stringify(a).length - JSON.stringify(b).length)
const counts = new Map()
for (const c of found) {
  const n = counts.get(kind(c)) ?? 0
  const key = JSON.stringify([c.fn, c.cls, c.args, c.kwargs, c.inputs])
  if (n >= 2 || seen.has(key) || JSON.stringify(c).length > 20_000 || exclusionOf(c) || !passes(c)) continue
  counts.set(kind(c), n + 1)
  const { op: _op, variant: _variant, mutations: _mutations, from: _from, seed: _seed, ...rest } = c
  seen.set(key, rest)
  console.log(`${c.id}: ${c.reason}`)
}
const lines = [...seen.values()].map((c) => JSON.stringify(c)).join('\n')
writeFileSync(path, gzipSync(lines, { level: 9 }))
console.log(`${seen.size} cases`)
