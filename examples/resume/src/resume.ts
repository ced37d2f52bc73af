/** Training that may be killed at any moment and ends as if it never had been. */

import { existsSync } from 'node:fs'
import * as torch from 'flambeau'
import { data, nn, optim, type Tensor } from 'flambeau'

const EPOCHS = 6
const BATCH = 16
const SEED = 7

/** Points in a plane and the ring they lie in, moved a little every time they are read. */
class Rings extends data.Dataset<[Tensor, Tensor]> {
  readonly #points: Tensor
  readonly #labels: Tensor

  constructor(count: number) {
    super()
    const generator = new torch.Generator().manualSeed(SEED)
    this.#points = torch.randn([count, 2], { generator })
    this.#labels = this.#points.square().sum(1).floor().clamp(0, 3).long()
  }

  get length(): number {
    return this.#points.length
  }

  at(index: number): [Tensor, Tensor] {
    const point = this.#points.at(index)
    return [point.add(torch.randnLike(point), { alpha: 0.01 }), this.#labels.at(index)]
  }
}

/** The batches of an epoch, in an order that its number alone decides. */
function batchesOf(rings: Rings, epoch: number): number[][] {
  const generator = new torch.Generator().manualSeed(SEED + epoch)
  return [...new data.BatchSampler(new data.RandomSampler(rings, { generator }), BATCH)]
}

interface Saved {
  readonly epoch: number
  readonly batch: number
  readonly model: Record<string, Tensor>
  readonly optimizer: ReturnType<optim.AdamW['stateDict']>
  readonly scheduler: ReturnType<optim.lrScheduler.OneCycleLR['stateDict']>
  readonly rng: Tensor
}

/**
 * Trains to the end, from the start or from where the file says that an earlier run was, and saves after every step.
 *
 * @param report is told the number of each step done.
 * @returns the trained model.
 */
export async function train(file: string, report: (step: number) => void = () => {}): Promise<nn.Module> {
  torch.manualSeed(SEED)
  const rings = new Rings(160)
  const model = new nn.Sequential(
    new nn.Linear(2, 32),
    new nn.BatchNorm1d(32),
    new nn.ReLU(),
    new nn.Dropout(0.1),
    new nn.Linear(32, 4),
  )
  const criterion = new nn.CrossEntropyLoss()
  const optimizer = new optim.AdamW(model.parameters(), { lr: 0.01 })
  const batches = Math.ceil(rings.length / BATCH)
  const scheduler = new optim.lrScheduler.OneCycleLR(optimizer, 0.05, { epochs: EPOCHS, stepsPerEpoch: batches })
  let [epoch, batch] = [0, 0]

  const save = (): Promise<void> => {
    const parts = { model: model.stateDict(), optimizer: optimizer.stateDict(), scheduler: scheduler.stateDict() }
    const saved: Saved = { epoch, batch, ...parts, rng: torch.getRngState() }
    return torch.save(saved, file)
  }
  if (existsSync(file)) {
    const saved = await torch.load<Saved>(file)
    model.loadStateDict(saved.model)
    optimizer.loadStateDict(saved.optimizer)
    scheduler.loadStateDict(saved.scheduler)
    torch.setRngState(saved.rng)
    ;({ epoch, batch } = saved)
  }

  for (; epoch < EPOCHS; epoch++, batch = 0) {
    const left = batchesOf(rings, epoch).slice(batch)
    // A generator of its own: what the loader draws must not move the state that noise and dropout go on from.
    const loader = new data.DataLoader(rings, { batchSampler: left, generator: new torch.Generator() })
    for await (const [points, labels] of loader) {
      optimizer.zeroGrad()
      criterion(model(points), labels).backward()
      optimizer.step()
      scheduler.step()
      batch++
      await save()
      report(epoch * batches + batch)
    }
  }
  return model
}
