/** Kernels at sizes that fill vectors, tiles and chunks and overhang them, against the reference interpreter. */

import { describe, expect, it } from 'vitest'
import type { DType } from '../../src/index.js'
import * as torch from '../../src/index.js'
import { Tensor } from '../../src/index.js'
import { closeTo, layouts, onReference, sample, stream, tolerance } from '../support/samples.js'

type Call = (...inputs: Tensor[]) => Tensor | Iterable<Tensor>

/** Values and, for floats, gradients agree with the reference engine's for inputs of these shapes. */
function agree(
  call: Call,
  shapes: readonly (readonly number[])[],
  dtype: DType,
  layout: keyof typeof layouts,
  slack: number,
): void {
  const inputs = shapes.map((shape, i) => layouts[layout](sample(shape, dtype, 'any', i + 3)))
  const compute = (args: readonly Tensor[]): Tensor[] => {
    if (dtype.startsWith('float')) for (const x of args) x.requiresGrad = true
    const out = call(...args)
    const outputs = out instanceof Tensor ? [out] : [...out]
    const first = outputs[0]
    // Gradients that differ from element to element; twice the output's own are of its size, layout and engine.
    if (first.requiresGrad) first.backward(first.detach().mul(2))
    return [...outputs, ...args.flatMap((x) => x.grad ?? [])]
  }
  const got = compute(inputs.map((x) => x.detach()))
  const want = compute(inputs.map(onReference))
  expect(got.length).toBe(want.length)
  got.forEach((g, i) => {
    const where = `${dtype}, ${layout}, ${shapes.map((s) => `[${s}]`)}, result ${i}`
    expect(g.shape, where).toEqual(want[i].shape)
    const [rtol, atol] = tolerance[g.dtype]
    expect(closeTo(g.detach().toTypedArray(), want[i].detach().toTypedArray(), rtol * slack, atol * slack), where).toBeNull()
  })
}

