/** A table of a model's layers. */

import { noGrad } from '../../autograd/mode.js'
import { type Arguments, readArguments } from '../../core/arguments.js'
import { type DType, getDefaultDtype } from '../../core/dtype.js'
import type { Shape } from '../../core/layout.js'
import { Tensor } from '../../core/tensor.js'
import { zeros } from '../../ops/creation.js'
import { inspectSymbol } from '../../show.js'
import type { Module } from '../module.js'

/** One line of the table. */
export interface LayerSummary {
  /** The dotted path, empty for the model itself. */
  readonly name: string
  readonly type: string
  readonly depth: number
  /** The shapes of what it returned at its last call. */
  readonly outputShapes: readonly Shape[]
  /** The elements of its own parameters and those below it. */
  readonly parameters: number
  /** Multiplications with weights in all its calls. */
  readonly multiplyAdds: number
}

/**
 * What `summary` found; its text is the table.
 *
 * @example
 * nn.utils.summary(new nn.Linear(4, 2), [1, 4], { print: false }).totalParameters // 10
 */
export class ModelSummary {
  readonly layers: readonly LayerSummary[]
  readonly totalParameters: number
  readonly trainableParameters: number
  readonly totalMultiplyAdds: number

  constructor(layers: readonly LayerSummary[], totalParameters: number, trainableParameters: number, totalMultiplyAdds: number) {
    this.layers = layers
    this.totalParameters = totalParameters
    this.trainableParameters = trainableParameters
    this.totalMultiplyAdds = totalMultiplyAdds
  }

  toString(): string {
    const heads = ['Layer (type)', 'Output Shape', 'Param #', 'Mult-Adds']
    const rows = this.layers.map(({ name, type, depth, outputShapes, parameters, multiplyAdds }) => [
      `${'  '.repeat(depth)}${name === '' ? type : `${name.split('.').at(-1)} (${type})`}`,
      outputShapes.map((shape) => `[${shape.join(', ')}]`).join(', ') || '--',
      parameters === 0 ? '--' : grouped(parameters),
      multiplyAdds === 0 ? '--' : grouped(multiplyAdds),
    ])
    const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i].length)))
    const line = (row: readonly string[]): string =>
      row
        .map((text, i) => (i < 2 ? text.padEnd(widths[i]) : text.padStart(widths[i])))
        .join('  ')
        .trimEnd()
    const rule = (sign: string): string => sign.repeat(widths.reduce((sum, width) => sum + width, 2 * (widths.length - 1)))
    return [
      rule('='),
      line(heads),
      rule('='),
      ...rows.map(line),
      rule('='),
      `Total params: ${grouped(this.totalParameters)}`,
      `Trainable params: ${grouped(this.trainableParameters)}`,
      `Non-trainable params: ${grouped(this.totalParameters - this.trainableParameters)}`,
      `Total mult-adds: ${grouped(this.totalMultiplyAdds)}`,
      rule('='),
    ].join('\n')
  }

  [inspectSymbol](): string {
    return this.toString()
  }
}

const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',')
const tensorsIn = (value: unknown): Tensor[] =>
  value instanceof Tensor
    ? [value]
    : Array.isArray(value)
      ? value.flatMap(tensorsIn)
      : isResults(value)
        ? [...value].flatMap(tensorsIn)
        : []
const isResults = (value: unknown): value is Iterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.iterator in value
const product = (sizes: Shape): number => sizes.reduce((n, size) => n * size, 1)
const sizeOf = (module: Module, recurse = true): number =>
  module.parameters(recurse).reduce((n, parameter) => n + parameter.layout.numel, 0)

