/** What the compiler knows of modules: each is called with the arguments of its `forward` and made with its own options. */

import { describe, expect, expectTypeOf, test } from 'vitest'
import * as torch from '../src/index.js'
import { nn, optim, type Tensor } from '../src/index.js'

const x = torch.ones(2, 4)
type Packed = nn.utils.rnn.PackedSequence
/** Compiled but not run: what is wrong for the compiler need not be an error at run time, or is tested elsewhere. */
const compiled = (_: () => void): void => expect(_).toBeTypeOf('function')

describe('what modules return', () => {
  test('a tensor of a tensor', () =>
    compiled(() => {
      expectTypeOf(new nn.Linear(4, 2)(x)).toEqualTypeOf<Tensor>()
      expectTypeOf(new nn.Conv2d(1, 2, 3)(x)).toEqualTypeOf<Tensor>()
      expectTypeOf(new nn.ConvTranspose2d(1, 2, 3)(x, { outputSize: [4, 4] })).toEqualTypeOf<Tensor>()
      expectTypeOf(new nn.BatchNorm2d(2)(x)).toEqualTypeOf<Tensor>()
      expectTypeOf(new nn.LayerNorm([4])(x)).toEqualTypeOf<Tensor>()
      expectTypeOf(new nn.Embedding(3, 4)(x.long())).toEqualTypeOf<Tensor>()
      expectTypeOf(new nn.Dropout(0.5)(x)).toEqualTypeOf<Tensor>()
      expectTypeOf(new nn.ReLU()(x)).toEqualTypeOf<Tensor>()
      expectTypeOf(new nn.Softmax(1)(x)).toEqualTypeOf<Tensor>()
      expectTypeOf(new nn.MaxPool2d(2)(x)).toEqualTypeOf<Tensor>()
      expectTypeOf(new nn.Upsample({ scaleFactor: 2 })(x)).toEqualTypeOf<Tensor>()
      expectTypeOf(new nn.Flatten()(x)).toEqualTypeOf<Tensor>()
      expectTypeOf(new nn.CrossEntropyLoss()(x, x)).toEqualTypeOf<Tensor>()
      expectTypeOf(new nn.TripletMarginLoss()(x, x, x)).toEqualTypeOf<Tensor>()
      expectTypeOf(new nn.Bilinear(4, 4, 2)(x, x)).toEqualTypeOf<Tensor>()
      expectTypeOf(new nn.TransformerEncoderLayer(4, 2)(x, { srcMask: null })).toEqualTypeOf<Tensor>()
      expectTypeOf(new nn.Transformer({ dModel: 4, nhead: 2 })(x, x)).toEqualTypeOf<Tensor>()
    }))

  test('several results', () =>
    compiled(() => {
      expectTypeOf(new nn.MaxPool2d(2, { returnIndices: true })(x)).not.toEqualTypeOf<Tensor>()
      const [pooled, indices] = new nn.MaxPool2d(2, { returnIndices: true })(x)
      expectTypeOf([pooled, indices]).toEqualTypeOf<Tensor[]>()
      const { output, loss } = new nn.AdaptiveLogSoftmaxWithLoss(4, 10, [2, 5])(x, x)
      expectTypeOf([output, loss]).toEqualTypeOf<Tensor[]>()
    }))

  test('recurrent layers answer in kind', () =>
    compiled(() => {
      const packed = nn.utils.rnn.packPaddedSequence(x, [1])
      const lstm = new nn.LSTM(4, 5, { numLayers: 2, batchFirst: true })
      const [output, [hn, cn]] = lstm(x)
      expectTypeOf([output, hn, cn]).toEqualTypeOf<Tensor[]>()
      expectTypeOf(lstm(x, [hn, cn])[0]).toEqualTypeOf<Tensor>()
      expectTypeOf(lstm(packed)[0]).toEqualTypeOf<Packed>()
      expectTypeOf(new nn.GRU(4, 5)(x)).toEqualTypeOf<[output: Tensor, hn: Tensor]>()
      expectTypeOf(new nn.RNN(4, 5)(packed)).toEqualTypeOf<[output: Packed, hn: Tensor]>()
      expectTypeOf(new nn.LSTMCell(4, 5)(x)).toEqualTypeOf<[h: Tensor, c: Tensor]>()
      expectTypeOf(new nn.GRUCell(4, 5)(x)).toEqualTypeOf<Tensor>()
      // @ts-expect-error: an LSTM's state is a pair
      lstm(x, hn)
      // @ts-expect-error: a GRU's state is one tensor
      new nn.GRU(4, 5)(x, [hn, cn])
      // @ts-expect-error: a packed sequence is no tensor
      lstm(packed)[0].sum()
      // @ts-expect-error: a pair is no tensor
      lstm(x).sum()
    }))

  test('attention gives weights unless they are not needed', () =>
    compiled(() => {
      const attention = new nn.MultiheadAttention(4, 2, { batchFirst: true })
      expectTypeOf(attention(x, x, x)).toEqualTypeOf<[output: Tensor, weights: Tensor]>()
      expectTypeOf(attention(x, x, x, { attnMask: x })).toEqualTypeOf<[output: Tensor, weights: Tensor]>()
      expectTypeOf(attention(x, x, x, { needWeights: false })).toEqualTypeOf<[output: Tensor, weights: null]>()
      expectTypeOf(attention(x, x, x, null, false)).toEqualTypeOf<[output: Tensor, weights: null]>()
      expectTypeOf(attention(x, x, x, { needWeights: x.ndim === 2 })).toEqualTypeOf<[output: Tensor, weights: Tensor | null]>()
      // @ts-expect-error: key and value are missing
      attention(x)
      // @ts-expect-error: no such option
      attention(x, x, x, { mask: x })
      // @ts-expect-error: heads are missing
      new nn.MultiheadAttention(4)
    }))
})

