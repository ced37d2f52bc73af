/** gradcheck and gradgradcheck in float64 for every differentiable op of the table, on contiguous and transposed inputs. */

import { describe, expect, it } from 'vitest'
import { autograd } from '../src/index.js'
import { layouts, sample } from './support/samples.js'
import { table } from './support/table.js'

describe('gradients', () => {
  it.each(table.filter((c) => c.differentiable))('$name', ({ inputs, run, differentiable }) => {
    for (const layout of ['contiguous', 'transposed'] as const) {
      const args = inputs.map((spec, i) => {
        const t = layouts[layout](sample(spec.shape, spec.dtype ?? 'float64', spec.domain, i + 1)).detach()
        return t.dtype === 'float64' && !spec.constant ? t.requiresGrad_() : t
      })
      expect(autograd.gradcheck(run, args)).toBe(true)
      if (differentiable === true) expect(autograd.gradgradcheck(run, args)).toBe(true)
    }
  })
})
