/** Files of Node: read in parts, written to a temporary name beside the target and renamed. */

import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Sink, type Source, urlSource } from './source.js'

const isWeb = (url: URL): boolean => url.protocol === 'http:' || url.protocol === 'https:'

/** Opens a path or URL. @throws Error naming the path where it cannot be opened. */
export async function openFile(from: string | URL): Promise<Source> {
  if (typeof from === 'string' && /^https?:\/\//.test(from)) from = new URL(from)
  if (from instanceof URL && isWeb(from)) return urlSource(from)
  const path = from instanceof URL ? fileURLToPath(from) : from
  const file = await opened(path, 'r')
  const stat = await file.stat()
  if (!stat.isFile()) {
    await file.close()
    throw new Error(`${path} cannot be loaded: it is not a file`)
  }
  return {
    name: path,
    size: stat.size,
    read: async (start, length, into) => {
      const bytes = into ?? new Uint8Array(length)
      for (let at = 0; at < length; ) {
        const { bytesRead } = await file.read(bytes, at, length - at, start + at)
        if (bytesRead === 0) throw new Error(`${path} cannot be loaded: it became shorter while it was read`)
        at += bytesRead
      }
      return bytes
    },
    close: () => file.close(),
  }
}

let created = 0

/** Starts a file that takes the place of the one at this path when it is committed. */
export async function createFile(to: string | URL): Promise<Sink> {
  const given = to instanceof URL ? fileURLToPath(to) : to
  // What a link points to is replaced, not the link.
  const path = await realpath(given).catch(() => given)
  const old = await stat(path).catch(() => null)
  if (old?.isDirectory()) throw new Error(`${path} cannot be saved: it is a directory`)
  if (old !== null && !old.isFile()) return directSink(await opened(path, 'w'))
  // In the same folder, because only there is a rename atomic.
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${++created}.tmp`)
  const file = await opened(temporary, 'wx', path)
  let isOpen = true
  const close = async (): Promise<void> => {
    if (isOpen) await file.close()
    isOpen = false
  }
  return {
    write: (bytes) => writeAll(file, bytes),
    commit: async () => {
      if (old !== null) await file.chmod(old.mode & 0o777)
      await file.sync()
      await close()
      await rename(temporary, path)
    },
    abort: async () => {
      await close()
      await rm(temporary, { force: true })
    },
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at)).bytesWritten
}

/** Devices and pipes, which nothing can take the place of. */
const directSink = (file: FileHandle): Sink => ({
  write: (bytes) => writeAll(file, bytes),
  commit: () => file.close(),
  abort: () => file.close(),
})

const reasons: Partial<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of the path is not a directory',
}
async function opened(path: string, flags: string, shown = path): Promise<FileHandle> {
  try {
    return await open(path, flags)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    throw new Error(`${shown} cannot be ${flags === 'r' ? 'loaded' : 'saved'}: ${reasons[code] ?? code}`, { cause: error })
  }
}
