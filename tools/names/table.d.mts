export declare function namesTable(torch: object): string
