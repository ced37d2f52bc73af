/** Nothing leaks where nobody disposes: 2,000 training steps fed by a DataLoader, on whichever engine is on. */

import { describe, expect, it } from 'vitest'
import * as torch from '../../src/index.js'
import { data, nn, optim } from '../../src/index.js'
import { settle } from '../support/settle.js'

const MIB = 2 ** 20
// A sanitizer keeps what was freed for a while, and its build reuses nothing.
const sanitized = process.env.FLAMBEAU_ISA?.endsWith('-sanitize') ?? false

describe.skipIf(torch.backend.engine === 'reference' || sanitized)(`memory on ${torch.backend.engine}`, () => {
  it('stays flat over 2,000 steps driven by a DataLoader', async () => {
    torch.manualSeed(0)
    const samples = new data.TensorDataset(torch.randn(800, 1, 12, 12), torch.randint(0, 10, [800]))
    const loader = new data.DataLoader(samples, { batchSize: 16, shuffle: true })
    const model = new nn.Sequential(
      new nn.Conv2d(1, 8, 3),
      new nn.ReLU(),
      new nn.MaxPool2d(2),
      new nn.Flatten(),
      new nn.Dropout(0.2),
      new nn.Linear(200, 10),
    )
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.05, momentum: 0.9 })
    const criterion = new nn.CrossEntropyLoss()
    let steps = 0
    let most = 0
    async function epoch(): Promise<void> {
      for await (const [x, y] of loader) {
        optimizer.zeroGrad()
        criterion(model(x), y).backward()
        optimizer.step()
        steps++
        if (steps % 25 === 0) most = Math.max(most, torch.memory().live)
      }
    }
    while (steps < 600) await epoch()
    await settle()
    const before = { live: torch.memory().live, rss: process.memoryUsage().rss }
    steps = most = 0
    while (steps < 2000) await epoch()
    await settle()
    const after = { live: torch.memory().live, rss: process.memoryUsage().rss }
    // What one step makes is some 3 MiB: what the collector leaves for later must stay bounded too.
    expect(most - before.live).toBeLessThan(256 * MIB)
    expect(after.live - before.live).toBeLessThan(4 * MIB)
    expect(after.rss - before.rss).toBeLessThan(100 * MIB)
  })
})
