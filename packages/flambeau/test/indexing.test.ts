import { describe, expect, expectTypeOf, test, vi } from 'vitest'
import type { Tensor } from '../src/index.js'
import * as torch from '../src/index.js'

// Expected values are those of PyTorch 1.13, written down as shape and elements in row-major order.
type Row = readonly [call: () => Tensor, shape: readonly number[], elements: readonly number[]]
type Write = readonly [indices: () => readonly torch.Index[], value: number | Tensor, elements: readonly number[]]

const i = (values: torch.NestedArray): Tensor => torch.tensor(values, { dtype: 'int64' })
const b = (values: torch.NestedArray): Tensor => torch.tensor(values, { dtype: 'bool' })
const v = (values: torch.NestedArray): Tensor => torch.tensor(values)
const rows = (count: number, ...shape: number[]): Tensor => torch.arange(count).to('float32').reshape(shape)
const x = rows(24, 2, 3, 4)
const m = rows(6, 2, 3)
const text = (fn: () => unknown): string => String(fn).replace(/^\(\) => /, '')
const flat = (t: Tensor): unknown => t.reshape(-1).tolist()

// biome-ignore format: a table reads better in rows
const reads: readonly Row[] = [
  [() => x.at(0), [3, 4], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
  [() => x.at(-1, 2), [4], [20, 21, 22, 23]],
  [() => x.at(1, 2, 3), [], [23]],
  [() => x.at('1:'), [1, 3, 4], [12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]],
  [() => x.at(':', '::2'), [2, 2, 4], [0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 20, 21, 22, 23]],
  [() => x.at('...', -1), [2, 3], [3, 7, 11, 15, 19, 23]],
  [() => x.at('...'), [2, 3, 4], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]],
  [() => x.at(null, 0, '...', null), [1, 3, 4, 1], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
  [() => x.at(0, '1:3', null, '...'), [2, 1, 4], [4, 5, 6, 7, 8, 9, 10, 11]],
  [() => x.at(':', '-2:', '1:4:2'), [2, 2, 2], [5, 7, 9, 11, 17, 19, 21, 23]],
  [() => x.at(':', '5:2'), [2, 0, 4], []],
  [() => x.at(torch.slice(1), torch.slice(1, null), torch.slice(0, 4, 3)), [1, 2, 2], [4, 7, 8, 11]],
  [() => x.at(i([1, 0, 1])), [3, 3, 4], [12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]],
  [() => x.at(i([[-1, 0], [0, -2]])), [2, 2, 3, 4], [12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
  [() => x.at(':', i([2, -3])), [2, 2, 4], [8, 9, 10, 11, 0, 1, 2, 3, 20, 21, 22, 23, 12, 13, 14, 15]],
  [() => x.at('...', i([[3], [0]])), [2, 3, 2, 1], [3, 0, 7, 4, 11, 8, 15, 12, 19, 16, 23, 20]],
  [() => x.at(i([0, 1]), i([2, 0])), [2, 4], [8, 9, 10, 11, 12, 13, 14, 15]],
  [() => x.at(i([[0], [1]]), i([2, 0])), [2, 2, 4], [8, 9, 10, 11, 0, 1, 2, 3, 20, 21, 22, 23, 12, 13, 14, 15]],
  [() => x.at(':', i([0, 2]), i([1, 3])), [2, 2], [1, 11, 13, 23]],
  [() => x.at(i([0, 1]), ':', i([1, 3])), [2, 3], [1, 5, 9, 15, 19, 23]],
  [() => x.at(i([0, 1]), null, i([1, 2])), [2, 1, 4], [4, 5, 6, 7, 20, 21, 22, 23]],
  [() => x.at(1, i([0, 2]), '::3'), [2, 2], [12, 15, 20, 23]],
  [() => x.at(0, ':', i([3, 1])), [3, 2], [3, 1, 7, 5, 11, 9]],
  [() => x.at(i([0, 1]), 1, i([3, 1])), [2], [7, 17]],
  [() => x.at(i([[0, 1], [1, 0]]), '1:', i([3])), [2, 2, 2], [7, 11, 19, 23, 19, 23, 7, 11]],
  [() => x.at(b([true, false])), [1, 3, 4], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
  [() => x.at(':', b([true, false, true])), [2, 2, 4], [0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 20, 21, 22, 23]],
  [() => x.at(b([[true, false, true], [false, false, true]])), [3, 4], [0, 1, 2, 3, 8, 9, 10, 11, 20, 21, 22, 23]],
  [() => x.at(':', b([[false, true, false, false], [false, false, false, true], [true, false, false, false]])), [2, 3], [1, 7, 8, 13, 19, 20]],
  [() => x.at(x.gt(20)), [3], [21, 22, 23]],
  [() => x.at(b([true, true]), i([0, 2])), [2, 4], [0, 1, 2, 3, 20, 21, 22, 23]],
  [() => x.at(b([true, false]), '...', i([1, 2])), [2, 3], [1, 5, 9, 2, 6, 10]],
  [() => x.at(true), [1, 2, 3, 4], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]],
  [() => x.at(false), [0, 2, 3, 4], []],
  [() => x.at(0, true, 1), [1, 4], [4, 5, 6, 7]],
  [() => x.at(b(true), 0), [1, 3, 4], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
  [() => x.at(i(1)), [3, 4], [12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]],
  [() => x.at(':', i(-1)), [2, 4], [8, 9, 10, 11, 20, 21, 22, 23]],
  [() => x.at([0, -1]), [2, 3, 4], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]],
  [() => x.at(':', [2, 0], null), [2, 2, 1, 4], [8, 9, 10, 11, 0, 1, 2, 3, 20, 21, 22, 23, 12, 13, 14, 15]],
  [() => x.at([true, false]), [1, 3, 4], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
  [() => x.at(i([])), [0, 3, 4], []],
  [() => x.at(x.lt(0)), [0], []],
  [() => x.at(i([1, 0]), null, '...', '::2'), [2, 1, 3, 2], [12, 14, 16, 18, 20, 22, 0, 2, 4, 6, 8, 10]],
]
// biome-ignore format: a table reads better in rows
const writes: readonly Write[] = [
  [() => [0], -1, [-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]],
  [() => ['...', -1], -1, [0, 1, 2, -1, 4, 5, 6, -1, 8, 9, 10, -1, 12, 13, 14, -1, 16, 17, 18, -1, 20, 21, 22, -1]],
  [() => [1, '1:', '::2'], v([[-1, -2], [-3, -4]]), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, -1, 17, -2, 19, -3, 21, -4, 23]],
  [() => [null, 0, 0], v([[-1, -2, -3, -4]]), [-1, -2, -3, -4, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]],
  [() => [0, 0], v([[[-1, -2, -3, -4]]]), [-1, -2, -3, -4, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]],
  [() => [i([1])], -1, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1]],
  [() => [':', i([0, -1])], v([-1, -2, -3, -4]), [-1, -2, -3, -4, 4, 5, 6, 7, -1, -2, -3, -4, -1, -2, -3, -4, 16, 17, 18, 19, -1, -2, -3, -4]],
  [() => [i([0, 1]), i([2, 0])], v([[-1], [-2]]), [0, 1, 2, 3, 4, 5, 6, 7, -1, -1, -1, -1, -2, -2, -2, -2, 16, 17, 18, 19, 20, 21, 22, 23]],
  [() => [i([0, 1]), ':', i([1, 3])], v([-1, -2, -3]), [0, -1, 2, 3, 4, -2, 6, 7, 8, -3, 10, 11, 12, 13, 14, -1, 16, 17, 18, -2, 20, 21, 22, -3]],
  [() => [1, i([0, 2]), '::3'], v([-1, -2]), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, -1, 13, 14, -2, 16, 17, 18, 19, -1, 21, 22, -2]],
  [() => [b([true, false])], -1, [-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]],
  [() => [':', b([true, false, true])], v([[-1], [-2]]), [-1, -1, -1, -1, 4, 5, 6, 7, -2, -2, -2, -2, -1, -1, -1, -1, 16, 17, 18, 19, -2, -2, -2, -2]],
  [() => [x.gt(20)], v([-1, -2, -3]), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, -1, -2, -3]],
  [() => [':', ':', b([true, false, false, true])], -1, [-1, 1, 2, -1, -1, 5, 6, -1, -1, 9, 10, -1, -1, 13, 14, -1, -1, 17, 18, -1, -1, 21, 22, -1]],
  [() => [x.gt(20)], -1, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, -1, -1, -1]],
  [() => [true], -1, [-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1]],
  [() => [false], -1, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]],
  [() => [[0, 1], 1, [3, 1]], v([-1, -2]), [0, 1, 2, 3, 4, 5, 6, -1, 8, 9, 10, 11, 12, 13, 14, 15, 16, -2, 18, 19, 20, 21, 22, 23]],
  [() => [i([])], -1, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]],
  [() => ['...'], -1, [-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1]],
]
// biome-ignore format: a table reads better in rows
const functions: readonly Row[] = [
  [() => m.indexPut([i([0, 0]), i([1, 1])], v([5, 6]), { accumulate: true }), [2, 3], [0, 12, 2, 3, 4, 5]],
  [() => m.indexPut([null, i([2, -3])], v([5, 6])), [2, 3], [6, 1, 5, 6, 4, 5]],
  [() => m.indexPut([b([false, true])], v([7])), [2, 3], [0, 1, 2, 7, 7, 7]],
  [() => m.put(i([5, -6]), v([8, 9])), [2, 3], [9, 1, 2, 3, 4, 8]],
  [() => m.put(i([1, 1]), v([8, 9]), { accumulate: true }), [2, 3], [0, 18, 2, 3, 4, 5]],
  [() => m.t().clone().put(i([1, 4]), v([8, 9])), [3, 2], [0, 8, 1, 4, 9, 5]],
  [() => m.take(i([[0, -1], [2, 3]])), [2, 2], [0, 5, 2, 3]],
  [() => m.indexCopy(1, i([2, 0]), v([[1, 2], [3, 4]])), [2, 3], [2, 1, 1, 4, 4, 3]],
  [() => m.indexFill(1, i([-1, 0]), 7), [2, 3], [7, 1, 7, 7, 4, 7]],
  [() => m.indexAdd(0, i([1, 1]), v([[1, 2, 3], [4, 5, 6]]), { alpha: 2 }), [2, 3], [0, 1, 2, 13, 18, 23]],
  [() => m.maskedScatter(b([true, false, true]), v([9, 8, 7, 6, 5])), [2, 3], [9, 1, 8, 7, 4, 6]],
  [() => m.maskedSelect(m.gt(2)), [3], [3, 4, 5]],
  [() => m.scatter(1, i([[2], [0]]), v([[9], [8]])), [2, 3], [0, 1, 9, 8, 4, 5]],
  [() => m.scatter(1, i([[2, 2], [0, 1]]), 9), [2, 3], [0, 1, 9, 9, 9, 5]],
  [() => m.scatter(1, i([[2, 2], [0, 1]]), v([[1, 2], [3, 4]]), { reduce: 'add' }), [2, 3], [0, 1, 5, 6, 8, 5]],
  [() => m.scatter(1, i([[2, 2], [0, 1]]), v([[1, 2], [3, 4]]), { reduce: 'multiply' }), [2, 3], [0, 1, 4, 9, 16, 5]],
  [() => m.scatterAdd(0, i([[1, 0, 1]]), v([[1, 2, 3]])), [2, 3], [0, 3, 2, 4, 4, 8]],
  [() => m.scatterReduce(1, i([[2, 2], [0, 2]]), v([[-2, 4], [6, 3]]), 'sum'), [2, 3], [0, 1, 4, 9, 4, 8]],
  [() => m.scatterReduce(1, i([[2, 2], [0, 2]]), v([[-2, 4], [6, 3]]), 'sum', { includeSelf: false }), [2, 3], [0, 1, 2, 6, 4, 3]],
  [() => m.scatterReduce(1, i([[2, 2], [0, 2]]), v([[-2, 4], [6, 3]]), 'prod'), [2, 3], [0, 1, -16, 18, 4, 15]],
  [() => m.scatterReduce(1, i([[2, 2], [0, 2]]), v([[-2, 4], [6, 3]]), 'prod', { includeSelf: false }), [2, 3], [0, 1, -8, 6, 4, 3]],
  [() => m.scatterReduce(1, i([[2, 2], [0, 2]]), v([[-2, 4], [6, 3]]), 'mean'), [2, 3], [0, 1, 1.3333333730697632, 4.5, 4, 4]],
  [() => m.scatterReduce(1, i([[2, 2], [0, 2]]), v([[-2, 4], [6, 3]]), 'mean', { includeSelf: false }), [2, 3], [0, 1, 1, 6, 4, 3]],
  [() => m.scatterReduce(1, i([[2, 2], [0, 2]]), v([[-2, 4], [6, 3]]), 'amax'), [2, 3], [0, 1, 4, 6, 4, 5]],
  [() => m.scatterReduce(1, i([[2, 2], [0, 2]]), v([[-2, 4], [6, 3]]), 'amax', { includeSelf: false }), [2, 3], [0, 1, 4, 6, 4, 3]],
  [() => m.scatterReduce(1, i([[2, 2], [0, 2]]), v([[-2, 4], [6, 3]]), 'amin'), [2, 3], [0, 1, -2, 3, 4, 3]],
  [() => m.scatterReduce(1, i([[2, 2], [0, 2]]), v([[-2, 4], [6, 3]]), 'amin', { includeSelf: false }), [2, 3], [0, 1, -2, 6, 4, 3]],
  [() => m.indexReduce(0, i([1, 1]), v([[1, 2, 3], [4, -5, 6]]), 'prod'), [2, 3], [0, 1, 2, 12, -40, 90]],
  [() => m.indexReduce(0, i([1, 1]), v([[1, 2, 3], [4, -5, 6]]), 'mean'), [2, 3], [0, 1, 2, 2.6666667461395264, 0.3333333432674408, 4.666666507720947]],
  [() => m.indexReduce(0, i([1, 1]), v([[1, 2, 3], [4, -5, 6]]), 'amax'), [2, 3], [0, 1, 2, 4, 4, 6]],
  [() => m.indexReduce(0, i([1, 1]), v([[1, 2, 3], [4, -5, 6]]), 'amin'), [2, 3], [0, 1, 2, 1, -5, 3]],
]

