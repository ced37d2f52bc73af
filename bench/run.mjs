// Times flambeau against the system's PyTorch: the same tasks on the same number of threads, in turn, one run of each after
// the other, so that what else the machine does meets both. Prints the median time of each and the median of the ratios.
//   npm run bench [-- --threads N] [--only text] [--pairs N] [--python path]
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { resnet18 } from '../examples/models/dist/resnet/model.js'
import { TextClassifier } from '../examples/models/dist/text-classifier/model.js'
import { TransformerLM } from '../examples/models/dist/transformer-lm/model.js'
import { UNet } from '../examples/models/dist/unet/model.js'
import * as torch from '../packages/flambeau/dist/index.js'

const { values: options } = parseArgs({
  options: {
    threads: { type: 'string', default: String(torch.getNumThreads()) },
    only: { type: 'string', default: '' },
    pairs: { type: 'string', default: '9' },
    python: { type: 'string', default: process.env.PYTHON ?? '/usr/bin/python3' },
  },
})
torch.setNumThreads(Number(options.threads))
torch.manualSeed(0)

const { nn, optim } = torch

function tasks() {
  const t = new Map()
  for (const n of [64, 128, 256, 512, 1024, 2048]) {
    const [a, b] = [torch.rand(n, n), torch.rand(n, n)]
    t.set(`matmul ${n}`, () => a.matmul(b))
  }
  const [x, y] = [torch.rand(64, 400), torch.rand(120, 400)]
  t.set('linear 64x400x120', () => torch.linear(x, y))
  const [p, q] = [torch.rand(1 << 20), torch.rand(1 << 20)]
  for (const name of ['add', 'mul']) t.set(`${name} 1M`, () => p[name](q))
  for (const name of ['exp', 'tanh', 'sigmoid', 'relu']) t.set(`${name} 1M`, () => p[name]())
  t.set('gelu 1M', () => torch.gelu(p))
  const m = torch.rand(1000, 1000)
  t.set('sum 1M', () => m.sum())
  t.set('sum dim 0', () => m.sum(0))
  t.set('sum dim 1', () => m.sum(1))
  t.set('max dim 1', () => m.max(1))
  const s = torch.rand(256, 1000)
  t.set('softmax 256x1000', () => s.softmax(1))
  t.set('transpose copy 1000x1000', () => m.t().contiguous())
  const [u, v] = [torch.rand(4), torch.rand(4)]
  const w = torch.rand(4, { requiresGrad: true })
  t.set('tiny a.add(b)', () => u.add(v))
  t.set('tiny a.add(b) with grad', () => w.add(v))
  for (const [name, shape, filters, k, padding] of [
    ['64x6x14x14, 16 of 5x5', [64, 6, 14, 14], 16, 5, 0],
    ['16x64x32x32, 64 of 3x3', [16, 64, 32, 32], 64, 3, 1],
  ]) {
    const image = torch.rand(shape, { requiresGrad: true })
    const weight = torch.rand(filters, shape[1], k, k, { requiresGrad: true })
    const gradient = torch.randLike(torch.conv2d(image, weight, null, { padding }))
    t.set(`conv2d ${name}`, () => torch.noGrad(() => torch.conv2d(image, weight, null, { padding })))
    t.set(`conv2d ${name}, forward and backward`, () => {
      torch.conv2d(image, weight, null, { padding }).backward(gradient)
      image.grad = null
      weight.grad = null
    })
  }
  const target = torch.randint(0, 10, [64])
  const training = (model, data, labels = target, logitsOf = (model, data) => model(data)) => {
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.01, momentum: 0.9 })
    const lossOf = new nn.CrossEntropyLoss()
    return () => {
      optimizer.zeroGrad()
      lossOf(logitsOf(model, data), labels).backward()
      optimizer.step()
    }
  }
  const mlp = new nn.Sequential(
    new nn.Linear(784, 512),
    new nn.ReLU(),
    new nn.Linear(512, 256),
    new nn.ReLU(),
    new nn.Linear(256, 10),
  )
  t.set('MLP step, batch 64', training(mlp, torch.rand(64, 784)))
  const lenet = new nn.Sequential(
    new nn.Conv2d(1, 6, 5, { padding: 2 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(6, 16, 5),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Linear(400, 120),
    new nn.ReLU(),
    new nn.Linear(120, 84),
    new nn.ReLU(),
    new nn.Linear(84, 10),
  )
  t.set('LeNet-5 step, batch 64', training(lenet, torch.rand(64, 1, 28, 28)))
  // Made when their turn comes: a run of a few rows need not wait for them.
  const network = (name, make) => {
    let step
    t.set(name, () => {
      step ??= make()
      step()
    })
  }
  network('ResNet-18 step, 16 of 3x32x32', () => training(resnet18(), torch.rand(16, 3, 32, 32), target.at(':16')))
  network('ResNet-18 of width 16 step, 32 of 3x32x32', () =>
    training(resnet18(10, 16), torch.rand(32, 3, 32, 32), target.at(':32')),
  )
  network('U-Net of width 8 step, 16 of 3x48x48', () => {
    const masks = torch.randint(0, 2, [16, 48, 48])
    return training(new UNet(3, 2, { width: 8 }), torch.rand(16, 3, 48, 48), masks)
  })
  network('LSTM classifier step, 64 of 17 to 32 tokens', () => {
    const lengths = torch.arange(64).remainder(16).add(17)
    const tokens = torch.randint(1, 1000, [64, 32]).maskedFill(torch.arange(32).ge(lengths.unsqueeze(1)), 0)
    return training(new TextClassifier(1000, 64, 128, 10), [tokens, lengths], target, (model, data) => model(...data)[0])
  })
  network('Transformer step, 32 of 32 tokens', () => {
    const lm = new TransformerLM(48, { context: 32, embedDim: 64, numHeads: 4, numLayers: 2 })
    const text = torch.randint(0, 48, [32, 33])
    const [given, next] = [text.at(':', ':-1'), text.at(':', '1:').flatten()]
    return training(lm, given, next, (model, data) => model(data).flatten(0, 1))
  })
  return t
}

/** PyTorch in a process of its own, or null where it is not installed. */
async function startPyTorch() {
  const script = fileURLToPath(new URL('pytorch_server.py', import.meta.url))
  const child = spawn(options.python, [script, options.threads], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, OMP_NUM_THREADS: options.threads, OPENBLAS_NUM_THREADS: options.threads },
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const failed = new Promise((resolve) => {
    child.on('error', () => resolve({ done: true }))
    child.on('exit', () => resolve({ done: true }))
  })
  const version = await Promise.race([lines.next(), failed])
  if (version.done) return null
  return {
    version: version.value,
    async time(name, iterations) {
      child.stdin.write(`${name}\t${iterations}\n`)
      return Number((await lines.next()).value)
    },
    stop: () => child.stdin.end(),
  }
}

/** Seconds of so many runs, after as many that bring the caches, the threads and the memory back. */
function time(run, iterations) {
  for (let i = 0; i < iterations; i++) run()
  const start = performance.now()
  for (let i = 0; i < iterations; i++) run()
  return (performance.now() - start) / 1000
}

// OpenBLAS's threads spin for 2^28 cycles when their work is done: neither side is timed while the other's still do.
const rest = () => new Promise((resolve) => setTimeout(resolve, 200))

const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1]
const show = (seconds) =>
  seconds < 1e-6
    ? `${(seconds * 1e9).toFixed(0)} ns`
    : seconds < 1e-3
      ? `${(seconds * 1e6).toFixed(1)} µs`
      : `${(seconds * 1e3).toFixed(2)} ms`

