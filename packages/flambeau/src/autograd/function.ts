/** Operations whose backward the user writes. */

import type { Backend } from '../backends/backend.js'
import { isDifferentiable } from '../core/dtype.js'
import {
  addOutput,
  edgeOf,
  freedGraphMessage,
  isGradEnabled,
  Node,
  SavedTensor,
  setGradEnabled,
  setHistory,
} from '../core/graph.js'
import { Tensor } from '../core/tensor.js'
import { copyInto } from '../ops/copy.js'
import { emptyTensor, type Gradients, needsRecording, viewWriteError } from '../ops/dispatch.js'
import { rebaseHistory } from '../ops/inplace.js'
import { aliasOf, detach } from '../ops/view.js'

/** What the forward and the backward of one call share, as PyTorch's `ctx`. Anything may be kept on it. */
export class FunctionContext {
  // biome-ignore lint/suspicious/noExplicitAny: what users keep here is theirs to know
  [name: string]: any
  /** Of each argument, whether its gradient is wanted. */
  readonly needsInputGrad: readonly boolean[]
  /** @internal */ toSave: readonly (Tensor | null)[] = []
  /** @internal */ dirty: ReadonlySet<Tensor> = new Set()
  /** @internal */ nonDifferentiable: ReadonlySet<Tensor> = new Set()
  /** @internal */ materializesGrads = true
  /** @internal */ unpackSaved: (() => (Tensor | null)[]) | null = null

  constructor(needsInputGrad: readonly boolean[]) {
    this.needsInputGrad = needsInputGrad
  }

  /** Keeps tensors for backward, which finds them in `savedTensors`; at most once per forward. */
  saveForBackward(...tensors: (Tensor | null)[]): void {
    tensors.forEach((t, i) => {
      if (t !== null && !(t instanceof Tensor))
        throw new TypeError(`save_for_backward can only save variables, but argument ${i} is of type ${typeof t}`)
    })
    this.toSave = tensors
  }

  /** What `saveForBackward` kept. @throws Error where one was changed in place since, or the graph was freed. */
  get savedTensors(): Tensor[] {
    return (this.unpackSaved === null ? this.toSave : this.unpackSaved()) as Tensor[]
  }

  /** Names the inputs that forward has written in place; all of them must be returned. */
  markDirty(...tensors: Tensor[]): void {
    this.dirty = new Set(tensors)
  }

  /** Names the outputs that have no gradient; backward gets zeros for them. */
  markNonDifferentiable(...tensors: Tensor[]): void {
    this.nonDifferentiable = new Set(tensors)
  }

  /** Whether backward gets zeros (the default) or null for outputs into which no gradient flowed. */
  setMaterializeGrads(value: boolean): void {
    this.materializesGrads = value
  }
}

/** A class with static `forward` and `backward`, as `apply` takes it. */
interface FunctionClass<A extends unknown[], R> {
  readonly name: string
  forward(ctx: FunctionContext, ...args: A): R
  backward(ctx: FunctionContext, ...gradients: Tensor[]): unknown
}

class FunctionNode extends Node {
  readonly name: string
  readonly #function: FunctionClass<never, unknown>
  readonly #ctx: FunctionContext
  readonly #backend: Backend
  /** Of each argument, whether it is a tensor: only those have edges. */
  readonly #isTensor: readonly boolean[]
  /** Of each output, whether it is a tensor. */
  #outputIsTensor: readonly boolean[] = []
  #saved: (SavedTensor | null)[] | null = null

  constructor(fn: FunctionClass<never, unknown>, args: readonly unknown[], ctx: FunctionContext) {
    super()
    this.name = `${fn.name}Backward`
    this.#function = fn
    this.#ctx = ctx
    const tensors = args.filter((arg) => arg instanceof Tensor)
    this.#isTensor = args.map((arg) => arg instanceof Tensor)
    this.#backend = tensors[0].storage.allocator
    this.edges = tensors.map(edgeOf)
  }

  override get runsUserCode(): boolean {
    return true
  }

  /** After the outputs got their history, so that a saved output knows its node. */
  save(outputIsTensor: readonly boolean[]): void {
    this.#outputIsTensor = outputIsTensor
    this.#saved = this.#ctx.toSave.map((t) => t && new SavedTensor(t))
    this.#ctx.toSave = []
    this.#ctx.unpackSaved = () => {
      if (this.#saved === null) throw new Error(freedGraphMessage)
      return this.#saved.map((s) => s?.unpack(this) ?? null)
    }
  }

