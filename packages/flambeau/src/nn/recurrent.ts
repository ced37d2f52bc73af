/** One recurrent layer in one direction, as one op over all steps. */

import { grad } from '../autograd/engine.js'
import { type Operand, type RecurrentMode, recurrentModes } from '../backends/backend.js'
import { isGradEnabled } from '../core/graph.js'
import { Tensor } from '../core/tensor.js'
import { relu } from '../ops/activation.js'
import { add, mul, sub } from '../ops/arithmetic.js'
import { copyInto, copyOf, rowMajor } from '../ops/copy.js'
import { toTypedArray } from '../ops/creation.js'
import { commonBackend, defineOp, emptyTensor, type Gradients, needsRecording, type Op } from '../ops/dispatch.js'
import { sigmoid, tanh } from '../ops/elementary.js'
import { cat } from '../ops/joining.js'
import { linear, mm } from '../ops/matmul.js'
import { sum } from '../ops/reduce.js'
import { chunk } from '../ops/split.js'
import { detach, makeView, narrow, t } from '../ops/view.js'

/** How many gates each unit has. */
export const gateCount: Readonly<Record<RecurrentMode, number>> = { tanh: 1, relu: 1, lstm: 4, gru: 3 }

/** The parameters of a layer in one direction. */
export interface RecurrentWeights {
  /** [gates · hidden, input] */
  readonly wInput: Tensor
  /** [gates · hidden, state] */
  readonly wHidden: Tensor
  readonly bInput: Tensor | null
  readonly bHidden: Tensor | null
  /** [state, hidden]: for an LSTM whose output is projected. */
  readonly wProjection: Tensor | null
}

interface Attributes {
  readonly mode: RecurrentMode
  readonly hasBias: boolean
  readonly hasProjection: boolean
  /** How many rows each step has, in int64; null where all have the whole batch. */
  readonly sizes: Tensor | null
  readonly steps: number
  readonly reverse: boolean
  /** Whether what backward needs is to be kept. */
  readonly keeps: boolean
}

/** The inputs of the op by name: x, the first states, and the weights. */
function read<T>(inputs: readonly T[], { mode, hasBias, hasProjection }: Attributes) {
  let at = 0
  const next = (isThere = true): T | null => (isThere ? inputs[at++] : null)
  const [x, h] = [next()!, next()!]
  const c = next(mode === 'lstm')
  const [wInput, wHidden] = [next()!, next()!]
  const [bInput, bHidden, wProjection] = [next(hasBias), next(hasBias), next(hasProjection)]
  return { x, h, c, wInput, wHidden, bInput, bHidden, wProjection }
}

const transposed = ({ storage, layout, dtype }: Tensor): Operand => ({ storage, dtype, layout: layout.permute([1, 0]) })

/**
 * Outputs: those of all steps, the last state and an LSTM's last cell; then, for backward, the activated gates, the states
 * before each step, an LSTM's cells before each step, and its unprojected outputs or a GRU's hidden part of the new gate.
 */
