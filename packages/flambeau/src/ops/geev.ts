/**
 * Eigenvalues and eigenvectors of one real matrix, the way LAPACK's geev finds them: balanced, reduced to Hessenberg form and
 * to real Schur form by implicit double shifts, with the same pivots, shifts and tests, so that the eigenvalues come in the same
 * order. Matrices are row-major arrays of n² doubles.
 */

/** Eigenvalues, and the eigenvectors as columns, in two arrays of parts. */
export interface Eigen {
  readonly re: Float64Array
  readonly im: Float64Array
  readonly vectorsRe: Float64Array
  readonly vectorsIm: Float64Array
}

const EPSILON = Number.EPSILON
const SAFE_MIN = 2 ** -1022

const { abs, hypot, max, min, sqrt } = Math
const signOf = (x: number): number => (x < 0 || Object.is(x, -0) ? -1 : 1)
/** |a| with the sign of b. */
const withSign = (a: number, b: number): number => abs(a) * signOf(b)

/** The largest entries are brought between these, so that no square over- or underflows. */
const SMALL = sqrt(SAFE_MIN) / EPSILON
const BIG = 1 / SMALL

/**
 * The eigenvalues of a real matrix, which is overwritten, and its eigenvectors if they are wanted: of norm 1, with the largest
 * component real, in conjugate pairs with the positive imaginary part first. Null where the iteration does not converge.
 */
export function geev(a: Float64Array, n: number, wantVectors: boolean): Eigen | null {
  const largest = a.reduce((m, x) => max(m, abs(x)), 0)
  const factor = largest > 0 && largest < SMALL ? SMALL / largest : largest > BIG ? BIG / largest : 1
  if (factor !== 1) for (let i = 0; i < a.length; i++) a[i] *= factor
  const balance = balanced(a, n)
  const q = wantVectors ? identity(n) : null
  toHessenberg(a, n, balance, q)
  const values = toSchur(a, n, balance, q)
  if (values === null) return null
  const { re, im } = values
  const vectorsRe = new Float64Array(wantVectors ? n * n : 0)
  const vectorsIm = new Float64Array(wantVectors ? n * n : 0)
  if (q !== null) {
    backSubstitute(a, n, values, q, vectorsRe, vectorsIm)
    undoBalance(balance, n, vectorsRe, vectorsIm)
    normalize(n, im, vectorsRe, vectorsIm)
  }
  if (factor !== 1)
    for (let i = 0; i < n; i++) {
      re[i] /= factor
      im[i] /= factor
    }
  return { re, im, vectorsRe, vectorsIm }
}

function identity(n: number): Float64Array {
  const q = new Float64Array(n * n)
  for (let i = 0; i < n; i++) q[i * (n + 1)] = 1
  return q
}

/** What balancing did: outside of low … high (inclusive) `scale` names the row exchanged, inside it the factor. */
interface Balance {
  readonly low: number
  readonly high: number
  readonly scale: Float64Array
}

