/** The wasm engine: the same kernels over the module's own memory, for where no native build exists. */

import type { Memory } from '../../core/storage.js'
import { Pool, sizeClass } from './allocator.js'
import type { Engine } from './engine.js'

interface Exports {
  readonly memory: WebAssembly.Memory
  _initialize(): void
  frame(): number
  run(): void
  kernelCount(): number
  kernelName(i: number): number
  primitiveCount(): number
  primitiveName(i: number): number
  allocate(bytes: number): number
  release(address: number): void
}

/** The C++ library writes a last message before it aborts; there is nowhere to write it, and the trap that follows tells. */
const badFileDescriptor = (): number => 8
const wasi_snapshot_preview1 = { fd_close: badFileDescriptor, fd_seek: badFileDescriptor, fd_write: badFileDescriptor }

/** The engine over a compiled module of the kernels: pure computation on its own memory. */
export function instantiateWasm(module: WebAssembly.Module): Engine {
  const wasm = new WebAssembly.Instance(module, { wasi_snapshot_preview1 }).exports as unknown as Exports
  wasm._initialize()
  const text = (at: number): string => {
    const bytes = new Uint8Array(wasm.memory.buffer)
    return new TextDecoder().decode(bytes.subarray(at, bytes.indexOf(0, at)))
  }
  const names = (count: number, name: (i: number) => number): string[] => Array.from({ length: count }, (_, i) => text(name(i)))

  const frameAddress = wasm.frame()
  const frameSlots = 8192
  let frame = new Float64Array(wasm.memory.buffer, frameAddress, frameSlots)

  let live = 0
  let peak = 0
  const pool = new Pool<WasmMemory>(256 * 2 ** 20)
  // A block is free once the object that stands for it is gone. It cannot hold the block's address alone, so the
  // registry keeps the numbers. The object also owns a small buffer: V8 sees some of the weight and collects in time.
  const collected = new FinalizationRegistry<{ address: number; capacity: number }>(({ address, capacity }) => {
    live -= capacity
    wasm.release(address)
  })

  class WasmMemory implements Memory {
    readonly ballast: ArrayBuffer
    constructor(
      readonly address: number,
      readonly capacity: number,
    ) {
      this.ballast = new ArrayBuffer(capacity >> 3)
      collected.register(this, { address, capacity }, this)
    }
    get buffer(): ArrayBuffer {
      return wasm.memory.buffer
    }
    get byteOffset(): number {
      return this.address
    }
  }

  const request = (capacity: number): number => {
    const size = wasm.memory.buffer.byteLength
    let address = wasm.allocate(capacity)
    if (address === 0 && pool.bytes > 0) {
      emptyPool()
      address = wasm.allocate(capacity)
    }
    if (wasm.memory.buffer.byteLength > size) growFurther()
    return address
  }
  /** To V8 grown memory is a new buffer of that size, for which it collects garbage: milliseconds, so rarely and by much. */
  const growFurther = (): void => {
    const spare = wasm.allocate(Math.max(16 * 2 ** 20, wasm.memory.buffer.byteLength / 4))
    if (spare !== 0) wasm.release(spare)
  }
  const emptyPool = (): void => {
    for (const memory of pool.drain()) {
      collected.unregister(memory)
      wasm.release(memory.address)
    }
  }

  const allocate = (bytes: number): WasmMemory => {
    const capacity = Math.max(64, sizeClass(bytes))
    let memory = pool.take(capacity)
    if (memory === undefined) {
      const address = capacity < 2 ** 32 ? request(capacity) : 0
      if (address === 0)
        throw new RangeError(`the wasm engine has no ${bytes} bytes left: its memory ends at 4 GiB (${live} bytes are in use)`)
      memory = new WasmMemory(address, capacity)
    }
    live += capacity
    peak = Math.max(peak, live)
    return memory
  }

  return {
    name: 'wasm',
    instructionSet: 'simd128',
    kernels: names(wasm.kernelCount(), wasm.kernelName),
    primitives: names(wasm.primitiveCount(), wasm.primitiveName),
    frame: () => {
      // Growing the memory detaches every view of it.
      if (frame.byteLength === 0) frame = new Float64Array(wasm.memory.buffer, frameAddress, frameSlots)
      return frame
    },
    run: wasm.run,
    allocate,
    free: (memory) => {
      live -= memory.capacity
      if (!pool.put(memory as WasmMemory)) {
        collected.unregister(memory)
        wasm.release(memory.address)
      }
    },
    // All tensors lie in the module's own memory.
    ownsBuffer: () => false,
    share: () => null,
    adopt: (buffer, byteOffset, bytes) => {
      const memory = allocate(bytes)
      new Uint8Array(wasm.memory.buffer, memory.address, bytes).set(new Uint8Array(buffer, byteOffset, bytes))
      return memory
    },
    memory: () => ({ live, pooled: pool.bytes, peak }),
  }
}
