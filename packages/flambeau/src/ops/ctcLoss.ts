/** Connectionist temporal classification: the likelihood of a sequence of labels under any alignment. */

import type { Arguments } from '../core/arguments.js'
import { isFloatingPoint, scalarName } from '../core/dtype.js'
import type { Tensor } from '../core/tensor.js'
import { clampMin } from './activation.js'
import { div } from './arithmetic.js'
import { to } from './cast.js'
import { eq, where } from './comparison.js'
import { rowMajor } from './copy.js'
import { tolist } from './creation.js'
import { commonBackend, defineOp, emptyTensor, type Op } from './dispatch.js'
import { mean } from './reduce.js'
import { type LossReduction, readLoss, reduced } from './reduction.js'
import { squeeze, unsqueeze } from './view.js'

interface Attributes {
  readonly blank: number
  readonly zeroInfinity: boolean
  /** The longest target. */
  readonly longest: number
}

/** Inputs: log-probabilities [T, N, C], targets, and of each sequence its length, its target's length and where that begins. */
const ctcOp: Op<Attributes> = defineOp<Attributes>({
  name: 'CtcLoss',
  differentiableOutputs: 1,
  forward: ([logp, targets, lengths, targetLengths, starts], { blank, longest }) => {
    const backend = commonBackend([logp, targets])
    const [steps, batch] = logp.layout.shape
    const loss = emptyTensor(backend, [batch], logp.dtype)
    const alpha = emptyTensor(backend, [batch, steps, 2 * longest + 1], logp.dtype === 'float64' ? 'float64' : 'float32')
    backend.run('ctcLoss', logp, targets, lengths, targetLengths, starts, alpha, loss, blank)
    return [loss, alpha]
  },
  save: (inputs, [loss, alpha]) => [...inputs, loss, alpha],
  backward: ([g], { saved, attrs }) => [ctcGradOp([g!, ...saved], attrs)[0], null, null, null, null],
})

const ctcGradOp: Op<Attributes> = defineOp<Attributes>({
  name: 'CtcLossBackward',
  forward: ([g, logp, targets, lengths, targetLengths, starts, loss, alpha], { blank, zeroInfinity }) => {
    const backend = logp.storage.allocator
    const gradient = emptyTensor(backend, logp.layout.shape, logp.dtype)
    backend.run('ctcLossBackward', g, logp, targets, lengths, targetLengths, starts, loss, alpha, gradient, blank, zeroInfinity)
    return [gradient]
  },
  backward: () => {
    throw new Error('derivative for aten::_ctc_loss_backward is not implemented')
  },
})

export interface CtcLossOptions {
  /** The class that stands for no label. */
  blank?: number
  /** The mean divides each loss by its target's length first. */
  reduction?: LossReduction
  /** Count infinite losses, of targets that do not fit, and their gradients as 0. */
  zeroInfinity?: boolean
}
type Lengths = Tensor | readonly number[]

/** Lengths as int64 [N]. */
function readLengths(lengths: Lengths, name: string, logProbs: Tensor, batch: number): { values: number[]; tensor: Tensor } {
  if (!Array.isArray(lengths) && isFloatingPoint((lengths as Tensor).dtype)) throw new Error(`${name} must be integral`)
  const values = (Array.isArray(lengths) ? [...lengths] : [tolist(lengths as Tensor)].flat()) as number[]
  if (values.length !== batch) throw new Error(`${name} must be of size batch_size`)
  return { values, tensor: integersOn(logProbs, values) }
}
/** An int64 tensor where another one is. */
function integersOn(like: Tensor, values: readonly number[]): Tensor {
  const t = emptyTensor(like.storage.allocator, [values.length], 'int64')
  const { buffer, byteOffset } = t.storage.memory
  new BigInt64Array(buffer as ArrayBuffer, byteOffset, values.length).set(values.map(BigInt))
  return t
}

