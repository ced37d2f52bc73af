/** Padding layers. */

import type { Shape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { type PadMode, pad } from '../ops/pad.js'
import { Module } from './module.js'
import { python, pythonFloat } from './repr.js'

type Size = number | readonly number[]

/** What padding layers share: how much is added before and after, last dimension first; one number for all sides. */
abstract class PadNd extends Module {
  readonly padding: Shape
  protected readonly mode: PadMode
  protected readonly fill: number | null

  protected constructor(dims: number, padding: Size, mode: PadMode, value: number | null = null) {
    super()
    this.padding = typeof padding === 'number' ? new Array<number>(2 * dims).fill(padding) : padding
    this.mode = mode
    this.fill = value
  }

  override forward(input: Tensor): Tensor {
    return pad(input, this.padding, this.mode, this.fill)
  }

  override extraRepr(): string {
    return python(this.padding)
  }
}

/** What padding with a number shares. */
abstract class ConstantPadNd extends PadNd {
  readonly value: number

  protected constructor(dims: number, padding: Size, value: number) {
    super(dims, padding, 'constant', value)
    this.value = value
  }

  override extraRepr(): string {
    return `padding=${python(this.padding)}, value=${pythonFloat(this.value)}`
  }
}

/**
 * `value` added on both sides of the last dimension, as `torch.nn.ConstantPad1d`: `padding` is one number or [before, after].
 *
 * @example
 * new nn.ConstantPad1d([1, 2], 9)(torch.tensor([[1, 2]])).tolist() // [ [ 9, 1, 2, 9, 9 ] ]
 */
export class ConstantPad1d extends ConstantPadNd {
  constructor(padding: Size, value: number) {
    super(1, padding, value)
  }
}

/**
 * `value` added around the last two dimensions, as `torch.nn.ConstantPad2d`: `padding` is one number or [left, right, top,
 * bottom].
 *
 * @example
 * new nn.ConstantPad2d(1, 0.5)(torch.zeros(1, 2, 2)).shape // [ 1, 4, 4 ]
 */
export class ConstantPad2d extends ConstantPadNd {
  constructor(padding: Size, value: number) {
    super(2, padding, value)
  }
}

/**
 * `value` added around the last three dimensions, as `torch.nn.ConstantPad3d`.
 *
 * @example
 * new nn.ConstantPad3d(1, 0.5)(torch.zeros(1, 2, 2, 2)).shape // [ 1, 4, 4, 4 ]
 */
export class ConstantPad3d extends ConstantPadNd {
  constructor(padding: Size, value: number) {
    super(3, padding, value)
  }
}

/**
 * Zeros added on both sides of the last dimension, as `torch.nn.ZeroPad1d`.
 *
 * @example
 * new nn.ZeroPad1d(1)(torch.ones(1, 2)).tolist() // [ [ 0, 1, 1, 0 ] ]
 */
export class ZeroPad1d extends PadNd {
  constructor(padding: Size) {
    super(1, padding, 'constant', 0)
  }
}

/**
 * Zeros added around the last two dimensions, as `torch.nn.ZeroPad2d`: `padding` is one number or [left, right, top, bottom].
 *
 * @example
 * new nn.ZeroPad2d([1, 0, 0, 0])(torch.ones(1, 2, 1)).tolist() // [ [ [ 0, 1 ], [ 0, 1 ] ] ]
 */
export class ZeroPad2d extends PadNd {
  constructor(padding: Size) {
    super(2, padding, 'constant', 0)
  }
}

/**
 * Zeros added around the last three dimensions, as `torch.nn.ZeroPad3d`.
 *
 * @example
 * new nn.ZeroPad3d(1)(torch.ones(1, 2, 2, 2)).sum().item() // 8
 */
export class ZeroPad3d extends PadNd {
  constructor(padding: Size) {
    super(3, padding, 'constant', 0)
  }
}

/**
 * The last dimension mirrored at its ends, as `torch.nn.ReflectionPad1d`.
 *
 * @example
 * new nn.ReflectionPad1d(2)(torch.tensor([[1, 2, 3]])).tolist() // [ [ 3, 2, 1, 2, 3, 2, 1 ] ]
 */
export class ReflectionPad1d extends PadNd {
  constructor(padding: Size) {
    super(1, padding, 'reflect')
  }
}

/**
 * Images mirrored at their edges, as `torch.nn.ReflectionPad2d`.
 *
 * @example
 * new nn.ReflectionPad2d([1, 0, 1, 0])(torch.tensor([[[1, 2], [3, 4]]])).tolist() // [ [ [ 4, 3, 4 ], [ 2, 1, 2 ], [ 4, 3, 4 ] ] ]
 */
export class ReflectionPad2d extends PadNd {
  constructor(padding: Size) {
    super(2, padding, 'reflect')
  }
}

/**
 * Volumes mirrored at their faces, as `torch.nn.ReflectionPad3d`.
 *
 * @example
 * new nn.ReflectionPad3d(1)(torch.rand(1, 2, 2, 2)).shape // [ 1, 4, 4, 4 ]
 */
export class ReflectionPad3d extends PadNd {
  constructor(padding: Size) {
    super(3, padding, 'reflect')
  }
}

/**
 * The ends of the last dimension repeated, as `torch.nn.ReplicationPad1d`.
 *
 * @example
 * new nn.ReplicationPad1d([2, 1])(torch.tensor([[1, 2]])).tolist() // [ [ 1, 1, 1, 2, 2 ] ]
 */
export class ReplicationPad1d extends PadNd {
  constructor(padding: Size) {
    super(1, padding, 'replicate')
  }
}

/**
 * The edges of images repeated, as `torch.nn.ReplicationPad2d`.
 *
 * @example
 * new nn.ReplicationPad2d(1)(torch.rand(1, 2, 2)).shape // [ 1, 4, 4 ]
 */
export class ReplicationPad2d extends PadNd {
  constructor(padding: Size) {
    super(2, padding, 'replicate')
  }
}

/**
 * The faces of volumes repeated, as `torch.nn.ReplicationPad3d`.
 *
 * @example
 * new nn.ReplicationPad3d(1)(torch.rand(1, 2, 2, 2)).shape // [ 1, 4, 4, 4 ]
 */
export class ReplicationPad3d extends PadNd {
  constructor(padding: Size) {
    super(3, padding, 'replicate')
  }
}

/**
 * The last dimension continued from its other end, as `torch.nn.CircularPad1d`.
 *
 * @example
 * new nn.CircularPad1d([2, 1])(torch.tensor([[1, 2, 3]])).tolist() // [ [ 2, 3, 1, 2, 3, 1 ] ]
 */
export class CircularPad1d extends PadNd {
  constructor(padding: Size) {
    super(1, padding, 'circular')
  }
}

/**
 * Images continued from their other sides, as `torch.nn.CircularPad2d`.
 *
 * @example
 * new nn.CircularPad2d(1)(torch.rand(1, 2, 2)).shape // [ 1, 4, 4 ]
 */
export class CircularPad2d extends PadNd {
  constructor(padding: Size) {
    super(2, padding, 'circular')
  }
}

/**
 * Volumes continued from their other sides, as `torch.nn.CircularPad3d`.
 *
 * @example
 * new nn.CircularPad3d(1)(torch.rand(1, 2, 2, 2)).shape // [ 1, 4, 4, 4 ]
 */
export class CircularPad3d extends PadNd {
  constructor(padding: Size) {
    super(3, padding, 'circular')
  }
}
