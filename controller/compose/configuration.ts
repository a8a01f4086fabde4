import { createHash, type Hash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Files and bytes that are read at most; what lies beyond is not watched for changes. */
const maxFiles = 1000
const maxBytes = 16 * 1024 * 1024

/** Digest of the names and contents of files and of all files below folders. What is not here, or cannot be read, counts as empty. */
export async function configurationDigest(paths: string[]): Promise<string> {
  const digest = createHash('sha256')
  const left = { files: maxFiles, bytes: maxBytes }
  for (const path of paths) await add(path, digest, left)
  return digest.digest('hex').slice(0, 32)
}

async function add(path: string, digest: Hash, left: { files: number; bytes: number }): Promise<void> {
  const info = await stat(path).catch(() => undefined)
  if (info?.isDirectory()) {
    for (const name of (await readdir(path).catch(() => [])).sort()) await add(join(path, name), digest, left)
    return
  }
  if (!info?.isFile() || left.files === 0 || left.bytes < info.size) return
  const content = await readFile(path).catch(() => undefined)
  if (content === undefined) return
  left.files -= 1
  left.bytes -= content.length
  digest.update(`${path}\n${content.length}\n`).update(content)
}
