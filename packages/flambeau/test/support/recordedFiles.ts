/** Files recorded by tools/fixtures/files.py, and what the tests of files have in common. */

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect } from 'vitest'
import type { DType, Tensor } from '../../src/index.js'
import * as torch from '../../src/index.js'

/** A tensor as recorded: its elements in row-major order, little-endian. */
export interface Recorded {
  dtype: DType
  shape: number[]
  data: string
}
interface Files {
  arrays: ({ name: string; file: string; fortran: boolean } & Recorded)[]
  refused: { name: string; file: string }[]
  archives: { name: string; file: string; arrays: Record<string, Recorded> }[]
  safetensors: { name: string; file: string; tensors: Record<string, Recorded>; metadata: Record<string, string> | null }[]
  broken: Record<string, string[]>
}

export const recorded: Files = JSON.parse(
  gunzipSync(readFileSync(new URL('../fixtures/files.json.gz', import.meta.url))).toString(),
)

export const bytesOf = (base64: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(base64, 'base64'))

/** The tensor that was recorded. */
export const tensorOf = ({ dtype, shape, data }: Recorded): Tensor =>
  shape.includes(0) ? torch.empty(shape, { dtype }) : torch.frombuffer(bytesOf(data), { dtype }).view(shape)

/** The bytes of a tensor's elements in row-major order. */
export function rawBytes(t: Tensor): Uint8Array {
  const dense = t.detach().contiguous()
  const from = dense.storageOffset() * dense.elementSize()
  return dense.storage.bytes.slice(from, from + dense.numel() * dense.elementSize())
}

export function expectRecorded(got: Tensor, want: Recorded): void {
  expect(got.dtype).toBe(want.dtype)
  expect(got.shape).toEqual(want.shape)
  expect(Buffer.from(rawBytes(got)).toString('base64')).toBe(want.data)
}
