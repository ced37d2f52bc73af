/** Factorizations put together again: at sizes around the kernels' blocks, and of matrices that are hard to decompose. */

import { describe, expect, it } from 'vitest'
import type { Tensor } from '../../src/index.js'
import * as torch from '../../src/index.js'
import { sample } from '../support/samples.js'

const { linalg } = torch
const dtype = 'float64'
const eye = (n: number): Tensor => torch.eye(n, { dtype })
const random = (...shape: number[]): Tensor => sample(shape, dtype, 'any', shape[0] + 2)

/** Equal up to rounding, relative to the largest element expected. */
function same(got: Tensor, want: Tensor, what: string, slack = 1): void {
  expect(got.shape, what).toEqual(want.shape)
  if (want.numel() === 0) return
  const scale = want.abs().max().item() || 1
  const error = got.div(scale).sub(want.div(scale)).abs().max().item()
  expect(error, what).toBeLessThan(1e-13 * want.shape.at(-1)! * slack)
}
const orthonormal = (q: Tensor, what: string): void => same(q.mT.matmul(q), eye(q.shape.at(-1)!), what)

function checkSvd(a: Tensor, what: string): void {
  const [m, n] = a.shape
  const k = Math.min(m, n)
  for (const fullMatrices of [false, true]) {
    const { U, S, Vh } = linalg.svd(a, { fullMatrices })
    expect([U.shape, Vh.shape]).toEqual(fullMatrices ? [[m, m], [n, n]] : [[m, k], [k, n]]) // biome-ignore format: pairs
    orthonormal(U, `${what}: U`)
    orthonormal(Vh.mT, `${what}: V`)
    same(
      U.narrow(1, 0, k)
        .mul(S)
        .matmul(Vh.narrow(0, 0, k)),
      a,
      `${what}: U S Vh`,
    )
    expect(S.diff().le(0).all().item(), `${what}: descending`).toBe(true)
    same(linalg.svdvals(a), S, `${what}: values alone`)
  }
}
function checkEigh(a: Tensor, what: string): void {
  const { eigenvalues, eigenvectors } = linalg.eigh(a)
  const whole = a.tril().add(a.tril(-1).mT)
  orthonormal(eigenvectors, `${what}: eigenvectors`)
  same(eigenvectors.mul(eigenvalues).matmul(eigenvectors.mT), whole, `${what}: V L VT`)
  expect(eigenvalues.diff().ge(0).all().item(), `${what}: ascending`).toBe(true)
  same(linalg.eigvalsh(a.tril().mT, 'U'), eigenvalues, `${what}: values alone`)
}
function checkQr(a: Tensor, what: string): void {
  for (const mode of ['reduced', 'complete'] as const) {
    const { Q, R } = linalg.qr(a, mode)
    orthonormal(Q, `${what}: Q`)
    same(Q.matmul(R), a, `${what}: Q R`)
    expect(R.tril(-1).eq(0).all().item()).toBe(true)
  }
}
function checkLu(a: Tensor, what: string): void {
  const { P, L, U } = linalg.lu(a)
  same(P.matmul(L).matmul(U), a, `${what}: P L U`)
  if (L.numel() > 0) expect(L.abs().max().item(), `${what}: pivots are the largest`).toBeLessThanOrEqual(1)
}

const sizes = torch.backend.engine === 'reference' ? [0, 1, 2, 5, 18] : [0, 1, 2, 5, 16, 17, 33, 64, 65, 100, 131]