const table = [...tasks()].filter(([name]) => name.includes(options.only))
const pytorch = await startPyTorch()
console.log(`flambeau: ${torch.backend.info()}; PyTorch: ${pytorch?.version ?? 'not installed'}; ${options.threads} thread(s)\n`)
console.log(`${'task'.padEnd(48)}${'flambeau'.padStart(12)}${'PyTorch'.padStart(12)}${'speed-up'.padStart(10)}`)
for (const [name, run] of table) {
  time(run, 3)
  // Runs of some 40 ms, long enough to time and short enough to alternate.
  const once = time(run, 3) / 3
  const iterations = Math.max(1, Math.round(0.04 / once))
  time(run, iterations)
  await pytorch?.time(name, iterations)
  const ours = []
  const theirs = []
  for (let pair = 0; pair < Number(options.pairs); pair++) {
    await rest()
    ours.push(time(run, iterations) / iterations)
    await rest()
    if (pytorch) theirs.push((await pytorch.time(name, iterations)) / iterations)
  }
  const ratio = pytorch ? `${median(ours.map((t, i) => theirs[i] / t)).toFixed(2)}x` : ''
  console.log(
    `${name.padEnd(48)}${show(median(ours)).padStart(12)}${(pytorch ? show(median(theirs)) : '').padStart(12)}${ratio.padStart(10)}`,
  )
}
pytorch?.stop()
