/** What a tensor itself can be told about gradients. */

import { edgeOf, type GradientHook, type RemovableHandle } from '../core/graph.js'
import { metaOf, type Tensor } from '../core/tensor.js'

/** Starts (or stops) recording operations on this leaf, in place, as `torch.Tensor.requires_grad_`. */
export function requiresGrad_(self: Tensor, requiresGrad = true): Tensor {
  self.requiresGrad = requiresGrad
  return self
}

/** Makes backward keep this tensor's gradient in `grad` although it is no leaf, as `torch.Tensor.retain_grad`. */
export function retainGrad(self: Tensor): void {
  if (!self.requiresGrad) throw new Error("can't retain_grad on Tensor that has requires_grad=False")
  if (self.isLeaf) return
  const node = self.gradFn!
  node.retained ??= new Map()
  node.retained.set(self.outputIndex, self)
  metaOf(self).retainsGrad = true
}

/** Whether `retainGrad` was called on this tensor. */
export const retainsGrad = (self: Tensor): boolean => self.meta?.retainsGrad ?? false

/**
 * Calls a function with this tensor's gradient whenever backward computes it; what it returns takes the gradient's
 * place, as `torch.Tensor.register_hook`.
 */
export function registerHook(self: Tensor, hook: GradientHook): RemovableHandle {
  if (!self.requiresGrad) throw new Error("cannot register a hook on a tensor that doesn't require gradient")
  let hooks: Set<GradientHook>
  if (self.isLeaf) {
    edgeOf(self)
    hooks = metaOf(self).hooks ??= new Set()
  } else {
    const node = self.gradFn!
    node.hooks ??= new Map()
    hooks = node.hooks.get(self.outputIndex) ?? new Set()
    node.hooks.set(self.outputIndex, hooks)
  }
  hooks.add(hook)
  return { remove: () => void hooks.delete(hook) }
}

/** Cuts this tensor off from its history, in place, as `torch.Tensor.detach_`. */
export function detach_(self: Tensor): Tensor {
  if (self.viewInfo !== null) throw new Error("Can't detach views in-place. Use detach() instead.")
  self.node = null
  self.outputIndex = 0
  self.leafRequiresGrad = false
  return self
}
