/** Attention, as `torch.nn.functional`. */

import { type Arguments, readArguments } from '../../core/arguments.js'
import { isFloatingPoint, scalarName } from '../../core/dtype.js'
import { type Shape, sameShape } from '../../core/layout.js'
import type { Tensor } from '../../core/tensor.js'
import { add, mul } from '../../ops/arithmetic.js'
import { to } from '../../ops/cast.js'
import { logicalNot, logicalOr, maskedFill } from '../../ops/comparison.js'
import { filled } from '../../ops/copy.js'
import { triu } from '../../ops/diagonal.js'
import { dropout } from '../../ops/dropout.js'
import { cat } from '../../ops/joining.js'
import { linear, matmul } from '../../ops/matmul.js'
import { repeat } from '../../ops/rearrange.js'
import { mean } from '../../ops/reduce.js'
import { softmax } from '../../ops/softmax.js'
import { chunk, split } from '../../ops/split.js'
import { permute, reshape, squeeze, transpose, unsqueeze } from '../../ops/view.js'
import { python } from '../repr.js'

/** [rows, columns] of −∞ above the diagonal, 0 elsewhere: what is added so that no row sees what comes later. */
export const causalMask = (like: Tensor, rows: number, columns: number): Tensor =>
  triu(filled(like, [rows, columns], Number.NEGATIVE_INFINITY), 1)

export interface AttentionOptions {
  /** What is added to the scores, or bools: false where a key is not to be seen. */
  attnMask?: Tensor | null
  /** The probability of zeroing a weight; 0 unless given. */
  dropoutP?: number
  /** Whether row i sees keys 0 to i only. */
  isCausal?: boolean
  /** What scores are multiplied by; 1/√E unless given. */
  scale?: number | null
}

/**
 * `softmax(query · keyᵀ · scale + mask) · value`, as `torch.nn.functional.scaled_dot_product_attention`: query [..., L, E],
 * key [..., S, E] and value [..., S, V] to [..., L, V].
 *
 * @throws Error `Explicit attn_mask should not be set when is_causal=True`
 * @example
 * const [q, k, v] = [1, 2, 3].map((i) => torch.randn(2, 4, i === 1 ? 5 : 6, 8))
 * F.scaledDotProductAttention(q, k, v, { isCausal: true }).shape // [ 2, 4, 5, 8 ]
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  ...args: Arguments<[attnMask: Tensor | null, dropoutP: number, isCausal: boolean], AttentionOptions>
): Tensor {
  const names = ['attnMask', 'dropoutP', 'isCausal'] as const
  const given = readArguments<AttentionOptions>('scaled_dot_product_attention', args, names, ['scale'])
  const { attnMask = null, dropoutP = 0, isCausal = false, scale = null } = given
  for (const [name, t] of Object.entries({ query, key, value })) {
    if (t.ndim < 2)
      throw new Error(
        `scaled_dot_product_attention: Expected query, key, and value to be at least 2-D, but ${name} is ${t.ndim}-D`,
      )
    if (t.dtype !== query.dtype)
      throw new Error(
        'Expected query, key, and value to have the same dtype, but got ' +
          `query.dtype: ${scalarName(query.dtype)} key.dtype: ${scalarName(key.dtype)} and value.dtype: ${scalarName(value.dtype)} instead.`,
      )
  }
  if (isCausal && attnMask !== null)
    throw new Error('scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True')
  const [rows, width] = query.layout.shape.slice(-2)
  const mask = isCausal ? causalMask(query, rows, key.layout.shape.at(-2)!) : attnMask && addedMask(attnMask, query, true)
  return attend(query, key, value, mask, scale ?? 1 / Math.sqrt(width), dropoutP)[0]
}

/** A mask as what is added to scores; bools say which keys are seen, or which are not. */
function addedMask(mask: Tensor, like: Tensor, marksSeen: boolean): Tensor {
  if (mask.dtype !== 'bool') return mask
  const hidden = marksSeen ? logicalNot(mask) : mask
  return maskedFill(filled(like, hidden.layout.shape, 0), hidden, Number.NEGATIVE_INFINITY)
}

