/** Collects garbage until nothing more is freed; tests about memory measure after it. Needs --expose-gc. */

import { memory } from '../../src/index.js'

export async function settle(): Promise<void> {
  let quiet = 0
  for (let last = Number.POSITIVE_INFINITY, i = 0; quiet < 3 && i < 50; i++) {
    globalThis.gc!()
    // Finalizers run, and V8 frees array buffers, in tasks of their own.
    await new Promise((resolve) => setTimeout(resolve, 10))
    const { live } = memory()
    quiet = live < last ? 0 : quiet + 1
    last = Math.min(last, live)
  }
}
