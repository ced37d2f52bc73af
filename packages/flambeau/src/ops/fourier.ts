/** The three Fourier transforms that all others are made of: of complex numbers, of real ones, and back to real ones. */

import { type Transform, transforms } from '../backends/backend.js'
import { complexDType, isComplex, realDType } from '../core/dtype.js'
import type { Tensor } from '../core/tensor.js'
import { mul } from './arithmetic.js'
import { copyInto, filled, pairsOf } from './copy.js'
import { defineOp, emptyTensor, type Op } from './dispatch.js'
import { real } from './parts.js'
import { narrow, reshape } from './view.js'

/** One run of the kernel, along one dimension. */
function transform(kind: Transform, x: Tensor, out: Tensor, dim: number, n: number, scale: number): void {
  if (out.layout.numel === 0) return
  const floats = (t: Tensor): Tensor => (isComplex(t.dtype) ? pairsOf(t) : t)
  out.storage.allocator.run('fft', floats(x), floats(out), dim, n, transforms.indexOf(kind), scale)
}

interface ComplexAttrs {
  readonly dims: readonly number[]
  /** Backward is the transform with e^(+2πi jk/n). */
  readonly backward: boolean
  readonly scale: number
}
/** A complex tensor transformed along some dimensions. */
export const complexToComplex: Op<ComplexAttrs> = defineOp<ComplexAttrs>({
  name: 'FftC2C',
  forward: ([x], { dims, backward, scale }) => {
    const out = emptyTensor(x.storage.allocator, x.layout.shape, x.dtype)
    if (dims.length === 0) copyInto(out, x)
    // The last dimension first; the others in place.
    let from = x
    for (let i = dims.length - 1; i >= 0; i--) {
      const d = dims[i]
      transform(backward ? 'backward' : 'forward', from, out, d, x.layout.shape[d], i === 0 ? scale : 1)
      from = out
    }
    return [out]
  },
  backward: ([g], { attrs }) => [complexToComplex([g!], { ...attrs, backward: !attrs.backward })[0]],
})

interface RealAttrs {
  readonly dim: number
  readonly n: number
  readonly scale: number
}
/** n real numbers to the first n/2 + 1 of their spectrum, or, `whole`, to all n of it. */
export const realToComplex: Op<RealAttrs & { whole?: boolean }> = defineOp<RealAttrs & { whole?: boolean }>({
  name: 'FftR2C',
  forward: ([x], { dim, n, scale, whole }) => {
    const shape = x.layout.shape.with(dim, whole ? n : Math.floor(n / 2) + 1)
    const out = emptyTensor(x.storage.allocator, shape, complexDType(x.dtype))
    transform('toComplex', x, out, dim, n, scale)
    return [out]
  },
  backward: ([g], { attrs }) => {
    const { dim, n, scale, whole } = attrs
    if (whole) return [real(complexToComplex([g!], { dims: [dim], backward: true, scale })[0])]
    return [complexToReal([weighInner(g!, attrs, 0.5)], { dim, n, scale })[0]]
  },
})

/** The first n/2 + 1 of a spectrum to n real numbers. */
export const complexToReal: Op<RealAttrs> = defineOp<RealAttrs>({
  name: 'FftC2R',
  forward: ([x], { dim, n, scale }) => {
    const out = emptyTensor(x.storage.allocator, x.layout.shape.with(dim, n), realDType(x.dtype))
    transform('toReal', x, out, dim, n, scale)
    return [out]
  },
  backward: ([g], { attrs }) => [weighInner(realToComplex([g!], attrs)[0], attrs, 2)],
})

/** Half of a spectrum with those multiplied that stand for their mirror images too: all but the first and, of an even n, the last. */
function weighInner(spectrum: Tensor, { dim, n }: RealAttrs, weight: number): Tensor {
  const { shape } = spectrum.layout
  const size = shape[dim]
  const weights = filled(spectrum, [size], weight, realDType(spectrum.dtype))
  copyInto(narrow(weights, 0, 0, 1), 1)
  if (n % 2 === 0) copyInto(narrow(weights, 0, size - 1, 1), 1)
  return mul(
    spectrum,
    reshape(
      weights,
      shape.slice(dim).map((_, d) => (d === 0 ? size : 1)),
    ),
  )
}
