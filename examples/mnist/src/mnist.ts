/** MNIST from its four IDX files. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { data, type Tensor } from 'flambeau'
import { UsageError } from './options.js'

export interface Mnist {
  /** 60,000 images [28, 28] of uint8 with their labels. */
  readonly train: data.TensorDataset<[Tensor, Tensor]>
  /** 10,000 more, never trained on. */
  readonly test: data.TensorDataset<[Tensor, Tensor]>
}

/** Reads the images and labels. @throws UsageError where a file is missing or broken. */
export function readMnist(folder: string): Mnist {
  const read = (name: string): Tensor => {
    const path = join(folder, name)
    try {
      return data.parseIdx(readFileSync(path))
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      throw new UsageError(missing ? `there is no file '${path}'` : `${path}: ${(error as Error).message}`)
    }
  }
  const part = (name: string): data.TensorDataset<[Tensor, Tensor]> => {
    const images = read(`${name}-images-idx3-ubyte`)
    const labels = read(`${name}-labels-idx1-ubyte`)
    if (images.ndim !== 3 || images.length !== labels.length || labels.ndim !== 1)
      throw new UsageError(`${folder}: the ${name} images [${images.shape}] and labels [${labels.shape}] do not belong together`)
    return new data.TensorDataset(images, labels.long())
  }
  return { train: part('train'), test: part('t10k') }
}
