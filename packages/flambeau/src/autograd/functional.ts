/** `torch.autograd.functional`: whole derivatives of functions. */

import { showShape } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { fromTypedArray, zerosLike } from '../ops/creation.js'
import { stack } from '../ops/joining.js'
import { detach, reshape, squeeze, viewAs } from '../ops/view.js'
import { grad } from './engine.js'
import { enableGrad, gradMode, isGradEnabled } from './mode.js'

type OneOrMany = Tensor | readonly Tensor[]
/** `T` for one tensor, an array of them for several. */
export type Each<S, T> = S extends Tensor ? T : T[]
type Func<R extends OneOrMany> = (...inputs: Tensor[]) => R
type MaybeGradients = (Tensor | null)[]

export interface FunctionalOptions {
  /** Record the computation of the result, so that it can be differentiated; the inputs must require gradients. */
  createGraph?: boolean
  /** Raise an error where an output does not depend on an input, instead of answering zeros. */
  strict?: boolean
}

/** A value given as one tensor or several, as a list. */
function listOf(value: unknown, what: string, name: string): readonly Tensor[] {
  if (value instanceof Tensor) return [value]
  if (!Array.isArray(value))
    throw new TypeError(
      `The ${what} given to ${name} must be either a Tensor or a tuple of Tensors but the given ${what} has type ${typeof value}.`,
    )
  const at = value.findIndex((t) => !(t instanceof Tensor))
  if (at >= 0)
    throw new TypeError(
      `The ${what} given to ${name} must be either a Tensor or a tuple of Tensors but the value at index ${at} of the given ${what} ` +
        `has type ${typeof value[at]}.`,
    )
  return value
}

/** The same structure that `like` has: one, or an array. */
const shapedLike = <S extends OneOrMany, T>(like: S, values: readonly T[]): Each<S, T> =>
  (like instanceof Tensor ? values[0] : [...values]) as Each<S, T>

/** Fresh tensors to differentiate with respect to. */
function prepared(inputs: readonly Tensor[], createGraph: boolean, requiresGrad = true): Tensor[] {
  return inputs.map((input) => {
    if (createGraph) return viewAs(input, input)
    const fresh = detach(input)
    fresh.leafRequiresGrad = requiresGrad
    return fresh
  })
}

const finished = (tensors: readonly Tensor[], createGraph: boolean): Tensor[] =>
  tensors.map((t) => (createGraph || !t.requiresGrad ? t : detach(t)))

function called<R extends OneOrMany>(
  func: Func<R>,
  inputs: readonly Tensor[],
  name: string,
): { outputs: readonly Tensor[]; like: R } {
  const like = func(...inputs)
  return { outputs: listOf(like, 'outputs of the user-provided function', name), like }
}

/** The gradients of those outputs that have any. */
function gradients(
  outputs: MaybeGradients | readonly Tensor[],
  inputs: readonly Tensor[],
  gradOutputs: readonly (Tensor | null)[] | null,
  createGraph: boolean,
): MaybeGradients {
  const used = [...outputs.keys()].filter((i) => outputs[i]?.requiresGrad)
  if (used.length === 0) return inputs.map(() => null)
  return grad(
    used.map((i) => outputs[i]!),
    inputs,
    { gradOutputs: used.map((i) => gradOutputs?.[i] ?? null), createGraph, retainGraph: true, allowUnused: true },
  )
}

const notStrict = 'This is not allowed in strict mode.'
const linear = {
  outputs: (i: number) =>
    `Output ${i} of the user-provided function does not require gradients. The outputs must be computed in a differentiable manner from the input when running in strict mode.`,
  gradInputs: (i: number) =>
    `The gradient with respect to input ${i} is independent of the inputs of the user-provided function. ${notStrict}`,
  jacobian: (i: number) =>
    `While computing the hessian, found that the jacobian of the user-provided function with respect to input ${i} is independent of the input. ${notStrict} ` +
    'You should ensure that your function is twice differentiable and that the jacobian depends on the inputs (this would be violated by a linear function for example).',
  hessian: (i: number) =>
    `The hessian of the user-provided function with respect to input ${i} is independent of the input. ${notStrict} ` +
    'You should ensure that your function is thrice differentiable and that the hessian depends on the inputs.',
}

