/**
 * The elementary functions behind the random distributions, the same bits as the kernels' (random_math.cpp): fused
 * multiply-adds are computed exactly, and every float32 step is rounded by Math.fround.
 */

const scratch = new DataView(new ArrayBuffer(16))
const f64 = new Float64Array(scratch.buffer)
const u64 = new BigUint64Array(scratch.buffer)
const u32 = new Uint32Array(scratch.buffer)
const f32 = new Float32Array(scratch.buffer)

/** sum + error moved to the neighbour with an odd last bit where the sum is inexact, so that rounding it again is safe. */
function roundToOdd(sum: number, error: number): number {
  if (error === 0) return sum
  f64[0] = sum
  if ((u32[0]! & 1) === 0) u64[0] = u64[0]! + (sum > 0 === error > 0 ? 1n : -1n)
  return f64[0]!
}

/** fround(a * b + c) with one rounding, for float32 a, b and c. */
export function fmaFloat(a: number, b: number, c: number): number {
  const p = a * b
  const sum = p + c
  const part = sum - c
  return Math.fround(roundToOdd(sum, p - part + (c - (sum - part))))
}

/** a * b + c with one rounding, where nothing overflows or underflows (Boldo and Melquiond). */
export function fma(a: number, b: number, c: number): number {
  const p = a * b
  if (p === 0 || !Number.isFinite(p) || !Number.isFinite(c)) return p + c
  const as = a * 134217729
  const ah = as - (as - a)
  const al = a - ah
  const bs = b * 134217729
  const bh = bs - (bs - b)
  const bl = b - bh
  const pLow = al * bl - (p - ah * bh - al * bh - ah * bl)
  const t = c + pLow
  const tPart = t - c
  const tLow = c - (t - tPart) + (pLow - tPart)
  const v = p + t
  const vPart = v - p
  const vLow = p - (v - vPart) + (t - vPart)
  const w = tLow + vLow
  const wPart = w - tLow
  return v + roundToOdd(w, tLow - (w - wPart) + (vLow - wPart))
}

const ln2High = 0.6931471805598903
const ln2Low = 5.497923018708371e-14

/**
 * log(z) = logc - log1p(z * invc - 1): pairs of invc, about 1/c, and logc, where c is near the middle of each of 128
 * intervals. invc is glibc's choice, made so that logc has next to no rounding error.
 */
