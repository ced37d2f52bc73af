/** What programs print while they train. */

import { SingleBar } from 'cli-progress'
import type { nn } from 'flambeau'
import * as torch from 'flambeau'

/** The engine and the size of a model. */
export function introduce(model: nn.Module): void {
  const size = model.parameters().reduce((n, parameter) => n + parameter.numel(), 0)
  console.log(`flambeau on ${torch.backend.info()}\n${model.getName()} with ${size} parameters\n`)
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

/** One line for each epoch: a bar while it runs where there is a terminal, then the mean loss and what else was measured. */
export class EpochBar {
  readonly #title: string
  readonly #bar: SingleBar | null
  #steps = 0
  #loss = 0

  constructor(epoch: number, epochs: number, steps: number) {
    this.#title = `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`
    const format = `${this.#title}  {bar}  loss {loss}{measured}`
    this.#bar = process.stderr.isTTY ? new SingleBar({ format, barsize: 24 }, characters) : null
    this.#bar?.start(steps, 0, { loss: '-', measured: '' })
  }

  /** One step more. */
  update(loss: number): void {
    this.#steps++
    this.#loss += (loss - this.#loss) / this.#steps
    this.#bar?.increment(1, { loss: this.#loss.toFixed(4) })
  }

  /** Ends the line and returns the mean loss. */
  stop(measurements: Readonly<Record<string, string>> = {}): number {
    const measured = Object.entries(measurements)
      .map(([name, value]) => `  ${name} ${value}`)
      .join('')
    this.#bar?.update({ measured })
    this.#bar?.stop()
    if (this.#bar === null) console.log(`${this.#title}  loss ${this.#loss.toFixed(4)}${measured}`)
    return this.#loss
  }
}
const characters = { barCompleteChar: '█', barIncompleteChar: '░', format: '' }
