/** Broken and random files: a result, or an error of one sentence that names the file; soon, and without much memory. */

import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import * as torch from '../src/index.js'
import { nn } from '../src/index.js'
import { bytesSource } from '../src/serialization/source.js'
import { Zip } from '../src/serialization/zipReader.js'
import { fixture } from './support/files.js'
import { forgeLegacy, forgeZip } from './support/forge.js'

const SEED = 20_221_028
const folder = new URL('conformance/pickle/', import.meta.url)
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.pt') && name !== 'zip_bomb.pt')
  .map((name) => new Uint8Array(readFileSync(new URL(name, folder))))
  .filter((bytes) => bytes.length < 30_000)

/** Reads all tensors that are not absurdly expanded: none may reach out of its storage. */
function touch(root: unknown): void {
  const seen = new Set<unknown>([root])
  for (const value of seen) {
    if (value instanceof torch.Tensor) {
      if (value.numel() < 10_000) value.clone()
    } else if (value instanceof nn.Module) for (const t of [...value.parameters(), ...value.buffers()]) seen.add(t)
    else if (typeof value === 'object' && value !== null)
      for (const item of Symbol.iterator in value ? (value as Iterable<unknown>) : Object.values(value)) seen.add(item)
  }
}

let slowest = 0
/** What came of loading; throws where that is neither a result nor a proper error. */
async function check(bytes: Uint8Array): Promise<'loaded' | 'refused'> {
  const start = performance.now()
  try {
    touch(await torch.load(bytes as Uint8Array<ArrayBuffer>))
    return 'loaded'
  } catch (error) {
    const { message } = error as Error
    const isProper = (error as Error).constructor === Error && /^the buffer cannot be loaded: [^\n]{1,600}$/.test(message)
    if (!isProper) throw new Error(`not an error of one sentence: ${(error as Error).stack}`)
    return 'refused'
  } finally {
    slowest = Math.max(slowest, performance.now() - start)
  }
}

/** Runs cases from a fixed seed and says how many could be loaded: some must be, or nothing goes deep. */
async function fuzz(cases: fc.Arbitrary<Uint8Array | (() => Promise<Uint8Array>)>, numRuns: number): Promise<number> {
  let loaded = 0
  const before = process.memoryUsage()
  slowest = 0
  await fc.assert(
    fc.asyncProperty(cases, async (file) => {
      if ((await check(typeof file === 'function' ? await file() : file)) === 'loaded') loaded++
    }),
    { seed: SEED, numRuns, endOnFailure: true },
  )
  expect(slowest).toBeLessThan(2000)
  expect(process.memoryUsage().rss - before.rss).toBeLessThan(2 ** 29)
  return loaded
}

/** A few changes to bytes: bits flipped, bytes replaced, parts taken out, doubled or moved. */
const changed = (originals: readonly Uint8Array[], most = 4): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(
      fc.constantFrom(...originals),
      fc.array(fc.tuple(fc.nat(4), fc.nat(), fc.nat(), fc.nat(255)), { minLength: 1, maxLength: most }),
    )
    .map(([original, changes]) => changes.reduce(change, original))

function change(bytes: Uint8Array, [kind, place, more, byte]: [number, number, number, number]): Uint8Array {
  const at = place % (bytes.length + 1)
  const end = Math.min(bytes.length, at + (more % 64))
  const parts = (...pieces: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(pieces))
  if (kind === 0) return bytes.map((b, i) => (i === at ? b ^ (1 << (byte & 7)) : b))
  if (kind === 1) return bytes.map((b, i) => (i === at ? byte : b))
  if (kind === 2) return parts(bytes.subarray(0, at), bytes.subarray(end))
  if (kind === 3) return parts(bytes.subarray(0, end), bytes.subarray(at))
  return bytes.slice(0, at)
}

/** Pickles and storages of whole files, to be put together again with the right checksums. */
const archives: { pickle: Uint8Array; storages: Record<string, Uint8Array> }[] = []
beforeAll(async () => {
  const modules = await torch.load<Record<string, Uint8Array<ArrayBuffer>[]>>(fixture('classes.pt'))
  for (const [zip, legacy] of Object.values(modules)) files.push(zip, legacy)
  for (const bytes of files) {
    const zip = await Zip.open(bytesSource(bytes)).catch(() => null)
    const root = zip?.names[0]?.split('/')[0]
    if (zip === null || !zip.has(`${root}/data.pkl`)) continue
    const storages: Record<string, Uint8Array> = {}
    for (const name of zip.names.filter((name) => name.startsWith(`${root}/data/`)))
      storages[name.split('/')[2]] = await zip.read(name)
    archives.push({ pickle: await zip.read(`${root}/data.pkl`), storages })
  }
  expect(archives.length).toBeGreaterThan(50)
})

