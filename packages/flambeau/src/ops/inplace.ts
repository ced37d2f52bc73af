/** What an in-place write does to the graph, views included. */

import { addOutput, edgeOf, Node, setHistory } from '../core/graph.js'
import { Layout } from '../core/layout.js'
import { gradientEdges, Tensor } from '../core/tensor.js'
import { copyInto } from './copy.js'
import { defineOp, emptyLike, type Gradients, type Op, viewWriteError } from './dispatch.js'

/**
 * Makes `self`, just written, the result of `node`, whose first edge is what `self` was. Where `self` is a view, the
 * base becomes the result instead: only part of it changed, and the rest still has its old history (PyTorch's CopySlices).
 */
export function rebaseHistory(self: Tensor, node: Node): void {
  if (self.viewInfo === null) {
    setHistory(self, node)
    return
  }
  const { base } = self.viewInfo
  requireSameUnits(self, base)
  addOutput(node, self)
  const rebased = new CopySlices(base, self.layout, node)
  setHistory(base, rebased)
  refreshView(self)
}

/** The node of a view whose base was written since: as_strided of the base as it is now. */
function refreshView(self: Tensor): Node | null {
  const view = self.viewInfo!
  if (view.version !== self.storage.version) {
    if (view.base.requiresGrad) {
      if (view.origin !== null) throw viewWriteError(self, 'its base or another view of its base has been')
      requireSameUnits(self, view.base)
      view.version = self.storage.version
      const node = new AsStridedView(view.base, self.layout)
      setHistory(self, node)
    }
  }
  return self.node
}
gradientEdges.refreshView = refreshView

/** The layouts of a complex tensor and of a view of its floats count different things. */
function requireSameUnits(view: Tensor, base: Tensor): void {
  if (view.dtype !== base.dtype)
    throw new Error(
      `not implemented: recording a write in place where a ${base.dtype} tensor is viewed as ${view.dtype}; write under noGrad, or into a copy`,
    )
}

/** `view`'s elements inside a tensor that is laid out like `base` but starts at 0. */
function relative(view: Layout, base: Layout): Layout {
  if (!base.isDense) throw new Error('not implemented: writing in place through a view of a tensor whose memory has gaps')
  return new Layout(view.shape, view.strides, view.offset - base.offset)
}

/** Gradient of taking a view: zeros laid out as the base, with the gradient where the view was. */
const scatterView: Op<{ view: Layout; base: Layout }> = defineOp<{ view: Layout; base: Layout }>({
  name: 'AsStridedScatter',
  forward: ([gradient], { view, base }) => {
    const out = emptyLike(gradient.storage.allocator, new Layout(base.shape, base.strides), gradient.dtype)
    copyInto(out, 0)
    copyInto(new Tensor(out.storage, relative(view, base), out.dtype), gradient)
    return [out]
  },
  backward: ([gradient], { attrs }) => [gatherView([gradient!], attrs)[0]],
})

/** The elements of a view, out of a tensor with the base's shape. */
const gatherView: Op<{ view: Layout; base: Layout }> = defineOp<{ view: Layout; base: Layout }>({
  name: 'AsStrided',
  forward: ([whole], { view, base }) => {
    const laidOut = emptyLike(whole.storage.allocator, new Layout(base.shape, base.strides), whole.dtype)
    copyInto(laidOut, whole)
    return [new Tensor(laidOut.storage, relative(view, base), whole.dtype)]
  },
  backward: ([gradient], { attrs }) => [scatterView([gradient!], attrs)[0]],
})

/** A tensor with the part that a view covers replaced: by another tensor, or by zeros. */
const replaceView: Op<{ view: Layout; base: Layout }> = defineOp<{ view: Layout; base: Layout }>({
  name: 'CopySlices',
  forward: ([whole, part], { view, base }) => {
    const out = emptyLike(whole.storage.allocator, new Layout(base.shape, base.strides), whole.dtype)
    copyInto(out, whole)
    copyInto(new Tensor(out.storage, relative(view, base), out.dtype), part ?? 0)
    return [out]
  },
  backward: ([gradient], { attrs, inputs }) => {
    const whole = replaceView([gradient!], attrs)[0]
    return inputs.length === 1 ? [whole] : [whole, gatherView([gradient!], attrs)[0]]
  },
})

class AsStridedView extends Node {
  readonly name = 'AsStridedBackward0'
  readonly #attrs: { view: Layout; base: Layout }

  constructor(base: Tensor, view: Layout) {
    super()
    this.edges = [edgeOf(base)]
    this.#attrs = { view, base: base.layout }
  }

  override backward([gradient]: Gradients): Gradients {
    return [gradient === null ? null : scatterView([gradient], this.#attrs)[0]]
  }
}

class CopySlices extends Node {
  readonly name = 'CopySlices'
  readonly #attrs: { view: Layout; base: Layout }
  readonly #inner: Node

  constructor(base: Tensor, view: Layout, inner: Node) {
    super()
    this.#attrs = { view, base: base.layout }
    this.#inner = inner
    this.edges = [edgeOf(base), ...inner.edges.slice(1)]
    // What the write did to the view's old value decides how much of the gradient still reaches the base there; the
    // inner node computes that gradient only where its own first edge exists.
    inner.edges = [this.edges[0], ...inner.edges.slice(1)]
  }

  override backward([gradient]: Gradients): Gradients {
    if (gradient === null) return this.edges.map(() => null)
    const [slice] = gatherView([gradient], this.#attrs)
    const [self, ...others] = this.#inner.backward([slice])
    if (this.edges[0] === null) return [null, ...others]
    return [replaceView(self ? [gradient, self] : [gradient], this.#attrs)[0], ...others]
  }

  override release(): void {
    this.#inner.release()
  }

  override get runsUserCode(): boolean {
    return this.#inner.runsUserCode
  }
}
