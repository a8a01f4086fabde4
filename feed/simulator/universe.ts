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
    const text = file.endsWith('.gz') ? await promisify(gunzip)(bytes) : bytes
    return parseCatalogue(text.toString(), file)
  } catch (error) {
    if (error instanceof Error && error.name === 'Fault') throw error
    throw stalled(
      'CatalogueUnreadable',
      `catalogue ${file} cannot be read: ${error instanceof Error ? error.message : error}`,
      error,
    )
  }
}
