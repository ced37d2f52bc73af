import type { nn } from '../../packages/flambeau/src/index.js'

export declare function makeModule(torch: object, spec: object): nn.Module | undefined
export declare function runModuleCase(torch: object, spec: object): { status: string; reason?: string }
