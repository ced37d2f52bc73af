/** Backward: walks the recorded graph from the outputs, later nodes first, and gives every node its gradient once. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { isComplex, isFloatingPoint, itemSize } from '../core/dtype.js'
import {
  AccumulateGrad,
  type Edge,
  edgeOf,
  forwardCallOf,
  type GradientHook,
  isAnomalyEnabled,
  type Node,
  type NodeHooks,
  type NodeTask,
  setGradEnabled,
} from '../core/graph.js'
import { sameShape, showShape } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { add } from '../ops/arithmetic.js'
import { to } from '../ops/cast.js'
import { ne } from '../ops/comparison.js'
import { copyOf, filled } from '../ops/copy.js'
import { real } from '../ops/parts.js'
import { any, sumTo } from '../ops/reduce.js'
import { retainGrad } from './leaf.js'

export interface BackwardOptions {
  /** Keep what was saved, so that backward can run again; as `createGraph` unless given. */
  retainGraph?: boolean
  /** Record backward itself, for higher derivatives. */
  createGraph?: boolean
  /** Accumulate only into these tensors; those that are no leaves keep their gradient as after `retainGrad`. */
  inputs?: readonly Tensor[] | Tensor
}

/** The nodes a walk reaches, each knowing how many gradients it waits for. */
function discover(roots: readonly Edge[], run: object): NodeTask[] {
  const tasks: NodeTask[] = []
  const visit = (node: Node): NodeTask => {
    const known = node.task
    if (known !== null && known.run === run) return known
    const task = { node, run, outer: known, waiting: 0, gradients: null, needed: true, captures: null }
    node.task = task
    tasks.push(task)
    return task
  }
  for (const { node } of roots) visit(node)
  for (let at = 0; at < tasks.length; at++) for (const edge of tasks[at].node.edges) if (edge !== null) visit(edge.node).waiting++
  return tasks
}

