/** Real PyTorch in a process of its own: cases go in, the same cases with PyTorch's answers come out. */

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('./oracle.py', import.meta.url))

export class Oracle {
  #python
  #process
  #lines

  constructor(python = process.env.FLAMBEAU_PYTHON ?? '/usr/bin/python3') {
    this.#python = python
  }

  #start() {
    this.#process = spawn(this.#python, [script], { stdio: ['pipe', 'pipe', 'ignore'] })
    this.#process.stdin.on('error', () => {})
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]()
  }

  /** Asks one case after the other; where PyTorch crashes or never returns, the answer is `{ skip }`. */
  async *answer(cases) {
    for (const c of cases) {
      if (this.#process === undefined) this.#start()
      this.#process.stdin.write(`${JSON.stringify(c)}\n`)
      const timer = setTimeout(() => this.#process.kill('SIGKILL'), 8000)
      const { value, done } = await this.#lines.next()
      clearTimeout(timer)
      if (done) this.#process = undefined
      yield done ? { skip: 'PyTorch crashed or hung' } : JSON.parse(value)
    }
  }

  close() {
    this.#process?.stdin.end()
  }
}