// biome-ignore format: a table
const logTable = new Float64Array([
  1.4504249240398293, -0.3718565645633589, 1.442253508327276, -0.36620682668944937,
  1.4341736174350004, -0.3605888069791945, 1.426183816329995, -0.3550022171419869,
  1.4182825527052965, -0.34944666968829097, 1.4104682921759335, -0.3439217713603284,
  1.4027396147468003, -0.3384271921261188, 1.3950954438932313, -0.332962831494342,
  1.3875338232485754, -0.32752794345742586, 1.3800539211058593, -0.32212257167088865,
  1.3726542695419708, -0.3167462884799761, 1.3653332798446802, -0.3113985598928366,
  1.358090204587874, -0.3060794515165526, 1.3509234892132138, -0.300788424667644,
  1.3438320840699889, -0.2955252968476998, 1.3368146974742003, -0.29028969275850613,
  1.329870114677736, -0.2850812793277555, 1.322997339161106, -0.27989987391470095,
  1.316195352741367, -0.27474526621870154, 1.3094628125672239, -0.2696169863701243,
  1.3027990455471041, -0.26451506180308115, 1.2962024229438942, -0.2594387762767383,
  1.2896726275815547, -0.2543884090981692, 1.2832080305745537, -0.24936321635129843,
  1.276807885983376, -0.24436312405975968, 1.2704714060687552, -0.23938801747897287,
  1.2641976054949482, -0.23443761696705678, 1.257985357514882, -0.22951151871518505,
  1.2518337750655457, -0.2246094963439873, 1.2457421919097305, -0.21973149037705753,
  1.2397094966625508, -0.2148770752847895, 1.2337348463589233, -0.210046029103637,
  1.2278176973028803, -0.20523836373934046, 1.2219570190618474, -0.20045368751368642,
  1.2161519732977757, -0.1956917537758045, 1.2104018095009725, -0.19095237845203883,
  1.204705805718973, -0.18623539250290833, 1.1990631185441964, -0.18154051731551135,
  1.1934733004462308, -0.1768677957431919, 1.1879350812847385, -0.17221657406412305,
  1.1824481322833125, -0.16758697765942543, 1.1770114976921955, -0.16297859687290384,
  1.1716248121809465, -0.15839151377804228, 1.1662869231674715, -0.15382513241456763,
  1.1609977486762766, -0.14927976358922024, 1.1557563220795803, -0.14475495398119165,
  1.1505619105480347, -0.14025044090817573, 1.1454138888505974, -0.1357660466685502,
  1.140311877374656, -0.1313018016355727, 1.1352550225747513, -0.12685731518763532,
  1.1302429094831266, -0.1224325737671279, 1.1252747693068048, -0.11802724521862729,
  1.1203501571039876, -0.11364127671663482, 1.1154683327680124, -0.10927434611278386,
  1.1106291463292157, -0.10492665324943573, 1.1058315813301596, -0.10059761422644442,
  1.1010752177696026, -0.09628717309055901, 1.0963597137952512, -0.09199534069557558,
  1.0916844827550398, -0.08772190036688698, 1.0870487291277784, -0.08346643613867855,
  1.082452357388312, -0.07922916827544668, 1.0778948225025884, -0.0750099004750382,
  1.0733751731601076, -0.07080805133352897, 1.068893585073351, -0.06662408085151128,
  1.0644491706655506, -0.06245745471915143, 1.0600414846328305, -0.0583080438042316,
  1.0556701316181605, -0.05417576112313327, 1.051334750556926, -0.050060547896805474,
  1.0470347288442157, -0.045962101199052086, 1.0427699229652954, -0.04188056008865715,
  1.0385395013738175, -0.03781540056183985, 1.034343418940345, -0.03376684757915882,
  1.0301811073173315, -0.029734619131772888, 1.026052043621297, -0.025718470239212365,
  1.0219561082336197, -0.021718543925430822, 1.0178926505784922, -0.01773446126981071,
  1.0138614436244586, -0.013766252464051831, 1.0098620186501341, -0.009813706322574944,
  1.0058938559734134, -0.005876555150052809, 1.00195696235014, -0.0019550499938532084,
  0.9961089923088509, 0.0038985973556009412, 0.9884170338185201, 0.011650571286395461,
  0.9808429191005297, 0.019342955478919066, 0.9733840169987446, 0.0269766014846482,
  0.9660377568876556, 0.034552359728422744, 0.9588014945307369, 0.04207121767183253,
  0.9516728569073111, 0.049533940950141186, 0.9446494635965822, 0.056941358295944156,
  0.9377288993026223, 0.06429439168346107, 0.9309091073790681, 0.0715936354946507,
  0.924187681612722, 0.07884010933776153, 0.9175626765599192, 0.08603438905970506,
  0.9110320403624034, 0.09317721180013905, 0.9045935839762024, 0.10026951462748457,
  0.8982456375922825, 0.10731170956330516, 0.8919860966782501, 0.11430473320717738,
  0.8858131121185129, 0.12124928503033061, 0.879725075760676, 0.12814583422959913,
  0.8737201372634685, 0.1349951636851756, 0.8677966405782273, 0.1417978768189414,
  0.8619528050060739, 0.14855476039031146, 0.8561872354420692, 0.1552661937658968,
  0.8504983927816893, 0.16193275688146969, 0.8448844572790304, 0.16855539792220497,
  0.8393442741575965, 0.1751343179947753, 0.8338762249349438, 0.1816702989864325,
  0.8284789320557778, 0.18816387146023317, 0.8231510800065832, 0.1946155228479256,
  0.8178913903778707, 0.20102572579389744, 0.8126984007245374, 0.2073952090795501,
  0.8075710029460227, 0.21372429840596396, 0.8025078881160415, 0.2200135945981856,
  0.7975077379364331, 0.22626374162859975, 0.792569604966373, 0.23247494747693054,
  0.7876923641254114, 0.23864766620658884, 0.7828746724940998, 0.24478265647405806,
  0.7781155388790811, 0.25088025827324145, 0.7734139557869777, 0.2569408552510595,
  0.7687687179914933, 0.26296511155101143, 0.7641790698041854, 0.2689531327189343,
  0.7596438763692399, 0.27490553924610595, 0.7551621951078668, 0.2808227248478943,
  0.7507331780216866, 0.286704979267256, 0.7463557196361751, 0.29255295645509705,
  0.7420289364869653, 0.2983670386142876, 0.7377521537065876, 0.30414734587282055,
  0.7335242966002608, 0.30989455774829366, 0.729344777457841, 0.31560871301871884,
])

