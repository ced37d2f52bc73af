// Builds every kernel source for every target into dist/: one Node-API addon an instruction set, where a C++ compiler is
// found, and flambeau.wasm, which needs none. Objects are cached by the hash of what they are made from.
//   node build.mjs [--only native|wasm|avx512|…] [--force] [--sanitize]
//   CXX=aarch64-linux-gnu-g++ node build.mjs --arch arm64 --only neon   (across)
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const self = fileURLToPath(import.meta.url)
const here = dirname(self)
const src = join(here, 'src')
const dist = join(here, 'dist')
const require = createRequire(import.meta.url)

const options = process.argv.slice(2)
const only = options.includes('--only') ? options[options.indexOf('--only') + 1] : undefined
const arch = options.includes('--arch') ? options[options.indexOf('--arch') + 1] : process.arch
const sanitize = options.includes('--sanitize')
const cache = join(here, 'build', sanitize ? 'sanitize' : 'release')

const headers = readdirSync(src)
  .filter((f) => f.endsWith('.hpp'))
  .sort()
const sources = readdirSync(src)
  .filter((f) => f.endsWith('.cpp'))
  .sort()
const kernelSources = sources.filter((f) => f !== 'addon.cpp' && f !== 'wasm.cpp')

const flags = [
  '-std=c++17',
  '-fno-exceptions',
  '-fno-rtti',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-ffp-contract=fast',
  '-fvisibility=hidden',
  '-Wall',
  '-Wextra',
  // Not where somebody only wants to use it: every compiler finds something else to warn of.
  ...(sanitize ? ['-Werror'] : []),
  '-Wno-psabi',
]
const nativeFlags = [
  '-fPIC',
  '-pthread',
  ...(sanitize ? ['-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=undefined', '-fno-omit-frame-pointer'] : []),
]

const optimized = (level) => (sanitize ? '-O1' : level)

/**
 * Instruction sets by architecture: name, flags, vector width. The one that few machines still need, and clang's wasm, which
 * gains nothing by it, go without the last level: it costs a third of the time.
 */
const targets = {
  x64: [
    { name: 'x86-64-v2', flags: [optimized('-O2'), '-march=x86-64-v2', '-DFLAMBEAU_VECTOR_BYTES=16'] },
    { name: 'avx2', flags: [optimized('-O3'), '-march=x86-64-v3', '-DFLAMBEAU_VECTOR_BYTES=32'] },
    { name: 'avx512', flags: [optimized('-O3'), '-march=x86-64-v4', '-mprefer-vector-width=512', '-DFLAMBEAU_VECTOR_BYTES=64'] },
  ],
  arm64: [{ name: 'neon', flags: [optimized('-O3'), '-DFLAMBEAU_VECTOR_BYTES=16'] }],
}[arch] ?? [{ name: 'generic', flags: [optimized('-O3'), '-DFLAMBEAU_VECTOR_BYTES=16'] }]

const wasmFlags = ['-O2', '-msimd128', '-mbulk-memory', '-mnontrapping-fptoint', '-DFLAMBEAU_VECTOR_BYTES=16']

function findCompiler() {
  for (const cxx of [process.env.CXX, 'c++', 'g++', 'clang++']) if (cxx && spawnSync(cxx, ['--version']).status === 0) return cxx
  return undefined
}

