/** Parameters that are computed from others: `torch.nn.utils.parametrize`. */

import { noGrad } from '../../autograd/mode.js'
import { type Arguments, readArguments } from '../../core/arguments.js'
import { sameShape, showShape } from '../../core/layout.js'
import { Tensor } from '../../core/tensor.js'
import { detach } from '../../ops/view.js'
import { ModuleDict, ModuleList } from '../containers.js'
import { type Module, removeFrom } from '../module.js'
import { Parameter } from '../parameter.js'

/** A module that may know the way back. */
interface Parametrization {
  rightInverse?(value: Tensor): Tensor | readonly Tensor[]
}

/**
 * What one parameter is computed by: the original tensor, or several, and the modules that run on it one after the other. Its
 * result is the parameter's value.
 *
 * @example
 * class Symmetric extends nn.Module {
 *   forward(x: Tensor): Tensor { return x.triu().add(x.triu(1).T) }
 * }
 * const layer = nn.utils.parametrize.registerParametrization(new nn.Linear(3, 3), 'weight', new Symmetric())
 * nn.utils.parametrize.parametrizationsOf(layer, 'weight')!.length // 1
 */
export class ParametrizationList extends ModuleList {
  readonly isTensor: boolean
  /** How many originals there are. */
  readonly ntensors: number

  constructor(modules: Iterable<Module>, value: Tensor, unsafe = false) {
    super(modules)
    const list = [...this]
    let original: Tensor | readonly Tensor[] = value
    noGrad(() => {
      for (const module of list.reverse()) {
        const { rightInverse } = module as Parametrization
        if (rightInverse !== undefined) original = rightInverse.call(module, original as Tensor)
      }
    })
    const tensors: readonly Tensor[] = original instanceof Tensor ? [original] : (original as readonly Tensor[])
    if (!Array.isArray(tensors) || !tensors.every((t) => t instanceof Tensor))
      throw new Error("'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...).")
    this.isTensor = original instanceof Tensor
    this.ntensors = tensors.length
    tensors.forEach((t, i) => {
      const name = this.isTensor ? 'original' : `original${i}`
      if (value instanceof Parameter)
        this.registerParameter(
          name,
          this.isTensor && t === value ? value : new Parameter(detach(t), { requiresGrad: value.requiresGrad }),
        )
      else this.registerBuffer(name, t)
    })
    if (unsafe) return
    const result = noGrad(() => this.forward())
    if (result.dtype !== value.dtype)
      throw new Error(
        `Registering a parametrization may not change the dtype of the tensor, unless unsafe is true: ${value.dtype} became ${result.dtype}`,
      )
    if (!sameShape(result.layout.shape, value.layout.shape))
      throw new Error(
        `Registering a parametrization may not change the shape of the tensor, unless unsafe is true: ${showShape(value.layout.shape)} became ${showShape(result.layout.shape)}`,
      )
  }

  /** The original tensors. */
  originals(): Tensor[] {
    return this.isTensor
      ? [Reflect.get(this, 'original') as Tensor]
      : Array.from({ length: this.ntensors }, (_, i) => Reflect.get(this, `original${i}`) as Tensor)
  }

  override forward(): Tensor {
    const [first, ...rest] = [...this]
    let value: Tensor = first(...this.originals())
    for (const module of rest) value = module(value)
    return value
  }

  /** Changes the originals so that the value becomes this one, as far as the modules know the way back. */
  assign(value: Tensor): void {
    noGrad(() => {
      let original: Tensor | readonly Tensor[] = value
      for (const module of [...this].reverse()) {
        const { rightInverse } = module as Parametrization
        if (rightInverse === undefined)
          throw new Error(
            `parametrization ${module.getName()} does not implement right_inverse. Assigning to a parametrized tensor is only possible when all the parametrizations implement this method.`,
          )
        original = rightInverse.call(module, original as Tensor)
      }
      const tensors: readonly Tensor[] = original instanceof Tensor ? [original] : (original as readonly Tensor[])
      this.originals().forEach((target, i) => {
        target.copy_(tensors[i])
      })
    })
  }
}

const parametrizationsIn = (module: Module): ModuleDict | undefined => {
  const value: unknown = Object.hasOwn(module, 'parametrizations') ? Reflect.get(module, 'parametrizations') : undefined
  return value instanceof ModuleDict ? value : undefined
}

/**
 * What a parameter is computed by, or undefined where it is not.
 *
 * @example
 * nn.utils.parametrize.parametrizationsOf(new nn.Linear(2, 2), 'weight') // undefined
 */
export function parametrizationsOf(module: Module, tensorName: string): ParametrizationList | undefined {
  const dict = parametrizationsIn(module)
  return dict?.has(tensorName) ? (dict.get(tensorName) as ParametrizationList) : undefined
}

/** Gives one module a class of its own, with accessors where its parametrized tensors were; its copies share the class. */
function specialize(module: Module): void {
  const prototype = Object.create(Object.getPrototypeOf(module) as object) as object
  const constructor = { [`Parametrized${module.getName()}`]: class {} }[`Parametrized${module.getName()}`]
  Object.defineProperty(prototype, 'constructor', { value: constructor, writable: true, configurable: true })
  Object.setPrototypeOf(module, prototype)
  module.registerModule('parametrizations', new ModuleDict())
}

