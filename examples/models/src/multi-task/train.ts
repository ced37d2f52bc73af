/** Trains one network to tell three things of a triangle, and how much each task counts. */

import * as torch from 'flambeau'
import { data, optim, type Tensor } from 'flambeau'
import { runIfMain, type Values, withDefaults } from '../options.js'
import { EpochBar, introduce, percent } from '../progress.js'
import { LearnedWeights, MultiTask, type PerTask, taskLosses } from './model.js'

const options = {
  epochs: [20, 'times through the training triangles'],
  triangles: [10000, 'training triangles'],
  batchSize: [64, 'triangles per step'],
  lr: [0.003, 'learning rate'],
  hidden: [64, 'units of each hidden layer'],
  seed: [1, 'seed of all random numbers'],
} as const

/** Triangles in [-1, 1]² as six numbers each, which corner's angle is the largest, their areas, and whether the origin is inside. */
export function triangles(n: number): [corners: Tensor, corner: Tensor, area: Tensor, inside: Tensor] {
  const corners = torch.rand(n, 3, 2).mul(2).sub(1)
  const next = corners.roll(-1, 1)
  // The largest angle is opposite the longest side, which joins the two corners that follow.
  const corner = next.sub(corners).norm(2, -1).roll(-1, 1).argmax(1)
  const [x, y] = corners.unbind(-1)
  const [nextX, nextY] = next.unbind(-1)
  const turns = x.mul(nextY).sub(y.mul(nextX))
  const area = turns.sum(1).abs().div(2)
  const inside = turns.gt(0).all(1).logicalOr(turns.lt(0).all(1))
  return [corners.flatten(1), corner, area, inside.float()]
}

/** How well the network does each task on triangles that it has not seen. */
function evaluate(
  model: MultiTask,
  [corners, corner, area, inside]: ReturnType<typeof triangles>,
): Record<keyof PerTask, number> {
  model.eval()
  const out = torch.inferenceMode(() => model(corners))
  return {
    corner: out.corner.argmax(1).eq(corner).float().mean().item(),
    area: out.area.squeeze(1).sub(area).abs().mean().item(),
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
    for await (const [corners, corner, area, inside] of loader) {
      optimizer.zeroGrad()
      const loss = weights(taskLosses(model(corners), { corner, area, inside }))
      loss.backward()
      optimizer.step()
      bar.update(loss.item())
    }
    const { corner, area, inside } = evaluate(model, test)
    losses.push(bar.stop({ 'largest angle': percent(corner), 'error of area': area.toFixed(4), inside: percent(inside) }))
  }

  const learned = weights.log_variance.entries().map(([task, s]) => `${task} ${Math.exp(-s.item()).toFixed(1)}`)
  console.log(`\nlearned weights of the tasks: ${learned.join(', ')}`)
  return { losses, accuracy: evaluate(model, test) }
}

const about = 'Trains one network to tell three things of a triangle, and how much each of these tasks counts.'
await runIfMain(import.meta.url, about, options, train)