describe('reads', () => {
  test.each(reads.map((row) => [text(row[0]), row] as const))('%s', (_, [call, shape, elements]) => {
    const got = call()
    expect(got.shape).toEqual(shape)
    expect(flat(got)).toEqual(elements)
  })
})

test('what follows a mask of two dimensions indexes the third', () => {
  // NumPy's rule: PyTorch takes the mask for one dimension here, and answers with an error or another shape.
  const mask = b([
    [true, false, true],
    [false, false, true],
  ])
  expect(x.at(mask, 1).tolist()).toEqual([1, 9, 21])
  expect(x.at(mask, '::3').tolist()).toEqual([
    [0, 3],
    [8, 11],
    [20, 23],
  ])
})

describe('writes', () => {
  test.each(writes.map((row) => [text(row[0]), row] as const))('%s', (_, [indices, value, elements]) => {
    const target = x.clone()
    expect(target.setAt(indices(), value)).toBe(target)
    expect(flat(target)).toEqual(elements)
    // The same through a view whose memory has another order.
    const base = x.permute(2, 0, 1).contiguous()
    base.permute(1, 2, 0).setAt(indices(), value)
    expect(flat(base.permute(1, 2, 0))).toEqual(elements)
  })
})

describe('functions', () => {
  test.each(functions.map((row) => [text(row[0]), row] as const))('%s', (_, [call, shape, elements]) => {
    const before = flat(m)
    const got = call()
    expect(got.shape).toEqual(shape)
    ;(flat(got) as number[]).forEach((value, k) => {
      expect(value).toBeCloseTo(elements[k], 5)
    })
    expect(flat(m)).toEqual(before)
  })
})

