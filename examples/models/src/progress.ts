/** What programs print while they train. */

import { SingleBar } from 'cli-progress'
import * as torch from 'flambeau'
import type { nn } from 'flambeau'

/** The engine and the size of a model. */
export function introduce(model: nn.Module): void {
  const size = model.parameters().reduce((n, parameter) => n + parameter.numel(), 0)
  console.log(`flambeau on ${torch.backend.info()}\n${model.getName()} with ${size} parameters\n`)
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

/** An epoch's bar, with the mean loss so far and whatever else is measured. */
export class EpochBar {
  readonly #bar: SingleBar
  #steps = 0
  #loss = 0

  constructor(epoch: number, epochs: number, steps: number) {
    const title = `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`
    const format = `${title} {bar} loss {loss}{measured}`
    this.#bar = new SingleBar({ format, barsize: 24, noTTYOutput: true, notTTYSchedule: 5000 }, characters)
    this.#bar.start(steps, 0, { loss: '-', measured: '' })
  }

  /** One step more. */
  update(loss: number): void {
    this.#steps++
    this.#loss += (loss - this.#loss) / this.#steps
    this.#bar.increment(1, { loss: this.#loss.toFixed(4) })
  }

  /** Ends the line with what was measured and returns the mean loss of the epoch. */
  stop(measured: Readonly<Record<string, string>> = {}): number {
    const text = Object.entries(measured).map(([name, value]) => `  ${name} ${value}`)
    this.#bar.update({ measured: text.join('') })
    this.#bar.stop()
    return this.#loss
  }
}
const characters = { barCompleteChar: '█', barIncompleteChar: '░', format: '' }
