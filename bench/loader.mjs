// Times an epoch of training whose samples cost more to make than the step on them, without workers and with some, in turn.
// Prints the median of the ratios: what workers are worth.
//   node bench/loader.mjs [--workers N] [--pairs N] [--samples N] [--engine native|wasm]
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: {
    workers: { type: 'string', default: '2' },
    pairs: { type: 'string', default: '7' },
    samples: { type: 'string', default: '128' },
    engine: { type: 'string' },
  },
})
if (options.engine) process.env.FLAMBEAU_ENGINE = options.engine
const torch = await import('../packages/flambeau/dist/index.js')
const { data, nn, optim } = torch
torch.manualSeed(0)
torch.setNumThreads(1)

/** Pictures that are made brighter, blurred and normalised, element by element: about a millisecond each. */
class Pictures extends data.Dataset {
  constructor(length) {
    super()
    this.length = length
  }
  at(i) {
    const size = 96
    const noise = torch.rand(3, size, size)
    const pixels = noise.toTypedArray()
    for (let round = 0; round < 8; round++)
      for (let k = 1; k < pixels.length - 1; k++) pixels[k] = (pixels[k - 1] + 2 * pixels[k] + pixels[k + 1]) / 4
    return [torch.fromTypedArray(pixels, [3, size, size]).sub(0.5).div(0.25), i % 10]
  }
}

const model = new nn.Sequential(
  new nn.Conv2d(3, 8, 5, { stride: 4 }),
  new nn.ReLU(),
  new nn.Flatten(),
  new nn.Linear(8 * 23 * 23, 10),
)
const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 })
const lossOf = new nn.CrossEntropyLoss()

async function epoch(loader) {
  const start = performance.now()
  let training = 0
  for await (const [x, y] of loader) {
    const begun = performance.now()
    optimizer.zeroGrad()
    lossOf(model(x), y).backward()
    optimizer.step()
    training += performance.now() - begun
  }
  return { all: performance.now() - start, training }
}

const set = new Pictures(Number(options.samples))
const common = { batchSize: 16, shuffle: true }
const alone = new data.DataLoader(set, common)
const helped = new data.DataLoader(set, { ...common, numWorkers: Number(options.workers), persistentWorkers: true })
// Both once, so that neither pays for its start.
await epoch(alone)
await epoch(helped)

const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1]
const ratios = []
const shares = []
for (let pair = 0; pair < Number(options.pairs); pair++) {
  const without = await epoch(alone)
  const withWorkers = await epoch(helped)
  ratios.push(without.all / withWorkers.all)
  shares.push(without.training / without.all)
}
console.log(torch.backend.info())
console.log(
  `${options.workers} workers: an epoch is ${median(ratios).toFixed(2)} times as fast as without (${ratios.map((r) => r.toFixed(2)).join(' ')})`,
)
console.log(`without workers ${(100 * median(shares)).toFixed(0)} % of the time is the training step`)
