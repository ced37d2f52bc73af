/** The table of PyTorch's names and flambeau's. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { camelCase } from '../conformance/calls.mjs'
import * as wanted from './wanted.mjs'

const pytorch = JSON.parse(readFileSync(new URL('./pytorch.json', import.meta.url), 'utf8'))
const suite = new URL('../../packages/flambeau/test/conformance/', import.meta.url)

/** Names that the rule (snake_case becomes camelCase) does not give. */
const spelled = {
  'Tensor.__getitem__': 'Tensor.at',
  'Tensor.__setitem__': 'Tensor.setAt',
  'Tensor.numpy': 'Tensor.toTypedArray',
  'torch.concat': 'torch.cat',
  'torch.concatenate': 'torch.cat',
  'torch.from_numpy': 'torch.fromTypedArray',
  'torch.is_anomaly_enabled': 'torch.autograd.isAnomalyEnabled',
  'torch.set_anomaly_enabled': 'torch.autograd.setDetectAnomaly',
  'torch.utils.checkpoint.checkpoint': 'torch.utils.checkpoint',
}
/** Python's operators as methods. */
const operators = {
  __and__: 'bitwiseAnd',
  __eq__: 'eq',
  __invert__: 'bitwiseNot',
  __lshift__: 'bitwiseLeftShift',
  __matmul__: 'matmul',
  __mod__: 'remainder',
  __neg__: 'neg',
  __pow__: 'pow',
  __radd__: 'add',
  __rand__: 'bitwiseAnd',
  __rdiv__: 'div',
  __rmatmul__: 'matmul',
  __rmul__: 'mul',
  __ror__: 'bitwiseOr',
  __rsub__: 'rsub',
  __rxor__: 'bitwiseXor',
}

/** The functions that the recorded cases call. */
function tested() {
  const names = new Set()
  for (const section of ['ops', 'ops_extra']) {
    const folder = new URL(`${section}/`, suite)
    if (!existsSync(folder)) continue
    for (const file of readdirSync(folder))
      for (const [, fn] of gunzipSync(readFileSync(new URL(file, folder)))
        .toString()
        .matchAll(/"fn": ?"([\w.]+)"/g))
        names.add(fn)
  }
  return names
}

/** Where PyTorch's namespaces are in flambeau. */
const spaceOf = (space) =>
  space
    .replace(/^torch\.utils\.data$/, 'torch.data')
    .split('.')
    .map(camelCase)
    .join('.')

/** flambeau's name of one of PyTorch's, or undefined where there is none. */
function nameOf(torch, name, instance) {
  const has = (path) => {
    const [first, ...rest] = path.split('.')
    let value = first === 'Tensor' ? instance : torch
    for (const [i, key] of rest.entries()) {
      if (value === null || !['object', 'function'].includes(typeof value) || !(key in value)) return false
      // A tensor's properties are not read: some are for matrices alone.
      if (i < rest.length - 1) value = value[key]
    }
    return true
  }
  const dot = name.lastIndexOf('.')
  const [space, own] = [name.slice(0, dot), name.slice(dot + 1)]
  const candidates = [
    spelled[name],
    operators[own] && `Tensor.${operators[own]}`,
    `${spaceOf(space)}.${camelCase(own)}`,
    // Functions that write in place are methods; functionals and special functions may be torch's own.
    `Tensor.${camelCase(own)}`,
    `torch.${camelCase(own)}`,
    `torch.nn.functional.${camelCase(own)}`,
  ]
  return candidates.slice(0, space === 'Tensor' || /functional$|special$|^torch$/.test(space) ? 6 : 3).find((c) => c && has(c))
}

/** docs/pytorch-names.md. */
export function namesTable(torch) {
  const all = new Set([...tested(), ...Object.values(wanted).flat()])
  for (const [space, names] of Object.entries(pytorch)) for (const name of names) all.add(`${space}.${name}`)
  const instance = torch.ones(1)
  const spaces = new Map()
  for (const name of [...all].sort()) {
    const space = name.slice(0, name.lastIndexOf('.'))
    if (!spaces.has(space)) spaces.set(space, [])
    spaces.get(space).push([name, nameOf(torch, name, instance)])
  }
  const rows = [...spaces.values()].flat()
  const built = rows.filter(([, own]) => own !== undefined).length
  let text = '# PyTorch’s names in flambeau\n\n'
  text += 'snake_case becomes camelCase; class names stay; a trailing underscore writes in place. `npm run names`\n'
  text += `writes this file from what flambeau exports. ${built} of ${rows.length} names are built.\n`
  for (const [space, names] of [...spaces].sort(([a], [b]) => (a < b ? -1 : 1))) {
    text += `\n## ${space}\n\n| PyTorch | flambeau |\n|---|---|\n`
    for (const [name, own] of names) text += `| \`${name}\` | ${own === undefined ? 'not yet' : `\`${own}\``} |\n`
  }
  return text
}