/** Moves isolated eigenvalues to the ends of the diagonal and scales rows and columns to similar norms (gebal). */
function balanced(a: Float64Array, n: number): Balance {
  const scale = new Float64Array(n).fill(1)
  let low = 0
  let high = n - 1
  const exchange = (j: number, m: number): void => {
    scale[m] = j
    if (j === m) return
    for (let i = 0; i <= high; i++) swap(a, i * n + j, i * n + m)
    for (let i = low; i < n; i++) swap(a, j * n + i, m * n + i)
  }
  const isolatedRow = (): number => {
    for (let j = high; j >= 0; j--) {
      let alone = true
      for (let i = 0; i <= high && alone; i++) alone = i === j || a[j * n + i] === 0
      if (alone) return j
    }
    return -1
  }
  const isolatedColumn = (): number => {
    for (let j = low; j <= high; j++) {
      let alone = true
      for (let i = low; i <= high && alone; i++) alone = i === j || a[i * n + j] === 0
      if (alone) return j
    }
    return -1
  }
  for (let j = isolatedRow(); j >= 0; j = isolatedRow()) {
    exchange(j, high)
    if (high === 0) return { low: 0, high: 0, scale }
    high--
  }
  for (let j = isolatedColumn(); j >= 0; j = isolatedColumn()) {
    exchange(j, low)
    low++
  }
  for (let i = low; i <= high; i++) scale[i] = 1

  const smallest = SAFE_MIN / EPSILON
  for (let changed = true; changed; ) {
    changed = false
    for (let i = low; i <= high; i++) {
      let c = norm(high - low + 1, (k) => a[(low + k) * n + i])
      let r = norm(high - low + 1, (k) => a[i * n + low + k])
      if (c === 0 || r === 0) continue
      let columnMax = 0
      let rowMax = 0
      for (let k = 0; k <= high; k++) columnMax = max(columnMax, abs(a[k * n + i]))
      for (let k = low; k < n; k++) rowMax = max(rowMax, abs(a[i * n + k]))
      const sum = c + r
      let f = 1
      while (c < r / 2 && max(f, c, columnMax) < 1 / (2 * smallest) && min(r / 2, rowMax) > 2 * smallest) {
        f *= 2
        c *= 2
        columnMax *= 2
        r /= 2
        rowMax /= 2
      }
      while (c / 2 >= r && max(r, rowMax) < 1 / (2 * smallest) && min(f, c / 2, columnMax) > 2 * smallest) {
        f /= 2
        c /= 2
        columnMax /= 2
        r *= 2
        rowMax *= 2
      }
      if (c + r >= 0.95 * sum) continue
      if (f < 1 && scale[i] < 1 && f * scale[i] <= smallest) continue
      if (f > 1 && scale[i] > 1 && scale[i] >= 1 / (smallest * f)) continue
      scale[i] *= f
      changed = true
      for (let k = low; k < n; k++) a[i * n + k] /= f
      for (let k = 0; k <= high; k++) a[k * n + i] *= f
    }
  }
  return { low, high, scale }
}

function swap(a: Float64Array, i: number, j: number): void {
  const kept = a[i]
  a[i] = a[j]
  a[j] = kept
}

/** √Σx² without overflow. */
function norm(count: number, at: (k: number) => number): number {
  let largest = 0
  for (let k = 0; k < count; k++) largest = max(largest, abs(at(k)))
  if (largest === 0) return 0
  let sum = 0
  for (let k = 0; k < count; k++) sum += (at(k) / largest) ** 2
  return largest * sqrt(sum)
}

/** A reflection I − τ·v·vᵀ that maps v to β·e₁ (larfg): v[0] becomes 1, and β and τ are the answer. */
function reflector(v: Float64Array, count: number): { beta: number; tau: number } {
  const rest = norm(count - 1, (k) => v[k + 1])
  const alpha = v[0]
  if (rest === 0) return { beta: alpha, tau: 0 }
  const beta = -withSign(hypot(alpha, rest), alpha)
  for (let k = 1; k < count; k++) v[k] /= alpha - beta
  v[0] = 1
  return { beta, tau: (beta - alpha) / beta }
}

/** H = Qᵀ·A·Q with zeros below the subdiagonal (gehrd, orghr). */
function toHessenberg(a: Float64Array, n: number, { low, high }: Balance, q: Float64Array | null): void {
  const v = new Float64Array(n)
  for (let i = low; i < high - 1; i++) {
    const count = high - i
    for (let k = 0; k < count; k++) v[k] = a[(i + 1 + k) * n + i]
    const { beta, tau } = reflector(v, count)
    if (tau === 0) continue
    v[0] = 1
    for (let r = 0; r <= high; r++) reflectRow(a, r * n + i + 1, v, count, tau)
    for (let c = i + 1; c < n; c++) {
      let sum = 0
      for (let k = 0; k < count; k++) sum += v[k] * a[(i + 1 + k) * n + c]
      for (let k = 0; k < count; k++) a[(i + 1 + k) * n + c] -= tau * sum * v[k]
    }
    if (q !== null) for (let r = 0; r < n; r++) reflectRow(q, r * n + i + 1, v, count, tau)
    a[(i + 1) * n + i] = beta
    for (let k = 1; k < count; k++) a[(i + 1 + k) * n + i] = 0
  }
}
function reflectRow(a: Float64Array, at: number, v: Float64Array, count: number, tau: number): void {
  let sum = 0
  for (let k = 0; k < count; k++) sum += v[k] * a[at + k]
  sum *= tau
  for (let k = 0; k < count; k++) a[at + k] -= sum * v[k]
}

interface Values {
  readonly re: Float64Array
  readonly im: Float64Array
}

