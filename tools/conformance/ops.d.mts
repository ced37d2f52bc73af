/** One recorded call, as FORMAT.md of the suite describes it. */
export interface Case {
  id: string
  op: string
}
export declare function runOpCase(
  torch: object,
  c: Case,
): { status: 'passed' | 'failed' | 'skipped' | 'missing'; reason?: string }
