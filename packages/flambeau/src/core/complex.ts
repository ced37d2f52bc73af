/**
 * Complex numbers: as values, and how they lie in memory. A complex tensor's storage is one of floats, each element a pair
 * of them; its layout counts pairs. Kernels only ever see the floats: all of them through a further last dimension of 2,
 * or the real or imaginary ones through strides twice as long.
 */

import { Layout } from './layout.js'

/**
 * A complex number, which JavaScript has no type for: what `item()` and `tolist()` of complex tensors give, and what
 * `tensor`, `full` and arithmetic take.
 *
 * @example
 * torch.tensor([{ re: 1, im: 2 }]) // tensor([1.+2.j])
 */
export interface Complex {
  readonly re: number
  readonly im: number
}

/** Whether a value is a complex number. */
export const isComplexNumber = (value: unknown): value is Complex =>
  typeof value === 'object' && value !== null && 're' in value && 'im' in value

/** The floats of complex elements: a further last dimension holds real and imaginary parts. */
export const pairsLayout = ({ shape, strides, offset }: Layout): Layout =>
  new Layout([...shape, 2], [...strides.map((step) => 2 * step), 1], 2 * offset)

/** The real (0) or imaginary (1) parts of complex elements. */
export const partLayout = ({ shape, strides, offset }: Layout, part: 0 | 1): Layout =>
  new Layout(
    shape,
    strides.map((step) => 2 * step),
    2 * offset + part,
  )
