/**
 * From PyTorch's calls to flambeau's, by the API rule: snake_case becomes camelCase; arguments that a case gives by position
 * come by position; those it names go into one trailing options object, except required ones, which are positional (their
 * order is in required.mjs). What is spelled in another way is below.
 */

import { required } from './required.mjs'

export const camelCase = (name) => name.replace(/(?<=[a-zA-Z0-9])_([a-z0-9])/g, (_, c) => c.toUpperCase())

/** Arguments that say nothing here: memory and placement hints, and options of old that are always None. */
const ignored = ['memory_format', 'layout', 'pin_memory', '_stacklevel', 'size_average', 'reduce', 'non_blocking', 'device']

/** Calls spelled in another way: `(torch, call) => result`, or the name of the function that does it. */
const byHand = {
  // Python's syntax.
  'Tensor.__getitem__': bracket('at', (self, indices) => self.at(...indices)),
  'Tensor.__setitem__': bracket('setAt', (self, indices, value) => self.setAt(indices, value)),
  'Tensor.__radd__': 'add',
  'Tensor.__rmul__': 'mul',
  'Tensor.__rsub__': 'rsub',
  'Tensor.__rand__': 'bitwiseAnd',
  'Tensor.__ror__': 'bitwiseOr',
  'Tensor.__rxor__': 'bitwiseXor',
  'Tensor.__rdiv__': method('reciprocal', (self, other) => self.reciprocal().mul(other)),
  'Tensor.__rmatmul__': method('matmul', (self, other) => other.matmul(self)),
  'Tensor.__eq__': 'eq',
  'Tensor.__invert__': 'bitwiseNot',
  'Tensor.__lshift__': 'bitwiseLeftShift',
  'Tensor.__matmul__': 'matmul',
  'Tensor.__mod__': 'remainder',
  'Tensor.__neg__': 'neg',
  'Tensor.__pow__': 'pow',
  // The maximum of two tensors has a name of its own.
  'torch.max': (call) => (isTensor(call.args[1] ?? call.kwargs.other) ? 'maximum' : 'max'),
  'torch.min': (call) => (isTensor(call.args[1] ?? call.kwargs.other) ? 'minimum' : 'min'),
  // False and True are 0 and 1.
  'torch.arange': {
    requires: (torch) => typeof torch.arange === 'function',
    run: (torch, { args, kwargs }) => torch.arange(...args.map(Number), tidy({ ...kwargs, device: undefined })),
  },
  // A list, where PyTorch takes its tensors one by one as well.
  'torch.meshgrid': {
    requires: (torch) => typeof torch.meshgrid === 'function',
    run: (torch, { args, kwargs }) => torch.meshgrid(Array.isArray(args[0]) ? args[0] : args, kwargs),
  },
  // Python's whole numbers are integers, JavaScript's are floats: bigints say what is meant.
  'torch.tensor': {
    requires: (torch) => typeof torch.tensor === 'function',
    run: (torch, { args, kwargs }) => torch.tensor(integers(args[0]), tidy({ ...kwargs, device: undefined })),
  },
}

const integers = (value) => (Array.isArray(value) ? value.map(integers) : Number.isInteger(value) ? BigInt(value) : value)

const isTensor = (value) => typeof value === 'object' && value !== null && 'layout' in value

function method(name, run) {
  return { requires: (torch) => typeof torch.Tensor.prototype[name] === 'function', run: (_, { args }) => run(...args) }
}
/** A tuple in brackets is several indices, a list is one. */
function bracket(name, run) {
  return {
    requires: (torch) => typeof torch.Tensor.prototype[name] === 'function',
    run: (_, { args: [self, index, value], c }) => run(self, c.args[1]?.$ === 'tuple' ? index : [index], value),
  }
}
const tidy = (options) => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))

/** What does a case's call in flambeau: `call(args, kwargs) => result`, or undefined where flambeau lacks the function. */
export function resolve(torch, c) {
  const { fn, kind } = c
  const rule = byHand[fn]
  if (typeof rule === 'object') return rule.requires(torch) ? (args, kwargs) => rule.run(torch, { args, kwargs, c }) : undefined
  const name = (args, kwargs) =>
    typeof rule === 'function' ? rule({ args, kwargs }) : (rule ?? camelCase(fn.slice(fn.lastIndexOf('.') + 1)))
  if (kind === 'property') {
    const property = name([], {})
    return property in torch.Tensor.prototype ? ([self]) => self[property] : undefined
  }
  if (kind === 'method' || kind === 'setitem' || fn.startsWith('Tensor.')) {
    const called = name(...examples)
    if (typeof torch.Tensor.prototype[called] !== 'function') return undefined
    return (args, kwargs) => {
      const [self, ...rest] = arrange(called.replace(/_$/, ''), args, kwargs, 'Tensor')
      return self[called](...rest)
    }
  }
  const space = spaceOf(torch, fn)
  if (space === undefined || typeof space[name(...examples)] !== 'function') return undefined
  const spaceName = fn.split('.').at(-2)
  return (args, kwargs) => {
    const called = name(args, kwargs)
    return space[called](...arrange(called, args, kwargs, spaceName))
  }
}
const examples = [[], {}]

/** The namespace that a dotted name lies in; functionals are looked for among the ops as well. */
function spaceOf(torch, fn) {
  const path = fn.split('.').slice(1, -1)
  let space = torch
  for (const part of path) space = space?.[camelCase(part)]
  const name = camelCase(fn.slice(fn.lastIndexOf('.') + 1))
  const isFunctional = path.join('.') === 'nn.functional' || path.join('.') === 'special'
  return isFunctional && typeof space?.[name] !== 'function' ? torch : space
}

/** A `reduce` that names a reduction is that of a scatter. */
const isIgnored = (key, value) => ignored.includes(key) && !(key === 'reduce' && typeof value === 'string')

/** Arguments in flambeau's order, options last; `space` is where a function lies: `Tensor`, `linalg`. */
function arrange(name, args, kwargs, space = '') {
  const places = required[`${space}.${name}`] ?? required[name] ?? firstParameter
  const positional = [...args]
  const options = {}
  for (const [key, value] of Object.entries(kwargs)) {
    if (isIgnored(key, value) || value === undefined) continue
    const parameter = key === 'self' ? 'input' : key
    const place = places.findIndex((names) => names.includes(parameter))
    if (place >= 0 && !(place in positional)) positional[place] = value
    else options[camelCase(key)] = value
  }
  // A place that is still free is that of a parameter with a default before required ones: randint's low.
  const given = positional.filter((_, i) => i in positional)
  return Object.keys(options).length > 0 ? [...given, options] : given
}
/** What the one required parameter of a function may be called. */
const firstParameter = [['input', 'tensor', 'tensors', 'size']]
