export interface Result {
  section: string
  file: string
  id: string
  status: 'passed' | 'failed' | 'skipped' | 'missing'
  reason?: string
}
export declare const sectionNames: string[]
export declare function runSection(torch: object, folder: string, section: string, only?: string): Generator<Result>
export declare function sectionsIn(folder: string, depth?: number): { part: string; section: string }[]
export declare function unknownSections(folder: string): string[]
