/** Values on their way from one thread to another: tensors as buffers, datasets and functions as what they are made from. */

import { backendOf } from '../backends/select.js'
import { isOptions } from '../core/arguments.js'
import { type DType, itemSize } from '../core/dtype.js'
import { Layout } from '../core/layout.js'
import type { Storage } from '../core/storage.js'
import { SharedMemory, Storage as StorageClass } from '../core/storage.js'
import { Tensor } from '../core/tensor.js'
import { contiguous } from '../ops/view.js'

/** A value as plain data. */
type Encoded =
  | { readonly is: 'value'; readonly value: unknown }
  | { readonly is: 'array'; readonly items: readonly Encoded[] }
  | { readonly is: 'object'; readonly entries: readonly (readonly [string, Encoded])[] }
  | { readonly is: 'map'; readonly entries: readonly (readonly [Encoded, Encoded])[] }
  | {
      readonly is: 'tensor'
      readonly dtype: DType
      readonly shape: readonly number[]
      readonly buffer: ArrayBuffer
      readonly byteOffset: number
      readonly requiresGrad: boolean
    }
  | { readonly is: 'code'; readonly code: number }
  | { readonly is: 'instance'; readonly of: number | string; readonly fields: Encoded }
  | { readonly is: 'made'; readonly made: number }

/** A message: the value, the sources of functions and classes in it, and what modules are to make. */
export interface Parcel {
  readonly value: Encoded
  readonly codes: readonly string[]
  readonly made: readonly { readonly url: string; readonly name: string; readonly args: Encoded }[]
}

/** What a value was made from, for those that a worker makes anew. */
export const recipes = new WeakMap<object, { readonly url: string; readonly name: string; readonly args: readonly unknown[] }>()

export interface PackOptions {
  /** Whether the tensors are nobody else's, so that their memory can be given away. */
  fresh?: boolean
  /** Whether functions and instances of classes may be sent as their source; where not, they are errors. */
  code?: boolean
}

/** A value as a message, and the buffers to transfer with it. `classes` are known by name on the other side. */
export function pack(
  value: unknown,
  classes: Readonly<Record<string, unknown>>,
  { fresh = false, code = false }: PackOptions = {},
): { readonly parcel: Parcel; readonly transfer: ArrayBuffer[] } {
  const codes: string[] = []
  const made: { url: string; name: string; args: Encoded }[] = []
  const transfer: ArrayBuffer[] = []
  const sourceOf = (source: string): number => {
    const known = codes.indexOf(source)
    return known >= 0 ? known : codes.push(source) - 1
  }
  const encode = (item: unknown): Encoded => {
    if (item instanceof Tensor) {
      const sent = send(item, fresh)
      transfer.push(sent.buffer)
      return { is: 'tensor', dtype: item.dtype, shape: item.shape, requiresGrad: item.leafRequiresGrad, ...sent }
    }
    if (typeof item === 'function' && code) return { is: 'code', code: sourceOf(sourceOfFunction(item)) }
    if (typeof item === 'function') throw new TypeError('a batch from a worker cannot hold a function')
    if (typeof item !== 'object' || item === null || ArrayBuffer.isView(item)) return { is: 'value', value: item }
    const recipe = recipes.get(item)
    if (recipe !== undefined) return { is: 'made', made: made.push({ ...recipe, args: encode(recipe.args) }) - 1 }
    if (Array.isArray(item))
      return item.every((v) => v === null || (typeof v !== 'object' && typeof v !== 'function'))
        ? { is: 'value', value: item }
        : { is: 'array', items: item.map(encode) }
    const fields = (): [string, Encoded][] => Object.entries(item).map(([key, v]) => [key, encode(v)])
    if (isOptions(item)) return { is: 'object', entries: fields() }
    if (item instanceof Map) return { is: 'map', entries: [...item].map(([key, v]) => [encode(key), encode(v)]) }
    const { constructor } = item
    if (classes[constructor.name] === constructor)
      return { is: 'instance', of: constructor.name, fields: { is: 'object', entries: fields() } }
    if (/\[native code\]/.test(Function.prototype.toString.call(constructor))) return { is: 'value', value: item }
    if (!code)
      throw new TypeError(
        `a batch from a worker must hold tensors, numbers, strings, arrays and objects; found ${constructor.name}`,
      )
    return { is: 'instance', of: sourceOf(sourceOfClass(constructor, classes)), fields: { is: 'object', entries: fields() } }
  }
  const encoded = encode(value)
  return { parcel: { value: encoded, codes, made }, transfer }
}

/** The value of a message that holds no code. */
export const unpack = (parcel: Parcel): unknown => decode(parcel.value, { codes: [], made: [], classes: {} })

interface Known {
  readonly codes: readonly unknown[]
  readonly made: readonly unknown[]
  readonly classes: Readonly<Record<string, unknown>>
}

