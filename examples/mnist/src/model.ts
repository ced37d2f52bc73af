/** The network. */

import { nn, type Tensor } from 'flambeau'

/** Mean and deviation of all pixels of the training images, from 0 to 255. */
const MEAN = 33.32
const DEVIATION = 78.57

/** A LeNet: two convolutions with pooling, three linear layers. From uint8 images [N, 28, 28] to logits [N, 10]. */
export class LeNet extends nn.Module {
  readonly features = new nn.Sequential(
    new nn.Conv2d(1, 8, 5, { padding: 2 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(8, 16, 5),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
  )
  readonly classifier = new nn.Sequential(
    new nn.Flatten(),
    new nn.Linear(16 * 5 * 5, 120),
    new nn.ReLU(),
    new nn.Dropout(0.25),
    new nn.Linear(120, 84),
    new nn.ReLU(),
    new nn.Linear(84, 10),
  )

  override forward(images: Tensor): Tensor {
    const x = images.float().sub(MEAN).div(DEVIATION).unsqueeze(1)
    return this.classifier(this.features(x))
  }
}
