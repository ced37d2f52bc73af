/**
 * Scalar terms as data. A pointwise op is a term over its inputs; from it come the op's program on every backend, its
 * gradient, and the gradient's gradient.
 */

/** Every primitive and its number of arguments. The C++ side names the same ones (packages/kernels/src/primitives.hpp). */
// biome-ignore format: a table reads better in rows
export const primitives = {
  mov: 1, neg: 1, abs: 1, sign: 1, recip: 1, sqrt: 1, rsqrt: 1, exp: 1, exp2: 1, expm1: 1, log: 1, log1p: 1, log2: 1, log10: 1,
  sin: 1, cos: 1, tan: 1, asin: 1, acos: 1, atan: 1, sinh: 1, cosh: 1, tanh: 1, asinh: 1, acosh: 1, atanh: 1, sigmoid: 1,
  erf: 1, erfc: 1, erfinv: 1, lgamma: 1, digamma: 1, floor: 1, ceil: 1, round: 1, trunc: 1, not: 1, bitNot: 1, isnan: 1, isinf: 1,
  i0: 1, i0e: 1, i1: 1, i1e: 1, k0: 1, k0e: 1, k1: 1, k1e: 1, j0: 1, j1: 1, y0: 1, y1: 1, airyAi: 1, erfcx: 1, ndtri: 1,
  significand: 1, exponent: 1, zeta: 2, igamma: 2, igammac: 2,
  add: 2, sub: 2, mul: 2, div: 2, idivFloor: 2, idivTrunc: 2, rem: 2, fmod: 2, pow: 2, atan2: 2, max: 2, min: 2, fmax: 2, fmin: 2,
  hypot: 2, copysign: 2, nextafter: 2, eq: 2, ne: 2, lt: 2, le: 2, gt: 2, ge: 2, and: 2, or: 2, xor: 2, shl: 2, shr: 2,
  where: 3, fma: 3, orthogonal: 3,
} as const

export type Primitive = keyof typeof primitives

/** What only complex numbers have. Programs of real numbers leave both out: there they change nothing. */
export type ComplexOnly = 'conj' | 're'

export type Expr =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'apply'; readonly op: Primitive | ComplexOnly; readonly args: readonly Expr[] }

/** What the builders take: a number is a constant. */
export type Term = Expr | number

export const variable = (name: string): Expr => ({ kind: 'variable', name })
export const constant = (value: number): Expr => ({ kind: 'constant', value })
const toExpr = (term: Term): Expr => (typeof term === 'number' ? constant(term) : term)
const is = (term: Expr, value: number): boolean => term.kind === 'constant' && Object.is(term.value, value)

const apply = (op: Primitive | ComplexOnly, ...terms: Term[]): Expr => ({ kind: 'apply', op, args: terms.map(toExpr) })

/** The variables of op definitions: inputs, the incoming gradient, and the op's own result. */
export const x = variable('x')
export const y = variable('y')
export const z = variable('z')
export const g = variable('g')
export const out = variable('out')

// Builders, one a primitive; those that can simplify a term without changing any value (NaN and -0 included) do.
export const neg = (a: Term): Expr => apply('neg', a)
export const abs = (a: Term): Expr => apply('abs', a)
export const sign = (a: Term): Expr => apply('sign', a)
export const recip = (a: Term): Expr => apply('recip', a)
export const sqrt = (a: Term): Expr => apply('sqrt', a)
export const rsqrt = (a: Term): Expr => apply('rsqrt', a)
export const exp = (a: Term): Expr => apply('exp', a)
export const exp2 = (a: Term): Expr => apply('exp2', a)
export const expm1 = (a: Term): Expr => apply('expm1', a)
export const log = (a: Term): Expr => apply('log', a)
export const log1p = (a: Term): Expr => apply('log1p', a)
export const log2 = (a: Term): Expr => apply('log2', a)
export const log10 = (a: Term): Expr => apply('log10', a)
export const sin = (a: Term): Expr => apply('sin', a)
export const cos = (a: Term): Expr => apply('cos', a)
export const tan = (a: Term): Expr => apply('tan', a)
export const asin = (a: Term): Expr => apply('asin', a)
export const acos = (a: Term): Expr => apply('acos', a)
export const atan = (a: Term): Expr => apply('atan', a)
export const sinh = (a: Term): Expr => apply('sinh', a)
export const cosh = (a: Term): Expr => apply('cosh', a)
export const tanh = (a: Term): Expr => apply('tanh', a)
export const asinh = (a: Term): Expr => apply('asinh', a)
export const acosh = (a: Term): Expr => apply('acosh', a)
export const atanh = (a: Term): Expr => apply('atanh', a)
export const sigmoid = (a: Term): Expr => apply('sigmoid', a)
export const erf = (a: Term): Expr => apply('erf', a)
export const erfc = (a: Term): Expr => apply('erfc', a)
export const erfinv = (a: Term): Expr => apply('erfinv', a)
export const lgamma = (a: Term): Expr => apply('lgamma', a)
export const digamma = (a: Term): Expr => apply('digamma', a)
export const floor = (a: Term): Expr => apply('floor', a)
export const ceil = (a: Term): Expr => apply('ceil', a)
export const round = (a: Term): Expr => apply('round', a)
export const trunc = (a: Term): Expr => apply('trunc', a)
export const not = (a: Term): Expr => apply('not', a)
export const bitNot = (a: Term): Expr => apply('bitNot', a)
export const isnan = (a: Term): Expr => apply('isnan', a)
export const isinf = (a: Term): Expr => apply('isinf', a)
export const i0 = (a: Term): Expr => apply('i0', a)
export const i0e = (a: Term): Expr => apply('i0e', a)
export const i1 = (a: Term): Expr => apply('i1', a)
export const i1e = (a: Term): Expr => apply('i1e', a)
export const k0 = (a: Term): Expr => apply('k0', a)
export const k0e = (a: Term): Expr => apply('k0e', a)
export const k1 = (a: Term): Expr => apply('k1', a)
export const k1e = (a: Term): Expr => apply('k1e', a)
export const j0 = (a: Term): Expr => apply('j0', a)
export const j1 = (a: Term): Expr => apply('j1', a)
export const y0 = (a: Term): Expr => apply('y0', a)
export const y1 = (a: Term): Expr => apply('y1', a)
export const airyAi = (a: Term): Expr => apply('airyAi', a)
export const erfcx = (a: Term): Expr => apply('erfcx', a)
export const ndtri = (a: Term): Expr => apply('ndtri', a)
export const significand = (a: Term): Expr => apply('significand', a)
export const exponent = (a: Term): Expr => apply('exponent', a)

