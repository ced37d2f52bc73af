/** What a tensor itself can be told about gradients. */

import { readArgument } from '../core/arguments.js'
import { type GradientHook, hooksOf, type RemovableHandle, register } from '../core/graph.js'
import { metaOf, type Tensor } from '../core/tensor.js'

/**
 * Starts (or stops) recording operations on this leaf, in place, as `torch.Tensor.requires_grad_`.
 *
 * @throws Error for integers, for tensors that are no leaves, and for inference tensors.
 * @example
 * torch.ones(2).requiresGrad_().requiresGrad // true
 */
export function requiresGrad_(self: Tensor, requiresGrad?: boolean | { requiresGrad?: boolean }): Tensor {
  self.requiresGrad = readArgument<boolean>('requires_grad_', 'requiresGrad', requiresGrad, true)
  return self
}

/**
 * Makes backward keep this tensor's gradient in `grad` although it is no leaf, as `torch.Tensor.retain_grad`.
 *
 * @throws Error where the tensor requires no gradient.
 * @example
 * const y = torch.ones(2, { requiresGrad: true }).mul(3)
 * y.retainGrad()
 * y.mul(y).sum().backward()
 * y.grad // tensor([6., 6.])
 */
export function retainGrad(self: Tensor): void {
  if (!self.requiresGrad) throw new Error("can't retain_grad on Tensor that has requires_grad=False")
  if (self.isLeaf) return
  hooksOf(self.gradFn!).retained.set(self.outputIndex, self)
  metaOf(self).retainsGrad = true
}

/**
 * Whether `retainGrad` was called on this tensor, as `torch.Tensor.retains_grad`.
 *
 * @example
 * torch.ones(2).retainsGrad() // false
 */
export const retainsGrad = (self: Tensor): boolean => self.meta?.retainsGrad ?? false

/**
 * Calls a function with this tensor's gradient whenever backward computes it; what it returns takes the gradient's
 * place, as `torch.Tensor.register_hook`.
 *
 * @throws Error where the tensor requires no gradient; in backward, where the hook changes the gradient's size.
 * @example
 * const x = torch.ones(2, { requiresGrad: true })
 * const handle = x.registerHook((g) => g.clamp(-1, 1))
 * x.mul(5).sum().backward()
 * x.grad // tensor([1., 1.])
 * handle.remove()
 */
export function registerHook(self: Tensor, hook: GradientHook): RemovableHandle {
  if (!self.requiresGrad) throw new Error("cannot register a hook on a tensor that doesn't require gradient")
  if (self.isLeaf) {
    const meta = metaOf(self)
    meta.hooks ??= new Set()
    return register(meta.hooks, hook)
  }
  const { outputs } = hooksOf(self.gradFn!)
  const hooks = outputs.get(self.outputIndex) ?? new Set()
  outputs.set(self.outputIndex, hooks)
  return register(hooks, hook)
}

/**
 * Calls a function with this leaf whenever backward has added to its `grad`, as
 * `torch.Tensor.register_post_accumulate_grad_hook`.
 *
 * @throws Error for a tensor that is no leaf, or requires no gradient.
 * @example
 * const w = torch.ones(2, { requiresGrad: true })
 * w.registerPostAccumulateGradHook((w) => {
 *   torch.noGrad(() => w.sub_(w.grad!, { alpha: 0.1 }))
 *   w.grad = null
 * })
 */
export function registerPostAccumulateGradHook(self: Tensor, hook: (leaf: Tensor) => void): RemovableHandle {
  if (!self.requiresGrad) throw new Error("cannot register a hook on a tensor that doesn't require gradient")
  if (!self.isLeaf) throw new Error('post accumulate grad hooks cannot be registered on non-leaf tensors')
  const meta = metaOf(self)
  meta.accumulateHooks ??= new Set()
  return register(meta.accumulateHooks, hook)
}

/**
 * Whether this tensor was made in `inferenceMode`, as `torch.Tensor.is_inference`.
 *
 * @example
 * torch.inferenceMode(() => torch.ones(2)).isInference() // true
 */
export const isInference = (self: Tensor): boolean => self.storage.isInference

/**
 * Cuts this tensor off from its history, in place, as `torch.Tensor.detach_`.
 *
 * @throws Error for a view.
 * @example
 * torch.ones(2, { requiresGrad: true }).mul(2).detach_().requiresGrad // false
 */
export function detach_(self: Tensor): Tensor {
  if (self.viewInfo !== null) throw new Error("Can't detach views in-place. Use detach() instead.")
  self.node = null
  self.outputIndex = 0
  self.leafRequiresGrad = false
  return self
}