/** Leaves only the nodes needed that lie on a way to a target. */
function restrict(tasks: readonly NodeTask[], targets: readonly Node[], run: object): void {
  const sources = new Map<Node, NodeTask[]>()
  for (const task of tasks) {
    task.needed = false
    for (const edge of task.node.edges) {
      if (edge === null) continue
      const known = sources.get(edge.node)
      if (known === undefined) sources.set(edge.node, [task])
      else known.push(task)
    }
  }
  const stack = targets.flatMap((node) => (node.task?.run === run ? [node.task] : []))
  for (let task = stack.pop(); task !== undefined; task = stack.pop()) {
    if (task.needed) continue
    task.needed = true
    stack.push(...(sources.get(task.node) ?? []))
  }
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

export interface RunOptions {
  readonly retainGraph: boolean
  readonly createGraph: boolean
  /** Gradients asked for as results: nothing is accumulated. */
  readonly capture?: readonly Edge[]
  /** Go only where these lie on the way. */
  readonly targets?: readonly Node[]
}

/** One run of backward. */
class Run {
  readonly #retainGraph: boolean
  readonly #createGraph: boolean
  readonly #queue = new ReadyQueue()
  readonly #results: (Tensor | null)[]
  readonly #captures: readonly Edge[] | undefined
  readonly #targets: readonly Node[] | undefined

  constructor({ retainGraph, createGraph, capture, targets }: RunOptions) {
    this.#retainGraph = retainGraph
    this.#createGraph = createGraph
    this.#captures = capture
    this.#targets = capture?.map((edge) => edge.node) ?? targets
    this.#results = capture?.map(() => null) ?? []
  }

  execute(outputs: readonly Tensor[], seeds: readonly (Tensor | null)[]): (Tensor | null)[] {
    const roots = outputs.map((t) => edgeOf(t)!)
    const tasks = discover(roots, this)
    const mode = setGradEnabled(this.#createGraph)
    try {
      if (this.#targets !== undefined) restrict(tasks, this.#targets, this)
      this.#captures?.forEach(({ node, index }, result) => {
        if (node.task?.run !== this) return
        node.task.captures ??= []
        node.task.captures.push({ result, output: index })
      })
      roots.forEach(({ node, index }, i) => {
        const seed = seeds[i] ?? filled(outputs[i], outputs[i].layout.shape, 1)
        this.#deposit(node.task!, index, seed, seeds[i] !== null)
      })
      for (const node of new Set(roots.map((edge) => edge.node)))
        if (node.task!.needed && node.task!.waiting === 0) this.#queue.push(node)
      for (let node = this.#queue.pop(); node !== undefined; node = this.#queue.pop()) this.#visit(node)
    } finally {
      setGradEnabled(mode)
      for (const { node, outer } of tasks) node.task = outer
    }
    return this.#results
  }

  /** Runs a node whose gradients have all arrived. */
  #visit(node: Node): void {
    const task = node.task!
    const incoming = task.gradients ?? new Array<Tensor | null>(node.outputs.length).fill(null)
    task.gradients = null
    if (node instanceof AccumulateGrad) this.#runGradientHooks(node.variable.meta?.hooks, incoming, 0)
    if (node.hooks !== null) this.#runOutputHooks(node.hooks, incoming)
    if (task.captures !== null)
      for (const { result, output } of task.captures) {
        const gradient = incoming[output]
        if (gradient !== null) gradient.storage.escape()
        this.#results[result] = gradient
      }
    if (node.hooks !== null && (task.captures === null || this.#leadsOn(node)))
      for (const hook of node.hooks.before) this.#replace(incoming, hook(escaped(incoming)), hook, true)
    if (node instanceof AccumulateGrad) {
      if (this.#captures === undefined) this.#accumulate(node, incoming)
    } else if (this.#targets === undefined || this.#leadsOn(node)) this.#pass(node, incoming)
    for (const gradient of incoming) if (gradient !== null) gradient.storage.drop()
  }

  /** Whether something asked for lies beyond this node. */
  #leadsOn(node: Node): boolean {
    return node.edges.some((edge) => edge !== null && edge.node.task!.needed)
  }

  /** Computes the gradients of a node's inputs and hands them on. */
  #pass(node: Node, incoming: (Tensor | null)[]): void {
    const { runsUserCode, edges } = node
    if (runsUserCode) escaped(incoming)
    const outgoing = isAnomalyEnabled() ? this.#computeWatched(node, incoming) : this.#compute(node, incoming)
    if (!this.#retainGraph) node.release()
    for (let i = 0; i < edges.length; i++) {
      const edge = edges[i]
      if (edge === null) continue
      const task = edge.node.task!
      if (!task.needed) continue
      const gradient = outgoing[i] ?? null
      if (gradient !== null) this.#deposit(task, edge.index, fit(gradient, edge, i, node), runsUserCode)
      if (--task.waiting === 0) this.#queue.push(edge.node)
    }
  }

  #compute(node: Node, incoming: (Tensor | null)[]): (Tensor | null)[] {
    const outgoing =
      node.runsUserCode || incoming.some((g) => g !== null) ? node.backward(incoming) : new Array(node.edges.length).fill(null)
    if (node.hooks === null || node.hooks.after.size === 0) return outgoing
    const replaceable = [...outgoing]
    for (const hook of node.hooks.after) this.#replace(replaceable, hook(escaped(replaceable), escaped(incoming)), hook, false)
    return replaceable
  }

  /** In anomaly mode: an error, a NaN among the results included, shows the call that recorded the node. */
  #computeWatched(node: Node, incoming: (Tensor | null)[]): (Tensor | null)[] {
    try {
      const outgoing = this.#compute(node, incoming)
      outgoing.forEach((gradient, i) => {
        if (gradient !== null && hasNaN(gradient))
          throw new Error(`Function '${node.name}' returned nan values in its ${i}th output.`)
      })
      return outgoing
    } catch (error) {
      if (error instanceof Error)
        error.message += `\nError detected in ${node.name}. ${
          forwardCallOf(node) === undefined
            ? 'No forward pass information available. Enable detect anomaly during forward pass for more information.'
            : `Traceback of forward call that caused the error:\n${forwardCallOf(node)}`
        }`
      throw error
    }
  }

  /** Adds a gradient to what an output of a node has received so far. */
  #deposit(task: NodeTask, index: number, gradient: Tensor, seen: boolean): void {
    if (seen || this.#createGraph) gradient.storage.escape()
    gradient.storage.retain()
    const { outputs } = task.node
    task.gradients ??= outputs.length === 1 ? [null] : new Array<Tensor | null>(outputs.length).fill(null)
    const buffer = task.gradients
    const before = buffer[index]
    if (before === null) {
      buffer[index] = gradient
      return
    }
    if (!this.#createGraph && before.storage.hasSoleHolder && before.layout.isDense && !before.requiresGrad) {
      add.inPlace(before, gradient)
      gradient.storage.drop()
      return
    }
    const total = add(before, gradient)
    if (this.#createGraph) total.storage.escape()
    total.storage.retain()
    before.storage.drop()
    gradient.storage.drop()
    buffer[index] = total
  }

  #accumulate(node: AccumulateGrad, incoming: (Tensor | null)[]): void {
    const { variable } = node
    const [gradient] = incoming
    if (gradient === null) return
    const before = variable.gradient
    if (this.#createGraph) variable.grad = before === null ? gradient : add(before, gradient)
    else if (before !== null) add.inPlace(before, gradient)
    else {
      // Taken over where nobody else can see it, copied otherwise. The leaf is its holder now.
      const isOurs =
        gradient.storage.hasSoleHolder &&
        gradient.layout.isDense &&
        gradient.storage.byteLength === gradient.layout.numel * itemSize(gradient.dtype)
      variable.gradient = isOurs ? gradient : copyOf(gradient)
      variable.gradient.storage.retain()
    }
    if (node.hooks !== null) for (const hook of node.hooks.after) hook([], escaped(incoming))
    const { meta } = variable
    if (meta?.accumulateHooks) for (const hook of meta.accumulateHooks) hook(variable)
  }

  /** The hooks of tensors: first those that see the gradient, then the tensors that keep it. */
  #runOutputHooks({ outputs, retained }: NodeHooks, incoming: (Tensor | null)[]): void {
    for (const [index, hooks] of outputs) this.#runGradientHooks(hooks, incoming, index)
    for (const [index, tensor] of retained) {
      const gradient = incoming[index]
      if (gradient === null) continue
      const kept = this.#createGraph ? gradient : copyOf(gradient)
      tensor.grad = tensor.grad === null ? kept : add(tensor.grad, gradient)
    }
  }

  #runGradientHooks(hooks: ReadonlySet<GradientHook> | null | undefined, incoming: (Tensor | null)[], index: number): void {
    if (!hooks) return
    for (const hook of hooks) {
      const gradient = incoming[index]
      if (gradient === null) return
      gradient.storage.escape()
      const replaced = hook(gradient)
      if (!(replaced instanceof Tensor) || replaced === gradient) continue
      if (!sameShape(replaced.layout.shape, gradient.layout.shape))
        throw new Error(`hook '${hook.name}' has changed the size of value`)
      replaced.storage.escape()
      replaced.storage.retain()
      gradient.storage.drop()
      incoming[index] = replaced
    }
  }

  /** Puts what a node's hook returned in the place of the gradients it saw. */
  #replace(values: (Tensor | null)[], returned: unknown, hook: { readonly name: string }, counted: boolean): void {
    if (returned === undefined || returned === null) return
    const given = (returned instanceof Tensor ? [returned] : returned) as readonly (Tensor | null | undefined)[]
    if (given.length !== values.length)
      throw new Error(
        `hook '${hook.name}' has returned an incorrect number of values (got ${given.length}, but expected ${values.length})`,
      )
    for (const [i, value] of escaped(given.map((t) => t ?? null)).entries()) {
      if (counted && value !== null) value.storage.retain()
      values[i] = value
    }
  }
}