/** The value of a message: its code is imported, with `scope` as the names it can use besides its own. */
export async function unpackCode(
  parcel: Parcel,
  scope: Readonly<Record<string, unknown>>,
  classes: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const codes = await Promise.all(parcel.codes.map((source) => evaluate(source, scope)))
  const made: unknown[] = []
  for (const { url, name, args } of parcel.made)
    made.push(await makeFrom(url, name, decode(args, { codes, made, classes }) as unknown[]))
  return decode(parcel.value, { codes, made, classes })
}

function decode(encoded: Encoded, known: Known): unknown {
  switch (encoded.is) {
    case 'value':
      return encoded.value
    case 'array':
      return encoded.items.map((item) => decode(item, known))
    case 'object':
      return Object.fromEntries(encoded.entries.map(([key, item]) => [key, decode(item, known)]))
    case 'map':
      return new Map(encoded.entries.map(([key, item]) => [decode(key, known), decode(item, known)]))
    case 'tensor':
      return receive(encoded)
    case 'code':
      return known.codes[encoded.code]
    case 'made':
      return known.made[encoded.made]
    case 'instance': {
      const constructor = typeof encoded.of === 'string' ? known.classes[encoded.of] : known.codes[encoded.of]
      const instance = Object.create((constructor as { prototype: object }).prototype)
      for (const [key, value] of Object.entries(decode(encoded.fields, known) as object))
        Object.defineProperty(instance, key, { value, writable: true, enumerable: true, configurable: true })
      return instance
    }
  }
}

/** A tensor's bytes in a buffer of their own: its memory itself where that may be given away, a copy elsewhere. */
function send(tensor: Tensor, fresh: boolean): { buffer: ArrayBuffer; byteOffset: number } {
  const { storage, layout } = tensor
  const backend = storage.allocator
  const isOwn = !(storage.memory instanceof SharedMemory) && backend.ownsBuffer(storage.memory)
  if (fresh && layout.isContiguous && layout.offset === 0 && isOwn) {
    const memory = storage.surrender()
    return { buffer: memory.buffer as ArrayBuffer, byteOffset: memory.byteOffset }
  }
  const dense = contiguous(tensor)
  const from = dense.layout.offset * itemSize(tensor.dtype)
  const bytes = dense.storage.bytes.slice(from, from + layout.numel * itemSize(tensor.dtype))
  return { buffer: bytes.buffer as ArrayBuffer, byteOffset: 0 }
}

/** The tensor over a buffer that arrived. */
function receive({ dtype, shape, buffer, byteOffset, requiresGrad }: Extract<Encoded, { is: 'tensor' }>): Tensor {
  const layout = Layout.contiguous(shape)
  const bytes = layout.numel * itemSize(dtype)
  const backend = backendOf(undefined)
  const storage: Storage<typeof backend> = new StorageClass(
    backend,
    bytes === 0 ? backend.allocate(0) : backend.adopt(buffer, byteOffset, bytes),
    bytes,
  )
  const tensor = new Tensor(storage, layout, dtype)
  if (requiresGrad) tensor.requiresGrad = true
  return tensor
}

/** What an export of a module makes of arguments: an instance of a class, or a function's result. */
export async function makeFrom(url: string, name: string, args: readonly unknown[]): Promise<unknown> {
  const exported: unknown = (await import(/* @vite-ignore */ /* webpackIgnore: true */ url))[name]
  if (typeof exported !== 'function') throw new TypeError(`${url} exports no class or function '${name}'`)
  return isClass(exported) ? Reflect.construct(exported, args) : await exported(...args)
}

const textOf = (f: object): string => Function.prototype.toString.call(f)
const isClass = (f: object): boolean => /^class\b/.test(textOf(f))

/** A function's source as an expression; a method's is made one. */
function sourceOfFunction(f: object): string {
  const text = textOf(f)
  if (text.includes('[native code]')) throw new TypeError('a bound or built-in function cannot be sent to a worker')
  const isExpression = /^(class\b|(async\s*)?function\b|(async\s*)?\(|(async\s+)?[\w$]+\s*=>)/.test(text)
  return isExpression ? text : `Object.values({ ${text} })[0]`
}

/** A class's source after those of the classes it extends, down to one that the other side knows. */
function sourceOfClass(constructor: object, classes: Readonly<Record<string, unknown>>): string {
  const name = (constructor as { name: string }).name
  const text = textOf(constructor)
  if (/(^|[\s;.{(])#[A-Za-z_$]/.test(text))
    throw new TypeError(`${name} has private fields, which cannot be sent to a worker: make it with data.moduleDataset`)
  const parent: unknown = Object.getPrototypeOf(constructor)
  if (typeof parent !== 'function' || parent === Function.prototype || Object.values(classes).includes(parent)) return text
  return `(() => { const ${parent.name} = ${sourceOfClass(parent, classes)}; return ${text} })()`
}

/** The value of an expression that came as text, as a module: the page's security policy sees what is run. */
async function evaluate(source: string, scope: Readonly<Record<string, unknown>>): Promise<unknown> {
  const names = Object.keys(scope).join(', ')
  const module = `export default ({ ${names} }) => (${source})`
  const { default: make } = await import(
    /* @vite-ignore */ /* webpackIgnore: true */ `data:text/javascript,${encodeURIComponent(module)}`
  )
  return make(scope)
}
