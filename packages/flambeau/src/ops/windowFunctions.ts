/** Window functions of signal processing. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { getDefaultDtype, isFloatingPoint } from '../core/dtype.js'
import type { Tensor } from '../core/tensor.js'
import { fromTypedArray, type TensorOptions } from './creation.js'

export interface WindowOptions extends TensorOptions {
  /** Leave out the last value, for a window that is repeated; true unless given. */
  periodic?: boolean
}
const optionNames = ['dtype', 'device', 'requiresGrad'] as const

/** The window of a formula over i and the number of steps. */
function windowOf(
  name: string,
  length: number,
  periodic: boolean,
  options: TensorOptions,
  formula: (i: number, steps: number) => number,
): Tensor {
  const { dtype = getDefaultDtype() } = options
  if (!isFloatingPoint(dtype)) throw new Error(`${name} expects floating point dtypes, got: ${dtype}`)
  if (!Number.isInteger(length) || length < 0)
    throw new Error(`${name} requires non-negative window_length, got window_length=${length}`)
  const steps = periodic ? length : length - 1
  const values = Float64Array.from({ length }, (_, i) => (length === 1 ? 1 : formula(i, steps)))
  return fromTypedArray(values, [length], { ...options, dtype })
}
const cosine = (i: number, steps: number): number => Math.cos((2 * Math.PI * i) / steps)

/**
 * Hann's window, `(1 − cos(2πi/n)) / 2`, as `torch.hann_window`.
 *
 * @example
 * torch.hannWindow(4) // tensor([0.0000, 0.5000, 1.0000, 0.5000])
 */
export function hannWindow(windowLength: number, ...args: Arguments<[periodic: boolean], WindowOptions>): Tensor {
  const { periodic = true, ...options } = readArguments<WindowOptions>('hannWindow', args, ['periodic'], optionNames)
  return windowOf('hann_window', windowLength, periodic, options, (i, n) => 0.5 - 0.5 * cosine(i, n))
}

export interface HammingOptions extends WindowOptions {
  alpha?: number
  beta?: number
}
/**
 * Hamming's window, `alpha − beta · cos(2πi/n)`, as `torch.hamming_window`.
 *
 * @example
 * torch.hammingWindow(3, false) // tensor([0.0800, 1.0000, 0.0800])
 */
export function hammingWindow(
  windowLength: number,
  ...args: Arguments<[periodic: boolean, alpha: number, beta: number], HammingOptions>
): Tensor {
  const {
    periodic = true,
    alpha = 0.54,
    beta = 0.46,
    ...options
  } = readArguments<HammingOptions>('hammingWindow', args, ['periodic', 'alpha', 'beta'], optionNames)
  return windowOf('hamming_window', windowLength, periodic, options, (i, n) => alpha - beta * cosine(i, n))
}

/**
 * Bartlett's window, a triangle, as `torch.bartlett_window`.
 *
 * @example
 * torch.bartlettWindow(4) // tensor([0.0000, 0.5000, 1.0000, 0.5000])
 */
export function bartlettWindow(windowLength: number, ...args: Arguments<[periodic: boolean], WindowOptions>): Tensor {
  const { periodic = true, ...options } = readArguments<WindowOptions>('bartlettWindow', args, ['periodic'], optionNames)
  return windowOf('bartlett_window', windowLength, periodic, options, (i, n) => 1 - Math.abs((2 * i) / n - 1))
}

/**
 * Blackman's window, `0.42 − 0.5 cos(2πi/n) + 0.08 cos(4πi/n)`, as `torch.blackman_window`.
 *
 * @example
 * torch.blackmanWindow(4).at('1:') // tensor([0.3400, 1.0000, 0.3400])
 */
export function blackmanWindow(windowLength: number, ...args: Arguments<[periodic: boolean], WindowOptions>): Tensor {
  const { periodic = true, ...options } = readArguments<WindowOptions>('blackmanWindow', args, ['periodic'], optionNames)
  return windowOf(
    'blackman_window',
    windowLength,
    periodic,
    options,
    (i, n) => 0.42 - 0.5 * cosine(i, n) + 0.08 * cosine(2 * i, n),
  )
}

export interface KaiserOptions extends WindowOptions {
  /** How narrow the window is. */
  beta?: number
}
/** I0, by its series of positive terms. */
function besselI0(x: number): number {
  let sum = 1
  for (let k = 1, term = 1; term > 1e-17 * sum; k++) {
    term *= (x / (2 * k)) ** 2
    sum += term
  }
  return sum
}
/**
 * Kaiser's window, `I₀(beta · √(1 − (2i/n − 1)²)) / I₀(beta)`, as `torch.kaiser_window`.
 *
 * @example
 * torch.kaiserWindow(4, false, 2) // tensor([0.4387, 0.9243, 0.9243, 0.4387])
 */
export function kaiserWindow(windowLength: number, ...args: Arguments<[periodic: boolean, beta: number], KaiserOptions>): Tensor {
  const {
    periodic = true,
    beta = 12,
    ...options
  } = readArguments<KaiserOptions>('kaiserWindow', args, ['periodic', 'beta'], optionNames)
  return windowOf(
    'kaiser_window',
    windowLength,
    periodic,
    options,
    (i, n) => besselI0(beta * Math.sqrt(Math.max(0, 1 - ((2 * i) / n - 1) ** 2))) / besselI0(beta),
  )
}
