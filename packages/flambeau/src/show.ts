/** How a tensor looks when it is printed: its elements read one by one, as printing asks for them. */

import { formatParameter, formatTensor, type PrintSource } from './core/printing.js'
import type { Tensor } from './core/tensor.js'
import { elementReader } from './ops/creation.js'

/** The key under which Node's console looks for an object's own way to print itself. */
export const inspectSymbol = Symbol.for('nodejs.util.inspect.custom')

function sourceOf(t: Tensor): PrintSource {
  const { shape, strides, offset } = t.layout
  const read = elementReader(t)
  return {
    shape,
    dtype: t.dtype,
    device: t.device,
    requiresGrad: t.requiresGrad,
    gradFnName: t.gradFn?.name ?? null,
    element: (index) => {
      let at = offset
      let rest = index
      for (let d = shape.length - 1; d >= 0; d--) {
        at += (rest % shape[d]) * strides[d]
        rest = Math.floor(rest / shape[d])
      }
      return read(at)
    },
  }
}

/** A tensor as PyTorch prints it. */
export const showTensor = (t: Tensor): string => formatTensor(sourceOf(t))
/** A parameter as PyTorch prints it. */
export const showParameter = (t: Tensor): string => formatParameter(sourceOf(t))
