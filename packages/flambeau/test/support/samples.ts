/** Sample inputs for the op suite: every dtype, every layout, deterministic and without the random kernels. */

import { engineBackend } from '../../src/backends/select.js'
import type { DType, Tensor } from '../../src/index.js'
import * as torch from '../../src/index.js'
import { emptyTensor } from '../../src/ops/dispatch.js'

/** A small generator of its own, so that samples do not depend on what is tested. */
export function stream(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** The range that an op's inputs come from. */
export type Domain = 'any' | 'positive' | 'unit' | 'aboveOne' | 'nonzero' | 'smallInteger' | 'distinct'

function draw(domain: Domain, u: number, i: number): number {
  switch (domain) {
    case 'positive':
      return 0.2 + 3 * u
    case 'unit':
      return -0.9 + 1.8 * u
    case 'aboveOne':
      return 1.1 + 2 * u
    case 'nonzero':
      return (u < 0.5 ? -1 : 1) * (0.5 + 2 * Math.abs(u - 0.5))
    case 'smallInteger':
      return Math.floor(u * 4)
    case 'distinct':
      return ((i * 7919) % 101) / 10 - 5
    default:
      return -3 + 6 * u
  }
}

/** A row-major sample. Integers are the rounded numbers, bools whether they are positive. */
export function sample(shape: readonly number[], dtype: DType, domain: Domain = 'any', seed = 1): Tensor {
  const next = stream(seed * 7919 + shape.length)
  const numel = shape.reduce((n, s) => n * s, 1)
  const values = Array.from({ length: numel }, (_, i) => draw(domain, next(), i))
  const whole = (v: number): number => {
    const rounded = Math.round(v * 2)
    return (dtype === 'uint8' ? Math.abs(rounded) : rounded) || (domain === 'any' ? 0 : 1)
  }
  const numbers = dtype.includes('float') ? values : dtype === 'bool' ? values.map((v) => (v > 0 ? 1 : 0)) : values.map(whole)
  return torch.fromTypedArray(Float64Array.from(numbers), shape).to(dtype)
}

/** The same elements laid out differently. */
export const layouts = {
  contiguous: (t: Tensor): Tensor => t,
  transposed: (t: Tensor): Tensor => (t.ndim < 2 ? t : t.transpose(0, -1).contiguous().transpose(0, -1)),
  // Every second element of a buffer twice as long, from the third on.
  sliced: (t: Tensor): Tensor => {
    if (t.ndim === 0) return t
    const last = t.ndim - 1
    const wide = torch.cat([t, t], last).contiguous()
    const spread = torch.zeros([...t.shape.slice(0, -1), t.shape[last] * 2 + 2], { dtype: t.dtype })
    const view = spread.slice(last, 2, null, 2)
    view.copy_(wide.narrow(last, 0, t.shape[last]))
    return view
  },
  // What a dimension of size 1 repeats to: stride 0.
  expanded: (t: Tensor): Tensor => (t.ndim === 0 || t.shape[0] === 0 ? t : t.narrow(0, 0, 1).expand(...t.shape)),
} as const
export type LayoutName = keyof typeof layouts

/** The same tensor, same layout class, on the reference engine. */
export function onReference(t: Tensor): Tensor {
  const reference = engineBackend('reference')
  const copy = emptyTensor(reference, t.shape, t.dtype)
  const flat = t.detach().contiguous()
  const size = t.dtype === 'bool' ? 1 : flat.elementSize()
  const from = flat.storage.bytes.subarray(flat.storageOffset() * size, (flat.storageOffset() + flat.numel()) * size)
  copy.storage.bytes.set(from)
  return copy
}

/** |got − want| <= atol + rtol·|want| for every element; NaN equals NaN, infinities must agree. */
export function closeTo(
  got: ArrayLike<number | bigint>,
  want: ArrayLike<number | bigint>,
  rtol: number,
  atol: number,
): string | null {
  if (got.length !== want.length) return `length ${got.length}, expected ${want.length}`
  for (let i = 0; i < got.length; i++) {
    const [a, b] = [got[i], want[i]]
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue
    const [x, y] = [Number(a), Number(b)]
    if (Number.isFinite(x) && Number.isFinite(y) && Math.abs(x - y) <= atol + rtol * Math.abs(y)) continue
    return `element ${i} is ${a}, expected ${b}`
  }
  return null
}

export const tolerance: Record<DType, readonly [number, number]> = {
  float32: [2e-6, 2e-6],
  float64: [1e-12, 1e-12],
  float16: [2e-3, 2e-3],
  bfloat16: [1.6e-2, 1e-2],
  int8: [0, 0],
  int16: [0, 0],
  int32: [0, 0],
  int64: [0, 0],
  uint8: [0, 0],
  bool: [0, 0],
  complex64: [2e-6, 2e-6],
  complex128: [1e-12, 1e-12],
}
