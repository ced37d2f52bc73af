/**
 * The recorded graph as data: nodes, edges, saved tensors and the grad mode. Ops add to it; autograd/ walks it.
 */

import { scalarName } from './dtype.js'
import type { Shape } from './layout.js'
import { metaOf, Tensor } from './tensor.js'

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

/** Sees the gradient of a tensor; what it returns takes the gradient's place. */
export type GradientHook = (gradient: Tensor) => Tensor | null | undefined
type Gradients = readonly (Tensor | null)[]
/** Sees the gradients of a node's outputs before the node runs; what it returns takes their place. */
export type NodePrehook = (gradOutputs: Gradients) => Gradients | null | undefined
/** Sees the gradients a node has computed for its inputs; what it returns takes their place. */
export type NodeHook = (gradInputs: Gradients, gradOutputs: Gradients) => Gradients | null | undefined

/** What only few nodes have: kept apart so that the others stay small. */
export interface NodeHooks {
  /** On the gradient of an output, by output index. */
  readonly outputs: Map<number, Set<GradientHook>>
  /** Tensors that asked to keep their gradient (`retainGrad`), by output index. */
  readonly retained: Map<number, Tensor>
  readonly before: Set<NodePrehook>
  readonly after: Set<NodeHook>
}

/** A node in one run of backward. */
export interface NodeTask {
  readonly node: Node
  readonly run: object
  /** That of the run which this one interrupts, if that one walks the node too. */
  readonly outer: NodeTask | null
  /** Edges whose gradients have not arrived yet. */
  waiting: number
  /** What has arrived, by output. */
  gradients: (Tensor | null)[] | null
  /** Whether a gradient that is asked for lies here or further on. */
  needed: boolean
  /** Which results the gradients that arrive here are. */
  captures: { readonly result: number; readonly output: number }[] | null
}

/** Anomaly mode: whether nodes remember the call that made them. */
let remembersCalls = false
/**
 * Whether anomaly mode is on, as `torch.is_anomaly_enabled`.
 *
 * @example
 * autograd.isAnomalyEnabled() // false
 */
export const isAnomalyEnabled = (): boolean => remembersCalls
/** Sets the mode and returns the one before. */
export function setAnomalyEnabled(enabled: boolean): boolean {
  const before = remembersCalls
  remembersCalls = enabled
  return before
}
const calls = new WeakMap<Node, string>()
/** The stack of this call, deep enough to leave the library and the modules of a model. */
function presentStack(): string {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 100
  const { stack = '' } = new Error('')
  Error.stackTraceLimit = stackTraceLimit
  return stack.replace(/^Error.*\n/, '')
}
/** The stack of the call that recorded a node in anomaly mode. */
export const forwardCallOf = (node: Node): string | undefined => calls.get(node)

/** Shared by all nodes that have none (yet). */
const none: readonly never[] = []

/**
 * One recorded operation: turns gradients of its outputs into gradients of its inputs.
 *
 * @example
 * torch.ones(2, { requiresGrad: true }).mul(2).gradFn instanceof autograd.graph.Node // true
 */
export abstract class Node {
  /** Creation order; backward runs later nodes first. */
  readonly sequence: number
  /** PyTorch's name, such as `AddBackward0`. */
  abstract readonly name: string
  /** One entry per input; null where the input needs no gradient. */
  edges: readonly (Edge | null)[] = none
  outputs: readonly OutputMeta[] = none
  /** @internal Made when a hook is first registered. */
  hooks: NodeHooks | null = null
  /** @internal What the innermost running backward knows of this node; a field, because it is read for every edge. */
  task: NodeTask | null = null

  constructor(sequence: number = nextSequence++) {
    this.sequence = sequence
    if (remembersCalls) calls.set(this, presentStack())
  }

  /** `gradients[i]` belongs to output i and is null where nothing flowed in; one result per edge. */
  abstract backward(gradients: (Tensor | null)[]): (Tensor | null)[]

  /** Drops what was saved for backward; a second backward then raises an error. */
  release(): void {}

  /** @internal Whether backward is code of the user, who may keep every gradient it sees. */
  get runsUserCode(): boolean {
    return false
  }