/** The real Schur form of a Hessenberg matrix, and its eigenvalues (lahqr). Null where it does not converge. */
function toSchur(h: Float64Array, n: number, { low, high }: Balance, q: Float64Array | null): Values | null {
  const re = new Float64Array(n)
  const im = new Float64Array(n)
  for (let i = 0; i < n; i++) if (i < low || i > high) re[i] = h[i * n + i]
  const negligible = SAFE_MIN * ((high - low + 1) / EPSILON)
  const limit = 30 * max(10, high - low + 1)
  const v = new Float64Array(3)
  const at = (i: number, j: number): number => h[i * n + j]

  /** The start of the last block that cannot be split off yet. */
  const blockStart = (from: number, end: number): number => {
    let k = end
    for (; k > from; k--) {
      const below = abs(at(k, k - 1))
      if (below <= negligible) break
      let size = abs(at(k - 1, k - 1)) + abs(at(k, k))
      if (size === 0) {
        if (k - 2 >= low) size += abs(at(k - 1, k - 2))
        if (k + 1 <= high) size += abs(at(k + 1, k))
      }
      // Ahues and Tisseur's test, which keeps small eigenvalues of graded matrices exact.
      if (below <= EPSILON * size) {
        const above = abs(at(k - 1, k))
        const gap = abs(at(k - 1, k - 1) - at(k, k))
        const [ab, ba] = [max(below, above), min(below, above)]
        const [aa, bb] = [max(abs(at(k, k)), gap), min(abs(at(k, k)), gap)]
        const s = aa + ab
        if (ba * (ab / s) <= max(negligible, EPSILON * (bb * (aa / s)))) break
      }
    }
    return k
  }

  for (let end = high; end >= low; ) {
    let start = low
    let rounds = 0
    for (; ; rounds++) {
      start = blockStart(start, end)
      if (start > low) h[start * n + start - 1] = 0
      if (start >= end - 1) break
      if (rounds >= limit) return null
      const first = q === null ? start : 0
      const last = q === null ? end : n - 1
      sweep(h, n, start, end, shiftsFor(h, n, start, end, rounds + 1), first, last, q, v)
    }
    if (start === end) re[end] = at(end, end)
    else standardize(h, n, end - 1, q === null ? [end - 1, end] : [0, n - 1], q, re, im)
    end = start - 1
  }
  return { re, im }
}

type Shifts = readonly [re1: number, im1: number, re2: number, im2: number]

/** The eigenvalues of the trailing 2×2 block, or where deflation takes long, ones that break a cycle. */
function shiftsFor(h: Float64Array, n: number, start: number, end: number, round: number): Shifts {
  let [h11, h12, h21, h22] = [h[(end - 1) * n + end - 1], h[(end - 1) * n + end], h[end * n + end - 1], h[end * n + end]]
  if (round % 10 === 0) {
    const atEnd = round % 20 === 0
    const s = atEnd
      ? abs(h[end * n + end - 1]) + abs(h[(end - 1) * n + end - 2])
      : abs(h[(start + 1) * n + start]) + abs(h[(start + 2) * n + start + 1])
    h11 = 0.75 * s + (atEnd ? h[end * n + end] : h[start * n + start])
    h12 = -0.4375 * s
    h21 = s
    h22 = h11
  }
  const s = abs(h11) + abs(h12) + abs(h21) + abs(h22)
  if (s === 0) return [0, 0, 0, 0]
  h11 /= s
  h12 /= s
  h21 /= s
  h22 /= s
  const middle = (h11 + h22) / 2
  const determinant = (h11 - middle) * (h22 - middle) - h12 * h21
  const root = sqrt(abs(determinant))
  if (determinant >= 0) return [middle * s, root * s, middle * s, -root * s]
  // Two real shifts: the one nearer to the corner, twice.
  const [upper, lower] = [middle + root, middle - root]
  const shift = (abs(upper - h22) <= abs(lower - h22) ? upper : lower) * s
  return [shift, 0, shift, 0]
}