/** How often a layer multiplies with a weight in one call. */
function multiplyAddsOf(module: Module, inputs: readonly Tensor[], outputs: readonly Tensor[]): number {
  const weights = [...module.ownParameters()].filter(([, p]) => p.ndim > 1)
  const [input, output] = [inputs[0]?.layout.shape, outputs[0]?.layout.shape]
  if (weights.length === 0 || input === undefined || output === undefined) return 0
  const size = weights.reduce((n, [, p]) => n + p.layout.numel, 0)
  const kind = module.getName()
  if (/^(Lazy)?ConvTranspose/.test(kind)) return size * (product(input) / ((Reflect.get(module, 'inChannels') as number) || 1))
  if (/^(Lazy)?Conv/.test(kind)) return size * (product(output) / ((Reflect.get(module, 'outChannels') as number) || 1))
  if (/^Embedding/.test(kind)) return 0
  // A matrix is applied to every vector of the input: those of a batch, and of each step of a sequence.
  return size * (product(input) / (input.at(-1) || 1))
}

export interface SummaryOptions {
  /** The dtype of the inputs, one for all or one each; float32 unless given. */
  dtype?: DType | readonly DType[]
  /** How many levels of submodules are shown; all unless given. */
  depth?: number
  /** Whether the table is printed. */
  print?: boolean
}

/**
 * Runs a model in evaluation mode on zeros of a size, batch included (or of several sizes, one for each argument), and prints
 * what its layers return, how many parameters they have and how often they multiply with them.
 *
 * @throws Error what the model throws for such inputs.
 * @example
 * const model = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 2))
 * nn.utils.summary(model, [32, 4], { print: false })
 * // ==============================================
 * // Layer (type)  Output Shape  Param #  Mult-Adds
 * // ==============================================
 * // Sequential    [32, 2]            58      1,536
 * //   0 (Linear)  [32, 8]            40      1,024
 * //   1 (ReLU)    [32, 8]            --         --
 * //   2 (Linear)  [32, 2]            18        512
 * // ==============================================
 * // Total params: 58
 * // Trainable params: 58
 * // Non-trainable params: 0
 * // Total mult-adds: 1,536
 * // ==============================================
 */
export function summary(
  model: Module,
  inputSize: Shape | readonly Shape[],
  ...args: Arguments<[dtype: DType | readonly DType[]], SummaryOptions>
): ModelSummary {
  const {
    dtype = getDefaultDtype(),
    depth = Number.POSITIVE_INFINITY,
    print = true,
  } = readArguments<SummaryOptions>('summary', args, ['dtype'], ['depth', 'print'])
  const sizes = (inputSize.length > 0 && Array.isArray(inputSize[0]) ? inputSize : [inputSize]) as readonly Shape[]
  const inputs = sizes.map((size, i) => zeros(size, { dtype: typeof dtype === 'string' ? dtype : dtype[i] }))
  const found = new Map<Module, { shapes: readonly Shape[]; multiplyAdds: number }>()
  const modules = model.namedModules()
  const handles = modules.map(([, module]) =>
    module.registerForwardHook((_, given, output) => {
      const outputs = tensorsIn(output)
      const before = found.get(module)?.multiplyAdds ?? 0
      found.set(module, {
        shapes: outputs.map((t) => t.layout.shape),
        multiplyAdds: before + multiplyAddsOf(module, tensorsIn(given), outputs),
      })
    }),
  )
  const training = modules.map(([, module]) => module.training)
  try {
    model.eval()
    noGrad(() => model(...inputs))
  } finally {
    for (const handle of handles) handle.remove()
    modules.forEach(([, module], i) => {
      module.training = training[i]
    })
  }
  const multiplyAdds = (module: Module): number => module.modules().reduce((n, m) => n + (found.get(m)?.multiplyAdds ?? 0), 0)
  const layers = modules
    .map(([name, module]) => ({
      name,
      type: module.getName(),
      depth: name === '' ? 0 : name.split('.').length,
      outputShapes: found.get(module)?.shapes ?? [],
      parameters: sizeOf(module),
      multiplyAdds: multiplyAdds(module),
    }))
    .filter((layer) => layer.depth <= depth)
  const trainable = model.parameters().reduce((n, p) => n + (p.requiresGrad ? p.layout.numel : 0), 0)
  const result = new ModelSummary(layers, sizeOf(model), trainable, multiplyAdds(model))
  if (print) console.log(result.toString())
  return result
}
