/** Checksums. */

import type { Operand } from '../backend.js'
import { elementsOf } from './elements.js'
import { places } from './places.js'

/** CRC-32 of bytes, going on from that of the bytes before. */
export function crc32(x: Operand, before: number): number {
  const elements = elementsOf(x)
  let crc = ~before >>> 0
  for (const place of places(x.layout)) {
    crc ^= elements.number(place)
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}