const recurrentOp = (mode: RecurrentMode): Op<Attributes> => {
  const results = mode === 'lstm' ? 3 : 2
  return defineOp<Attributes>({
    name: { tanh: 'RnnTanh', relu: 'RnnRelu', lstm: 'Lstm', gru: 'Gru' }[mode],
    differentiableOutputs: results,
    forward: (inputs, attributes) => {
      const backend = commonBackend(inputs)
      const { x, h, c, wInput, wHidden, bInput, bHidden, wProjection } = read(inputs, attributes)
      const { sizes, steps, reverse, keeps, hasProjection } = attributes
      const [rows, width, p] = [x.layout.shape[0], ...wHidden.layout.shape]
      const units = width / gateCount[mode]
      const make = (columns: number): Tensor => emptyTensor(backend, [rows, columns], x.dtype)
      const gates = make(width)
      copyInto(gates, bInput === null ? 0 : mode === 'gru' ? bInput : add(detach(bInput), detach(bHidden!)))
      if (gates.layout.numel > 0) backend.run('matmul', x, transposed(wInput), gates, true)
      const [out, state, cell] = [make(p), copyOf(h), c && copyOf(c)]
      const before = keeps ? make(p) : null
      const cellBefore = keeps && c !== null ? make(units) : null
      const extra = hasProjection || (keeps && mode === 'gru') ? make(units) : null
      const bias = mode === 'gru' && bHidden !== null ? rowMajor(bHidden) : null
      const code = recurrentModes.indexOf(mode)
      const kept = [before, cellBefore, extra] as const
      backend.run('recurrent', code, gates, wHidden, bias, wProjection, state, cell, out, ...kept, sizes, steps, reverse)
      return [out, state, ...(cell ? [cell] : []), ...(keeps ? [gates, before!] : []), ...kept.slice(1).filter((k) => k !== null)]
    },
    save: (inputs, outputs) => [...inputs, ...outputs.slice(results)],
    backward: (gradients, { saved, attrs, needs }) => {
      const inputs = saved.slice(0, needs.length)
      return isGradEnabled() && [...gradients, ...inputs].some((x) => x?.requiresGrad)
        ? throughUnrolled(gradients, inputs, attrs, needs)
        : fused(gradients, inputs, saved.slice(needs.length), attrs, needs)
    },
  })
}
const ops = Object.fromEntries(recurrentModes.map((mode) => [mode, recurrentOp(mode)])) as Record<RecurrentMode, Op<Attributes>>

/** Runs backward over time with the kernel, then takes the products over all steps at once. */
function fused(
  [gradOut, gradState, gradCell]: Gradients,
  inputs: readonly Tensor[],
  kept: readonly Tensor[],
  attributes: Attributes,
  needs: readonly boolean[],
): Gradients {
  const { mode, hasProjection, sizes, steps, reverse } = attributes
  const { x, h, c, wInput, wHidden, wProjection } = read(inputs, attributes)
  const wanted = read(needs, attributes)
  const backend = x.storage.allocator
  const [gates, before] = kept
  const cellBefore = mode === 'lstm' ? kept[2] : null
  const extra = hasProjection || mode === 'gru' ? kept.at(-1)! : null
  const like = (tensor: Tensor): Tensor => emptyTensor(backend, tensor.layout.shape, tensor.dtype)
  const start = (gradient: Tensor | null, state: Tensor): Tensor => {
    const out = like(state)
    copyInto(out, gradient ?? 0)
    return out
  }
  const [gradH, gradC] = [start(gradState, h), c && start(gradCell, c)]
  const gradGates = like(gates)
  const gradHidden = mode === 'gru' ? like(gates) : null
  const gradProjected = hasProjection ? like(before) : null
  const seen = [gradOut && rowMajor(gradOut), gradH, gradC, before, cellBefore, extra] as const
  const written = [gradGates, gradHidden, gradProjected] as const
  const code = recurrentModes.indexOf(mode)
  backend.run('recurrentBackward', code, gates, wHidden, wProjection, ...seen, ...written, sizes, steps, reverse)
  const hidden = gradHidden ?? gradGates
  const found = {
    x: wanted.x ? mm(gradGates, wInput) : null,
    h: gradH,
    c: gradC,
    wInput: wanted.wInput ? mm(t(gradGates), x) : null,
    wHidden: wanted.wHidden ? mm(t(hidden), before) : null,
    bInput: wanted.bInput ? sum(gradGates, 0) : null,
    bHidden: wanted.bHidden ? sum(hidden, 0) : null,
    wProjection: wanted.wProjection ? mm(t(gradProjected!), extra!) : null,
  }
  return inOrder(found, attributes)
}

/** Gradients by name in the order of the op's inputs. */
function inOrder(found: Record<keyof ReturnType<typeof read>, Tensor | null>, attributes: Attributes): Gradients {
  const { mode, hasBias, hasProjection } = attributes
  const { x, h, c, wInput, wHidden, bInput, bHidden, wProjection } = found
  const [states, biases] = [mode === 'lstm' ? [h, c] : [h], hasBias ? [bInput, bHidden] : []]
  return [x, ...states, wInput, wHidden, ...biases, ...(hasProjection ? [wProjection] : [])]
}