describe('containers', () => {
  test('Sequential takes a tensor to a tensor', () =>
    compiled(() => {
      const model = new nn.Sequential(new nn.Linear(4, 3), new nn.ReLU())
      expectTypeOf(model(x)).toEqualTypeOf<Tensor>()
      expectTypeOf(new nn.Sequential({ fc: new nn.Linear(4, 3) })(x)).toEqualTypeOf<Tensor>()
      expectTypeOf(new nn.Sequential(['fc', new nn.Linear(4, 3)])(x)).toEqualTypeOf<Tensor>()
      // @ts-expect-error: the input is missing
      model()
      // @ts-expect-error: one argument too many
      model(x, x)
      // @ts-expect-error: a number is no tensor
      model(1)
      // @ts-expect-error: a function is no module
      new nn.Sequential(torch.relu)
      // @ts-expect-error: a number is no module
      new nn.Sequential({ fc: 1 })
    }))

  test('ModuleList knows what it holds', () =>
    compiled(() => {
      const layers = new nn.ModuleList([new nn.Linear(4, 4), new nn.Linear(4, 4)])
      expectTypeOf(layers).toEqualTypeOf<nn.ModuleList<nn.Linear>>()
      expectTypeOf(layers.at(0).weight).toEqualTypeOf<nn.Parameter>()
      for (const layer of layers) expectTypeOf(layer(x)).toEqualTypeOf<Tensor>()
      expectTypeOf(layers.slice(1).at(0)).toEqualTypeOf<nn.Linear>()
      expectTypeOf(layers.pop()).toEqualTypeOf<nn.Linear>()
      const mixed = new nn.ModuleList<nn.Module>([new nn.Linear(4, 4)])
      mixed.append(new nn.ReLU()).extend(layers)
      new nn.ModuleList().append(new nn.ReLU())
      const either = new nn.ModuleList([new nn.Linear(4, 4), new nn.ReLU()])
      for (const layer of either) expectTypeOf(layer(x)).toEqualTypeOf<Tensor>()
      const general: nn.ModuleList = layers
      expectTypeOf(general.at(0)).toEqualTypeOf<nn.Module>()
      // @ts-expect-error: it holds linear layers
      layers.append(new nn.ReLU())
      // @ts-expect-error: a tensor is no module
      new nn.ModuleList([x])
    }))

  test('ModuleDict and ParameterDict know what they hold', () =>
    compiled(() => {
      const heads = new nn.ModuleDict({ a: new nn.Linear(4, 1), b: new nn.Linear(4, 2) })
      expectTypeOf(heads.get('a')(x)).toEqualTypeOf<Tensor>()
      for (const [name, head] of heads) expectTypeOf([name, head]).toEqualTypeOf<(string | nn.Linear)[]>()
      expectTypeOf(heads.values()).toEqualTypeOf<nn.Linear[]>()
      // @ts-expect-error: it holds linear layers
      heads.set('c', new nn.ReLU())
      // @ts-expect-error: names are strings
      heads.get(1)
      expectTypeOf(new nn.ParameterList([x]).at(0)).toEqualTypeOf<nn.Parameter>()
      expectTypeOf(new nn.ParameterDict({ x }).get('x')).toEqualTypeOf<nn.Parameter>()
    }))
})

