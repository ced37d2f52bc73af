/** What flambeau is to have, under PyTorch's names, by area. */

const names = (prefix, text) =>
  text
    .trim()
    .split(/\s+/)
    .map((name) => prefix + name)

/** Tensors, functions of them, automatic differentiation. */
export const core = [
  ...names(
    'torch.',
    `tensor zeros ones full empty eye arange linspace logspace zeros_like ones_like full_like empty_like rand_like
    randn_like randint_like from_numpy is_tensor numel
    reshape transpose permute t squeeze unsqueeze select narrow split chunk unbind diagonal as_strided flatten clone
    unflatten movedim swapaxes swapdims ravel broadcast_tensors
    abs sqrt rsqrt exp expm1 log log1p log2 log10 sin cos tan asin acos atan atan2 sinh cosh tanh sigmoid relu erf erfinv
    lgamma digamma pow square reciprocal neg sign round floor ceil trunc frac fmod remainder clamp where lerp addcmul
    addcdiv maximum minimum add sub mul div
    eq ne lt le gt ge isnan isinf isfinite isclose allclose equal logical_and logical_or logical_xor logical_not bitwise_and
    bitwise_or bitwise_xor bitwise_not bitwise_left_shift bitwise_right_shift
    sum mean prod std var max min amax amin argmax argmin all any norm logsumexp cumsum cumprod cummax median mode quantile
    unique bincount histc count_nonzero
    sort argsort topk kthvalue searchsorted bucketize nonzero
    mm matmul bmm mv dot outer addmm baddbmm einsum tensordot kron cross trace diag diag_embed tril triu det logdet slogdet
    inverse pinverse svd qr cholesky lstsq matrix_power cdist
    cat stack hstack vstack flip roll rot90 tile repeat_interleave gather scatter scatter_add index_select index_add
    masked_select masked_fill take meshgrid broadcast_to
    manual_seed rand randn randint randperm normal bernoulli multinomial Generator
    no_grad enable_grad inference_mode softmax log_softmax stft istft`,
  ),
  ...names(
    'torch.linalg.',
    'det slogdet inv pinv svd svdvals eig eigvals eigh eigvalsh qr cholesky solve lstsq matrix_power matrix_rank norm cross',
  ),
  ...names(
    'torch.fft.',
    `fft ifft rfft irfft hfft ihfft fft2 ifft2 rfft2 irfft2 hfft2 ihfft2 fftn ifftn rfftn irfftn hfftn ihfftn fftfreq rfftfreq
    fftshift ifftshift`,
  ),
  ...names(
    'Tensor.',
    `shape size dim numel stride storage_offset dtype device requires_grad grad grad_fn is_leaf data T mT item tolist to cpu
    float double half bfloat16 long int short char byte bool view reshape transpose permute t squeeze unsqueeze expand select
    narrow split chunk unbind unfold diagonal as_strided flatten view_as contiguous is_contiguous clone repeat tile
    expand_as reshape_as type_as copy_ fill_ zero_ uniform_ normal_ exponential_ bernoulli_ random_ cauchy_ log_normal_
    geometric_ backward detach detach_ retain_grad register_hook requires_grad_ masked_select masked_scatter index_put
    new_tensor new_zeros new_ones new_full new_empty __getitem__ __setitem__`,
  ),
  ...names(
    'torch.autograd.',
    `backward grad Function gradcheck gradgradcheck detect_anomaly set_detect_anomaly functional.jacobian functional.hessian
    functional.vjp functional.jvp`,
  ),
  'torch.utils.checkpoint.checkpoint',
]

export const nn = [
  ...names(
    'torch.nn.',
    `Module Parameter Sequential ModuleList ModuleDict ParameterList ParameterDict
    Linear Bilinear Identity Flatten Unflatten Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d
    MaxPool1d MaxPool2d MaxPool3d AvgPool1d AvgPool2d AvgPool3d LPPool1d LPPool2d AdaptiveAvgPool1d AdaptiveAvgPool2d
    AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d Fold Unfold
    ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d ZeroPad2d
    ConstantPad1d ConstantPad2d ConstantPad3d CircularPad1d CircularPad2d CircularPad3d
    BatchNorm1d BatchNorm2d BatchNorm3d InstanceNorm1d InstanceNorm2d InstanceNorm3d GroupNorm LayerNorm RMSNorm
    LocalResponseNorm Dropout Dropout1d Dropout2d Dropout3d AlphaDropout Embedding EmbeddingBag Upsample PixelShuffle
    RNN LSTM GRU RNNCell LSTMCell GRUCell MultiheadAttention Transformer TransformerEncoder TransformerDecoder
    TransformerEncoderLayer TransformerDecoderLayer CosineSimilarity PairwiseDistance
    ReLU ReLU6 LeakyReLU PReLU RReLU ELU SELU CELU GELU SiLU Mish Sigmoid LogSigmoid Tanh Tanhshrink Softmax Softmax2d
    LogSoftmax Softmin Softplus Softshrink Softsign Hardtanh Hardsigmoid Hardswish Hardshrink Threshold GLU
    L1Loss MSELoss SmoothL1Loss HuberLoss CrossEntropyLoss NLLLoss BCELoss BCEWithLogitsLoss KLDivLoss PoissonNLLLoss
    GaussianNLLLoss CosineEmbeddingLoss TripletMarginLoss MarginRankingLoss HingeEmbeddingLoss MultiMarginLoss
    MultiLabelMarginLoss SoftMarginLoss CTCLoss`,
  ),
  ...names(
    'torch.nn.init.',
    `uniform_ normal_ constant_ ones_ zeros_ eye_ dirac_ xavier_uniform_ xavier_normal_ kaiming_uniform_ kaiming_normal_
    trunc_normal_ orthogonal_ sparse_ calculate_gain`,
  ),
  ...names(
    'torch.nn.utils.',
    `clip_grad_norm_ clip_grad_value_ parameters_to_vector vector_to_parameters weight_norm spectral_norm
    rnn.pack_padded_sequence rnn.pad_packed_sequence rnn.pad_sequence rnn.pack_sequence`,
  ),
]

export const training = [
  ...names('torch.optim.', 'SGD Adam AdamW Adamax NAdam RAdam Adagrad Adadelta RMSprop Rprop ASGD LBFGS'),
  ...names(
    'torch.optim.lr_scheduler.',
    `LambdaLR MultiplicativeLR StepLR MultiStepLR ConstantLR LinearLR ExponentialLR PolynomialLR CosineAnnealingLR
    CosineAnnealingWarmRestarts CyclicLR OneCycleLR ReduceLROnPlateau SequentialLR ChainedScheduler`,
  ),
  ...names('torch.optim.swa_utils.', 'AveragedModel SWALR update_bn'),
  ...names(
    'torch.utils.data.',
    `Dataset IterableDataset TensorDataset ConcatDataset Subset random_split SequentialSampler RandomSampler
    SubsetRandomSampler WeightedRandomSampler BatchSampler DistributedSampler DataLoader`,
  ),
  ...names('torch.', 'save load compile autocast'),
  ...names('torch.hub.', 'load list help load_state_dict_from_url'),
  ...names('torch.utils.tensorboard.', 'SummaryWriter'),
]
