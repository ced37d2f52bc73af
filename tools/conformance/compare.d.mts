import type { Tensor } from '../../packages/flambeau/src/index.js'

export interface Leaf {
  // biome-ignore lint/suspicious/noExplicitAny: whatever a function returned
  readonly got: any
  // biome-ignore lint/suspicious/noExplicitAny: recorded JSON
  readonly want: any
}
export interface CompareOptions {
  readonly tolerance?: readonly number[]
  readonly skip?: readonly number[]
}
export declare function compareTensor(got: Tensor | null | undefined, spec: object, options?: CompareOptions): string | undefined
export declare function pairLeaves(got: unknown, want: unknown): Leaf[]
