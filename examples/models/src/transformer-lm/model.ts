/** A decoder-only Transformer that predicts the next token. */

import * as torch from 'flambeau'
import { nn, type Tensor } from 'flambeau'

const { functional: F } = nn

/** Every position looks at itself and what came before it. */
export class CausalSelfAttention extends nn.Module {
  readonly numHeads: number
  readonly qkv: nn.Linear
  readonly proj: nn.Linear

  constructor(embedDim: number, numHeads: number) {
    super()
    this.numHeads = numHeads
    this.qkv = new nn.Linear(embedDim, 3 * embedDim)
    this.proj = new nn.Linear(embedDim, embedDim)
  }

  override forward(x: Tensor): Tensor {
    const [n, steps, width] = x.shape
    const heads = (t: Tensor): Tensor => t.view(n, steps, this.numHeads, -1).transpose(1, 2)
    const [q, k, v] = this.qkv(x).chunk(3, -1).map(heads)
    const y = F.scaledDotProductAttention(q, k, v, { isCausal: true })
    return this.proj(y.transpose(1, 2).reshape(n, steps, width))
  }
}

export class Block extends nn.Module {
  readonly ln1: nn.LayerNorm
  readonly attention: CausalSelfAttention
  readonly ln2: nn.LayerNorm
  readonly mlp: nn.Sequential
  readonly dropout: nn.Dropout

  constructor(embedDim: number, numHeads: number, dropout: number) {
    super()
    this.ln1 = new nn.LayerNorm(embedDim)
    this.attention = new CausalSelfAttention(embedDim, numHeads)
    this.ln2 = new nn.LayerNorm(embedDim)
    this.mlp = new nn.Sequential(new nn.Linear(embedDim, 4 * embedDim), new nn.GELU(), new nn.Linear(4 * embedDim, embedDim))
    this.dropout = new nn.Dropout(dropout)
  }

  override forward(input: Tensor): Tensor {
    const x = input.add(this.dropout(this.attention(this.ln1(input))))
    return x.add(this.dropout(this.mlp(this.ln2(x))))
  }
}

export interface TransformerLMOptions {
  /** How many tokens the model sees at most. */
  context: number
  embedDim: number
  numHeads: number
  numLayers: number
  dropout?: number
}

/** From tokens [N, L] to logits [N, L, vocabulary] of the tokens that follow. Input and output share their embedding. */
export class TransformerLM extends nn.Module {
  readonly context: number
  readonly tokens: nn.Embedding
  readonly positions: nn.Embedding
  readonly dropout: nn.Dropout
  readonly blocks: nn.ModuleList<Block>
  readonly ln: nn.LayerNorm
  readonly head: nn.Linear

  constructor(vocabulary: number, { context, embedDim, numHeads, numLayers, dropout = 0 }: TransformerLMOptions) {
    super()
    this.context = context
    this.tokens = new nn.Embedding(vocabulary, embedDim)
    this.positions = new nn.Embedding(context, embedDim)
    this.dropout = new nn.Dropout(dropout)
    this.blocks = new nn.ModuleList(Array.from({ length: numLayers }, () => new Block(embedDim, numHeads, dropout)))
    this.ln = new nn.LayerNorm(embedDim)
    this.head = new nn.Linear(embedDim, vocabulary, { bias: false })
    this.head.weight = this.tokens.weight
    for (const module of this.modules())
      if (module instanceof nn.Linear || module instanceof nn.Embedding) nn.init.normal_(module.weight, 0, 0.02)
  }

  override forward(tokens: Tensor): Tensor {
    const positions = torch.arange(tokens.size(1))
    let x = this.dropout(this.tokens(tokens).add(this.positions(positions)))
    for (const block of this.blocks) x = block(x)
    return this.head(this.ln(x))
  }

  /** `count` more tokens after those given [N, L], drawn from what the model expects. */
  generate(tokens: Tensor, count: number, { temperature = 1 } = {}): Tensor {
    return torch.noGrad(() => {
      let text = tokens
      for (let i = 0; i < count; i++) {
        const logits = this.forward(text.at('...', `${-this.context}:`)).at(':', -1)
        const next = logits.div(temperature).softmax(-1).multinomial(1)
        text = torch.cat([text, next], { dim: 1 })
      }
      return text
    })
  }
}
