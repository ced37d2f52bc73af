import type { Tensor } from '../../packages/flambeau/src/index.js'

export declare function tensorOf(torch: object, spec: object): Tensor
// biome-ignore lint/suspicious/noExplicitAny: recorded JSON
export declare function valueOf(torch: object, value: unknown): any