/** The text of a file and of every header of ours that it includes, directly or not. */
function sourceText(file, seen = new Set()) {
  if (seen.has(file)) return ''
  seen.add(file)
  const text = readFileSync(join(src, file), 'utf8')
  return text + [...text.matchAll(/^#include "(.+)"/gm)].map((match) => sourceText(match[1], seen)).join('')
}

function objectPath(source, target, command) {
  const hash = createHash('sha256')
    .update([sourceText(source), ...command].join('\0'))
    .digest('hex')
  return join(cache, `${source.replace('.cpp', '')}-${target}-${hash.slice(0, 16)}.o`)
}

function execute(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let errors = ''
    child.stderr.on('data', (chunk) => (errors += chunk))
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ${args.join(' ')}\n${errors}`))))
  })
}

/** Jobs to run and, per output, what to link once its objects are there. */
function nativePlan(cxx) {
  const include = require('node-api-headers').include_dir
  const chosen = targets.filter((t) => !only || only === 'native' || only === t.name)
  return chosen.map((target) => {
    const command = [cxx, ...flags, ...nativeFlags, ...target.flags]
    const objects = [...kernelSources, 'addon.cpp'].map((source) => {
      const object = objectPath(source, target.name, command)
      const args = [...command.slice(1), '-isystem', include, '-DNAPI_VERSION=8', '-c', join(src, source), '-o', `${object}.tmp`]
      return { object, build: () => execute(cxx, args).then(() => renameSync(`${object}.tmp`, object)) }
    })
    const output = join(dist, `flambeau-${target.name}${sanitize ? '-sanitize' : ''}.node`)
    const undefinedAtLoad = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : []
    // The pool's threads outlive the Node worker that loaded the addon first, and their code must stay where it is.
    const stayLoaded = process.platform === 'linux' ? ['-Wl,-z,nodelete'] : []
    const link = () =>
      execute(cxx, [
        '-shared',
        ...nativeFlags,
        ...undefinedAtLoad,
        ...stayLoaded,
        ...(sanitize ? [] : ['-s']),
        '-o',
        `${output}.tmp`,
        ...objects.map((o) => o.object),
      ]).then(() => renameSync(`${output}.tmp`, output))
    return { output, objects, link }
  })
}

function wasmPlan() {
  const command = ['clang++', ...flags, ...wasmFlags]
  const objects = [...kernelSources, 'wasm.cpp'].map((source) => ({ source, object: objectPath(source, 'wasm', command) }))
  const output = join(dist, 'flambeau.wasm')
  return {
    output,
    objects,
    link: () => execute(process.execPath, [self, '--wasm-link', output, ...objects.map((o) => o.object)]),
  }
}

// The compiler is itself WebAssembly: loading it and warming it up costs more than a source, so one process takes all.
async function wasmObjects(pairs) {
  const { runClang } = await import('@yowasp/clang')
  const included = Object.fromEntries(headers.map((f) => [f, readFileSync(join(src, f), 'utf8')]))
  for (let i = 0; i < pairs.length; i += 2) {
    const [source, object] = pairs.slice(i, i + 2)
    const files = { ...included, [source]: readFileSync(join(src, source), 'utf8') }
    const out = await runClang(['clang++', ...flags, ...wasmFlags, '-c', source, '-o', 'out.o'], files, quiet)
    writeFileSync(`${object}.tmp`, out['out.o'])
    renameSync(`${object}.tmp`, object)
  }
}

// What the compiler prints is shown only where it fails.
let printed = ''
function collect(bytes) {
  if (bytes !== null) printed += new TextDecoder().decode(bytes)
}

async function wasmLink(output, objects) {
  const { runClang } = await import('@yowasp/clang')
  const files = Object.fromEntries(objects.map((path, i) => [`${i}.o`, readFileSync(path)]))
  const link = ['-mexec-model=reactor', '-Wl,--strip-all', '-Wl,-z,stack-size=1048576', '-Wl,--max-memory=4294967296']
  const out = await runClang(['clang++', ...link, ...Object.keys(files), '-o', 'out.wasm'], files, quiet)
  writeFileSync(`${output}.tmp`, out['out.wasm'])
  renameSync(`${output}.tmp`, output)
}
const quiet = { fetchProgress: () => {}, stderr: collect }

async function main() {
  mkdirSync(cache, { recursive: true })
  mkdirSync(dist, { recursive: true })
  if (options.includes('--force')) for (const f of readdirSync(cache)) rmSync(join(cache, f))
  const started = Date.now()
  const cxx = findCompiler()
  const plans = []
  if (only !== 'wasm') {
    if (cxx) plans.push(...nativePlan(cxx))
    else console.warn('flambeau: no C++ compiler found (tried $CXX, c++, g++, clang++): building the wasm engine only')
  }
  if ((!only || only === 'wasm') && !sanitize) plans.push(wasmPlan())
  const missing = plans.flatMap((p) => p.objects).filter((o) => !existsSync(o.object))
  const pending = missing.filter((o) => o.build !== undefined)
  const wasm = missing.filter((o) => o.build === undefined).flatMap((o) => [o.source, o.object])
  // The long job first.
  if (wasm.length > 0) pending.unshift({ build: () => execute(process.execPath, [self, '--wasm-objects', ...wasm]) })
  const jobs = Math.max(1, availableParallelism())
  await Promise.all(
    Array.from({ length: jobs }, async () => {
      for (let o = pending.shift(); o; o = pending.shift()) await o.build()
    }),
  )
  for (const plan of plans) await plan.link()
  const keep = new Set(plans.flatMap((p) => p.objects.map((o) => o.object)))
  if (!only) for (const f of readdirSync(cache)) if (!keep.has(join(cache, f))) rmSync(join(cache, f))
  const names = plans.map((p) => p.output.slice(dist.length + 1)).join(', ')
  console.log(`flambeau kernels: ${names} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
}

const [mode, ...rest] = options
try {
  if (mode === '--wasm-objects') await wasmObjects(rest)
  else if (mode === '--wasm-link') await wasmLink(rest[0], rest.slice(1))
  else await main()
} catch (error) {
  console.error(printed || (error instanceof Error ? error.message : error))
  process.exitCode = 1
}