/** One implicit double-shift step on the block from `start` to `end`, over rows and columns first … last. */
function sweep(
  h: Float64Array,
  n: number,
  start: number,
  end: number,
  [re1, im1, re2, im2]: Shifts,
  first: number,
  last: number,
  q: Float64Array | null,
  v: Float64Array,
): void {
  let m = end - 2
  for (; ; m--) {
    const [diagonal, below] = [h[m * n + m], h[(m + 1) * n + m]]
    const next = h[(m + 1) * n + m + 1]
    const s = abs(diagonal - re2) + abs(im2) + abs(below)
    const scaled = below / s
    v[0] = scaled * h[m * n + m + 1] + (diagonal - re1) * ((diagonal - re2) / s) - im1 * (im2 / s)
    v[1] = scaled * (diagonal + next - re1 - re2)
    v[2] = scaled * h[(m + 2) * n + m + 1]
    const sum = abs(v[0]) + abs(v[1]) + abs(v[2])
    for (let k = 0; k < 3; k++) v[k] /= sum
    if (m === start) break
    const around = abs(h[(m - 1) * n + m - 1]) + abs(diagonal) + abs(next)
    if (abs(h[m * n + m - 1]) * (abs(v[1]) + abs(v[2])) <= EPSILON * abs(v[0]) * around) break
  }
  for (let k = m; k < end; k++) {
    const count = min(3, end - k + 1)
    if (k > m) for (let i = 0; i < count; i++) v[i] = h[(k + i) * n + k - 1]
    const { beta, tau } = reflector(v, count)
    v[0] = 1
    if (k > m) {
      h[k * n + k - 1] = beta
      for (let i = 1; i < count; i++) h[(k + i) * n + k - 1] = 0
    } else if (m > start) h[k * n + k - 1] *= 1 - tau
    for (let j = k; j <= last; j++) {
      let sum = 0
      for (let i = 0; i < count; i++) sum += v[i] * h[(k + i) * n + j]
      for (let i = 0; i < count; i++) h[(k + i) * n + j] -= sum * tau * v[i]
    }
    for (let r = first; r <= min(k + 3, end); r++) reflectRow(h, r * n + k, v, count, tau)
    if (q !== null) for (let r = 0; r < n; r++) reflectRow(q, r * n + k, v, count, tau)
  }
}

/** Brings the 2×2 block at `at` to standard form (lanv2): triangular, or with equal diagonal and a pair of eigenvalues. */
function standardize(
  h: Float64Array,
  n: number,
  at: number,
  [first, last]: readonly [number, number],
  q: Float64Array | null,
  re: Float64Array,
  im: Float64Array,
): void {
  const [i, j] = [at, at + 1]
  let [a, b, c, d] = [h[i * n + i], h[i * n + j], h[j * n + i], h[j * n + j]]
  let [cs, sn] = [1, 0]
  if (c === 0) {
    // Triangular already.
  } else if (b === 0) {
    ;[cs, sn] = [0, 1]
    ;[a, b, c, d] = [d, -c, 0, a]
  } else if (a !== d || signOf(b) === signOf(c)) {
    const difference = a - d
    const p = difference / 2
    const larger = max(abs(b), abs(c))
    const smaller = min(abs(b), abs(c)) * signOf(b) * signOf(c)
    const scale = max(abs(p), larger)
    const discriminant = (p / scale) * p + (larger / scale) * smaller
    if (discriminant >= 4 * EPSILON) {
      const z = p + withSign(sqrt(scale) * sqrt(discriminant), p)
      a = d + z
      d -= (larger / z) * smaller
      const length = hypot(c, z)
      ;[cs, sn] = [z / length, c / length]
      b -= c
      c = 0
    } else {
      // Complex, or real and nearly equal: first make the diagonal equal.
      const sigma = b + c
      const length = hypot(sigma, difference)
      cs = sqrt((1 + abs(sigma) / length) / 2)
      sn = -(p / (length * cs)) * signOf(sigma)
      const [aa, bb, cc, dd] = [a * cs + b * sn, -a * sn + b * cs, c * cs + d * sn, -c * sn + d * cs]
      ;[a, b, c, d] = [aa * cs + cc * sn, bb * cs + dd * sn, -aa * sn + cc * cs, -bb * sn + dd * cs]
      const middle = (a + d) / 2
      a = middle
      d = middle
      if (c !== 0 && b === 0) {
        ;[b, c] = [-c, 0]
        ;[cs, sn] = [-sn, cs]
      } else if (c !== 0 && signOf(b) === signOf(c)) {
        const [rootB, rootC] = [sqrt(abs(b)), sqrt(abs(c))]
        const spread = withSign(rootB * rootC, c)
        const inverse = 1 / sqrt(abs(b + c))
        a = middle + spread
        d = middle - spread
        b -= c
        c = 0
        const [cs1, sn1] = [rootB * inverse, rootC * inverse]
        ;[cs, sn] = [cs * cs1 - sn * sn1, cs * sn1 + sn * cs1]
      }
    }
  }
  re[i] = a
  re[j] = d
  if (c !== 0) {
    im[i] = sqrt(abs(b)) * sqrt(abs(c))
    im[j] = -im[i]
  }
  ;[h[i * n + i], h[i * n + j], h[j * n + i], h[j * n + j]] = [a, b, c, d]
  for (let k = j + 1; k <= last; k++) rotate(h, i * n + k, j * n + k, cs, sn)
  for (let k = first; k < i; k++) rotate(h, k * n + i, k * n + j, cs, sn)
  if (q !== null) for (let k = 0; k < n; k++) rotate(q, k * n + i, k * n + j, cs, sn)
}
function rotate(a: Float64Array, x: number, y: number, cs: number, sn: number): void {
  const kept = cs * a[x] + sn * a[y]
  a[y] = cs * a[y] - sn * a[x]
  a[x] = kept
}