  /** The nodes this one passes gradients to, as PyTorch's `next_functions`. */
  get nextFunctions(): readonly (readonly [Node, number] | readonly [null, 0])[] {
    return this.edges.map((e) => (e === null ? ([null, 0] as const) : ([e.node, e.index] as const)))
  }

  /**
   * Calls a function after this node has run, with the gradients of its inputs and of its outputs, as
   * `torch.autograd.graph.Node.register_hook`. What it returns takes the place of the gradients of the inputs.
   *
   * @example
   * const y = torch.ones(2, { requiresGrad: true }).mul(3)
   * const handle = y.gradFn!.registerHook(([g]) => [g!.mul(2), null])
   */
  registerHook(hook: NodeHook): RemovableHandle {
    return register(hooksOf(this).after, hook)
  }

  /**
   * Calls a function before this node runs, with the gradients of its outputs, as
   * `torch.autograd.graph.Node.register_prehook`. What it returns takes their place.
   *
   * @example
   * const y = torch.ones(2, { requiresGrad: true }).mul(3)
   * const handle = y.gradFn!.registerPrehook(([g]) => [g!.mul(2)])
   */
  registerPrehook(hook: NodePrehook): RemovableHandle {
    return register(hooksOf(this).before, hook)
  }
}

/** @internal */
export function hooksOf(node: Node): NodeHooks {
  node.hooks ??= { outputs: new Map(), retained: new Map(), before: new Set(), after: new Set() }
  return node.hooks
}

/** @internal */
export function register<F>(hooks: Set<F>, hook: F): RemovableHandle {
  hooks.add(hook)
  return { remove: () => void hooks.delete(hook) }
}

/** How tensors saved for backward are stored instead of as they are. */
export interface SavedTensorsHooks {
  pack(tensor: Tensor): unknown
  unpack(packed: unknown): Tensor
}
let savedTensorsHooks: SavedTensorsHooks | null = null
/** Sets the hooks on tensors saved from now on and returns those before. */
export function setSavedTensorsHooks(hooks: SavedTensorsHooks | null): SavedTensorsHooks | null {
  const before = savedTensorsHooks
  savedTensorsHooks = hooks
  return before
}

/** What is kept of a saved tensor that hooks have packed. */
interface Packed {
  readonly value: unknown
  readonly hooks: SavedTensorsHooks
  readonly edge: Edge | null
}

/** A tensor kept for backward, with the version it had. */
export class SavedTensor {
  readonly #kept: Tensor | Packed
  readonly #version: number

  constructor(tensor: Tensor) {
    const { storage } = tensor
    if (storage.isInference)
      throw new Error(
        'Inference tensors cannot be saved for backward. To work around you can make a clone to get a normal tensor and use it in autograd.',
      )
    this.#version = storage.version
    this.#kept = savedTensorsHooks === null ? tensor : pack(tensor, savedTensorsHooks)
  }

