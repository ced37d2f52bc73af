/** Pointwise ops: a term, its dtype rule, and from both the forward call, the in-place form and every gradient. */

import { notOfComplex } from '../backends/complex.js'
import { flatPlan, planPointwise, resultStrides } from '../backends/plan.js'
import {
  computeClass,
  type DType,
  getDefaultDtype,
  isDifferentiable,
  resultType,
  type Scalar,
  typedArrayOf,
} from '../core/dtype.js'
import { edgeOf, freedGraphMessage, Node, SavedTensor, setHistory } from '../core/graph.js'
import { broadcastShapes, Layout, sameShape } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { isOfComplex } from '../ir/complex.js'
import { derive } from '../ir/derive.js'
import { add, conj, constant, type Expr, freeVariables, g, substitute, variable } from '../ir/expr.js'
import { Program } from '../ir/program.js'
import { copyOf } from './copy.js'
import { apartFrom, checkInPlace, commonBackend, emptyLike, emptyTensor, type Gradients, needsRecording } from './dispatch.js'
import { rebaseHistory } from './inplace.js'

/**
 * The dtype rule of an op.
 * - `promote`: the result type of the operands;
 * - `float`: the same, but integers become float32;
 * - `bool`: computed in the result type, stored as bool;
 * - `first`: that of the first operand (gradients).
 */
export type ResultRule = 'promote' | 'float' | 'bool' | 'first'

export type Argument = Tensor | Scalar

export interface PointwiseOptions {
  readonly result?: ResultRule
  /** Gradients by variable, for those better written by hand than derived: terms over `g`, the inputs and `out`. */
  readonly gradients?: Readonly<Record<string, Expr>>
  /** Operands that do not take part in the dtype rule, such as the condition of `where`. */
  readonly untyped?: readonly string[]
  /** Rejects dtypes the op does not take: what the operands promote to, or their own. */
  readonly check?: (dtype: DType, name: string, args: readonly Argument[]) => void
}

/** One pointwise op with any number of inputs and outputs. */
export class PointwiseOp {
  readonly name: string
  readonly variables: readonly string[]
  readonly terms: readonly Expr[]
  readonly #result: ResultRule
  readonly #untyped: readonly string[]
  readonly #gradients: Readonly<Record<string, Expr>>
  readonly #check: PointwiseOptions['check']
  /** By the set of inputs given as numbers: those are scalars of the call, not operands. */
  readonly #programs: (Program | undefined)[] = []
  readonly #backwards = new Map<number, Backward>()
  #isOfComplex: boolean | undefined

  constructor(name: string, variables: readonly string[], terms: readonly Expr[], options: PointwiseOptions = {}) {
    this.name = name
    this.variables = variables
    this.terms = terms
    this.#result = options.result ?? 'promote'
    this.#untyped = options.untyped ?? []
    this.#gradients = options.gradients ?? {}
    this.#check = options.check
  }

  /** The only output. */
  call(...args: Argument[]): Tensor {
    return this.run(args)[0]
  }

  /** Writes the result into `self`, the first argument, and records that. */
  callInPlace(self: Tensor, ...rest: Argument[]): Tensor {
    const args = [self, ...rest]
    const recording = isDifferentiable(self.dtype) && needsRecording(tensorsOf(args))
    // What backward reads of `self` is its value now, which the node keeps a copy of.
    const node = recording ? new PointwiseNode(this, args, self) : null
    this.write(args, [self])
    if (node !== null) {
      rebaseHistory(self, node)
      node.saveOutput(self)
    }
    return self
  }

