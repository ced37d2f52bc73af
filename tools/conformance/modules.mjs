/** Modules: constructed by the API rule, loaded with a state, run, and compared with PyTorch's results and gradients. */

import { camelCase } from './calls.mjs'
import { compareLeaf, compareTensor, isTensor, pairLeaves } from './compare.mjs'
import { contains, floatOf, tensorOf, valueOf } from './format.mjs'

/** Required parameters of constructors in order: positional in flambeau even where a case names them. */
const required = {
  AdaptiveAvgPool1d: ['output_size'],
  AdaptiveAvgPool2d: ['output_size'],
  AdaptiveAvgPool3d: ['output_size'],
  AdaptiveLogSoftmaxWithLoss: ['in_features', 'n_classes', 'cutoffs'],
  AdaptiveMaxPool1d: ['output_size'],
  AdaptiveMaxPool2d: ['output_size'],
  AdaptiveMaxPool3d: ['output_size'],
  AvgPool1d: ['kernel_size'],
  AvgPool2d: ['kernel_size'],
  AvgPool3d: ['kernel_size'],
  BatchNorm1d: ['num_features'],
  BatchNorm2d: ['num_features'],
  BatchNorm3d: ['num_features'],
  Bilinear: ['in1_features', 'in2_features', 'out_features'],
  ChannelShuffle: ['groups'],
  CircularPad1d: ['padding'],
  CircularPad2d: ['padding'],
  CircularPad3d: ['padding'],
  ConstantPad1d: ['padding', 'value'],
  ConstantPad2d: ['padding', 'value'],
  ConstantPad3d: ['padding', 'value'],
  Conv1d: ['in_channels', 'out_channels', 'kernel_size'],
  Conv2d: ['in_channels', 'out_channels', 'kernel_size'],
  Conv3d: ['in_channels', 'out_channels', 'kernel_size'],
  ConvTranspose1d: ['in_channels', 'out_channels', 'kernel_size'],
  ConvTranspose2d: ['in_channels', 'out_channels', 'kernel_size'],
  ConvTranspose3d: ['in_channels', 'out_channels', 'kernel_size'],
  CrossMapLRN2d: ['size'],
  Embedding: ['num_embeddings', 'embedding_dim'],
  EmbeddingBag: ['num_embeddings', 'embedding_dim'],
  Fold: ['output_size', 'kernel_size'],
  FractionalMaxPool2d: ['kernel_size'],
  FractionalMaxPool3d: ['kernel_size'],
  GroupNorm: ['num_groups', 'num_channels'],
  GRU: ['input_size', 'hidden_size'],
  GRUCell: ['input_size', 'hidden_size'],
  InstanceNorm1d: ['num_features'],
  InstanceNorm2d: ['num_features'],
  InstanceNorm3d: ['num_features'],
  LayerNorm: ['normalized_shape'],
  LazyConv1d: ['out_channels', 'kernel_size'],
  LazyConv2d: ['out_channels', 'kernel_size'],
  LazyConv3d: ['out_channels', 'kernel_size'],
  LazyConvTranspose1d: ['out_channels', 'kernel_size'],
  LazyConvTranspose2d: ['out_channels', 'kernel_size'],
  LazyConvTranspose3d: ['out_channels', 'kernel_size'],
  LazyLinear: ['out_features'],
  Linear: ['in_features', 'out_features'],
  LocalResponseNorm: ['size'],
  LogSoftmax: ['dim'],
  LPPool1d: ['norm_type', 'kernel_size'],
  LPPool2d: ['norm_type', 'kernel_size'],
  LSTM: ['input_size', 'hidden_size'],
  LSTMCell: ['input_size', 'hidden_size'],
  MaxPool1d: ['kernel_size'],
  MaxPool2d: ['kernel_size'],
  MaxPool3d: ['kernel_size'],
  MaxUnpool1d: ['kernel_size'],
  MaxUnpool2d: ['kernel_size'],
  MaxUnpool3d: ['kernel_size'],
  MultiheadAttention: ['embed_dim', 'num_heads'],
  PixelShuffle: ['upscale_factor'],
  PixelUnshuffle: ['downscale_factor'],
  ReflectionPad1d: ['padding'],
  ReflectionPad2d: ['padding'],
  ReflectionPad3d: ['padding'],
  ReplicationPad1d: ['padding'],
  ReplicationPad2d: ['padding'],
  ReplicationPad3d: ['padding'],
  RNN: ['input_size', 'hidden_size'],
  RNNCell: ['input_size', 'hidden_size'],
  Softmax: ['dim'],
  Softmin: ['dim'],
  Threshold: ['threshold', 'value'],
  TransformerDecoder: ['decoder_layer', 'num_layers'],
  TransformerDecoderLayer: ['d_model', 'nhead'],
  TransformerEncoder: ['encoder_layer', 'num_layers'],
  TransformerEncoderLayer: ['d_model', 'nhead'],
  Unflatten: ['dim', 'unflattened_size'],
  Unfold: ['kernel_size'],
  ZeroPad1d: ['padding'],
  ZeroPad2d: ['padding'],
  ZeroPad3d: ['padding'],
}

