/** Complex numbers against PyTorch (tools/fixtures/complex.py): values, gradients, layouts, and what is refused. */

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { DType } from '../../src/index.js'
import * as torch from '../../src/index.js'
import { autograd, type Tensor } from '../../src/index.js'
import { closeTo } from '../support/samples.js'

interface Recorded {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly data: readonly (number | boolean)[]
}
interface Fixture {
  readonly inputs: readonly Recorded[]
  readonly cases: Record<string, { out: Recorded; seed: Recorded; grads: (number[] | null)[] }>
}
const path = new URL('../fixtures/complex.json.gz', import.meta.url)
const fixtures: Record<'complex64' | 'complex128', Fixture> = JSON.parse(gunzipSync(readFileSync(path)).toString())

const tensorOf = ({ dtype, shape, data }: Recorded): Tensor => {
  const numbers = data.map(Number)
  const single = dtype === 'float32' || dtype === 'complex64'
  return torch.fromTypedArray(single ? Float32Array.from(numbers) : Float64Array.from(numbers), shape, { dtype })
}
const index = torch.tensor([1n, 0n, 1n])
const mask = torch.tensor([true, false, true])
const unary = (name: string) => (z: Tensor) => (z[name as 'neg'] as unknown as (this: Tensor) => Tensor).call(z)

type Run = (z: Tensor, w: Tensor, r: Tensor) => Tensor
const operations: Record<string, Run> = {
  ...Object.fromEntries(
    'neg exp log log2 log10 sqrt rsqrt reciprocal square sin cos tan sinh cosh tanh sigmoid abs angle sgn sum mean prod std var adjoint flatten'
      .split(' ')
      .map((name) => [name, unary(name)]),
  ),
  conj_physical: (z) => z.conjPhysical(),
  real: (z) => z.real,
  imag: (z) => torch.imag(z),
  view_as_real: (z) => torch.viewAsReal(z),
  'sum dim': (z) => z.sum(0, { keepdim: true }),
  'prod dim': (z) => z.prod(1),
  add: (z, w) => z.add(w, { alpha: 2 }),
  'add real': (z, _, r) => r.add(z),
  'add complex': (z) => z.add({ re: 1, im: 2 }),
  'sub real': (z, _, r) => r.sub(z),
  mul: (z, w) => z.mul(w),
  'mul real': (z, _, r) => r.mul(z),
  'mul complex': (_, __, r) => r.mul({ re: 1, im: 2 }),
  div: (z, w) => z.div(w),
  'div real': (z, _, r) => z.div(r),
  'div by': (z, _, r) => r.div(z),
  pow: (z, w) => z.pow(w),
  'pow number': (z) => z.pow(2.5),
  'pow whole': (z) => z.pow(3),
  'pow of number': (z) => torch.pow(2, z),
  addcmul: (z, w) => z.addcmul(w, z, { value: 3 }),
  matmul: (z, w) => z.matmul(w),
  'matmul adjoint': (z) => z.matmul(z.mH),
  addmm: (z, w) => torch.addmm(w.at(':2'), z, z.t()),
  vdot: (z, w) => torch.vdot(w, z.at(0)),
  outer: (_, w) => torch.outer(w, w.conj()),
  einsum: (z, w) => torch.einsum('ij,j->i', z, w),
  norm: (z) => torch.linalg.vectorNorm(z, 2, { dim: 1 }),
  cov: (z) => z.cov(),
  cumsum: (z) => z.cumsum(1),
  cat: (z, w) => torch.cat([z, w.unsqueeze(0)]),
  stack: (z, w) => torch.stack([z.at(0), w], 1),
  gather: (z) => z.gather(0, index.unsqueeze(0)),
  index_select: (z) => z.indexSelect(1, index),
  index: (z) => z.at(index),
  mask: (z) => z.at(':', mask),
  scatter_add: (z, w) => z.scatterAdd(0, index.unsqueeze(0), w.unsqueeze(0)),
  index_add: (z, w) => z.indexAdd(0, torch.tensor([1n]), w.unsqueeze(0)),
  where: (z, _, r) => torch.where(mask, z, r),
  masked_fill: (z) => z.maskedFill(mask, { re: 1, im: 2 }),
  permute: (z) => z.t().contiguous(),
  flip: (z) => z.flip(1),
  complex: (_, __, r) => torch.complex(r, r.exp()),
  polar: (_, __, r) => torch.polar(r, r.exp()),
  view_as_complex: (_, __, r) => torch.viewAsComplex(torch.stack([r, r.mul(r)], -1)),
  'to real': (z) => z.real.to('float32').mul(2),
  'to complex': (z, _, r) => r.to(z.dtype).mul(z),
  'in place': (z, w, r) => z.clone().mul_(w).add_(r),
  'real loss': (z, w) => z.mul(w).abs().pow(2).sum(),
}