const nearB1 = 0.3333333333333352
const nearB2 = -0.24999999999998432
const nearB3 = 0.19999999999320328
const nearB4 = -0.16666666669929706
const nearB5 = 0.14285715076560868
const nearB6 = -0.12499997863982555
const nearB7 = 0.11110712032936046
const nearB8 = -0.10000486757818193
const nearB9 = 0.09181994006195467
const nearB10 = -0.08328363062289341
const farA0 = -0.5000000000000001
const farA1 = 0.33333333331825593
const farA2 = -0.2499999999622955
const farA3 = 0.20000304511814496
const farA4 = -0.16667054827627667
const sin3 = -0.16666666666666488
const sin5 = 0.008333332142857223
const cos4 = -0.04166666666666644
const cos6 = 0.001388888740079376
const taylor3 = -0.16666666666666666
const taylor5 = 0.008333333333332329
const taylor7 = -0.00019841269834414642
const taylor9 = 2.755729806860771e-6
const taylor11 = -2.5022014848318398e-8
const taylorBound = 0.126
const halfPi = 1.5707963267948966
const halfPiLow = 6.123233995736766e-17
const twoOverPi = 0.6366197723675814
const halfPi1 = 1.5707963407039642
const halfPi2 = -1.3909067564377153e-8
const halfPi3 = -4.97899623147991e-17
const halfPi4 = -1.9034889620193266e-25
const log2e = Math.LOG2E
const halfLogTwoPi = 0.9189385332046728
/** Adding these rounds to a multiple of 1/128, and to an integer. */
const round128 = 1.5 * 2 ** 45
const roundInteger = 1.5 * 2 ** 52

/** log(x) for x >= 0: glibc's, bit for bit. */
export function log(x: number): number {
  f64[0] = x
  const ix = u64[0]!
  if (x >= 0.9375 && ix <= 0x3fee000000000000n + 0x308ffffffffffn) {
    if (x === 1) return 0
    const r = x - 1
    const r2 = r * r
    const r3 = r * r2
    const t2 = fma(r2, nearB3, fma(nearB2, r, nearB1))
    const t3 = fma(r2, nearB6, fma(nearB5, r, nearB4))
    let y = fma(r2, nearB9, fma(nearB8, r, nearB7))
    y = fma(r3, nearB10, y)
    y = fma(fma(y, r3, t3), r3, t2)
    const high = fma(-(2 ** 27), r, fma(r, 2 ** 27, r))
    const low = r - high
    const square = high * high
    const sum = fma(square, -0.5, r)
    const rest = fma(-0.5 * low, r + high, fma(square, -0.5, r - sum))
    return sum + fma(y, r3, rest)
  }
  if (x === 0) return -Infinity
  const t = BigInt.asIntN(64, ix - 0x3fe6000000000000n)
  const i = Number((t >> 45n) & 127n)
  const exponent = t >> 52n
  const k = Number(exponent)
  u64[0] = ix - (exponent << 52n)
  const z = f64[0]!
  const w = fma(k, ln2High, logTable[2 * i + 1]!)
  const r = fma(z, logTable[2 * i]!, -1)
  const r2 = r * r
  const high = w + r
  const low = fma(k, ln2Low, w - high + r)
  const p = fma(fma(r, farA4, farA3), r2, fma(farA2, r, farA1))
  return fma(r * r2, p, fma(r2, farA0, low)) + high
}