test('wrong calls of modules', () =>
  compiled(() => {
    // @ts-expect-error: the input is missing
    new nn.Linear(4, 2)()
    // @ts-expect-error: one argument too many
    new nn.Linear(4, 2)(x, x)
    // @ts-expect-error: an array is no tensor
    new nn.Conv2d(1, 2, 3)([1])
    // @ts-expect-error: the target is missing
    new nn.MSELoss()(x)
    // @ts-expect-error: null is no tensor
    new nn.ReLU()(null)
    // @ts-expect-error: the memory is missing
    new nn.TransformerDecoderLayer(4, 2)(x)
    // @ts-expect-error: no such option
    new nn.TransformerEncoderLayer(4, 2)(x, { mask: x })
    // @ts-expect-error: a second input is missing
    new nn.Bilinear(4, 4, 2)(x)
    // @ts-expect-error: the indices are missing
    new nn.MaxUnpool2d(2)(x)
  }))

test('wrong constructions of modules', () =>
  compiled(() => {
    // @ts-expect-error: outFeatures is missing
    new nn.Linear(4)
    // @ts-expect-error: sizes are numbers
    new nn.Linear('4', 2)
    // @ts-expect-error: no such option
    new nn.Linear(4, 2, { biases: true })
    // @ts-expect-error: kernelSize is missing
    new nn.Conv2d(1, 2)
    // @ts-expect-error: no such way of padding
    new nn.Conv2d(1, 2, 3, { padding: 'full' })
    // @ts-expect-error: no such option
    new nn.Conv2d(1, 2, 3, { strides: 2 })
    // @ts-expect-error: a string is no stride
    new nn.Conv2d(1, 2, 3, { stride: '2' })
    // @ts-expect-error: numFeatures is missing
    new nn.BatchNorm2d()
    // @ts-expect-error: no such option
    new nn.BatchNorm2d(2, { epsilon: 1e-5 })
    // @ts-expect-error: the shape is missing
    new nn.LayerNorm()
    // @ts-expect-error: embeddingDim is missing
    new nn.Embedding(3)
    // @ts-expect-error: no such option
    new nn.Embedding(3, 4, { padding: 0 })
    // @ts-expect-error: no such option
    new nn.Dropout({ rate: 0.5 })
    // @ts-expect-error: hiddenSize is missing
    new nn.LSTM(4)
    // @ts-expect-error: no such option
    new nn.LSTM(4, 5, { layers: 2 })
    // @ts-expect-error: an option of LSTM alone
    new nn.GRU(4, 5, { projSize: 2 })
    // @ts-expect-error: no such nonlinearity
    new nn.RNN(4, 5, { nonlinearity: 'sigmoid' })
    // @ts-expect-error: no such approximation
    new nn.GELU({ approximate: 'exact' })
    // @ts-expect-error: no such mode
    new nn.Upsample({ scaleFactor: 2, mode: 'cubic' })
    // @ts-expect-error: kernelSize is missing
    new nn.MaxPool2d()
    // @ts-expect-error: no such mode
    new nn.EmbeddingBag(3, 4, { mode: 'mode' })
    // @ts-expect-error: no such reduction
    new nn.MSELoss({ reduction: 'average' })
    // @ts-expect-error: no such dtype
    new nn.Linear(4, 2, { dtype: 'float' })
    // @ts-expect-error: numGroups and numChannels are required
    new nn.GroupNorm(2)
    // @ts-expect-error: no such activation
    new nn.TransformerEncoderLayer(4, 2, { activation: 'tanh' })
    // @ts-expect-error: cutoffs are missing
    new nn.AdaptiveLogSoftmaxWithLoss(4, 10)
    // @ts-expect-error: no such padding mode
    new nn.Conv1d(1, 2, 3, { paddingMode: 'mirror' })
  }))

