/** Sums of products over named dimensions. */

import { readArgument } from '../core/arguments.js'
import { promoteTypes } from '../core/dtype.js'
import { numelOf, type Shape, wrapDim } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { mul } from './arithmetic.js'
import { to } from './cast.js'
import { diagonal } from './diagonal.js'
import { bmm, mm } from './matmul.js'
import { sum } from './reduce.js'
import { permute, reshape, squeeze } from './view.js'

/** What the three dots stand for: dimensions with labels of their own, counted from the last. */
const hidden = (fromLast: number): string => `.${fromLast}`

function labelsOf(term: string, ndim: number | null, dots: number): string[] {
  const at = term.indexOf('...')
  const [before, after] = at < 0 ? [term, ''] : [term.slice(0, at), term.slice(at + 3)]
  for (const label of before + after)
    if (!/[a-zA-Z]/.test(label))
      throw new Error(
        `einsum(): invalid subscript given at index ${term.indexOf(label)} in the equation string, subscripts must be in [a-zA-Z]`,
      )
  const covered = at < 0 ? 0 : ndim === null ? dots : ndim - before.length - after.length
  if (covered < 0 || (ndim !== null && at < 0 && term.length !== ndim))
    throw new Error(
      `einsum(): the number of subscripts in the equation (${before.length + after.length}) ${at < 0 ? 'does not match' : 'is more than'} the number of dimensions (${ndim}) for an operand${at < 0 ? ' and no ellipsis was given' : ''}`,
    )
  return [...before, ...Array.from({ length: covered }, (_, i) => hidden(covered - i)), ...after]
}

interface Labelled {
  readonly tensor: Tensor
  /** One label a dimension, none twice. */
  readonly labels: readonly string[]
}

/** A label that an operand has twice means its diagonal. */
function withoutRepeats(tensor: Tensor, labels: readonly string[]): Labelled {
  const second = labels.findIndex((label, i) => labels.indexOf(label) !== i)
  if (second < 0) return { tensor, labels }
  const first = labels.indexOf(labels[second])
  const [a, b] = [tensor.layout.shape[first], tensor.layout.shape[second]]
  if (a !== b)
    throw new Error(`einsum(): subscript ${labels[second]} is repeated for an operand but the sizes don't match, ${b} != ${a}`)
  const rest = labels.filter((_, i) => i !== first && i !== second)
  return withoutRepeats(diagonal(tensor, 0, first, second), [...rest, labels[second]])
}

/** Sums over the labels that nothing later needs. */
function reduced({ tensor, labels }: Labelled, needed: ReadonlySet<string>): Labelled {
  const dims = labels.map((_, d) => d).filter((d) => !needed.has(labels[d]))
  return dims.length === 0 ? { tensor, labels } : { tensor: sum(tensor, dims), labels: labels.filter((l) => needed.has(l)) }
}

/** Dimensions of size 1 that another operand has larger are dropped: they broadcast. */
function squeezed({ tensor, labels }: Labelled, sizes: ReadonlyMap<string, number>): Labelled {
  const dims = labels.map((_, d) => d).filter((d) => tensor.layout.shape[d] === 1 && sizes.get(labels[d]) !== 1)
  return dims.length === 0
    ? { tensor, labels }
    : { tensor: squeeze(tensor, dims), labels: labels.filter((_, d) => !dims.includes(d)) }
}

/** The product of two operands, summed over the labels that are in both and not needed any more: one batched product. */
function contract(a: Labelled, b: Labelled, needed: ReadonlySet<string>): Labelled {
  const shared = a.labels.filter((l) => b.labels.includes(l))
  const batch = shared.filter((l) => needed.has(l))
  const inner = shared.filter((l) => !needed.has(l))
  const [left, right] = [a, b].map(({ labels }) => labels.filter((l) => !shared.includes(l)))
  const sizes = (t: Labelled, wanted: readonly string[]): number[] =>
    wanted.map((l) => t.tensor.layout.shape[t.labels.indexOf(l)])
  const arrange = (t: Labelled, groups: readonly (readonly string[])[]): Tensor =>
    reshape(
      permute(
        t.tensor,
        groups.flat().map((l) => t.labels.indexOf(l)),
      ),
      groups.map((group) => numelOf(sizes(t, group))),
    )
  const labels = [...batch, ...left, ...right]
  const shape = [...sizes(a, batch), ...sizes(a, left), ...sizes(b, right)]
  if (inner.length === 0) {
    // Nothing to sum: a broadcast product costs one pass.
    const [x, y] = [arrange(a, [batch, left, []]), arrange(b, [batch, [], right])]
    return { tensor: reshape(mul(x, y), shape), labels }
  }
  if (batch.length === 0) return { tensor: reshape(mm(arrange(a, [left, inner]), arrange(b, [inner, right])), shape), labels }
  return { tensor: reshape(bmm(arrange(a, [batch, left, inner]), arrange(b, [batch, inner, right])), shape), labels }
}

/**
 * Products of operands summed over labels, as `torch.einsum`: `'bij,bjk->bik'`. A label twice in one operand takes the
 * diagonal; `...` covers dimensions that broadcast; without `->` the result has the labels that occur once, in
 * alphabetical order.
 *
 * @throws Error where sizes of one label differ, or a label of the result is in no operand.
 * @example
 * torch.einsum('ij,j->i', torch.ones(2, 3), torch.ones(3)).tolist() // [3, 3]
 */
