import * as torch from 'flambeau'
import { nn } from 'flambeau'
import { describe, expect, it, test } from 'vitest'
import { TextClassifier } from '../src/text-classifier/model.js'
import { encode, vocabulary, writeReview } from '../src/text-classifier/reviews.js'
import { collate, train } from '../src/text-classifier/train.js'
import { check, dtypes, expectRoundTrip, fill, listen, parameterCount, readFixture, tolerances, whole } from './support.js'

describe('text classifier', () => {
  const { parameters, cases } = readFixture('text-classifier')
  const lengths = torch.tensor([5n, 9n, 2n, 7n])
  const isPadding = torch.arange(9).ge(lengths.unsqueeze(1))
  const tokens = whole('tokens', 19, 4, 9).add(1).maskedFill(isPadding, 0)
  const make = (dropout = 0): TextClassifier => new TextClassifier(20, 6, 5, 3, { numLayers: 2, dropout })

  test.each(dtypes)('computes what it computes in PyTorch, in %s', (dtype) => {
    const model = fill(make(0.25).to(dtype))
    torch.manualSeed(3)
    const [logits, weights] = model(tokens, lengths)
    const loss = nn.functional.crossEntropy(logits, whole('labels', 3, 4))
    check([model], { logits, weights }, loss, cases[0], tolerances[dtype])
  })

  it('has as many parameters as in PyTorch', () => {
    expect(parameterCount(make())).toBe(parameters)
  })

  it('neither sees nor attends to padding', () => {
    const model = make(0.5).eval()
    const [logits, weights] = model(tokens, lengths)
    const [alone] = model(tokens.narrow(0, 2, 1).narrow(1, 0, 2), lengths.narrow(0, 2, 1))
    expect(torch.allclose(logits.narrow(0, 2, 1), alone, { atol: 1e-6 })).toBe(true)
    expect(weights.maskedSelect(isPadding).tolist()).toEqual(new Array(13).fill(0))
    expect(torch.allclose(weights.sum(1), torch.ones(4))).toBe(true)
  })

  it('drops out in training alone', () => {
    const model = make(0.5)
    const outputs = (): boolean => torch.equal(model(tokens, lengths)[0], model(tokens, lengths)[0])
    expect(outputs()).toBe(false)
    model.eval()
    expect(outputs()).toBe(true)
    model.train()
    expect(outputs()).toBe(false)
  })

  it('is the same after saving and loading', async () => {
    await expectRoundTrip(make, (model) => model(tokens, lengths)[0])
  })

  it('learns', async () => {
    const { result, printed } = await listen(() => train({ epochs: 3, reviews: 900, batchSize: 16, lr: 0.006, hiddenSize: 16 }))
    expect(result.losses[2]).toBeLessThan(0.7 * result.losses[0])
    expect(result.accuracy).toBeGreaterThan(0.6)
    expect(printed).toMatch(
      /epoch 3\/3 {2}loss [\d.]+ {2}accuracy on new reviews [\d.]+ %[\s\S]*says (good|bad|nothing) of the film: the /,
    )
  })
})

test('reviews are made of known words', () => {
  const reviews = Array.from({ length: 50 }, writeReview)
  for (const { words, verdict } of reviews) {
    expect(words.map((word) => vocabulary[encode([word])[0]])).toEqual(words)
    expect(words.includes('film')).toBe(verdict < 2)
  }
  const [tokens, lengths, labels] = collate(reviews)
  expect(tokens.shape).toEqual([50, Math.max(...reviews.map(({ words }) => words.length))])
  expect(torch.equal(tokens.ne(0).sum(1), lengths)).toBe(true)
  expect(labels.tolist()).toEqual(reviews.map(({ verdict }) => verdict))
})