const layouts: Record<string, (t: Tensor) => Tensor> = {
  contiguous: (t) => t,
  transposed: (t) => (t.ndim < 2 ? t : t.t().contiguous().t()),
  sliced: (t) => torch.cat([t, t.add(1)], -1).at('...', `:${t.shape.at(-1)}`),
}

describe.each(['complex64', 'complex128'] as const)('%s', (dtype) => {
  const { inputs, cases } = fixtures[dtype]
  const tolerance = dtype === 'complex64' ? 2e-5 : 1e-11

  it.each(Object.keys(cases))('%s', (name) => {
    const { out, seed, grads } = cases[name]
    for (const [layout, lay] of Object.entries(layouts)) {
      const args = inputs.map((t) => lay(tensorOf(t)).detach().requiresGrad_())
      const got = operations[name](args[0], args[1], args[2])
      expect([got.dtype, got.shape], layout).toEqual([out.dtype, out.shape])
      const check = (values: Tensor, want: readonly (number | boolean)[]): void =>
        expect(closeTo(values.detach().toTypedArray(), want.map(Number), tolerance, tolerance), `${name}, ${layout}`).toBeNull()
      check(got, out.data)
      got.backward(tensorOf(seed))
      grads.forEach((want, i) => {
        const { grad } = args[i]
        if (want === null) expect(grad).toBeNull()
        else check(grad!, want)
      })
    }
  })

  it('knows all of them', () => {
    expect(Object.keys(operations).sort()).toEqual(Object.keys(cases).sort())
  })
})

