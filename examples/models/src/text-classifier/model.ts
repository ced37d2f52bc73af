/** A text classifier: embedding, bidirectional LSTM, attention. */

import { nn, type Tensor } from 'flambeau'

const { packPaddedSequence, padPackedSequence } = nn.utils.rnn

/** Additive attention: which states matter, and their weighted sum. */
export class Attention extends nn.Module {
  readonly project: nn.Linear
  readonly score: nn.Linear

  constructor(features: number) {
    super()
    this.project = new nn.Linear(features, features)
    this.score = new nn.Linear(features, 1, { bias: false })
  }

  /** From states [N, L, features] and a mask [N, L], false for padding. */
  override forward(states: Tensor, mask: Tensor): [context: Tensor, weights: Tensor] {
    const scores = this.score(this.project(states).tanh()).squeeze(-1)
    const weights = scores.maskedFill(mask.logicalNot(), Number.NEGATIVE_INFINITY).softmax(1)
    return [weights.unsqueeze(1).bmm(states).squeeze(1), weights]
  }
}

export interface TextClassifierOptions {
  numLayers?: number
  dropout?: number
}

/** From tokens [N, L], padded with 0, and their lengths to logits [N, numClasses] and the attention [N, L] behind them. */
export class TextClassifier extends nn.Module {
  readonly embedding: nn.Embedding
  readonly lstm: nn.LSTM
  readonly attention: Attention
  readonly dropout: nn.Dropout
  readonly fc: nn.Linear

  constructor(
    vocabulary: number,
    embedDim: number,
    hiddenSize: number,
    numClasses: number,
    { numLayers = 1, dropout = 0 }: TextClassifierOptions = {},
  ) {
    super()
    this.embedding = new nn.Embedding(vocabulary, embedDim, { paddingIdx: 0 })
    this.lstm = new nn.LSTM(embedDim, hiddenSize, {
      numLayers,
      batchFirst: true,
      bidirectional: true,
      dropout: numLayers > 1 ? dropout : 0,
    })
    this.attention = new Attention(2 * hiddenSize)
    this.dropout = new nn.Dropout(dropout)
    this.fc = new nn.Linear(2 * hiddenSize, numClasses)
  }

  override forward(tokens: Tensor, lengths: Tensor): [logits: Tensor, weights: Tensor] {
    const packed = packPaddedSequence(this.embedding(tokens), lengths, { batchFirst: true, enforceSorted: false })
    const [output] = this.lstm(packed)
    const [states] = padPackedSequence(output, { batchFirst: true, totalLength: tokens.size(1) })
    const [context, weights] = this.attention(states, tokens.ne(0))
    return [this.fc(this.dropout(context)), weights]
  }
}
