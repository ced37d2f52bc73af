/** Training, evaluation, and what they print. */

import { SingleBar } from 'cli-progress'
import * as torch from 'flambeau'
import { data, nn, optim, type Tensor } from 'flambeau'
import { Checkpoint } from './checkpoint.js'
import { drawPredictions } from './draw.js'
import { type Mnist, readMnist } from './mnist.js'
import { LeNet } from './model.js'
import type { Options } from './options.js'

/** Trains a LeNet as the options say and prints how well it reads the test images. */
export async function train(options: Options): Promise<void> {
  const { epochs, batchSize, lr, seed, threads, resume } = options
  const mnist = readMnist(options.data)
  if (threads !== undefined) torch.setNumThreads(threads)
  torch.manualSeed(seed)
  const model = new LeNet()
  const size = model.parameters().reduce((n, parameter) => n + parameter.numel(), 0)
  console.log(`flambeau on ${torch.backend.info()}`)
  console.log(`${mnist.train.length} training images, ${size} parameters\n${model}\n`)

  const loader = new data.DataLoader(mnist.train, { batchSize, shuffle: true })
  const optimizer = new optim.Adam(model.parameters(), { lr })
  const criterion = new nn.CrossEntropyLoss()
  const steps = epochs * loader.length
  const scheduler = new optim.lrScheduler.LambdaLR(optimizer, (step) => Math.max(0, 1 - step / steps))
  const checkpoint = new Checkpoint(options.checkpoint, { model, optimizer, scheduler })
  const done = resume ? await checkpoint.load() : 0
  if (resume) console.log(`going on from ${options.checkpoint} after epoch ${done}`)
  const started = performance.now()
  for (let epoch = done + 1; epoch <= epochs; epoch++) {
    const progress = new Progress(`epoch ${epoch}/${epochs}`, loader.length)
    model.train()
    try {
      for await (const [images, labels] of loader) {
        optimizer.zeroGrad()
        const loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        scheduler.step()
        progress.update(images.length, loss.item())
      }
    } finally {
      progress.stop()
    }
    await checkpoint.save(epoch)
  }
  if (done < epochs) {
    const seconds = (performance.now() - started) / 1000
    const rate = ((epochs - done) * mnist.train.length) / seconds
    console.log(`trained in ${seconds.toFixed(1)} s, ${Math.round(rate)} images/s`)
    console.log(`saved in ${options.checkpoint}, which PyTorch reads:\n  ${checkpoint.inPython}`)
  }

  const { accuracy, mistakes } = await evaluate(model, mnist)
  console.log(`accuracy on the ${mnist.test.length} test images: ${(100 * accuracy).toFixed(2)} %\n`)
  console.log(show(model, mnist, [0, 1, 2, 3, ...mistakes.slice(0, 2)]))
}

/** A bar that also tells loss and speed. */
class Progress {
  readonly #bar: SingleBar
  readonly #started = performance.now()
  #images = 0
  /** Smoothed over some tens of steps. */
  #loss = Number.NaN

  constructor(title: string, batches: number) {
    const format = `${title} {bar} batch {value}/{total}  loss {loss}  {rate} images/s`
    this.#bar = new SingleBar({ format, barsize: 24, hideCursor: true, noTTYOutput: true, notTTYSchedule: 5000 }, presets)
    this.#bar.start(batches, 0, { loss: '-', rate: '-' })
  }

  update(images: number, loss: number): void {
    this.#images += images
    this.#loss = Number.isNaN(this.#loss) ? loss : 0.98 * this.#loss + 0.02 * loss
    const rate = Math.round((1000 * this.#images) / (performance.now() - this.#started))
    this.#bar.increment(1, { loss: this.#loss.toFixed(4), rate })
  }

  stop(): void {
    this.#bar.stop()
  }
}
const presets = { barCompleteChar: '█', barIncompleteChar: '░', format: '' }

/** The share of test images that the model reads right, and which it does not. */
async function evaluate(model: LeNet, { test }: Mnist): Promise<{ accuracy: number; mistakes: number[] }> {
  model.eval()
  const mistakes: number[] = []
  let seen = 0
  for await (const [images, labels] of new data.DataLoader(test, { batchSize: 1000 })) {
    const wrong = torch.noGrad(() => model(images).argmax(1).ne(labels).tolist() as boolean[])
    wrong.forEach((isWrong, i) => {
      if (isWrong) mistakes.push(seen + i)
    })
    seen += images.length
  }
  return { accuracy: 1 - mistakes.length / seen, mistakes }
}

/** Some test images beside what the model makes of them. */
function show(model: LeNet, { test }: Mnist, indices: readonly number[]): string {
  const [images, labels] = test.batch(indices)
  const probabilities: Tensor = torch.noGrad(() => model(images).softmax(1))
  return drawPredictions(images, labels, probabilities)
}