  override backward(gradients: Gradients): Gradients {
    const given = this.#ctx.materializesGrads ? gradients.map((g, i) => g ?? this.#zeros(i)) : gradients
    const returned = this.#function.backward(this.#ctx, ...(given as Tensor[]))
    const list: unknown[] = Array.isArray(returned) ? [...returned] : [returned]
    const expected = this.#isTensor.length
    while (list.length > expected && (list.at(-1) ?? null) === null) list.pop()
    if (list.length !== expected)
      throw new Error(
        `function ${this.name} returned an incorrect number of gradients (expected ${expected}, got ${list.length})`,
      )
    const results: Gradients = []
    list.forEach((value, i) => {
      const gradient = value ?? null
      if (gradient !== null && !this.#isTensor[i])
        throw new Error(
          `function ${this.name} returned a gradient different from None at position ${i + 1}, but the corresponding forward ` +
            'input was not a Variable',
        )
      if (gradient !== null && !(gradient instanceof Tensor))
        throw new Error(`expected Variable or None (got ${typeof gradient})`)
      if (this.#isTensor[i]) results.push(gradient)
    })
    return results
  }

  #zeros(output: number): Tensor | null {
    if (!this.#outputIsTensor[output]) return null
    const { shape, dtype } = this.outputs[output]
    const zeros = emptyTensor(this.#backend, shape, dtype)
    copyInto(zeros, 0)
    return zeros
  }

  override release(): void {
    if (this.#saved !== null && this.#saved.length > 0) this.#saved = null
  }
}

/**
 * An operation with a backward of its own, as `torch.autograd.Function`: extend it with static `forward` and `backward`
 * and call `apply`. Forward is not recorded; backward gets one gradient per output and returns one per argument, null for
 * those that have none. It is recorded in turn where higher derivatives are wanted.
 *
 * @throws Error where backward returns the wrong number of gradients.
 * @example
 * class Cube extends autograd.Function {
 *   static override forward(ctx: autograd.FunctionContext, x: Tensor): Tensor {
 *     ctx.saveForBackward(x)
 *     return x.pow(3)
 *   }
 *   static override backward(ctx: autograd.FunctionContext, g: Tensor): Tensor {
 *     const [x] = ctx.savedTensors
 *     return g.mul(x.pow(2)).mul(3)
 *   }
 * }
 * const x = torch.tensor(2, { requiresGrad: true })
 * Cube.apply(x).backward()
 * x.grad // tensor(12.)
 */
// biome-ignore lint/complexity/noStaticOnlyClass: it is extended, and PyTorch's form of it
export abstract class Function {
  // biome-ignore lint/suspicious/noExplicitAny: each subclass has arguments of its own
  static forward(_ctx: FunctionContext, ..._args: any[]): any {
    throw new Error('You must implement the forward function for custom autograd.Function.')
  }

  // biome-ignore lint/suspicious/noExplicitAny: each subclass has gradients of its own
  static backward(_ctx: FunctionContext, ..._gradients: any[]): any {
    throw new Error(
      'You must implement either the backward or vjp method for your custom autograd.Function to use it with backward mode AD.',
    )
  }

  /** Runs forward on the arguments and records backward for it. */
  static apply<A extends unknown[], R>(this: FunctionClass<A, R>, ...args: A): R {
    // biome-ignore lint/complexity/noThisInStatic: the subclass
    return applyTo(this, args)
  }
}

function applyTo<A extends unknown[], R>(fn: FunctionClass<A, R>, args: A): R {
  const inputs = args.filter((arg) => arg instanceof Tensor)
  const ctx = new FunctionContext(args.map((arg) => arg instanceof Tensor && arg.requiresGrad))
  const node = needsRecording(inputs) ? new FunctionNode(fn as FunctionClass<never, unknown>, args, ctx) : null
  const mode = setGradEnabled(false)
  let returned: R
  try {
    returned = fn.forward(ctx, ...args)
  } finally {
    setGradEnabled(mode)
  }
  const outputs: unknown[] = Array.isArray(returned) ? returned : [returned]
  for (const t of ctx.dirty) {
    t.storage.version++
    if (!outputs.includes(t))
      throw new Error(
        'Some elements marked as dirty during the forward method were not returned as output. The inputs that are modified ' +
          'inplace must all be outputs of the Function.',
      )
  }
  const wrapped = outputs.map((output) => {
    if (node !== null) return wrap(output, node, ctx, inputs, outputs.length)
    return inputs.includes(output as Tensor) && !ctx.dirty.has(output as Tensor) ? detach(output as Tensor) : output
  })
  node?.save(outputs.map((output) => output instanceof Tensor))
  return (Array.isArray(returned) ? wrapped : wrapped[0]) as R
}

/** An output as the caller gets it: the node's result, unless it has no gradient. */
function wrap(output: unknown, node: FunctionNode, ctx: FunctionContext, inputs: readonly Tensor[], count: number): unknown {
  if (!(output instanceof Tensor)) {
    node.outputs = [...node.outputs, { shape: [], dtype: 'float32' }]
    return output
  }
  const isInput = inputs.includes(output)
  const isDirty = ctx.dirty.has(output)
  if (ctx.nonDifferentiable.has(output) || !isDifferentiable(output.dtype)) {
    addOutput(node, output)
    return isInput && !isDirty ? detach(output) : output
  }
  if (isDirty) {
    if (output.leafRequiresGrad) throw new Error('a leaf Variable that requires grad has been used in an in-place operation.')
    if (output.viewInfo?.origin) throw viewWriteError(output, 'is being')
    if (output.viewInfo !== null && count > 1)
      throw new Error(
        'If your Function is modifying inplace an input that is a view of another Tensor, your Function cannot return more than ' +
          'one Tensor. This is not supported by the current autograd engine. You should either make sure the input is not a view ' +
          '(using .clone() for example) or make your Function only return one Tensor (potentially splitting it into two Functions: ' +
          'one doing the inplace that returns a single Tensor and a second one that does the other operations).',
      )
    rebaseHistory(output, node)
    return output
  }
  // What has a history already keeps it: the caller gets another tensor on the same memory.
  const result = isInput || output.requiresGrad ? aliasOf(output, output.layout) : output
  if (result.viewInfo !== null) {
    result.viewInfo.origin = count > 1 ? 'multiOutput' : 'function'
    result.viewInfo.version = result.storage.version
  }
  setHistory(result, node)
  return result
}

/** Stands for a derivative that does not exist. */
class ErrorNode extends Node {
  readonly name = 'Error'
  readonly #message: string

  constructor(message: string, input: Tensor) {
    super()
    this.#message = message
    this.edges = [edgeOf(input)]
  }

  override backward(): never {
    throw new Error(this.#message)
  }
}

/**
 * A backward that cannot be differentiated in turn, as `torch.autograd.function.once_differentiable`: it is not recorded,
 * and differentiating what it returned is an error instead of a wrong result.
 *
 * @example
 * class Exp extends autograd.Function {
 *   static override forward(ctx: autograd.FunctionContext, x: Tensor): Tensor {
 *     const y = x.exp()
 *     ctx.saveForBackward(y)
 *     return y
 *   }
 *   static override backward = autograd.onceDifferentiable((ctx, g: Tensor) => g.mul(ctx.savedTensors[0]))
 * }
 * Exp.apply(torch.ones(2, { requiresGrad: true })).sum().backward()
 */
export function onceDifferentiable<A extends unknown[], R>(
  backward: (ctx: FunctionContext, ...gradients: A) => R,
): (ctx: FunctionContext, ...gradients: A) => R {
  return (ctx, ...gradients) => {
    const mode = setGradEnabled(false)
    let returned: R
    try {
      returned = backward(ctx, ...gradients)
    } finally {
      setGradEnabled(mode)
    }
    const recorded = gradients.filter((g) => g instanceof Tensor)
    if (!isGradEnabled() || !needsRecording(recorded)) return returned
    const source = recorded.find((g) => g.requiresGrad)!
    const guard = (value: unknown): unknown => {
      if (!(value instanceof Tensor) || !isDifferentiable(value.dtype)) return value
      const guarded = detach(value)
      setHistory(
        guarded,
        new ErrorNode('trying to differentiate twice a function that was marked with @once_differentiable', source),
      )
      return guarded
    }
    return (Array.isArray(returned) ? returned.map(guard) : guard(returned)) as R
  }
}
