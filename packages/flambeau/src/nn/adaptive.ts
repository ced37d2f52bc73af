/** The softmax of very many classes, of which few are frequent. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { showShape } from '../core/layout.js'
import { type Named, named } from '../core/results.js'
import type { Tensor } from '../core/tensor.js'
import { add, neg, sub } from '../ops/arithmetic.js'
import { ge, logicalAnd, lt } from '../ops/comparison.js'
import { filled } from '../ops/copy.js'
import { item } from '../ops/creation.js'
import { gather, indexSelect, nonzero } from '../ops/indexing.js'
import { indexCopy, indexFill } from '../ops/indexPut.js'
import { cat } from '../ops/joining.js'
import { amax, amin, argmax, mean } from '../ops/reduce.js'
import { logSoftmax } from '../ops/softmax.js'
import { narrow, reshape, squeeze, unsqueeze } from '../ops/view.js'
import { ModuleList, Sequential } from './containers.js'
import { type FactoryOptions, Linear } from './linear.js'
import { Module } from './module.js'

export interface AdaptiveLogSoftmaxOptions extends FactoryOptions {
  /** By how much the projections of one cluster are smaller than those of the one before. */
  divValue?: number
  /** Whether the head has a bias. */
  headBias?: boolean
}

/**
 * An approximate softmax over many classes sorted by frequency (Grave et al.), as `torch.nn.AdaptiveLogSoftmaxWithLoss`: the
 * frequent ones, up to the first cutoff, are told apart at once, the others in clusters. Called with [N, inFeatures] and
 * targets [N] it answers with the log-probability of each target and the mean loss.
 *
 * @throws Error for cutoffs that are not ascending within [1, nClasses − 1].
 * @example
 * const softmax = new nn.AdaptiveLogSoftmaxWithLoss(16, 100, [10, 50])
 * const { output, loss } = softmax(torch.randn(4, 16), torch.tensor([0n, 20n, 60n, 99n]))
 * output.shape // [ 4 ]
 */
export class AdaptiveLogSoftmaxWithLoss extends Module {
  readonly inFeatures: number
  readonly nClasses: number
  readonly cutoffs: readonly number[]
  readonly divValue: number
  readonly headBias: boolean
  readonly shortlistSize: number
  readonly nClusters: number
  readonly headSize: number
  /** Scores of the frequent classes and of the clusters. */
  head: Linear
  /** For each cluster a projection and the scores of its classes. */
  tail: ModuleList

  constructor(
    inFeatures: number,
    nClasses: number,
    cutoffs: readonly number[],
    ...args: Arguments<[divValue: number, headBias: boolean], AdaptiveLogSoftmaxOptions>
  ) {
    super()
    const {
      divValue = 4,
      headBias = false,
      ...factory
    } = readArguments<AdaptiveLogSoftmaxOptions>(
      'AdaptiveLogSoftmaxWithLoss',
      args,
      ['divValue', 'headBias'],
      ['dtype', 'device'],
    )
    const ascending = cutoffs.every((cutoff, i) => Number.isInteger(cutoff) && cutoff > (i === 0 ? 0 : cutoffs[i - 1]))
    if (cutoffs.length === 0 || !ascending || cutoffs.at(-1)! > nClasses - 1)
      throw new Error(
        'cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each value is between 1 ' +
          'and n_classes-1',
      )
    this.inFeatures = inFeatures
    this.nClasses = nClasses
    this.cutoffs = [...cutoffs, nClasses]
    this.divValue = divValue
    this.headBias = headBias
    this.shortlistSize = cutoffs[0]
    this.nClusters = cutoffs.length
    this.headSize = this.shortlistSize + this.nClusters
    this.head = new Linear(inFeatures, this.headSize, { bias: headBias, ...factory })
    this.tail = new ModuleList()
    for (let i = 0; i < this.nClusters; i++) {
      const width = Math.floor(inFeatures / divValue ** (i + 1))
      const classes = this.cutoffs[i + 1] - this.cutoffs[i]
      this.tail.append(
        new Sequential(
          new Linear(inFeatures, width, { bias: false, ...factory }),
          new Linear(width, classes, { bias: false, ...factory }),
        ),
      )
    }
  }

  /** Draws all weights anew. */
  resetParameters(): void {
    this.head.resetParameters()
    for (const cluster of this.tail as Iterable<Sequential>) for (const layer of cluster) (layer as Linear).resetParameters()
  }

  override forward(input: Tensor, target: Tensor): Named<'output' | 'loss'> {
    if (target.ndim > 1) throw new Error('0D or 1D target tensor expected, multi-target not supported')
    if (input.ndim !== target.ndim + 1)
      throw new Error(
        `${target.ndim}D target tensor expects ${target.ndim + 1}D input tensors, but found inputs with size ${showShape(input.layout.shape)}`,
      )
    if (target.ndim === 0) {
      const { output, loss } = this.forward(unsqueeze(input, 0), unsqueeze(target, 0))
      return named({ output: squeeze(output, 0), loss })
    }
    if (input.layout.shape[0] !== target.layout.shape[0])
      throw new Error('Input and target should have the same size in the batch dimension.')
    let output = filled(input, target.layout.shape, 0)
    let headIndex = filled(target, target.layout.shape, 0)
    let used = 0
    for (const [i, high] of this.cutoffs.entries()) {
      const low = i === 0 ? 0 : this.cutoffs[i - 1]
      const rows = reshape(nonzero(logicalAnd(ge(target, low), lt(target, high))), -1)
      used += rows.layout.numel
      if (rows.layout.numel === 0) continue
      const own = indexSelect(target, 0, rows)
      if (i === 0) {
        headIndex = indexCopy(headIndex, 0, rows, own)
        continue
      }
      headIndex = indexFill(headIndex, 0, rows, this.shortlistSize + i - 1)
      const logp = logSoftmax(this.cluster(i - 1, indexSelect(input, 0, rows)), 1)
      output = indexCopy(output, 0, rows, squeeze(gather(logp, 1, unsqueeze(sub(own, low), 1)), 1))
    }
    if (used !== target.layout.numel)
      throw new RangeError(
        `Target values should be in [0, ${this.nClasses - 1}], but values in range [${item(amin(target))}, ${item(amax(target))}] were found. `,
      )
    const head = logSoftmax(this.head(input), 1)
    output = add(output, squeeze(gather(head, 1, unsqueeze(headIndex, 1)), 1))
    return named({ output, loss: mean(neg(output)) })
  }

  protected cluster(i: number, input: Tensor): Tensor {
    return (this.tail.at(i) as Sequential)(input)
  }

  /** The log-probabilities of all classes: [N, inFeatures] to [N, nClasses]. */
  logProb(input: Tensor): Tensor {
    const head = logSoftmax(this.head(input), 1)
    const parts = [narrow(head, 1, 0, this.shortlistSize)]
    for (let i = 0; i < this.nClusters; i++)
      parts.push(add(logSoftmax(this.cluster(i, input), 1), narrow(head, 1, this.shortlistSize + i, 1)))
    return cat(parts, 1)
  }

  /** The most likely class of each row: [N, inFeatures] to [N]. */
  predict(input: Tensor): Tensor {
    const output = argmax(this.head(input), 1)
    const rows = reshape(nonzero(ge(output, this.shortlistSize)), -1)
    if (rows.layout.numel === 0) return output
    return indexCopy(output, 0, rows, argmax(this.logProb(indexSelect(input, 0, rows)), 1))
  }
}