/**
 * Computes a parameter or buffer of a module from another tensor by a module, as
 * `torch.nn.utils.parametrize.register_parametrization`; several run one after the other. Where the module has a method
 * `rightInverse`, the tensor keeps its value, and values can be assigned.
 *
 * @throws Error where the module has no such tensor, or its shape or dtype would change without `unsafe`.
 * @example
 * class Symmetric extends nn.Module {
 *   forward(x: Tensor): Tensor { return x.triu().add(x.triu(1).T) }
 * }
 * const layer = new nn.Linear(3, 3)
 * nn.utils.parametrize.registerParametrization(layer, 'weight', new Symmetric())
 * layer.weight.equal(layer.weight.T) // true
 * Object.keys(layer.stateDict()) // [ 'bias', 'parametrizations.weight.original' ]
 */
export function registerParametrization<M extends Module>(
  module: M,
  tensorName: string,
  parametrization: Module,
  ...args: Arguments<[unsafe: boolean], { unsafe?: boolean }>
): M {
  const { unsafe = false } = readArguments<{ unsafe?: boolean }>('register_parametrization', args, ['unsafe'])
  const present = parametrizationsOf(module, tensorName)
  if (present !== undefined) {
    const before = noGrad(() => present.forward())
    const { rightInverse } = parametrization as Parametrization
    if (rightInverse !== undefined && present.isTensor)
      noGrad(() => {
        present.assign(rightInverse.call(parametrization, before) as Tensor)
      })
    if (!unsafe)
      requireSameKind(
        noGrad(() => parametrization(before) as Tensor),
        before,
      )
    present.append(parametrization)
    return module
  }
  const value: unknown = Object.hasOwn(module, tensorName) ? Reflect.get(module, tensorName) : undefined
  if (!(value instanceof Tensor))
    throw new Error(`Module '${module}' does not have a parameter, a buffer, or a parametrized element with name '${tensorName}'`)
  const list = new ParametrizationList([parametrization], value, unsafe)
  if (parametrizationsIn(module) === undefined) specialize(module)
  removeFrom(module, tensorName)
  Object.defineProperty(Object.getPrototypeOf(module), tensorName, {
    get(this: Module) {
      return parametrizationsOf(this, tensorName)?.()
    },
    set(this: Module, given: Tensor) {
      parametrizationsOf(this, tensorName)?.assign(given)
    },
    configurable: true,
  })
  parametrizationsIn(module)!.set(tensorName, list)
  return module
}
function requireSameKind(after: Tensor, before: Tensor): void {
  if (after.dtype !== before.dtype || !sameShape(after.layout.shape, before.layout.shape))
    throw new Error(
      `A parametrization may not change the shape or the dtype of the tensor, unless unsafe is true: ${before.dtype} ${showShape(before.layout.shape)} became ${after.dtype} ${showShape(after.layout.shape)}`,
    )
}

/**
 * Whether a module, or one of its tensors, is parametrized, as `torch.nn.utils.parametrize.is_parametrized`.
 *
 * @example
 * nn.utils.parametrize.isParametrized(new nn.Linear(2, 2)) // false
 */
export function isParametrized(
  module: Module,
  ...args: Arguments<[tensorName: string | null], { tensorName?: string | null }>
): boolean {
  const { tensorName = null } = readArguments<{ tensorName?: string | null }>('is_parametrized', args, ['tensorName'])
  const dict = parametrizationsIn(module)
  return dict !== undefined && (tensorName === null ? dict.size > 0 : dict.has(tensorName))
}

/**
 * Makes a tensor an ordinary one again, with the computed value, or with `leaveParametrized: false` with the original, as
 * `torch.nn.utils.parametrize.remove_parametrizations`.
 *
 * @throws Error where it is not parametrized, or for several originals with `leaveParametrized: false`.
 * @example
 * class Double extends nn.Module {
 *   forward(x: Tensor): Tensor { return x.mul(2) }
 * }
 * const layer = nn.utils.parametrize.registerParametrization(new nn.Linear(3, 3), 'weight', new Double())
 * nn.utils.parametrize.removeParametrizations(layer, 'weight') // Linear(in_features=3, out_features=3, bias=True)
 */
export function removeParametrizations<M extends Module>(
  module: M,
  tensorName: string,
  ...args: Arguments<[leaveParametrized: boolean], { leaveParametrized?: boolean }>
): M {
  const { leaveParametrized = true } = readArguments<{ leaveParametrized?: boolean }>('remove_parametrizations', args, [
    'leaveParametrized',
  ])
  const list = parametrizationsOf(module, tensorName)
  if (list === undefined) throw new Error(`Module ${module} does not have a parametrization on ${tensorName}`)
  if (!leaveParametrized && !list.isTensor)
    throw new Error(
      'Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a sequence of tensors.',
    )
  const [original] = list.originals()
  const value = leaveParametrized ? detach(noGrad(() => list.forward())) : original
  const dict = parametrizationsIn(module)!
  dict.delete(tensorName)
  if (dict.size === 0) {
    removeFrom(module, 'parametrizations')
    Object.setPrototypeOf(module, Object.getPrototypeOf(Object.getPrototypeOf(module)))
  }
  if (!(original instanceof Parameter)) module.registerBuffer(tensorName, value)
  else
    module.registerParameter(
      tensorName,
      leaveParametrized ? new Parameter(value, { requiresGrad: original.requiresGrad }) : original,
    )
  return module
}
