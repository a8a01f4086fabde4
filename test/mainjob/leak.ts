import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** A place that was searched, and what of it must not hold a secret. */
export type Place = { name: string; text: string }

/** Names of the places that hold any of the secrets. */
export function leaks(places: Place[], secrets: string[]): string[] {
  return places.filter(({ text }) => secrets.some(secret => text.includes(secret))).map(({ name }) => name)
}

/** Arguments and environments of every process of the machine that this user may look at. */
export async function processPlaces(): Promise<Place[]> {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name))
  const files = pids.flatMap(pid => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`])
  return (await Promise.all(files.map(readPlace))).filter(place => place !== undefined)
}

/** Every file below a folder, with its mode. */
export async function filePlaces(folder: string): Promise<(Place & { mode: number })[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const places = paths.map(async path => {
    const name = path.slice(folder.length + 1)
    return { name, text: (await readFile(path)).toString('latin1'), mode: (await stat(path)).mode & 0o777 }
  })
  return Promise.all(places)
}

// A process may end while it is looked at.
async function readPlace(path: string): Promise<Place | undefined> {
  try {
    return { name: path, text: await readFile(path, 'utf8') }
  } catch {
    return undefined
  }
}
