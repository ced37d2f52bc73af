/** Arguments with defaults, by position or by name. */

/**
 * The ways to give arguments that have defaults: by position, by name in one trailing object, or the first ones by position
 * and the others by name. `P` is the labelled tuple of those that have a position, `O` the options object.
 *
 * @example
 * function diagonal(self: Tensor, ...args: Arguments<[offset: number, dim1: number, dim2: number], DiagonalOptions>)
 */
export type Arguments<P extends readonly unknown[], O> = Partial<P> | WithOptions<P, O>
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
 * const { offset = 0, dim1 = 0, dim2 = 1 } = readArguments<DiagonalOptions>('diagonal', args, ['offset', 'dim1', 'dim2'])
 */
export function readArguments<O extends object>(
  name: string,
  args: readonly unknown[],
  positional: readonly (keyof O & string)[],
  named: readonly (keyof O & string)[] = [],
): O {
  const last = args.at(-1)
  const options = isOptions(last) ? last : {}
  const count = args.length - (isOptions(last) ? 1 : 0)
  if (count > positional.length)
    throw new TypeError(`${name}() takes at most ${positional.length} arguments with defaults but ${count} were given`)
  const given: Record<string, unknown> = {}
  for (let i = 0; i < count; i++) given[positional[i]] = args[i]
  for (const [key, value] of Object.entries(options)) {
    if (!positional.includes(key as keyof O & string) && !named.includes(key as keyof O & string))
      throw new TypeError(`${name}() got an unexpected keyword argument '${key}'`)
    if (given[key] !== undefined) throw new TypeError(`${name}() got multiple values for argument '${key}'`)
    given[key] = value
  }
  return given as O
}
