/** The header of a safetensors file, and the rules it must keep. */

import type { DType } from '../core/dtype.js'
import { type Shape, showShape } from '../core/layout.js'
import { parseJson } from './json.js'
import { FormatError, quoted } from './source.js'
import { checkedNumel, checkedShape } from './tensorData.js'

/** What a file's dtypes are here, and how many bits an element has, in the format's order; null for what flambeau has not. */
const dtypes = {
  BOOL: ['bool', 8],
  F4: [null, 4],
  F6_E2M3: [null, 6],
  F6_E3M2: [null, 6],
  U8: ['uint8', 8],
  I8: ['int8', 8],
  F8_E5M2: [null, 8],
  F8_E4M3: [null, 8],
  F8_E8M0: [null, 8],
  F8_E4M3FNUZ: [null, 8],
  F8_E5M2FNUZ: [null, 8],
  I16: ['int16', 16],
  U16: [null, 16],
  F16: ['float16', 16],
  BF16: ['bfloat16', 16],
  I32: ['int32', 32],
  U32: [null, 32],
  F32: ['float32', 32],
  C64: ['complex64', 64],
  F64: ['float64', 64],
  I64: ['int64', 64],
  U64: [null, 64],
} as const satisfies Record<string, readonly [DType | null, number]>

/** A dtype as the format spells it. */
export type SafeDType = keyof typeof dtypes

/** The dtypes from the first that is written last to the last that is written first. */
export const order = Object.keys(dtypes) as SafeDType[]
/** What the format calls flambeau's dtypes. */
export const spelling = new Map<DType | null, SafeDType>(order.map((name) => [dtypes[name][0], name]))

/** More bytes than these no header has. */
export const MAX_HEADER = 100_000_000

/** A tensor as the header states it; its bytes are counted from the end of the header. */
export interface Entry {
  readonly name: string
  readonly type: SafeDType
  readonly shape: Shape
  readonly start: number
  readonly end: number
}

export interface Header {
  /** In the order of their bytes. */
  readonly entries: readonly Entry[]
  readonly metadata: Readonly<Record<string, string>> | null
  /** Where the tensors' bytes begin. */
  readonly start: number
}

/** The length of the header of a file of this size that begins so. */
export function headerLength(head: Uint8Array, size: number): number {
  if (size < 8) throw new FormatError(`its ${size} bytes are too few for a header (HeaderTooSmall)`)
  const length = Number(new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true))
  if (length > MAX_HEADER)
    throw new FormatError(`its header claims ${length} bytes, and ${MAX_HEADER} are the most (HeaderTooLarge)`)
  if (8 + length > size)
    throw new FormatError(`its header claims ${length} bytes, and ${size - 8} are there (InvalidHeaderLength)`)
  return length
}

/** Reads a header and checks every rule of the format. */
export function parseHeader(bytes: Uint8Array, size: number): Header {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new FormatError('its header is no UTF-8 (InvalidHeader)')
  }
  if (text[0] !== '{') throw new FormatError('its header does not begin with { (InvalidHeaderStart)')
  const header = parseJson(text) as Map<string, unknown>
  const metadata = readMetadata(header.get('__metadata__'))
  header.delete('__metadata__')
  const entries = [...header].map(([name, value]) => readEntry(name, value)).sort((a, b) => a.start - b.start || a.end - b.end)
  const start = 8 + bytes.length
  let end = 0
  for (const entry of entries) {
    if (entry.start !== end || entry.end < entry.start)
      throw new FormatError(
        `its tensor ${quoted(entry.name)} has the bytes ${entry.start} to ${entry.end} where those from ${end} on come next (InvalidOffset)`,
      )
    requireSize(entry)
    end = entry.end
  }
  if (start + end !== size)
    throw new FormatError(`its tensors end at byte ${start + end}, but it has ${size} bytes (MetadataIncompleteBuffer)`)
  return { entries, metadata, start }
}

function readMetadata(value: unknown): Readonly<Record<string, string>> | null {
  if (value === undefined || value === null) return null
  if (!(value instanceof Map)) throw new FormatError('its metadata is no object (InvalidHeaderDeserialization)')
  const metadata: Record<string, string> = Object.create(null)
  for (const [key, item] of value) {
    if (typeof item !== 'string') throw new FormatError(`its metadata ${quoted(key)} is no string (InvalidHeaderDeserialization)`)
    metadata[key] = item
  }
  return metadata
}

function readEntry(name: string, value: unknown): Entry {
  const what = `its tensor ${quoted(name)}`
  const fields = value instanceof Map ? value : new Map<string, unknown>()
  const type = fields.get('dtype')
  if (typeof type !== 'string' || !Object.hasOwn(dtypes, type))
    throw new FormatError(`${what} has no dtype that the format knows (InvalidHeaderDeserialization)`)
  const shape = checkedShape(fields.get('shape'), what)
  const offsets = fields.get('data_offsets')
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every((n) => Number.isSafeInteger(n)))
    throw new FormatError(`${what} has no two offsets (InvalidHeaderDeserialization)`)
  return { name, type: type as SafeDType, shape, start: offsets[0], end: offsets[1] }
}

/** A tensor has just the bytes that its shape and dtype take. */
function requireSize({ name, type, shape, start, end }: Entry): void {
  const bits = checkedNumel(shape, `its tensor ${quoted(name)}`, ' (ValidationOverflow)') * dtypes[type][1]
  if (bits % 8 !== 0) throw new FormatError(`its tensor ${quoted(name)} ends inside a byte (MisalignedSlice)`)
  if (end - start !== bits / 8)
    throw new FormatError(
      `its tensor ${quoted(name)} of shape ${showShape(shape)} and dtype ${type} takes ${bits / 8} bytes, but has ${end - start} (TensorInvalidInfo)`,
    )
}

/** What a tensor is here. @throws FormatError for a dtype that flambeau lacks */
export function dtypeOf({ name, type }: Entry): DType {
  const [dtype] = dtypes[type]
  if (dtype === null) throw new FormatError(`its tensor ${quoted(name)} has the dtype ${type}, which flambeau does not have`)
  return dtype
}
