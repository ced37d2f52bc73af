/** linalg.eig against PyTorch (tools/fixtures/complex.py), and against what eigenvectors are. */

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import * as torch from '../src/index.js'
import { autograd, linalg, type Tensor } from '../src/index.js'
import { closeTo } from './support/samples.js'

interface Case {
  readonly kind: string
  readonly n: number
  readonly a: number[]
  readonly values: number[]
  readonly vectors: number[]
}
const path = new URL('./fixtures/complex.json.gz', import.meta.url)
const cases: Case[] = JSON.parse(gunzipSync(readFileSync(path)).toString()).eigen
const largest = (t: Tensor): number => (t.shape.includes(0) ? 0 : (t.abs().max().item() as number))
const matrix = (data: readonly number[], n: number): Tensor => torch.fromTypedArray(Float64Array.from(data), [n, n])

/** A·V = V·Λ to the matrix's own precision, columns of norm 1, largest components real, pairs side by side. */
function requireEigen(a: Tensor, values: Tensor, vectors: Tensor): void {
  const size = largest(a)
  const scaled = size === 0 ? a : a.div(size)
  const residual = scaled
    .to(values.dtype)
    .matmul(vectors)
    .sub(vectors.mul(size === 0 ? values : values.div(size)))
  expect(largest(residual)).toBeLessThan(1e-12)
  expect(largest(vectors.abs().square().sum(-2).sub(1))).toBeLessThan(1e-12)
  const top = vectors.gather(-2, vectors.abs().argmax(-2, true).unsqueeze(-2).squeeze(-2))
  // A tie between components leaves either of them the real one.
  const isPair = torch.imag(values).ne(0)
  expect(largest(torch.imag(top.squeeze(-2)).mul(isPair).abs().lt(1e-12).logicalNot().to('float64').mul(tieFree(vectors)))).toBe(
    0,
  )
}
/** 1 for the columns whose largest component is the only one of its size. */
function tieFree(vectors: Tensor): Tensor {
  const sizes = vectors.abs()
  return sizes
    .gt(sizes.amax(-2, { keepdim: true }).mul(1 - 1e-9))
    .sum(-2)
    .eq(1)
    .to('float64')
}

describe('linalg.eig', () => {
  it.each(cases.map((c, i) => [`${i}: ${c.kind} of ${c.n}`, c] as const))('%s', (_, { n, a, values, vectors, kind }) => {
    const x = matrix(a, n)
    const { eigenvalues, eigenvectors } = linalg.eig(x)
    const size = Math.max(...values.map(Math.abs), 1e-300)
    const scaled = (list: Iterable<number | bigint>): number[] => Array.from(list, (v) => Number(v) / size)
    expect(closeTo(scaled(eigenvalues.toTypedArray()), scaled(values), 0, 1e-11)).toBeNull()
    expect(closeTo(scaled(linalg.eigvals(x).toTypedArray()), scaled(values), 0, 1e-11)).toBeNull()
    requireEigen(x, eigenvalues, eigenvectors)
    if (kind !== 'random' && kind !== 'triangular') return
    // Rounding may decide the sign of a column, nothing else.
    const want = torch.fromTypedArray(Float64Array.from(vectors), [n, n], { dtype: 'complex128' })
    const apart = torch.minimum(eigenvectors.sub(want).abs().amax(-2), eigenvectors.add(want).abs().amax(-2))
    expect(largest(apart)).toBeLessThan(1e-10)
  })

  it('solves matrices larger than LAPACK iterates on without blocks', () => {
    torch.manualSeed(3)
    const a = torch.randn(2, 90, 90, { dtype: 'float64' })
    const [values, vectors] = linalg.eig(a)
    for (let i = 0; i < 2; i++) requireEigen(a.at(i), values.at(i), vectors.at(i))
    expect(
      largest(
        torch
          .real(values)
          .sum(-1)
          .sub(a.diagonal(0, -2, -1).sum(-1)),
      ),
    ).toBeLessThan(1e-10)
  })

  it('takes batches, empty ones, float32 and any strides', () => {
    expect(linalg.eig(torch.zeros(0, 3, 3)).eigenvectors.shape).toEqual([0, 3, 3])
    expect(linalg.eig(torch.zeros(2, 0, 0)).eigenvalues.shape).toEqual([2, 0])
    const a = torch.tensor([
      [0, -4],
      [1, 0],
    ])
    expect(String(linalg.eigvals(a.t()))).toBe('tensor([0.+2.j, 0.-2.j])')
    expect(linalg.eig(a).eigenvectors.dtype).toBe('complex64')
  })

  it('refuses what has no eigenvalues', () => {
    expect(() => linalg.eig(torch.ones(3))).toThrow('linalg.eig: The input tensor A must have at least 2 dimensions.')
    expect(() => linalg.eigvals(torch.ones(3, 2))).toThrow('A must be batches of square matrices, but they are 3 by 2 matrices')
    expect(() => linalg.eig(torch.ones(2, 2, { dtype: 'int32' }))).toThrow('Int')
    expect(() => linalg.eig(torch.full([2, 2], Number.NaN))).toThrow('input tensor should not contain infs or NaNs')
    expect(() => linalg.eig(torch.ones(2, 2, { dtype: 'complex64' }))).toThrow('not implemented: linalg.eig of complex64')
  })

  it('has gradients of any order', () => {
    torch.manualSeed(1)
    const a = torch.randn(2, 3, 3, { dtype: 'float64', requiresGrad: true })
    const exponential = (x: Tensor): Tensor => {
      const [values, vectors] = linalg.eig(x)
      return vectors.mul(values.exp().unsqueeze(-2)).matmul(vectors.mH)
    }
    for (const run of [linalg.eigvals, (x: Tensor) => linalg.eig(x).eigenvectors.abs(), exponential]) {
      expect(autograd.gradcheck(run, [a])).toBe(true)
      expect(autograd.gradgradcheck(run, [a])).toBe(true)
    }
  })

  it('refuses a loss that depends on the phase of the eigenvectors', () => {
    const a = torch.tensor(
      [
        [0, 1],
        [-2, 0],
      ],
      { requiresGrad: true },
    )
    expect(() => torch.imag(linalg.eig(a).eigenvectors).sum().backward()).toThrow('specified up to multiplication by e^{i phi}')
  })
})
