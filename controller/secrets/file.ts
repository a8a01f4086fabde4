import { readFile, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { stalled, waiting } from '../../crds/contract/fault.ts'
import type { SecretValues } from './secret.ts'

/** A password is short; what is larger is some other file. */
const secretLimitBytes = 64 * 1024

/**
 * One file per key in a folder below the secrets directory; a trailing newline is no part of the value. The folder may be a link
 * (as secret mounts are), but not one that leaves the directory.
 */
export async function readFiles(root: string, folder: string, keys: readonly string[]): Promise<SecretValues> {
  const entries = await Promise.all(keys.map(async key => [key, await readKey(root, join(root, folder, key))] as const))
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => Boolean(entry[1])))
}

async function readKey(root: string, path: string): Promise<string | undefined> {
  try {
    const [realRoot, realPath] = await Promise.all([realpath(root), realpath(path)])
    if (!realPath.startsWith(realRoot + sep)) throw stalled('SecretRefused', `${path} leads out of the secrets directory`)
    if ((await stat(realPath)).size > secretLimitBytes)
      throw stalled('SecretRefused', `${path} is larger than ${secretLimitBytes} bytes: this is no secret`)
    return (await readFile(realPath, 'utf8')).replace(/\r?\n$/, '')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    if (code === undefined) throw error
    throw waiting('SecretUnreadable', `${path} cannot be read (${code}): give the controller's user read access`, error)
  }
}
