import { readFile, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { parseCatalogue } from '../../crds/contract/catalogue.ts'
import { asFault, Fault, stalled, transient } from '../../crds/contract/fault.ts'
import { type Catalogue, type Catalogues, indexCatalogue } from '../consistency/catalogue.ts'

/** A catalogue file, unpacked, in bytes: the 14,246 instruments of the example are 5.7 MB. */
export const maxCatalogueBytes = 64 * 1024 * 1024

/** Catalogues kept in memory; the one that was asked for longest ago goes first. */
export const maxCachedCatalogues = 16

export type CatalogueLoader = {
  /** Every named catalogue, or the Fault that says why there is none. Never rejects for a bad file. */
  load(names: Iterable<string>): Promise<Catalogues>
}

type Entry = { stamp: string; catalogue: Promise<Catalogue>; checkedAt: number }

/**
 * Reads catalogues (JSON, or `.gz` of it) below the data directory. A file is read again only when its path, time or size
 * has changed, and looked at again only after `freshMs`, because every feed asks at every look. Faults: stalled `CatalogueNotFound`, `CatalogueInvalid`, `CatalogueTooLarge`, `CatalogueOutside` (a link that
 * leaves the directory); transient `CatalogueUnreadable`.
 */
export function openCatalogues(dataDirectory: string, freshMs = 0): CatalogueLoader {
  const cache = new Map<string, Entry>()
  return {
    async load(names) {
      const wanted = [...new Set(names)].sort()
      const loaded = await Promise.all(wanted.map(name => loadOne(dataDirectory, name, cache, freshMs).catch(faultOf(name))))
      return new Map(wanted.map((name, index) => [name, loaded[index] ?? notFound(name)]))
    },
  }
}

async function loadOne(dataDirectory: string, name: string, cache: Map<string, Entry>, freshMs: number): Promise<Catalogue> {
  const fresh = cache.get(name)
  if (fresh !== undefined && performance.now() - fresh.checkedAt < freshMs) return fresh.catalogue
  const path = await pathWithin(dataDirectory, name)
  const { mtimeNs, size, ino } = await stat(path, { bigint: true })
  if (size > maxCatalogueBytes) throw tooLarge(name)
  const stamp = `${path} ${mtimeNs} ${size} ${ino}`
  const known = cache.get(name)
  const catalogue = known?.stamp === stamp ? known.catalogue : readCatalogue(path, name)
  const entry = { stamp, catalogue, checkedAt: performance.now() }
  remember(cache, name, entry)
  return entry.catalogue.catch((error: unknown) => {
    if (!isContentError(error)) cache.delete(name)
    throw error
  })
}

/** The same bytes give the same error again; a failed read may not. */
function isContentError(error: unknown): boolean {
  return error instanceof Fault || error instanceof SyntaxError
}

async function readCatalogue(path: string, name: string): Promise<Catalogue> {
  const bytes = await readFile(path)
  const text = path.endsWith('.gz') ? await unpack(bytes, name) : bytes
  return indexCatalogue(name, parseCatalogue(text.toString('utf8'), name))
}

async function unpack(bytes: Buffer, name: string): Promise<Buffer> {
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: maxCatalogueBytes })
  } catch (error) {
    if (codeOf(error) === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(name)
    throw stalled('CatalogueInvalid', `catalogue ${name}: it is not a gzip file: ${asFault(error).message}`, error)
  }
}

/** The schema refuses absolute paths and `..`; this refuses links that lead out. */
async function pathWithin(dataDirectory: string, name: string): Promise<string> {
  const root = await realpath(dataDirectory)
  const path = await realpath(join(root, name))
  if (path.startsWith(root.endsWith(sep) ? root : root + sep)) return path
  throw stalled('CatalogueOutside', `catalogue ${name}: it leads out of the data directory`)
}

function remember(cache: Map<string, Entry>, name: string, entry: Entry): void {
  cache.delete(name)
  cache.set(name, entry)
  const [oldest] = cache.keys()
  if (cache.size > maxCachedCatalogues && oldest !== undefined) cache.delete(oldest)
}

function faultOf(name: string): (error: unknown) => Fault {
  return error => {
    if (error instanceof Fault) return error
    if (error instanceof SyntaxError) {
      return stalled('CatalogueInvalid', `catalogue ${name}: it is not JSON: ${error.message}`, error)
    }
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return notFound(name, error)
    return transient('CatalogueUnreadable', `catalogue ${name}: ${asFault(error).message}`, error)
  }
}

function notFound(name: string, cause?: unknown): Fault {
  return stalled('CatalogueNotFound', `there is no catalogue ${name} below the data directory`, cause)
}

function tooLarge(name: string): Fault {
  return stalled('CatalogueTooLarge', `catalogue ${name}: it is larger than ${maxCatalogueBytes} bytes`)
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
