/** Trains one network to tell three things of a triangle, and how much each task counts. */

import * as torch from 'flambeau'
import { data, optim, type Tensor } from 'flambeau'
import { runIfMain, type Values, withDefaults } from '../options.js'
import { EpochBar, introduce, percent } from '../progress.js'
import { LearnedWeights, MultiTask, type PerTask, taskLosses } from './model.js'

const options = {
  epochs: [10, 'times through the training triangles'],
  triangles: [10000, 'training triangles'],
  batchSize: [64, 'triangles per step'],
  lr: [0.003, 'learning rate'],
  hidden: [64, 'units of each hidden layer'],
  seed: [1, 'seed of all random numbers'],
} as const

/** Triangles in [-1, 1]² as six numbers each, which corner's angle is the largest, their areas, and whether the origin is inside. */
export function triangles(n: number): [corners: Tensor, kind: Tensor, size: Tensor, inside: Tensor] {
  const corners = torch.rand(n, 3, 2).mul(2).sub(1)
  const next = corners.roll(-1, 1)
  // The largest angle is opposite the longest side, which joins the two corners that follow.
  const kind = next.sub(corners).norm(2, -1).roll(-1, 1).argmax(1)
  const [x, y] = corners.unbind(-1)
  const [nextX, nextY] = next.unbind(-1)
  const turns = x.mul(nextY).sub(y.mul(nextX))
  const size = turns.sum(1).abs().div(2)
  const inside = turns.gt(0).all(1).logicalOr(turns.lt(0).all(1))
  return [corners.flatten(1), kind, size, inside.float()]
}

/** How well the network does each task on triangles that it has not seen. */
function evaluate(model: MultiTask, [corners, kind, size, inside]: ReturnType<typeof triangles>): Record<keyof PerTask, number> {
  model.eval()
  const out = torch.inferenceMode(() => model(corners))
  return {
    kind: out.kind.argmax(1).eq(kind).float().mean().item(),
    size: out.size.squeeze(1).sub(size).abs().mean().item(),
    inside: out.inside.squeeze(1).gt(0).eq(inside).float().mean().item(),
  }
}

export async function train(
  given: Partial<Values<typeof options>> = {},
): Promise<{ losses: number[]; accuracy: Record<keyof PerTask, number> }> {
  const { epochs, triangles: count, batchSize, lr, hidden, seed } = withDefaults(options, given)
  torch.manualSeed(seed)
  const test = triangles(2000)
  const loader = new data.DataLoader(new data.TensorDataset(...triangles(count)), { batchSize, shuffle: true })
  const model = new MultiTask(6, hidden, 3)
  const weights = new LearnedWeights()
  const optimizer = new optim.Adam([{ params: model.parameters() }, { params: weights.parameters(), lr: 10 * lr }], { lr })
  introduce(model)

  const losses: number[] = []
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const bar = new EpochBar(epoch, epochs, loader.length)
    model.train()
    for await (const [corners, kind, size, inside] of loader) {
      optimizer.zeroGrad()
      const loss = weights(taskLosses(model(corners), { kind, size, inside }))
      loss.backward()
      optimizer.step()
      bar.update(loss.item())
    }
    const { kind, size, inside } = evaluate(model, test)
    losses.push(bar.stop({ 'largest angle': percent(kind), 'error of area': size.toFixed(4), inside: percent(inside) }))
  }

  const learned = weights.log_variance.entries().map(([task, s]) => `${task} ${Math.exp(-s.item()).toFixed(1)}`)
  console.log(`\nlearned weights of the tasks: ${learned.join(', ')}`)
  return { losses, accuracy: evaluate(model, test) }
}

const about = 'Trains one network to tell three things of a triangle, and how much each of these tasks counts.'
await runIfMain(import.meta.url, about, options, train)
