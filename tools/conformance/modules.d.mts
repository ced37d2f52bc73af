// The suite's values are data that each reader knows the shape of.
// biome-ignore-all lint/suspicious/noExplicitAny: see above
export declare function makeModule(torch: object, spec: any): any
export declare function runModuleCase(torch: object, c: any): { status: string; reason?: string }