/** The result, and the weights that it is a sum with. */
function attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | null, scale: number, dropoutP: number): [Tensor, Tensor] {
  const scores = matmul(mul(q, scale), transpose(k, -2, -1))
  const weights = softmax(mask === null ? scores : add(scores, mask), -1)
  const used = dropoutP > 0 ? dropout(weights, dropoutP) : weights
  return [matmul(used, v), used]
}

export interface MultiHeadAttentionOptions {
  /** Whether dropout works. */
  training?: boolean
  /** [batch, S]: true for keys that are not to be seen, or what is added to their scores. */
  keyPaddingMask?: Tensor | null
  /** Whether the weights are answered too. */
  needWeights?: boolean
  /** [L, S] or [batch · heads, L, S]: true where a key is not to be seen, or what is added to the scores. */
  attnMask?: Tensor | null
  /** Whether the projections have a weight each instead of one together. */
  useSeparateProjWeight?: boolean
  qProjWeight?: Tensor | null
  kProjWeight?: Tensor | null
  vProjWeight?: Tensor | null
  /** [batch · heads, S, E / heads]: keys to use instead of those projected. */
  staticK?: Tensor | null
  /** [batch · heads, S, E / heads]: values to use instead of those projected. */
  staticV?: Tensor | null
  /** Whether the weights are averaged over heads. */
  averageAttnWeights?: boolean
}

const require = (condition: boolean, message: () => string): void => {
  if (!condition) throw new Error(message())
}
const sizeText = (shape: Shape): string => `torch.Size([${shape.join(', ')}])`

/** Query, key and value projected by one weight [3E, E], in as few products as may be. */
function projectTogether(q: Tensor, k: Tensor, v: Tensor, w: Tensor, b: Tensor | null): Tensor[] {
  const e = q.layout.shape.at(-1)!
  if (k === v && q === k) return chunk(linear(q, w, b), 3, -1)
  if (k === v) {
    const [wq, wkv] = split(w, [e, 2 * e])
    const [bq, bkv] = b === null ? [null, null] : split(b, [e, 2 * e])
    return [linear(q, wq, bq), ...chunk(linear(k, wkv, bkv), 2, -1)]
  }
  const ws = chunk(w, 3)
  const bs = b && chunk(b, 3)
  return [q, k, v].map((x, i) => linear(x, ws[i], bs?.[i]))
}

function projectApart(q: Tensor, k: Tensor, v: Tensor, weights: readonly (Tensor | null)[], bias: Tensor | null): Tensor[] {
  const e = q.layout.shape.at(-1)!
  const bs = bias && chunk(bias, 3)
  return [q, k, v].map((x, i) => {
    const [name, w] = [['query', 'key', 'value'][i], weights[i]]
    require(w !== null, () => `use_separate_proj_weight is True but ${name[0]}_proj_weight is None`)
    const expected = [e, x.layout.shape.at(-1)!]
    require(sameShape(w!.layout.shape, expected), () =>
      `expecting ${name} weights shape of ${python(expected)}, but got ${sizeText(w!.layout.shape)}`)
    return linear(x, w!, bs?.[i])
  })
}

/** @returns whether there is a batch. @throws Error in PyTorch's words where the numbers of dimensions do not fit. */
function checkRanks(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  padding: Tensor | null,
  mask: Tensor | null,
  heads: number,
): boolean {
  const isBatched = query.ndim === 3
  require(isBatched || query.ndim === 2, () =>
    `query should be unbatched 2D or batched 3D tensor but received ${query.ndim}-D query tensor`)
  const kind = isBatched ? 'batched (3-D)' : 'unbatched (2-D)'
  require(key.ndim === query.ndim && value.ndim === query.ndim, () =>
    `For ${kind} \`query\`, expected \`key\` and \`value\` to be ${query.ndim}-D but found ${key.ndim}-D and ${value.ndim}-D tensors respectively`)
  require(padding === null || padding.ndim === query.ndim - 1, () =>
    `For ${kind} \`query\`, expected \`key_padding_mask\` to be \`None\` or ${query.ndim - 1}-D but found ${padding!.ndim}-D tensor instead`)
  require(mask === null || mask.ndim === 2 || mask.ndim === 3, () =>
    `For ${kind} \`query\`, expected \`attn_mask\` to be \`None\`, 2-D or 3-D but found ${mask!.ndim}-D tensor instead`)
  if (!isBatched && mask?.ndim === 3) {
    const expected = [heads, query.layout.shape[0], key.layout.shape[0]]
    require(sameShape(mask.layout.shape, expected), () =>
      `Expected \`attn_mask\` shape to be ${python(expected)} but got ${sizeText(mask.layout.shape)}`)
  }
  return isBatched
}