/** Eigenvectors of the Schur form, from the last component up, turned back by Q (trevc). */
function backSubstitute(
  t: Float64Array,
  n: number,
  { re, im }: Values,
  q: Float64Array,
  vectorsRe: Float64Array,
  vectorsIm: Float64Array,
): void {
  const smallest = SAFE_MIN * (n / EPSILON)
  const x = new Float64Array(n)
  const y = new Float64Array(n)
  for (let k = n - 1; k >= 0; k--) {
    const isPair = im[k] !== 0
    const top = isPair ? k - 1 : k
    // Of a pair the one with the positive imaginary part.
    const [wr, wi] = [re[top], im[top]]
    const least = max(EPSILON * (abs(wr) + abs(wi)), smallest)
    x.fill(0)
    y.fill(0)
    if (!isPair) x[k] = 1
    else if (abs(t[top * n + k]) >= abs(t[k * n + top])) {
      x[top] = 1
      y[k] = wi / t[top * n + k]
    } else {
      x[top] = -wi / t[k * n + top]
      y[k] = 1
    }
    for (let i = 0; i < top; i++)
      for (let j = top; j <= k; j++) {
        const [kx, ky] = [x[j], y[j]]
        x[i] -= t[i * n + j] * kx
        y[i] -= t[i * n + j] * ky
      }
    for (let j = top - 1; j >= 0; j--) {
      const block = j > 0 && im[j] !== 0 ? j - 1 : j
      const largest = block === j ? solveOne(t, n, j, wr, wi, least, x, y) : solveTwo(t, n, block, wr, wi, least, x, y)
      // Nearly equal eigenvalues make the components grow without bound: what counts is their ratio.
      if (largest > 1e100)
        for (let i = 0; i <= k; i++) {
          x[i] /= largest
          y[i] /= largest
        }
      for (let c = block; c <= j; c++)
        for (let i = 0; i < block; i++) {
          x[i] -= t[i * n + c] * x[c]
          y[i] -= t[i * n + c] * y[c]
        }
      j = block
    }
    for (let i = 0; i < n; i++) {
      let [sumRe, sumIm] = [0, 0]
      for (let j = 0; j <= k; j++) {
        sumRe += q[i * n + j] * x[j]
        sumIm += q[i * n + j] * y[j]
      }
      vectorsRe[i * n + top] = sumRe
      vectorsIm[i * n + top] = sumIm
      if (isPair) {
        vectorsRe[i * n + k] = sumRe
        vectorsIm[i * n + k] = -sumIm
      }
    }
    k = top
  }
}

/** (t[j][j] − w)·x[j] = x[j] in place. @returns the size of the solution */
function solveOne(
  t: Float64Array,
  n: number,
  j: number,
  wr: number,
  wi: number,
  least: number,
  x: Float64Array,
  y: Float64Array,
): number {
  let [re, im] = [t[j * n + j] - wr, -wi]
  if (abs(re) + abs(im) < least) [re, im] = [least, 0]
  ;[x[j], y[j]] = quotient(x[j], y[j], re, im)
  return abs(x[j]) + abs(y[j])
}