/** Marks gradients that the user gets to see. */
function escaped(gradients: (Tensor | null)[]): (Tensor | null)[] {
  for (const gradient of gradients) if (gradient !== null) gradient.storage.escape()
  return gradients
}

const hasNaN = (t: Tensor): boolean => any(ne(t, t)).item<boolean>()

/** Un-broadcasts and casts a gradient to what its receiver expects: done once here for all ops. */
function fit(gradient: Tensor, { node, index }: Edge, input: number, from: Node): Tensor {
  const { shape, dtype } = node.outputs[index]
  let fitted = gradient
  if (gradient.layout.shape !== shape && !sameShape(gradient.layout.shape, shape)) {
    if (!broadcastsTo(shape, gradient.layout.shape))
      throw new Error(
        `Function ${from.name} returned an invalid gradient at index ${input} - got ${showShape(gradient.layout.shape)} but ` +
          `expected shape compatible with ${showShape(shape)}`,
      )
    fitted = sumTo(gradient, shape)
  }
  if (fitted.dtype === dtype) return fitted
  return to(isComplex(dtype) ? fitted : real(fitted), dtype)
}

/** Whether a tensor of `shape` broadcasts to `target`. */
function broadcastsTo(shape: readonly number[], target: readonly number[]): boolean {
  const lead = target.length - shape.length
  return lead >= 0 && shape.every((size, d) => size === 1 || size === target[d + lead])
}

function checkSeed(output: Tensor, gradient: Tensor | null, i: number): void {
  if (!output.requiresGrad) throw new Error(`element ${i} of tensors does not require grad and does not have a grad_fn`)
  if (gradient === null) {
    if (output.layout.numel !== 1) throw new Error('grad can be implicitly created only for scalar outputs')
    if (!isFloatingPoint(output.dtype)) throw new Error('grad can be implicitly created only for real scalar outputs')
  } else if (!sameShape(gradient.layout.shape, output.layout.shape))
    throw new Error(
      `Mismatch in shape: grad_output[${i}] has a shape of ${showShape(gradient.layout.shape)} and output[${i}] has a shape of ${showShape(output.layout.shape)}.`,
    )
}

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
export function backward(self: Tensor, ...args: BackwardArguments): void {
  const names = ['gradient', 'retainGraph', 'createGraph', 'inputs'] as const
  const { gradient = null, ...options } = readArguments<BackwardOptions & { gradient?: Tensor | null }>('backward', args, names)
  backwardFrom(self, gradient, options)
}
type BackwardArguments = Arguments<
  [gradient: Tensor | null, retainGraph: boolean, createGraph: boolean],
  BackwardOptions & { gradient?: Tensor | null }
