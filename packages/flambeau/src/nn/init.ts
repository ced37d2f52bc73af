/** `torch.nn.init`: filling parameters, in place and unrecorded, with PyTorch's numbers. */

import { noGrad } from '../autograd/mode.js'
import { type Arguments, readArgument, readArguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import { fill_ } from '../ops/cast.js'
import { normal_ as drawNormal, uniform_ as drawUniform, type Generator } from '../ops/random.js'

export interface InitOptions {
  /** Where the random numbers come from; the default generator unless given. */
  generator?: Generator | null
}
const source = ['generator'] as const

/**
 * Uniform in [a, b), in [0, 1) unless given, as `torch.nn.init.uniform_`.
 *
 * @throws Error for a > b
 * @example
 * nn.init.uniform_(torch.empty(3), 2, 3).ge(2).all().item() // true
 */
export function uniform_(tensor: Tensor, ...args: Arguments<[a: number, b: number], UniformInitOptions>): Tensor {
  const { a = 0, b = 1, generator } = readArguments<UniformInitOptions>('uniform_', args, ['a', 'b'], source)
  return noGrad(() => drawUniform(tensor, a, b, { generator }))
}
export interface UniformInitOptions extends InitOptions {
  a?: number
  b?: number
}
/**
 * Normal with this mean and standard deviation, 0 and 1 unless given, as `torch.nn.init.normal_`.
 *
 * @throws Error for std < 0
 * @example
 * nn.init.normal_(torch.empty(2, 3), { std: 0.02 }).shape // [2, 3]
 */
export function normal_(tensor: Tensor, ...args: Arguments<[mean: number, std: number], NormalInitOptions>): Tensor {
  const { mean = 0, std = 1, generator } = readArguments<NormalInitOptions>('normal_', args, ['mean', 'std'], source)
  return noGrad(() => drawNormal(tensor, mean, std, { generator }))
}
export interface NormalInitOptions extends InitOptions {
  mean?: number
  std?: number
}
/**
 * One value everywhere, as `torch.nn.init.constant_`.
 *
 * @example
 * nn.init.constant_(torch.empty(2), 3).tolist() // [3, 3]
 */
export const constant_ = (tensor: Tensor, val: number): Tensor => noGrad(() => fill_(tensor, val))
/**
 * Ones, as `torch.nn.init.ones_`.
 *
 * @example
 * nn.init.ones_(torch.empty(2)).tolist() // [1, 1]
 */
export const ones_ = (tensor: Tensor): Tensor => constant_(tensor, 1)
/**
 * Zeros, as `torch.nn.init.zeros_`.
 *
 * @example
 * nn.init.zeros_(torch.empty(2)).tolist() // [0, 0]
 */
export const zeros_ = (tensor: Tensor): Tensor => constant_(tensor, 0)

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
 * @example
 * nn.init.calculateGain('tanh') // 1.6666666666666667
 * nn.init.calculateGain('leaky_relu', { param: 1 }) // 1
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
type XavierArguments = Arguments<[gain: number], XavierOptions>
/**
 * Uniform within ±gain·√(6 / (fanIn + fanOut)) (Glorot and Bengio), as `torch.nn.init.xavier_uniform_`.
 *
 * @throws Error for fewer than 2 dimensions
 * @example
 * nn.init.xavierUniform_(torch.empty(3, 3)).abs().le(1).all().item() // true
 */
export function xavierUniform_(tensor: Tensor, ...args: XavierArguments): Tensor {
  const { gain = 1, generator } = readArguments<XavierOptions>('xavier_uniform_', args, ['gain'], source)
  const bound = Math.sqrt(3) * xavierDeviation(tensor, gain)
  return uniform_(tensor, -bound, bound, { generator })
}
/**
 * Normal with deviation gain·√(2 / (fanIn + fanOut)), as `torch.nn.init.xavier_normal_`.
 *
 * @throws Error for fewer than 2 dimensions
 * @example
 * nn.init.xavierNormal_(torch.empty(2, 3), { gain: 2 }).shape // [2, 3]
 */
export function xavierNormal_(tensor: Tensor, ...args: XavierArguments): Tensor {
  const { gain = 1, generator } = readArguments<XavierOptions>('xavier_normal_', args, ['gain'], source)
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
const readKaiming = (name: string, args: KaimingArguments): KaimingOptions =>
  readArguments<KaimingOptions>(name, args, ['a', 'mode', 'nonlinearity'], source)
/**
 * Uniform within ±gain·√(3 / fan) (He et al.), as `torch.nn.init.kaiming_uniform_`.
 *
 * @throws Error for fewer than 2 dimensions
 * @example
 * nn.init.kaimingUniform_(torch.empty(2, 3), { nonlinearity: 'relu' }).abs().le(Math.SQRT2).all().item() // true
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
 * @throws Error for fewer than 2 dimensions
 * @example
 * nn.init.kaimingNormal_(torch.empty(2, 3), 0, 'fan_out', 'relu').shape // [2, 3]
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
