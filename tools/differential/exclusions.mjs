/** Where PyTorch 1.13 itself is no measure: its bugs, what it leaves undefined, and what flambeau does on purpose. */
import { contains } from '../conformance/format.mjs'
import { valuesOf } from './specs.mjs'

const anyTensor = (c, test) => contains([c.args, c.kwargs, c.inputs ?? []], (v) => v.$ === 'tensor' && test(v))
const hasStrides = (c) => anyTensor(c, (v) => v.strides !== undefined)
const ofComplex = (c) => anyTensor(c, (v) => v.dtype.startsWith('complex'))
const hasNan = (c) => anyTensor(c, (v) => v.dtype.includes('float') && valuesOf(v).some(Number.isNaN))
const hasThree = (c) =>
  /hardswish/i.test(c.fn ?? c.cls) && anyTensor(c, (v) => v.dtype.includes('float') && valuesOf(v).includes(3))
const message = (c) => c.error?.message ?? ''

export const exclusions = [
  {
    reason: 'extra, missing and oddly combined arguments: TypeScript refuses them where Python throws',
    applies: (c) =>
      /unexpected keyword|takes .*positional arg|multiple values|missing .* required|invalid combination of arguments/.test(
        message(c),
      ),
  },
  {
    reason: 'half precision has kernels here that PyTorch 1.13 lacks on the CPU',
    applies: (c) => /not implemented for '(Half|BFloat16|ComplexHalf)'/.test(message(c)),
  },
  { reason: 'memory that nobody has written', applies: (c) => /\bempty|resize_|empty_strided/.test(c.fn ?? '') },
  {
    reason: 'memory formats are hints that say nothing here',
    applies: (c) => /required rank \d tensor to use channels_last/.test(message(c)),
  },
  {
    reason: 'gradients of logical operations in place, which PyTorch passes on as if nothing had happened',
    applies: (c) => /logical_\w+_$/.test(c.fn ?? ''),
  },
  {
    reason: 'PyTorch stumbles over its own internals: assertions, views, empty selections, divisions by zero in Python',
    applies: (c) =>
      /INTERNAL ASSERT|object has no attribute|view size is not compatible|select\(\): index 0 out of range|enforce fail|Boolean value of Tensor|float division by zero|uninitialized parameter|primitive|max_size/.test(
        message(c),
      ),
  },
  {
    reason: 'masked_scatter, and the gradient of masked_select, follow the order of memory where it is not row-major',
    applies: (c) => /masked_(scatter|select)/.test(c.fn ?? '') && hasStrides(c),
  },
  {
    reason: 'nearest neighbours at an unchanged size: the gradient is that of a copy, the result is not',
    applies: (c) =>
      /upsample_nearest|interpolate/.test(c.fn ?? '') && /^\{.*"scale_factor":\{.*"v":1\.[1-9]/.test(JSON.stringify(c.kwargs)),
  },
  { reason: 'slice_scatter takes its bounds for 0 and 1', applies: (c) => /slice_scatter/.test(c.fn ?? '') },
  { reason: 'as_strided_scatter has a wrong gradient', applies: (c) => c.fn === 'torch.as_strided_scatter' },
  {
    reason: 'Debian\u2019s BLAS returns no complex numbers: inner products are 0',
    applies: (c) => /dot|matmul/.test(c.fn ?? '') && c.out?.dtype?.startsWith('complex') && c.out.shape.length === 0,
  },
  {
    reason: 'any and all look at the real part alone',
    applies: (c) => /\.(any|all)$/.test(c.fn ?? '') && ofComplex(c),
  },
  {
    reason: 'gradients at NaN, and of hardswish at 3, which differ between the vectors and the rest of a loop in PyTorch',
    applies: (c) => /hardtanh|relu6|hardswish|shrink|[csx]?elu/i.test(c.fn ?? c.cls) && (hasNan(c) || hasThree(c)),
  },
  { reason: 'the second derivative of sinc is NaN at 0', applies: (c) => /sinc/.test(c.fn ?? '') && c.grad2 !== undefined },
  {
    reason: 'factors of matrices that are not positive definite',
    applies: (c) =>
      /cholesky_ex|ldl_factor_ex/.test(c.fn ?? '') &&
      !c.mutations.every((name) => ['gradient', 'layout', 'dtype'].includes(name)),
  },
  { reason: 'memory that nobody has written', applies: (c) => /\bempty|resize_|empty_strided/.test(c.fn ?? '') },
  { reason: 'out= is not part of the API', applies: (c) => 'out' in c.kwargs },
]

export const exclusionOf = (c) => exclusions.find(({ applies }) => applies(c))?.reason
