/** The classes of `torch.nn` that are rebuilt from a pickled `__dict__`, and what each must and may have in it. */

import type { Tensor } from '../core/tensor.js'
import { NonDynamicallyQuantizableLinear } from '../nn/attention.js'
import * as nn from '../nn/index.js'
import { gelu, relu, sigmoid, silu, tanh } from '../ops/index.js'

/** What a `__dict__` says about one module, by Python's names: settings are plain values. */
export type Settings = Readonly<Record<string, unknown>>

export interface ModuleSpec {
  /** The class here; its properties are the settings' names in camelCase. */
  readonly of: { readonly prototype: nn.Module }
  readonly settings: readonly string[]
  /** Settings of PyTorch's that follow from others, or mean nothing here. */
  readonly ignored: readonly string[]
  /** Names of parameters, buffers and children, which may be None; undefined where any may be there. */
  readonly parameters: readonly string[] | ((settings: Settings) => Iterable<string>) | undefined
  readonly buffers: readonly string[]
  readonly children: readonly string[] | undefined
  /** Those of them that files from older versions, or without the option, lack. */
  readonly optional: readonly string[]
  /** Properties that a constructor would have derived. */
  readonly derived?: (settings: Settings, children: ReadonlyMap<string, unknown>) => Record<string, unknown>
}

interface SpecOptions {
  ignored?: string
  parameters?: string | ((settings: Settings) => Iterable<string>) | undefined
  buffers?: string
  children?: string | undefined
  optional?: string
  derived?: ModuleSpec['derived']
}

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '')

/** A class with its settings; lists are words between spaces, and `undefined` allows any name. */
function spec(of: ModuleSpec['of'], settings = '', options: SpecOptions = {}): ModuleSpec {
  const { ignored = '', buffers = '', optional = '', derived } = options
  const { parameters, children } = { parameters: '', children: '', ...options }
  return {
    of,
    settings: words(settings),
    ignored: words(ignored),
    parameters: typeof parameters === 'string' ? words(parameters) : parameters,
    buffers: words(buffers),
    children: children === undefined ? undefined : words(children),
    optional: words(optional),
    derived,
  }
}

/** What settings were before a version of PyTorch had them. */
export const formerDefaults: Settings = {
  padding_mode: 'zeros',
  proj_size: 0,
  batch_first: false,
  norm_first: false,
  approximate: 'none',
  recompute_scale_factor: null,
  track_running_stats: true,
  divisor_override: null,
  label_smoothing: 0,
  include_last_offset: false,
  padding_idx: null,
  zero_infinity: false,
  log_target: false,
  ignore_index: -100,
  dim: null,
  activation: relu,
}

/** Functions that a pickle may name as a transformer's activation. */
export const activations: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  'torch.nn.functional.relu': relu,
  'torch.nn.functional.gelu': (x) => gelu(x),
  'torch._C._nn.gelu': (x) => gelu(x),
  'torch.nn.functional.silu': silu,
  'torch.nn.functional.tanh': tanh,
  'torch.nn.functional.sigmoid': sigmoid,
}

const inplace = 'inplace'
const affine = { parameters: 'weight bias' }
const convSettings = 'in_channels out_channels kernel_size stride padding dilation transposed output_padding groups padding_mode'
const around = '_reversed_padding_repeated_twice'
const conv = (of: ModuleSpec['of']): ModuleSpec =>
  spec(of, convSettings, { ...affine, ignored: around, derived: (settings) => ({ around: settings[around] ?? [] }) })
const convTranspose = (of: ModuleSpec['of']): ModuleSpec => spec(of, convSettings, { ...affine, ignored: around })
const norm = (of: ModuleSpec['of']): ModuleSpec =>
  spec(of, 'num_features eps momentum affine track_running_stats', {
    ...affine,
    buffers: 'running_mean running_var num_batches_tracked',
    optional: 'num_batches_tracked running_mean running_var',
    ignored: 'process_group',
  })
