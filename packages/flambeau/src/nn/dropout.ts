/** Dropout. */

import type { Tensor } from '../core/tensor.js'
import { dropout, type InplaceOptions } from './functional.js'
import { Module } from './module.js'
import { python, pythonFloat } from './repr.js'

/**
 * Zeros each element with probability p while training and scales the others by 1/(1 − p), as `torch.nn.Dropout`; in
 * evaluation mode it returns its input.
 */
export class Dropout extends Module {
  readonly p: number
  readonly inplace: boolean

  constructor(p = 0.5, options: InplaceOptions = {}) {
    super()
    if (!(p >= 0 && p <= 1)) throw new Error(`dropout probability has to be between 0 and 1, but got ${p}`)
    this.p = p
    this.inplace = options.inplace ?? false
  }

  override forward(input: Tensor): Tensor {
    return dropout(input, this.p, this.training, { inplace: this.inplace })
  }

  override extraRepr(): string {
    return `p=${pythonFloat(this.p)}, inplace=${python(this.inplace)}`
  }
}
