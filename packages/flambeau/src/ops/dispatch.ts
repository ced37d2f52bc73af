/** What every op shares: allocating results, recording a node, and the rules of writing in place. */

import type { Backend } from '../backends/backend.js'
import { canCast, type DType, isDifferentiable, itemSize, scalarName } from '../core/dtype.js'
import { edgeOf, freedGraphMessage, isGradEnabled, Node, type OutputMeta, SavedTensor, setHistory } from '../core/graph.js'
import { contiguousStrides, Layout, numelOf, type Shape } from '../core/layout.js'
import { isInferenceModeEnabled, Storage } from '../core/storage.js'
import { Tensor } from '../core/tensor.js'

/** A new tensor with uninitialised contents; row-major unless other strides (of a dense layout) are given. */
export function emptyTensor(backend: Backend, shape: Shape, dtype: DType, strides?: readonly number[] | null): Tensor {
  return emptyLike(backend, strides ? new Layout(shape, strides) : new Layout(shape, contiguousStrides(shape)), dtype)
}

/** A new tensor over a given dense layout that starts at offset 0. */
export function emptyLike(backend: Backend, layout: Layout, dtype: DType): Tensor {
  const bytes = layout.numel * itemSize(dtype)
  if (!(bytes <= Number.MAX_SAFE_INTEGER))
    throw new RangeError(`Storage size calculation overflowed with sizes=[${layout.shape.join(', ')}]`)
  return new Tensor(new Storage(backend, backend.allocate(bytes), bytes), layout, dtype)
}

/** The backend all these tensors live on. @throws Error in PyTorch's words where they differ. */
export function commonBackend(tensors: readonly (Tensor | null)[]): Backend {
  let found: Backend | undefined
  for (const tensor of tensors) {
    if (tensor === null) continue
    const backend = tensor.storage.allocator
    if (found === undefined) found = backend
    else if (found !== backend)
      throw new Error(
        `Expected all tensors to be on the same device, but found at least two devices, ${found.device} (${found.name}) and ` +
          `${backend.device} (${backend.name})!`,
      )
  }
  if (found === undefined) throw new TypeError('expected at least one tensor')
  return found
}

/** Whether an op on these inputs is to be recorded. */
export function needsRecording(inputs: readonly (Tensor | null)[]): boolean {
  if (!isGradEnabled() || isInferenceModeEnabled()) return false
  for (const input of inputs) if (input?.requiresGrad) return true
  return false
}

export type Gradients = (Tensor | null)[]

/** What an op's backward is given besides the gradients of its outputs. */
export interface BackwardContext<A> {
  /** The tensors that `save` chose, checked to be unchanged. */
  readonly saved: Tensor[]
  readonly attrs: A
  /** Which inputs need a gradient; others may be answered with null. */
  readonly needs: readonly boolean[]
  /** Shapes and dtypes of the inputs. */
  readonly inputs: readonly OutputMeta[]
}

/** A structured op: how to compute it, what backward must keep, and its gradient in terms of other ops. */
export interface OpDefinition<A> {
  /** As in PyTorch's graph, without `Backward0`. */
  readonly name: string
  /** The number after `Backward` in the node's name: which of PyTorch's overloads this call is; 0 unless given. */
  overload?(attrs: A): number
  /** Checks shapes and dtypes, in PyTorch's words and before anything is written, then computes the outputs. */
  forward(inputs: readonly Tensor[], attrs: A): Tensor[]
  /** What backward reads; nothing unless given. */
  save?(inputs: readonly Tensor[], outputs: readonly Tensor[], attrs: A, needs: readonly boolean[]): readonly Tensor[]
  /** One gradient per input. Written in tensor ops, so that it is differentiable in turn. Absent: not differentiable. */
  backward?(gradients: Gradients, context: BackwardContext<A>): Gradients
  /** How many leading outputs have gradients (indices and the like have none); all unless given. */
  readonly differentiableOutputs?: number
}

