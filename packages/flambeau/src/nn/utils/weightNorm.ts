/** Weights that are computed anew before every forward, from parameters that are trained in their place. */

import { noGrad } from '../../autograd/mode.js'
import { type Arguments, readArguments } from '../../core/arguments.js'
import type { RemovableHandle } from '../../core/graph.js'
import type { Shape } from '../../core/layout.js'
import type { Tensor } from '../../core/tensor.js'
import { clampMin } from '../../ops/activation.js'
import { div, mul } from '../../ops/arithmetic.js'
import { clone, copy_ } from '../../ops/cast.js'
import { empty } from '../../ops/creation.js'
import { dot, mv } from '../../ops/matmul.js'
import { normExceptDim, vectorNorm } from '../../ops/norm.js'
import { normal_ } from '../../ops/random.js'
import { detach, movedim, reshape, transpose } from '../../ops/view.js'
import { defineOn, type Module, removeFrom } from '../module.js'
import { Parameter } from '../parameter.js'

/** Of each module, the names that are normed, how, and what stops it. */
const normed = new WeakMap<Module, Map<string, { kind: string; handle: RemovableHandle; finish: (module: Module) => Tensor }>>()

function register(module: Module, name: string, kind: string, compute: (module: Module) => Tensor, finish = compute): void {
  // The hook is given the module it runs for, which may be a copy of this one.
  const handle = module.registerForwardPreHook((owner) => {
    defineOn(owner, name, compute(owner))
  })
  const names = normed.get(module) ?? new Map()
  normed.set(module, names.set(name, { kind, handle, finish }))
}
function requireFree(module: Module, name: string, kind: string): Parameter {
  if (normed.get(module)?.get(name)?.kind === kind)
    throw new Error(`Cannot register two ${kind} hooks on the same parameter ${name}`)
  return module.getParameter(name)
}
/** Ends it: the weight is a parameter again, and what stood in its place goes. */
function remove(module: Module, name: string, kind: string, replaced: readonly string[]): void {
  const entry = normed.get(module)?.get(name)
  if (entry?.kind !== kind) throw new Error(`${kind} of '${name}' not found in ${module}`)
  const weight = noGrad(() => entry.finish(module))
  entry.handle.remove()
  normed.get(module)!.delete(name)
  for (const other of [...replaced, name]) removeFrom(module, other)
  module.registerParameter(name, new Parameter(detach(clone(weight))))
}
const tensorAt = (module: Module, name: string): Tensor => Reflect.get(module, name) as Tensor

export interface WeightNormOptions {
  name?: string
  /** The dimension whose slices have a length each; null for one length of all. */
  dim?: number | null
}
const lengths = (v: Tensor, dim: number | null): Tensor => normExceptDim(v, 2, dim ?? -1)
/**
 * Trains the length and the direction of a weight apart, weight = g · v / |v| (Salimans and Kingma), as
 * `torch.nn.utils.weight_norm`: parameters `weight_g` and `weight_v` take the place of `weight`.
 *
 * @throws Error where the module has no such parameter, or it is normed already.
 * @example
 * const layer = nn.utils.weightNorm(new nn.Linear(20, 40))
 * layer.namedParameters().map(([name]) => name) // [ 'bias', 'weight_g', 'weight_v' ]
 */
export function weightNorm<M extends Module>(
  module: M,
  ...args: Arguments<[name: string, dim: number | null], WeightNormOptions>
): M {
  const { name = 'weight', dim = 0 } = readArguments<WeightNormOptions>('weight_norm', args, ['name', 'dim'])
  const weight = requireFree(module, name, 'weight_norm')
  removeFrom(module, name)
  module.registerParameter(`${name}_g`, new Parameter(detach(lengths(weight, dim))))
  module.registerParameter(`${name}_v`, new Parameter(detach(weight)))
  const compute = (owner: Module): Tensor => {
    const [g, v] = [tensorAt(owner, `${name}_g`), tensorAt(owner, `${name}_v`)]
    return mul(v, div(g, lengths(v, dim)))
  }
  defineOn(module, name, compute(module))
  register(module, name, 'weight_norm', compute)
  return module
}
/**
 * Makes a weight a parameter again, as `torch.nn.utils.remove_weight_norm`.
 *
 * @throws Error where it is not normed.
 * @example
 * const layer = nn.utils.removeWeightNorm(nn.utils.weightNorm(new nn.Linear(2, 3)))
 * Object.keys(layer.stateDict()) // [ 'bias', 'weight' ]
 */