/** sin(k/128) and cos(k/128), each as a sum of two doubles, four a row; Taylor's series in integers of 112 bits. */
const sinCosTable = (() => {
  const rows = 111
  const table = new Float64Array(4 * rows)
  const one = 1n << 112n
  const toNumber = (v: bigint): number => Number(v) / 2 ** 112
  const split = (v: bigint, at: number): void => {
    const head = toNumber(v)
    table[at] = head
    table[at + 1] = toNumber(v - BigInt(head * 2 ** 112))
  }
  for (let k = 0; k < rows; k++) {
    const series = (first: bigint, n0: bigint): bigint => {
      let sum = first
      let term = first
      let sign = -1n
      for (let n = n0; term !== 0n; n += 2n) {
        term = (term * BigInt(k * k)) / (16384n * n * (n + 1n))
        sum += sign * term
        sign = -sign
      }
      return sum
    }
    split(series((one >> 7n) * BigInt(k), 2n), 4 * k)
    split(series(one, 1n), 4 * k + 2)
  }
  return table
})()

/** cos(x + dx) and sin(x + dx) for |x| < 0.86, from the nearest k/128. */
function cosNear(x: number, dx: number): number {
  const ax = Math.abs(x)
  const u = round128 + ax
  f64[0] = u
  const at = 4 * u32[0]!
  const t = ax - (u - round128) + (x < 0 ? -dx : dx)
  const tt = t * t
  const s = fma(t * tt, fma(tt, sin5, sin3), t)
  const c = tt * fma(fma(tt, cos6, cos4), tt, 0.5)
  let fix = fma(-s, sinCosTable[at + 1]!, sinCosTable[at + 3]!)
  fix = fma(-c, sinCosTable[at + 2]!, fix)
  fix = fma(-s, sinCosTable[at]!, fix)
  return sinCosTable[at + 2]! + fix
}

function sinNear(x: number, dx: number): number {
  const ax = Math.abs(x)
  if (ax < taylorBound) {
    const xx = x * x
    let t = fma(taylor11, xx, taylor9)
    t = fma(t, xx, taylor7)
    t = fma(t, xx, taylor5)
    t = fma(t, xx, taylor3)
    t = fma(t, x, -(dx * 0.5))
    return x + fma(xx, t, dx)
  }
  const low = x <= 0 ? -dx : dx
  const u = round128 + ax
  f64[0] = u
  const at = 4 * u32[0]!
  const t = ax - (u - round128)
  const tt = t * t
  const s = fma(t * tt, fma(tt, sin5, sin3), low) + t
  const c = fma(low, t, tt * fma(fma(tt, cos6, cos4), tt, 0.5))
  let fix = fma(sinCosTable[at + 3]!, s, sinCosTable[at + 1]!)
  fix = fma(-c, sinCosTable[at]!, fix)
  fix = fma(s, sinCosTable[at + 2]!, fix)
  const y = Math.abs(fix + sinCosTable[at]!)
  return x < 0 ? -y : y
}

/** [sin x, cos x] for |x| < 1e8: glibc's, bit for bit. */
export function sinCos(x: number): [number, number] {
  f64[0] = x
  const k = u32[1]! & 0x7fffffff
  if (k < 0x3e400000) return [x, 1]
  if (k < 0x3feb6000) return [sinNear(x, 0), cosNear(x, 0)]
  if (k < 0x400368fd) {
    const y = halfPi - Math.abs(x)
    const a = y + halfPiLow
    const da = y - a + halfPiLow
    const s = Math.abs(cosNear(a, da))
    return [x < 0 ? -s : s, sinNear(a, da)]
  }
  const t = fma(x, twoOverPi, roundInteger)
  f64[0] = t
  const quadrant = u32[0]! & 3
  const n = t - roundInteger
  const y = fma(-n, halfPi2, fma(-n, halfPi1, x))
  const y3 = fma(-n, halfPi3, y)
  const d3 = fma(-n, halfPi3, y - y3)
  let a = fma(-n, halfPi4, y3)
  let da = d3 + fma(-n, halfPi4, y3 - a)
  if (quadrant === 1 || quadrant === 2) {
    a = -a
    da = -da
  }
  const s = sinNear(a, da)
  const c = quadrant & 2 ? -cosNear(a, da) : cosNear(a, da)
  return quadrant & 1 ? [c, s] : [s, c]
}

