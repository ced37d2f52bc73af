/** Trains a small Transformer, character by character, on four sonnets. */

import * as torch from 'flambeau'
import { data, nn, optim, type Tensor } from 'flambeau'
import { runIfMain, type Values, withDefaults } from '../options.js'
import { EpochBar, introduce, percent } from '../progress.js'
import { TransformerLM } from './model.js'
import { sonnets } from './text.js'

const { functional: F } = nn

const options = {
  epochs: [24, 'times through the text'],
  batchSize: [32, 'pieces of text per step'],
  lr: [0.005, 'learning rate that training rises to and falls from'],
  context: [32, 'characters that the model sees at once'],
  embedDim: [64, 'features of a character'],
  numHeads: [4, 'heads of attention'],
  numLayers: [2, 'layers'],
  seed: [1, 'seed of all random numbers'],
} as const

const alphabet = [...new Set(sonnets)].sort()
const encode = (text: string): Tensor =>
  torch.tensor(
    Array.from(text, (c) => alphabet.indexOf(c)),
    { dtype: 'int64' },
  )
const decode = (tokens: Tensor): string => (tokens.tolist() as number[]).map((token) => alphabet[token]).join('')

/** Every other piece of a text, and the same piece one character on. */
class Pieces implements data.Dataset<[Tensor, Tensor]> {
  constructor(
    readonly text: Tensor,
    readonly context: number,
  ) {}

  get length(): number {
    return Math.floor((this.text.length - this.context) / 2)
  }

  at(i: number): [Tensor, Tensor] {
    const piece = this.text.narrow(0, 2 * i, this.context + 1)
    return [piece.at(':-1'), piece.at('1:')]
  }
}

export async function train(given: Partial<Values<typeof options>> = {}): Promise<{ losses: number[]; writing: string }> {
  const { epochs, batchSize, lr, seed, ...sizes } = withDefaults(options, given)
  torch.manualSeed(seed)
  const loader = new data.DataLoader(new Pieces(encode(sonnets), sizes.context), { batchSize, shuffle: true })
  const model = new TransformerLM(alphabet.length, { ...sizes, dropout: 0.02 })
  const optimizer = new optim.AdamW(model.parameters(), { lr, betas: [0.9, 0.95] })
  const scheduler = new optim.lrScheduler.OneCycleLR(optimizer, { maxLr: lr, totalSteps: epochs * loader.length })
  introduce(model)

  const losses: number[] = []
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const bar = new EpochBar(epoch, epochs, loader.length)
    let right = 0
    model.train()
    for await (const [text, next] of loader) {
      optimizer.zeroGrad()
      const logits = model(text)
      const loss = F.crossEntropy(logits.flatten(0, 1), next.flatten())
      loss.backward()
      nn.utils.clipGradNorm_(model.parameters(), 1)
      optimizer.step()
      scheduler.step()
      right = logits.argmax(-1).eq(next).float().mean().item()
      bar.update(loss.item())
    }
    losses.push(bar.stop({ 'characters guessed right': percent(right) }))
  }

  model.eval()
  const opening = 'Shall I '
  const writing = decode(model.generate(encode(opening).unsqueeze(0), 400, { temperature: 0.5 }).at(0))
  console.log(`\nWhat it writes after '${opening}':\n\n${writing}`)
  return { losses, writing }
}

const about = 'Trains a small Transformer, character by character, on four sonnets.'
await runIfMain(import.meta.url, about, options, train)
