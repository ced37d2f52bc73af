/** Images read at places between their elements, and grids of such places. */

import { sampleModes, samplePaddings } from '../backends/backend.js'
import { type Arguments, readArguments } from '../core/arguments.js'
import { isFloatingPoint, scalarName } from '../core/dtype.js'
import { type Shape, showShape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { add, mul } from './arithmetic.js'
import { to } from './cast.js'
import { filled, rowMajor } from './copy.js'
import { elements } from './creation.js'
import { commonBackend, defineOp, emptyTensor, type Op } from './dispatch.js'
import { stack } from './joining.js'
import { bmm } from './matmul.js'
import { expand, reshape, select, transpose, unsqueeze } from './view.js'

interface Sampling {
  readonly mode: number
  readonly padding: number
  readonly alignCorners: boolean
  /** Which derivative is computed along each axis of the image: zeros for the values themselves. */
  readonly orders: Shape
}
const codes = ({ mode, padding, alignCorners, orders }: Sampling): [number, number, boolean, Shape] => [
  mode,
  padding,
  alignCorners,
  orders,
]
/** The same with one more derivative along an axis. */
const raised = (sampling: Sampling, axis: number): Sampling => ({
  ...sampling,
  orders: sampling.orders.with(axis, sampling.orders[axis] + 1),
})

/** Shapes of the result: the image's batch and channels, the grid's places. */
const sampledShape = (x: Shape, grid: Shape): Shape => [x[0], x[1], ...grid.slice(1, -1)]

/*
 * Three ops that are each other's derivatives: the values, linear in the image; the transpose of that; and the slopes by the
 * grid's numbers, which are values with one more derivative along an axis. Whatever is differentiated, how often, is a sum
 * of these.
 */
interface SamplingOps {
  readonly sample: Op<Sampling>
  readonly spread: Op<Sampling & { shape: Shape }>
  readonly slope: Op<Sampling>
}
function samplingOps(dims: number): SamplingOps {
  const sample: Op<Sampling> = defineOp<Sampling>({
    name: `GridSampler${dims}D`,
    forward: ([x, grid], sampling) => {
      const out = emptyTensor(commonBackend([x, grid]), sampledShape(x.layout.shape, grid.layout.shape), x.dtype)
      if (out.layout.numel > 0) out.storage.allocator.run('gridSample', rowMajor(x), rowMajor(grid), out, ...codes(sampling))
      return [out]
    },
    save: (inputs) => inputs,
    backward: ([g], { saved: [x, grid], attrs, needs }) => [
      needs[0] ? spread([g!, grid], { ...attrs, shape: x.layout.shape })[0] : null,
      needs[1] ? slope([x, grid, g!], attrs)[0] : null,
    ],
  })
  const spread: Op<Sampling & { shape: Shape }> = defineOp<Sampling & { shape: Shape }>({
    name: `GridSampler${dims}DBackward`,
    forward: ([g, grid], { shape, ...sampling }) => {
      const out = g.layout.numel === 0 ? filled(g, shape, 0) : emptyTensor(commonBackend([g, grid]), shape, g.dtype)
      if (g.layout.numel > 0) out.storage.allocator.run('gridSampleAdd', rowMajor(g), rowMajor(grid), out, ...codes(sampling))
      return [out]
    },
    save: (inputs) => inputs,
    backward: ([gg], { saved: [g, grid], attrs, needs }) => [
      needs[0] ? sample([gg!, grid], attrs)[0] : null,
      needs[1] ? slope([gg!, grid, g], attrs)[0] : null,
    ],
  })
  const slope: Op<Sampling> = defineOp<Sampling>({
    name: `GridSampler${dims}DSlope`,
    forward: ([x, grid, g], sampling) => {
      const out =
        x.layout.shape[1] === 0
          ? filled(grid, grid.layout.shape, 0)
          : emptyTensor(commonBackend([x, grid, g]), grid.layout.shape, grid.dtype)
      if (out.layout.numel > 0 && x.layout.shape[1] > 0)
        out.storage.allocator.run('gridSampleSlope', rowMajor(x), rowMajor(grid), rowMajor(g), out, ...codes(sampling))
      return [out]
    },
    save: (inputs) => inputs,
    backward: ([gg], { saved: [x, grid, g], attrs, needs }) => {
      const total = (term: (weight: Tensor, more: Sampling) => Tensor): Tensor =>
        Array.from({ length: dims }, (_, axis) => {
          // The grid's last dimension names the innermost axis first.
          const weight = select(gg!, -1, dims - 1 - axis)
          return term(weight, raised(attrs, axis))
        }).reduce((a, b) => add(a, b))
      const across = (weight: Tensor): Tensor => unsqueeze(weight, 1)
      return [
        needs[0] ? total((w, more) => spread([mul(g, across(w)), grid], { ...more, shape: x.layout.shape })[0]) : null,
        needs[1] ? total((w, more) => mul(slope([x, grid, g], more)[0], unsqueeze(w, -1))) : null,
        needs[2] ? total((w, more) => mul(sample([x, grid], more)[0], across(w))) : null,
      ]
    },
  })
  return { sample, spread, slope }
}
const ops = { 4: samplingOps(2), 5: samplingOps(3) } as const

export type SampleMode = (typeof sampleModes)[number]
export type SamplePadding = (typeof samplePaddings)[number]

export interface GridSampleOptions {
  mode?: SampleMode
  /** What lies beyond the image: zeros, its edge, or its mirror image. */
  paddingMode?: SamplePadding
  /** Whether −1 and 1 are the centres of the corner elements rather than the corners of the image. */
  alignCorners?: boolean | null
}

/**
 * Images read at the places that a grid names, as `torch.nn.functional.grid_sample`. The image is [N, C, H, W] and the grid
 * [N, h, w, 2] of (x, y) between −1 and 1, or [N, C, D, H, W] and [N, d, h, w, 3] of (x, y, z); the result is [N, C, h, w] or
 * [N, C, d, h, w]. Gradients of any order flow to both.
 *
 * @throws Error where the shapes do not fit, or for `'bicubic'` in three dimensions.
 * @example
 * const image = torch.tensor([[[[0, 1], [2, 3]]]])
 * F.gridSample(image, torch.zeros(1, 1, 1, 2)).item() // 1.5
 */
export function gridSample(
  input: Tensor,
  grid: Tensor,
  ...args: Arguments<[mode: SampleMode, paddingMode: SamplePadding, alignCorners: boolean | null], GridSampleOptions>
): Tensor {
  const options = readArguments<GridSampleOptions>('grid_sample', args, ['mode', 'paddingMode', 'alignCorners'])
  const { mode = 'bilinear', paddingMode = 'zeros' } = options
  if (!sampleModes.includes(mode))
    throw new Error(`nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '${mode}'`)
  if (!samplePaddings.includes(paddingMode))
    throw new Error(
      `nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: '${paddingMode}'`,
    )
  checkGrid(input, grid, mode)
  const sampling = {
    mode: sampleModes.indexOf(mode),
    padding: samplePaddings.indexOf(paddingMode),
    alignCorners: options.alignCorners ?? false,
    orders: input.layout.shape.slice(2).map(() => 0),
  }
  return ops[input.ndim as 4 | 5].sample([input, grid], sampling)[0]
}

function checkGrid(input: Tensor, grid: Tensor, mode: SampleMode): void {
  const [x, g] = [input.layout.shape, grid.layout.shape]
  const sizes = `input with sizes ${showShape(x)} and grid with sizes ${showShape(g)}`
  if (x[0] !== g[0]) throw new Error(`grid_sampler(): expected grid and input to have same batch size, but got ${sizes}`)
  if (g.at(-1) !== input.ndim - 2)
    throw new Error(
      `grid_sampler(): expected grid to have size ${input.ndim - 2} in last dimension, but got grid with sizes ${showShape(g)}`,
    )
  const empty = x.findIndex((size, d) => d >= 2 && size === 0)
  if (empty >= 0)
    throw new Error(
      `grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes ${showShape(x)} with dimension ${empty} being empty`,
    )
  if ((input.ndim !== 4 && input.ndim !== 5) || input.ndim !== grid.ndim)
    throw new Error(`grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got ${sizes}`)
  if (input.ndim === 5 && mode === 'bicubic') throw new Error('grid_sampler(): bicubic interpolation only supports 4D input')
  if (input.dtype !== grid.dtype)
    throw new Error(`expected scalar type ${scalarName(input.dtype)} but found ${scalarName(grid.dtype)}`)
  if (!isFloatingPoint(input.dtype))
    throw new Error(`grid_sampler_${input.ndim - 2}d_cpu not implemented for ${scalarName(input.dtype)}`)
}

export interface AffineGridOptions {
  /** Whether −1 and 1 are the centres of the corner elements rather than the corners of the image. */
  alignCorners?: boolean | null
}

/**
 * The grid that maps images by affine matrices, as `torch.nn.functional.affine_grid`: `theta` [N, 2, 3] and the result's size
 * [N, C, H, W] give [N, H, W, 2]; [N, 3, 4] and [N, C, D, H, W] give [N, D, H, W, 3]. For `gridSample`.
 *
 * @example
 * const identity = torch.tensor([[[1, 0, 0], [0, 1, 0]]])
 * F.affineGrid(identity, [1, 1, 1, 2]).view(2, 2).tolist() // [ [ -0.5, 0 ], [ 0.5, 0 ] ]
 */
export function affineGrid(
  theta: Tensor,
  size: Shape,
  ...args: Arguments<[alignCorners: boolean | null], AffineGridOptions>
): Tensor {
  const { alignCorners } = readArguments<AffineGridOptions>('affine_grid', args, ['alignCorners'])
  if (!isFloatingPoint(theta.dtype)) throw new Error(`Expected theta to have floating point type, but got torch.${theta.dtype}`)
  const shown = `(${size.join(', ')})`
  const dims = size.length - 2
  if (dims !== 2 && dims !== 3)
    throw new Error(
      `affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size ${size.length === 1 ? `(${size[0]},)` : shown}.`,
    )
  const { shape } = theta.layout
  if (theta.ndim !== 3 || shape[1] !== dims || shape[2] !== dims + 1)
    throw new Error(
      `Expected a batch of ${dims}D affine matrices of shape Nx${dims}x${dims + 1} for size ${shown}. Got torch.Size([${shape.join(', ')}]).`,
    )
  if (size.some((s) => !(s > 0))) throw new Error(`Expected non-zero, positive output size. Got ${shown}`)
  const sizes = size.slice(2)
  const axes = sizes.map((n, d) => {
    const line = centres(theta, n, alignCorners ?? false)
    return expand(
      reshape(
        line,
        sizes.map((_, i) => (i === d ? n : 1)),
      ),
      sizes,
    )
  })
  // x first, and a one for the shift.
  const base = stack([...axes.toReversed(), filled(theta, sizes, 1)], -1)
  const places = sizes.reduce((n, s) => n * s, 1)
  const rows = expand(reshape(base, [1, places, dims + 1]), [size[0], places, dims + 1])
  return reshape(bmm(rows, transpose(theta, 1, 2)), [size[0], ...sizes, dims])
}
/** The centres of n elements between −1 and 1, or n places from −1 to 1; a single one is 0. In the dtype's own precision. */
function centres(like: Tensor, n: number, alignCorners: boolean): Tensor {
  const line = emptyTensor(like.storage.allocator, [n], 'float64')
  const array = elements(line) as Float64Array
  const round = like.dtype === 'float64' ? (v: number): number => v : Math.fround
  const step = round(2 / (n - 1))
  for (let i = 0; i < n; i++) {
    const corner = n === 1 ? 0 : i < n / 2 ? round(-1 + step * i) : round(1 - step * (n - 1 - i))
    array[i] = alignCorners ? corner : round(round(corner * (n - 1)) / n)
  }
  return to(line, like.dtype)
}