describe('in place', () => {
  // biome-ignore format: a table reads better in rows
  const forms: Record<string, (t: Tensor, inPlace: boolean) => Tensor> = {
    indexPut: (t, w) => (w ? t.indexPut_([null, i([0, 2])], v([7, 8])) : t.indexPut([null, i([0, 2])], v([7, 8]))),
    indexAdd: (t, w) => (w ? t.indexAdd_(1, i([0, 0]), m.narrow(1, 0, 2)) : t.indexAdd(1, i([0, 0]), m.narrow(1, 0, 2))),
    indexCopy: (t, w) => (w ? t.indexCopy_(1, i([2]), v([[1], [2]])) : t.indexCopy(1, i([2]), v([[1], [2]]))),
    indexFill: (t, w) => (w ? t.indexFill_(0, i([-1]), 9) : t.indexFill(0, i([-1]), 9)),
    put: (t, w) => (w ? t.put_(i([0, -1]), v([7, 8])) : t.put(i([0, -1]), v([7, 8]))),
    maskedScatter: (t, w) => (w ? t.maskedScatter_(m.gt(2), v([7, 8, 9])) : t.maskedScatter(m.gt(2), v([7, 8, 9]))),
    scatter: (t, w) => (w ? t.scatter_(1, i([[1], [2]]), 5) : t.scatter(1, i([[1], [2]]), 5)),
    scatterAdd: (t, w) => (w ? t.scatterAdd_(1, i([[1], [2]]), v([[5], [6]])) : t.scatterAdd(1, i([[1], [2]]), v([[5], [6]]))),
    scatterReduce: (t, w) =>
      w ? t.scatterReduce_(1, i([[1], [2]]), v([[5], [6]]), 'amin') : t.scatterReduce(1, i([[1], [2]]), v([[5], [6]]), 'amin'),
    indexReduce: (t, w) => (w ? t.indexReduce_(1, i([1]), v([[5], [6]]), 'prod') : t.indexReduce(1, i([1]), v([[5], [6]]), 'prod')),
  }
  test.each(Object.keys(forms))('%s_ writes into any layout what the copy has, and its gradient is the same', (name) => {
    const run = forms[name]
    const expected = flat(run(m, false))
    const gradient = (inPlace: boolean): unknown => {
      const leaf = m.clone().requiresGrad_()
      run(leaf.mul(2).t().contiguous().t(), inPlace).square().sum().backward()
      return flat(leaf.grad!)
    }
    const target = m.clone()
    const version = target.storage.version
    expect(run(target, true)).toBe(target)
    expect(target.storage.version).toBeGreaterThan(version)
    expect(flat(target)).toEqual(expected)
    const base = torch.zeros(3, 4)
    const view = base.at(':', '1:3').t().copy_(m)
    run(view, true)
    expect(flat(view)).toEqual(expected)
    expect(flat(base.at(':', 0))).toEqual([0, 0, 0])
    expect(flat(base.at(':', -1))).toEqual([0, 0, 0])
    expect(gradient(true)).toEqual(gradient(false))
  })

  test('a leaf that requires a gradient is not written', () => {
    const leaf = m.clone().requiresGrad_()
    expect(() => leaf.setAt([0], 1)).toThrow(
      'a view of a leaf Variable that requires grad is being used in an in-place operation.',
    )
    expect(() => leaf.setAt([i([0])], 1)).toThrow('a leaf Variable that requires grad is being used in an in-place operation.')
  })

  test('nothing that repeats in memory is written', () => {
    expect(() =>
      torch
        .zeros(1)
        .expand(3)
        .indexFill_(0, i([0]), 1),
    ).toThrow('single memory location')
  })

  test('a source in the written memory is an error', () => {
    const t = rows(4, 4)
    const message = 'some elements of the input tensor and the written-to tensor refer to a single memory location'
    expect(() => t.setAt([i([1, 2, 3])], t.at(':3'))).toThrow(message)
    expect(() => t.setAt(['1:'], t.at(':3'))).toThrow(message)
    expect(() => t.scatter_(0, i([1, 2, 3, 0]), t)).toThrow(message)
    t.setAt([i([1, 2, 3])], t.at(':3').clone())
    expect(flat(t)).toEqual([0, 0, 1, 2])
  })
})

