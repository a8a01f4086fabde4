import type { Instrument } from '../../crds/contract/catalogue.ts'
import type { InstrumentGroup } from '../../crds/contract/desired.ts'
import { type Fault, stalled } from '../../crds/contract/fault.ts'

/** A catalogue in the order of its instruments' names, with what the resolution of sets needs to be a single pass. */
export type Catalogue = {
  name: string
  /** `EXCHANGE.ID`, ascending by code unit. */
  names: string[]
  instruments: Instrument[]
  /** Index of a name. */
  indexOf: ReadonlyMap<string, number>
  /** Per instrument, index into `groups`. */
  groupOf: Uint32Array
  groups: { key: string; group: Omit<InstrumentGroup, 'instruments'> }[]
}

/** By the name that sets use. A catalogue that could not be read is the Fault that says why. */
export type Catalogues = ReadonlyMap<string, Catalogue | Fault>

/** Orders and groups a catalogue. Throws a stalled Fault `CatalogueInvalid` where an instrument is in it twice. */
export function indexCatalogue(name: string, unordered: Instrument[]): Catalogue {
  const named = unordered.map(instrument => ({ name: `${instrument.exchange}.${instrument.id}`, instrument }))
  named.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  const names = named.map(entry => entry.name)
  const indexOf = new Map(names.map((text, index) => [text, index]))
  if (indexOf.size < names.length) throw stalled('CatalogueInvalid', `catalogue ${name}: ${firstTwice(names)} is in it twice`)
  const instruments = named.map(entry => entry.instrument)
  return { name, names, instruments, indexOf, ...groupsOf(instruments) }
}

function groupsOf(instruments: Instrument[]): Pick<Catalogue, 'groupOf' | 'groups'> {
  const groupOf = new Uint32Array(instruments.length)
  const groups: Catalogue['groups'] = []
  const indexOfKey = new Map<string, number>()
  instruments.forEach((instrument, index) => {
    const { id: _, ...group } = instrument
    const key = groupKey(group)
    const known = indexOfKey.get(key) ?? groups.push({ key, group }) - 1
    indexOfKey.set(key, known)
    groupOf[index] = known
  })
  return { groupOf, groups }
}

/** Sorts as groups are shown: by exchange, product, class, then terms. */
function groupKey({ exchange, product, class: productClass, multiplier, priceTick, windows }: Omit<Instrument, 'id'>): string {
  return JSON.stringify([exchange, product, productClass, multiplier, priceTick, windows.day, windows.night ?? []])
}

function firstTwice(sorted: string[]): string {
  return sorted.find((name, index) => sorted[index - 1] === name) ?? ''
}