  /**
   * Computes into tensors that exist, without recording: results are cast to their dtypes. The written tensors'
   * versions go up.
   */
  write(given: readonly Argument[], targets: readonly Tensor[]): void {
    const dtype = this.#dtype(given)
    const args = this.#held(given, dtype)
    const tensors = tensorsOf(args)
    const backend = commonBackend([...targets, ...tensors])
    const compute = computeClass(dtype)
    if (compute > 3) this.#requireComplex(dtype)
    const result = this.#result === 'bool' ? 'bool' : dtype
    const shape = broadcastShapes(tensors.map((t) => t.layout.shape))
    const recording = needsRecording(tensors)
    for (const target of targets) checkInPlace(target, broadcastShapes([shape, target.layout.shape]), result, recording)
    const operands = tensors.map((t) => targets.reduce((operand, target) => apartFrom(target, operand, copyOf), t))
    const all = [...targets, ...operands]
    if (targets[0].layout.numel > 0) {
      const plan = planPointwise(
        targets[0].layout.shape,
        all.map((t) => t.layout),
      )
      backend.pointwise(this.#program(args), compute, all, plan, scalarsOf(args))
    }
    for (const target of targets) target.storage.version++
  }

  /** All outputs, recorded where an input requires a gradient. */
  run(given: readonly Argument[]): Tensor[] {
    const dtype = this.#dtype(given)
    const args = this.#held(given, dtype)
    const tensors = tensorsOf(args)
    const backend = commonBackend(tensors)
    const compute = computeClass(dtype)
    if (compute > 3) this.#requireComplex(dtype)
    const result = this.#result === 'bool' ? 'bool' : dtype
    const first = tensors[0].layout
    let same = first.isContiguous
    for (let i = 1; i < tensors.length; i++) {
      const layout = tensors[i].layout
      if (layout !== first && !(layout.isContiguous && sameShape(layout.shape, first.shape))) same = false
    }
    let outputs: Tensor[]
    if (same) {
      const layout = first.offset === 0 ? first : Layout.contiguous(first.shape)
      outputs = [emptyLike(backend, layout, result)]
      for (let i = 1; i < this.terms.length; i++) outputs.push(emptyLike(backend, layout, result))
    } else {
      const layouts = tensors.map((t) => t.layout)
      const shape = broadcastShapes(layouts.map((l) => l.shape))
      const strides = resultStrides(shape, layouts)
      outputs = this.terms.map(() => emptyTensor(backend, shape, result, strides))
    }
    if (outputs[0].layout.numel > 0) {
      const operands = [...outputs, ...tensors]
      const plan = same
        ? flatPlan(first.numel)
        : planPointwise(
            outputs[0].layout.shape,
            operands.map((t) => t.layout),
          )
      backend.pointwise(this.#program(args), compute, operands, plan, scalarsOf(args))
    }
    if (isDifferentiable(result) && needsRecording(tensors)) {
      const node = new PointwiseNode(this, args)
      for (const output of outputs) setHistory(output, node)
      node.saveOutput(outputs[0])
    }
    return outputs
  }

  /** @throws Error where the op has a primitive that complex numbers lack. */
  #requireComplex(dtype: DType): void {
    this.#isOfComplex ??= isOfComplex(
      this.terms,
      this.variables.filter((name) => !this.#untyped.includes(name)),
    )
    if (!this.#isOfComplex) throw notOfComplex(this.name, dtype)
  }

  /** The dtype the op computes in; also the result's, but for the `bool` rule. */
  #dtype(args: readonly Argument[]): DType {
    const rule = this.#result
    let dtype: DType
    if (rule === 'first') dtype = (args[0] as Tensor).dtype
    else {
      const typed = this.#untyped.length === 0 ? args : args.filter((_, i) => !this.#untyped.includes(this.variables[i]))
      dtype = sharedDType(typed) ?? resultType(typed)
    }
    this.#check?.(dtype, this.name, args)
    return rule === 'float' && !isDifferentiable(dtype) ? getDefaultDtype() : dtype
  }

  /**
   * The arguments as values of the dtype that the op computes in. Only for integers of up to 32 bits
   * does it matter: a number or 0-d tensor that the dtype cannot hold wraps first, as in PyTorch.
   */
  #held(args: readonly Argument[], dtype: DType): readonly Argument[] {
    if (isDifferentiable(dtype) || dtype === 'int64' || dtype === 'bool' || this.#result === 'first') return args
    if (args.every((arg) => arg instanceof Tensor && arg.dtype === dtype)) return args
    return args.map((arg, i) => {
      if (this.#untyped.includes(this.variables[i])) return arg
      if (arg instanceof Tensor) return arg.dtype === dtype || arg.dtype === 'bool' ? arg : copyOf(arg, dtype)
      return Number(typedArrayOf(dtype).of(Number(arg) as never)[0])
    })
  }

  #program(args: readonly Argument[]): Program {
    let mask = 0
    for (let i = 0; i < args.length; i++) if (!(args[i] instanceof Tensor)) mask |= 1 << i
    let program = this.#programs[mask]
    if (program === undefined) {
      const isScalar = (i: number): boolean => (mask & (1 << i)) !== 0
      program = new Program(
        this.terms,
        this.variables.filter((_, i) => !isScalar(i)),
        this.variables.filter((_, i) => isScalar(i)),
      )
      this.#programs[mask] = program
    }
    return program
  }

  /** The gradient op for these incoming gradients (bits over outputs) and wanted inputs (bits over variables). */
  backwardFor(incoming: number, wanted: number): Backward {
    const key = incoming * 0x10000 + wanted
    let backward = this.#backwards.get(key)
    if (backward === undefined) {
      backward = new Backward(this, incoming, wanted, this.#gradients)
      this.#backwards.set(key, backward)
    }
    return backward
  }
}

/** The gradient of an op as an op: one fused program for every wanted input. */
class Backward {
  /** What it reads of the forward call: variables of the op, and `out`. */
  readonly reads: readonly string[]
  readonly #seeds: readonly string[]
  /** For each wanted input its output of the fused op, or the incoming gradient that it simply is. */
  readonly #sources: readonly { readonly variable: number; readonly from: number | string }[]
  readonly #op: PointwiseOp | null
  /** Why there is no such gradient. The call itself is fine: it is backward that must say so. */
  #failure: Error | null = null

  constructor(op: PointwiseOp, incoming: number, wanted: number, byHand: Readonly<Record<string, Expr>>) {
    const single = op.terms.length === 1
    const seed = (i: number): Expr => (single ? g : variable(`g${i}`))
    const present = op.terms.map((_, i) => i).filter((i) => (incoming & (1 << i)) !== 0)
    const fused: Expr[] = []
    const derived = (name: string): Expr => {
      try {
        return sum(present.map((k) => derive(op.terms[k], name, seed(k))))
      } catch {
        this.#failure = new Error(`the derivative for '${op.name}: ${name}' is not implemented.`)
        return constant(0)
      }
    }
    this.#sources = op.variables.flatMap((name, i) => {
      if ((wanted & (1 << i)) === 0) return []
      const term = conjugated(byHand[name]) ?? derived(name)
      const passes = term.kind === 'variable' && present.some((k) => nameOf(seed(k)) === term.name)
      return [{ variable: i, from: passes ? (term as { name: string }).name : fused.push(term) - 1 }]
    })
    this.#seeds = present.map((k) => nameOf(seed(k)))
    this.reads = freeVariables(fused).filter((name) => !this.#seeds.includes(name))
    // Names of its own, so that `g` and `out` can stand for the gradient and result of this op in its own gradient.
    const names = [...this.#seeds, ...this.reads]
    const renamed = new Map(names.map((name, i) => [name, variable(`v${i}`)]))
    const terms = fused.map((term) => substitute(term, renamed))
    const variables = names.map((_, i) => `v${i}`)
    this.#op = fused.length === 0 ? null : new PointwiseOp(`${op.name}Backward`, variables, terms, { result: 'first' })
  }

  run(variables: number, gradients: readonly Tensor[], values: readonly Argument[]): Gradients {
    if (this.#failure !== null) throw this.#failure
    const results = this.#op === null ? [] : this.#op.run([...gradients, ...values])
    const answer: Gradients = new Array(variables).fill(null)
    for (const { variable: i, from } of this.#sources)
      answer[i] = typeof from === 'number' ? results[from] : gradients[this.#seeds.indexOf(from)]
    return answer
  }
}

/** A gradient written by hand, linear in g, as the one for complex numbers: its other factors are conjugated. */
const conjugated = (term: Expr | undefined): Expr | undefined => term && conj(substitute(term, conjugatedSeed))
const conjugatedSeed = new Map([['g', conj(g)]])

const nameOf = (term: Expr): string => (term as { name: string }).name
const sum = (terms: readonly Expr[]): Expr => terms.reduce(add, constant(0))

class PointwiseNode extends Node {
  readonly name: string
  readonly #op: PointwiseOp
  readonly #wanted: number
  /** Per variable: a number, a saved tensor, or null where no gradient reads it. */
  #values: (Scalar | SavedTensor | null)[] | null
  #output: SavedTensor | null = null
  readonly #readsOutput: boolean

  constructor(op: PointwiseOp, args: readonly Argument[], overwritten: Tensor | null = null) {
    super()
    this.name = `${op.name}Backward0`
    this.#op = op
    this.edges = args.map((arg) => (arg instanceof Tensor ? edgeOf(arg) : null))
    let wanted = 0
    this.edges.forEach((edge, i) => {
      if (edge !== null) wanted |= 1 << i
    })
    this.#wanted = wanted
    const { reads } = op.backwardFor((1 << op.terms.length) - 1, wanted)
    this.#values = args.map((arg, i) => {
      if (!reads.includes(op.variables[i])) return null
      if (!(arg instanceof Tensor)) return arg
      return new SavedTensor(i === 0 && arg === overwritten ? keptValue(arg) : arg)
    })
    this.#readsOutput = reads.includes('out')
  }

  saveOutput(output: Tensor): void {
    if (this.#readsOutput) this.#output = new SavedTensor(output)
  }

  override backward(gradients: Gradients): Gradients {
    const values = this.#values
    if (values === null) throw new Error(freedGraphMessage)
    let incoming = 0
    gradients.forEach((gradient, i) => {
      if (gradient !== null) incoming |= 1 << i
    })
    const backward = this.#op.backwardFor(incoming, this.#wanted)
    const unpack = (saved: Scalar | SavedTensor | null): Argument => (saved instanceof SavedTensor ? saved.unpack(this) : saved!)
    const read = backward.reads.map((name) => unpack(name === 'out' ? this.#output : values[this.#op.variables.indexOf(name)]))
    return backward.run(
      this.#op.variables.length,
      gradients.filter((t) => t !== null),
      read,
    )
  }

  override release(): void {
    // A gradient that reads nothing, such as that of add, can be computed again at any time, as in PyTorch.
    if (this.#output !== null || this.#values?.some((v) => v instanceof SavedTensor)) this.#values = null
    this.#output = null
  }
}

/** A copy of a tensor that is about to be overwritten, with the same history. */
function keptValue(t: Tensor): Tensor {
  const kept = copyOf(t)
  kept.node = t.gradFn
  kept.outputIndex = t.outputIndex
  return kept
}

function tensorsOf(args: readonly Argument[]): readonly Tensor[] {
  let i = 0
  while (i < args.length && args[i] instanceof Tensor) i++
  return i === args.length ? (args as readonly Tensor[]) : args.filter((arg) => arg instanceof Tensor)
}

const noScalars: readonly number[] = []
function scalarsOf(args: readonly Argument[]): readonly number[] {
  let scalars: number[] | null = null
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]
    if (arg instanceof Tensor) continue
    if (typeof arg === 'object') throw new TypeError('not implemented: a complex number in the place of this argument')
    if (scalars === null) scalars = [Number(arg)]
    else scalars.push(Number(arg))
  }
  return scalars ?? noScalars
}

/** The dtype where all operands have the same and no number can lift it: the common case, without counting categories. */
function sharedDType(args: readonly Argument[]): DType | undefined {
  let dtype: DType | undefined
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]
    if (arg instanceof Tensor) {
      if (dtype === undefined) dtype = arg.dtype
      else if (dtype !== arg.dtype) return undefined
    }
  }
  if (dtype === undefined || isDifferentiable(dtype)) return dtype
  for (let i = 0; i < args.length; i++) if (!(args[i] instanceof Tensor)) return undefined
  return dtype
}
