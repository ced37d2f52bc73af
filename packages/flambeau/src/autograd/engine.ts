/** Backward: walks the recorded graph from the outputs, later nodes first, and gives every node its gradient once. */

import { isFloatingPoint, itemSize } from '../core/dtype.js'
import { AccumulateGrad, type Edge, edgeOf, type Node, setGradEnabled } from '../core/graph.js'
import { sameShape, showShape } from '../core/layout.js'
import type { Storage } from '../core/storage.js'
import { Tensor } from '../core/tensor.js'
import { add } from '../ops/arithmetic.js'
import { to } from '../ops/cast.js'
import { copyOf, filled } from '../ops/copy.js'
import { sumTo } from '../ops/reduce.js'

export interface BackwardOptions {
  /** Keep what was saved, so that backward can run again; as `createGraph` unless given. */
  retainGraph?: boolean
  /** Record backward itself, for higher derivatives. */
  createGraph?: boolean
  /** Accumulate only into these tensors. */
  inputs?: readonly Tensor[] | Tensor
}

/** Which nodes a walk reaches, and how many gradients each waits for. */
function dependencies(roots: readonly Edge[]): Map<Node, number> {
  const waiting = new Map<Node, number>()
  const seen = new Set(roots.map((edge) => edge.node))
  const stack = [...seen]
  for (const node of stack) waiting.set(node, 0)
  while (stack.length > 0) {
    for (const edge of stack.pop()!.edges) {
      if (edge === null) continue
      waiting.set(edge.node, (waiting.get(edge.node) ?? 0) + 1)
      if (!seen.has(edge.node)) {
        seen.add(edge.node)
        stack.push(edge.node)
      }
    }
  }
  return waiting
}

/** Nodes that are ready, the latest one first: a binary heap on the sequence number. */
class ReadyQueue {
  readonly #heap: Node[] = []

  push(node: Node): void {
    const heap = this.#heap
    let at = heap.push(node) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (heap[parent].sequence >= node.sequence) break
      heap[at] = heap[parent]
      at = parent
    }
    heap[at] = node
  }

  pop(): Node | undefined {
    const heap = this.#heap
    const top = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return top
    let at = 0
    while (true) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1].sequence > heap[child].sequence) child++
      if (heap[child].sequence <= last.sequence) break
      heap[at] = heap[child]
      at = child
    }
    heap[at] = last
    return top
  }
}

/**
 * Counts who still needs each gradient's memory, so that it can be given back the moment nobody does. Only memory that
 * the engine itself caused to be made counts; whatever a user may have seen has escaped and is left alone.
 */
class Ownership {
  readonly #counts = new Map<Storage, number>()
  readonly #escaped = new Set<Storage>()

