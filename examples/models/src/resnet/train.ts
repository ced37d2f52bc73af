/** Trains a ResNet-18 to tell the direction of stripes. */

import * as torch from 'flambeau'
import { data, nn, optim, type Tensor } from 'flambeau'
import { isTold, type TrainOptions } from '../options.js'
import { resnet18 } from './model.js'

const CLASSES = 10

/** Noisy coloured stripes [n, 3, 32, 32] in one of ten directions, and which. */
export function stripes(n: number): [images: Tensor, labels: Tensor] {
  const labels = torch.randint(0, CLASSES, [n])
  const angles = labels.float().mul(Math.PI / CLASSES)
  const [y, x] = torch.meshgrid([torch.arange(32), torch.arange(32)], { indexing: 'ij' })
  const [cos, sin] = [angles.cos(), angles.sin()].map((t) => t.view(n, 1, 1))
  const phases = torch.rand(n, 1, 1).mul(2 * Math.PI)
  const waves = cos.mul(x).add(sin.mul(y)).mul(0.8).add(phases).sin()
  const images = waves.unsqueeze(1).mul(torch.rand(n, 3, 1, 1))
  return [images.add(torch.randn(n, 3, 32, 32).mul(0.2)), labels]
}

/** The loss of every step. */
export async function train(options: TrainOptions & { width?: number } = {}): Promise<number[]> {
  const { steps = 200, batchSize = 32, lr = 0.05, seed = 0, width = 16, log = console.log } = options
  torch.manualSeed(seed)
  const loader = new data.DataLoader(new data.TensorDataset(...stripes(steps * batchSize)), { batchSize })
  const model = resnet18(CLASSES, width)
  const optimizer = new optim.SGD(model.parameters(), { lr, momentum: 0.9, weightDecay: 5e-4, nesterov: true })
  const scheduler = new optim.lrScheduler.CosineAnnealingLR(optimizer, steps)
  const criterion = new nn.CrossEntropyLoss({ labelSmoothing: 0.1 })
  const losses: number[] = []
  for await (const [images, labels] of loader) {
    optimizer.zeroGrad()
    const logits = model(images)
    const loss = criterion(logits, labels)
    loss.backward()
    optimizer.step()
    scheduler.step()
    if (isTold(losses.length, steps)) {
      const right = logits.argmax(1).eq(labels).float().mean().item()
      log(`step ${losses.length + 1}/${steps}  loss ${loss.item().toFixed(4)}  accuracy ${(100 * right).toFixed(0)} %`)
    }
    losses.push(loss.item())
  }
  const [images, labels] = stripes(256)
  model.eval()
  const right = torch.inferenceMode(() => model(images).argmax(1).eq(labels).float().mean().item())
  log(`accuracy on new images: ${(100 * right).toFixed(1)} %`)
  return losses
}