/** The same for a 2×2 block, with the largest entry as the pivot. */
function solveTwo(
  t: Float64Array,
  n: number,
  j: number,
  wr: number,
  wi: number,
  least: number,
  x: Float64Array,
  y: Float64Array,
): number {
  const re = [t[j * n + j] - wr, t[j * n + j + 1], t[(j + 1) * n + j], t[(j + 1) * n + j + 1] - wr]
  const im = [-wi, 0, 0, -wi]
  let pivot = 0
  for (let k = 1; k < 4; k++) if (abs(re[k]) + abs(im[k]) > abs(re[pivot]) + abs(im[pivot])) pivot = k
  if (abs(re[pivot]) + abs(im[pivot]) < least) {
    // The block is zero as far as it can be told.
    for (let k = 0; k < 2; k++) {
      x[j + k] /= least
      y[j + k] /= least
    }
    return max(abs(x[j]) + abs(y[j]), abs(x[j + 1]) + abs(y[j + 1]))
  }
  const [row, column] = [pivot >> 1, pivot & 1]
  const [a, b, c, d] = [pivot, row * 2 + 1 - column, (1 - row) * 2 + column, (1 - row) * 2 + 1 - column]
  const [fr, fi] = quotient(re[c], im[c], re[a], im[a])
  let [ur, ui] = [re[d] - (fr * re[b] - fi * im[b]), im[d] - (fr * im[b] + fi * re[b])]
  if (abs(ur) + abs(ui) < least) [ur, ui] = [least, 0]
  const [xp, yp] = [x[j + row], y[j + row]]
  const [xo, yo] = [x[j + 1 - row], y[j + 1 - row]]
  const [sr, si] = quotient(xo - (fr * xp - fi * yp), yo - (fr * yp + fi * xp), ur, ui)
  const [pr, pi] = quotient(xp - (re[b] * sr - im[b] * si), yp - (re[b] * si + im[b] * sr), re[a], im[a])
  x[j + column] = pr
  y[j + column] = pi
  x[j + 1 - column] = sr
  y[j + 1 - column] = si
  return max(abs(pr) + abs(pi), abs(sr) + abs(si))
}

/** (a + bi) / (c + di) without overflow on the way. */
export function quotient(a: number, b: number, c: number, d: number): [number, number] {
  if (abs(c) >= abs(d)) {
    const r = d / c
    const s = c + d * r
    return [(a + b * r) / s, (b - a * r) / s]
  }
  const r = c / d
  const s = c * r + d
  return [(a * r + b) / s, (b * r - a) / s]
}

/** Eigenvectors of the balanced matrix as those of the matrix itself (gebak). */
function undoBalance({ low, high, scale }: Balance, n: number, ...vectors: Float64Array[]): void {
  for (const v of vectors) {
    if (low < high) for (let i = low; i <= high; i++) for (let j = 0; j < n; j++) v[i * n + j] *= scale[i]
    const exchange = (i: number): void => {
      const k = scale[i]
      if (k !== i) for (let j = 0; j < n; j++) swap(v, i * n + j, k * n + j)
    }
    for (let i = low - 1; i >= 0; i--) exchange(i)
    for (let i = high + 1; i < n; i++) exchange(i)
  }
}

/** Columns of norm 1; of complex ones the largest component is made real. */
function normalize(n: number, im: Float64Array, vr: Float64Array, vi: Float64Array): void {
  for (let j = 0; j < n; j++) {
    const isPair = im[j] !== 0
    const length = norm(2 * n, (k) => (k < n ? vr[k * n + j] : vi[(k - n) * n + j]))
    for (let i = 0; i < n; i++) {
      vr[i * n + j] /= length
      vi[i * n + j] /= length
    }
    if (!isPair) continue
    let largest = 0
    const size = (i: number): number => vr[i * n + j] ** 2 + vi[i * n + j] ** 2
    for (let i = 1; i < n; i++) if (size(i) > size(largest)) largest = i
    const [f, g] = [vr[largest * n + j], vi[largest * n + j]]
    const r = withSign(hypot(f, g), f)
    const [cs, sn] = [f / r, g / r]
    for (let i = 0; i < n; i++) {
      const at = i * n + j
      const kept = cs * vr[at] + sn * vi[at]
      vi[at] = cs * vi[at] - sn * vr[at]
      vr[at] = kept
      vr[at + 1] = kept
      vi[at + 1] = -vi[at]
    }
    vi[largest * n + j] = 0
    vi[largest * n + j + 1] = -0
    j++
  }
}