const recurrentModes: Readonly<Record<string, string>> = { RNN_TANH: 'tanh', RNN_RELU: 'relu', LSTM: 'lstm', GRU: 'gru' }
/** Lazily, so that a file that lies about its layers fails at the first that is missing. */
function* recurrentParameters(settings: Settings): Generator<string> {
  const kinds = [
    'weight_ih',
    'weight_hh',
    ...(settings.bias ? ['bias_ih', 'bias_hh'] : []),
    ...(settings.proj_size ? ['weight_hr'] : []),
  ]
  for (let i = 0; i < Number(settings.num_layers); i++)
    for (const suffix of settings.bidirectional ? ['', '_reverse'] : [''])
      for (const kind of kinds) yield `${kind}_l${i}${suffix}`
}
const recurrent = (of: ModuleSpec['of'], more = ''): ModuleSpec =>
  spec(of, `input_size hidden_size num_layers bias batch_first dropout bidirectional proj_size ${more}`, {
    parameters: recurrentParameters,
    ignored: 'mode _flat_weights_names _all_weights _flat_weights _flat_weight_refs _data_ptrs _param_buf_size dropout_state',
    derived: ({ mode }) => ({ mode: recurrentModes[String(mode)] }),
  })
const cell = (of: ModuleSpec['of'], more = ''): ModuleSpec =>
  spec(of, `input_size hidden_size bias ${more}`, { parameters: 'weight_ih weight_hh bias_ih bias_hh' })
const table = 'num_embeddings embedding_dim padding_idx max_norm norm_type scale_grad_by_freq'
const pool = 'kernel_size stride padding'
const maxPool = (of: ModuleSpec['of']): ModuleSpec => spec(of, `${pool} dilation return_indices ceil_mode`)
const avgPool = (of: ModuleSpec['of']): ModuleSpec => spec(of, `${pool} ceil_mode count_include_pad divisor_override`)
const fractional = (of: ModuleSpec['of']): ModuleSpec =>
  spec(of, 'kernel_size return_indices output_size output_ratio', { buffers: '_random_samples' })
const adaptiveMax = (of: ModuleSpec['of']): ModuleSpec => spec(of, 'output_size return_indices')
const pad = (of: ModuleSpec['of'], mode: string): ModuleSpec =>
  spec(of, 'padding', { ignored: 'value', derived: () => ({ mode, fill: mode === 'constant' ? 0 : null }) })
const constantPad = (of: ModuleSpec['of']): ModuleSpec =>
  spec(of, 'padding value', { derived: ({ value }) => ({ mode: 'constant', fill: value }) })
const upsample = (of: ModuleSpec['of']): ModuleSpec =>
  spec(of, 'size scale_factor mode align_corners recompute_scale_factor', { ignored: 'name' })
const responseNorm = (of: ModuleSpec['of']): ModuleSpec => spec(of, 'size alpha beta k')
const container = (of: ModuleSpec['of']): ModuleSpec => spec(of, '', { children: undefined })
const loss = (of: ModuleSpec['of'], settings = ''): ModuleSpec => spec(of, `reduction ${settings}`)
const weighted = (of: ModuleSpec['of'], settings = '', buffers = 'weight'): ModuleSpec =>
  spec(of, `reduction ${settings}`, { buffers })

const layer = 'self_attn linear1 dropout linear2 norm1 norm2 dropout1 dropout2'
const ignored = 'activation_relu_or_gelu'