/** The node of a structured op. */
export class OpNode<A> extends Node {
  readonly name: string
  readonly #op: OpDefinition<A>
  readonly #attrs: A
  readonly #inputs: readonly OutputMeta[]
  #saved: readonly SavedTensor[] | null

  constructor(op: OpDefinition<A>, inputs: readonly Tensor[], attrs: A, outputs: readonly Tensor[]) {
    super()
    this.name = `${op.name}Backward${op.overload?.(attrs) ?? 0}`
    this.#op = op
    this.#attrs = attrs
    this.edges = inputs.map(edgeOf)
    this.#inputs = inputs.map((t) => ({ shape: t.layout.shape, dtype: t.dtype }))
    const kept =
      op.save?.(
        inputs,
        outputs,
        attrs,
        this.edges.map((e) => e !== null),
      ) ?? []
    this.#saved = kept.map((t) => new SavedTensor(t))
  }

  override backward(gradients: Gradients): Gradients {
    if (this.#saved === null) throw new Error(freedGraphMessage)
    const saved = this.#saved.map((s) => s.unpack(this))
    const needs = this.edges.map((e) => e !== null)
    return this.#op.backward!(gradients, { saved, attrs: this.#attrs, needs, inputs: this.#inputs })
  }

  override release(): void {
    if (this.#op.save !== undefined) this.#saved = null
  }
}

/** Runs a structured op on its inputs: answers with its outputs. */
export type Op<A> = (inputs: readonly Tensor[], attrs: A) => Tensor[]

/**
 * Defines a structured op. The result runs it: `op(inputs, attrs)` gives its outputs, recorded where an input requires
 * a gradient.
 */
export function defineOp<A = undefined>(op: OpDefinition<A>): Op<A> {
  const differentiable = op.differentiableOutputs ?? Number.POSITIVE_INFINITY
  return (inputs, attrs) => {
    const outputs = op.forward(inputs, attrs)
    if (op.backward !== undefined && isDifferentiable(outputs[0].dtype) && needsRecording(inputs)) {
      // History first, so that a saved output knows its node when it is differentiated again.
      const node = new OpNode(op, inputs, attrs, outputs)
      outputs.forEach((output, i) => {
        if (i < differentiable) setHistory(output, node)
      })
    }
    return outputs
  }
}

/**
 * Checks that `self` may be written in place by an op whose result has this shape and dtype; `recording` says that
 * another operand requires a gradient.
 */
export function checkInPlace(self: Tensor, shape: Shape | null, dtype: DType | null, recording = false): void {
  if (self.storage.isInference && !isInferenceModeEnabled())
    throw new Error(
      'Inplace update to inference tensor outside InferenceMode is not allowed. You can make a clone to get a normal tensor ' +
        'before doing inplace update. See https://github.com/pytorch/rfcs/pull/17 for more details.',
    )
  if (isGradEnabled() && !isInferenceModeEnabled()) {
    const view = self.viewInfo
    if (view !== null && view.origin !== null && (recording || view.base.requiresGrad)) throw viewWriteError(self, 'is being')
    if (view?.base.leafRequiresGrad)
      throw new Error('a view of a leaf Variable that requires grad is being used in an in-place operation.')
    if (self.leafRequiresGrad) throw new Error('a leaf Variable that requires grad is being used in an in-place operation.')
  }
  if (dtype !== null && !canCast(dtype, self.dtype))
    throw new Error(`result type ${scalarName(dtype)} can't be cast to the desired output type ${scalarName(self.dtype)}`)
  const own = self.layout.shape
  if (shape !== null && (shape.length !== own.length || shape.some((size, d) => size !== own[d])))
    throw new Error(`output with shape [${own.join(', ')}] doesn't match the broadcast shape [${shape.join(', ')}]`)
  if (self.layout.overlapsItself)
    throw new Error(
      'unsupported operation: more than one element of the written-to tensor refers to a single memory location. ' +
        'Please clone() the tensor before performing the operation.',
    )
}

/** Why a write through a view, or to what it views, cannot be recorded: in PyTorch's words. */
export function viewWriteError(self: Tensor, written: 'is being' | 'its base or another view of its base has been'): Error {
  const { origin } = self.viewInfo!
  const mode = origin === 'inference' ? 'inference' : 'no_grad'
  const made = self.node === null ? '' : `Output ${self.outputIndex} of ${self.node.name} is a view`
  const what =
    mode === origin || origin === 'noGrad' || self.node === null
      ? `${made === '' ? 'A view was created in' : `${made} of a view which was created in`} ${mode} mode and ${written} modified inplace ` +
        (origin === 'inference' ? 'in normal mode.' : 'with grad mode enabled.')
      : `${made} and ${written} modified inplace.`
  const block = origin === 'inference' ? 'inference_mode' : 'no_grad'
  const why = {
    multiOutput:
      'This view is the output of a function that returns multiple views. Such functions do not allow the output views to be ' +
      'modified inplace. You should replace the inplace operation by an out-of-place one.',
    function:
      'This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic to handle ' +
      'view+inplace would override the custom backward associated with the custom Function, leading to incorrect gradients. ' +
      'This behavior is forbidden. You can fix this by cloning the output of the custom Function.',
    noGrad: ambiguous(block),
    inference: ambiguous(block),
  }
  return new Error(`${what} ${why[origin!]}`)
}
const ambiguous = (block: string): string =>
  'Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and ' +
  `the inplace either both inside the ${block} block (if you don't want the inplace to be tracked) or both outside (if you want ` +
  'the inplace to be tracked).'

/** Whether two tensors share memory without being the very same elements: such a pair must not be read and written at once. */
export function partlyOverlaps(a: Tensor, b: Tensor): boolean {
  if (a.storage !== b.storage || numelOf(a.layout.shape) === 0 || numelOf(b.layout.shape) === 0) return false
  const [la, lb] = [a.layout, b.layout]
  if (la.offset === lb.offset && la.shape.every((s, d) => s === lb.shape[d] && (s === 1 || la.strides[d] === lb.strides[d])))
    return false
  return la.offset < lb.extent && lb.offset < la.extent && !disjointSlices(la, lb)
}

/**
 * An operand as an in-place op may read it. Where what lies in one's way in memory can be told for certain, writing over part of
 * what is still to be read is an error, as in PyTorch; where it cannot, the operand is read from a copy.
 *
 * @throws Error in PyTorch's words
 */
export function apartFrom(target: Tensor, operand: Tensor, copy: (t: Tensor) => Tensor): Tensor {
  if (!partlyOverlaps(target, operand)) return operand
  if (target.layout.isDense && operand.layout.isDense) throw overlapError()
  return copy(operand)
}
export const overlapError = (): Error =>
  new Error(
    'unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location. ' +
      'Please clone() the tensor before performing the operation.',
  )

/** Two slices of one tensor along one dimension, as `chunk` makes them: interleaved in memory, yet apart. */
function disjointSlices(a: Layout, b: Layout): boolean {
  const dims = Math.max(a.dim, b.dim)
  if (a.dim !== b.dim) return false
  for (let d = 0; d < dims; d++) if (a.strides[d] !== b.strides[d]) return false
  // Within one period of the largest stride that separates them, the two runs must not meet.
  const order = [...a.strides.keys()].sort((p, q) => a.strides[q] - a.strides[p])
  for (const d of order) {
    const period = a.strides[d]
    if (period === 0) continue
    const [pa, pb] = [a.offset % period, b.offset % period]
    const reach = (l: Layout): number =>
      order.filter((o) => l.strides[o] < period).reduce((n, o) => n + (l.shape[o] - 1) * l.strides[o], 0)
    if (pa + reach(a) < pb || pb + reach(b) < pa) return pa + reach(a) < period && pb + reach(b) < period
  }
  return false
}
