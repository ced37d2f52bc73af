/** `torch.serialization`. */

export { type LoadOptions, load, save, toBytes } from './checkpoint.js'
export type { ModuleClass, ModuleClasses } from './moduleClasses.js'
export { fromNumpy } from './npy.js'
export * as numpy from './numpy.js'
export * as safetensors from './safetensors.js'
export type { Loadable, Savable } from './source.js'
export type { MapLocation } from './storages.js'
