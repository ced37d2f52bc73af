/**
 * From PyTorch's calls to flambeau's, by the API rule: snake_case becomes camelCase, positional arguments stay positional,
 * keyword arguments go into one trailing options object. What the rule alone cannot tell is in the tables below.
 */

export const camelCase = (name) => name.replace(/(?<=[a-zA-Z0-9])_([a-z0-9])/g, (_, c) => c.toUpperCase())

/**
 * Parameters in PyTorch's order. Those before the bar are positional in flambeau even where a case names them, those after
 * it are options even where a case gives them by position.
 */
const parameters = {
  add: 'input other | alpha',
  addbmm: 'input batch1 batch2 | beta alpha',
  addcdiv: 'input tensor1 tensor2 | value',
  addcmul: 'input tensor1 tensor2 | value',
  addmm: 'input mat1 mat2 | beta alpha',
  addmv: 'input mat vec | beta alpha',
  addr: 'input vec1 vec2 | beta alpha',
  all: 'input dim | keepdim',
  amax: 'input dim | keepdim',
  amin: 'input dim | keepdim',
  any: 'input dim | keepdim',
  argmax: 'input dim | keepdim',
  argmin: 'input dim | keepdim',
  argsort: 'input dim | descending stable',
  asStrided: 'input size stride storage_offset',
  asStridedScatter: 'input src size stride storage_offset',
  avgPool2d: 'input kernel_size stride padding | ceil_mode count_include_pad divisor_override',
  baddbmm: 'input batch1 batch2 | beta alpha',
  bernoulli: 'input p | generator',
  binaryCrossEntropy: 'input target | weight size_average reduce reduction',
  bincount: 'input weights minlength',
  bucketize: 'input boundaries | out_int32 right',
  cat: 'tensors dim',
  cdist: 'x1 x2 p compute_mode',
  celu: 'input alpha',
  chunk: 'input chunks dim',
  clamp: 'input min max',
  clampMax: 'input max',
  clampMin: 'input min',
  clip: 'input min max',
  combinations: 'input r with_replacement',
  constant_: 'tensor val',
  conv2d: 'input weight bias stride padding dilation groups',
  cosineSimilarity: 'x1 x2 | dim eps',
  countNonzero: 'input dim',
  cov: 'input | correction fweights aweights',
  cross: 'input other | dim',
  crossEntropy: 'input target | weight size_average ignore_index reduce reduction label_smoothing',
  cumprod: 'input dim | dtype',
  cumsum: 'input dim | dtype',
  cumulativeTrapezoid: 'y x | dx dim',
  diagEmbed: 'input offset dim1 dim2',
  diagflat: 'input offset',
  diagonal: 'input offset dim1 dim2',
  diagonalScatter: 'input src offset dim1 dim2',
  diff: 'input n dim prepend append',
  dist: 'input other p',
  div: 'input other | rounding_mode',
  dropout: 'input p training',
  elu: 'input alpha',
  embedding: 'input weight | padding_idx max_norm norm_type scale_grad_by_freq sparse',
  fill: 'input value',
  flatten: 'input start_dim end_dim',
  flip: 'input dims',
  full: 'size fill_value',
  fullLike: 'input fill_value',
  gather: 'input dim index | sparse_grad',
  gelu: 'input | approximate',
  hardshrink: 'input lambd',
  hardtanh: 'input min_val max_val',
  hingeEmbeddingLoss: 'input target | margin size_average reduce reduction',
  histc: 'input bins min max',
  huberLoss: 'input target | reduction delta',
  indexAdd: 'input dim index source | alpha',
  indexCopy: 'input dim index source',
  indexFill: 'input dim index value',
  indexPut: 'input indices values | accumulate',
  indexReduce: 'input dim index source reduce | include_self',
  indexSelect: 'input dim index',
  klDiv: 'input target | size_average reduce reduction log_target',
  kthvalue: 'input k dim | keepdim',
  l1Loss: 'input target | size_average reduce reduction',
  leakyRelu: 'input negative_slope',
  linspace: 'start end steps',
  logit: 'input eps',
  logSoftmax: 'input dim | _stacklevel dtype',
  logspace: 'start end steps base | dtype',
  logsumexp: 'input dim | keepdim',
  maskedFill: 'input mask value',
  maskedScatter: 'input mask source',
  marginRankingLoss: 'input1 input2 target | margin size_average reduce reduction',
  matrixPower: 'input n',
  max: 'input dim | keepdim',
  maxPool2d: 'input kernel_size stride padding dilation | ceil_mode return_indices',
  mean: 'input dim | keepdim dtype',
  median: 'input dim | keepdim',
  min: 'input dim | keepdim',
  mode: 'input dim | keepdim',
  movedim: 'input source destination',
  mseLoss: 'input target | size_average reduce reduction',
  multiDot: 'tensors',
  multigammaln: 'input p',
  multinomial: 'input num_samples | replacement generator',
  mvlgamma: 'input p',
  nanmean: 'input dim | keepdim dtype',
  nanmedian: 'input dim | keepdim',
  nanquantile: 'input q dim | keepdim interpolation',
  nansum: 'input dim | keepdim dtype',
  nanToNum: 'input nan posinf neginf',
  narrow: 'input dim start length',
  newFull: 'input size fill_value',
  newTensor: 'input data',
  nllLoss: 'input target | weight size_average ignore_index reduce reduction',
  norm: 'input p dim | keepdim dtype',
  normal: 'mean std size | generator',
  normal_: 'tensor mean std',
  poissonNllLoss: 'input target | log_input full size_average eps reduce reduction',
  prod: 'input dim | keepdim dtype',
  put: 'input index source | accumulate',
  quantile: 'input q dim | keepdim interpolation',
  randintLike: 'input low high | dtype',
  renorm: 'input p dim maxnorm',
  repeatInterleave: 'input repeats dim | output_size',
  roll: 'input shifts dims',
  rot90: 'input k dims',
  round: 'input | decimals',
  scatter: 'input dim index src | reduce',
  scatterAdd: 'input dim index src',
  scatterReduce: 'input dim index src reduce | include_self',
  rsub: 'input other | alpha',
  searchsorted: 'sorted_sequence input | out_int32 right side sorter',
  segmentReduce: 'data reduce | lengths indices offsets axis unsafe initial',
  select: 'input dim index',
  selectScatter: 'input src dim index',
  sliceScatter: 'input src dim start end step',
  smoothL1Loss: 'input target | size_average reduce reduction beta',
  softMarginLoss: 'input target | size_average reduce reduction',
  softmax: 'input dim | _stacklevel dtype',
  softplus: 'input beta threshold',
  softshrink: 'input lambd',
  sort: 'input dim | descending stable',
  split: 'tensor split_size_or_sections dim',
  splitWithSizes: 'input split_sizes dim',
  squeeze: 'input dim',
  stack: 'tensors dim',
  sub: 'input other | alpha',
  sum: 'input dim | keepdim dtype',
  tensordot: 'a b dims',
  threshold: 'input threshold value',
  to: 'input dtype | non_blocking copy',
  topk: 'input k dim largest sorted',
  transpose: 'input dim0 dim1',
  trapezoid: 'y x | dx dim',
  trapz: 'y x | dx dim',
  tril: 'input diagonal',
  triu: 'input diagonal',
  unbind: 'input dim',
  unflatten: 'input dim sizes',
  uniform_: 'tensor a b',
  unsqueeze: 'input dim',
  vander: 'x N increasing',
  vecdot: 'x y | dim',
  vectorNorm: 'input ord dim | keepdim dtype',
  where: 'condition input other',
}

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
  'torch.nn.functional.max_pool2d': maxPool(2),
  // (input, unbiased) and (input, dim, unbiased, keepdim, correction) under one name.
  'torch.std': spread('std'),
  'torch.var': spread('var'),
  'torch.std_mean': spread('stdMean'),
  'torch.var_mean': spread('varMean'),
  // Bounds may be named, and False and True are 0 and 1.
  'torch.arange': {
    requires: (torch) => typeof torch.arange === 'function',
    run: (torch, { args, kwargs: { start, end, step, dtype } }) => {
      const bounds = args.length > 1 || start === undefined ? [...args] : [start, ...args]
      if (end !== undefined) bounds.push(end)
      if (step !== undefined) bounds.push(step)
      return torch.arange(...bounds.map(Number), tidy({ dtype }))
    },
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
  // (device, dtype, non_blocking, copy), (dtype, non_blocking, copy) and (other, non_blocking, copy).
  'Tensor.to': method('to', (self, ...rest) => {
    const [target, ...flags] = rest[0] === 'cpu' && typeof rest[1] === 'string' ? rest.slice(1) : rest
    return flags[1] ? self.to(target, { copy: true }) : self.to(target)
  }),
}