export function add(a: Term, b: Term): Expr {
  // A zero here only ever comes from a gradient that is not there, so x + 0 may be x (it would turn -0 into 0).
  const [ea, eb] = [toExpr(a), toExpr(b)]
  return is(ea, 0) ? eb : is(eb, 0) ? ea : apply('add', ea, eb)
}
export const sub = (a: Term, b: Term): Expr => (b === 0 ? toExpr(a) : apply('sub', a, b))
export function mul(a: Term, b: Term): Expr {
  const [ea, eb] = [toExpr(a), toExpr(b)]
  return is(ea, 1) ? eb : is(eb, 1) ? ea : apply('mul', ea, eb)
}
export const div = (a: Term, b: Term): Expr => (b === 1 ? toExpr(a) : apply('div', a, b))
export const idivFloor = (a: Term, b: Term): Expr => apply('idivFloor', a, b)
export const idivTrunc = (a: Term, b: Term): Expr => apply('idivTrunc', a, b)
export const rem = (a: Term, b: Term): Expr => apply('rem', a, b)
export const fmod = (a: Term, b: Term): Expr => apply('fmod', a, b)
export const pow = (a: Term, b: Term): Expr => apply('pow', a, b)
export const atan2 = (a: Term, b: Term): Expr => apply('atan2', a, b)
export const max = (a: Term, b: Term): Expr => apply('max', a, b)
export const min = (a: Term, b: Term): Expr => apply('min', a, b)
export const fmax = (a: Term, b: Term): Expr => apply('fmax', a, b)
export const fmin = (a: Term, b: Term): Expr => apply('fmin', a, b)
export const hypot = (a: Term, b: Term): Expr => apply('hypot', a, b)
export const copysign = (a: Term, b: Term): Expr => apply('copysign', a, b)
export const nextafter = (a: Term, b: Term): Expr => apply('nextafter', a, b)
export const zeta = (a: Term, b: Term): Expr => apply('zeta', a, b)
export const igamma = (a: Term, b: Term): Expr => apply('igamma', a, b)
export const igammac = (a: Term, b: Term): Expr => apply('igammac', a, b)
export const eq = (a: Term, b: Term): Expr => apply('eq', a, b)
export const ne = (a: Term, b: Term): Expr => apply('ne', a, b)
export const lt = (a: Term, b: Term): Expr => apply('lt', a, b)
export const le = (a: Term, b: Term): Expr => apply('le', a, b)
export const gt = (a: Term, b: Term): Expr => apply('gt', a, b)
export const ge = (a: Term, b: Term): Expr => apply('ge', a, b)
export const and = (a: Term, b: Term): Expr => apply('and', a, b)
export const or = (a: Term, b: Term): Expr => apply('or', a, b)
export const xor = (a: Term, b: Term): Expr => apply('xor', a, b)
export const shl = (a: Term, b: Term): Expr => apply('shl', a, b)
export const shr = (a: Term, b: Term): Expr => apply('shr', a, b)
export const where = (c: Term, a: Term, b: Term): Expr => apply('where', c, a, b)
export const fma = (a: Term, b: Term, c: Term): Expr => apply('fma', a, b, c)
/** The polynomial of degree `n` at `a`; `kind` counts the families in the order of `ops/polynomials.ts`. */
export const orthogonal = (a: Term, n: Term, kind: number): Expr => apply('orthogonal', a, n, kind)
/** The conjugate of a complex value. */
export function conj(a: Term): Expr {
  const term = toExpr(a)
  return term.kind === 'constant' ? term : term.kind === 'apply' && term.op === 'conj' ? term.args[0] : apply('conj', term)
}
/** The real part of a complex value. */
export const re = (a: Term): Expr => apply('re', a)
/** Logic on truth values, which are 0 and 1 in every compute class. */
export const both = (a: Term, b: Term): Expr => apply('mul', a, b)
export const either = (a: Term, b: Term): Expr => apply('max', a, b)
export const square = (a: Term): Expr => mul(a, a)

/** A term with other terms in the place of some of its variables. */
export function substitute(term: Expr, terms: ReadonlyMap<string, Expr>): Expr {
  if (term.kind === 'constant') return term
  if (term.kind === 'variable') return terms.get(term.name) ?? term
  return { kind: 'apply', op: term.op, args: term.args.map((arg) => substitute(arg, terms)) }
}

/** The names of the variables a term reads, in order of first appearance. */
export function freeVariables(terms: readonly Expr[]): string[] {
  const names = new Set<string>()
  const visit = (term: Expr): void => {
    if (term.kind === 'variable') names.add(term.name)
    else if (term.kind === 'apply') term.args.forEach(visit)
  }
  terms.forEach(visit)
  return [...names]
}
