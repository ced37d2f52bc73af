/** `torch.serialization`. */

export { type LoadOptions, load, save, toBytes } from './checkpoint.js'
export type { ModuleClass, ModuleClasses } from './moduleClasses.js'
export type { Loadable, Savable } from './source.js'
export type { MapLocation } from './storages.js'
