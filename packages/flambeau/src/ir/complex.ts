/** Terms over complex numbers as pairs of terms over their parts. */

import type { ComplexOnly, Expr, Primitive } from './expr.js'
import * as e from './expr.js'

/** The parts of a term; an imaginary part of null is that of a real number. */
export interface Parts {
  readonly re: Expr
  readonly im: Expr | null
}
type Rule = (args: readonly Parts[]) => Parts

const real = (re: Expr): Parts => ({ re, im: null })
const one = real(e.constant(1))
const imaginary = ({ im }: Parts): Expr => im ?? e.constant(0)

const add: Rule = ([a, b]) => ({ re: e.add(a.re, b.re), im: a.im && b.im ? e.add(a.im, b.im) : (a.im ?? b.im) })
const neg: Rule = ([a]) => ({ re: e.neg(a.re), im: a.im && e.neg(a.im) })
const sub: Rule = ([a, b]) => ({
  re: e.sub(a.re, b.re),
  im: a.im && b.im ? e.sub(a.im, b.im) : (a.im ?? (b.im && e.neg(b.im))),
})
const scale = (a: Parts, by: e.Term): Parts => ({ re: e.mul(a.re, by), im: a.im && e.mul(a.im, by) })
const mul: Rule = ([a, b]) => {
  if (b.im === null) return scale(a, b.re)
  if (a.im === null) return scale(b, a.re)
  return { re: e.sub(e.mul(a.re, b.re), e.mul(a.im, b.im)), im: e.add(e.mul(a.re, b.im), e.mul(a.im, b.re)) }
}
/** By the larger part of the divisor first, so that its square cannot overflow. */
const div: Rule = ([a, b]) => {
  if (b.im === null) return { re: e.div(a.re, b.re), im: a.im && e.div(a.im, b.re) }
  const size = e.max(e.abs(b.re), e.abs(b.im))
  const [c, d] = [e.div(b.re, size), e.div(b.im, size)]
  const norm = e.add(e.mul(b.re, c), e.mul(b.im, d))
  const product = mul([a, { re: c, im: e.neg(d) }])
  return { re: e.div(product.re, norm), im: e.div(imaginary(product), norm) }
}
const exp: Rule = ([a]) => {
  const size = e.exp(a.re)
  return { re: e.mul(size, e.cos(imaginary(a))), im: e.mul(size, e.sin(imaginary(a))) }
}
const log: Rule = ([a]) => ({ re: e.log(e.hypot(a.re, imaginary(a))), im: e.atan2(imaginary(a), a.re) })
const sqrt: Rule = ([a]) => {
  const im = imaginary(a)
  // Half of |a| and |re| each: their sum could overflow, their difference could cancel.
  const root = e.sqrt(e.add(e.mul(0.5, e.hypot(a.re, im)), e.mul(0.5, e.abs(a.re))))
  const whole = e.either(e.eq(root, 0), e.isinf(im))
  const other = e.where(whole, e.abs(im), e.div(e.mul(0.5, e.abs(im)), root))
  const right = e.ge(a.re, 0)
  return { re: e.where(right, root, other), im: e.copysign(e.where(right, other, root), im) }
}
/** A product that a factor of 0 makes 0, whatever has overflowed. */
const timesZero = (zero: Expr, by: Expr): Expr => e.where(e.eq(zero, 0), zero, e.mul(zero, by))
const sinh: Rule = ([a]) => ({
  re: timesZero(e.sinh(a.re), e.cos(imaginary(a))),
  im: timesZero(e.sin(imaginary(a)), e.cosh(a.re)),
})
const cosh: Rule = ([a]) => ({
  re: e.mul(e.cosh(a.re), e.cos(imaginary(a))),
  im: timesZero(e.sin(imaginary(a)), e.sinh(a.re)),
})
const tanh: Rule = ([a]) => {
  const [t, s] = [e.tanh(a.re), e.tan(imaginary(a))]
  const [t2, s2] = [e.square(t), e.square(s)]
  const norm = e.add(1, e.mul(t2, s2))
  return { re: e.div(e.mul(t, e.add(1, s2)), norm), im: e.div(e.mul(s, e.sub(1, t2)), norm) }
}
/** i·a and −i·a: a trigonometric function is the hyperbolic one of i·a, turned back. */
const turn = (a: Parts): Parts => ({ re: e.neg(imaginary(a)), im: a.re })
const turnBack = (a: Parts): Parts => ({ re: imaginary(a), im: e.neg(a.re) })
/** 0 to any power is 0, but 1 to the power 0. */
const pow: Rule = ([a, b]) => {
  const isZero = (p: Parts): Expr => (p.im === null ? e.eq(p.re, 0) : e.both(e.eq(p.re, 0), e.eq(p.im, 0)))
  const power = exp([mul([b, log([a])])])
  const pick = (part: Expr, ofZero: Expr): Expr => e.where(isZero(b), ofZero, e.where(isZero(a), 0, part))
  return { re: pick(power.re, e.constant(1)), im: pick(imaginary(power), e.constant(0)) }
}
const eq: Rule = ([a, b]) => real(e.both(e.eq(a.re, b.re), e.eq(imaginary(a), imaginary(b))))
const ne: Rule = ([a, b]) => real(e.either(e.ne(a.re, b.re), e.ne(imaginary(a), imaginary(b))))

