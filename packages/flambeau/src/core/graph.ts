/**
 * The recorded graph as data: nodes, edges, saved tensors and the grad mode. Ops add to it; autograd/ walks it.
 */

import type { Shape } from './layout.js'
import { metaOf, type Tensor } from './tensor.js'

/** Where a gradient flows next: into output `index` of `node`. */
export interface Edge {
  readonly node: Node
  readonly index: number
}

/** What backward must know of each output: the gradient it receives has this shape and dtype. */
export interface OutputMeta {
  readonly shape: Shape
  readonly dtype: Tensor['dtype']
}

let nextSequence = 0

/** A removable registration, as every `register…Hook` returns it. */
export interface RemovableHandle {
  remove(): void
}

export type GradientHook = (gradient: Tensor) => Tensor | null | undefined | undefined

/** One recorded operation: turns gradients of its outputs into gradients of its inputs. */
export abstract class Node {
  /** Creation order; backward runs later nodes first. */
  readonly sequence = nextSequence++
  /** PyTorch's name, such as `AddBackward0`. */
  abstract readonly name: string
  /** One entry per input; null where the input needs no gradient. */
  edges: readonly (Edge | null)[] = []
  outputs: OutputMeta[] = []
  /** Hooks on the gradient of an output, by output index; made when first registered. */
  hooks: Map<number, Set<GradientHook>> | null = null
  /** Tensors that asked to keep their gradient (`retainGrad`), by output index. */
  retained: Map<number, Tensor> | null = null

  /** `gradients[i]` belongs to output i and is null where nothing flowed in; one result per edge. */
  abstract backward(gradients: (Tensor | null)[]): (Tensor | null)[]

  /** Drops what was saved for backward; a second backward then raises an error. */
  release(): void {}

  /** The nodes this one passes gradients to, as PyTorch's `next_functions`. */
  get nextFunctions(): readonly (readonly [Node, number] | readonly [null, 0])[] {
    return this.edges.map((e) => (e === null ? ([null, 0] as const) : ([e.node, e.index] as const)))
  }
}

/** A tensor kept for backward, with the version it had. */
export class SavedTensor {
  readonly tensor: Tensor
  readonly #version: number

  constructor(tensor: Tensor) {
    this.tensor = tensor
    this.#version = tensor.storage.version
  }

  /** @throws Error in PyTorch's words where the tensor was changed in place since it was saved. */
  unpack(node: Node): Tensor {
    const { storage, dtype, layout } = this.tensor
    if (storage.version !== this.#version) {
      const producer = this.tensor.gradFn
      const origin = producer ? `, which is output ${this.tensor.outputIndex} of ${producer.name},` : ''
      throw new Error(
        'one of the variables needed for gradient computation has been modified by an inplace operation: ' +
          `[${dtype} [${layout.shape.join(', ')}]]${origin} is at version ${storage.version}; expected version ${this.#version} ` +
          `instead (needed by ${node.name}). Hint: enable anomaly detection to find the operation that failed to compute its gradient.`,
      )
    }
    return this.tensor
  }
}

export const freedGraphMessage =
  'Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). ' +
  'Saved intermediate values of the graph are freed when you call backward() or autograd.grad(). Specify retainGraph: true if ' +
  'you need to backward through the graph a second time or if you need to access saved tensors after calling backward.'

/** Whether operations are recorded. Asynchronous callbacks of `noGrad` keep it until they settle. */
let gradEnabled = true
export const isGradEnabled = (): boolean => gradEnabled
/** Sets the mode and returns the one before. */
export function setGradEnabled(enabled: boolean): boolean {
  const before = gradEnabled
  gradEnabled = enabled
  return before
}

/** Ends a path of the graph: what arrives is added to the leaf's `grad`. The engine does it. */
export class AccumulateGrad extends Node {
  readonly name = 'AccumulateGrad'
  constructor(readonly variable: Tensor) {
    super()
    this.outputs = [{ shape: variable.layout.shape, dtype: variable.dtype }]
  }
  override backward(): never {
    throw new Error('AccumulateGrad is run by the engine')
  }
}

/** Where the gradient of this tensor flows, or null where it needs none. */
export function edgeOf(tensor: Tensor): Edge | null {
  if (tensor.node !== null) return { node: tensor.gradFn!, index: tensor.outputIndex }
  if (!tensor.leafRequiresGrad) return null
  const meta = metaOf(tensor)
  meta.accumulator ??= new AccumulateGrad(tensor)
  return { node: meta.accumulator, index: 0 }
}

/** Makes `output` the result of `node`, as its next output. */
export function setHistory(output: Tensor, node: Node): void {
  output.node = node
  output.outputIndex = node.outputs.length
  output.leafRequiresGrad = false
  node.outputs.push({ shape: output.layout.shape, dtype: output.dtype })
}
