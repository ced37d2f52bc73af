/** L-BFGS. */

import { enableGrad, noGrad } from '../autograd/mode.js'
import { notOfComplex } from '../backends/complex.js'
import type { Arguments } from '../core/arguments.js'
import { isComplex } from '../core/dtype.js'
import type { Tensor } from '../core/tensor.js'
import { add, mul, neg, sub } from '../ops/arithmetic.js'
import { clone, copy_ } from '../ops/cast.js'
import { zeros } from '../ops/creation.js'
import { cat } from '../ops/joining.js'
import { dot } from '../ops/matmul.js'
import { narrow, reshape, viewAs } from '../ops/view.js'
import { Optimizer, type ParamGroup, type Params, settings } from './optimizer.js'
import { type Point, strongWolfe } from './strongWolfe.js'

export interface LBFGSOptions {
  /** The size of a step. */
  lr?: number
  /** The most iterations of one `step`. */
  maxIter?: number
  /** The most evaluations of the closure in one `step`; 1.25 times `maxIter` unless given. */
  maxEval?: number | null
  /** Stop where no gradient is larger. */
  toleranceGrad?: number
  /** Stop where loss and parameters change less. */
  toleranceChange?: number
  /** How many steps the approximation remembers. */
  historySize?: number
  /** How the length of a step is found; `lr` is taken unless given. */
  lineSearchFn?: 'strong_wolfe' | null
}
const defaults: Required<LBFGSOptions> = {
  lr: 1,
  maxIter: 20,
  maxEval: null,
  toleranceGrad: 1e-7,
  toleranceChange: 1e-9,
  historySize: 100,
  lineSearchFn: null,
}

/** All of it belongs to the first parameter, as in PyTorch. */
interface LBFGSState extends Record<string, Tensor | number | Tensor[] | (number | null)[] | undefined> {
  func_evals: number
  n_iter: number
  /** The direction, and how far it was gone. */
  d?: Tensor
  t?: number
  /** Changes of the gradient and of the parameters, and the inverses of their products. */
  old_dirs?: Tensor[]
  old_stps?: Tensor[]
  ro?: number[]
  H_diag?: number
  prev_flat_grad?: Tensor
  prev_loss?: number
  al?: (number | null)[]
}

/**
 * The quasi-Newton method with limited memory, as `torch.optim.LBFGS`. One `step` evaluates the closure many times; all
 * parameters are in one group.
 *
 * @example
 * const w = torch.tensor([3, -2], { requiresGrad: true })
 * const optimizer = new optim.LBFGS([w], { lineSearchFn: 'strong_wolfe' })
 * const loss = optimizer.step(() => {
 *   optimizer.zeroGrad()
 *   const loss = w.sub(torch.tensor([1, 2])).square().sum()
 *   loss.backward()
 *   return loss
 * })
 * loss.item() // 20
 * w.detach().sub(torch.tensor([1, 2])).abs().max().item() < 1e-5 // true
 */
export class LBFGS extends Optimizer<LBFGSOptions, LBFGSState> {
  protected override readonly numbers = ['func_evals', 'n_iter', 't', 'ro', 'H_diag', 'prev_loss', 'al']
  protected override readonly numbersInTensors = []

  constructor(
    params: Params<LBFGSOptions>,
    ...args: Arguments<
      [
        lr: number,
        maxIter: number,
        maxEval: number | null,
        toleranceGrad: number,
        toleranceChange: number,
        historySize: number,
        lineSearchFn: 'strong_wolfe' | null,
      ],
      LBFGSOptions
    >
  ) {
    const given = settings('LBFGS', defaults, args)
    super(params, { ...given, maxEval: given.maxEval ?? Math.floor((given.maxIter * 5) / 4) })
    const complex = this.paramGroups.flatMap(({ params: list }) => list).find((p) => isComplex(p.dtype))
    if (complex !== undefined) throw notOfComplex('LBFGS', complex.dtype)
    if (this.paramGroups.length !== 1) throw new Error("LBFGS doesn't support per-parameter options (parameter groups)")
  }

  protected override update(): void {}

