import { describe, expect, it } from 'vitest'
import { formatFixed, formatScientific } from '../src/core/decimal.js'

// The wanted texts are Python's '{:.Nf}' and '{:.Ne}'.
describe('formatFixed', () => {
  it.each([
    [0, 4, '0.0000'],
    [-0, 4, '-0.0000'],
    [-0, 0, '-0'],
    [-0.00001, 4, '-0.0000'],
    [0.5, 0, '0'],
    [1.5, 0, '2'],
    [2.5, 0, '2'],
    [0.03125, 4, '0.0312'],
    [0.09375, 4, '0.0938'],
    [0.99995, 4, '1.0000'],
    [9999.99999, 4, '10000.0000'],
    [1e22, 1, '10000000000000000000000.0'],
    [0.1, 20, '0.10000000000000000555'],
    [Number.MIN_VALUE, 4, '0.0000'],
    [Number.NaN, 4, 'nan'],
    [Number.POSITIVE_INFINITY, 4, 'inf'],
    [Number.NEGATIVE_INFINITY, 0, '-inf'],
  ])('%d with %d digits is %s', (value, precision, want) => expect(formatFixed(value, precision)).toBe(want))
})

describe('formatScientific', () => {
  it.each([
    [0, 4, '0.0000e+00'],
    [-0, 0, '-0e+00'],
    [1, 0, '1e+00'],
    [2.5, 0, '2e+00'],
    [3.5, 0, '4e+00'],
    [9.5, 0, '1e+01'],
    [8.5, 0, '8e+00'],
    [123456, 4, '1.2346e+05'],
    [-99999.5, 4, '-1.0000e+05'],
    [1.00005, 4, '1.0001e+00'],
    [0.0001, 4, '1.0000e-04'],
    [1e22, 4, '1.0000e+22'],
    [1e23, 4, '1.0000e+23'],
    [1e23, 17, '9.99999999999999916e+22'],
    [1e-5, 18, '1.000000000000000082e-05'],
    [Number.MIN_VALUE, 4, '4.9407e-324'],
    [Number.MAX_VALUE, 4, '1.7977e+308'],
    [Number.NaN, 4, 'nan'],
    [Number.NEGATIVE_INFINITY, 4, '-inf'],
  ])('%d with %d digits is %s', (value, precision, want) => expect(formatScientific(value, precision)).toBe(want))
})
