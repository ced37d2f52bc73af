/** What training needs in order to go on as if it had never stopped. */

import type { nn, optim, Tensor } from 'flambeau'
import * as torch from 'flambeau'
import { UsageError } from './options.js'

interface Parts {
  readonly model: nn.Module
  readonly optimizer: optim.Adam
  readonly scheduler: optim.lrScheduler.LambdaLR
}

interface Saved {
  readonly epoch: number
  readonly model: Record<string, Tensor>
  readonly optimizer: ReturnType<optim.Adam['stateDict']>
  readonly scheduler: ReturnType<optim.lrScheduler.LambdaLR['stateDict']>
  readonly rng: Tensor
}

/** A file that is written after every epoch. */
export class Checkpoint {
  readonly #file: string
  readonly #parts: Parts

  constructor(file: string, parts: Parts) {
    this.#file = file
    this.#parts = parts
  }

  save(epoch: number): Promise<void> {
    const { model, optimizer, scheduler } = this.#parts
    const saved: Saved = {
      epoch,
      model: model.stateDict(),
      optimizer: optimizer.stateDict(),
      scheduler: scheduler.stateDict(),
      rng: torch.getRngState(),
    }
    return torch.save(saved, this.#file)
  }

  /** Puts everything back as it was saved. @returns the number of epochs that were done @throws UsageError */
  async load(): Promise<number> {
    const { model, optimizer, scheduler } = this.#parts
    try {
      const saved = await torch.load<Saved>(this.#file)
      model.loadStateDict(saved.model)
      optimizer.loadStateDict(saved.optimizer)
      scheduler.loadStateDict(saved.scheduler)
      torch.setRngState(saved.rng)
      return saved.epoch
    } catch (error) {
      throw new UsageError(`training cannot go on from '${this.#file}': ${(error as Error).message}`)
    }
  }

  /** One line for Python that loads the model. */
  get inPython(): string {
    const show = '{name: tuple(p.shape) for name, p in model.items()}'
    return `python3 -c "import torch; model = torch.load('${this.#file}')['model']; print(${show})"`
  }
}
