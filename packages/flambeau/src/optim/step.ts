/** The formulas of optimizers: a step is one fused pass over the parameter, its gradient and its state. */

import { isComplex } from '../core/dtype.js'
import type { Tensor } from '../core/tensor.js'
import { type Expr, freeVariables, variable } from '../ir/expr.js'
import { pairsOf } from '../ops/copy.js'
import { fullLike } from '../ops/creation.js'
import { PointwiseOp } from '../ops/pointwise.js'

/** State that starts from one number: in a complex parameter's case, that of both its parts. */
export const bothParts = (p: Tensor, value: number): Tensor => fullLike(p, isComplex(p.dtype) ? { re: value, im: value } : value)

const floatsOf = (value: Tensor | number): Tensor | number =>
  typeof value === 'object' && isComplex(value.dtype) ? pairsOf(value) : value

/** The variables of a formula: `p` is the parameter and `g` its gradient. */
type Variables<V extends string> = Readonly<Record<V | 'p' | 'g', Expr>>

interface Step {
  readonly op: PointwiseOp
  /** What the op reads and what it writes, in its order. */
  readonly reads: readonly string[]
  readonly writes: readonly string[]
}

/**
 * An optimizer's step: the new values of parameter and state as terms. Which terms may depend on flags; each set of flags
 * that is met becomes one op. What a formula does not read need not be given.
 */
export class FusedStep<V extends string, F extends string> {
  readonly #name: string
  readonly #flags: readonly F[]
  readonly #variables: Variables<V>
  readonly #formula: (v: Variables<V>, on: Readonly<Record<F, boolean>>) => Partial<Record<V | 'p', Expr>>
  readonly #steps: (Step | undefined)[] = []

  constructor(
    name: string,
    flags: readonly F[],
    variables: readonly V[],
    formula: (v: Variables<V>, on: Readonly<Record<F, boolean>>) => Partial<Record<V | 'p', Expr>>,
  ) {
    this.#name = name
    this.#flags = flags
    this.#variables = Object.fromEntries(['p', 'g', ...variables].map((v) => [v, variable(v)])) as Variables<V>
    this.#formula = formula
  }

  /** Computes and writes. */
  run(on: Readonly<Record<F, boolean>>, values: Readonly<Partial<Record<V, Tensor | number>> & { p: Tensor; g: Tensor }>): void {
    let key = 0
    for (const flag of this.#flags) key = 2 * key + (on[flag] ? 1 : 0)
    this.#steps[key] ??= this.#build(on)
    const { op, reads, writes } = this.#steps[key]!
    const given = values as Readonly<Record<string, Tensor | number>>
    // Complex parameters are stepped as the floats they consist of, as PyTorch does it.
    const floats = isComplex(values.p.dtype) ? (name: string) => floatsOf(given[name]) : (name: string) => given[name]
    op.write(
      reads.map(floats),
      writes.map((name) => floats(name) as Tensor),
    )
  }

  #build(on: Readonly<Record<F, boolean>>): Step {
    const results = this.#formula(this.#variables, on) as Record<string, Expr>
    const writes = Object.keys(results)
    const terms = writes.map((name) => results[name])
    // The parameter comes first: the step computes in its dtype.
    const reads = ['p', ...freeVariables(terms).filter((name) => name !== 'p')]
    return { op: new PointwiseOp(this.#name, reads, terms, { result: 'first' }), reads, writes }
  }
}
