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

  /** Asks one case after the other; PyTorch crashing on one is the answer `{ skip }` to it. */
  async *answer(cases) {
    for (const c of cases) {
      if (this.#process === undefined) this.#start()
      this.#process.stdin.write(`${JSON.stringify(c)}\n`)
      const { value, done } = await this.#lines.next()
      if (done) this.#process = undefined
      yield done ? { skip: 'PyTorch crashed' } : JSON.parse(value)
    }
  }

  close() {
    this.#process?.stdin.end()
  }
}
