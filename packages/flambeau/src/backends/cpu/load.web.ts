/** Picks the engine in browsers: the wasm module, fetched while this module loads. */

import type { Engine } from './engine.js'
import { instantiateWasm } from './wasm.js'

export const requestedEngine: string | undefined = undefined
export const fallbackReason: string | undefined = 'browsers run WebAssembly'

const module = await WebAssembly.compileStreaming(fetch(new URL('../../../../kernels/dist/flambeau.wasm', import.meta.url)))

export function loadEngine(name: 'native' | 'wasm' | undefined): Engine {
  if (name === 'native') throw new Error('the native engine runs in Node only')
  return instantiateWasm(module)
}
