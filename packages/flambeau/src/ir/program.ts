/** Terms lowered to programs: straight-line code over registers, what every backend's pointwise kernel runs. */

import { partsOf } from './complex.js'
import { constant, type Expr, freeVariables, type Primitive } from './expr.js'

/** One instruction: `registers[target] = op(registers[args]…)`. */
export interface Instruction {
  readonly op: Primitive
  readonly target: number
  readonly args: readonly number[]
}

/**
 * A lowered term. Registers are numbered inputs first, then scalars, then constants, then temporaries; every output is a
 * temporary of its own. A program does not know its dtype: a backend prepares it once per compute class.
 */
export class Program {
  readonly inputs: number
  readonly scalars: number
  readonly constants: readonly number[]
  readonly temporaries: number
  readonly instructions: readonly Instruction[]
  readonly outputs: readonly number[]
  /** What a backend keeps of a prepared program, by its slot and the compute class. */
  readonly handles: (number | undefined)[] = []

  /** What it was made of, and what it is for complex operands: see `overParts`. */
  readonly #source: readonly [terms: readonly Expr[], inputs: readonly string[], scalars: readonly string[]]
  readonly #overParts = new Map<number, Program>()

  constructor(terms: readonly Expr[], inputs: readonly string[], scalars: readonly string[]) {
    this.#source = [terms, inputs, scalars]
    this.inputs = inputs.length
    this.scalars = scalars.length
    const names = [...inputs, ...scalars]
    const unknown = freeVariables(terms).find((name) => !names.includes(name))
    if (unknown !== undefined) throw new Error(`term reads '${unknown}', which is no input of its op`)

    // Equal subterms are computed once: each distinct one is a value with the values it is made of.
    const values: { op: Primitive; args: number[] }[] = []
    const constants: number[] = []
    const seen = new Map<string, number>()
    // Until the number of constants is known, constants count down from -1 and values up from names.length.
    const visit = (term: Expr): number => {
      if (term.kind === 'variable') return names.indexOf(term.name)
      if (term.kind === 'constant') {
        let at = constants.findIndex((c) => Object.is(c, term.value))
        if (at < 0) at = constants.push(term.value) - 1
        return -1 - at
      }
      if (term.op === 'conj' || term.op === 're') return visit(term.args[0])
      const args = term.args.map(visit)
      const key = `${term.op}(${args.join()})`
      const known = seen.get(key)
      if (known !== undefined) return known
      const value = names.length + values.push({ op: term.op, args }) - 1
      seen.set(key, value)
      return value
    }
    const claimed = new Set<number>()
    const results = terms.map((term) => {
      const value = visit(term)
      const taken = claimed.has(value)
      claimed.add(value)
      // An output that is an input, a constant or another output's value needs a register of its own.
      return value >= names.length && !taken ? value : names.length + values.push({ op: 'mov', args: [value] }) - 1
    })
    this.constants = constants

    const firstTemporary = names.length + constants.length
    const lastUse = new Map<number, number>()
    values.forEach(({ args }, i) => {
      for (const arg of args) lastUse.set(arg, i)
    })
    for (const result of results) lastUse.set(result, Number.POSITIVE_INFINITY)
    const register = new Map<number, number>()
    const free: number[] = []
    let temporaries = 0
    const place = (value: number): number =>
      value < 0 ? names.length - 1 - value : value < names.length ? value : register.get(value)!
    this.instructions = values.map(({ op, args }, i) => {
      const operands = args.map(place)
      for (const arg of new Set(args)) if (arg >= names.length && lastUse.get(arg) === i) free.push(register.get(arg)!)
      // Outputs get registers nobody else has: a backend may place those straight in the result's memory.
      const result = lastUse.get(names.length + i) === Number.POSITIVE_INFINITY
      const target = (result ? undefined : free.pop()) ?? firstTemporary + temporaries++
      register.set(names.length + i, target)
      return { op, target, args: operands }
    })
    this.temporaries = temporaries
    this.outputs = results.map(place)
  }

  /**
   * The program over real and imaginary parts, where some operands are complex (bits over outputs, then inputs): each of
   * those stands for two, its parts in turn. Others are real, and an output that is must be so for any operands.
   *
   * @throws Error for a primitive that complex numbers do not have.
   */
  overParts(complex: number): Program {
    let program = this.#overParts.get(complex)
    if (program === undefined) {
      const [terms, inputs, scalars] = this.#source
      const isComplex = (operand: number): boolean => (complex & (1 << operand)) !== 0
      const split = inputs.filter((_, i) => isComplex(terms.length + i))
      const parts = partsOf(terms, split)
      program = new Program(
        parts.flatMap(({ re, im }, i) => (isComplex(i) ? [re, im ?? constant(0)] : [re])),
        inputs.flatMap((name) => (split.includes(name) ? [`${name}.re`, `${name}.im`] : [name])),
        scalars,
      )
      this.#overParts.set(complex, program)
    }
    return program
  }
}
