import { createHash } from 'node:crypto'
import type { BigIntStats, Dirent } from 'node:fs'
import { lstat, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { maxFileBytes } from './document.ts'
import type { Problem } from './problem.ts'
import { wholeFile } from './syntax.ts'

/** YAML files below one root. */
export const maxFiles = 10_000

/** Folders within folders. */
export const maxFolderDepth = 16

/** Folders that are named where they cannot be read. */
const maxFolderProblems = 20

/** Files read at once; more would only wait for Node's four file threads. */
const maxReads = 32

/**
 * A file whose time is this close to the moment of reading is read again next time: a second write within the grain of the file
 * system's clock (4 ms on Linux, 2 s on FAT) does not move it. git calls such an entry racily clean.
 */
const racyMs = 2000

/** One look at a folder tree. */
export type Look = {
  /** By path relative to the root, in the order of the paths. */
  files: ReadonlyMap<string, SeenFile>
  /** False where the root or a folder below could not be read: a file that is not here may still exist. */
  known: boolean
  problems: Problem[]
}

export type SeenFile = { stamp: string; readAt: number } & ({ text: string; hash: string } | { problem: Problem })

/**
 * Looks at all `*.yaml` and `*.yml` below the root, through links, without names that begin with a dot (so that of a
 * ConfigMap's `..data` the links to it are read, and it is not read twice). Never rejects for what it finds; rejects with the
 * signal's reason. `before` saves reading what has not changed.
 */
export async function lookAt(root: string, before: Look | undefined, signal: AbortSignal): Promise<Look> {
  const listing: Listing = { paths: [], problems: [], known: true }
  await list(root, '', 0, listing)
  return { files: await seeAll(root, listing.paths.sort(), before, signal), known: listing.known, problems: listing.problems }
}

/** Looks at some files below the root, whatever their names. */
export async function seeAll(
  root: string,
  paths: string[],
  before: Look | undefined,
  signal: AbortSignal,
): Promise<Map<string, SeenFile>> {
  const files = new Map<string, SeenFile>()
  for (let start = 0; start < paths.length; start += maxReads) {
    signal.throwIfAborted()
    const batch = paths.slice(start, start + maxReads)
    const seen = await Promise.all(batch.map(path => see(root, path, before?.files.get(path))))
    for (const [index, file] of seen.entries()) if (file !== undefined) files.set(batch[index] ?? '', file)
  }
  return files
}

/** Equal where two looks saw the same. */
export function fingerprint(look: Look): string {
  const lines = [...look.files].map(([path, file]) => `${path} ${'hash' in file ? file.hash : file.problem.reason}`)
  return [look.known, ...lines].join('\n')
}

type Listing = { paths: string[]; problems: Problem[]; known: boolean }

async function list(root: string, folder: string, depth: number, listing: Listing): Promise<void> {
  const path = join(root, folder)
  try {
    if (depth > maxFolderDepth) throw new Error(`more than ${maxFolderDepth} folders within folders, or a link in a circle`)
    const entries = await readdir(path, { withFileTypes: true })
    for (const entry of entries.filter(candidate => !candidate.name.startsWith('.'))) {
      const name = join(folder, entry.name)
      if (await isFolder(root, name, entry, listing)) await list(root, name, depth + 1, listing)
      else if (isYaml(name)) listing.paths.push(name)
    }
    if (listing.paths.length > maxFiles) throw new Error(`more than ${maxFiles} YAML files`)
  } catch (error) {
    if (depth === 0 || !isAbsence(error)) giveUp(listing, path, error)
  }
}

/** A link that leads nowhere may have led to a folder: a mount that is lost, say. */
async function isFolder(root: string, name: string, entry: Dirent, listing: Listing): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory()
  const path = join(root, name)
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (!isYaml(name)) giveUp(listing, path, error)
    return false
  }
}

function isYaml(name: string): boolean {
  return /\.ya?ml$/.test(name)
}

function giveUp(listing: Listing, path: string, error: unknown): void {
  listing.known = false
  if (listing.problems.length < maxFolderProblems) listing.problems.push(unreadableFolder(path, error))
}

/** `undefined` where the file has gone since it was listed. */
async function see(root: string, path: string, before: SeenFile | undefined): Promise<SeenFile | undefined> {
  const file = join(root, path)
  try {
    const stats = await stat(file, { bigint: true })
    const stamp = stampOf(stats)
    const changedAt = Math.max(Number(stats.mtimeMs), Number(stats.ctimeMs))
    if (before?.stamp === stamp && before.readAt - changedAt > racyMs) return before
    const readAt = Date.now()
    if (!stats.isFile()) return { stamp, readAt, problem: unreadableFile(file, new Error('it is no file')) }
    if (stats.size > maxFileBytes) return { stamp, readAt, problem: tooLarge(file, stats.size) }
    return { stamp, readAt, ...textOf(file, await readFile(file)) }
  } catch (error) {
    if (isAbsence(error) && !(await isLink(file))) return undefined
    return { stamp: '', readAt: 0, problem: unreadableFile(file, error) }
  }
}

function stampOf({ mtimeNs, ctimeNs, size, ino, dev }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`
}

/** What tells one content of a file from another. */
export function hashOf(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex')
}

/** The text of a file, or why it is none. */
export function textOf(file: string, bytes: Buffer): { text: string; hash: string } | { problem: Problem } {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return { text, hash: hashOf(bytes) }
  } catch {
    const hint = 'save it as UTF-8 text'
    return { problem: { ...wholeFile(file), category: 'syntax', reason: 'NotText', message: 'the file is not UTF-8 text', hint } }
  }
}

function tooLarge(file: string, size: bigint): Problem {
  const message = `the file has ${size} bytes, and ${maxFileBytes} are read at most`
  return { ...wholeFile(file), category: 'syntax', reason: 'FileTooLarge', message, hint: 'split the file' }
}

function unreadableFile(file: string, error: unknown): Problem {
  const hint = 'let the controller read it: what it declared before stays as it is until then'
  return {
    ...wholeFile(file),
    category: 'unreadable',
    reason: 'Unreadable',
    message: `the file cannot be read: ${words(error)}`,
    hint,
  }
}

function unreadableFolder(path: string, error: unknown): Problem {
  const hint = 'bring the folder back: nothing is removed while it cannot be read'
  const message = `the folder cannot be read: ${words(error)}`
  return { ...wholeFile(path), category: 'unreadable', reason: 'FolderUnreadable', message, hint }
}

/** A link to a file that is missing: the file may come back, so it is not taken for removed. */
async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    stats => stats.isSymbolicLink(),
    () => false,
  )
}

function isAbsence(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