  retain(t: Tensor): void {
    const { storage } = t
    this.#counts.set(storage, (this.#counts.get(storage) ?? 0) + 1)
  }
  escape(t: Tensor): void {
    this.#escaped.add(t.storage)
  }
  /** Whether this is the only holder, so that its memory may be overwritten or kept. */
  isSole(t: Tensor): boolean {
    return this.#counts.get(t.storage) === 1 && !this.#escaped.has(t.storage)
  }
  drop(t: Tensor): void {
    const { storage } = t
    const left = (this.#counts.get(storage) ?? 0) - 1
    if (left > 0) {
      this.#counts.set(storage, left)
      return
    }
    this.#counts.delete(storage)
    if (!this.#escaped.delete(storage)) storage.release()
  }
}

/** One run of backward. `capture` asks for gradients as results instead of accumulating them. */
export function runBackward(
  outputs: readonly Tensor[],
  gradients: readonly (Tensor | null)[],
  options: {
    retainGraph: boolean
    createGraph: boolean
    capture: readonly Edge[] | null
    accumulateInto: ReadonlySet<Node> | null
  },
): (Tensor | null)[] {
  const { retainGraph, createGraph, capture, accumulateInto } = options
  const owned = new Ownership()
  const roots = outputs.map((t) => edgeOf(t)!)
  const waiting = dependencies(roots)
  const buffers = new Map<Node, (Tensor | null)[]>()
  const queue = new ReadyQueue()
  const results: (Tensor | null)[] = capture === null ? [] : capture.map(() => null)
  const mode = setGradEnabled(createGraph)
  try {
    const queued = new Set<Node>()
    roots.forEach(({ node, index }, i) => {
      const seed = gradients[i] ?? filled(outputs[i], outputs[i].layout.shape, 1)
      deposit(node, index, seed, gradients[i] !== null || createGraph)
      if (waiting.get(node) === 0 && !queued.has(node)) {
        queued.add(node)
        queue.push(node)
      }
    })
    for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
      const incoming = buffers.get(node) ?? new Array<Tensor | null>(node.outputs.length).fill(null)
      buffers.delete(node)
      runHooks(node, incoming)
      capture?.forEach((edge, i) => {
        if (edge.node !== node) return
        const gradient = incoming[edge.index]
        if (gradient !== null) owned.escape(gradient)
        results[i] = gradient
      })
      if (node instanceof AccumulateGrad) {
        if (capture === null && (accumulateInto === null || accumulateInto.has(node))) accumulate(node.variable, incoming[0])
        else if (incoming[0] !== null) owned.drop(incoming[0])
        continue
      }
      const outgoing = incoming.some((g) => g !== null) ? node.backward(incoming) : node.edges.map(() => null)
      if (!retainGraph) node.release()
      node.edges.forEach((edge, i) => {
        if (edge === null) return
        const gradient = outgoing[i] ?? null
        if (gradient !== null) deposit(edge.node, edge.index, fit(gradient, edge, node), createGraph)
        const left = waiting.get(edge.node)! - 1
        waiting.set(edge.node, left)
        if (left === 0) queue.push(edge.node)
      })
      for (const gradient of incoming) if (gradient !== null) owned.drop(gradient)
    }
  } finally {
    setGradEnabled(mode)
  }
  return results

  /** Adds a gradient to what an output of a node has received so far. */
  function deposit(node: Node, index: number, gradient: Tensor, escaped: boolean): void {
    let buffer = buffers.get(node)
    if (buffer === undefined) {
      buffer = new Array<Tensor | null>(node.outputs.length).fill(null)
      buffers.set(node, buffer)
    }
    if (escaped) owned.escape(gradient)
    owned.retain(gradient)
    const before = buffer[index]
    if (before === null) {
      buffer[index] = gradient
      return
    }
    if (!createGraph && owned.isSole(before) && before.layout.isDense && !before.requiresGrad) {
      add.inPlace(before, gradient)
      owned.drop(gradient)
      return
    }
    const total = add(before, gradient)
    if (createGraph) owned.escape(total)
    owned.retain(total)
    owned.drop(before)
    owned.drop(gradient)
    buffer[index] = total
  }

  /** Un-broadcasts and casts a gradient to what its receiver expects: done once here for all ops. */
  function fit(gradient: Tensor, { node, index }: Edge, from: Node): Tensor {
    const { shape, dtype } = node.outputs[index]
    let fitted = gradient
    if (!sameShape(gradient.layout.shape, shape)) {
      if (!broadcastsTo(shape, gradient.layout.shape))
        throw new Error(
          `Function ${from.name} returned an invalid gradient at index ${from.edges.findIndex((e) => e?.node === node)} - got ` +
            `${showShape(gradient.layout.shape)} but expected shape compatible with ${showShape(shape)}`,
        )
      fitted = sumTo(gradient, shape)
    }
    return fitted.dtype === dtype ? fitted : to(fitted, dtype)
  }

  function runHooks(node: Node, incoming: (Tensor | null)[]): void {
    const hooks = node instanceof AccumulateGrad ? leafHooks(node) : node.hooks
    hooks?.forEach((callbacks, index) => {
      for (const hook of callbacks) {
        const gradient = incoming[index]
        if (gradient === null) continue
        owned.escape(gradient)
        const replaced = hook(gradient)
        if (replaced instanceof Tensor && replaced !== gradient) {
          if (!sameShape(replaced.layout.shape, gradient.layout.shape))
            throw new Error(`hook '${hook.name}' has changed the size of value`)
          owned.escape(replaced)
          owned.retain(replaced)
          owned.drop(gradient)
          incoming[index] = replaced
        }
      }
    })
    node.retained?.forEach((tensor, index) => {
      const gradient = incoming[index]
      if (gradient === null) return
      owned.escape(gradient)
      tensor.grad = tensor.grad === null ? gradient : add(tensor.grad, gradient)
    })
  }

  function accumulate(variable: Tensor, gradient: Tensor | null): void {
    if (gradient === null) return
    if (variable.grad === null) {
      // Taken over where nobody else can see it, copied otherwise.
      if (createGraph) variable.grad = gradient
      else if (
        owned.isSole(gradient) &&
        gradient.layout.isDense &&
        gradient.storage.byteLength === gradient.layout.numel * itemSize(gradient.dtype)
      ) {
        owned.escape(gradient)
        variable.grad = gradient
      } else variable.grad = copyOf(gradient)
    } else if (createGraph) variable.grad = add(variable.grad, gradient)
    else add.inPlace(variable.grad, gradient)
    owned.drop(gradient)
  }
}

function leafHooks(node: AccumulateGrad): Node['hooks'] {
  const hooks = node.variable.meta?.hooks
  return hooks ? new Map([[0, hooks]]) : null
}

/** Whether a tensor of `shape` broadcasts to `target`. */
function broadcastsTo(shape: readonly number[], target: readonly number[]): boolean {
  const lead = target.length - shape.length
  return lead >= 0 && shape.every((size, d) => size === 1 || size === target[d + lead])
}

function checkSeed(output: Tensor, gradient: Tensor | null): void {
  if (!output.requiresGrad) throw new Error('element 0 of tensors does not require grad and does not have a grad_fn')
  if (gradient === null) {
    if (output.layout.numel !== 1) throw new Error('grad can be implicitly created only for scalar outputs')
    if (!isFloatingPoint(output.dtype)) throw new Error('grad can be implicitly created only for real scalar outputs')
  } else if (!sameShape(gradient.layout.shape, output.layout.shape))
    throw new Error(
      `Mismatch in shape: grad_output[0] has a shape of ${showShape(gradient.layout.shape)} and output[0] has a shape of ${showShape(output.layout.shape)}.`,
    )
}

const isOptions = (value: unknown): value is BackwardOptions =>
  typeof value === 'object' && value !== null && !(value instanceof Tensor)

/**
 * Computes the gradients of this tensor with respect to the leaves it was made from, and adds them to their `grad`, as
 * `torch.Tensor.backward`. A tensor with more than one element needs the gradient to start from.
 *
 * @throws Error where the tensor requires no gradient, or the graph was already freed.
 * @example
 * const x = torch.tensor([1, 2, 3], { requiresGrad: true })
 * x.mul(x).sum().backward()
 * x.grad // tensor([2., 4., 6.])
 */
export function backward(self: Tensor, gradient?: Tensor | null | BackwardOptions, options: BackwardOptions = {}): void {
  const named = isOptions(gradient) ? gradient : options
  const seed = isOptions(gradient) ? null : (gradient ?? null)
  checkSeed(self, seed)
  const { createGraph = false, retainGraph = createGraph } = named
  const inputs = named.inputs === undefined ? null : named.inputs instanceof Tensor ? [named.inputs] : named.inputs
  if (inputs !== null) {
    if (inputs.length === 0) throw new Error("'inputs' argument to backward() cannot be empty.")
    for (const input of inputs) {
      if (!input.requiresGrad) throw new Error('One of the differentiated Tensors does not require grad')
      if (!input.isLeaf) throw new Error('not implemented: backward with inputs that are not leaves')
    }
  }
  const only = inputs === null ? null : new Set(inputs.map((t) => edgeOf(t)!.node))
  runBackward([self], [seed], { retainGraph, createGraph, capture: null, accumulateInto: only })
}

export interface GradOptions {
  /** What to start from, one per output; ones for scalars unless given. */
  gradOutputs?: readonly (Tensor | null)[] | Tensor | null
  retainGraph?: boolean
  createGraph?: boolean
  /** Answer null for an input the outputs do not depend on, instead of raising an error. */
  allowUnused?: boolean
}

/**
 * The gradients of outputs with respect to inputs, as results: nothing is accumulated, as `torch.autograd.grad`.
 *
 * @example
 * const x = torch.tensor(3, { requiresGrad: true })
 * const [dx] = autograd.grad(x.pow(3), x, { createGraph: true }) // 27
 * const [ddx] = autograd.grad(dx, x) // 18
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: GradOptions = {},
): (Tensor | null)[] {
  const outs = outputs instanceof Tensor ? [outputs] : outputs
  const ins = inputs instanceof Tensor ? [inputs] : inputs
  const { createGraph = false, retainGraph = createGraph, allowUnused = false } = options
  const seeds = options.gradOutputs instanceof Tensor ? [options.gradOutputs] : (options.gradOutputs ?? outs.map(() => null))
  if (seeds.length !== outs.length) throw new Error(`got ${outs.length} tensors and ${seeds.length} gradients`)
  outs.forEach((out, i) => {
    checkSeed(out, seeds[i])
  })
  for (const input of ins) if (!input.requiresGrad) throw new Error('One of the differentiated Tensors does not require grad')
  const capture = ins.map((t) => edgeOf(t)!)
  const results = runBackward(outs, seeds, { retainGraph, createGraph, capture, accumulateInto: null })
  if (!allowUnused && results.includes(null))
    throw new Error(
      'One of the differentiated Tensors appears to not have been used in the graph. Set allowUnused: true if this is the desired behavior.',
    )
  return results
}
