import type { Backend } from '../backend.js'
export declare class ReferenceBackend {
  constructor(slot: number)
}
export interface ReferenceBackend extends Backend {}
