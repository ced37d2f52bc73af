/** Where PyTorch 1.13 itself is no measure: its bugs, what it leaves undefined, and what flambeau does on purpose. */


const message = (c) => c.error?.message ?? ''

export const exclusions = [
  {
    reason: 'half precision has kernels here that PyTorch 1.13 lacks on the CPU',
    applies: (c) => /not implemented for '(Half|BFloat16|ComplexHalf)'/.test(message(c)),
  },
  { reason: 'memory that nobody has written', applies: (c) => /\bempty|resize_|empty_strided/.test(c.fn ?? '') },
  { reason: 'out= is not part of the API', applies: (c) => 'out' in c.kwargs },
]

export const exclusionOf = (c) => exclusions.find(({ applies }) => applies(c))?.reason
