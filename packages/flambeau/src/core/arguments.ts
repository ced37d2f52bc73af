/** Arguments with defaults, by position or by name. */

/**
 * The ways to give arguments that have defaults: by position, by name in one trailing object, or the first ones by position
 * and the others by name. `P` is the labelled tuple of those that have a position, `O` the options object.
 *
 * `(self: Tensor, ...args: Arguments<[offset: number, dim1: number, dim2: number], DiagonalOptions>)`
 */
export type Arguments<P extends readonly unknown[], O> = Partial<P> | WithOptions<{ [K in keyof P]: P[K] | undefined }, O>
type WithOptions<P extends readonly unknown[], O> = P extends readonly [...infer First, unknown]
  ? [...P, O] | WithOptions<First, O>
  : [O]

/** Whether a value is an options object: a plain object, which no tensor, array or module is. */
export function isOptions(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/**
 * Arguments given by position or by name, as one object. `positional` are the names in order, `named` those that have no position.
 *
 * @throws TypeError in Python's words where there are too many, one is given twice, or a name is unknown
 * @example
 * readArguments('diagonal', [1, { dim2: 2 }], ['offset', 'dim1', 'dim2']) // { offset: 1, dim2: 2 }
 */
export function readArguments<O extends object>(
  name: string,
  args: readonly unknown[],
  positional: readonly (keyof O & string)[],
  named: readonly (keyof O & string)[] = [],
): O {
  const last = args[args.length - 1]
  const options = isOptions(last) ? last : null
  const count = args.length - (options === null ? 0 : 1)
  if (count > positional.length)
    throw new TypeError(`${name}() takes at most ${positional.length} arguments with defaults but ${count} were given`)
  const given: Record<string, unknown> = {}
  for (let i = 0; i < count; i++) given[positional[i]] = args[i]
  for (const key in options) {
    if (!positional.includes(key as keyof O & string) && !named.includes(key as keyof O & string))
      throw new TypeError(`${name}() got an unexpected keyword argument '${key}'`)
    if (given[key] !== undefined) throw new TypeError(`${name}() got multiple values for argument '${key}'`)
    given[key] = options[key]
  }
  return given as O
}

/** The one argument of many ops that has a default. */
export interface DimOptions {
  dim?: number
}

/**
 * A single argument, by position or by name: what `readArguments` does, for paths where nanoseconds matter.
 *
 * @throws TypeError for another name
 * @example
 * readArgument('cat', 'dim', { dim: 1 }, 0) // 1
 * readArgument('cat', 'dim', undefined, 0) // 0
 */
export function readArgument<T>(op: string, name: string, value: T | object | undefined, preset: T): T {
  if (value === undefined) return preset
  if (!isOptions(value)) return value as T
  for (const key in value) if (key !== name) throw new TypeError(`${op}() got an unexpected keyword argument '${key}'`)
  return (value[name] as T | undefined) ?? preset
}
