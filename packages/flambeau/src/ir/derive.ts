/** Derivatives of terms: what makes every pointwise op differentiable any number of times. */

import type { Expr, Primitive, Term } from './expr.js'
import * as e from './expr.js'

/** Partial derivatives by each argument, given the arguments and the applied term itself. Zero means flat everywhere. */
type Rule = (args: readonly Expr[], out: Expr) => readonly Term[]
const flat: Rule = (args) => args.map(() => 0)
/** Stands for a derivative that is no term of the language. */
const unknown = Number.NaN

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI)

/** Not 0 and not NaN, which PyTorch's derivatives of i1 and i1e take for 0. */
const isApart = (a: Expr): Expr => e.gt(e.abs(a), 0)

/** The derivative of digamma, reflected to x >= 1/2. */
function trigamma(a: Expr): Expr {
  const low = e.lt(a, 0.5)
  const sum = e.where(e.eq(a, Number.POSITIVE_INFINITY), 0, e.zeta(2, e.where(low, e.sub(1, a), a)))
  return e.where(low, e.sub(e.square(e.div(Math.PI, e.sin(e.mul(Math.PI, a)))), sum), sum)
}

/** x^(a-1) e^-x / Γ(a): the derivative of the incomplete gamma function by x. */
const gammaDensity = (a: Expr, b: Expr): Expr => e.exp(e.sub(e.sub(e.mul(e.sub(a, 1), e.log(b)), b), e.lgamma(a)))

const rules: Partial<Record<Primitive, Rule>> = {
  mov: () => [1],
  neg: () => [-1],
  abs: ([a]) => [e.sign(a)],
  recip: (_, o) => [e.neg(e.square(o))],
  sqrt: (_, o) => [e.div(0.5, o)],
  rsqrt: ([a], o) => [e.mul(-0.5, e.div(o, a))],
  exp: (_, o) => [o],
  exp2: (_, o) => [e.mul(Math.LN2, o)],
  expm1: (_, o) => [e.add(o, 1)],
  log: ([a]) => [e.recip(a)],
  log1p: ([a]) => [e.recip(e.add(a, 1))],
  log2: ([a]) => [e.recip(e.mul(a, Math.LN2))],
  log10: ([a]) => [e.recip(e.mul(a, Math.LN10))],
  sin: ([a]) => [e.cos(a)],
  cos: ([a]) => [e.neg(e.sin(a))],
  tan: (_, o) => [e.add(1, e.square(o))],
  asin: ([a]) => [e.rsqrt(e.sub(1, e.square(a)))],
  acos: ([a]) => [e.neg(e.rsqrt(e.sub(1, e.square(a))))],
  atan: ([a]) => [e.recip(e.add(1, e.square(a)))],
  sinh: ([a]) => [e.cosh(a)],
  cosh: ([a]) => [e.sinh(a)],
  tanh: (_, o) => [e.sub(1, e.square(o))],
  asinh: ([a]) => [e.rsqrt(e.add(e.square(a), 1))],
  acosh: ([a]) => [e.rsqrt(e.sub(e.square(a), 1))],
  atanh: ([a]) => [e.recip(e.sub(1, e.square(a)))],
  sigmoid: (_, o) => [e.mul(o, e.sub(1, o))],
  erf: ([a]) => [e.mul(TWO_OVER_SQRT_PI, e.exp(e.neg(e.square(a))))],
  erfc: ([a]) => [e.mul(-TWO_OVER_SQRT_PI, e.exp(e.neg(e.square(a))))],
  erfinv: (_, o) => [e.mul(Math.sqrt(Math.PI) / 2, e.exp(e.square(o)))],
  lgamma: ([a]) => [e.digamma(a)],
  digamma: ([a]) => [trigamma(a)],
  i0: ([a]) => [e.i1(a)],
  i0e: ([a], o) => [e.sub(e.i1e(a), e.mul(e.sign(a), o))],
  // I1(x) / x is 1/2 at 0.
  i1: ([a], o) => [e.where(isApart(a), e.sub(e.i0(a), e.div(o, a)), 0.5)],
  i1e: ([a], o) => [e.where(isApart(a), e.sub(e.i0e(a), e.mul(o, e.add(e.sign(a), e.recip(a)))), 0.5)],
  k0: ([a]) => [e.neg(e.k1(a))],
  k1: ([a], o) => [e.neg(e.add(e.k0(a), e.div(o, a)))],
  k0e: ([a], o) => [e.sub(o, e.k1e(a))],
  k1e: ([a], o) => [e.sub(o, e.add(e.k0e(a), e.div(o, a)))],
  j0: ([a]) => [e.neg(e.j1(a))],
  j1: ([a], o) => [e.where(e.eq(a, 0), 0.5, e.sub(e.j0(a), e.div(o, a)))],
  y0: ([a]) => [e.neg(e.y1(a))],
  y1: ([a], o) => [e.sub(e.y0(a), e.div(o, a))],
  erfcx: ([a], o) => [e.sub(e.mul(e.mul(2, a), o), TWO_OVER_SQRT_PI)],
  ndtri: (_, o) => [e.mul(Math.sqrt(2 * Math.PI), e.exp(e.div(e.square(o), 2)))],
  significand: ([a]) => [e.exp2(e.neg(e.exponent(a)))],
  exponent: flat,
  zeta: ([s, q]) => [unknown, e.neg(e.mul(s, e.zeta(e.add(s, 1), q)))],
  igamma: ([a, b]) => [unknown, gammaDensity(a, b)],
  igammac: ([a, b]) => [unknown, e.neg(gammaDensity(a, b))],
  add: () => [1, 1],
  sub: () => [1, -1],
  mul: ([a, b]) => [b, a],
  div: ([, b], o) => [e.recip(b), e.neg(e.div(o, b))],
  // d/da is 0 where the exponent is 0, whatever a is; d/db is 0 where a = 0 and b >= 0, as PyTorch defines them.
  pow: ([a, b], o) => [
    e.where(e.eq(b, 0), 0, e.mul(b, e.pow(a, e.sub(b, 1)))),
    e.where(e.both(e.eq(a, 0), e.ge(e.re(b), 0)), 0, e.mul(o, e.log(a))),
  ],
  atan2: ([a, b]) => {
    const r2 = e.add(e.square(a), e.square(b))
    return [e.div(b, r2), e.neg(e.div(a, r2))]
  },
  // Ties share the gradient equally and NaN passes it to both, as PyTorch's maximum and minimum do.
  max: ([a, b]) => [e.where(e.eq(a, b), 0.5, e.not(e.lt(a, b))), e.where(e.eq(a, b), 0.5, e.not(e.gt(a, b)))],
  min: ([a, b]) => [e.where(e.eq(a, b), 0.5, e.not(e.gt(a, b))), e.where(e.eq(a, b), 0.5, e.not(e.lt(a, b)))],
  // fmax and fmin pick the number where the other side is NaN.
  fmax: ([a, b]) => {
    const first = e.either(e.ge(a, b), e.isnan(b))
    return [first, e.not(first)]
  },
  fmin: ([a, b]) => {
    const first = e.either(e.le(a, b), e.isnan(b))
    return [first, e.not(first)]
  },
  hypot: ([a, b], o) => [e.div(a, o), e.div(b, o)],
  copysign: ([a], o) => [e.where(e.eq(a, 0), 0, e.mul(e.sign(a), e.sign(o))), 0],
  rem: ([a, b]) => [1, e.neg(e.idivFloor(a, b))],
  fmod: ([a, b]) => [1, e.neg(e.idivTrunc(a, b))],
  where: ([c]) => [0, e.where(c, 1, 0), e.where(c, 0, 1)],
  fma: ([a, b]) => [b, a, 1],
  sign: flat,
  floor: flat,
  ceil: flat,
  round: flat,
  trunc: flat,
  idivFloor: flat,
  idivTrunc: flat,
  not: flat,
  bitNot: flat,
  isnan: flat,
  isinf: flat,
  eq: flat,
  ne: flat,
  lt: flat,
  le: flat,
  gt: flat,
  ge: flat,
  and: flat,
  or: flat,
  xor: flat,
}

