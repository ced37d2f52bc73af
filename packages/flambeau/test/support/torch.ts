/** The real PyTorch, where it is installed. */

import { execFileSync } from 'node:child_process'

export const python = '/usr/bin/python3'

export const hasTorch = ((): boolean => {
  try {
    execFileSync(python, ['-c', 'import torch'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

/** Runs a program; what it prints. */
export const runPython = (program: string): string =>
  execFileSync(python, ['-c', `import torch\ntorch.set_num_threads(1)\n${program}`]).toString()
