/** How a pointwise call will run: one loop nest for all operands, with as few dimensions as their layouts allow. */

import type { Layout, Shape } from '../core/layout.js'

/** `strides[i]` belongs to operand i; null strides mean that every operand is one contiguous run of `sizes[0]`. */
export interface Plan {
  readonly sizes: readonly number[]
  readonly strides: readonly (readonly number[])[] | null
}

let lastFlat: Plan = { sizes: [1], strides: null }
/** All operands contiguous in the same order: a single run of n elements. Calls tend to repeat the last one's size. */
export function flatPlan(n: number): Plan {
  if (lastFlat.sizes[0] !== n) lastFlat = { sizes: [n], strides: null }
  return lastFlat
}

/**
 * The loop nest over `shape` for operands of these layouts, every one of which broadcasts to it. Dimensions are ordered
 * by the first operand's strides, outermost first, and merged wherever all operands step evenly across two of them.
 */
export function planPointwise(shape: Shape, layouts: readonly Layout[]): Plan {
  const n = layouts.length
  // A dimension as every operand steps through it; size 1 steps nowhere and is left out.
  const dims: { size: number; steps: number[] }[] = []
  for (let d = 0; d < shape.length; d++) {
    if (shape[d] === 1) continue
    const steps = new Array<number>(n)
    for (let i = 0; i < n; i++) {
      const own = d - (shape.length - layouts[i].shape.length)
      steps[i] = own < 0 || layouts[i].shape[own] === 1 ? 0 : layouts[i].strides[own]
    }
    dims.push({ size: shape[d], steps })
  }
  // Stable, so that equal strides keep the row-major order.
  dims.sort((a, b) => compareSteps(b.steps, a.steps))
  const merged: typeof dims = []
  for (const dim of dims) {
    const outer = merged.at(-1)
    if (outer?.steps.every((step, i) => step === dim.steps[i] * dim.size))
      merged[merged.length - 1] = { size: outer.size * dim.size, steps: dim.steps }
    else merged.push(dim)
  }
  if (merged.length === 0) return flatPlan(1)
  if (merged.length === 1 && merged[0].steps.every((step) => step === 1)) return flatPlan(merged[0].size)
  return {
    sizes: merged.map((dim) => dim.size),
    strides: layouts.map((_, i) => merged.map((dim) => dim.steps[i])),
  }
}

/** By the first operand that steps differently; a step of 0 says nothing about the order. */
function compareSteps(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i] && a[i] !== 0 && b[i] !== 0) return a[i] - b[i]
  return 0
}

/**
 * Strides for a new result of this shape: in the memory order of the first operand that has the full shape and is dense,
 * so that a transposed input gives a transposed result and both are walked in one run. Row-major otherwise.
 */
export function resultStrides(shape: Shape, layouts: readonly Layout[]): readonly number[] | null {
  for (const layout of layouts) {
    if (layout.shape.length !== shape.length || layout.shape.some((size, d) => size !== shape[d])) continue
    if (layout.isContiguous) return null
    if (layout.isDense) return layout.strides
    return null
  }
  return null
}
