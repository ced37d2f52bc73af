/** Where PyTorch 1.13 itself is no measure: its bugs, what it leaves undefined, and what flambeau does on purpose. */

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
    reason: 'one element of expanded memory in place: PyTorch passes the gradient by',
    applies: (c) => /logical_\w+_$/.test(c.fn ?? ''),
  },
  {
    reason: 'indices of the wrong rank that PyTorch finds in its own assertions',
    applies: (c) => /INTERNAL ASSERT FAILED|object has no attribute/.test(message(c)),
  },
  { reason: 'out= is not part of the API', applies: (c) => 'out' in c.kwargs },
]

export const exclusionOf = (c) => exclusions.find(({ applies }) => applies(c))?.reason
