import { nn } from 'flambeau'
import { describe, expect, it, test } from 'vitest'
import { resnet18 } from '../src/resnet/model.js'
import { train } from '../src/resnet/train.js'
import { check, dtypes, expectFall, fill, filled, parameterCount, readFixture, tolerances, whole } from './support.js'

describe('ResNet-18', () => {
  const { parameters, cases } = readFixture('resnet')

  test.each(dtypes)('computes what it computes in PyTorch, in %s', (dtype) => {
    const model = fill(resnet18(10, 4).to(dtype))
    const logits = model(filled('images', 3, 3, 32, 32).to(dtype))
    const loss = nn.functional.crossEntropy(logits, whole('labels', 10, 3), { labelSmoothing: 0.1 })
    check([model], { logits }, loss, cases[0], tolerances[dtype])
  })

  it('has as many parameters as in PyTorch', () => {
    expect(parameterCount(resnet18())).toBe(parameters)
  })

  it('learns', async () => {
    expectFall(await train({ steps: 12, width: 4, batchSize: 16, log: () => {} }), 0.8)
  })
})
