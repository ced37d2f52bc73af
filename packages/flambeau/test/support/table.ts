/** The ops under test: how to call each, on what, and whether it is differentiable. A new op is tested by being listed. */

import type { DType, Tensor } from '../../src/index.js'
import * as torch from '../../src/index.js'
import type { Domain } from './samples.js'
import { listSpatial } from './spatial.js'

export interface Input {
  readonly shape: readonly number[]
  readonly domain?: Domain
  /** A dtype of its own, whatever the case's is. */
  readonly dtype?: DType
  /** Not differentiated, although its dtype would allow it. */
  readonly constant?: boolean
}

export interface Case {
  readonly name: string
  readonly inputs: readonly Input[]
  readonly run: (...inputs: Tensor[]) => Tensor | Iterable<Tensor>
  readonly dtypes: readonly DType[]
  /** Checked by gradcheck and gradgradcheck; 'once' where the second derivative is not implemented. */
  readonly differentiable: boolean | 'once'
  /** More error than one rounding: sums of many terms. */
  readonly slack?: number
}

export const floats: readonly DType[] = ['float32', 'float64', 'float16', 'bfloat16']
export const integers: readonly DType[] = ['int8', 'int16', 'int32', 'int64', 'uint8']
export const numbers: readonly DType[] = [...floats, ...integers]
export const every: readonly DType[] = [...numbers, 'bool']

const cases: Case[] = []
const list = (name: string, inputs: readonly Input[], run: Case['run'], options: Partial<Case> = {}): void => {
  cases.push({ name, inputs, run, dtypes: floats, differentiable: true, ...options })
}
type Method = (this: Tensor, ...args: unknown[]) => Tensor
const method =
  (name: string, ...args: unknown[]) =>
  (x: Tensor, ...rest: Tensor[]): Tensor =>
    (x[name as 'add'] as unknown as Method).call(x, ...rest, ...args)

const matrix: Input = { shape: [3, 4] }

// Pointwise, of one operand.
// biome-ignore format: a table reads better in rows
const unary: Record<string, Domain> = {
  neg: 'any', abs: 'nonzero', sqrt: 'positive', rsqrt: 'positive', reciprocal: 'nonzero', exp: 'any', exp2: 'any', expm1: 'any',
  log: 'positive', log1p: 'positive', log2: 'positive', log10: 'positive', sin: 'any', cos: 'any', tan: 'unit', asin: 'unit',
  acos: 'unit', atan: 'any', sinh: 'any', cosh: 'any', tanh: 'any', asinh: 'any', acosh: 'aboveOne', atanh: 'unit',
  sigmoid: 'any', erf: 'any', erfc: 'any', erfinv: 'unit', square: 'any', relu: 'nonzero', frac: 'any',
}
for (const [name, domain] of Object.entries(unary))
  list(name, [{ ...matrix, domain }], method(name), {
    dtypes: ['neg', 'abs', 'square', 'relu'].includes(name) ? numbers : floats,
  })
list('lgamma', [{ ...matrix, domain: 'positive' }], method('lgamma'), { differentiable: 'once' })
list('digamma', [{ ...matrix, domain: 'positive' }], method('digamma'), { differentiable: false })
for (const name of ['sign', 'floor', 'ceil', 'round', 'trunc']) list(name, [matrix], method(name), { dtypes: numbers })
for (const name of ['logicalNot', 'isnan', 'isinf', 'isfinite'])
  list(name, [matrix], method(name), { dtypes: every, differentiable: false })
list('bitwiseNot', [matrix], method('bitwiseNot'), { dtypes: [...integers, 'bool'], differentiable: false })
list('gelu', [matrix], (x) => torch.gelu(x))
list('gelu tanh', [matrix], (x) => torch.gelu(x, { approximate: 'tanh' }))
list('silu', [matrix], (x) => torch.silu(x))
list('leakyRelu', [{ ...matrix, domain: 'nonzero' }], (x) => torch.leakyRelu(x, 0.2))
list('clamp', [matrix], (x) => x.clamp(-1.03, 1.51), {})
list('clamp min', [matrix], (x) => x.clamp({ min: -1.03 }))
list('pow number', [{ ...matrix, domain: 'positive' }], (x) => x.pow(1.7))
list('pow 2', [matrix], (x) => x.pow(2), { dtypes: numbers })
list('add number', [matrix], (x) => x.add(2), { dtypes: every })
list('add alpha', [matrix, matrix], (x, y) => x.add(y, { alpha: 3 }), { dtypes: numbers })

// Special functions.
// biome-ignore format: a table reads better in rows
const specials: Record<string, Domain> = {
  i0: 'any', i0e: 'any', i1: 'any', i1e: 'any', modifiedBesselK0: 'positive', modifiedBesselK1: 'positive',
  scaledModifiedBesselK0: 'positive', scaledModifiedBesselK1: 'positive', besselJ0: 'any', besselJ1: 'any', besselY0: 'positive',
  besselY1: 'positive', erfcx: 'any', ndtr: 'any', logNdtr: 'any', entr: 'positive', sphericalBesselJ0: 'nonzero',
}
type Unary = (x: Tensor) => Tensor
const special = torch.special as unknown as Record<string, Unary>
for (const [name, domain] of Object.entries(specials))
  list(`special ${name}`, [{ ...matrix, domain }], (x) => special[name](x), { slack: 4 })
