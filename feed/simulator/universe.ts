import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { type Instrument, parseCatalogue } from '../../crds/contract/catalogue.ts'
import { stalled } from '../../crds/contract/fault.ts'

export const defaultUniverse = fileURLToPath(
  new URL('../../examples/data/instruments/cn-derivatives-14246.json.gz', import.meta.url),
)

/** The most that a front carries; China's whole market of derivatives is about this size. */
const maxInstruments = 20_000

const entriesPerPiece = 500
const [quote, backslash, braceOpen, braceClose] = [0x22, 0x5c, 0x7b, 0x7d]

/** Years by which the months of the catalogue (five years long) are moved in each round of `extend`. */
const yearsPerRound = 5

/**
 * Reads catalogues (JSON or JSON.gz) and brings them to `count` instruments: the first of the list, or the whole list and then the
 * same contracts in later years. Always the same for the same input. Throws a stalled Fault where a file is no catalogue or
 * `count` cannot be reached.
 */
export async function readUniverse(files: string[], count?: number): Promise<Instrument[]> {
  const listed = (await Promise.all(files.map(readCatalogue))).flat()
  const unique = [...new Map(listed.map(instrument => [instrument.id, instrument])).values()]
  const wanted = count ?? Math.min(unique.length, maxInstruments)
  if (wanted < 1 || wanted > maxInstruments)
    throw stalled('UniverseSize', `${wanted} instruments are outside 1 to ${maxInstruments}`)
  return wanted <= unique.length ? unique.slice(0, wanted) : extend(unique, wanted)
}

/** The instruments and, up to `count`, their contracts 5, 10, 15 ... years later: `cs1605` -> `cs2105`. */
function extend(instruments: Instrument[], count: number): Instrument[] {
  const byId = new Map(instruments.map(instrument => [instrument.id, instrument]))
  for (let years = yearsPerRound; years < 100 && byId.size < count; years += yearsPerRound) {
    for (const instrument of instruments) {
      const id = laterId(instrument.id, years)
      if (id !== undefined && !byId.has(id)) byId.set(id, { ...instrument, id })
      if (byId.size === count) break
    }
  }
  if (byId.size < count) throw stalled('UniverseSize', `these catalogues yield ${byId.size} instruments, not ${count}`)
  return [...byId.values()]
}

/** CZCE's ids tell only the last digit of the year, and combinations name two months: those are not moved. */
function laterId(id: string, years: number): string | undefined {
  const [, product, year, rest] = /^([A-Za-z]+)(\d\d)(\d\d(?!\d).*)$/.exec(id) ?? []
  if (product === undefined) return undefined
  return `${product}${String((Number(year) + years) % 100).padStart(2, '0')}${rest}`
}

async function readCatalogue(file: string): Promise<Instrument[]> {
  try {
    const bytes = await readFile(file)
    const text = (file.endsWith('.gz') ? await promisify(gunzip)(bytes) : bytes).toString()
    const windows = new Map<string, Instrument['windows']>()
    return pieces(text).flatMap((piece, index) =>
      parseCatalogue(piece, index === 0 ? file : `${file} after entry ${index * entriesPerPiece}`).map(instrument =>
        sharing(instrument, windows),
      ),
    )
  } catch (error) {
    if (error instanceof Error && error.name === 'Fault') throw error
    throw stalled(
      'CatalogueUnreadable',
      `catalogue ${file} cannot be read: ${error instanceof Error ? error.message : error}`,
      error,
    )
  }
}

/** Many instruments trade at the same hours: they share one object for them. */
function sharing(instrument: Instrument, windows: Map<string, Instrument['windows']>): Instrument {
  const key = JSON.stringify(instrument.windows)
  const known = windows.get(key)
  if (known === undefined) windows.set(key, instrument.windows)
  return { ...instrument, windows: known ?? instrument.windows }
}

/**
 * A catalogue is parsed in pieces, because a whole one with its validation takes 130 MB that the process keeps. A piece is an array
 * of some of the entries; a text that is no array of objects is one piece, for the parser to complain about.
 */
function pieces(text: string): string[] {
  const found: string[] = []
  let [depth, entries, from, quoted] = [0, 0, -1, false]
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (quoted) {
      if (char === backslash) at++
      else if (char === quote) quoted = false
    } else if (char === quote) quoted = true
    else if (char === braceOpen) {
      if (depth++ === 0 && from < 0) from = at
    } else if (char === braceClose && --depth === 0 && ++entries % entriesPerPiece === 0) {
      found.push(`[${text.slice(from, at + 1)}]`)
      from = -1
    }
  }
  if (found.length === 0 || depth !== 0) return [text]
  return from < 0 ? found : [...found, `[${text.slice(from, text.lastIndexOf('}') + 1)}]`]
}