/** Where the gradient is differentiated again: the gradient of the same layer written step by step in ops. */
function throughUnrolled(
  gradients: Gradients,
  inputs: readonly Tensor[],
  attributes: Attributes,
  needs: readonly boolean[],
): Gradients {
  // Views of the inputs, so that a gradient ends there even where one input depends on another.
  const views = inputs.map((input) => makeView('Alias', input, input.layout, (g) => g))
  const results = unrolled(views, attributes)
  const used = results.map((_, i) => i).filter((i) => gradients[i] && results[i].requiresGrad)
  const wanted = views.filter((_, i) => needs[i])
  const found = grad(
    used.map((i) => results[i]),
    wanted,
    { gradOutputs: used.map((i) => gradients[i]), createGraph: true, allowUnused: true },
  )
  return needs.map((need) => (need ? (found.shift() ?? null) : null))
}

/** The layer in ops: its output, last state and, of an LSTM, last cell. */
function unrolled(inputs: readonly Tensor[], attributes: Attributes): Tensor[] {
  const { mode, sizes, steps, reverse } = attributes
  const { x, h, c, wInput, wHidden, bInput, bHidden, wProjection } = read(inputs, attributes)
  const batch = h.layout.shape[0]
  const rows = sizes === null ? new Array<number>(steps).fill(batch) : Array.from(toTypedArray(sizes), Number)
  const first = rows.map((_, i) => rows.slice(0, i).reduce((n, size) => n + size, 0))
  const gates = linear(x, wInput, bInput)
  const outs = new Array<Tensor>(steps)
  let [state, cell] = [h, c]
  // The rows of a state that this step changes, and then those that it leaves.
  const joined = (now: Tensor, old: Tensor, n: number): Tensor => (n === batch ? now : cat([now, narrow(old, 0, n, batch - n)]))
  for (let k = 0; k < steps; k++) {
    const i = reverse ? steps - 1 - k : k
    const n = rows[i]
    const own = narrow(gates, 0, first[i], n)
    const before = narrow(state, 0, 0, n)
    const hidden = linear(before, wHidden, bHidden)
    let now: Tensor
    if (mode === 'lstm') {
      const [iGate, f, g, o] = chunk(add(own, hidden), 4, 1)
      const c = add(mul(sigmoid(f), narrow(cell!, 0, 0, n)), mul(sigmoid(iGate), tanh(g)))
      cell = joined(c, cell!, n)
      now = mul(sigmoid(o), tanh(c))
      if (wProjection !== null) now = linear(now, wProjection)
    } else if (mode === 'gru') {
      const [[r, z, fresh], [hr, hz, hFresh]] = [own, hidden].map((part) => chunk(part, 3, 1))
      const candidate = tanh(add(fresh, mul(sigmoid(add(r, hr)), hFresh)))
      now = add(mul(sub(before, candidate), sigmoid(add(z, hz))), candidate)
    } else now = (mode === 'tanh' ? tanh : relu)(add(own, hidden))
    outs[i] = now
    state = joined(now, state, n)
  }
  return [cat(outs), state, ...(cell === null ? [] : [cell])]
}

export interface RecurrentResult {
  /** The output of every step, row by row. */
  readonly out: Tensor
  readonly h: Tensor
  readonly c: Tensor | null
}

/**
 * Runs a layer over rows `x` [rows, input] from the states h [batch, state] and c [batch, hidden]; step i takes the next
 * `sizes[i]` rows, or as many as the batch has.
 */
export function recurrentLayer(
  mode: RecurrentMode,
  x: Tensor,
  h: Tensor,
  c: Tensor | null,
  weights: RecurrentWeights,
  steps: number,
  sizes: Tensor | null = null,
  reverse = false,
): RecurrentResult {
  const { wInput, wHidden, bInput, bHidden, wProjection } = weights
  const inputs = [x, h, c, wInput, wHidden, bInput, bHidden, wProjection].filter((tensor) => tensor instanceof Tensor)
  const flags = { hasBias: bInput !== null, hasProjection: wProjection !== null, keeps: needsRecording(inputs) }
  const results = ops[mode](inputs, { mode, sizes, steps, reverse, ...flags })
  return { out: results[0], h: results[1], c: mode === 'lstm' ? results[2] : null }
}
