/** Files in browsers: URLs are fetched; there are no paths to write to. */

import { type Sink, type Source, urlSource } from './source.js'

/** Fetches a URL. */
export async function openFile(from: string | URL): Promise<Source> {
  return urlSource(from)
}

/** @throws Error: browsers write to file handles. */
export async function createFile(to: string | URL): Promise<Sink> {
  throw new Error(`${to} cannot be saved: a browser writes to a FileSystemFileHandle or a WritableStream, not to a path`)
}
