import type { Backend } from '../backend.js'
export class ReferenceBackend {
  constructor(_slot: number) {
    throw new Error('reference engine: being built')
  }
}
export interface ReferenceBackend extends Backend {}
