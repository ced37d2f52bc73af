import { describe, expect, it } from 'vitest'
import type { Operand } from '../src/backends/backend.js'
import { reductions } from '../src/backends/backend.js'
import { planPointwise } from '../src/backends/plan.js'
import { ReferenceBackend } from '../src/backends/reference/backend.js'
import { int64ToFloat32 } from '../src/backends/reference/elements.js'
import { digamma, erf, erfc, erfinv, lgamma } from '../src/backends/reference/special.js'
import { type ComputeClass, computeClass, type DType, itemSize, viewAs } from '../src/core/dtype.js'
import { floatToBFloat16, floatToHalf } from '../src/core/half.js'
import { Layout, numelOf, type Shape } from '../src/core/layout.js'
import { Storage } from '../src/core/storage.js'
import * as e from '../src/ir/expr.js'
import { Program } from '../src/ir/program.js'

const backend = new ReferenceBackend(0)
const copy = new Program([e.x], ['x'], [])

function empty(shape: Shape, dtype: DType = 'float32', layout = Layout.contiguous(shape)): Operand {
  const bytes = numelOf(shape) * itemSize(dtype)
  return { storage: new Storage(backend, backend.allocate(bytes), bytes), layout, dtype }
}

function run(program: Program, compute: ComputeClass, operands: readonly Operand[], scalars: readonly number[] = []): void {
  const layouts = operands.map((operand) => operand.layout)
  backend.pointwise(program, compute, operands, planPointwise(layouts[0].shape, layouts), scalars)
}

/** Nested arrays as a tensor. */
function tensor(data: unknown, dtype: DType = 'float32'): Operand {
  const shape: number[] = []
  for (let level = data; Array.isArray(level); level = level[0]) shape.push(level.length)
  const values = [data].flat(Number.POSITIVE_INFINITY) as number[]
  const t = empty(shape, dtype)
  const array = viewAs(dtype, t.storage.memory.buffer, 0, values.length)
  const encode = dtype === 'float16' ? floatToHalf : dtype === 'bfloat16' ? floatToBFloat16 : (v: number) => v
  values.forEach((value, i) => {
    if (array instanceof BigInt64Array) array[i] = BigInt(value)
    else array[i] = encode(Number(value))
  })
  return t
}

/** A tensor's elements in row-major order, read through the engine itself. */
function list(t: Operand): number[] {
  const out = empty(t.layout.shape, 'float64')
  run(copy, 1, [out, t])
  return [...new Float64Array(out.storage.memory.buffer)]
}
const transposed = (t: Operand): Operand => ({ ...t, layout: t.layout.permute([1, 0]) })

/** A term of x and y over 1-d operands of one dtype. */
function evaluate(term: e.Expr, dtype: DType, x: unknown[], y: unknown[] = x): number[] {
  const out = empty([x.length], dtype)
  run(new Program([term], ['x', 'y'], []), computeClass(dtype) as ComputeClass, [out, tensor(x, dtype), tensor(y, dtype)])
  return list(out)
}

const { NaN: nan, POSITIVE_INFINITY: inf } = Number

describe('special functions', () => {
  it('agree with known values', () => {
    const close = (a: number, b: number): void => expect(Math.abs(a / b - 1)).toBeLessThan(5e-15)
    close(erf(0.5), 0.5204998778130465)
    close(erfc(5), 1.5374597944280349e-12)
    close(erfc(-0.5), 1.5204998778130465)
    close(erfinv(0.5), 0.4769362762044699)
    close(erf(erfinv(1e-10)), 1e-10)
    close(lgamma(0.5), Math.log(Math.PI) / 2)
    close(lgamma(11), Math.log(3628800))
    close(lgamma(100), 359.1342053695754)
    close(lgamma(-0.5), 1.2655121234846454)
    close(digamma(1), -0.5772156649015329)
    close(digamma(20), 2.9705239922421494)
    close(digamma(-0.5), 0.03648997397857652)
  })
  it('know their poles and ends', () => {
    expect([lgamma(1), lgamma(2), lgamma(-3), lgamma(inf)]).toEqual([0, 0, inf, inf])
    expect([digamma(0), digamma(-0), digamma(-2)]).toEqual([-inf, inf, nan])
    expect([erfinv(1), erfinv(-1), erfinv(1.5)]).toEqual([inf, -inf, nan])
    expect([erf(inf), erfc(inf), erfc(-inf), erf(-0)]).toEqual([1, 0, 2, -0])
  })
})

