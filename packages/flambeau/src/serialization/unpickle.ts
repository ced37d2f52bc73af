/**
 * A reader of Python pickles that constructs data and nothing else: classes and functions are looked up in a table, and what is
 * not in it is an error. Protocols 0 to 5, as far as checkpoints use them.
 */

import { setMetadata } from '../nn/stateDict.js'
import { FormatError } from './source.js'

/** A dict: its entries, and what BUILD gave an OrderedDict. */
export class PyDict {
  readonly entries = new Map<unknown, unknown>()
  attributes: PyDict | null = null
  constructor(readonly isOrdered = false) {}
  get(key: string): unknown {
    return this.entries.get(key)
  }
}
/** A tuple. */
export class PyTuple {
  constructor(readonly items: readonly unknown[]) {}
}
/** What a pickle may hand to a function, but is no value by itself. */
export abstract class Opaque {
  abstract get description(): string
}
/** A class or function that a pickle may name. */
export class Global extends Opaque {
  constructor(
    readonly name: string,
    /** What calling it gives; absent where it may only be referred to. */
    readonly call?: (args: readonly unknown[]) => unknown,
    /** An instance without its state, which BUILD then sets. */
    readonly make?: () => PyObject,
  ) {
    super()
  }
  get description(): string {
    return this.name
  }
}
/** An instance of a class from the table, which its state turns into `value`. */
export class PyObject {
  value: unknown = undefined
  isBuilt = false
  constructor(
    readonly className: string,
    readonly build: (state: unknown) => unknown,
  ) {}
}

export interface UnpickleOptions {
  /** What a pickle means by a name. @throws FormatError for what is not allowed. */
  readonly find: (module: string, name: string) => unknown
  /** What a persistent id stands for: storages. */
  readonly persistent: (id: unknown) => unknown
}

/** The bytes ended inside the pickle. */
export class Truncated extends FormatError {
  constructor() {
    super('its pickle ends early')
  }
}

const MARK = Symbol('mark')
const latin1 = new TextDecoder('latin1')
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Reads one pickle that begins at `start`; says where it ends. @throws FormatError in one clause. */
export function unpickle(bytes: Uint8Array, options: UnpickleOptions, start = 0): { value: unknown; end: number } {
  return new Unpickler(bytes, options, start).run()
}

class Unpickler {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #options: UnpickleOptions
  #at: number
  #stack: unknown[] = []
  readonly #memo = new Map<number, unknown>()
  #spent = 0
  /** What is copied once is no longer than its pickle; this leaves room for what is small and shared. */
  readonly #limit: number