list('special ndtri', [{ ...matrix, domain: 'unit' }], (x) => torch.special.ndtri(x.add(1).div(2)), { slack: 8 })
list('special airyAi', [matrix], (x) => torch.special.airyAi(x), { differentiable: false, slack: 4 })
list('special zeta', [{ ...matrix, domain: 'positive' }], (x) => torch.special.zeta(2.5, x), { slack: 8 })
for (const n of [1, 2, 5]) list(`polygamma ${n}`, [{ ...matrix, domain: 'positive' }], (x) => x.polygamma(n), { slack: 8 })
for (const name of ['igamma', 'igammac'])
  list(
    name,
    [
      { shape: [4], domain: 'aboveOne', constant: true },
      { ...matrix, domain: 'positive' },
    ],
    method(name),
    { slack: 8 },
  )
for (const name of Object.keys(torch.special).filter((key) => key.toLowerCase().includes('polynomial')))
  for (const n of [0, 1, 6])
    list(`special ${name} ${n}`, [matrix], (x) => (special[name] as (x: Tensor, n: number) => Tensor)(x, n), {
      differentiable: false,
      slack: 16,
    })
list('frexp', [{ ...matrix, domain: 'nonzero' }], (x) => torch.frexp(x).mantissa)
list('frexp exponent', [matrix], (x) => torch.frexp(x).exponent, { differentiable: false })
list('ldexp', [matrix, { shape: [4], dtype: 'int64' }], method('ldexp'))
list('mseLoss', [matrix, matrix], (x, y) => torch.nn.functional.mseLoss(x, y))
list('mseLoss sum', [matrix, matrix], (x, y) => torch.nn.functional.mseLoss(x, y, { reduction: 'sum' }), { slack: 8 })

// Of two, with broadcasting.
const row: Input = { shape: [4] }
for (const name of ['add', 'mul']) list(name, [matrix, row], method(name), { dtypes: every })
for (const name of ['sub', 'rsub']) list(name, [matrix, row], method(name), { dtypes: numbers })
for (const name of ['maximum', 'minimum', 'fmax', 'fmin'])
  list(name, [{ ...matrix, domain: 'distinct' }, row], method(name), { dtypes: numbers })
list('div', [matrix, { ...row, domain: 'nonzero' }], method('div'), { dtypes: numbers })
list('div floor', [matrix, { ...row, domain: 'nonzero' }], (x, y) => x.div(y, { roundingMode: 'floor' }), { dtypes: numbers })
list('div trunc', [matrix, { ...row, domain: 'nonzero' }], (x, y) => x.div(y, { roundingMode: 'trunc' }), { dtypes: numbers })
for (const name of ['remainder', 'fmod'])
  list(name, [matrix, { ...row, domain: 'nonzero' }], method(name), { dtypes: ['float32', 'float64', ...integers] })
