/** Nothing leaks where nobody disposes: long loops that never yield, on the native engine; gradients nobody saw go at once. */

import { describe, expect, it } from 'vitest'
import * as torch from '../src/index.js'
import { settle } from './support/settle.js'

/** A training step of a small net, written with ops alone. */
function trainer(): () => void {
  const w1 = torch.randn(64, 32, { requiresGrad: true })
  const w2 = torch.randn(32, 10, { requiresGrad: true })
  const x = torch.randn(256, 64)
  const y = torch.randint(0, 10, [256])
  return () => {
    const loss = torch.crossEntropy(x.matmul(w1).relu().matmul(w2), y)
    loss.backward()
    torch.noGrad(() => {
      for (const w of [w1, w2]) {
        w.sub_(w.grad!, { alpha: 0.01 })
        w.grad = null
      }
    })
  }
}

describe('memory', () => {
  it('stays flat over 2,000 synchronous steps', async () => {
    const step = trainer()
    for (let i = 0; i < 1000; i++) step()
    await settle()
    const before = { live: torch.memory().live, rss: process.memoryUsage().rss }
    for (let i = 0; i < 2000; i++) step()
    // Without a collection first: the loop itself must have kept the growth in bounds.
    const during = torch.memory().live
    await settle()
    const after = { live: torch.memory().live, rss: process.memoryUsage().rss }
    expect(during - before.live).toBeLessThan(200 * 2 ** 20)
    // One tensor a step would be 16 MiB; a little of what V8 counts is the test runner's own.
    expect(after.live - before.live).toBeLessThan(4 * 2 ** 20)
    expect(after.rss - before.rss).toBeLessThan(100 * 2 ** 20)
  })
  it('gives gradients back the moment they are used', () => {
    const x = torch.ones(1000, 1000, { requiresGrad: true })
    const y = x.mul(2).mul(3).mul(4).sum()
    const { pooled } = torch.memory()
    y.backward()
    expect(torch.memory().pooled).toBeGreaterThan(pooled)
    expect(x.grad!.select(0, 0).select(0, 0).item()).toBe(24)
  })
  it('raises an error for a disposed tensor instead of reading its memory', () => {
    const x = torch.ones(4)
    x.dispose()
    expect(() => x.add(1)).toThrow('this tensor was disposed')
    expect(() => x.tolist()).toThrow('this tensor was disposed')
  })
})

it('zeroGrad gives back the memory of gradients that nobody has seen, and leaves the others alone', () => {
  const w = torch.ones(4096, { requiresGrad: true })
  const v = torch.ones(4096, { requiresGrad: true })
  const optimizer = new torch.optim.SGD([w, v], { lr: 1 })
  w.mul(v).mul(2).sum().backward()
  const [unseen, seen] = [w.gradient!, v.grad!]
  optimizer.zeroGrad()
  expect(unseen.storage.isReleased).toBe(true)
  expect(seen.sum().item()).toBe(8192)
})