const rules: Partial<Record<Primitive | ComplexOnly, Rule>> = {
  mov: ([a]) => a,
  conj: ([a]) => ({ re: a.re, im: a.im && e.neg(a.im) }),
  re: ([a]) => real(a.re),
  add,
  neg,
  sub,
  mul,
  div,
  recip: ([a]) => div([one, a]),
  exp,
  exp2: ([a]) => exp([scale(a, Math.LN2)]),
  log,
  log2: (args) => scale(log(args), Math.LOG2E),
  log10: (args) => scale(log(args), Math.LOG10E),
  log1p: ([a]) => log([add([one, a])]),
  sqrt,
  rsqrt: (args) => div([one, sqrt(args)]),
  pow,
  sinh,
  cosh,
  tanh,
  sin: ([a]) => turnBack(sinh([turn(a)])),
  cos: ([a]) => cosh([turn(a)]),
  tan: ([a]) => turnBack(tanh([turn(a)])),
  sigmoid: ([a]) => div([one, add([one, exp([neg([a])])])]),
  eq,
  ne,
  not: ([a]) => eq([a, real(e.constant(0))]),
  isnan: ([a]) => real(e.either(e.isnan(a.re), e.isnan(imaginary(a)))),
  isinf: ([a]) => real(e.either(e.isinf(a.re), e.isinf(imaginary(a)))),
  where: ([c, a, b]) => ({ re: e.where(c.re, a.re, b.re), im: a.im || b.im ? e.where(c.re, imaginary(a), imaginary(b)) : null }),
}

/** What real numbers may leave the real line by. */
const branching: readonly string[] = ['log', 'log2', 'log10', 'log1p', 'sqrt', 'rsqrt', 'pow']

/** Whether complex numbers have every primitive of these terms. */
export const isOfComplex = (terms: readonly Expr[], complex: readonly string[]): boolean => {
  try {
    partsOf(terms, complex)
    return true
  } catch {
    return false
  }
}

/**
 * The parts of terms in which these variables are complex: `x` reads `x.re` and `x.im`.
 *
 * @throws Error for a primitive that complex numbers do not have.
 */
export function partsOf(terms: readonly Expr[], complex: readonly string[]): Parts[] {
  // A subterm that several others share is split once.
  const known = new Map<Expr, Parts>()
  const visit = (term: Expr): Parts => {
    let parts = known.get(term)
    if (parts === undefined) {
      parts = split(term)
      known.set(term, parts)
    }
    return parts
  }
  const split = (term: Expr): Parts => {
    if (term.kind === 'constant') return real(term)
    if (term.kind === 'variable')
      return complex.includes(term.name) ? { re: e.variable(`${term.name}.re`), im: e.variable(`${term.name}.im`) } : real(term)
    const args = term.args.map(visit)
    if (args.every(({ im }) => im === null) && !branching.includes(term.op))
      return real({ ...term, args: args.map(({ re }) => re) })
    const rule = rules[term.op]
    if (rule === undefined) throw new Error(`not implemented: ${term.op} of complex numbers`)
    return rule(args)
  }
  return terms.map(visit)
}