describe('conversions', () => {
  it('round an int64 to float32 once', () => {
    // Just above a tie of float32 that a double cannot tell from the tie.
    expect(int64ToFloat32(2n ** 62n + 2n ** 38n + 1n)).toBe(2 ** 62 + 2 ** 39)
    expect(int64ToFloat32(-(2n ** 62n) - 2n ** 38n)).toBe(-(2 ** 62))
  })
  it('truncate floats and wrap what is out of range', () => {
    const from = tensor([1.9, -1.9, 300, -1, 1e20, nan])
    const cast = (dtype: DType): number[] => {
      const out = empty([6], dtype)
      run(copy, 0, [out, from])
      return list(out)
    }
    expect(cast('uint8')).toEqual([1, 255, 44, 255, 0, 0])
    expect(cast('int64')).toEqual([1, -1, 300, -1, -(2 ** 63), -(2 ** 63)])
    expect(cast('bool')).toEqual([1, 1, 1, 1, 1, 1])
    expect(cast('float16')).toEqual([1.900390625, -1.900390625, 300, -1, inf, nan])
  })
})

describe('pointwise', () => {
  it('rounds every primitive to float32 in class 0', () => {
    expect(evaluate(e.sub(e.add(e.x, 1), 1), 'float32', [1e-8])).toEqual([0])
    expect(evaluate(e.sub(e.add(e.x, 1), 1), 'float64', [2 ** -30])).toEqual([2 ** -30])
  })
  it('follows strides and broadcasts', () => {
    const out = empty([2, 3])
    const column = { ...tensor([[10], [20]]) }
    run(new Program([e.add(e.x, e.y)], ['x', 'y'], []), 0, [
      out,
      transposed(
        tensor([
          [0, 1],
          [2, 3],
          [4, 5],
        ]),
      ),
      column,
    ])
    expect(list(out)).toEqual([10, 12, 14, 21, 23, 25])
  })
  it('runs several outputs and scalars', () => {
    const [a, b] = [empty([2]), empty([2])]
    run(new Program([e.mul(e.x, e.y), e.x], ['x'], ['y']), 0, [a, b, tensor([1, 2])], [3])
    expect([list(a), list(b)]).toEqual([
      [3, 6],
      [1, 2],
    ])
  })
  it('handles NaN, signed zeros and ties of floats', () => {
    expect(evaluate(e.max(e.x, e.y), 'float32', [nan, 1, 2], [1, nan, 3])).toEqual([nan, nan, 3])
    expect(evaluate(e.fmax(e.x, e.y), 'float32', [nan, 1, nan], [1, nan, nan])).toEqual([1, 1, nan])
    expect(evaluate(e.round(e.x), 'float32', [0.5, 1.5, 2.5, -0.5, -1.6])).toEqual([0, 2, 2, -0, -2])
    expect(evaluate(e.rem(e.x, e.y), 'float32', [5, -5, 5, -5], [3, 3, -3, -3])).toEqual([2, 1, -1, -2])
    expect(evaluate(e.idivFloor(e.x, e.y), 'float32', [5, -5, 1, 1], [3, 3, 0.1, 0])).toEqual([1, -2, 9, inf])
    expect(evaluate(e.pow(e.x, e.y), 'float32', [1, -1, 2], [nan, inf, -1])).toEqual([1, 1, 0.5])
    expect(evaluate(e.nextafter(e.x, e.y), 'float32', [1, 0, 1], [2, -1, 1])).toEqual([1 + 2 ** -23, -(2 ** -149), 1])
    expect(evaluate(e.nextafter(e.x, e.y), 'float64', [1], [0])).toEqual([1 - 2 ** -53])
  })
  it.each(['int32', 'int64'] as const)('does integer arithmetic in %s', (dtype) => {
    expect(evaluate(e.idivFloor(e.x, e.y), dtype, [7, -7, 7, -7], [2, 2, -2, -2])).toEqual([3, -4, -4, 3])
    expect(evaluate(e.idivTrunc(e.x, e.y), dtype, [7, -7], [2, 2])).toEqual([3, -3])
    expect(evaluate(e.rem(e.x, e.y), dtype, [7, -7, 7, -7], [3, 3, -3, -3])).toEqual([1, 2, -2, -1])
    expect(evaluate(e.fmod(e.x, e.y), dtype, [7, -7], [3, 3])).toEqual([1, -1])
    expect(evaluate(e.pow(e.x, e.y), dtype, [3, -1, -1, 1, 2], [4, -3, -2, -5, -1])).toEqual([81, -1, 1, 1, 0])
    expect(evaluate(e.shl(e.x, e.y), dtype, [1, 1, 1], [3, 64, -1])).toEqual([8, 1, dtype === 'int32' ? -(2 ** 31) : -(2 ** 63)])
    expect(evaluate(e.shr(e.x, e.y), dtype, [-8, -8, 8], [1, 64, -1])).toEqual([-4, -8, 0])
  })
  it('wraps around', () => {
    expect(evaluate(e.mul(e.x, e.x), 'int32', [65537, 2 ** 31 - 1])).toEqual([131073, 1])
    expect(evaluate(e.add(e.x, e.x), 'int8', [100])).toEqual([-56])
    expect(evaluate(e.add(e.x, e.y), 'int64', [2n ** 63n - 1n], [1])).toEqual([-(2 ** 63)])
  })
  it('rejects what a class cannot do', () => {
    expect(() => evaluate(e.idivFloor(e.x, e.y), 'int64', [1], [0])).toThrow('ZeroDivisionError')
    expect(() => evaluate(e.rem(e.x, e.y), 'uint8', [1], [0])).toThrow('ZeroDivisionError')
    expect(() => evaluate(e.exp(e.x), 'int32', [1])).toThrow("not implemented for 'Int': exp")
  })
})

