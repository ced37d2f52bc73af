// The suite's values are data that each reader knows the shape of.
// biome-ignore-all lint/suspicious/noExplicitAny: see above
export declare function tensorOf(torch: object, spec: any): any
export declare function valueOf(torch: object, value: any): any
