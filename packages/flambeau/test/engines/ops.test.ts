/** Every op × dtype × layout on this engine, against the reference interpreter. */

import { describe, expect, it } from 'vitest'
import * as torch from '../../src/index.js'
import { Tensor } from '../../src/index.js'
import { closeTo, type LayoutName, layouts, onReference, sample, tolerance } from '../support/samples.js'
import { table } from '../support/table.js'

const listOf = (out: Tensor | Iterable<Tensor>): Tensor[] => (out instanceof Tensor ? [out] : [...out])
const values = (t: Tensor): ArrayLike<number | bigint> => t.detach().toTypedArray()

describe(`ops on ${torch.backend.engine}`, () => {
  it.each(table)('$name', ({ inputs, run, dtypes, slack = 1 }) => {
    for (const dtype of dtypes)
      for (const layout of Object.keys(layouts) as LayoutName[]) {
        const args = inputs.map((spec, i) => layouts[layout](sample(spec.shape, spec.dtype ?? dtype, spec.domain, i + 1)))
        const got = listOf(run(...args))
        const want = listOf(run(...args.map(onReference)))
        got.forEach((g, i) => {
          const w = want[i]
          const where = `${dtype}, ${layout}, output ${i}`
          expect([g.dtype, g.shape], where).toEqual([w.dtype, w.shape])
          const [rtol, atol] = tolerance[g.dtype]
          expect(closeTo(values(g), values(w), rtol * slack, atol * slack), where).toBeNull()
        })
      }
  })
})