describe('reductions', () => {
  const x = tensor([
    [3, -1, 2],
    [0, 5, nan],
  ])
  const reduced = (kind: (typeof reductions)[number], t: Operand, dtype: DType, r = 1): number[] => {
    const out = empty(t.layout.shape.slice(0, t.layout.dim - r), dtype)
    backend.run('reduce', reductions.indexOf(kind), t, out, r)
    return list(out)
  }
  it('fold groups of the last dimensions', () => {
    expect(reduced('sum', x, 'float32')).toEqual([4, nan])
    expect(reduced('max', x, 'float32')).toEqual([3, nan])
    expect(reduced('min', x, 'float32')).toEqual([-1, nan])
    expect(reduced('all', x, 'bool')).toEqual([1, 0])
    expect(reduced('any', tensor([0, 0.25]), 'bool')).toEqual([1])
    expect(reduced('sumOfSquares', x, 'float32')).toEqual([14, nan])
    expect(
      reduced(
        'mean',
        transposed(
          tensor([
            [1, 2],
            [3, 6],
          ]),
        ),
        'float32',
      ),
    ).toEqual([2, 4])
    expect(
      reduced(
        'logsumexp',
        tensor([
          [1000, 1000],
          [-inf, -inf],
        ]),
        'float64',
      ),
    ).toEqual([1000 + Math.LN2, -inf])
    expect(reduced('sum', tensor([200, 100], 'uint8'), 'int64')).toEqual([300])
  })
  it('have values for empty groups', () => {
    const none = empty([1, 0])
    const kinds = ['sum', 'mean', 'prod', 'any', 'all', 'logsumexp'] as const
    expect(kinds.map((kind) => reduced(kind, none, 'float32')[0])).toEqual([0, nan, 1, 0, 1, -inf])
  })
  it('find the first extreme, or the first NaN', () => {
    const indices = empty([3], 'int64')
    const values = empty([3])
    backend.run(
      'reduceIndex',
      0,
      tensor([
        [1, 4, 4],
        [nan, 9, nan],
        [2, 1, 0],
      ]),
      values,
      indices,
      1,
    )
    expect([list(values), list(indices)]).toEqual([
      [4, nan, 2],
      [1, 0, 0],
    ])
    const whole = empty([], 'int64')
    backend.run(
      'reduceIndex',
      1,
      transposed(
        tensor([
          [3, 0],
          [1, 2],
        ]),
      ),
      null,
      whole,
      2,
    )
    expect(list(whole)).toEqual([2])
  })
  it('take variances', () => {
    const [out, mean] = [empty([2]), empty([2])]
    backend.run(
      'variance',
      tensor([
        [1, 3],
        [2, 2],
      ]),
      out,
      mean,
      1,
      1,
      false,
    )
    expect([list(out), list(mean)]).toEqual([
      [2, 0],
      [2, 2],
    ])
    backend.run('variance', tensor([[1], [2]]), out, null, 1, 1, true)
    expect(list(out)).toEqual([nan, nan])
  })
  it('take softmax along any dimension', () => {
    const logits = tensor(
      [
        [0, 1000],
        [Math.log(3), 1000],
      ],
      'float64',
    )
    const [out, log, grad] = [empty([2, 2], 'float64'), empty([2, 2], 'float64'), empty([2, 2], 'float64')]
    backend.run('softmax', logits, out, 0, false)
    expect(list(out).map((v) => Number(v.toFixed(12)))).toEqual([0.25, 0.5, 0.75, 0.5])
    backend.run('softmax', logits, log, 0, true)
    expect(list(log)[1]).toBeCloseTo(-Math.LN2, 12)
    backend.run(
      'softmaxBackward',
      tensor(
        [
          [1, 1],
          [0, 1],
        ],
        'float64',
      ),
      out,
      grad,
      0,
      false,
    )
    expect(list(grad).map((v) => Number(v.toFixed(12)))).toEqual([0.1875, 0, -0.1875, 0])
    backend.run(
      'softmaxBackward',
      tensor(
        [
          [1, 1],
          [0, 1],
        ],
        'float64',
      ),
      log,
      grad,
      0,
      true,
    )
    expect(list(grad).map((v) => Number(v.toFixed(12)))).toEqual([0.75, 0, -0.75, 0])
  })
})

