/** Results do not depend on how many threads compute them, and several Node threads may compute at once. Native engine. */

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, it } from 'vitest'
import type { Tensor } from '../src/index.js'
import * as torch from '../src/index.js'

const threads = torch.getNumThreads()
/** More threads than processors, and often: what depends on who comes first shows only now and then. */
const repetitions = process.env.FLAMBEAU_ISA?.endsWith('-sanitize') ? 6 : 60
afterAll(() => torch.setNumThreads(threads))

const bytesOf = (t: Tensor): Buffer => {
  const array = t.detach().contiguous().toTypedArray()
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength)
}
const leaf = (t: Tensor): Tensor => {
  t.requiresGrad = true
  return t
}
/** The result and the gradients of its inputs, for a gradient that is not the same everywhere. */
function withGradients(call: (...inputs: Tensor[]) => Tensor, ...inputs: Tensor[]): Tensor[] {
  for (const x of inputs) x.grad = null
  const out = call(...inputs)
  out.backward(out.detach().cos())
  return [out, ...inputs.map((x) => x.grad!)]
}

torch.manualSeed(7)
const million = torch.randn(1_000_003)
const rows = leaf(torch.randn(311, 1009))
const wide = torch.randn(1009, 517)
const images = leaf(torch.randn(9, 7, 61, 67))
const kernels = leaf(torch.randn(11, 7, 3, 5))
const bias = leaf(torch.randn(11))
const deep = leaf(torch.randn(6, 30, 47, 53))
const scale = leaf(torch.randn(1009))
const lstm = new torch.nn.LSTM(1009, 70, { bidirectional: true })
const F = torch.nn.functional
const index = torch.randint(0, 5000, [200_003])
const cases: Record<string, () => Iterable<Tensor>> = {
  pointwise: () => [million.exp().add(million.t()).sigmoid(), million.slice(0, 1, null, 3).mul(2), torch.gelu(million)],
  sum: () => [million.sum(), million.double().sum(), million.mean(), million.narrow(0, 0, 999_999).view(-1, 7).sum(0)],
  'extremes and spread': () => [million.max(), million.argmax(), million.std(), million.logsumexp(0), ...rows.detach().max(0)],
  matmul: () => withGradients((x) => x.matmul(wide), rows),
  'matmul, long and thin': () => [million.dot(million), rows.detach().matmul(wide.narrow(1, 0, 1)), wide.t().matmul(wide)],
  conv2d: () => withGradients((x, w, b) => torch.conv2d(x, w, b, { stride: [1, 2], padding: 1 }), images, kernels, bias),
  'conv2d, grouped': () =>
    withGradients(
      (x, w) => torch.conv2d(x.narrow(1, 0, 6), w.narrow(0, 0, 10).narrow(1, 0, 3), null, { groups: 2 }),
      images,
      kernels,
    ),
  maxPool2d: () => withGradients((x) => torch.maxPool2d(x, 3, { stride: 2, padding: 1 }), deep),
  avgPool2d: () =>
    withGradients((x) => torch.nn.functional.avgPool2d(x, 3, { stride: 2, padding: 1, countIncludePad: false }), deep),
  softmax: () => [...withGradients((x) => x.softmax(1), rows), ...withGradients((x) => x.logSoftmax(0), rows)],
  normalisation: () => [
    ...withGradients((x) => F.batchNorm(x, null, null, { training: true }), images),
    ...withGradients((x) => F.batchNorm(x.narrow(1, 0, 3), null, null, { training: true }), images),
    ...withGradients((x) => F.batchNorm(x, null, null, { training: true }), rows),
    ...withGradients((x) => F.groupNorm(x, 5), deep),
    ...withGradients((x, w) => F.layerNorm(x, [1009], w), rows, scale),
  ],
  recurrent: () => withGradients((x) => lstm(x)[0], rows),
  scatterAdd: () => [
    torch.zeros(5000).scatterAdd(0, index, million.narrow(0, 0, 200_003)),
    torch.zeros(5000, 17).indexAdd(0, index.narrow(0, 0, 20_000), million.narrow(0, 0, 340_000).view(20_000, 17)),
    torch.zeros(311, 64).scatterAdd(
      1,
      index
        .narrow(0, 0, 311 * 600)
        .remainder(64)
        .view(311, 600),
      rows.detach(),
    ),
  ],
  'gather and embedding': () => [
    million.gather(0, index),
    torch.embedding(index.narrow(0, 0, 20_000), million.narrow(0, 0, 5000 * 40).view(5000, 40)),
  ],
  crossEntropy: () => withGradients((x) => torch.crossEntropy(x, index.narrow(0, 0, 311).remainder(1009)), rows),
}

