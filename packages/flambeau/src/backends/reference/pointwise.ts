/** The interpreter of programs: one element after the other, one instruction after the other. */

import { type ComputeClass, isFloatingPoint } from '../../core/dtype.js'
import type { Program } from '../../ir/program.js'
import type { Operand } from '../backend.js'
import type { Plan } from '../plan.js'
import { type Elements, elementsOf, int64ToFloat32, truncateToInt32, truncateToInt64 } from './elements.js'
import { placesOf } from './places.js'
import { type PrimitiveTable, primitiveTables } from './primitives.js'

/** One of the four ways to compute: how values come in, what every primitive's result is rounded or wrapped to. */
interface Class<T> {
  readonly name: string
  readonly primitives: PrimitiveTable<T>
  get(elements: Elements, at: number, operand: Operand): T
  set(elements: Elements, at: number, value: T): void
  of(scalar: number): T
  normal(value: T): T
}

const toInt32 = (value: bigint): number => Number(BigInt.asIntN(32, value))

const float: Class<number> = {
  name: 'Float',
  primitives: primitiveTables.float32,
  get: (elements, at, { dtype }) => (dtype === 'int64' ? int64ToFloat32(elements.integer(at)) : Math.fround(elements.number(at))),
  set: (elements, at, value) => elements.setNumber(at, value),
  of: Math.fround,
  normal: Math.fround,
}
const double: Class<number> = {
  name: 'Double',
  primitives: primitiveTables.float64,
  get: (elements, at) => elements.number(at),
  set: (elements, at, value) => elements.setNumber(at, value),
  of: (scalar) => scalar,
  normal: (value) => value,
}
const int: Class<number> = {
  name: 'Int',
  primitives: primitiveTables.int32,
  get: (elements, at, { dtype }) =>
    isFloatingPoint(dtype) ? truncateToInt32(elements.number(at)) : toInt32(elements.integer(at)),
  set: (elements, at, value) => elements.setNumber(at, value),
  of: (scalar) => toInt32(truncateToInt64(scalar)),
  normal: (value) => value | 0,
}
const long: Class<bigint> = {
  name: 'Long',
  primitives: primitiveTables.int64,
  get: (elements, at) => elements.integer(at),
  set: (elements, at, value) => elements.setInteger(at, value),
  of: truncateToInt64,
  normal: (value) => BigInt.asIntN(64, value),
}

/** Runs a program over operands (outputs first, then inputs) laid out by the plan. */
export function pointwise(
  program: Program,
  compute: ComputeClass,
  operands: readonly Operand[],
  plan: Plan,
  scalars: readonly number[],
): void {
  if (compute === 3) interpret(long, program, operands, plan, scalars)
  else interpret([float, double, int][compute], program, operands, plan, scalars)
}

function interpret<T>(
  kind: Class<T>,
  program: Program,
  operands: readonly Operand[],
  plan: Plan,
  scalars: readonly number[],
): void {
  const { inputs, constants, instructions, outputs } = program
  const steps = instructions.map(({ op, target, args }) => ({ run: kind.primitives[op]!, target, args }))
  if (steps.some(({ run }) => run === null))
    throw new Error(`not implemented for '${kind.name}': ${[...new Set(instructions.map(({ op }) => op))].join(', ')}`)

  const elements = operands.map(elementsOf)
  const places = operands.map(({ layout }, i) =>
    placesOf(plan.sizes, plan.strides === null ? [1] : plan.strides[i], layout.offset),
  )
  const registers: T[] = new Array(inputs).fill(kind.of(0))
  registers.push(...scalars.map(kind.of), ...constants.map(kind.of))
  for (let i = 0; i < places[0].length; i++) {
    for (let k = 0; k < inputs; k++) {
      const from = outputs.length + k
      registers[k] = kind.get(elements[from], places[from][i], operands[from])
    }
    for (const { run, target, args } of steps)
      registers[target] = kind.normal(run(registers[args[0]], registers[args[1]], registers[args[2]]))
    for (let k = 0; k < outputs.length; k++) kind.set(elements[k], places[k][i], registers[outputs[k]])
  }
}
