/** Recorded checkpoints of flambeau's own tests. */

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** The bytes of a compressed fixture. */
export const fixture = (name: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(gunzipSync(readFileSync(new URL(`../fixtures/${name}.gz`, import.meta.url))))
