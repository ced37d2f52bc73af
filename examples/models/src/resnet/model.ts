/** A residual network for images of 32 × 32 pixels (He et al., 2015). */

import { nn, type Tensor } from 'flambeau'

const { functional: F } = nn

/** Two convolutions beside a shortcut, which is a convolution of its own where the shape changes. */
export class BasicBlock extends nn.Module {
  readonly conv1: nn.Conv2d
  readonly bn1: nn.BatchNorm2d
  readonly conv2: nn.Conv2d
  readonly bn2: nn.BatchNorm2d
  readonly shortcut: nn.Sequential

  constructor(inPlanes: number, planes: number, stride = 1) {
    super()
    this.conv1 = new nn.Conv2d(inPlanes, planes, 3, { stride, padding: 1, bias: false })
    this.bn1 = new nn.BatchNorm2d(planes)
    this.conv2 = new nn.Conv2d(planes, planes, 3, { padding: 1, bias: false })
    this.bn2 = new nn.BatchNorm2d(planes)
    this.shortcut = new nn.Sequential()
    if (stride !== 1 || inPlanes !== planes)
      this.shortcut = new nn.Sequential(new nn.Conv2d(inPlanes, planes, 1, { stride, bias: false }), new nn.BatchNorm2d(planes))
  }

  override forward(x: Tensor): Tensor {
    const out = F.relu(this.bn1(this.conv1(x)))
    return F.relu(this.bn2(this.conv2(out)).add_(this.shortcut(x)))
  }
}

/** `numBlocks` blocks at each of four sizes: from images [N, 3, 32, 32] to logits [N, numClasses]. */
export class ResNet extends nn.Module {
  readonly conv1: nn.Conv2d
  readonly bn1: nn.BatchNorm2d
  readonly layer1: nn.Sequential
  readonly layer2: nn.Sequential
  readonly layer3: nn.Sequential
  readonly layer4: nn.Sequential
  readonly fc: nn.Linear

  constructor(numBlocks: readonly [number, number, number, number], numClasses = 10, width = 64) {
    super()
    this.conv1 = new nn.Conv2d(3, width, 3, { padding: 1, bias: false })
    this.bn1 = new nn.BatchNorm2d(width)
    this.layer1 = makeLayer(width, width, numBlocks[0], 1)
    this.layer2 = makeLayer(width, 2 * width, numBlocks[1], 2)
    this.layer3 = makeLayer(2 * width, 4 * width, numBlocks[2], 2)
    this.layer4 = makeLayer(4 * width, 8 * width, numBlocks[3], 2)
    this.fc = new nn.Linear(8 * width, numClasses)
  }

  override forward(images: Tensor): Tensor {
    let x = F.relu(this.bn1(this.conv1(images)))
    x = this.layer4(this.layer3(this.layer2(this.layer1(x))))
    x = F.avgPool2d(x, 4)
    return this.fc(x.flatten(1))
  }
}

function makeLayer(inPlanes: number, planes: number, count: number, stride: number): nn.Sequential {
  const blocks = [new BasicBlock(inPlanes, planes, stride)]
  while (blocks.length < count) blocks.push(new BasicBlock(planes, planes))
  return new nn.Sequential(...blocks)
}

/** 11 million parameters at its full width of 64. */
export const resnet18 = (numClasses = 10, width = 64): ResNet => new ResNet([2, 2, 2, 2], numClasses, width)
