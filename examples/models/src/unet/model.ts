/** A U-Net (Ronneberger et al., 2015): a label for every pixel of images of any size. */

import * as torch from 'flambeau'
import { nn, type Tensor } from 'flambeau'

const { functional: F } = nn

/** Two convolutions that keep the size. */
export class DoubleConv extends nn.Module {
  readonly double_conv: nn.Sequential

  constructor(inChannels: number, outChannels: number, midChannels = outChannels) {
    super()
    this.double_conv = new nn.Sequential(
      new nn.Conv2d(inChannels, midChannels, 3, { padding: 1, bias: false }),
      new nn.BatchNorm2d(midChannels),
      new nn.ReLU({ inplace: true }),
      new nn.Conv2d(midChannels, outChannels, 3, { padding: 1, bias: false }),
      new nn.BatchNorm2d(outChannels),
      new nn.ReLU({ inplace: true }),
    )
  }

  override forward(x: Tensor): Tensor {
    return this.double_conv(x)
  }
}

/** Half the size. */
export class Down extends nn.Module {
  readonly maxpool_conv: nn.Sequential

  constructor(inChannels: number, outChannels: number) {
    super()
    this.maxpool_conv = new nn.Sequential(new nn.MaxPool2d(2), new DoubleConv(inChannels, outChannels))
  }

  override forward(x: Tensor): Tensor {
    return this.maxpool_conv(x)
  }
}

/** Twice the size, padded to that of what was seen on the way down and joined with it. */
export class Up extends nn.Module {
  readonly up: nn.Upsample | nn.ConvTranspose2d
  readonly conv: DoubleConv

  constructor(inChannels: number, outChannels: number, bilinear: boolean) {
    super()
    if (bilinear) {
      this.up = new nn.Upsample({ scaleFactor: 2, mode: 'bilinear', alignCorners: true })
      this.conv = new DoubleConv(inChannels, outChannels, inChannels / 2)
    } else {
      this.up = new nn.ConvTranspose2d(inChannels, inChannels / 2, 2, { stride: 2 })
      this.conv = new DoubleConv(inChannels, outChannels)
    }
  }

  override forward(input: Tensor, skip: Tensor): Tensor {
    let x = this.up(input)
    const dy = skip.size(2) - x.size(2)
    const dx = skip.size(3) - x.size(3)
    x = F.pad(x, [Math.floor(dx / 2), Math.ceil(dx / 2), Math.floor(dy / 2), Math.ceil(dy / 2)])
    return this.conv(torch.cat([skip, x], { dim: 1 }))
  }
}

export interface UNetOptions {
  /** Channels at the full size; they double with every halving. */
  width?: number
  /** Enlarge by interpolation instead of learned transposed convolutions. */
  bilinear?: boolean
}

/** From images [N, inChannels, H, W] to logits [N, numClasses, H, W]. */
export class UNet extends nn.Module {
  readonly inc: DoubleConv
  readonly down1: Down
  readonly down2: Down
  readonly down3: Down
  readonly up1: Up
  readonly up2: Up
  readonly up3: Up
  readonly outc: nn.Conv2d

  constructor(inChannels: number, numClasses: number, { width = 64, bilinear = false }: UNetOptions = {}) {
    super()
    const factor = bilinear ? 2 : 1
    this.inc = new DoubleConv(inChannels, width)
    this.down1 = new Down(width, 2 * width)
    this.down2 = new Down(2 * width, 4 * width)
    this.down3 = new Down(4 * width, (8 * width) / factor)
    this.up1 = new Up(8 * width, (4 * width) / factor, bilinear)
    this.up2 = new Up(4 * width, (2 * width) / factor, bilinear)
    this.up3 = new Up(2 * width, width, bilinear)
    this.outc = new nn.Conv2d(width, numClasses, 1)
  }

  override forward(images: Tensor): Tensor {
    const x1 = this.inc(images)
    const x2 = this.down1(x1)
    const x3 = this.down2(x2)
    const x4 = this.down3(x3)
    return this.outc(this.up3(this.up2(this.up1(x4, x3), x2), x1))
  }
}

/** Cross-entropy plus one minus the Dice coefficient of class 1 against everything else. Masks [N, H, W] are int64. */
export function segmentationLoss(logits: Tensor, masks: Tensor): Tensor {
  const p = logits.softmax(1).select(1, 1)
  const overlap = p.mul(masks).sum()
  const dice = overlap.mul(2).add(1).div(p.sum().add(masks.sum()).add(1))
  return F.crossEntropy(logits, masks).add(1).sub(dice)
}
