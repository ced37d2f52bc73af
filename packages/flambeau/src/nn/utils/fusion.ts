/** Normalisation folded into the layer before it, for evaluation. */

import { noGrad } from '../../autograd/mode.js'
import type { Tensor } from '../../core/tensor.js'
import { add, mul, rsqrt, sub } from '../../ops/arithmetic.js'
import { filled } from '../../ops/copy.js'
import { reshape } from '../../ops/view.js'
import type { Module } from '../module.js'
import { Parameter } from '../parameter.js'

/** A layer with a weight whose dimension of outputs is known, and maybe a bias. */
type Weighted = Module & { weight: Parameter; bias: Parameter | null }
/** A batch normalisation with running statistics. */
type BatchNorm = Module & {
  readonly running_mean: Tensor | null
  readonly running_var: Tensor | null
  readonly weight: Tensor | null
  readonly bias: Tensor | null
  readonly eps: number
}

function fused<M extends Weighted>(layer: M, norm: BatchNorm, outputDim: number): M {
  if (layer.training || norm.training) throw new Error('Fusion only for eval!')
  const { running_mean: mean, running_var: variance } = norm
  if (mean === null || variance === null) throw new Error('Fusion needs running statistics')
  const copy = layer.deepcopy()
  return noGrad(() => {
    const inverse = rsqrt(add(variance, norm.eps))
    const scale = norm.weight === null ? inverse : mul(norm.weight, inverse)
    const shape = layer.weight.shape.map((size, d) => (d === outputDim ? size : 1))
    const bias = sub(layer.bias ?? filled(mean, mean.shape, 0), mean)
    copy.weight = new Parameter(mul(layer.weight, reshape(scale, shape)), { requiresGrad: layer.weight.requiresGrad })
    const shifted = mul(bias, scale)
    copy.bias = new Parameter(norm.bias === null ? shifted : add(shifted, norm.bias), {
      requiresGrad: layer.bias?.requiresGrad ?? layer.weight.requiresGrad,
    })
    return copy
  })
}

/**
 * A convolution that computes what this one and the batch normalisation after it do in evaluation mode, as
 * `torch.nn.utils.fuse_conv_bn_eval`.
 *
 * @throws Error unless both are in evaluation mode.
 * @example
 * const [conv, norm] = [new nn.Conv2d(3, 8, 3).eval(), new nn.BatchNorm2d(8).eval()]
 * const x = torch.randn(1, 3, 6, 6)
 * nn.utils.fuseConvBnEval(conv, norm)(x).allclose(norm(conv(x)), { atol: 1e-5 }) // true
 */
export const fuseConvBnEval = <M extends Weighted>(conv: M, bn: BatchNorm, transpose = false): M =>
  fused(conv, bn, transpose ? 1 : 0)

/**
 * A linear layer that computes what this one and the batch normalisation after it do in evaluation mode, as
 * `torch.nn.utils.fuse_linear_bn_eval`.
 *
 * @throws Error unless both are in evaluation mode.
 * @example
 * const [linear, norm] = [new nn.Linear(3, 8).eval(), new nn.BatchNorm1d(8).eval()]
 * const x = torch.randn(4, 3)
 * nn.utils.fuseLinearBnEval(linear, norm)(x).allclose(norm(linear(x)), { atol: 1e-5 }) // true
 */
export const fuseLinearBnEval = <M extends Weighted>(linear: M, bn: BatchNorm): M => fused(linear, bn, 0)