/** Parameters of `forward` that are positional in flambeau even where a case names them, in the order of all modules. */
const forwardParameters = ['input', 'input1', 'input2', 'query', 'key', 'value', 'src', 'tgt', 'memory', 'target']

/** Arguments in flambeau's order: named ones that are required at their places, the others as options at the end. */
function arrange(args, kwargs, positional) {
  const placed = [...args]
  const options = {}
  for (const [key, value] of Object.entries(kwargs)) {
    const place = positional.indexOf(key)
    if (place >= 0) placed[place] = value
    else options[camelCase(key)] = value
  }
  return Object.keys(options).length > 0 ? [...placed, options] : placed
}

/** A module as the suite describes it, or undefined where flambeau lacks its class or one inside it. */
export function makeModule(torch, spec) {
  const name = spec.cls.slice(spec.cls.lastIndexOf('.') + 1)
  const Class = torch.nn?.[name]
  if (typeof Class !== 'function') return undefined
  let complete = true
  const decode = (value) => {
    if (value?.$ === 'module') {
      const inner = makeModule(torch, value)
      complete &&= inner !== undefined
      return inner
    }
    if (value?.$ === 'fn') return torch.nn.functional[camelCase(value.v.slice(value.v.lastIndexOf('.') + 1))]
    if (Array.isArray(value)) return value.map(decode)
    if (value?.$ === 'tuple') return value.v.map(decode)
    if (value?.$ === 'dict') return Object.fromEntries(Object.entries(value.v).map(([k, v]) => [k, decode(v)]))
    return valueOf(torch, value)
  }
  const kwargs = Object.fromEntries(Object.entries(spec.kwargs ?? {}).map(([key, value]) => [key, decode(value)]))
  const args = spec.ordered ? [spec.ordered.map(decode)] : arrange((spec.args ?? []).map(decode), kwargs, required[name] ?? [])
  return complete ? new Class(...args) : undefined
}

/**
 * Whether a text is PyTorch's. JavaScript has one kind of number: a whole one that the case gave may have been an int or a
 * float, and is printed as either.
 */
export function sameText(got, want, spec) {
  if (got === want) return true
  const whole = []
  contains(spec, (v) => {
    const parts = v.$ === 'float' ? [floatOf(v)] : Object.values(v)
    whole.push(...parts.filter((part) => Number.isInteger(part)))
    return false
  })
  const plain = (text) =>
    text.replace(/\d+\.0\b/g, (number) => (whole.some((v) => Math.abs(v) === Number(number)) ? number.slice(0, -2) : number))
  return plain(got) === plain(want)
}

/** Runs one case. @returns `{ status: 'passed' | 'failed' | 'skipped' | 'missing', reason? }` */
export function runModuleCase(torch, c) {
  if (contains(c, (v) => v.$ === 'complex' || (typeof v.dtype === 'string' && v.dtype.startsWith('complex'))))
    return { status: 'skipped', reason: 'complex dtypes' }
  if (c.error) return checkError(torch, c)
  try {
    const module = makeModule(torch, c)
    if (module === undefined) return { status: 'missing', reason: c.cls }
    const complaint = check(torch, c, module)
    return complaint === undefined ? { status: 'passed' } : { status: 'failed', reason: complaint }
  } catch (error) {
    return { status: 'failed', reason: `threw ${error?.message?.slice(0, 200) ?? error}` }
  }
}

