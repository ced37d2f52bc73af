/** Checking gradients against finite differences. */

import { isComplex, isDifferentiable } from '../core/dtype.js'
import { showShape } from '../core/layout.js'
import { Tensor } from '../core/tensor.js'
import { fromTypedArray, toTypedArray, zerosLike } from '../ops/creation.js'
import { viewAsReal } from '../ops/parts.js'
import { Generator, randn } from '../ops/random.js'
import { detach } from '../ops/view.js'
import { grad } from './engine.js'
import { enableGrad, noGrad } from './mode.js'

export interface GradcheckOptions {
  /** Step of the finite differences. */
  eps?: number
  atol?: number
  rtol?: number
  /** Answer false instead of raising an error. */
  raiseException?: boolean
}

type Outputs = Tensor | Iterable<Tensor>
type Function = (...inputs: Tensor[]) => Outputs

const listOf = (outputs: Outputs): Tensor[] => (outputs instanceof Tensor ? [outputs] : [...outputs])
/** What is compared: outputs that can have gradients, complex ones as the floats they consist of. */
const differentiable = (outputs: Outputs): Tensor[] =>
  listOf(outputs)
    .filter((t) => isDifferentiable(t.dtype))
    .map((t) => (isComplex(t.dtype) ? viewAsReal(t) : t))
/** How many floats a tensor consists of. */
const floats = (t: Tensor): number => (isComplex(t.dtype) ? 2 : 1) * t.layout.numel

/**
 * Compares the gradients that backward computes with central differences, for every input that requires a gradient and
 * every output, as `torch.autograd.gradcheck`. Inputs should be float64 or complex128.
 *
 * @throws Error that shows both where they differ (unless `raiseException` is false).
 * @example
 * const x = torch.rand(3, { dtype: 'float64', requiresGrad: true })
 * autograd.gradcheck((x) => x.sin(), [x]) // true
 */
export function gradcheck(fn: Function, inputs: readonly Tensor[], options: GradcheckOptions = {}): boolean {
  const { eps = 1e-6, atol = 1e-5, rtol = 1e-3, raiseException = true } = options
  const wanted = inputs.filter((t) => t.requiresGrad)
  if (wanted.length === 0)
    throw new Error(
      'gradcheck expects at least one input tensor to require gradient, but none of the them have requires_grad=True.',
    )
  for (const input of wanted)
    if (input.dtype !== 'float64' && input.dtype !== 'complex128')
      throw new Error(`gradcheck needs float64 or complex128 inputs: finite differences of ${input.dtype} are too coarse`)
  const outputs = differentiable(fn(...inputs))
  // All analytic ones first: perturbing an input changes what the graph has saved.
  const jacobians = outputs.map((output) =>
    output.requiresGrad ? analyticJacobian(output, wanted) : wanted.map((t) => new Float64Array(floats(t) * output.layout.numel)),
  )
  for (const [o, output] of outputs.entries()) {
    const analytic = jacobians[o]
    for (const [i, input] of wanted.entries()) {
      const numeric = numericJacobian(() => differentiable(fn(...inputs))[o], input, eps)
      const columns = floats(input)
      for (let at = 0; at < numeric.length; at++) {
        const [a, n] = [analytic[i][at], numeric[at]]
        if (Math.abs(a - n) <= atol + rtol * Math.abs(n) || (Number.isNaN(a) && Number.isNaN(n))) continue
        if (!raiseException) return false
        throw new Error(
          `Jacobian mismatch for output ${o} with respect to input ${i}: at output element ${Math.floor(at / columns)} and input ` +
            `element ${at % columns} of shapes ${showShape(output.layout.shape)} and ${showShape(input.layout.shape)}, ` +
            `numerical: ${n}, analytical: ${a}`,
        )
      }
    }
  }
  return true
}

/** d output[r] / d input[c] at [r · columns + c], row by row through backward. */
function analyticJacobian(output: Tensor, inputs: readonly Tensor[]): Float64Array[] {
  const rows = output.layout.numel
  const jacobians = inputs.map((t) => new Float64Array(rows * floats(t)))
  for (let r = 0; r < rows; r++) {
    const seed = new Float64Array(rows)
    seed[r] = 1
    const gradOutputs = fromTypedArray(seed, output.layout.shape, { dtype: output.dtype })
    const gradients = grad(output, inputs, { gradOutputs, retainGraph: true, allowUnused: true })
    gradients.forEach((g, i) => {
      if (g !== null) jacobians[i].set(toTypedArray(g) as Float64Array, r * floats(inputs[i]))
    })
  }
  return jacobians
}

function numericJacobian(evaluate: () => Tensor, input: Tensor, eps: number): Float64Array {
  const original = toTypedArray(input) as Float64Array
  const columns = original.length
  const at = (values: Float64Array): Float64Array =>
    noGrad(() => {
      detach(input).copy_(fromTypedArray(values, input.layout.shape, { dtype: input.dtype }))
      return Float64Array.from(toTypedArray(evaluate()) as Float64Array)
    })
  let jacobian = new Float64Array(0)
  try {
    for (let c = 0; c < columns; c++) {
      const plus = at(original.with(c, original[c] + eps))
      const minus = at(original.with(c, original[c] - eps))
      if (c === 0) jacobian = new Float64Array(plus.length * columns)
      for (let r = 0; r < plus.length; r++) jacobian[r * columns + c] = (plus[r] - minus[r]) / (2 * eps)
    }
  } finally {
    at(original)
  }
  return jacobian
}

/**
 * Checks second derivatives: the gradients of gradients, with random gradients to start from, as
 * `torch.autograd.gradgradcheck`.
 *
 * @example
 * const x = torch.rand(3, { dtype: 'float64', requiresGrad: true })
 * autograd.gradgradcheck((x) => x.pow(3).sum(), [x]) // true
 */
export function gradgradcheck(fn: Function, inputs: readonly Tensor[], options: GradcheckOptions = {}): boolean {
  const wanted = inputs.filter((t) => t.requiresGrad)
  const outputs = differentiable(fn(...inputs)).filter((t) => t.requiresGrad)
  const generator = new Generator().manualSeed(1)
  const seeds = outputs.map((t) => {
    const seed = randn(t.layout.shape, { dtype: t.dtype, generator })
    seed.leafRequiresGrad = true
    return seed
  })
  // Recorded even where the finite differences are not: gradients are what is being differentiated.
  const firstDerivatives: Function = (...args) =>
    enableGrad(() => {
      const again = differentiable(fn(...args.slice(0, inputs.length))).filter((t) => t.requiresGrad)
      const gradOutputs = args.slice(inputs.length)
      const gradients = grad(again, wanted, { gradOutputs, createGraph: true, allowUnused: true })
      return gradients.map((g, i) => g ?? zerosLike(wanted[i]))
    })
  // Linear functions have constant gradients: nothing depends on the inputs, and the seeds alone are checked.
  return gradcheck(firstDerivatives, [...inputs, ...seeds], options)
}
