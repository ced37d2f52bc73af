import * as torch from 'flambeau'
import { nn } from 'flambeau'
import { describe, expect, it, test } from 'vitest'
import { TransformerLM } from '../src/transformer-lm/model.js'
import { train } from '../src/transformer-lm/train.js'
import { check, dtypes, expectRoundTrip, fill, listen, parameterCount, readFixture, tolerances, whole } from './support.js'

describe('Transformer language model', () => {
  const { parameters, cases } = readFixture('transformer-lm')
  const text = whole('text', 23, 3, 11)
  const [tokens, next] = [text.at(':', ':-1'), text.at(':', '1:')]
  const make = (dropout = 0): TransformerLM =>
    new TransformerLM(23, { context: 12, embedDim: 16, numHeads: 4, numLayers: 2, dropout })

  test.each(dtypes)('computes what it computes in PyTorch, in %s', (dtype) => {
    const model = fill(make(0.1).to(dtype))
    torch.manualSeed(4)
    const logits = model(tokens)
    const loss = nn.functional.crossEntropy(logits.flatten(0, 1), next.flatten())
    check([model], { logits }, loss, cases[0], tolerances[dtype])
  })

  it('has as many parameters as in PyTorch', () => {
    expect(parameterCount(make())).toBe(parameters)
  })

  it('shares one embedding between input and output', () => {
    const model = make()
    expect(model.head.weight === model.tokens.weight).toBe(true)
    const copy = model.deepcopy()
    expect(copy.head.weight === copy.tokens.weight).toBe(true)
    expect(copy.head.weight === model.head.weight).toBe(false)
  })

  it('does not see what is to come', () => {
    const model = make(0.5).eval()
    const changed = tokens.clone()
    changed.setAt([':', 6], 0)
    const difference = model(tokens).sub(model(changed)).abs().amax([0, 2])
    expect(difference.narrow(0, 0, 6).max().item()).toBeLessThan(1e-6)
    expect(difference.narrow(0, 6, 4).gt(1e-4).all().item<boolean>()).toBe(true)
  })

  it('writes on, past what it sees at once', () => {
    const model = make().eval()
    const written = model.generate(tokens, 9)
    expect(written.shape).toEqual([3, 19])
    expect(torch.equal(written.narrow(1, 0, 10), tokens)).toBe(true)
    // So cold that the likeliest token is drawn.
    const cold = model.generate(tokens, 1, { temperature: 1e-6 }).at(':', -1)
    expect(torch.equal(cold, model(tokens).at(':', -1).argmax(-1))).toBe(true)
  })

  it('is the same after saving and loading', async () => {
    await expectRoundTrip(make, (model) => model(tokens))
  })

  it('learns', async () => {
    const { result, printed } = await listen(() => train({ epochs: 3, context: 16, embedDim: 32, numLayers: 1, lr: 0.01 }))
    expect(result.losses[2]).toBeLessThan(0.85 * result.losses[0])
    expect(result.writing).toHaveLength(408)
    expect(printed).toMatch(/epoch 3\/3 {2}loss [\d.]+ {2}characters guessed right [\d.]+ %[\s\S]*Shall I /)
  })
})