/**
 * The derivative of a term by one of its variables, times `seed`: reverse mode, written out as a term.
 * @throws Error for a primitive whose derivative is no term of the language.
 */
export function derive(term: Expr, by: string, seed: Expr): Expr {
  if (term.kind === 'constant') return e.constant(0)
  if (term.kind === 'variable') return term.name === by ? seed : e.constant(0)
  const concerned = term.args.map((arg) => e.freeVariables([arg]).includes(by))
  if (!concerned.includes(true)) return e.constant(0)
  // The condition of a where and everything flat end the search, so that no 0·inf is ever computed.
  if (term.op === 'where') {
    const [c, a, b] = term.args
    const da = derive(a, by, seed)
    const db = derive(b, by, seed)
    return isZero(da) && isZero(db) ? da : e.where(c, da, db)
  }
  if (term.op === 'conj') return derive(term.args[0], by, e.conj(seed))
  if (term.op === 're') return derive(term.args[0], by, e.re(seed))
  const rule = rules[term.op]
  if (rule === undefined) throw new Error(`the derivative of '${term.op}' is not implemented`)
  return rule(term.args, term).reduce<Expr>((sum, partial, i) => {
    if (!concerned[i] || partial === 0) return sum
    if (Object.is(partial, unknown)) throw new Error(`the derivative of '${term.op}' by argument ${i} is not implemented`)
    // Conjugated: of complex numbers, PyTorch's gradient is the direction of steepest ascent of a real loss.
    const inner = partial === -1 ? e.neg(seed) : e.mul(seed, e.conj(partial))
    return e.add(sum, derive(term.args[i], by, inner))
  }, e.constant(0))
}

export const isZero = (term: Expr): boolean => term.kind === 'constant' && term.value === 0
