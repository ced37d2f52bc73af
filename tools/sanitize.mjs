// Builds the kernels with AddressSanitizer and UndefinedBehaviorSanitizer and runs the tests that reach them.
//   npm run test:sanitize [-- test file …]
import { spawnSync } from 'node:child_process'

const isa = { x64: 'avx2', arm64: 'neon' }[process.arch]
if (isa === undefined || process.platform !== 'linux') throw new Error('the sanitized build needs Linux on x64 or arm64')
const cxx = process.env.CXX ?? 'c++'
const run = (command, args, env = {}) => {
  const { status } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  if (status !== 0) process.exit(status ?? 1)
}
run(process.execPath, ['packages/kernels/build.mjs', '--sanitize', '--only', isa])
// The runtime has to be the first library of the process, whose own allocations are none of our business.
const runtime = ['libasan.so', 'libubsan.so'].map((name) =>
  spawnSync(cxx, [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout.trim(),
)
const environment = {
  FLAMBEAU_ISA: `${isa}-sanitize`,
  LD_PRELOAD: runtime.join(':'),
  ASAN_OPTIONS: 'detect_leaks=0:halt_on_error=1:allocator_may_return_null=1',
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
}
const given = process.argv.slice(2)
const usual = ['engines/', 'threads', 'gradients', 'optim', 'spatial', 'sequence', 'layers', 'serialization'].map(
  (name) => `packages/flambeau/test/${name}`,
)
const tests = given.length > 0 ? given : usual
run('npx', ['vitest', 'run', '--project', 'native', ...tests], environment)
if (given.length === 0)
  for (const section of ['ops', 'ops_extra', 'modules', 'rng'])
    run(process.execPath, ['tools/conformance/run.mjs', '--quiet', '--section', section], environment)
