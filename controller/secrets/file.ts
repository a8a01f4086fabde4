import { type BigIntStats, closeSync, constants, fstatSync, openSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join, sep } from 'node:path'
import { stalled, waiting } from '../../crds/contract/fault.ts'
import type { SecretValues } from './secret.ts'

/** A password is short; what is larger is some other file. */
const secretLimitBytes = 64 * 1024

/**
 * A file that was changed so shortly before it was read, in ms, may change again without another time: file systems count time in ticks
 * of a few ms, and some in seconds.
 */
const racyMs = 2500

type Stamp = Pick<BigIntStats, 'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>

/**
 * One file per key in a folder below the secrets directory; a trailing newline is no part of the value. The folder may be a link
 * (as secret mounts are), but not one that leads out of the directory. Reads synchronously: these are a few bytes of a memory file system or
 * a local disk, looked at with every reconcile, and the ways through Node's file threads were half of what a reconcile cost. A file that
 * is the same by its inode and times as when it was read is not read again.
 */
export class SecretFiles {
  readonly #root: string
  readonly #known = new Map<string, { stamp: Stamp; value: string }>()

  constructor(root: string) {
    this.#root = root
  }

  read(folder: string, keys: readonly string[]): SecretValues {
    const entries = keys.map(key => [key, this.#readKey(join(this.#root, folder, key))] as const)
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => Boolean(entry[1])))
  }

  /** Keeps no value that was read. */
  forget(): void {
    this.#known.clear()
  }

  #readKey(path: string): string | undefined {
    return orAbsent(path, () => {
      const stamp = statSync(path, { bigint: true, throwIfNoEntry: false })
      const known = this.#known.get(path)
      if (stamp && known && isSame(stamp, known.stamp)) return known.value
      this.#known.delete(path)
      if (!stamp) return undefined
      const value = readKey(this.#root, path)
      if (Date.now() - Number(stamp.ctimeNs / 1_000_000n) > racyMs) this.#known.set(path, { stamp, value })
      return value
    })
  }
}

const isSame = (a: Stamp, b: Stamp): boolean =>
  a.ino === b.ino && a.ctimeNs === b.ctimeNs && a.mtimeNs === b.mtimeNs && a.size === b.size && a.dev === b.dev

/** One file below the secrets directory that has to be there. Throws a waiting Fault `SecretMissing` where it is not, or is empty. */
export function readSecretFile(root: string, path: string): string {
  const place = join(root, path)
  const value = orAbsent(place, () => readKey(root, place))?.trim()
  if (!value) throw waiting('SecretMissing', `${place} is not there: write it`)
  return value
}

function readKey(root: string, path: string): string {
  const realPath = realpathSync.native(path)
  if (!realPath.startsWith(realpathSync.native(root) + sep))
    throw stalled('SecretRefused', `${path} leads out of the secrets directory`)
  return readBounded(path, realPath).replace(/\r?\n$/, '')
}

/** `undefined` where there is no such file; throws a Fault with the file's name where it cannot be read. */
function orAbsent(path: string, read: () => string | undefined): string | undefined {
  try {
    return read()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    if (code === undefined) throw error
    throw waiting('SecretUnreadable', `${path} cannot be read (${code}): give the controller's user read access`, error)
  }
}

// Without waiting: to open a pipe that nobody writes to would hold the whole controller.
function readBounded(path: string, realPath: string): string {
  const file = openSync(realPath, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = fstatSync(file)
    if (!stats.isFile()) throw stalled('SecretRefused', `${path} is no file`)
    if (stats.size > secretLimitBytes)
      throw stalled('SecretRefused', `${path} is larger than ${secretLimitBytes} bytes: this is no secret`)
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}
