/** Tensors as text, character for character what PyTorch prints. */

import type { Complex } from './complex.js'
import { formatFixed, formatScientific } from './decimal.js'
import { complexDType, type DType, getDefaultDtype, isComplex, isFloatingPoint, type Scalar } from './dtype.js'

/** What printing needs to know of a tensor. */
export interface PrintSource {
  readonly shape: readonly number[]
  readonly dtype: DType
  readonly device: string
  readonly requiresGrad: boolean
  /** The name of the node that made the tensor ('AddBackward0'), or null for a leaf. */
  readonly gradFnName: string | null
  /**
   * The element at a row-major index. Called once for each element that is shown and for no other, in ascending order;
   * float16 and bfloat16 give their value, not their bits.
   */
  element(index: number): Scalar | Complex
}

/** How tensors are printed, as the options of `torch.set_printoptions`. */
export interface PrintOptions {
  /** Digits after the point of floating point numbers. */
  precision: number
  /** Tensors of more elements than this are summarised. */
  threshold: number
  /** How many items a summary shows at each end of a dimension. */
  edgeitems: number
  /** Characters a line may have before it is broken. */
  linewidth: number
  /** Always (true) or never (false) use scientific notation; null decides by the values. */
  sciMode: boolean | null
}

const profiles = {
  default: { precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80 },
  short: { precision: 2, threshold: 1000, edgeitems: 2, linewidth: 80 },
  full: { precision: 4, threshold: Number.POSITIVE_INFINITY, edgeitems: 3, linewidth: 80 },
} satisfies Record<string, Omit<PrintOptions, 'sciMode'>>

/** A named set of print options. */
export type PrintProfile = keyof typeof profiles

const current: PrintOptions = { ...profiles.default, sciMode: null }

/** The options in force; changed by `setPrintoptions`. */
export const printOptions: Readonly<PrintOptions> = current

const checkCount = (name: string, value: number): void => {
  if (!Number.isInteger(value) || value < 0) throw new RangeError(`${name} must be a non-negative integer, got ${value}`)
}

/**
 * Sets how tensors are printed, as `torch.set_printoptions`. A profile comes first and the other options override it;
 * what is not given stays as it is, except `sciMode`, which goes back to automatic.
 *
 * @throws RangeError for an unknown profile, or a precision or edgeitems that is not a count.
 * @example
 * torch.setPrintoptions({ precision: 2 })
 * torch.tensor([1.12345]) // tensor([1.12])
 * torch.setPrintoptions({ profile: 'default' })
 */
export function setPrintoptions(options: Partial<PrintOptions> & { profile?: PrintProfile }): void {
  const { profile, precision, threshold, edgeitems, linewidth, sciMode } = options
  if (profile !== undefined && !Object.hasOwn(profiles, profile)) throw new RangeError(`unknown print profile '${profile}'`)
  const next = { ...current, ...(profile === undefined ? {} : profiles[profile]), sciMode: sciMode ?? null }
  if (precision !== undefined) next.precision = precision
  if (threshold !== undefined) next.threshold = threshold
  if (edgeitems !== undefined) next.edgeitems = edgeitems
  if (linewidth !== undefined) next.linewidth = linewidth
  checkCount('precision', next.precision)
  checkCount('edgeitems', next.edgeitems)
  Object.assign(current, next)
}

/** The style that all elements of a tensor share, and the width they are padded to. */
interface NumberStyle<T = Scalar> {
  readonly width: number
  format(value: T): string
}

const wholeText = (value: Scalar): string => (typeof value === 'boolean' ? (value ? 'True' : 'False') : value.toString())

/** The width comes from nonzero finite values alone: a nan, an infinity or a -0. may stick out, as it does in PyTorch. */
function floatStyle(values: readonly number[], { precision, sciMode }: PrintOptions): NumberStyle {
  const nonzero = values.filter((value) => Number.isFinite(value) && value !== 0)
  let smallest = Number.POSITIVE_INFINITY
  let largest = 0
  for (const value of nonzero) {
    smallest = Math.min(smallest, Math.abs(value))
    largest = Math.max(largest, Math.abs(value))
  }
  const whole = nonzero.every(Number.isInteger)
  const wide = nonzero.length > 0 && (largest / smallest > 1000 || largest > 1e8 || (!whole && smallest < 1e-4))

  const scientific = (value: number) => formatScientific(value, precision)
  const fixed = (value: number) => formatFixed(value, precision)
  // Whole numbers keep a bare point, so that they still read as floating point.
  const pointed = (value: number) => formatFixed(value, 0) + (Number.isFinite(value) ? '.' : '')
  const plain = whole ? pointed : fixed

  // The width is that of the automatic style even where sciMode asks for the other one; with nothing but zeros, nan and
  // infinities sciMode does not count.
  const measure = wide ? scientific : plain
  const print = nonzero.length > 0 && (sciMode ?? wide) ? scientific : plain
  const width = nonzero.reduce((widest, value) => Math.max(widest, measure(value).length), 1)
  return { width, format: (value) => print(Number(value)).padStart(width) }
}

function wholeStyle(values: readonly Scalar[]): NumberStyle {
  const width = values.reduce<number>((widest, value) => Math.max(widest, wholeText(value).length), 1)
  return { width, format: (value) => wholeText(value).padStart(width) }
}

