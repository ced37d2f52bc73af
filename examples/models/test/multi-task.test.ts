import * as torch from 'flambeau'
import { describe, expect, it, test } from 'vitest'
import { LearnedWeights, MultiTask, taskLosses } from '../src/multi-task/model.js'
import { train, triangles } from '../src/multi-task/train.js'
import {
  check,
  dtypes,
  expectRoundTrip,
  fill,
  filled,
  listen,
  parameterCount,
  readFixture,
  tolerances,
  whole,
} from './support.js'

describe('several tasks with learned weights', () => {
  const { parameters, cases } = readFixture('multi-task')
  const make = (): MultiTask => new MultiTask(6, 16, 4)

  test.each(dtypes)('compute what they compute in PyTorch, in %s', (dtype) => {
    const model = fill(make().to(dtype))
    const weights = fill(new LearnedWeights().to(dtype))
    const out = model(filled('x', 9, 6).to(dtype))
    const corner = whole('corner', 4, 9)
    const area = filled('area', 9).mul(2).to(dtype)
    const inside = whole('inside', 2, 9).to(dtype)
    const loss = weights(taskLosses(out, { corner, area, inside }))
    check([model, weights], { ...out }, loss, cases[0], tolerances[dtype])
  })

  it('have as many parameters as in PyTorch', () => {
    expect(parameterCount(make())).toBe(parameters)
  })

  it('are the same after saving and loading', async () => {
    const x = filled('x', 9, 6).float()
    await expectRoundTrip(make, (model) => torch.cat(Object.values(model(x)), { dim: 1 }))
  })

  it('weigh a task the more, the smaller its loss is', () => {
    const weights = new LearnedWeights()
    const losses = { corner: torch.tensor(1), area: torch.tensor(0.01), inside: torch.tensor(5) }
    weights(losses).backward()
    const { corner, area, inside } = Object.fromEntries(weights.log_variance.entries())
    expect([corner, area, inside].map((s) => Math.round(100 * s.grad!.item()))).toEqual([0, 99, -400])
  })

  it('are learned', async () => {
    const { result, printed } = await listen(() => train({ epochs: 6, triangles: 3000, batchSize: 32, hidden: 32 }))
    expect(result.losses[5]).toBeLessThan(result.losses[0] - 1)
    expect(result.accuracy.corner).toBeGreaterThan(0.7)
    expect(printed).toMatch(/epoch 6\/6 {2}loss [\s\S]*learned weights of the tasks: area [\d.]+, corner [\d.]+, inside [\d.]+$/)
  })
})

test('triangles are what they are said to be', () => {
  const [corners, corner, area, inside] = triangles(200)
  for (let i = 0; i < 200; i++) {
    const [ax, ay, bx, by, cx, cy] = corners.at(i).tolist() as number[]
    const sides = [Math.hypot(bx - cx, by - cy), Math.hypot(cx - ax, cy - ay), Math.hypot(ax - bx, ay - by)]
    expect(corner.at(i).item()).toBe(sides.indexOf(Math.max(...sides)))
    const half = sides.reduce((a, b) => a + b, 0) / 2
    expect(area.at(i).item()).toBeCloseTo(Math.sqrt(sides.reduce((product, side) => product * Math.max(0, half - side), half)), 3)
    // The origin is inside where the three triangles that it makes with the sides are no larger than the whole.
    const parts = (Math.abs(ax * by - ay * bx) + Math.abs(bx * cy - by * cx) + Math.abs(cx * ay - cy * ax)) / 2
    if (Math.abs(parts - area.at(i).item()) > 1e-4 || inside.at(i).item() === 1)
      expect(inside.at(i).item() === 1).toBe(Math.abs(parts - area.at(i).item()) <= 1e-4)
  }
})
