/** Checkpoints to and from the real PyTorch, where it is installed; and, everywhere, the bytes that it writes. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Tensor } from '../src/index.js'
import * as torch from '../src/index.js'
import { nn, optim } from '../src/index.js'
import { bytesSource } from '../src/serialization/source.js'
import { Zip } from '../src/serialization/zipReader.js'
import { fixture } from './support/files.js'
import type { Json } from './support/python.js'
import { hasTorch, runPython } from './support/torch.js'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Entries by their names without the folder. */
async function entriesOf(bytes: Uint8Array<ArrayBuffer>): Promise<Record<string, Buffer>> {
  const zip = await Zip.open(bytesSource(bytes))
  const entries = zip.names.map(async (name) => [name.replace(/^[^/]*\//, ''), Buffer.from(await zip.read(name))])
  return Object.fromEntries(await Promise.all(entries))
}

// Texts that are equal but not one object in Python are written twice there: only that keeps other files from being the same.
test.each([
  'checkpoint',
  'half_special',
  'list_tensors',
  'noncontig',
  'opt_adam',
  'opt_adamw',
  'opt_sgd',
  'recursive',
  'sd_cnn',
  'sd_lstm',
  'tensor_empty',
  'tensor_large',
  'tensor_rg',
  'views_shared',
])('%s, loaded and saved, is what PyTorch wrote', async (name) => {
  const bytes = new Uint8Array(readFileSync(new URL(`conformance/pickle/${name}.pt`, import.meta.url)))
  const { byteorder, ...ours } = await entriesOf(await torch.serialization.toBytes(await torch.load(bytes)))
  expect(byteorder.toString()).toBe('little')
  expect(ours).toEqual(await entriesOf(bytes))
})

describe.skipIf(!hasTorch)('PyTorch itself', () => {
  test('loads the states of all layers strictly', async () => {
    const path = join(folder, 'modules.pt')
    writeFileSync(path, fixture('modules.pt'))
    const cases = await torch.load<Json[]>(path)
    await torch.save(
      cases.map(({ module }) => module.stateDict()),
      join(folder, 'states.pt'),
    )
    runPython(`
import copy, warnings
cases, states = torch.load('${path}'), torch.load('${join(folder, 'states.pt')}')
for case, state in zip(cases, states):
    module = case['module']
    theirs = copy.deepcopy(module.state_dict())
    assert list(state) == list(theirs), module
    assert dict(state._metadata) == dict(theirs._metadata), module
    for tensor in module.state_dict().values():
        tensor.fill_(1)
    missing, unexpected = module.load_state_dict(state, strict=True)
    for name, tensor in module.state_dict().items():
        assert tensor.dtype == theirs[name].dtype and torch.equal(tensor, theirs[name]), (module, name)
warnings.simplefilter('ignore')
torch.save(cases, '${join(folder, 'legacy.pt')}', _use_new_zipfile_serialization=False)
`)
    // Whole modules in the older format: with the source text of their classes.
    const legacy = await torch.load<Json[]>(join(folder, 'legacy.pt'))
    for (const [i, { module, repr }] of legacy.entries()) {
      expect(String(module)).toBe(repr)
      const state = module.stateDict()
      for (const [name, t] of Object.entries<Tensor>(cases[i].module.stateDict())) expect(state[name].equal(t)).toBe(true)
    }
  })

  const optimizers: [
    string,
    (parameters: nn.Parameter[]) => {
      zeroGrad(): void
      step(closure?: unknown): unknown
      stateDict(): unknown
      loadStateDict(state: Json): unknown
    },
    string,
  ][] = [
    ['SGD', (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, nesterov: true }), 'lr=0.1, momentum=0.9, nesterov=True'],
    ['Adam', (p) => new optim.Adam(p, { lr: 0.01, amsgrad: true }), 'lr=0.01, amsgrad=True'],
    ['AdamW', (p) => new optim.AdamW(p, { lr: 0.01 }), 'lr=0.01'],
    ['Adamax', (p) => new optim.Adamax(p, { lr: 0.01 }), 'lr=0.01'],
    ['NAdam', (p) => new optim.NAdam(p, { lr: 0.01 }), 'lr=0.01'],
    ['RAdam', (p) => new optim.RAdam(p, { lr: 0.01 }), 'lr=0.01'],
    ['RMSprop', (p) => new optim.RMSprop(p, { lr: 0.01, momentum: 0.5, centered: true }), 'lr=0.01, momentum=0.5, centered=True'],
    ['Adagrad', (p) => new optim.Adagrad(p, { lr: 0.01 }), 'lr=0.01'],
    ['Adadelta', (p) => new optim.Adadelta(p), ''],
    ['ASGD', (p) => new optim.ASGD(p, { lr: 0.01 }), 'lr=0.01'],
    ['Rprop', (p) => new optim.Rprop(p, { lr: 0.01 }), 'lr=0.01'],
    ['LBFGS', (p) => new optim.LBFGS(p, { lr: 0.1, maxIter: 3 }), 'lr=0.1, max_iter=3'],
  ]
  test.each(optimizers)('goes on where %s stopped, and the other way round', async (name, make, settings) => {
    torch.manualSeed(0)
    const model = new nn.Sequential(new nn.Linear(3, 4), new nn.Tanh(), new nn.Linear(4, 1))
    const [x, y] = [torch.rand(8, 3), torch.rand(8, 1)]
    const optimizer = make(model.parameters())
    const step = (): void => {
      const closure = (): Tensor => {
        optimizer.zeroGrad()
        const loss = nn.functional.mseLoss(model(x), y)
        loss.backward()
        return loss
      }
      optimizer.step(closure)
    }
    step()
    step()
    const ours = join(folder, `${name}.ours.pt`)
    const theirs = join(folder, `${name}.theirs.pt`)
    await torch.save({ model: model.stateDict(), optimizer: optimizer.stateDict(), x, y }, ours)
    // They take one step from our state, save, and take another.
    runPython(`
from torch import nn
saved = torch.load('${ours}')
model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
optimizer = torch.optim.${name}(model.parameters(), ${settings})
model.load_state_dict(saved['model'], strict=True)
optimizer.load_state_dict(saved['optimizer'])
def closure():
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(saved['x']), saved['y'])
    loss.backward()
    return loss
import copy
optimizer.step(closure)
first = copy.deepcopy({'model': model.state_dict(), 'optimizer': optimizer.state_dict()})
optimizer.step(closure)
torch.save({'first': first, 'last': model.state_dict()}, '${theirs}')
`)
    const { first, last } = await torch.load<Json>(theirs)
    const expectState = (state: Record<string, Tensor>): void => {
      for (const [key, t] of Object.entries(model.stateDict()))
        expect(torch.allclose(t, state[key], { rtol: 1e-5, atol: 1e-6 }), `${key}\n${t}\n${state[key]}`).toBe(true)
    }
    step()
    expectState(first.model)
    model.loadStateDict(first.model)
    optimizer.loadStateDict(first.optimizer)
    step()
    expectState(last)
  })
})