describe('views and gradients', () => {
  test('integers, slices, new axes and the ellipsis share memory; index tensors and masks copy', () => {
    for (const view of [x.at(0), x.at('1:', null), x.at('...'), x.at(':', i(1)), x.at(':')]) expect(view.storage).toBe(x.storage)
    for (const copy of [x.at([0]), x.at(i([0])), x.at(b([true, false])), x.at(true)]) expect(copy.storage).not.toBe(x.storage)
  })

  test('writing through a view reaches the base and its gradient', () => {
    const leaf = torch.ones(2, 3).requiresGrad_()
    const value = torch.tensor([2, 3]).requiresGrad_()
    const t = leaf.mul(4)
    t.at(0).setAt([i([2, 0])], value)
    t.square().sum().backward()
    expect(t.detach().tolist()).toEqual([
      [3, 4, 2],
      [4, 4, 4],
    ])
    expect(leaf.grad!.tolist()).toEqual([
      [0, 32, 0],
      [32, 32, 32],
    ])
    expect(value.grad!.tolist()).toEqual([4, 6])
  })

  test('repeated indices add up their gradients', () => {
    const leaf = rows(3, 3).requiresGrad_()
    leaf.at([0, 0, -1]).square().sum().backward()
    expect(leaf.grad!.tolist()).toEqual([0, 0, 4])
  })

  test('the node is named as in PyTorch', () => {
    const leaf = rows(3, 3).requiresGrad_()
    expect(leaf.at([0]).gradFn!.name).toBe('IndexBackward0')
    expect(leaf.at(0).gradFn!.name).toBe('SelectBackward0')
    expect(leaf.indexPut([i([0])], v([1])).gradFn!.name).toBe('IndexPutBackward0')
  })

  test('second gradients', () => {
    const [a, c] = [m, v([[0.5], [2]])].map((t) => t.to('float64').requiresGrad_())
    const mask = b([true, false, true])
    const index = i([
      [2, 0],
      [1, 1],
    ])
    const source = v([
      [1.5, 2],
      [3, -1],
    ])
      .to('float64')
      .requiresGrad_()
    const runs: ((...inputs: Tensor[]) => Tensor)[] = [
      (p) => p.at(':', mask),
      (p) => p.at(index.at(0).clamp(0, 1), index.at(1)),
      (p, q) => p.clone().setAt([':', mask], q),
      (p, q) => p.indexPut([null, i([1, 1])], q.expand(2, 2), { accumulate: true }),
    ]
    for (const run of runs) {
      expect(torch.autograd.gradcheck(run, [a, c])).toBe(true)
      expect(torch.autograd.gradgradcheck(run, [a, c])).toBe(true)
    }
    for (const reduce of ['sum', 'prod', 'mean', 'amax', 'amin'] as const)
      for (const includeSelf of [true, false]) {
        const run = (p: Tensor, q: Tensor): Tensor => p.scatterReduce(1, index, q, reduce, { includeSelf })
        const shifted = a.detach().add(0.25).requiresGrad_()
        expect(torch.autograd.gradcheck(run, [shifted, source])).toBe(true)
      }
    // A source larger than the index.
    const wide = rows(6, 2, 3).to('float64').requiresGrad_()
    expect(torch.autograd.gradcheck((p: Tensor, q: Tensor) => p.scatter(1, i([[2, 0]]), q), [a, wide])).toBe(true)
  })
})