/** By the name of the class in `torch.nn`. */
export const torchModules: Readonly<Record<string, ModuleSpec>> = {
  Identity: spec(nn.Identity),
  Linear: spec(nn.Linear, 'in_features out_features', affine),
  NonDynamicallyQuantizableLinear: spec(NonDynamicallyQuantizableLinear, 'in_features out_features', affine),
  // What PyTorch 1.6 to 1.8 called it.
  _LinearWithBias: spec(NonDynamicallyQuantizableLinear, 'in_features out_features', affine),
  Bilinear: spec(nn.Bilinear, 'in1_features in2_features out_features', affine),
  Flatten: spec(nn.Flatten, 'start_dim end_dim'),
  Unflatten: spec(nn.Unflatten, 'dim unflattened_size'),

  Conv1d: conv(nn.Conv1d),
  Conv2d: conv(nn.Conv2d),
  Conv3d: conv(nn.Conv3d),
  ConvTranspose1d: convTranspose(nn.ConvTranspose1d),
  ConvTranspose2d: convTranspose(nn.ConvTranspose2d),
  ConvTranspose3d: convTranspose(nn.ConvTranspose3d),

  BatchNorm1d: norm(nn.BatchNorm1d),
  BatchNorm2d: norm(nn.BatchNorm2d),
  BatchNorm3d: norm(nn.BatchNorm3d),
  SyncBatchNorm: norm(nn.SyncBatchNorm),
  InstanceNorm1d: norm(nn.InstanceNorm1d),
  InstanceNorm2d: norm(nn.InstanceNorm2d),
  InstanceNorm3d: norm(nn.InstanceNorm3d),
  LayerNorm: spec(nn.LayerNorm, 'normalized_shape eps elementwise_affine', affine),
  RMSNorm: spec(nn.RMSNorm, 'normalized_shape eps elementwise_affine', { parameters: 'weight' }),
  GroupNorm: spec(nn.GroupNorm, 'num_groups num_channels eps affine', affine),
  LocalResponseNorm: responseNorm(nn.LocalResponseNorm),
  CrossMapLRN2d: responseNorm(nn.CrossMapLRN2d),

  Embedding: spec(nn.Embedding, table, { parameters: 'weight', ignored: 'sparse' }),
  EmbeddingBag: spec(nn.EmbeddingBag, `${table} mode include_last_offset`, { parameters: 'weight', ignored: 'sparse' }),
  RNN: recurrent(nn.RNN, 'nonlinearity'),
  LSTM: recurrent(nn.LSTM),
  GRU: recurrent(nn.GRU),
  RNNCell: cell(nn.RNNCell, 'nonlinearity'),
  LSTMCell: cell(nn.LSTMCell),
  GRUCell: cell(nn.GRUCell),

  MultiheadAttention: spec(nn.MultiheadAttention, 'embed_dim kdim vdim num_heads dropout batch_first head_dim add_zero_attn', {
    parameters: 'in_proj_weight q_proj_weight k_proj_weight v_proj_weight in_proj_bias bias_k bias_v',
    optional: 'q_proj_weight k_proj_weight v_proj_weight bias_k bias_v',
    children: 'out_proj',
    ignored: '_qkv_same_embed_dim',
  }),
  TransformerEncoderLayer: spec(nn.TransformerEncoderLayer, 'norm_first activation', {
    ignored,
    children: `${layer} activation`,
    optional: 'activation',
  }),
  TransformerDecoderLayer: spec(nn.TransformerDecoderLayer, 'norm_first activation', {
    ignored,
    children: `${layer} multihead_attn norm3 dropout3 activation`,
    optional: 'activation',
  }),
  TransformerEncoder: spec(nn.TransformerEncoder, 'num_layers', {
    children: 'layers norm',
    ignored: 'enable_nested_tensor mask_check use_nested_tensor',
  }),
  TransformerDecoder: spec(nn.TransformerDecoder, 'num_layers', { children: 'layers norm' }),
  Transformer: spec(nn.Transformer, 'd_model nhead batch_first', { children: 'encoder decoder' }),

  ReLU: spec(nn.ReLU, inplace),
  ReLU6: spec(nn.ReLU6, `${inplace} min_val max_val`),
  SiLU: spec(nn.SiLU, inplace),
  Mish: spec(nn.Mish, inplace),
  SELU: spec(nn.SELU, inplace),
  Hardsigmoid: spec(nn.Hardsigmoid, inplace),
  Hardswish: spec(nn.Hardswish, inplace),
  ELU: spec(nn.ELU, `${inplace} alpha`),
  CELU: spec(nn.CELU, `${inplace} alpha`),
  LeakyReLU: spec(nn.LeakyReLU, `${inplace} negative_slope`),
  Hardtanh: spec(nn.Hardtanh, `${inplace} min_val max_val`),
  Threshold: spec(nn.Threshold, `${inplace} threshold value`),
  RReLU: spec(nn.RReLU, `${inplace} lower upper`),
  PReLU: spec(nn.PReLU, 'num_parameters', { parameters: 'weight', ignored: 'init' }),
  Sigmoid: spec(nn.Sigmoid),
  LogSigmoid: spec(nn.LogSigmoid),
  Tanh: spec(nn.Tanh),
  Tanhshrink: spec(nn.Tanhshrink),
  Softsign: spec(nn.Softsign),
  GELU: spec(nn.GELU, 'approximate'),
  Softplus: spec(nn.Softplus, 'beta threshold'),
  Hardshrink: spec(nn.Hardshrink, 'lambd'),
  Softshrink: spec(nn.Softshrink, 'lambd'),
  GLU: spec(nn.GLU, 'dim'),
  Softmax: spec(nn.Softmax, 'dim'),
  LogSoftmax: spec(nn.LogSoftmax, 'dim'),
  Softmin: spec(nn.Softmin, 'dim'),
  Softmax2d: spec(nn.Softmax2d),
  AdaptiveLogSoftmaxWithLoss: spec(
    nn.AdaptiveLogSoftmaxWithLoss,
    'in_features n_classes cutoffs div_value head_bias shortlist_size n_clusters head_size',
    { children: 'head tail' },
  ),

  Dropout: spec(nn.Dropout, `${inplace} p`),
  Dropout1d: spec(nn.Dropout1d, `${inplace} p`),
  Dropout2d: spec(nn.Dropout2d, `${inplace} p`),
  Dropout3d: spec(nn.Dropout3d, `${inplace} p`),
  AlphaDropout: spec(nn.AlphaDropout, `${inplace} p`),
  FeatureAlphaDropout: spec(nn.FeatureAlphaDropout, `${inplace} p`),

  MaxPool1d: maxPool(nn.MaxPool1d),
  MaxPool2d: maxPool(nn.MaxPool2d),
  MaxPool3d: maxPool(nn.MaxPool3d),
  MaxUnpool1d: spec(nn.MaxUnpool1d, pool),
  MaxUnpool2d: spec(nn.MaxUnpool2d, pool),
  MaxUnpool3d: spec(nn.MaxUnpool3d, pool),
  AvgPool1d: spec(nn.AvgPool1d, `${pool} ceil_mode count_include_pad`),
  AvgPool2d: avgPool(nn.AvgPool2d),
  AvgPool3d: avgPool(nn.AvgPool3d),
  LPPool1d: spec(nn.LPPool1d, 'norm_type kernel_size stride ceil_mode'),
  LPPool2d: spec(nn.LPPool2d, 'norm_type kernel_size stride ceil_mode'),
  FractionalMaxPool2d: fractional(nn.FractionalMaxPool2d),
  FractionalMaxPool3d: fractional(nn.FractionalMaxPool3d),
  AdaptiveAvgPool1d: spec(nn.AdaptiveAvgPool1d, 'output_size'),
  AdaptiveAvgPool2d: spec(nn.AdaptiveAvgPool2d, 'output_size'),
  AdaptiveAvgPool3d: spec(nn.AdaptiveAvgPool3d, 'output_size'),
  AdaptiveMaxPool1d: adaptiveMax(nn.AdaptiveMaxPool1d),
  AdaptiveMaxPool2d: adaptiveMax(nn.AdaptiveMaxPool2d),
  AdaptiveMaxPool3d: adaptiveMax(nn.AdaptiveMaxPool3d),

  ConstantPad1d: constantPad(nn.ConstantPad1d),
  ConstantPad2d: constantPad(nn.ConstantPad2d),
  ConstantPad3d: constantPad(nn.ConstantPad3d),
  ZeroPad1d: pad(nn.ZeroPad1d, 'constant'),
  ZeroPad2d: pad(nn.ZeroPad2d, 'constant'),
  ZeroPad3d: pad(nn.ZeroPad3d, 'constant'),
  ReflectionPad1d: pad(nn.ReflectionPad1d, 'reflect'),
  ReflectionPad2d: pad(nn.ReflectionPad2d, 'reflect'),
  ReflectionPad3d: pad(nn.ReflectionPad3d, 'reflect'),
  ReplicationPad1d: pad(nn.ReplicationPad1d, 'replicate'),
  ReplicationPad2d: pad(nn.ReplicationPad2d, 'replicate'),
  ReplicationPad3d: pad(nn.ReplicationPad3d, 'replicate'),
  CircularPad1d: pad(nn.CircularPad1d, 'circular'),
  CircularPad2d: pad(nn.CircularPad2d, 'circular'),
  CircularPad3d: pad(nn.CircularPad3d, 'circular'),
  Upsample: upsample(nn.Upsample),
  UpsamplingNearest2d: upsample(nn.UpsamplingNearest2d),
  UpsamplingBilinear2d: upsample(nn.UpsamplingBilinear2d),
  Fold: spec(nn.Fold, 'output_size kernel_size dilation padding stride'),
  Unfold: spec(nn.Unfold, 'kernel_size dilation padding stride'),
  PixelShuffle: spec(nn.PixelShuffle, 'upscale_factor'),
  PixelUnshuffle: spec(nn.PixelUnshuffle, 'downscale_factor'),
  ChannelShuffle: spec(nn.ChannelShuffle, 'groups'),

  Sequential: container(nn.Sequential),
  ModuleList: container(nn.ModuleList),
  ModuleDict: container(nn.ModuleDict),
  ParameterList: spec(nn.ParameterList, '', { parameters: undefined, ignored: '_size' }),
  ParameterDict: spec(nn.ParameterDict, '', { parameters: undefined, ignored: '_keys' }),

  L1Loss: loss(nn.L1Loss),
  MSELoss: loss(nn.MSELoss),
  SmoothL1Loss: loss(nn.SmoothL1Loss, 'beta'),
  HuberLoss: loss(nn.HuberLoss, 'delta'),
  KLDivLoss: loss(nn.KLDivLoss, 'log_target'),
  PoissonNLLLoss: loss(nn.PoissonNLLLoss, 'log_input full eps'),
  GaussianNLLLoss: loss(nn.GaussianNLLLoss, 'full eps'),
  CrossEntropyLoss: weighted(nn.CrossEntropyLoss, 'ignore_index label_smoothing'),
  NLLLoss: weighted(nn.NLLLoss, 'ignore_index'),
  NLLLoss2d: weighted(nn.NLLLoss2d, 'ignore_index'),
  BCELoss: weighted(nn.BCELoss),
  BCEWithLogitsLoss: weighted(nn.BCEWithLogitsLoss, '', 'weight pos_weight'),
  CTCLoss: loss(nn.CTCLoss, 'blank zero_infinity'),
  MarginRankingLoss: loss(nn.MarginRankingLoss, 'margin'),
  HingeEmbeddingLoss: loss(nn.HingeEmbeddingLoss, 'margin'),
  CosineEmbeddingLoss: loss(nn.CosineEmbeddingLoss, 'margin'),
  SoftMarginLoss: loss(nn.SoftMarginLoss),
  MultiMarginLoss: weighted(nn.MultiMarginLoss, 'p margin'),
  MultiLabelMarginLoss: loss(nn.MultiLabelMarginLoss),
  MultiLabelSoftMarginLoss: weighted(nn.MultiLabelSoftMarginLoss),
  TripletMarginLoss: loss(nn.TripletMarginLoss, 'margin p eps swap'),
  TripletMarginWithDistanceLoss: spec(nn.TripletMarginWithDistanceLoss, 'reduction margin swap', {
    children: 'distance_function',
    derived: (_, children) => {
      const measure = children.get('distance_function') as (a: Tensor, b: Tensor) => Tensor
      return { distanceFunction: (a: Tensor, b: Tensor) => measure(a, b) }
    },
  }),
  CosineSimilarity: spec(nn.CosineSimilarity, 'dim eps'),
  PairwiseDistance: spec(nn.PairwiseDistance, 'norm eps keepdim'),
}