function requireGraph(tensors: MaybeGradients | readonly Tensor[], what: keyof typeof linear, strict: boolean): void {
  if (!strict) return
  tensors.forEach((t, i) => {
    if (t === null) throw new Error(`The output of the user-provided function is independent of input ${i}. ${notStrict}`)
    if (!t.requiresGrad) throw new Error(linear[what](i))
  })
}

const independent = {
  back: (i: number) => `The output of the user-provided function is independent of input ${i}. ${notStrict}`,
  backTrick: (i: number) =>
    `The gradient with respect to the input is independent of entry ${i} in the grad_outputs when using the double backward trick to compute forward mode gradients. ${notStrict}`,
  doubleBack: (i: number) => `The jacobian of the user-provided function is independent of input ${i}. ${notStrict}`,
  doubleBackTrick: (i: number) =>
    `The hessian of the user-provided function is independent of entry ${i} in the grad_jacobian. This is not allowed in strict mode as it prevents from using the double backward trick to replace forward mode AD.`,
}

/** Zeros where there is no gradient, or an error. */
function filledIn(
  found: MaybeGradients,
  like: readonly Tensor[],
  { strict = false, createGraph = false }: FunctionalOptions,
  stage: keyof typeof independent,
): Tensor[] {
  return found.map((gradient, i) => {
    if (strict && gradient === null) throw new Error(independent[stage](i))
    if (strict && createGraph && !gradient!.requiresGrad)
      throw new Error(
        `The ${stage.startsWith('double') ? 'hessian' : 'jacobian'} of the user-provided function is independent of input ${i}. ` +
          'This is not allowed in strict mode when createGraph is true.',
      )
    return gradient ?? zerosLike(like[i])
  })
}

function checkedVectors(v: OneOrMany, like: readonly Tensor[], many: boolean, name: string, createGraph: boolean): Tensor[] {
  const vectors = prepared(listOf(v, 'v', name), createGraph, false)
  if (vectors.length !== like.length)
    throw new Error(
      many
        ? `v is a tuple of invalid length: should be ${like.length} but got ${vectors.length}.`
        : 'The given v should contain a single Tensor.',
    )
  vectors.forEach((vector, i) => {
    const [expected, got] = [showShape(like[i].shape), showShape(vector.shape)]
    if (expected !== got)
      throw new Error(
        `${many ? `Entry ${i} in ` : ''}v has invalid size: should be torch.Size(${expected}) but got torch.Size(${got}).`,
      )
  })
  return vectors
}

/** The vector that stands for none: only where there is just one number. */
function vectorsOr(
  v: OneOrMany | null | undefined,
  like: readonly Tensor[],
  many: boolean,
  name: string,
  createGraph: boolean,
  ofWhat: string,
): Tensor[] | null {
  if (v !== null && v !== undefined) return checkedVectors(v, like, many, name, createGraph)
  if (like.length !== 1 || like[0].numel() !== 1)
    throw new Error(`The vector v can only be None if ${ofWhat} a single Tensor with a single element.`)
  return null
}
const ofInput = 'the input to the user-provided function is'

/** Runs the last step recorded where its result is to be differentiated. */
const lastStep = <T>(createGraph: boolean, body: () => T): T => gradMode(createGraph || isGradEnabled(), body)

/**
 * The Jacobian of a function: d output[i…] / d input[j…] at `[i…, j…]`, one for each pair of an output and an input, as
 * `torch.autograd.functional.jacobian`.
 *
 * @example
 * const x = torch.tensor([1, 2])
 * autograd.functional.jacobian((x) => x.mul(x), x).tolist() // [[2, 0], [0, 4]]
 */
export function jacobian<R extends OneOrMany, I extends OneOrMany>(
  func: Func<R>,
  inputs: I,
  options: FunctionalOptions = {},
): Each<R, Each<I, Tensor>> {
  const { createGraph = false, strict = false } = options
  return enableGrad(() => {
    const given = prepared(listOf(inputs, 'inputs', 'jacobian'), createGraph)
    const { outputs, like } = called(func, given, 'jacobian')
    requireGraph(outputs, 'outputs', strict)
    const result = outputs.map((output, o) => {
      const rows: Tensor[][] = given.map(() => [])
      for (let j = 0; j < output.numel(); j++) {
        const seed = new Float64Array(output.numel())
        seed[j] = 1
        const row = gradients([output], given, [fromTypedArray(seed, output.shape, { dtype: output.dtype })], createGraph)
        row.forEach((gradient, i) => {
          if (strict && gradient === null)
            throw new Error(`Output ${o} of the user-provided function is independent of input ${i}. ${notStrict}`)
          if (strict && createGraph && !gradient!.requiresGrad)
            throw new Error(
              `The jacobian of the user-provided function is independent of input ${i}. This is not allowed in strict mode when createGraph is true.`,
            )
          rows[i].push(gradient ?? zerosLike(given[i]))
        })
      }
      const blocks = given.map((input, i) => {
        const shape = [...output.shape, ...input.shape]
        return rows[i].length === 0 ? reshape(zerosLike(output), shape) : reshape(stack(rows[i]), shape)
      })
      return shapedLike(inputs, finished(blocks, createGraph))
    })
    return shapedLike(like, result) as Each<R, Each<I, Tensor>>
  })
}

