/** A writer of Python pickles, protocol 2: what `torch.save` writes. */

/** A class or function that the pickle names. */
export class GlobalName {
  constructor(
    readonly module: string,
    readonly name: string,
  ) {}
}
/** `callee(*args)`, and then its state where it has one. */
export class Call {
  constructor(
    readonly callee: GlobalName,
    readonly args: readonly unknown[],
    readonly state?: unknown,
  ) {}
}
/** What a persistent id stands for. */
export class Persistent {
  constructor(readonly id: readonly unknown[]) {}
}
/** A dict that keeps its order in Python's eyes as well. */
export class Ordered {
  constructor(
    readonly entries: readonly (readonly [unknown, unknown])[],
    readonly metadata?: unknown,
  ) {}
}

/** Deeper than this Python itself does not go. */
const MAX_DEPTH = 900

/** Pickles a value. `reduce` says how what is no plain data is made. @throws TypeError for what cannot be saved. */
export function pickle(value: unknown, reduce: (value: object) => Call | Ordered | undefined): Uint8Array {
  return new Pickler(reduce).run(value)
}

class Pickler {
  readonly #reduce: (value: object) => Call | Ordered | undefined
  readonly #memo = new Map<unknown, number>()
  readonly #names = new Map<string, number>()
  #bytes = new Uint8Array(1024)
  #length = 0
  #depth = 0

  constructor(reduce: (value: object) => Call | Ordered | undefined) {
    this.#reduce = reduce
  }

  run(value: unknown): Uint8Array {
    this.#put(0x80, 2)
    this.#save(value)
    this.#put(0x2e)
    return this.#bytes.subarray(0, this.#length)
  }