/** Each part in its own style; the imaginary one is padded before its sign is put there, and then not at all. */
function complexStyle(values: readonly Complex[], options: PrintOptions): NumberStyle<Complex> {
  const [re, im] = [(v: Complex) => v.re, (v: Complex) => v.im].map((part) => floatStyle(values.map(part), options))
  const format = (value: Complex): string => {
    const imaginary = im.format(value.im).trimStart()
    return `${re.format(value.re)}${/^[-+]/.test(imaginary) ? '' : '+'}${imaginary}j`
  }
  return { width: re.width + im.width + 1, format }
}

/** The style of all elements that are shown. */
function styleOf(dtype: DType, shown: readonly (Scalar | Complex)[], options: PrintOptions): NumberStyle<Scalar | Complex> {
  const style = isComplex(dtype)
    ? complexStyle(shown as Complex[], options)
    : isFloatingPoint(dtype)
      ? floatStyle(shown as number[], options)
      : wholeStyle(shown as Scalar[])
  return style as NumberStyle<Scalar | Complex>
}

/** Prints the values of a tensor with at least one element; `indent` is the column where its text begins. */
function formatElements(source: PrintSource, indent: number, options: PrintOptions): string {
  const { shape, dtype } = source
  const { edgeitems, linewidth } = options
  const dim = shape.length
  const summarize = shape.reduce((numel, size) => numel * size, 1) > options.threshold
  const isCut = (size: number): boolean => summarize && size > 2 * edgeitems

  const shown: (Scalar | Complex)[] = []
  const read = (axis: number, index: number): void => {
    if (axis === dim) {
      shown.push(source.element(index))
      return
    }
    const size = shape[axis]
    const skipFrom = isCut(size) ? edgeitems : size
    for (let i = 0; i < skipFrom; i++) read(axis + 1, index * size + i)
    for (let i = Math.max(skipFrom, size - edgeitems); i < size; i++) read(axis + 1, index * size + i)
  }
  read(0, 0)

  const style = styleOf(dtype, shown, options)
  let next = 0
  const takeNumber = (): string => style.format(shown[next++])
  if (dim === 0) return takeNumber()

  const innermost = dim - 1
  const perLine = Math.max(1, Math.floor((linewidth - indent - innermost) / (style.width + 2)))
  const bracket = (axis: number): string => {
    const margin = ' '.repeat(indent + axis + 1)
    const size = shape[axis]
    const take = axis === innermost ? takeNumber : () => bracket(axis + 1)
    const items: string[] = []
    if (isCut(size)) {
      for (let i = 0; i < edgeitems; i++) items.push(take())
      items.push(axis === innermost ? ' ...' : '...')
      for (let i = 0; i < edgeitems; i++) items.push(take())
    } else for (let i = 0; i < size; i++) items.push(take())
    if (axis < innermost) return `[${items.join(`,${'\n'.repeat(innermost - axis)}${margin}`)}]`
    const lines: string[] = []
    for (let i = 0; i < items.length; i += perLine) lines.push(items.slice(i, i + perLine).join(', '))
    return `[${lines.join(`,\n${margin}`)}]`
  }
  return bracket(0)
}

/** A shape as Python prints a tuple: `(2, 3)`, `(5,)`, `()`. */
export const formatShape = (shape: readonly number[]): string => (shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`)

/** What surrounds a tensor's values in print. */
export interface PrintContext {
  /** What stands before the parenthesis; a subclass prints its own name. */
  name?: string
  /** The floating point dtype that goes without saying. */
  defaultDtype?: DType
  options?: PrintOptions
}

/**
 * A tensor as PyTorch's `str` and `repr` print it.
 *
 * Only the elements that are shown are read, so that a huge tensor, which is summarised, costs no more than a small one.
 *
 * @example
 * torch.tensor([1, 2.5], { requiresGrad: true }) // tensor([1.0000, 2.5000], requires_grad=True)
 */
export function formatTensor(source: PrintSource, context: PrintContext = {}): string {
  const { name = 'tensor', defaultDtype = getDefaultDtype(), options = printOptions } = context
  const { shape, dtype, device, gradFnName } = source
  const isEmpty = shape.includes(0)
  // Values tell int64 and bool from the default dtype; where there are none the name has to.
  const isObvious =
    dtype === defaultDtype || (!isEmpty && (dtype === 'int64' || dtype === 'bool' || dtype === complexDType(defaultDtype)))

  const suffixes: string[] = []
  if (device !== 'cpu') suffixes.push(`device='${device}'`)
  if (isEmpty && shape.length !== 1) suffixes.push(`size=${formatShape(shape)}`)
  if (!isObvious) suffixes.push(`dtype=torch.${dtype}`)
  if (gradFnName !== null) suffixes.push(`grad_fn=<${gradFnName}>`)
  else if (source.requiresGrad) suffixes.push('requires_grad=True')

  const indent = name.length + 1
  let text = `${name}(${isEmpty ? '[]' : formatElements(source, indent, options)}`
  // PyTorch counts the last line of values as two characters longer than it is, and the lines of suffixes exactly.
  let column = text.length - text.lastIndexOf('\n') + 1
  for (const suffix of suffixes) {
    if (column + suffix.length + 2 > options.linewidth) {
      text += `,\n${' '.repeat(indent)}${suffix}`
      column = indent + suffix.length
    } else {
      text += `, ${suffix}`
      column += suffix.length + 2
    }
  }
  return `${text})`
}

/** A module's parameter as PyTorch prints it: the tensor under a line that says what it is. */
export const formatParameter = (source: PrintSource, context?: PrintContext): string =>
  `Parameter containing:\n${formatTensor(source, context)}`