  /** One step; the closure computes the loss and its gradients anew. Answers with the loss before the step. */
  override step(): undefined
  override step<T>(closure: () => T): T
  override step<T>(closure?: () => T): T | undefined {
    if (closure === undefined) throw new TypeError("LBFGS.step() missing 1 required positional argument: 'closure'")
    return noGrad(() => this.#step(closure, this.paramGroups[0]))
  }

  #step<T>(closure: () => T, group: ParamGroup<Required<LBFGSOptions>>): T {
    const { lr, maxIter, toleranceGrad, toleranceChange, lineSearchFn, historySize, params } = group
    const maxEval = group.maxEval ?? Math.floor((maxIter * 5) / 4)
    if (lineSearchFn !== null && lineSearchFn !== 'strong_wolfe') throw new Error("only 'strong_wolfe' is supported")
    let state = this.state.get(params[0])
    if (state === undefined) {
      state = { func_evals: 0, n_iter: 0 }
      this.state.set(params[0], state)
    }
    const original = enableGrad(closure)
    let loss = numberOf(original)
    let evaluations = 1
    state.func_evals++
    let gradient = flatGradient(params)
    if (largest(gradient) <= toleranceGrad) return original

    let { d, t, old_dirs: changes = [], old_stps: steps = [], ro: inverses = [], H_diag: diagonal = 1 } = state
    let before = state.prev_flat_grad
    let lossBefore = state.prev_loss
    for (let i = 1; i <= maxIter; i++) {
      state.n_iter++
      if (state.n_iter === 1) {
        d = neg(gradient)
        ;[changes, steps, inverses, diagonal] = [[], [], [], 1]
      } else {
        const y = sub(gradient, before!)
        const s = mul(d!, t!)
        const ys = product(y, s)
        if (ys > 1e-10) {
          if (changes.length === historySize) for (const list of [changes, steps, inverses]) list.shift()
          changes.push(y)
          steps.push(s)
          inverses.push(1 / ys)
          diagonal = ys / product(y, y)
        }
        state.al ??= new Array(historySize).fill(null)
        const al = state.al
        const q = neg(gradient)
        for (let k = changes.length - 1; k >= 0; k--) {
          const a = product(steps[k], q) * inverses[k]
          al[k] = a
          add.inPlace(q, changes[k], { alpha: -a })
        }
        d = mul.inPlace(q, diagonal)
        for (let k = 0; k < changes.length; k++) {
          const b = product(changes[k], d) * inverses[k]
          add.inPlace(d, steps[k], { alpha: al[k]! - b })
        }
      }
      if (before === undefined) before = clone(gradient)
      else copy_(before, gradient)
      lossBefore = loss

      t = state.n_iter === 1 ? Math.min(1, 1 / sizeOf(gradient)) * lr : lr
      const slope = product(gradient, d!)
      if (slope > -toleranceChange) break

      let evaluated = 0
      let optimal = false
      const direction = d!
      if (lineSearchFn !== null) {
        const from = params.map((p) => clone(p))
        const evaluate = (at: number): Point => {
          move(params, at, direction)
          const value = numberOf(enableGrad(closure))
          const g = flatGradient(params)
          params.forEach((p, k) => {
            copy_(p, from[k])
          })
          return { t: at, f: value, g, slope: product(g, direction) }
        }
        const found = strongWolfe(evaluate, { t: 0, f: loss, g: gradient, slope }, t, largest(direction))
        ;({ f: loss, g: gradient, t } = found.point)
        evaluated = found.evaluations
        move(params, t, direction)
        optimal = largest(gradient) <= toleranceGrad
      } else {
        move(params, t, direction)
        // What the last move leads to is for the next step to see.
        if (i !== maxIter) {
          loss = numberOf(enableGrad(closure))
          gradient = flatGradient(params)
          optimal = largest(gradient) <= toleranceGrad
          evaluated = 1
        }
      }
      evaluations += evaluated
      state.func_evals += evaluated
      if (evaluations >= maxEval || optimal) break
      if (largest(direction) * Math.abs(t) <= toleranceChange) break
      if (Math.abs(loss - lossBefore) < toleranceChange) break
    }
    Object.assign(state, {
      d,
      t,
      old_dirs: changes,
      old_stps: steps,
      ro: inverses,
      H_diag: diagonal,
      prev_flat_grad: before,
      prev_loss: lossBefore,
    })
    return original
  }
}

const numberOf = (loss: unknown): number => Number(isItem(loss) ? loss.item() : loss)
const isItem = (value: unknown): value is { item(): unknown } => typeof value === 'object' && value !== null && 'item' in value
const product = (a: Tensor, b: Tensor): number => dot(a, b).item()
const largest = (t: Tensor): number => t.abs().max().item()
const sizeOf = (t: Tensor): number => t.abs().sum().item()

/** The gradients of all parameters, one after the other; zeros where there is none. */
function flatGradient(params: readonly Tensor[]): Tensor {
  return cat(params.map((p) => (p.gradient === null ? zeros([p.layout.numel], { dtype: p.dtype }) : reshape(p.gradient, [-1]))))
}

/** Moves all parameters that far in a direction given as one vector. */
function move(params: readonly Tensor[], distance: number, direction: Tensor): void {
  let at = 0
  for (const p of params) {
    add.inPlace(p, viewAs(narrow(direction, 0, at, p.layout.numel), p), { alpha: distance })
    at += p.layout.numel
  }
}