/**
 * −ln of the probability that the log-probabilities [T, N, C] (or [T, C]) spell the targets, summed over all alignments with
 * blanks between, as `torch.nn.functional.ctc_loss`. Targets are padded [N, S] or one after the other in a 1-d tensor. Its
 * gradient is PyTorch's: it takes the log-probabilities for the output of a log-softmax.
 *
 * @throws Error for lengths that do not fit.
 * @example
 * const logProbs = F.logSoftmax(torch.zeros(4, 1, 3), 2)
 * F.ctcLoss(logProbs, torch.tensor([[1n, 2n]]), [4], [2]) // tensor(0.8432)
 */
export function ctcLoss(
  logProbs: Tensor,
  targets: Tensor,
  inputLengths: Lengths,
  targetLengths: Lengths,
  ...args: Arguments<[blank: number, reduction: LossReduction, zeroInfinity: boolean], CtcLossOptions>
): Tensor {
  const {
    blank = 0,
    reduction,
    zeroInfinity = false,
  } = readLoss<CtcLossOptions>('ctc_loss', args, ['blank', 'reduction', 'zeroInfinity'])
  if (logProbs.ndim === 2) {
    const alone = (lengths: Lengths): Lengths =>
      !Array.isArray(lengths) && (lengths as Tensor).ndim === 0 ? unsqueeze(lengths as Tensor, 0) : lengths
    const loss = ctcLoss(
      unsqueeze(logProbs, 1),
      targets.ndim === 1 ? unsqueeze(targets, 0) : targets,
      alone(inputLengths),
      alone(targetLengths),
      { blank, reduction, zeroInfinity },
    )
    return reduction === 'none' ? squeeze(loss, 0) : loss
  }
  if (logProbs.ndim !== 3) throw new Error('log_probs must have 2 or 3 dimensions')
  if (!isFloatingPoint(logProbs.dtype)) throw new Error(`"ctc_loss_cpu" not implemented for '${scalarName(logProbs.dtype)}'`)
  if (isFloatingPoint(targets.dtype)) throw new Error('targets must be integral')
  const [steps, batch, classes] = logProbs.layout.shape
  if (!(blank >= 0 && blank < classes)) throw new Error('blank must be in label range')
  if (batch === 0) throw new Error('log_probs tensor must not be empty')
  const input = readLengths(inputLengths, 'input_lengths', logProbs, batch)
  const target = readLengths(targetLengths, 'target_lengths', logProbs, batch)
  for (const length of target.values)
    if (!(length >= 0)) throw new Error(`Expected target_lengths to have value at least 0, but got value ${length}`)
  const longest = Math.max(...target.values)
  const starts: number[] = []
  if (targets.ndim === 1) {
    let start = 0
    for (const length of target.values) {
      starts.push(start)
      start += length
    }
    if (start !== targets.layout.numel)
      throw new Error(
        `Expected tensor to have size ${start} at dimension 0, but got size ${targets.layout.numel} for argument #2 'targets' (while checking arguments for ctc_loss_cpu)`,
      )
  } else {
    const [rows, width] = targets.layout.shape
    if (targets.ndim !== 2 || rows !== batch)
      throw new Error(
        `Expected tensor to have size ${batch} at dimension 0, but got size ${rows} for argument #2 'targets' (while checking arguments for ctc_loss_cpu)`,
      )
    if (width < longest)
      throw new Error(
        `Expected tensor to have size at least ${longest} at dimension 1, but got size ${width} for argument #2 'targets' (while checking arguments for ctc_loss_cpu)`,
      )
    for (let i = 0; i < batch; i++) starts.push(i * width)
  }
  for (const length of input.values) {
    if (!(length >= 0)) throw new Error(`Expected input_lengths to have value at least 0, but got value ${length}`)
    if (length > steps) throw new Error(`Expected input_lengths to have value at most ${steps}, but got value ${length}`)
  }
  const labels = rowMajor(to(targets, 'int64'))
  const loss = ctcOp([logProbs, labels, input.tensor, target.tensor, integersOn(logProbs, starts)], {
    blank,
    zeroInfinity,
    longest,
  })[0]
  const finite = zeroInfinity ? where(eq(loss, Number.POSITIVE_INFINITY), 0, loss) : loss
  if (reduction === 'mean') return mean(div(finite, clampMin(to(target.tensor, finite.dtype), 1)))
  return reduced(finite, reduction)
}