>

/**
 * The gradients of the sum of several tensors, added to the `grad` of the leaves they were made from, as
 * `torch.autograd.backward`. `gradTensors` are the gradients to start from, one per tensor; ones for scalars unless given.
 *
 * @example
 * const x = torch.tensor([1, 2], { requiresGrad: true })
 * autograd.backward([x.sum(), x.mul(2)], [null, torch.ones(2)])
 * x.grad // tensor([3., 3.])
 */
export function backwardFrom(
  tensors: Tensor | readonly Tensor[],
  ...args: Arguments<[gradTensors: Seeds, retainGraph: boolean, createGraph: boolean], BackwardOptions & { gradTensors?: Seeds }>
): void {
  const names = ['gradTensors', 'retainGraph', 'createGraph'] as const
  const given = readArguments<BackwardOptions & { gradTensors?: Seeds }>('backward', args, names, ['inputs'])
  const { gradTensors = null, ...options } = given
  const outputs = tensors instanceof Tensor ? [tensors] : tensors
  const seeds = gradTensors instanceof Tensor ? [gradTensors] : (gradTensors ?? outputs.map(() => null))
  if (seeds.length !== outputs.length) throw new Error(`got ${outputs.length} tensors and ${seeds.length} gradients`)
  outputs.forEach((output, i) => {
    checkSeed(output, seeds[i], i)
  })
  const { createGraph = false, retainGraph = createGraph } = options
  const inputs = options.inputs instanceof Tensor ? [options.inputs] : options.inputs
  if (inputs?.length === 0) throw new Error("'inputs' argument to backward() cannot be empty.")
  inputs?.forEach(retainGrad)
  const targets = inputs?.map((t) => edgeOf(t)!.node)
  new Run({ retainGraph, createGraph, targets }).execute(outputs, seeds)
}

/** Gradients to start from, one per tensor; null is ones, for a scalar. */
export type Seeds = readonly (Tensor | null)[] | Tensor | null
export interface GradOptions {
  /** What to start from, one per output; ones for scalars unless given. */
  gradOutputs?: Seeds
  retainGraph?: boolean
  createGraph?: boolean
  /** Answer null for an input the outputs do not depend on, instead of raising an error. */
  allowUnused?: boolean
  /** Answer zeros for such an input. */
  materializeGrads?: boolean
  /** Not implemented: differentiate once per gradient instead. */
  isGradsBatched?: false
}

/**
 * The gradients of outputs with respect to inputs, as results: nothing is accumulated, as `torch.autograd.grad`.
 *
 * @example
 * const x = torch.tensor(3, { requiresGrad: true })
 * const [dx] = autograd.grad(x.pow(3), x, { createGraph: true })
 * dx.item() // 27
 * const [ddx] = autograd.grad(dx, x)
 * ddx.item() // 18
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  ...args: Arguments<[gradOutputs: Seeds, retainGraph: boolean, createGraph: boolean], GradOptions>
): (Tensor | null)[] {
  const positional = ['gradOutputs', 'retainGraph', 'createGraph'] as const
  const named = ['allowUnused', 'materializeGrads', 'isGradsBatched'] as const
  const options = readArguments<GradOptions>('grad', args, positional, named)
  const outs = outputs instanceof Tensor ? [outputs] : outputs
  const ins = inputs instanceof Tensor ? [inputs] : inputs
  const { createGraph = false, retainGraph = createGraph, materializeGrads = false } = options
  const { allowUnused = materializeGrads } = options
  if (options.isGradsBatched) throw new Error('not implemented: autograd.grad with isGradsBatched')
  const seeds = options.gradOutputs instanceof Tensor ? [options.gradOutputs] : (options.gradOutputs ?? outs.map(() => null))
  if (seeds.length !== outs.length) throw new Error(`got ${outs.length} tensors and ${seeds.length} gradients`)
  outs.forEach((out, i) => {
    checkSeed(out, seeds[i], i)
  })
  for (const input of ins) if (!input.requiresGrad) throw new Error('One of the differentiated Tensors does not require grad')
  const capture = ins.map((t) => edgeOf(t)!)
  const results = new Run({ retainGraph, createGraph, capture }).execute(outs, seeds)
  if (!allowUnused && results.includes(null))
    throw new Error(
      'One of the differentiated Tensors appears to not have been used in the graph. Set allowUnused: true if this is the desired behavior.',
    )
  return materializeGrads ? results.map((g, i) => g ?? filled(ins[i], ins[i].layout.shape, 0)) : results
}