describe('products', () => {
  it('multiply batches of matrices with any strides', () => {
    const a = tensor([
      [1, 2],
      [3, 4],
    ])
    const out = empty([2, 2])
    backend.run('matmul', a, transposed(a), out, false)
    expect(list(out)).toEqual([5, 11, 11, 25])
    backend.run(
      'matmul',
      a,
      tensor([
        [1, 0],
        [0, 1],
      ]),
      out,
      true,
    )
    expect(list(out)).toEqual([6, 13, 14, 29])
    const batch = empty([2, 1, 1], 'int8')
    backend.run(
      'matmul',
      tensor([[[100, 1]], [[2, 3]]], 'int8'),
      tensor(
        [
          [[2], [1]],
          [[1], [1]],
        ],
        'int8',
      ),
      batch,
      false,
    )
    expect(list(batch)).toEqual([-55, 5])
  })
  it('convolve with stride, padding, dilation and groups', () => {
    const x = tensor([
      [
        [1, 2, 3, 4],
        [10, 20, 30, 40],
      ],
    ])
    const w = tensor([[[1, -1]], [[1, 1]]])
    const out = empty([1, 2, 2])
    const window = [[3], [1], [2], 2] as const
    backend.run('conv', x, w, tensor([0, 5]), out, ...window)
    // Taps at -1 and 1, then at 2 and 4.
    expect(list(out)).toEqual([-2, 3, 25, 35])
    const grad = tensor([
      [
        [1, 2],
        [3, 4],
      ],
    ])
    const [gradX, gradW] = [empty([1, 2, 4]), empty([2, 1, 2])]
    backend.run('convGradInput', grad, w, gradX, ...window)
    expect(list(gradX)).toEqual([0, -1, 2, 0, 0, 3, 4, 0])
    backend.run('convGradWeight', x, grad, gradW, ...window)
    expect(list(gradW)).toEqual([6, 2, 120, 60])
  })
  it('convolves in two dimensions', () => {
    const out = empty([1, 1, 2, 2])
    const x = tensor([
      [
        [
          [1, 2, 3],
          [4, 5, 6],
          [7, 8, 9],
        ],
      ],
    ])
    backend.run(
      'conv',
      x,
      tensor([
        [
          [
            [1, 0],
            [0, -1],
          ],
        ],
      ]),
      null,
      out,
      [1, 1],
      [0, 0],
      [1, 1],
      1,
    )
    expect(list(out)).toEqual([-4, -4, -4, -4])
  })
})

