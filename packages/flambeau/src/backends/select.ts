/** Which backend serves which device. */

import { fallbackReason, loadEngine, requestedEngine } from '#engine'
import type { Backend } from './backend.js'
import { CpuBackend } from './cpu/engine.js'
import { ReferenceBackend } from './reference/backend.js'

const engines = ['native', 'wasm', 'reference'] as const
export type EngineName = (typeof engines)[number]

let slots = 0
const loaded = new Map<EngineName, Backend>()

/** The backend of an engine, loaded when first asked for. */
export function engineBackend(name: EngineName): Backend {
  let backend = loaded.get(name)
  if (backend === undefined) {
    backend = name === 'reference' ? new ReferenceBackend(slots++) : new CpuBackend(loadEngine(name), slots++)
    loaded.set(name, backend)
  }
  return backend
}

function defaultBackend(): Backend {
  if (requestedEngine === undefined) {
    const backend = new CpuBackend(loadEngine(undefined), slots++)
    loaded.set(backend.name as EngineName, backend)
    return backend
  }
  if (!engines.includes(requestedEngine as EngineName))
    throw new Error(`FLAMBEAU_ENGINE must be one of ${engines.join(', ')}, but is '${requestedEngine}'`)
  return engineBackend(requestedEngine as EngineName)
}

const cpu = defaultBackend()

/** The backend of a device. @throws Error for a device that is not there. */
export function backendOf(device: string | undefined): Backend {
  if (device === undefined || device === 'cpu') return cpu
  throw new Error(`device '${device}' is not available: flambeau has 'cpu'`)
}

/** The engine behind `cpu`, for people: which one, why, with how many threads. */
export const backend = {
  /** One line such as `native (avx512, 2 threads)`. */
  info(): string {
    const reason = cpu.name === 'wasm' && fallbackReason !== undefined ? `; no native engine: ${fallbackReason}` : ''
    return cpu.describe() + reason
  },
  /** `native`, `wasm` or `reference`. */
  get engine(): EngineName {
    return cpu.name as EngineName
  },
}

/**
 * Bytes held by tensors (`live`), kept for reuse (`pooled`), and the most that were live (`peak`).
 *
 * @example
 * torch.memory().live >= 0 // true
 */
export const memory = () => cpu.memory()
/**
 * The number of threads kernels use, as `torch.get_num_threads`.
 *
 * @example
 * torch.getNumThreads() > 0 // true
 */
export const getNumThreads = (): number => cpu.threads()
/**
 * Sets the number of threads kernels use, as `torch.set_num_threads`. Results do not depend on it.
 *
 * @example
 * torch.setNumThreads(torch.getNumThreads())
 */
export function setNumThreads(count: number): void {
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`setNumThreads expects a positive integer, but got ${count}`)
  cpu.threads(count)
}