describe('the same bits', () => {
  it.each(Object.keys(cases))('%s', (name) => {
    torch.setNumThreads(1)
    const want = [...cases[name]()].map(bytesOf)
    for (let repetition = 0; repetition < repetitions; repetition++) {
      torch.setNumThreads(2 + (repetition % 2))
      const got = [...cases[name]()].map(bytesOf)
      got.forEach((bytes, i) => {
        if (Buffer.compare(bytes, want[i]) !== 0) expect.fail(`result ${i} differs with ${torch.getNumThreads()} threads`)
      })
    }
  })
})

/** What a Node worker runs: the built package on work of its own, answered with a checksum for every round. */
const program = `
  import { parentPort, workerData } from 'node:worker_threads'
  const torch = await import(workerData.entry)
  torch.manualSeed(workerData.seed)
  const x = torch.randn(64, 3, 24, 24)
  const w = torch.randn(8, 3, 3, 3)
  const v = torch.randn(8 * 11 * 11, 33)
  for (let round = 0; round < workerData.rounds; round++) {
    const features = torch.maxPool2d(torch.conv2d(x, w).relu(), 2).view(64, -1)
    parentPort.postMessage(features.matmul(v).softmax(1).mul(round + 1).sum(0).tolist().map(Math.fround))
  }
  parentPort.close()
`
const entry = new URL('../dist/index.js', import.meta.url)
function compute(seed: number, rounds: number): Promise<number[][]> {
  return new Promise((resolve, reject) => {
    const answers: number[][] = []
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`), {
      workerData: { entry: entry.href, seed, rounds },
      execArgv: [],
    })
    worker.on('message', (answer: number[]) => answers.push(answer))
    worker.on('error', reject)
    worker.on('exit', (code) => (code === 0 ? resolve(answers) : reject(new Error(`the worker exited with ${code}`))))
  })
}
/** The same here. */
function* computeHere(seed: number, rounds: number): Generator<number[]> {
  torch.manualSeed(seed)
  const x = torch.randn(64, 3, 24, 24)
  const w = torch.randn(8, 3, 3, 3)
  const v = torch.randn(8 * 11 * 11, 33)
  for (let round = 0; round < rounds; round++) {
    const features = torch.maxPool2d(torch.conv2d(x, w).relu(), 2).view(64, -1)
    yield (
      features
        .matmul(v)
        .softmax(1)
        .mul(round + 1)
        .sum(0)
        .tolist() as number[]
    ).map(Math.fround)
  }
}

describe.skipIf(!existsSync(fileURLToPath(entry)))('Node workers', () => {
  it('compute at the same time as this thread', async () => {
    torch.setNumThreads(3)
    const rounds = 40
    const want = [1, 2, 3].map((seed) => [...computeHere(seed, rounds)])
    const workers = [compute(1, rounds), compute(2, rounds)]
    let done = false
    const both = Promise.all(workers).finally(() => {
      done = true
    })
    // The main thread keeps computing until the workers are through, and lets their messages in now and then.
    while (!done) {
      expect([...computeHere(3, 5)]).toEqual(want[2].slice(0, 5))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await both).toEqual(want.slice(0, 2))
  })
  it('come and go', async () => {
    for (let i = 0; i < 4; i++) expect(await compute(5, 2)).toEqual([...computeHere(5, 2)])
  })
})