describe('pooling', () => {
  it('takes maxima and their indices in the plane', () => {
    const x = tensor([
      [
        [
          [1, 5, 2],
          [7, nan, 0],
          [3, 3, 9],
        ],
      ],
    ])
    const [values, indices] = [empty([1, 1, 2, 2]), empty([1, 1, 2, 2], 'int64')]
    backend.run('maxPool', x, values, indices, [2, 2], [2, 2], [1, 1], [1, 1])
    expect([list(values), list(indices)]).toEqual([
      [1, 5, 7, nan],
      [0, 1, 3, 4],
    ])
    const gradX = empty([1, 1, 3, 3])
    backend.run(
      'maxPoolBackward',
      tensor([
        [
          [
            [1, 2],
            [3, 4],
          ],
        ],
      ]),
      indices,
      gradX,
      2,
    )
    expect(list(gradX)).toEqual([1, 2, 0, 3, 4, 0, 0, 0, 0])
    const out = empty([1, 1, 2, 2])
    backend.run('maxPoolGather', gradX, indices, out, 2)
    expect(list(out)).toEqual([1, 2, 3, 4])
  })
  it('averages by the rules for padding and overhang', () => {
    const x = tensor([[[2, 4, 6, 8]]])
    const pooled = (countIncludePad: boolean, divisor: number): number[] => {
      const out = empty([1, 1, 3])
      // Windows at -1, 1 and 3, of size 3 over 4 elements with padding 1: the last hangs one over the padded edge.
      backend.run('avgPool', x, out, [3], [2], [1], countIncludePad, divisor)
      return list(out)
    }
    expect(pooled(true, 0)).toEqual([2, 6, 4])
    expect(pooled(false, 0)).toEqual([3, 6, 8])
    expect(pooled(true, 2)).toEqual([3, 9, 4])
    const gradX = empty([1, 1, 4])
    backend.run('avgPoolBackward', tensor([[[3, 6, 2]]]), gradX, [3], [2], [1], true, 0)
    expect(list(gradX)).toEqual([1, 3, 2, 3])
  })
})

describe('losses', () => {
  const logp = tensor([
    [-1, -2, -3],
    [-4, -5, -6],
  ])
  const weight = tensor([1, 2, 3])
  const loss = (target: number[], reduction: number, w: Operand | null = weight): number[][] => {
    const [out, total] = [empty(reduction === 0 ? [2] : []), empty([])]
    backend.run('nllLoss', logp, tensor(target, 'int64'), w, out, total, reduction, -100)
    return [list(out), list(total)]
  }
  it('weigh targets and skip ignored ones', () => {
    expect(loss([2, 1], 0)).toEqual([[9, 10], [5]])
    expect(loss([2, 1], 1)).toEqual([[19 / 5].map(Math.fround), [5]])
    expect(loss([2, -100], 2)).toEqual([[9], [3]])
    expect(loss([-100, -100], 1, null)).toEqual([[nan], [0]])
    expect(() => loss([0, 3], 1)).toThrow(new RangeError('index 3 is out of bounds for dimension with size 3'))
  })
  it('have gradients', () => {
    const gradX = empty([2, 3])
    backend.run('nllLossBackward', tensor(10), tensor([2, 1], 'int64'), weight, tensor(5), gradX, 1, -100)
    expect(list(gradX)).toEqual([0, 0, -6, 0, -4, 0])
  })
})

