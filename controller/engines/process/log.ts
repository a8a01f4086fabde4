import { copyFile, type FileHandle, open, rename, stat, truncate } from 'node:fs/promises'
import { setImmediate as turn } from 'node:timers/promises'

const chunkBytes = 64 * 1024
/** What `tail` reads at most, whatever the lines' length. */
const maxTailBytes = 4 * 1024 * 1024

/**
 * Keeps `path` near `maxBytes` and at most `maxFiles` files of it (`path.1` is the youngest of the old). The writer holds the
 * file open for appending, so the file is copied and emptied in place: lines written between the two are lost.
 */
export async function rotate(path: string, maxBytes: number, maxFiles: number): Promise<void> {
  if ((await sizeOf(path)) <= maxBytes) return
  for (let index = maxFiles - 1; index > 1; index--) await moveIfThere(`${path}.${index - 1}`, `${path}.${index}`)
  if (maxFiles > 1) await copyFile(path, `${path}.1`)
  await truncate(path, 0)
}

/** The last lines, those of `path.1` before those of `path`. */
export async function tail(path: string, lines: number): Promise<string> {
  const current = await tailOf(path, lines)
  const missing = lines - countLines(current)
  return missing > 0 ? (await tailOf(`${path}.1`, missing)) + current : current
}

async function tailOf(path: string, lines: number): Promise<string> {
  const size = await sizeOf(path)
  if (size === 0 || lines <= 0) return ''
  const file = await open(path, 'r')
  try {
    return lastLines(await textBefore(file, size, lines), lines)
  } finally {
    await file.close()
  }
}

/** Reads backwards from the end until there are enough lines. */
async function textBefore(file: FileHandle, size: number, lines: number): Promise<string> {
  let text = Buffer.alloc(0)
  while (text.length < size && text.length < maxTailBytes && countLines(text.toString()) <= lines) {
    const start = Math.max(0, size - text.length - chunkBytes)
    const length = size - text.length - start
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start)
    if (bytesRead < length) break
    text = Buffer.concat([buffer, text])
    await turn()
  }
  return text.toString()
}

function lastLines(text: string, lines: number): string {
  const ends = text.endsWith('\n') ? 1 : 0
  const all = text.slice(0, text.length - ends).split('\n')
  return all.slice(-lines).join('\n') + (ends === 1 ? '\n' : '')
}

const countLines = (text: string): number => (text === '' ? 0 : text.split('\n').length - (text.endsWith('\n') ? 1 : 0))

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    found => found.size,
    () => 0,
  )

const moveIfThere = (from: string, to: string): Promise<void> => rename(from, to).catch(() => undefined)