/** The function's only output, of one element. */
function scalarOutput(outputs: readonly Tensor[], like: OneOrMany, name: string): Tensor {
  if (!(like instanceof Tensor)) throw new Error(`The function given to ${name} should return a single Tensor`)
  if (outputs[0].numel() !== 1)
    throw new Error(`The Tensor returned by the function given to ${name} should contain a single element`)
  return outputs[0]
}

/**
 * The Hessian of a function with one number as its output: d² output / d input[i…] d input[j…] at `[i…, j…]`, one for each
 * pair of inputs, as `torch.autograd.functional.hessian`.
 *
 * @example
 * const x = torch.tensor([1, 2])
 * autograd.functional.hessian((x) => x.pow(3).sum(), x).tolist() // [[6, 0], [0, 12]]
 */
export function hessian<I extends OneOrMany>(
  func: Func<Tensor>,
  inputs: I,
  options: FunctionalOptions = {},
): Each<I, Each<I, Tensor>> {
  const { strict = false } = options
  const list = listOf(inputs, 'inputs', 'hessian')
  const scalar: Func<Tensor> = (...args) => {
    const { outputs, like } = called(func, args, 'hessian')
    return squeeze(scalarOutput(outputs, like, 'hessian'))
  }
  const first: Func<Tensor[]> = (...args) => {
    const found = jacobian(scalar, args as readonly Tensor[], { createGraph: true })
    requireGraph(found, 'jacobian', strict)
    return found
  }
  const blocks = jacobian(first, list, options)
  return shapedLike(
    inputs,
    blocks.map((row) => shapedLike(inputs, row)),
  )
}

/**
 * The outputs of a function and vᵀJ, the product of a vector with its Jacobian, as `torch.autograd.functional.vjp`. `v`
 * has the shapes of the outputs and may be left out for a single number.
 *
 * @example
 * const [y, g] = autograd.functional.vjp((x) => x.mul(x), torch.tensor([1, 2]), torch.ones(2)) // g: [2., 4.]
 */
export function vjp<R extends OneOrMany, I extends OneOrMany>(
  func: Func<R>,
  inputs: I,
  v?: OneOrMany | null,
  options: FunctionalOptions = {},
): [outputs: Each<R, Tensor>, vjp: Each<I, Tensor>] {
  const { createGraph = false, strict = false } = options
  const { given, outputs, like, vectors } = enableGrad(() => {
    const given = prepared(listOf(inputs, 'inputs', 'vjp'), createGraph)
    const { outputs, like } = called(func, given, 'vjp')
    requireGraph(outputs, 'outputs', strict)
    const many = !(like instanceof Tensor)
    return {
      given,
      outputs,
      like,
      vectors: vectorsOr(v, outputs, many, 'vjp', createGraph, 'the user-provided function returns'),
    }
  })
  return lastStep(createGraph, () => {
    const found = filledIn(gradients(outputs, given, vectors, createGraph), given, options, 'back')
    return [shapedLike(like, finished(outputs, createGraph)), shapedLike(inputs, finished(found, createGraph))]
  })
}

/**
 * The outputs of a function and Jv, the product of its Jacobian with a vector, as `torch.autograd.functional.jvp`. `v` has
 * the shapes of the inputs and may be left out for a single number. Backward twice: vᵀJ is linear in v, and its derivative
 * by v is J.
 *
 * @example
 * const [y, d] = autograd.functional.jvp((x) => x.mul(x), torch.tensor([1, 2]), torch.ones(2)) // d: [2., 4.]
 */
