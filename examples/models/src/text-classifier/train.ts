/** Trains a bidirectional LSTM with attention to tell what a review says of the film. */

import * as torch from 'flambeau'
import { data, nn, optim, type Tensor } from 'flambeau'
import { runIfMain, type Values, withDefaults } from '../options.js'
import { EpochBar, introduce, percent } from '../progress.js'
import { TextClassifier } from './model.js'
import { encode, type Review, verdicts, vocabulary, writeReview } from './reviews.js'

const options = {
  epochs: [6, 'times through the training reviews'],
  reviews: [3000, 'training reviews'],
  batchSize: [32, 'reviews per step'],
  lr: [0.003, 'learning rate'],
  embedDim: [24, 'features of a word'],
  hiddenSize: [32, 'features of a state in each direction'],
  seed: [1, 'seed of all random numbers'],
} as const

/** Reviews of different lengths as tokens [N, L] padded with 0, their lengths [N] and their verdicts [N]. */
export function collate(reviews: readonly Review[]): [tokens: Tensor, lengths: Tensor, verdicts: Tensor] {
  const rows = reviews.map(({ words }) => torch.tensor(encode(words), { dtype: 'int64' }))
  const tokens = nn.utils.rnn.padSequence(rows, { batchFirst: true })
  const whole = (numbers: number[]): Tensor => torch.tensor(numbers, { dtype: 'int64' })
  return [tokens, whole(rows.map((row) => row.length)), whole(reviews.map(({ verdict }) => verdict))]
}

/** The share of reviews that the model understands. */
function accuracyOn(model: TextClassifier, reviews: readonly Review[]): number {
  model.eval()
  const [tokens, lengths, labels] = collate(reviews)
  const [logits] = torch.inferenceMode(() => model(tokens, lengths))
  return logits.argmax(1).eq(labels).float().mean().item()
}

/** A review with what the model makes of it and the words to which it attends. */
function explain(model: TextClassifier, review: Review): string {
  const [tokens, lengths] = collate([review])
  const [logits, weights] = torch.inferenceMode(() => model(tokens, lengths))
  const attention = weights.at(0).tolist() as number[]
  const words = review.words.map((word, i) => (attention[i] > 0.1 ? `${word} (${percent(attention[i])})` : word))
  return `says ${verdicts[logits.argmax(1).item()]} of the film: ${words.join(' ')}`
}

export async function train(given: Partial<Values<typeof options>> = {}): Promise<{ losses: number[]; accuracy: number }> {
  const { epochs, reviews: count, batchSize, lr, embedDim, hiddenSize, seed } = withDefaults(options, given)
  torch.manualSeed(seed)
  const test = Array.from({ length: 1000 }, writeReview)
  const reviews = Array.from({ length: count }, writeReview)
  const loader = new data.DataLoader(reviews, { batchSize, shuffle: true, collateFn: collate })
  const model = new TextClassifier(vocabulary.length, embedDim, hiddenSize, verdicts.length, { dropout: 0.1 })
  const criterion = new nn.CrossEntropyLoss()
  const optimizer = new optim.Adam(model.parameters(), { lr })
  introduce(model)

  const losses: number[] = []
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const bar = new EpochBar(epoch, epochs, loader.length)
    model.train()
    for await (const [tokens, lengths, labels] of loader) {
      optimizer.zeroGrad()
      const [logits] = model(tokens, lengths)
      const loss = criterion(logits, labels)
      loss.backward()
      nn.utils.clipGradNorm_(model.parameters(), 1)
      optimizer.step()
      bar.update(loss.item())
    }
    losses.push(bar.stop({ 'accuracy on new reviews': percent(accuracyOn(model, test)) }))
  }

  console.log(['', ...test.slice(0, 3).map((review) => explain(model, review))].join('\n'))
  return { losses, accuracy: accuracyOn(model, test) }
}

await runIfMain(
  import.meta.url,
  'Trains a bidirectional LSTM with attention to tell what a review says of the film.',
  options,
  train,
)
