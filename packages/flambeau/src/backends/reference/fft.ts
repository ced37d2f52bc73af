/** Discrete Fourier transforms by their definition. */

import { Layout } from '../../core/layout.js'
import { type Operand, transforms } from '../backend.js'
import { elementsOf } from './elements.js'
import { linesOf } from './lines.js'

/** The lines of the real (0) or imaginary (1) parts of an operand whose last dimension holds both. */
function partLines({ layout }: Operand, dim: number, part: 0 | 1): Float64Array[] {
  const { shape, strides, offset } = layout
  return linesOf(new Layout(shape.slice(0, -1), strides.slice(0, -1), offset + part * strides.at(-1)!), dim)
}

/** `out[k] = scale · Σ x[j] e^(∓2πi jk/n)`; of a spectrum of real numbers the part that follows from the other may be absent. */
export function fft(x: Operand, out: Operand, dim: number, n: number, kind: number, scale: number): void {
  const name = transforms[kind]
  const [from, to] = [elementsOf(x), elementsOf(out)]
  const real = name === 'toComplex' ? linesOf(x.layout, dim) : partLines(x, dim, 0)
  const imaginary = name === 'toComplex' ? null : partLines(x, dim, 1)
  const outReal = name === 'toReal' ? linesOf(out.layout, dim) : partLines(out, dim, 0)
  const outImaginary = name === 'toReal' ? null : partLines(out, dim, 1)
  const sign = name === 'forward' || name === 'toComplex' ? -1 : 1
  const circle = Array.from({ length: n }, (_, k) => [Math.cos((2 * Math.PI * k) / n), sign * Math.sin((2 * Math.PI * k) / n)])
  real.forEach((line, l) => {
    const re = new Float64Array(n)
    const im = new Float64Array(n)
    line.forEach((place, j) => {
      re[j] = from.number(place)
      im[j] = imaginary === null ? 0 : from.number(imaginary[l][j])
      if (name !== 'toReal') return
      // Imaginary parts of what is its own mirror image are not looked at.
      if (j === 0 || 2 * j === n) im[j] = 0
      else [re[n - j], im[n - j]] = [re[j], -im[j]]
    })
    for (let k = 0; k < outReal[l].length; k++) {
      let [a, b] = [0, 0]
      for (let j = 0; j < n; j++) {
        const [c, s] = circle[(j * k) % n]
        a += re[j] * c - im[j] * s
        b += re[j] * s + im[j] * c
      }
      to.setNumber(outReal[l][k], a * scale)
      if (outImaginary !== null) to.setNumber(outImaginary[l][k], b * scale)
    }
  })
}
