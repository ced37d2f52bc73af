/** Where bytes are read from and written to: paths, URLs, blobs, handles, buffers. */

import { createFile, openFile } from '#files'

// Older engines have no Symbol.asyncDispose of their own; compilers that lower `await using` look for this one.
;(Symbol as { asyncDispose?: symbol }).asyncDispose ??= Symbol.for('Symbol.asyncDispose')

/** What can be loaded: a path (Node) or URL, a Blob or File, a Response, a file handle of the browser's file system, or bytes. */
export type Loadable = string | URL | Blob | Response | FileSystemFileHandle | ArrayBuffer | ArrayBufferView

/** What can be saved to: a path (Node), a file handle of the browser's file system, or a stream of bytes. */
export type Savable = string | URL | FileSystemFileHandle | WritableStream<Uint8Array>

/** Bytes that are read in any order. */
export interface Source {
  /** What errors call it. */
  readonly name: string
  readonly size: number
  /** These bytes, all of which lie inside; in `into`, which has that length, where that saves a copy. */
  read(start: number, length: number, into?: Uint8Array): Promise<Uint8Array>
  close(): Promise<void>
}

/** Bytes that are written one after the other, and count only once `commit` has returned. */
export interface Sink {
  write(bytes: Uint8Array): Promise<void>
  commit(): Promise<void>
  /** Leaves things as they were. */
  abort(): Promise<void>
}

/** Opens what is to be loaded. Nothing is read whole that can be read in parts. */
export async function openSource(from: Loadable): Promise<Source> {
  if (typeof from === 'string' || from instanceof URL) return openFile(from)
  if (from instanceof ArrayBuffer || ArrayBuffer.isView(from)) return bytesSource(bytesOf(from))
  if (from instanceof Blob) return blobSource(from, from instanceof File ? from.name : 'the blob')
  if (from instanceof Response) return responseSource(from)
  if (typeof from?.getFile === 'function') return blobSource(await from.getFile(), from.name)
  throw new TypeError('load() takes a path, a URL, a Blob, a Response, a file handle or bytes')
}

const nothing = async (): Promise<void> => {}

/** Bytes in memory. */
export const bytesSource = (bytes: Uint8Array<ArrayBuffer>, name = 'the buffer'): Source => ({
  name,
  size: bytes.length,
  read: async (start, length) => bytes.subarray(start, start + length),
  close: nothing,
})

/** A Blob or File, of which only what is asked for is read. */
export const blobSource = (blob: Blob, name: string): Source => ({
  name,
  size: blob.size,
  read: async (start, length) => new Uint8Array(await blob.slice(start, start + length).arrayBuffer()),
  close: nothing,
})

/** The body of a response: a Blob, which browsers keep on disk where it is large. */
export async function responseSource(response: Response): Promise<Source> {
  const name = response.url || 'the response'
  if (!response.ok) throw new Error(`${name} cannot be loaded: the server answered ${response.status} ${response.statusText}`)
  return blobSource(await response.blob(), name)
}

/** What a URL answers. @throws Error naming it where nothing does. */
export async function urlSource(url: string | URL): Promise<Source> {
  let response: Response
  try {
    response = await fetch(url)
  } catch (error) {
    throw new Error(`${url} cannot be loaded: it cannot be fetched`, { cause: error })
  }
  return responseSource(response)
}

/** Opens what is to be saved to. */
export async function openSink(to: Savable): Promise<Sink> {
  if (typeof to === 'string' || to instanceof URL) return createFile(to)
  if (to instanceof WritableStream) return streamSink(to)
  // What a handle's stream was given replaces the file when the stream is closed, not before.
  if (typeof to?.createWritable === 'function') return streamSink(await to.createWritable())
  throw new TypeError('save() takes a path, a file handle or a WritableStream')
}

function streamSink(stream: WritableStream<Uint8Array<ArrayBuffer>>): Sink {
  const writer = stream.getWriter()
  return {
    // Copied, because a stream may read the bytes later than it answers.
    write: (bytes) => writer.write(bytes.slice() as Uint8Array<ArrayBuffer>),
    commit: () => writer.close(),
    abort: () => writer.abort(),
  }
}

/** Collects what is written. */
export class MemorySink implements Sink {
  readonly #parts: Uint8Array[] = []
  async write(bytes: Uint8Array): Promise<void> {
    this.#parts.push(bytes.slice())
  }
  async commit(): Promise<void> {}
  async abort(): Promise<void> {}
  get bytes(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.#parts.reduce((n, part) => n + part.length, 0))
    let at = 0
    for (const part of this.#parts) {
      all.set(part, at)
      at += part.length
    }
    return all
  }
}

/** Writes through a function and commits, or leaves things as they were where it throws. */
export async function writeTo(to: Savable | Sink, write: (sink: Sink) => Promise<void>): Promise<void> {
  const sink = to instanceof MemorySink ? to : await openSink(to as Savable)
  try {
    await write(sink)
    await sink.commit()
  } catch (error) {
    await sink.abort().catch(nothing)
    throw error
  }
}

/** Reads through a function and closes; errors begin with the name of what was read. */
export async function readFrom<T>(from: Loadable, read: (source: Source) => Promise<T>): Promise<T> {
  const source = await openSource(from)
  try {
    return await read(source)
  } catch (error) {
    throw loadError(source.name, error)
  } finally {
    await source.close()
  }
}

/** Names in files may be of any length, with anything in them. */
function sentence(message: string): string {
  const short = message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message
  return short.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
}
const MAX_MESSAGE = 500

/** How errors show a value from a file: containers may be of any depth. */
export const shown = (value: unknown): string => (typeof value === 'object' && value !== null ? 'something else' : String(value))

/** A name from a file as errors show it: on one line, and not without end. */
export const quoted = (name: string): string => {
  const shown = JSON.stringify(name.slice(0, 80)).slice(1, -1).replaceAll('\\"', '"')
  return `'${shown}${name.length > 80 ? '…' : ''}'`
}

/** The error to throw where reading what has this name failed. */
export const loadError = (name: string, error: unknown): unknown =>
  error instanceof FormatError ? new Error(`${name} cannot be loaded: ${sentence(error.message)}`, { cause: error.cause }) : error

/** The bytes of a buffer or a view of one. @throws TypeError for anything else */
export function bytesOf(from: ArrayBuffer | ArrayBufferView): Uint8Array<ArrayBuffer> {
  if (ArrayBuffer.isView(from)) return new Uint8Array(from.buffer as ArrayBuffer, from.byteOffset, from.byteLength)
  if (from instanceof ArrayBuffer) return new Uint8Array(from)
  throw new TypeError(`bytes must be an ArrayBuffer or a view of one, not ${from === null ? 'null' : typeof from}`)
}

/** What is wrong with a file, in words that follow "… cannot be loaded: ". */
export class FormatError extends Error {}