list('pow', [{ ...matrix, domain: 'positive' }, row], method('pow'))
list(
  'atan2',
  [
    { ...matrix, domain: 'nonzero' },
    { ...row, domain: 'nonzero' },
  ],
  method('atan2'),
)
list('hypot', [{ ...matrix, domain: 'nonzero' }, row], method('hypot'))
list(
  'copysign',
  [
    { ...matrix, domain: 'nonzero' },
    { ...row, domain: 'nonzero' },
  ],
  method('copysign'),
)
for (const name of ['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'logicalAnd', 'logicalOr', 'logicalXor'])
  list(name, [matrix, row], method(name), { dtypes: every, differentiable: false })
for (const name of ['bitwiseAnd', 'bitwiseOr', 'bitwiseXor'])
  list(name, [matrix, row], method(name), { dtypes: [...integers, 'bool'], differentiable: false })
for (const name of ['bitwiseLeftShift', 'bitwiseRightShift'])
  list(name, [matrix, { ...row, domain: 'smallInteger' }], method(name), {
    dtypes: ['int32', 'int64', 'uint8'],
    differentiable: false,
  })
list('where', [{ ...matrix, dtype: 'bool' }, matrix, row], (c, x, y) => torch.where(c, x, y), { dtypes: every })
list('maskedFill', [matrix, { ...row, dtype: 'bool' }], (x, m) => x.maskedFill(m, 2), { dtypes: every })
list('lerp', [matrix, row, { ...row, domain: 'unit' }], (x, y, w) => x.lerp(y, w))
list('addcmul', [matrix, row, matrix], (x, y, z) => x.addcmul(y, z, { value: 0.5 }))
list('addcdiv', [matrix, row, { ...matrix, domain: 'nonzero' }], (x, y, z) => x.addcdiv(y, z, { value: 0.5 }))
list('to float64', [matrix], (x) => x.to('float64'), { dtypes: every })
list('to int64', [matrix], (x) => x.to('int64'), { dtypes: every, differentiable: false })
list('to bool', [matrix], (x) => x.to('bool'), { dtypes: every, differentiable: false })
list('to bfloat16', [matrix], (x) => x.to('bfloat16'), { dtypes: every, differentiable: false })
list('clone', [matrix], (x) => x.clone(), { dtypes: every })

// Reductions.
const cube: Input = { shape: [3, 5, 4] }
for (const dim of [undefined, 0, 1, -1, [0, 2]] as const) {
  const label = dim === undefined ? '' : ` ${JSON.stringify(dim)}`
  list(`sum${label}`, [cube], (x) => x.sum(dim), { dtypes: every, slack: 8 })
  list(`mean${label}`, [cube], (x) => x.mean(dim, { keepdim: true }), { slack: 8 })
  list(`amax${label}`, [{ ...cube, domain: 'distinct' }], (x) => x.amax(dim), { dtypes: every })
  list(`var${label}`, [cube], (x) => x.var(dim), { slack: 16 })
  list(`std${label}`, [cube], (x) => x.std(dim, { correction: 0 }), { slack: 16 })
  list(`logsumexp${label}`, [cube], (x) => x.logsumexp(dim ?? [0, 1, 2]), { slack: 8 })
  list(`any${label}`, [cube], (x) => x.any(dim), { dtypes: every, differentiable: false })
  list(`all${label}`, [cube], (x) => x.all(dim, { keepdim: true }), { dtypes: every, differentiable: false })
}
for (const dim of [0, 1, -1]) {
  list(`max ${dim}`, [{ ...cube, domain: 'distinct' }], (x) => x.max(dim), { dtypes: every })
  list(`min ${dim}`, [{ ...cube, domain: 'distinct' }], (x) => x.min(dim, { keepdim: true }), { dtypes: every })
  list(`prod ${dim}`, [{ ...cube, domain: 'nonzero' }], (x) => x.prod(dim), { slack: 8 })
  list(`argmax ${dim}`, [{ ...cube, domain: 'distinct' }], (x) => x.argmax(dim), { dtypes: numbers, differentiable: false })
  list(`softmax ${dim}`, [cube], (x) => x.softmax(dim), { slack: 4 })
  list(`logSoftmax ${dim}`, [cube], (x) => x.logSoftmax(dim), { slack: 4 })
}
list('argmin', [{ ...cube, domain: 'distinct' }], (x) => x.argmin(), { dtypes: numbers, differentiable: false })
list('max', [{ ...cube, domain: 'distinct' }], (x) => x.max(), { dtypes: every })
list('prod', [{ shape: [2, 3], domain: 'nonzero' }], (x) => x.prod(), { slack: 8 })

// Running reductions, order and search.
const distinct: Input = { ...cube, domain: 'distinct' }
for (const dim of [0, 1, -1]) {
  list(`cumsum ${dim}`, [cube], (x) => x.cumsum(dim), { dtypes: every, slack: 8 })
  list(`cumprod ${dim}`, [{ ...cube, domain: 'nonzero' }], (x) => x.cumprod(dim), { dtypes: numbers, slack: 8 })
  list(`cummax ${dim}`, [distinct], (x) => x.cummax(dim), { dtypes: every })
  list(`cummin ${dim}`, [distinct], (x) => x.cummin(dim), { dtypes: every })
  list(`logcumsumexp ${dim}`, [cube], (x) => x.logcumsumexp(dim), { slack: 8 })
  list(`sort ${dim}`, [distinct], (x) => x.sort(dim), { dtypes: every })
  list(`sort ${dim} descending`, [distinct], (x) => x.sort(dim, { descending: true }), { dtypes: every })
  list(`argsort ${dim}`, [distinct], (x) => x.argsort(dim), { dtypes: every, differentiable: false })
  list(`topk ${dim}`, [distinct], (x) => x.topk(2, dim), { dtypes: every })
  list(`topk ${dim} smallest`, [distinct], (x) => x.topk(3, dim, false), { dtypes: every })
  list(`kthvalue ${dim}`, [distinct], (x) => x.kthvalue(2, dim), { dtypes: numbers })
  list(`median ${dim}`, [distinct], (x) => x.median(dim), { dtypes: numbers })
  list(`nanmedian ${dim}`, [distinct], (x) => x.nanmedian(dim, { keepdim: true }), { dtypes: numbers })
  list(`mode ${dim}`, [distinct], (x) => x.mode(dim), { dtypes: every })
  list(`quantile ${dim}`, [distinct], (x) => x.quantile(0.3, dim), { dtypes: ['float32', 'float64'], slack: 4 })
  list(`diff ${dim}`, [cube], (x) => x.diff(1, dim), { dtypes: every, slack: 4 })
}
list('cumprod zeros', [{ ...matrix, domain: 'smallInteger' }], (x) => x.cumprod(1))
list('median', [distinct], (x) => x.median(), { dtypes: numbers })
list('nanquantile', [distinct], (x) => x.nanquantile(0.8, { interpolation: 'nearest' }), { dtypes: ['float32', 'float64'] })
list('trapezoid', [cube], (x) => torch.trapezoid(x, { dim: 1, dx: 0.5 }), { slack: 16 })
list('cumulativeTrapezoid', [matrix, matrix], (y, x) => torch.cumulativeTrapezoid(y, x), { slack: 16 })
list('gradient', [cube], (x) => torch.gradient(x, { dim: [0, 1], edgeOrder: 2, spacing: 0.5 }), { slack: 16 })
for (const name of ['unique', 'uniqueConsecutive'] as const) {
  const asked = { returnInverse: true, returnCounts: true }
  list(name, [matrix], (x) => x[name](asked), { dtypes: every, differentiable: false })
  list(`${name} dim`, [matrix], (x) => x[name]({ ...asked, dim: 0 }), { dtypes: every, differentiable: false })
}
const ascending = (x: Tensor): Tensor => x.reshape(-1).sort().values
for (const right of [false, true])
  list(`searchsorted ${right}`, [matrix, cube], (x, y) => torch.searchsorted(ascending(x), y, { right }), {
    dtypes: every,
    differentiable: false,
  })
list('searchsorted lines', [matrix, { shape: [3, 2] }], (x, y) => torch.searchsorted(x.sort().values, y), {
  dtypes: every,
  differentiable: false,
})
const counted: Input = { shape: [6], dtype: 'int64', domain: 'smallInteger' }
list('bincount', [counted], (x) => x.bincount(), { differentiable: false })
list('bincount weights', [counted, { shape: [6] }], (x, w) => x.bincount(w, 12), {
  dtypes: numbers,
  differentiable: false,
  slack: 4,
})
list('histc', [cube], (x) => x.histc(5, -2, 2), { dtypes: ['float32', 'float64'], differentiable: false })
list('histogram', [cube], (x) => torch.histogram(x, 5, { range: [-2, 2] }), {
  dtypes: ['float32', 'float64'],
  differentiable: false,
})
list('histogramdd', [{ shape: [6, 2] }], (x) => torch.histogramdd(x, 3, { range: [-2, 2, -1, 1] }).hist, {
  dtypes: ['float32', 'float64'],
  differentiable: false,
})
list('isin', [matrix, row], (x, y) => torch.isin(x, y), { dtypes: every, differentiable: false })
for (const name of ['gcd', 'lcm'] as const)
  list(name, [matrix, row], (x, y) => x[name](y), { dtypes: ['int16', 'int32', 'int64', 'uint8'], differentiable: false })

// Matrix products.
// biome-ignore format: a table reads better in rows
const products: [string, number[], number[]][] = [
  ['matmul 1x1', [4], [4]], ['matmul 2x1', [3, 4], [4]], ['matmul 1x2', [4], [4, 3]], ['matmul 2x2', [3, 4], [4, 5]],
  ['matmul 3x2', [2, 3, 4], [4, 5]], ['matmul 3x3', [2, 3, 4], [2, 4, 3]], ['matmul broadcast', [2, 1, 3, 4], [2, 4, 3]],
  ['matmul 1x3', [4], [2, 4, 3]], ['matmul empty', [3, 0], [0, 2]],
]
for (const [name, a, b] of products)
  list(name, [{ shape: a }, { shape: b }], (x, y) => x.matmul(y), { dtypes: numbers, slack: 16 })
list('addmm', [{ shape: [5] }, { shape: [3, 4] }, { shape: [4, 5] }], (b, x, y) => b.addmm(x, y), { slack: 16 })
list(
  'addmm scaled',
  [{ shape: [5] }, { shape: [3, 4] }, { shape: [4, 5] }],
  (b, x, y) => b.addmm(x, y, { alpha: 2, beta: 0.5 }),
  { slack: 16, dtypes: ['float32', 'float64'] },
)
list('linear', [{ shape: [2, 3, 4] }, { shape: [5, 4] }, { shape: [5] }], (x, w, b) => torch.linear(x, w, b), { slack: 16 })
list('outer', [{ shape: [3] }, { shape: [4] }], (x, y) => x.outer(y))

// Reductions of what a mask leaves.
const mask: Input = { shape: [5, 4], dtype: 'bool' }
for (const name of ['sum', 'prod', 'mean', 'amax', 'logsumexp', 'norm'] as const)
  list(
    `masked ${name}`,
    [{ ...cube, domain: 'distinct' }, mask],
    (x, m) => {
      const options = { dim: 1, mask: m }
      return name === 'norm' ? torch.masked.norm(x.add(0.05), 2, options) : torch.masked[name](x.add(0.05), options)
    },
    { slack: 32 },
  )
list('masked softmax', [cube, mask], (x, m) => torch.masked.softmax(x, 1, { mask: m }), { slack: 16 })
list('masked cumsum', [cube, mask], (x, m) => torch.masked.cumsum(x, 1, { mask: m }), { slack: 16, dtypes: every })
list('mvlgamma', [{ ...matrix, domain: 'aboveOne' }], (x) => x.add(1).mvlgamma(3), { differentiable: 'once', slack: 64 })

// Norms and other products.
const away: Input = { ...cube, domain: 'nonzero' }
for (const p of [1, 2, 3, 0.5, -1, Number.POSITIVE_INFINITY]) {
  list(`norm ${p}`, [{ ...away, domain: 'distinct' }], (x) => x.add(0.05).norm(p, 1), { slack: 32 })
  list(`vectorNorm ${p}`, [{ ...away, domain: 'distinct' }], (x) => torch.linalg.vectorNorm(x.add(0.05), p, [0, 2]), {
    slack: 64,
  })
}
for (const p of [1, 2, 3])
  list(`cdist ${p}`, [{ shape: [2, 3, 4] }, { shape: [2, 2, 4], domain: 'aboveOne' }], (x, y) => torch.cdist(x, y.add(4), p), {
    slack: 16,
  })
list('linalg norm', [matrix], (x) => torch.linalg.norm(x, 'fro'), { slack: 8 })
list('matrixNorm', [{ ...matrix, domain: 'distinct' }], (x) => torch.linalg.matrixNorm(x.add(0.05), 1), { slack: 8 })
list('dist', [matrix, { ...matrix, domain: 'aboveOne' }], (x, y) => x.dist(y), { slack: 16 })
list('renorm', [matrix], (x) => x.renorm(2, 0, 1.5), { slack: 16 })
// biome-ignore format: a table reads better in rows
const equations: [string, ...number[][]][] = [
  ['ij,jk->ik', [3, 4], [4, 2]], ['bij,bjk->bik', [2, 3, 4], [2, 4, 2]], ['ii->i', [3, 3]], ['ij->', [3, 4]],
  ['...i,...i->...', [2, 3, 4], [3, 4]], ['ij,j', [3, 4], [4]], ['i,j,k->kij', [2], [3], [4]], ['b...,b->...', [2, 3, 2], [2]],
  ['iji->j', [3, 2, 3]],
]
for (const [equation, ...shapes] of equations)
  list(
    `einsum ${equation}`,
    shapes.map((shape) => ({ shape })),
    (...operands) => torch.einsum(equation, ...operands),
    { slack: 32, dtypes: numbers },
  )
list(
  'tensordot',
  [{ shape: [3, 4, 5] }, { shape: [4, 3, 2] }],
  (x, y) =>
    torch.tensordot(x, y, [
      [1, 0],
      [0, 1],
    ]),
  { slack: 32 },
)
list('kron', [{ shape: [2, 3] }, { shape: [3, 2] }], (x, y) => x.kron(y), { dtypes: numbers })
list('cross', [{ shape: [2, 3] }, { shape: [1, 3] }], (x, y) => x.cross(y, 1), { slack: 8 })
list('vecdot', [matrix, row], (x, y) => torch.linalg.vecdot(x, y), { slack: 16 })
list('multiDot', [{ shape: [2, 3] }, { shape: [3, 4] }, { shape: [4] }], (a, b, c) => torch.linalg.multiDot([a, b, c]), {
  slack: 64,
})
list('matrixPower', [{ shape: [2, 3, 3] }], (x) => x.matrixPower(3), { slack: 128, dtypes: ['float32', 'float64'] })
list('vander', [{ shape: [4] }], (x) => torch.vander(x, 3), { dtypes: ['float32', 'float64', 'int64'], slack: 8 })
list('blockDiag', [{ shape: [2, 3] }, { shape: [2] }], (x, y) => torch.blockDiag(x, y), { dtypes: every })
list('cartesianProd', [{ shape: [2] }, { shape: [3] }], (x, y) => torch.cartesianProd(x, y), { dtypes: every })
list('combinations', [{ shape: [4] }], (x) => torch.combinations(x, 2), { dtypes: every })
list('cov', [matrix], (x) => x.cov(), { dtypes: ['float32', 'float64'], slack: 32 })
list('corrcoef', [matrix], (x) => x.corrcoef().tril(-1), { dtypes: ['float32', 'float64'], slack: 32 })
list('repeatInterleave', [matrix], (x) => x.repeatInterleave(2, 1), { dtypes: every })
list('repeatInterleave counts', [matrix, { shape: [3], dtype: 'int64', domain: 'smallInteger' }], (x, n) =>
  x.repeatInterleave(n, 0),
)
for (const k of [1, 2, 3]) list(`rot90 ${k}`, [cube], (x) => x.rot90(k, [0, 2]), { dtypes: every })

// Linear algebra: inputs are made regular or symmetric inside, so that gradients are those of free elements.
const square: Input = { shape: [2, 3, 3] }
const shifted = (x: Tensor, by: number): Tensor => x.add(torch.diagEmbed(x.select(-1, 0).detach().mul(0).add(by)))
const regular = (x: Tensor): Tensor => shifted(x, 9)
const definite = (x: Tensor): Tensor => shifted(x.matmul(x.mT), 3)
const distinctly = (x: Tensor): Tensor => shifted(x.add(x.mT), 1)
const solvable: Partial<Case> = { dtypes: ['float32', 'float64'], slack: 512 }
const { linalg } = torch
// biome-ignore format: a table reads better in rows
const factorizations: Record<string, (x: Tensor) => Tensor | Iterable<Tensor>> = {
  inv: (x) => linalg.inv(regular(x)), det: (x) => linalg.det(x), slogdet: (x) => linalg.slogdet(regular(x)), logdet: (x) => torch.logdet(definite(x)),
  cholesky: (x) => linalg.cholesky(definite(x)), 'cholesky upper': (x) => linalg.cholesky(definite(x), { upper: true }),
  choleskyInverse: (x) => torch.choleskyInverse(regular(x).tril()), lu: (x) => linalg.lu(regular(x)), luFactor: (x) => linalg.luFactor(regular(x)).LU,
  'lu tall': (x) => linalg.lu(regular(x).narrow(-1, 0, 2)), 'lu wide': (x) => linalg.lu(regular(x).narrow(-2, 0, 2)),
  qr: (x) => linalg.qr(regular(x)), 'qr tall': (x) => linalg.qr(regular(x).narrow(-1, 0, 2)), 'qr wide': (x) => linalg.qr(regular(x).narrow(-2, 0, 2), 'complete'),
  svdvals: (x) => linalg.svdvals(x), 'norm nuc': (x) => linalg.matrixNorm(x, 'nuc'), 'norm 2': (x) => linalg.norm(x, 2, [0, 2]), 'norm -2': (x) => linalg.matrixNorm(x, -2),
  eigvalsh: (x) => linalg.eigvalsh(distinctly(x), 'U'), pinv: (x) => linalg.pinv(regular(x).narrow(-1, 0, 2)), 'pinv wide': (x) => linalg.pinv(regular(x).narrow(-2, 0, 2)),
  'pinv hermitian': (x) => linalg.pinv(definite(x), { hermitian: true }), matrixExp: (x) => linalg.matrixExp(x), matrixPower: (x) => linalg.matrixPower(regular(x), -2),
  cond: (x) => linalg.cond(regular(x)), 'cond 1': (x) => linalg.cond(regular(x), 1), linalgDiagonal: (x) => linalg.diagonal(x, { offset: 1 }),
  svd: (x) => { const { U, S, Vh } = linalg.svd(regular(x).narrow(-1, 0, 2), false); return [U.abs(), S, Vh.abs()] },
  'svd wide': (x) => { const { U, S, Vh } = linalg.svd(regular(x).narrow(-2, 0, 2), false); return [U.abs(), S, Vh.abs()] },
  eigh: (x) => { const [values, vectors] = linalg.eigh(distinctly(x)); return [values, vectors.abs()] },
}
for (const [name, run] of Object.entries(factorizations)) list(name, [square], run, solvable)
for (const [name, left] of [['solve', true], ['solve right', false]] as const) // biome-ignore format: short rows
  list(name, [square, { shape: left ? [3, 2] : [2, 2, 3] }], (x, b) => linalg.solve(regular(x), b, { left }), solvable)
for (const left of [true, false])
  for (const upper of [true, false])
    for (const unitriangular of [true, false])
      list(
        `solveTriangular ${left ? 'left' : 'right'} ${upper ? 'upper' : 'lower'}${unitriangular ? ' unit' : ''}`,
        [square, { shape: left ? [3, 2] : [2, 3] }],
        (x, b) => linalg.solveTriangular(unitriangular ? x.div(4) : regular(x), b, { upper, left, unitriangular }),
        solvable,
      )
for (const adjoint of [false, true])
  list(`luSolve ${adjoint}`, [square, { shape: [2, 3, 2] }], (x, b) => {
    const { LU, pivots } = linalg.luFactor(regular(x))
    return linalg.luSolve(LU, pivots, b, { adjoint })
  }, solvable) // biome-ignore format: one call
list('choleskySolve', [square, { shape: [2, 3, 2] }], (x, b) => torch.choleskySolve(b, regular(x).tril()), solvable)
list(
  'triangularSolve',
  [square, { shape: [2, 3, 2] }],
  (x, b) => torch.triangularSolve(b, regular(x), { transpose: true }),
  solvable,
)
list('householderProduct', [{ shape: [4, 3] }, { shape: [2] }], (x, t) => linalg.householderProduct(x.div(4), t.div(4)), solvable)
for (const [name, left, transpose] of [['ormqr', true, false], ['ormqr right', false, true]] as const) // biome-ignore format: short rows
  list(
    name,
    [{ shape: [4, 3] }, { shape: [2] }, { shape: [4, 4] }],
    (x, t, c) => torch.ormqr(x.div(4), t.div(4), c, left, transpose),
    solvable,
  )
list('lstsq', [{ shape: [2, 4, 2] }, { shape: [2, 4, 3] }], (x, b) => linalg.lstsq(x, b).solution, solvable)
list(
  'tensorsolve',
  [{ shape: [2, 3, 6] }, { shape: [2, 3] }],
  (x, b) => linalg.tensorsolve(regular(x.reshape(6, 6)).reshape(2, 3, 6), b),
  solvable,
)
list('tensorinv', [{ shape: [6, 6] }], (x) => linalg.tensorinv(regular(regular(x)).reshape(6, 2, 3), 1), solvable)
for (const name of ['geqrf', 'ldlFactor', 'matrixRank'] as const)
  list(name, [square], (x) => (name === 'geqrf' ? torch.geqrf(x) : linalg[name](distinctly(x))), {
    ...solvable,
    differentiable: false,
  })
list('ldlSolve', [square, { shape: [2, 3, 2] }], (x, b) => {
  const { LD, pivots } = linalg.ldlFactor(distinctly(x))
  return linalg.ldlSolve(LD, pivots, b)
}, { ...solvable, differentiable: false }) // biome-ignore format: one call

// Convolution and pooling.
// biome-ignore format: a table reads better in rows
const convolutions: [string, number[], number[], torch.nn.functional.ConvOptions][] = [
  ['conv2d', [2, 3, 6, 5], [4, 3, 3, 2], {}], ['conv2d padded', [2, 2, 5, 5], [3, 2, 3, 3], { padding: 1 }],
  ['conv2d strided', [1, 2, 7, 6], [2, 2, 3, 2], { stride: [2, 1], padding: [1, 0] }],
  ['conv2d dilated', [1, 1, 7, 7], [2, 1, 3, 3], { dilation: 2 }], ['conv2d groups', [2, 4, 4, 4], [6, 2, 2, 2], { groups: 2 }],
  ['conv2d depthwise', [1, 3, 5, 5], [3, 1, 3, 3], { groups: 3, padding: 'same' }], ['conv2d 1x1', [2, 3, 4, 4], [5, 3, 1, 1], {}],
]
for (const [name, x, w, options] of convolutions)
  list(name, [{ shape: x }, { shape: w }, { shape: [w[0]] }], (i, k, b) => torch.conv2d(i, k, b, options), { slack: 32 })
const image: Input = { shape: [2, 2, 6, 5], domain: 'distinct' }
list('maxPool2d', [image], (x) => torch.maxPool2d(x, 2))
list('maxPool2d padded', [image], (x) => torch.maxPool2d(x, 3, { stride: 2, padding: 1, ceilMode: true }))
list('maxPool2d dilated', [image], (x) => torch.maxPool2d(x, 2, { stride: 1, dilation: 2 }))
list('avgPool2d', [image], (x) => torch.nn.functional.avgPool2d(x, 2), { slack: 4 })
list(
  'avgPool2d padded',
  [image],
  (x) => torch.nn.functional.avgPool2d(x, 3, { stride: 2, padding: 1, ceilMode: true, countIncludePad: false }),
  { slack: 4 },
)

// Losses. The target's domain, 'smallInteger', stays below the four classes.
const target: Input = { shape: [3], dtype: 'int64', domain: 'smallInteger' }
const targets = (t: Tensor): Tensor => t.clamp(0, 3)
for (const reduction of ['mean', 'sum', 'none'] as const) {
  list(`nllLoss ${reduction}`, [matrix, target], (x, t) => torch.nllLoss(x, targets(t), { reduction }), { slack: 4 })
  list(
    `crossEntropy ${reduction}`,
    [matrix, target, { shape: [4], domain: 'positive', constant: true }],
    (x, t, weight) => torch.crossEntropy(x, targets(t), { reduction, weight, ignoreIndex: 1 }),
    { slack: 8 },
  )
}
list('crossEntropy smoothed', [matrix, target], (x, t) => torch.crossEntropy(x, targets(t), { labelSmoothing: 0.2 }), {
  slack: 8,
})
// Losses, activations and lookups of torch.nn.functional.
const { functional: F } = torch.nn
const labels: Input = { shape: [2, 3], dtype: 'int64', domain: 'smallInteger' }
list(
  'ctcLoss',
  [{ shape: [7, 2, 4] }, labels],
  (x, t) => F.ctcLoss(x.logSoftmax(2), t.remainder(3).add(1), [7, 5], [3, 2], { reduction: 'none' }),
  { differentiable: 'once', slack: 16 },
)
list('embedding', [{ shape: [3] }, matrix], (x, w) => F.embedding(x.mul(0).to('int64'), w, { paddingIdx: 1 }))
const table3: Input = { shape: [4, 3], domain: 'distinct' }
for (const mode of ['sum', 'mean', 'max'] as const)
  list(`embeddingBag ${mode}`, [table3, labels], (w, t) => F.embeddingBag(t.remainder(4), w, { mode }), { slack: 8 })
const other: Input = { ...matrix, constant: true }
const classes = (t: Tensor): Tensor => t.remainder(4)
const signs = (t: Tensor): Tensor => t.remainder(2).mul(2).sub(1)
// biome-ignore format: a table reads better in rows
const functionals: Record<string, (x: Tensor) => Tensor> = {
  normalize: (x) => F.normalize(x), elu: (x) => F.elu(x, 0.7), celu: (x) => F.celu(x, 0.7), selu: (x) => F.selu(x),
  mish: (x) => F.mish(x), softplus: (x) => F.softplus(x, 1.5), logsigmoid: (x) => F.logsigmoid(x),
  tanhshrink: (x) => F.tanhshrink(x), pdist: (x) => F.pdist(x, 3),
}
for (const [name, call] of Object.entries(functionals)) list(name, [matrix], call, { dtypes: ['float32', 'float64'], slack: 16 })
const several = (t: Tensor): Tensor => torch.stack([t, t.add(1), t.mul(0).sub(1), t], 1)
// biome-ignore format: a table reads better in rows
const losses: Record<string, (x: Tensor, y: Tensor, t: Tensor) => Tensor> = {
  multiMarginLoss: (x, _, t) => F.multiMarginLoss(x, classes(t), { p: 2, margin: 5 }),
  multilabelMarginLoss: (x, _, t) => F.multilabelMarginLoss(x, several(t.remainder(3))),
  multilabelSoftMarginLoss: (x, y) => F.multilabelSoftMarginLoss(x, y.sigmoid()),
  focalLoss: (x, _, t) => F.focalLoss(x, classes(t), { gamma: 1.5, ignoreIndex: 2 }),
  contrastiveLoss: (x, y, t) => F.contrastiveLoss(x, y, t.remainder(2), { margin: 9 }),
  gaussianNllLoss: (x, y) => F.gaussianNllLoss(x, y, x.square().add(1)),
  cosineEmbeddingLoss: (x, y, t) => F.cosineEmbeddingLoss(x, y, signs(t), { margin: -1 }),
  tripletMarginLoss: (x, y) => F.tripletMarginLoss(x, y, y.flip(0), { margin: 9 }),
  pairwiseDistance: (x, y) => F.pairwiseDistance(x, y),
}
for (const [name, call] of Object.entries(losses))
  list(name, [matrix, other, target], call, { dtypes: ['float32', 'float64'], slack: 32 })
list(
  'bilinear',
  [{ shape: [2, 3] }, { shape: [2, 2] }, { shape: [4, 3, 2] }, { shape: [4] }],
  (a, b, w, c) => F.bilinear(a, b, w, c),
  {
    slack: 16,
  },
)
list('crossEntropy probabilities', [matrix, { shape: [3, 4], domain: 'positive' }], (x, p) => torch.crossEntropy(x, p), {
  slack: 8,
})

// Indexing and joining.
const index2: Input = { shape: [2, 4], dtype: 'int64', domain: 'smallInteger' }
const below3 = (t: Tensor): Tensor => t.clamp(0, 2)
list('gather', [matrix, index2], (x, i) => x.gather(0, below3(i)), { dtypes: every })
list('scatterAdd', [matrix, index2, { shape: [2, 4] }], (x, i, s) => x.scatterAdd(0, below3(i), s), { dtypes: numbers, slack: 4 })
const index1: Input = { shape: [5], dtype: 'int64', domain: 'smallInteger' }
list('indexSelect', [matrix, index1], (x, i) => x.indexSelect(0, below3(i)), { dtypes: every })
list('indexAdd', [matrix, index1, { shape: [5, 4] }], (x, i, s) => x.indexAdd(0, below3(i), s), { dtypes: numbers, slack: 4 })
list('embedding', [{ shape: [2, 2], dtype: 'int64', domain: 'smallInteger' }, { shape: [8, 3] }], (i, w) =>
  torch.embedding(i.clamp(0, 7), w),
)
list('at tensor', [matrix, index1], (x, i) => x.at('...', below3(i).sub(3)), { dtypes: every })
list('at tensors', [cube, index1], (x, i) => x.at(below3(i), '1:', below3(i)), { dtypes: every })
list('at mask', [matrix, { shape: [3], dtype: 'bool' }], (x, mask) => x.at(mask, '::2'), { dtypes: every })
list('at mask of two', [cube, { shape: [5, 4], dtype: 'bool' }], (x, mask) => x.at('...', mask), { dtypes: every })
list('setAt slice', [cube, { shape: [2, 4] }], (x, v) => x.clone().setAt([0, '1:4:2'], v), { dtypes: every })
list('setAt mask', [cube, { shape: [3, 5], dtype: 'bool' }], (x, mask) => x.clone().setAt([mask], 2), { dtypes: every })
// Every place once: what repeated places keep is not for gradcheck to say.
const places: Input = { shape: [4], dtype: 'bool' }
/** Indices on the engine that the other operand lies on. */
const fixed = (like: Tensor, ...values: number[]): Tensor => {
  const zero = like.detach().reshape(-1).narrow(0, 0, 1).to('int64').mul(0)
  return torch.cat(values.map((value) => zero.add(value)))
}
list('indexPut', [cube, { shape: [3, 5] }], (x, v) => x.clone().setAt([fixed(x, 2, 0, 1), ':', [0, 3, 1]], v), { dtypes: every })
list(
  'indexPut accumulate',
  [matrix, index1, { shape: [5] }],
  (x, i, v) => x.indexPut([below3(i), below3(i)], v, { accumulate: true }),
  {
    dtypes: numbers,
    slack: 4,
  },
)
list('indexCopy', [cube, { shape: [3, 4, 4] }], (x, s) => x.indexCopy(1, fixed(x, 4, 0, 1, 3), s), { dtypes: every })
list('indexFill', [cube, { shape: [] }], (x, v) => x.indexFill(1, fixed(x, 4, -4), v), { dtypes: every })
list('put', [matrix, { shape: [3] }], (x, v) => x.put(fixed(x, 11, 0, -5), v), { dtypes: every })
list('take', [matrix, index2], (x, i) => x.take(i.sub(2)), { dtypes: every })
list('maskedScatter', [matrix, { ...matrix, dtype: 'bool' }, { shape: [12] }], (x, mask, s) => x.maskedScatter(mask, s), {
  dtypes: every,
})
list('maskedSelect', [matrix, { shape: [4], dtype: 'bool' }], (x, mask) => x.maskedSelect(mask), { dtypes: every })
list(
  'scatter',
  [matrix, places, { shape: [3, 4] }],
  (x, i, s) => x.scatter(0, torch.stack([i.to('int64'), i.to('int64').add(1)]), s),
  { dtypes: every },
)
list('scatter number', [matrix, index2], (x, i) => x.scatter(0, below3(i), 2), { dtypes: every })
for (const reduce of ['sum', 'prod', 'mean', 'amax', 'amin'] as const)
  for (const includeSelf of [true, false])
    list(
      `scatterReduce ${reduce}${includeSelf ? '' : ' alone'}`,
      [{ ...matrix, domain: 'nonzero' }, index2, { shape: [2, 4], domain: 'nonzero' }],
      (x, i, s) => x.scatterReduce(0, below3(i), s, reduce, { includeSelf }),
      { dtypes: ['float32', 'float64', 'int32', 'int64'], slack: 8 },
    )
list(
  'indexReduce',
  [{ ...matrix, domain: 'nonzero' }, index1, { shape: [5, 4], domain: 'nonzero' }],
  (x, i, s) => x.indexReduce(0, below3(i), s, 'prod'),
  { dtypes: ['float32', 'float64'], slack: 16 },
)
list('asStridedScatter', [matrix, { shape: [2, 2] }], (x, s) => x.asStridedScatter(s, [2, 2], [5, 1], 1), { dtypes: every })
list('nonzero', [matrix], (x) => x.nonzero(), { dtypes: every, differentiable: false })
list('cat', [matrix, { shape: [2, 4] }], (x, y) => torch.cat([x, y]), { dtypes: every })
list('stack', [matrix, matrix], (x, y) => torch.stack([x, y], -1), { dtypes: every })

// Views.
// biome-ignore format: a table reads better in rows
const views: Record<string, (x: Tensor) => Tensor> = {
  reshape: (x) => x.reshape(5, -1), permute: (x) => x.permute(2, 0, 1), transpose: (x) => x.transpose(0, 2),
  flatten: (x) => x.flatten(1), unsqueeze: (x) => x.unsqueeze(1), squeeze: (x) => x.narrow(1, 0, 1).squeeze(1),
  expand: (x) => x.narrow(0, 1, 1).expand(4, 5, 4), select: (x) => x.select(1, -2), slice: (x) => x.slice(1, 1, null, 2),
  narrow: (x) => x.narrow(2, 1, 2), unflatten: (x) => x.unflatten(2, [2, -1]), contiguous: (x) => x.permute(2, 1, 0).contiguous(),
}
for (const [name, run] of Object.entries(views)) list(name, [cube], run, { dtypes: every })
list('split', [cube], (x) => x.split(2, 1), { dtypes: every })
list('chunk', [cube], (x) => x.chunk(2, 2), { dtypes: every })
list('unbind', [cube], (x) => x.unbind(0), { dtypes: every })

listSpatial(list)

export const table: readonly Case[] = cases