/** tan(x) for |x| < 1e8, within 2 ulp. */
export function tan(x: number): number {
  const [s, c] = sinCos(x)
  return s / c
}

/** exp(x), within 1 ulp. */
export function exp(x: number): number {
  if (!(x < 709.79)) return Number.isNaN(x) ? x : Infinity
  if (x < -745.2) return 0
  const k = fma(x, log2e, roundInteger) - roundInteger
  const high = fma(-k, ln2High, x)
  const r = fma(-k, ln2Low, high)
  const low = fma(-k, ln2Low, high - r)
  let p = 1 / 6227020800
  for (const n of [479001600, 39916800, 3628800, 362880, 40320, 5040, 720, 120, 24, 6, 2]) p = fma(p, r, 1 / n)
  const mantissa = 1 + (r + fma(p, r * r, low))
  // In two steps, since 2^k alone may overflow or underflow; only the last step can round.
  return k > 1000 || k < -1000 ? mantissa * 2 ** (k > 0 ? 1000 : -1000) * 2 ** (k > 0 ? k - 1000 : k + 1000) : mantissa * 2 ** k
}

/** log(n!) for an integer n >= 0. */
export function logFactorial(n: number): number {
  if (n < 10) {
    let product = 1
    for (let i = 2; i <= n; i++) product *= i
    return log(product)
  }
  const x = n + 1
  const r = 1 / x
  const rr = r * r
  let p = fma(rr, 1 / 1188, -1 / 1680)
  p = fma(p, rr, 1 / 1260)
  p = fma(p, rr, -1 / 360)
  p = fma(p, rr, 1 / 12)
  return fma(x - 0.5, log(x), -x) + fma(p, r, halfLogTwoPi)
}

const fr = Math.fround
const logPolynomial = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1,
  -2.4999993993e-1, 3.3333331174e-1,
].map(fr)

/** Cephes' logf for 0 < x <= 1, with the fused operations of PyTorch's AVX2 build. */
export function logFloat(value: number): number {
  f32[0] = Math.max(value, 2 ** -126)
  let e = (u32[0]! >> 23) - 0x7f + 1
  u32[0] = (u32[0]! & 0x807fffff) | 0x3f000000
  let x = f32[0]!
  if (x < fr(Math.SQRT1_2)) {
    e -= 1
    x = fr(fr(x - 1) + x)
  } else {
    x = fr(x - 1)
  }
  const z = fr(x * x)
  let y = logPolynomial[0]!
  for (let i = 1; i < 9; i++) y = fmaFloat(y, x, logPolynomial[i]!)
  y = fmaFloat(fr(x * y), z, fr(e * fr(-2.1219444e-4)))
  y = fmaFloat(z, -0.5, y)
  return fmaFloat(e, 0.693359375, fr(x + y))
}

/** Cephes' [sinf x, cosf x] for 0 <= x < 8192, with the fused operations of PyTorch's AVX2 build. */
export function sinCosFloat(value: number): [number, number] {
  const j = (Math.trunc(fr(value * fr(1.27323954473516))) + 1) & ~1
  let x = fmaFloat(j, -0.78515625, value)
  x = fmaFloat(j, fr(-2.4187564849853516e-4), x)
  x = fmaFloat(j, fr(-3.774894977445941e-8), x)
  const z = fr(x * x)
  let c = fmaFloat(fr(2.443315711809948e-5), z, fr(-1.388731625493765e-3))
  c = fmaFloat(c, z, fr(4.166664568298827e-2))
  c = fr(fmaFloat(fr(z * c), z, -fr(z * 0.5)) + 1)
  let s = fmaFloat(z, fr(-1.9515295891e-4), fr(8.3321608736e-3))
  s = fmaFloat(s, z, fr(-1.6666654611e-1))
  s = fmaFloat(fr(z * s), x, x)
  const first = (j & 2) === 0
  const sine = (first ? s : c) + 0
  const cosine = (first ? c : s) + 0
  return [j & 4 ? -sine : sine, ~(j - 2) & 4 ? -cosine : cosine]
}
