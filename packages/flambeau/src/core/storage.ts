/** The memory behind tensors. */

/** A block of memory as an allocator hands it out. */
export interface Memory {
  /** Where the engine's kernels find it. */
  readonly address: number
  /** The buffer it lies in; an engine whose buffer can move (wasm) answers with the present one. */
  readonly buffer: ArrayBufferLike
  readonly byteOffset: number
  /** Usable bytes, at least as many as were asked for. */
  readonly capacity: number
}

/**
 * Memory in a buffer that the user holds as well, and may transfer or shrink: whoever asks where it is learns of that by an
 * error. No allocator ever gets it.
 */
export class SharedMemory implements Memory {
  readonly #address: number
  readonly #buffer: ArrayBuffer
  constructor(
    /** Where the buffer itself begins. */
    base: number,
    buffer: ArrayBuffer,
    readonly byteOffset: number,
    readonly capacity: number,
  ) {
    this.#address = base + byteOffset
    this.#buffer = buffer
  }

  get address(): number {
    this.#check()
    return this.#address
  }

  get buffer(): ArrayBuffer {
    this.#check()
    return this.#buffer
  }

  #check(): void {
    if (this.#buffer.byteLength < this.byteOffset + this.capacity)
      throw new Error('the buffer behind this tensor was transferred or made shorter: its elements are gone')
  }
}

/** What a storage needs of the engine that owns its memory. */
export interface Allocator {
  free(memory: Memory): void
}

/** Inference mode: what is made in it takes no part in autograd. */
let inferenceMode = false
/**
 * Whether operations run in inference mode, as `torch.is_inference_mode_enabled`.
 *
 * @example
 * torch.inferenceMode(() => torch.isInferenceModeEnabled()) // true
 */
export const isInferenceModeEnabled = (): boolean => inferenceMode
/** Sets the mode and returns the one before. */
export function setInferenceMode(enabled: boolean): boolean {
  const before = inferenceMode
  inferenceMode = enabled
  return before
}

/** So far below zero that no count comes back from there. */
const ESCAPED = -(2 ** 29)

/**
 * The memory that one or more tensors view. Its version counts in-place writes, so that backward can tell whether a
 * saved tensor is still what it was.
 */
export class Storage<A extends Allocator = Allocator> {
  readonly allocator: A
  byteLength: number
  /** Whether it was made in inference mode. */
  readonly isInference = inferenceMode
  version = 0
  /** How many places of the library hold a gradient that lies here; far below zero once the user may have seen it. */
  #holders = 0
  #memory: Memory | null

  constructor(allocator: A, memory: Memory, byteLength: number) {
    this.allocator = allocator
    this.byteLength = byteLength
    this.#memory = memory
  }

  get memory(): Memory {
    if (this.#memory === null) throw new Error('this tensor was disposed: its memory has been given back')
    return this.#memory
  }

  get isReleased(): boolean {
    return this.#memory === null
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.memory.buffer, this.memory.byteOffset, this.byteLength)
  }

  /** Moves to a larger block of memory, which all its tensors see from now on. */
  grow(memory: Memory, byteLength: number): void {
    const old = this.bytes
    new Uint8Array(memory.buffer, memory.byteOffset, byteLength).set(old)
    if (!(this.#memory instanceof SharedMemory)) this.allocator.free(this.memory)
    this.#memory = memory
    this.byteLength = byteLength
  }

  /** One more place of the library holds what lies here. */
  retain(): void {
    this.#holders++
  }

  /** Whether one place of the library holds what lies here, and nobody else, so that it may be overwritten. */
  get hasSoleHolder(): boolean {
    return this.#holders === 1
  }

  /** One place less: the last one gives the memory back. */
  drop(): void {
    if (--this.#holders === 0) this.release()
  }

  /** The user may have seen what lies here: its memory is left to the garbage collector. */
  escape(): void {
    this.#holders = ESCAPED
  }

  /** Gives the memory to the caller, who may send it to another thread: no tensor here can reach it any more. */
  surrender(): Memory {
    const { memory } = this
    this.#memory = null
    return memory
  }

  /** Gives the memory back at once. Only for storage that nothing else can see. */
  release(): void {
    const memory = this.#memory
    if (memory === null) return
    this.#memory = null
    if (!(memory instanceof SharedMemory)) this.allocator.free(memory)
  }
}