/** A mask with one more key, which every row sees. */
const withKey = (mask: Tensor | null): Tensor | null =>
  mask && cat([mask, filled(mask, [...mask.layout.shape.slice(0, -1), 1], 0)], -1)

/**
 * Attention of several heads with its projections, as `torch.nn.functional.multi_head_attention_forward`: query [L, batch, E],
 * key and value [S, batch, …], or all without a batch.
 *
 * @returns `[output [L, batch, E], weights [batch, L, S]]`; the weights of each head unless averaged, null unless needed.
 * @throws Error `embed_dim 5 not divisible by num_heads 2`
 * @example
 * const x = torch.randn(3, 2, 4)
 * const [w, b] = [torch.randn(12, 4), torch.zeros(12)]
 * const [wOut, bOut] = [torch.eye(4), torch.zeros(4)]
 * const [out, weights] = F.multiHeadAttentionForward(x, x, x, 4, 2, w, b, null, null, false, 0, wOut, bOut)
 * out.shape // [ 3, 2, 4 ]
 * weights.shape // [ 2, 3, 3 ]
 */
export function multiHeadAttentionForward(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  embedDimToCheck: number,
  numHeads: number,
  inProjWeight: Tensor | null,
  inProjBias: Tensor | null,
  biasK: Tensor | null,
  biasV: Tensor | null,
  addZeroAttn: boolean,
  dropoutP: number,
  outProjWeight: Tensor,
  outProjBias: Tensor | null,
  ...args: Arguments<
    [
      training: boolean,
      keyPaddingMask: Tensor | null,
      needWeights: boolean,
      attnMask: Tensor | null,
      useSeparateProjWeight: boolean,
      qProjWeight: Tensor | null,
      kProjWeight: Tensor | null,
      vProjWeight: Tensor | null,
      staticK: Tensor | null,
      staticV: Tensor | null,
      averageAttnWeights: boolean,
    ],
    MultiHeadAttentionOptions
  >
): [output: Tensor, weights: Tensor | null] {
  const given = readArguments<MultiHeadAttentionOptions>('multi_head_attention_forward', args, [
    'training',
    'keyPaddingMask',
    'needWeights',
    'attnMask',
    'useSeparateProjWeight',
    'qProjWeight',
    'kProjWeight',
    'vProjWeight',
    'staticK',
    'staticV',
    'averageAttnWeights',
  ])
  const { training = true, needWeights = true, averageAttnWeights = true, useSeparateProjWeight = false } = given
  const { qProjWeight = null, kProjWeight = null, vProjWeight = null, staticK = null, staticV = null } = given
  let { keyPaddingMask: padding = null, attnMask: mask = null } = given
  const isBatched = checkRanks(query, key, value, padding, mask, numHeads)
  if (padding !== null && padding.dtype !== 'bool' && !isFloatingPoint(padding.dtype))
    throw new Error('only bool and floating types of key_padding_mask are supported')
  const batched = (t: Tensor): Tensor => (isBatched ? t : unsqueeze(t, 1))
  const q0 = batched(query)
  // What is one tensor stays one: self-attention is projected in one product.
  const k0 = key === query ? q0 : batched(key)
  const v0 = value === key ? k0 : value === query ? q0 : batched(value)
  if (!isBatched) padding &&= unsqueeze(padding, 0)
  const [rows, batch, embed] = q0.layout.shape
  const keys = k0.layout.shape[0]
  require(embed === embedDimToCheck, () => `was expecting embedding dimension of ${embedDimToCheck}, but got ${embed}`)
  const width = Math.floor(embed / numHeads)
  require(width * numHeads === embed, () => `embed_dim ${embed} not divisible by num_heads ${numHeads}`)
  const [kShape, vShape] = [k0, v0].map((t) => t.layout.shape)
  if (useSeparateProjWeight)
    require(sameShape(kShape.slice(0, 2), vShape.slice(0, 2)), () =>
      `key's sequence and batch dims ${sizeText(kShape.slice(0, 2))} do not match value's ${sizeText(vShape.slice(0, 2))}`)
  else {
    require(sameShape(kShape, vShape), () => `key shape ${sizeText(kShape)} does not match value shape ${sizeText(vShape)}`)
    require(inProjWeight !== null, () => 'use_separate_proj_weight is False but in_proj_weight is None')
  }
  if (mask !== null) {
    if (mask.dtype === 'uint8') mask = to(mask, 'bool')
    if (mask.dtype !== 'bool' && !isFloatingPoint(mask.dtype))
      throw new Error(`Only float, byte, and bool types are supported for attn_mask, not torch.${mask.dtype}`)
    const expected = mask.ndim === 2 ? [rows, keys] : [batch * numHeads, rows, keys]
    if (!sameShape(mask.layout.shape, expected))
      throw new Error(
        `The shape of the ${mask.ndim}D attn_mask is ${sizeText(mask.layout.shape)}, but should be ${python(expected)}.`,
      )
  }
  let [q, k, v] = useSeparateProjWeight
    ? projectApart(q0, k0, v0, [qProjWeight, kProjWeight, vProjWeight], inProjBias)
    : projectTogether(q0, k0, v0, inProjWeight!, inProjBias)
  require((biasK === null) === (biasV === null), () => 'bias_k and bias_v must be given together')
  if (biasK !== null && biasV !== null) {
    require(staticK === null, () => 'bias cannot be added to static key.')
    require(staticV === null, () => 'bias cannot be added to static value.')
    k = cat([k, repeat(biasK, 1, batch, 1)])
    v = cat([v, repeat(biasV, 1, batch, 1)])
    ;[mask, padding] = [withKey(mask), withKey(padding)]
  }
  // [batch, heads, rows, width], without a copy.
  const byHead = (t: Tensor): Tensor => permute(reshape(t, [t.layout.shape[0], batch, numHeads, width]), [1, 2, 0, 3])
  const fixed = (t: Tensor, name: string): Tensor => {
    const [n, s, d] = t.layout.shape
    require(n === batch * numHeads, () => `expecting ${name}.size(0) of ${batch * numHeads}, but got ${n}`)
    require(d === width, () => `expecting ${name}.size(2) of ${width}, but got ${d}`)
    return reshape(t, [batch, numHeads, s, d])
  }
  q = byHead(q)
  k = staticK === null ? byHead(k) : fixed(staticK, 'static_k')
  v = staticV === null ? byHead(v) : fixed(staticV, 'static_v')
  if (addZeroAttn) {
    const zero = filled(k, [batch, numHeads, 1, width], 0)
    ;[k, v] = [cat([k, zero], 2), cat([v, zero], 2)]
    ;[mask, padding] = [withKey(mask), withKey(padding)]
  }
  const seen = k.layout.shape[2]
  if (padding !== null)
    require(sameShape(padding.layout.shape, [batch, seen]), () =>
      `expecting key_padding_mask shape of ${python([batch, seen])}, but got ${sizeText(padding!.layout.shape)}`)
  const perHead = mask?.ndim === 3 ? reshape(mask, [batch, numHeads, rows, seen]) : mask
  const all = joined(perHead, padding && reshape(padding, [batch, 1, 1, seen]), q)
  const [heads, weights] = attend(q, k, v, all, 1 / Math.sqrt(width), training ? dropoutP : 0)
  const flat = reshape(permute(heads, [2, 0, 1, 3]), [rows * batch, embed])
  const out = linear(flat, outProjWeight, outProjBias)
  const output = reshape(out, [rows, batch, out.layout.shape[1]])
  const shown = !needWeights ? null : averageAttnWeights ? mean(weights, 1) : weights
  return isBatched ? [output, shown] : [squeeze(output, 1), shown && squeeze(shown, 0)]
}

/** What masks of both kinds add to the scores. */
function joined(mask: Tensor | null, padding: Tensor | null, like: Tensor): Tensor | null {
  if (mask === null || padding === null) {
    const only = mask ?? padding
    return only && addedMask(only, like, false)
  }
  if (mask.dtype === 'bool' && padding.dtype === 'bool') return addedMask(logicalOr(mask, padding), like, false)
  return add(addedMask(mask, like, false), addedMask(padding, like, false))
}
