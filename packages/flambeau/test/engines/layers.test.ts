/** Normalisations and recurrent layers with their gradients on this engine, against the reference interpreter. */

import { describe, expect, it } from 'vitest'
import { recurrentModes } from '../../src/backends/backend.js'
import * as torch from '../../src/index.js'
import { autograd, type Tensor } from '../../src/index.js'
import { gateCount, recurrentLayer } from '../../src/nn/recurrent.js'
import { closeTo, onReference } from '../support/samples.js'

const F = torch.nn.functional
type Run = (...inputs: Tensor[]) => Tensor[]
interface Case {
  readonly shapes: readonly (readonly number[])[]
  readonly run: Run
}
const cases: Record<string, Case> = {}
/** Running statistics made of the first values of each channel. */
function stats(x: Tensor, channels: number): [Tensor, Tensor] {
  const first = x.detach().transpose(0, 1).reshape(channels, -1).narrow(1, 0, 1).clone().view(channels)
  return [first, first.abs().add(0.5)]
}
/** An index tensor on the engine of another. */
const beside = (x: Tensor, t: Tensor): Tensor => (x.storage.allocator.name === 'reference' ? onReference(t) : t)

// Sizes that fill no vector, one and several; single channels and many; runs longer than one block.
for (const shape of [
  [5, 3],
  [70, 41],
  [300, 2],
  [4, 3, 5],
  [3, 17, 33],
  [2, 9, 2, 3],
  [3, 2, 41, 53],
]) {
  const c = shape[1]
  const affine = [[c], [c]]
  cases[`batchNorm [${shape}]`] = { shapes: [shape, ...affine], run: (x, w, b) => [F.batchNorm(x, null, null, w, b, true)] }
  cases[`batchNorm [${shape}], evaluated`] = {
    shapes: [shape, ...affine],
    run: (x, w, b) => [F.batchNorm(x, ...stats(x, c), w, b)],
  }
  cases[`batchNorm [${shape}], running`] = {
    shapes: [shape],
    run: (x) => {
      const running = stats(x, c)
      return [F.batchNorm(x, ...running, { training: true, momentum: 0.3 }), ...running]
    },
  }
}
for (const shape of [
  [3, 8],
  [2, 6, 5],
  [3, 4, 7, 9],
  [1, 4, 70, 61],
]) {
  const affine = [[shape[1]], [shape[1]]]
  cases[`groupNorm [${shape}]`] = { shapes: [shape, ...affine], run: (x, w, b) => [F.groupNorm(x, 2, w, b)] }
  cases[`groupNorm [${shape}], plain`] = { shapes: [shape], run: (x) => [F.groupNorm(x, 2)] }
}
for (const [rows, n] of [
  [3, 5],
  [200, 16],
  [7, 33],
  [2, 5003],
]) {
  const affine = [[n], [n]]
  cases[`layerNorm [${rows}, ${n}]`] = { shapes: [[rows, n], ...affine], run: (x, w, b) => [F.layerNorm(x, [n], w, b)] }
  cases[`layerNorm [${rows}, ${n}], bias only`] = { shapes: [[rows, n], [n]], run: (x, b) => [F.layerNorm(x, [n], { bias: b })] }
  cases[`rmsNorm [${rows}, ${n}]`] = { shapes: [[rows, n], [n]], run: (x, w) => [F.rmsNorm(x, [n], w)] }
}
for (const mode of recurrentModes)
  for (const [units, projected] of [[5, 0], [33, 0], ...(mode === 'lstm' ? [[17, 3]] : [])])
    for (const reverse of [false, true]) {
      const [p, width] = [projected || units, gateCount[mode] * units]
      const packed = { steps: 3, rows: 7, sizes: [4, 2, 1] }
      const padded = { steps: 3, rows: 12, sizes: null }
      for (const { steps, rows, sizes } of [packed, padded])
        cases[`${mode} of ${units}${projected ? ` to ${p}` : ''}${reverse ? ', reverse' : ''}${sizes ? ', packed' : ''}`] = {
          shapes: [[rows, 6], [4, p], [4, units], [width, 6], [width, p], [width], [width], [p, units]],
          run: (x, h, c, wInput, wHidden, bInput, bHidden, projection) => {
            const weights = { wInput, wHidden, bInput, bHidden, wProjection: projected ? projection : null }
            const given = sizes && beside(x, torch.tensor(sizes.map(BigInt)))
            const result = recurrentLayer(mode, x, h, mode === 'lstm' ? c : null, weights, steps, given, reverse)
            return [result.out, result.h, ...(result.c === null ? [] : [result.c])]
          },
        }
    }

/** The results, and the gradients of all inputs they depend on, for gradients of the results that are not the same everywhere. */
function withGradients(run: Run, inputs: readonly Tensor[], place: (t: Tensor) => Tensor = (t) => t): Tensor[] {
  const leaves = inputs.map((t) => place(t).detach().requiresGrad_())
  const results = run(...leaves)
  const outs = results.filter((t) => t.requiresGrad)
  const gradOutputs = outs.map((t) => place(torch.arange(t.numel(), { dtype: t.dtype }).cos().view(t.shape)))
  return [...results, ...autograd.grad(outs, leaves, { gradOutputs, allowUnused: true }).filter((g) => g !== null)]
}

describe(`layers on ${torch.backend.engine}`, () => {
  it.each(Object.entries(cases))('%s', (_, { shapes, run }) => {
    for (const [dtype, tolerance] of [
      ['float32', 2e-5],
      ['float64', 1e-12],
    ] as const) {
      torch.manualSeed(3)
      const inputs = shapes.map((shape) => torch.randn(...shape, { dtype }).mul(0.5))
      const got = withGradients(run, inputs)
      const want = withGradients(run, inputs, onReference)
      expect(got.map((t) => [t.dtype, t.shape])).toEqual(want.map((t) => [t.dtype, t.shape]))
      // Sums of thousands of terms: the error is that of the largest value.
      got.forEach((g, i) => {
        const [a, b] = [g, want[i]].map((t) => t.detach().toTypedArray())
        const largest = Math.max(1, ...Array.from(b as Float64Array, Math.abs))
        expect(closeTo(a, b, tolerance, tolerance * largest), `${dtype}, result ${i}`).toBeNull()
      })
    }
  })
})