const integers = (value) => (Array.isArray(value) ? value.map(integers) : Number.isInteger(value) ? BigInt(value) : value)

/** Pooling answers with the indices too under a name of its own, which takes all but the kernel's size as options. */
function maxPool(dims) {
  const plain = `maxPool${dims}d`
  return {
    requires: (torch) => typeof torch[plain] === 'function',
    run: (torch, { args, kwargs: { return_indices, ...named } }) => {
      if (named.stride === null) delete named.stride
      if (!return_indices) return torch[plain](...arrange(plain, args, named))
      const [input, kernelSize, ...rest] = args
      const names = ['stride', 'padding', 'dilation', 'ceilMode']
      const given = Object.fromEntries(Object.entries(named).map(([key, value]) => [camelCase(key), value]))
      const { kernelSize: size, ...options } = { kernelSize, ...given, ...Object.fromEntries(rest.map((v, i) => [names[i], v])) }
      return torch[`${plain}WithIndices`](input, size, options)
    },
  }
}

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
function spread(name) {
  return {
    requires: (torch) => typeof torch[name] === 'function',
    run: (torch, { args, kwargs }) => {
      const [self, first, second, third] = args
      const given = typeof first === 'boolean' ? { unbiased: first } : { dim: first, unbiased: second, keepdim: third }
      return torch[name](self, tidy({ ...given, ...kwargs }))
    },
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
      const [self, ...rest] = arrange(called.replace(/_$/, ''), args, kwargs)
      return self[called](...rest)
    }
  }
  const space = spaceOf(torch, fn)
  if (space === undefined || typeof space[name(...examples)] !== 'function') return undefined
  return (args, kwargs) => {
    const called = name(args, kwargs)
    const { inplace, ...named } = kwargs
    if (!inplace) return space[called](...arrange(called, args, named))
    const arranged = arrange(called, args, named)
    const [self, ...rest] = arranged
    const { inPlace } = space[called]
    if (inPlace) return inPlace(...arranged)
    return `${called}_` in self ? self[`${called}_`](...rest) : space[called](...arrange(called, args, kwargs))
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

/** Parameters that have another name in one of an op's overloads. */
const synonyms = { scatter: { value: 'src' } }

/** Arguments in flambeau's order, options last. */
function arrange(name, args, kwargs) {
  const known = parameters[name]
  const given = Object.entries(kwargs).filter(([key, value]) => !isIgnored(key, value) && value !== undefined)
  if (known === undefined) {
    const options = Object.fromEntries(given.map(([key, value]) => [camelCase(key), value]))
    return given.length === 0 ? args : [...args, options]
  }
  const [positional, optional = []] = known.split('|').map((part) => part.trim().split(' '))
  const order = [...positional, ...optional]
  const places = args.slice(0, positional.length)
  const options = {}
  args.slice(positional.length).forEach((value, i) => {
    const key = optional[i]
    // Sizes and dims may be given one by one: what the table does not know stays where it is.
    if (key === undefined) places.push(value)
    else if (!isIgnored(key, value)) options[camelCase(key)] = value
  })
  for (const [key, value] of given) {
    const place = positional.indexOf(synonyms[name]?.[key] ?? (key === 'self' ? 'input' : key))
    if (place >= 0) places[place] = value
    else options[camelCase(key)] = value
  }
  if (order.length < args.length) return places
  for (let i = 0; i < places.length; i++) if (!(i in places)) places[i] = undefined
  if (Object.keys(options).length === 0) return places
  while (places.length < minimum(name, positional)) places.push(undefined)
  return [...places, options]
}
/** Options come in the place after the last positional argument that was given, except where the places are fixed. */
const fixedPlaces = ['maxPool2d', 'avgPool2d', 'dropout', 'leakyRelu']
function minimum(name, positional) {
  return fixedPlaces.includes(name) ? positional.length : 0
}