describe("errors, in PyTorch's words", () => {
  // biome-ignore format: a table reads better in rows
  const errors: readonly (readonly [() => unknown, string])[] = [
    [() => m.at(5), 'index 5 is out of bounds for dimension 0 with size 2'],
    [() => m.at(0, -4), 'index -4 is out of bounds for dimension 1 with size 3'],
    [() => m.at(0, 0, 0), 'too many indices for tensor of dimension 2'],
    [() => torch.tensor(1).at(0), 'invalid index of a 0-dim tensor'],
    [() => m.at(i([0, 7])), 'index 7 is out of bounds for dimension 0 with size 2'],
    [() => m.at(':', i([-5])), 'index -5 is out of bounds for dimension 1 with size 3'],
    [() => m.at('::0'), 'slice step cannot be zero'],
    [() => m.at('::-1'), 'step must be greater than zero'],
    [() => m.at('a'), 'only integers, slices (`:`), ellipsis (`...`)'],
    [() => m.at(1.5), 'only integers, slices (`:`), ellipsis (`...`)'],
    [() => m.at([1.5]), 'only integers, slices (`:`), ellipsis (`...`)'],
    [() => m.at(v([1])), 'tensors used as indices must be long, int, byte or bool tensors'],
    [() => m.at(b([true, false, true])), 'The shape of the mask [3] at index 0 does not match the shape of the indexed tensor [2, 3] at index 0'],
    [() => m.at(':', b([true, false])), 'The shape of the mask [2] at index 0 does not match the shape of the indexed tensor [2, 3] at index 1'],
    [() => m.at(i([0, 1]), i([0, 1, 2])), 'shape mismatch: indexing tensors could not be broadcast together with shapes [2], [3]'],
    [() => torch.zeros(0, 3).at(i([0])), 'index is out of bounds for dimension with size 0'],
    [() => m.clone().setAt([i([0, 1])], v([1, 2])), 'shape mismatch: value tensor of shape [2] cannot be broadcast to indexing result of shape [2, 3]'],
    [() => m.clone().setAt([0], v([1, 2])), 'The expanded size of the tensor (3) must match the existing size (2) at non-singleton dimension 0.  Target sizes: [3].  Tensor sizes: [2]'],
    [() => m.clone().setAt([i([0])], i([1, 2, 3])), 'Index put requires the source and destination dtypes match, got Float for the destination and Long for the source.'],
    [() => m.take(i([6])), 'out of range: tried to access index 6 on a tensor of 6 elements.'],
    [() => m.put(i([6]), v([1])), 'out of range: tried to access index 6 on a tensor of 6 elements.'],
    [() => m.put(i([1, 2]), v([1])), 'put_(): Expected source and index to have the same number of elements, but got source.numel() = 1, index.numel() = 2'],
    [() => m.indexCopy(0, i([5]), v([[1, 2, 3]])), 'index_copy_(): index 5 is out of bounds for dimension 0 with size 2'],
    [() => m.indexCopy(0, i([0, 1]), v([[1, 2, 3]])), 'index_copy_(): Number of indices (2) should be equal to source.size(dim) (1)'],
    [() => m.indexFill(1, i([3]), 1), 'index 3 is out of bounds for dimension 1 with size 3'],
    [() => m.indexFill(1, i([0]), v([1, 2])), 'index_fill_ only supports a 0-dimensional value tensor, but got tensor with 1 dimension(s).'],
    [() => m.maskedScatter(m.ge(0), v([1])), 'Number of elements of source < number of ones in mask'],
    [() => m.scatter(0, i([[5]]), 1), 'index 5 is out of bounds for dimension 0 with size 2'],
    [() => m.scatter(0, i([0]), 1), 'Index tensor must have the same number of dimensions as self tensor'],
    [() => m.scatter(0, i([[0]]), 1, { reduce: 'mul' as 'add' }), 'reduce argument must be either add or multiply.'],
    [() => m.scatterReduce(0, i([[0]]), v([[1]]), 'max' as 'amax'), 'reduce argument must be either sum, prod, mean, amax or amin.'],
    [() => m.indexReduce(0, i([0]), v([[1, 2, 3]]), 'max' as 'amax'), 'index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got max.'],
    [() => m.indexPut([i([0]), i([0]), i([0])], v([1])), 'too many indices for tensor of dimension 2 (got 3)'],
  ]
  test.each(errors.map((row) => [text(row[0]), row] as const))('%s', (_, [run, message]) => {
    expect(run).toThrow(message)
  })

  test('an index out of bounds leaves everything unwritten', () => {
    const t = m.clone()
    for (const run of [
      () => t.setAt([i([0, 2])], 9),
      () => t.indexFill_(0, i([0, 2]), 9),
      () => t.scatter_(0, i([[0], [2]]), 9),
      () => t.indexAdd_(0, i([0, 2]), m),
      () => t.put_(i([0, 6]), v([9, 9])),
    ])
      expect(run).toThrow(RangeError)
    expect(flat(t)).toEqual(flat(m))
  })

  test('uint8 masks warn', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    expect(m.at(torch.tensor([0, 1], { dtype: 'uint8' })).tolist()).toEqual([[3, 4, 5]])
    expect(warn).toHaveBeenCalledWith('indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.')
    warn.mockRestore()
  })
})

test('a tensor is a dataset', async () => {
  const set: torch.data.Dataset<Tensor> = m
  expectTypeOf(set.length).toBeNumber()
  expect(m.length).toBe(2)
  expect([...m].map((row) => row.tolist())).toEqual([m.at(0).tolist(), m.at(-1).tolist()])
  const batches: unknown[] = []
  for await (const batch of new torch.data.DataLoader(m, { batchSize: 2 })) batches.push((batch as Tensor).tolist())
  expect(batches).toEqual([m.tolist()])
})
