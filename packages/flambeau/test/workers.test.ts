/** Worker threads of a DataLoader, in processes of their own that run what is built: these must also come to an end. */

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

const folder = fileURLToPath(new URL('..', import.meta.url))
const preamble = `
import * as torch from 'flambeau'
import { strict as assert } from 'node:assert'
const { data } = torch
const collect = async (loader) => { const all = []; for await (const batch of loader) all.push(batch); return all }
const threads = () => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort' || name === 'Worker').length
const fixture = new URL('./test/fixtures/datasets.mjs', 'file://' + process.cwd() + '/')
`

/** Runs a program and answers with what it printed last, as JSON. Fails where it does not end within 20 seconds. */
async function run(program: string, engine = 'native'): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', preamble + program], {
    cwd: folder,
    env: { ...process.env, FLAMBEAU_ENGINE: engine, NODE_OPTIONS: '' },
    timeout: 60_000,
  })
  return JSON.parse(stdout.trim().split('\n').at(-1)!)
}

const squares = `
class Squares extends data.Dataset {
  constructor(n) { super(); this.n = n; this.offset = torch.tensor([0.5]) }
  get length() { return this.n }
  at(i) { return { x: torch.full([40, 40], i).add(this.offset), y: i * i, name: 'n' + i } }
}
`

test('is built', () => {
  expect(existsSync(`${folder}/dist/data/worker.js`)).toBe(true)
})

describe.each(['native', 'wasm', 'reference'])('on the %s engine', (engine) => {
  test('batches are the same for any number of workers', async () => {
    const program = `${squares}
      const epoch = async (numWorkers) => {
        torch.manualSeed(3)
        const loader = new data.DataLoader(new Squares(10), { batchSize: 3, shuffle: true, numWorkers })
        const both = [await collect(loader), await collect(loader)].flat()
        return both.map(({ x, y, name }) => [x.shape, x.dtype, x.sum().item(), x.at(0, 0, 0).item(), y.tolist(), name])
      }
      const alone = await epoch(0)
      assert.deepEqual(await epoch(1), alone)
      assert.deepEqual(await epoch(3), alone)
      console.log(JSON.stringify(alone.map(([shape]) => shape[0])))`
    expect(await run(program, engine)).toEqual([3, 3, 3, 1, 3, 3, 3, 1])
  })
})

describe('datasets', () => {
  test('from modules, with private fields and arguments', async () => {
    const program = `
      const set = await data.moduleDataset(fixture, 'Private', 10)
      const parts = new data.Subset(new data.ConcatDataset([set, await data.moduleDataset(fixture, 'later', [[7, 8], [9, 9]])]), [0, 9, 11])
      const loader = new data.DataLoader(parts, { batchSize: null, numWorkers: 2 })
      console.log(JSON.stringify((await collect(loader)).map((v) => v.tolist?.() ?? v)))`
    expect(await run(program)).toEqual([[0, 1], [90, 1], [9, 9]]) // biome-ignore format: short
  })

  test("flambeau's own, arrays, and batches at once", async () => {
    const program = `
      const set = new data.TensorDataset(torch.arange(6).view(3, 2), torch.tensor([true, false, true]))
      const rows = (await collect(new data.DataLoader(set, { batchSize: 2, numWorkers: 2 }))).map(([x, y]) => [x.tolist(), y.tolist()])
      assert.equal(set.tensors[0].sum().item(), 15)
      const empty = await collect(new data.DataLoader([torch.zeros(0, 3)], { numWorkers: 1 }))
      const items = await collect(new data.DataLoader([1, 2, 3], { batchSize: 2, numWorkers: 1, persistentWorkers: true }))
      console.log(JSON.stringify([rows, empty[0].shape, items.map((t) => t.tolist())]))`
    expect(await run(program)).toEqual([
      [[[[0, 1], [2, 3]], [true, false]], [[[4, 5]], [true]]],
      [1, 0, 3],
      [[1, 2], [3]],
    ]) // biome-ignore format: as they lie
  })

  test('streams, shared among workers', async () => {
    const program = `
      const set = await data.moduleDataset(fixture, 'Shared')
      const epoch = async (options) => (await collect(new data.DataLoader(set, { batchSize: 2, ...options }))).map((t) => t.tolist())
      console.log(JSON.stringify([await epoch({}), await epoch({ numWorkers: 2 }), await epoch({ numWorkers: 2, dropLast: true }), await epoch({ numWorkers: 2, batchSize: null })].map((v) => v.flat())))`
    const inTurn = [0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9]
    expect(await run(program.replace('.tolist()', '.tolist?.() ?? t'))).toEqual([
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      inTurn,
      inTurn.slice(0, -1),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    ])
  })

  test('a class of a class, and functions given as options', async () => {
    const program = `
      class Base extends data.Dataset { get length() { return 4 } at(i) { return i + this.plus } }
      class Derived extends Base { constructor() { super(); this.plus = 100 } }
      const options = { collateFn(samples) { return { sum: samples.reduce((a, b) => a + b), seen: globalThis.seen, t: torch.ones(2) } },
        workerInitFn: (id) => { globalThis.seen = [id, data.getWorkerInfo().numWorkers] } }
      const got = await collect(new data.DataLoader(new Derived(), { batchSize: 2, numWorkers: 2, ...options }))
      console.log(JSON.stringify(got.map(({ sum, seen, t }) => [sum, seen, t.tolist()])))`
    expect(await run(program)).toEqual([
      [201, [0, 2], [1, 1]],
      [205, [1, 2], [1, 1]],
    ])
  })

  test('workers have random numbers of their own, from the seed', async () => {
    const program = `
      class Noise extends data.Dataset { get length() { return 4 } at() { return torch.rand(2) } }
      const epoch = async () => { torch.manualSeed(5); return (await collect(new data.DataLoader(new Noise(), { numWorkers: 2 }))).map((t) => t.tolist()) }
      const [a, b] = [await epoch(), await epoch()]
      assert.deepEqual(a, b)
      console.log(JSON.stringify(new Set(a.map(String)).size))`
    expect(await run(program)).toBe(4)
  })
})