describe(`linear algebra on ${torch.backend.engine}`, () => {
  it.each(sizes)('matrices of size %i', (n) => {
    const [a, wide, tall] = [random(n, n), random(n, n + 19), random(n + 19, n)]
    for (const [what, x] of Object.entries({ square: a, wide, tall, turned: tall.mT })) {
      checkLu(x, what)
      checkQr(x, what)
      checkSvd(x, what)
    }
    checkEigh(a, 'symmetric')
    const definite = a.matmul(a.mT).add(eye(n).mul(n + 1))
    const L = linalg.cholesky(definite)
    same(L.matmul(L.mT), definite, 'L LT')
    same(linalg.cholesky(definite, { upper: true }), L.mT, 'upper Cholesky factor')
    const regular = a.add(eye(n).mul(3 * n + 3))
    same(regular.matmul(linalg.inv(regular)), eye(n), 'inverse')
    for (const k of [1, 3, 40]) {
      const b = random(n, k)
      same(regular.matmul(linalg.solve(regular, b)), b, 'solve')
      same(linalg.solve(regular.mT, b.mT, { left: false }).matmul(regular.mT), b.mT, 'solve from the right')
      same(regular.triu().matmul(linalg.solveTriangular(regular, b, { upper: true })), b, 'upper triangle')
      same(regular.tril().matmul(linalg.solveTriangular(regular, b, { upper: false })), b, 'lower triangle')
    }
    if (n > 1 && n < 100) same(linalg.det(regular).log().reshape(1), linalg.slogdet(regular).logabsdet.reshape(1), 'determinant')
  })

  it('matrices that are hard to decompose', () => {
    const n = torch.backend.engine === 'reference' ? 12 : 40
    const { Q } = linalg.qr(random(n, n))
    const across = linalg.qr(random(n, n + 1)).Q
    const spread = (values: (i: number) => number): Tensor =>
      torch.tensor(
        Array.from({ length: n }, (_, i) => values(i)),
        { dtype },
      )
    const off = torch.diag(torch.ones(n - 1, { dtype }), 1)
    const matrices = {
      zero: torch.zeros(n, n, { dtype }),
      ones: torch.ones(n, n, { dtype }),
      identity: eye(n),
      exchange: eye(n).flip(0),
      'of rank 3': random(n, 3).matmul(random(3, n)),
      'with values repeated': Q.mul(spread((i) => Math.min(3, i))).matmul(Q.mT),
      'ill-conditioned': Q.mul(spread((i) => 10 ** (-i / 2))).matmul(across),
      graded: random(n, n).mul(spread((i) => 10 ** (-1.5 * i))),
      huge: random(n, n).mul(1e300),
      tiny: random(n, n).mul(1e-300),
      tridiagonal: off.add(off.mT),
      hilbert: torch
        .arange(1, n + 1, { dtype })
        .unsqueeze(1)
        .add(torch.arange(n, { dtype }))
        .reciprocal(),
    }
    checkSvd(torch.zeros(3, 2, { dtype }), 'tall zeros')
    checkSvd(torch.zeros(2, 5, { dtype }), 'wide zeros')
    for (const [what, a] of Object.entries(matrices)) {
      checkSvd(a, what)
      checkQr(a, what)
      checkLu(a, what)
      // Sums of squares of the reference's rotations do not reach that far.
      if (torch.backend.engine !== 'reference' || !['huge', 'tiny'].includes(what)) checkEigh(a, what)
    }
  })

  it('batches, broadcasting and views', () => {
    const a = random(3, 4, 4).add(eye(4).mul(9))
    const b = random(2, 1, 4, 2)
    expect(linalg.solve(a, b).shape).toEqual([2, 3, 4, 2])
    same(a.matmul(linalg.solve(a, b)), b.expand(2, 3, 4, 2), 'broadcast')
    same(linalg.solve(a, random(3, 4)).unsqueeze(-1), linalg.solve(a, random(3, 4).unsqueeze(-1)), 'vectors')
    const sliced = torch.zeros(3, 8, 9, { dtype })
    const view = sliced.slice(1, 0, null, 2).slice(2, 1, null, 2)
    view.copy_(a)
    for (const f of [linalg.inv, linalg.det, linalg.svdvals, linalg.matrixExp, (x: Tensor) => linalg.qr(x).R])
      same(f(view), f(a), 'of a view')
    for (let i = 0; i < 3; i++) same(linalg.inv(a).at(i), linalg.inv(a.at(i)), 'one of a batch')
    expect(linalg.svd(torch.zeros(0, 3, 2)).U.shape).toEqual([0, 3, 3])
    expect(linalg.eigh(torch.zeros(2, 0, 0)).eigenvalues.shape).toEqual([2, 0])
    expect(linalg.det(torch.zeros(2, 0, 0)).tolist()).toEqual([1, 1])
  })

  it('says which matrix is singular, indefinite or not finite', () => {
    const good = torch.eye(2)
    const batch = (bad: number[][]): Tensor => torch.stack([good, torch.tensor(bad)])
    const second = '(Batch element 1): '
    const cases: [() => unknown, string][] = [
      [
        () => linalg.inv(torch.tensor([[1, 2], [2, 4]])), // biome-ignore format: a matrix
        'linalg.inv: The diagonal element 2 is zero, the inversion could not be completed because the input matrix is singular.',
      ],
      [
        () => linalg.inv(batch([[0, 0], [0, 0]])), // biome-ignore format: a matrix
        `linalg.inv: ${second}The diagonal element 1 is zero, the inversion could not be completed because the input matrix is singular.`,
      ],
      [() => linalg.inv(torch.ones(2, 3)), 'linalg.inv: A must be batches of square matrices, but they are 2 by 3 matrices'],
      [() => linalg.inv(torch.ones(3)), 'linalg.inv: The input tensor A must have at least 2 dimensions.'],
      [
        () => linalg.inv(torch.ones(2, 2, { dtype: 'int64' })),
        'linalg.inv: Expected a floating point or complex tensor as input. Got Long',
      ],
      [() => linalg.inv(torch.ones(2, 2, { dtype: 'float16' })), 'linalg.inv: Low precision dtypes not supported. Got Half'],
      [() => linalg.lu(torch.ones(2, 2, { dtype: 'float16' })), '"lu_cpu" not implemented for \'Half\''],
      [
        () => linalg.cholesky(batch([[1, 2], [2, 1]])), // biome-ignore format: a matrix
        `linalg.cholesky: ${second}The factorization could not be completed because the input is not positive-definite (the leading minor of order 2 is not positive-definite).`,
      ],
      [
        () => linalg.svd(batch([[1, 2], [Number.NaN, 1]])), // biome-ignore format: a matrix
        `linalg.svd: ${second}The algorithm failed to converge because the input matrix contained non-finite values.`,
      ],
      [
        () => linalg.solve(torch.zeros(2, 2), torch.ones(2)),
        'torch.linalg.solve: The solver failed because the input matrix is singular.',
      ],
      [
        () => linalg.solve(torch.ones(3, 3), torch.ones(2, 4)),
        'linalg.solve: Incompatible shapes of A and B for the equation AX = B (3x3 and 2x4)',
      ],
      [() => linalg.matrixNorm(torch.ones(2, 2), 3), 'linalg.matrix_norm: Order 3 not supported.'],
    ]
    for (const [run, message] of cases) {
      let said: unknown
      try {
        run()
      } catch (error) {
        said = (error as Error).message
      }
      expect(said).toBe(message)
    }
    expect(linalg.choleskyEx(batch([[1, 2], [2, 1]])).info.tolist()).toEqual([0, 2]) // biome-ignore format: a matrix
    expect(linalg.invEx(batch([[1, 2], [2, 4]])).info.tolist()).toEqual([0, 2]) // biome-ignore format: a matrix
  })

  it('determinants of singular matrices have gradients of any order', () => {
    for (const rank of [1, 2, 3]) {
      const a = random(4, rank).matmul(random(rank, 4)).detach().requiresGrad_()
      expect(torch.autograd.gradcheck(linalg.det, [a])).toBe(true)
    }
    const a = torch.tensor([[1, 2], [2, 4]], { dtype, requiresGrad: true }) // biome-ignore format: a matrix
    expect(torch.autograd.gradgradcheck(linalg.det, [a])).toBe(true)
  })
})