export function removeWeightNorm<M extends Module>(module: M, ...args: Arguments<[name: string], { name?: string }>): M {
  const { name = 'weight' } = readArguments<{ name?: string }>('remove_weight_norm', args, ['name'])
  remove(module, name, 'weight_norm', [`${name}_g`, `${name}_v`])
  return module
}

export interface SpectralNormOptions {
  name?: string
  /** Steps of the power method before each forward while training. */
  nPowerIterations?: number
  eps?: number
  /** The dimension of outputs; 0, or 1 for transposed convolutions. */
  dim?: number | null
}
const unit = (v: Tensor, eps: number): Tensor => div(v, clampMin(vectorNorm(v, 2), eps))
function matrixOf(weight: Tensor, dim: number): Tensor {
  const first = dim === 0 ? weight : movedim(weight, dim, 0)
  return reshape(first, [first.layout.shape[0], -1] as Shape)
}
/**
 * Divides a weight by its largest singular value, estimated by the power method (Miyato et al.), as
 * `torch.nn.utils.spectral_norm`: the parameter `weight_orig` takes the place of `weight`, and the vectors `weight_u` and
 * `weight_v` are buffers.
 *
 * @throws Error where the module has no such parameter, or it is normed already.
 * @example
 * const layer = nn.utils.spectralNorm(new nn.Linear(20, 40))
 * Object.keys(layer.stateDict()) // [ 'bias', 'weight_orig', 'weight_u', 'weight_v' ]
 */
export function spectralNorm<M extends Module>(
  module: M,
  ...args: Arguments<[name: string, nPowerIterations: number, eps: number, dim: number | null], SpectralNormOptions>
): M {
  const {
    name = 'weight',
    nPowerIterations = 1,
    eps = 1e-12,
    dim = null,
  } = readArguments<SpectralNormOptions>('spectral_norm', args, ['name', 'nPowerIterations', 'eps', 'dim'])
  if (!(nPowerIterations > 0))
    throw new Error(`Expected n_power_iterations to be positive, but got n_power_iterations=${nPowerIterations}`)
  const weight = requireFree(module, name, 'spectral_norm')
  const along = dim ?? (/^ConvTranspose\dd$/.test(module.getName()) ? 1 : 0)
  const [rows, columns] = matrixOf(detach(weight), along).layout.shape
  const draw = (size: number): Tensor => noGrad(() => unit(normal_(empty([size], { dtype: weight.dtype })), eps))
  const [u, v] = [draw(rows), draw(columns)]
  removeFrom(module, name)
  module.registerParameter(`${name}_orig`, weight)
  module.registerBuffer(`${name}_u`, u)
  module.registerBuffer(`${name}_v`, v)
  const compute = (owner: Module, iterate: boolean): Tensor => {
    const original = tensorAt(owner, `${name}_orig`)
    const matrix = matrixOf(original, along)
    const [left, right] = [tensorAt(owner, `${name}_u`), tensorAt(owner, `${name}_v`)]
    if (iterate)
      noGrad(() => {
        for (let i = 0; i < nPowerIterations; i++) {
          copy_(right, unit(mv(transpose(matrix, 0, 1), left), eps))
          copy_(left, unit(mv(matrix, right), eps))
        }
      })
    // Copies, so that the next forward may write the vectors before backward has run.
    const sigma = dot(iterate ? clone(left) : left, mv(matrix, iterate ? clone(right) : right))
    return div(original, sigma)
  }
  defineOn(module, name, detach(weight))
  register(
    module,
    name,
    'spectral_norm',
    (owner) => compute(owner, owner.training),
    (owner) => compute(owner, false),
  )
  return module
}
/**
 * Makes a weight a parameter again, as `torch.nn.utils.remove_spectral_norm`.
 *
 * @throws Error where it is not normed.
 * @example
 * const layer = nn.utils.removeSpectralNorm(nn.utils.spectralNorm(new nn.Linear(2, 3)))
 * Object.keys(layer.stateDict()) // [ 'bias', 'weight' ]
 */
export function removeSpectralNorm<M extends Module>(module: M, ...args: Arguments<[name: string], { name?: string }>): M {
  const { name = 'weight' } = readArguments<{ name?: string }>('remove_spectral_norm', args, ['name'])
  remove(module, name, 'spectral_norm', [`${name}_orig`, `${name}_u`, `${name}_v`])
  return module
}