  /** @throws Error in PyTorch's words where the tensor was changed in place since it was saved. */
  unpack(node: Node): Tensor {
    if (!(this.#kept instanceof Tensor)) return unpackWithHooks(this.#kept)
    const tensor = this.#kept
    const { storage, dtype, layout } = tensor
    if (storage.version !== this.#version) {
      const producer = tensor.gradFn
      const origin = producer ? `, which is output ${tensor.outputIndex} of ${producer.name},` : ''
      throw new Error(
        'one of the variables needed for gradient computation has been modified by an inplace operation: ' +
          `[torch.${scalarName(dtype)}Tensor [${layout.shape.join(', ')}]]${origin} is at version ${storage.version}; expected version ${this.#version} ` +
          `instead (needed by ${node.name}). Hint: ` +
          (forwardCallOf(node) === undefined
            ? 'enable anomaly detection to find the operation that failed to compute its gradient, with autograd.setDetectAnomaly(true).'
            : 'the backtrace further below shows the operation that failed to compute its gradient. The variable in question was ' +
              'changed in there or anywhere later. Good luck!'),
      )
    }
    return tensor
  }
}

function pack(tensor: Tensor, hooks: SavedTensorsHooks): Packed {
  const edge = edgeOf(tensor)
  const { version } = tensor.storage
  const mode = setGradEnabled(false)
  // What the hook itself saves is kept as it is.
  setSavedTensorsHooks(null)
  try {
    const value = hooks.pack(tensor)
    if (tensor.storage.version !== version)
      throw new Error(
        'A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook can not be modified by ' +
          'in-place operations as this can lead to unexpected side-effects.',
      )
    return { value, hooks, edge }
  } finally {
    setSavedTensorsHooks(hooks)
    setGradEnabled(mode)
  }
}

/** What the unpack hook gives, with the history of the tensor that was saved. */
function unpackWithHooks({ value, hooks, edge }: Packed): Tensor {
  const found = hooks.unpack(value)
  if (!(found instanceof Tensor))
    throw new TypeError(`Output of saved tensor unpack_hook expected to be a Tensor but got result of type ${typeof found}`)
  const tensor = new Tensor(found.storage, found.layout, found.dtype)
  if (edge === null) return tensor
  if (edge.node instanceof AccumulateGrad) {
    tensor.leafRequiresGrad = true
    metaOf(tensor).accumulator = edge.node
  } else {
    tensor.node = edge.node
    tensor.outputIndex = edge.index
  }
  return tensor
}

export const freedGraphMessage =
  'Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). ' +
  'Saved intermediate values of the graph are freed when you call backward() or autograd.grad(). Specify retainGraph: true if ' +
  'you need to backward through the graph a second time or if you need to access saved tensors after calling backward.'

/** Whether operations are recorded. Asynchronous callbacks of `noGrad` keep it until they settle. */
let gradEnabled = true
/**
 * Whether operations are recorded, as `torch.is_grad_enabled`.
 *
 * @example
 * torch.isGradEnabled() // true
 * torch.noGrad(() => torch.isGradEnabled()) // false
 */
export const isGradEnabled = (): boolean => gradEnabled
/** Sets the mode and returns the one before. */
export function setGradEnabled(enabled: boolean): boolean {
  const before = gradEnabled
  gradEnabled = enabled
  return before
}

/**
 * Ends a path of the graph: what arrives is added to the leaf's `grad`. The engine does it.
 *
 * @example
 * const x = torch.ones(2, { requiresGrad: true })
 * x.mul(2).gradFn.nextFunctions[0][0] instanceof autograd.graph.AccumulateGrad // true
 */
export class AccumulateGrad extends Node {
  readonly name = 'AccumulateGrad'
  constructor(readonly variable: Tensor) {
    // Runs as soon as it can, so that the gradient's memory is free the sooner.
    super(Number.POSITIVE_INFINITY)
    this.outputs = [{ shape: variable.layout.shape, dtype: variable.dtype }]
  }
  override backward(): never {
    throw new Error('AccumulateGrad is run by the engine')
  }
}

/** Where the gradient of this tensor flows, or null where it needs none. */
export function edgeOf(tensor: Tensor): Edge | null {
  if (!tensor.requiresGrad) return null
  const node = tensor.gradFn
  if (node !== null) return { node, index: tensor.outputIndex }
  const meta = metaOf(tensor)
  meta.accumulator ??= new AccumulateGrad(tensor)
  return { node: meta.accumulator, index: 0 }
}

/** Adds a further output to a node. */
export function addOutput(node: Node, { layout, dtype }: Tensor): void {
  const meta = { shape: layout.shape, dtype }
  // An array of one is smaller than one that has grown to one.
  if (node.outputs.length === 0) node.outputs = [meta]
  else (node.outputs as OutputMeta[]).push(meta)
}

/** Makes `output` the result of `node`, as its next output. */
export function setHistory(output: Tensor, node: Node): void {
  if (output.meta?.retainsGrad && output.node !== null) {
    output.node.hooks?.retained.delete(output.outputIndex)
    hooksOf(node).retained.set(node.outputs.length, output)
  }
  output.node = node
  output.outputIndex = node.outputs.length
  output.leafRequiresGrad = false
  addOutput(node, output)
}
