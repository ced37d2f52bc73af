/** A line search that ends where the loss has fallen and its slope has flattened enough. */

import type { Tensor } from '../core/tensor.js'

/** The loss and its gradient after `t` along the direction, and the slope there. */
export interface Point {
  readonly t: number
  readonly f: number
  readonly g: Tensor
  readonly slope: number
}

const sufficient = 1e-4
const curvature = 0.9
const tolerance = 1e-9
const maxIterations = 25

/**
 * A point that satisfies the strong Wolfe conditions, or the best one found in 25 iterations, and how often the loss was
 * evaluated: first a bracket around such a point is looked for, then it is narrowed.
 */
export function strongWolfe(
  evaluate: (t: number) => Point,
  start: Point,
  first: number,
  size: number,
): { readonly point: Point; readonly evaluations: number } {
  const high = ({ t, f }: Point): boolean => f > start.f + sufficient * t * start.slope
  const flat = ({ slope }: Point): boolean => Math.abs(slope) <= -curvature * start.slope
  let point = evaluate(first)
  let evaluations = 1
  let previous = start
  let bracket: [Point, Point] | undefined
  let iterations = 0
  for (; iterations < maxIterations; iterations++) {
    if (high(point) || (iterations > 1 && point.f >= previous.f)) {
      bracket = [previous, point]
      break
    }
    if (flat(point)) return { point, evaluations }
    if (point.slope >= 0) {
      bracket = [previous, point]
      break
    }
    const { t } = point
    const next = interpolate(previous, point, t + 0.01 * (t - previous.t), t * 10)
    previous = point
    point = evaluate(next)
    evaluations++
  }
  bracket ??= [start, point]

  let stuck = false
  // The lower end is the best point so far.
  let low = bracket[0].f <= bracket[1].f ? 0 : 1
  while (iterations < maxIterations) {
    const [a, b] = [bracket[0].t, bracket[1].t]
    if (Math.abs(b - a) * size < tolerance) break
    const [left, right] = [Math.min(a, b), Math.max(a, b)]
    let t = interpolate(bracket[0], bracket[1], left, right)
    const margin = 0.1 * (right - left)
    if (Math.min(right - t, t - left) < margin) {
      // A second time that close to an end, or on it, no progress would be made.
      if (stuck || t >= right || t <= left) {
        t = Math.abs(t - right) < Math.abs(t - left) ? right - margin : left + margin
        stuck = false
      } else stuck = true
    } else stuck = false

    point = evaluate(t)
    evaluations++
    iterations++
    if (high(point) || point.f >= bracket[low].f) {
      bracket[1 - low] = point
      low = bracket[0].f <= bracket[1].f ? 0 : 1
    } else {
      const done = flat(point)
      if (!done && point.slope * (bracket[1 - low].t - bracket[low].t) >= 0) bracket[1 - low] = bracket[low]
      bracket[low] = point
      if (done) break
    }
  }
  return { point: bracket[low], evaluations }
}

/** Where the cubic through both points, with their slopes, is least; within the bounds. */
function interpolate(p: Point, q: Point, lower: number, upper: number): number {
  const d1 = p.slope + q.slope - (3 * (p.f - q.f)) / (p.t - q.t)
  const square = d1 * d1 - p.slope * q.slope
  if (!(square >= 0)) return (lower + upper) / 2
  const d2 = Math.sqrt(square)
  const [a, b] = p.t <= q.t ? [p, q] : [q, p]
  const least = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
  return Math.min(Math.max(least, lower), upper)
}
