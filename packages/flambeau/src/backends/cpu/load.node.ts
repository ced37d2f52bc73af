/** Picks the engine in Node: the native addon, or the wasm module where there is none. */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Engine } from './engine.js'
import { loadNative } from './native.js'
import { instantiateWasm } from './wasm.js'

/** The engine that `FLAMBEAU_ENGINE` asks for. */
export const requestedEngine = process.env.FLAMBEAU_ENGINE || undefined

/** Why the native engine is not on, where it is not. */
export let fallbackReason: string | undefined

const loadWasm = (): Engine => {
  const path = createRequire(import.meta.url).resolve('@flambeau/kernels/dist/flambeau.wasm')
  return instantiateWasm(new WebAssembly.Module(readFileSync(path)))
}

export function loadEngine(name: 'native' | 'wasm' | undefined): Engine {
  if (name === 'wasm') return loadWasm()
  const native = loadNative()
  if (!('missing' in native)) return native
  if (name === 'native') throw new Error(`FLAMBEAU_ENGINE=native, but the native engine cannot be loaded: ${native.missing}`)
  fallbackReason = native.missing
  return loadWasm()
}
