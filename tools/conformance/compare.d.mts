// The suite's values are data that each reader knows the shape of.
// biome-ignore-all lint/suspicious/noExplicitAny: see above
export declare function compareTensor(
  got: any,
  spec: any,
  options?: { tolerance?: number[]; skip?: number[]; map?: (values: number[]) => number[] },
): string | undefined
export declare function pairLeaves(got: any, want: any): { got: any; want: any }[]
