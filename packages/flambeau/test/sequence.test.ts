/** Normalisation, recurrent and attention layers against recorded ones of PyTorch (tools/fixtures/sequence.py). */

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { compareTensor, pairLeaves } from '../../../tools/conformance/compare.mjs'
import { tensorOf, valueOf } from '../../../tools/conformance/format.mjs'
import { makeModule, runModuleCase } from '../../../tools/conformance/modules.mjs'
import * as torch from '../src/index.js'
import type { Json } from './support/python.js'

const { nn } = torch
const cases: Json[] = gunzipSync(readFileSync(new URL('./fixtures/sequence.jsonl.gz', import.meta.url)))
  .toString()
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line))

describe.each(cases.map((c): [string, Json] => [c.id, c]))('%s', (_, c) => {
  test('starts with the same numbers', () => {
    torch.manualSeed(c.seed)
    const state = makeModule(torch, c)!.stateDict()
    expect(Object.keys(state)).toEqual(c.init.map(([name]: Json) => name))
    for (const [name, spec] of c.init) expect(compareTensor(state[name], spec, { tolerance: [0, 0] }), name).toBeUndefined()
  })

  test.runIf(c.kind === 'module' && c.run_seed === undefined)('computes the same', () => {
    expect(runModuleCase(torch, c)).toEqual({ status: 'passed' })
  })

  test.runIf(c.kind === 'packed' || c.run_seed !== undefined)('computes the same, packed or after a seed', () => {
    const module: Json = makeModule(torch, c)
    module.loadStateDict(Object.fromEntries(c.state.map(([name, spec]: Json) => [name, tensorOf(torch, spec)])))
    const args: Json[] = valueOf(torch, c.inputs)
    const kwargs = Object.fromEntries(
      Object.entries(c.inkwargs).map(([key, v]) => [key.replace(/_([a-z])/g, (_, l) => l.toUpperCase()), valueOf(torch, v)]),
    )
    if (c.run_seed !== undefined) torch.manualSeed(c.run_seed)
    const run = (): Json => {
      if (c.kind !== 'packed') return module(...args, ...(Object.keys(kwargs).length > 0 ? [kwargs] : []))
      const { batchFirst } = module
      const packed = nn.utils.rnn.packPaddedSequence(args[0], c.lengths, { batchFirst, enforceSorted: false })
      const [output, hidden] = module(packed, ...args.slice(1))
      return [nn.utils.rnn.padPackedSequence(output, { batchFirst })[0], hidden]
    }
    const leaves = pairLeaves(run(), c.out)
    let loss = torch.zeros()
    for (const [i, { got, want }] of leaves.entries()) {
      if (want === null) expect(got).toBeNull()
      else expect(compareTensor(got, want, { tolerance: c.tol }), `result ${i}`).toBeUndefined()
      if (c.w[i]) loss = loss.add(got.mul(tensorOf(torch, c.w[i])).sum())
    }
    loss.backward()
    const given: Json = { args, kwargs }
    for (const { path, t } of c.input_grads) {
      const input = path.split('.').reduce((v: Json, key: string) => v[key], given)
      if (t !== null) expect(compareTensor(input.grad, t, { tolerance: c.gtol }), path).toBeUndefined()
    }
    const parameters = Object.fromEntries(module.namedParameters())
    for (const [name, t] of c.param_grads)
      if (t !== null) expect(compareTensor(parameters[name].grad, t, { tolerance: c.gtol }), name).toBeUndefined()
  })
})