describe('memory', () => {
  test('batches are handed over, and what a worker keeps stays whole', async () => {
    const program = `
      class Cached extends data.Dataset {
        constructor() { super(); this.kept = torch.arange(4096) }
        get length() { return 6 }
        at(i) { return this.kept }
      }
      const single = await collect(new data.DataLoader(new Cached(), { batchSize: null, numWorkers: 1 }))
      assert.ok(single.every((t) => t.sum().item() === 4095 * 2048))
      const stacked = await collect(new data.DataLoader(new Cached(), { numWorkers: 1 }))
      assert.ok(stacked.every((t) => t.sum().item() === 4095 * 2048))
      const own = await collect(new data.DataLoader(new Cached(), { batchSize: 2, numWorkers: 1, collateFn: (s) => [s[0], s[1].view(64, 64)] }))
      assert.ok(own.every(([a, b]) => a.sum().item() === b.sum().item()))
      single[0].zero_()
      assert.equal(single[1].sum().item(), 4095 * 2048)
      console.log(JSON.stringify(own.map(([a, b]) => [a.shape, b.shape])[0]))`
    expect(await run(program)).toEqual([[4096], [64, 64]])
  })

  test('received tensors can be used, freed and reused like any other', async () => {
    const program = `
      class Big extends data.Dataset { get length() { return 400 } at(i) { return torch.full([250, 250], i) } }
      let i = 0, peak = 0
      for await (const x of new data.DataLoader(new Big(), { batchSize: 4, numWorkers: 2 })) {
        assert.equal(x.mul(2).sub(x).sum().item(), (4 * i + 1.5 + i * 12) * 62500 + 0)
        i++
        peak = Math.max(peak, torch.memory().live)
      }
      console.log(JSON.stringify([i, peak < 90e6]))`
    expect(await run(program.replace('(4 * i + 1.5 + i * 12) * 62500 + 0', '(16 * i + 6) * 62500'))).toEqual([100, true])
  })
})

