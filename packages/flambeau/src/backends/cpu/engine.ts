/** The CPU backend: writes a call's frame and runs the kernel. One class drives the native addon and the wasm module. */

import { type ComputeClass, dtypeCode, dtypes, itemSize, type WideClass } from '../../core/dtype.js'
import { type Memory, Storage } from '../../core/storage.js'
import { type Primitive, primitives } from '../../ir/expr.js'
import type { Program } from '../../ir/program.js'
import { type Backend, type Kernels, kernelError, type MemoryUse, type Operand } from '../backend.js'
import { notOfComplex, pointwiseOnParts, runOnParts } from '../complex.js'
import type { Plan } from '../plan.js'

/** What the two builds of the kernels have in common. */
export interface Engine {
  readonly name: 'native' | 'wasm'
  readonly instructionSet: string
  readonly kernels: readonly string[]
  readonly primitives: readonly string[]
  /** The call frame; a new array whenever the engine's memory has moved. */
  frame(): Float64Array
  run(): void
  allocate(bytes: number): Memory
  free(memory: Memory): void
  ownsBuffer(memory: Memory): boolean
  adopt(buffer: ArrayBuffer, byteOffset: number, bytes: number): Memory
  share(buffer: ArrayBuffer, byteOffset: number, bytes: number): Memory | null
  memory(): MemoryUse
}

type Argument = Operand | Storage<Backend> | number | boolean | readonly number[] | null

export class CpuBackend implements Backend {
  readonly device = 'cpu'
  readonly name: string
  readonly slot: number
  readonly #engine: Engine
  readonly #index: ReadonlyMap<string, number>
  readonly #opcodes: ReadonlyMap<string, number>
  readonly #pointwise: number
  #frame: Float64Array

  constructor(engine: Engine, slot: number) {
    this.name = engine.name
    this.slot = slot
    this.#engine = engine
    this.#frame = engine.frame()
    this.#index = new Map(engine.kernels.map((name, i) => [name, i]))
    this.#opcodes = new Map(engine.primitives.map((name, i) => [name, i]))
    const unknown = (Object.keys(primitives) as Primitive[]).find((name) => !this.#opcodes.has(name))
    if (unknown !== undefined) throw new Error(`the ${engine.name} kernels lack the primitive '${unknown}': build them anew`)
    this.#pointwise = this.#kernel('pointwise')
  }

  allocate(bytes: number): Memory {
    const memory = this.#engine.allocate(bytes)
    this.#frame = this.#engine.frame()
    return memory
  }

  free(memory: Memory): void {
    this.#engine.free(memory)
  }

  ownsBuffer(memory: Memory): boolean {
    return this.#engine.ownsBuffer(memory)
  }

  share(buffer: ArrayBuffer, byteOffset: number, bytes: number): Memory | null {
    return this.#engine.share(buffer, byteOffset, bytes)
  }

  adopt(buffer: ArrayBuffer, byteOffset: number, bytes: number): Memory {
    const memory = this.#engine.adopt(buffer, byteOffset, bytes)
    this.#frame = this.#engine.frame()
    return memory
  }

  memory(): MemoryUse {
    return this.#engine.memory()
  }

  threads(count = 0): number {
    const frame = this.#frame
    frame[0] = this.#kernel('threads')
    frame[1] = count
    return this.#run(frame)[1]
  }

  describe(): string {
    return `${this.name} (${this.#engine.instructionSet}, ${this.threads()} thread${this.threads() === 1 ? '' : 's'})`
  }

  pointwise(program: Program, compute: WideClass, operands: readonly Operand[], plan: Plan, scalars: readonly number[]): void {
    if (compute > 3) {
      pointwiseOnParts(this, program, compute as 4 | 5, operands, plan, scalars)
      return
    }
    const handle = program.handles[this.slot * 4 + compute] ?? this.#prepare(program, compute as ComputeClass)
    const frame = this.#frame
    const { sizes, strides } = plan
    const dims = sizes.length
    frame[0] = this.#pointwise
    frame[1] = handle
    frame[2] = dims
    let at = 3
    for (let d = 0; d < dims; d++) frame[at++] = sizes[d]
    for (let i = 0; i < operands.length; i++) {
      const operand = operands[i]
      at = this.#address(frame, at, operand)
      if (strides === null) frame[at++] = 1
      else {
        const steps = strides[i]
        for (let d = 0; d < dims; d++) frame[at++] = steps[d]
      }
    }
    for (let i = 0; i < scalars.length; i++) frame[at++] = scalars[i]
    const answer = this.#run(frame)
    if (answer[0] !== 0) throw kernelError(answer[0], 'pointwise', answer[1], answer[2])
  }

  run<K extends keyof Kernels>(kernel: K, ...args: Kernels[K]): number {
    const frame = this.#frame
    frame[0] = this.#kernel(kernel)
    let at = 1
    for (const arg of args as readonly Argument[]) {
      if (typeof arg === 'number') frame[at++] = arg
      else if (typeof arg === 'boolean') frame[at++] = arg ? 1 : 0
      else if (arg === null) {
        frame[at++] = 0
        frame[at++] = 0
        frame[at++] = 0
      } else if (isOperand(arg)) {
        if (codes[arg.dtype] > lastReal) return runOnParts(this, kernel, args)
        const { shape, strides } = arg.layout
        if (shape.length > maxDims) throw new Error(`only tensors with up to ${maxDims} dims are supported`)
        at = this.#address(frame, at, arg)
        frame[at++] = shape.length
        for (let d = 0; d < shape.length; d++) frame[at++] = shape[d]
        for (let d = 0; d < shape.length; d++) frame[at++] = strides[d]
      } else if (arg instanceof Storage) frame[at++] = arg.memory.address
      else {
        const list = arg as readonly number[]
        frame[at++] = list.length
        for (const item of list) frame[at++] = item
      }
    }
    const answer = this.#run(frame)
    if (answer[0] !== 0) throw kernelError(answer[0], kernel, answer[1], answer[2])
    return answer[1]
  }

  /** Runs what the frame says and answers with the frame: another array if the kernel made the engine's memory grow. */
  #run(frame: Float64Array): Float64Array {
    this.#engine.run()
    if (frame.length === 0) this.#frame = this.#engine.frame()
    return this.#frame
  }

