import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where a text still is on this machine: in a file below one of the folders, or in the environment or arguments of a process. */
export function tracesOf(text: string, folders: string[]): string[] {
  return [...folders.flatMap(folder => filesWith(text, folder)), ...processesWith(text)]
}

/** Files of the disk that were written at `since` (ms since 1970) or later, as root all of them, and hold one of the texts. */
export function filesWrittenSince(since: number, texts: string[]): string[] {
  const written = ['/', '-xdev', '-type', 'f', '-newermt', `@${Math.floor(since / 1000) - 1}`, '-print0']
  const { stdout } = spawnSync('find', written, { encoding: 'utf8', maxBuffer: maxListBytes })
  return stdout.split('\0').filter(file => file !== '' && texts.some(text => read(file)?.includes(text)))
}

const maxListBytes = 64 * 1024 * 1024

function filesWith(text: string, folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => read(file)?.includes(text))
}

function processesWith(text: string): string[] {
  const ids = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  return ids.flatMap(id => [`/proc/${id}/environ`, `/proc/${id}/cmdline`]).filter(file => read(file)?.includes(text))
}

/** What goes away while it is looked for, or belongs to another user, is not ours. */
function read(file: string): Buffer | undefined {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}