describe('indexing', () => {
  const x = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ])
  const index = tensor([[0, 1, 0]], 'int64')
  it('gathers and selects', () => {
    const out = empty([1, 3])
    backend.run('gather', x, 0, index, out)
    expect(list(out)).toEqual([1, 5, 3])
    const selected = empty([2, 2])
    backend.run('indexSelect', transposed(x), 0, tensor([2, 0], 'int32'), selected)
    expect(list(selected)).toEqual([3, 6, 1, 4])
  })
  it.each([
    ['assigning', 0, [9, 2, 3]],
    ['adding', 1, [15, 2, 3]],
    ['multiplying', 2, [45, 2, 3]],
    ['taking the larger', 3, [9, 2, 3]],
    ['taking the smaller', 4, [1, 2, 3]],
  ] as const)('scatters, %s', (_, mode, want) => {
    const self = tensor([1, 2, 3])
    backend.run('scatter', self, 0, tensor([0, 0], 'int64'), tensor([5, 9]), mode)
    expect(list(self)).toEqual(want)
  })
  it('adds slices', () => {
    const self = tensor(
      [
        [0, 0],
        [0, 0],
      ],
      'int64',
    )
    backend.run(
      'indexAdd',
      self,
      1,
      tensor([1, 1], 'int64'),
      tensor(
        [
          [1, 2],
          [3, 4],
        ],
        'int64',
      ),
      -2,
    )
    expect(list(self)).toEqual([0, -6, 0, -14])
  })
  it('checks every index before it writes', () => {
    const self = tensor([1, 2])
    const bad = new RangeError('index 2 is out of bounds for dimension with size 2')
    expect(() => backend.run('scatter', self, 0, tensor([0, 2], 'int64'), tensor([7, 7]), 0)).toThrow(bad)
    expect(() => backend.run('indexAdd', self, 0, tensor([0, -1], 'int64'), tensor([7, 7]), 1)).toThrow(RangeError)
    expect(list(self)).toEqual([1, 2])
  })
  it('counts up and finds what is not zero', () => {
    const ramp = empty([3], 'int16')
    backend.run('arange', ramp, 5, -2)
    expect(list(ramp)).toEqual([5, 3, 1])
    const t = tensor([
      [0, 0.5],
      [nan, 0],
    ])
    expect(backend.run('nonzero', t, null)).toBe(2)
    const out = empty([2, 2], 'int64')
    backend.run('nonzero', t, out)
    expect(list(out)).toEqual([0, 1, 1, 0])
  })
})

describe('random kernels', () => {
  it("draw PyTorch's stream in the order of memory", () => {
    const { storage: state } = empty([5056], 'uint8')
    backend.run('seedGenerator', state, 0, 0)
    const [uniform, ints, permutation, coins] = [empty([2]), empty([4], 'int64'), empty([5], 'int64'), empty([4])]
    backend.run('random', 0, state, uniform, 0, 1)
    expect(list(uniform)).toEqual([0.49625658988952637, 0.7682217955589294])
    backend.run('randint', state, ints, -5 >>> 0, -1 >>> 0, 10, 0)
    expect(list(ints)).toEqual([-2, -5, -2, 4])
    backend.run('randperm', state, permutation)
    expect(list(permutation)).toEqual([2, 4, 3, 1, 0])
    backend.run('bernoulliTensor', state, tensor([0.2, 0.9, 0.5, 0.5]), coins)
    expect(list(coins)).toEqual([0, 1, 1, 1])
    const columns = transposed(empty([2, 2]))
    backend.run('random', 0, state, columns, 0, 1)
    expect(list(columns)).toEqual([0.2938884496688843, 0.6976675987243652, 0.518521785736084, 0.800011396408081])
  })
  it('know no exponential integers', () => {
    const { storage: state } = empty([5056], 'uint8')
    expect(() => backend.run('random', 3, state, empty([2], 'int32'), 1, 0)).toThrow('random: not implemented')
  })
})