  /** Writes an operand's address and dtype. @throws Error for a complex one: kernels know real numbers only. */
  #address(frame: Float64Array, at: number, operand: Operand): number {
    const code = codes[operand.dtype]
    if (code > lastReal) throw notOfComplex('an operation of real numbers', operand.dtype)
    frame[at] = operand.storage.memory.address + operand.layout.offset * bytesOf[operand.dtype]
    frame[at + 1] = code
    return at + 2
  }

  #kernel(name: string): number {
    const index = this.#index.get(name)
    if (index === undefined) throw new Error(`the ${this.name} kernels have no '${name}': build them anew`)
    return index
  }

  #prepare(program: Program, compute: ComputeClass): number {
    const frame = this.#frame
    let at = 0
    const write = (...values: number[]): void => {
      for (const value of values) frame[at++] = value
    }
    write(this.#kernel('defineProgram'), compute, program.inputs, program.scalars)
    write(program.constants.length, ...program.constants, program.temporaries, program.instructions.length)
    for (const { op, target, args } of program.instructions)
      write(this.#opcodes.get(op)!, target, args[0], args[1] ?? -1, args[2] ?? -1)
    write(program.outputs.length, ...program.outputs)
    const answer = this.#run(frame)
    if (answer[0] !== 0) {
      const ops = [...new Set(program.instructions.map((i) => i.op))].join(', ')
      throw new Error(`not implemented for '${classNames[compute]}': ${ops}`)
    }
    program.handles[this.slot * 4 + compute] = answer[1]
    return answer[1]
  }
}

/** As many dimensions as a kernel has room for: kMaxDims of kernel.hpp. */
const maxDims = 64

const classNames = ['Float', 'Double', 'Int', 'Long'] as const

const isOperand = (arg: object): arg is Operand => 'layout' in arg

/** Looked up by dtype name on every call, so plain objects rather than functions. */
const codes = Object.fromEntries(dtypes.map((d) => [d, dtypeCode(d)])) as Record<Operand['dtype'], number>
const lastReal = dtypeCode('bool')
const bytesOf = Object.fromEntries(dtypes.map((d) => [d, itemSize(d)])) as Record<Operand['dtype'], number>