/** A case's inputs, and what runs the module on them. */
function prepare(torch, c, module) {
  const inputs = { args: valueOf(torch, c.inputs), kwargs: valueOf(torch, { $: 'dict', v: c.inkwargs }) }
  const named = forwardParameters.filter((name) => name in inputs.kwargs)
  module.train(c.train)
  return { inputs, run: () => module(...arrange(inputs.args, inputs.kwargs, named)) }
}

/** Making or running the module must throw. */
function checkError(torch, c) {
  try {
    const module = makeModule(torch, c)
    if (module === undefined) return { status: 'missing', reason: c.cls }
    prepare(torch, c, module).run()
  } catch {
    return { status: 'passed' }
  }
  return { status: 'failed', reason: `did not throw ${c.error.type}: ${c.error.message?.slice(0, 120)}` }
}

function check(torch, c, module) {
  const { inputs, run } = prepare(torch, c, module)
  if (c.lazy) torch.noGrad(run)
  const keys = Object.keys(module.stateDict())
  const expected = c.state.map(([key]) => key)
  if (keys.join() !== expected.join()) return `the state has [${keys}], expected [${expected}]`
  module.loadStateDict(Object.fromEntries(c.state.map(([key, spec]) => [key, tensorOf(torch, { ...spec, rg: false })])))
  const count = module.parameters().reduce((n, p) => n + p.numel(), 0)
  if (count !== c.n_params) return `has ${count} numbers as parameters, expected ${c.n_params}`
  if (!sameText(String(module), c.repr, [c.args, c.kwargs])) return `prints\n${module}\nexpected\n${c.repr}`

  const leaves = pairLeaves(run(), c.out)
  for (const [i, leaf] of leaves.entries()) {
    const complaint = compareLeaf(torch, leaf, i, c, leaves, inputs.args)
    if (complaint) return `out[${i}] ${complaint}`
  }
  const after = module.stateDict()
  for (const [key, spec] of c.state_after ?? []) {
    const complaint = compareTensor(after[key], spec, { tolerance: c.tol })
    if (complaint) return `${key} afterwards ${complaint}`
  }
  return c.w && checkGradients(torch, c, module, leaves, inputs)
}

function checkGradients(torch, c, module, leaves, inputs) {
  const weighted = leaves.filter(({ got }, i) => c.w[i] && isTensor(got) && got.requiresGrad)
  const weights = leaves.flatMap(({ got }, i) => (c.w[i] && got.requiresGrad ? [tensorOf(torch, c.w[i]).to(got.dtype)] : []))
  const parameters = Object.fromEntries(module.namedParameters())
  const wanted = [
    ...(c.input_grads ?? []).map(({ path, t }) => ({ name: path, t, variable: path.split('.').reduce((v, k) => v[k], inputs) })),
    ...(c.param_grads ?? []).map(([name, t]) => ({ name, t, variable: parameters[name] })),
  ]
  if (wanted.length === 0) return undefined
  if (weighted.length === 0) return wanted.some(({ t }) => t) ? 'the result requires no gradient' : undefined
  const gradients = torch.autograd.grad(
    weighted.map(({ got }) => got),
    wanted.map(({ variable }) => variable),
    { gradOutputs: weights, allowUnused: true },
  )
  for (const [i, { name, t }] of wanted.entries()) {
    if (c.gunstable?.includes?.(name) || c.gunstable?.[name]) continue
    if (t === null) {
      if (gradients[i] !== null) return `the gradient of ${name} is a tensor, expected null`
      continue
    }
    const complaint = compareTensor(gradients[i], t, { tolerance: c.gtol, skip: c.gskip?.[name] })
    if (complaint) return `the gradient of ${name} ${complaint}`
  }
  return undefined
}
