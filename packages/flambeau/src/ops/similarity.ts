/** How alike vectors are, and vectors of one length. */

import { type Arguments, readArguments } from '../core/arguments.js'
import { isFloatingPoint, scalarName } from '../core/dtype.js'
import type { Tensor } from '../core/tensor.js'
import { clampMin } from './activation.js'
import { add, div, mul, sub } from './arithmetic.js'
import { filled } from './copy.js'
import { item } from './creation.js'
import { requireTensor } from './define.js'
import { scatter } from './indexing.js'
import { broadcastTensors } from './joining.js'
import { norm } from './norm.js'
import { amax, amin, sum } from './reduce.js'
import { unsqueeze } from './view.js'

export interface CosineOptions {
  dim?: number
  /** The least product of lengths that is divided by. */
  eps?: number
}
/**
 * The cosine of the angle between vectors along `dim`, x1 · x2 / (|x1| |x2|), as `torch.nn.functional.cosine_similarity`.
 * Inputs are broadcast; the result lacks `dim`.
 *
 * @throws Error for integers.
 * @example
 * F.cosineSimilarity(torch.tensor([[1, 0], [1, 1]]), torch.tensor([[2, 0], [1, 0]])) // tensor([1.0000, 0.7071])
 */
export function cosineSimilarity(x1: Tensor, x2: Tensor, ...args: Arguments<[dim: number, eps: number], CosineOptions>): Tensor {
  const { dim = 1, eps = 1e-8 } = readArguments<CosineOptions>('cosine_similarity', args, ['dim', 'eps'])
  if (!isFloatingPoint(x1.dtype) || !isFloatingPoint(x2.dtype))
    throw new Error(`expected common dtype to be floating point, yet common dtype is ${scalarName(x1.dtype)}`)
  // What is added to short vectors has no part in the gradient, which so is finite for zeros too.
  const unit = (v: Tensor): Tensor => {
    const squares = v.square().sum(dim, { keepdim: true })
    const missing = clampMin(sub(eps * eps, squares.detach()), 0)
    return div(v, add(squares, missing).sqrt())
  }
  const [a, b] = broadcastTensors(x1, x2)
  return sum(mul(unit(a), unit(b)), dim)
}

export interface PairwiseDistanceOptions {
  /** Which norm. */
  p?: number
  /** Added to every difference, so that the norm is never that of zeros. */
  eps?: number
  keepdim?: boolean
}
/**
 * The p-norm of x1 − x2 + eps along the last dimension, as `torch.nn.functional.pairwise_distance`.
 *
 * @example
 * F.pairwiseDistance(torch.tensor([[3, 0]]), torch.tensor([[0, 4]])) // tensor([5.])
 */
export function pairwiseDistance(
  x1: Tensor,
  x2: Tensor,
  ...args: Arguments<[p: number, eps: number, keepdim: boolean], PairwiseDistanceOptions>
): Tensor {
  const {
    p = 2,
    eps = 1e-6,
    keepdim = false,
  } = readArguments<PairwiseDistanceOptions>('pairwise_distance', args, ['p', 'eps', 'keepdim'])
  return norm(add(sub(x1, requireTensor(x2, 'pairwise_distance', 'x2')), eps), p, -1, { keepdim })
}

export interface NormalizeOptions {
  /** Which norm becomes 1. */
  p?: number
  dim?: number | readonly number[]
  /** The least norm that is divided by. */
  eps?: number
}
/**
 * Vectors along `dim` divided by their p-norm (or by `eps` if that is larger), as `torch.nn.functional.normalize`.
 *
 * @example
 * F.normalize(torch.tensor([[3, 4], [0, 0]]))
 * // tensor([[0.6000, 0.8000],
 * //         [0.0000, 0.0000]])
 */
export function normalize(
  input: Tensor,
  ...args: Arguments<[p: number, dim: number | readonly number[], eps: number], NormalizeOptions>
): Tensor {
  const { p = 2, dim = 1, eps = 1e-12 } = readArguments<NormalizeOptions>('normalize', args, ['p', 'dim', 'eps'])
  return div(input, clampMin(norm(input, p, dim, { keepdim: true }), eps))
}

/**
 * Class numbers of any shape [*] as rows of zeros with a one: int64 [*, numClasses], as `torch.nn.functional.one_hot`. Without
 * a number of classes there are as many as the largest class asks for.
 *
 * @throws Error for other dtypes than int64, negative classes and those that are too large.
 * @example
 * F.oneHot(torch.tensor([0n, 2n]))
 * // tensor([[1, 0, 0],
 * //         [0, 0, 1]])
 */
export function oneHot(self: Tensor, ...args: Arguments<[numClasses: number], { numClasses?: number }>): Tensor {
  const { numClasses = -1 } = readArguments<{ numClasses?: number }>('one_hot', args, ['numClasses'])
  if (self.dtype !== 'int64') throw new Error('one_hot is only applicable to index tensor.')
  const { shape, numel } = self.layout
  if (numel === 0) {
    if (numClasses <= 0) throw new Error('Can not infer total number of classes from empty tensor.')
    return filled(self, [...shape, numClasses], 0)
  }
  if ((item(amin(self)) as number) < 0) throw new Error('Class values must be non-negative.')
  const needed = (item(amax(self)) as number) + 1
  if (numClasses !== -1 && numClasses < 1) throw new Error('num_classes should be positive')
  if (numClasses !== -1 && numClasses < needed) throw new Error('Class values must be smaller than num_classes.')
  return scatter(filled(self, [...shape, numClasses === -1 ? needed : numClasses], 0), -1, unsqueeze(self, -1), 1)
}
