/** Counts of elements in ranges, in one dimension and in several. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { isFloatingPoint, scalarName } from '../core/dtype.js'
import { type Shape, sameShape } from '../core/layout.js'
import { type Named, named } from '../core/results.js'
import { Tensor } from '../core/tensor.js'
import { add, div, mul, rsub, sub } from './arithmetic.js'
import { to } from './cast.js'
import { eq, ge, le, logicalAnd, lt, where } from './comparison.js'
import { counted, filled } from './copy.js'
import { item } from './creation.js'
import { diff } from './differences.js'
import { maskedSelect } from './rearrange.js'
import { amax, amin, sum } from './reduce.js'
import { bincount, searchsorted } from './search.js'
import { contiguous, reshape, select } from './view.js'

export interface HistogramOptions {
  /** The lowest and the highest edge, one pair for each dimension; those of the elements unless given. */
  range?: readonly number[] | null
  /** What each element counts; 1 unless given. */
  weight?: Tensor | null
  /** Parts of the whole per width, instead of counts. */
  density?: boolean
}

/** n + 1 edges of n equal ranges over the elements, or from low to high. */
function edgesOf(x: Tensor, bins: number, range: readonly number[] | null): Tensor {
  if (!Number.isInteger(bins) || bins < 1) throw new Error(`torch.histogramdd(): bins must be > 0, but got ${bins}`)
  let [low, high] = range ?? (x.layout.numel === 0 ? [0, 1] : [item(amin(x)) as number, item(amax(x)) as number])
  if (!Number.isFinite(low) || !Number.isFinite(high))
    throw new Error(`torch.histogramdd(): range of [${low}, ${high}] is not finite`)
  if (low > high) throw new Error('torch.histogramdd(): min should not exceed max')
  if (low === high) [low, high] = [low - 0.5, high + 0.5]
  const places = to(counted(x, bins + 1), x.dtype)
  const up = add(mul(places, (high - low) / bins), low)
  // The upper half from above, so that both ends are exact.
  const down = rsub(mul(rsub(places, bins), (high - low) / bins), high)
  return where(lt(places, Math.floor((bins + 1) / 2)), up, down)
}

/** A weight for each point: of the input's shape without what its coordinates take. */
function requireWeight(weight: Tensor | null | undefined, shape: Shape): void {
  if (weight && !sameShape(weight.layout.shape, shape))
    throw new Error(
      'torch.histogramdd: if weight tensor is provided it should have the same shape as the input tensor excluding its innermost dimension',
    )
}

function countIn(points: readonly Tensor[], edges: readonly Tensor[], { weight, density = false }: HistogramOptions): Tensor {
  const shape = edges.map((edge) => edge.layout.numel - 1)
  for (const [d, bins] of shape.entries())
    if (bins < 1) throw new Error(`torch.histogramdd(): bins must be > 0, but got ${bins} for dimension ${d}`)
  let inside = filled(points[0], points[0].layout.shape, true, 'bool')
  let place = filled(points[0], points[0].layout.shape, 0, 'int64')
  points.forEach((x, d) => {
    const [low, high] = [select(edges[d], 0, 0), select(edges[d], 0, -1)]
    inside = logicalAnd(inside, logicalAnd(ge(x, low), le(x, high)))
    const found = sub(searchsorted(edges[d], contiguous(x), { right: true }), 1)
    // The last range holds its upper edge too.
    place = add(mul(place, shape[d]), where(eq(x, high), shape[d] - 1, found))
  })
  const weights = weight ? maskedSelect(reshape(weight, -1), inside) : filled(points[0], [item(sum(inside)) as number], 1)
  const bins = shape.reduce((n, size) => n * size, 1)
  const counts = reshape(to(bincount(maskedSelect(place, inside), weights, bins), points[0].dtype), shape)
  if (!density) return counts
  return edges.reduce(
    (part, edge, d) =>
      div(
        part,
        reshape(
          diff(edge),
          shape.map((_, i) => (i === d ? -1 : 1)),
        ),
      ),
    div(counts, sum(counts)),
  )
}

function requireFloat(self: Tensor): void {
  if (!isFloatingPoint(self.dtype)) throw new Error(`"histogram_cpu" not implemented for '${scalarName(self.dtype)}'`)
}

/**
 * Counts of elements in ranges, a number of equal ones or those between the given edges, and the edges, as
 * `torch.histogram`: `{ hist, binEdges }`, 100 ranges unless given.
 *
 * @throws Error for integers, or a range that is none
 * @example
 * const { hist, binEdges } = torch.histogram(torch.tensor([1, 2, 1]), { bins: 2, range: [0, 4] })
 * hist.tolist() // [2, 1]
 * binEdges.tolist() // [0, 2, 4]
 */
export function histogram(
  self: Tensor,
  ...args: Arguments<[bins: number | Tensor], HistogramOptions & { bins?: number | Tensor }>
): Named<'hist' | 'binEdges'> {
  const names = ['range', 'weight', 'density'] as const
  const { bins = 100, ...options } = readArguments<HistogramOptions & { bins?: number | Tensor }>(
    'histogram',
    args,
    ['bins'],
    names,
  )
  requireFloat(self)
  requireWeight(options.weight, self.layout.shape)
  const x = reshape(self.detach(), -1)
  const edges = bins instanceof Tensor ? bins : edgesOf(x, bins, options.range ?? null)
  return named({ hist: countIn([x], [edges], options), binEdges: edges })
}
/**
 * Counts of points (rows of the last dimension) in boxes, and the edges along each dimension, as `torch.histogramdd`.
 *
 * @example
 * const { hist, binEdges } = torch.histogramdd(torch.tensor([[0, 1], [1, 0], [2, 2]]), [2, 2])
 * hist.tolist() // [[0, 1], [1, 1]]
 * binEdges[0].tolist() // [0, 1, 2]
 */
export function histogramdd(
  self: Tensor,
  bins: number | readonly (number | Tensor)[],
  options: HistogramOptions = {},
): { hist: Tensor; binEdges: Tensor[] } & Iterable<Tensor | Tensor[]> {
  requireFloat(self)
  if (self.ndim < 2) throw new Error('torch.histogramdd(): input tensor should have at least 2 dimensions')
  requireWeight(options.weight, self.layout.shape.slice(0, -1))
  const dims = self.layout.shape[self.ndim - 1]
  const wanted = typeof bins === 'number' ? new Array<number>(dims).fill(bins) : bins
  if (wanted.length !== dims)
    throw new Error(`torch.histogramdd(): The size of bins must be equal to the innermost dimension of the input.`)
  const rows = reshape(
    self.detach(),
    self.layout.shape.slice(0, -1).reduce((n, size) => n * size, 1),
    dims,
  )
  const points = wanted.map((_, d) => select(rows, 1, d))
  const range = options.range ?? null
  const binEdges = wanted.map((b, d) => (b instanceof Tensor ? b : edgesOf(points[d], b, range?.slice(2 * d, 2 * d + 2) ?? null)))
  // Points without coordinates fall nowhere.
  const hist = dims === 0 ? filled(self, [], 0) : countIn(points, binEdges, options)
  return Object.assign(
    { hist, binEdges },
    {
      *[Symbol.iterator]() {
        yield hist
        yield binEdges
      },
    },
  )
}
