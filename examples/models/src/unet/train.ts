/** Trains a U-Net to find the round shapes in a picture. */

import * as torch from 'flambeau'
import { data, optim, type Tensor } from 'flambeau'
import { runIfMain, type Values, withDefaults } from '../options.js'
import { EpochBar, introduce, percent } from '../progress.js'
import { drawShapes, roundKinds } from '../shapes.js'
import { segmentationLoss, UNet } from './model.js'

const options = {
  epochs: [12, 'times through the training images'],
  images: [800, 'training images'],
  size: [48, 'pixels of each side of an image'],
  batchSize: [16, 'images per step'],
  lr: [0.004, 'learning rate that training starts with'],
  width: [8, 'channels at the full size'],
  bilinear: [false, 'enlarge by interpolation, not by transposed convolutions'],
  seed: [1, 'seed of all random numbers'],
} as const

/** Pictures [n, 3, size, size] of several shapes each, and masks [n, size, size] of what is seen of discs and rings. */
export function roundShapes(n: number, size: number): [images: Tensor, masks: Tensor] {
  const { images, masks, kinds } = drawShapes(n, size, 3)
  let round = torch.zeros(n, size, size, { dtype: 'bool' })
  masks.forEach((mask, i) => {
    const isRound = torch.isin(kinds[i], torch.tensor(roundKinds)).view(n, 1, 1)
    round = torch.where(mask, isRound, round)
  })
  return [images, round.long()]
}

/** Pixels in both masks as a share of those in either. */
export function intersectionOverUnion(a: Tensor, b: Tensor): number {
  return a.mul(b).sum().item() / Math.max(1, a.bitwiseOr(b).sum().item())
}

/** What the network takes for round. */
function segment(model: UNet, images: Tensor): Tensor {
  model.eval()
  return torch.inferenceMode(() => model(images).argmax(1))
}

export async function train(given: Partial<Values<typeof options>> = {}): Promise<{ losses: number[]; iou: number }> {
  const { epochs, images: count, size, batchSize, lr, width, bilinear, seed } = withDefaults(options, given)
  torch.manualSeed(seed)
  const [testImages, testMasks] = roundShapes(100, size)
  const loader = new data.DataLoader(new data.TensorDataset(...roundShapes(count, size)), { batchSize, shuffle: true })
  const model = new UNet(3, 2, { width, bilinear })
  const optimizer = new optim.AdamW(model.parameters(), { lr })
  const scheduler = new optim.lrScheduler.CosineAnnealingLR(optimizer, epochs * loader.length)
  introduce(model)

  const losses: number[] = []
  let iou = 0
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const bar = new EpochBar(epoch, epochs, loader.length)
    model.train()
    for await (const [images, masks] of loader) {
      optimizer.zeroGrad()
      const loss = segmentationLoss(model(images), masks)
      loss.backward()
      optimizer.step()
      scheduler.step()
      bar.update(loss.item())
    }
    iou = intersectionOverUnion(segment(model, testImages), testMasks)
    losses.push(bar.stop({ 'intersection over union on new images': percent(iou) }))
  }

  const roundest = testMasks.sum([1, 2]).argmax().item()
  const [mask, found] = [testMasks.at(roundest), segment(model, testImages).at(roundest)]
  console.log(`\nThe round shapes of a new image, beside what the network finds:\n${drawMasks(mask, found)}`)
  return { losses, iou }
}

/** Two masks [size, size] side by side, two rows of pixels in each line. */
function drawMasks(left: Tensor, right: Tensor): string {
  const rows = torch.cat([left, torch.zeros(left.length, 4, { dtype: 'int64' }), right], { dim: 1 }).tolist() as number[][]
  const line = (upper: number[], lower: number[]): string => upper.map((on, i) => ' ▀▄█'[on + 2 * (lower[i] ?? 0)]).join('')
  return rows.flatMap((row, i) => (i % 2 === 0 ? [line(row, rows[i + 1] ?? [])] : [])).join('\n')
}

await runIfMain(import.meta.url, 'Trains a U-Net to find the round shapes in a picture.', options, train)