describe('fuzzing', { timeout: 120_000 }, () => {
  test('random bytes', async () => {
    expect(await fuzz(fc.uint8Array({ maxLength: 400 }), 300)).toBe(0)
    const magic = [Uint8Array.of(0x50, 0x4b, 3, 4), forgeLegacy(1).slice(0, 15)]
    const begun = fc
      .tuple(fc.constantFrom(...magic), fc.uint8Array({ maxLength: 400 }))
      .map(([head, rest]) => new Uint8Array(Buffer.concat([head, rest])))
    expect(await fuzz(begun, 300)).toBe(0)
  })

  test('changed files', async () => {
    expect(await fuzz(changed(files), 2000)).toBeGreaterThan(20)
  })

  test('changed directories of archives', async () => {
    const zips = files.filter((bytes) => bytes[0] === 0x50)
    const near = fc.tuple(changed(zips.map((bytes) => bytes.slice(-400))), fc.constantFrom(...zips))
    const joined = near.map(([tail, bytes]) => new Uint8Array(Buffer.concat([bytes.subarray(0, -400), tail])))
    await fuzz(joined, 1500)
  })

  test('changed pickles', async () => {
    const cases = archives.map(({ pickle, storages }) => changed([pickle], 2).map((bytes) => () => forgeZip(bytes, storages)))
    expect(await fuzz(fc.oneof(...cases), 2000)).toBeGreaterThan(50)
  })

  test('programs for the pickle machine', async () => {
    const text = (value: string): number[] => [...Buffer.from(value)]
    const names = [
      'torch._utils\n_rebuild_tensor_v2\n',
      'torch._utils\n_rebuild_tensor_v3\n',
      'torch._utils\n_rebuild_parameter\n',
      'torch._tensor\n_rebuild_from_type_v2\n',
      'collections\nOrderedDict\n',
      'collections\nCounter\n',
      'torch\nSize\n',
      'torch\ndevice\n',
      'torch\nFloatStorage\n',
      'torch\nComplexDoubleStorage\n',
      'torch\nfloat32\n',
      'torch.storage\nUntypedStorage\n',
      '_codecs\nencode\n',
      '__builtin__\nset\n',
      '__builtin__\nbytearray\n',
      '__builtin__\nlist\n',
      '__builtin__\nobject\n',
      'copy_reg\n_reconstructor\n',
      'torch.nn.modules.linear\nLinear\n',
      'torch.nn.modules.rnn\nLSTM\n',
      'torch.nn.modules.container\nSequential\n',
      'torch.nn.functional\nrelu\n',
      'os\nsystem\n',
    ]
    const words = [
      'storage',
      '0',
      '1',
      'cpu',
      'training',
      '_modules',
      '_parameters',
      'weight',
      '__proto__',
      'latin1',
      'in_features',
    ]
    const op = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...names).map((name) => [0x63, ...text(name)]) },
      { weight: 4, arbitrary: fc.constantFrom(...words).map((word) => [0x58, word.length, 0, 0, 0, ...text(word)]) },
      { weight: 3, arbitrary: fc.nat(20).map((n) => [0x4b, n]) },
      { weight: 1, arbitrary: fc.integer().map((n) => [0x4a, n & 255, (n >> 8) & 255, (n >> 16) & 255, n >>> 24]) },
      { weight: 2, arbitrary: fc.nat(9).map((n) => [0x71, n]) },
      { weight: 4, arbitrary: fc.nat(9).map((n) => [0x68, n]) },
      // Tuples, lists, dicts, marks and what puts things into them; calls, instances, their states, persistent ids.
      {
        weight: 16,
        arbitrary: fc
          .constantFrom(...text('(()]}tleasud012NQR b'), 0x85, 0x86, 0x87, 0x81, 0x88, 0x8f, 0x90, 0x93, 0x94)
          .map((c) => [c]),
      },
    )
    const program = fc.array(op, { maxLength: 60 }).map((ops) => Uint8Array.from([0x80, 2, ...ops.flat(), 0x2e]))
    const storages = { 0: new Uint8Array(64), 1: new Uint8Array(16) }
    const cases = program.map((bytes) => () => forgeZip(bytes, storages))
    expect(await fuzz(cases, 4000)).toBeGreaterThan(100)
  })

  test('every beginning of a file', async () => {
    for (const name of ['checkpoint.pt', 'checkpoint_legacy.pt', 'module_seq.pt']) {
      const bytes = new Uint8Array(readFileSync(new URL(name, folder)))
      for (let length = 0; length < bytes.length; length++) expect(await check(bytes.slice(0, length))).toBe('refused')
    }
  })
})

const N = 200_000
const repeat = (...codes: number[]): number[] => Array.from({ length: N }, () => codes).flat()
test.each([
  ['lists', [...repeat(0x5d), ...repeat(0x61).slice(1)]],
  ['tuples', [...repeat(0x28), ...repeat(0x74)]],
  ['tuples of one', [0x29, ...repeat(0x85)]],
  ['marks', repeat(0x28)],
  ['dicts', [...repeat(0x7d, 0x4b, 1), 0x4e, ...repeat(0x73)]],
  ['sets', [...repeat(0x8f, 0x28), 0x4e, ...repeat(0x90)]],
])('%s in each other, very deep', async (_, codes) => {
  await check(await forgeZip(Uint8Array.from([0x80, 2, ...codes, 0x2e])))
})

test('what holds itself', async () => {
  const list = await torch.load<unknown[]>(await forgeZip(Uint8Array.from([0x80, 2, 0x5d, 0x71, 0, 0x68, 0, 0x61, 0x2e])))
  expect(list[0]).toBe(list)
})
