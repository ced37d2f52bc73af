/** How a tensor looks when it is printed. */

import type { Tensor } from './core/tensor.js'

/** The key under which Node's console looks for an object's own way to print itself. */
export const inspectSymbol = Symbol.for('nodejs.util.inspect.custom')

export const showTensor = (t: Tensor): string => JSON.stringify(t.tolist())
