import * as torch from 'flambeau'
import { describe, expect, it, test } from 'vitest'
import { segmentationLoss, UNet } from '../src/unet/model.js'
import { intersectionOverUnion, train } from '../src/unet/train.js'
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

const ways = [
  { bilinear: false, up: 'transposed convolutions' },
  { bilinear: true, up: 'interpolation' },
]
describe.each(ways)('U-Net that enlarges by $up', ({ bilinear }) => {
  const { parameters, cases } = readFixture('unet')

  test.each(dtypes)('computes what it computes in PyTorch, in %s', (dtype) => {
    const model = fill(new UNet(3, 2, { width: 4, bilinear }).to(dtype))
    const logits = model(filled('images', 2, 3, 22, 27).to(dtype))
    const loss = segmentationLoss(logits, whole('masks', 2, 2, 22, 27))
    check([model], { logits }, loss, cases[bilinear ? 1 : 0], tolerances[dtype])
  })

  it('has as many parameters as in PyTorch', () => {
    if (!bilinear) expect(parameterCount(new UNet(3, 2))).toBe(parameters)
  })

  it('gives images of any size logits of that size', () => {
    const model = new UNet(1, 3, { width: 2, bilinear }).eval()
    for (const size of [
      [8, 8],
      [9, 15],
      [31, 18],
    ])
      expect(model(torch.zeros(1, 1, ...size)).shape).toEqual([1, 3, ...size])
  })

  it('is the same after saving and loading', async () => {
    const images = filled('images', 1, 3, 17, 20).float()
    await expectRoundTrip(
      () => new UNet(3, 2, { width: 2, bilinear }),
      (model) => model(images),
    )
  })

  it('learns', async () => {
    const { result, printed } = await listen(() =>
      train({ epochs: 4, images: 240, size: 24, batchSize: 8, lr: 0.01, width: 4, bilinear }),
    )
    expect(result.losses[3]).toBeLessThan(0.8 * result.losses[0])
    expect(printed).toMatch(/epoch 4\/4 {2}loss [\d.]+ {2}intersection over union on new images [\d.]+ %[\s\S]*█/)
  })
})

test('intersection over union', () => {
  const [a, b] = [torch.tensor([1n, 1n, 0n, 0n]), torch.tensor([0n, 1n, 1n, 0n])]
  expect(intersectionOverUnion(a, b)).toBeCloseTo(1 / 3)
  expect(intersectionOverUnion(a.mul(0), b.mul(0))).toBe(0)
})
