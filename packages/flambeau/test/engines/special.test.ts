/** Special functions and casts out of range, against values of PyTorch (tools/fixtures/special.py), on every engine. */

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { DType, Tensor } from '../../src/index.js'
import * as torch from '../../src/index.js'
import { closeTo, onReference } from '../support/samples.js'

const fixture = JSON.parse(gunzipSync(readFileSync(new URL('../fixtures/special.json.gz', import.meta.url))).toString())
const special = torch.special as unknown as Record<string, (...args: Tensor[]) => Tensor>
const camelCase = (name: string): string => name.replace(/_([a-z0-9])/g, (_, c: string) => c.toUpperCase())
const column = (values: (number | string)[]): Tensor =>
  torch.tensor(
    values.map((v) => (typeof v === 'number' ? v : Number(v.replace('inf', 'Infinity')))),
    { dtype: 'float64' },
  )
const engines: Record<string, (t: Tensor) => Tensor> = { [torch.backend.engine]: (t) => t, reference: onReference }

describe.each(Object.entries(engines))('on %s', (_, put) => {
  it.each(Object.keys(fixture.unary))('%s', (name) => {
    const { x, out } = fixture.unary[name]
    const got = special[camelCase(name)](put(column(x)))
    // PyTorch's own Bessel and Airy functions are off by up to a millionth.
    const atol = /bessel_[jy]|airy/.test(name) ? 2e-6 : 1e-12
    expect(closeTo(got.toTypedArray(), column(out).toTypedArray(), 1e-7, atol)).toBeNull()
  })
  it.each(Object.keys(fixture.binary))('%s', (name) => {
    const { x, y, out } = fixture.binary[name]
    const got = special[camelCase(name)](put(column(x)), put(column(y)))
    expect(closeTo(got.toTypedArray(), column(out).toTypedArray(), 1e-7, 1e-12)).toBeNull()
  })
  it('polynomials of a degree that no integer can hold are 0', () => {
    const degrees = column(['inf', '-inf', 'NaN'])
    expect(special.chebyshevPolynomialT(put(column([0.5])), put(degrees)).tolist()).toEqual([0, 0, 0])
    expect(special.legendrePolynomialP(put(column(['inf'])), put(degrees)).tolist()).toEqual([0, 0, 0])
  })
  it('casts of floats that integers cannot hold', () => {
    const { values, ...casts } = fixture.casts
    for (const [name, want] of Object.entries<unknown[]>(casts)) {
      const [source, target] = name.split(' ') as DType[]
      const got = put(column(values)).to(source).to(target).toTypedArray()
      expect([...(got as Float64Array)].map(String), name).toEqual(
        want.map((v) => (String(Number(v)) === 'NaN' ? v : typeof v === 'boolean' ? String(Number(v)) : String(v))),
      )
    }
  })
})

describe('shift counts', () => {
  it('are taken modulo the width, at least 32 bits', () => {
    const x = torch.tensor([-5n, 7n, 100n])
    const shifted = (dtype: DType, n: number) => [
      x.to(dtype).bitwiseRightShift(n).tolist(),
      x.to(dtype).bitwiseLeftShift(n).tolist(),
    ]
    expect(shifted('int64', 65)).toEqual([
      [-3, 3, 50],
      [-10, 14, 200],
    ])
    expect(shifted('int32', 33)).toEqual([
      [-3, 3, 50],
      [-10, 14, 200],
    ])
    expect(shifted('int8', 32)).toEqual([
      [-5, 7, 100],
      [-5, 7, 100],
    ])
    expect(shifted('int16', 16)).toEqual([
      [-1, 0, 0],
      [0, 0, 0],
    ])
    expect(torch.tensor([-5n, 7n]).bitwiseRightShift(-1).tolist()).toEqual([-1, 0])
  })
})