export function jvp<R extends OneOrMany, I extends OneOrMany>(
  func: Func<R>,
  inputs: I,
  v?: OneOrMany | null,
  options: FunctionalOptions = {},
): [outputs: Each<R, Tensor>, jvp: Each<R, Tensor>] {
  const { createGraph = false, strict = false } = options
  const { outputs, like, vectors, seeds, first } = enableGrad(() => {
    const list = listOf(inputs, 'inputs', 'jvp')
    const vectors = vectorsOr(v, list, !(inputs instanceof Tensor), 'jvp', createGraph, ofInput)
    const given = prepared(list, createGraph)
    const { outputs, like } = called(func, given, 'jvp')
    requireGraph(outputs, 'outputs', strict)
    const seeds = outputs.map(variableZeros)
    const first = gradients(outputs, given, seeds, true)
    requireGraph(first, 'gradInputs', strict)
    return { outputs, like, vectors, seeds, first }
  })
  return lastStep(createGraph, () => {
    const found = filledIn(gradients(first, seeds, vectors, createGraph), outputs, options, 'backTrick')
    return [shapedLike(like, finished(outputs, createGraph)), shapedLike(like, finished(found, createGraph))]
  })
}

function variableZeros(like: Tensor): Tensor {
  const zeros = zerosLike(like)
  zeros.leafRequiresGrad = true
  return zeros
}

/** What vhp and hvp begin with: the gradient of a function with one number as its output. */
function firstDerivative(
  func: Func<Tensor>,
  inputs: OneOrMany,
  v: OneOrMany | null | undefined,
  name: string,
  options: FunctionalOptions,
) {
  const { createGraph = false, strict = false } = options
  const list = listOf(inputs, 'inputs', name)
  const vectors = vectorsOr(v, list, !(inputs instanceof Tensor), name, createGraph, ofInput)
  const given = prepared(list, createGraph)
  const { outputs, like } = called(func, given, name)
  requireGraph(outputs, 'outputs', strict)
  const output = scalarOutput(outputs, like, name)
  const jacobian = gradients(outputs, given, null, true)
  requireGraph(jacobian, 'jacobian', strict)
  return { vectors, given, output, jacobian }
}

/**
 * The output of a function with one number as its output, and vᵀH, the product of a vector with its Hessian, as
 * `torch.autograd.functional.vhp`.
 *
 * @example
 * const [y, g] = autograd.functional.vhp((x) => x.pow(3).sum(), torch.tensor([1, 2]), torch.ones(2)) // g: [6., 12.]
 */
export function vhp<I extends OneOrMany>(
  func: Func<Tensor>,
  inputs: I,
  v?: OneOrMany | null,
  options: FunctionalOptions = {},
): [output: Tensor, vhp: Each<I, Tensor>] {
  const { createGraph = false } = options
  const { vectors, given, output, jacobian } = enableGrad(() => firstDerivative(func, inputs, v, 'vhp', options))
  return lastStep(createGraph, () => {
    const found = filledIn(gradients(jacobian, given, vectors, createGraph), given, options, 'doubleBack')
    return [finished([output], createGraph)[0], shapedLike(inputs, finished(found, createGraph))]
  })
}

/**
 * The output of a function with one number as its output, and Hv, the product of its Hessian with a vector, as
 * `torch.autograd.functional.hvp`. `vhp` gives the same for less work.
 *
 * @example
 * const [y, g] = autograd.functional.hvp((x) => x.pow(3).sum(), torch.tensor([1, 2]), torch.ones(2)) // g: [6., 12.]
 */
export function hvp<I extends OneOrMany>(
  func: Func<Tensor>,
  inputs: I,
  v?: OneOrMany | null,
  options: FunctionalOptions = {},
): [output: Tensor, hvp: Each<I, Tensor>] {
  const { createGraph = false, strict = false } = options
  const { vectors, given, output, seeds, second } = enableGrad(() => {
    const begun = firstDerivative(func, inputs, v, 'hvp', options)
    const seeds = begun.given.map(variableZeros)
    const second = gradients(begun.jacobian, begun.given, seeds, true)
    requireGraph(second, 'hessian', strict)
    return { ...begun, seeds, second }
  })
  return lastStep(createGraph, () => {
    const found = filledIn(gradients(second, seeds, vectors, createGraph), given, options, 'doubleBackTrick')
    return [finished([output], createGraph)[0], shapedLike(inputs, finished(found, createGraph))]
  })
}
