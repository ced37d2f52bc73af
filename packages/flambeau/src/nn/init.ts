/** `torch.nn.init`: filling parameters, in place and unrecorded, with PyTorch's numbers. */

import { noGrad } from '../autograd/mode.js'
import { type Arguments, readArgument, readArguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import { clamp } from '../ops/activation.js'
import { add, mul, sign } from '../ops/arithmetic.js'
import { copy_, fill_ } from '../ops/cast.js'
import { empty, eye, item, tensor as tensorOf } from '../ops/creation.js'
import { diagonal } from '../ops/diagonal.js'
import { erf, erfinv } from '../ops/elementary.js'
import { indexFill } from '../ops/indexPut.js'
import { qr } from '../ops/linalg/qr.js'
import { normal_ as drawNormal, uniform_ as drawUniform, type Generator, randperm } from '../ops/random.js'
import { narrow, reshape, select, transpose } from '../ops/view.js'

export interface InitOptions {
  /** Where the numbers come from; the default generator unless given. */
  generator?: Generator | null
}
const generatorOnly = ['generator'] as const

export interface UniformOptions extends InitOptions {
  a?: number
  b?: number
}
/**
 * Uniform in [a, b), as `torch.nn.init.uniform_`.
 *
 * @example
 * nn.init.uniform_(torch.empty(3, 5), 2, 3).ge(2).all().item() // true
 */
export function uniform_(tensor: Tensor, ...args: Arguments<[a: number, b: number], UniformOptions>): Tensor {
  const { a = 0, b = 1, generator } = readArguments<UniformOptions>('uniform_', args, ['a', 'b'], generatorOnly)
  return noGrad(() => drawUniform(tensor, a, b, { generator }))
}
export interface NormalOptions extends InitOptions {
  mean?: number
  std?: number
}
/**
 * Normal with this mean and standard deviation, as `torch.nn.init.normal_`.
 *
 * @example
 * nn.init.normal_(torch.empty(3, 5), { std: 0.02 }).shape // [ 3, 5 ]
 */
export function normal_(tensor: Tensor, ...args: Arguments<[mean: number, std: number], NormalOptions>): Tensor {
  const { mean = 0, std = 1, generator } = readArguments<NormalOptions>('normal_', args, ['mean', 'std'], generatorOnly)
  return noGrad(() => drawNormal(tensor, mean, std, { generator }))
}
/**
 * One value everywhere, as `torch.nn.init.constant_`.
 *
 * @example
 * nn.init.constant_(torch.empty(2), 0.3) // tensor([0.3000, 0.3000])
 */
export const constant_ = (tensor: Tensor, val: number): Tensor => noGrad(() => fill_(tensor, val))
/**
 * Ones, as `torch.nn.init.ones_`.
 *
 * @example
 * nn.init.ones_(torch.empty(2)) // tensor([1., 1.])
 */
export const ones_ = (tensor: Tensor): Tensor => constant_(tensor, 1)
/**
 * Zeros, as `torch.nn.init.zeros_`.
 *
 * @example
 * nn.init.zeros_(torch.empty(2)) // tensor([0., 0.])
 */
export const zeros_ = (tensor: Tensor): Tensor => constant_(tensor, 0)
/**
 * The identity matrix, as `torch.nn.init.eye_`.
 *
 * @throws Error for other than 2 dimensions.
 * @example
 * nn.init.eye_(torch.empty(2, 3))
 * // tensor([[1., 0., 0.],
 * //         [0., 1., 0.]])
 */
export function eye_(tensor: Tensor): Tensor {
  if (tensor.ndim !== 2) throw new Error('Only tensors with 2 dimensions are supported')
  const [rows, columns] = tensor.layout.shape
  return noGrad(() => copy_(tensor, eye(rows, columns, { dtype: tensor.dtype })))
}
/**
 * The kernel of a convolution that passes its channels on unchanged, as many as it can, as `torch.nn.init.dirac_`.
 *
 * @throws Error for other than 3 to 5 dimensions, or channels that `groups` does not divide.
 * @example
 * nn.init.dirac_(torch.empty(1, 1, 3)) // tensor([[[0., 1., 0.]]])
 */
export function dirac_(tensor: Tensor, ...args: Arguments<[groups: number], { groups?: number }>): Tensor {
  const { groups = 1 } = readArguments<{ groups?: number }>('dirac_', args, ['groups'])
  if (![3, 4, 5].includes(tensor.ndim)) throw new Error('Only tensors with 3, 4, or 5 dimensions are supported')
  const [outputs, inputs, ...kernel] = tensor.layout.shape
  if (outputs % groups !== 0) throw new Error('dim 0 must be divisible by groups')
  return noGrad(() => {
    fill_(tensor, 0)
    const size = outputs / groups
    const centre = kernel.reduce((t, length) => select(t, 2, Math.floor(length / 2)), tensor)
    for (let group = 0; group < groups; group++) fill_(diagonal(narrow(centre, 0, group * size, Math.min(size, inputs))), 1)
    return tensor
  })
}

/**
 * How many inputs reach an output of this weight, and how many outputs an input reaches.
 *
 * @example
 * nn.init.fans(torch.empty(8, 3, 5, 5)) // { fanIn: 75, fanOut: 200 }
 */
export function fans(tensor: Tensor): { fanIn: number; fanOut: number } {
  const { shape } = tensor.layout
  if (shape.length < 2) throw new Error('Fan in and fan out can not be computed for tensor with fewer than 2 dimensions')
  const field = shape.slice(2).reduce((n, size) => n * size, 1)
  return { fanIn: shape[1] * field, fanOut: shape[0] * field }
}

/** The nonlinearities that gains are known for. */
export type Nonlinearity =
  | 'linear'
  | 'conv1d'
  | 'conv2d'
  | 'conv3d'
  | 'conv_transpose1d'
  | 'conv_transpose2d'
  | 'conv_transpose3d'
  | 'sigmoid'
  | 'tanh'
  | 'relu'
  | 'leaky_relu'
  | 'selu'

/**
 * By how much a nonlinearity shrinks the deviation of its input, as `torch.nn.init.calculate_gain`.
 *
 * @throws Error for an unknown one.
 * @example
 * nn.init.calculateGain('leaky_relu', 0.2) // 1.3867504905630728
 */
export function calculateGain(nonlinearity: Nonlinearity, given?: number | null | { param?: number | null }): number {
  const param = readArgument<number | null>('calculate_gain', 'param', given, null)
  switch (nonlinearity) {
    case 'linear':
    case 'conv1d':
    case 'conv2d':
    case 'conv3d':
    case 'conv_transpose1d':
    case 'conv_transpose2d':
    case 'conv_transpose3d':
    case 'sigmoid':
      return 1
    case 'tanh':
      return 5 / 3
    case 'relu':
      return Math.SQRT2
    case 'leaky_relu': {
      const slope = param ?? 0.01
      if (typeof slope !== 'number') throw new Error(`negative_slope ${slope} not a valid number`)
      return Math.sqrt(2 / (1 + slope ** 2))
    }
    case 'selu':
      return 3 / 4
    default:
      throw new Error(`Unsupported nonlinearity ${nonlinearity}`)
  }
}

export interface XavierOptions extends InitOptions {
  /** A factor of the deviation, `calculateGain` of the nonlinearity that follows. */
  gain?: number
}
const readXavier = (name: string, args: readonly unknown[]): XavierOptions =>
  readArguments<XavierOptions>(name, args, ['gain'], generatorOnly)
/**
 * Uniform within ±gain·√(6 / (fanIn + fanOut)) (Glorot and Bengio), as `torch.nn.init.xavier_uniform_`.
 *
 * @throws Error for fewer than 2 dimensions.
 * @example
 * nn.init.xavierUniform_(torch.empty(3, 5), nn.init.calculateGain('relu')).abs().max().item() <= Math.sqrt(12 / 8) // true
 */
export function xavierUniform_(tensor: Tensor, ...args: Arguments<[gain: number], XavierOptions>): Tensor {
  const { gain = 1, generator } = readXavier('xavier_uniform_', args)
  const bound = Math.sqrt(3) * xavierDeviation(tensor, gain)
  return uniform_(tensor, -bound, bound, { generator })
}
/**
 * Normal with deviation gain·√(2 / (fanIn + fanOut)), as `torch.nn.init.xavier_normal_`.
 *
 * @throws Error for fewer than 2 dimensions.
 * @example
 * nn.init.xavierNormal_(torch.empty(3, 5)).shape // [ 3, 5 ]
 */
export function xavierNormal_(tensor: Tensor, ...args: Arguments<[gain: number], XavierOptions>): Tensor {
  const { gain = 1, generator } = readXavier('xavier_normal_', args)
  return normal_(tensor, 0, xavierDeviation(tensor, gain), { generator })
}
function xavierDeviation(tensor: Tensor, gain: number): number {
  const { fanIn, fanOut } = fans(tensor)
  return gain * Math.sqrt(2 / (fanIn + fanOut))
}

export interface KaimingOptions extends InitOptions {
  /** The negative slope of the leaky ReLU that follows. */
  a?: number
  /** Keep the deviation of what flows forward, or of gradients. */
  mode?: 'fan_in' | 'fan_out'
  nonlinearity?: Nonlinearity
}
type KaimingArguments = Arguments<[a: number, mode: 'fan_in' | 'fan_out', nonlinearity: Nonlinearity], KaimingOptions>
const readKaiming = (name: string, args: readonly unknown[]): KaimingOptions =>
  readArguments<KaimingOptions>(name, args, ['a', 'mode', 'nonlinearity'], generatorOnly)
/**
 * Uniform within ±gain·√(3 / fan) (He et al.), as `torch.nn.init.kaiming_uniform_`.
 *
 * @throws Error for fewer than 2 dimensions.
 * @example
 * nn.init.kaimingUniform_(torch.empty(3, 5), { mode: 'fan_in', nonlinearity: 'relu' }).shape // [ 3, 5 ]
 */
export function kaimingUniform_(tensor: Tensor, ...args: KaimingArguments): Tensor {
  const options = readKaiming('kaiming_uniform_', args)
  if (tensor.layout.numel === 0) return tensor
  const bound = Math.sqrt(3) * kaimingDeviation(tensor, options)
  return uniform_(tensor, -bound, bound, { generator: options.generator })
}
/**
 * Normal with deviation gain / √fan, as `torch.nn.init.kaiming_normal_`.
 *
 * @throws Error for fewer than 2 dimensions.
 * @example
 * nn.init.kaimingNormal_(torch.empty(3, 5), { mode: 'fan_out', nonlinearity: 'relu' }).shape // [ 3, 5 ]
 */
export function kaimingNormal_(tensor: Tensor, ...args: KaimingArguments): Tensor {
  const options = readKaiming('kaiming_normal_', args)
  if (tensor.layout.numel === 0) return tensor
  return normal_(tensor, 0, kaimingDeviation(tensor, options), { generator: options.generator })
}

function kaimingDeviation(tensor: Tensor, { a = 0, mode = 'fan_in', nonlinearity = 'leaky_relu' }: KaimingOptions): number {
  if (mode !== 'fan_in' && mode !== 'fan_out')
    throw new Error(`Mode ${mode} not supported, please use one of ['fan_in', 'fan_out']`)
  const { fanIn, fanOut } = fans(tensor)
  return calculateGain(nonlinearity, a) / Math.sqrt(mode === 'fan_in' ? fanIn : fanOut)
}

export interface TruncNormalOptions extends NormalOptions {
  /** The smallest value. */
  a?: number
  /** The largest value. */
  b?: number
}
/**
 * Normal within [a, b]: what would lie outside is drawn again, as `torch.nn.init.trunc_normal_`.
 *
 * @example
 * nn.init.truncNormal_(torch.empty(100), { std: 2, a: -1, b: 1 }).abs().max().item() <= 1 // true
 */
export function truncNormal_(
  tensor: Tensor,
  ...args: Arguments<[mean: number, std: number, a: number, b: number], TruncNormalOptions>
): Tensor {
  const {
    mean = 0,
    std = 1,
    a = -2,
    b = 2,
    generator,
  } = readArguments<TruncNormalOptions>('trunc_normal_', args, ['mean', 'std', 'a', 'b'], generatorOnly)
  if (mean < a - 2 * std || mean > b + 2 * std)
    console.warn('mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be incorrect.')
  const below = (x: number): number => (1 + (item(erf(tensorOf(x / Math.SQRT2, { dtype: 'float64' }))) as number)) / 2
  const [low, high] = [below((a - mean) / std), below((b - mean) / std)]
  return noGrad(() => {
    drawUniform(tensor, 2 * low - 1, 2 * high - 1, { generator })
    erfinv.inPlace(tensor)
    add.inPlace(mul.inPlace(tensor, std * Math.SQRT2), mean)
    return clamp.inPlace(tensor, a, b)
  })
}

/**
 * A matrix with orthogonal rows or columns (Saxe et al.), as `torch.nn.init.orthogonal_`; dimensions after the first count as
 * one.
 *
 * @throws Error for fewer than 2 dimensions.
 * @example
 * const w = nn.init.orthogonal_(torch.empty(3, 5))
 * w.matmul(w.T).allclose(torch.eye(3), { atol: 1e-6 }) // true
 */
export function orthogonal_(tensor: Tensor, ...args: Arguments<[gain: number], XavierOptions>): Tensor {
  const { gain = 1, generator } = readArguments<XavierOptions>('orthogonal_', args, ['gain'], generatorOnly)
  if (tensor.ndim < 2) throw new Error('Only tensors with 2 or more dimensions are supported')
  if (tensor.layout.numel === 0) return tensor
  const rows = tensor.layout.shape[0]
  const columns = tensor.layout.numel / rows
  return noGrad(() => {
    const drawn = drawNormal(empty([rows, columns], { dtype: tensor.dtype, device: tensor.device }), 0, 1, { generator })
    const { Q, R } = qr(rows < columns ? transpose(drawn, 0, 1) : drawn)
    // The signs make the choice uniform among all orthogonal matrices.
    const signed = mul(Q, sign(diagonal(R)))
    copy_(tensor, reshape(rows < columns ? transpose(signed, 0, 1) : signed, tensor.layout.shape))
    return mul.inPlace(tensor, gain)
  })
}

export interface SparseOptions extends InitOptions {
  std?: number
}
/**
 * Normal, but for a share `sparsity` of each column that is 0 (Martens), as `torch.nn.init.sparse_`.
 *
 * @throws Error for other than 2 dimensions.
 * @example
 * nn.init.sparse_(torch.empty(10, 3), 0.2).eq(0).sum(0) // tensor([2, 2, 2])
 */
export function sparse_(tensor: Tensor, sparsity: number, ...args: Arguments<[std: number], SparseOptions>): Tensor {
  const { std = 0.01, generator } = readArguments<SparseOptions>('sparse_', args, ['std'], generatorOnly)
  if (tensor.ndim !== 2) throw new Error('Only tensors with 2 dimensions are supported')
  const [rows, columns] = tensor.layout.shape
  const zeros = Math.ceil(sparsity * rows)
  return noGrad(() => {
    drawNormal(tensor, 0, std, { generator })
    for (let column = 0; column < columns; column++)
      indexFill.inPlace(select(tensor, 1, column), 0, narrow(randperm(rows, { generator }), 0, 0, zeros), 0)
    return tensor
  })
}