export function einsum(equation: string, ...operands: readonly Tensor[] | readonly [readonly Tensor[]]): Tensor {
  const given = (Array.isArray(operands[0]) ? operands[0] : operands) as readonly Tensor[]
  if (given.length === 0) throw new Error('einsum(): must provide at least one operand')
  const [inputs, output, more] = equation.replaceAll(' ', '').split('->')
  if (more !== undefined) throw new Error('einsum(): the equation has more than one ->')
  const terms = inputs.split(',')
  if (terms.length !== given.length)
    throw new Error(
      `einsum(): ${terms.length > given.length ? 'more' : 'fewer'} operands were ${terms.length > given.length ? 'expected in the equation than provided' : 'provided than specified in the equation'}`,
    )
  const named = given.map((t, i) => labelsOf(terms[i], t.ndim, 0))
  const dots = named.flat().reduce((n, l) => (l.startsWith('.') ? Math.max(n, Number(l.slice(1))) : n), 0)
  const result = output === undefined ? implicit(named, dots) : labelsOf(output, null, dots)
  const known = new Set(named.flat())
  for (const [i, label] of result.entries()) {
    if (result.indexOf(label) !== i) throw new Error(`einsum(): output subscript ${label} appears more than once in the output`)
    if (!known.has(label))
      throw new Error(`einsum(): output subscript ${label} does not appear in the equation for any input operand`)
  }
  const dtype = given.reduce((d, t) => promoteTypes(d, t.dtype), given[0].dtype)
  const single = given.map((t, i) => withoutRepeats(to(t, dtype), named[i]))
  const sizes = new Map<string, number>()
  for (const { tensor, labels } of single)
    labels.forEach((label, d) => {
      const [size, seen] = [tensor.layout.shape[d], sizes.get(label) ?? 1]
      if (size !== 1 && seen !== 1 && size !== seen)
        throw new Error(
          `einsum(): operands do not broadcast with remapped shapes [original->remapped]: the subscript ${label} has sizes ${seen} and ${size}`,
        )
      sizes.set(label, seen === 1 ? size : seen)
    })
  const queue = single.map((operand) => squeezed(operand, sizes))
  const needed = (from: number): Set<string> => new Set([...result, ...queue.slice(from).flatMap(({ labels }) => labels)])
  let product = reduced(queue[0], needed(1))
  for (let i = 1; i < queue.length; i++) {
    const later = needed(i + 1)
    const other = reduced(queue[i], new Set([...later, ...product.labels]))
    product = contract(reduced(product, new Set([...later, ...other.labels])), other, later)
  }
  const { tensor, labels } = reduced(product, new Set(result))
  return permute(
    tensor,
    result.map((label) => labels.indexOf(label)),
  )
}

/** The result's labels where the equation does not give them. */
function implicit(terms: readonly (readonly string[])[], dots: number): string[] {
  const all = terms.flat().filter((l) => !l.startsWith('.'))
  const once = [...new Set(all)].filter((l) => all.indexOf(l) === all.lastIndexOf(l))
  return [...Array.from({ length: dots }, (_, i) => hidden(dots - i)), ...once.sort()]
}

/**
 * The sum of products over the last `dims` dimensions of `a` and the first of `b`, or over the pairs of dimensions given
 * as two lists, as `torch.tensordot`. dims is 2 unless given.
 *
 * @throws Error where the sizes differ
 * @example
 * torch.tensordot(torch.ones(2, 3), torch.ones(3, 4), 1).shape // [2, 4]
 * torch.tensordot(torch.ones(2, 3), torch.ones(2, 4), { dims: [[0], [0]] }).shape // [3, 4]
 */
export function tensordot(
  a: Tensor,
  b: Tensor,
  given?: number | readonly [Shape, Shape] | { dims?: number | readonly [Shape, Shape] },
): Tensor {
  const dims = readArgument<number | readonly [Shape, Shape]>('tensordot', 'dims', given, 2)
  if (typeof dims === 'number' && dims < 0) throw new Error(`tensordot expects dims >= 0, but got dims=${dims}`)
  const [da, db] =
    typeof dims === 'number'
      ? [Array.from({ length: dims }, (_, i) => a.ndim - dims + i), Array.from({ length: dims }, (_, i) => i)]
      : (dims as readonly [Shape, Shape])
  if (da.length !== db.length) throw new Error(`both dimension lists should have same length, got ${da.length} and ${db.length}`)
  const [ia, ib] = [da.map((d) => wrapDim(d, a.ndim)), db.map((d) => wrapDim(d, b.ndim))]
  let [x, y] = [a, b]
  ia.forEach((d, i) => {
    const [p, q] = [a.layout.shape[d], b.layout.shape[ib[i]]]
    if (p === q) return
    if (p !== 1 && q !== 1)
      throw new Error(
        `contracted dimensions need to match, but first has size ${p} in dim ${d} and second has size ${q} in dim ${ib[i]}`,
      )
    if (p === 1) y = sum(y, ib[i], { keepdim: true })
    else x = sum(x, d, { keepdim: true })
  })
  const rest = (t: Tensor, used: readonly number[]): number[] => t.layout.shape.map((_, d) => d).filter((d) => !used.includes(d))
  const [ra, rb] = [rest(a, ia), rest(b, ib)]
  const size = numelOf(ia.map((d) => x.layout.shape[d]))
  const [m, n] = [numelOf(ra.map((d) => a.layout.shape[d])), numelOf(rb.map((d) => b.layout.shape[d]))]
  const product = mm(reshape(permute(x, [...ra, ...ia]), m, size), reshape(permute(y, [...ib, ...rb]), size, n))
  return reshape(product, [...ra.map((d) => a.layout.shape[d]), ...rb.map((d) => b.layout.shape[d])])
}