describe.skipIf(torch.backend.engine === 'reference')(`sizes on ${torch.backend.engine}`, () => {
  const next = stream(99)
  const within = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1))
  const pick = <T>(list: readonly T[]): T => list[within(0, list.length - 1)]
  const ways = ['contiguous', 'transposed', 'sliced'] as const

  it('matmul', () => {
    const sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 23, 31, 33, 47, 63, 65]
    for (let i = 0; i < 90; i++) {
      const [m, n, k] = [pick(sizes), pick(sizes), pick([...sizes, 0, 130])]
      agree((a, b) => a.matmul(b), [[m, k], [k, n]], pick(['float32', 'float32', 'float64', 'int32', 'int8', 'bfloat16']), pick(ways), 200) // biome-ignore format: one call
    }
    for (const [m, n, k] of [[1, 3, 17000], [2, 700, 33], [40, 1, 900], [70, 90, 530], [97, 35, 260]]) // biome-ignore format: a list
      agree((a, b) => a.matmul(b), [[m, k], [k, n]], 'float32', pick(ways), 4000) // biome-ignore format: one call
    for (let i = 0; i < 12; i++) {
      const [b, m, n, k] = [within(1, 5), pick(sizes), pick(sizes), pick(sizes)]
      agree((x, y) => x.matmul(y), [[b, m, k], [pick([1, b]), k, n]], 'float32', pick(ways), 200) // biome-ignore format: one call
    }
  })

  it('conv2d', () => {
    for (let i = 0; i < 60; i++) {
      const groups = pick([1, 1, 1, 2, 3])
      const [inputs, outputs] = [groups * within(1, 5), groups * within(1, 9)]
      const kernel = [within(1, 5), within(1, 5)]
      const options = {
        stride: [within(1, 3), within(1, 3)],
        padding: [within(0, 3), within(0, 3)],
        dilation: [within(1, 2), within(1, 2)],
        groups,
      }
      const image = kernel.map((k, d) => Math.max(1, options.dilation[d] * (k - 1) + 1 - 2 * options.padding[d]) + within(0, 19))
      agree(
        (x, w, b) => torch.conv2d(x, w, b, options),
        [[within(1, 3), inputs, ...image], [outputs, inputs / groups, ...kernel], [outputs]],
        pick(['float32', 'float32', 'float32', 'float64']),
        pick(ways),
        1000,
      )
    }
  })

  it('pooling', () => {
    for (let i = 0; i < 80; i++) {
      const kernel = [within(1, 5), within(1, 5)]
      const padding = kernel.map((k) => within(0, Math.floor(k / 2)))
      const stride = [within(1, 4), within(1, 4)]
      const ceilMode = pick([false, true])
      const dilation = pick([1, 1, 2])
      const shape = [
        within(1, 3),
        within(1, 4),
        ...kernel.map((k, d) => Math.max(1, dilation * (k - 1) + 1 - 2 * padding[d]) + within(0, 40)),
      ]
      const [dtype, layout] = [pick(['float32', 'float32', 'float64', 'float16'] as const), pick(ways)]
      agree(
        (x) => torch.maxPool2d(x, kernel, { stride, padding, dilation, ceilMode, returnIndices: true }),
        [shape],
        dtype,
        layout,
        8,
      )
      if (dilation > 1) continue
      const countIncludePad = pick([false, true])
      agree(
        (x) => torch.nn.functional.avgPool2d(x, kernel, { stride, padding, ceilMode, countIncludePad }),
        [shape],
        dtype,
        layout,
        8,
      )
    }
  })

  it('reductions and softmax', () => {
    const calls: Call[] = [
      (x) => x.sum(0),
      (x) => x.sum([0, 2]),
      (x) => x.amax([1, 2]),
      (x) => x.max(0),
      (x) => x.argmin(0),
      (x) => x.var(0),
      (x) => x.logsumexp(0),
      (x) => x.softmax(0),
      (x) => x.logSoftmax(0),
    ]
    for (let i = 0; i < 120; i++) {
      const dim = within(0, 2)
      const shape = [pick([1, 2, 7, 19, 70]), pick([1, 3, 8, 17, 33]), pick([1, 5, 16, 31, 65, 130])]
      agree(
        (x) => calls[i % calls.length](x.transpose(0, dim)),
        [shape],
        pick(['float32', 'float32', 'float64']),
        pick(ways),
        300,
      )
    }
    agree((x) => x.sum(), [[70001]], 'float32', 'contiguous', 1000)
    agree((x) => x.argmax(0), [[40001, 3]], 'int32', 'contiguous', 1)
    agree((x) => x.sum(0), [[9001, 9]], 'float64', 'sliced', 100)
  })

  it('gather, scatterAdd and indexSelect', () => {
    for (let i = 0; i < 40; i++) {
      const shape = [within(1, 40), within(1, 40), within(1, 9)]
      const dim = within(0, 2)
      const rows = within(1, 90)
      const [dtype, layout] = [pick(['float32', 'float64', 'int16', 'uint8', 'bfloat16'] as const), pick(ways)]
      const x = layouts[layout](sample(shape, dtype, 'any', i + 1))
      const draw = (numel: number): number[] => Array.from({ length: numel }, () => within(0, shape[dim] - 1))
      const full = shape.with(dim, rows)
      const at = torch.tensor(draw(full.reduce((n, s) => n * s, 1)), { dtype: pick(['int64', 'int32'] as const) }).view(full)
      const line = torch.tensor(draw(rows), { dtype: 'int64' })
      const source = layouts[layout](sample(full, dtype, 'any', i + 2))
      const calls: ((...t: Tensor[]) => Tensor)[] = [
        (t, a) => t.gather(dim, a),
        (t, a, _, s) => t.scatterAdd(dim, a.long(), s),
        (t, _a, l) => t.indexSelect(dim, l),
        (t, _a, l, s) => t.indexAdd(dim, l, s),
      ]
      for (const call of calls) {
        const args = [x, layouts[layout](at), line, source]
        const [got, want] = [call(...args), call(...args.map(onReference))]
        const [rtol, atol] = tolerance[dtype]
        expect(
          closeTo(got.toTypedArray(), want.toTypedArray(), rtol * 40, atol * 40),
          `${dtype} ${layout} [${shape}] ${dim}`,
        ).toBeNull()
      }
    }
  })

  it('pointwise', () => {
    const lengths = [1, 3, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 255, 256, 257, 511, 513, 1000, 4097, 70001]
    for (const n of lengths)
      for (const layout of ways) {
        const dtype = pick(['float32', 'float64', 'float16', 'bfloat16'] as const)
        agree((x, y) => torch.gelu(x).mul(y).add(y.sigmoid()), [[n], [n]], dtype, layout, 20)
        agree((x, y) => x.add(y).mul(3), [[n], [n]], pick(['int8', 'uint8', 'int16', 'int32', 'int64'] as const), layout, 1)
      }
    for (let i = 0; i < 30; i++) {
      const shape = [within(1, 9), within(1, 20), within(1, 40)]
      const other = shape.map((s) => pick([1, s])).slice(within(0, 2))
      agree((x, y) => x.mul(y), [shape, other], pick(['float32', 'float64']), pick(ways), 200)
    }
  })
})