test('modules of one’s own', () =>
  compiled(() => {
    class Classifier extends nn.Module {
      readonly body = new nn.LSTM(4, 8, { batchFirst: true })
      readonly head = new nn.Linear(8, 3)
      override forward(tokens: Tensor, { mask = null }: { mask?: Tensor | null } = {}): { logits: Tensor; mask: Tensor | null } {
        const [states] = this.body(tokens)
        return { logits: this.head(states), mask }
      }
    }
    const model = new Classifier()
    expectTypeOf(model(x)).toEqualTypeOf<{ logits: Tensor; mask: Tensor | null }>()
    expectTypeOf(model(x, { mask: x }).logits).toEqualTypeOf<Tensor>()
    // A subclass has a forward of its own, and what gives back the module gives back its class.
    class Twice extends nn.Linear {
      override forward(input: Tensor): Tensor {
        return super.forward(super.forward(input))
      }
    }
    expectTypeOf(new Twice(4, 4)(x)).toEqualTypeOf<Tensor>()
    expectTypeOf(model.train().eval().to('float64').requiresGrad_(false).deepcopy()).toEqualTypeOf<Classifier>()
    expectTypeOf(model.parameters()).toEqualTypeOf<nn.Parameter[]>()
    class Generic<T> extends nn.Module {
      override forward(input: T): T {
        return input
      }
    }
    expectTypeOf(new Generic<[Tensor, string]>()([x, 'x'])).toEqualTypeOf<[Tensor, string]>()
    class Later extends nn.Module {
      override async forward(input: Tensor): Promise<number> {
        return input.sum().item()
      }
    }
    expectTypeOf(new Later()(x)).toEqualTypeOf<Promise<number>>()
    // @ts-expect-error: the input is missing
    model()
    // @ts-expect-error: no such option
    model(x, { masks: x })
    // @ts-expect-error: no such result
    model(x).logit
    // @ts-expect-error: a promise is no number
    new Later()(x).toFixed()
  }))

test('optimizers and their options', () =>
  compiled(() => {
    const model = new nn.Linear(4, 2)
    new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 })
    new optim.Adam([{ params: model.parameters(), lr: 1 }, { params: [model.weight] }], { lr: 0.1, betas: [0.9, 0.99] })
    // @ts-expect-error: parameters are required
    new optim.SGD()
    // @ts-expect-error: no such option
    new optim.Adam(model.parameters(), { lr: 0.1, beta: 0.9 })
    // @ts-expect-error: a module is no list of parameters
    new optim.Adam(model)
    // @ts-expect-error: two betas
    new optim.Adam(model.parameters(), { betas: [0.9] })
    // @ts-expect-error: no such option
    new optim.lrScheduler.StepLR(new optim.Adam(model.parameters()), { steps: 2 })
  }))
