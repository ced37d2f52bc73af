/** The native engine: a Node-API addon per instruction set, the best one for this processor picked at load. */

import { createRequire } from 'node:module'
import { SharedMemory } from '../../core/storage.js'
import type { MemoryUse } from '../backend.js'
import { BufferAllocator, type BufferSource } from './allocator.js'
import type { Engine } from './engine.js'

interface Addon {
  run(): void
  addressOf(buffer: ArrayBuffer): number
  readonly frame: ArrayBuffer
  readonly instructionSet: string
  readonly kernels: readonly string[]
  readonly primitives: readonly string[]
}

/** The least that each architecture has; its addon also tells what the processor can do. */
const baselines: Partial<Record<string, string>> = { x64: 'x86-64-v2', arm64: 'neon' }

/**
 * Loads the addon, or answers why there is none. `FLAMBEAU_ISA` forces an instruction set (for tests); a sanitized build
 * is named the same way.
 */
export function loadNative(): Engine | { readonly missing: string } {
  const require = createRequire(import.meta.url)
  const load = (isa: string): Addon => require(`@flambeau/kernels/dist/flambeau-${isa}.node`)
  let addon: Addon
  let isa = process.env.FLAMBEAU_ISA
  try {
    if (isa) addon = load(isa)
    else {
      const baseline = baselines[process.arch] ?? 'generic'
      addon = load(baseline)
      isa = addon.instructionSet
      if (isa !== baseline) addon = load(isa)
    }
  } catch (error) {
    return { missing: error instanceof Error ? error.message.split('\n')[0] : String(error) }
  }
  const frame = new Float64Array(addon.frame)
  let sinceSample = 0
  let peak = 0
  const source: BufferSource = {
    make: (bytes) => {
      sinceSample += bytes
      // V8's own count is the truth, but asking costs microseconds: once for some megabytes is enough.
      if (sinceSample > 64 * 2 ** 20) sample()
      try {
        return Buffer.allocUnsafeSlow(bytes).buffer as ArrayBuffer
      } catch {
        throw new RangeError(`DefaultCPUAllocator: can't allocate memory: you tried to allocate ${bytes} bytes.`)
      }
    },
    addressOf: addon.addressOf,
  }
  const allocator = new BufferAllocator(source, isa.endsWith('-sanitize'))
  function sample(): MemoryUse {
    sinceSample = 0
    const live = Math.max(0, process.memoryUsage().arrayBuffers - allocator.pooled)
    peak = Math.max(peak, live)
    return { live, pooled: allocator.pooled, peak }
  }
  return {
    name: 'native',
    instructionSet: isa,
    kernels: addon.kernels,
    primitives: addon.primitives,
    frame: () => frame,
    run: addon.run,
    allocate: (bytes) => allocator.allocate(bytes),
    free: (memory) => allocator.free(memory),
    ownsBuffer: (memory) => allocator.ownsBuffer(memory),
    adopt: (buffer, byteOffset, bytes) => allocator.adopt(buffer, byteOffset, bytes),
    share: (buffer, byteOffset, bytes) => new SharedMemory(addon.addressOf(buffer), buffer, byteOffset, bytes),
    memory: sample,
  }
}
