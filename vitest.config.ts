import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))
const alias = {
  '#engine': path('packages/flambeau/src/backends/cpu/load.node.ts'),
  '#files': path('packages/flambeau/src/serialization/files.node.ts'),
  '#thread': path('packages/flambeau/src/data/thread.node.ts'),
  flambeau: path('packages/flambeau/src/index.ts'),
}

/** The same suites once per engine: what only looks at text or files runs with the native one alone. */
const project = (engine: string, include: string[]) => ({
  resolve: { alias },
  test: {
    name: engine,
    include,
    env: { FLAMBEAU_ENGINE: engine },
    pool: 'forks' as const,
    execArgv: ['--expose-gc'],
    testTimeout: 120_000,
  },
})

const everyEngine = 'packages/flambeau/test/engines/**/*.test.ts'
export default defineConfig({
  test: {
    projects: [
      project('native', ['packages/*/test/**/*.test.ts', 'examples/*/test/**/*.test.ts']),
      project('wasm', [everyEngine, 'packages/flambeau/test/conformance.test.ts']),
      project('reference', [everyEngine]),
    ],
  },
})