  #room(n: number): number {
    const at = this.#length
    this.#length += n
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(2 * this.#length)
      grown.set(this.#bytes)
      this.#bytes = grown
    }
    return at
  }
  #put(...bytes: readonly number[]): void {
    const at = this.#room(bytes.length)
    this.#bytes.set(bytes, at)
  }
  #u32(code: number, value: number): void {
    this.#put(code, value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24)
  }
  #text(text: string): void {
    const bytes = new TextEncoder().encode(text)
    this.#u32(0x58, bytes.length)
    const at = this.#room(bytes.length)
    this.#bytes.set(bytes, at)
  }

  #recall(index: number): void {
    if (index < 256) this.#put(0x68, index)
    else this.#u32(0x6a, index)
  }

  /** Remembers what was just written, so that it is written once. */
  #remember(value: unknown): void {
    const index = this.#memo.size
    this.#memo.set(value, index)
    if (index < 256) this.#put(0x71, index)
    else this.#u32(0x72, index)
  }

  #save(value: unknown): void {
    const known = this.#memo.get(value)
    if (value === null || value === undefined) this.#put(0x4e)
    else if (typeof value === 'boolean') this.#put(value ? 0x88 : 0x89)
    else if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'bigint') this.#long(value)
    else if (known !== undefined) this.#recall(known)
    else if (typeof value === 'string') {
      this.#text(value)
      this.#remember(value)
    } else if (typeof value === 'object') {
      if (++this.#depth > MAX_DEPTH) throw new RangeError(`save() cannot write what is nested deeper than ${MAX_DEPTH} levels`)
      this.#object(value)
      this.#depth--
    } else {
      // A module is a function too, and has an error of its own.
      if (typeof value === 'function') this.#reduce(value)
      throw new TypeError(`save() cannot write a ${typeof value}`)
    }
  }

  #object(value: object): void {
    if (value instanceof GlobalName) this.#global(value)
    else if (value instanceof Persistent) {
      this.#tuple(value.id)
      this.#put(0x51)
    } else {
      const made = value instanceof Call || value instanceof Ordered ? value : this.#reduce(value)
      if (made instanceof Ordered) this.#ordered(made, value)
      else if (made instanceof Call) this.#call(made, value)
      else this.#plain(value)
    }
  }

  /** Plain data: arrays, Maps, Sets, bytes, objects without a class. */
  #plain(value: object): void {
    if (Array.isArray(value)) {
      if (Object.isFrozen(value)) this.#tuple(value)
      else this.#list(value)
    } else if (value instanceof Set) this.#call(new Call(new GlobalName('__builtin__', 'set'), [[...value]]), value)
    else if (value instanceof Uint8Array) {
      const text = Array.from(value, (byte) => String.fromCharCode(byte)).join('')
      this.#call(new Call(new GlobalName('_codecs', 'encode'), [text, 'latin1']), value)
    } else {
      const prototype = Object.getPrototypeOf(value)
      if (!(value instanceof Map) && prototype !== null && prototype !== Object.prototype)
        throw new TypeError(`save() cannot write a ${value.constructor?.name ?? 'object of an unknown class'}`)
      this.#put(0x7d)
      this.#remember(value)
      this.#items(value instanceof Map ? value : Object.entries(value))
    }
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.#put(0x47)
      const at = this.#room(8)
      new DataView(this.#bytes.buffer).setFloat64(at, value)
    } else if (value >= 0 && value < 256) this.#put(0x4b, value)
    else if (value >= 0 && value < 65536) this.#put(0x4d, value & 255, value >> 8)
    else if (value >= -(2 ** 31) && value < 2 ** 31) this.#u32(0x4a, value)
    else this.#long(BigInt(value))
  }

  #long(value: bigint): void {
    const bytes: number[] = []
    for (let rest = value; ; rest >>= 8n) {
      const byte = Number(rest & 255n)
      if ((rest === 0n && (bytes.at(-1) ?? 0) < 128) || (rest === -1n && (bytes.at(-1) ?? 0) >= 128)) break
      bytes.push(byte)
    }
    if (bytes.length > 255) throw new RangeError('save() cannot write an integer of more than 255 bytes')
    this.#put(0x8a, bytes.length, ...bytes)
  }

  #global({ module, name }: GlobalName): void {
    const key = `${module} ${name}`
    const first = this.#names.get(key)
    if (first === undefined) {
      this.#names.set(key, this.#memo.size)
      this.#put(0x63, ...new TextEncoder().encode(`${module}\n${name}\n`))
      this.#remember(Symbol(key))
    } else this.#recall(first)
  }

  #tuple(items: readonly unknown[]): void {
    if (items.length > 3) this.#put(0x28)
    for (const item of items) this.#save(item)
    this.#put(items.length > 3 ? 0x74 : [0x29, 0x85, 0x86, 0x87][items.length])
    if (items.length > 0) this.#remember(items)
  }

  #list(items: readonly unknown[]): void {
    this.#put(0x5d)
    this.#remember(items)
    this.#batches(items, (item) => this.#save(item), 0x61, 0x65)
  }

  #items(entries: Iterable<readonly [unknown, unknown]>): void {
    const save = ([key, item]: readonly [unknown, unknown]): void => {
      this.#save(key)
      this.#save(item)
    }
    this.#batches([...entries], save, 0x73, 0x75)
  }

  /** In thousands, and a single one without a mark: the bytes are those that Python writes. */
  #batches<T>(items: readonly T[], save: (item: T) => void, one: number, many: number): void {
    for (let at = 0; at < items.length; at += 1000) {
      const batch = items.slice(at, at + 1000)
      if (batch.length > 1) this.#put(0x28)
      for (const item of batch) save(item)
      this.#put(batch.length > 1 ? many : one)
    }
  }

  #call({ callee, args, state }: Call, value: object): void {
    this.#global(callee)
    this.#tuple(args)
    this.#put(0x52)
    this.#remember(value)
    if (state !== undefined) {
      this.#save(state)
      this.#put(0x62)
    }
  }

  #ordered({ entries, metadata }: Ordered, value: object): void {
    this.#call(new Call(new GlobalName('collections', 'OrderedDict'), []), value)
    this.#items(entries)
    if (metadata !== undefined) {
      this.#save({ _metadata: metadata })
      this.#put(0x62)
    }
  }
}