  constructor(bytes: Uint8Array, options: UnpickleOptions, start: number) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#options = options
    this.#at = start
    this.#limit = 16 * bytes.length + 4096
  }

  run(): { value: unknown; end: number } {
    while (true) {
      const code = this.#bytes[this.#take(1)]
      if (code === 0x2e) return { value: this.#pop(), end: this.#at }
      const operation = operations[code]
      if (operation === undefined) throw new FormatError(`its pickle has an opcode that is not allowed, 0x${code.toString(16)}`)
      operation(this.#machine)
    }
  }

  readonly #machine: Machine = {
    u8: () => this.#bytes[this.#take(1)],
    u16: () => this.#view.getUint16(this.#take(2), true),
    u32: () => this.#view.getUint32(this.#take(4), true),
    i32: () => this.#view.getInt32(this.#take(4), true),
    u64: () => {
      const value = Number(this.#view.getBigUint64(this.#take(8), true))
      if (value > this.#bytes.length) throw new Truncated()
      return value
    },
    f64: () => this.#view.getFloat64(this.#take(8)),
    bytes: (n) => {
      const at = this.#take(n)
      return this.#bytes.subarray(at, at + n)
    },
    line: () => {
      const end = this.#bytes.indexOf(10, this.#at)
      if (end < 0) throw new Truncated()
      const text = latin1.decode(this.#bytes.subarray(this.#at, end))
      this.#at = end + 1
      return text
    },
    push: (value) => void this.#stack.push(value),
    pop: () => this.#pop(),
    top: () => {
      const value = this.#stack.at(-1)
      if (this.#stack.length === 0 || value === MARK) throw underflow()
      return value
    },
    mark: () => void this.#stack.push(MARK),
    toMark: () => {
      const at = this.#stack.lastIndexOf(MARK)
      if (at < 0) throw underflow()
      const items = this.#stack.splice(at)
      return items.slice(1)
    },
    put: (key) => {
      if (this.#stack.length === 0) throw underflow()
      this.#memo.set(key, this.#stack.at(-1))
    },
    get: (key) => {
      if (!this.#memo.has(key)) throw new FormatError('its pickle refers to a memo that is not there')
      return this.#memo.get(key)
    },
    memoSize: () => this.#memo.size,
    spend: (n) => {
      this.#spent += n
      if (this.#spent > this.#limit) throw new FormatError('its pickle copies the same things over and over')
    },
    find: (module, name) => this.#options.find(module, name),
    persistent: (id) => this.#options.persistent(id),
  }

  #take(n: number): number {
    const at = this.#at
    if (at + n > this.#bytes.length) throw new Truncated()
    this.#at = at + n
    return at
  }

  #pop(): unknown {
    if (this.#stack.length === 0 || this.#stack.at(-1) === MARK) throw underflow()
    return this.#stack.pop()
  }
}

const underflow = (): FormatError => new FormatError('its pickle takes more from the stack than is there')

/** What the operations need of the machine. */
interface Machine {
  u8(): number
  u16(): number
  u32(): number
  i32(): number
  /** A length: never more than the bytes there are. */
  u64(): number
  f64(): number
  bytes(n: number): Uint8Array
  line(): string
  push(value: unknown): void
  pop(): unknown
  top(): unknown
  mark(): void
  toMark(): unknown[]
  put(key: number): void
  get(key: number): unknown
  memoSize(): number
  /** Counts what calls copy. */
  spend(n: number): void
  find(module: string, name: string): unknown
  persistent(id: unknown): unknown
}

/** A little-endian two's complement integer: a number where that is exact. */
function long(bytes: Uint8Array): number | bigint {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i])
  return integer(bytes.length > 0 && bytes[bytes.length - 1] >= 128 ? value - (1n << BigInt(8 * bytes.length)) : value)
}
const integer = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value

function text(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    // Python writes lone surrogates as they are; a replacement character stands for them.
    return new TextDecoder().decode(bytes)
  }
}

/** A number as protocol 0 writes it, in decimal. */
function decimal(line: string): number | bigint {
  const digits = line.endsWith('L') ? line.slice(0, -1) : line
  if (!/^[+-]?\d{1,1000}$/.test(digits)) throw new FormatError('its pickle has a number that is none')
  return integer(BigInt(digits.replace(/^\+/, '')))
}

/** A quoted string as protocol 0 writes it. */
function quoted(line: string): string {
  const body = /^(['"])(.*)\1$/s.exec(line.trim())?.[2]
  if (body === undefined) throw new FormatError('its pickle has a string without quotes')
  return unescaped(body)
}
const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"' }
const unescaped = (body: string): string =>
  body.replace(/\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|[ntr\\'"])/g, (_, code: string) =>
    code.length === 1 ? escapes[code] : String.fromCodePoint(Math.min(Number.parseInt(code.slice(1), 16), 0x10ffff)),
  )

/** How much copying a call may cause: what is in a list or a text. */
function weight(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value) || value instanceof Uint8Array) return value.length
  if (value instanceof PyTuple) return value.items.length
  return value instanceof Set ? value.size : 0
}

function call(m: Machine, callee: unknown, args: unknown): unknown {
  if (!(args instanceof PyTuple)) throw new FormatError('its pickle calls something without a tuple of arguments')
  if (!(callee instanceof Global)) throw new FormatError('its pickle calls something that cannot be called')
  if (callee.call === undefined) throw new FormatError(`its pickle calls ${callee.name}, which is not supported`)
  for (const arg of args.items) m.spend(weight(arg))
  return callee.call(args.items)
}

/** Puts pairs into a dict. */
function setItems(target: unknown, items: readonly unknown[]): void {
  if (!(target instanceof PyDict)) throw new FormatError('its pickle sets items of something that is no dict')
  if (items.length % 2 !== 0) throw new FormatError('its pickle has a key without a value')
  for (let i = 0; i < items.length; i += 2) {
    const key = items[i]
    if (key instanceof PyDict || Array.isArray(key) || key instanceof Set)
      throw new FormatError('its pickle uses an unhashable key')
    target.entries.set(key, items[i + 1])
  }
}

function append(target: unknown, items: readonly unknown[]): void {
  if (!Array.isArray(target)) throw new FormatError('its pickle appends to something that is no list')
  for (const item of items) target.push(item)
}

/** Gives an instance its state. */
function build(target: unknown, state: unknown): void {
  if (target instanceof PyObject) {
    if (target.isBuilt) throw new FormatError(`its pickle sets the state of a ${target.className} twice`)
    target.value = target.build(state)
    target.isBuilt = true
  } else if (target instanceof PyDict && target.isOrdered && state instanceof PyDict) target.attributes = state
  else throw new FormatError('its pickle sets the state of something that has none')
}

function make(cls: unknown, args: unknown): PyObject {
  if (!(cls instanceof Global) || cls.make === undefined)
    throw new FormatError(`its pickle makes an instance of ${cls instanceof Global ? cls.name : 'something that is no class'}`)
  if (!(args instanceof PyTuple) || args.items.length > 0)
    throw new FormatError(`its pickle makes a ${cls.name} with arguments, which is not supported`)
  return cls.make()
}

const tuple = (m: Machine, n: number): void => {
  const items = Array.from({ length: n }, () => m.pop()).reverse()
  m.push(new PyTuple(items))
}

/** By opcode, as Python's pickletools names them. INST, OBJ, EXT and the out-of-band buffers are not among them. */
const operations: Partial<Record<number, (m: Machine) => void>> = {
  128: (m) => {
    const protocol = m.u8()
    if (protocol > 5) throw new FormatError(`its pickle has protocol ${protocol}, and 5 is the newest`)
  },
  149: (m) => void m.u64(), // FRAME
  40: (m) => m.mark(),
  48: (m) => void m.pop(),
  49: (m) => void m.toMark(), // POP_MARK
  50: (m) => m.push(m.top()), // DUP
  78: (m) => m.push(null),
  136: (m) => m.push(true),
  137: (m) => m.push(false),
  73: (m) => {
    const line = m.line()
    m.push(line === '00' ? false : line === '01' ? true : decimal(line))
  },
  76: (m) => m.push(decimal(m.line())),
  70: (m) => {
    const value = Number(m.line().replace('inf', 'Infinity').replace('nan', 'NaN'))
    m.push(value)
  },
  74: (m) => m.push(m.i32()),
  75: (m) => m.push(m.u8()),
  77: (m) => m.push(m.u16()),
  138: (m) => m.push(long(m.bytes(m.u8()))),
  139: (m) => {
    const length = m.i32()
    if (length < 0 || length > 1000) throw new FormatError('its pickle has a number of absurd length')
    m.push(long(m.bytes(length)))
  },
  71: (m) => m.push(m.f64()),
  83: (m) => m.push(quoted(m.line())), // STRING
  86: (m) => m.push(unescaped(m.line())), // UNICODE
  84: (m) => m.push(text(m.bytes(m.u32()))), // BINSTRING: a str of Python 2
  85: (m) => m.push(text(m.bytes(m.u8()))),
  88: (m) => m.push(text(m.bytes(m.u32()))),
  140: (m) => m.push(text(m.bytes(m.u8()))),
  141: (m) => m.push(text(m.bytes(m.u64()))),
  66: (m) => m.push(m.bytes(m.u32()).slice()), // BINBYTES
  67: (m) => m.push(m.bytes(m.u8()).slice()),
  142: (m) => m.push(m.bytes(m.u64()).slice()),
  150: (m) => m.push(m.bytes(m.u64()).slice()), // BYTEARRAY8
  93: (m) => m.push([]),
  108: (m) => m.push(m.toMark()), // LIST
  97: (m) => {
    const item = m.pop()
    append(m.top(), [item])
  },
  101: (m) => {
    const items = m.toMark()
    append(m.top(), items)
  },
  41: (m) => m.push(new PyTuple([])),
  116: (m) => m.push(new PyTuple(m.toMark())),
  133: (m) => tuple(m, 1),
  134: (m) => tuple(m, 2),
  135: (m) => tuple(m, 3),
  125: (m) => m.push(new PyDict()),
  100: (m) => {
    const dict = new PyDict()
    setItems(dict, m.toMark())
    m.push(dict)
  },
  115: (m) => {
    const value = m.pop()
    const key = m.pop()
    setItems(m.top(), [key, value])
  },
  117: (m) => {
    const items = m.toMark()
    setItems(m.top(), items)
  },
  143: (m) => m.push(new Set()), // EMPTY_SET
  144: (m) => {
    const items = m.toMark()
    const set = m.top()
    if (!(set instanceof Set)) throw new FormatError('its pickle adds to something that is no set')
    for (const item of items) set.add(item)
  },
  145: (m) => m.push(new Set(m.toMark())), // FROZENSET
  112: (m) => m.put(Number(decimal(m.line()))),
  113: (m) => m.put(m.u8()),
  114: (m) => m.put(m.u32()),
  148: (m) => m.put(m.memoSize()), // MEMOIZE
  103: (m) => m.push(m.get(Number(decimal(m.line())))),
  104: (m) => m.push(m.get(m.u8())),
  106: (m) => m.push(m.get(m.u32())),
  99: (m) => {
    const module = m.line()
    m.push(m.find(module, m.line()))
  },
  147: (m) => {
    const [name, module] = [m.pop(), m.pop()]
    if (typeof name !== 'string' || typeof module !== 'string') throw new FormatError('its pickle names a global by no string')
    m.push(m.find(module, name))
  },
  82: (m) => {
    const args = m.pop()
    m.push(call(m, m.pop(), args))
  },
  129: (m) => {
    const args = m.pop()
    m.push(make(m.pop(), args))
  },
  98: (m) => {
    const state = m.pop()
    build(m.top(), state)
  },
  81: (m) => m.push(m.persistent(m.pop())),
}

/** The JavaScript value of what was unpickled. */
export const toJavaScript = (root: unknown): unknown => converter()(root)

/**
 * Makes JavaScript values of what was unpickled: dicts with string keys are objects without a prototype, others are Maps;
 * tuples are frozen arrays. What was shared stays shared, and nothing is walked twice.
 */
export function converter(): (root: unknown) => unknown {
  const made = new Map<object, unknown>()
  return (root) => toJavaScriptWith(made, root)
}

function toJavaScriptWith(made: Map<object, unknown>, root: unknown): unknown {
  const pending: (() => void)[] = []
  const frozen: unknown[][] = []
  const convert = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    if (value instanceof PyObject) {
      if (!value.isBuilt) throw new FormatError(`its pickle has a ${value.className} without a state`)
      return value.value
    }
    if (made.has(value)) return made.get(value)
    if (value instanceof PyTuple || Array.isArray(value)) {
      const array: unknown[] = []
      made.set(value, array)
      if (value instanceof PyTuple) frozen.push(array)
      pending.push(() => {
        for (const item of value instanceof PyTuple ? value.items : value) array.push(convert(item))
      })
      return array
    }
    if (value instanceof Set) {
      const set = new Set()
      made.set(value, set)
      pending.push(() => {
        for (const item of value) set.add(convert(item))
      })
      return set
    }
    if (value instanceof Opaque) throw new FormatError(`it has ${value.description} in the place of a value`)
    if (!(value instanceof PyDict)) return value
    const keys = [...value.entries.keys()]
    if (keys.every((key) => typeof key === 'string')) {
      const object: Record<string, unknown> = Object.create(null)
      made.set(value, object)
      pending.push(() => {
        for (const [key, item] of value.entries) object[key as string] = convert(item)
        const metadata = value.attributes?.get('_metadata')
        if (metadata !== undefined) setMetadata(object, convert(metadata))
      })
      return object
    }
    const map = new Map()
    made.set(value, map)
    pending.push(() => {
      for (const [key, item] of value.entries) map.set(convert(key), convert(item))
    })
    return map
  }
  const result = convert(root)
  for (let fill = pending.pop(); fill !== undefined; fill = pending.pop()) fill()
  for (const array of frozen) Object.freeze(array)
  return result
}