describe('failure', () => {
  const caught = `const caught = async (f) => { try { await f() } catch (error) { return error } }`
  test('an error in a worker arrives with its own name, message and stack', async () => {
    const program = `${caught}
      class Broken extends data.Dataset { get length() { return 8 } at(i) { if (i === 5) thisBreaks(); return i } }
      function thisBreaks() { throw new RangeError('bad sample') }
      class Loud extends data.Dataset { get length() { return 8 } at(i) { if (i === 5) throw new RangeError('bad sample ' + i); return i } }
      let seen = 0
      const error = await caught(async () => { for await (const _ of new data.DataLoader(new Loud(), { batchSize: 2, numWorkers: 2 })) seen++ })
      const hint = await caught(() => collect(new data.DataLoader(new Broken(), { batchSize: 2, numWorkers: 2 })))
      console.log(JSON.stringify([seen, error.message, error.cause.name, error.cause.message, error.cause.stack.includes('at Loud.at'), hint.cause.message]))`
    const [seen, message, name, text, stack, hint] = (await run(program)) as [number, string, string, string, boolean, string]
    expect([seen, name, text, stack]).toEqual([2, 'RangeError', 'bad sample 5', true])
    expect(message).toMatch(/^Caught RangeError in DataLoader worker 0\.\nOriginal stack:\nRangeError: bad sample 5\n/)
    expect(hint).toMatch(/^thisBreaks is not defined \(a class or function sent to a worker sees only/)
  })

  test('errors of the start', async () => {
    const program = `${caught}
      const options = { numWorkers: 1, workerInitFn: () => { throw new Error('no start') } }
      const start = await caught(() => collect(new data.DataLoader([1, 2], options)))
      class Hidden extends data.Dataset { #x = 1; get length() { return 1 } at() { return this.#x } }
      const hidden = await caught(() => collect(new data.DataLoader(new Hidden(), { numWorkers: 1 })))
      const bound = await caught(() => collect(new data.DataLoader([1], { numWorkers: 1, collateFn: ((s) => s).bind(null) })))
      const missing = await caught(() => data.moduleDataset(fixture, 'Nothing'))
      console.log(JSON.stringify([start, hidden, bound, missing].map((error) => (error.cause ?? error).message)))`
    const messages = (await run(program)) as string[]
    expect(messages[0]).toBe('no start')
    expect(messages[1]).toMatch('Hidden has private fields, which cannot be sent to a worker: make it with data.moduleDataset')
    expect(messages[2]).toMatch('a bound or built-in function cannot be sent to a worker')
    expect(messages[3]).toMatch("exports no class or function 'Nothing'")
  })

  test('a worker that ends is an error, not a hang', async () => {
    const program = `${caught}
      class Exit extends data.Dataset { get length() { return 8 } at(i) { if (i === 4) process.exit(3); return i } }
      const exit = await caught(() => collect(new data.DataLoader(new Exit(), { numWorkers: 2, persistentWorkers: true })))
      class Throws extends data.Dataset { get length() { return 8 } async at(i) { if (i === 4) { setTimeout(() => { throw new Error('later') }); await new Promise(() => {}) } return i } }
      const later = await caught(() => collect(new data.DataLoader(new Throws(), { numWorkers: 2 })))
      console.log(JSON.stringify([exit.message, later.message]))`
    expect(await run(program)).toEqual([
      'DataLoader worker 0 failed: it exited unexpectedly with code 3',
      'DataLoader worker 0 failed: later',
    ])
  })

  test('a worker that hangs is an error after the timeout', async () => {
    const program = `${caught}
      class Hangs extends data.Dataset { get length() { return 4 } at(i) { while (i === 2); return i } }
      let seen = 0
      const error = await caught(async () => { for await (const _ of new data.DataLoader(new Hangs(), { numWorkers: 1, timeout: 1 })) seen++ })
      console.log(JSON.stringify([seen, error.message]))`
    expect(await run(program)).toEqual([2, 'DataLoader timed out after 1 seconds'])
  })
})

describe('the end', () => {
  test('leaving a loop stops the workers, and persistent ones do not keep the process alive', async () => {
    const program = `
      class Slow extends data.Dataset { get length() { return 1000 } async at(i) { await new Promise((r) => setTimeout(r, 5)); return i } }
      const before = threads()
      for await (const _ of new data.DataLoader(new Slow(), { numWorkers: 2 })) break
      assert.equal(threads(), before)
      const loader = new data.DataLoader(new Slow(), { numWorkers: 2, persistentWorkers: true })
      for await (const _ of loader) break
      let second
      for await (const batch of loader) { second = batch.item(); break }
      const left = new data.DataLoader(new Slow(), { numWorkers: 1 })[Symbol.asyncIterator]()
      await left.next()
      setTimeout(() => console.log('never'), 30_000).unref()
      console.log(JSON.stringify(second))`
    expect(await run(program)).toBe(0)
  })

  test('persistent workers keep their datasets', async () => {
    const program = `
      class Counts extends data.Dataset { constructor() { super(); this.calls = 0 } get length() { return 2 } at() { return ++this.calls } }
      const epochs = async (persistentWorkers) => {
        const loader = new data.DataLoader(new Counts(), { numWorkers: 1, persistentWorkers })
        return [await collect(loader), await collect(loader)].flat().map((t) => t.item())
      }
      console.log(JSON.stringify([await epochs(true), await epochs(false)]))`
    expect(await run(program)).toEqual([
      [1, 2, 3, 4],
      [1, 2, 1, 2],
    ])
  })
})

test('workers compute in their own thread and leave the pool of the others alone', async () => {
  const program = `
    class Threads extends data.Dataset { get length() { return 1 } at() { return torch.getNumThreads() } }
    torch.setNumThreads(2)
    const [inside] = await collect(new data.DataLoader(new Threads(), { numWorkers: 1 }))
    console.log(JSON.stringify([inside.item(), torch.getNumThreads()]))`
  expect(await run(program)).toEqual([1, 2])
})
