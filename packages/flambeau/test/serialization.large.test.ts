/** Checkpoints beyond 2 and 4 GiB: sizes and places of 64 bits, read and written in parts. Files are sparse: zeros take no disk. */

import { mkdtempSync, rmSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { freemem, tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import type { Tensor } from '../src/index.js'
import * as torch from '../src/index.js'
import { openFile } from '../src/serialization/files.node.js'
import { Zip } from '../src/serialization/zipReader.js'
import { ZipWriter } from '../src/serialization/zipWriter.js'
import { hasTorch, runPython } from './support/torch.js'

const GIB = 2 ** 30
const needed = 8 * GIB
const isPossible = freemem() >= needed && torch.backend.engine === 'native' && process.platform !== 'win32'
if (!isPossible)
  console.warn(`serialization.large.test.ts is skipped: it wants the native engine and ${needed / GIB} GiB of memory`)

const zeros = Buffer.alloc(16 * 2 ** 20)
/** Writes what is not zero, and leaves holes for the rest. */
function sparse(file: FileHandle): WritableStream<Uint8Array> {
  let at = 0
  return new WritableStream({
    write: async (chunk) => {
      if (!zeros.subarray(0, chunk.length).equals(chunk)) await file.write(chunk, 0, chunk.length, at)
      at += chunk.length
    },
    close: () => file.truncate(at),
  })
}

/** By how much memory grew while a function ran, at most. */
async function growth<T>(run: () => Promise<T>): Promise<[T, number]> {
  globalThis.gc?.()
  const before = process.memoryUsage().rss
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss)
  }, 5)
  try {
    return [await run(), most - before]
  } finally {
    clearInterval(timer)
  }
}

const folder = mkdtempSync(join(tmpdir(), 'flambeau-'))
afterAll(() => rmSync(folder, { recursive: true }))

test.skipIf(!isPossible)('a tensor of more than 2 GiB and one behind it', { timeout: 240_000 }, async () => {
  const path = join(folder, 'large.pt')
  const n = 2 * GIB + 1000
  const marks = torch.tensor([0, 2 ** 31 - 1, 2 ** 31, n - 1], { dtype: 'int64' })
  const write = async (): Promise<number> => {
    const big = torch.zeros(n, { dtype: 'uint8' })
    big.indexFill_(0, marks, 7)
    const file = await open(path, 'w')
    const content = { big, view: big.narrow(0, 2 ** 31 - 2, 4), small: torch.arange(3) }
    const [, saving] = await growth(() => torch.save(content, sparse(file)))
    await file.close()
    return saving
  }
  expect(await write()).toBeLessThan(GIB / 2)
  if (hasTorch)
    runPython(`
saved = torch.load('${path}')
assert saved['big'].numel() == ${n} and saved['big'].nonzero().flatten().tolist() == [${marks.tolist()}]
assert saved['view'].tolist() == [0, 7, 7, 0] and saved['small'].tolist() == [0, 1, 2]`)
  globalThis.gc?.()
  const [{ big, view, small }, loading] = await growth(() => torch.load<Record<string, Tensor>>(path))
  expect(loading).toBeLessThan(n + GIB / 2)
  expect(big.shape).toEqual([n])
  expect(big.indexSelect(0, marks).tolist()).toEqual([7, 7, 7, 7])
  expect(big.sum().item()).toBe(28)
  expect(view.tolist()).toEqual([0, 7, 7, 0])
  expect(view.storage).toBe(big.storage)
  expect(small.tolist()).toEqual([0, 1, 2])
})

test('an archive with an entry of more than 4 GiB', { timeout: 60_000 }, async () => {
  const path = join(folder, 'archive.zip')
  const [chunks, last] = [257, Buffer.from('behind')]
  const file = await open(path, 'w')
  const writer = sparse(file).getWriter()
  const sink = { write: (bytes: Uint8Array) => writer.write(bytes), commit: () => writer.close(), abort: () => writer.abort() }
  const zip = new ZipWriter(sink)
  const many = function* (): Generator<Uint8Array> {
    for (let i = 0; i < chunks; i++) yield zeros
  }
  await zip.add('a/zeros', chunks * zeros.length, many, () => 0)
  await zip.add(
    'a/last',
    last.length,
    () => [last],
    () => crc32(last),
  )
  await zip.finish()
  await sink.commit()
  await file.close()
  const source = await openFile(path)
  const read = await Zip.open(source)
  expect(read.sizeOf('a/zeros')).toBe(chunks * zeros.length)
  expect(Buffer.from(await read.read('a/last')).toString()).toBe('behind')
  await source.close()
  if (hasTorch)
    runPython(`
import zipfile
archive = zipfile.ZipFile('${path}')
assert archive.getinfo('a/zeros').file_size == ${chunks * zeros.length} and archive.read('a/last') == b'behind'`)
})