describe('complex tensors', () => {
  const z = torch.tensor([{ re: 1, im: 2 }, 3])

  it('are made of pairs and read as pairs', () => {
    expect(z.dtype).toBe('complex64')
    expect(z.elementSize()).toBe(8)
    expect(z.tolist()).toEqual([
      { re: 1, im: 2 },
      { re: 3, im: 0 },
    ])
    expect(z.at(0).item()).toEqual({ re: 1, im: 2 })
    expect([...z.toTypedArray()]).toEqual([1, 2, 3, 0])
    expect(String(torch.full([2], { re: 0, im: -1 }, { dtype: 'complex128' }))).toBe(
      'tensor([0.-1.j, 0.-1.j], dtype=torch.complex128)',
    )
    expect(String(torch.zeros(0, { dtype: 'complex64' }))).toBe('tensor([], dtype=torch.complex64)')
    expect(() => torch.tensor([{ re: 1, im: 2 }], { dtype: 'float32' })).toThrow('must be real number, not complex')
  })

  it('share memory with views of their parts', () => {
    const x = z.clone()
    torch.imag(x).fill_(7)
    x.real = torch.tensor([5, 6])
    expect(x.tolist()).toEqual([
      { re: 5, im: 7 },
      { re: 6, im: 7 },
    ])
    const floats = torch.zeros(2, 2)
    torch.viewAsComplex(floats).copy_(z)
    expect(floats.tolist()).toEqual([
      [1, 2],
      [3, 0],
    ])
    expect(() => torch.viewAsComplex(torch.zeros(3))).toThrow('last dimension of size 2')
    expect(() => torch.viewAsReal(torch.zeros(2))).toThrow('only supported for complex tensors')
    expect(() => torch.imag(torch.zeros(2))).toThrow('not implemented for tensors with non-complex dtypes')
  })

  it('refuse to record a write through a view of their parts', () => {
    const x = z.clone().requiresGrad_().mul(1)
    expect(() => torch.real(x).mul_(2)).toThrow('not implemented: recording a write in place')
  })

  it('lose their imaginary part only where a cast says so', () => {
    expect(z.to('float32').tolist()).toEqual([1, 3])
    expect(torch.zeros(2).copy_(z).tolist()).toEqual([1, 3])
    expect(() => torch.ones(2).add_(z)).toThrow("result type ComplexFloat can't be cast to the desired output type Float")
    expect(() => torch.ones(2).fill_({ re: 1, im: 1 })).toThrow('cannot be converted to type float32 without overflow')
    expect(() => torch.ones(2).maskedFill(torch.tensor([true, false]), z.at(0))).toThrow('without overflow')
  })

  it.each<[string, (x: Tensor) => unknown]>([
    ['order', (x) => x.lt(x)],
    ['sort', (x) => x.sort()],
    ['max', (x) => x.max()],
    ['argmax', (x) => x.argmax()],
    ['amax over a dimension', (x) => x.amax(0)],
    ['floor', (x) => x.floor()],
    ['relu', (x) => x.relu()],
    ['clamp', (x) => x.clamp(0, 1)],
    ['softmax', (x) => x.softmax(0)],
    ['logsumexp', (x) => x.logsumexp(0)],
    ['cumprod', (x) => x.cumprod(0)],
    ['erf', (x) => x.erf()],
    ['asin', (x) => x.asin()],
    ['sign', (x) => x.sign()],
    ['unique', (x) => x.unique()],
    ['remainder', (x) => x.remainder(2)],
    ['maximum', (x) => x.maximum(x)],
    ['bitwiseNot', (x) => x.bitwiseNot()],
    ['nanToNum', (x) => x.nanToNum()],
    ['nansum', (x) => x.nansum()],
    ['isposinf', (x) => x.isposinf()],
    ['histc', (x) => x.histc()],
    ['mseLoss', (x) => torch.nn.functional.mseLoss(x, x)],
    ['conv2d', (x) => torch.nn.functional.conv2d(x.reshape(1, 1, 1, 2), x.reshape(1, 1, 1, 2))],
    ['convTranspose2d', (x) => torch.nn.functional.convTranspose2d(x.reshape(1, 1, 1, 2), x.reshape(1, 1, 1, 2))],
    ['dropout', (x) => torch.nn.functional.dropout(x, 0.5, true)],
    ['a product with a real matrix', (x) => torch.ones(2, 2).mv(x)],
    ['scatterReduce', (x) => x.scatterReduce(0, torch.tensor([0n, 0n]), x, 'amax')],
    ['eigenvalues', (x) => torch.linalg.eig(x.reshape(1, 2).expand(2, 2))],
    ['arange', () => torch.arange(3, { dtype: 'complex64' })],
    ['abs_', (x) => x.abs_()],
  ])('have no %s', (_, run) => {
    expect(() => run(z.clone())).toThrow(/not implemented|not supported|does not support|same dtype|does not match/i)
  })

  it('compare, and are true where they are not 0', () => {
    expect(z.eq({ re: 1, im: 2 }).tolist()).toEqual([true, false])
    expect(torch.isreal(z).tolist()).toEqual([false, true])
    expect(
      torch
        .tensor([{ re: 0, im: 1 }, 0])
        .nonzero()
        .tolist(),
    ).toEqual([[0]])
    expect(
      torch
        .tensor([{ re: 0, im: 1 }, 0])
        .any()
        .item(),
    ).toBe(true)
    expect(torch.isnan(torch.tensor([{ re: 0, im: Number.NaN }])).tolist()).toEqual([true])
    expect(z.equal(z.clone())).toBe(true)
    expect(torch.allclose(z, z.add({ re: 0, im: 1e-9 }))).toBe(true)
  })

  it('are differentiated any number of times', () => {
    const x = torch.tensor(
      [
        { re: 0.5, im: 1 },
        { re: -1, im: 0.3 },
      ],
      { dtype: 'complex128', requiresGrad: true },
    )
    const y = torch.tensor(
      [
        { re: 1.5, im: -1 },
        { re: 2, im: 0.7 },
      ],
      { dtype: 'complex128', requiresGrad: true },
    )
    const runs: ((a: Tensor, b: Tensor) => Tensor)[] = [
      (a, b) => a.mul(b).exp().div(b),
      (a, b) => a.pow(b),
      (a) => a.abs(),
      (a, b) => a.unsqueeze(0).matmul(b.unsqueeze(1)).sqrt(),
      (a) => a.sgn().angle(),
    ]
    for (const run of runs) {
      expect(autograd.gradcheck(run, [x, y])).toBe(true)
      expect(autograd.gradgradcheck(run, [x, y])).toBe(true)
    }
  })

  it.each(['SGD', 'Adam', 'RMSprop', 'Adagrad', 'Rprop'] as const)('are trained by %s as pairs of floats', (name) => {
    const w = torch
      .tensor([
        { re: 0.5, im: 0 },
        { re: 1, im: 1 },
      ])
      .requiresGrad_()
    const pairs = torch.viewAsReal(w.detach().clone()).requiresGrad_()
    const loss = (x: Tensor): Tensor => x.sub({ re: 1, im: -2 }).abs().pow(2).sum()
    const [a, b] = [new torch.optim[name]([w], { lr: 0.1 }), new torch.optim[name]([pairs], { lr: 0.1 })]
    for (let step = 0; step < 5; step++) {
      a.zeroGrad()
      b.zeroGrad()
      loss(w).backward()
      loss(torch.viewAsComplex(pairs)).backward()
      a.step()
      b.step()
    }
    expect(torch.viewAsReal(w.detach()).tolist()).toEqual(pairs.tolist())
    expect(loss(w).item()).toBeLessThan(12)
  })
})
