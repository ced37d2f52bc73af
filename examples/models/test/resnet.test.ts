import { nn } from 'flambeau'
import { describe, expect, it, test } from 'vitest'
import { resnet18 } from '../src/resnet/model.js'
import { train } from '../src/resnet/train.js'
import {
  check,
  dtypes,
  expectRoundTrip,
  fill,
  filled,
  listen,
  parameterCount,
  readFixture,
  tolerances,
  whole,
} from './support.js'

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

  it('normalises with running statistics in evaluation', () => {
    const model = resnet18(10, 4)
    const images = filled('images', 4, 3, 32, 32).float()
    const alone = (): number[] =>
      model(images.narrow(0, 0, 2))
        .flatten()
        .tolist() as number[]
    const among = (): number[] => model(images).narrow(0, 0, 2).flatten().tolist() as number[]
    const distance = (a: number[], b: number[]): number => Math.max(...a.map((value, i) => Math.abs(value - b[i])))
    expect(distance(alone(), among())).toBeGreaterThan(1e-2)
    model.eval()
    expect(distance(alone(), among())).toBeLessThan(1e-5)
  })

  it('is the same after saving and loading', async () => {
    const images = filled('images', 2, 3, 32, 32).float()
    await expectRoundTrip(
      () => resnet18(10, 4),
      (model) => model(images),
    )
  })

  it('learns', async () => {
    const { result, printed } = await listen(() => train({ epochs: 2, images: 320, width: 8, batchSize: 16 }))
    expect(result.losses[1]).toBeLessThan(0.85 * result.losses[0])
    expect(result.accuracy).toBeGreaterThan(0.2)
    expect(printed).toMatch(
      /ResNet with \d+ parameters[\s\S]*epoch 2\/2 {2}loss \d\.\d{4} {2}accuracy[\s\S]*accuracy on 500 new images: [\d.]+ %$/,
    )
  })
})
