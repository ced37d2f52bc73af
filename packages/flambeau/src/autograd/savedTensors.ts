/** `torch.autograd.graph`: how tensors saved for backward are stored. */

import { setSavedTensorsHooks } from '../core/graph.js'
import type { Tensor } from '../core/tensor.js'
import { type GradMode, within } from './mode.js'

export { AccumulateGrad, Node, type NodeHook, type NodePrehook, type RemovableHandle } from '../core/graph.js'

/**
 * Runs a function in which every tensor that is saved for backward is first packed, and unpacked when backward needs it,
 * as `torch.autograd.graph.saved_tensors_hooks`. The pack hook may return anything; it must not change the tensor.
 *
 * @example
 * const x = torch.tensor([1, 2], { requiresGrad: true })
 * const y = autograd.graph.savedTensorsHooks(
 *   (t) => t.to('float16'),
 *   (packed) => packed.to('float32'),
 *   () => x.mul(x).sum(),
 * )
 * y.backward()
 * x.grad // tensor([2., 4.])
 */
export function savedTensorsHooks<P, T>(pack: (tensor: Tensor) => P, unpack: (packed: P) => Tensor, body: () => T): T
export function savedTensorsHooks<P>(pack: (tensor: Tensor) => P, unpack: (packed: P) => Tensor): GradMode
export function savedTensorsHooks<P, T>(
  pack: (tensor: Tensor) => P,
  unpack: (packed: P) => Tensor,
  body?: () => T,
): T | GradMode {
  return within(setSavedTensorsHooks, { pack, unpack: (packed) => unpack(packed as P) }, body)
}

/**
 * `torch.autograd.graph.save_on_cpu`: not implemented, as every tensor is on the CPU.
 *
 * @throws Error always.
 * @example
 * autograd.graph.saveOnCpu() // Error: not implemented: autograd.graph.saveOnCpu
 */
export function saveOnCpu(): never {
  throw new Error('not implemented: autograd.graph.saveOnCpu')
}
