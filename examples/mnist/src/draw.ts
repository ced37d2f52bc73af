/** Digits in the terminal. */

import type { Tensor } from 'flambeau'

/** How many pixels of each side are drawn: digits lie in the middle. */
const SIZE = 24
const MARGIN = (28 - SIZE) / 2

/** One image [28, 28] of uint8 as lines of half blocks: two rows of pixels each. */
function drawImage(image: Tensor): string[] {
  const pixels = image.tolist() as number[][]
  const dark = (row: number, column: number): boolean => pixels[MARGIN + row][MARGIN + column] > 80
  return Array.from({ length: SIZE / 2 }, (_, line) =>
    Array.from({ length: SIZE }, (_, c) => ' ▀▄█'[(dark(2 * line, c) ? 1 : 0) + (dark(2 * line + 1, c) ? 2 : 0)]).join(''),
  )
}

/** Images beside what the network makes of them: the likeliest digits with their probabilities, and the true one. */
export function drawPredictions(images: Tensor, labels: Tensor, probabilities: Tensor, perRow = 2): string {
  const truths = labels.tolist() as number[]
  const rows = probabilities.tolist() as number[][]
  const blocks = [...images].map((image, i) => {
    const ranked = rows[i].map((p, digit) => ({ p, digit })).sort((a, b) => b.p - a.p)
    const [best] = ranked
    const verdict = best.digit === truths[i] ? 'correct' : `it is a ${truths[i]}`
    const text = [`predicted ${best.digit}`, verdict, '', ...ranked.slice(0, 3).map(({ p, digit }) => `${digit} ${percent(p)}`)]
    return drawImage(image).map((line, l) => `${line} ${(text[l - 3] ?? '').padEnd(13)}`)
  })
  const lines: string[] = []
  for (let first = 0; first < blocks.length; first += perRow) {
    const group = blocks.slice(first, first + perRow)
    for (let l = 0; l < SIZE / 2; l++)
      lines.push(
        group
          .map((block) => block[l])
          .join(' ')
          .trimEnd(),
      )
  }
  return lines.join('\n')
}

const percent = (p: number): string => `${(100 * p).toFixed(2).padStart(6)} %`
