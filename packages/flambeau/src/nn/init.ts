/** `torch.nn.init`: filling parameters, in place and unrecorded, with PyTorch's numbers. */

import { noGrad } from '../autograd/mode.js'
import type { Tensor } from '../core/tensor.js'
import { fill_ } from '../ops/cast.js'
import { normal_ as drawNormal, uniform_ as drawUniform, type Generator } from '../ops/random.js'

export interface InitOptions {
  generator?: Generator | null
}

/** Uniform in [a, b). */
export const uniform_ = (tensor: Tensor, a = 0, b = 1, options: InitOptions = {}): Tensor =>
  noGrad(() => drawUniform(tensor, a, b, options))
/** Normal with this mean and standard deviation. */
export const normal_ = (tensor: Tensor, mean = 0, std = 1, options: InitOptions = {}): Tensor =>
  noGrad(() => drawNormal(tensor, mean, std, options))
/** One value everywhere. */
export const constant_ = (tensor: Tensor, val: number): Tensor => noGrad(() => fill_(tensor, val))
/** Ones. */
export const ones_ = (tensor: Tensor): Tensor => constant_(tensor, 1)
/** Zeros. */
export const zeros_ = (tensor: Tensor): Tensor => constant_(tensor, 0)

/** How many inputs reach an output of this weight, and how many outputs an input reaches. */
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
 * nn.init.calculateGain('leaky_relu', 0.2) // √(2 / (1 + 0.2²))
 */
export function calculateGain(nonlinearity: Nonlinearity, param?: number | null): number {
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
  gain?: number
}
/** Uniform within ±gain·√(6 / (fanIn + fanOut)) (Glorot and Bengio). */
export function xavierUniform_(tensor: Tensor, options: XavierOptions = {}): Tensor {
  const bound = Math.sqrt(3) * xavierDeviation(tensor, options)
  return uniform_(tensor, -bound, bound, options)
}
/** Normal with deviation gain·√(2 / (fanIn + fanOut)). */
export const xavierNormal_ = (tensor: Tensor, options: XavierOptions = {}): Tensor =>
  normal_(tensor, 0, xavierDeviation(tensor, options), options)

function xavierDeviation(tensor: Tensor, { gain = 1 }: XavierOptions): number {
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
/** Uniform within ±gain·√(3 / fan) (He et al.). */
export function kaimingUniform_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  if (tensor.layout.numel === 0) return tensor
  const bound = Math.sqrt(3) * kaimingDeviation(tensor, options)
  return uniform_(tensor, -bound, bound, options)
}
/** Normal with deviation gain / √fan. */
export function kaimingNormal_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  if (tensor.layout.numel === 0) return tensor
  return normal_(tensor, 0, kaimingDeviation(tensor, options), options)
}

function kaimingDeviation(tensor: Tensor, { a = 0, mode = 'fan_in', nonlinearity = 'leaky_relu' }: KaimingOptions): number {
  if (mode !== 'fan_in' && mode !== 'fan_out')
    throw new Error(`Mode ${mode} not supported, please use one of ['fan_in', 'fan_out']`)
  const { fanIn, fanOut } = fans(tensor)
  return calculateGain(nonlinearity, a) / Math.sqrt(mode === 'fan_in' ? fanIn : fanOut)
}
