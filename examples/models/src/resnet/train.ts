/** Trains a ResNet-18 to name the shape in a small picture. */

import * as torch from 'flambeau'
import { data, nn, optim, type Tensor } from 'flambeau'
import { runIfMain, type Values, withDefaults } from '../options.js'
import { EpochBar, introduce, percent } from '../progress.js'
import { drawShapes, shapeNames } from '../shapes.js'
import { type ResNet, resnet18 } from './model.js'

const options = {
  epochs: [4, 'times through the training images'],
  images: [2000, 'training images'],
  batchSize: [32, 'images per step'],
  lr: [0.02, 'learning rate that training starts with'],
  width: [16, 'channels of the first layer'],
  seed: [1, 'seed of all random numbers'],
} as const

/** Pictures [n, 3, 32, 32] of one shape each, and its kind. */
export function shapesToName(n: number): [images: Tensor, labels: Tensor] {
  const { images, kinds } = drawShapes(n, 32, 1)
  return [images, kinds[0]]
}

/** The share of images that the model names right. */
function accuracyOn(model: ResNet, images: Tensor, labels: Tensor): number {
  model.eval()
  return torch.inferenceMode(() => model(images).argmax(1).eq(labels).float().mean().item())
}

export async function train(given: Partial<Values<typeof options>> = {}): Promise<{ losses: number[]; accuracy: number }> {
  const { epochs, images: count, batchSize, lr, width, seed } = withDefaults(options, given)
  torch.manualSeed(seed)
  const [testImages, testLabels] = shapesToName(500)
  const loader = new data.DataLoader(new data.TensorDataset(...shapesToName(count)), { batchSize, shuffle: true })
  const model = resnet18(shapeNames.length, width)
  const criterion = new nn.CrossEntropyLoss({ labelSmoothing: 0.05 })
  const optimizer = new optim.SGD(model.parameters(), { lr, momentum: 0.9, nesterov: true, weightDecay: 5e-4 })
  const scheduler = new optim.lrScheduler.CosineAnnealingLR(optimizer, epochs * loader.length)
  introduce(model)

  const losses: number[] = []
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const bar = new EpochBar(epoch, epochs, loader.length)
    model.train()
    for await (const [images, labels] of loader) {
      optimizer.zeroGrad()
      const loss = criterion(model(images), labels)
      loss.backward()
      optimizer.step()
      scheduler.step()
      bar.update(loss.item())
    }
    losses.push(bar.stop({ 'accuracy on new images': percent(accuracyOn(model, testImages, testLabels)) }))
  }

  const accuracy = accuracyOn(model, testImages, testLabels)
  console.log(`\naccuracy on ${testLabels.length} new images: ${percent(accuracy)}`)
  return { losses, accuracy }
}

await runIfMain(import.meta.url, 'Trains a ResNet-18 to name the shape in a small picture.', options, train)
