import type { Backend } from '../backends/backend.js'
import { type DType, isDifferentiable } from './dtype.js'
import type { Edge, GradientHook, Node } from './graph.js'
import type { Layout } from './layout.js'
import { isInferenceModeEnabled, type Storage } from './storage.js'

/** How views were made whose in-place writes cannot be recorded. */
export type ViewOrigin = 'multiOutput' | 'function' | 'noGrad' | 'inference'

/** A tensor that views another one: in-place writes through it must reach the base's history. */
export interface ViewInfo {
  readonly base: Tensor
  /** Why recording an in-place write through this view is an error, or null where it is none. */
  origin: ViewOrigin | null
  /** The storage's version when `gradFn` was last made; null for views made without recording. */
  version: number
}

/** What only few tensors have: kept apart so that the others stay small. */
export interface AutogradMeta {
  accumulator: Node | null
  hooks: Set<GradientHook> | null
  accumulateHooks: Set<(leaf: Tensor) => void> | null
  retainsGrad: boolean
}

/**
 * A multi-dimensional array of one dtype, as `torch.Tensor`. Made by `tensor`, `zeros`, `rand` and the other creation
 * functions; its methods are the operations of flambeau's namespace with the tensor as their first argument.
 *
 * @example
 * const x = torch.tensor([[1, 2], [3, 4]])
 * x.add(1).sum().item() // 14
 */
export class Tensor {
  /** @internal */ readonly storage: Storage<Backend>
  /** @internal */ readonly layout: Layout
  readonly dtype: DType
  /** @internal The gradient, of which the library is the only holder until `grad` shows it. */
  gradient: Tensor | null = null
  /** @internal A leaf's own flag; others require gradients by having a node. */
  leafRequiresGrad = false
  /** @internal The node that made this tensor, before the view's check that `gradFn` does. */
  node: Node | null = null
  /** @internal Which output of its node this is. */
  outputIndex = 0
  /** @internal */ viewInfo: ViewInfo | null = null
  /** @internal */ meta: AutogradMeta | null = null

  /** @internal Use a creation function instead. */
  constructor(storage: Storage<Backend>, layout: Layout, dtype: DType) {
    this.storage = storage
    this.layout = layout
    this.dtype = dtype
  }

  /** The gradient that `backward` accumulated here, or null. Only leaves and tensors with `retainGrad()` get one. */
  get grad(): Tensor | null {
    this.gradient?.storage.escape()
    return this.gradient
  }
  set grad(value: Tensor | null) {
    value?.storage.escape()
    const before = this.gradient
    this.gradient = value
    before?.storage.drop()
  }

  /** The sizes of the dimensions. */
  get shape(): readonly number[] {
    return this.layout.shape
  }

  /** The number of dimensions, as PyTorch's `ndim`. */
  get ndim(): number {
    return this.layout.shape.length
  }

  /** The size of the first dimension, as Python's `len`. @throws TypeError for a 0-d tensor. */
  get length(): number {
    if (this.layout.shape.length === 0) throw new TypeError('len() of a 0-d tensor')
    return this.layout.shape[0]
  }

  get device(): string {
    return this.storage.allocator.device
  }

  /** Whether backward computes a gradient for this tensor. Settable on leaves. */
  get requiresGrad(): boolean {
    // A view made without recording, of what requires a gradient, requires one as well.
    return this.leafRequiresGrad || this.node !== null || this.viewInfo?.base.requiresGrad === true
  }
  set requiresGrad(value: boolean) {
    if (value && !isDifferentiable(this.dtype))
      throw new Error('only Tensors of floating point and complex dtype can require gradients')
    if (value && this.storage.isInference && !isInferenceModeEnabled())
      throw new Error('Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.')
    if (!value && this.node !== null)
      throw new Error(
        'you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that ' +
          "doesn't require differentiation use varNoGrad = var.detach().",
      )
    if (this.node === null) this.leafRequiresGrad = value
  }

  /** The node that made this tensor, or null for a leaf. */
  get gradFn(): Node | null {
    if (this.viewInfo === null || (this.node === null && !this.viewInfo.base.requiresGrad)) return this.node
    return gradientEdges.refreshView(this)
  }

  /** Whether the user made this tensor, rather than a recorded operation. */
  get isLeaf(): boolean {
    return this.node === null
  }
}

/**
 * Whether a value is a tensor, as `torch.is_tensor`.
 *
 * @example
 * torch.isTensor(torch.ones(2)) // true
 */
export const isTensor = (value: unknown): value is Tensor => value instanceof Tensor

/** Rules about views that need ops; set once by ops/inplace.ts so that core stays below them. */
export const gradientEdges: { refreshView(view: Tensor): Node | null } = {
  refreshView: (view) => view.node,
}

/** @internal */
export function metaOf(tensor: Tensor): AutogradMeta {
  tensor.meta ??= { accumulator: null, hooks: null, accumulateHooks: null, retainsGrad: false }
  return tensor.meta
}

export type { Edge }
