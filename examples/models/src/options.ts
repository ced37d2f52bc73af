/** What every program can be told. */

export interface TrainOptions {
  /** How many steps to train. */
  steps?: number
  batchSize?: number
  lr?: number
  /** The seed of all random numbers. */
  seed?: number
  /** What is told on the way goes here. */
  log?: (line: string) => void
}

/** Whether to tell of this step: of some twenty and the last. */
export const isTold = (step: number, steps: number): boolean =>
  step % Math.max(1, Math.floor(steps / 20)) === 0 || step === steps - 1
