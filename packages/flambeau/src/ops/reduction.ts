/** From one loss per element to what a loss function returns. */

import { readArguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import { mean, sum } from './reduce.js'

export type LossReduction = 'none' | 'mean' | 'sum'

export interface LossOptions {
  /** The mean of all elements, their sum, or one loss each. */
  reduction?: LossReduction
  /** An old form of `reduction`. */
  sizeAverage?: boolean | null
  /** An old form of `reduction`. */
  reduce?: boolean | null
}
/** How all losses end that have no argument of their own after these. */
export type Legacy = [sizeAverage: boolean | null, reduce: boolean | null, reduction: LossReduction]
/** The names of `Legacy`. */
export const legacy = ['sizeAverage', 'reduce', 'reduction'] as const

/** Arguments of a loss by position or by name, with its `reduction` settled. */
export function readLoss<O extends { reduction?: string; sizeAverage?: boolean | null; reduce?: boolean | null }>(
  name: string,
  args: readonly unknown[],
  positional: readonly (keyof O & string)[],
  named: readonly (keyof O & string)[] = [],
): O & { reduction: NonNullable<O['reduction']> } {
  const given = args.length === 0 ? ({} as O) : readArguments<O>(name, args, positional, named)
  const { sizeAverage = null, reduce = null } = given
  if (sizeAverage === null && reduce === null) return { ...given, reduction: given.reduction ?? 'mean' }
  const reduction = reduce === false ? 'none' : sizeAverage === false ? 'sum' : 'mean'
  console.warn(`size_average and reduce args will be deprecated, please use reduction='${reduction}' instead.`)
  return { ...given, reduction }
}

/** @throws Error for a word that is no reduction. */
export function requireReduction(reduction: string): void {
  if (reduction !== 'none' && reduction !== 'mean' && reduction !== 'sum')
    throw new Error(`${reduction} is not a valid value for reduction`)
}
/** One loss each, their mean or their sum. */
export function reduced(loss: Tensor, reduction: LossReduction): Tensor {
  requireReduction(reduction)
  return reduction === 'none' ? loss : reduction === 'mean' ? mean(loss) : sum(loss)
}
